/* SPDX-License-Identifier: Apache-2.0 */
/* The tiny libOS: the image's system calls, answered inside the enclave. No host file, no host
 * socket; what is not here is -ENOSYS and counted by number. Arguments come from the image's own
 * code: they are as trusted as the rest of it. */
#include "runtime/private.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#define ERR(number) ((uint64_t) - (number))

enum { PID = 1000, NS = 1000000000, IOV_MAX_COUNT = 64 };

/* glibc's mark of a thread's stack: PROT_NONE first, for its guard page */
static uint64_t do_mmap(const uint64_t *arg)
{
    uint64_t prot = arg[2];
    uint64_t flags = arg[3];
    if ((flags & MAP_ANONYMOUS) == 0) {
        return ERR(ENODEV);
    }
    if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0) {
        return ERR(EINVAL);
    }
    if ((prot & PROT_EXEC) != 0) {
        return ERR(EACCES);
    }
    if ((flags & MAP_STACK) != 0 && prot == PROT_NONE) {
        uint64_t stack = rt_stack_map(arg[1]);
        if (stack != 0) {
            return stack;
        }
    }
    return rt_heap_map(arg[1]);
}

static uint64_t do_munmap(const uint64_t *arg)
{
    if (rt_stack_contains(arg[0], arg[1])) {
        return rt_stack_unmap(arg[0], arg[1]) ? 0 : ERR(EINVAL);
    }
    return (uint64_t)(int64_t)rt_heap_unmap(arg[0], arg[1]);
}

/* SGX1 cannot change a page's permissions after EINIT: RELRO and guard pages stay as they are, and
 * are counted; nothing ever becomes executable. */
static uint64_t do_mprotect(const uint64_t *arg)
{
    const struct sl_layout *layout = rt_layout();
    uint64_t off = arg[0] - rt_base();
    if ((arg[2] & PROT_EXEC) != 0) {
        return ERR(EACCES);
    }
    bool is_ours = rt_heap_contains(arg[0], arg[1]) || rt_stack_contains(arg[0], arg[1]) ||
                   (off >= layout->elf_off && arg[1] <= layout->elf_size &&
                    off - layout->elf_off <= layout->elf_size - arg[1]);
    if (!is_ours) {
        return ERR(ENOMEM);
    }
    rt_count(&rt_state.counters.mprotect_unenforced);
    return 0;
}

static uint64_t do_write(const uint64_t *arg)
{
    if (arg[0] != 1 && arg[0] != 2) {
        return ERR(EBADF);
    }
    return rt_log_write((const void *)(uintptr_t)arg[1], arg[2]);
}

static uint64_t do_writev(const uint64_t *arg)
{
    if (arg[0] != 1 && arg[0] != 2) {
        return ERR(EBADF);
    }
    if (arg[2] > IOV_MAX_COUNT) {
        return ERR(EINVAL);
    }
    const struct iovec *iov = (const struct iovec *)(uintptr_t)arg[1];
    uint64_t size = 0;
    for (uint64_t i = 0; i < arg[2]; i++) {
        size += rt_log_write(iov[i].iov_base, iov[i].iov_len);
    }
    return size;
}

/* 1 and 2 are a terminal: libc then flushes at each line. */
static uint64_t do_fstat(uint64_t fd, uint64_t out)
{
    if (fd != 1 && fd != 2) {
        return ERR(EBADF);
    }
    struct stat *st = (struct stat *)(uintptr_t)out;
    rt_memset(st, 0, sizeof(*st));
    st->st_mode = S_IFCHR | 0600;
    st->st_nlink = 1;
    st->st_blksize = 1024;
    return 0;
}

static uint64_t do_newfstatat(const uint64_t *arg)
{
    const char *path = (const char *)(uintptr_t)arg[1];
    if ((arg[3] & AT_EMPTY_PATH) != 0 && path[0] == '\0') {
        return do_fstat(arg[0], arg[2]);
    }
    return ERR(ENOENT);
}

static uint64_t do_ioctl(const uint64_t *arg)
{
    enum { KERNEL_TERMIOS_SIZE = 36 };
    if ((arg[0] == 1 || arg[0] == 2) && arg[1] == TCGETS) {
        rt_memset((void *)(uintptr_t)arg[2], 0, KERNEL_TERMIOS_SIZE);
        return 0;
    }
    return ERR(ENOTTY);
}

static uint64_t do_arch_prctl(struct sl_ssa_gpr *gpr, const uint64_t *arg)
{
    switch (arg[0]) {
    case ARCH_SET_FS:
        gpr->fs_base = arg[1]; /* loaded by ERESUME */
        return 0;
    case ARCH_GET_FS:
        *(uint64_t *)(uintptr_t)arg[1] = gpr->fs_base;
        return 0;
    default: /* GS is the runtime's */
        return ERR(EINVAL);
    }
}

static uint64_t do_prlimit(const uint64_t *arg)
{
    struct rlimit *old = (struct rlimit *)(uintptr_t)arg[3];
    if (arg[2] != 0) {
        return ERR(EPERM);
    }
    if (old != NULL) {
        uint64_t limit = RLIM_INFINITY;
        if (arg[1] == RLIMIT_STACK) {
            limit = rt_layout()->stack_size;
        } else if (arg[1] == RLIMIT_NOFILE) {
            limit = 3;
        } else if (arg[1] == RLIMIT_CORE) {
            limit = 0;
        }
        old->rlim_cur = limit;
        old->rlim_max = limit;
    }
    return 0;
}

static uint64_t do_clock_gettime(struct rt_block *block, const uint64_t *arg)
{
    struct timespec *ts = (struct timespec *)(uintptr_t)arg[1];
    uint64_t now = arg[0] == CLOCK_REALTIME ? rt_clock_real_ns(block) : rt_clock_now_ns(block);
    ts->tv_sec = (time_t)(now / NS);
    ts->tv_nsec = (long)(now % NS);
    return 0;
}

static uint64_t do_nanosleep(struct rt_block *block, uint64_t request, uint64_t clock, bool is_abs)
{
    const struct timespec *ts = (const struct timespec *)(uintptr_t)request;
    if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NS) {
        return ERR(EINVAL);
    }
    uint64_t ns = (uint64_t)ts->tv_sec * NS + (uint64_t)ts->tv_nsec;
    uint64_t now = rt_clock_now_ns(block);
    if (!is_abs) {
        return rt_sleep_until(block, now + ns);
    }
    if (clock == CLOCK_REALTIME) {
        uint64_t real = rt_clock_real_ns(block);
        return rt_sleep_until(block, ns > real ? now + (ns - real) : now);
    }
    return rt_sleep_until(block, ns);
}

static uint64_t do_getrandom(struct rt_block *block, const uint64_t *arg)
{
    rt_random(block, (void *)(uintptr_t)arg[0], arg[1]);
    return arg[1];
}

static uint64_t do_sched_getaffinity(const uint64_t *arg)
{
    uint64_t *mask = (uint64_t *)(uintptr_t)arg[2];
    if (arg[1] < sizeof(*mask)) {
        return ERR(EINVAL);
    }
    *mask = (1ull << rt_layout()->thread_count) - 1;
    return sizeof(*mask);
}

static uint64_t refuse(uint64_t number)
{
    uint64_t last = sizeof(rt_state.refused) / sizeof(rt_state.refused[0]) - 1;
    (void)__atomic_fetch_add(&rt_state.refused[number < last ? number : last], 1, __ATOMIC_RELAXED);
    rt_count(&rt_state.counters.syscalls_refused);
    return ERR(ENOSYS);
}

/* What libc expects at start and lives well without. */
static uint64_t answer_process(const struct rt_call_frame *frame, uint64_t number)
{
    switch (number) {
    case SYS_arch_prctl:
        return do_arch_prctl(frame->gpr, frame->arg);
    case SYS_set_tid_address:
        frame->block->clear_tid = frame->arg[0];
        return PID + frame->block->index;
    case SYS_gettid:
        return PID + frame->block->index;
    case SYS_getpid:
    case SYS_getppid:
        return PID;
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid:
    case SYS_set_robust_list:
    case SYS_rt_sigprocmask:
    case SYS_rt_sigaction: /* no signal ever comes */
    case SYS_sigaltstack:
        return 0;
    case SYS_prlimit64:
        return do_prlimit(frame->arg);
    case SYS_sched_getaffinity:
        return do_sched_getaffinity(frame->arg);
    case SYS_readlink:
    case SYS_readlinkat:
    case SYS_open:
    case SYS_openat:
    case SYS_access:
    case SYS_stat:
        return ERR(ENOENT);
    case SYS_close:
    case SYS_lseek:
        return ERR(EBADF);
    case SYS_fstat:
        return do_fstat(frame->arg[0], frame->arg[1]);
    case SYS_newfstatat:
        return do_newfstatat(frame->arg);
    case SYS_ioctl:
        return do_ioctl(frame->arg);
    default:
        return refuse(number);
    }
}

static uint64_t answer_memory(const struct rt_call_frame *frame, uint64_t number)
{
    switch (number) {
    case SYS_mmap:
        return do_mmap(frame->arg);
    case SYS_munmap:
        return do_munmap(frame->arg);
    case SYS_mprotect:
        return do_mprotect(frame->arg);
    case SYS_brk:
        return rt_heap_brk(frame->arg[0]);
    case SYS_mremap: /* libc copies instead */
        return ERR(ENOMEM);
    case SYS_madvise:
        /* MADV_DONTNEED would promise zeros */
        return frame->arg[2] == MADV_DONTNEED ? ERR(EINVAL) : 0;
    default:
        return answer_process(frame, number);
    }
}

uint64_t rt_syscall(struct rt_block *block, struct sl_ssa_gpr *gpr)
{
    const struct rt_call_frame frame = {
        .block = block,
        .gpr = gpr,
        .arg = {gpr->rdi, gpr->rsi, gpr->rdx, gpr->r10, gpr->r8, gpr->r9},
    };
    switch (gpr->rax) {
    case SYS_futex:
        return rt_futex(&frame);
    case SYS_write:
        return do_write(frame.arg);
    case SYS_writev:
        return do_writev(frame.arg);
    case SYS_clone:
        return rt_clone(&frame);
    case SYS_exit:
        rt_thread_exit(&frame);
        return 0;
    case SYS_exit_group:
        rt_end(block, frame.arg[0] & 0xff);
    case SYS_getrandom:
        return do_getrandom(block, frame.arg);
    case SYS_clock_gettime:
        return do_clock_gettime(block, frame.arg);
    case SYS_nanosleep:
        return do_nanosleep(block, frame.arg[0], CLOCK_MONOTONIC, false);
    case SYS_clock_nanosleep:
        return do_nanosleep(block, frame.arg[2], frame.arg[0], (frame.arg[1] & TIMER_ABSTIME) != 0);
    case SYS_sched_yield:
        (void)rt_wait(block, SL_RT_WAIT_YIELD, 0, 0);
        return 0;
    default:
        return answer_memory(&frame, gpr->rax);
    }
}
