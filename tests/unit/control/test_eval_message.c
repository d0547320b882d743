/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "control/eval_message.h"
#include "safelib/packet.h"

static uint8_t body[16384];
static const uint8_t bytes[5] = {1, 2, 3, 4, 5};

static void test_ask(void **state)
{
    (void)state;
    for (uint64_t time_ms = 0; time_ms < 2; time_ms++) {
        const struct sl_eval_ask ask = {
            .port = SL_PORT_WAN, .time_ms = time_ms, .tag = 77, .size = 5, .data = bytes};
        struct sl_eval_ask got;
        struct sl_writer w;
        struct sl_reader r;
        sl_writer_init(&w, body, sizeof(body));
        sl_eval_ask_write(&w, &ask);
        assert_true(w.off <= SL_EVAL_REQUEST_EXTRA + 5);
        sl_reader_init(&r, body, w.off);
        assert_ok(sl_eval_ask_read(&r, &got));
        assert_ok(sl_reader_end(&r));
        assert_int_equal(got.port, SL_PORT_WAN);
        assert_int_equal(got.time_ms, time_ms);
        assert_int_equal(got.tag, 77);
        assert_int_equal(got.size, 5);
        assert_memory_equal(got.data, bytes, 5);
        for (size_t size = 0; size < w.off; size++) {
            sl_reader_init(&r, body, size);
            assert_rc(sl_eval_ask_read(&r, &got), SL_TRUNCATED);
        }
    }
    const struct sl_eval_ask bad[] = {{.port = SL_PORT_COUNT},
                                      {.size = SL_PACKET_MAX + 1, .data = body}};
    for (size_t i = 0; i < 2; i++) {
        static uint8_t out[16384];
        struct sl_eval_ask got;
        struct sl_writer w;
        struct sl_reader r;
        sl_writer_init(&w, out, sizeof(out));
        sl_eval_ask_write(&w, &bad[i]);
        sl_reader_init(&r, out, w.off);
        assert_rc(sl_eval_ask_read(&r, &got), SL_RANGE);
    }
}

static void test_answer(void **state)
{
    (void)state;
    const struct sl_eval_answer answer = {.tag = 78,
                                          .fate = 3,
                                          .fragment = 9,
                                          .verdict = SL_VERDICT_REPLY,
                                          .nf = 4,
                                          .rule = 99,
                                          .size = 5,
                                          .data = bytes};
    struct sl_eval_answer got;
    struct sl_writer w;
    struct sl_reader r;
    sl_writer_init(&w, body, sizeof(body));
    sl_eval_answer_write(&w, &answer);
    assert_int_equal(w.off, SL_EVAL_RESULT_EXTRA + 5);
    sl_reader_init(&r, body, w.off);
    assert_ok(sl_eval_answer_read(&r, &got));
    assert_int_equal(got.tag, 78);
    assert_int_equal(got.fate, 3);
    assert_int_equal(got.fragment, 9);
    assert_int_equal(got.verdict, SL_VERDICT_REPLY);
    assert_int_equal(got.nf, 4);
    assert_int_equal(got.rule, 99);
    assert_memory_equal(got.data, bytes, 5);
    for (size_t size = 0; size < w.off; size++) {
        sl_reader_init(&r, body, size);
        assert_rc(sl_eval_answer_read(&r, &got), SL_TRUNCATED);
    }
    static const struct {
        uint32_t at;
        uint8_t value;
    } bad[] = {{4, 4}, {6, SL_VERDICT_TURN}, {13, 1}}; /* fate, verdict, size */
    for (size_t i = 0; i < 3; i++) {
        uint8_t before = body[bad[i].at];
        body[bad[i].at] = bad[i].value;
        sl_reader_init(&r, body, sizeof(body));
        assert_rc(sl_eval_answer_read(&r, &got), SL_RANGE);
        body[bad[i].at] = before;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ask), cmocka_unit_test(test_answer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
