/* SPDX-License-Identifier: Apache-2.0 */
/* The list of containers and their events always say the same: a container is listed as running
 * from its start event to its stop event. */
#include "agent/observe.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NEXT_MS = 500, SYNC_MS = 2000, ANY_PID = -1 };

static void say(const struct sl_agent_observer *o, sl_rc rc, const struct sl_err *err)
{
    if (rc != SL_OK && rc != SL_CLOSED) {
        o->log(err->text[0] != '\0' ? err->text : sl_rc_text(rc));
    }
}

static void event_add(struct sl_agent_observer *o, struct sl_node_event *event)
{
    struct sl_err err = {0};
    const bool was_full = o->events.is_full;
    sl_rc rc = sl_agent_events_add(&o->events, o->tpm, event, &err);
    if (!was_full) { /* said once */
        say(o, rc, &err);
    }
}

static void start_tell(struct sl_agent_observer *o, struct sl_agent_container *c, uint8_t flags)
{
    struct sl_node_event event = {.type = SL_NODE_START,
                                  .flags = flags,
                                  .uid_first = c->uid_first,
                                  .uid_count = c->uid_count};
    (void)snprintf(event.id, sizeof(event.id), "%s", c->id);
    (void)snprintf(event.runtime, sizeof(event.runtime), "%s", c->runtime->name);
    (void)snprintf(event.image, sizeof(event.image), "%s", c->image);
    (void)snprintf(event.cgroup, sizeof(event.cgroup), "%s", c->cgroup);
    (void)snprintf(event.device, sizeof(event.device), "%s", c->root_device);
    event_add(o, &event);
    c->announced_pid = c->pid;
}

static void stop_tell(struct sl_agent_observer *o, struct sl_agent_container *c)
{
    struct sl_node_event event = {.type = SL_NODE_STOP};
    (void)snprintf(event.id, sizeof(event.id), "%s", c->id);
    event_add(o, &event);
    c->announced_pid = 0;
}

static void save(struct sl_agent_observer *o)
{
    struct sl_err err = {0};
    say(o, sl_agent_containers_save(&o->containers, o->config->state_dir, &o->saved, &err), &err);
}

static void look(struct sl_agent_observer *o)
{
    struct sl_err err = {0};
    if (sl_agent_containers_poll(&o->containers, o->config, &err) > 0) {
        o->log(err.text);
    }
    for (unsigned i = 0; i < o->containers.count; i++) {
        struct sl_agent_container *c = &o->containers.list[i];
        if (c->announced_pid == ANY_PID && c->pid > 0) {
            c->announced_pid = c->pid;
        }
        if (c->announced_pid != 0 && c->announced_pid != c->pid) {
            stop_tell(o, c);
        }
        /* nobody watches what it executes */
        if (o->events.is_on && o->watch.fd < 0 && c->pid > 0 && c->announced_pid == 0) {
            start_tell(o, c, SL_NODE_LATE);
        }
    }
    save(o);
}

static struct sl_agent_container *running_find(struct sl_agent_observer *o, const char *id)
{
    for (unsigned i = 0; i < o->containers.count; i++) {
        if (o->containers.list[i].pid > 0 && strcmp(o->containers.list[i].id, id) == 0) {
            return &o->containers.list[i];
        }
    }
    return NULL;
}

static void container_seen(struct sl_agent_observer *o, const char *id, uint8_t flags)
{
    struct sl_agent_container *c;
    look(o);
    c = running_find(o, id);
    if (c != NULL && c->announced_pid == 0) {
        start_tell(o, c, flags);
    }
}

static void exec_seen(struct sl_agent_observer *o, const struct sl_agent_sight *sight)
{
    struct sl_node_event event = {.type = SL_NODE_EXEC, .flags = sight->flags};
    const struct sl_agent_container *c = running_find(o, sight->id);
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (strcmp(sight->id, "host") != 0 && (c == NULL || c->announced_pid == 0)) {
        container_seen(o, sight->id, SL_NODE_LATE);
    }
    if ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - sight->since_ms > SL_AGENT_HOLD_MS) {
        event.flags |= SL_NODE_LATE;
    }
    (void)snprintf(event.id, sizeof(event.id), "%s", sight->id);
    (void)snprintf(event.path, sizeof(event.path), "%s", sight->path);
    memcpy(event.digest, sight->digest, sizeof(event.digest));
    event_add(o, &event);
}

static void sight_take(struct sl_agent_observer *o, const struct sl_agent_sight *sight)
{
    struct sl_node_event lost = {.type = SL_NODE_LOST, .lost = 1};
    switch (sight->kind) {
    case SL_AGENT_SEES_CONTAINER:
        container_seen(o, sight->id, sight->flags);
        break;
    case SL_AGENT_SEES_CHANGE:
        look(o);
        break;
    case SL_AGENT_SEES_EXEC:
        exec_seen(o, sight);
        break;
    case SL_AGENT_SEES_LOSS:
        o->log("the kernel's queue of programs was full: some were not seen");
        event_add(o, &lost);
        break;
    default:
        o->syncs++;
        (void)pthread_cond_broadcast(&o->synced);
        break;
    }
}

static void *run(void *arg)
{
    struct sl_agent_observer *o = arg;
    struct sl_agent_sight sight;
    struct sl_node_event lost = {.type = SL_NODE_LOST, .lost = 1};
    for (;;) {
        int got = sl_agent_watch_next(&o->watch, NEXT_MS, &sight);
        (void)pthread_mutex_lock(&o->lock);
        bool is_over = o->is_stopping || got < 0;
        if (got > 0) {
            sight_take(o, &sight);
        } else if (got < 0 && !o->is_stopping) {
            o->log("the helper that watches containers is gone: programs are no longer seen");
            event_add(o, &lost);
            sl_agent_watch_stop(&o->watch);
            (void)pthread_cond_broadcast(&o->synced);
        }
        (void)pthread_mutex_unlock(&o->lock);
        if (is_over) {
            return NULL;
        }
        if (got > 0 && sight.kind != SL_AGENT_SEES_NOW) {
            sl_agent_watch_answer(&o->watch);
        }
    }
}

/* Containers that the events of this boot say are running. */
static void announced_load(struct sl_agent_observer *o)
{
    const struct sl_agent_events *e = &o->events;
    struct sl_node_event event;
    size_t off = 0;
    for (unsigned i = 0; i < o->containers.count; i++) {
        o->containers.list[i].announced_pid = 0;
    }
    while (sl_node_event_read(e->data, e->size, &off, &event, NULL) == SL_OK) {
        struct sl_agent_container *c = NULL;
        if (event.type == SL_NODE_START) {
            c = sl_agent_containers_add(&o->containers, event.id, event.runtime, o->config);
        } else if (event.type == SL_NODE_STOP) {
            c = sl_agent_containers_slot(&o->containers, event.id);
        }
        if (c != NULL) {
            c->announced_pid = event.type == SL_NODE_START ? ANY_PID : 0;
        }
    }
}

static void events_start(struct sl_agent_observer *o, const char *boot_id, struct sl_agent_ima *ima)
{
    struct sl_err err = {0};
    sl_rc rc = sl_agent_events_open(o->config->state_dir, boot_id, o->config->events.pcr,
                                    o->config->events.size_max, o->tpm, &o->events, &err);
    if (rc == SL_OK) {
        announced_load(o);
        rc = sl_agent_events_begin(&o->events, o->tpm, ima, &err);
    }
    say(o, rc, &err);
}

sl_rc sl_agent_observer_start(struct sl_agent_observer *o, const struct sl_agent_config *config,
                              const char *boot_id, struct sl_agent_tpm *tpm,
                              struct sl_agent_ima *ima, void (*log)(const char *line),
                              struct sl_err *err)
{
    o->config = config;
    o->tpm = tpm;
    o->log = log;
    o->events.fd = -1;
    sl_rc rc = sl_agent_containers_init(&o->containers, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (pthread_mutex_init(&o->lock, NULL) != 0 || pthread_cond_init(&o->synced, NULL) != 0) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a lock");
    }
    o->has_lock = true;
    sl_agent_containers_load(&o->containers, config, config->state_dir, boot_id);
    if (config->events.is_on) {
        events_start(o, boot_id, ima);
    }
    (void)snprintf(o->containers.boot_id, sizeof(o->containers.boot_id), "%s", boot_id);
    look(o);
    if (o->watch.fd >= 0) {
        if (pthread_create(&o->thread, NULL, run, o) != 0) {
            return sl_err_set(err, SL_NO_MEMORY, "no thread to watch containers");
        }
        o->has_thread = true;
    }
    return SL_OK;
}

void sl_agent_observer_stop(struct sl_agent_observer *o)
{
    if (o->has_thread) {
        (void)pthread_mutex_lock(&o->lock);
        o->is_stopping = true;
        (void)pthread_mutex_unlock(&o->lock);
        (void)pthread_join(o->thread, NULL);
        o->has_thread = false;
    }
    sl_agent_watch_stop(&o->watch);
    if (o->has_lock) {
        (void)pthread_mutex_destroy(&o->lock);
        (void)pthread_cond_destroy(&o->synced);
        sl_agent_events_close(&o->events);
        o->has_lock = false;
    }
    sl_agent_containers_done(&o->containers);
}

void sl_agent_observer_hold(struct sl_agent_observer *o)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += SYNC_MS / 1000;
    (void)pthread_mutex_lock(&o->lock);
    const unsigned before = o->syncs;
    if (o->watch.fd >= 0) {
        sl_agent_watch_sync(&o->watch);
        while (o->syncs == before && o->watch.fd >= 0 &&
               pthread_cond_timedwait(&o->synced, &o->lock, &end) == 0) {
        }
    }
    look(o);
}

void sl_agent_observer_release(struct sl_agent_observer *o)
{
    (void)pthread_mutex_unlock(&o->lock);
}

json_t *sl_agent_observer_list(struct sl_agent_observer *o)
{
    return sl_agent_containers_json(&o->containers, o->events.is_on);
}

void sl_agent_observer_told(struct sl_agent_observer *o)
{
    (void)pthread_mutex_lock(&o->lock);
    sl_agent_containers_told(&o->containers);
    save(o);
    (void)pthread_mutex_unlock(&o->lock);
}

bool sl_agent_observer_find(struct sl_agent_observer *o, const char *id,
                            struct sl_agent_container *ret_container)
{
    (void)pthread_mutex_lock(&o->lock);
    const struct sl_agent_container *c = sl_agent_containers_find(&o->containers, id);
    if (c != NULL) {
        *ret_container = *c;
    }
    (void)pthread_mutex_unlock(&o->lock);
    return c != NULL;
}
