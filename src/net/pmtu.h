/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Path MTU by authenticated probes (RFC 8899, datagram PLPMTUD): a state machine without clock or
 * socket of its own. Sizes are inner packet sizes: a probe of N payload bytes makes the same ESP
 * packet as an inner packet of N bytes. Several sizes are probed at a time, so that a search takes
 * a few round trips; ICMP plays no part.
 */
#ifndef SL_NET_PMTU_H
#define SL_NET_PMTU_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SL_PMTU_PROBES_MAX = 9,  /**< sizes per round, and one small probe */
    SL_PMTU_GRANULARITY = 4, /**< ESP pads to 4 bytes: finer answers do not exist */
    SL_PMTU_SMALL = 64,      /**< the probe that fits every path: tells silence from "too big" */
    SL_PMTU_HISTORY = 256,   /**< probes that may still be answered: those of four seconds */
};

enum sl_pmtu_state {
    SL_PMTU_SEARCHING, /**< sizes are being tried */
    SL_PMTU_COMPLETE,  /**< confirmed every few seconds, tried larger every ten minutes */
    SL_PMTU_ERROR,     /**< not even the base size passes, though small packets do */
    SL_PMTU_SILENT,    /**< nothing is answered */
};

struct sl_pmtu_probe {
    uint64_t id;
    uint32_t size;
    uint64_t sent_ns;
    bool is_answered;
};

struct sl_pmtu {
    enum sl_pmtu_state state;
    uint32_t base;  /**< assumed to pass until disproved */
    uint32_t max;   /**< largest size worth trying */
    uint32_t low;   /**< known to pass */
    uint32_t high;  /**< smallest size known not to pass, or max + 1 */
    uint32_t mtu;   /**< in use */
    uint32_t tries; /**< of this round */
    uint32_t lost;  /**< confirmations in a row without an answer, though the small one had one */
    uint32_t silent;
    uint64_t rtt_ns;
    uint64_t next_ns;  /**< when sl_pmtu_poll has something to do */
    uint64_t raise_ns; /**< when larger sizes are tried again */
    uint64_t next_id;
    uint64_t plan_id; /**< the first probe of this round: what answers an earlier one tells the
                         round trip, and that the path is alive */
    bool is_fixed;    /**< configured: confirmed, not searched */
    uint32_t probe_count;
    struct sl_pmtu_probe probes[SL_PMTU_PROBES_MAX];
    struct sl_pmtu_probe history[SL_PMTU_HISTORY]; /**< by id: every try of a size counts */
    uint64_t answered, sent, black_holes, searches;
};

/** @param base  size to start from  @param max  largest to try; equal to base: a fixed MTU
 * @param first_id  random: ids must not be guessable from an earlier run */
void sl_pmtu_init(struct sl_pmtu *p, uint32_t base, uint32_t max, uint64_t first_id,
                  uint64_t now_ns);
/** Starts over: new path, new interface MTU, or packets refused as too big. */
void sl_pmtu_restart(struct sl_pmtu *p, uint64_t now_ns);
/** Does what is due. @return number of probes (the first ones of p->probes) to send now */
uint32_t sl_pmtu_poll(struct sl_pmtu *p, uint64_t now_ns);
/** An answer came, of the probe's size. @return true where its size was waited for: an answer to
 * any try of this round. One that comes later tells how long to wait. */
bool sl_pmtu_answer(struct sl_pmtu *p, uint64_t id, uint32_t size, uint64_t now_ns);
/** A probe of this size could not leave this machine: larger than the interface. */
void sl_pmtu_refused(struct sl_pmtu *p, uint32_t size);
const char *sl_pmtu_state_text(enum sl_pmtu_state state);

#endif
