/* SPDX-License-Identifier: Apache-2.0 */
/* A NAT in the flow rig. */
#include "bed.h"

#include <arpa/inet.h>

#include "base/bytes.h"
#include "files/yaml_file.h"
#include "policy/nat_file.h"
#include "unit.h"

uint32_t nat_bed_compile(const char *yaml, uint8_t *out, uint32_t room)
{
    struct sl_err err = {0};
    void *root = NULL;
    struct sl_writer w;
    sl_writer_init(&w, out, room);
    sl_rc rc = sl_yaml_read(yaml, strlen(yaml), &sl_nat_yaml_schema, "docs", &root, &err);
    rc = rc == SL_OK ? sl_nat_yaml_write(root, yaml, strlen(yaml), &w, &err) : rc;
    sl_yaml_free(&sl_nat_yaml_schema, root);
    if (rc != SL_OK || w.rc != SL_OK) {
        fail_msg("policy refused: %s", err.text);
    }
    return (uint32_t)w.off;
}

const char *nat_bed_nf(const char *yaml)
{
    return strstr(yaml, "nat64:") != NULL ? "nat64" : "nat44";
}

static struct flow_rig_nf nf_of(const char *yaml, uint8_t *policy)
{
    return (struct flow_rig_nf){.name = nat_bed_nf(yaml),
                                .policy = policy,
                                .size = nat_bed_compile(yaml, policy, NAT_BED_POLICY_MAX),
                                .options = "flows=20000 flows6=20000"};
}

void nat_bed_init(struct flow_rig *rig, const char *yaml)
{
    static uint8_t policy[NAT_BED_POLICY_MAX];
    const struct flow_rig_nf nf = nf_of(yaml, policy);
    flow_rig_init_chain(rig, &nf, 1);
}

void nat_bed_reload(struct flow_rig *rig, const char *yaml)
{
    static uint8_t policy[NAT_BED_POLICY_MAX];
    const struct flow_rig_nf nf = nf_of(yaml, policy);
    flow_rig_reload(rig, &nf, 1);
}

static uint16_t port_at(const struct flow_rig *rig, uint32_t off)
{
    const struct sl_packet *packet = &rig->packet;
    bool is_icmp = packet->proto == 1 || packet->proto == 58;
    return sl_be16_get(packet->data + packet->l4_off + (is_icmp ? 4 : off));
}

uint16_t nat_bed_sport(const struct flow_rig *rig)
{
    return port_at(rig, 0);
}

uint16_t nat_bed_dport(const struct flow_rig *rig)
{
    return port_at(rig, 2);
}

static const char *end_text(const struct flow_rig *rig, const uint8_t *addr, uint16_t port)
{
    static char texts[2][80];
    static int turn;
    char text[INET6_ADDRSTRLEN];
    turn ^= 1;
    assert_non_null(
        inet_ntop(rig->packet.ip_version == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text)));
    (void)snprintf(texts[turn], sizeof(texts[turn]),
                   rig->packet.ip_version == 4 ? "%s:%u" : "[%s]:%u", text, port);
    return texts[turn];
}

const char *nat_bed_source(const struct flow_rig *rig)
{
    return end_text(rig, rig->packet.src, nat_bed_sport(rig));
}

const char *nat_bed_destination(const struct flow_rig *rig)
{
    return end_text(rig, rig->packet.dst, nat_bed_dport(rig));
}

void nat_bed_pass(struct flow_rig *rig, uint8_t port_in, const struct flow_spec *spec)
{
    uint8_t verdict = flow_rig_send(rig, port_in, spec);
    if (verdict != SL_VERDICT_PASS) {
        fail_msg("verdict %u, reason %u", verdict, rig->packet.rule);
    }
    assert_true(flow_packet_is_sound(&rig->packet));
    /* an NF that rewrites headers keeps the parsed fields true */
    struct sl_packet again = {
        .data = rig->packet.data, .size = rig->packet.size, .room = rig->packet.room};
    assert_ok(sl_packet_parse(&again));
    assert_int_equal(again.size, rig->packet.size);
    assert_int_equal(again.ip_version, rig->packet.ip_version);
    assert_int_equal(again.proto, rig->packet.proto);
    assert_int_equal(again.l4_off, rig->packet.l4_off);
    assert_int_equal(again.sport, rig->packet.sport);
    assert_int_equal(again.dport, rig->packet.dport);
    assert_ptr_equal(again.src, rig->packet.src);
    assert_ptr_equal(again.dst, rig->packet.dst);
    assert_int_equal(again.icmp_type, rig->packet.icmp_type);
}

void nat_bed_refused(struct flow_rig *rig, uint8_t port_in, const struct flow_spec *spec,
                     uint32_t reason)
{
    assert_int_equal(flow_rig_send(rig, port_in, spec), SL_VERDICT_DROP);
    assert_int_equal(rig->packet.rule, reason);
}

struct flow_spec nat_bed_answer(const struct flow_spec *spec, uint16_t outside_port)
{
    struct flow_spec answer = flow_spec_turn(spec);
    answer.dst = "192.0.2.1";
    if (spec->proto == 1 || spec->proto == 58) {
        answer.sport = outside_port;
    } else {
        answer.dport = outside_port;
    }
    return answer;
}

struct flow_spec nat_bed_segment(const struct flow_spec *base, uint8_t flags, uint32_t seq,
                                 uint32_t ack)
{
    struct flow_spec s = *base;
    s.flags = flags;
    s.seq = seq;
    s.ack = ack;
    return s;
}

uint64_t nat_bed_mappings(const struct flow_rig *rig)
{
    return flow_rig_counter(rig, "mappings");
}
