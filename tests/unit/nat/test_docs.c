/* SPDX-License-Identifier: Apache-2.0 */
/* Every example of docs/policy-nat.md is a policy, and its tables name every key; every test that
 * docs/nat-requirements.md names is there. */
#include <cyaml/cyaml.h>
#include <glob.h>

#include "bed.h"
#include "policy/nat_file.h"
#include "unit.h"

enum { DOC_MAX = 1 << 16 };

static char doc[DOC_MAX];

static const char *in_source(const char *name)
{
    static char path[512];
    const char *source = getenv("SL_SOURCE_ROOT");
    (void)snprintf(path, sizeof(path), "%s/%s", source != NULL ? source : ".", name);
    return path;
}

static void read_file(const char *path, char *out, size_t room)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(out, 1, room - 1, file);
    (void)fclose(file);
    assert_in_range(size, 1, room - 2);
    out[size] = '\0';
}

static int read_doc(void **state)
{
    (void)state;
    read_file(in_source("docs/policy-nat.md"), doc, sizeof(doc));
    return 0;
}

static void test_examples_of_the_document_load(void **state)
{
    (void)state;
    int count = 0;
    char *at = doc;
    while ((at = strstr(at, "```yaml\n")) != NULL) {
        static struct flow_rig rig;
        char yaml[2048];
        at += strlen("```yaml\n");
        char *end = strstr(at, "```");
        assert_non_null(end);
        assert_true((size_t)(end - at) < sizeof(yaml));
        memcpy(yaml, at, (size_t)(end - at));
        yaml[end - at] = '\0';
        nat_bed_init(&rig, yaml);
        flow_rig_done(&rig);
        at = end + 3;
        count++;
    }
    assert_int_equal(count, 5);
}

static void keys_are_named(const cyaml_schema_field_t *fields)
{
    for (; fields->key != NULL; fields++) {
        if (strstr(doc, fields->key) == NULL) {
            fail_msg("docs/policy-nat.md does not speak of %s", fields->key);
        }
        if (fields->value.type == CYAML_MAPPING) {
            keys_are_named(fields->value.mapping.fields);
        }
    }
}

static void test_document_names_every_key(void **state)
{
    (void)state;
    keys_are_named(sl_nat_yaml_schema.mapping.fields);
}

static void test_requirements_are_shown_by_tests_that_are_there(void **state)
{
    (void)state;
    static char requirements[DOC_MAX];
    static char tests[8 * DOC_MAX];
    size_t size = 0;
    uint32_t count = 0;
    glob_t files;
    assert_int_equal(glob(in_source("tests/unit/nat/test_*.c"), 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        read_file(files.gl_pathv[i], tests + size, sizeof(tests) - size);
        size += strlen(tests + size);
    }
    globfree(&files);
    read_file(in_source("docs/nat-requirements.md"), requirements, sizeof(requirements));
    for (char *at = requirements; (at = strstr(at, "`test_")) != NULL; count++) {
        char want[128];
        at++;
        int length = (int)strcspn(at, "`");
        (void)snprintf(want, sizeof(want), "cmocka_unit_test(%.*s)", length, at);
        if (strstr(tests, want) == NULL) {
            fail_msg("no test %.*s", length, at);
        }
    }
    assert_true(count > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_of_the_document_load),
        cmocka_unit_test(test_document_names_every_key),
        cmocka_unit_test(test_requirements_are_shown_by_tests_that_are_there),
    };
    return cmocka_run_group_tests_name("nat/docs", tests, read_doc, NULL);
}
