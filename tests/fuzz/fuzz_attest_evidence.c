/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes and reports: the first byte picks SGX, TDX, SEV-SNP, a quote under the sample's whole
 * collateral, or an event log. Whatever is shown is JSON; nothing is ever accepted. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "attest/tcg_log.h"
#include "attest_sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SAMPLE_KIND = 3, CCEL_KIND = 4, KINDS = 5 };

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static void expect_json(char *text)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    expect(json_is_object(root));
    json_decref(root);
    free(text);
}

static void judge(const struct sl_attest_input *input)
{
    struct sl_attest_result *result = NULL;
    char *text = NULL;
    expect(sl_attest_verify(input, &result) == SL_OK);
    expect(!sl_attest_result_is_accepted(result));
    size_t failures = 0;
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *f = sl_attest_result_finding(result, i);
        expect(f->code != NULL && f->text[0] != '\0');
        failures += f->severity == SL_ATTEST_FAILURE;
    }
    expect(failures > 0);
    if (sl_attest_result_json(result, &text) == SL_OK) {
        expect_json(text);
    }
    sl_attest_result_free(result);
}

/* The sample's own quote may come back where only what is not signed was changed. */
static bool is_sample(const struct sl_attest_input *sample, struct sl_blob in)
{
    enum { SIGNED_PART = 432 };
    return in.size >= SIGNED_PART && memcmp(sample->evidence.data, in.data, SIGNED_PART) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sl_attest_policy policy = {.is_any_identity = true,
                                                   .insecure_allow_debug = true};
    if (size == 0) {
        return 0;
    }
    unsigned kind = data[0] % KINDS;
    struct sl_blob in = {data + 1, size - 1};
    char *text = NULL;
    if (kind == CCEL_KIND) {
        uint8_t rtmr[SL_TCG_RTMR_COUNT][SL_TCG_RTMR_SIZE];
        uint32_t count[SL_TCG_RTMR_COUNT];
        (void)!sl_ccel_replay(in, rtmr, count, NULL);
        return 0;
    }
    if (kind == SAMPLE_KIND) {
        struct sl_attest_input input = *sample_input();
        input.evidence = in;
        if (!is_sample(sample_input(), in)) {
            judge(&input);
        }
        return 0;
    }
    const struct sl_attest_input input = {
        .type = SL_ATTEST_SGX + kind, .evidence = in, .policy = &policy, .time_s = 1780000000};
    if (sl_attest_inspect(input.type, in, &text) == SL_OK) {
        expect_json(text);
    }
    judge(&input);
    return 0;
}
