/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/bytes.h"
#include "nf/chain.h"
#include "reference.h"

static uint8_t bundle[4096];

/* A bundle of the firewall (accepting all but UDP port 53) and the example NF (TTL at least 5). */
static size_t two_nfs(uint16_t count)
{
    struct ref_rule rule = {.families = 3, .action = SL_FW_DROP, .count[SL_FW_DIM_DPORT] = 1};
    rule.intervals[SL_FW_DIM_DPORT][0] = (struct ref_interval){.lo = {0, 53}, .hi = {0, 53}};
    uint8_t policy[256];
    size_t size = ref_policy_write(&rule, 1, SL_FW_ACCEPT, policy, sizeof(policy));
    struct sl_writer w;
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, count);
    sl_writer_be64(&w, 77);
    sl_writer_string(&w, "firewall");
    sl_writer_be32(&w, (uint32_t)size);
    sl_writer_bytes(&w, policy, size);
    sl_writer_string(&w, "example_ttl");
    sl_writer_be32(&w, 1);
    sl_writer_u8(&w, 5);
    assert_ok(w.rc);
    return w.off;
}

static struct sl_packet udp(uint8_t *data, uint8_t ttl, uint16_t dport)
{
    memset(data, 0, 64);
    data[0] = 0x45;
    data[3] = 28;
    data[8] = ttl;
    data[9] = 17;
    sl_be16_put(data + 22, dport);
    struct sl_packet packet = {.data = data, .size = 28, .room = 64};
    assert_ok(sl_packet_parse(&packet));
    return packet;
}

static void test_chain_runs_nfs_in_order(void **state)
{
    (void)state;
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    assert_ok(sl_chain_create(bundle, two_nfs(2), &chain, &err));
    assert_int_equal(sl_chain_version(chain), 77);
    assert_int_equal(sl_chain_nf_count(chain), 2);
    assert_string_equal(sl_chain_nf_name(chain, 0), "firewall");
    assert_string_equal(sl_chain_nf_name(chain, 1), "example_ttl");
    assert_null(sl_chain_nf_name(chain, 2));
    uint8_t data[3][64];
    struct sl_packet packets[3] = {udp(data[0], 64, 80), udp(data[1], 64, 53), udp(data[2], 4, 80)};
    struct sl_packet *list[3] = {&packets[0], &packets[1], &packets[2]};
    sl_chain_run(chain, list, 3);
    assert_int_equal(packets[0].verdict, SL_VERDICT_PASS);
    assert_int_equal(packets[0].nf_index, 1);
    assert_int_equal(packets[1].verdict, SL_VERDICT_DROP);
    assert_int_equal(packets[1].nf_index, 0);
    assert_int_equal(packets[1].rule, 0);
    assert_int_equal(packets[2].verdict, SL_VERDICT_DROP);
    assert_int_equal(packets[2].nf_index, 1);
    struct sl_chain_nf_totals totals;
    sl_chain_nf_totals(chain, 1, &totals);
    assert_int_equal(totals.packets, 2);
    assert_int_equal(totals.bytes, 56);
    assert_int_equal(totals.dropped, 1);
    sl_chain_nf_totals(chain, 9, &totals);
    assert_int_equal(totals.packets, 0);
    assert_int_equal(sl_chain_nf_counter_count(chain, 0), 4);
    assert_int_equal(sl_chain_nf_counter_count(chain, 1), 0); /* it has none */
    struct sl_nf_counter counter;
    sl_chain_nf_counter_get(chain, 0, 99, &counter);
    assert_int_equal(counter.value, 0);
    sl_chain_free(chain);
}

/* Same verdicts, counters of its own, and either may be freed first. */
static void test_chain_run_traced_writes_down_every_step(void **state)
{
    (void)state;
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    struct sl_chain_trace trace;
    uint8_t data[64];
    assert_ok(sl_chain_create(bundle, two_nfs(2), &chain, &err));
    struct sl_packet packet = udp(data, 64, 80);
    struct sl_packet *list[2] = {&packet, NULL};
    sl_chain_run_traced(chain, list, 1, &trace);
    assert_int_equal(packet.verdict, SL_VERDICT_PASS);
    assert_int_equal(trace.count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(trace.steps[i].nf, i);
        assert_int_equal(trace.steps[i].verdict, SL_VERDICT_PASS);
        assert_int_equal(trace.steps[i].rule, SL_RULE_DEFAULT);
        assert_int_equal(trace.steps[i].before.dport, 80);
        assert_memory_equal(&trace.steps[i].before, &trace.steps[i].after,
                            sizeof(struct sl_flow_tuple));
        assert_false(trace.steps[i].has_flow_table);
    }
    packet = udp(data, 64, 53); /* dropped by the first: the second does not see it */
    sl_chain_run_traced(chain, list, 1, &trace);
    assert_int_equal(trace.count, 1);
    assert_int_equal(trace.steps[0].verdict, SL_VERDICT_DROP);
    assert_int_equal(trace.steps[0].rule, 0);
    packet = udp(data, 4, 80); /* from the other side the second NF is the first */
    packet.port_in = SL_PORT_WAN;
    sl_chain_run_traced(chain, list, 1, &trace);
    assert_int_equal(trace.count, 1);
    assert_int_equal(trace.steps[0].nf, 1);
    assert_int_equal(trace.steps[0].port, SL_PORT_WAN);
    /* each of a burst has its own, although the first of them ends early */
    static struct sl_chain_trace both[2];
    uint8_t other[64];
    struct sl_packet second = udp(other, 64, 81);
    packet = udp(data, 64, 53);
    list[1] = &second;
    sl_chain_run_traced(chain, list, 2, both);
    assert_ptr_equal(both[0].packet, &packet);
    assert_ptr_equal(both[1].packet, &second);
    assert_int_equal(both[0].count, 1);
    assert_int_equal(both[1].count, 2);
    assert_int_equal(both[0].steps[0].before.dport, 53);
    assert_int_equal(both[1].steps[1].before.dport, 81);
    sl_chain_free(chain);
}

static void test_chain_further_shares_and_outlives(void **state)
{
    (void)state;
    struct sl_chain *first = NULL;
    struct sl_chain *other = NULL;
    struct sl_err err = {0};
    size_t size = two_nfs(2);
    uint8_t data[2][64];
    struct sl_packet packets[2] = {udp(data[0], 64, 80), udp(data[1], 64, 53)};
    struct sl_packet *list[2] = {&packets[0], &packets[1]};
    struct sl_chain_nf_totals totals;
    struct sl_nf_counter counter;
    for (int i = 0; i < 2; i++) {
        assert_ok(sl_chain_create(bundle, size, &first, &err));
        const struct sl_chain_place beside = {.first = first};
        assert_ok(sl_chain_create_at(bundle, size, &beside, &other, &err));
        assert_int_equal(sl_chain_version(other), 77);
        assert_int_equal(sl_chain_nf_count(other), 2);
        sl_chain_run(first, list, 2);
        sl_chain_nf_totals(other, 0, &totals);
        assert_int_equal(totals.packets, 0);
        sl_chain_nf_counter_get(other, 0, 0, &counter);
        assert_int_equal(counter.value, 0);
        if (i == 0) {
            sl_chain_free(first);
        }
        sl_chain_run(other, list, 2);
        assert_int_equal(packets[0].verdict, SL_VERDICT_PASS);
        assert_int_equal(packets[1].verdict, SL_VERDICT_DROP);
        sl_chain_nf_counter_get(other, 0, 0, &counter);
        assert_int_equal(counter.value, 1);
        sl_chain_free(other);
        if (i == 1) {
            sl_chain_run(first, list, 2);
            assert_int_equal(packets[1].verdict, SL_VERDICT_DROP);
            sl_chain_free(first);
        }
    }
    /* what cannot be shared is read, and checked, again */
    assert_ok(sl_chain_create(bundle, two_nfs(2), &first, &err));
    const struct sl_chain_place beside = {.first = first};
    assert_rc(sl_chain_create_at(bundle, size - 1, &beside, &other, &err), SL_TRUNCATED);
    sl_chain_free(first);
}

static void test_chain_more_packets_than_a_burst_all_decided(void **state)
{
    (void)state;
    enum { COUNT = 3 * SL_BURST_MAX + 1 };
    static uint8_t data[COUNT][64];
    static struct sl_packet packets[COUNT];
    static struct sl_packet *list[COUNT];
    struct sl_chain *chain = NULL;
    assert_ok(sl_chain_create(bundle, two_nfs(2), &chain, NULL));
    for (int i = 0; i < COUNT; i++) {
        packets[i] = udp(data[i], 64, i % 2 ? 53 : 80);
        list[i] = &packets[i];
    }
    sl_chain_run(chain, list, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(packets[i].verdict, i % 2 ? SL_VERDICT_DROP : SL_VERDICT_PASS);
    }
    sl_chain_free(chain);
}

static void assert_refused(size_t size, sl_rc want, const char *word)
{
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    assert_rc(sl_chain_create(bundle, size, &chain, &err), want);
    assert_null(chain);
    assert_non_null(strstr(err.text, word));
}

static void test_chain_bundle_bad_fields_are_refused(void **state)
{
    (void)state;
    size_t size = two_nfs(2);
    bundle[0] = 'X';
    assert_refused(size, SL_MALFORMED, "SLCB");
    size = two_nfs(2);
    bundle[5] = 3;
    assert_refused(size, SL_UNSUPPORTED, "format 3");
    size = two_nfs(0);
    assert_refused(size, SL_RANGE, "0 NFs");
    size = two_nfs(SL_CHAIN_NF_MAX + 1);
    assert_refused(size, SL_RANGE, "17 NFs");
    size = two_nfs(1);
    assert_refused(size, SL_MALFORMED, "after the last NF");
    size = two_nfs(2);
    bundle[18] = 'g';
    assert_refused(size, SL_NOT_FOUND, "\"girewall\"");
    size = two_nfs(2);
    bundle[17] = 40; /* longer than a name may be */
    assert_refused(size, SL_RANGE, "NF 0");
}

static void test_chain_bundle_truncated_anywhere_is_refused(void **state)
{
    (void)state;
    size_t size = two_nfs(2);
    for (size_t cut = 0; cut < size; cut++) {
        struct sl_chain *chain = NULL;
        struct sl_err err = {0};
        assert_rc(sl_chain_create(bundle, cut, &chain, &err), SL_TRUNCATED);
        assert_true(err.text[0] != '\0');
    }
}

static void test_registry_lists_what_is_linked_in(void **state)
{
    (void)state;
    uint32_t count = sl_nf_registered_count();
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        found += strcmp(sl_nf_registered(i)->name, "firewall") == 0;
        found += strcmp(sl_nf_registered(i)->name, "example_ttl") == 0;
    }
    assert_int_equal(found, 2);
    assert_null(sl_nf_registered(count));
}

/* Shards of one image never disagree, whatever they had before. */
static void test_chain_steers_by_the_first_shards_key(void **state)
{
    (void)state;
    uint8_t keys[3][SL_CHAIN_STEER_KEY_SIZE];
    struct sl_chain *chains[3];
    size_t size = two_nfs(2);
    const struct sl_chain_place alone = {.shard_count = 2};
    assert_ok(sl_chain_create_at(bundle, size, &alone, &chains[0], NULL));
    assert_ok(sl_chain_create_at(bundle, size, &alone, &chains[1], NULL));
    const struct sl_chain_place second = {
        .first = chains[0], .keys_of = chains[1], .shard = 1, .shard_count = 2};
    assert_ok(sl_chain_create_at(bundle, size, &second, &chains[2], NULL));
    for (uint32_t i = 0; i < 3; i++) {
        sl_chain_steer_key_get(chains[i], keys[i]);
        sl_chain_free(chains[i]);
    }
    assert_memory_not_equal(keys[0], keys[1], sizeof(keys[0]));
    assert_memory_equal(keys[0], keys[2], sizeof(keys[0]));
}

/* A gateway steers also for an image with NFs that it does not have. */
static void test_chain_steering_only_leaves_unknown_nfs_out(void **state)
{
    (void)state;
    uint8_t data[64];
    struct sl_chain *chain = NULL;
    struct sl_packet packet = udp(data, 64, 80);
    size_t size = two_nfs(2);
    uint8_t *name = memmem(bundle, size, "example_ttl", 11);
    assert_non_null(name);
    name[0] = 'x';
    const struct sl_chain_place image = {.shard_count = 2};
    const struct sl_chain_place gateway = {.shard_count = 2, .is_steering_only = true};
    assert_rc(sl_chain_create_at(bundle, size, &image, &chain, NULL), SL_NOT_FOUND);
    assert_ok(sl_chain_create_at(bundle, size, &gateway, &chain, NULL));
    assert_int_equal(sl_chain_nf_count(chain), 1);
    assert_true(sl_chain_steer(chain, &packet) < 2);
    sl_chain_free(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_runs_nfs_in_order),
        cmocka_unit_test(test_chain_steers_by_the_first_shards_key),
        cmocka_unit_test(test_chain_steering_only_leaves_unknown_nfs_out),
        cmocka_unit_test(test_chain_run_traced_writes_down_every_step),
        cmocka_unit_test(test_chain_further_shares_and_outlives),
        cmocka_unit_test(test_chain_more_packets_than_a_burst_all_decided),
        cmocka_unit_test(test_chain_bundle_bad_fields_are_refused),
        cmocka_unit_test(test_chain_bundle_truncated_anywhere_is_refused),
        cmocka_unit_test(test_registry_lists_what_is_linked_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
