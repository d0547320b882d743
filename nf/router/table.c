/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a router's policy: hostile input, bounded, and in the one order that is allowed. */
#include "router/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safelib/bytes.h"

struct reading {
    struct sl_reader r;
    char *reason;
    size_t reason_size;
};

static sl_rc refuse(struct reading *in, sl_rc rc, uint32_t route, const char *what)
{
    (void)snprintf(in->reason, in->reason_size, "route %u: %s", route + 1, what);
    return rc;
}

/* An address of the router's own: the first of a port is where its ICMP errors come from. */
static void note_local(struct rt_table *table, uint8_t action, const struct rt_route *route,
                       bool is_v6)
{
    uint32_t port = action == SL_RT_LOCAL_LAN ? SL_PORT_LAN : SL_PORT_WAN;
    bool *has = is_v6 ? &table->has_local6[port] : &table->has_local4[port];
    if (*has) {
        return;
    }
    *has = true;
    if (is_v6) {
        sl_be64_put(table->local6[port], route->prefix.hi);
        sl_be64_put(table->local6[port] + 8, route->prefix.lo);
    } else {
        sl_be32_put(table->local4[port], (uint32_t)(route->prefix.hi >> 32));
    }
}

static sl_rc read_route(struct reading *in, struct rt_table *table, bool is_v6, uint32_t number,
                        struct rt_route *ret_route)
{
    uint8_t bytes[16] = {0};
    uint32_t length = sl_reader_u8(&in->r);
    uint8_t action = sl_reader_u8(&in->r);
    if (length > (is_v6 ? 128 : 32)) {
        return refuse(in, SL_MALFORMED, number, "prefix length out of range");
    }
    sl_reader_copy(&in->r, bytes, (length + 7) / 8);
    if (in->r.rc != SL_OK) {
        return refuse(in, SL_TRUNCATED, number, "the policy ends here");
    }
    if (action >= SL_RT_ACTION_COUNT) {
        return refuse(in, SL_MALFORMED, number, "unknown action");
    }
    *ret_route = (struct rt_route){
        .prefix = {.hi = sl_be64_get(bytes), .lo = sl_be64_get(bytes + 8)},
        .length = length,
        .value = number,
    };
    if (!rt_route_holds(ret_route, ret_route->prefix)) {
        return refuse(in, SL_MALFORMED, number, "bits behind the prefix length");
    }
    if (action == SL_RT_LOCAL_LAN || action == SL_RT_LOCAL_WAN) {
        if (length != (is_v6 ? 128 : 32)) {
            return refuse(in, SL_MALFORMED, number, "local is not a single address");
        }
        note_local(table, action, ret_route, is_v6);
    }
    table->actions[number] = action;
    return SL_OK;
}

/* Routes of one family, numbered from `base`, into a trie. */
static sl_rc read_family(struct reading *in, struct rt_table *table, bool is_v6, uint32_t base,
                         uint32_t count)
{
    struct rt_trie *trie = is_v6 ? &table->trie6 : &table->trie4;
    struct rt_route *routes = calloc((size_t)count + 1, sizeof(*routes));
    sl_rc rc = routes != NULL ? SL_OK : refuse(in, SL_NO_MEMORY, base, "out of memory");
    for (uint32_t i = 0; i < count && rc == SL_OK; i++) {
        rc = read_route(in, table, is_v6, base + i, &routes[i]);
        if (rc == SL_OK && i > 0 && rt_route_compare(&routes[i - 1], &routes[i]) >= 0) {
            rc = refuse(in, SL_MALFORMED, base + i, "not above the one before it");
        }
    }
    if (rc == SL_OK && rt_trie_build(routes, count, trie) != SL_OK) {
        rc = refuse(in, SL_NO_MEMORY, base, "out of memory for the table");
    }
    free(routes);
    return rc;
}

static sl_rc read_header(struct reading *in, struct rt_table *table)
{
    uint32_t magic = sl_reader_be32(&in->r);
    uint16_t format = sl_reader_be16(&in->r);
    uint16_t zero = sl_reader_be16(&in->r);
    table->icmp_rate = sl_reader_be32(&in->r);
    table->icmp_burst = sl_reader_be32(&in->r);
    table->count4 = sl_reader_be32(&in->r);
    table->count6 = sl_reader_be32(&in->r);
    const char *what = NULL;
    sl_rc rc = in->r.rc;
    if (rc != SL_OK) {
        what = "the policy ends within its header";
    } else if (magic != SL_RT_MAGIC || zero != 0) {
        rc = SL_MALFORMED;
        what = "no policy of a router";
    } else if (format != SL_RT_FORMAT) {
        rc = SL_UNSUPPORTED;
        what = "a policy of another format";
    } else if (table->count4 > SL_RT_ROUTES_MAX || table->count6 > SL_RT_ROUTES_MAX) {
        rc = SL_RANGE;
        what = "too many routes";
    } else if (table->icmp_rate > SL_RT_ICMP_RATE_MAX || table->icmp_burst > SL_RT_ICMP_RATE_MAX) {
        rc = SL_RANGE;
        what = "rate or burst of ICMP errors is too large";
    } else if ((uint64_t)table->count4 * 2 + (uint64_t)table->count6 * 2 >
               sl_reader_left(&in->r)) { /* before memory is taken for what cannot be there */
        rc = SL_TRUNCATED;
        what = "fewer routes than its header says";
    }
    if (what != NULL) {
        (void)snprintf(in->reason, in->reason_size, "%s", what);
    }
    return rc;
}

sl_rc rt_table_read(const void *policy, size_t size, struct rt_table **ret_table, char *reason,
                    size_t reason_size)
{
    struct reading in = {.reason = reason, .reason_size = reason_size};
    struct rt_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return SL_NO_MEMORY;
    }
    table->references = 1;
    sl_reader_init(&in.r, policy, size);
    sl_rc rc = read_header(&in, table);
    if (rc == SL_OK) {
        table->actions = calloc((size_t)table->count4 + table->count6 + 1, 1);
        rc = table->actions != NULL ? SL_OK : SL_NO_MEMORY;
    }
    if (rc == SL_OK) {
        rc = read_family(&in, table, false, 0, table->count4);
    }
    if (rc == SL_OK) {
        rc = read_family(&in, table, true, table->count4, table->count6);
    }
    if (rc == SL_OK && sl_reader_end(&in.r) != SL_OK) {
        (void)snprintf(reason, reason_size, "%zu bytes after the last route",
                       sl_reader_left(&in.r));
        rc = SL_MALFORMED;
    }
    if (rc != SL_OK) {
        rt_table_drop(table);
        return rc;
    }
    *ret_table = table;
    return SL_OK;
}

void rt_table_drop(struct rt_table *table)
{
    if (table == NULL || --table->references > 0) {
        return;
    }
    rt_trie_done(&table->trie4);
    rt_trie_done(&table->trie6);
    free(table->actions);
    free(table);
}
