/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator asks of the session: evaluate a packet, reload the policy. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "control/eval_message.h"
#include "gateway/session.h"
#include "nf/eval.h"
#include "policy/kinds.h"

enum {
    EVAL_PACKET_MAX = SL_PACKET_MAX,
    EVAL_TAG = 1, /* there is one packet */
};

static json_t *error_make(sl_rc rc, const char *text)
{
    return json_pack("{s:s, s:s}", "error", sl_rc_name(rc), "text", text);
}

/* Compiled policies as they are; chains and rules are compiled now. */
static sl_rc policy_read(const struct sl_session *session, struct sl_policy *ret_policy,
                         struct sl_err *err)
{
    const char *path = session->config->policy;
    bool is_bundle;
    sl_rc rc = sl_policy_load(path, ret_policy, &is_bundle, err);
    if (rc == SL_OK) {
        rc = sl_session_policy_admit(&session->durable, path, ret_policy, !is_bundle, err);
        if (rc != SL_OK) {
            sl_policy_done(ret_policy);
        }
    }
    return rc == SL_OK ? rc : sl_err_prefix(err, "policy");
}

static void policy_replace(struct sl_session *session, struct sl_policy *policy)
{
    if (policy->note != NULL) {
        char line[640];
        (void)snprintf(line, sizeof(line), "policy: %s", policy->note);
        session->log(line);
    }
    sl_policy_done(&session->policy);
    session->policy = *policy;
}

sl_rc sl_session_policy_load(struct sl_session *session, struct sl_err *err)
{
    struct sl_policy policy = {0};
    sl_rc rc = policy_read(session, &policy, err);
    if (rc == SL_OK) {
        policy_replace(session, &policy);
    }
    return rc;
}

/* The new policy is in force as a whole, or the old one is. */
static json_t *reload(struct sl_session *session)
{
    struct sl_err err = {0};
    struct sl_policy policy = {0};
    char hex[65];
    sl_rc rc = policy_read(session, &policy, &err);
    if (rc != SL_OK) {
        sl_session_policy_refused(session, &err);
        (void)sl_err_prefix(&err, "the old policy stays");
        return error_make(rc, err.text);
    }
    if (session->client == NULL || session->is_taken) {
        policy_replace(session, &policy);
        return error_make(SL_STATE, "read, but the image cannot be reached: set when it can");
    }
    rc = sl_session_policy_give(session, &policy, &err);
    if (rc != SL_OK) {
        sl_policy_done(&policy);
        (void)sl_err_prefix(&err, "the old policy stays");
        return error_make(rc, err.text);
    }
    policy_replace(session, &policy);
    /* where the channel is gone, it is learned with the next one */
    (void)!sl_session_steering_learn(session, &err);
    sl_hex_encode(session->policy_hash, sizeof(session->policy_hash), hex);
    return json_pack("{s:I, s:s}", "version", (json_int_t)session->policy_version, "sha256", hex);
}

static void rule_describe(const struct sl_session *session, uint32_t nf, uint32_t rule, json_t *out)
{
    const struct sl_policy_rule *found = sl_policy_rule(&session->policy, nf, rule);
    if (found != NULL) {
        (void)json_object_set_new(out, "line", json_integer((json_int_t)found->line));
        (void)json_object_set_new(out, "text", json_string(found->text));
        (void)json_object_set_new(out, "source",
                                  json_string(sl_policy_source(&session->policy, nf)));
    }
}

/* What became of the one packet that was asked about: its last answer. */
static sl_rc eval_answer_read(const struct sl_msg *reply, struct sl_eval_answer *ret_answer)
{
    struct sl_reader r;
    struct sl_eval_answer answer;
    bool is_found = false;
    sl_reader_init(&r, reply->body, reply->size);
    uint32_t count = sl_reader_be16(&r);
    for (uint32_t i = 0; i < count && sl_eval_answer_read(&r, &answer) == SL_OK; i++) {
        if (answer.tag == EVAL_TAG) {
            *ret_answer = answer;
            is_found = true;
        }
    }
    sl_rc rc = sl_reader_end(&r);
    return rc != SL_OK ? rc : is_found ? SL_OK : SL_MALFORMED;
}

static json_t *eval_reply(const struct sl_session *session, const struct sl_msg *reply)
{
    static const char *const verdicts[] = {"drop", "pass", "reply"};
    struct sl_eval_answer answer;
    if (eval_answer_read(reply, &answer) != SL_OK) {
        return error_make(SL_MALFORMED, "the image's answer cannot be read");
    }
    if (answer.fate == SL_EVAL_MALFORMED) {
        return error_make(SL_MALFORMED, "this packet is malformed: dropped before any NF");
    }
    if (answer.fate != SL_EVAL_DECIDED) {
        return json_pack("{s:s, s:s}", "verdict",
                         answer.fate == SL_EVAL_WAITS ? "held" : verdicts[SL_VERDICT_DROP],
                         "fragment", sl_fragments_fate_text(answer.fragment));
    }
    char *hex = malloc(2 * (size_t)answer.size + 1);
    if (hex == NULL) {
        return error_make(SL_NO_MEMORY, "no memory");
    }
    sl_hex_encode(answer.size > 0 ? answer.data : (const uint8_t *)"", answer.size, hex);
    char name[SL_NF_NAME_MAX];
    sl_policy_nf_name(&session->policy, answer.nf, name);
    /* rules are numbered from 1 wherever people see them */
    json_t *out = json_pack("{s:s, s:i, s:s, s:I, s:s}", "verdict", verdicts[answer.verdict], "nf",
                            (int)answer.nf, "nf_name", name, "rule", (json_int_t)answer.rule + 1,
                            "packet", hex);
    if (answer.rule == SL_RULE_DEFAULT) {
        (void)json_object_set_new(out, "rule", json_null());
    }
    rule_describe(session, answer.nf, answer.rule, out);
    free(hex);
    return out;
}

static json_t *eval(struct sl_session *session, json_t *request)
{
    uint8_t body[2 + SL_EVAL_REQUEST_EXTRA + EVAL_PACKET_MAX];
    uint8_t packet[EVAL_PACKET_MAX];
    struct sl_writer w;
    struct sl_msg reply = {0};
    struct sl_err err = {0};
    const char *hex = json_string_value(json_object_get(request, "packet"));
    const char *port = json_string_value(json_object_get(request, "port"));
    size_t size = hex != NULL ? strlen(hex) / 2 : 0;
    if (hex == NULL || port == NULL || size == 0 || size > sizeof(packet) ||
        sl_hex_decode(hex, packet, size) != SL_OK) {
        return error_make(SL_INVALID, "eval: expected port \"lan\" or \"wan\" and packet in hex");
    }
    if (session->client == NULL) {
        return error_make(SL_STATE, "the image cannot be reached");
    }
    sl_writer_init(&w, body, sizeof(body));
    sl_writer_be16(&w, 1);
    const struct sl_eval_ask ask = {.port = strcmp(port, "wan") == 0 ? SL_PORT_WAN : SL_PORT_LAN,
                                    .tag = EVAL_TAG,
                                    .size = (uint32_t)size,
                                    .data = packet};
    sl_eval_ask_write(&w, &ask);
    sl_rc rc = sl_client_call(session->client, SL_MSG_EVAL, body, w.off, SL_SESSION_TIMEOUT_MS,
                              &reply, &err);
    json_t *out = rc == SL_OK ? eval_reply(session, &reply) : error_make(rc, err.text);
    if (rc == SL_OK) {
        sl_msg_done(&reply);
    }
    return out;
}

/* A line for an NF of the running chain. */
static json_t *nf_tell(struct sl_session *session, json_t *request)
{
    char answer[SL_NF_ANSWER_MAX];
    struct sl_err err = {0};
    const char *nf = json_string_value(json_object_get(request, "nf"));
    const char *line = json_string_value(json_object_get(request, "line"));
    if (nf == NULL || line == NULL) {
        return error_make(SL_INVALID, "nf: expected nf and line");
    }
    if (session->client == NULL || session->is_taken) {
        return error_make(SL_STATE, "the image cannot be reached");
    }
    sl_rc rc = sl_client_nf(session->client, SL_SESSION_TIMEOUT_MS, nf, line, answer,
                            sizeof(answer), &err);
    return rc == SL_OK ? json_pack("{s:s}", "answer", answer) : error_make(rc, err.text);
}

json_t *sl_session_handle(struct sl_session *session, json_t *request)
{
    const char *command = json_string_value(json_object_get(request, "cmd"));
    if (command != NULL && strcmp(command, "reload") == 0) {
        return reload(session);
    }
    if (command != NULL && strcmp(command, "reattest") == 0) {
        return sl_session_reattest_request(session);
    }
    if (command != NULL && strcmp(command, "eval") == 0) {
        return eval(session, request);
    }
    if (command != NULL && strcmp(command, "snapshot") == 0) {
        return sl_session_snapshot_request(session,
                                           !json_is_true(json_object_get(request, "progress")));
    }
    if (command != NULL && strcmp(command, "nf") == 0) {
        return nf_tell(session, request);
    }
    return error_make(SL_INVALID,
                      "expected cmd: status, ping, eval, nf, reattest, reload or snapshot");
}
