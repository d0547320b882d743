/* SPDX-License-Identifier: Apache-2.0 */
/* The firewall's meaning written down plainly: rules as lists, tried one after the other. What the
 * classifier is compared with; also writes such rules as a compiled policy. */
#ifndef SL_TESTS_NF_REFERENCE_H
#define SL_TESTS_NF_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firewall/format.h"
#include "safelib/bytes.h"
#include "safelib/packet.h"

enum { REF_INTERVALS = 4 };

struct ref_interval {
    uint8_t lo[16], hi[16]; /* big-endian, `width` bytes of the dimension count */
};

struct ref_rule {
    uint8_t action, code4, code6, families;
    uint32_t skip_to;
    uint8_t count[SL_FW_DIM_COUNT];
    struct ref_interval intervals[SL_FW_DIM_COUNT][REF_INTERVALS];
};

uint32_t ref_width(uint32_t dim);
/* Writes a policy; returns its size, 0 where it does not fit. */
size_t ref_policy_write(const struct ref_rule *rules, uint32_t count, uint8_t default_action,
                        uint8_t *out, size_t size);
/* Writes a chain bundle of one firewall with that policy. */
size_t ref_bundle_write(const uint8_t *policy, size_t policy_size, uint64_t version, uint8_t *out,
                        size_t size);
/* Number of the rule that decides, or SL_RULE_DEFAULT. */
uint32_t ref_decide(const struct ref_rule *rules, uint32_t count, const struct sl_packet *packet);

/* xorshift64*: the seed is printed, so that a failure can be repeated. */
uint64_t ref_random(uint64_t *state);
/* Packet of random headers whose values lie mostly in the rules; parsed. */
void ref_packet_random(uint64_t *state, const struct ref_rule *rules, uint32_t count, uint8_t *data,
                       uint32_t room, struct sl_packet *ret_packet);
void ref_rule_random(uint64_t *state, uint32_t index, uint32_t count, struct ref_rule *ret_rule);
/* Reads a ClassBench file into rules (accept and drop by turns); count of them, at most `max`. */
uint32_t ref_classbench_read(const char *path, struct ref_rule *ret_rules, uint32_t max);

#endif
