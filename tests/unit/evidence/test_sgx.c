/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes by AESM's protocol against a stand-in of the service, and by the DCAP library against a
 * stand-in of that. On hardware neither has run. */
#include "unit.h"

#include "base/bytes.h"
#include "evidence/aesm.h"
#include "evidence/producers.h"
#include "fake_aesm.h"

static struct sl_aesm aesm; /* with a short patience */
static struct sl_evidence_producer producer;
static uint8_t report[432];

static int setup(void **state)
{
    struct sl_err err = {0};
    const char *path = fake_aesm_start();
    fake_aesm_set((struct fake_aesm_knobs){.call = -1});
    aesm = (struct sl_aesm){.timeout_ms = 60000};
    (void)snprintf(aesm.path, sizeof(aesm.path), "%s", path);
    memset(report, 0x33, sizeof(report));
    *state = NULL;
    return sl_evidence_sgx_open(path, "/nonexistent.so", &producer, &err) != SL_OK;
}

static int teardown(void **state)
{
    (void)state;
    sl_evidence_producer_done(&producer);
    fake_aesm_stop();
    return 0;
}

static void test_target_info_by_aesm(void **state)
{
    (void)state;
    struct sl_err err = {0};
    uint8_t target[512];
    assert_ok(producer.target_info(producer.ctx, target, &err));
    assert_int_equal(target[0], 0xae);
    assert_int_equal(target[511], 0xae);
}

static void test_quote_by_aesm_is_trimmed(void **state)
{
    (void)state;
    struct sl_err err = {0};
    struct sl_evidence e;
    uint8_t data[64];
    memset(data, 0x33, sizeof(data));
    assert_ok(producer.produce(producer.ctx, data, report, &e, &err));
    assert_int_equal(e.type, SL_ATTEST_SGX);
    assert_int_equal(e.evidence.size, 436 + 4000); /* of a buffer of 4600 */
    assert_memory_equal(e.evidence.data + 48, report, 384);
    sl_evidence_done(&e);
}

/* What goes over the socket, byte by byte, as the .proto says. */
static void test_requests_are_as_the_protocol_says(void **state)
{
    (void)state;
    struct sl_err err = {0};
    uint8_t target[512];
    uint8_t request[1024];
    /* timeout is microseconds: 60000000 = varint 80 8e ce 1c */
    static const uint8_t count[] = {0xaa, 0x01, 5, 0x48, 0x80, 0x8e, 0xce, 0x1c};
    static const uint8_t keys[] = {0xb2, 0x01, 8, 0x48, 0x80, 0x8e, 0xce, 0x1c, 0x08, 0x80, 0x04};
    static const uint8_t init_begin[] = {0x7a, 0x8c, 0x02, 0x48, 0x80, 0x8e,
                                         0xce, 0x1c, 0x0a, 0x80, 0x02, 0xec};
    static const uint8_t init_end[] = {0x18, 0x01, 0x20, 0x20};
    assert_ok(sl_aesm_target_info(&aesm, target, &err));
    size_t size = fake_aesm_request(21, request, sizeof(request));
    assert_int_equal(size, sizeof(count));
    assert_memory_equal(request, count, size);
    size = fake_aesm_request(22, request, sizeof(request));
    assert_int_equal(size, sizeof(keys));
    assert_memory_equal(request, keys, size);
    size = fake_aesm_request(15, request, sizeof(request));
    assert_memory_equal(request, init_begin, sizeof(init_begin));
    assert_memory_equal(request + size - sizeof(init_end), init_end, sizeof(init_end));
}

static void test_service_without_ecdsa_is_told(void **state)
{
    (void)state;
    struct sl_err err = {0};
    uint8_t target[512];
    fake_aesm_set((struct fake_aesm_knobs){.call = -1, .has_no_ecdsa = true});
    assert_rc(sl_aesm_target_info(&aesm, target, &err), SL_UNSUPPORTED);
    assert_non_null(strstr(err.text, "no ECDSA P-256"));
    fake_aesm_set((struct fake_aesm_knobs){.call = -1});
    assert_ok(sl_aesm_target_info(&aesm, target, &err)); /* asked again, not remembered */
}

/* Every fault at every call: an error that names it, never more. */
static void test_faults_of_the_service(void **state)
{
    (void)state;
    static const int calls[] = {21, 22, 15, 16, 17};
    static const struct {
        enum fake_aesm_fault fault;
        sl_rc rc;
        const char *text;
    } rows[] = {
        {FAULT_ERROR, SL_IO, "error 12: network"},
        {FAULT_CLOSE, SL_IO, "closed"},
        {FAULT_CUT, SL_IO, "closed"},
        {FAULT_HUGE, SL_IO, "impossible length"},
        {FAULT_EMPTY, SL_IO, "impossible length"},
        {FAULT_GARBAGE, SL_IO, "no protobuf"},
        {FAULT_OTHER, SL_IO, "something else"},
        {FAULT_UNSUPPORTED, SL_IO, "does not know"},
        {FAULT_HANG, SL_TIMEOUT, "no answer within 300 ms"}, /* the last */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++) {
            static uint8_t quote[SL_AESM_QUOTE_MAX];
            struct sl_aesm fresh = aesm;
            struct sl_err err = {0};
            uint8_t target[512];
            size_t size = 0;
            if (rows[i].fault == FAULT_HANG && calls[k] != 17) {
                continue; /* a second each */
            }
            fresh.timeout_ms = rows[i].fault == FAULT_HANG ? 300 : aesm.timeout_ms;
            fake_aesm_set((struct fake_aesm_knobs){calls[k], rows[i].fault, 12, false});
            sl_rc rc = calls[k] == 16 || calls[k] == 17
                           ? sl_aesm_quote(&fresh, report, quote, &size, &err)
                           : sl_aesm_target_info(&fresh, target, &err);
            if (rc != rows[i].rc || strstr(err.text, rows[i].text) == NULL) {
                fail_msg("row %zu, call %d: %s: %s", i, calls[k], sl_rc_name(rc), err.text);
            }
        }
    }
}

static void test_answers_of_wrong_content(void **state)
{
    (void)state;
    static const struct {
        int call;
        enum fake_aesm_fault fault;
        sl_rc rc;
        const char *text;
    } rows[] = {
        {21, FAULT_LIE, SL_IO, "more than can be"},
        {22, FAULT_SHORT, SL_IO, "not as many"},
        {16, FAULT_LIE, SL_IO, "out of bounds"},
        {17, FAULT_SHORT, SL_MALFORMED, "a quote of 300 bytes"},
        {17, FAULT_LIE, SL_MALFORMED, "signature has 4600 bytes"},
        {17, FAULT_OTHER_REPORT, SL_MALFORMED, "another report"},
        {17, FAULT_ERROR, SL_AUTH, "error 3: wrong parameter"},
    };
    uint8_t data[64];
    memset(data, 0x33, sizeof(data));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_evidence_producer fresh;
        struct sl_evidence e;
        struct sl_err err = {0};
        assert_ok(sl_evidence_sgx_open(aesm.path, NULL, &fresh, &err));
        fake_aesm_set((struct fake_aesm_knobs){rows[i].call, rows[i].fault, 3, false});
        sl_rc rc = fresh.produce(fresh.ctx, data, report, &e, &err);
        if (rc != rows[i].rc || strstr(err.text, rows[i].text) == NULL) {
            fail_msg("row %zu: %s: %s", i, sl_rc_name(rc), err.text);
        }
        sl_evidence_producer_done(&fresh);
    }
    fake_aesm_set((struct fake_aesm_knobs){15, FAULT_SHORT, 3, false});
    struct sl_err err = {0};
    uint8_t target[512];
    assert_rc(producer.target_info(producer.ctx, target, &err), SL_IO);
    assert_non_null(strstr(err.text, "expected 512 bytes"));
}

static void test_wrong_arguments_refused(void **state)
{
    (void)state;
    struct sl_evidence e;
    struct sl_err err = {0};
    uint8_t data[64] = {0};
    char path[200];
    struct sl_evidence_producer other;
    assert_rc(producer.produce(producer.ctx, data, NULL, &e, &err), SL_INVALID);
    assert_rc(producer.produce(producer.ctx, data, report, &e, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "other report_data"));
    memset(path, 'a', sizeof(path));
    path[199] = '\0';
    assert_rc(sl_evidence_sgx_open(path, NULL, &other, &err), SL_INVALID);
}

static void test_dcap_library_where_no_aesm_is(void **state)
{
    (void)state;
    struct sl_evidence_producer dcap;
    struct sl_evidence e;
    struct sl_err err = {0};
    uint8_t target[512];
    uint8_t data[64];
    memset(data, 0x33, sizeof(data));
    assert_ok(sl_evidence_sgx_open("/nonexistent/aesm", FAKE_DCAP_QL, &dcap, &err));
    if (dcap.target_info(dcap.ctx, target, &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(target[511], 0xd1);
    assert_ok(dcap.produce(dcap.ctx, data, report, &e, &err));
    assert_int_equal(e.evidence.size, 536);
    assert_memory_equal(e.evidence.data + 48, report, 384);
    sl_evidence_done(&e);
    report[0] = 0xff;
    assert_rc(dcap.produce(dcap.ctx, data, report, &e, &err), SL_AUTH);
    assert_non_null(strstr(err.text, "0xe01c"));
    sl_evidence_producer_done(&dcap);
}

static void test_neither_is_told(void **state)
{
    (void)state;
    struct sl_evidence_producer dcap;
    struct sl_err err = {0};
    uint8_t target[512];
    assert_ok(sl_evidence_sgx_open("/nonexistent/aesm", "/nonexistent.so", &dcap, &err));
    assert_rc(dcap.target_info(dcap.ctx, target, &err), SL_IO);
    assert_non_null(strstr(err.text, "/nonexistent/aesm is not there, nor is the library"));
    sl_evidence_producer_done(&dcap);
    /* a library without the functions is none */
    assert_ok(sl_evidence_sgx_open("/nonexistent/aesm", "libc.so.6", &dcap, &err));
    assert_rc(dcap.target_info(dcap.ctx, target, &err), SL_IO);
    sl_evidence_producer_done(&dcap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_target_info_by_aesm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quote_by_aesm_is_trimmed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_requests_are_as_the_protocol_says, setup, teardown),
        cmocka_unit_test_setup_teardown(test_service_without_ecdsa_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults_of_the_service, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers_of_wrong_content, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_arguments_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dcap_library_where_no_aesm_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_neither_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
