/* SPDX-License-Identifier: Apache-2.0 */
/* SA keys from the channel's exporter. */
#include "control/sa_key.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/secret.h"
#include "control/suites.h"

enum { INFO_MAX = 32 };

static const char domain[] = "SafeLib SA 1"; /* with its terminating 0 */

/* Where and how the key is used. */
static size_t info_write(const struct sl_msg_sa *sa, uint8_t info[INFO_MAX])
{
    struct sl_writer w;
    sl_writer_init(&w, info, INFO_MAX);
    sl_writer_bytes(&w, domain, sizeof(domain));
    sl_writer_be16(&w, sa->shard);
    sl_writer_u8(&w, sa->port);
    sl_writer_u8(&w, sa->is_inbound);
    sl_writer_u8(&w, sa->params.is_esn);
    sl_writer_u8(&w, (uint8_t)sa->params.alg);
    sl_writer_be32(&w, sa->params.spi);
    return w.rc == SL_OK ? w.off : 0;
}

/* RFC 5869 1: "HKDF follows the 'extract-then-expand' paradigm" */
static bool hkdf(const uint8_t *secret, const struct sl_msg_sa *sa, uint8_t *out, size_t size)
{
    uint8_t info[INFO_MAX];
    size_t info_size = info_write(sa, info);
    char hash[] = SL_SUITE_KDF_HASH;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret,
                                          SL_SA_EXPORTER_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)sa->seed,
                                          SL_SA_SEED_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, info_size),
        OSSL_PARAM_construct_end(),
    };
    bool is_good = ctx != NULL && info_size > 0 && EVP_KDF_derive(ctx, out, size, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return is_good;
}

sl_rc sl_sa_key_expand(const uint8_t secret[SL_SA_EXPORTER_SIZE], struct sl_msg_sa *sa)
{
    uint8_t out[SL_ESP_KEY_MAX + SL_ESP_SALT_SIZE];
    const struct sl_suite *suite = sl_suite_find(sa->params.alg);
    if (suite == NULL) {
        return SL_UNSUPPORTED;
    }
    sl_wipe(sa->params.key, sizeof(sa->params.key));
    sl_wipe(sa->params.salt, sizeof(sa->params.salt));
    bool is_good = hkdf(secret, sa, out, suite->key_size + SL_ESP_SALT_SIZE);
    if (is_good) {
        memcpy(sa->params.key, out, suite->key_size);
        memcpy(sa->params.salt, out + suite->key_size, SL_ESP_SALT_SIZE);
    }
    sl_wipe(out, sizeof(out));
    return is_good ? SL_OK : SL_CRYPTO;
}

sl_rc sl_sa_key_derive(struct sl_tls *tls, struct sl_msg_sa *sa)
{
    uint8_t secret[SL_SA_EXPORTER_SIZE];
    sl_rc rc = sl_tls_export(tls, SL_SA_EXPORTER_LABEL, secret, sizeof(secret));
    if (rc == SL_OK) {
        rc = sl_sa_key_expand(secret, sa);
    }
    sl_wipe(secret, sizeof(secret));
    return rc;
}
