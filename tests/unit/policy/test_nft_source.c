/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "policy/nft_source.h"

static struct pol_arena arena;

static const char text[] =
    "# a comment with { braces }\n"
    "define web = { 80, 443 }\n"
    "table inet filter {\n"
    "  set bad { type ipv4_addr; elements = { 1.2.3.4 } }\n"
    "  chain sub { tcp dport 22 drop; udp dport 53 accept\n"
    "  }\n"
    "  chain forward {\n"
    "    type filter hook forward priority 0; policy drop;\n"
    "    comment \"the # chain; with { signs }\"\n"
    "    tcp dport {\n"
    "      80,\n"
    "      443 } accept comment \"a } b\" # said\n"
    "    ip saddr @bad \\\n"
    "      drop\n"
    "\n"
    "    jump sub\n"
    "  }\n"
    "}\n"
    "table ip6 filter { chain forward { type filter hook forward priority 0\n"
    "accept\n"
    "} }\n"
    "add rule inet filter sub tcp dport 23 drop\n"
    "add rule filter forward accept\n";

static void assert_rule(const struct nft_lines *lines, const char *table, const char *chain,
                        uint32_t index, uint32_t count, uint32_t line, const char *rule)
{
    const struct nft_line *found = nft_lines_find(lines, table, chain, index, count);
    assert_non_null(found);
    assert_string_equal(found->text, rule);
    assert_int_equal(found->line, line);
}

static void test_lines_scan_finds_rules(void **state)
{
    (void)state;
    struct nft_lines lines;
    assert_true(nft_lines_scan(&arena, text, &lines));
    assert_rule(&lines, "inet filter", "sub", 0, 3, 5, "tcp dport 22 drop");
    assert_rule(&lines, "inet filter", "sub", 1, 3, 5, "udp dport 53 accept");
    assert_rule(&lines, "inet filter", "sub", 2, 3, 22, "tcp dport 23 drop");
    assert_rule(&lines, "inet filter", "forward", 0, 3, 10,
                "tcp dport { 80, 443 } accept comment \"a } b\"");
    assert_rule(&lines, "inet filter", "forward", 1, 3, 13, "ip saddr @bad drop");
    assert_rule(&lines, "inet filter", "forward", 2, 3, 16, "jump sub");
    assert_rule(&lines, "ip6 filter", "forward", 0, 1, 20, "accept");
    assert_rule(&lines, "ip filter", "forward", 0, 1, 23, "accept");
    assert_int_equal(nft_lines_declared(&lines, "inet filter", "forward")->line, 8);
    assert_int_equal(nft_lines_declared(&lines, "ip6 filter", "")->line, 19);
    assert_null(nft_lines_declared(&lines, "inet filter", "sub"));
    nft_lines_done(&lines);
}

static void test_lines_find_other_count_is_unknown(void **state)
{
    (void)state;
    struct nft_lines lines;
    assert_true(nft_lines_scan(&arena, text, &lines));
    assert_null(nft_lines_find(&lines, "inet filter", "forward", 0, 4));
    assert_null(nft_lines_find(&lines, "inet filter", "nowhere", 0, 1));
    nft_lines_done(&lines);
}

static void test_text_clean_replaces_what_is_no_text(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain\ttext\n", "plain\ttext\n"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"caf\xe9", "caf?"},
        {"\x1b[31m\x07\x7f", "?[31m??"},
        {"\xc0\xaf \xed\xa0\x80 \xe2\x82", "?? ??? ??"}, /* too long a form, surrogate, cut */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char copy[64];
        (void)snprintf(copy, sizeof(copy), "%s", cases[i].in);
        nft_text_clean(copy, strlen(copy));
        assert_string_equal(copy, cases[i].out);
    }
}

/* Any cut of the text, and any byte of it lost, must only lose rules. */
static void test_lines_scan_survives_broken_text(void **state)
{
    (void)state;
    char copy[sizeof(text)];
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        struct nft_lines lines;
        memcpy(copy, text, sizeof(text));
        copy[cut] = '\0';
        assert_true(nft_lines_scan(&arena, copy, &lines));
        assert_true(lines.count <= 8 + 5); /* rules, and what declares tables and chains */
        nft_lines_done(&lines);
        memcpy(copy, text, sizeof(text));
        if (cut + 1 < sizeof(text)) {
            copy[cut] = '"';
        }
        assert_true(nft_lines_scan(&arena, copy, &lines));
        nft_lines_done(&lines);
    }
}

/* Each part keeps lines and columns; a rule stands in one of them, a definition in all, the rest of
 * the text in the first. */
static void test_part_cut_keeps_each_rule_once(void **state)
{
    (void)state;
    static const char *const everywhere[] = {"define web = { 80, 443 }",
                                             "table inet filter {",
                                             "chain sub {",
                                             "chain forward {",
                                             "type filter hook forward priority 0; policy drop;",
                                             "comment \"the # chain"};
    static const char *const once[] = {
        "tcp dport 22 drop", "udp dport 53 accept", "tcp dport {",    "ip saddr @bad", "jump sub",
        "\naccept",          "add rule inet",       "add rule filter"};
    struct nft_lines lines;
    assert_true(nft_lines_scan(&arena, text, &lines));
    uint32_t count = nft_parts_rules(&lines);
    assert_int_equal(count, sizeof(once) / sizeof(once[0]));
    for (uint32_t rule = 0; rule < count; rule++) {
        char part[sizeof(text)];
        memcpy(part, text, sizeof(text));
        nft_part_cut(&lines, rule, rule + 1, part);
        assert_int_equal(strlen(part), strlen(text));
        for (size_t i = 0; i < sizeof(text); i++) {
            assert_true(part[i] == text[i] || (part[i] == ' ' && text[i] != '\n'));
        }
        for (size_t i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); i++) {
            assert_non_null(strstr(part, everywhere[i]));
        }
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(strstr(part, once[i]) != NULL, i == rule);
        }
        assert_int_equal(strstr(part, "set bad { type ipv4_addr; elements = { 1.2.3.4 } }") != NULL,
                         rule == 0);
    }
    nft_lines_done(&lines);
}

static void test_parts_rules_of_what_cannot_be_split_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "include \"other.nft\"\ntable ip t {\n chain f {\n accept\n}\n}\n",
        "table ip t {\n chain f {\n include \"rules\"\n accept\n}\n}\n",
        "table ip t {\n chain f {\n accept\n}\n}\ninsert rule ip t f drop\n",
        "table ip t {\n chain f {\n accept\n}\n}\nflush chain ip t f\n",
        "add rule ip t f accept\nadd rule ip t f index 0 drop\n",
    };
    struct nft_lines lines;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(nft_lines_scan(&arena, texts[i], &lines));
        assert_int_equal(nft_parts_rules(&lines), 0);
        nft_lines_done(&lines);
    }
    /* what is flushed before anything stands is flushed by the first part */
    char flushing[] = "flush ruleset\ntable ip t {\n chain f {\n accept\n drop\n}\n}\n";
    assert_true(nft_lines_scan(&arena, flushing, &lines));
    assert_int_equal(nft_parts_rules(&lines), 2);
    nft_part_cut(&lines, 1, 2, flushing);
    assert_string_equal(flushing,
                        "             \ntable ip t {\n chain f {\n       \n drop\n}\n}\n");
    nft_lines_done(&lines);
}

static int done(void **state)
{
    (void)state;
    pol_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_scan_finds_rules),
        cmocka_unit_test(test_lines_find_other_count_is_unknown),
        cmocka_unit_test(test_text_clean_replaces_what_is_no_text),
        cmocka_unit_test(test_lines_scan_survives_broken_text),
        cmocka_unit_test(test_part_cut_keeps_each_rule_once),
        cmocka_unit_test(test_parts_rules_of_what_cannot_be_split_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
