/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "agent/ima_policy.h"

static struct sl_agent_slot slots[SL_AGENT_SLOTS_MAX];

static sl_rc load(const char *text, size_t *count)
{
    struct sl_err err = {0};
    return sl_agent_slots_load(scratch_text("c.yaml", text), slots, count, &err);
}

static void test_ranges_from_the_top_with_gaps(void **state)
{
    char text[8192];
    size_t count;
    (void)state;
    assert_ok(load("containers: [{name: a, uids: 100000-165535, pcr: 11}, {name: b, uids: "
                   "300000-365535, pcr: 12}]\n",
                   &count));
    assert_int_equal(count, 2);
    assert_ok(sl_agent_ima_policy_write(slots, count, text, sizeof(text), NULL));
    const char *rules[] = {
        "BPRM_CHECK mask=MAY_EXEC uid>365535\n",        "MMAP_CHECK mask=MAY_EXEC uid>365535\n",
        "BPRM_CHECK mask=MAY_EXEC uid>299999 pcr=12\n", "BPRM_CHECK mask=MAY_EXEC uid>165535\n",
        "BPRM_CHECK mask=MAY_EXEC uid>99999 pcr=11\n",  "BPRM_CHECK mask=MAY_EXEC\n"};
    const char *at = text;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        at = strstr(at, rules[i]);
        assert_non_null(at);
    }
    assert_null(strstr(text, "0x1021994")); /* tmpfs is measured */
}

static void test_file_systems(void **state)
{
    char text[8192];
    size_t count;
    (void)state;
    assert_ok(load("containers: [{name: a, fsuuid: 11111111-2222-3333-4444-555555555555, pcr: "
                   "13}]\n",
                   &count));
    assert_ok(sl_agent_ima_policy_write(slots, count, text, sizeof(text), NULL));
    assert_non_null(strstr(text, "fsuuid=11111111-2222-3333-4444-555555555555 pcr=13\n"));
    assert_rc(sl_agent_ima_policy_write(slots, count, text, 100, NULL), SL_NO_SPACE);
}

static void test_refused(void **state)
{
    size_t count;
    struct sl_err err = {0};
    (void)state;
    assert_rc(sl_agent_slots_load("/nowhere", slots, &count, &err), SL_NOT_FOUND);
    assert_rc(load("containers: []\n", &count), SL_MALFORMED);
    assert_rc(load("containers: [{name: a, uids: 1-2, pcr: 10}]\n", &count), SL_RANGE);
    assert_rc(load("containers: [{name: a, uids: 1-2, pcr: 16}]\n", &count), SL_RANGE);
    assert_rc(load("containers: [{name: a, uids: 0-2, pcr: 11}]\n", &count), SL_RANGE);
    assert_rc(load("containers: [{name: a, uids: 9-2, pcr: 11}]\n", &count), SL_RANGE);
    assert_rc(load("containers: [{name: a, pcr: 11}]\n", &count), SL_RANGE);
    assert_rc(load("containers: [{name: a, uids: 5, pcr: 11}]\n", &count), SL_RANGE);
    assert_rc(load("containers: [{name: a, uids: 5--9, pcr: 11}]\n", &count), SL_RANGE);
    assert_rc(load("containers: [{name: a, uids: 5-9x, pcr: 11}]\n", &count), SL_RANGE);
    assert_rc(load("containers: [{name: a, uids: 1-9, pcr: 11}, {name: b, uids: 5-20, pcr: 12}]\n",
                   &count),
              SL_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_from_the_top_with_gaps),
        cmocka_unit_test(test_file_systems),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
