/* SPDX-License-Identifier: Apache-2.0 */
/* The books of a shard's untrusted memory. */
#include "flow/spill.h"

#include <string.h>

#include "flow/store.h"

void sl_flow_spill_init(struct sl_flow_spill *spill, uint8_t *base, size_t size)
{
    memset(spill, 0, sizeof(*spill));
    spill->base = base;
    spill->size = base != NULL ? size / SL_FLOW_OUTSIDE_ALIGN * SL_FLOW_OUTSIDE_ALIGN : 0;
}

/* The free bytes before part `at`; before the end where there is none. */
static size_t gap_before(const struct sl_flow_spill *spill, uint32_t at, size_t *ret_off)
{
    size_t end = at < spill->count ? spill->parts[at].off : spill->size;
    *ret_off = at > 0 ? spill->parts[at - 1].off + spill->parts[at - 1].size : 0;
    return end - *ret_off;
}

uint8_t *sl_flow_spill_take(struct sl_flow_spill *spill, size_t size)
{
    if (size == 0 || size > spill->size || spill->count == SL_FLOW_SPILL_PARTS) {
        return NULL;
    }
    size = (size + SL_FLOW_OUTSIDE_ALIGN - 1) / SL_FLOW_OUTSIDE_ALIGN * SL_FLOW_OUTSIDE_ALIGN;
    for (uint32_t at = 0; at <= spill->count; at++) {
        size_t off = 0;
        if (gap_before(spill, at, &off) >= size) {
            memmove(&spill->parts[at + 1], &spill->parts[at],
                    (spill->count - at) * sizeof(spill->parts[0]));
            spill->parts[at].off = off;
            spill->parts[at].size = size;
            spill->count++;
            return spill->base + off;
        }
    }
    return NULL;
}

void sl_flow_spill_give(struct sl_flow_spill *spill, const uint8_t *part)
{
    for (uint32_t at = 0; part != NULL && at < spill->count; at++) {
        if (spill->base + spill->parts[at].off == part) {
            spill->count--;
            memmove(&spill->parts[at], &spill->parts[at + 1],
                    (spill->count - at) * sizeof(spill->parts[0]));
            return;
        }
    }
}

size_t sl_flow_spill_left(const struct sl_flow_spill *spill)
{
    size_t most = 0;
    for (uint32_t at = 0; at <= spill->count && spill->count < SL_FLOW_SPILL_PARTS; at++) {
        size_t off = 0;
        size_t gap = gap_before(spill, at, &off);
        most = gap > most ? gap : most;
    }
    return most;
}
