/* SPDX-License-Identifier: Apache-2.0 */
/* One device under test, in a process of its own, driven by bench/bounce/run.py. Commands on stdin:
 *   rate SIZE COUNT          -> rate WALL_NS INSIDE_NS TURNS      (INSIDE: batch only, else 0)
 *   latency SIZE COUNT PPS   -> latency P50 P90 P99 MAX           (ns)
 *   calibrate                -> calibrate NS
 *   flows                    -> flows COUNT                   (begins and answers all of --flows)
 *   attack KIND PERCENT      -> attack PERCENT                (bounce/attack.h; polling)
 *   zipf EXPONENT            -> zipf EXPONENT                 (which flows; 0: each as often)
 *   status                   -> status JSON                   (the image's; not of native)
 * SIZE 0 is IMIX. "ready" is printed first.
 * Usage: bench-bounce --device native|bare|emu|sgx [--image PATH] [--polling] [--rules N]
 *                     [--chain FILE] [--flows N] [--tcp] [--spill MIB] [--entry-cost-ns N] [--core
 * 0|1] */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "attack.h"
#include "device.h"
#include "measure.h"

void bounce_pin(unsigned core)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) >= 2) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(core, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
    }
}

/* Before others, where that is allowed; changes nothing on a quiet machine. The scheduler weighs
 * sessions (autogroups) before it looks at processes, so this one gets a session of its own. */
static void take_priority(void)
{
    (void)setpriority(PRIO_PROCESS, 0, -20);
    FILE *file = setsid() != -1 ? fopen("/proc/self/autogroup", "w") : NULL;
    if (file != NULL) {
        (void)fputs("-20", file);
        (void)fclose(file);
    }
}

static void do_rate(const struct bounce_device *device, uint32_t size, uint32_t count)
{
    struct job job;
    job_start(&job, device->rig, size, count, 0);
    device->run(device->ctx, &job);
    if (device->rig->attack != NULL) {
        rig_settle(device->rig);
    }
    printf("rate %llu %llu %llu\n", (unsigned long long)(job.end_ns - job.start_ns),
           (unsigned long long)job.inside_ns, (unsigned long long)job.turns);
    job_done(&job);
}

static void do_latency(const struct bounce_device *device, uint32_t size, uint32_t count,
                       double rate_pps)
{
    struct job job;
    if (rate_pps <= 0 || count == 0) {
        bench_die("latency needs a rate and a count");
    }
    job_start(&job, device->rig, size, count, rate_pps);
    device->run(device->ctx, &job);
    double *sorted = calloc(count, sizeof(double));
    if (sorted == NULL) {
        bench_die("out of memory");
    }
    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = (double)job.latency_ns[i];
    }
    bench_sort(sorted, count);
    printf("latency %.0f %.0f %.0f %.0f\n", bench_percentile(sorted, count, 0.5),
           bench_percentile(sorted, count, 0.9), bench_percentile(sorted, count, 0.99),
           sorted[count - 1]);
    free(sorted);
    job_done(&job);
}

/* Each flow's first packet, its answer, and (TCP) what completes the handshake and opens the
 * server's window. */
static void do_flows(const struct bounce_device *device)
{
    enum { PART = 4096 };
    struct rig *rig = device->rig;
    if (rig->flows == NULL) {
        bench_die("this process has no --flows");
    }
    for (enum flows_phase phase = FLOWS_FIRST; phase < FLOWS_DATA; phase++) {
        uint32_t left = flows_phase_set(rig->flows, phase);
        rig->side = flows_is_from_server(phase) ? 1 : 0;
        for (; left > 0; left -= left < PART ? left : PART) {
            struct job job;
            job_start_checked(&job, rig, left < PART ? left : PART);
            device->run(device->ctx, &job);
            job_done(&job);
        }
    }
    rig->side = 0;
    printf("flows %u\n", flows_phase_set(rig->flows, FLOWS_DATA));
}

static void do_attack(const struct bounce_device *device, const char *kind, uint32_t percent)
{
    struct rig *rig = device->rig;
    rig->attack = rig->attack != NULL ? rig->attack : attack_new();
    rig_settle(rig); /* of the one before */
    if (rig->flows == NULL || !attack_set(rig->attack, kind, percent)) {
        bench_die("no --flows, or no such attack: %s", kind);
    }
    printf("attack %u\n", percent);
}

size_t bounce_chain(const struct bounce_options *options, uint8_t **ret_bundle)
{
    enum { CHAIN_MAX = 4 << 20 };
    if (options->chain == NULL) {
        return rig_chain(options->rules, ret_bundle);
    }
    FILE *file = fopen(options->chain, "rb");
    uint8_t *bundle = malloc(CHAIN_MAX);
    size_t size = file != NULL && bundle != NULL ? fread(bundle, 1, CHAIN_MAX, file) : 0;
    if (size == 0 || size == CHAIN_MAX) {
        bench_die("%s: cannot be read, or too large", options->chain);
    }
    (void)fclose(file);
    *ret_bundle = bundle;
    return size;
}

static void do_calibrate(void)
{
    struct bench_case one = bench_calibration_case();
    struct bench_stat stat;
    bench_interleave(&one, 1, 3, &stat);
    printf("calibrate %.1f\n", stat.min);
}

static struct bounce_options options_read(int argc, char **argv)
{
    struct bounce_options options = {
        .device = "native", .rules = 1, .entry_cost_ns = 3500, .core = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--polling") == 0) {
            options.is_polling = true;
        } else if (strcmp(argv[i], "--tcp") == 0) {
            options.is_tcp = true;
        } else if (i + 1 == argc) {
            bench_die("%s: unknown option, or its value is missing", argv[i]);
        } else if (strcmp(argv[i], "--device") == 0) {
            options.device = argv[++i];
        } else if (strcmp(argv[i], "--image") == 0) {
            options.image = argv[++i];
        } else if (strcmp(argv[i], "--rules") == 0) {
            options.rules = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--chain") == 0) {
            options.chain = argv[++i];
        } else if (strcmp(argv[i], "--flows") == 0) {
            options.flows = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--spill") == 0) {
            options.spill_mib = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--entry-cost-ns") == 0) {
            options.entry_cost_ns = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--core") == 0) {
            options.core = (uint32_t)strtoul(argv[++i], NULL, 10) & 1;
        } else {
            bench_die("%s: unknown option", argv[i]);
        }
    }
    if (options.rules == 0 || (options.image == NULL && strcmp(options.device, "native") != 0)) {
        bench_die("--rules must be above 0, and --image is needed for %s", options.device);
    }
    return options;
}

int main(int argc, char **argv)
{
    struct bounce_options options = options_read(argc, argv);
    take_priority();
    struct bounce_device device =
        strcmp(options.device, "native") == 0 ? bounce_native(&options) : bounce_image(&options);
    char line[256];
    char kind[32];
    printf("ready\n");
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        unsigned size;
        unsigned count;
        double rate;
        if (sscanf(line, "rate %u %u", &size, &count) == 2) {
            do_rate(&device, size, count);
        } else if (sscanf(line, "latency %u %u %lf", &size, &count, &rate) == 3) {
            do_latency(&device, size, count, rate);
        } else if (sscanf(line, "attack %31s %u", kind, &size) == 2) {
            do_attack(&device, kind, size);
        } else if (sscanf(line, "zipf %lf", &rate) == 1 && device.rig->flows != NULL) {
            flows_zipf_set(device.rig->flows, rate);
            printf("zipf %g\n", rate);
        } else if (strcmp(line, "status\n") == 0 && device.status != NULL) {
            device.status(device.ctx);
        } else if (strcmp(line, "flows\n") == 0) {
            do_flows(&device);
        } else if (strcmp(line, "calibrate\n") == 0) {
            do_calibrate();
        } else {
            bench_die("unknown command: %s", line);
        }
        (void)fflush(stdout);
    }
    device.stop(device.ctx);
    return 0;
}
