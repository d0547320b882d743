/* SPDX-License-Identifier: Apache-2.0 */
/* A vnet header and a packet, as a TUN might hand them over: whatever comes out must be packets. */
#include <stdlib.h>
#include <string.h>

#include "net/rewrite.h"
#include "net/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_vnet vnet;
    if (size < sizeof(vnet) + 2 || size > 65535) {
        return 0;
    }
    memcpy(&vnet, data, sizeof(vnet));
    uint32_t mtu = (uint32_t)data[sizeof(vnet)] << 6;
    uint32_t packet_size = (uint32_t)(size - sizeof(vnet) - 1);
    uint8_t *packet = malloc(packet_size); /* exact size: reads past it are caught */
    uint8_t *out = malloc(65536);
    struct sl_segmenter seg;
    if (packet == NULL || out == NULL) {
        abort();
    }
    memcpy(packet, data + sizeof(vnet) + 1, packet_size);
    if (sl_segmenter_init(&seg, &vnet, packet, packet_size, mtu) == SL_OK) {
        uint32_t got = 0, total = 0, count = 0;
        while (sl_segmenter_next(&seg, out, 65536, &got) == SL_OK) {
            uint32_t off = 0, piece = 0, answer = 0;
            struct sl_ip ip;
            uint8_t icmp[SL_ICMP6_SIZE_MAX];
            static uint8_t fragment[65536];
            total += got - seg.header_size;
            if (++count > 65536 || got < seg.header_size) {
                abort();
            }
            if (sl_ip_parse(out, got, &ip) != SL_OK || ip.size != got) {
                abort();
            }
            (void)sl_mss_clamp(out, &ip, mtu);
            if (sl_too_big_write(out, &ip, 1438, icmp, &answer) == SL_OK && answer > sizeof(icmp)) {
                abort();
            }
            while (sl_ip4_fragment_next(out, &ip, mtu, &off, fragment, &piece) == SL_OK) {
                if (piece > mtu) {
                    abort();
                }
            }
        }
        if (total != seg.ip.size - seg.header_size) {
            abort();
        }
    }
    free(packet);
    free(out);
    return 0;
}
