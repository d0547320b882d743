/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Where a fragment lies in its datagram; between fragments.c and fragment_place.c.
 */
#ifndef SL_FLOW_FRAGMENTS_PRIVATE_H
#define SL_FLOW_FRAGMENTS_PRIVATE_H

#include "safelib/packet.h"

enum { FRAGMENTS_NONE = 0xffff };

struct fragments_place {
    uint32_t begin, end; /* within the datagram's fragmentable part */
    uint32_t payload;    /* where it begins in the packet */
    bool is_more;
};

/** @return false where no datagram has such a fragment: a length that is no multiple of 8 but at
 * the end, nothing in it, or an end past 65535 bytes (RFC 8200 4.5) */
bool fragments_place_of(const struct sl_packet *packet, struct fragments_place *ret_place);

#endif
