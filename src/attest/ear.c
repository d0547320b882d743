/* SPDX-License-Identifier: Apache-2.0 */
/* The result as an EAT attestation result (draft-ietf-rats-ear, in the profile that Veraison's
 * verifier and libraries read): a JWT signed by ES256 (RFC 7515, 7518 3.4), whose header carries
 * the key and its thumbprint (RFC 7517, 7638). */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/digest.h"
#include "attest/result.h"

#define EAR_PROFILE "tag:github.com,2023:veraison/ear"

enum { COORD_SIZE = 32, COORD_TEXT_SIZE = 44, DER_MAX = 80 };

/* --- base64url without padding (RFC 7515 appendix C) --- */

static size_t base64url_size(size_t size)
{
    return 4 * ((size + 2) / 3) + 1;
}

static void base64url(const uint8_t *data, size_t size, char *out)
{
    int used = EVP_EncodeBlock((unsigned char *)out, data, (int)size);
    for (int i = 0; i < used; i++) {
        if (out[i] == '+') {
            out[i] = '-';
        } else if (out[i] == '/') {
            out[i] = '_';
        } else if (out[i] == '=') {
            out[i] = '\0';
        }
    }
}

/* --- key --- */

struct key {
    EVP_PKEY *pkey;
    char x[COORD_TEXT_SIZE + 1], y[COORD_TEXT_SIZE + 1];
    char thumbprint[COORD_TEXT_SIZE + 1];
};

/* An encrypted key is refused; nobody is asked for its password. */
static int no_password(char *buf, int size, int rwflag, void *ctx)
{
    return -1;
}

static bool coord_text(EVP_PKEY *pkey, const char *param, char out[COORD_TEXT_SIZE + 1])
{
    BIGNUM *bn = NULL;
    uint8_t bytes[COORD_SIZE];
    bool is_ok = EVP_PKEY_get_bn_param(pkey, param, &bn) == 1 &&
                 BN_bn2binpad(bn, bytes, COORD_SIZE) == COORD_SIZE;
    BN_free(bn);
    if (is_ok) {
        base64url(bytes, COORD_SIZE, out);
    }
    return is_ok;
}

static sl_rc key_read(struct sl_blob pem, struct key *key)
{
    char group[32];
    if (pem.data == NULL || pem.size == 0 || pem.size > 64 << 10) {
        return SL_INVALID;
    }
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    if (bio == NULL) {
        return SL_NO_MEMORY;
    }
    key->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (key->pkey == NULL || !EVP_PKEY_is_a(key->pkey, "EC") ||
        EVP_PKEY_get_group_name(key->pkey, group, sizeof(group), NULL) != 1 ||
        strcmp(group, "prime256v1") != 0) {
        return SL_INVALID;
    }
    if (!coord_text(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, key->x) ||
        !coord_text(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, key->y)) {
        return SL_CRYPTO;
    }
    /* RFC 7638 3: the members that make the key, in this order, without spaces. */
    char jwk[256];
    uint8_t hash[SHA256_DIGEST_LENGTH];
    int size =
        snprintf(jwk, sizeof(jwk), "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                 key->x, key->y);
    (void)SHA256((const unsigned char *)jwk, (size_t)size, hash);
    base64url(hash, sizeof(hash), key->thumbprint);
    return SL_OK;
}

/* --- header and payload --- */

static json_t *header_json(const struct key *key)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s}, s:s}", "alg", "ES256", "typ", "eat+jwt",
                     "jwk", "kty", "EC", "crv", "P-256", "x", key->x, "y", key->y, "kid",
                     key->thumbprint);
}

static json_t *base64url_json(const uint8_t *data, size_t size)
{
    char *text = malloc(base64url_size(size));
    if (text == NULL) {
        return NULL;
    }
    base64url(data, size, text);
    json_t *json = json_string(text);
    free(text);
    return json;
}

static json_t *findings_json(const struct sl_findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count && list != NULL; i++) {
        if (findings->list[i].severity == SL_ATTEST_NOTE) {
            continue;
        }
        if (json_array_append_new(list, json_string(findings->list[i].code)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* The appraisal of the one environment that was appraised. */
static json_t *submod_json(const struct sl_attest_result *result)
{
    sl_rc rc = SL_OK;
    json_t *json = json_object();
    json_t *tcb = json_copy(result->tcb);
    uint8_t evidence[SHA256_DIGEST_LENGTH];
    sl_sha256((struct sl_blob){result->evidence, result->evidence_size}, evidence);
    sl_json_put(tcb, "status", json_string(sl_tcb_status_text(result->tcb_status)), &rc);
    sl_json_put(json, "ear.status", json_string(sl_attest_status_text(result->status)), &rc);
    sl_json_put(json, "ear.trustworthiness-vector", sl_result_vector_json(&result->vector), &rc);
    sl_json_put(json, "ear.appraisal-policy-id", json_string(result->policy_id), &rc);
    sl_json_put(json, "safelib.emulated", json_boolean(result->is_emulated), &rc);
    sl_json_put(json, "safelib.evidence-sha256", base64url_json(evidence, sizeof(evidence)), &rc);
    sl_json_put(json, "safelib.findings", findings_json(&result->findings), &rc);
    sl_json_put(json, "safelib.tcb", tcb, &rc);
    sl_json_put(json, "safelib.appraised", json_incref(result->appraised), &rc);
    sl_json_put(json, "safelib.claims", json_incref(result->claims), &rc);
    if (rc != SL_OK) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static const char *submod_name(enum sl_attest_type type)
{
    switch (type) {
    case SL_ATTEST_SGX:
        return "sgx";
    case SL_ATTEST_TDX:
        return "tdx";
    case SL_ATTEST_SNP:
        return "sev-snp";
    }
    return "unknown";
}

static json_t *payload_json(const struct sl_attest_result *result)
{
    sl_rc rc = SL_OK;
    json_t *json = sl_ear_claims(result->time_s);
    json_t *submods = json_object();
    sl_json_put(submods, submod_name(result->type), submod_json(result), &rc);
    if (sl_attest_result_is_accepted(result) && result->not_after_s != INT64_MAX) {
        /* RFC 7519 4.1.4: what the verdict rests on is not valid beyond. */
        sl_json_put(json, "exp", json_integer((json_int_t)result->not_after_s), &rc);
    }
    if (result->nonce_size != 0) {
        sl_json_put(json, "eat_nonce", base64url_json(result->nonce, result->nonce_size), &rc);
    }
    sl_json_put(json, "submods", submods, &rc);
    if (rc != SL_OK) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* --- token --- */

/* Appends the base64url of a JSON object, compact, behind a dot. Takes the reference. */
static sl_rc part_append(json_t *json, char **io_text)
{
    char *dump = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (dump == NULL) {
        return SL_NO_MEMORY;
    }
    size_t size = strlen(dump);
    size_t used = *io_text != NULL ? strlen(*io_text) : 0;
    char *text = realloc(*io_text, used + 1 + base64url_size(size));
    if (text != NULL) {
        *io_text = text;
        if (used != 0) {
            text[used++] = '.';
        }
        base64url((const uint8_t *)dump, size, text + used);
    }
    free(dump);
    return text != NULL ? SL_OK : SL_NO_MEMORY;
}

/* RFC 7518 3.4: r and s, each of 32 bytes, in place of the DER that OpenSSL makes. */
static bool signature_make(EVP_PKEY *pkey, const char *text, uint8_t out[2 * COORD_SIZE])
{
    uint8_t der[DER_MAX];
    size_t size = sizeof(der);
    const unsigned char *p = der;
    ECDSA_SIG *pair = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_ok = ctx != NULL &&
                 EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, pkey, NULL) == 1 &&
                 EVP_DigestSign(ctx, der, &size, (const unsigned char *)text, strlen(text)) == 1;
    if (is_ok) {
        pair = d2i_ECDSA_SIG(NULL, &p, (long)size);
        is_ok = pair != NULL &&
                BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, COORD_SIZE) == COORD_SIZE &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + COORD_SIZE, COORD_SIZE) == COORD_SIZE;
    }
    ECDSA_SIG_free(pair);
    EVP_MD_CTX_free(ctx);
    return is_ok;
}

static sl_rc signature_append(EVP_PKEY *pkey, char **io_text)
{
    uint8_t signature[2 * COORD_SIZE];
    if (!signature_make(pkey, *io_text, signature)) {
        return SL_CRYPTO;
    }
    size_t used = strlen(*io_text);
    char *text = realloc(*io_text, used + 1 + base64url_size(sizeof(signature)));
    if (text == NULL) {
        return SL_NO_MEMORY;
    }
    *io_text = text;
    text[used] = '.';
    base64url(signature, sizeof(signature), text + used + 1);
    return SL_OK;
}

sl_rc sl_ear_sign(const json_t *claims, struct sl_blob key_pem, char **ret_jwt)
{
    struct key key = {.pkey = NULL};
    char *text = NULL;
    ERR_set_mark();
    sl_rc rc = key_read(key_pem, &key);
    if (rc == SL_OK) {
        rc = part_append(header_json(&key), &text);
    }
    if (rc == SL_OK) {
        rc = part_append(json_incref((json_t *)(uintptr_t)claims), &text);
    }
    if (rc == SL_OK) {
        rc = signature_append(key.pkey, &text);
    }
    ERR_pop_to_mark();
    EVP_PKEY_free(key.pkey);
    if (rc != SL_OK) {
        free(text);
        return rc;
    }
    *ret_jwt = text;
    return SL_OK;
}

sl_rc sl_ear_jwk(struct sl_blob key_pem, json_t **ret_jwk)
{
    struct key key = {.pkey = NULL};
    ERR_set_mark();
    sl_rc rc = key_read(key_pem, &key);
    ERR_pop_to_mark();
    EVP_PKEY_free(key.pkey);
    if (rc != SL_OK) {
        return rc;
    }
    *ret_jwk = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "x",
                         key.x, "y", key.y, "kid", key.thumbprint, "alg", "ES256", "use", "sig");
    return *ret_jwk != NULL ? SL_OK : SL_NO_MEMORY;
}

json_t *sl_ear_claims(int64_t time_s)
{
    return json_pack("{s:s, s:I, s:{s:s, s:s}}", "eat_profile", EAR_PROFILE, "iat",
                     (json_int_t)time_s, "ear.verifier-id", "developer", "SafeLib", "build",
                     "safelib " SL_VERSION);
}

sl_rc sl_attest_result_ear(const struct sl_attest_result *result, struct sl_blob key_pem,
                           char **ret_jwt)
{
    json_t *claims = payload_json(result);
    sl_rc rc = claims != NULL ? sl_ear_sign(claims, key_pem, ret_jwt) : SL_NO_MEMORY;
    json_decref(claims);
    return rc;
}
