/* SPDX-License-Identifier: Apache-2.0 */
/* Flow tables as NFs see them: keys, handles, timeouts; what floods do; what a flow costs. */
#include "flow/table.h"
#include "flow/tuple.h"
#include "no_burst.h"
#include "rig.h"
#include "unit.h"

static uint32_t ended_count;
static uint32_t ended_last;

static void ended(void *state, struct sl_flow_table *table, const struct sl_flow_tuple *original,
                  const struct sl_flow_tuple *reply, void *flow_state, uint32_t end)
{
    (void)state;
    (void)table;
    (void)original;
    (void)reply;
    (void)flow_state;
    ended_count++;
    ended_last = end;
}

static const struct sl_flow_spec plain = {
    .state_size = 16, .version = 1, .burst = no_burst, .ended = ended};
static const struct sl_flow_spec rekeying = {.state_size = 16,
                                             .version = 1,
                                             .flags = SL_FLOW_SPEC_REKEYS,
                                             .burst = no_burst,
                                             .ended = ended};
static uint64_t now_ms;

static struct sl_flow_table *create(const struct sl_flow_spec *spec, uint32_t flows,
                                    uint32_t flows6, uint32_t tcp_mode)
{
    struct sl_flow_table *table = NULL;
    struct sl_flow_table_params params = {.spec = spec};
    struct sl_err err = {0};
    sl_flow_options_default(&params.options);
    params.options.flows = flows;
    params.options.flows6 = flows6;
    params.options.tcp_mode = tcp_mode;
    assert_ok(sl_flow_table_create(&params, &table, &err));
    now_ms = 5000;
    sl_flow_table_set_now(table, now_ms);
    ended_count = 0;
    return table;
}

static void wait(struct sl_flow_table *table, uint64_t ms)
{
    now_ms += ms;
    sl_flow_table_set_now(table, now_ms);
    for (uint32_t i = 0; i < 100; i++) {
        sl_flow_table_advance(table, 1024);
    }
}

/* One packet, which the NF passes. */
static struct sl_flow see(struct sl_flow_table *table, const struct flow_spec *spec)
{
    static uint8_t buffer[FLOW_RIG_ROOM];
    struct sl_packet packet;
    struct sl_packet *list[1] = {&packet};
    struct sl_flow flow;
    flow_packet_make(spec, SL_PORT_LAN, buffer, sizeof(buffer), &packet);
    assert_int_equal(sl_flow_table_begin(table, list, &flow, 1), 1);
    packet.verdict = SL_VERDICT_PASS;
    sl_flow_table_end(table, list, &flow, 1);
    return flow;
}

static uint64_t live(const struct sl_flow_table *table)
{
    struct sl_flow_counters counters;
    sl_flow_table_counters(table, &counters);
    return counters.flows;
}

static struct flow_spec udp_spec(uint32_t i)
{
    static char src[8][16];
    char *at = src[i % 8];
    (void)snprintf(at, 16, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
    return (struct flow_spec){.src = at,
                              .sport = (uint16_t)(1024 + i % 999),
                              .dst = "192.0.2.1",
                              .dport = 53,
                              .proto = 17};
}

/* "40 bytes or less of overhead per flow beside NF state" */
static void test_table_a_flow_costs_forty_bytes(void **state)
{
    (void)state;
    enum { FLOWS = 100000 };
    static const struct {
        uint32_t flows, flows6, most;
    } cases[] = {{FLOWS, 0, 40}, {1, FLOWS, 65}};
    for (uint32_t i = 0; i < 2; i++) {
        struct sl_flow_table *table =
            create(&plain, cases[i].flows, cases[i].flows6, SL_FLOW_TCP_DEFAULT);
        double each = (double)sl_flow_table_inside_bytes(table) / FLOWS - plain.state_size;
        print_message("IPv%u: %.1f bytes per flow beside the NF's\n", i == 0 ? 4 : 6, each);
        assert_true(each <= cases[i].most);
        sl_flow_table_free(table);
    }
}

static void test_table_timeouts_are_conntracks(void **state)
{
    (void)state;
    static const struct flow_spec specs[] = {
        {.src = "10.0.0.1", .sport = 1, .dst = "192.0.2.1", .dport = 2, .proto = 17},
        {.src = "10.0.0.1", .sport = 1, .dst = "192.0.2.1", .proto = 1, .icmp_type = 8},
        {.src = "10.0.0.1", .dst = "192.0.2.1", .proto = 47, .payload = 8},
        {.src = "10.0.0.1",
         .sport = 1,
         .dst = "192.0.2.1",
         .dport = 2,
         .proto = 6,
         .flags = FLOW_SYN},
        {.src = "fd00::1", .sport = 1, .dst = "2001:db8::1", .dport = 2, .proto = 17},
        {.src = "10.0.0.1",
         .sport = 1,
         .dst = "192.0.2.1",
         .dport = 2,
         .proto = 6,
         .flags = FLOW_ACK},
    };
    static const uint32_t seconds[] = {30, 30, 600, 120, 30, 300};
    for (uint32_t i = 0; i < 6; i++) {
        struct sl_flow_table *table = create(&plain, 100, 100, SL_FLOW_TCP_STRICT);
        struct sl_flow flow = see(table, &specs[i]);
        assert_int_equal(flow.relation, SL_FLOW_NEW);
        assert_true(flow.is_first);
        wait(table, seconds[i] * 1000 - 20);
        assert_int_equal(live(table), 1);
        wait(table, 40);
        assert_true(see(table, &specs[i]).is_first); /* to the tick, whenever the wheel comes by */
        assert_int_equal(ended_count, 1);
        assert_int_equal(ended_last, SL_FLOW_END_IDLE);
        wait(table, seconds[i] * 1000 + 1100);
        assert_int_equal(live(table), 0);
        sl_flow_table_free(table);
    }
}

static void test_table_udp_that_goes_on_is_a_stream(void **state)
{
    (void)state;
    struct sl_flow_table *table = create(&plain, 100, 0, SL_FLOW_TCP_COMPACT);
    struct flow_spec there = udp_spec(1);
    struct flow_spec back = flow_spec_turn(&there);
    (void)see(table, &there);
    assert_int_equal(see(table, &back).relation, SL_FLOW_ESTABLISHED);
    wait(table, 29000);
    struct sl_flow flow = see(table, &there);
    assert_int_equal(flow.relation, SL_FLOW_ESTABLISHED);
    assert_int_equal(flow.direction, SL_FLOW_ORIGINAL);
    wait(table, 119000);
    assert_int_equal(live(table), 1);
    wait(table, 3000);
    assert_int_equal(live(table), 0);
    sl_flow_table_free(table);
}

static void test_table_set_reply_each_answer(void **state)
{
    (void)state;
    static uint8_t buffers[2][FLOW_RIG_ROOM];
    struct sl_flow_table *table = create(&rekeying, 100, 0, SL_FLOW_TCP_COMPACT);
    struct sl_packet packets[2];
    struct sl_packet *list[2] = {&packets[0], &packets[1]};
    struct sl_flow flows[2];
    struct flow_spec first = udp_spec(1);
    struct flow_spec second = udp_spec(2);
    flow_packet_make(&first, SL_PORT_LAN, buffers[0], FLOW_RIG_ROOM, &packets[0]);
    flow_packet_make(&second, SL_PORT_LAN, buffers[1], FLOW_RIG_ROOM, &packets[1]);
    assert_int_equal(sl_flow_table_begin(table, list, flows, 2), 2);
    struct sl_flow_tuple reply = {.src = {192, 0, 2, 1},
                                  .dst = {198, 51, 100, 1},
                                  .sport = 53,
                                  .dport = 9999,
                                  .proto = 17,
                                  .ip_version = 4};
    assert_false(sl_flow_has(table, &reply));
    assert_ok(sl_flow_set_reply(table, flows[0].handle, &reply));
    assert_ok(sl_flow_set_reply(table, flows[0].handle, &reply)); /* again: as it is */
    assert_true(sl_flow_has(table, &reply));
    assert_rc(sl_flow_set_reply(table, flows[1].handle, &reply), SL_EXISTS);
    assert_rc(sl_flow_set_reply(table, flows[1].handle + (1ull << 32), &reply), SL_STALE);
    assert_rc(sl_flow_set_reply(table, SL_FLOW_NONE, &reply), SL_STALE);
    packets[0].verdict = packets[1].verdict = SL_VERDICT_PASS;
    sl_flow_table_end(table, list, flows, 2);
    assert_rc(sl_flow_set_reply(table, flows[0].handle, &reply), SL_STATE);
    struct sl_flow_tuple got_original;
    struct sl_flow_tuple got_reply;
    assert_ok(sl_flow_tuples(table, flows[0].handle, &got_original, &got_reply));
    assert_memory_equal(&got_reply, &reply, sizeof(reply));
    /* the reply comes to the address that the world sees */
    struct flow_spec answer = {
        .src = "192.0.2.1", .sport = 53, .dst = "198.51.100.1", .dport = 9999, .proto = 17};
    struct sl_flow flow = see(table, &answer);
    assert_int_equal(flow.relation, SL_FLOW_ESTABLISHED);
    assert_int_equal(flow.direction, SL_FLOW_REPLY);
    assert_true(flow.handle == flows[0].handle);
    /* and what comes to the inner address instead is of no flow */
    struct flow_spec odd = flow_spec_turn(&first);
    assert_int_equal(see(table, &odd).relation, SL_FLOW_INVALID);
    sl_flow_table_free(table);
    table = create(&plain, 100, 0, SL_FLOW_TCP_COMPACT);
    flow_packet_make(&first, SL_PORT_LAN, buffers[0], FLOW_RIG_ROOM, &packets[0]);
    assert_int_equal(sl_flow_table_begin(table, list, flows, 1), 1);
    assert_rc(sl_flow_set_reply(table, flows[0].handle, &reply), SL_NO_SPACE);
    sl_flow_table_end(table, list, flows, 1);
    sl_flow_table_free(table);
}

static void test_table_handles_of_flows_that_are_over_are_stale(void **state)
{
    (void)state;
    struct sl_flow_table *table = create(&plain, 1, 0, SL_FLOW_TCP_COMPACT);
    sl_flow_handle before = SL_FLOW_NONE;
    struct sl_flow_tuple original;
    struct sl_flow_tuple reply;
    for (uint32_t i = 0; i < 1000; i++) { /* one slot, again and again */
        struct flow_spec spec = udp_spec(i);
        struct sl_flow flow = see(table, &spec);
        assert_int_equal(flow.relation, SL_FLOW_NEW);
        assert_true(flow.handle != before);
        if (before != SL_FLOW_NONE) {
            assert_rc(sl_flow_tuples(table, before, &original, &reply), SL_STALE);
            assert_rc(sl_flow_close(table, before), SL_STALE);
            assert_rc(sl_flow_set_timeout(table, before, 1), SL_STALE);
        }
        assert_ok(sl_flow_tuples(table, flow.handle, &original, &reply));
        before = flow.handle;
    }
    assert_rc(sl_flow_tuples(table, UINT64_MAX, &original, &reply), SL_STALE);
    assert_int_equal(ended_count, 999);
    assert_int_equal(ended_last, SL_FLOW_END_EVICTED);
    sl_flow_table_free(table);
}

static void test_table_timeout_of_the_nf_and_close(void **state)
{
    (void)state;
    struct sl_flow_table *table = create(&plain, 10, 0, SL_FLOW_TCP_COMPACT);
    struct flow_spec spec = udp_spec(1);
    struct sl_flow flow = see(table, &spec);
    assert_ok(sl_flow_set_timeout(table, flow.handle, 100000));
    wait(table, 99000);
    assert_int_equal(see(table, &spec).is_first, false);
    wait(table, 99000);
    assert_int_equal(live(table), 1);
    assert_ok(sl_flow_set_timeout(table, flow.handle, 0)); /* the table's own again */
    (void)see(table, &spec);
    wait(table, 31500);
    assert_int_equal(live(table), 0);
    flow = see(table, &spec);
    assert_ok(sl_flow_close(table, flow.handle));
    sl_flow_table_settle(table);
    assert_int_equal(ended_last, SL_FLOW_END_CLOSED);
    assert_int_equal(live(table), 0);
    assert_rc(sl_flow_close(table, flow.handle), SL_STALE);
    assert_true(sl_flow_hash(table, "a", 1) != sl_flow_hash(table, "b", 1));
    assert_true(sl_flow_now_ms(table) == now_ms);
    sl_flow_table_free(table);
}

/* ---- floods ---- */

static struct flow_spec tcp_spec(uint32_t i, uint8_t flags)
{
    struct flow_spec spec = udp_spec(i);
    spec.proto = 6;
    spec.flags = flags;
    spec.seq = flags == FLOW_SYN ? 1000 : 1001;
    spec.ack = flags == FLOW_SYN ? 0 : 5001;
    return spec;
}

static void establish(struct sl_flow_table *table, uint32_t i)
{
    struct flow_spec syn = tcp_spec(i, FLOW_SYN);
    struct flow_spec ack = tcp_spec(i, FLOW_ACK);
    struct flow_spec synack = flow_spec_turn(&syn);
    synack.flags = FLOW_SYN | FLOW_ACK;
    synack.seq = 5000;
    synack.ack = 1001;
    assert_int_equal(see(table, &syn).relation, SL_FLOW_NEW);
    assert_int_equal(see(table, &synack).relation, SL_FLOW_ESTABLISHED);
    assert_int_equal(see(table, &ack).tcp, SL_FLOW_TCP_ESTABLISHED);
}

static void test_table_a_flood_takes_no_memory_and_no_established_flow(void **state)
{
    (void)state;
    enum { FLOWS = 2000, ESTABLISHED = 1000, FLOOD = 50000 };
    for (uint32_t kind = 0; kind < 2; kind++) { /* SYNs; a scan of ports by UDP */
        struct sl_flow_table *table = create(&plain, FLOWS, 0, SL_FLOW_TCP_STRICT);
        size_t bytes = sl_flow_table_inside_bytes(table);
        for (uint32_t i = 0; i < ESTABLISHED; i++) {
            establish(table, i);
        }
        for (uint32_t i = 0; i < FLOOD; i++) {
            struct flow_spec spec = kind == 0 ? tcp_spec(100000 + i, FLOW_SYN) : udp_spec(100000);
            spec.dport = kind == 0 ? spec.dport : (uint16_t)(i + 1);
            struct sl_flow flow = see(table, &spec);
            assert_true(flow.relation == SL_FLOW_NEW || flow.relation == SL_FLOW_FULL);
            assert_true(live(table) <= FLOWS);
            if (i % 1000 == 0) {
                wait(table, 10);
            }
        }
        for (uint32_t i = 0; i < ESTABLISHED; i++) {
            struct flow_spec ack = tcp_spec(i, FLOW_ACK);
            assert_int_equal(see(table, &ack).relation, SL_FLOW_ESTABLISHED);
        }
        assert_true(sl_flow_table_inside_bytes(table) == bytes);
        wait(table, 121000);
        wait(table, 1000);
        assert_int_equal(live(table), ESTABLISHED);
        sl_flow_table_free(table);
    }
}

/* Somebody who knows how tables hash, but not the key, picks tuples that fall together under a key
 * of his own. */
static void test_table_chosen_collisions_fall_apart(void **state)
{
    (void)state;
    enum { FLOWS = 3000 };
    struct sl_flow_table *table = create(&plain, FLOWS, 0, SL_FLOW_TCP_COMPACT);
    struct sl_flow_hash_key guessed;
    assert_ok(sl_flow_hash_key_make(&guessed));
    uint32_t found = 0;
    for (uint32_t i = 0; found < FLOWS; i++) {
        struct sl_flow_tuple tuple = {
            .src = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i},
            .dst = {192, 0, 2, 1},
            .sport = (uint16_t)(1024 + i % 999),
            .dport = 53,
            .proto = 17,
            .ip_version = 4};
        if ((uint32_t)sl_flow_tuple_hash(&guessed, &tuple) >> 24 != 0) {
            continue;
        }
        struct flow_spec spec = udp_spec(i);
        assert_int_equal(see(table, &spec).relation, SL_FLOW_NEW); /* none is FULL */
        found++;
    }
    assert_int_equal(live(table), FLOWS);
    sl_flow_table_free(table);
}

static void test_table_a_day_passes(void **state)
{
    (void)state;
    struct sl_flow_table *table = create(&plain, 5000, 0, SL_FLOW_TCP_STRICT);
    for (uint32_t i = 0; i < 100; i++) {
        establish(table, i);
    }
    for (uint32_t minute = 0; minute < 24 * 60; minute++) {
        for (uint32_t i = 0; i < 40; i++) {
            struct flow_spec spec = udp_spec(1000 + minute * 40 + i);
            assert_int_equal(see(table, &spec).relation, SL_FLOW_NEW);
        }
        wait(table, 60000);
        assert_true(live(table) <= 100 + 40);
    }
    for (uint32_t i = 0; i < 100; i++) {
        struct flow_spec ack = tcp_spec(i, FLOW_ACK);
        assert_int_equal(see(table, &ack).relation, SL_FLOW_ESTABLISHED);
    }
    assert_int_equal(ended_count, 24 * 60 * 40);
    /* and a month at once: deadlines neither wrap nor are forgotten */
    wait(table, 31ull * 86400 * 1000);
    wait(table, 1000);
    assert_int_equal(live(table), 0);
    sl_flow_table_free(table);
}

/* ---- from table to table ---- */

static void test_table_flows_come_over_to_one_of_another_size(void **state)
{
    (void)state;
    enum { FLOWS = 500 };
    struct sl_flow_table *old = create(&rekeying, FLOWS, 0, SL_FLOW_TCP_COMPACT);
    struct sl_flow_table *table = create(&rekeying, 2 * FLOWS, 10, SL_FLOW_TCP_STRICT);
    for (uint32_t i = 0; i < 100; i++) {
        establish(old, i);
    }
    for (uint32_t i = 100; i < FLOWS; i++) {
        struct flow_spec spec = udp_spec(i);
        struct sl_flow flow = see(old, &spec);
        memcpy(flow.state, &i, sizeof(i)); /* the record stays where it is: all are inside */
    }
    assert_true(sl_flow_table_take_over(table, old));
    struct flow_spec spec = udp_spec(300);
    struct sl_flow flow = see(table, &spec); /* a flow that speaks comes at once */
    uint32_t value;
    memcpy(&value, flow.state, sizeof(value));
    assert_false(flow.is_first);
    assert_int_equal(value, 300);
    for (uint32_t i = 0; i < 30; i++) {
        sl_flow_table_advance(table, 64);
    }
    struct sl_flow_counters counters;
    sl_flow_table_counters(table, &counters);
    assert_int_equal(counters.moved, FLOWS);
    assert_int_equal(counters.flows, FLOWS);
    for (uint32_t i = 0; i < FLOWS; i++) {
        struct flow_spec again = i < 100 ? tcp_spec(i, FLOW_ACK) : udp_spec(i);
        flow = see(table, &again);
        assert_false(flow.is_first);
        assert_int_equal(flow.relation, i < 100 ? SL_FLOW_ESTABLISHED : SL_FLOW_NEW);
        memcpy(&value, flow.state, sizeof(value));
        assert_int_equal(value, i < 100 ? 0 : i);
    }
    assert_int_equal(ended_count, 0);
    wait(table, 31500); /* their timeouts came along */
    assert_int_equal(live(table), 100);
    sl_flow_table_free(table);
}

static void test_table_flows_that_cannot_come_are_counted(void **state)
{
    (void)state;
    struct sl_flow_table *old = create(&plain, 100, 0, SL_FLOW_TCP_COMPACT);
    struct sl_flow_table *small = create(&plain, 20, 0, SL_FLOW_TCP_COMPACT);
    static const struct sl_flow_spec newer = {.state_size = 16, .version = 2, .burst = no_burst};
    struct sl_flow_table *other = create(&newer, 100, 0, SL_FLOW_TCP_COMPACT);
    struct sl_flow_counters counters;
    for (uint32_t i = 0; i < 100; i++) {
        establish(old, i);
    }
    assert_false(sl_flow_table_take_over(other, old)); /* its bytes mean something else */
    sl_flow_table_counters(other, &counters);
    assert_int_equal(counters.not_moved, 100);
    assert_true(sl_flow_table_take_over(small, old));
    for (uint32_t i = 0; i < 30; i++) {
        sl_flow_table_advance(small, 64);
    }
    sl_flow_table_counters(small, &counters);
    assert_int_equal(counters.moved, 20);
    assert_int_equal(counters.not_moved, 80);
    assert_int_equal(ended_count, 80); /* the NF hears of each */
    sl_flow_table_free(small);
    sl_flow_table_free(other);
}

static void test_table_refuses_what_it_cannot_be(void **state)
{
    (void)state;
    static const struct sl_flow_spec fat = {.state_size = SL_FLOW_STATE_MAX + 1, .burst = no_burst};
    struct sl_flow_table_params params = {.spec = &fat};
    struct sl_flow_table *table = NULL;
    struct sl_err err = {0};
    sl_flow_options_default(&params.options);
    assert_rc(sl_flow_table_create(&params, &table, &err), SL_RANGE);
    assert_non_null(strstr(err.text, "193 bytes"));
    static uint8_t memory[4096] __attribute__((aligned(64)));
    struct sl_flow_spill spill;
    sl_flow_spill_init(&spill, memory, sizeof(memory));
    params = (struct sl_flow_table_params){.spec = &plain, .spill = &spill};
    sl_flow_options_default(&params.options);
    params.options.inside = 1000;
    assert_rc(sl_flow_table_create(&params, &table, &err), SL_NO_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_a_flow_costs_forty_bytes),
        cmocka_unit_test(test_table_timeouts_are_conntracks),
        cmocka_unit_test(test_table_udp_that_goes_on_is_a_stream),
        cmocka_unit_test(test_table_set_reply_each_answer),
        cmocka_unit_test(test_table_handles_of_flows_that_are_over_are_stale),
        cmocka_unit_test(test_table_timeout_of_the_nf_and_close),
        cmocka_unit_test(test_table_a_flood_takes_no_memory_and_no_established_flow),
        cmocka_unit_test(test_table_chosen_collisions_fall_apart),
        cmocka_unit_test(test_table_a_day_passes),
        cmocka_unit_test(test_table_flows_come_over_to_one_of_another_size),
        cmocka_unit_test(test_table_flows_that_cannot_come_are_counted),
        cmocka_unit_test(test_table_refuses_what_it_cannot_be),
    };
    return cmocka_run_group_tests_name("flow/table", tests, NULL, NULL);
}
