/* SPDX-License-Identifier: Apache-2.0 */
/* Enclave threads at work: enter, serve the one request that came out, enter again. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/enclave_private.h"

enum {
    NS = 1000000000,
    WAIT_MAX_MS = 1000, /* for a caller without a wait callback */
    KICK_AFTER_MS = 20, /* after the end: time to leave by itself */
    KICK_EVERY_MS = 2,
};

static __thread struct host_thread *self;

static void futex_wait(void *word, uint32_t seen, uint64_t timeout_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(timeout_ns / NS), .tv_nsec = (long)(timeout_ns % NS)};
    (void)syscall(SYS_futex, word, FUTEX_WAIT, seen, &ts, NULL, 0);
}

static struct sl_area_header *header_of(const struct sl_host *host)
{
    return (struct sl_area_header *)(void *)host->area;
}

static void doorbell_ring(struct sl_host *host, uint32_t thread)
{
    uint32_t *word = &header_of(host)->doorbell[thread];
    (void)__atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
    (void)syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void clock_publish(struct sl_host *host)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    __atomic_store_n(&header_of(host)->host_time_ns,
                     (uint64_t)ts.tv_sec * NS + (uint64_t)ts.tv_nsec, __ATOMIC_RELAXED);
}

/* ---- the end ---- */

void host_over(struct sl_host *host, const struct sl_host_result *result)
{
    (void)pthread_mutex_lock(&host->lock);
    if (host->is_over == 0) {
        host->result = *result;
        host->is_over = 1;
    }
    (void)pthread_cond_broadcast(&host->changed);
    (void)pthread_mutex_unlock(&host->lock);
    (void)syscall(SYS_futex, &host->is_over, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
    for (uint32_t i = 0; i < host->image->tcs_count; i++) {
        doorbell_ring(host, i);
        if (host->callbacks.wake != NULL) {
            host->callbacks.wake(host->callbacks.ctx, i);
        }
    }
}

/* A thread that still computes inside an image that is over is taken out here: the signal has made
 * an AEX, and instead of letting the code at the AEP resume, the host thread jumps back to its
 * loop. RAX = ERESUME and RBX = TCS are how AEX leaves the registers (SDM vol. 3D, 40.3), so this
 * is no moment of the host's own code. */
static void kick(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)info;
    const ucontext_t *uc = context;
    struct host_thread *thread = self;
    if (thread == NULL || thread->is_inside == 0 || thread->host->is_over == 0) {
        return;
    }
    uint64_t tcs = (uint64_t)(uintptr_t)thread->host->enclave->base +
                   thread->host->image->tcs_off[thread->index];
    if (uc->uc_mcontext.gregs[REG_RAX] == SL_ERESUME &&
        (uint64_t)uc->uc_mcontext.gregs[REG_RBX] == tcs) {
        siglongjmp(thread->escape, 1);
    }
}

static int kick_signal(void)
{
    return SIGRTMAX - 3;
}

void host_kick_install(void)
{
    struct sigaction action = {.sa_sigaction = kick, .sa_flags = SA_SIGINFO | SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(kick_signal(), &action, NULL);
}

/* Waits for the end, then sees to it that every thread comes out. */
static void *keep(void *arg)
{
    struct sl_host *host = arg;
    while (host->is_over == 0) {
        futex_wait(&host->is_over, 0, 3600ull * NS);
    }
    const struct timespec first = {.tv_nsec = KICK_AFTER_MS * 1000000};
    const struct timespec next = {.tv_nsec = KICK_EVERY_MS * 1000000};
    (void)pthread_mutex_lock(&host->lock);
    bool is_first = true;
    while (host->running > 0) {
        for (uint32_t i = 0; !is_first && i < host->image->tcs_count; i++) {
            struct host_thread *thread = &host->threads[i];
            if (thread->has_pthread && thread->is_inside != 0) {
                (void)pthread_kill(thread->pthread, kick_signal());
            }
        }
        (void)pthread_mutex_unlock(&host->lock);
        (void)nanosleep(is_first ? &first : &next, NULL);
        (void)pthread_mutex_lock(&host->lock);
        is_first = false;
    }
    (void)pthread_mutex_unlock(&host->lock);
    return NULL;
}

/* ---- requests ---- */

void host_log_drain(struct sl_host *host)
{
    char bytes[512];
    uint32_t count;
    if (__atomic_load_n(&host->log_ring.index->producer, __ATOMIC_ACQUIRE) ==
        __atomic_load_n(&host->log_ring.local, __ATOMIC_RELAXED)) {
        return;
    }
    (void)pthread_mutex_lock(&host->log_lock);
    while ((count = sl_byte_ring_read(&host->log_ring, bytes, sizeof(bytes))) != 0) {
        for (uint32_t i = 0; i < count; i++) {
            if (bytes[i] != '\n' && bytes[i] != '\0') {
                host->line[host->line_size++] = bytes[i];
            }
            if ((bytes[i] == '\n' || host->line_size == HOST_LINE_MAX) &&
                host->callbacks.log != NULL) {
                host->line[host->line_size] = '\0';
                host->callbacks.log(host->callbacks.ctx, host->line);
            }
            if (bytes[i] == '\n' || host->line_size == HOST_LINE_MAX) {
                host->line_size = 0;
            }
        }
    }
    (void)pthread_mutex_unlock(&host->log_lock);
}

void host_log_end(struct sl_host *host)
{
    host_log_drain(host);
    if (host->line_size != 0 && host->callbacks.log != NULL) {
        host->line[host->line_size] = '\0';
        host->callbacks.log(host->callbacks.ctx, host->line);
        host->line_size = 0;
    }
}

static bool serve_wait(struct host_thread *thread, const struct sl_enter_regs *regs)
{
    struct sl_host *host = thread->host;
    uint32_t kind = (uint32_t)regs->rsi;
    uint32_t arg = (uint32_t)(regs->rsi >> 32);
    bool goes_on = true;
    uint64_t most = (uint64_t)WAIT_MAX_MS * 1000000;
    if (kind == SL_RT_WAIT_YIELD) {
        (void)sched_yield();
    } else if (kind == SL_RT_WAIT_THREAD) {
        futex_wait(&header_of(host)->doorbell[thread->index], arg,
                   regs->rdx < most ? regs->rdx : most);
    } else if (host->callbacks.wait != NULL) {
        goes_on = host->callbacks.wait(host->callbacks.ctx, thread->index,
                                       (enum sl_rt_wait_kind)kind, arg, regs->rdx);
    } else {
        uint32_t seen =
            __atomic_load_n(&header_of(host)->doorbell[thread->index], __ATOMIC_ACQUIRE);
        if (host->is_over == 0) {
            futex_wait(&header_of(host)->doorbell[thread->index], seen,
                       regs->rdx < most ? regs->rdx : most);
        }
    }
    clock_publish(host);
    return goes_on;
}

static void *work(void *arg);

static uint64_t serve_thread(struct host_thread *asker, uint64_t index)
{
    struct sl_host *host = asker->host;
    if (index == 0 || index >= host->image->tcs_count) {
        return 1;
    }
    struct host_thread *thread = &host->threads[index];
    uint64_t result = 0;
    (void)pthread_mutex_lock(&host->lock);
    thread->starts++;
    if (!thread->has_pthread) {
        thread->has_pthread = pthread_create(&thread->pthread, NULL, work, thread) == 0;
        if (!thread->has_pthread) {
            thread->starts--;
            result = 1;
        }
    }
    (void)pthread_cond_broadcast(&host->changed);
    (void)pthread_mutex_unlock(&host->lock);
    return result;
}

static void serve_wake(struct host_thread *thread, uint64_t index)
{
    struct sl_host *host = thread->host;
    if (index < host->image->tcs_count) {
        doorbell_ring(host, (uint32_t)index);
        if (host->callbacks.wake != NULL) {
            host->callbacks.wake(host->callbacks.ctx, (uint32_t)index);
        }
    }
}

/* ---- the loop ---- */

/* What to do after a step. */
enum next { NEXT_RETURN, NEXT_RESUME, NEXT_EXCEPTION, NEXT_DONE };

static enum next serve_end(struct host_thread *thread, const struct sl_enter_regs *regs)
{
    struct sl_host_result result = {.end = SL_HOST_END_EXIT, .exit_code = (int)(regs->rsi & 0xff)};
    if (regs->rdi == SL_ABI_EXIT_DEAD && regs->rsi == SL_ABI_DEAD_AGAIN) {
        return NEXT_DONE; /* another thread ended the image and is about to say how */
    }
    if (regs->rdi != SL_ABI_EXIT_END) {
        result.end = SL_HOST_END_KILLED;
        host_report_dead(thread, regs->rsi, regs->rdx, &result.err);
    }
    host_over(thread->host, &result);
    return NEXT_DONE;
}

static enum next serve_exit(struct host_thread *thread, struct sl_enter_regs *regs)
{
    uint64_t answer = 0;
    struct sl_host_result stopped = {.end = SL_HOST_END_STOPPED};
    host_log_drain(thread->host);
    switch (regs->rdi) {
    case SL_ABI_EXIT_WAIT:
        if (!serve_wait(thread, regs)) {
            host_over(thread->host, &stopped);
            return NEXT_DONE;
        }
        break;
    case SL_ABI_EXIT_THREAD:
        answer = serve_thread(thread, regs->rsi);
        break;
    case SL_ABI_EXIT_WAKE:
        serve_wake(thread, regs->rsi);
        break;
    case SL_ABI_EXIT_THREAD_END:
        return NEXT_DONE;
    case SL_ABI_EXIT_RESUME:
        thread->has_fault = false;
        return NEXT_RESUME;
    default:
        return serve_end(thread, regs);
    }
    *regs = (struct sl_enter_regs){.rdi = SL_ABI_RETURN, .rsi = answer};
    return NEXT_RETURN;
}

static enum next serve_fault(struct host_thread *thread, const struct sgx_enclave_run *run)
{
    if (run->function == SL_EENTER) {
        struct sl_host_result result = {.end = SL_HOST_END_KILLED};
        host_report_refused(thread, run->function, run, &result.err);
        host_over(thread->host, &result);
        return NEXT_DONE;
    }
    thread->fault_count++;
    thread->has_fault = true;
    thread->fault_vector = run->exception_vector;
    thread->fault_error = run->exception_error_code;
    thread->fault_addr = run->exception_addr;
    return NEXT_EXCEPTION;
}

/* Every entry is made from here, at one stack depth: an enclave thread that was left by an
 * exception and is resumed brings the stack pointer of its first entry back at EEXIT. */
static __attribute__((noinline)) enum next step(struct host_thread *thread,
                                                struct sl_enter_regs *regs, unsigned leaf)
{
    struct sl_enclave *enclave = thread->host->enclave;
    struct sgx_enclave_run run = {
        .tcs = (uint64_t)(uintptr_t)enclave->base + thread->host->image->tcs_off[thread->index],
    };
    thread->entry_count++;
    thread->is_inside = 1;
    int error = enclave->ops->enter(enclave, regs, leaf, &run);
    thread->is_inside = 0;
    if (error != 0) {
        struct sl_host_result result = {.end = SL_HOST_END_KILLED};
        (void)sl_err_set(&result.err, SL_IO, "thread %u cannot enter the enclave: %s",
                         thread->index, strerror(error < 0 ? -error : error));
        host_over(thread->host, &result);
        return NEXT_DONE;
    }
    return run.function == SL_EEXIT ? serve_exit(thread, regs) : serve_fault(thread, &run);
}

static void serve(struct host_thread *thread, struct sl_enter_regs first)
{
    struct sl_enter_regs regs = first;
    volatile unsigned leaf = SL_EENTER;
    self = thread;
    if (sigsetjmp(thread->escape, 1) == 0) {
        while (thread->host->is_over == 0) {
            enum next next = step(thread, &regs, leaf);
            if (next == NEXT_DONE) {
                break;
            }
            leaf = next == NEXT_RESUME ? SL_ERESUME : SL_EENTER;
            if (next == NEXT_EXCEPTION) {
                regs = (struct sl_enter_regs){.rdi = SL_ABI_EXCEPTION};
            }
        }
    }
    thread->is_inside = 0;
    self = NULL;
}

/* A host thread for one TCS: serves it each time the image asks for it. */
static void *work(void *arg)
{
    struct host_thread *thread = arg;
    struct sl_host *host = thread->host;
    (void)pthread_mutex_lock(&host->lock);
    for (;;) {
        while (thread->starts == 0 && host->is_over == 0) {
            (void)pthread_cond_wait(&host->changed, &host->lock);
        }
        if (host->is_over != 0) {
            break;
        }
        thread->starts--;
        host->running++;
        (void)pthread_mutex_unlock(&host->lock);
        serve(thread, (struct sl_enter_regs){.rdi = SL_ABI_THREAD});
        (void)pthread_mutex_lock(&host->lock);
        host->running--;
    }
    (void)pthread_mutex_unlock(&host->lock);
    return NULL;
}

sl_rc host_run(struct sl_host *host)
{
    struct host_thread *main_thread = &host->threads[0];
    pthread_t keeper;
    main_thread->pthread = pthread_self();
    main_thread->has_pthread = true;
    host->running = 1;
    if (pthread_create(&keeper, NULL, keep, host) != 0) {
        return SL_NO_MEMORY;
    }
    clock_publish(host);
    serve(main_thread, (struct sl_enter_regs){.rdi = SL_ABI_START,
                                              .rsi = (uint64_t)(uintptr_t)host->area,
                                              .rdx = host->layout.size});
    (void)pthread_mutex_lock(&host->lock);
    host->running--;
    /* main may end before its threads do (pthread_exit): the image ends with the last */
    while (host->is_over == 0) {
        (void)pthread_cond_wait(&host->changed, &host->lock);
    }
    (void)pthread_mutex_unlock(&host->lock);
    (void)pthread_join(keeper, NULL);
    for (uint32_t i = 1; i < host->image->tcs_count; i++) {
        if (host->threads[i].has_pthread) {
            (void)pthread_join(host->threads[i].pthread, NULL);
            host->threads[i].has_pthread = false;
        }
    }
    main_thread->has_pthread = false;
    host_log_end(host);
    return SL_OK;
}
