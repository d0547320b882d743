/* SPDX-License-Identifier: Apache-2.0 */
/* Poptrie: built once from sorted routes, then only read. */
#include "router/poptrie.h"

#include <stdlib.h>

#define RT_LEAF 0x80000000u /* of an entry of the table: a value, no node */
#define RT_SKIP 0x80000000u /* of a node's first_leaf */

enum { CHUNKS = 1 << RT_STRIDE, DIRECT_COUNT = 1 << RT_DIRECT_BITS };

/* Six bits of a key from bit `off`, counted from the first; zeros behind its end. */
static inline uint32_t chunk_of(struct rt_key key, uint32_t off)
{
    if (off <= 64 - RT_STRIDE) {
        return (uint32_t)(key.hi >> (64 - RT_STRIDE - off)) & (CHUNKS - 1);
    }
    unsigned __int128 whole = (unsigned __int128)key.hi << 64 | key.lo;
    return (uint32_t)(whole << off >> (128 - RT_STRIDE));
}

/* The same for `strides` of them. */
static inline uint64_t stretch_of(struct rt_key key, uint32_t off, uint32_t strides)
{
    unsigned __int128 whole = (unsigned __int128)key.hi << 64 | key.lo;
    return (uint64_t)(whole << off >> (128 - RT_STRIDE * strides));
}

static inline uint32_t direct_of(struct rt_key key)
{
    return (uint32_t)(key.hi >> (64 - RT_DIRECT_BITS));
}

static struct rt_key mask_of(uint32_t length)
{
    struct rt_key mask = {.hi = ~0ull, .lo = ~0ull};
    if (length <= 64) {
        mask.lo = 0;
        mask.hi = length == 0 ? 0 : ~0ull << (64 - length);
    } else if (length < 128) {
        mask.lo = ~0ull << (128 - length);
    }
    return mask;
}

bool rt_route_holds(const struct rt_route *route, struct rt_key key)
{
    struct rt_key mask = mask_of(route->length);
    return (key.hi & mask.hi) == route->prefix.hi && (key.lo & mask.lo) == route->prefix.lo;
}

int rt_route_compare(const struct rt_route *a, const struct rt_route *b)
{
    if (a->prefix.hi != b->prefix.hi) {
        return a->prefix.hi < b->prefix.hi ? -1 : 1;
    }
    if (a->prefix.lo != b->prefix.lo) {
        return a->prefix.lo < b->prefix.lo ? -1 : 1;
    }
    return a->length < b->length ? -1 : a->length > b->length;
}

/* ---- building ---- */

static bool reserve(void **array, uint32_t *room, uint32_t wanted, size_t size)
{
    if (wanted <= *room) {
        return true;
    }
    uint32_t more = *room + *room / 2;
    more = more > wanted ? more : wanted + 64;
    void *moved = realloc(*array, more * size);
    if (moved == NULL) {
        return false;
    }
    *array = moved;
    *room = more;
    return true;
}

static bool node_reserve(struct rt_trie *trie, uint32_t more)
{
    void *array = trie->nodes;
    bool is_good = reserve(&array, &trie->node_room, trie->node_count + more, sizeof(*trie->nodes));
    trie->nodes = array;
    return is_good;
}

static bool leaf_reserve(struct rt_trie *trie, uint32_t more)
{
    void *array = trie->leaves;
    bool is_good =
        reserve(&array, &trie->leaf_room, trie->leaf_count + more, sizeof(*trie->leaves));
    trie->leaves = array;
    return is_good;
}

/* The routes of one stretch of addresses that share their first `off` bits, seen in chunks. The
 * order puts a prefix before those inside it: painting in that order, the longest stays. Those too
 * long for a chunk follow one another, behind the ones that end in it. */
struct split {
    uint32_t leaf[CHUNKS];
    uint32_t first[CHUNKS]; /* longer routes of that chunk: [first, first + count) */
    uint32_t count[CHUNKS];
};

static void split_routes(const struct rt_route *routes, uint32_t count, uint32_t off,
                         uint32_t inherited, struct split *ret_split)
{
    for (uint32_t i = 0; i < CHUNKS; i++) {
        ret_split->leaf[i] = inherited;
        ret_split->count[i] = 0;
    }
    for (uint32_t r = 0; r < count; r++) {
        uint32_t chunk = chunk_of(routes[r].prefix, off);
        if (routes[r].length > off + RT_STRIDE) {
            ret_split->first[chunk] = ret_split->count[chunk] == 0 ? r : ret_split->first[chunk];
            ret_split->count[chunk]++;
            continue;
        }
        uint32_t width = 1u << (off + RT_STRIDE - routes[r].length);
        for (uint32_t i = chunk; i < chunk + width && i < CHUNKS; i++) {
            ret_split->leaf[i] = routes[r].value;
        }
    }
}

static uint32_t common_bits(struct rt_key a, struct rt_key b)
{
    uint64_t hi = a.hi ^ b.hi;
    uint64_t lo = a.lo ^ b.lo;
    if (hi != 0) {
        return (uint32_t)__builtin_clzll(hi);
    }
    return lo != 0 ? 64 + (uint32_t)__builtin_clzll(lo) : 128;
}

/* Whole strides from `off` on where all routes agree and none ends: sorted, so that what the first
 * and the last share is common to all. */
static uint32_t skip_of(const struct rt_route *routes, uint32_t count, uint32_t off)
{
    uint32_t bits = common_bits(routes[0].prefix, routes[count - 1].prefix);
    for (uint32_t i = 0; i < count && bits >= off + RT_STRIDE; i++) {
        bits = routes[i].length - 1 < bits ? routes[i].length - 1 : bits;
    }
    uint32_t strides = bits > off ? (bits - off) / RT_STRIDE : 0;
    return strides < RT_SKIP_MAX ? strides : RT_SKIP_MAX;
}

/* Makes node `at` one that skips `strides`. Returns what follows, or 0 (never a follower): no
 * memory. */
static uint32_t build_skip(struct rt_trie *trie, uint32_t at, const struct rt_route *routes,
                           uint32_t off, uint32_t strides, uint32_t inherited)
{
    if (!leaf_reserve(trie, 1) || !node_reserve(trie, 1)) {
        return 0;
    }
    trie->nodes[at] = (struct rt_node){
        .children = stretch_of(routes[0].prefix, off, strides),
        .leaf_edges = strides,
        .first_child = trie->node_count,
        .first_leaf = RT_SKIP | trie->leaf_count,
    };
    trie->leaves[trie->leaf_count++] = inherited;
    return trie->node_count++;
}

/* Fills node `at`; recurses at most (128 - 18) / 6 deep. */
static bool build_node(struct rt_trie *trie, uint32_t at, const struct rt_route *routes,
                       uint32_t count, uint32_t off, uint32_t inherited)
{
    struct split split;
    uint32_t strides = skip_of(routes, count, off);
    if (strides != 0) {
        uint32_t next = build_skip(trie, at, routes, off, strides, inherited);
        return next != 0 &&
               build_node(trie, next, routes, count, off + RT_STRIDE * strides, inherited);
    }
    struct rt_node node = {.first_leaf = trie->leaf_count};
    split_routes(routes, count, off, inherited, &split);
    if (!leaf_reserve(trie, CHUNKS)) {
        return false;
    }
    bool has_leaf = false;
    uint32_t last = 0;
    for (uint32_t i = 0; i < CHUNKS; i++) {
        if (split.count[i] != 0) {
            node.children |= 1ull << i;
        } else if (!has_leaf || split.leaf[i] != last) {
            has_leaf = true;
            last = split.leaf[i];
            node.leaf_edges |= 1ull << i;
            trie->leaves[trie->leaf_count++] = last;
        }
    }
    uint32_t children = (uint32_t)__builtin_popcountll(node.children);
    if (!node_reserve(trie, children)) {
        return false;
    }
    node.first_child = trie->node_count;
    trie->node_count += children;
    trie->nodes[at] = node;
    uint32_t child = node.first_child;
    for (uint32_t i = 0; i < CHUNKS; i++) {
        if (split.count[i] != 0 && !build_node(trie, child++, routes + split.first[i],
                                               split.count[i], off + RT_STRIDE, split.leaf[i])) {
            return false;
        }
    }
    return true;
}

/* Values of the table: prefixes of up to 18 bits painted, then the longer ones as nodes. */
static bool build_direct(struct rt_trie *trie, const struct rt_route *routes, uint32_t count)
{
    for (uint32_t i = 0; i < DIRECT_COUNT; i++) {
        trie->direct[i] = RT_LEAF | RT_NONE;
    }
    for (uint32_t r = 0; r < count; r++) {
        if (routes[r].length <= RT_DIRECT_BITS) {
            uint32_t first = direct_of(routes[r].prefix);
            uint32_t width = 1u << (RT_DIRECT_BITS - routes[r].length);
            for (uint32_t i = first; i < first + width; i++) {
                trie->direct[i] = RT_LEAF | routes[r].value;
            }
        }
    }
    for (uint32_t r = 0; r < count;) {
        if (routes[r].length <= RT_DIRECT_BITS) {
            r++;
            continue;
        }
        uint32_t index = direct_of(routes[r].prefix);
        uint32_t end = r + 1;
        while (end < count && direct_of(routes[end].prefix) == index) {
            end++;
        }
        if (!node_reserve(trie, 1)) {
            return false;
        }
        uint32_t at = trie->node_count++;
        uint32_t inherited = trie->direct[index] & ~RT_LEAF;
        trie->direct[index] = at;
        if (!build_node(trie, at, routes + r, end - r, RT_DIRECT_BITS, inherited)) {
            return false;
        }
        r = end;
    }
    return true;
}

/* Gives back what growing reserved; failing to is harmless. */
static void shrink(struct rt_trie *trie)
{
    void *nodes = trie->node_count != 0
                      ? realloc(trie->nodes, trie->node_count * sizeof(*trie->nodes))
                      : NULL;
    void *leaves = trie->leaf_count != 0
                       ? realloc(trie->leaves, trie->leaf_count * sizeof(*trie->leaves))
                       : NULL;
    if (nodes != NULL) {
        trie->nodes = nodes;
        trie->node_room = trie->node_count;
    }
    if (leaves != NULL) {
        trie->leaves = leaves;
        trie->leaf_room = trie->leaf_count;
    }
}

sl_rc rt_trie_build(const struct rt_route *routes, uint32_t count, struct rt_trie *ret_trie)
{
    struct rt_trie trie = {0};
    if (count == 0) {
        *ret_trie = trie;
        return SL_OK;
    }
    trie.direct = malloc(DIRECT_COUNT * sizeof(*trie.direct));
    if (trie.direct == NULL || !build_direct(&trie, routes, count)) {
        rt_trie_done(&trie);
        return SL_NO_MEMORY;
    }
    shrink(&trie);
    *ret_trie = trie;
    return SL_OK;
}

void rt_trie_done(struct rt_trie *trie)
{
    free(trie->direct);
    free(trie->nodes);
    free(trie->leaves);
    *trie = (struct rt_trie){0};
}

size_t rt_trie_bytes(const struct rt_trie *trie)
{
    return (trie->direct != NULL ? DIRECT_COUNT * sizeof(*trie->direct) : 0) +
           trie->node_count * sizeof(*trie->nodes) + trie->leaf_count * sizeof(*trie->leaves);
}

/* ---- lookup ---- */

void rt_trie_prefetch(const struct rt_trie *trie, struct rt_key key)
{
    if (trie->direct != NULL) {
        __builtin_prefetch(&trie->direct[direct_of(key)]);
    }
}

/* POPCNT is older than SGX and than the AES-NI that the ESP below needs. */
__attribute__((target("popcnt"))) uint32_t rt_trie_lookup(const struct rt_trie *trie,
                                                          struct rt_key key)
{
    if (trie->direct == NULL) {
        return RT_NONE;
    }
    uint32_t at = trie->direct[direct_of(key)];
    uint32_t off = RT_DIRECT_BITS;
    while ((at & RT_LEAF) == 0) {
        const struct rt_node *node = &trie->nodes[at];
        if ((node->first_leaf & RT_SKIP) != 0) {
            uint32_t strides = (uint32_t)node->leaf_edges;
            if (stretch_of(key, off, strides) != node->children) {
                return trie->leaves[node->first_leaf & ~RT_SKIP];
            }
            at = node->first_child;
            off += RT_STRIDE * strides;
            continue;
        }
        uint32_t chunk = chunk_of(key, off);
        uint64_t mask = (2ull << chunk) - 1; /* bits 0 to chunk */
        if ((node->children >> chunk & 1) != 0) {
            at = node->first_child + (uint32_t)__builtin_popcountll(node->children & mask) - 1;
            off += RT_STRIDE;
        } else {
            at =
                RT_LEAF | trie->leaves[node->first_leaf +
                                       (uint32_t)__builtin_popcountll(node->leaf_edges & mask) - 1];
        }
    }
    return at & ~RT_LEAF;
}
