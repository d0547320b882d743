/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Does the image's clock keep pace with ours? Its host owns the processor's counter: it can wind it
 * back or stretch it, and so make leases last longer than was said. The image tells its uptime with
 * each status; our own clock brackets the moment it was read, so that a slow network or a busy
 * machine is never taken for a bent clock.
 *
 * Bound: over any two statuses at most SL_GW_CLOCK_WINDOW_NS apart, 2 % of the time between them
 * and 500 ms.
 */
#ifndef SL_GATEWAY_CLOCK_H
#define SL_GATEWAY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define SL_GW_CLOCK_WINDOW_NS 10000000000ull
#define SL_GW_CLOCK_SLACK_NS  500000000ull
enum { SL_GW_CLOCK_SLACK_PERCENT = 2 };

/** Zero-initialise. */
struct sl_gw_clock {
    bool has_base;
    uint64_t base_sent_ns, base_heard_ns; /**< ours, around the image's reading of its clock */
    uint64_t base_image_ns;
    uint64_t checks, warps;
    int64_t worst_ns; /**< how far outside of what is possible, image minus ours */
};

/** Another image, or another run of it. */
void sl_gw_clock_reset(struct sl_gw_clock *clock);

/** One status: sent and heard by our clock, and the image's in it.
 * @param[out] ret_off_ns  how far the image's progress lies outside of the bracket; image minus
 * ours
 * @return false where that is more than the bound: counted, and a new window begins */
bool sl_gw_clock_sample(struct sl_gw_clock *clock, uint64_t sent_ns, uint64_t heard_ns,
                        uint64_t image_ns, int64_t *ret_off_ns);

#endif
