/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation with CRLs made here, and the vendors' own chains and CRLs. */
#include "chain_rig.h"

#include <openssl/x509v3.h>

#include "base/bytes.h"

static void check_crl(const struct pki_crl_spec *spec, X509 *named, EVP_PKEY *key,
                      const struct chain *chain, uint64_t max_age_s, enum sl_attest_check check)
{
    X509_CRL *crl = spec != NULL ? pki_crl_make(spec, named, key) : NULL;
    X509_CRL *root_crl = pki_crl_make(&(struct pki_crl_spec){0}, chain->root, root_key);
    X509_CRL *const crls[] = {root_crl, crl};
    struct sl_x509_list certs = {.certs = {chain->leaf, chain->ca}, .count = 2};
    struct sl_x509_list roots = {.certs = {chain->root}, .count = 1};
    struct sl_findings findings = {.count = 0};
    struct sl_x509_path path = {.name = "test chain",
                                .certs = &certs,
                                .roots = &roots,
                                .crls = crls,
                                .crl_count = crl != NULL ? 2 : 1,
                                .is_crl_required = true,
                                .time_s = PKI_NOW,
                                .max_crl_age_s = max_age_s};
    (void)sl_x509_path_check(&path, &findings);
    assert_only(&findings, check);
    X509_CRL_free(crl);
    X509_CRL_free(root_crl);
}

static void test_path_check_revocation(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    const struct {
        struct pki_crl_spec spec;
        uint64_t max_age_s;
        enum sl_attest_check check;
    } rows[] = {
        {{.from_s = 0}, 0, SL_ATTEST_CHECK_COUNT},
        {{.revoked = chain.root}, 0, SL_ATTEST_CHECK_COUNT}, /* another serial number */
        {{.revoked = chain.leaf}, 0, SL_CHECK_CERT_REVOKED},
        {{.until_s = PKI_NOW - 1}, 0, SL_CHECK_CRL_EXPIRED},
        {{.until_s = PKI_NOW}, 0, SL_ATTEST_CHECK_COUNT},
        {{.from_s = PKI_NOW + 1}, 0, SL_CHECK_CRL_NOT_YET},
        {{.from_s = PKI_NOW - 100}, 99, SL_CHECK_COLLATERAL_TOO_OLD},
        {{.from_s = PKI_NOW - 100}, 100, SL_ATTEST_CHECK_COUNT},
        {{.is_without_next = true}, 0, SL_CHECK_CERT_FORMAT},
        /* without a number is a warning */
        {{.is_without_number = true}, 0, SL_ATTEST_CHECK_COUNT},
        {{.has_critical = true}, 0, SL_CHECK_CERT_FORMAT},
        {{.has_critical_entry = true, .revoked = chain.root}, 0, SL_CHECK_CERT_FORMAT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t age = rows[i].max_age_s;
        print_message("row %zu\n", i);
        if (age != 0) { /* the root's CRL, a day old, would fail as well */
            struct pki_crl_spec spec = rows[i].spec;
            X509_CRL *crl = pki_crl_make(&spec, chain.ca, ca_key);
            struct sl_x509_list certs = {.certs = {chain.leaf, chain.ca}, .count = 2};
            struct sl_x509_list roots = {.certs = {chain.root}, .count = 1};
            struct sl_findings findings = {.count = 0};
            struct sl_x509_path path = {.name = "test chain",
                                        .certs = &certs,
                                        .roots = &roots,
                                        .crls = &crl,
                                        .crl_count = 1,
                                        .time_s = PKI_NOW,
                                        .max_crl_age_s = age};
            (void)sl_x509_path_check(&path, &findings);
            assert_only(&findings, rows[i].check);
            X509_CRL_free(crl);
            continue;
        }
        check_crl(&rows[i].spec, chain.ca, ca_key, &chain, 0, rows[i].check);
    }
    check_crl(NULL, NULL, NULL, &chain, 0, SL_CHECK_CRL_MISSING);
    /* Named after the CA and signed by another key. */
    struct pki_crl_spec plain = {.from_s = 0};
    X509 *named = pki_cert_make(&good_ca, other_key, chain.root, root_key);
    check_crl(&plain, named, other_key, &chain, 0, SL_CHECK_CRL_SIGNATURE);
    check_crl(&plain, chain.ca, other_key, &chain, 0, SL_CHECK_CRL_SIGNATURE);
    X509_free(named);
    chain_done(&chain);
    struct pki_spec ca = good_ca;
    ca.usage = "keyCertSign";
    chain = chain_make(&good_root, &ca, &good_leaf);
    check_crl(&plain, chain.ca, ca_key, &chain, 0, SL_CHECK_CERT_USAGE);
    chain_done(&chain);
}

static void test_path_check_crl_every_byte_flipped_is_refused(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    X509_CRL *crl = pki_crl_make(&(struct pki_crl_spec){.revoked = chain.root}, chain.ca, ca_key);
    struct sl_blob der = pki_crl_der(crl);
    uint8_t *copy = malloc(der.size);
    assert_non_null(copy);
    struct sl_x509_list certs = {.certs = {chain.leaf, chain.ca}, .count = 2};
    struct sl_x509_list roots = {.certs = {chain.root}, .count = 1};
    X509_CRL *root_crl = pki_crl_make(&(struct pki_crl_spec){0}, chain.root, root_key);
    for (size_t i = 0; i < der.size; i++) {
        memcpy(copy, der.data, der.size);
        copy[i] ^= (uint8_t)(1U << (i % 8));
        X509_CRL *changed = NULL;
        if (sl_x509_crl_read((struct sl_blob){copy, der.size}, &changed) != SL_OK) {
            continue;
        }
        X509_CRL *const crls[] = {changed, root_crl};
        struct sl_findings findings = {.count = 0};
        struct sl_x509_path path = {.name = "test chain",
                                    .certs = &certs,
                                    .roots = &roots,
                                    .crls = crls,
                                    .crl_count = 2,
                                    .is_crl_required = true,
                                    .time_s = PKI_NOW};
        (void)sl_x509_path_check(&path, &findings);
        if (findings.failure_count == 0) {
            fail_msg("byte %zu of the CRL may be changed", i);
        }
        X509_CRL_free(changed);
    }
    free(copy);
    X509_CRL_free(root_crl);
    X509_CRL_free(crl);
    pki_blob_free(der);
    chain_done(&chain);
}

/* --- the vendors' --- */

static struct sl_blob file_read(const char *name)
{
    char path[512];
    vector_path(name, path, sizeof(path));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *data = malloc(SL_X509_SIZE_MAX);
    assert_non_null(data);
    size_t size = fread(data, 1, SL_X509_SIZE_MAX, file);
    (void)fclose(file);
    return (struct sl_blob){data, size};
}

static void list_load(const char *name, struct sl_x509_list *list)
{
    struct sl_blob blob = file_read(name);
    assert_ok(sl_x509_list_read(blob, list));
    pki_blob_free(blob);
}

/* AMD: RSA-PSS 4096 ARK and ASK, P-384 VCEK with serial number 0. */
static void test_path_check_amd_chains(void **state)
{
    static const struct {
        const char *leaf, *issuers;
        int64_t time_s;
    } rows[] = {
        {"snp/virtee-sev/tests/certs_data/vcek_milan.der",
         "snp/virtee-sev/tests/certs_data/cert_chain_milan", 1700000000},
        {"snp/virtee-sev/tests/certs_data/vcek_turin.der",
         "snp/virtee-sev/tests/certs_data/cert_chain_turin", 1740000000},
        {"snp/go-sev-guest/verify/testdata/vcek.testcer",
         "snp/go-sev-guest/verify/trust/ask_ark_milan.pem", 1700000000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_x509_list leaf, issuers;
        list_load(rows[i].leaf, &leaf);
        list_load(rows[i].issuers, &issuers);
        assert_int_equal(issuers.count, 2);
        bool is_root_first = X509_check_issued(issuers.certs[0], issuers.certs[0]) == X509_V_OK;
        X509 *root = issuers.certs[is_root_first ? 0 : 1];
        struct sl_x509_list certs = {.certs = {leaf.certs[0], issuers.certs[0], issuers.certs[1]},
                                     .count = 3};
        struct sl_x509_list roots = {.certs = {root}, .count = 1};
        struct sl_findings findings = {.count = 0};
        struct sl_x509_path path = {
            .name = "VCEK chain", .certs = &certs, .roots = &roots, .time_s = rows[i].time_s};
        assert_ptr_equal(sl_x509_path_check(&path, &findings), leaf.certs[0]);
        assert_only(&findings, SL_ATTEST_CHECK_COUNT);
        sl_x509_list_done(&leaf);
        sl_x509_list_done(&issuers);
    }
}

/* Intel's sample chain with its CRLs: the PCK certificate is not revoked. */
static void test_path_check_intel_chain_with_crls(void **state)
{
#define QVL "tdx/intel-qvl/Src/AttestationApp/sampleData/tdx/"
    struct sl_x509_list leaf, issuers, roots;
    list_load(QVL "pckCert.pem", &leaf);
    list_load(QVL "pckSignChain.pem", &issuers);
    list_load(QVL "trustedRootCaCert.pem", &roots);
    struct sl_x509_list certs = {.certs = {leaf.certs[0], issuers.certs[0], issuers.certs[1]},
                                 .count = 3};
    struct sl_blob files[2] = {file_read(QVL "intermediateCaCrl.der"),
                               file_read(QVL "rootCaCrl.der")};
    X509_CRL *crls[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) { /* they are hex in a file that is called .der */
        size_t size = files[i].size;
        uint8_t *bytes = malloc(size);
        assert_non_null(bytes);
        if (files[i].data[0] == '3') {
            char *text = strndup((const char *)files[i].data, size);
            text[strcspn(text, "\r\n")] = '\0';
            size = strlen(text) / 2;
            assert_ok(sl_hex_decode(text, bytes, size));
            free(text);
        } else {
            memcpy(bytes, files[i].data, size);
        }
        assert_ok(sl_x509_crl_read((struct sl_blob){bytes, size}, &crls[i]));
        free(bytes);
        pki_blob_free(files[i]);
    }
    struct sl_findings findings = {.count = 0};
    struct sl_x509_path path = {.name = "PCK chain",
                                .certs = &certs,
                                .roots = &roots,
                                .crls = crls,
                                .crl_count = 2,
                                .is_crl_required = true,
                                .time_s = 1700000000};
    assert_ptr_equal(sl_x509_path_check(&path, &findings), leaf.certs[0]);
    findings_print(&findings);
    assert_only(&findings, SL_ATTEST_CHECK_COUNT);
    X509_CRL_free(crls[0]);
    X509_CRL_free(crls[1]);
    sl_x509_list_done(&leaf);
    sl_x509_list_done(&issuers);
    sl_x509_list_done(&roots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_check_revocation),
        cmocka_unit_test(test_path_check_crl_every_byte_flipped_is_refused),
        cmocka_unit_test(test_path_check_amd_chains),
        cmocka_unit_test(test_path_check_intel_chain_with_crls),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
