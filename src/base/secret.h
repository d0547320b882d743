/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Key bytes that are wiped when done, and comparisons that take the same time for all inputs.
 */
#ifndef SL_BASE_SECRET_H
#define SL_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SL_SECRET_MAX = 64 };

/** Fixed-size holder of a key; `size` bytes of `bytes` count. */
struct sl_secret {
    uint32_t size;
    uint8_t bytes[SL_SECRET_MAX];
};

/** Overwrites memory in a way the compiler may not remove. */
void sl_wipe(void *data, size_t size);
void sl_secret_done(struct sl_secret *secret);
/** Constant time in the contents. */
bool sl_equal_ct(const void *a, const void *b, size_t size);

#endif
