/* SPDX-License-Identifier: Apache-2.0 */
/* A burst of packets and their flows: found, made, followed, and after the NF kept or forgotten. */
#include "flow/private.h"

#include <string.h>

#include "flow/look.h"
#include "flow/move.h"
#include "flow/tuple.h"

/* What every packet goes through is one piece of code, and so is what begins a flow (floods are
 * made of it), out of the way of the first; where it is rare, small rather than quick. */
#define EVERY  static inline __attribute__((always_inline))
#define SELDOM static __attribute__((noinline))
#define FEW    static __attribute__((noinline, cold))

enum {
    DUE_PER_BURST = 32,   /* flows ended before a burst at most */
    UDP_STREAM_MS = 2000, /* an exchange that goes on for longer is a stream */
};

/* ---- find ---- */

uint32_t flow_find(struct sl_flow_table *table, const struct sl_flow_tuple *tuple, uint64_t hash,
                   bool is_between, void **ret_record, uint8_t *ret_direction)
{
    uint32_t ids[SL_FLOW_CANDIDATES_MAX];
    uint32_t count = sl_flow_index_find(&table->index, hash, ids);
    for (uint32_t i = 0; i < count; i++) {
        struct flow_plane *plane = flow_plane_of(table, ids[i]);
        const struct sl_flow_slot *slot = &plane->slots[ids[i] >> 1];
        void *record;
        if (!sl_flow_is_live(slot)) {
            (void)sl_flow_index_remove(&table->index, hash, ids[i]); /* left by a lost record */
            continue;
        }
        sl_rc rc = sl_flow_store_pin(plane->store, ids[i] >> 1, is_between, &record);
        if (rc == SL_AUTH && is_between) {
            flow_lose(table, ids[i]);
            (void)sl_flow_index_remove(&table->index, hash, ids[i]);
        }
        if (rc != SL_OK || !sl_flow_record_match(record, &plane->layout, tuple, ret_direction)) {
            continue;
        }
        /* one that the burst under way has touched stays to its end */
        if (is_between && sl_flow_is_due(slot, table->tick) && !flow_is_touched(table, ids[i])) {
            flow_finish(table, ids[i], record, SL_FLOW_END_IDLE);
            return UINT32_MAX;
        }
        *ret_record = record;
        return ids[i];
    }
    return table->from == NULL
               ? UINT32_MAX
               : flow_find_before(table, tuple, is_between, ret_record, ret_direction);
}

/* ---- make ---- */

/* Only packets that begin something make a flow. */
static bool may_begin(const struct sl_flow_tuple *tuple)
{
    return (tuple->proto != SL_FLOW_ICMP && tuple->proto != SL_FLOW_ICMP6) ||
           sl_flow_icmp_is_request(tuple->proto, tuple->icmp_type);
}

/* Whether another flow has the tuple of what would be the replies: its own replies look different
 * (sl_flow_set_reply), and this is none of them. Both have one hash: mostly nothing is looked at.
 */
static bool is_reply_taken(struct sl_flow_table *table, struct flow_look *look)
{
    uint32_t ids[SL_FLOW_CANDIDATES_MAX];
    void *record;
    uint8_t direction;
    if ((table->spec->flags & SL_FLOW_SPEC_REKEYS) == 0 ||
        sl_flow_index_find(&table->index, look->hash, ids) == 0) {
        return false;
    }
    struct sl_flow_tuple turned = sl_flow_turn(look->tuple);
    return flow_find(table, &turned, look->hash, true, &record, &direction) != UINT32_MAX;
}

EVERY uint32_t make(struct sl_flow_table *table, struct flow_look *look,
                    const struct sl_packet *packet, void **ret_record, uint8_t *ret_class)
{
    uint32_t index = look->tuple->ip_version == 4 ? 0 : 1;
    struct flow_plane *plane = &table->planes[index];
    uint32_t slot;
    void *record;
    *ret_class = SL_FLOW_INVALID;
    /* a packet turned around goes the way of another flow's replies back: its NF sets its reply */
    bool is_turned = (packet->has & SL_FLOW_PKT_TURNED) != 0;
    if (!may_begin(look->tuple) || (!is_turned && is_reply_taken(table, look))) {
        return UINT32_MAX;
    }
    if (look->tuple->proto == SL_FLOW_TCP && !sl_flow_tcp_may_begin(&table->options, packet)) {
        return UINT32_MAX; /* before anything gives way to it */
    }
    *ret_class = SL_FLOW_FULL;
    if (plane->count == 0) {
        return UINT32_MAX;
    }
    sl_rc rc = sl_flow_store_take(plane->store, &slot, &record);
    if (rc == SL_NO_SPACE && flow_evict(table, index)) {
        rc = sl_flow_store_take(plane->store, &slot, &record);
    }
    if (rc != SL_OK) {
        return UINT32_MAX;
    }
    uint32_t id = flow_id(index, slot);
    if (sl_flow_index_insert(&table->index, look->hash, id) != SL_OK) {
        sl_flow_store_give(plane->store, slot);
        return UINT32_MAX;
    }
    sl_flow_record_write(record, &plane->layout, look->tuple);
    if (look->tuple->proto == SL_FLOW_UDP) {
        ((struct sl_flow_head *)record)->word = table->tick + sl_flow_ticks_of_ms(UDP_STREAM_MS);
    }
    plane->newest = slot;
    plane->slots[slot].generation++;
    sl_flow_set_due(&plane->slots[slot], table->tick, false);
    flow_count(&table->counters.flows, 1);
    flow_count(&table->counters.created, 1);
    table->fresh[table->fresh_count++] = (struct flow_fresh){.hash = look->hash, .id = id};
    flow_made_add(&table->made, look->hash);
    *ret_record = record;
    return id;
}

/* ---- follow ---- */

EVERY void rearm(struct sl_flow_table *table, uint32_t id, const struct sl_flow_head *head,
                 uint32_t timeout_s)
{
    uint32_t ticks =
        (head->bits & SL_FLOW_BIT_IDLE_SET) != 0
            ? sl_flow_idle_unpack(head->idle)
            : sl_flow_ticks_of_ms((table->now_ms % SL_FLOW_TICK_MS) + (uint64_t)timeout_s * 1000);
    sl_flow_set_due(flow_slot_of(table, id), table->tick + ticks,
                    (head->bits & SL_FLOW_BIT_ASSURED) != 0);
}

/* Follows UDP, ICMP and what else there is. @return the timeout in seconds */
EVERY uint32_t follow_simple(const struct sl_flow_table *table, struct sl_flow_head *head,
                             uint8_t direction)
{
    const struct sl_flow_options *options = &table->options;
    bool is_answered = (head->bits & SL_FLOW_BIT_SEEN_REPLY) != 0 || direction == SL_FLOW_REPLY;
    switch (head->proto) {
    case SL_FLOW_UDP:
    case SL_FLOW_UDPLITE:
        if (is_answered && (int32_t)(table->tick - head->word) > 0) {
            head->bits |= SL_FLOW_BIT_ASSURED;
            return options->udp_stream;
        }
        return options->udp;
    case SL_FLOW_ICMP:
    case SL_FLOW_ICMP6:
        return options->icmp;
    default:
        if (is_answered) {
            head->bits |= SL_FLOW_BIT_ASSURED;
        }
        return options->generic;
    }
}

/* ---- a burst ---- */

/* A flow whose record is pinned, and the way of the packet at hand. */
struct found {
    uint32_t id; /* UINT32_MAX: none */
    uint8_t direction;
    void *record;
};

EVERY void fill(struct sl_flow_table *table, const struct found *found, struct sl_flow *flow)
{
    const struct sl_flow_head *head = found->record;
    const uint32_t id = found->id;
    flow->handle = flow_handle(flow_slot_of(table, id), id);
    flow->state = (uint8_t *)found->record + flow_plane_of(table, id)->layout.state_off;
    flow->direction = found->direction;
    flow->tcp = head->proto == SL_FLOW_TCP ? head->upper : SL_FLOW_TCP_NONE;
    table->touched[table->touched_count++] = id;
}

FEW void refuse(struct sl_flow_table *table, uint8_t class, struct sl_flow *flow)
{
    *flow = (struct sl_flow){.handle = SL_FLOW_NONE, .relation = class};
    flow_count(class == SL_FLOW_FULL ? &table->counters.full : &table->counters.invalid,
               class != SL_FLOW_UNTRACKED);
}

EVERY bool is_of(const struct flow_plane *plane, const void *record, const struct flow_look *look,
                 uint8_t *ret_direction)
{
    if (look->is_short) {
        return plane->layout.addr_size == 4 &&
               sl_flow_record_match4(record, &plane->layout, &look->key, ret_direction);
    }
    return sl_flow_record_match(record, &plane->layout, look->tuple, ret_direction);
}

/* The flow that the index named before, in most cases the packet's. Only a record says whose it is,
 * so nothing is lost where the burst has changed the index since.
 * @return its id is UINT32_MAX: it is another, or over */
EVERY struct found find_likely(struct sl_flow_table *table, const struct flow_look *look)
{
    const struct found none = {.id = UINT32_MAX};
    const uint32_t id = look->likely;
    uint8_t direction;
    if (id == UINT32_MAX) {
        return none;
    }
    struct flow_plane *plane = flow_plane_of(table, id);
    const struct sl_flow_slot *slot = &plane->slots[id >> 1];
    if (!sl_flow_is_live(slot) || sl_flow_is_due(slot, table->tick)) {
        return none;
    }
    void *record = flow_pin(plane, id >> 1, !flow_is_plain(plane, look->key.proto));
    if (record == NULL || !is_of(plane, record, look, &direction)) {
        return none;
    }
    return (struct found){.id = id, .direction = direction, .record = record};
}

/* What classify made of a packet. */
enum outcome {
    DONE,
    AGAIN, /* the flow gave way: the packet is to be looked up once more */
    LATER, /* it ends a flow that earlier packets of the burst hold: it belongs to the next burst */
};

FEW void classify_error(struct sl_flow_table *table, struct flow_look *look, struct sl_flow *flow)
{
    struct found found;
    found.id = flow_find(table, look->tuple, look->hash, true, &found.record, &found.direction);
    if (found.id == UINT32_MAX) {
        refuse(table, SL_FLOW_INVALID, flow);
        return;
    }
    fill(table, &found, flow);
    flow->relation = SL_FLOW_RELATED;
}

/* A fragment that has no upper-layer header: nothing begins with it, and TCP learned from the
 * first.
 */
EVERY bool is_later(const struct sl_packet *packet)
{
    const uint16_t bits = SL_PKT_LATER_FRAGMENT | SL_FLOW_PKT_WHOLE;
    return (packet->has & bits) == bits;
}

/* What a packet leaves in its flow, and what the NF sees of it. @param bits  the head's, before */
EVERY void accept(struct sl_flow_table *table, const struct found *found, uint8_t bits,
                  struct sl_flow *flow)
{
    struct sl_flow_head *head = found->record;
    if (found->direction == SL_FLOW_REPLY) {
        head->bits |= SL_FLOW_BIT_SEEN_REPLY;
    }
    if (head->bits != bits) {
        sl_flow_store_dirty(flow_plane_of(table, found->id)->store, found->id >> 1);
    }
    fill(table, found, flow);
    flow->relation = (head->bits & SL_FLOW_BIT_SEEN_REPLY) != 0 ? SL_FLOW_ESTABLISHED : SL_FLOW_NEW;
}

/* The short way of most packets: of a flow that the index knows, and that goes on as it did.
 * @param[out] ret_found  where it is something else: its flow as far as it is known
 * @return false: it is something else, nothing was changed */
EVERY bool go_on(struct sl_flow_table *table, const struct flow_look *look,
                 const struct sl_packet *packet, struct sl_flow *flow, struct found *ret_found)
{
    const struct found found = find_likely(table, look);
    if (found.id == UINT32_MAX || (packet->has & SL_FLOW_PKT_WHOLE) != 0) {
        *ret_found = found;
        return false;
    }
    struct sl_flow_head *head = found.record;
    const uint8_t bits = head->bits;
    uint32_t timeout_s;
    if (head->proto == SL_FLOW_TCP) {
        const struct sl_flow_layout *layout = &flow_plane_of(table, found.id)->layout;
        if (!sl_flow_tcp_pass(&table->options, head, flow_windows(layout, head), packet,
                              found.direction, &timeout_s)) {
            *ret_found = found;
            return false;
        }
    } else {
        timeout_s = follow_simple(table, head, found.direction);
    }
    rearm(table, found.id, head, timeout_s);
    accept(table, &found, bits, flow);
    flow->is_first = false;
    return true;
}

/* @return what TCP made of it; the others always accept */
static enum sl_flow_tcp_result follow(struct sl_flow_table *table, const struct found *found,
                                      const struct sl_packet *packet, bool is_first)
{
    struct sl_flow_head *head = found->record;
    uint32_t timeout_s = 0;
    enum sl_flow_tcp_result result = SL_FLOW_TCP_ACCEPT;
    if (head->proto == SL_FLOW_TCP) {
        struct sl_flow_tcp_windows *windows =
            flow_windows(&flow_plane_of(table, found->id)->layout, head);
        result = is_first ? sl_flow_tcp_first(&table->options, table->tcp_mode, head, windows,
                                              packet, &timeout_s)
                          : sl_flow_tcp_next(&table->options, table->tcp_mode, head, windows,
                                             packet, found->direction, &timeout_s);
    } else {
        timeout_s = follow_simple(table, head, found->direction);
    }
    if (result == SL_FLOW_TCP_ACCEPT) {
        rearm(table, found->id, head, timeout_s);
    }
    return result;
}

/* Whether there may be a flow that the look into the index before the burst has not shown. */
static bool may_be_known(const struct sl_flow_table *table, const struct flow_look *look)
{
    return look->likely != UINT32_MAX || table->from != NULL ||
           flow_made_has(&table->made, look->hash);
}

/* The long way, of all others. @param found  as find_likely left it */
EVERY enum outcome classify(struct sl_flow_table *table, struct flow_look *look,
                            const struct sl_packet *packet, struct sl_flow *flow,
                            struct found *found)
{
    uint8_t class;
    if (found->id == UINT32_MAX && may_be_known(table, look)) {
        found->id =
            flow_find(table, look->tuple, look->hash, true, &found->record, &found->direction);
    }
    bool is_first = found->id == UINT32_MAX;
    if (is_first && is_later(packet)) {
        refuse(table, SL_FLOW_INVALID, flow); /* the first one's flow was not kept */
        return DONE;
    }
    if (is_first) {
        found->direction = SL_FLOW_ORIGINAL; /* whatever was found and is over */
        found->id = make(table, look, packet, &found->record, &class);
        if (found->id == UINT32_MAX) {
            refuse(table, class, flow);
            return DONE;
        }
    } else if (sl_flow_is_due(flow_slot_of(table, found->id), table->tick)) {
        return LATER;
    }
    const uint8_t bits = ((const struct sl_flow_head *)found->record)->bits;
    enum sl_flow_tcp_result result =
        is_later(packet) ? SL_FLOW_TCP_ACCEPT : follow(table, found, packet, is_first);
    if (result == SL_FLOW_TCP_REOPEN && flow_is_touched(table, found->id)) {
        return LATER;
    }
    switch (result) {
    case SL_FLOW_TCP_REOPEN:
        flow_finish(table, found->id, found->record, SL_FLOW_END_CLOSED);
        found->id = UINT32_MAX;
        return AGAIN;
    case SL_FLOW_TCP_INVALID:
        if (is_first) {
            table->fresh_count--;
            flow_forget(table, found->id, found->record, look->hash);
        }
        refuse(table, SL_FLOW_INVALID, flow);
        return DONE;
    case SL_FLOW_TCP_END:
        /* with the next packet */
        sl_flow_set_due(flow_slot_of(table, found->id), table->tick, false);
        break;
    default:
        break;
    }
    accept(table, found, bits, flow);
    flow->is_first = is_first;
    return DONE;
}

/* What a first fragment was is what its datagram is: the others follow at once. */
EVERY void note_first(struct sl_flow_table *table, const struct flow_look *look,
                      const struct sl_packet *packet, bool is_refused)
{
    const uint16_t bits = SL_FLOW_PKT_WHOLE | SL_PKT_LATER_FRAGMENT;
    if ((packet->has & bits) == SL_FLOW_PKT_WHOLE) {
        table->is_first_refused = is_refused;
        table->first = *look->tuple;
    }
}

EVERY bool is_refused_before(const struct sl_flow_table *table, const struct flow_look *look,
                             const struct sl_packet *packet)
{
    return is_later(packet) && table->is_first_refused &&
           memcmp(&table->first, look->tuple, sizeof(table->first)) == 0;
}

/* What has no flow yet, none at all, or more to it than its place in one.
 * @return false where it belongs to the next burst */
SELDOM bool begin_other(struct sl_flow_table *table, struct flow_look *look,
                        const struct sl_packet *packet, struct sl_flow *flow, struct found *found)
{
    if (look->is_short) {
        flow_look_whole(look);
    }
    *flow = (struct sl_flow){.handle = SL_FLOW_NONE};
    if (look->class != SL_FLOW_NEW || is_refused_before(table, look, packet)) {
        uint8_t class = look->class != SL_FLOW_NEW ? look->class : SL_FLOW_INVALID;
        refuse(table, class, flow);
        note_first(table, look, packet, true);
        return true;
    }
    if (look->is_error) {
        classify_error(table, look, flow);
        return true;
    }
    enum outcome outcome;
    do {
        outcome = classify(table, look, packet, flow, found);
    } while (outcome == AGAIN); /* at most once: the flow that gave way is gone */
    if (outcome != LATER) {
        note_first(table, look, packet, flow->handle == SL_FLOW_NONE);
    }
    return outcome != LATER;
}

/* Tuples and hashes are two groups ahead of decisions, looks into the index one: what a group will
 * want is on its way from memory while the one before it is worked on. */
uint32_t sl_flow_table_begin(struct sl_flow_table *table, struct sl_packet *const *packets,
                             struct sl_flow *flows, uint32_t count)
{
    struct flow_looks looks;
    const uint32_t group = flow_look_group(table);
    sl_flow_table_advance(table, DUE_PER_BURST);
    flow_evict_start(table);
    table->touched_count = 0;
    table->fresh_count = 0;
    table->made = (struct flow_made){0};
    flow_look_at(table, packets, &looks, 0, 2 * group, count);
    flow_look_up(table, &looks, 0, group, count);
    uint32_t next = 0; /* where another group begins */
    for (uint32_t i = 0; i < count; i++) {
        if (i == next) {
            flow_look_at(table, packets, &looks, i + 2 * group, i + 3 * group, count);
            flow_look_up(table, &looks, i + group, i + 2 * group, count);
            next += group;
        }
        struct found found;
        if (go_on(table, &looks.of[i], packets[i], &flows[i], &found)) {
            continue;
        }
        if (!begin_other(table, &looks.of[i], packets[i], &flows[i], &found)) {
            return i;
        }
        if (flows[i].is_first) {
            table->fresh[table->fresh_count - 1].at = (uint8_t)i;
        }
    }
    return count;
}

static bool goes_on(const struct sl_packet *packet, const struct sl_flow *flow)
{
    return packet->verdict != SL_VERDICT_DROP && flow->relation != SL_FLOW_RELATED;
}

static uint64_t bit_of(const struct sl_flow *flow)
{
    return 1ull << ((flow->handle - 1) >> 1 & 63); /* by its slot */
}

/* Whether the NF let any packet of the flow go on, of which the first was packet `first`.
 * @param others  bit_of all that it let go on with a packet that is not their first */
static bool is_kept(struct sl_packet *const *packets, const struct sl_flow *flows, uint32_t count,
                    uint32_t first, uint64_t others)
{
    if (goes_on(packets[first], &flows[first])) {
        return true;
    }
    if ((others & bit_of(&flows[first])) == 0) {
        return false;
    }
    for (uint32_t i = first + 1; i < count; i++) {
        if (flows[i].handle == flows[first].handle && goes_on(packets[i], &flows[i])) {
            return true;
        }
    }
    return false;
}

static uint64_t others_of(struct sl_packet *const *packets, const struct sl_flow *flows,
                          uint32_t count)
{
    uint64_t others = 0;
    for (uint32_t i = 0; i < count; i++) {
        others |= !flows[i].is_first && goes_on(packets[i], &flows[i]) ? bit_of(&flows[i]) : 0;
    }
    return others;
}

static bool is_closed(const struct sl_flow_table *table, sl_flow_handle handle)
{
    for (uint32_t i = 0; i < table->closed_count; i++) {
        if (table->closed[i] == handle) {
            return true;
        }
    }
    return false;
}

void sl_flow_table_end(struct sl_flow_table *table, struct sl_packet *const *packets,
                       const struct sl_flow *flows, uint32_t count)
{
    void *record;
    uint64_t others = table->fresh_count != 0 ? others_of(packets, flows, count) : 0;
    for (uint32_t i = 0; i < table->fresh_count; i++) {
        const struct flow_fresh *fresh = &table->fresh[i];
        const uint32_t id = fresh->id;
        if (is_kept(packets, flows, count, fresh->at, others) &&
            !is_closed(table, flow_handle(flow_slot_of(table, id), id))) {
            continue;
        }
        if (sl_flow_store_pin(flow_plane_of(table, id)->store, id >> 1, true, &record) == SL_OK) {
            flow_forget(table, id, record, fresh->hash);
        }
    }
    table->fresh_count = 0;
    table->touched_count = 0;
    sl_flow_table_settle(table);
}

void sl_flow_table_settle(struct sl_flow_table *table)
{
    void *record;
    for (uint32_t i = 0; i < table->closed_count; i++) {
        uint32_t id = (uint32_t)table->closed[i] - 1;
        if (flow_handle(flow_slot_of(table, id), id) == table->closed[i] &&
            sl_flow_store_pin(flow_plane_of(table, id)->store, id >> 1, true, &record) == SL_OK) {
            flow_finish(table, id, record, SL_FLOW_END_CLOSED);
        }
    }
    table->closed_count = 0;
    for (uint32_t i = 0; i < FLOW_PLANES; i++) {
        if (table->planes[i].store != NULL) {
            flow_unpin(&table->planes[i]);
        }
    }
    if (table->from != NULL) {
        sl_flow_table_settle(table->from);
    }
}
