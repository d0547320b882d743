/* SPDX-License-Identifier: Apache-2.0 */
/* A whole network function: drops packets that have few hops left. Its policy is one byte: the
 * least TTL or hop limit that passes. nf/README.md walks through it. */
#include <stdlib.h>

#include "safelib/bytes.h"
#include "safelib/packet.h"

static sl_rc ttl_load(const void *policy, size_t size, void **ret_state, char *reason,
                      size_t reason_size)
{
    struct sl_reader r;
    sl_reader_init(&r, policy, size);
    uint8_t least = sl_reader_u8(&r);
    uint8_t *state = sl_reader_end(&r) == SL_OK ? malloc(1) : NULL;
    if (state == NULL) {
        return sl_reader_end(&r) != SL_OK ? sl_reader_end(&r) : SL_NO_MEMORY;
    }
    *state = least;
    *ret_state = state;
    return SL_OK;
}

static void ttl_burst(void *state, struct sl_packet *const *packets, uint32_t count)
{
    uint8_t least = *(const uint8_t *)state;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t left = packets[i]->data[packets[i]->ip_version == 4 ? 8 : 7];
        packets[i]->verdict = left >= least ? SL_VERDICT_PASS : SL_VERDICT_DROP;
    }
}

static const struct sl_nf ttl_nf = {
    .name = "example_ttl", .load = ttl_load, .burst = ttl_burst, .unload = free};
SL_NF_REGISTER(ttl_nf);
