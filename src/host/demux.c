/* SPDX-License-Identifier: Apache-2.0 */
/* From received runs to the rx rings of a shard. */
#include "host/demux.h"

#include <string.h>

#include "base/bytes.h"
#include "control/message.h"
#include "esp/encap.h"

enum {
    NO_PORT = SL_AREA_PORTS,
    /* header, IV, an empty payload's trailer, ICV */
    ESP_MIN = SL_ESP_HEADER_SIZE + SL_ESP_IV_SIZE + 4 + SL_ESP_ICV_SIZE,
    /* Buffers lie this much more than their room apart, so that the heads of full-size datagrams
     * do not all fall on the same few sets of the cache. */
    STAGGER = 1536,
    FADE = 8, /* a burst weighs 1/8 less with each that follows */
};

static uint64_t stride_of(uint32_t room)
{
    return ((uint64_t)room + STAGGER + 63) & ~63ull;
}

uint32_t sl_demux_buffers(struct sl_demux *demux, struct sl_io_rx *bufs, uint32_t max,
                          uint32_t room)
{
    struct sl_host_ring *ring = &demux->rings[demux->guess];
    uint64_t stride = stride_of(room);
    /* half the region: the image works on the other half meanwhile */
    uint64_t fit = ring->data_size / 2 / stride;
    uint32_t count = max < fit ? max : (uint32_t)fit;
    uint8_t *place = NULL;
    while (count > 1 && place == NULL) {
        place = sl_host_rx_reserve(ring, (uint32_t)(count * stride));
        count = place == NULL ? count / 2 : count;
    }
    if (place == NULL) {
        count = 1;
        place = sl_host_rx_reserve(ring, room);
    }
    if (place == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        bufs[i] = (struct sl_io_rx){.data = place + i * stride, .room = room};
    }
    return count;
}

/* Port of a datagram, or NO_PORT (counted). */
static uint32_t port_of(struct sl_demux *demux, const uint8_t *data, uint32_t size)
{
    enum sl_udp_payload kind = sl_udp_payload_classify(data, size);
    if (kind == SL_UDP_PAYLOAD_KEEPALIVE) {
        demux->counters->rx_keepalive++;
        return NO_PORT;
    }
    if (kind == SL_UDP_PAYLOAD_IKE) {
        demux->counters->rx_ike++;
        return NO_PORT;
    }
    if (kind != SL_UDP_PAYLOAD_ESP || size < ESP_MIN || sl_be32_get(data) < 256) {
        demux->counters->rx_short++;
        return NO_PORT;
    }
    uint32_t queue = sl_spi_queue(sl_be32_get(data));
    if (queue / SL_AREA_PORTS != demux->shard) {
        demux->counters->rx_no_queue++;
        return NO_PORT;
    }
    return queue % SL_AREA_PORTS;
}

/* One stretch of a run that belongs to one port. */
static uint32_t stretch_commit(struct sl_demux *demux, const uint8_t *data, uint32_t size,
                               uint32_t port, const struct sl_io_rx *buf)
{
    struct sl_host_ring *guessed = &demux->rings[demux->guess];
    struct sl_host_ring *ring = &demux->rings[port == NO_PORT ? demux->guess : port];
    uint32_t segment_size = buf->segment_size < size ? buf->segment_size : size;
    uint32_t datagrams = (size + segment_size - 1) / segment_size;
    bool is_in = false;
    if (port == demux->guess) {
        is_in = sl_host_rx_commit(ring, size, segment_size, buf->peer, buf->tos);
    } else {
        sl_host_rx_skip(guessed, size);
        uint8_t *place = port == NO_PORT ? NULL : sl_host_rx_reserve(ring, size);
        if (place != NULL) {
            memcpy(place, data, size);
            is_in = sl_host_rx_commit(ring, size, segment_size, buf->peer, buf->tos);
            demux->counters->rx_copied += is_in;
        }
    }
    if (is_in) {
        demux->counters->rx_runs++;
        demux->counters->rx_datagrams += datagrams;
    } else if (port != NO_PORT) {
        demux->counters->rx_full += datagrams;
    }
    return is_in;
}

/* Adds the bytes of each port to `sizes`. */
static uint32_t run_commit(struct sl_demux *demux, const struct sl_io_rx *buf,
                           uint32_t sizes[SL_AREA_PORTS])
{
    uint32_t committed = 0;
    uint32_t begin = 0;
    uint32_t segments = 0;
    uint32_t port = NO_PORT;
    for (uint32_t off = 0; off < buf->size; off += buf->segment_size) {
        uint32_t left = buf->size - off;
        uint32_t size = left < buf->segment_size ? left : buf->segment_size;
        uint32_t now = port_of(demux, buf->data + off, size);
        if (off > begin && (now != port || segments == SL_RUN_SEGMENTS_MAX)) {
            committed += stretch_commit(demux, buf->data + begin, off - begin, port, buf);
            sizes[port % SL_AREA_PORTS] += port == NO_PORT ? 0 : off - begin;
            begin = off;
            segments = 0;
        }
        port = now;
        segments++;
    }
    if (buf->size > begin) {
        committed += stretch_commit(demux, buf->data + begin, buf->size - begin, port, buf);
        sizes[port % SL_AREA_PORTS] += port == NO_PORT ? 0 : buf->size - begin;
    }
    return committed;
}

uint32_t sl_demux_commit(struct sl_demux *demux, const struct sl_io_rx *bufs, uint32_t count)
{
    struct sl_host_ring *guessed = &demux->rings[demux->guess];
    uint32_t committed = 0;
    uint32_t sizes[SL_AREA_PORTS] = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (bufs[i].size != 0 && bufs[i].segment_size != 0) {
            committed += run_commit(demux, &bufs[i], sizes);
        }
        if (i + 1 < count) {
            uint64_t gap = (uint64_t)(bufs[i + 1].data - bufs[i].data) - bufs[i].size;
            sl_host_rx_skip(guessed, (uint32_t)gap);
        }
    }
    /* The port of most bytes lately: a few acknowledgements behind or between bursts of data must
     * not turn the guess, or the next burst is copied. */
    for (uint32_t port = 0; port < SL_AREA_PORTS; port++) {
        uint32_t faded = demux->recent[port] - demux->recent[port] / FADE;
        demux->recent[port] = faded + sizes[port];
        if (demux->recent[port] > demux->recent[demux->guess]) {
            demux->guess = port;
        }
    }
    return committed;
}
