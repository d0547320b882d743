/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <openssl/evp.h>

#include "device/sigstruct.h"
#include "runtime/runtime.h"

static const struct sl_area_geometry geometry = {
    .shard_count = 1,
    .ring_count = 64,
    .data_size = 65536,
    .control_size = 16384,
    .log_size = 65536,
};

static int say(const char *what, const struct sl_err *err)
{
    printf("%s: %s\n", what, err->text);
    return -1;
}

static int sign(const struct sl_image *image, struct sl_sigstruct *ret_sig)
{
    static EVP_PKEY *key;
    struct sl_sigstruct_params params;
    struct sl_err err = {0};
    if (sl_sigstruct_params_of(image, &params, &err) != SL_OK ||
        (key == NULL && sl_sign_key_new(&key, &err) != SL_OK) ||
        sl_sigstruct_sign(&params, key, ret_sig, &err) != SL_OK) {
        return say("sign", &err);
    }
    return 0;
}

static int build(struct raw *raw, const struct sl_device_options *device)
{
    struct sl_err err = {0};
    struct sl_sigstruct sig;
    uint32_t low;
    uint32_t high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    struct sl_secs secs = {
        .size = raw->image->size,
        .ssa_frame_size = raw->image->ssa_frame_size,
        .attributes = raw->image->attributes,
    };
    secs.attributes.xfrm &= (uint64_t)high << 32 | low;
    if (sign(raw->image, &sig) != 0) {
        return -1;
    }
    const struct sl_device_ops *ops = sl_device_find(device->device);
    if (ops->create(device, &secs, &raw->enclave, &err) != SL_OK) {
        return say("create", &err);
    }
    for (uint32_t i = 0; i < raw->image->range_count; i++) {
        const struct sl_image_range *r = &raw->image->ranges[i];
        if (ops->add_pages(raw->enclave, r->off, r->content, r->size, r->secinfo_flags,
                           r->is_measured, &err) != SL_OK) {
            return say("add", &err);
        }
    }
    return ops->init(raw->enclave, &sig, &err) == SL_OK ? 0 : say("init", &err);
}

int raw_open(struct raw *raw, const char *path, const struct sl_device_options *device,
             const char *const *argv, int argc)
{
    struct sl_err err = {0};
    struct sl_params_cpuid cpuid[2] = {{.leaf = 1}, {.leaf = 7}};
    uint32_t size = 0;
    memset(raw, 0, sizeof(*raw));
    if (sl_image_load(path, &raw->image, &err) != SL_OK) {
        return say("load", &err);
    }
    if (sl_area_layout(&geometry, &raw->layout) != SL_OK) {
        return -1;
    }
    raw->area =
        mmap(NULL, raw->layout.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (raw->area == MAP_FAILED ||
        sl_area_format(raw->area, raw->layout.size, &geometry, &raw->layout) != SL_OK) {
        return -1;
    }
    /* the device first: under the emulator CPUID faults here, and its handler answers */
    if (build(raw, device) != 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        struct sl_params_cpuid *e = &cpuid[i];
        __cpuid_count(e->leaf, 0, e->eax, e->ebx, e->ecx, e->edx);
    }
    if (sl_params_write(raw->area + raw->layout.params, argc, argv, cpuid, 2, 2500000, &size) !=
        SL_OK) {
        return -1;
    }
    raw->start = (struct sl_enter_regs){
        .rdi = SL_ABI_START, .rsi = (uint64_t)(uintptr_t)raw->area, .rdx = raw->layout.size};
    return 0;
}

void raw_close(struct raw *raw)
{
    if (raw->enclave != NULL) {
        raw->enclave->ops->destroy(raw->enclave);
    }
    sl_image_free(raw->image);
    if (raw->area != NULL && raw->area != MAP_FAILED) {
        (void)munmap(raw->area, raw->layout.size);
    }
}

/* Everything that XSAVE sees, right after the exit. */
static bool has_pattern(void)
{
    static uint8_t state[8192] __attribute__((aligned(64)));
    static const uint8_t pattern[8] = {0x5e, 0x5e, 0x5e, 0x5e, 0x5e, 0x5e, 0x5e, 0x5e};
    memset(state, 0, sizeof(state));
    __asm__ volatile("xsave %0" : "=m"(state) : "a"(0xe7), "d"(0) : "memory");
    return memmem(state, sizeof(state), pattern, sizeof(pattern)) != NULL;
}

unsigned raw_step(struct raw *raw, uint32_t thread, struct sl_enter_regs *regs, unsigned leaf)
{
    struct sgx_enclave_run run = {
        .tcs = (uint64_t)(uintptr_t)raw->enclave->base + raw->image->tcs_off[thread],
    };
    uint32_t mxcsr;
    uint16_t fcw;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(fcw));
    if (raw->is_poisoned) {
        const uint32_t bad = 0xff80;
        const uint16_t bad_fcw = 0x0c40;
        /* rounding up, flush to zero; all x87 exceptions unmasked, x87 stack in use */
        __asm__ volatile("ldmxcsr %0\n\tfld1\n\tfld1\n\tfldcw %1" : : "m"(bad), "m"(bad_fcw));
    }
    int error = raw->enclave->ops->enter(raw->enclave, regs, leaf, &run);
    raw->has_leak |= has_pattern();
    __asm__ volatile("fninit\n\tldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(fcw));
    raw->exits++;
    raw->last_vector = run.exception_vector;
    return error == 0 ? run.function : 0;
}

static void clock_publish(struct raw *raw)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    ((struct sl_area_header *)(void *)raw->area)->host_time_ns =
        (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Whether the exit is a call of the exception handler, so that there is a frame to resume. */
static bool is_second_level(const struct sl_enter_regs *regs)
{
    uint32_t kind = (uint32_t)regs->rsi;
    return regs->rdi == SL_ABI_EXIT_THREAD ||
           (regs->rdi == SL_ABI_EXIT_WAIT &&
            (kind == SL_RT_WAIT_THREAD || kind == SL_RT_WAIT_YIELD));
}

/* The thread must not have gone on: it faults at once. The next entry returns from the call. */
static bool resume_instead(struct raw *raw)
{
    struct sl_enter_regs regs = {0};
    raw->resumes++;
    return raw_step(raw, 0, &regs, SL_ERESUME) == SL_ERESUME && raw->last_vector == 6;
}

uint64_t raw_run(struct raw *raw, struct sl_enter_regs *ret_regs)
{
    struct sl_enter_regs regs = raw->start;
    unsigned leaf = SL_EENTER;
    for (;;) {
        unsigned function = raw_step(raw, 0, &regs, leaf);
        leaf = SL_EENTER;
        if (function == SL_ERESUME) {
            regs = (struct sl_enter_regs){.rdi = SL_ABI_EXCEPTION};
            continue;
        }
        if (function != SL_EEXIT) {
            return 0;
        }
        *ret_regs = regs;
        if (raw->is_resuming && is_second_level(&regs) && !resume_instead(raw)) {
            return 0;
        }
        switch (regs.rdi) {
        case SL_ABI_EXIT_RESUME:
            leaf = SL_ERESUME;
            break;
        case SL_ABI_EXIT_WAIT:
            clock_publish(raw);
            regs = (struct sl_enter_regs){.rdi = SL_ABI_RETURN};
            break;
        case SL_ABI_EXIT_WAKE:
            regs = (struct sl_enter_regs){.rdi = SL_ABI_RETURN};
            break;
        case SL_ABI_EXIT_THREAD:
            regs = (struct sl_enter_regs){.rdi = SL_ABI_RETURN, .rsi = 1};
            break;
        default:
            return regs.rdi;
        }
    }
}
