/* SPDX-License-Identifier: Apache-2.0 */
/* safelib image diff: names the range, symbol or library that makes two measurements differ. */
#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "command.h"
#include "device/measure.h"
#include "image.h"
#include "image_code.h"
#include "image_symbols.h"

enum { SHOWN_DEFAULT = 20, EXCERPT = 48 };

struct side {
    struct sl_image *image;
    struct symbols symbols;
    struct parts parts;
    const struct symbol **by_name;
    char mrenclave[65];
};

/* What was found, as rows of {"what", "where", "detail"}; text output shows the first ones. */
struct report {
    json_t *rows;
    size_t symbol_count;
};

static void add(struct report *r, const char *what, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void add(struct report *r, const char *what, const char *where, const char *format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    json_array_append_new(
        r->rows, json_pack("{s:s, s:s, s:s}", "what", what, "where", where, "detail", detail));
}

static int compare_names(const void *left, const void *right)
{
    const struct symbol *a = *(const struct symbol *const *)left;
    const struct symbol *b = *(const struct symbol *const *)right;
    int order = strcmp(a->name, b->name);
    uint64_t size_a = a->size;
    uint64_t size_b = b->size;
    if (order != 0 || size_a == size_b) {
        return order != 0 ? order : a->addr < b->addr ? -1 : a->addr > b->addr;
    }
    return size_a < size_b ? -1 : 1; /* static functions share names: pair those of one size */
}

static sl_rc side_init(struct side *side, const char *path, struct sl_err *err)
{
    uint8_t mrenclave[32];
    char map[PATH_MAX];
    sl_rc rc = sl_image_load(path, &side->image, err);
    if (rc == SL_OK) {
        rc = sl_image_measure(side->image, mrenclave, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    sl_hex_encode(mrenclave, sizeof(mrenclave), side->mrenclave);
    rc = symbols_init(&side->symbols, side->image, err);
    if (rc != SL_OK) {
        return rc;
    }
    bool has_map = parts_map_beside(path, map, sizeof(map));
    rc = parts_init(&side->parts, has_map ? map : NULL, &side->symbols, err);
    if (rc != SL_OK) {
        return rc;
    }
    side->by_name = calloc(side->symbols.count + 1, sizeof(*side->by_name));
    if (side->by_name == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "%s: no memory", path);
    }
    for (size_t i = 0; i < side->symbols.count; i++) {
        side->by_name[i] = &side->symbols.list[i];
    }
    qsort(side->by_name, side->symbols.count, sizeof(*side->by_name), compare_names);
    return SL_OK;
}

static void side_done(struct side *side)
{
    free(side->by_name);
    parts_done(&side->parts);
    symbols_done(&side->symbols);
    sl_image_free(side->image);
}

static void compare_number(struct report *r, const char *what, uint64_t a, uint64_t b)
{
    if (a != b) {
        add(r, "setting", what, "%llu and %llu", (unsigned long long)a, (unsigned long long)b);
    }
}

static void compare_settings(struct report *r, const struct sl_image *a, const struct sl_image *b)
{
    compare_number(r, "enclave size", a->size, b->size);
    compare_number(r, "SSA frame pages", a->ssa_frame_size, b->ssa_frame_size);
    compare_number(r, "heap size", a->wants.heap_size, b->wants.heap_size);
    compare_number(r, "stack size", a->wants.stack_size, b->wants.stack_size);
    compare_number(r, "threads", a->wants.thread_count, b->wants.thread_count);
    compare_number(r, "entry offset", a->entry_off, b->entry_off);
}

static void excerpt(const uint8_t *content, uint64_t size, uint64_t off, char out[EXCERPT + 1])
{
    size_t used = 0;
    for (; used < EXCERPT && off + used < size; used++) {
        uint8_t c = content[off + used];
        out[used] = isprint(c) ? (char)c : '.';
    }
    out[used] = '\0';
}

/* Where the contents of two ranges first differ, and what stands there. */
static void compare_content(struct report *r, const struct sl_image_range *a,
                            const struct sl_image_range *b)
{
    uint64_t size = a->size < b->size ? a->size : b->size;
    uint64_t pages = 0;
    uint64_t first = UINT64_MAX;
    if (a->content == NULL || b->content == NULL) {
        return;
    }
    for (uint64_t off = 0; off < size; off += SL_SGX_PAGE_SIZE) {
        if (memcmp(a->content + off, b->content + off, SL_SGX_PAGE_SIZE) != 0) {
            first = first == UINT64_MAX ? off : first;
            pages++;
        }
    }
    if (pages == 0) {
        return;
    }
    while (a->content[first] == b->content[first]) {
        first++;
    }
    uint64_t count = size / SL_SGX_PAGE_SIZE;
    uint64_t at = a->off + first;
    char text_a[EXCERPT + 1];
    char text_b[EXCERPT + 1];
    excerpt(a->content, size, first, text_a);
    excerpt(b->content, size, first, text_b);
    add(r, "content", a->name,
        "%llu of %llu pages differ, first at offset 0x%llx: \"%s\" and \"%s\"",
        (unsigned long long)pages, (unsigned long long)count, (unsigned long long)at, text_a,
        text_b);
}

static void compare_ranges(struct report *r, const struct sl_image *a, const struct sl_image *b)
{
    uint32_t count = a->range_count < b->range_count ? a->range_count : b->range_count;
    compare_number(r, "ranges of pages", a->range_count, b->range_count);
    for (uint32_t i = 0; i < count; i++) {
        const struct sl_image_range *x = &a->ranges[i];
        const struct sl_image_range *y = &b->ranges[i];
        if (strcmp(x->name, y->name) != 0) {
            add(r, "range", x->name, "the other image has \"%s\" in its place", y->name);
            return; /* from here on everything is shifted */
        }
        if (x->secinfo_flags != y->secinfo_flags || x->is_measured != y->is_measured) {
            add(r, "permissions", x->name, "SECINFO flags 0x%llx and 0x%llx",
                (unsigned long long)x->secinfo_flags, (unsigned long long)y->secinfo_flags);
        }
        if (x->size != y->size) {
            add(r, "size", x->name, "%llu and %llu KiB", (unsigned long long)x->size >> 10,
                (unsigned long long)y->size >> 10);
        }
        if (x->off != y->off) {
            add(r, "offset", x->name, "0x%llx and 0x%llx", (unsigned long long)x->off,
                (unsigned long long)y->off);
        }
        compare_content(r, x, y);
    }
}

static void add_symbol(struct report *r, const struct side *side, const struct symbol *s,
                       const char *detail)
{
    const char *name = s->name[0] != '\0' ? s->name : "(code without a symbol)";
    add(r, "symbol", name, "%s, from %s", detail, parts_name(&side->parts, s, s->addr));
    r->symbol_count++;
}

static const uint8_t *bytes_of(const struct symbols *symbols, const struct symbol *s)
{
    const struct sl_elf_segment *segment = symbols_segment(symbols, s->addr);
    return segment != NULL && s->end <= segment->vaddr + segment->file_size
               ? symbols->elf.data + segment->file_off + (s->addr - segment->vaddr)
               : NULL;
}

/* Compares data but for its relocated pointers, which move with what they point to. */
static bool is_same_data(const struct symbols *symbols, const struct symbol *s, const uint8_t *p,
                         const uint8_t *q)
{
    uint64_t off = 0;
    uint64_t size = s->size;
    for (size_t i = symbols_reloc_first(symbols, s->addr);
         i < symbols->reloc_count && symbols->relocs[i].addr < s->addr + size; i++) {
        uint64_t at = symbols->relocs[i].addr - s->addr;
        if (at < off) {
            continue;
        }
        if (memcmp(p + off, q + off, at - off) != 0) {
            return false;
        }
        off = at + 8 < size ? at + 8 : size;
    }
    return memcmp(p + off, q + off, size - off) == 0;
}

static bool is_same_symbol(const struct side *a, const struct symbol *x, const struct side *b,
                           const struct symbol *y)
{
    const uint8_t *p = bytes_of(&a->symbols, x);
    const uint8_t *q = bytes_of(&b->symbols, y);
    uint8_t digest[2][32];
    if (p == NULL || q == NULL || memcmp(p, q, x->size) == 0) {
        return true; /* zero memory, or the same bytes */
    }
    if (!x->is_code) {
        return is_same_data(&a->symbols, x, p, q);
    }
    return code_normal_digest(&a->symbols, x, digest[0]) == SL_OK &&
           code_normal_digest(&b->symbols, y, digest[1]) == SL_OK &&
           memcmp(digest[0], digest[1], sizeof(digest[0])) == 0;
}

static void compare_pair(struct report *r, const struct side *a, const struct symbol *x,
                         const struct side *b, const struct symbol *y)
{
    char detail[96];
    uint64_t size_a = x->size;
    uint64_t size_b = y->size;
    if (x->is_code != y->is_code) {
        add_symbol(r, a, x, "code in one image, data in the other");
    } else if (size_a != size_b) {
        (void)snprintf(detail, sizeof(detail), "%llu and %llu bytes", (unsigned long long)size_a,
                       (unsigned long long)size_b);
        add_symbol(r, a, x, detail);
    } else if (!is_same_symbol(a, x, b, y)) {
        (void)snprintf(detail, sizeof(detail), "%llu bytes with another content",
                       (unsigned long long)size_a);
        add_symbol(r, a, x, detail);
    }
}

static void compare_symbols(struct report *r, const struct side *a, const struct side *b)
{
    size_t i = 0;
    size_t j = 0;
    while (i < a->symbols.count || j < b->symbols.count) {
        int order = i == a->symbols.count   ? 1
                    : j == b->symbols.count ? -1
                                            : strcmp(a->by_name[i]->name, b->by_name[j]->name);
        if (order < 0) {
            add_symbol(r, a, a->by_name[i++], "only in the first image");
        } else if (order > 0) {
            add_symbol(r, b, b->by_name[j++], "only in the second image");
        } else {
            compare_pair(r, a, a->by_name[i++], b, b->by_name[j++]);
        }
    }
}

static const struct part *part_named(const struct parts *parts, const char *name)
{
    for (unsigned i = 0; i < parts->count; i++) {
        if (strcmp(parts->list[i].name, name) == 0) {
            return &parts->list[i];
        }
    }
    return NULL;
}

static void compare_parts(struct report *r, const struct parts *a, const struct parts *b)
{
    if (!a->is_by_map || !b->is_by_map) {
        return;
    }
    for (unsigned i = 0; i < a->count; i++) {
        const struct part *x = &a->list[i];
        const struct part *y = part_named(b, x->name);
        if (y == NULL) {
            add(r, "library", x->name, "only in the first image");
        } else if (x->code_size != y->code_size || x->rodata_size != y->rodata_size ||
                   x->data_size != y->data_size) {
            add(r, "library", x->name, "%llu and %llu bytes of code, %llu and %llu of constants",
                (unsigned long long)x->code_size, (unsigned long long)y->code_size,
                (unsigned long long)x->rodata_size, (unsigned long long)y->rodata_size);
        }
    }
    for (unsigned j = 0; j < b->count; j++) {
        if (part_named(a, b->list[j].name) == NULL) {
            add(r, "library", b->list[j].name, "only in the second image");
        }
    }
}

/* What follows from a difference that was named already is shown with --all only. */
static bool is_shown(const struct report *r, const char *what, const char *where, bool is_all)
{
    bool is_effect = strcmp(what, "offset") == 0 || strcmp(what, "size") == 0;
    bool is_thread = strcspn(where, "0123456789") < strlen(where);
    bool is_content = strcmp(what, "content") == 0;
    return is_all || !(is_effect || (is_content && (is_thread || r->symbol_count > 0)));
}

static int show(const struct report *r, const struct side *a, const struct side *b, bool is_all)
{
    static const char *const order[] = {"setting", "range",   "permissions", "library",
                                        "symbol",  "content", "size",        "offset"};
    printf("first   %s\nsecond  %s\n", a->mrenclave, b->mrenclave);
    for (size_t kind = 0; kind < sizeof(order) / sizeof(order[0]); kind++) {
        size_t shown = 0;
        size_t index;
        json_t *row;
        json_array_foreach(r->rows, index, row)
        {
            if (strcmp(json_string_value(json_object_get(row, "what")), order[kind]) != 0 ||
                !is_shown(r, order[kind], json_string_value(json_object_get(row, "where")),
                          is_all)) {
                continue;
            }
            if (shown++ < SHOWN_DEFAULT || is_all) {
                printf("%-11s %-32s %s\n", order[kind],
                       json_string_value(json_object_get(row, "where")),
                       json_string_value(json_object_get(row, "detail")));
            }
        }
        if (shown > SHOWN_DEFAULT && !is_all) {
            printf("%-11s ... and %zu more (--all)\n", order[kind], shown - SHOWN_DEFAULT);
        }
    }
    if (r->symbol_count == 0) {
        printf("no symbol differs by itself: constants without a name, settings, or the order of "
               "objects\n");
    }
    return CMD_BAD;
}

static int diff(const struct side *a, const struct side *b, bool is_json, bool is_all)
{
    bool is_same = strcmp(a->mrenclave, b->mrenclave) == 0;
    struct report r = {.rows = json_array()};
    if (r.rows == NULL) {
        return complain(CMD_USAGE, "out of memory");
    }
    if (!is_same) {
        compare_settings(&r, a->image, b->image);
        compare_ranges(&r, a->image, b->image);
        compare_parts(&r, &a->parts, &b->parts);
        compare_symbols(&r, a, b);
    }
    if (is_json) {
        return print_json(json_pack("{s:b, s:s, s:s, s:o}", "same", is_same, "first", a->mrenclave,
                                    "second", b->mrenclave, "differences", r.rows),
                          is_same ? CMD_GOOD : CMD_BAD);
    }
    int status = CMD_GOOD;
    if (is_same) {
        printf("same measurement: %s\n", a->mrenclave);
    } else {
        status = show(&r, a, b, is_all);
    }
    json_decref(r.rows);
    return status;
}

int image_diff(int argc, char **argv)
{
    bool is_json = false;
    bool is_all = false;
    const struct option_spec options[] = {
        {"all", 'a', NULL, "every difference, not the first 20 of each kind", OPTION_FLAG, &is_all,
         0, 0},
        {"json", 'j', NULL, "the differences as JSON", OPTION_FLAG, &is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib image diff [--all] [--json] A B",
        .about =
            "Says why two images measure differently: settings, ranges of pages, permissions,\n"
            "and the symbols whose own content or size differs, with the library they come\n"
            "from where the linker's map lies beside the image (A.map, B.map). Functions that\n"
            "only moved are not named: RIP-relative displacements and the distances of calls\n"
            "that leave them do not count. Exit status 0: same MRENCLAVE; 1: not the same.",
        .examples = "  safelib image diff build/safelib-nf release/safelib-nf",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 2,
        .max_args = 2,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    struct sl_err err = {0};
    struct side a = {0};
    struct side b = {0};
    if (side_init(&a, argv[first], &err) != SL_OK ||
        side_init(&b, argv[first + 1], &err) != SL_OK) {
        status = complain_err(CMD_USAGE, &err);
    } else {
        status = diff(&a, &b, is_json, is_all);
    }
    side_done(&a);
    side_done(&b);
    return status;
}
