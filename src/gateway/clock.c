/* SPDX-License-Identifier: Apache-2.0 */
/* Two clocks, one of which somebody else owns. */
#include "gateway/clock.h"

#include <stdlib.h>

void sl_gw_clock_reset(struct sl_gw_clock *clock)
{
    clock->has_base = false;
}

static void base_set(struct sl_gw_clock *clock, uint64_t sent_ns, uint64_t heard_ns,
                     uint64_t image_ns)
{
    clock->has_base = true;
    clock->base_sent_ns = sent_ns;
    clock->base_heard_ns = heard_ns;
    clock->base_image_ns = image_ns;
}

bool sl_gw_clock_sample(struct sl_gw_clock *clock, uint64_t sent_ns, uint64_t heard_ns,
                        uint64_t image_ns, int64_t *ret_off_ns)
{
    *ret_off_ns = 0;
    if (!clock->has_base) {
        base_set(clock, sent_ns, heard_ns, image_ns);
        return true;
    }
    /* between these two the image read its clock, both times */
    int64_t least = (int64_t)(sent_ns - clock->base_heard_ns);
    int64_t most = (int64_t)(heard_ns - clock->base_sent_ns);
    int64_t progress = (int64_t)(image_ns - clock->base_image_ns);
    int64_t off = progress < least ? progress - least : progress > most ? progress - most : 0;
    int64_t bound = most / 100 * SL_GW_CLOCK_SLACK_PERCENT + (int64_t)SL_GW_CLOCK_SLACK_NS;
    bool is_good = off <= bound && -off <= bound;
    *ret_off_ns = off;
    if (llabs(off) > llabs(clock->worst_ns)) {
        clock->worst_ns = off;
    }
    if (!is_good || heard_ns - clock->base_heard_ns >= SL_GW_CLOCK_WINDOW_NS) {
        clock->checks++;
        clock->warps += !is_good;
        base_set(clock, sent_ns, heard_ns, image_ns);
    }
    return is_good;
}
