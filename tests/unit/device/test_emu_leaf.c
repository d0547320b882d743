/* SPDX-License-Identifier: Apache-2.0 */
/* EREPORT and EGETKEY as an enclave sees them: results, alignment, and what they refuse. */
#include "unit.h"

#include "device/emu/emu.h"
#include "device/keys.h"
#include "emu_rig.h"

enum {
    PAGE = 4096,
    ARGS = RIG_DATA,           /* rax, rbx, rcx, rdx of the ENCLU; its stack ends at + 512 */
    TARGET = RIG_DATA + 0x400, /* 512-byte aligned */
    REPORT = RIG_DATA + 0x600,
    REQUEST = RIG_DATA + 0x800,
    KEY = RIG_DATA + 0xa00,
    REPORT_DATA = RIG_DATA + 0xc00,
    ZF = 1 << 6,
};

struct args {
    uint64_t rax, rbx, rcx, rdx;
};

static void enclu(const struct rig *rig, const struct args *args, struct sl_enter_regs *ret_regs,
                  struct sgx_enclave_run *ret_run)
{
    rig_poke(rig, ARGS, args, sizeof(*args));
    assert_int_equal(rig_enter(rig, 0, emu_code_enclu, rig_addr(rig, ARGS), 0, ret_regs, ret_run),
                     0);
}

static uint64_t key_get(const struct rig *rig, const struct sl_key_request *request,
                        uint8_t ret_key[16])
{
    struct sl_enter_regs regs;
    struct sgx_enclave_run run;
    const struct args args = {SL_EGETKEY, rig_addr(rig, REQUEST), rig_addr(rig, KEY), 0};
    rig_poke(rig, REQUEST, request, sizeof(*request));
    enclu(rig, &args, &regs, &run);
    assert_int_equal(run.function, SL_EEXIT);
    assert_int_equal((regs.rsi & ZF) != 0, regs.rdi != 0);
    rig_peek(rig, KEY, ret_key, 16);
    return regs.rdi;
}

static void report_get(const struct rig *rig, const struct sl_target_info *target,
                       struct sl_report *ret_report)
{
    struct sl_enter_regs regs;
    struct sgx_enclave_run run;
    uint8_t data[64], out[512];
    const struct args args = {SL_EREPORT, rig_addr(rig, TARGET), rig_addr(rig, REPORT_DATA),
                              rig_addr(rig, REPORT)};
    memset(data, 0xd5, sizeof(data));
    rig_poke(rig, TARGET, target, sizeof(*target));
    rig_poke(rig, REPORT_DATA, data, sizeof(data));
    enclu(rig, &args, &regs, &run);
    assert_int_equal(run.function, SL_EEXIT);
    assert_int_equal(regs.rdi, SL_EREPORT); /* RAX is not changed */
    rig_peek(rig, REPORT, out, sizeof(out));
    memcpy(ret_report, out, sizeof(*ret_report));
}

static void test_ereport_identity_and_mac(void **state)
{
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0};
        struct rig rig;
        struct sl_report report;
        uint8_t key[16];
        rig_create(&rig, &params);
        const struct emu_enclave *enclave = (const struct emu_enclave *)rig.enclave;
        struct sl_target_info target = {.attributes = enclave->secs.attributes};
        memcpy(target.mrenclave, enclave->secs.mrenclave, 32);
        report_get(&rig, &target, &report);
        assert_memory_equal(report.body.mrenclave, rig.sig.mrenclave, 32);
        assert_memory_equal(report.body.mrsigner, enclave->secs.mrsigner, 32);
        assert_int_equal(report.body.isv_prod_id, 7);
        assert_int_equal(report.body.isv_svn, 3);
        assert_int_equal(report.body.attributes.flags, SL_ATTR_MODE64BIT | SL_ATTR_INIT);
        assert_int_equal(report.body.attributes.xfrm, rig.secs.attributes.xfrm);
        assert_int_equal(report.body.report_data[63], 0xd5);
        /* the target, this same enclave, can check it with its report key */
        struct sl_key_request request = {.key_name = SL_KEYNAME_REPORT};
        memcpy(request.key_id, report.key_id, 32);
        assert_int_equal(key_get(&rig, &request, key), SL_SGX_SUCCESS);
        assert_ok(sl_report_verify(&report, key));
        report.body.isv_svn++;
        assert_rc(sl_report_verify(&report, key), SL_AUTH);
        /* made for another target, it is not for us */
        target.mrenclave[0] ^= 1;
        report_get(&rig, &target, &report);
        assert_rc(sl_report_verify(&report, key), SL_AUTH);
        rig_free(&rig);
    }
    (void)state;
}

static void test_egetkey_seal_key_is_stable_and_bound(void **state)
{
    const struct sl_key_request request = {.key_name = SL_KEYNAME_SEAL,
                                           .key_policy = SL_KEYPOLICY_MRENCLAVE,
                                           .attribute_mask = {~0ull, 0}};
    uint8_t first[16], again[16], other[16], zero[16] = {0};
    struct rig rig;
    rig_create(&rig, &(struct rig_params){.is_trap = true});
    assert_int_equal(key_get(&rig, &request, first), SL_SGX_SUCCESS);
    rig_free(&rig);
    rig_create(&rig, &(struct rig_params){.is_trap = false}); /* restarted, at the other speed */
    assert_int_equal(key_get(&rig, &request, again), SL_SGX_SUCCESS);
    rig_free(&rig);
    rig_create(&rig, &(struct rig_params){.is_unlisted = true}); /* another MRENCLAVE */
    assert_int_equal(key_get(&rig, &request, other), SL_SGX_SUCCESS);
    rig_free(&rig);
    assert_memory_equal(first, again, 16);
    assert_memory_not_equal(first, other, 16);
    assert_memory_not_equal(first, zero, 16);
    (void)state;
}

static void test_egetkey_errors_in_rax_with_zf(void **state)
{
    struct rig rig;
    uint8_t key[16];
    rig_create(&rig, &(struct rig_params){0});
    struct sl_key_request request = {.key_name = 99};
    assert_int_equal(key_get(&rig, &request, key), SL_SGX_INVALID_KEYNAME);
    request = (struct sl_key_request){.key_name = SL_KEYNAME_PROVISION};
    assert_int_equal(key_get(&rig, &request, key), SL_SGX_INVALID_ATTRIBUTE);
    request = (struct sl_key_request){.key_name = SL_KEYNAME_SEAL, .isv_svn = 4};
    assert_int_equal(key_get(&rig, &request, key), SL_SGX_INVALID_ISVSVN);
    request = (struct sl_key_request){.key_name = SL_KEYNAME_SEAL};
    memset(request.cpu_svn, 0xff, sizeof(request.cpu_svn));
    assert_int_equal(key_get(&rig, &request, key), SL_SGX_INVALID_CPUSVN);
    rig_free(&rig);
    (void)state;
}

static void test_leaves_bad_operands_fault(void **state)
{
    static const struct {
        uint64_t leaf, rbx, rcx, rdx;
        uint16_t vector;
        uint64_t page;
    } rows[] = {
        {SL_EREPORT, TARGET + 8, REPORT_DATA, REPORT, 13, 0},
        {SL_EREPORT, TARGET + 256, REPORT_DATA, REPORT, 13, 0},
        {SL_EREPORT, TARGET, REPORT_DATA + 64, REPORT, 13, 0},
        {SL_EREPORT, TARGET, REPORT_DATA, REPORT + 16, 13, 0},
        {SL_EREPORT, RIG_SIZE, REPORT_DATA, REPORT, 13, 0}, /* outside the range */
        {SL_EREPORT, TARGET, RIG_SIZE, REPORT, 13, 0},
        {SL_EREPORT, TARGET, REPORT_DATA, RIG_SIZE, 13, 0},
        {SL_EREPORT, RIG_HOLE, REPORT_DATA, REPORT, 14, RIG_HOLE},
        {SL_EREPORT, TARGET, RIG_HOLE, REPORT, 14, RIG_HOLE},
        {SL_EREPORT, TARGET, REPORT_DATA, RIG_RODATA, 14, RIG_RODATA}, /* not writable */
        {SL_EREPORT, TARGET, REPORT_DATA, RIG_CODE, 14, RIG_CODE},
        {SL_EREPORT, TARGET, REPORT_DATA, RIG_THREAD0 + RIG_TCS, 14, RIG_THREAD0 + RIG_TCS},
        {SL_EGETKEY, REQUEST + 16, KEY, 0, 13, 0},
        {SL_EGETKEY, REQUEST, KEY + 8, 0, 13, 0},
        {SL_EGETKEY, RIG_SIZE, KEY, 0, 13, 0},
        {SL_EGETKEY, REQUEST, RIG_SIZE, 0, 13, 0},
        {SL_EGETKEY, RIG_HOLE, KEY, 0, 14, RIG_HOLE},
        {SL_EGETKEY, REQUEST, RIG_RODATA, 0, 14, RIG_RODATA},
        {SL_EGETKEY, RIG_RODATA, KEY, 0, 13, 0}, /* reserved bytes are not zero */
        {SL_EREPORT, RIG_RODATA, REPORT_DATA, REPORT, 13, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig rig;
        struct sl_enter_regs regs;
        struct sgx_enclave_run run;
        rig_create(&rig, &(struct rig_params){0});
        const struct args args = {rows[i].leaf, rig_addr(&rig, rows[i].rbx),
                                  rig_addr(&rig, rows[i].rcx), rig_addr(&rig, rows[i].rdx)};
        enclu(&rig, &args, &regs, &run);
        if (run.function != SL_ERESUME || run.exception_vector != rows[i].vector ||
            run.exception_addr !=
                (rows[i].vector == 14 ? rig_addr(&rig, rows[i].page) : (uint64_t)0)) {
            fail_msg("row %zu: function %u vector %u address %#llx", i, run.function,
                     run.exception_vector, (unsigned long long)run.exception_addr);
        }
        rig_free(&rig);
    }
    (void)state;
}

static void test_leaves_on_bare_raise_ud(void **state)
{
    for (uint64_t leaf = SL_EREPORT; leaf <= SL_EGETKEY; leaf++) {
        struct rig rig;
        struct sl_enter_regs regs;
        struct sgx_enclave_run run;
        rig_create(&rig, &(struct rig_params){.device = "bare"});
        const struct args args = {leaf, rig_addr(&rig, REQUEST), rig_addr(&rig, KEY), 0};
        enclu(&rig, &args, &regs, &run);
        assert_int_equal(run.function, SL_ERESUME);
        assert_int_equal(run.exception_vector, 6);
        rig_free(&rig);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ereport_identity_and_mac),
        cmocka_unit_test(test_egetkey_seal_key_is_stable_and_bound),
        cmocka_unit_test(test_egetkey_errors_in_rax_with_zf),
        cmocka_unit_test(test_leaves_bad_operands_fault),
        cmocka_unit_test(test_leaves_on_bare_raise_ud),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
