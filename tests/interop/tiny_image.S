/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest static-PIE that the loader takes as an NF image: an entry that leaves at once. For
 * tests of signing and measuring, which never run it. */
    .text
    .globl _start
    .type _start, @function
_start:
    jmp enclave_entry
    .size _start, . - _start

    .globl enclave_entry
    .type enclave_entry, @function
enclave_entry:
    mov $4, %eax
    call leave
    ud2
    .size enclave_entry, . - enclave_entry

    .balign 32
    .globl leave
    .type leave, @function
leave:
    .byte 0x0f, 0x01, 0xd7
    .fill 29, 1, 0x90
    .size leave, . - leave

    .globl forbidden_reached
    .type forbidden_reached, @function
forbidden_reached:
    cpuid
    ret
    .size forbidden_reached, . - forbidden_reached

    .globl forbidden_unreached
    .type forbidden_unreached, @function
forbidden_unreached:
    syscall
    ret
    .size forbidden_unreached, . - forbidden_unreached

    .section .sl_enclu, "a", @progbits
    .long enclave_entry - ., 2
    .long leave - ., 4

    .data
    .globl pointer
pointer:
    .quad forbidden_reached
    .section .note.GNU-stack, "", @progbits
