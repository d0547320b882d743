/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile host as a unit test: random programs, and a second thread that writes the whole area
 * while the image reads it. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "hostile.h"

static uint32_t next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void test_hostile_random_programs_stay_inside(void **state)
{
    struct hostile *h = calloc(1, sizeof(*h));
    uint32_t seed = 0x5afe11b;
    uint64_t violations[3] = {0};
    uint64_t bounced = 0;
    for (uint32_t turn = 0; turn < 2000; turn++) {
        uint8_t code[1024];
        for (uint32_t i = 0; i < sizeof(code); i++) {
            code[i] = (uint8_t)(next(&seed) >> 11);
        }
        hostile_init(h);
        hostile_run(h, code, sizeof(code));
        violations[0] += h->f.counters.violation_index;
        violations[1] += h->f.counters.violation_desc;
        violations[2] += h->f.counters.violation_control;
        bounced += h->f.counters.tx_datagrams;
        hostile_done(h);
    }
    /* it was refused, and what kept the rules was served */
    assert_true(violations[0] > 1000 && violations[1] > 1000 && violations[2] > 1000);
    assert_true(bounced > 1000);
    free(h);
}

/* After any hostility, a host that returns to the rules is served again. */
static void test_hostile_indices_restored_served_again(void **state)
{
    struct hostile *h = calloc(1, sizeof(*h));
    hostile_init(h);
    uint32_t kept[14];
    for (uint32_t i = 0; i < 14; i++) {
        kept[i] = *hostile_index_word(h, i);
        hostile_poke(hostile_index_word(h, i), 0x7fffffff);
    }
    hostile_image_step(h, 0);
    assert_true(h->f.counters.violation_index >= 2 && h->f.counters.violation_control >= 3);
    for (uint32_t i = 0; i < 14; i++) {
        hostile_poke(hostile_index_word(h, i), kept[i]);
    }
    uint8_t *place = sl_host_rx_reserve(&h->in[0], 100);
    assert_non_null(place);
    memset(place, 1, 100);
    assert_true(sl_host_rx_commit(&h->in[0], 100, 100, 1, 0));
    hostile_image_step(h, 0);
    struct sl_run run;
    assert_int_equal(sl_host_tx_peek(&h->out[1], &run, 1), 1);
    assert_int_equal(run.size, 100);
    hostile_done(h);
    free(h);
}

struct writer {
    struct hostile *h;
    atomic_bool is_done;
};

/* Index words near where the image stands, so that some are believed. */
static void scribble_index(struct hostile *h, uint32_t r)
{
    uint32_t port = r & 1;
    uint32_t step = (r >> 4) % 70;
    uint32_t consumer = __atomic_load_n(&h->rx[port].consumer, __ATOMIC_RELAXED);
    uint32_t published = __atomic_load_n(&h->tx[port].published, __ATOMIC_RELAXED);
    switch (r >> 1 & 3) {
    case 0:
        hostile_poke(hostile_index_word(h, 4 * port + 1), consumer + step);
        break;
    case 1:
        hostile_poke(hostile_index_word(h, 4 * port + 2), published - step);
        break;
    case 2:
        hostile_poke(hostile_index_word(h, 9), h->control_in.local + step * 300);
        break;
    default:
        hostile_poke(hostile_index_word(h, 10 + 2 * port), step);
        break;
    }
}

static void *scribble(void *ctx)
{
    struct writer *w = ctx;
    uint32_t seed = 77;
    uint64_t words = w->h->f.layout.size / sizeof(uint32_t);
    uint32_t *area = (uint32_t *)(void *)w->h->f.area;
    while (!atomic_load_explicit(&w->is_done, memory_order_relaxed)) {
        uint32_t r = next(&seed);
        if ((r & 3) == 0) {
            scribble_index(w->h, r >> 8);
        } else if ((r & 3) == 1) {
            struct sl_area_desc *slots =
                slots_at(&w->h->f, &w->h->f.layout.queue[0][r >> 2 & 1].rx);
            uint32_t *desc = (uint32_t *)(void *)&slots[(r >> 3) % 64];
            hostile_poke(&desc[0], next(&seed) % 66000);
            hostile_poke(&desc[1], next(&seed) % 3000);
            hostile_poke(&desc[2], next(&seed) % 3000);
        } else {
            hostile_poke(&area[next(&seed) % words], next(&seed));
        }
    }
    return NULL;
}

static void test_hostile_writer_thread_stays_inside(void **state)
{
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    skip(); /* races are the point of this one */
#endif
#endif
    struct hostile *h = calloc(1, sizeof(*h));
    hostile_init(h);
    struct writer w = {.h = h};
    pthread_t thread;
    assert_ok(pthread_create(&thread, NULL, scribble, &w));
    const struct sl_boundary_counters *c = &h->f.counters;
    bool has_seen_all = false;
    for (uint32_t i = 0; i < 3000000 && !(has_seen_all && i >= 30000); i++) {
        hostile_image_step(h, i);
        has_seen_all = c->violation_index > 100 && c->violation_desc > 100 &&
                       c->violation_control > 100 && c->rx_datagrams > 1000;
    }
    atomic_store(&w.is_done, true);
    (void)pthread_join(thread, NULL);
    if (!has_seen_all) {
        fail_msg("violations: index %lu, descriptor %lu, control %lu; datagrams %lu",
                 c->violation_index, c->violation_desc, c->violation_control, c->rx_datagrams);
    }
    hostile_done(h);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_random_programs_stay_inside),
        cmocka_unit_test(test_hostile_indices_restored_served_again),
        cmocka_unit_test(test_hostile_writer_thread_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
