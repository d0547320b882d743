/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts, subjects, reasons: what every driver hands back. */
#include "monitor/driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REASON_TEXT_MAX = 512, REASONS_MAX = 64 };

const char *sl_verdict_text(enum sl_verdict verdict)
{
    switch (verdict) {
    case SL_VERDICT_UNTRUSTED:
        return "untrusted";
    case SL_VERDICT_DEGRADED:
        return "degraded";
    case SL_VERDICT_TRUSTED:
        return "trusted";
    case SL_VERDICT_UNKNOWN:
    default:
        return "unknown";
    }
}

const char *sl_subject_kind_text(enum sl_subject_kind kind)
{
    switch (kind) {
    case SL_SUBJECT_HOST:
        return "host";
    case SL_SUBJECT_CONTAINER:
        return "container";
    case SL_SUBJECT_TEE:
    default:
        return "tee";
    }
}

void sl_appraisal_done(struct sl_appraisal *appraisal)
{
    for (size_t i = 0; i < appraisal->subject_count; i++) {
        json_decref(appraisal->subjects[i].reasons);
    }
    free(appraisal->subjects);
    free(appraisal->state);
    memset(appraisal, 0, sizeof(*appraisal));
}

struct sl_subject *sl_appraisal_subject(struct sl_appraisal *appraisal, enum sl_subject_kind kind,
                                        const char *id)
{
    struct sl_subject *subject;

    if (appraisal->subject_count >= SL_SUBJECTS_MAX || strlen(id) >= SL_SUBJECT_ID_MAX) {
        return NULL;
    }
    if (appraisal->subjects == NULL) {
        /* all of them at once: who holds a subject may add another; written only when used */
        appraisal->subjects = malloc(SL_SUBJECTS_MAX * sizeof(*appraisal->subjects));
    }
    if (appraisal->subjects == NULL) {
        return NULL;
    }
    subject = &appraisal->subjects[appraisal->subject_count];
    memset(subject, 0, sizeof(*subject));
    subject->reasons = json_array();
    if (subject->reasons == NULL) {
        return NULL;
    }
    subject->kind = kind;
    subject->verdict = SL_VERDICT_TRUSTED;
    (void)snprintf(subject->id, sizeof(subject->id), "%s", id);
    appraisal->subject_count++;
    return subject;
}

/* What the node wrote into a path or a name need not be UTF-8, and JSON must be. */
static void text_clean(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e) {
            *text = '?';
        }
    }
}

void sl_subject_reason(struct sl_subject *subject, enum sl_verdict verdict, const char *code,
                       json_t *details, const char *format, ...)
{
    json_t *reason = details != NULL ? details : json_object();
    char text[REASON_TEXT_MAX];
    va_list args;

    if (verdict < subject->verdict) {
        subject->verdict = verdict;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text_clean(text);
    if (json_array_size(subject->reasons) >= REASONS_MAX ||
        json_object_set_new(reason, "code", json_string(code)) != 0 ||
        json_object_set_new(reason, "text", json_string(text)) != 0 ||
        json_object_set_new(reason, "verdict", json_string(sl_verdict_text(verdict))) != 0) {
        json_decref(reason); /* the verdict is lowered all the same */
        return;
    }
    (void)json_array_append_new(subject->reasons, reason);
}
