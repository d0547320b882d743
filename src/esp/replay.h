/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Anti-replay window over 64-bit sequence numbers (RFC 4303 3.4.3, blocks as in RFC 6479), the
 * inference of the high 32 bits (RFC 4303 appendix A), and the count of numbers never received.
 * Internal to src/esp; inline because every packet goes through it.
 */
#ifndef SL_ESP_REPLAY_H
#define SL_ESP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "esp/esp.h"

enum {
    /* RFC 6479: the ring is larger than the window, so that a block is cleared as a whole before
     * the window reaches it. Twice the window keeps the block count a power of two. */
    SL_REPLAY_BLOCKS_MAX = 2 * SL_ESP_WINDOW_MAX / 64,
};

/** One inbound SA's window. Bit set: received, or older than the SA. */
struct sl_replay {
    uint64_t top; /**< highest sequence number accepted */
    uint32_t window;
    uint32_t block_mask;
    uint64_t blocks[SL_REPLAY_BLOCKS_MAX];
};

/** @p window bits (a power of two in 64..4096); every number up to @p top counts as received. */
void sl_replay_init(struct sl_replay *replay, uint32_t window, uint64_t top);

/** RFC 4303 A2.2: the 64-bit number that a 32-bit number on the wire most likely means.
 * @retval false  it lies before the first or after the last 64-bit number */
static inline bool sl_replay_infer(const struct sl_replay *replay, uint32_t seq_low,
                                   uint64_t *ret_seq)
{
    uint32_t top_low = (uint32_t)replay->top;
    uint32_t high = (uint32_t)(replay->top >> 32);
    uint32_t bottom = top_low - replay->window + 1; /* modulo 2^32 */
    if (top_low >= replay->window - 1) {
        /* RFC 4303 A2.1 case A: the window lies in one subspace of 2^32 numbers */
        if (seq_low < bottom) {
            if (high == UINT32_MAX) {
                return false;
            }
            high++;
        }
    } else if (seq_low >= bottom) {
        /* case B: the window spans two, and this number is in the older one */
        if (high == 0) {
            return false;
        }
        high--;
    }
    *ret_seq = (uint64_t)high << 32 | seq_low;
    return true;
}

/** Whether @p seq is new: not 0, not left of the window, not seen. */
static inline bool sl_replay_is_fresh(const struct sl_replay *replay, uint64_t seq)
{
    if (seq > replay->top) {
        return true;
    }
    if (seq == 0 || replay->top - seq >= replay->window) {
        return false;
    }
    return (replay->blocks[(seq / 64) & replay->block_mask] >> (seq % 64) & 1) == 0;
}

/** The part of sl_replay_accept that enters new blocks. */
uint64_t sl_replay_advance(struct sl_replay *replay, uint64_t seq);

/** Marks @p seq (fresh, and authenticated by now) and moves the window.
 * @return how many numbers left the window for good without having been received */
static inline uint64_t sl_replay_accept(struct sl_replay *replay, uint64_t seq)
{
    uint64_t lost = 0;
    if (seq > replay->top) {
        if (seq / 64 != replay->top / 64) {
            lost = sl_replay_advance(replay, seq);
        }
        /* the control thread reads it for status and to end overlaps */
        __atomic_store_n(&replay->top, seq, __ATOMIC_RELAXED);
    }
    replay->blocks[(seq / 64) & replay->block_mask] |= UINT64_C(1) << (seq % 64);
    return lost;
}

#endif
