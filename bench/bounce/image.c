/* SPDX-License-Identifier: Apache-2.0 */
/* The real NF image on a device, provisioned over its TLS control channel as a gateway would, with
 * memory instead of a network. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "control/client.h"
#include "device.h"
#include "host/enclave.h"
#include "measure.h"

enum { TIMEOUT_MS = 20000, IDLE_MAX_NS = 20000000, CONTROL_IDLE_NS = 1000000 };

struct image {
    struct rig rig;
    struct sl_host *host;
    struct sl_client *client;
    bool is_polling;
    uint32_t core;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct job *job; /**< under lock; taken by the worker's host thread in batch */
    bool is_stopping;
    bool is_provisioned;
    char last_log[512];
};

static void wait_for_change(struct image *image, uint64_t most_ns)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)most_ns;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&image->changed, &image->lock, &until);
}

/* The worker has given the processor back, on its host thread. */
static void on_shard(struct image *image, uint64_t timeout_ns)
{
    static __thread bool is_pinned;
    if (!is_pinned) {
        is_pinned = true;
        bounce_pin(image->core);
    }
    (void)pthread_mutex_lock(&image->lock);
    if (image->job == NULL && !image->is_stopping) {
        uint64_t most = image->is_polling && timeout_ns < IDLE_MAX_NS ? timeout_ns : IDLE_MAX_NS;
        wait_for_change(image, most);
    }
    struct job *job = image->is_polling ? NULL : image->job;
    (void)pthread_mutex_unlock(&image->lock);
    if (job != NULL && !job_step(job, false)) {
        (void)pthread_mutex_lock(&image->lock);
        image->job = NULL;
        (void)pthread_cond_broadcast(&image->changed);
        (void)pthread_mutex_unlock(&image->lock);
    }
}

static bool on_wait(void *ctx, uint32_t thread, enum sl_rt_wait_kind kind, uint32_t arg,
                    uint64_t timeout_ns)
{
    struct image *image = ctx;
    (void)thread;
    (void)arg;
    if (kind == SL_RT_WAIT_SHARD) {
        on_shard(image, timeout_ns);
    } else if (kind == SL_RT_WAIT_CONTROL) {
        (void)pthread_mutex_lock(&image->lock);
        uint64_t most = image->is_provisioned ? 500000000 : CONTROL_IDLE_NS;
        wait_for_change(image, timeout_ns < most ? timeout_ns : most);
        (void)pthread_mutex_unlock(&image->lock);
    }
    return !image->is_stopping;
}

static void on_log(void *ctx, const char *line)
{
    struct image *image = ctx;
    (void)snprintf(image->last_log, sizeof(image->last_log), "%s", line);
}

static void doorbell(void *ctx)
{
    struct image *image = ctx;
    (void)pthread_mutex_lock(&image->lock);
    (void)pthread_cond_broadcast(&image->changed);
    (void)pthread_mutex_unlock(&image->lock);
}

static void *host_main(void *arg)
{
    struct image *image = arg;
    struct sl_host_result result;
    memset(&result, 0, sizeof(result));
    if (sl_host_run(image->host, &result) != SL_OK || result.end == SL_HOST_END_KILLED ||
        (result.end == SL_HOST_END_EXIT && !image->is_stopping)) {
        bench_die("the image ended: %s (exit code %d; last line: %s)", result.err.text,
                  result.exit_code, image->last_log);
    }
    return NULL;
}

static sl_rc accept_any(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err)
{
    (void)ctx; /* this process started the image itself */
    (void)peer;
    (void)err;
    return SL_OK;
}

static bool sas_set(struct sl_client *client, struct rig *rig, struct sl_err *err)
{
    for (uint32_t side = 0; side < 2; side++) {
        if (sl_client_sa_make(client, &rig->inbound[side], err) != SL_OK ||
            sl_client_sa_make(client, &rig->outbound[side], err) != SL_OK ||
            sl_client_sa_set(client, TIMEOUT_MS, &rig->inbound[side], err) != SL_OK ||
            sl_client_sa_set(client, TIMEOUT_MS, &rig->outbound[side], err) != SL_OK) {
            return false;
        }
    }
    return true;
}

static void provision(struct image *image, const struct sl_identity *identity,
                      const struct bounce_options *options)
{
    struct sl_err err = {0};
    struct sl_client *client = NULL;
    struct sl_client_params params = {.identity = identity, .verify = accept_any};
    struct rig *rig = &image->rig;
    uint8_t *bundle;
    uint8_t hash[32];
    uint64_t version;
    size_t size = bounce_chain(options, &bundle);
    if (sl_client_ring_transport(rig->area, &rig->geometry, &rig->layout, 1, doorbell, image,
                                 &params.transport) != SL_OK ||
        sl_client_create(&params, &client, &err) != SL_OK ||
        sl_client_connect(client, TIMEOUT_MS, &err) != SL_OK ||
        sl_client_insecure_unattested(client, TIMEOUT_MS, &err) != SL_OK ||
        !sas_set(client, rig, &err) ||
        sl_client_chain_set(client, TIMEOUT_MS, bundle, size, &version, hash, &err) != SL_OK) {
        bench_die("cannot provision the image: %s (last line: %s)", err.text, image->last_log);
    }
    rig_keys_set(rig);
    image->client = client;
    free(bundle);
    image->is_provisioned = true;
}

/* The image's own counters. Not from the worker's thread. */
static void status_print(struct image *image, FILE *file, const char *before)
{
    struct sl_err err = {0};
    char *json = NULL;
    if (sl_client_status(image->client, TIMEOUT_MS, &json, &err) != SL_OK) {
        bench_die("no status: %s", err.text);
    }
    (void)fprintf(file, "%s%s\n", before, json);
    free(json);
}

static void explain(void *ctx)
{
    status_print(ctx, stderr, "");
}

static void image_status(void *ctx)
{
    status_print(ctx, stdout, "status ");
}

static void image_run(void *ctx, struct job *job)
{
    struct image *image = ctx;
    if (image->is_polling) {
        job->explain = explain;
        job->explain_ctx = image;
    }
    (void)pthread_mutex_lock(&image->lock);
    image->job = job;
    (void)pthread_cond_broadcast(&image->changed);
    while (!image->is_polling && image->job != NULL) {
        (void)pthread_cond_wait(&image->changed, &image->lock);
    }
    (void)pthread_mutex_unlock(&image->lock);
    if (image->is_polling) {
        while (job_step(job, true)) {
        }
        (void)pthread_mutex_lock(&image->lock);
        image->job = NULL;
        (void)pthread_mutex_unlock(&image->lock);
    }
}

static void image_stop(void *ctx)
{
    struct image *image = ctx;
    (void)pthread_mutex_lock(&image->lock);
    image->is_stopping = true;
    (void)pthread_cond_broadcast(&image->changed);
    (void)pthread_mutex_unlock(&image->lock);
    sl_client_free(image->client);
    sl_host_stop(image->host);
    (void)pthread_join(image->thread, NULL);
    sl_host_free(image->host);
}

struct bounce_device bounce_image(const struct bounce_options *options)
{
    static struct image image;
    struct sl_err err = {0};
    struct sl_identity *identity = NULL;
    char hash[2 * SL_SPKI_HASH_SIZE + 1];
    if (sl_identity_generate("bench", &identity) != SL_OK) {
        bench_die("cannot make a tenant key");
    }
    sl_hex_encode(identity->spki_hash, SL_SPKI_HASH_SIZE, hash);
    const char *argv[] = {"image",    "--tenant-key-sha256", hash,
                          "--device", options->device,       "--polling"};
    struct sl_host_params params = {
        .image_path = options->image,
        .device = {.device = options->device, .entry_cost_ns = options->entry_cost_ns},
        .geometry = rig_geometry(options->spill_mib),
        .argc = options->is_polling ? 6 : 5,
        .argv = argv,
        .callbacks = {.ctx = &image, .wait = on_wait, .log = on_log},
    };
    image.is_polling = options->is_polling;
    image.core = options->core;
    (void)pthread_mutex_init(&image.lock, NULL);
    (void)pthread_cond_init(&image.changed, NULL);
    if (sl_host_create(&params, &image.host, &err) != SL_OK) {
        bench_die("%s", err.text);
    }
    rig_init(&image.rig, &params.geometry, sl_host_area(image.host));
    image.rig.flows = flows_new(options->flows, options->is_tcp);
    if (pthread_create(&image.thread, NULL, host_main, &image) != 0) {
        bench_die("cannot start a thread");
    }
    provision(&image, identity, options);
    sl_identity_free(identity);
    bounce_pin(options->core ^ 1u);
    return (struct bounce_device){&image, &image.rig, image_run, image_status, image_stop};
}
