/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The HTTPS server around the interface: TLS 1.3, one thread with epoll, workers for what takes
 * long, and every bound that keeps one client from taking what others need: connections in all and
 * of an address, time for a handshake, a head, a body and for taking the answer, bytes of each.
 */
#ifndef SL_TRUSTD_HTTP_H
#define SL_TRUSTD_HTTP_H

#include "trustd/api.h"

struct sl_http;

/** Looks at address, certificate and key, as sl_http_start would find them.
 * @retval SL_OK, SL_INVALID (address, port), SL_IO (files), SL_CRYPTO (certificate or key)
 * @retval SL_STATE  the certificate has expired or is not valid yet: the server starts, and nobody
 *                   talks to it */
sl_rc sl_http_check(const struct sl_trustd_config *config, struct sl_err *err) SL_MUST_CHECK;
/** Starts to answer, with limits.workers threads beside the server's own.
 * @retval SL_OK, SL_INVALID (address), SL_IO (port, files), SL_CRYPTO (certificate or key) */
sl_rc sl_http_start(struct sl_trustd *trustd, struct sl_http **ret_http,
                    struct sl_err *err) SL_MUST_CHECK;
void sl_http_stop(struct sl_http *http);
/** The port that it listens on. */
uint16_t sl_http_port(const struct sl_http *http);

#endif
