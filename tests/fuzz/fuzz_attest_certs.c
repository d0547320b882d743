/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, CRLs and the vendors' extensions. The first byte picks: 0 certificates, 1 CRLs, 2
 * the SGX extension alone, 3 certificates and CRLs of AMD's profile. No path to a root may come of
 * bytes that nobody signed. */
#include <stdlib.h>
#include <string.h>

#include "attest/amd_path.h"
#include "attest/amd_roots.h"
#include "attest/cert.h"
#include "attest/emulated_root.h"
#include "attest/pck.h"
#include "attest/snp_cert.h"
#include "attest/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CERTS, CRLS, EXTENSION, AMD, KINDS }; /* corpora depend on the order */

static const struct sl_x509_list *roots(void)
{
    static struct sl_x509_list list;
    if (list.count == 0 && sl_x509_list_read(sl_attest_emulated_root(), &list) != SL_OK) {
        abort();
    }
    return &list;
}

static void fuzz_certs(struct sl_blob in)
{
    static struct sl_findings findings;
    struct sl_x509_list list = {0};
    int64_t from = INT64_MIN;
    int64_t to = INT64_MAX;
    if (sl_x509_list_read(in, &list) != SL_OK) {
        return;
    }
    if (list.count == 0 || list.count > SL_X509_CHAIN_MAX) {
        abort();
    }
    sl_x509_validity(&list, &from, &to);
    findings = (struct sl_findings){0};
    const struct sl_x509_path path = {
        .name = "chain", .certs = &list, .roots = roots(), .time_s = 1780000000};
    const X509 *leaf = sl_x509_path_check(&path, &findings);
    if (leaf == NULL && findings.failure_count == 0) {
        abort();
    }
    sl_x509_list_done(&list);
}

/* Intel's profile has a reader of its own, and whatever it takes OpenSSL must take as well. */
static void fuzz_profile(struct sl_blob in)
{
    static struct sl_cert_list list;
    char why[SL_CERT_WHY_SIZE];
    struct sl_crl crl;
    list = (struct sl_cert_list){0};
    if (sl_cert_list_add(&list, in, false, why) == SL_OK) {
        for (size_t i = 0; i < list.count; i++) {
            const unsigned char *p = list.certs[i].der.data;
            X509 *cert = d2i_X509(NULL, &p, (long)list.certs[i].der.size);
            if (cert == NULL) {
                abort();
            }
            X509_free(cert);
        }
    } else if (why[0] == '\0') {
        abort();
    }
    sl_cert_list_done(&list);
    if (sl_crl_read(in, &crl, why) == SL_OK) {
        int64_t when_s;
        uint8_t serial[] = {1};
        (void)sl_crl_holds(&crl, (struct sl_blob){serial, 1}, &when_s);
        sl_crl_done(&crl);
    } else if (why[0] == '\0') {
        abort();
    }
}

static void fuzz_crl(struct sl_blob in)
{
    static struct sl_findings findings;
    X509_CRL *crl = NULL;
    struct sl_x509_list list = {0};
    if (sl_x509_crl_read(in, &crl) != SL_OK) {
        return;
    }
    findings = (struct sl_findings){0};
    if (sl_x509_list_read(sl_attest_emulated_root(), &list) == SL_OK) {
        const struct sl_x509_path path = {.name = "chain",
                                          .certs = &list,
                                          .roots = roots(),
                                          .crls = &crl,
                                          .crl_count = 1,
                                          .is_crl_required = true,
                                          .time_s = 1780000000};
        (void)sl_x509_path_check(&path, &findings);
        sl_x509_list_done(&list);
    }
    X509_CRL_free(crl);
}

static void fuzz_extension(struct sl_blob in)
{
    struct sl_pck pck;
    char why[SL_PCK_WHY_SIZE];
    if (sl_pck_parse(in, &pck, why) != SL_OK && why[0] == '\0') {
        abort();
    }
}

static void fuzz_amd_path(const struct sl_cert_list *list)
{
    static struct sl_findings findings;
    static struct sl_cert_list ark;
    static const struct sl_cert_list none;
    char why[SL_CERT_WHY_SIZE];
    if (ark.count == 0) {
        ark.profile = SL_CERT_AMD;
        if (sl_cert_list_add(&ark, sl_amd_root(SL_SNP_MILAN), false, why) != SL_OK) {
            abort();
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct sl_amd_path path = {.name = "chain",
                                         .lists = {list, &none},
                                         .roots = &ark,
                                         .leaf = &list->certs[i],
                                         .time_s = 1780000000};
        struct sl_amd_chain chain;
        findings = (struct sl_findings){0};
        if (!sl_amd_path_find(&path, &findings, &chain) && findings.failure_count == 0) {
            abort();
        }
    }
}

static void fuzz_amd(struct sl_blob in)
{
    static struct sl_cert_list list;
    char text[SL_CERT_WHY_SIZE];
    struct sl_crl crl;
    list = (struct sl_cert_list){.profile = SL_CERT_AMD};
    if (sl_cert_list_add(&list, in, true, text) != SL_OK && text[0] == '\0') {
        abort();
    }
    for (size_t i = 0; i < list.count; i++) {
        const unsigned char *p = list.certs[i].der.data;
        const struct sl_cert_amd *amd = &list.certs[i].amd;
        X509 *same = d2i_X509(NULL, &p, (long)list.certs[i].der.size);
        if (same == NULL && amd->fault == NULL && amd->signature.data != NULL) {
            abort(); /* what may be part of a path OpenSSL must take as well */
        }
        X509_free(same);
        struct sl_snp_cert cert;
        const char *why = NULL;
        for (enum sl_snp_signer kind = SL_SNP_SIGNER_VCEK; kind <= SL_SNP_SIGNER_VLEK; kind++) {
            if (sl_snp_cert_read(&list.certs[i], kind, &cert, &why) != SL_OK && why == NULL) {
                abort();
            }
        }
    }
    fuzz_amd_path(&list);
    bool has_crl = sl_crl_read_amd(in, &crl, text) == SL_OK;
    if (!has_crl && text[0] == '\0') {
        abort();
    }
    if (has_crl) {
        uint8_t serial[] = {1};
        int64_t when_s;
        (void)sl_crl_holds(&crl, (struct sl_blob){serial, 1}, &when_s);
        sl_crl_done(&crl);
    }
    sl_cert_list_done(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct sl_blob in = {data + 1, size - 1};
    switch (data[0] % KINDS) {
    case CERTS:
        fuzz_profile(in);
        fuzz_certs(in);
        break;
    case CRLS:
        fuzz_profile(in);
        fuzz_crl(in);
        break;
    case AMD:
        fuzz_amd(in);
        break;
    default:
        fuzz_extension(in);
        break;
    }
    return 0;
}
