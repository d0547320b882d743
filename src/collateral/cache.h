/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Collateral on disk, one bundle a platform (KEY.json), so that a verifier needs no way to the
 * vendor. Written beside its place and renamed: a reader sees the old set or the new one, never
 * half of one. Mode 0700 and 0600: not that it were secret, but who writes here can make every
 * verification fail.
 */
#ifndef SL_COLLATERAL_CACHE_H
#define SL_COLLATERAL_CACHE_H

#include "collateral/platform.h"

enum { SL_COLLATERAL_CACHE_MAX = 65536 /**< platforms */ };

/** $SAFELIB_COLLATERAL; else /var/lib/safelib/collateral for root; else safelib/collateral in
 * $XDG_CACHE_HOME or ~/.cache.
 * @return false: no home, or too long */
bool sl_collateral_cache_default(char *ret_path, size_t size);

/** Stores a set under its own key, in place of what was there; makes the folder where it is
 * missing.
 * @param[out] ret_key  may be NULL
 * @retval SL_OK
 * @retval SL_MALFORMED, SL_INVALID  as sl_platform_of_set: nothing is stored
 * @retval SL_IO, SL_RANGE, SL_NO_MEMORY */
sl_rc sl_collateral_cache_put(const char *folder, const struct sl_collateral_set *set,
                              char ret_key[SL_PLATFORM_KEY_SIZE], struct sl_err *err) SL_MUST_CHECK;

/** @param[in] key  whole, or a beginning that only one platform has
 * @retval SL_OK, SL_NOT_FOUND, SL_INVALID (several begin so), SL_MALFORMED, SL_IO, SL_RANGE,
 * SL_NO_MEMORY
 * @owner caller: sl_collateral_done, also where this fails */
sl_rc sl_collateral_cache_get(const char *folder, const char *key, struct sl_collateral_set *io_set,
                              char ret_key[SL_PLATFORM_KEY_SIZE], struct sl_err *err) SL_MUST_CHECK;

/** Takes a platform out. @retval SL_OK, SL_NOT_FOUND, SL_INVALID, SL_IO, SL_RANGE */
sl_rc sl_collateral_cache_remove(const char *folder, const char *key,
                                 struct sl_err *err) SL_MUST_CHECK;

/** What is there, sorted; an absent folder is empty.
 * @param[out] ret_keys  the caller's: free each and the array
 * @retval SL_OK, SL_IO, SL_RANGE, SL_NO_MEMORY */
sl_rc sl_collateral_cache_list(const char *folder, char ***ret_keys, size_t *ret_count,
                               struct sl_err *err) SL_MUST_CHECK;
void sl_collateral_cache_list_free(char **keys, size_t count);

#endif
