/* SPDX-License-Identifier: Apache-2.0 */
/* The TSC against the machine's clock. */
#include "host/tsc.h"

enum { WINDOW_NS = 20000000, TRIES = 8 };

struct moment {
    uint64_t tsc, ns;
};

static struct moment moment_read(const struct sl_tsc_clocks *clocks)
{
    struct moment best = {0, 0};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = clocks->tsc();
        uint64_t ns = clocks->now_ns();
        uint64_t between = clocks->tsc() - before;
        if (between < least) {
            least = between;
            best = (struct moment){before + between / 2, ns};
        }
    }
    return best;
}

uint32_t sl_tsc_khz(const struct sl_tsc_clocks *clocks)
{
    struct moment begin = moment_read(clocks);
    while (clocks->now_ns() - begin.ns < WINDOW_NS) {
    }
    struct moment end = moment_read(clocks);
    return (uint32_t)((end.tsc - begin.tsc) * 1000000 / (end.ns - begin.ns));
}
