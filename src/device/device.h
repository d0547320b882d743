/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A device: a place that can hold an enclave. Three implement this vtable: `sgx` (hardware), `emu`
 * (software SGX, no protection), `bare` (no enclave rules, the baseline). The loader above is one
 * piece of code.
 */
#ifndef SL_DEVICE_DEVICE_H
#define SL_DEVICE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/sgx.h>

#include "base/err.h"
#include "device/sgx_arch.h"

struct sl_enclave; /* one per image; each device embeds it in its own */

struct sl_device_options {
    const char *device;     /**< "emu", "bare" or "sgx" */
    bool is_trap;           /**< emu: every leaf by signal (slow, most faithful) */
    uint32_t entry_cost_ns; /**< emu, direct speed: cost of EENTER + EEXIT together; programs
                               default to 3500; 0 = none added. Trap speed costs more by itself */
    bool is_rdtsc_trapped;  /**< emu: RDTSC raises #UD as on SGX1 */
};

/** Runs one step of a thread, with the calling convention and result of
 * __vdso_sgx_enter_enclave() (Linux asm/sgx.h): EENTER or ERESUME at run->tcs; returns 0 with
 * run->function = leaf after EEXIT, or run->function = EENTER/ERESUME and the exception fields
 * after a fault inside. The `user_handler` mechanism is not used. rdi, rsi, rdx, r8, r9 are passed
 * through; on EEXIT the enclave's rdi, rsi and rdx come back in ret_regs. */
struct sl_enter_regs {
    uint64_t rdi, rsi, rdx, r8, r9;
};

struct sl_device_ops {
    const char *name;
    /** One line on what this device protects, or that it protects nothing. */
    const char *protection;
    /** ECREATE. @p secs: size, base (0: the device chooses, naturally aligned), ssa_frame_size,
     * attributes, misc_select; the rest as ECREATE wants it, zero in the simplest case. */
    sl_rc (*create)(const struct sl_device_options *options, const struct sl_secs *secs,
                    struct sl_enclave **ret_enclave, struct sl_err *err);
    /** Adds (EADD, and EEXTEND where @p is_measured) @p size bytes at @p off; flags as in SECINFO.
     */
    sl_rc (*add_pages)(struct sl_enclave *enclave, uint64_t off, const uint8_t *content,
                       uint64_t size, uint64_t secinfo_flags, bool is_measured, struct sl_err *err);
    sl_rc (*init)(struct sl_enclave *enclave, const struct sl_sigstruct *sigstruct,
                  struct sl_err *err);
    /** @retval 0       see above
     * @retval -EINVAL leaf is neither EENTER nor ERESUME, or run has a handler or reserved bytes
     * @retval -EPROTO emu, bare: the image left by EEXIT to another address than RCX at EENTER, or
     *                 without restoring RSP and RBP: on hardware this process would crash
     * @retval -EBUSY  emu, bare: called by a signal handler on the signal stack
     * @retval -ENOMEM emu, bare: too many threads */
    int (*enter)(struct sl_enclave *enclave, struct sl_enter_regs *regs, unsigned leaf,
                 struct sgx_enclave_run *run);
    void (*destroy)(struct sl_enclave *enclave);
    /** Rules of SGX that this device cannot enforce on this machine, one sentence each;
     * NULL-terminated. */
    const char *const *(*unenforced)(const struct sl_enclave *enclave);
};

struct sl_enclave {
    const struct sl_device_ops *ops;
    uint8_t *base; /**< linear address of the enclave range */
    uint64_t size; /**< power of two */
};

/** The device of that name, or NULL. */
const struct sl_device_ops *sl_device_find(const char *name);

struct sl_machine;
/** The emulated processor (device/keys.h) that an enclave runs on, for the emulator's quoting
 * enclave. NULL where there is none: every device but `emu`. Lives as long as the enclave. */
const struct sl_machine *sl_device_machine(const struct sl_enclave *enclave);

/** Where the emulator keeps, outside the enclave, what a processor keeps in itself: the registers
 * of threads that it interrupted or resumed lie in its signal frames. Real devices have no such
 * memory.
 * @return false: none */
bool sl_device_processor(const struct sl_enclave *enclave, const uint8_t **ret_base,
                         size_t *ret_size);

#endif
