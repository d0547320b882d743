/* SPDX-License-Identifier: Apache-2.0 */
/* A worker with a host and a gateway around it: real rings, real ESP both ways, no enclave. */
#ifndef SL_TESTS_IMAGE_RIG_H
#define SL_TESTS_IMAGE_RIG_H

#include "boundary/ring.h"
#include "control/message.h"
#include "image/provision.h"
#include "image/worker.h"

struct rig {
    struct sl_area_geometry geometry;
    struct sl_area_layout layout;
    uint8_t *area;
    struct sl_worker *worker;
    struct sl_provision provision;
    struct sl_host_ring rx[2]; /* host's ends */
    struct sl_host_ring tx[2];
    struct sl_esp_sa *to_image[2]; /* gateway's ends */
    struct sl_esp_sa *from_image[2];
    uint32_t next_spi;
};

void rig_init(struct rig *rig, uint32_t ring_count, uint32_t data_size);
void rig_done(struct rig *rig);

/* A fresh SA message: key and SPI never seen before. */
struct sl_msg_sa rig_sa(struct rig *rig, uint8_t port, bool is_inbound);
/* Provisions the image with it and makes the gateway's end; the gateway's old end is freed. */
void rig_set_sa(struct rig *rig, uint8_t port, bool is_inbound);
void rig_set_all_sas(struct rig *rig);
/* Chain of the test NF: verdict of every packet, or 0xff: by the first payload byte. */
sl_rc rig_set_chain(struct rig *rig, uint64_t version, uint8_t verdict);
size_t rig_bundle(uint64_t version, uint8_t verdict, uint8_t *out, size_t size);

/* An IPv4/UDP packet of `size` bytes (28 at least); payload bytes are `fill`. */
void rig_packet(uint8_t *out, uint32_t size, uint8_t tos, uint8_t fill);
/* Seals as the gateway does and gives it to the host's rx ring as one datagram. */
void rig_send(struct rig *rig, uint8_t port, const uint8_t *inner, uint32_t size, uint8_t next,
              uint16_t peer, uint32_t flags);
/* Gives raw bytes to the ring as a run. */
void rig_send_raw(struct rig *rig, uint8_t port, const uint8_t *data, uint32_t size,
                  uint32_t segment_size, uint16_t peer, uint32_t flags);
/* Takes one run from the tx ring and opens each datagram with `sa`; returns how many opened. The
 * last inner packet is in `inner`. */
uint32_t rig_receive(struct rig *rig, uint8_t port, struct sl_esp_sa *sa, uint8_t *inner,
                     struct sl_esp_inner *ret_inner, struct sl_run *ret_run);
struct sl_worker_counters *rig_counters(struct rig *rig, uint8_t port);

#endif
