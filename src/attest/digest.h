/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * SHA-256 without the fetch by name that SHA256() of OpenSSL 3 does anew each time (3 us).
 */
#ifndef SL_ATTEST_DIGEST_H
#define SL_ATTEST_DIGEST_H

#include "safelib/attest.h"

void sl_sha256(struct sl_blob data, uint8_t ret_hash[32]);

#endif
