/* SPDX-License-Identifier: Apache-2.0 */
/* safelib bootlog: shows and replays TCG boot event logs. */
#include <stdlib.h>
#include <string.h>

#include "attest/tcg_event.h"
#include "command.h"
#include "files/files.h"
#include "safelib/bytes.h"

enum { LOG_MAX = 64 << 20 };

struct request {
    const char *log;
    bool is_json;
};

/* A log read through once. */
struct reading {
    uint8_t *data;
    struct sl_blob blob;
    const char *path;
    struct sl_tcg_log log;
    json_t *events;  /* NULL: printed as they come */
    json_t *reasons; /* what does not fit */
    bool is_printed;
};

static json_t *digests_json(const struct sl_tcg_event *event)
{
    json_t *digests = json_object();

    for (size_t i = 0; i < event->digest_count; i++) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(event->digests[i].alg);
        char hex[2 * SL_TPM_DIGEST_MAX + 1], name[16];

        (void)snprintf(name, sizeof(name), "%04x", event->digests[i].alg);
        sl_hex_encode(event->digests[i].data, event->digests[i].size, hex);
        (void)json_object_set_new(digests, hash != NULL ? hash->name : name, json_string(hex));
    }
    return digests;
}

static void event_tell(struct reading *reading, const struct sl_tcg_event *event)
{
    char text[SL_TCG_TEXT_MAX];

    sl_tcg_event_text(event, text);
    if (reading->events != NULL) {
        (void)json_array_append_new(
            reading->events,
            json_pack("{s:I, s:I, s:s, s:I, s:o, s:I, s:s}", "event", (json_int_t)event->number,
                      "pcr", (json_int_t)event->mr, "type", sl_tcg_event_name(event->type),
                      "type_number", (json_int_t)event->type, "digests", digests_json(event),
                      "size", (json_int_t)event->size, "text", text));
    } else if (reading->is_printed) {
        printf("%4llu  PCR %-2u  %-34s %s\n", (unsigned long long)event->number, event->mr,
               sl_tcg_event_name(event->type), text);
    }
}

static int events_read(struct reading *reading)
{
    struct sl_tcg_event event;
    struct sl_err err = {0};
    sl_rc rc;

    while ((rc = sl_tcg_log_next(&reading->log, &event, &err)) == SL_OK) {
        bool is_promised;

        event_tell(reading, &event);
        if (sl_tcg_event_digest_check(&event, &is_promised) == SL_MISMATCH) {
            (void)json_array_append_new(
                reading->reasons,
                json_sprintf("event %llu: %s's digest is not that of its data",
                             (unsigned long long)event.number, sl_tcg_event_name(event.type)));
        }
    }
    return rc == SL_NOT_FOUND ? OPTIONS_GO_ON
                              : complain(CMD_USAGE, "%s: %s", reading->path, err.text);
}

static int log_read(const struct request *r, struct reading *reading)
{
    struct sl_err err = {0};
    size_t size = 0;

    if (r->log == NULL) {
        return complain(CMD_USAGE, "--log FILE is needed (--help says more)");
    }
    if (sl_file_read(r->log, LOG_MAX, &reading->data, &size, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    reading->blob = (struct sl_blob){reading->data, size};
    reading->path = r->log;
    if (sl_tcg_log_init(&reading->log, reading->blob, &err) != SL_OK) {
        return complain(CMD_USAGE, "%s: %s", r->log, err.text);
    }
    return events_read(reading);
}

static void reasons_tell(const struct reading *reading)
{
    json_t *reason;
    size_t i;

    json_array_foreach(reading->reasons, i, reason)
    {
        (void)fprintf(stderr, "%swarning%s %s\n", tone(stderr, TONE_WARN), tone(stderr, TONE_PLAIN),
                      json_string_value(reason));
    }
}

/* {"sha256": {"0": "hex"}} of every bank that the log has and that can be computed */
static int banks_replay(const struct reading *reading, json_t *banks)
{
    struct sl_tcg_replay *replay = malloc(sizeof(*replay));
    struct sl_err err = {0};

    if (replay == NULL) {
        return complain(CMD_USAGE, "out of memory");
    }
    for (size_t i = 0; i < reading->log.algorithm_count; i++) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(reading->log.algorithms[i].alg);
        json_t *bank = json_object();
        sl_rc rc;

        if (hash == NULL || hash->openssl == NULL) {
            json_decref(bank);
            continue;
        }
        rc = sl_tcg_log_replay(reading->blob, hash, replay, &err);
        if (rc != SL_OK) { /* an event without this bank's digest: the others may have it */
            json_decref(bank);
            (void)json_array_append_new(reading->reasons,
                                        json_sprintf("bank %s: %s", hash->name, err.text));
            continue;
        }
        for (int pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            char hex[2 * SL_TPM_DIGEST_MAX + 1], name[4];

            if (replay->event_count[pcr] > 0) {
                (void)snprintf(name, sizeof(name), "%d", pcr);
                sl_hex_encode(replay->mr[pcr], hash->size, hex);
                (void)json_object_set_new(bank, name, json_string(hex));
            }
        }
        (void)json_object_set_new(banks, hash->name, bank);
    }
    free(replay);
    return OPTIONS_GO_ON;
}

static void banks_show(json_t *banks)
{
    const char *bank, *pcr;
    json_t *values, *value;

    json_object_foreach(banks, bank, values)
    {
        json_object_foreach(values, pcr, value)
        {
            printf("PCR %-2s %-7s %s\n", pcr, bank, json_string_value(value));
        }
    }
}

static int options_read(const char *usage, const char *about, const char *examples, int argc,
                        char **argv, struct request *r)
{
    const struct option_spec options[] = {
        {"log", 'l', "FILE", "binary_bios_measurements, or a CCEL", OPTION_STRING, &r->log, 0, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &r->is_json, 0, 0},
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

static int finish(struct reading *reading, json_t *banks, int status)
{
    free(reading->data);
    json_decref(reading->events);
    json_decref(reading->reasons);
    json_decref(banks);
    return status;
}

static int bootlog_show(int argc, char **argv)
{
    struct request r = {0};
    struct reading reading = {.reasons = json_array()};
    int status = options_read(
        "safelib bootlog show --log FILE [--json]",
        "Prints every event of a boot log (TCG2 crypto-agile, SHA-1, or CCEL): PCR, type, and "
        "what\n"
        "its data says. An event whose digest should be that of its data, and is not, is a "
        "warning.",
        "  safelib bootlog show --log /sys/kernel/security/tpm0/binary_bios_measurements\n", argc,
        argv, &r);

    if (status == OPTIONS_GO_ON) {
        reading.events = r.is_json ? json_array() : NULL;
        reading.is_printed = true;
        status = log_read(&r, &reading);
    } else {
        return finish(&reading, NULL, status);
    }
    if (status == OPTIONS_GO_ON) {
        reasons_tell(&reading);
        status = CMD_GOOD;
        if (r.is_json) {
            status = print_json(
                json_pack("{s:O, s:O}", "events", reading.events, "warnings", reading.reasons),
                CMD_GOOD);
        }
    }
    return finish(&reading, NULL, status);
}

static int bootlog_replay(int argc, char **argv)
{
    struct request r = {0};
    struct reading reading = {.reasons = json_array()};
    json_t *banks = json_object();
    int status = options_read(
        "safelib bootlog replay --log FILE [--json]",
        "Computes what the PCRs held after boot, in every bank of the log. Compare with a quote:\n"
        "a log alone proves nothing. Exit status 1 where no bank can be replayed.",
        "  safelib bootlog replay --log binary_bios_measurements --json\n", argc, argv, &r);

    status = status == OPTIONS_GO_ON ? log_read(&r, &reading) : status;
    if (status != OPTIONS_GO_ON) {
        return finish(&reading, banks, status);
    }
    status = banks_replay(&reading, banks);
    if (status == OPTIONS_GO_ON) {
        reasons_tell(&reading);
        status = json_object_size(banks) > 0 ? CMD_GOOD : CMD_BAD;
        if (r.is_json) {
            status =
                print_json(json_pack("{s:I, s:O, s:O}", "events", (json_int_t)reading.log.number,
                                     "pcrs", banks, "warnings", reading.reasons),
                           CMD_GOOD);
        } else {
            banks_show(banks);
        }
    }
    return finish(&reading, banks, status);
}

int cmd_bootlog(int argc, char **argv)
{
    static const struct command table[] = {
        {"show", "print every event", bootlog_show},
        {"replay", "compute what the PCRs held after boot", bootlog_replay},
    };

    return command_dispatch("safelib bootlog", table, sizeof(table) / sizeof(table[0]), argc, argv);
}
