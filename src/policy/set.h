/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Sets of values of one dimension as intervals, and the memory of one compilation.
 */
#ifndef SL_POLICY_SET_H
#define SL_POLICY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 pol_key;

struct pol_interval {
    pol_key lo;
    pol_key hi;
};

/** Ascending, disjoint, never adjacent once normalised. */
struct pol_set {
    uint32_t count;
    uint32_t room;
    struct pol_interval *intervals;
};

/** Everything a compilation allocates; given back as a whole. */
struct pol_arena {
    struct pol_block *blocks;
};
/** Zeroed; NULL where memory is out. */
void *pol_alloc(struct pol_arena *arena, size_t size);
char *pol_strdup(struct pol_arena *arena, const char *text);
void pol_arena_done(struct pol_arena *arena);

/** All of these return NULL where memory is out; sets are never changed after they are built. */
struct pol_set *pol_set_new(struct pol_arena *arena, uint32_t room);
/** Adds without order; the set grows; false where memory is out. */
bool pol_set_add(struct pol_arena *arena, struct pol_set *set, pol_key lo, pol_key hi);
/** Sorts and merges. */
void pol_set_normalise(struct pol_set *set);
struct pol_set *pol_set_complement(struct pol_arena *arena, const struct pol_set *set, pol_key max);
struct pol_set *pol_set_meet(struct pol_arena *arena, const struct pol_set *a,
                             const struct pol_set *b);

#endif
