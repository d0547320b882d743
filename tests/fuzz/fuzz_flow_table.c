/* SPDX-License-Identifier: Apache-2.0 */
/* A flow table against a reference that is an array: tests/unit/flow/model.c. */
#include <stddef.h>
#include <stdint.h>

#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model_counts counts = {0};
    model_run(data, size, &counts);
    return 0;
}
