/* SPDX-License-Identifier: Apache-2.0 */
/* CPUID inside: an enclave cannot execute it, so the host says what the processor has. Its word is
 * copied in once and cut to what is safe to believe: feature bits (a lie there can only end the
 * image by #UD), never sizes or topology, which are constants here. Features without which the
 * crypto would fall back to table lookups are demanded. */
#include "runtime/private.h"

#define BIT(n) (1u << (n))

enum {
    XFRM_AVX = 0x4,
    XFRM_AVX512 = 0xe0,
    FRAME_LEAF_MAX = 0x16,
    EXTENDED_MAX = 8,
};

/* leaf 1 */
#define ECX1_DEMANDED (BIT(0) | BIT(1) | BIT(9) | BIT(19) | BIT(20) | BIT(25) | BIT(30))
/* SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE OSXSAVE AVX F16C RDRAND */
#define ECX1_KNOWN                                                                                 \
    (ECX1_DEMANDED | BIT(12) | BIT(13) | BIT(22) | BIT(23) | BIT(26) | BIT(27) | BIT(28) | BIT(29))
#define ECX1_AVX   (BIT(12) | BIT(28) | BIT(29))
#define EDX1_KNOWN 0x178bfbffu /* FPU..SSE2, HTT, without DS, ACPI, SS, TM, PBE */

/* leaf 7.0: FSGSBASE BMI1 AVX2 BMI2 ERMS AVX512F,DQ RDSEED ADX AVX512IFMA CLFLUSHOPT CLWB AVX512CD
 * SHA AVX512BW,VL. Left out: SGX, HLE, RTM, MPX, SMEP, SMAP, PT. */
#define EBX7_AVX512 (BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31))
#define EBX7_KNOWN                                                                                 \
    (EBX7_AVX512 | BIT(0) | BIT(3) | BIT(5) | BIT(8) | BIT(9) | BIT(18) | BIT(19) | BIT(23) |      \
     BIT(24) | BIT(29))
/* AVX512_VBMI, VBMI2, GFNI, VAES, VPCLMULQDQ, VNNI, BITALG, VPOPCNTDQ */
#define ECX7_AVX512 (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
#define ECX7_KNOWN  (ECX7_AVX512 | BIT(8) | BIT(9) | BIT(10))
#define EDX7_KNOWN  BIT(4) /* fast short REP MOVSB */

static struct {
    uint32_t family; /* leaf 1 EAX */
    uint32_t ecx1, edx1, ebx7, ecx7, edx7, eax_d1;
    uint32_t ecx_81, edx_81;
    uint64_t xfrm;
    uint32_t xsave_size;
} cpu;

static const struct sl_params_cpuid *find(const struct sl_params *params, uint32_t leaf,
                                          uint32_t subleaf)
{
    for (uint32_t i = 0; i < params->header.cpuid_count; i++) {
        if (params->cpuid[i].leaf == leaf && params->cpuid[i].subleaf == subleaf) {
            return &params->cpuid[i];
        }
    }
    return NULL;
}

/* SDM vol. 1, 13.5: offsets of the standard format */
static uint32_t xsave_size(uint64_t xfrm)
{
    static const uint16_t end[8] = {576, 576, 832, 0, 0, 1152, 1664, 2688};
    uint32_t size = 576;
    for (uint32_t i = 2; i < 8; i++) {
        if ((xfrm >> i & 1) != 0 && end[i] > size) {
            size = end[i];
        }
    }
    return size;
}

bool rt_cpuid_init(const struct sl_params *params, uint64_t xfrm)
{
    const struct sl_params_cpuid *one = find(params, 1, 0);
    const struct sl_params_cpuid *seven = find(params, 7, 0);
    const struct sl_params_cpuid *thirteen = find(params, 0xd, 1);
    const struct sl_params_cpuid *extended = find(params, 0x80000001, 0);
    if (one == NULL || seven == NULL || (one->ecx & ECX1_DEMANDED) != ECX1_DEMANDED ||
        (one->edx & BIT(26)) == 0) {
        return false;
    }
    cpu.xfrm = xfrm & 0xe7;
    cpu.xsave_size = xsave_size(cpu.xfrm);
    cpu.family = one->eax;
    cpu.ecx1 = one->ecx & ECX1_KNOWN;
    cpu.edx1 = one->edx & EDX1_KNOWN;
    cpu.ebx7 = seven->ebx & EBX7_KNOWN;
    cpu.ecx7 = seven->ecx & ECX7_KNOWN;
    cpu.edx7 = seven->edx & EDX7_KNOWN;
    cpu.eax_d1 = thirteen != NULL ? thirteen->eax & 0x7 : 0; /* XSAVEOPT, XSAVEC, XGETBV(1) */
    cpu.ecx_81 = extended != NULL ? extended->ecx & (BIT(0) | BIT(5) | BIT(8)) : 0;
    cpu.edx_81 = extended != NULL ? extended->edx & (BIT(11) | BIT(20) | BIT(27) | BIT(29)) : 0;
    if ((cpu.xfrm & XFRM_AVX) == 0) {
        cpu.ecx1 &= ~ECX1_AVX;
        cpu.ebx7 &= ~BIT(5);
        cpu.ecx7 &= ~(BIT(9) | BIT(10));
    }
    if ((cpu.xfrm & XFRM_AVX512) != XFRM_AVX512) {
        cpu.ebx7 &= ~EBX7_AVX512;
        cpu.ecx7 &= ~ECX7_AVX512;
    }
    return true;
}

static void set(uint32_t regs[4], uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
    regs[0] = eax;
    regs[1] = ebx;
    regs[2] = ecx;
    regs[3] = edx;
}

/* Caches as a constant server core has them: 32 KiB, 32 KiB, 1 MiB, 16 MiB. libc tunes its copies
 * by these; a host's choice of them would choose libc's code paths. */
static void leaf4(uint32_t subleaf, uint32_t regs[4])
{
    static const struct {
        uint32_t eax, ways, sets;
    } cache[] = {
        {0x121, 8, 64},
        {0x122, 8, 64},
        {0x143, 16, 1024},
        {0x163, 16, 16384},
    };
    if (subleaf < sizeof(cache) / sizeof(cache[0])) {
        set(regs, cache[subleaf].eax, (cache[subleaf].ways - 1) << 22 | 63, cache[subleaf].sets - 1,
            0);
    }
}

/* XSAVE as SECS.ATTRIBUTES.XFRM makes it, not as the machine has it */
static void leaf_d(uint32_t subleaf, uint32_t regs[4])
{
    static const uint16_t place[8][2] = {{0, 0}, {0, 0},     {256, 576},  {0, 0},
                                         {0, 0}, {64, 1088}, {512, 1152}, {1024, 1664}};
    if (subleaf == 0) {
        set(regs, (uint32_t)cpu.xfrm, cpu.xsave_size, cpu.xsave_size, 0);
    } else if (subleaf == 1) {
        set(regs, cpu.eax_d1, cpu.xsave_size, 0, 0);
    } else if (subleaf < 8 && (cpu.xfrm >> subleaf & 1) != 0) {
        set(regs, place[subleaf][0], place[subleaf][1], 0, 0);
    }
}

void rt_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
    set(ret_regs, 0, 0, 0, 0);
    switch (leaf) {
    case 0: /* "GenuineIntel": the only vendor with enclaves; libc's tuning follows it */
        set(ret_regs, FRAME_LEAF_MAX, 0x756e6547, 0x6c65746e, 0x49656e69);
        break;
    case 1:
        set(ret_regs, cpu.family, 0x00010800, cpu.ecx1, cpu.edx1);
        break;
    case 2: /* "use leaf 4" */
        set(ret_regs, 0x00feff01, 0, 0, 0);
        break;
    case 4:
        leaf4(subleaf, ret_regs);
        break;
    case 7:
        if (subleaf == 0) {
            set(ret_regs, 0, cpu.ebx7, cpu.ecx7, cpu.edx7);
        }
        break;
    case 0xb: /* one processor, one core */
        if (subleaf < 2) {
            set(ret_regs, 0, 1, (subleaf + 1) << 8 | subleaf, 0);
        }
        break;
    case 0xd:
        leaf_d(subleaf, ret_regs);
        break;
    case 0x80000000:
        set(ret_regs, 0x80000000 + EXTENDED_MAX, 0, 0, 0);
        break;
    case 0x80000001:
        set(ret_regs, 0, 0, cpu.ecx_81, cpu.edx_81);
        break;
    case 0x80000008:
        set(ret_regs, 0x302e, 0, 0, 0);
        break;
    default:
        break;
    }
}
