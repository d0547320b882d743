/* SPDX-License-Identifier: Apache-2.0 */
/* nf/eval.h: packets that are asked about, among them fragments of every fate. */
#include "unit.h"

#include "cuts.h"
#include "nf/eval.h"

enum { TAGS = 256 };

static struct sl_eval *eval;
static struct {
    uint32_t waits, ends;
    uint8_t fate, fragment, verdict;
    bool is_now; /* its packet was in the call that told */
    uint32_t order;
} got[TAGS];
static uint32_t told;

static void on_result(void *ctx, const struct sl_eval_result *result)
{
    (void)ctx;
    assert_true(result->tag < TAGS);
    if (result->fate == SL_EVAL_WAITS) {
        assert_non_null(result->packet);
        got[result->tag].waits++;
        return;
    }
    got[result->tag].ends++;
    got[result->tag].fate = result->fate;
    got[result->tag].fragment = result->fragment;
    got[result->tag].verdict = result->fate == SL_EVAL_DECIDED ? result->packet->verdict : 255;
    got[result->tag].is_now = result->from != NULL;
    got[result->tag].order = told++;
}

/* A chain of one NF. */
static struct sl_chain *chain_of(const char *nf)
{
    uint8_t bundle[64];
    struct sl_writer w;
    struct sl_err err = {0};
    struct sl_chain *chain = NULL;
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, 1);
    sl_writer_string(&w, nf);
    sl_writer_be32(&w, 4);
    sl_writer_be32(&w, 1000);
    assert_ok(sl_chain_create(bundle, w.off, &chain, &err));
    return chain;
}

static int setup(void **state)
{
    (void)state;
    memset(got, 0, sizeof(got));
    told = 0;
    assert_ok(sl_eval_create(chain_of("example_flow"), true, &eval));
    assert_non_null(sl_eval_fragments(eval));
    sl_eval_listen(eval, on_result, NULL);
    sl_eval_set_now(eval, 1000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_eval_free(eval);
    return 0;
}

static uint8_t payload[2000];
static struct cut cuts[8];

static struct sl_eval_packet piece(uint32_t at, uint32_t tag, bool is_v6, uint8_t proto,
                                   uint32_t begin, uint32_t end, bool is_more)
{
    assert_ok(cut_make(&cuts[at], is_v6, 7, proto, payload, begin, end, is_more));
    return (struct sl_eval_packet){.data = cuts[at].data, .size = cuts[at].packet.size, .tag = tag};
}

static void test_released_in_order_and_in_place(void **state)
{
    (void)state;
    cut_payload(payload, 1333, false, 17);
    struct sl_eval_packet first[] = {piece(0, 0, false, 17, 1200, 1333, false),
                                     piece(1, 1, false, 17, 0, 600, true)};
    sl_eval_run(eval, first, 2);
    assert_int_equal(told, 0);
    struct cut other;
    assert_ok(cut_make(&other, false, 8, 17, payload, 0, 1333, false));
    struct sl_eval_packet then[] = {{.data = other.data, .size = other.packet.size, .tag = 2},
                                    piece(2, 3, false, 17, 600, 1200, true),
                                    {.data = other.data, .size = other.packet.size, .tag = 4},
                                    {.data = payload, .size = 3, .tag = 5}};
    sl_eval_run(eval, then, 4);
    static const uint32_t order[6] = {3, 1, 0, 2, 4, 5};
    for (uint32_t tag = 0; tag < 6; tag++) {
        assert_int_equal(got[tag].ends, 1);
        assert_int_equal(got[tag].waits, tag == 0 || tag == 1 || tag == 3);
        assert_int_equal(got[tag].fate, tag == 5 ? SL_EVAL_MALFORMED : SL_EVAL_DECIDED);
        assert_int_equal(got[tag].verdict, tag == 5 ? 255 : SL_VERDICT_PASS);
        assert_int_equal(got[tag].is_now, got[tag].waits == 0);
        assert_int_equal(got[tag].order, order[tag]);
    }
}

static void test_fates(void **state)
{
    (void)state;
    cut_payload(payload, 1333, false, 17);
    struct sl_eval_packet packets[] = {
        piece(0, 0, false, 17, 0, 600, true), piece(1, 1, false, 17, 0, 600, true),
        piece(2, 2, false, 17, 8, 16, true),  piece(3, 3, false, 17, 600, 1333, false),
        piece(4, 4, true, 17, 0, 601, true),  piece(5, 5, true, 17, 0, 600, true),
    };
    sl_eval_run(eval, packets, 6);
    static const uint8_t want[] = {SL_FRAGMENT_OVERLAP, SL_FRAGMENT_DUPLICATE, SL_FRAGMENT_OVERLAP,
                                   SL_FRAGMENT_POISONED, SL_FRAGMENT_MALFORMED};
    for (uint32_t tag = 0; tag < 5; tag++) {
        assert_int_equal(got[tag].ends, 1);
        assert_int_equal(got[tag].fate, SL_EVAL_GONE);
        assert_int_equal(got[tag].fragment, want[tag]);
        assert_int_equal(got[tag].is_now, tag != 0);
    }
    assert_int_equal(got[5].waits, 1);
    assert_int_equal(got[5].ends, 0);
    sl_eval_set_now(eval, 61000);
    assert_int_equal(got[5].ends, 1);
    assert_int_equal(got[5].fragment, SL_FRAGMENT_TIMEOUT);
}

static void test_forget(void **state)
{
    (void)state;
    cut_payload(payload, 1333, false, 17);
    struct sl_eval_packet packet = piece(0, 0, false, 17, 0, 600, true);
    sl_eval_run(eval, &packet, 1);
    sl_eval_forget(eval);
    assert_int_equal(got[0].ends, 1);
    assert_int_equal(got[0].fragment, SL_FRAGMENT_EVICTED);
    packet.tag = 1; /* not a duplicate */
    sl_eval_run(eval, &packet, 1);
    assert_int_equal(got[1].waits, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_released_in_order_and_in_place), TEST(test_fates),
                                       TEST(test_forget)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
