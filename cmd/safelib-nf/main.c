/* SPDX-License-Identifier: Apache-2.0 */
/* The standard NF image: the worker, the control server and every NF of nf/, for the TEE. */
#include "device/image.h"
#include "image/image.h"

#ifndef SL_NF_HEAP_SIZE /* a benchmark has an image with room for millions of flows */
#define SL_NF_HEAP_SIZE (128ull << 20)
#endif

/* One control thread and up to SL_AREA_SHARDS_MAX workers. The shards share one compiled policy.
 * With 10,000 firewall rules 25 MB of the heap are in use at most while it is loaded, 39 MB while
 * it replaces another under traffic, for one shard as for four. The rest is room for policies that
 * compile to more (FW_MEMORY_MAX); what is not used is never touched. On SGX it is all added to the
 * enclave at start, in EPC or paged out of it. */
__attribute__((used, section(".sl_image"))) static const struct sl_image_wants wants = {
    .magic = SL_IMAGE_WANTS_MAGIC,
    .version = 1,
    .heap_size = SL_NF_HEAP_SIZE,
    .stack_size = 256 << 10,
    .thread_count = 17,
    .isv_prod_id = 1,
    .isv_svn = 1,
};

int main(int argc, char **argv)
{
    return sl_image_main(argc, argv);
}
