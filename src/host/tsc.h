/* SPDX-License-Identifier: Apache-2.0 */
/* How fast this machine's TSC runs: what an image tells the time by, once the host has said it. */
#ifndef SL_HOST_TSC_H
#define SL_HOST_TSC_H

#include <stdint.h>

/** The two clocks that are compared; both only go forward. */
struct sl_tsc_clocks {
    uint64_t (*tsc)(void);
    uint64_t (*now_ns)(void);
};

/** Measures over at least 20 ms, in which the thread may lose its core at any moment: at each end
 * the two clocks are read several times, and the pair counts that nothing came between.
 * @return ticks per millisecond */
uint32_t sl_tsc_khz(const struct sl_tsc_clocks *clocks);

#endif
