/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd and GnuTLS around the interface. */
#include "trustd/http.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "files/files.h"

enum { PEM_MAX = 256 << 10, CONNECTION_MEMORY = 16 << 10, BACKLOG = 1024 };

/* A connection, and until when it must have come further: a byte now and then is no excuse. */
struct peer {
    struct peer *next, **link;
    int fd;
    int64_t end_ms; /* INT64_MAX: it waits for us */
};

struct sl_http {
    struct sl_trustd *trustd;
    pthread_mutex_t lock; /* of the peers */
    struct peer *peers;
    struct MHD_Daemon *daemon;
    struct sl_workers *workers;
    char *certificate, *key, *client_ca;
    uint64_t bodies_bytes; /**< of all requests that come in now */
    uint16_t port;
};

/* One request: its body comes in, then a worker may have it while its connection is suspended. */
struct incoming {
    struct sl_work work; /* first */
    struct sl_http *http;
    struct MHD_Connection *connection;
    struct sl_request request;
    struct sl_answer answer;
    bool has_answer; /* of the worker, to be sent */
    const struct sl_route *route;
    char *body;
    size_t size, room, max;
    int64_t end_ms;
    bool is_answered;
};

static int64_t monotonic_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- time that a client may take ---- */

static void peer_wait(struct sl_http *http, struct MHD_Connection *connection, int64_t end_ms)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct peer *peer = info != NULL ? info->socket_context : NULL;
    if (peer != NULL) {
        (void)pthread_mutex_lock(&http->lock);
        peer->end_ms = end_ms;
        (void)pthread_mutex_unlock(&http->lock);
    }
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct sl_http *http = cls;
    struct peer *peer = *socket_context;
    (void)pthread_mutex_lock(&http->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        peer = info != NULL ? calloc(1, sizeof(*peer)) : NULL;
        if (peer != NULL) {
            *peer = (struct peer){.next = http->peers, .link = &http->peers};
            peer->fd = info->connect_fd;
            peer->end_ms = monotonic_ms() + (int64_t)http->trustd->config.request_seconds * 1000;
            if (peer->next != NULL) {
                peer->next->link = &peer->next;
            }
            http->peers = peer;
        }
        *socket_context = peer;
    } else if (peer != NULL) { /* its socket is closed after this */
        *peer->link = peer->next;
        if (peer->next != NULL) {
            peer->next->link = peer->link;
        }
        free(peer);
        *socket_context = NULL;
    }
    (void)pthread_mutex_unlock(&http->lock);
}

void sl_http_tick(struct sl_http *http)
{
    int64_t now_ms = monotonic_ms();
    (void)pthread_mutex_lock(&http->lock);
    for (struct peer *peer = http->peers; peer != NULL; peer = peer->next) {
        if (now_ms > peer->end_ms) {
            (void)shutdown(peer->fd, SHUT_RDWR);
            peer->end_ms = INT64_MAX;
        }
    }
    (void)pthread_mutex_unlock(&http->lock);
}

/* ---- requests ---- */

static enum MHD_Result answer_send(struct MHD_Connection *connection, struct sl_answer *answer,
                                   bool is_closing)
{
    char number[16];
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->size, answer->body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(answer->body);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type",
                                  answer->type != NULL ? answer->type : "application/json");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    if (answer->retry_after_s != 0) {
        (void)snprintf(number, sizeof(number), "%u", answer->retry_after_s);
        (void)MHD_add_response_header(response, "Retry-After", number);
    }
    if (answer->allow != NULL) {
        (void)MHD_add_response_header(response, "Allow", answer->allow);
    }
    if (answer->status == 401) {
        (void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    }
    if (is_closing) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct sl_http *http, struct MHD_Connection *connection,
                              struct incoming *incoming, struct sl_answer *answer)
{
    incoming->is_answered = true;
    return answer_send(connection, answer, true);
}

static const char *query_get(void *ctx, const char *name)
{
    return MHD_lookup_connection_value(ctx, MHD_GET_ARGUMENT_KIND, name);
}

/* A certificate that was sent and leads to client_ca. */
static bool has_certificate(struct sl_http *http, struct MHD_Connection *connection)
{
    unsigned status = 1;
    if (http->client_ca == NULL) {
        return false;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info != NULL &&
           gnutls_certificate_verify_peers2((gnutls_session_t)info->tls_session, &status) ==
               GNUTLS_E_SUCCESS &&
           status == 0;
}

static struct sl_request request_make(struct sl_http *http, struct MHD_Connection *connection,
                                      const char *url, const char *method)
{
    const char *header =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    bool is_bearer = header != NULL && strncasecmp(header, "Bearer ", 7) == 0;
    return (struct sl_request){
        .method = method,
        .path = url,
        .token = is_bearer ? header + 7 : NULL,
        .has_certificate = has_certificate(http, connection),
        .query = query_get,
        .query_ctx = connection,
    };
}

/* The first look: who is it, and how much may he send? Nothing is kept for anybody else. */
static enum MHD_Result request_begin(struct sl_http *http, struct MHD_Connection *connection,
                                     const struct sl_request *request, void **ret_ctx)
{
    struct sl_answer answer = {0};
    struct incoming *incoming = calloc(1, sizeof(*incoming));
    if (incoming == NULL) {
        return MHD_NO;
    }
    *ret_ctx = incoming;
    incoming->http = http;
    incoming->connection = connection;
    incoming->end_ms = monotonic_ms() + (int64_t)http->trustd->config.request_seconds * 1000;
    peer_wait(http, connection, incoming->end_ms);
    incoming->route = sl_api_admit(http->trustd, request, &incoming->max, &answer);
    if (incoming->route == NULL) {
        return refuse(http, connection, incoming, &answer);
    }
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    unsigned long long size = length != NULL ? strtoull(length, NULL, 10) : 0;
    if (size > incoming->max) {
        sl_trustd_count_refused(http->trustd);
        sl_answer_problem(&answer, 413, NULL, "%llu bytes; at most %zu are taken here", size,
                          incoming->max);
        return refuse(http, connection, incoming, &answer);
    }
    return MHD_YES;
}

/* Room grows with what came, never with what was promised. */
static enum MHD_Result body_take(struct sl_http *http, struct incoming *incoming, const char *data,
                                 size_t size)
{
    if (incoming->is_answered) {
        return MHD_YES; /* read away what follows a refusal */
    }
    if (monotonic_ms() > incoming->end_ms) {
        return MHD_NO; /* a drip: the connection ends */
    }
    if (incoming->size + size > incoming->max) {
        return MHD_NO; /* chunked, and too much: no answer can be put into the middle of a body */
    }
    if (incoming->size + size > incoming->room) {
        size_t room = incoming->room != 0 ? incoming->room : 4096;
        while (room < incoming->size + size) {
            room *= 2;
        }
        if (http->bodies_bytes + (room - incoming->room) > http->trustd->config.bodies_bytes_max) {
            return MHD_NO; /* too many at once; the client comes again */
        }
        char *body = realloc(incoming->body, room);
        if (body == NULL) {
            return MHD_NO;
        }
        http->bodies_bytes += room - incoming->room;
        incoming->body = body;
        incoming->room = room;
    }
    memcpy(incoming->body + incoming->size, data, size);
    incoming->size += size;
    return MHD_YES;
}

/* On a worker's thread; the request's texts live as long as its connection is suspended. */
static void answer_work(struct sl_work *work)
{
    struct incoming *incoming = (struct incoming *)work;
    sl_api_answer(incoming->http->trustd, incoming->route, &incoming->request, &incoming->answer);
    incoming->has_answer = true;
    MHD_resume_connection(incoming->connection);
}

/* The request is whole. */
static enum MHD_Result request_end(struct sl_http *http, struct incoming *incoming,
                                   const struct sl_request *request)
{
    incoming->is_answered = true;
    peer_wait(http, incoming->connection, INT64_MAX);
    incoming->request = *request;
    incoming->request.body = incoming->body;
    incoming->request.body_size = incoming->size;
    if (sl_route_is_slow(incoming->route)) {
        incoming->work.run = answer_work;
        MHD_suspend_connection(incoming->connection);
        if (sl_workers_submit(http->workers, &incoming->work)) {
            return MHD_YES;
        }
        sl_answer_problem(&incoming->answer, 503, NULL, "the monitor is being stopped");
        incoming->has_answer = true;
        MHD_resume_connection(incoming->connection);
        return MHD_YES;
    }
    sl_api_answer(http->trustd, incoming->route, &incoming->request, &incoming->answer);
    return answer_send(incoming->connection, &incoming->answer, false);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **con_cls)
{
    struct sl_http *http = cls;
    struct incoming *incoming = *con_cls;
    if (incoming != NULL && *upload_data_size > 0) {
        enum MHD_Result result = body_take(http, incoming, upload_data, *upload_data_size);
        *upload_data_size = 0;
        return result;
    }
    if (incoming != NULL && incoming->has_answer) {
        incoming->has_answer = false;
        return answer_send(connection, &incoming->answer, false);
    }
    if (incoming != NULL && incoming->is_answered) {
        return MHD_YES;
    }
    struct sl_request request = request_make(http, connection, url, method);
    return incoming == NULL ? request_begin(http, connection, &request, con_cls)
                            : request_end(http, incoming, &request);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    struct sl_http *http = cls;
    struct incoming *incoming = *con_cls;
    const struct sl_trustd_config *config = &http->trustd->config;
    peer_wait(http, connection,
              monotonic_ms() + (int64_t)(config->idle_seconds + config->request_seconds) * 1000);
    if (incoming != NULL) {
        http->bodies_bytes -= incoming->room;
        if (incoming->has_answer) { /* its client is gone */
            free(incoming->answer.body);
        }
        free(incoming->body);
        free(incoming);
        *con_cls = NULL;
    }
}

/* ---- start and stop ---- */

static sl_rc pem_load(const char *path, const char *field, char **ret_text, struct sl_err *err)
{
    size_t size = 0;
    sl_rc rc = sl_file_read(path, PEM_MAX, (uint8_t **)ret_text, &size, err);
    if (rc != SL_OK && err != NULL) {
        (void)sl_err_prefix(err, "%s", field);
    }
    return rc;
}

static sl_rc address_split(const char *listen, char *host, size_t size, const char **ret_port,
                           struct sl_err *err)
{
    const char *colon = strrchr(listen, ':');
    size_t length = colon != NULL ? (size_t)(colon - listen) : 0;
    if (length > 2 && listen[0] == '[' && listen[length - 1] == ']') {
        listen++;
        length -= 2;
    }
    if (colon == NULL || length == 0 || length >= size) {
        return sl_err_set(err, SL_INVALID, "listen: expected ADDRESS:PORT or [ADDRESS]:PORT");
    }
    memcpy(host, listen, length);
    host[length] = '\0';
    *ret_port = colon + 1;
    return SL_OK;
}

static sl_rc socket_listen(const char *listen_text, int *ret_fd, uint16_t *ret_port,
                           struct sl_err *err)
{
    char host[64];
    const char *port;
    const int one = 1;
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    sl_rc rc = address_split(listen_text, host, sizeof(host), &port, err);
    if (rc != SL_OK) {
        return rc;
    }
    int code = getaddrinfo(host, port, &hints, &found);
    if (code != 0) {
        return sl_err_set(err, SL_INVALID, "listen: %s: %s", listen_text, gai_strerror(code));
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &size) != 0) {
        rc = sl_err_set(err, SL_IO, "listen: %s: %s", listen_text, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
    } else {
        char text[8];
        (void)getnameinfo((struct sockaddr *)&bound, size, NULL, 0, text, sizeof(text),
                          NI_NUMERICSERV);
        *ret_port = (uint16_t)strtoul(text, NULL, 10);
        *ret_fd = fd;
    }
    freeaddrinfo(found);
    return rc;
}

static sl_rc daemon_start(struct sl_http *http, int fd, struct sl_err *err)
{
    const struct sl_trustd_config *config = &http->trustd->config;
    /* the last option is left out where there is no CA */
    const struct MHD_OptionItem trust[] = {
        {http->client_ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, http->client_ca},
        {MHD_OPTION_END, 0, NULL},
    };
    /* poll: with epoll and TLS, 0.9.75 loses edges once more than a hundred clients ask at the same
     * time, and stands still (bench/http_server.c, ADR 0020) */
    http->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        on_request, http, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_CERT,
        http->certificate, MHD_OPTION_HTTPS_MEM_KEY, http->key, MHD_OPTION_HTTPS_PRIORITIES,
        "SECURE128:-VERS-ALL:+VERS-TLS1.3", MHD_OPTION_CONNECTION_LIMIT, config->connections_max,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, config->connections_per_address_max,
        MHD_OPTION_CONNECTION_TIMEOUT, config->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_ARRAY, trust, MHD_OPTION_END);
    if (http->daemon == NULL) {
        return sl_err_set(err, SL_CRYPTO,
                          "the server does not start: do certificate and key belong together?");
    }
    return SL_OK;
}

sl_rc sl_http_start(struct sl_trustd *trustd, struct sl_http **ret_http, struct sl_err *err)
{
    int fd = -1;
    const struct sl_trustd_config *config = &trustd->config;
    struct sl_http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory");
    }
    http->trustd = trustd;
    (void)pthread_mutex_init(&http->lock, NULL);
    sl_rc rc = pem_load(config->certificate, "certificate", &http->certificate, err);
    rc = rc == SL_OK ? pem_load(config->key, "key", &http->key, err) : rc;
    if (rc == SL_OK && config->client_ca[0] != '\0') {
        rc = pem_load(config->client_ca, "client_ca", &http->client_ca, err);
    }
    rc = rc == SL_OK ? sl_workers_start(config->workers, &http->workers, err) : rc;
    rc = rc == SL_OK ? socket_listen(config->listen, &fd, &http->port, err) : rc;
    if (rc == SL_OK) {
        rc = daemon_start(http, fd, err);
        if (rc != SL_OK) {
            (void)close(fd);
        }
    }
    if (rc != SL_OK) {
        sl_http_stop(http);
        return rc;
    }
    *ret_http = http;
    return SL_OK;
}

uint16_t sl_http_port(const struct sl_http *http)
{
    return http->port;
}

void sl_http_stop(struct sl_http *http)
{
    if (http == NULL) {
        return;
    }
    sl_workers_stop(http->workers); /* first: no connection may stay suspended */
    if (http->daemon != NULL) {
        MHD_stop_daemon(http->daemon); /* closes the socket */
    }
    if (http->key != NULL) {
        sl_wipe(http->key, strlen(http->key));
    }
    free(http->key);
    free(http->certificate);
    free(http->client_ca);
    (void)pthread_mutex_destroy(&http->lock);
    free(http);
}
