/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One request of the image to its host for evidence: TARGETINFO of the quoting enclave, a REPORT
 * for it, then the evidence, which stays opaque here. The host may answer anything, in any order,
 * any time, or not at all: pieces are put together only exactly as asked, sizes are bounded, and
 * the time is.
 *
 * Runs on the control thread and never waits.
 */
#ifndef SL_IMAGE_EVIDENCE_H
#define SL_IMAGE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "boundary/ring.h"
#include "control/binding.h"
#include "control/message.h"

/** From the request on, for all of it. Quoting takes up to seconds on real hardware. */
#define SL_EVIDENCE_TIMEOUT_NS 10000000000ull

enum sl_evidence_ask_state {
    SL_ASK_IDLE = 0,
    SL_ASK_SENDING, /**< the frame waits for room in the ring */
    SL_ASK_WAITING, /**< for the host's pieces */
    SL_ASK_DONE,    /**< `err.rc` tells; to be taken by the owner */
};

struct sl_evidence_ask {
    enum sl_evidence_ask_state state;
    uint32_t number; /**< of the request; never 0, never used twice */
    uint8_t what;    /**< SL_EVIDENCE_TARGET, SL_EVIDENCE_WANTED */
    uint8_t report_data[SL_BINDING_DATA_SIZE];
    uint64_t deadline_ns;
    uint16_t out_size; /**< of the frame to send */
    uint8_t out[1 + SL_BINDING_DATA_SIZE + SL_EVIDENCE_REPORT_SIZE];
    uint32_t total; /**< as the first piece said; 0: none came */
    uint32_t have;
    uint8_t *bytes; /**< SL_ASK_DONE and SL_OK: the bundle, `have` bytes */
    struct sl_err err;
};

/** Begins. An ask under way is given up. */
void sl_evidence_ask_start(struct sl_evidence_ask *ask, uint32_t number,
                           const uint8_t report_data[SL_BINDING_DATA_SIZE], uint64_t now_ns);

/** Hands over what one SL_FRAME_EVIDENCE carries. What is not an answer to what was asked last
 * ends the ask with SL_MALFORMED.
 * @return false where nothing is asked at present: the bytes were not looked at */
bool sl_evidence_ask_take(struct sl_evidence_ask *ask, const uint8_t *data, size_t size);

/** Sends what waits, and ends what is late (SL_TIMEOUT).
 * @return when it wants to be called again; UINT64_MAX: not by time */
uint64_t sl_evidence_ask_move(struct sl_evidence_ask *ask, struct sl_byte_ring *out,
                              uint64_t now_ns);

bool sl_evidence_ask_is_active(const struct sl_evidence_ask *ask);

/** Frees, and is idle again. */
void sl_evidence_ask_reset(struct sl_evidence_ask *ask);

#endif
