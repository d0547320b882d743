/* SPDX-License-Identifier: Apache-2.0 */
/* Several workers of one image, with a host and a gateway around them that steer as the test says.
 * The chain is one NF of the flow level that only counts. */
#ifndef SL_TESTS_IMAGE_SHARDS_BED_H
#define SL_TESTS_IMAGE_SHARDS_BED_H

#include <stdatomic.h>

#include "image/provision.h"
#include "image/worker.h"

enum { BED_SHARDS_MAX = 4 };

struct shards_bed {
    uint32_t count;
    struct sl_area_geometry geometry;
    struct sl_area_layout layout;
    uint8_t *area;
    struct sl_worker *workers;
    struct sl_provision provision;
    struct sl_host_ring rx[BED_SHARDS_MAX][SL_PORT_COUNT]; /* host's ends */
    struct sl_host_ring tx[BED_SHARDS_MAX][SL_PORT_COUNT];
    struct sl_esp_sa *to_image[BED_SHARDS_MAX][SL_PORT_COUNT]; /* gateway's ends */
    uint64_t sent;                                             /* datagrams that left the image */
};

/* What the NF saw, over all shards. */
struct shards_seen {
    uint64_t packets, created, replies, related, invalid;
    uint64_t disordered; /* packets of a flow and direction whose number is below one before */
    uint64_t after[BED_SHARDS_MAX];
};

void shards_bed_init(struct shards_bed *bed, uint32_t count);
void shards_bed_done(struct shards_bed *bed);

/* Seals an inner packet with the SA of shard `sa` and puts it into the rx ring of shard `ring`.
 * @return false where the ring is full */
bool shards_bed_send(struct shards_bed *bed, uint32_t sa, uint32_t ring, uint32_t port,
                     const uint8_t *inner, uint32_t size);
/* Takes everything out of the tx rings. */
void shards_bed_drain(struct shards_bed *bed);
/* One pass of every worker, until none has anything to do. */
void shards_bed_settle(struct shards_bed *bed);

struct shards_seen shards_bed_seen(struct shards_bed *bed);
/* A counter of all lanes, by its place in the structure. */
uint64_t shards_bed_sum(const struct shards_bed *bed, size_t off);
#define SHARDS_SUM(bed, name) shards_bed_sum(bed, offsetof(struct sl_worker_counters, name))

#endif
