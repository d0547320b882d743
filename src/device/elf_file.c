/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded reading of a static-PIE ELF file: headers, segments, dynamic tags, sections, symbols. */
#include "device/elf_file.h"

#include <stdbool.h>
#include <string.h>

#include "device/sgx_arch.h"

#define PAGE ((uint64_t)SL_SGX_PAGE_SIZE)

static bool in_file(const struct sl_elf *elf, uint64_t off, uint64_t size)
{
    return off <= elf->size && size <= elf->size - off;
}

static uint64_t page_up(uint64_t v)
{
    return (v + PAGE - 1) & ~(PAGE - 1);
}

static sl_rc read_header(struct sl_elf *elf, Elf64_Ehdr *ret_header, struct sl_err *err)
{
    if (elf->size < sizeof(*ret_header)) {
        return sl_err_set(err, SL_TRUNCATED, "file of %zu bytes is shorter than an ELF header",
                          elf->size);
    }
    memcpy(ret_header, elf->data, sizeof(*ret_header));
    const unsigned char *ident = ret_header->e_ident;
    if (memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_CLASS] != ELFCLASS64 ||
        ident[EI_DATA] != ELFDATA2LSB || ret_header->e_machine != EM_X86_64) {
        return sl_err_set(err, SL_MALFORMED, "not an x86-64 ELF file");
    }
    if (ret_header->e_type != ET_DYN) {
        return sl_err_set(err, SL_MALFORMED,
                          "ELF type is %u, expected ET_DYN: link with -static-pie",
                          ret_header->e_type);
    }
    if (ret_header->e_phentsize != sizeof(Elf64_Phdr) ||
        !in_file(elf, ret_header->e_phoff, (uint64_t)ret_header->e_phnum * sizeof(Elf64_Phdr))) {
        return sl_err_set(err, SL_TRUNCATED, "program headers lie outside the file");
    }
    return SL_OK;
}

static sl_rc add_segment(struct sl_elf *elf, const Elf64_Phdr *ph, struct sl_err *err)
{
    if (ph->p_memsz == 0) {
        return SL_OK;
    }
    if (elf->segment_count == SL_ELF_SEGMENTS_MAX) {
        return sl_err_set(err, SL_RANGE, "more than %d segments", SL_ELF_SEGMENTS_MAX);
    }
    if (!in_file(elf, ph->p_offset, ph->p_filesz)) {
        return sl_err_set(err, SL_TRUNCATED, "segment at 0x%llx lies outside the file",
                          (unsigned long long)ph->p_vaddr);
    }
    if (ph->p_filesz > ph->p_memsz || (ph->p_vaddr - ph->p_offset) % PAGE != 0) {
        return sl_err_set(err, SL_MALFORMED, "segment at 0x%llx: bad size or alignment",
                          (unsigned long long)ph->p_vaddr);
    }
    if (ph->p_vaddr >= SL_ELF_SPAN_MAX || ph->p_memsz > SL_ELF_SPAN_MAX - ph->p_vaddr) {
        return sl_err_set(err, SL_RANGE, "segment at 0x%llx is beyond %d bytes",
                          (unsigned long long)ph->p_vaddr, SL_ELF_SPAN_MAX);
    }
    if ((ph->p_flags & (PF_W | PF_X)) == (PF_W | PF_X)) {
        return sl_err_set(err, SL_UNSUPPORTED, "segment at 0x%llx is writable and executable",
                          (unsigned long long)ph->p_vaddr);
    }
    /* span is whole pages: two segments never share one, so each page has one set of permissions */
    if (ph->p_vaddr < elf->span) {
        return sl_err_set(err, SL_MALFORMED, "segment at 0x%llx overlaps the one before it",
                          (unsigned long long)ph->p_vaddr);
    }
    elf->span = page_up(ph->p_vaddr + ph->p_memsz);
    elf->segment[elf->segment_count++] = (struct sl_elf_segment){
        .vaddr = ph->p_vaddr,
        .file_off = ph->p_offset,
        .file_size = ph->p_filesz,
        .mem_size = ph->p_memsz,
        .flags = ph->p_flags & (PF_R | PF_W | PF_X),
    };
    return SL_OK;
}

static sl_rc check_dynamic(const struct sl_elf *elf, const Elf64_Phdr *ph, struct sl_err *err)
{
    if (!in_file(elf, ph->p_offset, ph->p_filesz)) {
        return sl_err_set(err, SL_TRUNCATED, "the dynamic section lies outside the file");
    }
    for (uint64_t off = 0; off + sizeof(Elf64_Dyn) <= ph->p_filesz; off += sizeof(Elf64_Dyn)) {
        Elf64_Dyn dyn;
        memcpy(&dyn, elf->data + ph->p_offset + off, sizeof(dyn));
        if (dyn.d_tag == DT_NULL) {
            break;
        }
        if (dyn.d_tag == DT_NEEDED) {
            return sl_err_set(err, SL_UNSUPPORTED,
                              "the image needs a shared library: link with "
                              "-static-pie");
        }
        if (dyn.d_tag == DT_TEXTREL || (dyn.d_tag == DT_FLAGS && (dyn.d_un.d_val & DF_TEXTREL))) {
            return sl_err_set(err, SL_UNSUPPORTED,
                              "the image has text relocations: compile "
                              "everything with -fPIE");
        }
    }
    return SL_OK;
}

static sl_rc read_segment(struct sl_elf *elf, const Elf64_Phdr *ph, struct sl_err *err)
{
    switch (ph->p_type) {
    case PT_LOAD:
        return add_segment(elf, ph, err);
    case PT_DYNAMIC:
        return check_dynamic(elf, ph, err);
    case PT_INTERP:
        return sl_err_set(err, SL_UNSUPPORTED,
                          "the image asks for an interpreter: link with "
                          "-static-pie");
    case PT_GNU_STACK:
        if ((ph->p_flags & PF_X) != 0) {
            return sl_err_set(err, SL_UNSUPPORTED, "the image asks for an executable stack");
        }
        return SL_OK;
    case PT_GNU_RELRO:
        elf->relro_vaddr = ph->p_vaddr;
        elf->relro_size = ph->p_memsz;
        return SL_OK;
    default:
        return SL_OK;
    }
}

/* The segment that holds [vaddr, vaddr + size) of the file's bytes, or NULL. */
static const struct sl_elf_segment *segment_of(const struct sl_elf *elf, uint64_t vaddr,
                                               uint64_t size)
{
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct sl_elf_segment *s = &elf->segment[i];
        if (vaddr >= s->vaddr && vaddr - s->vaddr <= s->file_size &&
            size <= s->file_size - (vaddr - s->vaddr)) {
            return s;
        }
    }
    return NULL;
}

static sl_rc check_places(struct sl_elf *elf, const Elf64_Ehdr *header, struct sl_err *err)
{
    const struct sl_elf_segment *text = segment_of(elf, header->e_entry, 1);
    if (text == NULL || (text->flags & PF_X) == 0) {
        return sl_err_set(err, SL_MALFORMED, "entry 0x%llx is not in an executable segment",
                          (unsigned long long)header->e_entry);
    }
    elf->entry = header->e_entry;
    elf->phdr_count = header->e_phnum;
    const struct sl_elf_segment *first = &elf->segment[0];
    uint64_t size = (uint64_t)header->e_phnum * sizeof(Elf64_Phdr);
    /* the runtime finds the enclave's base from __ehdr_start: the file starts at address 0 */
    if (first->vaddr != 0 || first->file_off != 0 || header->e_phoff > first->file_size ||
        size > first->file_size - header->e_phoff) {
        return sl_err_set(err, SL_MALFORMED,
                          "the first segment does not hold the ELF headers at "
                          "address 0");
    }
    elf->phdr_vaddr = header->e_phoff;
    if (elf->relro_size != 0 && segment_of(elf, elf->relro_vaddr, 0) == NULL) {
        return sl_err_set(err, SL_MALFORMED, "RELRO lies outside the segments");
    }
    return SL_OK;
}

sl_rc sl_elf_parse(const uint8_t *data, size_t size, struct sl_elf *ret_elf, struct sl_err *err)
{
    struct sl_elf elf = {.data = data, .size = size};
    Elf64_Ehdr header;
    sl_rc rc = read_header(&elf, &header, err);
    for (uint32_t i = 0; rc == SL_OK && i < header.e_phnum; i++) {
        Elf64_Phdr ph;
        memcpy(&ph, data + header.e_phoff + i * sizeof(ph), sizeof(ph));
        rc = read_segment(&elf, &ph, err);
    }
    if (rc == SL_OK && elf.segment_count == 0) {
        rc = sl_err_set(err, SL_MALFORMED, "no segment to load");
    }
    if (rc == SL_OK) {
        rc = check_places(&elf, &header, err);
    }
    if (rc == SL_OK) {
        *ret_elf = elf;
    }
    return rc;
}

/* Reads section header `index`; false where the table or the section's bytes are not in the file.
 */
static bool section_header(const struct sl_elf *elf, uint32_t index, Elf64_Shdr *ret_section)
{
    Elf64_Ehdr header;
    memcpy(&header, elf->data, sizeof(header));
    if (index >= header.e_shnum || header.e_shentsize != sizeof(*ret_section) ||
        !in_file(elf, header.e_shoff, (uint64_t)header.e_shnum * sizeof(*ret_section))) {
        return false;
    }
    memcpy(ret_section, elf->data + header.e_shoff + index * sizeof(*ret_section),
           sizeof(*ret_section));
    return ret_section->sh_type == SHT_NOBITS ||
           in_file(elf, ret_section->sh_offset, ret_section->sh_size);
}

/* A terminated string inside a string table, or NULL. */
static const char *string_at(const struct sl_elf *elf, const Elf64_Shdr *strings, uint64_t off)
{
    if (strings->sh_type != SHT_STRTAB || off >= strings->sh_size) {
        return NULL;
    }
    const char *text = (const char *)elf->data + strings->sh_offset + off;
    return memchr(text, '\0', strings->sh_size - off) != NULL ? text : NULL;
}

sl_rc sl_elf_section(const struct sl_elf *elf, const char *name, const uint8_t **ret_data,
                     uint64_t *ret_size, uint64_t *ret_vaddr)
{
    Elf64_Ehdr header;
    Elf64_Shdr names;
    memcpy(&header, elf->data, sizeof(header));
    if (header.e_shnum == 0) {
        return SL_NOT_FOUND;
    }
    if (!section_header(elf, header.e_shstrndx, &names)) {
        return SL_MALFORMED;
    }
    for (uint32_t i = 0; i < header.e_shnum; i++) {
        Elf64_Shdr section;
        if (!section_header(elf, i, &section)) {
            return SL_TRUNCATED;
        }
        const char *text = string_at(elf, &names, section.sh_name);
        if (text != NULL && strcmp(text, name) == 0 && section.sh_type != SHT_NOBITS) {
            *ret_data = elf->data + section.sh_offset;
            *ret_size = section.sh_size;
            *ret_vaddr = section.sh_addr;
            return SL_OK;
        }
    }
    return SL_NOT_FOUND;
}

static const char *symbol_in(const struct sl_elf *elf, const Elf64_Shdr *table, uint64_t vaddr,
                             uint64_t *ret_off)
{
    Elf64_Shdr strings;
    if (!section_header(elf, table->sh_link, &strings)) {
        return NULL;
    }
    for (uint64_t off = 0; off + sizeof(Elf64_Sym) <= table->sh_size; off += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        memcpy(&symbol, elf->data + table->sh_offset + off, sizeof(symbol));
        unsigned type = ELF64_ST_TYPE(symbol.st_info);
        if (symbol.st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_NOTYPE) &&
            vaddr >= symbol.st_value && vaddr - symbol.st_value < symbol.st_size) {
            *ret_off = vaddr - symbol.st_value;
            return string_at(elf, &strings, symbol.st_name);
        }
    }
    return NULL;
}

const char *sl_elf_symbol(const struct sl_elf *elf, uint64_t vaddr, uint64_t *ret_off)
{
    Elf64_Shdr section;
    for (uint32_t i = 0; section_header(elf, i, &section); i++) {
        if (section.sh_type == SHT_SYMTAB) {
            return symbol_in(elf, &section, vaddr, ret_off);
        }
    }
    return NULL;
}
