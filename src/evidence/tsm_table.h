/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The certificate table that a SEV-SNP host hands to its guest (GHCB specification, "SNP Extended
 * Guest Request"; AMD 56421): certificates by GUID, chosen by the host and worth only what their
 * signatures say.
 */
#ifndef SL_EVIDENCE_TSM_TABLE_H
#define SL_EVIDENCE_TSM_TABLE_H

#include "evidence/evidence.h"

/** @param[in] data  configfs-tsm's auxblob
 * @param[in,out] io_collateral  fields that the table has; the others stay. Points into @p data and
 *                @p ret_chain
 * @param[out] ret_chain  memory of the joined chain, or NULL; the caller frees
 * @retval SL_OK         an empty table included
 * @retval SL_MALFORMED  an entry outside the blob, one kind twice, no end; @p err says which
 * @retval SL_NO_MEMORY */
sl_rc sl_tsm_table_read(const uint8_t *data, size_t size,
                        struct sl_attest_collateral *io_collateral, uint8_t **ret_chain,
                        struct sl_err *err) SL_MUST_CHECK;

#endif
