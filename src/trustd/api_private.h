/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inside the interface: a call, its handlers, and what they share.
 */
#ifndef SL_TRUSTD_API_PRIVATE_H
#define SL_TRUSTD_API_PRIVATE_H

#include "trustd/api.h"

enum { SL_PATH_PARTS_MAX = 6, SL_PATH_PART_SIZE = 136 };

struct sl_call {
    struct sl_trustd *trustd;
    const struct sl_request *request;
    struct sl_caller caller;
    char part[SL_PATH_PARTS_MAX][SL_PATH_PART_SIZE]; /**< of the path, without "v1" */
    json_t *body;                                    /**< object; NULL where the route has none */
    struct sl_material *material;                    /**< as it was when the call began */
    struct sl_answer *answer;
    int64_t now_ms;
};

/** Takes over @p value; NULL is a 500. */
void sl_answer_json(struct sl_answer *answer, unsigned status, json_t *value);
/** A result code of the store or the journal as an answer: 404, 409, 503 and so on. */
void sl_answer_rc(struct sl_call *call, sl_rc rc, const char *field, const struct sl_err *err);
/** A string member of the body of 1 to @p max characters of [A-Za-z0-9._-].
 * @return NULL: answered with 400 */
const char *sl_call_name(struct sl_call *call, const char *field, size_t max);
/** Writes a line into the journal, keeps its head in the store, within the open transaction. */
sl_rc sl_call_journal(struct sl_call *call, enum sl_audit_event event,
                      enum sl_audit_outcome outcome, json_t *detail,
                      struct sl_err *err) SL_MUST_CHECK;
/** Changes the node that the path names, with its line in the journal, and answers the call.
 * @param outcome, step  how the journal has it
 * @param answer         the member of the answer that names the node */
void sl_call_node_change(struct sl_call *call,
                         sl_rc (*change)(struct sl_store *store, const char *id,
                                         struct sl_err *err),
                         enum sl_audit_outcome outcome, const char *step, const char *answer);
/** Lets others go on while this call reads, judges or waits for a disk. */
void sl_call_unlock(struct sl_call *call);
void sl_call_lock(struct sl_call *call);
/** "2026-11-22T07:00:00Z" */
void sl_when_text(int64_t time_ms, char out[32]);
bool sl_is_name(const char *text, size_t max);

void sl_api_enroll(struct sl_call *call);
void sl_api_activate(struct sl_call *call);
void sl_api_challenge(struct sl_call *call);
void sl_api_evidence(struct sl_call *call);
void sl_api_nodes(struct sl_call *call);
void sl_api_node(struct sl_call *call);
void sl_api_node_remove(struct sl_call *call);
void sl_api_node_reenroll(struct sl_call *call);
void sl_api_reload(struct sl_call *call);
void sl_api_node_ear(struct sl_call *call);
void sl_api_keys(struct sl_call *call);
void sl_api_node_verdicts(struct sl_call *call);
void sl_api_verdicts(struct sl_call *call);
void sl_api_action(struct sl_call *call);
void sl_api_journal(struct sl_call *call);
void sl_api_blob(struct sl_call *call);
void sl_api_health(struct sl_call *call);
void sl_api_metrics(struct sl_call *call);

#endif
