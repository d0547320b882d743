/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "control/stream.h"

static struct sl_msg make(uint16_t type, uint16_t id, size_t size)
{
    struct sl_msg msg = {.type = type, .id = id, .size = size, .room = size};
    msg.body = malloc(size > 0 ? size : 1);
    assert_non_null(msg.body);
    for (size_t i = 0; i < size; i++) {
        msg.body[i] = (uint8_t)(i * 7);
    }
    return msg;
}

/* Sends through TLS until the reader has a message or fails. */
static sl_rc carry(struct pair *p, struct sl_msg_writer *w, struct sl_msg_reader *r,
                   struct sl_msg *ret_msg, struct sl_err *err)
{
    for (;;) {
        const uint8_t *data;
        sl_rc pushed = sl_msg_writer_push(w, p->client, NULL);
        assert_true(sl_tls_out(p->client, &data) <= (64 << 10));
        size_t moved = pair_carry(p->client, p->server);
        sl_rc rc = sl_msg_reader_pull(r, p->server, ret_msg, err);
        if (rc != SL_AGAIN || (pushed == SL_OK && moved == 0)) {
            return rc;
        }
    }
}

static void test_messages_of_all_sizes_arrive(void **state)
{
    (void)state;
    struct pair p;
    struct sl_msg_writer w = {0};
    struct sl_msg_budget budget = {.left = 4 << 20};
    struct sl_msg_reader r = {.budget = &budget, .size_max = 4 << 20};
    const size_t sizes[] = {0, 1, 4095, 4096, 4097, 16384, 100000, 3 << 20};
    pair_init(&p);
    pair_connect(&p);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct sl_msg msg = make(5, (uint16_t)i, sizes[i]);
        struct sl_msg got = {0};
        assert_ok(sl_msg_writer_start(&w, p.client, &msg, NULL));
        assert_ok(carry(&p, &w, &r, &got, NULL));
        struct sl_msg want = make(5, (uint16_t)i, sizes[i]);
        assert_int_equal(got.type, 5);
        assert_int_equal(got.id, i);
        assert_int_equal(got.size, sizes[i]);
        assert_true(sizes[i] == 0 || memcmp(got.body, want.body, sizes[i]) == 0);
        sl_msg_done(&got);
        sl_msg_done(&want);
        assert_int_equal(budget.left, 4 << 20);
    }
    pair_done(&p);
}

static void test_reader_too_large_is_range(void **state)
{
    (void)state;
    struct pair p;
    struct sl_msg_writer w = {0};
    struct sl_msg_reader r = {.size_max = 100};
    struct sl_msg msg = make(1, 1, 101);
    struct sl_msg got = {0};
    struct sl_err err = {0};
    pair_init(&p);
    pair_connect(&p);
    assert_ok(sl_msg_writer_start(&w, p.client, &msg, NULL));
    assert_rc(carry(&p, &w, &r, &got, &err), SL_RANGE);
    assert_non_null(strstr(err.text, "at most 100"));
    sl_msg_writer_done(&w);
    sl_msg_reader_done(&r);
    pair_done(&p);
}

static void test_reader_shorter_than_header_is_malformed(void **state)
{
    (void)state;
    struct pair p;
    struct sl_msg_reader r = {.size_max = 100};
    struct sl_msg got = {0};
    pair_init(&p);
    pair_connect(&p);
    assert_ok(sl_tls_write(p.client, "\0\0\0\3\0\1\0\1", 8, NULL));
    (void)pair_carry(p.client, p.server);
    assert_rc(sl_msg_reader_pull(&r, p.server, &got, NULL), SL_MALFORMED);
    pair_done(&p);
}

static void test_reader_budget_is_kept(void **state)
{
    (void)state;
    struct pair p;
    struct sl_msg_writer w = {0};
    struct sl_msg_budget budget = {.left = 10000};
    struct sl_msg_reader r = {.budget = &budget, .size_max = 1 << 20};
    struct sl_msg msg = make(1, 1, 20000);
    struct sl_msg got = {0};
    pair_init(&p);
    pair_connect(&p);
    assert_ok(sl_msg_writer_start(&w, p.client, &msg, NULL));
    assert_rc(carry(&p, &w, &r, &got, NULL), SL_NO_MEMORY);
    assert_true(budget.left < 10000);
    sl_msg_reader_done(&r);
    assert_int_equal(budget.left, 10000);
    sl_msg_writer_done(&w);
    pair_done(&p);
}

static void test_reader_announced_size_allocates_nothing_yet(void **state)
{
    (void)state;
    struct pair p;
    struct sl_msg_budget budget = {.left = 16 << 20};
    struct sl_msg_reader r = {.budget = &budget, .size_max = 16 << 20};
    struct sl_msg got = {0};
    pair_init(&p);
    pair_connect(&p);
    assert_ok(sl_tls_write(p.client, "\0\x80\0\0\0\1\0\1abc", 11, NULL));
    (void)pair_carry(p.client, p.server);
    assert_rc(sl_msg_reader_pull(&r, p.server, &got, NULL), SL_AGAIN);
    assert_true(sl_msg_reader_is_partial(&r));
    assert_int_equal((16 << 20) - budget.left, 4096);
    sl_msg_reader_done(&r);
    assert_false(sl_msg_reader_is_partial(&r));
    pair_done(&p);
}

static void test_writer_refusals(void **state)
{
    (void)state;
    struct pair p;
    struct sl_msg_writer w = {0};
    struct sl_msg msg = make(1, 1, 10);
    struct sl_msg other = make(1, 2, 10);
    pair_init(&p);
    assert_rc(sl_msg_writer_start(&w, p.client, &msg, NULL), SL_STATE); /* no handshake yet */
    pair_connect(&p);
    assert_ok(sl_msg_writer_start(&w, p.client, &msg, NULL));
    assert_rc(sl_msg_writer_start(&w, p.client, &other, NULL), SL_STATE);
    sl_msg_writer_done(&w);
    other.size = SL_MSG_SIZE_MAX + 1u;
    assert_rc(sl_msg_writer_start(&w, p.client, &other, NULL), SL_RANGE);
    sl_msg_done(&other);
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_of_all_sizes_arrive),
        cmocka_unit_test(test_reader_too_large_is_range),
        cmocka_unit_test(test_reader_shorter_than_header_is_malformed),
        cmocka_unit_test(test_reader_budget_is_kept),
        cmocka_unit_test(test_reader_announced_size_allocates_nothing_yet),
        cmocka_unit_test(test_writer_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
