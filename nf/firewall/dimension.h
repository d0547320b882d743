/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One dimension of the classifier: which rules a value of it satisfies.
 */
#ifndef SL_NF_FIREWALL_DIMENSION_H
#define SL_NF_FIREWALL_DIMENSION_H

#include "firewall/rules.h"
#include "firewall/vectors.h"

/** The line of values, cut where the set of rules changes; each piece has a row. */
struct fw_dimension {
    uint8_t dim;         /**< enum sl_fw_dim */
    uint8_t width;       /**< bytes of a value */
    uint8_t shift;       /**< of a value, for `index` */
    fw_row none;         /**< for packets without the value: rules that do not ask for it */
    uint32_t count;      /**< pieces */
    uint32_t first_step; /**< widths 2 and 4: of the bisection behind `index` */
    fw_row *rows;        /**< per piece; for width 1 per value */
    uint32_t *starts;    /**< widths 2 and 4: first value of each piece */
    uint32_t *index;     /**< per leading bits of a value: the piece where they begin */
    uint64_t *starts6;   /**< width 16: pairs high, low */
};

/** Builds the dimension for the rules that `rule_of_bit` lists.
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc fw_dimension_build(const struct fw_rules *rules, const uint32_t *rule_of_bit,
                         uint32_t bit_count, uint32_t dim, struct fw_vectors *vectors,
                         struct fw_dimension *ret_dimension) SL_MUST_CHECK;
void fw_dimension_done(struct fw_dimension *dimension);
size_t fw_dimension_bytes(const struct fw_dimension *dimension);

/** Row of a value of width 2 or 4. A bisection with the same number of steps for every value:
 * nothing for the processor to mispredict. Pieces past the bucket start above the value, so looking
 * at them changes nothing; the arrays are padded behind the last. */
static inline fw_row fw_dimension_row32(const struct fw_dimension *dimension, uint32_t value)
{
    const uint32_t *starts = dimension->starts;
    uint32_t base = dimension->index[value >> dimension->shift];
    for (uint32_t step = dimension->first_step; step != 0; step >>= 1) {
        base += starts[base + step] <= value ? step : 0;
    }
    return dimension->rows[base];
}

/** Row of an IPv6 address. */
static inline fw_row fw_dimension_row128(const struct fw_dimension *dimension, uint64_t high,
                                         uint64_t low)
{
    fw_key value = (fw_key)high << 64 | low;
    const uint64_t *starts = dimension->starts6;
    uint32_t base = 0;
    uint32_t count = dimension->count;
    while (count > 1) {
        uint32_t half = count / 2;
        const uint64_t *at = starts + 2 * (size_t)(base + half);
        base = ((fw_key)at[0] << 64 | at[1]) <= value ? base + half : base;
        count -= half;
    }
    return dimension->rows[base];
}

#endif
