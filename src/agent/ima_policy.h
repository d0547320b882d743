/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * IMA policies that give each container a PCR of its own: its programs and libraries are measured
 * into it (BPRM_CHECK, MMAP_CHECK), chosen by the users of its user namespace or by the UUID of the
 * file system that it runs from.
 */
#ifndef SL_AGENT_IMA_POLICY_H
#define SL_AGENT_IMA_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    SL_AGENT_SLOTS_MAX = 8,
    SL_AGENT_SLOT_PCR_MIN = 11, /**< 0 to 10 are the firmware's, the boot loader's and IMA's */
    SL_AGENT_SLOT_PCR_MAX = 15,
};

struct sl_agent_slot {
    char name[64];
    char fsuuid[40]; /**< "": by users */
    uint32_t uid_first, uid_count;
    uint32_t pcr;
};

/** Reads `containers: [{name, uids: 100000-165535 | fsuuid: UUID, pcr: 11}]`.
 * @param[out] ret_slots  SL_AGENT_SLOTS_MAX of them
 * @retval SL_OK, SL_NOT_FOUND, SL_IO, SL_MALFORMED
 * @retval SL_RANGE     a PCR that is not 11 to 15; no range of users, or one from 0
 * @retval SL_INVALID   two ranges overlap */
sl_rc sl_agent_slots_load(const char *path, struct sl_agent_slot *ret_slots, size_t *ret_count,
                          struct sl_err *err) SL_MUST_CHECK;
/** The policy's text, as /sys/kernel/security/ima/policy takes it. Two containers may share a PCR
 * and then fall together.
 * @param[in] slots  sorted by this function
 * @retval SL_OK, SL_NO_SPACE */
sl_rc sl_agent_ima_policy_write(struct sl_agent_slot *slots, size_t count, char *out, size_t size,
                                struct sl_err *err) SL_MUST_CHECK;

#endif
