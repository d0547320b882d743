/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile host answers an image's request for evidence: what it sends is the input, and the
 * image's certificate is made of it where it gets through.
 *
 * Input: pieces, each u16 size and bytes; size 0xffff: 4 s pass. */
#include <stdlib.h>
#include <string.h>

#include "image/control_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sl_area_geometry geometry = {.shard_count = 1,
                                           .ring_count = 64,
                                           .data_size = 65536,
                                           .control_size = 16384,
                                           .log_size = 4096};
static struct sl_area_layout layout;
static uint8_t *area;
static struct sl_identity *identity;

static void once(void)
{
    if (area != NULL) {
        return;
    }
    if (sl_area_layout(&geometry, &layout) != SL_OK ||
        sl_identity_generate("fuzz", &identity) != SL_OK) {
        abort();
    }
    area = aligned_alloc(SL_AREA_ALIGN, layout.size);
    if (area == NULL) {
        abort();
    }
}

/* What must hold after every piece, whatever came. */
static void check(const struct sl_evidence_ask *ask)
{
    uint32_t most =
        ask->what == SL_EVIDENCE_TARGET ? SL_EVIDENCE_TARGET_SIZE : SL_EVIDENCE_BUNDLE_MAX;
    bool is_bounded = ask->total <= most && ask->have <= ask->total;
    bool is_whole = ask->state != SL_ASK_DONE || ask->err.rc != SL_OK ||
                    (ask->bytes != NULL && ask->have == ask->total && ask->total > 0);
    if (!is_bounded || !is_whole || (ask->err.rc != SL_OK && ask->bytes != NULL)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_reader r;
    uint64_t now_ns = 1;
    once();
    memset(area, 0, layout.size);
    static struct sl_control_server server;
    memset(&server, 0, sizeof(server));
    static struct sl_provision provision; /* none yet */
    server.params.identity = server.params.certify = identity;
    server.params.provision = &provision;
    sl_byte_ring_init(&server.params.out, area, &layout.control_out, geometry.control_size, NULL);
    sl_dice_start(&server, now_ns);
    sl_reader_init(&r, data, size);
    while (sl_reader_left(&r) > 0) {
        (void)sl_dice_poll(&server, now_ns);
        uint16_t piece = sl_reader_be16(&r);
        if (piece == UINT16_MAX) {
            now_ns += 4000000000ull;
            continue;
        }
        const uint8_t *bytes = sl_reader_bytes(&r, piece);
        if (bytes == NULL) {
            break;
        }
        (void)sl_image_attest_frame(&server, 1, bytes, piece);
        check(&server.dice.ask);
    }
    (void)sl_dice_poll(&server, now_ns);
    sl_evidence_ask_reset(&server.dice.ask);
    return 0;
}
