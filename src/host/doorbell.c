/* SPDX-License-Identifier: Apache-2.0 */
/* Doorbells: futex words in the header of the shared area, one per enclave thread. */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/mover.h"

static uint32_t *word_of(const struct sl_area_header *header, uint32_t thread)
{
    /* const only says that the caller does not write through it */
    return (uint32_t *)(uintptr_t)&header->doorbell[thread % SL_AREA_THREADS_MAX];
}

uint32_t sl_doorbell_get(const struct sl_area_header *header, uint32_t thread)
{
    return __atomic_load_n(word_of(header, thread), __ATOMIC_ACQUIRE);
}

void sl_doorbell_wait(struct sl_area_header *header, uint32_t thread, uint32_t seen,
                      uint64_t timeout_ns)
{
    uint64_t most = (uint64_t)SL_MOVER_SLEEP_MAX_MS * 1000000u;
    timeout_ns = timeout_ns == 0 || timeout_ns > most ? most : timeout_ns;
    struct timespec ts = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
                          .tv_nsec = (long)(timeout_ns % 1000000000u)};
    (void)syscall(SYS_futex, word_of(header, thread), FUTEX_WAIT, seen, &ts, NULL, 0);
}

void sl_doorbell_ring(struct sl_area_header *header, uint32_t thread)
{
    uint32_t *word = word_of(header, thread);
    (void)__atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
    (void)syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}
