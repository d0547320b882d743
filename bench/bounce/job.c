/* SPDX-License-Identifier: Apache-2.0 */
/* One measurement, step by step. */
#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "flows.h"
#include "measure.h"

static const uint64_t stuck_max_ns = 5000000000u;

void job_start(struct job *job, struct rig *rig, uint32_t size, uint32_t count, double rate_pps)
{
    memset(job, 0, sizeof(*job));
    job->rig = rig;
    job->size = size;
    job->count = count;
    job->rate_pps = rate_pps;
    if (rate_pps > 0) {
        job->latency_ns = calloc(count, sizeof(*job->latency_ns));
        if (job->latency_ns == NULL) {
            bench_die("out of memory");
        }
    }
    rig_fill(rig, size, JOB_WARM);
}

void job_start_checked(struct job *job, struct rig *rig, uint32_t count)
{
    memset(job, 0, sizeof(*job));
    job->rig = rig;
    job->count = count;
    job->is_all_checked = true;
    rig_fill(rig, FLOWS_SIZE, count);
}

void job_done(struct job *job)
{
    free(job->latency_ns);
    job->latency_ns = NULL;
}

/* When packet i is due, from the start. */
static uint64_t due_ns(const struct job *job, uint32_t i)
{
    return (uint64_t)((double)i * 1e9 / job->rate_pps);
}

static void drain(struct job *job, uint64_t now)
{
    uint32_t before = job->rig->drained;
    uint32_t taken = rig_drain(job->rig, !job->is_warm);
    if (taken > 0) {
        job->stuck_ns = now;
    } else if (job->stuck_ns == 0) {
        job->stuck_ns = now;
    } else if (now - job->stuck_ns > stuck_max_ns) {
        if (job->explain != NULL) {
            job->explain(job->explain_ctx);
        }
        bench_die("%u of %u packets came back, then nothing for 5 s", job->rig->drained,
                  job->rig->due);
    }
    for (uint32_t i = 0; job->is_warm && job->latency_ns != NULL && i < taken; i++) {
        job->latency_ns[before + i] = now - job->start_ns - due_ns(job, before + i);
    }
}

/* Packets that may be under way: half of what the image's tx ring holds, so that nothing is dropped
 * there however the two sides are scheduled. */
static uint32_t under_way_max(const struct rig *rig)
{
    uint32_t largest = 0;
    for (uint32_t i = 0; i < rig->count && i < 12; i++) {
        largest = rig->sizes[i] > largest ? rig->sizes[i] : largest;
    }
    uint32_t fit = rig->geometry.data_size / 2 / sl_esp_sealed_size(largest, 0);
    return fit < JOB_BURST ? fit : JOB_BURST;
}

static void feed(struct job *job, uint64_t now)
{
    struct rig *rig = job->rig;
    uint32_t most;
    uint32_t waiting = rig_waiting(rig);
    uint32_t limit = under_way_max(rig);
    uint32_t room = waiting < limit ? limit - waiting : 0;
    if (job->latency_ns != NULL && job->is_warm) {
        /* by the clock: whatever is due by now */
        uint64_t due = (uint64_t)((double)(now - job->start_ns) * job->rate_pps / 1e9) + 1;
        most = due > rig->fed ? (uint32_t)(due - rig->fed) : 0;
        most = most < room ? most : room;
    } else {
        most = room >= RIG_RUN_MAX || rig->count - rig->fed <= room ? room : 0; /* whole runs */
    }
    if (most > 0) {
        (void)rig_feed(rig, most);
    }
}

bool job_step(struct job *job, bool is_alone)
{
    uint64_t now = bench_now_ns();
    struct rig *rig = job->rig;
    if (!is_alone && job->left_ns != 0) {
        job->inside_ns += now - job->left_ns;
        job->turns++;
    }
    job->left_ns = 0;
    drain(job, now);
    if (rig->drained == rig->due) {
        if (job->is_warm) {
            job->end_ns = now;
            return false;
        }
        if (rig->wrong > 0) {
            bench_die("%u packets came back wrong", rig->wrong);
        }
        if (job->is_all_checked) {
            return false;
        }
        rig_fill_attacked(rig, job->size, job->count);
        job->is_warm = true;
        job->inside_ns = 0;
        job->turns = 0;
        job->stuck_ns = 0;
        job->start_ns = bench_now_ns();
        now = job->start_ns;
    }
    feed(job, now);
    /* by the clock and on one core: the image is entered when there is something for it */
    while (!is_alone && rig->fed == rig->drained) {
        feed(job, bench_now_ns());
    }
    if (!is_alone) {
        job->left_ns = bench_now_ns();
    }
    return true;
}
