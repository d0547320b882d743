/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What one shard of the NAT has learned: its mappings (the "binding information base" of RFC 6146
 * 3.1), who they belong to, which outside ports are taken, and who may send to them from outside.
 *
 * An inside endpoint has one mapping (with endpoint-independent mapping), an outside endpoint
 * belongs to at most one: ports are never overloaded. Sessions are the runtime's flows; a mapping
 * counts those that use it and ends with the last. All memory is taken at load: 64 bytes for a
 * mapping and 8 to 16 for its places in the maps, 64 and 4 to 8 for a subscriber, 20 and 4 to 8 for
 * a permission,
 * 24 KiB for an outside address.
 */
#ifndef SL_NF_NAT_STORE_H
#define SL_NF_NAT_STORE_H

#include "nat/block_log.h"
#include "nat/policy.h"
#include "safelib/flow.h"

enum { NAT_NONE = 0xffffffff };

struct nat_mapping {
    struct nat_addr inside;
    uint32_t outside;
    uint32_t remote; /* address- and address-and-port-dependent mapping; else 0 */
    uint32_t subscriber;
    uint32_t references;                /* flows */
    uint32_t generation;                /* no two mappings have the same */
    uint32_t last_out_s;                /* when a packet last went out */
    uint32_t next_inside, next_outside; /* in their buckets; next_inside: in the free list */
    uint16_t inside_port, outside_port, remote_port;
    uint8_t space;
    uint8_t is_used;
    uint32_t epoch; /* of the policy that it was last checked against */
    uint32_t zero;
};
_Static_assert(sizeof(struct nat_mapping) == 64, "as the documents say");

struct nat_subscriber_entry {
    struct nat_addr addr;
    uint32_t outside;
    uint32_t mappings; /* NAT_SPACE_COUNT spaces together; 0: free */
    uint32_t next;
    uint32_t counts[NAT_SPACE_COUNT];
    uint16_t blocks[SL_NAT_BLOCKS_MAX];
    uint8_t block_count;
    uint8_t zero[3];
    uint32_t zero2;
};
_Static_assert(sizeof(struct nat_subscriber_entry) == 64, "as the documents say");

/* That an outside address may send to a mapping: some flow of the mapping leads there. */
struct nat_permission {
    uint32_t mapping; /* NAT_NONE: free */
    uint32_t generation;
    uint32_t remote;
    uint32_t references;
    uint32_t next;
};

enum { NAT_FULL_LOW = 1, NAT_FULL_HIGH = 2, NAT_FULL_BLOCKS = 4 };

/* One outside address: a bit per port and space. */
struct nat_address {
    uint32_t outside;
    uint32_t used[NAT_SPACE_COUNT];
    uint8_t full[NAT_SPACE_COUNT]; /* NAT_FULL_*: a search found nothing, and nothing came back */
    uint64_t (*taken)[1024];       /* [NAT_SPACE_COUNT][1024] */
    uint32_t *block_owners;        /* block allocation: subscriber + 1 */
};

#define NAT_STORE_COUNTER_TABLE(X)                                                                 \
    X(mappings, "mappings now")                                                                    \
    X(made, "mappings made")                                                                       \
    X(ended, "mappings ended")                                                                     \
    X(subscribers, "subscribers with mappings now")                                                \
    X(blocks, "port blocks held now")                                                              \
    X(blocks_taken, "port blocks taken")                                                           \
    X(blocks_given, "port blocks given back")                                                      \
    X(permissions, "permissions of address-dependent filtering now")                               \
    X(no_permission, "permissions not kept for want of room")                                      \
    X(preserved, "mappings whose port stayed what it was inside")

struct nat_store_counters {
#define NAT_STORE_COUNTER(name, text) uint64_t name;
    NAT_STORE_COUNTER_TABLE(NAT_STORE_COUNTER)
#undef NAT_STORE_COUNTER
};

struct nat_store {
    const struct nat_policy *policy;
    uint32_t shard, shard_count;
    uint32_t epoch;
    uint64_t random_count;
    uint32_t generation; /* of the last mapping made */

    uint32_t capacity, free_mapping;
    uint32_t bucket_mask;
    struct nat_mapping *mappings;
    uint32_t *by_inside, *by_outside;

    uint32_t subscriber_capacity, free_subscriber;
    uint32_t subscriber_mask;
    struct nat_subscriber_entry *subscribers;
    uint32_t *by_subscriber;

    uint32_t free_permission;
    struct nat_permission *permissions; /* capacity as mappings */
    uint32_t *by_permission;

    uint32_t address_count;
    struct nat_address *addresses; /* ascending */
    struct nat_store_counters counters;
    struct nat_log *log;    /* block allocation: who had which, else NULL */
    uint64_t now_ms;        /* of the last burst or tick */
    uint64_t unix_ahead_ms; /* the time of day is so far ahead; 0: not known */
    uint32_t sweep;         /* where the sweep goes on */
};

/** Why nothing could be allocated. */
enum nat_want {
    NAT_WANT_OK = 0,
    NAT_WANT_PORT,       /* no port free for this subscriber */
    NAT_WANT_MAPPING,    /* room for mappings used up */
    NAT_WANT_SUBSCRIBER, /* room for subscribers used up */
    NAT_WANT_LIMIT,      /* the subscriber's own limit */
};

/** What is to be mapped. */
struct nat_inside {
    struct nat_addr addr;
    uint16_t port;
    uint8_t space; /* enum nat_space */
    uint32_t remote;
    uint16_t remote_port;
    bool is_any_port; /* its own is not to be had: do not try to preserve it */
};

sl_rc nat_store_create(const struct nat_policy *policy, struct nat_store **ret_store) SL_MUST_CHECK;
void nat_store_free(struct nat_store *store);

/** The mapping of an inside endpoint, made where there is none.
 * @param[out] ret_mapping  its number; written only where NAT_WANT_OK
 * @context packet path */
enum nat_want nat_store_map(struct nat_store *store, struct sl_flow_table *table,
                            const struct nat_inside *inside, uint32_t now_s, uint32_t *ret_mapping);
/** @return number of the mapping of an outside endpoint, or NAT_NONE */
uint32_t nat_store_find_outside(const struct nat_store *store, const struct sl_flow_table *table,
                                uint8_t space, uint32_t outside, uint16_t port);
/** A mapping as a flow from a snapshot remembers it: found, or made with that very outside port.
 * @retval SL_OK, SL_EXISTS (the port is another's), SL_NO_SPACE, SL_DENIED (the policy has not got
 * it) */
sl_rc nat_store_restore(struct nat_store *store, struct sl_flow_table *table,
                        const struct nat_inside *inside, uint32_t outside, uint16_t outside_port,
                        uint32_t now_s, uint32_t *ret_mapping) SL_MUST_CHECK;
static inline bool nat_store_is(const struct nat_store *store, uint32_t mapping,
                                uint32_t generation)
{
    return mapping < store->capacity && store->mappings[mapping].is_used &&
           store->mappings[mapping].generation == generation;
}
void nat_store_ref(struct nat_store *store, uint32_t mapping);
/** One flow less; the last one ends the mapping. */
void nat_store_unref(struct nat_store *store, const struct sl_flow_table *table, uint32_t mapping);
/** Ends a mapping whatever refers to it: its generation moves on. */
void nat_store_end(struct nat_store *store, const struct sl_flow_table *table, uint32_t mapping);
/** True where the policy still lets a mapping be what it is; a mapping is checked once per policy.
 */
bool nat_store_valid(struct nat_store *store, uint32_t mapping);
/** Looks at some mappings and permissions that flows may have forgotten, as one does that the host
 * damaged, and ends those. */
void nat_store_sweep(struct nat_store *store, const struct sl_flow_table *table, uint32_t now_s,
                     uint32_t count);

/** @return number of the permission, one reference more; or NAT_NONE */
uint32_t nat_permission_add(struct nat_store *store, const struct sl_flow_table *table,
                            uint32_t mapping, uint32_t remote);
/** @param generation  of the mapping that it was added for */
void nat_permission_drop(struct nat_store *store, const struct sl_flow_table *table,
                         uint32_t number, uint32_t mapping, uint32_t generation);
/** Ends a permission whose mapping is over. */
void nat_permission_sweep(struct nat_store *store, const struct sl_flow_table *table,
                          uint32_t number);
bool nat_permission_has(const struct nat_store *store, const struct sl_flow_table *table,
                        uint32_t mapping, uint32_t remote);

/** Takes over what another store has learned under another policy, by swapping what is in them.
 * @return false: the two allocate in different ways; every mapping of the old one is over
 * @context packet path, between bursts */
bool nat_store_adopt(struct nat_store *store, struct nat_store *old);

/* ---- ports.c ---- */
struct nat_address *nat_address_of(const struct nat_store *store, uint32_t outside);
/** A free port of @p address for @p inside, which is the subscriber's; not yet taken.
 * @return 0: none */
uint16_t nat_ports_pick(struct nat_store *store, const struct sl_flow_table *table,
                        struct nat_address *address, uint32_t subscriber,
                        const struct nat_inside *inside);
bool nat_port_is_taken(const struct nat_address *address, uint8_t space, uint16_t port);
void nat_port_take(struct nat_address *address, uint8_t space, uint16_t port);
void nat_port_give(struct nat_address *address, uint8_t space, uint16_t port);
/** Gives back the blocks of a subscriber that has no mapping left. */
void nat_blocks_give(struct nat_store *store, struct nat_subscriber_entry *subscriber);
/** Notes a block that a restored mapping lies in. */
bool nat_block_claim(struct nat_store *store, struct nat_address *address, uint32_t subscriber,
                     uint16_t port);

#endif
