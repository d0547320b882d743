/* SPDX-License-Identifier: Apache-2.0 */
/* Parser of quotes: every field where the specification has it, every length checked. */
#include "unit.h"

#include "attest/cert.h"
#include "attest/pck.h"
#include "attest/quote.h"
#include "forge.h"

static struct forge_spec spec_of(int kind)
{
    struct forge_spec spec = forge_default(kind > 0);
    spec.version = (uint16_t)(kind == 0 ? 3 : kind == 1 ? 4 : 5);
    spec.is_td15 = kind == 2;
    return spec;
}

static void test_fields_are_where_they_belong(void **state)
{
    for (int kind = 0; kind < 3; kind++) {
        struct forge_spec spec = spec_of(kind);
        struct forge forge;
        struct sl_quote quote;
        char why[SL_QUOTE_WHY_SIZE];
        spec.trailing_size = 7;
        memset(spec.rtmr[3], 0x44, 48);
        forge_make(&spec, &forge);
        assert_ok(sl_quote_parse(forge.evidence, &quote, why));
        assert_string_equal(why, "");
        assert_int_equal(quote.version, spec.version);
        assert_int_equal(quote.trailing_size, 7);
        assert_int_equal(quote.cert_type, SL_QUOTE_CERT_PCK_CHAIN);
        assert_int_equal(quote.qe_report.isv_svn, spec.qe_svn);
        assert_int_equal(quote.auth_data.size, 32);
        if (kind == 0) {
            assert_int_equal(quote.signed_part.size, 432);
            assert_memory_equal(quote.body.enclave.mrenclave, spec.mrenclave, 32);
            assert_memory_equal(quote.body.enclave.mrsigner, spec.mrsigner, 32);
            assert_int_equal(quote.body.enclave.isv_prod_id, spec.isv_prod_id);
            assert_memory_equal(quote.body.enclave.report_data, spec.report_data, 64);
        } else {
            assert_int_equal(quote.signed_part.size, kind == 1 ? 632 : 702);
            assert_memory_equal(quote.body.td.mrtd, spec.mrtd, 48);
            assert_memory_equal(quote.body.td.rtmr[3], spec.rtmr[3], 48);
            assert_memory_equal(quote.body.td.report_data, spec.report_data, 64);
            assert_memory_equal(quote.body.td.tee_tcb_svn, spec.tee_tcb_svn, 16);
            assert_int_equal(quote.body.td.is_15, kind == 2);
        }
        forge_done(&forge);
    }
}

static void test_cut_anywhere_truncated(void **state)
{
    for (int kind = 0; kind < 3; kind++) {
        struct forge_spec spec = spec_of(kind);
        struct forge forge;
        forge_make(&spec, &forge);
        for (size_t size = 0; size < forge.evidence.size; size++) {
            struct sl_quote quote;
            char why[SL_QUOTE_WHY_SIZE];
            /* a copy of just that size, so that a sanitizer sees what is read behind it */
            uint8_t *copy = malloc(size > 0 ? size : 1);
            assert_non_null(copy);
            memcpy(copy, forge.evidence.data, size);
            assert_rc(sl_quote_parse((struct sl_blob){copy, size}, &quote, why), SL_TRUNCATED);
            assert_true(why[0] != '\0');
            free(copy);
        }
        forge_done(&forge);
    }
}

struct patch {
    int kind;
    size_t off;
    uint8_t value;
    sl_rc rc;
};

static void test_bad_constants_refused(void **state)
{
    static const struct patch PATCHES[] = {
        {0, 0, 2, SL_UNSUPPORTED}, /* version */
        {0, 0, 6, SL_UNSUPPORTED},
        {0, 2, 3, SL_UNSUPPORTED},                             /* P-384 */
        {0, 4, 0x81, SL_UNSUPPORTED},                          /* TDX in version 3 */
        {1, 4, 0x80, SL_UNSUPPORTED},                          /* TEE */
        {2, 48, 1, SL_UNSUPPORTED},                            /* SGX body, TDX TEE */
        {2, 48, 4, SL_UNSUPPORTED},                            /* body type */
        {2, 48, 2, SL_MALFORMED},                              /* TD 1.0 with the size of 1.5 */
        {2, 50, 0, SL_MALFORMED},                              /* body size */
        {0, 432 + 4 + 128 + 384 + 64, 31, SL_TRUNCATED},       /* shorter authentication data */
        {0, 432 + 4 + 128 + 384 + 64 + 34, 6, SL_UNSUPPORTED}, /* certification type */
        {0, 432 + 4 + 128 + 384 + 64 + 34, 0, SL_UNSUPPORTED},
        {0, 432 + 4 + 128 + 384 + 64 + 34, 8, SL_UNSUPPORTED},
        {1, 632 + 4 + 128, 5, SL_UNSUPPORTED}, /* QE report certification data is a must */
    };
    for (size_t i = 0; i < sizeof(PATCHES) / sizeof(PATCHES[0]); i++) {
        struct forge_spec spec = spec_of(PATCHES[i].kind);
        struct forge forge;
        struct sl_quote quote;
        char why[SL_QUOTE_WHY_SIZE];
        forge_make(&spec, &forge);
        uint8_t *copy = malloc(forge.evidence.size);
        assert_non_null(copy);
        memcpy(copy, forge.evidence.data, forge.evidence.size);
        copy[PATCHES[i].off] = PATCHES[i].value;
        sl_rc rc = sl_quote_parse((struct sl_blob){copy, forge.evidence.size}, &quote, why);
        if (rc != PATCHES[i].rc || why[0] == '\0') {
            fail_msg("patch %zu: %d %s", i, (int)rc, why);
        }
        free(copy);
        forge_done(&forge);
    }
}

/* Lengths that contradict each other: shorter or longer than what is inside. */
static void test_lengths_must_agree(void **state)
{
    static const struct patch OFFS[] = {{0, 432, 0, SL_OK},
                                        {0, 432 + 4 + 128 + 384 + 64 + 36, 0, SL_OK},
                                        {1, 632, 0, SL_OK},
                                        {1, 632 + 4 + 128 + 2, 0, SL_OK}};
    for (size_t i = 0; i < sizeof(OFFS) / sizeof(OFFS[0]); i++) {
        for (int step = -1; step <= 1; step += 2) {
            struct forge_spec spec = spec_of(OFFS[i].kind);
            struct forge forge;
            struct sl_quote quote;
            char why[SL_QUOTE_WHY_SIZE];
            spec.trailing_size = 16;
            forge_make(&spec, &forge);
            uint8_t *copy = malloc(forge.evidence.size);
            assert_non_null(copy);
            memcpy(copy, forge.evidence.data, forge.evidence.size);
            copy[OFFS[i].off] = (uint8_t)(copy[OFFS[i].off] + step);
            assert_int_not_equal(
                sl_quote_parse((struct sl_blob){copy, forge.evidence.size}, &quote, why), SL_OK);
            free(copy);
            forge_done(&forge);
        }
    }
}

static void test_too_large_malformed(void **state)
{
    struct sl_quote quote;
    char why[SL_QUOTE_WHY_SIZE];
    uint8_t byte = 3;
    assert_rc(sl_quote_parse((struct sl_blob){&byte, SL_QUOTE_SIZE_MAX + 1}, &quote, why),
              SL_MALFORMED);
}

/* -- PCK extension -------------------------------------------------------------------------- */

static struct sl_blob extension_of(const struct forge *forge, struct sl_cert_list *list)
{
    char why[SL_CERT_WHY_SIZE];
    assert_ok(sl_cert_list_add(list, forge->collateral.pck_chain, false, why));
    assert_int_equal(list->count, 3);
    return list->certs[0].sgx_extension;
}

static void test_pck_fields(void **state)
{
    struct forge_spec spec = forge_default(false);
    struct forge forge;
    struct sl_cert_list list = {0};
    struct sl_pck pck;
    char why[SL_PCK_WHY_SIZE];
    forge_make(&spec, &forge);
    assert_ok(sl_pck_parse(extension_of(&forge, &list), &pck, why));
    assert_memory_equal(pck.components, spec.components, 16);
    assert_memory_equal(pck.cpu_svn, spec.components, 16);
    assert_memory_equal(pck.fmspc, spec.fmspc, 6);
    assert_int_equal(pck.pce_svn, spec.pce_svn);
    assert_int_equal(pck.ppid[0], 0x11);
    assert_string_equal(sl_pck_sgx_type_text(pck.sgx_type), "scalable");
    assert_true(pck.has_platform_instance_id);
    assert_true(pck.has_smt_enabled && pck.is_smt_enabled);
    assert_string_equal(sl_pck_sgx_type_text(9), "unknown");
    sl_cert_list_done(&list);
    forge_done(&forge);
}

static void test_pck_cut_or_changed_never_taken_for_whole(void **state)
{
    struct forge_spec spec = forge_default(false);
    struct forge forge;
    struct sl_cert_list list = {0};
    struct sl_pck whole;
    struct sl_pck pck;
    char why[SL_PCK_WHY_SIZE];
    forge_make(&spec, &forge);
    struct sl_blob der = extension_of(&forge, &list);
    assert_ok(sl_pck_parse(der, &whole, why));
    uint8_t *copy = malloc(der.size);
    assert_non_null(copy);
    memcpy(copy, der.data, der.size);
    for (size_t size = 0; size < der.size; size++) {
        assert_int_not_equal(sl_pck_parse((struct sl_blob){copy, size}, &pck, why), SL_OK);
        assert_true(why[0] != '\0');
    }
    for (size_t off = 0; off < der.size; off++) {
        for (int bit = 0; bit < 8; bit++) {
            copy[off] ^= (uint8_t)(1U << bit);
            sl_rc rc = sl_pck_parse((struct sl_blob){copy, der.size}, &pck, why);
            /* refused, or told as another value, or an optional member by another name */
            assert_true(rc != SL_OK || memcmp(&pck, &whole, sizeof(pck)) != 0);
            copy[off] ^= (uint8_t)(1U << bit);
        }
    }
    free(copy);
    sl_cert_list_done(&list);
    forge_done(&forge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_where_they_belong),
        cmocka_unit_test(test_cut_anywhere_truncated),
        cmocka_unit_test(test_bad_constants_refused),
        cmocka_unit_test(test_lengths_must_agree),
        cmocka_unit_test(test_too_large_malformed),
        cmocka_unit_test(test_pck_fields),
        cmocka_unit_test(test_pck_cut_or_changed_never_taken_for_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
