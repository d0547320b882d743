/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded reader of the vDSO's dynamic symbols. */
#include "device/sgx/vdso.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>

enum {
    VDSO_SIZE_MAX = 1 << 18, /* today's are 8 KiB */
    SYMBOL_MAX = 4096,
    VERSION_MAX = 64,
};

struct image {
    const uint8_t *data;
    size_t size;
    uint64_t bias; /* link-time address of data[0] */
    uint64_t symtab, strtab, strtab_size, versym, verdef, hash, gnu_hash;
    uint64_t verdef_count;
};

static bool read_at(const struct image *im, uint64_t off, void *out, size_t size)
{
    if (off > im->size || size > im->size - off) {
        return false;
    }
    memcpy(out, im->data + off, size);
    return true;
}

/* A terminated string that lies whole in the image, or NULL. */
static const char *string_at(const struct image *im, uint64_t index)
{
    if (index >= im->strtab_size || im->strtab > im->size ||
        im->strtab_size > im->size - im->strtab) {
        return NULL;
    }
    const char *text = (const char *)im->data + im->strtab + index;
    return memchr(text, '\0', im->strtab_size - index) != NULL ? text : NULL;
}

static bool header_read(const struct image *im, Elf64_Ehdr *ret_header)
{
    return read_at(im, 0, ret_header, sizeof(*ret_header)) &&
           memcmp(ret_header->e_ident, ELFMAG, SELFMAG) == 0 &&
           ret_header->e_ident[EI_CLASS] == ELFCLASS64 && ret_header->e_machine == EM_X86_64 &&
           ret_header->e_phentsize == sizeof(Elf64_Phdr);
}

static bool phdr_read(const struct image *im, const Elf64_Ehdr *header, unsigned i,
                      Elf64_Phdr *ret_phdr)
{
    return header->e_phoff < im->size &&
           read_at(im, header->e_phoff + (uint64_t)i * sizeof(*ret_phdr), ret_phdr,
                   sizeof(*ret_phdr));
}

static void dynamic_entry(struct image *im, const Elf64_Dyn *d)
{
    uint64_t at = d->d_un.d_ptr - im->bias; /* wraps for nonsense: read_at refuses it */
    switch (d->d_tag) {
    case DT_SYMTAB:
        im->symtab = at;
        break;
    case DT_STRTAB:
        im->strtab = at;
        break;
    case DT_STRSZ:
        im->strtab_size = d->d_un.d_val;
        break;
    case DT_VERSYM:
        im->versym = at;
        break;
    case DT_VERDEF:
        im->verdef = at;
        break;
    case DT_VERDEFNUM:
        im->verdef_count = d->d_un.d_val;
        break;
    case DT_HASH:
        im->hash = at;
        break;
    case DT_GNU_HASH:
        im->gnu_hash = at;
        break;
    default:
        break;
    }
}

static bool dynamic_read(struct image *im)
{
    Elf64_Ehdr header;
    Elf64_Phdr ph;
    Elf64_Phdr dynamic = {0};
    bool is_loaded = false;
    if (!header_read(im, &header)) {
        return false;
    }
    for (unsigned i = 0; i < header.e_phnum; i++) {
        if (!phdr_read(im, &header, i, &ph)) {
            return false;
        }
        if (ph.p_type == PT_LOAD && !is_loaded) {
            im->bias = ph.p_vaddr - ph.p_offset;
            is_loaded = true;
        } else if (ph.p_type == PT_DYNAMIC) {
            dynamic = ph;
        }
    }
    if (!is_loaded || dynamic.p_filesz == 0) {
        return false;
    }
    for (uint64_t off = 0; off + sizeof(Elf64_Dyn) <= dynamic.p_filesz; off += sizeof(Elf64_Dyn)) {
        Elf64_Dyn d;
        if (dynamic.p_offset > im->size || !read_at(im, dynamic.p_offset + off, &d, sizeof(d))) {
            return false;
        }
        if (d.d_tag == DT_NULL) {
            break;
        }
        dynamic_entry(im, &d);
    }
    return im->symtab != 0 && im->strtab != 0;
}

/* The last chain of a GNU hash table ends at the last symbol. */
static uint32_t gnu_hash_count(const struct image *im)
{
    uint32_t head[4]; /* buckets, first symbol, bloom words, shift */
    uint32_t last = 0;
    if (!read_at(im, im->gnu_hash, head, sizeof(head)) || head[0] > SYMBOL_MAX ||
        head[2] > SYMBOL_MAX) {
        return 0;
    }
    uint64_t buckets = im->gnu_hash + sizeof(head) + 8ull * head[2];
    for (uint32_t i = 0; i < head[0]; i++) {
        uint32_t first;
        if (!read_at(im, buckets + 4ull * i, &first, sizeof(first))) {
            return 0;
        }
        last = first > last ? first : last;
    }
    if (last < head[1]) {
        return 0;
    }
    uint64_t chains = buckets + 4ull * head[0];
    for (; last < SYMBOL_MAX; last++) {
        uint32_t hash;
        if (!read_at(im, chains + 4ull * (last - head[1]), &hash, sizeof(hash))) {
            return 0;
        }
        if (hash & 1) {
            return last + 1;
        }
    }
    return 0;
}

static uint32_t symbol_count(const struct image *im)
{
    uint32_t
        head[2]; /* nbucket, nchain: "The number of symbol table entries should equal nchain" */
    if (im->hash != 0 && read_at(im, im->hash, head, sizeof(head))) {
        return head[1] <= SYMBOL_MAX ? head[1] : 0;
    }
    return im->gnu_hash != 0 ? gnu_hash_count(im) : 0;
}

static bool has_version(const struct image *im, uint32_t index, const char *version)
{
    uint16_t wanted;
    if (im->versym == 0 || im->verdef == 0 ||
        !read_at(im, im->versym + 2ull * index, &wanted, sizeof(wanted))) {
        return false;
    }
    uint64_t at = im->verdef;
    for (uint64_t i = 0; i < im->verdef_count && i < VERSION_MAX; i++) {
        Elf64_Verdef def;
        Elf64_Verdaux aux;
        if (!read_at(im, at, &def, sizeof(def))) {
            return false;
        }
        if (!(def.vd_flags & VER_FLG_BASE) && (def.vd_ndx & 0x7fff) == (wanted & 0x7fff)) {
            const char *name = read_at(im, at + def.vd_aux, &aux, sizeof(aux))
                                   ? string_at(im, aux.vda_name)
                                   : NULL;
            return name != NULL && strcmp(name, version) == 0;
        }
        if (def.vd_next == 0) {
            return false;
        }
        at += def.vd_next;
    }
    return false;
}

sl_rc sl_vdso_find(const uint8_t *data, size_t size, const char *name, const char *version,
                   uint64_t *ret_off)
{
    struct image im = {.data = data, .size = size};
    if (!dynamic_read(&im)) {
        return SL_MALFORMED;
    }
    uint32_t count = symbol_count(&im);
    if (count == 0) {
        return SL_MALFORMED;
    }
    for (uint32_t i = 0; i < count; i++) {
        Elf64_Sym sym;
        if (!read_at(&im, im.symtab + (uint64_t)i * sizeof(sym), &sym, sizeof(sym))) {
            return SL_MALFORMED;
        }
        unsigned bind = ELF64_ST_BIND(sym.st_info);
        const char *text = string_at(&im, sym.st_name);
        if (ELF64_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_shndx != SHN_UNDEF &&
            (bind == STB_GLOBAL || bind == STB_WEAK) && text != NULL && strcmp(text, name) == 0 &&
            has_version(&im, i, version) && sym.st_value - im.bias < size) {
            *ret_off = sym.st_value - im.bias;
            return SL_OK;
        }
    }
    return SL_NOT_FOUND;
}

sl_rc sl_vdso_self(const uint8_t **ret_data, size_t *ret_size)
{
    /* The kernel maps at least a page there; the program headers, in it, say how much more. */
    const uint8_t *data = (const uint8_t *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
    if (data == NULL) {
        return SL_NOT_FOUND;
    }
    struct image im = {.data = data, .size = 4096};
    Elf64_Ehdr header;
    Elf64_Phdr ph;
    if (!header_read(&im, &header)) {
        return SL_MALFORMED;
    }
    for (unsigned i = 0; i < header.e_phnum && phdr_read(&im, &header, i, &ph); i++) {
        if (ph.p_type == PT_LOAD && ph.p_offset == 0 && ph.p_filesz <= VDSO_SIZE_MAX) {
            *ret_data = data;
            *ret_size = ph.p_filesz;
            return SL_OK;
        }
    }
    return SL_MALFORMED;
}
