/* SPDX-License-Identifier: Apache-2.0 */
/* What became of every packet of a capture: which NF, which rule, which state, why. The chain runs
 * in this process, with the code of the image, on the capture's clock. */
#include "explain_capture.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "command.h"
#include "eval.h"
#include "lan.h"
#include "nf/chain.h"
#include "nf/emit.h"

enum { TUPLE_TEXT_MAX = 160, ROOM = SL_PACKET_MAX + 128 };

struct explaining {
    const struct explain_capture *what;
    struct sl_policy policy;
    struct sl_chain *chain;
    struct sl_capture *capture;
    struct lan lan;
    json_t *list;
    uint64_t first_ns, ticked_ms;
    uint64_t told;
};

static const char *verdict_text(uint8_t verdict)
{
    static const char *const texts[] = {"drop", "accept", "reply", "turn"};
    return verdict <= SL_VERDICT_TURN ? texts[verdict] : "drop";
}

static const char *relation_text(uint8_t relation)
{
    static const char *const texts[] = {"invalid", "new",       "established",
                                        "related", "untracked", "full"};
    return relation <= SL_FLOW_FULL ? texts[relation] : "?";
}

/* Why a packet is what it is to its flow. */
static const char *why_text(uint8_t relation)
{
    static const char *const texts[] = {
        "belongs to no flow: wrong checksum, TCP state or window, or an error about nothing known",
        "only the original direction has been seen",
        "both directions have been seen",
        "an ICMP error about a packet of the flow",
        "has no flow by its nature",
        "would begin a flow, but the table has no room"};
    return relation <= SL_FLOW_FULL ? texts[relation] : "?";
}

static const char *tcp_text(uint8_t tcp)
{
    static const char *const texts[SL_FLOW_TCP_COUNT] = {
        "",           "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT",
        "CLOSE-WAIT", "LAST-ACK", "TIME-WAIT",    "CLOSED",      "SYN-SENT (both)"};
    return tcp < SL_FLOW_TCP_COUNT ? texts[tcp] : "?";
}

static const char *proto_text(uint8_t proto, char *out, size_t size)
{
    static const struct {
        uint8_t number;
        const char *name;
    } protos[] = {{1, "icmp"}, {6, "tcp"},     {17, "udp"},   {33, "dccp"},    {47, "gre"},
                  {50, "esp"}, {58, "icmpv6"}, {132, "sctp"}, {136, "udplite"}};
    for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
        if (protos[i].number == proto) {
            return protos[i].name;
        }
    }
    (void)snprintf(out, size, "%u", proto);
    return out;
}

static void put_end(char *out, size_t size, const struct sl_flow_tuple *tuple, const uint8_t *addr,
                    uint16_t port)
{
    char text[INET6_ADDRSTRLEN] = "?";
    bool is_v6 = tuple->ip_version == 6;
    (void)inet_ntop(is_v6 ? AF_INET6 : AF_INET, addr, text, sizeof(text));
    if (port == 0) {
        (void)snprintf(out, size, "%s", text);
    } else {
        (void)snprintf(out, size, is_v6 ? "[%s]:%u" : "%s:%u", text, port);
    }
}

/* "tcp 10.0.0.5:1234 > 192.0.2.1:443", or "" */
static const char *tuple_text(const struct sl_flow_tuple *tuple, char *out)
{
    char src[64];
    char dst[64];
    char number[8];
    out[0] = '\0';
    if (tuple->ip_version != 0) {
        put_end(src, sizeof(src), tuple, tuple->src, tuple->sport);
        put_end(dst, sizeof(dst), tuple, tuple->dst, tuple->dport);
        (void)snprintf(out, TUPLE_TEXT_MAX, "%s %s > %s",
                       proto_text(tuple->proto, number, sizeof(number)), src, dst);
    }
    return out;
}

static bool is_other(const struct sl_flow_tuple *a, const struct sl_flow_tuple *b)
{
    return a->ip_version != 0 && memcmp(a, b, sizeof(*a)) != 0;
}

/* ---- one step ---- */

static json_t *flow_json(const struct sl_chain_step *step)
{
    char original[TUPLE_TEXT_MAX];
    char reply[TUPLE_TEXT_MAX];
    json_t *flow = json_pack("{s:s, s:s, s:b}", "state", relation_text(step->flow.relation), "why",
                             why_text(step->flow.relation), "begins", step->flow.is_first);
    if (step->original.ip_version != 0) {
        (void)json_object_set_new(
            flow, "direction",
            json_string(step->flow.direction == SL_FLOW_ORIGINAL ? "original" : "reply"));
        (void)json_object_set_new(flow, "original",
                                  json_string(tuple_text(&step->original, original)));
        (void)json_object_set_new(flow, "reply", json_string(tuple_text(&step->reply, reply)));
    }
    if (step->flow.tcp != SL_FLOW_TCP_NONE) {
        (void)json_object_set_new(flow, "tcp", json_string(tcp_text(step->flow.tcp)));
    }
    return flow;
}

static json_t *step_json(const struct explaining *in, const struct sl_chain_step *step)
{
    char text[TUPLE_TEXT_MAX];
    const struct sl_policy_rule *rule =
        step->rule != SL_RULE_DEFAULT ? sl_policy_rule(&in->policy, step->nf, step->rule) : NULL;
    json_t *out = json_pack("{s:s, s:s}", "nf", sl_chain_nf_name(in->chain, step->nf), "verdict",
                            verdict_text(step->verdict));
    (void)json_object_set_new(
        out, "rule",
        step->rule == SL_RULE_DEFAULT ? json_null() : json_integer((json_int_t)step->rule + 1));
    if (rule != NULL) {
        (void)json_object_set_new(out, "line", json_integer(rule->line));
        (void)json_object_set_new(out, "text", json_string(rule->text));
        (void)json_object_set_new(out, "source",
                                  json_string(sl_policy_source(&in->policy, step->nf)));
    }
    if (step->has_flow_table) {
        (void)json_object_set_new(out, "flow", flow_json(step));
    }
    if (step->verdict == SL_VERDICT_PASS && is_other(&step->after, &step->before)) {
        (void)json_object_set_new(out, "becomes", json_string(tuple_text(&step->after, text)));
    }
    return out;
}

static void show_flow(const struct sl_chain_step *step)
{
    char original[TUPLE_TEXT_MAX];
    char reply[TUPLE_TEXT_MAX];
    const struct sl_flow *flow = &step->flow;
    const char *tcp = tcp_text(flow->tcp);
    struct sl_flow_tuple turned = sl_flow_turn(&step->original);
    printf("                  %s%s%s: %s", relation_text(flow->relation),
           tcp[0] != '\0' ? ", " : "", tcp, why_text(flow->relation));
    if (step->original.ip_version != 0) {
        printf("; %s of %s", flow->direction == SL_FLOW_ORIGINAL ? "original" : "reply",
               tuple_text(&step->original, original));
        if (is_other(&step->reply, &turned)) {
            printf(", answers %s", tuple_text(&step->reply, reply));
        }
    }
    printf("\n");
}

static void show_step(const struct explaining *in, const struct sl_chain_step *step)
{
    char text[TUPLE_TEXT_MAX];
    const struct sl_policy_rule *rule =
        step->rule != SL_RULE_DEFAULT ? sl_policy_rule(&in->policy, step->nf, step->rule) : NULL;
    const char *source = sl_policy_source(&in->policy, step->nf);
    const char *slash = strrchr(source, '/');
    printf("  %-14s  %-6s  ", sl_chain_nf_name(in->chain, step->nf), verdict_text(step->verdict));
    if (step->rule == SL_RULE_DEFAULT) {
        printf("by no rule\n");
    } else if (rule == NULL) {
        printf("rule %u\n", step->rule + 1);
    } else if (rule->line > 0) {
        printf("rule %u  %s:%u: %s\n", step->rule + 1, slash != NULL ? slash + 1 : source,
               rule->line, rule->text);
    } else {
        printf("%s\n", rule->text);
    }
    if (step->has_flow_table) {
        show_flow(step);
    }
    if (step->verdict == SL_VERDICT_PASS && is_other(&step->after, &step->before)) {
        printf("                  becomes %s\n", tuple_text(&step->after, text));
    }
}

/* ---- one packet ---- */

static void tell(struct explaining *in, const struct sl_capture_packet *frame,
                 const struct sl_packet *packet, const struct sl_chain_trace *trace)
{
    char text[TUPLE_TEXT_MAX] = "";
    double seconds = (double)(frame->time_ns - in->first_ns) / 1e9;
    const char *port =
        lan_port_of(&in->lan, frame->data, frame->size) == SL_PORT_LAN ? "lan" : "wan";
    const char *verdict = trace != NULL ? verdict_text(packet->verdict) : "drop";
    if (trace != NULL && trace->count > 0) {
        (void)tuple_text(&trace->steps[0].before, text);
    }
    in->told++;
    if (in->list == NULL) {
        printf("#%llu  %.3f s  from %s  %s  %s%s%s\n", (unsigned long long)frame->index, seconds,
               port, text, tone(stdout, verdict[0] == 'a' ? TONE_GOOD : TONE_BAD), verdict,
               tone(stdout, TONE_PLAIN));
        if (trace == NULL) {
            printf("  malformed: dropped before any NF\n");
        }
        for (uint32_t i = 0; trace != NULL && i < trace->count; i++) {
            show_step(in, &trace->steps[i]);
        }
        return;
    }
    json_t *steps = json_array();
    for (uint32_t i = 0; trace != NULL && i < trace->count; i++) {
        (void)json_array_append_new(steps, step_json(in, &trace->steps[i]));
    }
    (void)json_array_append_new(
        in->list, json_pack("{s:I, s:f, s:s, s:s, s:s, s:b, s:o}", "index",
                            (json_int_t)frame->index, "seconds", seconds, "port", port, "packet",
                            text, "verdict", verdict, "malformed", trace == NULL, "steps", steps));
}

/* What NFs send by themselves goes nowhere here. */
static sl_rc send_nowhere(void *ctx, enum sl_port port, const void *data, uint32_t size)
{
    (void)ctx;
    (void)port;
    (void)data;
    (void)size;
    return SL_OK;
}

/* The capture's clock; idle time is caught up with in as many ticks as flows need to end. */
static void set_clock(struct explaining *in, uint64_t now_ms)
{
    enum { TICKS_MAX = 64 };
    struct sl_emit emit = {.send = send_nowhere};
    uint64_t from = in->ticked_ms;
    for (uint32_t i = 0; i < TICKS_MAX && now_ms >= from && now_ms - from >= SL_CHAIN_TICK_MS;
         i++) {
        uint64_t left = (now_ms - from) / (TICKS_MAX - i);
        from += left > SL_CHAIN_TICK_MS ? left : SL_CHAIN_TICK_MS;
        sl_chain_tick(in->chain, from, from, &emit);
        in->ticked_ms = from;
    }
    sl_chain_set_now(in->chain, now_ms);
}

static void one(struct explaining *in, const struct sl_capture_packet *frame)
{
    static uint8_t memory[ROOM];
    static struct sl_chain_trace trace;
    uint64_t now_ms = frame->time_ns / 1000000;
    if (in->first_ns == 0) {
        in->first_ns = frame->time_ns;
        in->ticked_ms = now_ms;
    }
    set_clock(in, now_ms);
    memcpy(memory, frame->data, frame->size);
    struct sl_packet packet = {.data = memory,
                               .size = frame->size,
                               .room = sizeof(memory),
                               .port_in = lan_port_of(&in->lan, frame->data, frame->size)};
    bool is_parsed = sl_packet_parse(&packet) == SL_OK;
    if (is_parsed) {
        sl_chain_run_traced(in->chain, &packet, &trace);
    }
    if (in->what->frame == 0 || in->what->frame == frame->index) {
        tell(in, frame, &packet, is_parsed ? &trace : NULL);
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
        if (in->what->frame != 0 && frame.index >= in->what->frame) {
            rc = SL_CLOSED;
            break;
        }
    }
    if (rc != SL_CLOSED) {
        return complain(CMD_USAGE, "%s: cannot be read to its end (what came before was run): %s",
                        in->what->in, sl_capture_fault(in->capture));
    }
    if (in->what->frame != 0 && in->told == 0) {
        return complain(CMD_USAGE, "%s: no IP packet in frame %llu", in->what->in,
                        (unsigned long long)in->what->frame);
    }
    return CMD_GOOD;
}

int explain_capture(const struct explain_capture *what)
{
    struct explaining in = {.what = what, .list = what->is_json ? json_array() : NULL};
    struct sl_err err = {0};
    int status = lan_read(what->lan, &in.lan);
    if (status == CMD_GOOD &&
        (sl_capture_open(what->in, &in.capture, &err) != SL_OK ||
         eval_policy(what->chain, &in.policy, &err) != SL_OK ||
         sl_chain_create(in.policy.bundle, in.policy.size, &in.chain, &err) != SL_OK)) {
        status = complain_err(CMD_USAGE, &err);
    } else if (status == CMD_GOOD) {
        status = run(&in);
        if (what->is_json) {
            status = print_json(json_pack("{s:O}", "packets", in.list), status);
        }
    }
    json_decref(in.list);
    sl_chain_free(in.chain);
    sl_capture_close(in.capture);
    sl_policy_done(&in.policy);
    return status;
}
