/* SPDX-License-Identifier: Apache-2.0 */
/* Reachable code and forbidden instructions in it; image_code.h says what reachable means. */
#include "image_code.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "image_decode.h"

const char *const forbidden_name[FORBIDDEN_COUNT] = {
#define FORBIDDEN_NAME(id, name, effect) [FORBIDDEN_##id] = (name),
    FORBIDDEN_TABLE(FORBIDDEN_NAME)
#undef FORBIDDEN_NAME
};
const char *const forbidden_effect[FORBIDDEN_COUNT] = {
#define FORBIDDEN_EFFECT(id, name, effect) [FORBIDDEN_##id] = (effect),
    FORBIDDEN_TABLE(FORBIDDEN_EFFECT)
#undef FORBIDDEN_EFFECT
};

bool forbidden_is_answered(enum forbidden kind)
{
    return kind == FORBIDDEN_SYSCALL || kind == FORBIDDEN_CPUID || kind == FORBIDDEN_RDTSC ||
           kind == FORBIDDEN_RDTSCP;
}

/* A place to decode from. In a sweep, the end of a path does not end the walk. */
struct job {
    uint64_t addr;
    bool is_sweep;
};

struct walk {
    struct decoder decoder;
    const struct symbols *symbols;
    const struct sl_layout *layout;
    uint8_t *visited; /* a bit per byte of the image: an instruction starts there */
    uint8_t *reached; /* a byte per symbol */
    uint8_t *swept;
    struct job *jobs;
    size_t job_count, job_room;
    bool is_out_of_memory;
    struct code_report *report;
};

static void push(struct walk *w, uint64_t addr, bool is_sweep)
{
    if (w->job_count == w->job_room) {
        size_t room = w->job_room == 0 ? 1024 : 2 * w->job_room;
        struct job *jobs = realloc(w->jobs, room * sizeof(*jobs));
        if (jobs == NULL) {
            w->is_out_of_memory = true;
            return;
        }
        w->jobs = jobs;
        w->job_room = room;
    }
    w->jobs[w->job_count++] = (struct job){.addr = addr, .is_sweep = is_sweep};
}

static bool bit_test_set(uint8_t *bits, uint64_t at)
{
    bool is_set = (bits[at / 8] >> (at % 8)) & 1;
    bits[at / 8] |= (uint8_t)(1u << (at % 8));
    return is_set;
}

/* Code, or a relocated pointer, refers to @p addr. */
static void refer(struct walk *w, uint64_t addr)
{
    const struct symbol *s = symbols_at(w->symbols, addr);
    if (s == NULL || (s->is_code && !(s->is_function && s->addr == addr))) {
        return;
    }
    if (s->is_code) {
        push(w, addr, false);
        return;
    }
    size_t index = (size_t)(s - w->symbols->list);
    if (w->reached[index]) {
        return;
    }
    w->reached[index] = 1;
    for (size_t i = symbols_reloc_first(w->symbols, s->addr);
         i < w->symbols->reloc_count && w->symbols->relocs[i].addr < s->end; i++) {
        const struct symbol *target = symbols_at(w->symbols, w->symbols->relocs[i].value);
        /* objects that point to objects: as jobs, for a list may be long */
        if (target != NULL && (!target->is_code || target->addr == w->symbols->relocs[i].value)) {
            push(w, w->symbols->relocs[i].value, false);
        }
    }
}

static bool is_listed_enclu(const struct walk *w, uint64_t addr)
{
    for (uint32_t i = 0; i < w->layout->site_count; i++) {
        if (w->layout->site[i].off == w->layout->elf_off + addr) {
            return true;
        }
    }
    return false;
}

static void find(struct walk *w, int kind, uint64_t addr, const struct symbol *symbol)
{
    struct code_report *r = w->report;
    if (kind == FORBIDDEN_NONE || (kind == FORBIDDEN_ENCLU && is_listed_enclu(w, addr))) {
        return;
    }
    if ((r->count & (r->count - 1)) == 0) {
        size_t room = r->count == 0 ? 1 : 2 * r->count;
        struct code_finding *list = realloc(r->list, room * sizeof(*list));
        if (list == NULL) {
            w->is_out_of_memory = true;
            return;
        }
        r->list = list;
    }
    r->list[r->count++] =
        (struct code_finding){.kind = (enum forbidden)kind, .addr = addr, .symbol = symbol};
}

/* Decodes one instruction that is new; returns whether the path goes on behind it. */
static bool step(struct walk *w, const struct symbol *s, uint64_t addr, bool is_new,
                 const struct instruction *in)
{
    if (is_new) {
        w->report->reachable_size += in->size;
        w->reached[s - w->symbols->list] = 1;
        find(w, in->forbidden, addr, s);
        if (in->has_ref) {
            refer(w, in->ref);
        }
        if (in->flow == FLOW_BRANCH || in->flow == FLOW_JUMP) {
            push(w, in->target, false);
        }
    }
    if (in->flow == FLOW_INDIRECT_JUMP && !w->swept[s - w->symbols->list]) {
        /* a jump into a register or a table: all of this function, from its start */
        w->swept[s - w->symbols->list] = 1;
        push(w, s->addr, true);
    }
    return in->flow == FLOW_NEXT || in->flow == FLOW_BRANCH;
}

static void run(struct walk *w, struct job job)
{
    const struct symbol *s = symbols_at(w->symbols, job.addr);
    const struct sl_elf_segment *segment = symbols_segment(w->symbols, job.addr);
    if (s == NULL || segment == NULL) {
        return;
    }
    if (!s->is_code) {
        refer(w, job.addr);
        return;
    }
    uint64_t end = segment->vaddr + segment->file_size;
    for (uint64_t addr = job.addr; addr < end && (!job.is_sweep || addr < s->end);) {
        struct instruction in;
        bool is_new = !bit_test_set(w->visited, addr);
        if (!is_new && !job.is_sweep) {
            return;
        }
        const struct symbol *at = addr < s->end ? s : symbols_at(w->symbols, addr);
        if (!decoder_next(&w->decoder,
                          w->symbols->elf.data + segment->file_off + (addr - segment->vaddr),
                          end - addr, addr, &in)) {
            w->report->undecoded_count += is_new;
            if (!job.is_sweep) {
                return;
            }
            addr++; /* data between code: find the next instruction */
            continue;
        }
        if (!step(w, at, addr, is_new, &in) && !job.is_sweep) {
            return;
        }
        addr += in.size;
        s = at;
    }
}

static void push_roots(struct walk *w, const struct sl_image *image)
{
    push(w, w->symbols->elf.entry, false);
    push(w, image->entry_off - w->layout->elf_off, false);
    for (size_t i = 0; i < w->symbols->reloc_count; i++) {
        if (w->symbols->relocs[i].is_resolver) {
            push(w, w->symbols->relocs[i].value, false);
        } else if (symbols_at(w->symbols, w->symbols->relocs[i].addr) == NULL) {
            const struct symbol *s = symbols_at(w->symbols, w->symbols->relocs[i].value);
            if (s != NULL && (!s->is_code || s->addr == w->symbols->relocs[i].value)) {
                push(w, w->symbols->relocs[i].value, false);
            }
        }
    }
    if (w->symbols->is_stripped) {
        for (size_t i = 0; i < w->symbols->count; i++) {
            w->swept[i] = 1;
            push(w, w->symbols->list[i].addr, true);
        }
    }
}

static int compare_findings(const void *left, const void *right)
{
    const struct code_finding *a = left;
    const struct code_finding *b = right;
    return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static void summarise(struct walk *w)
{
    struct code_report *r = w->report;
    for (size_t i = 0; i < w->symbols->count; i++) {
        r->function_count += w->symbols->list[i].is_code;
        r->reachable_count += w->symbols->list[i].is_code && w->reached[i];
    }
    for (uint32_t i = 0; i < w->symbols->elf.segment_count; i++) {
        const struct sl_elf_segment *s = &w->symbols->elf.segment[i];
        r->code_size += (s->flags & PF_X) ? s->file_size : 0;
    }
    if (r->count > 0) {
        qsort(r->list, r->count, sizeof(*r->list), compare_findings);
    }
}

sl_rc code_report_init(struct code_report *report, const struct sl_image *image,
                       const struct symbols *symbols, struct sl_err *err)
{
    *report = (struct code_report){0};
    struct walk w = {.symbols = symbols, .layout = image->layout, .report = report};
    sl_rc rc = SL_OK;
    w.visited = calloc(symbols->elf.span / 8 + 1, 1);
    w.reached = calloc(symbols->count + 1, 1);
    w.swept = calloc(symbols->count + 1, 1);
    if (!decoder_init(&w.decoder)) {
        rc = sl_err_set(err, SL_INTERNAL, "the disassembler does not start");
        goto out;
    }
    if (w.visited == NULL || w.reached == NULL || w.swept == NULL) {
        w.is_out_of_memory = true;
    } else {
        push_roots(&w, image);
    }
    while (w.job_count > 0 && !w.is_out_of_memory) {
        run(&w, w.jobs[--w.job_count]);
    }
    if (w.is_out_of_memory) {
        rc = sl_err_set(err, SL_NO_MEMORY, "no memory to look through the code");
        goto out;
    }
    summarise(&w);
out:
    decoder_done(&w.decoder);
    free(w.visited);
    free(w.reached);
    free(w.swept);
    free(w.jobs);
    if (rc != SL_OK) {
        code_report_done(report);
    }
    return rc;
}

void code_report_done(struct code_report *report)
{
    free(report->list);
    *report = (struct code_report){0};
}

static bool hash_function(struct decoder *decoder, EVP_MD_CTX *sha, const struct symbol *s,
                          const uint8_t *data, uint64_t size)
{
    bool is_ok = true;
    for (uint64_t off = 0; off < size && is_ok;) {
        uint8_t bytes[16] = {0};
        struct instruction in = {.size = 1, .forbidden = FORBIDDEN_NONE};
        bool is_decoded = decoder_next(decoder, data + off, size - off, s->addr + off, &in);
        memcpy(bytes, data + off, in.size);
        bool is_inside = in.target >= s->addr && in.target < s->end;
        if (is_decoded && (in.has_ref || !is_inside) && in.mask_off + in.mask_size <= in.size) {
            memset(bytes + in.mask_off, 0, in.mask_size);
        }
        is_ok = EVP_DigestUpdate(sha, bytes, in.size) == 1;
        off += in.size;
    }
    return is_ok;
}

sl_rc code_normal_digest(const struct symbols *symbols, const struct symbol *symbol,
                         uint8_t ret_digest[32])
{
    const struct sl_elf_segment *segment = symbols_segment(symbols, symbol->addr);
    struct decoder decoder = {0};
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    sl_rc rc = SL_INTERNAL;
    if (segment != NULL && symbol->end <= segment->vaddr + segment->file_size && sha != NULL &&
        decoder_init(&decoder) && EVP_DigestInit_ex(sha, EVP_sha256(), NULL) == 1) {
        const uint8_t *data =
            symbols->elf.data + segment->file_off + (symbol->addr - segment->vaddr);
        if (hash_function(&decoder, sha, symbol, data, symbol->size) &&
            EVP_DigestFinal_ex(sha, ret_digest, NULL) == 1) {
            rc = SL_OK;
        }
    }
    decoder_done(&decoder);
    EVP_MD_CTX_free(sha);
    return rc;
}
