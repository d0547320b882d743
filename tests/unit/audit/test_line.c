/* SPDX-License-Identifier: Apache-2.0 */
/* One line: what is hashed, and what cannot be read. */
#include "unit.h"

#include "audit/line.h"
#include "base/bytes.h"

static size_t line_make(char *line, json_t *detail, struct sl_audit_head *head)
{
    size_t size = 0;
    assert_ok(sl_audit_line_write(head, 1700000000123456789ull, "policy", "ok", detail, line, &size,
                                  head));
    json_decref(detail);
    assert_int_equal(strlen(line), size);
    assert_int_equal(line[size - 1], '\n');
    return size;
}

static void test_audit_line_write_reads_back(void **state)
{
    char text[SL_AUDIT_LINE_MAX];
    struct sl_audit_head head = {0};
    struct sl_audit_line line;
    uint8_t zero[SL_AUDIT_HASH_SIZE] = {0};
    size_t size = line_make(text, json_pack("{s:s}", "reason", "a\nb \"c\" \xc3\xa4"), &head);
    assert_int_equal(head.seq, 1);
    assert_ok(sl_audit_line_read(text, size - 1, &line));
    assert_int_equal(line.stated.seq, 1);
    assert_memory_equal(line.prev, zero, sizeof(zero));
    assert_memory_equal(line.hash, head.hash, sizeof(head.hash));
    assert_memory_equal(line.stated.hash, head.hash, sizeof(head.hash));
    assert_string_equal(json_string_value(json_object_get(line.root, "time")),
                        "2023-11-14T22:13:20.123456789Z");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(line.root, "detail"), "reason")),
        "a\nb \"c\" \xc3\xa4");
    json_decref(line.root);
}

/* The format is a promise to whoever keeps logs: this line's hash must never change. */
static void test_audit_line_write_hash_is_stable(void **state)
{
    char text[SL_AUDIT_LINE_MAX];
    char hex[65];
    struct sl_audit_head head = {0};
    (void)line_make(text, json_pack("{s:i}", "version", 7), &head);
    sl_hex_encode(head.hash, sizeof(head.hash), hex);
    FILE *oracle =
        popen("printf 'SafeLib audit 1\\0{\"seq\":1,\"time\":\"2023-11-14T22:13:20.123456789Z\","
              "\"event\":\"policy\",\"outcome\":\"ok\",\"detail\":{\"version\":7},"
              "\"prev\":\"%064d\"' 0 | sha256sum | cut -c1-64",
              "r");
    char expected[65] = "";
    assert_non_null(oracle);
    assert_int_equal(fread(expected, 1, 64, oracle), 64);
    (void)pclose(oracle);
    assert_string_equal(hex, expected);
}

static void test_audit_line_write_large_detail_is_named_by_hash(void **state)
{
    char text[SL_AUDIT_LINE_MAX];
    struct sl_audit_head head = {0};
    struct sl_audit_line line;
    char *large = calloc(1, 40001);
    assert_non_null(large);
    memset(large, 'x', 40000);
    size_t size = line_make(text, json_pack("{s:s}", "text", large), &head);
    free(large);
    assert_ok(sl_audit_line_read(text, size - 1, &line));
    const json_t *detail = json_object_get(line.root, "detail");
    assert_int_equal(json_integer_value(json_object_get(detail, "omitted_bytes")), 40011);
    json_decref(line.root);
}

static void test_audit_line_write_no_object_refused(void **state)
{
    char text[SL_AUDIT_LINE_MAX];
    size_t size = 0;
    struct sl_audit_head head = {0};
    json_t *array = json_array();
    assert_rc(sl_audit_line_write(&head, 0, "policy", "ok", array, text, &size, &head), SL_INVALID);
    assert_int_equal(head.seq, 0);
    json_decref(array);
}

static void test_audit_line_read_every_cut_and_flip_noticed(void **state)
{
    char text[SL_AUDIT_LINE_MAX];
    struct sl_audit_head head = {0};
    struct sl_audit_line line;
    size_t size = line_make(text, json_pack("{s:s, s:i}", "a", "text", "b", 3), &head) - 1;
    for (size_t cut = 0; cut < size; cut++) {
        assert_rc(sl_audit_line_read(text, cut, &line), SL_MALFORMED);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        sl_rc rc = sl_audit_line_read(text, size, &line);
        if (rc == SL_OK) {
            /* hex in capitals reads the same and is the only flip that does */
            bool is_caught = memcmp(line.hash, line.stated.hash, SL_AUDIT_HASH_SIZE) != 0;
            bool is_case = bit / 8 >= size - 66 && bit % 8 == 5;
            assert_true(is_caught || is_case);
            json_decref(line.root);
        } else {
            assert_int_equal(rc, SL_MALFORMED);
        }
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audit_line_write_reads_back),
        cmocka_unit_test(test_audit_line_write_hash_is_stable),
        cmocka_unit_test(test_audit_line_write_large_detail_is_named_by_hash),
        cmocka_unit_test(test_audit_line_write_no_object_refused),
        cmocka_unit_test(test_audit_line_read_every_cut_and_flip_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
