/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Configuration of safelib-agent: /etc/safelib/agent.yaml, explained in man safelib-agent.
 */
#ifndef SL_AGENT_CONFIG_H
#define SL_AGENT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    SL_AGENT_PATH_MAX = 256,
    SL_AGENT_NAME_MAX = 64,
    SL_AGENT_RUNTIMES_MAX = 8,
    SL_AGENT_TEES_MAX = 16,
};

/** What the monitor may have done to a container: bits. */
enum sl_agent_action {
    SL_AGENT_PAUSE = 1,
    SL_AGENT_RESUME = 2,
    SL_AGENT_KILL = 4,
};

/** How a runtime keeps its state. */
enum sl_agent_runtime_kind {
    SL_AGENT_RUNC = 1,       /**< STATE/ID/state.json: runc, and containerd's runc */
    SL_AGENT_CRUN = 2,       /**< STATE/ID/status: crun */
    SL_AGENT_CONTAINERD = 3, /**< STATE/ID/state.json; images in containerd's own database */
};

struct sl_agent_runtime {
    char name[SL_AGENT_NAME_MAX];
    enum sl_agent_runtime_kind kind;
    char state[SL_AGENT_PATH_MAX];
    char command[SL_AGENT_PATH_MAX]; /**< program that acts; "": nothing is done */
    char images[SL_AGENT_PATH_MAX];  /**< podman's containers.json or containerd's meta.db; "":
                                        labels alone */
    unsigned actions;                /**< of enum sl_agent_action */
};

/** Container events (events.h). */
struct sl_agent_events_config {
    bool is_on;
    uint32_t pcr;
    bool is_exec; /**< watch programs by fanotify */
    size_t size_max;
};

/** An NF image on this node, behind safelib-host's evidence socket. */
struct sl_agent_tee {
    char id[SL_AGENT_NAME_MAX];
    char socket[104];
};

struct sl_agent_config {
    char url[SL_AGENT_PATH_MAX], ca[SL_AGENT_PATH_MAX];
    char name[SL_AGENT_NAME_MAX], node_class[SL_AGENT_NAME_MAX];
    char tcti[SL_AGENT_PATH_MAX];
    bool is_ecc;                      /**< EK: the ECC P-256 template, else RSA 2048 */
    char ek_chain[SL_AGENT_PATH_MAX]; /**< PEM, issuers of the EK certificate; "": none */
    char ima[SL_AGENT_PATH_MAX], boot[SL_AGENT_PATH_MAX], boot_id[SL_AGENT_PATH_MAX];
    struct sl_agent_runtime runtimes[SL_AGENT_RUNTIMES_MAX];
    unsigned runtime_count;
    struct sl_agent_events_config events;
    struct sl_agent_tee tees[SL_AGENT_TEES_MAX];
    unsigned tee_count;
    char state_dir[SL_AGENT_PATH_MAX];
    char user[SL_AGENT_NAME_MAX]; /**< "": stays who it is */
    bool is_confined;             /**< seccomp and Landlock */
};

/** @retval SL_OK
 * @retval SL_NOT_FOUND, SL_IO     no such file, not readable
 * @retval SL_MALFORMED            YAML or its keys; err has the line
 * @retval SL_INVALID, SL_RANGE    a value; err names its key */
sl_rc sl_agent_config_load(const char *path, struct sl_agent_config *ret_config,
                           struct sl_err *err) SL_MUST_CHECK;

#endif
