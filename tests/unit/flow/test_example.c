/* SPDX-License-Identifier: Apache-2.0 */
/* The example of nf/README.md, run. */
#include "rig.h"
#include "unit.h"

static const uint8_t three_a_second[4] = {0, 0, 0, 3};

static const struct flow_spec query = {
    .src = "10.0.0.1", .sport = 4000, .dst = "192.0.2.1", .dport = 53, .proto = 17, .payload = 10};

static void test_example_limits_each_flow(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec answer = flow_spec_turn(&query);
    struct flow_spec other = query;
    other.sport++;
    flow_rig_init(&rig, "example_flow", three_a_second, sizeof(three_a_second), "flows=100");
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &query), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &answer), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &query), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &answer), SL_VERDICT_DROP);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &other), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 2);
    flow_rig_wait(&rig, 1000);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &answer), SL_VERDICT_PASS);
    flow_rig_wait(&rig, 32000);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 0);
    flow_rig_done(&rig);
}

static void test_example_keeps_its_counts_over_a_reload(void **state)
{
    (void)state;
    struct flow_rig rig;
    const uint8_t one_a_second[4] = {0, 0, 0, 1};
    const struct flow_rig_nf next = {
        .name = "example_flow", .policy = one_a_second, .size = 4, .options = "flows=100"};
    flow_rig_init(&rig, "example_flow", three_a_second, sizeof(three_a_second), "flows=100");
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &query), SL_VERDICT_PASS);
    flow_rig_reload(&rig, &next, 1);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 1);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &query), SL_VERDICT_DROP);
    flow_rig_done(&rig);
}

static char *read_file(const char *name)
{
    enum { MOST = 1 << 16 };
    char path[1024];
    const char *root = getenv("SL_SOURCE_ROOT");
    (void)snprintf(path, sizeof(path), "%s/%s", root != NULL ? root : ".", name);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, MOST);
    assert_true(file != NULL && text != NULL);
    assert_true(fread(text, 1, MOST - 1, file) > 0);
    (void)fclose(file);
    return text;
}

static void test_example_is_what_the_guide_shows(void **state)
{
    (void)state;
    char *guide = read_file("nf/README.md");
    char *code = read_file("nf/example_flow/example_flow.c");
    const char *body = strstr(code, "#include <stdlib.h>");
    uint32_t lines = 0;
    assert_non_null(body);
    assert_non_null(strstr(guide, body));
    for (const char *at = code; *at != '\0'; at++) {
        lines += *at == '\n';
    }
    assert_true(lines <= 60);
    free(guide);
    free(code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_limits_each_flow),
        cmocka_unit_test(test_example_keeps_its_counts_over_a_reload),
        cmocka_unit_test(test_example_is_what_the_guide_shows),
    };
    return cmocka_run_group_tests_name("flow/example", tests, NULL, NULL);
}
