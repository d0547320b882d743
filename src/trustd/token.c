/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens and roles. */
#include "trustd/token.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

static const char *const role_names[SL_ROLE_COUNT] = {"none", "viewer", "operator", "enroller"};

const char *sl_role_text(enum sl_role role)
{
    return role_names[(unsigned)role < SL_ROLE_COUNT ? role : SL_ROLE_NONE];
}

enum sl_role sl_role_find(const char *text)
{
    for (int role = SL_ROLE_VIEWER; role < SL_ROLE_COUNT; role++) {
        if (text != NULL && strcmp(text, role_names[role]) == 0) {
            return (enum sl_role)role;
        }
    }
    return SL_ROLE_NONE;
}

bool sl_role_may(enum sl_role has, enum sl_role needed)
{
    if (has == SL_ROLE_NONE || needed == SL_ROLE_NONE) {
        return false;
    }
    return has == needed || (has == SL_ROLE_OPERATOR && needed == SL_ROLE_VIEWER);
}

sl_rc sl_trustd_sha256(const void *data, size_t size, uint8_t ret_hash[SL_TOKEN_HASH_SIZE])
{
    unsigned written = 0;
    return EVP_Digest(data, size, ret_hash, &written, EVP_sha256(), NULL) == 1 ? SL_OK : SL_CRYPTO;
}

sl_rc sl_token_make(char ret_text[SL_TOKEN_TEXT_SIZE], uint8_t ret_hash[SL_TOKEN_HASH_SIZE])
{
    uint8_t random[32];
    if (RAND_bytes(random, sizeof(random)) != 1) {
        return SL_CRYPTO;
    }
    (void)snprintf(ret_text, SL_TOKEN_TEXT_SIZE, "slt");
    sl_hex_encode(random, sizeof(random), ret_text + 3);
    sl_wipe(random, sizeof(random));
    return sl_token_hash(ret_text, ret_hash);
}

sl_rc sl_token_hash(const char *text, uint8_t ret_hash[SL_TOKEN_HASH_SIZE])
{
    uint8_t random[32];
    if (strlen(text) != SL_TOKEN_TEXT_SIZE - 1 || strncmp(text, "slt", 3) != 0 ||
        sl_hex_decode(text + 3, random, sizeof(random)) != SL_OK) {
        return SL_MALFORMED;
    }
    sl_rc rc = sl_trustd_sha256(random, sizeof(random), ret_hash);
    sl_wipe(random, sizeof(random));
    return rc;
}
