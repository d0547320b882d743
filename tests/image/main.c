/* SPDX-License-Identifier: Apache-2.0 */
/* The test image's entry, and the cases about parameters, log, randomness, time, and the host. */
#include "cases.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "device/image.h"
#include "runtime/runtime.h"

enum { NS = 1000000000 };

/* 64 MiB of heap: what the exhaustion case expects. */
__attribute__((section(".sl_image"), used)) static const struct sl_image_wants wants = {
    .magic = SL_IMAGE_WANTS_MAGIC,
    .version = SL_IMAGE_WANTS_VERSION,
    .heap_size = 64 << 20,
    .stack_size = 256 << 10,
    .thread_count = 8,
    .isv_prod_id = 7,
    .isv_svn = 1,
};

int case_args(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        printf("arg %d: %s\n", i, argv[i]);
    }
    check(argv[argc] == NULL);
    check(getenv("HOME") == NULL);
    return 0;
}

int case_exit(int argc, char **argv)
{
    exit(argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0);
}

int case_log(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static char line[3000];
    memset(line, 'x', sizeof(line) - 1);
    printf("one\ntwo ");
    printf("halves\n");
    printf("%s\n", line);
    fprintf(stderr, "error\n");
    printf("no newline at the end");
    return 0;
}

int case_random(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    uint8_t a[37] = {0};
    uint8_t b[37] = {0};
    check(getrandom(a, sizeof(a), 0) == (ssize_t)sizeof(a));
    check(getrandom(b, sizeof(b), GRND_NONBLOCK) == (ssize_t)sizeof(b));
    check(memcmp(a, b, sizeof(a)) != 0);
    for (size_t i = 0; i < sizeof(a); i++) {
        printf("%02x", a[i]);
    }
    printf("\n");
    return 0;
}

/* System calls that are refused, answered with an error, or answered. */
int case_refused(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct sl_rt_counters before;
    struct sl_rt_counters after;
    sl_rt_counters(&before);
    for (int i = 0; i < 3; i++) {
        errno = 0;
        check(syscall(SYS_socket, 2, 1, 0) == -1 && errno == ENOSYS);
    }
    check(syscall(5000) == -1 && errno == ENOSYS);
    sl_rt_counters(&after);
    check(sl_rt_refused(SYS_socket) == 3);
    check(sl_rt_refused(5000) == 1);
    check(after.syscalls_refused - before.syscalls_refused == 4);
    check(after.syscalls > before.syscalls);
    struct stat st;
    check(fopen("/etc/passwd", "r") == NULL && errno == ENOENT);
    check(stat("/", &st) == -1 && errno == ENOENT);
    check(write(7, "x", 1) == -1 && errno == EBADF);
    check(isatty(1) == 1);
    return 0;
}

int case_time(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    uint64_t last = sl_rt_now_ns();
    uint64_t start = last;
    for (int i = 0; i < 200000; i++) {
        uint64_t now = sl_rt_now_ns();
        if (now < last) {
            fails("time ran backwards");
        }
        last = now;
    }
    struct timespec real;
    struct timespec mono;
    struct timeval tv;
    check(clock_gettime(CLOCK_REALTIME, &real) == 0);
    check(clock_gettime(CLOCK_MONOTONIC, &mono) == 0);
    check(gettimeofday(&tv, NULL) == 0);
    check(labs(tv.tv_sec - real.tv_sec) <= 10 && labs(time(NULL) - real.tv_sec) <= 10);
    printf("realtime %lld passed %llu\n", (long long)real.tv_sec,
           (unsigned long long)(last - start));
    check(!sl_rt_is_time_authenticated());
    sl_rt_time_set(1234567890ull * NS);
    check(sl_rt_is_time_authenticated() && labs(time(NULL) - 1234567890) <= 10);
    return 0;
}

int case_sleep(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct timespec request = {.tv_nsec = 30000000};
    uint64_t before = sl_rt_now_ns();
    check(nanosleep(&request, NULL) == 0);
    check(clock_nanosleep(CLOCK_MONOTONIC, 0, &request, NULL) == 0);
    uint64_t passed = sl_rt_now_ns() - before;
    if (passed < 60000000) {
        fails("slept %llu ns, asked for 60 ms", (unsigned long long)passed);
    }
    return 0;
}

int case_wait(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    check(!sl_rt_is_polling() || strcmp(argv[2], "--polling") == 0);
    sl_rt_wait(SL_RT_WAIT_SHARD, 3, 12345);
    sl_rt_wait(SL_RT_WAIT_CONTROL, 0, 0);
    printf("polling %d\n", sl_rt_is_polling());
    return 0;
}

int case_wait_forever(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (;;) {
        sl_rt_wait(SL_RT_WAIT_SHARD, 0, NS);
    }
}

int case_round_trips(int argc, char **argv)
{
    int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1000;
    for (int i = 0; i < count; i++) {
        sl_rt_wait(SL_RT_WAIT_SHARD, 0, 0);
    }
    return 0;
}

int case_area(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct sl_rt_area *area = sl_rt_area();
    check(area->geometry.shard_count == 1 && area->geometry.log_size == 65536);
    check(area->layout.size > area->layout.control_out.slots);
    printf("area %llu\n", (unsigned long long)area->layout.size);
    return 0;
}

int main(int argc, char **argv)
{
    CASE_TABLE(CASE_CALL)
    printf("no case of that name\n");
    return 100;
}
