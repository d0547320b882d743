/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A flow's record as the store keeps it: a fixed head, both addresses, what windows need (where
 * they are followed), the reply's key (where the NF may change it), and the NF's own bytes.
 */
#ifndef SL_FLOW_RECORD_H
#define SL_FLOW_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "flow/tuple.h"
#include "safelib/flow.h"

enum {
    SL_FLOW_BIT_SEEN_REPLY = 1u << 0,
    SL_FLOW_BIT_ASSURED = 1u << 1,  /**< has been in use both ways: does not give way to others */
    SL_FLOW_BIT_REKEYED = 1u << 2,  /**< the reply is not the original turned */
    SL_FLOW_BIT_IDLE_SET = 1u << 3, /**< the NF chose the timeout */
};

/** Head of every record. */
struct sl_flow_head {
    uint16_t sport, dport; /**< of the original direction; first, and addresses follow the head: see
                                struct sl_flow_key4 */
    uint8_t proto;
    uint8_t bits;      /**< SL_FLOW_BIT_* */
    uint8_t upper;     /**< TCP: enum sl_flow_tcp; ICMP: the type of the original */
    uint8_t tcp_last;  /**< TCP: the last segment's kind and way (flow/tcp.h) */
    uint16_t idle;     /**< the NF's timeout, see sl_flow_idle_pack */
    uint16_t tcp_more; /**< TCP: bits of flow/tcp.h */
    uint32_t word;     /**< TCP: end of the last segment; UDP: tick from which it is a stream */
};
_Static_assert(sizeof(struct sl_flow_head) == 16, "no padding");

/** Where things lie in the records of one IP version. */
struct sl_flow_layout {
    uint8_t addr_size; /**< 4 or 16 */
    uint8_t tcp_off;   /**< of struct sl_flow_tcp_windows; 0: not kept */
    uint8_t reply_off; /**< of the reply's key; 0: not kept */
    uint8_t state_off; /**< of the NF's bytes */
    bool is_wide;      /**< the reply's key is a whole tuple */
    uint16_t size;     /**< of a record, a multiple of 8 */
};

/** @param tcp_size  bytes for windows, 0 where they are not followed
 * @param flags      SL_FLOW_SPEC_REKEYS, SL_FLOW_SPEC_REKEYS_46 */
void sl_flow_layout_make(struct sl_flow_layout *layout, uint8_t ip_version, uint32_t tcp_size,
                         uint32_t flags, uint32_t state_size);

void sl_flow_record_write(void *record, const struct sl_flow_layout *layout,
                          const struct sl_flow_tuple *original);
/** The tuple that the flow began with. */
void sl_flow_record_original(const void *record, const struct sl_flow_layout *layout,
                             struct sl_flow_tuple *ret_original);
void sl_flow_record_read(const void *record, const struct sl_flow_layout *layout,
                         struct sl_flow_tuple *ret_original, struct sl_flow_tuple *ret_reply);

/** Whether the record can hold that reply: narrow ones hold IPv4. */
bool sl_flow_record_fits(const struct sl_flow_layout *layout, const struct sl_flow_tuple *reply);
void sl_flow_record_rekey(void *record, const struct sl_flow_layout *layout,
                          const struct sl_flow_tuple *reply);

/** The tuple of a packet over IPv4 that has ports, as it is compared: in two words. */
struct sl_flow_key4 {
    uint64_t addrs; /**< source, then destination, as they lie in packets and records */
    uint32_t ports; /**< source, then destination, in host order, as they lie in records */
    uint8_t proto;
};

/** Whether the key is one of the two of a record of IPv4, and which (written only then).
 * @return false also for a record whose reply is a whole tuple: sl_flow_record_match knows it */
static inline bool sl_flow_record_match4(const void *record, const struct sl_flow_layout *layout,
                                         const struct sl_flow_key4 *key, uint8_t *ret_direction)
{
    const struct sl_flow_head *head = record;
    uint64_t addrs;
    uint32_t ports;
    memcpy(&addrs, head + 1, sizeof(addrs));
    memcpy(&ports, head, sizeof(ports));
    /* no branch but the one that is taken: ways come at random */
    uint64_t there = (addrs ^ key->addrs) | (ports ^ key->ports);
    if ((head->bits & SL_FLOW_BIT_REKEYED) == 0) {
        addrs = addrs << 32 | addrs >> 32;
        ports = ports << 16 | ports >> 16;
    } else if (!layout->is_wide) {
        const uint8_t *reply = (const uint8_t *)record + layout->reply_off;
        memcpy(&addrs, reply, sizeof(addrs));
        memcpy(&ports, reply + sizeof(addrs), sizeof(ports));
    }
    uint64_t back = (addrs ^ key->addrs) | (ports ^ key->ports);
    *ret_direction = there == 0 ? SL_FLOW_ORIGINAL : SL_FLOW_REPLY;
    return (there == 0 || back == 0) && head->proto == key->proto;
}

/** Whether the tuple is one of the record's two, and which (written only then). */
bool sl_flow_record_match(const void *record, const struct sl_flow_layout *layout,
                          const struct sl_flow_tuple *tuple, uint8_t *ret_direction);

/** A timeout in 16 bits, rounded up by less than 1/2048; in ticks. */
uint16_t sl_flow_idle_pack(uint32_t ticks);
uint32_t sl_flow_idle_unpack(uint16_t packed);

#endif
