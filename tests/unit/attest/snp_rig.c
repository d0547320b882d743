/* SPDX-License-Identifier: Apache-2.0 */
/* SEV-SNP platforms made of software. */
#include "snp_rig.h"

#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static EVP_PKEY *ark_key, *ask_key, *p384_key, *p256_key;

static const uint8_t GOOD_TCB[8] = {4, 0, 0, 0, 0, 0, 24, 219};
static const uint8_t GOOD_TCB_TURIN[8] = {1, 3, 2, 5, 0, 0, 0, 130};

struct snp_spec snp_spec_make(enum sl_snp_product product, bool is_vlek)
{
    struct snp_spec spec = {
        .product = product,
        .version = 3,
        .is_vlek = is_vlek,
        .root = {.serial = 65536, .is_ca = true, .usage = "keyCertSign, cRLSign"},
        .issuer = {
            .serial = 65537, .is_ca = true, .has_path_length = true, .usage = "keyCertSign"}};
    memcpy(spec.cert_tcb, product == SL_SNP_TURIN ? GOOD_TCB_TURIN : GOOD_TCB, 8);
    return spec;
}

static void extension_put(struct pki_spec *spec, const char *without, const char *oid,
                          const uint8_t *value, size_t size)
{
    if (without != NULL && strcmp(without, oid) == 0) {
        return;
    }
    for (size_t i = 0; i < PKI_EXTENSIONS_MAX; i++) {
        if (spec->extensions[i].oid == NULL) {
            spec->extensions[i] = (struct pki_extension){oid, value, size, false};
            return;
        }
    }
    abort();
}

#define AMD_OID "1.3.6.1.4.1.3704.1."

/* What the extensions' values live in until the certificate is made. */
struct values {
    uint8_t byte[8][4];
    uint8_t name[40], csp[8], hwid[64];
};

static void leaf_extend(const struct snp_spec *spec, struct values *v, struct pki_spec *leaf)
{
    static const char *const spl[8] = {AMD_OID "3.1", AMD_OID "3.2", AMD_OID "3.4", AMD_OID "3.5",
                                       AMD_OID "3.6", AMD_OID "3.7", AMD_OID "3.3", AMD_OID "3.8"};
    static const char *const turin[8] = {AMD_OID "3.9", AMD_OID "3.1", AMD_OID "3.2",
                                         AMD_OID "3.3", AMD_OID "3.5", AMD_OID "3.6",
                                         AMD_OID "3.7", AMD_OID "3.8"};
    static const uint8_t version[] = {2, 1, 1};
    extension_put(leaf, spec->without, AMD_OID "1", version, sizeof(version));
    char name[32];
    (void)snprintf(name, sizeof(name), "%s%s", sl_snp_product_text(spec->product),
                   spec->is_vlek || spec->product == SL_SNP_TURIN ? "" : "-B1");
    const char *text = spec->product_name != NULL ? spec->product_name : name;
    v->name[0] = 0x16;
    v->name[1] = (uint8_t)strlen(text);
    memcpy(v->name + 2, text, strlen(text));
    extension_put(leaf, spec->without, AMD_OID "2", v->name, 2 + strlen(text));
    for (size_t i = 0; i < 8; i++) {
        uint8_t b = spec->cert_tcb[i];
        uint8_t *p = v->byte[i];
        size_t size = b < 0x80 ? 3 : 4;
        p[0] = 2;
        p[1] = (uint8_t)(size - 2);
        p[2] = b < 0x80 ? b : 0;
        p[3] = b;
        extension_put(leaf, spec->without, (spec->product == SL_SNP_TURIN ? turin : spl)[i], p,
                      size);
    }
    if (spec->is_vlek) {
        static const uint8_t csp[] = {0x16, 4, 't', 'e', 's', 't'};
        extension_put(leaf, spec->without, AMD_OID "5", csp, sizeof(csp));
    } else {
        memset(v->hwid, 0xa5, sizeof(v->hwid));
        extension_put(leaf, spec->without, AMD_OID "4", v->hwid,
                      spec->product == SL_SNP_TURIN ? 8 : 64);
    }
}

static void keys_make(void)
{
    if (ark_key == NULL) {
        ark_key = pki_key_make(PKI_RSA2048);
        ask_key = pki_key_make(PKI_RSA2048);
        p384_key = pki_key_make(PKI_P384);
        p256_key = pki_key_make(PKI_P256);
    }
}

void snp_keys_free(void)
{
    EVP_PKEY_free(ark_key);
    EVP_PKEY_free(ask_key);
    EVP_PKEY_free(p384_key);
    EVP_PKEY_free(p256_key);
    ark_key = ask_key = p384_key = p256_key = NULL;
}

static void chain_make(const struct snp_spec *spec, struct snp_rig *rig)
{
    const char *product = sl_snp_product_text(spec->product);
    char names[3][40];
    (void)snprintf(names[0], sizeof(names[0]), "SEV-%s", spec->is_vlek ? "VLEK" : "VCEK");
    (void)snprintf(names[1], sizeof(names[1]), "SEV-%s%s", spec->is_vlek ? "VLEK-" : "", product);
    (void)snprintf(names[2], sizeof(names[2]), "ARK-%s", product);
    struct pki_spec root = spec->root, issuer = spec->issuer, leaf = spec->leaf;
    leaf.name = spec->names[0] != NULL ? spec->names[0] : names[0];
    issuer.name = spec->names[1] != NULL ? spec->names[1] : names[1];
    root.name = spec->names[2] != NULL ? spec->names[2] : names[2];
    struct values values;
    leaf_extend(spec, &values, &leaf);
    leaf.digest = "SHA384";
    rig->ark_key = ark_key;
    rig->ask_key = ask_key;
    rig->leaf_key = spec->is_p256 ? p256_key : p384_key;
    rig->ark = pki_cert_make(&root, ark_key, NULL, NULL);
    rig->ask = pki_cert_make(&issuer, ask_key, rig->ark, ark_key);
    rig->leaf = pki_cert_make(&leaf, rig->leaf_key, rig->ask, ask_key);
    X509 *const chain[] = {rig->ask, rig->ark};
    rig->leaf_der = pki_certs_der(&rig->leaf, 1);
    rig->chain_pem = pki_certs_pem(chain, 2);
    rig->root_pem = pki_certs_pem(&rig->ark, 1);
}

static void report_fill(const struct snp_spec *spec, uint8_t *p)
{
    static const uint8_t cpuid[SL_SNP_PRODUCT_COUNT][2] = {{0x19, 1}, {0x19, 0x11}, {0x1a, 2}};
    p[0] = (uint8_t)spec->version;
    p[4] = 7;       /* guest SVN */
    p[0x08] = 31;   /* ABI minor */
    p[0x0a] = 0x03; /* SMT, reserved one */
    p[0x34] = 1;    /* signature algorithm */
    p[0x40] = 0x25; /* SMT, ECC, alias check */
    p[0x48] = spec->is_vlek ? 4 : 0;
    for (size_t i = 0; i < 64; i++) {
        p[0x50 + i] = (uint8_t)(i + 1); /* report data */
    }
    memset(p + 0x90, 0x11, 48);  /* measurement */
    memset(p + 0xc0, 0x22, 32);  /* host data */
    memset(p + 0xe0, 0x33, 48);  /* ID key digest */
    memset(p + 0x140, 0x44, 32); /* report id */
    memset(p + 0x160, 0xff, 32);
    static const size_t tcbs[] = {0x38, 0x180, 0x1e0, 0x1f0};
    for (size_t i = 0; i < 4; i++) {
        memcpy(p + tcbs[i], spec->cert_tcb, 8);
    }
    if (spec->version >= 3) {
        memcpy(p + 0x188, cpuid[spec->product], 2);
        p[0x18a] = 1;
    }
    memset(p + 0x1a0, 0xa5, spec->product == SL_SNP_TURIN ? 8 : 64);
    static const uint8_t version[] = {10, 55, 1};
    memcpy(p + 0x1e8, version, 3);
    memcpy(p + 0x1ec, version, 3);
    if (spec->version >= 5) {
        p[0x1f8] = 3;
        p[0x200] = 7;
    }
}

void snp_rig_sign(struct snp_rig *rig)
{
    uint8_t der[160];
    size_t size = sizeof(der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL ||
        EVP_DigestSignInit_ex(ctx, NULL, "SHA384", NULL, NULL, rig->leaf_key, NULL) != 1 ||
        EVP_DigestSign(ctx, der, &size, rig->report, SL_SNP_SIGNED_SIZE) != 1) {
        abort();
    }
    EVP_MD_CTX_free(ctx);
    const unsigned char *p = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)size);
    if (pair == NULL || BN_bn2lebinpad(ECDSA_SIG_get0_r(pair), rig->report + 0x2a0, 72) != 72 ||
        BN_bn2lebinpad(ECDSA_SIG_get0_s(pair), rig->report + 0x2a0 + 72, 72) != 72) {
        abort();
    }
    ECDSA_SIG_free(pair);
}

struct snp_rig *snp_rig_make(const struct snp_spec *spec)
{
    keys_make();
    struct snp_rig *rig = calloc(1, sizeof(*rig));
    if (rig == NULL) {
        abort();
    }
    chain_make(spec, rig);
    report_fill(spec, rig->report);
    snp_rig_sign(rig);
    return rig;
}

void snp_rig_free(struct snp_rig *rig)
{
    X509_free(rig->ark);
    X509_free(rig->ask);
    X509_free(rig->leaf);
    pki_blob_free(rig->leaf_der);
    pki_blob_free(rig->chain_pem);
    pki_blob_free(rig->root_pem);
    free(rig);
}
