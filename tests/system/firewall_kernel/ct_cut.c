/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments of whole packets. */
#include "ct_cut.h"

#include <string.h>

#include "kernel_path.h"
#include "safelib/bytes.h"
#include "safelib/checksum.h"

enum {
    CUT_EVERY = 6, /* one packet in so many goes in fragments */
    DUPLICATE_EVERY = 3,
    OVERLAP_EVERY = 12,
    IP6 = 40,
    FRAGMENT_HEADER = 8,
    NEXT_FRAGMENT = 44,
};

static void seal4(uint8_t *ip)
{
    sl_be16_put(ip + 10, 0);
    sl_be16_put(ip + 10, sl_checksum_fold(sl_checksum_add(0, ip, (size_t)(ip[0] & 0xf) * 4)));
}

/* What the first piece must have: the upper layer's header (RFC 1858, RFC 7112); of ICMP errors not
 * what they quote. 0: not to be cut. */
static uint32_t least_of(const struct sl_packet *packet)
{
    bool is_v4 = packet->ip_version == 4;
    bool is_icmp = packet->proto == (is_v4 ? 1 : 58);
    /* neighbours and listeners are of a link: their fragments are nobody's (RFC 6980) */
    bool is_of_link = !is_v4 && packet->icmp_type > 129;
    if (packet->l4_off != (is_v4 ? (uint32_t)(packet->data[0] & 0xf) * 4 : (uint32_t)IP6)) {
        return 0;
    }
    if (packet->proto == 6) {
        return ((uint32_t)(packet->data[packet->l4_off + 12] >> 4) * 4 + 7) / 8 * 8;
    }
    return packet->proto == 17 || (is_icmp && !is_of_link) ? 8 : 0;
}

static void choose_pieces(struct cut *cut, uint32_t least, uint32_t payload)
{
    uint32_t wanted = 2 + below(CUT_PIECES - 1);
    uint32_t at = 0;
    for (cut->count = 0; cut->count < wanted && at < payload; cut->count++) {
        uint32_t from = cut->count == 0 ? least : at + 8;
        uint32_t room = payload > from ? (payload - 1 - from) / 8 + 1 : 0;
        uint32_t end = room == 0 || cut->count + 1u == wanted ? payload : from + 8 * below(room);
        cut->begin[cut->count] = (uint16_t)at;
        cut->end[cut->count] = (uint16_t)end;
        at = end;
    }
}

/* A random order; before the last piece some go twice. */
static void choose_order(struct cut *cut)
{
    uint8_t order[CUT_PIECES] = {0};
    for (uint8_t i = 0; i < cut->count; i++) {
        uint32_t other = below(i + 1u);
        order[i] = order[other];
        order[other] = i;
    }
    for (uint32_t i = 0; i < cut->count; i++) {
        cut->sent[cut->sent_count++] = order[i];
        if (i + 1u < cut->count && below(DUPLICATE_EVERY) == 0) {
            cut->sent[cut->sent_count++] = order[below(i + 1)];
        }
    }
}

void cut_choose(struct sl_packet *packet, uint32_t id, struct cut *ret_cut)
{
    struct cut cut = {0};
    uint32_t least = least_of(packet);
    uint32_t payload = packet->size - packet->l4_off;
    *ret_cut = cut;
    if (least == 0 || payload <= least || below(CUT_EVERY) != 0) {
        return;
    }
    choose_pieces(&cut, least, payload);
    choose_order(&cut);
    if (cut.count > 1 && cut.end[1] - cut.begin[1] > 8 && below(OVERLAP_EVERY) == 0) {
        cut.is_overlap = true; /* a part of the second, in the first as well */
        cut.end[0] += 8;
    }
    if (packet->ip_version == 4) {
        packet->data[6] = packet->data[7] = 0; /* no DF */
        sl_be16_put(packet->data + 4, (uint16_t)id);
        seal4(packet->data);
    } else {
        packet->data[1] = (uint8_t)((packet->data[1] & 0xf0) | (id >> 16 & 0xf));
        sl_be16_put(packet->data + 2, (uint16_t)id);
    }
    bool is_icmp = packet->proto == (packet->ip_version == 4 ? 1 : 58);
    cut.is_error =
        is_icmp && (packet->ip_version == 4 ? packet->icmp_type == 3 || packet->icmp_type == 4 ||
                                                  packet->icmp_type == 5 || packet->icmp_type > 10
                                            : packet->icmp_type < 128);
    *ret_cut = cut;
}

uint32_t cut_write(const uint8_t *packet, uint32_t id, const struct cut *cut, uint32_t at,
                   uint8_t *out)
{
    uint32_t piece = cut->sent[at];
    uint32_t begin = cut->begin[piece];
    uint32_t size = cut->end[piece] - begin;
    bool is_more = piece + 1u < cut->count;
    if (packet[0] >> 4 == 4) {
        uint32_t header = (uint32_t)(packet[0] & 0xf) * 4;
        memcpy(out, packet, header);
        memcpy(out + header, packet + header + begin, size);
        sl_be16_put(out + 2, (uint16_t)(header + size));
        sl_be16_put(out + 6, (uint16_t)(begin / 8 | (is_more ? 0x2000u : 0)));
        seal4(out);
        return header + size;
    }
    memcpy(out, packet, IP6);
    sl_be16_put(out + 4, (uint16_t)(FRAGMENT_HEADER + size));
    out[6] = NEXT_FRAGMENT;
    out[IP6] = packet[6];
    out[IP6 + 1] = 0;
    sl_be16_put(out + IP6 + 2, (uint16_t)(begin | is_more));
    sl_be32_put(out + IP6 + 4, id);
    memcpy(out + IP6 + FRAGMENT_HEADER, packet + IP6 + begin, size);
    return IP6 + FRAGMENT_HEADER + size;
}

bool cut_is_same(const uint8_t *packet, const uint8_t *out, uint32_t size)
{
    if (packet[0] >> 4 != out[0] >> 4) {
        return false;
    }
    if (packet[0] >> 4 == 4) {
        return size >= 20 && memcmp(out + 4, packet + 4, 2) == 0 &&
               memcmp(out + 12, packet + 12, 8) == 0 && out[9] == packet[9];
    }
    /* the kernel gives what it cuts again another identification, but the same flow label */
    return size >= IP6 && (out[1] & 0xf) == (packet[1] & 0xf) &&
           memcmp(out + 2, packet + 2, 2) == 0 && memcmp(out + 8, packet + 8, 32) == 0;
}
