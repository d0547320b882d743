/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Asks a running gateway (or host) over its status socket.
 */
#ifndef SL_CMD_SAFELIB_GATEWAY_ASK_H
#define SL_CMD_SAFELIB_GATEWAY_ASK_H

#include <jansson.h>

#include "base/err.h"

#define GATEWAY_SOCKET "/run/safelib/gateway.sock"
#define HOST_SOCKET    "/run/safelib/host.sock"

/** @retval -1 with @p err: path, cause and what to do */
int gateway_connect(const char *path, struct sl_err *err);
/** Sends one request and reads one line. @return new reference, or NULL with @p err */
json_t *gateway_ask(int fd, json_t *request, struct sl_err *err);
/** Reads what a host tells who connects. @return new reference, or NULL with @p err */
json_t *host_read(const char *path, struct sl_err *err);
/** Member by dotted path ("tunnel.mtu.inner"), or NULL; borrowed. */
json_t *json_at(json_t *root, const char *path);
long long json_int_at(json_t *root, const char *path);
const char *json_text_at(json_t *root, const char *path); /**< "" where absent */

#endif
