/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Asks a trust monitor over its interface /v1, as man safelib-node says: HTTPS with one CA, a token
 * and, where the monitor wants it, a client certificate.
 */
#ifndef SL_CMD_SAFELIB_MONITOR_ASK_H
#define SL_CMD_SAFELIB_MONITOR_ASK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct monitor;

/** @param[in] path  YAML: url, ca, token, certificate, key; NULL: $SAFELIB_MONITOR, then
 * ~/.config/safelib/monitor.yaml, then /etc/safelib/monitor.yaml
 * @retval SL_OK, SL_NOT_FOUND, SL_IO, SL_MALFORMED, SL_RANGE (token), SL_NO_MEMORY, SL_CRYPTO
 * @owner caller calls monitor_close, with NULL too */
sl_rc monitor_open(const char *path, struct monitor **ret_monitor,
                   struct sl_err *err) SL_MUST_CHECK;
void monitor_close(struct monitor *monitor);

/** One call. @param[in] body  NULL: none
 * @return the answer, a new reference (a text that is no JSON as a string); NULL: @p err has the
 * monitor's words, or why it could not be asked */
json_t *monitor_ask(struct monitor *monitor, const char *method, const char *path,
                    const json_t *body, struct sl_err *err);

/** Calls @p each for every active node until it returns false. @return false: @p err says why */
bool monitor_nodes(struct monitor *monitor, bool (*each)(void *ctx, json_t *node), void *ctx,
                   struct sl_err *err);
/** Has it the form of a node's id? */
bool monitor_is_id(const char *text);
/** The node (GET /v1/nodes/{node}) by its id or its name. @return as monitor_ask */
json_t *monitor_node(struct monitor *monitor, const char *id_or_name, struct sl_err *err);

#endif
