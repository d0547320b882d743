/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Reads one value of a bbolt database, in which containerd keeps what it knows. Read only, of a
 * copy in memory: whoever writes it meanwhile can make a value missing, not a read out of bounds.
 */
#ifndef SL_AGENT_BOLT_H
#define SL_AGENT_BOLT_H

#include "safelib/attest.h"

enum { SL_BOLT_DEPTH_MAX = 8 };

/** Finds a value behind nested buckets.
 * @param[in] keys   names of buckets, then the value's; at most SL_BOLT_DEPTH_MAX
 * @param[out] ret_value  within @p file
 * @retval SL_OK
 * @retval SL_NOT_FOUND  no such bucket or key, or more than SL_BOLT_DEPTH_MAX keys
 * @retval SL_MALFORMED  no database, or a page that cannot be one
 * @owner  @p ret_value is the caller's @p file
 * @spec   go.etcd.io/bbolt: page.go, bucket.go, db.go (version 2) */
sl_rc sl_bolt_find(struct sl_blob file, const char *const *keys, size_t count,
                   struct sl_blob *ret_value) SL_MUST_CHECK;

#endif
