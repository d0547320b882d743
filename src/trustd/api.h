/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The interface /v1, beside any HTTP: a request with its caller goes in, an answer comes out. Any
 * thread; one lock, which no call holds while evidence is read, judged or stored.
 * docs/openapi.yaml describes the same; a test holds both together.
 */
#ifndef SL_TRUSTD_API_H
#define SL_TRUSTD_API_H

#include <pthread.h>
#include <stdatomic.h>

#include "trustd/config.h"
#include "trustd/journal.h"
#include "trustd/material.h"
#include "trustd/rate.h"
#include "trustd/store.h"
#include "trustd/verifier.h"
#include "trustd/workers.h"

/** name, Prometheus name, help */
#define SL_TRUSTD_COUNTER_TABLE(X)                                                                 \
    X(requests, "requests_total", "requests answered")                                             \
    X(errors, "request_errors_total", "requests answered with a status of 400 and above")          \
    X(rounds, "rounds_total", "rounds judged")                                                     \
    X(refused, "evidence_refused_total", "evidence refused before it was judged")                  \
    X(failed, "verifier_failures_total", "jobs that the verifier did not bring to a result")       \
    X(limited, "rate_limited_total", "requests refused because a node came too often")             \
    X(round_us, "round_seconds_total", "time from evidence to answer, summed up")

struct sl_trustd_counters {
#define SL_TRUSTD_COUNTER_FIELD(name, metric, help) uint64_t name;
    SL_TRUSTD_COUNTER_TABLE(SL_TRUSTD_COUNTER_FIELD)
#undef SL_TRUSTD_COUNTER_FIELD
};

/** The daemon's parts. */
struct sl_trustd {
    struct sl_trustd_config config;
    const struct sl_monitor_backend *backend;
    pthread_mutex_t lock; /**< of all below but the verifier and the blobs */
    struct sl_material *material;
    char busy[SL_WORKERS_MAX][SL_NODE_ID_SIZE]; /**< nodes with a round under way */
    struct sl_store *store;
    struct sl_journal *journal;
    struct sl_verifier verifier;
    char *ear_key; /**< PEM; never changes */
    struct sl_rate rate;
    struct sl_trustd_counters counters;
    bool is_reloading;
    bool is_broken;            /**< verifier, disk: health says so, until a round is kept again */
    char broken_why[512];      /**< what the last request heard of it */
    uint64_t journal_failures; /**< of the journal, before a round was kept again */
    atomic_bool is_verifier_gone; /**< the process must end: nothing can be judged any more */
};

/** Who calls, as far as his token says. */
struct sl_caller {
    enum sl_role role; /**< of a token; NONE: no (good) token of a person or program */
    char name[SL_NODE_NAME_SIZE];
    char node[SL_NODE_ID_SIZE]; /**< the node whose own token it is, or "" */
    bool has_certificate;       /**< a client certificate of client_ca */
};

struct sl_request {
    const char *method, *path;
    const char *token; /**< bearer token, or NULL */
    bool has_certificate;
    const char *(*query)(void *ctx, const char *name);
    void *query_ctx;
    const char *body; /**< NULL: none yet, or none */
    size_t body_size;
};

struct sl_answer {
    unsigned status;
    char *body; /**< free() */
    size_t size;
    const char *type;
    uint32_t retry_after_s; /**< 0: no header */
    const char *allow;      /**< with 405 */
};

struct sl_route;
/** Whether answering may take longer than the server's thread can wait. */
bool sl_route_is_slow(const struct sl_route *route);

/** Finds what @p request asks for and whether its caller may, before any body is read.
 * @param[out] ret_body_max  bytes that its body may have; 0: none
 * @return the route; NULL: @p ret_answer says why not (401, 403, 404, 405, 429) */
const struct sl_route *sl_api_admit(struct sl_trustd *trustd, const struct sl_request *request,
                                    size_t *ret_body_max, struct sl_answer *ret_answer);
/** Answers an admitted request; asks for the caller anew. */
void sl_api_answer(struct sl_trustd *trustd, const struct sl_route *route,
                   const struct sl_request *request, struct sl_answer *ret_answer);

/** RFC 9457 with `field` (NULL: none). */
void sl_answer_problem(struct sl_answer *answer, unsigned status, const char *field,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Opens what the daemon stands on and starts its verifier; no thread may run yet.
 * @retval as the parts */
sl_rc sl_trustd_open(const struct sl_trustd_config *config,
                     const struct sl_monitor_backend *backend, struct sl_trustd *ret_trustd,
                     struct sl_err *err) SL_MUST_CHECK;
void sl_trustd_close(struct sl_trustd *trustd);
/** Whether verdicts cannot be kept: health says so, and no round is accepted. Under the lock. */
bool sl_trustd_is_failing(struct sl_trustd *trustd);
/** Loads policies, the files that they name, and reference values anew; all of them, or nothing.
 * @param[in] by  who asked, for the journal
 * @param[out] ret_changes  names of the classes that changed, "refvals" among them as *ret_refvals;
 * new array; may be NULL
 * @retval SL_OK
 * @retval SL_EXISTS another reload is under way
 * @retval otherwise as sl_material_load, sl_verifier_renew, sl_journal_write: what was in use stays
 * in use, the journal has the refusal, and @p err says which file is wrong */
sl_rc sl_trustd_reload(struct sl_trustd *trustd, const char *by, json_t **ret_changes,
                       bool *ret_refvals, struct sl_err *err) SL_MUST_CHECK;
/** Counts a request that was refused before it got here. */
void sl_trustd_count_refused(struct sl_trustd *trustd);
int64_t sl_now_ms(void);

#endif
