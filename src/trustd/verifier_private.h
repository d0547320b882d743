/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Between the daemon's end of the verifier and the process itself.
 *
 * Over the verifier's socket (SOCK_SEQPACKET) go orders, each with the end of a stream socket:
 *   JOB    over the stream: u64 size | text; back: u64 size | result, by the child that judges,
 *          then a trailer by the verifier, who saw how the child ended
 *   RENEW  with the path of reference values; back: struct sl_verifier_hello, and if it is good the
 *          other end is a verifier's socket from then on
 */
#ifndef SL_TRUSTD_VERIFIER_PRIVATE_H
#define SL_TRUSTD_VERIFIER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "trustd/verifier.h"

enum sl_verifier_kind { SL_VERIFIER_JOB = 1, SL_VERIFIER_RENEW };

struct sl_verifier_order {
    uint32_t kind;
    char refvals[512];
};
struct sl_verifier_hello {
    int32_t rc; /**< sl_rc */
    char refvals[65];
    char text[256];
};
struct sl_verifier_trailer {
    int32_t status; /**< of waitpid */
    int32_t is_late;
};

bool sl_bytes_send(int fd, const void *data, size_t size);
/** Never returns. @param fd  its socket: says hello there first */
_Noreturn void sl_verifier_run(const struct sl_monitor_backend *backend, const char *refvals,
                               uint32_t seconds_max, int fd);

#endif
