/* SPDX-License-Identifier: Apache-2.0 */
/* The hardware device: builds and enters an enclave through /dev/sgx_enclave and the vDSO. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <asm/sgx.h>

#include "device/measure.h"
#include "device/sgx/sgx.h"
#include "device/sgx/vdso.h"
#include "device/sigstruct.h"

/* SDM "SECINFO": 64 bytes, 64-byte aligned, flags first, the rest zero. */
struct secinfo {
    uint64_t flags;
    uint8_t reserved[56];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct secinfo) == 64, "SDM, SECINFO");
_Static_assert(sizeof(struct sgx_enclave_add_pages) == 48, "asm/sgx.h");
_Static_assert(sizeof(struct sgx_enclave_run) == 256, "asm/sgx.h");

enum { BOUNCE_SIZE = 1 << 20 };

/* Pages that were added, to be mapped with their permissions after EINIT. */
struct run {
    uint64_t off;
    uint64_t size;
    int prot;
};

struct sgx_enclave {
    struct sl_enclave base;
    int fd;
    uintptr_t vdso;
    struct sl_secs secs __attribute__((aligned(SL_SGX_PAGE_SIZE)));
    struct sl_measure measure; /* ours beside the processor's: it tells why EINIT refuses */
    struct run *runs;
    size_t run_count;
    uint8_t *bounce;
};

static struct sgx_enclave *of(struct sl_enclave *enclave)
{
    return (struct sgx_enclave *)enclave;
}

static void sgx_destroy(struct sl_enclave *enclave)
{
    if (enclave == NULL) {
        return;
    }
    struct sgx_enclave *e = of(enclave);
    if (e->base.base != NULL) {
        (void)munmap(e->base.base, e->base.size);
    }
    if (e->fd >= 0) {
        (void)close(e->fd);
    }
    if (e->bounce != NULL) {
        (void)munmap(e->bounce, BOUNCE_SIZE);
    }
    sl_measure_done(&e->measure);
    free(e->runs);
    free(e);
}

/* SDM ECREATE: "SECS.BASEADDR ... must be naturally aligned" on its size. Reserve twice as much
   and give the rest back. Nothing else may then be mapped inside the range. */
static uint8_t *reserve(uint64_t size)
{
    if (size > (uint64_t)1 << 46) {
        return NULL;
    }
    uint8_t *area =
        mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED) {
        return NULL;
    }
    uint64_t skip = (0 - (uint64_t)(uintptr_t)area) & (size - 1);
    if (skip > 0) {
        (void)munmap(area, skip);
    }
    if (size - skip > 0) {
        (void)munmap(area + skip + size, size - skip);
    }
    return area + skip;
}

/* Repeats an ioctl that a signal interrupted before it did anything. */
static int ioctl_retry(int fd, unsigned long request, void *arg)
{
    int ret;
    do {
        ret = ioctl(fd, request, arg);
    } while (ret < 0 && (errno == EINTR || errno == EAGAIN));
    return ret;
}

/* Linux sgx_ioc_enclave_provision(): allows ATTRIBUTES.PROVISIONKEY to whoever can open
   /dev/sgx_provision. */
static sl_rc allow_provision(struct sgx_enclave *e, struct sl_err *err)
{
    int fd = open("/dev/sgx_provision", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return sl_err_set(err, SL_DENIED,
                          "/dev/sgx_provision: %s: the image asks for the provisioning key; add "
                          "this user to the group sgx_prv",
                          strerror(errno));
    }
    struct sgx_enclave_provision arg = {.fd = (unsigned)fd};
    int ret = ioctl_retry(e->fd, SGX_IOC_ENCLAVE_PROVISION, &arg);
    int error = errno;
    (void)close(fd);
    return ret == 0 ? SL_OK
                    : sl_err_set(err, SL_IO, "SGX_IOC_ENCLAVE_PROVISION: %s", strerror(error));
}

static sl_rc ecreate(struct sgx_enclave *e, struct sl_err *err)
{
    struct sgx_enclave_create arg = {.src = (uintptr_t)&e->secs};
    if (ioctl_retry(e->fd, SGX_IOC_ENCLAVE_CREATE, &arg) != 0) {
        return sl_err_set(err, SL_IO,
                          "SGX_IOC_ENCLAVE_CREATE: %s: size 0x%llx, XFRM 0x%llx or MISCSELECT 0x%x "
                          "may be more than this processor allows (CPUID leaf 12h)",
                          strerror(errno), (unsigned long long)e->secs.size,
                          (unsigned long long)e->secs.attributes.xfrm, e->secs.misc_select);
    }
    if (e->secs.attributes.flags & SL_ATTR_PROVISIONKEY) {
        return allow_provision(e, err);
    }
    return SL_OK;
}

static sl_rc sgx_create(const struct sl_device_options *options, const struct sl_secs *secs,
                        struct sl_enclave **ret_enclave, struct sl_err *err)
{
    sl_rc rc = sl_sgx_probe(err);
    if (rc != SL_OK) {
        return rc;
    }
    struct sgx_enclave *e = aligned_alloc(SL_SGX_PAGE_SIZE, sizeof(*e));
    if (e == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for an enclave");
    }
    memset(e, 0, sizeof(*e));
    e->base.ops = &sl_device_sgx;
    e->secs = *secs;
    e->fd = open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);
    rc = sl_measure_ecreate(&e->measure, secs->size, secs->ssa_frame_size);
    if (e->fd < 0 || rc != SL_OK) {
        rc = e->fd < 0 ? sl_err_set(err, SL_IO, "/dev/sgx_enclave: %s", strerror(errno))
                       : sl_err_set(err, rc, "an enclave of 0x%llx bytes is not possible",
                                    (unsigned long long)secs->size);
        goto out;
    }
    const uint8_t *vdso = NULL;
    size_t vdso_size = 0;
    uint64_t off = 0;
    rc = sl_vdso_self(&vdso, &vdso_size);
    if (rc == SL_OK) {
        rc = sl_vdso_find(vdso, vdso_size, "__vdso_sgx_enter_enclave", "LINUX_2.6", &off);
    }
    if (rc != SL_OK) {
        sl_err_set(err, rc, "the vDSO has no __vdso_sgx_enter_enclave@LINUX_2.6");
        goto out;
    }
    e->vdso = (uintptr_t)vdso + off;
    e->bounce = mmap(NULL, BOUNCE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    e->base.base = reserve(secs->size);
    if (e->bounce == MAP_FAILED || e->base.base == NULL) {
        e->bounce = e->bounce == MAP_FAILED ? NULL : e->bounce;
        rc = sl_err_set(err, SL_NO_MEMORY, "no address space for an enclave of 0x%llx bytes",
                        (unsigned long long)secs->size);
        goto out;
    }
    e->base.size = secs->size;
    e->secs.base = (uintptr_t)e->base.base;
    rc = ecreate(e, err);
out:
    if (rc != SL_OK) {
        sgx_destroy(&e->base);
        return rc;
    }
    *ret_enclave = &e->base;
    return SL_OK;
}

/* asm/sgx.h sgx_enclave_add_pages: "@count: number of bytes added". The driver stops between pages
   when a signal is pending and returns 0 with what it did so far: go on from there. */
static sl_rc add_aligned(struct sgx_enclave *e, uint64_t off, const uint8_t *src, uint64_t size,
                         uint64_t flags, bool is_measured, struct sl_err *err)
{
    struct secinfo secinfo = {.flags = flags};
    uint64_t done = 0;
    while (done < size) {
        struct sgx_enclave_add_pages arg = {
            .src = (uintptr_t)src + done,
            .offset = off + done,
            .length = size - done,
            .secinfo = (uintptr_t)&secinfo,
            .flags = is_measured ? SGX_PAGE_MEASURE : 0,
        };
        int ret = ioctl(e->fd, SGX_IOC_ENCLAVE_ADD_PAGES, &arg);
        int error = errno;
        if (arg.count > size - done || arg.count % SL_SGX_PAGE_SIZE != 0) {
            return sl_err_set(err, SL_IO, "SGX_IOC_ENCLAVE_ADD_PAGES added 0x%llx bytes of 0x%llx",
                              (unsigned long long)arg.count, (unsigned long long)(size - done));
        }
        done += arg.count;
        if (ret != 0 && error != EINTR && error != EAGAIN) {
            return sl_err_set(err, error == ENOMEM ? SL_NO_MEMORY : SL_IO,
                              "SGX_IOC_ENCLAVE_ADD_PAGES at 0x%llx: %s%s",
                              (unsigned long long)(off + done), strerror(error),
                              error == ENOMEM
                                  ? " (enclave page cache exhausted: fewer or smaller enclaves)"
                                  : "");
        }
    }
    return SL_OK;
}

static int prot_of(uint64_t flags)
{
    /* Linux sgx: "TCS pages must always RW set for CPU access while the SECINFO permissions are
     *always* zero - the CPU ignores the user provided values and initializes them." */
    if (flags & SL_SECINFO_PT_TCS) {
        return PROT_READ | PROT_WRITE;
    }
    return (flags & SL_SECINFO_R ? PROT_READ : 0) | (flags & SL_SECINFO_W ? PROT_WRITE : 0) |
           (flags & SL_SECINFO_X ? PROT_EXEC : 0);
}

static sl_rc remember(struct sgx_enclave *e, uint64_t off, uint64_t size, int prot)
{
    struct run *last = e->run_count > 0 ? &e->runs[e->run_count - 1] : NULL;
    if (last != NULL && last->off + last->size == off && last->prot == prot) {
        last->size += size;
        return SL_OK;
    }
    struct run *runs = realloc(e->runs, (e->run_count + 1) * sizeof(*runs));
    if (runs == NULL) {
        return SL_NO_MEMORY;
    }
    e->runs = runs;
    runs[e->run_count++] = (struct run){.off = off, .size = size, .prot = prot};
    return SL_OK;
}

/* The driver wants page-aligned sources; zero pages need some source too. */
static sl_rc add_bounced(struct sgx_enclave *e, uint64_t off, const uint8_t *content, uint64_t size,
                         uint64_t flags, bool is_measured, struct sl_err *err)
{
    sl_rc rc = SL_OK;
    for (uint64_t at = 0; at < size && rc == SL_OK; at += BOUNCE_SIZE) {
        uint64_t part = size - at < BOUNCE_SIZE ? size - at : BOUNCE_SIZE;
        if (content != NULL) {
            memcpy(e->bounce, content + at, part);
        } else if (at == 0) {
            memset(e->bounce, 0, part);
        }
        rc = add_aligned(e, off + at, e->bounce, part, flags, is_measured, err);
    }
    return rc;
}

static sl_rc sgx_add_pages(struct sl_enclave *enclave, uint64_t off, const uint8_t *content,
                           uint64_t size, uint64_t secinfo_flags, bool is_measured,
                           struct sl_err *err)
{
    struct sgx_enclave *e = of(enclave);
    if (size == 0 || off % SL_SGX_PAGE_SIZE != 0 || size % SL_SGX_PAGE_SIZE != 0 ||
        off >= e->base.size || size > e->base.size - off) {
        return sl_err_set(err, SL_RANGE, "pages at 0x%llx, 0x%llx bytes: not inside the enclave",
                          (unsigned long long)off, (unsigned long long)size);
    }
    if (secinfo_flags & SL_SECINFO_PT_TCS) {
        /* Linux sgx_validate_secinfo(): a TCS with permissions is -EINVAL */
        secinfo_flags = SL_SECINFO_PT_TCS;
    }
    sl_rc rc = sl_measure_pages(&e->measure, off, content, size, secinfo_flags, is_measured);
    if (rc == SL_OK) {
        rc = remember(e, off, size, prot_of(secinfo_flags));
    }
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "pages at 0x%llx with flags 0x%llx cannot be added",
                          (unsigned long long)off, (unsigned long long)secinfo_flags);
    }
    bool is_direct = content != NULL && (uintptr_t)content % SL_SGX_PAGE_SIZE == 0;
    return is_direct ? add_aligned(e, off, content, size, secinfo_flags, is_measured, err)
                     : add_bounced(e, off, content, size, secinfo_flags, is_measured, err);
}

/* Linux sgx_encl_may_map(): a mapping may have at most the permissions of every page's SECINFO, so
   each run is mapped with exactly its own. Holes stay PROT_NONE: a guard page faults. */
static sl_rc map_runs(struct sgx_enclave *e, struct sl_err *err)
{
    for (size_t i = 0; i < e->run_count; i++) {
        const struct run *r = &e->runs[i];
        if (mmap(e->base.base + r->off, r->size, r->prot, MAP_SHARED | MAP_FIXED, e->fd, 0) ==
            MAP_FAILED) {
            return sl_err_set(err, SL_IO, "mapping enclave pages at 0x%llx: %s%s",
                              (unsigned long long)r->off, strerror(errno),
                              (r->prot & PROT_EXEC) && (errno == EPERM || errno == EACCES)
                                  ? " (is /dev mounted noexec? `mount -o remount,exec /dev`)"
                                  : "");
        }
    }
    return SL_OK;
}

static sl_rc sgx_init(struct sl_enclave *enclave, const struct sl_sigstruct *sigstruct,
                      struct sl_err *err)
{
    struct sgx_enclave *e = of(enclave);
    uint8_t mrenclave[SL_MEASURE_SIZE];
    sl_rc rc = sl_measure_final(&e->measure, mrenclave);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "the enclave cannot be initialised twice");
    }
    /* The same checks as the processor's, first: the driver only says EPERM. */
    rc = sl_sigstruct_einit(sigstruct, &e->secs, mrenclave, NULL, err);
    if (rc != SL_OK) {
        return rc;
    }
    struct sgx_enclave_init arg = {.sigstruct = (uintptr_t)sigstruct};
    if (ioctl_retry(e->fd, SGX_IOC_ENCLAVE_INIT, &arg) != 0) {
        return sl_err_set(err, errno == EPERM || errno == EACCES ? SL_DENIED : SL_IO,
                          "SGX_IOC_ENCLAVE_INIT: %s: the processor refuses a signature that our "
                          "own checks accept; its launch control may be locked to one signer",
                          strerror(errno));
    }
    return map_runs(e, err);
}

static int sgx_enter(struct sl_enclave *enclave, struct sl_enter_regs *regs, unsigned leaf,
                     struct sgx_enclave_run *run)
{
    /* asm/sgx.h: the reserved bytes must be zero, or the vDSO returns -EINVAL; no user handler. */
    run->user_handler = 0;
    run->user_data = 0;
    memset(run->reserved, 0, sizeof(run->reserved));
    return sl_sgx_enter_call(of(enclave)->vdso, regs, leaf, run);
}

static const char *const *sgx_unenforced(const struct sl_enclave *enclave)
{
    static const char *const none[] = {NULL};
    return none;
}

const struct sl_device_ops sl_device_sgx = {
    .name = "sgx",
    .protection = "Intel SGX: the processor keeps the host out of the image's memory",
    .create = sgx_create,
    .add_pages = sgx_add_pages,
    .init = sgx_init,
    .enter = sgx_enter,
    .destroy = sgx_destroy,
    .unenforced = sgx_unenforced,
};
