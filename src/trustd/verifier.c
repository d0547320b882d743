/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's end of the verifier: hands jobs over, reads what came of them. */
#include "trustd/verifier.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trustd/verifier_private.h"

bool sl_bytes_send(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t put = send(fd, at, size, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        at += put;
        size -= (size_t)put;
    }
    return true;
}

static sl_rc hello_read(int fd, char ret_refvals[65], struct sl_err *err)
{
    struct sl_verifier_hello hello;
    if (recv(fd, &hello, sizeof(hello), 0) != (ssize_t)sizeof(hello)) {
        return sl_err_set(err, SL_IO, "verifier: did not start");
    }
    hello.refvals[sizeof(hello.refvals) - 1] = '\0';
    hello.text[sizeof(hello.text) - 1] = '\0';
    if (hello.rc != SL_OK) {
        return sl_err_set(err, SL_INVALID, "%s", hello.text);
    }
    (void)snprintf(ret_refvals, 65, "%s", hello.refvals);
    return SL_OK;
}

sl_rc sl_verifier_start(const struct sl_monitor_backend *backend, const char *refvals,
                        uint32_t seconds_max, struct sl_verifier *ret_verifier, struct sl_err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return sl_err_set(err, SL_IO, "verifier: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        sl_verifier_run(backend, refvals, seconds_max, pair[1]);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return sl_err_set(err, SL_IO, "verifier: %s", strerror(errno));
    }
    sl_rc rc = hello_read(pair[0], ret_verifier->refvals, err);
    if (rc != SL_OK) {
        (void)close(pair[0]);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        return rc;
    }
    ret_verifier->fd = pair[0];
    ret_verifier->pid = pid;
    ret_verifier->seconds_max = seconds_max;
    (void)pthread_mutex_init(&ret_verifier->lock, NULL);
    return SL_OK;
}

void sl_verifier_stop(struct sl_verifier *verifier)
{
    if (verifier->pid > 0) {
        (void)close(verifier->fd); /* the end of orders */
        while (waitpid(verifier->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        (void)pthread_mutex_destroy(&verifier->lock);
        verifier->pid = 0;
    }
}

/* Gives @p passed away with the order; it is closed here. */
static bool order_send(int fd, const struct sl_verifier_order *order, int passed)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)order, .iov_len = sizeof(*order)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof(control.room)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &passed, sizeof(passed));
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    (void)close(passed);
    return sent == (ssize_t)sizeof(*order);
}

/* @return the daemon's end of the job's stream, or -1 */
static int job_begin(struct sl_verifier *verifier)
{
    const struct sl_verifier_order order = {.kind = SL_VERIFIER_JOB};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return -1;
    }
    (void)pthread_mutex_lock(&verifier->lock);
    bool is_sent = order_send(verifier->fd, &order, pair[1]);
    (void)pthread_mutex_unlock(&verifier->lock);
    if (!is_sent) {
        (void)close(pair[0]);
        return -1;
    }
    return pair[0];
}

static char *end_text(const struct sl_verifier_trailer *trailer, uint32_t seconds_max)
{
    char text[128];
    int status = trailer->status;
    if (trailer->is_late != 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)) {
        (void)snprintf(text, sizeof(text), "the verifier took more than %u s", seconds_max);
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(text, sizeof(text), "the verifier crashed (signal %d)", WTERMSIG(status));
    } else {
        (void)snprintf(text, sizeof(text), "the verifier ended without a result");
    }
    return sl_result_failed(text);
}

/* Everything up to the end of the stream: what the child wrote, then the trailer. */
static sl_rc stream_read(int fd, char **ret_data, size_t *ret_size)
{
    size_t room = 16 << 10;
    size_t size = 0;
    char *data = malloc(room);
    while (data != NULL) {
        if (size == room) {
            char *more = room < 2 * (size_t)SL_RESULT_SIZE_MAX ? realloc(data, 2 * room) : NULL;
            if (more == NULL) {
                break;
            }
            data = more;
            room *= 2;
        }
        ssize_t got = recv(fd, data + size, room - size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            *ret_data = data;
            *ret_size = size;
            return SL_OK;
        }
        size += (size_t)got;
    }
    free(data);
    return SL_NO_MEMORY;
}

static sl_rc result_take(char *data, size_t size, uint32_t seconds_max, char **ret_result)
{
    struct sl_verifier_trailer trailer;
    uint64_t text_size = 0;
    if (size < sizeof(trailer)) {
        return SL_CLOSED; /* nobody is left who could say how it ended */
    }
    size -= sizeof(trailer);
    memcpy(&trailer, data + size, sizeof(trailer));
    memcpy(&text_size, data, size >= sizeof(text_size) ? sizeof(text_size) : 0);
    if (trailer.status != 0 || trailer.is_late != 0 || text_size == 0 ||
        size != sizeof(text_size) + text_size || memchr(data + 8, '\0', text_size) != NULL) {
        *ret_result = end_text(&trailer, seconds_max);
    } else {
        *ret_result = strndup(data + sizeof(text_size), text_size);
    }
    return *ret_result != NULL ? SL_OK : SL_NO_MEMORY;
}

sl_rc sl_verifier_judge(struct sl_verifier *verifier, const char *job, size_t size,
                        char **ret_result)
{
    uint64_t header = size;
    char *data = NULL;
    size_t got = 0;
    if (size > SL_JOB_SIZE_MAX) {
        return SL_RANGE;
    }
    int fd = job_begin(verifier);
    if (fd < 0) {
        return SL_CLOSED;
    }
    /* a child that ends early does not take all of it: its trailer says what happened */
    (void)(sl_bytes_send(fd, &header, sizeof(header)) && sl_bytes_send(fd, job, size));
    sl_rc rc = stream_read(fd, &data, &got);
    (void)close(fd);
    if (rc == SL_OK) {
        rc = result_take(data, got, verifier->seconds_max, ret_result);
        free(data);
    }
    return rc;
}

sl_rc sl_verifier_renew(struct sl_verifier *verifier, const char *refvals, int *ret_fd,
                        char ret_refvals[65], struct sl_err *err)
{
    struct sl_verifier_order order = {.kind = SL_VERIFIER_RENEW};
    int pair[2];
    (void)snprintf(order.refvals, sizeof(order.refvals), "%s", refvals != NULL ? refvals : "");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return sl_err_set(err, SL_IO, "verifier: %s", strerror(errno));
    }
    (void)pthread_mutex_lock(&verifier->lock);
    bool is_sent = order_send(verifier->fd, &order, pair[1]);
    (void)pthread_mutex_unlock(&verifier->lock);
    sl_rc rc =
        is_sent ? hello_read(pair[0], ret_refvals, err) : sl_err_set(err, SL_CLOSED, "verifier");
    if (rc != SL_OK) {
        (void)close(pair[0]);
        return rc;
    }
    *ret_fd = pair[0];
    return SL_OK;
}

void sl_verifier_replace(struct sl_verifier *verifier, int fd, const char refvals[65])
{
    (void)pthread_mutex_lock(&verifier->lock);
    (void)close(verifier->fd);
    verifier->fd = fd;
    (void)snprintf(verifier->refvals, sizeof(verifier->refvals), "%s", refvals);
    (void)pthread_mutex_unlock(&verifier->lock);
}
