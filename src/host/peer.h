/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Outer addresses as 16-bit tags. The host tags each run with the address it came from; the image
 * answers with the tag of the last packet that was authentic. So who spoofs a source address
 * diverts nothing, and who floods with addresses evicts only addresses that were never answered.
 */
#ifndef SL_HOST_PEER_H
#define SL_HOST_PEER_H

#include <stdint.h>

#include "net/addr.h"

enum {
    SL_PEER_SETS = 128, /**< power of two */
    SL_PEER_WAYS = 8,
    SL_PEER_COUNT = SL_PEER_SETS * SL_PEER_WAYS,
};

struct sl_peer {
    struct sl_net_addr addr; /**< ip_version 0: free */
    uint64_t used;           /**< tick of the last receive or answer */
    uint8_t generation;      /**< 1..63 once used; part of the tag */
    bool is_answered;
};

/** One thread. Zero-initialise through sl_peers_init. */
struct sl_peers {
    struct sl_peer peers[SL_PEER_COUNT];
    uint64_t tick;
    uint64_t key; /**< of the hash: an outsider cannot aim at a set */
    uint16_t last;
};

void sl_peers_init(struct sl_peers *peers);
/** Tag of an address, which is entered where it is new. Never 0. */
uint16_t sl_peers_tag(struct sl_peers *peers, const struct sl_net_addr *addr);
/** Address behind a tag that the image sends to, which protects it from eviction; NULL where the
 * tag is stale or never was. */
const struct sl_net_addr *sl_peers_answer(struct sl_peers *peers, uint16_t tag);

#endif
