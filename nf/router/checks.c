/* SPDX-License-Identifier: Apache-2.0 */
/* Header checksum, martian addresses, IPv4 options. */
#include "router/checks.h"

#include <string.h>

#include "safelib/bytes.h"

enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_LSRR = 131,
    OPTION_SSRR = 137,
    IP4_MIN = 20,
};

static bool checksum_is_good(const uint8_t *header, uint32_t size)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < size; i += 2) {
        sum += sl_be16_get(header + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

/* Addresses that are no unicast of a network: RFC 1812 5.3.7 "SHOULD NOT forward, except over a
 * loopback interface, any packet that has a source address on network 127"; network 0 and class E
 * besides; RFC 3927 7: link-local is not forwarded. */
static bool is_martian4(const uint8_t *addr)
{
    return addr[0] == 0 || addr[0] == 127 || addr[0] >= 240 || (addr[0] == 169 && addr[1] == 254);
}

/* RFC 4291 2.5.2, 2.5.3: unspecified and loopback; 2.5.6: link-local; 2.5.5.2: IPv4-mapped ones
 * are for the inside of a host (RFC 6890 2.2.3). */
static bool is_martian6(const uint8_t *addr)
{
    static const uint8_t zero[15];
    if (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80) {
        return true;
    }
    if (memcmp(addr, zero, 10) != 0) {
        return false;
    }
    bool is_mapped = addr[10] == 0xff && addr[11] == 0xff;
    return is_mapped || (memcmp(addr, zero, 15) == 0 && addr[15] <= 1);
}

static enum rt_check check_options(const uint8_t *header, uint32_t size, uint8_t *ret_pointer)
{
    uint32_t at = IP4_MIN;
    while (at < size && header[at] != OPTION_END) {
        if (header[at] == OPTION_NOP) {
            at++;
            continue;
        }
        uint32_t left = size - at;
        if (left < 2 || header[at + 1] < 2 || header[at + 1] > left) {
            *ret_pointer = (uint8_t)(left < 2 ? at : at + 1);
            return RT_BAD_OPTION;
        }
        if (header[at] == OPTION_LSRR || header[at] == OPTION_SSRR) {
            return RT_SOURCE_ROUTE;
        }
        at += header[at + 1];
    }
    return RT_GOOD;
}

static enum rt_check check4(const struct sl_packet *packet, uint8_t *ret_pointer)
{
    uint32_t header = (uint32_t)(packet->data[0] & 0xf) * 4;
    if (!checksum_is_good(packet->data, header)) {
        return RT_BAD_CHECKSUM;
    }
    if (is_martian4(packet->src) || (packet->src[0] & 0xf0) == 0xe0 || is_martian4(packet->dst)) {
        return RT_MARTIAN;
    }
    if ((packet->dst[0] & 0xf0) == 0xe0) {
        return RT_MULTICAST;
    }
    return header == IP4_MIN ? RT_GOOD : check_options(packet->data, header, ret_pointer);
}

enum rt_check rt_check_packet(const struct sl_packet *packet, uint8_t *ret_pointer)
{
    *ret_pointer = 0;
    if (packet->ip_version == 4) {
        return check4(packet, ret_pointer);
    }
    if (is_martian6(packet->src) || packet->src[0] == 0xff || is_martian6(packet->dst)) {
        return RT_MARTIAN;
    }
    return packet->dst[0] == 0xff ? RT_MULTICAST : RT_GOOD;
}
