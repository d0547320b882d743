/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What is known of a packet before its flow is, and loads that are under way before the first
 * record is wanted. Private to src/flow.
 */
#ifndef SL_FLOW_LOOK_H
#define SL_FLOW_LOOK_H

#include "flow/private.h"

struct flow_look {
    uint64_t hash;
    struct sl_flow_key4 key; /* where is_short; else only its proto */
    uint32_t likely; /* id, as the index had it before the burst; UINT32_MAX: none, or an error */
    uint8_t class;   /* enum sl_flow_class of those that have no flow, else SL_FLOW_NEW */
    bool is_error;
    bool is_short;               /* IPv4 with ports, and in one piece: the key says it all */
    struct sl_flow_tuple *tuple; /* written where not is_short; else see flow_look_whole */
};

/* Those of a burst. Tuples lie apart, as most are never written. */
struct flow_looks {
    struct flow_look of[SL_BURST_MAX];
    struct sl_flow_tuple tuples[SL_BURST_MAX];
};

/* Writes the tuple of one that had only a key. */
void flow_look_whole(struct flow_look *look);

/* Packets that are looked at together. Few, where all records are inside: loads of one group go on
 * while another is worked on, and what was loaded is still in the first cache when it is wanted.
 * All of a burst where records are outside: their loads are started by one call. */
uint32_t flow_look_group(const struct sl_flow_table *table);

/* Tuples, checksums and hashes of the packets from `from` to `to`, as far as there are so many; the
 * index is asked for their lines. */
void flow_look_at(const struct sl_flow_table *table, struct sl_packet *const *packets,
                  struct flow_looks *looks, uint32_t from, uint32_t to, uint32_t count);

/* After that: which records those packets will most likely want; their loads are started. */
void flow_look_up(struct sl_flow_table *table, struct flow_looks *looks, uint32_t from, uint32_t to,
                  uint32_t count);

#endif
