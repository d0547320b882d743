/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "agent/message.h"

#define NONCE "\"nonce\": \"000102030405060708090a0b0c0d0e0f\""

static sl_rc read_text(const char *text, struct sl_agent_challenge *c)
{
    struct sl_err err = {0};
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    sl_rc rc = sl_agent_challenge_read(json, c, &err);
    json_decref(json);
    return rc;
}

static void test_challenge(void **state)
{
    struct sl_agent_challenge c;
    (void)state;
    assert_ok(read_text("{" NONCE ", \"tpm-ima\": {\"pcrs\": {\"sha256\": [0, 10, 23]}, "
                        "\"bootlog\": true, \"ima\": {\"from\": 7}}}",
                        &c));
    assert_int_equal(c.nonce_size, 16);
    assert_int_equal(c.nonce[15], 15);
    assert_int_equal(c.selection_count, 1);
    assert_int_equal(c.selections[0].alg, TPM2_ALG_SHA256);
    assert_int_equal(c.selections[0].mask, 1u | 1u << 10 | 1u << 23);
    assert_true(c.is_bootlog_wanted);
    assert_int_equal(c.ima_from, 7);
    assert_int_equal(c.body_size_max, 16 << 20);
    assert_ok(read_text(
        "{" NONCE ", \"body_bytes\": 4096, \"tpm-ima\": {\"pcrs\": {\"sha1\": [1]}}}", &c));
    assert_int_equal(c.body_size_max, 4096);
}

static void test_hostile_challenges(void **state)
{
    struct sl_agent_challenge c;
    (void)state;
    assert_rc(read_text("{}", &c), SL_MALFORMED);
    assert_rc(read_text("{\"nonce\": \"00\"}", &c), SL_MALFORMED);
    assert_rc(read_text("{" NONCE "}", &c), SL_MALFORMED);
    assert_rc(read_text("{" NONCE ", \"body_bytes\": 4095}", &c), SL_RANGE);
    assert_rc(read_text("{" NONCE ", \"body_bytes\": \"1\"}", &c), SL_RANGE);
    assert_rc(read_text("{" NONCE ", \"tpm-ima\": {\"pcrs\": {\"md5\": [1]}}}", &c),
              SL_UNSUPPORTED);
    assert_rc(read_text("{" NONCE ", \"tpm-ima\": {\"pcrs\": {\"sha1\": [24]}}}", &c), SL_RANGE);
    assert_rc(read_text("{" NONCE ", \"tpm-ima\": {\"pcrs\": {\"sha1\": [-1]}}}", &c), SL_RANGE);
    assert_rc(read_text("{" NONCE ", \"tpm-ima\": {\"pcrs\": {\"sha1\": []}}}", &c), SL_RANGE);
    assert_rc(
        read_text("{" NONCE ", \"tpm-ima\": {\"pcrs\": {\"sha1\": [1]}, \"events\": {}}}", &c),
        SL_MALFORMED);
    assert_rc(read_text("{" NONCE ", \"tpm-ima\": {\"pcrs\": {\"sha1\": [1]}, \"ima\": {\"from\": "
                        "-1}}}",
                        &c),
              SL_MALFORMED);
}

static void test_base64_there_and_back(void **state)
{
    struct sl_agent_blob blob;
    uint8_t data[SL_AGENT_BLOB_MAX + 16];
    (void)state;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7);
    }
    for (size_t size = 1; size < 8; size++) {
        json_t *object = json_pack("{s:o}", "x", sl_agent_base64(data, size));
        assert_ok(sl_agent_base64_get(object, "x", &blob, NULL));
        assert_int_equal(blob.size, size);
        assert_memory_equal(blob.data, data, size);
        assert_rc(sl_agent_base64_get(object, "y", &blob, NULL), SL_MALFORMED);
        json_decref(object);
    }
    json_t *object = json_pack("{s:o, s:s}", "x", sl_agent_base64(data, sizeof(data)), "z", "a*==");
    assert_rc(sl_agent_base64_get(object, "x", &blob, NULL), SL_RANGE);
    assert_rc(sl_agent_base64_get(object, "z", &blob, NULL), SL_MALFORMED);
    json_decref(object);
}

static void test_text(void **state)
{
    char out[4];
    (void)state;
    json_t *object = json_pack("{s:s, s:s, s:s}", "a", "abc", "b", "abcd", "c", "");
    assert_ok(sl_agent_text_get(object, "a", out, sizeof(out), NULL));
    assert_string_equal(out, "abc");
    assert_rc(sl_agent_text_get(object, "b", out, sizeof(out), NULL), SL_RANGE);
    assert_rc(sl_agent_text_get(object, "c", out, sizeof(out), NULL), SL_MALFORMED);
    assert_rc(sl_agent_text_get(object, "d", out, sizeof(out), NULL), SL_MALFORMED);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge),
        cmocka_unit_test(test_hostile_challenges),
        cmocka_unit_test(test_base64_there_and_back),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
