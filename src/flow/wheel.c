/* SPDX-License-Identifier: Apache-2.0 */
/* The wheel: how far it turns, and what is due there. */
#include "flow/wheel.h"

uint32_t sl_flow_wheel_turn(struct sl_flow_wheel *wheel, uint64_t now_ms, uint32_t count,
                            uint32_t limit)
{
    uint64_t elapsed_ms = now_ms - wheel->then_ms;
    elapsed_ms = elapsed_ms < SL_FLOW_TURN_MS ? elapsed_ms : SL_FLOW_TURN_MS;
    uint64_t owed = wheel->owed + elapsed_ms * count;
    uint64_t slots = owed / SL_FLOW_TURN_MS;
    wheel->then_ms = now_ms;
    if (slots > limit) {
        /* what is left is done by the next ones; never more than one turn */
        uint64_t left = owed - (uint64_t)limit * SL_FLOW_TURN_MS;
        uint64_t most = (uint64_t)count * SL_FLOW_TURN_MS;
        wheel->owed = left < most ? left : most;
        return limit;
    }
    wheel->owed = owed % SL_FLOW_TURN_MS;
    return (uint32_t)slots;
}

uint32_t sl_flow_wheel_next(const struct sl_flow_slot *slots, uint32_t from, uint32_t end,
                            uint32_t tick)
{
    enum { STEP = 16 };
    const uint32_t now = tick << 1;
    for (; from + STEP <= end; from += STEP) {
        uint32_t any = 0;
        for (uint32_t i = 0; i < STEP; i++) { /* no branch: the compiler makes vectors of it */
            const struct sl_flow_slot *slot = &slots[from + i];
            any |= ((now - (slot->due & ~1u)) >> 31 ^ 1) & slot->generation;
        }
        if ((any & 1) != 0) {
            break;
        }
    }
    for (; from < end; from++) {
        if (sl_flow_is_live(&slots[from]) && sl_flow_is_due(&slots[from], tick)) {
            return from;
        }
    }
    return end;
}

/* Lowest bit: the flow is due, or not assured. */
static inline uint32_t is_weak(const struct sl_flow_slot *slot, uint32_t now)
{
    return (((now - (slot->due & ~1u)) >> 31 ^ 1) | ~slot->due) & slot->generation;
}

uint32_t sl_flow_wheel_weak(const struct sl_flow_slot *slots, uint32_t end, uint32_t tick,
                            uint32_t most, uint32_t *at, uint32_t *ret_weak)
{
    enum { STEP = 16 };
    const uint32_t now = tick << 1;
    uint32_t count = 0;
    uint32_t from = *at;
    while (from < end && count < most) {
        uint32_t step = end - from < STEP ? end - from : STEP;
        uint32_t any = step < STEP; /* groups of none are the rule: the compiler makes vectors */
        for (uint32_t i = 0; step == STEP && i < STEP; i++) {
            any |= is_weak(&slots[from + i], now);
        }
        uint32_t last = from + step;
        for (from = (any & 1) != 0 ? from : last; from < last && count < most; from++) {
            ret_weak[count] = from;
            count += is_weak(&slots[from], now) & 1;
        }
    }
    *at = from;
    return count;
}
