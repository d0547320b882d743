/* SPDX-License-Identifier: Apache-2.0 */
/* The same routes in the kernel's tables, in a network namespace of the test's own: 10,000
 * destinations, asked of both. */
#include "nf/packets.h"

#include <unistd.h>

#include "nf/chain.h"
#include "policy/policy.h"

enum { ROUTES = 300, LOOKUPS = 5000, TEXT_MAX = 1 << 20 };

static uint64_t seed = 0x9e3779b97f4a7c15ull;
static uint32_t rnd(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed * 0x2545f4914f6cdd1dull) >> 33) % below;
}

struct text {
    char *data;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text->data + text->used, TEXT_MAX - text->used, format, args);
    va_end(args);
    assert_true(size >= 0 && text->used + (size_t)size < TEXT_MAX);
    text->used += (size_t)size;
}

/* Addresses of few values, so that prefixes nest and destinations hit. */
static void random_addr(bool is_v6, uint8_t *out)
{
    static const uint8_t heads[] = {1, 8, 20, 60, 100, 185};
    memset(out, 0, 16);
    if (!is_v6) {
        out[0] = heads[rnd(6)];
        out[1] = (uint8_t)rnd(4);
        out[2] = (uint8_t)(rnd(4) << 6 | rnd(2));
        out[3] = (uint8_t)rnd(256);
        return;
    }
    out[0] = 0x20;
    out[1] = 1;
    out[2] = 0x0d;
    out[3] = (uint8_t)(0xb8 + rnd(2));
    for (uint32_t i = 4; i < 16; i++) {
        out[i] = (uint8_t)(rnd(3) == 0 ? rnd(4) << rnd(7) : 0);
    }
    out[15] |= 1; /* no subnet-router anycast */
}

/* A route as `ip route add` and our compiler both take it. */
static void put_route(struct text *text, bool is_v6)
{
    static const char *const kinds[] = {"unreachable", "blackhole", "prohibit"};
    uint8_t addr[16];
    char shown[64];
    uint32_t length = is_v6 ? 36 + rnd(93) : 10 + rnd(23);
    random_addr(is_v6, addr);
    for (uint32_t bit = length; bit < 128; bit++) {
        addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    }
    assert_non_null(inet_ntop(is_v6 ? AF_INET6 : AF_INET, addr, shown, sizeof(shown)));
    uint32_t kind = rnd(5);
    if (kind < 3) {
        put(text, "%s %s/%u metric %u\n", kinds[kind], shown, length, 1 + rnd(1000000));
    } else {
        put(text, "%s/%u dev %s metric %u\n", shown, length, rnd(2) == 0 ? "lan" : "wan",
            1 + rnd(1000000));
    }
}

/* Runs the routes and questions through ip(8); its answers, one letter each: l, w, u, b, p, n. */
static bool ask_kernel(const char *routes, const char *asked, char *answers)
{
    char command[512];
    char add[80];
    char line[512];
    (void)snprintf(add, sizeof(add), "%s", policy_file(routes));
    const char *ask = policy_file(asked);
    (void)snprintf(
        command, sizeof(command),
        "unshare -Urn sh -c 'ip link add lan type veth peer name wan && ip link set lan up && "
        "ip link set wan up && ip link set lo up && ip addr add 10.255.255.1/32 dev lan && "
        "ip -6 addr add 2001:db8:ffff::1/128 dev lan nodad && sed \"s/^/route add /\" %s | "
        "ip -force -batch - && sed \"s/^/route get /\" %s | ip -force -o -batch -' 2>&1",
        add, ask);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    uint32_t at = 0;
    bool is_asking = true;
    char failed = 'n';
    while (fgets(line, sizeof(line), pipe) != NULL) {
        unsigned number;
        if (strstr(line, "No route to host") != NULL) {
            failed = 'u';
        } else if (strstr(line, "Invalid argument") != NULL) {
            failed = 'b';
        } else if (strstr(line, "Permission denied") != NULL) {
            failed = 'p';
        } else if (strstr(line, "Network is unreachable") != NULL) {
            failed = 'n';
        } else if (sscanf(line, "Command failed -:%u", &number) == 1) {
            answers[at++] = failed;
        } else if (strstr(line, " dev ") != NULL) {
            answers[at++] = strstr(line, " dev wan") != NULL ? 'w' : 'l';
        } else {
            print_message("ip says: %s", line);
            is_asking = false;
        }
        assert_true(at <= 2 * LOOKUPS);
    }
    (void)pclose(pipe);
    (void)unlink(add);
    (void)unlink(ask);
    return is_asking && at == 2 * LOOKUPS;
}

/* What the router does with a packet to `dst`, in the same letters. */
static char ask_router(struct sl_chain *chain, const char *dst, uint64_t *before)
{
    /* it came by the LAN: what leads there is turned round */
    static const char *const names[] = {"hairpinned", "to_wan",     "unreachable",
                                        "blackholed", "prohibited", "no_route"};
    struct test_packet p;
    struct sl_packet *list[1] = {&p.packet};
    char answer = '?';
    packet_make(&p, strchr(dst, ':') != NULL ? "2001:db8:ffff::2" : "10.255.255.2", dst, 17, 1, 2,
                100);
    sl_chain_run(chain, list, 1);
    for (uint32_t i = 0; i < sl_chain_nf_counter_count(chain, 0); i++) {
        struct sl_nf_counter counter;
        sl_chain_nf_counter_get(chain, 0, i, &counter);
        for (uint32_t n = 0; n < 6; n++) {
            if (strcmp(counter.name, names[n]) == 0 && counter.value != before[n]) {
                before[n] = counter.value;
                answer = "lwubpn"[n];
            }
        }
    }
    return answer;
}

static void test_lookup_agrees_with_the_kernel(void **state)
{
    (void)state;
    struct text routes = {.data = calloc(1, TEXT_MAX)};
    struct text asked = {.data = calloc(1, TEXT_MAX)};
    char *answers = calloc(1, 2 * LOOKUPS + 1);
    char(*shown)[64] = calloc(2 * LOOKUPS, sizeof(*shown));
    uint64_t before[6] = {0};
    assert_true(routes.data != NULL && asked.data != NULL && answers != NULL && shown != NULL);
    for (uint32_t i = 0; i < ROUTES; i++) {
        put_route(&routes, false);
        put_route(&routes, true);
    }
    for (uint32_t i = 0; i < 2 * LOOKUPS; i++) {
        uint8_t addr[16];
        random_addr(i % 2 != 0, addr);
        assert_non_null(inet_ntop(i % 2 != 0 ? AF_INET6 : AF_INET, addr, shown[i], 64));
        put(&asked, "%s\n", shown[i]);
    }
    if (system("unshare -Urn ip link >/dev/null 2>&1") != 0) {
        print_message("no network namespace to be had here\n");
        skip();
    }
    assert_true(ask_kernel(routes.data, asked.data, answers));
    struct sl_policy policy;
    struct sl_err err = {0};
    struct sl_chain *chain = NULL;
    const char *path = policy_file(routes.data);
    sl_rc rc = sl_policy_compile_route(path, &policy, &err);
    (void)unlink(path);
    if (rc != SL_OK) {
        fail_msg("%s", err.text);
    }
    assert_ok(sl_chain_create(policy.bundle, policy.size, &chain, &err));
    uint32_t seen[128] = {0};
    for (uint32_t i = 0; i < 2 * LOOKUPS; i++) {
        char answer = ask_router(chain, shown[i], before);
        if (answer != answers[i]) {
            fail_msg("%s: router %c, kernel %c", shown[i], answer, answers[i]);
        }
        seen[(int)answer]++;
    }
    print_message("lan %u, wan %u, unreachable %u, blackhole %u, prohibit %u, no route %u\n",
                  seen['l'], seen['w'], seen['u'], seen['b'], seen['p'], seen['n']);
    for (const char *letter = "lwubpn"; *letter != '\0'; letter++) {
        assert_true(seen[(int)*letter] > 0);
    }
    sl_chain_free(chain);
    sl_policy_done(&policy);
    free(routes.data);
    free(asked.data);
    free(answers);
    free(shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lookup_agrees_with_the_kernel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
