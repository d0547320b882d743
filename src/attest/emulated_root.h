/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The root of quotes that come from SafeLib's own SGX emulator. Its private key is public on
 * purpose (src/evidence/emu_pki.c): anybody can forge what it signs, because the emulator protects
 * nothing. A verifier knows the root only to say so, and to accept it where the policy is
 * `insecure_allow_emulated`.
 */
#ifndef SL_ATTEST_EMULATED_ROOT_H
#define SL_ATTEST_EMULATED_ROOT_H

#include "safelib/attest.h"

/** FMSPC in emulated PCK certificates and TCB info: "SLEMU0" in ASCII, no processor of Intel's. */
#define SL_EMULATED_FMSPC "534C454D5530"

/** Subject common names of emulated certificates. */
#define SL_EMULATED_ROOT_NAME        "SafeLib emulated SGX, no protection"
#define SL_EMULATED_PCK_CA_NAME      "SafeLib emulated SGX PCK Processor CA"
#define SL_EMULATED_PCK_NAME         "SafeLib emulated SGX PCK Certificate"
#define SL_EMULATED_TCB_SIGNING_NAME "SafeLib emulated SGX TCB Signing"

/** The root certificate, PEM; P-256, valid 2024-01-01 to 2049-12-31. Static. */
struct sl_blob sl_attest_emulated_root(void);

#endif
