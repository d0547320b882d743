/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The few values of the vendors' certificate extensions that name a platform.
 */
#ifndef SL_COLLATERAL_EXTENSION_H
#define SL_COLLATERAL_EXTENSION_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "safelib/attest.h"

enum { SL_FMSPC_SIZE = 6, SL_CHIP_ID_SIZE = 64 };

/** FMSPC of a PCK certificate; false: it has none. */
bool sl_extension_fmspc(const X509 *cert, uint8_t ret_fmspc[SL_FMSPC_SIZE]);
/** "platform" or "processor" by the name of a PCK CA; NULL: neither. */
const char *sl_extension_pck_ca(const X509_NAME *name);

/** What a VCEK or VLEK says of itself. */
struct sl_extension_snp {
    enum sl_snp_product product;
    struct sl_snp_tcb tcb;
    bool is_vlek;
    uint8_t chip_id[SL_CHIP_ID_SIZE]; /**< Turin: 8 bytes, then zero */
};
/** false: no such certificate. */
bool sl_extension_snp(X509 *cert, struct sl_extension_snp *ret_snp);

#endif
