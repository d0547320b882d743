/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "files/yaml_file.h"

struct inner {
    uint32_t mtu;
};
struct outer {
    uint32_t shards;
    struct inner tunnel;
    struct inner *paths;
    uint32_t paths_count;
};

static const cyaml_schema_field_t inner_fields[] = {
    CYAML_FIELD_UINT("mtu", CYAML_FLAG_OPTIONAL, struct inner, mtu),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t inner_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct inner, inner_fields),
};
static const cyaml_schema_field_t outer_fields[] = {
    CYAML_FIELD_UINT("shards", CYAML_FLAG_DEFAULT, struct outer, shards),
    CYAML_FIELD_MAPPING("tunnel", CYAML_FLAG_OPTIONAL, struct outer, tunnel, inner_fields),
    CYAML_FIELD_SEQUENCE("paths", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct outer, paths,
                         &inner_schema, 0, 4),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct outer, outer_fields),
};

static void test_yaml_read_good_text(void **state)
{
    (void)state;
    static const char text[] = "# said\nshards: 2\ntunnel: {mtu: 1300}\npaths: [{mtu: 5}, {}]\n";
    struct sl_err err = {0};
    void *root = NULL;
    assert_ok(sl_yaml_read(text, strlen(text), &schema, "man x", &root, &err));
    const struct outer *outer = root;
    assert_int_equal(outer->shards, 2);
    assert_int_equal(outer->tunnel.mtu, 1300);
    assert_int_equal(outer->paths_count, 2);
    assert_int_equal(outer->paths[0].mtu, 5);
    sl_yaml_free(&schema, root);
}

static void test_yaml_read_fault_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "is empty"},
        {"# nothing\n", "is empty"},
        {"shards: 1\n\nshard: 2\n", "Unexpected key: shard (line: 3, column: 1)"},
        {"shards: 1\ntunnel:\n  mtu: 5\n  mut: 6\n", "Unexpected key: mut (line: 4, column: 3)"},
        {"shards: 1\npaths:\n- mtu: 5\n- tunnel: 6\n",
         "Unexpected key: tunnel (line: 4, column: 3)"},
        {"mtu: 1\n", "Unexpected key: mtu (line: 1, column: 1); expected "}, /* known elsewhere */
        {"shards: 1\nshards: 2\n", "Key given twice: shards (line: 2, column: 1)"},
        {"shards: many\n", "many"},
        {"tunnel: {mtu: 5}\n", "shards"},
        {"shards: 1\ntunnel: [1]\n", "tunnel"},
        {"- shards\n", "man x"},
        {"{[1, 2]: 3}\n", "man x"},
        {"shards: 1\npaths: [{mtu: 5\n", "is no YAML: did not find expected ',' or '}' (line: 3"},
        {"shards: &a 1\ntunnel: {mtu: *a}\n", "'mtu' (line: 2"}, /* no aliases */
        {"shards: 1\n\ttunnel: 2\n", "(line: 2, column: 1)"},
        {"\x01\xff", "is no YAML"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_err err = {0};
        void *root = NULL;
        sl_rc rc =
            sl_yaml_read(cases[i].text, strlen(cases[i].text), &schema, "man x", &root, &err);
        if (rc != SL_MALFORMED || strstr(err.text, cases[i].said) == NULL) {
            fail_msg("case %zu: %s: %s", i, sl_rc_name(rc), err.text);
        }
        assert_null(root);
    }
}

static void test_yaml_load_names_the_file(void **state)
{
    (void)state;
    struct sl_err err = {0};
    void *root = NULL;
    assert_rc(sl_yaml_load("/nowhere/x", &schema, "man x", &root, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nowhere/x"));
    assert_rc(sl_yaml_load("/etc/passwd", &schema, "man x", &root, &err), SL_MALFORMED);
    assert_int_equal(strncmp(err.text, "/etc/passwd: ", 13), 0);
    assert_rc(sl_yaml_load("/dev/zero", &schema, "man x", &root, &err), SL_RANGE);
}

static void test_yaml_load_text_keeps_what_it_read(void **state)
{
    (void)state;
    static const char good[] = "# said\nshards: 2\n";
    struct sl_err err = {0};
    void *root = NULL;
    char *text = NULL;
    size_t size = 77;
    assert_rc(sl_yaml_load_text("/etc/passwd", &schema, "man x", &text, &size, &root, &err),
              SL_MALFORMED);
    assert_null(text);
    assert_int_equal(size, 77);

    char path[] = "/tmp/yaml_file.XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, good, sizeof(good) - 1), sizeof(good) - 1);
    (void)close(fd);
    sl_rc rc = sl_yaml_load_text(path, &schema, "man x", &text, &size, &root, &err);
    (void)unlink(path);
    assert_rc(rc, SL_OK);
    assert_int_equal(size, sizeof(good) - 1);
    assert_memory_equal(text, good, size);
    sl_yaml_free(&schema, root);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_read_good_text),
        cmocka_unit_test(test_yaml_read_fault_is_told_with_its_line),
        cmocka_unit_test(test_yaml_load_names_the_file),
        cmocka_unit_test(test_yaml_load_text_keeps_what_it_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
