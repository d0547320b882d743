/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier process: reads a job, forks, bounds and watches the child, hands its result back. */
#include "trustd/verifier.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILD_MEMORY (1ull << 30)

/* ---- framed text ---- */

static bool bytes_send(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t put = send(fd, at, size, MSG_NOSIGNAL);
        if (put <= 0) {
            if (put < 0 && errno == EINTR) {
                continue;
            }
            return false;
        }
        at += put;
        size -= (size_t)put;
    }
    return true;
}

static bool text_send(int fd, const char *text, size_t size)
{
    uint64_t header = size;
    return bytes_send(fd, &header, sizeof(header)) && bytes_send(fd, text, size);
}

static int64_t monotonic_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* @param end_ms  -1: for ever */
static bool bytes_receive(int fd, void *data, size_t size, int64_t end_ms)
{
    char *at = data;
    while (size > 0) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left = end_ms < 0 ? -1 : end_ms - monotonic_ms();
        if (end_ms >= 0 && left <= 0) {
            return false;
        }
        if (poll(&wait, 1, (int)left) < 0 && errno != EINTR) {
            return false;
        }
        ssize_t got = recv(fd, at, size, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            return false;
        }
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
    return true;
}

static char *text_receive(int fd, size_t size_max, int64_t end_ms, size_t *ret_size)
{
    uint64_t size = 0;
    if (!bytes_receive(fd, &size, sizeof(size), end_ms) || size > size_max) {
        return NULL;
    }
    char *text = malloc(size + 1);
    if (text == NULL || !bytes_receive(fd, text, size, end_ms)) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    *ret_size = size;
    return text;
}

/* ---- one job, in a child ---- */

static void child_bound(uint32_t seconds_max)
{
    const struct rlimit none = {0, 0};
    const struct rlimit cpu = {seconds_max, seconds_max};
    const struct rlimit memory = {CHILD_MEMORY, CHILD_MEMORY};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_CPU, &cpu);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if !defined(__has_feature)
    (void)setrlimit(RLIMIT_AS, &memory); /* the sanitizers' shadow does not fit */
#endif
#endif
    (void)memory;
}

static void child_main(const struct sl_monitor_backend *backend,
                       const struct sl_loaded_refvals *refvals, const char *job, size_t size,
                       int fd)
{
    json_t *root = json_loadb(job, size, JSON_REJECT_DUPLICATES, NULL);
    char *result = NULL;
    if (root == NULL || sl_job_judge(backend, refvals, root, &result) != SL_OK) {
        result = sl_result_failed("the job cannot be read, or memory is short");
    }
    bool is_sent = result != NULL && text_send(fd, result, strlen(result));
    _exit(is_sent ? 0 : 1);
}

static char *end_text(int status, bool is_late, uint32_t seconds_max)
{
    char text[128];
    if (is_late || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)) {
        (void)snprintf(text, sizeof(text), "the verifier took more than %u s", seconds_max);
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(text, sizeof(text), "the verifier crashed (signal %d)", WTERMSIG(status));
    } else {
        (void)snprintf(text, sizeof(text), "the verifier ended without a result");
    }
    return sl_result_failed(text);
}

static char *job_in_child(const struct sl_monitor_backend *backend,
                          const struct sl_loaded_refvals *refvals, uint32_t seconds_max,
                          const char *job, size_t size)
{
    int pair[2];
    int status = 0;
    size_t result_size = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return sl_result_failed("no socket for the verifier");
    }
    pid_t child = fork();
    if (child == 0) {
        (void)close(pair[0]);
        child_bound(seconds_max);
        child_main(backend, refvals, job, size, pair[1]);
    }
    (void)close(pair[1]);
    int64_t end_ms = monotonic_ms() + (int64_t)seconds_max * 1000;
    char *result =
        child > 0 ? text_receive(pair[0], SL_RESULT_SIZE_MAX, end_ms, &result_size) : NULL;
    bool is_late = result == NULL && monotonic_ms() >= end_ms;
    if (child > 0) {
        if (result == NULL) {
            if (is_late) {
                (void)kill(child, SIGKILL);
            }
        }
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    }
    (void)close(pair[0]);
    return result != NULL ? result : end_text(status, is_late, seconds_max);
}

static void verifier_main(const struct sl_monitor_backend *backend,
                          const struct sl_loaded_refvals *refvals, uint32_t seconds_max, int fd)
{
    size_t size;
    char *job;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    while ((job = text_receive(fd, SL_JOB_SIZE_MAX, -1, &size)) != NULL) {
        char *result = job_in_child(backend, refvals, seconds_max, job, size);
        free(job);
        if (result == NULL || !text_send(fd, result, strlen(result))) {
            _exit(1);
        }
        free(result);
    }
    _exit(0);
}

/* ---- the daemon's end ---- */

sl_rc sl_verifier_start(const struct sl_monitor_backend *backend,
                        const struct sl_loaded_refvals *refvals, uint32_t seconds_max,
                        struct sl_verifier *ret_verifier, struct sl_err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return sl_err_set(err, SL_IO, "verifier: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        verifier_main(backend, refvals, seconds_max, pair[1]);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return sl_err_set(err, SL_IO, "verifier: %s", strerror(errno));
    }
    ret_verifier->fd = pair[0];
    ret_verifier->pid = pid;
    return SL_OK;
}

void sl_verifier_stop(struct sl_verifier *verifier)
{
    if (verifier->pid > 0) {
        (void)close(verifier->fd); /* its end of the jobs */
        while (waitpid(verifier->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        verifier->pid = 0;
    }
}

sl_rc sl_verifier_judge(struct sl_verifier *verifier, const char *job, size_t size,
                        char **ret_result)
{
    size_t result_size;
    if (size > SL_JOB_SIZE_MAX) {
        return SL_RANGE;
    }
    char *result = text_send(verifier->fd, job, size)
                       ? text_receive(verifier->fd, SL_RESULT_SIZE_MAX, -1, &result_size)
                       : NULL;
    if (result == NULL) {
        return SL_CLOSED;
    }
    *ret_result = result;
    return SL_OK;
}
