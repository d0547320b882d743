/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What signing (sign.c) and checking (sigstruct.c) share; nobody else includes it.
 */
#ifndef SL_DEVICE_SIGSTRUCT_FORM_H
#define SL_DEVICE_SIGSTRUCT_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/bn.h>

#include "device/sigstruct.h"

enum { SL_RSA3072_SIZE = 384, SL_SIGSTRUCT_AREA_SIZE = 128, SL_SIGSTRUCT_AREA2_OFF = 900 };

extern const uint8_t sl_sigstruct_header[16];
extern const uint8_t sl_sigstruct_header2[16];

/** SHA-256 of the two signed areas. */
bool sl_sigstruct_digest(const struct sl_sigstruct *sig, uint8_t ret_digest[32]);
/** Q1, Q2 and s^3 mod m. */
bool sl_sigstruct_quotients(const BIGNUM *s, const BIGNUM *m, BIGNUM *q1, BIGNUM *q2, BIGNUM *cube,
                            BN_CTX *ctx);

#endif
