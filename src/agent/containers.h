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
    int32_t pid; /**< 0: none */
};

/** All that is known, also what has stopped until the monitor knows of it. */
struct sl_agent_containers {
    struct sl_agent_container *list; /**< of SL_AGENT_CONTAINERS_MAX */
    unsigned count;
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
/** The monitor has been told: what has stopped is forgotten. */
void sl_agent_containers_told(struct sl_agent_containers *all);
const struct sl_agent_container *sl_agent_containers_find(const struct sl_agent_containers *all,
                                                          const char *id);
/** @return array for the evidence message; NULL: no memory */
json_t *sl_agent_containers_json(const struct sl_agent_containers *all);

/** Whether a name may be a container's id: letters, digits, "_.-", not first a "-" or ".". */
bool sl_agent_container_is_id(const char *id);

/* internal: one container's state file, as far as it says something */
void sl_agent_container_runc(const json_t *state, struct sl_agent_container *container);
void sl_agent_container_crun(const json_t *status, struct sl_agent_container *container);

#endif
