/* SPDX-License-Identifier: Apache-2.0 */
/* Lays an ELF file out as enclave pages: a pure function of the file's bytes. */
#include "device/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "device/elf_file.h"

#define PAGE       ((uint64_t)SL_SGX_PAGE_SIZE)
#define RW         (SL_SECINFO_R | SL_SECINFO_W | SL_SECINFO_PT_REG)
#define IS_PAGE(v) (((v) & (PAGE - 1)) == 0)

/* x87, SSE, AVX and AVX-512: what one SSA page holds. The host's loader lowers it to what its
 * processor has; MRENCLAVE does not contain it. */
#define XFRM 0xe7ull

static const uint8_t ENCLU[3] = {0x0f, 0x01, 0xd7};

enum {
    FILE_SIZE_MAX = 512 << 20,
};

/* What is being laid out; `off` walks upward through the enclave. */
struct builder {
    struct sl_elf elf;
    struct sl_image *image;
    struct sl_layout *layout;
    uint8_t *next; /* free storage */
    uint64_t off;
    struct sl_err *err;
};

static uint64_t page_up(uint64_t v)
{
    return (v + PAGE - 1) & ~(PAGE - 1);
}

static struct sl_image_range *add_range(struct builder *b, uint64_t off, uint64_t size,
                                        uint64_t flags, const uint8_t *content)
{
    struct sl_image_range *range = &b->image->ranges[b->image->range_count++];
    *range = (struct sl_image_range){
        .off = off,
        .size = size,
        .secinfo_flags = flags,
        .content = content,
        .is_measured = true,
    };
    return range;
}

static void set_name(struct sl_image_range *range, const char *name)
{
    (void)snprintf(range->name, sizeof(range->name), "%s", name);
}

static sl_rc read_wants(struct builder *b)
{
    struct sl_image_wants *wants = &b->image->wants;
    *wants = (struct sl_image_wants){
        .magic = SL_IMAGE_WANTS_MAGIC,
        .version = SL_IMAGE_WANTS_VERSION,
        .heap_size = 64ull << 20,
        .stack_size = 256ull << 10,
        .thread_count = 8,
    };
    const uint8_t *data;
    uint64_t size;
    uint64_t vaddr;
    sl_rc rc = sl_elf_section(&b->elf, ".sl_image", &data, &size, &vaddr);
    if (rc == SL_NOT_FOUND) {
        return SL_OK;
    }
    if (rc != SL_OK) {
        return sl_err_set(b->err, rc, "the section table is broken");
    }
    if (size != sizeof(*wants)) {
        return sl_err_set(b->err, SL_MALFORMED, "section .sl_image has %llu bytes, expected %zu",
                          (unsigned long long)size, sizeof(*wants));
    }
    memcpy(wants, data, sizeof(*wants));
    if (wants->magic != SL_IMAGE_WANTS_MAGIC || wants->version != SL_IMAGE_WANTS_VERSION) {
        return sl_err_set(b->err, SL_MALFORMED, "section .sl_image: unknown magic or version");
    }
    if (wants->thread_count < 1 || wants->thread_count > SL_LAYOUT_THREADS_MAX) {
        return sl_err_set(b->err, SL_RANGE, "section .sl_image: %u threads, expected 1..%d",
                          wants->thread_count, SL_LAYOUT_THREADS_MAX);
    }
    if (!IS_PAGE(wants->heap_size) || wants->heap_size < 1 << 20 ||
        wants->heap_size > 64ull << 30 || !IS_PAGE(wants->stack_size) ||
        wants->stack_size < 64 << 10 || wants->stack_size > 64 << 20) {
        return sl_err_set(b->err, SL_RANGE,
                          "section .sl_image: heap of %llu or stack of %llu bytes; expected whole "
                          "pages, heap 1 MiB..64 GiB, stack 64 KiB..64 MiB",
                          (unsigned long long)wants->heap_size,
                          (unsigned long long)wants->stack_size);
    }
    return SL_OK;
}

/* The ENCLU at link-time address `vaddr` lies in an executable segment and is what it claims. */
static bool is_enclu(const struct sl_elf *elf, uint64_t vaddr)
{
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct sl_elf_segment *s = &elf->segment[i];
        if ((s->flags & PF_X) != 0 && vaddr >= s->vaddr && vaddr - s->vaddr <= s->file_size &&
            s->file_size - (vaddr - s->vaddr) >= SL_LAYOUT_SITE_SIZE) {
            return memcmp(elf->data + s->file_off + (vaddr - s->vaddr), ENCLU, sizeof(ENCLU)) == 0;
        }
    }
    return false;
}

static sl_rc add_site(struct builder *b, uint64_t vaddr, uint32_t leaf)
{
    struct sl_layout *layout = b->layout;
    if (leaf == SL_EENTER) {
        if (b->image->entry_off != 0 || vaddr >= b->elf.span) {
            return sl_err_set(b->err, SL_MALFORMED, "section .sl_enclu: bad enclave entry");
        }
        b->image->entry_off = SL_LAYOUT_ELF_OFF + vaddr;
        return SL_OK;
    }
    bool is_known = leaf == SL_EREPORT || leaf == SL_EGETKEY || leaf == SL_EEXIT;
    if (!is_known || layout->site_count == SL_LAYOUT_SITES_MAX ||
        vaddr % SL_LAYOUT_SITE_SIZE != 0 || !is_enclu(&b->elf, vaddr)) {
        return sl_err_set(b->err, SL_MALFORMED, "section .sl_enclu: no ENCLU at 0x%llx",
                          (unsigned long long)vaddr);
    }
    layout->site[layout->site_count++] = (struct sl_layout_site){
        .off = SL_LAYOUT_ELF_OFF + vaddr,
        .leaf = leaf,
        .size = SL_LAYOUT_SITE_SIZE,
    };
    return SL_OK;
}

static sl_rc read_sites(struct builder *b)
{
    const uint8_t *data;
    uint64_t size;
    uint64_t section;
    if (sl_elf_section(&b->elf, ".sl_enclu", &data, &size, &section) != SL_OK) {
        return sl_err_set(
            b->err, SL_UNSUPPORTED,
            "no section .sl_enclu: not an NF image; link it with libsafelib's runtime");
    }
    sl_rc rc = SL_OK;
    for (uint64_t off = 0; rc == SL_OK && off + sizeof(struct sl_layout_record) <= size;
         off += sizeof(struct sl_layout_record)) {
        struct sl_layout_record record;
        memcpy(&record, data + off, sizeof(record));
        rc = add_site(b, section + off + (uint64_t)(int64_t)record.position, record.leaf);
    }
    if (rc == SL_OK && b->image->entry_off == 0) {
        rc = sl_err_set(b->err, SL_MALFORMED, "section .sl_enclu: no enclave entry");
    }
    return rc;
}

/* One segment: its file bytes, and zeros to the end of the page; whole zero pages need no storage.
 */
static void add_segment(struct builder *b, const struct sl_elf_segment *s)
{
    uint64_t first = s->vaddr & ~(PAGE - 1);
    uint64_t file_end = s->file_size == 0 ? first : page_up(s->vaddr + s->file_size);
    uint64_t end = page_up(s->vaddr + s->mem_size);
    uint64_t flags = SL_SECINFO_PT_REG | ((s->flags & PF_R) ? SL_SECINFO_R : 0u) |
                     ((s->flags & PF_W) ? SL_SECINFO_R | SL_SECINFO_W : 0u) |
                     ((s->flags & PF_X) ? SL_SECINFO_R | SL_SECINFO_X : 0u);
    if (file_end > first) {
        memcpy(b->next + (s->vaddr - first), b->elf.data + s->file_off, s->file_size);
        struct sl_image_range *range =
            add_range(b, SL_LAYOUT_ELF_OFF + first, file_end - first, flags, b->next);
        set_name(range, (s->flags & PF_X) ? "text" : (s->flags & PF_W) ? "data" : "rodata");
        b->next += file_end - first;
    }
    if (end > file_end) {
        set_name(add_range(b, SL_LAYOUT_ELF_OFF + file_end, end - file_end, flags, NULL), "bss");
    }
}

static uint64_t place(struct builder *b, uint64_t size, uint32_t thread, const char *name,
                      const uint8_t *content)
{
    uint64_t off = b->off;
    struct sl_image_range *range = add_range(b, off, size, RW, content);
    (void)snprintf(range->name, sizeof(range->name), "%s %u", name, thread);
    b->off += size;
    return off;
}

/* hole | stack | hole | exception stack | hole | block | SSA | TCS */
static void add_thread(struct builder *b, uint32_t index)
{
    struct sl_layout_thread *thread = &b->layout->thread[index];
    b->off += SL_LAYOUT_HOLE_SIZE;
    thread->stack_off = place(b, b->layout->stack_size, index, "stack", NULL);
    b->off += SL_LAYOUT_HOLE_SIZE;
    thread->exception_stack_off =
        place(b, SL_LAYOUT_EXCEPTION_STACK_SIZE, index, "exc-stack", NULL);
    b->off += SL_LAYOUT_HOLE_SIZE;
    struct sl_layout_block block = {
        .index = index,
        .stack_top_off = thread->stack_off + b->layout->stack_size,
        .exception_top_off = thread->exception_stack_off + SL_LAYOUT_EXCEPTION_STACK_SIZE,
    };
    memcpy(b->next, &block, sizeof(block));
    thread->block_off = place(b, SL_LAYOUT_BLOCK_SIZE, index, "block", b->next);
    b->next += SL_LAYOUT_BLOCK_SIZE;
    thread->ssa_off =
        place(b, SL_LAYOUT_NSSA * SL_LAYOUT_SSA_FRAME_PAGES * PAGE, index, "ssa", NULL);
    thread->tcs_off = b->off;

    struct sl_tcs tcs = {
        .ossa = thread->ssa_off,
        .nssa = SL_LAYOUT_NSSA,
        .oentry = b->image->entry_off,
        /* SDM 38.8: the bases that EENTER loads; limits are used in 32-bit mode only but must be
         * all ones in their low 12 bits */
        .ofs_base = thread->block_off,
        .ogs_base = thread->block_off,
        .fs_limit = 0xfff,
        .gs_limit = 0xfff,
    };
    memcpy(b->next, &tcs, sizeof(tcs));
    struct sl_image_range *range = add_range(b, b->off, PAGE, SL_SECINFO_PT_TCS, b->next);
    (void)snprintf(range->name, sizeof(range->name), "tcs %u", index);
    b->next += PAGE;
    b->image->tcs_off[index] = b->off;
    b->off += PAGE;
}

static void lay_out(struct builder *b)
{
    struct sl_image *image = b->image;
    struct sl_layout *layout = b->layout;
    set_name(add_range(b, 0, PAGE, SL_SECINFO_R | SL_SECINFO_PT_REG, image->storage), "layout");
    for (uint32_t i = 0; i < b->elf.segment_count; i++) {
        add_segment(b, &b->elf.segment[i]);
    }
    b->off = SL_LAYOUT_ELF_OFF + b->elf.span;
    layout->stack_size = image->wants.stack_size;
    for (uint32_t i = 0; i < image->wants.thread_count; i++) {
        add_thread(b, i);
    }
    image->tcs_count = image->wants.thread_count;

    b->off += SL_LAYOUT_HOLE_SIZE;
    struct sl_image_range *heap = add_range(b, b->off, image->wants.heap_size, RW, NULL);
    set_name(heap, "heap");
    /* Not EEXTENDed: 64 MiB would take a second to load. The host may thus choose the heap's first
     * content, but not its place or permissions, which EADD measures; the runtime clears memory
     * before it hands it out and never reads the heap before. */
    heap->is_measured = false;
    layout->heap_off = b->off;
    layout->heap_size = image->wants.heap_size;
    b->off += image->wants.heap_size + SL_LAYOUT_HOLE_SIZE;

    image->size = 1 << 20;
    while (image->size < b->off) {
        image->size <<= 1;
    }
}

static void fill_layout(struct builder *b)
{
    struct sl_layout *layout = b->layout;
    layout->magic = SL_LAYOUT_MAGIC;
    layout->version = SL_LAYOUT_VERSION;
    layout->thread_count = b->image->tcs_count;
    layout->enclave_size = b->image->size;
    layout->elf_off = SL_LAYOUT_ELF_OFF;
    layout->elf_size = b->elf.span;
    layout->start_off = SL_LAYOUT_ELF_OFF + b->elf.entry;
    layout->phdr_off = SL_LAYOUT_ELF_OFF + b->elf.phdr_vaddr;
    layout->phdr_count = b->elf.phdr_count;
    layout->phdr_size = sizeof(Elf64_Phdr);
    if (b->elf.relro_size != 0) {
        layout->relro_off = SL_LAYOUT_ELF_OFF + b->elf.relro_vaddr;
        layout->relro_size = b->elf.relro_size;
    }
}

/* Layout page, file-backed pages, blocks and TCS pages; zeroed. */
static sl_rc allocate(struct builder *b)
{
    struct sl_image *image = b->image;
    uint64_t pages = 1 + 2 * (uint64_t)image->wants.thread_count;
    for (uint32_t i = 0; i < b->elf.segment_count; i++) {
        const struct sl_elf_segment *s = &b->elf.segment[i];
        pages += (page_up(s->vaddr + s->file_size) - (s->vaddr & ~(PAGE - 1))) / PAGE;
    }
    image->storage = aligned_alloc(PAGE, pages * PAGE);
    image->ranges = calloc(SL_IMAGE_RANGES_MAX, sizeof(*image->ranges));
    if (image->storage == NULL || image->ranges == NULL) {
        return sl_err_set(b->err, SL_NO_MEMORY, "no memory for %llu image pages",
                          (unsigned long long)pages);
    }
    memset(image->storage, 0, pages * PAGE);
    b->next = image->storage + PAGE;
    return SL_OK;
}

/* Takes `elf`, from malloc, whatever comes of it. */
static sl_rc parse_owned(uint8_t *elf, size_t size, struct sl_image **ret_image, struct sl_err *err)
{
    struct sl_image *image = calloc(1, sizeof(*image));
    if (image == NULL) {
        free(elf);
        return sl_err_set(err, SL_NO_MEMORY, "no memory for an image");
    }
    image->elf = elf;
    image->elf_size = size;
    image->ssa_frame_size = SL_LAYOUT_SSA_FRAME_PAGES;
    image->attributes = (struct sl_attributes){.flags = SL_ATTR_MODE64BIT, .xfrm = XFRM};

    struct sl_layout layout = {0};
    struct builder b = {.image = image, .layout = &layout, .err = err};
    sl_rc rc = sl_elf_parse(elf, size, &b.elf, err);
    if (rc == SL_OK) {
        rc = read_wants(&b);
    }
    if (rc == SL_OK) {
        rc = read_sites(&b);
    }
    if (rc == SL_OK) {
        rc = allocate(&b);
    }
    if (rc != SL_OK) {
        sl_image_free(image);
        return rc;
    }
    lay_out(&b);
    fill_layout(&b);
    memcpy(image->storage, &layout, sizeof(layout));
    image->layout = (const struct sl_layout *)(const void *)image->storage;
    *ret_image = image;
    return SL_OK;
}

sl_rc sl_image_parse(const uint8_t *elf, size_t size, struct sl_image **ret_image,
                     struct sl_err *err)
{
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for an image of %zu bytes", size);
    }
    if (size != 0) {
        memcpy(copy, elf, size);
    }
    return parse_owned(copy, size, ret_image, err);
}

static sl_rc read_file(FILE *file, const char *path, uint8_t **ret_data, size_t *ret_size,
                       struct sl_err *err)
{
    struct stat st;
    if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode)) {
        return sl_err_set(err, SL_IO, "%s: not a plain file", path);
    }
    if (st.st_size > FILE_SIZE_MAX) {
        return sl_err_set(err, SL_RANGE, "%s: %lld bytes, expected at most %d", path,
                          (long long)st.st_size, FILE_SIZE_MAX);
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size + 1);
    if (data == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "%s: no memory for %zu bytes", path, size);
    }
    if (fread(data, 1, size, file) != size) {
        free(data);
        return sl_err_set(err, SL_IO, "%s: cannot be read", path);
    }
    *ret_data = data;
    *ret_size = size;
    return SL_OK;
}

sl_rc sl_image_load(const char *path, struct sl_image **ret_image, struct sl_err *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = read_file(file, path, &data, &size, err);
    (void)fclose(file);
    if (rc != SL_OK) {
        return rc;
    }
    rc = parse_owned(data, size, ret_image, err);
    if (rc != SL_OK) {
        (void)sl_err_prefix(err, "%s", path);
    }
    return rc;
}

sl_rc sl_image_drop_contents(struct sl_image *image)
{
    const size_t size = sizeof(*image->layout);
    uint8_t *layout = malloc(size);
    if (layout == NULL) {
        return SL_NO_MEMORY;
    }
    memcpy(layout, image->layout, size);
    for (uint32_t i = 0; i < image->range_count; i++) {
        image->ranges[i].content = NULL;
    }
    free(image->storage);
    free((void *)(uintptr_t)image->elf);
    image->elf = NULL;
    image->elf_size = 0;
    image->storage = layout;
    image->layout = (const struct sl_layout *)(const void *)layout;
    return SL_OK;
}

void sl_image_free(struct sl_image *image)
{
    if (image == NULL) {
        return;
    }
    free(image->ranges);
    free(image->storage);
    free((void *)(uintptr_t)image->elf);
    free(image);
}
