/* SPDX-License-Identifier: Apache-2.0 */
/* A bbolt database of somebody else's: what is found lies inside the file, and the walk ends. The
 * checksums of both meta pages are made right first, so that the pages behind them are reached.
 *
 * Input: u8 size of the page in units of 512, the database. */
#include <stdlib.h>
#include <string.h>

#include "agent/bolt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGE_UNIT = 512, META = 16, META_HASHED = 56 };

static void seal(uint8_t *file, size_t size, size_t page)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    if (page + META + META_HASHED + sizeof(hash) > size) {
        return;
    }
    for (size_t i = 0; i < META_HASHED; i++) {
        hash = (hash ^ file[page + META + i]) * UINT64_C(0x100000001b3);
    }
    memcpy(file + page + META + META_HASHED, &hash, sizeof(hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"v1", "k8s.io", "containers", "id", "image"};
    if (size < 2) {
        return 0;
    }
    uint8_t *file = malloc(size - 1);
    if (file == NULL) {
        abort();
    }
    memcpy(file, data + 1, size - 1);
    seal(file, size - 1, 0);
    seal(file, size - 1, (size_t)data[0] * PAGE_UNIT);
    for (size_t count = 0; count <= sizeof(keys) / sizeof(keys[0]); count++) {
        const struct sl_blob whole = {file, size - 1};
        struct sl_blob value = {NULL, 0};
        if (sl_bolt_find(whole, keys, count, &value) == SL_OK &&
            (value.data < file || value.size > whole.size ||
             (size_t)(value.data - file) > whole.size - value.size)) {
            abort();
        }
    }
    free(file);
    return 0;
}
