/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "esp/probe.h"

static uint8_t wire[4096];
static uint8_t text[4096];
static uint8_t inner[4096];
static struct sl_esp_inner got;

static bool is_zero(const uint8_t *data, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= data[i];
    }
    return any == 0;
}

struct variant {
    enum sl_esp_alg alg;
    enum sl_aead_level level;
    bool is_esn;
    uint64_t seq_start;
};
static const struct variant variants[] = {
    {SL_ESP_AES_128_GCM_16, SL_AEAD_LEVEL_AUTO, false, 0},
    {SL_ESP_AES_256_GCM_16, SL_AEAD_LEVEL_AUTO, false, 0},
    {SL_ESP_CHACHA20_POLY1305, SL_AEAD_LEVEL_AUTO, false, 0},
    {SL_ESP_AES_128_GCM_16, SL_AEAD_LEVEL_SSE, false, 0},
    {SL_ESP_AES_256_GCM_16, SL_AEAD_LEVEL_SSE, true, 0},
    {SL_ESP_CHACHA20_POLY1305, SL_AEAD_LEVEL_SSE, true, 0},
    {SL_ESP_AES_128_GCM_16, SL_AEAD_LEVEL_AUTO, true, UINT64_C(0x7fffffff0)},
    {SL_ESP_AES_256_GCM_16, SL_AEAD_LEVEL_AUTO, true, UINT64_C(0xfffffff0)},
    {SL_ESP_CHACHA20_POLY1305, SL_AEAD_LEVEL_AUTO, true, UINT64_C(0xfffffffff0)},
};
enum { VARIANTS = sizeof(variants) / sizeof(variants[0]) };

static void variant_create(size_t i, struct pair *pair)
{
    struct sl_esp_params params = pair_params;
    params.alg = variants[i].alg;
    params.is_esn = variants[i].is_esn;
    params.seq_start = variants[i].seq_start;
    pair_create_level(pair, &params, variants[i].level);
}

static void test_open_every_size_returns_what_was_sealed(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        struct pair pair;
        variant_create(i, &pair);
        uint64_t bytes = 0;
        for (uint32_t size = 20; size <= 1500; size++) {
            uint8_t version = size >= 40 && size % 3 == 0 ? 6 : 4;
            uint32_t sealed;
            inner_make(inner, version, size);
            assert_ok(sl_esp_seal(pair.out, inner, size, version == 4 ? 4 : 41, 0, wire,
                                  sizeof(wire), &sealed));
            assert_int_equal(sealed, sl_esp_sealed_size(size, 0));
            assert_int_equal(sealed % 4, 0);
            assert_int_equal(sl_be32_get(wire), PAIR_SPI);
            assert_int_equal(sl_be32_get(wire + 4), (uint32_t)sl_esp_sa_seq(pair.out));
            assert_ok(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got));
            inner_make(inner, version, size);
            assert_int_equal(got.size, size);
            assert_int_equal(got.next_header, version == 4 ? 4 : 41);
            assert_int_equal(got.seq, sl_esp_sa_seq(pair.out));
            assert_memory_equal(text + got.off, inner, size);
            bytes += size;
        }
        assert_int_equal(sl_esp_sa_seq(pair.in), sl_esp_sa_seq(pair.out));
        assert_int_equal(sl_esp_sa_counters(pair.in)->ok, 1481);
        assert_int_equal(sl_esp_sa_counters(pair.in)->bytes, bytes);
        assert_int_equal(sl_esp_sa_counters(pair.in)->seq_gap, 0);
        pair_free(&pair);
    }
}

static void test_open_in_place_returns_what_was_sealed(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        struct pair pair;
        variant_create(i, &pair);
        uint32_t sealed;
        inner_make(wire + 16, 4, 777);
        assert_ok(sl_esp_seal(pair.out, wire + 16, 777, 4, 0, wire, sizeof(wire), &sealed));
        assert_ok(sl_esp_open(pair.in, wire, sealed, wire + 16, sealed - 16, &got));
        inner_make(inner, 4, 777);
        assert_memory_equal(wire + 16 + got.off, inner, 777);
        pair_free(&pair);
    }
}

static void test_open_truncated_at_every_length_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        struct pair pair;
        variant_create(i, &pair);
        uint32_t sealed = pair_seal(&pair, 91, wire, sizeof(wire));
        for (uint32_t size = 0; size < sealed; size++) {
            /* an exact-size copy, so that ASan sees a read past the end */
            uint8_t *cut = malloc(size + 1);
            assert_non_null(cut);
            memcpy(cut + 1, wire, size);
            memset(text, 0xee, sizeof(text));
            sl_rc rc = sl_esp_open(pair.in, cut + 1, size, text, sizeof(text), &got);
            bool is_short = size < 36 || size % 4 != 0;
            assert_rc(rc, is_short ? SL_TRUNCATED : SL_AUTH);
            if (!is_short) {
                assert_true(is_zero(text, size - 32));
            }
            free(cut);
        }
        assert_ok(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got));
        pair_free(&pair);
    }
}

static void test_open_any_flipped_bit_refused_and_wiped(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        struct pair pair;
        variant_create(i, &pair);
        uint32_t sealed = pair_seal(&pair, 60, wire, sizeof(wire));
        for (uint32_t bit = 0; bit < sealed * 8; bit++) {
            wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
            memset(text, 0xee, sizeof(text));
            sl_rc rc = sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got);
            if (bit < 32) {
                assert_rc(rc, SL_NOT_FOUND);
            } else if (rc !=
                       SL_REPLAY) { /* a flipped sequence number may fall left of the window */
                assert_rc(rc, SL_AUTH);
                assert_true(is_zero(text, sealed - 32));
            } else {
                assert_true(bit < 64);
            }
            assert_int_equal(text[sealed - 32], 0xee); /* nothing past the text is touched */
            wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        /* none of it moved the window */
        assert_int_equal(sl_esp_sa_seq(pair.in), variants[i].seq_start);
        assert_ok(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got));
        pair_free(&pair);
    }
}

static void test_open_replayed_refused(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    uint32_t sealed = pair_seal(&pair, 100, wire, sizeof(wire));
    assert_ok(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got));
    assert_rc(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got), SL_REPLAY);
    assert_int_equal(sl_esp_sa_counters(pair.in)->replay, 1);
    assert_int_equal(sl_esp_sa_counters(pair.in)->ok, 1);
    pair_free(&pair);
}

static void test_open_lost_packets_counted_as_gap(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    for (int i = 1; i <= 1000; i++) {
        uint32_t sealed = pair_seal(&pair, 64, wire, sizeof(wire));
        if (i % 100 != 0) {
            assert_ok(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got));
        }
    }
    /* 100, 200, ... 800 left the window; 900 is in the block that 999 stands in front of */
    assert_int_equal(sl_esp_sa_counters(pair.in)->seq_gap, 8);
    pair_free(&pair);
}

static void test_open_foreign_spi_refused(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    uint32_t sealed = pair_seal(&pair, 100, wire, sizeof(wire));
    wire[3] ^= 1;
    assert_rc(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got), SL_NOT_FOUND);
    assert_int_equal(sl_esp_sa_counters(pair.in)->bad_spi, 1);
    pair_free(&pair);
}

static void test_open_small_output_refused(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    uint32_t sealed = pair_seal(&pair, 100, wire, sizeof(wire));
    assert_rc(sl_esp_open(pair.in, wire, sealed, text, sealed - 33, &got), SL_NO_SPACE);
    assert_ok(sl_esp_open(pair.in, wire, sealed, text, sealed - 32, &got));
    pair_free(&pair);
}

/* Seals `size` bytes of `raw` exactly as they are: trailer included, so that it can be wrong. */
static uint32_t seal_raw(const struct pair *pair, const uint8_t *raw, uint32_t size)
{
    uint64_t seq = ++pair->out->seq;
    uint8_t nonce[12];
    uint8_t aad[12];
    memcpy(nonce, pair->out->salt, 4);
    sl_be64_put(nonce + 4, seq);
    uint32_t aad_size = sl_esp_aad_write(pair->out, seq, aad);
    sl_be32_put(wire, PAIR_SPI);
    sl_be32_put(wire + 4, (uint32_t)seq);
    sl_be64_put(wire + 8, seq);
    sl_aead_encrypt(&pair->out->aead, nonce, aad, aad_size, raw, size, wire + 16, wire + 16 + size);
    return size + 32;
}

static void test_open_bad_padding_refused(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    uint8_t raw[24] = {0};
    /* pad length, then which padding byte to spoil (-1: none), expected */
    const struct {
        uint8_t pad;
        int spoil;
        sl_rc want;
    } rows[] = {
        {0, -1, SL_MALFORMED /* 22 bytes are an IPv4 packet with version 0 */},
        {22, 0, SL_MALFORMED},
        {22, 21, SL_MALFORMED},
        {22, 10, SL_MALFORMED},
        {23, -1, SL_MALFORMED},
        {255, -1, SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(raw, 0, sizeof(raw));
        for (int j = 0; j < 22; j++) {
            raw[j] = (uint8_t)(rows[i].pad >= 22 ? j + 1 : 0);
        }
        if (rows[i].spoil >= 0) {
            raw[rows[i].spoil] ^= 1;
        }
        raw[22] = rows[i].pad;
        raw[23] = SL_ESP_NEXT_IPV4;
        memset(text, 0xee, sizeof(text));
        assert_rc(sl_esp_open(pair.in, wire, seal_raw(&pair, raw, 24), text, sizeof(text), &got),
                  rows[i].want);
        assert_true(is_zero(text, 24));
    }
    assert_int_equal(sl_esp_sa_counters(pair.in)->bad_padding, 5);
    assert_int_equal(sl_esp_sa_counters(pair.in)->bad_inner, 1);
    /* authentic all the same: the window moved (RFC 4303 3.4.3) */
    assert_int_equal(sl_esp_sa_seq(pair.in), 6);
    pair_free(&pair);
}

static void test_open_long_padding_accepted(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    uint8_t raw[20 + 255 + 2 + 3];
    for (uint32_t pad = 2; pad <= 255; pad += 4) {
        inner_make(raw, 4, 20);
        for (uint32_t i = 0; i < pad; i++) {
            raw[20 + i] = (uint8_t)(i + 1);
        }
        raw[20 + pad] = (uint8_t)pad;
        raw[21 + pad] = SL_ESP_NEXT_IPV4;
        assert_ok(
            sl_esp_open(pair.in, wire, seal_raw(&pair, raw, 22 + pad), text, sizeof(text), &got));
        assert_int_equal(got.size, 20);
    }
    pair_free(&pair);
}

static void test_open_inner_that_disagrees_refused(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    /* next header, size sealed, byte to change in the header, its value, expected */
    const struct {
        uint8_t next_header;
        uint8_t version;
        uint32_t size;
        uint32_t at;
        uint8_t value;
        sl_rc want;
    } rows[] = {
        {4, 4, 100, 0, 0x45, SL_OK},
        {41, 6, 100, 0, 0x60, SL_OK},
        {4, 6, 100, 0, 0x60, SL_MALFORMED},
        {41, 4, 100, 0, 0x45, SL_MALFORMED},
        {4, 4, 100, 0, 0x44, SL_MALFORMED},
        {4, 4, 100, 0, 0x4f, SL_OK},
        {4, 4, 100, 3, 101, SL_MALFORMED},
        {4, 4, 100, 3, 99, SL_OK},
        {4, 4, 100, 3, 19, SL_MALFORMED},
        {4, 4, 100, 2, 0xff, SL_MALFORMED},
        {41, 6, 100, 5, 61, SL_MALFORMED},
        {41, 6, 100, 5, 59, SL_OK},
        {41, 6, 100, 4, 0xff, SL_MALFORMED},
        {6, 4, 100, 0, 0x45, SL_MALFORMED},
        {0, 4, 100, 0, 0x45, SL_MALFORMED},
        {4, 4, 20, 3, 16, SL_MALFORMED},
        {41, 6, 40, 5, 0, SL_OK},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t sealed;
        inner_make(inner, rows[i].version, rows[i].size);
        inner[rows[i].at] = rows[i].value;
        assert_ok(sl_esp_seal(pair.out, inner, rows[i].size, rows[i].next_header, 0, wire,
                              sizeof(wire), &sealed));
        sl_rc rc = sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got);
        if (rc != rows[i].want) {
            fail_msg("row %zu: %s", i + 1, sl_rc_name(rc));
        }
    }
    /* shorter than an IP header */
    memset(inner, 0x45, 19);
    uint32_t sealed;
    assert_ok(sl_esp_seal(pair.out, inner, 19, 4, 0, wire, sizeof(wire), &sealed));
    assert_rc(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got), SL_MALFORMED);
    memset(inner, 0x60, 39);
    assert_ok(sl_esp_seal(pair.out, inner, 39, 41, 0, wire, sizeof(wire), &sealed));
    assert_rc(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got), SL_MALFORMED);
    pair_free(&pair);
}

static void test_open_tfc_padding_cut(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    for (uint32_t tfc = 0; tfc < 300; tfc += 7) {
        for (uint8_t version = 4; version <= 6; version += 2) {
            uint32_t sealed;
            inner_make(inner, version, 123);
            assert_ok(sl_esp_seal(pair.out, inner, 123, version == 4 ? 4 : 41, tfc, wire,
                                  sizeof(wire), &sealed));
            assert_int_equal(sealed, sl_esp_sealed_size(123, tfc));
            assert_ok(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got));
            assert_int_equal(got.size, 123);
            assert_memory_equal(text, inner, 123);
        }
    }
    pair_free(&pair);
}

static void test_open_dummy_dropped_and_probe_returned(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    uint32_t sealed;
    memset(inner, 0xaa, 200);
    for (uint32_t size = 0; size < 64; size++) {
        assert_ok(
            sl_esp_seal(pair.out, inner, size, SL_ESP_NEXT_NONE, 0, wire, sizeof(wire), &sealed));
        assert_rc(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got), SL_AGAIN);
        memset(inner, 0xaa, 200);
    }
    assert_int_equal(sl_esp_sa_counters(pair.in)->dummy, 64);

    const struct sl_probe probe = {.kind = SL_PROBE_REQUEST, .size = 1400, .id = 0x1122334455};
    assert_ok(sl_probe_write(&probe, 1400, inner, sizeof(inner)));
    assert_ok(sl_esp_seal(pair.out, inner, 1400, SL_ESP_NEXT_NONE, 0, wire, sizeof(wire), &sealed));
    assert_ok(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got));
    assert_int_equal(got.next_header, SL_ESP_NEXT_NONE);
    assert_int_equal(got.size, 1400);
    struct sl_probe back;
    assert_ok(sl_probe_read(text + got.off, got.size, &back));
    assert_int_equal(back.id, probe.id);
    assert_int_equal(sl_esp_sa_counters(pair.in)->probe, 1);
    assert_int_equal(sl_esp_sa_counters(pair.in)->ok, 0);
    pair_free(&pair);
}

/* The receiver crosses 2^32 with losses and disorder; the sender's numbers are all 64 bits. */
static void test_open_esn_crosses_subspaces(void **state)
{
    (void)state;
    struct sl_esp_params params = pair_params;
    params.is_esn = true;
    params.seq_start = UINT64_C(0x4ffffff80);
    struct pair pair;
    pair_create(&pair, &params);
    static uint8_t kept[300][128];
    uint32_t sealed = 0;
    for (int i = 0; i < 300; i++) {
        sealed = pair_seal(&pair, 40, kept[i], sizeof(kept[i]));
    }
    for (int i = 0; i < 300; i += 2) { /* neighbours change places */
        assert_ok(sl_esp_open(pair.in, kept[i + 1], sealed, text, sizeof(text), &got));
        assert_int_equal(got.seq, params.seq_start + (uint64_t)i + 2);
        assert_ok(sl_esp_open(pair.in, kept[i], sealed, text, sizeof(text), &got));
        assert_int_equal(got.seq, params.seq_start + (uint64_t)i + 1);
    }
    /* without the high word in the AAD the same bytes do not authenticate */
    params.is_esn = false;
    params.seq_start = 0;
    struct pair plain;
    pair_create(&plain, &params);
    assert_rc(sl_esp_open(plain.in, kept[299], sealed, text, sizeof(text), &got), SL_AUTH);
    pair_free(&plain);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_every_size_returns_what_was_sealed),
        cmocka_unit_test(test_open_in_place_returns_what_was_sealed),
        cmocka_unit_test(test_open_truncated_at_every_length_refused),
        cmocka_unit_test(test_open_any_flipped_bit_refused_and_wiped),
        cmocka_unit_test(test_open_replayed_refused),
        cmocka_unit_test(test_open_lost_packets_counted_as_gap),
        cmocka_unit_test(test_open_foreign_spi_refused),
        cmocka_unit_test(test_open_small_output_refused),
        cmocka_unit_test(test_open_bad_padding_refused),
        cmocka_unit_test(test_open_long_padding_accepted),
        cmocka_unit_test(test_open_inner_that_disagrees_refused),
        cmocka_unit_test(test_open_tfc_padding_cut),
        cmocka_unit_test(test_open_dummy_dropped_and_probe_returned),
        cmocka_unit_test(test_open_esn_crosses_subspaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
