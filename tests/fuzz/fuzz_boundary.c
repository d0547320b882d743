/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a program of a hostile host over the rings (tests/unit/boundary/hostile.h). */
#include "../unit/boundary/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hostile h;
    hostile_init(&h);
    hostile_run(&h, data, size < 4096 ? size : 4096);
    hostile_done(&h);
    return 0;
}
