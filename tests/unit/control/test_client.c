/* SPDX-License-Identifier: Apache-2.0 */
/* The client against sockets that misbehave; against the real server it is tested in
 * tests/unit/image/test_control_server.c. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/client.h"

static struct sl_identity *tenant;
static struct sl_identity *image;

static int setup(void **state)
{
    (void)state;
    assert_ok(sl_identity_generate("tenant", &tenant));
    assert_ok(sl_identity_generate("image", &image));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_identity_free(tenant);
    sl_identity_free(image);
    return 0;
}

static sl_rc accept_any(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err)
{
    (void)ctx;
    (void)peer;
    (void)err;
    return SL_OK;
}

/* A listening socket on loopback; its port as text. */
static int listen_on(char *ret_port, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t at_size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &at_size), 0);
    (void)snprintf(ret_port, size, "%u", ntohs(at.sin_port));
    return fd;
}

static struct sl_client *client_of(struct sl_client_transport transport)
{
    struct sl_client *client = NULL;
    struct sl_client_params params = {
        .transport = transport, .identity = tenant, .verify = accept_any};
    assert_ok(sl_client_create(&params, &client, NULL));
    return client;
}

static void test_tcp_refusals_name_host_and_port(void **state)
{
    (void)state;
    struct sl_client_transport transport;
    struct sl_err err = {0};
    char port[16];
    int fd = listen_on(port, sizeof(port));
    (void)close(fd); /* nobody listens there any more */
    assert_rc(sl_client_tcp("127.0.0.1", port, 1000, &transport, &err), SL_IO);
    assert_non_null(strstr(err.text, port));
    assert_rc(sl_client_tcp("no.such.host.invalid", "1", 1000, &transport, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "no.such.host.invalid"));
}

static void test_create_without_verify_or_key_is_invalid(void **state)
{
    (void)state;
    struct sl_client *client = NULL;
    struct sl_client_params params = {.identity = tenant};
    assert_rc(sl_client_create(&params, &client, NULL), SL_INVALID);
    params = (struct sl_client_params){.verify = accept_any};
    assert_rc(sl_client_create(&params, &client, NULL), SL_INVALID);
}

static void test_silent_server_times_out(void **state)
{
    (void)state;
    struct sl_client_transport transport;
    struct sl_err err = {0};
    char port[16];
    uint64_t ns;
    int fd = listen_on(port, sizeof(port));
    assert_ok(sl_client_tcp("127.0.0.1", port, 1000, &transport, &err));
    struct sl_client *client = client_of(transport);
    assert_rc(sl_client_connect(client, 50, &err), SL_TIMEOUT);
    assert_true(sl_client_is_dead(client));
    assert_rc(sl_client_ping(client, 50, 1, &ns, &err), SL_STATE);
    struct sl_msg reply = {0};
    assert_rc(sl_client_poll(client, &reply, &err), SL_CLOSED);
    sl_client_free(client);
    (void)close(fd);
}

static void test_server_that_hangs_up_is_closed(void **state)
{
    (void)state;
    struct sl_client_transport transport;
    struct sl_err err = {0};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_ok(sl_client_fd_transport(pair[0], &transport));
    struct sl_client *client = client_of(transport);
    assert_int_equal(sl_client_fd(client), pair[0]);
    (void)close(pair[1]);
    assert_rc(sl_client_connect(client, 1000, &err), SL_CLOSED);
    sl_client_free(client);
    assert_rc(sl_client_fd_transport(-1, &transport), SL_IO);
}

static void test_request_while_one_is_under_way_is_refused(void **state)
{
    (void)state;
    struct sl_client_transport transport;
    int pair[2];
    static uint8_t big[SL_MSG_SIZE_MAX + 1];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_ok(sl_client_fd_transport(pair[0], &transport));
    struct sl_client *client = client_of(transport);
    assert_rc(sl_client_request(client, SL_MSG_PING, big, sizeof(big), NULL), SL_RANGE);
    assert_ok(sl_client_request(client, SL_MSG_PING, "x", 1, NULL));
    assert_rc(sl_client_request(client, SL_MSG_PING, "x", 1, NULL), SL_STATE);
    sl_client_free(client);
    (void)close(pair[1]);
}

/* ---- a server that completes the handshake and then answers with given bytes ---- */

struct liar {
    int fd;
    const uint8_t *reply;
    size_t reply_size;
};

/* Moves bytes between socket and TLS until there is a request; then answers. */
static void *lie(void *arg)
{
    struct liar *liar = arg;
    struct sl_tls *tls = NULL;
    struct sl_tls_options options = {.is_server = true, .identity = image, .verify = accept_any};
    bool is_answered = false;
    uint8_t buf[4096];
    if (sl_tls_create(&options, &tls, NULL) != SL_OK) {
        return NULL;
    }
    for (;;) {
        const uint8_t *out;
        size_t size;
        size_t got = 0;
        if (sl_tls_handshake(tls, NULL) == SL_OK && !is_answered &&
            sl_tls_read(tls, buf, sizeof(buf), &got, NULL) == SL_OK) {
            is_answered = sl_tls_write(tls, liar->reply, liar->reply_size, NULL) == SL_OK;
        }
        while ((size = sl_tls_out(tls, &out)) > 0) {
            ssize_t sent = send(liar->fd, out, size, MSG_NOSIGNAL);
            if (sent <= 0) {
                break;
            }
            sl_tls_out_take(tls, (size_t)sent);
        }
        ssize_t in = recv(liar->fd, buf, sizeof(buf), 0);
        if (in <= 0 || sl_tls_feed(tls, buf, (size_t)in) != SL_OK) {
            break;
        }
    }
    sl_tls_free(tls);
    return NULL;
}

/* What a ping comes to where the server answers so. */
static sl_rc ping_liar(const void *reply, size_t size, struct sl_err *err)
{
    struct sl_client_transport transport;
    struct liar liar = {.reply = reply, .reply_size = size};
    pthread_t thread;
    uint64_t ns;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    liar.fd = pair[1];
    assert_ok(sl_client_fd_transport(pair[0], &transport));
    assert_int_equal(pthread_create(&thread, NULL, lie, &liar), 0);
    struct sl_client *client = client_of(transport);
    sl_rc rc = sl_client_ping(client, 20000, 2, &ns, err);
    sl_client_free(client);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(pair[1]);
    return rc;
}

static void test_replies_that_lie_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const char *reply;
        size_t size;
        sl_rc want;
    } rows[] = {
        {"as asked", "\0\0\0\6\0\6\0\1\0\1", 10, SL_OK},
        {"other echo", "\0\0\0\6\0\6\0\1\0\2", 10, SL_MISMATCH},
        {"shorter echo", "\0\0\0\5\0\6\0\1\0", 9, SL_MISMATCH},
        {"other id", "\0\0\0\6\0\6\0\2\0\1", 10, SL_MISMATCH},
        {"other type", "\0\0\0\6\0\5\0\1\0\1", 10, SL_MISMATCH},
        {"too short", "\0\0\0\3\0\6\0\1", 8, SL_MALFORMED},
        {"too large", "\x7f\0\0\0\0\6\0\1", 8, SL_RANGE},
        {"an error", "\0\0\0\x0b\0\0\0\1\0\x0e\0\3wut", 15, SL_DENIED},
        {"an error of code 0", "\0\0\0\x0b\0\0\0\1\0\0\0\3wut", 15, SL_MALFORMED},
        {"an error of no code", "\0\0\0\x0b\0\0\0\1\x7f\0\0\3wut", 15, SL_MALFORMED},
        {"an error cut off", "\0\0\0\6\0\0\0\1\0\x0e", 10, SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_err err = {0};
        sl_rc rc = ping_liar(rows[i].reply, rows[i].size, &err);
        if (rc != rows[i].want) {
            fail_msg("row \"%s\": %s (%s)", rows[i].what, sl_rc_name(rc), err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_refusals_name_host_and_port),
        cmocka_unit_test(test_create_without_verify_or_key_is_invalid),
        cmocka_unit_test(test_silent_server_times_out),
        cmocka_unit_test(test_server_that_hangs_up_is_closed),
        cmocka_unit_test(test_request_while_one_is_under_way_is_refused),
        cmocka_unit_test(test_replies_that_lie_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
