/* SPDX-License-Identifier: Apache-2.0 */
/* What one entry and exit costs on each device, with the smallest possible enclave: trap and direct
 * speed, with and without the entry cost that the emulator adds by default, and bare; a system call
 * stands beside them. JSON to stdout. Usage: bench-device-entry [--rounds N] [OUT.json] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emu_rig.h"
#include "measure.h"

enum { DEFAULT_COST_NS = 3500 };

struct device_case {
    const char *name;
    struct rig_params params;
    uint64_t count;
};

static const struct device_case g_devices[] = {
    {"direct", {.device = "emu"}, 4000},
    {"trap", {.device = "emu", .is_trap = true}, 100},
    {"direct_cost_3500", {.device = "emu", .entry_cost_ns = DEFAULT_COST_NS}, 100},
    {"bare", {.device = "bare"}, 4000},
};
enum { DEVICE_COUNT = sizeof(g_devices) / sizeof(g_devices[0]), CASE_COUNT = DEVICE_COUNT + 2 };

static uint64_t run_enter(void *ctx, uint64_t count)
{
    const struct rig *rig = ctx;
    struct sl_enter_regs regs = {0};
    struct sgx_enclave_run run = {.tcs = rig_addr(rig, RIG_THREAD0 + RIG_TCS)};
    const uint64_t code = rig_code(rig, emu_code_add);
    for (uint64_t i = 0; i < count; i++) {
        regs.rdi = code;
        regs.rsi = i;
        regs.rdx = 1;
        if (rig->enclave->ops->enter(rig->enclave, &regs, SL_EENTER, &run) != 0 ||
            regs.rdi != i + 1) {
            bench_die("entry failed: function %u, vector %u", run.function, run.exception_vector);
        }
    }
    return 0;
}

static uint64_t run_syscall(void *ctx, uint64_t count)
{
    (void)ctx;
    for (uint64_t i = 0; i < count; i++) {
        (void)syscall(SYS_getppid);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct rig rigs[DEVICE_COUNT];
    struct bench_case cases[CASE_COUNT];
    struct bench_stat stats[CASE_COUNT];
    unsigned rounds = 300;
    const char *path = NULL;
    bench_args(argc, argv, &rounds, &path);
    if (rounds == 0) {
        bench_die("--rounds N: a number above 0");
    }
    for (size_t i = 0; i < DEVICE_COUNT; i++) {
        rig_create(&rigs[i], &g_devices[i].params);
        cases[i] =
            (struct bench_case){g_devices[i].name, run_enter, &rigs[i], g_devices[i].count, 0};
    }
    cases[DEVICE_COUNT] = (struct bench_case){"getppid", run_syscall, NULL, 2000, 0};
    cases[DEVICE_COUNT + 1] = bench_calibration_case();
    bench_interleave(cases, CASE_COUNT, rounds, stats);
    json_t *body = json_object();
    for (size_t i = 0; i < CASE_COUNT; i++) {
        (void)json_object_set_new(body, i == DEVICE_COUNT + 1 ? "calibration" : cases[i].name,
                                  bench_stat_json(&stats[i]));
    }
    (void)json_dumpf(body, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(5));
    (void)putchar('\n');
    for (size_t i = 0; i < DEVICE_COUNT; i++) {
        rig_free(&rigs[i]);
    }
    if (path != NULL) {
        bench_result_write(path, "device_entry", body);
    } else {
        json_decref(body);
    }
    return 0;
}
