/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's calls on plain Linux, for tests of the image's code outside an enclave. */
#ifndef SL_TESTS_NATIVE_RUNTIME_H
#define SL_TESTS_NATIVE_RUNTIME_H

#include "runtime/runtime.h"

void native_runtime_set(uint8_t *area, const struct sl_area_geometry *geometry,
                        const struct sl_area_layout *layout, bool polling);
uint64_t native_runtime_waits(void);
/** Whether sl_rt_report fails, as on the device bare. */
void native_runtime_no_reports(bool is_missing);

#endif
