/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The policy of a class of nodes as people write it (YAML; docs/monitor-policy.md has every key).
 */
#ifndef SL_MONITOR_POLICY_FILE_H
#define SL_MONITOR_POLICY_FILE_H

#include "monitor/policy.h"

enum { SL_POLICY_SIZE_MAX = 256 << 10, SL_POLICY_ROOTS_SIZE_MAX = 1 << 20 };

/** Reads and checks a policy. Files that it names are not opened: see sl_monitor_policy_load.
 * @param[out] ret_policy  NULL unless SL_OK
 * @retval SL_OK
 * @retval SL_MALFORMED  not YAML, an unknown or missing key, a value of the wrong kind: @p err
 * names key, line and column
 * @retval SL_INVALID    a value or a combination that cannot be meant: @p err names the key
 * @retval SL_RANGE      longer than SL_POLICY_SIZE_MAX
 * @retval SL_NO_MEMORY
 * @owner  caller frees by sl_monitor_policy_free; it must not be copied */
sl_rc sl_monitor_policy_read(const char *text, size_t size, struct sl_monitor_policy **ret_policy,
                             struct sl_err *err) SL_MUST_CHECK;
/** The same from a file, with the roots that it names (relative to it).
 * @retval SL_NOT_FOUND, SL_IO besides */
sl_rc sl_monitor_policy_load(const char *path, struct sl_monitor_policy **ret_policy,
                             struct sl_err *err) SL_MUST_CHECK;
void sl_monitor_policy_free(struct sl_monitor_policy *policy);

#endif
