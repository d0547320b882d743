/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka in the order it needs, and a shorter runner. */
#ifndef SL_TESTS_UNIT_H
#define SL_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define assert_ok(expr)     assert_int_equal((expr), 0)
#define assert_rc(expr, rc) assert_int_equal((expr), (rc))

static inline uint64_t unit_now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
static inline uint64_t unit_now_ms(void)
{
    return unit_now_ns() / 1000000u;
}

/* Path of a published vector, or skips the test (counted) where the data is absent. */
static inline void vector_path(const char *name, char *out, size_t size)
{
    const char *root = getenv("SL_VECTORS");
    const char *source = getenv("SL_SOURCE_ROOT");
    if (root != NULL) {
        (void)snprintf(out, size, "%s/%s", root, name);
    } else {
        (void)snprintf(out, size, "%s/../shared/vectors/%s", source != NULL ? source : ".", name);
    }
    FILE *file = fopen(out, "r");
    if (file == NULL) {
        print_message("vectors absent: %s\n", out);
        skip();
    }
    (void)fclose(file);
}

#endif
