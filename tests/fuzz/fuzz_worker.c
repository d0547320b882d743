/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a program of a hostile host against the whole packet path
 * (tests/unit/boundary/hostile_worker.h). */
#include "../unit/boundary/hostile_worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hostile_worker w;
    hostile_worker_init(&w);
    hostile_interpret(&w.h, data, size < 2048 ? size : 2048);
    hostile_worker_check(&w);
    hostile_worker_done(&w);
    return 0;
}
