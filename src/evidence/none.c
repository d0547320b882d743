/* SPDX-License-Identifier: Apache-2.0 */
/* The producer of machines that have no evidence: it says so. */
#include <stddef.h>

#include "evidence/producers.h"

static sl_rc target_info(void *ctx, uint8_t ret_target[512], struct sl_err *err)
{
    (void)ret_target;
    return sl_err_set(err, SL_UNSUPPORTED, "no evidence: %s", (const char *)ctx);
}

static sl_rc produce(void *ctx, const uint8_t report_data[SL_EVIDENCE_DATA_SIZE],
                     const uint8_t *report, struct sl_evidence *ret_evidence, struct sl_err *err)
{
    (void)report_data;
    (void)report;
    (void)ret_evidence;
    return sl_err_set(err, SL_UNSUPPORTED, "no evidence: %s", (const char *)ctx);
}

void sl_evidence_none_open(const char *why, struct sl_evidence_producer *ret_producer)
{
    *ret_producer = (struct sl_evidence_producer){.name = "none",
                                                  .ctx = (void *)(uintptr_t)why,
                                                  .target_info = target_info,
                                                  .produce = produce};
}

void sl_evidence_producer_done(struct sl_evidence_producer *producer)
{
    if (producer->free != NULL) {
        producer->free(producer->ctx);
    }
    *producer = (struct sl_evidence_producer){0};
}
