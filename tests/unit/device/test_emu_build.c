/* SPDX-License-Identifier: Apache-2.0 */
/* ECREATE, EADD and EINIT of the emulator: every check, refused one by one. */
#include "unit.h"

#include <openssl/evp.h>

#include "device/emu/emu.h"
#include "emu_rig.h"

enum { PAGE = 4096, REG = SL_SECINFO_PT_REG, R = SL_SECINFO_R, W = SL_SECINFO_W, X = SL_SECINFO_X };

static const struct rig_params g_default = {.is_trap = false};

/* --- ECREATE ------------------------------------------------------------------------------ */

static sl_rc create(struct rig *rig)
{
    const struct sl_device_options options = rig_options(&g_default);
    return sl_device_find("emu")->create(&options, &rig->secs, &rig->enclave, &rig->err);
}

static void spoil_size_zero(struct sl_secs *s)
{
    s->size = 0;
}
static void spoil_size_one_page(struct sl_secs *s)
{
    s->size = PAGE;
}
static void spoil_size_odd(struct sl_secs *s)
{
    s->size = 3 * PAGE;
}
static void spoil_size_huge(struct sl_secs *s)
{
    s->size = 1ull << 40;
}
static void spoil_base(struct sl_secs *s)
{
    s->base = RIG_SIZE / 2;
}
static void spoil_base_kernel(struct sl_secs *s)
{
    s->base = 1ull << 63;
}
static void spoil_attr_init(struct sl_secs *s)
{
    s->attributes.flags |= SL_ATTR_INIT;
}
static void spoil_attr_reserved(struct sl_secs *s)
{
    s->attributes.flags |= 1ull << 40;
}
static void spoil_attr_32bit(struct sl_secs *s)
{
    s->attributes.flags = 0;
}
static void spoil_frame_zero(struct sl_secs *s)
{
    s->ssa_frame_size = 0;
}
static void spoil_reserved1(struct sl_secs *s)
{
    s->reserved1[23] = 1;
}
static void spoil_reserved2(struct sl_secs *s)
{
    s->reserved2[0] = 1;
}
static void spoil_reserved3(struct sl_secs *s)
{
    s->reserved3[31] = 1;
}
static void spoil_reserved4(struct sl_secs *s)
{
    s->reserved4[3833] = 1;
}
static void spoil_config_id(struct sl_secs *s)
{
    s->config_id[5] = 1;
}
static void spoil_config_svn(struct sl_secs *s)
{
    s->config_svn = 1;
}
static void spoil_xfrm_zero(struct sl_secs *s)
{
    s->attributes.xfrm = 0;
}
static void spoil_xfrm_x87(struct sl_secs *s)
{
    s->attributes.xfrm = 1;
}
static void spoil_xfrm_unknown(struct sl_secs *s)
{
    s->attributes.xfrm |= 1ull << 62;
}
static void spoil_xfrm_avx512_part(struct sl_secs *s)
{
    s->attributes.xfrm = 0x27;
}
static void spoil_xfrm_avx512_no_avx(struct sl_secs *s)
{
    s->attributes.xfrm = 0xe3;
}
static void spoil_misc(struct sl_secs *s)
{
    s->misc_select = 2;
}

static void test_create_illegal_secs_refused(void **state)
{
    static const struct {
        void (*spoil)(struct sl_secs *secs);
        sl_rc rc;
    } rows[] = {
        {spoil_size_zero, SL_INVALID},
        {spoil_size_one_page, SL_INVALID},
        {spoil_size_odd, SL_INVALID},
        {spoil_size_huge, SL_INVALID},
        {spoil_base, SL_INVALID},
        {spoil_base_kernel, SL_INVALID},
        {spoil_attr_init, SL_INVALID},
        {spoil_attr_reserved, SL_INVALID},
        {spoil_attr_32bit, SL_INVALID},
        {spoil_frame_zero, SL_INVALID},
        {spoil_reserved1, SL_INVALID},
        {spoil_reserved2, SL_INVALID},
        {spoil_reserved3, SL_INVALID},
        {spoil_reserved4, SL_INVALID},
        {spoil_config_id, SL_INVALID},
        {spoil_config_svn, SL_INVALID},
        {spoil_xfrm_zero, SL_UNSUPPORTED},
        {spoil_xfrm_x87, SL_UNSUPPORTED},
        {spoil_xfrm_unknown, SL_UNSUPPORTED},
        {spoil_xfrm_avx512_part, SL_UNSUPPORTED},
        {spoil_xfrm_avx512_no_avx, SL_UNSUPPORTED},
        {spoil_misc, SL_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig rig = {0};
        rig_secs(&rig, &g_default);
        rows[i].spoil(&rig.secs);
        if (create(&rig) != rows[i].rc || rig.err.text[0] == '\0' || rig.enclave != NULL) {
            fail_msg("row %zu: %s", i, rig.err.text);
        }
    }
    (void)state;
}

static void test_create_base_taken_refused(void **state)
{
    struct rig rig = {0}, second = {0};
    rig_secs(&rig, &g_default);
    assert_ok(create(&rig));
    assert_int_equal((uint64_t)rig.enclave->base % RIG_SIZE, 0);
    second.secs = rig.secs;
    second.secs.base = (uint64_t)rig.enclave->base;
    assert_rc(create(&second), SL_EXISTS);
    rig_free(&rig);
    assert_ok(create(&second)); /* free now, and fixed */
    assert_int_equal((uint64_t)second.enclave->base, second.secs.base);
    rig_free(&second);
    (void)state;
}

static void test_create_says_what_is_not_enforced(void **state)
{
    struct rig rig;
    rig_create(&rig, &g_default);
    const char *const *rules = rig.enclave->ops->unenforced(rig.enclave);
    size_t count = 0;
    while (rules[count] != NULL) {
        assert_true(strlen(rules[count]) > 10);
        count++;
    }
    assert_in_range(count, 1, 15);
    assert_non_null(strstr(rig.enclave->ops->protection, "protects nothing"));
    rig_free(&rig);
    (void)state;
}

/* --- EADD --------------------------------------------------------------------------------- */

static void tcs_good(struct sl_tcs *tcs)
{
    *tcs = (struct sl_tcs){.ossa = PAGE, .nssa = 2, .oentry = 0};
}
static void tcs_reserved(struct sl_tcs *tcs)
{
    tcs->reserved[4023] = 1;
}
static void tcs_flags(struct sl_tcs *tcs)
{
    tcs->flags = 2;
}
static void tcs_ossa(struct sl_tcs *tcs)
{
    tcs->ossa = 0x1010;
}
static void tcs_fs(struct sl_tcs *tcs)
{
    tcs->ofs_base = 8;
}
static void tcs_gs(struct sl_tcs *tcs)
{
    tcs->ogs_base = 8;
}

static void test_eadd_illegal_tcs_refused(void **state)
{
    void (*const spoil[])(struct sl_tcs *) = {tcs_reserved, tcs_flags, tcs_ossa, tcs_fs, tcs_gs};
    struct rig rig = {0};
    struct sl_tcs tcs;
    rig_secs(&rig, &g_default);
    assert_ok(create(&rig));
    for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
        tcs_good(&tcs);
        spoil[i](&tcs);
        assert_rc(rig.enclave->ops->add_pages(rig.enclave, 0, (const uint8_t *)&tcs, PAGE,
                                              SL_SECINFO_PT_TCS, true, &rig.err),
                  SL_INVALID);
    }
    tcs_good(&tcs); /* what EADD sets itself is not refused */
    tcs.flags = 1;
    tcs.cssa = 9;
    assert_ok(rig.enclave->ops->add_pages(rig.enclave, 0, (const uint8_t *)&tcs, PAGE,
                                          SL_SECINFO_PT_TCS, true, &rig.err));
    rig_free(&rig);
    (void)state;
}

static void test_eadd_illegal_pages_refused(void **state)
{
    static const struct {
        uint64_t off, size, flags;
        sl_rc rc;
    } rows[] = {
        {0, PAGE, REG | W, SL_INVALID},                   /* W without R */
        {0, PAGE, REG | W | X, SL_INVALID},               /* the same */
        {0, PAGE, REG | R | W | X, SL_DENIED},            /* W and X */
        {0, PAGE, REG | R | 1 << 3, SL_INVALID},          /* PENDING */
        {0, PAGE, REG | R | 1 << 6, SL_INVALID},          /* reserved */
        {0, PAGE, REG | R | 1ull << 40, SL_INVALID},      /* reserved */
        {0, PAGE, SL_SECINFO_PT_SECS | R, SL_INVALID},    /* page types */
        {0, PAGE, 3 << 8 | R, SL_INVALID},                /* PT_VA */
        {0, PAGE, 4 << 8 | R, SL_INVALID},                /* PT_TRIM */
        {0, PAGE, SL_SECINFO_PT_TCS | R, SL_INVALID},     /* a TCS with rights */
        {0, PAGE, SL_SECINFO_PT_TCS | R | W, SL_INVALID}, /* the same */
        {1, PAGE, REG | R, SL_RANGE},                     /* not a page */
        {0x800, PAGE, REG | R, SL_RANGE},                 /* not a page */
        {0, 0, REG | R, SL_RANGE},                        /* nothing */
        {0, PAGE - 1, REG | R, SL_RANGE},                 /* not whole pages */
        {RIG_SIZE, PAGE, REG | R, SL_RANGE},              /* behind the range */
        {RIG_SIZE - PAGE, 2 * PAGE, REG | R, SL_RANGE},   /* over its end */
        {0ull - PAGE, PAGE, REG | R, SL_RANGE},           /* before it */
        {PAGE, 0ull - PAGE, REG | R, SL_RANGE},           /* wraps */
        {8 * PAGE, PAGE, REG | R, SL_EXISTS},             /* added twice */
        {7 * PAGE, 2 * PAGE, REG | R, SL_EXISTS},         /* overlaps */
        {8 * PAGE, PAGE, SL_SECINFO_PT_TCS, SL_EXISTS},   /* as another type */
    };
    struct rig rig = {0};
    rig_secs(&rig, &g_default);
    assert_ok(create(&rig));
    const struct sl_device_ops *ops = rig.enclave->ops;
    assert_ok(ops->add_pages(rig.enclave, 8 * PAGE, NULL, PAGE, REG | R, true, &rig.err));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sl_rc rc = ops->add_pages(rig.enclave, rows[i].off, NULL, rows[i].size, rows[i].flags, true,
                                  &rig.err);
        if (rc != rows[i].rc) {
            fail_msg("row %zu: %s: %s", i, sl_rc_name(rc), rig.err.text);
        }
    }
    assert_ok(ops->add_pages(rig.enclave, 0, NULL, PAGE, REG | R, true, &rig.err));
    assert_ok(ops->add_pages(rig.enclave, PAGE, NULL, PAGE, REG | X, true, &rig.err));
    rig_free(&rig);
    (void)state;
}

static void test_eadd_too_many_tcs_refused(void **state)
{
    struct rig rig = {0};
    rig_secs(&rig, &g_default);
    rig.secs.size = 0x200000;
    assert_ok(create(&rig));
    assert_rc(rig.enclave->ops->add_pages(rig.enclave, 0, NULL, 257 * PAGE, SL_SECINFO_PT_TCS,
                                          false, &rig.err),
              SL_NO_SPACE);
    assert_ok(rig.enclave->ops->add_pages(rig.enclave, 0, NULL, 256 * PAGE, SL_SECINFO_PT_TCS,
                                          false, &rig.err));
    rig_free(&rig);
    (void)state;
}

/* --- EINIT -------------------------------------------------------------------------------- */

static void built(struct rig *rig)
{
    *rig = (struct rig){0};
    rig_secs(rig, &g_default);
    assert_ok(create(rig));
    rig_add_all(rig, &g_default);
    rig_sign(rig, &g_default);
}

static void sig_header(struct sl_sigstruct *s)
{
    s->header[0] ^= 1;
}
static void sig_vendor(struct sl_sigstruct *s)
{
    s->vendor = 1;
}
static void sig_header2(struct sl_sigstruct *s)
{
    s->header2[15] ^= 1;
}
static void sig_reserved1(struct sl_sigstruct *s)
{
    s->reserved1[0] = 1;
}
static void sig_reserved2(struct sl_sigstruct *s)
{
    s->reserved2[1] = 1;
}
static void sig_reserved3(struct sl_sigstruct *s)
{
    s->reserved3[15] = 1;
}
static void sig_reserved4(struct sl_sigstruct *s)
{
    s->reserved4[3] = 1;
}
static void sig_exponent(struct sl_sigstruct *s)
{
    s->exponent = 65537;
}
static void sig_modulus(struct sl_sigstruct *s)
{
    s->modulus[7] ^= 1;
}
static void sig_signature(struct sl_sigstruct *s)
{
    s->signature[200] ^= 1;
}
static void sig_q1(struct sl_sigstruct *s)
{
    s->q1[3] ^= 1;
}
static void sig_q2(struct sl_sigstruct *s)
{
    s->q2[383] ^= 0x80;
}
static void sig_mrenclave(struct sl_sigstruct *s)
{
    s->mrenclave[0] ^= 1;
}
static void sig_svn(struct sl_sigstruct *s)
{
    s->isv_svn++;
}
static void sig_date(struct sl_sigstruct *s)
{
    s->date ^= 1;
}

static void test_einit_spoilt_sigstruct_refused(void **state)
{
    static const struct {
        void (*spoil)(struct sl_sigstruct *sig);
        sl_rc rc;
    } rows[] = {
        {sig_header, SL_MALFORMED},
        {sig_vendor, SL_MALFORMED},
        {sig_header2, SL_MALFORMED},
        {sig_reserved1, SL_MALFORMED},
        {sig_reserved2, SL_MALFORMED},
        {sig_reserved3, SL_MALFORMED},
        {sig_reserved4, SL_MALFORMED},
        {sig_exponent, SL_MALFORMED},
        {sig_modulus, SL_AUTH},
        {sig_signature, SL_AUTH},
        {sig_q1, SL_AUTH},
        {sig_q2, SL_AUTH},
        {sig_mrenclave, SL_AUTH},
        {sig_svn, SL_AUTH},
        {sig_date, SL_AUTH},
    };
    struct rig rig;
    struct sl_enter_regs regs;
    struct sgx_enclave_run run;
    built(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_sigstruct sig = rig.sig;
        rows[i].spoil(&sig);
        sl_rc rc = rig.enclave->ops->init(rig.enclave, &sig, &rig.err);
        if (rc != rows[i].rc) {
            fail_msg("row %zu: %s: %s", i, sl_rc_name(rc), rig.err.text);
        }
        assert_int_equal(rig_enter(&rig, 0, emu_code_add, 1, 1, &regs, &run), 0);
        assert_int_equal(run.function, SL_EENTER); /* #GP: not initialised */
        assert_int_equal(run.exception_vector, 13);
    }
    assert_rc(rig.enclave->ops->init(rig.enclave, NULL, &rig.err), SL_INVALID);
    assert_ok(rig.enclave->ops->init(rig.enclave, &rig.sig, &rig.err));
    rig_free(&rig);
    (void)state;
}

static void test_einit_other_enclave_signed_refused(void **state)
{
    struct rig rig;
    const struct rig_params other = {.is_unlisted = true};
    built(&rig);
    rig_sign(&rig, &other); /* a good signature, of other pages */
    assert_rc(rig.enclave->ops->init(rig.enclave, &rig.sig, &rig.err), SL_MISMATCH);
    rig_free(&rig);

    built(&rig); /* a good signature, of other attributes */
    rig.secs.attributes.flags |= SL_ATTR_DEBUG;
    rig_sign(&rig, &g_default);
    assert_rc(rig.enclave->ops->init(rig.enclave, &rig.sig, &rig.err), SL_MISMATCH);
    rig.secs.attributes.flags = SL_ATTR_MODE64BIT;
    rig.secs.misc_select = 1; /* ... of another MISCSELECT */
    rig_sign(&rig, &g_default);
    assert_rc(rig.enclave->ops->init(rig.enclave, &rig.sig, &rig.err), SL_MISMATCH);
    rig_free(&rig);
    (void)state;
}

static void test_einit_unmeasured_page_is_not_the_signed_enclave(void **state)
{
    struct rig rig = {0};
    uint8_t page[PAGE] = {1};
    rig_secs(&rig, &g_default);
    assert_ok(create(&rig));
    rig_add_all(&rig, &g_default);
    rig_sign(&rig, &g_default);
    assert_ok(
        rig.enclave->ops->add_pages(rig.enclave, RIG_HOLE, page, PAGE, REG | R, false, &rig.err));
    assert_rc(rig.enclave->ops->init(rig.enclave, &rig.sig, &rig.err), SL_MISMATCH);
    rig_free(&rig);
    (void)state;
}

static void test_einit_only_once_and_no_page_after_it(void **state)
{
    struct rig rig;
    rig_create(&rig, &g_default);
    assert_rc(rig.enclave->ops->init(rig.enclave, &rig.sig, &rig.err), SL_STATE);
    assert_rc(
        rig.enclave->ops->add_pages(rig.enclave, RIG_HOLE, NULL, PAGE, REG | R, true, &rig.err),
        SL_STATE);
    rig_free(&rig);
    (void)state;
}

/* Speed and device leave no trace in the measurement. */
static void test_measurement_same_for_all_speeds(void **state)
{
    static const struct rig_params params[] = {
        {.is_trap = true}, {.is_trap = false}, {.device = "bare"}};
    uint8_t first[32] = {0};
    for (size_t i = 0; i < 3; i++) {
        struct rig rig;
        rig_create(&rig, &params[i]);
        const struct emu_enclave *enclave = (const struct emu_enclave *)rig.enclave;
        assert_memory_equal(enclave->secs.mrenclave, rig.sig.mrenclave, 32);
        if (i == 0) {
            memcpy(first, enclave->secs.mrenclave, 32);
        }
        assert_memory_equal(enclave->secs.mrenclave, first, 32);
        rig_free(&rig);
    }
    (void)state;
}

static void test_bare_needs_no_sigstruct(void **state)
{
    const struct rig_params params = {.device = "bare"};
    const struct sl_device_options options = rig_options(&params);
    struct rig rig = {0};
    rig_secs(&rig, &params);
    assert_ok(sl_device_find("bare")->create(&options, &rig.secs, &rig.enclave, &rig.err));
    rig_add_all(&rig, &params);
    assert_ok(rig.enclave->ops->init(rig.enclave, NULL, &rig.err));
    assert_int_equal(rig_call(&rig, emu_code_add, 2, 3), 5);
    rig_free(&rig);
    (void)state;
}

static void test_find_unknown_device_returns_null(void **state)
{
    assert_null(sl_device_find("tdx"));
    assert_ptr_equal(sl_device_find("emu")->name, sl_device_emu.name);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_illegal_secs_refused),
        cmocka_unit_test(test_create_base_taken_refused),
        cmocka_unit_test(test_create_says_what_is_not_enforced),
        cmocka_unit_test(test_eadd_illegal_tcs_refused),
        cmocka_unit_test(test_eadd_illegal_pages_refused),
        cmocka_unit_test(test_eadd_too_many_tcs_refused),
        cmocka_unit_test(test_einit_spoilt_sigstruct_refused),
        cmocka_unit_test(test_einit_other_enclave_signed_refused),
        cmocka_unit_test(test_einit_unmeasured_page_is_not_the_signed_enclave),
        cmocka_unit_test(test_einit_only_once_and_no_page_after_it),
        cmocka_unit_test(test_measurement_same_for_all_speeds),
        cmocka_unit_test(test_bare_needs_no_sigstruct),
        cmocka_unit_test(test_find_unknown_device_returns_null),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
