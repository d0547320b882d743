/* SPDX-License-Identifier: Apache-2.0 */
/* The status socket under requests of every kind: bounded, and an error that can be read. */
#include "unit.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "gateway/status.h"

/* A gateway without a session thread, TUNs or network: what the socket itself does. */
static struct {
    struct sl_gw_config config;
    struct sl_tunnel tunnel;
    struct sl_edge edge;
    struct sl_watch watch;
    struct sl_session session;
    struct sl_gw_status status;
    char folder[32];
} bed;

static int setup(void **state)
{
    (void)state;
    memset(&bed, 0, sizeof(bed));
    (void)snprintf(bed.folder, sizeof(bed.folder), "/tmp/sl-status-XXXXXX");
    assert_non_null(mkdtemp(bed.folder));
    bed.config = (struct sl_gw_config){.udp_port = 4500,
                                       .shards = 2,
                                       .alg = SL_ESP_AES_128_GCM_16,
                                       .framing = SL_ESP_FRAMING_UDP,
                                       .window = 64};
    (void)snprintf(bed.config.host, sizeof(bed.config.host), "127.0.0.1");
    (void)snprintf(bed.config.status_socket, sizeof(bed.config.status_socket), "%s/s", bed.folder);
    assert_ok(sl_tunnel_open(&bed.config, &bed.tunnel, NULL));
    assert_ok(sl_watch_start(&bed.config, &bed.tunnel, &bed.watch, NULL));
    (void)pthread_mutex_init(&bed.session.lock, NULL);
    (void)pthread_mutex_init(&bed.session.request_lock, NULL);
    bed.session.config = &bed.config;
    const uint8_t key[SL_SPKI_HASH_SIZE] = {1};
    assert_ok(sl_gw_attest_init(&bed.session.attest, &bed.config.attestation, key, NULL));
    bed.status = (struct sl_gw_status){.config = &bed.config,
                                       .tunnel = &bed.tunnel,
                                       .edge = &bed.edge,
                                       .watch = &bed.watch,
                                       .session = &bed.session};
    assert_ok(sl_gw_status_start(&bed.status, NULL));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_gw_status_stop(&bed.status);
    sl_watch_stop(&bed.watch);
    sl_tunnel_close(&bed.tunnel);
    sl_gw_attest_done(&bed.session.attest);
    (void)pthread_mutex_destroy(&bed.session.lock);
    (void)pthread_mutex_destroy(&bed.session.request_lock);
    return rmdir(bed.folder);
}

static int dial(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const struct timeval limit = {60, 0};
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", bed.config.status_socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

/* One line of the answer, parsed; NULL where the peer closed without one. */
static json_t *line_take(int fd)
{
    static char line[1 << 20];
    size_t used = 0;
    while (used < sizeof(line) - 1 && recv(fd, line + used, 1, 0) == 1) {
        if (line[used++] == '\n') {
            break;
        }
    }
    return used > 0 ? json_loadb(line, used, 0, NULL) : NULL;
}

static void error_expect(int fd, const char *name)
{
    json_t *out = line_take(fd);
    assert_non_null(out);
    assert_string_equal(json_string_value(json_object_get(out, "error")), name);
    assert_true(json_string_length(json_object_get(out, "text")) > 0);
    json_decref(out);
}

/* The error that is expected; true where we were too late for any. */
static bool was_late(int fd, const char *name)
{
    json_t *out = line_take(fd);
    assert_non_null(out);
    const char *error = json_string_value(json_object_get(out, "error"));
    bool is_late = strcmp(error, "TIMEOUT") == 0;
    if (!is_late) {
        assert_string_equal(error, name);
        assert_true(json_string_length(json_object_get(out, "text")) > 0);
    }
    json_decref(out);
    return is_late;
}

static void say(int fd, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t put = send(fd, at, size, MSG_NOSIGNAL);
        if (put <= 0) {
            return; /* closed on us: the answer tells */
        }
        at += put;
        size -= (size_t)put;
    }
}

static void test_status_garbage_is_answered_by_an_error(void **state)
{
    (void)state;
    static char deep[9000];
    static const struct {
        const char *bytes;
        size_t size;
        const char *error;
    } rows[] = {
        {"\n", 1, "MALFORMED"},
        {"hello\n", 6, "MALFORMED"},
        {"{}\n", 3, "MALFORMED"},
        {"[1,2]\n", 6, "MALFORMED"},
        {"{\"cmd\":7}\n", 10, "MALFORMED"},
        {"{\"cmd\":\"status\"\n", 16, "MALFORMED"},
        {"{\"cmd\":\"a\0b\"}\n", 14, "MALFORMED"},
        {"\0\0\0\n", 4, "MALFORMED"},
        {"\xff\xfe{\"cmd\":\"\xc3\x28\"}\n", 15, "MALFORMED"},
        {"{\"cmd\":\"ping\"}\n", 15, "STATE"},
        {"{\"cmd\":\"ping\",\"shard\":-1}\n", 26, "RANGE"},
        {"{\"cmd\":\"ping\",\"size\":999999999999}\n", 35, "RANGE"},
        {"{\"cmd\":\"ping\",\"shard\":\"x\",\"port\":[]}\n", 38, "STATE"},
        {deep, sizeof(deep), "MALFORMED"},
    };
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\n';
    int fd = dial(); /* all on one connection: an error does not end it */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        say(fd, rows[i].bytes, rows[i].size);
        if (was_late(fd, rows[i].error)) { /* this machine stopped: that ends it */
            (void)close(fd);
            fd = dial();
            say(fd, rows[i].bytes, rows[i].size);
            error_expect(fd, rows[i].error);
        }
    }
    (void)close(fd);
}

static void test_status_line_too_long_is_refused(void **state)
{
    (void)state;
    static char line[70 << 10];
    memset(line, ' ', sizeof(line));
    int fd = dial();
    say(fd, line, 64 << 10);
    error_expect(fd, "RANGE");
    assert_null(line_take(fd)); /* and closed */
    (void)close(fd);
}

static void test_status_dripping_client_is_cut_off(void **state)
{
    (void)state;
    const struct timespec wait = {0, 300000000};
    int fd = dial();
    for (int i = 0; i < 200; i++) {
        if (send(fd, "{", 1, MSG_NOSIGNAL) != 1) {
            break;
        }
        (void)nanosleep(&wait, NULL);
    }
    error_expect(fd, "TIMEOUT"); /* not when it has said all that it wants to say */
    (void)close(fd);
    fd = dial(); /* the next one is served */
    say(fd, "{\"cmd\":\"status\"}\n", 17);
    json_t *out = line_take(fd);
    assert_non_null(json_object_get(out, "tunnel"));
    json_decref(out);
    (void)close(fd);
}

static void test_status_has_every_slot_and_several_requests_per_connection(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "{\"cmd\":\"status\"}\n{\"cmd\":\"status\"}\n", 34);
    for (int i = 0; i < 2; i++) {
        json_t *out = line_take(fd);
        json_t *slots = json_object_get(json_object_get(out, "tunnel"), "slots");
        assert_int_equal(json_array_size(slots), 4);
        assert_true(json_is_null(json_object_get(json_array_get(slots, 3), "sa_out")));
        assert_string_equal(json_string_value(json_object_get(out, "state")), "connecting");
        json_decref(out);
    }
    (void)close(fd);
}

static void test_status_socket_is_the_owners_and_one_gateways(void **state)
{
    (void)state;
    struct stat file;
    struct sl_err err = {0};
    struct sl_gw_status other = bed.status;
    assert_int_equal(stat(bed.config.status_socket, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    other.is_started = false;
    assert_rc(sl_gw_status_start(&other, &err), SL_EXISTS);
    assert_non_null(strstr(err.text, bed.config.status_socket));
    (void)close(other.fd);
    (void)close(other.stop_fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_status_garbage_is_answered_by_an_error),
        TEST(test_status_line_too_long_is_refused),
        TEST(test_status_dripping_client_is_cut_off),
        TEST(test_status_has_every_slot_and_several_requests_per_connection),
        TEST(test_status_socket_is_the_owners_and_one_gateways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
