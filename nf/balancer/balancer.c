/* SPDX-License-Identifier: Apache-2.0 */
/* The L4 load balancer: a backend for each new flow by Maglev's table, the same one for the rest of
 * it, by NAT or through a tunnel. */
#include "balancer/balancer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "balancer/rewrite.h"
#include "safelib/bytes.h"
#include "safelib/reply.h"
#include "safelib/rewrite.h"

enum { PROTO_TCP = 6, SOURCE_PORT_TRIES = 64 };

_Static_assert(sizeof(struct lb_flow) <= SL_FLOW_STATE_MAX, "a flow's state");

/* ---- flows that begin ---- */

static const uint8_t *bytes_of(const struct lb_addr *addr)
{
    return addr->bytes;
}

/* How the backend's answers will look, where the client's address stays. */
static struct sl_flow_tuple reply_of(const struct lb_backend *backend,
                                     const struct sl_flow_tuple *original)
{
    struct sl_flow_tuple reply = sl_flow_turn(original);
    memcpy(reply.src, backend->addr.bytes, sizeof(reply.src));
    reply.sport = backend->port != 0 ? backend->port : reply.sport;
    return reply;
}

/* A free source port, out of those that this shard deals in: steering finds the shard by it. */
static sl_rc take_source(const struct lb *lb, struct sl_flow_table *table, sl_flow_handle handle,
                         const struct lb_service *service, struct sl_flow_tuple *reply)
{
    uint64_t hash = sl_flow_hash(table, reply, sizeof(*reply));
    uint32_t ports = (uint32_t)service->sport_last - service->sport_first + 1;
    uint32_t mine = ports / lb->shard_count;
    for (uint32_t i = 0; i < SOURCE_PORT_TRIES && mine != 0; i++) {
        uint32_t index = (uint32_t)(hash >> 8) % mine * lb->shard_count + lb->shard;
        const struct lb_addr *source = &service->sources[(hash >> 48) % service->source_count];
        memcpy(reply->dst, source->bytes, sizeof(reply->dst));
        reply->dport = (uint16_t)(service->sport_first + index);
        sl_rc rc = sl_flow_set_reply(table, handle, reply);
        if (rc != SL_EXISTS) {
            return rc;
        }
        hash = lb_mix(hash);
    }
    return SL_EXISTS;
}

static sl_rc set_reply(const struct lb *lb, struct sl_flow_table *table, sl_flow_handle handle,
                       const struct lb_service *service, const struct lb_backend *backend,
                       const struct sl_flow_tuple *original)
{
    if (service->forward == SL_LB_TUNNEL) {
        return SL_OK;
    }
    struct sl_flow_tuple reply = reply_of(backend, original);
    return service->forward == SL_LB_NAT ? sl_flow_set_reply(table, handle, &reply)
                                         : take_source(lb, table, handle, service, &reply);
}

/* No backend, or none any more. */
static uint8_t refuse(const struct lb_service *service, struct sl_packet *packet)
{
    if (service->when_down == SL_LB_DOWN_DROP) {
        return SL_VERDICT_DROP;
    }
    sl_rc rc = packet->proto == PROTO_TCP ? sl_packet_reply_reset(packet)
                                          : sl_packet_reply_unreachable(packet, 3, 4);
    return rc == SL_OK ? SL_VERDICT_REPLY : SL_VERDICT_DROP;
}

/* A packet of no service. What backends begin themselves passes in any case. */
static uint8_t other_traffic(struct lb *lb, const struct sl_packet *packet, bool is_reply)
{
    const struct lb_pool *pool = lb->pool;
    const uint8_t *begun_by = is_reply ? packet->dst : packet->src;
    const uint8_t *begun_to = is_reply ? packet->src : packet->dst;
    if ((lb_pool_what(pool, packet->ip_version, begun_to) & LB_IS_VIP) != 0) {
        lb_count(&lb->counters.no_service);
    } else if (lb_pool_what(pool, packet->ip_version, begun_by) != 0) {
        return SL_VERDICT_PASS;
    } else {
        lb_count(&lb->counters.other);
    }
    return pool->other == SL_LB_OTHER_DROP ? SL_VERDICT_DROP : SL_VERDICT_PASS;
}

/* The first packet of a flow: to which backend it belongs, if to any. What it finds holds for all
 * packets of the flow. */
static uint8_t begin(struct lb *lb, struct sl_flow_table *table, struct sl_packet *packet,
                     const struct sl_flow *flow)
{
    struct lb_flow *state = flow->state;
    struct sl_flow_tuple original;
    struct sl_flow_tuple reply;
    state->kind = LB_FLOW_OTHER;
    if (sl_flow_tuples(table, flow->handle, &original, &reply) != SL_OK) {
        return SL_VERDICT_DROP;
    }
    const struct lb_service *service = lb_pool_service(lb->pool, &original);
    if (service == NULL) {
        return other_traffic(lb, packet, false);
    }
    packet->rule = (uint32_t)(service - lb->pool->services);
    uint16_t index = lb_pool_choose(lb->pool, service, &original);
    if (index == LB_NOBODY) {
        lb_count(&lb->counters.no_backend);
        (void)!sl_flow_close(table, flow->handle);
        return refuse(service, packet);
    }
    const struct lb_backend *backend = &lb->pool->backends[index];
    sl_rc rc = set_reply(lb, table, flow->handle, service, backend, &original);
    if (rc != SL_OK) {
        lb_count(rc == SL_EXISTS ? &lb->counters.collided : &lb->counters.full);
        return SL_VERDICT_DROP;
    }
    state->kind = LB_FLOW_BALANCED;
    state->backend_id = backend->id;
    state->index = index;
    state->client_side = packet->port_in;
    return SL_VERDICT_PASS;
}

/* ---- flows that go on ---- */

/* The flow's backend in this version of the policy, or LB_NOBODY. */
static uint16_t backend_of(const struct lb_pool *pool, struct lb_flow *state)
{
    if (state->index >= pool->backend_count ||
        pool->backends[state->index].id != state->backend_id) {
        state->index = lb_pool_find(pool, state->backend_id);
    }
    return state->index;
}

/* Whether the flow may go on where it is. A backend under maintenance or gone from the policy ends
 * its flows; one marked down keeps them, unless it never answered, or the service says otherwise.
 */
static bool may_go_on(const struct lb_service *service, const struct lb_backend *backend,
                      const struct sl_packet *packet, const struct sl_flow *flow)
{
    if (backend->state == SL_LB_MAINT) {
        return false;
    }
    if ((lb_backend_marks(backend) & LB_MARK_DOWN) == 0 || flow->relation == SL_FLOW_RELATED) {
        return true;
    }
    bool is_answered = flow->relation == SL_FLOW_ESTABLISHED;
    return is_answered && packet->proto == PROTO_TCP && !service->is_reset_when_marked_down;
}

/* Ends a flow; its next packet begins anew, with another backend. An established connection's
 * client is told. */
static uint8_t end_flow(struct lb *lb, struct sl_flow_table *table, struct sl_packet *packet,
                        const struct sl_flow *flow)
{
    lb_count(&lb->counters.ended);
    (void)!sl_flow_close(table, flow->handle);
    bool is_told = packet->proto == PROTO_TCP && flow->relation == SL_FLOW_ESTABLISHED &&
                   flow->direction == SL_FLOW_ORIGINAL;
    return is_told && sl_packet_reply_reset(packet) == SL_OK ? SL_VERDICT_REPLY : SL_VERDICT_DROP;
}

static uint8_t tunnel(struct lb *lb, const struct lb_backend *backend, struct sl_packet *packet)
{
    const struct lb_pool *pool = lb->pool;
    bool is_v4 = packet->ip_version == 4;
    const struct lb_addr *src = backend->addr.version == 4 ? &pool->tunnel4 : &pool->tunnel6;
    sl_rc rc = lb_encapsulate(packet, src, &backend->addr, pool->tunnel_mtu, lb->ip_id++);
    if (rc == SL_OK) {
        return SL_VERDICT_PASS;
    }
    lb_count(&lb->counters.too_big);
    const struct sl_icmp_error error = {
        .type = is_v4 ? 3 : 2,
        .code = is_v4 ? 4 : 0,
        .info = pool->tunnel_mtu - lb_encapsulation_size(backend->addr.version),
    };
    return rc == SL_RANGE && sl_packet_reply_icmp(packet, &error) == SL_OK ? SL_VERDICT_REPLY
                                                                           : SL_VERDICT_DROP;
}

/* Both ends as they shall be, for a packet or an error on the flow's way there. */
struct ends {
    struct sl_flow_tuple original, reply;    /* full NAT: else not filled */
    struct lb_end client_here, client_there; /* as the client's side sees it; as the backend's */
    struct lb_end service_here, service_there;
};

static bool ends_of(struct sl_flow_table *table, const struct sl_flow *flow,
                    const struct lb_service *service, const struct lb_backend *backend,
                    struct ends *ret_ends)
{
    ret_ends->client_here = (struct lb_end){0};
    ret_ends->client_there = (struct lb_end){0};
    ret_ends->service_here = (struct lb_end){bytes_of(&service->addr), service->port};
    ret_ends->service_there = (struct lb_end){bytes_of(&backend->addr), backend->port};
    if (service->forward != SL_LB_FULLNAT) {
        return true;
    }
    if (sl_flow_tuples(table, flow->handle, &ret_ends->original, &ret_ends->reply) != SL_OK) {
        return false;
    }
    ret_ends->client_here = (struct lb_end){ret_ends->original.src, ret_ends->original.sport};
    ret_ends->client_there = (struct lb_end){ret_ends->reply.dst, ret_ends->reply.dport};
    return true;
}

/* An ICMP error goes against what it is about: it quotes a packet of the other direction as that
 * looked on the side where the error comes from. */
static bool rewrite_related(struct sl_packet *packet, const struct sl_flow *flow,
                            const struct lb_backend *backend, const struct ends *ends)
{
    static const struct lb_end stays;
    uint32_t size = packet->ip_version == 4 ? 4 : 16;
    if (flow->direction == SL_FLOW_ORIGINAL) { /* from the client, about an answer */
        return lb_rewrite_error(packet, &ends->client_there, &ends->service_there,
                                &ends->service_there, &ends->client_there) == SL_OK;
    }
    bool is_own = memcmp(packet->src, backend->addr.bytes, size) == 0;
    return lb_rewrite_error(packet, is_own ? &ends->service_here : &stays, &ends->client_here,
                            &ends->client_here, &ends->service_here) == SL_OK;
}

static uint8_t translate(struct lb *lb, struct sl_flow_table *table, struct sl_packet *packet,
                         const struct sl_flow *flow, const struct lb_service *service,
                         const struct lb_backend *backend)
{
    struct ends ends;
    bool is_there = flow->direction == SL_FLOW_ORIGINAL;
    const struct lb_addr *addr = is_there ? &backend->addr : &service->addr;
    uint16_t port = is_there ? backend->port : service->port;
    if (service->forward == SL_LB_NAT && flow->relation != SL_FLOW_RELATED && port != 0 &&
        sl_rewrite_end4(packet, !is_there, addr->bytes, port)) {
        return SL_VERDICT_PASS;
    }
    if (!ends_of(table, flow, service, backend, &ends)) {
        return SL_VERDICT_DROP;
    }
    if (flow->relation == SL_FLOW_RELATED) {
        bool is_good = rewrite_related(packet, flow, backend, &ends);
        lb_count(is_good ? &lb->counters.errors : &lb->counters.bad_errors);
        return is_good ? SL_VERDICT_PASS : SL_VERDICT_DROP;
    }
    if (flow->direction == SL_FLOW_ORIGINAL) {
        lb_rewrite(packet, &ends.client_there, &ends.service_there);
    } else {
        lb_rewrite(packet, &ends.service_here, &ends.client_here);
    }
    return SL_VERDICT_PASS;
}

static uint8_t balance(struct lb *lb, struct sl_flow_table *table, struct sl_packet *packet,
                       const struct sl_flow *flow)
{
    struct lb_flow *state = flow->state;
    uint16_t index = backend_of(lb->pool, state);
    if (index == LB_NOBODY) {
        return end_flow(lb, table, packet, flow);
    }
    const struct lb_backend *backend = &lb->pool->backends[index];
    const struct lb_service *service = &lb->pool->services[backend->service];
    packet->rule = backend->service;
    if (!may_go_on(service, backend, packet, flow)) {
        return end_flow(lb, table, packet, flow);
    }
    struct lb_backend_counters *counters = &lb->backends[index];
    lb_add(&counters->packets, 1);
    lb_add(&counters->bytes, packet->size);
    bool is_to_client = flow->direction == SL_FLOW_REPLY;
    uint8_t verdict = SL_VERDICT_PASS;
    if (service->forward != SL_LB_TUNNEL) {
        verdict = translate(lb, table, packet, flow, service, backend);
    } else if (!is_to_client) {
        verdict = tunnel(lb, backend, packet);
    }
    if (flow->is_first && verdict == SL_VERDICT_PASS) {
        lb_add(&counters->flows, 1);
        lb_add(&counters->active, 1);
        state->is_counted = 1;
    }
    /* Where client and backend are behind one port the packet goes back out of it. */
    uint8_t side = is_to_client ? state->client_side : backend->side;
    return verdict == SL_VERDICT_PASS && side == packet->port_in ? SL_VERDICT_REPLY : verdict;
}

/* A packet without a flow. Through a tunnel it can be sent on all the same, as the table alone says
 * where. */
static uint8_t without_flow(struct lb *lb, struct sl_packet *packet, const struct sl_flow *flow)
{
    struct sl_flow_tuple tuple;
    bool is_error;
    if ((lb_pool_what(lb->pool, packet->ip_version, packet->dst) & LB_IS_VIP) == 0) {
        return other_traffic(lb, packet, false);
    }
    if (flow->relation == SL_FLOW_FULL && sl_flow_tuple_of(packet, &tuple, &is_error) == SL_OK) {
        lb_count(&lb->counters.full);
        const struct lb_service *service = lb_pool_service(lb->pool, &tuple);
        uint16_t index = service != NULL && service->forward == SL_LB_TUNNEL
                             ? lb_pool_choose(lb->pool, service, &tuple)
                             : LB_NOBODY;
        return index != LB_NOBODY ? tunnel(lb, &lb->pool->backends[index], packet)
                                  : SL_VERDICT_DROP;
    }
    lb_count(&lb->counters.invalid);
    return SL_VERDICT_DROP;
}

static uint8_t decide(struct lb *lb, struct sl_flow_table *table, struct sl_packet *packet,
                      const struct sl_flow *flow)
{
    packet->rule = SL_RULE_DEFAULT;
    if (flow->state == NULL) {
        return without_flow(lb, packet, flow);
    }
    struct lb_flow *state = flow->state;
    if (flow->is_first) {
        uint8_t verdict = begin(lb, table, packet, flow);
        if (state->kind != LB_FLOW_BALANCED) {
            return verdict;
        }
    }
    if (state->kind == LB_FLOW_BALANCED) {
        return balance(lb, table, packet, flow);
    }
    if (flow->relation == SL_FLOW_RELATED) {
        return SL_VERDICT_PASS; /* an error about a flow that passes */
    }
    return other_traffic(lb, packet, flow->direction == SL_FLOW_REPLY);
}

void lb_burst(void *state, struct sl_flow_table *table, struct sl_packet *const *packets,
              struct sl_flow *flows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        packets[i]->verdict = decide(state, table, packets[i], &flows[i]);
    }
}

/* ---- steering ---- */

/* Both directions to one shard: by the client's end, which both know, or by the source port that
 * the shard itself chose. */
uint32_t lb_steer(const void *state, const struct sl_packet *packet, uint32_t shard_count)
{
    const struct lb_pool *pool = ((const struct lb *)state)->pool;
    struct sl_flow_tuple tuple;
    bool is_error;
    if (sl_flow_tuple_of(packet, &tuple, &is_error) != SL_OK) {
        return SL_STEER_ANY;
    }
    uint8_t src = lb_pool_what(pool, tuple.ip_version, tuple.src);
    uint8_t dst = lb_pool_what(pool, tuple.ip_version, tuple.dst);
    uint8_t backend_or_vip = LB_IS_BACKEND | LB_IS_VIP;
    bool is_there =
        (dst & LB_IS_VIP) != 0 || ((dst & LB_IS_BACKEND) != 0 && (src & backend_or_vip) == 0);
    bool is_back = (src & backend_or_vip) != 0 && (dst & backend_or_vip) == 0;
    if (is_back && (dst & LB_IS_SOURCE) != 0) {
        for (uint32_t i = 0; i < pool->service_count; i++) {
            const struct lb_service *service = &pool->services[i];
            if (service->forward == SL_LB_FULLNAT && tuple.dport >= service->sport_first &&
                tuple.dport <= service->sport_last) {
                return (uint32_t)(tuple.dport - service->sport_first) % shard_count;
            }
        }
    }
    if (!is_there && !is_back) {
        return SL_STEER_ANY;
    }
    struct {
        uint8_t addr[16];
        uint16_t port;
    } end = {.port = is_there ? tuple.sport : tuple.dport};
    memcpy(end.addr, is_there ? tuple.src : tuple.dst, sizeof(end.addr));
    return (uint32_t)(lb_pool_hash(pool, &end, sizeof(end)) >> 16) % shard_count;
}
