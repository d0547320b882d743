/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a worker does of a snapshot, between its bursts: flows out, flows back in, a few per pass so
 * that packets hardly wait. The control thread hands a job over and takes it back; `state` says
 * whose it is.
 */
#ifndef SL_IMAGE_SNAPSHOT_JOB_H
#define SL_IMAGE_SNAPSHOT_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/snapshot_chunk.h"
#include "nf/chain.h"

enum sl_job_state {
    SL_JOB_NONE = 0, /**< control thread's; the worker need not hurry back */
    SL_JOB_SAVE,     /**< worker's: fill chunks, until they are full or there is no more */
    SL_JOB_RESTORE,  /**< worker's: take in chunks[0] */
    SL_JOB_END,      /**< worker's: end all flows again */
    SL_JOB_DONE,     /**< control thread's; another step follows at once */
};

/** Chunks that a worker fills at a time. */
enum { SL_JOB_CHUNKS = 16 };

struct sl_snapshot_job {
    _Atomic uint32_t state;
    struct sl_chain *chain; /**< the one that it began with; NULL before */
    struct sl_chain_cursor cursor;
    uint8_t *data; /**< SL_JOB_CHUNKS times SL_CHUNK_DATA_MAX bytes; NULL: none is under way */
    uint32_t sizes[SL_JOB_CHUNKS];
    uint32_t count; /**< chunks begun */
    uint64_t flows; /**< saved in this step */
    struct sl_flow_restored restored;
    sl_rc rc;
};

/** @retval SL_OK, SL_NO_MEMORY @context control thread, state NONE */
sl_rc sl_snapshot_job_begin(struct sl_snapshot_job *job) SL_MUST_CHECK;
/** Frees. @context control thread, state NONE or DONE */
void sl_snapshot_job_done(struct sl_snapshot_job *job);
/** Hands the job to the worker. @context control thread, state NONE or DONE */
void sl_snapshot_job_give(struct sl_snapshot_job *job, enum sl_job_state step);
/** Whether the worker has finished the step. @context control thread */
bool sl_snapshot_job_is_ready(struct sl_snapshot_job *job);

/** The worker's part of a pass.
 * @param chain    that runs; NULL: none
 * @param is_busy  there are packets: do little
 * @return whether there was something to do @context packet path, between bursts */
bool sl_snapshot_job_step(struct sl_snapshot_job *job, struct sl_chain *chain, bool is_busy);
/** Whether the worker should come back soon. */
static inline bool sl_snapshot_job_is_active(const struct sl_snapshot_job *job)
{
    return atomic_load_explicit(&job->state, memory_order_relaxed) != SL_JOB_NONE;
}

#endif
