/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The layout page: what the loader tells the trusted runtime about the enclave's own memory. It is
 * the page at offset 0 of the enclave, read-only and measured, so no word about memory geometry
 * ever comes from the host. Filled by sl_image_load as a pure function of the ELF file; read by the
 * runtime and, for the ENCLU sites, by the emulator.
 *
 *   0          layout page (R, measured)
 *   0x10000    the ELF image at its own page permissions; enclave base = &__ehdr_start - 0x10000
 *   ...        per thread: hole | stack | hole | exception stack | hole | block | SSA | TCS
 *   ...        heap, zero pages, not measured: the runtime clears what it hands out
 *
 * Holes are pages that are never added: touching one is a #PF, which ends the enclave.
 */
#ifndef SL_RUNTIME_LAYOUT_H
#define SL_RUNTIME_LAYOUT_H

#include <stdint.h>

#define SL_LAYOUT_MAGIC   0x31594c4546415321ull /* "!SAFELY1" */
#define SL_LAYOUT_ELF_OFF 0x10000ull

enum {
    SL_LAYOUT_VERSION = 1,
    SL_LAYOUT_THREADS_MAX = 32,
    SL_LAYOUT_SITES_MAX = 8,
    SL_LAYOUT_NSSA = 3,            /**< normal, exception handler, and "exception in the handler" */
    SL_LAYOUT_SSA_FRAME_PAGES = 1, /**< XSAVE of XFRM 0xe7 (2688 bytes) and GPRSGX (184) fit */
    SL_LAYOUT_EXCEPTION_STACK_SIZE = 16384,
    SL_LAYOUT_HOLE_SIZE = 4096,
    SL_LAYOUT_BLOCK_SIZE = 4096,
    SL_LAYOUT_SITE_SIZE = 16, /**< ENCLU and the padding behind it, 16-byte aligned */
};

/** One thread's memory, offsets from the enclave's base. */
struct sl_layout_thread {
    uint64_t stack_off; /**< lowest byte; stack_size bytes */
    uint64_t exception_stack_off;
    uint64_t block_off; /**< the runtime's per-thread block; GS base at entry */
    uint64_t ssa_off;
    uint64_t tcs_off;
};

/** One ENCLU instruction of the image, from its section ".sl_enclu". Each is 16-byte aligned and
 * followed by padding that control never reaches (EEXIT) or that is NOPs (EREPORT, EGETKEY), so
 * that an emulator may replace the 16 bytes after measuring. */
struct sl_layout_site {
    uint64_t off;  /**< of the instruction, from the enclave's base */
    uint32_t leaf; /**< SL_EREPORT, SL_EGETKEY or SL_EEXIT */
    uint32_t size; /**< SL_LAYOUT_SITE_SIZE */
};

struct sl_layout {
    uint64_t magic;
    uint32_t version;
    uint32_t thread_count;
    uint64_t enclave_size;
    uint64_t elf_off;   /**< load bias: link-time address 0 */
    uint64_t elf_size;  /**< first to last page of the ELF image */
    uint64_t start_off; /**< the ELF's own e_entry, `_start` */
    uint64_t phdr_off;
    uint32_t phdr_count;
    uint32_t phdr_size;
    uint64_t relro_off; /**< 0 where the image has none */
    uint64_t relro_size;
    uint64_t heap_off;
    uint64_t heap_size;
    uint64_t stack_size;
    struct sl_layout_thread thread[SL_LAYOUT_THREADS_MAX];
    uint32_t site_count;
    uint32_t reserved;
    struct sl_layout_site site[SL_LAYOUT_SITES_MAX];
};
_Static_assert(sizeof(struct sl_layout) <= 4096, "one page");

/** First words of each thread's block, filled by the loader and measured; the entry code finds its
 * stacks by them. The rest of the block starts as zeros. */
struct sl_layout_block {
    uint64_t index;
    uint64_t stack_top_off; /**< end of the thread's own stack */
    uint64_t exception_top_off;
};

/** Entry of the ELF section ".sl_enclu": position relative to the entry itself, so that it needs no
 * relocation. Leaf SL_EENTER marks the enclave's entry point (TCS.OENTRY). */
struct sl_layout_record {
    int32_t position;
    uint32_t leaf;
};

#endif
