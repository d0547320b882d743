/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an image's evidence vouches for when a trust monitor asks, through the host and outside any
 * connection:
 *
 *   report_data = SHA-512("SafeLib monitor evidence 1" ‖ 0 ‖ image key ‖ tenant key ‖
 *                         policy version (u64) ‖ nonce)
 *
 * Another domain than that of control/binding.h, and no exporter: a gateway never takes it for a
 * channel's. It says which image runs, whose it is and that it is there now; not on which node: the
 * host may have passed the nonce on. The policy's hash is left out, because the host reads this,
 * and could try rules until one fits.
 */
#ifndef SL_CONTROL_MONITOR_BINDING_H
#define SL_CONTROL_MONITOR_BINDING_H

#include "control/binding.h"

struct sl_monitor_binding {
    uint8_t image_key[SL_SPKI_HASH_SIZE];
    uint8_t tenant_key[SL_SPKI_HASH_SIZE];
    uint64_t policy_version; /**< 0: none yet */
    uint8_t nonce[SL_BINDING_NONCE_SIZE];
};

/** @retval SL_OK, SL_CRYPTO */
sl_rc sl_monitor_binding_report_data(const struct sl_monitor_binding *binding,
                                     uint8_t ret_data[SL_BINDING_DATA_SIZE]) SL_MUST_CHECK;

#endif
