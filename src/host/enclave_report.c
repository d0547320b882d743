/* SPDX-License-Identifier: Apache-2.0 */
/* How an image died, as one sentence: vector, place in the code, address. */
#include <stdio.h>
#include <string.h>

#include "device/elf_file.h"
#include "device/measure.h"
#include "host/enclave_private.h"

static const char *vector_name(uint64_t vector)
{
    static const char *const names[] = {
        "#DE (divide error)",
        "#DB (debug)",
        "NMI",
        "#BP (breakpoint)",
        "#OF (overflow)",
        "#BR (bound range)",
        "#UD (an instruction that is not allowed in an enclave)",
        "#NM (device not available)",
        "#DF (double fault)",
        "vector 9",
        "#TS (invalid TSS)",
        "#NP (segment not present)",
        "#SS (stack segment)",
        "#GP (general protection)",
        "#PF (page fault)",
        "vector 15",
        "#MF (x87)",
        "#AC (alignment)",
        "#MC (machine check)",
        "#XM (SIMD floating point)",
    };
    return vector < sizeof(names) / sizeof(names[0]) ? names[vector] : "unknown vector";
}

static const char *dead_text(uint64_t why)
{
    switch (why) {
#define CASE(name, value, text)                                                                    \
    case SL_ABI_DEAD_##name:                                                                       \
        return text;
        SL_ABI_DEAD_TABLE(CASE)
#undef CASE
    default:
        return why < 32 ? vector_name(why) : "unknown reason";
    }
}

/* "recurse+0x2", or the bare offset. The file is read again: its bytes are not kept in memory for
 * this. One that was rebuilt meanwhile has other symbols, so it must measure the same. */
static void describe_code(const struct sl_host *host, uint64_t off, char *out, size_t size)
{
    struct sl_elf elf;
    struct sl_image *image = NULL;
    uint8_t mrenclave[32];
    uint64_t symbol_off = 0;
    const char *symbol = NULL;
    (void)snprintf(out, size, "image offset 0x%llx", (unsigned long long)off);
    /* forbidden: waived, a measurement is no secret */
    if (off >= SL_LAYOUT_ELF_OFF && sl_image_load(host->image_path, &image, NULL) == SL_OK &&
        sl_image_measure(image, mrenclave, NULL) == SL_OK &&
        memcmp(mrenclave, host->mrenclave, sizeof(mrenclave)) == 0 &&
        sl_elf_parse(image->elf, image->elf_size, &elf, NULL) == SL_OK) {
        symbol = sl_elf_symbol(&elf, off - SL_LAYOUT_ELF_OFF, &symbol_off);
    }
    if (symbol != NULL) {
        (void)snprintf(out, size, "%.100s+0x%llx", symbol, (unsigned long long)symbol_off);
    }
    sl_image_free(image);
}

/* The part of the enclave that an address lies in, or the part that a hole lies below. */
static void describe_address(const struct sl_host *host, uint64_t addr, char *out, size_t size)
{
    uint64_t off = addr - (uint64_t)(uintptr_t)host->enclave->base;
    const struct sl_image *image = host->image;
    if (off >= image->size) {
        (void)snprintf(out, size, "0x%llx, outside the enclave", (unsigned long long)addr);
        return;
    }
    for (uint32_t i = 0; i < image->range_count; i++) {
        const struct sl_image_range *range = &image->ranges[i];
        if (off >= range->off && off - range->off < range->size) {
            (void)snprintf(out, size, "enclave offset 0x%llx, in %s", (unsigned long long)off,
                           range->name);
            return;
        }
        if (off < range->off) {
            bool is_stack = strncmp(range->name, "stack", 5) == 0;
            (void)snprintf(out, size, "enclave offset 0x%llx, the hole below %s%s",
                           (unsigned long long)off, range->name,
                           is_stack ? ": stack overflow" : "");
            return;
        }
    }
    (void)snprintf(out, size, "enclave offset 0x%llx, behind its last page",
                   (unsigned long long)off);
}

void host_report_dead(const struct host_thread *thread, uint64_t why, uint64_t rip_off,
                      struct sl_err *ret_err)
{
    char code[160] = "";
    char address[160] = "";
    if (rip_off != 0) {
        describe_code(thread->host, rip_off, code, sizeof(code));
    }
    bool is_fault = thread->has_fault && thread->fault_vector != 6;
    if (is_fault && thread->fault_vector == 14) {
        describe_address(thread->host, thread->fault_addr, address, sizeof(address));
    }
    const char *what = why >= 32 && is_fault ? vector_name(thread->fault_vector) : dead_text(why);
    (void)sl_err_set(ret_err, SL_VIOLATION, "the image is dead: %s%s%s%s%s in thread %u%s%s%s",
                     what, code[0] != '\0' ? " at " : "", code, address[0] != '\0' ? " on " : "",
                     address, thread->index, why >= 32 && is_fault ? " (" : "",
                     why >= 32 && is_fault ? dead_text(why) : "", why >= 32 && is_fault ? ")" : "");
}

void host_report_refused(const struct host_thread *thread, unsigned leaf,
                         const struct sgx_enclave_run *run, struct sl_err *ret_err)
{
    (void)sl_err_set(ret_err, SL_VIOLATION, "%s of thread %u was refused: %s, error 0x%x",
                     leaf == SL_EENTER ? "EENTER" : "ERESUME", thread->index,
                     vector_name(run->exception_vector), run->exception_error_code);
}
