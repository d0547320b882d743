/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Start parameters as the host writes them at the params offset of the shared area, and the image's
 * one look at them. Little-endian:
 *
 *   struct sl_params_header
 *   struct sl_params_cpuid [cpuid_count]
 *   argc strings, each with its terminating zero, argv_size bytes together
 */
#ifndef SL_RUNTIME_PARAMS_H
#define SL_RUNTIME_PARAMS_H

#include <stdint.h>

#include "safelib/rc.h"

#define SL_PARAMS_MAGIC 0x314d5250u /* "PRM1" */

enum {
    SL_PARAMS_ARGC_MAX = 64,
    SL_PARAMS_ARGV_SIZE_MAX = 8192,
    SL_PARAMS_CPUID_MAX = 16,
    SL_PARAMS_TSC_KHZ_MIN = 100000,
    SL_PARAMS_TSC_KHZ_MAX = 10000000,
};

struct sl_params_header {
    uint32_t magic;
    uint32_t argc;      /**< 1..SL_PARAMS_ARGC_MAX */
    uint32_t argv_size; /**< bytes of the strings */
    uint32_t cpuid_count;
    uint32_t tsc_khz; /**< RDTSC ticks per millisecond: a hint, until time is authenticated */
    uint32_t reserved;
};

struct sl_params_cpuid {
    uint32_t leaf;
    uint32_t subleaf;
    uint32_t eax, ebx, ecx, edx;
};

/** The image's private copy. */
struct sl_params {
    struct sl_params_header header;
    struct sl_params_cpuid cpuid[SL_PARAMS_CPUID_MAX];
    char argv[SL_PARAMS_ARGV_SIZE_MAX];
};

/** Copies the start parameters in, each byte once, and checks them.
 * @param[in]  shared  SL_AREA_PARAMS_SIZE bytes of untrusted, changing memory
 * @param[out] ret_params private; complete only on SL_OK
 * @retval SL_OK        argc strings, terminated
 * @retval SL_MALFORMED magic wrong, strings not argc in number or not terminated
 * @retval SL_RANGE     a count or the TSC rate is outside its range
 * @context enclave start, before libc is up: calls nothing */
sl_rc sl_params_adopt(const uint8_t *shared, struct sl_params *ret_params) SL_MUST_CHECK;

/** The host's side: writes the parameters.
 * @param[out] out  SL_AREA_PARAMS_SIZE bytes
 * @retval SL_OK
 * @retval SL_RANGE  too many strings, or bytes in them */
sl_rc sl_params_write(uint8_t *out, int argc, const char *const *argv,
                      const struct sl_params_cpuid *cpuid, uint32_t cpuid_count, uint32_t tsc_khz,
                      uint32_t *ret_size) SL_MUST_CHECK;

#endif
