/* SPDX-License-Identifier: Apache-2.0 */
/* safelib journal: was a trust monitor's journal changed, what does it say, and would its verdicts
 * come out the same again? */
#include <dirent.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "audit/walk.h"
#include "command.h"
#include "trustd/journal.h"
#include "trustd/verifier.h"

enum { REPLAY_SECONDS = 600, PATH_SIZE = 1024, TORN_WAIT_NS = 50000000 };

struct options {
    const char *folder, *head, *refvals, *node;
    uint64_t round;
    bool is_json;
};

struct report {
    const struct options *options;
    struct sl_verifier *verifier; /* NULL: not replayed */
    json_t *lines, *faults;
    uint64_t verdicts, same, different, not_kept;
    uint64_t failed; /* the verifier came to no result: nothing to compare */
};

static void fault_add(struct report *report, const char *file, uint64_t number, const char *name,
                      const char *text)
{
    (void)json_array_append_new(report->faults,
                                json_pack("{s:s, s:I, s:s, s:s}", "file", file, "line",
                                          (json_int_t)number, "fault", name, "text", text));
    if (!report->options->is_json) {
        printf("%s%s:%llu: %s%s: %s\n", tone(stdout, TONE_BAD), file, (unsigned long long)number,
               name, tone(stdout, TONE_PLAIN), text);
    }
}

static void on_fault(void *ctx, const char *file, uint64_t number, enum sl_audit_fault fault,
                     const char *text)
{
    fault_add(ctx, file, number, sl_audit_fault_name(fault), text);
}

static bool is_wanted(const struct options *options, const json_t *detail)
{
    const char *node = json_string_value(json_object_get(detail, "node"));
    json_int_t round = json_integer_value(json_object_get(detail, "round"));
    return (options->node == NULL || (node != NULL && strcmp(node, options->node) == 0)) &&
           (options->round == 0 || (uint64_t)round == options->round);
}

static void result_compare(struct report *report, const char *file, uint64_t number,
                           const char *job, size_t job_size, const char *result)
{
    char *again = NULL;
    if (strncmp(result, "{\"failed\":", 10) == 0) {
        report->failed++;
        return;
    }
    sl_rc rc = sl_verifier_judge(report->verifier, job, job_size, &again);
    if (rc == SL_OK && strcmp(again, result) == 0) {
        report->same++;
    } else {
        report->different++;
        fault_add(report, file, number, "REPLAY",
                  rc == SL_OK ? "the job gives another result than the one that was kept"
                              : sl_rc_text(rc));
    }
    free(again);
}

/* Blobs hash to their names; a job that is replayed gives the result that was kept. */
static void verdict_check(struct report *report, const char *file, uint64_t number,
                          const json_t *detail)
{
    struct sl_err err = {0};
    char *job = NULL;
    char *result = NULL;
    size_t job_size = 0;
    size_t result_size = 0;
    const char *folder = report->options->folder;
    report->verdicts++;
    sl_rc rc = sl_journal_blob_get(folder, json_string_value(json_object_get(detail, "job")), &job,
                                   &job_size, &err);
    rc = rc == SL_OK
             ? sl_journal_blob_get(folder, json_string_value(json_object_get(detail, "result")),
                                   &result, &result_size, &err)
             : rc;
    if (rc == SL_NOT_FOUND) {
        report->not_kept++; /* bounded by limits.journal_bytes */
    } else if (rc != SL_OK) {
        fault_add(report, file, number, "BLOB", err.text);
    } else if (report->verifier != NULL) {
        result_compare(report, file, number, job, job_size, result);
    }
    free(job);
    free(result);
}

static void line_show(const json_t *root)
{
    char *detail = json_dumps(json_object_get(root, "detail"), JSON_COMPACT);
    printf("%lld %s %s %s %s\n", (long long)json_integer_value(json_object_get(root, "seq")),
           json_string_value(json_object_get(root, "time")),
           json_string_value(json_object_get(root, "event")),
           json_string_value(json_object_get(root, "outcome")), detail != NULL ? detail : "");
    free(detail);
}

static void on_line_show(void *ctx, const char *file, uint64_t number, const json_t *root)
{
    struct report *report = ctx;
    if (!is_wanted(report->options, json_object_get(root, "detail"))) {
        return;
    }
    if (report->options->is_json) {
        (void)json_array_append_new(report->lines, json_deep_copy(root));
    } else {
        line_show(root);
    }
}

static void on_line_check(void *ctx, const char *file, uint64_t number, const json_t *root)
{
    struct report *report = ctx;
    const json_t *detail = json_object_get(root, "detail");
    const char *event = json_string_value(json_object_get(root, "event"));
    if (strcmp(event, "verdict") == 0 && is_wanted(report->options, detail)) {
        verdict_check(report, file, number, detail);
    }
}

/* A daemon that is writing now has its line whole in a moment. */
static bool is_growing(const char *path, off_t size)
{
    const struct timespec wait = {0, TORN_WAIT_NS};
    struct stat st;
    (void)nanosleep(&wait, NULL);
    return stat(path, &st) == 0 && st.st_size != size;
}

static void torn_tell(struct report *report, const struct sl_audit_walk *walk, const char *path)
{
    char text[160];
    if (walk->torn_size == 0 || is_growing(path, (off_t)(walk->good_size + walk->torn_size))) {
        return;
    }
    (void)snprintf(text, sizeof(text),
                   "%llu bytes behind the last line are none: the monitor was killed while it "
                   "wrote, or the end was cut",
                   (unsigned long long)walk->torn_size);
    fault_add(report, path, walk->lines + 1, "TORN", text);
}

static void start_tell(struct report *report, const struct sl_audit_walk *walk)
{
    char text[160];
    if (walk->start.seq == 0) {
        return;
    }
    (void)snprintf(text, sizeof(text),
                   "the first line is seq %llu: what came before is not in this folder "
                   "(journal.log.*)",
                   (unsigned long long)walk->start.seq + 1);
    fault_add(report, report->options->folder, 0, "BEGIN", text);
}

/* Each blob is what its name says, whichever line names it: policies, roots, evidence, results. */
static void blobs_check(struct report *report)
{
    const char *folder = report->options->folder;
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/blobs", folder);
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct sl_err err = {0};
        char *text = NULL;
        size_t size = 0;
        if (strlen(entry->d_name) == SL_BLOB_NAME_SIZE - 1 &&
            sl_journal_blob_get(folder, entry->d_name, &text, &size, &err) == SL_MISMATCH) {
            fault_add(report, folder, 0, "BLOB", err.text);
        }
        free(text);
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

/* The head that the monitor's database remembers, beside the journal. @return false: no database */
static bool known_find(const char *folder, struct sl_audit_head *ret_known)
{
    char path[PATH_SIZE];
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    bool is_found = false;
    (void)snprintf(path, sizeof(path), "%s/../trustd.db", folder);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(db, 2000) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT text FROM value WHERE name = 'journal_head'", -1, &row,
                           NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        is_found = text != NULL && sl_journal_head_read(text, ret_known) == SL_OK;
    }
    (void)sqlite3_finalize(row);
    (void)sqlite3_close(db);
    return is_found;
}

static sl_rc journal_walk(struct sl_audit_walk *walk, const char *folder, struct sl_err *err)
{
    char **paths;
    size_t count;
    sl_rc rc = sl_journal_files(folder, &paths, &count, err);
    if (rc != SL_OK) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        FILE *file = rc == SL_OK ? fopen(paths[i], "r") : NULL;
        if (rc == SL_OK && file == NULL) {
            rc = sl_err_set(err, SL_IO, "%s: cannot be opened", paths[i]);
        }
        rc = rc == SL_OK ? sl_audit_walk_file(walk, file, paths[i], err) : rc;
        if (file != NULL) {
            (void)fclose(file);
        }
        if (rc == SL_OK) {
            torn_tell(walk->ctx, walk, paths[i]);
        }
        free(paths[i]);
    }
    free(paths);
    sl_audit_walk_end(walk, folder);
    return rc;
}

static void report_show(const struct report *report, const struct sl_audit_walk *walk)
{
    char head[SL_HEAD_TEXT_SIZE];
    sl_journal_head_write(&walk->head, head);
    if (report->options->is_json) {
        json_t *all = json_pack(
            "{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:O, s:O}", "lines", (json_int_t)walk->lines,
            "head", head, "verdicts", (json_int_t)report->verdicts, "replayed_same",
            (json_int_t)report->same, "replayed_different", (json_int_t)report->different, "failed",
            (json_int_t)report->failed, "not_kept", (json_int_t)report->not_kept, "faults",
            report->faults, "shown", report->lines);
        (void)json_dumpf(all, stdout, JSON_INDENT(2));
        (void)putchar('\n');
        json_decref(all);
        return;
    }
    printf("%llu lines, head %s\n%llu verdicts", (unsigned long long)walk->lines, head,
           (unsigned long long)report->verdicts);
    if (report->verifier != NULL) {
        printf(": %llu the same again, %llu not, %llu to which the verifier never came",
               (unsigned long long)report->same, (unsigned long long)report->different,
               (unsigned long long)report->failed);
    }
    printf(", %llu whose evidence is not kept any more; %zu faults\n",
           (unsigned long long)report->not_kept, json_array_size(report->faults));
}

/* After the last line: what the lines alone do not tell. */
static void whole_check(struct report *report, const struct sl_audit_walk *walk)
{
    start_tell(report, walk);
    if (report->options->node == NULL) {
        blobs_check(report);
    }
    if (walk->known == NULL) {
        (void)fprintf(stderr, "safelib: note: no trustd.db beside the journal, and no --head: "
                              "lines that are cut off its end are not missed\n");
    }
}

/* The head that must be met. @return OPTIONS_GO_ON, or the exit status to end with */
static int known_read(const struct options *options, struct sl_audit_head *known,
                      const struct sl_audit_head **ret_known)
{
    if (options->head != NULL && sl_journal_head_read(options->head, known) != SL_OK) {
        return complain(CMD_USAGE, "--head: expected SEQ:HEX, as `verify` prints it");
    }
    if (options->head != NULL || known_find(options->folder, known)) {
        *ret_known = known; /* read before the lines: they only grow */
    }
    return OPTIONS_GO_ON;
}

static int journal_run(struct options *options, bool is_show, struct sl_verifier *verifier)
{
    struct sl_err err = {0};
    struct sl_audit_head known;
    struct report report = {.options = options, .verifier = verifier};
    struct sl_audit_walk walk = {
        .ctx = &report, .on_line = is_show ? on_line_show : on_line_check, .on_fault = on_fault};
    int status = options->folder != NULL ? known_read(options, &known, &walk.known)
                                         : complain(CMD_USAGE, "--journal FOLDER is missing");
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    report.lines = json_array();
    report.faults = json_array();
    sl_rc rc = journal_walk(&walk, options->folder, &err);
    if (rc == SL_OK && !is_show) {
        whole_check(&report, &walk);
    }
    bool is_bad = json_array_size(report.faults) > 0 ||
                  (verifier != NULL && report.same + report.different == 0);
    if (rc == SL_OK && (!is_show || options->is_json)) {
        report_show(&report, &walk);
    }
    json_decref(report.lines);
    json_decref(report.faults);
    if (rc != SL_OK) {
        return complain(CMD_USAGE, "%s", err.text);
    }
    return is_bad ? CMD_BAD : CMD_GOOD;
}

static int journal_verify(int argc, char **argv)
{
    struct options o = {0};
    const struct option_spec options[] = {
        {"journal", 'J', "FOLDER", "the journal's folder: STATE_DIR/journal", OPTION_STRING,
         &o.folder, 0, 0},
        {"head", 'H', "SEQ:HEX", "a head of it that was remembered elsewhere", OPTION_STRING,
         &o.head, 0, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &o.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib journal verify --journal FOLDER [--head SEQ:HEX] [--json]",
        .about = "Checks a trust monitor's journal: the chain of its lines, and that all evidence\n"
                 "and results that are kept have the digests which the lines name. Exit status\n"
                 "0 whole, 1 changed, 2 not readable.",
        .examples = "  safelib journal verify --journal /var/lib/safelib-trustd/journal\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    return status != OPTIONS_GO_ON ? status : journal_run(&o, false, NULL);
}

static int journal_replay(int argc, char **argv)
{
    struct options o = {0};
    struct sl_err err = {0};
    struct sl_verifier verifier = {0};
    const struct sl_monitor_backend *backend = &sl_monitor_backend_product;
    const struct option_spec options[] = {
        {"journal", 'J', "FOLDER", "the journal's folder: STATE_DIR/journal", OPTION_STRING,
         &o.folder, 0, 0},
        {"refvals", 'r', "PATH", "the reference values that were in use", OPTION_STRING, &o.refvals,
         0, 0},
        {"node", 'n', "ID", "only this node's verdicts", OPTION_STRING, &o.node, 0, 0},
        {"round", 'R', "N", "only this round", OPTION_UINT, &o.round, 1, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &o.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib journal replay --journal FOLDER [--refvals PATH] [--node ID [--round N]]",
        .about = "Checks a journal and judges every verdict's stored evidence again: the result\n"
                 "must be the same, bit for bit. Exit status 0 all the same, 1 a difference or\n"
                 "nothing to replay, 2 not readable.",
        .examples = "  safelib journal replay --journal /var/lib/safelib-trustd/journal\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (sl_verifier_start(backend, o.refvals, REPLAY_SECONDS, &verifier, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    status = journal_run(&o, false, &verifier);
    sl_verifier_stop(&verifier);
    return status;
}

static int journal_show(int argc, char **argv)
{
    struct options o = {0};
    const struct option_spec options[] = {
        {"journal", 'J', "FOLDER", "the journal's folder: STATE_DIR/journal", OPTION_STRING,
         &o.folder, 0, 0},
        {"node", 'n', "ID", "only lines about this node", OPTION_STRING, &o.node, 0, 0},
        {"round", 'R', "N", "only this round", OPTION_UINT, &o.round, 1, 0},
        {"json", 'j', NULL, "as JSON", OPTION_FLAG, &o.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib journal show --journal FOLDER [--node ID [--round N]] [--json]",
        .about = "Shows a journal, one event a line. Exit status as of `safelib journal verify`.",
        .examples = "  safelib journal show --journal /var/lib/safelib-trustd/journal\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    return status != OPTIONS_GO_ON ? status : journal_run(&o, true, NULL);
}

int cmd_journal(int argc, char **argv)
{
    static const struct command commands[] = {
        {"verify", "say whether a journal was changed", journal_verify},
        {"replay", "judge its evidence again and compare", journal_replay},
        {"show", "show a journal", journal_show},
    };
    return command_dispatch("safelib journal", commands, sizeof(commands) / sizeof(commands[0]),
                            argc, argv);
}
