/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Maglev's consistent hashing (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
 * Balancer", NSDI 2016, section 3.4), with weights.
 */
#ifndef SL_NF_BALANCER_MAGLEV_H
#define SL_NF_BALANCER_MAGLEV_H

#include <stddef.h>
#include <stdint.h>

#include "safelib/rc.h"

enum {
    LB_TABLE_SIZE = 65537, /**< prime; the paper's choice for a hundredfold of backends or less */
    LB_NOBODY = 0xffff,
};

struct lb_member {
    uint64_t key;    /**< hash of its name: its place in the table depends on that alone */
    uint32_t weight; /**< 0: gets no entry */
    uint16_t index;  /**< what the table's entries say */
};

/** Fills a table. The result does not depend on the order of @p members.
 * @param count  members, at most LB_NOBODY
 * @param table  LB_TABLE_SIZE entries; LB_NOBODY in all where no member has weight
 * @retval SL_OK, SL_NO_MEMORY
 * @context control thread */
sl_rc lb_maglev_fill(const struct lb_member *members, uint32_t count,
                     uint16_t *table) SL_MUST_CHECK;

/** A key of a name, and mixing of 64 bits: Fowler, Noll and Vo's FNV-1a; Steele's splitmix64. */
uint64_t lb_name_key(uint64_t key, const void *name, size_t size);
uint64_t lb_mix(uint64_t value);
#define LB_NAME_KEY_START 0xcbf29ce484222325ull

#endif
