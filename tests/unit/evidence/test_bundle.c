/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle: what is written is read; every cut, flip and lie is refused with its code. */
#include "unit.h"

#include "base/bytes.h"
#include "evidence/evidence.h"

static struct sl_blob blob(const char *text)
{
    return (struct sl_blob){(const uint8_t *)text, strlen(text)};
}

static struct sl_evidence full(void)
{
    return (struct sl_evidence){
        .type = SL_ATTEST_SGX,
        .binding = SL_BINDING_REPORT_DATA,
        .evidence = blob("the quote"),
        .collateral = {.tcb_info = blob("tcb"),
                       .qe_identity = blob("qe identity"),
                       .tcb_signing_chain = blob("signing"),
                       .pck_chain = blob("pck"),
                       .pck_crl = blob("pck crl"),
                       .pck_crl_issuer_chain = blob("issuer"),
                       .root_crl = blob("root crl"),
                       .vcek = blob("vcek"),
                       .vlek = blob("vlek"),
                       .cert_chain = blob("chain"),
                       .amd_crl = blob("amd")},
    };
}

static size_t written(const struct sl_evidence *evidence, uint8_t *out, size_t size)
{
    struct sl_writer w;
    sl_writer_init(&w, out, size);
    sl_evidence_write(evidence, &w);
    assert_ok(w.rc);
    return w.off;
}

static void assert_blob(struct sl_blob a, struct sl_blob b)
{
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
}

static void assert_same(const struct sl_evidence *a, const struct sl_evidence *b)
{
    const struct sl_blob *x = &a->collateral.tcb_info;
    const struct sl_blob *y = &b->collateral.tcb_info;
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->binding, b->binding);
    assert_blob(a->evidence, b->evidence);
    for (size_t i = 0; i < sizeof(a->collateral) / sizeof(*x); i++) {
        assert_blob(x[i], y[i]);
    }
}

static void test_read_written_same(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct sl_evidence read = {0};
    struct sl_evidence in = full();
    size_t size = written(&in, bytes, sizeof(bytes));
    assert_ok(sl_evidence_read(bytes, size, &read));
    assert_same(&in, &read);
    assert_null(read.memory);
    sl_evidence_done(&read);
}

static void test_read_evidence_alone_leaves_collateral_absent(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct sl_evidence read = {0};
    struct sl_evidence in = {
        .type = SL_ATTEST_SNP, .binding = SL_BINDING_REPORT_DATA, .evidence = blob("report")};
    size_t size = written(&in, bytes, sizeof(bytes));
    assert_int_equal(size, 6 + 6 + 6);
    assert_ok(sl_evidence_read(bytes, size, &read));
    assert_int_equal(read.type, SL_ATTEST_SNP);
    assert_null(read.collateral.vcek.data);
}

static void test_read_cut_anywhere_refused(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct sl_evidence read;
    struct sl_evidence in = full();
    size_t size = written(&in, bytes, sizeof(bytes));
    for (size_t cut = 0; cut < size; cut++) {
        assert_rc(sl_evidence_read(bytes, cut, &read), SL_TRUNCATED);
    }
    bytes[size] = 0;
    assert_rc(sl_evidence_read(bytes, size + 1, &read), SL_MALFORMED);
}

static void test_read_lies_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t bytes[24];
        size_t size;
        sl_rc rc;
    } rows[] = {
        {"type 0", {0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 'q'}, 13, SL_UNSUPPORTED},
        {"type 4", {0, 4, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 'q'}, 13, SL_UNSUPPORTED},
        {"binding vTPM", {0, 1, 0, 2, 0, 1, 0, 1, 0, 0, 0, 1, 'q'}, 13, SL_UNSUPPORTED},
        {"binding 0", {0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 'q'}, 13, SL_UNSUPPORTED},
        {"no item", {0, 1, 0, 1, 0, 0}, 6, SL_MALFORMED},
        {"kind 0", {0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 'q'}, 13, SL_MALFORMED},
        {"kind 13", {0, 1, 0, 1, 0, 1, 0, 13, 0, 0, 0, 1, 'q'}, 13, SL_MALFORMED},
        {"empty", {0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0}, 12, SL_MALFORMED},
        {"no evidence", {0, 1, 0, 1, 0, 1, 0, 2, 0, 0, 0, 1, 't'}, 13, SL_MALFORMED},
        {"twice",
         {0, 1, 0, 1, 0, 2, 0, 1, 0, 0, 0, 1, 'q', 0, 1, 0, 0, 0, 1, 'r'},
         20,
         SL_MALFORMED},
        {"4 GiB", {0, 1, 0, 1, 0, 1, 0, 1, 255, 255, 255, 255, 'q'}, 13, SL_TRUNCATED},
        {"count too high", {0, 1, 0, 1, 255, 255, 0, 1, 0, 0, 0, 1, 'q'}, 13, SL_TRUNCATED},
        {"count too low", {0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 'q'}, 13, SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_evidence read = {.type = SL_ATTEST_TDX};
        sl_rc rc = sl_evidence_read(rows[i].bytes, rows[i].size, &read);
        if (rc != rows[i].rc) {
            fail_msg("%s: %s", rows[i].what, sl_rc_name(rc));
        }
        assert_int_equal(read.type, SL_ATTEST_TDX); /* untouched */
    }
}

static void test_read_too_large_refused(void **state)
{
    (void)state;
    struct sl_evidence read;
    uint8_t *bytes = calloc(1, SL_EVIDENCE_SIZE_MAX + 1);
    assert_non_null(bytes);
    assert_rc(sl_evidence_read(bytes, SL_EVIDENCE_SIZE_MAX + 1, &read), SL_RANGE);
    free(bytes);
}

static void test_write_no_room_told(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct sl_writer w;
    struct sl_evidence in = full();
    size_t size = written(&in, bytes, sizeof(bytes));
    sl_writer_init(&w, bytes, size - 1);
    sl_evidence_write(&in, &w);
    assert_rc(w.rc, SL_NO_SPACE);
}

static void test_copy_is_same_and_own(void **state)
{
    (void)state;
    struct sl_evidence copy;
    struct sl_evidence in = full();
    assert_ok(sl_evidence_copy(&in, &copy));
    assert_same(&in, &copy);
    assert_non_null(copy.memory);
    assert_ptr_not_equal(copy.evidence.data, in.evidence.data);
    sl_evidence_done(&copy);
    assert_null(copy.evidence.data);
}

static void test_copy_too_large_refused(void **state)
{
    (void)state;
    struct sl_evidence copy;
    struct sl_evidence in = full();
    uint8_t *large = calloc(1, SL_EVIDENCE_SIZE_MAX);
    assert_non_null(large);
    in.evidence = (struct sl_blob){large, SL_EVIDENCE_SIZE_MAX};
    assert_rc(sl_evidence_copy(&in, &copy), SL_RANGE);
    in.evidence.size = (size_t)-6; /* sums would wrap */
    assert_rc(sl_evidence_copy(&in, &copy), SL_RANGE);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_written_same),
        cmocka_unit_test(test_read_evidence_alone_leaves_collateral_absent),
        cmocka_unit_test(test_read_cut_anywhere_refused),
        cmocka_unit_test(test_read_lies_refused),
        cmocka_unit_test(test_read_too_large_refused),
        cmocka_unit_test(test_write_no_room_told),
        cmocka_unit_test(test_copy_is_same_and_own),
        cmocka_unit_test(test_copy_too_large_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
