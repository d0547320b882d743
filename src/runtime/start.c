/* SPDX-License-Identifier: Apache-2.0 */
/* From EENTER to the ELF's own _start: the first look at what the host gave, and the program's
 * stack. Also the one place where an image dies or ends. */
#include "runtime/private.h"

#include <elf.h>

#include "boundary/area.h"

enum {
    RUNTIME_STACK_SIZE = 8192, /* top of the main stack, where this file runs */
    AUXV_MAX = 16,
    XFRM_LEGACY = 3,
};

_Static_assert(ASM_EXIT_RESUME == SL_ABI_EXIT_RESUME && ASM_EXIT_DEAD == SL_ABI_EXIT_DEAD, "abi.h");
_Static_assert(ASM_DEAD_NESTED == SL_ABI_DEAD_NESTED && ASM_DEAD_AGAIN == SL_ABI_DEAD_AGAIN,
               "abi.h");

uint32_t rt_gone;
struct rt_state rt_state;

/* Decided inside: libc's allocator uses one arena (others reserve 64 MiB each) and never gives the
 * top back (each brk is two transitions). Not constant: libc writes into its environment. */
static char env_malloc[] =
    "GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.trim_threshold=1073741824:"
    "glibc.malloc.top_pad=1048576";

_Noreturn static void leave(struct rt_block *block, uint64_t code, uint64_t arg0, uint64_t arg1)
{
    if (block->is_in_handler != 0) {
        rt_ssa_gpr(block)->rip = (uint64_t)rt_not_yet; /* ERESUME finds nothing to go on with */
        rt_leave_level1(code, arg0, arg1);
    }
    rt_leave_level0(code, arg0, arg1);
}

_Noreturn void rt_die(struct rt_block *block, uint64_t reason, uint64_t rip)
{
    __atomic_store_n(&rt_gone, 1, __ATOMIC_SEQ_CST);
    uint64_t base = rt_base();
    uint64_t off = rip - base < rt_layout()->enclave_size ? rip - base : 0;
    leave(block, SL_ABI_EXIT_DEAD, reason, off);
}

_Noreturn void rt_end(struct rt_block *block, uint64_t exit_code)
{
    __atomic_store_n(&rt_gone, 1, __ATOMIC_SEQ_CST);
    leave(block, SL_ABI_EXIT_END, exit_code & 0xff, 0);
}

uint64_t rt_call(struct rt_block *block, uint64_t code, uint64_t arg0, uint64_t arg1)
{
    rt_count(&rt_state.counters.ocalls);
    if (block->is_in_handler == 0) {
        return rt_call_level0(code, arg0, arg1);
    }
    /* The host may execute ERESUME where it should return: the interrupted code would go on with a
     * half-answered call, and its next exception would end in this one's stack. */
    struct sl_ssa_gpr *gpr = rt_ssa_gpr(block);
    uint64_t rip = gpr->rip;
    gpr->rip = (uint64_t)rt_not_yet;
    uint64_t result = rt_call_level1(code, arg0, arg1);
    gpr->rip = rip;
    gpr->exit_info = 0; /* what such an ERESUME recorded is no exception to answer */
    return result;
}

uint64_t rt_wait(struct rt_block *block, uint32_t kind, uint32_t arg, uint64_t timeout_ns)
{
    return rt_call(block, SL_ABI_EXIT_WAIT, (uint64_t)kind | (uint64_t)arg << 32, timeout_ns);
}

/* The header and the start parameters must lie wholly outside; the rest is checked by
 * sl_area_adopt(), with the geometry. */
static bool is_outside(uint64_t area, uint64_t size)
{
    uint64_t base = rt_base();
    uint64_t enclave_end = base + rt_layout()->enclave_size;
    uint64_t end = 0;
    if (area == 0 || area % SL_AREA_ALIGN != 0 || size < SL_AREA_ALIGN + SL_AREA_PARAMS_SIZE ||
        __builtin_add_overflow(area, size, &end)) {
        return false;
    }
    return end <= base || area >= enclave_end;
}

/* What the processor says of this enclave; on a device without ENCLU, what XGETBV says. */
static void read_attributes(void)
{
    static struct sl_target_info target __attribute__((aligned(512)));
    static uint8_t data[64] __attribute__((aligned(128)));
    static struct sl_report report __attribute__((aligned(512)));
    if (rt_ereport(&target, data, &report) == 0 && !rt_state.is_enclu_missing) {
        rt_state.attributes = report.body.attributes;
        return;
    }
    uint32_t low;
    uint32_t high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    rt_state.attributes.flags = SL_ATTR_INIT | SL_ATTR_MODE64BIT;
    rt_state.attributes.xfrm = low & 0xe7;
}

static void read_polling(void)
{
    static const char option[] = "--polling";
    const char *argv = rt_state.params.argv;
    uint32_t size = rt_state.params.header.argv_size;
    for (uint32_t off = 0; off + sizeof(option) <= size; off++) {
        if ((off == 0 || argv[off - 1] == '\0') && rt_equal(argv + off, option, sizeof(option))) {
            rt_state.is_polling = true;
        }
    }
}

static uint64_t *push_auxv(uint64_t *at, const uint8_t *random)
{
    const struct sl_layout *layout = rt_layout();
    uint32_t regs[4];
    rt_cpuid(1, 0, regs);
    const uint64_t auxv[][2] = {
        {AT_PHDR, rt_base() + layout->phdr_off},
        {AT_PHENT, layout->phdr_size},
        {AT_PHNUM, layout->phdr_count},
        {AT_PAGESZ, SL_SGX_PAGE_SIZE},
        {AT_ENTRY, rt_base() + layout->start_off},
        {AT_HWCAP, regs[3]},
        {AT_HWCAP2, 2}, /* FSGSBASE, without which no enclave runs */
        {AT_CLKTCK, 100},
        {AT_UID, 0},
        {AT_EUID, 0},
        {AT_GID, 0},
        {AT_EGID, 0},
        {AT_SECURE, 0},
        {AT_RANDOM, (uint64_t)random},
        {AT_EXECFN, (uint64_t)rt_state.params.argv},
        {AT_NULL, 0},
    };
    for (uint32_t i = 0; i < sizeof(auxv) / sizeof(auxv[0]); i++) {
        *at++ = auxv[i][0];
        *at++ = auxv[i][1];
    }
    return at;
}

/* System V ABI x86-64, 3.4.1 "Initial stack and register state". */
static uint64_t build_stack(struct rt_block *block)
{
    uint64_t top = rt_base() + block->stack_top_off - RUNTIME_STACK_SIZE;
    uint8_t *random = (uint8_t *)(uintptr_t)(top - 16);
    rt_random(block, random, 16);
    uint32_t argc = rt_state.params.header.argc;
    uint64_t words = 1 + (uint64_t)argc + 1 + 2 + 2ull * AUXV_MAX;
    uint64_t sp = (top - 16 - words * 8) & ~15ull;
    uint64_t *at = (uint64_t *)(uintptr_t)sp;
    *at++ = argc;
    const char *text = rt_state.params.argv;
    for (uint32_t i = 0; i < argc; i++) {
        *at++ = (uint64_t)text;
        while (*text++ != '\0') {
        }
    }
    *at++ = 0;
    *at++ = (uint64_t)env_malloc;
    *at++ = 0;
    (void)push_auxv(at, random);
    return sp;
}

_Noreturn static void start(struct rt_block *block, uint64_t area, uint64_t size)
{
    const struct sl_layout *layout = rt_layout();
    if (!is_outside(area, size)) {
        rt_die(block, SL_ABI_DEAD_AREA, 0);
    }
    rt_state.area = (uint8_t *)(uintptr_t)area;
    rt_state.area_size = size;
    if (sl_params_adopt(rt_state.area + SL_AREA_ALIGN, &rt_state.params) != SL_OK) {
        rt_die(block, SL_ABI_DEAD_PARAMS, 0);
    }
    rt_heap_init((uint8_t *)(uintptr_t)(rt_base() + layout->heap_off), layout->heap_size);
    rt_state.counters.threads = 1;
    read_attributes();
    if (!rt_cpuid_init(&rt_state.params, rt_state.attributes.xfrm)) {
        rt_die(block, SL_ABI_DEAD_CPU, 0);
    }
    const struct sl_area_header *header = (const struct sl_area_header *)(void *)rt_state.area;
    rt_clock_init(rt_state.params.header.tsc_khz,
                  __atomic_load_n(&header->host_time_ns, __ATOMIC_RELAXED));
    read_polling();
    rt_begin(rt_base() + layout->start_off, build_stack(block), (uint64_t)block);
}

_Noreturn void rt_enter(uint64_t kind, uint64_t arg0, uint64_t arg1, struct rt_block *block)
{
    static uint32_t is_started;
    if (kind == SL_ABI_START && block->index == 0 &&
        __atomic_exchange_n(&is_started, 1, __ATOMIC_SEQ_CST) == 0) {
        block->state = RT_THREAD_RUNNING;
        start(block, arg0, arg1);
    }
    uint32_t asked = RT_THREAD_ASKED;
    if (kind == SL_ABI_THREAD &&
        __atomic_compare_exchange_n(&block->state, &asked, RT_THREAD_RUNNING, false,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        rt_begin(block->start_rip, block->start_rsp, block->start_fs);
    }
    rt_die(block, SL_ABI_DEAD_ENTRY, 0);
}
