/* SPDX-License-Identifier: Apache-2.0 */
/* The server over TLS, with an interface that only says what it was asked: every bound and what a
 * client is told when it meets one. */
#include "http_api.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "folder.h"

static char folder[40];
static struct sl_trustd trustd;
static struct sl_http *http;
static struct sl_err err;
static SSL_CTX *ctx;
static char said[FAKE_BIG + 4096];

static void shell(const char *format, const char *name)
{
    char command[600];
    (void)snprintf(command, sizeof(command), format, folder, name);
    assert_int_equal(system(command), 0);
}

static void certificate_make(const char *name)
{
    shell("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "
          "%s.key -out cert.tmp -days 2 -subj /CN=monitor 2>/dev/null",
          name);
    shell("cd %s && mv cert.tmp %s.pem", name);
}

static int group_setup(void **state)
{
    (void)signal(SIGPIPE, SIG_IGN);
    folder_make(folder, sizeof(folder));
    certificate_make("server");
    certificate_make("right");
    certificate_make("wrong");
    return 0;
}

static int group_teardown(void **state)
{
    folder_remove(folder);
    return 0;
}

static int setup_as(bool is_hasty)
{
    struct sl_trustd_config *c = &trustd.config;
    *c = (struct sl_trustd_config){.listen = "127.0.0.1:0",
                                   .workers = 2,
                                   .connections_max = 32,
                                   .connections_per_address_max = 8,
                                   .idle_seconds = is_hasty ? 2 : 30,
                                   .request_seconds = is_hasty ? 1 : 30,
                                   .bodies_bytes_max = 2 << 20};
    (void)snprintf(c->certificate, sizeof(c->certificate), "%s/server.pem", folder);
    (void)snprintf(c->key, sizeof(c->key), "%s/server.key", folder);
    (void)snprintf(c->client_ca, sizeof(c->client_ca), "%s/right.pem", folder);
    assert_ok(sl_http_start(&trustd, &http, &err));
    assert_true(sl_http_port(http) != 0);
    ctx = SSL_CTX_new(TLS_client_method());
    return 0;
}

static int setup(void **state)
{
    return setup_as(false);
}

/* It soon loses patience, also with those who cannot help it: they try again. */
static int setup_hasty(void **state)
{
    return setup_as(true);
}

static int teardown(void **state)
{
    sl_http_stop(http);
    SSL_CTX_free(ctx);
    return 0;
}

/* ---- a client ---- */

struct peer {
    int fd;
    SSL *tls; /* NULL: none */
};

static struct peer peer_connect(void)
{
    struct peer peer = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    const struct timeval patience = {.tv_sec = 60};
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(sl_http_port(http)),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(connect(peer.fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    (void)setsockopt(peer.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return peer;
}

static bool peer_try(struct peer *peer)
{
    *peer = peer_connect();
    peer->tls = SSL_new(ctx);
    assert_int_equal(SSL_set_fd(peer->tls, peer->fd), 1);
    return SSL_connect(peer->tls) == 1;
}

static struct peer peer_open(void)
{
    struct peer peer;
    assert_true(peer_try(&peer));
    return peer;
}

static void peer_close(struct peer *peer)
{
    SSL_free(peer->tls);
    (void)close(peer->fd);
}

static void peer_send(struct peer *peer, const char *text)
{
    assert_int_equal(SSL_write(peer->tls, text, (int)strlen(text)), (int)strlen(text));
}

/* Until a text is there @p count times, or the end. @return the first status */
static unsigned peer_read(struct peer *peer, const char *until, unsigned count)
{
    size_t size = 0;
    said[0] = '\0';
    for (;;) {
        unsigned found = 0;
        for (const char *at = said; until != NULL && (at = strstr(at, until)) != NULL; at++) {
            found++;
        }
        if (until != NULL && found >= count) {
            break;
        }
        int got = SSL_read(peer->tls, said + size, (int)(sizeof(said) - 1 - size));
        if (got <= 0) {
            assert_true(until == NULL);
            break;
        }
        size += (size_t)got;
        said[size] = '\0';
    }
    return strncmp(said, "HTTP/1.1 ", 9) == 0 ? (unsigned)strtoul(said + 9, NULL, 10) : 0;
}

/* One request on a connection of its own, to the connection's end. */
static unsigned ask(const char *request)
{
    struct peer peer = peer_open();
    peer_send(&peer, request);
    unsigned status = peer_read(&peer, NULL, 0);
    peer_close(&peer);
    return status;
}

static double now_s(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#define LAST "Host: m\r\nConnection: close\r\n"

/* ---- tests ---- */

static void test_http_start_errors(void **state)
{
    struct sl_http *other = NULL;
    struct sl_trustd_config kept = trustd.config;
    (void)snprintf(trustd.config.listen, sizeof(kept.listen), "nowhere");
    assert_rc(sl_http_start(&trustd, &other, &err), SL_INVALID);
    (void)snprintf(trustd.config.listen, sizeof(kept.listen), "127.0.0.1:%u", sl_http_port(http));
    assert_rc(sl_http_start(&trustd, &other, &err), SL_IO);
    trustd.config = kept;
    (void)snprintf(trustd.config.certificate, sizeof(kept.certificate), "%s/absent", folder);
    assert_rc(sl_http_start(&trustd, &other, &err), SL_IO);
    assert_non_null(strstr(err.text, "absent"));
    trustd.config = kept;
    (void)snprintf(trustd.config.key, sizeof(kept.key), "%s/wrong.key", folder);
    assert_rc(sl_http_start(&trustd, &other, &err), SL_CRYPTO);
    trustd.config = kept;
    (void)snprintf(trustd.config.client_ca, sizeof(kept.client_ca), "%s/wrong.key", folder);
    assert_rc(sl_http_start(&trustd, &other, &err), SL_CRYPTO);
    trustd.config = kept;
    assert_null(other);
}

static void test_http_keep_alive_and_pipelining(void **state)
{
    struct peer peer = peer_open();
    for (int i = 0; i < 3; i++) { /* one after the other; an empty line between them is no harm */
        peer_send(&peer,
                  "\r\nGET /echo?a=1 HTTP/1.1\r\nHost: m\r\nAuthorization: bearer t\r\n\r\n");
        assert_int_equal(peer_read(&peer, ">", 1), 200);
        assert_non_null(strstr(said, "<GET /echo a=1 token=t cert=0 body=0 sum=0>"));
        assert_null(strstr(said, "Connection: close"));
    }
    /* four at once, one of them with a worker: answered in their order */
    peer_send(&peer, "POST /echo?a=1 HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\n\r\nabc"
                     "POST /slow?a=2 HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n"
                     "GET /none?a=3 HTTP/1.1\r\nHost: m\r\n\r\n"
                     "GET /echo?a=4 HTTP/1.1\r\n" LAST "\r\n");
    assert_int_equal(peer_read(&peer, NULL, 0), 200);
    const char *first = strstr(said, "<POST /echo a=1 token=- cert=0 body=3 sum=96354>");
    const char *second = strstr(said, "<POST /slow a=2 token=- cert=0 body=3 sum=96354>");
    const char *third = strstr(said, "<GET /none a=3 ");
    const char *fourth = strstr(said, "<GET /echo a=4 ");
    assert_true(first != NULL && second > first && third > second && fourth > third);
    assert_non_null(strstr(said, "Connection: close"));
    peer_close(&peer);
}

static void test_http_methods(void **state)
{
    assert_int_equal(ask("OPTIONS /echo HTTP/1.1\r\n" LAST "\r\n"), 405);
    assert_non_null(strstr(said, "\r\nAllow: GET, POST\r\n"));
    assert_int_equal(ask("HEAD /echo HTTP/1.1\r\n" LAST "\r\n"), 405);
    assert_non_null(strstr(said, "\r\nContent-Length: 2\r\n"));
    assert_string_equal(strstr(said, "\r\n\r\n"), "\r\n\r\n"); /* no body */
    assert_int_equal(ask("GET /absent HTTP/1.1\r\n" LAST "\r\n"), 404);
    assert_int_equal(ask("GET /echo HTTP/1.0\r\n\r\n"), 200);
}

static void test_http_heads_are_refused(void **state)
{
    static char request[20000];
    unsigned before = fake_refused;
    unsigned answered = fake_answered;
    assert_int_equal(ask("nonsense\r\n\r\n"), 400);
    assert_non_null(strstr(said, "Content-Type: application/problem+json"));
    assert_int_equal(ask("GET /echo HTTP/3.0\r\n\r\n"), 505);
    assert_int_equal(
        ask("POST /echo HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\nTransfer-Encoding: "
            "chunked\r\n\r\n0\r\n\r\nGET /echo HTTP/1.1\r\nHost: m\r\n\r\n"),
        400);
    assert_null(strstr(said, "<GET")); /* what was smuggled is no request */
    assert_int_equal(ask("POST /echo HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\nContent-Length: 0"
                         "\r\n\r\nGET /echo HTTP/1.1\r\nHost: m\r\n\r\n"),
                     400);
    assert_null(strstr(said, "<GET"));
    memset(request, 'a', sizeof(request) - 1);
    memcpy(request, "GET /echo HTTP/1.1\r\nHost: m\r\nA: ", 32);
    assert_int_equal(ask(request), 431); /* it never ends */
    memcpy(request + SL_HTTP_HEAD_MAX, "\r\n\r\n", 5);
    assert_int_equal(ask(request), 431);
    assert_int_equal(fake_refused - before, 6);
    assert_int_equal(fake_answered, answered);
}

static void test_http_bodies(void **state)
{
    static char body[70000];
    struct peer peer = peer_open();
    memset(body, 'x', sizeof(body) - 1);
    peer_send(&peer, "POST /echo HTTP/1.1\r\nHost: m\r\nContent-Length: 69999\r\n\r\n");
    peer_send(&peer, body);
    assert_int_equal(peer_read(&peer, ">", 1), 200);
    assert_non_null(strstr(said, "body=69999"));
    /* the body that is asked for */
    peer_send(&peer,
              "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(peer_read(&peer, "\r\n\r\n", 1), 100);
    peer_send(&peer, "ab");
    assert_int_equal(peer_read(&peer, NULL, 0), 200);
    assert_non_null(strstr(said, "body=2"));
    peer_close(&peer);
}

static void test_http_bodies_too_large(void **state)
{
    static char body[8000];
    memset(body, 'x', sizeof(body) - 1);
    /* announced: nothing of it needs to come, and it is not asked for */
    assert_int_equal(ask("POST /slow HTTP/1.1\r\nHost: m\r\nContent-Length: 4097\r\nExpect: "
                         "100-continue\r\n\r\n"),
                     413);
    assert_null(strstr(said, "100 Continue"));
    assert_int_equal(ask("POST /none HTTP/1.1\r\nHost: m\r\nContent-Length: 1\r\n\r\n"), 413);
    /* sent in chunks: the answer reaches a client that is still sending */
    struct peer peer = peer_open();
    peer_send(&peer,
              "POST /slow HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n1f3f\r\n");
    peer_send(&peer, body);
    peer_send(&peer, "\r\n1f3f\r\n");
    peer_send(&peer, body);
    assert_int_equal(peer_read(&peer, NULL, 0), 413);
    peer_close(&peer);
    assert_int_equal(
        ask("POST /slow HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n"), 400);
}

/* Until the server has read all that was sent: it then waits in no buffer of its socket. */
static void wait_taken(const struct peer *peer)
{
    struct sockaddr_in own = {0};
    socklen_t size = sizeof(own);
    double end = now_s() + 60;
    bool is_waiting = true;
    assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&own, &size), 0);
    while (is_waiting && now_s() < end) {
        char line[300];
        FILE *file = fopen("/proc/net/tcp", "r");
        assert_non_null(file);
        is_waiting = false;
        while (fgets(line, sizeof(line), file) != NULL) {
            unsigned from, to, in, out;
            if (sscanf(line, " %*u: %*x:%x %*x:%x %*x %x:%x", &from, &to, &out, &in) == 4 &&
                (from == ntohs(own.sin_port) || to == ntohs(own.sin_port))) {
                is_waiting = is_waiting || in != 0 || out != 0;
            }
        }
        (void)fclose(file);
        (void)usleep(20000);
    }
    assert_false(is_waiting);
}

static void test_http_bodies_are_bounded_together(void **state)
{
    struct peer peers[4];
    static char body[(900 << 10) + 1];
    memset(body, 'x', sizeof(body) - 1);
    for (int i = 0; i < 4; i++) { /* a MiB of room each; two are taken */
        peers[i] = peer_open();
        peer_send(&peers[i], "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 921601\r\n\r\n");
        peer_send(&peers[i], body);
        if (i < 2) { /* of the others, which are refused, nothing more is read */
            wait_taken(&peers[i]);
        }
    }
    assert_int_equal(peer_read(&peers[2], NULL, 0), 503);
    assert_non_null(strstr(said, "\r\nRetry-After: 1\r\n"));
    peer_send(&peers[0], "x");
    assert_int_equal(peer_read(&peers[0], NULL, 0), 200);
    for (int i = 0; i < 4; i++) {
        peer_close(&peers[i]);
    }
}

/* A connection to a server that may have closed it before the handshake was over. */
static struct peer peer_insist(void)
{
    struct peer peer;
    double end = now_s() + 60;
    while (!peer_try(&peer)) {
        assert_true(now_s() < end);
        peer_close(&peer);
    }
    return peer;
}

/* A byte now and then. @return it was told why it is cut off; false: that was lost, as we were late
 */
static bool drip(const char *start)
{
    double begin = now_s();
    struct peer peer = peer_insist();
    const struct timeval patience = {.tv_usec = 100000};
    (void)SSL_write(peer.tls, start, (int)strlen(start));
    (void)setsockopt(peer.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    char c = 0;
    while (SSL_write(peer.tls, "a", 1) == 1 && c != 'H') {
        (void)SSL_read(peer.tls, &c, 1);
        assert_true(now_s() - begin < 60);
    }
    if (c == 'H') {
        assert_int_equal(peer_read(&peer, "408", 1), 0);
    }
    peer_close(&peer);
    return c == 'H';
}

static void drips(const char *start)
{
    for (int i = 0; !drip(start); i++) {
        assert_true(i < 10);
    }
}

static void test_http_slow_clients_are_cut_off(void **state)
{
    char c;
    drips("GET /echo HTTP/1.1\r\nA: ");
    drips("POST /echo HTTP/1.1\r\nHost: m\r\nContent-Length: 1000\r\n\r\n");
    drips("POST /echo HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ");
    struct peer quiet = peer_insist(); /* idle: without a word */
    struct peer raw = peer_connect();  /* a handshake that does not begin */
    assert_int_equal(recv(raw.fd, &c, 1, 0), 0);
    assert_int_equal(peer_read(&quiet, NULL, 0), 0);
    peer_close(&quiet);
    (void)close(raw.fd);
}

static void test_http_answer_that_is_not_read(void **state)
{
    struct peer peer = peer_open();
    peer_send(&peer, "GET /big HTTP/1.1\r\n" LAST "\r\n");
    assert_int_equal(peer_read(&peer, NULL, 0), 200); /* read at once: whole */
    assert_true(strlen(strstr(said, "\r\n\r\n")) == FAKE_BIG + 4);
    peer_close(&peer);
}

static void test_http_connections_of_an_address(void **state)
{
    struct peer peers[8];
    struct peer more;
    for (int i = 0; i < 8; i++) {
        peers[i] = peer_open();
    }
    assert_false(peer_try(&more));
    peer_close(&more);
    peer_close(&peers[0]);
    peers[0] = peer_insist(); /* once the server has noticed */
    for (int i = 0; i < 8; i++) {
        peer_close(&peers[i]);
    }
}

static void certificate_use(const char *name)
{
    char path[100];
    (void)snprintf(path, sizeof(path), "%s/%s.pem", folder, name);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, path), 1);
    (void)snprintf(path, sizeof(path), "%s/%s.key", folder, name);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), 1);
}

static void test_http_client_certificates(void **state)
{
    static const char request[] = "GET /echo HTTP/1.1\r\n" LAST "\r\n";
    certificate_use("wrong");
    assert_int_equal(ask(request), 200);
    assert_non_null(strstr(said, "cert=0"));
    certificate_use("right");
    assert_int_equal(ask(request), 200);
    assert_non_null(strstr(said, "cert=1"));
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
    struct peer old;
    assert_false(peer_try(&old));
    peer_close(&old);
}

/* Clients that go while a worker has their request, and the server that stops meanwhile. */
static void test_http_stop_under_way(void **state)
{
    struct peer peers[6];
    for (int i = 0; i < 6; i++) {
        peers[i] = peer_open();
        peer_send(&peers[i], "POST /slow HTTP/1.1\r\nHost: m\r\nContent-Length: 1\r\n\r\na");
    }
    for (int i = 0; i < 3; i++) {
        peer_close(&peers[i]);
    }
    (void)usleep(30000);
    sl_http_stop(http);
    http = NULL;
    for (int i = 3; i < 6; i++) {
        peer_close(&peers[i]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_http_start_errors),
        TEST(test_http_keep_alive_and_pipelining),
        TEST(test_http_methods),
        TEST(test_http_heads_are_refused),
        TEST(test_http_bodies),
        TEST(test_http_bodies_too_large),
        TEST(test_http_bodies_are_bounded_together),
        cmocka_unit_test_setup_teardown(test_http_slow_clients_are_cut_off, setup_hasty, teardown),
        TEST(test_http_answer_that_is_not_read),
        TEST(test_http_connections_of_an_address),
        TEST(test_http_client_certificates),
        TEST(test_http_stop_under_way),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
