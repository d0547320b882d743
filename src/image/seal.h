/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Sealing: bytes that only this enclave (or its signer's) on this processor can open again, for the
 * untrusted host to keep. AES-256-GCM under keys of EGETKEY. Nothing in a blob says that it is the
 * newest: whoever keeps it can hand back an older one. What must not go back needs a count that
 * somebody else remembers (image/life.h).
 *
 *   "SLS1" | u16 format = 1 | u8 policy | u8 0 | purpose (16) | KEYID (32) | CPUSVN (16) |
 *   u16 ISVSVN | u16 0 | nonce (12) | u32 size | ciphertext | tag (16)           (big-endian)
 *
 * All before the ciphertext is authenticated with it. Key: SHA-256("SafeLib seal 1" ‖ 0 ‖ SEAL key
 * of KEYID ‖ SEAL key of KEYID with its last byte's lowest bit turned). KEYID and nonce are random
 * for each blob.
 */
#ifndef SL_IMAGE_SEAL_H
#define SL_IMAGE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum sl_seal_policy {
    SL_SEAL_MRENCLAVE = 1, /**< this very image */
    SL_SEAL_MRSIGNER = 2,  /**< any image of its signer, of the same product and no lower ISVSVN */
};

enum {
    SL_SEAL_PURPOSE_SIZE = 16,
    SL_SEAL_HEADER_SIZE = 92,
    SL_SEAL_OVERHEAD = SL_SEAL_HEADER_SIZE + 16,
    SL_SEAL_DATA_MAX = 1 << 20,
};

/** Seals @p size bytes.
 * @param[in]  purpose  what it is, so that a blob is not taken for another; at most 15 characters
 * @param[out] out      @p size + SL_SEAL_OVERHEAD bytes
 * @retval SL_OK
 * @retval SL_UNSUPPORTED  device bare: there is no key that the host does not have
 * @retval SL_RANGE        more than SL_SEAL_DATA_MAX bytes, purpose too long, @p out too small
 * @retval SL_DENIED       EGETKEY refused  @retval SL_CRYPTO
 * @spec   SDM vol. 3D, EGETKEY, KEYREQUEST; SP 800-38D */
sl_rc sl_seal(enum sl_seal_policy policy, const char *purpose, const void *data, size_t size,
              uint8_t *out, size_t room, size_t *ret_size, struct sl_err *err) SL_MUST_CHECK;

/** Opens a blob (hostile input).
 * @param[in]  policy  that it must have been sealed with
 * @param[out] out     plaintext; wiped unless SL_OK
 * @retval SL_OK
 * @retval SL_TRUNCATED, SL_MALFORMED  not a blob of this format
 * @retval SL_MISMATCH     sealed by another policy or for another purpose
 * @retval SL_AUTH         changed, or of another enclave or processor
 * @retval SL_DENIED       sealed under a newer CPUSVN or ISVSVN than this enclave has
 * @retval SL_NO_SPACE     @p room is too small  @retval SL_UNSUPPORTED  device bare
 * @retval SL_CRYPTO */
sl_rc sl_unseal(enum sl_seal_policy policy, const char *purpose, const uint8_t *blob, size_t size,
                uint8_t *out, size_t room, size_t *ret_size, struct sl_err *err) SL_MUST_CHECK;

#endif
