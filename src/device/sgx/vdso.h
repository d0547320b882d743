/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Finds a versioned function in the vDSO: an ELF image in memory whose address the kernel passes in
 * the auxiliary vector. Linux asks users to parse it themselves (Documentation/ABI/stable/vdso).
 */
#ifndef SL_DEVICE_SGX_VDSO_H
#define SL_DEVICE_SGX_VDSO_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** The vDSO of this process.
 * @param[out] ret_data start; never freed
 * @param[out] ret_size bytes up to the end of its loaded segment
 * @retval SL_OK
 * @retval SL_NOT_FOUND the kernel passed none
 * @retval SL_MALFORMED what it passed is no ELF image of a believable size */
sl_rc sl_vdso_self(const uint8_t **ret_data, size_t *ret_size) SL_MUST_CHECK;

/** Finds a defined, global function in a vDSO image. Every offset is checked against @p size, so
 * any bytes are fine.
 * @param[in]  version  name of the symbol's version, e.g. "LINUX_2.6"
 * @param[out] ret_off  of the function from @p data
 * @retval SL_OK
 * @retval SL_NOT_FOUND no such function, or not with that version
 * @retval SL_MALFORMED not an x86-64 ELF image with a dynamic symbol table inside @p size */
sl_rc sl_vdso_find(const uint8_t *data, size_t size, const char *name, const char *version,
                   uint64_t *ret_off) SL_MUST_CHECK;

#endif
