/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * IPv6 packets that an NF asks to be cut (SL_PKT_CUT), as they leave: one packet becomes its
 * fragments, one after another, in its own place.
 */
#ifndef SL_NF_CUT_H
#define SL_NF_CUT_H

#include <stdbool.h>

#include "safelib/packet.h"

enum {
    SL_CUT_MTU = 1280, /**< RFC 8200 5: what every IPv6 link takes */
    SL_CUT_HEAD = 48,  /**< IPv6 header and fragment header */
    SL_CUT_BEHIND = 64 /**< bytes behind a fragment that who sends it may write: ESP's trailer */
};

/** A packet on its way out in fragments. */
struct sl_cut {
    uint8_t head[SL_CUT_HEAD];
    uint8_t behind[SL_CUT_BEHIND]; /* what lies behind the fragment that is out */
    uint32_t off;                  /**< of the next fragment's payload in the packet's */
    uint32_t left;                 /**< bytes of it */
    bool is_begun;
};

/** Takes up a packet that is to be cut.
 * @return false: it is small enough, or has no fragment header right behind its IPv6 header: it is
 * to leave as it is
 * @context packet path */
bool sl_cut_begin(const struct sl_packet *packet, struct sl_cut *ret_cut);
/** Makes the packet its next fragment, of at most SL_CUT_MTU bytes: data, size and room change, its
 * other fields do not; the bytes of the fragment before are overwritten. SL_CUT_BEHIND bytes behind
 * each may be written until the next call.
 * @return false: there is none left
 * @context packet path
 * @spec    RFC 8200 4.5 */
bool sl_cut_next(struct sl_cut *cut, struct sl_packet *packet);

#endif
