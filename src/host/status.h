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
/** The last who were answered stay connected, so that one who writes a request first does not write
 * to a closed socket. */
enum { SL_STATUS_ANSWERED = 4 };
struct sl_status_socket {
    int fd; /**< -1: none */
    int answered[SL_STATUS_ANSWERED];
    uint32_t next; /**< the oldest of them */
};
void sl_status_init(struct sl_status_socket *status);
/** Listens on a unix socket; a stale one of the same name is removed.
 * @retval SL_OK, SL_IO (@p err: path and cause), SL_RANGE (path too long), SL_EXISTS (something
 *         that is not a socket has that name) */
sl_rc sl_status_open(const char *path, struct sl_status_socket *status,
                     struct sl_err *err) SL_MUST_CHECK;
/** Answers one connection. */
void sl_status_serve(struct sl_status_socket *status, const struct sl_node *node);
/** Closes and unlinks. */
void sl_status_close(struct sl_status_socket *status, const char *path);

#endif
