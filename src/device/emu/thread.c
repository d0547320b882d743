/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Host threads that enter enclaves: each gets a slot, which holds its state and its signal stack,
 * at its first entry, and gives it back when it ends. Traps that are a property of the thread
 * (Syscall User Dispatch, CPUID faulting) are armed here.
 */
#include "device/emu/emu.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    SLOT_COUNT = 1024,
    STRUCT_SIZE = 4096, /* of a slot: state, guard page, stack */
    GUARD_SIZE = 4096,
    SET_SYSCALL_USER_DISPATCH = 59,
    DISPATCH_OFF = 0,
    DISPATCH_EXCLUSIVE_ON = 1,
    DISPATCH_INCLUSIVE_ON = 2,
    ARCH_SET_CPUID_CODE = 0x1012,
};
_Static_assert(sizeof(struct emu_thread) <= STRUCT_SIZE, "a slot's first page");

struct emu_region sl_emu_region;
bool sl_emu_is_dispatch_exclusive_forced; /* tests: as on kernels before 6.17 */

static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t g_used[SLOT_COUNT];
static uint8_t *g_stubs;
static bool g_has_dispatch, g_has_cpuid_fault;
static pthread_key_t g_key;
static __thread struct emu_thread *g_self;

/* Disarms what the dead thread's successor at the same slot must arm again. */
static void slot_free(void *data)
{
    struct emu_thread *thread = data;
    (void)prctl(SET_SYSCALL_USER_DISPATCH, DISPATCH_OFF, 0, 0, 0);
    if (thread->is_cpuid_faulting) {
        sl_emu_cpuid_fault_set(false);
    }
    (void)sigaltstack(&thread->old_stack, NULL);
    g_self = NULL;
    (void)pthread_mutex_lock(&g_lock);
    g_used[thread->index] = 0;
    (void)pthread_mutex_unlock(&g_lock);
}

/* One stub a slot: `mov r11, slot; jmp sl_emu_exit`, the address that EENTER gives in RCX. */
static bool stubs_make(void)
{
    static const uint8_t movabs_r11[] = {0x49, 0xbb};
    static const uint8_t jmp_rip[] = {0xff, 0x25, 0, 0, 0, 0}; /* to the address that follows */
    const size_t size = (size_t)SLOT_COUNT * EMU_STUB_SIZE;
    uint8_t *stubs = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stubs == MAP_FAILED) {
        return false;
    }
    for (uint32_t i = 0; i < SLOT_COUNT; i++) {
        uint8_t *p = stubs + (size_t)i * EMU_STUB_SIZE;
        const uint64_t slot = (uint64_t)sl_emu_region.base + ((uint64_t)i << EMU_SLOT_SHIFT);
        const uint64_t target = (uint64_t)(uintptr_t)sl_emu_exit;
        memset(p, 0xcc, EMU_STUB_SIZE);
        memcpy(p, movabs_r11, sizeof(movabs_r11));
        memcpy(p + 2, &slot, 8);
        memcpy(p + 10, jmp_rip, sizeof(jmp_rip));
        memcpy(p + 16, &target, 8);
    }
    if (mprotect(stubs, size, PROT_READ | PROT_EXEC) != 0) {
        (void)munmap(stubs, size);
        return false;
    }
    g_stubs = stubs;
    return true;
}

bool sl_emu_region_init(void)
{
    bool is_ok = true;
    (void)pthread_mutex_lock(&g_lock);
    if (sl_emu_region.base == NULL) {
        const size_t size = (size_t)SLOT_COUNT << EMU_SLOT_SHIFT;
        uint8_t *raw = mmap(NULL, size + EMU_SLOT_SIZE, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        is_ok = raw != MAP_FAILED && pthread_key_create(&g_key, slot_free) == 0;
        if (is_ok) {
            const uint64_t base =
                ((uint64_t)raw + EMU_SLOT_SIZE - 1) & ~(uint64_t)(EMU_SLOT_SIZE - 1);
            sl_emu_region.base = (uint8_t *)base;
            is_ok = stubs_make();
            /* Switching off what is off tells whether the kernel knows it. */
            g_has_dispatch = prctl(SET_SYSCALL_USER_DISPATCH, DISPATCH_OFF, 0, 0, 0) == 0;
            g_has_cpuid_fault = syscall(SYS_arch_prctl, ARCH_SET_CPUID_CODE, 1) == 0;
            sl_emu_region.size = is_ok ? size : 0;
        }
    }
    (void)pthread_mutex_unlock(&g_lock);
    return is_ok && sl_emu_region.size != 0;
}

bool sl_emu_has_dispatch(void)
{
    return g_has_dispatch;
}

bool sl_emu_has_cpuid_fault(void)
{
    return g_has_cpuid_fault;
}

bool sl_emu_stub_contains(uint64_t addr)
{
    return addr - (uint64_t)g_stubs < (uint64_t)SLOT_COUNT * EMU_STUB_SIZE;
}

uint64_t sl_emu_stub_base(void)
{
    return (uint64_t)g_stubs;
}

void sl_emu_cpuid_fault_set(bool is_faulting)
{
    (void)syscall(SYS_arch_prctl, ARCH_SET_CPUID_CODE, is_faulting ? 0 : 1);
}

static sl_rc slot_take(struct emu_thread **ret_thread)
{
    uint32_t index = 0;
    (void)pthread_mutex_lock(&g_lock);
    while (index < SLOT_COUNT && g_used[index] != 0) {
        index++;
    }
    if (index < SLOT_COUNT) {
        g_used[index] = 1;
    }
    (void)pthread_mutex_unlock(&g_lock);
    if (index == SLOT_COUNT) {
        return SL_NO_SPACE;
    }
    uint8_t *slot = sl_emu_region.base + ((size_t)index << EMU_SLOT_SHIFT);
    struct emu_thread *thread = (struct emu_thread *)slot;
    uint8_t *stack = slot + STRUCT_SIZE + GUARD_SIZE;
    const size_t stack_size = EMU_SLOT_SIZE - STRUCT_SIZE - GUARD_SIZE;
    const stack_t new_stack = {.ss_sp = stack, .ss_size = stack_size};
    if (mprotect(slot, STRUCT_SIZE, PROT_READ | PROT_WRITE) != 0 ||
        mprotect(stack, stack_size, PROT_READ | PROT_WRITE) != 0) {
        (void)pthread_mutex_lock(&g_lock);
        g_used[index] = 0;
        (void)pthread_mutex_unlock(&g_lock);
        return SL_NO_MEMORY;
    }
    sl_emu_signals_unblock();
    memset(thread, 0, sizeof(*thread));
    thread->index = index;
    thread->aep = (uint64_t)g_stubs + (uint64_t)index * EMU_STUB_SIZE;
    (void)sigaltstack(&new_stack, &thread->old_stack);
    (void)pthread_setspecific(g_key, thread);
    *ret_thread = thread;
    return SL_OK;
}

/* `syscall` in this enclave's range raises SIGSYS on this thread from now on. */
static void dispatch_arm(struct emu_thread *thread, struct emu_enclave *enclave)
{
    thread->dispatch_generation = enclave->generation;
    thread->selector_inside = 0;
    if (!sl_emu_is_dispatch_exclusive_forced &&
        prctl(SET_SYSCALL_USER_DISPATCH, DISPATCH_INCLUSIVE_ON, enclave->common.base,
              enclave->common.size, 0) == 0) {
        return;
    }
    /* Kernels before 6.17: everywhere but in the restorer, while the selector says so. */
    thread->selector = 0;
    if (prctl(SET_SYSCALL_USER_DISPATCH, DISPATCH_EXCLUSIVE_ON, sl_emu_restorer,
              (uintptr_t)sl_emu_restorer_end - (uintptr_t)sl_emu_restorer,
              &thread->selector) == 0) {
        thread->selector_inside = 1;
    }
}

sl_rc sl_emu_thread_get(struct emu_enclave *enclave, struct emu_thread **ret_thread)
{
    struct emu_thread *thread = g_self;
    if (thread == NULL) {
        sl_rc rc = slot_take(&thread);
        if (rc != SL_OK) {
            return rc;
        }
        g_self = thread;
        sl_emu_signals_adopt();
    }
    if (thread->dispatch_generation != enclave->generation) {
        dispatch_arm(thread, enclave);
        if (!enclave->is_bare && !thread->is_cpuid_faulting) {
            thread->is_cpuid_faulting = syscall(SYS_arch_prctl, ARCH_SET_CPUID_CODE, 0) == 0;
        }
    }
    *ret_thread = thread;
    return SL_OK;
}
