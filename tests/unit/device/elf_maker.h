/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest file that is an NF image, for tests that break it in one place: headers and sections
 * in a first segment, one page of code, one of data with bss. */
#ifndef SL_TESTS_ELF_MAKER_H
#define SL_TESTS_ELF_MAKER_H

#include <elf.h>
#include <string.h>

#include "device/image.h"

enum { MADE_PAGE = 4096, MADE_SIZE = 3 * MADE_PAGE, MADE_SECTIONS = 6, MADE_PHDRS = 5 };

struct made_elf {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[MADE_PHDRS]; /* three PT_LOAD, PT_DYNAMIC, PT_GNU_RELRO */
    Elf64_Shdr sh[MADE_SECTIONS];
    Elf64_Dyn dyn[3];
    struct sl_image_wants wants;
    struct sl_layout_record enclu[2];
    Elf64_Sym symbols[2];
    char strings[64];
    uint8_t rest[MADE_PAGE - sizeof(Elf64_Ehdr) - MADE_PHDRS * sizeof(Elf64_Phdr) -
                 MADE_SECTIONS * sizeof(Elf64_Shdr) - 3 * sizeof(Elf64_Dyn) -
                 sizeof(struct sl_image_wants) - 2 * sizeof(struct sl_layout_record) -
                 2 * sizeof(Elf64_Sym) - 64];
    uint8_t code[MADE_PAGE];
    uint8_t data[MADE_PAGE];
};
_Static_assert(sizeof(struct made_elf) == MADE_SIZE, "three pages");

static inline void made_section(struct made_elf *m, int index, uint32_t name, uint32_t type,
                                size_t off, size_t size)
{
    m->sh[index] = (Elf64_Shdr){
        .sh_name = name, .sh_type = type, .sh_addr = off, .sh_offset = off, .sh_size = size};
}

static inline void made_elf_init(struct made_elf *m)
{
    memset(m, 0, sizeof(*m));
    memcpy(m->eh.e_ident, ELFMAG, SELFMAG);
    m->eh.e_ident[EI_CLASS] = ELFCLASS64;
    m->eh.e_ident[EI_DATA] = ELFDATA2LSB;
    m->eh.e_type = ET_DYN;
    m->eh.e_machine = EM_X86_64;
    m->eh.e_entry = MADE_PAGE;
    m->eh.e_phoff = offsetof(struct made_elf, ph);
    m->eh.e_phentsize = sizeof(Elf64_Phdr);
    m->eh.e_phnum = MADE_PHDRS;
    m->eh.e_shoff = offsetof(struct made_elf, sh);
    m->eh.e_shentsize = sizeof(Elf64_Shdr);
    m->eh.e_shnum = MADE_SECTIONS;
    m->eh.e_shstrndx = 1;
    for (uint32_t i = 0; i < 3; i++) {
        m->ph[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                                .p_flags = i == 0   ? PF_R
                                           : i == 1 ? PF_R | PF_X
                                                    : PF_R | PF_W,
                                .p_offset = i * MADE_PAGE,
                                .p_vaddr = i * MADE_PAGE,
                                .p_filesz = MADE_PAGE,
                                .p_memsz = i == 2 ? 3 * MADE_PAGE : MADE_PAGE};
    }
    m->ph[3] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                            .p_offset = offsetof(struct made_elf, dyn),
                            .p_filesz = sizeof(m->dyn)};
    m->ph[4] = (Elf64_Phdr){.p_type = PT_GNU_RELRO, .p_vaddr = 2 * MADE_PAGE, .p_memsz = 64};
    m->dyn[0].d_tag = DT_FLAGS;
    memcpy(m->strings, "\0.shstrtab\0.sl_image\0.sl_enclu\0_start", 38);
    made_section(m, 1, 1, SHT_STRTAB, offsetof(struct made_elf, strings), sizeof(m->strings));
    made_section(m, 2, 11, SHT_PROGBITS, offsetof(struct made_elf, wants), sizeof(m->wants));
    made_section(m, 3, 21, SHT_PROGBITS, offsetof(struct made_elf, enclu), sizeof(m->enclu));
    made_section(m, 4, 1, SHT_SYMTAB, offsetof(struct made_elf, symbols), sizeof(m->symbols));
    m->sh[4].sh_link = 1;
    m->symbols[1] = (Elf64_Sym){
        .st_name = 31, .st_info = STT_FUNC, .st_shndx = 5, .st_value = MADE_PAGE, .st_size = 32};
    m->wants = (struct sl_image_wants){.magic = SL_IMAGE_WANTS_MAGIC,
                                       .version = SL_IMAGE_WANTS_VERSION,
                                       .heap_size = 1 << 20,
                                       .stack_size = 64 << 10,
                                       .thread_count = 2};
    int32_t at = (int32_t)offsetof(struct made_elf, enclu);
    m->enclu[0] = (struct sl_layout_record){.position = MADE_PAGE - at, .leaf = SL_EENTER};
    m->enclu[1] = (struct sl_layout_record){
        .position = MADE_PAGE + 64 - at - (int32_t)sizeof(m->enclu[0]), .leaf = SL_EEXIT};
    memcpy(m->code + 64, "\x0f\x01\xd7", 3);
    memset(m->data, 0x77, sizeof(m->data));
}

#endif
