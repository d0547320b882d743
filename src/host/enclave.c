/* SPDX-License-Identifier: Apache-2.0 */
/* Puts an image on a device: pages, signature, shared area, start parameters. */
#include "host/enclave.h"

#include <cpuid.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <openssl/evp.h>

#include "device/measure.h"
#include "device/sigstruct.h"
#include "host/enclave_private.h"
#include "host/tsc.h"
#include "runtime/params.h"

enum { PATH_SIZE = 4096, XFRM_LEGACY = 3 };

/* ---- the machine: looked at once, before the first enclave (under the emulator, CPUID faults on
 * threads that have been inside) ---- */

static struct {
    pthread_once_t once;
    struct sl_params_cpuid cpuid[4];
    uint32_t tsc_khz;
} machine = {.once = PTHREAD_ONCE_INIT};

static uint64_t now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t tsc_read(void)
{
    return __builtin_ia32_rdtsc();
}

static void machine_look(void)
{
    static const struct sl_tsc_clocks clocks = {tsc_read, now_ns};
    static const uint32_t leaves[4][2] = {{1, 0}, {7, 0}, {0xd, 1}, {0x80000001, 0}};
    for (uint32_t i = 0; i < 4; i++) {
        struct sl_params_cpuid *e = &machine.cpuid[i];
        e->leaf = leaves[i][0];
        e->subleaf = leaves[i][1];
        (void)__get_cpuid_count(e->leaf, e->subleaf, &e->eax, &e->ebx, &e->ecx, &e->edx);
    }
    machine.tsc_khz = sl_tsc_khz(&clocks);
}

/* ---- signature ---- */

/* A key of this process only: who signed then means nothing, and is said. */
static sl_rc throwaway_sign(const struct sl_image *image, struct sl_sigstruct *ret_sig,
                            struct sl_err *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static EVP_PKEY *key;
    struct sl_sigstruct_params params;
    sl_rc rc = sl_sigstruct_params_of(image, &params, err);
    (void)pthread_mutex_lock(&lock);
    if (rc == SL_OK && key == NULL) {
        rc = sl_sign_key_new(&key, err);
    }
    (void)pthread_mutex_unlock(&lock);
    return rc == SL_OK ? sl_sigstruct_sign(&params, key, ret_sig, err) : rc;
}

static void say(const struct sl_host_params *params, const char *text)
{
    if (params->callbacks.log != NULL) {
        params->callbacks.log(params->callbacks.ctx, text);
    }
}

/* @param[out] ret_has_sig  false: bare without a signature, which needs none */
static sl_rc signature(const struct sl_host_params *params, const struct sl_image *image,
                       struct sl_sigstruct *ret_sig, bool *ret_has_sig, struct sl_err *err)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s.sig", params->image_path);
    const char *name = params->sigstruct_path != NULL ? params->sigstruct_path : path;
    sl_rc rc = sl_sigstruct_load(name, ret_sig, err);
    *ret_has_sig = rc == SL_OK;
    if (rc != SL_NOT_FOUND || params->sigstruct_path != NULL) {
        return rc;
    }
    if (strcmp(params->device.device, "bare") == 0) {
        return SL_OK;
    }
    if (strcmp(params->device.device, "emu") != 0) {
        return sl_err_prefix(err, "the image is not signed (safelib image sign)");
    }
    rc = throwaway_sign(image, ret_sig, err);
    *ret_has_sig = rc == SL_OK;
    if (rc == SL_OK) {
        say(params, "host: no signature beside the image: signed with a throw-away key, MRSIGNER "
                    "means nothing");
    }
    return rc;
}

/* ---- enclave ---- */

/* What of the image's XFRM this processor and system have. */
static uint64_t xfrm_here(uint64_t wanted)
{
    uint32_t a;
    uint32_t d;
    if ((machine.cpuid[0].ecx & bit_OSXSAVE) == 0) {
        return XFRM_LEGACY;
    }
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return wanted & ((uint64_t)d << 32 | a);
}

static sl_rc add_ranges(struct sl_host *host, struct sl_err *err)
{
    struct sl_enclave *enclave = host->enclave;
    for (uint32_t i = 0; i < host->image->range_count; i++) {
        const struct sl_image_range *r = &host->image->ranges[i];
        sl_rc rc = enclave->ops->add_pages(enclave, r->off, r->content, r->size, r->secinfo_flags,
                                           r->is_measured, err);
        if (rc != SL_OK) {
            return sl_err_prefix(err, "part \"%s\" of the image", r->name);
        }
    }
    return SL_OK;
}

static sl_rc load(struct sl_host *host, const struct sl_host_params *params, struct sl_err *err)
{
    const struct sl_device_ops *ops = sl_device_find(params->device.device);
    if (ops == NULL) {
        return sl_err_set(err, SL_NOT_FOUND, "no device \"%s\"; there are emu, bare and sgx",
                          params->device.device);
    }
    sl_rc rc = sl_image_load(params->image_path, &host->image, err);
    struct sl_sigstruct sig;
    bool has_sig = false;
    if (rc == SL_OK) {
        rc = signature(params, host->image, &sig, &has_sig, err);
    }
    if (rc == SL_OK && has_sig) {
        memcpy(host->mrenclave, sig.mrenclave, sizeof(host->mrenclave));
    } else if (rc == SL_OK) {
        rc = sl_image_measure(host->image, host->mrenclave, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_secs secs = {
        .size = host->image->size,
        .ssa_frame_size = host->image->ssa_frame_size,
        .misc_select = host->image->misc_select,
        .attributes = host->image->attributes,
    };
    secs.attributes.xfrm = xfrm_here(secs.attributes.xfrm);
    rc = ops->create(&params->device, &secs, &host->enclave, err);
    if (rc == SL_OK) {
        rc = add_ranges(host, err);
    }
    if (rc == SL_OK) {
        rc = host->enclave->ops->init(host->enclave, has_sig ? &sig : NULL, err);
    }
    if (rc == SL_OK) {
        host->image_path = strdup(params->image_path);
        rc = host->image_path != NULL ? sl_image_drop_contents(host->image) : SL_NO_MEMORY;
        if (rc != SL_OK) {
            return sl_err_set(err, rc, "no memory");
        }
        (void)malloc_trim(0); /* else malloc keeps it for the next of this size: there is none */
    }
    return rc;
}

/* ---- shared area and start parameters ---- */

static sl_rc write_params(struct sl_host *host, const struct sl_host_params *params,
                          struct sl_err *err)
{
    struct sl_area_header *header = (struct sl_area_header *)(void *)host->area;
    sl_rc rc = sl_params_write(host->area + host->layout.params, params->argc, params->argv,
                               machine.cpuid, 4, machine.tsc_khz, &header->params_size);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "too many start parameters: at most %d, %d bytes together",
                          SL_PARAMS_ARGC_MAX, SL_PARAMS_ARGV_SIZE_MAX);
    }
    return SL_OK;
}

/* Spill memory is the image's alone, ordinary and much of it: private, so that the kernel may use
 * huge pages (shared memory has none by default), which halves the time of a miss. Without them it
 * works as well. */
static bool map_spill(uint8_t *area, const struct sl_area_layout *layout, uint32_t shard_count)
{
    for (uint32_t shard = 0; shard < shard_count && layout->spill_size > 0; shard++) {
        void *spill = mmap(area + layout->spill[shard], layout->spill_size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        if (spill == MAP_FAILED) {
            return false;
        }
        (void)madvise(spill, layout->spill_size, MADV_HUGEPAGE);
        (void)madvise(spill, layout->spill_size, MADV_DONTDUMP);
    }
    return true;
}

/* Memory for the area, aligned so that huge pages fit; NULL where there is not that much. */
static uint8_t *map_area(const struct sl_area_layout *layout, uint32_t shard_count)
{
    size_t size = layout->size + SL_AREA_SPILL_ALIGN;
    int flags = MAP_ANONYMOUS | MAP_NORESERVE;
    uint8_t *raw = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | flags, -1, 0);
    if (raw == MAP_FAILED) {
        return NULL;
    }
    size_t skip = -(uintptr_t)raw & (SL_AREA_SPILL_ALIGN - 1);
    uint8_t *area = raw + skip;
    uint64_t rings = layout->spill_size > 0 ? layout->spill[0] : layout->size;
    if (skip > 0) {
        (void)munmap(raw, skip);
    }
    (void)munmap(area + layout->size, SL_AREA_SPILL_ALIGN - skip);
    if (mmap(area, rings, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
            MAP_FAILED ||
        !map_spill(area, layout, shard_count)) {
        (void)munmap(area, layout->size);
        return NULL;
    }
    return area;
}

static sl_rc make_area(struct sl_host *host, const struct sl_host_params *params,
                       struct sl_err *err)
{
    host->geometry = params->geometry;
    sl_rc rc = sl_area_layout(&host->geometry, &host->layout);
    if (rc != SL_OK) {
        return sl_err_set(err, rc,
                          "geometry of the shared area: a size or count is out of range or "
                          "no power of two");
    }
    host->area = map_area(&host->layout, host->geometry.shard_count);
    if (host->area == NULL) {
        return sl_err_set(err, SL_NO_MEMORY,
                          "no memory for a shared area of %llu bytes, %llu of them to spill: %s",
                          (unsigned long long)host->layout.size,
                          (unsigned long long)host->layout.spill_size * host->geometry.shard_count,
                          strerror(errno));
    }
    rc = sl_area_format(host->area, host->layout.size, &host->geometry, &host->layout);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "cannot format the shared area");
    }
    sl_byte_ring_init(&host->log_ring, host->area, &host->layout.log, host->geometry.log_size,
                      NULL);
    return write_params(host, params, err);
}

/* ---- life ---- */

sl_rc sl_host_create(const struct sl_host_params *params, struct sl_host **ret_host,
                     struct sl_err *err)
{
    struct sl_host *host = calloc(1, sizeof(*host));
    if (host == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory");
    }
    host->callbacks = params->callbacks;
    (void)pthread_mutex_init(&host->lock, NULL);
    (void)pthread_mutex_init(&host->log_lock, NULL);
    (void)pthread_cond_init(&host->changed, NULL);
    for (uint32_t i = 0; i < SL_LAYOUT_THREADS_MAX; i++) {
        host->threads[i].host = host;
        host->threads[i].index = i;
    }
    host_kick_install();
    (void)pthread_once(&machine.once, machine_look);
    sl_rc rc = make_area(host, params, err);
    if (rc == SL_OK) {
        rc = load(host, params, err);
    }
    if (rc != SL_OK) {
        sl_host_free(host);
        return rc;
    }
    *ret_host = host;
    return SL_OK;
}

sl_rc sl_host_run(struct sl_host *host, struct sl_host_result *ret_result)
{
    if (host->has_run) {
        return SL_STATE;
    }
    host->has_run = true;
    sl_rc rc = host_run(host);
    if (rc == SL_OK) {
        *ret_result = host->result;
    }
    return rc;
}

void sl_host_stop(struct sl_host *host)
{
    const struct sl_host_result stopped = {.end = SL_HOST_END_STOPPED};
    host_over(host, &stopped);
}

void sl_host_free(struct sl_host *host)
{
    if (host == NULL) {
        return;
    }
    if (host->enclave != NULL) {
        host->enclave->ops->destroy(host->enclave);
    }
    if (host->area != NULL) {
        (void)munmap(host->area, host->layout.size);
    }
    sl_image_free(host->image);
    free(host->image_path);
    (void)pthread_mutex_destroy(&host->lock);
    (void)pthread_mutex_destroy(&host->log_lock);
    (void)pthread_cond_destroy(&host->changed);
    free(host);
}

uint8_t *sl_host_area(const struct sl_host *host)
{
    return host->area;
}

const struct sl_area_layout *sl_host_layout(const struct sl_host *host)
{
    return &host->layout;
}

const struct sl_area_geometry *sl_host_geometry(const struct sl_host *host)
{
    return &host->geometry;
}

const uint8_t *sl_host_mrenclave(const struct sl_host *host)
{
    return host->mrenclave;
}

const struct sl_enclave *sl_host_enclave(const struct sl_host *host)
{
    return host->enclave;
}

uint64_t sl_host_entry_count(const struct sl_host *host)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < SL_LAYOUT_THREADS_MAX; i++) {
        count += host->threads[i].entry_count;
    }
    return count;
}
