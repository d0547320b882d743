/* SPDX-License-Identifier: Apache-2.0 */
/* Policies, roots and reference values loaded anew while the daemon runs. */
#include <string.h>
#include <unistd.h>

#include "trustd/api_private.h"

struct fresh {
    struct sl_material *material;
    int verifier; /* -1: none */
    char refvals[65];
};

/* Everything that can fail, before anything changes; no lock is held. */
static sl_rc fresh_load(struct sl_trustd *trustd, struct fresh *fresh, struct sl_err *err)
{
    const char *refvals = trustd->config.refvals;
    sl_rc rc = sl_material_load(trustd->backend, trustd->config.policy_dir, &fresh->material, err);
    return rc == SL_OK ? sl_verifier_renew(&trustd->verifier, refvals[0] != '\0' ? refvals : NULL,
                                           &fresh->verifier, fresh->refvals, err)
                       : rc;
}

static json_t *detail_make(const char *by, const struct fresh *fresh, const char *blob,
                           json_t *changes)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:O}", "version", SL_VERSION, "why", "reload",
                     "by", by, "refvals", fresh->refvals, "material", blob, "classes",
                     (int)fresh->material->count, "changed", changes);
}

/* The journal says it, then it is so. */
static sl_rc fresh_use(struct sl_trustd *trustd, struct fresh *fresh, const char *by,
                       json_t *changes, struct sl_err *err)
{
    char blob[SL_BLOB_NAME_SIZE];
    char text[SL_HEAD_TEXT_SIZE];
    struct sl_audit_head head;
    sl_rc rc = sl_material_keep(fresh->material, fresh->refvals, trustd->journal, blob, err);
    rc = rc == SL_OK ? sl_journal_write(trustd->journal, SL_AUDIT_CONFIG, SL_AUDIT_DONE,
                                        detail_make(by, fresh, blob, changes), err)
                     : rc;
    if (rc != SL_OK) {
        return rc;
    }
    sl_journal_head(trustd->journal, &head);
    sl_journal_head_write(&head, text);
    rc = sl_store_value_set(trustd->store, "journal_head", text, err);
    if (rc != SL_OK) {
        trustd->is_broken = true;
        return rc;
    }
    struct sl_material *old = trustd->material;
    trustd->material = fresh->material;
    fresh->material = NULL;
    sl_material_unref(old); /* calls that began with it still hold it */
    sl_verifier_replace(&trustd->verifier, fresh->verifier, fresh->refvals);
    fresh->verifier = -1;
    return SL_OK;
}

static void refusal_write(struct sl_trustd *trustd, const char *by, const struct sl_err *why)
{
    struct sl_err err = {0};
    json_t *text = json_string(why->text);
    json_t *detail = json_pack("{s:s, s:s, s:o}", "why", "reload", "by", by, "error",
                               text != NULL ? text : json_string("?"));
    if (sl_journal_write(trustd->journal, SL_AUDIT_CONFIG, SL_AUDIT_REFUSED, detail, &err) !=
        SL_OK) {
        trustd->is_broken = true;
    }
}

sl_rc sl_trustd_reload(struct sl_trustd *trustd, const char *by, json_t **ret_changes,
                       bool *ret_refvals, struct sl_err *err)
{
    struct fresh fresh = {.verifier = -1};
    (void)pthread_mutex_lock(&trustd->lock);
    if (trustd->is_reloading) {
        (void)pthread_mutex_unlock(&trustd->lock);
        return sl_err_set(err, SL_EXISTS, "another reload is under way");
    }
    trustd->is_reloading = true;
    (void)pthread_mutex_unlock(&trustd->lock);
    sl_rc rc = fresh_load(trustd, &fresh, err);
    (void)pthread_mutex_lock(&trustd->lock);
    json_t *changes =
        rc == SL_OK ? sl_material_changes(trustd->material, fresh.material) : json_array();
    *ret_refvals = rc == SL_OK && strcmp(fresh.refvals, trustd->verifier.refvals) != 0;
    if (rc == SL_OK) {
        rc = fresh_use(trustd, &fresh, by, changes, err);
        rc = rc == SL_IO ? SL_NO_SPACE : rc; /* our disk, and no file of the operator's */
        trustd->is_broken = trustd->is_broken || rc == SL_NO_SPACE;
    }
    if (rc != SL_OK) {
        refusal_write(trustd, by, err);
    }
    trustd->is_reloading = false;
    sl_material_unref(fresh.material);
    if (fresh.verifier >= 0) {
        (void)close(fresh.verifier);
    }
    (void)pthread_mutex_unlock(&trustd->lock);
    if (rc == SL_OK && ret_changes != NULL) {
        *ret_changes = changes;
    } else {
        json_decref(changes);
    }
    return rc;
}

void sl_api_reload(struct sl_call *call)
{
    struct sl_err err = {0};
    json_t *changes = NULL;
    bool is_refvals = false;
    sl_call_unlock(call);
    sl_rc rc = sl_trustd_reload(call->trustd, call->caller.name, &changes, &is_refvals, &err);
    sl_call_lock(call);
    if (rc == SL_OK) {
        sl_answer_json(
            call->answer, 200,
            json_pack("{s:o, s:b, s:i, s:s}", "changed", changes, "refvals_changed", is_refvals,
                      "classes", (int)call->trustd->material->count, "text",
                      "nodes are judged by what was loaded from their next round on; until then "
                      "their verdicts say policy_is_current: false"));
    } else if (rc == SL_CLOSED || rc == SL_NO_MEMORY || rc == SL_NO_SPACE) {
        sl_answer_rc(call, rc, NULL, &err);
    } else { /* a file that is wrong is no fault of the monitor: it goes on with the old ones */
        sl_answer_problem(call->answer, 409, rc == SL_EXISTS ? NULL : "policy_dir",
                          "nothing was changed: %s", err.text);
    }
}
