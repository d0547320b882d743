/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Registers at the edge of the enclave: what the host passes at EENTER and what the image passes
 * at EEXIT. The only calls across; data goes through the shared area.
 *
 * EENTER with CSSA = 0: a thread begins (rdi = SL_ABI_START or SL_ABI_THREAD, rsi and rdx its
 *   arguments), or, where the thread is in a call to the host, that call returns (rsi = result).
 *   Which of the two it is, the runtime knows from its own state; rdi is only checked against it.
 * EENTER with CSSA = 1: second-level entry. Where the exception handler is in a call to the host,
 * that call returns; else the runtime reads the exception from the SSA, whatever rdi says. EENTER
 * with CSSA > 1: an exception, or an entry, inside the exception handler: dead. EEXIT:  rdi = enum
 * sl_abi_exit, rsi and rdx its arguments; every other register is scrubbed but rsp and rbp, which
 * are the host's own, and rbx, the address to go to.
 *
 * After every exit but RESUME, THREAD_END, END and DEAD the host enters the same TCS again by
 * EENTER with SL_ABI_RETURN; after RESUME it uses ERESUME. Calls come from both levels.
 */
#ifndef SL_RUNTIME_ABI_H
#define SL_RUNTIME_ABI_H

enum sl_abi_enter {
    SL_ABI_START =
        1, /**< once, on the first TCS: rsi = address of the shared area, rdx = its size */
    SL_ABI_THREAD = 2,    /**< a TCS that the image asked for by SL_ABI_EXIT_THREAD */
    SL_ABI_RETURN = 3,    /**< back from SL_ABI_EXIT_WAIT/THREAD/WAKE: rsi = result, untrusted */
    SL_ABI_EXCEPTION = 4, /**< after a fault; CSSA must be 1 */
};

enum sl_abi_exit {
    SL_ABI_EXIT_WAIT = 1,       /**< rsi = kind | arg << 32, rdx = timeout ns */
    SL_ABI_EXIT_THREAD = 2,     /**< rsi = index of the TCS to enter with SL_ABI_THREAD; the result
                                     is 0, or not 0 where the host has no thread for it */
    SL_ABI_EXIT_WAKE = 3,       /**< rsi = thread whose doorbell to ring */
    SL_ABI_EXIT_THREAD_END = 4, /**< this thread is done; its TCS may be used again */
    SL_ABI_EXIT_END = 5,        /**< the image is done: rsi = exit code */
    SL_ABI_EXIT_RESUME = 6,     /**< exception handled: ERESUME this TCS */
    SL_ABI_EXIT_DEAD = 7, /**< exception not handled, or a broken rule: the enclave refuses every
                               further entry. rsi = vector or enum sl_abi_dead, rdx = RIP offset
                               from the base, 0 where there is none */
};

/** Why an image died, where it was not an exception with a vector of its own (0..31). */
#define SL_ABI_DEAD_TABLE(X)                                                                       \
    X(ENTRY, 0x100, "the host entered a thread that the image did not ask for")                    \
    X(NESTED, 0x101, "an exception, or an entry, inside the exception handler")                    \
    X(SPURIOUS, 0x102, "an exception that the processor did not record with a vector")             \
    X(AREA, 0x103, "start refused: the shared area is not wholly outside, or malformed")           \
    X(PARAMS, 0x104, "start refused: malformed start parameters")                                  \
    X(CPU, 0x105, "start refused: the processor lacks RDRAND, AES-NI, PCLMULQDQ or SSE4.2")        \
    X(RANDOM, 0x106, "RDRAND failed")                                                              \
    X(CRITICAL, 0x107, "an exception in the enclave's entry or exit code")                         \
    X(AGAIN, 0x108, "entered again after its end")

enum sl_abi_dead {
#define SL_ABI_DEAD_ENUM(name, value, text) SL_ABI_DEAD_##name = value,
    SL_ABI_DEAD_TABLE(SL_ABI_DEAD_ENUM)
#undef SL_ABI_DEAD_ENUM
};

#endif
