/* SPDX-License-Identifier: Apache-2.0 */
/* Cases about the processor's state: vector registers over AEX, what an entry sets, what an exit
 * leaves behind, exceptions. */
#include "cases.h"

#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/runtime.h"

struct vectors {
    uint8_t zmm[32][64];
} __attribute__((aligned(64)));

/* clang-format off */
#define LOAD(n)  "vmovdqu64 " #n "*64(%[in]), %%zmm" #n "\n\t"
#define STORE(n) "vmovdqu64 %%zmm" #n ", " #n "*64(%[out])\n\t"
#define ALL(X)                                                                                     \
    X(0)                                                                                           \
    X(1)                                                                                           \
    X(2)                                                                                           \
    X(3)                                                                                           \
    X(4)                                                                                           \
    X(5)                                                                                           \
    X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21)    \
        X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define LOAD_Y(n)  "vmovdqu " #n "*64(%[in]), %%ymm" #n "\n\t"
#define STORE_Y(n) "vmovdqu %%ymm" #n ", " #n "*64(%[out])\n\t"
#define ALL_Y(X)                                                                                   \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

/* clang-format on */

static bool has_avx512(void)
{
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_AVX512F) != 0 &&
           (b & bit_AVX512BW) != 0;
}

/* Holds the pattern in every vector and mask register while counting; only interrupts happen here.
 */
static void hold_avx512(const struct vectors *in, struct vectors *out, uint64_t masks[8],
                        uint64_t count)
{
    __asm__ volatile(ALL(LOAD) "kmovq 0(%[k]), %%k1\n\tkmovq 8(%[k]), %%k7\n\t"
                               "1: dec %[count]\n\tjnz 1b\n\t" ALL(
                                   STORE) "kmovq %%k1, 16(%[k])\n\tkmovq %%k7, 24(%[k])\n\t"
                     : [count] "+r"(count)
                     : [in] "r"(in), [out] "r"(out), [k] "r"(masks)
                     : "memory", "cc");
}

static void hold_avx(const struct vectors *in, struct vectors *out, uint64_t count)
{
    __asm__ volatile(ALL_Y(LOAD_Y) "1: dec %[count]\n\tjnz 1b\n\t" ALL_Y(STORE_Y)
                     : [count] "+r"(count)
                     : [in] "r"(in), [out] "r"(out)
                     : "memory", "cc");
}

int case_aex(int argc, char **argv)
{
    static struct vectors in;
    static struct vectors out;
    uint64_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 50;
    bool is_512 = has_avx512();
    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof(in); i++) {
            in.zmm[i / 64][i % 64] = (uint8_t)(i * 7 + round);
        }
        memset(&out, 0, sizeof(out));
        if (is_512) {
            uint64_t masks[8] = {0x123456789abcdef0 + round, ~round, 0, 0};
            hold_avx512(&in, &out, masks, 2000000);
            check(masks[2] == masks[0] && masks[3] == masks[1]);
            check(memcmp(&in, &out, sizeof(in)) == 0);
        } else {
            hold_avx(&in, &out, 2000000);
            for (int r = 0; r < 16; r++) {
                check(memcmp(in.zmm[r], out.zmm[r], 32) == 0);
            }
        }
    }
    printf("vectors of %d bits\n", is_512 ? 512 : 256);
    return 0;
}

static void read_control(uint32_t *ret_mxcsr, uint16_t *ret_fcw, uint16_t *ret_ftw,
                         uint64_t *ret_flags)
{
    struct {
        uint16_t fcw, r1, fsw, r2, ftw, r3[9];
    } env;
    __asm__ volatile("fnstenv %0\n\tfldenv %0" : "+m"(env));
    __asm__ volatile("stmxcsr %0" : "=m"(*ret_mxcsr));
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(*ret_flags));
    *ret_fcw = env.fcw;
    *ret_ftw = env.ftw;
}

/* The host enters with poisoned control words; own ones survive a call to the host. */
int case_abi(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    uint32_t mxcsr = 0;
    uint16_t fcw = 0;
    uint16_t ftw = 0;
    uint64_t flags = 0;
    read_control(&mxcsr, &fcw, &ftw, &flags);
    check((mxcsr & ~0x3fu) == 0x1f80 && fcw == 0x37f && ftw == 0xffff);
    sl_rt_wait(SL_RT_WAIT_SHARD, 0, 0);
    read_control(&mxcsr, &fcw, &ftw, &flags);
    check((mxcsr & ~0x3fu) == 0x1f80 && fcw == 0x37f && ftw == 0xffff);
    check((flags & 0x40400) == 0); /* DF, AC */
    const uint32_t own = 0x1f80 | 0x6000;
    const uint16_t own_fcw = 0xf7f;
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(own), "m"(own_fcw));
    sl_rt_wait(SL_RT_WAIT_SHARD, 0, 0);
    read_control(&mxcsr, &fcw, &ftw, &flags);
    check((mxcsr & ~0x3fu) == own && fcw == own_fcw);
    return 0;
}

/* Leaves with a secret in every register that the compiler may have used. */
int case_scrub(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static struct vectors secret;
    static struct vectors out;
    memset(&secret, 0x5e, sizeof(secret));
    if (has_avx512()) {
        uint64_t masks[8] = {0x5e5e5e5e5e5e5e5e, 0x5e5e5e5e5e5e5e5e};
        hold_avx512(&secret, &out, masks, 1);
    } else {
        hold_avx(&secret, &out, 1);
    }
    __asm__ volatile("movq %0, %%r8\n\tmovq %0, %%r9\n\tmovq %0, %%r10\n\tmovq %0, %%r11\n\t"
                     "movq %0, %%rax\n\tmovq %0, %%rcx"
                     :
                     : "r"(0x5e5e5e5e5e5e5e5eull)
                     : "rax", "rcx", "r8", "r9", "r10", "r11");
    sl_rt_wait(SL_RT_WAIT_SHARD, 0x5ec, 0);
    (void)write(1, "x\n", 2); /* and from the exception handler, which copied it */
    return 0;
}

/* The handler itself faults: on an address that the image gave it. */
int case_nested(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return (int)syscall(SYS_write, 1, (void *)16, 100);
}

int case_divide(int argc, char **argv)
{
    (void)argv;
    uint32_t zero = (uint32_t)argc - (uint32_t)argc;
    uint32_t result;
    __asm__ volatile("xorl %%edx, %%edx\n\tdivl %1"
                     : "=a"(result)
                     : "r"(zero), "a"(1)
                     : "rdx", "cc");
    return (int)result;
}

int case_illegal(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    __asm__ volatile("ud2");
    return 1;
}

int case_int80(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    uint64_t result = SYS_getpid;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return 1;
}

int case_cpuid(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    check(__get_cpuid_count(1, 0, &a, &b, &c, &d) != 0);
    check((c & bit_RDRND) != 0 && (c & bit_AES) != 0 && (c & bit_SSE4_1) != 0);
    printf("leaf 1 ecx %08x\n", c);
    check(__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0);
    printf("leaf 7 ebx %08x\n", b);
    __cpuid_count(0xd, 0, a, b, c, d);
    printf("leaf 13 xfrm %08x size %u\n", a, b);
    return 0;
}
