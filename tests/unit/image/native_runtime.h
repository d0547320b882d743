/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's calls on plain Linux, for tests of the image's code outside an enclave. */
#ifndef SL_TESTS_NATIVE_RUNTIME_H
#define SL_TESTS_NATIVE_RUNTIME_H

#include "runtime/runtime.h"

void native_runtime_set(uint8_t *area, const struct sl_area_geometry *geometry,
                        const struct sl_area_layout *layout, bool polling);
uint64_t native_runtime_waits(void);
/* Times sl_rt_wake was called. */
uint64_t native_runtime_wakes(void);
/** Whether sl_rt_report fails, as on the device bare. */
void native_runtime_no_reports(bool is_missing);

/** Who answers for EREPORT from now on; NULL: bytes in the right places, and no MAC. */
void native_runtime_reporter(sl_rc (*report)(void *ctx, const uint8_t target_info[512],
                                             const uint8_t report_data[64],
                                             uint8_t ret_report[432]),
                             void *ctx);

/* Whether EGETKEY works, so that there is sealing. Off at first, as on device bare. */
void native_runtime_keys(bool is_given);

#endif
