/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Boot event logs: the crypto-agile format (TCG PC Client Platform Firmware Profile 10.2, TCG2 and
 * CCEL), and the older one with SHA-1 only. The log comes from whoever asks to be trusted: every
 * length is checked, and nothing in it is believed until its replay meets registers that hardware
 * signed.
 *
 * First event, in the old form: u32 PCR | u32 type | 20 bytes | u32 size | data; where its data
 * starts with "Spec ID Event03", what follows is u32 register | u32 type | u32 count |
 * count × (u16 algorithm | digest) | u32 size | data. Little-endian.
 */
#ifndef SL_ATTEST_TCG_LOG_H
#define SL_ATTEST_TCG_LOG_H

#include "attest/tpm_alg.h"
#include "base/err.h"
#include "safelib/attest.h"

enum {
    SL_TCG_ALGORITHMS_MAX = 8,
    SL_TCG_RTMR_COUNT = 4,
    SL_TCG_RTMR_SIZE = 48,
    SL_TCG_EV_NO_ACTION = 3,
    SL_TCG_EV_SEPARATOR = 4,
};

struct sl_tcg_digest {
    uint16_t alg; /**< TPM_ALG_ID */
    uint16_t size;
    const uint8_t *data; /**< NULL in the table of a log's algorithms */
};

/** Position in a log. */
struct sl_tcg_log {
    struct sl_blob data;
    size_t off;      /**< of the next event */
    uint64_t number; /**< events read */
    bool is_sha1_only;
    uint8_t appended_size; /**< bytes of vendor information behind the first event */
    struct sl_tcg_digest algorithms[SL_TCG_ALGORITHMS_MAX];
    size_t algorithm_count;
};

/** One event. Pointers lead into the log. */
struct sl_tcg_event {
    uint64_t number; /**< from 0: the first is the Spec ID event */
    size_t off;
    uint32_t mr; /**< PCR, or CC measurement register (0 MRTD, 1 to 4 RTMR0 to 3) */
    uint32_t type;
    struct sl_tcg_digest digests[SL_TCG_ALGORITHMS_MAX];
    size_t digest_count;
    const uint8_t *data;
    size_t size;
};

/** Reads the first event.
 * @param data  must outlive @p log
 * @retval SL_OK
 * @retval SL_TRUNCATED    ends in the first event, or is empty
 * @retval SL_MALFORMED    its table of algorithms breaks the format; padding only
 * @retval SL_RANGE        more than SL_TCG_ALGORITHMS_MAX algorithms, or digests above
 *                         SL_TPM_DIGEST_MAX bytes */
sl_rc sl_tcg_log_init(struct sl_tcg_log *log, struct sl_blob data,
                      struct sl_err *err) SL_MUST_CHECK;

/** The next event, the first one included.
 * @retval SL_OK
 * @retval SL_NOT_FOUND  end: of the bytes, or only 0xff or only 0 follow (the ACPI area's padding)
 * @retval SL_TRUNCATED  ends inside an event
 * @retval SL_MALFORMED  a digest of an algorithm that the first event did not announce, twice, or
 *                       none at all */
sl_rc sl_tcg_log_next(struct sl_tcg_log *log, struct sl_tcg_event *ret_event,
                      struct sl_err *err) SL_MUST_CHECK;

/** Digest of an algorithm, NULL: the event has none. */
const uint8_t *sl_tcg_event_digest(const struct sl_tcg_event *event, uint16_t alg);

/** Registers after a log; those no event extended are as the platform starts them. */
struct sl_tcg_replay {
    uint8_t mr[SL_TPM_PCR_COUNT][SL_TPM_DIGEST_MAX];
    uint32_t event_count[SL_TPM_PCR_COUNT]; /**< that extended the register */
    uint8_t startup_locality;               /**< of PCR 0; 0 where the log does not tell */
};

/** Replays one bank: PCR 0 from its startup locality, 17 to 22 from all ones, the rest from zero.
 * @retval SL_OK
 * @retval SL_UNSUPPORTED  the log has no such bank, or OpenSSL does not know the hash
 * @retval SL_RANGE        an event extends a register that does not exist
 * @retval SL_TRUNCATED, SL_MALFORMED  as above; also an event without a digest of the bank
 * @retval SL_NO_MEMORY, SL_CRYPTO */
sl_rc sl_tcg_log_replay(struct sl_blob log, const struct sl_tpm_hash *hash,
                        struct sl_tcg_replay *ret_replay, struct sl_err *err) SL_MUST_CHECK;

/** Replays a confidential computing event log (UEFI 2.10, 38.2.2: SHA-384, register index less one
 * is the RTMR). Events of MRTD (index 0) are skipped: no RTMR vouches for them.
 * @param[out] ret_rtmr   written only on SL_OK
 * @param[out] ret_count  events per RTMR; NULL: not wanted
 * @retval as sl_tcg_log_replay */
sl_rc sl_ccel_replay(struct sl_blob log, uint8_t ret_rtmr[SL_TCG_RTMR_COUNT][SL_TCG_RTMR_SIZE],
                     uint32_t ret_count[SL_TCG_RTMR_COUNT], struct sl_err *err) SL_MUST_CHECK;

#endif
