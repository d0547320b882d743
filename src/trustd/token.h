/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Bearer tokens: 256 random bits, of which the store keeps only the SHA-256, and what each role may
 * do.
 */
#ifndef SL_TRUSTD_TOKEN_H
#define SL_TRUSTD_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** name, text, may also do all of the roles in the mask */
enum sl_role { SL_ROLE_NONE, SL_ROLE_VIEWER, SL_ROLE_OPERATOR, SL_ROLE_ENROLLER, SL_ROLE_COUNT };
/** "viewer", "operator", "enroller"; "none" outside. */
const char *sl_role_text(enum sl_role role);
/** SL_ROLE_NONE where @p text names no role. */
enum sl_role sl_role_find(const char *text);
/** An operator may do what a viewer may; an enroller may only enrol. */
bool sl_role_may(enum sl_role has, enum sl_role needed);

enum { SL_TOKEN_HASH_SIZE = 32, SL_TOKEN_TEXT_SIZE = 3 + 64 + 1 };

/** @param[out] ret_text "slt" and 64 hex digits: shown once, wiped by the caller
 * @retval SL_OK, SL_CRYPTO */
sl_rc sl_token_make(char ret_text[SL_TOKEN_TEXT_SIZE],
                    uint8_t ret_hash[SL_TOKEN_HASH_SIZE]) SL_MUST_CHECK;
/** @retval SL_OK, SL_MALFORMED (not of that form), SL_CRYPTO */
sl_rc sl_token_hash(const char *text, uint8_t ret_hash[SL_TOKEN_HASH_SIZE]) SL_MUST_CHECK;
/** SHA-256 of any bytes. @retval SL_OK, SL_CRYPTO */
sl_rc sl_trustd_sha256(const void *data, size_t size,
                       uint8_t ret_hash[SL_TOKEN_HASH_SIZE]) SL_MUST_CHECK;

#endif
