/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The NAT's policy as it is read from its compiled form: what all shards share and nobody writes.
 */
#ifndef SL_NF_NAT_POLICY_H
#define SL_NF_NAT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nat/format.h"
#include "safelib/packet.h"

/** Address of either family, 16 bytes; IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
struct nat_addr {
    uint8_t b[16];
};

struct nat_prefix {
    struct nat_addr addr;
    uint8_t bits;              /* IPv4: 96 more than people write */
    uint64_t first_subscriber; /* number of its first subscriber, in deterministic allocation */
};

struct nat_range {
    uint32_t first, last; /* host order */
    uint32_t before;      /* addresses in the ranges before this one */
};

/* A port forward, or (proto 0) a 1:1 host. */
struct nat_forward {
    struct nat_addr inside;
    uint32_t outside;
    uint16_t outside_port, inside_port;
    uint16_t count;
    uint8_t proto;
};

/** Port spaces: each has its own 65536 ports on an address. */
enum nat_space { NAT_TCP = 0, NAT_UDP = 1, NAT_ICMP = 2, NAT_SPACE_COUNT = 3 };

struct nat_policy {
    uint16_t flags;
    uint8_t mapping, filtering, allocation;
    uint8_t prefix64_bits; /* 0: no NAT64 */
    bool is_wkp;           /* 64:ff9b::/96 */
    uint8_t prefix64[16];
    uint16_t port_first, port_last;
    uint32_t block_size, blocks_per_subscriber, slots_per_address;
    uint32_t mappings_per_subscriber[NAT_SPACE_COUNT]; /* 0: no limit */
    uint32_t mappings, subscribers;
    uint32_t sessions_per_mapping; /* 0: no limit */
    uint32_t udp_ms, tcp_established_ms, tcp_transitory_ms, icmp_ms;
    uint16_t mtu6;
    uint8_t subscriber4_bits, subscriber6_bits;
    uint32_t inside_count, outside_count, forward_count;
    uint32_t address_count; /* outside addresses */
    struct nat_prefix *inside;
    struct nat_range *outside;
    struct nat_forward *forwards; /* by outside address, protocol, port */
    struct nat_forward *by_inside;
};

/** @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_RANGE, SL_UNSUPPORTED, SL_NO_MEMORY
 * @owner caller, nat_policy_done */
sl_rc nat_policy_read(const void *data, size_t size, struct nat_policy *ret_policy, char *reason,
                      size_t reason_size) SL_MUST_CHECK;
void nat_policy_done(struct nat_policy *policy);

struct nat_addr nat_addr4(const uint8_t *addr);
struct nat_addr nat_addr6(const uint8_t *addr);
static const uint8_t nat_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static inline bool nat_addr_is4(const struct nat_addr *addr)
{
    return memcmp(addr->b, nat_mapped, sizeof(nat_mapped)) == 0;
}

bool nat_policy_inside(const struct nat_policy *policy, const struct nat_addr *addr);
/** Ordinal of an outside address of the pool, or UINT32_MAX. 1:1 hosts' addresses need not be in
 * it. */
uint32_t nat_policy_ordinal(const struct nat_policy *policy, uint32_t outside);
uint32_t nat_policy_address(const struct nat_policy *policy, uint32_t ordinal);
/** The forward that owns an outside endpoint, or NULL. @p proto 6 or 17; else: only 1:1 hosts. */
const struct nat_forward *nat_forward_outside(const struct nat_policy *policy, uint8_t proto,
                                              uint32_t outside, uint16_t port);
const struct nat_forward *nat_forward_inside(const struct nat_policy *policy, uint8_t proto,
                                             const struct nat_addr *inside, uint16_t port);
/** True where the address is one that the NAT answers for outside. */
bool nat_policy_owns(const struct nat_policy *policy, uint32_t outside);
/** Who pays for an inside address: the address with the bits behind the subscriber's prefix zero.
 */
struct nat_addr nat_subscriber(const struct nat_policy *policy, const struct nat_addr *inside);

/** Deterministic allocation (RFC 7422 2): the outside address and first port of a subscriber.
 * @return false: the address is not inside, or the pool is too small (load refuses that) */
bool nat_deterministic(const struct nat_policy *policy, const struct nat_addr *inside,
                       uint32_t *ret_outside, uint16_t *ret_first);

/** The other way round: the first address of the subscriber that an outside endpoint belongs to.
 * @return false: nobody's */
bool nat_deterministic_subscriber(const struct nat_policy *policy, uint32_t outside, uint16_t port,
                                  struct nat_addr *ret_subscriber);

/** The shard of an inside address, and of an outside endpoint: they agree for every endpoint that
 * an inside address can get. */
uint32_t nat_shard_inside(const struct nat_policy *policy, const struct nat_addr *inside,
                          uint32_t shard_count);
uint32_t nat_shard_outside(const struct nat_policy *policy, uint8_t proto, uint32_t outside,
                           uint16_t port, uint32_t shard_count);
/** Number of the block that a port lies in; dynamic allocation deals ports out in blocks of 64. */
uint32_t nat_block_of(const struct nat_policy *policy, uint16_t port);

#endif
