/* SPDX-License-Identifier: Apache-2.0 */
/* How the client's bytes travel: a TCP connection, or the control rings in the same process. */
#include "control/client.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control/frame.h"

/* ---- a stream socket ---- */

struct socket_ctx {
    int fd;
};

static sl_rc from_errno(ssize_t result, size_t *ret_size)
{
    if (result > 0) {
        *ret_size = (size_t)result;
        return SL_OK;
    }
    if (result == 0) {
        return SL_CLOSED;
    }
    switch (errno) {
    case EAGAIN:
    case EINTR:
        return SL_AGAIN;
    case EPIPE:
    case ECONNRESET:
        return SL_CLOSED;
    default:
        return SL_IO;
    }
}

static sl_rc socket_send(void *ctx, const uint8_t *data, size_t size, size_t *ret_size)
{
    const struct socket_ctx *s = ctx;
    return from_errno(send(s->fd, data, size, MSG_NOSIGNAL), ret_size);
}

static sl_rc socket_receive(void *ctx, uint8_t *out, size_t size, size_t *ret_size)
{
    const struct socket_ctx *s = ctx;
    return from_errno(recv(s->fd, out, size, 0), ret_size);
}

static void socket_wait(void *ctx, bool is_write, int timeout_ms)
{
    const struct socket_ctx *s = ctx;
    struct pollfd p = {.fd = s->fd, .events = (short)(is_write ? POLLIN | POLLOUT : POLLIN)};
    (void)poll(&p, 1, timeout_ms);
}

static void socket_close(void *ctx)
{
    struct socket_ctx *s = ctx;
    (void)close(s->fd);
    free(s);
}

sl_rc sl_client_fd_transport(int fd, struct sl_client_transport *ret_transport)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return SL_IO;
    }
    struct socket_ctx *s = malloc(sizeof(*s));
    if (s == NULL) {
        return SL_NO_MEMORY;
    }
    s->fd = fd;
    *ret_transport = (struct sl_client_transport){.ctx = s,
                                                  .send = socket_send,
                                                  .receive = socket_receive,
                                                  .wait = socket_wait,
                                                  .close = socket_close,
                                                  .fd = fd};
    return SL_OK;
}

/* Connects one address within the time. @return the socket, or -1 with errno set */
static int connect_one(const struct addrinfo *ai, int timeout_ms)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    int error = connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        socklen_t size = sizeof(error);
        if (poll(&p, 1, timeout_ms) != 1) {
            error = ETIMEDOUT;
        } else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
            error = errno;
        }
    }
    if (error != 0) {
        (void)close(fd);
        errno = error;
        return -1;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

sl_rc sl_client_tcp(const char *host, const char *port, int timeout_ms,
                    struct sl_client_transport *ret_transport, struct sl_err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int result = getaddrinfo(host, port, &hints, &list);
    if (result != 0) {
        hints.ai_flags = 0; /* numeric addresses in a namespace that has only loopback */
        result = getaddrinfo(host, port, &hints, &list);
    }
    if (result != 0) {
        return sl_err_set(err, SL_NOT_FOUND, "%s port %s: %s", host, port, gai_strerror(result));
    }
    int fd = -1;
    int error = 0;
    for (struct addrinfo *ai = list; ai != NULL && fd < 0; ai = ai->ai_next) {
        fd = connect_one(ai, timeout_ms);
        error = errno;
    }
    freeaddrinfo(list);
    if (fd < 0) {
        return sl_err_set(err, error == ETIMEDOUT ? SL_TIMEOUT : SL_IO,
                          "cannot connect to %s port %s: %s", host, port, strerror(error));
    }
    sl_rc rc = sl_client_fd_transport(fd, ret_transport);
    if (rc != SL_OK) {
        (void)close(fd);
        return sl_err_set(err, rc, "cannot use the connection to %s port %s", host, port);
    }
    return SL_OK;
}

/* ---- the control rings ---- */

struct ring_ctx {
    struct sl_byte_ring to_image;
    struct sl_byte_ring from_image;
    struct sl_frame_reader reader;
    struct sl_frame frame; /* being handed out */
    uint32_t frame_off;
    uint32_t connection;
    bool is_open;
    bool is_closed;
    void (*doorbell)(void *ctx);
    void *doorbell_ctx;
    void (*on_evidence)(void *ctx, struct sl_byte_ring *to_image, uint32_t request,
                        const uint8_t *data, uint32_t size);
    void *evidence_ctx;
};

static void ring_bell(const struct ring_ctx *r)
{
    if (r->doorbell != NULL) {
        r->doorbell(r->doorbell_ctx);
    }
}

static sl_rc ring_send(void *ctx, const uint8_t *data, size_t size, size_t *ret_size)
{
    struct ring_ctx *r = ctx;
    if (r->is_closed) {
        return SL_CLOSED;
    }
    if (!r->is_open) {
        sl_rc rc = sl_frame_write_event(&r->to_image, r->connection, SL_FRAME_OPEN);
        if (rc != SL_OK) {
            return rc;
        }
        r->is_open = true;
    }
    sl_rc rc = sl_frame_write_data(&r->to_image, r->connection, data, size, ret_size);
    ring_bell(r);
    return rc;
}

/* Who hosts the image in his own process has nothing to prove to himself. */
static void no_evidence(void *ctx, struct sl_byte_ring *to_image, uint32_t request,
                        const uint8_t *data, uint32_t size)
{
    static const char sentence[] = "the image runs in the program that asks";
    uint8_t body[SL_EVIDENCE_PIECE_HEADER + sizeof(sentence)];
    struct sl_writer w;
    (void)ctx;
    (void)size;
    sl_writer_init(&w, body, sizeof(body));
    sl_writer_u8(&w, data[0]);
    sl_writer_be16(&w, SL_UNSUPPORTED);
    sl_writer_be32(&w, sizeof(sentence) - 1);
    sl_writer_be32(&w, 0);
    sl_writer_bytes(&w, sentence, sizeof(sentence) - 1);
    /* Where the ring is full the image asks no longer than its time limit. */
    (void)!sl_frame_write_evidence(to_image, request, body, (uint16_t)w.off);
}

void sl_client_ring_on_evidence(const struct sl_client_transport *transport,
                                void (*on_request)(void *ctx, struct sl_byte_ring *to_image,
                                                   uint32_t request, const uint8_t *data,
                                                   uint32_t size),
                                void *ctx)
{
    struct ring_ctx *r = transport->ctx;
    r->on_evidence = on_request;
    r->evidence_ctx = ctx;
}

static sl_rc ring_receive(void *ctx, uint8_t *out, size_t size, size_t *ret_size)
{
    struct ring_ctx *r = ctx;
    while (r->frame_off == r->frame.size) {
        if (r->is_closed) {
            return SL_CLOSED;
        }
        sl_rc rc = sl_frame_read(&r->reader, &r->from_image, &r->frame);
        r->frame_off = 0;
        if (rc == SL_OK && r->frame.kind == SL_FRAME_EVIDENCE) {
            r->on_evidence(r->evidence_ctx, &r->to_image, r->frame.connection, r->frame.data,
                           r->frame.size);
            ring_bell(r);
            r->frame.size = 0;
            continue;
        }
        if (rc != SL_OK || r->frame.connection != r->connection || r->frame.kind == SL_FRAME_OPEN) {
            r->frame.size = 0;
            if (rc == SL_AGAIN) {
                return SL_AGAIN;
            }
            continue;
        }
        r->is_closed = r->frame.kind == SL_FRAME_CLOSE;
    }
    size_t take = r->frame.size - r->frame_off;
    take = take < size ? take : size;
    memcpy(out, r->frame.data + r->frame_off, take);
    r->frame_off += (uint32_t)take;
    *ret_size = take;
    return SL_OK;
}

static void ring_wait(void *ctx, bool is_write, int timeout_ms)
{
    struct ring_ctx *r = ctx;
    struct timespec step = {.tv_nsec = 50000};
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t end_ns = now.tv_sec * 1000000000ll + now.tv_nsec + timeout_ms * 1000000ll;
    while (sl_byte_ring_readable(&r->from_image) == 0 &&
           !(is_write && sl_byte_ring_writable(&r->to_image) > SL_FRAME_HEADER_SIZE)) {
        (void)nanosleep(&step, NULL);
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec * 1000000000ll + now.tv_nsec >= end_ns) {
            return;
        }
    }
}

static void ring_close(void *ctx)
{
    struct ring_ctx *r = ctx;
    if (r->is_open && !r->is_closed) {
        /* Where the ring is full the image will notice by its own deadline. */
        (void)!sl_frame_write_event(&r->to_image, r->connection, SL_FRAME_CLOSE);
        ring_bell(r);
    }
    free(r);
}

sl_rc sl_client_ring_transport(uint8_t *area, const struct sl_area_geometry *geometry,
                               const struct sl_area_layout *layout, uint32_t connection,
                               void (*doorbell)(void *ctx), void *doorbell_ctx,
                               struct sl_client_transport *ret_transport)
{
    struct ring_ctx *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return SL_NO_MEMORY;
    }
    sl_byte_ring_init(&r->to_image, area, &layout->control_in, geometry->control_size, NULL);
    sl_byte_ring_init(&r->from_image, area, &layout->control_out, geometry->control_size, NULL);
    r->connection = connection;
    r->doorbell = doorbell;
    r->doorbell_ctx = doorbell_ctx;
    r->on_evidence = no_evidence;
    *ret_transport = (struct sl_client_transport){.ctx = r,
                                                  .send = ring_send,
                                                  .receive = ring_receive,
                                                  .wait = ring_wait,
                                                  .close = ring_close,
                                                  .fd = -1};
    return SL_OK;
}
