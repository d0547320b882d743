/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a measurement list to its end: entries, replay, containers, and what is wrong. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files/files.h"
#include "ima.h"
#include "monitor/policy.h"
#include "safelib/bytes.h"

enum { LOG_MAX = 1 << 30, PCR_IMA = 10 };

static const uint16_t BANKS[] = {SL_TPM_ALG_SHA1, SL_TPM_ALG_SHA256, SL_TPM_ALG_SHA384,
                                 SL_TPM_ALG_SHA512};
enum { BANK_COUNT = sizeof(BANKS) / sizeof(BANKS[0]) };

static int wanted_read(const char *text, struct ima_reading *reading)
{
    const char *colon = text != NULL ? strchr(text, ':') : NULL;
    const struct sl_tpm_hash *hash =
        colon != NULL ? sl_tpm_hash_by_name(text, (size_t)(colon - text)) : NULL;

    if (text == NULL) {
        return OPTIONS_GO_ON;
    }
    for (size_t i = 0; hash != NULL && i < BANK_COUNT; i++) {
        if (BANKS[i] == hash->alg && strlen(colon + 1) == 2 * hash->size &&
            sl_hex_decode(colon + 1, reading->wanted, hash->size) == SL_OK) {
            reading->has_wanted = true;
            reading->wanted_alg = hash->alg;
            return OPTIONS_GO_ON;
        }
    }
    return complain(CMD_USAGE, "--pcr10 %s: expected BANK:HEX, such as sha256: and 64 hex digits",
                    text);
}

static void count_add(json_t *object, const char *key)
{
    const json_int_t count = json_integer_value(json_object_get(object, key));

    (void)json_object_set_new(object, key, json_integer(count + 1));
}

/* Whose entry it is, where the template says so: by control group, or by root filesystem. */
static const struct sl_ima_value *container_of(const struct sl_ima_entry *entry)
{
    static const enum sl_ima_field_id FIELDS[] = {SL_IMA_CG_PATH, SL_IMA_CGN, SL_IMA_DEV_ID};

    for (size_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++) {
        const struct sl_ima_value *value = sl_ima_entry_value(entry, FIELDS[i]);

        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}

static void container_count(struct ima_reading *reading, const struct sl_ima_entry *entry,
                            bool is_hash_good)
{
    const struct sl_ima_value *value = container_of(entry);
    json_t *container, *text;
    char name[256];

    if (value == NULL) {
        return;
    }
    text = ima_text_json(value->data, value->size);
    (void)snprintf(name, sizeof(name), "%s", json_string_value(text));
    json_decref(text);
    container = json_object_get(reading->containers, name);
    if (container == NULL && json_object_size(reading->containers) < IMA_CONTAINERS_MAX) {
        container = json_pack("{s:s}", "by", sl_ima_field_name(value->id));
        if (json_object_set_new(reading->containers, name, container) != 0) {
            return;
        }
    }
    if (container != NULL) {
        count_add(container, "entries");
        if (!is_hash_good) {
            count_add(container, "bad_hashes");
        }
        if (entry->is_violation) {
            count_add(container, "violations");
        }
    }
}

static void bad_add(struct ima_reading *reading, uint64_t number, const char *path, const char *why)
{
    if (json_array_size(reading->bad) < IMA_BAD_MAX) {
        (void)json_array_append_new(
            reading->bad, json_pack("{s:I, s:o, s:s}", "entry", (json_int_t)number, "path",
                                    ima_text_json(path, strlen(path)), "why", why));
    }
}

static void wanted_look(struct ima_reading *reading)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(reading->wanted_alg);
    const uint8_t *own, *padded;

    if (!reading->has_wanted || reading->reached != 0) {
        return;
    }
    own = sl_ima_replay_pcr(&reading->replay, reading->wanted_alg, PCR_IMA);
    padded = sl_ima_replay_pcr(&reading->padded, reading->wanted_alg, PCR_IMA);
    if (memcmp(own, reading->wanted, hash->size) == 0) {
        reading->reached = reading->replay.entries;
    } else if (memcmp(padded, reading->wanted, hash->size) == 0) {
        reading->reached = reading->replay.entries;
        reading->is_reached_padded = true;
    }
}

static void signature_take(struct ima_reading *reading, const struct sl_ima_entry *entry)
{
    struct sl_err why = {0};

    if (reading->keyring == NULL || entry->is_violation) {
        return;
    }
    switch (sl_ima_sig_check(reading->keyring, entry, &why)) {
    case SL_IMA_SIG_GOOD:
        reading->good_sigs++;
        break;
    case SL_IMA_SIG_BAD:
    case SL_IMA_SIG_UNKNOWN:
        reading->refused_sigs++;
        bad_add(reading, entry->number, entry->path, why.text);
        break;
    case SL_IMA_SIG_NONE:
        break;
    }
}

static int keys_read(const char *path, struct ima_reading *reading)
{
    struct sl_err err = {0};
    uint8_t *pem = NULL;
    size_t size = 0;
    sl_rc rc;

    if (path == NULL) {
        return OPTIONS_GO_ON;
    }
    rc = sl_monitor_keys_read(path, &pem, &size, &err);
    rc = rc == SL_OK ? sl_ima_keyring_create((struct sl_blob){pem, size}, &reading->keyring, &err)
                     : rc;
    free(pem);
    return rc == SL_OK ? OPTIONS_GO_ON : complain_err(CMD_USAGE, &err);
}

static sl_rc entry_take(struct ima_reading *reading, const struct sl_ima_entry *entry,
                        bool *ret_is_good)
{
    sl_rc rc = sl_ima_replay_add(&reading->replay, entry, ret_is_good);

    if (rc == SL_OK) {
        rc = sl_ima_replay_add(&reading->padded, entry, NULL);
    }
    if (rc != SL_OK) {
        return rc;
    }
    count_add(reading->templates, entry->template.name);
    container_count(reading, entry, *ret_is_good);
    if (entry->is_violation) {
        bad_add(reading, entry->number, entry->path,
                "violation: the file was open for writing while it was measured");
    } else if (!*ret_is_good) {
        bad_add(reading, entry->number, entry->path,
                "the template hash is not that of the entry: somebody changed one of them");
    }
    signature_take(reading, entry);
    wanted_look(reading);
    return SL_OK;
}

static int entries_read(const char *path, struct ima_reading *reading, struct sl_ima_entry *entry,
                        ima_visit visit, void *ctx)
{
    struct sl_err err = {0};
    sl_rc rc;

    while ((rc = sl_ima_log_next(&reading->log, entry, &err)) != SL_CLOSED) {
        bool is_good = false;

        if (rc == SL_OK) {
            if (entry_take(reading, entry, &is_good) != SL_OK) {
                return complain(CMD_USAGE, "entry %llu cannot be hashed",
                                (unsigned long long)entry->number);
            }
            if (visit != NULL) {
                visit(ctx, entry, is_good);
            }
        } else if (reading->log.format == SL_IMA_ASCII) {
            reading->refused++;
            bad_add(reading, entry->number, "", err.text);
        } else if (rc == SL_TRUNCATED && reading->replay.entries > 0) {
            /* a list that grew while it was read, or was cut: its whole entries count. What names
             * no template yet is no entry, so nothing is missing that could be judged */
            const size_t head_size = 4 + reading->log.template_hash_size + 4;
            const size_t left = reading->log.size - reading->log.off;

            reading->is_cut = left >= head_size;
            reading->tail_size = left < head_size ? left : 0;
            reading->cut = err;
            return OPTIONS_GO_ON;
        } else {
            return complain(CMD_USAGE, "%s: %s", path, err.text);
        }
    }
    if (reading->refused > 0 && reading->replay.entries == 0) {
        return complain(CMD_USAGE, "%s: no line is an entry of a measurement list: %s", path,
                        err.text);
    }
    return OPTIONS_GO_ON;
}

/* "10 <hash> ..." or " 9 <hash> ...": nothing binary begins so. */
static bool looks_ascii(const uint8_t *data, size_t size)
{
    return size > 2 && ((data[0] >= '0' && data[0] <= '9') || data[0] == ' ') &&
           (data[1] == ' ' || (data[1] >= '0' && data[1] <= '9'));
}

int ima_read(const struct ima_request *request, struct ima_reading *reading, ima_visit visit,
             void *ctx)
{
    struct sl_ima_entry *entry = malloc(sizeof(*entry));
    struct sl_err err = {0};
    size_t size = 0;
    int status;

    memset(reading, 0, sizeof(*reading));
    reading->templates = json_object();
    reading->containers = json_object();
    reading->bad = json_array();
    status = request->log == NULL ? complain(CMD_USAGE, "--log FILE is needed (--help says more)")
                                  : wanted_read(request->wanted, reading);
    status = status == OPTIONS_GO_ON ? keys_read(request->keys, reading) : status;
    if (status != OPTIONS_GO_ON) {
        free(entry);
        return status;
    }
    if (sl_file_read(request->log, LOG_MAX, &reading->data, &size, &err) != SL_OK) {
        status = complain_err(CMD_USAGE, &err);
    } else if (sl_ima_log_init(&reading->log, (struct sl_blob){reading->data, size},
                               request->is_ascii || looks_ascii(reading->data, size)
                                   ? SL_IMA_ASCII
                                   : SL_IMA_BINARY,
                               &err) != SL_OK) {
        status = complain(CMD_USAGE, "%s: not a measurement list: %s", request->log, err.text);
    } else if (entry == NULL ||
               sl_ima_replay_init(&reading->replay, BANKS, BANK_COUNT, SL_IMA_EXTEND_HASH) !=
                   SL_OK ||
               sl_ima_replay_init(&reading->padded, BANKS, BANK_COUNT, SL_IMA_EXTEND_PADDED) !=
                   SL_OK) {
        status = complain(CMD_USAGE, "out of memory");
    } else {
        status = entries_read(request->log, reading, entry, visit, ctx);
    }
    free(entry);
    return status;
}

void ima_done(struct ima_reading *reading)
{
    sl_ima_log_done(&reading->log);
    json_decref(reading->templates);
    json_decref(reading->containers);
    json_decref(reading->bad);
    sl_ima_keyring_free(reading->keyring);
    free(reading->data);
}
