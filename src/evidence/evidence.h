/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Evidence on its way from the machine that makes it to the gateway that judges it: the bundle (one
 * piece of evidence and the collateral that came with it), and its producers. Runs on the host;
 * what it makes is signed by the hardware, or it is worth nothing, so the host may as well carry
 * it.
 *
 * A bundle: u16 type | u16 binding | u16 count | count times (u16 kind | u32 size | bytes),
 * big-endian.
 */
#ifndef SL_EVIDENCE_EVIDENCE_H
#define SL_EVIDENCE_EVIDENCE_H

#include "base/err.h"
#include "safelib/attest.h"
#include "safelib/bytes.h"

enum {
    SL_EVIDENCE_SIZE_MAX = 128 << 10, /**< of a bundle */
    SL_EVIDENCE_DATA_SIZE = 64,       /**< report_data */
};

/** How evidence is tied to what it shall vouch for. */
enum sl_evidence_binding {
    SL_BINDING_REPORT_DATA = 1, /**< the report's own 64 bytes */
    SL_BINDING_VTPM = 2, /**< a TPM quote under an AK that the report vouches for (Azure): reserved,
                              refused until a verifier exists */
};

/** Kinds of items; those from 2 on are the fields of struct sl_attest_collateral in their order. */
enum sl_evidence_item {
    SL_ITEM_EVIDENCE = 1,
    SL_ITEM_TCB_INFO = 2,
    SL_ITEM_QE_IDENTITY,
    SL_ITEM_TCB_SIGNING_CHAIN,
    SL_ITEM_PCK_CHAIN,
    SL_ITEM_PCK_CRL,
    SL_ITEM_PCK_CRL_ISSUER_CHAIN,
    SL_ITEM_ROOT_CRL,
    SL_ITEM_VCEK,
    SL_ITEM_VLEK,
    SL_ITEM_CERT_CHAIN,
    SL_ITEM_AMD_CRL,
    SL_ITEM_COUNT
};

struct sl_evidence {
    enum sl_attest_type type;
    enum sl_evidence_binding binding;
    struct sl_blob evidence;
    struct sl_attest_collateral collateral;
    uint8_t *memory; /**< what the blobs point into, or NULL where it is the reader's input */
};
void sl_evidence_done(struct sl_evidence *evidence);

/** Copies everything into one block of memory, which the result owns.
 * @retval SL_OK, SL_NO_MEMORY, SL_RANGE (a bundle of it would be above SL_EVIDENCE_SIZE_MAX)
 * @owner  caller calls sl_evidence_done */
sl_rc sl_evidence_copy(const struct sl_evidence *from,
                       struct sl_evidence *ret_evidence) SL_MUST_CHECK;

/** Empty items are left out. The writer's rc is SL_NO_SPACE where it does not fit. */
void sl_evidence_write(const struct sl_evidence *evidence, struct sl_writer *w);
/** Blobs point into @p data.
 * @retval SL_OK
 * @retval SL_TRUNCATED   ends inside a field
 * @retval SL_MALFORMED   an item twice, unknown or empty; no evidence; bytes left
 * @retval SL_UNSUPPORTED type or binding
 * @retval SL_RANGE       above SL_EVIDENCE_SIZE_MAX */
sl_rc sl_evidence_read(const uint8_t *data, size_t size,
                       struct sl_evidence *ret_evidence) SL_MUST_CHECK;

/** One way to get evidence. */
struct sl_evidence_producer {
    const char *name; /**< "emu", "sgx", "tsm" */
    void *ctx;
    /** TARGETINFO of the quoting enclave. @retval SL_OK, SL_UNSUPPORTED (no enclave here: `produce`
     * takes report_data), SL_IO, SL_TIMEOUT */
    sl_rc (*target_info)(void *ctx, uint8_t ret_target[512], struct sl_err *err);
    /** Evidence over @p report_data. Blocks, up to seconds on real hardware.
     * @param report  432 bytes of REPORT over the same report_data for the target above, or NULL
     * @retval SL_OK, SL_INVALID (report missing or needless), SL_AUTH (the quoting enclave refused
     * the report), SL_UNSUPPORTED (no evidence on this machine), SL_MALFORMED (what the device
     * gave), SL_IO, SL_TIMEOUT, SL_NO_MEMORY; @p err says which device, file or service
     * @owner caller calls sl_evidence_done */
    sl_rc (*produce)(void *ctx, const uint8_t report_data[SL_EVIDENCE_DATA_SIZE],
                     const uint8_t *report, struct sl_evidence *ret_evidence, struct sl_err *err);
    void (*free)(void *ctx);
};

#endif
