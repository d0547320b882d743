/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Until when each part of a set is good, as it says of itself.
 */
#ifndef SL_COLLATERAL_EXPIRY_H
#define SL_COLLATERAL_EXPIRY_H

#include "collateral/set.h"

/** Of the parts that are there; a part of several certificates counts from its latest notBefore to
 * its earliest notAfter. */
struct sl_expiry {
    struct {
        bool has;
        int64_t not_before_s, not_after_s;
    } parts[SL_COLLATERAL_PART_COUNT];
    int64_t first_s; /**< the earliest not_after_s; INT64_MAX: nothing there */
};

/** @retval SL_OK
 * @retval SL_MALFORMED  a part does not parse: @p err names it */
sl_rc sl_expiry_of(const struct sl_collateral_set *set, struct sl_expiry *ret_expiry,
                   struct sl_err *err) SL_MUST_CHECK;

/** RFC 3339: "2025-07-01T12:00:00Z", with fractions (dropped) or an offset. Strict.
 * @return false: something else */
bool sl_expiry_time(const char *text, int64_t *ret_time_s);

#endif
