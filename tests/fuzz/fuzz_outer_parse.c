/* SPDX-License-Identifier: Apache-2.0 */
/* Outer headers from the network: whatever parses lies inside, and can be written again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "esp/encap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int is_true)
{
    if (!is_true) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_outer outer;
    uint8_t tos;
    uint32_t off;
    uint32_t esp_size;
    if (size > 70000 ||
        sl_outer_parse(data, (uint32_t)size, &outer, &tos, &off, &esp_size) != SL_OK) {
        return 0;
    }
    check(off <= size && esp_size <= size - off && esp_size >= 8);
    uint8_t *again = malloc(sl_outer_size(&outer) + esp_size);
    check(again != NULL);
    check(sl_outer_write(&outer, tos, 7, esp_size, again, sl_outer_size(&outer)) == SL_OK);
    memcpy(again + sl_outer_size(&outer), data + off, esp_size);
    struct sl_outer back;
    uint8_t back_tos;
    uint32_t back_off;
    uint32_t back_size;
    check(sl_outer_parse(again, sl_outer_size(&outer) + esp_size, &back, &back_tos, &back_off,
                         &back_size) == SL_OK);
    check(memcmp(&back, &outer, sizeof(back)) == 0 && back_tos == tos && back_size == esp_size);
    free(again);
    return 0;
}
