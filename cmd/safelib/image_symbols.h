/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * An image's symbols as a partition of its memory, and which part (library, SafeLib module) each
 * address comes from.
 */
#ifndef SL_CMD_SAFELIB_IMAGE_SYMBOLS_H
#define SL_CMD_SAFELIB_IMAGE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/elf_file.h"
#include "device/image.h"

/** One symbol's memory. In executable segments the symbols leave no gap: each reaches to the next
 * one, so that code without a symbol belongs to the one before it. */
struct symbol {
    const char *name; /**< "" for the start of a segment without one */
    uint64_t addr;    /**< link-time */
    uint64_t end;
    uint64_t size;    /**< as the file states it, where it does; at most end - addr */
    bool is_code;     /**< in an executable segment */
    bool is_function; /**< STT_FUNC or STT_GNU_IFUNC */
    bool is_global;
};

/** A pointer in the image's data that is relocated at start. */
struct reloc {
    uint64_t addr;
    uint64_t value;   /**< link-time address that it points to */
    bool is_resolver; /**< an IFUNC: the value is called, its result is stored */
};

struct symbols {
    struct sl_elf elf;
    struct reloc *relocs; /**< ascending */
    size_t reloc_count;
    struct symbol *list; /**< ascending, without overlap; names point into the image */
    size_t count;
    bool is_stripped; /**< no .symtab: the list holds executable segments only */
};

/** @retval SL_OK, SL_NO_MEMORY, or what sl_elf_parse returns; @owner symbols_done */
sl_rc symbols_init(struct symbols *symbols, const struct sl_image *image,
                   struct sl_err *err) SL_MUST_CHECK;
void symbols_done(struct symbols *symbols);
/** The symbol whose memory holds @p addr, or NULL. */
const struct symbol *symbols_at(const struct symbols *symbols, uint64_t addr);
/** The segment that holds @p addr, or NULL. */
const struct sl_elf_segment *symbols_segment(const struct symbols *symbols, uint64_t addr);

/** Index of the first relocation at or behind @p addr. */
size_t symbols_reloc_first(const struct symbols *symbols, uint64_t addr);

enum { PART_MAX = 64, PART_NAME_SIZE = 48 };

/** Bytes of one origin, by the permissions of the segment they lie in. */
struct part {
    char name[PART_NAME_SIZE];
    uint64_t code_size, rodata_size, data_size;
};

struct part_piece {
    uint64_t addr, size;
    unsigned part;
};

/** Where each byte comes from, by the linker's map file. */
struct parts {
    struct part list[PART_MAX];
    unsigned count;
    struct part_piece *pieces; /**< ascending */
    size_t piece_count;
    bool is_by_map; /**< else by name: sl_* is SafeLib, the rest unknown */
};

/** Looks for IMAGE.map, also beside what a link points to. */
bool parts_map_beside(const char *image_path, char *out, size_t size);

/** Reads the linker's map (-Wl,-Map=FILE). It is a hint, not evidence: nothing else trusts it.
 * @param[in] path NULL: counts by symbol names alone
 * @retval SL_OK, SL_IO, SL_NO_MEMORY
 * @retval SL_MISMATCH a symbol's object lies elsewhere: the map is of another link */
sl_rc parts_init(struct parts *parts, const char *path, const struct symbols *symbols,
                 struct sl_err *err) SL_MUST_CHECK;
void parts_done(struct parts *parts);
/** The name of the part that @p addr belongs to; "unknown" where none says. */
const char *parts_name(const struct parts *parts, const struct symbol *symbol, uint64_t addr);

#endif
