/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Building an emulated enclave: ECREATE, EADD with EEXTEND, and EINIT, with the checks of the
 * processor (SDM vol. 3D, chapter 41). Pages are host memory that only the range's protection and a
 * protection key keep apart: nobody who controls this process is kept out.
 */
#include "device/emu/emu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
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
    PAGE = SL_SGX_PAGE_SIZE,
    RWX = SL_SECINFO_R | SL_SECINFO_W | SL_SECINFO_X,
    TCS_DBGOPTIN = 1,
};

static _Atomic uint64_t g_generation = 1;

static bool is_zero(const void *data, size_t size)
{
    const uint8_t *p = data;
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= p[i];
    }
    return any == 0;
}

static bool is_xfrm_legal(uint64_t xfrm)
{
    /* "IF XFRM is illegal": what XSETBV would refuse, or more than XCR0 has. */
    return (xfrm & XFRM_LEGACY) == XFRM_LEGACY && (xfrm & ~sl_emu_xstate()->xcr0) == 0 &&
           ((xfrm & XFRM_MPX) == 0 || (xfrm & XFRM_MPX) == XFRM_MPX) &&
           ((xfrm & XFRM_AVX512) == 0 ||
            ((xfrm & XFRM_AVX512) == XFRM_AVX512 && (xfrm & XFRM_AVX) != 0));
}

static sl_rc secs_check(const struct sl_secs *secs, struct sl_err *err)
{
    const uint64_t flags = secs->attributes.flags;
    const uint64_t used = sl_emu_xsave_size(secs->attributes.xfrm) + sizeof(struct sl_ssa_gpr) +
                          ((secs->misc_select & MISC_EXINFO) != 0 ? MISC_EXINFO_SIZE : 0);
    if (secs->size < 2 * PAGE || (secs->size & (secs->size - 1)) != 0 ||
        secs->size > ENCLAVE_SIZE_MAX) {
        return sl_err_set(err, SL_INVALID,
                          "ECREATE: size %#llx is not a power of two of 2 pages or more",
                          (unsigned long long)secs->size);
    }
    if ((secs->base & (secs->size - 1)) != 0 || secs->base >> 47 != 0) {
        return sl_err_set(err, SL_INVALID, "ECREATE: base %#llx is not aligned to the size %#llx",
                          (unsigned long long)secs->base, (unsigned long long)secs->size);
    }
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
    if ((uint64_t)secs->ssa_frame_size * PAGE < used || secs->ssa_frame_size > 16) {
        return sl_err_set(err, SL_INVALID,
                          "ECREATE: SSAFRAMESIZE of %u pages does not fit %llu bytes",
                          secs->ssa_frame_size, (unsigned long long)used);
    }
    if (!is_zero(secs->reserved1, sizeof(secs->reserved1)) ||
        !is_zero(secs->reserved2, sizeof(secs->reserved2)) ||
        !is_zero(secs->reserved3, sizeof(secs->reserved3)) ||
        !is_zero(secs->reserved4, sizeof(secs->reserved4))) {
        return sl_err_set(err, SL_INVALID, "ECREATE: reserved bytes of SECS are not zero");
    }
    if ((flags & SL_ATTR_KSS) == 0 &&
        (secs->config_svn != 0 || !is_zero(secs->config_id, sizeof(secs->config_id)))) {
        return sl_err_set(err, SL_INVALID, "ECREATE: CONFIGID or CONFIGSVN without ATTRIBUTES.KSS");
    }
    return SL_OK;
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
        rule_add(enclave, "no protection keys: the host process can read and write enclave memory");
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

/* --- EADD and EEXTEND --------------------------------------------------------------------- */

static sl_rc tcs_check(const struct sl_tcs *tcs, uint64_t off, struct sl_err *err)
{
    if (!is_zero(tcs->reserved, sizeof(tcs->reserved)) ||
        (tcs->flags & ~(uint64_t)TCS_DBGOPTIN) != 0) {
        return sl_err_set(err, SL_INVALID,
                          "EADD: TCS at %#llx: reserved bytes or flags are not zero",
                          (unsigned long long)off);
    }
    if (tcs->ossa % PAGE != 0 || tcs->ofs_base % PAGE != 0 || tcs->ogs_base % PAGE != 0) {
        return sl_err_set(err, SL_INVALID,
                          "EADD: TCS at %#llx: OSSA, OFSBASGX or OGSBASGX is not page-aligned",
                          (unsigned long long)off);
    }
    return SL_OK;
}

static sl_rc flags_check(uint64_t flags, struct sl_err *err)
{
    const uint64_t type = flags & 0xff00;
    const char *problem = NULL;
    if ((flags & ~(uint64_t)(0xff00 | RWX)) != 0) {
        problem = "reserved bits set";
    } else if (type != SL_SECINFO_PT_REG && type != SL_SECINFO_PT_TCS) {
        problem = "page type is neither PT_REG nor PT_TCS";
    } else if (type == SL_SECINFO_PT_TCS && (flags & RWX) != 0) {
        problem = "a TCS has no R, W or X";
    } else if ((flags & SL_SECINFO_W) != 0 && (flags & SL_SECINFO_R) == 0) {
        problem = "W without R";
    } else if ((flags & SL_SECINFO_W) != 0 && (flags & SL_SECINFO_X) != 0) {
        return sl_err_set(err, SL_DENIED,
                          "EADD: SECINFO %#llx: a page may not be writable and executable",
                          (unsigned long long)flags);
    }
    if (problem != NULL) {
        return sl_err_set(err, SL_INVALID, "EADD: SECINFO %#llx: %s", (unsigned long long)flags,
                          problem);
    }
    return SL_OK;
}

static sl_rc eadd_check(const struct emu_enclave *enclave, uint64_t off, const uint8_t *content,
                        uint64_t size, uint64_t flags, struct sl_err *err)
{
    if (enclave->is_init || enclave->measure.is_final) {
        return sl_err_set(err, SL_STATE, "EADD: the enclave is initialised already");
    }
    if (off % PAGE != 0 || size % PAGE != 0 || size == 0 || off >= enclave->common.size ||
        size > enclave->common.size - off) {
        return sl_err_set(err, SL_RANGE, "EADD: %#llx bytes at %#llx are not pages of the range",
                          (unsigned long long)size, (unsigned long long)off);
    }
    sl_rc rc = flags_check(flags, err);
    if (rc != SL_OK) {
        return rc;
    }
    const bool is_tcs = (flags & 0xff00) == SL_SECINFO_PT_TCS;
    if (is_tcs && enclave->tcs_count + size / PAGE > EMU_TCS_MAX) {
        return sl_err_set(err, SL_NO_SPACE, "EADD: more than %d TCSs", EMU_TCS_MAX);
    }
    for (uint64_t at = 0; at < size; at += PAGE) {
        if (enclave->pages[(off + at) / PAGE] != 0) {
            return sl_err_set(err, SL_EXISTS, "EADD: the page at %#llx is there already",
                              (unsigned long long)(off + at));
        }
        if (is_tcs && content != NULL) {
            rc = tcs_check((const struct sl_tcs *)(const void *)(content + at), off + at, err);
            if (rc != SL_OK) {
                return rc;
            }
        }
    }
    return SL_OK;
}

static int prot_of(uint64_t flags)
{
    return ((flags & SL_SECINFO_R) != 0 ? PROT_READ : 0) |
           ((flags & SL_SECINFO_W) != 0 ? PROT_WRITE : 0) |
           ((flags & SL_SECINFO_X) != 0 ? PROT_EXEC : 0);
}

static int protect(const struct emu_enclave *enclave, uint8_t *addr, size_t size, int prot)
{
    return enclave->pkey >= 0 ? pkey_mprotect(addr, size, prot, enclave->pkey)
                              : mprotect(addr, size, prot);
}

/* A TCS page itself stays inaccessible: what counts is out of software's reach. */
static void tcs_add(struct emu_enclave *enclave, uint64_t off, const uint8_t *content)
{
    struct sl_tcs tcs = {0};
    if (content != NULL) {
        memcpy(&tcs, content, sizeof(tcs));
    }
    struct emu_tcs *out = &enclave->tcs[enclave->tcs_count++];
    *out = (struct emu_tcs){.off = off,
                            .ossa = tcs.ossa,
                            .oentry = tcs.oentry,
                            .ofs_base = tcs.ofs_base,
                            .ogs_base = tcs.ogs_base,
                            .nssa = tcs.nssa};
}

sl_rc sl_emu_add_pages(struct sl_enclave *common, uint64_t off, const uint8_t *content,
                       uint64_t size, uint64_t secinfo_flags, bool is_measured, struct sl_err *err)
{
    struct emu_enclave *enclave = (struct emu_enclave *)common;
    const bool is_tcs = (secinfo_flags & 0xff00) == SL_SECINFO_PT_TCS;
    uint8_t *page = common->base + off;
    sl_rc rc = eadd_check(enclave, off, content, size, secinfo_flags, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_measure_pages(&enclave->measure, off, content, size, secinfo_flags, is_measured);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "EADD: cannot measure the pages at %#llx",
                          (unsigned long long)off);
    }
    if (!is_tcs) {
        if (content != NULL) {
            if (mprotect(page, size, PROT_READ | PROT_WRITE) != 0) {
                return sl_err_set(err, SL_NO_MEMORY, "EADD: mprotect: %s", strerror(errno));
            }
            memcpy(page, content, size);
        }
        if (protect(enclave, page, size, prot_of(secinfo_flags)) != 0) {
            return sl_err_set(err, SL_NO_MEMORY, "EADD: mprotect: %s", strerror(errno));
        }
    }
    for (uint64_t at = 0; at < size; at += PAGE) {
        enclave->pages[(off + at) / PAGE] =
            (uint8_t)(EMU_PAGE_ADDED | (is_tcs ? EMU_PAGE_TCS : (int)(secinfo_flags & RWX)));
        if (is_tcs) {
            tcs_add(enclave, off + at, content == NULL ? NULL : content + at);
        }
    }
    return SL_OK;
}

/* --- EINIT -------------------------------------------------------------------------------- */

static void identity_take(struct emu_enclave *enclave, const struct sl_sigstruct *sig)
{
    enclave->secs.isv_prod_id = sig->isv_prod_id;
    enclave->secs.isv_svn = sig->isv_svn;
    if ((enclave->secs.attributes.flags & SL_ATTR_KSS) != 0) {
        memcpy(enclave->isv_family_id, sig->isv_family_id, sizeof(enclave->isv_family_id));
        memcpy(enclave->isv_ext_prod_id, sig->isv_ext_prod_id, sizeof(enclave->isv_ext_prod_id));
    }
}

sl_rc sl_emu_init(struct sl_enclave *common, const struct sl_sigstruct *sigstruct,
                  struct sl_err *err)
{
    struct emu_enclave *enclave = (struct emu_enclave *)common;
    uint32_t error = 0;
    sl_rc rc = SL_OK;
    if (enclave->is_init) {
        return sl_err_set(err, SL_STATE, "EINIT: the enclave is initialised already");
    }
    if (!enclave->measure.is_final) {
        rc = sl_measure_final(&enclave->measure, enclave->secs.mrenclave);
        if (rc != SL_OK) {
            return sl_err_set(err, rc, "EINIT: cannot finish the measurement");
        }
    }
    if (sigstruct == NULL && !enclave->is_bare) {
        return sl_err_set(err, SL_INVALID, "EINIT: no SIGSTRUCT");
    }
    if (!enclave->is_bare) {
        rc = sl_sigstruct_einit(sigstruct, &enclave->secs, enclave->secs.mrenclave, &error, err);
        if (rc != SL_OK) {
            return sl_err_prefix(err, "EINIT: %s", sl_sgx_error_name(error));
        }
    }
    if (sigstruct != NULL) {
        rc = sl_sigstruct_mrsigner(sigstruct, enclave->secs.mrsigner);
        if (rc != SL_OK) {
            return sl_err_set(err, rc, "EINIT: cannot hash the signer's key");
        }
        identity_take(enclave, sigstruct);
    }
    if (enclave->is_direct) {
        rc = sl_emu_patch(enclave, err);
        if (rc != SL_OK) {
            return rc;
        }
    }
    enclave->secs.attributes.flags |= SL_ATTR_INIT;
    enclave->is_init = true;
    return SL_OK;
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
