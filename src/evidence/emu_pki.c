/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and CRLs of the emulator, made anew in each process under the public root. */
#include "evidence/emu_pki.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "attest/emulated_root.h"

enum {
    BEFORE_S = 86400, /* a verifier's clock may be behind */
    CRL_BEFORE_S = 3600,
    VALID_S = 30 * 86400,
    SERIAL_SIZE = 20,
};

/* Everything that is only needed while making. */
struct maker {
    int64_t now_s;
    X509 *root, *ca, *pck, *tcb;
    EVP_PKEY *root_key, *ca_key, *tcb_key;
};

struct spec {
    const char *name;
    const char *constraints;
    const char *usage;
    bool has_sgx_extension;
};

sl_rc sl_emu_sign(EVP_PKEY *key, const void *data, size_t size, uint8_t ret_signature[64])
{
    uint8_t der[80];
    size_t der_size = sizeof(der);
    const uint8_t *at = der;
    ECDSA_SIG *sig = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                 EVP_DigestSign(ctx, der, &der_size, data, size) == 1 &&
                 (sig = d2i_ECDSA_SIG(NULL, &at, (long)der_size)) != NULL &&
                 BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret_signature, 32) == 32 &&
                 BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret_signature + 32, 32) == 32;
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
    return is_ok ? SL_OK : SL_CRYPTO;
}

/* The root's private key: the SHA-256 of its name. No secret and not meant to be one. */
static EVP_PKEY *root_key_make(X509 *root)
{
    static const char name[] = SL_EMULATED_ROOT_NAME;
    uint8_t scalar[32];
    uint8_t point[65];
    size_t point_size = 0;
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    BIGNUM *number = NULL;
    bool is_ok =
        bld != NULL && ctx != NULL &&
        EVP_Digest(name, sizeof(name) - 1, scalar, NULL, EVP_sha256(), NULL) == 1 &&
        (number = BN_bin2bn(scalar, sizeof(scalar), NULL)) != NULL &&
        EVP_PKEY_get_octet_string_param(X509_get0_pubkey(root), OSSL_PKEY_PARAM_PUB_KEY, point,
                                        sizeof(point), &point_size) == 1 &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, point_size) == 1 &&
        (params = OSSL_PARAM_BLD_to_param(bld)) != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(number);
    EVP_PKEY_CTX_free(ctx);
    return is_ok ? key : NULL;
}

static bool serial_set(ASN1_INTEGER *serial)
{
    uint8_t bytes[SERIAL_SIZE];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return false;
    }
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* RFC 5280 4.1.2.2: positive, 20 octets */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool is_ok = number != NULL && BN_to_ASN1_INTEGER(number, serial) != NULL;
    BN_free(number);
    return is_ok;
}

static bool name_set(X509 *certificate, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                      -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"SafeLib",
                                      -1, -1, 0) == 1;
}

static bool extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool is_ok = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_ok;
}

static bool sgx_extension_add(X509 *certificate, const struct sl_machine *machine)
{
    uint8_t der[512];
    size_t size = sl_emu_sgx_extension(machine, der, sizeof(der));
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.840.113741.1.13.1", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool is_ok = size > 0 && oid != NULL && value != NULL &&
                 ASN1_OCTET_STRING_set(value, der, (int)size) == 1 &&
                 (extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value)) != NULL &&
                 X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    return is_ok;
}

static bool extensions_add(X509 *c, X509 *issuer, const struct spec *spec,
                           const struct sl_machine *machine)
{
    return extension_add(c, issuer, NID_basic_constraints, spec->constraints) &&
           extension_add(c, issuer, NID_key_usage, spec->usage) &&
           extension_add(c, issuer, NID_subject_key_identifier, "hash") &&
           extension_add(c, issuer, NID_authority_key_identifier, "keyid:always") &&
           (!spec->has_sgx_extension || sgx_extension_add(c, machine));
}

static bool dates_set(X509 *c, int64_t now_s)
{
    time_t now = (time_t)now_s;
    return X509_time_adj(X509_getm_notBefore(c), -(long)BEFORE_S, &now) != NULL &&
           X509_time_adj(X509_getm_notAfter(c), VALID_S, &now) != NULL;
}

static X509 *certificate_make(const struct maker *maker, const struct spec *spec, EVP_PKEY *key,
                              X509 *issuer, EVP_PKEY *issuer_key, const struct sl_machine *machine)
{
    X509 *c = X509_new();
    bool is_ok = c != NULL && X509_set_version(c, X509_VERSION_3) == 1 &&
                 serial_set(X509_get_serialNumber(c)) && name_set(c, spec->name) &&
                 X509_set_issuer_name(c, X509_get_subject_name(issuer)) == 1 &&
                 dates_set(c, maker->now_s) && X509_set_pubkey(c, key) == 1 &&
                 extensions_add(c, issuer, spec, machine) &&
                 X509_sign(c, issuer_key, EVP_sha256()) > 0;
    if (!is_ok) {
        X509_free(c);
        return NULL;
    }
    return c;
}

static bool crl_fill(X509_CRL *crl, const struct maker *maker, X509 *issuer, EVP_PKEY *key)
{
    X509V3_CTX ctx;
    time_t now = (time_t)maker->now_s;
    ASN1_TIME *last = X509_time_adj(NULL, -(long)CRL_BEFORE_S, &now);
    ASN1_TIME *next = X509_time_adj(NULL, VALID_S, &now);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
    X509_EXTENSION *aki =
        X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    bool is_ok = last != NULL && next != NULL && number != NULL && aki != NULL &&
                 X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                 X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
                 X509_CRL_set1_lastUpdate(crl, last) == 1 &&
                 X509_CRL_set1_nextUpdate(crl, next) == 1 &&
                 ASN1_INTEGER_set_int64(number, maker->now_s) == 1 && /* grows with each */
                 X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1 &&
                 X509_CRL_add_ext(crl, aki, -1) == 1 && X509_CRL_sort(crl) == 1 &&
                 X509_CRL_sign(crl, key, EVP_sha256()) > 0;
    X509_EXTENSION_free(aki);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(last);
    ASN1_TIME_free(next);
    return is_ok;
}

/* A CRL that revokes nothing. */
static bool crl_make(const struct maker *maker, X509 *issuer, EVP_PKEY *key,
                     struct sl_blob *ret_document)
{
    uint8_t *der = NULL;
    X509_CRL *crl = X509_CRL_new();
    int size = crl != NULL && crl_fill(crl, maker, issuer, key) ? i2d_X509_CRL(crl, &der) : -1;
    uint8_t *copy = size > 0 ? malloc((size_t)size) : NULL;
    if (copy != NULL) {
        memcpy(copy, der, (size_t)size);
        *ret_document = (struct sl_blob){copy, (size_t)size};
    }
    OPENSSL_free(der);
    X509_CRL_free(crl);
    return copy != NULL;
}

static bool chain_make(X509 *const *certificates, size_t count, struct sl_blob *ret_document)
{
    char *data = NULL;
    uint8_t *copy = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_ok = bio != NULL;
    for (size_t i = 0; is_ok && i < count; i++) {
        is_ok = PEM_write_bio_X509(bio, certificates[i]) == 1;
    }
    long size = is_ok ? BIO_get_mem_data(bio, &data) : 0;
    if (size > 0 && (copy = malloc((size_t)size)) != NULL) {
        memcpy(copy, data, (size_t)size);
        *ret_document = (struct sl_blob){copy, (size_t)size};
    }
    BIO_free(bio);
    return copy != NULL;
}

static X509 *root_read(void)
{
    struct sl_blob pem = sl_attest_emulated_root();
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    X509 *root = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return root;
}

static bool certificates_make(struct maker *m, const struct sl_machine *machine, EVP_PKEY *pck_key)
{
    static const struct spec ca = {SL_EMULATED_PCK_CA_NAME, "critical,CA:TRUE,pathlen:0",
                                   "critical,keyCertSign,cRLSign", false};
    static const struct spec pck = {SL_EMULATED_PCK_NAME, "critical,CA:FALSE",
                                    "critical,digitalSignature,nonRepudiation", true};
    static const struct spec tcb = {SL_EMULATED_TCB_SIGNING_NAME, "critical,CA:FALSE",
                                    "critical,digitalSignature,nonRepudiation", false};
    m->root = root_read();
    m->root_key = m->root != NULL ? root_key_make(m->root) : NULL;
    m->ca_key = EVP_EC_gen("P-256");
    m->tcb_key = EVP_EC_gen("P-256");
    if (m->root_key == NULL || m->ca_key == NULL || m->tcb_key == NULL) {
        return false;
    }
    m->ca = certificate_make(m, &ca, m->ca_key, m->root, m->root_key, machine);
    m->tcb = certificate_make(m, &tcb, m->tcb_key, m->root, m->root_key, machine);
    m->pck = m->ca != NULL ? certificate_make(m, &pck, pck_key, m->ca, m->ca_key, machine) : NULL;
    return m->pck != NULL && m->tcb != NULL;
}

static bool documents_make(const struct maker *m, struct sl_emu_pki *pki)
{
    X509 *const pck_chain[] = {m->pck, m->ca, m->root};
    X509 *const tcb_chain[] = {m->tcb, m->root};
    return chain_make(pck_chain, 3, &pki->documents[SL_EMU_PCK_CHAIN]) &&
           chain_make(pck_chain + 1, 2, &pki->documents[SL_EMU_PCK_CRL_CHAIN]) &&
           chain_make(tcb_chain, 2, &pki->documents[SL_EMU_TCB_CHAIN]) &&
           crl_make(m, m->ca, m->ca_key, &pki->documents[SL_EMU_PCK_CRL]) &&
           crl_make(m, m->root, m->root_key, &pki->documents[SL_EMU_ROOT_CRL]);
}

sl_rc sl_emu_pki_make(const struct sl_machine *machine, const struct sl_secs *qe, int64_t now_s,
                      struct sl_emu_pki *ret_pki)
{
    struct maker m = {.now_s = now_s};
    struct sl_emu_pki pki = {.made_s = now_s, .pck_key = EVP_EC_gen("P-256")};
    sl_rc rc = pki.pck_key != NULL && certificates_make(&m, machine, pki.pck_key) &&
                       documents_make(&m, &pki)
                   ? SL_OK
                   : SL_CRYPTO;
    if (rc == SL_OK) {
        rc = sl_emu_collateral_make(machine, qe, m.tcb_key, now_s, &pki);
    }
    X509_free(m.root);
    X509_free(m.ca);
    X509_free(m.pck);
    X509_free(m.tcb);
    EVP_PKEY_free(m.root_key);
    EVP_PKEY_free(m.ca_key);
    EVP_PKEY_free(m.tcb_key);
    if (rc != SL_OK) {
        sl_emu_pki_done(&pki);
        return rc;
    }
    *ret_pki = pki;
    return SL_OK;
}

void sl_emu_pki_done(struct sl_emu_pki *pki)
{
    EVP_PKEY_free(pki->pck_key);
    for (size_t i = 0; i < SL_EMU_DOCUMENT_COUNT; i++) {
        free((void *)(uintptr_t)pki->documents[i].data);
    }
    *pki = (struct sl_emu_pki){0};
}
