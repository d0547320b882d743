/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the gateway must not forget: the highest policy version that any image got, the count of
 * provisionings (epoch), the instance it trusts, where its audit log ends. One small file in
 * `state_dir`, replaced as a whole and forced to the disk before the step that depends on it.
 *
 * Losing it would let an older policy or a rolled-back image in again, so that a file which is
 * damaged, unreadable, or gone while the audit log is there is never taken for "new".
 */
#ifndef SL_GATEWAY_DURABLE_H
#define SL_GATEWAY_DURABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/audit.h"
#include "base/err.h"

enum { SL_DURABLE_PATH_MAX = 320, SL_INSTANCE_ID_SIZE = 16, SL_DURABLE_HASH_SIZE = 32 };

struct sl_durable {
    char path[SL_DURABLE_PATH_MAX];
    char audit_path[SL_DURABLE_PATH_MAX];
    int lock_fd;
    bool has_policy;
    uint64_t policy_version; /**< highest given to any image */
    uint8_t policy_hash[SL_DURABLE_HASH_SIZE];
    uint64_t epoch;          /**< of the last provisioning that was begun; 0: none */
    uint64_t epoch_done;     /**< of the last one that its image is known to have */
    uint64_t snapshot_epoch; /**< of the newest snapshot of flows, not brought back yet; 0: none */
    bool has_instance;
    uint8_t instance[SL_INSTANCE_ID_SIZE]; /**< that it was given to */
    struct sl_audit_head audit;            /**< end of the audit log when this was written */
};

/** Makes the folder where it is not there (mode 0700), locks it, reads the file.
 * @retval SL_OK         a first start: all zero
 * @retval SL_EXISTS     another gateway uses this folder
 * @retval SL_MALFORMED  damaged: @p err says what to do
 * @retval SL_NOT_FOUND  gone, though its audit log is there
 * @retval SL_IO         cannot be made, locked or read; readable by others */
sl_rc sl_durable_open(const char *folder, struct sl_durable *ret_durable,
                      struct sl_err *err) SL_MUST_CHECK;
void sl_durable_close(struct sl_durable *durable);

/** The same for a look only: no lock, nothing is made. A folder that is not there is a first start.
 * @retval as sl_durable_open but SL_EXISTS */
sl_rc sl_durable_look(const char *folder, struct sl_durable *ret_durable,
                      struct sl_err *err) SL_MUST_CHECK;

/** Writes it; on the disk when SL_OK comes back. @retval SL_OK, SL_IO, SL_NO_MEMORY */
sl_rc sl_durable_save(struct sl_durable *durable, struct sl_err *err) SL_MUST_CHECK;

/** May a policy of this version and hash be given to an image?
 * @param[in] path  for the sentence
 * @retval SL_OK
 * @retval SL_STALE  lower than a version that was given before, or the same with other contents */
sl_rc sl_durable_policy_check(const struct sl_durable *durable, const char *path, uint64_t version,
                              const uint8_t hash[SL_DURABLE_HASH_SIZE],
                              struct sl_err *err) SL_MUST_CHECK;

#endif
