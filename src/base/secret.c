/* SPDX-License-Identifier: Apache-2.0 */
/* Wiping and constant-time comparison. */
#include "base/secret.h"

#include <string.h>

void sl_wipe(void *data, size_t size)
{
    memset(data, 0, size);
    __asm__ volatile("" : : "r"(data) : "memory");
}

void sl_secret_done(struct sl_secret *secret)
{
    sl_wipe(secret, sizeof(*secret));
}

bool sl_equal_ct(const void *a, const void *b, size_t size)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t diff = 0;
    for (size_t i = 0; i < size; i++) {
        diff = (uint8_t)(diff | (x[i] ^ y[i]));
    }
    return diff == 0;
}
