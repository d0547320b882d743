/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's parts, opened in the order in which nothing can be told before it is safe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/walk.h"
#include "base/secret.h"
#include "trustd/api.h"
#include "trustd/ear.h"

/* Verdicts that the journal has and the store has not: nobody was told. */
struct untold {
    uint64_t after;
    json_t *lines; /**< {"seq", "node", "round"} */
};

static void untold_note(void *ctx, const char *file, uint64_t number, const json_t *root)
{
    struct untold *untold = ctx;
    const json_t *detail = json_object_get(root, "detail");
    const char *event = json_string_value(json_object_get(root, "event"));
    json_int_t seq = json_integer_value(json_object_get(root, "seq"));
    if ((uint64_t)seq > untold->after && event != NULL && strcmp(event, "verdict") == 0) {
        (void)json_array_append_new(untold->lines,
                                    json_pack("{s:I, s:O, s:O}", "seq", seq, "node",
                                              json_object_get(detail, "node"), "round",
                                              json_object_get(detail, "round")));
    }
}

static sl_rc untold_find(const char *folder, struct untold *untold, struct sl_err *err)
{
    char **paths;
    size_t count;
    struct sl_audit_walk walk = {.ctx = untold, .on_line = untold_note};
    sl_rc rc = sl_journal_files(folder, &paths, &count, err);
    if (rc != SL_OK) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        const char *suffix = strstr(paths[i], "journal.log.");
        bool is_before = suffix != NULL && strtoull(suffix + 12, NULL, 10) <= untold->after;
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

/* Which policies, roots and reference values judge from here on: all bytes of the first two are
 * among the blobs. */
static sl_rc material_journal(struct sl_trustd *trustd, const struct sl_material *material,
                              const char *refvals, const char *why, const char *by,
                              struct sl_err *err)
{
    char name[SL_BLOB_NAME_SIZE];
    sl_rc rc = sl_material_keep(material, refvals, trustd->journal, name, err);
    return rc != SL_OK
               ? rc
               : sl_journal_write(trustd->journal, SL_AUDIT_CONFIG, SL_AUDIT_DONE,
                                  json_pack("{s:s, s:s, s:s?, s:s, s:s, s:i}", "version",
                                            SL_VERSION, "why", why, "by", by, "refvals", refvals,
                                            "material", name, "classes", (int)material->count),
                                  err);
}

/* Brings the store's memory of the journal up to its end, and voids what was never told. */
static sl_rc journal_settle(struct sl_trustd *trustd, const char *folder, uint64_t after,
                            struct sl_err *err)
{
    struct untold untold = {.after = after, .lines = json_array()};
    struct sl_audit_head head;
    char text[SL_HEAD_TEXT_SIZE];
    size_t i;
    json_t *line;
    sl_rc rc = untold_find(folder, &untold, err);
    json_array_foreach(untold.lines, i, line)
    {
        rc = rc == SL_OK ? sl_journal_write(trustd->journal, SL_AUDIT_VERDICT_VOID, SL_AUDIT_LOST,
                                            json_incref(line), err)
                         : rc;
    }
    json_decref(untold.lines);
    rc = rc == SL_OK ? material_journal(trustd, trustd->material, trustd->verifier.refvals, "start",
                                        NULL, err)
                     : rc;
    sl_journal_head(trustd->journal, &head);
    sl_journal_head_write(&head, text);
    return rc == SL_OK ? sl_store_value_set(trustd->store, "journal_head", text, err) : rc;
}

static sl_rc journal_start(struct sl_trustd *trustd, struct sl_err *err)
{
    char folder[SL_TRUSTD_PATH_SIZE + 16];
    char text[SL_HEAD_TEXT_SIZE];
    struct sl_audit_head known = {0};
    (void)snprintf(folder, sizeof(folder), "%s/journal", trustd->config.state_dir);
    sl_rc rc = sl_store_value_get(trustd->store, "journal_head", text, sizeof(text));
    bool is_known = rc == SL_OK;
    rc = rc == SL_OK ? sl_journal_head_read(text, &known) : rc == SL_NOT_FOUND ? SL_OK : rc;
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "database: the journal's head cannot be read");
    }
    rc = sl_journal_open(folder, is_known ? &known : NULL, trustd->config.journal_bytes_max,
                         &trustd->journal, err);
    return rc == SL_OK ? journal_settle(trustd, folder, known.seq, err) : rc;
}

sl_rc sl_trustd_open(const struct sl_trustd_config *config,
                     const struct sl_monitor_backend *backend, struct sl_trustd *ret_trustd,
                     struct sl_err *err)
{
    char path[SL_TRUSTD_PATH_SIZE + 16];
    struct sl_trustd *trustd = ret_trustd;
    struct stat st;
    *trustd = (struct sl_trustd){.config = *config, .backend = backend};
    trustd->rate.per_minute = 2 * config->rate_per_minute; /* a round is two requests */
    (void)pthread_mutex_init(&trustd->lock, NULL);
    if (mkdir(config->state_dir, 0700) != 0 && errno != EEXIST) {
        return sl_err_set(err, SL_IO, "state_dir: %s: %s", config->state_dir, strerror(errno));
    }
    if (access(config->state_dir, W_OK | X_OK) != 0 || stat(config->state_dir, &st) != 0 ||
        !S_ISDIR(st.st_mode)) {
        return sl_err_set(err, SL_IO, "state_dir: %s: expected a folder that can be written to",
                          config->state_dir);
    }
    sl_rc rc = sl_verifier_start(backend, config->refvals[0] != '\0' ? config->refvals : NULL,
                                 config->verifier_seconds, &trustd->verifier, err);
    rc = rc == SL_OK ? sl_material_load(backend, config->policy_dir, &trustd->material, err) : rc;
    (void)snprintf(path, sizeof(path), "%s/trustd.db", config->state_dir);
    rc = rc == SL_OK ? sl_store_open(path, &trustd->store, err) : rc;
    rc = rc == SL_OK ? journal_start(trustd, err) : rc;
    rc = rc == SL_OK ? sl_ear_key_load(config->state_dir, &trustd->ear_key, err) : rc;
    if (rc != SL_OK) {
        sl_trustd_close(trustd);
    }
    return rc;
}

void sl_trustd_close(struct sl_trustd *trustd)
{
    sl_verifier_stop(&trustd->verifier);
    sl_journal_close(trustd->journal);
    sl_store_close(trustd->store);
    sl_rate_done(&trustd->rate);
    sl_material_unref(trustd->material);
    if (trustd->ear_key != NULL) {
        sl_wipe(trustd->ear_key, strlen(trustd->ear_key));
        free(trustd->ear_key);
    }
    (void)pthread_mutex_destroy(&trustd->lock);
    memset(trustd, 0, sizeof(*trustd));
}
