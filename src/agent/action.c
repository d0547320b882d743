/* SPDX-License-Identifier: Apache-2.0 */
/* The helper trusts the agent no more than the agent trusts the network. */
#include "agent/action.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/containers.h"

enum { WAIT_STEP_NS = 20000000, WAIT_STEPS = 1000, ANSWER_SECONDS = 30 };

struct order {
    uint32_t runtime, action;
    char id[SL_AGENT_ID_MAX];
};

static const struct {
    const char *name;
    unsigned action;
} actions[] = {{"pause", SL_AGENT_PAUSE}, {"resume", SL_AGENT_RESUME}, {"kill", SL_AGENT_KILL}};

unsigned sl_agent_action_find(const char *name)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].name, name) == 0) {
            return actions[i].action;
        }
    }
    return 0;
}

static const char *action_name(unsigned action)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (actions[i].action == action) {
            return actions[i].name;
        }
    }
    return NULL;
}

sl_rc sl_agent_action_command(const struct sl_agent_config *config, unsigned runtime,
                              unsigned action, const char *id, const char **ret_argv)
{
    const bool is_known = runtime < config->runtime_count;
    const struct sl_agent_runtime *r = &config->runtimes[is_known ? runtime : 0];
    const char *name = action_name(action);
    unsigned count = 0;
    if (!is_known || name == NULL || (r->actions & action) == 0 ||
        memchr(id, '\0', SL_AGENT_ID_MAX) == NULL || !sl_agent_container_is_id(id)) {
        return SL_DENIED;
    }
    const char *slash = strrchr(r->command, '/');
    const char *program = slash != NULL ? slash + 1 : r->command;
    bool is_low = strcmp(program, "runc") == 0 || strcmp(program, "crun") == 0;
    ret_argv[count++] = r->command;
    if (is_low) {
        ret_argv[count++] = "--root";
        ret_argv[count++] = r->state;
    }
    /* podman's words */
    ret_argv[count++] = !is_low && action == SL_AGENT_RESUME ? "unpause" : name;
    ret_argv[count++] = id;
    if (is_low && action == SL_AGENT_KILL) {
        ret_argv[count++] = "KILL";
    }
    ret_argv[count] = NULL;
    return SL_OK;
}

static sl_rc command_run(const char *const *argv)
{
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *const env[] = {path, NULL};
    const struct timespec step = {0, WAIT_STEP_NS};
    char *args[8] = {NULL};
    pid_t pid;
    int status = 0;
    for (size_t i = 0; argv[i] != NULL; i++) {
        args[i] = (char *)(uintptr_t)argv[i];
    }
    if (argv[0] == NULL || posix_spawn(&pid, argv[0], NULL, NULL, args, env) != 0) {
        return SL_IO;
    }
    for (unsigned i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
        if (i == WAIT_STEPS) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            break;
        }
        (void)nanosleep(&step, NULL);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? SL_OK : SL_IO;
}

static void helper_run(const struct sl_agent_config *config, int fd)
{
    struct order order;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)signal(SIGINT, SIG_IGN); /* the agent ends us */
    while (recv(fd, &order, sizeof(order), 0) == (ssize_t)sizeof(order)) {
        const char *argv[8];
        sl_rc rc = sl_agent_action_command(config, order.runtime, order.action, order.id, argv);
        int32_t answer = (int32_t)(rc == SL_OK ? command_run(argv) : rc);
        if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) != (ssize_t)sizeof(answer)) {
            break;
        }
    }
}

sl_rc sl_agent_actor_start(const struct sl_agent_config *config, struct sl_agent_actor *ret_actor,
                           struct sl_err *err)
{
    int pair[2];
    unsigned allowed = 0;
    ret_actor->fd = -1;
    ret_actor->pid = 0;
    for (unsigned i = 0; i < config->runtime_count; i++) {
        allowed |= config->runtimes[i].actions;
    }
    if (allowed == 0) {
        return SL_OK;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return sl_err_set(err, SL_IO, "socketpair: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        helper_run(config, pair[1]);
        _exit(0);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return sl_err_set(err, SL_IO, "fork: %s", strerror(errno));
    }
    const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    (void)setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ret_actor->fd = pair[0];
    ret_actor->pid = pid;
    return SL_OK;
}

void sl_agent_actor_stop(struct sl_agent_actor *actor)
{
    if (actor->fd >= 0) {
        (void)close(actor->fd);
        (void)waitpid(actor->pid, NULL, 0);
    }
    actor->fd = -1;
}

sl_rc sl_agent_actor_do(struct sl_agent_actor *actor, unsigned runtime, unsigned action,
                        const char *id, struct sl_err *err)
{
    struct order order = {.runtime = runtime, .action = action};
    int32_t answer = 0;
    const char *name = action_name(action);
    (void)snprintf(order.id, sizeof(order.id), "%s", id);
    if (actor->fd < 0) {
        return sl_err_set(err, SL_DENIED, "no runtime allows the monitor to act");
    }
    if (send(actor->fd, &order, sizeof(order), MSG_NOSIGNAL) != (ssize_t)sizeof(order) ||
        recv(actor->fd, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer)) {
        return sl_err_set(err, SL_IO, "the helper that acts on containers is gone");
    }
    if (answer != SL_OK) {
        return sl_err_set(err, answer == SL_DENIED ? SL_DENIED : SL_IO, "%s of container %s: %s",
                          name != NULL ? name : "action", id,
                          answer == SL_DENIED ? "not allowed by the configuration"
                                              : "the runtime's command failed");
    }
    return SL_OK;
}
