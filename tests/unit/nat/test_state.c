/* SPDX-License-Identifier: Apache-2.0 */
/* What a NAT has learned: saved and restored with its flows, held in blocks, and given back when
 * the host has damaged the flows that it was for. */
#include <inttypes.h>

#include "bed.h"
#include "flow/spill.h"
#include "nat/block_log.h"
#include "nat/nat.h"
#include "safelib/bytes.h"
#include "unit.h"

enum { LAN = SL_PORT_LAN, WAN = SL_PORT_WAN, ROOM = 1 << 18 };

#define INSIDE "inside: [10.0.0.0/8]\n"

static const struct flow_spec query = {
    .src = "10.0.0.1", .sport = 4000, .dst = "198.51.100.1", .dport = 53, .proto = 17};

static void save_and_restore(struct flow_rig *from, struct flow_rig *to, uint32_t *ret_restored)
{
    static uint8_t blocks[ROOM];
    struct sl_chain_cursor cursor = {0};
    struct sl_writer w;
    uint32_t flows = 0;
    sl_writer_init(&w, blocks, sizeof(blocks));
    while (!cursor.is_end) {
        uint32_t more = 0;
        assert_ok(sl_chain_save(from->chain, &cursor, 1000, &w, &more));
        flows += more;
    }
    assert_true(flows > 0);
    struct sl_flow_restored totals = {0};
    assert_ok(sl_chain_restore(to->chain, blocks, w.off, &totals));
    *ret_restored = (uint32_t)totals.flows;
}

/* The port, its filter and its direction are what they were; nobody else gets the port. */
static void test_mappings_come_back_with_their_flows(void **state)
{
    (void)state;
    static const char *const yamls[] = {
        INSIDE "outside: {addresses: [192.0.2.1]}\nport_preservation: false\n",
        INSIDE "outside: {addresses: [192.0.2.1]}\nport_preservation: false\n"
               "mapping: address_and_port_dependent\n",
        INSIDE "outside: {addresses: [192.0.2.1]}\n"
               "allocation: {method: port_block, block_size: 64}\n",
    };
    for (size_t i = 0; i < sizeof(yamls) / sizeof(yamls[0]); i++) {
        static struct flow_rig before;
        static struct flow_rig after;
        uint32_t restored;
        nat_bed_init(&before, yamls[i]);
        nat_bed_init(&after, yamls[i]);
        nat_bed_pass(&before, LAN, &query);
        uint16_t port = nat_bed_sport(&before);
        struct flow_spec answer = flow_spec_turn(&query);
        answer.dst = "192.0.2.1";
        answer.dport = port;
        save_and_restore(&before, &after, &restored);
        assert_int_equal(restored, 1);
        assert_int_equal(flow_rig_counter(&after, "mappings"), 1);
        nat_bed_pass(&after, WAN, &answer);
        assert_string_equal(nat_bed_destination(&after), "10.0.0.1:4000");
        nat_bed_pass(&after, LAN, &query);
        assert_int_equal(nat_bed_sport(&after), port);
        struct flow_spec stranger = answer;
        stranger.src = "198.51.100.2";
        assert_int_equal(flow_rig_send(&after, WAN, &stranger), SL_VERDICT_DROP);
        assert_int_equal(after.packet.rule, NAT_filtered);
        flow_rig_wait(&after, 310000);
        assert_int_equal(flow_rig_counter(&after, "mappings"), 0);
        assert_int_equal(flow_rig_counter(&after, "permissions"), 0);
        assert_int_equal(flow_rig_counter(&after, "outside.192.0.2.1.udp"), 0);
        flow_rig_done(&before);
        flow_rig_done(&after);
    }
}

/* A policy that has no place for them takes none back. */
static void test_mappings_of_another_pool_do_not_come_back(void **state)
{
    (void)state;
    static struct flow_rig before;
    static struct flow_rig after;
    uint32_t restored;
    nat_bed_init(&before, INSIDE "outside: {addresses: [192.0.2.1]}\n");
    nat_bed_init(&after, INSIDE "outside: {addresses: [192.0.2.2]}\n");
    nat_bed_pass(&before, LAN, &query);
    save_and_restore(&before, &after, &restored);
    assert_int_equal(restored, 0);
    assert_int_equal(flow_rig_counter(&after, "mappings"), 0);
    flow_rig_done(&before);
    flow_rig_done(&after);
}

static void test_blocks_are_a_subscribers_own_and_given_back(void **state)
{
    (void)state;
    static struct flow_rig rig;
    nat_bed_init(&rig, INSIDE "outside: {addresses: [192.0.2.1], ports: 1024-1279}\n"
                              "exhausted: drop\nfiltering: endpoint_independent\n"
                              "allocation: {method: port_block, block_size: 64, "
                              "blocks_per_subscriber: 2}\n");
    uint8_t owner[65536] = {0};
    for (uint32_t host = 1; host <= 3; host++) {
        for (uint16_t i = 0; i < 128 && (host < 3 || i == 0); i++) {
            char src[32];
            struct flow_spec spec = query;
            (void)snprintf(src, sizeof(src), "10.0.0.%u", host);
            spec.src = src;
            spec.sport = (uint16_t)(2000 + i);
            if (host == 3) {
                assert_int_equal(flow_rig_send(&rig, LAN, &spec), SL_VERDICT_DROP);
                assert_int_equal(rig.packet.rule, NAT_port_exhausted);
                continue;
            }
            nat_bed_pass(&rig, LAN, &spec);
            uint32_t block = (nat_bed_sport(&rig) - 1024u) / 64;
            assert_true(owner[block] == 0 || owner[block] == host);
            owner[block] = (uint8_t)host;
            if (i == 63) {
                assert_int_equal(flow_rig_counter(&rig, "blocks"), 2 * (host - 1) + 1);
            }
        }
    }
    assert_int_equal(flow_rig_counter(&rig, "blocks"), 4);
    assert_int_equal(flow_rig_counter(&rig, "subscribers"), 2);
    flow_rig_wait(&rig, 310000);
    assert_int_equal(flow_rig_counter(&rig, "blocks"), 0);
    assert_int_equal(flow_rig_counter(&rig, "blocks_given"), 4);
    assert_int_equal(flow_rig_counter(&rig, "subscribers"), 0);
    nat_bed_pass(&rig, LAN, &query);
    flow_rig_done(&rig);
}

/* Sends the first packet of many subscribers, or another one. */
static void send_many(struct flow_rig *rig, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        char src[32];
        struct flow_spec spec = query;
        (void)snprintf(src, sizeof(src), "10.%u.%u.1", i / 250, i % 250);
        spec.src = src;
        nat_bed_pass(rig, LAN, &spec);
    }
}

/* Flows whose records the host has damaged end without a word about what they held: ports, places
 * of subscribers and permissions come back with the sweep, and those of living flows stay. */
static void test_what_damaged_flows_held_comes_back(void **state)
{
    enum { MANY = 3000, LIVING = 100, OUTSIDE = 4096 * 256 };
    static const char yaml[] =
        INSIDE "outside: {addresses: [192.0.2.1]}\nfiltering: address_dependent\n"
               "timeouts: {udp: 120}\nlimits: {mappings: 4096, subscribers: 4096}\n";
    static _Alignas(64) uint8_t outside[OUTSIDE];
    static uint8_t policy[NAT_BED_POLICY_MAX];
    static uint8_t bundle[NAT_BED_POLICY_MAX];
    static struct flow_rig rig;
    struct sl_flow_spill spill;
    struct sl_err err = {0};
    (void)state;
    const struct sl_chain_place place = {.spill = &spill};
    const struct flow_rig_nf nf = {"nat44", policy, nat_bed_compile(yaml, policy, sizeof(policy)),
                                   "flows=4096 flows6=0 inside=1024"};
    uint32_t size = flow_bundle_write(1, &nf, 1, bundle, sizeof(bundle));
    sl_flow_spill_init(&spill, outside, sizeof(outside));
    assert_ok(sl_chain_create_at(bundle, size, &place, &rig.chain, &err));
    rig.now_ms = 1000000;
    sl_chain_set_now(rig.chain, rig.now_ms);
    send_many(&rig, 0, MANY);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), MANY);
    assert_int_equal(flow_rig_counter(&rig, "permissions"), MANY);
    for (size_t at = 0; at < sizeof(outside); at += 64) {
        outside[at + 5] ^= 1;
    }
    for (uint32_t waited_s = 0; waited_s < 600; waited_s += 50) {
        send_many(&rig, 0, LIVING);
        flow_rig_wait(&rig, 50000);
    }
    assert_true(flow_rig_counter(&rig, "flow table: ended_lost") > MANY / 2);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), LIVING);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), LIVING);
    assert_int_equal(flow_rig_counter(&rig, "subscribers"), LIVING);
    assert_int_equal(flow_rig_counter(&rig, "permissions"), LIVING);
    assert_int_equal(flow_rig_counter(&rig, "outside.192.0.2.1.udp"), LIVING);
    sl_chain_free(rig.chain);
}

/* Reads the whole log by as many calls as it takes. @return events */
static uint32_t log_read(struct flow_rig *rig, const char *nf, uint64_t from, char *out,
                         size_t size)
{
    uint32_t events = 0;
    uint64_t next = from;
    size_t used = 0;
    out[0] = '\0';
    while (true) {
        char command[64];
        char answer[512];
        (void)snprintf(command, sizeof(command), "blocks 0 %" PRIu64, next);
        assert_ok(sl_chain_command(rig->chain, nf, command, answer, sizeof(answer)));
        char *last = strstr(answer, "next ");
        assert_non_null(last);
        uint64_t now = strtoull(last + 5, NULL, 10);
        *last = '\0';
        size_t length = strlen(answer);
        assert_true(used + length < size);
        memcpy(out + used, answer, length + 1);
        used += length;
        if (now == next) {
            return events;
        }
        events += (uint32_t)(now - next);
        next = now;
    }
}

/* Who had a port at a time, from the log alone, is who sent from it. */
static void test_log_tells_who_had_a_port(void **state)
{
    (void)state;
    static struct flow_rig rig;
    static char log[1 << 16];
    const char *policy = INSIDE "outside: {addresses: [192.0.2.1], ports: 1024-2047}\n"
                                "allocation: {method: port_block, block_size: 64, "
                                "blocks_per_subscriber: 2}\n";
    nat_bed_init(&rig, policy);
    flow_rig_wait(&rig, 1000); /* the time of day becomes known */
    for (uint32_t round = 0; round < 3; round++) {
        uint16_t ports[8];
        uint64_t then_ms = rig.unix_ms;
        for (uint32_t host = 0; host < 8; host++) {
            char src[32];
            struct flow_spec spec = query;
            (void)snprintf(src, sizeof(src), "10.0.0.%u", (host + round) % 8 + 1);
            spec.src = src;
            nat_bed_pass(&rig, LAN, &spec);
            ports[host] = nat_bed_sport(&rig);
        }
        assert_true(log_read(&rig, "nat44", 0, log, sizeof(log)) > 0);
        for (uint32_t host = 0; host < 8; host++) {
            char want[32] = "nobody";
            char mine[32];
            unsigned long long number;
            unsigned long long seconds;
            unsigned millis;
            unsigned first;
            unsigned last;
            char what[8];
            char inside[32];
            (void)snprintf(mine, sizeof(mine), "10.0.0.%u", (host + round) % 8 + 1);
            for (const char *line = log; *line != '\0'; line = strchr(line, ';') + 2) {
                assert_int_equal(sscanf(line, "%llu %llu.%u %7s %31s 192.0.2.1 %u-%u", &number,
                                        &seconds, &millis, what, inside, &first, &last),
                                 7);
                if (seconds * 1000 + millis <= then_ms && ports[host] >= first &&
                    ports[host] <= last) {
                    (void)snprintf(want, sizeof(want), "%s", what[0] == 't' ? inside : "nobody");
                }
            }
            assert_string_equal(want, mine);
        }
        flow_rig_wait(&rig, 400000);
    }
    /* 3 rounds of 8 blocks, taken and given back; a reload keeps them */
    assert_int_equal(log_read(&rig, "nat44", 0, log, sizeof(log)), 48);
    nat_bed_reload(&rig, policy);
    assert_int_equal(log_read(&rig, "nat44", 40, log, sizeof(log)), 8);
    assert_int_equal(log_read(&rig, "nat44", 48, log, sizeof(log)), 0);
    char answer[256];
    assert_rc(sl_chain_command(rig.chain, "nat44", "blocks", answer, sizeof(answer)), SL_INVALID);
    assert_rc(sl_chain_command(rig.chain, "nat44", "blocks 1 0", answer, sizeof(answer)),
              SL_NOT_FOUND);
    flow_rig_done(&rig);
    nat_bed_init(&rig, INSIDE "outside: {addresses: [192.0.2.1]}\n");
    assert_rc(sl_chain_command(rig.chain, "nat44", "blocks 0 0", answer, sizeof(answer)),
              SL_NOT_FOUND);
    flow_rig_done(&rig);
}

/* The oldest events give way; the numbers say that they are gone. */
static void test_log_is_a_ring(void **state)
{
    (void)state;
    static struct nat_log log;
    char out[256];
    for (uint32_t i = 0; i < NAT_LOG_EVENTS + 10; i++) {
        const struct nat_log_event event = {.unix_ms = 1000 * i, .first = 1, .last = 2};
        nat_log_add(&log, &event);
    }
    nat_log_text(&log, 3, out, sizeof(out));
    assert_int_equal(strtoul(out, NULL, 10), 11); /* one place is kept free for the writer */
    nat_log_text(&log, NAT_LOG_EVENTS + 9, out, sizeof(out));
    assert_string_equal(out, "4105 4105.000 given 0:0:0:0:0:0:0:0 0.0.0.0 1-2; next 4106");
    nat_log_text(&log, NAT_LOG_EVENTS + 99, out, sizeof(out));
    assert_string_equal(out, "next 4195");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mappings_come_back_with_their_flows),
        cmocka_unit_test(test_mappings_of_another_pool_do_not_come_back),
        cmocka_unit_test(test_what_damaged_flows_held_comes_back),
        cmocka_unit_test(test_blocks_are_a_subscribers_own_and_given_back),
        cmocka_unit_test(test_log_tells_who_had_a_port),
        cmocka_unit_test(test_log_is_a_ring),
    };
    return cmocka_run_group_tests_name("nat/state", tests, NULL, NULL);
}
