/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Containers as they come, go and execute: what the helper sees (watch.h) and the state files say
 * becomes events (events.h), on a thread of its own, so that a slow monitor holds up no program.
 */
#ifndef SL_AGENT_OBSERVE_H
#define SL_AGENT_OBSERVE_H

#include <pthread.h>

#include "agent/containers.h"
#include "agent/events.h"
#include "agent/watch.h"

struct sl_agent_observer {
    pthread_mutex_t lock; /**< of containers, events, and of the TPM */
    pthread_cond_t synced;
    pthread_t thread;
    bool has_lock, has_thread, is_stopping;
    unsigned syncs;
    const struct sl_agent_config *config;
    struct sl_agent_tpm *tpm;
    struct sl_agent_watch watch; /**< set by whoever started it, before sl_agent_observer_start */
    struct sl_agent_containers containers;
    uint64_t saved; /**< hash of what is on disk */
    struct sl_agent_events events;
    void (*log)(const char *line);
};

/** Takes up what the last run knew of this boot, and begins: events where the configuration has
 * them. That they cannot be had is logged and no failure: the monitor sees that they are missing.
 * @retval SL_OK, SL_NO_MEMORY, SL_IO
 * @owner caller calls sl_agent_observer_stop, also after a failure */
sl_rc sl_agent_observer_start(struct sl_agent_observer *observer,
                              const struct sl_agent_config *config, const char *boot_id,
                              struct sl_agent_tpm *tpm, struct sl_agent_ima *ima,
                              void (*log)(const char *line), struct sl_err *err) SL_MUST_CHECK;
void sl_agent_observer_stop(struct sl_agent_observer *observer);

/** Looks at everything and locks: containers and events stand still, and agree, until
 * sl_agent_observer_release. */
void sl_agent_observer_hold(struct sl_agent_observer *observer);
void sl_agent_observer_release(struct sl_agent_observer *observer);
/** Array for the evidence message; held. @return NULL: no memory, or a name is not UTF-8 */
json_t *sl_agent_observer_list(struct sl_agent_observer *observer);
/** The monitor has been told of the last list. */
void sl_agent_observer_told(struct sl_agent_observer *observer);
/** A copy of what is known of a container. @return false: there is none */
bool sl_agent_observer_find(struct sl_agent_observer *observer, const char *id,
                            struct sl_agent_container *ret_container);

#endif
