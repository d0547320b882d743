/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code pages of the test enclave: position-independent snippets. The host enters with rdi = the
 * snippet's address, rsi and rdx its arguments; a snippet ends at `leave` with results in rdi and
 * rsi. r15 holds the return address, r14 CSSA, r12 the thread's pages. As an exception handler may
 * have run in between from another depth of the host's stack, RSP and RBP at exit come from U_RSP and
 * U_RBP of the SSA frame, which EENTER and ERESUME write.
 */
    .section .rodata
    .balign 4096
    .globl emu_code_begin, emu_code_end
emu_code_begin:

    .macro snippet name
    .globl emu_code_\name
emu_code_\name:
    .endm

snippet entry
    mov %rcx, %r15
    mov %rax, %r14
    rdgsbase %r12
    jmp *%rdi

    .balign 16
snippet leave
    mov %r14, %rax
    shl $12, %rax
    lea 0x2000-184(%r12,%rax), %rax /* GPRSGX of SSA[CSSA] */
    mov 144(%rax), %rsp
    mov 152(%rax), %rbp
snippet leave_as_is
    mov %r15, %rbx
    mov $4, %eax
    jmp emu_code_exit_site

    .balign 16
snippet exit_site /* patched in direct mode */
    .byte 0x0f, 0x01, 0xd7
    .fill 13, 1, 0xcc

snippet add /* rdi = rsi + rdx, rsi = CSSA */
    lea (%rsi,%rdx), %rdi
    mov %r14, %rsi
    jmp emu_code_leave

snippet read /* rdi = [rsi] */
    mov (%rsi), %rdi
    jmp emu_code_leave

snippet write /* [rsi] = rdx */
    mov %rdx, (%rsi)
    jmp emu_code_leave

snippet jump
    jmp *%rsi

snippet bases
    rdfsbase %rdi
    rdgsbase %rsi
    jmp emu_code_leave

snippet bases_set /* fs = rsi, gs = rdx, then a fault, then read them back */
    wrfsbase %rsi
    wrgsbase %rdx
    ud2
    rdfsbase %rdi
    rdgsbase %rsi
    jmp emu_code_leave

snippet skip /* exception entry: adds rsi to the RIP in the SSA frame's GPRSGX at rdx */
    add %rsi, 136(%rdx)
    jmp emu_code_leave

snippet enclu /* rax, rbx, rcx, rdx from [rsi]; rdi = rax, rsi = flags */
    mov (%rsi), %rax
    mov 8(%rsi), %rbx
    mov 16(%rsi), %rcx
    mov 24(%rsi), %rdx
    lea 512(%rsi), %rsp
    .byte 0x0f, 0x01, 0xd7
    pushf
    pop %rsi
    mov %rax, %rdi
    jmp emu_code_leave

snippet exit_by_trap /* EEXIT at a site that is not listed */
    mov %r15, %rbx
    mov $4, %eax
    .byte 0x0f, 0x01, 0xd7
    ud2

snippet hold /* tells [rsi] = 1 that it is inside, waits for [rdx] != 0 */
    movq $1, (%rsi)
1:  pause
    cmpq $0, (%rdx)
    je 1b
    jmp emu_code_leave

snippet exit_elsewhere /* EEXIT to another address than RCX at EENTER */
    mov %rsi, %rbx
    mov $4, %eax
    jmp emu_code_exit_site

snippet exit_stack /* EEXIT with another RSP */
    sub $64, %rsp
    jmp emu_code_leave_as_is

snippet exit_frame /* EEXIT with another RBP */
    xor %ebp, %ebp
    jmp emu_code_leave_as_is

snippet exit_leaf /* another leaf (rsi) at the EEXIT site */
    mov %r15, %rbx
    mov %rsi, %rax
    jmp emu_code_exit_site

    .macro set_ac
    pushf
    orl $0x40000, (%rsp)
    popf
    .endm
snippet fault_ac /* a fault while misaligned accesses fault */
    set_ac
    ud2

snippet exit_flags /* EEXIT with DF and AC set and another MXCSR and x87 control word */
    set_ac
    lea 1f(%rip), %rax
    ldmxcsr (%rax)
    fldcw 4(%rax)
    std
    jmp emu_code_leave
    .balign 4
1:  .long 0x7fc0
    .word 0x0c7f

/* Instructions that must fault; each is followed by ud2, so that "it ran" is told by RIP. */
    .macro insn name, text:vararg
    .balign 16
snippet insn_\name
    \text
    ud2
    .endm
insn ud2, ud2
insn syscall, syscall
insn int80, int $0x80
insn int21, int $0x21
insn int3, int3
insn cpuid, cpuid
insn rdtsc, rdtsc
insn rdtscp, rdtscp
insn rdpmc, rdpmc
insn in, in $0x70, %al
insn out, out %al, (%dx)
insn outsb, outsb
insn hlt, hlt
insn cli, cli
insn wrmsr, wrmsr
insn divide, div %esi
insn noncanonical, mov (%rdx), %al
insn nops, nop

snippet rdtsc_value
    rdtsc
    mov %rax, %rdi
    mov %rdx, %rsi
    jmp emu_code_leave

snippet syscall_result /* ud2's fault and resume, then rdi = rax */
    mov $39, %eax
    syscall
    mov %rax, %rdi
    jmp emu_code_leave

/* Fills every register with a pattern, spins until [rsi] != 0, compares: rdi = mismatches. rdx =
 * buffer of 2 KiB for the vector registers. */
    .macro storm name, count, stride
    .balign 16
snippet storm_\name
    mov $0x5afe11b000000000, %rax
    fill_\name
    mov $0x1111, %rbp
    mov $0x2222, %rsp
    mov $0x3333, %r8
    mov $0x4444, %r9
    mov $0x5555, %r10
    mov $0x6666, %r11
    mov $0x7777, %rcx
    stc
1:  pause
    testb $1, (%rsi)
    jz 1b
    xor %edi, %edi
    .irp pair, "%rbp, 0x1111", "%rsp, 0x2222", "%r8, 0x3333", "%r9, 0x4444", "%r10, 0x5555", "%r11, 0x6666", "%rcx, 0x7777"
    differ \pair
    .endr
    dump_\name
    xor %ecx, %ecx /* register */
2:  xor %r8d, %r8d /* byte in it */
    lea (%rax,%rcx), %r9
3:  cmp %r9, (%rdx,%r8)
    je 4f
    inc %rdi
4:  add $8, %r8d
    cmp $\stride, %r8d
    jne 3b
    add $\stride, %rdx
    inc %ecx
    cmp $\count, %ecx
    jne 2b
    jmp emu_code_leave
    .endm

    .macro differ reg, value
    cmp $\value, \reg
    je 5f
    inc %rdi
5:
    .endm
    .macro fill_avx512
    .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    lea \i(%rax), %rbx
    vpbroadcastq %rbx, %zmm\i
    .endr
    .irp i, 1,2,3,4,5,6,7
    lea \i(%rax), %rbx
    kmovq %rbx, %k\i
    .endr
    .endm
    .macro dump_avx512
    .irp i, 1,2,3,4,5,6,7
    kmovq %k\i, %rcx
    lea \i(%rax), %rbx
    cmp %rbx, %rcx
    je 6f
    inc %rdi
6:
    .endr
    .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vmovdqu64 %zmm\i, 64*\i(%rdx)
    .endr
    vzeroupper
    .endm
    .macro fill_sse
    .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    lea \i(%rax), %rbx
    movq %rbx, %xmm\i
    punpcklqdq %xmm\i, %xmm\i
    .endr
    .endm
    .macro dump_sse
    .irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    movdqu %xmm\i, 16*\i(%rdx)
    .endr
    .endm
storm avx512, 32, 64
storm sse, 16, 16
emu_code_end:
    .section .note.GNU-stack, "", @progbits
