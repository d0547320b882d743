/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * From an ELF file to enclave pages: the layout that the loader adds, the signer measures and
 * `safelib image` prints. A pure function of the file's bytes, so that MRENCLAVE is one for all.
 */
#ifndef SL_DEVICE_IMAGE_H
#define SL_DEVICE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "device/sgx_arch.h"
#include "runtime/layout.h"

#define SL_IMAGE_WANTS_MAGIC 0x494c5346u /* "FSLI" */

enum {
    SL_IMAGE_WANTS_VERSION = 1,
    SL_IMAGE_RANGES_MAX = 320,
    SL_IMAGE_NAME_SIZE = 24,
};

/** Wants of an image, in its ELF section ".sl_image" (a struct sl_image_wants); defaults where
 * absent. */
struct sl_image_wants {
    uint32_t magic;        /**< 0x494c5346 "FSLI" */
    uint32_t version;      /**< 1 */
    uint64_t heap_size;    /**< bytes; default 64 MiB */
    uint64_t stack_size;   /**< bytes per thread; default 256 KiB */
    uint32_t thread_count; /**< TCSs, 1..32; default 8 */
    uint16_t isv_prod_id;
    uint16_t isv_svn;
};

/** One run of pages with the same flags, ascending and without overlap. */
struct sl_image_range {
    uint64_t off;
    uint64_t size;          /**< multiple of the page size */
    uint64_t secinfo_flags; /**< SL_SECINFO_*; 0 pages (guards) are not listed */
    const uint8_t *content; /**< size bytes, owned by the image; NULL = zero pages */
    bool is_measured;       /**< EEXTENDed; zero heap pages need not be */
    /** "layout", "text", "rodata", "data", "bss", "heap", "stack 3", "block 3", "ssa 3", "tcs 3"
     * ... */
    char name[SL_IMAGE_NAME_SIZE];
};

struct sl_image {
    uint64_t size;           /**< of the enclave: power of two */
    uint64_t entry_off;      /**< TCS.OENTRY */
    uint32_t ssa_frame_size; /**< pages */
    uint32_t misc_select;
    struct sl_attributes attributes;
    struct sl_image_wants wants;
    uint32_t tcs_count;
    uint64_t tcs_off[32];
    struct sl_image_range *ranges;
    uint32_t range_count;
    const struct sl_layout *layout; /**< content of the layout page, owned */
    const uint8_t *elf;             /**< the file's bytes, owned */
    size_t elf_size;
    uint8_t *storage; /**< page contents that the ranges point into */
};

/** Reads and lays out an image. The file is untrusted: bounded parsing.
 * @retval SL_OK, SL_IO, SL_TRUNCATED, SL_MALFORMED (not a static-PIE x86-64 ELF, overlapping
 * segments), SL_UNSUPPORTED (W+X segment, text relocations, interpreter), SL_RANGE, SL_NO_MEMORY
 * @owner the caller frees with sl_image_free */
sl_rc sl_image_load(const char *path, struct sl_image **ret_image,
                    struct sl_err *err) SL_MUST_CHECK;
/** The same from bytes in memory, which are copied. @retval as sl_image_load, without SL_IO */
sl_rc sl_image_parse(const uint8_t *elf, size_t size, struct sl_image **ret_image,
                     struct sl_err *err) SL_MUST_CHECK;
/** Frees the file's bytes and the pages' contents, tens of MiB, once they are on a device. What is
 * left says where things are: elf is NULL, elf_size 0, every range's content NULL; layout stays.
 * @retval SL_OK
 * @retval SL_NO_MEMORY  nothing was freed */
sl_rc sl_image_drop_contents(struct sl_image *image) SL_MUST_CHECK;
void sl_image_free(struct sl_image *image);

#endif
