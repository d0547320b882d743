/* SPDX-License-Identifier: Apache-2.0 */
/* safelib image inspect: what an image is made of, and what in it an enclave may not do. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "command.h"
#include "device/measure.h"
#include "device/sigstruct.h"
#include "image.h"
#include "image_code.h"
#include "image_symbols.h"

enum { SHOWN_FUNCTIONS = 4 };

enum signature {
    SIGNATURE_NONE,
    SIGNATURE_GOOD,
    SIGNATURE_BAD,
};

struct inspection {
    struct sl_image *image;
    struct symbols symbols;
    struct parts parts;
    struct code_report code;
    struct sl_sigstruct sig;
    enum signature signature;
    struct sl_err signature_err;
    char mrenclave[65];
    char mrsigner[65];
};

static const char about[] =
    "Shows what IMAGE is: measurement and signature, threads and memory, every range of\n"
    "pages with its permissions, how much trusted code comes from which part, and the\n"
    "instructions in reachable code that an enclave may not execute. SYSCALL, CPUID and\n"
    "RDTSC raise #UD inside and are answered by the runtime; the others must not occur.\n"
    "The split by part needs the linker's map (IMAGE.map, or --map); without it, and in\n"
    "a stripped image, less can be told, which is said. Exit status 1: a forbidden\n"
    "instruction that nobody answers, a wrong signature, or a file that is no image.\n"
    "Reachable: followed from the entry by direct jumps and calls, functions whose\n"
    "address is taken by reached code or data, and whole functions with an indirect jump.";

static sl_rc read_signature(struct inspection *in, const char *image_path, const char *path,
                            struct sl_err *err)
{
    char beside[PATH_MAX];
    uint8_t mrenclave[32];
    uint8_t mrsigner[32];
    if (path == NULL) {
        int used = snprintf(beside, sizeof(beside), "%s.sig", image_path);
        if (used < 0 || (size_t)used >= sizeof(beside) || access(beside, F_OK) != 0) {
            return SL_OK;
        }
        path = beside;
    }
    sl_rc rc = sl_sigstruct_load(path, &in->sig, err);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_secs secs = {
        .misc_select = in->image->misc_select,
        .attributes = in->image->attributes,
    };
    if (sl_hex_decode(in->mrenclave, mrenclave, sizeof(mrenclave)) != SL_OK ||
        sl_sigstruct_mrsigner(&in->sig, mrsigner) != SL_OK) {
        return sl_err_set(err, SL_INTERNAL, "SHA-256 failed");
    }
    sl_hex_encode(mrsigner, sizeof(mrsigner), in->mrsigner);
    in->signature =
        sl_sigstruct_einit(&in->sig, &secs, mrenclave, NULL, &in->signature_err) == SL_OK
            ? SIGNATURE_GOOD
            : SIGNATURE_BAD;
    return SL_OK;
}

static sl_rc read_parts(struct inspection *in, const char *image_path, const char *path,
                        struct sl_err *err)
{
    char beside[PATH_MAX];
    if (path == NULL && parts_map_beside(image_path, beside, sizeof(beside))) {
        path = beside;
    }
    return parts_init(&in->parts, path, &in->symbols, err);
}

static sl_rc inspect(struct inspection *in, const char *path, const char *sig_path,
                     const char *map_path, struct sl_err *err)
{
    uint8_t mrenclave[32];
    sl_rc rc = sl_image_load(path, &in->image, err);
    if (rc == SL_OK) {
        rc = sl_image_measure(in->image, mrenclave, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    sl_hex_encode(mrenclave, sizeof(mrenclave), in->mrenclave);
    rc = read_signature(in, path, sig_path, err);
    if (rc == SL_OK) {
        rc = symbols_init(&in->symbols, in->image, err);
    }
    if (rc == SL_OK) {
        rc = read_parts(in, path, map_path, err);
    }
    return rc == SL_OK ? code_report_init(&in->code, in->image, &in->symbols, err) : rc;
}

static void inspection_done(struct inspection *in)
{
    code_report_done(&in->code);
    parts_done(&in->parts);
    symbols_done(&in->symbols);
    sl_image_free(in->image);
}

static bool is_bad(const struct inspection *in)
{
    /* in a stripped image constants show as instructions: candidates, not findings */
    for (size_t i = 0; i < in->code.count && !in->symbols.is_stripped; i++) {
        if (!forbidden_is_answered(in->code.list[i].kind)) {
            return true;
        }
    }
    return in->signature == SIGNATURE_BAD;
}

static void flags_text(uint64_t flags, char out[8])
{
    if ((flags & ~7ull) == SL_SECINFO_PT_TCS) {
        (void)snprintf(out, 8, "tcs");
        return;
    }
    (void)snprintf(out, 8, "%c%c%c", flags & SL_SECINFO_R ? 'r' : '-',
                   flags & SL_SECINFO_W ? 'w' : '-', flags & SL_SECINFO_X ? 'x' : '-');
}

/* Ranges "stack 3" and the like are shown for thread 0 only. */
static bool is_later_thread(const char *name)
{
    const char *space = strrchr(name, ' ');
    return space != NULL && strcmp(space, " 0") != 0;
}

static void show_identity(const struct inspection *in)
{
    const struct sl_image *image = in->image;
    printf("%smrenclave%s  %s\n", tone(stdout, TONE_STRONG), tone(stdout, TONE_PLAIN),
           in->mrenclave);
    if (in->signature == SIGNATURE_NONE) {
        printf("signature  none beside the image (`safelib image sign`)\n");
    } else {
        printf("mrsigner   %s\nsignature  %s%s%s, product %u, svn %u, date %08x\n", in->mrsigner,
               tone(stdout, in->signature == SIGNATURE_GOOD ? TONE_GOOD : TONE_BAD),
               in->signature == SIGNATURE_GOOD ? "good" : in->signature_err.text,
               tone(stdout, TONE_PLAIN), in->sig.isv_prod_id, in->sig.isv_svn, in->sig.date);
    }
    printf("attributes flags 0x%llx, XFRM 0x%llx, MISCSELECT 0x%x\n",
           (unsigned long long)image->attributes.flags, (unsigned long long)image->attributes.xfrm,
           image->misc_select);
    printf("threads    %u, %llu KiB stack each\nheap       %llu MiB\nenclave    %llu MiB\n",
           image->tcs_count, (unsigned long long)image->wants.stack_size >> 10,
           (unsigned long long)image->wants.heap_size >> 20, (unsigned long long)image->size >> 20);
}

static void show_ranges(const struct sl_image *image)
{
    printf("\n%-12s %10s %10s  flags measured\n", "range", "offset", "KiB");
    for (uint32_t i = 0; i < image->range_count; i++) {
        const struct sl_image_range *r = &image->ranges[i];
        char flags[8];
        if (is_later_thread(r->name)) {
            continue;
        }
        flags_text(r->secinfo_flags, flags);
        printf("%-12s %10llx %10llu  %-5s %s\n", r->name, (unsigned long long)r->off,
               (unsigned long long)r->size >> 10, flags, r->is_measured ? "yes" : "no");
    }
    if (image->tcs_count > 1) {
        printf("             and the same for threads 1..%u\n", image->tcs_count - 1);
    }
    printf("writable and executable at once: none (the loader refuses such files)\n");
}

static void show_parts(const struct parts *parts)
{
    printf("\n%-28s %10s %10s %10s\n", "part", "code KiB", "const KiB", "data KiB");
    for (unsigned i = 0; i < parts->count; i++) {
        const struct part *p = &parts->list[i];
        printf("%-28s %10.1f %10.1f %10.1f\n", p->name, (double)p->code_size / 1024,
               (double)p->rodata_size / 1024, (double)p->data_size / 1024);
    }
    if (!parts->is_by_map) {
        printf("(by symbol names only: link with -Wl,-Map=IMAGE.map for the split by library)\n");
    }
}

static void show_kind(const struct code_report *code, enum forbidden kind)
{
    size_t count = 0;
    size_t shown = 0;
    const struct symbol *last = NULL;
    for (size_t i = 0; i < code->count; i++) {
        count += code->list[i].kind == kind;
    }
    if (count == 0) {
        return;
    }
    printf("%s%-28s%s %6zu  %s\n%35s",
           tone(stdout, forbidden_is_answered(kind) ? TONE_WARN : TONE_BAD), forbidden_name[kind],
           tone(stdout, TONE_PLAIN), count, forbidden_effect[kind], "");
    for (size_t i = 0; i < code->count && shown < SHOWN_FUNCTIONS; i++) {
        const struct code_finding *f = &code->list[i];
        if (f->kind == kind && f->symbol != last) {
            last = f->symbol;
            printf("  %s", f->symbol->name[0] != '\0' ? f->symbol->name : "(no symbol)");
            shown++;
        }
    }
    printf("%s\n", count > shown ? " ..." : "");
}

static void show_code(const struct inspection *in)
{
    const struct code_report *c = &in->code;
    printf("\ncode: %.1f KiB, of which %.1f KiB in %zu of %zu functions can be reached\n",
           (double)c->code_size / 1024, (double)c->reachable_size / 1024, c->reachable_count,
           c->function_count);
    if (in->symbols.is_stripped) {
        printf("(stripped: all code counts as reachable and was swept linearly, so constants\n"
               "between functions show as instructions: take what follows as candidates)\n");
    }
    if (c->undecoded_count > 0) {
        printf("%llu places were no known instruction\n", (unsigned long long)c->undecoded_count);
    }
    if (c->count == 0) {
        printf("forbidden instructions in reachable code: none\n");
        return;
    }
    printf("\n%-28s %6s  in an enclave\n", "forbidden, reachable", "places");
    for (unsigned kind = 0; kind < FORBIDDEN_COUNT; kind++) {
        show_kind(c, (enum forbidden)kind);
    }
}

static json_t *ranges_json(const struct sl_image *image)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < image->range_count; i++) {
        const struct sl_image_range *r = &image->ranges[i];
        char flags[8];
        flags_text(r->secinfo_flags, flags);
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:I, s:s, s:b}", "name", r->name, "offset",
                                        (json_int_t)r->off, "size", (json_int_t)r->size, "flags",
                                        flags, "measured", r->is_measured));
    }
    return list;
}

static json_t *parts_json(const struct parts *parts)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < parts->count; i++) {
        const struct part *p = &parts->list[i];
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I}", "name", p->name, "code",
                                              (json_int_t)p->code_size, "rodata",
                                              (json_int_t)p->rodata_size, "data",
                                              (json_int_t)p->data_size));
    }
    return list;
}

static json_t *findings_json(const struct inspection *in)
{
    json_t *list = json_array();
    for (size_t i = 0; i < in->code.count; i++) {
        const struct code_finding *f = &in->code.list[i];
        json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s, s:b}", "instruction",
                                              forbidden_name[f->kind], "address",
                                              (json_int_t)f->addr, "symbol", f->symbol->name,
                                              "part", parts_name(&in->parts, f->symbol, f->addr),
                                              "answered", forbidden_is_answered(f->kind)));
    }
    return list;
}

static json_t *inspection_json(const struct inspection *in)
{
    static const char *const signatures[] = {"none", "good", "bad"};
    const struct sl_image *image = in->image;
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:I, s:I, s:I, s:o, s:b, s:o, s:b, s:I, s:I, s:I, "
        "s:o}",
        "mrenclave", in->mrenclave, "mrsigner", in->mrsigner, "signature",
        signatures[in->signature], "signature_fault", in->signature_err.text, "attribute_flags",
        (json_int_t)image->attributes.flags, "xfrm", (json_int_t)image->attributes.xfrm, "threads",
        (int)image->tcs_count, "stack_size", (json_int_t)image->wants.stack_size, "heap_size",
        (json_int_t)image->wants.heap_size, "enclave_size", (json_int_t)image->size, "ranges",
        ranges_json(image), "parts_by_map", in->parts.is_by_map, "parts", parts_json(&in->parts),
        "stripped", in->symbols.is_stripped, "code_size", (json_int_t)in->code.code_size,
        "reachable_size", (json_int_t)in->code.reachable_size, "undecoded",
        (json_int_t)in->code.undecoded_count, "forbidden", findings_json(in));
}

int image_inspect(int argc, char **argv)
{
    bool is_json = false;
    const char *map_path = NULL;
    const char *sig_path = NULL;
    const struct option_spec options[] = {
        {"map", 0, "FILE", "the linker's map (default IMAGE.map where it exists)", OPTION_STRING,
         &map_path, 0, 0},
        {"sig", 0, "FILE", "the SIGSTRUCT (default IMAGE.sig where it exists)", OPTION_STRING,
         &sig_path, 0, 0},
        {"json", 'j', NULL, "everything as JSON, each forbidden instruction with its place",
         OPTION_FLAG, &is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib image inspect [--map FILE] [--sig FILE] [--json] IMAGE",
        .about = about,
        .examples = "  safelib image inspect build/safelib-nf",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = 1,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    struct sl_err err = {0};
    struct inspection in = {0};
    sl_rc rc = inspect(&in, argv[first], sig_path, map_path, &err);
    if (rc != SL_OK) {
        bool is_judged = rc == SL_UNSUPPORTED || rc == SL_MALFORMED || rc == SL_RANGE;
        status = complain_err(is_judged ? CMD_BAD : CMD_USAGE, &err);
    } else if (is_json) {
        status = print_json(inspection_json(&in), is_bad(&in) ? CMD_BAD : CMD_GOOD);
    } else {
        show_identity(&in);
        show_ranges(in.image);
        show_parts(&in.parts);
        show_code(&in);
        status = is_bad(&in) ? CMD_BAD : CMD_GOOD;
    }
    inspection_done(&in);
    return status;
}
