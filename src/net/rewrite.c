/* SPDX-License-Identifier: Apache-2.0 */
/* MSS clamping, "too big" messages, IPv4 fragmentation. */
#include "net/rewrite.h"

#include <string.h>

#include "base/bytes.h"
#include "safelib/checksum.h"

enum {
    TCP_FLAGS = 13,
    TCP_CSUM = 16,
    TCP_OPTIONS = 20,
    OPT_END = 0,
    OPT_NOP = 1,
    OPT_MSS = 2,
    ICMP4_UNREACHABLE = 3,
    ICMP4_FRAG_NEEDED = 4,
    ICMP6_TOO_BIG = 2,
    ICMP_HEADER = 8,
    IP4_MF = 0x2000,
    IP4_DF = 0x4000,
    IP4_OFFSET = 0x1fff,
    IP4_OPTION_COPIED = 0x80,
    HOP_LIMIT = 64,
};

/* ---- MSS ---- */

static bool mss_lower(uint8_t *tcp, uint8_t *value, uint32_t limit)
{
    uint16_t old = sl_be16_get(value);
    if (old <= limit) {
        return false;
    }
    sl_be16_put(value, (uint16_t)limit);
    uint16_t checksum = sl_be16_get(tcp + TCP_CSUM);
    if (((value - tcp) & 1) == 0) {
        checksum = sl_checksum_update16(checksum, old, (uint16_t)limit);
    } else {
        /* after an odd number of NOPs the value straddles two words of the sum */
        checksum = sl_checksum_update16(checksum, (uint16_t)(old >> 8), (uint16_t)(limit >> 8));
        checksum = sl_checksum_update16(checksum, (uint16_t)(old << 8), (uint16_t)(limit << 8));
    }
    sl_be16_put(tcp + TCP_CSUM, checksum);
    return true;
}

bool sl_mss_clamp(uint8_t *packet, const struct sl_ip *ip, uint32_t mtu)
{
    uint32_t header = sl_ip_tcp_header(packet, ip);
    uint32_t fixed = (ip->version == 4 ? SL_IP4_HEADER : SL_IP6_HEADER) + SL_TCP_HEADER;
    uint8_t *tcp = packet + ip->l4_off;
    if (header == 0 || (tcp[TCP_FLAGS] & SL_TCP_SYN) == 0 || mtu <= fixed) {
        return false;
    }
    for (uint32_t off = TCP_OPTIONS; off < header && tcp[off] != OPT_END;) {
        if (tcp[off] == OPT_NOP) {
            off++;
            continue;
        }
        if (off + 2 > header || tcp[off + 1] < 2 || off + tcp[off + 1] > header) {
            return false;
        }
        if (tcp[off] == OPT_MSS && tcp[off + 1] == 4) {
            return mss_lower(tcp, tcp + off + 2, mtu - fixed);
        }
        off += tcp[off + 1];
    }
    return false;
}

/* ---- too big ---- */

static bool is_zero(const uint8_t *addr, uint32_t size)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < size; i++) {
        any |= addr[i];
    }
    return any == 0;
}

static bool is_answerable4(const uint8_t *packet, const struct sl_ip *ip)
{
    const uint8_t *src = packet + 12;
    const uint8_t *dst = packet + 16;
    bool is_later = (sl_be16_get(packet + 6) & IP4_OFFSET) != 0;
    bool is_group = src[0] >= 224 || dst[0] >= 224 || is_zero(src, 4);
    bool is_error = false;
    if (ip->proto == SL_IP_PROTO_ICMP && !is_later && ip->size > ip->l4_off) {
        uint8_t type = packet[ip->l4_off];
        is_error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    }
    return !is_later && !is_group && !is_error;
}

static bool is_answerable6(const uint8_t *packet, const struct sl_ip *ip)
{
    const uint8_t *src = packet + 8;
    /* RFC 4443 2.4 e.3: "too big" may answer a packet to a multicast address, not from one */
    bool is_group = src[0] == 0xff || is_zero(src, 16);
    bool is_error =
        ip->proto == SL_IP_PROTO_ICMP6 && ip->size > ip->l4_off && (packet[ip->l4_off] & 0x80) == 0;
    return !is_group && !is_error;
}

static void too_big4(const uint8_t *packet, const struct sl_ip *ip, uint32_t mtu, uint8_t *out,
                     uint32_t *ret_size)
{
    uint32_t quote = ip->size;
    if (quote > SL_ICMP4_SIZE_MAX - SL_IP4_HEADER - ICMP_HEADER) {
        quote = SL_ICMP4_SIZE_MAX - SL_IP4_HEADER - ICMP_HEADER;
    }
    uint32_t size = SL_IP4_HEADER + ICMP_HEADER + quote;
    memset(out, 0, SL_IP4_HEADER + ICMP_HEADER);
    out[0] = 0x45;
    out[1] = 0xc0; /* RFC 1812 4.3.2.5: internetwork control */
    sl_be16_put(out + 2, (uint16_t)size);
    out[8] = HOP_LIMIT;
    out[9] = SL_IP_PROTO_ICMP;
    memcpy(out + 12, packet + 16, 4);
    memcpy(out + 16, packet + 12, 4);
    sl_ip4_checksum_set(out, SL_IP4_HEADER);
    uint8_t *icmp = out + SL_IP4_HEADER;
    icmp[0] = ICMP4_UNREACHABLE;
    icmp[1] = ICMP4_FRAG_NEEDED;
    sl_be16_put(icmp + 6, (uint16_t)mtu);
    memcpy(icmp + ICMP_HEADER, packet, quote);
    sl_be16_put(icmp + 2, sl_checksum_fold(sl_checksum_add(0, icmp, ICMP_HEADER + quote)));
    *ret_size = size;
}

static void too_big6(const uint8_t *packet, const struct sl_ip *ip, uint32_t mtu, uint8_t *out,
                     uint32_t *ret_size)
{
    uint32_t quote = ip->size;
    if (quote > SL_ICMP6_SIZE_MAX - SL_IP6_HEADER - ICMP_HEADER) {
        quote = SL_ICMP6_SIZE_MAX - SL_IP6_HEADER - ICMP_HEADER;
    }
    memset(out, 0, SL_IP6_HEADER + ICMP_HEADER);
    out[0] = 0x60;
    sl_be16_put(out + 4, (uint16_t)(ICMP_HEADER + quote));
    out[6] = SL_IP_PROTO_ICMP6;
    out[7] = HOP_LIMIT;
    /* from the destination, unless that is a group: then from the sender itself */
    memcpy(out + 8, packet[24] == 0xff ? packet + 8 : packet + 24, 16);
    memcpy(out + 24, packet + 8, 16);
    uint8_t *icmp = out + SL_IP6_HEADER;
    icmp[0] = ICMP6_TOO_BIG;
    sl_be32_put(icmp + 4, mtu);
    memcpy(icmp + ICMP_HEADER, packet, quote);
    uint64_t sum =
        sl_checksum_pseudo(out + 8, out + 24, 16, SL_IP_PROTO_ICMP6, ICMP_HEADER + quote);
    sl_be16_put(icmp + 2, sl_checksum_fold(sl_checksum_add(sum, icmp, ICMP_HEADER + quote)));
    *ret_size = SL_IP6_HEADER + ICMP_HEADER + quote;
}

sl_rc sl_too_big_write(const uint8_t *packet, const struct sl_ip *ip, uint32_t mtu, uint8_t *out,
                       uint32_t *ret_size)
{
    if (mtu < (ip->version == 6 ? SL_IP6_MTU_MIN : SL_FRAGMENT_MTU_MIN)) {
        return SL_RANGE;
    }
    if (!(ip->version == 4 ? is_answerable4(packet, ip) : is_answerable6(packet, ip))) {
        return SL_DENIED;
    }
    if (ip->version == 4) {
        too_big4(packet, ip, mtu > UINT16_MAX ? UINT16_MAX : mtu, out, ret_size);
    } else {
        too_big6(packet, ip, mtu, out, ret_size);
    }
    return SL_OK;
}

/* ---- fragments ---- */

/* RFC 791 3.1: options without the copied bit are in the first fragment only. */
static void options_thin(uint8_t *header, uint32_t header_size)
{
    for (uint32_t off = SL_IP4_HEADER; off < header_size && header[off] != OPT_END;) {
        uint32_t size = header[off] == OPT_NOP ? 1 : off + 1 < header_size ? header[off + 1] : 0;
        if (size == 0 || off + size > header_size || (header[off] != OPT_NOP && size < 2)) {
            return;
        }
        if ((header[off] & IP4_OPTION_COPIED) == 0) {
            memset(header + off, OPT_NOP, size);
        }
        off += size;
    }
}

sl_rc sl_ip4_fragment_next(const uint8_t *packet, const struct sl_ip *ip, uint32_t mtu,
                           uint32_t *off, uint8_t *out, uint32_t *ret_size)
{
    if (ip->version != 4 || ip->is_df) {
        return SL_DENIED;
    }
    uint32_t header = ip->l4_off;
    if (mtu < SL_FRAGMENT_MTU_MIN || mtu < header + 8) {
        return SL_RANGE;
    }
    uint32_t total = ip->size - header;
    if (*off >= total) {
        return SL_NOT_FOUND;
    }
    uint32_t room = (mtu - header) & ~7u;
    bool is_last = total - *off <= mtu - header;
    uint32_t payload = is_last ? total - *off : room;
    uint16_t field = sl_be16_get(packet + 6);
    memcpy(out, packet, header);
    memcpy(out + header, packet + header + *off, payload);
    if (*off > 0) {
        options_thin(out, header);
    }
    sl_be16_put(out + 2, (uint16_t)(header + payload));
    uint16_t more = is_last ? (field & IP4_MF) : IP4_MF;
    sl_be16_put(out + 6, (uint16_t)(more | ((field & IP4_OFFSET) + *off / 8)));
    sl_ip4_checksum_set(out, header);
    *off += payload;
    *ret_size = header + payload;
    return SL_OK;
}
