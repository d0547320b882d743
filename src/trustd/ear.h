/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A node's verdicts as an EAT attestation result (draft-ietf-rats-ear), one submodule for the host
 * and for each container and TEE, and the daemon's key that signs it.
 */
#ifndef SL_TRUSTD_EAR_H
#define SL_TRUSTD_EAR_H

#include <jansson.h>

#include "base/err.h"
#include "safelib/bytes.h"

enum { SL_EAR_NONCE_MAX = 64 /**< characters, draft-ietf-rats-eat 4.1 */, SL_EAR_NONCE_MIN = 8 };

/** Reads the key STATE_DIR/ear-key.pem (P-256); makes it where there is none.
 * @param[out] ret_pem  free() after sl_wipe
 * @retval SL_OK, SL_IO, SL_INVALID (another kind of key), SL_CRYPTO, SL_NO_MEMORY */
sl_rc sl_ear_key_load(const char *state_dir, char **ret_pem, struct sl_err *err) SL_MUST_CHECK;

/** Adds a subject as /v1/nodes/{node}/verdicts shows it to @p submods. "host" is named so, the
 * others "container/ID", "tee/ID".
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_ear_submod_add(json_t *submods, const json_t *subject, const char *policy) SL_MUST_CHECK;

#endif
