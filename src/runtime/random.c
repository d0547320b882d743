/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness inside: RDRAND, the only source that the host cannot choose. */
#include "runtime/private.h"

enum { RETRIES = 100 };

static bool rdrand(uint64_t *ret_value)
{
    /* SDM vol. 1, 7.3.17.1: "retry... 10 times"; under load from other cores it takes longer */
    for (int i = 0; i < RETRIES; i++) {
        uint8_t is_ok;
        __asm__ volatile("rdrand %0; setc %1" : "=r"(*ret_value), "=qm"(is_ok) : : "cc");
        if (is_ok) {
            return true;
        }
        __builtin_ia32_pause();
    }
    return false;
}

void rt_random(struct rt_block *block, void *out, size_t size)
{
    uint8_t *at = out;
    uint64_t last = 0;
    if (!rdrand(&last)) {
        rt_die(block, SL_ABI_DEAD_RANDOM, 0);
    }
    while (size > 0) {
        uint64_t value;
        /* some processors went on to say "success" with one constant after a suspend */
        if (!rdrand(&value) || value == last) {
            rt_die(block, SL_ABI_DEAD_RANDOM, 0);
        }
        last = value;
        size_t part = size < sizeof(value) ? size : sizeof(value);
        rt_memcpy(at, &value, part);
        at += part;
        size -= part;
    }
}
