/* SPDX-License-Identifier: Apache-2.0 */
/* Who sends most. */
#include "flow_monitor/talkers.h"

#include <string.h>

void fm_talkers_add(struct fm_talkers *talkers, uint64_t hash, const uint8_t *address,
                    uint8_t ip_version, uint64_t bytes)
{
    struct fm_talker *places = talkers->places[hash % FM_TALKER_SETS];
    uint32_t width = ip_version == 4 ? 4 : 16;
    struct fm_talker *least = &places[0];
    for (uint32_t i = 0; i < FM_TALKER_PLACES; i++) {
        if (places[i].ip_version == ip_version && memcmp(places[i].address, address, width) == 0) {
            places[i].bytes += bytes;
            return;
        }
        least = places[i].bytes < least->bytes ? &places[i] : least;
    }
    /* who comes new takes the least one's place and count: it may have had that much before */
    memset(least->address, 0, sizeof(least->address));
    memcpy(least->address, address, width);
    least->ip_version = ip_version;
    least->bytes += bytes;
}

/* Keeps items sorted by falling bytes; @return how many there are then. */
static uint32_t insert(struct fm_talker *items, uint32_t count, uint32_t room,
                       const struct fm_talker *talker)
{
    uint32_t at = count;
    while (at > 0 && items[at - 1].bytes < talker->bytes) {
        at--;
    }
    if (at == room) {
        return count;
    }
    uint32_t kept = count < room ? count : room - 1;
    memmove(&items[at + 1], &items[at], (kept - at) * sizeof(*items));
    items[at] = *talker;
    return kept + 1;
}

void fm_talkers_sort(struct fm_talkers *talkers, uint32_t count)
{
    struct fm_talker items[SL_FM_TALKERS_MAX];
    uint32_t found = 0;
    count = count < SL_FM_TALKERS_MAX ? count : SL_FM_TALKERS_MAX;
    for (uint32_t s = 0; s < FM_TALKER_SETS && count > 0; s++) {
        for (uint32_t i = 0; i < FM_TALKER_PLACES; i++) {
            if (talkers->places[s][i].ip_version != 0) {
                found = insert(items, found, count, &talkers->places[s][i]);
            }
        }
    }
    struct fm_top *top = &talkers->top;
    __atomic_store_n(&top->version, top->version + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&top->count, found, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < found; i++) {
        const uint64_t *from = (const uint64_t *)(const void *)&items[i];
        uint64_t *to = (uint64_t *)(void *)&top->items[i];
        for (uint32_t w = 0; w < sizeof(items[i]) / sizeof(*from); w++) {
            __atomic_store_n(&to[w], from[w], __ATOMIC_RELAXED);
        }
    }
    __atomic_store_n(&top->version, top->version + 1, __ATOMIC_RELEASE);
}

int fm_talkers_get(const struct fm_talkers *talkers, uint32_t index, struct fm_talker *ret_talker)
{
    enum { TRIES = 16 };
    const struct fm_top *top = &talkers->top;
    for (uint32_t i = 0; i < TRIES && index < SL_FM_TALKERS_MAX; i++) {
        uint32_t version = __atomic_load_n(&top->version, __ATOMIC_ACQUIRE);
        uint32_t count = __atomic_load_n(&top->count, __ATOMIC_RELAXED);
        const uint64_t *from = (const uint64_t *)(const void *)&top->items[index];
        uint64_t *to = (uint64_t *)(void *)ret_talker;
        for (uint32_t w = 0; w < sizeof(*ret_talker) / sizeof(*to); w++) {
            to[w] = __atomic_load_n(&from[w], __ATOMIC_RELAXED);
        }
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (version % 2 == 0 && version == __atomic_load_n(&top->version, __ATOMIC_RELAXED)) {
            return index < count;
        }
    }
    return 0;
}
