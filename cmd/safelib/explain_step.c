/* SPDX-License-Identifier: Apache-2.0 */
/* What one NF did with one packet, in words and as JSON. */
#include "explain_step.h"

#include <arpa/inet.h>
#include <string.h>

#include "command.h"

const char *explain_verdict(uint8_t verdict)
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

const char *explain_tuple(const struct sl_flow_tuple *tuple, char *out)
{
    char src[64];
    char dst[64];
    char number[8];
    out[0] = '\0';
    if (tuple->ip_version != 0) {
        put_end(src, sizeof(src), tuple, tuple->src, tuple->sport);
        put_end(dst, sizeof(dst), tuple, tuple->dst, tuple->dport);
        (void)snprintf(out, EXPLAIN_TUPLE_MAX, "%s %s > %s",
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
    char original[EXPLAIN_TUPLE_MAX];
    char reply[EXPLAIN_TUPLE_MAX];
    json_t *flow = json_pack("{s:s, s:s, s:b}", "state", relation_text(step->flow.relation), "why",
                             why_text(step->flow.relation), "begins", step->flow.is_first);
    if (step->original.ip_version != 0) {
        (void)json_object_set_new(
            flow, "direction",
            json_string(step->flow.direction == SL_FLOW_ORIGINAL ? "original" : "reply"));
        (void)json_object_set_new(flow, "original",
                                  json_string(explain_tuple(&step->original, original)));
        (void)json_object_set_new(flow, "reply", json_string(explain_tuple(&step->reply, reply)));
    }
    if (step->flow.tcp != SL_FLOW_TCP_NONE) {
        (void)json_object_set_new(flow, "tcp", json_string(tcp_text(step->flow.tcp)));
    }
    return flow;
}

json_t *explain_step_json(const struct explain_chain *in, const struct sl_chain_step *step)
{
    char text[EXPLAIN_TUPLE_MAX];
    const struct sl_policy_rule *rule =
        step->rule != SL_RULE_DEFAULT ? sl_policy_rule(in->policy, step->nf, step->rule) : NULL;
    json_t *out = json_pack("{s:s, s:s}", "nf", sl_chain_nf_name(in->chain, step->nf), "verdict",
                            explain_verdict(step->verdict));
    (void)json_object_set_new(
        out, "rule",
        step->rule == SL_RULE_DEFAULT ? json_null() : json_integer((json_int_t)step->rule + 1));
    if (rule != NULL) {
        (void)json_object_set_new(out, "line", json_integer(rule->line));
        (void)json_object_set_new(out, "text", json_string(rule->text));
        (void)json_object_set_new(out, "source",
                                  json_string(sl_policy_source(in->policy, step->nf)));
    }
    if (step->has_flow_table) {
        (void)json_object_set_new(out, "flow", flow_json(step));
    }
    if (step->verdict == SL_VERDICT_PASS && is_other(&step->after, &step->before)) {
        (void)json_object_set_new(out, "becomes", json_string(explain_tuple(&step->after, text)));
    }
    return out;
}

static void show_flow(const struct sl_chain_step *step)
{
    char original[EXPLAIN_TUPLE_MAX];
    char reply[EXPLAIN_TUPLE_MAX];
    const struct sl_flow *flow = &step->flow;
    const char *tcp = tcp_text(flow->tcp);
    struct sl_flow_tuple turned = sl_flow_turn(&step->original);
    printf("                  %s%s%s: %s", relation_text(flow->relation),
           tcp[0] != '\0' ? ", " : "", tcp, why_text(flow->relation));
    if (step->original.ip_version != 0) {
        printf("; %s of %s", flow->direction == SL_FLOW_ORIGINAL ? "original" : "reply",
               explain_tuple(&step->original, original));
        if (is_other(&step->reply, &turned)) {
            printf(", answers %s", explain_tuple(&step->reply, reply));
        }
    }
    printf("\n");
}

void explain_step_show(const struct explain_chain *in, const struct sl_chain_step *step)
{
    char text[EXPLAIN_TUPLE_MAX];
    const struct sl_policy_rule *rule =
        step->rule != SL_RULE_DEFAULT ? sl_policy_rule(in->policy, step->nf, step->rule) : NULL;
    const char *source = sl_policy_source(in->policy, step->nf);
    const char *slash = strrchr(source, '/');
    printf("  %-14s  %-6s  ", sl_chain_nf_name(in->chain, step->nf),
           explain_verdict(step->verdict));
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
        printf("                  becomes %s\n", explain_tuple(&step->after, text));
    }
}
