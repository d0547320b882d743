/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Public areas of TPM objects (TPM 2.0 part 2, 12.2): an AK's key, attributes and name, and
 * MakeCredential in software, by which a verifier learns that an AK lives in the TPM of an EK.
 */
#ifndef SL_ATTEST_TPM_PUBLIC_H
#define SL_ATTEST_TPM_PUBLIC_H

#include <openssl/evp.h>

#include "attest/tpm_alg.h"
#include "base/err.h"
#include "safelib/attest.h"

/** TPMA_OBJECT (part 2, 8.3) */
enum {
    SL_TPMA_FIXED_TPM = 1 << 1,
    SL_TPMA_ST_CLEAR = 1 << 2,
    SL_TPMA_FIXED_PARENT = 1 << 4,
    SL_TPMA_SENSITIVE_DATA_ORIGIN = 1 << 5,
    SL_TPMA_RESTRICTED = 1 << 16,
    SL_TPMA_DECRYPT = 1 << 17,
    SL_TPMA_SIGN = 1 << 18,
};

enum { SL_TPM_NAME_MAX = 2 + SL_TPM_DIGEST_MAX, SL_TPM_SECRET_MAX = 32 };

struct sl_tpm_public {
    uint16_t type;     /**< 0x0001 RSA, 0x0023 ECC */
    uint16_t name_alg; /**< TPM_ALG_ID */
    uint32_t attributes;
    uint16_t symmetric; /**< TPM_ALG_ID; 0x0010 none, 0x0006 AES */
    uint16_t symmetric_bits;
    uint16_t scheme, scheme_hash;
    uint8_t name[SL_TPM_NAME_MAX]; /**< name_alg and the hash of the public area */
    size_t name_size;
    EVP_PKEY *key;
};

/** Reads TPM2B_PUBLIC, or TPMT_PUBLIC alone.
 * @retval SL_OK, SL_TRUNCATED, SL_MALFORMED (lengths, point not on its curve), SL_UNSUPPORTED
 * (type, curve, name algorithm), SL_NO_MEMORY
 * @owner caller calls sl_tpm_public_done */
sl_rc sl_tpm_public_read(struct sl_blob in, struct sl_tpm_public *ret_public,
                         struct sl_err *err) SL_MUST_CHECK;
void sl_tpm_public_done(struct sl_tpm_public *public);

/** Whether it is a key that signs only what its TPM made: restricted, signing, not decrypting,
 * bound to this TPM and parent, made inside. @p err says which attribute is wrong. */
bool sl_tpm_public_is_ak(const struct sl_tpm_public *public, struct sl_err *err);
/** Whether it is a restricted decryption key of this TPM, as an EK is. */
bool sl_tpm_public_is_ek(const struct sl_tpm_public *public, struct sl_err *err);

/** TPM2_MakeCredential (part 1, 24): wraps @p secret so that only the TPM that holds both @p ek and
 * an object of the name @p ak_name can unwrap it.
 * @param[in]  size  of the secret, 1 to SL_TPM_SECRET_MAX
 * @param[out] ret_blob    TPM2B_ID_OBJECT, in @p ret_blob_size bytes (in: room)
 * @param[out] ret_wrapped TPM2B_ENCRYPTED_SECRET, likewise
 * @retval SL_OK, SL_RANGE (secret), SL_UNSUPPORTED (EK's kind), SL_NO_SPACE, SL_CRYPTO */
sl_rc sl_tpm_credential_make(const struct sl_tpm_public *ek, struct sl_blob ak_name,
                             const uint8_t *secret, size_t size, uint8_t *ret_blob,
                             size_t *ret_blob_size, uint8_t *ret_wrapped, size_t *ret_wrapped_size,
                             struct sl_err *err) SL_MUST_CHECK;

#endif
