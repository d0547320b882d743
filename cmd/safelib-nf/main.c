/* SPDX-License-Identifier: Apache-2.0 */
/* The standard NF image: the worker, the control server and every NF of nf/, for the TEE. */
#include "device/image.h"
#include "image/image.h"

/* One control thread and up to SL_AREA_SHARDS_MAX workers. The heap holds two policies at once
 * while one replaces the other, for every shard: 12 MiB each with 10,000 firewall rules, so that 4
 * shards of that size fit. What is not used is never touched: one shard with 10,000 rules has 47
 * MiB resident. */
__attribute__((used, section(".sl_image"))) static const struct sl_image_wants wants = {
    .magic = SL_IMAGE_WANTS_MAGIC,
    .version = 1,
    .heap_size = 192ull << 20,
    .stack_size = 256 << 10,
    .thread_count = 17,
    .isv_prod_id = 1,
    .isv_svn = 1,
};

int main(int argc, char **argv)
{
    return sl_image_main(argc, argv);
}
