/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The operator's window: a unix socket, one JSON object per line in, one per line out.
 *   {"cmd":"status"}
 *   {"cmd":"ping","port":"lan","shard":0,"size":64,"timeout_ms":1000} -> {"rtt_ns":N}
 *   {"cmd":"eval","port":"lan","packet":"45.."} -> verdict, nf, rule; or
 *   verdict and fragment (a sentence), where it is one that no NF would see by itself
 *   {"cmd":"reload"} -> version, sha256
 *   {"cmd":"snapshot"} -> state, epoch, flows, ...; with "progress":true only looks
 * Errors: {"error":"NAME","text":"sentence"}. The socket is root's alone (mode 0600).
 */
#ifndef SL_GATEWAY_STATUS_H
#define SL_GATEWAY_STATUS_H

#include "gateway/edge.h"
#include "gateway/session.h"

struct sl_gw_status {
    const struct sl_gw_config *config;
    struct sl_tunnel *tunnel;
    struct sl_edge *edge;
    struct sl_watch *watch;
    struct sl_session *session;
    uint64_t start_ns;
    int fd;
    int stop_fd;
    pthread_t thread;
    bool is_started;
};

/** Members up to `session` are set by the caller.
 * @retval SL_OK, SL_IO (@p err: path), SL_EXISTS (a living gateway has the socket) */
sl_rc sl_gw_status_start(struct sl_gw_status *status, struct sl_err *err) SL_MUST_CHECK;
void sl_gw_status_stop(struct sl_gw_status *status);
/** The whole status; new reference. */
json_t *sl_gw_status_json(struct sl_gw_status *status);

#endif
