/* SPDX-License-Identifier: Apache-2.0 */
/* The router: longest prefix match, hop limits, and the ICMP that routers owe (RFC 1812, 4443).
 *
 * A packet whose route leads out of the other port goes on (SL_VERDICT_PASS). One whose route leads
 * back is turned round as it is (SL_VERDICT_TURN): it comes here again as though from the other
 * side, is routed then, and visits once more the NFs that it came through. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/checks.h"
#include "router/table.h"
#include "safelib/bytes.h"
#include "safelib/checksum.h"
#include "safelib/reply.h"

/* name, meaning */
#define COUNTER_TABLE(X)                                                                           \
    X(to_lan, "packets sent on to the LAN")                                                        \
    X(to_wan, "packets sent on to the WAN")                                                        \
    X(hairpinned, "turned round: their route leads back")                                          \
    X(no_route, "no route has the destination")                                                    \
    X(unreachable, "an unreachable route has it")                                                  \
    X(prohibited, "a prohibit route has it")                                                       \
    X(blackholed, "a blackhole route has it")                                                      \
    X(expired, "TTL or hop limit used up")                                                         \
    X(bad_checksum, "IPv4 header checksum is wrong")                                               \
    X(martian, "source or destination that no router forwards")                                    \
    X(multicast, "multicast destination")                                                          \
    X(source_route, "IPv4 source route")                                                           \
    X(bad_option, "IPv4 option breaks its format")                                                 \
    X(echoes, "pings of the router's own addresses answered")                                      \
    X(local_refused, "other packets to them")                                                      \
    X(icmp_sent, "ICMP errors sent")                                                               \
    X(icmp_limited, "ICMP errors not sent: too many a second")                                     \
    X(icmp_withheld, "ICMP errors not sent: none may be, or no address to send from")

struct counters {
#define COUNTER_FIELD(name, text) uint64_t name;
    COUNTER_TABLE(COUNTER_FIELD)
#undef COUNTER_FIELD
};
#define COUNTER_NAME(name, text) #name,
static const char *const counter_names[] = {COUNTER_TABLE(COUNTER_NAME)};
#undef COUNTER_NAME
enum { COUNTER_COUNT = sizeof(counter_names) / sizeof(counter_names[0]) };
_Static_assert(sizeof(struct counters) == COUNTER_COUNT * sizeof(uint64_t), "one for each name");

enum {
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_ICMP6 = 58,
    ECHO4 = 8,
    ECHO6 = 128,
    OWN_TTL = 64,
    MS = 1000,
};

/* One shard's state. */
struct router {
    struct rt_table *table;
    struct counters counters;
    uint64_t icmp_level; /* errors it may send, times MS and the number of shards */
    uint64_t icmp_ms;    /* when the level was last raised; 0: never */
    uint32_t shard_count;
};

/* ---- state ---- */

static uint64_t icmp_full(const struct router *router)
{
    return (uint64_t)router->table->icmp_burst * MS;
}

static sl_rc router_over(struct rt_table *table, void **ret_state)
{
    struct router *router = calloc(1, sizeof(*router));
    if (router == NULL) {
        return SL_NO_MEMORY;
    }
    router->table = table;
    router->shard_count = 1;
    router->icmp_level = icmp_full(router);
    *ret_state = router;
    return SL_OK;
}

static sl_rc router_load(const void *policy, size_t size, void **ret_state, char *reason,
                         size_t reason_size)
{
    struct rt_table *table = NULL;
    sl_rc rc = rt_table_read(policy, size, &table, reason, reason_size);
    if (rc == SL_OK) {
        rc = router_over(table, ret_state);
        if (rc != SL_OK) {
            rt_table_drop(table);
        }
    }
    return rc;
}

static sl_rc router_share(void *state, void **ret_state)
{
    struct router *router = state;
    sl_rc rc = router_over(router->table, ret_state);
    if (rc == SL_OK) {
        router->table->references++;
    }
    return rc;
}

static void router_place(void *state, uint32_t shard, uint32_t shard_count)
{
    struct router *router = state;
    router->shard_count = shard_count;
}

static void router_unload(void *state)
{
    struct router *router = state;
    if (router != NULL) {
        rt_table_drop(router->table);
        free(router);
    }
}

/* The rate of ICMP errors lives on, so that reloading is no way round it. */
static void router_adopt(void *state, void *old)
{
    struct router *router = state;
    const struct router *before = old;
    uint64_t full = icmp_full(router);
    router->icmp_level = before->icmp_level < full ? before->icmp_level : full;
    router->icmp_ms = before->icmp_ms;
}

static void router_tick(void *state, uint64_t now_ms, uint64_t unix_ms, struct sl_emit *emit)
{
    struct router *router = state;
    uint64_t full = icmp_full(router);
    uint64_t gone_ms =
        router->icmp_ms != 0 && now_ms > router->icmp_ms ? now_ms - router->icmp_ms : 0;
    uint64_t room = full - router->icmp_level;
    bool is_full = router->table->icmp_rate == 0 || gone_ms >= room / router->table->icmp_rate + 1;
    router->icmp_level = is_full ? full : router->icmp_level + gone_ms * router->table->icmp_rate;
    router->icmp_ms = now_ms;
}

/* One thread writes, another may read: relaxed, so that a value never tears. */
static void count(uint64_t *counter)
{
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* ---- ICMP ---- */

/* What goes wrong with a packet, in both families' words. RFC 1812 5.2.7.1 and Linux agree on the
 * codes; RFC 4443 3.1, 3.3, 3.4 for IPv6. */
struct error {
    uint8_t type4, code4;
    uint8_t type6, code6;
};
static const struct error no_route_error = {3, 0, 1, 0};
static const struct error unreachable_error = {3, 1, 1, 3};
static const struct error prohibited_error = {3, 13, 1, 1};
static const struct error expired_error = {11, 0, 3, 0};
static const struct error port_error = {3, 3, 1, 4};
static const struct error protocol_error = {3, 2, 4, 1};
static const struct error option_error = {12, 0, 4, 0};

/* RFC 1812 4.3.2.4: "the IP source address in an ICMP message originated by the router MUST be one
 * of the IP addresses associated with the physical interface over which the ICMP message is
 * transmitted"; RFC 7600 4.8 has a dummy for an IPv4 router that has none; IPv6 has no such. */
static const uint8_t *icmp_source(const struct router *router, const struct sl_packet *packet)
{
    static const uint8_t dummy[4] = {192, 0, 0, 8};
    const struct rt_table *table = router->table;
    uint32_t port = packet->port_in == SL_PORT_LAN ? SL_PORT_LAN : SL_PORT_WAN;
    uint32_t other = 1 - port;
    if (packet->ip_version == 6) {
        const uint8_t *second = table->has_local6[other] ? table->local6[other] : NULL;
        return table->has_local6[port] ? table->local6[port] : second;
    }
    const uint8_t *second = table->has_local4[other] ? table->local4[other] : dummy;
    return table->has_local4[port] ? table->local4[port] : second;
}

/* Answers with an error where one may be sent, else drops. */
static uint8_t refuse(struct router *router, struct sl_packet *packet, const struct error *error,
                      uint32_t info)
{
    const uint8_t *src = icmp_source(router, packet);
    uint64_t cost = (uint64_t)router->shard_count * MS;
    if (router->table->icmp_rate == 0 || src == NULL) {
        count(&router->counters.icmp_withheld);
        return SL_VERDICT_DROP;
    }
    if (router->icmp_level < cost) {
        count(&router->counters.icmp_limited);
        return SL_VERDICT_DROP;
    }
    bool is_v4 = packet->ip_version == 4;
    const struct sl_icmp_error icmp = {.type = is_v4 ? error->type4 : error->type6,
                                       .code = is_v4 ? error->code4 : error->code6,
                                       .info = info,
                                       .src = src};
    if (sl_packet_reply_icmp(packet, &icmp) != SL_OK) {
        count(&router->counters.icmp_withheld);
        return SL_VERDICT_DROP;
    }
    router->icmp_level -= cost;
    count(&router->counters.icmp_sent);
    return SL_VERDICT_REPLY;
}

static void set_ttl(struct sl_packet *packet, uint8_t ttl)
{
    if (packet->ip_version == 6) {
        packet->data[7] = ttl;
        return;
    }
    uint16_t before = sl_be16_get(packet->data + 8);
    packet->data[8] = ttl;
    uint16_t check = sl_be16_get(packet->data + 10);
    uint16_t after = sl_be16_get(packet->data + 8);
    sl_be16_put(packet->data + 10, sl_checksum_update16(check, before, after));
}

/* RFC 1812 4.3.3.6: "A router MUST implement an ICMP Echo server function". Turned in place: the
 * sums over addresses stay, the type changes. A ping in fragments is answered in the same ones. */
static uint8_t answer_echo(struct router *router, struct sl_packet *packet)
{
    bool is_v4 = packet->ip_version == 4;
    uint8_t *addrs = packet->data + (is_v4 ? 12 : 8);
    uint32_t size = is_v4 ? 4 : 16;
    uint8_t src[16];
    memcpy(src, addrs, size);
    memmove(addrs, addrs + size, size);
    memcpy(addrs + size, src, size);
    set_ttl(packet, OWN_TTL);
    if ((packet->has & SL_PKT_LATER_FRAGMENT) != 0) {
        return SL_VERDICT_REPLY;
    }
    uint8_t *icmp = packet->data + packet->l4_off;
    uint16_t before = sl_be16_get(icmp);
    icmp[0] = is_v4 ? 0 : 129;
    uint16_t check = sl_checksum_update16(sl_be16_get(icmp + 2), before, sl_be16_get(icmp));
    sl_be16_put(icmp + 2, check);
    count(&router->counters.echoes);
    return SL_VERDICT_REPLY;
}

/* One in fragments is known where the chain keeps flows: it is whole then, and its later fragments
 * have its type. Elsewhere nothing of it goes back: what is no ping, but the rest of an answer that
 * a stranger sent in another router's name, would go back and forth between the two for ever. */
static bool is_ping(const struct sl_packet *packet)
{
    const uint16_t bits = SL_PKT_FRAGMENT | SL_PKT_LATER_FRAGMENT;
    bool is_v4 = packet->ip_version == 4;
    bool is_whole = (packet->has & bits) != SL_PKT_FRAGMENT || packet->more != 0;
    return packet->proto == (is_v4 ? PROTO_ICMP : PROTO_ICMP6) && is_whole &&
           (packet->has & SL_PKT_HAS_ICMP) != 0 && packet->icmp_type == (is_v4 ? ECHO4 : ECHO6);
}

/* RFC 4443 3.4: where an IPv6 packet names its upper layer. The parser has seen each header; behind
 * that of a later fragment there is none. */
static uint32_t next_header_off(const struct sl_packet *packet)
{
    uint32_t end = (packet->has & SL_PKT_LATER_FRAGMENT) == 0 ? packet->l4_off : 0;
    uint32_t field = 6;
    uint32_t size = 1;
    for (uint32_t off = 40; off < end && size != 0; off += size) {
        size = sl_packet_extension_size(packet->data[field], packet->data + off);
        field = size != 0 ? off : field;
    }
    return field;
}

/* A packet to the router itself: it answers pings, and offers nothing else. */
static uint8_t answer_local(struct router *router, struct sl_packet *packet)
{
    bool is_v4 = packet->ip_version == 4;
    bool is_icmp = packet->proto == (is_v4 ? PROTO_ICMP : PROTO_ICMP6);
    if (is_ping(packet)) {
        return answer_echo(router, packet);
    }
    count(&router->counters.local_refused);
    if (is_icmp) {
        return SL_VERDICT_DROP;
    }
    if (packet->proto == PROTO_TCP) {
        return sl_packet_reply_reset(packet) == SL_OK ? SL_VERDICT_REPLY : SL_VERDICT_DROP;
    }
    if (packet->proto == PROTO_UDP || is_v4) {
        return refuse(router, packet, packet->proto == PROTO_UDP ? &port_error : &protocol_error,
                      0);
    }
    return refuse(router, packet, &protocol_error, next_header_off(packet));
}

/* ---- forwarding ---- */

static uint8_t drop_checked(struct router *router, struct sl_packet *packet, enum rt_check check,
                            uint8_t pointer)
{
    switch (check) {
    case RT_BAD_CHECKSUM:
        count(&router->counters.bad_checksum);
        break;
    case RT_MULTICAST:
        count(&router->counters.multicast);
        break;
    case RT_SOURCE_ROUTE:
        count(&router->counters.source_route);
        break;
    case RT_BAD_OPTION:
        count(&router->counters.bad_option);
        return refuse(router, packet, &option_error, (uint32_t)pointer << 24);
    default:
        count(&router->counters.martian);
        break;
    }
    return SL_VERDICT_DROP;
}

static uint8_t forward(struct router *router, struct sl_packet *packet, enum sl_port port)
{
    uint8_t ttl = packet->data[packet->ip_version == 4 ? 8 : 7];
    if (ttl <= 1) {
        count(&router->counters.expired);
        return refuse(router, packet, &expired_error, 0);
    }
    if (port == (enum sl_port)packet->port_in) {
        count(&router->counters.hairpinned);
        return SL_VERDICT_TURN;
    }
    set_ttl(packet, (uint8_t)(ttl - 1));
    count(port == SL_PORT_LAN ? &router->counters.to_lan : &router->counters.to_wan);
    return SL_VERDICT_PASS;
}

static uint8_t route(struct router *router, struct sl_packet *packet, uint32_t number)
{
    if (number == RT_NONE) {
        packet->rule = SL_RULE_DEFAULT;
        count(&router->counters.no_route);
        return refuse(router, packet, &no_route_error, 0);
    }
    packet->rule = number;
    switch (router->table->actions[number]) {
    case SL_RT_LAN:
        return forward(router, packet, SL_PORT_LAN);
    case SL_RT_WAN:
        return forward(router, packet, SL_PORT_WAN);
    case SL_RT_UNREACHABLE:
        count(&router->counters.unreachable);
        return refuse(router, packet, &unreachable_error, 0);
    case SL_RT_PROHIBIT:
        count(&router->counters.prohibited);
        return refuse(router, packet, &prohibited_error, 0);
    case SL_RT_LOCAL_LAN:
    case SL_RT_LOCAL_WAN:
        return answer_local(router, packet);
    default:
        count(&router->counters.blackholed);
        return SL_VERDICT_DROP;
    }
}

static struct rt_key key_of(const struct sl_packet *packet)
{
    if (packet->ip_version == 4) {
        return rt_key4(sl_be32_get(packet->dst));
    }
    return (struct rt_key){.hi = sl_be64_get(packet->dst), .lo = sl_be64_get(packet->dst + 8)};
}

static void router_burst(void *state, struct sl_packet *const *packets, uint32_t packet_count)
{
    struct router *router = state;
    const struct rt_table *table = router->table;
    struct rt_key keys[SL_BURST_MAX];
    for (uint32_t i = 0; i < packet_count; i++) {
        keys[i] = key_of(packets[i]);
        rt_trie_prefetch(packets[i]->ip_version == 4 ? &table->trie4 : &table->trie6, keys[i]);
    }
    for (uint32_t i = 0; i < packet_count; i++) {
        struct sl_packet *packet = packets[i];
        uint8_t pointer;
        enum rt_check check = rt_check_packet(packet, &pointer);
        if (check != RT_GOOD) {
            packet->rule = SL_RULE_DEFAULT;
            packet->verdict = drop_checked(router, packet, check, pointer);
            continue;
        }
        const struct rt_trie *trie = packet->ip_version == 4 ? &table->trie4 : &table->trie6;
        packet->verdict = route(router, packet, rt_trie_lookup(trie, keys[i]));
    }
}

/* ---- counters ---- */

static uint32_t router_counter_count(const void *state)
{
    return COUNTER_COUNT;
}

static void router_counter_get(const void *state, uint32_t index, struct sl_nf_counter *ret_counter)
{
    const struct router *router = state;
    const uint64_t *values = (const uint64_t *)(const void *)&router->counters;
    (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "%s", counter_names[index]);
    ret_counter->value = __atomic_load_n(&values[index], __ATOMIC_RELAXED);
}

static const struct sl_nf router_nf = {
    .name = "router",
    .load = router_load,
    .share = router_share,
    .place = router_place,
    .burst = router_burst,
    .adopt = router_adopt,
    .tick = router_tick,
    .unload = router_unload,
    .counter_count = router_counter_count,
    .counter_get = router_counter_get,
};
SL_NF_REGISTER(router_nf);
