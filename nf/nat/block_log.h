/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Who had which block of ports, and when: what an operator of a large NAT must be able to tell (RFC
 * 6888 4). A ring of the last events; the packet path writes, the control thread reads.
 */
#ifndef SL_NF_NAT_BLOCK_LOG_H
#define SL_NF_NAT_BLOCK_LOG_H

#include "nat/policy.h"

enum { NAT_LOG_EVENTS = 4096 };

struct nat_log_event {
    uint64_t unix_ms; /* 0: the time of day was not known yet */
    struct nat_addr subscriber;
    uint32_t outside;
    uint16_t first, last; /* ports */
    uint32_t is_taken;
    uint32_t zero;
};
enum { NAT_LOG_WORDS = sizeof(struct nat_log_event) / 8 };
_Static_assert(sizeof(struct nat_log_event) == 40, "whole words");

struct nat_log {
    uint64_t count; /* events ever; their numbers are from 0 */
    uint64_t words[NAT_LOG_EVENTS][NAT_LOG_WORDS];
};

/** @context packet path */
void nat_log_add(struct nat_log *log, const struct nat_log_event *event);
/** Writes the events from number @p from on, as many as fit, oldest first:
 * "NUMBER SECONDS taken|given SUBSCRIBER OUTSIDE FIRST-LAST; " each, and at the end "next NUMBER".
 * @context control thread; the packet path may be writing */
void nat_log_text(const struct nat_log *log, uint64_t from, char *out, size_t size);

#endif
