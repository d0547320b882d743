/* SPDX-License-Identifier: Apache-2.0 */
/* The table of drivers: one row each. */
#include "monitor/drivers.h"

#include <string.h>

static const struct sl_driver *const DRIVERS[] = {
    &sl_driver_tpm_ima,
    &sl_driver_sgx,
    &sl_driver_tdx,
    &sl_driver_sev_snp,
};

const struct sl_driver *sl_driver_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof(DRIVERS) / sizeof(DRIVERS[0]); i++) {
        if (strcmp(DRIVERS[i]->name, name) == 0) {
            return DRIVERS[i];
        }
    }
    return NULL;
}
