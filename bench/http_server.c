/* SPDX-License-Identifier: Apache-2.0 */
/* Which HTTP server for the monitor: 10,000 TLS clients that stay connected, the server on one core
 * and the clients on another. Servers: `mhd` as src/trustd/http.c sets it up (poll), `mhd-epoll`
 * (stalls, so not by itself: 256 requests under way are enough), `lws` (libwebsockets over
 * OpenSSL), `epoll` (OpenSSL and nothing else: what is possible). bench-http-server RESULT.json
 * [CONNECTIONS [SERVER...]] */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum { CLIENTS_DEFAULT = 10000, CONNECTION_MEMORY = 16 << 10, OPEN_AT_ONCE = 128, SECONDS = 5 };
enum { PER_ADDRESS = 20000, RATE = 1000 };

static const char body_text[] = "{\"status\":\"ok\",\"nodes\":2000,\"journal_seq\":123456}";
static const char request_text[] =
    "GET /v1/health HTTP/1.1\r\nHost: monitor\r\nAuthorization: Bearer "
    "slt0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n\r\n";
static char cert_path[128], key_path[128];

static char *file_text(const char *path)
{
    static char text[2][8192];
    static int which;
    char *out = text[which++ & 1];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        bench_die("%s cannot be read", path);
    }
    out[fread(out, 1, sizeof(text[0]) - 1, file)] = '\0';
    (void)fclose(file);
    return out;
}

static void core_take(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)core, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

/* ---- libmicrohttpd, as in src/trustd/http.c ---- */

static enum MHD_Result mhd_answer(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **ctx)
{
    static int seen;
    if (*ctx == NULL) {
        *ctx = &seen;
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        sizeof(body_text) - 1, (void *)(uintptr_t)body_text, MHD_RESPMEM_PERSISTENT);
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static void mhd_serve(int fd, unsigned how)
{
    struct MHD_Daemon *server = MHD_start_daemon(
        how | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, mhd_answer, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_CERT, file_text(cert_path),
        MHD_OPTION_HTTPS_MEM_KEY, file_text(key_path), MHD_OPTION_HTTPS_PRIORITIES,
        "SECURE128:-VERS-ALL:+VERS-TLS1.3", MHD_OPTION_CONNECTION_LIMIT, 2 * CLIENTS_DEFAULT,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT, 600,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (server == NULL) {
        bench_die("mhd does not start");
    }
    for (;;) {
        (void)pause();
    }
}

/* ---- libwebsockets ---- */

static int lws_answer(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t len)
{
    unsigned char buffer[LWS_PRE + 512];
    unsigned char *start = buffer + LWS_PRE;
    unsigned char *at = start;
    unsigned char *end = buffer + sizeof(buffer) - 1;
    if (reason != LWS_CALLBACK_HTTP) {
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
    if (lws_add_http_common_headers(wsi, 200, "application/json", sizeof(body_text) - 1, &at,
                                    end) != 0 ||
        lws_finalize_write_http_header(wsi, start, &at, end) != 0) {
        return 1;
    }
    memcpy(start, body_text, sizeof(body_text) - 1);
    if (lws_write(wsi, start, sizeof(body_text) - 1, LWS_WRITE_HTTP_FINAL) < 0) {
        return 1;
    }
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

static void lws_serve(int port)
{
    static const struct lws_protocols protocols[] = {{"http", lws_answer, 0, 0, 0, NULL, 0},
                                                     {NULL, NULL, 0, 0, 0, NULL, 0}};
    struct lws_context_creation_info info = {
        .port = port,
        .iface = "lo",
        .protocols = protocols,
        .ssl_cert_filepath = cert_path,
        .ssl_private_key_filepath = key_path,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_IPV6,
        .keepalive_timeout = 600,
        .timeout_secs = 600,
        .fd_limit_per_thread = 2 * CLIENTS_DEFAULT,
    };
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (context == NULL) {
        bench_die("lws does not start");
    }
    while (lws_service(context, 0) >= 0) {
    }
}

/* ---- epoll and OpenSSL ---- */

static int socket_listen(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        bench_die("no socket");
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void epoll_answer(SSL *tls)
{
    char data[4096];
    char answer[512];
    if (!SSL_is_init_finished(tls) && SSL_do_handshake(tls) != 1) {
        ERR_clear_error();
        return;
    }
    for (int got; (got = SSL_read(tls, data, sizeof(data))) > 0;) {
        int size = snprintf(answer, sizeof(answer),
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: "
                            "no-store\r\nContent-Length: %zu\r\n\r\n%s",
                            sizeof(body_text) - 1, body_text);
        (void)SSL_write(tls, answer, size);
    }
    ERR_clear_error();
}

static void epoll_serve(int fd)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    (void)SSL_CTX_use_certificate_chain_file(ctx, cert_path);
    (void)SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    int poller = epoll_create1(0);
    struct epoll_event listening = {.events = EPOLLIN};
    (void)epoll_ctl(poller, EPOLL_CTL_ADD, fd, &listening);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr != NULL) {
                epoll_answer(events[i].data.ptr);
                continue;
            }
            for (int peer; (peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                SSL *tls = SSL_new(ctx);
                (void)SSL_set_fd(tls, peer);
                SSL_set_accept_state(tls);
                struct epoll_event added = {.events = EPOLLIN | EPOLLET, .data.ptr = tls};
                (void)epoll_ctl(poller, EPOLL_CTL_ADD, peer, &added);
            }
        }
    }
}

/* ---- clients ---- */

struct client {
    SSL *tls;
    int fd;
    uint64_t sent_ns; /* 0: idle */
};
static struct client *clients;
static size_t client_count = CLIENTS_DEFAULT;
static int poller;
static SSL_CTX *client_ctx;

static void client_open(size_t i, int port)
{
    struct client *client = &clients[i];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int one = 1;
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        bench_die("client %zu cannot connect: %s", i, strerror(errno));
    }
    (void)fcntl(client->fd, F_SETFL, O_NONBLOCK);
    client->tls = SSL_new(client_ctx);
    (void)SSL_set_fd(client->tls, client->fd);
    SSL_set_connect_state(client->tls);
    (void)SSL_do_handshake(client->tls);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = i};
    (void)epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &event);
}

static void client_ask(struct client *client)
{
    client->sent_ns = bench_now_ns();
    if (SSL_write(client->tls, request_text, sizeof(request_text) - 1) <= 0) {
        bench_die("a client was cut off");
    }
}

/* @return whether a whole answer came */
static bool client_read(struct client *client)
{
    char data[2048];
    bool has_answer = false;
    for (int got; (got = SSL_read(client->tls, data, sizeof(data) - 1)) > 0;) {
        data[got] = '\0';
        has_answer = has_answer || strstr(data, "journal_seq") != NULL;
    }
    if (SSL_get_error(client->tls, -1) != SSL_ERROR_WANT_READ) {
        bench_die("a client was cut off");
    }
    return has_answer;
}

/* Opens all. @return handshakes a second */
static double clients_open(int port)
{
    size_t opened = 0;
    size_t done = 0;
    uint64_t begin = bench_now_ns();
    while (done < client_count) {
        while (opened < client_count && opened - done < OPEN_AT_ONCE) {
            client_open(opened++, port);
        }
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, 10000);
        if (count <= 0) {
            bench_die("%zu of %zu handshakes, then nothing", done, client_count);
        }
        for (int i = 0; i < count; i++) {
            struct client *client = &clients[events[i].data.u64];
            if (client->sent_ns == 0) {
                int rc = SSL_do_handshake(client->tls);
                if (rc == 1) {
                    client->sent_ns = 1;
                    done++;
                } else if (SSL_get_error(client->tls, rc) != SSL_ERROR_WANT_READ) {
                    bench_die("handshake %zu failed", (size_t)events[i].data.u64);
                }
            }
        }
    }
    double seconds = (double)(bench_now_ns() - begin) / 1e9;
    for (size_t i = 0; i < client_count; i++) {
        clients[i].sent_ns = 0;
    }
    return (double)client_count / seconds;
}

struct load {
    double rate;
    double p50_us, p99_us, max_us;
    size_t count;
};

/* All clients in turn; @p rate a second, or (0) with @p at_once requests under way always. */
static struct load load_run(size_t at_once, double rate)
{
    static double us[4000000];
    struct load load = {0};
    size_t next = 0;
    size_t under_way = 0;
    uint64_t begin = bench_now_ns();
    uint64_t end = begin + SECONDS * 1000000000ull;
    while (bench_now_ns() < end || under_way > 0) {
        uint64_t now = bench_now_ns();
        size_t due = rate > 0 ? (size_t)((double)(now - begin) / 1e9 * rate) : SIZE_MAX;
        while (now < end && (rate > 0 ? next < due : under_way < at_once) &&
               clients[next % client_count].sent_ns == 0) {
            client_ask(&clients[next++ % client_count]);
            under_way++;
        }
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, rate > 0 ? 1 : 1000);
        for (int i = 0; i < count; i++) {
            struct client *client = &clients[events[i].data.u64];
            if (client_read(client) && client->sent_ns != 0) {
                us[load.count++] = (double)(bench_now_ns() - client->sent_ns) / 1e3;
                client->sent_ns = 0;
                under_way--;
            }
        }
        if (bench_now_ns() > end + 30000000000ull) {
            bench_die("%zu answers never came", under_way);
        }
    }
    load.rate = (double)load.count * 1e9 / (double)(bench_now_ns() - begin);
    bench_sort(us, load.count);
    load.p50_us = bench_percentile(us, load.count, 0.5);
    load.p99_us = bench_percentile(us, load.count, 0.99);
    load.max_us = us[load.count - 1];
    return load;
}

static json_t *load_json(const struct load *load)
{
    return json_pack("{s:f, s:f, s:f, s:f}", "per_second", load->rate, "p50_us", load->p50_us,
                     "p99_us", load->p99_us, "max_us", load->max_us);
}

static uint64_t resident(pid_t pid)
{
    char path[64];
    char line[128] = "";
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    unsigned long long pages = 0;
    if (file != NULL) {
        char *space = fgets(line, sizeof(line), file) != NULL ? strchr(line, ' ') : NULL;
        pages = space != NULL ? strtoull(space, NULL, 10) : 0;
        (void)fclose(file);
    }
    return pages * 4096;
}

static json_t *server_measure(const char *name)
{
    int port = 0;
    int fd = socket_listen(&port);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        core_take(0);
        if (strcmp(name, "mhd") == 0) {
            mhd_serve(fd, MHD_USE_POLL_INTERNAL_THREAD);
        } else if (strcmp(name, "mhd-epoll") == 0) {
            mhd_serve(fd, MHD_USE_EPOLL_INTERNAL_THREAD);
        } else if (strcmp(name, "lws") == 0) {
            (void)close(fd);
            lws_serve(port);
        } else {
            epoll_serve(fd);
        }
        _exit(0);
    }
    (void)close(fd);
    (void)sleep(1);
    uint64_t before = resident(pid);
    poller = epoll_create1(0);
    clients = calloc(client_count, sizeof(*clients));
    double handshakes = clients_open(port);
    uint64_t after = resident(pid);
    struct load all = load_run(256, 0);
    uint64_t loaded = resident(pid);
    struct load even = load_run(0, RATE);
    double each = (double)(loaded - before) / (double)client_count;
    printf("%-6s %.0f handshakes/s, %.1f KiB a connection (%.1f idle), %.0f requests/s (p50 %.0f "
           "us, p99 "
           "%.0f us); at %d/s p50 %.0f us, p99 %.0f us\n",
           name, handshakes, each / 1024, (double)(after - before) / (double)client_count / 1024,
           all.rate, all.p50_us, all.p99_us, RATE, even.p50_us, even.p99_us);
    for (size_t i = 0; i < client_count; i++) {
        SSL_free(clients[i].tls);
        (void)close(clients[i].fd);
    }
    free(clients);
    (void)close(poller);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return json_pack("{s:s, s:i, s:f, s:f, s:f, s:o, s:o}", "server", name, "connections",
                     (int)client_count, "handshakes_per_second", handshakes, "bytes_per_connection",
                     each, "bytes_per_connection_idle",
                     (double)(after - before) / (double)client_count, "at_most", load_json(&all),
                     "at_rate", load_json(&even));
}

int main(int argc, char **argv)
{
    static const char *const all[] = {"mhd", "lws", "epoll"};
    char folder[] = "/tmp/sl-http-XXXXXX";
    char command[512];
    if (argc < 2 || mkdtemp(folder) == NULL) {
        bench_die("usage: bench-http-server RESULT.json [CONNECTIONS [SERVER...]]");
    }
    client_count = argc > 2 ? strtoul(argv[2], NULL, 10) : CLIENTS_DEFAULT;
    const struct rlimit files = {client_count + 500, client_count + 500};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
        bench_die("RLIMIT_NOFILE cannot be raised to %zu: run as root", client_count + 500);
    }
    (void)snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", folder);
    (void)snprintf(key_path, sizeof(key_path), "%s/key.pem", folder);
    (void)snprintf(
        command, sizeof(command),
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s "
        "-out %s -days 2 -subj /CN=monitor 2>/dev/null",
        key_path, cert_path);
    if (system(command) != 0) {
        bench_die("no certificate");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    client_ctx = SSL_CTX_new(TLS_client_method());
    (void)SSL_CTX_set_mode(client_ctx, SSL_MODE_RELEASE_BUFFERS);
    core_take(1);
    json_t *rows = json_array();
    for (int i = 0; i < (argc > 3 ? argc - 3 : 3); i++) {
        (void)json_array_append_new(rows, server_measure(argc > 3 ? argv[3 + i] : all[i]));
    }
    bench_result_write(
        argv[1], "http-server",
        json_pack("{s:o, s:i, s:i}", "rows", rows, "rate", RATE, "seconds", SECONDS));
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}
