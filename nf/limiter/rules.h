/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The limiter's rules: read from a policy, never written then.
 */
#ifndef SL_NF_LIMITER_RULES_H
#define SL_NF_LIMITER_RULES_H

#include <stddef.h>

#include "limiter/bucket.h"
#include "safelib/packet.h"

struct lm_prefix {
    uint64_t hi, lo;           /**< as of 16 bytes, IPv4 in the first 4 */
    uint64_t mask_hi, mask_lo; /**< 0: any */
};

struct lm_rule {
    uint32_t id;
    uint8_t ports;
    uint8_t families;
    uint8_t proto;
    uint8_t has;
    struct lm_prefix source;
    struct lm_prefix destination;
    uint16_t sport[2], dport[2];
    uint8_t key;
    uint8_t length4, length6; /**< of an address that has a bucket */
    uint8_t unit;
    uint8_t action;
    uint8_t dscp;
    uint8_t flow_slot; /**< of SL_LM_PER_FLOW: which of a flow's buckets */
    uint32_t buckets;
    struct lm_rate rate;
};

struct lm_rules {
    uint32_t references; /**< counted on the control thread only */
    uint32_t count;
    struct lm_rule list[];
};

/** Reads and checks a policy. @p reason gets a sentence on refusal.
 * @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_UNSUPPORTED (format), SL_RANGE (limits),
 *         SL_NO_MEMORY
 * @owner one reference is the caller's */
sl_rc lm_rules_read(const void *policy, size_t size, struct lm_rules **ret_rules, char *reason,
                    size_t reason_size) SL_MUST_CHECK;
/** Gives a reference back. */
void lm_rules_drop(struct lm_rules *rules);

/** @context packet path */
bool lm_rule_matches(const struct lm_rule *rule, const struct sl_packet *packet);
/** The address that has the bucket, masked. @context packet path */
void lm_rule_address(const struct lm_rule *rule, const struct sl_packet *packet,
                     uint8_t ret_addr[16]);

#endif
