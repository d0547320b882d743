/* SPDX-License-Identifier: Apache-2.0 */
/* A host that bends its clocks: preloaded into safelib-host. BENT_RATE (percent) is the pace of
 * CLOCK_MONOTONIC, by which the host measures the TSC for the image; BENT_REAL_S moves the wall
 * clock. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t setting(const char *name, int64_t fallback)
{
    const char *text = getenv(name);
    return text != NULL ? strtoll(text, NULL, 10) : fallback;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, id, ts);
    int64_t now_ns = ts->tv_sec * 1000000000ll + ts->tv_nsec;
    if (id == CLOCK_MONOTONIC) {
        now_ns = now_ns / 100 * setting("BENT_RATE", 100);
    } else if (id == CLOCK_REALTIME) {
        now_ns += setting("BENT_REAL_S", 0) * 1000000000ll;
    }
    ts->tv_sec = now_ns / 1000000000ll;
    ts->tv_nsec = now_ns % 1000000000ll;
    return rc;
}
