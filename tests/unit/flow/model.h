/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Random operations on a flow table beside a reference that is an array. For the unit test, which
 * feeds it from a generator, and for libFuzzer.
 */
#ifndef SL_TESTS_FLOW_MODEL_H
#define SL_TESTS_FLOW_MODEL_H

#include <stddef.h>
#include <stdint.h>

/** What a run came to; so that a test can see that it tested something. */
struct model_counts {
    uint64_t packets, created, established, related, invalid, full, evicted, idle, closed,
        forgotten, rekeyed, split;
};

/** Does what @p data says. Aborts, with a line, where table and reference differ. */
void model_run(const uint8_t *data, size_t size, struct model_counts *counts);

#endif
