/* SPDX-License-Identifier: Apache-2.0 */
/* Cases about threads. */
#include "cases.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "runtime/runtime.h"

enum { OTHERS = 7, ROUNDS = 2000, NS = 1000000000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t shared_count;
static int turn;

static void *count_up(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        (void)pthread_mutex_lock(&lock);
        shared_count++;
        (void)pthread_mutex_unlock(&lock);
    }
    return arg;
}

int case_threads(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t threads[OTHERS];
    for (long i = 0; i < OTHERS; i++) {
        check(pthread_create(&threads[i], NULL, count_up, (void *)i) == 0);
    }
    (void)count_up(NULL);
    for (long i = 0; i < OTHERS; i++) {
        void *result = NULL;
        check(pthread_join(threads[i], &result) == 0 && result == (void *)i);
    }
    check(shared_count == (uint64_t)(OTHERS + 1) * ROUNDS);
    return 0;
}

/* A baton goes round by condition variable: every wake-up counts. */
static void *pass_on(void *arg)
{
    int me = (int)(long)arg;
    for (int i = 0; i < 100; i++) {
        (void)pthread_mutex_lock(&lock);
        while (turn != me) {
            (void)pthread_cond_wait(&changed, &lock);
        }
        turn = (turn + 1) % OTHERS;
        (void)pthread_cond_broadcast(&changed);
        (void)pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int case_handover(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t threads[OTHERS];
    for (long i = 0; i < OTHERS; i++) {
        check(pthread_create(&threads[i], NULL, pass_on, (void *)i) == 0);
    }
    for (long i = 0; i < OTHERS; i++) {
        check(pthread_join(threads[i], NULL) == 0);
    }
    check(turn == 0);
    return 0;
}

int case_timedwait(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct timespec until;
    uint64_t before = sl_rt_now_ns();
    check(clock_gettime(CLOCK_REALTIME, &until) == 0);
    until.tv_nsec += 20000000;
    if (until.tv_nsec >= NS) {
        until.tv_nsec -= NS;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&lock);
    check(pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT);
    (void)pthread_mutex_unlock(&lock);
    check(sl_rt_now_ns() - before >= 19000000);
    return 0;
}

static __thread uint64_t own = 42;
static __thread char own_zero[100];

static void *use_tls(void *arg)
{
    uint64_t value = (uint64_t)arg;
    if (own != 42 || own_zero[99] != 0) {
        return NULL;
    }
    own = value;
    own_zero[99] = (char)value;
    for (int i = 0; i < 50; i++) {
        (void)sched_yield();
        if (own != value || own_zero[99] != (char)value) {
            return NULL;
        }
    }
    return arg;
}

int case_tls(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t threads[OTHERS];
    for (uint64_t i = 0; i < OTHERS; i++) {
        check(pthread_create(&threads[i], NULL, use_tls, (void *)(i + 1)) == 0);
    }
    for (uint64_t i = 0; i < OTHERS; i++) {
        void *result = NULL;
        check(pthread_join(threads[i], &result) == 0 && result == (void *)(i + 1));
    }
    check(own == 42);
    return 0;
}

/* TCSs and stacks are used again; a stack used again is clean for libc. */
int case_many_threads(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (uint64_t i = 0; i < 60; i++) {
        pthread_t thread;
        pthread_attr_t attr;
        void *result = NULL;
        check(pthread_attr_init(&attr) == 0);
        check(pthread_attr_setstacksize(&attr, i % 2 == 0 ? 65536 : 262144) == 0);
        check(pthread_create(&thread, &attr, use_tls, (void *)(i + 1)) == 0);
        check(pthread_join(thread, &result) == 0 && result == (void *)(i + 1));
    }
    struct sl_rt_counters counters;
    sl_rt_counters(&counters);
    check(counters.threads == 1);
    return 0;
}

static void *wait_for_turn(void *arg)
{
    (void)pthread_mutex_lock(&lock);
    while (turn == 0) {
        (void)pthread_cond_wait(&changed, &lock);
    }
    (void)pthread_mutex_unlock(&lock);
    return arg;
}

int case_too_many_threads(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t threads[OTHERS + 1];
    for (int i = 0; i < OTHERS; i++) {
        check(pthread_create(&threads[i], NULL, wait_for_turn, NULL) == 0);
    }
    check(pthread_create(&threads[OTHERS], NULL, wait_for_turn, NULL) == EAGAIN);
    (void)pthread_mutex_lock(&lock);
    turn = 1;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
    for (int i = 0; i < OTHERS; i++) {
        check(pthread_join(threads[i], NULL) == 0);
    }
    check(pthread_create(&threads[0], NULL, wait_for_turn, NULL) == 0);
    check(pthread_join(threads[0], NULL) == 0);
    return 0;
}

static void *exit_with(void *arg)
{
    exit((int)(long)arg);
}

/* exit() in a thread ends the image, while main sleeps */
int case_thread_exits(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t thread;
    check(pthread_create(&thread, NULL, exit_with, (void *)23) == 0);
    (void)pthread_join(thread, NULL);
    return 1;
}

static void *say_and_end(void *arg)
{
    const struct timespec moment = {.tv_nsec = 10000000};
    (void)nanosleep(&moment, NULL);
    printf("last thread\n");
    return arg;
}

/* main may end first: the image ends with its last thread */
int case_pthread_exit(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t thread;
    check(pthread_create(&thread, NULL, say_and_end, NULL) == 0);
    check(pthread_detach(thread) == 0);
    pthread_exit(NULL);
}

int case_spin(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    sl_rt_wait(SL_RT_WAIT_SHARD, 0, 0); /* tells the suite that it is there */
    for (volatile uint64_t i = 0;; i++) {
    }
}

static void *exit_soon(void *arg)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    (void)nanosleep(&moment, NULL);
    exit((int)(long)arg);
}

/* exit() in a thread while main computes without ever leaving */
int case_spin_exit(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pthread_t thread;
    check(pthread_create(&thread, NULL, exit_soon, (void *)24) == 0);
    for (volatile uint64_t i = 0;; i++) {
    }
}
