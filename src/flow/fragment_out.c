/* SPDX-License-Identifier: Apache-2.0 */
/* Whole datagrams out of a pool: their checksums, what the first fragment tells the others, and
 * ICMP errors as one packet. */
#include <string.h>

#include "base/bytes.h"
#include "flow/fragments_private.h"
#include "flow/tuple.h"
#include "safelib/checksum.h"

enum { NONE = FRAGMENTS_NONE, IP6_SIZE = 40 };

static const uint8_t *block_at(const struct sl_fragments *pool, const struct fragment *fragment)
{
    return pool->blocks + (size_t)fragment->block * SL_FRAGMENTS_BLOCK;
}

/* Adds up to @p limit bytes of a fragment from @p off on to a checksum. */
static uint64_t sum_fragment(const struct sl_fragments *pool, const struct fragment *fragment,
                             uint32_t off, uint32_t limit, uint64_t sum)
{
    struct fragments_walk walk = fragments_walk(pool, fragment, off, limit);
    struct fragments_part part;
    while (fragments_walk_next(&walk, &part)) {
        sum = sl_checksum_add(sum, part.bytes, part.size);
    }
    return sum;
}

/* Copies up to @p limit bytes of a fragment from @p off on. @return how many */
static uint32_t copy_out(const struct sl_fragments *pool, const struct fragment *fragment,
                         uint32_t off, uint32_t limit, uint8_t *out)
{
    struct fragments_walk walk = fragments_walk(pool, fragment, off, limit);
    struct fragments_part part;
    uint32_t size = 0;
    while (fragments_walk_next(&walk, &part)) {
        memcpy(out + size, part.bytes, part.size);
        size += part.size;
    }
    return size;
}

/* What of @p size bytes of upper layer has to sum up: all, or as many as UDP says.
 * @retval SL_OK         to be checked
 * @retval SL_NOT_FOUND  there is no checksum, or none that is known here
 * @retval SL_MALFORMED  UDP's length is not that of the datagram */
static sl_rc summed_size(uint8_t proto, const uint8_t *l4, uint32_t size, uint32_t *ret_size)
{
    switch (proto) {
    case SL_FLOW_UDP: {
        uint32_t length = sl_be16_get(l4 + 4);
        if (length < 8 || length > size) {
            return SL_MALFORMED;
        }
        *ret_size = length;
        return sl_be16_get(l4 + 6) == 0 ? SL_NOT_FOUND : SL_OK;
    }
    case SL_FLOW_TCP:
    case SL_FLOW_ICMP:
    case SL_FLOW_ICMP6:
        *ret_size = size;
        return SL_OK;
    default:
        return SL_NOT_FOUND;
    }
}

/* Whether checksum and lengths of the whole are right, as sl_flow_checksum_is_good says of packets.
 * @param l4  the first fragment's upper layer: 8 bytes at least */
static bool is_sum_good(const struct sl_fragments *pool, const struct datagram *datagram,
                        const uint8_t *l4, uint32_t skipped)
{
    const struct fragment *first = &pool->fragments[datagram->first];
    const struct sl_packet *packet = &first->packet;
    uint32_t size;
    sl_rc rc = summed_size(packet->proto, l4, datagram->total - skipped, &size);
    if (rc != SL_OK) {
        return rc == SL_NOT_FOUND;
    }
    const uint8_t *head = block_at(pool, first);
    bool is_v6 = packet->ip_version == 6;
    uint64_t sum = 0;
    if (packet->proto != SL_FLOW_ICMP) {
        sum = sl_checksum_pseudo(head + (is_v6 ? 8 : 12), head + (is_v6 ? 24 : 16), is_v6 ? 16 : 4,
                                 packet->proto, size);
    }
    uint32_t off = packet->l4_off;
    for (uint16_t at = datagram->first; at != NONE && size > 0; at = pool->fragments[at].next) {
        const struct fragment *fragment = &pool->fragments[at];
        off = at == datagram->first ? off : fragment->payload;
        uint32_t part = fragment->packet.size - off;
        sum = sum_fragment(pool, fragment, off, size, sum);
        size -= part < size ? part : size;
    }
    return sl_checksum_fold(sum) == 0;
}

/* What UDP without a checksum needs where it has to have one (NAT64): the sum of what is not in the
 * first fragment. */
static uint16_t sum_of_others(const struct sl_fragments *pool, const struct datagram *datagram)
{
    uint64_t sum = 0;
    uint16_t at = pool->fragments[datagram->first].next;
    for (; at != NONE; at = pool->fragments[at].next) {
        const struct fragment *fragment = &pool->fragments[at];
        sum = sum_fragment(pool, fragment, fragment->payload, UINT32_MAX, sum);
    }
    return (uint16_t)~sl_checksum_fold(sum);
}

/* Every fragment learns what the first one's upper-layer header says. */
static void tell_others(struct sl_fragments *pool, const struct datagram *datagram,
                        const uint8_t *l4)
{
    const struct sl_packet *first = &pool->fragments[datagram->first].packet;
    bool is_icmp = (first->has & SL_PKT_HAS_ICMP) != 0;
    uint16_t id = is_icmp ? sl_be16_get(l4 + 4) : 0;
    uint16_t told =
        first->has & (SL_PKT_HAS_PORTS | SL_PKT_HAS_ICMP | SL_PKT_HAS_TCP | SL_FLOW_PKT_WHOLE |
                      SL_FLOW_PKT_CHECKED | SL_FLOW_PKT_BAD_CHECKSUM);
    for (uint16_t at = pool->fragments[datagram->first].next; at != NONE;
         at = pool->fragments[at].next) {
        struct sl_packet *packet = &pool->fragments[at].packet;
        packet->proto = first->proto; /* RFC 8200 4.5: only that of the first is used */
        packet->sport = is_icmp ? id : first->sport;
        packet->dport = is_icmp ? id : first->dport;
        packet->tcp_flags = first->tcp_flags;
        packet->icmp_type = first->icmp_type;
        packet->icmp_code = first->icmp_code;
        packet->has |= told;
    }
}

/* Bytes that the datagram has as one packet. */
static uint32_t joined_size(const struct fragment *first, const struct datagram *datagram)
{
    uint32_t header = first->payload;
    header -= first->packet.ip_version == 6 ? (uint32_t)FRAGMENTS_FRAGMENT_HEADER : 0;
    return header + datagram->total;
}

bool fragments_complete(struct sl_fragments *pool, uint16_t index)
{
    struct datagram *datagram = &pool->datagrams[index];
    struct fragment *first = &pool->fragments[datagram->first];
    struct sl_packet *packet = &first->packet;
    bool is_error = (packet->has & SL_PKT_HAS_ICMP) != 0 &&
                    sl_flow_icmp_is_error(packet->proto, packet->icmp_type);
    uint8_t l4[8] = {0};
    if (is_error && joined_size(first, datagram) > SL_FRAGMENTS_ERROR_MAX) {
        return false;
    }
    (void)copy_out(pool, first, packet->l4_off, sizeof(l4), l4);
    packet->has |= SL_FLOW_PKT_WHOLE | SL_FLOW_PKT_CHECKED;
    if (!is_sum_good(pool, datagram, l4, packet->l4_off - (uint32_t)first->payload)) {
        packet->has |= SL_FLOW_PKT_BAD_CHECKSUM;
    }
    datagram->is_joined = is_error;
    if (!is_error) {
        bool is_unsummed = packet->proto == SL_FLOW_UDP && sl_be16_get(l4 + 6) == 0;
        packet->more = (uint16_t)(datagram->total - first->end);
        packet->more_sum = is_unsummed ? sum_of_others(pool, datagram) : 0;
        tell_others(pool, datagram, l4);
    }
    fragments_dequeue(pool, &pool->waiting[datagram->version], index);
    fragments_unhash(pool, index);
    datagram->state = READY;
    fragments_enqueue(pool, &pool->ready, index);
    fragments_count(&pool->counters.datagrams, 1);
    return true;
}

/* ---- out ---- */

bool sl_fragments_is_ready(const struct sl_fragments *fragments)
{
    return fragments->ready.oldest != NONE;
}

/* The headers of a first fragment as those of its whole datagram (RFC 791 3.2, RFC 8200 4.5).
 * @param[in,out] packet  its bytes are in place, and so is what follows of the datagram */
static void unfragment(struct sl_packet *packet, uint32_t size)
{
    uint8_t *data = packet->data;
    if (packet->ip_version == 4) {
        uint32_t header = (uint32_t)(data[0] & 0xf) * 4;
        sl_be16_put(data + 2, (uint16_t)size);
        sl_be16_put(data + 6, 0);
        sl_be16_put(data + 10, 0);
        sl_be16_put(data + 10, sl_checksum_fold(sl_checksum_add(0, data, header)));
    } else {
        uint32_t named_at;
        uint32_t off = fragments_header6(packet, &named_at);
        data[named_at] = data[off];
        memmove(data + off, data + off + FRAGMENTS_FRAGMENT_HEADER, size - off);
        sl_be16_put(data + 4, (uint16_t)(size - IP6_SIZE));
        packet->l4_off -= FRAGMENTS_FRAGMENT_HEADER;
    }
    packet->size = size;
    packet->has &= (uint16_t) ~(SL_PKT_FRAGMENT | SL_PKT_MORE_FRAGMENTS | SL_PKT_FRAGMENT_HEADER |
                                SL_FLOW_PKT_WHOLE);
}

/* Puts all fragments of a datagram into @p packet, whose bytes are those of the first. */
static void join(struct sl_fragments *pool, struct datagram *datagram, struct sl_packet *packet)
{
    uint32_t size = joined_size(&pool->fragments[datagram->first], datagram);
    uint8_t *end = packet->data + packet->size;
    uint16_t at;
    while ((at = pool->fragments[datagram->first].next) != NONE) {
        struct fragment *fragment = &pool->fragments[at];
        end += copy_out(pool, fragment, fragment->payload, UINT32_MAX, end);
        pool->fragments[datagram->first].next = fragment->next;
        fragments_tell(pool, fragment->tag, SL_FRAGMENT_JOINED);
        fragments_give(pool, datagram, at);
        fragments_count(&pool->counters.released, 1);
    }
    unfragment(packet, size);
}

sl_rc sl_fragments_take(struct sl_fragments *fragments, uint8_t *out, uint32_t room,
                        struct sl_packet *ret_packet, uint32_t *ret_tag)
{
    uint16_t index = fragments->ready.oldest;
    if (index == NONE) {
        return SL_NOT_FOUND;
    }
    struct datagram *datagram = &fragments->datagrams[index];
    uint16_t at = datagram->first;
    const struct fragment *fragment = &fragments->fragments[at];
    uint32_t size = datagram->is_joined
                        ? joined_size(fragment, datagram) + (uint32_t)FRAGMENTS_FRAGMENT_HEADER
                        : fragment->packet.size;
    if (size > room) {
        return SL_NO_SPACE;
    }
    (void)copy_out(fragments, fragment, 0, UINT32_MAX, out);
    struct sl_packet packet = fragment->packet;
    bool is_v6 = packet.ip_version == 6;
    packet.data = out;
    packet.room = room;
    packet.src = out + (is_v6 ? 8 : 12);
    packet.dst = out + (is_v6 ? 24 : 16);
    packet.verdict = SL_VERDICT_DROP;
    packet.nf_index = 0;
    packet.rule = SL_RULE_DEFAULT;
    if (datagram->is_joined) {
        join(fragments, datagram, &packet);
    }
    *ret_packet = packet;
    *ret_tag = fragment->tag;
    datagram->first = fragment->next;
    fragments_give(fragments, datagram, at);
    fragments_count(&fragments->counters.released, 1);
    if (datagram->first == NONE) {
        fragments_dequeue(fragments, &fragments->ready, index);
        fragments_give_datagram(fragments, index);
    }
    return SL_OK;
}
