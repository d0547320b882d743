/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of three certificates, made anew with any fault: root, CA, leaf. */
#ifndef SL_TESTS_ATTEST_CHAIN_RIG_H
#define SL_TESTS_ATTEST_CHAIN_RIG_H

#include "unit.h"

#include "attest/x509.h"
#include "pki.h"

/* Keys are made once: making them is the slow part. */
static EVP_PKEY *root_key, *ca_key, *leaf_key, *other_key;

static inline int setup(void **state)
{
    root_key = pki_key_make(PKI_P256);
    ca_key = pki_key_make(PKI_P384);
    leaf_key = pki_key_make(PKI_P256);
    other_key = pki_key_make(PKI_P256);
    return 0;
}

static inline int teardown(void **state)
{
    EVP_PKEY *const keys[] = {root_key, ca_key, leaf_key, other_key};
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

static inline struct chain chain_make(const struct pki_spec *root, const struct pki_spec *ca,
                                      const struct pki_spec *leaf)
{
    struct chain chain;
    chain.root = pki_cert_make(root, root_key, NULL, NULL);
    chain.ca = pki_cert_make(ca, ca_key, chain.root, root_key);
    chain.leaf = pki_cert_make(leaf, leaf_key, chain.ca, ca_key);
    return chain;
}

static inline void chain_done(struct chain *chain)
{
    X509_free(chain->root);
    X509_free(chain->ca);
    X509_free(chain->leaf);
}

static inline void findings_print(const struct sl_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        print_message("  %s: %s\n", findings->list[i].code, findings->list[i].text);
    }
}

/* Exactly these checks failed; SL_ATTEST_CHECK_COUNT: none. */
static inline void assert_only(const struct sl_findings *findings, enum sl_attest_check check)
{
    size_t expected = check == SL_ATTEST_CHECK_COUNT ? 0 : 1;
    if (findings->failure_count != expected ||
        (expected == 1 && !sl_findings_has(findings, check))) {
        findings_print(findings);
    }
    assert_int_equal(findings->failure_count, expected);
    assert_true(expected == 0 || sl_findings_has(findings, check));
}

#endif
