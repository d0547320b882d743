/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The drivers that are built in.
 */
#ifndef SL_MONITOR_DRIVERS_H
#define SL_MONITOR_DRIVERS_H

#include "monitor/driver.h"

extern const struct sl_driver sl_driver_tpm_ima;
extern const struct sl_driver sl_driver_sgx;
extern const struct sl_driver sl_driver_tdx;
extern const struct sl_driver sl_driver_sev_snp;

#endif
