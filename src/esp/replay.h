/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Anti-replay window over 64-bit sequence numbers (RFC 4303 3.4.3, blocks as in RFC 6479), the
 * inference of the high 32 bits (RFC 4303 appendix A), and the count of numbers never received.
 * Internal to src/esp.
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
bool sl_replay_infer(const struct sl_replay *replay, uint32_t seq_low, uint64_t *ret_seq);

/** Whether @p seq is new: not 0, not left of the window, not seen. */
bool sl_replay_is_fresh(const struct sl_replay *replay, uint64_t seq);

/** Marks @p seq (fresh, and authenticated by now) and moves the window.
 * @return how many numbers left the window for good without having been received */
uint64_t sl_replay_accept(struct sl_replay *replay, uint64_t seq);

#endif
