/* SPDX-License-Identifier: Apache-2.0 */
/* The SEV-SNP verifier: AMD's rules one by one on platforms made here, and real Milan reports.
 * Genoa, Turin and VLEK reports are made here only: untested on real ones, of which none exists in
 * public with its certificates. */
#include "unit.h"

#include "attest/result.h"
#include "attest/snp_cert.h"
#include "attest/x509.h"
#include "base/bytes.h"
#include "safelib/attest.h"
#include "snp_rig.h"

/* One appraisal of a rig, with everything right unless it is changed before judge(). */
struct test_case {
    struct snp_rig *rig;
    struct sl_attest_policy policy;
    struct sl_attest_collateral collateral;
    struct sl_attest_roots roots;
    struct sl_attest_input input;
    struct sl_attest_result *result;
};

static void case_init(struct test_case *t, const struct snp_spec *spec)
{
    memset(t, 0, sizeof(*t));
    t->rig = snp_rig_make(spec);
    t->policy.is_any_identity = true;
    if (spec->is_vlek) {
        t->collateral.vlek = t->rig->leaf_der;
    } else {
        t->collateral.vcek = t->rig->leaf_der;
    }
    t->collateral.cert_chain = t->rig->chain_pem;
    t->roots.pem = t->rig->root_pem;
    t->input = (struct sl_attest_input){
        .type = SL_ATTEST_SNP, .evidence = {t->rig->report, SL_SNP_REPORT_SIZE}, .time_s = PKI_NOW};
}

static void judge(struct test_case *t)
{
    sl_attest_result_free(t->result);
    t->result = NULL;
    t->input.collateral = &t->collateral;
    t->input.roots = &t->roots;
    t->input.policy = &t->policy;
    assert_ok(sl_attest_verify(&t->input, &t->result));
}

static void case_done(struct test_case *t)
{
    sl_attest_result_free(t->result);
    snp_rig_free(t->rig);
}

static void findings_print(const struct sl_attest_result *result)
{
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *f = sl_attest_result_finding(result, i);
        print_message("  %d %s: %s\n", (int)f->severity, f->code, f->text);
    }
}

/* Only findings with this check failed, and at least one; SL_ATTEST_CHECK_COUNT: accepted. */
static void assert_failure(const struct sl_attest_result *result, enum sl_attest_check check)
{
    const struct sl_findings *findings = &result->findings;
    bool is_found = false, is_other = false;
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->list[i].severity == SL_ATTEST_FAILURE) {
            is_found = is_found || findings->checks[i] == check;
            is_other = is_other || findings->checks[i] != check;
        }
    }
    if (is_other || is_found != (check != SL_ATTEST_CHECK_COUNT)) {
        findings_print(result);
    }
    assert_false(is_other);
    assert_int_equal(is_found, check != SL_ATTEST_CHECK_COUNT);
    assert_int_equal(sl_attest_result_is_accepted(result), check == SL_ATTEST_CHECK_COUNT);
}

static bool has_failure(const struct sl_attest_result *result)
{
    return !sl_attest_result_is_accepted(result);
}

/* --- accepted --- */

static void test_snp_verify_each_product_version_and_key_is_accepted(void **state)
{
    for (int product = 0; product < SL_SNP_PRODUCT_COUNT; product++) {
        for (uint32_t version = 2; version <= 5; version++) {
            for (int is_vlek = 0; is_vlek < 2; is_vlek++) {
                struct snp_spec spec = snp_spec_make((enum sl_snp_product)product, is_vlek != 0);
                spec.version = version;
                struct test_case t;
                case_init(&t, &spec);
                judge(&t);
                assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
                assert_int_equal(sl_attest_result_status(t.result), SL_ATTEST_AFFIRMING);
                assert_int_equal(sl_attest_result_tcb_status(t.result), SL_TCB_UP_TO_DATE);
                struct sl_attest_vector vector = sl_attest_result_vector(t.result);
                assert_int_equal(vector.hardware, 2);
                assert_int_equal(vector.instance_identity, 2);
                assert_int_equal(vector.configuration, 2);
                assert_int_equal(vector.executables, 0);
                json_t *claims = t.result->claims;
                assert_int_equal(json_integer_value(json_object_get(
                                     json_object_get(claims, "reported_tcb"), "microcode")),
                                 product == SL_SNP_TURIN ? 130 : 219);
                assert_string_equal(
                    json_string_value(json_object_get(t.result->appraised, "signed_by")),
                    is_vlek != 0 ? "VLEK" : "VCEK");
                case_done(&t);
            }
        }
    }
}

static void test_snp_verify_trailing_bytes_are_noted(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    uint8_t longer[SL_SNP_REPORT_SIZE + 70] = {0};
    memcpy(longer, t.rig->report, SL_SNP_REPORT_SIZE);
    t.input.evidence = (struct sl_blob){longer, sizeof(longer)};
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    assert_true(sl_findings_has(&t.result->findings, SL_CHECK_EVIDENCE_TRAILING));
    case_done(&t);
}

static void test_snp_verify_masked_chip_id_is_noted(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_GENOA, false);
    struct test_case t;
    case_init(&t, &spec);
    memset(t.rig->report + 0x1a0, 0, 64);
    snp_rig_sign(t.rig);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    assert_true(sl_findings_has(&t.result->findings, SL_CHECK_CHIP_ID));
    case_done(&t);
}

/* --- the report's bytes --- */

static void test_snp_verify_truncated_at_every_length_is_refused(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    for (size_t size = 0; size < SL_SNP_REPORT_SIZE; size++) {
        t.input.evidence.size = size;
        judge(&t);
        assert_failure(t.result, SL_CHECK_EVIDENCE_FORMAT);
        char *json = NULL;
        assert_rc(sl_attest_inspect(SL_ATTEST_SNP, t.input.evidence, &json), SL_TRUNCATED);
    }
    case_done(&t);
}

static void test_snp_verify_every_bit_flipped_is_refused(void **state)
{
    static const uint32_t versions[] = {2, 5};
    for (size_t v = 0; v < 2; v++) {
        struct snp_spec spec = snp_spec_make(v == 0 ? SL_SNP_MILAN : SL_SNP_TURIN, v == 1);
        spec.version = versions[v];
        struct test_case t;
        case_init(&t, &spec);
        struct sl_attest_cache *cache = NULL;
        assert_ok(sl_attest_cache_create(8, &cache));
        t.input.cache = cache; /* only the report changes */
        for (size_t i = 0; i < SL_SNP_REPORT_SIZE; i += v == 1 ? 1 : 5) {
            /* Every bit of the fields that have bits, one of each byte elsewhere. */
            bool is_all = v == 1 && (i < 0x10 || (i >= 0x30 && i < 0x50) ||
                                     (i >= 0x188 && i < 0x18b) || (i >= 0x1e8 && i < 0x1f0));
            for (unsigned int bit = is_all ? 0 : i % 8; bit < 8; bit += is_all ? 1 : 8) {
                t.rig->report[i] ^= (uint8_t)(1U << bit);
                judge(&t);
                if (!has_failure(t.result)) {
                    fail_msg("byte 0x%zx bit %u may be changed", i, bit);
                }
                t.rig->report[i] ^= (uint8_t)(1U << bit);
            }
        }
        judge(&t);
        assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
        sl_attest_cache_free(cache);
        case_done(&t);
    }
}

/* A change of the report's bytes that its maker signed, and what must come of it. */
struct change {
    const char *what;
    enum sl_attest_check check;
    size_t off;
    size_t size;
    uint8_t value[8];
    bool is_vlek;
    uint32_t version;
    enum sl_snp_product product;
};

static void test_snp_verify_each_field_has_its_finding(void **state)
{
    static const struct change rows[] = {
        {.what = "version 1",
         .check = SL_CHECK_EVIDENCE_VERSION,
         .off = 0,
         .size = 1,
         .value = {1}},
        {.what = "version 6",
         .check = SL_CHECK_EVIDENCE_VERSION,
         .off = 0,
         .size = 1,
         .value = {6}},
        {.what = "version 258",
         .check = SL_CHECK_EVIDENCE_VERSION,
         .off = 0,
         .size = 2,
         .value = {2, 1}},
        {.what = "debug", .check = SL_CHECK_DEBUG, .off = 0x0a, .size = 1, .value = {0x0b}},
        {.what = "reserved one of the policy is 0",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x0a,
         .size = 1,
         .value = {0x01}},
        {.what = "reserved bit 26 of the policy",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x0b,
         .size = 1,
         .value = {0x04}},
        {.what = "policy's ABI above the firmware's",
         .check = SL_CHECK_SNP_POLICY,
         .off = 0x08,
         .size = 2,
         .value = {56, 1}},
        {.what = "policy without SMT on a platform with it",
         .check = SL_CHECK_SNP_POLICY,
         .off = 0x0a,
         .size = 1,
         .value = {0x02}},
        {.what = "policy demands RAPL off",
         .check = SL_CHECK_SNP_POLICY,
         .off = 0x0a,
         .size = 1,
         .value = {0x83}},
        {.what = "policy demands ciphertext hiding",
         .check = SL_CHECK_SNP_POLICY,
         .off = 0x0b,
         .size = 1,
         .value = {0x01}},
        {.what = "policy with what needs nothing of the platform",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x0a,
         .size = 2,
         .value = {0x73, 0x02}},
        {.what = "VMPL 1", .check = SL_CHECK_VMPL, .off = 0x30, .size = 1, .value = {1}},
        {.what = "VMPL 4", .check = SL_CHECK_EVIDENCE_FORMAT, .off = 0x30, .size = 1, .value = {4}},
        {.what = "asked for by the host",
         .check = SL_CHECK_VMPL,
         .off = 0x30,
         .size = 4,
         .value = {255, 255, 255, 255}},
        {.what = "signature algorithm 0",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x34,
         .size = 1,
         .value = {0}},
        {.what = "platform info bit 6",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x40,
         .size = 1,
         .value = {0x41}},
        {.what = "platform info bit 8",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x41,
         .size = 1,
         .value = {1}},
        {.what = "platform info all known bits",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x40,
         .size = 1,
         .value = {0xbf}},
        {.what = "key info reserved",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x48,
         .size = 1,
         .value = {0x20}},
        {.what = "not signed",
         .check = SL_CHECK_SIGNATURE,
         .off = 0x48,
         .size = 1,
         .value = {0x1c}},
        {.what = "unknown signer",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x48,
         .size = 1,
         .value = {0x08}},
        {.what = "author key's digest without author key",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x110,
         .size = 1,
         .value = {1}},
        {.what = "author key",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x48,
         .size = 1,
         .value = {1}},
        {.what = "reserved 0x4c",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x4c,
         .size = 1,
         .value = {1}},
        {.what = "reserved 0x18b",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x18b,
         .size = 1,
         .value = {1}},
        {.what = "reserved 0x19f",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x19f,
         .size = 1,
         .value = {1}},
        {.what = "reserved 0x188 in version 2",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x188,
         .size = 1,
         .value = {1},
         .version = 2},
        {.what = "reserved 0x1eb",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x1eb,
         .size = 1,
         .value = {1}},
        {.what = "reserved 0x1ef",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x1ef,
         .size = 1,
         .value = {1}},
        {.what = "mitigations in version 4",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x1f8,
         .size = 1,
         .value = {1},
         .version = 4},
        {.what = "mitigations in version 5",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x1f8,
         .size = 1,
         .value = {1},
         .version = 5},
        {.what = "reserved 0x208",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x208,
         .size = 1,
         .value = {1},
         .version = 5},
        {.what = "reserved 0x29f",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x29f,
         .size = 1,
         .value = {1}},
        {.what = "CPUID of another product",
         .check = SL_CHECK_COLLATERAL_MISMATCH,
         .off = 0x189,
         .size = 1,
         .value = {0x11}},
        {.what = "Bergamo has Genoa's keys",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x189,
         .size = 1,
         .value = {0xa0},
         .product = SL_SNP_GENOA},
        {.what = "CPUID of no product",
         .check = SL_CHECK_EVIDENCE_VERSION,
         .off = 0x188,
         .size = 1,
         .value = {0x17}},
        {.what = "chip id of another",
         .check = SL_CHECK_CHIP_ID,
         .off = 0x1a0,
         .size = 1,
         .value = {1}},
        {.what = "chip id longer than Turin's",
         .check = SL_CHECK_CHIP_ID,
         .off = 0x1a8,
         .size = 1,
         .value = {1},
         .product = SL_SNP_TURIN},
        {.what = "chip id does not matter to a VLEK",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x1a0,
         .size = 1,
         .value = {1},
         .is_vlek = true},
        {.what = "current TCB below the committed",
         .check = SL_CHECK_SNP_TCB_ORDER,
         .off = 0x38,
         .size = 1,
         .value = {3}},
        {.what = "current TCB above the committed",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x38,
         .size = 1,
         .value = {5}},
        {.what = "committed firmware above the current",
         .check = SL_CHECK_SNP_TCB_ORDER,
         .off = 0x1ec,
         .size = 1,
         .value = {11}},
        {.what = "launch TCB may be any",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x1f0,
         .size = 1,
         .value = {0}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct snp_spec spec = snp_spec_make(rows[i].product, rows[i].is_vlek);
        spec.version = rows[i].version != 0 ? rows[i].version : 3;
        struct test_case t;
        case_init(&t, &spec);
        memcpy(t.rig->report + rows[i].off, rows[i].value, rows[i].size);
        snp_rig_sign(t.rig);
        print_message("%s\n", rows[i].what);
        judge(&t);
        if (rows[i].check == SL_CHECK_COLLATERAL_MISMATCH) { /* the root is another's as well */
            assert_true(sl_findings_has(&t.result->findings, rows[i].check));
            assert_true(has_failure(t.result));
        } else {
            assert_failure(t.result, rows[i].check);
        }
        case_done(&t);
    }
}

static void test_snp_verify_reported_tcb_differs_from_certificate(void **state)
{
    static const enum sl_snp_product products[] = {SL_SNP_MILAN, SL_SNP_TURIN};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < 8; i++) {
            struct snp_spec spec = snp_spec_make(products[p], false);
            struct test_case t;
            case_init(&t, &spec);
            if (t.rig->report[0x180 + i] > 0) { /* below: allowed by the order, not certified */
                t.rig->report[0x180 + i]--;
                snp_rig_sign(t.rig);
                judge(&t);
                assert_failure(t.result, SL_CHECK_VCEK_TCB);
                t.rig->report[0x180 + i]++;
            }
            t.rig->report[0x180 + i]++;
            snp_rig_sign(t.rig);
            judge(&t);
            assert_true(sl_findings_has(&t.result->findings, SL_CHECK_VCEK_TCB));
            assert_true(sl_findings_has(&t.result->findings, SL_CHECK_SNP_TCB_ORDER));
            case_done(&t);
        }
    }
}

static void test_snp_verify_signature_field(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    memset(t.rig->report + 0x2a0, 0, 144);
    judge(&t);
    assert_failure(t.result, SL_CHECK_SIGNATURE);
    snp_rig_sign(t.rig);
    t.rig->report[0x2a0 + 48] = 1; /* r above 384 bits */
    judge(&t);
    assert_failure(t.result, SL_CHECK_EVIDENCE_FORMAT);
    t.rig->report[0x2a0 + 48] = 0;
    t.rig->report[SL_SNP_REPORT_SIZE - 1] = 1;
    judge(&t);
    assert_failure(t.result, SL_CHECK_EVIDENCE_FORMAT);
    case_done(&t);
}

/* --- certificates --- */

static void test_snp_verify_collateral_missing_or_malformed(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    t.input.collateral = NULL;
    t.input.policy = &t.policy;
    assert_ok(sl_attest_verify(&t.input, &t.result));
    assert_failure(t.result, SL_CHECK_COLLATERAL_MISSING);
    t.collateral.vcek = (struct sl_blob){NULL, 0};
    judge(&t);
    assert_failure(t.result, SL_CHECK_COLLATERAL_MISSING);
    t.collateral.vlek = t.rig->leaf_der; /* under the wrong name */
    judge(&t);
    assert_failure(t.result, SL_CHECK_COLLATERAL_MISSING);
    t.collateral.vcek = (struct sl_blob){t.rig->leaf_der.data, 100};
    judge(&t);
    assert_failure(t.result, SL_CHECK_CERT_FORMAT);
    t.collateral.vcek = t.rig->chain_pem;
    judge(&t);
    assert_failure(t.result, SL_CHECK_CERT_USAGE);
    t.collateral.vcek = t.rig->leaf_der;
    t.collateral.amd_crl = (struct sl_blob){(const uint8_t *)"0\x82", 2};
    judge(&t);
    assert_failure(t.result, SL_CHECK_COLLATERAL_FORMAT);
    t.collateral.amd_crl = (struct sl_blob){NULL, 0};
    t.roots.pem = (struct sl_blob){(const uint8_t *)"no root", 7};
    judge(&t);
    assert_failure(t.result, SL_CHECK_CERT_PATH);
    case_done(&t);
}

static void test_snp_verify_pinned_roots_refuse_others(void **state)
{
    for (int product = 0; product < SL_SNP_PRODUCT_COUNT; product++) {
        struct snp_spec spec = snp_spec_make((enum sl_snp_product)product, false);
        struct test_case t;
        case_init(&t, &spec);
        t.roots.pem = (struct sl_blob){NULL, 0};
        judge(&t);
        assert_failure(t.result, SL_CHECK_CERT_PATH);
        case_done(&t);
    }
}

static void test_snp_verify_each_certificate_fault_has_its_finding(void **state)
{
    struct {
        const char *what;
        enum sl_attest_check check;
        struct snp_spec spec;
    } rows[24];
    size_t count = 0;
#define ROW(text, code, is_vlek)                                                                   \
    rows[count].what = text;                                                                       \
    rows[count].check = code;                                                                      \
    rows[count].spec = snp_spec_make(SL_SNP_MILAN, is_vlek);                                       \
    for (struct snp_spec *s = &rows[count++].spec; s != NULL; s = NULL)
    ROW("VCEK under an ASVK", SL_CHECK_CERT_USAGE, false)
    {
        s->names[1] = "SEV-VLEK-Milan";
    }
    ROW("VLEK under an ASK", SL_CHECK_CERT_USAGE, true)
    {
        s->names[1] = "SEV-Milan";
    }
    ROW("ASK of another product", SL_CHECK_CERT_USAGE, false)
    {
        s->names[1] = "SEV-Genoa";
    }
    ROW("ARK of another product", SL_CHECK_CERT_USAGE, false)
    {
        s->names[2] = "ARK-Genoa";
    }
    ROW("leaf of another name", SL_CHECK_CERT_USAGE, false)
    {
        s->names[0] = "SEV-VLEK";
    }
    ROW("ASK is no CA", SL_CHECK_CERT_USAGE, false)
    {
        s->issuer.is_ca = false;
    }
    ROW("ASK may not sign certificates", SL_CHECK_CERT_USAGE, false)
    {
        s->issuer.usage = "cRLSign";
    }
    ROW("VCEK expired", SL_CHECK_CERT_EXPIRED, false)
    {
        s->leaf.until_s = PKI_NOW - 1;
    }
    ROW("ASK not valid yet", SL_CHECK_CERT_NOT_YET, false)
    {
        s->issuer.from_s = PKI_NOW + 1;
    }
    ROW("key on P-256", SL_CHECK_CERT_FORMAT, false)
    {
        s->is_p256 = true;
    }
    ROW("product name unknown", SL_CHECK_CERT_FORMAT, false)
    {
        s->product_name = "Venice-A0";
    }
    ROW("product name longer than a product", SL_CHECK_CERT_FORMAT, false)
    {
        s->product_name = "Milano";
    }
    ROW("no structure version", SL_CHECK_CERT_FORMAT, false)
    {
        s->without = "1.3.6.1.4.1.3704.1.1";
    }
    ROW("no product", SL_CHECK_CERT_FORMAT, false)
    {
        s->without = "1.3.6.1.4.1.3704.1.2";
    }
    ROW("no microcode SPL", SL_CHECK_CERT_FORMAT, false)
    {
        s->without = "1.3.6.1.4.1.3704.1.3.8";
    }
    ROW("no chip id", SL_CHECK_CERT_FORMAT, false)
    {
        s->without = "1.3.6.1.4.1.3704.1.4";
    }
    ROW("VLEK without a provider", SL_CHECK_CERT_FORMAT, true)
    {
        s->without = "1.3.6.1.4.1.3704.1.5";
    }
    ROW("TCB of another level", SL_CHECK_VCEK_TCB, true)
    {
        s->version = 3;
    }
#undef ROW
    for (size_t i = 0; i < count; i++) {
        struct test_case t;
        case_init(&t, &rows[i].spec);
        if (rows[i].check == SL_CHECK_VCEK_TCB) {
            t.rig->report[0x186]--;
            snp_rig_sign(t.rig);
        }
        print_message("%s\n", rows[i].what);
        judge(&t);
        assert_failure(t.result, rows[i].check);
        case_done(&t);
    }
}

static void test_snp_verify_ask_and_asvk_in_one_file(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_GENOA, true);
    struct test_case t;
    case_init(&t, &spec);
    struct pki_spec ask = {.name = "SEV-Genoa",
                           .serial = 9,
                           .is_ca = true,
                           .has_path_length = true,
                           .usage = "keyCertSign"};
    X509 *other = pki_cert_make(&ask, t.rig->leaf_key, t.rig->ark, t.rig->ark_key);
    X509 *const all[] = {t.rig->ark, other, t.rig->ask};
    struct sl_blob pem = pki_certs_pem(all, 3);
    t.collateral.cert_chain = pem;
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    X509_free(other);
    pki_blob_free(pem);
    case_done(&t);
}

static void test_snp_verify_crl_of_the_ark(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    const struct {
        struct pki_crl_spec spec;
        uint64_t max_age_s;
        enum sl_attest_check check;
    } rows[] = {
        {{.from_s = 0}, 0, SL_ATTEST_CHECK_COUNT},
        {{.revoked = t.rig->ask}, 0, SL_CHECK_CERT_REVOKED},
        {{.until_s = PKI_NOW - 1}, 0, SL_CHECK_CRL_EXPIRED},
        {{.from_s = PKI_NOW + 1}, 0, SL_CHECK_CRL_NOT_YET},
        {{.from_s = PKI_NOW - 100}, 99, SL_CHECK_COLLATERAL_TOO_OLD},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        X509_CRL *crl = pki_crl_make(&rows[i].spec, t.rig->ark, t.rig->ark_key);
        struct sl_blob der = pki_crl_der(crl);
        t.collateral.amd_crl = der;
        t.policy.max_collateral_age_s = rows[i].max_age_s;
        judge(&t);
        assert_failure(t.result, rows[i].check);
        X509_CRL_free(crl);
        pki_blob_free(der);
    }
    case_done(&t);
}

/* --- policy --- */

static void test_snp_verify_minimum_tcb(void **state)
{
    for (int product = 0; product < SL_SNP_PRODUCT_COUNT; product++) {
        struct snp_spec spec = snp_spec_make((enum sl_snp_product)product, false);
        struct test_case t;
        case_init(&t, &spec);
        struct sl_snp_tcb have = sl_snp_tcb_read((enum sl_snp_product)product, spec.cert_tcb);
        t.policy.min_snp_tcb[product] = have;
        judge(&t);
        assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
        uint8_t *const parts[] = {
            &t.policy.min_snp_tcb[product].bootloader, &t.policy.min_snp_tcb[product].tee,
            &t.policy.min_snp_tcb[product].snp, &t.policy.min_snp_tcb[product].microcode,
            &t.policy.min_snp_tcb[product].fmc};
        for (size_t i = 0; i < 5; i++) {
            (*parts[i])++;
            judge(&t);
            assert_failure(t.result, SL_CHECK_SNP_TCB);
            assert_int_equal(sl_attest_result_tcb_status(t.result), SL_TCB_OUT_OF_DATE);
            (*parts[i])--;
        }
        t.policy.min_snp_tcb[product].microcode++;
        t.policy.tcb_accepted = 1U << SL_TCB_OUT_OF_DATE;
        judge(&t);
        assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
        assert_int_equal(sl_attest_result_status(t.result), SL_ATTEST_WARNED);
        /* Launched below it, updated since. */
        t.policy.min_snp_tcb[product].microcode--;
        t.policy.tcb_accepted = 0;
        t.rig->report[0x1f7]--;
        snp_rig_sign(t.rig);
        judge(&t);
        assert_failure(t.result, SL_CHECK_SNP_TCB);
        case_done(&t);
    }
}

static void test_snp_verify_guest_policy_against_ours(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    t.policy.is_smt_refused = true;
    judge(&t);
    assert_failure(t.result, SL_CHECK_SNP_POLICY);
    t.policy.is_smt_refused = false;
    t.policy.is_migration_refused = true;
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    t.rig->report[0x0a] |= 0x04;
    snp_rig_sign(t.rig);
    judge(&t);
    assert_failure(t.result, SL_CHECK_SNP_POLICY);
    t.policy.is_migration_refused = false;
    t.policy.insecure_allow_debug = true;
    t.rig->report[0x0a] = 0x0b;
    t.rig->report[0x30] = 1;
    t.policy.max_vmpl = 1;
    snp_rig_sign(t.rig);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    assert_int_equal(sl_attest_result_status(t.result), SL_ATTEST_WARNED);
    case_done(&t);
}

static void test_snp_verify_references(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    t.policy.is_any_identity = false;
    judge(&t);
    assert_failure(t.result, SL_CHECK_POLICY_EMPTY);
    struct sl_attest_reference *ref = &t.policy.references[0];
    t.policy.reference_count = 1;
    ref->has_mrenclave = true; /* another technology's */
    ref->has_host_data = true;
    judge(&t);
    assert_failure(t.result, SL_CHECK_POLICY_EMPTY);
    ref->has_measurement = true;
    memset(ref->measurement, 0x11, 48);
    memset(ref->host_data, 0x22, 32);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    assert_int_equal(sl_attest_result_vector(t.result).executables, 2);
    ref->has_id_key_digest = true;
    judge(&t);
    assert_failure(t.result, SL_CHECK_IDENTITY);
    memset(ref->id_key_digest, 0x33, 48);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    ref->host_data[31] ^= 1;
    judge(&t);
    assert_failure(t.result, SL_CHECK_IDENTITY);
    ref->has_host_data = false;
    ref->measurement[47] ^= 1;
    judge(&t);
    assert_failure(t.result, SL_CHECK_IDENTITY);
    ref->has_measurement = false; /* the ID key alone: its owner decides */
    ref->min_guest_svn = 7;
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    ref->min_guest_svn = 8;
    judge(&t);
    assert_failure(t.result, SL_CHECK_SVN);
    t.policy.references[1] = *ref;
    t.policy.references[1].min_guest_svn = 0;
    t.policy.reference_count = 2;
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    case_done(&t);
}

static void test_snp_verify_report_data_and_nonce(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    uint8_t data[64];
    memcpy(data, t.rig->report + 0x50, 64);
    t.input.report_data = (struct sl_blob){data, 64};
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    data[63] ^= 1;
    judge(&t);
    assert_failure(t.result, SL_CHECK_REPORT_DATA);
    t.input.report_data = (struct sl_blob){NULL, 0};
    t.input.nonce = (struct sl_blob){data, 32};
    judge(&t);
    assert_failure(t.result, SL_CHECK_REPORT_DATA); /* the rest is not zero */
    memset(t.rig->report + 0x70, 0, 32);
    snp_rig_sign(t.rig);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    case_done(&t);
}

static void test_snp_inspect_shows_without_judging(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_TURIN, false);
    spec.version = 5;
    struct test_case t;
    case_init(&t, &spec);
    t.rig->report[0x29f] = 1; /* judged elsewhere */
    char *text = NULL;
    assert_ok(sl_attest_inspect(SL_ATTEST_SNP, t.input.evidence, &text));
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "product")), "Turin");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(json, "launch_tcb"), "fmc")), 1);
    assert_true(json_is_true(json_object_get(json_object_get(json, "policy"), "smt")));
    json_decref(json);
    free(text);
    t.rig->report[0] = 6;
    assert_rc(sl_attest_inspect(SL_ATTEST_SNP, t.input.evidence, &text), SL_UNSUPPORTED);
    case_done(&t);
}

/* --- real ones --- */

static struct sl_blob file_read(const char *name)
{
    char path[512];
    vector_path(name, path, sizeof(path));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *data = malloc(16384);
    assert_non_null(data);
    size_t size = fread(data, 1, 16384, file);
    (void)fclose(file);
    return (struct sl_blob){data, size};
}

static void real_judge(struct sl_blob report, struct sl_blob vcek, struct sl_blob chain,
                       int64_t time_s, bool is_debug_allowed, enum sl_attest_check check)
{
    struct sl_attest_policy policy = {.is_any_identity = true,
                                      .insecure_allow_debug = is_debug_allowed};
    struct sl_attest_collateral collateral = {.vcek = vcek, .cert_chain = chain};
    struct sl_attest_input input = {.type = SL_ATTEST_SNP,
                                    .evidence = report,
                                    .collateral = &collateral,
                                    .policy = &policy,
                                    .time_s = time_s};
    struct sl_attest_result *result = NULL;
    assert_ok(sl_attest_verify(&input, &result));
    assert_failure(result, check);
    sl_attest_result_free(result);
}

static void test_snp_verify_real_milan_reports(void **state)
{
#define VIRTEE "snp/virtee-sev/tests/certs_data/"
#define GUEST  "snp/go-sev-guest/verify/"
    struct sl_blob hex = file_read(VIRTEE "report_milan.hex");
    struct sl_blob vcek = file_read(VIRTEE "vcek_milan.der");
    struct sl_blob chain = file_read(VIRTEE "cert_chain_milan");
    uint8_t bytes[SL_SNP_REPORT_SIZE];
    char *text = strndup((const char *)hex.data, hex.size);
    text[strcspn(text, "\r\n")] = '\0';
    assert_ok(sl_hex_decode(text, bytes, sizeof(bytes)));
    free(text);
    struct sl_blob report = {bytes, sizeof(bytes)};
    const int64_t from_s = 1680549823, until_s = 1901474623; /* of the VCEK */
    real_judge(report, vcek, chain, 1700000000, false, SL_ATTEST_CHECK_COUNT);
    real_judge(report, vcek, chain, from_s, false, SL_ATTEST_CHECK_COUNT);
    real_judge(report, vcek, chain, from_s - 1, false, SL_CHECK_CERT_NOT_YET);
    real_judge(report, vcek, chain, until_s, false, SL_ATTEST_CHECK_COUNT);
    real_judge(report, vcek, chain, until_s + 1, false, SL_CHECK_CERT_EXPIRED);
    bytes[0x90] ^= 1;
    real_judge(report, vcek, chain, 1700000000, false, SL_CHECK_SIGNATURE);
    pki_blob_free(hex);

    /* go-sev-guest's was taken from a guest that may be debugged: refused, unless one insists. */
    struct sl_blob other = file_read(GUEST "testdata/attestation.bin");
    struct sl_blob other_vcek = file_read(GUEST "testdata/vcek.testcer");
    struct sl_blob other_chain = file_read(GUEST "trust/ask_ark_milan.pem");
    real_judge(other, other_vcek, other_chain, 1700000000, false, SL_CHECK_DEBUG);
    real_judge(other, other_vcek, other_chain, 1700000000, true, SL_ATTEST_CHECK_COUNT);
    /* A chain with the ASVK in place of the ASK does not lead to the root. */
    struct sl_blob vlek_chain = file_read(GUEST "trust/ask_ark_milan_vlek.pem");
    real_judge(other, other_vcek, vlek_chain, 1700000000, true, SL_CHECK_CERT_PATH);
    pki_blob_free(vlek_chain);
    pki_blob_free(other);
    pki_blob_free(other_vcek);
    pki_blob_free(other_chain);
    pki_blob_free(vcek);
    pki_blob_free(chain);
}

static void test_snp_cert_read_real_turin_vcek(void **state)
{
    struct sl_blob der = file_read(VIRTEE "vcek_turin.der");
    struct sl_x509_list list;
    assert_ok(sl_x509_list_read(der, &list));
    struct sl_snp_cert cert;
    const char *why = NULL;
    assert_ok(sl_snp_cert_read(list.certs[0], SL_SNP_SIGNER_VCEK, &cert, &why));
    assert_int_equal(cert.product, SL_SNP_TURIN);
    assert_string_equal(cert.product_name, "Turin");
    assert_int_equal(cert.hwid_size, 8);
    static const uint8_t hwid[] = {0x1e, 0x55, 0x0a, 0x8e, 0xe5, 0xcf, 0x9f, 0x4d};
    assert_memory_equal(cert.hwid, hwid, 8);
    static const uint8_t tcb[] = {0, 0, 0, 0, 0, 0, 0, 9};
    assert_memory_equal(cert.tcb, tcb, 8);
    sl_x509_list_done(&list);
    pki_blob_free(der);
}

static int teardown(void **state)
{
    snp_keys_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snp_verify_each_product_version_and_key_is_accepted),
        cmocka_unit_test(test_snp_verify_trailing_bytes_are_noted),
        cmocka_unit_test(test_snp_verify_masked_chip_id_is_noted),
        cmocka_unit_test(test_snp_verify_truncated_at_every_length_is_refused),
        cmocka_unit_test(test_snp_verify_every_bit_flipped_is_refused),
        cmocka_unit_test(test_snp_verify_each_field_has_its_finding),
        cmocka_unit_test(test_snp_verify_reported_tcb_differs_from_certificate),
        cmocka_unit_test(test_snp_verify_signature_field),
        cmocka_unit_test(test_snp_verify_collateral_missing_or_malformed),
        cmocka_unit_test(test_snp_verify_pinned_roots_refuse_others),
        cmocka_unit_test(test_snp_verify_each_certificate_fault_has_its_finding),
        cmocka_unit_test(test_snp_verify_ask_and_asvk_in_one_file),
        cmocka_unit_test(test_snp_verify_crl_of_the_ark),
        cmocka_unit_test(test_snp_verify_minimum_tcb),
        cmocka_unit_test(test_snp_verify_guest_policy_against_ours),
        cmocka_unit_test(test_snp_verify_references),
        cmocka_unit_test(test_snp_verify_report_data_and_nonce),
        cmocka_unit_test(test_snp_inspect_shows_without_judging),
        cmocka_unit_test(test_snp_verify_real_milan_reports),
        cmocka_unit_test(test_snp_cert_read_real_turin_vcek),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
