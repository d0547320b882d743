/* SPDX-License-Identifier: Apache-2.0 */
/*
 * int sl_sgx_enter_call(uintptr_t vdso, struct sl_enter_regs *regs, unsigned leaf,
 *                       struct sgx_enclave_run *run)
 *
 * asm/sgx.h: "__vdso_sgx_enter_enclave() does not ensure full compliance with the x86-64 ABI, e.g.
 * doesn't handle XSAVE state. Except for non-volatile general purpose registers, EFLAGS.DF, and
 * RSP alignment, preserving/setting state in accordance with the x86-64 ABI is the responsibility
 * of the enclave and its runtime".
 *
 * The image scrubs every register when it leaves, so all callee-saved ones, MXCSR and the x87
 * control word are kept here rather than trusted to come back. RBP and RSP cannot be: the vDSO
 * itself finds its frame by them after EEXIT, so the runtime must leave with the RSP and RBP of
 * EENTER. The vDSO takes `run` as its seventh argument, on the stack.
 */
    .text
    .globl sl_sgx_enter_call
    .hidden sl_sgx_enter_call
    .type sl_sgx_enter_call, @function
sl_sgx_enter_call:
    .cfi_startproc
    endbr64
    push %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    push %rsi                   /* regs, at -48(%rbp) */
    sub $16, %rsp
    stmxcsr -64(%rbp)
    fnstcw -60(%rbp)
    /* Two words on an RSP that is a multiple of 16 again (8 return, 8 rbp, 48, 16, 16 = 96): the
       seventh argument lies at (%rsp) at the call, as the ABI wants. */
    sub $16, %rsp
    mov %rcx, (%rsp)            /* run */
    mov %rdi, %rax
    mov %edx, %ecx              /* function */
    mov %rsi, %r10
    mov 0(%r10), %rdi
    mov 8(%r10), %rsi
    mov 16(%r10), %rdx
    mov 24(%r10), %r8
    mov 32(%r10), %r9
    call *%rax
    mov -48(%rbp), %r10
    mov %rdi, 0(%r10)
    mov %rsi, 8(%r10)
    mov %rdx, 16(%r10)
    cld
    ldmxcsr -64(%rbp)
    fldcw -60(%rbp)
    mov -8(%rbp), %rbx
    mov -16(%rbp), %r12
    mov -24(%rbp), %r13
    mov -32(%rbp), %r14
    mov -40(%rbp), %r15
    leave
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_endproc
    .size sl_sgx_enter_call, . - sl_sgx_enter_call
    .section .note.GNU-stack, "", @progbits
