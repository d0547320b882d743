/* SPDX-License-Identifier: Apache-2.0 */
/* One appraisal of a made SEV-SNP platform, with everything right unless a test changes it before
 * judge(). */
#ifndef SL_TESTS_ATTEST_SNP_JUDGE_H
#define SL_TESTS_ATTEST_SNP_JUDGE_H

#include "unit.h"

#include "attest/result.h"
#include "safelib/attest.h"
#include "snp_rig.h"

struct test_case {
    struct snp_rig *rig;
    struct sl_attest_policy policy;
    struct sl_attest_collateral collateral;
    struct sl_attest_roots roots;
    struct sl_attest_input input;
    struct sl_attest_result *result;
};

static inline void case_init(struct test_case *t, const struct snp_spec *spec)
{
    memset(t, 0, sizeof(*t));
    t->rig = snp_rig_make(spec);
    t->policy.is_any_identity = true;
    if (spec->is_vlek) {
        t->collateral.vlek = t->rig->leaf_der;
    } else {
        t->collateral.vcek = t->rig->leaf_der;
    }
    t->collateral.cert_chain = t->rig->chain_pem;
    t->roots.pem = t->rig->root_pem;
    t->input = (struct sl_attest_input){
        .type = SL_ATTEST_SNP, .evidence = {t->rig->report, SL_SNP_REPORT_SIZE}, .time_s = PKI_NOW};
}

static inline void judge(struct test_case *t)
{
    sl_attest_result_free(t->result);
    t->result = NULL;
    t->input.collateral = &t->collateral;
    t->input.roots = &t->roots;
    t->input.policy = &t->policy;
    assert_ok(sl_attest_verify(&t->input, &t->result));
}

static inline void case_done(struct test_case *t)
{
    sl_attest_result_free(t->result);
    snp_rig_free(t->rig);
}

static inline void findings_print(const struct sl_attest_result *result)
{
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *f = sl_attest_result_finding(result, i);
        print_message("  %d %s: %s\n", (int)f->severity, f->code, f->text);
    }
}

/* Only findings with this check failed, and at least one; SL_ATTEST_CHECK_COUNT: accepted. */
static inline void assert_failure(const struct sl_attest_result *result, enum sl_attest_check check)
{
    const struct sl_findings *findings = &result->findings;
    bool is_found = false, is_other = false;
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->list[i].severity == SL_ATTEST_FAILURE) {
            is_found = is_found || findings->checks[i] == check;
            is_other = is_other || findings->checks[i] != check;
        }
    }
    if (is_other || is_found != (check != SL_ATTEST_CHECK_COUNT)) {
        findings_print(result);
    }
    assert_false(is_other);
    assert_int_equal(is_found, check != SL_ATTEST_CHECK_COUNT);
    assert_int_equal(sl_attest_result_is_accepted(result), check == SL_ATTEST_CHECK_COUNT);
}

static inline bool has_failure(const struct sl_attest_result *result)
{
    return !sl_attest_result_is_accepted(result);
}

#endif
