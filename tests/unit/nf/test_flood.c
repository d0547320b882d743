/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of NFs as packaging/examples has them, under floods and over a day of virtual time: what
 * is established goes on, tables and heap stay as they are. */
#include "rig.h"
#include "unit.h"

#include <malloc.h>

#include "base/bytes.h"
#include "policy/kinds.h"

enum { ESTABLISHED = 200, FLOOD = 20000, FLOWS = 1000 };

#define TABLE "flows=1000 flows6=0"

struct bed {
    struct flow_rig rig;
    struct sl_policy policies[3];
    struct flow_rig_nf nfs[3];
};

static const uint8_t *policy_bytes(const struct sl_policy *policy, uint32_t *ret_size)
{
    char name[SL_NF_NAME_MAX];
    struct sl_reader r;
    sl_reader_init(&r, policy->bundle, policy->size);
    (void)sl_reader_bytes(&r, 16);
    sl_reader_string(&r, name, sizeof(name));
    *ret_size = sl_reader_be32(&r);
    const uint8_t *bytes = sl_reader_bytes(&r, *ret_size);
    assert_ok(sl_reader_end(&r));
    return bytes;
}

/* NAT, balancer and monitor: the firewall's rules need nft(8); its table is that of the others. */
static int setup(void **state)
{
    static const struct {
        const char *kind, *file, *nf;
    } parts[3] = {{"nat", "nat.yaml", "nat44"},
                  {"balancer", "balancer.yaml", "balancer"},
                  {"monitor", "monitor.conf", "flow_monitor"}};
    struct bed *bed = calloc(1, sizeof(*bed));
    const char *root = getenv("SL_SOURCE_ROOT");
    assert_non_null(bed);
    for (uint32_t i = 0; i < 3; i++) {
        char path[1024];
        struct sl_err err = {0};
        (void)snprintf(path, sizeof(path), "%s/packaging/examples/%s", root != NULL ? root : ".",
                       parts[i].file);
        if (sl_policy_compile(parts[i].kind, path, &bed->policies[i], &err) != SL_OK) {
            fail_msg("%s", err.text);
        }
        bed->nfs[i] = (struct flow_rig_nf){.name = parts[i].nf, .options = TABLE};
        bed->nfs[i].policy = policy_bytes(&bed->policies[i], &bed->nfs[i].size);
    }
    flow_rig_init_chain(&bed->rig, bed->nfs, 3);
    *state = bed;
    return 0;
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    flow_rig_done(&bed->rig);
    for (uint32_t i = 0; i < 3; i++) {
        sl_policy_done(&bed->policies[i]);
    }
    free(bed);
    return 0;
}

static uint64_t counter_of(const struct bed *bed, uint32_t nf, const char *name)
{
    for (uint32_t i = 0; i < sl_chain_nf_counter_count(bed->rig.chain, nf); i++) {
        struct sl_nf_counter counter;
        sl_chain_nf_counter_get(bed->rig.chain, nf, i, &counter);
        if (strcmp(counter.name, name) == 0) {
            return counter.value;
        }
    }
    fail_msg("no counter \"%s\"", name);
    return 0;
}

static size_t heap_now(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Connection `i` of an office, as it goes out. */
static struct flow_spec out_spec(uint32_t i, uint8_t flags)
{
    static char src[ESTABLISHED][16];
    uint32_t at = i % ESTABLISHED;
    (void)snprintf(src[at], sizeof(src[at]), "10.0.0.%u", 1 + at);
    return (struct flow_spec){.src = src[at],
                              .dst = "192.0.2.1",
                              .sport = (uint16_t)(2000 + i),
                              .dport = 443,
                              .proto = 6,
                              .flags = flags,
                              .seq = flags == FLOW_SYN ? 1000 : 1001,
                              .ack = flags == FLOW_SYN ? 0 : 5001};
}

/* Where the NAT and the balancer have put a packet that just went out: what answers it. */
static struct flow_spec answer_of(const struct flow_rig *rig, char *dst, uint8_t flags)
{
    const uint8_t *a = rig->packet.dst;
    const uint8_t *s = rig->packet.src;
    static char from[16];
    (void)snprintf(dst, 16, "%u.%u.%u.%u", s[0], s[1], s[2], s[3]);
    (void)snprintf(from, sizeof(from), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
    return (struct flow_spec){.src = from,
                              .dst = dst,
                              .sport = rig->packet.dport,
                              .dport = rig->packet.sport,
                              .proto = 6,
                              .flags = flags,
                              .seq = 5000,
                              .ack = 1001};
}

static void establish_all(struct bed *bed)
{
    for (uint32_t i = 0; i < ESTABLISHED; i++) {
        char dst[16];
        struct flow_spec syn = out_spec(i, FLOW_SYN);
        struct flow_spec ack = out_spec(i, FLOW_ACK);
        assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_LAN, &syn), SL_VERDICT_PASS);
        struct flow_spec synack = answer_of(&bed->rig, dst, FLOW_SYN | FLOW_ACK);
        assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_WAN, &synack), SL_VERDICT_PASS);
        assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_LAN, &ack), SL_VERDICT_PASS);
    }
}

/* All established connections still pass, both ways, under the same outside endpoint. */
static void assert_established(struct bed *bed)
{
    for (uint32_t i = 0; i < ESTABLISHED; i++) {
        char dst[16];
        struct flow_spec ack = out_spec(i, FLOW_ACK);
        assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_LAN, &ack), SL_VERDICT_PASS);
        struct flow_spec back = answer_of(&bed->rig, dst, FLOW_ACK);
        back.seq = 5001;
        assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_WAN, &back), SL_VERDICT_PASS);
        assert_int_equal(sl_be32_get(bed->rig.packet.dst), 0x0a000001u + i % ESTABLISHED);
    }
}

static void assert_bounded(const struct bed *bed, size_t heap)
{
    for (uint32_t nf = 0; nf < 3; nf++) {
        assert_true(counter_of(bed, nf, "flow table: flows") <= FLOWS);
    }
    assert_true(heap_now() <= heap);
}

static const struct flow_spec *flood_packet(uint32_t kind, uint32_t i)
{
    static struct flow_spec spec;
    static char src[16];
    (void)snprintf(src, sizeof(src), "203.%u.%u.%u", 1 + (i >> 16 & 63), i >> 8 & 255, i & 255);
    spec = (struct flow_spec){.src = src,
                              .dst = "198.51.100.80",
                              .sport = (uint16_t)(1024 + i % 60000),
                              .dport = 80,
                              .proto = 6,
                              .flags = FLOW_SYN,
                              .seq = i};
    if (kind == 1) { /* a scan of an outside address's ports */
        spec.src = "203.0.113.9";
        spec.dst = "198.51.100.1";
        spec.dport = (uint16_t)(i + 1);
    } else if (kind == 2) { /* an office machine that has gone wild */
        spec.src = "10.0.0.250";
        spec.dst = "192.0.2.9";
        spec.dport = (uint16_t)(i + 1);
        spec.proto = 17;
    }
    return &spec;
}

static void test_floods_take_no_memory_and_no_established_connection(void **state)
{
    struct bed *bed = *state;
    establish_all(bed);
    size_t heap = heap_now();
    for (uint32_t kind = 0; kind < 3; kind++) {
        for (uint32_t i = 0; i < FLOOD; i++) {
            (void)flow_rig_send(&bed->rig, kind == 2 ? SL_PORT_LAN : SL_PORT_WAN,
                                flood_packet(kind, i));
            if (i % 1000 == 0) {
                flow_rig_wait(&bed->rig, 100);
                assert_established(bed);
            }
        }
        assert_bounded(bed, heap);
        assert_established(bed);
    }
    /* what the floods left behind ends by itself; a new connection finds room */
    flow_rig_wait(&bed->rig, 400000);
    assert_established(bed);
    struct flow_spec fresh = out_spec(ESTABLISHED + 7, FLOW_SYN);
    assert_int_equal(flow_rig_send(&bed->rig, SL_PORT_LAN, &fresh), SL_VERDICT_PASS);
    assert_bounded(bed, heap);
}

/* Connections that are opened and then say one byte now and then never take an established one's
 * place. */
static void test_slow_connections_are_bounded(void **state)
{
    struct bed *bed = *state;
    establish_all(bed);
    size_t heap = heap_now();
    for (uint32_t i = 0; i < 4 * FLOWS; i++) {
        struct flow_spec slow = *flood_packet(0, i);
        (void)flow_rig_send(&bed->rig, SL_PORT_WAN, &slow);
        slow.flags = FLOW_ACK | FLOW_PSH;
        slow.payload = 1;
        (void)flow_rig_send(&bed->rig, SL_PORT_WAN, &slow);
        if (i % 500 == 0) {
            flow_rig_wait(&bed->rig, 5000);
        }
    }
    assert_bounded(bed, heap);
    assert_established(bed);
}

static void test_a_day_passes(void **state)
{
    struct bed *bed = *state;
    establish_all(bed);
    size_t heap = heap_now();
    for (uint32_t hour = 0; hour < 24; hour++) {
        for (uint32_t i = 0; i < 200; i++) {
            (void)flow_rig_send(&bed->rig, SL_PORT_WAN, flood_packet(hour % 2, hour * 200 + i));
        }
        flow_rig_wait(&bed->rig, 3600000);
        assert_established(bed);
        assert_bounded(bed, heap);
        assert_int_equal(counter_of(bed, 0, "flow table: flows"), ESTABLISHED);
    }
}

/* One NF's policy changes: what it and the others know stays. */
static void test_reload_of_one_nf_keeps_the_state_of_all(void **state)
{
    struct bed *bed = *state;
    establish_all(bed);
    uint64_t created[3];
    for (uint32_t nf = 0; nf < 3; nf++) {
        created[nf] = counter_of(bed, nf, "flow table: created");
    }
    static const char *const other_tables[3] = {"flows=2000 flows6=0", TABLE, TABLE " udp=60"};
    for (uint32_t nf = 0; nf < 3; nf++) {
        bed->nfs[nf].options = other_tables[nf];
        flow_rig_reload(&bed->rig, bed->nfs, 3);
        assert_established(bed);
        assert_int_equal(counter_of(bed, 1, "flow table: created"), created[1]);
        assert_int_equal(counter_of(bed, 2, "flow table: created"), created[2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_floods_take_no_memory_and_no_established_connection,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_connections_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_day_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reload_of_one_nf_keeps_the_state_of_all, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
