/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection's state alone decides, and what it does not. */
#include "unit.h"

#include "firewall/shortcut.h"

enum { MAX = 8 };

/* Rules as `fw_rules_read` leaves them; intervals of one value. */
struct list {
    struct fw_rule rules[MAX];
    struct fw_interval intervals[4 * MAX];
    struct fw_rules all;
};

static void list_init(struct list *list)
{
    *list = (struct list){0};
    list->all.rules = list->rules;
    list->all.intervals = list->intervals;
}

/* @param states  bits of SL_FW_CT_*; 0: it asks for none */
static struct fw_rule *add(struct list *list, uint8_t action, uint8_t families, uint8_t states)
{
    struct fw_rule *rule = &list->rules[list->all.count++];
    rule->action = action;
    rule->families = families;
    rule->first[SL_FW_DIM_CT_STATE] = list->all.interval_count;
    for (uint32_t bit = 1; bit <= states; bit <<= 1) {
        if ((states & bit) != 0) {
            list->intervals[list->all.interval_count++] = (struct fw_interval){bit, bit};
            rule->count[SL_FW_DIM_CT_STATE]++;
        }
    }
    return rule;
}

static void ask(struct list *list, struct fw_rule *rule, uint32_t dim, uint8_t value)
{
    rule->first[dim] = list->all.interval_count;
    rule->count[dim] = 1;
    list->intervals[list->all.interval_count++] = (struct fw_interval){value, value};
}

static uint32_t shortcut(const struct list *list, uint8_t family, uint8_t relation, uint32_t way)
{
    struct fw_shortcuts shortcuts;
    const struct sl_flow flow = {.handle = way == FW_NO_WAY ? SL_FLOW_NONE : 7,
                                 .relation = relation,
                                 .direction = way == FW_NO_WAY ? 0 : (uint8_t)way};
    fw_shortcuts_find(&list->all, family, &shortcuts);
    return fw_shortcut(&shortcuts, &flow);
}

enum { BOTH = SL_FW_IP4 | SL_FW_IP6, ESTABLISHED = SL_FW_CT_ESTABLISHED | SL_FW_CT_RELATED };

static void test_established_is_decided_by_its_rule(void **state)
{
    struct list list;
    (void)state;
    list_init(&list);
    add(&list, SL_FW_DROP, BOTH, SL_FW_CT_INVALID);
    add(&list, SL_FW_ACCEPT, BOTH, ESTABLISHED);
    ask(&list, add(&list, SL_FW_ACCEPT, BOTH, 0), SL_FW_DIM_PROTO, 6);
    for (uint32_t way = 0; way < 2; way++) {
        assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_ESTABLISHED, way), 1);
        assert_int_equal(shortcut(&list, SL_FW_IP6, SL_FLOW_RELATED, way), 1);
        assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_NEW, way), SL_RULE_DEFAULT);
    }
    assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_INVALID, FW_NO_WAY), 0);
    assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_UNTRACKED, FW_NO_WAY), SL_RULE_DEFAULT);
}

static void test_a_rule_that_asks_for_more_comes_first(void **state)
{
    struct list list;
    (void)state;
    for (uint32_t dim = 0; dim < SL_FW_DIM_COUNT; dim++) {
        bool is_ct = dim == SL_FW_DIM_CT_STATE || dim == SL_FW_DIM_CT_DIRECTION;
        list_init(&list);
        struct fw_rule *rule = add(&list, SL_FW_DROP, BOTH, 0);
        if (!is_ct) {
            ask(&list, rule, dim, 1);
        }
        add(&list, SL_FW_ACCEPT, BOTH, ESTABLISHED);
        assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_ESTABLISHED, 0),
                         is_ct ? 0 : SL_RULE_DEFAULT);
    }
}

static void test_families_and_directions_count(void **state)
{
    struct list list;
    (void)state;
    list_init(&list);
    ask(&list, add(&list, SL_FW_DROP, SL_FW_IP6, SL_FW_CT_ESTABLISHED), SL_FW_DIM_DPORT, 23);
    ask(&list, add(&list, SL_FW_ACCEPT, BOTH, SL_FW_CT_ESTABLISHED), SL_FW_DIM_CT_DIRECTION,
        SL_FLOW_REPLY);
    assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_ESTABLISHED, SL_FLOW_REPLY), 1);
    assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_ESTABLISHED, SL_FLOW_ORIGINAL),
                     SL_RULE_DEFAULT);
    assert_int_equal(shortcut(&list, SL_FW_IP6, SL_FLOW_ESTABLISHED, SL_FLOW_REPLY),
                     SL_RULE_DEFAULT);
    /* a packet of no flow goes no way: a rule that asks for one is none of its own */
    list_init(&list);
    ask(&list, add(&list, SL_FW_DROP, BOTH, 0), SL_FW_DIM_CT_DIRECTION, SL_FLOW_ORIGINAL);
    add(&list, SL_FW_REJECT_ICMP, BOTH, SL_FW_CT_INVALID);
    assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_INVALID, FW_NO_WAY), 1);
    assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_NEW, SL_FLOW_ORIGINAL), 0);
}

static void test_a_rule_that_only_counts_is_no_end(void **state)
{
    struct list list;
    (void)state;
    list_init(&list);
    add(&list, SL_FW_SKIP, BOTH, SL_FW_CT_ESTABLISHED)->skip_to = 2;
    add(&list, SL_FW_DROP, BOTH, 0);
    add(&list, SL_FW_ACCEPT, BOTH, SL_FW_CT_ESTABLISHED);
    assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_ESTABLISHED, 0), SL_RULE_DEFAULT);
    assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_NEW, 0), 1);
    list_init(&list);
    assert_int_equal(shortcut(&list, SL_FW_IP4, SL_FLOW_ESTABLISHED, 0), SL_RULE_DEFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_established_is_decided_by_its_rule),
        cmocka_unit_test(test_a_rule_that_asks_for_more_comes_first),
        cmocka_unit_test(test_families_and_directions_count),
        cmocka_unit_test(test_a_rule_that_only_counts_is_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
