/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Which platform collateral belongs to, as the key of the cache:
 *
 *     sgx-00606a000000-platform        type, FMSPC, PCK CA (platform or processor)
 *     tdx-90c06f000000-platform
 *     snp-milan-CHIP-3.0.8.115         product, chip id, TCB (bootloader.tee.snp.microcode; on
 *                                      Turin fmc in front)
 *     snp-genoa-vlek-4.0.15.72         under a cloud provider's key, which knows no chip
 *
 * Read from bytes that nobody has verified: good for finding files, for nothing else.
 */
#ifndef SL_COLLATERAL_PLATFORM_H
#define SL_COLLATERAL_PLATFORM_H

#include "collateral/set.h"

enum { SL_PLATFORM_KEY_SIZE = 200, SL_PLATFORM_KEYS_MAX = 2 };

/** A report before version 3 does not say its product: then there are two. */
struct sl_platform_keys {
    char key[SL_PLATFORM_KEYS_MAX][SL_PLATFORM_KEY_SIZE];
    unsigned count;
};

/** @retval SL_OK
 * @retval SL_TRUNCATED, SL_MALFORMED  no such evidence
 * @retval SL_NOT_FOUND  it does not say (a quote without its PCK certificate) */
sl_rc sl_platform_of_evidence(enum sl_attest_type type, struct sl_blob evidence,
                              struct sl_platform_keys *ret_keys, struct sl_err *err) SL_MUST_CHECK;

/** Whose collateral it is; every part that is there must parse.
 * @retval SL_OK
 * @retval SL_MALFORMED  a part does not parse: @p err names it
 * @retval SL_INVALID    Intel's and AMD's parts mixed, or the part that names the platform is
 *                       missing: @p err says which */
sl_rc sl_platform_of_set(const struct sl_collateral_set *set, char ret_key[SL_PLATFORM_KEY_SIZE],
                         struct sl_err *err) SL_MUST_CHECK;

/** The type of evidence by its first bytes. @return 0: none that is known */
enum sl_attest_type sl_platform_guess(struct sl_blob evidence);

#endif
