/* SPDX-License-Identifier: Apache-2.0 */
/* Records of an image's log, and who an image is: written, read, cut, flipped. */
#include "unit.h"

#include "control/image_log.h"
#include "control/message.h"

static size_t sample(uint8_t *bytes)
{
    struct sl_writer w;
    const struct sl_image_record record = {.seq = 7,
                                           .time_ns = 1700000000123456789ull,
                                           .is_time_authentic = true,
                                           .event = SL_IMAGE_POLICY,
                                           .rc = SL_STALE,
                                           .number = 12,
                                           .text = "older"};
    sl_writer_init(&w, bytes, SL_IMAGE_LOG_RECORD_MAX);
    sl_image_record_write(&w, &record);
    assert_ok(w.rc);
    return w.off;
}

static sl_rc read_back(const uint8_t *bytes, size_t size, struct sl_image_record *ret_record)
{
    struct sl_reader r;
    sl_reader_init(&r, bytes, size);
    return sl_image_record_read(&r, ret_record);
}

static void test_image_record_read_what_was_written(void **state)
{
    uint8_t bytes[SL_IMAGE_LOG_RECORD_MAX + 1] = {0};
    struct sl_image_record record = {0};
    size_t size = sample(bytes);
    assert_ok(read_back(bytes, size, &record));
    assert_int_equal(record.seq, 7);
    assert_int_equal(record.time_ns, 1700000000123456789ull);
    assert_true(record.is_time_authentic);
    assert_int_equal(record.event, SL_IMAGE_POLICY);
    assert_int_equal(record.rc, SL_STALE);
    assert_int_equal(record.number, 12);
    assert_string_equal(record.text, "older");
    for (size_t cut = 0; cut < size; cut++) {
        assert_rc(read_back(bytes, cut, &record), SL_TRUNCATED);
    }
    assert_rc(read_back(bytes, size + 1, &record), SL_MALFORMED);
    bytes[18] = 0xff; /* event */
    assert_rc(read_back(bytes, size, &record), SL_RANGE);
    assert_string_equal(sl_image_event_word(SL_IMAGE_POLICY), "policy");
    assert_string_equal(sl_image_event_word(999), "unknown");
}

static void test_image_record_hash_each_bit_counts(void **state)
{
    uint8_t bytes[SL_IMAGE_LOG_RECORD_MAX];
    uint8_t before[SL_IMAGE_LOG_HASH_SIZE] = {0};
    uint8_t hash[SL_IMAGE_LOG_HASH_SIZE];
    uint8_t other[SL_IMAGE_LOG_HASH_SIZE];
    size_t size = sample(bytes);
    assert_ok(sl_image_record_hash(before, bytes, size, hash));
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_ok(sl_image_record_hash(before, bytes, size, other));
        assert_memory_not_equal(hash, other, sizeof(hash));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    before[31] = 1;
    assert_ok(sl_image_record_hash(before, bytes, size, other));
    assert_memory_not_equal(hash, other, sizeof(hash));
}

static void test_msg_instance_read_what_was_written(void **state)
{
    uint8_t bytes[256];
    struct sl_writer w;
    struct sl_reader r;
    struct sl_msg_instance in = {.epoch = 9,
                                 .origin = SL_ORIGIN_RESTORED,
                                 .has_policy = true,
                                 .policy_version = 77,
                                 .log_seq = 5};
    struct sl_msg_instance out = {0};
    memset(in.instance, 0xa1, sizeof(in.instance));
    memset(in.policy_hash, 0xa2, sizeof(in.policy_hash));
    memset(in.log_hash, 0xa3, sizeof(in.log_hash));
    sl_writer_init(&w, bytes, sizeof(bytes));
    sl_msg_instance_write(&w, &in);
    sl_reader_init(&r, bytes, w.off);
    assert_ok(sl_msg_instance_read(&r, &out));
    assert_memory_equal(in.instance, out.instance, sizeof(in.instance));
    assert_int_equal(out.epoch, 9);
    assert_int_equal(out.origin, SL_ORIGIN_RESTORED);
    assert_true(out.has_policy);
    assert_int_equal(out.policy_version, 77);
    assert_memory_equal(in.log_hash, out.log_hash, sizeof(in.log_hash));
    for (size_t cut = 0; cut < w.off; cut++) {
        sl_reader_init(&r, bytes, cut);
        assert_rc(sl_msg_instance_read(&r, &out), SL_TRUNCATED);
    }
    sl_reader_init(&r, bytes, w.off + 1);
    assert_rc(sl_msg_instance_read(&r, &out), SL_MALFORMED);
    bytes[24] = 4; /* origin */
    sl_reader_init(&r, bytes, w.off);
    assert_rc(sl_msg_instance_read(&r, &out), SL_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_record_read_what_was_written),
        cmocka_unit_test(test_image_record_hash_each_bit_counts),
        cmocka_unit_test(test_msg_instance_read_what_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
