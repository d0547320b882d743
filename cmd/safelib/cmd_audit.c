/* SPDX-License-Identifier: Apache-2.0 */
/* safelib audit: was a gateway's audit log changed, and what does it say? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/walk.h"
#include "base/bytes.h"
#include "command.h"
#include "control/image_log.h"

struct report {
    bool is_json;
    bool is_quiet;   /**< verify: lines are not shown */
    json_t *faults;  /**< array */
    json_t *records; /**< array, for show --json */
    /* the chain of the image's own records, as they stand in this log */
    char instance[64];
    uint64_t image_seq;
    uint8_t image_hash[SL_IMAGE_LOG_HASH_SIZE];
    uint64_t image_records, image_faults;
    bool is_image_whole;
};

static void on_fault(void *ctx, const char *file, uint64_t number, enum sl_audit_fault fault,
                     const char *text)
{
    struct report *report = ctx;
    (void)json_array_append_new(
        report->faults, json_pack("{s:s, s:I, s:s, s:s}", "file", file, "line", (json_int_t)number,
                                  "fault", sl_audit_fault_name(fault), "text", text));
    if (!report->is_json) {
        printf("%s%s:%llu: %s%s: %s\n", tone(stdout, TONE_BAD), file, (unsigned long long)number,
               sl_audit_fault_name(fault), tone(stdout, TONE_PLAIN), text);
    }
}

/* ---- the image's records ---- */

/* What the gateway wrote down in words must be what the image's bytes say. */
static bool is_told_right(const json_t *detail, const struct sl_image_record *record)
{
    const char *event = json_string_value(json_object_get(detail, "event"));
    const char *text = json_string_value(json_object_get(detail, "text"));
    return event != NULL && strcmp(event, sl_image_event_word(record->event)) == 0 &&
           text != NULL && strcmp(text, record->text) == 0 &&
           (uint64_t)json_integer_value(json_object_get(detail, "number")) == record->number;
}

static void image_take(struct report *report, const char *file, uint64_t number,
                       const json_t *detail)
{
    uint8_t bytes[SL_IMAGE_LOG_RECORD_MAX];
    struct sl_reader r;
    struct sl_image_record record;
    const char *hex = json_string_value(json_object_get(detail, "record"));
    size_t size = hex != NULL ? strlen(hex) / 2 : 0;
    bool is_good = size > 0 && size <= sizeof(bytes) && sl_hex_decode(hex, bytes, size) == SL_OK;
    if (is_good) {
        sl_reader_init(&r, bytes, size);
        is_good = sl_image_record_read(&r, &record) == SL_OK && is_told_right(detail, &record);
    }
    report->image_records++;
    if (!is_good) {
        report->image_faults++;
        on_fault(report, file, number, SL_AUDIT_BROKEN, "the image's record and its words differ");
        return;
    }
    if (record.seq == 1) { /* a new run of an image */
        memset(report->image_hash, 0, sizeof(report->image_hash));
        report->is_image_whole = true;
    } else if (record.seq != report->image_seq + 1) {
        report->is_image_whole = false;
    }
    report->image_seq = record.seq;
    if (report->is_image_whole &&
        sl_image_record_hash(report->image_hash, bytes, size, report->image_hash) != SL_OK) {
        report->is_image_whole = false;
    }
}

/* ---- showing ---- */

static void line_show(const json_t *root)
{
    const char *outcome = json_string_value(json_object_get(root, "outcome"));
    const json_t *detail = json_object_get(root, "detail");
    char *text = json_dumps(detail, JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    enum tone how = strcmp(outcome, "ok") == 0        ? TONE_PLAIN
                    : strcmp(outcome, "refused") == 0 ? TONE_BAD
                                                      : TONE_WARN;
    printf("%6lld  %.23sZ  %-10s %s%-8s%s %s\n",
           (long long)json_integer_value(json_object_get(root, "seq")),
           json_string_value(json_object_get(root, "time")),
           json_string_value(json_object_get(root, "event")), tone(stdout, how), outcome,
           tone(stdout, TONE_PLAIN), text != NULL ? text : "");
    free(text);
}

/* Names may hold anything where a log was edited: control characters stay out of the terminal. */
static bool is_printable(const json_t *root)
{
    static const char *const names[] = {"time", "event", "outcome"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *text = json_string_value(json_object_get(root, names[i]));
        for (; text != NULL && *text != '\0'; text++) {
            if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e) {
                return false;
            }
        }
    }
    return true;
}

static void on_line(void *ctx, const char *file, uint64_t number, const json_t *root)
{
    struct report *report = ctx;
    const char *event = json_string_value(json_object_get(root, "event"));
    if (strcmp(event, "image") == 0) {
        image_take(report, file, number, json_object_get(root, "detail"));
    }
    if (report->is_quiet) {
        return;
    }
    if (report->is_json) {
        json_t *copy = json_deep_copy(root);
        (void)json_array_append_new(report->records, copy);
    } else if (is_printable(root)) {
        line_show(root);
    }
}

/* ---- walking ---- */

static int files_walk(struct sl_audit_walk *walk, char **files, int count)
{
    struct sl_err err = {0};
    for (int i = 0; i < count; i++) {
        FILE *file = fopen(files[i], "rbe");
        if (file == NULL) {
            return complain(CMD_USAGE, "%s: %s", files[i], strerror(errno));
        }
        sl_rc rc = sl_audit_walk_file(walk, file, files[i], &err);
        (void)fclose(file);
        if (rc != SL_OK) {
            return complain_err(CMD_USAGE, &err);
        }
    }
    sl_audit_walk_end(walk, files[count - 1]);
    return CMD_GOOD;
}

/* "SEQ:HASH", as status shows it. */
static bool head_parse(const char *text, struct sl_audit_head *ret_head)
{
    char *end = NULL;
    errno = 0;
    ret_head->seq = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == ':' && ret_head->seq > 0 &&
           strlen(end + 1) == 2ul * SL_AUDIT_HASH_SIZE &&
           sl_hex_decode(end + 1, ret_head->hash, SL_AUDIT_HASH_SIZE) == SL_OK;
}

static json_t *walk_json(const struct sl_audit_walk *walk, struct report *report)
{
    char hex[2 * SL_AUDIT_HASH_SIZE + 1];
    sl_hex_encode(walk->head.hash, SL_AUDIT_HASH_SIZE, hex);
    json_t *root = json_pack(
        "{s:b, s:I, s:I, s:I, s:s, s:I, s:I, s:O}", "ok", walk->faults + report->image_faults == 0,
        "lines", (json_int_t)walk->lines, "first_seq", (json_int_t)walk->start.seq + 1, "seq",
        (json_int_t)walk->head.seq, "sha256", hex, "torn_bytes", (json_int_t)walk->torn_size,
        "image_records", (json_int_t)report->image_records, "faults", report->faults);
    if (root != NULL && !report->is_quiet) {
        (void)json_object_set(root, "records", report->records);
    }
    return root;
}

static void walk_print(const struct sl_audit_walk *walk, const struct report *report)
{
    char hex[2 * SL_AUDIT_HASH_SIZE + 1];
    bool is_good = walk->faults + report->image_faults == 0;
    sl_hex_encode(walk->head.hash, SL_AUDIT_HASH_SIZE, hex);
    printf("%s%s%s: %llu lines, %llu of them the image's own; head %llu:%s\n",
           tone(stdout, is_good ? TONE_GOOD : TONE_BAD), is_good ? "whole" : "CHANGED",
           tone(stdout, TONE_PLAIN), (unsigned long long)walk->lines,
           (unsigned long long)report->image_records, (unsigned long long)walk->head.seq, hex);
    if (walk->start.seq > 0) {
        printf("note: begins after seq %llu: give the file before it, too, to check all\n",
               (unsigned long long)walk->start.seq);
    }
    if (walk->torn_size > 0) {
        printf("note: the last line was not written whole (%llu bytes): a crash, or it is being "
               "written\n",
               (unsigned long long)walk->torn_size);
    }
    if (walk->known == NULL) {
        printf("note: whether its end was cut off, only a head remembered elsewhere can tell "
               "(--head)\n");
    }
}

static int run(char **files, int count, const struct sl_audit_head *known, struct report *report)
{
    struct sl_audit_walk walk = {
        .known = known, .ctx = report, .on_line = on_line, .on_fault = on_fault};
    report->faults = json_array();
    report->records = json_array();
    int status = files_walk(&walk, files, count);
    if (status == CMD_GOOD) {
        status = walk.faults + report->image_faults == 0 ? CMD_GOOD : CMD_BAD;
        if (report->is_json) {
            status = print_json(walk_json(&walk, report), status);
        } else if (report->is_quiet || status != CMD_GOOD) {
            walk_print(&walk, report);
        }
    }
    json_decref(report->faults);
    json_decref(report->records);
    return status;
}

static int audit_verify(int argc, char **argv)
{
    struct report report = {.is_quiet = true};
    struct sl_audit_head known;
    const char *head = NULL;
    const struct option_spec options[] = {
        {"head", 'H', "SEQ:HASH", "a head of this log that was remembered elsewhere", OPTION_STRING,
         &head, 0, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &report.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib audit verify [--head SEQ:HASH] FILE...",
        .about =
            "Checks the chain of a gateway's audit log: lines that were edited, removed, moved or\n"
            "added are named, and with --head also an end that was cut off and a log that was\n"
            "written anew. Rotated files go before the one that continues them. Exit status 0\n"
            "whole, 1 changed, 2 not readable.",
        .examples = "  safelib audit verify /var/lib/safelib/audit.log\n"
                    "  safelib audit verify --head 812:9f... audit.log.000000000700 audit.log\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = -1,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (head != NULL && !head_parse(head, &known)) {
        return complain(CMD_USAGE,
                        "audit verify: --head %s: expected SEQ:HASH, a number and 64 "
                        "hex digits, as `safelib status` shows them",
                        head);
    }
    return run(argv + first, argc - first, head != NULL ? &known : NULL, &report);
}

static int audit_show(int argc, char **argv)
{
    struct report report = {0};
    const struct option_spec options[] = {
        {"json", 'j', NULL, "as JSON", OPTION_FLAG, &report.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib audit show FILE...",
        .about =
            "Shows an audit log, one event a line; what does not hold is said in between, and\n"
            "at the end. Exit status as of `safelib audit verify`.",
        .examples = "  safelib audit show /var/lib/safelib/audit.log\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = -1,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    return status != OPTIONS_GO_ON ? status : run(argv + first, argc - first, NULL, &report);
}

int cmd_audit(int argc, char **argv)
{
    static const struct command commands[] = {
        {"verify", "say whether an audit log was changed", audit_verify},
        {"show", "show an audit log", audit_show},
    };
    return command_dispatch("safelib audit", commands, sizeof(commands) / sizeof(commands[0]), argc,
                            argv);
}
