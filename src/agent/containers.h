/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Which containers run here, from the files in which runtimes keep their state and from /proc.
 * Nobody signs this list: the monitor uses it to attribute what IMA measured, never to trust.
 */
#ifndef SL_AGENT_CONTAINERS_H
#define SL_AGENT_CONTAINERS_H

#include <jansson.h>

#include "agent/config.h"

enum { SL_AGENT_CONTAINERS_MAX = 512, SL_AGENT_ID_MAX = 128 };

struct sl_agent_container {
    char id[SL_AGENT_ID_MAX];
    const struct sl_agent_runtime *runtime;
    char image[256];  /**< digest or reference; "": not known */
    char cgroup[256]; /**< "": not known */
    char rootfs[256];
    char root_device[32]; /**< "major:minor" of what its root lies on */
    char state[16];       /**< "running", "paused", "stopped" */
    uint64_t uid_first, uid_count;
    int32_t pid;           /**< 0: none */
    int32_t announced_pid; /**< of its start event; 0: none, -1: in an earlier run of the agent */
    int32_t image_pid;     /**< whose image it is: looked for once for each start; 0: look again */
    bool is_sent;          /**< the monitor was sent that it stopped */
};

/** All that is known, also what has stopped until the monitor knows of it. */
struct sl_agent_containers {
    struct sl_agent_container *list; /**< of SL_AGENT_CONTAINERS_MAX */
    unsigned count;
    char boot_id[40]; /**< whose they are */
};

/** @retval SL_OK, SL_NO_MEMORY
 * @owner caller calls sl_agent_containers_done */
sl_rc sl_agent_containers_init(struct sl_agent_containers *ret_all,
                               struct sl_err *err) SL_MUST_CHECK;
void sl_agent_containers_done(struct sl_agent_containers *all);
/** Looks again. A container that is gone stays, as "stopped".
 * @return how many could not be read or had no room; @p err says why of the last */
unsigned sl_agent_containers_poll(struct sl_agent_containers *all,
                                  const struct sl_agent_config *config, struct sl_err *err);
/** The monitor has been told: what was sent as stopped is forgotten. */
void sl_agent_containers_told(struct sl_agent_containers *all);
/** Forgets what has stopped. */
void sl_agent_containers_drop(struct sl_agent_containers *all);
/** The entry of a container. @return NULL: none */
struct sl_agent_container *sl_agent_containers_slot(struct sl_agent_containers *all,
                                                    const char *id);
/** The same, made where it is not there, as stopped. @return NULL: no such runtime, or no room */
struct sl_agent_container *sl_agent_containers_add(struct sl_agent_containers *all, const char *id,
                                                   const char *runtime,
                                                   const struct sl_agent_config *config);
/** Keeps what is known in STATE_DIR/containers.json, so that what stopped is told after a restart
 * of the agent too. At most SL_AGENT_CONTAINERS_MAX.
 * @param[in,out] hash  of what is on disk: nothing is written where nothing changed
 * @retval SL_OK, SL_IO, SL_NO_MEMORY */
sl_rc sl_agent_containers_save(const struct sl_agent_containers *all, const char *state_dir,
                               uint64_t *hash, struct sl_err *err) SL_MUST_CHECK;
/** Takes it up again, as stopped until they are seen; of another boot, or unreadable: nothing. */
void sl_agent_containers_load(struct sl_agent_containers *all, const struct sl_agent_config *config,
                              const char *state_dir, const char *boot_id);
const struct sl_agent_container *sl_agent_containers_find(const struct sl_agent_containers *all,
                                                          const char *id);
/** @param[in] is_announced_only  leaves out what runs and has no start event yet
 * @return array for the evidence message; NULL: no memory */
json_t *sl_agent_containers_json(struct sl_agent_containers *all, bool is_announced_only);

/** Whether a name may be a container's id: letters, digits, "_.-", not first a "-" or ".". */
bool sl_agent_container_is_id(const char *id);

/* internal: the control group of container->pid */
void sl_agent_container_cgroup(struct sl_agent_container *container);
/* internal: one container's state file, as far as it says something */
void sl_agent_container_runc(const json_t *state, struct sl_agent_container *container);
void sl_agent_container_crun(const json_t *status, struct sl_agent_container *container);

#endif
