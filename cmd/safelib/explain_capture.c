/* SPDX-License-Identifier: Apache-2.0 */
/* What became of every packet of a capture: which NF, which rule, which state, why. The chain runs
 * in this process, with the code of the image, on the capture's clock. */
#include "explain_capture.h"

#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "command.h"
#include "eval.h"
#include "explain_step.h"
#include "lan.h"

enum {
    WAITING_MAX = 8192, /* more than fragments are held at once */
    ENDS_MAX = EXPLAIN_TUPLE_MAX,
    WORDS_MAX = 200,
};

/* A fragment whose last word has not been told. */
struct waiting {
    uint64_t index;
    double seconds;
    uint8_t port;
    uint32_t id;
    char ends[ENDS_MAX];
    json_t *json; /* of the list */
};

struct explaining {
    const struct explain_capture *what;
    struct sl_policy policy;
    struct sl_eval *eval;
    struct explain_chain chain;
    struct sl_capture *capture;
    struct lan lan;
    json_t *list;
    uint64_t first_ns;
    uint64_t told;
    uint64_t index;   /* of the frame at hand */
    uint32_t missing; /* bytes of it that were not captured */
    double seconds;
    struct waiting *waiting; /* in no order */
    uint32_t waiting_count;
    /* of the datagram that leaves: its first fragment, and what became of it */
    uint64_t first_index;
    struct sl_packet first;
};

/* ---- words ---- */

static const char *ordinal(uint32_t number)
{
    uint32_t last = number % 100 / 10 == 1 ? 0 : number % 10;
    return last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th";
}

/* Who talks to whom, as far as the packet at hand says it. */
static void put_ends(const struct sl_packet *packet, char *out)
{
    struct sl_flow_tuple tuple;
    bool is_error;
    if (sl_flow_tuple_of(packet, &tuple, &is_error) != SL_OK || is_error) {
        uint32_t width = packet->ip_version == 4 ? 4 : 16;
        tuple = (struct sl_flow_tuple){.ip_version = packet->ip_version, .proto = packet->proto};
        memcpy(tuple.src, packet->src, width);
        memcpy(tuple.dst, packet->dst, width);
    }
    (void)explain_tuple(&tuple, out);
}

/* "2nd fragment of datagram id 0x1234, bytes 1480 to 2959; 1 hole left" */
static void put_fragment(const struct explaining *in, const struct sl_eval_result *result,
                         const struct sl_fragments_place *place, char *out, json_t *json)
{
    struct sl_fragments_progress progress = {0};
    char nth[40] = "last missing fragment";
    char rest[100] = "it is whole";
    bool is_kept = result->fate == SL_EVAL_WAITS;
    bool is_open =
        sl_fragments_progress(sl_eval_fragments(in->eval), result->packet, &progress) == SL_OK;
    if (!is_kept) {
        (void)snprintf(nth, sizeof(nth), "fragment");
        (void)snprintf(rest, sizeof(rest), "%s", sl_fragments_fate_text(result->fragment));
    } else if (is_open) {
        (void)snprintf(nth, sizeof(nth), "%u%s fragment", progress.fragments,
                       ordinal(progress.fragments));
        (void)snprintf(rest, sizeof(rest), "%u hole%s left", progress.holes,
                       progress.holes == 1 ? "" : "s");
    }
    (void)snprintf(out, WORDS_MAX, "%s of datagram id 0x%0*x, bytes %u to %u%s; %s", nth,
                   result->packet->ip_version == 4 ? 4 : 8, place->id, place->begin,
                   place->end > 0 ? place->end - 1 : 0, place->is_more ? "" : ", its end", rest);
    if (json != NULL) {
        json_t *at = json_pack("{s:I, s:I, s:I, s:b, s:s, s:s}", "id", (json_int_t)place->id,
                               "begin", (json_int_t)place->begin, "end", (json_int_t)place->end,
                               "more", place->is_more, "fate",
                               sl_fragments_fate_word(result->fragment), "text", out);
        if (is_kept) {
            (void)json_object_set_new(at, "holes",
                                      json_integer(is_open ? (json_int_t)progress.holes : 0));
        }
        (void)json_object_set_new(json, "fragment", at);
    }
}

/* ---- telling ---- */

static bool is_wanted(const struct explaining *in, uint64_t index)
{
    return in->what->frame == 0 || in->what->frame == index;
}

static void show_head(uint64_t index, double seconds, uint8_t port, const char *ends,
                      const char *verdict)
{
    bool is_good = verdict[0] == 'a' || verdict[0] == 'r';
    printf("#%llu  %.3f s  from %s  %s  %s%s%s\n", (unsigned long long)index, seconds,
           port == SL_PORT_LAN ? "lan" : "wan", ends, tone(stdout, is_good ? TONE_GOOD : TONE_BAD),
           verdict, tone(stdout, TONE_PLAIN));
}

/* An entry of the list, without steps. */
static json_t *make_entry(struct explaining *in, uint64_t index, uint8_t port, const char *ends,
                          const char *verdict, bool is_malformed)
{
    json_t *entry =
        json_pack("{s:I, s:f, s:s, s:s, s:s, s:b, s:[]}", "index", (json_int_t)index, "seconds",
                  in->seconds, "port", port == SL_PORT_LAN ? "lan" : "wan", "packet", ends,
                  "verdict", verdict, "malformed", is_malformed, "steps");
    (void)json_array_append_new(in->list, entry);
    return entry;
}

static void tell_steps(struct explaining *in, const struct sl_chain_trace *trace, json_t *entry)
{
    for (uint32_t i = 0; i < trace->count; i++) {
        if (entry == NULL) {
            explain_step_show(&in->chain, &trace->steps[i]);
        } else {
            (void)json_array_append_new(json_object_get(entry, "steps"),
                                        explain_step_json(&in->chain, &trace->steps[i]));
        }
    }
}

static void tell_malformed(struct explaining *in, uint8_t port)
{
    in->told++;
    if (in->list != NULL) {
        json_t *entry = make_entry(in, in->index, port, "", "drop", true);
        (void)json_object_set_new(entry, "missing", json_integer((json_int_t)in->missing));
        return;
    }
    show_head(in->index, in->seconds, port, "", "drop");
    if (in->missing > 0) {
        printf("  the capture lacks its last %u bytes (snap length): what the chain makes of the "
               "whole packet cannot be told; capture with `tcpdump -s 0`\n",
               in->missing);
    } else {
        printf("  malformed: dropped before any NF\n");
    }
}

static void tell_decided(struct explaining *in, const struct sl_eval_result *result)
{
    char ends[EXPLAIN_TUPLE_MAX] = "";
    const struct sl_chain_trace *trace = result->trace;
    const char *verdict = explain_verdict(result->packet->verdict);
    json_t *entry = NULL;
    if (trace->count > 0) {
        (void)explain_tuple(&trace->steps[0].before, ends);
    }
    in->told++;
    if (in->list != NULL) {
        entry = make_entry(in, in->index, result->from->port, ends, verdict, false);
    } else {
        show_head(in->index, in->seconds, result->from->port, ends, verdict);
    }
    tell_steps(in, trace, entry);
}

/* A fragment of the frame at hand: kept, or dropped at once. */
static void tell_fragment(struct explaining *in, const struct sl_eval_result *result)
{
    struct waiting now = {.index = in->index, .seconds = in->seconds, .port = result->from->port};
    struct sl_fragments_place place = {0};
    char words[WORDS_MAX];
    bool is_kept = result->fate == SL_EVAL_WAITS;
    const char *verdict = is_kept ? "held" : "drop";
    (void)sl_fragments_place_of(result->packet, &place);
    now.id = place.id;
    put_ends(result->packet, now.ends);
    if (is_wanted(in, now.index)) {
        in->told++;
        if (in->list != NULL) {
            now.json = make_entry(in, now.index, now.port, now.ends, verdict, false);
        }
        put_fragment(in, result, &place, words, now.json);
        if (in->list == NULL) {
            show_head(now.index, now.seconds, now.port, now.ends, verdict);
            printf("  %s\n", words);
        }
    }
    if (is_kept && in->waiting_count < WAITING_MAX) {
        in->waiting[in->waiting_count++] = now;
    }
}

/* Whether what the NFs said of the first fragment is what they say of this one. */
static bool is_as_first(const struct explaining *in, const struct sl_packet *packet)
{
    return (packet->has & SL_PKT_LATER_FRAGMENT) != 0 && in->first_index != 0 &&
           packet->verdict == in->first.verdict && packet->nf_index == in->first.nf_index &&
           packet->rule == in->first.rule;
}

/* The last word on a fragment that waited; @p lead stands before it where there are lines. */
static void tell_last(const struct explaining *in, const struct waiting *was, const char *verdict,
                      const char *fate, const char *lead, const char *text)
{
    if (in->list != NULL) {
        json_t *fragment = json_object_get(was->json, "fragment");
        (void)json_object_set_new(was->json, "verdict", json_string(verdict));
        (void)json_object_set_new(fragment, "fate", json_string(fate));
        (void)json_object_set_new(fragment, "with", json_integer((json_int_t)in->index));
        (void)json_object_set_new(fragment, "text", json_string(text));
    } else {
        show_head(was->index, was->seconds, was->port, was->ends, verdict);
        printf("  %s%s\n", lead, text);
    }
}

/* A fragment that waited leaves with its datagram, and the chain has decided. */
static void tell_released(struct explaining *in, const struct waiting *was,
                          const struct sl_eval_result *result)
{
    const struct sl_packet *packet = result->packet;
    const char *verdict = explain_verdict(packet->verdict);
    bool is_same = is_as_first(in, packet);
    char words[WORDS_MAX];
    char of_first[80] = "";
    if (is_same) {
        (void)snprintf(of_first, sizeof(of_first), "; verdict of the first fragment, #%llu",
                       (unsigned long long)in->first_index);
    } else if ((packet->has & SL_PKT_LATER_FRAGMENT) == 0) {
        in->first = *packet;
        in->first_index = was->index;
    }
    (void)snprintf(words, sizeof(words), "released with datagram id 0x%0*x, whole with #%llu%s",
                   packet->ip_version == 4 ? 4 : 8, was->id, (unsigned long long)in->index,
                   of_first);
    if (!is_wanted(in, was->index)) {
        return;
    }
    tell_last(in, was, verdict, "released", "", words);
    if (!is_same) {
        tell_steps(in, result->trace, was->json);
    }
}

/* A fragment that waited is dropped, or has left as part of another packet. */
static void tell_gone(struct explaining *in, const struct waiting *was,
                      const struct sl_eval_result *result)
{
    char lead[40];
    (void)snprintf(lead, sizeof(lead), "at #%llu: ", (unsigned long long)in->index);
    if (is_wanted(in, was->index)) {
        tell_last(in, was, result->fragment == SL_FRAGMENT_JOINED ? "joined" : "drop",
                  sl_fragments_fate_word(result->fragment), lead,
                  sl_fragments_fate_text(result->fragment));
    }
}

/* What is known of a fragment that waited; it waits no longer. */
static struct waiting take_waiting(struct explaining *in, uint32_t tag)
{
    for (uint32_t i = 0; i < in->waiting_count; i++) {
        if ((uint32_t)in->waiting[i].index == tag) {
            struct waiting was = in->waiting[i];
            in->waiting[i] = in->waiting[--in->waiting_count];
            return was;
        }
    }
    return (struct waiting){.index = tag}; /* cannot be: more than the pool holds */
}

static void on_result(void *ctx, const struct sl_eval_result *result)
{
    struct explaining *in = ctx;
    bool is_now = result->from != NULL;
    if (is_now && (result->fate == SL_EVAL_WAITS || result->fate == SL_EVAL_GONE)) {
        tell_fragment(in, result);
    } else if (is_now && is_wanted(in, in->index)) {
        if (result->fate == SL_EVAL_MALFORMED) {
            tell_malformed(in, result->from->port);
        } else {
            tell_decided(in, result);
        }
    } else if (!is_now) {
        struct waiting was = take_waiting(in, result->tag);
        if (result->fate == SL_EVAL_DECIDED) {
            tell_released(in, &was, result);
        } else {
            tell_gone(in, &was, result);
        }
    }
}

/* ---- the capture ---- */

static void one(struct explaining *in, const struct sl_capture_packet *frame)
{
    if (in->first_ns == 0) {
        in->first_ns = frame->time_ns;
    }
    const struct sl_eval_packet packet = {.data = frame->data,
                                          .size = frame->size,
                                          .port = lan_port_of(&in->lan, frame->data, frame->size),
                                          .tag = (uint32_t)frame->index};
    in->index = frame->index;
    in->missing = frame->missing;
    in->seconds = (double)(frame->time_ns - in->first_ns) / 1e9;
    sl_eval_set_now(in->eval, frame->time_ns / 1000000);
    sl_eval_run(in->eval, &packet, 1);
}

/* Whether all is known of the only frame that is asked about. */
static bool is_answered(const struct explaining *in, uint64_t index)
{
    if (in->what->frame == 0 || index < in->what->frame) {
        return false;
    }
    for (uint32_t i = 0; i < in->waiting_count; i++) {
        if (in->waiting[i].index == in->what->frame) {
            return false;
        }
    }
    return true;
}

/* What waits when the capture ends. */
static void end_waiting(const struct explaining *in)
{
    for (uint32_t i = 0; i < in->waiting_count && in->list == NULL; i++) {
        if (is_wanted(in, in->waiting[i].index)) {
            printf("#%llu still waits at the end: datagram id 0x%x is not whole\n",
                   (unsigned long long)in->waiting[i].index, in->waiting[i].id);
        }
    }
}

static int run(struct explaining *in)
{
    struct sl_capture_packet frame;
    sl_rc rc;
    while ((rc = sl_capture_next(in->capture, &frame)) == SL_OK) {
        if (frame.size > SL_PACKET_MAX) {
            (void)complain(CMD_GOOD, "frame %llu: %u bytes are no packet of a wire: not run",
                           (unsigned long long)frame.index, frame.size);
            continue;
        }
        one(in, &frame);
        if (is_answered(in, frame.index)) {
            rc = SL_CLOSED;
            break;
        }
    }
    end_waiting(in);
    if (rc != SL_CLOSED) {
        return complain(CMD_USAGE, "%s: cannot be read to its end (what came before was run): %s",
                        in->what->in, sl_capture_fault(in->capture));
    }
    if (in->what->frame != 0 && in->told == 0) {
        return complain(CMD_USAGE, "%s: no IP packet in frame %llu", in->what->in,
                        (unsigned long long)in->what->frame);
    }
    return in->told > 0 ? CMD_GOOD : complain(CMD_GOOD, "%s: no IP packet in it", in->what->in);
}

int explain_capture(const struct explain_capture *what)
{
    struct explaining in = {.what = what, .list = what->is_json ? json_array() : NULL};
    struct sl_err err = {0};
    int status = lan_read(what->lan, &in.lan);
    in.waiting = calloc(WAITING_MAX, sizeof(*in.waiting));
    if (in.waiting == NULL) {
        status = complain(CMD_USAGE, "no memory");
    } else if (status == CMD_GOOD &&
               (sl_capture_open(what->in, &in.capture, &err) != SL_OK ||
                eval_here(what->chain, &in.policy, &in.eval, &err) != SL_OK)) {
        status = complain_err(CMD_USAGE, &err);
    } else if (status == CMD_GOOD) {
        in.chain = (struct explain_chain){.policy = &in.policy, .chain = sl_eval_chain(in.eval)};
        sl_eval_listen(in.eval, on_result, &in);
        status = run(&in);
        if (what->is_json) {
            status = print_json(json_pack("{s:O}", "packets", in.list), status);
        }
    }
    json_decref(in.list);
    sl_eval_free(in.eval);
    sl_capture_close(in.capture);
    sl_policy_done(&in.policy);
    free(in.waiting);
    return status;
}
