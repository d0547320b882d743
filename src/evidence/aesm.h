/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A client of AESM, the service of Intel's SGX platform software that runs the quoting enclave: its
 * socket protocol (linux-sgx, psw/ae/aesm_service/source/core/ipc/messages.proto), the "Ex" calls
 * for ECDSA. Every call opens a connection, as the service wants it, and is over in its time.
 */
#ifndef SL_EVIDENCE_AESM_H
#define SL_EVIDENCE_AESM_H

#include "base/err.h"
#include "evidence/evidence.h"

enum { SL_AESM_KEY_ID_SIZE = 256, SL_AESM_QUOTE_MAX = 64 << 10 };

struct sl_aesm {
    char path[108]; /**< of the socket */
    int timeout_ms; /**< of one call */
    bool has_key_id;
    uint8_t key_id[SL_AESM_KEY_ID_SIZE]; /**< of the ECDSA P-256 attestation key */
};

/** Every call:
 * @retval SL_OK
 * @retval SL_IO          no connection, the service's error code, an answer that is none
 * @retval SL_TIMEOUT     no answer in time
 * @retval SL_UNSUPPORTED the service has no ECDSA P-256 key
 * @retval SL_AUTH        the quoting enclave does not take the report */
sl_rc sl_aesm_target_info(struct sl_aesm *aesm, uint8_t ret_target[512],
                          struct sl_err *err) SL_MUST_CHECK;
/** @param[out] ret_quote  SL_AESM_QUOTE_MAX bytes of room */
sl_rc sl_aesm_quote(struct sl_aesm *aesm, const uint8_t report[432], uint8_t *ret_quote,
                    size_t *ret_size, struct sl_err *err) SL_MUST_CHECK;

#endif
