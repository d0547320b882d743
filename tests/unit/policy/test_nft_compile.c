/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "nf/chain.h"
#include "policy/policy.h"

static char path[] = "/tmp/sl-nft-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static sl_rc compile(const char *text, struct sl_policy *policy, struct sl_err *err)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    sl_rc rc = sl_policy_compile_nftables(path, policy, err);
    if (rc == SL_IO) { /* no nft, or no namespaces here */
        print_message("%s\n", err->text);
        skip();
    }
    return rc;
}

/* The lines inside a base chain with policy drop; the first of them is line 4. */
static sl_rc compile_rules(const char *rules, struct sl_policy *policy, struct sl_err *err)
{
    char text[8192];
    (void)snprintf(text, sizeof(text),
                   "table inet t {\n chain f {\n type filter hook forward priority 0; policy "
                   "drop;\n%s\n}\n}\n",
                   rules);
    return compile(text, policy, err);
}

/* The rules must be refused, and the sentence must hold both words and the line. */
static void assert_refused(const char *rule, const char *word)
{
    char rules[512];
    struct sl_policy policy;
    struct sl_err err = {0};
    (void)snprintf(rules, sizeof(rules), "\n%s", rule);
    assert_rc(compile_rules(rules, &policy, &err), SL_UNSUPPORTED);
    if (strstr(err.text, rule) == NULL || strstr(err.text, word) == NULL ||
        strstr(err.text, ":5:") == NULL) {
        fail_msg("`%s` gave: %s", rule, err.text);
    }
}

static void test_nft_rule_that_cannot_be_honoured_is_quoted(void **state)
{
    (void)state;
    assert_refused("ct status assured accept", "ct state and ct direction");
    assert_refused("limit rate 5/second accept", "NF `limiter`");
    assert_refused("log prefix \"x\" accept", "counter");
    assert_refused("ip saddr & 255.0.255.0 == 10.0.1.0 drop", "under a mask");
    assert_refused("meta mark 5 drop", "meta mark");
    assert_refused("th dport 5 drop", "meta l4proto");
    assert_refused("iifname \"eth0\" drop", "\"lan\" and \"wan\"");
    assert_refused("ip dscp 4 drop", "ip dscp");
    assert_refused("tcp option maxseg size 500 drop", "cannot match");
    assert_refused("ip frag-off & 0x4000 != 0 drop", "frag-off");
    assert_refused("exthdr hbh exists drop", "exthdr frag");
    assert_refused("ip ttl set 5", "");
    assert_refused("ct status dnat accept", "name the inside address");
    assert_refused("ct mark 1 accept", "ct state and ct direction");
    assert_refused("iif \"lo\" accept", "iifname");
    assert_refused("meta pkttype broadcast drop", "of meta it knows");
    assert_refused("ip ttl 1 drop", "of ip it knows");
    assert_refused("tcp window 1 drop", "of tcp it knows");
    /* state that hangs on the elements of a set, not on the rule */
    assert_refused("ip saddr { 1.2.3.4 limit rate 1/second, 5.6.7.8 } accept", "with a limit");
    assert_refused("ip saddr . tcp dport { 1.2.3.4 . 80 limit rate 1/second } accept",
                   "with a limit");
}

/* A workstation's file: what is for the machine itself is left out, and said. */
static void test_nft_chains_of_the_machine_itself_are_left_out(void **state)
{
    (void)state;
    struct sl_policy policy = {0};
    struct sl_err err = {0};
    assert_rc(compile("flush ruleset\ntable inet filter {\n"
                      " chain input {\n  type filter hook input priority 0; policy drop;\n"
                      "  iif lo accept\n  tcp dport 22 limit rate 3/minute accept\n }\n"
                      " chain nat {\n  type nat hook postrouting priority 0\n }\n"
                      " chain forward {\n  type filter hook forward priority 0; policy drop;\n"
                      "  ct state established,related accept\n }\n"
                      " chain output {\n  type filter hook output priority 0\n }\n}\n",
                      &policy, &err),
              SL_OK);
    assert_int_equal(policy.count, 1);
    assert_string_equal(policy.default_action, "drop");
    assert_string_equal(policy.note,
                        "left out, as no packet that passes through meets them (hooks input and "
                        "output): input (line 4), output (line 16)");
    sl_policy_done(&policy);
}

/* What one base chain accepts goes on in the next one, by hook and priority. */
static void test_nft_base_chains_follow_each_other(void **state)
{
    (void)state;
    static const char *const actions[] = {"drop",   "continue", "drop",   "continue",
                                          "accept", "drop",     "accept", "accept"};
    struct sl_policy policy = {0};
    struct sl_err err = {0};
    assert_rc(compile("table inet b {\n chain f {\n  type filter hook forward priority 5; policy "
                      "drop;\n  tcp dport 3 accept\n }\n"
                      " chain p {\n  type filter hook prerouting priority 10\n  udp dport 1 drop\n"
                      " }\n}\n"
                      "table ip6 a {\n chain f {\n  type filter hook forward priority 0; policy "
                      "drop;\n  tcp dport 2 accept\n }\n}\n"
                      "table ip c {\n chain p {\n  type filter hook postrouting priority 0\n  udp "
                      "dport 4 accept\n }\n}\n",
                      &policy, &err),
              SL_OK);
    /* p's drop; a's accept goes on, its policy; f's accept goes on for IPv4 and is final for IPv6
     */
    assert_int_equal(policy.count, 8);
    for (uint32_t i = 0; i < policy.count; i++) {
        assert_string_equal(policy.rules[i].action, actions[i]);
    }
    assert_string_equal(policy.default_action, "drop");
    sl_policy_done(&policy);
}

static void test_nft_faults_of_the_file_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sl_rc rc;
        const char *word;
    } cases[] = {
        {"table inet t {\n frob\n}\n", SL_MALFORMED, ":2:"},
        {"", SL_UNSUPPORTED, "no chain"},
        {"table inet t {\n chain i {\n type filter hook input priority 0\n }\n}\n", SL_UNSUPPORTED,
         "nothing would be filtered; packets that pass through do not meet i (line 3)"},
        {"table inet t {\n chain i {\n type nat hook postrouting priority 0\n masquerade\n }\n}\n",
         SL_UNSUPPORTED, "NF `nat`"},
        {"table inet t {\n chain i {\n type filter hook prerouting priority raw\n tcp dport 1 "
         "drop\n }\n}\n",
         SL_UNSUPPORTED, "before connection tracking"},
        {"table inet t {\n chain i {\n type filter hook prerouting priority 0\n oifname \"wan\" "
         "drop\n }\n chain f {\n type filter hook forward priority 0\n }\n}\n",
         SL_UNSUPPORTED, "at this hook the kernel does not know oifname"},
        {"table inet t {\n ct helper ftp {\n type \"ftp\" protocol tcp\n }\n}\n", SL_UNSUPPORTED,
         ":2: table inet t, ct helper ftp"},
        {"table arp t {\n chain a {\n }\n}\n", SL_UNSUPPORTED, "arp"},
        {"table inet t {\n set s {\n type ipv4_addr; flags timeout\n }\n chain f {\n type filter "
         "hook forward priority 0\n ip saddr @s drop\n }\n}\n",
         SL_UNSUPPORTED, "timeout"},
        {"table inet t {\n set s {\n type ipv4_addr; limit rate 1/second\n }\n chain f {\n type "
         "filter "
         "hook forward priority 0\n ip saddr @s accept\n }\n}\n",
         SL_UNSUPPORTED, ":7: chain f: cannot honour `ip saddr @s accept`: set @s: sets whose"},
        {"\ntable inet t {\n flags dormant\n chain f {\n type filter hook forward priority 0\n "
         "}\n}\n",
         SL_UNSUPPORTED, ":2: table inet t: cannot honour `table inet t`: its `flags`"},
        {"table inet t {\n chain i {\n type nat hook prerouting priority 0\n redirect\n }\n}\n",
         SL_UNSUPPORTED,
         ":3: table inet t, chain i: cannot honour `type nat hook prerouting priority 0`"},
        {"add table ip t\nadd chain ip t p { type nat hook postrouting priority 100; }\nadd rule "
         "ip t "
         "p masquerade\n",
         SL_UNSUPPORTED, ":2: table ip t, chain p: cannot honour `add chain ip t p { type nat"},
        /* the third command is listed second: the lines would name the wrong rule */
        {"add table ip t\nadd chain ip t f { type filter hook forward priority 0; }\n"
         "add rule ip t f tcp dport 80 accept\nadd rule ip t f tcp dport 81 accept\n"
         "add rule ip t f index 0 ct mark 7 accept\n",
         SL_UNSUPPORTED, "chain f, rule 2: cannot honour `ct mark 0x00000007 accept`"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_policy policy;
        struct sl_err err = {0};
        sl_rc rc = compile(cases[i].text, &policy, &err);
        if (rc != cases[i].rc || strstr(err.text, cases[i].word) == NULL) {
            fail_msg("case %zu: %s: %s", i, sl_rc_name(rc), err.text);
        }
    }
    struct sl_policy policy;
    struct sl_err err = {0};
    assert_rc(sl_policy_compile_nftables("/nonexistent/rules", &policy, &err), SL_IO);
    assert_rc(sl_policy_compile_nftables("/tmp", &policy, &err), SL_IO);
    assert_non_null(strstr(err.text, "/tmp: expected a file of rules"));
}

/* A TCP SYN or UDP packet from 10.0.0.5 (by LAN) or 192.0.2.1 (by WAN) to 198.51.100.7. */
static uint32_t decide(struct sl_chain *chain, uint8_t proto, uint16_t dport, uint8_t port,
                       uint8_t *ret_verdict)
{
    uint8_t data[256] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, proto, 0, 0, 10, 0, 0, 5};
    if (port == SL_PORT_WAN) {
        memcpy(data + 12, (uint8_t[]){192, 0, 2, 1}, 4);
    }
    memcpy(data + 16, (uint8_t[]){198, 51, 100, 7}, 4);
    sl_be16_put(data + 20, 40000);
    sl_be16_put(data + 22, dport);
    data[32] = 0x50;
    data[33] = 0x02;
    struct sl_packet packet = {.data = data, .size = 40, .room = sizeof(data), .port_in = port};
    struct sl_packet *list[1] = {&packet};
    assert_ok(sl_packet_parse(&packet));
    sl_chain_run(chain, list, 1);
    *ret_verdict = packet.verdict;
    return packet.rule;
}

static void test_nft_chains_decide_as_written(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_err err = {0};
    const char *text = "table inet t {\n"
                       " chain inner {\n"
                       "  tcp dport 100-199 return\n"                /* 3 */
                       "  tcp dport 150-299 reject with tcp reset\n" /* 4 */
                       " }\n"
                       " chain away {\n"
                       "  udp dport 7 accept\n" /* 7 */
                       " }\n"
                       " chain f {\n"
                       "  type filter hook forward priority 0; policy drop\n"
                       "  counter\n"                            /* 11 */
                       "  iifname \"lan\" jump inner\n"         /* 12 */
                       "  tcp dport { 120, 210, 400 } accept\n" /* 13 */
                       "  udp dport < 10 goto away\n"           /* 14 */
                       "  udp dport < 20 accept\n"              /* 15 */
                       " }\n}\n";
    static const struct {
        uint8_t proto, port, verdict;
        uint16_t dport;
        uint32_t line; /* 0: default */
    } cases[] = {
        {6, SL_PORT_LAN, SL_VERDICT_PASS, 120, 13},  {6, SL_PORT_LAN, SL_VERDICT_REPLY, 210, 4},
        {6, SL_PORT_WAN, SL_VERDICT_PASS, 210, 13},  {6, SL_PORT_LAN, SL_VERDICT_PASS, 400, 13},
        {6, SL_PORT_LAN, SL_VERDICT_DROP, 160, 0},   {17, SL_PORT_LAN, SL_VERDICT_PASS, 7, 7},
        {17, SL_PORT_LAN, SL_VERDICT_DROP, 8, 0},    {17, SL_PORT_LAN, SL_VERDICT_PASS, 12, 15},
        {17, SL_PORT_WAN, SL_VERDICT_DROP, 4000, 0},
    };
    assert_ok(compile(text, &policy, &err));
    struct sl_chain *chain = NULL;
    assert_ok(sl_chain_create(policy.bundle, policy.size, &chain, &err));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t verdict = 0;
        uint32_t number = decide(chain, cases[i].proto, cases[i].dport, cases[i].port, &verdict);
        const struct sl_policy_rule *rule = sl_policy_rule(&policy, 0, number);
        uint32_t line = rule != NULL ? rule->line : 0;
        if (verdict != cases[i].verdict || line != cases[i].line) {
            fail_msg("case %zu: verdict %u by line %u", i, verdict, line);
        }
    }
    struct sl_nf_counter counter;
    sl_chain_nf_counter_get(chain, 0, 0, &counter); /* the bare counter saw all of them */
    assert_int_equal(counter.value, sizeof(cases) / sizeof(cases[0]));
    sl_chain_free(chain);
    sl_policy_done(&policy);
}

/* `count` rules with their own addresses, the first in line 4; returns bytes. */
static size_t write_rules(char *out, size_t size, uint32_t count)
{
    size_t at = (size_t)snprintf(out, size,
                                 "table inet t {\n chain f {\n type filter hook forward "
                                 "priority 0; policy drop\n");
    for (uint32_t i = 0; i < count; i++) {
        at += (size_t)snprintf(out + at, size - at, "ip saddr 10.%u.%u.0/24 tcp dport %u %s\n",
                               i / 256, i % 256, i % 5000 + 1, i % 2 ? "accept" : "drop");
    }
    return at + (size_t)snprintf(out + at, size - at, " }\n}\n");
}

enum { COUNT = 10000, NOBODY = 65534, EXIT_NO_NAMESPACE = 77 };

/* Compiles as somebody who may send the kernel no long message, and compares with what root got. */
static _Noreturn void compile_as_nobody(const struct sl_policy *as_root)
{
    enum { VERSION_OFF = 8, VERSION_END = 16 };
    struct sl_policy policy;
    struct sl_err err = {0};
    /* who changes its user may not write its own uid_map, unless it is dumpable again */
    if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0 ||
        prctl(PR_SET_DUMPABLE, 1) != 0) {
        _exit(1);
    }
    sl_rc rc = sl_policy_compile_nftables(path, &policy, &err);
    if (rc != SL_OK) {
        print_message("%s\n", err.text);
        _exit(strstr(err.text, "cannot make a network namespace") != NULL ? EXIT_NO_NAMESPACE : 1);
    }
    if (policy.count != as_root->count || policy.size != as_root->size ||
        memcmp(policy.bundle, as_root->bundle, VERSION_OFF) != 0 ||
        memcmp(policy.bundle + VERSION_END, as_root->bundle + VERSION_END,
               policy.size - VERSION_END) != 0) {
        print_message("another policy than root's\n");
        _exit(1);
    }
    for (uint32_t i = 0; i < policy.count; i++) {
        if (policy.rules[i].line != as_root->rules[i].line ||
            strcmp(policy.rules[i].text, as_root->rules[i].text) != 0) {
            print_message("rule %u: line %u, `%s`\n", i, policy.rules[i].line,
                          policy.rules[i].text);
            _exit(1);
        }
    }
    _exit(0);
}

/* Ten thousand rules are several transactions for anyone but root; what else a file may hold stands
 * around them. */
static void test_nft_ten_thousand_rules_compile(void **state)
{
    (void)state;
    static const char before[] =
        "flush ruleset\ndefine web = { 80, 443 }\ntable inet more {\n set bad { type ipv4_addr; "
        "flags interval; elements = { 192.0.2.0/24, 198.51.100.7 } }\n map to { type inet_service "
        ": verdict; elements = { 22 : drop, 23 : jump odd } }\n chain odd {\n comment \"# { "
        "one\"\n "
        "ip saddr @bad drop; ip daddr @bad drop\n }\n}\n";
    static const char after[] = "add rule inet t f tcp dport $web accept\nadd rule inet t f drop\n";
    size_t room = COUNT * 80 + 2000;
    char *text = malloc(room);
    size_t at = (size_t)snprintf(text, room, "%s", before);
    at += write_rules(text + at, room - at, COUNT - 2);
    (void)snprintf(text + at, room - at, "%s", after);
    struct sl_policy policy;
    struct sl_err err = {0};
    sl_rc rc = compile(text, &policy, &err);
    free(text);
    if (rc != SL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(policy.count, COUNT);
    assert_int_equal(policy.rules[COUNT - 3].line, COUNT - 2 + 3 + 10);
    struct sl_chain *chain = NULL;
    assert_ok(sl_chain_create(policy.bundle, policy.size, &chain, &err));
    sl_chain_free(chain);
    int status = 0;
    if (geteuid() == 0) {
        assert_int_equal(chmod(path, 0644), 0);
        pid_t pid = fork();
        if (pid == 0) {
            compile_as_nobody(&policy);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    sl_policy_done(&policy);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_NAMESPACE) {
        skip();
    }
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nft_rule_that_cannot_be_honoured_is_quoted),
        cmocka_unit_test(test_nft_faults_of_the_file_are_told),
        cmocka_unit_test(test_nft_chains_of_the_machine_itself_are_left_out),
        cmocka_unit_test(test_nft_base_chains_follow_each_other),
        cmocka_unit_test(test_nft_chains_decide_as_written),
        cmocka_unit_test(test_nft_ten_thousand_rules_compile),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
