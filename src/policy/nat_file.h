/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The NAT's policy as people write it: one YAML mapping, in the words of the RFCs;
 * docs/policy-nat.md explains every key.
 */
#ifndef SL_POLICY_NAT_FILE_H
#define SL_POLICY_NAT_FILE_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "nat/format.h"

/** Enumerations: 0 where the file does not say, else SL_NAT_YAML_GIVEN with the value. Pointers:
 * NULL where it does not. */
enum { SL_NAT_YAML_GIVEN = 0x100 };

struct sl_nat_yaml_forward {
    char *protocol, *outside, *inside;
};
struct sl_nat_yaml_outside {
    char **addresses;
    uint32_t addresses_count;
    char *ports;
};
struct sl_nat_yaml_64 {
    char *prefix;
    uint32_t *mtu;
    int private_addresses;
};
struct sl_nat_yaml_allocation {
    int method;
    uint32_t *block_size, *blocks_per_subscriber;
};
struct sl_nat_yaml_subscriber {
    uint32_t *ipv4, *ipv6;
};
struct sl_nat_yaml_limits {
    uint32_t *mappings, *subscribers;
    uint32_t mappings_per_subscriber; /* 0: no limit */
    uint32_t *tcp_mappings_per_subscriber, *udp_mappings_per_subscriber,
        *icmp_mappings_per_subscriber; /* in its place */
    uint32_t sessions_per_mapping;     /* 0: no limit */
};
struct sl_nat_yaml_timeouts {
    char *udp, *tcp_established, *tcp_transitory, *icmp;
    int allow_short;
};

/** As libcyaml reads it. */
struct sl_nat_yaml {
    char **inside;
    uint32_t inside_count;
    struct sl_nat_yaml_outside outside;
    struct sl_nat_yaml_64 nat64;
    struct sl_nat_yaml_allocation allocation;
    struct sl_nat_yaml_subscriber subscriber;
    struct sl_nat_yaml_limits limits;
    struct sl_nat_yaml_timeouts timeouts;
    struct sl_nat_yaml_forward *forwards;
    uint32_t forwards_count;
    int mapping, filtering;
    int port_preservation, port_parity, port_range_preservation, hairpinning, inbound_refresh;
    int pooling, unmatched, ttl, exhausted, identification;
};

extern const cyaml_schema_value_t sl_nat_yaml_schema;

/** Room for a compiled policy. */
enum {
    SL_NAT_COMPILED_MAX =
        128 + 17 * SL_NAT_INSIDE_MAX + 8 * SL_NAT_OUTSIDE_MAX + 30 * SL_NAT_FORWARDS_MAX
};

/** Writes what nf/nat loads.
 * @param text  the file, where faults are looked up
 * @retval SL_OK
 * @retval SL_MALFORMED, SL_RANGE, SL_UNSUPPORTED  @p err says "line L, column C: key: `word`: ...",
 * also where it is only the whole that does not fit together */
struct sl_writer;
sl_rc sl_nat_yaml_write(const struct sl_nat_yaml *yaml, const char *text, size_t size,
                        struct sl_writer *w, struct sl_err *err) SL_MUST_CHECK;

#endif
