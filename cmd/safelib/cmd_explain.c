/* SPDX-License-Identifier: Apache-2.0 */
/* safelib explain: what becomes of one packet, and by which rule. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "command.h"
#include "eval.h"
#include "explain_capture.h"
#include "flow_text.h"
#include "gateway_ask.h"
#include "lan.h"
#include "nf/eval.h"

struct answer {
    const char *verdict; /* accept, drop, reply */
    char nf[SL_NF_NAME_MAX];
    long long rule; /* from 1, as `policy show` lists them; 0: the default policy */
    long long line; /* 0: not known */
    char source[1024];
    char text[1024];
    const char *where;  /* who said so */
    char fragment[200]; /* no NF decided: what becomes of it as a fragment */
};

static const char *verdict_name(uint8_t verdict)
{
    return verdict == SL_VERDICT_PASS ? "accept" : verdict == SL_VERDICT_REPLY ? "reply" : "drop";
}

/* A fragment, of which no NF has anything to say. */
static int show_fragment(const char *flow, const struct answer *answer, bool is_json)
{
    if (is_json) {
        return print_json(json_pack("{s:s, s:s, s:s, s:s}", "flow", flow, "verdict",
                                    answer->verdict, "fragment", answer->fragment, "where",
                                    answer->where),
                          CMD_GOOD);
    }
    printf("%s%s%s: the fragment %s (%s)\n", tone(stdout, TONE_BAD), answer->verdict,
           tone(stdout, TONE_PLAIN), answer->fragment, answer->where);
    return CMD_GOOD;
}

static int show(const char *flow, const struct answer *answer, bool is_json)
{
    if (answer->fragment[0] != '\0') {
        return show_fragment(flow, answer, is_json);
    }
    if (is_json) {
        json_t *root = json_pack("{s:s, s:s, s:s, s:s}", "flow", flow, "verdict", answer->verdict,
                                 "nf", answer->nf, "where", answer->where);
        (void)json_object_set_new(root, "rule",
                                  answer->rule > 0 ? json_integer(answer->rule) : json_null());
        if (answer->text[0] != '\0') {
            (void)json_object_set_new(root, "line", json_integer(answer->line));
            (void)json_object_set_new(root, "source", json_string(answer->source));
            (void)json_object_set_new(root, "text", json_string(answer->text));
        }
        return print_json(root, CMD_GOOD);
    }
    printf("%s%s%s", tone(stdout, answer->verdict[0] == 'a' ? TONE_GOOD : TONE_BAD),
           answer->verdict, tone(stdout, TONE_PLAIN));
    if (answer->rule == 0) {
        printf(" by the default policy of %s", answer->nf);
    } else {
        printf(" by rule %lld of %s", answer->rule, answer->nf);
    }
    printf(" (%s)\n", answer->where);
    if (answer->text[0] != '\0') {
        if (answer->line > 0) {
            printf("  %s:%lld: ", answer->source, answer->line);
        } else {
            printf("  %s: ", answer->source);
        }
        printf("%s\n", answer->text);
    }
    return CMD_GOOD;
}

static void name_rule(const struct sl_policy *policy, uint32_t nf, struct answer *answer)
{
    const struct sl_policy_rule *rule =
        answer->rule > 0 ? sl_policy_rule(policy, nf, (uint32_t)answer->rule - 1) : NULL;
    if (rule != NULL) {
        answer->line = rule->line;
        (void)snprintf(answer->text, sizeof(answer->text), "%s", rule->text);
        (void)snprintf(answer->source, sizeof(answer->source), "%s", sl_policy_source(policy, nf));
    }
}

struct offline {
    const struct sl_policy *policy;
    struct sl_eval *eval;
    struct answer *answer;
    int status;
};

static void on_result(void *ctx, const struct sl_eval_result *result)
{
    struct offline *in = ctx;
    struct answer *answer = in->answer;
    answer->where = "policy file, evaluated here";
    if (result->fate == SL_EVAL_MALFORMED) {
        in->status = complain(CMD_USAGE, "this packet is malformed; it is dropped before any rule");
    } else if (result->fate != SL_EVAL_DECIDED) {
        answer->verdict = result->fate == SL_EVAL_WAITS ? "held" : "drop";
        (void)snprintf(answer->fragment, sizeof(answer->fragment), "%s",
                       sl_fragments_fate_text(result->fragment));
    } else {
        const struct sl_packet *packet = result->packet;
        answer->verdict = verdict_name(packet->verdict);
        answer->rule = packet->rule == SL_RULE_DEFAULT ? 0 : (long long)packet->rule + 1;
        (void)snprintf(answer->nf, sizeof(answer->nf), "%s",
                       sl_chain_nf_name(sl_eval_chain(in->eval), packet->nf_index));
        name_rule(in->policy, packet->nf_index, answer);
    }
}

/* The chain in this process: the same code that runs in the image, without the image. */
static int explain_offline(const char *path, const struct flow_packet *flow, struct answer *answer)
{
    struct sl_err err = {0};
    struct sl_policy policy = {0};
    struct offline in = {.policy = &policy, .answer = answer, .status = CMD_GOOD};
    if (eval_here(path, &policy, &in.eval, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    const struct sl_eval_packet packet = {
        .data = flow->data, .size = flow->size, .port = flow->port};
    sl_eval_listen(in.eval, on_result, &in);
    sl_eval_run(in.eval, &packet, 1);
    sl_eval_free(in.eval);
    sl_policy_done(&policy);
    return in.status;
}

static void take_reply(json_t *reply, struct answer *answer)
{
    const char *verdict = json_text_at(reply, "verdict");
    (void)snprintf(answer->fragment, sizeof(answer->fragment), "%s",
                   json_text_at(reply, "fragment"));
    answer->verdict = strcmp(verdict, "pass") == 0    ? "accept"
                      : strcmp(verdict, "held") == 0  ? "held"
                      : strcmp(verdict, "reply") == 0 ? "reply"
                                                      : "drop";
    json_t *rule = json_object_get(reply, "rule");
    const char *name = json_text_at(reply, "nf_name");
    answer->rule = json_integer_value(rule);
    answer->line = json_int_at(reply, "line");
    if (name[0] != '\0') {
        (void)snprintf(answer->nf, sizeof(answer->nf), "%s", name);
    } else {
        (void)snprintf(answer->nf, sizeof(answer->nf), "NF %lld", json_int_at(reply, "nf"));
    }
    (void)snprintf(answer->text, sizeof(answer->text), "%s", json_text_at(reply, "text"));
    (void)snprintf(answer->source, sizeof(answer->source), "%s", json_text_at(reply, "source"));
    answer->where = "running image, asked through the gateway";
}

static int explain_running(const char *socket, const struct flow_packet *flow,
                           struct answer *answer)
{
    struct sl_err err = {0};
    int fd = gateway_connect(socket, &err);
    if (fd < 0) {
        (void)complain_err(CMD_USAGE, &err);
        return complain(CMD_USAGE, "to ask a file instead of a running gateway: --policy FILE");
    }
    char hex[2 * FLOW_PACKET_MAX + 1];
    sl_hex_encode(flow->data, flow->size, hex);
    json_t *request = json_pack("{s:s, s:s, s:s}", "cmd", "eval", "port",
                                flow->port == SL_PORT_LAN ? "lan" : "wan", "packet", hex);
    json_t *reply = gateway_ask(fd, request, &err);
    json_decref(request);
    (void)close(fd);
    if (reply == NULL) {
        return complain_err(CMD_USAGE, &err);
    }
    int status = CMD_GOOD;
    if (json_object_get(reply, "error") != NULL) {
        status = complain(CMD_USAGE, "the gateway: %s", json_text_at(reply, "text"));
    } else {
        take_reply(reply, answer);
    }
    json_decref(reply);
    return status;
}

/* One packet in words. */
static int explain_flow(const char *text, const char *policy, const char *socket, bool is_json)
{
    struct flow_packet flow = {0};
    struct sl_err err = {0};
    if (flow_packet_read(text, &flow, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    struct answer answer = {.verdict = "drop"};
    int status = policy != NULL ? explain_offline(policy, &flow, &answer)
                                : explain_running(socket, &flow, &answer);
    return status == CMD_GOOD ? show(text, &answer, is_json) : status;
}

int cmd_explain(int argc, char **argv)
{
    const char *policy = NULL;
    const char *socket = GATEWAY_SOCKET;
    struct explain_capture capture = {.lan = LAN_DEFAULT};
    bool is_json = false;
    const struct option_spec options[] = {
        {"policy", 'p', "FILE", "ask this policy (compiled, a chain, or nftables rules)",
         OPTION_STRING, &policy, 0, 0},
        {"socket", 0, "PATH", "status socket of the gateway", OPTION_STRING, &socket, 0, 0},
        {"chain", 'c', "FILE", "the chain that a capture is run through", OPTION_STRING,
         &capture.chain, 0, 0},
        {"in", 'i', "PCAP", "explain every packet of a capture", OPTION_STRING, &capture.in, 0, 0},
        {"frame", 'f', "N", "tell only of this frame, having run those before it", OPTION_UINT,
         &capture.frame, 1, 0},
        {"lan", 0, "PREFIXES", "sources that come in by the LAN port", OPTION_STRING, &capture.lan,
         0, 0},
        {"json", 'j', NULL, "as JSON", OPTION_FLAG, &is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib explain 'PROTO SRC[:PORT] > DST[:PORT] [WORDS]' [--policy FILE]\n"
                 "       safelib explain --chain FILE --in PCAP [--frame N]",
        .about = "Says what becomes of a packet: verdict, rule and its line. Without --policy the\n"
                 "running image is asked, through the gateway. WORDS: flags=syn,ack (TCP; default\n"
                 "syn), type=N code=N (ICMP), in=lan|wan (default: lan for private sources),\n"
                 "later (a later fragment).\n"
                 "With --in, of every packet of a capture: which NFs it met, by which rule each\n"
                 "decided, in which state of which flow, and what it became. The clock is the\n"
                 "capture's.",
        .examples = "  safelib explain 'tcp 10.0.0.5:1234 > 192.0.2.1:443'\n"
                    "  safelib explain 'udp [2001:db8::1]:53 > [2001:db8::2]:5353 in=wan' -p "
                    "rules.nft\n"
                    "  safelib explain --chain chain.yaml --in day.pcap --frame 12\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 0,
        .max_args = 1,
    };
    int first;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    capture.is_json = is_json;
    capture.chain = capture.chain != NULL ? capture.chain : policy;
    if ((capture.in != NULL) == (first < argc)) {
        return complain(CMD_USAGE, "explain: expected one packet in words, or --in PCAP");
    }
    if (capture.in == NULL) {
        return explain_flow(argv[first], capture.chain, socket, is_json);
    }
    return capture.chain != NULL
               ? explain_capture(&capture)
               : complain(CMD_USAGE, "explain --in: say through what with --chain FILE");
}
