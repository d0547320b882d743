/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of JSON against jansson's own: both take the same texts, and make the same of them. */
#include "../unit.h"

#include <dirent.h>

#include "files/files.h"
#include "monitor/json_load.h"

static void same(const char *text, size_t size)
{
    json_t *expected = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    json_t *is = NULL;
    struct sl_err err = {0};
    const sl_rc rc = sl_json_load(text, size, &is, &err);

    if ((expected != NULL) != (rc == SL_OK) || (expected != NULL && !json_equal(expected, is))) {
        fail_msg("%.*s: jansson %s it, sl_json_load says %s", (int)(size < 200 ? size : 200), text,
                 expected != NULL ? "takes" : "refuses", err.text);
    }
    assert_true((is != NULL) == (rc == SL_OK));
    json_decref(expected);
    json_decref(is);
}

static const char SAMPLE[] =
    "{\"quote\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\", \"ima\" : {\"from\":12345678901,"
    "\"data\":\"\"},\n\t\"list\":[1,-2,0,3.5e2,true,false,null,[],{}],\"text\":\"a\\u00e4\\n\\\"b "
    "\xc3\xa4 \\ud834\\udd1e\", \"\":\"seven77\", \"eight\":\"eight888\",\"x\":\"12345678\\\\\"}";

static void test_json_load_text_cut_or_changed_is_judged_as_by_jansson(void **state)
{
    const size_t size = sizeof(SAMPLE) - 1;
    char text[sizeof(SAMPLE)];

    same(SAMPLE, size);
    for (size_t cut = 0; cut < size; cut++) {
        same(SAMPLE, cut);
    }
    for (size_t at = 0; at < size; at++) {
        static const char PUT[] = {0,   '"', '\\',   '{',    ']',    ',',
                                   ':', '9', '\x1f', '\x7f', '\x80', ' '};

        for (size_t i = 0; i < sizeof(PUT); i++) {
            memcpy(text, SAMPLE, sizeof(text));
            text[at] = PUT[i];
            same(text, size);
        }
    }
}

/* Each byte at each place of a word of eight. */
static void test_json_load_every_byte_in_a_string_is_judged_as_by_jansson(void **state)
{
    char text[] = "[\"abcdefghijklmnopqrstuvw\"]";

    for (size_t at = 2; at < 20; at++) {
        const char was = text[at];

        for (int byte = 0; byte < 256; byte++) {
            text[at] = (char)byte;
            same(text, sizeof(text) - 1);
        }
        text[at] = was;
    }
}

static void test_json_load_json_test_suite_is_judged_as_by_jansson(void **state)
{
    char folder[1024], path[2048];
    const struct dirent *entry;
    unsigned count = 0;
    DIR *dir;

    vector_path("json/JSONTestSuite", folder, sizeof(folder));
    dir = opendir(folder);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        uint8_t *data = NULL;
        size_t size = 0;

        if (strstr(entry->d_name, ".json") == NULL) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        assert_ok(sl_file_read(path, 1 << 20, &data, &size, NULL));
        same((const char *)data, size);
        free(data);
        count++;
    }
    (void)closedir(dir);
    assert_true(count > 100);
}

static void test_json_load_depth_is_bounded(void **state)
{
    char text[2 * SL_JSON_LOAD_DEPTH_MAX + 3];
    json_t *json = NULL;

    for (size_t depth = SL_JSON_LOAD_DEPTH_MAX; depth <= SL_JSON_LOAD_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_rc(sl_json_load(text, 2 * depth, &json, NULL),
                  depth > SL_JSON_LOAD_DEPTH_MAX ? SL_RANGE : SL_OK);
        json_decref(json);
        json = NULL;
    }
    assert_rc(sl_json_load("{\"a\":1,\"a\":2}", 13, &json, NULL), SL_MALFORMED);
    assert_null(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_load_text_cut_or_changed_is_judged_as_by_jansson),
        cmocka_unit_test(test_json_load_every_byte_in_a_string_is_judged_as_by_jansson),
        cmocka_unit_test(test_json_load_json_test_suite_is_judged_as_by_jansson),
        cmocka_unit_test(test_json_load_depth_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
