/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The device `bare`: the emulator's core with the rules of SGX off. The baseline of every
 * benchmark, and the loader inside a confidential VM, where the VM is what protects.
 */
#include "device/emu/emu.h"

static sl_rc create(const struct sl_device_options *options, const struct sl_secs *secs,
                    struct sl_enclave **ret_enclave, struct sl_err *err)
{
    return sl_emu_create(options, secs, true, ret_enclave, err);
}

const struct sl_device_ops sl_device_bare = {
    .name = "bare",
    .protection = "bare: no enclave, protects nothing by itself",
    .create = create,
    .add_pages = sl_emu_add_pages,
    .init = sl_emu_init,
    .enter = sl_emu_enter,
    .destroy = sl_emu_destroy,
    .unenforced = sl_emu_unenforced,
};
