/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate table of a SEV-SNP host: what is taken lies inside the blob. */
#include <stdlib.h>
#include <string.h>

#include "evidence/tsm_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static void expect_inside(struct sl_blob blob, const uint8_t *data, size_t size)
{
    expect(blob.data == NULL || (blob.data >= data && blob.size <= size &&
                                 (size_t)(blob.data - data) <= size - blob.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_attest_collateral c;
    struct sl_err err = {0};
    uint8_t *chain = NULL;
    memset(&c, 0, sizeof(c));
    if (sl_tsm_table_read(data, size, &c, &chain, &err) == SL_OK) {
        expect_inside(c.vcek, data, size);
        expect_inside(c.vlek, data, size);
        expect_inside(c.amd_crl, data, size);
        expect(c.cert_chain.data == chain && c.cert_chain.size <= 2 * size);
        expect(c.tcb_info.data == NULL && c.pck_crl.data == NULL);
    } else {
        expect(err.text[0] != '\0');
    }
    free(chain);
    return 0;
}
