/* SPDX-License-Identifier: Apache-2.0 */
/* Several parsers in one fuzzing process: the first byte picks, the rest is for the one picked. */
#include <stddef.h>
#include <stdint.h>

#define DECLARE(name) int fuzz_##name(const uint8_t *data, size_t size);
FUZZ_MEMBERS(DECLARE)
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
#define ADDRESS(name) fuzz_##name,
    static int (*const members[])(const uint8_t *, size_t) = {FUZZ_MEMBERS(ADDRESS)};

    return size > 0 ? members[data[0] % (sizeof(members) / sizeof(members[0]))](data + 1, size - 1)
                    : 0;
}
