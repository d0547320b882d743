/* SPDX-License-Identifier: Apache-2.0 */
/* Any packets as fragments: u16 size and bytes, again and again. What comes out is the packets that
 * went in, in order, without a gap; nothing is held twice, nothing is lost without being counted.
 */
#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "flow/fragments.h"
#include "flow/fragments_private.h"
#include "flow/tuple.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes a whole datagram out: its fragments follow each other. */
static void take_datagram(struct sl_fragments *pool)
{
    static uint8_t out[SL_PACKET_MAX];
    uint32_t next = 0;
    while (sl_fragments_is_ready(pool)) {
        struct sl_packet packet;
        struct sl_packet again;
        struct fragments_place place;
        sl_rc rc = sl_fragments_take(pool, out, sizeof(out), &packet);
        assert(rc == SL_OK && packet.size <= sizeof(out));
        again = packet;
        rc = sl_packet_parse(&again);
        assert(rc == SL_OK && again.size == packet.size);
        bool is_good = fragments_place_of(&packet, &place);
        assert(is_good && place.begin == next);
        next = place.is_more ? place.end : 0;
        struct sl_flow_tuple tuple;
        bool is_error;
        (void)!sl_flow_tuple_of(&packet, &tuple, &is_error);
        (void)rc;
        (void)is_good;
    }
    assert(next == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t copy[SL_PACKET_MAX];
    const struct sl_fragments_limits limits = {.blocks = 64, .datagrams = 4, .source_share = 48};
    struct sl_fragments *pool = NULL;
    struct sl_fragments_counters counters;
    struct sl_reader r;
    uint64_t now_ms = 0;
    sl_reader_init(&r, data, size);
    if (sl_fragments_create(&limits, &pool) != SL_OK) {
        return 0;
    }
    while (r.rc == SL_OK && sl_reader_left(&r) > 2) {
        uint32_t bytes = sl_reader_be16(&r);
        const uint8_t *at = sl_reader_bytes(&r, bytes);
        if (at == NULL || bytes > sizeof(copy)) {
            break;
        }
        memcpy(copy, at, bytes);
        struct sl_packet packet = {.data = copy, .size = bytes, .room = sizeof(copy)};
        now_ms += bytes % 7 == 0 ? 10000 : 1;
        sl_fragments_set_now(pool, now_ms);
        if (sl_packet_parse(&packet) == SL_OK && sl_fragments_wants(&packet)) {
            (void)!sl_fragments_add(pool, &packet);
            take_datagram(pool);
        }
    }
    sl_fragments_counters(pool, &counters);
    assert(counters.fragments == counters.released + counters.dropped + counters.held);
    sl_fragments_set_now(pool, now_ms + 60000);
    sl_fragments_counters(pool, &counters);
    assert(counters.held == 0);
    sl_fragments_free(pool);
    return 0;
}
