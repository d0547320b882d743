/* SPDX-License-Identifier: Apache-2.0 */
/* configfs-tsm, played by FUSE: reports for the right question only, whatever happens meanwhile. */
#include "unit.h"

#include <errno.h>
#include <time.h>

#include "evidence/producers.h"
#include "fake_tsm.h"

static const char *root;
static struct sl_evidence_producer producer;

static int group_setup(void **state)
{
    (void)state;
    struct sl_err err = {0};
    root = fake_tsm_start();
    if (root == NULL) {
        print_message("no FUSE on this machine\n");
        return 0;
    }
    return sl_evidence_tsm_open(root, &producer, &err) != SL_OK;
}

static int group_teardown(void **state)
{
    (void)state;
    if (root != NULL) {
        sl_evidence_producer_done(&producer);
        fake_tsm_stop();
    }
    return 0;
}

static struct fake_tsm_knobs knobs;

/* A well-behaved SEV-SNP guest to begin with; skips where there is no file system to play it. */
static void snp(void)
{
    if (root == NULL) {
        skip();
    }
    knobs = (struct fake_tsm_knobs){.provider = "sev_guest"};
}

static sl_rc produce(struct sl_evidence *ret, struct sl_err *err)
{
    uint8_t data[64];
    memset(data, 0x21, sizeof(data));
    *err = (struct sl_err){0};
    fake_tsm_set(knobs);
    sl_rc rc = producer.produce(producer.ctx, data, NULL, ret, err);
    assert_int_equal(fake_tsm_entries(), 0); /* nothing is left behind */
    assert_int_equal(err->text[0] != '\0', rc != SL_OK);
    return rc;
}

static void test_snp_report(void **state)
{
    (void)state;
    struct sl_evidence e;
    struct sl_err err;
    snp();
    assert_ok(produce(&e, &err));
    assert_int_equal(e.type, SL_ATTEST_SNP);
    assert_int_equal(e.binding, SL_BINDING_REPORT_DATA);
    assert_int_equal(e.evidence.size, 1184);
    assert_int_equal(e.evidence.data[0x50], 0x21);
    assert_null(e.collateral.vcek.data);
    sl_evidence_done(&e);
}

static void test_snp_certificates_of_the_host(void **state)
{
    (void)state;
    struct sl_evidence e;
    struct sl_err err;
    static const uint8_t table[53] = {
        0x63, 0xda, 0x75, 0x8d, 0xe6,       0x64, 0x45, 0x64, 0xad, 0xc5,
        0xf4, 0xb9, 0x3b, 0xe8, 0xac,       0xcd, 48,   0,    0,    0,
        5,    0,    0,    0,    [48] = 'v', 'c',  'e',  'k',  '!'};
    snp();
    knobs.aux = table;
    knobs.aux_size = sizeof(table);
    knobs.chunk = 7;
    assert_ok(produce(&e, &err));
    assert_int_equal(e.collateral.vcek.size, 5);
    assert_memory_equal(e.collateral.vcek.data, "vcek!", 5);
    sl_evidence_done(&e);
    knobs.aux_size = 52; /* the certificate reaches over the end */
    assert_rc(produce(&e, &err), SL_MALFORMED);
    assert_non_null(strstr(err.text, "entry 0 has 5 bytes at 48 of 52"));
}

static void test_tdx_quote_of_both_versions(void **state)
{
    (void)state;
    snp();
    for (uint16_t version = 4; version <= 5; version++) {
        struct sl_evidence e;
        struct sl_err err;
        knobs = (struct fake_tsm_knobs){.provider = "tdx_guest", .tdx_version = version};
        assert_ok(produce(&e, &err));
        assert_int_equal(e.type, SL_ATTEST_TDX);
        assert_int_equal(e.evidence.size, 4000);
        sl_evidence_done(&e);
    }
}

static void test_short_reads_are_put_together(void **state)
{
    (void)state;
    struct sl_evidence e;
    struct sl_err err;
    snp();
    knobs.chunk = 37;
    assert_ok(produce(&e, &err));
    assert_int_equal(e.evidence.size, 1184);
    sl_evidence_done(&e);
}

static void test_races_are_asked_again(void **state)
{
    (void)state;
    struct sl_evidence e;
    struct sl_err err;
    const struct fake_tsm_knobs rows[] = {{.provider = "sev_guest", .races = 3},
                                          {.provider = "sev_guest", .silent_races = 3},
                                          {.provider = "sev_guest", .busy_writes = 3},
                                          {.provider = "sev_guest", .busy_reads = 3},
                                          {.provider = "sev_guest", .taken_names = 3}};
    snp();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        knobs = rows[i];
        assert_ok(produce(&e, &err));
        assert_int_equal(e.evidence.data[0x50], 0x21); /* ours, not 0xee of the other writer */
        sl_evidence_done(&e);
        const struct fake_tsm_knobs left = fake_tsm_get();
        assert_true(left.races <= 0 && left.silent_races <= 0);
        assert_true(left.busy_writes <= 0 && left.busy_reads <= 0);
    }
}

static void test_endless_race_times_out(void **state)
{
    (void)state;
    struct sl_evidence e;
    struct sl_err err;
    snp();
    knobs.races = 1000000;
    assert_rc(produce(&e, &err), SL_TIMEOUT);
    assert_non_null(strstr(err.text, "somebody else writes"));
    knobs = (struct fake_tsm_knobs){.provider = "sev_guest", .busy_reads = 1000000};
    assert_rc(produce(&e, &err), SL_TIMEOUT);
    assert_non_null(strstr(err.text, "outblob"));
}

static void test_device_that_lies_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct fake_tsm_knobs knobs;
        sl_rc rc;
        const char *text;
    } rows[] = {
        {{.provider = "arm_cca_guest"}, SL_UNSUPPORTED, "provider 'arm_cca_guest'"},
        {{.provider = ""}, SL_UNSUPPORTED, "provider ''"},
        {{.provider = "sev_guest", .out_size = 100 << 10}, SL_IO, "more than 65536 bytes"},
        {{.provider = "sev_guest", .out_size = 1183}, SL_IO, "1183 bytes are no report"},
        {{.provider = "tdx_guest", .tdx_version = 4, .out_size = 600}, SL_IO, "are no report"},
        {{.provider = "sev_guest", .is_write_short = true}, SL_IO, "took 32 of 64 bytes"},
        {{.provider = "sev_guest", .is_generation_text = true}, SL_IO, "expected a number"},
        {{.provider = "sev_guest", .mkdir_error = ENXIO}, SL_IO, "load tdx-guest or sev-guest"},
        {{.provider = "sev_guest", .mkdir_error = EACCES}, SL_IO, "Permission denied"},
        {{.provider = "sev_guest", .taken_names = 1000}, SL_IO, "File exists"},
        {{.provider = "0123456789012345678901234567890123456789012345678901234567890"},
         SL_UNSUPPORTED,
         "provider '0123456789"},
    };
    snp();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_evidence e;
        struct sl_err err;
        knobs = rows[i].knobs;
        sl_rc rc = produce(&e, &err);
        if (rc != rows[i].rc || strstr(err.text, rows[i].text) == NULL) {
            fail_msg("row %zu: %s: %s", i, sl_rc_name(rc), err.text);
        }
    }
}

static void test_privilege_floor_is_asked_for(void **state)
{
    (void)state;
    struct sl_evidence e;
    struct sl_err err;
    snp();
    knobs.floor = 2;
    assert_ok(produce(&e, &err));
    sl_evidence_done(&e);
}

static void test_open_and_arguments(void **state)
{
    (void)state;
    struct sl_evidence_producer none;
    struct sl_evidence e;
    struct sl_err err = {0};
    uint8_t target[512];
    uint8_t report[432] = {0};
    uint8_t data[64] = {0};
    assert_rc(sl_evidence_tsm_open("/nonexistent/tsm", &none, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/tsm"));
    assert_rc(sl_evidence_tsm_open("/etc/passwd", &none, &err), SL_NOT_FOUND);
    snp();
    assert_rc(producer.target_info(producer.ctx, target, &err), SL_UNSUPPORTED);
    assert_rc(producer.produce(producer.ctx, data, report, &e, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "no REPORT"));
}

static void test_select_by_device(void **state)
{
    (void)state;
    static const struct {
        const char *name, *device;
        bool has_root;
        const char *producer; /* NULL: refused */
    } rows[] = {
        {"", "bare", true, "tsm"},      {"auto", "bare", false, "none"},
        {"tsm", "bare", true, "tsm"},   {"tsm", "bare", false, NULL},
        {"emu", "bare", true, NULL},    {"emu", "sgx", true, NULL},
        {"none", "bare", true, "none"}, {"none", "emu", true, "none"},
        {"what", "bare", true, NULL},
    };
    snp();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_evidence_producer chosen = {0};
        struct sl_err err = {0};
        const struct sl_evidence_options options = {.name = rows[i].name,
                                                    .device = rows[i].device,
                                                    .tsm_root =
                                                        rows[i].has_root ? root : "/nonexistent"};
        sl_rc rc = sl_evidence_open(&options, &chosen, &err);
        if ((rc == SL_OK) != (rows[i].producer != NULL)) {
            fail_msg("row %zu: %s: %s", i, sl_rc_name(rc), err.text);
        }
        if (rc == SL_OK) {
            assert_string_equal(chosen.name, rows[i].producer);
            sl_evidence_producer_done(&chosen);
        } else {
            assert_true(err.text[0] != '\0');
        }
        assert_int_equal(sl_evidence_is_name(rows[i].name), strcmp(rows[i].name, "what") != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snp_report),
        cmocka_unit_test(test_snp_certificates_of_the_host),
        cmocka_unit_test(test_tdx_quote_of_both_versions),
        cmocka_unit_test(test_short_reads_are_put_together),
        cmocka_unit_test(test_races_are_asked_again),
        cmocka_unit_test(test_endless_race_times_out),
        cmocka_unit_test(test_device_that_lies_is_refused),
        cmocka_unit_test(test_privilege_floor_is_asked_for),
        cmocka_unit_test(test_open_and_arguments),
        cmocka_unit_test(test_select_by_device),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
