/* SPDX-License-Identifier: Apache-2.0 */
/* Which library or SafeLib module each byte of an image comes from, by the linker's map file. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image_symbols.h"

enum { LINE_MAX_SIZE = 4096 };

struct known {
    const char *archive; /* file name, or its beginning where it ends in '*' */
    const char *part;
};

static const struct known known[] = {
    {"libcrypto.a", "OpenSSL libcrypto"},
    {"libssl.a", "OpenSSL libssl"},
    {"libIPSec_MB.a", "intel-ipsec-mb"},
    {"libhs_runtime.a", "Hyperscan runtime"},
    {"libjansson.a", "jansson"},
    {"libc.a", "glibc"},
    {"libm*", "glibc"},
    {"libpthread.a", "glibc"},
    {"libdl.a", "glibc"},
    {"rcrt1.o", "glibc"},
    {"crt*", "glibc and gcc start files"},
    {"libgcc*", "gcc runtime"},
};

static bool is_known(const struct known *k, const char *name)
{
    size_t size = strlen(k->archive);
    return k->archive[size - 1] == '*' ? strncmp(name, k->archive, size - 1) == 0
                                       : strcmp(name, k->archive) == 0;
}

/* The archive or object that a map names: "libc.a(printf.o)", or, of a thin archive, the member
   with its folder: "src/esp/libsl_esp.a.p/open.c.o". */
static void archive_of_path(const char *path, char *out, size_t size)
{
    const char *end = strchr(path, '(');
    const char *thin = strstr(path, ".a.p/");
    if (thin != NULL) {
        end = thin + 2;
    } else if (end == NULL) {
        end = path + strlen(path);
    }
    const char *name = end;
    while (name > path && name[-1] != '/') {
        name--;
    }
    (void)snprintf(out, size, "%.*s", (int)(end - name), name);
}

static void part_of_path(const char *path, char *out, size_t size)
{
    char archive[256];
    archive_of_path(path, archive, sizeof(archive));
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (is_known(&known[i], archive)) {
            (void)snprintf(out, size, "%s", known[i].part);
            return;
        }
    }
    size_t end = strlen(archive);
    bool is_archive = end > 2 && strcmp(archive + end - 2, ".a") == 0;
    if (is_archive && strncmp(archive, "libsl_nf_", 9) == 0) {
        (void)snprintf(out, size, "NF %.*s", (int)(end - 11), archive + 9);
    } else if (is_archive && strncmp(archive, "libsl_", 6) == 0) {
        (void)snprintf(out, size, "SafeLib %.*s", (int)(end - 8), archive + 6);
    } else if (is_archive) {
        (void)snprintf(out, size, "%.40s", archive);
    } else {
        (void)snprintf(out, size, "the program's own objects");
    }
}

static unsigned part_find(struct parts *parts, const char *name)
{
    for (unsigned i = 0; i < parts->count; i++) {
        if (strcmp(parts->list[i].name, name) == 0) {
            return i;
        }
    }
    if (parts->count == PART_MAX) {
        return PART_MAX - 1; /* more origins than rows: they share the last */
    }
    (void)snprintf(parts->list[parts->count].name, PART_NAME_SIZE, "%s", name);
    return parts->count++;
}

static void count_bytes(struct part *part, const struct sl_elf_segment *segment, uint64_t size)
{
    if (segment->flags & PF_X) {
        part->code_size += size;
    } else if (segment->flags & PF_W) {
        part->data_size += size;
    } else {
        part->rodata_size += size;
    }
}

static bool add_piece(struct parts *parts, const struct symbols *symbols, uint64_t addr,
                      uint64_t size, const char *path)
{
    const struct sl_elf_segment *segment = symbols_segment(symbols, addr);
    if (addr == 0 || size == 0 || segment == NULL ||
        size > segment->mem_size - (addr - segment->vaddr)) {
        return true; /* debug information and the like: not loaded */
    }
    if ((parts->piece_count & (parts->piece_count - 1)) == 0) {
        size_t room = parts->piece_count == 0 ? 1 : 2 * parts->piece_count;
        struct part_piece *pieces = realloc(parts->pieces, room * sizeof(*pieces));
        if (pieces == NULL) {
            return false;
        }
        parts->pieces = pieces;
    }
    char name[PART_NAME_SIZE];
    part_of_path(path, name, sizeof(name));
    unsigned part = part_find(parts, name);
    count_bytes(&parts->list[part], segment, size);
    parts->pieces[parts->piece_count++] =
        (struct part_piece){.addr = addr, .size = size, .part = part};
    return true;
}

/* One input section: " .text.name  0xADDR  0xSIZE PATH", the name alone on its line where long. */
static bool map_line(struct parts *parts, const struct symbols *symbols, const char *line,
                     bool *is_continued)
{
    const char *at = line;
    bool is_section = line[0] == ' ' && (line[1] == '.' || strncmp(line + 1, "COMMON", 6) == 0);
    /* not loaded, and counted from address 0 as if it were */
    bool is_debug = strncmp(line, " .debug", 7) == 0 || strncmp(line, " .comment", 9) == 0;
    if (is_debug) {
        *is_continued = false;
        return true;
    }
    if (is_section) {
        at = line + 1 + strcspn(line + 1, " \n");
        *is_continued = at[0] == '\n' || at[0] == '\0';
    } else if (!*is_continued) {
        return true;
    }
    char *behind_addr = NULL;
    char *behind_size = NULL;
    uint64_t addr = strtoull(at, &behind_addr, 16);
    uint64_t size = strtoull(behind_addr, &behind_size, 16);
    if (behind_addr != at && behind_size != behind_addr) {
        char path[LINE_MAX_SIZE];
        (void)snprintf(path, sizeof(path), "%s", behind_size + strspn(behind_size, " "));
        path[strcspn(path, "\n")] = '\0';
        *is_continued = false;
        return path[0] == '\0' || add_piece(parts, symbols, addr, size, path);
    }
    *is_continued = *is_continued && is_section;
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct part_piece *a = left;
    const struct part_piece *b = right;
    return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static sl_rc map_read(struct parts *parts, const char *path, const struct symbols *symbols,
                      struct sl_err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    char line[LINE_MAX_SIZE];
    bool is_continued = false;
    bool is_memory = false; /* the list of archive members comes first */
    sl_rc rc = SL_OK;
    while (rc == SL_OK && fgets(line, sizeof(line), file) != NULL) {
        is_memory = is_memory || strncmp(line, "Linker script and memory map", 28) == 0;
        if (is_memory && !map_line(parts, symbols, line, &is_continued)) {
            rc = sl_err_set(err, SL_NO_MEMORY, "%s: no memory", path);
        }
    }
    (void)fclose(file);
    if (rc == SL_OK && parts->piece_count == 0) {
        rc = sl_err_set(err, SL_MISMATCH, "%s: no linker map, or of another image", path);
    }
    if (rc == SL_OK) {
        qsort(parts->pieces, parts->piece_count, sizeof(*parts->pieces), compare);
    }
    return rc;
}

static void count_by_name(struct parts *parts, const struct symbols *symbols)
{
    for (size_t i = 0; i < symbols->count; i++) {
        const struct symbol *s = &symbols->list[i];
        const struct sl_elf_segment *segment = symbols_segment(symbols, s->addr);
        if (segment != NULL) {
            unsigned part = part_find(parts, parts_name(parts, s, s->addr));
            count_bytes(&parts->list[part], segment, s->end - s->addr);
        }
    }
}

/* A global function of the image must lie in a piece: else the map is stale. */
static bool is_stale(const struct parts *parts, const struct symbols *symbols)
{
    size_t outside = 0;
    size_t total = 0;
    for (size_t i = 0; i < symbols->count; i++) {
        const struct symbol *s = &symbols->list[i];
        if (s->is_function && s->is_global) {
            total++;
            outside += strcmp(parts_name(parts, s, s->addr), "unknown") == 0;
        }
    }
    return outside > total / 100;
}

bool parts_map_beside(const char *image_path, char *out, size_t size)
{
    int used = snprintf(out, size, "%s.map", image_path);
    if (used > 0 && (size_t)used < size && access(out, R_OK) == 0) {
        return true;
    }
    /* build/safelib-nf is a link to where the linker, and so the map, was */
    char real[PATH_MAX];
    if (realpath(image_path, real) == NULL) {
        return false;
    }
    used = snprintf(out, size, "%s.map", real);
    return used > 0 && (size_t)used < size && access(out, R_OK) == 0;
}

sl_rc parts_init(struct parts *parts, const char *path, const struct symbols *symbols,
                 struct sl_err *err)
{
    *parts = (struct parts){.is_by_map = path != NULL};
    if (path == NULL) {
        count_by_name(parts, symbols);
        return SL_OK;
    }
    sl_rc rc = map_read(parts, path, symbols, err);
    if (rc == SL_OK && is_stale(parts, symbols)) {
        rc = sl_err_set(err, SL_MISMATCH, "%s: is the map of another link", path);
    }
    if (rc != SL_OK) {
        parts_done(parts);
    }
    return rc;
}

void parts_done(struct parts *parts)
{
    free(parts->pieces);
    *parts = (struct parts){0};
}

const char *parts_name(const struct parts *parts, const struct symbol *symbol, uint64_t addr)
{
    if (!parts->is_by_map) {
        return symbol != NULL && strncmp(symbol->name, "sl_", 3) == 0 ? "SafeLib (names sl_*)"
                                                                      : "unknown";
    }
    size_t low = 0;
    size_t high = parts->piece_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (parts->pieces[middle].addr <= addr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* pieces of size 0 are not kept, so the one before is the only candidate */
    if (low > 0 && addr - parts->pieces[low - 1].addr < parts->pieces[low - 1].size) {
        return parts->list[parts->pieces[low - 1].part].name;
    }
    return "unknown";
}
