/* SPDX-License-Identifier: Apache-2.0 */
/* The server's thread: libevent around OpenSSL, its socket, and what ends them. */
#include "trustd/http.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "trustd/http_private.h"

enum { BACKLOG = 4096, TICK_MS = 500 };

/* ---- TLS ---- */

/* A certificate that is not of client_ca is as good as none; the interface says who needs one. */
static int on_certificate(int is_good, X509_STORE_CTX *store)
{
    SSL *tls = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct sl_http_conn *conn = tls != NULL ? SSL_get_app_data(tls) : NULL;
    if (conn == NULL) {
        return 0;
    }
    conn->is_certificate_bad = conn->is_certificate_bad || is_good != 1;
    return 1;
}

static sl_rc file_check(const char *path, const char *field, struct sl_err *err)
{
    if (access(path, R_OK) != 0) {
        return sl_err_set(err, SL_IO, "%s: %s: %s", field, path, strerror(errno));
    }
    return SL_OK;
}

static sl_rc client_ca_load(struct sl_http *http, const char *path, struct sl_err *err)
{
    sl_rc rc = file_check(path, "client_ca", err);
    if (rc != SL_OK) {
        return rc;
    }
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (names == NULL || SSL_CTX_load_verify_file(http->tls, path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return sl_err_set(err, SL_CRYPTO, "client_ca: %s: expected certificates (PEM)", path);
    }
    SSL_CTX_set_client_CA_list(http->tls, names);
    SSL_CTX_set_verify(http->tls, SSL_VERIFY_PEER, on_certificate);
    http->has_client_ca = true;
    return SL_OK;
}

/* Agents refuse such a certificate, each in its own log: here it is told once. */
static sl_rc dates_check(const SSL_CTX *tls, const char *path, struct sl_err *err)
{
    const X509 *cert = SSL_CTX_get0_certificate(tls);
    const int begun = X509_cmp_current_time(X509_get0_notBefore(cert));
    const int over = X509_cmp_current_time(X509_get0_notAfter(cert));
    if (begun < 0 && over > 0) {
        return SL_OK;
    }
    return sl_err_set(err, SL_STATE,
                      "certificate: %s: %s: no agent and no operator will talk to this monitor; "
                      "renew it (or is this machine's clock wrong?)",
                      path, over <= 0 ? "has expired" : "is not valid yet");
}

static sl_rc tls_make(struct sl_http *http, const struct sl_trustd_config *config,
                      struct sl_err *err)
{
    sl_rc rc = file_check(config->certificate, "certificate", err);
    rc = rc == SL_OK ? file_check(config->key, "key", err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    http->tls = SSL_CTX_new(TLS_server_method());
    if (http->tls == NULL || SSL_CTX_set_min_proto_version(http->tls, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_num_tickets(http->tls, 0) != 1) {
        return sl_err_set(err, SL_CRYPTO, "OpenSSL gives no TLS 1.3");
    }
    (void)SSL_CTX_set_session_cache_mode(http->tls, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(http->tls, SSL_MODE_RELEASE_BUFFERS); /* idle connections are small */
    if (SSL_CTX_use_certificate_chain_file(http->tls, config->certificate) != 1) {
        const char *why = ERR_reason_error_string(ERR_peek_last_error());
        rc = sl_err_set(err, SL_CRYPTO, "certificate: %s: expected a chain (PEM): %s",
                        config->certificate, why != NULL ? why : "not readable");
    } else if (SSL_CTX_use_PrivateKey_file(http->tls, config->key, SSL_FILETYPE_PEM) != 1) {
        rc = sl_err_set(err, SL_CRYPTO, "key: %s: not a key (PEM), or not that of the certificate",
                        config->key);
    } else if (config->client_ca[0] != '\0') {
        rc = client_ca_load(http, config->client_ca, err);
    }
    ERR_clear_error();
    return rc;
}

/* ---- start and stop ---- */

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
    char *end = NULL;
    if (colon[1] < '0' || colon[1] > '9' || strtoul(colon + 1, &end, 10) > UINT16_MAX ||
        *end != '\0') { /* getaddrinfo takes the low 16 bits of what is more */
        return sl_err_set(err, SL_INVALID, "listen: port \"%s\", expected 0 to 65535", colon + 1);
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

/* ---- events ---- */

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int size, void *ctx)
{
    sl_http_conn_open(ctx, fd, from);
}

/* No descriptors, no memory: the next tick tries again. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
    struct sl_http *http = ctx;
    (void)evconnlistener_disable(listener);
    http->is_full = true;
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    struct sl_http *http = ctx;
    const int64_t now_ms = sl_http_now_ms();
    for (struct sl_http_conn *conn = http->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (now_ms > conn->end_ms) {
            sl_http_conn_expire(conn);
        }
    }
    if (http->is_full) {
        http->is_full = false;
        (void)evconnlistener_enable(http->listener);
    }
}

/* Workers have answers, or all ends. */
static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    struct sl_http *http = ctx;
    uint64_t count;
    (void)!read(fd, &count, sizeof(count));
    (void)pthread_mutex_lock(&http->lock);
    struct sl_http_exchange *done = http->done;
    http->done = NULL;
    (void)pthread_mutex_unlock(&http->lock);
    while (done != NULL) {
        struct sl_http_exchange *next = done->next_done;
        sl_http_conn_resume(done);
        done = next;
    }
    if (atomic_load(&http->is_stopping)) {
        (void)event_base_loopbreak(http->base);
    }
}

static void *loop_run(void *ctx)
{
    struct sl_http *http = ctx;
    (void)event_base_dispatch(http->base);
    return NULL;
}

static sl_rc loop_start(struct sl_http *http, int fd, struct sl_err *err)
{
    const struct timeval tick = {.tv_usec = TICK_MS * 1000};
    http->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    http->base = event_base_new();
    if (http->base != NULL && http->wake_fd >= 0) {
        http->listener = evconnlistener_new(http->base, on_accept, http,
                                            LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
        http->wake = event_new(http->base, http->wake_fd, EV_READ | EV_PERSIST, on_wake, http);
        http->timer = event_new(http->base, -1, EV_PERSIST, on_tick, http);
    }
    if (http->listener == NULL) {
        (void)close(fd);
    } else {
        evconnlistener_set_error_cb(http->listener, on_accept_error);
    }
    if (http->listener == NULL || http->wake == NULL || http->timer == NULL ||
        event_add(http->wake, NULL) != 0 || event_add(http->timer, &tick) != 0 ||
        RAND_bytes((unsigned char *)&http->seed, sizeof(http->seed)) != 1 ||
        pthread_create(&http->thread, NULL, loop_run, http) != 0) {
        return sl_err_set(err, SL_IO, "the server's thread does not start");
    }
    http->is_running = true;
    return SL_OK;
}

sl_rc sl_http_check(const struct sl_trustd_config *config, struct sl_err *err)
{
    struct sl_http *http = calloc(1, sizeof(*http));
    char host[64];
    const char *port;
    if (http == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory");
    }
    sl_rc rc = address_split(config->listen, host, sizeof(host), &port, err);
    rc = rc == SL_OK ? tls_make(http, config, err) : rc;
    rc = rc == SL_OK ? dates_check(http->tls, config->certificate, err) : rc;
    SSL_CTX_free(http->tls);
    free(http);
    return rc;
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
    http->wake_fd = -1;
    (void)pthread_mutex_init(&http->lock, NULL);
    sl_rc rc = tls_make(http, config, err);
    rc = rc == SL_OK ? sl_workers_start(config->workers, &http->workers, err) : rc;
    rc = rc == SL_OK ? socket_listen(config->listen, &fd, &http->port, err) : rc;
    rc = rc == SL_OK ? loop_start(http, fd, err) : rc;
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

static void loop_free(struct sl_http *http)
{
    while (http->done != NULL) { /* answered, but not told */
        struct sl_http_exchange *next = http->done->next_done;
        free(http->done->answer.body);
        http->done = next;
    }
    while (http->conns != NULL) {
        sl_http_conn_free(http->conns);
    }
    if (http->listener != NULL) {
        evconnlistener_free(http->listener);
    }
    if (http->wake != NULL) {
        event_free(http->wake);
    }
    if (http->timer != NULL) {
        event_free(http->timer);
    }
    if (http->base != NULL) {
        (void)event_base_loop(http->base, EVLOOP_NONBLOCK); /* what was freed goes now */
        event_base_free(http->base);
    }
}

void sl_http_stop(struct sl_http *http)
{
    const uint64_t one = 1;
    if (http == NULL) {
        return;
    }
    if (http->is_running) {
        atomic_store(&http->is_stopping, true);
        (void)!write(http->wake_fd, &one, sizeof(one));
        (void)pthread_join(http->thread, NULL);
    }
    sl_workers_stop(http->workers); /* now nothing comes to them, and then none has a request */
    loop_free(http);
    if (http->wake_fd >= 0) {
        (void)close(http->wake_fd);
    }
    SSL_CTX_free(http->tls);
    (void)pthread_mutex_destroy(&http->lock);
    free(http);
}
