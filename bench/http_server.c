/* SPDX-License-Identifier: Apache-2.0 */
/* Which HTTP server for the monitor: 10,000 TLS clients that stay connected, the server on one core
 * and the clients on another. Beside the time on the wall the server's own processor time is
 * measured, which means the same on a busy machine. Servers: `mhd` (poll), `mhd-pool` (poll, four
 * threads), `mhd-epoll` (stalls, so not by itself: 256 requests under way are enough), `lws`
 * (libwebsockets over OpenSSL), `evhttp` (libevent's own HTTP), `trustd` (src/trustd/http.c:
 * libevent's TLS and our reader), `epoll` (OpenSSL and nothing else: what is possible).
 * bench-http-server RESULT.json [CONNECTIONS [SERVER...]] */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
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
#include <time.h>
#include <unistd.h>

#include "measure.h"
#include "trustd/http.h"

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

/* ---- libmicrohttpd ---- */

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

static void mhd_serve(int fd, unsigned how, unsigned threads)
{
    struct MHD_Daemon *server = MHD_start_daemon(
        how | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, mhd_answer, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_CERT, file_text(cert_path),
        MHD_OPTION_HTTPS_MEM_KEY, file_text(key_path), MHD_OPTION_HTTPS_PRIORITIES,
        "SECURE128:-VERS-ALL:+VERS-TLS1.3", MHD_OPTION_CONNECTION_LIMIT, 2 * CLIENTS_DEFAULT,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT, 600,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        /* the last option is left out where there is one thread */
        threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, MHD_OPTION_END);
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

static SSL_CTX *server_ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    (void)SSL_CTX_use_certificate_chain_file(ctx, cert_path);
    (void)SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

static void epoll_serve(int fd)
{
    SSL_CTX *ctx = server_ctx();
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

/* ---- libevent's HTTP ---- */

static void evhttp_answer(struct evhttp_request *request, void *ctx)
{
    struct evbuffer *out = evhttp_request_get_output_buffer(request);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    (void)evhttp_add_header(headers, "Content-Type", "application/json");
    (void)evhttp_add_header(headers, "Cache-Control", "no-store");
    (void)evbuffer_add(out, body_text, sizeof(body_text) - 1);
    evhttp_send_reply(request, 200, "OK", out);
}

static struct bufferevent *evhttp_peer(struct event_base *base, void *ctx)
{
    return bufferevent_openssl_socket_new(base, -1, SSL_new(ctx), BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

static void evhttp_serve(int fd)
{
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    evhttp_set_bevcb(http, evhttp_peer, server_ctx());
    evhttp_set_gencb(http, evhttp_answer, NULL);
    evhttp_set_timeout(http, 600);
    evhttp_set_max_headers_size(http, CONNECTION_MEMORY);
    if (evhttp_accept_socket(http, fd) != 0) {
        bench_die("evhttp does not start");
    }
    (void)event_base_dispatch(base);
}

/* ---- the monitor's own server, with nothing behind it ---- */

struct sl_route {
    char unused;
};
static const struct sl_route one_route;

bool sl_route_is_slow(const struct sl_route *route)
{
    return false;
}

void sl_trustd_count_refused(struct sl_trustd *trustd)
{
}

void sl_answer_problem(struct sl_answer *answer, unsigned status, const char *field,
                       const char *format, ...)
{
    bench_die("the server refused: %u", status);
}

const struct sl_route *sl_api_admit(struct sl_trustd *trustd, const struct sl_request *request,
                                    size_t *ret_body_max, struct sl_answer *ret_answer)
{
    *ret_body_max = 0;
    return &one_route;
}

void sl_api_answer(struct sl_trustd *trustd, const struct sl_route *route,
                   const struct sl_request *request, struct sl_answer *ret_answer)
{
    *ret_answer =
        (struct sl_answer){.status = 200, .body = strdup(body_text), .size = sizeof(body_text) - 1};
}

static void trustd_serve(int port)
{
    static struct sl_trustd trustd;
    struct sl_http *http;
    struct sl_err err;
    struct sl_trustd_config *config = &trustd.config;
    *config = (struct sl_trustd_config){.workers = 2,
                                        .connections_max = 2 * CLIENTS_DEFAULT,
                                        .connections_per_address_max = PER_ADDRESS,
                                        .idle_seconds = 600,
                                        .request_seconds = 600,
                                        .bodies_bytes_max = 64 << 20};
    (void)snprintf(config->listen, sizeof(config->listen), "127.0.0.1:%d", port);
    (void)snprintf(config->certificate, sizeof(config->certificate), "%s", cert_path);
    (void)snprintf(config->key, sizeof(config->key), "%s", key_path);
    if (sl_http_start(&trustd, &http, &err) != SL_OK) {
        bench_die("%s", err.text);
    }
    for (;;) {
        (void)pause();
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

/* @return whether its handshake is done already: the server may be that quick */
static bool client_open(size_t i, int port)
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
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = i};
    (void)epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &event);
    client->sent_ns = SSL_do_handshake(client->tls) == 1;
    return client->sent_ns != 0;
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
            done += client_open(opened++, port);
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
    double cpu_us; /* of the server, for each request */
    double p50_us, p99_us, max_us;
    size_t count;
};

/* Processor time of all threads of the server, user and kernel. */
static double server_cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec ts = {0};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) != 0) {
        bench_die("the server is gone");
    }
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* All clients in turn, each at least once where @p at_once requests are always under way;
 * otherwise (0) @p rate a second. */
static struct load load_run(pid_t server, size_t at_once, double rate)
{
    double cpu_us = server_cpu_us(server);
    size_t least = rate > 0 ? 0 : client_count;
    static double us[4000000];
    struct load load = {0};
    size_t next = 0;
    size_t under_way = 0;
    uint64_t begin = bench_now_ns();
    uint64_t end = begin + SECONDS * 1000000000ull;
    while (bench_now_ns() < end || next < least || under_way > 0) {
        uint64_t now = bench_now_ns();
        size_t due = rate > 0 ? (size_t)((double)(now - begin) / 1e9 * rate) : SIZE_MAX;
        while ((now < end || next < least) && (rate > 0 ? next < due : under_way < at_once) &&
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
        if (bench_now_ns() > end + 60000000000ull) {
            bench_die("%zu answers never came", under_way);
        }
    }
    load.rate = (double)load.count * 1e9 / (double)(bench_now_ns() - begin);
    load.cpu_us = (server_cpu_us(server) - cpu_us) / (double)load.count;
    bench_sort(us, load.count);
    load.p50_us = bench_percentile(us, load.count, 0.5);
    load.p99_us = bench_percentile(us, load.count, 0.99);
    load.max_us = us[load.count - 1];
    return load;
}

static json_t *load_json(const struct load *load)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:I}", "per_second", load->rate,
                     "server_cpu_us_each", load->cpu_us, "p50_us", load->p50_us, "p99_us",
                     load->p99_us, "max_us", load->max_us, "answers", (json_int_t)load->count);
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

static void serve(const char *name, int fd, int port)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    core_take(0);
    if (strcmp(name, "mhd") == 0) {
        mhd_serve(fd, MHD_USE_POLL_INTERNAL_THREAD, 1);
    } else if (strcmp(name, "mhd-pool") == 0) {
        mhd_serve(fd, MHD_USE_POLL_INTERNAL_THREAD, 4);
    } else if (strcmp(name, "mhd-epoll") == 0) {
        mhd_serve(fd, MHD_USE_EPOLL_INTERNAL_THREAD, 1);
    } else if (strcmp(name, "lws") == 0) {
        (void)close(fd);
        lws_serve(port);
    } else if (strcmp(name, "evhttp") == 0) {
        evhttp_serve(fd);
    } else if (strcmp(name, "trustd") == 0) {
        (void)close(fd);
        trustd_serve(port);
    } else {
        epoll_serve(fd);
    }
    _exit(0);
}

static void clients_close(void)
{
    for (size_t i = 0; i < client_count; i++) {
        SSL_free(clients[i].tls);
        (void)close(clients[i].fd);
    }
    free(clients);
    (void)close(poller);
}

static json_t *server_measure(const char *name)
{
    int port = 0;
    int fd = socket_listen(&port);
    pid_t pid = fork();
    if (pid == 0) {
        serve(name, fd, port);
    }
    (void)close(fd);
    (void)sleep(1);
    uint64_t before = resident(pid);
    poller = epoll_create1(0);
    clients = calloc(client_count, sizeof(*clients));
    double cpu_us = server_cpu_us(pid);
    double handshakes = clients_open(port);
    double handshake_cpu_us = (server_cpu_us(pid) - cpu_us) / (double)client_count;
    double idle = (double)(resident(pid) - before) / (double)client_count;
    struct load all = load_run(pid, 256, 0);
    double each = (double)(resident(pid) - before) / (double)client_count;
    struct load even = load_run(pid, 0, RATE);
    printf("%-9s %.0f handshakes/s (%.0f us of CPU), %.1f KiB a connection (%.1f idle), %.0f "
           "requests/s (%.0f us of CPU, p50 %.1f ms, p99 %.1f ms); at %d/s %.0f us of CPU, p50 "
           "%.2f ms, p99 %.1f ms\n",
           name, handshakes, handshake_cpu_us, each / 1024, idle / 1024, all.rate, all.cpu_us,
           all.p50_us / 1e3, all.p99_us / 1e3, RATE, even.cpu_us, even.p50_us / 1e3,
           even.p99_us / 1e3);
    (void)fflush(stdout);
    clients_close();
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return json_pack("{s:s, s:i, s:f, s:f, s:f, s:f, s:o, s:o}", "server", name, "connections",
                     (int)client_count, "handshakes_per_second", handshakes,
                     "handshake_server_cpu_us", handshake_cpu_us, "bytes_per_connection", each,
                     "bytes_per_connection_idle", idle, "at_most", load_json(&all), "at_rate",
                     load_json(&even));
}

int main(int argc, char **argv)
{
    static const char *const all[] = {"mhd", "mhd-pool", "lws", "evhttp", "trustd", "epoll"};
    const int all_count = (int)(sizeof(all) / sizeof(all[0]));
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
    for (int i = 0; i < (argc > 3 ? argc - 3 : all_count); i++) {
        (void)json_array_append_new(rows, server_measure(argc > 3 ? argv[3 + i] : all[i]));
    }
    bench_result_write(
        argv[1], "http-server",
        json_pack("{s:o, s:i, s:i}", "rows", rows, "rate", RATE, "seconds", SECONDS));
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}
