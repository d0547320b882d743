/* SPDX-License-Identifier: Apache-2.0 */
/* Health, metrics, and the journal over the interface. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/walk.h"
#include "base/bytes.h"
#include "trustd/api_private.h"
#include "trustd/lease.h"

enum { LINES_MAX = 500 };

struct tally {
    int64_t now_ms;
    uint64_t of[3][SL_VERDICT_TRUSTED + 1];
};

static void tally_add(void *ctx, const char *node, const struct sl_store_verdict *v)
{
    struct tally *tally = ctx;
    const char *why;
    int kind = strcmp(v->kind, "host") == 0 ? 0 : strcmp(v->kind, "container") == 0 ? 1 : 2;
    tally->of[kind]
             [sl_lease_verdict(v->verdict, v->judged_ms, v->lease_end_ms, tally->now_ms, &why)]++;
}

bool sl_trustd_is_failing(struct sl_trustd *trustd)
{
    return trustd->is_broken || sl_journal_failures(trustd->journal) > trustd->journal_failures;
}

void sl_api_health(struct sl_call *call)
{
    struct sl_trustd *trustd = call->trustd;
    struct sl_audit_head head;
    sl_journal_head(trustd->journal, &head);
    bool is_good = !sl_trustd_is_failing(trustd);
    sl_answer_json(call->answer, is_good ? 200 : 503,
                   json_pack("{s:s, s:I, s:I}", "status", is_good ? "ok" : "failing", "nodes",
                             (json_int_t)sl_store_node_count(trustd->store), "journal_seq",
                             (json_int_t)head.seq));
}

static uint64_t resident_bytes(void)
{
    char line[128] = "";
    unsigned long long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) { /* "size resident ...", in pages */
        char *space = fgets(line, sizeof(line), file) != NULL ? strchr(line, ' ') : NULL;
        resident = space != NULL ? strtoull(space, NULL, 10) : 0;
        (void)fclose(file);
    }
    return resident * 4096;
}

/* Times are counted in microseconds, and told in Prometheus' base unit. */
static void counter_print(FILE *out, const char *name, const char *metric, const char *help,
                          uint64_t value)
{
    bool is_time = strcmp(name, "round_us") == 0;
    (void)fprintf(out,
                  "# HELP safelib_trustd_%s %s\n# TYPE safelib_trustd_%s counter\n"
                  "safelib_trustd_%s %.*f\n",
                  metric, help, metric, metric, is_time ? 6 : 0,
                  is_time ? (double)value / 1e6 : (double)value);
}

static void counters_print(FILE *out, const struct sl_trustd_counters *counters)
{
#define PRINT(name, metric, help) counter_print(out, #name, metric, help, counters->name);
    SL_TRUSTD_COUNTER_TABLE(PRINT)
#undef PRINT
}

static void gauge_print(FILE *out, const char *name, const char *help, uint64_t value)
{
    (void)fprintf(out,
                  "# HELP safelib_trustd_%s %s\n# TYPE safelib_trustd_%s gauge\n"
                  "safelib_trustd_%s %llu\n",
                  name, help, name, name, (unsigned long long)value);
}

void sl_api_metrics(struct sl_call *call)
{
    static const char *const kinds[] = {"host", "container", "tee"};
    struct sl_trustd *trustd = call->trustd;
    struct sl_err err = {0};
    struct tally tally = {.now_ms = call->now_ms};
    struct sl_audit_head head;
    char *text = NULL;
    size_t size = 0;
    sl_rc rc = sl_store_verdict_each(trustd->store, NULL, tally_add, &tally, &err);
    FILE *out = rc == SL_OK ? open_memstream(&text, &size) : NULL;
    if (out == NULL) {
        sl_answer_rc(call, rc == SL_OK ? SL_NO_MEMORY : rc, NULL, &err);
        return;
    }
    counters_print(out, &trustd->counters);
    sl_journal_head(trustd->journal, &head);
    gauge_print(out, "nodes", "active nodes", sl_store_node_count(trustd->store));
    gauge_print(out, "journal_seq", "lines of the journal", head.seq);
    gauge_print(out, "journal_write_failures", "lines that could not be written",
                sl_journal_failures(trustd->journal));
    gauge_print(out, "resident_bytes", "memory of the daemon", resident_bytes());
    (void)fprintf(out, "# HELP safelib_trustd_subjects subjects by verdict, as it holds now\n"
                       "# TYPE safelib_trustd_subjects gauge\n");
    for (int kind = 0; kind < 3; kind++) {
        for (int v = 0; v <= SL_VERDICT_TRUSTED; v++) {
            (void)fprintf(out, "safelib_trustd_subjects{kind=\"%s\",verdict=\"%s\"} %llu\n",
                          kinds[kind], sl_verdict_text((enum sl_verdict)v),
                          (unsigned long long)tally.of[kind][v]);
        }
    }
    (void)fclose(out);
    call->answer->body = text;
    call->answer->size = size;
    call->answer->status = 200;
    call->answer->type = "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- the journal ---- */

struct page {
    json_t *lines;
    uint64_t from;
};

static void page_add(void *ctx, const char *file, uint64_t number, const json_t *root)
{
    struct page *page = ctx;
    uint64_t seq = (uint64_t)json_integer_value(json_object_get(root, "seq"));
    if (seq >= page->from && json_array_size(page->lines) < LINES_MAX) {
        (void)json_array_append_new(page->lines, json_deep_copy(root));
    }
}

static sl_rc pages_read(const char *folder, struct page *page, struct sl_err *err)
{
    char **paths;
    size_t count;
    struct sl_audit_walk walk = {.ctx = page, .on_line = page_add};
    sl_rc rc = sl_journal_files(folder, &paths, &count, err);
    if (rc != SL_OK) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        const char *suffix = strstr(paths[i], "journal.log.");
        bool is_before = suffix != NULL && strtoull(suffix + 12, NULL, 10) < page->from;
        FILE *file = rc == SL_OK && !is_before ? fopen(paths[i], "r") : NULL;
        if (file != NULL) {
            rc = sl_audit_walk_file(&walk, file, paths[i], err);
            (void)fclose(file);
        }
        free(paths[i]);
    }
    free(paths);
    return rc;
}

static uint64_t query_number(struct sl_call *call, const char *name, uint64_t fallback)
{
    const char *text =
        call->request->query != NULL ? call->request->query(call->request->query_ctx, name) : NULL;
    char *end = NULL;
    uint64_t value = text != NULL ? strtoull(text, &end, 10) : fallback;
    return text != NULL && (end == text || *end != '\0') ? UINT64_MAX : value;
}

static void journal_folder(const struct sl_call *call, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/journal", call->trustd->config.state_dir);
}

void sl_api_journal(struct sl_call *call)
{
    struct sl_err err = {0};
    char folder[SL_TRUSTD_PATH_SIZE + 16];
    char text[SL_HEAD_TEXT_SIZE];
    struct sl_audit_head head;
    struct page page = {.from = query_number(call, "from", 0)};
    if (page.from == UINT64_MAX) {
        sl_answer_problem(call->answer, 400, "from", "expected the number of a line");
        return;
    }
    sl_journal_head(call->trustd->journal, &head);
    if (page.from == 0) { /* not asked for: the end */
        page.from = head.seq >= LINES_MAX ? head.seq - LINES_MAX + 1 : 1;
    }
    page.lines = json_array();
    journal_folder(call, folder, sizeof(folder));
    sl_call_unlock(call); /* lines are only ever added */
    sl_rc rc = pages_read(folder, &page, &err);
    sl_call_lock(call);
    if (rc != SL_OK) {
        json_decref(page.lines);
        sl_answer_rc(call, rc, NULL, &err);
        return;
    }
    sl_journal_head_write(&head, text);
    sl_answer_json(call->answer, 200, json_pack("{s:o, s:s}", "lines", page.lines, "head", text));
}

void sl_api_blob(struct sl_call *call)
{
    struct sl_err err = {0};
    char folder[SL_TRUSTD_PATH_SIZE + 16];
    char *text = NULL;
    size_t size = 0;
    journal_folder(call, folder, sizeof(folder));
    sl_call_unlock(call);
    sl_rc rc = sl_journal_blob_get(folder, call->part[0], &text, &size, &err);
    sl_call_lock(call);
    if (rc != SL_OK) {
        sl_answer_problem(call->answer, rc == SL_NOT_FOUND ? 404 : 500, "blob", "%s",
                          rc == SL_NOT_FOUND ? "is not kept" : sl_rc_text(rc));
        return;
    }
    call->answer->body = text;
    call->answer->size = size;
    call->answer->status = 200;
    call->answer->type = "application/json";
}
