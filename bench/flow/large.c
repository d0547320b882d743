/* SPDX-License-Identifier: Apache-2.0 */
/* The standard NF image with a heap that has room for millions of flows: what spilling is measured
 * against. */
#include "device/image.h"
#include "image/image.h"

__attribute__((used, section(".sl_image"))) static const struct sl_image_wants wants = {
    .magic = SL_IMAGE_WANTS_MAGIC,
    .version = 1,
    .heap_size = 1ull << 30,
    .stack_size = 256 << 10,
    .thread_count = 17,
    .isv_prod_id = 1,
    .isv_svn = 1,
};

int main(int argc, char **argv)
{
    return sl_image_main(argc, argv);
}
