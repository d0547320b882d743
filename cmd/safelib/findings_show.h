/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Findings of an appraisal, for people (failures and warnings on stderr) and as JSON.
 */
#ifndef SL_CMD_SAFELIB_FINDINGS_SHOW_H
#define SL_CMD_SAFELIB_FINDINGS_SHOW_H

#include <jansson.h>

#include "attest/findings.h"

void findings_show(const struct sl_findings *findings);
json_t *findings_json(const struct sl_findings *findings);

#endif
