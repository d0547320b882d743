/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * SIGSTRUCT: the enclave author's signature over a measurement. Making one, and all that EINIT
 * checks of one.
 */
#ifndef SL_DEVICE_SIGSTRUCT_H
#define SL_DEVICE_SIGSTRUCT_H

#include <stdint.h>

#include <openssl/types.h>

#include "base/err.h"
#include "device/image.h"
#include "device/sgx_arch.h"

/** EINIT's and EGETKEY's results in RAX (SDM vol. 3D, table of error codes). */
enum sl_sgx_error {
    SL_SGX_SUCCESS = 0,
    SL_SGX_INVALID_SIG_STRUCT = 1,
    SL_SGX_INVALID_ATTRIBUTE = 2,
    SL_SGX_INVALID_MEASUREMENT = 4,
    SL_SGX_INVALID_SIGNATURE = 8,
    SL_SGX_INVALID_EINITTOKEN = 16,
    SL_SGX_INVALID_CPUSVN = 32,
    SL_SGX_INVALID_ISVSVN = 64,
    SL_SGX_UNMASKED_EVENT = 128,
    SL_SGX_INVALID_KEYNAME = 256,
};

/** The error's name as the SDM writes it; "unknown SGX error" otherwise. */
const char *sl_sgx_error_name(uint32_t error);

/** Date of a signature made without one. The clock is never asked: the same image, key and
 * arguments give the same bytes. */
enum { SL_SIGSTRUCT_DATE_NONE = 0x19700101 };

/** What a signature states. Zero fields are allowed unless said. */
struct sl_sigstruct_params {
    uint32_t date; /**< BCD, 0xYYYYMMDD; 0 = SL_SIGSTRUCT_DATE_NONE */
    uint32_t sw_defined;
    uint32_t misc_select;
    uint32_t misc_mask;
    struct sl_attributes attributes;
    struct sl_attributes attributes_mask;
    uint8_t mrenclave[32];
    uint8_t isv_family_id[16];
    uint8_t isv_ext_prod_id[16];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
};

/** What `safelib image sign` states of an image: its attributes and measurement, DEBUG forbidden,
 * any of AVX and AVX-512 (XFRM bits 2, 5, 6, 7) left to the machine.
 * @retval SL_OK, or what sl_image_measure returns */
sl_rc sl_sigstruct_params_of(const struct sl_image *image, struct sl_sigstruct_params *ret_params,
                             struct sl_err *err) SL_MUST_CHECK;

/** "YYYYMMDD" to BCD.
 * @retval SL_OK        @p ret_date set
 * @retval SL_MALFORMED not eight digits
 * @retval SL_RANGE     no such month or day */
sl_rc sl_sigstruct_date_parse(const char *text, uint32_t *ret_date) SL_MUST_CHECK;

/** A new RSA-3072 key with e = 3. @owner the caller: EVP_PKEY_free
 * @retval SL_OK, SL_CRYPTO */
sl_rc sl_sign_key_new(EVP_PKEY **ret_key, struct sl_err *err) SL_MUST_CHECK;
/** Reads a PEM private key.
 * @retval SL_OK          @p ret_key is the caller's
 * @retval SL_IO          cannot be read
 * @retval SL_MALFORMED   no PEM private key in it
 * @retval SL_UNSUPPORTED not RSA, not 3072 bits or e != 3 */
sl_rc sl_sign_key_load(const char *path, EVP_PKEY **ret_key, struct sl_err *err) SL_MUST_CHECK;
/** Writes a PEM private key, mode 0600, never over an existing file.
 * @retval SL_OK, SL_EXISTS, SL_IO, SL_CRYPTO */
sl_rc sl_sign_key_save(const char *path, EVP_PKEY *key, struct sl_err *err) SL_MUST_CHECK;

/** Builds and signs. Deterministic: PKCS #1 v1.5.
 * @param[in] key RSA-3072, e = 3
 * @retval SL_OK          @p ret_sig is complete, and passes sl_sigstruct_check
 * @retval SL_UNSUPPORTED @p key is of another kind or size
 * @retval SL_CRYPTO      OpenSSL failed
 * @spec    SDM vol. 3D, "Enclave Signature Structure (SIGSTRUCT)" */
sl_rc sl_sigstruct_sign(const struct sl_sigstruct_params *params, EVP_PKEY *key,
                        struct sl_sigstruct *ret_sig, struct sl_err *err) SL_MUST_CHECK;

/** EINIT's checks of the structure itself: header, vendor, exponent, reserved bytes, signature by
 * the public key inside with its Q1 and Q2. Hostile bytes are fine.
 * @param[out] ret_error enum sl_sgx_error that EINIT gives; may be NULL
 * @retval SL_OK        authentic: but by whom, only MRSIGNER says
 * @retval SL_MALFORMED SGX_INVALID_SIG_STRUCT: a fixed field is wrong
 * @retval SL_AUTH      SGX_INVALID_SIGNATURE: signature, Q1 or Q2 is wrong
 * @retval SL_CRYPTO    OpenSSL failed
 * @spec    SDM vol. 3D, EINIT */
sl_rc sl_sigstruct_check(const struct sl_sigstruct *sig, uint32_t *ret_error,
                         struct sl_err *err) SL_MUST_CHECK;

/** sl_sigstruct_check and the rest of EINIT: measurement, attributes, MISCSELECT, CET, controlled
 * attributes, against the enclave as built.
 * @param[in]  secs      as ECREATE got it; its mrenclave field is not read
 * @param[in]  mrenclave 32 bytes: what was measured
 * @param[out] ret_error enum sl_sgx_error; may be NULL
 * @retval SL_OK        EINIT succeeds
 * @retval SL_MALFORMED, SL_AUTH, SL_CRYPTO as above
 * @retval SL_MISMATCH  SGX_INVALID_MEASUREMENT, or SGX_INVALID_ATTRIBUTE by mask
 * @retval SL_DENIED    SGX_INVALID_ATTRIBUTE: EINITTOKEN_KEY asked for without Intel's launch key,
 *                      or INIT set already */
sl_rc sl_sigstruct_einit(const struct sl_sigstruct *sig, const struct sl_secs *secs,
                         const uint8_t mrenclave[32], uint32_t *ret_error,
                         struct sl_err *err) SL_MUST_CHECK;

/** SHA-256 of the modulus, little-endian as in SIGSTRUCT.
 * @retval SL_OK, SL_CRYPTO */
sl_rc sl_sigstruct_mrsigner(const struct sl_sigstruct *sig, uint8_t ret_mrsigner[32]) SL_MUST_CHECK;

/** Reads a SIGSTRUCT file: exactly 1808 bytes.
 * @retval SL_OK, SL_IO
 * @retval SL_NOT_FOUND no such file
 * @retval SL_MALFORMED another size */
sl_rc sl_sigstruct_load(const char *path, struct sl_sigstruct *ret_sig,
                        struct sl_err *err) SL_MUST_CHECK;

#endif
