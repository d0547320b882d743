/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Answers an image's requests for evidence (SL_FRAME_EVIDENCE, control/message.h). Real hardware
 * takes up to seconds for a quote, so a thread of its own waits for it: the relay never does. What
 * the image asks is hostile, what it gets is worth no more than the device behind the producer.
 */
#ifndef SL_HOST_EVIDENCE_SERVER_H
#define SL_HOST_EVIDENCE_SERVER_H

#include "boundary/ring.h"
#include "control/binding.h"
#include "evidence/evidence.h"

enum {
    SL_EVIDENCE_QUEUE_MAX = 4,     /**< requests that wait, and answers that wait */
    SL_EVIDENCE_REQUEST_MAX = 512, /**< bytes of a frame of the image */
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

/* ---- for a trust monitor (evidence_vouch.c) ---- */

/** One at a time. */
struct sl_evidence_vouch {
    int fd;          /**< -1: none */
    uint32_t number; /**< of the last; grows */
    int64_t deadline_ms;
    uint8_t nonce[SL_BINDING_NONCE_SIZE];
};
/** First step: what the image is asked. @retval SL_OK, SL_NO_MEMORY, and the producer's */
sl_rc sl_evidence_vouch_ask(const struct sl_evidence_vouch *vouch,
                            const struct sl_evidence_producer *producer,
                            struct sl_evidence_answer *ret_answer,
                            struct sl_err *err) SL_MUST_CHECK;
/** Second step: the image's answer, and evidence over it, as JSON. Blocks as the producer does.
 * @return text to free; NULL: no memory */
char *sl_evidence_vouch_text(const struct sl_evidence_vouch *vouch,
                             const struct sl_evidence_producer *producer, const uint8_t *data,
                             size_t size);
/** @return {"error": text} */
char *sl_evidence_vouch_error(const char *text);
/** Sends, closes, and is free again. @p text is freed. */
void sl_evidence_vouch_end(struct sl_evidence_vouch *vouch, char *text);

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
/** A trust monitor's nonce for the image: its claims, and evidence over them, go to @p fd as JSON
 * ({"type", "bundle", "claims"} or {"error"}), which is then closed. From the relay's thread; one
 * at a time, others are refused at once.
 * @param[in] fd  a connected socket; taken over */
void sl_evidence_server_vouch(struct sl_evidence_server *server, int fd,
                              const uint8_t nonce[SL_BINDING_NONCE_SIZE]);
/** Ends. A producer that hangs in its device is left behind after two seconds. */
void sl_evidence_server_free(struct sl_evidence_server *server);

#endif
