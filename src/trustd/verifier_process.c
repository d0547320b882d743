/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier process: forks a child for each job, bounds it, watches it, says how it ended. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor/json_load.h"
#include "trustd/verifier_private.h"

#define CHILD_MEMORY (1ull << 30)

struct child {
    pid_t pid;
    int pidfd, fd;
    int64_t end_ms;
    bool is_late;
};

struct process {
    const struct sl_monitor_backend *backend;
    struct sl_loaded_refvals refvals;
    uint32_t seconds_max;
    int fd;       /**< orders */
    bool is_open; /**< false: no more orders; ends with its last child */
    struct child children[SL_VERIFIER_JOBS_MAX];
    size_t count;
};

static int64_t monotonic_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
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

static bool bytes_receive(int fd, void *data, size_t size)
{
    char *at = data;
    while (size > 0) {
        ssize_t got = recv(fd, at, size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static char *job_receive(int fd, size_t *ret_size)
{
    uint64_t size = 0;
    if (!bytes_receive(fd, &size, sizeof(size)) || size > SL_JOB_SIZE_MAX) {
        return NULL;
    }
    char *text = malloc(size + 1);
    if (text == NULL || !bytes_receive(fd, text, size)) {
        free(text);
        return NULL;
    }
    *ret_size = size;
    return text;
}

static _Noreturn void child_main(const struct process *process, int fd)
{
    size_t size = 0;
    char *result = NULL;
    child_bound(process->seconds_max);
    char *job = job_receive(fd, &size);
    json_t *root = NULL;
    if (job == NULL || sl_json_load(job, size, &root, NULL) != SL_OK ||
        sl_job_judge(process->backend, &process->refvals, root, &result) != SL_OK) {
        result = sl_result_failed("the job cannot be read, or memory is short");
    }
    uint64_t header = result != NULL ? strlen(result) : 0;
    bool is_sent = result != NULL && header <= SL_RESULT_SIZE_MAX &&
                   sl_bytes_send(fd, &header, sizeof(header)) && sl_bytes_send(fd, result, header);
    _exit(is_sent ? 0 : 1);
}

static void job_start(struct process *process, int fd)
{
    struct child *child = &process->children[process->count];
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(process->fd);
        for (size_t i = 0; i < process->count; i++) { /* else others' streams would not end */
            (void)close(process->children[i].fd);
            (void)close(process->children[i].pidfd);
        }
        child_main(process, fd);
    }
    int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
    if (pidfd < 0) { /* no process: the stream ends without a trailer */
        if (pid > 0) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
        }
        (void)close(fd);
        return;
    }
    *child = (struct child){.pid = pid,
                            .pidfd = pidfd,
                            .fd = fd,
                            .end_ms = monotonic_ms() + (int64_t)process->seconds_max * 1000};
    process->count++;
}

static void job_end(struct process *process, size_t i)
{
    struct child *child = &process->children[i];
    struct sl_verifier_trailer trailer = {.is_late = child->is_late};
    while (waitpid(child->pid, &trailer.status, 0) < 0 && errno == EINTR) {
    }
    (void)sl_bytes_send(child->fd, &trailer, sizeof(trailer));
    (void)close(child->fd);
    (void)close(child->pidfd);
    *child = process->children[--process->count];
}

/* ---- orders ---- */

static void hello_say(struct process *process, const char *path)
{
    struct sl_err err = {0};
    struct sl_verifier_hello hello = {.rc = SL_OK};
    process->refvals = (struct sl_loaded_refvals){0};
    if (path != NULL && path[0] != '\0') {
        hello.rc = (int32_t)process->backend->refvals_open(path, &process->refvals.refvals,
                                                           process->refvals.digest, &err);
        (void)snprintf(hello.text, sizeof(hello.text), "refvals: %.240s",
                       err.text[0] != '\0' ? err.text : sl_rc_text((sl_rc)hello.rc));
    }
    (void)snprintf(hello.refvals, sizeof(hello.refvals), "%s", process->refvals.digest);
    if (send(process->fd, &hello, sizeof(hello), MSG_NOSIGNAL) < 0 || hello.rc != SL_OK) {
        _exit(1);
    }
}

/* Another verifier, from this one, which has no secrets: what it cannot read ends it alone. */
static void renew(struct process *process, const char *path, int fd)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() != 0) { /* twice: it is nobody's child, and leaves nothing to wait for */
            _exit(0);
        }
        (void)close(process->fd);
        for (size_t i = 0; i < process->count; i++) {
            (void)close(process->children[i].fd);
            (void)close(process->children[i].pidfd);
        }
        if (process->refvals.digest[0] != '\0') {
            process->backend->refvals_close(&process->refvals.refvals);
        }
        sl_verifier_run(process->backend, path, process->seconds_max, fd);
    }
    (void)close(fd);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static void order_take(struct process *process)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct sl_verifier_order order;
    struct iovec part = {.iov_base = &order, .iov_len = sizeof(order)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof(control.room)};
    int fd = -1;
    ssize_t got = recvmsg(process->fd, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) {
        return;
    }
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (got != (ssize_t)sizeof(order) || header == NULL || header->cmsg_type != SCM_RIGHTS) {
        process->is_open = false;
        return;
    }
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    if (order.kind == SL_VERIFIER_JOB) {
        job_start(process, fd);
    } else {
        order.refvals[sizeof(order.refvals) - 1] = '\0';
        renew(process, order.refvals, fd);
    }
}

static void children_watch(struct process *process, const struct pollfd *waits)
{
    int64_t now_ms = monotonic_ms();
    for (size_t i = process->count; i-- > 0;) {
        struct child *child = &process->children[i];
        if (waits[i].revents != 0) {
            job_end(process, i);
        } else if (!child->is_late && now_ms >= child->end_ms) {
            child->is_late = true;
            (void)kill(child->pid, SIGKILL);
        }
    }
}

static int wait_ms(const struct process *process)
{
    int64_t end_ms = INT64_MAX;
    for (size_t i = 0; i < process->count; i++) {
        end_ms = process->children[i].end_ms < end_ms ? process->children[i].end_ms : end_ms;
    }
    int64_t left = process->count > 0 ? end_ms - monotonic_ms() : -1;
    return process->count > 0 ? (int)(left < 1 ? 1 : left) : -1;
}

/* The end of its socket ends it, after its last child. */
_Noreturn void sl_verifier_run(const struct sl_monitor_backend *backend, const char *refvals,
                               uint32_t seconds_max, int fd)
{
    static struct process process;
    process =
        (struct process){.backend = backend, .seconds_max = seconds_max, .fd = fd, .is_open = true};
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    hello_say(&process, refvals);
    while (process.is_open || process.count > 0) {
        struct pollfd waits[SL_VERIFIER_JOBS_MAX + 1];
        size_t count = process.count;
        for (size_t i = 0; i < count; i++) {
            waits[i] = (struct pollfd){.fd = process.children[i].pidfd, .events = POLLIN};
        }
        bool is_taking = process.is_open && count < SL_VERIFIER_JOBS_MAX;
        waits[count] = (struct pollfd){.fd = is_taking ? fd : -1, .events = POLLIN};
        (void)poll(waits, (nfds_t)count + 1, wait_ms(&process));
        if (waits[count].revents != 0) {
            order_take(&process);
        }
        waits[count].revents = 0; /* now the place of a child that has just begun */
        children_watch(&process, waits);
    }
    _exit(0);
}
