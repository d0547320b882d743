/* SPDX-License-Identifier: Apache-2.0 */
/* Cases about memory. */
#include "cases.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/runtime.h"

enum { THREADS = 7, SLOTS = 64, ROUNDS = 4000, MIB = 1 << 20 };

struct slot {
    unsigned char *data;
    size_t size;
    unsigned char byte;
};

static bool is_intact(const struct slot *slot)
{
    for (size_t i = 0; i < slot->size; i++) {
        if (slot->data[i] != slot->byte) {
            return false;
        }
    }
    return true;
}

static void *churn(void *arg)
{
    struct slot slots[SLOTS] = {{0}};
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 1664525u + 1013904223u;
        struct slot *slot = &slots[seed >> 16 & (SLOTS - 1)];
        if (!is_intact(slot)) {
            return NULL;
        }
        free(slot->data);
        slot->size = (seed & 63) == 0 ? seed >> 12 : seed >> 22;
        slot->byte = (unsigned char)(seed >> 8);
        slot->data = malloc(slot->size + 1);
        if (slot->data == NULL) {
            slot->size = 0; /* refused, not broken */
        } else {
            memset(slot->data, slot->byte, slot->size);
        }
    }
    for (int i = 0; i < SLOTS; i++) {
        if (!is_intact(&slots[i])) {
            return NULL;
        }
        free(slots[i].data);
    }
    return arg;
}

int case_malloc(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        check(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)) == 0);
    }
    check(churn((void *)99) != NULL);
    for (uintptr_t i = 0; i < THREADS; i++) {
        void *result = NULL;
        check(pthread_join(threads[i], &result) == 0 && result == (void *)(i + 1));
    }
    return 0;
}

int case_exhaust(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static void *blocks[128];
    struct sl_rt_counters counters;
    for (int round = 0; round < 2; round++) {
        int count = 0;
        errno = 0;
        while (count < 128 && (blocks[count] = malloc(MIB)) != NULL) {
            memset(blocks[count], count, MIB);
            count++;
        }
        check(errno == ENOMEM);
        check(count >= 56 && count <= 63);
        check(malloc(1024ull * MIB) == NULL && errno == ENOMEM);
        for (int i = 0; i < count; i++) {
            check(*(unsigned char *)blocks[i] == (unsigned char)i);
            free(blocks[i]);
        }
    }
    sl_rt_counters(&counters);
    check(counters.heap_refused > 0);
    check(counters.heap_peak_bytes > 56ull * MIB && counters.heap_peak_bytes <= 64ull * MIB);
    return 0;
}

int case_mappings(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int round = 0; round < 2; round++) {
        unsigned char *a =
            mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(a != MAP_FAILED);
        for (int i = 0; i < 12288; i++) {
            check(a[i] == 0);
        }
        memset(a, 0xaa, 12288);
        check(munmap(a + 4096, 4096) == 0);
        check(munmap(a, 4096) == 0 && munmap(a + 8192, 4096) == 0);
    }
    void *none = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(none == MAP_FAILED && errno == EACCES);
    none = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 5, 0);
    check(none == MAP_FAILED && errno == ENODEV);
    none = mmap(&none, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    check(none == MAP_FAILED && errno == EINVAL);
    none = mmap(NULL, SIZE_MAX - 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(none == MAP_FAILED && errno == ENOMEM);
    check(munmap((void *)4096, 4096) == -1 && errno == EINVAL);
    check(munmap((void *)((uintptr_t)&none & ~4095ull), 4096) == -1 && errno == EINVAL);
    unsigned char *end = sbrk(0);
    check(end != (void *)-1);
    check(sbrk(10000) == end);
    check(end[9999] == 0);
    memset(end, 0xbb, 10000);
    check(sbrk(-9990) != (void *)-1);
    check(sbrk(9990) != (void *)-1);
    check(end[9] == 0xbb && end[10] == 0 && end[9999] == 0);
    return 0;
}

int case_mprotect(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct sl_rt_counters before;
    struct sl_rt_counters after;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(page != MAP_FAILED);
    sl_rt_counters(&before);
    check(mprotect(page, 4096, PROT_READ) == 0);
    sl_rt_counters(&after);
    check(after.mprotect_unenforced == before.mprotect_unenforced + 1);
    check(before.mprotect_unenforced >= 1); /* RELRO, at start */
    check(mprotect(page, 4096, PROT_READ | PROT_EXEC) == -1 && errno == EACCES);
    check(mprotect((void *)4096, 4096, PROT_READ) == -1 && errno == ENOMEM);
    return 0;
}

/* Goes down to the hole below the stack. */
static __attribute__((noinline)) int recurse(volatile char *above, int depth)
{
    volatile char frame[512];
    frame[0] = above[0];
    return depth == 0 ? frame[0] : recurse(frame, depth - 1) + frame[1];
}

int case_overflow(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    char start[1] = {0};
    return recurse(start, 1 << 20);
}

static void *overflow(void *arg)
{
    char start[1] = {0};
    return (char *)arg + recurse(start, 1 << 20);
}

int case_thread_overflow(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t thread;
    check(pthread_create(&thread, NULL, overflow, NULL) == 0);
    (void)pthread_join(thread, NULL);
    return 1;
}

int case_write_text(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    *(volatile unsigned char *)(uintptr_t)case_overflow = 0xc3;
    return 1;
}

int case_run_data(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static unsigned char code[] = {0xc3};
    ((void (*)(void))(uintptr_t)code)();
    return 1;
}
