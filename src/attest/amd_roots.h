/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * AMD's root keys, pinned: what a SEV-SNP chain must end at where no other root is given.
 */
#ifndef SL_ATTEST_AMD_ROOTS_H
#define SL_ATTEST_AMD_ROOTS_H

#include "safelib/attest.h"

/** The ARK of a product, PEM: RSA 4096, valid 25 years. Static. */
struct sl_blob sl_amd_root(enum sl_snp_product product);

#endif
