/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <time.h>

#include "router/poptrie.h"

/* A generator of our own, so that a failure repeats. */
static uint64_t seed = 88172645463325252ull;
static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1dull;
}

static struct rt_key masked(struct rt_key key, uint32_t length)
{
    struct rt_key out = {0};
    for (uint32_t bit = 0; bit < length; bit++) {
        uint64_t one = 1ull << (63 - bit % 64);
        out.hi |= bit < 64 ? key.hi & one : 0;
        out.lo |= bit < 64 ? 0 : key.lo & one;
    }
    return out;
}

static int compare(const void *a, const void *b)
{
    return rt_route_compare(a, b);
}

/* Random routes, sorted, without repeats; many inside one another. */
static uint32_t make(struct rt_route *routes, uint32_t count, uint32_t bits)
{
    for (uint32_t i = 0; i < count; i++) {
        struct rt_key key = {.hi = rnd(), .lo = bits == 128 ? rnd() : 0};
        if (bits == 32) {
            key.hi &= 0xffffffff00000000ull;
        }
        if (i > 0 && rnd() % 2 == 0) { /* inside, or beside, an earlier one */
            key.hi = routes[rnd() % i].prefix.hi ^ (rnd() & rnd() & rnd());
            key.hi &= bits == 32 ? 0xffffffff00000000ull : ~0ull;
        }
        uint32_t length = rnd() % 8 == 0 ? bits : (uint32_t)(rnd() % (bits + 1));
        routes[i] = (struct rt_route){.prefix = masked(key, length), .length = length};
    }
    qsort(routes, count, sizeof(*routes), compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || rt_route_compare(&routes[kept - 1], &routes[i]) != 0) {
            routes[kept] = routes[i];
            routes[kept].value = kept;
            kept++;
        }
    }
    return kept;
}

/* What longest prefix match means. */
static uint32_t linear(const struct rt_route *routes, uint32_t count, struct rt_key key)
{
    uint32_t best = RT_NONE;
    uint32_t length = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct rt_key same = masked(key, routes[i].length);
        if (same.hi == routes[i].prefix.hi && same.lo == routes[i].prefix.lo &&
            (best == RT_NONE || routes[i].length >= length)) {
            best = routes[i].value;
            length = routes[i].length;
        }
    }
    return best;
}

static void check_table(uint32_t count, uint32_t bits, uint32_t lookups)
{
    struct rt_route *routes = calloc(count + 1, sizeof(*routes));
    struct rt_trie trie;
    assert_non_null(routes);
    count = make(routes, count, bits);
    assert_ok(rt_trie_build(routes, count, &trie));
    for (uint32_t i = 0; i < lookups; i++) {
        struct rt_key key = {.hi = rnd(), .lo = bits == 128 ? rnd() : 0};
        if (count > 0 && i % 4 != 0) { /* near a route: its first or last address, or one beside */
            const struct rt_route *route = &routes[rnd() % count];
            key = route->prefix;
            struct rt_key noise = {.hi = rnd(), .lo = rnd()};
            struct rt_key kept = masked(noise, route->length);
            if (i % 4 == 1) {
                key.hi |= noise.hi ^ kept.hi;
                key.lo |= noise.lo ^ kept.lo;
            } else if (i % 4 == 2) {
                key.hi += bits == 32 ? (rnd() % 3 - 1) << 32 : 0;
                key.lo += rnd() % 3 - 1;
            }
        }
        if (bits == 32) {
            key.hi &= 0xffffffff00000000ull;
            key.lo = 0;
        }
        assert_int_equal(rt_trie_lookup(&trie, key), linear(routes, count, key));
    }
    rt_trie_done(&trie);
    free(routes);
}

static void test_lookup_random_tables_as_linear_search(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 2, 5, 20, 100, 500, 1500};
    for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int round = 0; round < (sizes[i] <= 20 ? 8 : 2); round++) {
            check_table(sizes[i], 32, 1000);
            check_table(sizes[i], 128, 1000);
        }
    }
}

static void test_route_holds_compares_leading_bits(void **state)
{
    (void)state;
    struct rt_route route = {.prefix = {.hi = 0x20010db800000000ull, .lo = 1ull << 63},
                             .length = 65};
    assert_true(rt_route_holds(&route, (struct rt_key){0x20010db800000000ull, 0xffffull << 48}));
    assert_false(rt_route_holds(&route, (struct rt_key){0x20010db800000000ull, 1}));
    route = (struct rt_route){.length = 0};
    assert_true(rt_route_holds(&route, (struct rt_key){1, 2}));
}

/* Lengths as a full table of the Internet has them: most are /24 (IPv4), /48 and /32 (IPv6). */
static uint32_t typical_length(uint32_t bits)
{
    uint32_t dice = (uint32_t)(rnd() % 100);
    if (bits == 32) {
        return dice < 60 ? 24 : dice < 90 ? 16 + (uint32_t)(rnd() % 8) : 8 + (uint32_t)(rnd() % 17);
    }
    return dice < 50 ? 48 : dice < 75 ? 32 : 29 + (uint32_t)(rnd() % 20);
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* 500,000 routes: bounded memory, and each route's own prefix finds it or a longer one. */
static void check_large(uint32_t bits)
{
    enum { COUNT = 520000, LOOKUPS = 1 << 20 };
    struct rt_route *routes = calloc(COUNT, sizeof(*routes));
    struct rt_key *keys = calloc(LOOKUPS, sizeof(*keys));
    struct rt_trie trie;
    assert_true(routes != NULL && keys != NULL);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t length = typical_length(bits);
        struct rt_key key = {.hi = rnd()};
        if (bits == 32) { /* 1.0.0.0 to 223.255.255.255 */
            key.hi = (1 + rnd() % 223) << 56 | (key.hi >> 8 & 0x00ffffff00000000ull);
        } else { /* 2000::/3, in few /16 as it is given out */
            key.hi = 0x2000ull << 48 | (rnd() % 32) << 52 | key.hi >> 12;
        }
        routes[i] = (struct rt_route){.prefix = masked(key, length), .length = length};
    }
    qsort(routes, COUNT, sizeof(*routes), compare);
    uint32_t count = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        if (count == 0 || rt_route_compare(&routes[count - 1], &routes[i]) != 0) {
            routes[count] = routes[i];
            routes[count].value = count;
            count++;
        }
    }
    double start = seconds();
    assert_ok(rt_trie_build(routes, count, &trie));
    double built = seconds();
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        keys[i] = routes[rnd() % count].prefix;
    }
    double looking = seconds();
    uint64_t sum = 0;
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        sum += rt_trie_lookup(&trie, keys[i]);
    }
    double done = seconds();
    print_message("IPv%u: %u routes, %zu bytes (%.1f a route), built in %.0f ms, %.1f M lookups/s "
                  "(sum %llx)\n",
                  bits == 32 ? 4 : 6, count, rt_trie_bytes(&trie),
                  (double)rt_trie_bytes(&trie) / count, (built - start) * 1e3,
                  LOOKUPS / (done - looking) * 1e-6, (unsigned long long)sum);
    assert_true(count > 450000);
    assert_true(rt_trie_bytes(&trie) < 32u << 20);
    for (uint32_t i = 0; i < count; i += 7) {
        uint32_t found = rt_trie_lookup(&trie, routes[i].prefix);
        assert_true(found < count && routes[found].length >= routes[i].length);
        assert_true(rt_route_holds(&routes[found], routes[i].prefix));
    }
    rt_trie_done(&trie);
    free(keys);
    free(routes);
}

static void test_build_half_a_million_routes_fits(void **state)
{
    (void)state;
    check_large(32);
    check_large(128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookup_random_tables_as_linear_search),
        cmocka_unit_test(test_route_holds_compares_leading_bits),
        cmocka_unit_test(test_build_half_a_million_routes_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
