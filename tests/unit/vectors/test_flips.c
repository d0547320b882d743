/* SPDX-License-Identifier: Apache-2.0 */
/* Every vector that is accepted is refused with any one bit changed in anything that is signed, and
 * outside of the time for which it holds. Generated: nobody chooses the bits. */
#include "load.h"

#include <jansson.h>
#include <openssl/pem.h>

#include "attest/x509.h"
#include "collateral/expiry.h"
#include "safelib/bytes.h"

/* A part of the evidence that a signature or the format fixes. */
struct range {
    const char *name;
    size_t off, size;
};

/* A verification costs a millisecond and more: of long parts every third byte of evidence (so that
 * each field of four is hit) and every 37th of collateral is changed. SL_FLIPS=all changes each. */
enum { SHORT_PART = 128, EVIDENCE_STEP = 3, COLLATERAL_STEP = 37 };

static size_t step_of(size_t step)
{
    const char *flips = getenv("SL_FLIPS");
    return flips != NULL && strcmp(flips, "all") == 0 ? 1 : step;
}

static unsigned g_wrong;
static size_t g_flips;

static void expect_refused(const struct loaded *l, const char *name, const char *part, size_t off)
{
    g_flips++;
    if (vector_is_accepted(l)) {
        print_message("%s: accepted with a bit changed in %s, byte %zu\n", name, part, off);
        g_wrong++;
    }
}

static void flip_range(const struct vector_case *c, struct loaded *l, const struct range *range)
{
    size_t step = range->size <= SHORT_PART ? 1 : step_of(EVIDENCE_STEP);
    for (size_t i = range->off; i < range->off + range->size; i += step) {
        uint8_t bit = (uint8_t)(1u << (i % 8));
        assert_true(i < l->evidence_size);
        l->evidence[i] ^= bit;
        expect_refused(l, c->name, range->name, i);
        l->evidence[i] ^= bit;
    }
}

/* Quote: header and body, then u32 size, signature, key, [v4 on: u16 6, u32 size], QE report and
 * its signature, u16 size, QE authentication data, u16 type, u32 size of what certifies. */
static void flip_quote(const struct vector_case *c, struct loaded *l)
{
    enum { SIGNATURE_AND_KEY = 128, REPORT_AND_SIGNATURE = 384 + 64 };
    const uint8_t *q = l->evidence;
    unsigned version = sl_le16_get(q);
    size_t body = version == 3 ? 384 : version == 4 ? 584 : 6 + sl_le32_get(q + 50);
    size_t at = 48 + body;
    struct range ranges[] = {
        {"header and body", 0, at},
        {"size of the signature data", at, 4},
        {"signature and key", at + 4, SIGNATURE_AND_KEY},
        {"certification type and size", at + 4 + SIGNATURE_AND_KEY, version == 3 ? 0 : 6},
        {"QE report", 0, REPORT_AND_SIGNATURE},
        {"QE authentication data", 0, 0},
        {"inner certification type and size", 0, 6},
    };
    ranges[4].off = ranges[3].off + ranges[3].size;
    ranges[5].off = ranges[4].off + ranges[4].size;
    ranges[5].size = 2 + (size_t)sl_le16_get(q + ranges[5].off);
    ranges[6].off = ranges[5].off + ranges[5].size;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        flip_range(c, l, &ranges[i]);
    }
}

/* AMD 56860 table 23: 672 bytes, then r and s in 72 bytes each, of which 48 count; the rest of them
 * and what follows must be zero. */
static void flip_report(const struct vector_case *c, struct loaded *l)
{
    static const struct range ranges[] = {
        {"report", 0, 672},
        {"r", 672, 72},
        {"s", 744, 72},
        {"reserved bytes behind the signature", 816, 368},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        flip_range(c, l, &ranges[i]);
    }
}

/* The signed object and its signature, without what stands around them. */
static void flip_json(const struct vector_case *c, struct loaded *l, enum sl_collateral_part part)
{
    uint8_t *text = l->collateral.memory[part];
    size_t size = sl_collateral_part(&l->collateral, part).size;
    while (size > 0 && text[size - 1] != '}') {
        size--;
    }
    for (size_t i = 0; i < size; i += step_of(COLLATERAL_STEP)) {
        text[i] ^= (uint8_t)(1u << (i % 7)); /* not bit 7 alone: plain text too */
        bool is_case = i % 7 == 5 && memchr("abcdefABCDEF", text[i], 12) != NULL;
        if (!is_case) { /* a hex digit of the signature in the other case is the same */
            expect_refused(l, c->name, sl_collateral_name(part), i);
        }
        text[i] ^= (uint8_t)(1u << (i % 7));
    }
}

static void flip_der(const struct vector_case *c, struct loaded *l, enum sl_collateral_part part,
                     size_t off, size_t size)
{
    uint8_t *der = l->collateral.memory[part];
    for (size_t i = off; i < off + size; i += step_of(COLLATERAL_STEP)) {
        der[i] ^= (uint8_t)(1u << (i % 8));
        expect_refused(l, c->name, sl_collateral_name(part), i);
        der[i] ^= (uint8_t)(1u << (i % 8));
    }
}

/* A chain as DER in a row; every certificate but self-signed ones, which are pinned elsewhere. */
static void flip_chain(const struct vector_case *c, struct loaded *l, enum sl_collateral_part part)
{
    enum { DER_MAX = 16 << 10 };
    static uint8_t der[DER_MAX];
    struct sl_x509_list list = {0};
    struct range ranges[SL_X509_CHAIN_MAX] = {0};
    uint8_t *at = der;
    assert_ok(sl_x509_list_read(sl_collateral_part(&l->collateral, part), &list));
    for (size_t i = 0; i < list.count; i++) {
        ranges[i].off = (size_t)(at - der);
        int size = i2d_X509(list.certs[i], &at);
        assert_true(size > 0 && at < der + sizeof(der));
        bool is_root = X509_NAME_cmp(X509_get_subject_name(list.certs[i]),
                                     X509_get_issuer_name(list.certs[i])) == 0;
        ranges[i].size = is_root ? 0 : (size_t)size;
    }
    assert_ok(sl_collateral_put(&l->collateral, part, der, (size_t)(at - der)));
    assert_true(vector_is_accepted(l));
    for (size_t i = 0; i < list.count; i++) {
        flip_der(c, l, part, ranges[i].off, ranges[i].size);
    }
    sl_x509_list_done(&list);
}

static void flip_collateral(const struct vector_case *c, struct loaded *l)
{
    for (unsigned part = 0; part < SL_COLLATERAL_PART_COUNT; part++) {
        struct sl_blob blob = sl_collateral_part(&l->collateral, part);
        /* the issuer's chain of the PCK CRL is needed only where the quote lacks it */
        if (blob.data == NULL || part == SL_COLLATERAL_pck_crl_issuer_chain) {
            continue;
        }
        switch (sl_collateral_kind(part)) {
        case SL_COLLATERAL_JSON:
            flip_json(c, l, part);
            break;
        case SL_COLLATERAL_CERTS:
            flip_chain(c, l, part);
            break;
        case SL_COLLATERAL_CRL:
            if (blob.data[0] == 0x30) {
                flip_der(c, l, part, 0, blob.size);
            }
            break;
        }
    }
}

static void test_one_bit_is_refused(void **state)
{
    (void)state;
    unsigned accepted = 0;
    for (size_t i = 0; i < vector_case_count; i++) {
        const struct vector_case *c = &vector_cases[i];
        struct loaded l;
        if (c->failures[0] != '\0') {
            continue;
        }
        vector_load(c, &l);
        assert_true(vector_is_accepted(&l));
        accepted++;
        if (c->type == SL_ATTEST_SNP) {
            flip_report(c, &l);
        } else {
            flip_quote(c, &l);
        }
        flip_collateral(c, &l);
        assert_true(vector_is_accepted(&l)); /* every bit was put back */
        vector_done(&l);
    }
    print_message("%u vectors, %zu bits changed, %u accepted\n", accepted, g_flips, g_wrong);
    assert_true(accepted > 0);
    assert_int_equal(g_wrong, 0);
}

static int64_t validity(const struct loaded *l, const char *member)
{
    int64_t time_s = 0;
    char *text = NULL;
    struct sl_attest_result *result = vector_judge(l);
    assert_ok(sl_attest_result_json(result, &text));
    json_t *root = json_loads(text, 0, NULL);
    const char *when =
        json_string_value(json_object_get(json_object_get(root, "validity"), member));
    assert_non_null(when);
    assert_true(sl_expiry_time(when, &time_s));
    json_decref(root);
    free(text);
    sl_attest_result_free(result);
    return time_s;
}

static void test_time_outside_of_validity_is_refused(void **state)
{
    (void)state;
    enum { DAY_S = 86400, YEAR_S = 365 * DAY_S };
    for (size_t i = 0; i < vector_case_count; i++) {
        const struct vector_case *c = &vector_cases[i];
        struct loaded l;
        if (c->failures[0] != '\0') {
            continue;
        }
        vector_load(c, &l);
        int64_t from_s = validity(&l, "not_before");
        int64_t to_s = validity(&l, "not_after");
        assert_true(from_s <= l.input.time_s && l.input.time_s <= to_s);
        const struct {
            int64_t time_s;
            bool is_good;
        } times[] = {
            {0, false},
            {from_s - YEAR_S, false},
            {from_s - 1, false},
            {from_s, true},
            {to_s, true},
            {to_s + 1, false},
            {to_s + YEAR_S, false},
            {INT64_MAX, false},
            {INT64_MIN, false},
        };
        for (size_t t = 0; t < sizeof(times) / sizeof(times[0]); t++) {
            l.input.time_s = times[t].time_s;
            if (vector_is_accepted(&l) != times[t].is_good) {
                fail_msg("%s at %lld: %s, valid from %lld to %lld", c->name,
                         (long long)times[t].time_s, times[t].is_good ? "refused" : "accepted",
                         (long long)from_s, (long long)to_s);
            }
        }
        vector_done(&l);
    }
}

static void test_evidence_cut_short_is_refused(void **state)
{
    (void)state;
    enum { HEAD = 1100 };
    for (size_t i = 0; i < vector_case_count; i++) {
        const struct vector_case *c = &vector_cases[i];
        struct loaded l;
        if (c->failures[0] != '\0') {
            continue;
        }
        vector_load(c, &l);
        for (size_t size = 0; size < HEAD && size < l.evidence_size; size++) {
            uint8_t *cut = malloc(size + 1); /* of its own, so that ASan sees an overread */
            assert_non_null(cut);
            memcpy(cut, l.evidence, size);
            l.input.evidence = (struct sl_blob){cut, size};
            if (size < l.evidence_size && (c->type == SL_ATTEST_SNP || size < 1000)) {
                assert_false(vector_is_accepted(&l));
            }
            free(cut);
        }
        vector_done(&l);
    }
}

/* The published log replays to the quote's RTMRs; with one bit of any event's digest changed it
 * does not. (The quote comes without collateral, so it is refused for that in both cases.) */
static void test_event_log_flipped_is_refused(void **state)
{
    (void)state;
    enum { LOG_USED = 18000, LOG_STEP = 211 };
    struct loaded l;
    const struct vector_case *c = NULL;
    size_t told = 0;
    for (size_t i = 0; i < vector_case_count && c == NULL; i++) {
        c = vector_cases[i].ccel != NULL ? &vector_cases[i] : NULL;
    }
    assert_non_null(c);
    vector_load(c, &l);
    struct sl_attest_result *result = vector_judge(&l);
    assert_false(vector_has(result, "ccel-replay") || vector_has(result, "ccel-format"));
    sl_attest_result_free(result);
    for (size_t i = 100; i < LOG_USED; i += LOG_STEP) {
        l.ccel[i] ^= 1;
        result = vector_judge(&l);
        assert_false(sl_attest_result_is_accepted(result));
        told += vector_has(result, "ccel-replay") || vector_has(result, "ccel-format");
        sl_attest_result_free(result);
        l.ccel[i] ^= 1;
    }
    /* the events' data beside the digests is not extended into an RTMR by itself */
    print_message("%zu of %d places broke the replay\n", told, (LOG_USED - 100) / LOG_STEP + 1);
    assert_true(told > 0);
    vector_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_bit_is_refused),
        cmocka_unit_test(test_time_outside_of_validity_is_refused),
        cmocka_unit_test(test_evidence_cut_short_is_refused),
        cmocka_unit_test(test_event_log_flipped_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
