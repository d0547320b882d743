/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment of a TPM: its EK to a vendor's root or the policy's own CA, its AK's attributes. That
 * both live in one TPM is what credential activation proves, which the daemon does. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "attest/tpm_public.h"
#include "attest/x509.h"
#include "monitor/json_bytes.h"
#include "monitor/tpm_ima.h"

enum { PUBLIC_MAX = 2 << 10, CERT_MAX = 16 << 10, CHAIN_MAX = 6, CRLS_MAX = 32 };

static sl_rc public_read(const json_t *registration, const char *key,
                         struct sl_tpm_public *ret_public, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = sl_json_bytes(registration, key, PUBLIC_MAX, &data, &size, err);

    if (rc != SL_OK) {
        return rc == SL_NO_MEMORY ? rc : SL_MALFORMED;
    }
    rc = sl_tpm_public_read((struct sl_blob){data, size}, ret_public, err);
    free(data);
    if (rc != SL_OK && rc != SL_NO_MEMORY) {
        (void)sl_err_prefix(err, "%s", key);
        return SL_MALFORMED;
    }
    return rc;
}

sl_rc sl_tpm_ak_read(const json_t *registration, struct sl_tpm_public *ret_ak, struct sl_err *err)
{
    sl_rc rc = public_read(registration, "ak_public", ret_ak, err);

    if (rc == SL_OK && !sl_tpm_public_is_ak(ret_ak, err)) {
        sl_tpm_public_done(ret_ak);
        (void)sl_err_prefix(err, "ak_public");
        return SL_AUTH;
    }
    return rc;
}

/* All certificates of the registration in one run of DER: the EK's first. */
static sl_rc chain_read(const json_t *registration, struct sl_x509_list *list, struct sl_err *err)
{
    const json_t *chain = json_object_get(registration, "ek_chain");
    uint8_t *all = NULL;
    size_t total = 0;
    sl_rc rc = SL_OK;

    if ((chain != NULL && !json_is_array(chain)) || json_array_size(chain) > CHAIN_MAX) {
        return sl_err_set(err, SL_MALFORMED, "ek_chain: expected an array of at most %d",
                          CHAIN_MAX);
    }
    for (size_t i = 0; rc == SL_OK && i <= json_array_size(chain); i++) {
        const json_t *text =
            i == 0 ? json_object_get(registration, "ek_certificate") : json_array_get(chain, i - 1);
        const char *name = i == 0 ? "ek_certificate" : "ek_chain";
        uint8_t *data = NULL, *more;
        size_t size = 0;

        rc = sl_json_bytes_of(text, name, CERT_MAX, &data, &size, err);
        more = rc == SL_OK ? realloc(all, total + size) : NULL;
        if (more != NULL) {
            memcpy(more + total, data, size);
            all = more;
            total += size;
        } else if (rc == SL_OK) {
            rc = SL_NO_MEMORY;
        } else if (rc != SL_NO_MEMORY) {
            rc = SL_MALFORMED;
        }
        free(data);
    }
    if (rc == SL_OK) {
        rc = sl_x509_list_read((struct sl_blob){all, total}, list);
        if (rc != SL_OK && rc != SL_NO_MEMORY) {
            rc = sl_err_set(err, SL_MALFORMED,
                            "ek_certificate: it, or one of ek_chain, is no certificate: %s",
                            sl_rc_text(rc));
        }
    }
    free(all);
    return rc;
}

static void crls_free(X509_CRL **crls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        X509_CRL_free(crls[i]);
    }
}

/* The CRLs that stand among the roots. */
static sl_rc crls_read(struct sl_blob pem, X509_CRL *crls[CRLS_MAX], size_t *ret_count,
                       struct sl_err *err)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    X509_CRL *crl;
    sl_rc rc = bio != NULL ? SL_OK : SL_NO_MEMORY;

    *ret_count = 0;
    ERR_set_mark();
    while (rc == SL_OK && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
        if (*ret_count == CRLS_MAX) {
            X509_CRL_free(crl);
            rc = sl_err_set(err, SL_AUTH,
                            "ek_certificate: more than %d CRLs in the policy's "
                            "ek.roots",
                            CRLS_MAX);
        } else {
            crls[(*ret_count)++] = crl;
        }
    }
    if (rc == SL_OK && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        rc = sl_err_set(err, SL_AUTH,
                        "ek_certificate: a CRL in the policy's ek.roots cannot be "
                        "read, so nothing can be believed");
    }
    ERR_pop_to_mark();
    BIO_free(bio);
    return rc;
}

static bool is_named(const X509 *root, const struct sl_x509_list *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (X509_NAME_cmp(X509_get_subject_name(root), X509_get_issuer_name(chain->certs[i])) ==
            0) {
            return true;
        }
    }
    return false;
}

static sl_rc root_take(struct sl_blob der, const struct sl_x509_list *chain,
                       struct sl_x509_list *roots)
{
    struct sl_x509_list one = {0};
    sl_rc rc = sl_x509_list_read(der, &one);

    if (rc == SL_OK && one.count == 1 && is_named(one.certs[0], chain)) {
        if (roots->count == SL_X509_CHAIN_MAX) {
            rc = SL_RANGE;
        } else {
            roots->certs[roots->count++] = one.certs[0];
            one.count = 0;
        }
    }
    sl_x509_list_done(&one);
    return rc;
}

/* Of all vendors' roots, which can be many, those that some certificate of the chain names. */
static sl_rc roots_read(struct sl_blob pem, const struct sl_x509_list *chain,
                        struct sl_x509_list *roots, struct sl_err *err)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long size = 0;
    size_t count = 0;
    sl_rc rc = bio != NULL ? SL_OK : SL_NO_MEMORY;

    ERR_set_mark();
    while (rc == SL_OK && PEM_read_bio(bio, &name, &header, &der, &size) == 1) {
        if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0) {
            count++;
            rc = root_take((struct sl_blob){der, (size_t)size}, chain, roots);
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    if (rc == SL_OK && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        rc = SL_MALFORMED;
    }
    rc = rc == SL_OK && count == 0 ? SL_TRUNCATED : rc;
    ERR_pop_to_mark();
    BIO_free(bio);
    return rc == SL_OK || rc == SL_NO_MEMORY
               ? rc
               : sl_err_set(err, SL_AUTH,
                            "ek_certificate: certificate %zu of the policy's ek.roots cannot be "
                            "read: %s",
                            count, sl_rc_text(rc));
}

/* TCG EK Credential Profile 2.5, 3.2.16: where the extension is there, it has tcg-kp-EKCertificate
 * (2.23.133.8.1). */
static bool is_usage_good(X509 *cert)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
    bool is_good = usage == NULL && X509_get_ext_by_NID(cert, NID_ext_key_usage, -1) < 0;

    for (int i = 0; usage != NULL && i < sk_ASN1_OBJECT_num(usage); i++) {
        char oid[32];

        (void)OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usage, i), 1);
        is_good = is_good || strcmp(oid, "2.23.133.8.1") == 0;
    }
    EXTENDED_KEY_USAGE_free(usage);
    return is_good;
}

static sl_rc path_check(const struct sl_x509_list *chain, const struct sl_monitor_policy *policy,
                        int64_t time_s, struct sl_err *err)
{
    struct sl_x509_list roots = {0};
    struct sl_findings *findings = calloc(1, sizeof(*findings));
    const struct sl_blob pem = {policy->ek_roots, policy->ek_roots_size};
    X509_CRL *crls[CRLS_MAX];
    size_t crl_count = 0;
    sl_rc rc = findings != NULL ? roots_read(pem, chain, &roots, err) : SL_NO_MEMORY;

    rc = rc == SL_OK ? crls_read(pem, crls, &crl_count, err) : rc;
    if (rc == SL_OK) {
        const struct sl_x509_path path = {
            .name = "EK chain",
            .certs = chain,
            .roots = &roots,
            .leaf = chain->certs[0],
            .role = SL_X509_DECRYPTOR,
            .crls = crls,
            .crl_count = crl_count,
            .is_crl_required = policy->is_ek_crl_required,
            .time_s = time_s,
        };

        (void)sl_x509_path_check(&path, findings);
        if (findings->failure_count > 0) {
            rc = sl_err_set(err, SL_AUTH, "ek_certificate: %s", findings->list[0].text);
        }
    }
    crls_free(crls, crl_count);
    sl_x509_list_done(&roots);
    free(findings);
    return rc;
}

static sl_rc ek_certificate_check(const json_t *registration, const struct sl_tpm_public *ek,
                                  const struct sl_monitor_policy *policy, int64_t time_s,
                                  struct sl_err *err)
{
    struct sl_x509_list chain = {0};
    EVP_PKEY *key;
    sl_rc rc;

    if (policy->ek_roots == NULL) {
        return sl_err_set(err, SL_AUTH,
                          "ek_certificate: the policy names no ek.roots, so no certificate can be "
                          "believed");
    }
    rc = chain_read(registration, &chain, err);
    if (rc != SL_OK) {
        return rc;
    }
    key = sl_x509_key(chain.certs[0]);
    if (key == NULL || EVP_PKEY_eq(key, ek->key) != 1) {
        rc = sl_err_set(err, SL_AUTH, "ek_certificate: it is for another key than ek_public");
    } else if (!is_usage_good(chain.certs[0])) {
        rc = sl_err_set(err, SL_AUTH,
                        "ek_certificate: its extended key usage lacks tcg-kp-EKCertificate "
                        "(2.23.133.8.1)");
    } else {
        rc = path_check(&chain, policy, time_s, err);
    }
    EVP_PKEY_free(key);
    sl_x509_list_done(&chain);
    return rc;
}

sl_rc sl_tpm_register(const json_t *registration, const struct sl_monitor_policy *policy,
                      int64_t time_s, struct sl_err *err)
{
    struct sl_err unwanted = {0};
    struct sl_tpm_public ak = {0}, ek = {0};
    const json_t *certificate = json_object_get(registration, "ek_certificate");
    sl_rc rc;

    err = err != NULL ? err : &unwanted;
    if (policy == NULL) {
        return sl_err_set(err, SL_AUTH, "class: no policy for it, so nothing can be accepted");
    }
    rc = public_read(registration, "ek_public", &ek, err);
    if (rc == SL_OK && !sl_tpm_public_is_ek(&ek, err)) {
        rc = SL_AUTH;
        (void)sl_err_prefix(err, "ek_public");
    }
    if (rc == SL_OK) {
        rc = sl_tpm_ak_read(registration, &ak, err);
    }
    if (rc == SL_OK && (certificate == NULL || json_is_null(certificate))) {
        rc = policy->insecure_any_ek
                 ? SL_OK
                 : sl_err_set(err, SL_AUTH,
                              "ek_certificate: missing, and any program could be such a TPM; the "
                              "policy allows it only by ek.insecure_any");
    } else if (rc == SL_OK && !(policy->insecure_any_ek && policy->ek_roots == NULL)) {
        rc = ek_certificate_check(registration, &ek, policy, time_s, err);
    }
    sl_tpm_public_done(&ek);
    sl_tpm_public_done(&ak);
    return rc;
}
