/* SPDX-License-Identifier: Apache-2.0 */
/* The network function: what every packet goes through, and the NF's calls. NAT44 and NAT64 share
 * pool and mappings; a NAT64 is a NAT whose inside is IPv6. */
#include "nat/nat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/translate.h"
#include "safelib/bytes.h"
#include "safelib/checksum.h"
#include "safelib/reply.h"
#include "safelib/rewrite.h"

enum {
    MS = 1000,
    ANSWERS_PER_S = 100, /* and as many at once */
    SWEEP_PER_TICK = 256,
    ICMP4_UNREACHABLE = 3,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PROHIBITED = 13,         /* RFC 5508 REQ-8 */
    ICMP6_ADDRESS_UNREACHABLE = 3, /* RFC 6146 3.5.1.1 */
    ICMP6_TIME_EXCEEDED = 3,
    ICMP6_PARAMETER = 4,
    ICMP4_SOURCE_ROUTE_FAILED = 5,
    ICMP4_FRAGMENTATION_NEEDED = 4,
    GROWTH64 = 20,
};

static bool has_df(const struct sl_packet *packet)
{
    return (sl_be16_get(packet->data + 6) & 0x4000) != 0;
}

/* ---- answers ---- */

/* RFC 1812 4.3.2.8, RFC 4443 2.4 (f): errors are limited by rate. */
static bool may_answer(struct nat_work *work)
{
    struct nat *nat = work->nat;
    uint64_t earned = (work->now_ms - nat->answer_ms) * ANSWERS_PER_S / MS;
    if (earned > 0) {
        uint64_t tokens = nat->answer_tokens + earned;
        nat->answer_tokens = (uint32_t)(tokens < ANSWERS_PER_S ? tokens : ANSWERS_PER_S);
        nat->answer_ms = work->now_ms;
    }
    if (nat->answer_tokens == 0) {
        return false;
    }
    nat->answer_tokens--;
    return true;
}

/* What the sender is told about a packet that does not pass; false: nothing. */
static bool answer_of(const struct nat_work *work, enum nat_reason reason,
                      struct sl_icmp_error *ret_error)
{
    const struct nat_policy *policy = &work->nat->program->policy;
    bool is4 = work->packet->ip_version == 4;
    bool is_out = work->packet->port_in == SL_PORT_LAN;
    struct sl_icmp_error error = {0};
    switch (reason) {
    case NAT_port_exhausted:
    case NAT_mapping_exhausted:
    case NAT_subscriber_exhausted:
    case NAT_subscriber_limit:
    case NAT_session_limit:
    case NAT_flow_exhausted:
        if (!is_out || (policy->flags & SL_NAT_ANSWER) == 0) {
            return false;
        }
        error.type = is4 ? ICMP4_UNREACHABLE : 1;
        error.code = is4 ? ICMP4_PROHIBITED : ICMP6_ADDRESS_UNREACHABLE;
        break;
    case NAT_hops_exceeded:
        error.type = is4 ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED;
        break;
    case NAT_source_route: /* RFC 7915 4.1; 5.1: the pointer at "Segments Left" */
        error.type = is4 ? ICMP4_UNREACHABLE : ICMP6_PARAMETER;
        error.code = is4 ? ICMP4_SOURCE_ROUTE_FAILED : 0;
        error.info = is4 ? 0 : nat_segments_left_off(work->packet->data, work->packet->size);
        break;
    case NAT_too_big:
        if (!is4 || !has_df(work->packet)) {
            return false; /* RFC 1191 4: only for packets with DF */
        }
        error.type = ICMP4_UNREACHABLE;
        error.code = ICMP4_FRAGMENTATION_NEEDED;
        error.info = (uint32_t)policy->mtu6 - GROWTH64;
        break;
    default:
        return false;
    }
    *ret_error = error;
    return true;
}

/* ---- one packet ---- */

static enum nat_reason reason_of_translation(sl_rc rc, enum nat_reason good)
{
    switch (rc) {
    case SL_OK:
        return good;
    case SL_DENIED:
        return NAT_source_route;
    case SL_RANGE:
        return NAT_too_big;
    case SL_OVERFLOW:
        return NAT_hops_exceeded;
    case SL_NO_SPACE:
        return NAT_no_room;
    case SL_MISMATCH:
        return NAT_damaged;
    default:
        return NAT_untranslatable;
    }
}

static void identification_put(struct sl_packet *packet, uint16_t id)
{
    uint8_t bytes[2];
    uint64_t delta = 0;
    sl_be16_put(bytes, id);
    sl_checksum_replace(&delta, packet->data + 4, bytes, sizeof(bytes));
    sl_checksum_change(packet->data + 10, delta);
}

/* RFC 7739 5.3: nobody learns from his what others get */
static uint16_t identification_next(struct nat_work *work)
{
    struct nat *nat = work->nat;
    uint32_t remote = work->session->remote;
    uint32_t own = nat->datagram.count++ * nat->store->shard_count + nat->store->shard;
    return (uint16_t)(sl_flow_hash(work->table, &remote, sizeof(remote)) + own);
}

/* RFC 7857 10, RFC 6864 5.3.1: "as if the datagram were sourced by" the NAT. Hosts that share an
 * address choose identifications without knowing of each other: where their fragments meet, they
 * would be put together. The first fragment of a datagram comes first, the others right behind it.
 * Whole packets that routers may cut: where the policy pays for it. */
static void identify(struct nat_work *work)
{
    struct nat *nat = work->nat;
    struct sl_packet *packet = work->packet;
    uint16_t id = sl_be16_get(packet->data + 4);
    if ((packet->has & SL_PKT_FRAGMENT) == 0) {
        if ((nat->program->policy.flags & SL_NAT_OWN_ID) != 0 && !has_df(packet)) {
            identification_put(packet, identification_next(work));
        }
        return;
    }
    if ((packet->has & SL_PKT_LATER_FRAGMENT) == 0) {
        nat->datagram.flow = work->flow->handle;
        nat->datagram.before = id;
        nat->datagram.now = identification_next(work);
    }
    if (nat->datagram.flow == work->flow->handle && nat->datagram.before == id) {
        identification_put(packet, nat->datagram.now);
    }
}

/* RFC 5508 REQ-5 c: an error comes from the address that its sender has outside, and "in all other
 * cases" from the session's, as which it has been translated. */
static void error_comes_from(struct sl_packet *packet, const struct nat_forward *sender)
{
    uint8_t own[4];
    uint64_t delta = 0;
    if (sender != NULL) {
        sl_be32_put(own, sender->outside);
        sl_checksum_replace(&delta, packet->data + 12, own, sizeof(own));
        sl_checksum_change(packet->data + 10, delta);
    }
}

static enum nat_reason translate_error_out(struct nat_work *work, const struct nat_end *end)
{
    struct nat *nat = work->nat;
    struct sl_packet *packet = work->packet;
    const struct nat_policy *policy = &nat->program->policy;
    bool is4 = packet->ip_version == 4;
    struct nat_addr sender = is4 ? nat_addr4(packet->src) : nat_addr6(packet->src);
    sl_rc rc;
    if (is4) {
        rc = nat_rewrite4_error(packet, false, end);
        if (rc == SL_OK) {
            identify(work);
        }
    } else {
        rc = nat_translate_6to4(policy, packet, end, ++nat->fragment_id);
    }
    if (rc == SL_OK) {
        error_comes_from(packet, nat_forward_inside(policy, NAT_PROTO_ICMP, &sender, 0));
    }
    return reason_of_translation(rc, NAT_error_translated);
}

static enum nat_reason translate_out(struct nat_work *work)
{
    struct nat *nat = work->nat;
    const struct nat_policy *policy = &nat->program->policy;
    const struct nat_session *session = work->session;
    bool is_error = work->flow->relation == SL_FLOW_RELATED;
    struct nat_end end = {.port = session->outside_port};
    uint8_t outside4[4];
    sl_be32_put(outside4, session->outside);
    end.addr = nat_addr4(outside4);
    bool is4 = work->packet->ip_version == 4;
    if (is4 && (policy->flags & SL_NAT_DECREMENT_TTL) != 0 && !nat_take_hop4(work->packet)) {
        return NAT_hops_exceeded;
    }
    if (is_error) {
        return translate_error_out(work, &end);
    }
    if (!is4) {
        sl_rc rc = nat_translate_6to4(policy, work->packet, &end, ++nat->fragment_id);
        return reason_of_translation(rc, NAT_translated_out);
    }
    nat_rewrite4(work->packet, true, &end);
    identify(work);
    return NAT_translated_out;
}

static enum nat_reason translate_in(struct nat_work *work)
{
    const struct nat_policy *policy = &work->nat->program->policy;
    const struct nat_session *session = work->session;
    bool is_error = work->flow->relation == SL_FLOW_RELATED;
    struct nat_end end = {.addr = session->inside, .port = session->inside_port};
    enum nat_reason good = is_error ? NAT_error_translated : NAT_translated_in;
    if (!nat_addr_is4(&session->inside)) {
        /* the session's own remote end was looked at before */
        return is_error && !nat_addr64_may_be(policy, work->packet->src)
                   ? NAT_not_global
                   : reason_of_translation(nat_translate_4to6(policy, work->packet, &end), good);
    }
    if ((policy->flags & SL_NAT_DECREMENT_TTL) != 0 && !nat_take_hop4(work->packet)) {
        return NAT_hops_exceeded;
    }
    if (is_error) {
        return reason_of_translation(nat_rewrite4_error(work->packet, true, &end), good);
    }
    nat_rewrite4(work->packet, false, &end);
    return good;
}

/* True where a packet is this NAT's affair: from an inside address, or to one that it answers for.
 */
static bool is_concerned(const struct nat_work *work)
{
    const struct nat_policy *policy = &work->nat->program->policy;
    const struct sl_packet *packet = work->packet;
    uint8_t unused[4];
    if (packet->port_in != SL_PORT_LAN) {
        return packet->ip_version == 4 && nat_policy_owns(policy, sl_be32_get(packet->dst));
    }
    if (packet->ip_version == 4) {
        struct nat_addr addr = nat_addr4(packet->src);
        return nat_policy_inside(policy, &addr);
    }
    struct nat_addr addr = nat_addr6(packet->src);
    return policy->prefix64_bits != 0 && nat_addr64_extract(policy, packet->dst, unused) &&
           !nat_addr64_extract(policy, packet->src, unused) && nat_policy_inside(policy, &addr);
}

/* A packet without a session: why, or one is made. */
static enum nat_reason open_session(struct nat_work *work)
{
    bool is_out = work->packet->port_in == SL_PORT_LAN;
    if (!is_concerned(work)) {
        return (work->nat->program->policy.flags & SL_NAT_PASS_UNMATCHED) != 0 ? NAT_passed
                                                                               : NAT_unmatched;
    }
    switch (work->flow->relation) {
    case SL_FLOW_INVALID:
    case SL_FLOW_RELATED:
        return NAT_invalid;
    case SL_FLOW_UNTRACKED:
        return NAT_unsupported;
    case SL_FLOW_FULL:
        return NAT_flow_exhausted;
    default:
        return is_out ? nat_session_open_out(work) : nat_session_open_in(work);
    }
}

_Static_assert((int)NAT_passed + 1 == (int)NAT_REASON_GOOD, "as the table says");

static bool is_good(enum nat_reason reason)
{
    return (int)reason < NAT_REASON_GOOD;
}

/* RFC 4787 REQ-9: what is for another of our own goes back in, from its outside endpoint. */
static enum nat_reason hairpin(struct nat_work *work, enum nat_reason reason)
{
    const struct nat_policy *policy = &work->nat->program->policy;
    bool is_own = work->flow->relation == SL_FLOW_RELATED
                      ? nat_policy_owns(policy, sl_be32_get(work->packet->dst))
                      : work->session->is_hairpin != 0;
    if (!is_own) {
        return reason;
    }
    return (policy->flags & SL_NAT_HAIRPIN) != 0 ? NAT_hairpinned : NAT_no_hairpin;
}

/* True where more than the end of an IPv4 header changes. */
static bool is_header_touched(const struct nat_work *work, bool is_out)
{
    uint16_t flags = work->nat->program->policy.flags & (SL_NAT_DECREMENT_TTL | SL_NAT_OWN_ID);
    return flags != 0 && ((flags & SL_NAT_DECREMENT_TTL) != 0 || (is_out && !has_df(work->packet)));
}

/* The common packet of a NAT44, in one go. @return false: it is another one, and unchanged */
static bool rewrite_plain(struct nat_work *work, bool is_out)
{
    const struct nat_session *session = work->session;
    uint8_t outside4[4];
    if (session == NULL || !nat_session_is_settled(work) || is_header_touched(work, is_out) ||
        session->is_hairpin || !nat_addr_is4(&session->inside)) {
        return false;
    }
    sl_be32_put(outside4, session->outside);
    return is_out
               ? sl_rewrite_end4(work->packet, true, outside4, session->outside_port)
               : sl_rewrite_end4(work->packet, false, session->inside.b + 12, session->inside_port);
}

static enum nat_reason decide(struct nat_work *work)
{
    bool is_out = work->packet->port_in == SL_PORT_LAN;
    bool is_open = work->session != NULL && work->session->kind != NAT_SESSION_NONE;
    enum nat_reason reason = is_open ? nat_session_check(work) : open_session(work);
    if (reason == NAT_translated_out) {
        reason = translate_out(work);
    } else if (reason == NAT_translated_in) {
        reason = translate_in(work);
    }
    if (is_out && (reason == NAT_translated_out || reason == NAT_error_translated)) {
        reason = hairpin(work, reason);
    }
    bool has_session = work->session != NULL && work->session->kind != NAT_SESSION_NONE;
    if (!is_open && has_session && !is_good(reason)) {
        nat_session_undo(work); /* the flow is forgotten with its burst, and says no goodbye */
    }
    return reason;
}

static void conclude(struct nat_work *work, enum nat_reason reason)
{
    struct nat *nat = work->nat;
    struct sl_packet *packet = work->packet;
    struct sl_icmp_error error;
    /* one thread writes, another may read */
    __atomic_store_n(&nat->counters[reason], nat->counters[reason] + 1, __ATOMIC_RELAXED);
    packet->rule = reason;
    if (is_good(reason)) {
        packet->verdict = reason == NAT_hairpinned ? SL_VERDICT_TURN : SL_VERDICT_PASS;
        return;
    }
    packet->verdict = SL_VERDICT_DROP;
    bool is_over = reason == NAT_expired || reason == NAT_reload_ended;
    bool has_session = work->session != NULL && work->session->kind != NAT_SESSION_NONE;
    if (answer_of(work, reason, &error) && may_answer(work) &&
        sl_packet_reply_icmp(packet, &error) == SL_OK) {
        packet->verdict = SL_VERDICT_REPLY;
    }
    /* neither a session that is over nor a flow that was only answered is kept */
    if (work->flow->handle != SL_FLOW_NONE && (is_over || !has_session)) {
        (void)!sl_flow_close(work->table, work->flow->handle);
    }
}

/* Now and then a session looks at its mapping: those of a burst are loaded together. */
static void prefetch_mappings(const struct nat_work *work, const struct sl_flow *flows,
                              uint32_t count)
{
    const struct nat_store *store = work->nat->store;
    for (uint32_t i = 0; i < count; i++) {
        const struct nat_session *session = flows[i].state;
        if (session != NULL && session->mapping < store->capacity &&
            work->now_s - session->seen_s >= nat_session_look_s(work, session)) {
            __builtin_prefetch(&store->mappings[session->mapping], 1);
        }
    }
}

static void nat_burst(void *state, struct sl_flow_table *table, struct sl_packet *const *packets,
                      struct sl_flow *flows, uint32_t count)
{
    uint64_t now_ms = sl_flow_now_ms(table);
    struct nat_work work = {
        .nat = state, .table = table, .now_ms = now_ms, .now_s = (uint32_t)(now_ms / MS)};
    work.look_s[0] = nat_look_s(&work.nat->program->policy, NAT_UDP);
    work.look_s[1] = nat_look_s(&work.nat->program->policy, NAT_ICMP);
    work.nat->table = table;
    work.nat->store->now_ms = now_ms;
    prefetch_mappings(&work, flows, count);
    for (uint32_t i = 0; i < count; i++) {
        work.packet = packets[i];
        work.flow = &flows[i];
        work.session = flows[i].state;
        bool is_out = packets[i]->port_in == SL_PORT_LAN;
        enum nat_reason good = is_out ? NAT_translated_out : NAT_translated_in;
        conclude(&work, rewrite_plain(&work, is_out) ? good : decide(&work));
    }
}

/* ---- the NF's calls ---- */

static void program_drop(struct nat_program *program)
{
    if (program != NULL && --program->references == 0) {
        nat_policy_done(&program->policy);
        free(program);
    }
}

static void nat_unload(void *state)
{
    struct nat *nat = state;
    if (nat != NULL) {
        nat_store_free(nat->store);
        program_drop(nat->program);
        free(nat);
    }
}

/* A shard's state over a program, of which it takes one reference. */
static sl_rc nat_over(struct nat_program *program, void **ret_state)
{
    struct nat *nat = calloc(1, sizeof(*nat));
    if (nat == NULL) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = nat_store_create(&program->policy, &nat->store);
    if (rc != SL_OK) {
        free(nat);
        return rc;
    }
    nat->program = program;
    nat->answer_tokens = ANSWERS_PER_S;
    program->references++;
    *ret_state = nat;
    return SL_OK;
}

/* Two NFs, as flows whose two directions are of two families take more memory. */
static sl_rc load(const void *policy, size_t size, bool is64, void **ret_state, char *reason,
                  size_t reason_size)
{
    struct nat_program *program = calloc(1, sizeof(*program));
    if (program == NULL) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = nat_policy_read(policy, size, &program->policy, reason, reason_size);
    if (rc != SL_OK) {
        free(program);
        return rc;
    }
    if ((program->policy.prefix64_bits != 0) != is64) {
        (void)snprintf(reason, reason_size, "%s",
                       is64 ? "has no NAT64 prefix: it is for nat44"
                            : "has a NAT64 prefix: it is for nat64");
        nat_policy_done(&program->policy);
        free(program);
        return SL_UNSUPPORTED;
    }
    program->references = 1;
    rc = nat_over(program, ret_state);
    if (rc != SL_OK) {
        (void)snprintf(reason, reason_size, "no memory for %u mappings of %u subscribers",
                       program->policy.mappings, program->policy.subscribers);
    }
    program_drop(program);
    return rc;
}

static sl_rc nat44_load(const void *policy, size_t size, void **ret_state, char *reason,
                        size_t reason_size)
{
    return load(policy, size, false, ret_state, reason, reason_size);
}

static sl_rc nat64_load(const void *policy, size_t size, void **ret_state, char *reason,
                        size_t reason_size)
{
    return load(policy, size, true, ret_state, reason, reason_size);
}

static sl_rc nat_share(void *state, void **ret_state)
{
    struct nat *nat = state;
    return nat_over(nat->program, ret_state);
}

static void nat_place(void *state, uint32_t shard, uint32_t shard_count)
{
    struct nat *nat = state;
    nat->store->shard = shard;
    nat->store->shard_count = shard_count;
}

static void nat_adopt(void *state, void *old)
{
    struct nat *nat = state;
    struct nat *before = old;
    (void)nat_store_adopt(nat->store, before->store);
    memcpy(nat->counters, before->counters, sizeof(nat->counters));
    nat->fragment_id = before->fragment_id;
    nat->datagram = before->datagram;
}

static void nat_tick(void *state, uint64_t now_ms, uint64_t unix_ms, struct sl_emit *emit)
{
    (void)emit;
    struct nat *nat = state;
    nat->store->now_ms = now_ms;
    nat->store->unix_ahead_ms = unix_ms > now_ms ? unix_ms - now_ms : 0;
    if (nat->table != NULL) {
        nat_store_sweep(nat->store, nat->table, (uint32_t)(now_ms / MS), SWEEP_PER_TICK);
    }
}

/* `blocks SHARD FROM`: of that shard, the events of its log from that number on. */
static sl_rc nat_command(void *state, const char *text, char *ret_answer, size_t answer_size)
{
    const struct nat *nat = state;
    const struct nat_log *log = nat->store->log;
    static const char word[] = "blocks ";
    bool is_blocks = strncmp(text, word, sizeof(word) - 1) == 0;
    const char *digits = is_blocks ? text + sizeof(word) - 1 : text;
    char *end;
    unsigned long shard = strtoul(digits, &end, 10);
    const char *second = end;
    unsigned long long from = strtoull(second, &end, 10);
    if (!is_blocks || second == digits || *second != ' ' || end == second || *end != '\0') {
        (void)snprintf(ret_answer, answer_size,
                       "expected `blocks SHARD FROM`: the log of port blocks, from that event on");
        return SL_INVALID;
    }
    if (log == NULL || shard >= nat->store->shard_count) {
        (void)snprintf(ret_answer, answer_size, "%s",
                       log == NULL ? "only `method: port_block` has a log of blocks"
                                   : "there are not so many shards");
        return SL_NOT_FOUND;
    }
    ret_answer[0] = '\0';
    if (shard == nat->store->shard) {
        nat_log_text(log, from, ret_answer, answer_size);
    }
    return SL_OK;
}

/* Both ends of a packet as the NAT sees them: of an error, those of the packet that it is about. */
static uint32_t nat_steer(const void *state, const struct sl_packet *packet, uint32_t shard_count)
{
    const struct nat *nat = state;
    const struct nat_policy *policy = &nat->program->policy;
    struct sl_flow_tuple tuple;
    bool is_error;
    if (sl_flow_tuple_of(packet, &tuple, &is_error) != SL_OK) {
        return SL_STEER_ANY;
    }
    if (packet->port_in == SL_PORT_LAN) {
        struct nat_addr addr = tuple.ip_version == 4 ? nat_addr4(tuple.src) : nat_addr6(tuple.src);
        return nat_policy_inside(policy, &addr) ? nat_shard_inside(policy, &addr, shard_count)
                                                : SL_STEER_ANY;
    }
    uint32_t outside = sl_be32_get(tuple.dst);
    if (tuple.ip_version != 4 || !nat_policy_owns(policy, outside)) {
        return SL_STEER_ANY;
    }
    return nat_shard_outside(policy, tuple.proto, outside, tuple.dport, shard_count);
}

/* ---- counters ---- */

static const char *const reason_names[] = {
#define REASON_NAME(name, text) #name,
    NAT_REASON_TABLE(REASON_NAME)
#undef REASON_NAME
};
static const char *const store_names[] = {
#define STORE_NAME(name, text) #name,
    NAT_STORE_COUNTER_TABLE(STORE_NAME)
#undef STORE_NAME
};
enum { STORE_COUNT = sizeof(store_names) / sizeof(store_names[0]) };
_Static_assert(sizeof(struct nat_store_counters) == STORE_COUNT * sizeof(uint64_t), "all of them");

static uint32_t nat_counter_count(const void *state)
{
    const struct nat *nat = state;
    return NAT_REASON_COUNT + STORE_COUNT + NAT_SPACE_COUNT * nat->store->address_count;
}

/* Ports in use on an outside address: "outside.192.0.2.1.udp". */
static void address_counter(const struct nat *nat, uint32_t index,
                            struct sl_nf_counter *ret_counter)
{
    static const char *const spaces[NAT_SPACE_COUNT] = {"tcp", "udp", "icmp"};
    const struct nat_address *address = &nat->store->addresses[index / NAT_SPACE_COUNT];
    uint32_t space = index % NAT_SPACE_COUNT;
    (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "outside.%u.%u.%u.%u.%s",
                   address->outside >> 24, address->outside >> 16 & 0xff,
                   address->outside >> 8 & 0xff, address->outside & 0xff, spaces[space]);
    ret_counter->value = __atomic_load_n(&address->used[space], __ATOMIC_RELAXED);
}

static void nat_counter_get(const void *state, uint32_t index, struct sl_nf_counter *ret_counter)
{
    const struct nat *nat = state;
    if (index < NAT_REASON_COUNT) {
        (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "%s", reason_names[index]);
        ret_counter->value = __atomic_load_n(&nat->counters[index], __ATOMIC_RELAXED);
        return;
    }
    index -= NAT_REASON_COUNT;
    if (index < STORE_COUNT) {
        const uint64_t *values = (const uint64_t *)&nat->store->counters;
        (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "%s", store_names[index]);
        ret_counter->value = __atomic_load_n(&values[index], __ATOMIC_RELAXED);
        return;
    }
    address_counter(nat, index - STORE_COUNT, ret_counter);
}

#define FLOW_SPEC(more)                                                                            \
    {                                                                                              \
        .state_size = sizeof(struct nat_session), .version = NAT_SESSION_VERSION,                  \
        .flags = SL_FLOW_SPEC_REKEYS | (more), .burst = nat_burst, .ended = nat_session_ended,     \
        .restored = nat_session_restored,                                                          \
    }
#define NF(nf_name, nf_load, nf_flow)                                                              \
    {                                                                                              \
        .name = (nf_name), .load = (nf_load), .share = nat_share, .place = nat_place,              \
        .flow = &(nf_flow), .adopt = nat_adopt, .tick = nat_tick, .steer = nat_steer,              \
        .command = nat_command, .unload = nat_unload, .counter_count = nat_counter_count,          \
        .counter_get = nat_counter_get,                                                            \
    }

static const struct sl_flow_spec nat44_flow = FLOW_SPEC(0);
static const struct sl_flow_spec nat64_flow = FLOW_SPEC(SL_FLOW_SPEC_REKEYS_46);
static const struct sl_nf nat44_nf = NF("nat44", nat44_load, nat44_flow);
static const struct sl_nf nat64_nf = NF("nat64", nat64_load, nat64_flow);
SL_NF_REGISTER(nat44_nf);
SL_NF_REGISTER(nat64_nf);
