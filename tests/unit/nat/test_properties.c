/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold whatever comes: random traffic of many hosts, both ways, over every allocation and
 * several numbers of shards. */
#include "bed.h"
#include "nat/nat.h"
#include "safelib/bytes.h"
#include "unit.h"

enum { LAN = SL_PORT_LAN, WAN = SL_PORT_WAN, ENDPOINTS = 4096, SHARDS_MAX = 16 };

/* What an inside endpoint got, and who an outside endpoint is. */
struct known {
    uint32_t inside, outside;
    uint16_t inside_port, outside_port;
    uint8_t proto;
};

struct world {
    struct sl_chain *gateway;
    struct sl_chain *chains[SHARDS_MAX];
    uint32_t shards;
    uint64_t now_ms;
    struct known known[ENDPOINTS];
    uint32_t known_count;
    uint64_t random;
};

static uint32_t next(struct world *world, uint32_t below)
{
    world->random = world->random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(world->random >> 33) % below;
}

/* As a gateway has it: the image's key and bundle, no tables. */
static void gateway_init(struct world *world, const uint8_t *bundle, uint32_t size)
{
    const struct sl_chain_place place = {.shard_count = world->shards, .is_steering_only = true};
    uint8_t key[SL_CHAIN_STEER_KEY_SIZE];
    assert_ok(sl_chain_create_at(bundle, size, &place, &world->gateway, NULL));
    sl_chain_steer_key_get(world->chains[0], key);
    sl_chain_steer_key_set(world->gateway, key);
}

static void world_init(struct world *world, const char *yaml, uint32_t shards)
{
    static uint8_t policy[NAT_BED_POLICY_MAX];
    static uint8_t bundle[NAT_BED_POLICY_MAX];
    const struct flow_rig_nf nf = {.name = nat_bed_nf(yaml),
                                   .policy = policy,
                                   .size = nat_bed_compile(yaml, policy, sizeof(policy)),
                                   .options = "flows=20000 flows6=20000"};
    uint32_t size = flow_bundle_write(1, &nf, 1, bundle, sizeof(bundle));
    memset(world, 0, sizeof(*world));
    world->shards = shards;
    world->now_ms = 1000000;
    world->random = shards;
    for (uint32_t i = 0; i < shards; i++) {
        const struct sl_chain_place place = {.first = i > 0 ? world->chains[0] : NULL,
                                             .keys_of = i > 0 ? world->chains[0] : NULL,
                                             .shard = i,
                                             .shard_count = shards};
        struct sl_err err = {0};
        if (sl_chain_create_at(bundle, size, &place, &world->chains[i], &err) != SL_OK) {
            fail_msg("%s", err.text);
        }
        sl_chain_set_now(world->chains[i], world->now_ms);
    }
    gateway_init(world, bundle, size);
}

static void world_done(struct world *world)
{
    sl_chain_free(world->gateway);
    for (uint32_t i = 0; i < world->shards; i++) {
        sl_chain_free(world->chains[i]);
    }
}

/* Runs a packet on the shard that any shard says it belongs to; goes on where it is turned. */
static uint32_t run(struct world *world, struct sl_packet *packet)
{
    struct sl_packet *list[1] = {packet};
    uint32_t asked = next(world, world->shards);
    uint32_t shard = sl_chain_steer(world->chains[asked], packet);
    assert_int_equal(sl_chain_steer(world->gateway, packet), shard);
    shard = shard == SL_STEER_ANY ? 0 : shard;
    assert_true(shard < world->shards);
    sl_chain_run(world->chains[shard], list, 1);
    if (packet->verdict == SL_VERDICT_TURN) {
        uint32_t other = sl_chain_steer(world->chains[asked], packet);
        assert_int_not_equal(other, shard);
        sl_chain_resume(world->chains[other], list, 1);
    }
    assert_int_not_equal(packet->verdict, SL_VERDICT_TURN);
    return shard;
}

/* A bijection: every endpoint has one partner, for ever (endpoint-independent mapping). */
static void note(struct world *world, const struct known *seen)
{
    for (uint32_t i = 0; i < world->known_count; i++) {
        const struct known *k = &world->known[i];
        bool is_inside = k->inside == seen->inside && k->inside_port == seen->inside_port;
        bool is_outside = k->outside == seen->outside && k->outside_port == seen->outside_port;
        if (k->proto == seen->proto) {
            assert_int_equal(is_inside, is_outside);
            if (is_inside) {
                return;
            }
        }
    }
    assert_true(world->known_count < ENDPOINTS);
    world->known[world->known_count++] = *seen;
}

static void text4(char *out, uint32_t addr)
{
    (void)snprintf(out, 20, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255,
                   addr & 255);
}

static uint16_t l4_port(const struct sl_packet *packet, uint32_t off)
{
    return sl_be16_get(packet->data + packet->l4_off + (packet->proto == 1 ? 4 : off));
}

/* A packet of a random host goes out, its answer comes back, on one shard. */
static void exchange(struct world *world, uint32_t hosts)
{
    static const uint8_t protos[3] = {6, 17, 1};
    char src[20];
    char dst[20];
    uint8_t buffer[256];
    struct sl_packet packet;
    struct known seen = {.inside = 0x0a000001 + next(world, hosts),
                         .inside_port = (uint16_t)(1 + next(world, 12) * 5000),
                         .proto = protos[next(world, 3)]};
    uint32_t remote = 0xc6336401 + next(world, 4);
    text4(src, seen.inside);
    text4(dst, remote);
    struct flow_spec out = {.src = src,
                            .sport = seen.inside_port,
                            .dst = dst,
                            .dport = (uint16_t)(80 + next(world, 3)),
                            .proto = seen.proto,
                            .flags = FLOW_SYN,
                            .seq = 5,
                            .icmp_type = 8,
                            .payload = next(world, 60)};
    flow_packet_make(&out, LAN, buffer, sizeof(buffer), &packet);
    uint32_t shard = run(world, &packet);
    if (packet.verdict != SL_VERDICT_PASS) {
        fail_msg("reason %u", packet.rule);
    }
    assert_true(flow_packet_is_sound(&packet));
    seen.outside = sl_be32_get(packet.data + 12);
    seen.outside_port = l4_port(&packet, 0);
    assert_int_equal(sl_be32_get(packet.data + 16), remote);
    note(world, &seen);
    struct flow_spec in = flow_spec_turn(&out);
    text4(src, seen.outside);
    in.dst = src;
    in.src = dst;
    in.sport = seen.proto == 1 ? seen.outside_port : in.sport;
    in.dport = seen.outside_port;
    in.flags = FLOW_SYN | FLOW_ACK;
    in.ack = 6;
    flow_packet_make(&in, WAN, buffer, sizeof(buffer), &packet);
    assert_int_equal(run(world, &packet), shard);
    if (packet.verdict != SL_VERDICT_PASS) {
        fail_msg("answer: reason %u", packet.rule);
    }
    assert_true(flow_packet_is_sound(&packet));
    assert_int_equal(sl_be32_get(packet.data + 16), seen.inside);
    assert_int_equal(l4_port(&packet, 2), seen.inside_port);
}

static void test_every_endpoint_has_one_partner_on_any_number_of_shards(void **state)
{
    (void)state;
    static const char *const policies[] = {
        "inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.0/29]}\n",
        "inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.0/29]}\nport_preservation: false\n"
        "pooling: arbitrary\n",
        "inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.0/29]}\n"
        "allocation: {method: port_block, block_size: 64, blocks_per_subscriber: 4}\n",
        "inside: [10.0.0.0/24]\noutside: {addresses: [192.0.2.0/29]}\n"
        "allocation: {method: deterministic, block_size: 1024}\n",
        "inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.0/29]}\n"
        "forwards: [{protocol: udp, outside: \"192.0.2.3:5001\", inside: \"10.0.0.3:10001\"},\n"
        "  {outside: 203.0.113.9, inside: 10.0.0.4}]\n",
    };
    static const uint32_t shards[] = {1, 2, 3, 16};
    static struct world world;
    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        for (size_t s = 0; s < 4; s++) {
            world_init(&world, policies[p], shards[s]);
            for (int i = 0; i < 1500; i++) {
                exchange(&world, 30);
            }
            world_done(&world);
        }
    }
}

/* Hairpinning between hosts of different shards. */
static void test_hairpins_cross_shards(void **state)
{
    (void)state;
    static struct world world;
    static const uint32_t shards[] = {1, 2, 3, 16};
    for (size_t s = 0; s < 4; s++) {
        world_init(&world,
                   "inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.0/30]}\n"
                   "filtering: endpoint_independent\n",
                   shards[s]);
        for (uint32_t host = 2; host < 40; host++) {
            char src[20];
            char outside[20];
            uint8_t buffer[256];
            struct sl_packet packet;
            text4(src, 0x0a000000 + host);
            struct flow_spec server = {
                .src = src, .sport = 5000, .dst = "198.51.100.1", .dport = 80, .proto = 17};
            flow_packet_make(&server, LAN, buffer, sizeof(buffer), &packet);
            (void)run(&world, &packet);
            assert_int_equal(packet.verdict, SL_VERDICT_PASS);
            text4(outside, sl_be32_get(packet.data + 12));
            struct flow_spec client = {.src = "10.0.0.1",
                                       .sport = 6000,
                                       .dst = outside,
                                       .dport = packet.sport,
                                       .proto = 17};
            flow_packet_make(&client, LAN, buffer, sizeof(buffer), &packet);
            (void)run(&world, &packet);
            assert_int_equal(packet.verdict, SL_VERDICT_PASS);
            assert_int_equal(packet.port_in, WAN);
            assert_int_equal(sl_be32_get(packet.data + 16), 0x0a000000 + host);
            assert_int_equal(packet.dport, 5000);
            assert_true(flow_packet_is_sound(&packet));
            char from[20];
            text4(from, sl_be32_get(packet.data + 12));
            struct flow_spec back = {
                .src = src, .sport = 5000, .dst = from, .dport = packet.sport, .proto = 17};
            flow_packet_make(&back, LAN, buffer, sizeof(buffer), &packet);
            (void)run(&world, &packet);
            assert_int_equal(packet.verdict, SL_VERDICT_PASS);
            assert_int_equal(sl_be32_get(packet.data + 16), 0x0a000001);
            assert_int_equal(packet.dport, 6000);
        }
        world_done(&world);
    }
}

/* Ports of an address that any shard may give, seen from all shards: each belongs to exactly one.
 */
static void test_ports_are_dealt_out_and_used_up_exactly(void **state)
{
    (void)state;
    static struct world world;
    static uint8_t seen[65536];
    static const uint32_t shards[] = {1, 2, 3, 16};
    for (size_t s = 0; s < 4; s++) {
        uint32_t given = 0;
        memset(seen, 0, sizeof(seen));
        world_init(&world,
                   "inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.1], ports: 1024-9215}\n"
                   "exhausted: drop\n",
                   shards[s]);
        for (uint32_t i = 0; i < 40000 && given < 8192; i++) {
            char src[20];
            uint8_t buffer[256];
            struct sl_packet packet;
            text4(src, 0x0a000000 + (i * 2654435761u >> 8));
            struct flow_spec out = {
                .src = src, .sport = 5000, .dst = "198.51.100.1", .dport = 80, .proto = 17};
            flow_packet_make(&out, LAN, buffer, sizeof(buffer), &packet);
            (void)run(&world, &packet);
            if (packet.verdict == SL_VERDICT_PASS) {
                assert_int_equal(seen[packet.sport], 0);
                seen[packet.sport] = 1;
                given++;
            } else {
                assert_int_equal(packet.rule, NAT_port_exhausted);
            }
        }
        assert_int_equal(given, 8192);
        world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_endpoint_has_one_partner_on_any_number_of_shards),
        cmocka_unit_test(test_hairpins_cross_shards),
        cmocka_unit_test(test_ports_are_dealt_out_and_used_up_exactly),
    };
    return cmocka_run_group_tests_name("nat/properties", tests, NULL, NULL);
}
