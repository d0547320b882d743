/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A ring in enclave memory from one shard to another: packets that came by a shard that they do not
 * belong to. One writer, one reader, no lock; bounded. The reader works on packets where they lie
 * and gives the room back when they are sealed.
 */
#ifndef SL_IMAGE_HANDOVER_H
#define SL_IMAGE_HANDOVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "safelib/packet.h"

enum {
    /** Room behind each packet: an NF may let it grow, sealing wants a trailer. */
    SL_HANDOVER_SPARE = 256,
    /** Two cache lines: processors fetch them in pairs, and two cores write here. */
    SL_HANDOVER_ALIGN = 128,
};

/** A packet on its way between shards. */
struct sl_handed {
    struct sl_packet packet; /**< as it was handed over; data, src and dst lie in the ring */
    uint8_t origin;          /**< the port by which it came to the image */
};

struct sl_handover {
    /* the writer's */
    _Alignas(SL_HANDOVER_ALIGN) _Atomic uint64_t head;
    uint64_t next; /* behind what was put; head follows when it is published */
    uint64_t tail_seen;
    /* the reader's */
    _Alignas(SL_HANDOVER_ALIGN) _Atomic uint64_t tail;
    uint64_t head_seen;
    uint64_t at; /* of the record after the one that was peeked last */
    /* constant */
    _Alignas(SL_HANDOVER_ALIGN) uint8_t *data;
    uint64_t size; /* power of two */
};

/** @param size  bytes, a power of two, 64 KiB at least
 * @retval SL_OK  @retval SL_RANGE  @retval SL_NO_MEMORY
 * @context control thread */
sl_rc sl_handover_init(struct sl_handover *ring, uint64_t size) SL_MUST_CHECK;
void sl_handover_done(struct sl_handover *ring);

/** Copies a packet into the ring. The reader sees it when it is published.
 * @retval SL_OK  @retval SL_AGAIN  full: not taken
 * @context packet path of the writer */
sl_rc sl_handover_put(struct sl_handover *ring, const struct sl_packet *packet,
                      uint8_t origin) SL_MUST_CHECK;

/** Shows the reader what was put: once for a burst, as each time the line with it goes from core to
 * core.
 * @return whether there was anything new
 * @context packet path of the writer; sequentially consistent with sl_handover_is_waiting */
bool sl_handover_publish(struct sl_handover *ring);
/** Whether something is published that was not peeked.
 * @context packet path of the reader */
bool sl_handover_is_waiting(const struct sl_handover *ring);

/** The next packet, or NULL. It is the reader's until sl_handover_release.
 * @context packet path of the reader */
struct sl_handed *sl_handover_peek(struct sl_handover *ring);
/** Gives back all that was peeked. */
void sl_handover_release(struct sl_handover *ring);

#endif
