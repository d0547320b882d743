/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile image may ask its host for evidence with, and with which room in the ring: every
 * request gets an answer, whose pieces follow each other to the announced size. */
#include <stdlib.h>
#include <string.h>

#include "boundary/area.h"
#include "control/frame.h"
#include "host/evidence_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUOTE_SIZE = 40000, CONTROL_SIZE = 16 << 10 };

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static sl_rc target_info(void *ctx, uint8_t ret_target[512], struct sl_err *err)
{
    (void)ctx;
    (void)err;
    memset(ret_target, 1, 512);
    return SL_OK;
}

static sl_rc produce(void *ctx, const uint8_t report_data[SL_EVIDENCE_DATA_SIZE],
                     const uint8_t *report, struct sl_evidence *ret_evidence, struct sl_err *err)
{
    (void)ctx;
    if (report != NULL && report[0] == 0) {
        return SL_AUTH; /* without a sentence: the answer has one all the same */
    }
    if (report_data[0] == 0) {
        return sl_err_set(err, SL_IO, "no");
    }
    uint8_t *quote = calloc(1, QUOTE_SIZE);
    expect(quote != NULL);
    *ret_evidence = (struct sl_evidence){.type = SL_ATTEST_SGX,
                                         .binding = SL_BINDING_REPORT_DATA,
                                         .evidence = {quote, QUOTE_SIZE},
                                         .memory = quote};
    return SL_OK;
}

static struct sl_area_geometry geometry = {.shard_count = 1,
                                           .ring_count = 64,
                                           .data_size = 64 << 10,
                                           .control_size = CONTROL_SIZE,
                                           .log_size = 4 << 10};
static struct sl_area_layout layout;
static uint8_t *area;

static void rings_init(struct sl_byte_ring *host, struct sl_byte_ring *image)
{
    if (area == NULL) {
        expect(sl_area_layout(&geometry, &layout) == SL_OK);
        area = aligned_alloc(4096, layout.size);
        expect(area != NULL);
    }
    memset(area, 0, layout.size);
    expect(sl_area_format(area, layout.size, &geometry, &layout) == SL_OK);
    sl_byte_ring_init(host, area, &layout.control_in, CONTROL_SIZE, NULL);
    sl_byte_ring_init(image, area, &layout.control_in, CONTROL_SIZE, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sl_frame_reader reader;
    const struct sl_evidence_producer producer = {
        .name = "fuzz", .target_info = target_info, .produce = produce};
    struct sl_byte_ring host;
    struct sl_byte_ring image;
    struct sl_evidence_answer answer;
    struct sl_frame frame;
    uint32_t have = 0;
    bool is_done = false;
    if (size == 0 || size > SL_EVIDENCE_REQUEST_MAX) {
        return 0;
    }
    memset(&reader, 0, sizeof(reader));
    rings_init(&host, &image);
    sl_evidence_answer_make(&producer, 7, data, size, &answer);
    expect(answer.size > 0 && answer.what == data[0]);
    while (!is_done) {
        is_done = sl_evidence_answer_write(&answer, &host);
        while (sl_frame_read(&reader, &image, &frame) == SL_OK) {
            expect(frame.kind == SL_FRAME_EVIDENCE && frame.connection == 7 &&
                   frame.size > SL_EVIDENCE_PIECE_HEADER && frame.data[0] == data[0] &&
                   sl_be16_get(frame.data + 1) == answer.rc &&
                   sl_be32_get(frame.data + 3) == answer.size &&
                   sl_be32_get(frame.data + 7) == have);
            have += frame.size - SL_EVIDENCE_PIECE_HEADER;
        }
    }
    expect(have == answer.size);
    sl_evidence_answer_done(&answer);
    return 0;
}
