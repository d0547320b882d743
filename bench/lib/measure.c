/* SPDX-License-Identifier: Apache-2.0 */
/* Interleaved measurement, statistics, and results as JSON. */
#include "measure.h"

#include <intel-ipsec-mb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("bench: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void bench_args(int argc, char **argv, unsigned *rounds, const char **path)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
            *rounds = (unsigned)strtoul(argv[++i], NULL, 10);
        } else {
            *path = argv[i];
        }
    }
}

uint64_t bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

uint64_t bench_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_sort(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
}

double bench_percentile(const double *sorted, size_t count, double share)
{
    size_t at = (size_t)(share * (double)(count - 1) + 0.5);
    return sorted[at];
}

static double window_run(const struct bench_case *one)
{
    uint64_t start = bench_now_ns();
    uint64_t own = one->run(one->ctx, one->count);
    uint64_t took = own != 0 ? own : bench_now_ns() - start;
    return (double)took / (double)one->count;
}

static double median_of(double *values, size_t count)
{
    bench_sort(values, count);
    return bench_percentile(values, count, 0.5);
}

void bench_interleave(const struct bench_case *cases, size_t count, unsigned rounds,
                      struct bench_stat *stats)
{
    double *windows = calloc(count * rounds, sizeof(double));
    double *work = calloc(rounds, sizeof(double));
    if (windows == NULL || work == NULL) {
        bench_die("out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        (void)window_run(&cases[i]);
    }
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            windows[i * rounds + round] = window_run(&cases[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (unsigned round = 0; round < rounds; round++) {
            work[round] = windows[i * rounds + round] / windows[cases[i].base * rounds + round];
        }
        stats[i].ratio = median_of(work, rounds);
    }
    for (size_t i = 0; i < count; i++) {
        double *own = &windows[i * rounds];
        bench_sort(own, rounds);
        stats[i].min = own[0];
        stats[i].p10 = bench_percentile(own, rounds, 0.1);
        stats[i].median = bench_percentile(own, rounds, 0.5);
        stats[i].p90 = bench_percentile(own, rounds, 0.9);
    }
    for (size_t i = 0; i < count; i++) {
        stats[i].ratio_min = stats[i].min / stats[cases[i].base].min;
    }
    free(work);
    free(windows);
}

struct calibration {
    IMB_MGR *mgr;
    struct gcm_key_data key __attribute__((aligned(64)));
    uint8_t in[1424], out[1424];
};

static uint64_t calibration_run(void *ctx, uint64_t count)
{
    struct calibration *c = ctx;
    const uint8_t iv[12] = {1};
    const uint8_t aad[8] = {2};
    uint8_t tag[16];
    struct gcm_context_data gcm;
    for (uint64_t i = 0; i < count; i++) {
        IMB_AES128_GCM_ENC(c->mgr, &c->key, &gcm, c->out, c->in, 1420, iv, aad, 8, tag, 16);
    }
    return 0;
}

struct bench_case bench_cipher_case(uint32_t thread)
{
    static struct calibration *all[BENCH_CIPHERS_MAX];
    struct calibration **c = &all[thread % BENCH_CIPHERS_MAX];
    if (*c == NULL) {
        *c = aligned_alloc(128, (sizeof(**c) + 127) / 128 * 128);
        IMB_MGR *mgr = alloc_mb_mgr(0);
        if (*c == NULL || mgr == NULL) {
            bench_die("out of memory");
        }
        memset(*c, 0, sizeof(**c));
        init_mb_mgr_avx2(mgr);
        (*c)->mgr = mgr;
        IMB_AES128_GCM_PRE(mgr, (*c)->in, &(*c)->key);
    }
    return (struct bench_case){"calibration", calibration_run, *c, 1000, 0};
}

struct bench_case bench_calibration_case(void)
{
    return bench_cipher_case(0);
}

json_t *bench_stat_json(const struct bench_stat *stat)
{
    return json_pack("{s:f,s:f,s:f,s:f,s:f}", "min_ns", stat->min, "p10_ns", stat->p10, "median_ns",
                     stat->median, "p90_ns", stat->p90, "ratio", stat->ratio);
}

/* "model name" of the first processor. */
static void cpu_name(char *out, size_t size)
{
    (void)snprintf(out, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[512];
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *at = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && at != NULL) {
            (void)snprintf(out, size, "%s", at + 2);
            out[strcspn(out, "\n")] = '\0';
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static json_t *machine_json(void)
{
    struct utsname uts;
    char cpu[256];
    (void)uname(&uts);
    cpu_name(cpu, sizeof(cpu));
    return json_pack("{s:s,s:I,s:I,s:s}", "cpu", cpu, "cores",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "memory_mib",
                     (json_int_t)(sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) / 1024),
                     "kernel", uts.release);
}

void bench_result_write(const char *path, const char *name, json_t *body)
{
    char date[32];
    time_t now = time(NULL);
    struct tm tm;
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    json_t *root = json_pack("{s:s,s:s,s:s,s:o}", "name", name, "version", SL_VERSION, "date", date,
                             "machine", machine_json());
    if (root == NULL || json_object_update(root, body) != 0 ||
        json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) != 0) {
        bench_die("cannot write %s", path);
    }
    json_decref(body);
    json_decref(root);
    printf("wrote %s\n", path);
}
