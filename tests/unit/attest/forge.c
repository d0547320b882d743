/* SPDX-License-Identifier: Apache-2.0 */
/* Forged SGX and TDX evidence: built from its specification byte by byte, so that a mistake in the
 * parser under test is not made here as well. */
#include "forge.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMAND(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "forge.c:%d: " #condition "\n", __LINE__);                       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { KEY_ROOT, KEY_CA, KEY_PCK, KEY_SIGNING, KEY_AK, KEY_OTHER, KEY_COUNT };

static EVP_PKEY *key_of(int index)
{
    static EVP_PKEY *keys[KEY_COUNT]; /* for the life of the test program */
    if (keys[index] == NULL) {
        keys[index] = pki_key_make(PKI_P256);
    }
    return keys[index];
}

/* -- bytes ---------------------------------------------------------------------------------- */

struct buffer {
    uint8_t data[32768];
    size_t size;
};

static void put(struct buffer *b, const void *data, size_t size)
{
    DEMAND(b->size + size <= sizeof(b->data));
    if (size > 0) {
        memcpy(b->data + b->size, data, size);
    }
    b->size += size;
}

static void put_zeros(struct buffer *b, size_t size)
{
    DEMAND(b->size + size <= sizeof(b->data));
    memset(b->data + b->size, 0, size);
    b->size += size;
}

static void put_le(struct buffer *b, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        put(b, &byte, 1);
    }
}

static void put_text(struct buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put_text(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf((char *)b->data + b->size, sizeof(b->data) - b->size, format, args);
    va_end(args);
    DEMAND(size >= 0 && (size_t)size < sizeof(b->data) - b->size);
    b->size += (size_t)size;
}

static void put_hex(struct buffer *b, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        put_text(b, "%02X", data[i]);
    }
}

static struct sl_blob keep(const struct buffer *b)
{
    uint8_t *copy = malloc(b->size + 1);
    DEMAND(copy != NULL);
    memcpy(copy, b->data, b->size);
    return (struct sl_blob){copy, b->size};
}

/* r and s in a row, as Intel writes them */
static void sign(EVP_PKEY *key, const void *data, size_t size, uint8_t out[64])
{
    uint8_t der[80];
    size_t der_size = sizeof(der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    DEMAND(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1);
    DEMAND(EVP_DigestSign(ctx, der, &der_size, data, size) == 1);
    EVP_MD_CTX_free(ctx);
    const unsigned char *p = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)der_size);
    DEMAND(pair != NULL);
    DEMAND(BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32) == 32);
    DEMAND(BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32) == 32);
    ECDSA_SIG_free(pair);
}

static void public_point(EVP_PKEY *key, uint8_t out[64])
{
    uint8_t point[65];
    size_t size = 0;
    DEMAND(EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof(point), &size) == 1);
    DEMAND(size == 65);
    memcpy(out, point + 1, 64);
}

/* -- PCK extension -------------------------------------------------------------------------- */

static void wrap(struct buffer *b, size_t start, uint8_t tag)
{
    size_t size = b->size - start;
    uint8_t head[4] = {tag, 0x82, (uint8_t)(size >> 8), (uint8_t)size};
    size_t head_size = 4;
    if (size < 0x80) {
        head[1] = (uint8_t)size;
        head_size = 2;
    } else if (size < 0x100) {
        head[1] = 0x81;
        head[2] = (uint8_t)size;
        head_size = 3;
    }
    put_zeros(b, head_size);
    memmove(b->data + start + head_size, b->data + start, size);
    memcpy(b->data + start, head, head_size);
}

static void put_oid(struct buffer *b, const char *arcs, size_t arc_count)
{
    static const uint8_t BASE[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
    size_t start = b->size;
    put(b, BASE, sizeof(BASE));
    put(b, arcs, arc_count);
    wrap(b, start, 0x06);
}

static void put_element(struct buffer *b, uint8_t tag, const void *data, size_t size)
{
    size_t start = b->size;
    put(b, data, size);
    wrap(b, start, tag);
}

static void put_integer(struct buffer *b, uint8_t tag, unsigned int value)
{
    uint8_t bytes[3] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    size_t skip = value >= 0x8000 ? 0 : value >= 0x80 ? 1 : 2;
    put_element(b, tag, bytes + skip, 3 - skip);
}

static void put_member(struct buffer *b, char arc, uint8_t tag, const void *data, size_t size)
{
    size_t start = b->size;
    put_oid(b, &arc, 1);
    put_element(b, tag, data, size);
    wrap(b, start, 0x30);
}

static void put_tcb(struct buffer *b, const struct forge_spec *spec)
{
    size_t member = b->size;
    put_oid(b, "\x02", 1);
    size_t sequence = b->size;
    for (char i = 1; i <= 18; i++) {
        size_t start = b->size;
        char arcs[2] = {2, i};
        put_oid(b, arcs, 2);
        if (i <= 16) {
            put_integer(b, 0x02, spec->components[i - 1]);
        } else if (i == 17) {
            put_integer(b, 0x02, spec->pce_svn);
        } else {
            put_element(b, 0x04, spec->components, 16);
        }
        wrap(b, start, 0x30);
    }
    wrap(b, sequence, 0x30);
    wrap(b, member, 0x30);
}

static void put_configuration(struct buffer *b)
{
    static const uint8_t YES = 0xff;
    size_t member = b->size;
    put_oid(b, "\x07", 1);
    size_t sequence = b->size;
    for (char i = 1; i <= 3; i++) {
        size_t start = b->size;
        char arcs[2] = {7, i};
        put_oid(b, arcs, 2);
        put_element(b, 0x01, &YES, 1);
        wrap(b, start, 0x30);
    }
    wrap(b, sequence, 0x30);
    wrap(b, member, 0x30);
}

static void build_extension(struct buffer *b, const struct forge_spec *spec)
{
    static const uint8_t PPID[16] = {0x11, 0x22, 0x33};
    b->size = 0;
    put_member(b, 1, 0x04, PPID, sizeof(PPID));
    put_tcb(b, spec);
    put_member(b, 3, 0x04, spec->pce_id, 2);
    put_member(b, 4, 0x04, spec->fmspc, 6);
    put_member(b, 5, 0x0a, spec->is_platform ? "\x01" : "\x00", 1);
    if (spec->is_platform) {
        put_member(b, 6, 0x04, PPID, sizeof(PPID));
        put_configuration(b);
    }
    wrap(b, 0, 0x30);
}

/* -- certificates and CRLs ------------------------------------------------------------------ */

struct chain {
    X509 *root, *other_root, *ca, *pck, *signing;
};

static X509 *make_root(const struct forge_spec *spec, int key)
{
    struct pki_spec root = {.name = spec->root_name,
                            .serial = 1,
                            .is_ca = true,
                            .has_path_length = true,
                            .path_length = 1,
                            .usage = "keyCertSign, cRLSign"};
    return pki_cert_make(&root, key_of(key), NULL, NULL);
}

static void make_chain(const struct forge_spec *spec, struct chain *chain)
{
    static struct buffer extension;
    struct pki_spec ca = {.name = spec->ca_name,
                          .serial = 2,
                          .is_ca = true,
                          .has_path_length = true,
                          .usage = "keyCertSign, cRLSign"};
    struct pki_spec pck = {.name = spec->pck_name,
                           .serial = 3,
                           .until_s = spec->leaf_until_s,
                           .usage = "digitalSignature, nonRepudiation"};
    struct pki_spec signing = {
        .name = spec->signing_name, .serial = 4, .usage = "digitalSignature, nonRepudiation"};
    if (!spec->is_extension_absent) {
        build_extension(&extension, spec);
        pck.extensions[0] = (struct pki_extension){
            .oid = "1.2.840.113741.1.13.1", .value = extension.data, .size = extension.size};
    }
    chain->root = make_root(spec, KEY_ROOT);
    chain->other_root = make_root(spec, KEY_OTHER);
    chain->ca = pki_cert_make(&ca, key_of(KEY_CA), chain->root, key_of(KEY_ROOT));
    chain->pck = pki_cert_make(&pck, key_of(KEY_PCK), chain->ca, key_of(KEY_CA));
    chain->signing =
        spec->is_signing_root_other
            ? pki_cert_make(&signing, key_of(KEY_SIGNING), chain->other_root, key_of(KEY_OTHER))
            : pki_cert_make(&signing, key_of(KEY_SIGNING), chain->root, key_of(KEY_ROOT));
}

static struct sl_blob make_crl(const struct forge_spec *spec, const X509 *revoked, X509 *issuer,
                               int key)
{
    struct pki_crl_spec crl_spec = {
        .from_s = spec->crl_from_s, .until_s = spec->crl_until_s, .revoked = revoked};
    X509_CRL *crl = pki_crl_make(&crl_spec, issuer, key_of(key));
    struct sl_blob blob = pki_crl_der(crl);
    X509_CRL_free(crl);
    return blob;
}

/* -- quote ---------------------------------------------------------------------------------- */

static void put_enclave(struct buffer *b, const uint8_t *cpu_svn, const uint8_t *misc,
                        const uint8_t *attributes, const uint8_t *mrenclave,
                        const uint8_t *mrsigner, uint16_t prod_id, uint16_t svn,
                        const uint8_t *report_data)
{
    size_t start = b->size;
    put(b, cpu_svn, 16);
    put(b, misc, 4);
    put_zeros(b, 12 + 16);
    put(b, attributes, 16);
    put(b, mrenclave, 32);
    put_zeros(b, 32);
    put(b, mrsigner, 32);
    put_zeros(b, 32 + 64);
    put_le(b, prod_id, 2);
    put_le(b, svn, 2);
    put_zeros(b, 2 + 42 + 16);
    put(b, report_data, 64);
    DEMAND(b->size - start == 384);
}

static void put_td(struct buffer *b, const struct forge_spec *spec)
{
    put(b, spec->tee_tcb_svn, 16);
    put_zeros(b, 48);
    put(b, spec->mrsignerseam, 48);
    put(b, spec->seam_attributes, 8);
    put(b, spec->td_attributes, 8);
    put_zeros(b, 8);
    put(b, spec->mrtd, 48);
    put_zeros(b, 3 * 48);
    put(b, spec->rtmr, 4 * 48);
    put(b, spec->report_data, 64);
    if (spec->is_td15) {
        put(b, spec->tee_tcb_svn2, 16);
        put(b, spec->mrservicetd, 48);
    }
}

static void put_header_and_body(struct buffer *b, const struct forge_spec *spec)
{
    static const uint8_t MISC[4];
    put_le(b, spec->version, 2);
    put_le(b, 2, 2);
    put_le(b, spec->is_tdx ? 0x81 : 0, 4);
    put_zeros(b, 4);
    put(b, spec->vendor, 16);
    put_zeros(b, 20);
    if (spec->version == 5) {
        put_le(b, spec->is_tdx ? (spec->is_td15 ? 3 : 2) : 1, 2);
        put_le(b, spec->is_tdx ? (spec->is_td15 ? 648 : 584) : 384, 4);
    }
    if (spec->is_tdx) {
        put_td(b, spec);
    } else {
        put_enclave(b, spec->components, MISC, spec->attributes, spec->mrenclave, spec->mrsigner,
                    spec->isv_prod_id, spec->isv_svn, spec->report_data);
    }
}

static void put_certification(struct buffer *b, const struct forge_spec *spec,
                              const struct chain *chain)
{
    struct sl_blob pem;
    put_le(b, spec->cert_type, 2);
    if (spec->cert_type == 1) {
        put_le(b, 36, 4);
        put(b, "\x11\x22\x33", 3);
        put_zeros(b, 13);
        put(b, spec->components, 16);
        put_le(b, spec->pce_svn, 2);
        put(b, spec->pce_id, 2);
        return;
    }
    X509 *certs[3] = {chain->pck, chain->ca, chain->root};
    if (spec->is_order_odd) {
        certs[0] = chain->root;
        certs[2] = chain->pck;
    }
    pem = pki_certs_pem(spec->cert_type == 4 ? &chain->pck : certs, spec->cert_type == 4 ? 1 : 3);
    put_le(b, pem.size + 1, 4);
    put(b, pem.data, pem.size);
    put_zeros(b, 1);
    pki_blob_free(pem);
}

static void put_qe_part(struct buffer *b, const struct forge_spec *spec, const struct chain *chain,
                        const uint8_t ak[64])
{
    static const uint8_t AUTH[32] = {1, 2, 3};
    static const uint8_t QE_MRENCLAVE[32] = {0xee};
    uint8_t bound[64 + sizeof(AUTH)];
    uint8_t report_data[64] = {0};
    uint8_t signature[64];
    memcpy(bound, ak, 64);
    memcpy(bound + 64, AUTH, sizeof(AUTH));
    (void)SHA256(bound, sizeof(bound), report_data);
    report_data[0] ^= spec->is_binding_wrong ? 1 : 0;
    report_data[63] ^= spec->is_binding_tail_set ? 1 : 0;
    size_t start = b->size;
    put_enclave(b, spec->components, spec->qe_misc, spec->qe_attributes, QE_MRENCLAVE,
                spec->qe_mrsigner, spec->qe_prod_id, spec->qe_svn, report_data);
    sign(key_of(spec->is_qe_signed_by_other ? KEY_OTHER : KEY_PCK), b->data + start, 384,
         signature);
    put(b, signature, 64);
    put_le(b, sizeof(AUTH), 2);
    put(b, AUTH, sizeof(AUTH));
    put_certification(b, spec, chain);
}

static void patch_le32(struct buffer *b, size_t off, size_t value)
{
    for (size_t i = 0; i < 4; i++) {
        b->data[off + i] = (uint8_t)(value >> 8 * i);
    }
}

static struct sl_blob make_quote(const struct forge_spec *spec, const struct chain *chain)
{
    static struct buffer b;
    uint8_t ak[64];
    uint8_t signature[64];
    b.size = 0;
    public_point(key_of(KEY_AK), ak);
    put_header_and_body(&b, spec);
    sign(key_of(spec->is_quote_signed_by_other ? KEY_OTHER : KEY_AK), b.data, b.size, signature);
    size_t size_off = b.size;
    put_zeros(&b, 4);
    put(&b, signature, 64);
    put(&b, ak, 64);
    if (spec->version > 3) {
        put_le(&b, 6, 2);
        size_t inner_off = b.size;
        put_zeros(&b, 4);
        put_qe_part(&b, spec, chain, ak);
        patch_le32(&b, inner_off, b.size - inner_off - 4);
    } else {
        put_qe_part(&b, spec, chain, ak);
    }
    patch_le32(&b, size_off, b.size - size_off - 4);
    put_zeros(&b, spec->trailing_size);
    return keep(&b);
}

/* -- TCB info, QE identity ------------------------------------------------------------------ */

static void put_components(struct buffer *b, const char *name, const uint8_t svns[16])
{
    put_text(b, "\"%s\":[", name);
    for (size_t i = 0; i < 16; i++) {
        put_text(b, "%s{\"svn\":%u%s}", i > 0 ? "," : "", svns[i],
                 i > 0            ? ""
                 : name[0] == 's' ? ",\"category\":\"BIOS\",\"type\":\"Early Microcode Update\""
                                  : ",\"category\":\"OS/VMM\",\"type\":\"TDX Module\"");
    }
    put_text(b, "],");
}

static void put_level(struct buffer *b, const struct forge_spec *spec,
                      const struct forge_level *level)
{
    put_text(b, "{\"tcb\":{");
    if (spec->info_version >= 3) {
        put_components(b, "sgxtcbcomponents", level->sgx);
        if (strcmp(spec->info_id, "TDX") == 0) {
            put_components(b, "tdxtcbcomponents", level->tdx);
        }
    } else {
        for (size_t i = 0; i < 16; i++) {
            put_text(b, "\"sgxtcbcomp%02zusvn\":%u,", i + 1, level->sgx[i]);
        }
    }
    put_text(b, "\"pcesvn\":%u},\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"", level->pce_svn,
             level->date, level->status);
    if (level->advisories != NULL) {
        put_text(b, ",\"advisoryIDs\":%s", level->advisories);
    }
    put_text(b, "}");
}

static void put_isv_levels(struct buffer *b, const struct forge_isv_level *levels, size_t count)
{
    put_text(b, "\"tcbLevels\":[");
    for (size_t i = 0; i < count; i++) {
        put_text(b,
                 "%s{\"tcb\":{\"isvsvn\":%u},\"tcbDate\":\"2023-08-09T00:00:00Z\","
                 "\"tcbStatus\":\"%s\"}",
                 i > 0 ? "," : "", levels[i].svn, levels[i].status);
    }
    put_text(b, "]");
}

static void put_modules(struct buffer *b, const struct forge_spec *spec)
{
    uint8_t mrsigner[48] = {0};
    put_text(b, "\"tdxModule\":{\"mrsigner\":\"");
    put_hex(b, mrsigner, 48);
    put_text(b, "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},"
                "\"tdxModuleIdentities\":[");
    for (size_t i = 0; i < spec->module_count; i++) {
        const struct forge_module *module = &spec->modules[i];
        mrsigner[0] = module->mrsigner_first;
        put_text(b, "%s{\"id\":\"%s\",\"mrsigner\":\"", i > 0 ? "," : "", module->id);
        put_hex(b, mrsigner, 48);
        put_text(b, "\",\"attributes\":\"0000000000000000\","
                    "\"attributesMask\":\"FFFFFFFFFFFFFFFF\",");
        put_isv_levels(b, module->levels, module->level_count);
        put_text(b, "}");
    }
    put_text(b, "],");
}

/* Signs what follows @p start, and closes the envelope. */
static struct sl_blob close_envelope(struct buffer *b, size_t start, bool is_changed)
{
    uint8_t signature[64];
    sign(key_of(KEY_SIGNING), b->data + start, b->size - start, signature);
    if (is_changed) {
        /* a digit of the year of issue: still well-formed */
        char *date = memmem(b->data, b->size, "\"issueDate\":\"2", 14);
        DEMAND(date != NULL);
        date[16] = (char)(date[16] == '2' ? '1' : '2');
    }
    put_text(b, ",\"signature\":\"");
    put_hex(b, signature, 64);
    put_text(b, "\"}");
    return keep(b);
}

static struct sl_blob make_info(const struct forge_spec *spec)
{
    static struct buffer b;
    b.size = 0;
    put_text(&b, "{\"tcbInfo\":");
    size_t start = b.size;
    put_text(&b, "{");
    if (spec->info_version >= 3) {
        put_text(&b, "\"id\":\"%s\",", spec->info_id);
    }
    put_text(&b, "\"version\":%u,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",\"fmspc\":\"",
             spec->info_version, spec->info_issue, spec->info_next);
    put_hex(&b, spec->info_fmspc, 6);
    put_text(&b, "\",\"pceId\":\"");
    put_hex(&b, spec->info_pce_id, 2);
    put_text(&b, "\",\"tcbType\":%u,\"tcbEvaluationDataNumber\":%u,", spec->tcb_type,
             spec->evaluation);
    if (spec->info_version >= 3 && strcmp(spec->info_id, "TDX") == 0) {
        put_modules(&b, spec);
    }
    put_text(&b, "\"tcbLevels\":[");
    for (size_t i = 0; i < spec->level_count; i++) {
        put_text(&b, "%s", i > 0 ? "," : "");
        put_level(&b, spec, &spec->levels[i]);
    }
    put_text(&b, "]}");
    return close_envelope(&b, start, spec->is_info_changed);
}

static struct sl_blob make_identity(const struct forge_spec *spec)
{
    static struct buffer b;
    b.size = 0;
    put_text(&b, "{\"enclaveIdentity\":");
    size_t start = b.size;
    put_text(&b,
             "{\"id\":\"%s\",\"version\":2,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\","
             "\"tcbEvaluationDataNumber\":%u,\"miscselect\":\"00000000\","
             "\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"",
             spec->identity_id, spec->identity_issue, spec->identity_next,
             spec->identity_evaluation);
    put_hex(&b, spec->identity_attributes, 16);
    put_text(&b, "\",\"attributesMask\":\"");
    put_hex(&b, spec->identity_mask, 16);
    put_text(&b, "\",\"mrsigner\":\"");
    put_hex(&b, spec->identity_mrsigner, 32);
    put_text(&b, "\",\"isvprodid\":%u,", spec->identity_prod_id);
    put_isv_levels(&b, spec->qe_levels, spec->qe_level_count);
    put_text(&b, "}");
    return close_envelope(&b, start, spec->is_identity_changed);
}

/* -- all of it ------------------------------------------------------------------------------ */

struct forge_spec forge_default(bool is_tdx)
{
    static const uint8_t VENDOR[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                       0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    static const uint8_t QE_MASK[16] = {0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct forge_spec spec = {
        .is_tdx = is_tdx,
        .version = is_tdx ? 4 : 3,
        .root_name = "Test SGX Root CA",
        .ca_name = "Test SGX PCK Platform CA",
        .pck_name = "Test SGX PCK Certificate",
        .signing_name = "Test SGX TCB Signing",
        .components = {7, 9, 3, 3, 255, 255, 1},
        .pce_svn = 13,
        .fmspc = {0x00, 0x60, 0x6a, 0, 0, 0},
        .is_platform = true,
        .attributes = {0x05, 0, 0, 0, 0, 0, 0, 0, 0xe7},
        .mrenclave = {0xaa, 1},
        .mrsigner = {0xbb, 2},
        .report_data = {0xcc, 3},
        .isv_prod_id = 7,
        .isv_svn = 5,
        .tee_tcb_svn = {5, 1, 3},
        .tee_tcb_svn2 = {5, 1, 3},
        .td_attributes = {0, 0, 0, 0x10},
        .mrtd = {0xdd, 4},
        .qe_attributes = {0x15, 0, 0, 0, 0, 0, 0, 0, 0xe7},
        .qe_mrsigner = {0x8c, 0x4f},
        .qe_prod_id = is_tdx ? 2 : 1,
        .qe_svn = 8,
        .cert_type = 5,
        .info_version = 3,
        .info_id = is_tdx ? "TDX" : "SGX",
        .info_fmspc = {0x00, 0x60, 0x6a, 0, 0, 0},
        .evaluation = 17,
        .info_issue = "2023-11-10T00:00:00Z",
        .info_next = "2023-12-10T00:00:00Z",
        .levels = {{.sgx = {7, 9, 3, 3, 255, 255, 1},
                    .tdx = {5, 1, 3},
                    .pce_svn = 13,
                    .date = "2023-08-09T00:00:00Z",
                    .status = "UpToDate"},
                   {.sgx = {6, 9, 3, 3, 255, 255, 0},
                    .tdx = {3, 1, 3},
                    .pce_svn = 13,
                    .date = "2022-08-10T00:00:00Z",
                    .status = "OutOfDate",
                    .advisories = "[\"INTEL-SA-00657\",\"INTEL-SA-00767\"]"}},
        .level_count = 2,
        .modules = {{.id = "TDX_01",
                     .levels = {{5, "UpToDate"}, {3, "OutOfDate"}},
                     .level_count = 2},
                    {.id = "TDX_03", .levels = {{3, "UpToDate"}}, .level_count = 1}},
        .module_count = 2,
        .identity_id = is_tdx ? "TD_QE" : "QE",
        .identity_issue = "2023-11-11T00:00:00Z",
        .identity_next = "2023-12-11T00:00:00Z",
        .identity_attributes = {0x11},
        .identity_mrsigner = {0x8c, 0x4f},
        .identity_prod_id = is_tdx ? 2 : 1,
        .identity_evaluation = 17,
        .qe_levels = {{8, "UpToDate"}, {6, "OutOfDate"}, {5, "Revoked"}},
        .qe_level_count = 3,
    };
    memcpy(spec.vendor, VENDOR, sizeof(VENDOR));
    memcpy(spec.identity_mask, QE_MASK, sizeof(QE_MASK));
    return spec;
}

void forge_make(const struct forge_spec *spec, struct forge *ret_forge)
{
    struct chain chain;
    struct sl_attest_collateral *c = &ret_forge->collateral;
    memset(ret_forge, 0, sizeof(*ret_forge));
    make_chain(spec, &chain);
    X509 *issuers[2] = {chain.ca, chain.root};
    X509 *pck_certs[3] = {chain.pck, chain.ca, chain.root};
    X509 *signers[2] = {chain.signing, spec->is_signing_root_other ? chain.other_root : chain.root};
    ret_forge->evidence = make_quote(spec, &chain);
    ret_forge->root_pem = pki_certs_pem(&chain.root, 1);
    c->tcb_info = make_info(spec);
    c->qe_identity = make_identity(spec);
    c->tcb_signing_chain = pki_certs_pem(signers, 2);
    c->pck_chain = pki_certs_pem(pck_certs, 3);
    if (!spec->is_crl_chain_absent) {
        c->pck_crl_issuer_chain = pki_certs_pem(issuers, 2);
    }
    c->pck_crl = make_crl(spec, spec->is_pck_revoked ? chain.pck : NULL, chain.ca, KEY_CA);
    c->root_crl = make_crl(spec,
                           spec->is_ca_revoked        ? chain.ca
                           : spec->is_signing_revoked ? chain.signing
                                                      : NULL,
                           chain.root, KEY_ROOT);
    X509_free(chain.root);
    X509_free(chain.other_root);
    X509_free(chain.ca);
    X509_free(chain.pck);
    X509_free(chain.signing);
}

void forge_done(struct forge *forge)
{
    struct sl_attest_collateral *c = &forge->collateral;
    const struct sl_blob blobs[] = {forge->evidence,         forge->root_pem,      c->tcb_info,
                                    c->qe_identity,          c->tcb_signing_chain, c->pck_chain,
                                    c->pck_crl_issuer_chain, c->pck_crl,           c->root_crl};
    for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
        pki_blob_free(blobs[i]);
    }
    memset(forge, 0, sizeof(*forge));
}
