/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A hostile host in small: loads the test image without src/host, lets a test change what the host
 * says before and between entries, and looks at the registers after each exit.
 */
#ifndef SL_TESTS_IMAGE_RAW_H
#define SL_TESTS_IMAGE_RAW_H

#include "boundary/area.h"
#include "device/device.h"
#include "device/image.h"
#include "runtime/abi.h"
#include "runtime/params.h"

enum { RAW_LEAK_SIZE = 2048 };

struct raw {
    struct sl_image *image;
    struct sl_enclave *enclave;
    struct sl_area_layout layout;
    uint8_t *area;
    struct sl_enter_regs start; /**< first entry; a test may change it */
    unsigned exits;
    bool has_leak;    /**< a register held 0x5e5e... after an exit */
    bool is_poisoned; /**< enter with odd MXCSR and x87 control word */
    bool is_resuming; /**< ERESUME in place of the return of each call of an exception handler */
    unsigned resumes; /**< how often that was done */
    uint16_t last_vector;
};

/** @return 0, or -1 with a message on stdout */
int raw_open(struct raw *raw, const char *path, const struct sl_device_options *device,
             const char *const *argv, int argc);
void raw_close(struct raw *raw);

/** One step; fills @p regs with what came out. @return leaf after EEXIT: SL_EEXIT; else the
 * function that faulted, with raw->last_vector */
unsigned raw_step(struct raw *raw, uint32_t thread, struct sl_enter_regs *regs, unsigned leaf);

/** Serves thread 0 from raw->start until it ends; every wait returns at once.
 * @param[out] ret_regs  what the last exit said
 * @return its enum sl_abi_exit, or 0 where an entry was refused by the device */
uint64_t raw_run(struct raw *raw, struct sl_enter_regs *ret_regs);

#endif
