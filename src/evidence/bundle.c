/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence bundle's bytes, and one block of memory for what a producer collected. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "evidence/evidence.h"

enum { ITEM_FIRST_COLLATERAL = SL_ITEM_TCB_INFO, ITEM_HEADER_SIZE = 6 };

/* The collateral's fields are one array in the order of the kinds. */
_Static_assert(sizeof(struct sl_attest_collateral) ==
                   (SL_ITEM_COUNT - ITEM_FIRST_COLLATERAL) * sizeof(struct sl_blob),
               "every field of the collateral is an item");
_Static_assert(offsetof(struct sl_attest_collateral, pck_chain) ==
                   (SL_ITEM_PCK_CHAIN - ITEM_FIRST_COLLATERAL) * sizeof(struct sl_blob),
               "items are in the order of the fields");
_Static_assert(offsetof(struct sl_attest_collateral, amd_crl) ==
                   (SL_ITEM_AMD_CRL - ITEM_FIRST_COLLATERAL) * sizeof(struct sl_blob),
               "items are in the order of the fields");

static struct sl_blob *item_of(struct sl_evidence *evidence, unsigned kind)
{
    struct sl_blob *first = &evidence->collateral.tcb_info;
    return kind == SL_ITEM_EVIDENCE ? &evidence->evidence : first + (kind - ITEM_FIRST_COLLATERAL);
}

static struct sl_blob item_get(const struct sl_evidence *evidence, unsigned kind)
{
    const struct sl_blob *first = &evidence->collateral.tcb_info;
    return kind == SL_ITEM_EVIDENCE ? evidence->evidence : first[kind - ITEM_FIRST_COLLATERAL];
}

static bool is_there(struct sl_blob blob)
{
    return blob.data != NULL && blob.size > 0;
}

void sl_evidence_write(const struct sl_evidence *evidence, struct sl_writer *w)
{
    uint16_t count = 0;
    for (unsigned kind = SL_ITEM_EVIDENCE; kind < SL_ITEM_COUNT; kind++) {
        count = (uint16_t)(count + is_there(item_get(evidence, kind)));
    }
    sl_writer_be16(w, (uint16_t)evidence->type);
    sl_writer_be16(w, (uint16_t)evidence->binding);
    sl_writer_be16(w, count);
    for (unsigned kind = SL_ITEM_EVIDENCE; kind < SL_ITEM_COUNT; kind++) {
        struct sl_blob blob = item_get(evidence, kind);
        if (is_there(blob)) {
            sl_writer_be16(w, (uint16_t)kind);
            sl_writer_be32(w, (uint32_t)blob.size);
            sl_writer_bytes(w, blob.data, blob.size);
        }
    }
}

static bool is_type_known(uint16_t type)
{
    return type == SL_ATTEST_SGX || type == SL_ATTEST_TDX || type == SL_ATTEST_SNP;
}

static void item_read(struct sl_reader *r, struct sl_evidence *evidence)
{
    uint16_t kind = sl_reader_be16(r);
    uint32_t size = sl_reader_be32(r);
    const uint8_t *data = sl_reader_bytes(r, size);
    if (r->rc != SL_OK) {
        return;
    }
    if (kind < SL_ITEM_EVIDENCE || kind >= SL_ITEM_COUNT || size == 0 ||
        is_there(*item_of(evidence, kind))) {
        sl_reader_fail(r, SL_MALFORMED);
        return;
    }
    *item_of(evidence, kind) = (struct sl_blob){data, size};
}

sl_rc sl_evidence_read(const uint8_t *data, size_t size, struct sl_evidence *ret_evidence)
{
    struct sl_evidence evidence = {0};
    struct sl_reader r;
    if (size > SL_EVIDENCE_SIZE_MAX) {
        return SL_RANGE;
    }
    sl_reader_init(&r, data, size);
    uint16_t type = sl_reader_be16(&r);
    uint16_t binding = sl_reader_be16(&r);
    uint16_t count = sl_reader_be16(&r);
    if (r.rc == SL_OK && (!is_type_known(type) || binding != SL_BINDING_REPORT_DATA)) {
        return SL_UNSUPPORTED;
    }
    evidence.type = (enum sl_attest_type)type;
    evidence.binding = (enum sl_evidence_binding)binding;
    for (uint16_t i = 0; i < count && r.rc == SL_OK; i++) {
        item_read(&r, &evidence);
    }
    sl_rc rc = sl_reader_end(&r);
    if (rc == SL_OK && !is_there(evidence.evidence)) {
        rc = SL_MALFORMED;
    }
    if (rc == SL_OK) {
        *ret_evidence = evidence;
    }
    return rc;
}

sl_rc sl_evidence_copy(const struct sl_evidence *from, struct sl_evidence *ret_evidence)
{
    size_t size = 6;
    for (unsigned kind = SL_ITEM_EVIDENCE; kind < SL_ITEM_COUNT; kind++) {
        struct sl_blob blob = item_get(from, kind);
        if (blob.size > SL_EVIDENCE_SIZE_MAX) {
            return SL_RANGE;
        }
        size += is_there(blob) ? ITEM_HEADER_SIZE + blob.size : 0;
    }
    if (size > SL_EVIDENCE_SIZE_MAX) {
        return SL_RANGE;
    }
    uint8_t *memory = malloc(size);
    struct sl_evidence copy = {.type = from->type, .binding = from->binding, .memory = memory};
    if (memory == NULL) {
        return SL_NO_MEMORY;
    }
    for (unsigned kind = SL_ITEM_EVIDENCE; kind < SL_ITEM_COUNT; kind++) {
        struct sl_blob blob = item_get(from, kind);
        if (is_there(blob)) {
            memcpy(memory, blob.data, blob.size);
            *item_of(&copy, kind) = (struct sl_blob){memory, blob.size};
            memory += blob.size;
        }
    }
    *ret_evidence = copy;
    return SL_OK;
}

void sl_evidence_done(struct sl_evidence *evidence)
{
    free(evidence->memory);
    *evidence = (struct sl_evidence){0};
}
