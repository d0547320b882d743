/* SPDX-License-Identifier: Apache-2.0 */
/* What the server and its connections share. All of it belongs to the server's thread but `done`.
 */
#ifndef SL_TRUSTD_HTTP_PRIVATE_H
#define SL_TRUSTD_HTTP_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

#include "trustd/http.h"
#include "trustd/http_head.h"

enum { SL_HTTP_ORIGIN_BUCKETS = 4096 };

/* An address that connections came from. */
struct sl_http_origin {
    struct sl_http_origin *next;
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint32_t count;
};

struct sl_http_conn {
    struct sl_http_conn *next, **link;
    struct sl_http *http;
    struct sl_http_origin *origin;
    struct bufferevent *bev;
    struct sl_http_exchange *exchange; /* NULL: between two requests */
    int64_t end_ms;  /* it ends then, whatever it sends; INT64_MAX: it waits for us */
    size_t searched; /* bytes of an unfinished head in which no end is */
    enum {
        SL_CONN_HANDSHAKE,
        SL_CONN_HEAD,
        SL_CONN_BODY,
        SL_CONN_WORK,
        SL_CONN_ANSWER,
        SL_CONN_LINGER
    } at;
    bool is_begun;     /* a head: its first byte came */
    bool is_closing;   /* after the answer */
    bool is_lingering; /* what may still come is read away then, or the answer would be lost */
    bool is_gone;      /* while a worker has its request */
    bool is_certificate_bad; /* one was sent that does not lead to client_ca */
};

/* One request: its body comes in, then a worker may have it. */
struct sl_http_exchange {
    struct sl_work work; /* first */
    struct sl_http_exchange *next_done;
    struct sl_http_conn *conn;
    struct sl_http_head head;
    struct sl_http_body framing;
    struct sl_request request;
    struct sl_answer answer;
    const struct sl_route *route;
    char *body;
    size_t size, room, max;
    size_t text_size;
    char text[]; /* of the head */
};

struct sl_http {
    struct sl_trustd *trustd;
    struct sl_workers *workers;
    SSL_CTX *tls;
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *wake, *timer;
    int wake_fd;
    pthread_t thread;
    bool is_running, has_client_ca, is_full;
    atomic_bool is_stopping;
    struct sl_http_conn *conns;
    uint32_t conn_count;
    uint64_t bodies_bytes; /* of all requests that come in now */
    uint32_t seed;
    struct sl_http_origin *origins[SL_HTTP_ORIGIN_BUCKETS];
    pthread_mutex_t lock;
    struct sl_http_exchange *done; /* under the lock: answered by workers */
    uint16_t port;
};

int64_t sl_http_now_ms(void);
/* Takes over @p fd. */
void sl_http_conn_open(struct sl_http *http, int fd, const struct sockaddr *from);
/* Whatever it does; not while a worker has its request. */
void sl_http_conn_free(struct sl_http_conn *conn);
/* Its time is over. */
void sl_http_conn_expire(struct sl_http_conn *conn);
/* A worker has answered. */
void sl_http_conn_resume(struct sl_http_exchange *exchange);
/* Writes an answer and frees it. */
bool sl_http_answer_write(struct bufferevent *bev, const struct sl_answer *answer, bool is_head,
                          bool is_closing);

#endif
