/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The device `emu`: software SGX. It protects nothing, and says so.
 */
#include "device/emu/emu.h"

static sl_rc create(const struct sl_device_options *options, const struct sl_secs *secs,
                    struct sl_enclave **ret_enclave, struct sl_err *err)
{
    return sl_emu_create(options, secs, false, ret_enclave, err);
}

const struct sl_device_ops sl_device_emu = {
    .name = "emu",
    .protection = "emu: software SGX, protects nothing: for development and tests",
    .create = create,
    .add_pages = sl_emu_add_pages,
    .init = sl_emu_init,
    .enter = sl_emu_enter,
    .destroy = sl_emu_destroy,
    .unenforced = sl_emu_unenforced,
};

const struct sl_machine *sl_device_machine(const struct sl_enclave *enclave)
{
    return enclave->ops == &sl_device_emu ? &((const struct emu_enclave *)enclave)->machine : NULL;
}
