/* SPDX-License-Identifier: Apache-2.0 */
/* A chain whose flows are mostly outside, and a host that damages them: each damaged flow is ended
 * and counted, its packets begin a new one, and all others go on. */
#include "no_burst.h"
#include "unit.h"

#include "flow/spill.h"
#include "flow/store.h"
#include "flow/table.h"
#include "rig.h"

enum { FLOWS = 6000, OUTSIDE = 8192 * 64 };

static _Alignas(64) uint8_t outside[OUTSIDE];
static struct sl_flow_spill spill;

static const uint8_t many[4] = {0, 1, 0, 0};

static struct flow_spec udp(uint32_t number)
{
    static char src[16];
    (void)snprintf(src, sizeof(src), "10.%u.%u.1", number / 250, number % 250);
    return (struct flow_spec){
        .src = src, .sport = 1000, .dst = "1.2.3.4", .dport = 53, .proto = 17};
}

static sl_rc chain_make(const char *options, struct sl_flow_spill *of, struct sl_chain **ret_chain,
                        struct sl_err *err)
{
    uint8_t bundle[512];
    const struct flow_rig_nf nf = {"example_flow", many, sizeof(many), options};
    uint32_t size = flow_bundle_write(1, &nf, 1, bundle, sizeof(bundle));
    const struct sl_chain_place place = {.spill = of};
    return sl_chain_create_at(bundle, size, &place, ret_chain, err);
}

static void begin(struct flow_rig *rig)
{
    struct sl_err err = {0};
    memset(rig, 0, sizeof(*rig));
    memset(outside, 0, sizeof(outside));
    sl_flow_spill_init(&spill, outside, sizeof(outside));
    rig->now_ms = 1000000;
    assert_ok(chain_make("flows=8000 flows6=0 inside=1024 udp=3600", &spill, &rig->chain, &err));
    sl_chain_set_now(rig->chain, rig->now_ms);
    for (uint32_t i = 0; i < FLOWS; i++) {
        struct flow_spec spec = udp(i);
        assert_int_equal(flow_rig_send(rig, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
    }
    assert_int_equal(flow_rig_counter(rig, "flow table: created"), FLOWS);
    assert_true(flow_rig_counter(rig, "flow table: writes") > FLOWS / 2);
}

static void send_all(struct flow_rig *rig)
{
    for (uint32_t i = 0; i < FLOWS; i++) {
        struct flow_spec spec = udp(i);
        assert_int_equal(flow_rig_send(rig, SL_PORT_LAN, &spec), SL_VERDICT_PASS);
    }
}

static void test_honest_host_all_flows_go_on(void **state)
{
    struct flow_rig rig;
    begin(&rig);
    send_all(&rig);
    assert_int_equal(flow_rig_counter(&rig, "flow table: created"), FLOWS);
    assert_int_equal(flow_rig_counter(&rig, "flow table: damaged"), 0);
    assert_true(flow_rig_counter(&rig, "flow table: fetches") > FLOWS / 2);
    flow_rig_done(&rig);
    assert_int_equal(sl_flow_spill_left(&spill), sizeof(outside)); /* given back */
}

static void test_damaged_flows_are_lost_and_counted(void **state)
{
    struct flow_rig rig;
    begin(&rig);
    for (size_t at = 0; at < sizeof(outside); at += (size_t)64 * 10) {
        outside[at + 5] ^= 1; /* a tenth of all slots */
    }
    send_all(&rig);
    uint64_t damaged = flow_rig_counter(&rig, "flow table: damaged");
    assert_in_range(damaged, FLOWS / 10 - 250, FLOWS / 10 + 10);
    assert_int_equal(flow_rig_counter(&rig, "flow table: ended_lost"), damaged);
    assert_int_equal(flow_rig_counter(&rig, "flow table: created"), FLOWS + damaged);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), FLOWS);
    send_all(&rig);
    assert_int_equal(flow_rig_counter(&rig, "flow table: created"), FLOWS + damaged);
    flow_rig_done(&rig);
}

static void test_all_gone_all_begin_anew(void **state)
{
    struct flow_rig rig;
    begin(&rig);
    memset(outside, 0, sizeof(outside));
    flow_rig_wait(&rig, 1000);
    send_all(&rig);
    uint64_t damaged = flow_rig_counter(&rig, "flow table: damaged");
    assert_in_range(damaged, FLOWS - 1100, FLOWS);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), FLOWS);
    flow_rig_wait(&rig, 3700000); /* all time out, none is stuck */
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 0);
    flow_rig_done(&rig);
}

/* All flows once, in their direction or turned around. @return how many are established */
static uint32_t see_all(struct sl_flow_table *table, bool is_turned)
{
    uint32_t established = 0;
    for (uint32_t i = 0; i < FLOWS; i++) {
        static uint8_t buffer[FLOW_RIG_ROOM];
        struct flow_spec spec = udp(i);
        struct sl_packet packet;
        struct sl_packet *list[1] = {&packet};
        struct sl_flow flow;
        spec = is_turned ? flow_spec_turn(&spec) : spec;
        flow_packet_make(&spec, SL_PORT_LAN, buffer, sizeof(buffer), &packet);
        assert_int_equal(sl_flow_table_begin(table, list, &flow, 1), 1);
        assert_int_equal(flow.direction, is_turned ? SL_FLOW_REPLY : SL_FLOW_ORIGINAL);
        packet.verdict = SL_VERDICT_PASS;
        sl_flow_table_end(table, list, &flow, 1);
        established += flow.relation == SL_FLOW_ESTABLISHED;
    }
    return established;
}

/* Packets that change nothing in a flow's record do not have it written; the reply that does, does:
 * it is remembered though the record was outside meanwhile. */
static void test_only_changed_flows_are_written_again(void **state)
{
    static const struct sl_flow_spec spec = {.version = 1, .burst = no_burst};
    struct sl_flow_table_params params = {.spec = &spec, .spill = &spill};
    struct sl_flow_table *table = NULL;
    struct sl_err err = {0};
    struct sl_flow_store_counters before;
    struct sl_flow_store_counters after;
    (void)state;
    sl_flow_spill_init(&spill, outside, sizeof(outside));
    sl_flow_options_default(&params.options);
    params.options.flows = 8000;
    params.options.flows6 = 0;
    params.options.inside = 1024;
    params.options.udp = params.options.udp_stream = 3600;
    assert_ok(sl_flow_table_create(&params, &table, &err));
    sl_flow_table_set_now(table, 1000000);
    assert_int_equal(see_all(table, false), 0);
    assert_int_equal(see_all(table, true), FLOWS);
    assert_int_equal(see_all(table, false), FLOWS);
    sl_flow_table_store_counters(table, &before);
    assert_true(before.writes > (uint64_t)2 * (FLOWS - 1024)); /* begun, and answered */
    assert_int_equal(see_all(table, false), FLOWS);
    assert_int_equal(see_all(table, true), FLOWS);
    sl_flow_table_store_counters(table, &after);
    assert_true(after.fetches > before.fetches + FLOWS);
    /* but for one that the index took for another at first */
    assert_in_range(after.writes, before.writes, before.writes + 100);
    sl_flow_table_free(table);
}

static void test_more_than_there_is_refused(void **state)
{
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    sl_flow_spill_init(&spill, outside, sizeof(outside));
    assert_rc(chain_make("flows=2000000 inside=1024", &spill, &chain, &err), SL_NO_SPACE);
    assert_non_null(strstr(err.text, "outside the enclave"));
    sl_flow_spill_init(&spill, NULL, 0); /* a host without --spill */
    assert_rc(chain_make("flows=8000 inside=1024", &spill, &chain, &err), SL_NO_SPACE);
    assert_null(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_host_all_flows_go_on),
        cmocka_unit_test(test_damaged_flows_are_lost_and_counted),
        cmocka_unit_test(test_all_gone_all_begin_anew),
        cmocka_unit_test(test_only_changed_flows_are_written_again),
        cmocka_unit_test(test_more_than_there_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
