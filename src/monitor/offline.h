/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A measurement list judged by a policy without a TPM: for an operator who tries a policy on a
 * list. The entries are judged by the driver's own code; that a quote proves them is taken for
 * granted, and what booted is not judged at all.
 */
#ifndef SL_MONITOR_OFFLINE_H
#define SL_MONITOR_OFFLINE_H

#include "attest/ima_log.h"
#include "monitor/policy.h"

struct sl_offline;
/** @owner caller frees by sl_offline_free; policy and refvals must outlive it
 * @return NULL: no memory */
struct sl_offline *sl_offline_create(const struct sl_monitor_policy *policy,
                                     const struct sl_refvals *refvals);
void sl_offline_free(struct sl_offline *offline);
/** Judges the next entry. */
void sl_offline_entry(struct sl_offline *offline, const struct sl_ima_entry *entry,
                      bool is_hash_good);
/** Verdicts of the host and of every container that the list shows.
 * @retval SL_OK, SL_NO_MEMORY  @owner caller calls sl_appraisal_done */
sl_rc sl_offline_finish(struct sl_offline *offline,
                        struct sl_appraisal *ret_appraisal) SL_MUST_CHECK;

#endif
