/* SPDX-License-Identifier: Apache-2.0 */
/* SEV-SNP platforms made of software: chains and reports of any product, with any fault one asks
 * for. There is no real VLEK, Genoa or Turin report to test with; these follow AMD's tables. */
#ifndef SL_TESTS_ATTEST_SNP_RIG_H
#define SL_TESTS_ATTEST_SNP_RIG_H

#include "attest/snp_report.h"
#include "pki.h"

/* What may be asked for before it is made. */
struct snp_spec {
    enum sl_snp_product product;
    uint32_t version; /* 0: 3 */
    bool is_vlek;
    const char *names[3];     /* NULL: AMD's; leaf, issuer, root */
    const char *product_name; /* NULL: AMD's */
    uint8_t cert_tcb[8];      /* in the order of the product's TCB_VERSION; set from report_tcb */
    const char *without;      /* OID of an extension to leave out */
    bool is_p256;             /* leaf key on the wrong curve */
    struct pki_spec leaf, issuer, root; /* names and extensions are filled in */
};

struct snp_rig {
    EVP_PKEY *ark_key, *ask_key, *leaf_key;
    X509 *ark, *ask, *leaf;
    uint8_t report[SL_SNP_REPORT_SIZE];
    struct sl_blob leaf_der, chain_pem, root_pem;
};

struct snp_spec snp_spec_make(enum sl_snp_product product, bool is_vlek);
/* Keys are taken from a process-wide store, because RSA keys are slow to make. */
struct snp_rig *snp_rig_make(const struct snp_spec *spec);
void snp_rig_sign(struct snp_rig *rig);
void snp_rig_free(struct snp_rig *rig);
void snp_keys_free(void);

#endif
