/* SPDX-License-Identifier: Apache-2.0 */
/* Interval sets and the arena they live in. */
#include "policy/set.h"

#include <stdlib.h>
#include <string.h>

struct pol_block {
    struct pol_block *next;
    size_t used;
    size_t size;
    _Alignas(16) uint8_t data[];
};

enum { BLOCK_SIZE = 1 << 20 };

void *pol_alloc(struct pol_arena *arena, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    struct pol_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = calloc(1, sizeof(*block) + room);
        if (block == NULL) {
            return NULL;
        }
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *at = block->data + block->used;
    block->used += size;
    return at;
}

char *pol_strdup(struct pol_arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = pol_alloc(arena, size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

void pol_arena_done(struct pol_arena *arena)
{
    while (arena->blocks != NULL) {
        struct pol_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}

struct pol_set *pol_set_new(struct pol_arena *arena, uint32_t room)
{
    struct pol_set *set = pol_alloc(arena, sizeof(*set));
    if (set == NULL) {
        return NULL;
    }
    set->room = room > 0 ? room : 1;
    set->intervals = pol_alloc(arena, set->room * sizeof(*set->intervals));
    return set->intervals != NULL ? set : NULL;
}

bool pol_set_add(struct pol_arena *arena, struct pol_set *set, pol_key lo, pol_key hi)
{
    if (set->count == set->room) {
        struct pol_interval *grown =
            pol_alloc(arena, (size_t)set->room * 2 * sizeof(*set->intervals));
        if (grown == NULL) {
            return false;
        }
        memcpy(grown, set->intervals, set->count * sizeof(*grown));
        set->intervals = grown;
        set->room *= 2;
    }
    set->intervals[set->count++] = (struct pol_interval){lo, hi};
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct pol_interval *left = a;
    const struct pol_interval *right = b;
    return left->lo < right->lo ? -1 : left->lo > right->lo;
}

void pol_set_normalise(struct pol_set *set)
{
    qsort(set->intervals, set->count, sizeof(*set->intervals), compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        struct pol_interval now = set->intervals[i];
        if (kept > 0) {
            struct pol_interval *last = &set->intervals[kept - 1];
            if (now.lo <= last->hi || now.lo - 1 == last->hi) {
                last->hi = now.hi > last->hi ? now.hi : last->hi;
                continue;
            }
        }
        set->intervals[kept++] = now;
    }
    set->count = kept;
}

struct pol_set *pol_set_complement(struct pol_arena *arena, const struct pol_set *set, pol_key max)
{
    struct pol_set *out = pol_set_new(arena, set->count + 1);
    if (out == NULL) {
        return NULL;
    }
    pol_key from = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct pol_interval *in = &set->intervals[i];
        if (in->lo > from) {
            out->intervals[out->count++] = (struct pol_interval){from, in->lo - 1};
        }
        if (in->hi >= max) {
            return out;
        }
        from = in->hi + 1;
    }
    out->intervals[out->count++] = (struct pol_interval){from, max};
    return out;
}

struct pol_set *pol_set_meet(struct pol_arena *arena, const struct pol_set *a,
                             const struct pol_set *b)
{
    struct pol_set *out = pol_set_new(arena, a->count + b->count);
    if (out == NULL) {
        return NULL;
    }
    uint32_t i = 0;
    uint32_t j = 0;
    while (i < a->count && j < b->count) {
        const struct pol_interval *x = &a->intervals[i];
        const struct pol_interval *y = &b->intervals[j];
        pol_key lo = x->lo > y->lo ? x->lo : y->lo;
        pol_key hi = x->hi < y->hi ? x->hi : y->hi;
        if (lo <= hi) {
            out->intervals[out->count++] = (struct pol_interval){lo, hi};
        }
        if (x->hi < y->hi) {
            i++;
        } else {
            j++;
        }
    }
    return out;
}
