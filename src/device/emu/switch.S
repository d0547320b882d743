/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge between host and emulated enclave: entry, exit, and the signal stub. While INSIDE is 1
 * the FS and GS bases may be the enclave's, so no C may run: the signal stub puts the host's bases
 * back first. All code between sl_emu_text_begin and sl_emu_text_end is restartable there: a signal
 * that comes while it runs only runs the host's handler, and changes nothing.
 */
#include "offsets.h"

    .text
    .balign 64
    .globl sl_emu_text_begin, sl_emu_text_end, sl_emu_switch, sl_emu_enclu, sl_emu_exit
    .globl sl_emu_lost, sl_emu_leave, sl_emu_signal_stub, sl_emu_restorer, sl_emu_restorer_end
    .hidden sl_emu_text_begin, sl_emu_text_end, sl_emu_switch, sl_emu_enclu, sl_emu_exit
    .hidden sl_emu_lost, sl_emu_leave, sl_emu_signal_stub, sl_emu_restorer, sl_emu_restorer_end
    .hidden sl_emu_region, sl_emu_signal

sl_emu_text_begin:

/* void sl_emu_switch(struct emu_thread *thread, bool is_trap): EENTER or ERESUME, until exit. */
    .type sl_emu_switch, @function
sl_emu_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    mov %rdi, %r11
    mov %rsp, EMU_T_HOST_RSP(%r11)
    mov %rbp, EMU_T_HOST_RBP(%r11)
    mov %fs:0, %rax /* the ABI keeps the FS base there; cheaper than RDFSBASE */
    mov %rax, EMU_T_HOST_FS(%r11)
    rdgsbase %rax
    mov %rax, EMU_T_HOST_GS(%r11)
    test %esi, %esi
    jnz .Ltrap

    /* Direct: what the signal handler does in trap mode, without the signal. */
    movl $1, EMU_T_INSIDE(%r11)
    mov EMU_T_SEL_INSIDE(%r11), %al
    mov %al, EMU_T_SELECTOR(%r11)
    cmpb $0, EMU_T_HAS_PKEY(%r11)
    je 1f
    mov EMU_T_ENCLAVE_PKRU(%r11), %eax
    xor %ecx, %ecx
    xor %edx, %edx
    wrpkru
1:  mov EMU_T_SSA_GPR(%r11), %rax
    mov %rsp, EMU_SSA_URSP(%rax)
    mov %rbp, EMU_SSA_URBP(%rax)
    mov EMU_T_ENCLAVE_FS(%r11), %rax
    wrfsbase %rax
    mov EMU_T_ENCLAVE_GS(%r11), %rax
    wrgsbase %rax
    mov EMU_T_IN_RDI(%r11), %rdi
    mov EMU_T_IN_RSI(%r11), %rsi
    mov EMU_T_IN_RDX(%r11), %rdx
    mov EMU_T_IN_R8(%r11), %r8
    mov EMU_T_IN_R9(%r11), %r9
    mov EMU_T_RAX(%r11), %rax
    mov EMU_T_TCS(%r11), %rbx
    mov EMU_T_AEP(%r11), %rcx
    jmp *EMU_T_OENTRY(%r11)

.Ltrap:
    mov EMU_T_IN_RDI(%r11), %rdi
    mov EMU_T_IN_RSI(%r11), %rsi
    mov EMU_T_IN_RDX(%r11), %rdx
    mov EMU_T_IN_R8(%r11), %r8
    mov EMU_T_IN_R9(%r11), %r9
    mov EMU_T_RAX(%r11), %rax
    mov EMU_T_TCS(%r11), %rbx
    mov EMU_T_AEP(%r11), %rcx
sl_emu_enclu:
    .byte 0x0f, 0x01, 0xd7 /* ENCLU: the handler goes on in the enclave or at sl_emu_leave */
    ud2

/* EEXIT in direct mode arrives here with r11 = thread (from the thread's stub). */
sl_emu_exit:
    cmp %rsp, EMU_T_HOST_RSP(%r11)
    jne sl_emu_lost /* RSP not restored, or the stub of another thread */
    mov %rdi, EMU_T_OUT_RDI(%r11)
    mov %rsi, EMU_T_OUT_RSI(%r11)
    mov %rdx, EMU_T_OUT_RDX(%r11)
    mov %rsp, EMU_T_OUT_RSP(%r11)
    mov %rbp, EMU_T_OUT_RBP(%r11)
    /* fall through */

/* Back to the caller of sl_emu_switch, r11 = thread; every other register is dead. */
sl_emu_leave:
    mov EMU_T_HOST_RSP(%r11), %rsp
    mov EMU_T_HOST_FS(%r11), %rax
    wrfsbase %rax
    mov EMU_T_HOST_GS(%r11), %rax
    wrgsbase %rax
    cmpb $0, EMU_T_HAS_PKEY(%r11)
    je 1f
    mov EMU_T_HOST_PKRU(%r11), %eax
    xor %ecx, %ecx
    xor %edx, %edx
    wrpkru
1:  movb $0, EMU_T_SELECTOR(%r11)
    movl $0, EMU_T_INSIDE(%r11)
    pushfq
    testl $0x40500, (%rsp) /* AC, DF, TF: the enclave's choice must not become the host's */
    jz 5f
    movq $2, (%rsp)
    popfq
    sub $8, %rsp
5:  add $8, %rsp
    stmxcsr -8(%rsp)
    mov -8(%rsp), %eax
    cmp (%rsp), %eax
    je 2f
    ldmxcsr (%rsp)
2:  fnstsw %ax
    test $0x80, %al
    jz 3f
    fnclex /* the enclave left an unmasked x87 exception pending: FLDCW would raise it here */
3:  fnstcw -8(%rsp)
    mov -8(%rsp), %ax
    cmp 4(%rsp), %ax
    je 4f
    fldcw 4(%rsp)
4:  add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
sl_emu_lost:
    ud2 /* the handler knows which thread this really is */
    .size sl_emu_switch, . - sl_emu_switch

/* Handler of every adopted signal: (signo, siginfo, ucontext). The frame holds every register, and
 * sigreturn puts them back, so none is saved here. */
    .balign 16
    .type sl_emu_signal_stub, @function
sl_emu_signal_stub:
    pushq $2 /* the kernel clears DF and TF; AC would fault in C code */
    popfq
    mov %rsp, %rbx
    xor %r12d, %r12d
    xor %r8d, %r8d
    /* The thread's slot holds its signal stack: which slot is rsp in? */
    mov sl_emu_region(%rip), %rax
    mov %rsp, %r9
    sub %rax, %r9
    cmp sl_emu_region+8(%rip), %r9
    jae 1f
    and $-EMU_SLOT_SIZE, %r9
    lea (%rax,%r9), %r12
    cmpl $0, EMU_T_INSIDE(%r12)
    je 1f
    rdfsbase %rax
    mov %rax, EMU_T_SIG_FS(%r12)
    rdgsbase %rax
    mov %rax, EMU_T_SIG_GS(%r12)
    mov EMU_T_HOST_FS(%r12), %rax
    wrfsbase %rax
    mov EMU_T_HOST_GS(%r12), %rax
    wrgsbase %rax
    movb $0, EMU_T_SELECTOR(%r12)
    movl $0, EMU_T_INSIDE(%r12)
    inc %r8d
    cmpb $0, EMU_T_HAS_PKEY(%r12)
    je 1f
    mov %rdx, %r10
    mov EMU_T_HOST_PKRU(%r12), %eax
    xor %ecx, %ecx
    xor %edx, %edx
    wrpkru
    mov %r10, %rdx
1:  mov %r12, %rcx
    and $-16, %rsp
    call sl_emu_signal
    test %eax, %eax
    jz 2f
    mov EMU_T_SIG_FS(%r12), %rax
    wrfsbase %rax
    mov EMU_T_SIG_GS(%r12), %rax
    wrgsbase %rax
    mov EMU_T_SEL_INSIDE(%r12), %al
    mov %al, EMU_T_SELECTOR(%r12)
    movl $1, EMU_T_INSIDE(%r12)
2:  mov %rbx, %rsp
    ret
    .size sl_emu_signal_stub, . - sl_emu_signal_stub

/* Own sigreturn: the only system call allowed while the dispatch selector blocks. */
    .balign 16
    .type sl_emu_restorer, @function
sl_emu_restorer:
    mov $15, %eax
    syscall
    ud2 /* the kernel compares the address behind SYSCALL: it must lie in the allowed range */
sl_emu_restorer_end:
    .size sl_emu_restorer, . - sl_emu_restorer

sl_emu_text_end:
    .section .note.GNU-stack, "", @progbits
