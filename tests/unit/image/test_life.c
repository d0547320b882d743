/* SPDX-License-Identifier: Apache-2.0 */
/* An image's identity over restarts, its log and its clock; on an emulated processor. */
#include "unit.h"

#include "image/life.h"
#include "image/provision.h"
#include "machine_runtime.h"

#define SECOND 1000000000ull

static struct sl_life life;
static struct sl_provision provision;

static int setup(void **state)
{
    machine_bare(false);
    machine_new();
    machine_cpu_svn(4);
    machine_enclave(1, 2, 10, 3);
    memset(&provision, 0, sizeof(provision));
    return sl_life_init(&life, NULL, 0, SL_SEAL_MRENCLAVE, &provision, 1) == SL_OK ? 0 : 1;
}

/* Provisions the present image at an epoch, and keeps what it gives to its host. */
static void provision_at(uint64_t epoch, uint64_t version, uint8_t *blob, uint16_t *size)
{
    struct sl_err err = {0};
    assert_ok(sl_life_epoch_set(&life, &provision, life.instance, epoch, 2, &err));
    provision.has_floor = true;
    provision.floor_version = version;
    memset(provision.floor_hash, (int)version, sizeof(provision.floor_hash));
    assert_ok(sl_life_seal(&life, &provision, &err));
    assert_in_range(life.sealed_size, 1, SL_SEALED_MAX);
    memcpy(blob, life.sealed, life.sealed_size);
    *size = life.sealed_size;
}

static void restart(const uint8_t *blob, size_t size)
{
    memset(&provision, 0, sizeof(provision));
    assert_ok(sl_life_init(&life, blob, size, SL_SEAL_MRENCLAVE, &provision, 1));
}

static void test_life_init_restores(void **state)
{
    uint8_t blob[SL_SEALED_MAX];
    uint8_t id[SL_INSTANCE_SIZE];
    uint16_t size = 0;
    struct sl_msg_instance told;
    assert_int_equal(life.origin, SL_ORIGIN_FRESH);
    memcpy(id, life.instance, sizeof(id));
    provision_at(5, 77, blob, &size);
    restart(blob, size);
    sl_life_tell(&life, &provision, &told);
    assert_int_equal(told.origin, SL_ORIGIN_RESTORED);
    assert_memory_equal(told.instance, id, sizeof(id));
    assert_int_equal(told.epoch, 5);
    assert_true(told.has_policy);
    assert_int_equal(told.policy_version, 77);
    assert_int_equal(told.policy_hash[31], 77);
    assert_int_equal(life.sealed_size, 0); /* nothing new to keep */
}

static void test_life_init_hostile_state_is_a_new_instance(void **state)
{
    uint8_t blob[SL_SEALED_MAX];
    uint8_t id[SL_INSTANCE_SIZE];
    uint16_t size = 0;
    memcpy(id, life.instance, sizeof(id));
    provision_at(5, 77, blob, &size);
    for (uint32_t bit = 0; bit < 8u * size; bit++) {
        blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
        restart(blob, size);
        assert_int_equal(life.origin, SL_ORIGIN_REFUSED);
        assert_int_equal(life.epoch, 0);
        assert_false(provision.has_floor);
        assert_memory_not_equal(life.instance, id, sizeof(id));
        blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (uint16_t cut = 0; cut < size; cut++) {
        restart(blob, cut);
        assert_int_equal(life.origin, SL_ORIGIN_REFUSED);
    }
    assert_true(strlen(life.refusal) > 10);
    machine_enclave(9, 2, 10, 3); /* another image of the same signer */
    restart(blob, size);
    assert_int_equal(life.origin, SL_ORIGIN_REFUSED);
}

static void test_life_init_sealed_to_the_signer_outlives_an_upgrade(void **state)
{
    (void)state;
    static const struct {
        uint8_t enclave, signer;
        uint16_t product, svn;
        enum sl_instance_origin origin;
    } next[] = {
        {9, 2, 10, 3, SL_ORIGIN_RESTORED}, {9, 2, 10, 4, SL_ORIGIN_RESTORED},
        {9, 2, 10, 2, SL_ORIGIN_REFUSED}, /* older than who sealed it */
        {9, 2, 11, 3, SL_ORIGIN_REFUSED},  {9, 7, 10, 3, SL_ORIGIN_REFUSED},
    };
    uint8_t blob[SL_SEALED_MAX];
    uint8_t id[SL_INSTANCE_SIZE];
    uint16_t size = 0;
    assert_ok(sl_life_init(&life, NULL, 0, SL_SEAL_MRSIGNER, &provision, 1));
    memcpy(id, life.instance, sizeof(id));
    provision_at(5, 77, blob, &size);
    for (size_t i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
        machine_enclave(next[i].enclave, next[i].signer, next[i].product, next[i].svn);
        restart(blob, size); /* which itself seals to the enclave again */
        assert_int_equal(life.origin, next[i].origin);
        assert_int_equal(memcmp(life.instance, id, sizeof(id)) == 0,
                         next[i].origin == SL_ORIGIN_RESTORED);
        assert_int_equal(provision.floor_version, next[i].origin == SL_ORIGIN_RESTORED ? 77 : 0);
    }
}

static void test_life_init_bare_cannot_seal(void **state)
{
    struct sl_err err = {0};
    machine_bare(true);
    restart(NULL, 0);
    assert_int_equal(life.origin, SL_ORIGIN_UNSEALABLE);
    assert_ok(sl_life_epoch_set(&life, &provision, life.instance, 3, 2, &err));
    assert_int_equal(life.sealed_size, 0);
}

static void test_life_epoch_set_only_forward(void **state)
{
    uint8_t blob[SL_SEALED_MAX];
    uint8_t other[SL_INSTANCE_SIZE] = {1};
    uint16_t size = 0;
    struct sl_err err = {0};
    provision_at(5, 1, blob, &size);
    assert_rc(sl_life_epoch_set(&life, &provision, life.instance, 5, 2, &err), SL_STALE);
    assert_rc(sl_life_epoch_set(&life, &provision, life.instance, 4, 2, &err), SL_STALE);
    assert_rc(sl_life_epoch_set(&life, &provision, other, 6, 2, &err), SL_MISMATCH);
    assert_int_equal(life.epoch, 5);
    machine_bare(true); /* sealing fails: the epoch is not taken */
    assert_rc(sl_life_epoch_set(&life, &provision, life.instance, 6, 2, &err), SL_UNSUPPORTED);
    assert_int_equal(life.epoch, 5);
}

/* ---- the log ---- */

static uint32_t log_check(uint64_t after, uint8_t hash[SL_IMAGE_LOG_HASH_SIZE], uint64_t *ret_first)
{
    static uint8_t body[65536];
    struct sl_writer w;
    struct sl_reader r;
    sl_writer_init(&w, body, sizeof(body));
    sl_life_log_write(&life, after, &w);
    assert_ok(w.rc);
    sl_reader_init(&r, body, w.off);
    uint16_t count = sl_reader_be16(&r);
    for (uint16_t i = 0; i < count; i++) {
        struct sl_image_record record;
        struct sl_reader one;
        uint16_t size = sl_reader_be16(&r);
        const uint8_t *bytes = sl_reader_bytes(&r, size);
        assert_non_null(bytes);
        sl_reader_init(&one, bytes, size);
        assert_ok(sl_image_record_read(&one, &record));
        *ret_first = i == 0 ? record.seq : *ret_first;
        assert_ok(sl_image_record_hash(hash, bytes, size, hash));
    }
    assert_ok(sl_reader_end(&r));
    return count;
}

static void test_life_note_makes_a_chain(void **state)
{
    uint8_t hash[SL_IMAGE_LOG_HASH_SIZE] = {0};
    uint64_t first = 0;
    for (uint64_t i = 0; i < 20; i++) {
        sl_life_note(&life, i, SL_IMAGE_POLICY, SL_OK, i, NULL);
    }
    assert_int_equal(log_check(0, hash, &first), 21); /* and the start */
    assert_int_equal(first, 1);
    assert_memory_equal(hash, life.log.hash, sizeof(hash));
    assert_int_equal(log_check(21, hash, &first), 0);
    assert_int_equal(log_check(UINT64_MAX, hash, &first), 21);
}

static void test_life_note_repeats_are_counted(void **state)
{
    uint8_t hash[SL_IMAGE_LOG_HASH_SIZE] = {0};
    uint64_t first = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        sl_life_note(&life, i, SL_IMAGE_REFUSED, SL_STALE, 4, "again");
    }
    assert_int_equal(life.log.seq, 2);
    sl_life_note(&life, 1, SL_IMAGE_EPOCH, SL_OK, 1, NULL);
    assert_int_equal(life.log.seq, 4);
    assert_int_equal(life.log.records[3].event, SL_IMAGE_REPEATED);
    assert_int_equal(life.log.records[3].number, 999);
    assert_int_equal(log_check(0, hash, &first), 4);
    assert_memory_equal(hash, life.log.hash, sizeof(hash));
}

static void test_life_note_old_ones_are_lost_first(void **state)
{
    uint8_t hash[SL_IMAGE_LOG_HASH_SIZE] = {0};
    uint64_t first = 0;
    for (uint64_t i = 0; i < 2 * SL_LIFE_LOG_COUNT; i++) {
        sl_life_note(&life, i, SL_IMAGE_POLICY, SL_OK, i, "text");
    }
    assert_int_equal(log_check(0, hash, &first), SL_LIFE_LOG_COUNT);
    assert_int_equal(first, life.log.seq - SL_LIFE_LOG_COUNT + 1);
    assert_int_equal(log_check(life.log.seq - 3, hash, &first), 3);
}

/* ---- the clock ---- */

static void test_life_time_bent_is_counted(void **state)
{
    static const struct {
        const char *what;
        int64_t gateway_s, own_ms;
        bool is_good;
    } table[] = {
        {"in pace", 60, 60000, true},
        {"within the bound", 60, 61600, true},
        {"two percent and more", 60, 61800, false},
        {"slower", 60, 58000, false},
        {"an hour back", 60, -3600000, false},
        {"the gateway an hour back", -3600, 60000, false},
        {"stands still", 60, 0, false},
        {"an hour on", 60, 3660000, false},
        {"too short to judge", 0, 300, true},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint64_t warps = life.clock_warps;
        life.has_time = false;
        assert_true(sl_life_time(&life, 10000 * SECOND, 5000 * SECOND));
        bool is_good =
            sl_life_time(&life, (uint64_t)((10000 + table[i].gateway_s) * (int64_t)SECOND),
                         (uint64_t)((int64_t)(5000 * SECOND) + table[i].own_ms * 1000000));
        if (is_good != table[i].is_good || life.clock_warps != warps + !is_good) {
            fail_msg("%s", table[i].what);
        }
    }
    assert_int_equal(life.log.records[life.log.seq % SL_LIFE_LOG_COUNT].event, SL_IMAGE_CLOCK);
    assert_true(sl_life_time(&life, 0, UINT64_MAX) || life.clock_warps > 0); /* no overflow */
    (void)sl_life_time(&life, UINT64_MAX, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_life_init_restores, setup),
        cmocka_unit_test_setup(test_life_init_hostile_state_is_a_new_instance, setup),
        cmocka_unit_test_setup(test_life_init_sealed_to_the_signer_outlives_an_upgrade, setup),
        cmocka_unit_test_setup(test_life_init_bare_cannot_seal, setup),
        cmocka_unit_test_setup(test_life_epoch_set_only_forward, setup),
        cmocka_unit_test_setup(test_life_note_makes_a_chain, setup),
        cmocka_unit_test_setup(test_life_note_repeats_are_counted, setup),
        cmocka_unit_test_setup(test_life_note_old_ones_are_lost_first, setup),
        cmocka_unit_test_setup(test_life_time_bent_is_counted, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
