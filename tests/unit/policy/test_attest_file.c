/* SPDX-License-Identifier: Apache-2.0 */
/* The attestation policy's file: what is read, and that every refusal names what is wrong. */
#include "unit.h"

#include <unistd.h>

#include "files/files.h"
#include "policy/attest_file.h"

#define H32 "0102030405060708091011121314151617181920212223242526272829303132"
#define H48 H32 "a1a2a3a4a5a6a7a8a9b0b1b2b3b4b5b6"

static sl_rc read_text(const char *text, struct sl_attest_file *file, struct sl_err *err)
{
    *err = (struct sl_err){0};
    return sl_attest_file_read(text, strlen(text), file, err);
}

static void test_attest_file_every_key_arrives(void **state)
{
    (void)state;
    static const char text[] =
        "references:\n"
        "  - {mrenclave: " H32 "}\n"
        "  - {mrsigner: " H32 ", isv_prod_id: 0, min_isv_svn: 7}\n"
        "  - {mrtd: " H48 ", rtmr0: " H48 ", rtmr3: " H48 "}\n"
        "  - {measurement: " H48 ", host_data: " H32 ", id_key_digest: " H48 ", min_guest_svn: 3}\n"
        "tcb_status: [UpToDate, SWHardeningNeeded, OutOfDate]\n"
        "min_tcb_evaluation: 17\n"
        "max_collateral_age: 30d\n"
        "min_snp_tcb: {milan: {bootloader: 1, tee: 2, snp: 3, microcode: 255}, turin: {fmc: 9}}\n"
        "max_vmpl: 2\n"
        "refuse_smt: true\n"
        "refuse_migration: true\n"
        "require_amd_crl: true\n"
        "insecure_allow_emulated: true\n"
        "insecure_allow_debug: false\n"
        "roots: r.pem\n"
        "collateral: /c\n";
    struct sl_attest_file f;
    struct sl_err err;
    assert_ok(read_text(text, &f, &err));
    const struct sl_attest_policy *p = &f.policy;
    assert_int_equal(p->reference_count, 4);
    assert_true(p->references[0].has_mrenclave && !p->references[0].has_isv_prod_id);
    assert_int_equal(p->references[0].mrenclave[31], 0x32);
    assert_true(p->references[1].has_mrsigner && p->references[1].has_isv_prod_id);
    assert_int_equal(p->references[1].isv_prod_id, 0);
    assert_int_equal(p->references[1].min_isv_svn, 7);
    assert_true(p->references[2].has_mrtd && p->references[2].has_rtmr[0] &&
                !p->references[2].has_rtmr[1] && p->references[2].has_rtmr[3]);
    assert_int_equal(p->references[2].rtmr[3][47], 0xb6);
    assert_true(p->references[3].has_measurement && p->references[3].has_host_data &&
                p->references[3].has_id_key_digest);
    assert_int_equal(p->references[3].min_guest_svn, 3);
    assert_int_equal(p->tcb_accepted, 1u << SL_TCB_UP_TO_DATE | 1u << SL_TCB_SW_HARDENING_NEEDED |
                                          1u << SL_TCB_OUT_OF_DATE);
    assert_int_equal(p->min_tcb_evaluation, 17);
    assert_int_equal(p->max_collateral_age_s, 30 * 86400);
    assert_int_equal(p->min_snp_tcb[SL_SNP_MILAN].bootloader, 1);
    assert_int_equal(p->min_snp_tcb[SL_SNP_MILAN].tee, 2);
    assert_int_equal(p->min_snp_tcb[SL_SNP_MILAN].snp, 3);
    assert_int_equal(p->min_snp_tcb[SL_SNP_MILAN].microcode, 255);
    assert_int_equal(p->min_snp_tcb[SL_SNP_GENOA].snp, 0);
    assert_int_equal(p->min_snp_tcb[SL_SNP_TURIN].fmc, 9);
    assert_int_equal(p->max_vmpl, 2);
    assert_true(p->is_smt_refused && p->is_migration_refused && p->insecure_allow_emulated);
    assert_true(p->is_amd_crl_required);
    assert_false(p->insecure_allow_debug || p->is_any_identity);
    assert_string_equal(f.roots, "r.pem");
    assert_string_equal(f.collateral, "/c");
}

static void test_attest_file_least_accepts_least(void **state)
{
    (void)state;
    struct sl_attest_file f;
    struct sl_err err;
    assert_ok(read_text("{\"references\": [{\"mrenclave\": \"" H32 "\"}]}", &f, &err)); /* JSON */
    assert_int_equal(f.policy.tcb_accepted, 1u << SL_TCB_UP_TO_DATE);
    assert_int_equal(f.policy.max_collateral_age_s, 0);
    assert_false(f.policy.insecure_allow_emulated || f.policy.insecure_allow_debug ||
                 f.policy.is_any_identity || f.policy.is_smt_refused ||
                 f.policy.is_amd_crl_required);
    assert_true(f.policy.is_migration_refused);
    assert_ok(read_text("insecure_any_identity: true\nrefuse_migration: false\n", &f, &err));
    assert_true(f.policy.is_any_identity);
    assert_false(f.policy.is_migration_refused);
}

static void test_attest_file_refusals_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
        sl_rc rc;
    } cases[] = {
        {"", "is empty", SL_MALFORMED},
        {"# nothing\n", "is empty", SL_MALFORMED},
        {"references: []\n", "references: expected at least one", SL_INVALID},
        {"refuse_smt: true\n", "references: expected at least one", SL_INVALID},
        {"insecure_any_identity: true\nreferences: [{mrenclave: " H32 "}]\n", "one or the other",
         SL_INVALID},
        {"insecure_any_identity: yes\n", "yes", SL_MALFORMED},
        {"reference: []\n", "reference", SL_MALFORMED},
        {"insecure_any_identity: true\nreferrences: 1\n", "referrences (line: 2, column: 1)",
         SL_MALFORMED},
        {"references: [{mrenclave: 0102}]\n", "references[0].mrenclave: expected 64 hex digits",
         SL_INVALID},
        {"references: [{mrenclave: \"\"}]\n", "not 0 characters", SL_INVALID},
        {"references: [{mrtd: " H32 "}]\n", "references[0].mrtd: expected 96 hex digits",
         SL_INVALID},
        {"references: [{mrenclave: " H32 "}, {mrenclave: "
         "zz02030405060708091011121314151617181920212223242526272829303132}]\n",
         "references[1].mrenclave", SL_INVALID},
        {"references: [{mrenclave: " H32 ", mrtd: " H48 "}]\n", "mixes keys", SL_INVALID},
        {"references: [{host_data: " H32 "}]\n", "names no code", SL_INVALID},
        {"references: [{rtmr0: " H48 "}]\n", "names no code", SL_INVALID},
        {"references: [{mrsigner: " H32 "}]\n", "references[0].isv_prod_id", SL_INVALID},
        {"references: [{mrsigner: " H32 ", isv_prod_id: 65536}]\n", "isv_prod_id", SL_MALFORMED},
        {"insecure_any_identity: true\ntcb_status: [Revoked]\n", "Revoked", SL_MALFORMED},
        {"insecure_any_identity: true\ntcb_status: [6]\n", "6", SL_MALFORMED},
        {"insecure_any_identity: true\nmax_collateral_age: 0\n", "max_collateral_age", SL_INVALID},
        {"insecure_any_identity: true\nmax_collateral_age: 3w\n", "not \"3w\"", SL_INVALID},
        {"insecure_any_identity: true\nmax_collateral_age: -3d\n", "not \"-3d\"", SL_INVALID},
        {"insecure_any_identity: true\nmax_collateral_age: 99999999999999999999d\n",
         "max_collateral_age", SL_INVALID},
        {"insecure_any_identity: true\nmax_vmpl: 4\n", "max_vmpl: expected 0 to 3", SL_INVALID},
        {"insecure_any_identity: true\nmin_snp_tcb: {rome: {}}\n", "rome", SL_MALFORMED},
        {"insecure_any_identity: true\nmin_snp_tcb: {milan: {fmc: 1}}\n", "fmc", SL_MALFORMED},
        {"insecure_any_identity: true\nmin_snp_tcb: {milan: {snp: 256}}\n", "snp", SL_MALFORMED},
        {"a: &a [1]\nb: *a\n", "", SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_attest_file f;
        struct sl_err err;
        sl_rc rc = read_text(cases[i].text, &f, &err);
        if (rc != cases[i].rc || strstr(err.text, cases[i].expected) == NULL) {
            fail_msg("%s: %s, \"%s\"", cases[i].text, sl_rc_text(rc), err.text);
        }
    }
}

static void test_attest_file_load_names_the_file(void **state)
{
    (void)state;
    char path[] = "/tmp/sl-attest-file-XXXXXX";
    struct sl_attest_file f;
    struct sl_err err = {0};
    static char large[SL_ATTEST_FILE_SIZE_MAX + 2];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_ok(sl_file_write(path, 0600, "max_vmpl: 9\ninsecure_any_identity: true\n", 40, &err));
    assert_rc(sl_attest_file_load(path, &f, &err), SL_INVALID);
    assert_memory_equal(err.text, path, strlen(path));
    memset(large, '#', sizeof(large));
    assert_rc(sl_attest_file_read(large, sizeof(large), &f, &err), SL_RANGE);
    assert_ok(sl_file_write(path, 0600, large, sizeof(large), &err));
    assert_rc(sl_attest_file_load(path, &f, &err), SL_RANGE);
    (void)unlink(path);
    assert_rc(sl_attest_file_load(path, &f, &err), SL_NOT_FOUND);
    assert_rc(sl_attest_file_load("/tmp", &f, &err), SL_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attest_file_every_key_arrives),
        cmocka_unit_test(test_attest_file_least_accepts_least),
        cmocka_unit_test(test_attest_file_refusals_name_the_place),
        cmocka_unit_test(test_attest_file_load_names_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
