/* SPDX-License-Identifier: Apache-2.0 */
/* TCB levels: which one the platform, the TDX module and the quoting enclave reach, what that makes
 * together, and what would have to be done about it.
 *
 * PCS API version 4, "Get SGX/TDX TCB Info": the levels are sorted; the first whose components are
 * all reached is the platform's. */
#include <stdarg.h>
#include <stdio.h>

#include "attest/intel.h"
#include "base/bytes.h"

static bool is_tdx(const struct sl_intel *v)
{
    return v->quote.tee == SL_QUOTE_TEE_TDX;
}

/* "from index 0 to 15 if TEE TCB SVN at index 1 is set to 0, or from index 2 to 15 if [it] is set
 * to a value greater than 0": the module is judged on its own then. */
static size_t first_tdx_component(const struct sl_intel *v)
{
    return v->quote.body.td.tee_tcb_svn[1] > 0 ? 2 : 0;
}

static bool is_reached(const struct sl_intel *v, const struct sl_tcb_level *level)
{
    for (size_t i = 0; i < SL_TCB_COMPONENTS; i++) {
        if (v->pck.components[i] < level->sgx[i]) {
            return false;
        }
    }
    if (v->pck.pce_svn < level->pce_svn) {
        return false;
    }
    for (size_t i = is_tdx(v) ? first_tdx_component(v) : SL_TCB_COMPONENTS; i < SL_TCB_COMPONENTS;
         i++) {
        if (v->quote.body.td.tee_tcb_svn[i] < level->tdx[i]) {
            return false;
        }
    }
    return true;
}

/* -- explanations --------------------------------------------------------------------------- */

struct text {
    char data[320];
    size_t used;
    size_t items;
    const char *advice;
    char date[SL_TIME_TEXT_SIZE]; /* of the level that is compared with */
};

static void text_add(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void date_text(int64_t time_s, char out[SL_TIME_TEXT_SIZE])
{
    sl_time_text(time_s, out);
    out[10] = '\0'; /* the day is enough */
}

static void text_add(struct text *text, const char *format, ...)
{
    enum { ITEMS_MAX = 4 };
    char item[128];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(item, sizeof(item), format, args);
    va_end(args);
    text->items++;
    int size = snprintf(text->data + text->used, sizeof(text->data) - text->used, "%s%s",
                        text->used > 0 ? "; " : "", text->items > ITEMS_MAX ? "and more" : item);
    if (size < 0 || (size_t)size >= sizeof(text->data) - text->used ||
        text->items > ITEMS_MAX + 1) {
        text->data[text->used] = '\0';
        return;
    }
    text->used += (size_t)size;
}

static const char *advice_for(const char *name, bool is_tdx_component)
{
    if (strstr(name, "icrocode") != NULL || (name[0] == '\0' && !is_tdx_component)) {
        return "update microcode (BIOS or operating system)";
    }
    if (strstr(name, "TDX Module") != NULL || strstr(name, "SEAM") != NULL || is_tdx_component) {
        return "update the TDX module and its loader";
    }
    return strstr(name, "BIOS") != NULL ? "update the BIOS" : "update BIOS and microcode";
}

static void explain_component(struct text *text, const char *kind, size_t index, unsigned int found,
                              unsigned int needed, struct sl_blob span)
{
    char name[64];
    bool is_tdx_component = kind[0] == 'T' && kind[1] == 'D';
    sl_tcb_component_name(span, index, name, sizeof(name));
    text_add(text, "%s component %zu%s%s%s is %u, level of %s needs %u", kind, index + 1,
             name[0] != '\0' ? " (" : "", name, name[0] != '\0' ? ")" : "", found, text->date,
             needed);
    if (text->advice == NULL) {
        text->advice = advice_for(name, is_tdx_component);
    }
}

/* What keeps the platform from @p level. */
static void explain_gap(const struct sl_intel *v, const struct sl_tcb_level *level,
                        struct text *text)
{
    date_text(level->verdict.date_s, text->date);
    for (size_t i = 0; i < SL_TCB_COMPONENTS; i++) {
        if (v->pck.components[i] < level->sgx[i]) {
            explain_component(text, "TCB", i, v->pck.components[i], level->sgx[i], level->sgx_span);
        }
    }
    for (size_t i = is_tdx(v) ? first_tdx_component(v) : SL_TCB_COMPONENTS; i < SL_TCB_COMPONENTS;
         i++) {
        if (v->quote.body.td.tee_tcb_svn[i] < level->tdx[i]) {
            explain_component(text, "TDX TCB", i, v->quote.body.td.tee_tcb_svn[i], level->tdx[i],
                              level->tdx_span);
        }
    }
    if (v->pck.pce_svn < level->pce_svn) {
        text_add(text, "PCESVN is %u, level of %s needs %u", v->pck.pce_svn, text->date,
                 level->pce_svn);
        if (text->advice == NULL) {
            text->advice = "update the SGX platform software (PCE)";
        }
    }
}

/* The level to aim at: the first that is better than the one reached. */
static const struct sl_tcb_level *goal_of(const struct sl_intel *v)
{
    for (size_t i = 0; i < v->info.level_count; i++) {
        if (v->info.levels[i].verdict.status == SL_TCB_UP_TO_DATE) {
            return &v->info.levels[i];
        }
    }
    return v->info.level_count > 0 ? &v->info.levels[0] : NULL;
}

static void explain_no_level(struct sl_intel *v)
{
    struct text text = {.used = 0};
    if (v->info.level_count > 0) {
        explain_gap(v, &v->info.levels[v->info.level_count - 1], &text);
    }
    sl_finding_add(v->findings, SL_CHECK_TCB_NO_LEVEL,
                   "no TCB level of tcb_info fits this platform (which is not the same as out of "
                   "date); it misses the lowest, because %s: %s",
                   text.used > 0 ? text.data : "there is none",
                   text.advice != NULL ? text.advice : "fetch tcb_info again");
}

static enum sl_attest_severity severity_of(const struct sl_intel *v, enum sl_tcb_status status)
{
    if (status == SL_TCB_UP_TO_DATE) {
        return SL_ATTEST_NOTE;
    }
    /* Whatever the policy says, these are never accepted. */
    if (status == SL_TCB_REVOKED || status == SL_TCB_NO_MATCHING_LEVEL ||
        status >= SL_TCB_UNKNOWN) {
        return SL_ATTEST_FAILURE;
    }
    return (v->input->policy->tcb_accepted & 1U << status) != 0 ? SL_ATTEST_WARNING
                                                                : SL_ATTEST_FAILURE;
}

/* What to do where the components are reached and the level itself is not good enough. */
static const char *advice_for_status(enum sl_tcb_status status)
{
    switch (status) {
    case SL_TCB_SW_HARDENING_NEEDED:
        return "build the enclave with the mitigations of these advisories, then accept the status";
    case SL_TCB_CONFIGURATION_NEEDED:
    case SL_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
        return "change the BIOS settings that these advisories name";
    case SL_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
        return "change the BIOS settings and build the enclave with the mitigations that these "
               "advisories name, then accept the status";
    default:
        return "update the platform";
    }
}

static const char *advice_of(const struct sl_intel *v, enum sl_tcb_status status,
                             const struct text *gap)
{
    if (gap->used == 0 && sl_intel_is_relaunch_enough(v)) {
        return "the new TDX module is loaded already: launch the TD again";
    }
    if (gap->used == 0 && status != v->platform_status) {
        return "update the part that is named beside this"; /* by explain_parts() */
    }
    if (gap->advice != NULL && (status == SL_TCB_OUT_OF_DATE || status == SL_TCB_REVOKED)) {
        return gap->advice;
    }
    return advice_for_status(status);
}

static void explain_status(struct sl_intel *v, enum sl_tcb_status status)
{
    struct text text = {.used = 0};
    char level_date[SL_TIME_TEXT_SIZE];
    char advisories[160];
    const struct sl_tcb_level *goal = goal_of(v);
    if (status == SL_TCB_UP_TO_DATE || v->level == NULL || goal == NULL) {
        return;
    }
    explain_gap(v, goal, &text);
    date_text(v->level->verdict.date_s, level_date);
    sl_advisories_text(v->level->verdict.advisories, advisories, sizeof(advisories));
    bool is_by_part = status != v->platform_status;
    sl_finding_add_as(v->findings, severity_of(v, status),
                      status == SL_TCB_REVOKED ? SL_CHECK_TCB_REVOKED : SL_CHECK_TCB_STATUS,
                      "the platform is %s%s%s by its level of %s (%s)%s%s: %s",
                      sl_tcb_status_text(status), is_by_part ? ", its parts counted, and " : "",
                      is_by_part ? sl_tcb_status_text(v->platform_status) : "", level_date,
                      advisories[0] != '\0' ? advisories : "no advisories",
                      text.used > 0 ? "; " : "", text.data, advice_of(v, status, &text));
}

/* -- verdicts ------------------------------------------------------------------------------- */

static void judge_platform(struct sl_intel *v)
{
    for (size_t i = 0; i < v->info.level_count && v->level == NULL; i++) {
        if (is_reached(v, &v->info.levels[i])) {
            v->level = &v->info.levels[i];
        }
    }
    v->platform_status = v->level != NULL ? v->level->verdict.status : SL_TCB_NO_MATCHING_LEVEL;
    if (v->level == NULL) {
        explain_no_level(v);
    }
}

static void judge_qe(struct sl_intel *v)
{
    const struct sl_qe_identity *identity = &v->qe_identity;
    uint16_t svn = v->quote.qe_report.isv_svn;
    for (size_t i = 0; i < identity->level_count && v->qe_level == NULL; i++) {
        if (svn >= identity->levels[i].isv_svn) {
            v->qe_level = &identity->levels[i];
        }
    }
    v->qe_status = v->qe_level != NULL ? v->qe_level->verdict.status : SL_TCB_NO_MATCHING_LEVEL;
}

/* A part whose status lowers the whole is told by itself. */
static void explain_part(struct sl_intel *v, enum sl_attest_check check, const char *what,
                         unsigned int svn, enum sl_tcb_status status,
                         const struct sl_isv_level *level, unsigned int newest_svn,
                         enum sl_tcb_status whole)
{
    char advisories[160];
    if (status == SL_TCB_UP_TO_DATE) {
        return;
    }
    sl_advisories_text(level != NULL ? level->verdict.advisories : (struct sl_blob){0}, advisories,
                       sizeof(advisories));
    sl_finding_add_as(v->findings, severity_of(v, whole), check,
                      "the %s has SVN %u, which is %s%s%s; the current one is %u: update the %s",
                      what, svn, sl_tcb_status_text(status), advisories[0] != '\0' ? ", " : "",
                      advisories, newest_svn, what);
}

static enum sl_tcb_status combine(struct sl_intel *v)
{
    enum sl_tcb_status whole = v->platform_status;
    if (is_tdx(v)) {
        whole = sl_intel_converge(whole, v->module_status);
    }
    return sl_intel_converge(whole, v->qe_status);
}

static void explain_parts(struct sl_intel *v, enum sl_tcb_status whole)
{
    const struct sl_qe_identity *identity = &v->qe_identity;
    if (v->has_qe_identity) {
        explain_part(v, SL_CHECK_QE_TCB, "quoting enclave", v->quote.qe_report.isv_svn,
                     v->qe_status, v->qe_level,
                     identity->level_count > 0 ? identity->levels[0].isv_svn : 0, whole);
    }
    if (v->module_level != NULL) {
        const struct sl_isv_level *level = v->module_level;
        unsigned int newest = level->isv_svn;
        for (size_t i = 0; i < v->info.module_count; i++) {
            const struct sl_tdx_module *module = &v->info.modules[i];
            if (level >= module->levels && level < module->levels + module->level_count) {
                newest = module->levels[0].isv_svn;
            }
        }
        explain_part(v, SL_CHECK_TDX_MODULE, "TDX module", v->quote.body.td.tee_tcb_svn[0],
                     v->module_status, level, newest, whole);
    }
}

static json_t *advisories_json(const struct sl_intel *v)
{
    const struct sl_blob lists[] = {
        v->level != NULL ? v->level->verdict.advisories : (struct sl_blob){0},
        v->module_level != NULL ? v->module_level->verdict.advisories : (struct sl_blob){0},
        v->qe_level != NULL ? v->qe_level->verdict.advisories : (struct sl_blob){0},
    };
    json_t *array = json_array();
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && array != NULL; i++) {
        struct sl_json_reader r;
        if (lists[i].data == NULL) {
            continue;
        }
        sl_json_reader_init(&r, lists[i]);
        sl_json_read_array(&r);
        while (sl_json_read_element(&r)) {
            struct sl_blob text = sl_json_read_string(&r);
            (void)json_array_append_new(array, json_stringn((const char *)text.data, text.size));
        }
    }
    return array;
}

static sl_rc describe(struct sl_intel *v)
{
    sl_rc rc = SL_OK;
    json_t *tcb = v->result->tcb;
    sl_json_put(tcb, "platform", json_string(sl_tcb_status_text(v->platform_status)), &rc);
    sl_json_put(tcb, "quoting_enclave", json_string(sl_tcb_status_text(v->qe_status)), &rc);
    if (is_tdx(v)) {
        sl_json_put(tcb, "tdx_module", json_string(sl_tcb_status_text(v->module_status)), &rc);
    }
    if (v->has_info) {
        sl_json_put(tcb, "evaluation", json_integer(v->info.evaluation), &rc);
    }
    if (v->level != NULL) {
        sl_json_put(tcb, "date", sl_json_time(v->level->verdict.date_s), &rc);
    }
    sl_json_put(tcb, "advisories", advisories_json(v), &rc);
    if (v->has_pck) {
        sl_json_put(v->result->appraised, "pck", sl_pck_to_json(&v->pck), &rc);
    }
    return rc;
}

sl_rc sl_intel_check_tcb(struct sl_intel *v)
{
    if (v->has_qe_identity) {
        judge_qe(v);
    }
    /* Levels of the wrong kind say nothing about this platform: a finding has told. */
    bool is_judged = v->has_info && v->has_pck && v->info.is_tdx == is_tdx(v);
    if (is_judged) {
        judge_platform(v);
        if (is_tdx(v)) {
            sl_intel_check_module(v);
        }
    }
    enum sl_tcb_status whole = is_judged && v->has_qe_identity ? combine(v) : SL_TCB_UNKNOWN;
    explain_parts(v, whole);
    if (is_judged) {
        explain_status(v, whole == SL_TCB_UNKNOWN ? v->platform_status : whole);
    }
    /* A status nobody knows must refuse even where no other finding does. */
    if (severity_of(v, whole) == SL_ATTEST_FAILURE && v->findings->failure_count == 0) {
        sl_finding_add(v->findings, SL_CHECK_TCB_STATUS, "the platform's TCB status is %s",
                       sl_tcb_status_text(whole));
    }
    v->result->tcb_status = whole;
    return describe(v);
}
