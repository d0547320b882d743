/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * JSON calls to the monitor: HTTPS by libcurl, TLS 1.3, one pinned CA, nothing followed or proxied.
 */
#ifndef SL_AGENT_HTTP_H
#define SL_AGENT_HTTP_H

#include <jansson.h>

#include "base/err.h"

struct sl_agent_http;

/** @param[in] url  https://HOST:PORT
 * @param[in] ca   PEM file: the only trusted issuers
 * @retval SL_OK, SL_NO_MEMORY, SL_CRYPTO (libcurl without TLS)
 * @owner caller calls sl_agent_http_free */
sl_rc sl_agent_http_new(const char *url, const char *ca, struct sl_agent_http **ret_http,
                        struct sl_err *err) SL_MUST_CHECK;
void sl_agent_http_free(struct sl_agent_http *http);

/** POST of @p body to @p path with a bearer token.
 * @param[out] ret_answer  new reference where SL_OK
 * @param[out] ret_status  HTTP status; 0: none came
 * @retval SL_OK         2xx with JSON
 * @retval SL_AUTH       the server's certificate is not the CA's, or 401, 403
 * @retval SL_NOT_FOUND  404: it does not know us
 * @retval SL_AGAIN      no connection, time-out, 429 or 5xx
 * @retval SL_DENIED     other 4xx; err has problem+json's field and detail
 * @retval SL_MALFORMED  the answer is no JSON, or longer than 1 MiB
 * @retval SL_NO_MEMORY */
sl_rc sl_agent_http_post(struct sl_agent_http *http, const char *path, const char *token,
                         const json_t *body, json_t **ret_answer, long *ret_status,
                         struct sl_err *err) SL_MUST_CHECK;

#endif
