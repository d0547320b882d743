/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * MRENCLAVE: SHA-256 over the sequence of ECREATE, EADD and EEXTEND records, as the processor
 * computes it while an enclave is built.
 */
#ifndef SL_DEVICE_MEASURE_H
#define SL_DEVICE_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "device/image.h"
#include "device/sgx_arch.h"

enum { SL_MEASURE_SIZE = 32, SL_EEXTEND_SIZE = 256 };

/** One running measurement. Zero-initialise; wiped and freed by sl_measure_done(). */
struct sl_measure {
    void *sha; /**< EVP_MD_CTX */
    uint64_t size;
    bool is_final;
};

/** Starts over with ECREATE's record.
 * @param[in] size            of the enclave in bytes: a power of two, at least two pages
 * @param[in] ssa_frame_size  pages, not zero
 * @retval SL_OK      ready for sl_measure_eadd
 * @retval SL_INVALID @p size or @p ssa_frame_size is one that ECREATE refuses
 * @retval SL_CRYPTO  SHA-256 is not available
 * @owner   @p m holds a digest context from here on: sl_measure_done()
 * @context host or tool; allocates
 * @spec    SDM vol. 3D, ECREATE */
sl_rc sl_measure_ecreate(struct sl_measure *m, uint64_t size,
                         uint32_t ssa_frame_size) SL_MUST_CHECK;

/** Adds EADD's record of one page.
 * @param[in] off    of the page from the enclave's base, bytes
 * @param[in] flags  SECINFO.FLAGS; for a TCS, R, W and X are forced to 0 as the processor does
 * @retval SL_OK      recorded
 * @retval SL_INVALID flags have reserved bits, W without R, or a type that EADD refuses
 * @retval SL_RANGE   @p off is not a page of the enclave
 * @retval SL_STATE   before ecreate or after final
 * @retval SL_CRYPTO  digest failed
 * @spec    SDM vol. 3D, EADD */
sl_rc sl_measure_eadd(struct sl_measure *m, uint64_t off, uint64_t flags) SL_MUST_CHECK;

/** Adds EEXTEND's record of 256 bytes.
 * @param[in] off   of the chunk from the enclave's base, multiple of 256
 * @param[in] chunk SL_EEXTEND_SIZE bytes
 * @retval SL_OK     recorded
 * @retval SL_RANGE  @p off is not a chunk of the enclave
 * @retval SL_STATE  before ecreate or after final
 * @retval SL_CRYPTO digest failed
 * @spec    SDM vol. 3D, EEXTEND */
sl_rc sl_measure_eextend(struct sl_measure *m, uint64_t off, const uint8_t *chunk) SL_MUST_CHECK;

/** EADD of @p size bytes of pages, each followed by its 16 EEXTENDs where @p is_measured: the order
 * that Linux's SGX_IOC_ENCLAVE_ADD_PAGES gives.
 * @param[in] content @p size bytes, or NULL for zero pages; of a TCS, the fields that EADD resets
 *                    (stage, DBGOPTIN, CSSA, AEP) count as zero
 * @retval SL_INVALID @p size is not a whole number of pages, or as sl_measure_eadd
 * @retval SL_OK, SL_RANGE, SL_STATE, SL_CRYPTO as sl_measure_eadd */
sl_rc sl_measure_pages(struct sl_measure *m, uint64_t off, const uint8_t *content, uint64_t size,
                       uint64_t flags, bool is_measured) SL_MUST_CHECK;

/** EINIT's end of the measurement. @p m keeps nothing to add to.
 * @retval SL_OK     @p ret_mrenclave holds 32 bytes
 * @retval SL_STATE  before ecreate or after final
 * @retval SL_CRYPTO digest failed */
sl_rc sl_measure_final(struct sl_measure *m, uint8_t ret_mrenclave[SL_MEASURE_SIZE]) SL_MUST_CHECK;

void sl_measure_done(struct sl_measure *m);

/** Measures a laid-out image as the loader adds it.
 * @retval SL_OK, or what the steps above return, with a sentence in @p err */
sl_rc sl_image_measure(const struct sl_image *image, uint8_t ret_mrenclave[SL_MEASURE_SIZE],
                       struct sl_err *err) SL_MUST_CHECK;

/** The same for one range alone (as if it were the only one): tells two images' parts apart. */
sl_rc sl_image_range_measure(const struct sl_image *image, const struct sl_image_range *range,
                             uint8_t ret_digest[SL_MEASURE_SIZE]) SL_MUST_CHECK;

#endif
