/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: flows with their mapping, permission and timeout. */
#include <string.h>

#include "nat/nat.h"
#include "nat/translate.h"
#include "safelib/bytes.h"

enum { MS = 1000, CONFLICT_TRIES = 3 };

/* Port space of a protocol in either family, or NAT_SPACE_COUNT. */
static uint8_t space_of(uint8_t proto)
{
    switch (proto) {
    case NAT_PROTO_TCP:
        return NAT_TCP;
    case NAT_PROTO_UDP:
        return NAT_UDP;
    case NAT_PROTO_ICMP:
    case NAT_PROTO_ICMP6:
        return NAT_ICMP;
    default:
        return NAT_SPACE_COUNT;
    }
}

static uint32_t timeout_ms(const struct nat_policy *policy, enum nat_timeout timeout)
{
    switch (timeout) {
    case NAT_TIMEOUT_TCP:
        return policy->tcp_established_ms;
    case NAT_TIMEOUT_TRANSITORY:
    case NAT_TIMEOUT_RESET:
    case NAT_TIMEOUT_REFUSED:
        return policy->tcp_transitory_ms;
    case NAT_TIMEOUT_ICMP:
        return policy->icmp_ms;
    default:
        return policy->udp_ms;
    }
}

static void timeout_follow(struct nat_work *work)
{
    enum nat_timeout timeout =
        nat_timeout_of(work->session, work->flow->tcp, nat_is_reset(work->packet));
    if (work->session->timeout != timeout &&
        sl_flow_set_timeout(work->table, work->flow->handle,
                            timeout_ms(&work->nat->program->policy, timeout)) == SL_OK) {
        work->session->timeout = (uint8_t)timeout;
    }
}

/* ---- opening ---- */

static void tuple_put4(uint8_t *addr, uint32_t value)
{
    memset(addr, 0, 16);
    sl_be32_put(addr, value);
}

/* The inside end of the packets that the tuple describes, as written on the wire. */
static void tuple_put_inside(struct sl_flow_tuple *tuple, const struct nat_addr *inside,
                             uint32_t remote, const struct nat_policy *policy)
{
    uint8_t remote4[4];
    sl_be32_put(remote4, remote);
    memset(tuple->src, 0, sizeof(tuple->src));
    memset(tuple->dst, 0, sizeof(tuple->dst));
    if (nat_addr_is4(inside)) {
        tuple->ip_version = 4;
        memcpy(tuple->src, inside->b + 12, 4);
        memcpy(tuple->dst, remote4, 4);
    } else {
        tuple->ip_version = 6;
        memcpy(tuple->src, inside->b, 16);
        nat_addr64_embed(policy, remote4, tuple->dst);
    }
}

/* ICMPv6 queries are ICMP queries outside. */
static void tuple_icmp_6to4(struct sl_flow_tuple *tuple)
{
    if (tuple->proto == NAT_PROTO_ICMP6) {
        tuple->proto = NAT_PROTO_ICMP;
        tuple->icmp_type = tuple->icmp_type == 128 ? 8 : 0;
    }
}

static enum nat_reason reason_of_flow(sl_rc rc)
{
    return rc == SL_EXISTS ? NAT_flow_conflict : NAT_flow_exhausted;
}

static enum nat_reason reason_of_want(enum nat_want want)
{
    switch (want) {
    case NAT_WANT_MAPPING:
        return NAT_mapping_exhausted;
    case NAT_WANT_SUBSCRIBER:
        return NAT_subscriber_exhausted;
    case NAT_WANT_LIMIT:
        return NAT_subscriber_limit;
    default:
        return NAT_port_exhausted;
    }
}

/* Where the packet goes, as IPv4. */
static enum nat_reason remote_of(const struct nat_work *work, uint32_t *ret_remote)
{
    const struct nat_policy *policy = &work->nat->program->policy;
    const struct sl_packet *packet = work->packet;
    uint8_t addr4[4];
    if (packet->ip_version == 4) {
        memcpy(addr4, packet->dst, 4);
    } else if (!nat_addr64_extract(policy, packet->dst, addr4)) {
        return NAT_unmatched;
    } else if (!nat_addr64_may_be(policy, addr4)) {
        return NAT_not_global;
    }
    *ret_remote = sl_be32_get(addr4);
    return NAT_translated_out;
}

/* RFC 6888 REQ-5: sessions are memory that a mapping has. Strangers, where the filter lets them in,
 * get no more than half of them, so that inside always has the other half. */
static bool has_session_left(const struct nat_work *work, const struct nat_mapping *mapping,
                             bool is_out)
{
    uint32_t most = work->nat->program->policy.sessions_per_mapping;
    return most == 0 || mapping->references < (is_out ? most : most / 2 + most % 2);
}

/* Finds the outside endpoint: a forward's, or a mapping's. */
static enum nat_reason outside_of(struct nat_work *work, struct nat_session *session, uint8_t proto,
                                  uint16_t remote_port, bool is_again)
{
    const struct nat_policy *policy = &work->nat->program->policy;
    const struct nat_forward *forward =
        nat_forward_inside(policy, proto, &session->inside, session->inside_port);
    session->mapping = NAT_NONE;
    if (forward != NULL) {
        session->outside = forward->outside;
        session->outside_port =
            forward->proto == 0
                ? session->inside_port
                : (uint16_t)(forward->outside_port + (session->inside_port - forward->inside_port));
        return NAT_translated_out;
    }
    if (session->space == NAT_SPACE_COUNT) {
        return NAT_unsupported;
    }
    if (nat_is_reset(work->packet)) {
        return NAT_closed_port;
    }
    /* RFC 5508 REQ-1: identifiers have endpoint-independent mapping, as nothing depends on them */
    uint8_t mapping = session->space == NAT_ICMP ? SL_NAT_ENDPOINT_INDEPENDENT : policy->mapping;
    struct nat_inside inside = {
        .addr = session->inside,
        .port = session->inside_port,
        .space = session->space,
        .remote = mapping != SL_NAT_ENDPOINT_INDEPENDENT ? session->remote : 0,
        .remote_port = mapping == SL_NAT_ADDRESS_AND_PORT_DEPENDENT ? remote_port : 0,
        .is_any_port = is_again};
    uint32_t number;
    enum nat_want want =
        nat_store_map(work->nat->store, work->table, &inside, work->now_s, &number);
    if (want != NAT_WANT_OK) {
        return reason_of_want(want);
    }
    const struct nat_mapping *found = &work->nat->store->mappings[number];
    if (!has_session_left(work, found, true)) {
        return NAT_session_limit;
    }
    session->mapping = number;
    session->generation = found->generation;
    session->outside = found->outside;
    session->outside_port = found->outside_port;
    return NAT_translated_out;
}

/* Takes back what outside_of made, unless others use it. */
static void mapping_unused(struct nat_work *work, const struct nat_session *session)
{
    if (session->mapping != NAT_NONE &&
        work->nat->store->mappings[session->mapping].references == 0) {
        nat_store_end(work->nat->store, work->table, session->mapping);
    }
}

static void permit(struct nat_work *work, struct nat_session *session)
{
    if (work->nat->program->policy.filtering == SL_NAT_ADDRESS_DEPENDENT &&
        session->mapping != NAT_NONE && session->permission == NAT_NONE) {
        session->permission =
            nat_permission_add(work->nat->store, work->table, session->mapping, session->remote);
    }
}

/* The session stands: counts it at its mapping, keeps it with its flow. */
static void session_keep(struct nat_work *work, const struct nat_session *session)
{
    struct nat_store *store = work->nat->store;
    *work->session = *session;
    work->session->is_hairpin = nat_policy_owns(&work->nat->program->policy, session->remote);
    work->session->epoch = store->epoch;
    work->session->seen_s = work->now_s;
    if (session->mapping != NAT_NONE) {
        nat_store_ref(store, session->mapping);
    }
}

/* Gives the flow its outside endpoint, and its replies that destination.
 * @param is_again  the endpoint that came first belongs to a flow of times before a reload */
static enum nat_reason rekey_out(struct nat_work *work, struct nat_session *session,
                                 const struct sl_flow_tuple *original, bool is_again)
{
    enum nat_reason reason = outside_of(work, session, original->proto, original->dport, is_again);
    if (reason != NAT_translated_out) {
        return reason;
    }
    struct sl_flow_tuple out = *original;
    out.ip_version = 4;
    tuple_put4(out.src, session->outside);
    tuple_put4(out.dst, session->remote);
    out.sport = session->space != NAT_SPACE_COUNT ? session->outside_port : out.sport;
    out.dport = session->space == NAT_ICMP ? session->outside_port : out.dport;
    struct sl_flow_tuple reply = sl_flow_turn(&out);
    sl_rc rc = sl_flow_set_reply(work->table, work->flow->handle, &reply);
    if (rc != SL_OK) {
        mapping_unused(work, session);
        return reason_of_flow(rc);
    }
    return NAT_translated_out;
}

enum nat_reason nat_session_open_out(struct nat_work *work)
{
    struct sl_flow_tuple original;
    struct sl_flow_tuple unused;
    struct nat_session session = {.kind = NAT_SESSION_OUT, .permission = NAT_NONE};
    enum nat_reason reason = remote_of(work, &session.remote);
    if (reason != NAT_translated_out) {
        return reason;
    }
    if (sl_flow_tuples(work->table, work->flow->handle, &original, &unused) != SL_OK) {
        return NAT_invalid;
    }
    session.inside = original.ip_version == 4 ? nat_addr4(original.src) : nat_addr6(original.src);
    session.inside_port = original.sport;
    session.space = space_of(original.proto);
    tuple_icmp_6to4(&original);
    reason = rekey_out(work, &session, &original, false);
    for (int i = 0; i < CONFLICT_TRIES && reason == NAT_flow_conflict; i++) {
        reason = rekey_out(work, &session, &original, true);
    }
    if (reason != NAT_translated_out) {
        return reason;
    }
    session.last_out_s = work->now_s;
    if (session.mapping != NAT_NONE) {
        work->nat->store->mappings[session.mapping].last_out_s = work->now_s;
    }
    permit(work, &session);
    session_keep(work, &session);
    timeout_follow(work);
    return NAT_translated_out;
}

/* True where nothing has gone out for longer than the policy lets a mapping last; when something
 * did is not known to the second. TCP's connections have their own states, which inside answers
 * for: this only ends what strangers alone keep, with SYNs that inside refuses. */
static bool is_expired(const struct nat_policy *policy, uint8_t space, uint32_t last_out_s,
                       uint32_t now_s)
{
    uint32_t most_ms = space == NAT_ICMP  ? policy->icmp_ms
                       : space == NAT_TCP ? policy->tcp_established_ms
                                          : policy->udp_ms;
    uint32_t most_s = (most_ms + MS - 1) / MS + nat_look_s(policy, space) - 1;
    return (policy->flags & SL_NAT_INBOUND_REFRESH) == 0 && now_s - last_out_s > most_s;
}

/* RFC 4787 5: who may send to a mapping. */
static bool is_let_in(const struct nat_work *work, uint32_t mapping, uint32_t remote)
{
    switch (work->nat->program->policy.filtering) {
    case SL_NAT_ENDPOINT_INDEPENDENT:
        return true;
    case SL_NAT_ADDRESS_DEPENDENT:
        return nat_permission_has(work->nat->store, work->table, mapping, remote);
    default: /* what is let in has a flow already */
        return false;
    }
}

/* Finds the inside endpoint of a packet from outside: a forward's, or a mapping's. */
static enum nat_reason inside_of(struct nat_work *work, struct nat_session *session,
                                 const struct sl_flow_tuple *original)
{
    const struct nat_policy *policy = &work->nat->program->policy;
    struct nat_store *store = work->nat->store;
    const struct sl_packet *packet = work->packet;
    const struct nat_forward *forward =
        nat_forward_outside(policy, original->proto, session->outside, session->outside_port);
    session->mapping = NAT_NONE;
    if (forward != NULL) {
        session->inside = forward->inside;
        session->inside_port = forward->proto == 0
                                   ? session->outside_port
                                   : (uint16_t)(forward->inside_port +
                                                (session->outside_port - forward->outside_port));
        return NAT_translated_in;
    }
    bool is_ported = session->space == NAT_TCP || session->space == NAT_UDP;
    uint32_t number = is_ported ? nat_store_find_outside(store, work->table, session->space,
                                                         session->outside, session->outside_port)
                                : NAT_NONE;
    if (number == NAT_NONE) {
        return NAT_no_mapping;
    }
    if (!nat_store_valid(store, number)) {
        nat_store_end(store, work->table, number);
        return NAT_reload_ended;
    }
    if ((packet->has & SL_PKT_HAS_TCP) != 0 &&
        (packet->tcp_flags & (SL_TCP_SYN | SL_TCP_RST)) != SL_TCP_SYN) {
        return NAT_closed_port;
    }
    const struct nat_mapping *found = &store->mappings[number];
    if (is_expired(policy, session->space, found->last_out_s, work->now_s)) {
        return NAT_expired;
    }
    if (!is_let_in(work, number, session->remote)) {
        return NAT_filtered;
    }
    if (!has_session_left(work, found, false)) {
        return NAT_session_limit;
    }
    session->mapping = number;
    session->generation = found->generation;
    session->inside = found->inside;
    session->inside_port = found->inside_port;
    session->last_out_s = found->last_out_s;
    return NAT_translated_in;
}

enum nat_reason nat_session_open_in(struct nat_work *work)
{
    const struct nat_policy *policy = &work->nat->program->policy;
    struct sl_flow_tuple tuple;
    struct sl_flow_tuple unused;
    struct nat_session session = {.kind = NAT_SESSION_IN, .permission = NAT_NONE};
    if (sl_flow_tuples(work->table, work->flow->handle, &tuple, &unused) != SL_OK) {
        return NAT_invalid;
    }
    session.outside = sl_be32_get(tuple.dst);
    session.outside_port = tuple.dport;
    session.remote = sl_be32_get(tuple.src);
    session.space = space_of(tuple.proto);
    enum nat_reason reason = inside_of(work, &session, &tuple);
    if (reason != NAT_translated_in) {
        return reason;
    }
    if (!nat_addr_is4(&session.inside) && !nat_addr64_may_be(policy, tuple.src)) {
        return NAT_not_global;
    }
    /* what the inside endpoint answers with */
    struct sl_flow_tuple reply = sl_flow_turn(&tuple);
    tuple_put_inside(&reply, &session.inside, session.remote, policy);
    if (reply.ip_version == 6 && reply.proto == NAT_PROTO_ICMP) {
        reply.proto = NAT_PROTO_ICMP6;
        reply.icmp_type = reply.icmp_type == 8 ? 128 : 129;
    }
    reply.sport = session.space != NAT_SPACE_COUNT ? session.inside_port : reply.sport;
    reply.dport = session.space == NAT_ICMP ? session.inside_port : reply.dport;
    sl_rc rc = sl_flow_set_reply(work->table, work->flow->handle, &reply);
    if (rc != SL_OK) {
        return reason_of_flow(rc);
    }
    session_keep(work, &session);
    timeout_follow(work);
    return NAT_translated_in;
}

/* ---- while it lasts, and after ---- */

static void session_release(struct nat *nat, const struct sl_flow_table *table,
                            const struct nat_session *session)
{
    if (session->mapping == NAT_NONE) {
        return;
    }
    if (session->permission != NAT_NONE) {
        nat_permission_drop(nat->store, table, session->permission, session->mapping,
                            session->generation);
    }
    if (nat_store_is(nat->store, session->mapping, session->generation)) {
        nat_store_unref(nat->store, table, session->mapping);
    }
}

void nat_session_undo(struct nat_work *work)
{
    session_release(work->nat, work->table, work->session);
    *work->session = (struct nat_session){0};
}

/* True where the policy of now would still translate it so. */
static bool is_still_valid(struct nat_work *work)
{
    struct nat_session *session = work->session;
    struct nat_store *store = work->nat->store;
    const struct nat_policy *policy = &work->nat->program->policy;
    uint8_t remote4[4];
    sl_be32_put(remote4, session->remote);
    if (!nat_addr_is4(&session->inside) && !nat_addr64_may_be(policy, remote4)) {
        return false;
    }
    if (session->mapping != NAT_NONE) {
        return nat_store_is(store, session->mapping, session->generation) &&
               nat_store_valid(store, session->mapping);
    }
    uint8_t proto = session->space == NAT_TCP   ? NAT_PROTO_TCP
                    : session->space == NAT_UDP ? NAT_PROTO_UDP
                                                : 0;
    const struct nat_forward *forward =
        nat_forward_outside(policy, proto, session->outside, session->outside_port);
    if (forward == NULL || memcmp(&forward->inside, &session->inside, 16) != 0) {
        return false;
    }
    uint16_t port =
        forward->proto == 0
            ? session->outside_port
            : (uint16_t)(forward->inside_port + (session->outside_port - forward->outside_port));
    return port == session->inside_port;
}

/* Looks whether the policy and the store still have a place for it: at once after a reload, else
 * now and then. */
static bool revalidate(struct nat_work *work)
{
    struct nat_session *session = work->session;
    uint32_t epoch = work->nat->store->epoch;
    uint32_t look_s = nat_session_look_s(work, session);
    if (session->epoch == epoch && work->now_s - session->seen_s < look_s) {
        return true;
    }
    if (!is_still_valid(work)) {
        return false;
    }
    if (session->epoch != epoch) {
        session->is_hairpin = nat_policy_owns(&work->nat->program->policy, session->remote);
        session->timeout = NAT_TIMEOUT_UNSET;
    }
    session->epoch = epoch;
    session->seen_s = work->now_s;
    return true;
}

/* RFC 4787 REQ-6: what goes out keeps session and mapping, but for a reset, which answers a
 * stranger (RFC 7857 7.1); what comes in, where the policy says so.
 * @return false: it comes in too late */
static bool refresh(struct nat_work *work, bool is_out)
{
    struct nat_session *session = work->session;
    const struct nat_policy *policy = &work->nat->program->policy;
    struct nat_mapping *mapping =
        session->mapping != NAT_NONE ? &work->nat->store->mappings[session->mapping] : NULL;
    bool is_refreshing =
        (is_out && !nat_is_reset(work->packet)) || (policy->flags & SL_NAT_INBOUND_REFRESH) != 0;
    if (is_refreshing && work->now_s - session->last_out_s >= nat_session_look_s(work, session)) {
        session->last_out_s = work->now_s;
        if (mapping != NULL) {
            mapping->last_out_s = work->now_s;
        }
    }
    return is_out || mapping == NULL ||
           !is_expired(policy, session->space, session->last_out_s, work->now_s) ||
           !is_expired(policy, session->space, mapping->last_out_s, work->now_s);
}

enum nat_reason nat_session_check(struct nat_work *work)
{
    bool is_out = work->packet->port_in == SL_PORT_LAN;
    bool is_original = work->flow->direction == SL_FLOW_ORIGINAL;
    enum nat_reason good = is_out ? NAT_translated_out : NAT_translated_in;
    if (is_original != (is_out == (work->session->kind == NAT_SESSION_OUT))) {
        return NAT_spoofed;
    }
    if (!revalidate(work)) {
        return NAT_reload_ended;
    }
    if (work->flow->relation == SL_FLOW_RELATED) {
        return good;
    }
    if (!refresh(work, is_out)) {
        return NAT_expired;
    }
    if (is_out) {
        permit(work, work->session);
    }
    timeout_follow(work);
    return good;
}

void nat_session_ended(void *state, struct sl_flow_table *table,
                       const struct sl_flow_tuple *original, const struct sl_flow_tuple *reply,
                       void *flow_state, uint32_t end)
{
    (void)original;
    (void)reply;
    (void)end;
    struct nat_session *session = flow_state;
    /* a record that the host damaged is all zero: what it held is left to the sweep */
    if (session->kind != NAT_SESSION_NONE) {
        session_release(state, table, session);
        *session = (struct nat_session){0};
    }
}

/* The mapping of a saved session: found, or made again with that very port. */
static sl_rc mapping_restore(struct nat *nat, struct sl_flow_table *table,
                             const struct nat_session *session, uint16_t remote_port,
                             uint32_t *ret_number)
{
    uint8_t mapping =
        session->space == NAT_ICMP ? SL_NAT_ENDPOINT_INDEPENDENT : nat->program->policy.mapping;
    if (session->space >= NAT_SPACE_COUNT) {
        return SL_MALFORMED;
    }
    if (session->kind == NAT_SESSION_IN && mapping != SL_NAT_ENDPOINT_INDEPENDENT) {
        /* whom the mapping was made for, only the session knows that made it */
        *ret_number = nat_store_find_outside(nat->store, table, session->space, session->outside,
                                             session->outside_port);
        return *ret_number != NAT_NONE ? SL_OK : SL_DENIED;
    }
    struct nat_inside inside = {
        .addr = session->inside,
        .port = session->inside_port,
        .space = session->space,
        .remote = mapping != SL_NAT_ENDPOINT_INDEPENDENT ? session->remote : 0,
        .remote_port = mapping == SL_NAT_ADDRESS_AND_PORT_DEPENDENT ? remote_port : 0};
    return nat_store_restore(nat->store, table, &inside, session->outside, session->outside_port,
                             (uint32_t)(sl_flow_now_ms(table) / MS), ret_number);
}

sl_rc nat_session_restored(void *state, struct sl_flow_table *table,
                           const struct sl_flow_tuple *original, const struct sl_flow_tuple *reply,
                           void *flow_state)
{
    (void)reply;
    struct nat *nat = state;
    struct nat_session *session = flow_state;
    uint32_t number = NAT_NONE;
    if (session->kind == NAT_SESSION_NONE) {
        return SL_DENIED;
    }
    if (session->mapping != NAT_NONE) {
        sl_rc rc = mapping_restore(
            nat, table, session,
            session->kind == NAT_SESSION_OUT ? original->dport : original->sport, &number);
        if (rc != SL_OK) {
            return rc;
        }
        nat_store_ref(nat->store, number);
        session->generation = nat->store->mappings[number].generation;
    }
    session->mapping = number;
    session->permission = NAT_NONE;
    if (number != NAT_NONE && nat->program->policy.filtering == SL_NAT_ADDRESS_DEPENDENT) {
        session->permission = nat_permission_add(nat->store, table, number, session->remote);
    }
    session->last_out_s = (uint32_t)(sl_flow_now_ms(table) / MS);
    session->seen_s = session->last_out_s;
    session->epoch = nat->store->epoch - 1; /* its next packet checks it */
    session->timeout = NAT_TIMEOUT_UNSET;
    return SL_OK;
}
