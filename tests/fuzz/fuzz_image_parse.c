/* SPDX-License-Identifier: Apache-2.0 */
/* An ELF file of anybody's, laid out as an enclave: src/device/image.c and elf_file.c. */
#include <stdlib.h>

#include "device/elf_file.h"
#include "device/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_image *image = NULL;
    struct sl_elf elf;
    uint64_t off = 0;
    if (sl_elf_parse(data, size, &elf, NULL) == SL_OK) {
        (void)sl_elf_symbol(&elf, elf.entry, &off);
    }
    if (sl_image_parse(data, size, &image, NULL) == SL_OK) {
        uint64_t end = 0;
        for (uint32_t i = 0; i < image->range_count; i++) {
            if (image->ranges[i].off < end || image->ranges[i].size == 0) {
                abort();
            }
            end = image->ranges[i].off + image->ranges[i].size;
        }
        if (end > image->size) {
            abort();
        }
        sl_image_free(image);
    }
    return 0;
}
