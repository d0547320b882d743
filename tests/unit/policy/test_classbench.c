/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <unistd.h>

#include "nf/chain.h"
#include "policy/policy.h"

static char path[] = "/tmp/sl-classbench-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static sl_rc compile(const char *text, struct sl_policy *policy, struct sl_err *err)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return sl_policy_compile_classbench(path, policy, err);
}

static void test_classbench_bad_lines_are_quoted(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "@1.2.3.4/32 5.6.7.8/32 0 : 65535 80 : 70 0x06/0xFF",
        "@1.2.3.4/33 5.6.7.8/32 0 : 65535 80 : 80 0x06/0xFF",
        "@1.2.3.256/32 5.6.7.8/32 0 : 65535 80 : 80 0x06/0xFF",
        "@1.2.3.4/32 5.6.7.8/32 0 : 65536 80 : 80 0x06/0xFF",
        "@1.2.3.4/32 5.6.7.8/32 0 : 65535 80 : 80 0x06/0x0F",
        "1.2.3.4/32 5.6.7.8/32 0 : 65535 80 : 80 0x06/0xFF",
        "rules",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct sl_policy policy;
        struct sl_err err = {0};
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "@1.2.3.4/32 5.6.7.8/0 0 : 65535 0 : 65535 0x00/0x00\n%s\n", lines[i]);
        if (compile(text, &policy, &err) != SL_MALFORMED || strstr(err.text, lines[i]) == NULL ||
            strstr(err.text, ":2:") == NULL) {
            fail_msg("%s: %s", lines[i], err.text);
        }
    }
    struct sl_policy policy;
    struct sl_err err = {0};
    assert_rc(compile("\n\n", &policy, &err), SL_MALFORMED);
    assert_rc(sl_policy_compile_classbench("/nonexistent", &policy, &err), SL_IO);
}

static void test_classbench_sets_load(void **state)
{
    (void)state;
    static const char *const names[] = {"classbench/acl1_1k", "classbench/fw1_1k",
                                        "classbench/ipc1_1k"};
    for (size_t i = 0; i < 3; i++) {
        char file[512];
        vector_path(names[i], file, sizeof(file));
        struct sl_policy policy;
        struct sl_err err = {0};
        struct sl_chain *chain = NULL;
        assert_ok(sl_policy_compile_classbench(file, &policy, &err));
        assert_in_range(policy.count, 600, 1000);
        assert_int_equal(policy.rules[0].line, 1);
        assert_string_equal(policy.default_action, "drop");
        assert_ok(sl_chain_create(policy.bundle, policy.size, &chain, &err));
        sl_chain_free(chain);
        sl_policy_done(&policy);
    }
}

static void test_policy_file_keeps_names_of_its_own_bundle(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_policy back;
    struct sl_err err = {0};
    char out[64];
    char names[80];
    assert_ok(compile("@1.2.3.4/32 5.6.7.8/0 0 : 65535 0 : 65535 0x11/0xFF 0x0000/0x0200\n",
                      &policy, &err));
    assert_non_null(policy.note);
    (void)snprintf(out, sizeof(out), "%s.slp", path);
    (void)snprintf(names, sizeof(names), "%s.rules.json", out);
    assert_ok(sl_policy_write(&policy, out, &err));
    assert_ok(sl_policy_read(out, &back, &err));
    assert_int_equal(back.count, 1);
    assert_int_equal(back.version, policy.version);
    assert_string_equal(sl_policy_rule(&back, 0, 0)->text, policy.rules[0].text);
    assert_null(sl_policy_rule(&back, 0, 1));
    assert_null(back.note);
    sl_policy_done(&back);
    policy.bundle[15] ^= 1; /* another bundle under the old names */
    FILE *file = fopen(out, "wb");
    assert_int_equal(fwrite(policy.bundle, 1, policy.size, file), policy.size);
    assert_int_equal(fclose(file), 0);
    assert_ok(sl_policy_read(out, &back, &err));
    assert_int_equal(back.count, 0);
    assert_non_null(strstr(back.note, "another policy"));
    sl_policy_done(&back);
    assert_int_equal(unlink(names), 0);
    assert_ok(sl_policy_read(out, &back, &err));
    assert_non_null(strstr(back.note, "no names"));
    sl_policy_done(&back);
    assert_int_equal(unlink(out), 0);
    assert_rc(sl_policy_read(out, &back, &err), SL_IO);
    assert_rc(sl_policy_read(path, &back, &err), SL_MALFORMED);
    assert_rc(sl_policy_write(&policy, "/nonexistent/out", &err), SL_IO);
    sl_policy_done(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classbench_bad_lines_are_quoted),
        cmocka_unit_test(test_classbench_sets_load),
        cmocka_unit_test(test_policy_file_keeps_names_of_its_own_bundle),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
