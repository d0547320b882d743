/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols of a static-PIE as a partition of its memory. */
#include "image_symbols.h"

#include <stdlib.h>
#include <string.h>

const struct sl_elf_segment *symbols_segment(const struct symbols *symbols, uint64_t addr)
{
    for (uint32_t i = 0; i < symbols->elf.segment_count; i++) {
        const struct sl_elf_segment *s = &symbols->elf.segment[i];
        if (addr >= s->vaddr && addr - s->vaddr < s->mem_size) {
            return s;
        }
    }
    return NULL;
}

static bool add_symbol(struct symbols *s, const Elf64_Sym *sym, const char *name)
{
    unsigned type = ELF64_ST_TYPE(sym->st_info);
    const struct sl_elf_segment *segment = symbols_segment(s, sym->st_value);
    bool is_wanted =
        type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_OBJECT || type == STT_NOTYPE;
    if (!is_wanted || sym->st_shndx == SHN_UNDEF || sym->st_shndx >= SHN_LORESERVE ||
        segment == NULL) {
        return false;
    }
    bool is_code = (segment->flags & PF_X) != 0;
    if (!is_code && sym->st_size == 0) {
        return false;
    }
    uint64_t end = segment->vaddr + segment->mem_size;
    if (!is_code && sym->st_size < end - sym->st_value) {
        end = sym->st_value + sym->st_size;
    }
    s->list[s->count++] = (struct symbol){
        .name = name,
        .addr = sym->st_value,
        .end = end,
        .size = sym->st_size,
        .is_code = is_code,
        .is_function = type == STT_FUNC || type == STT_GNU_IFUNC,
        .is_global = ELF64_ST_BIND(sym->st_info) != STB_LOCAL,
    };
    return true;
}

/* At one address the most telling name wins: a function, a global, the longer extent. */
static int compare(const void *left, const void *right)
{
    const struct symbol *a = left;
    const struct symbol *b = right;
    if (a->addr != b->addr) {
        return a->addr < b->addr ? -1 : 1;
    }
    if (a->is_function != b->is_function) {
        return a->is_function ? -1 : 1;
    }
    if (a->is_global != b->is_global) {
        return a->is_global ? -1 : 1;
    }
    if (a->end != b->end) {
        return a->end > b->end ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static void make_partition(struct symbols *s)
{
    if (s->count == 0) {
        return;
    }
    qsort(s->list, s->count, sizeof(*s->list), compare);
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct symbol *last = kept > 0 ? &s->list[kept - 1] : NULL;
        if (last != NULL && (s->list[i].addr == last->addr ||
                             (!s->list[i].is_code && s->list[i].addr < last->end))) {
            continue; /* another name, or a part of an object */
        }
        if (last != NULL && last->end > s->list[i].addr) {
            last->end = s->list[i].addr;
        }
        s->list[kept++] = s->list[i];
    }
    s->count = kept;
    for (size_t i = 0; i < kept; i++) {
        uint64_t room = s->list[i].end - s->list[i].addr;
        if (s->list[i].size == 0 || s->list[i].size > room) {
            s->list[i].size = room;
        }
    }
}

static int compare_relocs(const void *left, const void *right)
{
    const struct reloc *a = left;
    const struct reloc *b = right;
    return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static bool read_relocs(struct symbols *s)
{
    const uint8_t *table = NULL;
    uint64_t size = 0;
    uint64_t vaddr;
    if (sl_elf_section(&s->elf, ".rela.dyn", &table, &size, &vaddr) != SL_OK) {
        size = 0;
    }
    s->relocs = calloc(size / sizeof(Elf64_Rela) + 1, sizeof(*s->relocs));
    if (s->relocs == NULL) {
        return false;
    }
    for (uint64_t off = 0; off + sizeof(Elf64_Rela) <= size; off += sizeof(Elf64_Rela)) {
        Elf64_Rela r;
        memcpy(&r, table + off, sizeof(r));
        uint64_t type = ELF64_R_TYPE(r.r_info);
        if (type == R_X86_64_IRELATIVE || type == R_X86_64_RELATIVE) {
            s->relocs[s->reloc_count++] = (struct reloc){.addr = r.r_offset,
                                                         .value = (uint64_t)r.r_addend,
                                                         .is_resolver = type == R_X86_64_IRELATIVE};
        }
    }
    qsort(s->relocs, s->reloc_count, sizeof(*s->relocs), compare_relocs);
    return true;
}

size_t symbols_reloc_first(const struct symbols *symbols, uint64_t addr)
{
    size_t low = 0;
    size_t high = symbols->reloc_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbols->relocs[middle].addr < addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

sl_rc symbols_init(struct symbols *symbols, const struct sl_image *image, struct sl_err *err)
{
    *symbols = (struct symbols){0};
    sl_rc rc = sl_elf_parse(image->elf, image->elf_size, &symbols->elf, err);
    if (rc != SL_OK) {
        return rc;
    }
    const uint8_t *table = NULL;
    const uint8_t *strings = NULL;
    uint64_t size = 0;
    uint64_t strings_size = 0;
    uint64_t vaddr;
    if (sl_elf_section(&symbols->elf, ".symtab", &table, &size, &vaddr) != SL_OK ||
        sl_elf_section(&symbols->elf, ".strtab", &strings, &strings_size, &vaddr) != SL_OK) {
        symbols->is_stripped = true;
        size = 0;
    }
    uint64_t total = size / sizeof(Elf64_Sym);
    symbols->list = calloc(total + SL_ELF_SEGMENTS_MAX, sizeof(*symbols->list));
    if (symbols->list == NULL || !read_relocs(symbols)) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for %llu symbols",
                          (unsigned long long)total);
    }
    for (uint64_t i = 0; i < total; i++) {
        Elf64_Sym sym;
        memcpy(&sym, table + i * sizeof(sym), sizeof(sym));
        /* "..@12.x" is a label inside a nasm macro, numbered by its place in the source */
        if (sym.st_name < strings_size && strings[sym.st_name] != '.' &&
            memchr(strings + sym.st_name, '\0', strings_size - sym.st_name) != NULL) {
            (void)add_symbol(symbols, &sym, (const char *)strings + sym.st_name);
        }
    }
    for (uint32_t i = 0; i < symbols->elf.segment_count; i++) {
        const struct sl_elf_segment *s = &symbols->elf.segment[i];
        if (s->flags & PF_X) {
            symbols->list[symbols->count++] = (struct symbol){
                .name = "", .addr = s->vaddr, .end = s->vaddr + s->mem_size, .is_code = true};
        }
    }
    make_partition(symbols);
    return SL_OK;
}

void symbols_done(struct symbols *symbols)
{
    free(symbols->list);
    free(symbols->relocs);
    *symbols = (struct symbols){0};
}

const struct symbol *symbols_at(const struct symbols *symbols, uint64_t addr)
{
    size_t low = 0;
    size_t high = symbols->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbols->list[middle].addr <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && addr < symbols->list[low - 1].end ? &symbols->list[low - 1] : NULL;
}
