/* SPDX-License-Identifier: Apache-2.0 */
/* Every example of docs/policy-nat.md is a policy, and its tables name every key. */
#include <cyaml/cyaml.h>

#include "bed.h"
#include "policy/nat_file.h"
#include "unit.h"

enum { DOC_MAX = 1 << 16 };

static char doc[DOC_MAX];

static int read_doc(void **state)
{
    (void)state;
    char path[512];
    const char *source = getenv("SL_SOURCE_ROOT");
    (void)snprintf(path, sizeof(path), "%s/docs/policy-nat.md", source != NULL ? source : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(doc, 1, sizeof(doc) - 1, file);
    (void)fclose(file);
    doc[size] = '\0';
    return size == 0;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_of_the_document_load),
        cmocka_unit_test(test_document_names_every_key),
    };
    return cmocka_run_group_tests_name("nat/docs", tests, read_doc, NULL);
}
