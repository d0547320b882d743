/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate lists, paths and revocation, with chains made here and the vendors' own. */
#include "unit.h"

#include <openssl/x509v3.h>

#include "attest/cache.h"
#include "attest/x509.h"
#include "base/bytes.h"
#include "pki.h"

/* Keys are made once: making them is the slow part. */
static EVP_PKEY *root_key, *ca_key, *leaf_key, *other_key, *rsa_key, *weak_key;

static int setup(void **state)
{
    root_key = pki_key_make(PKI_P256);
    ca_key = pki_key_make(PKI_P384);
    leaf_key = pki_key_make(PKI_P256);
    other_key = pki_key_make(PKI_P256);
    rsa_key = pki_key_make(PKI_RSA2048);
    weak_key = pki_key_make(PKI_RSA1024);
    return 0;
}

static int teardown(void **state)
{
    EVP_PKEY *const keys[] = {root_key, ca_key, leaf_key, other_key, rsa_key, weak_key};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        EVP_PKEY_free(keys[i]);
    }
    return 0;
}

static const struct pki_spec good_root = {.name = "Test root",
                                          .serial = 1,
                                          .is_ca = true,
                                          .usage = "keyCertSign, cRLSign",
                                          .has_path_length = true,
                                          .path_length = 1};
static const struct pki_spec good_ca = {.name = "Test CA",
                                        .serial = 2,
                                        .is_ca = true,
                                        .usage = "keyCertSign, cRLSign",
                                        .has_path_length = true,
                                        .path_length = 0};
static const struct pki_spec good_leaf = {
    .name = "Test leaf", .serial = 3, .usage = "digitalSignature"};

/* root -> ca -> leaf */
struct chain {
    X509 *root, *ca, *leaf;
};

static struct chain chain_make(const struct pki_spec *root, const struct pki_spec *ca,
                               const struct pki_spec *leaf)
{
    struct chain chain;
    chain.root = pki_cert_make(root, root_key, NULL, NULL);
    chain.ca = pki_cert_make(ca, ca_key, chain.root, root_key);
    chain.leaf = pki_cert_make(leaf, leaf_key, chain.ca, ca_key);
    return chain;
}

static void chain_done(struct chain *chain)
{
    X509_free(chain->root);
    X509_free(chain->ca);
    X509_free(chain->leaf);
}

static void findings_print(const struct sl_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        print_message("  %s: %s\n", findings->list[i].code, findings->list[i].text);
    }
}

/* Exactly these checks failed; SL_ATTEST_CHECK_COUNT: none. */
static void assert_only(const struct sl_findings *findings, enum sl_attest_check check)
{
    size_t expected = check == SL_ATTEST_CHECK_COUNT ? 0 : 1;
    if (findings->failure_count != expected ||
        (expected == 1 && !sl_findings_has(findings, check))) {
        findings_print(findings);
    }
    assert_int_equal(findings->failure_count, expected);
    assert_true(expected == 0 || sl_findings_has(findings, check));
}

static X509 *check_at(const struct chain *chain, int64_t time_s, struct sl_findings *findings)
{
    struct sl_x509_list certs = {.certs = {chain->leaf, chain->ca, chain->root}, .count = 3};
    struct sl_x509_list roots = {.certs = {chain->root}, .count = 1};
    struct sl_x509_path path = {
        .name = "test chain", .certs = &certs, .roots = &roots, .time_s = time_s};
    return sl_x509_path_check(&path, findings);
}

/* --- lists --- */

static void test_list_read_der_and_pem_gives_the_same_certificates(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    X509 *const certs[] = {chain.ca, chain.leaf, chain.root};
    struct sl_blob der = pki_certs_der(certs, 3), pem = pki_certs_pem(certs, 3);
    struct sl_x509_list a, b;
    assert_ok(sl_x509_list_read(der, &a));
    assert_ok(sl_x509_list_read(pem, &b));
    assert_int_equal(a.count, 3);
    assert_int_equal(b.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(X509_cmp(a.certs[i], certs[i]), 0);
        assert_int_equal(X509_cmp(b.certs[i], certs[i]), 0);
    }
    int64_t from_s = INT64_MIN, until_s = INT64_MAX;
    sl_x509_validity(&a, &from_s, &until_s);
    assert_int_equal(from_s, PKI_NOW - PKI_DAY);
    assert_int_equal(until_s, PKI_NOW + 365 * PKI_DAY);
    sl_x509_list_done(&a);
    sl_x509_list_done(&b);
    pki_blob_free(der);
    pki_blob_free(pem);
    chain_done(&chain);
}

static void test_list_read_truncated_anywhere_is_refused(void **state)
{
    X509 *root = pki_cert_make(&good_root, root_key, NULL, NULL);
    struct sl_blob der = pki_certs_der(&root, 1), pem = pki_certs_pem(&root, 1);
    struct sl_x509_list list;
    assert_rc(sl_x509_list_read((struct sl_blob){NULL, 0}, &list), SL_TRUNCATED);
    assert_rc(sl_x509_list_read((struct sl_blob){der.data, 0}, &list), SL_TRUNCATED);
    for (size_t size = 2; size < der.size; size++) {
        assert_rc(sl_x509_list_read((struct sl_blob){der.data, size}, &list), SL_MALFORMED);
        assert_int_equal(list.count, 0);
    }
    for (size_t size = 1; size < pem.size - 1; size++) { /* the last line feed may be missing */
        assert_int_not_equal(sl_x509_list_read((struct sl_blob){pem.data, size}, &list), SL_OK);
    }
    assert_rc(sl_x509_list_read((struct sl_blob){(const uint8_t *)"text", 4}, &list), SL_TRUNCATED);
    pki_blob_free(der);
    pki_blob_free(pem);
    X509_free(root);
}

static void test_list_read_beyond_its_bounds_is_refused(void **state)
{
    X509 *root = pki_cert_make(&good_root, root_key, NULL, NULL);
    X509 *const many[] = {root, root, root, root, root, root, root, root, root};
    struct sl_blob der = pki_certs_der(many, 9);
    struct sl_x509_list list;
    assert_rc(sl_x509_list_read(der, &list), SL_RANGE);
    pki_blob_free(der);
    uint8_t *large = calloc(1, SL_X509_SIZE_MAX + 1);
    assert_non_null(large);
    assert_rc(sl_x509_list_read((struct sl_blob){large, SL_X509_SIZE_MAX + 1}, &list), SL_RANGE);
    free(large);
    X509_free(root);
}

static void test_list_read_other_bytes_are_refused(void **state)
{
    X509 *root = pki_cert_make(&good_root, root_key, NULL, NULL);
    struct sl_blob der = pki_certs_der(&root, 1);
    struct sl_x509_list list;
    uint8_t *tail = malloc(der.size + 1);
    assert_non_null(tail);
    memcpy(tail, der.data, der.size);
    tail[der.size] = 0;
    assert_rc(sl_x509_list_read((struct sl_blob){tail, der.size + 1}, &list), SL_MALFORMED);
    /* The same certificate with its outer length in a longer form is BER, not DER (X.690 10.1). */
    uint8_t *longer = malloc(der.size + 1);
    assert_non_null(longer);
    longer[0] = 0x30;
    longer[1] = 0x83;
    longer[2] = 0;
    memcpy(longer + 3, der.data + 2, der.size - 2);
    assert_rc(sl_x509_list_read((struct sl_blob){longer, der.size + 1}, &list), SL_MALFORMED);
    static const char encrypted[] = "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                                    "DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END CERTIFICATE-----\n";
    assert_rc(sl_x509_list_read((struct sl_blob){(const uint8_t *)encrypted, sizeof(encrypted) - 1},
                                &list),
              SL_MALFORMED);
    free(tail);
    free(longer);
    pki_blob_free(der);
    X509_free(root);
}

/* --- paths --- */

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

/* --- revocation --- */

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

static void test_crl_read_bounds_and_form(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    X509_CRL *crl = pki_crl_make(&(struct pki_crl_spec){.revoked = chain.leaf}, chain.ca, ca_key);
    struct sl_blob der = pki_crl_der(crl);
    X509_CRL *again = NULL;
    assert_ok(sl_x509_crl_read(der, &again));
    X509_CRL_free(again);
    assert_rc(sl_x509_crl_read((struct sl_blob){NULL, 0}, &again), SL_TRUNCATED);
    assert_rc(sl_x509_crl_read((struct sl_blob){(const uint8_t *)"no CRL", 6}, &again),
              SL_TRUNCATED);
    assert_rc(sl_x509_crl_read((struct sl_blob){der.data, SL_X509_CRL_SIZE_MAX + 1}, &again),
              SL_RANGE);
    for (size_t size = 2; size < der.size; size++) {
        assert_rc(sl_x509_crl_read((struct sl_blob){der.data, size}, &again), SL_MALFORMED);
        assert_null(again);
    }
    uint8_t *twice = malloc(2 * der.size);
    assert_non_null(twice);
    memcpy(twice, der.data, der.size);
    memcpy(twice + der.size, der.data, der.size);
    assert_rc(sl_x509_crl_read((struct sl_blob){twice, 2 * der.size}, &again), SL_MALFORMED);
    free(twice);
    pki_blob_free(der);
    X509_CRL_free(crl);
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
        cmocka_unit_test(test_list_read_der_and_pem_gives_the_same_certificates),
        cmocka_unit_test(test_list_read_truncated_anywhere_is_refused),
        cmocka_unit_test(test_list_read_beyond_its_bounds_is_refused),
        cmocka_unit_test(test_list_read_other_bytes_are_refused),
        cmocka_unit_test(test_path_check_any_order_finds_the_leaf),
        cmocka_unit_test(test_path_check_each_fault_has_its_finding),
        cmocka_unit_test(test_path_check_validity_bounds_are_inclusive),
        cmocka_unit_test(test_path_check_look_alikes_are_refused),
        cmocka_unit_test(test_path_check_leaf_given_tolerates_others),
        cmocka_unit_test(test_path_check_ca_role_takes_issuers_only),
        cmocka_unit_test(test_path_check_rsa_pss_root_and_weak_key),
        cmocka_unit_test(test_path_check_every_byte_flipped_is_refused),
        cmocka_unit_test(test_path_check_cache_saves_signatures_not_times),
        cmocka_unit_test(test_path_check_revocation),
        cmocka_unit_test(test_crl_read_bounds_and_form),
        cmocka_unit_test(test_path_check_crl_every_byte_flipped_is_refused),
        cmocka_unit_test(test_path_check_amd_chains),
        cmocka_unit_test(test_path_check_intel_chain_with_crls),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
