/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "control/message.h"

static struct sl_msg_sa sample(enum sl_esp_alg alg)
{
    struct sl_msg_sa sa = {.shard = 1, .port = 1, .is_inbound = true, .is_dscp_copied = true};
    sa.params.alg = alg;
    sa.params.spi = 0xabcdef03;
    sa.params.is_esn = true;
    sa.params.is_inbound = true;
    sa.params.window = 1024;
    sa.params.seq_start = 77;
    memset(sa.params.key, 0x11, sizeof(sa.params.key));
    memset(sa.params.salt, 0x22, sizeof(sa.params.salt));
    memset(sa.seed, 0x33, sizeof(sa.seed));
    return sa;
}

static size_t write_sa(const struct sl_msg_sa *sa, uint8_t *buf, size_t size)
{
    struct sl_writer w;
    sl_writer_init(&w, buf, size);
    sl_msg_sa_write(&w, sa);
    assert_ok(w.rc);
    return w.off;
}

static sl_rc read_sa(const uint8_t *buf, size_t size, struct sl_msg_sa *ret_sa)
{
    struct sl_reader r;
    sl_reader_init(&r, buf, size);
    return sl_msg_sa_read(&r, ret_sa);
}

static void test_sa_round_trip(void **state)
{
    (void)state;
    for (enum sl_esp_alg alg = SL_ESP_AES_128_GCM_16; alg <= SL_ESP_CHACHA20_POLY1305; alg++) {
        uint8_t buf[128];
        struct sl_msg_sa sa = sample(alg);
        struct sl_msg_sa got;
        size_t size = write_sa(&sa, buf, sizeof(buf));
        assert_ok(read_sa(buf, size, &got));
        assert_int_equal(got.shard, sa.shard);
        assert_int_equal(got.port, sa.port);
        assert_true(got.is_inbound && got.is_dscp_copied && got.params.is_esn &&
                    got.params.is_inbound);
        assert_int_equal(got.params.alg, alg);
        assert_int_equal(got.params.spi, sa.params.spi);
        assert_int_equal(got.params.window, 1024);
        assert_int_equal(got.params.seq_start, 77);
        assert_memory_equal(got.seed, sa.seed, SL_SA_SEED_SIZE);
        /* no byte of the key travels */
        static const uint8_t zero[SL_ESP_KEY_MAX];
        assert_memory_equal(got.params.key, zero, SL_ESP_KEY_MAX);
        assert_memory_equal(got.params.salt, zero, SL_ESP_SALT_SIZE);
        assert_null(memchr(buf, 0x11, size));
        assert_null(memchr(buf, 0x22, size));
    }
}

static void test_sa_truncated_at_every_length_is_refused(void **state)
{
    (void)state;
    uint8_t buf[128];
    struct sl_msg_sa sa = sample(SL_ESP_AES_256_GCM_16);
    struct sl_msg_sa got = {.shard = 9};
    size_t size = write_sa(&sa, buf, sizeof(buf));
    for (size_t i = 0; i < size; i++) {
        assert_rc(read_sa(buf, i, &got), SL_TRUNCATED);
        assert_int_equal(got.shard, 9);
    }
    assert_rc(read_sa(buf, size + 1, &got), SL_MALFORMED);
}

static void test_sa_out_of_range_is_refused(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint16_t shard;
        uint8_t port;
        uint32_t spi;
        uint32_t window;
        bool is_inbound;
        sl_rc want;
    } rows[] = {
        {"good", 1, 1, 0x100 | 3, 64, true, SL_OK},
        {"largest window", 1, 1, 0x100 | 3, 4096, true, SL_OK},
        {"shard", SL_AREA_SHARDS_MAX, 0, 0x100 | 32, 64, true, SL_RANGE},
        {"port", 0, 2, 0x100 | 2, 64, true, SL_RANGE},
        {"reserved SPI", 1, 1, 3, 64, true, SL_RANGE},
        {"SPI of another queue", 1, 1, 0x100 | 2, 64, true, SL_RANGE},
        {"window too small", 1, 1, 0x100 | 3, 32, true, SL_RANGE},
        {"window too large", 1, 1, 0x100 | 3, 8192, true, SL_RANGE},
        {"window no power of two", 1, 1, 0x100 | 3, 96, true, SL_RANGE},
        {"outbound has no window", 1, 1, 0x100 | 3, 0, false, SL_OK},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t buf[128];
        struct sl_msg_sa got;
        struct sl_msg_sa sa = sample(SL_ESP_AES_128_GCM_16);
        sa.shard = rows[i].shard;
        sa.port = rows[i].port;
        sa.params.spi = rows[i].spi;
        sa.params.window = rows[i].window;
        sa.is_inbound = rows[i].is_inbound;
        size_t size = write_sa(&sa, buf, sizeof(buf));
        if (read_sa(buf, size, &got) != rows[i].want) {
            fail_msg("row \"%s\"", rows[i].what);
        }
    }
}

static void test_sa_unknown_alg_or_flag_is_refused(void **state)
{
    (void)state;
    uint8_t buf[128];
    struct sl_msg_sa got;
    struct sl_msg_sa sa = sample(SL_ESP_AES_128_GCM_16);
    size_t size = write_sa(&sa, buf, sizeof(buf));
    buf[4] = 9;
    assert_rc(read_sa(buf, size, &got), SL_UNSUPPORTED);
    buf[4] = 1;
    buf[3] |= 0x80;
    assert_rc(read_sa(buf, size, &got), SL_MALFORMED);
}

static void test_hello_round_trip_and_refusals(void **state)
{
    (void)state;
    uint8_t buf[1024];
    struct sl_msg_hello hello = {.version = "1.2.3",
                                 .device = "emu",
                                 .shard_count = 2,
                                 .nf_count = 2,
                                 .nf_names = {"firewall", "other"}};
    struct sl_msg_hello got;
    struct sl_writer w;
    struct sl_reader r;
    sl_writer_init(&w, buf, sizeof(buf));
    sl_msg_hello_write(&w, &hello);
    assert_ok(w.rc);
    sl_reader_init(&r, buf, w.off);
    assert_ok(sl_msg_hello_read(&r, &got));
    assert_memory_equal(&got, &hello, sizeof(got));
    for (size_t i = 0; i < w.off; i++) {
        sl_reader_init(&r, buf, i);
        assert_rc(sl_msg_hello_read(&r, &got), SL_TRUNCATED);
    }
    hello.shard_count = 0;
    sl_writer_init(&w, buf, sizeof(buf));
    sl_msg_hello_write(&w, &hello);
    sl_reader_init(&r, buf, w.off);
    assert_rc(sl_msg_hello_read(&r, &got), SL_RANGE);
    hello.shard_count = 1;
    hello.nf_count = 17;
    sl_writer_init(&w, buf, sizeof(buf));
    sl_msg_hello_write(&w, &hello);
    sl_reader_init(&r, buf, w.off);
    assert_rc(sl_msg_hello_read(&r, &got), SL_RANGE);
}

static void test_steering_round_trip_and_refusals(void **state)
{
    (void)state;
    struct sl_msg_steering steering = {.format = SL_STEERING_FORMAT, .shard_count = 2};
    struct sl_msg_steering got;
    uint8_t body[SL_STEERING_REPLY_SIZE + 1];
    struct sl_writer w;
    struct sl_reader r;
    memset(steering.key, 0xa5, sizeof(steering.key));
    sl_writer_init(&w, body, sizeof(body));
    sl_msg_steering_write(&w, &steering);
    assert_ok(w.rc);
    assert_int_equal(w.off, SL_STEERING_REPLY_SIZE);
    for (size_t size = 0; size < w.off; size++) {
        sl_reader_init(&r, body, size);
        assert_rc(sl_msg_steering_read(&r, &got), SL_TRUNCATED);
    }
    sl_reader_init(&r, body, w.off);
    assert_ok(sl_msg_steering_read(&r, &got));
    assert_memory_equal(&got, &steering, sizeof(got));
    sl_reader_init(&r, body, w.off + 1);
    assert_rc(sl_msg_steering_read(&r, &got), SL_MALFORMED);
    body[3] = 0;
    sl_reader_init(&r, body, w.off);
    assert_rc(sl_msg_steering_read(&r, &got), SL_RANGE);
    body[3] = SL_AREA_SHARDS_MAX + 1;
    sl_reader_init(&r, body, w.off);
    assert_rc(sl_msg_steering_read(&r, &got), SL_RANGE);
    body[1] = SL_STEERING_FORMAT + 1;
    sl_reader_init(&r, body, w.off);
    assert_rc(sl_msg_steering_read(&r, &got), SL_UNSUPPORTED);
}

static void test_spi_names_its_queue(void **state)
{
    (void)state;
    assert_int_equal(sl_spi_queue(0x12345607), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sa_round_trip),
        cmocka_unit_test(test_sa_truncated_at_every_length_is_refused),
        cmocka_unit_test(test_sa_out_of_range_is_refused),
        cmocka_unit_test(test_sa_unknown_alg_or_flag_is_refused),
        cmocka_unit_test(test_hello_round_trip_and_refusals),
        cmocka_unit_test(test_steering_round_trip_and_refusals),
        cmocka_unit_test(test_spi_names_its_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
