/* SPDX-License-Identifier: Apache-2.0 */
/* Packets, each after a be16 length: what is joined, cut again, must be as many bytes of payload.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "net/coalesce.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t bytes_out;

static void emit(void *ctx, const struct sl_vnet *vnet, const struct iovec *slices, uint32_t count,
                 uint32_t size)
{
    static uint8_t flat[70000], out[70000];
    uint32_t at = 0, got = 0;
    struct sl_segmenter seg;
    (void)ctx;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(flat + at, slices[i].iov_base, slices[i].iov_len);
        at += (uint32_t)slices[i].iov_len;
    }
    if (at != size || count > SL_COALESCE_SLICES_MAX || size > SL_COALESCE_SIZE_MAX) {
        abort();
    }
    if (count == 1) {
        bytes_out += size;
        return;
    }
    if (sl_segmenter_init(&seg, vnet, flat, size, 70000) != SL_OK) {
        abort();
    }
    uint32_t cut = 0;
    while (sl_segmenter_next(&seg, out, sizeof(out), &got) == SL_OK) {
        bytes_out += got;
        cut++;
    }
    if (cut != count) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sl_coalesce c;
    uint8_t *copies[256];
    uint32_t count = 0, bytes_in = 0;
    struct sl_reader r;
    bytes_out = 0;
    sl_coalesce_init(&c, true, true, emit, NULL);
    sl_reader_init(&r, data, size);
    while (count < 256 && sl_reader_left(&r) > 2) {
        uint16_t packet_size = sl_reader_be16(&r);
        const uint8_t *bytes = sl_reader_bytes(&r, packet_size);
        struct sl_ip ip;
        if (bytes == NULL || packet_size == 0) {
            break;
        }
        copies[count] = malloc(packet_size);
        if (copies[count] == NULL) {
            abort();
        }
        memcpy(copies[count], bytes, packet_size);
        bytes_in += sl_ip_parse(bytes, packet_size, &ip) == SL_OK ? ip.size : packet_size;
        sl_coalesce_add(&c, copies[count++], packet_size);
    }
    sl_coalesce_flush(&c);
    if (bytes_in != bytes_out) {
        abort();
    }
    while (count > 0) {
        free(copies[--count]);
    }
    return 0;
}
