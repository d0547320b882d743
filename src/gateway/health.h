/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Health of the balancer's backends, seen from the tenant's side: a thread that asks each of them
 * now and then, past the tunnel. The session tells the image what changes.
 */
#ifndef SL_GATEWAY_HEALTH_H
#define SL_GATEWAY_HEALTH_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "gateway/health_config.h"

/** One backend. */
struct sl_health_state {
    bool is_up; /**< until it is seen otherwise */
    bool is_told;
    uint32_t streak; /**< answers in a row that speak against `is_up` */
    uint64_t since_ns;
    uint64_t checks, failures, changes;
    char fault[128];   /**< of the last failed check */
    char refused[128]; /**< what the image said where it knows no such backend */

    /* the thread's own */
    int fd; /**< of the check under way, or -1 */
    uint64_t due_ns, end_ns;
    bool is_sent;
    uint16_t sequence;
    uint32_t got;
    char answer[64]; /**< start of an HTTP answer */
};

struct sl_health {
    const struct sl_health_config *config;
    void (*log)(const char *line);
    pthread_t thread;
    bool is_started;
    atomic_bool is_stopping;
    pthread_mutex_t lock; /**< guards the upper part of the states */
    struct sl_health_state states[SL_HEALTH_CHECKS_MAX];
};

/** Does nothing where no checks are configured. @retval SL_OK, SL_IO */
sl_rc sl_health_start(const struct sl_health_config *config, void (*log)(const char *line),
                      struct sl_health *health, struct sl_err *err) SL_MUST_CHECK;
void sl_health_stop(struct sl_health *health);

/** The next backend of which the image does not know what is known here.
 * @param[out] ret_index, ret_is_up
 * @return false: none
 * @context any thread */
bool sl_health_next(struct sl_health *health, uint32_t *ret_index, bool *ret_is_up);
/** The image was told that. @param refused  what it said where it would not hear it, or "" */
void sl_health_told(struct sl_health *health, uint32_t index, bool is_up, const char *refused);
/** The image has a new policy, or is a new one: it is told all that is not up again. */
void sl_health_forget(struct sl_health *health);
/** New reference; NULL where no checks are configured. */
json_t *sl_health_status(struct sl_health *health);

/** An answer or its absence; split off for tests. @return whether `is_up` changed */
bool sl_health_note(struct sl_health_state *state, const struct sl_health_config *config,
                    bool is_good, uint64_t now_ns);
/** Whether the start of an HTTP answer has the status wanted (0: 200 to 399). */
bool sl_health_http_is_good(const char *answer, uint32_t size, uint32_t status);

#endif
