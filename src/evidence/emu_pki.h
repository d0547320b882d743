/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The emulator's counterpart of Intel's certificates and collateral: a root whose private key is
 * public, a PCK CA, one PCK, a TCB signing key, two CRLs, TCB info and QE identity. All but the
 * root is made anew by each process and signed around the present time, so that a verifier's whole
 * normal path runs.
 */
#ifndef SL_EVIDENCE_EMU_PKI_H
#define SL_EVIDENCE_EMU_PKI_H

#include <openssl/types.h>

#include "device/keys.h"
#include "evidence/evidence.h"

enum { SL_EMU_PCE_SVN = 1, SL_EMU_QE_ISV_PROD_ID = 1, SL_EMU_QE_ISV_SVN = 1 };

enum sl_emu_document {
    SL_EMU_PCK_CHAIN,     /**< PEM: PCK, CA, root; goes into the quote */
    SL_EMU_PCK_CRL_CHAIN, /**< PEM: CA, root */
    SL_EMU_TCB_CHAIN,     /**< PEM: TCB signing, root */
    SL_EMU_PCK_CRL,       /**< DER */
    SL_EMU_ROOT_CRL,      /**< DER */
    SL_EMU_TCB_INFO,      /**< JSON */
    SL_EMU_QE_IDENTITY,   /**< JSON */
    SL_EMU_DOCUMENT_COUNT
};

struct sl_emu_pki {
    EVP_PKEY *pck_key;
    struct sl_blob documents[SL_EMU_DOCUMENT_COUNT]; /**< malloced */
    int64_t made_s;
};

/** @param[in] qe     SECS of the quoting enclave, for its identity
 * @param[in] now_s  UNIX time
 * @retval SL_OK, SL_CRYPTO (OpenSSL failed) */
sl_rc sl_emu_pki_make(const struct sl_machine *machine, const struct sl_secs *qe, int64_t now_s,
                      struct sl_emu_pki *ret_pki) SL_MUST_CHECK;
void sl_emu_pki_done(struct sl_emu_pki *pki);

/** TCB info and QE identity, signed: fills those two documents. @retval SL_OK, SL_CRYPTO */
sl_rc sl_emu_collateral_make(const struct sl_machine *machine, const struct sl_secs *qe,
                             EVP_PKEY *tcb_key, int64_t now_s,
                             struct sl_emu_pki *pki) SL_MUST_CHECK;

/** ECDSA with SHA-256, as r and s of 32 bytes each. @retval SL_OK, SL_CRYPTO */
sl_rc sl_emu_sign(EVP_PKEY *key, const void *data, size_t size,
                  uint8_t ret_signature[64]) SL_MUST_CHECK;

/** DER of the PCK certificate's SGX extension (Intel SGX PCK Certificate Specification, 2.3.4).
 * @return bytes written, 0 where @p size is too small */
size_t sl_emu_sgx_extension(const struct sl_machine *machine, uint8_t *out, size_t size);

#endif
