/* SPDX-License-Identifier: Apache-2.0 */
/* A queue and its threads. */
#include "trustd/workers.h"

#include <pthread.h>
#include <stdlib.h>

struct sl_workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct sl_work *first, **last;
    bool is_stopping;
    uint32_t count;
    pthread_t threads[SL_WORKERS_MAX];
};

static void *worker_main(void *ctx)
{
    struct sl_workers *workers = ctx;
    for (;;) {
        (void)pthread_mutex_lock(&workers->lock);
        while (workers->first == NULL && !workers->is_stopping) {
            (void)pthread_cond_wait(&workers->wake, &workers->lock);
        }
        struct sl_work *work = workers->first;
        if (work != NULL) {
            workers->first = work->next;
            workers->last = workers->first == NULL ? &workers->first : workers->last;
        }
        (void)pthread_mutex_unlock(&workers->lock);
        if (work == NULL) {
            return NULL;
        }
        work->run(work);
    }
}

sl_rc sl_workers_start(uint32_t count, struct sl_workers **ret_workers, struct sl_err *err)
{
    struct sl_workers *workers = calloc(1, sizeof(*workers));
    if (workers == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory");
    }
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->wake, NULL);
    workers->last = &workers->first;
    for (; workers->count < count && workers->count < SL_WORKERS_MAX; workers->count++) {
        if (pthread_create(&workers->threads[workers->count], NULL, worker_main, workers) != 0) {
            sl_workers_stop(workers);
            return sl_err_set(err, SL_IO, "workers: no thread");
        }
    }
    *ret_workers = workers;
    return SL_OK;
}

bool sl_workers_submit(struct sl_workers *workers, struct sl_work *work)
{
    (void)pthread_mutex_lock(&workers->lock);
    bool is_taken = !workers->is_stopping;
    if (is_taken) {
        work->next = NULL;
        *workers->last = work;
        workers->last = &work->next;
        (void)pthread_cond_signal(&workers->wake);
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return is_taken;
}

void sl_workers_stop(struct sl_workers *workers)
{
    if (workers == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&workers->lock);
    workers->is_stopping = true;
    (void)pthread_cond_broadcast(&workers->wake);
    (void)pthread_mutex_unlock(&workers->lock);
    for (uint32_t i = 0; i < workers->count; i++) {
        (void)pthread_join(workers->threads[i], NULL);
    }
    (void)pthread_cond_destroy(&workers->wake);
    (void)pthread_mutex_destroy(&workers->lock);
    free(workers);
}
