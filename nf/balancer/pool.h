/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Services and their backends, read from a policy. Never written then but for what is marked up,
 * down or draining, which is atomic; so the shards share it.
 */
#ifndef SL_NF_BALANCER_POOL_H
#define SL_NF_BALANCER_POOL_H

#include "balancer/format.h"
#include "balancer/maglev.h"
#include "safelib/flow.h"

struct lb_addr {
    uint8_t version; /**< 0: none */
    uint8_t bytes[16];
};

/** Marks of a backend, by health checks and by operators. */
enum {
    LB_MARK_DOWN = 1,
    LB_MARK_DRAIN = 2,
    LB_MARK_TOLD = 4, /**< by a command to this version of the policy: what is adopted is older */
};

struct lb_backend {
    uint32_t id; /**< of name, address, port and service: what a flow remembers */
    uint64_t key;
    uint16_t service;
    uint16_t port;
    uint16_t weight;
    uint8_t state; /**< enum sl_lb_state */
    uint8_t side;  /**< enum sl_port */
    uint8_t marks; /**< LB_MARK_*, atomic */
    struct lb_addr addr;
    char name[SL_LB_NAME_MAX];
};

struct lb_service {
    struct lb_addr addr;
    uint8_t proto;
    uint8_t forward;
    uint8_t hash;
    uint8_t when_down;
    uint8_t is_reset_when_marked_down;
    uint8_t source_count;
    uint16_t port;
    uint16_t sport_first, sport_last;
    uint16_t backend_first, backend_count; /**< in the pool's list */
    struct lb_addr sources[SL_LB_SOURCES_MAX];
    uint16_t *table; /**< LB_TABLE_SIZE entries: backends of the pool */
    char name[SL_LB_NAME_MAX];
};

/** What an address is here. */
enum {
    LB_IS_VIP = 1,
    LB_IS_BACKEND = 2,
    LB_IS_SOURCE = 4,
};

struct lb_pool {
    uint32_t references; /**< counted on the control thread only */
    uint8_t other;
    uint8_t key[SL_LB_KEY_SIZE];
    uint16_t tunnel_mtu;
    struct lb_addr tunnel4, tunnel6;
    uint32_t service_count, backend_count;
    struct lb_service *services;
    struct lb_backend *backends;
    uint16_t *by_id;        /**< backends, ascending by id */
    struct lb_known *known; /**< open addressing: addresses */
    uint32_t known_mask;
};

/** @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_UNSUPPORTED (format), SL_RANGE (limits),
 *          SL_NO_MEMORY
 * @owner one reference is the caller's */
sl_rc lb_pool_read(const void *policy, size_t size, struct lb_pool **ret_pool, char *reason,
                   size_t reason_size) SL_MUST_CHECK;
/** Gives a reference back. */
void lb_pool_drop(struct lb_pool *pool);

/* ---- context: packet path ---- */

/** LB_IS_* of an address, 4 or 16 bytes. */
uint8_t lb_pool_what(const struct lb_pool *pool, uint8_t version, const uint8_t *addr);
/** The service of a client's packet, the most particular one; or NULL. */
const struct lb_service *lb_pool_service(const struct lb_pool *pool,
                                         const struct sl_flow_tuple *tuple);
/** Index of the backend for a new flow: the table's, or where that one gets no new flows another
 * one, spread over all that do; LB_NOBODY. Flows of the others stay where they are. */
uint16_t lb_pool_choose(const struct lb_pool *pool, const struct lb_service *service,
                        const struct sl_flow_tuple *tuple);
/** Index of the backend of that id, or LB_NOBODY. */
uint16_t lb_pool_find(const struct lb_pool *pool, uint32_t id);
/** Keyed hash (SipHash-1-3) with the policy's key. */
uint64_t lb_pool_hash(const struct lb_pool *pool, const void *data, size_t size);

static inline uint8_t lb_backend_marks(const struct lb_backend *backend)
{
    return __atomic_load_n(&backend->marks, __ATOMIC_RELAXED) & (LB_MARK_DOWN | LB_MARK_DRAIN);
}

#endif
