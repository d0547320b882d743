/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * PCR selections as tpm2-tools write them ("sha1:0,1+sha256:10"), and files with PCR values.
 */
#ifndef SL_CMD_SAFELIB_TPM_PCRS_FILE_H
#define SL_CMD_SAFELIB_TPM_PCRS_FILE_H

#include "attest/tpm_quote.h"

/** @retval SL_OK  @retval SL_MALFORMED  not such a list */
sl_rc tpm_selection_parse(const char *text, struct sl_tpm_selection *ret_selection) SL_MUST_CHECK;

/** Reads values: what `tpm2_quote -o` writes (structures in memory order), what `tpm2_pcrread`
 * prints, or the digests alone in the order of @p selection.
 * @retval SL_OK, SL_MALFORMED, or of reading the file; @p err */
sl_rc tpm_pcrs_load(const char *path, const struct sl_tpm_selection *selection,
                    struct sl_tpm_pcrs *ret_pcrs, struct sl_err *err) SL_MUST_CHECK;

#endif
