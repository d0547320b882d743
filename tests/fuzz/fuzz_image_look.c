/* SPDX-License-Identifier: Apache-2.0 */
/* What `safelib image inspect` does with a hostile ELF file: symbols, relocations, disassembly. */
#include <stdint.h>
#include <stdlib.h>

#include "device/measure.h"
#include "image_code.h"
#include "image_symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct sl_image *image)
{
    struct sl_err err = {0};
    struct symbols symbols = {0};
    struct parts parts = {0};
    struct code_report report = {0};
    uint8_t digest[32];
    if (symbols_init(&symbols, image, &err) == SL_OK &&
        parts_init(&parts, NULL, &symbols, &err) == SL_OK &&
        code_report_init(&report, image, &symbols, &err) == SL_OK) {
        for (size_t i = 0; i < symbols.count && i < 16; i++) {
            if (code_normal_digest(&symbols, &symbols.list[i], digest) != SL_OK) {
                break; /* a symbol beyond the file's bytes */
            }
        }
        for (size_t i = 0; i < report.count; i++) {
            if (symbols_at(&symbols, report.list[i].addr) == NULL) {
                abort(); /* a finding outside every symbol */
            }
        }
    }
    code_report_done(&report);
    parts_done(&parts);
    symbols_done(&symbols);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_image *image = NULL;
    struct sl_err err = {0};
    if (sl_image_parse(data, size, &image, &err) == SL_OK) {
        /* a few bytes of headers may ask for gigabytes of zero pages: not interesting here */
        if (image->size <= 1u << 28) {
            look(image);
        }
        sl_image_free(image);
    }
    return 0;
}
