/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that come in pieces, and what a state says of itself. */
#include "../unit.h"

#include "monitor/drivers.h"
#include "monitor/tpm_state.h"
#include "rig.h"

enum { ENTRIES = 40, PIECE = 7 };

static struct rig *long_rig(void)
{
    struct rig *rig = rig_make();

    while (rig->entries < ENTRIES) {
        rig_measure(rig, 10, rig->entries % 2 == 0 ? "/sbin/init" : "/bin/sh");
    }
    return rig;
}

/* A round that shows entries up to @p shown and says that more are to come. */
static enum sl_verdict piece_judge(struct rig *rig, size_t shown, const char *code)
{
    json_t *evidence = rig_evidence(rig, rig->entries, shown);
    struct sl_appraisal appraisal;
    enum sl_verdict verdict;

    (void)json_object_set_new(json_object_get(evidence, "ima"), "more",
                              json_boolean(shown < rig->entries));
    rig_judge(rig, evidence, true, &appraisal);
    verdict = rig_subject(&appraisal, SL_SUBJECT_HOST, "host")->verdict;
    if (code != NULL &&
        rig_reason(rig_subject(&appraisal, SL_SUBJECT_HOST, "host"), code) == NULL) {
        rig_show(&appraisal);
        fail_msg("no reason %s", code);
    }
    sl_appraisal_done(&appraisal);
    return verdict;
}

static json_t *asked_of(const struct rig *rig)
{
    return sl_driver_find("tpm-ima")->challenge(
        rig->registration, rig->has_state ? rig->state : NULL, rig->state_size, rig->policy);
}

static uint64_t asked_from(const struct rig *rig)
{
    json_t *asked = asked_of(rig);
    const json_int_t from =
        json_integer_value(json_object_get(json_object_get(asked, "ima"), "from"));

    json_decref(asked);
    return (uint64_t)from;
}

static void test_pieces_are_unknown_until_the_last(void **state)
{
    struct rig *rig = long_rig();

    for (size_t shown = PIECE; shown < ENTRIES; shown += PIECE) {
        json_t *asked;

        assert_int_equal(piece_judge(rig, shown, "list-incomplete"), SL_VERDICT_UNKNOWN);
        asked = asked_of(rig);
        assert_true(json_is_false(json_object_get(asked, "bootlog")));
        json_decref(asked);
        rig->from = asked_from(rig);
        assert_int_equal(rig->from, shown);
    }
    assert_int_equal(piece_judge(rig, ENTRIES, NULL), SL_VERDICT_TRUSTED);
    assert_int_equal(asked_from(rig), ENTRIES);
    rig_free(rig);
}

static void test_pieces_that_lead_nowhere_are_forgotten(void **state)
{
    struct rig *rig = long_rig();

    assert_int_equal(piece_judge(rig, PIECE, "list-incomplete"), SL_VERDICT_UNKNOWN);
    rig->from = PIECE;
    rig->list[rig->ends[PIECE + 1] - 3] ^= 1; /* the path of an entry that is still to come */
    assert_int_equal(piece_judge(rig, ENTRIES, "list-not-quoted"), SL_VERDICT_UNTRUSTED);
    rig->list[rig->ends[PIECE + 1] - 3] ^= 1;
    assert_int_equal(asked_from(rig), 0);
    rig->from = 0;
    assert_int_equal(piece_judge(rig, ENTRIES, NULL), SL_VERDICT_TRUSTED);
    rig_free(rig);
}

static void test_piece_of_another_policy_or_boot_counts_for_nothing(void **state)
{
    struct rig *rig = long_rig();

    assert_int_equal(piece_judge(rig, PIECE, "list-incomplete"), SL_VERDICT_UNKNOWN);
    rig->policy->tag[0] ^= 1;
    assert_int_equal(asked_from(rig), 0);
    rig->from = PIECE;
    assert_int_equal(piece_judge(rig, ENTRIES, "list-discontinuous"), SL_VERDICT_UNKNOWN);
    rig->from = 0;
    assert_int_equal(piece_judge(rig, PIECE, "list-incomplete"), SL_VERDICT_UNKNOWN);
    rig_boot(rig);
    rig_measure(rig, 10, "/bin/sh");
    rig->from = PIECE;
    rig->ends[PIECE] = rig->ends[rig->entries];
    assert_int_equal(piece_judge(rig, rig->entries, "list-discontinuous"), SL_VERDICT_UNKNOWN);
    rig_free(rig);
}

static void test_describe_tells_what_is_proven(void **state)
{
    const struct sl_driver *driver = sl_driver_find("tpm-ima");
    struct rig *rig = long_rig();
    json_t *said;

    assert_null(driver->describe(NULL, 0));
    assert_null(driver->describe((const uint8_t *)"x", 1));
    assert_int_equal(piece_judge(rig, ENTRIES, NULL), SL_VERDICT_TRUSTED);
    said = driver->describe(rig->state, rig->state_size);
    assert_int_equal(json_integer_value(json_object_get(said, "entries")), ENTRIES);
    assert_int_equal(json_integer_value(json_object_get(said, "reset_count")), rig->resets);
    assert_int_equal(json_string_length(json_object_get(
                         json_object_get(json_object_get(said, "pcrs"), "sha256"), "10")),
                     64);
    json_decref(said);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_unknown_until_the_last),
        cmocka_unit_test(test_pieces_that_lead_nowhere_are_forgotten),
        cmocka_unit_test(test_piece_of_another_policy_or_boot_counts_for_nothing),
        cmocka_unit_test(test_describe_tells_what_is_proven),
    };

    return cmocka_run_group_tests_name("monitor/tpm_list", tests, NULL, NULL);
}
