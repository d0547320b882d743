/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an image's evidence vouches for. Both ends compute the same 64 bytes from what each of them
 * knows by itself; evidence over anything else is refused.
 *
 *   report_data = SHA-512("SafeLib attested channel 1" ‖ 0 ‖ exporter ‖ image key ‖ tenant key ‖
 *                         policy version (u64) ‖ policy hash ‖ nonce)
 *
 * The exporter (RFC 9266) is of this one TLS connection: evidence cannot be relayed from another or
 * diverted to another. The tenant key's hash was fixed when the image started: the image of
 * somebody else's key cannot be passed off. The nonce is the gateway's: nothing old is taken.
 */
#ifndef SL_CONTROL_BINDING_H
#define SL_CONTROL_BINDING_H

#include "base/bytes.h"
#include "control/identity.h"
#include "safelib/rc.h"

enum { SL_BINDING_NONCE_SIZE = 32, SL_BINDING_EXPORTER_SIZE = 32, SL_BINDING_DATA_SIZE = 64 };

struct sl_binding {
    uint8_t exporter[SL_BINDING_EXPORTER_SIZE];
    uint8_t image_key[SL_SPKI_HASH_SIZE];
    uint8_t tenant_key[SL_SPKI_HASH_SIZE];
    uint64_t policy_version; /**< 0 and a zero hash: none yet */
    uint8_t policy_hash[32];
    uint8_t nonce[SL_BINDING_NONCE_SIZE];
};

/** @retval SL_OK, SL_CRYPTO */
sl_rc sl_binding_report_data(const struct sl_binding *binding,
                             uint8_t ret_data[SL_BINDING_DATA_SIZE]) SL_MUST_CHECK;

/** SHA-512 of what @p input holds: report data of one kind or another, each under a domain of its
 * own at its start.
 * @retval SL_OK
 * @retval SL_CRYPTO  or the input did not fit its writer; @p ret_data unchanged */
sl_rc sl_binding_hash(const struct sl_writer *input,
                      uint8_t ret_data[SL_BINDING_DATA_SIZE]) SL_MUST_CHECK;

#endif
