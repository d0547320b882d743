/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Registers at the edge of the enclave: what the host passes at EENTER and what the image passes
 * at EEXIT. The only calls across; data goes through the shared area.
 *
 * EENTER with CSSA = 0: rdi = enum sl_abi_enter, rsi and rdx its arguments.
 * EENTER with CSSA = 1: second-level exception entry, whatever rdi says; the runtime reads the SSA.
 * EENTER with CSSA > 1: refused (nested exception): the runtime dies closed.
 * EEXIT:  rdi = enum sl_abi_exit, rsi and rdx its arguments; every other register scrubbed.
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
    SL_ABI_EXIT_THREAD = 2,     /**< rsi = index of the TCS to enter with SL_ABI_THREAD */
    SL_ABI_EXIT_WAKE = 3,       /**< rsi = thread whose doorbell to ring */
    SL_ABI_EXIT_THREAD_END = 4, /**< this thread is done; its TCS may be used again */
    SL_ABI_EXIT_END = 5,        /**< the image is done: rsi = exit code */
    SL_ABI_EXIT_RESUME = 6,     /**< exception handled: ERESUME this TCS */
    SL_ABI_EXIT_DEAD = 7, /**< exception not handled, or a broken rule: the enclave refuses every
                               further entry. rsi = vector, rdx = RIP offset from the base */
};

#endif
