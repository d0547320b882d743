/* SPDX-License-Identifier: Apache-2.0 */
/* The hardware device: what is missing and what to do, the register convention, and, where there is
 * hardware, a whole small enclave (skipped and counted otherwise). */
#include "unit.h"

#include <errno.h>

#include <openssl/evp.h>

#include "device/measure.h"
#include "device/sgx/sgx.h"
#include "device/sigstruct.h"

static void test_judge_each_lack_has_its_sentence(void **state)
{
    (void)state;
    static const struct {
        struct sl_sgx_facts facts;
        sl_rc rc;
        const char *text;
    } cases[] = {
        {{false, false, ENOENT, false}, SL_UNSUPPORTED, "BIOS"},
        {{true, false, 0, true}, SL_UNSUPPORTED, "launch control"},
        {{true, true, ENOENT, false}, SL_NOT_FOUND, "CONFIG_X86_SGX"},
        {{true, true, EACCES, true}, SL_DENIED, "group sgx"},
        {{true, true, EPERM, true}, SL_DENIED, "cgroup"},
        {{true, true, ENODEV, true}, SL_NOT_FOUND, "no driver answers"},
        {{true, true, EIO, true}, SL_IO, "Input/output"},
        {{true, true, 0, false}, SL_NOT_FOUND, "vDSO"},
        {{true, true, 0, true}, SL_OK, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_err err = {0};
        assert_rc(sl_sgx_judge(&cases[i].facts, &err), cases[i].rc);
        assert_non_null(strstr(err.text, cases[i].text));
    }
}

/* Stands for the vDSO: called with its convention, it leaves every register scrubbed as an image
 * would, DF set and rounding changed. */
int fake_vdso(unsigned long rdi, unsigned long rsi, unsigned long rdx, unsigned function,
              unsigned long r8, unsigned long r9, struct sgx_enclave_run *run);
__asm__(".text\n"
        ".globl fake_vdso\n"
        ".type fake_vdso, @function\n"
        "fake_vdso:\n"
        "    mov 8(%rsp), %rax\n"  /* run: the seventh argument */
        "    mov %rdi, 40(%rax)\n" /* reserved[0]: what arrived */
        "    mov %rsi, 48(%rax)\n"
        "    mov %rdx, 56(%rax)\n"
        "    mov %ecx, 64(%rax)\n"
        "    mov %r8, 72(%rax)\n"
        "    mov %r9, 80(%rax)\n"
        "    lea 8(%rsp), %rcx\n"
        "    and $15, %ecx\n"
        "    mov %ecx, 68(%rax)\n"     /* RSP mod 16 before the call */
        "    movl $4, 8(%rax)\n"       /* function = EEXIT */
        "    movl $0x7f80, -8(%rsp)\n" /* round to zero */
        "    ldmxcsr -8(%rsp)\n"
        "    movw $0x0c7f, -8(%rsp)\n"
        "    fldcw -8(%rsp)\n"
        "    xor %ebx, %ebx\n"
        "    xor %r12d, %r12d\n"
        "    xor %r13d, %r13d\n"
        "    xor %r14d, %r14d\n"
        "    xor %r15d, %r15d\n"
        "    mov $0x111, %edi\n"
        "    mov $0x222, %esi\n"
        "    mov $0x333, %edx\n"
        "    std\n"
        "    mov $-22, %eax\n"
        "    ret\n"
        ".size fake_vdso, . - fake_vdso\n");

struct arrived {
    uint64_t rdi, rsi, rdx;
    uint32_t function, rsp_mod_16;
    uint64_t r8, r9;
};

/* By name from the inline assembly, which has no register left for their addresses. */
extern uint64_t test_kept[5], test_after[5];
uint64_t test_kept[5] = {0xb0, 0xc1, 0xd2, 0xe3, 0xf4};
uint64_t test_after[5];

static void test_enter_call_passes_and_preserves_registers(void **state)
{
    (void)state;
    struct sl_enter_regs regs = {.rdi = 1, .rsi = 2, .rdx = 3, .r8 = 4, .r9 = 5};
    struct sgx_enclave_run run = {0};
    struct arrived arrived;
    uintptr_t vdso = (uintptr_t)fake_vdso;
    struct sl_enter_regs *regs_at = &regs;
    struct sgx_enclave_run *run_at = &run;
    long leaf = SL_EENTER;
    uint64_t flags = 0;
    uint32_t mxcsr[2];
    uint16_t control[2];
    long ret;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr[0]), "=m"(control[0]));
    __asm__ volatile("mov test_kept(%%rip), %%rbx\n\t"
                     "mov test_kept+8(%%rip), %%r12\n\t"
                     "mov test_kept+16(%%rip), %%r13\n\t"
                     "mov test_kept+24(%%rip), %%r14\n\t"
                     "mov test_kept+32(%%rip), %%r15\n\t"
                     "call sl_sgx_enter_call\n\t"
                     "mov %%rbx, test_after(%%rip)\n\t"
                     "mov %%r12, test_after+8(%%rip)\n\t"
                     "mov %%r13, test_after+16(%%rip)\n\t"
                     "mov %%r14, test_after+24(%%rip)\n\t"
                     "mov %%r15, test_after+32(%%rip)\n\t"
                     : "=a"(ret), "+D"(vdso), "+S"(regs_at), "+d"(leaf), "+c"(run_at)
                     :
                     : "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr[1]), "=m"(control[1]));
    __asm__ volatile("pushfq\n\tpop %0" : "=r"(flags));
    assert_int_equal((int)ret, -22);
    memcpy(&arrived, run.reserved, sizeof(arrived));
    assert_int_equal(arrived.rdi, 1);
    assert_int_equal(arrived.rsi, 2);
    assert_int_equal(arrived.rdx, 3);
    assert_int_equal(arrived.r8, 4);
    assert_int_equal(arrived.r9, 5);
    assert_int_equal(arrived.function, SL_EENTER);
    assert_int_equal(arrived.rsp_mod_16, 0);
    assert_int_equal(run.function, SL_EEXIT);
    assert_int_equal(regs.rdi, 0x111);
    assert_int_equal(regs.rsi, 0x222);
    assert_int_equal(regs.rdx, 0x333);
    assert_memory_equal(test_kept, test_after, sizeof(test_kept));
    assert_int_equal(flags & 0x400, 0);
    assert_int_equal(mxcsr[0], mxcsr[1]);
    assert_int_equal(control[0], control[1]);
}

static const struct sl_sigstruct *sign_page(const struct sl_secs *secs, const uint8_t *page,
                                            const struct sl_tcs *tcs, struct sl_sigstruct *sig)
{
    struct sl_err err = {0};
    struct sl_measure m = {0};
    EVP_PKEY *key = NULL;
    struct sl_sigstruct_params params = {.attributes = secs->attributes,
                                         .attributes_mask = {.flags = ~0ull, .xfrm = ~0ull}};
    assert_ok(sl_measure_ecreate(&m, secs->size, secs->ssa_frame_size));
    assert_ok(
        sl_measure_pages(&m, 0, page, 4096, SL_SECINFO_PT_REG | SL_SECINFO_R | SL_SECINFO_X, true));
    assert_ok(sl_measure_pages(&m, 0x1000, (const uint8_t *)tcs, 4096, SL_SECINFO_PT_TCS, true));
    assert_ok(sl_measure_pages(&m, 0x2000, NULL, 4096,
                               SL_SECINFO_PT_REG | SL_SECINFO_R | SL_SECINFO_W, true));
    assert_ok(sl_measure_final(&m, params.mrenclave));
    sl_measure_done(&m);
    assert_ok(sl_sign_key_new(&key, &err));
    assert_ok(sl_sigstruct_sign(&params, key, sig, &err));
    EVP_PKEY_free(key);
    return sig;
}

/* On hardware: three pages, in by EENTER and out by EEXIT with rdi, rsi and rdx swapped about. */
static void test_hardware_enclave_enters_and_leaves(void **state)
{
    (void)state;
    struct sl_err err = {0};
    if (sl_sgx_probe(&err) != SL_OK) {
        print_message("%s\n", err.text);
        skip();
    }
    /* EENTER leaves the address behind itself in RCX: mov rbx, rcx; inc rdi; mov eax, 4; enclu */
    static uint8_t page[4096] __attribute__((aligned(4096))) = {
        0x48, 0x89, 0xcb, 0x48, 0xff, 0xc7, 0xb8, 4, 0, 0, 0, 0x0f, 0x01, 0xd7};
    static const struct sl_tcs tcs __attribute__((aligned(4096))) = {
        .ossa = 0x2000, .nssa = 1, .oentry = 0, .fs_limit = 0xfff, .gs_limit = 0xfff};
    const struct sl_secs secs = {
        .size = 0x4000,
        .ssa_frame_size = 1,
        .attributes = {.flags = SL_ATTR_MODE64BIT, .xfrm = 3},
    };
    const struct sl_device_ops *ops = &sl_device_sgx;
    struct sl_enclave *enclave = NULL;
    struct sl_sigstruct sig;
    assert_ok(ops->create(&(struct sl_device_options){0}, &secs, &enclave, &err));
    assert_ok(ops->add_pages(enclave, 0, page, 4096,
                             SL_SECINFO_PT_REG | SL_SECINFO_R | SL_SECINFO_X, true, &err));
    assert_ok(ops->add_pages(enclave, 0x1000, (const uint8_t *)&tcs, 4096, SL_SECINFO_PT_TCS, true,
                             &err));
    assert_ok(ops->add_pages(enclave, 0x2000, NULL, 4096,
                             SL_SECINFO_PT_REG | SL_SECINFO_R | SL_SECINFO_W, true, &err));
    assert_ok(ops->init(enclave, sign_page(&secs, page, &tcs, &sig), &err));
    struct sl_enter_regs regs = {.rdi = 41, .rsi = 2, .rdx = 3};
    struct sgx_enclave_run run = {.tcs = (uintptr_t)enclave->base + 0x1000};
    assert_ok(ops->enter(enclave, &regs, SL_EENTER, &run));
    assert_int_equal(run.function, SL_EEXIT);
    assert_int_equal(regs.rdi, 42);
    assert_null(ops->unenforced(enclave)[0]);
    ops->destroy(enclave);
}

static void test_create_without_hardware_says_what_is_missing(void **state)
{
    (void)state;
    struct sl_err err = {0};
    if (sl_sgx_probe(&err) == SL_OK) {
        skip();
    }
    const struct sl_secs secs = {.size = 0x4000, .ssa_frame_size = 1};
    struct sl_enclave *enclave = NULL;
    assert_true(sl_device_sgx.create(&(struct sl_device_options){0}, &secs, &enclave, &err) !=
                SL_OK);
    assert_non_null(strstr(err.text, "--device emu"));
    assert_null(enclave);
    sl_device_sgx.destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge_each_lack_has_its_sentence),
        cmocka_unit_test(test_enter_call_passes_and_preserves_registers),
        cmocka_unit_test(test_hardware_enclave_enters_and_leaves),
        cmocka_unit_test(test_create_without_hardware_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
