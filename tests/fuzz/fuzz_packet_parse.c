/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a packet: parsed, then refused aloud in both ways, in memory of exactly their size.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "safelib/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const uint8_t *data, uint32_t size, bool is_reset)
{
    uint32_t room = size + 64;
    uint8_t *copy = malloc(room);
    if (copy == NULL) {
        return;
    }
    memcpy(copy, data, size);
    struct sl_packet packet = {.data = copy, .size = size, .room = room};
    if (sl_packet_parse(&packet) == SL_OK) {
        assert(packet.size <= size && packet.l4_off <= packet.size);
        sl_rc rc =
            is_reset ? sl_packet_reply_reset(&packet) : sl_packet_reply_unreachable(&packet, 13, 1);
        /* an answer must itself be a well-formed packet */
        assert(rc != SL_OK || (packet.size <= room && sl_packet_parse(&packet) == SL_OK));
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= SL_PACKET_MAX) {
        answer(data, (uint32_t)size, false);
        answer(data, (uint32_t)size, true);
    }
    return 0;
}
