/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The tenant's key on disk, outside the TEE: PEM (PKCS #8), readable by its owner alone.
 */
#ifndef SL_CONTROL_KEY_FILE_H
#define SL_CONTROL_KEY_FILE_H

#include "control/identity.h"

/** Reads a tenant key.
 * @retval SL_OK
 * @retval SL_NOT_FOUND   no such file
 * @retval SL_IO          cannot be read
 * @retval SL_DENIED      group or others may read or write it: chmod 600
 * @retval SL_MALFORMED   not a private key in PEM, or encrypted
 * @retval SL_UNSUPPORTED not P-256, P-384 or Ed25519
 * @owner caller frees with sl_identity_free */
sl_rc sl_key_file_load(const char *path, struct sl_identity **ret_identity,
                       struct sl_err *err) SL_MUST_CHECK;

/** Makes a new P-256 tenant key in a new file of mode 0600.
 * @retval SL_OK, SL_EXISTS (never overwritten), SL_IO, SL_CRYPTO, SL_NO_MEMORY */
sl_rc sl_key_file_create(const char *path, struct sl_identity **ret_identity,
                         struct sl_err *err) SL_MUST_CHECK;

#endif
