/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <sys/stat.h>

#include "agent/state.h"

static void test_kept_for_its_owner_only(void **state)
{
    struct sl_agent_state in = {.node = "n", .token = "t", .boot_id = "b"}, out;
    struct stat st;
    (void)state;
    assert_rc(sl_agent_state_load(scratch, &out, NULL), SL_NOT_FOUND);
    in.ak_public.size = 3;
    in.ak_private.size = 5;
    memset(in.ak_private.data, 9, 5);
    assert_ok(sl_agent_state_save(scratch, &in, NULL));
    assert_int_equal(stat(scratch_path("node.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(sl_agent_state_load(scratch, &out, NULL));
    assert_string_equal(out.node, "n");
    assert_string_equal(out.token, "t");
    assert_string_equal(out.boot_id, "b");
    assert_int_equal(out.ak_public.size, 3);
    assert_memory_equal(out.ak_private.data, in.ak_private.data, 5);
    assert_rc(sl_agent_state_save("/nowhere", &in, NULL), SL_IO);
}

static void test_damaged(void **state)
{
    struct sl_agent_state out;
    char longest[1024];
    (void)state;
    (void)scratch_text("node.json", "{");
    assert_rc(sl_agent_state_load(scratch, &out, NULL), SL_MALFORMED);
    (void)scratch_text("node.json", "{\"node\": \"n\"}");
    assert_rc(sl_agent_state_load(scratch, &out, NULL), SL_MALFORMED);
    assert_string_equal(out.node, "");
    (void)snprintf(longest, sizeof(longest), "{\"node\": \"%0600d\"}", 1);
    (void)scratch_text("node.json", longest);
    assert_rc(sl_agent_state_load(scratch, &out, NULL), SL_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_for_its_owner_only),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
