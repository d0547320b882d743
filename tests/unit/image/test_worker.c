/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "esp/encap.h"
#include "esp/probe.h"
#include "rig.h"

static uint8_t inner[16384];
static uint8_t packet[16384];

static void start(struct rig *rig)
{
    rig_init(rig, 256, 1 << 20);
    rig_set_all_sas(rig);
    assert_ok(rig_set_chain(rig, 1, 0xff));
}

/* Every datagram must end in exactly one counter. */
static void assert_accounted(struct rig *rig, uint8_t port)
{
    const struct sl_worker_counters *c = rig_counters(rig, port);
    uint64_t sum = 0;
#define ADD(name, text) sum += c->name;
    SL_WORKER_COUNTER_TABLE(ADD)
#undef ADD
    assert_int_equal(sum, 2 * c->received);
}

static void test_pass_goes_out_of_the_other_port(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_esp_inner got;
    struct sl_run run;
    start(&rig);
    for (uint8_t port = 0; port < 2; port++) {
        /* the peer of the other port must be known from a packet of its own */
        rig_packet(packet, 100, 0, SL_VERDICT_DROP);
        rig_send(&rig, port ^ 1u, packet, 100, 4, 77, 0);
        assert_int_equal(sl_worker_pass(rig.worker), 1);
        rig_packet(packet, 1000, 0, SL_VERDICT_PASS);
        rig_send(&rig, port, packet, 1000, 4, 5, 0);
        assert_int_equal(sl_worker_pass(rig.worker), 1);
        assert_int_equal(rig_receive(&rig, port ^ 1u, rig.from_image[port ^ 1u], inner, &got, &run),
                         1);
        assert_int_equal(got.size, 1000);
        assert_int_equal(got.next_header, 4);
        assert_memory_equal(inner + got.off, packet, 1000);
        assert_int_equal(run.peer, 77);
        assert_int_equal(rig_receive(&rig, port, rig.from_image[port], inner, &got, &run), 0);
        assert_int_equal(rig_counters(&rig, port)->passed, 1);
    }
    assert_accounted(&rig, 0);
    assert_accounted(&rig, 1);
    rig_done(&rig);
}

static void test_reply_goes_out_of_the_same_port(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_run run;
    start(&rig);
    rig_packet(packet, 64, 0, SL_VERDICT_REPLY);
    rig_send(&rig, 0, packet, 64, 4, 9, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_receive(&rig, 0, rig.from_image[0], inner, NULL, &run), 1);
    assert_int_equal(run.peer, 9);
    assert_int_equal(rig_counters(&rig, 0)->replied, 1);
    assert_accounted(&rig, 0);
    rig_done(&rig);
}

static void test_run_of_datagrams_becomes_a_run(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_run run;
    uint8_t datagrams[40 * 1100];
    uint32_t size = 0;
    start(&rig);
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t sealed = sl_esp_sealed_size(1000, 0);
        rig_packet(packet, 1000, 0, SL_VERDICT_PASS);
        assert_ok(
            sl_esp_seal(rig.to_image[0], packet, 1000, 4, 0, datagrams + size, sealed, &sealed));
        size += sealed;
    }
    rig_send_raw(&rig, 0, datagrams, size, size / 40, 1, 0);
    uint32_t taken = 0;
    while (taken < 40) { /* a burst is bounded in bytes: it takes several passes */
        uint32_t now = sl_worker_pass(rig.worker);
        assert_in_range(now, 1, 39);
        taken += now;
    }
    /* and yet one train leaves: bursts do not cut it */
    assert_int_equal(rig_receive(&rig, 1, rig.from_image[1], inner, NULL, &run), 40);
    assert_int_equal(rig_counters(&rig, 0)->passed, 40);
    rig_done(&rig);
}

static void test_ports_take_turns(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig);
    for (uint32_t i = 0; i < 200; i++) {
        rig_packet(packet, 40, 0, SL_VERDICT_PASS);
        rig_send(&rig, 0, packet, 40, 4, 1, 0);
    }
    rig_send(&rig, 1, packet, 40, 4, 1, 0);
    assert_int_equal(sl_worker_pass(rig.worker), SL_BURST_MAX + 1);
    assert_int_equal(rig_counters(&rig, 1)->passed, 1);
    while (sl_worker_pass(rig.worker) > 0) {
    }
    assert_int_equal(rig_counters(&rig, 0)->passed, 200);
    rig_done(&rig);
}

static void test_drop_reasons_are_counted(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t raw[64] = {0};
    rig_init(&rig, 256, 1 << 20);
    struct sl_worker_counters *c = rig_counters(&rig, 0);

    rig_send_raw(&rig, 0, raw, 64, 64, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_no_sa, 1);

    rig_set_sa(&rig, 0, true);
    rig_send_raw(&rig, 0, raw, 64, 64, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_spi, 1);

    rig_send_raw(&rig, 0, raw, 7, 7, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_esp, 1);

    rig_packet(packet, 100, 0, SL_VERDICT_PASS);
    rig_send(&rig, 0, packet, 100, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_no_chain, 1);

    assert_ok(rig_set_chain(&rig, 1, 0xff));
    rig_send(&rig, 0, packet, 100, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_no_sa_out, 1);

    rig_set_sa(&rig, 1, false);
    rig_packet(packet, 100, 0, SL_VERDICT_DROP);
    rig_send(&rig, 0, packet, 100, 4, 0, 0);
    rig_packet(packet, 100, 0, 'q'); /* a verdict that is none */
    rig_send(&rig, 0, packet, 100, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_verdict, 2);

    /* not an IP packet inside */
    memset(packet, 0, 100);
    rig_send(&rig, 0, packet, 100, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_esp, 2);

    /* IPv4 in shape, UDP header cut off */
    rig_packet(packet, 28, 0, 0);
    packet[3] = 24;
    rig_send(&rig, 0, packet, 24, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_parse, 1);

    /* congestion experienced on a packet that is not ECN-capable */
    rig_packet(packet, 100, 0, SL_VERDICT_PASS);
    rig_send(&rig, 0, packet, 100, 4, 0, 3);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_ecn, 1);

    rig_send(&rig, 0, packet, 8, 59, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_dummy, 1);

    rig_send_raw(&rig, 0, packet, 16000, 16000, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(c->drop_too_big, 1);
    assert_int_equal(c->passed, 0);
    assert_accounted(&rig, 0);
    rig_done(&rig);
}

static void test_nf_that_leaves_no_ip_packet_is_dropped(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig);
    assert_ok(rig_set_chain(&rig, 2, SL_VERDICT_PASS));
    rig_packet(packet, 100, 0, 'z');
    rig_send(&rig, 0, packet, 100, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_counters(&rig, 0)->drop_seal, 1);
    assert_int_equal(rig_receive(&rig, 1, rig.from_image[1], inner, NULL, NULL), 0);
    rig_done(&rig);
}

static void test_sequence_overflow_sends_nothing(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig);
    struct sl_msg_sa sa = rig_sa(&rig, 1, false);
    sa.params.is_esn = false;
    sa.params.seq_start = UINT32_MAX;
    assert_ok(sl_provision_sa_set(&rig.provision, &sa, 1, NULL));
    rig_packet(packet, 100, 0, SL_VERDICT_PASS);
    rig_send(&rig, 0, packet, 100, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_counters(&rig, 0)->drop_seal, 1);
    assert_int_equal(rig_receive(&rig, 1, rig.from_image[1], inner, NULL, NULL), 0);
    rig_done(&rig);
}

static void test_tx_ring_full_is_counted(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 256, 65536);
    rig_set_all_sas(&rig);
    assert_ok(rig_set_chain(&rig, 1, 0xff));
    rig_packet(packet, 1400, 0, SL_VERDICT_PASS);
    for (uint32_t i = 0; i < 100; i++) { /* nobody drains the tx ring */
        rig_send(&rig, 0, packet, 1400, 4, 0, 0);
        (void)sl_worker_pass(rig.worker);
    }
    assert_true(rig_counters(&rig, 0)->drop_tx_full > 0);
    assert_int_equal(rig_counters(&rig, 0)->drop_tx_full + rig_counters(&rig, 0)->passed, 100);
    /* once it is drained, packets flow again, and in sequence */
    uint32_t opened = 0;
    uint32_t now;
    while ((now = rig_receive(&rig, 1, rig.from_image[1], inner, NULL, NULL)) > 0) {
        opened += now;
    }
    assert_int_equal(opened, rig_counters(&rig, 0)->passed);
    assert_int_equal(sl_esp_sa_counters(rig.from_image[1])->seq_gap, 0);
    rig_send(&rig, 0, packet, 1400, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_receive(&rig, 1, rig.from_image[1], inner, NULL, NULL), 1);
    rig_done(&rig);
}

static void test_replay_and_tampering_are_refused_and_peer_is_kept(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_run run;
    uint8_t out[256];
    uint32_t size = sl_esp_sealed_size(100, 0);
    start(&rig);
    rig_packet(packet, 100, 0, SL_VERDICT_REPLY);
    assert_ok(sl_esp_seal(rig.to_image[0], packet, 100, 4, 0, out, sizeof(out), &size));
    rig_send_raw(&rig, 0, out, size, size, 3, 0);
    rig_send_raw(&rig, 0, out, size, size, 4, 0); /* replay from elsewhere */
    (void)sl_worker_pass(rig.worker);
    rig_packet(packet, 100, 0, SL_VERDICT_REPLY);
    size = sl_esp_sealed_size(100, 0);
    assert_ok(sl_esp_seal(rig.to_image[0], packet, 100, 4, 0, out, sizeof(out), &size));
    out[40] ^= 1;
    rig_send_raw(&rig, 0, out, size, size, 5, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_counters(&rig, 0)->drop_esp, 2);
    assert_int_equal(rig.worker->lanes[0].peer, 3);
    assert_int_equal(rig_receive(&rig, 0, rig.from_image[0], inner, NULL, &run), 1);
    assert_int_equal(run.peer, 3);
    rig_done(&rig);
}

static void test_probe_is_answered_at_its_size(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_esp_inner got;
    struct sl_probe probe = {.kind = SL_PROBE_REQUEST, .size = 1200, .id = 42};
    start(&rig);
    assert_ok(sl_probe_write(&probe, 1200, packet, sizeof(packet)));
    rig_send(&rig, 1, packet, 1200, 59, 6, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_receive(&rig, 1, rig.from_image[1], inner, &got, NULL), 1);
    assert_int_equal(got.next_header, 59);
    assert_ok(sl_probe_read(inner + got.off, got.size, &probe));
    assert_int_equal(probe.kind, SL_PROBE_REPLY);
    assert_int_equal(probe.size, 1200);
    assert_int_equal(probe.id, 42);
    assert_int_equal(got.size, 1200);
    assert_int_equal(rig_counters(&rig, 1)->probe_answered, 1);
    /* a reply is not answered: two images cannot play ping-pong */
    rig_send(&rig, 1, inner + got.off, 1200, 59, 6, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_counters(&rig, 1)->probe_answered, 1);
    assert_int_equal(rig_counters(&rig, 1)->drop_dummy, 1);
    assert_accounted(&rig, 1);
    rig_done(&rig);
}

static void test_ecn_and_dscp_cross_the_tunnel(void **state)
{
    (void)state;
    struct rig rig;
    struct sl_esp_inner got;
    struct sl_run run;
    start(&rig);
    rig_packet(packet, 100, 0xb8 | 2, SL_VERDICT_PASS); /* EF, ECT(0) */
    rig_send(&rig, 0, packet, 100, 4, 0, 3);            /* outer CE */
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_receive(&rig, 1, rig.from_image[1], inner, &got, &run), 1);
    assert_int_equal(inner[got.off + 1], 0xb8 | 3);
    assert_int_equal(run.flags & 0xff, 3); /* DSCP not copied unless asked for */
    struct sl_msg_sa sa = rig_sa(&rig, 1, false);
    sa.is_dscp_copied = true;
    assert_ok(sl_provision_sa_set(&rig.provision, &sa, 1, NULL));
    rig_send(&rig, 0, packet, 100, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(sl_host_tx_peek(&rig.tx[1], &run, 1), 1);
    assert_int_equal(run.flags & 0xff, 0xb8 | 2);
    rig_done(&rig);
}

static void test_rekey_overlap_loses_nothing(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig);
    rig_packet(packet, 100, 0, SL_VERDICT_PASS);
    struct sl_msg_sa sa = rig_sa(&rig, 0, true);
    assert_ok(sl_provision_sa_set(&rig.provision, &sa, 1000, NULL));
    struct sl_esp_sa *fresh;
    sa.params.is_inbound = false;
    assert_ok(sl_esp_sa_create(&sa.params, &fresh));
    for (uint32_t i = 0; i < 10; i++) { /* old and new key, interleaved */
        rig_send(&rig, 0, packet, 100, 4, 0, 0);
        struct sl_esp_sa *old = rig.to_image[0];
        rig.to_image[0] = fresh;
        rig_send(&rig, 0, packet, 100, 4, 0, 0);
        rig.to_image[0] = old;
    }
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_counters(&rig, 0)->passed, 20);
    /* when the overlap is over, the old key is dead */
    sl_provision_poll(&rig.provision, 1000 + SL_PROVISION_OVERLAP_NS - 1);
    assert_non_null(sl_provision_config(&rig.provision, 0)->ports[0].in_previous[0]);
    sl_provision_poll(&rig.provision, 1000 + SL_PROVISION_OVERLAP_NS);
    assert_null(sl_provision_config(&rig.provision, 0)->ports[0].in_previous[0]);
    rig_send(&rig, 0, packet, 100, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_counters(&rig, 0)->drop_spi, 1);
    sl_esp_sa_free(fresh);
    rig_done(&rig);
}

static void test_sa_clear_closes(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig);
    assert_ok(sl_provision_sa_clear(&rig.provision, NULL));
    rig_packet(packet, 100, 0, SL_VERDICT_PASS);
    rig_send(&rig, 0, packet, 100, 4, 0, 0);
    (void)sl_worker_pass(rig.worker);
    assert_int_equal(rig_counters(&rig, 0)->drop_no_sa, 1);
    rig_done(&rig);
}

static void test_init_unknown_shard_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 64, 65536);
    struct sl_worker *other = aligned_alloc(_Alignof(struct sl_worker), sizeof(*other));
    assert_non_null(other);
    assert_rc(sl_worker_init(other, 1, rig.area, &rig.geometry, &rig.layout), SL_RANGE);
    free(other);
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pass_goes_out_of_the_other_port),
        cmocka_unit_test(test_reply_goes_out_of_the_same_port),
        cmocka_unit_test(test_run_of_datagrams_becomes_a_run),
        cmocka_unit_test(test_ports_take_turns),
        cmocka_unit_test(test_drop_reasons_are_counted),
        cmocka_unit_test(test_nf_that_leaves_no_ip_packet_is_dropped),
        cmocka_unit_test(test_sequence_overflow_sends_nothing),
        cmocka_unit_test(test_tx_ring_full_is_counted),
        cmocka_unit_test(test_replay_and_tampering_are_refused_and_peer_is_kept),
        cmocka_unit_test(test_probe_is_answered_at_its_size),
        cmocka_unit_test(test_ecn_and_dscp_cross_the_tunnel),
        cmocka_unit_test(test_rekey_overlap_loses_nothing),
        cmocka_unit_test(test_sa_clear_closes),
        cmocka_unit_test(test_init_unknown_shard_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
