/* SPDX-License-Identifier: Apache-2.0 */
/* Who gives way where a table is full. */
#include "flow/private.h"

#include <emmintrin.h>

#include "flow/tuple.h"

enum {
    LOOKS = 512, /* slots looked at together */
    AHEAD = 3,   /* victims whose keys are looked for before it is their turn */
};

bool flow_is_touched(const struct sl_flow_table *table, uint32_t id)
{
    const __m128i want = _mm_set1_epi32((int)id);
    __m128i any = _mm_setzero_si128();
    uint32_t i = 0;
    for (; i + 4 <= table->touched_count; i += 4) {
        const __m128i *at = (const __m128i *)(const void *)&table->touched[i];
        any = _mm_or_si128(any, _mm_cmpeq_epi32(_mm_loadu_si128(at), want));
    }
    bool is_touched = _mm_movemask_epi8(any) != 0;
    for (; i < table->touched_count; i++) {
        is_touched = is_touched || table->touched[i] == id;
    }
    return is_touched;
}

void flow_evict_start(struct sl_flow_table *table)
{
    for (uint32_t i = 0; i < FLOW_PLANES; i++) {
        table->planes[i].evicted = 0;
        table->planes[i].is_victim_sought = false;
        table->planes[i].victim_at = table->planes[i].victim_count = 0;
    }
}

/* Who may go, from @p at on, which moves on around the table. @return whether there is anybody */
static bool look_from(const struct sl_flow_table *table, struct flow_plane *plane, uint32_t *at)
{
    uint32_t end = plane->count - *at < LOOKS ? plane->count : *at + LOOKS;
    plane->victim_at = 0;
    plane->victim_count =
        sl_flow_wheel_weak(plane->slots, end, table->tick, FLOW_EVICT_MAX, at, plane->victims);
    *at = *at < plane->count ? *at : 0;
    return plane->victim_count != 0;
}

/* Finds those of a burst, and starts the loads of their records. One hand goes around the table.
 * Where it finds nobody, a second one looks where the newest flow is: whoever takes another's place
 * lies there, so strangers lie together. */
static bool look_ahead(const struct sl_flow_table *table, struct flow_plane *plane)
{
    plane->is_victim_sought = true;
    if (!look_from(table, plane, &plane->evict_at) &&
        !look_from(table, plane, &plane->evict_near)) {
        plane->evict_near = plane->newest > LOOKS / 2 ? plane->newest - LOOKS / 2 : 0;
        (void)look_from(table, plane, &plane->evict_near);
    }
    for (uint32_t i = 0; i < plane->victim_count; i++) {
        sl_flow_store_prefetch_place(plane->store, plane->victims[i]);
    }
    for (uint32_t i = 0; i < plane->victim_count; i++) {
        sl_flow_store_prefetch(plane->store, plane->victims[i], plane->layout.size);
    }
    return plane->victim_count != 0;
}

/* Starts the load of where a victim's key lies. */
static void look_for_key(const struct sl_flow_table *table, const struct flow_plane *plane,
                         uint32_t slot)
{
    struct sl_flow_tuple original;
    void *record;
    if (plane->outside == NULL && sl_flow_is_live(&plane->slots[slot]) &&
        sl_flow_store_pin(plane->store, slot, false, &record) == SL_OK) {
        sl_flow_record_original(record, &plane->layout, &original);
        sl_flow_index_prefetch(&table->index, sl_flow_tuple_hash(&table->key, &original));
    }
}

/* One that may go, of those found ahead. @return its slot; the plane's count: none is left */
static uint32_t take_victim(const struct sl_flow_table *table, struct flow_plane *plane)
{
    while (plane->victim_at < plane->victim_count) {
        uint32_t at = plane->victims[plane->victim_at++];
        const struct sl_flow_slot *slot = &plane->slots[at];
        if (plane->victim_at + AHEAD <= plane->victim_count) {
            look_for_key(table, plane, plane->victims[plane->victim_at + AHEAD - 1]);
        }
        if (sl_flow_is_live(slot) &&
            (!sl_flow_is_assured(slot) || sl_flow_is_due(slot, table->tick))) {
            return at;
        }
    }
    return plane->count;
}

bool flow_evict(struct sl_flow_table *table, uint32_t index)
{
    struct flow_plane *plane = &table->planes[index];
    if (plane->evicted == FLOW_EVICT_MAX ||
        (!plane->is_victim_sought && !look_ahead(table, plane))) {
        return false;
    }
    for (uint32_t at; (at = take_victim(table, plane)) < plane->count;) {
        uint32_t id = flow_id(index, at);
        bool is_due = sl_flow_is_due(&plane->slots[at], table->tick);
        if (!flow_is_touched(table, id)) {
            plane->evicted++;
            flow_end_slot(table, id, is_due ? SL_FLOW_END_IDLE : SL_FLOW_END_EVICTED);
            return true;
        }
    }
    return false;
}
