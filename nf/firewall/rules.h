/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A compiled policy taken apart and checked; lives only while the classifier is built.
 */
#ifndef SL_NF_FIREWALL_RULES_H
#define SL_NF_FIREWALL_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "firewall/format.h"
#include "safelib/rc.h"

/** Wide enough for every dimension. */
typedef unsigned __int128 fw_key;

struct fw_interval {
    fw_key lo;
    fw_key hi;
};

struct fw_rule {
    uint8_t action; /**< enum sl_fw_action */
    uint8_t code4;
    uint8_t code6;
    uint8_t families;
    uint32_t skip_to;
    uint32_t first[SL_FW_DIM_COUNT]; /**< index into intervals */
    uint32_t count[SL_FW_DIM_COUNT]; /**< 0: not constrained */
};

struct fw_rules {
    uint8_t default_action;
    uint32_t count;
    struct fw_rule *rules;
    uint32_t interval_count;
    struct fw_interval *intervals;
};

/** Reads and checks a policy. @p reason gets a sentence on refusal.
 * @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_UNSUPPORTED (format), SL_RANGE (limits),
 *         SL_NO_MEMORY
 * @owner caller calls fw_rules_done on SL_OK */
sl_rc fw_rules_read(const void *policy, size_t size, struct fw_rules *ret_rules, char *reason,
                    size_t reason_size) SL_MUST_CHECK;
void fw_rules_done(struct fw_rules *rules);

/** Bytes of a value of a dimension. */
uint32_t fw_dim_width(uint32_t dim);
/** Largest value of a dimension. */
fw_key fw_dim_max(uint32_t dim);

#endif
