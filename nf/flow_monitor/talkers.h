/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Who sends most: Space-Saving (Metwally, Agrawal, El Abbadi 2005) in sets of a few places, so that
 * a packet costs one look. A sender above 1/TALKER_PLACES of its set's bytes is never missed; its
 * count may be too high by what the one before in its place had.
 */
#ifndef SL_NF_FLOW_MONITOR_TALKERS_H
#define SL_NF_FLOW_MONITOR_TALKERS_H

#include <stdint.h>

#include "flow_monitor/format.h"

enum { FM_TALKER_SETS = 64, FM_TALKER_PLACES = 8 };

struct fm_talker {
    uint8_t address[16];
    uint8_t ip_version; /**< 0: free */
    uint64_t bytes;
};

/** What others may read while the shard works. */
struct fm_top {
    uint32_t version; /**< odd while it is written */
    uint32_t count;
    struct fm_talker items[SL_FM_TALKERS_MAX];
};

struct fm_talkers {
    struct fm_talker places[FM_TALKER_SETS][FM_TALKER_PLACES];
    struct fm_top top;
};

/** @param hash     keyed, of the address
 * @context packet path */
void fm_talkers_add(struct fm_talkers *talkers, uint64_t hash, const uint8_t *address,
                    uint8_t ip_version, uint64_t bytes);
/** Sorts the first @p count out for readers. @context packet path, seldom */
void fm_talkers_sort(struct fm_talkers *talkers, uint32_t count);
/** The @p index-th of the last sort. @return false where there is none
 * @context any thread */
int fm_talkers_get(const struct fm_talkers *talkers, uint32_t index, struct fm_talker *ret_talker);

#endif
