/* SPDX-License-Identifier: Apache-2.0 */
/* Emulated evidence through the bundle into the verifier: its whole normal path runs, and what
 * tells the emulator from hardware is the one finding "emulated". */
#include "unit.h"

#include <time.h>

#include "attest/emulated_root.h"
#include "base/bytes.h"
#include "device/keys.h"
#include "evidence/producers.h"

enum { CERTIFICATES_OFF = 436 + 64 + 64 + 384 + 64 + 2 + 32 + 2 + 4 };

struct rig {
    struct sl_machine machine;
    struct sl_evidence_producer producer;
    uint8_t data[64];
    uint8_t bundle[SL_EVIDENCE_SIZE_MAX];
    struct sl_evidence evidence; /* points into the bundle, as at the gateway */
    uint8_t quote[16384];
};

static int setup(void **state)
{
    static struct rig rig;
    static struct sl_secs secs;
    struct sl_err err = {0};
    struct sl_target_info target;
    struct sl_report report;
    struct sl_evidence made;
    struct sl_writer w;
    rig = (struct rig){.data = {9, 8, 7}};
    secs.attributes = (struct sl_attributes){SL_ATTR_INIT | SL_ATTR_MODE64BIT, 7};
    memset(secs.mrenclave, 0x44, sizeof(secs.mrenclave));
    const struct sl_identity identity = {.secs = &secs};
    assert_ok(sl_machine_init_transient(&rig.machine));
    assert_ok(sl_evidence_emu_open(&rig.machine, &rig.producer, &err));
    assert_ok(rig.producer.target_info(rig.producer.ctx, (uint8_t *)&target, &err));
    assert_ok(sl_machine_ereport(&rig.machine, &identity, &target, rig.data, &report));
    assert_ok(
        rig.producer.produce(rig.producer.ctx, rig.data, (const uint8_t *)&report, &made, &err));
    sl_writer_init(&w, rig.bundle, sizeof(rig.bundle));
    sl_evidence_write(&made, &w);
    assert_ok(w.rc);
    sl_evidence_done(&made);
    assert_ok(sl_evidence_read(rig.bundle, w.off, &rig.evidence));
    memcpy(rig.quote, rig.evidence.evidence.data, rig.evidence.evidence.size);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    sl_evidence_producer_done(&rig->producer);
    sl_machine_done(&rig->machine);
    return 0;
}

static struct sl_attest_policy policy_of(bool is_emulated_allowed)
{
    struct sl_attest_policy policy = {.reference_count = 1,
                                      .insecure_allow_emulated = is_emulated_allowed};
    policy.references[0].has_mrenclave = true;
    memset(policy.references[0].mrenclave, 0x44, 32);
    return policy;
}

static struct sl_attest_result *judge(const struct rig *rig, const struct sl_attest_policy *policy,
                                      const uint8_t *data, int64_t later_s,
                                      const struct sl_attest_roots *roots)
{
    struct sl_attest_result *result = NULL;
    const struct sl_attest_input input = {
        .type = rig->evidence.type,
        .evidence = {rig->quote, rig->evidence.evidence.size},
        .collateral = &rig->evidence.collateral,
        .roots = roots,
        .policy = policy,
        .time_s = (int64_t)time(NULL) + later_s,
        .report_data = {data, 64},
    };
    assert_ok(sl_attest_verify(&input, &result));
    return result;
}

static bool is_accepted(const struct rig *rig, const struct sl_attest_policy *policy,
                        const uint8_t *data, int64_t later_s)
{
    struct sl_attest_result *result = judge(rig, policy, data, later_s, NULL);
    bool accepted = sl_attest_result_is_accepted(result);
    sl_attest_result_free(result);
    return accepted;
}

static void test_only_failure_is_that_it_is_emulated(void **state)
{
    struct rig *rig = *state;
    struct sl_attest_policy policy = policy_of(false);
    struct sl_attest_result *result = judge(rig, &policy, rig->data, 0, NULL);
    assert_false(sl_attest_result_is_accepted(result));
    assert_int_equal(sl_attest_result_tcb_status(result), SL_TCB_UP_TO_DATE);
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *finding = sl_attest_result_finding(result, i);
        if (finding->severity == SL_ATTEST_FAILURE) {
            assert_string_equal(finding->code, "emulated");
        }
    }
    sl_attest_result_free(result);
}

static void test_accepted_where_policy_says_insecure(void **state)
{
    struct rig *rig = *state;
    struct sl_attest_policy policy = policy_of(true);
    struct sl_attest_result *result = judge(rig, &policy, rig->data, 0, NULL);
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        print_message("%s: %s\n", sl_attest_result_finding(result, i)->code,
                      sl_attest_result_finding(result, i)->text);
    }
    assert_true(sl_attest_result_is_accepted(result));
    assert_int_equal(sl_attest_result_status(result), SL_ATTEST_WARNED); /* never affirming */
    sl_attest_result_free(result);
}

static void test_its_root_named_is_no_way_around(void **state)
{
    struct rig *rig = *state;
    struct sl_attest_policy policy = policy_of(false);
    const struct sl_attest_roots roots = {.pem = sl_attest_emulated_root()};
    struct sl_attest_result *result = judge(rig, &policy, rig->data, 0, &roots);
    assert_false(sl_attest_result_is_accepted(result));
    sl_attest_result_free(result);
}

static void test_other_data_time_or_identity_refused(void **state)
{
    struct rig *rig = *state;
    struct sl_attest_policy policy = policy_of(true);
    uint8_t data[64] = {9, 8, 6};
    assert_true(is_accepted(rig, &policy, rig->data, 29 * 86400));
    assert_false(is_accepted(rig, &policy, data, 0));
    assert_false(is_accepted(rig, &policy, rig->data, 31 * 86400));
    assert_false(is_accepted(rig, &policy, rig->data, -2 * 86400));
    policy.references[0].mrenclave[31] ^= 1;
    assert_false(is_accepted(rig, &policy, rig->data, 0));
}

static void test_bits_of_the_quote_flipped_refused(void **state)
{
    struct rig *rig = *state;
    struct sl_attest_policy policy = policy_of(true);
    /* every byte of the header and of sizes, every seventh of measurements, keys and signatures */
    for (size_t i = 0; i < CERTIFICATES_OFF; i += i < 48 || i % 436 < 4 || i > 1010 ? 1 : 7) {
        rig->quote[i] ^= (uint8_t)(1u << (i % 8));
        if (is_accepted(rig, &policy, rig->data, 0)) {
            fail_msg("byte %zu", i);
        }
        rig->quote[i] ^= (uint8_t)(1u << (i % 8));
    }
    assert_true(is_accepted(rig, &policy, rig->data, 0));
}

static void test_any_collateral_missing_refused(void **state)
{
    struct rig *rig = *state;
    struct sl_attest_policy policy = policy_of(true);
    struct sl_blob *items[] = {
        &rig->evidence.collateral.tcb_info,          &rig->evidence.collateral.qe_identity,
        &rig->evidence.collateral.tcb_signing_chain, &rig->evidence.collateral.pck_crl,
        &rig->evidence.collateral.root_crl,
    };
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        struct sl_blob kept = *items[i];
        *items[i] = (struct sl_blob){NULL, 0};
        if (is_accepted(rig, &policy, rig->data, 0)) {
            fail_msg("item %zu", i);
        }
        *items[i] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_failure_is_that_it_is_emulated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_accepted_where_policy_says_insecure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_its_root_named_is_no_way_around, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_data_time_or_identity_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bits_of_the_quote_flipped_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_collateral_missing_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
