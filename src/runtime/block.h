/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One thread's private block, which GS points at while inside: offsets for assembly and C. Its
 * first words are laid down by the loader (struct sl_layout_block) and measured.
 */
#ifndef SL_RUNTIME_BLOCK_H
#define SL_RUNTIME_BLOCK_H

#define BLOCK_INDEX         0
#define BLOCK_STACK_TOP     8
#define BLOCK_EXCEPTION_TOP 16
#define BLOCK_FS_BASE       24
#define BLOCK_LEVEL_0       32 /* host_rsp, host_rbp, host_rip, saved_rsp of CSSA = 0 */
#define BLOCK_LEVEL_1       64 /* the same of CSSA = 1 */
#define LEVEL_HOST_RSP      0
#define LEVEL_HOST_RBP      8
#define LEVEL_HOST_RIP      16
#define LEVEL_SAVED_RSP     24

/* enum sl_abi_exit and sl_abi_dead, for assembly; start.c asserts them */
#define ASM_EXIT_RESUME 6
#define ASM_EXIT_DEAD   7
#define ASM_DEAD_NESTED 0x101
#define ASM_DEAD_AGAIN  0x108

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** State of one SSA level towards the host. */
struct rt_level {
    uint64_t host_rsp; /**< untrusted values, given back at EEXIT and never used inside */
    uint64_t host_rbp;
    uint64_t host_rip;
    uint64_t saved_rsp; /**< own stack during a call to the host; 0 = not in a call */
};

enum rt_thread_state {
    RT_THREAD_FREE = 0,
    RT_THREAD_ASKED = 1, /**< the host was asked to enter its TCS */
    RT_THREAD_RUNNING = 2,
};

struct rt_block {
    uint64_t index;
    uint64_t stack_top_off;
    uint64_t exception_top_off;
    uint64_t fs_base; /**< of the thread's libc, while it is in a call to the host */
    struct rt_level level[2];
    /* thread start, set by clone() */
    uint32_t state; /**< enum rt_thread_state, atomic */
    uint32_t is_in_handler;
    uint64_t start_rip;
    uint64_t start_rsp;
    uint64_t start_fs;
    uint64_t clear_tid; /**< address to clear and wake at the thread's end, or 0 */
    /* futex, under the futex lock */
    uint64_t wait_addr; /**< 0 = not waiting, or woken */
    uint64_t wait_seq;
    uint32_t wait_bits;
    uint32_t is_outside; /**< about to leave, or gone: a waker must ring */
    uint64_t last_ns;    /**< clock: the thread's time never runs backwards */
};
_Static_assert(offsetof(struct rt_block, fs_base) == BLOCK_FS_BASE, "used by enclave_entry.S");
_Static_assert(offsetof(struct rt_block, level) == BLOCK_LEVEL_0, "used by enclave_entry.S");
_Static_assert(sizeof(struct rt_level) == BLOCK_LEVEL_1 - BLOCK_LEVEL_0, "used by enclave_entry.S");

#endif
#endif
