/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that refuse a packet, built in its place: ICMP unreachable and TCP reset. */
#include "safelib/reply.h"

#include <string.h>

#include "base/bytes.h"
#include "safelib/checksum.h"

enum {
    IP4_SIZE = 20,
    IP6_SIZE = 40,
    ICMP_SIZE = 8,
    TCP_SIZE = 20,
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_ICMP6 = 58,
    /* RFC 1812 4.3.2.3: no more than 576 bytes; RFC 4443 2.4 (c): the minimum IPv6 MTU */
    ICMP4_MAX = 576,
    ICMP6_MAX = 1280,
    REPLY_TTL = 64,
};

static bool is_unicast4(const uint8_t *addr)
{
    /* 0/8, 127/8, 224/4 and 240/4 with the limited broadcast: never a host to answer */
    return addr[0] != 0 && addr[0] != 127 && addr[0] < 224;
}

static bool is_unicast6(const uint8_t *addr)
{
    static const uint8_t zero[15];
    bool is_low = memcmp(addr, zero, sizeof(zero)) == 0 && addr[15] <= 1; /* :: and ::1 */
    return addr[0] != 0xff && !is_low;
}

/* RFC 1122 3.2.2 and RFC 4443 2.4 (e): to whom no error may be sent. */
static bool may_answer(const struct sl_packet *packet)
{
    if (packet->has & SL_PKT_LATER_FRAGMENT) {
        return false;
    }
    if (packet->ip_version == 4) {
        return is_unicast4(packet->src) && is_unicast4(packet->dst);
    }
    return packet->ip_version == 6 && is_unicast6(packet->src) && is_unicast6(packet->dst);
}

static bool is_icmp_error(const struct sl_packet *packet)
{
    if (packet->proto == PROTO_ICMP6) {
        return packet->icmp_type < 128;
    }
    if (packet->proto != PROTO_ICMP) {
        return false;
    }
    uint8_t type = packet->icmp_type;
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* Writes an IPv4 header from `src` to `dst` for `size` bytes in total. */
static void put_ip4(uint8_t *out, const uint8_t *src, const uint8_t *dst, uint8_t proto,
                    uint32_t size)
{
    memset(out, 0, IP4_SIZE);
    out[0] = 0x45;
    sl_be16_put(out + 2, (uint16_t)size);
    sl_be16_put(out + 6, 0x4000); /* DF: identification 0 is then allowed (RFC 6864 4.1) */
    out[8] = REPLY_TTL;
    out[9] = proto;
    memcpy(out + 12, src, 4);
    memcpy(out + 16, dst, 4);
    sl_be16_put(out + 10, sl_checksum_fold(sl_checksum_add(0, out, IP4_SIZE)));
}

static void put_ip6(uint8_t *out, const uint8_t *src, const uint8_t *dst, uint8_t proto,
                    uint32_t payload)
{
    memset(out, 0, IP6_SIZE);
    out[0] = 0x60;
    sl_be16_put(out + 4, (uint16_t)payload);
    out[6] = proto;
    out[7] = REPLY_TTL;
    memcpy(out + 8, src, 16);
    memcpy(out + 24, dst, 16);
}

static sl_rc error4(struct sl_packet *packet, const struct sl_icmp_error *error)
{
    uint32_t quote = packet->size;
    if (quote > ICMP4_MAX - IP4_SIZE - ICMP_SIZE) {
        quote = ICMP4_MAX - IP4_SIZE - ICMP_SIZE;
    }
    uint32_t size = IP4_SIZE + ICMP_SIZE + quote;
    if (size > packet->room) {
        return SL_NO_SPACE;
    }
    uint8_t src[4];
    uint8_t dst[4];
    memcpy(src, error->src != NULL ? error->src : packet->dst, 4);
    memcpy(dst, packet->src, 4);
    uint8_t *icmp = packet->data + IP4_SIZE;
    memmove(icmp + ICMP_SIZE, packet->data, quote);
    put_ip4(packet->data, src, dst, PROTO_ICMP, size);
    memset(icmp, 0, ICMP_SIZE);
    icmp[0] = error->type;
    icmp[1] = error->code;
    sl_be32_put(icmp + 4, error->info);
    sl_be16_put(icmp + 2, sl_checksum_fold(sl_checksum_add(0, icmp, ICMP_SIZE + quote)));
    packet->size = size;
    return SL_OK;
}

static sl_rc error6(struct sl_packet *packet, const struct sl_icmp_error *error)
{
    uint32_t quote = packet->size;
    if (quote > ICMP6_MAX - IP6_SIZE - ICMP_SIZE) {
        quote = ICMP6_MAX - IP6_SIZE - ICMP_SIZE;
    }
    uint32_t size = IP6_SIZE + ICMP_SIZE + quote;
    if (size > packet->room) {
        return SL_NO_SPACE;
    }
    uint8_t src[16];
    uint8_t dst[16];
    memcpy(src, error->src != NULL ? error->src : packet->dst, 16);
    memcpy(dst, packet->src, 16);
    uint8_t *icmp = packet->data + IP6_SIZE;
    memmove(icmp + ICMP_SIZE, packet->data, quote);
    put_ip6(packet->data, src, dst, PROTO_ICMP6, ICMP_SIZE + quote);
    memset(icmp, 0, ICMP_SIZE);
    icmp[0] = error->type;
    icmp[1] = error->code;
    sl_be32_put(icmp + 4, error->info);
    uint64_t sum = sl_checksum_pseudo(src, dst, 16, PROTO_ICMP6, ICMP_SIZE + quote);
    sl_be16_put(icmp + 2, sl_checksum_fold(sl_checksum_add(sum, icmp, ICMP_SIZE + quote)));
    packet->size = size;
    return SL_OK;
}

sl_rc sl_packet_reply_icmp(struct sl_packet *packet, const struct sl_icmp_error *error)
{
    if (!may_answer(packet) || is_icmp_error(packet)) {
        return SL_DENIED;
    }
    return packet->ip_version == 4 ? error4(packet, error) : error6(packet, error);
}

sl_rc sl_packet_reply_unreachable(struct sl_packet *packet, uint8_t code4, uint8_t code6)
{
    bool is4 = packet->ip_version == 4;
    const struct sl_icmp_error error = {.type = is4 ? 3 : 1, .code = is4 ? code4 : code6};
    return sl_packet_reply_icmp(packet, &error);
}

/* Fills a reset for the segment at `in` (all but the checksum) into `out`. */
static void put_reset(uint8_t *out, const uint8_t *in, uint32_t segment_size)
{
    uint8_t flags = in[13];
    memset(out, 0, TCP_SIZE);
    memcpy(out, in + 2, 2);
    memcpy(out + 2, in, 2);
    out[12] = (TCP_SIZE / 4) << 4;
    if (flags & SL_TCP_ACK) {
        /* RFC 9293 3.10.7.1: "If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>" */
        memcpy(out + 4, in + 8, 4);
        out[13] = SL_TCP_RST;
        return;
    }
    uint32_t header = (uint32_t)(in[12] >> 4) * 4;
    uint32_t len =
        segment_size - header + ((flags & SL_TCP_SYN) != 0) + ((flags & SL_TCP_FIN) != 0);
    sl_be32_put(out + 8, sl_be32_get(in + 4) + len);
    out[13] = SL_TCP_RST | SL_TCP_ACK;
}

sl_rc sl_packet_reply_reset(struct sl_packet *packet)
{
    if ((packet->has & SL_PKT_HAS_TCP) == 0 || (packet->tcp_flags & SL_TCP_RST) != 0 ||
        !may_answer(packet)) {
        return SL_DENIED;
    }
    uint8_t reset[TCP_SIZE];
    put_reset(reset, packet->data + packet->l4_off, packet->size - packet->l4_off);
    size_t addr_size = packet->ip_version == 4 ? 4 : 16;
    uint8_t src[16] = {0};
    uint8_t dst[16] = {0};
    memcpy(src, packet->dst, addr_size);
    memcpy(dst, packet->src, addr_size);
    uint64_t sum = sl_checksum_pseudo(src, dst, addr_size, PROTO_TCP, TCP_SIZE);
    sl_be16_put(reset + 16, sl_checksum_fold(sl_checksum_add(sum, reset, TCP_SIZE)));
    /* never longer than the segment it answers: IP and TCP headers without options */
    uint32_t ip_size = packet->ip_version == 4 ? IP4_SIZE : IP6_SIZE;
    if (packet->ip_version == 4) {
        put_ip4(packet->data, src, dst, PROTO_TCP, IP4_SIZE + TCP_SIZE);
    } else {
        put_ip6(packet->data, src, dst, PROTO_TCP, TCP_SIZE);
    }
    memcpy(packet->data + ip_size, reset, TCP_SIZE);
    packet->size = ip_size + TCP_SIZE;
    return SL_OK;
}
