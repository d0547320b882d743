/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Where the image's code runs: in this process without loader (native, for profiles), or as the
 * real image on a device.
 */
#ifndef SL_BENCH_DEVICE_H
#define SL_BENCH_DEVICE_H

#include "flows.h"
#include "job.h"

struct bounce_options {
    const char *device; /**< native, bare, emu, sgx */
    const char *image;  /**< path of the NF image; not for native */
    bool is_polling;
    uint32_t rules;
    const char *chain;  /**< file with a chain's bundle; NULL: one firewall with `rules` rules */
    uint32_t flows;     /**< that are begun and answered before they are timed; 0: none */
    bool is_tcp;        /**< flows of TCP, else of UDP */
    uint32_t spill_mib; /**< untrusted memory for flows */
    uint32_t entry_cost_ns;
    uint32_t core; /**< that the image runs on */
};

struct bounce_device {
    void *ctx;
    struct rig *rig;
    /** Runs one job to its end. */
    void (*run)(void *ctx, struct job *job);
    /** Prints what `status` answers; NULL: cannot. */
    void (*status)(void *ctx);
    void (*stop)(void *ctx);
};

struct bounce_device bounce_native(const struct bounce_options *options);
struct bounce_device bounce_image(const struct bounce_options *options);

/** The chain's bundle. @return bytes; the caller frees @p ret_bundle */
size_t bounce_chain(const struct bounce_options *options, uint8_t **ret_bundle);

/** Keeps the calling thread on one core, where there are two. */
void bounce_pin(unsigned core);

#endif
