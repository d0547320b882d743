/* SPDX-License-Identifier: Apache-2.0 */
/* Anti-replay window and ESN inference. */
#include "esp/replay.h"

#include <string.h>

void sl_replay_init(struct sl_replay *replay, uint32_t window, uint64_t top)
{
    replay->top = top;
    replay->window = window;
    replay->block_mask = 2 * window / 64 - 1;
    memset(replay->blocks, 0xff, sizeof(replay->blocks));
    /* the block of `top`: bits above it are numbers still to come */
    replay->blocks[(top / 64) & replay->block_mask] = UINT64_MAX >> (63 - top % 64);
}

bool sl_replay_infer(const struct sl_replay *replay, uint32_t seq_low, uint64_t *ret_seq)
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

bool sl_replay_is_fresh(const struct sl_replay *replay, uint64_t seq)
{
    if (seq > replay->top) {
        return true;
    }
    if (seq == 0 || replay->top - seq >= replay->window) {
        return false;
    }
    return (replay->blocks[(seq / 64) & replay->block_mask] >> (seq % 64) & 1) == 0;
}

/* The window's right edge enters blocks old+1..now: the ring's oldest blocks are cleared for them,
 * and the blocks that fall off the left edge are counted. */
static uint64_t blocks_advance(struct sl_replay *replay, uint64_t old, uint64_t now)
{
    uint64_t ring_count = (uint64_t)replay->block_mask + 1;
    uint64_t leave = replay->window / 64 + 1;
    uint64_t count = now - old;
    uint64_t lost = 0;
    if (count > ring_count) {
        lost = (count - ring_count) * 64; /* whole blocks jumped over */
        count = ring_count;
    }
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t block = old + i;
        /* unsigned wrap is harmless: blocks before the SA's start are all ones in the ring */
        lost += 64 - (uint64_t)__builtin_popcountll(
                         replay->blocks[(block - leave) & replay->block_mask]);
        replay->blocks[block & replay->block_mask] = 0;
    }
    return lost;
}

uint64_t sl_replay_accept(struct sl_replay *replay, uint64_t seq)
{
    uint64_t lost = 0;
    if (seq > replay->top) {
        if (seq / 64 != replay->top / 64) {
            lost = blocks_advance(replay, replay->top / 64, seq / 64);
        }
        replay->top = seq;
    }
    replay->blocks[(seq / 64) & replay->block_mask] |= UINT64_C(1) << (seq % 64);
    return lost;
}
