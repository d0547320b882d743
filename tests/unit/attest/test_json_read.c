/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader of signed JSON: what it refuses is refused for good. */
#include "unit.h"

#include <dirent.h>

#include "attest/json_read.h"

static struct sl_blob text_of(const char *text)
{
    return (struct sl_blob){(const uint8_t *)text, strlen(text)};
}

static sl_rc skip_all(struct sl_blob in)
{
    struct sl_json_reader r;
    sl_json_reader_init(&r, in);
    sl_json_read_skip(&r);
    sl_json_read_end(&r);
    assert_true((r.rc == SL_OK) == (r.why[0] == '\0'));
    return r.rc;
}

static void test_skip_takes_and_refuses(void **state)
{
    static const char *const GOOD[] = {
        "{}", "[]", " [ 1 , 2 ] ", "{\"a\":{\"b\":[true,false,null]}}", "-0.5e+10", "\"x\"", "0"};
    static const char *const BAD[] = {
        "",      " ",      "{",    "}",        "[1,]",        "{\"a\":1,}", "{\"a\" 1}",
        "{a:1}", "01",     "1.",   ".5",       "1e",          "+1",         "-",
        "tru",   "nul",    "\"a",  "\"a\\n\"", "\"\\u0061\"", "\"\t\"",     "\"\xc3\xa4\"",
        "[1 2]", "[1][2]", "{} x", "[,1]",     "'a'",         "\"\x7f\"",   "{\"a\":}"};
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        assert_rc(skip_all(text_of(GOOD[i])), SL_OK);
    }
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        if (skip_all(text_of(BAD[i])) != SL_MALFORMED) {
            fail_msg("taken: %s", BAD[i]);
        }
    }
}

static void test_depth_is_bounded(void **state)
{
    char text[2 * SL_JSON_DEPTH_MAX + 4] = {0};
    memset(text, '[', SL_JSON_DEPTH_MAX);
    memset(text + SL_JSON_DEPTH_MAX, ']', SL_JSON_DEPTH_MAX);
    assert_rc(skip_all(text_of(text)), SL_OK);
    memset(text, '[', SL_JSON_DEPTH_MAX + 1);
    memset(text + SL_JSON_DEPTH_MAX + 1, ']', SL_JSON_DEPTH_MAX + 1);
    assert_rc(skip_all(text_of(text)), SL_RANGE);
}

static void test_uint_takes_plain_integers_only(void **state)
{
    static const struct {
        const char *text;
        uint32_t max;
        sl_rc rc;
        uint32_t value;
    } ROWS[] = {
        {"0", 255, SL_OK, 0},
        {"255", 255, SL_OK, 255},
        {"256", 255, SL_RANGE, 0},
        {"4294967295", UINT32_MAX, SL_OK, UINT32_MAX},
        {"4294967296", UINT32_MAX, SL_RANGE, 0},
        {"99999999999999999999999999999", UINT32_MAX, SL_RANGE, 0},
        {"-1", 255, SL_MALFORMED, 0},
        {"-0", 255, SL_MALFORMED, 0},
        {"+1", 255, SL_MALFORMED, 0},
        {"1.0", 255, SL_MALFORMED, 0},
        {"1e1", 255, SL_MALFORMED, 0},
        {"1E1", 255, SL_MALFORMED, 0},
        {"\"1\"", 255, SL_MALFORMED, 0},
        {"01", 255, SL_MALFORMED, 0},
        {"true", 255, SL_MALFORMED, 0},
        {"", 255, SL_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct sl_json_reader r;
        sl_json_reader_init(&r, text_of(ROWS[i].text));
        assert_int_equal(sl_json_read_uint(&r, ROWS[i].max), ROWS[i].value);
        if (r.rc != ROWS[i].rc) {
            fail_msg("%s: %d", ROWS[i].text, (int)r.rc);
        }
    }
}

static void test_time_forms(void **state)
{
    static const struct {
        const char *text;
        int64_t time_s; /* -1: refused */
    } ROWS[] = {
        {"1970-01-01T00:00:00Z", 0},          {"2023-11-14T22:13:20Z", 1700000000},
        {"2000-02-29T23:59:59Z", 951868799},  {"2024-02-29T00:00:00Z", 1709164800},
        {"2100-03-01T00:00:00Z", 4107542400}, {"2049-12-31T23:59:59Z", 2524607999},
        {"2023-02-29T00:00:00Z", -1},         {"2100-02-29T00:00:00Z", -1},
        {"2023-00-10T00:00:00Z", -1},         {"2023-13-10T00:00:00Z", -1},
        {"2023-04-31T00:00:00Z", -1},         {"2023-01-00T00:00:00Z", -1},
        {"2023-01-01T24:00:00Z", -1},         {"2023-01-01T00:60:00Z", -1},
        {"2023-01-01T00:00:60Z", -1},         {"1969-12-31T23:59:59Z", -1},
        {"2023-01-01T00:00:00", -1},          {"2023-01-01 00:00:00Z", -1},
        {"2023-01-01T00:00:00+0", -1},        {"2023-1-01T00:00:00ZZ", -1},
        {"2023-01-01T00:00:00.0Z", -1},       {" 023-01-01T00:00:00Z", -1},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        int64_t time_s = -1;
        sl_rc rc = sl_time_parse(text_of(ROWS[i].text), &time_s);
        if (rc != (ROWS[i].time_s < 0 ? SL_MALFORMED : SL_OK) || time_s != ROWS[i].time_s) {
            fail_msg("%s: %lld", ROWS[i].text, (long long)time_s);
        }
    }
}

/* The envelope: what is judged is what was signed. */
static void test_envelope_forms(void **state)
{
    char sig[129];
    char text[512];
    char why[SL_JSON_WHY_SIZE];
    struct sl_signed_json out;
    memset(sig, 'a', 128);
    sig[128] = '\0';
    static const struct {
        const char *format;
        sl_rc rc;
    } ROWS[] = {
        {"{\"tcbInfo\":{\"a\": 1},\"signature\":\"%s\"}", SL_OK},
        {"{\"signature\":\"%s\",\"tcbInfo\":{\"a\": 1}}\n", SL_OK},
        {"{\"tcbInfo\":{\"a\": 1},\"tcbInfo\":{\"a\": 1},\"signature\":\"%s\"}", SL_MALFORMED},
        {"{\"tcbInfo\":{\"a\": 1},\"x\":2,\"signature\":\"%s\"}", SL_MALFORMED},
        {"{\"tcbInf\\u006f\":{\"a\": 1},\"signature\":\"%s\"}", SL_MALFORMED},
        {"{\"tcbInfo\":[1],\"signature\":\"%s\"}", SL_MALFORMED},
        {"{\"tcbInfo\":\"{}\",\"signature\":\"%s\"}", SL_MALFORMED},
        {"{\"signature\":\"%s\"}", SL_MALFORMED},
        {"{\"tcbInfo\":{\"a\": 1},\"signature\":\"%sa\"}", SL_MALFORMED},
        {"{\"tcbInfo\":{\"a\": 1},\"signature\":\"%s\"}x", SL_MALFORMED},
        {"[{\"tcbInfo\":{\"a\": 1},\"signature\":\"%s\"}]", SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(text, sizeof(text), ROWS[i].format, sig);
#pragma GCC diagnostic pop
        sl_rc rc = sl_signed_json_read(text_of(text), "tcbInfo", &out, why);
        if (rc != ROWS[i].rc) {
            fail_msg("%s: %d %s", text, (int)rc, why);
        }
        if (rc == SL_OK) {
            assert_int_equal(out.object.size, 8);
            assert_memory_equal(out.object.data, "{\"a\": 1}", 8);
            assert_int_equal(out.signature[63], 0xaa);
        } else {
            assert_true(why[0] != '\0');
        }
    }
    assert_rc(
        sl_signed_json_read(text_of("{\"tcbInfo\":{},\"signature\":12}"), "tcbInfo", &out, why),
        SL_MALFORMED);
    char *big = calloc(1, (1 << 20) + 2);
    assert_non_null(big);
    memset(big, ' ', (1 << 20) + 1);
    assert_rc(sl_signed_json_read(text_of(big), "tcbInfo", &out, why), SL_RANGE);
    free(big);
}

/* n_ must be refused; y_ is taken unless it has what is refused on purpose. */
static void test_json_test_suite(void **state)
{
    char dir[512];
    vector_path("json/JSONTestSuite/LICENSE", dir, sizeof(dir));
    *strrchr(dir, '/') = '\0';
    DIR *d = opendir(dir);
    assert_non_null(d);
    size_t refused = 0;
    size_t taken = 0;
    size_t wrong = 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        static uint8_t data[300000];
        char path[1024];
        if (strncmp(e->d_name, "n_", 2) != 0 && strncmp(e->d_name, "y_", 2) != 0) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        struct sl_blob in = {data, fread(data, 1, sizeof(data), f)};
        (void)fclose(f);
        bool is_plain = true;
        for (size_t i = 0; i < in.size; i++) {
            is_plain = is_plain && data[i] < 0x7f && data[i] != '\\';
        }
        sl_rc rc = skip_all(in);
        if (e->d_name[0] == 'n' ? rc == SL_OK : is_plain && rc != SL_OK) {
            print_message("%s: %d\n", e->d_name, (int)rc);
            wrong++;
        }
        refused += e->d_name[0] == 'n';
        taken += e->d_name[0] == 'y' && rc == SL_OK;
    }
    (void)closedir(d);
    assert_int_equal(wrong, 0);
    assert_true(refused > 80);
    assert_true(taken > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skip_takes_and_refuses),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_uint_takes_plain_integers_only),
        cmocka_unit_test(test_time_forms),
        cmocka_unit_test(test_envelope_forms),
        cmocka_unit_test(test_json_test_suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
