/* SPDX-License-Identifier: Apache-2.0 */
/* Intel's JSON: TCB info (first byte 0), QE identity (1), each alone and, where its form is good,
 * in a whole verification in which everything else is good. */
#include <stdlib.h>
#include <string.h>

#include "attest/tcb_info.h"
#include "attest_sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static bool is_read(bool is_identity, struct sl_blob in)
{
    static struct sl_tcb_info info;
    static struct sl_qe_identity identity;
    struct sl_signed_json envelope;
    char why[SL_JSON_WHY_SIZE] = "";
    const char *name = is_identity ? "enclaveIdentity" : "tcbInfo";
    bool is_signed = sl_signed_json_read(in, name, &envelope, why) == SL_OK;
    expect(is_signed || why[0] != '\0');
    if (is_signed) {
        expect(envelope.object.data >= in.data &&
               envelope.object.data + envelope.object.size <= in.data + in.size);
    }
    struct sl_blob object = is_signed ? envelope.object : in;
    sl_rc rc = is_identity ? sl_qe_identity_read(object, &identity, why)
                           : sl_tcb_info_read(object, &info, why);
    expect(rc == SL_OK || why[0] != '\0');
    if (rc != SL_OK) {
        return false;
    }
    if (is_identity) {
        expect(identity.level_count <= SL_ISV_LEVELS_MAX);
    } else {
        expect(info.level_count <= SL_TCB_LEVELS_MAX && info.module_count <= SL_TDX_MODULES_MAX);
    }
    return is_signed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    bool is_identity = data[0] % 2 == 1;
    struct sl_blob in = {data + 1, size - 1};
    if (!is_read(is_identity, in)) {
        return 0;
    }
    struct sl_attest_input input = *sample_input();
    struct sl_attest_collateral collateral = *input.collateral;
    struct sl_attest_result *result = NULL;
    *(is_identity ? &collateral.qe_identity : &collateral.tcb_info) = in;
    input.collateral = &collateral;
    expect(sl_attest_verify(&input, &result) == SL_OK);
    expect(!sl_attest_result_is_accepted(result)); /* this process's key signed none of them */
    sl_attest_result_free(result);
    return 0;
}
