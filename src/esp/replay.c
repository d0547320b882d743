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

/* The window's right edge enters blocks old+1..now: the ring's oldest blocks are cleared for them,
 * and the blocks that fall off the left edge are counted. */
uint64_t sl_replay_advance(struct sl_replay *replay, uint64_t seq)
{
    uint64_t old = replay->top / 64;
    uint64_t now = seq / 64;
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
