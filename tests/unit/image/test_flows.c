/* SPDX-License-Identifier: Apache-2.0 */
/* Flows under a worker: they outlive the versions of the chain, whoever looks on, and NFs send
 * packets of their own. */
#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "base/bytes.h"
#include "runtime/runtime.h"
#include "safelib/flow.h"
#include "unit.h"

/* ---- an NF that says hello in its ticks, out of the port of its policy ---- */

static sl_rc hello_load(const void *policy, size_t size, void **ret_state, char *reason,
                        size_t reason_size)
{
    (void)reason;
    (void)reason_size;
    uint8_t *state = size == 1 ? malloc(1) : NULL;
    if (state == NULL) {
        return SL_MALFORMED;
    }
    memcpy(state, policy, 1);
    *ret_state = state;
    return SL_OK;
}

static void hello_burst(void *state, struct sl_packet *const *packets, uint32_t count)
{
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        packets[i]->verdict = SL_VERDICT_PASS;
    }
}

static void hello_tick(void *state, uint64_t now_ms, uint64_t unix_ms, struct sl_emit *emit)
{
    uint8_t packet[40];
    assert_true(now_ms != 0 && unix_ms > 1000000000000);
    rig_packet(packet, sizeof(packet), 0, 'h');
    assert_rc(sl_emit_packet(emit, SL_PORT_WAN, packet, 19), SL_RANGE);
    assert_rc(sl_emit_packet(emit, SL_PORT_WAN, packet, SL_PACKET_MAX + 1), SL_RANGE);
    assert_rc(sl_emit_packet(emit, SL_PORT_COUNT, packet, sizeof(packet)), SL_RANGE);
    sl_rc rc = sl_emit_packet(emit, *(const uint8_t *)state, packet, sizeof(packet));
    assert_true(rc == SL_OK || rc == SL_AGAIN);
}

static const struct sl_nf hello_nf = {
    .name = "hello", .load = hello_load, .burst = hello_burst, .tick = hello_tick, .unload = free};
SL_NF_REGISTER(hello_nf);

/* ---- chains ---- */

static void set_chain(struct rig *rig, uint64_t version, const char *nf, const void *policy,
                      uint32_t size, uint32_t flows)
{
    uint8_t bundle[128];
    struct sl_writer w;
    struct sl_err err = {0};
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, SL_CHAIN_FORMAT_OPTIONS);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, version);
    sl_writer_string(&w, nf);
    sl_writer_be32(&w, flows != 0 ? 6 : 0);
    if (flows != 0) {
        sl_writer_be16(&w, 1);
        sl_writer_be32(&w, flows);
    }
    sl_writer_be32(&w, size);
    sl_writer_bytes(&w, policy, size);
    assert_ok(w.rc);
    assert_ok(sl_provision_chain_set(&rig->provision, bundle, w.off, &err));
}

static void set_flows(struct rig *rig, uint64_t version, uint32_t flows)
{
    static const uint8_t most[4] = {0xff, 0xff, 0xff, 0xff};
    set_chain(rig, version, "example_flow", most, sizeof(most), flows);
}

static uint64_t counter(struct rig *rig, const char *name)
{
    const struct sl_chain *chain = sl_provision_config(&rig->provision, 0)->chain;
    for (uint32_t i = 0; i < sl_chain_nf_counter_count(chain, 0); i++) {
        struct sl_nf_counter one;
        sl_chain_nf_counter_get(chain, 0, i, &one);
        if (strcmp(one.name, name) == 0) {
            return one.value;
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}

static void send(struct rig *rig, uint32_t flow)
{
    uint8_t packet[60];
    rig_packet(packet, sizeof(packet), 0, 7);
    sl_be16_put(packet + 20, (uint16_t)(1000 + flow));
    rig_send(rig, SL_PORT_LAN, packet, sizeof(packet), SL_ESP_NEXT_IPV4, 0, 0);
}

static void expect(struct rig *rig, uint32_t count)
{
    uint8_t inner[128];
    uint32_t got = 0;
    while (sl_worker_pass(rig->worker) > 0) {
    }
    for (uint32_t now = 1; now > 0; got += now) {
        now = rig_receive(rig, SL_PORT_WAN, rig->from_image[SL_PORT_WAN], inner, NULL, NULL);
    }
    assert_int_equal(got, count);
}

static void test_flows_outlive_versions_of_the_chain(void **state)
{
    (void)state;
    enum { FLOWS = 50 };
    struct rig rig;
    rig_init(&rig, 1024, 1 << 20);
    rig_set_all_sas(&rig);
    set_flows(&rig, 1, 100);
    for (uint32_t i = 0; i < FLOWS; i++) {
        send(&rig, i);
    }
    expect(&rig, FLOWS);
    assert_int_equal(counter(&rig, "flow table: flows"), FLOWS);
    /* the same shape; two versions at once; another shape and back; all before a packet comes */
    static const uint32_t sizes[] = {100, 100, 100, 200, 200, 300, 100, 100};
    for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        set_flows(&rig, 2 + i, sizes[i]);
        if (i != 1 && i != 5) {
            send(&rig, i);
            expect(&rig, 1);
        }
        sl_provision_poll(&rig.provision, 1);
    }
    for (uint32_t i = 0; i < FLOWS; i++) {
        send(&rig, i);
    }
    expect(&rig, FLOWS);
    assert_int_equal(counter(&rig, "flow table: flows"), FLOWS);
    assert_int_equal(counter(&rig, "flow table: created"), 0); /* all have come over */
    assert_int_equal(counter(&rig, "flow table: moved"), FLOWS);
    assert_int_equal(counter(&rig, "flow table: not_moved"), 0);
    sl_provision_poll(&rig.provision, 1);
    assert_null(rig.provision.retired);
    rig_done(&rig);
}

static void test_worker_sends_what_nfs_emit(void **state)
{
    (void)state;
    static const uint8_t wan = SL_PORT_WAN;
    struct timespec wait = {.tv_nsec = 120000000};
    uint8_t inner[128];
    struct sl_esp_inner info;
    struct rig rig;
    rig_init(&rig, 1024, 1 << 20);
    set_chain(&rig, 1, "hello", &wan, 1, 0);
    assert_int_equal(sl_worker_pass(rig.worker), 0); /* no SA yet: refused, no harm */
    rig_set_all_sas(&rig);
    (void)nanosleep(&wait, NULL);
    uint64_t begin_ns = sl_rt_now_ns();
    assert_int_equal(sl_worker_pass(rig.worker), 0); /* and shown to the host at once */
    assert_int_equal(
        rig_receive(&rig, SL_PORT_WAN, rig.from_image[SL_PORT_WAN], inner, &info, NULL), 1);
    assert_int_equal(info.size, 40);
    assert_int_equal(inner[info.off + 39], 'h');
    assert_int_equal(rig.worker->emitted, 1);
    assert_int_equal(sl_worker_pass(rig.worker), 0);                 /* not again so soon */
    if (sl_rt_now_ns() - begin_ns < SL_CHAIN_TICK_MS * 1000000ull) { /* if it was soon */
        assert_int_equal(rig.worker->emitted, 1);
    }
    rig_done(&rig);
}

static void *work(void *arg)
{
    struct sl_worker *worker = arg;
    while (!atomic_load(&worker->is_stopped)) {
        if (sl_worker_pass(worker) == 0) {
            (void)sched_yield();
        }
    }
    return NULL;
}

static void test_flows_while_chains_are_replaced_and_looked_at(void **state)
{
    (void)state;
    enum { FLOWS = 40, ROUNDS = 40 };
    struct rig rig;
    pthread_t thread;
    uint8_t inner[128];
    rig_init(&rig, 1024, 1 << 20);
    rig_set_all_sas(&rig);
    set_flows(&rig, 1, 100);
    assert_int_equal(pthread_create(&thread, NULL, work, rig.worker), 0);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t opened = 0;
        for (uint32_t i = 0; i < FLOWS; i++) {
            send(&rig, i);
        }
        set_flows(&rig, 2 + round, round % 8 == 7 ? 200 : 100);
        (void)counter(&rig, "flow table: flows"); /* as status does: at any time */
        while (opened < FLOWS) {
            opened +=
                rig_receive(&rig, SL_PORT_WAN, rig.from_image[SL_PORT_WAN], inner, NULL, NULL);
            (void)counter(&rig, "flow table: created");
            (void)sched_yield();
        }
        sl_provision_poll(&rig.provision, 2);
    }
    atomic_store(&rig.worker->is_stopped, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(rig_counters(&rig, SL_PORT_LAN)->passed, FLOWS * ROUNDS);
    assert_int_equal(counter(&rig, "flow table: not_moved"), 0);
    assert_true(counter(&rig, "flow table: flows") <= FLOWS);
    sl_provision_poll(&rig.provision, 3);
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flows_outlive_versions_of_the_chain),
        cmocka_unit_test(test_worker_sends_what_nfs_emit),
        cmocka_unit_test(test_flows_while_chains_are_replaced_and_looked_at),
    };
    return cmocka_run_group_tests_name("image/flows", tests, NULL, NULL);
}
