/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's part of a snapshot. */
#include "image/snapshot_job.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum {
    DATA_SIZE = SL_JOB_CHUNKS * SL_CHUNK_DATA_MAX,
    /* Slots looked at in one pass. Copying a flow that is outside takes some 150 ns: 5 us at most
     * between bursts that take as long. */
    LOOKS_BUSY = 32,
    LOOKS_IDLE = 4096,
};

sl_rc sl_snapshot_job_begin(struct sl_snapshot_job *job)
{
    uint8_t *data = job->data != NULL ? job->data : malloc(DATA_SIZE);
    if (data == NULL) {
        return SL_NO_MEMORY;
    }
    job->data = data;
    job->chain = NULL;
    job->cursor = (struct sl_chain_cursor){0};
    job->count = 0;
    job->restored = (struct sl_flow_restored){0};
    return SL_OK;
}

void sl_snapshot_job_done(struct sl_snapshot_job *job)
{
    if (job->data != NULL) {
        sl_wipe(job->data, DATA_SIZE);
    }
    free(job->data);
    job->data = NULL;
    atomic_store(&job->state, SL_JOB_NONE);
}

void sl_snapshot_job_give(struct sl_snapshot_job *job, enum sl_job_state step)
{
    if (step == SL_JOB_SAVE) {
        job->count = 0;
        job->flows = 0;
    }
    job->rc = SL_OK;
    atomic_store_explicit(&job->state, step, memory_order_release);
}

bool sl_snapshot_job_is_ready(struct sl_snapshot_job *job)
{
    return atomic_load_explicit(&job->state, memory_order_acquire) == SL_JOB_DONE;
}

static void finish(struct sl_snapshot_job *job, sl_rc rc)
{
    job->rc = rc;
    atomic_store_explicit(&job->state, SL_JOB_DONE, memory_order_release);
}

static void save(struct sl_snapshot_job *job, struct sl_chain *chain, uint32_t looks)
{
    struct sl_writer w;
    uint32_t flows = 0;
    if (job->count == 0) {
        job->sizes[job->count++] = 0;
    }
    uint32_t at = job->count - 1;
    sl_writer_init(&w, job->data + (size_t)at * SL_CHUNK_DATA_MAX, SL_CHUNK_DATA_MAX);
    w.off = job->sizes[at];
    sl_rc rc = sl_chain_save(chain, &job->cursor, looks, &w, &flows);
    job->sizes[at] = (uint32_t)w.off;
    job->flows += flows;
    if (rc == SL_NO_SPACE && job->sizes[at] == 0) {
        finish(job, SL_INTERNAL); /* a flow that is larger than a chunk */
    } else if (rc == SL_NO_SPACE && job->count < SL_JOB_CHUNKS) {
        job->sizes[job->count++] = 0;
    } else if (rc != SL_OK || job->cursor.is_end) {
        finish(job, rc == SL_NO_SPACE ? SL_OK : rc);
    }
}

bool sl_snapshot_job_step(struct sl_snapshot_job *job, struct sl_chain *chain, bool is_busy)
{
    uint32_t state = atomic_load_explicit(&job->state, memory_order_acquire);
    if (state == SL_JOB_NONE || state == SL_JOB_DONE) {
        return false;
    }
    if (job->chain == NULL) {
        job->chain = chain;
    }
    if (chain == NULL || chain != job->chain) {
        finish(job, SL_STALE); /* its tables may have moved on */
        return true;
    }
    switch (state) {
    case SL_JOB_SAVE:
        save(job, chain, is_busy ? LOOKS_BUSY : LOOKS_IDLE);
        break;
    case SL_JOB_RESTORE:
        finish(job, sl_chain_restore(chain, job->data, job->sizes[0], &job->restored));
        break;
    default:
        sl_chain_flows_end(chain);
        finish(job, SL_OK);
        break;
    }
    return true;
}
