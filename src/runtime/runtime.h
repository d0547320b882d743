/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the trusted runtime offers to the code of an image beyond libc. Everything else (malloc,
 * pthreads, clock_gettime, getrandom, write to 1 and 2) is plain libc, answered inside.
 *
 * main(argc, argv) of an image is called once, in the enclave, with strings copied in from the
 * (untrusted) start parameters.
 */
#ifndef SL_RUNTIME_RUNTIME_H
#define SL_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "boundary/area.h"
#include "safelib/rc.h"

/** The shared area as checked at start: wholly outside the enclave, geometry copied in. */
struct sl_rt_area {
    uint8_t *base;
    struct sl_area_geometry geometry;
    struct sl_area_layout layout;
};
const struct sl_rt_area *sl_rt_area(void);

/** What a waiting thread waits for; tells the host whom to run meanwhile, nothing more. */
enum sl_rt_wait_kind {
    SL_RT_WAIT_CONTROL = 0, /**< bytes in the control ring in */
    SL_RT_WAIT_SHARD = 1,   /**< descriptors in the rx rings of shard `arg` */
    /* served by src/host/enclave.c itself, never seen by the programs above */
    SL_RT_WAIT_THREAD = 2, /**< futex and sleep: the thread's doorbell differs from `arg` */
    SL_RT_WAIT_YIELD = 3,  /**< sched_yield */
};

/** Gives the processor back to the host until the doorbell of this thread rings or the time is
 * over. May return early, late or at once: the host decides. The image re-checks its rings.
 * In batch scheduling a worker calls it after every burst with timeout 0: the host moves packets
 * and enters again.
 * @param timeout_ns  upper bound asked for; 0 = return as soon as the host has moved packets */
void sl_rt_wait(enum sl_rt_wait_kind kind, uint32_t arg, uint64_t timeout_ns);

/** The number of the calling thread, for sl_rt_wake. */
uint32_t sl_rt_thread(void);
/** Asks the host to end a wait of that thread at once, the present one or the next. A hint: the
 * host may not do it. Costs an exit and an entry. */
void sl_rt_wake(uint32_t thread);

/** Scheduling asked for at start ("--polling" among the start parameters). */
bool sl_rt_is_polling(void);

/** EREPORT: SDM vol. 3D, "EREPORT". Structures are byte images of TARGETINFO and REPORT.
 * @retval SL_OK, SL_UNSUPPORTED (device bare), SL_INVALID (alignment is the runtime's affair) */
sl_rc sl_rt_report(const uint8_t target_info[512], const uint8_t report_data[64],
                   uint8_t ret_report[432]) SL_MUST_CHECK;

/** EGETKEY with a byte image of KEYREQUEST.
 * @retval SL_OK, SL_UNSUPPORTED (device bare), SL_DENIED (the leaf's error code was not 0) */
sl_rc sl_rt_key(const uint8_t key_request[512], uint8_t ret_key[16]) SL_MUST_CHECK;

/** Monotonic time of the image, ns: from RDTSC; never read from the host on the packet path. It
 * never runs backwards within a thread. Where RDTSC traps, a coarse value that the host writes,
 * kept monotonic. The processor's and the hypervisor's owner can bend either: for timeouts, not for
 * proofs. */
uint64_t sl_rt_now_ns(void);

/** Sets CLOCK_REALTIME from an authenticated source; until then it is the host's claim at start. */
void sl_rt_time_set(uint64_t realtime_ns);
/** Time of day, ns since 1970; never a trap. What it is worth says sl_rt_is_time_authenticated. */
uint64_t sl_rt_unix_ns(void);
/** Whether sl_rt_time_set was called. */
bool sl_rt_is_time_authenticated(void);

/** Counters of the runtime: name and meaning. */
#define SL_RT_COUNTER_TABLE(X)                                                                     \
    X(syscalls, "system calls answered inside")                                                    \
    X(syscalls_refused, "system calls refused with ENOSYS")                                        \
    X(exceptions, "second-level exceptions handled")                                               \
    X(ocalls, "times the processor was given to the host")                                         \
    X(heap_bytes, "heap in use")                                                                   \
    X(heap_peak_bytes, "most heap ever in use")                                                    \
    X(heap_refused, "allocations refused: enclave heap exhausted")                                 \
    X(threads, "threads running")                                                                  \
    X(rdtsc_trapped, "RDTSC answered by the exception handler")                                    \
    X(mprotect_unenforced, "mprotect calls answered without changing a page (SGX1)")               \
    X(log_dropped, "log writes dropped: ring full")

struct sl_rt_counters {
#define SL_RT_COUNTER(name, text) uint64_t name;
    SL_RT_COUNTER_TABLE(SL_RT_COUNTER)
#undef SL_RT_COUNTER
};
void sl_rt_counters(struct sl_rt_counters *ret_counters);

/** How often system call @p number was refused; numbers of 511 and above are counted together. */
uint32_t sl_rt_refused(uint32_t number);

#endif
