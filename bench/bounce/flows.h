/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Packets of flows that both ends have seen: each is begun, answered and, where it is TCP, has its
 * handshake completed through the image before packets are timed, whatever the image translates.
 */
#ifndef SL_BENCH_FLOWS_H
#define SL_BENCH_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

enum { FLOWS_SIZE = 64 /**< inner bytes of what is not timed; some of it is shorter */ };

enum flows_phase {
    FLOWS_FIRST,  /**< from the client */
    FLOWS_ANSWER, /**< from the server, to where the first packet seemed to come from */
    FLOWS_ACK,    /**< from the client */
    FLOWS_WINDOW, /**< from the server: TCP, all that its window scale allows */
    FLOWS_DATA,   /**< from the client, flows at random */
};

struct flows;

/** @return NULL where @p count is 0 */
struct flows *flows_new(uint32_t count, bool is_tcp);
/** @return flows, all of which the phases before FLOWS_DATA visit once, in turn */
uint32_t flows_phase_set(struct flows *flows, enum flows_phase phase);
bool flows_is_from_server(enum flows_phase phase);
/** Makes the i-th packet of a job. @return its bytes */
uint32_t flows_make(struct flows *flows, uint32_t i, uint32_t size, uint8_t *out);
/** From now on the packets of FLOWS_DATA are of flows by Zipf's law with that exponent; 0: each as
 * often. */
void flows_zipf_set(struct flows *flows, double exponent);
/** Looks at what came out. @return whether it is a packet of one of the flows, intact */
bool flows_see(struct flows *flows, const uint8_t *inner, uint32_t size);

/* ---- parts of packets, for attacks too ---- */

struct flows_view {
    uint32_t src, dst;
    uint16_t sport, dport;
};

/** A header of 20 bytes with its checksum. */
void flows_ip4_make(const struct flows_view *view, uint8_t proto, uint32_t size, uint8_t *out);
/** The header's checksum, over what is in its place now. */
uint16_t flows_ip4_sum(const uint8_t *out);
/** The checksum of what follows the header, likewise. */
uint16_t flows_upper_sum(const uint8_t *out, uint32_t size);

#endif
