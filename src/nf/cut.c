/* SPDX-License-Identifier: Apache-2.0 */
/* A packet in place becomes its fragments, first to last: what each overwrites has left already. */
#include "nf/cut.h"

#include <string.h>

#include "base/bytes.h"

enum { NEXT_FRAGMENT = 44, IP6_SIZE = 40, STEP = (SL_CUT_MTU - SL_CUT_HEAD) / 8 * 8 };

bool sl_cut_begin(const struct sl_packet *packet, struct sl_cut *ret_cut)
{
    if (packet->size <= SL_CUT_MTU || packet->data[0] >> 4 != 6 ||
        packet->data[6] != NEXT_FRAGMENT) {
        return false;
    }
    *ret_cut = (struct sl_cut){.left = packet->size - SL_CUT_HEAD};
    memcpy(ret_cut->head, packet->data, SL_CUT_HEAD);
    return true;
}

bool sl_cut_next(struct sl_cut *cut, struct sl_packet *packet)
{
    if (cut->left == 0) {
        return false;
    }
    uint32_t step = cut->is_begun ? (uint32_t)STEP : 0;
    uint32_t behind = cut->left < SL_CUT_BEHIND ? cut->left : (uint32_t)SL_CUT_BEHIND;
    if (cut->is_begun) {
        memcpy(packet->data + packet->size, cut->behind, behind);
    }
    uint32_t part = cut->left < STEP ? cut->left : (uint32_t)STEP;
    bool is_last = part == cut->left;
    uint16_t place = sl_be16_get(cut->head + IP6_SIZE + 2); /* its own may lie in a datagram */
    packet->data += step;
    packet->room -= step;
    packet->size = SL_CUT_HEAD + part;
    memcpy(packet->data, cut->head, SL_CUT_HEAD);
    sl_be16_put(packet->data + 4, (uint16_t)(packet->size - IP6_SIZE));
    sl_be16_put(packet->data + IP6_SIZE + 2,
                (uint16_t)((place & 0xfff8) + cut->off) | (is_last ? place & 1 : 1));
    cut->off += part;
    cut->left -= part;
    behind = cut->left < SL_CUT_BEHIND ? cut->left : (uint32_t)SL_CUT_BEHIND;
    memcpy(cut->behind, packet->data + packet->size, behind);
    cut->is_begun = true;
    return true;
}
