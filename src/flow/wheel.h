/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Deadlines of slots. A wheel that turns once a second over the slots as they lie, in the place of
 * one with lists in its spokes: a packet that moves its flow's deadline writes one number and
 * nothing else, there are no links to keep per flow, and looking at a slot costs a fraction of a
 * nanosecond as they are read in order. Lookups compare deadlines themselves, so a flow is over
 * to the tick, whenever the wheel comes by.
 */
#ifndef SL_FLOW_WHEEL_H
#define SL_FLOW_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SL_FLOW_TICK_MS = 16,
    SL_FLOW_TURN_MS = 1000, /**< once around */
};

/** What the enclave keeps of a slot even where its record is outside. */
struct sl_flow_slot {
    uint32_t due;        /**< tick times 2, modulo 2^32; lowest bit: the flow is assured */
    uint32_t generation; /**< odd: in use */
};

static inline uint32_t sl_flow_tick(uint64_t now_ms)
{
    return (uint32_t)(now_ms / SL_FLOW_TICK_MS);
}

static inline uint32_t sl_flow_ticks_of_ms(uint64_t ms)
{
    return (uint32_t)((ms + SL_FLOW_TICK_MS - 1) / SL_FLOW_TICK_MS);
}

static inline bool sl_flow_is_live(const struct sl_flow_slot *slot)
{
    return (slot->generation & 1) != 0;
}

/** Deadlines may lie 198 days ahead or behind. */
static inline bool sl_flow_is_due(const struct sl_flow_slot *slot, uint32_t tick)
{
    return (int32_t)((tick << 1) - (slot->due & ~1u)) >= 0;
}

static inline bool sl_flow_is_assured(const struct sl_flow_slot *slot)
{
    return (slot->due & 1) != 0;
}

static inline void sl_flow_set_due(struct sl_flow_slot *slot, uint32_t tick, bool is_assured)
{
    slot->due = tick << 1 | (is_assured ? 1u : 0u);
}

struct sl_flow_wheel {
    uint64_t then_ms; /**< when the last part was turned */
    uint32_t at;      /**< next slot */
    uint64_t owed;    /**< thousandths of a slot that were not turned yet */
};

/** How many slots to look at now so that all of @p count are seen once a turn; at most @p limit. */
uint32_t sl_flow_wheel_turn(struct sl_flow_wheel *wheel, uint64_t now_ms, uint32_t count,
                            uint32_t limit);

/** The first due slot in [from, end); @p end where there is none. */
uint32_t sl_flow_wheel_next(const struct sl_flow_slot *slots, uint32_t from, uint32_t end,
                            uint32_t tick);

/** Slots of flows that are due or not assured, in [*at, end).
 * @param      most      of them at most; not 0
 * @param[in,out] at     the first to look at; the first that was not
 * @param[out] ret_weak  room for @p most
 * @return how many */
uint32_t sl_flow_wheel_weak(const struct sl_flow_slot *slots, uint32_t end, uint32_t tick,
                            uint32_t most, uint32_t *at, uint32_t *ret_weak);

#endif
