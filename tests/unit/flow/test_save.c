/* SPDX-License-Identifier: Apache-2.0 */
/* Flows out of a chain and back into another: states, times, what is refused. */
#include "unit.h"

#include "rig.h"

enum { ROOM = 1 << 20, MANY = 500 };

static uint8_t blocks[ROOM];
static const uint8_t three[4] = {0, 0, 0, 3}; /* packets a second and flow */

static struct flow_spec udp(uint32_t number)
{
    static char src[16];
    (void)snprintf(src, sizeof(src), "10.0.%u.%u", number / 250, number % 250 + 1);
    return (struct flow_spec){
        .src = src, .sport = 1000, .dst = "1.2.3.4", .dport = 53, .proto = 17};
}

/* All flows of a chain, a few slots at a time. @return bytes */
static size_t save_all(struct flow_rig *rig, uint32_t looks, size_t piece, uint64_t *ret_flows)
{
    struct sl_chain_cursor cursor = {0};
    size_t size = 0;
    *ret_flows = 0;
    while (!cursor.is_end) {
        struct sl_writer w;
        sl_rc rc = SL_OK;
        sl_writer_init(&w, blocks + size, piece < ROOM - size ? piece : ROOM - size);
        while (rc == SL_OK && !cursor.is_end) {
            uint32_t flows = 0;
            rc = sl_chain_save(rig->chain, &cursor, looks, &w, &flows);
            *ret_flows += flows;
        }
        assert_true(rc == SL_OK || (rc == SL_NO_SPACE && w.off > 0));
        assert_ok(w.rc);
        size += w.off;
    }
    return size;
}

static void expect_flows(struct flow_rig *rig, uint64_t flows, uint64_t created)
{
    assert_int_equal(flow_rig_counter(rig, "flow table: flows"), flows);
    assert_int_equal(flow_rig_counter(rig, "flow table: created"), created);
}

static void test_flows_come_back_with_their_state(void **state)
{
    struct flow_rig rig;
    struct flow_rig again;
    struct sl_flow_restored sum = {0};
    uint64_t flows = 0;
    flow_rig_init(&rig, "example_flow", three, sizeof(three), "flows=1000");
    for (uint32_t i = 0; i < MANY; i++) {
        struct flow_spec spec = udp(i);
        assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
        assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
    }
    size_t size = save_all(&rig, 7, 600, &flows);
    assert_int_equal(flows, MANY);
    expect_flows(&rig, MANY, MANY); /* goes on as it was */
    flow_rig_init(&again, "example_flow", three, sizeof(three), "flows=1000");
    assert_ok(sl_chain_restore(again.chain, blocks, size, &sum));
    assert_int_equal(sum.flows, MANY);
    assert_int_equal(sum.refused, 0);
    expect_flows(&again, MANY, 0);
    for (uint32_t i = 0; i < MANY; i++) { /* the third in this second, and one too many */
        struct flow_spec spec = udp(i);
        assert_int_equal(flow_rig_send(&again, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
        assert_int_equal(flow_rig_send(&again, SL_PORT_LAN, &spec), SL_VERDICT_DROP);
    }
    expect_flows(&again, MANY, 0);
    flow_rig_done(&rig);
    flow_rig_done(&again);
}

/* What was left of the time to live is what is left; the clock of the other image is another. */
static void test_time_left_comes_along(void **state)
{
    struct flow_rig rig;
    struct flow_rig again;
    struct sl_flow_restored sum = {0};
    uint64_t flows = 0;
    struct flow_spec spec = udp(1);
    flow_rig_init(&rig, "example_flow", three, sizeof(three), "flows=100 udp=30");
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
    flow_rig_wait(&rig, 20000);
    size_t size = save_all(&rig, 1000, ROOM, &flows);
    flow_rig_init(&again, "example_flow", three, sizeof(three), "flows=100 udp=30");
    flow_rig_wait(&again, 3600000);
    assert_ok(sl_chain_restore(again.chain, blocks, size, &sum));
    flow_rig_wait(&again, 9000);
    expect_flows(&again, 1, 0);
    flow_rig_wait(&again, 2500);
    expect_flows(&again, 0, 0);
    flow_rig_done(&rig);
    flow_rig_done(&again);
}

/* An established TCP connection goes on; another one would be picked up in the middle. */
static void test_tcp_state_comes_along(void **state)
{
    struct flow_rig rig;
    struct flow_rig again;
    struct sl_flow_restored sum = {0};
    uint64_t flows = 0;
    struct flow_spec syn = {.src = "10.0.0.1",
                            .sport = 5,
                            .dst = "1.1.1.1",
                            .dport = 80,
                            .proto = 6,
                            .flags = FLOW_SYN,
                            .seq = 100};
    struct flow_spec syn_ack = flow_spec_turn(&syn);
    syn_ack.flags = FLOW_SYN | FLOW_ACK;
    syn_ack.seq = 500;
    syn_ack.ack = 101;
    struct flow_spec ack = syn;
    ack.flags = FLOW_ACK;
    ack.seq = 101;
    ack.ack = 501;
    flow_rig_init(&rig, "example_flow", three, sizeof(three), "flows=100 tcp_loose=0");
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &syn), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &syn_ack), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &ack), SL_VERDICT_PASS);
    size_t size = save_all(&rig, 1000, ROOM, &flows);
    assert_int_equal(flows, 1);
    flow_rig_init(&again, "example_flow", three, sizeof(three), "flows=100 tcp_loose=0");
    flow_rig_wait(&again, 1000);
    assert_int_equal(flow_rig_send(&again, SL_PORT_LAN, &ack), SL_VERDICT_DROP);
    assert_ok(sl_chain_restore(again.chain, blocks, size, &sum));
    assert_int_equal(flow_rig_send(&again, SL_PORT_LAN, &ack), SL_VERDICT_PASS);
    flow_rig_done(&rig);
    flow_rig_done(&again);
}

static void test_flows_without_room_or_there_already_are_refused(void **state)
{
    struct flow_rig rig;
    struct flow_rig again;
    struct sl_flow_restored sum = {0};
    uint64_t flows = 0;
    flow_rig_init(&rig, "example_flow", three, sizeof(three), "flows=100");
    for (uint32_t i = 0; i < 100; i++) {
        struct flow_spec spec = udp(i);
        assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
    }
    size_t size = save_all(&rig, 1000, ROOM, &flows);
    flow_rig_init(&again, "example_flow", three, sizeof(three), "flows=60");
    assert_ok(sl_chain_restore(again.chain, blocks, size, &sum));
    assert_int_equal(sum.flows, 60);
    assert_int_equal(sum.refused, 40);
    assert_ok(sl_chain_restore(again.chain, blocks, size, &sum));
    assert_int_equal(sum.flows, 60);
    assert_int_equal(sum.refused, 140);
    sl_chain_flows_end(again.chain);
    expect_flows(&again, 0, 0);
    assert_ok(sl_chain_restore(again.chain, blocks, size, &sum));
    assert_int_equal(sum.flows, 120);
    flow_rig_done(&rig);
    flow_rig_done(&again);
}

static void test_flows_of_another_shape_are_refused(void **state)
{
    struct flow_rig rig;
    struct flow_rig again;
    struct sl_flow_restored sum = {0};
    uint64_t flows = 0;
    struct flow_spec spec = udp(1);
    flow_rig_init(&rig, "example_flow", three, sizeof(three), "flows=100");
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
    size_t size = save_all(&rig, 1000, ROOM, &flows);
    flow_rig_init(&again, "example_flow", three, sizeof(three), "flows=100 tcp_mode=2");
    assert_ok(sl_chain_restore(again.chain, blocks, size, &sum)); /* windows are kept there */
    assert_int_equal(sum.flows, 0);
    assert_int_equal(sum.refused, 1);
    expect_flows(&again, 0, 0);
    flow_rig_done(&rig);
    flow_rig_done(&again);
}

static void test_cut_blocks_are_refused(void **state)
{
    struct flow_rig rig;
    uint64_t flows = 0;
    flow_rig_init(&rig, "example_flow", three, sizeof(three), "flows=100");
    for (uint32_t i = 0; i < 3; i++) {
        struct flow_spec spec = udp(i);
        assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
    }
    size_t size = save_all(&rig, 2, ROOM, &flows);
    uint32_t whole = 0;
    for (size_t cut = 0; cut < size; cut++) {
        struct flow_rig again;
        struct sl_flow_restored sum = {0};
        flow_rig_init(&again, "example_flow", three, sizeof(three), "flows=100");
        sl_rc rc = sl_chain_restore(again.chain, blocks, cut, &sum);
        assert_true(rc == SL_OK || rc == SL_TRUNCATED);
        whole += rc == SL_OK;
        flow_rig_done(&again);
    }
    assert_in_range(whole, 1, 4); /* between blocks */
    blocks[0] = 77;
    struct sl_flow_restored sum = {0};
    assert_rc(sl_chain_restore(rig.chain, blocks, size, &sum), SL_MALFORMED);
    blocks[0] = 1;
    blocks[4] = 9; /* shards */
    assert_rc(sl_chain_restore(rig.chain, blocks, size, &sum), SL_MISMATCH);
    flow_rig_done(&rig);
}

/* What another version wrote lies otherwise: none of it is taken for flows. */
static void test_another_format_is_refused(void **state)
{
    enum { HEAD = 1 + 2 + 2 + SL_CHAIN_STEER_KEY_SIZE, NAME = sizeof("example_flow") - 1 };
    const size_t at = HEAD + 1 + 2 + 2 + NAME + 1; /* src/nf/save.c: the block behind both heads */
    struct flow_rig rig;
    uint64_t flows = 0;
    struct flow_spec spec = udp(1);
    flow_rig_init(&rig, "example_flow", three, sizeof(three), "flows=100");
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
    size_t size = save_all(&rig, 1000, ROOM, &flows);
    assert_int_equal(blocks[at] << 8 | blocks[at + 1], 2);
    for (uint8_t format = 0; format < 4; format++) {
        struct flow_rig again;
        struct sl_flow_restored sum = {0};
        flow_rig_init(&again, "example_flow", three, sizeof(three), "flows=100");
        blocks[at + 1] = format;
        assert_rc(sl_chain_restore(again.chain, blocks, size, &sum),
                  format == 2 ? SL_OK : SL_MALFORMED);
        expect_flows(&again, format == 2, 0);
        flow_rig_done(&again);
    }
    flow_rig_done(&rig);
}

/* Nothing that a byte may be makes it fall over. */
static void test_flipped_bytes_do_no_harm(void **state)
{
    struct flow_rig rig;
    uint64_t flows = 0;
    struct flow_spec spec = udp(1);
    flow_rig_init(&rig, "example_flow", three, sizeof(three), "flows=100");
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
    size_t size = save_all(&rig, 1000, ROOM, &flows);
    for (size_t at = 0; at < size; at++) {
        struct flow_rig again;
        struct sl_flow_restored sum = {0};
        blocks[at] ^= (uint8_t)(1u << (at % 8));
        flow_rig_init(&again, "example_flow", three, sizeof(three), "flows=100");
        sl_rc rc = sl_chain_restore(again.chain, blocks, size, &sum);
        assert_true(rc == SL_OK || rc == SL_TRUNCATED || rc == SL_MALFORMED || rc == SL_MISMATCH ||
                    rc == SL_NO_SPACE || rc == SL_RANGE);
        (void)flow_rig_send(&again, SL_PORT_LAN, &spec);
        flow_rig_wait(&again, 1000);
        flow_rig_done(&again);
        blocks[at] ^= (uint8_t)(1u << (at % 8));
    }
    flow_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flows_come_back_with_their_state),
        cmocka_unit_test(test_time_left_comes_along),
        cmocka_unit_test(test_tcp_state_comes_along),
        cmocka_unit_test(test_flows_without_room_or_there_already_are_refused),
        cmocka_unit_test(test_flows_of_another_shape_are_refused),
        cmocka_unit_test(test_cut_blocks_are_refused),
        cmocka_unit_test(test_another_format_is_refused),
        cmocka_unit_test(test_flipped_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
