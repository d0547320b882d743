/* SPDX-License-Identifier: Apache-2.0 */
/* The log of container events: what a crash leaves, what does not fit, and what is tied to IMA. The
 * TPM's two calls are the test's own: one PCR. */
#include "scratch.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/events.h"

static uint8_t pcr14[32], pcr10[32];
static bool is_tpm_broken;
static unsigned extends;

sl_rc sl_agent_tpm_pcr_read(struct sl_agent_tpm *tpm, uint32_t pcr, uint8_t ret_value[32],
                            struct sl_err *err)
{
    (void)tpm;
    (void)err;
    memcpy(ret_value, pcr == 10 ? pcr10 : pcr14, 32);
    return SL_OK;
}

static void extend(uint8_t pcr[32], const void *data, size_t size)
{
    uint8_t both[64];
    memcpy(both, pcr, 32);
    assert_int_equal(EVP_Digest(data, size, both + 32, NULL, EVP_sha256(), NULL), 1);
    assert_int_equal(EVP_Digest(both, 64, pcr, NULL, EVP_sha256(), NULL), 1);
}

sl_rc sl_agent_tpm_pcr_event(struct sl_agent_tpm *tpm, uint32_t pcr, const void *data, size_t size,
                             struct sl_err *err)
{
    (void)tpm;
    assert_int_equal(pcr, 14);
    if (is_tpm_broken) {
        return sl_err_set(err, SL_IO, "TPM: gone");
    }
    extends++;
    extend(pcr14, data, size);
    return SL_OK;
}

static void boot(void)
{
    memset(pcr14, 0x33, sizeof(pcr14)); /* shim has been here */
    memset(pcr10, 0, sizeof(pcr10));
    is_tpm_broken = false;
    extends = 0;
}

/* One entry of a measurement list, and PCR 10 behind it. */
static size_t entry_make(uint8_t out[256])
{
    uint8_t data[64] = {40, 0, 0, 0};
    uint8_t head[28] = {10};
    memcpy(data + 4, "sha256:", 8);
    data[44] = 2;
    data[48] = 'a';
    assert_int_equal(EVP_Digest(data, 50, head + 4, NULL, EVP_sha1(), NULL), 1);
    head[24] = 6;
    memcpy(out, head, 28);
    memcpy(out + 28, "ima-ng", 6);
    memset(out + 34, 0, 4);
    out[34] = 50;
    memcpy(out + 38, data, 50);
    extend(pcr10, data, 50);
    return 88;
}

static void ima_make(const char *dir, struct sl_agent_ima *ima)
{
    uint8_t entry[256];
    size_t size = entry_make(entry);
    struct sl_err err = {0};
    if (sl_agent_ima_open(scratch_put("list", entry, size), dir, "b", ima, &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
}

static void open_as(struct sl_agent_events *e, const char *dir, const char *boot_id, size_t max,
                    sl_rc expected)
{
    struct sl_err err = {0};
    if (sl_agent_events_open(dir, boot_id, 14, max, NULL, e, &err) != expected) {
        fail_msg("%s", err.text);
    }
}

static struct sl_node_event exec_of(const char *id, const char *path)
{
    struct sl_node_event event = {.type = SL_NODE_EXEC, .digest = {1}};
    (void)snprintf(event.id, sizeof(event.id), "%s", id);
    (void)snprintf(event.path, sizeof(event.path), "%s", path);
    return event;
}

static void test_events_begin_behind_the_measurement_list(void **state)
{
    (void)state;
    struct sl_agent_events e;
    struct sl_agent_ima ima;
    struct sl_node_event event = exec_of("web", "/bin/a");
    struct sl_err err = {0};
    const uint8_t *data;
    size_t size, off = 0;
    boot();
    open_as(&e, scratch, "b1", SL_AGENT_EVENTS_MAX, SL_OK);
    assert_rc(sl_agent_events_add(&e, NULL, &event, &err), SL_CLOSED);
    ima_make(scratch, &ima);
    assert_ok(sl_agent_events_begin(&e, NULL, &ima, &err));
    assert_ok(sl_agent_events_add(&e, NULL, &event, &err));
    assert_ok(sl_agent_events_add(&e, NULL, &event, &err)); /* the same again: once on record */
    event = exec_of("dns", "/bin/a");
    assert_ok(sl_agent_events_add(&e, NULL, &event, &err));
    event.type = (enum sl_node_event_type)77;
    assert_rc(sl_agent_events_add(&e, NULL, &event, &err), SL_INVALID);
    assert_int_equal(e.count, 3);
    assert_memory_equal(e.value, pcr14, 32);
    data = sl_agent_events_from(&e, 0, &size);
    assert_ok(sl_node_event_read(data, size, &off, &event, &err));
    assert_int_equal(event.type, SL_NODE_AGENT);
    assert_int_equal(event.ima_count, 1);
    assert_memory_equal(event.ima_pcr, pcr10, 32);
    assert_null(sl_agent_events_from(&e, 4, &size));
    assert_non_null(sl_agent_events_from(&e, 3, &size));
    assert_int_equal(size, 0);
    sl_agent_events_close(&e);

    pcr10[0] ^= 1; /* a list that PCR 10 does not know */
    open_as(&e, scratch, "b1", SL_AGENT_EVENTS_MAX, SL_OK);
    assert_rc(sl_agent_events_begin(&e, NULL, &ima, &err), SL_NOT_FOUND);
    assert_int_equal(e.count, 3);
    assert_false(e.is_on);
    sl_agent_events_close(&e);
    sl_agent_ima_close(&ima);
}

static void test_crash_between_disk_and_pcr_is_made_good(void **state)
{
    (void)state;
    struct sl_agent_events e;
    struct sl_agent_ima ima;
    struct sl_node_event event = exec_of("web", "/bin/a");
    struct sl_err err = {0};
    char path[300];
    boot();
    ima_make(scratch, &ima);
    open_as(&e, scratch, "b2", SL_AGENT_EVENTS_MAX, SL_OK);
    assert_ok(sl_agent_events_begin(&e, NULL, &ima, &err));
    is_tpm_broken = true;
    assert_rc(sl_agent_events_add(&e, NULL, &event, &err), SL_IO);
    assert_rc(sl_agent_events_add(&e, NULL, &event, &err), SL_CLOSED); /* nothing behind a doubt */
    assert_int_equal(e.count, 1);
    sl_agent_events_close(&e);
    is_tpm_broken = false;
    open_as(&e, scratch, "b2", SL_AGENT_EVENTS_MAX, SL_OK); /* extends what was left */
    assert_int_equal(e.count, 2);
    assert_int_equal(extends, 2);
    assert_memory_equal(e.value, pcr14, 32);
    sl_agent_events_close(&e);

    /* a write that was cut */
    (void)snprintf(path, sizeof(path), "%s/events-b2", scratch);
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "\0\x30\1\4", 4), 4);
    close(fd);
    open_as(&e, scratch, "b2", SL_AGENT_EVENTS_MAX, SL_OK);
    assert_int_equal(e.count, 2);
    sl_agent_events_close(&e);

    extend(pcr14, "somebody", 8);
    open_as(&e, scratch, "b2", SL_AGENT_EVENTS_MAX, SL_AUTH);
    sl_agent_events_close(&e);

    fd = open(path, O_WRONLY);
    assert_int_equal(write(fd, "X", 1), 1);
    close(fd);
    open_as(&e, scratch, "b2", SL_AGENT_EVENTS_MAX, SL_MALFORMED);
    sl_agent_events_close(&e);
    open_as(&e, scratch, "b2", 10, SL_RANGE);
    sl_agent_events_close(&e);
    open_as(&e, "/nonexistent", "b2", 10, SL_IO);
    sl_agent_events_close(&e);

    open_as(&e, scratch, "b3", SL_AGENT_EVENTS_MAX, SL_OK); /* the next boot: the old log goes */
    assert_int_equal(access(path, F_OK), -1);
    sl_agent_events_close(&e);
    sl_agent_ima_close(&ima);
}

static void test_full_log_says_so_as_its_last_word(void **state)
{
    (void)state;
    struct sl_agent_events e;
    struct sl_agent_ima ima;
    struct sl_node_event event;
    struct sl_err err = {0};
    char name[32];
    size_t size, off = 0;
    sl_rc rc = SL_OK;
    boot();
    ima_make(scratch, &ima);
    open_as(&e, scratch, "b4", 4096, SL_OK);
    assert_ok(sl_agent_events_begin(&e, NULL, &ima, &err));
    for (int i = 0; rc == SL_OK && i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "/bin/%d", i);
        event = exec_of("web", name);
        rc = sl_agent_events_add(&e, NULL, &event, &err);
    }
    assert_int_equal(rc, SL_NO_SPACE);
    assert_non_null(strstr(err.text, "are full"));
    assert_rc(sl_agent_events_add(&e, NULL, &event, &err), SL_NO_SPACE);
    const uint8_t *data = sl_agent_events_from(&e, 0, &size);
    while (sl_node_event_read(data, size, &off, &event, NULL) == SL_OK) {
    }
    assert_int_equal(size <= 4096, 1);
    off = e.ends[e.count - 2];
    assert_ok(sl_node_event_read(data, size, &off, &event, NULL));
    assert_int_equal(event.type, SL_NODE_LOST);
    assert_memory_equal(e.value, pcr14, 32);
    sl_agent_events_close(&e);
    open_as(&e, scratch, "b4", 4096, SL_OK);
    assert_true(e.is_full);
    sl_agent_events_close(&e);
    sl_agent_ima_close(&ima);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_begin_behind_the_measurement_list),
        cmocka_unit_test(test_crash_between_disk_and_pcr_is_made_good),
        cmocka_unit_test(test_full_log_says_so_as_its_last_word),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
