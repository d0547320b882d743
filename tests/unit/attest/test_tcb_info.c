/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of TCB info and QE identity: one thing changed in a good text, and the reason told. */
#include "unit.h"

#include "attest/tcb_info.h"
#include "forge.h"

/* The signed object of the forge's TCB info or QE identity, as a string. */
static char *object_of(bool is_tdx, bool is_identity)
{
    struct forge_spec spec = forge_default(is_tdx);
    struct forge forge;
    struct sl_signed_json out;
    char why[SL_JSON_WHY_SIZE];
    forge_make(&spec, &forge);
    struct sl_blob in = is_identity ? forge.collateral.qe_identity : forge.collateral.tcb_info;
    assert_ok(sl_signed_json_read(in, is_identity ? "enclaveIdentity" : "tcbInfo", &out, why));
    char *text = strndup((const char *)out.object.data, out.object.size);
    assert_non_null(text);
    forge_done(&forge);
    return text;
}

static char *replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    size_t size = strlen(text) + strlen(to) + 1;
    char *out = malloc(size);
    assert_non_null(out);
    (void)snprintf(out, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static sl_rc read_text(const char *text, bool is_identity, char why[SL_JSON_WHY_SIZE])
{
    static struct sl_tcb_info info;
    static struct sl_qe_identity identity;
    struct sl_blob in = {(const uint8_t *)text, strlen(text)};
    sl_rc rc =
        is_identity ? sl_qe_identity_read(in, &identity, why) : sl_tcb_info_read(in, &info, why);
    assert_true((rc == SL_OK) == (why[0] == '\0'));
    return rc;
}

struct change {
    bool is_tdx, is_identity;
    const char *from, *to;
    sl_rc rc;
    const char *why;
};

static const struct change CHANGES[] = {
    {false, false, "\"version\":3", "\"version\":4", SL_UNSUPPORTED, "version is 4"},
    {false, false, "\"version\":3", "\"version\":-3", SL_MALFORMED, "version"},
    {false, false, "\"version\":3", "\"version\":3.0", SL_MALFORMED, "fraction"},
    {false, false, "\"version\":3,", "", SL_MALFORMED, "\"version\" is missing"},
    {false, false, "\"version\":3,", "\"version\":3,\"version\":3,", SL_MALFORMED, "twice"},
    {false, false, "\"id\":\"SGX\"", "\"id\":\"ARM\"", SL_UNSUPPORTED, "id"},
    {false, false, "\"id\":\"SGX\",", "", SL_MALFORMED, "\"id\""},
    {false, false, "\"issueDate\":\"2023-11", "\"issueDate\":\"2023-13", SL_MALFORMED, "2023-13"},
    {false, false, "\"nextUpdate\"", "\"nextupdate\"", SL_MALFORMED, "\"nextUpdate\" is missing"},
    {false, false, "\"fmspc\":\"00", "\"fmspc\":\"0g", SL_MALFORMED, "hex"},
    {false, false, "\"fmspc\":\"00", "\"fmspc\":\"0000", SL_MALFORMED, "12 hex digits"},
    {false, false, "\"fmspc\":\"00606A000000\"", "\"fmspc\":906", SL_MALFORMED, "fmspc"},
    {false, false, "\"pceId\"", "\"PCEID\"", SL_MALFORMED, "pceId"},
    {false, false, "\"tcbType\":0", "\"tcbType\":\"0\"", SL_MALFORMED, "tcbType"},
    {false, false, "\"tcbEvaluationDataNumber\":17,", "", SL_MALFORMED, "EvaluationDataNumber"},
    {false, false, "\"svn\":9", "\"svn\":256", SL_RANGE, "256"},
    {false, false, "\"svn\":9", "\"svn\":-1", SL_MALFORMED, "svn"},
    {false, false, "{\"svn\":9},", "", SL_MALFORMED, "16 TCB components"},
    {false, false, "{\"svn\":9},", "{\"svn\":9},{\"svn\":9},", SL_MALFORMED, "16 TCB components"},
    {false, false, "\"pcesvn\":13", "\"pcesvn\":65536", SL_RANGE, "65536"},
    {false, false, ",\"pcesvn\":13", "", SL_MALFORMED, "pcesvn"},
    {false, false, "\"tcbDate\":\"2023-08-09T00:00:00Z\",", "", SL_MALFORMED, "tcbDate"},
    {false, false, "\"tcbStatus\":\"UpToDate\"", "\"status\":\"UpToDate\"", SL_MALFORMED,
     "tcbStatus"},
    {false, false, ",\"tcbStatus\":\"UpToDate\"", "", SL_MALFORMED, "tcbStatus"},
    {false, false, "\"UpToDate\"", "1", SL_MALFORMED, "tcbStatus"},
    {false, false, "\"UpToDate\"", "\"Up\\u0054oDate\"", SL_MALFORMED, "escapes"},
    {false, false, "\"tcbLevels\":[", "\"tcbLevels\":[1,", SL_MALFORMED, NULL},
    {false, false, "\"tcbLevels\":[", "\"unknown\":[{}],\"tcbLevels\":[", SL_OK, NULL},
    {false, false, "\"advisoryIDs\":[\"INTEL", "\"advisoryIDs\":[7,\"INTEL", SL_MALFORMED, NULL},
    {true, false, "\"tdxModule\"", "\"tdxmodule\"", SL_MALFORMED, "tdxModule"},
    {true, false, "\"tdxtcbcomponents\"", "\"tdxTcbComponents\"", SL_MALFORMED, "tdxtcbcomponents"},
    {true, false, "\"id\":\"TDX_01\"", "\"id\":\"TDX_0123456789ABCDEF\"", SL_MALFORMED, "TDX_03"},
    {true, false, "\"isvsvn\":5", "\"isvsvn\":65536", SL_RANGE, "65536"},
    {true, false, "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"", "\"attributesMask\":\"FF\"",
     SL_MALFORMED, "16 hex digits"},
    {false, true, "\"version\":2", "\"version\":1", SL_UNSUPPORTED, "version is 1"},
    {false, true, "\"id\":\"QE\"", "\"id\":\"XE\"", SL_UNSUPPORTED, "id"},
    {false, true, "\"miscselect\"", "\"miscSelect\"", SL_MALFORMED, "\"miscselect\" is missing"},
    {false, true, "\"mrsigner\":\"8C", "\"mrsigner\":\"8", SL_MALFORMED, "64 hex digits"},
    {false, true, "\"isvprodid\":1", "\"isvprodid\":65536", SL_RANGE, "65536"},
    {false, true, "\"isvprodid\":1", "\"isvprodid\":1.5", SL_MALFORMED, "fraction"},
    {false, true, "\"tcbStatus\":\"UpToDate\"", "\"tcbstatus\":\"UpToDate\"", SL_MALFORMED,
     "\"tcbStatus\" is missing"},
    {false, true, "{\"isvsvn\":8}", "{}", SL_MALFORMED, "\"isvsvn\" is missing"},
};

static void test_one_change_told(void **state)
{
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(CHANGES) / sizeof(CHANGES[0]); i++) {
        const struct change *change = &CHANGES[i];
        char why[SL_JSON_WHY_SIZE];
        char *text = object_of(change->is_tdx, change->is_identity);
        assert_ok(read_text(text, change->is_identity, why));
        char *changed = replace(text, change->from, change->to);
        sl_rc rc = read_text(changed, change->is_identity, why);
        if (rc != change->rc || (change->why != NULL && strstr(why, change->why) == NULL)) {
            print_message("%s -> %s: %d %s\n", change->from, change->to, (int)rc, why);
            wrong++;
        }
        free(changed);
        free(text);
    }
    assert_int_equal(wrong, 0);
}

static void test_cut_anywhere_refused(void **state)
{
    for (int i = 0; i < 3; i++) {
        char why[SL_JSON_WHY_SIZE];
        char *text = object_of(i == 1, i == 2);
        for (size_t size = strlen(text); size-- > 0;) {
            text[size] = '\0';
            assert_int_not_equal(read_text(text, i == 2, why), SL_OK);
        }
        free(text);
    }
}

static void test_bounds_refused(void **state)
{
    char why[SL_JSON_WHY_SIZE];
    char *text = object_of(false, true);
    const char *level = strstr(text, "{\"tcb\":{\"isvsvn\":8}");
    size_t level_size = (size_t)(strchr(strchr(level, '}') + 1, '}') + 1 - level);
    size_t size = strlen(text) + (level_size + 1) * (SL_ISV_LEVELS_MAX + 1) + 1;
    char *many = malloc(size);
    assert_non_null(many);
    size_t used = (size_t)snprintf(many, size, "%.*s", (int)(level - text), text);
    for (int i = 0; i <= SL_ISV_LEVELS_MAX; i++) {
        used += (size_t)snprintf(many + used, size - used, "%.*s,", (int)level_size, level);
    }
    (void)snprintf(many + used, size - used, "%s", level);
    assert_rc(read_text(many, true, why), SL_RANGE);
    free(many);
    free(text);
}

static void test_names_and_advisories(void **state)
{
    static const char COMPONENTS[] =
        "[{\"svn\":1,\"category\":\"BIOS\",\"type\":\"Early Microcode Update\"},{\"svn\":2},"
        "{\"svn\":3,\"category\":\"OS/VMM\"}]";
    static const char ADVISORIES[] = "[\"INTEL-SA-1\",\"INTEL-SA-2\"]";
    struct sl_blob components = {(const uint8_t *)COMPONENTS, sizeof(COMPONENTS) - 1};
    struct sl_blob advisories = {(const uint8_t *)ADVISORIES, sizeof(ADVISORIES) - 1};
    char out[64];
    sl_tcb_component_name(components, 0, out, sizeof(out));
    assert_string_equal(out, "BIOS, Early Microcode Update");
    sl_tcb_component_name(components, 1, out, sizeof(out));
    assert_string_equal(out, "");
    sl_tcb_component_name(components, 2, out, sizeof(out));
    assert_string_equal(out, "OS/VMM");
    sl_tcb_component_name(components, 3, out, sizeof(out));
    assert_string_equal(out, "");
    sl_advisories_text(advisories, out, sizeof(out));
    assert_string_equal(out, "INTEL-SA-1, INTEL-SA-2");
    sl_advisories_text(advisories, out, 15);
    assert_string_equal(out, "INTEL-SA-1"); /* whole identifiers only */
    sl_advisories_text((struct sl_blob){0}, out, sizeof(out));
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_change_told),
        cmocka_unit_test(test_cut_anywhere_refused),
        cmocka_unit_test(test_bounds_refused),
        cmocka_unit_test(test_names_and_advisories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
