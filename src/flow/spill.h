/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Who has which part of a shard's untrusted memory: one per shard, for all flow tables of its chain
 * and of the next, while both are there. Keeps its books in the enclave and never looks at the
 * memory itself.
 */
#ifndef SL_FLOW_SPILL_H
#define SL_FLOW_SPILL_H

#include <stddef.h>
#include <stdint.h>

/** Tables of two chains, two stores each. */
enum { SL_FLOW_SPILL_PARTS = 64 };

struct sl_flow_spill {
    uint8_t *base;
    size_t size;
    uint32_t count;
    struct {
        size_t off, size;
    } parts[SL_FLOW_SPILL_PARTS]; /**< in use, by place */
};

/** @param base  aligned to SL_FLOW_OUTSIDE_ALIGN, checked to lie outside the enclave; or NULL */
void sl_flow_spill_init(struct sl_flow_spill *spill, uint8_t *base, size_t size);
/** A part of @p size bytes, aligned to SL_FLOW_OUTSIDE_ALIGN; NULL where there is none.
 * @context control thread */
uint8_t *sl_flow_spill_take(struct sl_flow_spill *spill, size_t size);
/** Gives a part back; NULL is fine. */
void sl_flow_spill_give(struct sl_flow_spill *spill, const uint8_t *part);
/** The largest part that could be had now. */
size_t sl_flow_spill_left(const struct sl_flow_spill *spill);

#endif
