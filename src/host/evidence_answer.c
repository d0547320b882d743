/* SPDX-License-Identifier: Apache-2.0 */
/* One answer to an image that asks for evidence. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "control/frame.h"
#include "control/message.h"
#include "host/evidence_server.h"

enum { NOW_TRIES_MAX = 2000, NOW_STEP_NS = 500000 };
/* kind, report_data, and the 432 bytes of an SGX REPORT (SDM 38.15) */
enum { WANTED_WITH_REPORT = 1 + SL_EVIDENCE_DATA_SIZE + 432 };

_Static_assert((int)SL_EVIDENCE_BUNDLE_MAX == (int)SL_EVIDENCE_SIZE_MAX, "one bound for bundles");

static void answer_fail(struct sl_evidence_answer *answer, const struct sl_err *err)
{
    size_t size = strnlen(err->text, SL_EVIDENCE_SENTENCE_MAX);
    free(answer->bytes);
    answer->bytes = malloc(size + 1);
    answer->size = answer->bytes != NULL ? (uint32_t)size : 0;
    answer->rc = err->rc;
    if (answer->bytes != NULL) {
        memcpy(answer->bytes, err->text, size);
    }
}

static sl_rc target_make(const struct sl_evidence_producer *producer,
                         struct sl_evidence_answer *answer, struct sl_err *err)
{
    uint8_t target[SL_EVIDENCE_TARGET_SIZE];
    sl_rc rc = producer->target_info(producer->ctx, target, err);
    if (rc != SL_OK) {
        return rc;
    }
    answer->bytes = malloc(sizeof(target));
    if (answer->bytes == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "out of memory");
    }
    memcpy(answer->bytes, target, sizeof(target));
    answer->size = sizeof(target);
    return SL_OK;
}

static sl_rc bundle_make(const struct sl_evidence_producer *producer, const uint8_t *data,
                         const uint8_t *report, struct sl_evidence_answer *answer,
                         struct sl_err *err)
{
    struct sl_evidence evidence;
    struct sl_writer w;
    sl_rc rc = producer->produce(producer->ctx, data, report, &evidence, err);
    if (rc != SL_OK) {
        return rc;
    }
    answer->bytes = malloc(SL_EVIDENCE_BUNDLE_MAX);
    sl_writer_init(&w, answer->bytes, SL_EVIDENCE_BUNDLE_MAX);
    if (answer->bytes != NULL) {
        sl_evidence_write(&evidence, &w);
    }
    sl_evidence_done(&evidence);
    answer->size = (uint32_t)w.off;
    if (answer->bytes == NULL || w.rc != SL_OK) {
        return sl_err_set(err, answer->bytes == NULL ? SL_NO_MEMORY : SL_RANGE,
                          "the evidence does not fit a bundle of %d bytes", SL_EVIDENCE_BUNDLE_MAX);
    }
    return SL_OK;
}

static sl_rc request_serve(const struct sl_evidence_producer *producer, const uint8_t *data,
                           size_t size, struct sl_evidence_answer *answer, struct sl_err *err)
{
    if (answer->what == SL_EVIDENCE_TARGET && size == 1) {
        return target_make(producer, answer, err);
    }
    if (answer->what == SL_EVIDENCE_WANTED &&
        (size == 1 + SL_EVIDENCE_DATA_SIZE || size == WANTED_WITH_REPORT)) {
        const uint8_t *report =
            size == WANTED_WITH_REPORT ? data + 1 + SL_EVIDENCE_DATA_SIZE : NULL;
        return bundle_make(producer, data + 1, report, answer, err);
    }
    return sl_err_set(err, SL_MALFORMED,
                      "evidence request of kind %u with %zu bytes: expected kind 1 with 1, or kind "
                      "2 with 65 or 497",
                      answer->what, size);
}

void sl_evidence_answer_make(const struct sl_evidence_producer *producer, uint32_t request,
                             const uint8_t *data, size_t size,
                             struct sl_evidence_answer *ret_answer)
{
    struct sl_err err = {0};
    *ret_answer = (struct sl_evidence_answer){.request = request, .what = size > 0 ? data[0] : 0};
    sl_rc rc = request_serve(producer, data, size, ret_answer, &err);
    if (rc != SL_OK) {
        if (err.text[0] == '\0') {
            (void)sl_err_set(&err, rc, "%s: %s", producer->name, sl_rc_text(rc));
        }
        answer_fail(ret_answer, &err);
    }
}

bool sl_evidence_answer_write(struct sl_evidence_answer *answer, struct sl_byte_ring *to_image)
{
    uint8_t body[SL_CONTROL_FRAME_MAX];
    const uint32_t headers = SL_FRAME_HEADER_SIZE + SL_EVIDENCE_PIECE_HEADER;
    do {
        uint32_t room = sl_byte_ring_writable(to_image);
        uint32_t left = answer->size - answer->off;
        struct sl_writer w;
        if (room < headers || (room == headers && left > 0)) {
            return false;
        }
        uint32_t most = room - SL_FRAME_HEADER_SIZE < sizeof(body) ? room - SL_FRAME_HEADER_SIZE
                                                                   : (uint32_t)sizeof(body);
        most -= SL_EVIDENCE_PIECE_HEADER;
        if (answer->rc != SL_OK && left > most) {
            return false; /* a sentence goes in one piece */
        }
        uint32_t size = left < most ? left : most;
        sl_writer_init(&w, body, sizeof(body));
        sl_writer_u8(&w, answer->what);
        sl_writer_be16(&w, (uint16_t)answer->rc);
        sl_writer_be32(&w, answer->size);
        sl_writer_be32(&w, answer->off);
        if (size > 0) {
            sl_writer_bytes(&w, answer->bytes + answer->off, size);
        }
        if (sl_frame_write_evidence(to_image, answer->request, body, (uint16_t)w.off) != SL_OK) {
            return false;
        }
        answer->off += size;
    } while (answer->off < answer->size);
    return true;
}

void sl_evidence_answer_done(struct sl_evidence_answer *answer)
{
    free(answer->bytes);
    *answer = (struct sl_evidence_answer){0};
}

void sl_evidence_answer_now(void *producer, struct sl_byte_ring *to_image, uint32_t request,
                            const uint8_t *data, uint32_t size)
{
    struct sl_evidence_answer answer;
    const struct timespec step = {.tv_nsec = NOW_STEP_NS};
    sl_evidence_answer_make(producer, request, data, size, &answer);
    for (int i = 0; i < NOW_TRIES_MAX && !sl_evidence_answer_write(&answer, to_image); i++) {
        (void)nanosleep(&step, NULL); /* the image takes from the ring meanwhile */
    }
    sl_evidence_answer_done(&answer);
}
