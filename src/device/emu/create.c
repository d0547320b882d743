/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * ECREATE of the emulator with the checks of the processor (SDM vol. 3D, chapter 41), the range it
 * reserves, and which rules of SGX this machine lets it enforce.
 */
#include "device/emu/emu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <x86intrin.h>

/* CPUID.12H.0:EDX[15:8] of the processors we stand in for: enclaves of up to 64 GiB. */
#define ENCLAVE_SIZE_MAX (1ull << 36)

#define ATTR_ALLOWED                                                                               \
    (SL_ATTR_DEBUG | SL_ATTR_MODE64BIT | SL_ATTR_PROVISIONKEY | SL_ATTR_EINITTOKENKEY | SL_ATTR_KSS)

enum {
    MISC_EXINFO = 1,
    MISC_EXINFO_SIZE = 16,
    XFRM_LEGACY = 3,
    XFRM_AVX = 1 << 2,
    XFRM_MPX = 3 << 3,
    XFRM_AVX512 = 7 << 5,
    SSA_FRAME_PAGES_MAX = 16,
    HWCAP2_FSGSBASE_BIT = 1 << 1, /* asm/hwcap2.h */
    PAGE = SL_SGX_PAGE_SIZE,
};

static _Atomic uint64_t g_generation = 1;

static bool is_xfrm_legal(uint64_t xfrm)
{
    /* "IF XFRM is illegal": what XSETBV would refuse, or more than XCR0 has. */
    return (xfrm & XFRM_LEGACY) == XFRM_LEGACY && (xfrm & ~sl_emu_xstate()->xcr0) == 0 &&
           ((xfrm & XFRM_MPX) == 0 || (xfrm & XFRM_MPX) == XFRM_MPX) &&
           ((xfrm & XFRM_AVX512) == 0 ||
            ((xfrm & XFRM_AVX512) == XFRM_AVX512 && (xfrm & XFRM_AVX) != 0));
}

static sl_rc size_check(const struct sl_secs *secs, struct sl_err *err)
{
    const uint64_t used = sl_emu_xsave_size(secs->attributes.xfrm) + sizeof(struct sl_ssa_gpr) +
                          ((secs->misc_select & MISC_EXINFO) != 0 ? MISC_EXINFO_SIZE : 0);
    if (secs->size < 2 * PAGE || (secs->size & (secs->size - 1)) != 0 ||
        secs->size > ENCLAVE_SIZE_MAX) {
        return sl_err_set(err, SL_INVALID,
                          "ECREATE: size %#llx is not a power of two from 2 pages to 64 GiB",
                          (unsigned long long)secs->size);
    }
    if ((secs->base & (secs->size - 1)) != 0 || secs->base >> 47 != 0) {
        return sl_err_set(err, SL_INVALID, "ECREATE: base %#llx is not aligned to the size %#llx",
                          (unsigned long long)secs->base, (unsigned long long)secs->size);
    }
    if ((uint64_t)secs->ssa_frame_size * PAGE < used ||
        secs->ssa_frame_size > SSA_FRAME_PAGES_MAX) {
        return sl_err_set(err, SL_INVALID,
                          "ECREATE: SSAFRAMESIZE of %u pages does not fit %llu bytes",
                          secs->ssa_frame_size, (unsigned long long)used);
    }
    return SL_OK;
}

static sl_rc attributes_check(const struct sl_secs *secs, struct sl_err *err)
{
    const uint64_t flags = secs->attributes.flags;
    if ((flags & ~ATTR_ALLOWED) != 0 || (flags & SL_ATTR_MODE64BIT) == 0) {
        return sl_err_set(err, SL_INVALID,
                          "ECREATE: attributes %#llx: INIT or reserved bits set, or not 64-bit",
                          (unsigned long long)flags);
    }
    if (!is_xfrm_legal(secs->attributes.xfrm)) {
        return sl_err_set(err, SL_UNSUPPORTED,
                          "ECREATE: XFRM %#llx is illegal or beyond this machine's XCR0 %#llx",
                          (unsigned long long)secs->attributes.xfrm,
                          (unsigned long long)sl_emu_xstate()->xcr0);
    }
    if ((secs->misc_select & ~(uint32_t)MISC_EXINFO) != 0) {
        return sl_err_set(err, SL_UNSUPPORTED, "ECREATE: MISCSELECT %#x: only EXINFO is known",
                          secs->misc_select);
    }
    if ((flags & SL_ATTR_KSS) == 0 &&
        (secs->config_svn != 0 || !sl_emu_is_zero(secs->config_id, sizeof(secs->config_id)))) {
        return sl_err_set(err, SL_INVALID, "ECREATE: CONFIGID or CONFIGSVN without ATTRIBUTES.KSS");
    }
    return SL_OK;
}

static sl_rc secs_check(const struct sl_secs *secs, struct sl_err *err)
{
    sl_rc rc = attributes_check(secs, err);
    if (rc == SL_OK) {
        rc = size_check(secs, err);
    }
    if (rc == SL_OK && (!sl_emu_is_zero(secs->reserved1, sizeof(secs->reserved1)) ||
                        !sl_emu_is_zero(secs->reserved2, sizeof(secs->reserved2)) ||
                        !sl_emu_is_zero(secs->reserved3, sizeof(secs->reserved3)) ||
                        !sl_emu_is_zero(secs->reserved4, sizeof(secs->reserved4)))) {
        rc = sl_err_set(err, SL_INVALID, "ECREATE: reserved bytes of SECS are not zero");
    }
    return rc;
}

static void rule_add(struct emu_enclave *enclave, const char *text)
{
    size_t i = 0;
    while (enclave->rules[i] != NULL) {
        i++;
    }
    if (i + 1 < EMU_RULES_MAX) {
        enclave->rules[i] = text;
    }
}

/* A naturally aligned range, and one page behind it for trampolines. */
static sl_rc range_reserve(struct emu_enclave *enclave, struct sl_err *err)
{
    const uint64_t size = enclave->secs.size;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (enclave->secs.base != 0) {
        enclave->reserved_size = size + PAGE;
        enclave->reserved = mmap((void *)(uintptr_t)enclave->secs.base, size + PAGE, PROT_NONE,
                                 flags | MAP_FIXED_NOREPLACE, -1, 0);
        if (enclave->reserved == MAP_FAILED) {
            enclave->reserved = NULL;
            return sl_err_set(err, SL_EXISTS, "enclave range at %#llx is taken: %s",
                              (unsigned long long)enclave->secs.base, strerror(errno));
        }
        enclave->common.base = enclave->reserved;
    } else {
        uint8_t *raw = mmap(NULL, 2 * size + PAGE, PROT_NONE, flags, -1, 0);
        if (raw == MAP_FAILED) {
            return sl_err_set(err, SL_NO_MEMORY, "cannot reserve %#llx bytes of address space: %s",
                              (unsigned long long)(2 * size), strerror(errno));
        }
        uint8_t *base = (uint8_t *)(((uint64_t)raw + size - 1) & ~(size - 1));
        uint8_t *end = base + size + PAGE;
        if (base != raw) {
            (void)munmap(raw, (size_t)(base - raw));
        }
        if (end != raw + 2 * size + PAGE) {
            (void)munmap(end, (size_t)(raw + 2 * size + PAGE - end));
        }
        enclave->reserved = base;
        enclave->reserved_size = size + PAGE;
        enclave->common.base = base;
        enclave->secs.base = (uint64_t)base;
    }
    enclave->common.size = size;
    enclave->trampolines = enclave->common.base + size;
    /* As the SGX driver does: no copy for a forked child, none in a core dump. */
    (void)madvise(enclave->reserved, enclave->reserved_size, MADV_DONTFORK);
    (void)madvise(enclave->reserved, enclave->reserved_size, MADV_DONTDUMP);
    /* Flow tables are read at random: pages of 2 MiB where the machine has them. They are ordinary
     * memory here; an EPC has pages of 4 KiB whatever is said. */
    (void)madvise(enclave->reserved, enclave->reserved_size, MADV_HUGEPAGE);
    return SL_OK;
}

static uint64_t now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static double g_tsc_per_ns;

static void tsc_calibrate(void)
{
    const uint64_t tsc = __rdtsc(), start = now_ns();
    uint64_t end;
    do {
        end = now_ns();
    } while (end - start < 2000000);
    g_tsc_per_ns = (double)(__rdtsc() - tsc) / (double)(end - start);
}

static uint64_t tsc_of_ns(uint64_t ns)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, tsc_calibrate);
    return (uint64_t)((double)ns * g_tsc_per_ns);
}

/* Rules that need help of the machine, and those that no user program can enforce. */
static void rules_find(struct emu_enclave *enclave)
{
    if (enclave->pkey < 0) {
        rule_add(enclave, "no protection key is left or known here: the host process can read and "
                          "write enclave memory");
    }
    if (!sl_emu_has_dispatch()) {
        rule_add(enclave, "no Syscall User Dispatch: SYSCALL inside reaches the host's kernel");
    }
    if (!sl_emu_has_cpuid_fault()) {
        rule_add(enclave, "no CPUID faulting: CPUID inside does not raise #UD");
    }
    if (!enclave->is_rdtsc_trapped) {
        rule_add(
            enclave,
            "RDTSC and RDTSCP run inside, as with SGX2 (option is_rdtsc_trapped: as with SGX1)");
    }
    rule_add(enclave, "/proc/self/mem, ptrace and the kernel read and write enclave memory");
    rule_add(enclave, "code outside the range can be executed from inside until the next exit");
    rule_add(enclave,
             "MOV to segment registers, far transfers, IRET, SYSENTER, SGDT, SIDT, SLDT, STR, SMSW "
             "and VMCALL do not raise #UD");
    rule_add(enclave, "XCR0 is not XFRM inside: wider registers work, but do not survive an exit");
    rule_add(enclave, "SYSCALL has destroyed RCX and R11 when its #UD is seen");
}

static void bare_rules_find(struct emu_enclave *enclave)
{
    rule_add(enclave,
             "bare: no rule of SGX is enforced but page permissions and the traps of the runtime");
}

static void machine_open(struct emu_enclave *enclave, sl_rc *ret_rc, struct sl_err *err)
{
    *ret_rc = sl_machine_open(NULL, &enclave->machine, err);
    if (*ret_rc == SL_NOT_FOUND || *ret_rc == SL_IO) {
        *ret_rc = sl_machine_init_transient(&enclave->machine);
        rule_add(enclave,
                 "no state folder: keys are new in every process, sealed data is lost with it");
    }
}

static sl_rc devices_setup(struct emu_enclave *enclave, const struct sl_device_options *options,
                           struct sl_err *err)
{
    sl_rc rc = SL_OK;
    enclave->pkey = -1;
    if (enclave->is_bare) {
        enclave->is_direct = true;
        bare_rules_find(enclave);
        return SL_OK;
    }
    enclave->is_direct = !options->is_trap;
    enclave->is_rdtsc_trapped = options->is_rdtsc_trapped;
    /* In trap mode the signals alone cost more than hardware does. */
    enclave->entry_cost_tsc = options->entry_cost_ns != 0 && enclave->is_direct
                                  ? tsc_of_ns(options->entry_cost_ns) / 2
                                  : 0;
    enclave->pkey = pkey_alloc(0, PKEY_DISABLE_ACCESS);
    if (enclave->pkey >= 0) {
        enclave->pkru_mask = 3u << (2 * enclave->pkey);
    }
    machine_open(enclave, &rc, err);
    rules_find(enclave);
    return rc;
}

sl_rc sl_emu_create(const struct sl_device_options *options, const struct sl_secs *secs,
                    bool is_bare, struct sl_enclave **ret_enclave, struct sl_err *err)
{
    sl_rc rc = secs_check(secs, err);
    if (rc != SL_OK) {
        return rc;
    }
    if ((getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT) == 0) {
        return sl_err_set(err, SL_UNSUPPORTED,
                          "this processor or kernel has no FSGSBASE (Linux 5.9 or newer)");
    }
    struct emu_enclave *enclave = calloc(1, sizeof(*enclave));
    if (enclave == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "out of memory");
    }
    enclave->common.ops = is_bare ? &sl_device_bare : &sl_device_emu;
    enclave->pkey = -1;
    enclave->is_bare = is_bare;
    enclave->secs = *secs;
    enclave->generation = atomic_fetch_add(&g_generation, 1);
    enclave->ssa_frame_size = (uint64_t)secs->ssa_frame_size * PAGE;
    enclave->pages = calloc(secs->size / PAGE, 1);
    if (enclave->pages == NULL || !sl_emu_region_init()) {
        rc = sl_err_set(err, SL_NO_MEMORY, "out of memory");
        goto out;
    }
    rc = devices_setup(enclave, options, err);
    if (rc == SL_OK) {
        rc = range_reserve(enclave, err);
    }
    if (rc == SL_OK) {
        rc = sl_measure_ecreate(&enclave->measure, secs->size, secs->ssa_frame_size);
    }
    if (rc == SL_OK) {
        sl_emu_signals_adopt();
        *ret_enclave = &enclave->common;
        enclave = NULL;
    }
out:
    if (enclave != NULL) {
        sl_emu_destroy(&enclave->common);
    }
    return rc;
}

void sl_emu_destroy(struct sl_enclave *common)
{
    struct emu_enclave *enclave = (struct emu_enclave *)common;
    if (enclave == NULL) {
        return;
    }
    if (enclave->reserved != NULL) {
        (void)munmap(enclave->reserved, enclave->reserved_size);
    }
    if (enclave->pkey >= 0) {
        (void)pkey_free(enclave->pkey);
    }
    sl_measure_done(&enclave->measure);
    sl_machine_done(&enclave->machine);
    free(enclave->pages);
    free(enclave);
}

const char *const *sl_emu_unenforced(const struct sl_enclave *common)
{
    const struct emu_enclave *enclave = (const struct emu_enclave *)common;
    return enclave->rules;
}
