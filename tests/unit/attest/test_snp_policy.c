/* SPDX-License-Identifier: Apache-2.0 */
/* A SEV-SNP report against the policy: TCB, guest policy, identity, report data. */
#include "snp_judge.h"

static void test_snp_verify_minimum_tcb(void **state)
{
    for (int product = 0; product < SL_SNP_PRODUCT_COUNT; product++) {
        struct snp_spec spec = snp_spec_make((enum sl_snp_product)product, false);
        struct test_case t;
        case_init(&t, &spec);
        struct sl_snp_tcb have = sl_snp_tcb_read((enum sl_snp_product)product, spec.cert_tcb);
        t.policy.min_snp_tcb[product] = have;
        judge(&t);
        assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
        uint8_t *const parts[] = {
            &t.policy.min_snp_tcb[product].bootloader, &t.policy.min_snp_tcb[product].tee,
            &t.policy.min_snp_tcb[product].snp, &t.policy.min_snp_tcb[product].microcode,
            &t.policy.min_snp_tcb[product].fmc};
        for (size_t i = 0; i < 5; i++) {
            (*parts[i])++;
            judge(&t);
            assert_failure(t.result, SL_CHECK_SNP_TCB);
            assert_int_equal(sl_attest_result_tcb_status(t.result), SL_TCB_OUT_OF_DATE);
            (*parts[i])--;
        }
        t.policy.min_snp_tcb[product].microcode++;
        t.policy.tcb_accepted = 1U << SL_TCB_OUT_OF_DATE;
        judge(&t);
        assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
        assert_int_equal(sl_attest_result_status(t.result), SL_ATTEST_WARNED);
        /* Launched below it, updated since. */
        t.policy.min_snp_tcb[product].microcode--;
        t.policy.tcb_accepted = 0;
        t.rig->report[0x1f7]--;
        snp_rig_sign(t.rig);
        judge(&t);
        assert_failure(t.result, SL_CHECK_SNP_TCB);
        case_done(&t);
    }
}

static void test_snp_verify_guest_policy_against_ours(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    t.policy.is_smt_refused = true;
    judge(&t);
    assert_failure(t.result, SL_CHECK_SNP_POLICY);
    t.policy.is_smt_refused = false;
    t.policy.is_migration_refused = true;
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    t.rig->report[0x0a] |= 0x04;
    snp_rig_sign(t.rig);
    judge(&t);
    assert_failure(t.result, SL_CHECK_SNP_POLICY);
    t.policy.is_migration_refused = false;
    t.policy.insecure_allow_debug = true;
    t.rig->report[0x0a] = 0x0b;
    t.rig->report[0x30] = 1;
    t.policy.max_vmpl = 1;
    snp_rig_sign(t.rig);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    assert_int_equal(sl_attest_result_status(t.result), SL_ATTEST_WARNED);
    case_done(&t);
}

static void test_snp_verify_references(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    t.policy.is_any_identity = false;
    judge(&t);
    assert_failure(t.result, SL_CHECK_POLICY_EMPTY);
    struct sl_attest_reference *ref = &t.policy.references[0];
    t.policy.reference_count = 1;
    ref->has_mrenclave = true; /* another technology's */
    ref->has_host_data = true;
    judge(&t);
    assert_failure(t.result, SL_CHECK_POLICY_EMPTY);
    ref->has_measurement = true;
    memset(ref->measurement, 0x11, 48);
    judge(&t); /* demands something of SGX besides: nothing here can meet that */
    assert_failure(t.result, SL_CHECK_POLICY_EMPTY);
    ref->has_mrenclave = false;
    memset(ref->host_data, 0x22, 32);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    assert_int_equal(sl_attest_result_vector(t.result).executables, 2);
    ref->has_id_key_digest = true;
    judge(&t);
    assert_failure(t.result, SL_CHECK_IDENTITY);
    memset(ref->id_key_digest, 0x33, 48);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    ref->host_data[31] ^= 1;
    judge(&t);
    assert_failure(t.result, SL_CHECK_IDENTITY);
    ref->has_host_data = false;
    ref->measurement[47] ^= 1;
    judge(&t);
    assert_failure(t.result, SL_CHECK_IDENTITY);
    ref->has_measurement = false; /* the ID key alone: its owner decides */
    ref->min_guest_svn = 7;
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    ref->min_guest_svn = 8;
    judge(&t);
    assert_failure(t.result, SL_CHECK_SVN);
    t.policy.references[1] = *ref;
    t.policy.references[1].min_guest_svn = 0;
    t.policy.reference_count = 2;
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    case_done(&t);
}

/* A guest without an ID block has an ID key digest of zeros, and no owner: a reference of zeros,
 * left over from a template, must not take every such guest. */
static void test_snp_verify_id_key_digest_of_zeros_is_no_identity(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    memset(t.rig->report + 0xe0, 0, 48);
    snp_rig_sign(t.rig);
    t.policy.is_any_identity = false;
    t.policy.reference_count = 1;
    t.policy.references[0].has_id_key_digest = true;
    judge(&t);
    assert_failure(t.result, SL_CHECK_IDENTITY);
    case_done(&t);
}

static void test_snp_verify_report_data_and_nonce(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    uint8_t data[64];
    memcpy(data, t.rig->report + 0x50, 64);
    t.input.report_data = (struct sl_blob){data, 64};
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    data[63] ^= 1;
    judge(&t);
    assert_failure(t.result, SL_CHECK_REPORT_DATA);
    t.input.report_data = (struct sl_blob){NULL, 0};
    t.input.nonce = (struct sl_blob){data, 32};
    judge(&t);
    assert_failure(t.result, SL_CHECK_REPORT_DATA); /* the rest is not zero */
    memset(t.rig->report + 0x70, 0, 32);
    snp_rig_sign(t.rig);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    case_done(&t);
}

static int teardown(void **state)
{
    snp_keys_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snp_verify_minimum_tcb),
        cmocka_unit_test(test_snp_verify_guest_policy_against_ours),
        cmocka_unit_test(test_snp_verify_references),
        cmocka_unit_test(test_snp_verify_id_key_digest_of_zeros_is_no_identity),
        cmocka_unit_test(test_snp_verify_report_data_and_nonce),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
