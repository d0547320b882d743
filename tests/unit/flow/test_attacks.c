/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks in the same bursts as established connections: these lose no packet and no entry, and
 * memory stays as it is. What they cost in time is measured by bench/flow/attacks.py. */
#include "rig.h"
#include "unit.h"

#include <arpa/inet.h>
#include <malloc.h>

#include "base/bytes.h"
#include "cuts.h"
#include "flow/fragments.h"
#include "flow/hash.h"
#include "flow/tuple.h"

enum { ESTABLISHED = 1000, SPARE = 64, BURSTS = 400, HALF = SL_BURST_MAX / 2, ROOM = 256 };

struct bed {
    struct flow_rig rig;
    struct sl_flow_hash_key guessed;
    uint32_t seq[ESTABLISHED + SPARE];
    uint32_t next; /* of the attack's packets */
    uint32_t at;   /* of the connections */
    size_t heap;
};

static size_t heap_now(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* ---- connections ---- */

static const char *address(uint32_t host, char *text)
{
    (void)snprintf(text, INET_ADDRSTRLEN, "%u.%u.%u.%u", host >> 24, host >> 16 & 255,
                   host >> 8 & 255, host & 255);
    return text;
}

static struct flow_spec connection(uint32_t i, uint8_t flags, uint32_t seq, uint32_t ack)
{
    static char src[INET_ADDRSTRLEN];
    return (struct flow_spec){.src = address(0x0a000000u + i / 50, src),
                              .dst = "192.0.2.1",
                              .sport = (uint16_t)(2000 + i % 50),
                              .dport = 80,
                              .proto = 6,
                              .flags = flags,
                              .seq = seq,
                              .ack = ack};
}

static void establish(struct bed *bed, uint32_t i)
{
    struct flow_spec syn = connection(i, FLOW_SYN, 1000, 0);
    struct flow_spec turned = flow_spec_turn(&syn);
    struct flow_spec ack = connection(i, FLOW_ACK, 1001, 5001);
    turned.flags = FLOW_SYN | FLOW_ACK;
    turned.seq = 5000;
    turned.ack = 1001;
    assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_LAN, &syn), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_WAN, &turned), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_LAN, &ack), SL_VERDICT_PASS);
    bed->seq[i] = 1001;
}

/* A packet each way, at any time of the day. */
static void exchange(struct bed *bed, uint32_t i)
{
    struct flow_spec data = connection(i, FLOW_ACK | FLOW_PSH, bed->seq[i], 5001);
    struct flow_spec turned = flow_spec_turn(&data);
    data.payload = 10;
    bed->seq[i] += 10;
    turned.flags = FLOW_ACK;
    turned.seq = 5001;
    turned.ack = bed->seq[i];
    assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_LAN, &data), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_WAN, &turned), SL_VERDICT_PASS);
}

static struct flow_spec data_of(struct bed *bed, uint32_t i)
{
    struct flow_spec data = connection(i, FLOW_ACK | FLOW_PSH, bed->seq[i], 5001);
    data.payload = 10;
    bed->seq[i] += 10;
    return data;
}

static int setup(void **state)
{
    static const uint8_t most[4] = {0xff, 0xff, 0xff, 0xff};
    struct bed *bed = calloc(1, sizeof(*bed));
    assert_non_null(bed);
    assert_ok(sl_flow_hash_key_make(&bed->guessed));
    /* room for the connections and a few strangers */
    flow_rig_init(&bed->rig, "example_flow", most, sizeof(most), "flows=1064 flows6=0 tcp_mode=2");
    for (uint32_t i = 0; i < ESTABLISHED; i++) {
        establish(bed, i);
    }
    bed->heap = heap_now();
    *state = bed;
    return 0;
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    flow_rig_done(&bed->rig);
    free(bed);
    return 0;
}

static uint64_t counter(const struct bed *bed, const char *name)
{
    return flow_rig_counter(&bed->rig, name);
}

/* ---- attacks ---- */

typedef struct flow_spec (*attack_fn)(struct bed *bed);

static struct flow_spec stranger(struct bed *bed, uint16_t dport)
{
    static char src[INET_ADDRSTRLEN];
    uint32_t i = bed->next++;
    return (struct flow_spec){.src = address(0xcb000000u + i * 7919u % 0xffffffu, src),
                              .dst = "192.0.2.1",
                              .sport = (uint16_t)(1024 + i % 60000),
                              .dport = dport,
                              .proto = 6,
                              .flags = FLOW_SYN,
                              .seq = i};
}

static struct flow_spec syn_flood(struct bed *bed)
{
    return stranger(bed, 80);
}

static struct flow_spec udp_flood(struct bed *bed)
{
    struct flow_spec spec = stranger(bed, 53);
    spec.proto = 17;
    return spec;
}

static struct flow_spec port_scan(struct bed *bed)
{
    struct flow_spec spec = stranger(bed, (uint16_t)(bed->next % 65535 + 1));
    spec.src = "203.0.113.9";
    return spec;
}

/* ACKs of connections that nobody has, as scanners send them too. */
static struct flow_spec ack_scan(struct bed *bed)
{
    struct flow_spec spec = port_scan(bed);
    spec.flags = FLOW_RST;
    return spec;
}

/* Tuples that fall together under a key that is not the table's. */
static struct flow_spec collisions(struct bed *bed)
{
    for (;;) {
        struct flow_spec spec = stranger(bed, 80);
        struct sl_flow_tuple tuple = {
            .sport = spec.sport, .dport = spec.dport, .proto = 6, .ip_version = 4};
        assert_int_equal(inet_pton(AF_INET, spec.src, tuple.src), 1);
        assert_int_equal(inet_pton(AF_INET, spec.dst, tuple.dst), 1);
        if ((uint32_t)sl_flow_tuple_hash(&bed->guessed, &tuple) >> 26 == 0) {
            return spec;
        }
    }
}

/* One burst: every second packet is the attack's. @return how many of the attack's passed */
static uint32_t run_burst(struct bed *bed, attack_fn attack)
{
    static uint8_t buffers[SL_BURST_MAX][ROOM];
    struct sl_packet packets[SL_BURST_MAX];
    struct sl_packet *list[SL_BURST_MAX];
    uint32_t passed = 0;
    for (uint32_t i = 0; i < SL_BURST_MAX; i++) {
        struct flow_spec spec = i % 2 == 0 ? data_of(bed, bed->at++ % ESTABLISHED) : attack(bed);
        flow_packet_make(&spec, i % 2 == 0 ? SL_PORT_LAN : SL_PORT_WAN, buffers[i], ROOM,
                         &packets[i]);
        list[i] = &packets[i];
    }
    flow_rig_burst(&bed->rig, list, SL_BURST_MAX);
    for (uint32_t i = 0; i < SL_BURST_MAX; i++) {
        if (i % 2 == 0) {
            assert_int_equal(packets[i].verdict, SL_VERDICT_PASS);
        } else {
            passed += packets[i].verdict == SL_VERDICT_PASS;
        }
    }
    return passed;
}

static void run_attack(struct bed *bed, attack_fn attack, bool makes_flows)
{
    enum { AT_MOST = 8 }; /* of a burst give way, docs/adr/0030-flow-tables.md */
    uint64_t created = counter(bed, "flow table: created");
    uint32_t passed = 0;
    for (uint32_t burst = 0; burst < BURSTS; burst++) {
        uint64_t before = counter(bed, "flow table: ended_evicted");
        passed += run_burst(bed, attack);
        assert_true(counter(bed, "flow table: flows") <= ESTABLISHED + SPARE);
        assert_true(counter(bed, "flow table: ended_evicted") - before <= AT_MOST);
        if (burst % 50 == 0) {
            flow_rig_wait(&bed->rig, 100);
        }
    }
    assert_int_equal(heap_now(), bed->heap);
    /* strangers change places among themselves */
    assert_int_equal(counter(bed, "flow table: created") - created, makes_flows ? passed : 0);
    assert_true(makes_flows ? passed > BURSTS : passed == 0);
}

static void test_attacks_take_nothing_from_connections(void **state)
{
    static const struct {
        attack_fn attack;
        bool makes_flows;
    } attacks[] = {{syn_flood, true},
                   {udp_flood, true},
                   {port_scan, true},
                   {ack_scan, false},
                   {collisions, true}};
    struct bed *bed = *state;
    for (uint32_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        run_attack(bed, attacks[i].attack, attacks[i].makes_flows);
    }
    /* the table is full of strangers: a new connection finds room, and keeps it once answered */
    establish(bed, ESTABLISHED);
    (void)run_burst(bed, syn_flood);
    exchange(bed, ESTABLISHED);
    /* and strangers are gone when their time is over */
    flow_rig_wait(&bed->rig, 200000);
    assert_int_equal(counter(bed, "flow table: flows"), ESTABLISHED + 1);
    assert_int_equal(counter(bed, "flow table: ended_closed"), 0);
}

/* No room at all but for the connections: strangers are refused, whatever they do. */
static void test_attacks_on_a_table_full_of_connections(void **state)
{
    struct bed *bed = *state;
    for (uint32_t i = ESTABLISHED; i < ESTABLISHED + SPARE; i++) {
        establish(bed, i);
    }
    for (uint32_t burst = 0; burst < BURSTS; burst++) {
        assert_int_equal(run_burst(bed, burst % 2 == 0 ? syn_flood : udp_flood), 0);
    }
    assert_int_equal(counter(bed, "flow table: flows"), ESTABLISHED + SPARE);
    assert_int_equal(counter(bed, "flow table: ended_evicted"), 0);
    assert_int_equal(counter(bed, "flow table: full"), BURSTS * HALF);
    assert_int_equal(heap_now(), bed->heap);
}

/* ---- fragments ---- */

/* Fragment `i` of a flood: a first one alone; 8 bytes after 8 bytes; pairs that overlap. */
static void flood_fragment(struct sl_fragments *pool, uint32_t kind, uint32_t i)
{
    static const uint8_t zeros[2048];
    static struct cut cut;
    const uint32_t count[3] = {1, 128, 2};
    uint32_t begin = i % count[kind] * 8;
    assert_ok(cut_make(&cut, i % 3 == 0 && kind == 0, i / count[kind], 17, zeros, begin,
                       begin + (kind == 1 ? 8 : 48), true));
    sl_be32_put(cut.data + (cut.packet.ip_version == 4 ? 12 : 20),
                0xcb000000u + i / count[kind] * 7919u);
    (void)!sl_fragments_add(pool, &cut.packet, 7);
}

static void test_fragment_floods_are_bounded_and_over_in_time(void **state)
{
    enum { FLOOD = 20000, SIZE = 1333 };
    static uint8_t payload[SIZE];
    static struct cut cut;
    static uint8_t out[4096];
    const struct sl_fragments_limits limits = sl_fragments_limits_default();
    struct sl_fragments *pool = NULL;
    struct sl_fragments_counters counters;
    (void)state;
    assert_ok(sl_fragments_create(&limits, &pool));
    size_t heap = heap_now();
    cut_payload(payload, SIZE, false, 17);
    for (uint32_t kind = 0; kind < 3; kind++) {
        for (uint32_t i = 0; i < FLOOD; i++) {
            sl_fragments_set_now(pool, (kind * FLOOD + i) / 100);
            flood_fragment(pool, kind, i);
            if (i % 500 != 0) {
                continue;
            }
            /* somebody's datagram in two parts gets through, with much between the parts */
            struct sl_packet packet;
            uint32_t tag = 0;
            assert_ok(cut_make(&cut, false, 0x20000 + i, 17, payload, 0, 800, true));
            assert_ok(sl_fragments_add(pool, &cut.packet, 7));
            for (uint32_t more = 0; more < 100; more++) {
                flood_fragment(pool, kind, ++i);
            }
            assert_ok(cut_make(&cut, false, 0x20000 + i - 100, 17, payload, 800, SIZE, false));
            assert_ok(sl_fragments_add(pool, &cut.packet, 7));
            assert_ok(sl_fragments_take(pool, out, sizeof(out), &packet, &tag));
            assert_ok(sl_fragments_take(pool, out, sizeof(out), &packet, &tag));
        }
        sl_fragments_counters(pool, &counters);
        assert_true(counters.held <= limits.blocks);
    }
    assert_int_equal(heap_now(), heap);
    assert_true(counters.evicted > 0 && counters.overlap > 0);
    sl_fragments_set_now(pool, 1000000);
    sl_fragments_counters(pool, &counters);
    assert_int_equal(counters.held, 0);
    assert_false(sl_fragments_is_ready(pool));
    sl_fragments_free(pool);
}

/* ---- slow ---- */

/* Strangers who say one packet just before each timeout, for a day: unanswered ones give way as
 * ever; answered ones hold what the table had to spare, no more, and no longer than they speak. */
static void test_trickling_flows_exhaust_nothing(void **state)
{
    enum { SLOW = 2 * SPARE, ROUNDS = 24 * 3600 / 115 };
    struct bed *bed = *state;
    uint32_t refused = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        bed->next = 0;
        for (uint32_t i = 0; i < (round < 2 ? SPARE : SLOW); i++) { /* the first ones stay */
            struct flow_spec slow = udp_flood(bed);
            struct flow_spec answer = flow_spec_turn(&slow);
            if (flow_rig_send(&bed->rig, SL_PORT_WAN, &slow) != SL_VERDICT_PASS) {
                refused++;
                continue;
            }
            (void)flow_rig_send(&bed->rig, SL_PORT_LAN, &answer);
        }
        flow_rig_wait(&bed->rig, round % 8 == 0 ? 25000 : 115000); /* streams last for 120 s */
        exchange(bed, round % ESTABLISHED);
        assert_true(counter(bed, "flow table: flows") <= ESTABLISHED + SPARE);
    }
    assert_true(refused > 0);
    assert_int_equal(heap_now(), bed->heap);
    for (uint32_t i = 0; i < ESTABLISHED; i++) {
        exchange(bed, i);
    }
    flow_rig_wait(&bed->rig, 125000); /* they fall silent */
    assert_int_equal(counter(bed, "flow table: flows"), ESTABLISHED);
    establish(bed, 0); /* and whoever comes finds room */
}

/* Half-open connections whose SYN is repeated before it times out. */
static void test_trickling_syns_give_way(void **state)
{
    enum { ROUNDS = 24 * 3600 / 110 };
    struct bed *bed = *state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        bed->next = 0;
        for (uint32_t i = 0; i < SPARE; i++) {
            struct flow_spec slow = syn_flood(bed);
            (void)flow_rig_send(&bed->rig, SL_PORT_WAN, &slow);
        }
        /* the table is full of them: another one gets its place all the same */
        struct flow_spec fresh = connection(ESTABLISHED + round, FLOW_SYN, 1, 0);
        assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_LAN, &fresh), SL_VERDICT_PASS);
        flow_rig_wait(&bed->rig, 110000);
        exchange(bed, round % ESTABLISHED);
    }
    assert_int_equal(heap_now(), bed->heap);
    flow_rig_wait(&bed->rig, 125000);
    assert_int_equal(counter(bed, "flow table: flows"), ESTABLISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_attacks_take_nothing_from_connections, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_attacks_on_a_table_full_of_connections, setup,
                                        teardown),
        cmocka_unit_test(test_fragment_floods_are_bounded_and_over_in_time),
        cmocka_unit_test_setup_teardown(test_trickling_flows_exhaust_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trickling_syns_give_way, setup, teardown),
    };
    return cmocka_run_group_tests_name("flow/attacks", tests, NULL, NULL);
}
