/* SPDX-License-Identifier: Apache-2.0 */
/* Packets cut into fragments for ct_differ: two and more, in any order, with duplicates, or so that
 * they overlap. */
#ifndef SL_TESTS_CT_CUT_H
#define SL_TESTS_CT_CUT_H

#include "safelib/packet.h"

enum { CUT_PIECES = 6, CUT_SENT = 2 * CUT_PIECES };

/* How a packet goes. */
struct cut {
    uint8_t count; /* pieces; 0: it goes whole */
    bool is_overlap, is_error;
    uint16_t begin[CUT_PIECES], end[CUT_PIECES]; /* within what is behind the IP header */
    uint8_t sent_count;
    uint8_t sent[CUT_SENT]; /* pieces in the order that they go in, some of them twice */
};

/* Makes up how a packet goes: most whole. Fragments carry @p id, which the packet's own bytes then
 * show (IPv4: identification, IPv6: flow label), as does what leaves the kernel.
 * @param[in,out] packet  parsed; becomes one without DF */
void cut_choose(struct sl_packet *packet, uint32_t id, struct cut *ret_cut);

/* Writes the piece that goes as number @p at. @return its bytes */
uint32_t cut_write(const uint8_t *packet, uint32_t id, const struct cut *cut, uint32_t at,
                   uint8_t *out);

/* Whether what left the kernel was made of that packet. */
bool cut_is_same(const uint8_t *packet, const uint8_t *out, uint32_t size);

#endif
