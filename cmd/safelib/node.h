/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Between the files of `safelib node`.
 */
#ifndef SL_CMD_SAFELIB_NODE_H
#define SL_CMD_SAFELIB_NODE_H

#include "command.h"
#include "monitor_ask.h"

struct node_request {
    struct monitor *monitor;
    const char *config;
    bool is_json;
};

/** Reads options (those of @p spec, at most 6, and --monitor, --json) and opens the connection.
 * @return OPTIONS_GO_ON, or the exit status */
int node_begin(const struct command_spec *spec, int argc, char **argv, struct node_request *r,
               int *ret_first);
/** @return OPTIONS_GO_ON with @p ret_node (new reference), or the exit status */
int node_get(struct node_request *r, const char *name, json_t **ret_node);

/** The colour of a verdict. */
enum tone node_tone(const char *verdict);
/** Prints a node as a tree. */
void node_print(const json_t *node, bool is_whole);

/** Has the monitor read policies and reference digests anew. @retval SL_OK, or @p err says why */
sl_rc node_reload_ask(struct node_request *r, struct sl_err *err) SL_MUST_CHECK;

int node_boot(int argc, char **argv);

#endif
