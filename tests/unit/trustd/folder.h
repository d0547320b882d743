/* SPDX-License-Identifier: Apache-2.0 */
/* A folder that a test works in. */
#ifndef SL_TESTS_TRUSTD_FOLDER_H
#define SL_TESTS_TRUSTD_FOLDER_H

#include "unit.h"

static inline void folder_make(char *out, size_t size)
{
    (void)snprintf(out, size, "/tmp/sl-trustd-XXXXXX");
    assert_non_null(mkdtemp(out));
}

static inline void folder_remove(const char *folder)
{
    char command[100];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

#endif
