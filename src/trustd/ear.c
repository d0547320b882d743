/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts in the words of draft-ietf-rats-ear and draft-ietf-rats-ar4si. */
#include "trustd/ear.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/result.h"
#include "base/secret.h"
#include "files/files.h"
#include "monitor/driver.h"
#include "trustd/lease.h"

enum { KEY_SIZE_MAX = 4096 };

/* ---- the key ---- */

static sl_rc key_make(const char *path, struct sl_err *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    sl_rc rc = SL_CRYPTO;
    if (key != NULL && bio != NULL &&
        PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        const long size = BIO_get_mem_data(bio, &text);
        rc = sl_file_write(path, 0600, text, (size_t)size, err);
    } else {
        (void)sl_err_set(err, SL_CRYPTO, "%s: no key can be made", path);
    }
    BIO_free(bio);
    EVP_PKEY_free(key);
    return rc;
}

sl_rc sl_ear_key_load(const char *state_dir, char **ret_pem, struct sl_err *err)
{
    char path[512];
    uint8_t *data = NULL;
    size_t size = 0;
    json_t *jwk = NULL;
    (void)snprintf(path, sizeof(path), "%s/ear-key.pem", state_dir);
    sl_rc rc = sl_file_read(path, KEY_SIZE_MAX, &data, &size, err);
    if (rc == SL_NOT_FOUND) {
        rc = key_make(path, err);
        rc = rc == SL_OK ? sl_file_read(path, KEY_SIZE_MAX, &data, &size, err) : rc;
    }
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_ear_jwk((struct sl_blob){data, size}, &jwk);
    json_decref(jwk);
    if (rc != SL_OK) {
        sl_wipe(data, size);
        free(data);
        return sl_err_set(err, rc, "%s: expected a P-256 private key in PEM", path);
    }
    *ret_pem = (char *)data;
    return SL_OK;
}

/* ---- claims ---- */

static const char *status_text(enum sl_verdict verdict)
{
    switch (verdict) {
    case SL_VERDICT_TRUSTED:
        return "affirming";
    case SL_VERDICT_DEGRADED:
        return "warning";
    case SL_VERDICT_UNTRUSTED:
        return "contraindicated";
    case SL_VERDICT_UNKNOWN:
    default:
        return "none";
    }
}

/* The first value of each tier (draft-ietf-rats-ar4si 2.3.2); none says nothing. */
static int tier_value(enum sl_verdict verdict)
{
    switch (verdict) {
    case SL_VERDICT_TRUSTED:
        return 2;
    case SL_VERDICT_DEGRADED:
        return 32;
    case SL_VERDICT_UNTRUSTED:
        return 96;
    case SL_VERDICT_UNKNOWN:
    default:
        return 0;
    }
}

/* Does a reason speak of who signed, or of what ran? */
static bool is_of_identity(const char *code)
{
    static const char *const codes[] = {"tpm-", "signature", "registration", "nonce"};
    for (size_t i = 0; code != NULL && i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strncmp(code, codes[i], strlen(codes[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Each claim is as good as the worst that was said of it; one of them has the verdict's own tier.
 */
static json_t *vector_json(const json_t *reasons, enum sl_verdict verdict)
{
    enum sl_verdict identity = SL_VERDICT_TRUSTED;
    enum sl_verdict executables = SL_VERDICT_TRUSTED;
    size_t i;
    json_t *reason;
    if (verdict == SL_VERDICT_UNKNOWN) {
        return json_object();
    }
    json_array_foreach(reasons, i, reason)
    {
        const char *code = json_string_value(json_object_get(reason, "code"));
        const char *text = json_string_value(json_object_get(reason, "verdict"));
        const enum sl_verdict said = sl_verdict_find(text);
        enum sl_verdict *claim = is_of_identity(code) ? &identity : &executables;
        *claim = text != NULL && said < *claim ? said : *claim;
    }
    if (identity > verdict && executables > verdict) {
        executables = verdict;
    }
    return json_pack("{s:i, s:i}", "instance-identity", tier_value(identity), "executables",
                     tier_value(executables));
}

sl_rc sl_ear_submod_add(json_t *submods, const json_t *subject, const char *policy)
{
    const char *kind = json_string_value(json_object_get(subject, "kind"));
    const char *id = json_string_value(json_object_get(subject, "id"));
    const json_t *reasons = json_object_get(subject, "reasons");
    const enum sl_verdict verdict =
        sl_verdict_find(json_string_value(json_object_get(subject, "verdict")));
    char name[SL_SUBJECT_ID_MAX + 32];
    char policy_id[128];
    json_t *submod;
    if (strcmp(kind, sl_subject_kind_text(SL_SUBJECT_HOST)) == 0) {
        (void)snprintf(name, sizeof(name), "host");
    } else {
        (void)snprintf(name, sizeof(name), "%.24s/%.127s", kind, id);
    }
    (void)snprintf(policy_id, sizeof(policy_id), "urn:safelib:monitor-policy:sha256:%.64s", policy);
    submod = json_pack(
        "{s:s, s:o, s:s?, s:O, s:O, s:O, s:O, s:O}", "ear.status", status_text(verdict),
        "ear.trustworthiness-vector", vector_json(reasons, verdict), "ear.appraisal-policy-id",
        policy[0] != '\0' ? policy_id : NULL, "safelib.verdict",
        json_object_get(subject, "verdict"), "safelib.reasons", reasons, "safelib.round",
        json_object_get(subject, "round"), "safelib.judged", json_object_get(subject, "judged"),
        "safelib.lease_end", json_object_get(subject, "lease_end"));
    return submod != NULL && json_object_set_new(submods, name, submod) == 0 ? SL_OK : SL_NO_MEMORY;
}
