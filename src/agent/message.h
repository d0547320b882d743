/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Pieces of the messages between agent and monitor (docs/trust-protocol.md).
 */
#ifndef SL_AGENT_MESSAGE_H
#define SL_AGENT_MESSAGE_H

#include <jansson.h>

#include "agent/tpm.h"
#include "base/err.h"

/** @return a JSON string of base64 (RFC 4648 4); NULL: no memory */
json_t *sl_agent_base64(const void *data, size_t size);
/** A member that is base64 of 1 to SL_AGENT_BLOB_MAX bytes.
 * @retval SL_OK, SL_MALFORMED (absent, no base64), SL_RANGE (too long) */
sl_rc sl_agent_base64_get(const json_t *object, const char *key, struct sl_agent_blob *ret_blob,
                          struct sl_err *err) SL_MUST_CHECK;
/** A member that is text of 1 to @p size - 1 bytes.
 * @retval SL_OK, SL_MALFORMED, SL_RANGE */
sl_rc sl_agent_text_get(const json_t *object, const char *key, char *out, size_t size,
                        struct sl_err *err) SL_MUST_CHECK;

/** What the monitor asks for. */
struct sl_agent_challenge {
    uint8_t nonce[64];
    size_t nonce_size;
    struct sl_agent_selection selections[SL_AGENT_SELECTIONS_MAX];
    size_t selection_count;
    size_t body_size_max; /**< of a message, in bytes */
    bool is_bootlog_wanted;
    uint64_t ima_from; /**< entries judged already */
    bool are_events_wanted;
    uint64_t events_from; /**< events judged already */
};

/** @retval SL_OK
 * @retval SL_MALFORMED, SL_RANGE   err names the member
 * @retval SL_UNSUPPORTED  a bank that we do not know */
sl_rc sl_agent_challenge_read(const json_t *message, struct sl_agent_challenge *ret_challenge,
                              struct sl_err *err) SL_MUST_CHECK;

#endif
