/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of an appraisal, told. */
#include "findings_show.h"

#include "command.h"

static const char *const WORDS[] = {
    [SL_ATTEST_NOTE] = "note",
    [SL_ATTEST_WARNING] = "warning",
    [SL_ATTEST_FAILURE] = "refused",
};
static const enum tone TONES[] = {
    [SL_ATTEST_NOTE] = TONE_FAINT,
    [SL_ATTEST_WARNING] = TONE_WARN,
    [SL_ATTEST_FAILURE] = TONE_BAD,
};

void findings_show(const struct sl_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct sl_attest_finding *f = &findings->list[i];

        (void)fprintf(stderr, "%s%s%s [%s] %s\n", tone(stderr, TONES[f->severity]),
                      WORDS[f->severity], tone(stderr, TONE_PLAIN), f->code, f->text);
    }
    if (findings->lost > 0) {
        (void)fprintf(stderr, "and %zu more\n", findings->lost);
    }
}

json_t *findings_json(const struct sl_findings *findings)
{
    json_t *list = json_array();

    for (size_t i = 0; i < findings->count; i++) {
        const struct sl_attest_finding *f = &findings->list[i];

        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "code", f->code, "severity",
                                                    WORDS[f->severity], "text", f->text));
    }
    return list;
}
