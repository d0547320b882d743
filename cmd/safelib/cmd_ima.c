/* SPDX-License-Identifier: Apache-2.0 */
/* safelib ima: show, replay and judge Linux measurement lists. */
#include "command.h"

#include "ima.h"

static int options_read(const char *usage, const char *about, const char *examples, int argc,
                        char **argv, struct ima_request *r)
{
    const struct option_spec options[] = {
        {"log", 'l', "FILE", "binary_runtime_measurements or ascii_runtime_measurements",
         OPTION_STRING, &r->log, 0, 0},
        {"ascii", 'a', NULL, "FILE is ASCII (found out by itself where it begins so)", OPTION_FLAG,
         &r->is_ascii, 0, 0},
        {"pcr10", 'p', "BANK:HEX", "say after which entry PCR 10 has this value", OPTION_STRING,
         &r->wanted, 0, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &r->is_json, 0, 0},
        {"policy", 'P', "FILE", "with verify: also judge by this policy of a node's class",
         OPTION_STRING, &r->policy, 0, 0},
        {"keys", 'k', "PATH",
         "with verify: check signatures by these keys (PEM or DER; a file or a folder)",
         OPTION_STRING, &r->keys, 0, 0},
        {"refvals", 'd', "DIR", "reference digests (/var/lib/safelib/refvals)", OPTION_STRING,
         &r->refvals, 0, 0},
    };
    const struct command_spec spec = {
        .usage = usage,
        .about = about,
        .examples = examples,
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first;

    return options_parse(&spec, argc, argv, &first);
}

/* Reasons go to stderr, whatever the report on stdout looks like. */
static void reasons_tell(const struct ima_reading *reading)
{
    json_t *row;
    size_t i;

    json_array_foreach(reading->bad, i, row)
    {
        (void)fprintf(stderr, "%sentry %lld%s ", tone(stderr, TONE_BAD),
                      json_integer_value(json_object_get(row, "entry")), tone(stderr, TONE_PLAIN));
        ima_text_print(stderr, json_string_value(json_object_get(row, "path")));
        (void)fprintf(stderr, "%s%s\n",
                      json_string_length(json_object_get(row, "path")) > 0 ? ": " : "",
                      json_string_value(json_object_get(row, "why")));
    }
    if (reading->tail_size > 0) {
        (void)fprintf(stderr, "%swarning%s the %zu bytes behind the last entry are no entry\n",
                      tone(stderr, TONE_WARN), tone(stderr, TONE_PLAIN), reading->tail_size);
    }
    if (reading->is_cut) {
        (void)fprintf(stderr, "%swarning%s %s: cut, or read while it grew\n",
                      tone(stderr, TONE_WARN), tone(stderr, TONE_PLAIN), reading->cut.text);
    }
}

struct shown {
    json_t *entries; /* NULL: printed as they come */
};

static void entry_visit(void *ctx, const struct sl_ima_entry *entry, bool is_hash_good)
{
    struct shown *shown = ctx;

    if (shown->entries != NULL) {
        (void)json_array_append_new(shown->entries, ima_entry_json(entry, is_hash_good));
    } else {
        ima_entry_show(entry, is_hash_good);
    }
}

static int ima_show(int argc, char **argv)
{
    struct ima_request r = {0};
    struct ima_reading reading;
    struct shown shown = {0};
    int status = options_read(
        "safelib ima show --log FILE [--ascii] [--json]",
        "Prints every entry of a measurement list: number, PCR, template, digest, path; with any\n"
        "template that the list names. Nothing is judged; exit status 2 where it cannot be read.",
        "  safelib ima show --log /sys/kernel/security/ima/binary_runtime_measurements\n", argc,
        argv, &r);

    if (status != OPTIONS_GO_ON) {
        return status;
    }
    shown.entries = r.is_json ? json_array() : NULL;
    status = ima_read(&r, &reading, entry_visit, &shown);
    if (status == OPTIONS_GO_ON) {
        reasons_tell(&reading);
        status = reading.refused > 0 ? CMD_BAD : CMD_GOOD;
        if (r.is_json) {
            status = print_json(json_pack("{s:O, s:o}", "list", shown.entries, "summary",
                                          ima_reading_json(&reading)),
                                status);
        }
    }
    json_decref(shown.entries);
    ima_done(&reading);
    return status;
}

static int report(const struct ima_request *r, struct ima_reading *reading, const json_t *subjects,
                  int status)
{
    reasons_tell(reading);
    if (r->is_json) {
        json_t *root = ima_reading_json(reading);

        if (subjects != NULL) {
            (void)json_object_set(root, "subjects", (json_t *)(uintptr_t)subjects);
        }

        (void)json_object_set_new(root, "good", json_boolean(status == CMD_GOOD));
        return print_json(root, status);
    }
    ima_reading_show(reading);
    if (subjects != NULL) {
        ima_policy_show(subjects);
    }
    return status;
}

static int ima_replay(int argc, char **argv)
{
    struct ima_request r = {0};
    struct ima_reading reading;
    int status = options_read(
        "safelib ima replay --log FILE [--ascii] [--pcr10 BANK:HEX] [--json]",
        "Computes what the PCRs hold after the list, in every bank. With --pcr10, says after\n"
        "which entry PCR 10 has a (quoted) value: a list goes on growing while a quote is made,\n"
        "so the value proves the entries up to there and none behind.\n"
        "Exit status 1 where template hashes are wrong or the value is never reached.",
        "  safelib ima replay --log ima.bin\n"
        "  safelib ima replay --log ima.bin --pcr10 sha256:$(cat pcr10.hex)\n",
        argc, argv, &r);

    if (status != OPTIONS_GO_ON) {
        return status;
    }
    status = ima_read(&r, &reading, NULL, NULL);
    if (status == OPTIONS_GO_ON) {
        const bool is_bad = reading.replay.bad_hashes > 0 || reading.refused > 0 ||
                            (reading.has_wanted && reading.reached == 0);

        status = report(&r, &reading, NULL, is_bad ? CMD_BAD : CMD_GOOD);
    }
    ima_done(&reading);
    return status;
}

static int ima_verify(int argc, char **argv)
{
    struct ima_request r = {0};
    struct ima_reading reading;
    json_t *subjects = NULL;
    bool is_allowed = true;
    int status = options_read(
        "safelib ima verify --log FILE [--ascii] [--pcr10 BANK:HEX] [--policy FILE] [--keys PATH] "
        "[--json]",
        "Judges a measurement list: every template hash, no violation (a file that was open for\n"
        "writing while it was measured), nothing cut off, and, with --pcr10, that the list leads\n"
        "to that value. A list alone proves nothing: the value must come from a quote.\n"
        "With --policy, every entry is judged as safelib-trustd would: reference digests,\n"
        "exclusions, violations, slots of containers. What booted is left out.\n"
        "With --keys, every signature in the list (ima-sig, ima-sigv2, evm-sig) must be one of\n"
        "these keys; entries without a signature are not refused for that.",
        "  safelib ima verify --log ima.bin --pcr10 sha256:$(cat pcr10.hex)\n"
        "  safelib ima verify --log ima.bin --policy nfv-host.yaml --refvals refvals\n",
        argc, argv, &r);

    if (status != OPTIONS_GO_ON) {
        return status;
    }
    status = ima_read(&r, &reading, NULL, NULL);
    if (status == OPTIONS_GO_ON) {
        const bool is_bad = reading.replay.bad_hashes > 0 || reading.refused > 0 ||
                            reading.replay.violations > 0 || reading.is_cut ||
                            reading.refused_sigs > 0 || reading.replay.entries == 0 ||
                            (reading.has_wanted && reading.reached == 0);

        if (reading.replay.entries == 0) {
            (void)complain(CMD_BAD, "the list is empty: absence of evidence is never trust");
        }
        status = r.policy != NULL ? ima_policy_judge(&r, &reading, &subjects, &is_allowed)
                                  : OPTIONS_GO_ON;
        if (status == OPTIONS_GO_ON) {
            status = report(&r, &reading, subjects, is_bad || !is_allowed ? CMD_BAD : CMD_GOOD);
        }
        json_decref(subjects);
    }
    ima_done(&reading);
    return status;
}

int cmd_ima(int argc, char **argv)
{
    static const struct command table[] = {
        {"show", "print every entry", ima_show},
        {"replay", "compute what the PCRs hold after it", ima_replay},
        {"verify", "judge it", ima_verify},
    };

    return command_dispatch("safelib ima", table, sizeof(table) / sizeof(table[0]), argc, argv);
}
