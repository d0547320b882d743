/* SPDX-License-Identifier: Apache-2.0 */
/* Routes in iproute2's words, as `ip route` prints and takes them, into the router's policy.
 * docs/policy-router.md has the language. */
#include <stdlib.h>
#include <string.h>

#include "policy/single.h"
#include "policy/words.h"
#include "router/format.h"

enum {
    ROUTE_BYTES_MAX = 2 + 16,
    HEADER_BYTES = 24,
    /* Beyond, a list of names would be larger than all else: routes are shown by number. */
    NAMES_MAX = 50000,
    ICMP_RATE_DEFAULT = 1000, /* as Linux' icmp_msgs_per_sec */
    ICMP_BURST_DEFAULT = 50,  /* and its icmp_msgs_burst */
};

struct route {
    struct pol_prefix prefix;
    uint8_t action;
    uint64_t metric;
    uint32_t line;
    char *text; /* NULL where names are not kept */
};

struct routes {
    struct route *list;
    uint32_t count, room;
    uint32_t count4;
    uint64_t icmp_rate, icmp_burst;
    bool is_icmp_set;
};

/* ---- one line ---- */

static const struct {
    const char *word;
    uint8_t action;
} types[] = {
    {"unreachable", SL_RT_UNREACHABLE},
    {"blackhole", SL_RT_BLACKHOLE},
    {"prohibit", SL_RT_PROHIBIT},
    {"local", SL_RT_LOCAL_LAN},
    {"unicast", SL_RT_LAN},
};

static sl_rc read_device(const struct pol_words *words, uint32_t at, struct route *route,
                         struct sl_err *err)
{
    bool is_lan = pol_words_is(words, at, "lan");
    if (!is_lan && !pol_words_is(words, at, "wan")) {
        return pol_words_fault(words, at, SL_MALFORMED, err, "expected lan or wan");
    }
    if (route->action == SL_RT_LAN) {
        route->action = is_lan ? SL_RT_LAN : SL_RT_WAN;
    } else if (route->action == SL_RT_LOCAL_LAN) {
        route->action = is_lan ? SL_RT_LOCAL_LAN : SL_RT_LOCAL_WAN;
    } else {
        return pol_words_fault(words, at - 1, SL_MALFORMED, err,
                               "a route that refuses has no device");
    }
    return SL_OK;
}

/* What follows the prefix: dev, metric, and the words that `ip route` prints for people. */
static sl_rc read_options(const struct pol_words *words, uint32_t at, struct route *route,
                          struct sl_err *err)
{
    bool has_device = false;
    bool needs_device = route->action == SL_RT_LAN || route->action == SL_RT_LOCAL_LAN;
    for (; at < words->count; at += 2) {
        sl_rc rc = SL_OK;
        if (pol_words_is(words, at, "dev") && !has_device) {
            has_device = true;
            rc = read_device(words, at + 1, route, err);
        } else if (pol_words_is(words, at, "metric")) {
            rc = pol_words_number(words, at + 1, UINT32_MAX, &route->metric, err);
        } else if (pol_words_is(words, at, "proto") || pol_words_is(words, at, "scope")) {
            rc = at + 1 < words->count
                     ? SL_OK
                     : pol_words_fault(words, at + 1, SL_MALFORMED, err, "expected a name");
        } else if (pol_words_is(words, at, "via")) {
            rc = pol_words_fault(words, at, SL_UNSUPPORTED, err,
                                 "the neighbour is found by the routes of the machine that runs "
                                 "safelib-gateway; say dev lan or dev wan only");
        } else {
            rc = pol_words_fault(words, at, SL_UNSUPPORTED, err,
                                 "expected dev, metric, proto or scope");
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
    if (needs_device && !has_device) {
        return pol_words_fault(words, at, SL_MALFORMED, err, "expected dev lan or dev wan");
    }
    return SL_OK;
}

/* `default` is IPv4, unless -6 stands before it, as for ip itself. */
static sl_rc read_route(const struct pol_words *words, uint32_t at, bool is_v6,
                        struct route *ret_route, struct sl_err *err)
{
    struct route route = {.action = SL_RT_LAN, .line = words->line};
    for (uint32_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (pol_words_is(words, at, types[i].word)) {
            route.action = types[i].action;
            at++;
            break;
        }
    }
    sl_rc rc = SL_OK;
    if (pol_words_is(words, at, "default")) {
        route.prefix.version = is_v6 ? 6 : 4;
    } else {
        rc = pol_words_prefix(words, at, &route.prefix, err);
        if (rc == SL_OK && is_v6 && route.prefix.version == 4) {
            rc = pol_words_fault(words, at, SL_MALFORMED, err, "-6 asks for an IPv6 prefix");
        }
    }
    if (rc != SL_OK) {
        return rc;
    }
    uint32_t full = route.prefix.version == 4 ? 32 : 128;
    if (route.action == SL_RT_LOCAL_LAN && route.prefix.length != full) {
        return pol_words_fault(words, at, SL_MALFORMED, err, "local takes a single address");
    }
    rc = read_options(words, at + 1, &route, err);
    if (rc == SL_OK) {
        *ret_route = route;
    }
    return rc;
}

/* `icmp rate 1000 burst 50` */
static sl_rc read_icmp(const struct pol_words *words, struct routes *routes, struct sl_err *err)
{
    if (routes->is_icmp_set) {
        return pol_words_fault(words, 0, SL_MALFORMED, err, "is there already");
    }
    routes->is_icmp_set = true;
    if (!pol_words_is(words, 1, "rate")) {
        return pol_words_fault(words, 1, SL_MALFORMED, err, "expected `icmp rate N [burst N]`");
    }
    sl_rc rc = pol_words_number(words, 2, SL_RT_ICMP_RATE_MAX, &routes->icmp_rate, err);
    if (rc != SL_OK || words->count == 3) {
        return rc;
    }
    if (!pol_words_is(words, 3, "burst")) {
        return pol_words_fault(words, 3, SL_MALFORMED, err, "expected burst");
    }
    rc = pol_words_number(words, 4, SL_RT_ICMP_RATE_MAX, &routes->icmp_burst, err);
    if (rc == SL_OK && words->count > 5) {
        rc = pol_words_fault(words, 5, SL_MALFORMED, err, "expected the end of the line");
    }
    return rc;
}

/* ---- the table ---- */

static sl_rc add(struct routes *routes, const struct route *route, const struct pol_words *words,
                 struct sl_err *err)
{
    if (routes->count == routes->room) {
        uint32_t room = routes->room * 2 + 256;
        void *moved = realloc(routes->list, room * sizeof(*routes->list));
        if (moved == NULL) {
            return sl_err_set(err, SL_NO_MEMORY, "%s: out of memory", words->path);
        }
        routes->list = moved;
        routes->room = room;
    }
    struct route *at = &routes->list[routes->count];
    *at = *route;
    at->text = routes->count < NAMES_MAX ? strdup(words->text) : NULL;
    routes->count++;
    return SL_OK;
}

static int compare(const void *left, const void *right)
{
    const struct route *a = left;
    const struct route *b = right;
    if (a->prefix.version != b->prefix.version) {
        return a->prefix.version < b->prefix.version ? -1 : 1;
    }
    int order = memcmp(a->prefix.addr, b->prefix.addr, sizeof(a->prefix.addr));
    if (order != 0) {
        return order;
    }
    if (a->prefix.length != b->prefix.length) {
        return a->prefix.length < b->prefix.length ? -1 : 1;
    }
    if (a->metric != b->metric) {
        return a->metric < b->metric ? -1 : 1;
    }
    return a->line < b->line ? -1 : a->line > b->line;
}

static bool is_same_prefix(const struct route *a, const struct route *b)
{
    return a->prefix.version == b->prefix.version && a->prefix.length == b->prefix.length &&
           memcmp(a->prefix.addr, b->prefix.addr, sizeof(a->prefix.addr)) == 0;
}

/* Sorts, and keeps of each prefix the route of the lowest metric. */
static sl_rc settle(struct routes *routes, const char *path, struct sl_err *err)
{
    uint32_t kept = 0;
    if (routes->count != 0) {
        qsort(routes->list, routes->count, sizeof(*routes->list), compare);
    }
    for (uint32_t i = 0; i < routes->count; i++) {
        struct route *route = &routes->list[i];
        struct route *before = kept > 0 ? &routes->list[kept - 1] : NULL;
        if (before != NULL && is_same_prefix(before, route)) {
            if (before->metric == route->metric) {
                return sl_err_set(err, SL_MALFORMED,
                                  "%s:%u: line %u has a route for that prefix and metric already",
                                  path, route->line, before->line);
            }
            free(route->text);
            route->text = NULL;
            continue;
        }
        struct route moved = *route;
        route->text = NULL;
        routes->list[kept++] = moved;
        routes->count4 += moved.prefix.version == 4;
    }
    routes->count = kept;
    uint32_t count6 = kept - routes->count4;
    if (routes->count4 > SL_RT_ROUTES_MAX || count6 > SL_RT_ROUTES_MAX) {
        return sl_err_set(err, SL_RANGE, "%s: %u IPv4 and %u IPv6 routes; at most %u of each", path,
                          routes->count4, count6, SL_RT_ROUTES_MAX);
    }
    return SL_OK;
}

static sl_rc read_all(struct pol_words *words, struct routes *routes, struct sl_err *err)
{
    for (;;) {
        bool has;
        sl_rc rc = pol_words_next(words, &has, err);
        if (rc != SL_OK || !has) {
            return rc;
        }
        if (pol_words_is(words, 0, "icmp")) {
            rc = read_icmp(words, routes, err);
        } else {
            /* what a shell script of `ip -6 route add` lines has before the route */
            struct route route;
            uint32_t at = pol_words_is(words, 0, "ip") ? 1 : 0;
            bool is_v6 = pol_words_is(words, at, "-6");
            at += is_v6 || pol_words_is(words, at, "-4");
            at += pol_words_is(words, at, "route");
            at += pol_words_is(words, at, "add");
            rc = read_route(words, at, is_v6, &route, err);
            rc = rc == SL_OK ? add(routes, &route, words, err) : rc;
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
}

/* ---- the policy ---- */

static const char *action_name(uint8_t action)
{
    static const char *const names[SL_RT_ACTION_COUNT] = {
        [SL_RT_LAN] = "dev lan",
        [SL_RT_WAN] = "dev wan",
        [SL_RT_UNREACHABLE] = "unreachable",
        [SL_RT_BLACKHOLE] = "blackhole",
        [SL_RT_PROHIBIT] = "prohibit",
        [SL_RT_LOCAL_LAN] = "local",
        [SL_RT_LOCAL_WAN] = "local",
    };
    return names[action];
}

static void put_note(const struct routes *routes, struct sl_policy *policy)
{
    bool has_local6 = false;
    for (uint32_t i = routes->count4; i < routes->count; i++) {
        has_local6 |= routes->list[i].action >= SL_RT_LOCAL_LAN;
    }
    char text[96];
    if (routes->count > NAMES_MAX) {
        (void)snprintf(text, sizeof(text), "%u routes: above %d they are shown by number",
                       routes->count, NAMES_MAX);
        policy->note = strdup(text);
    } else if (routes->count > routes->count4 && !has_local6) {
        policy->note = strdup("no `local` IPv6 address: ICMPv6 errors have no source and are not "
                              "sent");
    }
}

static sl_rc put_policy(const struct routes *routes, const char *path, struct sl_policy *ret_policy,
                        struct sl_err *err)
{
    struct pol_single single;
    size_t size = HEADER_BYTES + (size_t)routes->count * ROUTE_BYTES_MAX;
    sl_rc rc = pol_single_init(&single, "router", "route", path, size, err);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_writer *w = &single.w;
    sl_writer_be32(w, SL_RT_MAGIC);
    sl_writer_be16(w, SL_RT_FORMAT);
    sl_writer_be16(w, 0);
    sl_writer_be32(w, (uint32_t)routes->icmp_rate);
    sl_writer_be32(w, (uint32_t)routes->icmp_burst);
    sl_writer_be32(w, routes->count4);
    sl_writer_be32(w, routes->count - routes->count4);
    for (uint32_t i = 0; i < routes->count && rc == SL_OK; i++) {
        const struct route *route = &routes->list[i];
        sl_writer_u8(w, route->prefix.length);
        sl_writer_u8(w, route->action);
        sl_writer_bytes(w, route->prefix.addr, (route->prefix.length + 7u) / 8);
        if (routes->count <= NAMES_MAX) {
            rc = pol_single_rule(&single, route->line, route->text != NULL ? route->text : "",
                                 action_name(route->action), err);
        }
    }
    if (rc == SL_OK) {
        put_note(routes, &single.policy);
        rc = pol_single_finish(&single, "unreachable", ret_policy, err);
    }
    pol_single_done(&single);
    return rc;
}

sl_rc sl_policy_compile_route(const char *path, struct sl_policy *ret_policy, struct sl_err *err)
{
    struct pol_words words;
    struct routes routes = {.icmp_rate = ICMP_RATE_DEFAULT, .icmp_burst = ICMP_BURST_DEFAULT};
    sl_rc rc = pol_words_open(&words, path, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = read_all(&words, &routes, err);
    pol_words_close(&words);
    rc = rc == SL_OK ? settle(&routes, path, err) : rc;
    rc = rc == SL_OK ? put_policy(&routes, path, ret_policy, err) : rc;
    for (uint32_t i = 0; i < routes.count; i++) {
        free(routes.list[i].text);
    }
    free(routes.list);
    return rc;
}
