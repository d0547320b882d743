/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The status socket: who connects gets one JSON document and the end of the stream.
 */
#ifndef SL_HOST_STATUS_H
#define SL_HOST_STATUS_H

#include <stdint.h>

#include "base/err.h"
#include "safelib/rc.h"

struct sl_node;

/** @return JSON text with a final newline, to be freed by the caller; NULL where memory is short */
char *sl_status_text(const struct sl_node *node);
/** Listens on a unix socket; a stale one of the same name is removed.
 * @retval SL_OK, SL_IO (@p err: path and cause), SL_RANGE (path too long), SL_EXISTS (something
 *         that is not a socket has that name) */
sl_rc sl_status_open(const char *path, int *ret_fd, struct sl_err *err) SL_MUST_CHECK;
/** Answers one connection. */
void sl_status_serve(int listen_fd, const struct sl_node *node);

#endif
