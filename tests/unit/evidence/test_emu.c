/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated quoting enclave: takes reports made for it on its machine, and no others. What its
 * quotes hold is checked by tests/interop/evidence_verify.py, written by other rules. */
#include "unit.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "attest/emulated_root.h"
#include "base/bytes.h"
#include "device/keys.h"
#include "evidence/emu_pki.h"
#include "evidence/producers.h"

struct rig {
    struct sl_machine machine;
    struct sl_evidence_producer producer;
    struct sl_target_info target;
    uint8_t data[64];
};

static int setup(void **state)
{
    static struct rig rig;
    struct sl_err err = {0};
    rig = (struct rig){.data = {1, 2, 3}};
    assert_ok(sl_machine_init_transient(&rig.machine));
    assert_ok(sl_evidence_emu_open(&rig.machine, &rig.producer, &err));
    assert_ok(rig.producer.target_info(rig.producer.ctx, (uint8_t *)&rig.target, &err));
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    sl_evidence_producer_done(&rig->producer);
    sl_machine_done(&rig->machine);
    return 0;
}

static struct sl_report report(const struct rig *rig, const struct sl_target_info *target)
{
    static struct sl_secs secs;
    struct sl_report out;
    secs.attributes = (struct sl_attributes){SL_ATTR_INIT | SL_ATTR_MODE64BIT, 3};
    memset(secs.mrenclave, 7, sizeof(secs.mrenclave));
    const struct sl_identity identity = {.secs = &secs};
    assert_ok(sl_machine_ereport(&rig->machine, &identity, target, rig->data, &out));
    return out;
}

static sl_rc quote(const struct rig *rig, const struct sl_report *in, struct sl_evidence *ret,
                   struct sl_err *err)
{
    return rig->producer.produce(rig->producer.ctx, rig->data, (const uint8_t *)in, ret, err);
}

static void test_produce_own_report_quoted(void **state)
{
    struct rig *rig = *state;
    struct sl_err err = {0};
    struct sl_evidence e;
    struct sl_report in = report(rig, &rig->target);
    assert_ok(quote(rig, &in, &e, &err));
    assert_int_equal(e.type, SL_ATTEST_SGX);
    assert_int_equal(e.binding, SL_BINDING_REPORT_DATA);
    assert_int_equal(sl_le16_get(e.evidence.data), 3);
    assert_memory_equal(e.evidence.data + 48, &in.body, sizeof(in.body));
    assert_int_equal(436 + sl_le32_get(e.evidence.data + 432), e.evidence.size);
    const struct sl_blob *all[] = {
        &e.collateral.tcb_info, &e.collateral.qe_identity, &e.collateral.tcb_signing_chain,
        &e.collateral.pck_crl,  &e.collateral.root_crl,    &e.collateral.pck_crl_issuer_chain};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_true(all[i]->data != NULL && all[i]->size > 0);
    }
    sl_evidence_done(&e);
}

static void test_produce_forged_report_refused(void **state)
{
    struct rig *rig = *state;
    struct sl_evidence e;
    const struct sl_report good = report(rig, &rig->target);
    for (size_t i = 0; i < sizeof(good); i++) {
        struct sl_report in = good;
        struct sl_err err = {0};
        ((uint8_t *)&in)[i] ^= 1;
        bool is_data = i >= offsetof(struct sl_report, body.report_data) &&
                       i < offsetof(struct sl_report, key_id);
        assert_rc(quote(rig, &in, &e, &err), is_data ? SL_INVALID : SL_AUTH);
        assert_true(err.text[0] != '\0');
    }
}

static void test_produce_other_target_refused(void **state)
{
    struct rig *rig = *state;
    struct sl_err err = {0};
    struct sl_evidence e;
    struct sl_target_info target = rig->target;
    target.mrenclave[0] ^= 1;
    struct sl_report in = report(rig, &target);
    assert_rc(quote(rig, &in, &e, &err), SL_AUTH);
    assert_non_null(strstr(err.text, "MAC"));
}

static void test_produce_other_machine_refused(void **state)
{
    struct rig *rig = *state;
    struct rig other = *rig;
    struct sl_err err = {0};
    struct sl_evidence e;
    assert_ok(sl_machine_init_transient(&other.machine));
    struct sl_report in = report(&other, &rig->target);
    assert_rc(quote(rig, &in, &e, &err), SL_AUTH);
}

static void test_produce_no_report_refused(void **state)
{
    struct rig *rig = *state;
    struct sl_err err = {0};
    struct sl_evidence e;
    assert_rc(quote(rig, NULL, &e, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "EREPORT"));
}

/* Two quotes of one process: one platform, one attestation key, the report differs. */
static void test_produce_twice_same_attestation_key(void **state)
{
    struct rig *rig = *state;
    struct sl_err err = {0};
    struct sl_evidence a;
    struct sl_evidence b;
    struct sl_report in = report(rig, &rig->target);
    assert_ok(quote(rig, &in, &a, &err));
    rig->data[0] = 99;
    in = report(rig, &rig->target);
    assert_ok(quote(rig, &in, &b, &err));
    assert_memory_equal(a.evidence.data + 436 + 64, b.evidence.data + 436 + 64, 64);
    assert_memory_not_equal(a.evidence.data + 436, b.evidence.data + 436, 64);
    sl_evidence_done(&a);
    sl_evidence_done(&b);
}

static X509 *first_certificate(struct sl_blob pem)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(certificate);
    return certificate;
}

static void test_pki_dates_are_around_the_given_time(void **state)
{
    struct rig *rig = *state;
    static struct sl_secs qe;
    struct sl_emu_pki pki;
    time_t then = 1900000000; /* 2030-03-17 */
    time_t before = then - 2 * 86400;
    time_t after = then + 31 * 86400;
    assert_ok(sl_emu_pki_make(&rig->machine, &qe, then, &pki));
    X509 *pck = first_certificate(pki.documents[SL_EMU_PCK_CHAIN]);
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(pck), &then), -1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(pck), &then), 1);
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(pck), &before), 1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(pck), &after), -1);
    assert_non_null(memmem(pki.documents[SL_EMU_TCB_INFO].data, pki.documents[SL_EMU_TCB_INFO].size,
                           "\"issueDate\":\"2030-03-17T16:46:40Z\"", 34));
    X509_free(pck);
    sl_emu_pki_done(&pki);
}

static void test_pki_ppid_names_the_machine(void **state)
{
    struct rig *rig = *state;
    uint8_t a[512];
    uint8_t b[512];
    struct sl_machine other;
    assert_ok(sl_machine_init_transient(&other));
    size_t size = sl_emu_sgx_extension(&rig->machine, a, sizeof(a));
    assert_true(size > 0);
    assert_int_equal(sl_emu_sgx_extension(&rig->machine, b, sizeof(b)), size);
    assert_memory_equal(a, b, size);
    assert_int_equal(sl_emu_sgx_extension(&other, b, sizeof(b)), size);
    assert_memory_not_equal(a, b, size);
    assert_int_equal(sl_emu_sgx_extension(&rig->machine, b, size - 1), 0);
    sl_machine_done(&other);
}

static void test_root_is_named_as_what_it_is(void **state)
{
    (void)state;
    X509 *root = first_certificate(sl_attest_emulated_root());
    char name[64];
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(root), NID_commonName, name,
                                    sizeof(name));
    assert_string_equal(name, "SafeLib emulated SGX, no protection");
    assert_int_equal(X509_verify(root, X509_get0_pubkey(root)), 1);
    X509_free(root);
}

static void test_none_says_why(void **state)
{
    (void)state;
    struct sl_evidence_producer none;
    struct sl_evidence e;
    struct sl_err err = {0};
    uint8_t target[512];
    uint8_t data[64] = {0};
    sl_evidence_none_open("device bare has no EREPORT", &none);
    assert_rc(none.target_info(none.ctx, target, &err), SL_UNSUPPORTED);
    assert_string_equal(err.text, "no evidence: device bare has no EREPORT");
    assert_rc(none.produce(none.ctx, data, NULL, &e, &err), SL_UNSUPPORTED);
    sl_evidence_producer_done(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_produce_own_report_quoted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_produce_forged_report_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_produce_other_target_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_produce_other_machine_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_produce_no_report_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_produce_twice_same_attestation_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pki_dates_are_around_the_given_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pki_ppid_names_the_machine, setup, teardown),
        cmocka_unit_test(test_root_is_named_as_what_it_is),
        cmocka_unit_test(test_none_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
