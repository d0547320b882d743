/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * First match over all dimensions. One table per address family, holding only the rules and the
 * dimensions that matter to it.
 */
#ifndef SL_NF_FIREWALL_CLASSIFIER_H
#define SL_NF_FIREWALL_CLASSIFIER_H

#include <stdbool.h>

#include "firewall/dimension.h"
#include "firewall/rules.h"
#include "firewall/vectors.h"
#include "safelib/packet.h"

/** A rule's bit is not its number: rules with neighbouring addresses share a chunk, so that a
 * packet finds most chunks empty. Within a chunk the bits ascend with the rules. */
struct fw_table {
    uint32_t bit_count;
    uint32_t *rule_of_bit;
    uint32_t *first_rule; /**< per chunk: its lowest rule */
    uint32_t dim_count;
    struct fw_dimension dims[SL_FW_DIM_COUNT];
    struct fw_vectors vectors;
};

/** @p family is SL_FW_IP4 or SL_FW_IP6.
 * @retval SL_OK, SL_NO_MEMORY (also: more than FW_MEMORY_MAX) */
sl_rc fw_table_build(const struct fw_rules *rules, uint8_t family,
                     struct fw_table *ret_table) SL_MUST_CHECK;
void fw_table_done(struct fw_table *table);
size_t fw_table_bytes(const struct fw_table *table);

/** Rows of a burst, per dimension of the table. */
struct fw_rows {
    const uint64_t *at[SL_FW_DIM_COUNT][SL_BURST_MAX];
};
/** What connection tracking says of a packet. */
struct fw_ct {
    uint8_t state; /**< SL_FW_CT_* */
    uint8_t direction;
    bool has_direction; /**< false where no flow is behind the packet */
};
/** @param[in] cts  one for each packet, or NULL where no rule asks for it
 * @context packet path; count <= SL_BURST_MAX */
void fw_table_rows(const struct fw_table *table, const struct sl_packet *const *packets,
                   const struct fw_ct *cts, uint32_t count, struct fw_rows *ret_rows);
/** Does a rule of the table ask for this dimension? */
bool fw_table_has(const struct fw_table *table, uint32_t dim);
/** Lowest rule from @p from on that every row of packet @p index has, or SL_RULE_DEFAULT.
 * @context packet path */
uint32_t fw_table_match(const struct fw_table *table, const struct fw_rows *rows, uint32_t index,
                        uint32_t from);

#endif
