/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "limiter/sources.h"

static uint64_t seed = 88172645463325252ull;
static uint64_t rnd(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed * 0x2545f4914f6cdd1dull >> 20) % below;
}

/* What a bucket means, in wide numbers and one step: level after `ms` of a rate. */
static unsigned __int128 ideal(const struct lm_rate *rate, unsigned __int128 level, uint64_t ms)
{
    unsigned __int128 full = (unsigned __int128)rate->burst * SL_LM_WEEK_MS;
    level += (unsigned __int128)ms * rate->week;
    return level < full ? level : full;
}

static void test_level_is_exact_for_any_rate_and_time(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct lm_rate rate = {.week = rnd(1ull << (1 + rnd(62))),
                               .burst = 1 + rnd(1ull << (1 + rnd(33)))};
        uint64_t level = rnd(lm_bucket_full(&rate) + 1);
        uint64_t ms = rnd(1ull << (1 + rnd(43)));
        assert_true(lm_bucket_level(&rate, level, ms) == ideal(&rate, level, ms));
    }
}

/* 24 hours of random arrivals: what passed is what the rate allows, to the byte. */
static void check_day(uint64_t per_second, uint64_t burst, uint64_t load_per_ms)
{
    enum { DAY_MS = 86400000 };
    const struct lm_rate rate = {.week = per_second * 604800, .burst = burst};
    uint64_t level = lm_bucket_full(&rate);
    uint64_t passed = 0;
    uint64_t last_ms = 0;
    bool is_starved = false;
    for (uint64_t now_ms = 0; now_ms < DAY_MS; now_ms += 1 + rnd(40)) {
        level = lm_bucket_level(&rate, level, now_ms - last_ms);
        uint64_t offered = (now_ms - last_ms + 1) * load_per_ms;
        last_ms = now_ms;
        while (offered != 0) {
            uint64_t size = 1 + rnd(offered < 1500 ? offered : 1500);
            offered -= size;
            if (!lm_bucket_take(&level, size, 1)) {
                is_starved = true;
                break;
            }
            passed += size;
        }
        /* never more than the burst and the rate; exactly, once the bucket never was full again */
        unsigned __int128 most =
            (unsigned __int128)burst * 1000 + (unsigned __int128)now_ms * per_second;
        assert_true((unsigned __int128)passed * 1000 <= most);
        unsigned __int128 kept = (unsigned __int128)passed * SL_LM_WEEK_MS + level;
        assert_true(kept == (unsigned __int128)burst * SL_LM_WEEK_MS +
                                (unsigned __int128)now_ms * rate.week ||
                    kept < (unsigned __int128)burst * SL_LM_WEEK_MS +
                               (unsigned __int128)now_ms * rate.week);
    }
    assert_true(is_starved);
    /* all that was allowed was used, but for less than a packet and the last wait */
    uint64_t allowed = burst + per_second * (last_ms / 1000);
    assert_true(passed <= allowed + per_second && passed + 1500 + per_second >= allowed);
}

static void test_day_of_virtual_time_without_drift(void **state)
{
    (void)state;
    check_day(1000003, 65536, 3000); /* a rate that divides nothing */
    check_day(12345, 4000, 50);
    check_day(7, 1500, 1); /* 7 bytes a second: a packet each few minutes */
}

static void test_take_costs_its_share_of_shards(void **state)
{
    (void)state;
    const struct lm_rate rate = {.week = 604800ull * 10,
                                 .burst = 4 * 4}; /* 10/s, burst 4, 4 shards */
    uint64_t level = lm_bucket_full(&rate);
    for (int i = 0; i < 4; i++) {
        assert_true(lm_bucket_take(&level, 1, 4));
    }
    assert_false(lm_bucket_take(&level, 1, 4));
    level = lm_bucket_level(&rate, level, 399);
    assert_false(lm_bucket_take(&level, 1, 4));
    level = lm_bucket_level(&rate, level, 1);
    assert_true(lm_bucket_take(&level, 1, 4));
}

static void addr_of(uint32_t number, uint8_t *addr)
{
    memset(addr, 0, 16);
    memcpy(addr + 12, &number, 4);
}

static uint64_t hash_of(const uint8_t *addr)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (int i = 0; i < 16; i++) {
        hash = (hash ^ addr[i]) * 0x100000001b3ull;
    }
    return hash ^ hash >> 29;
}

/* Against a table without bounds, while there is room for all: the same answers. */
static void test_sources_are_buckets_of_their_own(void **state)
{
    (void)state;
    enum { SOURCES = 40 };
    const struct lm_rate rate = {.week = 604800ull * 3, .burst = 5};
    struct lm_sources *sources = NULL;
    uint64_t levels[SOURCES];
    uint64_t used[SOURCES] = {0};
    assert_ok(lm_sources_create(1024, &sources));
    for (uint32_t i = 0; i < SOURCES; i++) {
        levels[i] = lm_bucket_full(&rate);
    }
    for (uint64_t now_ms = 1; now_ms < 200000; now_ms += rnd(30)) {
        uint8_t addr[16];
        uint32_t i = (uint32_t)rnd(SOURCES);
        addr_of(i, addr);
        uint64_t *level = lm_sources_find(sources, &rate, addr, hash_of(addr), now_ms);
        levels[i] = lm_bucket_level(&rate, levels[i], used[i] != 0 ? now_ms - used[i] : 0);
        used[i] = now_ms;
        assert_true(*level == levels[i]);
        assert_int_equal(lm_bucket_take(level, 1, 1), lm_bucket_take(&levels[i], 1, 1));
    }
    assert_int_equal(sources->evicted, 0);
    free(sources);
}

/* A flood of sources: bounded, counted, and a bucket that is full again goes first. */
static void test_sources_full_set_gives_way_to_what_says_least(void **state)
{
    (void)state;
    const struct lm_rate rate = {.week = 604800ull, .burst = 2}; /* 1/s */
    struct lm_sources *sources = NULL;
    uint8_t addr[16];
    assert_ok(lm_sources_create(LM_WAYS, &sources)); /* one set */
    for (uint32_t i = 0; i < LM_WAYS; i++) {
        addr_of(i, addr);
        uint64_t *level = lm_sources_find(sources, &rate, addr, 0, 1000 + i);
        assert_true(lm_bucket_take(level, i == 5 ? 1 : 2, 1));
    }
    addr_of(100, addr); /* after 1.2 s the sixth is full again, the others half */
    (void)lm_sources_find(sources, &rate, addr, 0, 2200);
    assert_int_equal(sources->evicted, 0);
    addr_of(3, addr); /* others are remembered */
    assert_false(lm_bucket_take(lm_sources_find(sources, &rate, addr, 0, 2201), 2, 1));
    addr_of(101, addr); /* the newcomer was never charged: it gives way */
    assert_true(lm_bucket_take(lm_sources_find(sources, &rate, addr, 0, 2202), 2, 1));
    assert_int_equal(sources->evicted, 0);
    addr_of(102, addr); /* now the one not seen for longest does, and is counted */
    assert_true(lm_bucket_take(lm_sources_find(sources, &rate, addr, 0, 2203), 2, 1));
    assert_int_equal(sources->evicted, 1);
    for (uint32_t i = 0; i < 100000; i++) {
        addr_of(1000 + i, addr);
        (void)lm_bucket_take(lm_sources_find(sources, &rate, addr, hash_of(addr), 2204), 1, 1);
    }
    assert_true(sources->evicted > 99000);
    free(sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_level_is_exact_for_any_rate_and_time),
        cmocka_unit_test(test_day_of_virtual_time_without_drift),
        cmocka_unit_test(test_take_costs_its_share_of_shards),
        cmocka_unit_test(test_sources_are_buckets_of_their_own),
        cmocka_unit_test(test_sources_full_set_gives_way_to_what_says_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
