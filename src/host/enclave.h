/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Runs an image on a device: loads it, makes the shared area, gives each enclave thread a host
 * thread, serves the image's few requests. The programs above (safelib-host, replay, benchmarks)
 * decide what happens while the image waits.
 */
#ifndef SL_HOST_ENCLAVE_H
#define SL_HOST_ENCLAVE_H

#include "base/err.h"
#include "boundary/area.h"
#include "device/device.h"
#include "device/image.h"
#include "runtime/runtime.h" /* enum sl_rt_wait_kind only */

struct sl_host_callbacks {
    void *ctx;
    /** An enclave thread waits (runs on its host thread). Returns to let it enter again.
     * Return false to end the image. */
    bool (*wait)(void *ctx, uint32_t thread, enum sl_rt_wait_kind kind, uint32_t arg,
                 uint64_t timeout_ns);
    /** The image rang for a thread (SL_ABI_EXIT_WAKE): its doorbell word was incremented and its
     * futex woken already; this is for whom waits on something else, such as a socket. May be NULL.
     * Called from any host thread. */
    void (*wake)(void *ctx, uint32_t thread);
    /** A complete log line of the image. */
    void (*log)(void *ctx, const char *line);
};

struct sl_host_params {
    const char *image_path;
    const char *sigstruct_path; /**< NULL: PATH.sig beside the image; where absent and the device is
                                   emu or bare, signed with a throw-away key, which is said */
    struct sl_device_options device;
    struct sl_area_geometry geometry;
    int argc; /**< start parameters for the image's main, argv[0] included */
    const char *const *argv;
    struct sl_host_callbacks callbacks;
};

enum sl_host_end {
    SL_HOST_END_EXIT,    /**< main returned or exit() */
    SL_HOST_END_KILLED,  /**< an exception the image did not handle: dead for good */
    SL_HOST_END_STOPPED, /**< sl_host_stop, or wait returned false */
};

struct sl_host_result {
    enum sl_host_end end;
    int exit_code;
    struct sl_err err; /**< for KILLED: vector, RIP offset, address */
};

struct sl_host;

sl_rc sl_host_create(const struct sl_host_params *params, struct sl_host **ret_host,
                     struct sl_err *err) SL_MUST_CHECK;
/** Enters the image's main on the calling thread and serves it until it ends. */
sl_rc sl_host_run(struct sl_host *host, struct sl_host_result *ret_result) SL_MUST_CHECK;
/** Asks for the end, from any thread. */
void sl_host_stop(struct sl_host *host);
void sl_host_free(struct sl_host *host);

/** The shared area, and how to wake an enclave thread that waits in callbacks.wait. */
uint8_t *sl_host_area(const struct sl_host *host);
const struct sl_area_layout *sl_host_layout(const struct sl_host *host);
const struct sl_area_geometry *sl_host_geometry(const struct sl_host *host);
const uint8_t *sl_host_mrenclave(const struct sl_host *host);
const struct sl_enclave *sl_host_enclave(const struct sl_host *host);
/** Entries and exits so far (for status and benchmarks). */
uint64_t sl_host_entry_count(const struct sl_host *host);

#endif
