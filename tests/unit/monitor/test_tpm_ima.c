/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds of the driver "tpm-ima": what is trusted, and every way not to be. */
#include "../unit.h"

#include <openssl/ec.h>

#include "monitor/drivers.h"
#include "monitor/json_bytes.h"
#include "monitor/tpm_state.h"
#include "rig.h"

static const struct sl_subject *host_of(const struct sl_appraisal *appraisal)
{
    return rig_subject(appraisal, SL_SUBJECT_HOST, "host");
}

static void assert_subject(const struct sl_appraisal *appraisal, enum sl_subject_kind kind,
                           const char *id, enum sl_verdict verdict, const char *code)
{
    const struct sl_subject *subject = rig_subject(appraisal, kind, id);

    if (subject->verdict != verdict || (code != NULL && rig_reason(subject, code) == NULL)) {
        rig_show(appraisal);
        fail_msg("%s is %s, expected %s by %s", id, sl_verdict_text(subject->verdict),
                 sl_verdict_text(verdict), code);
    }
}

static void assert_host(const struct sl_appraisal *appraisal, enum sl_verdict verdict,
                        const char *code)
{
    assert_subject(appraisal, SL_SUBJECT_HOST, "host", verdict, code);
}

static void assert_container(const struct sl_appraisal *appraisal, const char *id,
                             enum sl_verdict verdict, const char *code)
{
    assert_subject(appraisal, SL_SUBJECT_CONTAINER, id, verdict, code);
}

static void round_expect(struct rig *rig, enum sl_verdict verdict, const char *code)
{
    struct sl_appraisal appraisal;

    rig_round(rig, &appraisal);
    assert_host(&appraisal, verdict, code);
    sl_appraisal_done(&appraisal);
}

static struct rig *good_rig(void)
{
    struct rig *rig = rig_make();

    rig_measure(rig, 10, "/sbin/init");
    rig_measure(rig, 10, "/bin/sh");
    return rig;
}

static void test_good_host_is_trusted_without_reasons(void **state)
{
    struct rig *rig = good_rig();
    struct sl_appraisal appraisal;

    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_int_equal(json_array_size(host_of(&appraisal)->reasons), 0);
    assert_false(appraisal.is_reboot);
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_unknown_digest_is_named_with_entry_path_digest_and_remedy(void **state)
{
    struct rig *rig = good_rig();
    struct sl_appraisal appraisal;
    const json_t *reason;

    rig_measure(rig, 10, "/tmp/evil");
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_UNTRUSTED, "digest-unknown");
    reason = rig_reason(host_of(&appraisal), "digest-unknown");
    assert_int_equal(json_integer_value(json_object_get(reason, "entry")), 4);
    assert_int_equal(json_integer_value(json_object_get(reason, "pcr")), 10);
    assert_string_equal(json_string_value(json_object_get(reason, "path")), "/tmp/evil");
    assert_memory_equal(json_string_value(json_object_get(reason, "digest")), "sha256:", 7);
    assert_non_null(json_object_get(reason, "remedy"));
    sl_appraisal_done(&appraisal);

    /* remembered, until its digest is imported */
    rig_measure(rig, 10, "/bin/sh");
    round_expect(rig, SL_VERDICT_UNTRUSTED, "digest-unknown");
    rig->known[rig->known_count++] = "host:/tmp/evil";
    round_expect(rig, SL_VERDICT_TRUSTED, NULL);
    rig_free(rig);
}

static void test_list_goes_on_from_the_checkpoint(void **state)
{
    struct rig *rig = good_rig();
    struct sl_appraisal appraisal;

    round_expect(rig, SL_VERDICT_TRUSTED, NULL);
    rig_measure(rig, 10, "/bin/sh");
    rig_measure(rig, 10, "/sbin/init");
    rig_round(rig, &appraisal);
    assert_int_equal(rig->from, 3);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    sl_appraisal_done(&appraisal);
    round_expect(rig, SL_VERDICT_TRUSTED, NULL); /* nothing new */
    assert_int_equal(rig->from, 5);
    rig_free(rig);
}

static void test_quote_is_met_at_a_prefix_and_the_rest_waits(void **state)
{
    struct rig *rig = good_rig();
    struct sl_appraisal appraisal;

    rig_measure(rig, 10, "/tmp/evil");
    rig_judge(rig, rig_evidence(rig, 3, 4), true, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL); /* entry 4 is not proven yet */
    sl_appraisal_done(&appraisal);
    rig->from = 3;
    rig_judge(rig, rig_evidence(rig, 4, 4), true, &appraisal);
    assert_host(&appraisal, SL_VERDICT_UNTRUSTED, "digest-unknown");
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_shown_entries_must_be_quoted_in_time(void **state)
{
    struct rig *rig = good_rig();
    struct sl_appraisal appraisal;

    rig_measure(rig, 10, "/bin/sh");
    rig_judge(rig, rig_evidence(rig, 3, 4), true, &appraisal);
    sl_appraisal_done(&appraisal);
    rig->from = 3;
    rig_judge(rig, rig_evidence(rig, 3, 4), true, &appraisal);
    assert_host(&appraisal, SL_VERDICT_DEGRADED, "list-no-progress");
    sl_appraisal_done(&appraisal);
    rig->clock += 61;
    rig_judge(rig, rig_evidence(rig, 3, 4), true, &appraisal);
    assert_host(&appraisal, SL_VERDICT_UNTRUSTED, "list-no-progress");
    sl_appraisal_done(&appraisal);
    rig_judge(rig, rig_evidence(rig, 4, 4), true, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

/* ---- what must be refused ---- */

static void judge_expect(struct rig *rig, json_t *evidence, enum sl_verdict verdict,
                         const char *code)
{
    struct sl_appraisal appraisal;

    rig_judge(rig, evidence, false, &appraisal);
    assert_host(&appraisal, verdict, code);
    sl_appraisal_done(&appraisal);
}

static void test_old_cut_and_changed_lists_are_refused(void **state)
{
    struct rig *rig = good_rig();

    judge_expect(rig, rig_evidence(rig, 3, 2), SL_VERDICT_UNTRUSTED, "list-not-quoted");
    judge_expect(rig, rig_evidence(rig, 3, 0), SL_VERDICT_UNTRUSTED, "list-not-quoted");
    rig->list[rig->ends[2] - 3] ^= 1; /* the path of entry 2 */
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "list-not-quoted");
    rig->list[rig->ends[2] - 3] ^= 1;
    rig->list[rig->ends[1] + 5] ^= 1; /* the template hash: the bank of SHA-256 does not see it */
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "entry-hash");
    rig->list[rig->ends[1] + 5] ^= 1;
    round_expect(rig, SL_VERDICT_TRUSTED, NULL);

    rig_measure(rig, 10, "/bin/sh");
    rig->from = 2; /* neither the checkpoint nor the start */
    judge_expect(rig, rig_evidence(rig, 4, 4), SL_VERDICT_UNTRUSTED, "list-discontinuous");
    rig->from = 3;
    judge_expect(rig, rig_evidence(rig, 2, 4), SL_VERDICT_UNTRUSTED, "list-not-quoted");
    rig->from = 0; /* the whole list again is good, a shorter one is not */
    judge_expect(rig, rig_evidence(rig, 4, 4), SL_VERDICT_TRUSTED, NULL);
    judge_expect(rig, rig_evidence(rig, 2, 2), SL_VERDICT_UNTRUSTED, "list-discontinuous");
    rig_free(rig);
}

static void test_quote_replayed_by_another_key_or_nonce_is_refused(void **state)
{
    struct rig *rig = good_rig();
    json_t *old = rig_evidence(rig, 3, 3);
    EVP_PKEY *ak = rig->ak;

    round_expect(rig, SL_VERDICT_TRUSTED, NULL);
    rig->from = 3;
    (void)json_object_set_new(json_object_get(old, "ima"), "from", json_integer(3));
    judge_expect(rig, old, SL_VERDICT_UNTRUSTED, "tpm-clock");
    old = rig_evidence(rig, 3, 3);
    rig->nonce[3] ^= 1;
    judge_expect(rig, old, SL_VERDICT_UNTRUSTED, "tpm-nonce");
    rig->ak = EVP_EC_gen("P-256");
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "signature");
    EVP_PKEY_free(rig->ak);
    rig->ak = ak;
    rig->firmware++;
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "tpm-firmware");
    rig_free(rig);
}

static void test_what_is_missing_is_never_trusted(void **state)
{
    static const struct {
        const char *key;
        enum sl_verdict verdict;
        const char *code;
    } ROWS[] = {
        {"quote", SL_VERDICT_UNKNOWN, "evidence-missing"},
        {"signature", SL_VERDICT_UNKNOWN, "evidence-missing"},
        {"bootlog", SL_VERDICT_UNTRUSTED, "bootlog-missing"},
        {"ima", SL_VERDICT_UNTRUSTED, "list-missing"},
    };
    struct rig *rig = good_rig();
    struct sl_appraisal appraisal;

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        json_t *evidence = rig_evidence(rig, 3, 3);

        assert_ok(json_object_del(evidence, ROWS[i].key));
        judge_expect(rig, evidence, ROWS[i].verdict, ROWS[i].code);
        evidence = rig_evidence(rig, 3, 3);
        (void)json_object_set_new(evidence, ROWS[i].key, json_string("???"));
        rig_judge(rig, evidence, false, &appraisal);
        assert_true(host_of(&appraisal)->verdict < SL_VERDICT_DEGRADED);
        sl_appraisal_done(&appraisal);
    }
    judge_expect(rig, NULL, SL_VERDICT_UNKNOWN, "evidence-missing");
    judge_expect(rig, json_string("trust me"), SL_VERDICT_UNKNOWN, "evidence-missing");
    rig_free(rig);
}

static void test_no_policy_no_registration_no_reference_is_no_trust(void **state)
{
    struct rig *rig = good_rig();
    struct sl_monitor_policy *policy = rig->policy;

    rig->policy = NULL;
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNKNOWN, "policy-missing");
    rig->policy = policy;
    rig->refvals = (struct sl_refvals){rig, rig->refvals.find};
    rig->known_count = 0;
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "digest-unknown");
    policy->host_sets.count = 0;
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "digest-unknown");
    assert_ok(json_object_del(rig->registration, "ak_public"));
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "registration");
    assert_null(sl_driver_find("tpm"));
    assert_null(sl_driver_find(NULL));
    rig_free(rig);
}

static void test_state_that_cannot_be_read_is_not_judged(void **state)
{
    struct rig *rig = good_rig();
    struct sl_appraisal appraisal;
    struct sl_appraisal_input input = {.registration = rig->registration,
                                       .nonce = rig->nonce,
                                       .policy = rig->policy,
                                       .state = (const uint8_t *)"\x09",
                                       .state_size = 1};

    assert_rc(sl_driver_find("tpm-ima")->appraise(&input, &appraisal), SL_INTERNAL);
    rig_free(rig);
}

static void test_reboot_starts_again_from_entry_0_and_forgets(void **state)
{
    struct rig *rig = good_rig();
    struct sl_appraisal appraisal;

    rig_measure(rig, 10, "/tmp/evil");
    round_expect(rig, SL_VERDICT_UNTRUSTED, "digest-unknown");
    rig_boot(rig);
    rig_measure(rig, 10, "/sbin/init");
    rig->from = 1; /* an agent that did not notice */
    rig_judge(rig, rig_evidence(rig, 2, 2), true, &appraisal);
    assert_true(appraisal.is_reboot);
    assert_host(&appraisal, SL_VERDICT_UNKNOWN, "list-discontinuous");
    sl_appraisal_done(&appraisal);
    rig_round(rig, &appraisal);
    assert_int_equal(rig->from, 0);
    assert_false(appraisal.is_reboot);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    sl_appraisal_done(&appraisal);
    rig_boot(rig);
    rig->from = 0;
    rig_judge(rig, rig_evidence(rig, 1, 1), true, &appraisal);
    assert_true(appraisal.is_reboot);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_another_policy_judges_everything_again(void **state)
{
    struct rig *rig = good_rig();

    round_expect(rig, SL_VERDICT_TRUSTED, NULL);
    rig->policy->tag[0] ^= 1;
    rig->known[1] = "host:/none"; /* /bin/sh is no longer known */
    rig->from = 3;
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNKNOWN, "list-discontinuous");
    round_expect(rig, SL_VERDICT_UNTRUSTED, "digest-unknown");
    assert_int_equal(rig->from, 0);
    rig_free(rig);
}

static void test_boot_that_differs_is_refused(void **state)
{
    struct rig *rig = good_rig();
    struct sl_policy_expected *expected = &rig->policy->expected[0];

    rig->policy->any_boot_why[0] = '\0';
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_DEGRADED, "boot-unreferenced");
    rig->policy->expected_count = 1;
    *expected = (struct sl_policy_expected){.alg = SL_TPM_ALG_SHA256, .pcr = 4, .value_count = 1};
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "pcr-value");
    expected->value_count = 2;
    memcpy(expected->values[1], rig->pcrs[0][4], 32);
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_TRUSTED, NULL);
    expected->pcr = 15;
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "pcr-unquoted");
    rig->policy->expected_count = 0;
    rig->bootlog[rig->bootlog_size - 20] ^= 1; /* a digest of PCR 9 */
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "list-not-quoted");
    rig->bootlog_size -= 3;
    judge_expect(rig, rig_evidence(rig, 3, 3), SL_VERDICT_UNTRUSTED, "bootlog-malformed");
    rig_free(rig);
}

static void test_boot_aggregate_of_another_boot_is_refused(void **state)
{
    struct rig *rig = rig_make();
    uint8_t data[96] = {40, 0, 0, 0, 's', 'h', 'a', '2', '5', '6', ':', 0};

    data[44] = 15;
    memcpy(data + 48, "boot_aggregate", 15);
    rig->entries = 0;
    rig_list_add(rig, 10, "ima-ng", data, 63, false);
    judge_expect(rig, rig_evidence(rig, 1, 1), SL_VERDICT_UNTRUSTED, "boot-aggregate");
    rig_free(rig);
}

static void test_violations_and_exclusions_follow_the_policy(void **state)
{
    struct rig *rig = good_rig();

    rig_violate(rig, 10, "/var/log/messages");
    judge_expect(rig, rig_evidence(rig, 4, 4), SL_VERDICT_UNTRUSTED, "violation");
    rig->policy->violation_verdict = SL_VERDICT_DEGRADED;
    judge_expect(rig, rig_evidence(rig, 4, 4), SL_VERDICT_DEGRADED, "violation");
    rig->policy->exclusion_count = 1;
    (void)snprintf(rig->policy->exclusions[0].path, 32, "/var/log/*");
    judge_expect(rig, rig_evidence(rig, 4, 4), SL_VERDICT_TRUSTED, NULL);
    rig_measure(rig, 10, "/tmp/evil");
    rig->policy->unknown_verdict = SL_VERDICT_DEGRADED;
    judge_expect(rig, rig_evidence(rig, 5, 5), SL_VERDICT_DEGRADED, "digest-unknown");
    rig_free(rig);
}

static void test_entry_in_a_pcr_that_is_not_quoted_is_refused(void **state)
{
    struct rig *rig = good_rig();

    rig_measure(rig, 15, "/bin/sh");
    rig_measure(rig, 10, "/sbin/init");
    judge_expect(rig, rig_evidence(rig, 5, 5), SL_VERDICT_UNTRUSTED, "pcr-unquoted");
    rig_free(rig);
}

/* ---- containers ---- */

static struct rig *container_rig(void)
{
    struct rig *rig = good_rig();

    rig_container(rig, "web-1", "registry/web:1", 100000, "running");
    rig_container(rig, "db-1", "registry/db:1", 200000, "running");
    rig_measure(rig, 11, "/usr/sbin/nginx");
    rig_measure(rig, 12, "/usr/bin/db");
    return rig;
}

static void test_bad_container_falls_alone(void **state)
{
    struct rig *rig = container_rig();
    struct sl_appraisal appraisal;
    const json_t *reason;

    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "web-1", SL_VERDICT_TRUSTED, "attribution");
    assert_container(&appraisal, "db-1", SL_VERDICT_TRUSTED, "attribution");
    sl_appraisal_done(&appraisal);
    rig_measure(rig, 11, "/tmp/evil");
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "web-1", SL_VERDICT_UNTRUSTED, "digest-unknown");
    assert_container(&appraisal, "db-1", SL_VERDICT_TRUSTED, "attribution");
    reason = rig_reason(rig_subject(&appraisal, SL_SUBJECT_CONTAINER, "web-1"), "digest-unknown");
    assert_string_equal(json_string_value(json_object_get(reason, "confidence")), "slot");
    assert_int_equal(json_integer_value(json_object_get(reason, "entry")), 6);
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_bad_container_that_stopped_is_not_forgotten(void **state)
{
    struct rig *rig = container_rig();
    struct sl_appraisal appraisal;

    rig_measure(rig, 11, "/tmp/evil");
    rig_round(rig, &appraisal);
    sl_appraisal_done(&appraisal);
    assert_ok(json_array_clear(rig->containers));
    rig_container(rig, "web-2", "registry/web:1", 100000, "running");
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "web-1", SL_VERDICT_UNTRUSTED, "digest-unknown");
    /* the same file would not be listed again in that PCR, so the next one falls with it */
    assert_container(&appraisal, "web-2", SL_VERDICT_UNTRUSTED, "digest-unknown");
    sl_appraisal_done(&appraisal);
    rig_boot(rig);
    rig_measure(rig, 11, "/usr/sbin/nginx");
    rig_round(rig, &appraisal);
    assert_container(&appraisal, "web-2", SL_VERDICT_TRUSTED, "attribution");
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_bad_host_takes_its_containers_with_it(void **state)
{
    struct rig *rig = container_rig();
    struct sl_appraisal appraisal;
    const json_t *reason;

    rig_measure(rig, 10, "/tmp/evil");
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_UNTRUSTED, "digest-unknown");
    assert_container(&appraisal, "web-1", SL_VERDICT_UNTRUSTED, "host");
    assert_container(&appraisal, "db-1", SL_VERDICT_UNTRUSTED, "host");
    reason = rig_reason(rig_subject(&appraisal, SL_SUBJECT_CONTAINER, "db-1"), "host");
    assert_non_null(strstr(json_string_value(json_object_get(reason, "text")), "/tmp/evil"));
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_lying_container_lists_are_refused(void **state)
{
    struct rig *rig = container_rig();
    struct sl_appraisal appraisal;

    /* one left out */
    assert_ok(json_array_remove(rig->containers, 0));
    rig_judge(rig, rig_evidence(rig, 5, 5), false, &appraisal);
    assert_container(&appraisal, "slot-11", SL_VERDICT_UNTRUSTED, "container-unlisted");
    assert_host(&appraisal, SL_VERDICT_DEGRADED, "container-unlisted");
    sl_appraisal_done(&appraisal);
    /* two that claim the same user range, one id twice */
    rig_container(rig, "web-1", "registry/web:1", 100000, "running");
    rig_container(rig, "web-9", "registry/web:1", 100000, "running");
    rig_judge(rig, rig_evidence(rig, 5, 5), false, &appraisal);
    assert_container(&appraisal, "web-1", SL_VERDICT_UNTRUSTED, "container-conflict");
    assert_container(&appraisal, "web-9", SL_VERDICT_UNTRUSTED, "container-conflict");
    assert_container(&appraisal, "db-1", SL_VERDICT_TRUSTED, NULL);
    sl_appraisal_done(&appraisal);
    rig_container(rig, "db-1", "registry/db:1", 300000, "running");
    rig_judge(rig, rig_evidence(rig, 5, 5), false, &appraisal);
    assert_container(&appraisal, "db-1", SL_VERDICT_UNTRUSTED, "container-conflict");
    sl_appraisal_done(&appraisal);
    /* names that are verdicts of others */
    (void)json_object_set_new(json_array_get(rig->containers, 0), "id", json_string("host"));
    rig_judge(rig, rig_evidence(rig, 5, 5), false, &appraisal);
    assert_host(&appraisal, SL_VERDICT_UNTRUSTED, "containers-malformed");
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_container_is_unknown_without_anything_of_its_own(void **state)
{
    struct rig *rig = good_rig();
    struct sl_appraisal appraisal;

    rig_container(rig, "idle", "registry/web:1", 100000, "running");
    rig_container(rig, "odd", "registry/other:1", 0, "running");
    rig_container(rig, "plain", "", 0, "running");
    rig_container(rig, "kv", "registry/cache:3", 0, "running");
    rig_round(rig, &appraisal);
    assert_container(&appraisal, "idle", SL_VERDICT_UNKNOWN, "container-unmeasured");
    assert_container(&appraisal, "odd", SL_VERDICT_UNTRUSTED, "container-image");
    assert_container(&appraisal, "plain", SL_VERDICT_UNKNOWN, "container-unattributed");
    assert_container(&appraisal, "kv", SL_VERDICT_UNKNOWN, "container-unattributed");
    sl_appraisal_done(&appraisal);
    rig_measure(rig, 10, "/bin/kv"); /* in the host's PCR, and only of that image */
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "kv", SL_VERDICT_TRUSTED, "attribution");
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_file_of_an_image_that_no_container_has_condemns_the_host(void **state)
{
    struct rig *rig = good_rig();

    rig_measure(rig, 10, "/bin/kv");
    judge_expect(rig, rig_evidence(rig, 4, 4), SL_VERDICT_UNTRUSTED, "digest-unknown");
    rig_free(rig);
}

static void test_template_says_whose_an_entry_is(void **state)
{
    static const char GROUP[] = "docker-0123456789abcdef0123.scope";
    struct rig *rig = good_rig();
    struct sl_appraisal appraisal;

    rig_container(rig, "0123456789abcdef0123", "registry/cache:1", 0, "running");
    rig_measure_group(rig, GROUP, "/bin/kv");
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "0123456789abcdef0123", SL_VERDICT_TRUSTED, "attribution");
    sl_appraisal_done(&appraisal);
    rig_measure_group(rig, GROUP, "/tmp/evil");
    rig_measure_group(rig, "docker-ffffffffffff.scope", "/bin/kv");
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "0123456789abcdef0123", SL_VERDICT_UNTRUSTED, "digest-unknown");
    assert_container(&appraisal, "ffffffffffff", SL_VERDICT_UNTRUSTED, "digest-unknown");
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

/* dev-id|d-ng|n-ng: the device of the root filesystem says whose an entry is. */
static void measure_device(struct rig *rig, const char *device, const char *path)
{
    uint8_t data[256], digest[32];
    const uint32_t sizes[] = {(uint32_t)strlen(device) + 1, 40, (uint32_t)strlen(path) + 1};
    size_t off = 0;

    assert_int_equal(EVP_Digest(path, strlen(path), digest, NULL, EVP_sha256(), NULL), 1);
    memcpy(data, &sizes[0], 4); /* the list is little-endian, as this machine is */
    memcpy(data + 4, device, sizes[0]);
    off = 4 + sizes[0];
    memcpy(data + off, &sizes[1], 4);
    memcpy(data + off + 4, "sha256:", 8);
    memcpy(data + off + 12, digest, 32);
    off += 44;
    memcpy(data + off, &sizes[2], 4);
    memcpy(data + off + 4, path, sizes[2]);
    off += 4 + sizes[2];
    rig_list_add(rig, 10, "dev-id|d-ng|n-ng", data, off, false);
}

static void test_template_of_devices_tells_containers_apart(void **state)
{
    struct rig *rig = rig_make();
    struct sl_appraisal appraisal;

    rig_container(rig, "kv-1", "registry/cache:1", 0, "running");
    rig_container(rig, "kv-2", "registry/cache:1", 0, "running");
    for (size_t i = 0; i < 2; i++) {
        (void)json_object_set_new(json_array_get(rig->containers, i), "root_device",
                                  json_string(i == 0 ? "0:52" : "0:53"));
    }
    measure_device(rig, "0:52", "/bin/kv");
    measure_device(rig, "0:53", "/bin/kv");
    measure_device(rig, "8:1", "/bin/sh"); /* of no container: the host's */
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "kv-1", SL_VERDICT_TRUSTED, "attribution");
    assert_container(&appraisal, "kv-2", SL_VERDICT_TRUSTED, "attribution");
    sl_appraisal_done(&appraisal);
    measure_device(rig, "0:53", "/tmp/evil");
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "kv-1", SL_VERDICT_TRUSTED, "attribution");
    assert_container(&appraisal, "kv-2", SL_VERDICT_UNTRUSTED, "digest-unknown");
    sl_appraisal_done(&appraisal);
    measure_device(rig, "8:1", "/tmp/evil");
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_UNTRUSTED, "digest-unknown");
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

static void test_more_bad_containers_than_fit_condemn_all(void **state)
{
    struct rig *rig = container_rig();
    struct sl_appraisal appraisal;
    char group[96];

    for (int i = 0; i < 100; i++) {
        (void)snprintf(group, sizeof(group), "docker-%064d.scope", i);
        rig_measure_group(rig, group, "/tmp/evil");
    }
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_TRUSTED, NULL);
    assert_container(&appraisal, "web-1", SL_VERDICT_UNTRUSTED, "history-full");
    sl_appraisal_done(&appraisal);
    for (int i = 0; i < 100; i++) {
        rig_measure(rig, 10, "/tmp/evil");
    }
    rig_round(rig, &appraisal);
    assert_host(&appraisal, SL_VERDICT_UNTRUSTED, NULL);
    sl_appraisal_done(&appraisal);
    rig_free(rig);
}

/* ---- the same input gives the same bytes ---- */

static char *appraisal_text(const struct sl_appraisal *appraisal)
{
    json_t *all = json_array();
    char *text;

    for (size_t i = 0; i < appraisal->subject_count; i++) {
        (void)json_array_append_new(all, json_pack("{s:s, s:s, s:O}", "id",
                                                   appraisal->subjects[i].id, "verdict",
                                                   sl_verdict_text(appraisal->subjects[i].verdict),
                                                   "reasons", appraisal->subjects[i].reasons));
    }
    text = json_dumps(all, JSON_SORT_KEYS);
    json_decref(all);
    return text;
}

static void test_same_input_gives_the_same_bytes(void **state)
{
    static const char *const PATHS[] = {"/sbin/init", "/bin/sh", "/tmp/evil", "/usr/sbin/nginx"};
    struct rig *rig = container_rig();
    uint32_t seed = 1;

    for (int i = 0; i < 50; i++) {
        struct sl_appraisal a, b;
        char *text_a, *text_b;
        json_t *evidence;
        size_t quoted;

        seed = seed * 1664525 + 1013904223;
        rig_measure(rig, 10 + (seed >> 8) % 3, PATHS[(seed >> 16) % 4]);
        quoted = rig->entries - (seed >> 28) % 2;
        rig->from = 0;
        evidence = rig_evidence(rig, quoted, rig->entries);
        rig_judge(rig, json_incref(evidence), false, &a);
        rig_judge(rig, evidence, false, &b);
        text_a = appraisal_text(&a);
        text_b = appraisal_text(&b);
        assert_string_equal(text_a, text_b);
        assert_int_equal(a.state_size, b.state_size);
        assert_memory_equal(a.state, b.state, a.state_size);
        free(text_a);
        free(text_b);
        sl_appraisal_done(&a);
        sl_appraisal_done(&b);
    }
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_host_is_trusted_without_reasons),
        cmocka_unit_test(test_unknown_digest_is_named_with_entry_path_digest_and_remedy),
        cmocka_unit_test(test_list_goes_on_from_the_checkpoint),
        cmocka_unit_test(test_quote_is_met_at_a_prefix_and_the_rest_waits),
        cmocka_unit_test(test_shown_entries_must_be_quoted_in_time),
        cmocka_unit_test(test_old_cut_and_changed_lists_are_refused),
        cmocka_unit_test(test_quote_replayed_by_another_key_or_nonce_is_refused),
        cmocka_unit_test(test_what_is_missing_is_never_trusted),
        cmocka_unit_test(test_no_policy_no_registration_no_reference_is_no_trust),
        cmocka_unit_test(test_state_that_cannot_be_read_is_not_judged),
        cmocka_unit_test(test_reboot_starts_again_from_entry_0_and_forgets),
        cmocka_unit_test(test_another_policy_judges_everything_again),
        cmocka_unit_test(test_boot_that_differs_is_refused),
        cmocka_unit_test(test_boot_aggregate_of_another_boot_is_refused),
        cmocka_unit_test(test_violations_and_exclusions_follow_the_policy),
        cmocka_unit_test(test_entry_in_a_pcr_that_is_not_quoted_is_refused),
        cmocka_unit_test(test_bad_container_falls_alone),
        cmocka_unit_test(test_bad_container_that_stopped_is_not_forgotten),
        cmocka_unit_test(test_bad_host_takes_its_containers_with_it),
        cmocka_unit_test(test_lying_container_lists_are_refused),
        cmocka_unit_test(test_container_is_unknown_without_anything_of_its_own),
        cmocka_unit_test(test_file_of_an_image_that_no_container_has_condemns_the_host),
        cmocka_unit_test(test_template_says_whose_an_entry_is),
        cmocka_unit_test(test_template_of_devices_tells_containers_apart),
        cmocka_unit_test(test_more_bad_containers_than_fit_condemn_all),
        cmocka_unit_test(test_same_input_gives_the_same_bytes),
    };
    return cmocka_run_group_tests_name("monitor/tpm_ima", tests, NULL, NULL);
}
