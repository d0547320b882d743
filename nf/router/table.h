/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The routes of a compiled policy: never written once they are read, so the shards share them.
 */
#ifndef SL_NF_ROUTER_TABLE_H
#define SL_NF_ROUTER_TABLE_H

#include "router/format.h"
#include "router/poptrie.h"
#include "safelib/packet.h"

struct rt_table {
    uint32_t references; /**< counted on the control thread only */
    uint32_t icmp_rate;
    uint32_t icmp_burst;
    uint32_t count4;
    uint32_t count6;
    uint8_t *actions; /**< enum sl_rt_action, per route */
    struct rt_trie trie4;
    struct rt_trie trie6;
    bool has_local4[SL_PORT_COUNT]; /**< an address of the router's own, per port */
    bool has_local6[SL_PORT_COUNT];
    uint8_t local4[SL_PORT_COUNT][4];
    uint8_t local6[SL_PORT_COUNT][16];
};

/** Reads and checks a policy, and builds the tries. @p reason gets a sentence on refusal.
 * @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_UNSUPPORTED (format), SL_RANGE (limits),
 *         SL_NO_MEMORY
 * @owner one reference is the caller's */
sl_rc rt_table_read(const void *policy, size_t size, struct rt_table **ret_table, char *reason,
                    size_t reason_size) SL_MUST_CHECK;
/** Gives a reference back. */
void rt_table_drop(struct rt_table *table);

/** An IPv4 address, host order, as a key. */
static inline struct rt_key rt_key4(uint32_t addr)
{
    return (struct rt_key){.hi = (uint64_t)addr << 32};
}

#endif
