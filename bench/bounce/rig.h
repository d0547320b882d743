/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The outside of a bounced packet, from memory: seals packets as the gateway does, puts them into
 * the rx ring of port 0, takes them out of the tx ring of port 1 and opens samples of them.
 */
#ifndef SL_BENCH_RIG_H
#define SL_BENCH_RIG_H

#include "boundary/ring.h"
#include "control/message.h"

enum {
    RIG_IMIX = 0,     /**< size of a job: 7 x 64, 4 x 576, 1 x 1420 bytes */
    RIG_POOL = 65536, /**< most packets in one job */
    RIG_FLOWS = 1024,
    RIG_RUN_MAX = 32, /**< datagrams in one run, as UDP GRO delivers them */
};

struct attack;
struct flows;

struct rig {
    struct sl_area_geometry geometry;
    struct sl_area_layout layout;
    uint8_t *area;
    /* by the port where packets go in: 0, and 1 for the replies of flows */
    struct sl_host_ring rx[2];                /**< to the image, port side */
    struct sl_host_ring tx[2];                /**< from the image, port 1 - side */
    struct sl_msg_sa inbound[2], outbound[2]; /**< as the image must be told */
    struct sl_esp_sa *seal[2], *open[2];
    uint32_t side;
    struct attack *attack; /**< NULL: none */
    struct flows *flows;   /**< NULL: RIG_FLOWS flows of UDP that are no more than addresses */
    uint8_t *pool;         /**< sealed packets, one behind the other */
    size_t pool_size;
    uint32_t *offs;  /**< of packet i in the pool; count + 1 entries */
    uint32_t *sizes; /**< inner size of packet i */
    uint32_t count;
    uint32_t due;      /**< packets that must come back: all but the attack's */
    uint32_t due_size; /**< bytes by which those are known; 0: all are */
    uint32_t fed;      /**< packets of the pool given to the image */
    uint32_t drained;  /**< packets that came back, of those that are due */
    uint32_t wrong;    /**< samples that did not open or were not the packet */
};

/** @param spill_mib  untrusted memory for flows */
struct sl_area_geometry rig_geometry(uint32_t spill_mib);

/** Attaches to an area; makes the SAs, with random keys. */
void rig_init(struct rig *rig, const struct sl_area_geometry *geometry, uint8_t *area);
/** Makes the outside's ends of `inbound` and `outbound` anew, after their keys have changed. */
void rig_keys_set(struct rig *rig);
void rig_done(struct rig *rig);
/** Seals @p count packets of @p size inner bytes (RIG_IMIX: a mix) into the pool. */
void rig_fill(struct rig *rig, uint32_t size, uint32_t count);
/** The same with the attack's packets among them. */
void rig_fill_attacked(struct rig *rig, uint32_t size, uint32_t count);
/** Packets given to the image that it may not have looked at yet; at least as many as that. */
uint32_t rig_waiting(const struct rig *rig);
/** Waits until the image has looked at everything, and throws away what it sent. */
void rig_settle(struct rig *rig);
/** Gives the image up to @p most further packets, in runs. @return packets given */
uint32_t rig_feed(struct rig *rig, uint32_t most);
/** Takes back what the image sent; where @p is_checked, opens all of it. @return packets taken */
uint32_t rig_drain(struct rig *rig, bool is_checked);
/** A chain of one firewall with @p rules rules, the last of which accepts the traffic.
 * @return bytes; the caller frees @p ret_bundle */
size_t rig_chain(uint32_t rules, uint8_t **ret_bundle);

#endif
