/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Longest prefix match by Poptrie (Asai and Ohara, SIGCOMM 2015): a multi-bit trie whose nodes say
 * by two bit maps and a count of their bits where children and leaves are. The first 18 bits index
 * a table, each node takes 6 more: IPv4 needs at most three nodes, a /24 one. Where all routes
 * below go the same way for a while a node of its own says so, which bounds what any IPv6 table
 * takes. docs/adr/0036-router-lookup.md.
 */
#ifndef SL_NF_ROUTER_POPTRIE_H
#define SL_NF_ROUTER_POPTRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safelib/rc.h"

enum {
    RT_DIRECT_BITS = 18,
    RT_STRIDE = 6,
    RT_NONE = 0x7fffffff, /**< no route: the value of a leaf */
    RT_SKIP_MAX = 10,     /**< strides that one node skips: 60 bits */
};

/** An address or prefix, its first bit the highest of `hi`; IPv4 in the upper half of `hi`. */
struct rt_key {
    uint64_t hi;
    uint64_t lo;
};

struct rt_route {
    struct rt_key prefix; /**< bits behind `length` are zero */
    uint32_t length;      /**< 0..128 */
    uint32_t value;       /**< below RT_NONE */
};

/** Where first_leaf has RT_SKIP set, the node stands for a stretch without a choice: `children` are
 * the bits expected, `leaf_edges` counts their strides, first_child is what follows, and the leaf
 * is for keys with other bits. */
struct rt_node {
    uint64_t children;   /**< bit i: chunk i goes on in a node */
    uint64_t leaf_edges; /**< bit i: the leaf of chunk i is not that of the chunk before */
    uint32_t first_child;
    uint32_t first_leaf;
};

struct rt_trie {
    uint32_t *direct; /**< per 18 leading bits: a node, or RT_LEAF and a value; NULL: no routes */
    struct rt_node *nodes;
    uint32_t *leaves;
    uint32_t node_count, node_room;
    uint32_t leaf_count, leaf_room;
};

/** @param routes  ascending by (prefix, length), no two the same
 * @retval SL_OK, SL_NO_MEMORY
 * @owner caller calls rt_trie_done on SL_OK
 * @context control thread */
sl_rc rt_trie_build(const struct rt_route *routes, uint32_t count,
                    struct rt_trie *ret_trie) SL_MUST_CHECK;
void rt_trie_done(struct rt_trie *trie);
size_t rt_trie_bytes(const struct rt_trie *trie);

/** Brings the first step of a lookup into the cache. @context packet path */
void rt_trie_prefetch(const struct rt_trie *trie, struct rt_key key);
/** Value of the longest prefix that holds @p key, or RT_NONE. @context packet path */
uint32_t rt_trie_lookup(const struct rt_trie *trie, struct rt_key key);

/** True where @p key lies in the route's prefix. */
bool rt_route_holds(const struct rt_route *route, struct rt_key key);
/** Order of the table: below, at or above zero. */
int rt_route_compare(const struct rt_route *a, const struct rt_route *b);

#endif
