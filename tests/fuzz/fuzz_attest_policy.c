/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation policies: whatever is read names code, and never accepts what no policy may. */
#include <stdlib.h>

#include "policy/attest_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static bool names_code(const struct sl_attest_reference *r)
{
    return r->has_mrenclave || (r->has_mrsigner && r->has_isv_prod_id) || r->has_mrtd ||
           r->has_measurement;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t never =
        1u << SL_TCB_REVOKED | 1u << SL_TCB_NO_MATCHING_LEVEL | 1u << SL_TCB_UNKNOWN;
    struct sl_attest_file file;
    struct sl_err err = {0};
    if (sl_attest_file_read((const char *)data, size, &file, &err) != SL_OK) {
        expect(err.text[0] != '\0');
        return 0;
    }
    const struct sl_attest_policy *p = &file.policy;
    expect(p->reference_count <= SL_ATTEST_REFERENCES_MAX);
    expect(p->is_any_identity == (p->reference_count == 0));
    expect((p->tcb_accepted & never) == 0 && p->tcb_accepted >> SL_TCB_STATUS_COUNT == 0);
    expect(p->max_vmpl <= 3);
    for (uint32_t i = 0; i < p->reference_count; i++) {
        expect(names_code(&p->references[i]));
    }
    return 0;
}
