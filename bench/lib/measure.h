/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * How SafeLib measures on machines with noisy neighbours: the candidates take turns in short
 * windows (A, B, C, A, B, C, ...), so that a slow phase hits all of them; reported are the minimum,
 * the 10th percentile and the ratio of windows that lie side by side. Beside every result stands a
 * calibration figure, so that a reader can tell a quiet machine from a busy one.
 */
#ifndef SL_BENCH_MEASURE_H
#define SL_BENCH_MEASURE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/** One candidate. `run` does `count` operations and returns how many ns they took, or 0 to have the
 * whole call timed. */
struct bench_case {
    const char *name;
    uint64_t (*run)(void *ctx, uint64_t count);
    void *ctx;
    uint64_t count; /**< operations in one window */
    size_t base;    /**< index of the case that `ratio` compares with */
};

/** ns per operation. */
struct bench_stat {
    double min, p10, median, p90;
    double ratio;     /**< median over rounds of (this window / the base case's window) */
    double ratio_min; /**< this minimum / the base case's minimum */
};

enum { BENCH_CASES_MAX = 32, BENCH_CIPHERS_MAX = 8 };

uint64_t bench_now_ns(void);
/** Runs all cases in turn, @p rounds times; fills @p stats[count]. One round before is not counted.
 */
void bench_interleave(const struct bench_case *cases, size_t count, unsigned rounds,
                      struct bench_stat *stats);
/** The calibration figure: ns to encrypt 1420 bytes by AES-128-GCM, ipsec-mb's direct API, AVX2. */
struct bench_case bench_calibration_case(void);
/** The same with a key and buffers of thread @p thread's own; each thread asks once for itself. */
struct bench_case bench_cipher_case(uint32_t thread);

json_t *bench_stat_json(const struct bench_stat *stat);
/** Percentile of a sorted array, @p share in 0..1. */
double bench_percentile(const double *sorted, size_t count, double share);
void bench_sort(double *values, size_t count);

/** Writes @p body with name, date, machine and kernel to PATH (stolen reference). Exits on failure.
 */
void bench_result_write(const char *path, const char *name, json_t *body);
/** Arguments "[--rounds N] [PATH]"; what is not given stays as it is. */
void bench_args(int argc, char **argv, unsigned *rounds, const char **path);
/** The next of a sequence that is the same in every run (xorshift64); @p state must not be 0. */
uint64_t bench_random(uint64_t *state);
/** One line on stderr and exit 1. */
void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
