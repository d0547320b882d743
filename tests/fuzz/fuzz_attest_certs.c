/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, CRLs and the vendors' extensions. The first byte picks: 0 certificates, 1 CRLs, 2
 * the SGX extension alone. No path to a root may come of bytes that nobody signed. */
#include <stdlib.h>
#include <string.h>

#include "attest/emulated_root.h"
#include "attest/pck.h"
#include "attest/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CERTS, CRLS, EXTENSION, KINDS };

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
    for (size_t i = 0; i < list.count; i++) {
        struct sl_pck pck;
        char why[SL_PCK_WHY_SIZE];
        if (sl_pck_read(list.certs[i], &pck, why) != SL_OK && why[0] == '\0') {
            abort();
        }
    }
    sl_x509_list_done(&list);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct sl_blob in = {data + 1, size - 1};
    switch (data[0] % KINDS) {
    case CERTS:
        fuzz_certs(in);
        break;
    case CRLS:
        fuzz_crl(in);
        break;
    default:
        fuzz_extension(in);
        break;
    }
    return 0;
}
