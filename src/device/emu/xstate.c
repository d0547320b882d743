/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * XSAVE areas between the kernel's signal frame and the enclave's SSA frame, component by component
 * in the standard format. What comes out of an SSA frame is checked as XRSTOR checks it.
 */
#include "device/emu/emu.h"

#include <cpuid.h>
#include <string.h>

enum {
    LEGACY_USED = 416, /* x87, MXCSR, XMM: the rest of the 512 bytes is software's */
    HEADER_OFF = 512,  /* XSTATE_BV, XCOMP_BV, 48 bytes that are 0 */
    HEADER_SIZE = 64,
    SW_OFF = 464, /* the kernel's struct _fpx_sw_bytes */
    MXCSR_OFF = 24,
    PKRU_BIT = 9,
};

static struct emu_xstate g_xstate;
static pthread_once_t g_once = PTHREAD_ONCE_INIT;

static void ask_cpuid(void)
{
    uint32_t a, b, c, d;
    uint8_t legacy[512] __attribute__((aligned(16))) = {0};
    __asm__ volatile("fxsave %0" : "=m"(legacy));
    memcpy(&g_xstate.mxcsr_mask, legacy + 28, 4);
    if (g_xstate.mxcsr_mask == 0) {
        g_xstate.mxcsr_mask = 0xffbf; /* SDM vol. 1 11.6.6 */
    }
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    g_xstate.xcr0 = (uint64_t)d << 32 | a;
    for (uint32_t i = 2; i < 63; i++) {
        if ((g_xstate.xcr0 >> i & 1) != 0) {
            __cpuid_count(0xd, i, a, b, c, d);
            g_xstate.size[i] = a;
            g_xstate.off[i] = b;
        }
    }
}

const struct emu_xstate *sl_emu_xstate(void)
{
    (void)pthread_once(&g_once, ask_cpuid);
    return &g_xstate;
}

uint32_t sl_emu_xsave_size(uint64_t xfrm)
{
    const struct emu_xstate *x = sl_emu_xstate();
    uint32_t size = HEADER_OFF + HEADER_SIZE;
    for (uint32_t i = 2; i < 63; i++) {
        if ((xfrm >> i & 1) != 0 && x->off[i] + x->size[i] > size) {
            size = x->off[i] + x->size[i];
        }
    }
    return size;
}

/* Bytes of the kernel's frame that may be touched; 0 where it has only the legacy 512. */
static uint32_t frame_size(const uint8_t *frame)
{
    struct _fpx_sw_bytes sw;
    memcpy(&sw, frame + SW_OFF, sizeof(sw));
    return sw.magic1 == FP_XSTATE_MAGIC1 ? sw.xstate_size : 0;
}

static bool has_component(const struct emu_xstate *x, uint64_t mask, uint32_t i, uint32_t limit)
{
    return (mask >> i & 1) != 0 && x->size[i] != 0 && x->off[i] + x->size[i] <= limit;
}

void sl_emu_xsave_store(uint8_t *ssa, const uint8_t *frame, uint64_t xfrm)
{
    const struct emu_xstate *x = &g_xstate;
    uint32_t limit = frame_size(frame);
    uint64_t bv = 3;
    if (limit != 0) {
        memcpy(&bv, frame + HEADER_OFF, sizeof(bv));
    }
    memcpy(ssa, frame, LEGACY_USED);
    memset(ssa + LEGACY_USED, 0, HEADER_OFF + HEADER_SIZE - LEGACY_USED);
    bv &= xfrm;
    memcpy(ssa + HEADER_OFF, &bv, sizeof(bv));
    for (uint32_t i = 2; i < 63; i++) {
        if (has_component(x, bv, i, limit)) {
            memcpy(ssa + x->off[i], frame + x->off[i], x->size[i]);
        }
    }
}

bool sl_emu_xsave_load(uint8_t *frame, const uint8_t *ssa, uint64_t xfrm)
{
    const struct emu_xstate *x = &g_xstate;
    uint32_t limit = frame_size(frame);
    uint64_t header[8];
    uint64_t kept = 0;
    uint32_t mxcsr;
    memcpy(header, ssa + HEADER_OFF, sizeof(header));
    memcpy(&mxcsr, ssa + MXCSR_OFF, sizeof(mxcsr));
    /* SDM vol. 1 13.8.1: the standard form of XRSTOR raises #GP on any of these. */
    uint64_t rest = 0;
    for (int i = 1; i < 8; i++) {
        rest |= header[i];
    }
    if (rest != 0 || (header[0] & ~xfrm) != 0 || (mxcsr & ~x->mxcsr_mask) != 0) {
        return false;
    }
    if (limit != 0) {
        memcpy(&kept, frame + HEADER_OFF, sizeof(kept));
        kept = (kept & 1ull << PKRU_BIT) | header[0];
        memcpy(frame + HEADER_OFF, &kept, sizeof(kept));
    }
    memcpy(frame, ssa, LEGACY_USED);
    for (uint32_t i = 2; i < 63; i++) {
        if (has_component(x, header[0], i, limit)) {
            memcpy(frame + x->off[i], ssa + x->off[i], x->size[i]);
        }
    }
    return true;
}

void sl_emu_xsave_reset(uint8_t *frame)
{
    const uint32_t mxcsr = 0x1f80;
    const uint16_t fcw = 0x37f;
    uint64_t bv;
    memset(frame, 0, LEGACY_USED);
    memcpy(frame, &fcw, sizeof(fcw));
    memcpy(frame + MXCSR_OFF, &mxcsr, sizeof(mxcsr));
    const uint32_t limit = frame_size(frame);
    if (limit != 0) {
        memcpy(&bv, frame + HEADER_OFF, sizeof(bv));
        bv &= 1ull << PKRU_BIT;
        memcpy(frame + HEADER_OFF, &bv, sizeof(bv));
    }
    /* XSTATE_BV alone would leave the enclave's upper halves in the frame that the host sees */
    for (uint32_t i = 2; i < 63; i++) {
        if (i != PKRU_BIT && has_component(&g_xstate, ~0ull, i, limit)) {
            memset(frame + g_xstate.off[i], 0, g_xstate.size[i]);
        }
    }
}

void sl_emu_xsave_pkru(uint8_t *frame, uint32_t pkru)
{
    const struct emu_xstate *x = &g_xstate;
    uint64_t bv;
    if (!has_component(x, 1ull << PKRU_BIT, PKRU_BIT, frame_size(frame))) {
        return;
    }
    memcpy(&bv, frame + HEADER_OFF, sizeof(bv));
    bv |= 1ull << PKRU_BIT;
    memcpy(frame + HEADER_OFF, &bv, sizeof(bv));
    memcpy(frame + x->off[PKRU_BIT], &pkru, sizeof(pkru));
}
