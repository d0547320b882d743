/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Answers an image's requests for evidence (SL_FRAME_EVIDENCE, control/message.h). Real hardware
 * takes up to seconds for a quote, so a thread of its own waits for it: the relay never does. What
 * the image asks is hostile, what it gets is worth no more than the device behind the producer.
 */
#ifndef SL_HOST_EVIDENCE_SERVER_H
#define SL_HOST_EVIDENCE_SERVER_H

#include "boundary/ring.h"
#include "evidence/evidence.h"

enum {
    SL_EVIDENCE_QUEUE_MAX = 4, /**< requests that wait, and answers that wait */
    SL_EVIDENCE_REQUEST_MAX = 1 + 64 + 432,
};

#define SL_EVIDENCE_COUNTER_TABLE(X)                                                               \
    X(asked, "requests for evidence of the image")                                                 \
    X(answered, "requests answered with what was asked for")                                       \
    X(refused, "requests answered with a sentence")                                                \
    X(dropped, "requests not answered: too many at once")

struct sl_evidence_counters {
#define SL_EVIDENCE_COUNTER(name, text) uint64_t name;
    SL_EVIDENCE_COUNTER_TABLE(SL_EVIDENCE_COUNTER)
#undef SL_EVIDENCE_COUNTER
};

/* ---- one answer ---- */

struct sl_evidence_answer {
    uint32_t request; /**< the image's number */
    uint8_t what;
    sl_rc rc;
    uint8_t *bytes; /**< malloced; NULL where there was no memory for even a sentence */
    uint32_t size, off;
};

/** Asks the producer. Blocks as long as it does. Every failure becomes a sentence in the answer.
 * @param[in] data  body of the image's frame */
void sl_evidence_answer_make(const struct sl_evidence_producer *producer, uint32_t request,
                             const uint8_t *data, size_t size,
                             struct sl_evidence_answer *ret_answer);
/** Writes as many pieces as the ring has room for.
 * @return true where the answer is all written */
bool sl_evidence_answer_write(struct sl_evidence_answer *answer, struct sl_byte_ring *to_image);
void sl_evidence_answer_done(struct sl_evidence_answer *answer);

/** For a program that runs the image in its own process (control/client.h,
 * sl_client_ring_on_evidence): asks and writes at once, on the caller's thread.
 * @param[in] producer  struct sl_evidence_producer * */
void sl_evidence_answer_now(void *producer, struct sl_byte_ring *to_image, uint32_t request,
                            const uint8_t *data, uint32_t size);

/* ---- the server ---- */

struct sl_evidence_server;

/** Starts its thread.
 * @param[in] producer  taken over on SL_OK
 * @param[in] ready     called on the server's thread when an answer waits to be written
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_evidence_server_create(const struct sl_evidence_producer *producer,
                                void (*ready)(void *ctx), void *ready_ctx,
                                struct sl_evidence_server **ret_server) SL_MUST_CHECK;
/** Takes a request, from the relay's thread. Never waits; beyond SL_EVIDENCE_QUEUE_MAX it is
 * dropped and counted. */
void sl_evidence_server_ask(struct sl_evidence_server *server, uint32_t request,
                            const uint8_t *data, size_t size);
/** Writes what is ready and has room, from the relay's thread.
 * @return true where anything was written */
bool sl_evidence_server_pump(struct sl_evidence_server *server, struct sl_byte_ring *to_image);
/** True where an answer waits for room in the ring. */
bool sl_evidence_server_is_pending(struct sl_evidence_server *server);
void sl_evidence_server_counters(struct sl_evidence_server *server,
                                 struct sl_evidence_counters *ret_counters);
/** Ends. A producer that hangs in its device is left behind after two seconds. */
void sl_evidence_server_free(struct sl_evidence_server *server);

#endif
