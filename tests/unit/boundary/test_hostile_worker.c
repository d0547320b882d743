/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile host against ESP, chain and ESP: random programs, and a thread that changes packet
 * bytes while they are read and written. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "hostile_worker.h"

static uint32_t next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct hostile_worker));
    return *state == NULL;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/* The rig itself: with an honest host everything comes back. */
static void test_hostile_worker_honest_all_comes_back(void **state)
{
    struct hostile_worker *w = *state;
    hostile_worker_init(w);
    uint8_t code[1200] = {0};
    for (uint32_t i = 0; i + 12 <= sizeof(code); i += 12) {
        const uint8_t turn[12] = {0, (uint8_t)(i & 0xf), (uint8_t)i, (uint8_t)(i * 7), 2, 3, 4};
        memcpy(code + i, turn, 7);
        memset(code + i + 7, 4, 5); /* drain; its argument may be any */
    }
    hostile_interpret(&w->h, code, sizeof(code));
    assert_true(w->next_number > 100);
    assert_int_equal(w->seen_inside, w->next_number);
    assert_int_equal(w->came_back, w->next_number);
    hostile_worker_check(w);
    hostile_worker_done(w);
}

static void test_hostile_worker_random_programs_leak_nothing(void **state)
{
    struct hostile_worker *w = *state;
    uint32_t seed = 0x5afe11b;
    uint64_t back = 0, refused = 0, violations = 0;
    for (uint32_t turn = 0; turn < 400; turn++) {
        uint8_t code[800];
        for (uint32_t i = 0; i < sizeof(code); i++) {
            code[i] = (uint8_t)(next(&seed) >> 11);
        }
        hostile_worker_init(w);
        hostile_interpret(&w->h, code, sizeof(code));
        hostile_worker_check(w);
        back += w->came_back;
        violations += w->worker->boundary.violation_desc + w->worker->boundary.violation_index;
        refused += w->worker->lanes[0].counters.drop_esp + w->worker->lanes[1].counters.drop_esp;
        hostile_worker_done(w);
    }
    assert_true(back > 500 && refused > 500 && violations > 500);
}

struct writer {
    struct hostile_worker *w;
    atomic_bool is_done;
};

static void *flip(void *ctx)
{
    struct writer *writer = ctx;
    const struct sl_area_layout *l = &writer->w->h.f.layout;
    uint32_t seed = 99;
    while (!atomic_load_explicit(&writer->is_done, memory_order_relaxed)) {
        uint32_t r = next(&seed);
        /* near where packets are being read (port 0) and written (port 1) */
        bool is_rx = (r & 2) != 0;
        uint64_t region = is_rx ? l->queue[0][0].rx.data : l->queue[0][1].tx.data;
        uint64_t place = __atomic_load_n(is_rx ? &writer->w->h.in[0].write_off
                                               : &writer->w->worker->lanes[1].tx.write_off,
                                         __ATOMIC_RELAXED) +
                         (r >> 2) % 8192 - (is_rx ? 8192 : 2048);
        uint8_t *at =
            writer->w->h.f.area + region + (place & (writer->w->h.f.geometry.data_size - 1));
        uint8_t was = __atomic_load_n(at, __ATOMIC_RELAXED);
        __atomic_store_n(at, (uint8_t)(was ^ 0x55), __ATOMIC_RELAXED);
        if ((r & 0x1c) !=
            0) { /* mostly back again: what is read twice differs, what is once, passes */
            __atomic_store_n(at, was, __ATOMIC_RELAXED);
        }
    }
    return NULL;
}

static void test_hostile_worker_bytes_change_while_read(void **state)
{
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    skip(); /* races are the point of this one */
#endif
#endif
    struct hostile_worker *w = *state;
    hostile_worker_init(w);
    struct writer writer = {.w = w};
    pthread_t thread;
    assert_ok(pthread_create(&thread, NULL, flip, &writer));
    uint64_t end = unit_now_ms() + 20000;
    const struct sl_worker_counters *c = &w->worker->lanes[0].counters;
    const uint8_t code[] = {0, 0x0e, 5, 0x55};
    while (unit_now_ms() < end && w->next_number < NUMBERS - 64 &&
           !(w->next_number > 20000 && c->drop_esp > 200 && w->refused_back > 200)) {
        w->h.code = code;
        w->h.size = sizeof(code);
        w->h.off = 1;
        worker_put(&w->h);
        worker_step(&w->h, 3);
        worker_drain(&w->h);
    }
    atomic_store(&writer.is_done, true);
    (void)pthread_join(thread, NULL);
    print_message("%u sent, %lu refused on entry, %lu came back, %lu refused by the gateway\n",
                  w->next_number, c->drop_esp, w->came_back, w->refused_back);
    /* some were hit and refused, the others passed, and every check on them held */
    bool is_hit = c->drop_esp > 0 && w->refused_back > 0;
    assert_true(w->came_back > 1000);
    hostile_worker_check(w);
    hostile_worker_done(w);
    if (!is_hit) {
        print_message("the writer got no turn at the right moment: the machine is too busy\n");
        skip();
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_hostile_worker_honest_all_comes_back),
        T(test_hostile_worker_random_programs_leak_nothing),
        T(test_hostile_worker_bytes_change_while_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
