/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an EK certificate says of its TPM: who made it, which model, which version. Worth what the
 * certificate's issuer is worth: to be shown after the path was checked.
 */
#ifndef SL_ATTEST_TPM_IDENTITY_H
#define SL_ATTEST_TPM_IDENTITY_H

#include "safelib/attest.h"

enum { SL_TPM_IDENTITY_TEXT_MAX = 64 };

/** Printable ASCII; "?" for what is not; "": the certificate does not say. */
struct sl_tpm_identity {
    char manufacturer[SL_TPM_IDENTITY_TEXT_MAX]; /**< "INTC (id:494E5443)", or as it stands there */
    char model[SL_TPM_IDENTITY_TEXT_MAX];
    char version[SL_TPM_IDENTITY_TEXT_MAX];
};

/** Reads the subject alternative name.
 * @param[in] der  a certificate; bytes behind it are not looked at
 * @retval SL_OK
 * @retval SL_NOT_FOUND  it has no directory name with one of the three
 * @retval SL_MALFORMED  no certificate
 * @spec TCG EK Credential Profile 2.5, 3.2.9; TCG registry of vendor ids */
sl_rc sl_tpm_identity_read(struct sl_blob der, struct sl_tpm_identity *ret_identity) SL_MUST_CHECK;

#endif
