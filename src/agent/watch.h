/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A helper process that looks at containers while they run: fanotify holds each program that a
 * container starts until the agent has measured it, inotify on the runtimes' state directories
 * tells when containers come and go. It has the rights that this takes and talks to nobody but the
 * agent.
 */
#ifndef SL_AGENT_WATCH_H
#define SL_AGENT_WATCH_H

#include <sys/types.h>

#include "agent/containers.h"
#include "attest/node_event.h"

enum sl_agent_sight_kind {
    SL_AGENT_SEES_CONTAINER = 1, /**< one came; flags: SL_NODE_LATE where it may have run before */
    SL_AGENT_SEES_CHANGE = 2,    /**< something came or went: look yourself */
    SL_AGENT_SEES_EXEC = 3,
    SL_AGENT_SEES_LOSS = 4, /**< the kernel's queue was full */
    SL_AGENT_SEES_NOW = 5,  /**< answer to sl_agent_watch_sync: all before it has been told */
};

enum { SL_AGENT_HOLD_MS = 500 };

/** What the helper tells. Each but the last is answered by sl_agent_watch_answer. */
struct sl_agent_sight {
    uint32_t kind;
    uint8_t flags; /**< of enum sl_node_event_flag */
    int64_t
        since_ms; /**< CLOCK_MONOTONIC: a program is held since then, SL_AGENT_HOLD_MS at most */
    char id[SL_NODE_EVENT_ID_MAX];
    char path[SL_NODE_EVENT_PATH_MAX];
    uint8_t digest[32];
};

struct sl_agent_watch {
    int fd; /**< -1: no helper */
    pid_t pid;
};

/** Splits the helper off.
 * @retval SL_OK
 * @retval SL_IO           no socket, no process
 * @retval SL_UNSUPPORTED  the kernel or the user's rights have no fanotify for this; err says what
 */
sl_rc sl_agent_watch_start(const struct sl_agent_config *config, struct sl_agent_watch *ret_watch,
                           struct sl_err *err) SL_MUST_CHECK;
void sl_agent_watch_stop(struct sl_agent_watch *watch);
/** Waits for the next sight. @return 1: here it is; 0: none came in @p ms; -1: the helper is gone
 */
int sl_agent_watch_next(const struct sl_agent_watch *watch, int ms,
                        struct sl_agent_sight *ret_sight);
/** What it told is on record: the held program may run. */
void sl_agent_watch_answer(const struct sl_agent_watch *watch);
/** Asks it to look at everything now. */
void sl_agent_watch_sync(const struct sl_agent_watch *watch);

/* internal, between watch.c and watch_marks.c */
struct sl_agent_marks {
    int fanotify;
    struct {
        char id[SL_AGENT_ID_MAX];
        int32_t pid;
    } list[SL_AGENT_CONTAINERS_MAX];
    unsigned count;
};
/* Marks what a container executes from. @return 1: done, 0: not ready yet, -1: it cannot be */
int sl_agent_marks_set(int fanotify, const struct sl_agent_container *container);
/* SHA-256 of a file; false: not readable, or longer than 1 GiB. Remembers the last ones. */
bool sl_agent_watch_hash(int fd, uint8_t ret_digest[32]);
/* The container in which a process runs, by control group, then by its namespaces. NULL: none */
const char *sl_agent_watch_owner(const struct sl_agent_containers *all, int32_t pid);

#endif
