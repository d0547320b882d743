/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence from the host, piece by piece. */
#include "image/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "control/frame.h"
#include "runtime/runtime.h"

#define RING_FULL_AGAIN_NS 1000000ull

/* One piece, as the host wrote it. */
struct piece {
    uint8_t what;
    uint16_t rc;
    uint32_t total;
    uint32_t off;
    const uint8_t *bytes;
    size_t size;
};

static void bytes_drop(struct sl_evidence_ask *ask)
{
    free(ask->bytes);
    ask->bytes = NULL;
    ask->have = ask->total = 0;
}

static void finish(struct sl_evidence_ask *ask, sl_rc rc)
{
    ask->state = SL_ASK_DONE;
    ask->err.rc = rc;
    if (rc != SL_OK) {
        bytes_drop(ask);
    }
}

static void begin_step(struct sl_evidence_ask *ask, uint8_t what)
{
    ask->state = SL_ASK_SENDING;
    ask->what = what;
    ask->out[0] = what;
    ask->out_size = 1;
}

void sl_evidence_ask_start(struct sl_evidence_ask *ask, uint32_t number,
                           const uint8_t report_data[SL_BINDING_DATA_SIZE], uint64_t now_ns)
{
    sl_evidence_ask_reset(ask);
    ask->number = number;
    ask->deadline_ns = now_ns + SL_EVIDENCE_TIMEOUT_NS;
    memcpy(ask->report_data, report_data, SL_BINDING_DATA_SIZE);
    begin_step(ask, SL_EVIDENCE_TARGET);
}

/* The second step. `target` NULL: evidence here needs no REPORT. */
static void ask_evidence(struct sl_evidence_ask *ask, const uint8_t *target)
{
    uint8_t report[SL_EVIDENCE_REPORT_SIZE];
    bytes_drop(ask); /* `target` is a copy */
    if (target != NULL && sl_rt_report(target, ask->report_data, report) != SL_OK) {
        (void)sl_err_set(&ask->err, SL_UNSUPPORTED,
                         "the host named a quoting enclave, but this device makes no reports");
        finish(ask, SL_UNSUPPORTED);
        return;
    }
    begin_step(ask, SL_EVIDENCE_WANTED);
    memcpy(ask->out + ask->out_size, ask->report_data, sizeof(ask->report_data));
    ask->out_size += (uint16_t)sizeof(ask->report_data);
    if (target != NULL) {
        memcpy(ask->out + ask->out_size, report, sizeof(report));
        ask->out_size += (uint16_t)sizeof(report);
    }
}

static void fail_protocol(struct sl_evidence_ask *ask, const char *what)
{
    (void)sl_err_set(&ask->err, SL_MALFORMED, "the host's evidence breaks the protocol: %s", what);
    finish(ask, SL_MALFORMED);
}

/* The host's own sentence goes to the tenant's terminal: nothing but printable ASCII. */
static void fail_host(struct sl_evidence_ask *ask, const struct piece *piece)
{
    char text[SL_EVIDENCE_SENTENCE_MAX + 1];
    size_t size = piece->size < SL_EVIDENCE_SENTENCE_MAX ? piece->size : SL_EVIDENCE_SENTENCE_MAX;
    sl_rc rc = SL_IO; /* also for codes that could be taken for the image's own */
    for (size_t i = 0; i < size; i++) {
        uint8_t c = piece->bytes[i];
        text[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    text[size] = '\0';
    if (piece->rc == SL_UNSUPPORTED || piece->rc == SL_TIMEOUT || piece->rc == SL_NO_MEMORY ||
        piece->rc == SL_AUTH) {
        rc = (sl_rc)piece->rc;
    }
    (void)sl_err_set(&ask->err, rc, "the host gives no evidence: %s",
                     text[0] != '\0' ? text : sl_rc_text(rc));
    finish(ask, rc);
}

static bool read_piece(const uint8_t *data, size_t size, struct piece *ret_piece)
{
    struct sl_reader r;
    sl_reader_init(&r, data, size);
    ret_piece->what = sl_reader_u8(&r);
    ret_piece->rc = sl_reader_be16(&r);
    ret_piece->total = sl_reader_be32(&r);
    ret_piece->off = sl_reader_be32(&r);
    ret_piece->size = sl_reader_left(&r);
    ret_piece->bytes = sl_reader_bytes(&r, ret_piece->size);
    return sl_reader_end(&r) == SL_OK;
}

static uint32_t total_max(const struct sl_evidence_ask *ask)
{
    return ask->what == SL_EVIDENCE_TARGET ? SL_EVIDENCE_TARGET_SIZE : SL_EVIDENCE_BUNDLE_MAX;
}

/* Takes one piece of what was asked for. @return false where the ask has ended */
static bool collect(struct sl_evidence_ask *ask, const struct piece *piece)
{
    if (piece->total == 0 || piece->total > total_max(ask) ||
        (ask->what == SL_EVIDENCE_TARGET && piece->total != SL_EVIDENCE_TARGET_SIZE)) {
        fail_protocol(ask, "a size out of bounds");
        return false;
    }
    if (ask->total == 0) {
        ask->bytes = malloc(piece->total);
        if (ask->bytes == NULL) {
            (void)sl_err_set(&ask->err, SL_NO_MEMORY, "no memory for %u bytes of evidence",
                             piece->total);
            finish(ask, SL_NO_MEMORY);
            return false;
        }
        ask->total = piece->total;
    }
    if (piece->total != ask->total || piece->off != ask->have || piece->size == 0 ||
        piece->size > ask->total - ask->have) {
        fail_protocol(ask, "a piece that does not follow the last");
        return false;
    }
    memcpy(ask->bytes + ask->have, piece->bytes, piece->size);
    ask->have += (uint32_t)piece->size;
    return true;
}

bool sl_evidence_ask_take(struct sl_evidence_ask *ask, const uint8_t *data, size_t size)
{
    struct piece piece;
    uint8_t target[SL_EVIDENCE_TARGET_SIZE];
    if (!sl_evidence_ask_is_active(ask)) {
        return false;
    }
    if (!read_piece(data, size, &piece)) {
        fail_protocol(ask, "a piece shorter than its header");
    } else if (ask->state != SL_ASK_WAITING || piece.what != ask->what) {
        fail_protocol(ask, "an answer to what was not asked");
    } else if (piece.rc == SL_UNSUPPORTED && ask->what == SL_EVIDENCE_TARGET) {
        ask_evidence(ask, NULL);
    } else if (piece.rc != SL_OK) {
        fail_host(ask, &piece);
    } else if (collect(ask, &piece) && ask->have == ask->total) {
        if (ask->what == SL_EVIDENCE_TARGET) {
            memcpy(target, ask->bytes, sizeof(target));
            ask_evidence(ask, target);
        } else {
            finish(ask, SL_OK);
        }
    }
    return true;
}

uint64_t sl_evidence_ask_move(struct sl_evidence_ask *ask, struct sl_byte_ring *out,
                              uint64_t now_ns)
{
    if (!sl_evidence_ask_is_active(ask)) {
        return UINT64_MAX;
    }
    if (now_ns >= ask->deadline_ns) {
        (void)sl_err_set(&ask->err, SL_TIMEOUT,
                         "the host gave no evidence within %llu s (%u of %u bytes came)",
                         SL_EVIDENCE_TIMEOUT_NS / 1000000000ull, ask->have, ask->total);
        finish(ask, SL_TIMEOUT);
        return now_ns;
    }
    if (ask->state == SL_ASK_SENDING) {
        if (sl_frame_write_evidence(out, ask->number, ask->out, ask->out_size) != SL_OK) {
            return now_ns + RING_FULL_AGAIN_NS;
        }
        ask->state = SL_ASK_WAITING;
    }
    return ask->deadline_ns;
}

bool sl_evidence_ask_is_active(const struct sl_evidence_ask *ask)
{
    return ask->state == SL_ASK_SENDING || ask->state == SL_ASK_WAITING;
}

void sl_evidence_ask_reset(struct sl_evidence_ask *ask)
{
    free(ask->bytes);
    *ask = (struct sl_evidence_ask){0};
}
