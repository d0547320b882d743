/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Direct speed: after EINIT has measured the image, each ENCLU[EEXIT] that its layout page lists is
 * replaced by a jump to a trampoline behind the range, which leaves without a signal. What is
 * measured, signed and reported stays the original.
 */
#include "device/emu/emu.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/layout.h"

enum {
    ENCLU_OFF = 39, /* in the trampoline below */
    STUBS_OFF = 7,
    LIMIT_OFF = 24,
    JUMP_SIZE = 5,
    STUB_REGION_SIZE = 1024 * EMU_STUB_SIZE,
};

/* EEXIT to where EENTER told to return goes on in the thread's stub. All else is a real ENCLU,
 * which the signal handler takes for the one at the site. */
static const uint8_t g_trampoline[] = {
    0x83, 0xf8, 0x04, /*  0 cmp $EEXIT, %eax */
    0x75, 0x22,       /*  3 jne ENCLU */
    0x49, 0xbb, 0,    0,
    0,    0,    0,    0,
    0,    0,          /*  5 movabs $stubs, %r11 */
    0x49, 0x89, 0xda, /* 15 mov %rbx, %r10 */
    0x4d, 0x29, 0xda, /* 18 sub %r11, %r10 */
    0x49, 0x81, 0xfa, 0,
    0,    0,    0,                       /* 21 cmp $stubs_size, %r10 */
    0x73, 0x09,                          /* 28 jae ENCLU */
    0x41, 0xf6, 0xc2, EMU_STUB_SIZE - 1, /* 30 test $31, %r10b */
    0x75, 0x03,                          /* 34 jne ENCLU */
    0xff, 0xe3,                          /* 36 jmp *%rbx */
    0xcc,                                /* 38 */
    0x0f, 0x01, 0xd7,                    /* 39 ENCLU */
    0x0f, 0x0b,                          /* 42 ud2 */
};
_Static_assert(sizeof(g_trampoline) <= EMU_TRAMPOLINE_SIZE, "one slot each");

static bool is_site(const struct emu_enclave *enclave, const struct sl_layout_site *site)
{
    const uint64_t off = site->off;
    return site->leaf == SL_EEXIT && site->size == SL_LAYOUT_SITE_SIZE &&
           off < enclave->common.size && off % SL_LAYOUT_SITE_SIZE == 0 &&
           (enclave->pages[off / SL_SGX_PAGE_SIZE] & SL_SECINFO_X) != 0;
}

static int protect(const struct emu_enclave *enclave, uint64_t off, int prot, int pkey)
{
    uint8_t *page = enclave->common.base + (off & ~(uint64_t)(SL_SGX_PAGE_SIZE - 1));
    return enclave->pkey >= 0 ? pkey_mprotect(page, SL_SGX_PAGE_SIZE, prot, pkey)
                              : mprotect(page, SL_SGX_PAGE_SIZE, prot);
}

static bool site_patch(struct emu_enclave *enclave, uint64_t off, uint32_t index)
{
    uint8_t *site = enclave->common.base + off;
    uint8_t *trampoline = enclave->trampolines + (size_t)index * EMU_TRAMPOLINE_SIZE;
    const uint64_t stubs = sl_emu_stub_base();
    const uint32_t limit = STUB_REGION_SIZE;
    const int64_t distance = trampoline - (site + JUMP_SIZE);
    const uint8_t flags = enclave->pages[off / SL_SGX_PAGE_SIZE];
    const int final = ((flags & SL_SECINFO_R) != 0 ? PROT_READ : 0) | PROT_EXEC;
    if (distance > INT32_MAX) {
        return true; /* out of a jump's reach: by signal */
    }
    if (protect(enclave, off, PROT_READ | PROT_WRITE, 0) != 0) {
        return false;
    }
    if (memcmp(site, "\x0f\x01\xd7", 3) == 0) {
        const int32_t relative = (int32_t)distance;
        memcpy(trampoline, g_trampoline, sizeof(g_trampoline));
        memcpy(trampoline + STUBS_OFF, &stubs, sizeof(stubs));
        memcpy(trampoline + LIMIT_OFF, &limit, sizeof(limit));
        site[0] = 0xe9; /* jmp rel32 */
        memcpy(site + 1, &relative, sizeof(relative));
        enclave->sites[index] = off;
    }
    return protect(enclave, off, final, enclave->pkey) == 0;
}

sl_rc sl_emu_patch(struct emu_enclave *enclave, struct sl_err *err)
{
    struct sl_layout layout;
    uint8_t *page = enclave->common.base;
    bool is_ok = true;
    if ((enclave->pages[0] & (SL_SECINFO_R | EMU_PAGE_TCS)) != SL_SECINFO_R) {
        return SL_OK; /* no layout page: every EEXIT by signal */
    }
    const int prot = PROT_READ | ((enclave->pages[0] & SL_SECINFO_X) != 0 ? PROT_EXEC : 0) |
                     ((enclave->pages[0] & SL_SECINFO_W) != 0 ? PROT_WRITE : 0);
    if (protect(enclave, 0, PROT_READ, 0) != 0) {
        return sl_err_set(err, SL_NO_MEMORY, "mprotect: %s", strerror(errno));
    }
    memcpy(&layout, page, sizeof(layout));
    if (protect(enclave, 0, prot, enclave->pkey) != 0 ||
        mprotect(enclave->trampolines, SL_SGX_PAGE_SIZE, PROT_READ | PROT_WRITE) != 0) {
        return sl_err_set(err, SL_NO_MEMORY, "mprotect: %s", strerror(errno));
    }
    memset(enclave->trampolines, 0xcc, SL_SGX_PAGE_SIZE);
    if (layout.magic == SL_LAYOUT_MAGIC && layout.version == SL_LAYOUT_VERSION) {
        for (uint32_t i = 0; i < layout.site_count && i < SL_LAYOUT_SITES_MAX; i++) {
            if (is_site(enclave, &layout.site[i])) {
                is_ok = is_ok && site_patch(enclave, layout.site[i].off, i);
            }
        }
    }
    if (!is_ok || mprotect(enclave->trampolines, SL_SGX_PAGE_SIZE, PROT_READ | PROT_EXEC) != 0) {
        return sl_err_set(err, SL_NO_MEMORY, "cannot patch the EEXIT sites: %s", strerror(errno));
    }
    return SL_OK;
}

uint64_t sl_emu_patch_origin(const struct emu_enclave *enclave, uint64_t rip)
{
    const uint64_t off = rip - (uint64_t)enclave->trampolines;
    if (off >= (uint64_t)SL_LAYOUT_SITES_MAX * EMU_TRAMPOLINE_SIZE ||
        off % EMU_TRAMPOLINE_SIZE != ENCLU_OFF || enclave->sites[off / EMU_TRAMPOLINE_SIZE] == 0) {
        return 0;
    }
    return (uint64_t)enclave->common.base + enclave->sites[off / EMU_TRAMPOLINE_SIZE];
}
