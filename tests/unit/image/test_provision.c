/* SPDX-License-Identifier: Apache-2.0 */
/* SAs and chains, and their exchange under traffic from a second thread (ThreadSanitizer's). */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "base/bytes.h"
#include "image/json.h"
#include "native_runtime.h"
#include "rig.h"

static void test_key_is_never_taken_twice(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_err err = {0};
    rig_init(&rig, 64, 65536);
    struct sl_msg_sa sa = rig_sa(&rig, 0, true);
    assert_ok(sl_provision_sa_set(&rig.provision, &sa, 1, &err));
    struct sl_msg_sa other = rig_sa(&rig, 1, false);
    memcpy(other.params.key, sa.params.key, sizeof(other.params.key));
    assert_rc(sl_provision_sa_set(&rig.provision, &other, 1, &err), SL_EXISTS);
    assert_null(sl_provision_config(&rig.provision, 0)->ports[1].out);
    /* not even after everything was cleared, and not with another salt */
    assert_ok(sl_provision_sa_clear(&rig.provision, &err));
    sa.params.spi += 0x100;
    sa.params.salt[0] ^= 1;
    assert_rc(sl_provision_sa_set(&rig.provision, &sa, 1, &err), SL_EXISTS);
    rig_done(&rig);
}

static void test_spi_in_use_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 64, 65536);
    struct sl_msg_sa first = rig_sa(&rig, 0, true);
    struct sl_msg_sa second = rig_sa(&rig, 0, true);
    struct sl_msg_sa third = rig_sa(&rig, 0, true);
    assert_ok(sl_provision_sa_set(&rig.provision, &first, 1, NULL));
    assert_ok(sl_provision_sa_set(&rig.provision, &second, 1, NULL));
    third.params.spi = second.params.spi;
    assert_rc(sl_provision_sa_set(&rig.provision, &third, 1, NULL), SL_EXISTS);
    third.params.spi = first.params.spi; /* still valid for the overlap */
    assert_rc(sl_provision_sa_set(&rig.provision, &third, 1, NULL), SL_EXISTS);
    rig_done(&rig);
}

static void test_shard_out_of_range_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 64, 65536);
    struct sl_msg_sa sa = rig_sa(&rig, 0, true);
    sa.shard = 1;
    assert_rc(sl_provision_sa_set(&rig.provision, &sa, 1, NULL), SL_RANGE);
    sa.shard = 0;
    sa.params.alg = 77;
    assert_rc(sl_provision_sa_set(&rig.provision, &sa, 1, NULL), SL_UNSUPPORTED);
    rig_done(&rig);
}

static void test_chain_versions_only_go_forward(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_eval *eval = NULL;
    rig_init(&rig, 64, 65536);
    assert_rc(sl_provision_eval(&rig.provision, &eval, NULL), SL_STATE);
    assert_ok(rig_set_chain(&rig, 5, SL_VERDICT_PASS));
    assert_ok(rig_set_chain(&rig, 5, SL_VERDICT_PASS));           /* the same again */
    assert_rc(rig_set_chain(&rig, 5, SL_VERDICT_DROP), SL_STALE); /* same number, other rules */
    assert_rc(rig_set_chain(&rig, 4, SL_VERDICT_PASS), SL_STALE);
    assert_ok(rig_set_chain(&rig, 6, SL_VERDICT_DROP));
    assert_int_equal(sl_chain_version(sl_provision_config(&rig.provision, 0)->chain), 6);
    assert_ok(sl_provision_eval(&rig.provision, &eval, NULL));
    assert_int_equal(sl_chain_version(sl_eval_chain(eval)), 6);
    assert_ptr_not_equal(sl_eval_chain(eval), sl_provision_config(&rig.provision, 0)->chain);
    rig_done(&rig);
}

static void test_bad_chain_leaves_the_old_one(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_err err = {0};
    rig_init(&rig, 64, 65536);
    assert_ok(rig_set_chain(&rig, 1, SL_VERDICT_PASS));
    const struct sl_chain *before = sl_provision_config(&rig.provision, 0)->chain;
    assert_int_not_equal(sl_provision_chain_set(&rig.provision, "SLCB", 4, &err), SL_OK);
    assert_ptr_equal(sl_provision_config(&rig.provision, 0)->chain, before);
    rig_done(&rig);
}

/* ---- an NF that marks packets: which policy it had, and where in the chain it stands ---- */

enum { MARK_OFF = 32, MARK_PLACES = 3 };

struct marker {
    uint8_t mark[8];
    uint8_t place;
};

static sl_rc marker_load(const void *policy, size_t size, void **ret_state, char *reason,
                         size_t reason_size)
{
    struct marker *m = size == sizeof(*m) ? malloc(sizeof(*m)) : NULL;
    if (m == NULL) {
        (void)snprintf(reason, reason_size, "a mark and a place");
        return SL_MALFORMED;
    }
    memcpy(m, policy, sizeof(*m));
    *ret_state = m;
    return SL_OK;
}

static void marker_burst(void *state, struct sl_packet *const *packets, uint32_t count)
{
    const struct marker *m = state;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(packets[i]->data + MARK_OFF + 8 * m->place, m->mark, sizeof(m->mark));
        packets[i]->verdict = SL_VERDICT_PASS;
    }
    (void)sched_yield(); /* the other thread swaps in the middle of a chain */
}

static const struct sl_nf marker_nf = {
    .name = "marker", .load = marker_load, .burst = marker_burst, .unload = free};
SL_NF_REGISTER(marker_nf);

/* A chain of markers, all with the same mark. */
static void marker_set(struct rig *rig, uint64_t version)
{
    uint8_t bundle[200];
    struct sl_writer w;
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, MARK_PLACES);
    sl_writer_be64(&w, version);
    for (uint8_t place = 0; place < MARK_PLACES; place++) {
        sl_writer_string(&w, "marker");
        sl_writer_be32(&w, sizeof(struct marker));
        sl_writer_be64(&w, version);
        sl_writer_u8(&w, place);
    }
    assert_ok(w.rc);
    assert_ok(sl_provision_chain_set(&rig->provision, bundle, w.off, NULL));
}

/* ---- under traffic ---- */

static void *work(void *arg)
{
    sl_worker_run(arg, true);
    return NULL;
}

/* The control thread swaps chains and SAs and reads every counter while the worker forwards. */
static void test_swaps_under_traffic_lose_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 300, PER_ROUND = 20, IDLE_MAX_S = 60 };
    uint64_t moved_ns = sl_rt_now_ns();
    struct rig rig;
    pthread_t thread;
    uint8_t packet[200];
    static uint8_t inner[16384];
    uint64_t sent = 0;
    uint64_t opened = 0;
    rig_init(&rig, 1024, 1 << 20);
    rig_set_all_sas(&rig);
    assert_ok(rig_set_chain(&rig, 1, SL_VERDICT_PASS));
    rig_packet(packet, sizeof(packet), 0, 1);
    assert_int_equal(pthread_create(&thread, NULL, work, rig.worker), 0);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < PER_ROUND; i++) {
            rig_send(&rig, 0, packet, sizeof(packet), 4, 0, 0);
            sent++;
        }
        assert_ok(rig_set_chain(&rig, 2 + round, SL_VERDICT_PASS));
        if (round % 10 == 0) { /* new keys: the old inbound one overlaps */
            rig_set_sa(&rig, 0, true);
            /* packets under them come a round trip later, not within the pass that began before */
            while (rig.provision.retired != NULL) {
                sl_provision_poll(&rig.provision, 2);
                (void)sched_yield();
            }
        }
        struct sl_chain_nf_totals totals;
        sl_chain_nf_totals(sl_provision_config(&rig.provision, 0)->chain, 0, &totals);
        sl_provision_poll(&rig.provision, 2);
        while (opened < sent) {
            uint32_t got = rig_receive(&rig, 1, rig.from_image[1], inner, NULL, NULL);
            opened += got;
            moved_ns = got != 0 ? sl_rt_now_ns() : moved_ns;
            if (got == 0 && sl_rt_now_ns() - moved_ns > IDLE_MAX_S * 1000000000ull) {
                const struct sl_worker_counters *counters = rig_counters(&rig, 0);
                fail_msg("round %u: %llu sent, %llu came; passed %llu, refused by ESP %llu", round,
                         (unsigned long long)sent, (unsigned long long)opened,
                         (unsigned long long)counters->passed,
                         (unsigned long long)counters->drop_esp);
            }
            if (got == 0) {
                (void)sched_yield();
            }
            if (opened + PER_ROUND / 2 > sent) {
                break; /* leave some under way while the next swap comes */
            }
        }
    }
    struct timespec ms = {.tv_nsec = 1000000};
    for (int i = 0; i < 60000 && opened < sent; i++) {
        uint32_t got = rig_receive(&rig, 1, rig.from_image[1], inner, NULL, NULL);
        opened += got;
        if (got == 0) {
            (void)nanosleep(&ms, NULL);
        }
    }
    atomic_store(&rig.worker->is_stopped, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(opened, sent);
    assert_int_equal(rig_counters(&rig, 0)->passed, sent);
    sl_provision_poll(&rig.provision, 3);
    assert_null(rig.provision.retired); /* nothing is kept once the worker rests */
    rig_done(&rig);
}

/* Policies are exchanged while packets are in the chain: each has the marks of one policy. */
static void test_no_packet_sees_half_a_policy(void **state)
{
    (void)state;
    enum { ROUNDS = 400, PER_ROUND = 16, UNDER_WAY_MAX = 512 }; /* the rings hold 1024 */
    struct rig rig;
    pthread_t thread;
    uint8_t packet[200];
    static uint8_t inner[16384];
    uint64_t sent = 0;
    uint64_t opened = 0;
    uint64_t last = 0;
    uint64_t changes = 0;
    rig_init(&rig, 1024, 1 << 20);
    rig_set_all_sas(&rig);
    marker_set(&rig, 1);
    rig_packet(packet, sizeof(packet), 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, work, rig.worker), 0);
    uint64_t round = 0;
    uint64_t end_ns = sl_rt_now_ns() + 100000000000ull;
    while (round < ROUNDS || opened < sent) {
        assert_true(sl_rt_now_ns() < end_ns);
        if (round < ROUNDS && sent - opened <= UNDER_WAY_MAX) {
            for (uint32_t i = 0; i < PER_ROUND; i++) {
                rig_send(&rig, 0, packet, sizeof(packet), 4, 0, 0);
                sent++;
            }
            marker_set(&rig, 2 + round);
            round++;
        }
        (void)sched_yield();
        uint32_t got;
        struct sl_esp_inner at;
        while ((got = rig_receive(&rig, 1, rig.from_image[1], inner, &at, NULL)) > 0) {
            opened += got;
            const uint8_t *marks = inner + at.off + MARK_OFF;
            for (size_t place = 1; place < MARK_PLACES; place++) {
                assert_memory_equal(marks, marks + 8 * place, 8);
            }
            assert_true(sl_be64_get(marks) >= last); /* nor does an older one come back */
            changes += sl_be64_get(marks) != last;
            last = sl_be64_get(marks);
        }
    }
    atomic_store(&rig.worker->is_stopped, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(changes > 10);
    rig_done(&rig);
}

static void test_idle_polling_worker_rests(void **state)
{
    (void)state;
    struct rig rig;
    pthread_t thread;
    struct timespec window = {.tv_nsec = 300000000};
    struct timespec before, after;
    int64_t used_ns = INT64_MAX;
    uint64_t waits = native_runtime_waits();
    clockid_t clock;
    rig_init(&rig, 64, 65536);
    assert_int_equal(pthread_create(&thread, NULL, work, rig.worker), 0);
    assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
    /* of a window that a loaded machine leaves alone */
    for (int i = 0; i < 100 && (used_ns >= 60000000 || native_runtime_waits() - waits <= 10); i++) {
        assert_int_equal(clock_gettime(clock, &before), 0);
        (void)nanosleep(&window, NULL);
        assert_int_equal(clock_gettime(clock, &after), 0);
        used_ns = (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
    }
    atomic_store(&rig.worker->is_stopped, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(rig.worker->waits > 10);
    assert_true(used_ns < 60000000); /* far below the 300 ms that a spinning worker would use */
    rig_done(&rig);
}

static void test_json_escapes_and_limits(void **state)
{
    (void)state;
    struct sl_json json = {0};
    sl_json_open(&json, NULL, '{');
    sl_json_string(&json, "a\"b", "x\n\\\x7f\xc3");
    sl_json_open(&json, "list", '[');
    sl_json_u64(&json, NULL, UINT64_MAX);
    sl_json_bool(&json, NULL, true);
    sl_json_null(&json, NULL);
    sl_json_close(&json, ']');
    sl_json_close(&json, '}');
    const char *want = "{\"a\\u0022b\":\"x\\u000a\\u005c\\u007f\\u00c3\","
                       "\"list\":[18446744073709551615,true,null]}";
    assert_ok(json.rc);
    assert_int_equal(json.size, strlen(want));
    assert_memory_equal(json.text, want, json.size);
    while (json.rc == SL_OK) {
        sl_json_string(&json, NULL, want);
    }
    assert_rc(json.rc, SL_RANGE);
    assert_true(json.size <= SL_JSON_SIZE_MAX);
    sl_json_done(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_is_never_taken_twice),
        cmocka_unit_test(test_spi_in_use_is_refused),
        cmocka_unit_test(test_shard_out_of_range_is_refused),
        cmocka_unit_test(test_chain_versions_only_go_forward),
        cmocka_unit_test(test_bad_chain_leaves_the_old_one),
        cmocka_unit_test(test_swaps_under_traffic_lose_nothing),
        cmocka_unit_test(test_no_packet_sees_half_a_policy),
        cmocka_unit_test(test_idle_polling_worker_rests),
        cmocka_unit_test(test_json_escapes_and_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
