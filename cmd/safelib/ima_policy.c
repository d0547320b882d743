/* SPDX-License-Identifier: Apache-2.0 */
/* A measurement list judged by the policy of a node's class, with the daemon's code. */
#include <stdlib.h>

#include "command.h"
#include "ima.h"
#include "monitor/offline.h"
#include "monitor/policy_file.h"
#include "monitor/refvals.h"

static const char STORE[] = "/var/lib/safelib/refvals";

static sl_rc entries_judge(const struct ima_reading *reading, struct sl_offline *offline)
{
    const uint64_t last = reading->has_wanted ? reading->reached : reading->replay.entries;
    struct sl_ima_entry *entry = malloc(sizeof(*entry));
    struct sl_ima_log log = reading->log;
    uint64_t taken = 0;
    sl_rc rc = entry != NULL ? SL_OK : SL_NO_MEMORY;

    log.off = 0;
    log.count = 0;
    while (rc == SL_OK && taken < last) {
        rc = sl_ima_log_next(&log, entry, NULL);
        if (rc == SL_OK) {
            taken++;
            sl_offline_entry(offline, entry,
                             entry->is_violation || sl_ima_entry_is_hash_good(entry));
        } else if (log.format == SL_IMA_ASCII && rc != SL_CLOSED && rc != SL_TRUNCATED) {
            rc = SL_OK; /* told with the list */
        }
    }
    free(entry);
    return rc == SL_CLOSED || rc == SL_TRUNCATED ? SL_OK : rc;
}

static json_t *subjects_json(const struct sl_appraisal *appraisal, bool *ret_is_good)
{
    json_t *all = json_array();

    for (size_t i = 0; i < appraisal->subject_count; i++) {
        const struct sl_subject *subject = &appraisal->subjects[i];
        /* a slot that the list does not use says nothing of the list */
        const bool is_bad =
            subject->verdict != SL_VERDICT_TRUSTED &&
            (subject->kind == SL_SUBJECT_HOST || subject->verdict != SL_VERDICT_UNKNOWN);

        *ret_is_good = *ret_is_good && !is_bad;
        (void)json_array_append_new(
            all, json_pack("{s:s, s:s, s:s, s:O}", "kind", sl_subject_kind_text(subject->kind),
                           "id", subject->id, "verdict", sl_verdict_text(subject->verdict),
                           "reasons", subject->reasons));
    }
    return all;
}

int ima_policy_judge(const struct ima_request *request, const struct ima_reading *reading,
                     json_t **ret_subjects, bool *ret_is_good)
{
    struct sl_monitor_policy *policy = NULL;
    struct sl_refstore *store = NULL;
    struct sl_offline *offline = NULL;
    struct sl_appraisal appraisal = {0};
    struct sl_refvals refvals;
    struct sl_err err = {0};
    int status = OPTIONS_GO_ON;

    *ret_is_good = true;
    if (sl_monitor_policy_load(request->policy, &policy, &err) != SL_OK ||
        sl_refstore_open(request->refvals != NULL ? request->refvals : STORE, &store, &err) !=
            SL_OK) {
        status = complain_err(CMD_USAGE, &err);
        goto out;
    }
    refvals = sl_refstore_refvals(store);
    offline = sl_offline_create(policy, &refvals);
    if (offline == NULL || entries_judge(reading, offline) != SL_OK ||
        sl_offline_finish(offline, &appraisal) != SL_OK) {
        status = complain(CMD_USAGE, "out of memory");
        goto out;
    }
    *ret_subjects = subjects_json(&appraisal, ret_is_good);
out:
    sl_appraisal_done(&appraisal);
    sl_offline_free(offline);
    sl_refstore_close(store);
    sl_monitor_policy_free(policy);
    return status;
}

void ima_policy_show(const json_t *subjects)
{
    size_t i, j;
    json_t *subject, *reason;

    json_array_foreach(subjects, i, subject)
    {
        (void)printf("%s %s: %s\n", json_string_value(json_object_get(subject, "kind")),
                     json_string_value(json_object_get(subject, "id")),
                     json_string_value(json_object_get(subject, "verdict")));
        json_array_foreach(json_object_get(subject, "reasons"), j, reason)
        {
            const char *remedy = json_string_value(json_object_get(reason, "remedy"));

            (void)printf("  %s: %s\n", json_string_value(json_object_get(reason, "code")),
                         json_string_value(json_object_get(reason, "text")));
            if (remedy != NULL) {
                (void)printf("    %s\n", remedy);
            }
        }
    }
}
