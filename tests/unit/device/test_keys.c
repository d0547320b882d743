/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of EGETKEY and EREPORT on the emulated hierarchy, and the fuse file. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "device/keys.h"

static struct sl_secs some_secs(void)
{
    struct sl_secs secs = {
        .attributes = {.flags = SL_ATTR_INIT | SL_ATTR_MODE64BIT, .xfrm = 7},
        .isv_prod_id = 7,
        .isv_svn = 3,
    };
    memset(secs.mrenclave, 0xe1, sizeof(secs.mrenclave));
    memset(secs.mrsigner, 0x51, sizeof(secs.mrsigner));
    return secs;
}

static struct sl_machine some_machine(void)
{
    struct sl_machine machine;
    assert_ok(sl_machine_init_transient(&machine));
    return machine;
}

static sl_rc get(const struct sl_machine *machine, const struct sl_secs *secs,
                 const struct sl_key_request *request, uint8_t key[16], uint32_t *error)
{
    const struct sl_identity id = {.secs = secs};
    return sl_machine_egetkey(machine, &id, request, key, error);
}

static void test_egetkey_refusals(void **state)
{
    (void)state;
    struct sl_machine machine = some_machine();
    static const struct {
        struct sl_key_request request;
        uint64_t flags;
        sl_rc rc;
        uint32_t error;
    } cases[] = {
        {{.key_name = 5}, 0, SL_UNSUPPORTED, SL_SGX_INVALID_KEYNAME},
        {{.key_name = SL_KEYNAME_PROVISION}, 0, SL_DENIED, SL_SGX_INVALID_ATTRIBUTE},
        {{.key_name = SL_KEYNAME_PROVISION_SEAL}, 0, SL_DENIED, SL_SGX_INVALID_ATTRIBUTE},
        {{.key_name = SL_KEYNAME_EINITTOKEN}, 0, SL_DENIED, SL_SGX_INVALID_ATTRIBUTE},
        {{.key_name = SL_KEYNAME_PROVISION}, SL_ATTR_PROVISIONKEY, SL_OK, 0},
        {{.key_name = SL_KEYNAME_EINITTOKEN}, SL_ATTR_EINITTOKENKEY, SL_OK, 0},
        {{.key_name = SL_KEYNAME_SEAL, .isv_svn = 3}, 0, SL_OK, 0},
        {{.key_name = SL_KEYNAME_SEAL, .isv_svn = 4}, 0, SL_RANGE, SL_SGX_INVALID_ISVSVN},
        {{.key_name = SL_KEYNAME_SEAL, .cpu_svn = {1}}, 0, SL_OK, 0},
        {{.key_name = SL_KEYNAME_SEAL, .cpu_svn = {2}}, 0, SL_RANGE, SL_SGX_INVALID_CPUSVN},
        {{.key_name = SL_KEYNAME_SEAL, .cpu_svn = {0, 1}}, 0, SL_RANGE, SL_SGX_INVALID_CPUSVN},
        {{.key_name = SL_KEYNAME_REPORT, .cpu_svn = {9}, .isv_svn = 99}, 0, SL_OK, 0},
        {{.key_name = SL_KEYNAME_SEAL, .reserved1 = 1}, 0, SL_INVALID, 99},
        {{.key_name = SL_KEYNAME_SEAL, .reserved2 = {[433] = 1}}, 0, SL_INVALID, 99},
        {{.key_name = SL_KEYNAME_SEAL, .key_policy = 0x40}, 0, SL_INVALID, 99},
        {{.key_name = SL_KEYNAME_SEAL, .key_policy = SL_KEYPOLICY_CONFIGID}, 0, SL_INVALID, 99},
        {{.key_name = SL_KEYNAME_SEAL, .key_policy = SL_KEYPOLICY_CONFIGID}, SL_ATTR_KSS, SL_OK, 0},
        {{.key_name = SL_KEYNAME_SEAL, .config_svn = 1}, 0, SL_INVALID, 99},
        {{.key_name = SL_KEYNAME_SEAL, .config_svn = 1},
         SL_ATTR_KSS,
         SL_RANGE,
         SL_SGX_INVALID_ISVSVN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_secs secs = some_secs();
        uint8_t key[16] = {0};
        uint32_t error = 99;
        secs.attributes.flags |= cases[i].flags;
        assert_rc(get(&machine, &secs, &cases[i].request, key, &error), cases[i].rc);
        assert_int_equal(error, cases[i].error);
        assert_int_equal(memcmp(key, (uint8_t[16]){0}, 16) == 0, cases[i].rc != SL_OK);
    }
    sl_machine_done(&machine);
}

/* What must change the seal key does, what must not does not. */
static void test_egetkey_seal_depends_on_what_the_policy_says(void **state)
{
    (void)state;
    struct sl_machine machine = some_machine();
    static const struct {
        uint16_t policy;
        char what; /* changed: e mrenclave, s mrsigner, p product, v svn, d debug, k key id, x
                      flags outside the mask */
        bool is_same;
    } cases[] = {
        {SL_KEYPOLICY_MRSIGNER, '-', true},  {SL_KEYPOLICY_MRSIGNER, 'e', true},
        {SL_KEYPOLICY_MRSIGNER, 's', false}, {SL_KEYPOLICY_MRENCLAVE, 'e', false},
        {SL_KEYPOLICY_MRENCLAVE, 's', true}, {SL_KEYPOLICY_MRSIGNER, 'p', false},
        {SL_KEYPOLICY_MRSIGNER, 'v', true},  {SL_KEYPOLICY_MRSIGNER, 'd', false},
        {SL_KEYPOLICY_MRSIGNER, 'k', false}, {SL_KEYPOLICY_MRSIGNER, 'x', true},
        {SL_KEYPOLICY_MRSIGNER, 'r', false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_secs secs = some_secs();
        struct sl_key_request request = {.key_name = SL_KEYNAME_SEAL,
                                         .key_policy = cases[i].policy};
        uint8_t key[2][16];
        uint32_t error = 0;
        assert_ok(get(&machine, &secs, &request, key[0], &error));
        secs.mrenclave[0] ^= cases[i].what == 'e';
        secs.mrsigner[0] ^= cases[i].what == 's';
        secs.isv_prod_id = (uint16_t)(secs.isv_prod_id + (cases[i].what == 'p'));
        secs.isv_svn = (uint16_t)(secs.isv_svn + (cases[i].what == 'v'));
        secs.attributes.flags ^= cases[i].what == 'd' ? SL_ATTR_DEBUG : 0;
        secs.attributes.flags ^= cases[i].what == 'x' ? SL_ATTR_PROVISIONKEY : 0;
        request.key_id[31] = cases[i].what == 'k';
        request.isv_svn = cases[i].what == 'r'; /* an older version's key is another key */
        assert_ok(get(&machine, &secs, &request, key[1], &error));
        assert_int_equal(memcmp(key[0], key[1], 16) == 0, cases[i].is_same);
    }
    sl_machine_done(&machine);
}

static void test_egetkey_kss_policies_bring_in_their_fields(void **state)
{
    (void)state;
    struct sl_machine machine = some_machine();
    struct sl_secs secs = some_secs();
    secs.attributes.flags |= SL_ATTR_KSS;
    const uint8_t a[16] = {1};
    const uint8_t b[16] = {2};
    static const uint16_t policies[] = {0, SL_KEYPOLICY_NOISVPRODID, SL_KEYPOLICY_CONFIGID,
                                        SL_KEYPOLICY_ISVFAMILYID, SL_KEYPOLICY_ISVEXTPRODID};
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        uint8_t key[4][16];
        uint32_t error;
        struct sl_key_request request = {.key_name = SL_KEYNAME_SEAL, .key_policy = policies[i]};
        struct sl_secs other = secs;
        other.config_id[3] = 1;
        struct sl_secs product = secs;
        product.isv_prod_id++;
        const struct sl_identity ids[4] = {
            {.secs = &secs, .isv_family_id = a, .isv_ext_prod_id = a},
            {.secs = &other, .isv_family_id = a, .isv_ext_prod_id = a},
            {.secs = &secs, .isv_family_id = b, .isv_ext_prod_id = a},
            {.secs = &secs, .isv_family_id = a, .isv_ext_prod_id = b},
        };
        for (size_t j = 0; j < 4; j++) {
            assert_ok(sl_machine_egetkey(&machine, &ids[j], &request, key[j], &error));
        }
        assert_int_equal(memcmp(key[0], key[1], 16) != 0, policies[i] == SL_KEYPOLICY_CONFIGID);
        assert_int_equal(memcmp(key[0], key[2], 16) != 0, policies[i] == SL_KEYPOLICY_ISVFAMILYID);
        assert_int_equal(memcmp(key[0], key[3], 16) != 0, policies[i] == SL_KEYPOLICY_ISVEXTPRODID);
        const struct sl_identity id = {.secs = &product, .isv_family_id = a, .isv_ext_prod_id = a};
        assert_ok(sl_machine_egetkey(&machine, &id, &request, key[1], &error));
        assert_int_equal(memcmp(key[0], key[1], 16) == 0, policies[i] == SL_KEYPOLICY_NOISVPRODID);
    }
    sl_machine_done(&machine);
}

static struct sl_target_info target_of(const struct sl_secs *secs)
{
    struct sl_target_info target = {.attributes = secs->attributes,
                                    .misc_select = secs->misc_select};
    memcpy(target.mrenclave, secs->mrenclave, sizeof(target.mrenclave));
    return target;
}

/* What the verifying enclave does: EGETKEY of its own report key with the report's KEYID. */
static sl_rc verify_as(const struct sl_machine *machine, const struct sl_secs *verifier,
                       const struct sl_report *report)
{
    struct sl_key_request request = {.key_name = SL_KEYNAME_REPORT};
    uint8_t key[16];
    uint32_t error = 0;
    memcpy(request.key_id, report->key_id, sizeof(request.key_id));
    assert_ok(get(machine, verifier, &request, key, &error));
    return sl_report_verify(report, key);
}

static void test_ereport_only_the_target_on_this_machine_verifies(void **state)
{
    (void)state;
    struct sl_machine machine = some_machine();
    struct sl_machine other_machine = some_machine();
    struct sl_secs prover = some_secs();
    struct sl_secs verifier = some_secs();
    struct sl_secs third = some_secs();
    memset(verifier.mrenclave, 0x77, sizeof(verifier.mrenclave));
    memset(third.mrenclave, 0x78, sizeof(third.mrenclave));
    const uint8_t family[16] = {9};
    const struct sl_identity id = {.secs = &prover, .isv_family_id = family};
    struct sl_target_info target = target_of(&verifier);
    uint8_t data[64] = {1, 2, 3};
    struct sl_report report;
    assert_ok(sl_machine_ereport(&machine, &id, &target, data, &report));
    assert_memory_equal(report.body.mrenclave, prover.mrenclave, 32);
    assert_memory_equal(report.body.mrsigner, prover.mrsigner, 32);
    assert_memory_equal(report.body.report_data, data, 64);
    assert_memory_equal(report.body.isv_family_id, family, 16);
    assert_int_equal(report.body.isv_svn, 3);
    assert_ok(verify_as(&machine, &verifier, &report));
    assert_rc(verify_as(&machine, &third, &report), SL_AUTH);
    assert_rc(verify_as(&other_machine, &verifier, &report), SL_AUTH);
    for (size_t i = 0; i < sizeof(report); i++) {
        struct sl_report bad = report;
        ((uint8_t *)&bad)[i] ^= 1;
        assert_rc(verify_as(&machine, &verifier, &bad), SL_AUTH);
    }
    target.reserved2[7] = 1;
    assert_rc(sl_machine_ereport(&machine, &id, &target, data, &report), SL_INVALID);
}

/* The MAC is AES-128-CMAC over the 384 bytes of the body: RFC 4493's vectors through the same
 * code would need a key of ours, so the second witness is OpenSSL's command in tests/interop. */
static void test_report_verify_zero_mac_is_refused(void **state)
{
    (void)state;
    struct sl_report report = {0};
    const uint8_t key[16] = {0};
    assert_rc(sl_report_verify(&report, key), SL_AUTH);
}

static void in_dir(char *path, size_t size, const char *dir, const char *name)
{
    (void)snprintf(path, size, "%s/%s", dir, name);
}

static void test_machine_open_same_file_same_keys(void **state)
{
    (void)state;
    char dir[] = "/tmp/sl-keys-XXXXXX";
    char path[64];
    struct sl_machine a;
    struct sl_machine b;
    struct sl_err err = {0};
    struct stat st;
    assert_non_null(mkdtemp(dir));
    in_dir(path, sizeof(path), dir, "fuses");
    assert_ok(sl_machine_open(path, &a, &err));
    assert_ok(sl_machine_open(path, &b, &err));
    assert_true(a.is_persistent);
    assert_memory_equal(a.fuse, b.fuse, sizeof(a.fuse));
    assert_memory_not_equal(a.report_key_id, b.report_key_id, sizeof(a.report_key_id));
    assert_ok(stat(path, &st));
    assert_int_equal(st.st_mode & 0777, 0600);

    assert_ok(truncate(path, 31));
    assert_rc(sl_machine_open(path, &b, &err), SL_MALFORMED);
    assert_ok(truncate(path, 32));
    assert_ok(chmod(path, 0640));
    assert_rc(sl_machine_open(path, &b, &err), SL_DENIED);
    (void)unlink(path);
    assert_ok(symlink("/etc/hostname", path));
    assert_rc(sl_machine_open(path, &b, &err), SL_DENIED);
    (void)unlink(path);
    assert_ok(mkdir(path, 0700));
    assert_rc(sl_machine_open(path, &b, &err), SL_DENIED);
    (void)rmdir(path);
    in_dir(path, sizeof(path), dir, "no/such/folder");
    assert_rc(sl_machine_open(path, &b, &err), SL_IO);
    (void)rmdir(dir);
}

static void test_machine_open_default_place(void **state)
{
    (void)state;
    char dir[] = "/tmp/sl-keys-XXXXXX";
    char path[80];
    struct sl_machine a;
    struct sl_err err = {0};
    assert_non_null(mkdtemp(dir));
    assert_ok(setenv("XDG_STATE_HOME", dir, 1));
    assert_ok(sl_machine_open(NULL, &a, &err));
    in_dir(path, sizeof(path), dir, "safelib/emulated-fuses");
    assert_ok(unlink(path));
    in_dir(path, sizeof(path), dir, "safelib");
    assert_ok(rmdir(path));
    assert_ok(rmdir(dir));
    assert_ok(setenv("XDG_STATE_HOME", "relative", 1));
    assert_ok(unsetenv("HOME"));
    assert_rc(sl_machine_open(NULL, &a, &err), SL_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_egetkey_refusals),
        cmocka_unit_test(test_egetkey_seal_depends_on_what_the_policy_says),
        cmocka_unit_test(test_egetkey_kss_policies_bring_in_their_fields),
        cmocka_unit_test(test_ereport_only_the_target_on_this_machine_verifies),
        cmocka_unit_test(test_report_verify_zero_mac_is_refused),
        cmocka_unit_test(test_machine_open_same_file_same_keys),
        cmocka_unit_test(test_machine_open_default_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
