/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inside the enclave host: one image, its threads, and how it ended.
 */
#ifndef SL_HOST_ENCLAVE_PRIVATE_H
#define SL_HOST_ENCLAVE_PRIVATE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>

#include "boundary/ring.h"
#include "device/device.h"
#include "device/image.h"
#include "host/enclave.h"
#include "runtime/abi.h"
#include "runtime/layout.h"

enum { HOST_LINE_MAX = 4096 };

/* One TCS and the host thread that enters it. */
struct host_thread {
    struct sl_host *host;
    uint32_t index;
    pthread_t pthread;
    bool has_pthread; /* made once, reused when the TCS is */
    uint32_t starts;  /* asked for, under host->lock */
    _Atomic uint64_t entry_count;
    /* leaving a thread that spins inside: see kick() */
    sigjmp_buf escape;
    _Atomic uint32_t is_inside;
    /* for the report */
    uint64_t fault_count;
    uint16_t fault_vector;
    uint16_t fault_error;
    uint64_t fault_addr;
    bool has_fault;
};

struct sl_host {
    struct sl_image *image; /* without contents, once they are on the device */
    char *image_path;       /* for symbols, where it dies */
    struct sl_enclave *enclave;
    uint8_t mrenclave[32];
    struct sl_area_geometry geometry;
    struct sl_area_layout layout;
    uint8_t *area;
    struct sl_host_callbacks callbacks;
    struct host_thread threads[SL_LAYOUT_THREADS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic uint32_t is_over; /* futex word: the image runs no more */
    uint32_t running;         /* threads that serve a TCS now, under lock */
    bool has_run;
    struct sl_host_result result; /* first end wins; under lock */
    pthread_mutex_t log_lock;
    struct sl_byte_ring log_ring;
    char line[HOST_LINE_MAX + 1];
    size_t line_size;
};

/* enclave_serve.c */
sl_rc host_run(struct sl_host *host);
void host_over(struct sl_host *host, const struct sl_host_result *result);
void host_kick_install(void);
void host_log_drain(struct sl_host *host);
void host_log_end(struct sl_host *host);

/* enclave_report.c: the sentence about a death */
void host_report_dead(const struct host_thread *thread, uint64_t why, uint64_t rip_off,
                      struct sl_err *ret_err);
void host_report_refused(const struct host_thread *thread, unsigned leaf,
                         const struct sgx_enclave_run *run, struct sl_err *ret_err);

#endif
