/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that talk to the TPM. */
#ifndef SL_AGENT_TPM_INTERNAL_H
#define SL_AGENT_TPM_INTERNAL_H

#include <time.h>
#include <tss2/tss2_rc.h>

#include "agent/tpm.h"

/* Waits where @p rc says "busy"; false: another result, or waited long enough. */
bool sl_agent_tpm_is_busy(TSS2_RC rc, unsigned *tries);
sl_rc sl_agent_tpm_fail(TSS2_RC rc, const char *what, struct sl_err *err);
/* A policy session that may use the EK once. */
sl_rc sl_agent_tpm_ek_session(struct sl_agent_tpm *tpm, ESYS_TR *ret_session, struct sl_err *err);

#endif
