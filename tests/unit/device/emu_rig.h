/* SPDX-License-Identifier: Apache-2.0 */
/* A tiny enclave for the device tests: code from emu_code.S, two TCSs, some pages of each kind. */
#ifndef SL_TESTS_EMU_RIG_H
#define SL_TESTS_EMU_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "device/device.h"
#include "device/sigstruct.h"

enum {
    RIG_SIZE = 0x20000,
    RIG_LAYOUT = 0x0,
    RIG_CODE = 0x1000, /* four pages */
    RIG_DATA = 0x5000, /* two pages, RW */
    RIG_RODATA = 0x7000,
    RIG_THREAD0 = 0x8000, /* base page, SSA frames, TCS */
    RIG_THREAD1 = 0x10000,
    RIG_BASES = 0x0, /* from RIG_THREADn: FS and GS base, RW */
    RIG_SSA = 0x1000,
    RIG_TCS = 0x5000,
    RIG_HOLE = 0x1f000, /* never added */
    RIG_NSSA = 2,
};

struct rig {
    struct sl_enclave *enclave;
    struct sl_secs secs;
    struct sl_sigstruct sig;
    struct sl_err err;
};

/* What a test may want otherwise than the default. */
struct rig_params {
    const char *device; /* "emu" where NULL */
    bool is_trap;
    bool is_rdtsc_trapped;
    bool has_exinfo;
    bool is_unlisted; /* no layout page content: no EEXIT is patched */
    uint32_t entry_cost_ns;
    uint64_t xfrm;       /* 0: x87, SSE, and AVX-512 where the machine has it */
    uint64_t attributes; /* 0: MODE64BIT */
    uint64_t ossa;       /* of thread 0; 0: RIG_SSA */
};

/* A complete, initialised enclave; ends the test on failure. */
void rig_create(struct rig *rig, const struct rig_params *params);
void rig_free(struct rig *rig);

/* The steps, for tests of each. */
void rig_secs(struct rig *rig, const struct rig_params *params);
struct sl_device_options rig_options(const struct rig_params *params);
void rig_add_all(struct rig *rig, const struct rig_params *params);
/* Signs what has been added: `pages` builds the same enclave on paper. */
void rig_sign(struct rig *rig, const struct rig_params *params);
EVP_PKEY *rig_key(void);

/* Address of a snippet of emu_code.S in the enclave. */
uint64_t rig_code(const struct rig *rig, const uint8_t *label);
uint64_t rig_addr(const struct rig *rig, uint64_t off);
bool rig_has_avx512(void);

/* EENTER on thread 0 or 1 at @p label; the result is enter's. */
int rig_enter(const struct rig *rig, uint32_t thread, const uint8_t *label, uint64_t rsi,
              uint64_t rdx, struct sl_enter_regs *ret_regs, struct sgx_enclave_run *ret_run);
/* The same, asserts a normal exit, returns rdi. */
uint64_t rig_call(const struct rig *rig, const uint8_t *label, uint64_t rsi, uint64_t rdx);
/* The same, asserts an exception of @p vector inside. */
void rig_call_faults(const struct rig *rig, const uint8_t *label, uint64_t rsi, uint64_t rdx,
                     uint32_t vector);
int rig_resume(const struct rig *rig, uint32_t thread, struct sl_enter_regs *ret_regs,
               struct sgx_enclave_run *ret_run);
/* Handles the exception of thread 0: adds @p skip to the saved RIP, by the enclave itself. */
void rig_handle(const struct rig *rig, uint64_t skip);

/* Copies into and out of enclave memory by the enclave itself; multiples of 8 bytes. */
void rig_poke(const struct rig *rig, uint64_t off, const void *data, size_t size);
void rig_peek(const struct rig *rig, uint64_t off, void *ret_data, size_t size);

/* One enclave key store for the test program, gone at its end: for cmocka_run_group_tests. */
int rig_group_setup(void **state);
int rig_group_teardown(void **state);

#define RIG_LABEL(name) extern const uint8_t emu_code_##name[]
RIG_LABEL(begin);
RIG_LABEL(end);
RIG_LABEL(entry);
RIG_LABEL(leave);
RIG_LABEL(exit_site);
RIG_LABEL(add);
RIG_LABEL(read);
RIG_LABEL(write);
RIG_LABEL(jump);
RIG_LABEL(bases);
RIG_LABEL(bases_set);
RIG_LABEL(skip);
RIG_LABEL(enclu);
RIG_LABEL(exit_by_trap);
RIG_LABEL(exit_elsewhere);
RIG_LABEL(exit_stack);
RIG_LABEL(exit_frame);
RIG_LABEL(exit_leaf);
RIG_LABEL(exit_flags);
RIG_LABEL(rdtsc_value);
RIG_LABEL(syscall_result);
RIG_LABEL(storm_avx512);
RIG_LABEL(storm_sse);

#endif
