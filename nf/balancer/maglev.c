/* SPDX-License-Identifier: Apache-2.0 */
/* Maglev's lookup table. */
#include "balancer/maglev.h"

#include <stdbool.h>
#include <stdlib.h>

/* One member's walk through its permutation of the table. */
struct turn {
    uint64_t key;
    uint32_t next; /* permutation[j] */
    uint32_t skip;
    uint32_t weight;
    uint32_t credit;
    uint16_t index;
};

uint64_t lb_name_key(uint64_t key, const void *name, size_t size)
{
    const uint8_t *bytes = name;
    for (size_t i = 0; i < size; i++) {
        key = (key ^ bytes[i]) * 0x100000001b3ull;
    }
    return key;
}

uint64_t lb_mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15ull;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
    value = (value ^ value >> 27) * 0x94d049bb133111ebull;
    return value ^ value >> 31;
}

static int compare(const void *left, const void *right)
{
    const struct turn *a = left;
    const struct turn *b = right;
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

/* "offset <- h1(name[i]) mod M, skip <- h2(name[i]) mod (M - 1) + 1,
 * permutation[i][j] <- (offset + j x skip) mod M" */
static uint32_t turns_init(const struct lb_member *members, uint32_t count, struct turn *turns)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (members[i].weight != 0) {
            turns[used++] = (struct turn){
                .key = members[i].key,
                .next = (uint32_t)(lb_mix(members[i].key) % LB_TABLE_SIZE),
                .skip = (uint32_t)(lb_mix(~members[i].key) % (LB_TABLE_SIZE - 1)) + 1,
                .weight = members[i].weight,
                .index = members[i].index,
            };
        }
    }
    if (used != 0) {
        qsort(turns, used, sizeof(*turns), compare);
    }
    return used;
}

/* The member's next preferred entry that nobody has yet. */
static void take_entry(struct turn *turn, uint16_t *table)
{
    while (table[turn->next] != LB_NOBODY) {
        turn->next = (turn->next + turn->skip) % LB_TABLE_SIZE;
    }
    table[turn->next] = turn->index;
}

sl_rc lb_maglev_fill(const struct lb_member *members, uint32_t count, uint16_t *table)
{
    struct turn *turns = calloc((size_t)count + 1, sizeof(*turns));
    if (turns == NULL) {
        return SL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < LB_TABLE_SIZE; i++) {
        table[i] = LB_NOBODY;
    }
    uint32_t used = turns_init(members, count, turns);
    uint32_t most = 0;
    for (uint32_t i = 0; i < used; i++) {
        most = turns[i].weight > most ? turns[i].weight : most;
    }
    /* Section 3.4 on weights: "by altering the relative frequency of the backends' turns". The
     * heaviest takes an entry each round, the others as often as their weight has it. */
    uint32_t filled = 0;
    while (used != 0 && filled < LB_TABLE_SIZE) {
        for (uint32_t i = 0; i < used && filled < LB_TABLE_SIZE; i++) {
            turns[i].credit += turns[i].weight;
            if (turns[i].credit >= most) {
                turns[i].credit -= most;
                take_entry(&turns[i], table);
                filled++;
            }
        }
    }
    free(turns);
    return SL_OK;
}
