/* SPDX-License-Identifier: Apache-2.0 */
/* A flow table and an array side by side. */
#include "model.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/table.h"
#include "flow/wheel.h"
#include "model_packet.h"
#include "no_burst.h"

enum {
    FLOWS_MAX = 6, /* of the table: small, so that it is full now and then */
    BURST = 4,
    HELD = 8, /* handles that the NF keeps longer than it should */
};

/* A flow as the reference keeps it. */
struct entry {
    bool is_live;
    bool is_fresh; /* of the burst under way: not kept yet */
    bool is_kept;
    bool is_closed;
    bool is_seen, is_assured; /* answered, in use both ways */
    bool is_rekeyed;
    bool is_closing, is_last_reply;
    uint8_t tcp, last_kind;
    bool is_challenged, is_simultaneous;
    uint32_t last_end;
    uint32_t nf_idle_ms;
    uint64_t begun_ms, due_ms; /* due: a multiple of the tick */
    uint32_t value;            /* what the NF has written */
    struct sl_flow_tuple original, reply;
    sl_flow_handle handle;
};

/* What the NF keeps: the entry's number and a count, checked each time. */
struct nf_state {
    uint32_t serial, value;
};

struct model {
    struct sl_flow_table *table;
    struct sl_flow_options options;
    struct entry entries[512]; /* live ones, and those that ended in this step */
    uint64_t now_ms;
    uint32_t touched[BURST];
    uint32_t touched_count;
    uint32_t ended_count; /* in this burst */
    sl_flow_handle held[HELD];
    uint32_t held_next;
    struct maker maker;
    struct model_counts *counts;
};

enum { ENTRIES = sizeof(((struct model *)0)->entries) / sizeof(struct entry) };

static uint64_t tick_up(uint64_t ms)
{
    return (ms + SL_FLOW_TICK_MS - 1) / SL_FLOW_TICK_MS * SL_FLOW_TICK_MS;
}

static bool is_over(const struct model *model, const struct entry *entry)
{
    return model->now_ms / SL_FLOW_TICK_MS * SL_FLOW_TICK_MS >= entry->due_ms;
}

static bool is_same(const struct sl_flow_tuple *a, const struct sl_flow_tuple *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* The live entry with that tuple; ENTRIES: none. One that is due is none, unless the burst holds
 * it. */
static uint32_t find(const struct model *model, const struct sl_flow_tuple *tuple,
                     uint8_t *ret_direction)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        const struct entry *entry = &model->entries[i];
        if (entry->is_live && (is_same(&entry->original, tuple) || is_same(&entry->reply, tuple))) {
            *ret_direction = is_same(&entry->original, tuple) ? SL_FLOW_ORIGINAL : SL_FLOW_REPLY;
            return i;
        }
    }
    return ENTRIES;
}

static bool is_touched(const struct model *model, uint32_t at)
{
    for (uint32_t i = 0; i < model->touched_count; i++) {
        if (model->touched[i] == at) {
            return true;
        }
    }
    return false;
}

static uint32_t live_count(const struct model *model)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        count += model->entries[i].is_live;
    }
    return count;
}

/* ---- the table's side ---- */

static void nf_ended(void *state, struct sl_flow_table *table, const struct sl_flow_tuple *original,
                     const struct sl_flow_tuple *reply, void *flow_state, uint32_t end)
{
    struct model *model = state;
    const struct nf_state *kept = flow_state;
    uint8_t direction;
    (void)table;
    uint32_t at = find(model, original, &direction);
    CHECK(at < ENTRIES && direction == SL_FLOW_ORIGINAL, "a flow ended that is not there");
    struct entry *entry = &model->entries[at];
    CHECK(is_same(&entry->reply, reply), "ended with another reply");
    CHECK(kept->serial == at && kept->value == entry->value, "ended with other bytes");
    CHECK(entry->is_kept, "ended without having been kept");
    CHECK(!is_touched(model, at) || entry->is_closed, "ended while a burst holds it");
    if (end == SL_FLOW_END_EVICTED) {
        CHECK(!entry->is_assured && !is_over(model, entry), "evicted the wrong one");
        model->counts->evicted++;
    } else if (end == SL_FLOW_END_IDLE) {
        CHECK(is_over(model, entry), "idle too early");
        model->counts->idle++;
    } else if (end == SL_FLOW_END_CLOSED) {
        CHECK(entry->is_closed || is_over(model, entry) || entry->tcp == SL_FLOW_TCP_CLOSE ||
                  entry->tcp == SL_FLOW_TCP_TIME_WAIT,
              "closed, and nobody did");
        model->counts->closed++;
    } else {
        CHECK(end == SL_FLOW_END_UNLOAD, "an odd end %u", end);
    }
    entry->is_live = false;
    model->ended_count++;
}

static const struct sl_flow_spec spec = {.state_size = sizeof(struct nf_state),
                                         .version = 1,
                                         .flags = SL_FLOW_SPEC_REKEYS,
                                         .burst = no_burst,
                                         .ended = nf_ended};

/* ---- packets ---- */

/* ---- the reference ---- */

enum kind { SYN, SYNACK, FIN, ACK, RST };

static enum kind kind_of(uint8_t flags)
{
    return (flags & 4) != 0   ? RST
           : (flags & 2) != 0 ? ((flags & 16) != 0 ? SYNACK : SYN)
           : (flags & 1) != 0 ? FIN
                              : ACK;
}

enum step { STEP_ACCEPT, STEP_IGNORE, STEP_INVALID, STEP_REOPEN, STEP_END };

/* Where TCP goes from here, told in words rather than by a table: a state, SL_FLOW_TCP_COUNT where
 * the segment is ignored, -1 where it is invalid. */

static bool is_opening(uint8_t s)
{
    return s == SL_FLOW_TCP_SYN_SENT || s == SL_FLOW_TCP_SYN_SENT2;
}

static int syn_target(uint8_t s, bool is_reply)
{
    if (is_opening(s)) {
        return is_reply ? SL_FLOW_TCP_SYN_SENT2 : s;
    }
    if (is_reply) {
        return s == SL_FLOW_TCP_TIME_WAIT ? SL_FLOW_TCP_SYN_SENT : -1;
    }
    return s == SL_FLOW_TCP_TIME_WAIT || s == SL_FLOW_TCP_CLOSE ? SL_FLOW_TCP_SYN_SENT
                                                                : SL_FLOW_TCP_COUNT;
}

static int synack_target(uint8_t s, bool is_reply)
{
    if (is_reply) {
        return is_opening(s) ? SL_FLOW_TCP_SYN_RECEIVED : SL_FLOW_TCP_COUNT;
    }
    return s == SL_FLOW_TCP_SYN_RECEIVED || s == SL_FLOW_TCP_SYN_SENT2 ? SL_FLOW_TCP_SYN_RECEIVED
                                                                       : -1;
}

static int fin_target(uint8_t s)
{
    if (is_opening(s)) {
        return -1;
    }
    return s <= SL_FLOW_TCP_ESTABLISHED ? SL_FLOW_TCP_FIN_WAIT
           : s <= SL_FLOW_TCP_LAST_ACK  ? SL_FLOW_TCP_LAST_ACK
                                        : s;
}

static int ack_target(uint8_t s, bool is_reply)
{
    if (is_opening(s)) {
        return is_reply ? SL_FLOW_TCP_COUNT : -1;
    }
    if (s == SL_FLOW_TCP_SYN_RECEIVED) {
        return is_reply ? s : SL_FLOW_TCP_ESTABLISHED;
    }
    return s == SL_FLOW_TCP_FIN_WAIT   ? SL_FLOW_TCP_CLOSE_WAIT
           : s == SL_FLOW_TCP_LAST_ACK ? SL_FLOW_TCP_TIME_WAIT
                                       : s;
}

static int tcp_target(uint8_t s, bool is_reply, enum kind kind)
{
    if (s == SL_FLOW_TCP_NONE) {
        return kind == SYN ? SL_FLOW_TCP_SYN_SENT : kind == ACK ? SL_FLOW_TCP_ESTABLISHED : -1;
    }
    switch (kind) {
    case RST:
        return SL_FLOW_TCP_CLOSE;
    case SYN:
        return syn_target(s, is_reply);
    case SYNACK:
        return synack_target(s, is_reply);
    case FIN:
        return fin_target(s);
    default:
        return ack_target(s, is_reply);
    }
}

static void note_last(struct entry *e, const struct made *made, bool is_reply, enum kind kind)
{
    e->last_kind = (uint8_t)kind;
    e->is_last_reply = is_reply;
    e->last_end = made->seq + (kind == SYN || kind == SYNACK) + (kind == FIN);
}

static enum step tcp_ignore(struct entry *e, const struct made *made, bool is_reply, enum kind kind,
                            int *target)
{
    if (kind == SYNACK && e->last_kind == SYN && e->is_last_reply != is_reply &&
        made->ack == e->last_end) {
        e->tcp = SL_FLOW_TCP_SYN_SENT;
        e->is_challenged = false;
        *target = SL_FLOW_TCP_SYN_RECEIVED;
        return STEP_ACCEPT;
    }
    note_last(e, made, is_reply, kind);
    if (kind == SYN && !is_reply) {
        e->is_challenged = e->tcp == SL_FLOW_TCP_LAST_ACK;
        e->is_simultaneous = false;
    }
    return STEP_IGNORE;
}

static bool may_reopen(const struct entry *e, bool is_reply)
{
    return e->is_closing || (e->last_kind == RST && e->is_last_reply == is_reply);
}

static bool is_challenge_ack(const struct entry *e, bool is_reply, enum kind kind)
{
    return e->tcp == SL_FLOW_TCP_LAST_ACK && kind == ACK && e->last_kind == SYN &&
           e->is_last_reply != is_reply && e->is_challenged;
}

/* What the state alone does not say of a segment. @return ACCEPT where it leads to *target */
static enum step tcp_judge(struct entry *e, const struct made *made, bool is_reply, enum kind kind,
                           int *target)
{
    bool is_done = e->tcp == SL_FLOW_TCP_TIME_WAIT || e->tcp == SL_FLOW_TCP_CLOSE;
    if (kind == SYN && *target == SL_FLOW_TCP_SYN_SENT && is_done) {
        if (may_reopen(e, is_reply)) {
            return STEP_REOPEN;
        }
        *target = SL_FLOW_TCP_COUNT;
    }
    if (*target == SL_FLOW_TCP_COUNT &&
        tcp_ignore(e, made, is_reply, kind, target) == STEP_IGNORE) {
        return STEP_IGNORE;
    }
    if (is_challenge_ack(e, is_reply, kind)) {
        e->is_challenged = false;
        return STEP_IGNORE;
    }
    if (*target == SL_FLOW_TCP_SYN_SENT2) {
        e->is_simultaneous = true;
    }
    if (*target == SL_FLOW_TCP_SYN_RECEIVED && is_reply && kind == ACK && e->is_simultaneous) {
        *target = SL_FLOW_TCP_ESTABLISHED;
    }
    return STEP_ACCEPT;
}

static enum step tcp_step(struct entry *e, const struct made *made, bool is_reply)
{
    enum kind kind = kind_of(made->flags);
    int target = tcp_target(e->tcp, is_reply, kind);
    if (target < 0) {
        return STEP_INVALID;
    }
    enum step step = tcp_judge(e, made, is_reply, kind, &target);
    if (step != STEP_ACCEPT) {
        return step;
    }
    uint8_t old = e->tcp;
    e->is_closing = e->is_closing || (old != target && target == SL_FLOW_TCP_FIN_WAIT);
    e->tcp = (uint8_t)target;
    note_last(e, made, is_reply, kind);
    if (!e->is_seen && kind == RST) {
        return STEP_END;
    }
    if (e->is_seen && target == SL_FLOW_TCP_ESTABLISHED &&
        (old == SL_FLOW_TCP_SYN_RECEIVED || old == SL_FLOW_TCP_ESTABLISHED)) {
        e->is_assured = true;
    }
    return STEP_ACCEPT;
}

static uint64_t tcp_timeout_ms(const struct entry *e, const struct made *made)
{
    static const uint32_t seconds[SL_FLOW_TCP_COUNT] = {0,  120, 60,  432000, 120,
                                                        60, 30,  120, 10,     120};
    uint32_t s = kind_of(made->flags) == RST ? 10 : seconds[e->tcp];
    if (!e->is_seen && e->tcp == SL_FLOW_TCP_ESTABLISHED) {
        s = 300;
    }
    return s * 1000ull;
}

static uint64_t timeout_ms(struct model *model, struct entry *e, const struct made *made,
                           bool is_reply)
{
    bool is_answered = e->is_seen || is_reply;
    switch (made->tuple.proto) {
    case TCP:
        return tcp_timeout_ms(e, made);
    case UDP: {
        uint64_t ticks = model->now_ms / SL_FLOW_TICK_MS - e->begun_ms / SL_FLOW_TICK_MS;
        bool is_stream = is_answered && ticks > 2000 / SL_FLOW_TICK_MS;
        e->is_assured = e->is_assured || is_stream;
        return is_stream ? 120000 : 30000;
    }
    case ICMP:
        return 30000;
    default:
        e->is_assured = e->is_assured || is_answered;
        return 600000;
    }
}

/* What a packet of a flow should be; changes the entry. */
static enum step advance(struct model *model, uint32_t at, const struct made *made, bool is_reply)
{
    struct entry *e = &model->entries[at];
    enum step step = made->tuple.proto == TCP ? tcp_step(e, made, is_reply) : STEP_ACCEPT;
    if (step == STEP_ACCEPT) {
        uint64_t ms = timeout_ms(model, e, made, is_reply);
        e->due_ms = e->nf_idle_ms != 0 ? model->now_ms / SL_FLOW_TICK_MS * SL_FLOW_TICK_MS +
                                             tick_up(e->nf_idle_ms) + SL_FLOW_TICK_MS
                                       : tick_up(model->now_ms + ms);
    }
    if (step == STEP_END) {
        e->due_ms = model->now_ms / SL_FLOW_TICK_MS * SL_FLOW_TICK_MS;
    }
    if (is_reply && (step == STEP_ACCEPT || step == STEP_IGNORE || step == STEP_END)) {
        e->is_seen = true;
    }
    return step;
}

static uint32_t begin(struct model *model, const struct made *made)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        if (!model->entries[i].is_live) {
            model->entries[i] = (struct entry){.is_live = true,
                                               .is_fresh = true,
                                               .last_kind = 5,
                                               .begun_ms = model->now_ms,
                                               .due_ms = model->now_ms,
                                               .original = made->tuple,
                                               .reply = sl_flow_turn(&made->tuple)};
            return i;
        }
    }
    CHECK(false, "the reference is full");
    return 0;
}

static bool may_begin(const struct made *made)
{
    return (made->tuple.proto != ICMP || made->tuple.icmp_type == 8) &&
           (made->tuple.proto != TCP ||
            (kind_of(made->flags) == SYN || kind_of(made->flags) == ACK));
}

static void compare_full(struct model *model)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        const struct entry *e = &model->entries[i];
        CHECK(!e->is_live || e->is_assured || is_touched(model, i), "FULL, but could evict");
    }
    CHECK(live_count(model) + model->ended_count >= model->options.flows, "FULL, but has room");
    model->counts->full++;
}

/* A packet that the reference knows no flow for. @return whether it begins one */
static bool compare_unknown(struct model *model, const struct made *made,
                            const struct sl_flow *flow)
{
    struct sl_flow_tuple turned = sl_flow_turn(&made->tuple);
    uint8_t unused = 0;
    uint32_t taken = find(model, &turned, &unused);
    if (!may_begin(made) || taken < ENTRIES) {
        CHECK(flow->relation == SL_FLOW_INVALID, "begun by what cannot");
        return false;
    }
    if (flow->relation == SL_FLOW_INVALID && model->ended_count > 0) {
        return false; /* its replies' tuple was one's that ended later in this burst */
    }
    if (flow->relation == SL_FLOW_FULL) {
        compare_full(model);
        return false;
    }
    return true;
}

/* What the table says of a packet of entry `at`. */
static void compare_flow(const struct entry *e, const struct made *made, const struct sl_flow *flow,
                         uint8_t direction, bool is_new)
{
    CHECK(flow->handle != SL_FLOW_NONE && flow->state != NULL,
          "no flow: relation %u; protocol %u flags %02x, new %d, direction %u, TCP %u",
          flow->relation, made->tuple.proto, made->flags, is_new, direction, e->tcp);
    CHECK(is_new || flow->handle == e->handle, "another handle");
    CHECK(flow->is_first == is_new, "first or not");
    CHECK(flow->direction == direction,
          "direction %u, not %u: protocol %u, %u.%u to %u.%u, new %d, reply %u.%u to %u.%u",
          flow->direction, direction, made->tuple.proto, made->tuple.src[3], made->tuple.sport,
          made->tuple.dst[3], made->tuple.dport, is_new, e->reply.src[3], e->reply.sport,
          e->reply.dst[3], e->reply.dport);
    CHECK(flow->relation == (made->is_error ? SL_FLOW_RELATED
                             : e->is_seen   ? SL_FLOW_ESTABLISHED
                                            : SL_FLOW_NEW),
          "relation %u", flow->relation);
    CHECK(made->tuple.proto != TCP || flow->tcp == e->tcp, "TCP %u, not %u", flow->tcp, e->tcp);
}

/* The NF's bytes are the flow's own; they change. */
static void compare_state(struct model *model, uint32_t at, const struct sl_flow *flow, bool is_new)
{
    struct entry *e = &model->entries[at];
    struct nf_state *kept = flow->state;
    if (is_new) {
        CHECK(kept->serial == 0 && kept->value == 0, "a new flow's bytes are not zero");
        kept->serial = at;
        e->handle = flow->handle;
        model->counts->created++;
    }
    CHECK(kept->serial == at && kept->value == e->value, "another flow's bytes");
    kept->value++;
    e->value++;
}

/* Checks one answer of the table against the reference. */
static void compare(struct model *model, const struct made *made, const struct sl_flow *flow)
{
    uint8_t direction = SL_FLOW_ORIGINAL;
    uint32_t at = made->is_bad ? ENTRIES : find(model, &made->tuple, &direction);
    CHECK(at == ENTRIES || is_touched(model, at) || !is_over(model, &model->entries[at]),
          "a flow that is over is still found");
    model->counts->packets++;
    model->counts->invalid += flow->relation == SL_FLOW_INVALID;
    bool is_new = at == ENTRIES;
    if (made->is_bad || (made->is_error && is_new)) {
        CHECK(flow->relation == SL_FLOW_INVALID && flow->handle == SL_FLOW_NONE, "not INVALID");
        return;
    }
    if (is_new) {
        if (!compare_unknown(model, made, flow)) {
            return;
        }
        at = begin(model, made);
        direction = SL_FLOW_ORIGINAL;
    }
    if (!made->is_error) {
        enum step step = advance(model, at, made, direction == SL_FLOW_REPLY);
        CHECK(step != STEP_REOPEN, "reopened without an end");
        if (step == STEP_INVALID) {
            CHECK(flow->relation == SL_FLOW_INVALID && !is_new, "not INVALID");
            return;
        }
    }
    compare_flow(&model->entries[at], made, flow, direction, is_new);
    compare_state(model, at, flow, is_new);
    model->counts->established += flow->relation == SL_FLOW_ESTABLISHED;
    model->counts->related += flow->relation == SL_FLOW_RELATED;
    if (!is_touched(model, at)) {
        model->touched[model->touched_count++] = at;
    }
}

/* ---- what the NF does in its burst ---- */

static uint32_t entry_of(const struct model *model, sl_flow_handle handle)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        if (model->entries[i].is_live && model->entries[i].handle == handle) {
            return i;
        }
    }
    return ENTRIES;
}

static void rekey(struct model *model, uint32_t at, uint8_t byte)
{
    struct entry *e = &model->entries[at];
    struct sl_flow_tuple reply = e->reply;
    uint8_t direction = 0;
    if (reply.proto == TCP || reply.proto == UDP) {
        reply.dport = 100 + byte % 4;
    }
    reply.dst[3] = (uint8_t)(byte / 4 % HOSTS + 1);
    uint32_t other = find(model, &reply, &direction);
    sl_rc rc = sl_flow_set_reply(model->table, e->handle, &reply);
    if (!e->is_fresh) {
        CHECK(rc == SL_STATE, "rekeyed late: %d", rc);
    } else if (other == at && direction == SL_FLOW_REPLY) {
        CHECK(rc == SL_OK, "same key: %d", rc);
    } else if (other < ENTRIES) {
        CHECK(rc == SL_EXISTS, "took another flow's key: %d", rc);
    } else {
        CHECK(rc == SL_OK, "rekey: %d", rc);
        e->reply = reply;
        e->is_rekeyed = true;
        model->counts->rekeyed++;
    }
}

static void act(struct model *model, struct sl_packet *packet, const struct sl_flow *flow)
{
    uint8_t action = sl_reader_u8(&model->maker.r);
    uint32_t at = entry_of(model, flow->handle);
    packet->verdict = (action & 3) == 0 ? SL_VERDICT_DROP : SL_VERDICT_PASS;
    if (flow->handle == SL_FLOW_NONE || at == ENTRIES) {
        return;
    }
    struct entry *e = &model->entries[at];
    model->held[model->held_next++ % HELD] = flow->handle;
    switch (action >> 2 & 15) {
    case 0: /* one in sixteen */
        CHECK(sl_flow_close(model->table, flow->handle) == SL_OK, "close");
        e->is_closed = true;
        break;
    case 1:
        e->nf_idle_ms = 1 + action * 97u;
        CHECK(sl_flow_set_timeout(model->table, flow->handle, e->nf_idle_ms) == SL_OK, "timeout");
        e->due_ms = model->now_ms / SL_FLOW_TICK_MS * SL_FLOW_TICK_MS + tick_up(e->nf_idle_ms) +
                    SL_FLOW_TICK_MS;
        break;
    case 2:
    case 3:
        rekey(model, at, action);
        break;
    default:
        break;
    }
}

/* What was kept is kept, what was dropped is forgotten. */
static void settle(struct model *model, const struct made *made, const struct sl_flow *flows,
                   uint32_t count)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct entry *e = &model->entries[i];
        bool is_passed = false;
        for (uint32_t k = 0; k < count; k++) {
            is_passed = is_passed ||
                        (flows[k].handle == e->handle && flows[k].relation != SL_FLOW_RELATED &&
                         made[k].packet.verdict == SL_VERDICT_PASS);
        }
        if (!e->is_live || !e->is_fresh) {
            continue;
        }
        e->is_fresh = false;
        if (is_passed && !e->is_closed) {
            e->is_kept = true;
        } else {
            e->is_live = false;
            model->counts->forgotten++;
        }
    }
}

static void do_burst(struct model *model)
{
    struct made made[BURST];
    struct sl_packet *packets[BURST];
    struct sl_flow flows[BURST];
    uint32_t count = 1 + sl_reader_u8(&model->maker.r) % BURST;
    for (uint32_t i = 0; i < count; i++) {
        made_make(&model->maker, &made[i]);
        packets[i] = &made[i].packet;
    }
    for (uint32_t from = 0; from < count;) {
        model->touched_count = 0;
        model->ended_count = 0;
        uint32_t part =
            sl_flow_table_begin(model->table, packets + from, flows + from, count - from);
        CHECK(part > 0, "no progress");
        model->counts->split += part < count - from;
        for (uint32_t i = from; i < from + part; i++) {
            compare(model, &made[i], &flows[i]);
        }
        for (uint32_t i = from; i < from + part; i++) {
            act(model, packets[i], &flows[i]);
        }
        settle(model, made + from, flows + from, part);
        sl_flow_table_end(model->table, packets + from, flows + from, part);
        for (uint32_t i = 0; i < ENTRIES; i++) {
            CHECK(!model->entries[i].is_live || !model->entries[i].is_closed, "closed, but there");
        }
        model->touched_count = 0;
        from += part;
    }
}

/* Handles from long ago are stale, or still right; never another flow's. */
static void ask_held(struct model *model)
{
    struct sl_flow_tuple original;
    struct sl_flow_tuple reply;
    for (uint32_t i = 0; i < HELD; i++) {
        uint32_t at = entry_of(model, model->held[i]);
        sl_rc rc = sl_flow_tuples(model->table, model->held[i], &original, &reply);
        CHECK(rc == (at < ENTRIES ? SL_OK : SL_STALE), "handle %u: %d", i, rc);
        if (rc == SL_OK) {
            CHECK(is_same(&original, &model->entries[at].original) &&
                      is_same(&reply, &model->entries[at].reply),
                  "a handle of another flow");
        } else {
            CHECK(sl_flow_close(model->table, model->held[i]) == SL_STALE, "closed a stale one");
        }
    }
    sl_flow_table_settle(model->table);
}

static void wait(struct model *model, uint64_t ms)
{
    model->now_ms += ms;
    sl_flow_table_set_now(model->table, model->now_ms);
    sl_flow_table_advance(model->table, 8);
}

void model_run(const uint8_t *data, size_t size, struct model_counts *counts)
{
    struct model *model = calloc(1, sizeof(*model));
    CHECK(model != NULL, "memory");
    struct sl_flow_table_params params = {.spec = &spec};
    sl_flow_options_default(&params.options);
    params.options.flows = FLOWS_MAX;
    params.options.flows6 = 0;
    params.options.tcp_mode = SL_FLOW_TCP_COMPACT;
    model->options = params.options;
    model->counts = counts;
    model->now_ms = 7;
    CHECK(sl_flow_table_create(&params, &model->table, NULL) == SL_OK, "create");
    sl_flow_table_bind(model->table, model);
    sl_reader_init(&model->maker.r, data, size);
    wait(model, 0);
    while (sl_reader_left(&model->maker.r) > 0) {
        uint8_t op = sl_reader_u8(&model->maker.r);
        switch (op & 15) {
        case 0:
            wait(model, (op >> 4) * 7ull);
            break;
        case 1:
            wait(model, (op >> 4) * 203ull);
            break;
        case 2:
            wait(model, (op >> 4) == 15 ? 400000 : (op >> 4) * 2503ull);
            break;
        case 3:
            ask_held(model);
            break;
        default:
            do_burst(model);
            break;
        }
        struct sl_flow_counters now;
        sl_flow_table_counters(model->table, &now);
        CHECK(now.flows == live_count(model), "%llu flows, not %u", (unsigned long long)now.flows,
              live_count(model));
    }
    sl_flow_table_unload(model->table);
    CHECK(live_count(model) == 0, "unloaded, but not all have ended");
    sl_flow_table_free(model->table);
    free(model);
}
