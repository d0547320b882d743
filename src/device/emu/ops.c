/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The devices that are software, one core with two faces: `emu`, software SGX, which protects
 * nothing and says so; and `bare`, the same with the rules of SGX off, the baseline of every
 * benchmark and the loader inside a confidential VM, where the VM is what protects.
 */
#include "device/emu/emu.h"

static sl_rc create_emu(const struct sl_device_options *options, const struct sl_secs *secs,
                        struct sl_enclave **ret_enclave, struct sl_err *err)
{
    return sl_emu_create(options, secs, false, ret_enclave, err);
}

static sl_rc create_bare(const struct sl_device_options *options, const struct sl_secs *secs,
                         struct sl_enclave **ret_enclave, struct sl_err *err)
{
    return sl_emu_create(options, secs, true, ret_enclave, err);
}

#define CORE_OPS                                                                                   \
    .add_pages = sl_emu_add_pages, .init = sl_emu_init, .enter = sl_emu_enter,                     \
    .destroy = sl_emu_destroy, .unenforced = sl_emu_unenforced

const struct sl_device_ops sl_device_emu = {
    .name = "emu",
    .protection = "emu: software SGX, protects nothing: for development and tests",
    .create = create_emu,
    CORE_OPS,
};

const struct sl_device_ops sl_device_bare = {
    .name = "bare",
    .protection = "bare: no enclave, protects nothing by itself",
    .create = create_bare,
    CORE_OPS,
};

const struct sl_machine *sl_device_machine(const struct sl_enclave *enclave)
{
    return enclave->ops == &sl_device_emu ? &((const struct emu_enclave *)enclave)->machine : NULL;
}

bool sl_device_processor(const struct sl_enclave *enclave, const uint8_t **ret_base,
                         size_t *ret_size)
{
    *ret_base = sl_emu_region.base;
    *ret_size = sl_emu_region.size;
    return enclave->ops == &sl_device_emu && sl_emu_region.size != 0;
}
