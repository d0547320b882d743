/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the EAR of a made SEV-SNP report, signed by the key on standard input. */
#include <stdio.h>
#include <stdlib.h>

#include "safelib/attest.h"
#include "snp_rig.h"

int main(void)
{
    static uint8_t pem[4096];
    size_t size = fread(pem, 1, sizeof(pem), stdin);
    struct snp_spec spec = snp_spec_make(SL_SNP_GENOA, false);
    struct snp_rig *rig = snp_rig_make(&spec);
    struct sl_attest_policy policy = {.is_any_identity = true};
    struct sl_attest_collateral collateral = {.vcek = rig->leaf_der, .cert_chain = rig->chain_pem};
    struct sl_attest_roots roots = {.pem = rig->root_pem};
    struct sl_attest_input input = {.type = SL_ATTEST_SNP,
                                    .evidence = {rig->report, SL_SNP_REPORT_SIZE},
                                    .collateral = &collateral,
                                    .roots = &roots,
                                    .policy = &policy,
                                    .report_data = {rig->report + 0x50, 64},
                                    .time_s = PKI_NOW};
    struct sl_attest_result *result = NULL;
    char *jwt = NULL;
    int status = EXIT_FAILURE;
    if (sl_attest_verify(&input, &result) == SL_OK &&
        sl_attest_result_ear(result, (struct sl_blob){pem, size}, &jwt) == SL_OK) {
        (void)puts(jwt);
        status = EXIT_SUCCESS;
    }
    free(jwt);
    sl_attest_result_free(result);
    snp_rig_free(rig);
    snp_keys_free();
    return status;
}
