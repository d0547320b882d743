/* SPDX-License-Identifier: Apache-2.0 */
/* Any packets as fragments: u16 size and bytes, again and again; through a small pool, and through
 * what image, explain and replay share (nf/eval.h). What comes out is the packets that went in, in
 * order, without a gap, or an ICMP error in one piece; each fragment has one end, none is lost. */
#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "flow/fragments.h"
#include "flow/tuple.h"
#include "nf/eval.h"

enum { TAGS = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t ends[TAGS]; /* of each packet: how many */
static bool waits[TAGS];

static void on_fate(void *ctx, uint32_t tag, enum sl_fragments_fate fate)
{
    (void)ctx;
    assert(fate != SL_FRAGMENT_WAITS && fate < SL_FRAGMENT_FATES && tag < TAGS);
    ends[tag]++;
}

/* A packet as it is: its fields are those that the parser finds. */
static void look_at(const struct sl_packet *packet)
{
    struct sl_packet again = *packet;
    sl_rc rc = sl_packet_parse(&again);
    assert(rc == SL_OK && again.size == packet->size && again.l4_off == packet->l4_off);
    assert((again.has & SL_PKT_FRAGMENT) == (packet->has & SL_PKT_FRAGMENT));
    bool is_later = (packet->has & SL_PKT_LATER_FRAGMENT) != 0;
    assert(is_later || (again.proto == packet->proto && again.icmp_type == packet->icmp_type));
    assert(again.src == packet->src && again.dst == packet->dst);
    struct sl_flow_tuple tuple;
    bool is_error;
    (void)!sl_flow_tuple_of(packet, &tuple, &is_error);
    (void)rc;
    (void)is_later;
}

/* Takes a whole datagram out: its fragments follow each other. */
static void take_datagram(struct sl_fragments *pool)
{
    static uint8_t out[SL_PACKET_MAX];
    uint32_t next = 0;
    while (sl_fragments_is_ready(pool)) {
        struct sl_packet packet;
        struct sl_fragments_place place;
        uint32_t tag;
        sl_rc rc = sl_fragments_take(pool, out, sizeof(out), &packet, &tag);
        assert(rc == SL_OK && packet.size <= sizeof(out) && tag < TAGS);
        ends[tag]++;
        look_at(&packet);
        if ((packet.has & SL_PKT_FRAGMENT) != 0) {
            bool is_good = sl_fragments_place_of(&packet, &place);
            assert(is_good && place.begin == next);
            next = place.is_more ? place.end : 0;
            (void)is_good;
        } else {
            assert(next == 0 && packet.size <= SL_FRAGMENTS_ERROR_MAX);
        }
        (void)rc;
    }
    assert(next == 0);
}

/* The input's next packet. */
static bool next_packet(struct sl_reader *r, uint64_t *now_ms, uint8_t *out, uint32_t *ret_size)
{
    if (r->rc != SL_OK || sl_reader_left(r) <= 2) {
        return false;
    }
    uint32_t size = sl_reader_be16(r);
    const uint8_t *at = sl_reader_bytes(r, size);
    if (at == NULL || size > SL_PACKET_MAX) {
        return false;
    }
    memcpy(out, at, size);
    *now_ms += size % 7 == 0 ? 10000 : 1;
    *ret_size = size;
    return true;
}

static void run_pool(const uint8_t *data, size_t size)
{
    static uint8_t copy[SL_PACKET_MAX];
    const struct sl_fragments_limits limits = {.blocks = 64, .datagrams = 4, .source_share = 48};
    struct sl_fragments *pool = NULL;
    struct sl_fragments_counters counters;
    struct sl_fragments_progress progress;
    struct sl_reader r;
    uint64_t now_ms = 0;
    uint32_t bytes;
    uint32_t tag = 0;
    memset(ends, 0, sizeof(ends));
    sl_reader_init(&r, data, size);
    if (sl_fragments_create(&limits, &pool) != SL_OK) {
        return;
    }
    sl_fragments_watch(pool, on_fate, NULL);
    while (tag < TAGS && next_packet(&r, &now_ms, copy, &bytes)) {
        struct sl_packet packet = {.data = copy, .size = bytes, .room = sizeof(copy)};
        sl_fragments_set_now(pool, now_ms);
        if (sl_packet_parse(&packet) == SL_OK && sl_fragments_hold(pool, &packet, tag)) {
            tag++;
            sl_rc rc = sl_fragments_progress(pool, &packet, &progress);
            assert(rc != SL_OK || (progress.fragments > 0 && progress.holes > 0));
            (void)rc;
            take_datagram(pool);
        }
    }
    sl_fragments_counters(pool, &counters);
    assert(counters.fragments == tag);
    assert(counters.fragments == counters.released + counters.dropped + counters.held);
    sl_fragments_set_now(pool, now_ms + 60000);
    sl_fragments_counters(pool, &counters);
    assert(counters.held == 0);
    for (uint32_t i = 0; i < tag; i++) {
        assert(ends[i] == 1);
    }
    sl_fragments_free(pool);
}

static void on_result(void *ctx, const struct sl_eval_result *result)
{
    (void)ctx;
    assert(result->tag < TAGS);
    if (result->fate == SL_EVAL_WAITS) {
        assert(result->from != NULL && !waits[result->tag] && ends[result->tag] == 0);
        waits[result->tag] = true;
        return;
    }
    assert((result->from != NULL) == !waits[result->tag]);
    ends[result->tag]++;
    if (result->fate == SL_EVAL_DECIDED) {
        look_at(result->packet);
    }
}

/* A chain of the example NF, which keeps flows. */
static struct sl_eval *eval_make(void)
{
    uint8_t bundle[64];
    struct sl_writer w;
    struct sl_chain *chain = NULL;
    struct sl_eval *eval = NULL;
    struct sl_err err = {0};
    const struct sl_chain_place place = {.flows_max = 64};
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, 1);
    sl_writer_string(&w, "example_flow");
    sl_writer_be32(&w, 4);
    sl_writer_be32(&w, 1000);
    sl_rc rc = sl_chain_create_at(bundle, w.off, &place, &chain, &err);
    assert(rc == SL_OK);
    if (rc == SL_OK && sl_eval_create(chain, true, &eval) != SL_OK) {
        sl_chain_free(chain);
    }
    return eval;
}

static void run_eval(const uint8_t *data, size_t size)
{
    static uint8_t copies[SL_BURST_MAX][SL_PACKET_MAX];
    struct sl_eval_packet packets[SL_BURST_MAX];
    struct sl_eval *eval = eval_make();
    struct sl_reader r;
    uint64_t now_ms = 0;
    uint32_t tag = 0;
    uint32_t count = 0;
    uint32_t bytes;
    if (eval == NULL) {
        return;
    }
    memset(ends, 0, sizeof(ends));
    memset(waits, 0, sizeof(waits));
    sl_reader_init(&r, data, size);
    sl_eval_listen(eval, on_result, NULL);
    while (tag < TAGS && next_packet(&r, &now_ms, copies[count], &bytes)) {
        packets[count] = (struct sl_eval_packet){
            .data = copies[count], .size = bytes, .port = (uint8_t)(bytes & 1), .tag = tag++};
        if (++count == SL_BURST_MAX || bytes % 3 == 0) {
            sl_eval_run(eval, packets, count);
            sl_eval_set_now(eval, now_ms);
            count = 0;
        }
    }
    sl_eval_run(eval, packets, count);
    sl_eval_set_now(eval, now_ms);
    sl_eval_set_now(eval, now_ms + 60000);
    for (uint32_t i = 0; i < tag; i++) {
        assert(ends[i] == 1);
    }
    sl_eval_free(eval);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run_pool(data, size);
    run_eval(data, size);
    return 0;
}
