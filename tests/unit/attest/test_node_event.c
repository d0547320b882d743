/* SPDX-License-Identifier: Apache-2.0 */
/* Container events: one way to write each, and nothing else is read. */
#include "../unit.h"

#include "attest/node_event.h"

static const struct sl_node_event examples[] = {
    {.type = SL_NODE_AGENT,
     .number = 1,
     .time_ms = 5,
     .ima_count = 7,
     .ima_pcr = {1, 2},
     .version = "1"},
    {.type = SL_NODE_START,
     .number = 2,
     .time_ms = 6,
     .flags = SL_NODE_LATE,
     .id = "web",
     .runtime = "runc",
     .image = "docker/web:1",
     .cgroup = "/web",
     .device = "0:33",
     .uid_first = 100000,
     .uid_count = 65536},
    {.type = SL_NODE_EXEC,
     .number = 3,
     .time_ms = 7,
     .id = "web",
     .path = "/bin/\xc3\xa4",
     .digest = {9}},
    {.type = SL_NODE_STOP, .number = 4, .time_ms = 8, .id = "web"},
    {.type = SL_NODE_LOST, .number = 5, .time_ms = 9, .lost = 3},
};
enum { COUNT = sizeof(examples) / sizeof(examples[0]) };

static size_t log_make(uint8_t *out, size_t room)
{
    size_t size = 0, one;
    for (size_t i = 0; i < COUNT; i++) {
        assert_ok(sl_node_event_write(&examples[i], out + size, room - size, &one));
        size += one;
    }
    return size;
}

static void test_read_gives_what_was_written(void **state)
{
    uint8_t log[2048];
    size_t size = log_make(log, sizeof(log)), off = 0;
    struct sl_node_event event;
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_ok(sl_node_event_read(log, size, &off, &event, NULL));
        event.record = NULL;
        event.record_size = 0;
        assert_memory_equal(&event, &examples[i], sizeof(event));
    }
    assert_rc(sl_node_event_read(log, size, &off, &event, NULL), SL_CLOSED);
}

static void test_truncated_at_every_length_is_never_whole(void **state)
{
    uint8_t log[2048];
    size_t size = log_make(log, sizeof(log));
    struct sl_node_event event;
    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        size_t off = 0, read = 0;
        sl_rc rc;
        while ((rc = sl_node_event_read(log, cut, &off, &event, NULL)) == SL_OK) {
            read++;
        }
        assert_true(rc == SL_TRUNCATED || rc == SL_CLOSED);
        assert_true(read < COUNT);
    }
}

/* What is read writes itself back as the same bytes: there is no second form of an event. */
static void test_every_flipped_bit_is_refused_or_another_event(void **state)
{
    uint8_t log[2048], again[SL_NODE_EVENT_SIZE_MAX];
    size_t size = log_make(log, sizeof(log)), out = 0;
    struct sl_node_event event;
    (void)state;
    for (size_t bit = 0; bit < 8 * size; bit++) {
        size_t off = 0;
        log[bit / 8] ^= (uint8_t)(1u << bit % 8);
        while (sl_node_event_read(log, size, &off, &event, NULL) == SL_OK) {
            assert_ok(sl_node_event_write(&event, again, sizeof(again), &out));
            assert_int_equal(out, event.record_size);
            assert_memory_equal(again, event.record, out);
        }
        log[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_foreign_versions_types_and_fields_are_named(void **state)
{
    static const struct {
        sl_rc rc;
        uint8_t record[64];
        size_t size;
    } cases[] = {
        {SL_UNSUPPORTED, {0, 18, 2, 5}, 20},                      /* version */
        {SL_UNSUPPORTED, {0, 18, 1, 6}, 20},                      /* type */
        {SL_MALFORMED, {0, 18, 1, 5}, 20},                        /* lost without its count */
        {SL_MALFORMED, {0, 17, 1, 5}, 19},                        /* no room for its head */
        {SL_MALFORMED, {[1] = 22, 1, 3, [20] = 1, 0, 1, 10}, 24}, /* an id of a line break */
        {SL_MALFORMED, {[1] = 26, 1, 3, [20] = 1, 0, 1, 'a', 1, 0, 1, 'b'}, 28}, /* twice */
        {SL_MALFORMED, {[1] = 25, 1, 3, [20] = 1, 0, 1, 'a', 14, 0, 0}, 27},     /* empty */
        {SL_MALFORMED, {[1] = 26, 1, 3, [20] = 1, 0, 1, 'a', 2, 0, 1, 'r'}, 28}, /* not its own */
        {SL_TRUNCATED, {0, 18, 1, 5}, 10},
    };
    struct sl_node_event event;
    struct sl_err err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t off = 0;
        if (sl_node_event_read(cases[i].record, cases[i].size, &off, &event, &err) != cases[i].rc) {
            fail_msg("case %zu: %s", i, err.text);
        }
        assert_int_equal(off, 0);
    }
}

static void test_write_refuses_what_could_not_be_read(void **state)
{
    struct sl_node_event event = {.type = SL_NODE_STOP, .number = 1};
    uint8_t out[SL_NODE_EVENT_SIZE_MAX];
    size_t size;
    (void)state;
    assert_rc(sl_node_event_write(&event, out, sizeof(out), &size), SL_INVALID); /* no id */
    (void)snprintf(event.id, sizeof(event.id), "web");
    assert_rc(sl_node_event_write(&event, out, 10, &size), SL_NO_SPACE);
    event.type = (enum sl_node_event_type)9;
    assert_rc(sl_node_event_write(&event, out, sizeof(out), &size), SL_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_gives_what_was_written),
        cmocka_unit_test(test_truncated_at_every_length_is_never_whole),
        cmocka_unit_test(test_every_flipped_bit_is_refused_or_another_event),
        cmocka_unit_test(test_foreign_versions_types_and_fields_are_named),
        cmocka_unit_test(test_write_refuses_what_could_not_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
