/* SPDX-License-Identifier: Apache-2.0 */
/* Records: written from tuples, compared with tuples. */
#include "flow/record.h"

#include <string.h>

#include "flow/tuple.h"

enum {
    HEAD = sizeof(struct sl_flow_head),
    REPLY4_SIZE = 16,
    IDLE_MANTISSA_BITS = 12,
};

/* The reply's key in an IPv4 record; begins as struct sl_flow_key4. */
struct reply4 {
    uint8_t src[4], dst[4];
    uint16_t sport, dport;
    uint8_t icmp_type;
    uint8_t zero[3];
};
_Static_assert(sizeof(struct reply4) == REPLY4_SIZE, "no padding");

void sl_flow_layout_make(struct sl_flow_layout *layout, uint8_t ip_version, uint32_t tcp_size,
                         uint32_t flags, uint32_t state_size)
{
    uint32_t addr_size = ip_version == 4 ? 4 : 16;
    uint32_t off = HEAD + 2 * addr_size;
    *layout = (struct sl_flow_layout){.addr_size = (uint8_t)addr_size};
    if (tcp_size != 0) {
        layout->tcp_off = (uint8_t)off;
        off += (tcp_size + 7) & ~7u;
    }
    if ((flags & SL_FLOW_SPEC_REKEYS) != 0) {
        layout->is_wide = ip_version != 4 || (flags & SL_FLOW_SPEC_REKEYS_46) != 0;
        layout->reply_off = (uint8_t)off;
        off += layout->is_wide ? (uint32_t)sizeof(struct sl_flow_tuple) : REPLY4_SIZE;
    }
    layout->state_off = (uint8_t)off;
    layout->size = (uint16_t)(off + ((state_size + 7) & ~7u));
}

void sl_flow_record_write(void *record, const struct sl_flow_layout *layout,
                          const struct sl_flow_tuple *original)
{
    struct sl_flow_head *head = record;
    uint8_t *at = (uint8_t *)record + HEAD;
    head->sport = original->sport;
    head->dport = original->dport;
    head->proto = original->proto;
    head->upper = original->icmp_type;
    memcpy(at, original->src, layout->addr_size);
    memcpy(at + layout->addr_size, original->dst, layout->addr_size);
}

static bool is_icmp(uint8_t proto)
{
    return proto == SL_FLOW_ICMP || proto == SL_FLOW_ICMP6;
}

void sl_flow_record_original(const void *record, const struct sl_flow_layout *layout,
                             struct sl_flow_tuple *ret_original)
{
    const struct sl_flow_head *head = record;
    const uint8_t *at = (const uint8_t *)record + HEAD;
    *ret_original = (struct sl_flow_tuple){
        .sport = head->sport,
        .dport = head->dport,
        .proto = head->proto,
        .ip_version = layout->addr_size == 4 ? 4 : 6,
        .icmp_type = is_icmp(head->proto) ? head->upper : 0,
    };
    memcpy(ret_original->src, at, layout->addr_size);
    memcpy(ret_original->dst, at + layout->addr_size, layout->addr_size);
}

static void read_reply(const void *record, const struct sl_flow_layout *layout,
                       struct sl_flow_tuple *ret_tuple)
{
    const struct sl_flow_head *head = record;
    const uint8_t *at = (const uint8_t *)record + layout->reply_off;
    if (layout->is_wide) {
        memcpy(ret_tuple, at, sizeof(*ret_tuple));
        return;
    }
    struct reply4 reply;
    memcpy(&reply, at, sizeof(reply));
    *ret_tuple = (struct sl_flow_tuple){.sport = reply.sport,
                                        .dport = reply.dport,
                                        .proto = head->proto,
                                        .ip_version = 4,
                                        .icmp_type = reply.icmp_type};
    memcpy(ret_tuple->src, reply.src, sizeof(reply.src));
    memcpy(ret_tuple->dst, reply.dst, sizeof(reply.dst));
}

void sl_flow_record_read(const void *record, const struct sl_flow_layout *layout,
                         struct sl_flow_tuple *ret_original, struct sl_flow_tuple *ret_reply)
{
    const struct sl_flow_head *head = record;
    sl_flow_record_original(record, layout, ret_original);
    if ((head->bits & SL_FLOW_BIT_REKEYED) != 0) {
        read_reply(record, layout, ret_reply);
    } else {
        *ret_reply = sl_flow_turn(ret_original);
    }
}

bool sl_flow_record_fits(const struct sl_flow_layout *layout, const struct sl_flow_tuple *reply)
{
    return layout->reply_off != 0 && (layout->is_wide || reply->ip_version == 4);
}

void sl_flow_record_rekey(void *record, const struct sl_flow_layout *layout,
                          const struct sl_flow_tuple *reply)
{
    struct sl_flow_head *head = record;
    uint8_t *at = (uint8_t *)record + layout->reply_off;
    head->bits |= SL_FLOW_BIT_REKEYED;
    if (layout->is_wide) {
        memcpy(at, reply, sizeof(*reply));
        return;
    }
    struct reply4 packed = {
        .sport = reply->sport, .dport = reply->dport, .icmp_type = reply->icmp_type};
    memcpy(packed.src, reply->src, sizeof(packed.src));
    memcpy(packed.dst, reply->dst, sizeof(packed.dst));
    memcpy(at, &packed, sizeof(packed));
}

bool sl_flow_record_match(const void *record, const struct sl_flow_layout *layout,
                          const struct sl_flow_tuple *tuple, uint8_t *ret_direction)
{
    struct sl_flow_tuple original;
    struct sl_flow_tuple reply;
    sl_flow_record_read(record, layout, &original, &reply);
    if (memcmp(&original, tuple, sizeof(original)) == 0) {
        *ret_direction = SL_FLOW_ORIGINAL;
        return true;
    }
    if (memcmp(&reply, tuple, sizeof(reply)) == 0) {
        *ret_direction = SL_FLOW_REPLY;
        return true;
    }
    return false;
}

uint16_t sl_flow_idle_pack(uint32_t ticks)
{
    uint32_t shift = 0;
    const uint32_t limit = 1u << IDLE_MANTISSA_BITS;
    while (ticks >= limit) {
        ticks = (ticks >> 1) + (ticks & 1); /* up: never too early */
        shift++;
    }
    return (uint16_t)(shift << IDLE_MANTISSA_BITS | ticks);
}

uint32_t sl_flow_idle_unpack(uint16_t packed)
{
    return (uint32_t)(packed & ((1u << IDLE_MANTISSA_BITS) - 1)) << (packed >> IDLE_MANTISSA_BITS);
}
