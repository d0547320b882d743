/* SPDX-License-Identifier: Apache-2.0 */
/* Paths made here: each fault with its finding, every byte flipped. */
#include "chain_rig.h"

#include "attest/cache.h"

static X509 *check_at(const struct chain *chain, int64_t time_s, struct sl_findings *findings)
{
    struct sl_x509_list certs = {.certs = {chain->leaf, chain->ca, chain->root}, .count = 3};
    struct sl_x509_list roots = {.certs = {chain->root}, .count = 1};
    struct sl_x509_path path = {
        .name = "test chain", .certs = &certs, .roots = &roots, .time_s = time_s};
    return sl_x509_path_check(&path, findings);
}

static void test_path_check_any_order_finds_the_leaf(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    X509 *const c[3] = {chain.leaf, chain.ca, chain.root};
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct sl_x509_list roots = {.certs = {chain.root}, .count = 1};
    for (size_t i = 0; i < 6; i++) {
        struct sl_x509_list certs = {
            .certs = {c[orders[i][0]], c[orders[i][1]], c[orders[i][2]], chain.leaf}, .count = 4};
        struct sl_findings findings = {.count = 0};
        struct sl_x509_path path = {
            .name = "test chain", .certs = &certs, .roots = &roots, .time_s = PKI_NOW};
        struct sl_x509_chain found;
        assert_ptr_equal(sl_x509_path_find(&path, &findings, &found), chain.leaf);
        assert_only(&findings, SL_ATTEST_CHECK_COUNT);
        assert_int_equal(found.count, 3);
        assert_ptr_equal(found.certs[2], chain.root);
        certs.count = 2; /* without the root, where it is the last */
        if (orders[i][2] == 2) {
            assert_ptr_equal(sl_x509_path_check(&path, &findings), chain.leaf);
        }
    }
    chain_done(&chain);
}

struct fault {
    const char *what;
    enum sl_attest_check check;
    struct pki_spec root, ca, leaf;
    bool is_leaf_returned;
};

static void test_path_check_each_fault_has_its_finding(void **state)
{
    static const uint8_t null[] = {5, 0};
    struct fault faults[16];
    size_t count = 0;
#define FAULT(text, code)                                                                          \
    faults[count] = (struct fault){text, code, good_root, good_ca, good_leaf, false};              \
    for (struct fault *f = &faults[count++]; f != NULL; f = NULL)

    FAULT("CA without basic constraints", SL_CHECK_CERT_USAGE)
    {
        f->ca.is_ca = false;
    }
    FAULT("CA without keyCertSign", SL_CHECK_CERT_USAGE)
    {
        f->ca.usage = "cRLSign";
    }
    FAULT("path length 0 at the root", SL_CHECK_CERT_USAGE)
    {
        f->root.path_length = 0;
    }
    FAULT("leaf is a CA", SL_CHECK_CERT_USAGE)
    {
        f->leaf.is_ca = true;
    }
    FAULT("leaf may not sign", SL_CHECK_CERT_USAGE)
    {
        f->leaf.usage = "keyEncipherment";
    }
    FAULT("unknown critical extension in the leaf", SL_CHECK_CERT_FORMAT)
    {
        f->leaf.extensions[0] = (struct pki_extension){"1.2.3.4", null, 2, true};
    }
    FAULT("unknown critical extension in the CA", SL_CHECK_CERT_FORMAT)
    {
        f->ca.extensions[0] = (struct pki_extension){"1.2.3.4", null, 2, true};
    }
    FAULT("one extension twice", SL_CHECK_CERT_FORMAT)
    {
        f->leaf.extensions[0] = (struct pki_extension){"1.2.3.4", null, 2, false};
        f->leaf.extensions[1] = (struct pki_extension){"1.2.3.4", null, 2, false};
    }
    FAULT("leaf of version 1", SL_CHECK_CERT_FORMAT)
    {
        f->leaf.is_version_1 = true;
    }
    FAULT("SHA-1", SL_CHECK_CERT_SIGNATURE)
    {
        f->leaf.digest = "SHA1";
    }
    FAULT("leaf expired", SL_CHECK_CERT_EXPIRED)
    {
        f->leaf.until_s = PKI_NOW - 1;
        f->is_leaf_returned = true;
    }
    FAULT("CA expired", SL_CHECK_CERT_EXPIRED)
    {
        f->ca.until_s = PKI_NOW - 1;
        f->is_leaf_returned = true;
    }
    FAULT("root expired", SL_CHECK_CERT_EXPIRED)
    {
        f->root.until_s = PKI_NOW - 1;
        f->is_leaf_returned = true;
    }
    FAULT("leaf not valid yet", SL_CHECK_CERT_NOT_YET)
    {
        f->leaf.from_s = PKI_NOW + 1;
        f->is_leaf_returned = true;
    }
    FAULT("issuer is another", SL_CHECK_CERT_PATH)
    {
        f->leaf.issuer = "Somebody else";
    }
#undef FAULT
    for (size_t i = 0; i < count; i++) {
        struct chain chain = chain_make(&faults[i].root, &faults[i].ca, &faults[i].leaf);
        struct sl_findings findings = {.count = 0};
        struct sl_x509_list certs = {.certs = {chain.leaf, chain.ca}, .count = 2};
        struct sl_x509_list roots = {.certs = {chain.root}, .count = 1};
        struct sl_x509_path path = {.name = "test chain",
                                    .certs = &certs,
                                    .roots = &roots,
                                    .leaf = chain.leaf,
                                    .time_s = PKI_NOW};
        print_message("%s\n", faults[i].what);
        X509 *leaf = sl_x509_path_check(&path, &findings);
        assert_only(&findings, faults[i].check);
        assert_ptr_equal(leaf, faults[i].is_leaf_returned ? chain.leaf : NULL);
        chain_done(&chain);
    }
}

static void test_path_check_validity_bounds_are_inclusive(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    static const struct {
        int64_t time_s;
        size_t failures; /* each of the three certificates tells */
        enum sl_attest_check check;
    } rows[] = {{PKI_NOW - PKI_DAY - 1, 3, SL_CHECK_CERT_NOT_YET},
                {PKI_NOW - PKI_DAY, 0, SL_CHECK_CERT_NOT_YET},
                {PKI_NOW + 365 * PKI_DAY, 0, SL_CHECK_CERT_EXPIRED},
                {PKI_NOW + 365 * PKI_DAY + 1, 3, SL_CHECK_CERT_EXPIRED},
                {INT64_MAX, 3, SL_CHECK_CERT_EXPIRED},
                {INT64_MIN, 3, SL_CHECK_CERT_NOT_YET}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_findings findings = {.count = 0};
        assert_ptr_equal(check_at(&chain, rows[i].time_s, &findings), chain.leaf);
        assert_int_equal(findings.failure_count, rows[i].failures);
        assert_int_equal(sl_findings_has(&findings, rows[i].check), rows[i].failures != 0);
    }
    chain_done(&chain);
}

static void test_path_check_look_alikes_are_refused(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    X509 *fake_root = pki_cert_make(&good_root, other_key, NULL, NULL);
    X509 *fake_ca = pki_cert_make(&good_ca, other_key, fake_root, other_key);
    X509 *fake_leaf = pki_cert_make(&good_leaf, leaf_key, fake_ca, other_key);
    struct sl_x509_list roots = {.certs = {chain.root}, .count = 1};
    struct {
        struct sl_x509_list certs;
        enum sl_attest_check check;
    } rows[] = {
        {{.certs = {fake_leaf, fake_ca, fake_root}, .count = 3}, SL_CHECK_CERT_PATH},
        {{.certs = {fake_leaf, fake_ca}, .count = 2}, SL_CHECK_CERT_PATH},
        {{.certs = {fake_leaf, chain.ca, chain.root}, .count = 3}, SL_CHECK_CERT_PATH},
        {{.certs = {chain.leaf, fake_ca}, .count = 2}, SL_CHECK_CERT_PATH},
        {{.certs = {chain.leaf, chain.ca, fake_root}, .count = 3}, SL_CHECK_CERT_PATH},
        {{.certs = {chain.leaf}, .count = 1}, SL_CHECK_CERT_PATH},
        {{.count = 0}, SL_CHECK_CERT_PATH},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_findings findings = {.count = 0};
        struct sl_x509_path path = {
            .name = "test chain", .certs = &rows[i].certs, .roots = &roots, .time_s = PKI_NOW};
        assert_null(sl_x509_path_check(&path, &findings));
        assert_true(sl_findings_has(&findings, rows[i].check));
    }
    X509_free(fake_root);
    X509_free(fake_ca);
    X509_free(fake_leaf);
    chain_done(&chain);
}

static void test_path_check_leaf_given_tolerates_others(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    struct pki_spec sibling = good_ca;
    sibling.name = "Sibling CA";
    X509 *other = pki_cert_make(&sibling, other_key, chain.root, root_key);
    struct sl_x509_list roots = {.certs = {chain.root}, .count = 1};
    struct sl_x509_list certs = {.certs = {other, chain.leaf, chain.root, chain.ca}, .count = 4};
    struct sl_findings findings = {.count = 0};
    struct sl_x509_path path = {
        .name = "test chain", .certs = &certs, .roots = &roots, .time_s = PKI_NOW};
    assert_null(sl_x509_path_check(&path, &findings));
    assert_only(&findings, SL_CHECK_CERT_PATH);
    findings = (struct sl_findings){.count = 0};
    path.leaf = chain.leaf;
    assert_ptr_equal(sl_x509_path_check(&path, &findings), chain.leaf);
    assert_only(&findings, SL_ATTEST_CHECK_COUNT);
    /* A stranger is not tolerated, nor a changed root. */
    X509 *stranger = pki_cert_make(&good_root, other_key, NULL, NULL);
    certs.certs[0] = stranger;
    assert_null(sl_x509_path_check(&path, &findings));
    assert_only(&findings, SL_CHECK_CERT_PATH);
    X509_free(stranger);
    X509_free(other);
    chain_done(&chain);
}

static void test_path_check_ca_role_takes_issuers_only(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    struct sl_x509_list roots = {.certs = {chain.root}, .count = 1};
    struct sl_x509_list certs = {.certs = {chain.ca, chain.root}, .count = 2};
    struct sl_findings findings = {.count = 0};
    struct sl_x509_path path = {.name = "test chain",
                                .certs = &certs,
                                .roots = &roots,
                                .role = SL_X509_CA,
                                .time_s = PKI_NOW};
    assert_ptr_equal(sl_x509_path_check(&path, &findings), chain.ca);
    assert_ptr_equal(sl_x509_path_check(&(struct sl_x509_path){.name = "root alone",
                                                               .certs = &roots,
                                                               .roots = &roots,
                                                               .role = SL_X509_CA,
                                                               .time_s = PKI_NOW},
                                        &findings),
                     chain.root);
    assert_only(&findings, SL_ATTEST_CHECK_COUNT);
    certs = (struct sl_x509_list){.certs = {chain.leaf, chain.ca}, .count = 2};
    assert_null(sl_x509_path_check(&path, &findings));
    assert_only(&findings, SL_CHECK_CERT_USAGE);
    /* A signer is never its own anchor. */
    findings = (struct sl_findings){.count = 0};
    path.role = SL_X509_SIGNER;
    certs = (struct sl_x509_list){.certs = {chain.root}, .count = 1};
    assert_null(sl_x509_path_check(&path, &findings));
    assert_only(&findings, SL_CHECK_CERT_PATH);
    chain_done(&chain);
}

static void test_path_check_rsa_pss_root_and_weak_key(void **state)
{
    EVP_PKEY *rsa_key = pki_key_make(PKI_RSA2048), *weak_key = pki_key_make(PKI_RSA1024);
    struct pki_spec ca = good_root;
    ca.path_length = 0;
    EVP_PKEY *const keys[] = {rsa_key, rsa_key, weak_key};
    for (size_t i = 0; i < 3; i++) {
        struct pki_spec leaf_spec = good_leaf;
        leaf_spec.is_plain_rsa = i == 1;
        X509 *root = pki_cert_make(&ca, keys[i], NULL, NULL);
        X509 *leaf = pki_cert_make(&leaf_spec, leaf_key, root, keys[i]);
        struct sl_x509_list roots = {.certs = {root}, .count = 1};
        struct sl_x509_list certs = {.certs = {leaf}, .count = 1};
        struct sl_findings findings = {.count = 0};
        struct sl_x509_path path = {
            .name = "test chain", .certs = &certs, .roots = &roots, .time_s = PKI_NOW};
        assert_ptr_equal(sl_x509_path_check(&path, &findings), i < 2 ? leaf : NULL);
        assert_only(&findings, i < 2 ? SL_ATTEST_CHECK_COUNT : SL_CHECK_CERT_SIGNATURE);
        X509_free(root);
        X509_free(leaf);
    }
    EVP_PKEY_free(rsa_key);
    EVP_PKEY_free(weak_key);
}

static void test_path_check_every_byte_flipped_is_refused(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    X509 *const certs[] = {chain.leaf, chain.ca, chain.root};
    struct sl_blob der = pki_certs_der(certs, 3);
    uint8_t *copy = malloc(der.size);
    assert_non_null(copy);
    struct sl_x509_list roots = {.certs = {chain.root}, .count = 1};
    for (size_t i = 0; i < der.size; i++) {
        memcpy(copy, der.data, der.size);
        copy[i] ^= (uint8_t)(1U << (i % 8));
        struct sl_x509_list list;
        if (sl_x509_list_read((struct sl_blob){copy, der.size}, &list) != SL_OK) {
            continue;
        }
        struct sl_findings findings = {.count = 0};
        struct sl_x509_path path = {
            .name = "test chain", .certs = &list, .roots = &roots, .time_s = PKI_NOW};
        (void)sl_x509_path_check(&path, &findings);
        if (findings.failure_count == 0) {
            fail_msg("byte %zu of the chain may be changed", i);
        }
        sl_x509_list_done(&list);
    }
    free(copy);
    pki_blob_free(der);
    chain_done(&chain);
}

static void test_path_check_cache_saves_signatures_not_times(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    X509_CRL *crl = pki_crl_make(&(struct pki_crl_spec){0}, chain.ca, ca_key);
    struct sl_attest_cache *cache = NULL;
    assert_ok(sl_attest_cache_create(16, &cache));
    struct sl_x509_list certs = {.certs = {chain.leaf, chain.ca, chain.root}, .count = 3};
    struct sl_x509_list roots = {.certs = {chain.root}, .count = 1};
    struct sl_x509_path path = {.name = "test chain",
                                .certs = &certs,
                                .roots = &roots,
                                .crls = &crl,
                                .crl_count = 1,
                                .time_s = PKI_NOW,
                                .cache = cache};
    for (int round = 0; round < 2; round++) {
        struct sl_findings findings = {.count = 0};
        assert_ptr_equal(sl_x509_path_check(&path, &findings), chain.leaf);
        assert_only(&findings, SL_ATTEST_CHECK_COUNT);
    }
    struct sl_findings findings = {.count = 0};
    path.time_s = PKI_NOW + 400 * PKI_DAY;
    (void)sl_x509_path_check(&path, &findings);
    assert_true(sl_findings_has(&findings, SL_CHECK_CERT_EXPIRED));
    assert_true(sl_findings_has(&findings, SL_CHECK_CRL_EXPIRED));
    /* What never verified is not in the cache. */
    struct pki_spec forged = good_leaf;
    X509 *leaf = pki_cert_make(&forged, leaf_key, chain.ca, ca_key);
    X509 *fake_ca = pki_cert_make(&good_ca, other_key, chain.root, other_key);
    certs = (struct sl_x509_list){.certs = {leaf, fake_ca}, .count = 2};
    path.time_s = PKI_NOW;
    for (int round = 0; round < 2; round++) {
        findings = (struct sl_findings){.count = 0};
        assert_null(sl_x509_path_check(&path, &findings));
    }
    X509_free(leaf);
    X509_free(fake_ca);
    sl_attest_cache_free(cache);
    X509_CRL_free(crl);
    chain_done(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_check_any_order_finds_the_leaf),
        cmocka_unit_test(test_path_check_each_fault_has_its_finding),
        cmocka_unit_test(test_path_check_validity_bounds_are_inclusive),
        cmocka_unit_test(test_path_check_look_alikes_are_refused),
        cmocka_unit_test(test_path_check_leaf_given_tolerates_others),
        cmocka_unit_test(test_path_check_ca_role_takes_issuers_only),
        cmocka_unit_test(test_path_check_rsa_pss_root_and_weak_key),
        cmocka_unit_test(test_path_check_every_byte_flipped_is_refused),
        cmocka_unit_test(test_path_check_cache_saves_signatures_not_times),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
