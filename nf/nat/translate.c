/* SPDX-License-Identifier: Apache-2.0 */
/* IPv6 to IPv4 and back: headers, fragments, checksums, echo, and ICMP errors with what they quote.
 */
#include "nat/translate.h"

#include "safelib/bytes.h"
#include "safelib/checksum.h"

enum {
    EXTENSION_HOP_BY_HOP = 0,
    EXTENSION_ROUTING = 43,
    EXTENSION_FRAGMENT = 44,
    EXTENSION_OPTIONS = 60,
    FRAGMENT_SIZE = 8,
    ECHO4 = 8,
    ECHO_REPLY4 = 0,
    ECHO6 = 128,
    ECHO_REPLY6 = 129,
    DF_FROM = 1261, /* RFC 7915 5.1: up to 1260 bytes routers may fragment it */
    FLAG_DF = 0x4000,
    FLAG_MF = 0x2000,
    OPTION_LSRR = 131,
    OPTION_SSRR = 137,
    ERROR4_MAX = 576,  /* RFC 1812 4.3.2.3 */
    ERROR6_MAX = 1280, /* RFC 4443 2.4 (c) */
};

void nat_addr64_embed(const struct nat_policy *policy, const uint8_t *addr4, uint8_t *ret_addr6)
{
    memcpy(ret_addr6, policy->prefix64, 16);
    uint32_t at = policy->prefix64_bits / 8u;
    for (uint32_t i = 0; i < 4; i++, at++) {
        at += at == 8; /* RFC 6052 2.2: bits 64 to 71 are zero */
        ret_addr6[at] = addr4[i];
    }
}

bool nat_addr64_extract(const struct nat_policy *policy, const uint8_t *addr6, uint8_t *ret_addr4)
{
    uint32_t at = policy->prefix64_bits / 8u;
    if (at == 0 || memcmp(addr6, policy->prefix64, at) != 0 || addr6[8] != policy->prefix64[8]) {
        return false;
    }
    for (uint32_t i = 0; i < 4; i++, at++) {
        at += at == 8;
        ret_addr4[i] = addr6[at];
    }
    return true;
}

bool nat_addr4_is_global(const uint8_t *addr4)
{
    /* RFC 5735 3, which RFC 6052 3.1 names, and RFC 6598; below 224.0.0.0, as all above it is not
     */
    static const struct {
        uint32_t addr, mask;
    } ranges[] = {
        {0x00000000, 0xff000000}, /* this network */
        {0x0a000000, 0xff000000}, /* private */
        {0x64400000, 0xffc00000}, /* shared */
        {0x7f000000, 0xff000000}, /* loopback */
        {0xa9fe0000, 0xffff0000}, /* link-local */
        {0xac100000, 0xfff00000}, /* private */
        {0xc0000000, 0xffffff00}, /* protocol assignments */
        {0xc0000200, 0xffffff00}, /* documentation */
        {0xc0586300, 0xffffff00}, /* 6to4 relays, whose address is nobody's any more (RFC 7526) */
        {0xc0a80000, 0xffff0000}, /* private */
        {0xc6120000, 0xfffe0000}, /* benchmarks */
        {0xc6336400, 0xffffff00}, /* documentation */
        {0xcb007100, 0xffffff00}, /* documentation */
    };
    uint32_t addr = sl_be32_get(addr4);
    bool is_global = addr4[0] < 224; /* multicast, reserved, broadcast */
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        is_global = is_global && (addr & ranges[i].mask) != ranges[i].addr;
    }
    return is_global;
}

bool nat_addr64_may_be(const struct nat_policy *policy, const uint8_t *addr4)
{
    return !policy->is_wkp || (policy->flags & SL_NAT_ANY_ADDRESS64) != 0 ||
           nat_addr4_is_global(addr4);
}

/* An IPv6 header with its extensions, taken apart. */
struct head6 {
    uint32_t off; /* of what comes behind */
    uint8_t proto;
    const uint8_t *fragment; /* its fragment header, or NULL */
};

/* @retval SL_DENIED  RFC 7915 5.1: a routing header that is not used up */
static sl_rc head6_read(const uint8_t *ip, uint32_t size, struct head6 *ret_head)
{
    struct head6 head = {.off = NAT_IP6_SIZE, .proto = ip[6]};
    while (head.proto == EXTENSION_HOP_BY_HOP || head.proto == EXTENSION_ROUTING ||
           head.proto == EXTENSION_FRAGMENT || head.proto == EXTENSION_OPTIONS) {
        if (size - head.off < 8) {
            return SL_TRUNCATED;
        }
        const uint8_t *extension = ip + head.off;
        uint32_t length = (extension[1] + 1u) * 8;
        if (head.proto == EXTENSION_ROUTING && extension[3] != 0) {
            return SL_DENIED;
        }
        if (head.proto == EXTENSION_FRAGMENT) {
            head.fragment = extension;
            length = FRAGMENT_SIZE;
        }
        if (size - head.off < length) {
            return SL_TRUNCATED;
        }
        head.proto = extension[0];
        head.off += length;
        if (head.fragment != NULL && (sl_be16_get(head.fragment + 2) & 0xfff8) != 0) {
            break; /* what follows is no header */
        }
    }
    *ret_head = head;
    return SL_OK;
}

uint32_t nat_segments_left_off(const uint8_t *ip6, uint32_t size)
{
    uint8_t next = ip6[6];
    uint32_t off = NAT_IP6_SIZE;
    while ((next == EXTENSION_HOP_BY_HOP || next == EXTENSION_OPTIONS) && off + 8 <= size) {
        next = ip6[off];
        off += (ip6[off + 1] + 1u) * 8;
    }
    return next == EXTENSION_ROUTING ? off + 3 : 0;
}

/* RFC 7915 5.1. @p total is the length that the IPv4 header says. */
static void put_header4(uint8_t *out, const uint8_t *ip6, const struct head6 *head, uint32_t total,
                        uint8_t hops, uint16_t id)
{
    uint16_t flags = total >= DF_FROM ? FLAG_DF : 0;
    if (head->fragment != NULL) {
        uint16_t field = sl_be16_get(head->fragment + 2);
        flags = (uint16_t)(field >> 3 | ((field & 1) != 0 ? FLAG_MF : 0));
        id = sl_be16_get(head->fragment + 6);
    }
    out[0] = 0x45;
    out[1] = (uint8_t)(ip6[0] << 4 | ip6[1] >> 4);
    sl_be16_put(out + 2, (uint16_t)total);
    sl_be16_put(out + 4, id);
    sl_be16_put(out + 6, flags);
    out[8] = hops;
    out[9] = head->proto == NAT_PROTO_ICMP6 ? NAT_PROTO_ICMP : head->proto;
    out[10] = 0;
    out[11] = 0;
}

static void seal_header4(uint8_t *ip4)
{
    sl_be16_put(ip4 + 10, sl_checksum_fold(sl_checksum_add(0, ip4, NAT_IP4_SIZE)));
}

/* RFC 7915 4.1. @param is_cut  a fragment header also where the packet is whole
 * @return bytes of header written */
static uint32_t put_header6(uint8_t *out, const uint8_t *ip4, uint32_t payload, uint8_t hops,
                            bool is_cut)
{
    uint16_t field = sl_be16_get(ip4 + 6);
    bool is_fragment = is_cut || (field & 0x3fff) != 0;
    uint8_t proto = ip4[9] == NAT_PROTO_ICMP ? NAT_PROTO_ICMP6 : ip4[9];
    out[0] = (uint8_t)(0x60 | ip4[1] >> 4);
    out[1] = (uint8_t)(ip4[1] << 4);
    out[2] = 0;
    out[3] = 0;
    sl_be16_put(out + 4, (uint16_t)(payload + (is_fragment ? FRAGMENT_SIZE : 0)));
    out[6] = is_fragment ? EXTENSION_FRAGMENT : proto;
    out[7] = hops;
    if (!is_fragment) {
        return NAT_IP6_SIZE;
    }
    uint8_t *fragment = out + NAT_IP6_SIZE;
    fragment[0] = proto;
    fragment[1] = 0;
    sl_be16_put(fragment + 2, (uint16_t)(field << 3 | ((field & FLAG_MF) != 0)));
    sl_be16_put(fragment + 4, 0);
    memcpy(fragment + 6, ip4 + 4, 2);
    return NAT_IP6_SIZE + FRAGMENT_SIZE;
}

/* What the pseudo-header of ICMPv6 adds, that ICMP has not. */
static uint64_t icmp6_pseudo(const uint8_t *addrs6, uint32_t size)
{
    return sl_checksum_pseudo(addrs6, addrs6 + 16, 16, NAT_PROTO_ICMP6, size);
}

static uint64_t icmp6_pseudo_taken(const uint8_t *addrs6, uint32_t size)
{
    return sl_checksum_fold(icmp6_pseudo(addrs6, size));
}

static void echo_type_put(uint8_t *icmp, uint8_t type, uint64_t *delta)
{
    const uint8_t now[2] = {type, icmp[1]};
    sl_checksum_replace(delta, icmp, now, sizeof(now));
}

/* An echo's type between the families; false: another type. */
static bool echo_6to4(uint8_t *icmp, uint64_t *delta)
{
    if (icmp[0] != ECHO6 && icmp[0] != ECHO_REPLY6) {
        return false;
    }
    echo_type_put(icmp, icmp[0] == ECHO6 ? ECHO4 : ECHO_REPLY4, delta);
    return true;
}

static bool echo_4to6(uint8_t *icmp, uint64_t *delta)
{
    if (icmp[0] != ECHO4 && icmp[0] != ECHO_REPLY4) {
        return false;
    }
    echo_type_put(icmp, icmp[0] == ECHO4 ? ECHO6 : ECHO_REPLY6, delta);
    return true;
}

/* ICMP is rewritten as ICMPv6, whose delta nat_rewrite_l4 heeds. */
static void rewrite_icmp(uint8_t *icmp, uint32_t size, uint16_t id, uint64_t delta)
{
    nat_rewrite_l4(icmp, size, NAT_PROTO_ICMP6, true, id, delta);
}

/* The type that a later fragment's datagram has in the other family. */
static uint8_t echo_type_turn(uint8_t type)
{
    return type == ECHO4         ? ECHO6
           : type == ECHO6       ? ECHO4
           : type == ECHO_REPLY4 ? ECHO_REPLY6
                                 : ECHO_REPLY4;
}

/* The fields of a packet that has changed its family. */
static void reparse(struct sl_packet *packet, const struct nat_end *end, bool is_source)
{
    const struct sl_packet was = *packet;
    (void)!sl_packet_parse(packet); /* it is our own */
    packet->has |= was.has & SL_PKT_RUNTIME;
    packet->more = was.more;
    packet->more_sum = was.more_sum;
    if ((was.has & SL_PKT_LATER_FRAGMENT) == 0) {
        return;
    }
    /* what the runtime had from the first fragment */
    packet->has |= was.has & (SL_PKT_HAS_PORTS | SL_PKT_HAS_TCP | SL_PKT_HAS_ICMP);
    packet->tcp_flags = was.tcp_flags;
    if ((was.has & SL_PKT_HAS_PORTS) != 0) {
        packet->sport = is_source ? end->port : was.sport;
        packet->dport = is_source ? was.dport : end->port;
    } else if ((was.has & SL_PKT_HAS_ICMP) != 0) {
        packet->icmp_type = echo_type_turn(was.icmp_type);
        packet->icmp_code = was.icmp_code;
        packet->sport = packet->dport = end->port;
    }
}

/* A later fragment of an echo, as the runtime knows from the first. */
static bool is_echo_later(const struct sl_packet *packet)
{
    uint8_t type = packet->icmp_type;
    return (packet->has & SL_PKT_HAS_ICMP) != 0 &&
           (packet->ip_version == 4 ? type == ECHO4 || type == ECHO_REPLY4
                                    : type == ECHO6 || type == ECHO_REPLY6);
}

/* Bytes of upper layer that a packet's datagram has in all, @p size of them in this one; 0: that is
 * not known, as its other fragments have not been seen. */
static uint32_t datagram_size(const struct sl_packet *packet, uint32_t size)
{
    bool is_cut = (packet->has & SL_PKT_MORE_FRAGMENTS) != 0;
    return is_cut && packet->more == 0 ? 0 : size + packet->more;
}

/* ---- IPv6 to IPv4 ---- */

/* The upper layer of a whole packet or first fragment, in place, in its old position. */
static sl_rc upper_6to4(const struct sl_packet *packet, const struct head6 *head,
                        const uint8_t *ip4, uint16_t port)
{
    const uint8_t *ip6 = packet->data;
    uint8_t *l4 = packet->data + head->off;
    uint32_t size = packet->size - head->off;
    if (head->proto == NAT_PROTO_ICMP6) {
        /* the length in the pseudo-header is the whole datagram's */
        uint32_t whole = datagram_size(packet, size);
        uint64_t delta = icmp6_pseudo_taken(ip6 + 8, whole);
        if (whole == 0 || !echo_6to4(l4, &delta)) {
            return SL_UNSUPPORTED;
        }
        rewrite_icmp(l4, size, port, delta);
        return SL_OK;
    }
    uint64_t delta = sl_checksum_add(sl_checksum_take(0, ip6 + 8, 32), ip4 + 12, 8);
    nat_rewrite_l4(l4, size, head->proto, true, port, delta);
    return SL_OK;
}

/* The packet that an IPv6 error quotes becomes one that went to the outside endpoint.
 * @return its bytes at @p quote from now on, or 0 */
static uint32_t quote_6to4(const struct nat_policy *policy, uint8_t *quote, uint32_t size,
                           const struct nat_end *outside)
{
    struct head6 head;
    uint8_t ip4[NAT_IP4_SIZE];
    if (size < NAT_IP6_SIZE || head6_read(quote, size, &head) != SL_OK || size - head.off < 8 ||
        !nat_addr64_extract(policy, quote + 8, ip4 + 12)) {
        return 0;
    }
    memcpy(ip4 + 16, outside->addr.b + 12, 4);
    uint32_t payload = NAT_IP6_SIZE + (uint32_t)sl_be16_get(quote + 4);
    payload = payload > head.off ? payload - head.off : 0;
    put_header4(ip4, quote, &head, NAT_IP4_SIZE + payload, quote[7], 0);
    seal_header4(ip4);
    uint8_t *l4 = quote + head.off;
    uint32_t left = size - head.off;
    if (head.proto == NAT_PROTO_ICMP6) {
        uint64_t delta = icmp6_pseudo_taken(quote + 8, payload);
        if (!echo_6to4(l4, &delta)) {
            return 0;
        }
        rewrite_icmp(l4, left, outside->port, delta);
    } else {
        uint64_t delta = sl_checksum_add(sl_checksum_take(0, quote + 8, 32), ip4 + 12, 8);
        nat_rewrite_l4(l4, left, head.proto, false, outside->port, delta);
    }
    memmove(quote + NAT_IP4_SIZE, l4, left);
    memcpy(quote, ip4, NAT_IP4_SIZE);
    return NAT_IP4_SIZE + left;
}

static sl_rc error_6to4(const struct nat_policy *policy, struct sl_packet *packet, uint8_t *ip4,
                        const struct nat_end *outside)
{
    uint8_t *icmp = packet->data + packet->l4_off;
    uint32_t size = packet->size - packet->l4_off;
    if (size < NAT_ICMP_SIZE + NAT_IP6_SIZE) {
        return SL_TRUNCATED;
    }
    if (sl_checksum_fold(sl_checksum_add(icmp6_pseudo(packet->data + 8, size), icmp, size)) != 0) {
        return SL_MISMATCH;
    }
    uint8_t header[NAT_ICMP_SIZE];
    memcpy(header, icmp, sizeof(header));
    uint32_t quoted = size - NAT_ICMP_SIZE;
    /* RFC 4884 4.4: 64-bit words of the quoted packet; extensions behind it are not translated */
    bool has_length = header[0] == 1 || header[0] == 3;
    if (has_length && header[4] != 0 && header[4] * 8u < quoted) {
        quoted = header[4] * 8u;
    }
    if (!nat_icmp_error_6to4(header, policy->mtu6)) {
        return SL_UNSUPPORTED;
    }
    uint32_t translated = quote_6to4(policy, icmp + NAT_ICMP_SIZE, quoted, outside);
    if (translated == 0) {
        return SL_TRUNCATED;
    }
    uint32_t most = ERROR4_MAX - NAT_IP4_SIZE - NAT_ICMP_SIZE;
    translated = translated < most ? translated : most;
    memcpy(icmp, header, sizeof(header));
    size = NAT_ICMP_SIZE + translated;
    sl_be16_put(icmp + 2, 0);
    sl_be16_put(icmp + 2, sl_checksum_fold(sl_checksum_add(0, icmp, size)));
    sl_be16_put(ip4 + 2, (uint16_t)(NAT_IP4_SIZE + size));
    sl_be16_put(ip4 + 6, 0);
    memmove(packet->data + NAT_IP4_SIZE, icmp, size);
    packet->size = NAT_IP4_SIZE + size;
    return SL_OK;
}

sl_rc nat_translate_6to4(const struct nat_policy *policy, struct sl_packet *packet,
                         const struct nat_end *source, uint16_t id)
{
    struct head6 head;
    uint8_t ip4[NAT_IP4_SIZE];
    sl_rc rc = head6_read(packet->data, packet->size, &head);
    if (rc != SL_OK) {
        return rc;
    }
    bool is_icmp = head.proto == NAT_PROTO_ICMP6;
    bool is_later = (packet->has & SL_PKT_LATER_FRAGMENT) != 0;
    if (!nat_addr64_extract(policy, packet->data + 24, ip4 + 16) ||
        (is_icmp && is_later && !is_echo_later(packet))) {
        return SL_UNSUPPORTED;
    }
    if (packet->data[7] <= 1) {
        return SL_OVERFLOW;
    }
    memcpy(ip4 + 12, source->addr.b + 12, 4);
    uint8_t *l4 = packet->data + head.off;
    uint32_t size = packet->size - head.off;
    put_header4(ip4, packet->data, &head, NAT_IP4_SIZE + size, (uint8_t)(packet->data[7] - 1), id);
    if (is_icmp && !is_later && l4[0] < ECHO6) {
        rc = head.fragment == NULL ? error_6to4(policy, packet, ip4, source) : SL_UNSUPPORTED;
    } else {
        rc = is_later ? SL_OK : upper_6to4(packet, &head, ip4, source->port);
        if (rc == SL_OK) {
            memmove(packet->data + NAT_IP4_SIZE, l4, size);
            packet->size = NAT_IP4_SIZE + size;
        }
    }
    if (rc != SL_OK) {
        return rc;
    }
    seal_header4(ip4);
    memcpy(packet->data, ip4, NAT_IP4_SIZE);
    reparse(packet, source, true);
    return SL_OK;
}

/* ---- IPv4 to IPv6 ---- */

/* RFC 7915 4.1: "However, if an unexpired source route option is present, then the packet MUST
 * instead be discarded". */
static bool has_source_route(const uint8_t *ip4, uint32_t header)
{
    uint32_t off = NAT_IP4_SIZE;
    while (off + 1 < header && ip4[off] != 0) {
        if (ip4[off] == 1) {
            off++;
            continue;
        }
        uint32_t length = ip4[off + 1];
        if (length < 2 || off + length > header) {
            return false;
        }
        if ((ip4[off] == OPTION_LSRR || ip4[off] == OPTION_SSRR) && length >= 3 &&
            ip4[off + 2] <= length) {
            return true;
        }
        off += length;
    }
    return false;
}

/* UDP over IPv6 must have a checksum (RFC 8200 8.1). Of a datagram in fragments the runtime knows
 * the sum of those that are not at hand. */
static sl_rc udp_fill(const struct sl_packet *packet, uint8_t *l4, uint32_t size,
                      const uint8_t *ip6)
{
    uint32_t length = sl_be16_get(l4 + 4);
    uint32_t whole = datagram_size(packet, size);
    if (length < 8 || length > whole || (packet->more != 0 && length != whole)) {
        return SL_UNSUPPORTED;
    }
    uint64_t sum = sl_checksum_pseudo(ip6 + 8, ip6 + 24, 16, NAT_PROTO_UDP, length);
    sum += packet->more_sum;
    uint16_t check = sl_checksum_fold(sl_checksum_add(sum, l4, length < size ? length : size));
    sl_be16_put(l4 + 6, check != 0 ? check : 0xffff);
    return SL_OK;
}

static sl_rc upper_4to6(const struct sl_packet *packet, uint32_t header, const uint8_t *ip6,
                        uint16_t port)
{
    const uint8_t *ip4 = packet->data;
    uint8_t *l4 = packet->data + header;
    uint32_t size = packet->size - header;
    uint8_t proto = ip4[9];
    if (proto == NAT_PROTO_ICMP) {
        uint32_t whole = datagram_size(packet, size);
        uint64_t delta = icmp6_pseudo(ip6 + 8, whole);
        if (whole == 0 || !echo_4to6(l4, &delta)) {
            return SL_UNSUPPORTED;
        }
        rewrite_icmp(l4, size, port, delta);
        return SL_OK;
    }
    if (proto == NAT_PROTO_UDP && l4[6] == 0 && l4[7] == 0) {
        uint16_t before = sl_be16_get(l4 + 2);
        sl_be16_put(l4 + 2, port);
        sl_rc rc = udp_fill(packet, l4, size, ip6);
        if (rc != SL_OK) {
            sl_be16_put(l4 + 2, before);
        }
        return rc;
    }
    uint64_t delta = sl_checksum_add(sl_checksum_take(0, ip4 + 12, 8), ip6 + 8, 32);
    nat_rewrite_l4(l4, size, proto, false, port, delta);
    return SL_OK;
}

/* The packet that an IPv4 error quotes becomes one that the inside endpoint sent. It grows by up to
 * 28 bytes, for which there is room. @return its bytes, or 0 */
static uint32_t quote_4to6(const struct nat_policy *policy, uint8_t *quote, uint32_t size,
                           const struct nat_end *inside)
{
    uint32_t header = (uint32_t)(quote[0] & 0xf) * 4;
    if (header < NAT_IP4_SIZE || size < header + 8) {
        return 0;
    }
    uint8_t ip6[NAT_IP6_SIZE + FRAGMENT_SIZE];
    uint32_t total = sl_be16_get(quote + 2);
    uint32_t payload = total > header ? total - header : 0;
    uint32_t grown = put_header6(ip6, quote, payload, quote[8], false);
    memcpy(ip6 + 8, inside->addr.b, 16);
    nat_addr64_embed(policy, quote + 16, ip6 + 24);
    uint8_t *l4 = quote + header;
    uint32_t left = size - header;
    if (quote[9] == NAT_PROTO_ICMP) {
        uint64_t delta = icmp6_pseudo(ip6 + 8, payload);
        if (!echo_4to6(l4, &delta)) {
            return 0;
        }
        rewrite_icmp(l4, left, inside->port, delta);
    } else {
        uint64_t delta = sl_checksum_add(sl_checksum_take(0, quote + 12, 8), ip6 + 8, 32);
        nat_rewrite_l4(l4, left, quote[9], true, inside->port, delta);
    }
    memmove(quote + grown, l4, left);
    memcpy(quote, ip6, grown);
    return grown + left;
}

/* RFC 5508 REQ-3: both checksums. @param[out] ret_inner  size of the quoted header */
static sl_rc error4_check(const uint8_t *icmp, uint32_t size, uint32_t *ret_inner)
{
    const uint8_t *quote = icmp + NAT_ICMP_SIZE;
    if (size < NAT_ICMP_SIZE + NAT_IP4_SIZE + 8) {
        return SL_TRUNCATED;
    }
    uint32_t inner = (uint32_t)(quote[0] & 0xf) * 4;
    if (inner < NAT_IP4_SIZE || size < NAT_ICMP_SIZE + inner + 8) {
        return SL_TRUNCATED;
    }
    *ret_inner = inner;
    return sl_checksum_fold(sl_checksum_add(0, icmp, size)) == 0 &&
                   sl_checksum_fold(sl_checksum_add(0, quote, inner)) == 0
               ? SL_OK
               : SL_MISMATCH;
}

static sl_rc error_4to6(const struct nat_policy *policy, struct sl_packet *packet, uint8_t *ip6,
                        const struct nat_end *inside)
{
    uint8_t *icmp = packet->data + packet->l4_off;
    uint32_t size = packet->size - packet->l4_off;
    uint8_t *quote = icmp + NAT_ICMP_SIZE;
    uint32_t inner;
    sl_rc rc = error4_check(icmp, size, &inner);
    if (rc != SL_OK) {
        return rc;
    }
    uint8_t header[NAT_ICMP_SIZE];
    memcpy(header, icmp, sizeof(header));
    uint32_t quoted = size - NAT_ICMP_SIZE;
    /* RFC 4884 4.1: 32-bit words of the quoted packet */
    bool has_length = header[0] == 3 || header[0] == 11 || header[0] == 12;
    if (has_length && header[5] != 0 && header[5] * 4u < quoted) {
        quoted = header[5] * 4u;
    }
    uint32_t most = ERROR6_MAX - NAT_IP6_SIZE - NAT_ICMP_SIZE - 28;
    quoted = quoted < most ? quoted : most;
    if (NAT_IP6_SIZE + NAT_ICMP_SIZE + quoted + 28 > packet->room || quoted < inner + 8) {
        return SL_NO_SPACE;
    }
    if (!nat_icmp_error_4to6(header, sl_be16_get(quote + 2), policy->mtu6)) {
        return SL_UNSUPPORTED;
    }
    uint8_t *out = packet->data + NAT_IP6_SIZE;
    memmove(out + NAT_ICMP_SIZE, quote, quoted);
    uint32_t translated = quote_4to6(policy, out + NAT_ICMP_SIZE, quoted, inside);
    if (translated == 0) {
        return SL_TRUNCATED;
    }
    memcpy(out, header, sizeof(header));
    size = NAT_ICMP_SIZE + translated;
    sl_be16_put(out + 2, 0);
    sl_be16_put(out + 2, sl_checksum_fold(sl_checksum_add(icmp6_pseudo(ip6 + 8, size), out, size)));
    sl_be16_put(ip6 + 4, (uint16_t)size);
    packet->size = NAT_IP6_SIZE + size;
    return SL_OK;
}

static bool is_error4(uint8_t type)
{
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* RFC 7915 4.1: "If the DF flag is not set and the IPv4 packet will result in an IPv6 packet larger
 * than" what the IPv6 side takes, it "SHOULD be fragmented": it gets a fragment header for that. */
static bool is_to_cut(const struct nat_policy *policy, const uint8_t *ip4, uint32_t payload)
{
    uint16_t field = sl_be16_get(ip4 + 6);
    uint32_t grown = NAT_IP6_SIZE + ((field & 0x3fff) != 0 ? FRAGMENT_SIZE : 0u);
    return (field & FLAG_DF) == 0 && grown + payload > policy->mtu6;
}

/* What is no error: upper layer translated and moved behind @p grown bytes of new header. */
static sl_rc data_4to6(struct sl_packet *packet, uint32_t header, const uint8_t *ip6,
                       uint32_t grown, const struct nat_end *destination)
{
    uint32_t size = packet->size - header;
    if (grown + size > packet->room) {
        return SL_NO_SPACE;
    }
    bool is_later = (sl_be16_get(packet->data + 6) & 0x1fff) != 0;
    sl_rc rc = is_later ? SL_OK : upper_4to6(packet, header, ip6, destination->port);
    if (rc == SL_OK) {
        memmove(packet->data + grown, packet->data + header, size);
        packet->size = grown + size;
    }
    return rc;
}

sl_rc nat_translate_4to6(const struct nat_policy *policy, struct sl_packet *packet,
                         const struct nat_end *destination)
{
    uint8_t *ip4 = packet->data;
    uint32_t header = (uint32_t)(ip4[0] & 0xf) * 4;
    uint32_t size = packet->size - header;
    uint16_t field = sl_be16_get(ip4 + 6);
    bool is_later = (field & 0x1fff) != 0;
    bool is_icmp = ip4[9] == NAT_PROTO_ICMP;
    if (has_source_route(ip4, header)) {
        return SL_DENIED;
    }
    if (is_icmp && is_later && !is_echo_later(packet)) {
        return SL_UNSUPPORTED;
    }
    if (ip4[8] <= 1) {
        return SL_OVERFLOW;
    }
    bool is_error = is_icmp && !is_later && is_error4(ip4[header]);
    bool is_cut = !is_error && is_to_cut(policy, ip4, size);
    uint8_t ip6[NAT_IP6_SIZE + FRAGMENT_SIZE];
    uint32_t grown = put_header6(ip6, ip4, size, (uint8_t)(ip4[8] - 1), is_cut);
    nat_addr64_embed(policy, ip4 + 12, ip6 + 8);
    memcpy(ip6 + 24, destination->addr.b, 16);
    sl_rc rc;
    if (is_error) {
        rc = (field & 0x3fff) == 0 ? error_4to6(policy, packet, ip6, destination) : SL_UNSUPPORTED;
    } else if (grown + size > policy->mtu6 && !is_cut) {
        rc = SL_RANGE;
    } else {
        rc = data_4to6(packet, header, ip6, grown, destination);
    }
    if (rc != SL_OK) {
        return rc;
    }
    memcpy(packet->data, ip6, grown);
    reparse(packet, destination, false);
    packet->has |= is_cut ? SL_PKT_CUT : 0;
    return SL_OK;
}
