/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of a policy: whose an address is, and which shard's a port. */
#include "nat/policy.h"

#include <stdlib.h>
#include <string.h>

#include "safelib/bytes.h"

enum { DYNAMIC_BLOCK = 64, PROTO_TCP = 6, PROTO_UDP = 17 };

struct nat_addr nat_addr4(const uint8_t *addr)
{
    struct nat_addr out = {{0}};
    memcpy(out.b, nat_mapped, sizeof(nat_mapped));
    memcpy(out.b + 12, addr, 4);
    return out;
}

struct nat_addr nat_addr6(const uint8_t *addr)
{
    struct nat_addr out = {{0}};
    memcpy(out.b, addr, 16);
    return out;
}

/* The first `bits` of an address, the others zero. */
static struct nat_addr cut(const struct nat_addr *addr, uint32_t bits)
{
    struct nat_addr out = {{0}};
    memcpy(out.b, addr->b, bits / 8);
    if (bits % 8 != 0) {
        out.b[bits / 8] = (uint8_t)(addr->b[bits / 8] & (0xff00 >> (bits % 8)));
    }
    return out;
}

static const struct nat_prefix *prefix_of(const struct nat_policy *policy,
                                          const struct nat_addr *addr)
{
    for (uint32_t i = 0; i < policy->inside_count; i++) {
        struct nat_addr head = cut(addr, policy->inside[i].bits);
        if (memcmp(&head, &policy->inside[i].addr, sizeof(head)) == 0) {
            return &policy->inside[i];
        }
    }
    return NULL;
}

bool nat_policy_inside(const struct nat_policy *policy, const struct nat_addr *addr)
{
    return prefix_of(policy, addr) != NULL;
}

uint32_t nat_policy_ordinal(const struct nat_policy *policy, uint32_t outside)
{
    uint32_t lo = 0;
    uint32_t hi = policy->outside_count;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (policy->outside[mid].last < outside) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    if (lo == policy->outside_count || policy->outside[lo].first > outside) {
        return UINT32_MAX;
    }
    return policy->outside[lo].before + (outside - policy->outside[lo].first);
}

uint32_t nat_policy_address(const struct nat_policy *policy, uint32_t ordinal)
{
    for (uint32_t i = 0; i < policy->outside_count; i++) {
        const struct nat_range *range = &policy->outside[i];
        if (ordinal - range->before <= range->last - range->first) {
            return range->first + (ordinal - range->before);
        }
    }
    return 0;
}

static int outside_compare(const struct nat_forward *f, uint32_t outside, uint8_t proto,
                           uint16_t port)
{
    if (f->outside != outside) {
        return f->outside < outside ? -1 : 1;
    }
    if (f->proto != proto) {
        return f->proto < proto ? -1 : 1;
    }
    if (proto == 0 || (port >= f->outside_port && port - f->outside_port < f->count)) {
        return 0;
    }
    return f->outside_port < port ? -1 : 1;
}

static int inside_compare(const struct nat_forward *f, const struct nat_addr *inside, uint8_t proto,
                          uint16_t port)
{
    int order = memcmp(&f->inside, inside, sizeof(*inside));
    if (order != 0) {
        return order;
    }
    if (f->proto != proto) {
        return f->proto < proto ? -1 : 1;
    }
    if (proto == 0 || (port >= f->inside_port && port - f->inside_port < f->count)) {
        return 0;
    }
    return f->inside_port < port ? -1 : 1;
}

static const struct nat_forward *find_outside(const struct nat_policy *policy, uint32_t outside,
                                              uint8_t proto, uint16_t port)
{
    uint32_t lo = 0;
    uint32_t hi = policy->forward_count;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        int order = outside_compare(&policy->forwards[mid], outside, proto, port);
        if (order == 0) {
            return &policy->forwards[mid];
        }
        lo = order < 0 ? mid + 1 : lo;
        hi = order < 0 ? hi : mid;
    }
    return NULL;
}

static const struct nat_forward *find_inside(const struct nat_policy *policy,
                                             const struct nat_addr *inside, uint8_t proto,
                                             uint16_t port)
{
    uint32_t lo = 0;
    uint32_t hi = policy->forward_count;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        int order = inside_compare(&policy->by_inside[mid], inside, proto, port);
        if (order == 0) {
            return &policy->by_inside[mid];
        }
        lo = order < 0 ? mid + 1 : lo;
        hi = order < 0 ? hi : mid;
    }
    return NULL;
}

static bool has_forwards(uint8_t proto)
{
    return proto == PROTO_TCP || proto == PROTO_UDP;
}

const struct nat_forward *nat_forward_outside(const struct nat_policy *policy, uint8_t proto,
                                              uint32_t outside, uint16_t port)
{
    if (policy->forward_count == 0) {
        return NULL;
    }
    const struct nat_forward *f =
        has_forwards(proto) ? find_outside(policy, outside, proto, port) : NULL;
    return f != NULL ? f : find_outside(policy, outside, 0, 0);
}

const struct nat_forward *nat_forward_inside(const struct nat_policy *policy, uint8_t proto,
                                             const struct nat_addr *inside, uint16_t port)
{
    if (policy->forward_count == 0) {
        return NULL;
    }
    const struct nat_forward *f =
        has_forwards(proto) ? find_inside(policy, inside, proto, port) : NULL;
    return f != NULL ? f : find_inside(policy, inside, 0, 0);
}

bool nat_policy_owns(const struct nat_policy *policy, uint32_t outside)
{
    return nat_policy_ordinal(policy, outside) != UINT32_MAX ||
           (policy->forward_count > 0 && find_outside(policy, outside, 0, 0) != NULL);
}

static uint32_t subscriber_bits(const struct nat_policy *policy, const struct nat_addr *addr)
{
    return nat_addr_is4(addr) ? policy->subscriber4_bits + 96u : policy->subscriber6_bits;
}

struct nat_addr nat_subscriber(const struct nat_policy *policy, const struct nat_addr *inside)
{
    return cut(inside, subscriber_bits(policy, inside));
}

/* Number of a subscriber among all that the inside prefixes hold. */
static bool subscriber_number(const struct nat_policy *policy, const struct nat_addr *inside,
                              uint64_t *ret_number)
{
    const struct nat_prefix *prefix = prefix_of(policy, inside);
    if (prefix == NULL) {
        return false;
    }
    uint32_t bits = subscriber_bits(policy, inside);
    uint64_t number = 0;
    for (uint32_t bit = prefix->bits; bit < bits; bit++) {
        number = number << 1 | ((inside->b[bit / 8] >> (7 - bit % 8)) & 1u);
    }
    *ret_number = prefix->first_subscriber + number;
    return true;
}

bool nat_deterministic(const struct nat_policy *policy, const struct nat_addr *inside,
                       uint32_t *ret_outside, uint16_t *ret_first)
{
    uint64_t number;
    if (!subscriber_number(policy, inside, &number) ||
        number / policy->slots_per_address >= policy->address_count) {
        return false;
    }
    uint32_t slot = (uint32_t)(number % policy->slots_per_address);
    *ret_outside = nat_policy_address(policy, (uint32_t)(number / policy->slots_per_address));
    *ret_first = (uint16_t)(policy->port_first + slot * policy->block_size);
    return true;
}

bool nat_deterministic_subscriber(const struct nat_policy *policy, uint32_t outside, uint16_t port,
                                  struct nat_addr *ret_subscriber)
{
    uint32_t ordinal = nat_policy_ordinal(policy, outside);
    uint32_t slot = nat_block_of(policy, port);
    if (ordinal == UINT32_MAX || port < policy->port_first || slot >= policy->slots_per_address) {
        return false;
    }
    uint64_t number = (uint64_t)ordinal * policy->slots_per_address + slot;
    for (uint32_t i = policy->inside_count; i-- > 0;) {
        const struct nat_prefix *prefix = &policy->inside[i];
        if (number < prefix->first_subscriber) {
            continue;
        }
        uint32_t bits = subscriber_bits(policy, &prefix->addr);
        uint64_t left = number - prefix->first_subscriber;
        *ret_subscriber = prefix->addr;
        for (uint32_t bit = bits; bit-- > prefix->bits; left >>= 1) {
            ret_subscriber->b[bit / 8] |= (uint8_t)((left & 1) << (7 - bit % 8));
        }
        return left == 0;
    }
    return false;
}

uint32_t nat_block_of(const struct nat_policy *policy, uint16_t port)
{
    if (policy->allocation == SL_NAT_DYNAMIC) {
        return port / DYNAMIC_BLOCK;
    }
    return port < policy->port_first ? 0
                                     : (uint32_t)(port - policy->port_first) / policy->block_size;
}

/* Not keyed: who sends from inside is the tenant's own. Finalizer of MurmurHash3, twice. */
static uint64_t mix(uint64_t v)
{
    v = (v ^ (v >> 33)) * 0xff51afd7ed558ccdull;
    v = (v ^ (v >> 33)) * 0xc4ceb9fe1a85ec53ull;
    return v ^ (v >> 33);
}

uint32_t nat_shard_inside(const struct nat_policy *policy, const struct nat_addr *inside,
                          uint32_t shard_count)
{
    uint32_t outside;
    uint16_t first;
    if (policy->allocation == SL_NAT_DETERMINISTIC &&
        nat_deterministic(policy, inside, &outside, &first)) {
        return (nat_block_of(policy, first) + outside) % shard_count;
    }
    struct nat_addr subscriber = nat_subscriber(policy, inside);
    uint64_t hash = mix(sl_be64_get(subscriber.b) ^ mix(sl_be64_get(subscriber.b + 8)));
    return (uint32_t)(hash >> 32) % shard_count;
}

uint32_t nat_shard_outside(const struct nat_policy *policy, uint8_t proto, uint32_t outside,
                           uint16_t port, uint32_t shard_count)
{
    const struct nat_forward *forward = nat_forward_outside(policy, proto, outside, port);
    if (forward != NULL) {
        return nat_shard_inside(policy, &forward->inside, shard_count);
    }
    return (nat_block_of(policy, port) + outside) % shard_count;
}

void nat_policy_done(struct nat_policy *policy)
{
    free(policy->inside);
    free(policy->outside);
    free(policy->forwards);
    free(policy->by_inside);
    *policy = (struct nat_policy){0};
}
