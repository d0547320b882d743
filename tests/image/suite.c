/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the test images case by case on one device:  test_image_suite IMAGE CRYPTO_IMAGE DEVICE
 * with DEVICE = bare, emu (direct), emu-trap, emu-sgx1 (RDTSC traps) or sgx. */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "host/enclave.h"
#include "raw.h"

static const char *image_path;
static const char *crypto_path;
static struct sl_device_options device;
static bool is_device_here = true;

struct run {
    sl_rc rc;
    struct sl_err err;
    struct sl_host_result result;
    char log[1 << 17];
    size_t log_size;
    unsigned wait_count;
    unsigned wait_stop_after; /* 0 = never */
    enum sl_rt_wait_kind last_kind[2];
    uint32_t last_arg[2];
    uint64_t last_timeout[2];
    uint64_t entries;
    uint8_t mrenclave[32];
    struct sl_host *host;
    bool is_stopped_later;
    pthread_t stopper;
};

static void on_log(void *ctx, const char *line)
{
    struct run *run = ctx;
    int size = snprintf(run->log + run->log_size, sizeof(run->log) - run->log_size, "%s\n", line);
    run->log_size += (size_t)size;
    assert_true(run->log_size < sizeof(run->log));
}

static void *stop_soon(void *arg)
{
    struct run *run = arg;
    const struct timespec moment = {.tv_nsec = 30000000};
    (void)nanosleep(&moment, NULL);
    sl_host_stop(run->host);
    return NULL;
}

static bool on_wait(void *ctx, uint32_t thread, enum sl_rt_wait_kind kind, uint32_t arg,
                    uint64_t timeout_ns)
{
    struct run *run = ctx;
    (void)thread;
    if (run->wait_count < 2) {
        run->last_kind[run->wait_count] = kind;
        run->last_arg[run->wait_count] = arg;
        run->last_timeout[run->wait_count] = timeout_ns;
    }
    run->wait_count++;
    if (run->is_stopped_later && run->wait_count == 1) {
        assert_int_equal(pthread_create(&run->stopper, NULL, stop_soon, run), 0);
    }
    return run->wait_stop_after == 0 || run->wait_count < run->wait_stop_after;
}

static const char *path_of(const char *name)
{
#define IS(each) || strcmp(name, #each) == 0
    return (false CRYPTO_CASE_TABLE(IS)) ? crypto_path : image_path;
#undef IS
}

/* Runs one case to its end; skips where the device is absent. */
static void run_case(struct run *run, const char *name, const char *arg)
{
    if (!is_device_here) {
        skip();
    }
    const char *argv[] = {"test-image", name, arg};
    struct sl_host_params params = {
        .image_path = path_of(name),
        .device = device,
        .geometry = {.shard_count = 1,
                     .ring_count = 64,
                     .data_size = 65536,
                     .control_size = 16384,
                     .log_size = 65536},
        .argc = arg != NULL ? 3 : 2,
        .argv = argv,
        .callbacks = {.ctx = run, .wait = on_wait, .log = on_log},
    };
    run->rc = sl_host_create(&params, &run->host, &run->err);
    if (run->rc != SL_OK) {
        print_message("%s\n", run->err.text);
    }
    assert_ok(run->rc);
    assert_rc(sl_host_run(run->host, &run->result), SL_OK);
    if (run->is_stopped_later) {
        (void)pthread_join(run->stopper, NULL);
    }
    run->entries = sl_host_entry_count(run->host);
    memcpy(run->mrenclave, sl_host_mrenclave(run->host), sizeof(run->mrenclave));
    assert_rc(sl_host_run(run->host, &run->result), SL_STATE);
    sl_host_free(run->host);
}

static struct run *run_new(void)
{
    struct run *run = calloc(1, sizeof(*run));
    assert_non_null(run);
    return run;
}

/* A case that must return 0; its log is given back for more. */
static struct run *run_good(const char *name, const char *arg)
{
    struct run *run = run_new();
    run_case(run, name, arg);
    if (run->result.end != SL_HOST_END_EXIT || run->result.exit_code != 0) {
        print_message("%s\n%s\n", run->log, run->result.err.text);
    }
    assert_int_equal(run->result.end, SL_HOST_END_EXIT);
    assert_int_equal(run->result.exit_code, 0);
    return run;
}

/* A case that must end in a death whose sentence holds both words. */
static void run_dead(const char *name, const char *first, const char *second)
{
    struct run *run = run_new();
    run_case(run, name, NULL);
    print_message("%s\n", run->result.err.text);
    assert_int_equal(run->result.end, SL_HOST_END_KILLED);
    assert_non_null(strstr(run->result.err.text, first));
    assert_non_null(strstr(run->result.err.text, second));
    free(run);
}

#define GOOD(name, arg)                                                                            \
    static void test_##name##_is_good(void **state)                                                \
    {                                                                                              \
        (void)state;                                                                               \
        free(run_good(#name, arg));                                                                \
    }
GOOD(refused, NULL)
GOOD(sleep, NULL)
GOOD(threads, NULL)
GOOD(handover, NULL)
GOOD(timedwait, NULL)
GOOD(tls, NULL)
GOOD(many_threads, NULL)
GOOD(too_many_threads, NULL)
GOOD(malloc, NULL)
GOOD(exhaust, NULL)
GOOD(mappings, NULL)
GOOD(mprotect, NULL)
GOOD(cpuid, NULL)
GOOD(tls_context, NULL)
GOOD(ipsec_mb, NULL)
GOOD(area, NULL)

#define DEAD(name, first, second)                                                                  \
    static void test_##name##_is_death(void **state)                                               \
    {                                                                                              \
        (void)state;                                                                               \
        run_dead(#name, first, second);                                                            \
    }
DEAD(overflow, "recurse", "hole below stack 0: stack overflow")
DEAD(thread_overflow, "recurse", ": stack overflow")
DEAD(nested, "#PF", "inside the exception handler")
DEAD(write_text, "case_write_text", "in text")
DEAD(run_data, "#PF", "in data")
DEAD(divide, "#DE", "case_divide")
DEAD(illegal, "#UD", "case_illegal")

static void test_int80_is_death(void **state)
{
    (void)state;
    if (strcmp(device.device, "bare") == 0) {
        skip(); /* INT 0x80 is the kernel's there, or not: bare has no rules */
    }
    run_dead("int80", "dead", "case_int80");
}

static void test_args_reach_main(void **state)
{
    (void)state;
    struct run *run = run_good("args", "a b\"c");
    assert_non_null(strstr(run->log, "arg 0: test-image\narg 1: args\narg 2: a b\"c\n"));
    free(run);
}

static void test_exit_code_comes_out(void **state)
{
    (void)state;
    struct run *run = run_new();
    run_case(run, "exit", "77");
    assert_int_equal(run->result.end, SL_HOST_END_EXIT);
    assert_int_equal(run->result.exit_code, 77);
    free(run);
}

static void test_log_lines_arrive_whole(void **state)
{
    (void)state;
    struct run *run = run_good("log", NULL);
    const char *text = strstr(run->log, "one\ntwo halves\nxxx");
    assert_non_null(text);
    assert_int_equal(strspn(text + strlen("one\ntwo halves\n"), "x"), 2999);
    assert_non_null(strstr(run->log, "\nerror\n"));
    assert_non_null(strstr(run->log, "\nno newline at the end\n"));
    free(run);
}

static void test_random_differs_between_runs(void **state)
{
    (void)state;
    struct run *a = run_good("random", NULL);
    struct run *b = run_good("random", NULL);
    assert_string_not_equal(a->log, b->log);
    free(a);
    free(b);
}

static void test_time_moves_and_agrees(void **state)
{
    (void)state;
    struct run *run = run_good("time", NULL);
    const char *text = strstr(run->log, "realtime ");
    assert_non_null(text);
    long long real = strtoll(text + strlen("realtime "), NULL, 10);
    assert_true(llabs(real - (long long)time(NULL)) <= 60);
    assert_true(device.is_rdtsc_trapped || strstr(text, "passed 0") == NULL);
    free(run);
}

static void test_exit_in_a_thread_ends_the_image(void **state)
{
    (void)state;
    struct run *run = run_new();
    run_case(run, "thread_exits", NULL);
    assert_int_equal(run->result.end, SL_HOST_END_EXIT);
    assert_int_equal(run->result.exit_code, 23);
    free(run);
}

static void test_exit_in_a_thread_ends_a_spinning_main(void **state)
{
    (void)state;
    struct run *run = run_new();
    run_case(run, "spin_exit", NULL);
    assert_int_equal(run->result.end, SL_HOST_END_EXIT);
    assert_int_equal(run->result.exit_code, 24);
    free(run);
}

static void test_last_thread_ends_the_image(void **state)
{
    (void)state;
    struct run *run = run_good("pthread_exit", NULL);
    assert_non_null(strstr(run->log, "last thread\n"));
    free(run);
}

/* AEX storm */
static volatile sig_atomic_t alarms;

static void on_alarm(int signo)
{
    (void)signo;
    alarms = alarms + 1;
}

static void test_vectors_survive_aex_storm(void **state)
{
    (void)state;
    const struct itimerval fast = {.it_interval.tv_usec = 250, .it_value.tv_usec = 250};
    const struct itimerval off = {0};
    alarms = 0;
    assert_int_equal(setitimer(ITIMER_REAL, &fast, NULL), 0);
    struct run *run = run_good("aex", "400");
    assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
    print_message("%d signals; %s", (int)alarms, strstr(run->log, "vectors"));
    assert_true(alarms > 50);
    free(run);
}

/* Everything that exits, under the same storm: threads, locks, system calls. */
static void test_threads_survive_aex_storm(void **state)
{
    (void)state;
    const struct itimerval fast = {.it_interval.tv_usec = 400, .it_value.tv_usec = 400};
    const struct itimerval off = {0};
    assert_int_equal(setitimer(ITIMER_REAL, &fast, NULL), 0);
    free(run_good("handover", NULL));
    free(run_good("malloc", NULL));
    assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
}

static void test_report_is_verified_inside(void **state)
{
    (void)state;
    struct run *run = run_good("report", NULL);
    if (strcmp(device.device, "bare") == 0) {
        assert_non_null(strstr(run->log, "no reports here"));
    } else {
        char hex[10 + 65] = "mrenclave ";
        for (size_t i = 0; i < 32; i++) {
            (void)snprintf(hex + 10 + 2 * i, 3, "%02x", run->mrenclave[i]);
        }
        assert_non_null(strstr(run->log, hex));
    }
    free(run);
}

static void test_crypto_differs_between_runs(void **state)
{
    (void)state;
    struct run *a = run_good("crypto", NULL);
    struct run *b = run_good("crypto", NULL);
    assert_string_not_equal(strstr(a->log, "random"), strstr(b->log, "random"));
    free(a);
    free(b);
}

static void test_wait_tells_what_for(void **state)
{
    (void)state;
    struct run *run = run_good("wait", NULL);
    assert_int_equal(run->wait_count, 2);
    assert_int_equal(run->last_kind[0], SL_RT_WAIT_SHARD);
    assert_int_equal(run->last_arg[0], 3);
    assert_int_equal(run->last_timeout[0], 12345);
    assert_int_equal(run->last_kind[1], SL_RT_WAIT_CONTROL);
    assert_non_null(strstr(run->log, "polling 0"));
    free(run);
    run = run_good("wait", "--polling");
    assert_non_null(strstr(run->log, "polling 1"));
    free(run);
}

static void test_wait_false_stops(void **state)
{
    (void)state;
    struct run *run = run_new();
    run->wait_stop_after = 3;
    run_case(run, "wait_forever", NULL);
    assert_int_equal(run->result.end, SL_HOST_END_STOPPED);
    assert_int_equal(run->wait_count, 3);
    free(run);
}

static void test_stop_takes_a_spinning_thread_out(void **state)
{
    (void)state;
    struct run *run = run_new();
    run->is_stopped_later = true;
    run_case(run, "spin", NULL);
    assert_int_equal(run->result.end, SL_HOST_END_STOPPED);
    free(run);
}

static void test_entries_are_counted(void **state)
{
    (void)state;
    struct run *few = run_good("round_trips", "10");
    struct run *more = run_good("round_trips", "510");
    assert_int_equal(more->entries - few->entries, 500);
    free(few);
    free(more);
}

static void test_create_refuses_bad_parameters(void **state)
{
    (void)state;
    struct sl_host *host = NULL;
    struct sl_err err = {0};
    static const char long_text[9000] = {[0 ... 8998] = 'a'};
    const char *argv[] = {"x", long_text};
    struct sl_host_params params = {
        .image_path = image_path,
        .device = {.device = "bare"},
        .geometry = {1, 64, 65536, 16384, 65536, 0},
        .argc = 2,
        .argv = argv,
    };
    assert_rc(sl_host_create(&params, &host, &err), SL_RANGE);
    params.argc = 1;
    params.geometry.ring_count = 100;
    assert_rc(sl_host_create(&params, &host, &err), SL_RANGE);
    params.geometry.ring_count = 64;
    params.device.device = "tdx";
    assert_rc(sl_host_create(&params, &host, &err), SL_NOT_FOUND);
    params.device.device = "bare";
    params.image_path = "/nonexistent";
    assert_rc(sl_host_create(&params, &host, &err), SL_IO);
    params.image_path = "/bin/true";
    assert_rc(sl_host_create(&params, &host, &err), SL_UNSUPPORTED);
    params.image_path = image_path;
    params.sigstruct_path = "/bin/true";
    assert_rc(sl_host_create(&params, &host, &err), SL_MALFORMED);
}

/* ---- the hostile host ---- */

static struct raw *raw_new(const char *name)
{
    if (!is_device_here) {
        skip();
    }
    const char *argv[] = {"test-image", name};
    struct raw *raw = calloc(1, sizeof(*raw));
    assert_non_null(raw);
    assert_int_equal(raw_open(raw, image_path, &device, argv, 2), 0);
    return raw;
}

static void raw_free(struct raw *raw)
{
    raw_close(raw);
    free(raw);
}

/* The start is refused for that reason, and so is everything after. */
static void assert_start_refused(struct raw *raw, uint64_t why)
{
    struct sl_enter_regs regs;
    assert_int_equal(raw_run(raw, &regs), SL_ABI_EXIT_DEAD);
    assert_int_equal(regs.rsi, why);
    regs = raw->start;
    assert_int_equal(raw_step(raw, 1, &regs, SL_EENTER), SL_EEXIT);
    assert_int_equal(regs.rdi, SL_ABI_EXIT_DEAD);
    assert_int_equal(regs.rsi, SL_ABI_DEAD_AGAIN);
    raw_free(raw);
}

static void test_raw_good_start_runs(void **state)
{
    (void)state;
    struct raw *raw = raw_new("args");
    struct sl_enter_regs regs;
    assert_int_equal(raw_run(raw, &regs), SL_ABI_EXIT_END);
    assert_int_equal(regs.rsi, 0);
    raw_free(raw);
}

static void test_raw_area_not_outside_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 7; i++) {
        struct raw *raw = raw_new("args");
        uint64_t base = (uint64_t)(uintptr_t)raw->enclave->base;
        uint64_t size = raw->enclave->size;
        const struct sl_enter_regs starts[] = {
            {.rsi = base + raw->image->layout->heap_off, .rdx = 1 << 20},
            {.rsi = base, .rdx = size},
            {.rsi = base - 4096, .rdx = 1 << 20},               /* runs into the enclave */
            {.rsi = base - (1 << 20), .rdx = (1 << 21) + size}, /* around it */
            {.rsi = (uint64_t)(uintptr_t)raw->area, .rdx = UINT64_MAX - 4095}, /* wraps */
            {.rsi = 0, .rdx = 1 << 20},
            {.rsi = (uint64_t)(uintptr_t)raw->area + 8, .rdx = raw->layout.size - 8},
        };
        raw->start = starts[i];
        raw->start.rdi = SL_ABI_START;
        assert_start_refused(raw, SL_ABI_DEAD_AREA);
    }
}

static void test_raw_bad_geometry_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct raw *raw = raw_new("args");
        struct sl_area_header *header = (struct sl_area_header *)(void *)raw->area;
        uint32_t *fields[] = {(uint32_t *)(void *)&header->magic, &header->geometry.ring_count,
                              &header->geometry.data_size, &header->geometry.shard_count};
        const uint32_t values[] = {1, 65, 1u << 31, 16};
        *fields[i] = values[i];
        assert_start_refused(raw, SL_ABI_DEAD_AREA);
    }
}

static void test_raw_bad_params_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct raw *raw = raw_new("args");
        struct sl_params_header *header =
            (struct sl_params_header *)(void *)(raw->area + raw->layout.params);
        uint32_t *fields[] = {&header->magic,     &header->argc,      &header->argc,
                              &header->argv_size, &header->argv_size, &header->cpuid_count,
                              &header->tsc_khz,   &header->tsc_khz};
        const uint32_t values[] = {0, 0, 1000000, 0, 1u << 30, 17, 0, UINT32_MAX};
        *fields[i] = values[i];
        assert_start_refused(raw, SL_ABI_DEAD_PARAMS);
    }
    struct raw *raw = raw_new("args"); /* the last string without its end */
    struct sl_params_header *header =
        (struct sl_params_header *)(void *)(raw->area + raw->layout.params);
    header->argv_size--;
    assert_start_refused(raw, SL_ABI_DEAD_PARAMS);
}

static void test_raw_poor_cpu_is_refused(void **state)
{
    (void)state;
    struct raw *raw = raw_new("args");
    struct sl_params_cpuid *one =
        (struct sl_params_cpuid *)(void *)(raw->area + raw->layout.params +
                                           sizeof(struct sl_params_header));
    one->ecx &= ~(1u << 25); /* AES-NI */
    assert_start_refused(raw, SL_ABI_DEAD_CPU);
}

/* All feature bits and sizes set: what is claimed inside stays consistent with XFRM, and the image
 * runs, or dies by #UD where the processor was lied about. */
static void test_raw_junk_cpuid_is_tamed(void **state)
{
    (void)state;
    struct raw *raw = raw_new("cpuid");
    struct sl_params_cpuid *table =
        (struct sl_params_cpuid *)(void *)(raw->area + raw->layout.params +
                                           sizeof(struct sl_params_header));
    for (int i = 0; i < 2; i++) {
        table[i].eax = table[i].ebx = table[i].edx = UINT32_MAX;
        table[i].ecx = UINT32_MAX;
    }
    struct sl_enter_regs regs;
    uint64_t end = raw_run(raw, &regs);
    assert_true(end == SL_ABI_EXIT_END || end == SL_ABI_EXIT_DEAD);
    raw_free(raw);
}

static void test_raw_unasked_thread_is_death(void **state)
{
    (void)state;
    for (uint64_t kind = 0; kind < 6; kind++) {
        struct raw *raw = raw_new("args");
        struct sl_enter_regs regs = {.rdi = kind};
        assert_int_equal(raw_step(raw, 1, &regs, SL_EENTER), SL_EEXIT);
        assert_int_equal(regs.rdi, SL_ABI_EXIT_DEAD);
        assert_int_equal(regs.rsi, SL_ABI_DEAD_ENTRY);
        raw_free(raw);
    }
}

static void test_raw_second_start_is_death(void **state)
{
    (void)state;
    struct raw *raw = raw_new("wait_forever");
    struct sl_enter_regs regs = raw->start;
    unsigned leaf = SL_EENTER;
    /* to the first wait */
    for (;;) {
        unsigned function = raw_step(raw, 0, &regs, leaf);
        leaf = function == SL_EEXIT && regs.rdi == SL_ABI_EXIT_RESUME ? SL_ERESUME : SL_EENTER;
        if (function == SL_EEXIT && regs.rdi == SL_ABI_EXIT_WAIT) {
            break;
        }
        regs = (struct sl_enter_regs){.rdi = SL_ABI_EXCEPTION};
    }
    /* START on the waiting thread is only a return; it waits again */
    regs = raw->start;
    assert_int_equal(raw_step(raw, 0, &regs, SL_EENTER), SL_EEXIT);
    assert_int_equal(regs.rdi, SL_ABI_EXIT_WAIT);
    /* START on another TCS */
    regs = raw->start;
    assert_int_equal(raw_step(raw, 1, &regs, SL_EENTER), SL_EEXIT);
    assert_int_equal(regs.rdi, SL_ABI_EXIT_DEAD);
    assert_int_equal(regs.rsi, SL_ABI_DEAD_ENTRY);
    raw_free(raw);
}

/* An exception is answered once: entering again in place of ERESUME gets no second answer. */
static void test_raw_exception_twice_is_death(void **state)
{
    (void)state;
    struct raw *raw = raw_new("args");
    struct sl_enter_regs regs = raw->start;
    assert_int_equal(raw_step(raw, 0, &regs, SL_EENTER), SL_ERESUME);
    regs = (struct sl_enter_regs){.rdi = SL_ABI_EXCEPTION};
    assert_int_equal(raw_step(raw, 0, &regs, SL_EENTER), SL_EEXIT);
    assert_int_equal(regs.rdi, SL_ABI_EXIT_RESUME);
    regs = (struct sl_enter_regs){.rdi = SL_ABI_EXCEPTION};
    assert_int_equal(raw_step(raw, 0, &regs, SL_EENTER), SL_EEXIT);
    assert_int_equal(regs.rdi, SL_ABI_EXIT_DEAD);
    assert_int_equal(regs.rsi, SL_ABI_DEAD_SPURIOUS);
    raw_free(raw);
}

/* ERESUME while the exception handler is in a call to the host: the interrupted code must neither
 * go on without the answer nor get a wrong one. */
static void test_raw_resume_in_place_of_return_changes_nothing(void **state)
{
    (void)state;
    static const char *const cases[] = {"timedwait", "sleep", "threads"};
    static const uint64_t codes[] = {0, 0, 1}; /* "threads" says that none was to be had */
    for (int i = 0; i < 3; i++) {
        struct raw *raw = raw_new(cases[i]);
        struct sl_enter_regs regs;
        raw->is_resuming = true;
        assert_int_equal(raw_run(raw, &regs), SL_ABI_EXIT_END);
        assert_int_equal(regs.rsi, codes[i]);
        assert_true(raw->resumes > 0);
        raw_free(raw);
    }
}

/* Neither end leaves anything that ERESUME could go on with. */
static void test_raw_resume_after_the_end_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"args", "illegal"};
    static const uint64_t ends[] = {SL_ABI_EXIT_END, SL_ABI_EXIT_DEAD};
    for (int i = 0; i < 2; i++) {
        struct raw *raw = raw_new(cases[i]);
        struct sl_enter_regs regs;
        assert_int_equal(raw_run(raw, &regs), ends[i]);
        regs = (struct sl_enter_regs){0};
        assert_int_equal(raw_step(raw, 0, &regs, SL_ERESUME), SL_ERESUME);
        assert_int_equal(raw->last_vector, 6);
        assert_int_equal(raw_step(raw, 0, &regs, SL_EENTER), SL_EEXIT);
        assert_int_equal(regs.rdi, SL_ABI_EXIT_DEAD);
        raw_free(raw);
    }
}

/* With the handler itself interrupted by a fault, the next entry is CSSA = 2. */
static void test_raw_nested_entry_is_death(void **state)
{
    (void)state;
    struct raw *raw = raw_new("nested");
    struct sl_enter_regs regs;
    assert_int_equal(raw_run(raw, &regs), SL_ABI_EXIT_DEAD);
    assert_int_equal(regs.rsi, SL_ABI_DEAD_NESTED);
    raw_free(raw);
}

static void test_raw_entry_after_end_is_refused(void **state)
{
    (void)state;
    struct raw *raw = raw_new("args");
    struct sl_enter_regs regs;
    assert_int_equal(raw_run(raw, &regs), SL_ABI_EXIT_END);
    for (uint32_t thread = 0; thread < 3; thread++) {
        regs = raw->start;
        assert_int_equal(raw_step(raw, thread, &regs, SL_EENTER), SL_EEXIT);
        assert_int_equal(regs.rdi, SL_ABI_EXIT_DEAD);
        assert_int_equal(regs.rsi, SL_ABI_DEAD_AGAIN);
    }
    raw_free(raw);
}

static void test_raw_registers_are_scrubbed(void **state)
{
    (void)state;
    struct raw *raw = raw_new("scrub");
    struct sl_enter_regs regs;
    assert_int_equal(raw_run(raw, &regs), SL_ABI_EXIT_END);
    assert_false(raw->has_leak);
    raw_free(raw);
}

static void test_raw_poisoned_control_words_are_reset(void **state)
{
    (void)state;
    struct raw *raw = raw_new("abi");
    raw->is_poisoned = true;
    struct sl_enter_regs regs;
    assert_int_equal(raw_run(raw, &regs), SL_ABI_EXIT_END);
    assert_int_equal(regs.rsi, 0);
    raw_free(raw);
}

/* The host never starts threads, and every wait returns at once. */
static void test_raw_host_without_threads_costs_only_eagain(void **state)
{
    (void)state;
    struct raw *raw = raw_new("threads");
    struct sl_enter_regs regs;
    assert_int_equal(raw_run(raw, &regs), SL_ABI_EXIT_END);
    assert_int_equal(regs.rsi, 1); /* the case says that it failed */
    raw_free(raw);
    raw = raw_new("timedwait"); /* spurious wake-ups */
    assert_int_equal(raw_run(raw, &regs), SL_ABI_EXIT_END);
    assert_int_equal(regs.rsi, 0);
    raw_free(raw);
}

static void choose_device(const char *name)
{
    device.device = strncmp(name, "emu", 3) == 0 ? "emu" : name;
    device.is_trap = strcmp(name, "emu-trap") == 0;
    device.is_rdtsc_trapped = strcmp(name, "emu-sgx1") == 0;
    if (strcmp(name, "sgx") == 0 && access("/dev/sgx_enclave", R_OK | W_OK) != 0) {
        print_message("no /dev/sgx_enclave here: every case is skipped\n");
        is_device_here = false;
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: test_image_suite IMAGE CRYPTO_IMAGE DEVICE\n");
        return 1;
    }
    image_path = argv[1];
    crypto_path = argv[2];
    choose_device(argv[3]);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    (void)sigaction(SIGALRM, &action, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_args_reach_main),
        cmocka_unit_test(test_exit_code_comes_out),
        cmocka_unit_test(test_log_lines_arrive_whole),
        cmocka_unit_test(test_random_differs_between_runs),
        cmocka_unit_test(test_refused_is_good),
        cmocka_unit_test(test_time_moves_and_agrees),
        cmocka_unit_test(test_sleep_is_good),
        cmocka_unit_test(test_threads_is_good),
        cmocka_unit_test(test_handover_is_good),
        cmocka_unit_test(test_timedwait_is_good),
        cmocka_unit_test(test_tls_is_good),
        cmocka_unit_test(test_many_threads_is_good),
        cmocka_unit_test(test_too_many_threads_is_good),
        cmocka_unit_test(test_exit_in_a_thread_ends_the_image),
        cmocka_unit_test(test_exit_in_a_thread_ends_a_spinning_main),
        cmocka_unit_test(test_last_thread_ends_the_image),
        cmocka_unit_test(test_malloc_is_good),
        cmocka_unit_test(test_exhaust_is_good),
        cmocka_unit_test(test_mappings_is_good),
        cmocka_unit_test(test_mprotect_is_good),
        cmocka_unit_test(test_vectors_survive_aex_storm),
        cmocka_unit_test(test_threads_survive_aex_storm),
        cmocka_unit_test(test_overflow_is_death),
        cmocka_unit_test(test_thread_overflow_is_death),
        cmocka_unit_test(test_nested_is_death),
        cmocka_unit_test(test_write_text_is_death),
        cmocka_unit_test(test_run_data_is_death),
        cmocka_unit_test(test_divide_is_death),
        cmocka_unit_test(test_illegal_is_death),
        cmocka_unit_test(test_int80_is_death),
        cmocka_unit_test(test_cpuid_is_good),
        cmocka_unit_test(test_report_is_verified_inside),
        cmocka_unit_test(test_crypto_differs_between_runs),
        cmocka_unit_test(test_tls_context_is_good),
        cmocka_unit_test(test_ipsec_mb_is_good),
        cmocka_unit_test(test_area_is_good),
        cmocka_unit_test(test_wait_tells_what_for),
        cmocka_unit_test(test_wait_false_stops),
        cmocka_unit_test(test_stop_takes_a_spinning_thread_out),
        cmocka_unit_test(test_entries_are_counted),
        cmocka_unit_test(test_create_refuses_bad_parameters),
        cmocka_unit_test(test_raw_good_start_runs),
        cmocka_unit_test(test_raw_area_not_outside_is_refused),
        cmocka_unit_test(test_raw_bad_geometry_is_refused),
        cmocka_unit_test(test_raw_bad_params_are_refused),
        cmocka_unit_test(test_raw_poor_cpu_is_refused),
        cmocka_unit_test(test_raw_junk_cpuid_is_tamed),
        cmocka_unit_test(test_raw_unasked_thread_is_death),
        cmocka_unit_test(test_raw_second_start_is_death),
        cmocka_unit_test(test_raw_exception_twice_is_death),
        cmocka_unit_test(test_raw_resume_in_place_of_return_changes_nothing),
        cmocka_unit_test(test_raw_resume_after_the_end_is_refused),
        cmocka_unit_test(test_raw_nested_entry_is_death),
        cmocka_unit_test(test_raw_entry_after_end_is_refused),
        cmocka_unit_test(test_raw_registers_are_scrubbed),
        cmocka_unit_test(test_raw_poisoned_control_words_are_reset),
        cmocka_unit_test(test_raw_host_without_threads_costs_only_eagain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
