/* SPDX-License-Identifier: Apache-2.0 */
/* The image's worker in this process, without loader or enclave: what a profiler sees best. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "device.h"
#include "image/provision.h"
#include "measure.h"

struct native {
    struct rig rig;
    struct sl_worker worker;
    struct sl_provision provision;
    bool is_polling;
    pthread_t thread; /**< polling: named "worker", so that a profile can be cut to it */
    _Atomic bool is_stopping;
};

static bool is_empty(const struct sl_rx *rx)
{
    return __atomic_load_n(&rx->index->producer, __ATOMIC_RELAXED) == rx->consumer;
}

/* A function of its own, so that a profile shows waiting as waiting. */
static __attribute__((noinline)) void native_idle(struct native *native)
{
    while (is_empty(&native->worker.lanes[0].rx) && is_empty(&native->worker.lanes[1].rx) &&
           !atomic_load(&native->is_stopping)) {
        __builtin_ia32_pause();
    }
}

static void *worker_main(void *arg)
{
    struct native *native = arg;
    bounce_pin(1);
    (void)pthread_setname_np(pthread_self(), "worker");
    while (!atomic_load(&native->is_stopping)) {
        if (sl_worker_pass(&native->worker) == 0) {
            native_idle(native);
        }
    }
    return NULL;
}

/* Where packets went, on stderr. */
static void explain(void *ctx)
{
    const struct native *native = ctx;
    for (uint32_t port = 0; port < 2; port++) {
        const struct sl_worker_counters *counters = &native->worker.lanes[port].counters;
#define SHOW(name, text)                                                                           \
    if (counters->name > 0) {                                                                      \
        (void)fprintf(stderr, "port %u: " #name " %llu\n", port,                                   \
                      (unsigned long long)counters->name);                                         \
    }
        SL_WORKER_COUNTER_TABLE(SHOW)
#undef SHOW
    }
}

static void native_run(void *ctx, struct job *job)
{
    struct native *native = ctx;
    job->explain = explain;
    job->explain_ctx = native;
    while (native->is_polling && job_step(job, true)) {
    }
    while (!native->is_polling && job_step(job, false)) {
        while (sl_worker_pass(&native->worker) > 0) {
        }
    }
}

static void native_stop(void *ctx)
{
    struct native *native = ctx;
    if (native->is_polling) {
        atomic_store(&native->is_stopping, true);
        (void)pthread_join(native->thread, NULL);
    }
    sl_provision_done(&native->provision);
    sl_worker_done(&native->worker);
    free(native->rig.area);
    rig_done(&native->rig);
    free(native);
}

/* As src/host maps it: spill memory in huge pages. */
static uint8_t *area_make(const struct sl_area_layout *layout)
{
    size_t size =
        (layout->size + SL_AREA_SPILL_ALIGN - 1) / SL_AREA_SPILL_ALIGN * SL_AREA_SPILL_ALIGN;
    uint8_t *area = aligned_alloc(SL_AREA_SPILL_ALIGN, size);
    if (area == NULL) {
        bench_die("out of memory");
    }
    if (layout->spill_size != 0) {
        (void)madvise(area + layout->spill[0], layout->spill_size, MADV_HUGEPAGE);
    }
    memset(area, 0, size);
    return area;
}

struct bounce_device bounce_native(const struct bounce_options *options)
{
    struct sl_area_layout layout;
    struct sl_err err = {0};
    struct native *native = aligned_alloc(64, (sizeof(*native) + 63) / 64 * 64);
    const struct sl_area_geometry geometry = rig_geometry(options->spill_mib);
    if (native == NULL || sl_area_layout(&geometry, &layout) != SL_OK) {
        bench_die("out of memory");
    }
    memset(native, 0, sizeof(*native));
    native->is_polling = options->is_polling;
    uint8_t *area = area_make(&layout);
    rig_init(&native->rig, &geometry, area);
    native->rig.flows = flows_new(options->flows, options->is_tcp);
    uint8_t *bundle;
    size_t size = bounce_chain(options, &bundle);
    if (sl_worker_init(&native->worker, 0, area, &geometry, &layout) != SL_OK ||
        sl_provision_init(&native->provision, &native->worker, 1) != SL_OK) {
        bench_die("native: out of memory");
    }
    sl_flow_spill_init(&native->provision.spill[0], area + layout.spill[0], layout.spill_size);
    if (sl_provision_sa_set(&native->provision, &native->rig.inbound[0], 1, &err) != SL_OK ||
        sl_provision_sa_set(&native->provision, &native->rig.outbound[0], 1, &err) != SL_OK ||
        sl_provision_sa_set(&native->provision, &native->rig.inbound[1], 1, &err) != SL_OK ||
        sl_provision_sa_set(&native->provision, &native->rig.outbound[1], 1, &err) != SL_OK ||
        sl_provision_chain_set(&native->provision, bundle, size, &err) != SL_OK) {
        bench_die("native: %s", err.text);
    }
    free(bundle);
    if (native->is_polling && pthread_create(&native->thread, NULL, worker_main, native) != 0) {
        bench_die("cannot start a thread");
    }
    bounce_pin(native->is_polling ? 0 : options->core);
    return (struct bounce_device){native, &native->rig, native_run, NULL, native_stop};
}
