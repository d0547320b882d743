/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A bounded view of a static-PIE x86-64 ELF file (System V ABI, chapters 4 and 5). Every offset and
 * size of the file is checked once, here; the file is untrusted.
 */
#ifndef SL_DEVICE_ELF_FILE_H
#define SL_DEVICE_ELF_FILE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    SL_ELF_SEGMENTS_MAX = 16,
    SL_ELF_SPAN_MAX = 1 << 30, /**< bytes from the first to the last segment */
};

/** One PT_LOAD, checked: inside the file, ascending, not sharing a page with its neighbour. */
struct sl_elf_segment {
    uint64_t vaddr;
    uint64_t file_off;
    uint64_t file_size;
    uint64_t mem_size;
    uint32_t flags; /**< PF_R, PF_W, PF_X */
};

struct sl_elf {
    const uint8_t *data; /**< the file, the caller's */
    size_t size;
    uint64_t entry; /**< link-time address of _start, inside an executable segment */
    uint64_t span;  /**< bytes from address 0 to the end of the last segment, whole pages */
    uint64_t phdr_vaddr;
    uint32_t phdr_count;
    uint64_t relro_vaddr;
    uint64_t relro_size;
    struct sl_elf_segment segment[SL_ELF_SEGMENTS_MAX];
    uint32_t segment_count;
};

/** @retval SL_OK @p ret_elf filled, pointing into @p data
 * @retval SL_TRUNCATED a header, segment or table lies outside the file
 * @retval SL_MALFORMED not a static-PIE x86-64 ELF, or segments overlap
 * @retval SL_UNSUPPORTED W+X segment, executable stack, text relocations, interpreter, needed
 * libraries
 * @retval SL_RANGE more or larger segments than the limits above */
sl_rc sl_elf_parse(const uint8_t *data, size_t size, struct sl_elf *ret_elf,
                   struct sl_err *err) SL_MUST_CHECK;

/** Finds a section by name.
 * @retval SL_OK, SL_NOT_FOUND, SL_TRUNCATED, SL_MALFORMED (section tables outside the file) */
sl_rc sl_elf_section(const struct sl_elf *elf, const char *name, const uint8_t **ret_data,
                     uint64_t *ret_size, uint64_t *ret_vaddr) SL_MUST_CHECK;

/** The function or object that @p vaddr lies in, from .symtab; NULL where unknown. The name points
 * into the file and is terminated.
 * @param[out] ret_off distance from the start of the symbol */
const char *sl_elf_symbol(const struct sl_elf *elf, uint64_t vaddr, uint64_t *ret_off);

#endif
