/* SPDX-License-Identifier: Apache-2.0 */
/* Joins packets of a flow into super-packets. */
#include "net/coalesce.h"

#include <string.h>

#include "base/bytes.h"
#include "safelib/checksum.h"

enum {
    TCP_SEQ = 4,
    TCP_ACKED = 8,
    TCP_FLAGS = 13,
    TCP_WINDOW = 14,
    TCP_CSUM = 16,
    TCP_OPTIONS = 20,
    UDP_LENGTH = 4,
    UDP_CSUM = 6,
    UDP_SEGMENTS = 64, /* UDP_MAX_SEGMENTS of the kernel that cuts it again */
    TCP_REFUSED = SL_TCP_SYN | SL_TCP_RST | SL_TCP_URG | SL_TCP_CWR,
};

/* What is learnt of a packet on the way in. */
struct candidate {
    uint8_t *packet;
    struct sl_ip ip;
    uint32_t header_size;
    uint32_t payload_size;
    uint32_t hash;
};

void sl_coalesce_init(struct sl_coalesce *c, bool is_tcp, bool is_udp, sl_coalesce_emit emit,
                      void *ctx)
{
    memset(c, 0, sizeof(*c));
    c->emit = emit;
    c->ctx = ctx;
    c->is_tcp = is_tcp;
    c->is_udp = is_udp;
}

static void emit_single(struct sl_coalesce *c, uint8_t *packet, uint32_t size)
{
    struct sl_vnet vnet = {0};
    struct iovec slice = {packet, size};
    c->emit(c->ctx, &vnet, &slice, 1, size);
}

static void headers_finish(struct sl_coalesce_flow *flow, struct sl_vnet *vnet)
{
    uint8_t *p = flow->head;
    uint8_t *l4 = p + flow->ip.l4_off;
    uint32_t l4_size = flow->size - flow->ip.l4_off;
    bool is_tcp = flow->ip.proto == SL_IP_PROTO_TCP;
    if (flow->ip.version == 4) {
        sl_be16_put(p + 2, (uint16_t)flow->size);
        sl_ip4_checksum_set(p, SL_IP4_HEADER);
    } else {
        sl_be16_put(p + 4, (uint16_t)(flow->size - SL_IP6_HEADER));
    }
    if (is_tcp) {
        l4[TCP_FLAGS] |= flow->last_flags;
    } else {
        sl_be16_put(l4 + UDP_LENGTH, (uint16_t)l4_size);
    }
    uint64_t sum =
        sl_checksum_pseudo(p + flow->ip.addr_off, p + flow->ip.addr_off + flow->ip.addr_size,
                           flow->ip.addr_size, flow->ip.proto, l4_size);
    /* NEEDS_CSUM: the field holds the pseudo-header's sum, not complemented */
    sl_be16_put(l4 + (is_tcp ? TCP_CSUM : UDP_CSUM), (uint16_t)~sl_checksum_fold(sum));
    uint8_t type = flow->ip.version == 4 ? SL_VNET_GSO_TCPV4 : SL_VNET_GSO_TCPV6;
    *vnet = (struct sl_vnet){
        .flags = SL_VNET_NEEDS_CSUM,
        .gso_type = is_tcp ? type : SL_VNET_GSO_UDP_L4,
        .hdr_len = (uint16_t)flow->header_size,
        .gso_size = (uint16_t)flow->payload_size,
        .csum_start = flow->ip.l4_off,
        .csum_offset = is_tcp ? TCP_CSUM : UDP_CSUM,
    };
}

static void flow_emit(struct sl_coalesce *c, struct sl_coalesce_flow *flow)
{
    if (flow->count == 0) {
        return;
    }
    if (flow->count == 1) {
        emit_single(c, flow->head, flow->size);
    } else {
        struct sl_vnet vnet;
        headers_finish(flow, &vnet);
        c->counters.super_packets++;
        c->counters.joined += flow->count;
        c->emit(c->ctx, &vnet, flow->slices, flow->count, flow->size);
    }
    flow->count = 0;
}

static bool is_checksum_right(const struct candidate *in)
{
    uint32_t l4_size = in->ip.size - in->ip.l4_off;
    uint64_t sum = sl_checksum_pseudo(in->packet + in->ip.addr_off,
                                      in->packet + in->ip.addr_off + in->ip.addr_size,
                                      in->ip.addr_size, in->ip.proto, l4_size);
    sum = sl_checksum_add(sum, in->packet + in->ip.l4_off, l4_size);
    return sl_checksum_fold(sum) == 0;
}

static bool is_ip_eligible(const struct candidate *in)
{
    if (!in->ip.is_plain || in->ip.is_fragment) {
        return false;
    }
    if (in->ip.version == 6) {
        return true;
    }
    uint16_t header = sl_checksum_fold(sl_checksum_add(0, in->packet, SL_IP4_HEADER));
    return header == 0 && (in->packet[6] & 0x80) == 0;
}

/* Size of the L4 header of a packet that may take part, or 0. */
static uint32_t eligible_l4_header(const struct sl_coalesce *c, const struct candidate *in)
{
    const uint8_t *l4 = in->packet + in->ip.l4_off;
    if (in->ip.proto == SL_IP_PROTO_TCP && c->is_tcp) {
        uint32_t header = sl_ip_tcp_header(in->packet, &in->ip);
        bool is_plain = header != 0 && (l4[TCP_FLAGS] & (TCP_REFUSED | SL_TCP_ACK)) == SL_TCP_ACK &&
                        (l4[12] & 0x0f) == 0;
        return is_plain ? header : 0;
    }
    if (in->ip.proto == SL_IP_PROTO_UDP && c->is_udp) {
        uint32_t left = in->ip.size - in->ip.l4_off;
        bool is_plain = left >= SL_UDP_HEADER && sl_be16_get(l4 + UDP_LENGTH) == left &&
                        sl_be16_get(l4 + UDP_CSUM) != 0;
        return is_plain ? SL_UDP_HEADER : 0;
    }
    return 0;
}

/* May this packet take part at all? Headers only; the checksum is looked at last. */
static bool is_eligible(const struct sl_coalesce *c, struct candidate *in)
{
    uint32_t header = is_ip_eligible(in) ? eligible_l4_header(c, in) : 0;
    if (header == 0) {
        return false;
    }
    in->header_size = in->ip.l4_off + header;
    in->payload_size = in->ip.size - in->header_size;
    return in->payload_size > 0;
}

static bool is_same_flow(const struct sl_coalesce_flow *flow, const uint8_t *packet,
                         const struct sl_ip *ip, uint32_t hash)
{
    return flow->count > 0 && flow->hash == hash && flow->ip.version == ip->version &&
           flow->ip.proto == ip->proto &&
           memcmp(flow->head + ip->addr_off, packet + ip->addr_off, 2u * ip->addr_size) == 0;
}

static bool is_ip_joinable(const struct sl_coalesce_flow *flow, const struct candidate *in)
{
    const uint8_t *a = flow->head;
    const uint8_t *b = in->packet;
    if (in->ip.version == 6) {
        /* version, traffic class, flow label; hop limit */
        return memcmp(a, b, 4) == 0 && a[7] == b[7];
    }
    if (a[1] != b[1] || a[8] != b[8] || ((a[6] ^ b[6]) & 0x40) != 0) {
        return false;
    }
    uint16_t id = sl_be16_get(b + 4);
    if (flow->is_id_fixed) {
        return id == sl_be16_get(a + 4);
    }
    /* RFC 6864 4.1: with DF set the identification means nothing, a sender may leave it fixed */
    bool may_fix = flow->count == 1 && in->ip.is_df && id == sl_be16_get(a + 4);
    return id == flow->next_id || may_fix;
}

static bool is_l4_joinable(const struct sl_coalesce_flow *flow, const struct candidate *in)
{
    const uint8_t *a = flow->head + flow->ip.l4_off;
    const uint8_t *b = in->packet + in->ip.l4_off;
    if (memcmp(a, b, 4) != 0) {
        return false;
    }
    if (in->ip.proto == SL_IP_PROTO_UDP) {
        return flow->count < UDP_SEGMENTS;
    }
    uint8_t flags = (uint8_t)((a[TCP_FLAGS] ^ b[TCP_FLAGS]) & ~(SL_TCP_PSH | SL_TCP_FIN));
    return flow->header_size == in->header_size && flags == 0 &&
           sl_be32_get(b + TCP_SEQ) == flow->next_seq && memcmp(a + 8, b + 8, 4) == 0 &&
           memcmp(a + TCP_WINDOW, b + TCP_WINDOW, 2) == 0 &&
           memcmp(a + TCP_OPTIONS, b + TCP_OPTIONS,
                  in->header_size - in->ip.l4_off - TCP_OPTIONS) == 0;
}

static bool is_joinable(const struct sl_coalesce_flow *flow, const struct candidate *in)
{
    return !flow->is_closed && flow->count < SL_COALESCE_SLICES_MAX &&
           in->payload_size <= flow->payload_size &&
           flow->size + in->payload_size <= SL_COALESCE_SIZE_MAX && is_ip_joinable(flow, in) &&
           is_l4_joinable(flow, in);
}

static void flow_note_last(struct sl_coalesce_flow *flow, const struct candidate *in)
{
    const uint8_t *l4 = in->packet + in->ip.l4_off;
    flow->is_closed = in->payload_size < flow->payload_size;
    flow->next_id = (uint16_t)(sl_be16_get(in->packet + 4) + 1);
    if (in->ip.proto == SL_IP_PROTO_TCP) {
        flow->next_seq = sl_be32_get(l4 + TCP_SEQ) + in->payload_size;
        flow->last_flags = l4[TCP_FLAGS] & (SL_TCP_PSH | SL_TCP_FIN);
        flow->is_closed = flow->is_closed || flow->last_flags != 0;
    }
}

static void flow_join(struct sl_coalesce_flow *flow, const struct candidate *in)
{
    if (flow->count == 1 && in->ip.version == 4) {
        flow->is_id_fixed = sl_be16_get(in->packet + 4) != flow->next_id;
    }
    flow->slices[flow->count++] = (struct iovec){in->packet + in->header_size, in->payload_size};
    flow->size += in->payload_size;
    flow_note_last(flow, in);
}

static void flow_start(struct sl_coalesce_flow *flow, const struct candidate *in)
{
    flow->head = in->packet;
    flow->ip = in->ip;
    flow->header_size = in->header_size;
    flow->payload_size = in->payload_size;
    flow->size = in->ip.size;
    flow->hash = in->hash;
    flow->is_id_fixed = false;
    flow->slices[0] = (struct iovec){in->packet, in->ip.size};
    flow->count = 1;
    flow_note_last(flow, in);
}

static struct sl_coalesce_flow *flow_find(struct sl_coalesce *c, const struct candidate *in)
{
    for (uint32_t i = 0; i < SL_COALESCE_FLOWS; i++) {
        if (is_same_flow(&c->flows[i], in->packet, &in->ip, in->hash)) {
            return &c->flows[i];
        }
    }
    return NULL;
}

static struct sl_coalesce_flow *flow_slot(struct sl_coalesce *c)
{
    for (uint32_t i = 0; i < SL_COALESCE_FLOWS; i++) {
        if (c->flows[i].count == 0) {
            return &c->flows[i];
        }
    }
    struct sl_coalesce_flow *flow = &c->flows[c->victim++ % SL_COALESCE_FLOWS];
    flow_emit(c, flow);
    return flow;
}

void sl_coalesce_add(struct sl_coalesce *c, uint8_t *packet, uint32_t size)
{
    struct candidate in = {.packet = packet};
    c->counters.packets++;
    if (sl_ip_parse(packet, size, &in.ip) != SL_OK) {
        emit_single(c, packet, size);
        return;
    }
    in.hash = sl_ip_flow_hash(packet, &in.ip);
    struct sl_coalesce_flow *flow = flow_find(c, &in);
    bool is_held = is_eligible(c, &in);
    if (is_held && !is_checksum_right(&in)) {
        c->counters.bad_checksum++;
        is_held = false;
    }
    if (is_held && flow != NULL && is_joinable(flow, &in)) {
        flow_join(flow, &in);
        return;
    }
    if (flow != NULL) {
        flow_emit(c, flow); /* order within the flow */
    }
    if (!is_held) {
        emit_single(c, packet, in.ip.size);
        return;
    }
    flow_start(flow != NULL ? flow : flow_slot(c), &in);
}

void sl_coalesce_flush(struct sl_coalesce *c)
{
    for (uint32_t i = 0; i < SL_COALESCE_FLOWS; i++) {
        flow_emit(c, &c->flows[i]);
    }
}
