/* SPDX-License-Identifier: Apache-2.0 */
/* The name of a policy: a hash of what it accepts, so that a result tells by which rules it was
 * judged and nobody has to invent names. */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "attest/digest.h"
#include "attest/result.h"
#include "base/bytes.h"

enum { POLICY_SIZE_MAX = 256 + SL_ATTEST_REFERENCES_MAX * 640 };

/* A field that is added to a policy and not hashed here would make two policies one. */
_Static_assert(sizeof(struct sl_attest_reference) == 452, "put the new field in put_reference");
_Static_assert(sizeof(struct sl_attest_policy) == 48 + SL_ATTEST_REFERENCES_MAX * 452,
               "put the new field in put_policy");

static void put_field(struct sl_writer *w, bool has, const uint8_t *data, size_t size)
{
    sl_writer_u8(w, has);
    if (has) {
        sl_writer_bytes(w, data, size);
    }
}

static void put_reference(struct sl_writer *w, const struct sl_attest_reference *r)
{
    put_field(w, r->has_mrenclave, r->mrenclave, sizeof(r->mrenclave));
    put_field(w, r->has_mrsigner, r->mrsigner, sizeof(r->mrsigner));
    sl_writer_u8(w, r->has_isv_prod_id);
    sl_writer_be16(w, r->has_isv_prod_id ? r->isv_prod_id : 0);
    sl_writer_be16(w, r->min_isv_svn);
    put_field(w, r->has_mrtd, r->mrtd, sizeof(r->mrtd));
    for (size_t i = 0; i < 4; i++) {
        put_field(w, r->has_rtmr[i], r->rtmr[i], sizeof(r->rtmr[i]));
    }
    put_field(w, r->has_measurement, r->measurement, sizeof(r->measurement));
    put_field(w, r->has_host_data, r->host_data, sizeof(r->host_data));
    put_field(w, r->has_id_key_digest, r->id_key_digest, sizeof(r->id_key_digest));
    sl_writer_be32(w, r->min_guest_svn);
}

static void put_policy(struct sl_writer *w, const struct sl_attest_policy *p)
{
    sl_writer_bytes(w, "safelib policy 1", 16);
    sl_writer_be32(w, p->reference_count);
    for (uint32_t i = 0; i < p->reference_count && i < SL_ATTEST_REFERENCES_MAX; i++) {
        put_reference(w, &p->references[i]);
    }
    sl_writer_u8(w, p->is_any_identity);
    sl_writer_be32(w, p->tcb_accepted);
    sl_writer_be32(w, p->min_tcb_evaluation);
    sl_writer_be64(w, p->max_collateral_age_s);
    for (size_t i = 0; i < SL_SNP_PRODUCT_COUNT; i++) {
        const struct sl_snp_tcb *tcb = &p->min_snp_tcb[i];
        const uint8_t parts[] = {tcb->fmc, tcb->bootloader, tcb->tee, tcb->snp, tcb->microcode};
        sl_writer_bytes(w, parts, sizeof(parts));
    }
    sl_writer_u8(w, p->max_vmpl);
    const bool flags[] = {p->is_smt_refused, p->is_migration_refused, p->insecure_allow_emulated,
                          p->insecure_allow_debug, p->is_amd_crl_required};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        sl_writer_u8(w, flags[i]);
    }
}

void sl_policy_id(const struct sl_attest_policy *policy, char out[SL_POLICY_ID_SIZE])
{
    uint8_t bytes[POLICY_SIZE_MAX];
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char hex[2 * SHA256_DIGEST_LENGTH + 1];
    struct sl_writer w;
    sl_writer_init(&w, bytes, sizeof(bytes));
    put_policy(&w, policy);
    sl_sha256((struct sl_blob){bytes, w.off}, hash);
    sl_hex_encode(hash, sizeof(hash), hex);
    (void)snprintf(out, SL_POLICY_ID_SIZE, "urn:safelib:policy:sha-256:%s", hex);
}
