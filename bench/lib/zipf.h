/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Which of many things is looked at next: by Zipf's law, or each as often.
 */
#ifndef SL_BENCH_ZIPF_H
#define SL_BENCH_ZIPF_H

#include <stdint.h>

struct bench_zipf;

/** Thing of rank r with probability proportional to 1 / r^@p exponent; 0: all alike. Which has
 * which rank is shuffled, and the same in every run. @return exits where memory is out */
struct bench_zipf *bench_zipf_new(uint32_t count, double exponent);
void bench_zipf_free(struct bench_zipf *zipf);
/** The next one: 0 to count - 1. Made of the caller's random numbers (bench_random). */
uint32_t bench_zipf_next(const struct bench_zipf *zipf, uint64_t *random_state);

#endif
