/* SPDX-License-Identifier: Apache-2.0 */
/* A chain and a pool of fragments for packets that are not forwarded. */
#include "nf/eval.h"

#include <stdlib.h>
#include <string.h>

#include "nf/emit.h"

enum { TICKS_MAX = 64 };

struct sl_eval {
    struct sl_chain *chain;
    struct sl_fragments *fragments; /* NULL: none wait */
    uint64_t ticked_ms;
    bool has_time;
    sl_eval_told *told;
    void *ctx;
    const struct sl_eval_packet *now; /* whose fate is being decided, and as it was parsed */
    struct sl_packet *now_parsed;
    uint32_t count; /* packets of the burst */
    struct sl_packet packets[SL_BURST_MAX];
    uint32_t tags[SL_BURST_MAX];
    const struct sl_eval_packet *from[SL_BURST_MAX];
    struct sl_chain_trace *traces; /* of the burst; NULL: none are kept */
    uint8_t memory[SL_BURST_MAX][SL_PACKET_MAX + SL_EVAL_GROWTH];
};

static void tell(const struct sl_eval *eval, const struct sl_eval_result *result)
{
    if (eval->told != NULL) {
        eval->told(eval->ctx, result);
    }
}

static void on_fate(void *ctx, uint32_t tag, enum sl_fragments_fate fate)
{
    const struct sl_eval *eval = ctx;
    bool is_now = eval->now != NULL && eval->now->tag == tag;
    tell(eval, &(struct sl_eval_result){.tag = tag,
                                        .fate = SL_EVAL_GONE,
                                        .fragment = (uint8_t)fate,
                                        .from = is_now ? eval->now : NULL,
                                        .packet = is_now ? eval->now_parsed : NULL});
}

sl_rc sl_eval_create(struct sl_chain *chain, bool is_traced, struct sl_eval **ret_eval)
{
    struct sl_eval *eval = calloc(1, sizeof(*eval));
    if (eval == NULL) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = SL_OK;
    if (is_traced) {
        eval->traces = calloc(SL_BURST_MAX, sizeof(*eval->traces));
        rc = eval->traces != NULL ? SL_OK : SL_NO_MEMORY;
    }
    if (rc == SL_OK && sl_chain_has_flows(chain)) { /* as in the image */
        const struct sl_fragments_limits limits = sl_fragments_limits_default();
        rc = sl_fragments_create(&limits, &eval->fragments);
    }
    if (rc != SL_OK) {
        sl_eval_free(eval);
        return rc;
    }
    if (eval->fragments != NULL) {
        sl_fragments_watch(eval->fragments, on_fate, eval);
    }
    eval->chain = chain;
    *ret_eval = eval;
    return SL_OK;
}

void sl_eval_free(struct sl_eval *eval)
{
    if (eval != NULL) {
        sl_fragments_free(eval->fragments);
        sl_chain_free(eval->chain);
        free(eval->traces);
        free(eval);
    }
}

struct sl_chain *sl_eval_chain(struct sl_eval *eval)
{
    return eval->chain;
}

const struct sl_fragments *sl_eval_fragments(const struct sl_eval *eval)
{
    return eval->fragments;
}

void sl_eval_listen(struct sl_eval *eval, sl_eval_told *told, void *ctx)
{
    eval->told = told;
    eval->ctx = ctx;
}

/* What NFs send by themselves goes nowhere. */
static sl_rc send_nowhere(void *ctx, enum sl_port port, const void *data, uint32_t size)
{
    (void)ctx;
    (void)port;
    (void)data;
    (void)size;
    return SL_OK;
}

void sl_eval_set_now(struct sl_eval *eval, uint64_t now_ms)
{
    struct sl_emit emit = {.send = send_nowhere};
    uint64_t from = eval->has_time ? eval->ticked_ms : now_ms;
    eval->has_time = true;
    for (uint32_t i = 0; i < TICKS_MAX && now_ms >= from && now_ms - from >= SL_CHAIN_TICK_MS;
         i++) {
        uint64_t left = (now_ms - from) / (TICKS_MAX - i);
        from += left > SL_CHAIN_TICK_MS ? left : SL_CHAIN_TICK_MS;
        sl_chain_tick(eval->chain, from, from, &emit);
    }
    eval->ticked_ms = from;
    sl_chain_set_now(eval->chain, now_ms);
    if (eval->fragments != NULL) {
        sl_fragments_set_now(eval->fragments, now_ms);
    }
}

/* The burst through the chain; every packet of it is told. One packet, or a whole datagram: what is
 * decided does not hang on who asks about what else at once. */
static void run_burst(struct sl_eval *eval)
{
    struct sl_packet *list[SL_BURST_MAX];
    if (eval->count == 0) {
        return;
    }
    for (uint32_t i = 0; i < eval->count; i++) {
        list[i] = &eval->packets[i];
    }
    if (eval->traces == NULL) {
        sl_chain_run(eval->chain, list, eval->count);
    } else {
        sl_chain_run_traced(eval->chain, list, eval->count, eval->traces);
    }
    for (uint32_t i = 0; i < eval->count; i++) {
        tell(eval,
             &(struct sl_eval_result){.tag = eval->tags[i],
                                      .fate = SL_EVAL_DECIDED,
                                      .from = eval->from[i],
                                      .packet = list[i],
                                      .trace = eval->traces != NULL ? &eval->traces[i] : NULL});
    }
    eval->count = 0;
}

/* Datagrams that have become whole, each fragment with those that it goes with in the image. */
static void run_whole(struct sl_eval *eval)
{
    while (sl_fragments_is_ready(eval->fragments)) {
        uint32_t i = eval->count;
        if (i == SL_BURST_MAX) {
            run_burst(eval);
            continue;
        }
        if (sl_fragments_take(eval->fragments, eval->memory[i], sizeof(eval->memory[i]),
                              &eval->packets[i], &eval->tags[i]) != SL_OK) {
            break; /* cannot be: there is room for any packet */
        }
        eval->from[i] = NULL;
        eval->count++;
    }
    run_burst(eval);
}

/* Whether it waits, or was dropped, as a fragment: as sl_fragments_hold in the image. */
static bool hold(struct sl_eval *eval, const struct sl_eval_packet *from, struct sl_packet *packet)
{
    if (eval->fragments == NULL || !sl_fragments_wants(packet)) {
        return false;
    }
    eval->now = from;
    eval->now_parsed = packet;
    if (sl_fragments_add(eval->fragments, packet, from->tag) == SL_OK) {
        tell(eval, &(struct sl_eval_result){
                       .tag = from->tag, .fate = SL_EVAL_WAITS, .from = from, .packet = packet});
    }
    eval->now = NULL;
    return true;
}

static void run_one(struct sl_eval *eval, const struct sl_eval_packet *from)
{
    uint32_t i = eval->count;
    struct sl_packet *packet = &eval->packets[i];
    uint32_t size = from->size < SL_PACKET_MAX ? from->size : (uint32_t)SL_PACKET_MAX;
    memcpy(eval->memory[i], from->data, size);
    *packet = (struct sl_packet){.data = eval->memory[i],
                                 .size = size,
                                 .room = sizeof(eval->memory[i]),
                                 .port_in = from->port,
                                 .rule = SL_RULE_DEFAULT};
    if (sl_packet_parse(packet) != SL_OK) {
        tell(eval,
             &(struct sl_eval_result){.tag = from->tag, .fate = SL_EVAL_MALFORMED, .from = from});
    } else if (!hold(eval, from, packet)) {
        eval->tags[i] = from->tag;
        eval->from[i] = from;
        eval->count++;
    } else if (sl_fragments_is_ready(eval->fragments)) {
        run_whole(eval);
    }
    run_burst(eval);
}

void sl_eval_run(struct sl_eval *eval, const struct sl_eval_packet *packets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        run_one(eval, &packets[i]);
    }
}

void sl_eval_forget(struct sl_eval *eval)
{
    if (eval->fragments != NULL) {
        sl_fragments_clear(eval->fragments);
    }
}
