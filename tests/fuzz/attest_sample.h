/* SPDX-License-Identifier: Apache-2.0 */
/* A verification in which everything is good, of an emulated quote made in this process. */
#ifndef SL_FUZZ_ATTEST_SAMPLE_H
#define SL_FUZZ_ATTEST_SAMPLE_H

#include "safelib/attest.h"

/* Accepted as it is. With a cache, so that what varies is what costs. */
const struct sl_attest_input *sample_input(void);

#endif
