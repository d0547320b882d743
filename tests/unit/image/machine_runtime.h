/* SPDX-License-Identifier: Apache-2.0 */
/* An enclave on an emulated processor, as far as EGETKEY and EREPORT go; instead of the part of
 * native_runtime.c that has them. */
#ifndef SL_TESTS_MACHINE_RUNTIME_H
#define SL_TESTS_MACHINE_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

/** Another processor. */
void machine_new(void);
void machine_cpu_svn(uint8_t svn);
/** Another enclave on it; the bytes fill the measurements. */
void machine_enclave(uint8_t mrenclave, uint8_t mrsigner, uint16_t prod_id, uint16_t svn);
void machine_debug(void);
void machine_bare(bool on);

#endif
