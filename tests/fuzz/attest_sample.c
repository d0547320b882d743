/* SPDX-License-Identifier: Apache-2.0 */
/* An emulated quote with its collateral, once a process. */
#include "attest_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "device/keys.h"
#include "evidence/producers.h"

enum { CACHE_ENTRIES = 64 };

static void need(sl_rc rc, const char *what)
{
    if (rc != SL_OK) {
        fprintf(stderr, "sample: %s: %s\n", what, sl_rc_text(rc));
        abort();
    }
}

static void make(struct sl_evidence *ret_evidence)
{
    static const uint8_t data[64] = {1};
    struct sl_machine machine;
    struct sl_evidence_producer producer;
    struct sl_target_info target;
    struct sl_report report;
    struct sl_err err = {0};
    static struct sl_secs secs = {.attributes = {SL_ATTR_INIT | SL_ATTR_MODE64BIT, 3},
                                  .mrenclave = {1}};
    const struct sl_identity identity = {.secs = &secs};
    need(sl_machine_init_transient(&machine), "machine");
    need(sl_evidence_emu_open(&machine, &producer, &err), "emulator");
    need(producer.target_info(producer.ctx, (uint8_t *)&target, &err), "target");
    need(sl_machine_ereport(&machine, &identity, &target, data, &report), "report");
    need(producer.produce(producer.ctx, data, (const uint8_t *)&report, ret_evidence, &err),
         "quote");
    sl_evidence_producer_done(&producer);
    sl_machine_done(&machine);
}

const struct sl_attest_input *sample_input(void)
{
    static struct sl_evidence evidence;
    static struct sl_attest_input input;
    static const struct sl_attest_policy policy = {.is_any_identity = true,
                                                   .insecure_allow_emulated = true};
    if (evidence.evidence.data == NULL) {
        make(&evidence);
        input = (struct sl_attest_input){.type = SL_ATTEST_SGX,
                                         .evidence = evidence.evidence,
                                         .collateral = &evidence.collateral,
                                         .policy = &policy,
                                         .time_s = (int64_t)time(NULL)};
        need(sl_attest_cache_create(CACHE_ENTRIES, &input.cache), "cache");
        struct sl_attest_result *result = NULL;
        need(sl_attest_verify(&input, &result), "verification");
        if (!sl_attest_result_is_accepted(result)) {
            for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
                fprintf(stderr, "sample: %s\n", sl_attest_result_finding(result, i)->text);
            }
            abort();
        }
        sl_attest_result_free(result);
    }
    return &input;
}
