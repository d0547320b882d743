/* SPDX-License-Identifier: Apache-2.0 */
/* safelib image measure: MRENCLAVE, and on request every page that goes into it. */
#include <openssl/sha.h>

#include "base/bytes.h"
#include "command.h"
#include "device/measure.h"
#include "image.h"

static json_t *range_json(const struct sl_image_range *r, bool is_pages)
{
    static const uint8_t zero_page[SL_SGX_PAGE_SIZE];
    json_t *row = json_pack("{s:s, s:I, s:I, s:I, s:b}", "name", r->name, "offset",
                            (json_int_t)r->off, "size", (json_int_t)r->size, "secinfo_flags",
                            (json_int_t)r->secinfo_flags, "measured", r->is_measured);
    if (row == NULL || !is_pages || !r->is_measured) {
        return row;
    }
    if (r->off == 0 || (r->secinfo_flags & SL_SECINFO_PT_TCS)) {
        /* Made by the loader, so not to be found in the file. */
        char hex[2 * SL_SGX_PAGE_SIZE + 1];
        sl_hex_encode(r->content, SL_SGX_PAGE_SIZE, hex);
        json_object_set_new(row, "content_hex", json_string(hex));
    }
    json_t *pages = json_array();
    for (uint64_t off = 0; off < r->size; off += SL_SGX_PAGE_SIZE) {
        uint8_t digest[SHA256_DIGEST_LENGTH];
        char hex[2 * SHA256_DIGEST_LENGTH + 1];
        (void)SHA256(r->content != NULL ? r->content + off : zero_page, SL_SGX_PAGE_SIZE, digest);
        sl_hex_encode(digest, sizeof(digest), hex);
        json_array_append_new(pages, json_string(hex));
    }
    json_object_set_new(row, "page_sha256", pages);
    return row;
}

static json_t *image_json(const struct sl_image *image, const char *mrenclave, bool is_pages)
{
    json_t *ranges = json_array();
    for (uint32_t i = 0; i < image->range_count; i++) {
        json_array_append_new(ranges, range_json(&image->ranges[i], is_pages));
    }
    return json_pack("{s:s, s:I, s:i, s:o}", "mrenclave", mrenclave, "size",
                     (json_int_t)image->size, "ssa_frame_size", (int)image->ssa_frame_size,
                     "ranges", ranges);
}

int image_measure(int argc, char **argv)
{
    bool is_json = false;
    bool is_pages = false;
    const struct option_spec options[] = {
        {"json", 'j', NULL, "the layout that is measured, as JSON", OPTION_FLAG, &is_json, 0, 0},
        {"pages", 0, NULL,
         "with --json: SHA-256 of every measured page, and the\nbytes of those that the loader "
         "makes",
         OPTION_FLAG, &is_pages, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib image measure [--json [--pages]] IMAGE",
        .about =
            "Prints MRENCLAVE, the measurement that the processor would compute while loading\n"
            "IMAGE. It depends on the file's bytes only: not on its path, user, date or\n"
            "machine. The gateway's configuration names the measurement it accepts.",
        .examples = "  safelib image measure build/safelib-nf",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = 1,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    struct sl_err err = {0};
    struct sl_image *image = NULL;
    uint8_t mrenclave[SL_MEASURE_SIZE];
    char hex[2 * SL_MEASURE_SIZE + 1];
    if (sl_image_load(argv[first], &image, &err) != SL_OK ||
        sl_image_measure(image, mrenclave, &err) != SL_OK) {
        status = complain_err(CMD_USAGE, &err);
        goto out;
    }
    sl_hex_encode(mrenclave, sizeof(mrenclave), hex);
    if (is_json) {
        status = print_json(image_json(image, hex, is_pages), CMD_GOOD);
    } else {
        status = printf("%s\n", hex) > 0 ? CMD_GOOD : CMD_USAGE;
    }
out:
    sl_image_free(image);
    return status;
}
