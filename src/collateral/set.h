/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Collateral as files: a folder with one file per part, or one JSON object ("bundle").
 *
 * A bundle's members carry the names below; JSON and PEM parts as strings with their exact text,
 * DER as hex. The names that other tools use for the same (sgx_ql_qve_collateral, dcap-qvl:
 * root_ca_crl, tcb_info_issuer_chain, qe_identity_issuer_chain, *_signature beside *_info) are
 * understood as well.
 */
#ifndef SL_COLLATERAL_SET_H
#define SL_COLLATERAL_SET_H

#include "base/err.h"
#include "safelib/attest.h"

/** member of struct sl_attest_collateral and stem of the file's name, kind, what it is */
#define SL_COLLATERAL_TABLE(X)                                                                     \
    X(tcb_info, JSON, "TCB info of the platform's FMSPC, as served")                               \
    X(qe_identity, JSON, "identity of the quoting enclave, as served")                             \
    X(tcb_signing_chain, CERTS, "who signed the two above")                                        \
    X(pck_chain, CERTS, "the platform's own certificate, where the quote does not carry it")       \
    X(pck_crl, CRL, "revoked platforms")                                                           \
    X(pck_crl_issuer_chain, CERTS, "who signed pck_crl")                                           \
    X(root_crl, CRL, "revoked authorities")                                                        \
    X(vcek, CERTS, "SEV-SNP: the chip's key")                                                      \
    X(vlek, CERTS, "SEV-SNP: the cloud provider's key")                                            \
    X(cert_chain, CERTS, "SEV-SNP: ASK or ASVK, and ARK; SGX, TDX: for pck_chain")                 \
    X(amd_crl, CRL, "SEV-SNP: revoked authorities")

enum sl_collateral_part {
#define SL_COLLATERAL_ENUM(name, kind, text) SL_COLLATERAL_##name,
    SL_COLLATERAL_TABLE(SL_COLLATERAL_ENUM)
#undef SL_COLLATERAL_ENUM
        SL_COLLATERAL_PART_COUNT
};
enum sl_collateral_kind { SL_COLLATERAL_JSON, SL_COLLATERAL_CERTS, SL_COLLATERAL_CRL };

enum {
    SL_COLLATERAL_FILE_MAX = 1 << 20,   /**< of one part; Intel's largest CRLs are 200 KiB */
    SL_COLLATERAL_BUNDLE_MAX = 8 << 20, /**< of a bundle */
};

/** "tcb_info" */
const char *sl_collateral_name(enum sl_collateral_part part);
enum sl_collateral_kind sl_collateral_kind(enum sl_collateral_part part);
const char *sl_collateral_text(enum sl_collateral_part part);

/** Parts with the memory they live in. Zero-initialise. */
struct sl_collateral_set {
    struct sl_attest_collateral parts;
    void *memory[SL_COLLATERAL_PART_COUNT];
};
void sl_collateral_done(struct sl_collateral_set *set);
struct sl_blob sl_collateral_part(const struct sl_collateral_set *set,
                                  enum sl_collateral_part part);
bool sl_collateral_is_empty(const struct sl_collateral_set *set);

/** Puts a copy in, in place of what was there. @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_collateral_put(struct sl_collateral_set *set, enum sl_collateral_part part,
                        const void *data, size_t size) SL_MUST_CHECK;

/** Which part a file's name stands for: its base name is NAME.json, NAME.pem or NAME.der.
 * @return SL_COLLATERAL_PART_COUNT: none */
enum sl_collateral_part sl_collateral_part_of_file(const char *path);

/** Adds what is there: every known file of a folder (of NAME.der and NAME.pem the first), a file
 * with a known name, or a bundle.
 * @retval SL_OK
 * @retval SL_NOT_FOUND, SL_IO, SL_RANGE (too large)  @p err names the file
 * @retval SL_MALFORMED  a bundle that is none, or a folder without any known file
 * @retval SL_NO_MEMORY
 * @owner the set, also where this fails: sl_collateral_done */
sl_rc sl_collateral_load(const char *path, struct sl_collateral_set *io_set,
                         struct sl_err *err) SL_MUST_CHECK;

/** @retval SL_OK, SL_MALFORMED, SL_NO_MEMORY */
sl_rc sl_collateral_bundle_read(const char *text, size_t size, struct sl_collateral_set *io_set,
                                struct sl_err *err) SL_MUST_CHECK;
/** @param[in] key  the platform, for people and for sl_collateral_cache; or NULL
 * @param[out] ret_text  the caller's to free. @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_collateral_bundle_write(const struct sl_collateral_set *set, const char *key,
                                 char **ret_text) SL_MUST_CHECK;
/** Writes every part as a file of its own into @p folder, which is made where it is missing.
 * @retval SL_OK, SL_IO, SL_RANGE (path) */
sl_rc sl_collateral_folder_write(const struct sl_collateral_set *set, const char *folder,
                                 struct sl_err *err) SL_MUST_CHECK;

#endif
