/* SPDX-License-Identifier: Apache-2.0 */
/* What runs between an image's main() and its NFs: threads, and how they come to be. */
#include "image/image.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/control_server.h"
#include "runtime/runtime.h"

struct start {
    uint8_t tenant_hash[SL_SPKI_HASH_SIZE];
    const char *device;
    bool has_tenant;
    uint8_t sealed[SL_SEALED_MAX]; /**< as the host hands it back */
    size_t sealed_size;            /**< 0: nothing */
    enum sl_seal_policy seal_policy;
};

struct image {
    struct sl_worker *workers;
    struct sl_provision provision;
    struct sl_life life;
    struct sl_boundary_counters control_boundary;
    struct sl_control_server server;
    struct sl_identity *identity;
};

/* The one image of this enclave: large, and alive as long as the enclave. */
static struct image image;

static int usage(const char *what)
{
    fprintf(stderr,
            "image: %s; expected --tenant-key-sha256 HEX [--device NAME] [--sealed-state HEX] "
            "[--seal-to-signer] [--polling]\n",
            what);
    return 2;
}

/* What cannot be a blob is handed on as one byte that no blob begins with: refused, and said. */
static void read_sealed(const char *hex, struct start *start)
{
    size_t size = strlen(hex) / 2;
    start->sealed_size = 1;
    start->sealed[0] = 0;
    if (size > 0 && size <= sizeof(start->sealed) &&
        sl_hex_decode(hex, start->sealed, size) == SL_OK) {
        start->sealed_size = size;
    }
}

static int read_start(int argc, char **argv, struct start *ret_start)
{
    struct start start = {.device = "unknown", .seal_policy = SL_SEAL_MRENCLAVE};
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--polling") == 0) {
            continue; /* sl_rt_is_polling() */
        }
        if (strcmp(argv[i], "--tenant-key-sha256") == 0 && has_value) {
            if (sl_hex_decode(argv[++i], start.tenant_hash, SL_SPKI_HASH_SIZE) != SL_OK) {
                return usage("--tenant-key-sha256 is not 64 hex digits");
            }
            start.has_tenant = true;
        } else if (strcmp(argv[i], "--device") == 0 && has_value) {
            start.device = argv[++i];
        } else if (strcmp(argv[i], "--sealed-state") == 0 && has_value) {
            read_sealed(argv[++i], &start);
        } else if (strcmp(argv[i], "--seal-to-signer") == 0) {
            start.seal_policy = SL_SEAL_MRSIGNER;
        } else {
            return usage("unknown or incomplete start parameter");
        }
    }
    if (!start.has_tenant) {
        return usage("no tenant key: nobody could provision this image");
    }
    *ret_start = start;
    return 0;
}

static void *worker_main(void *arg)
{
    sl_worker_run(arg, sl_rt_is_polling());
    return NULL;
}

static sl_rc make_workers(const struct sl_rt_area *area)
{
    uint32_t count = area->geometry.shard_count;
    image.workers = aligned_alloc(_Alignof(struct sl_worker), count * sizeof(*image.workers));
    if (image.workers == NULL) {
        return SL_NO_MEMORY;
    }
    for (uint32_t shard = 0; shard < count; shard++) {
        sl_rc rc = sl_worker_init(&image.workers[shard], shard, area->base, &area->geometry,
                                  &area->layout);
        if (rc != SL_OK) {
            return rc;
        }
    }
    sl_rc rc = sl_workers_connect(image.workers, count);
    rc = rc == SL_OK ? sl_provision_init(&image.provision, image.workers, count) : rc;
    for (uint32_t shard = 0; rc == SL_OK && shard < count && area->layout.spill_size > 0; shard++) {
        sl_flow_spill_init(&image.provision.spill[shard], area->base + area->layout.spill[shard],
                           area->layout.spill_size);
    }
    return rc;
}

static void init_server(const struct sl_rt_area *area, const struct start *start)
{
    struct sl_control_params params = {.identity = image.identity,
                                       .certify = image.identity,
                                       .provision = &image.provision,
                                       .life = &image.life,
                                       .boundary = &image.control_boundary,
                                       .device = start->device,
                                       .is_polling = sl_rt_is_polling()};
    memcpy(params.tenant_hash, start->tenant_hash, sizeof(params.tenant_hash));
    sl_byte_ring_init(&params.in, area->base, &area->layout.control_in, area->geometry.control_size,
                      &image.control_boundary);
    sl_byte_ring_init(&params.out, area->base, &area->layout.control_out,
                      area->geometry.control_size, &image.control_boundary);
    sl_control_server_init(&image.server, &params, sl_rt_now_ns());
}

int sl_image_main(int argc, char **argv)
{
    struct start start = {0};
    int code = read_start(argc, argv, &start);
    if (code != 0) {
        return code;
    }
    const struct sl_rt_area *area = sl_rt_area();
    sl_rc rc = make_workers(area);
    if (rc == SL_OK) {
        rc = sl_identity_generate("SafeLib NF image", &image.identity);
    }
    if (rc == SL_OK) {
        rc = sl_life_init(&image.life, start.sealed_size > 0 ? start.sealed : NULL,
                          start.sealed_size, start.seal_policy, &image.provision, sl_rt_now_ns());
    }
    if (rc != SL_OK) {
        fprintf(stderr, "image: cannot start: %s\n", sl_rc_text(rc));
        return 1;
    }
    init_server(area, &start);
    for (uint32_t shard = 0; shard < area->geometry.shard_count; shard++) {
        pthread_t thread;
        int error = pthread_create(&thread, NULL, worker_main, &image.workers[shard]);
        if (error != 0) {
            fprintf(stderr, "image: no thread for shard %u: %s\n", shard, strerror(error));
            return 1;
        }
        (void)pthread_detach(thread);
    }
    fprintf(stderr, "image: ready, %u shards, %s\n", area->geometry.shard_count,
            sl_rt_is_polling() ? "polling" : "batch");
    for (;;) {
        uint64_t wait_ns = sl_control_server_poll(&image.server, sl_rt_now_ns());
        if (wait_ns > 0) {
            sl_rt_wait(SL_RT_WAIT_CONTROL, 0, wait_ns);
        }
    }
}
