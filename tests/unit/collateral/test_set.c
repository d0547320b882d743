/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of collateral: folders and bundles give back what they got, and refuse what is none. */
#include "sample.h"

#include "files/files.h"

static void put_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    struct sl_err err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_ok(sl_file_write(path, 0600, text, strlen(text), &err));
}

static void test_folder_round_trip(void **state)
{
    (void)state;
    char folder[32];
    char sub[64];
    struct sl_err err = {0};
    struct sl_collateral_set out;
    struct sl_collateral_set in = {0};
    sample_folder_make(folder);
    sample_make(&out);
    (void)snprintf(sub, sizeof(sub), "%s/new", folder);
    assert_ok(sl_collateral_folder_write(&out, sub, &err));
    assert_ok(sl_collateral_load(sub, &in, &err));
    assert_true(sample_is_same(&in, &out));
    assert_rc(sl_collateral_folder_write(&out, "/nowhere/at/all", &err), SL_IO);
    sl_collateral_done(&in);
    sl_collateral_done(&out);
    sample_folder_remove(folder);
}

static void test_bundle_round_trip(void **state)
{
    (void)state;
    struct sl_err err = {0};
    struct sl_collateral_set out;
    struct sl_collateral_set in = {0};
    char *text = NULL;
    sample_make(&out);
    assert_ok(sl_collateral_bundle_write(&out, "a-key", &text));
    assert_non_null(strstr(text, "a-key"));
    assert_ok(sl_collateral_bundle_read(text, strlen(text), &in, &err));
    assert_true(sample_is_same(&in, &out));
    free(text);
    sl_collateral_done(&in);
    sl_collateral_done(&out);
}

static void test_load_prefers_der_and_names_parts(void **state)
{
    (void)state;
    char folder[32];
    struct sl_err err = {0};
    struct sl_collateral_set in = {0};
    sample_folder_make(folder);
    assert_rc(sl_collateral_load(folder, &in, &err), SL_MALFORMED);
    assert_non_null(strstr(err.text, "holds none of tcb_info.json"));
    put_file(folder, "pck_crl.pem", "text");
    put_file(folder, "pck_crl.der", "binary");
    put_file(folder, "vcek.pem", "v");
    put_file(folder, "other.txt", "v");
    assert_ok(sl_collateral_load(folder, &in, &err));
    assert_int_equal(in.parts.pck_crl.size, 6);
    assert_int_equal(in.parts.vcek.size, 1);
    assert_null(in.parts.tcb_info.data);
    sl_collateral_done(&in);
    assert_true(sl_collateral_is_empty(&in));
    assert_rc(sl_collateral_load("/tmp/sl-none", &in, &err), SL_NOT_FOUND);
    assert_int_equal(sl_collateral_part_of_file("a/tcb_info.json"), SL_COLLATERAL_tcb_info);
    assert_int_equal(sl_collateral_part_of_file("root_crl.pem"), SL_COLLATERAL_root_crl);
    assert_int_equal(sl_collateral_part_of_file("tcb_info.json.bak"), SL_COLLATERAL_PART_COUNT);
    assert_int_equal(sl_collateral_part_of_file("tcb_info.pem"), SL_COLLATERAL_PART_COUNT);
    sample_folder_remove(folder);
}

static void test_load_larger_than_bound_is_refused(void **state)
{
    (void)state;
    char folder[32];
    char path[64];
    struct sl_err err = {0};
    struct sl_collateral_set in = {0};
    static char large[SL_COLLATERAL_FILE_MAX + 1];
    sample_folder_make(folder);
    (void)snprintf(path, sizeof(path), "%s/pck_crl.der", folder);
    assert_ok(sl_file_write(path, 0600, large, sizeof(large), &err));
    assert_rc(sl_collateral_load(folder, &in, &err), SL_RANGE);
    assert_non_null(strstr(err.text, "pck_crl.der"));
    sl_collateral_done(&in);
    sample_folder_remove(folder);
}

static void test_bundle_of_other_tools_is_understood(void **state)
{
    (void)state;
    static const char text[] =
        "{\"root_ca_crl\": \"3003\", \"pck_crl\": \"3004AA\", \"tcb_info\": \"{\\\"id\\\": 1 }\","
        "\"tcb_info_signature\": \"ab\", \"tcb_info_issuer_chain\": \"one\","
        "\"qe_identity_issuer_chain\": \"two\", \"qe_identity\": \"{}\","
        "\"qe_identity_signature\": \"cd\", \"unknown\": 3}";
    struct sl_err err = {0};
    struct sl_collateral_set in = {0};
    assert_ok(sl_collateral_bundle_read(text, strlen(text), &in, &err));
    assert_string_equal(in.parts.tcb_info.data, "{\"tcbInfo\":{\"id\": 1 },\"signature\":\"ab\"}");
    assert_string_equal(in.parts.qe_identity.data, "{\"enclaveIdentity\":{},\"signature\":\"cd\"}");
    assert_string_equal(in.parts.tcb_signing_chain.data, "one\ntwo");
    assert_int_equal(in.parts.pck_crl.size, 3);
    assert_int_equal(in.parts.root_crl.data[0], 0x30);
    sl_collateral_done(&in);
}

static void test_bundle_faults_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "no collateral bundle"},
        {"[]", "expected a JSON object"},
        {"{\"a\": 1, \"a\": 2}", "duplicate"},
        {"{}", "holds no collateral"},
        {"{\"format\": \"safelib-collateral-2\"}", "format: expected"},
        {"{\"tcb_info\": {}}", "tcb_info: expected a string"},
        {"{\"vcek\": 1}", "vcek: expected a string"},
        {"{\"root_ca_crl\": []}", "root_ca_crl: expected a string"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_err err = {0};
        struct sl_collateral_set in = {0};
        sl_rc rc = sl_collateral_bundle_read(cases[i].text, strlen(cases[i].text), &in, &err);
        if (rc != SL_MALFORMED || strstr(err.text, cases[i].expected) == NULL) {
            fail_msg("%s: %s \"%s\"", cases[i].text, sl_rc_text(rc), err.text);
        }
        sl_collateral_done(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder_round_trip),
        cmocka_unit_test(test_bundle_round_trip),
        cmocka_unit_test(test_load_prefers_der_and_names_parts),
        cmocka_unit_test(test_load_larger_than_bound_is_refused),
        cmocka_unit_test(test_bundle_of_other_tools_is_understood),
        cmocka_unit_test(test_bundle_faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
