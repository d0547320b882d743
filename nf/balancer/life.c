/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer's life beside its packets: load, share, reload, commands, counters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "balancer/balancer.h"

/* A shard's state over a pool, of which it takes the caller's reference, also where it fails. */
static sl_rc lb_over(struct lb_pool *pool, void **ret_state)
{
    struct lb *lb = calloc(1, sizeof(*lb) + pool->backend_count * sizeof(lb->backends[0]));
    if (lb == NULL) {
        lb_pool_drop(pool);
        return SL_NO_MEMORY;
    }
    lb->pool = pool;
    lb->shard_count = 1;
    *ret_state = lb;
    return SL_OK;
}

static sl_rc lb_load(const void *policy, size_t size, void **ret_state, char *reason,
                     size_t reason_size)
{
    struct lb_pool *pool = NULL;
    sl_rc rc = lb_pool_read(policy, size, &pool, reason, reason_size);
    return rc == SL_OK ? lb_over(pool, ret_state) : rc;
}

static sl_rc lb_share(void *state, void **ret_state)
{
    struct lb *lb = state;
    lb->pool->references++;
    return lb_over(lb->pool, ret_state);
}

static void lb_place(void *state, uint32_t shard, uint32_t shard_count)
{
    struct lb *lb = state;
    lb->shard = shard;
    lb->shard_count = shard_count;
}

static void lb_unload(void *state)
{
    struct lb *lb = state;
    if (lb != NULL) {
        lb_pool_drop(lb->pool);
        free(lb);
    }
}

/* What is known of backends that stay: their marks, and what they were given. */
static void lb_adopt(void *state, void *old)
{
    struct lb *lb = state;
    const struct lb *before = old;
    for (uint32_t i = 0; i < lb->pool->backend_count; i++) {
        struct lb_backend *backend = &lb->pool->backends[i];
        uint16_t index = lb_pool_find(before->pool, backend->id);
        if (index != LB_NOBODY) {
            lb->backends[i] = before->backends[index];
            uint8_t untold = 0;
            (void)__atomic_compare_exchange_n(&backend->marks, &untold,
                                              lb_backend_marks(&before->pool->backends[index]),
                                              false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
        }
    }
}

/* ---- flows ---- */

static struct lb_backend_counters *counters_of(struct lb *lb, const struct lb_flow *flow)
{
    uint16_t index = flow->kind == LB_FLOW_BALANCED && flow->is_counted != 0
                         ? lb_pool_find(lb->pool, flow->backend_id)
                         : LB_NOBODY;
    return index != LB_NOBODY ? &lb->backends[index] : NULL;
}

static void lb_ended(void *state, struct sl_flow_table *table, const struct sl_flow_tuple *original,
                     const struct sl_flow_tuple *reply, void *flow_state, uint32_t end)
{
    struct lb *lb = state;
    /* what the host has damaged is zero: whose flow it was, nobody knows any more */
    lb_add(&lb->counters.damaged, end == SL_FLOW_END_LOST);
    struct lb_backend_counters *counters = counters_of(lb, flow_state);
    if (counters != NULL && counters->active != 0) {
        lb_add(&counters->active, ~0ull);
    }
}

static sl_rc lb_restored(void *state, struct sl_flow_table *table,
                         const struct sl_flow_tuple *original, const struct sl_flow_tuple *reply,
                         void *flow_state)
{
    struct lb_backend_counters *counters = counters_of(state, flow_state);
    if (counters != NULL) {
        lb_add(&counters->active, 1);
    }
    return SL_OK;
}

/* ---- commands ---- */

static struct lb_backend *backend_named(struct lb_pool *pool, const char *name, size_t size)
{
    uint64_t key = lb_name_key(LB_NAME_KEY_START, name, size);
    for (uint32_t i = 0; i < pool->backend_count; i++) {
        if (pool->backends[i].key == key) {
            return &pool->backends[i];
        }
    }
    return NULL;
}

/* `backend SERVICE/NAME up|down|drain|ready` */
static sl_rc lb_command(void *state, const char *text, char *ret_answer, size_t answer_size)
{
    static const struct {
        const char *word;
        uint8_t set, clear;
    } words[] = {
        {"up", 0, LB_MARK_DOWN},
        {"down", LB_MARK_DOWN, 0},
        {"drain", LB_MARK_DRAIN, 0},
        {"ready", 0, LB_MARK_DRAIN},
    };
    static const char start[] = "backend ";
    struct lb *lb = state;
    const char *name = text + sizeof(start) - 1;
    const char *space = strncmp(text, start, sizeof(start) - 1) == 0 ? strchr(name, ' ') : NULL;
    uint32_t word = 0;
    while (space != NULL && word < 4 && strcmp(space + 1, words[word].word) != 0) {
        word++;
    }
    if (space == NULL || word == 4) {
        (void)snprintf(ret_answer, answer_size,
                       "expected `backend SERVICE/NAME up|down|drain|ready`");
        return SL_INVALID;
    }
    struct lb_backend *backend = backend_named(lb->pool, name, (size_t)(space - name));
    if (backend == NULL) {
        (void)snprintf(ret_answer, answer_size, "no backend %.*s", (int)(space - name), name);
        return SL_NOT_FOUND;
    }
    /* all shards' states say the same, one after another, of one pool */
    uint8_t marks = (uint8_t)((lb_backend_marks(backend) & ~words[word].clear) | words[word].set);
    __atomic_store_n(&backend->marks, marks | LB_MARK_TOLD, __ATOMIC_RELAXED);
    (void)snprintf(ret_answer, answer_size, "%.*s is %s%s", (int)(space - name), name,
                   (marks & LB_MARK_DOWN) != 0 ? "down" : "up",
                   (marks & LB_MARK_DRAIN) != 0 ? ", draining" : "");
    return SL_OK;
}

/* ---- counters: the balancer's own, then the backends' ---- */

#define COUNTER_NAME(name, text) #name,
static const char *const counter_names[] = {LB_COUNTER_TABLE(COUNTER_NAME)};
/* after the counters what is set */
static const char *const backend_names[] = {LB_BACKEND_COUNTER_TABLE(COUNTER_NAME) "down",
                                            "draining"};
#undef COUNTER_NAME
enum {
    COUNTER_COUNT = sizeof(counter_names) / sizeof(counter_names[0]),
    BACKEND_COUNT = sizeof(backend_names) / sizeof(backend_names[0]),
};

static uint32_t lb_counter_count(const void *state)
{
    const struct lb *lb = state;
    return COUNTER_COUNT + lb->pool->backend_count * BACKEND_COUNT;
}

static void lb_counter_get(const void *state, uint32_t index, struct sl_nf_counter *ret_counter)
{
    const struct lb *lb = state;
    if (index < COUNTER_COUNT) {
        const uint64_t *values = (const uint64_t *)(const void *)&lb->counters;
        (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "%s", counter_names[index]);
        ret_counter->value = __atomic_load_n(&values[index], __ATOMIC_RELAXED);
        return;
    }
    uint32_t number = (index - COUNTER_COUNT) / BACKEND_COUNT;
    uint32_t which = (index - COUNTER_COUNT) % BACKEND_COUNT;
    const struct lb_backend *backend = &lb->pool->backends[number];
    const uint64_t *values = (const uint64_t *)(const void *)&lb->backends[number];
    (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "%s/%s.%s",
                   lb->pool->services[backend->service].name, backend->name, backend_names[which]);
    if (which == BACKEND_COUNT - 2) {
        ret_counter->value = (lb_backend_marks(backend) & LB_MARK_DOWN) != 0;
    } else if (which == BACKEND_COUNT - 1) {
        ret_counter->value =
            backend->state != SL_LB_READY || (lb_backend_marks(backend) & LB_MARK_DRAIN) != 0;
    } else {
        ret_counter->value = __atomic_load_n(&values[which], __ATOMIC_RELAXED);
    }
}

static const struct sl_flow_spec lb_flow_spec = {
    .state_size = sizeof(struct lb_flow),
    .version = 1,
    .flags = SL_FLOW_SPEC_REKEYS,
    .burst = lb_burst,
    .ended = lb_ended,
    .restored = lb_restored,
};

static const struct sl_nf lb_nf = {
    .name = "balancer",
    .load = lb_load,
    .share = lb_share,
    .place = lb_place,
    .flow = &lb_flow_spec,
    .adopt = lb_adopt,
    .steer = lb_steer,
    .command = lb_command,
    .unload = lb_unload,
    .counter_count = lb_counter_count,
    .counter_get = lb_counter_get,
};
SL_NF_REGISTER(lb_nf);
