/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Is segmentation offload safe on this path? Only an authenticated tunnel can tell: compares loss
 * (sequence gaps) and bad ICVs with offload on and off, in bounded experiments. A state machine
 * without clock or socket of its own.
 */
#ifndef SL_NET_OFFLOAD_H
#define SL_NET_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

enum sl_offload_state {
    SL_OFFLOAD_ON,    /**< on, and no sign of harm */
    SL_OFFLOAD_TRIAL, /**< off for a window: is it better without? */
    SL_OFFLOAD_OFF,   /**< off: it was better without; tried again later */
    SL_OFFLOAD_FIXED, /**< off by configuration */
};

/** Totals of one direction. Where they shrink (SAs were replaced) the window starts anew. */
struct sl_offload_sample {
    uint64_t good; /**< packets that arrived authentic */
    uint64_t lost; /**< sequence numbers passed and not (yet) seen */
    uint64_t bad;  /**< ICV mismatches */
};

struct sl_offload {
    enum sl_offload_state state;
    struct sl_offload_sample start; /**< totals when the window began */
    struct sl_offload_sample last;
    uint64_t window_ns;     /**< when it began */
    uint64_t trial_ns;      /**< when the trial began */
    uint64_t retry_ns;      /**< OFF: when trains are tried again */
    uint64_t retry_wait_ns; /**< doubles with every failure */
    double harm_on;         /**< share of packets lost or damaged before the trial */
    double rate_on;         /**< authentic packets per second before the trial */
    bool is_damaged_on;     /**< ICV mismatches before the trial: no congestion makes those */
    uint32_t bad_windows;   /**< in a row, while ON */
    uint64_t switched;      /**< times turned off */
    char reason[160];       /**< a sentence for status */
};

void sl_offload_init(struct sl_offload *o, bool is_allowed, uint64_t now_ns);
/** Call about ten times a second with the totals; decides at window ends.
 * @return true where offload is to be used now */
bool sl_offload_update(struct sl_offload *o, const struct sl_offload_sample *totals,
                       uint64_t now_ns);
bool sl_offload_is_on(const struct sl_offload *o);
const char *sl_offload_state_text(enum sl_offload_state state);

#endif
