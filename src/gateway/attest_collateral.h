/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Collateral for one piece of evidence: the gateway's cache first, what came along where the cache
 * has nothing. The host may so fill a gap with what the vendor signed, never replace what the
 * operator has fetched by something older.
 */
#ifndef SL_GATEWAY_ATTEST_COLLATERAL_H
#define SL_GATEWAY_ATTEST_COLLATERAL_H

#include "collateral/set.h"
#include "evidence/evidence.h"

struct sl_gw_collateral {
    struct sl_attest_collateral parts; /**< into `cached` and into the evidence */
    struct sl_collateral_set cached;
    uint32_t cached_count; /**< parts that came from the cache */
};

/** @param[in] folder  the cache; "": none
 * @retval SL_OK
 * @retval SL_MALFORMED, SL_IO, SL_RANGE, SL_NO_MEMORY  the cache has the platform, but cannot be
 *         used: @p err says why
 * @owner caller: sl_gw_collateral_done; @p evidence must outlive it */
sl_rc sl_gw_collateral_find(const char *folder, const struct sl_evidence *evidence,
                            struct sl_gw_collateral *ret_collateral,
                            struct sl_err *err) SL_MUST_CHECK;
void sl_gw_collateral_done(struct sl_gw_collateral *collateral);

#endif
