/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life: handshake, head, body, answer, and the next head. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "trustd/http_private.h"

/* bytes that a client may be ahead of us; one that does not read at 16 KiB/s is cut off */
enum { INPUT_MAX = 32 << 10, ANSWER_BYTES_PER_MS = 16, LINGER_MS = 2000 };

int64_t sl_http_now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- addresses ---- */

static void address_get(const struct sockaddr *from, uint8_t out[16])
{
    memset(out, 0, 16);
    if (from->sa_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
    } else if (from->sa_family == AF_INET) {
        out[10] = out[11] = 0xff;
        memcpy(out + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    }
}

static struct sl_http_origin **origin_bucket(struct sl_http *http, const uint8_t address[16])
{
    uint32_t hash = http->seed;
    for (int i = 0; i < 16; i++) {
        hash = (hash ^ address[i]) * 16777619u;
        hash ^= hash >> 15;
    }
    return &http->origins[hash % SL_HTTP_ORIGIN_BUCKETS];
}

/* @return NULL: it has enough connections, or no memory */
static struct sl_http_origin *origin_take(struct sl_http *http, const struct sockaddr *from)
{
    uint8_t address[16];
    address_get(from, address);
    struct sl_http_origin **bucket = origin_bucket(http, address);
    struct sl_http_origin *origin = *bucket;
    while (origin != NULL && memcmp(origin->address, address, 16) != 0) {
        origin = origin->next;
    }
    if (origin == NULL) {
        origin = calloc(1, sizeof(*origin));
        if (origin == NULL) {
            return NULL;
        }
        memcpy(origin->address, address, 16);
        origin->next = *bucket;
        *bucket = origin;
    }
    if (origin->count >= http->trustd->config.connections_per_address_max) {
        return NULL;
    }
    origin->count++;
    return origin;
}

static void origin_give(struct sl_http *http, struct sl_http_origin *origin)
{
    if (--origin->count == 0) {
        struct sl_http_origin **link = origin_bucket(http, origin->address);
        while (*link != origin) {
            link = &(*link)->next;
        }
        *link = origin->next;
        free(origin);
    }
}

/* ---- answers ---- */

static void exchange_free(struct sl_http *http, struct sl_http_exchange *exchange)
{
    if (exchange != NULL) {
        http->bodies_bytes -= exchange->room;
        free(exchange->body);
        sl_wipe(exchange->text, exchange->text_size); /* it has a token */
        free(exchange);
    }
}

static void answer_send(struct sl_http_conn *conn, const struct sl_answer *answer)
{
    const struct sl_http_exchange *exchange = conn->exchange;
    bool is_head = exchange != NULL && exchange->head.method != NULL &&
                   strcmp(exchange->head.method, "HEAD") == 0;
    conn->at = SL_CONN_ANSWER;
    conn->end_ms = sl_http_now_ms() + (int64_t)conn->http->trustd->config.request_seconds * 1000 +
                   (int64_t)(answer->size / ANSWER_BYTES_PER_MS);
    (void)bufferevent_disable(conn->bev, EV_READ);
    if (!sl_http_answer_write(conn->bev, answer, is_head, conn->is_closing)) {
        conn->end_ms = 0; /* no memory: the next tick ends it */
    }
    exchange_free(conn->http, conn->exchange);
    conn->exchange = NULL;
}

/* @p result has the status; what the client still sends is not looked at. */
static void refuse(struct sl_http_conn *conn, const struct sl_answer *result)
{
    conn->is_closing = conn->is_lingering = true;
    answer_send(conn, result);
}

static void refuse_status(struct sl_http_conn *conn, unsigned status)
{
    struct sl_answer result = {0};
    const char *why = status == 408   ? "the request took too long"
                      : status == 413 ? "the body is larger than is taken here"
                      : status == 414 ? "the target is too long"
                      : status == 417 ? "expected 100-continue"
                      : status == 431 ? "the header fields are too many or too long"
                      : status == 501 ? "the only transfer coding is chunked"
                      : status == 503 ? "too many bodies at once; come again"
                      : status == 505 ? "expected HTTP/1.1 or HTTP/1.0"
                                      : "not a request of HTTP/1.1 (RFC 9112)";
    sl_trustd_count_refused(conn->http->trustd);
    sl_answer_problem(&result, status, NULL, "%s", why);
    result.retry_after_s = status == 503 ? 1 : 0;
    refuse(conn, &result);
}

/* ---- requests ---- */

static const char *query_get(void *ctx, const char *name)
{
    return sl_http_head_arg(ctx, name);
}

/* A certificate that was sent and leads to client_ca. */
static bool has_certificate(const struct sl_http_conn *conn)
{
    SSL *tls = bufferevent_openssl_get_ssl(conn->bev);
    return conn->http->has_client_ca && !conn->is_certificate_bad &&
           SSL_get0_peer_certificate(tls) != NULL && SSL_get_verify_result(tls) == X509_V_OK;
}

/* On a worker's thread. */
static void answer_work(struct sl_work *work)
{
    struct sl_http_exchange *exchange = (struct sl_http_exchange *)work;
    struct sl_http *http = exchange->conn->http;
    const uint64_t one = 1;
    sl_api_answer(http->trustd, exchange->route, &exchange->request, &exchange->answer);
    (void)pthread_mutex_lock(&http->lock);
    exchange->next_done = http->done;
    http->done = exchange;
    (void)pthread_mutex_unlock(&http->lock);
    (void)!write(http->wake_fd, &one, sizeof(one));
}

void sl_http_conn_resume(struct sl_http_exchange *exchange)
{
    struct sl_http_conn *conn = exchange->conn;
    conn->at = SL_CONN_ANSWER;
    if (conn->is_gone) {
        free(exchange->answer.body);
        sl_http_conn_free(conn);
    } else {
        answer_send(conn, &exchange->answer);
    }
}

/* The request is whole. */
static void request_end(struct sl_http_conn *conn)
{
    struct sl_http_exchange *exchange = conn->exchange;
    struct sl_http *http = conn->http;
    exchange->request.body = exchange->body;
    exchange->request.body_size = exchange->size;
    conn->is_closing = exchange->head.is_closing;
    if (!sl_route_is_slow(exchange->route)) {
        sl_api_answer(http->trustd, exchange->route, &exchange->request, &exchange->answer);
        answer_send(conn, &exchange->answer);
        return;
    }
    conn->at = SL_CONN_WORK;
    conn->end_ms = INT64_MAX;
    (void)bufferevent_disable(conn->bev, EV_READ);
    exchange->work.run = answer_work;
    if (!sl_workers_submit(http->workers, &exchange->work)) {
        sl_answer_problem(&exchange->answer, 503, NULL, "the monitor is being stopped");
        answer_send(conn, &exchange->answer);
    }
}

/* Room grows with what came, never with what was promised. @return 0, or the status to refuse */
static unsigned body_keep(struct sl_http_conn *conn, const char *data, size_t size)
{
    struct sl_http *http = conn->http;
    struct sl_http_exchange *exchange = conn->exchange;
    if (size > exchange->max - exchange->size) {
        return 413;
    }
    if (exchange->size + size > exchange->room) {
        size_t room = exchange->room != 0 ? exchange->room : 4096;
        while (room < exchange->size + size) {
            room *= 2;
        }
        if (http->bodies_bytes + (room - exchange->room) > http->trustd->config.bodies_bytes_max) {
            return 503;
        }
        char *body = realloc(exchange->body, room);
        if (body == NULL) {
            return 503;
        }
        http->bodies_bytes += room - exchange->room;
        exchange->body = body;
        exchange->room = room;
    }
    memcpy(exchange->body + exchange->size, data, size);
    exchange->size += size;
    return 0;
}

static void body_take(struct sl_http_conn *conn)
{
    struct evbuffer *input = bufferevent_get_input(conn->bev);
    struct sl_http_exchange *exchange = conn->exchange;
    struct evbuffer_iovec piece;
    while (!sl_http_body_is_end(&exchange->framing) &&
           evbuffer_peek(input, -1, NULL, &piece, 1) > 0) {
        size_t part = 0;
        bool is_bad = false;
        const char *data = piece.iov_base;
        size_t taken = sl_http_body_take(&exchange->framing, data, piece.iov_len, &part, &is_bad);
        unsigned status = is_bad ? 400 : part > 0 ? body_keep(conn, data + taken - part, part) : 0;
        (void)evbuffer_drain(input, taken);
        if (status != 0) {
            refuse_status(conn, status);
            return;
        }
    }
    if (sl_http_body_is_end(&exchange->framing)) {
        request_end(conn);
    }
}

/* The first look: who is it, and how much may he send? Nothing is kept for anybody else. */
static void request_begin(struct sl_http_conn *conn)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct sl_http_exchange *exchange = conn->exchange;
    struct sl_http_head *head = &exchange->head;
    struct sl_trustd *trustd = conn->http->trustd;
    struct sl_answer result = {0};
    const char *field = head->authorization;
    bool is_bearer = field != NULL && strncasecmp(field, "Bearer ", 7) == 0;
    exchange->request = (struct sl_request){
        .method = head->method,
        .path = head->path,
        .token = is_bearer ? field + 7 : NULL,
        .has_certificate = has_certificate(conn),
        .query = query_get,
        .query_ctx = head,
    };
    exchange->route = sl_api_admit(trustd, &exchange->request, &exchange->max, &result);
    if (exchange->route == NULL) {
        refuse(conn, &result);
        return;
    }
    if (head->length > exchange->max) {
        sl_trustd_count_refused(trustd);
        sl_answer_problem(&result, 413, NULL, "%llu bytes; at most %zu are taken here",
                          (unsigned long long)head->length, exchange->max);
        refuse(conn, &result);
        return;
    }
    sl_http_body_init(head, &exchange->framing);
    conn->at = SL_CONN_BODY;
    if (head->is_waiting && !sl_http_body_is_end(&exchange->framing) &&
        evbuffer_get_length(bufferevent_get_input(conn->bev)) == 0) {
        (void)bufferevent_write(conn->bev, go_on, sizeof(go_on) - 1);
    }
    body_take(conn);
}

/* RFC 9112 2.2: "a server ... SHOULD ignore at least one empty line (CRLF) received prior to the
 * request-line" */
static void empty_line_skip(struct sl_http_conn *conn, struct evbuffer *input)
{
    char start[2];
    if (!conn->is_begun && evbuffer_copyout(input, start, 2) == 2 && start[0] == '\r' &&
        start[1] == '\n') {
        (void)evbuffer_drain(input, 2);
    }
}

static void head_take(struct sl_http_conn *conn)
{
    struct evbuffer *input = bufferevent_get_input(conn->bev);
    struct evbuffer_ptr from;
    empty_line_skip(conn, input);
    size_t size = evbuffer_get_length(input);
    if (size == 0) {
        return;
    }
    if (!conn->is_begun) {
        conn->is_begun = true;
        conn->end_ms =
            sl_http_now_ms() + (int64_t)conn->http->trustd->config.request_seconds * 1000;
    }
    (void)evbuffer_ptr_set(input, &from, conn->searched, EVBUFFER_PTR_SET);
    struct evbuffer_ptr found = evbuffer_search(input, "\r\n\r\n", 4, &from);
    if (found.pos < 0) {
        conn->searched = size > 3 ? size - 3 : 0;
        if (size >= SL_HTTP_HEAD_MAX) {
            refuse_status(conn, 431);
        }
        return;
    }
    size = (size_t)found.pos + 4;
    conn->searched = 0;
    if (size > SL_HTTP_HEAD_MAX) {
        refuse_status(conn, 431);
        return;
    }
    struct sl_http_exchange *exchange = calloc(1, sizeof(*exchange) + size + 1);
    if (exchange == NULL) {
        refuse_status(conn, 503);
        return;
    }
    conn->exchange = exchange;
    exchange->conn = conn;
    exchange->text_size = size;
    (void)evbuffer_remove(input, exchange->text, size);
    unsigned status = sl_http_head_parse(exchange->text, size, &exchange->head);
    if (status != 0) {
        refuse_status(conn, status);
        return;
    }
    request_begin(conn);
}

/* ---- events ---- */

static void head_await(struct sl_http_conn *conn)
{
    conn->at = SL_CONN_HEAD;
    conn->is_begun = false;
    conn->searched = 0;
    conn->end_ms = sl_http_now_ms() + (int64_t)conn->http->trustd->config.idle_seconds * 1000;
    (void)bufferevent_enable(conn->bev, EV_READ);
    head_take(conn); /* the next request may be here already */
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    struct sl_http_conn *conn = ctx;
    struct evbuffer *input = bufferevent_get_input(bev);
    if (conn->at == SL_CONN_HEAD) {
        head_take(conn);
    } else if (conn->at == SL_CONN_BODY) {
        body_take(conn);
    } else if (conn->at == SL_CONN_LINGER) {
        (void)evbuffer_drain(input, evbuffer_get_length(input));
    }
}

/* The answer is on its way. */
static void on_written(struct bufferevent *bev, void *ctx)
{
    struct sl_http_conn *conn = ctx;
    struct evbuffer *input = bufferevent_get_input(bev);
    if (conn->at != SL_CONN_ANSWER || evbuffer_get_length(bufferevent_get_output(bev)) > 0) {
        return;
    }
    if (!conn->is_closing) {
        head_await(conn);
        return;
    }
    (void)SSL_shutdown(bufferevent_openssl_get_ssl(bev)); /* says that nothing more comes */
    ERR_clear_error();
    if (!conn->is_lingering) {
        sl_http_conn_free(conn);
        return;
    }
    (void)shutdown(bufferevent_getfd(bev), SHUT_WR);
    conn->at = SL_CONN_LINGER;
    conn->end_ms = sl_http_now_ms() + LINGER_MS;
    (void)evbuffer_drain(input, evbuffer_get_length(input));
    (void)bufferevent_enable(bev, EV_READ);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct sl_http_conn *conn = ctx;
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        head_await(conn);
        return;
    }
    ERR_clear_error();
    if (conn->at == SL_CONN_WORK) {
        conn->is_gone = true;
    } else {
        sl_http_conn_free(conn);
    }
}

void sl_http_conn_expire(struct sl_http_conn *conn)
{
    if ((conn->at == SL_CONN_HEAD && conn->is_begun) || conn->at == SL_CONN_BODY) {
        refuse_status(conn, 408);
    } else {
        sl_http_conn_free(conn);
    }
}

void sl_http_conn_free(struct sl_http_conn *conn)
{
    struct sl_http *http = conn->http;
    exchange_free(http, conn->exchange);
    bufferevent_free(conn->bev);
    origin_give(http, conn->origin);
    *conn->link = conn->next;
    if (conn->next != NULL) {
        conn->next->link = conn->link;
    }
    http->conn_count--;
    free(conn);
}

void sl_http_conn_open(struct sl_http *http, int fd, const struct sockaddr *from)
{
    const int one = 1;
    const struct sl_trustd_config *config = &http->trustd->config;
    struct sl_http_conn *conn = NULL;
    struct sl_http_origin *origin =
        http->conn_count < config->connections_max ? origin_take(http, from) : NULL;
    SSL *tls = origin != NULL ? SSL_new(http->tls) : NULL;
    conn = tls != NULL ? calloc(1, sizeof(*conn)) : NULL;
    if (conn == NULL) {
        SSL_free(tls);
        goto refused;
    }
    (void)SSL_set_app_data(tls, conn);
    conn->bev = bufferevent_openssl_socket_new(http->base, fd, tls, BUFFEREVENT_SSL_ACCEPTING,
                                               BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (conn->bev == NULL) { /* it has freed tls */
        free(conn);
        goto refused;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    conn->http = http;
    conn->origin = origin;
    conn->next = http->conns;
    conn->link = &http->conns;
    if (conn->next != NULL) {
        conn->next->link = &conn->next;
    }
    http->conns = conn;
    http->conn_count++;
    conn->end_ms = sl_http_now_ms() + (int64_t)config->request_seconds * 1000;
    bufferevent_setcb(conn->bev, on_read, on_written, on_event, conn);
    bufferevent_setwatermark(conn->bev, EV_READ, 0, INPUT_MAX);
    (void)bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
    return;
refused:
    if (origin != NULL) {
        origin_give(http, origin);
    }
    (void)close(fd);
}
