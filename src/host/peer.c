/* SPDX-License-Identifier: Apache-2.0 */
/* Table of outer addresses: set-associative, so that a flood of spoofed sources costs constant time
 * and can evict only what was never answered. */
#include "host/peer.h"

#include <string.h>
#include <sys/random.h>

enum { TAG_INDEX_BITS = 10, TAG_GENERATIONS = 63 };
_Static_assert(1 << TAG_INDEX_BITS == SL_PEER_COUNT, "tag");

void sl_peers_init(struct sl_peers *peers)
{
    memset(peers, 0, sizeof(*peers));
    /* Only spreads load: without randomness the table still is correct. */
    (void)!getrandom(&peers->key, sizeof(peers->key), GRND_NONBLOCK);
}

static uint32_t set_of(const struct sl_peers *peers, const struct sl_net_addr *addr)
{
    uint64_t words[2];
    memcpy(words, addr->ip, sizeof(words));
    uint64_t h = peers->key ^ addr->port;
    for (uint32_t i = 0; i < 2; i++) {
        h = (h ^ words[i]) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
    }
    return (uint32_t)(h >> 40) & (SL_PEER_SETS - 1);
}

static uint16_t tag_of(const struct sl_peers *peers, uint32_t index)
{
    return (uint16_t)(index | (uint32_t)peers->peers[index].generation << TAG_INDEX_BITS);
}

/* Whether `a` is the better one to evict. */
static bool is_lesser(const struct sl_peer *a, const struct sl_peer *b)
{
    if (a->is_answered != b->is_answered) {
        return b->is_answered;
    }
    return a->used < b->used;
}

uint16_t sl_peers_tag(struct sl_peers *peers, const struct sl_net_addr *addr)
{
    struct sl_peer *last = &peers->peers[peers->last];
    peers->tick++;
    if (sl_net_addr_equal(&last->addr, addr)) {
        last->used = peers->tick;
        return tag_of(peers, peers->last);
    }
    uint32_t first = set_of(peers, addr) * SL_PEER_WAYS;
    uint32_t victim = first;
    for (uint32_t i = first; i < first + SL_PEER_WAYS; i++) {
        if (sl_net_addr_equal(&peers->peers[i].addr, addr)) {
            peers->peers[i].used = peers->tick;
            peers->last = (uint16_t)i;
            return tag_of(peers, i);
        }
        if (is_lesser(&peers->peers[i], &peers->peers[victim])) {
            victim = i;
        }
    }
    struct sl_peer *peer = &peers->peers[victim];
    peer->generation = (uint8_t)(peer->generation % TAG_GENERATIONS + 1);
    peer->addr = *addr;
    peer->used = peers->tick;
    peer->is_answered = false;
    peers->last = (uint16_t)victim;
    return tag_of(peers, victim);
}

const struct sl_net_addr *sl_peers_answer(struct sl_peers *peers, uint16_t tag)
{
    struct sl_peer *peer = &peers->peers[tag & (SL_PEER_COUNT - 1)];
    if (peer->addr.ip_version == 0 || peer->generation != tag >> TAG_INDEX_BITS) {
        return NULL;
    }
    peer->used = peers->tick;
    peer->is_answered = true;
    return &peer->addr;
}
