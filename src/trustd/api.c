/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, callers, answers: what every call goes through. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "monitor/json_load.h"
#include "trustd/api_private.h"

/* Who may: a role, or the node itself, or anybody. */
enum who { ANYBODY, ROLE, NODE };

struct sl_route {
    const char *method, *pattern; /**< `*` stands for one part */
    enum who who;
    enum sl_role role;
    size_t body_max; /**< 0: none; SIZE_MAX: as configured, and a round */
    bool is_quick;   /**< waits for no disk */
    void (*run)(struct sl_call *call);
};

enum { SMALL_BODY = 4096, ENROLL_BODY = 64 << 10 };

static const struct sl_route routes[] = {
    {"GET", "v1/health", ANYBODY, SL_ROLE_NONE, 0, true, sl_api_health},
    {"GET", "metrics", ROLE, SL_ROLE_VIEWER, 0, false, sl_api_metrics},
    {"POST", "v1/enroll", ROLE, SL_ROLE_ENROLLER, ENROLL_BODY, false, sl_api_enroll},
    {"POST", "v1/enroll/*/activate", ANYBODY, SL_ROLE_NONE, SMALL_BODY, false, sl_api_activate},
    {"POST", "v1/nodes/*/challenge", NODE, SL_ROLE_NONE, SMALL_BODY, false, sl_api_challenge},
    {"POST", "v1/nodes/*/evidence", NODE, SL_ROLE_NONE, SIZE_MAX, false, sl_api_evidence},
    {"GET", "v1/nodes", ROLE, SL_ROLE_VIEWER, 0, false, sl_api_nodes},
    {"GET", "v1/nodes/*", ROLE, SL_ROLE_VIEWER, 0, true, sl_api_node},
    {"DELETE", "v1/nodes/*", ROLE, SL_ROLE_OPERATOR, 0, false, sl_api_node_remove},
    {"POST", "v1/nodes/*/reenroll", ROLE, SL_ROLE_OPERATOR, 0, false, sl_api_node_reenroll},
    {"GET", "v1/nodes/*/verdicts", ROLE, SL_ROLE_VIEWER, 0, true, sl_api_node_verdicts},
    {"GET", "v1/nodes/*/ear", ROLE, SL_ROLE_VIEWER, 0, false, sl_api_node_ear},
    {"GET", "v1/keys", ANYBODY, SL_ROLE_NONE, 0, true, sl_api_keys},
    {"POST", "v1/nodes/*/actions", ROLE, SL_ROLE_OPERATOR, SMALL_BODY, false, sl_api_action},
    {"GET", "v1/verdicts", ROLE, SL_ROLE_VIEWER, 0, false, sl_api_verdicts},
    {"GET", "v1/journal", ROLE, SL_ROLE_VIEWER, 0, false, sl_api_journal},
    {"GET", "v1/journal/blobs/*", ROLE, SL_ROLE_OPERATOR, 0, false, sl_api_blob},
    {"POST", "v1/reload", ROLE, SL_ROLE_OPERATOR, 0, false, sl_api_reload},
};

bool sl_route_is_slow(const struct sl_route *route)
{
    return !route->is_quick;
}

int64_t sl_now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void sl_when_text(int64_t time_ms, char out[32])
{
    struct tm tm;
    time_t seconds = (time_t)(time_ms / 1000);
    if (gmtime_r(&seconds, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        (void)snprintf(out, 32, "1970-01-01T00:00:00Z");
    }
}

bool sl_is_name(const char *text, size_t max)
{
    size_t size = text != NULL ? strlen(text) : 0;
    if (size == 0 || size > max || text[0] == '.' || text[0] == '-') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr("._-", text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* ---- answers ---- */

void sl_answer_json(struct sl_answer *answer, unsigned status, json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(value);
    free(answer->body);
    answer->body = text;
    answer->size = text != NULL ? strlen(text) : 0;
    answer->status = text != NULL ? status : 500;
    answer->type = "application/json";
}

static const char *status_title(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        {400, "Bad request"},       {401, "Unauthorized"},        {403, "Forbidden"},
        {404, "Not found"},         {405, "Method not allowed"},  {409, "Conflict"},
        {413, "Content too large"}, {422, "Not acceptable data"}, {429, "Too many requests"},
        {503, "Not available"},
    };
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return "Internal error";
}

void sl_answer_problem(struct sl_answer *answer, unsigned status, const char *field,
                       const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *at = text; *at != '\0';
         at++) { /* what was sent may be anything, JSON must be UTF-8 */
        *at = (char)((*at < 0x20 || *at > 0x7e) ? '?' : *at);
    }
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
                                status_title(status), "status", (int)status, "detail", text);
    if (field != NULL) {
        (void)json_object_set_new(problem, "field", json_string(field));
    }
    sl_answer_json(answer, status, problem);
    answer->type = "application/problem+json";
}

void sl_answer_rc(struct sl_call *call, sl_rc rc, const char *field, const struct sl_err *err)
{
    static const struct {
        sl_rc rc;
        unsigned status;
    } table[] = {
        {SL_NOT_FOUND, 404}, {SL_EXISTS, 409},  {SL_STATE, 409},       {SL_REPLAY, 409},
        {SL_STALE, 409},     {SL_AUTH, 403},    {SL_DENIED, 403},      {SL_MALFORMED, 400},
        {SL_TRUNCATED, 400}, {SL_INVALID, 400}, {SL_UNSUPPORTED, 422}, {SL_RANGE, 400},
        {SL_NO_SPACE, 503},  {SL_CLOSED, 503},  {SL_IO, 503},
    };
    unsigned status = 500;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        status = table[i].rc == rc ? table[i].status : status;
    }
    if (rc == SL_IO || rc == SL_CLOSED) {
        call->trustd->is_broken = true;
        (void)snprintf(call->trustd->broken_why, sizeof(call->trustd->broken_why), "%s",
                       err->text[0] != '\0' ? err->text : sl_rc_text(rc));
    }
    if (rc == SL_CLOSED) {
        atomic_store(&call->trustd->is_verifier_gone, true);
    }
    if (status == 503) {
        call->answer->retry_after_s = 5;
    }
    sl_answer_problem(call->answer, status, field, "%s",
                      err->text[0] != '\0' ? err->text : sl_rc_text(rc));
}

/* ---- shared by the handlers ---- */

const char *sl_call_name(struct sl_call *call, const char *field, size_t max)
{
    const char *text = json_string_value(json_object_get(call->body, field));
    if (!sl_is_name(text, max)) {
        sl_answer_problem(call->answer, 400, field,
                          "expected 1 to %zu letters, digits, \".\", \"_\" or \"-\"", max);
        return NULL;
    }
    return text;
}

sl_rc sl_call_journal(struct sl_call *call, enum sl_audit_event event,
                      enum sl_audit_outcome outcome, json_t *detail, struct sl_err *err)
{
    struct sl_audit_head head;
    char text[SL_HEAD_TEXT_SIZE];
    sl_rc rc = sl_journal_write(call->trustd->journal, event, outcome, detail, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_journal_head(call->trustd->journal, &head);
    sl_journal_head_write(&head, text);
    return sl_store_value_set(call->trustd->store, "journal_head", text, err);
}

void sl_call_node_change(struct sl_call *call,
                         sl_rc (*change)(struct sl_store *store, const char *id,
                                         struct sl_err *err),
                         enum sl_audit_outcome outcome, const char *step, const char *answer)
{
    struct sl_err err = {0};
    struct sl_store *store = call->trustd->store;
    const char *node = call->part[0];
    sl_rc rc = sl_store_begin(store, &err);
    rc = rc == SL_OK ? change(store, node, &err) : rc;
    rc = rc == SL_OK ? sl_call_journal(call, SL_AUDIT_ENROLL, outcome,
                                       json_pack("{s:s, s:s, s:s}", "step", step, "node", node,
                                                 "by", call->caller.name),
                                       &err)
                     : rc;
    rc = rc == SL_OK ? sl_store_commit(store, &err) : rc;
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, "node", &err);
    } else {
        sl_answer_json(call->answer, 200, json_pack("{s:s}", answer, node));
    }
}

void sl_call_unlock(struct sl_call *call)
{
    (void)pthread_mutex_unlock(&call->trustd->lock);
}

void sl_call_lock(struct sl_call *call)
{
    (void)pthread_mutex_lock(&call->trustd->lock);
}

/* ---- routing ---- */

/* Splits the path; "*" parts of the pattern come out in order. */
static bool path_fits(const char *pattern, const char *path, struct sl_call *call)
{
    unsigned part = 0;
    path += *path == '/';
    while (*pattern != '\0' && *path != '\0') {
        size_t wanted = strcspn(pattern, "/");
        size_t given = strcspn(path, "/");
        if (pattern[0] == '*') {
            if (given == 0 || given >= SL_PATH_PART_SIZE || part == SL_PATH_PARTS_MAX) {
                return false;
            }
            memcpy(call->part[part], path, given);
            call->part[part++][given] = '\0';
        } else if (wanted != given || strncmp(pattern, path, given) != 0) {
            return false;
        }
        pattern += wanted;
        path += given;
        if (*pattern != *path) { /* both end, or both go on */
            return false;
        }
        pattern += *pattern == '/';
        path += *path == '/';
    }
    return *pattern == '\0' && *path == '\0';
}

static const struct sl_route *route_find(struct sl_call *call)
{
    const struct sl_route *other = NULL;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!path_fits(routes[i].pattern, call->request->path, call)) {
            continue;
        }
        if (strcmp(routes[i].method, call->request->method) == 0) {
            return &routes[i];
        }
        other = &routes[i];
    }
    if (other != NULL) {
        sl_answer_problem(call->answer, 405, NULL, "%s does not know %s", call->request->path,
                          call->request->method);
        call->answer->allow = other->method;
    } else {
        sl_answer_problem(call->answer, 404, NULL, "no such path");
    }
    return NULL;
}

/* ---- callers ---- */

static void caller_find(struct sl_call *call, const struct sl_route *route)
{
    uint8_t hash[SL_TOKEN_HASH_SIZE];
    struct sl_store_token token;
    struct sl_caller *caller = &call->caller;
    caller->has_certificate = call->request->has_certificate;
    if (call->request->token == NULL || sl_token_hash(call->request->token, hash) != SL_OK) {
        return;
    }
    if (route->who == NODE) {
        if (strlen(call->part[0]) < sizeof(caller->node) &&
            sl_store_node_token(call->trustd->store, call->part[0], hash)) {
            memcpy(caller->node, call->part[0], strlen(call->part[0]) + 1);
        }
        return;
    }
    if (sl_store_token_find(call->trustd->store, hash, call->now_ms, &token) == SL_OK) {
        caller->role = token.role;
        (void)snprintf(caller->name, sizeof(caller->name), "%s", token.name);
    }
}

static bool caller_may(struct sl_call *call, const struct sl_route *route)
{
    const struct sl_caller *caller = &call->caller;
    if (route->who == ANYBODY) {
        return true;
    }
    caller_find(call, route);
    if (route->who == NODE) {
        if (caller->node[0] == '\0') {
            sl_answer_problem(call->answer, 401, "Authorization",
                              "expected the bearer token of this node; enrol where it is lost");
        }
        return caller->node[0] != '\0';
    }
    if (caller->role == SL_ROLE_NONE) {
        sl_answer_problem(call->answer, 401, "Authorization", "expected a bearer token of role %s",
                          sl_role_text(route->role));
        return false;
    }
    if (!sl_role_may(caller->role, route->role)) {
        sl_answer_problem(call->answer, 403, "Authorization", "expected role %s, the token's is %s",
                          sl_role_text(route->role), sl_role_text(caller->role));
        return false;
    }
    if (call->trustd->config.client_ca[0] != '\0' && !caller->has_certificate) {
        sl_answer_problem(call->answer, 403, NULL,
                          "expected a client certificate of the configured CA beside the token");
        return false;
    }
    return true;
}

static struct sl_call call_make(struct sl_trustd *trustd, const struct sl_request *request,
                                struct sl_answer *answer)
{
    return (struct sl_call){
        .trustd = trustd, .request = request, .answer = answer, .now_ms = sl_now_ms()};
}

static bool rate_take(struct sl_call *call)
{
    struct sl_trustd *trustd = call->trustd;
    int64_t wait_ms = 0;
    if (sl_rate_take(&trustd->rate, call->caller.node, call->now_ms, &wait_ms) == SL_OK) {
        return true;
    }
    trustd->counters.limited++;
    sl_answer_problem(call->answer, 429, NULL, "at most %u requests in a minute",
                      trustd->rate.per_minute);
    call->answer->retry_after_s = (uint32_t)(wait_ms / 1000) + 1;
    return false;
}

const struct sl_route *sl_api_admit(struct sl_trustd *trustd, const struct sl_request *request,
                                    size_t *ret_body_max, struct sl_answer *ret_answer)
{
    struct sl_call call = call_make(trustd, request, ret_answer);
    const struct sl_route *route = route_find(&call);
    sl_call_lock(&call);
    bool is_good =
        route != NULL && caller_may(&call, route) && (route->who != NODE || rate_take(&call));
    if (!is_good) {
        trustd->counters.requests++;
        trustd->counters.errors++;
    }
    sl_call_unlock(&call);
    if (!is_good) {
        return NULL;
    }
    *ret_body_max =
        route->body_max == SIZE_MAX ? (size_t)trustd->config.body_bytes_max : route->body_max;
    return route;
}

void sl_trustd_count_refused(struct sl_trustd *trustd)
{
    (void)pthread_mutex_lock(&trustd->lock);
    trustd->counters.requests++;
    trustd->counters.errors++;
    (void)pthread_mutex_unlock(&trustd->lock);
}

/* A body is an object, each member once. @return false: answered */
static bool body_read(struct sl_call *call)
{
    struct sl_err err = {0};
    const char *text = call->request->body != NULL ? call->request->body : "";
    if (sl_json_load(text, call->request->body_size, &call->body, &err) != SL_OK ||
        !json_is_object(call->body)) {
        if (call->body == NULL) {
            sl_answer_problem(call->answer, 400, NULL, "%s", err.text);
        } else {
            sl_answer_problem(call->answer, 400, NULL, "expected a JSON object");
        }
        return false;
    }
    return true;
}

/* One round of a node at a time: its state goes from one to the next. @return NULL: answered */
static char *busy_take(struct sl_call *call)
{
    char *free_slot = NULL;
    for (size_t i = 0; i < SL_WORKERS_MAX; i++) {
        char *slot = call->trustd->busy[i];
        if (strcmp(slot, call->part[0]) == 0) {
            sl_answer_problem(call->answer, 409, "nonce",
                              "evidence of this node is being judged; wait for its answer");
            return NULL;
        }
        free_slot = slot[0] == '\0' ? slot : free_slot;
    }
    if (free_slot == NULL) { /* cannot be: there are no more workers */
        sl_answer_problem(call->answer, 503, NULL, "too many rounds at once");
        return NULL;
    }
    (void)snprintf(free_slot, SL_NODE_ID_SIZE, "%.*s", SL_NODE_ID_SIZE - 1, call->part[0]);
    return free_slot;
}

void sl_api_answer(struct sl_trustd *trustd, const struct sl_route *route,
                   const struct sl_request *request, struct sl_answer *ret_answer)
{
    struct sl_call call = call_make(trustd, request, ret_answer);
    char *busy = NULL;
    (void)path_fits(route->pattern, request->path, &call);
    sl_call_lock(&call);
    /* again: a token may have been revoked while the body came in */
    bool is_good = caller_may(&call, route);
    if (is_good && route->body_max == SIZE_MAX) {
        busy = busy_take(&call);
        is_good = busy != NULL;
    }
    if (is_good && route->body_max != 0) {
        sl_call_unlock(&call);
        is_good = body_read(&call);
        sl_call_lock(&call);
    }
    if (is_good) {
        call.material = sl_material_ref(trustd->material);
        route->run(&call);
        sl_store_rollback(trustd->store); /* what a handler left open */
        sl_material_unref(call.material);
    }
    if (busy != NULL) {
        busy[0] = '\0';
    }
    trustd->counters.requests++;
    trustd->counters.errors += ret_answer->status >= 400;
    sl_call_unlock(&call);
    json_decref(call.body);
}
