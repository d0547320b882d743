/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The list of devices.
 */
#include "device/device.h"

#include <string.h>

extern const struct sl_device_ops sl_device_emu, sl_device_bare, sl_device_sgx;

const struct sl_device_ops *sl_device_find(const char *name)
{
    static const struct sl_device_ops *const devices[] = {&sl_device_emu, &sl_device_bare,
                                                          &sl_device_sgx};
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (strcmp(devices[i]->name, name) == 0) {
            return devices[i];
        }
    }
    return NULL;
}
