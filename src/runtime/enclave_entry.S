/* SPDX-License-Identifier: Apache-2.0 */
/* Where the processor comes in and where it goes out: the only EENTER target and the only EEXIT.
 *
 * On entry every register but rbx (TCS), rax (CSSA), GS and FS base is the host's choice. Nothing of
 * it is used before: own stack, flags cleared (DF, AC, NT...), x87/SSE/AVX state initialised (MXCSR,
 * control word, tag word: the "ABI poisoning" class), LFENCE. On exit nothing of ours is left in any
 * register: XRSTOR of the initial state, GPRs zeroed.
 */
#include "runtime/block.h"

#define EEXIT   4
#define EREPORT 0
#define EGETKEY 1
#define EENTER  2

#define ELF_OFF 0x10000 /* SL_LAYOUT_ELF_OFF */

/* One ENCLU, 16-byte aligned with its padding, recorded for the loader. */
.macro ENCLU_SITE leaf, pad
    .balign 16
771:
    .byte 0x0f, 0x01, 0xd7
    .fill 13, 1, \pad
    .pushsection .sl_enclu, "a", @progbits
    .long 771b - .
    .long \leaf
    .popsection
.endm

/* x87, SSE, AVX and AVX-512 to their initial state; clobbers rax, rdx. XRSTOR with XSTATE_BV = 0
 * takes only MXCSR from memory (SDM vol. 1, 13.8). */
.macro INIT_XSTATE
    movl    $0xe7, %eax
    xorl    %edx, %edx
    xrstor  initial_xstate(%rip)
.endm

    .section .rodata
    .balign 64
initial_xstate:
    .fill 24, 1, 0
    .long 0x1f80 /* MXCSR: all exceptions masked */
    .long 0xffff
    .fill 544, 1, 0

    .pushsection .sl_enclu, "a", @progbits
    .long sl_enclave_entry - .
    .long EENTER
    .popsection

    .text
    .balign 64
    .globl sl_enclave_entry, rt_critical_begin, rt_critical_end
    .hidden sl_enclave_entry, rt_critical_begin, rt_critical_end
    .type sl_enclave_entry, @function
rt_critical_begin:
sl_enclave_entry:
    cld
    /* dead or ended: refused before anything else, on no stack at all */
    cmpl    $0, rt_gone(%rip)
    jne     refuse
    cmpq    $1, %rax
    je      enter_level1
    ja      enter_nested

    /* CSSA = 0 */
    movq    %rsp, %gs:(BLOCK_LEVEL_0 + LEVEL_HOST_RSP)
    movq    %rbp, %gs:(BLOCK_LEVEL_0 + LEVEL_HOST_RBP)
    movq    %rcx, %gs:(BLOCK_LEVEL_0 + LEVEL_HOST_RIP)
    movq    %gs:(BLOCK_LEVEL_0 + LEVEL_SAVED_RSP), %rsp
    testq   %rsp, %rsp
    jnz     return_level0
    /* A thread's own stack may hold its libc's thread structure already, so a new thread starts on the
     * exception stack, where no exception comes before it has left; main on its own. */
    movq    %gs:BLOCK_EXCEPTION_TOP, %rsp
    cmpq    $0, %gs:BLOCK_INDEX
    jne     1f
    movq    %gs:BLOCK_STACK_TOP, %rsp
1:  leaq    __ehdr_start - ELF_OFF(%rip), %r11
    addq    %r11, %rsp
    movq    %rdx, %r9
    pushq   $2
    popfq
    INIT_XSTATE
    lfence
    movq    %r9, %rdx
    rdgsbase %rcx
    xorl    %ebp, %ebp
    call    rt_enter /* (kind, arg0, arg1, block) never returns */
    ud2

return_level0:
    movq    $0, %gs:(BLOCK_LEVEL_0 + LEVEL_SAVED_RSP)
    pushq   $2
    popfq
    INIT_XSTATE
    movq    %gs:BLOCK_FS_BASE, %rax
    wrfsbase %rax
    jmp     return_common

enter_level1:
    movq    %rsp, %gs:(BLOCK_LEVEL_1 + LEVEL_HOST_RSP)
    movq    %rbp, %gs:(BLOCK_LEVEL_1 + LEVEL_HOST_RBP)
    movq    %rcx, %gs:(BLOCK_LEVEL_1 + LEVEL_HOST_RIP)
    movq    %gs:(BLOCK_LEVEL_1 + LEVEL_SAVED_RSP), %rsp
    testq   %rsp, %rsp
    jnz     return_level1
    leaq    __ehdr_start - ELF_OFF(%rip), %r11
    movq    %gs:BLOCK_EXCEPTION_TOP, %rsp
    addq    %r11, %rsp
    pushq   $2
    popfq
    INIT_XSTATE
    lfence
    rdgsbase %rdi
    leaq    __ehdr_start - ELF_OFF(%rip), %rsi
    xorl    %ebp, %ebp
    call    rt_exception /* (block, base) */
    movl    $ASM_EXIT_RESUME, %edi
    xorl    %esi, %esi
    xorl    %edx, %edx
    jmp     leave_level1

return_level1:
    movq    $0, %gs:(BLOCK_LEVEL_1 + LEVEL_SAVED_RSP)
    pushq   $2
    popfq
    INIT_XSTATE
return_common:
    lfence
    movq    %rsi, %rax /* the host's word; whoever called decides what it is worth */
    fldcw   4(%rsp)
    ldmxcsr (%rsp)
    addq    $8, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret

enter_nested:
    movl    $ASM_DEAD_NESTED, %esi
    movl    $1, rt_gone(%rip)
    jmp     refuse_why
refuse:
    movl    $ASM_DEAD_AGAIN, %esi
refuse_why:
    /* on no stack: the host's rsp and rbp are still there */
    movq    %rcx, %rbx
    movl    $ASM_EXIT_DEAD, %edi
    xorl    %edx, %edx
    jmp     scrub

/* uint64_t rt_call_level0(uint64_t exit, uint64_t arg0, uint64_t arg1): a call to the host from a
 * thread's normal code. */
    .globl rt_call_level0, rt_call_level1
    .hidden rt_call_level0, rt_call_level1
    .type rt_call_level0, @function
    .type rt_call_level1, @function
.macro SAVE_CALLEE
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    subq    $8, %rsp
    stmxcsr (%rsp)
    fnstcw  4(%rsp)
.endm
rt_call_level0:
    SAVE_CALLEE
    rdfsbase %rax
    movq    %rax, %gs:BLOCK_FS_BASE
    movq    %rsp, %gs:(BLOCK_LEVEL_0 + LEVEL_SAVED_RSP)
    jmp     leave_level0
/* The same from the exception handler. */
rt_call_level1:
    SAVE_CALLEE
    movq    %rsp, %gs:(BLOCK_LEVEL_1 + LEVEL_SAVED_RSP)
    jmp     leave_level1

/* noreturn void rt_leave_level0(uint64_t exit, uint64_t arg0, uint64_t arg1): out for good. */
    .globl rt_leave_level0, rt_leave_level1
    .hidden rt_leave_level0, rt_leave_level1
    .type rt_leave_level0, @function
    .type rt_leave_level1, @function
rt_leave_level0:
leave_level0:
    movq    %gs:(BLOCK_LEVEL_0 + LEVEL_HOST_RIP), %rbx
    movq    %gs:(BLOCK_LEVEL_0 + LEVEL_HOST_RBP), %rbp
    movq    %gs:(BLOCK_LEVEL_0 + LEVEL_HOST_RSP), %rsp
    jmp     scrub
rt_leave_level1:
leave_level1:
    movq    %gs:(BLOCK_LEVEL_1 + LEVEL_HOST_RIP), %rbx
    movq    %gs:(BLOCK_LEVEL_1 + LEVEL_HOST_RBP), %rbp
    movq    %gs:(BLOCK_LEVEL_1 + LEVEL_HOST_RSP), %rsp

scrub:
    movq    %rdx, %r8
    INIT_XSTATE
    movq    %r8, %rdx
    xorl    %ecx, %ecx
    xorl    %r8d, %r8d
    xorl    %r9d, %r9d
    xorl    %r10d, %r10d
    xorl    %r11d, %r11d
    xorl    %r12d, %r12d
    xorl    %r13d, %r13d
    xorl    %r14d, %r14d
    xorl    %r15d, %r15d
    movl    $EEXIT, %eax
    testl   %eax, %eax /* flags of a constant */
    ENCLU_SITE EEXIT, 0xcc

/* Where a thread's normal code would go on while its exception handler is in a call to the host, or
 * has ended: nowhere. ERESUME in place of the call's return raises #UD and changes nothing. */
    .globl rt_not_yet
    .hidden rt_not_yet
rt_not_yet:
    ud2
rt_critical_end:

/* noreturn void rt_begin(uint64_t rip, uint64_t rsp, uint64_t fs_base): a thread's first step into
 * the program; every register but rsp is zero, as a new process or clone() promises. */
    .globl rt_begin
    .hidden rt_begin
    .type rt_begin, @function
rt_begin:
    wrfsbase %rdx
    movq    %rsi, %rsp
    movq    %rdi, %r11
    xorl    %eax, %eax
    xorl    %ebx, %ebx
    xorl    %ecx, %ecx
    xorl    %edx, %edx
    xorl    %esi, %esi
    xorl    %edi, %edi
    xorl    %ebp, %ebp
    xorl    %r8d, %r8d
    xorl    %r9d, %r9d
    xorl    %r10d, %r10d
    xorl    %r12d, %r12d
    xorl    %r13d, %r13d
    xorl    %r14d, %r14d
    xorl    %r15d, %r15d
    jmp     *%r11

/* Where a thread lands after exit(): on its own TCS's stack, at level 0. */
    .globl rt_end_trampoline
    .hidden rt_end_trampoline
    .type rt_end_trampoline, @function
rt_end_trampoline:
    leaq    __ehdr_start - ELF_OFF(%rip), %r11
    movq    %gs:BLOCK_EXCEPTION_TOP, %rsp
    addq    %r11, %rsp
    rdgsbase %rdi
    xorl    %ebp, %ebp
    call    rt_thread_end /* never returns */
    ud2

/* uint64_t rt_ereport(target_info, report_data, report): rax after ENCLU, 0 = done.
 * uint64_t rt_egetkey(key_request, key): the error code, 0 = done.
 * Where there is no ENCLU (device bare) the exception handler steps over it with rax = -1. */
    .globl rt_ereport, rt_egetkey
    .hidden rt_ereport, rt_egetkey
    .type rt_ereport, @function
    .type rt_egetkey, @function
rt_ereport:
    pushq   %rbx
    movq    %rdi, %rbx
    movq    %rsi, %rcx
    xorl    %eax, %eax
    ENCLU_SITE EREPORT, 0x90
    popq    %rbx
    ret
rt_egetkey:
    pushq   %rbx
    movq    %rdi, %rbx
    movq    %rsi, %rcx
    movl    $EGETKEY, %eax
    ENCLU_SITE EGETKEY, 0x90
    popq    %rbx
    ret

    .section .note.GNU-stack, "", @progbits
