/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <time.h>

#include "base/bytes.h"
#include "nf/chain.h"
#include "reference.h"

enum { POLICY_MAX = 8 << 20, ROOM = 2048 };

static uint8_t *policy;
static uint8_t *bundle;

static int make_buffers(void **state)
{
    (void)state;
    policy = malloc(POLICY_MAX);
    bundle = malloc(POLICY_MAX);
    return policy == NULL || bundle == NULL;
}

static int free_buffers(void **state)
{
    (void)state;
    free(policy);
    free(bundle);
    return 0;
}

static struct sl_chain *load(const struct ref_rule *rules, uint32_t count, uint8_t default_action)
{
    size_t size = ref_policy_write(rules, count, default_action, policy, POLICY_MAX);
    assert_int_not_equal(size, 0);
    size = ref_bundle_write(policy, size, 1, bundle, POLICY_MAX);
    assert_int_not_equal(size, 0);
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    sl_rc rc = sl_chain_create(bundle, size, &chain, &err);
    if (rc != SL_OK) {
        fail_msg("%s", err.text);
    }
    return chain;
}

/* Bursts of random packets through the classifier and the reference: same rule, same verdict. */
static uint32_t compare(const struct ref_rule *rules, uint32_t count, uint64_t *seed,
                        uint32_t bursts)
{
    static uint8_t data[SL_BURST_MAX][ROOM];
    struct sl_packet packets[SL_BURST_MAX];
    struct sl_packet *list[SL_BURST_MAX];
    uint32_t expected[SL_BURST_MAX];
    uint32_t matched = 0;
    struct sl_chain *chain = load(rules, count, SL_FW_DROP);
    for (uint32_t b = 0; b < bursts; b++) {
        for (uint32_t i = 0; i < SL_BURST_MAX; i++) {
            ref_packet_random(seed, rules, count, data[i], ROOM, &packets[i]);
            assert_ok(sl_packet_parse(&packets[i]));
            expected[i] = ref_decide(rules, count, &packets[i]);
            list[i] = &packets[i];
        }
        sl_chain_run(chain, list, SL_BURST_MAX);
        for (uint32_t i = 0; i < SL_BURST_MAX; i++) {
            assert_int_equal(packets[i].rule, expected[i]);
            bool is_accepted = expected[i] != SL_RULE_DEFAULT && rules[expected[i]].action == 1;
            assert_int_equal(packets[i].verdict, is_accepted ? SL_VERDICT_PASS : SL_VERDICT_DROP);
            matched += expected[i] != SL_RULE_DEFAULT;
        }
    }
    sl_chain_free(chain);
    return matched;
}

static void test_firewall_random_rules_equals_linear_search(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 2, 63, 64, 65, 255, 256, 257, 700, 2000};
    const char *given = getenv("SL_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    uint32_t matched = 0;
    for (uint32_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct ref_rule *rules = calloc(counts[c] + 1, sizeof(*rules));
        for (uint32_t i = 0; i < counts[c]; i++) {
            ref_rule_random(&seed, i, counts[c], &rules[i]);
        }
        matched += compare(rules, counts[c], &seed, 20);
        free(rules);
    }
    /* the comparison is worth something only where rules do match */
    assert_true(matched > 5000);
}

static void compare_classbench(const char *name)
{
    char path[512];
    vector_path(name, path, sizeof(path));
    struct ref_rule *rules = calloc(1000, sizeof(*rules));
    uint32_t count = ref_classbench_read(path, rules, 1000);
    uint64_t seed = 42;
    uint32_t matched = compare(rules, count, &seed, 60);
    free(rules);
    assert_in_range(count, 600, 1000);
    assert_true(matched > 100);
}

static void test_firewall_classbench_acl_equals_linear_search(void **state)
{
    (void)state;
    compare_classbench("classbench/acl1_1k");
}

static void test_firewall_classbench_fw_equals_linear_search(void **state)
{
    (void)state;
    compare_classbench("classbench/fw1_1k");
}

static void test_firewall_classbench_ipc_equals_linear_search(void **state)
{
    (void)state;
    compare_classbench("classbench/ipc1_1k");
}

static void test_firewall_default_accept_passes_and_counts(void **state)
{
    (void)state;
    struct ref_rule never = {.families = 0, .action = SL_FW_DROP};
    struct sl_chain *chain = load(&never, 1, SL_FW_ACCEPT);
    uint8_t data[64] = {0x45, 0, 0, 28};
    data[9] = 17;
    struct sl_packet packet = {.data = data, .size = 28, .room = 64};
    struct sl_packet *list[] = {&packet};
    assert_ok(sl_packet_parse(&packet));
    sl_chain_run(chain, list, 1);
    assert_int_equal(packet.verdict, SL_VERDICT_PASS);
    assert_int_equal(packet.rule, SL_RULE_DEFAULT);
    struct sl_nf_counter counter;
    assert_int_equal(sl_chain_nf_counter_count(chain, 0), 4);
    sl_chain_nf_counter_get(chain, 0, 2, &counter);
    assert_string_equal(counter.name, "default.packets");
    assert_int_equal(counter.value, 1);
    sl_chain_nf_counter_get(chain, 0, 3, &counter);
    assert_string_equal(counter.name, "default.bytes");
    assert_int_equal(counter.value, 28);
    sl_chain_nf_counter_get(chain, 0, 0, &counter);
    assert_string_equal(counter.name, "rule.1.packets");
    assert_int_equal(counter.value, 0);
    sl_chain_free(chain);
}

static void test_firewall_reject_replies_or_drops(void **state)
{
    (void)state;
    struct ref_rule rules[2] = {
        {.families = 3, .action = SL_FW_REJECT_RESET, .count[SL_FW_DIM_PROTO] = 1},
        {.families = 3, .action = SL_FW_REJECT_ICMP, .code4 = 13, .code6 = 1},
    };
    rules[0].intervals[SL_FW_DIM_PROTO][0] = (struct ref_interval){.lo = {6}, .hi = {6}};
    struct sl_chain *chain = load(rules, 2, SL_FW_ACCEPT);
    static const struct {
        uint8_t proto, l4_first, flags, verdict;
        uint32_t rule;
    } cases[] = {
        {6, 0, 0x02, SL_VERDICT_REPLY, 0}, {6, 0, 0x04, SL_VERDICT_DROP, 0}, /* a reset */
        {17, 0, 0, SL_VERDICT_REPLY, 1},   {1, 8, 0, SL_VERDICT_REPLY, 1},
        {1, 3, 0, SL_VERDICT_DROP, 1}, /* an ICMP error */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t data[256] = {0x45, 0, 0, 40};
        data[9] = cases[i].proto;
        memcpy(data + 12, (uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2}, 8);
        data[20] = cases[i].l4_first;
        data[32] = 0x50;
        data[33] = cases[i].flags;
        struct sl_packet packet = {.data = data, .size = 40, .room = sizeof(data)};
        struct sl_packet *list[] = {&packet};
        assert_ok(sl_packet_parse(&packet));
        sl_chain_run(chain, list, 1);
        assert_int_equal(packet.verdict, cases[i].verdict);
        assert_int_equal(packet.rule, cases[i].rule);
    }
    struct sl_chain_nf_totals totals;
    sl_chain_nf_totals(chain, 0, &totals);
    assert_int_equal(totals.packets, 5);
    assert_int_equal(totals.bytes, 200);
    assert_int_equal(totals.replied, 3);
    assert_int_equal(totals.dropped, 2);
    sl_chain_free(chain);
}

/* The policy of `rules`, changed by the caller, must be refused with this code. */
static void assert_refused(size_t size, sl_rc want)
{
    size_t total = ref_bundle_write(policy, size, 1, bundle, POLICY_MAX);
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    assert_rc(sl_chain_create(bundle, total, &chain, &err), want);
    assert_null(chain);
    assert_non_null(strstr(err.text, "firewall"));
}

static size_t one_rule(void)
{
    struct ref_rule rule = {.families = 3, .action = SL_FW_ACCEPT, .count[SL_FW_DIM_DPORT] = 2};
    rule.intervals[SL_FW_DIM_DPORT][0] = (struct ref_interval){.lo = {0, 80}, .hi = {0, 80}};
    rule.intervals[SL_FW_DIM_DPORT][1] = (struct ref_interval){.lo = {1, 0}, .hi = {2, 0}};
    return ref_policy_write(&rule, 1, SL_FW_DROP, policy, POLICY_MAX);
}

static void test_firewall_policy_truncated_anywhere_is_refused(void **state)
{
    (void)state;
    size_t size = one_rule();
    for (size_t cut = 0; cut < size; cut++) {
        size_t total = ref_bundle_write(policy, cut, 1, bundle, POLICY_MAX);
        struct sl_chain *chain = NULL;
        assert_rc(sl_chain_create(bundle, total, &chain, NULL), SL_TRUNCATED);
    }
}

static void test_firewall_policy_bad_fields_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t off;
        uint8_t value;
        sl_rc want;
    } cases[] = {
        {0, 'X', SL_MALFORMED}, /* magic */
        {5, 9, SL_UNSUPPORTED}, /* format */
        {6, 2, SL_MALFORMED},   /* default action */
        {7, 1, SL_MALFORMED},   /* reserved */
        {8, 1, SL_RANGE},       /* 2^24 rules */
        {11, 2, SL_TRUNCATED},  /* one rule more than there is */
        {11, 0, SL_MALFORMED},  /* one less */
        {12, 5, SL_MALFORMED},  /* action */
        {12, 4, SL_MALFORMED},  /* skip to itself */
        {15, 4, SL_MALFORMED},  /* families */
        {19, 1, SL_MALFORMED},  /* skip target without skip */
        {21, 13, SL_MALFORMED}, /* dimension */
        {22, 1, SL_RANGE},      /* 2^24 intervals */
        {25, 0, SL_MALFORMED},  /* no interval */
        {26, 1, SL_MALFORMED},  /* lo above hi */
        {30, 0, SL_MALFORMED},  /* second interval overlaps the first: 0x0000 */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = one_rule();
        policy[cases[i].off] = cases[i].value;
        assert_refused(size, cases[i].want);
    }
    size_t size = one_rule();
    policy[size] = 0;
    assert_refused(size + 1, SL_MALFORMED);
}

static void test_firewall_policy_flipped_bytes_never_harm(void **state)
{
    (void)state;
    size_t size = one_rule();
    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            policy[at] ^= (uint8_t)(1 << bit);
            size_t total = ref_bundle_write(policy, size, 1, bundle, POLICY_MAX);
            struct sl_chain *chain = NULL;
            if (sl_chain_create(bundle, total, &chain, NULL) == SL_OK) {
                sl_chain_free(chain);
            }
            policy[at] ^= (uint8_t)(1 << bit);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_firewall_random_rules_equals_linear_search),
        cmocka_unit_test(test_firewall_classbench_acl_equals_linear_search),
        cmocka_unit_test(test_firewall_classbench_fw_equals_linear_search),
        cmocka_unit_test(test_firewall_classbench_ipc_equals_linear_search),
        cmocka_unit_test(test_firewall_default_accept_passes_and_counts),
        cmocka_unit_test(test_firewall_reject_replies_or_drops),
        cmocka_unit_test(test_firewall_policy_truncated_anywhere_is_refused),
        cmocka_unit_test(test_firewall_policy_bad_fields_are_refused),
        cmocka_unit_test(test_firewall_policy_flipped_bytes_never_harm),
    };
    return cmocka_run_group_tests(tests, make_buffers, free_buffers);
}
