/* SPDX-License-Identifier: Apache-2.0 */
/* A NAT from a policy in YAML, in the flow rig; and what packets look like behind it. */
#ifndef SL_TESTS_NAT_BED_H
#define SL_TESTS_NAT_BED_H

#include "rig.h"

enum { NAT_BED_POLICY_MAX = 1 << 17 };

/* Compiles a policy as `safelib policy compile` does. Fails the test where it is refused.
 * @return bytes in @p out */
uint32_t nat_bed_compile(const char *yaml, uint8_t *out, uint32_t room);
const char *nat_bed_nf(const char *yaml);
/* A chain of one NAT with room for 20000 flows of each family. */
void nat_bed_init(struct flow_rig *rig, const char *yaml);
void nat_bed_reload(struct flow_rig *rig, const char *yaml);

/* Source or destination of the packet that the rig sent last, as "192.0.2.1:80" (ICMP queries:
 * identifier). The text is valid until the second next call. */
const char *nat_bed_source(const struct flow_rig *rig);
const char *nat_bed_destination(const struct flow_rig *rig);
uint16_t nat_bed_sport(const struct flow_rig *rig);
uint16_t nat_bed_dport(const struct flow_rig *rig);
/* Sends, and asserts that it passes with whole checksums. */
void nat_bed_pass(struct flow_rig *rig, uint8_t port_in, const struct flow_spec *spec);
/* Sends, and asserts that it is dropped, for that reason (enum nat_reason). */
void nat_bed_refused(struct flow_rig *rig, uint8_t port_in, const struct flow_spec *spec,
                     uint32_t reason);
/* What answers a packet of inside that left by 192.0.2.1 and that port (or identifier). */
struct flow_spec nat_bed_answer(const struct flow_spec *spec, uint16_t outside_port);
/* A segment of a TCP connection. */
struct flow_spec nat_bed_segment(const struct flow_spec *base, uint8_t flags, uint32_t seq,
                                 uint32_t ack);
/* The rig's counter of mappings. */
uint64_t nat_bed_mappings(const struct flow_rig *rig);

#endif
