/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's calls on plain Linux, so that the image's code runs in a test without an enclave.
 */
#include "native_runtime.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

static struct sl_rt_area the_area;
static bool is_polling;
static _Atomic uint64_t wait_count;

void native_runtime_set(uint8_t *area, const struct sl_area_geometry *geometry,
                        const struct sl_area_layout *layout, bool polling)
{
    the_area = (struct sl_rt_area){.base = area, .geometry = *geometry, .layout = *layout};
    is_polling = polling;
}

uint64_t native_runtime_waits(void)
{
    return atomic_load(&wait_count);
}

const struct sl_rt_area *sl_rt_area(void)
{
    return &the_area;
}

void sl_rt_wait(enum sl_rt_wait_kind kind, uint32_t arg, uint64_t timeout_ns)
{
    (void)kind;
    (void)arg;
    atomic_fetch_add(&wait_count, 1);
    if (timeout_ns == 0) {
        (void)sched_yield();
        return;
    }
    /* No doorbell here: sleep a bounded part of what was asked for. */
    uint64_t ns = timeout_ns < 500000 ? timeout_ns : 500000;
    struct timespec ts = {.tv_nsec = (long)ns};
    (void)nanosleep(&ts, NULL);
}

uint32_t sl_rt_thread(void)
{
    static _Atomic uint32_t next;
    static _Thread_local uint32_t own;
    own = own != 0 ? own : atomic_fetch_add(&next, 1) + 1;
    return own;
}

static _Atomic uint64_t wake_count;

/* Nobody is woken: who sleeps here does not do so for long. */
void sl_rt_wake(uint32_t thread)
{
    (void)thread;
    atomic_fetch_add(&wake_count, 1);
}

uint64_t native_runtime_wakes(void)
{
    return atomic_load(&wake_count);
}

bool sl_rt_is_polling(void)
{
    return is_polling;
}

uint64_t sl_rt_now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t sl_rt_unix_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

bool sl_rt_is_time_authenticated(void)
{
    return true;
}

void sl_rt_counters(struct sl_rt_counters *ret_counters)
{
    memset(ret_counters, 0, sizeof(*ret_counters));
}

static bool has_no_reports;
static sl_rc (*reporter)(void *ctx, const uint8_t target_info[512], const uint8_t report_data[64],
                         uint8_t ret_report[432]);
static void *reporter_ctx;

void native_runtime_reporter(sl_rc (*report)(void *ctx, const uint8_t target_info[512],
                                             const uint8_t report_data[64],
                                             uint8_t ret_report[432]),
                             void *ctx)
{
    reporter = report;
    reporter_ctx = ctx;
}

void native_runtime_no_reports(bool is_missing)
{
    has_no_reports = is_missing;
}

/* In the places of a REPORT (SDM vol. 3D): MRENCLAVE, REPORTDATA; and the target, to be seen. */
sl_rc sl_rt_report(const uint8_t target_info[512], const uint8_t report_data[64],
                   uint8_t ret_report[432])
{
    if (reporter != NULL) {
        return reporter(reporter_ctx, target_info, report_data, ret_report);
    }
    if (has_no_reports) {
        return SL_UNSUPPORTED;
    }
    memset(ret_report, 0, 432);
    memset(ret_report + 64, 0xee, 32);
    memcpy(ret_report + 320, report_data, 64);
    memcpy(ret_report + 384, target_info, 32);
    return SL_OK;
}

/* No keys: as on the device bare. */
static bool has_keys;

void native_runtime_keys(bool is_given)
{
    has_keys = is_given;
}

/* Not secret, but another for each request, and the same for the same. */
sl_rc sl_rt_key(const uint8_t key_request[512], uint8_t ret_key[16])
{
    uint64_t sum = 0xcbf29ce484222325ull;
    if (!has_keys) {
        return SL_UNSUPPORTED;
    }
    for (uint32_t i = 0; i < 512 + 16; i++) {
        sum = (sum ^ (i < 512 ? key_request[i] : (uint8_t)i)) * 0x100000001b3ull;
        if (i >= 512) {
            ret_key[i - 512] = (uint8_t)(sum >> 32);
        }
    }
    return SL_OK;
}

/* The tests' wall clock is the machine's. */
void sl_rt_time_set(uint64_t realtime_ns)
{
}
