/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Which code of an image can be reached, and which instructions in it an enclave may not execute.
 *
 * What "reachable" means here. Start: the enclave's entry, the ELF entry, IFUNC resolvers, and
 * every relocated pointer that lies in no named object (init arrays, anonymous tables, the GOT).
 * From there:
 *  - instructions are followed in their order, direct jumps and calls to their targets;
 *  - a function whose address code takes (RIP-relative) or that a reached named object points to is
 *    reached; such an address counts only where it is the start of a symbol that the compiler typed
 *    as a function;
 *  - an indirect jump (a switch) makes the rest of its function reached, linearly;
 *  - an indirect call reaches nothing more: its targets had their address taken somewhere.
 * So the set is larger than what runs (whatever has its address taken counts), and smaller only
 * where code computes an address by arithmetic on something else, or jumps into data. An
 * instruction hidden inside another one (an unaligned gadget) is not looked for.
 */
#ifndef SL_CMD_SAFELIB_IMAGE_CODE_H
#define SL_CMD_SAFELIB_IMAGE_CODE_H

#include "image_symbols.h"

/** id, mnemonic, what happens in an enclave */
#define FORBIDDEN_TABLE(X)                                                                         \
    X(SYSCALL, "syscall", "#UD, answered by the runtime")                                          \
    X(CPUID, "cpuid", "#UD, answered by the runtime")                                              \
    X(RDTSC, "rdtsc", "#UD on SGX1, answered by the runtime")                                      \
    X(RDTSCP, "rdtscp", "#UD on SGX1, answered by the runtime")                                    \
    X(ENCLU, "enclu", "a leaf outside .sl_enclu: the emulator cannot patch it")                    \
    X(SYSENTER, "sysenter", "#UD: ends the image")                                                 \
    X(INT, "int n", "#UD: ends the image")                                                         \
    X(IN_OUT, "in, out, ins, outs", "#UD: ends the image")                                         \
    X(DESCRIPTOR, "sgdt, sidt, sldt, str, smsw", "#UD: ends the image")                            \
    X(FAR, "far call, jmp, ret; iret", "#UD: ends the image")                                      \
    X(SEGMENT, "load of a segment register", "#UD: ends the image")                                \
    X(VM, "vmcall, vmfunc, getsec, rdpmc", "#UD: ends the image")

enum forbidden {
#define FORBIDDEN_ENUM(id, name, effect) FORBIDDEN_##id,
    FORBIDDEN_TABLE(FORBIDDEN_ENUM)
#undef FORBIDDEN_ENUM
        FORBIDDEN_COUNT
};
extern const char *const forbidden_name[FORBIDDEN_COUNT];
extern const char *const forbidden_effect[FORBIDDEN_COUNT];
/** Whether the runtime answers it: else it must not be reached at all. */
bool forbidden_is_answered(enum forbidden kind);

struct code_finding {
    enum forbidden kind;
    uint64_t addr;
    const struct symbol *symbol;
};

struct code_report {
    uint64_t code_size;        /**< bytes of executable segments */
    uint64_t reachable_size;   /**< bytes of reached instructions */
    size_t function_count;     /**< symbols in executable segments */
    size_t reachable_count;    /**< of which at least one instruction is reached */
    uint64_t undecoded_count;  /**< bytes that are no known instruction, at which a path ended */
    struct code_finding *list; /**< ascending */
    size_t count;
};

/** @retval SL_OK, SL_NO_MEMORY, SL_INTERNAL (no disassembler); @owner code_report_done */
sl_rc code_report_init(struct code_report *report, const struct sl_image *image,
                       const struct symbols *symbols, struct sl_err *err) SL_MUST_CHECK;
void code_report_done(struct code_report *report);

/** SHA-256 of a function with what a move of other code changes masked out: RIP-relative
 * displacements and the distances of calls and jumps that leave it.
 * @retval SL_OK, SL_INTERNAL */
sl_rc code_normal_digest(const struct symbols *symbols, const struct symbol *symbol,
                         uint8_t ret_digest[32]) SL_MUST_CHECK;

#endif
