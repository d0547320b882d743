/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of a burst before their flows: tuple, checksum, hash, and which record to load. */
#include "flow/look.h"

#include <string.h>

#include "flow/tuple_inline.h"

enum { GROUP = 8, LINE = 64 };

uint32_t flow_look_group(const struct sl_flow_table *table)
{
    bool is_all_inside = table->planes[0].outside == NULL && table->planes[1].outside == NULL;
    return is_all_inside ? (uint32_t)GROUP : (uint32_t)SL_BURST_MAX;
}

void flow_look_whole(struct flow_look *look)
{
    const uint32_t ports = look->key.ports;
    *look->tuple = (struct sl_flow_tuple){.sport = (uint16_t)ports,
                                          .dport = (uint16_t)(ports >> 16),
                                          .proto = look->key.proto,
                                          .ip_version = 4};
    memcpy(look->tuple->src, &look->key.addrs, 4);
    memcpy(look->tuple->dst, (const uint8_t *)&look->key.addrs + 4, 4);
    look->is_short = false;
}

/* Bytes of the flow's record that the packet comes to. */
static inline uint32_t wanted_size(const struct flow_plane *plane, uint8_t proto)
{
    return flow_is_plain(plane, proto)
               ? (uint32_t)sizeof(struct sl_flow_head) + 2u * plane->layout.addr_size
               : plane->layout.size;
}

/* The id that the hash most likely stands for, and the load of its record where all are inside. */
static inline uint32_t guess(struct sl_flow_table *table, uint64_t hash, uint8_t proto)
{
    uint32_t id = sl_flow_index_guess(&table->index, hash);
    if (id == UINT32_MAX) {
        return id;
    }
    const struct flow_plane *plane = flow_plane_of(table, id);
    __builtin_prefetch(&plane->slots[id >> 1], 1);
    if (plane->inside != NULL) {
        const uint8_t *record = plane->inside + (size_t)(id >> 1) * plane->layout.size;
        uint32_t last = wanted_size(plane, proto) - 1;
        __builtin_prefetch(record, 1);
        for (uint32_t off = LINE; off < last; off += LINE) {
            __builtin_prefetch(record + off, 1);
        }
        __builtin_prefetch(record + last, 1);
    } else {
        sl_flow_store_prefetch_place(plane->store, id >> 1);
    }
    return id;
}

/* The tuple, or what stands for it. */
static inline sl_rc name(const struct sl_packet *packet, struct flow_look *look)
{
    const uint16_t bits = SL_PKT_HAS_PORTS | SL_FLOW_PKT_WHOLE;
    look->is_error = false;
    look->is_short = packet->ip_version == 4 && (packet->has & bits) == SL_PKT_HAS_PORTS;
    if (look->is_short) {
        look->key =
            key4_make(packet->src, packet->sport, packet->dst, packet->dport, packet->proto);
        return SL_OK;
    }
    sl_rc rc = sl_flow_tuple_of(packet, look->tuple, &look->is_error);
    look->key.proto = look->tuple->proto;
    return rc;
}

/* Everything that needs no flow. */
SL_FLOW_USES_AES static inline void look_at(const struct sl_flow_table *table,
                                            struct sl_packet *packet, struct flow_look *look)
{
    look->likely = UINT32_MAX;
    sl_rc rc = name(packet, look);
    bool is_good =
        (packet->has & SL_PKT_HAS_TCP) == 0 || sl_flow_tcp_flags_are_valid(packet->tcp_flags);
    is_good = is_good && (table->options.checksum == 0 || checksum_is_good(packet));
    if (rc != SL_OK || !is_good) {
        look->class = rc == SL_UNSUPPORTED && is_good ? SL_FLOW_UNTRACKED : SL_FLOW_INVALID;
        return;
    }
    look->class = SL_FLOW_NEW;
    look->hash = look->is_short ? key4_hash(&table->key, &look->key, 0)
                                : sl_flow_tuple_hash(&table->key, look->tuple);
    sl_flow_index_prefetch(&table->index, look->hash);
}

SL_FLOW_USES_AES void flow_look_at(const struct sl_flow_table *table,
                                   struct sl_packet *const *packets, struct flow_looks *looks,
                                   uint32_t from, uint32_t to, uint32_t count)
{
    to = to < count ? to : count;
    for (uint32_t i = from; i < to; i++) {
        looks->of[i].tuple = &looks->tuples[i];
        look_at(table, packets[i], &looks->of[i]);
    }
}

/* The loads of records that may be outside. */
static void prefetch_outside(const struct sl_flow_table *table, const struct flow_look *looks,
                             uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = looks[i].likely;
        const struct flow_plane *plane = &table->planes[id & 1];
        if (id != UINT32_MAX && plane->outside != NULL) {
            sl_flow_store_prefetch(plane->store, id >> 1, wanted_size(plane, looks[i].key.proto));
        }
    }
}

void flow_look_up(struct sl_flow_table *table, struct flow_looks *looks, uint32_t from, uint32_t to,
                  uint32_t count)
{
    to = to < count ? to : count;
    if (from >= to) {
        return;
    }
    for (uint32_t i = from; i < to; i++) {
        struct flow_look *look = &looks->of[i];
        if (look->class == SL_FLOW_NEW && !look->is_error) {
            look->likely = guess(table, look->hash, look->key.proto);
        }
    }
    if (table->planes[0].outside != NULL || table->planes[1].outside != NULL) {
        prefetch_outside(table, looks->of + from, to - from);
    }
}
