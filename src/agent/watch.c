/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's loop. It never executes and never writes a file, so it cannot hold itself; where the
 * agent does not answer in time, the program runs, and the event says that it was late. */
#include "agent/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/confine.h"

enum {
    CALM_MS = 1000,   /* looks by itself */
    EXCITED_MS = 500, /* after something moved in a state directory */
    EXCITED_STEP_MS = 3,
    FIRST_ANSWER_MS = 10000,
};
static const char ANSWER = 'A', SYNC = 'S';

struct helper {
    const struct sl_agent_config *config;
    int socket, inotify;
    bool is_sync_wanted, is_closed;
    int64_t excited_until_ms;
    struct sl_agent_containers all;
    struct sl_agent_marks marks;
};

static int64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- talking ---- */

static void orders_take(struct helper *h, bool *ret_answered)
{
    char order;
    ssize_t got;
    while ((got = recv(h->socket, &order, 1, MSG_DONTWAIT)) == 1) {
        h->is_sync_wanted = h->is_sync_wanted || order == SYNC;
        *ret_answered = *ret_answered || order == ANSWER;
    }
    h->is_closed = h->is_closed || got == 0;
}

/* @return false: the agent did not answer in time */
static bool tell(struct helper *h, const struct sl_agent_sight *sight)
{
    const int64_t end = now_ms() + SL_AGENT_HOLD_MS;
    bool is_answered = false;
    if (send(h->socket, sight, sizeof(*sight), MSG_NOSIGNAL) != (ssize_t)sizeof(*sight)) {
        h->is_closed = true;
        return false;
    }
    while (!is_answered && !h->is_closed && sight->kind != SL_AGENT_SEES_NOW) {
        struct pollfd wait = {.fd = h->socket, .events = POLLIN};
        int64_t left = end - now_ms();
        if (left <= 0 || (poll(&wait, 1, (int)left) < 0 && errno != EINTR)) {
            return false;
        }
        orders_take(h, &is_answered);
    }
    return true;
}

static void tell_simple(struct helper *h, enum sl_agent_sight_kind kind)
{
    const struct sl_agent_sight sight = {.kind = kind};
    (void)tell(h, &sight);
}

/* ---- containers ---- */

static bool mark_find(const struct sl_agent_marks *marks, const struct sl_agent_container *c)
{
    for (unsigned i = 0; i < marks->count; i++) {
        if (marks->list[i].pid == c->pid && strcmp(marks->list[i].id, c->id) == 0) {
            return true;
        }
    }
    return false;
}

/* Created and not started: runc's and crun's fifo, which the start opens, is still there. */
static bool is_only_created(const struct sl_agent_container *c)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s/exec.fifo", c->runtime->state, c->id);
    return access(path, F_OK) == 0;
}

/* What runs already when it is first seen: its own program, unless that is still the runtime's. */
static void first_program_tell(struct helper *h, const struct sl_agent_container *c)
{
    struct sl_agent_sight sight = {.kind = SL_AGENT_SEES_EXEC, .flags = SL_NODE_LATE};
    char link[64], inside[SL_NODE_EVENT_PATH_MAX + 64], path[SL_NODE_EVENT_PATH_MAX];
    (void)snprintf(link, sizeof(link), "/proc/%d/exe", c->pid);
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    int fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && length > 0) {
        struct stat running, named;
        path[length] = '\0';
        (void)snprintf(inside, sizeof(inside), "/proc/%d/root%s", c->pid, path);
        if (fstat(fd, &running) == 0 && stat(inside, &named) == 0 &&
            running.st_ino == named.st_ino && running.st_dev == named.st_dev) {
            (void)snprintf(sight.id, sizeof(sight.id), "%s", c->id);
            (void)snprintf(sight.path, sizeof(sight.path), "%s", path);
            (void)sl_agent_watch_hash(fd, sight.digest);
            (void)tell(h, &sight);
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void container_greet(struct helper *h, const struct sl_agent_container *c)
{
    struct sl_agent_sight sight = {.kind = SL_AGENT_SEES_CONTAINER};
    struct sl_agent_marks *marks = &h->marks;
    int is_marked = sl_agent_marks_set(marks->fanotify, c);
    if (is_marked == 0 && is_only_created(c)) { /* the runtime still prepares it */
        h->excited_until_ms = now_ms() + EXCITED_MS;
        return;
    }
    const bool is_early = is_marked == 1 && is_only_created(c);
    sight.flags = is_early ? 0 : SL_NODE_LATE;
    (void)snprintf(sight.id, sizeof(sight.id), "%s", c->id);
    (void)snprintf(marks->list[marks->count].id, SL_AGENT_ID_MAX, "%s", c->id);
    marks->list[marks->count++].pid = c->pid;
    (void)tell(h, &sight);
    if (!is_early) {
        first_program_tell(h, c);
    }
}

static void marks_forget(struct helper *h)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < h->marks.count; i++) {
        const struct sl_agent_container *c = sl_agent_containers_find(&h->all, h->marks.list[i].id);
        if (c != NULL && c->pid == h->marks.list[i].pid) {
            h->marks.list[kept++] = h->marks.list[i];
        }
    }
    h->marks.count = kept;
}

static void look(struct helper *h)
{
    unsigned before = h->marks.count;
    (void)sl_agent_containers_poll(&h->all, h->config, NULL);
    sl_agent_containers_drop(&h->all);
    marks_forget(h);
    if (h->marks.count < before) {
        tell_simple(h, SL_AGENT_SEES_CHANGE);
    }
    for (unsigned i = 0; i < h->all.count && h->marks.count < SL_AGENT_CONTAINERS_MAX; i++) {
        const struct sl_agent_container *c = &h->all.list[i];
        if (c->pid > 0 && !mark_find(&h->marks, c)) {
            container_greet(h, c);
        }
    }
}

/* ---- programs ---- */

static void exec_look(struct helper *h, const struct fanotify_event_metadata *event)
{
    struct sl_agent_sight sight = {.kind = SL_AGENT_SEES_EXEC, .since_ms = now_ms()};
    char link[64], path[SL_NODE_EVENT_PATH_MAX];
    const char *owner = sl_agent_watch_owner(&h->all, event->pid);
    if (owner == NULL) { /* perhaps of one that came this moment */
        look(h);
        owner = sl_agent_watch_owner(&h->all, event->pid);
    }
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", event->fd);
    ssize_t length = readlink(link, path, sizeof(path));
    if (length == (ssize_t)sizeof(path)) {
        length--;
        sight.flags |= SL_NODE_PATH_CUT;
    }
    if (length > 0) {
        memcpy(sight.path, path, (size_t)length);
    } else {
        (void)snprintf(sight.path, sizeof(sight.path), "?");
        sight.flags |= SL_NODE_PATH_CUT;
    }
    (void)snprintf(sight.id, sizeof(sight.id), "%s", owner != NULL ? owner : "host");
    (void)sl_agent_watch_hash(event->fd, sight.digest);
    (void)tell(h, &sight);
}

static void programs_take(struct helper *h)
{
    union {
        char bytes[8192];
        struct fanotify_event_metadata first;
    } buffer;
    ssize_t size = read(h->marks.fanotify, buffer.bytes, sizeof(buffer.bytes));
    const struct fanotify_event_metadata *event = &buffer.first;
    for (; size > 0 && FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size)) {
        struct fanotify_response response = {.fd = event->fd, .response = FAN_ALLOW};
        if ((event->mask & FAN_Q_OVERFLOW) != 0) {
            tell_simple(h, SL_AGENT_SEES_LOSS);
        }
        if (event->fd < 0) {
            continue;
        }
        exec_look(h, event);
        (void)!write(h->marks.fanotify, &response, sizeof(response));
        (void)close(event->fd);
    }
}

/* ---- the loop ---- */

static void directories_watch(const struct helper *h)
{
    for (unsigned i = 0; i < h->config->runtime_count; i++) {
        (void)inotify_add_watch(h->inotify, h->config->runtimes[i].state,
                                IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR);
    }
}

static void helper_run(struct helper *h)
{
    char notes[4096];
    bool is_ignored = false;
    look(h);
    while (!h->is_closed) {
        bool is_excited = now_ms() < h->excited_until_ms;
        struct pollfd wait[] = {{.fd = h->marks.fanotify, .events = POLLIN},
                                {.fd = h->inotify, .events = POLLIN},
                                {.fd = h->socket, .events = POLLIN}};
        directories_watch(h); /* one may have come meanwhile; a second time is the same watch */
        int ready = poll(wait, 3, is_excited ? EXCITED_STEP_MS : CALM_MS);
        if (wait[0].revents != 0) {
            programs_take(h);
        }
        if (wait[1].revents != 0) {
            while (read(h->inotify, notes, sizeof(notes)) > 0) {
            }
            h->excited_until_ms = now_ms() + EXCITED_MS;
        }
        orders_take(h, &is_ignored);
        if (wait[1].revents != 0 || is_excited || ready == 0 || h->is_sync_wanted) {
            look(h);
        }
        if (h->is_sync_wanted) {
            h->is_sync_wanted = false;
            tell_simple(h, SL_AGENT_SEES_NOW);
        }
    }
}

static sl_rc helper_open(struct helper *h, struct sl_err *err)
{
    sl_rc rc = sl_agent_containers_init(&h->all, err);
    h->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    h->marks.fanotify = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK,
                                      O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME);
    if (rc == SL_OK && (h->inotify < 0 || h->marks.fanotify < 0)) {
        rc = sl_err_set(err, SL_UNSUPPORTED,
                        "%s: %s: programs of containers cannot be watched (needs CAP_SYS_ADMIN and "
                        "a kernel with FANOTIFY_ACCESS_PERMISSIONS)",
                        h->inotify < 0 ? "inotify" : "fanotify", strerror(errno));
    }
    return rc;
}

/* Says first whether it could begin, then what it sees. */
static void helper_main(const struct sl_agent_config *config, int fd)
{
    static struct helper h;
    struct sl_err err = {0};
    h = (struct helper){.config = config, .socket = fd};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the kernel lets go what we hold */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    sl_rc rc = helper_open(&h, &err);
    rc = rc == SL_OK ? sl_agent_watch_confine(config, &err) : rc;
    err.rc = rc;
    if (send(fd, &err, sizeof(err), MSG_NOSIGNAL) == (ssize_t)sizeof(err) && rc == SL_OK) {
        helper_run(&h);
    }
}

sl_rc sl_agent_watch_start(const struct sl_agent_config *config, struct sl_agent_watch *ret_watch,
                           struct sl_err *err)
{
    struct sl_err said = {0};
    int pair[2];
    ret_watch->fd = -1;
    ret_watch->pid = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return sl_err_set(err, SL_IO, "socketpair: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        helper_main(config, pair[1]);
        _exit(0);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return sl_err_set(err, SL_IO, "fork: %s", strerror(errno));
    }
    struct pollfd wait = {.fd = pair[0], .events = POLLIN};
    bool is_said = poll(&wait, 1, FIRST_ANSWER_MS) == 1 &&
                   recv(pair[0], &said, sizeof(said), 0) == (ssize_t)sizeof(said);
    ret_watch->fd = pair[0];
    ret_watch->pid = pid;
    if (!is_said || said.rc != SL_OK) {
        sl_agent_watch_stop(ret_watch);
        return sl_err_set(err, is_said ? said.rc : SL_IO, "%s",
                          is_said ? said.text : "the helper that watches containers is gone");
    }
    return SL_OK;
}

void sl_agent_watch_stop(struct sl_agent_watch *watch)
{
    if (watch->fd >= 0) {
        (void)close(watch->fd);
        (void)kill(watch->pid, SIGKILL);
        (void)waitpid(watch->pid, NULL, 0);
    }
    watch->fd = -1;
}

int sl_agent_watch_next(const struct sl_agent_watch *watch, int ms,
                        struct sl_agent_sight *ret_sight)
{
    struct pollfd wait = {.fd = watch->fd, .events = POLLIN};
    if (poll(&wait, 1, ms) != 1) {
        return 0;
    }
    if (recv(watch->fd, ret_sight, sizeof(*ret_sight), MSG_DONTWAIT) !=
        (ssize_t)sizeof(*ret_sight)) {
        return -1;
    }
    ret_sight->id[sizeof(ret_sight->id) - 1] = '\0';
    ret_sight->path[sizeof(ret_sight->path) - 1] = '\0';
    return 1;
}

void sl_agent_watch_answer(const struct sl_agent_watch *watch)
{
    (void)send(watch->fd, &ANSWER, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void sl_agent_watch_sync(const struct sl_agent_watch *watch)
{
    (void)send(watch->fd, &SYNC, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}
