/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of a test's own, and files in it. */
#ifndef SL_TESTS_AGENT_SCRATCH_H
#define SL_TESTS_AGENT_SCRATCH_H

#include <ftw.h>
#include <unistd.h>

#include "unit.h"

static char scratch[64];

static inline int scratch_make(void **state)
{
    (void)state;
    (void)snprintf(scratch, sizeof(scratch), "/tmp/sl-agent-unit.XXXXXX");
    return mkdtemp(scratch) != NULL ? 0 : -1;
}

static inline int scratch_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline int scratch_remove(void **state)
{
    (void)state;
    return nftw(scratch, scratch_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* @return path of NAME in the folder; the next call overwrites it */
static inline const char *scratch_path(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
    return path;
}

static inline const char *scratch_put(const char *name, const void *data, size_t size)
{
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *scratch_text(const char *name, const char *text)
{
    return scratch_put(name, text, strlen(text));
}

#endif
