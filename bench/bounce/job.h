/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One measurement: packets go in and come out, at full speed or by the clock. The same steps serve
 * all devices; who calls them, and what runs between them, is the device's affair.
 */
#ifndef SL_BENCH_JOB_H
#define SL_BENCH_JOB_H

#include "rig.h"

enum {
    JOB_WARM = 512,  /**< packets before the clock starts; all are opened and compared */
    JOB_BURST = 512, /**< packets given to the image at once, at most */
};

struct job {
    struct rig *rig;
    uint32_t size;        /**< inner bytes or RIG_IMIX */
    uint32_t count;       /**< packets that are timed */
    double rate_pps;      /**< 0: as fast as the image takes them */
    uint64_t *latency_ns; /**< rate_pps > 0: one per packet */

    uint64_t start_ns, end_ns; /**< of the timed part */
    uint64_t inside_ns; /**< batch: time between giving the processor away and getting it back */
    uint64_t left_ns;
    uint64_t turns;    /**< batch: times the image was entered */
    uint64_t stuck_ns; /**< since when nothing has come back */
    bool is_warm;
    bool is_all_checked; /**< nothing is timed: ends after the packets that are compared */
    /** Says why packets are missing, before the program dies of it; may be NULL. */
    void (*explain)(void *ctx);
    void *explain_ctx;
};

void job_start(struct job *job, struct rig *rig, uint32_t size, uint32_t count, double rate_pps);
/** All packets are opened and compared, none is timed. */
void job_start_checked(struct job *job, struct rig *rig, uint32_t count);
void job_done(struct job *job);
/** The image has given the processor back (or runs elsewhere): drains and feeds.
 * @param is_alone  the image runs on another core: do not count turns
 * @return false when every packet came back */
bool job_step(struct job *job, bool is_alone);

#endif
