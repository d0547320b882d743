/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of a result, and the small helpers that the inspectors share. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "attest/result.h"
#include "base/bytes.h"

void sl_time_text(int64_t time_s, char out[SL_TIME_TEXT_SIZE])
{
    struct tm tm;
    time_t t = (time_t)time_s;
    if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900) {
        (void)snprintf(out, SL_TIME_TEXT_SIZE, "@%lld", (long long)time_s);
        return;
    }
    (void)strftime(out, SL_TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

json_t *sl_json_time(int64_t time_s)
{
    char text[SL_TIME_TEXT_SIZE];
    sl_time_text(time_s, text);
    return json_string(text);
}

json_t *sl_json_hex(const uint8_t *data, size_t size)
{
    char *text = malloc(2 * size + 1);
    if (text == NULL) {
        return NULL;
    }
    sl_hex_encode(data, size, text);
    json_t *json = json_stringn_nocheck(text, 2 * size);
    free(text);
    return json;
}

void sl_json_put(json_t *object, const char *key, json_t *value, sl_rc *io_rc)
{
    if (object == NULL || value == NULL || json_object_set_new_nocheck(object, key, value) != 0) {
        if (object == NULL) {
            json_decref(value);
        }
        *io_rc = SL_NO_MEMORY;
    }
}

json_t *sl_result_vector_json(const struct sl_attest_vector *vector)
{
    const struct {
        const char *name;
        int8_t value;
    } rows[] = {
        {"instance-identity", vector->instance_identity},
        {"configuration", vector->configuration},
        {"executables", vector->executables},
        {"file-system", vector->file_system},
        {"hardware", vector->hardware},
        {"runtime-opaque", vector->runtime_opaque},
        {"storage-opaque", vector->storage_opaque},
        {"sourced-data", vector->sourced_data},
    };
    sl_rc rc = SL_OK;
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].value != 0) {
            sl_json_put(json, rows[i].name, json_integer(rows[i].value), &rc);
        }
    }
    if (rc != SL_OK) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static const char *severity_text(enum sl_attest_severity severity)
{
    switch (severity) {
    case SL_ATTEST_NOTE:
        return "note";
    case SL_ATTEST_WARNING:
        return "warning";
    case SL_ATTEST_FAILURE:
        break;
    }
    return "failure";
}

static json_t *findings_json(const struct sl_findings *findings)
{
    json_t *list = json_array();
    sl_rc rc = list != NULL ? SL_OK : SL_NO_MEMORY;
    for (size_t i = 0; i < findings->count && rc == SL_OK; i++) {
        json_t *item = json_object();
        sl_json_put(item, "code", json_string(findings->list[i].code), &rc);
        sl_json_put(item, "severity", json_string(severity_text(findings->list[i].severity)), &rc);
        /* A sentence may quote outside bytes: what is not UTF-8 must not cost the whole result. */
        json_t *text = json_string(findings->list[i].text);
        sl_json_put(item, "text", text != NULL ? text : json_string("(text is not printable)"),
                    &rc);
        if (item != NULL && json_array_append_new(list, item) != 0) {
            rc = SL_NO_MEMORY;
        }
    }
    if (rc != SL_OK) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *validity_json(const struct sl_attest_result *result)
{
    sl_rc rc = SL_OK;
    json_t *json = json_object();
    sl_json_put(json, "judged_at", sl_json_time(result->time_s), &rc);
    if (result->not_before_s != INT64_MIN) {
        sl_json_put(json, "not_before", sl_json_time(result->not_before_s), &rc);
    }
    if (result->not_after_s != INT64_MAX) {
        sl_json_put(json, "not_after", sl_json_time(result->not_after_s), &rc);
    }
    if (rc != SL_OK) {
        json_decref(json);
        return NULL;
    }
    return json;
}

json_t *sl_result_to_json(const struct sl_attest_result *result)
{
    static const char *const TYPES[] = {
        [SL_ATTEST_SGX] = "sgx", [SL_ATTEST_TDX] = "tdx", [SL_ATTEST_SNP] = "snp"};
    sl_rc rc = SL_OK;
    json_t *json = json_object();
    json_t *tcb = json_copy(result->tcb);
    sl_json_put(tcb, "status", json_string(sl_tcb_status_text(result->tcb_status)), &rc);
    sl_json_put(json, "type", json_string(TYPES[result->type]), &rc);
    sl_json_put(json, "status", json_string(sl_attest_status_text(result->status)), &rc);
    sl_json_put(json, "accepted", json_boolean(sl_attest_result_is_accepted(result)), &rc);
    sl_json_put(json, "emulated", json_boolean(result->is_emulated), &rc);
    sl_json_put(json, "vector", sl_result_vector_json(&result->vector), &rc);
    sl_json_put(json, "tcb", tcb, &rc);
    sl_json_put(json, "findings", findings_json(&result->findings), &rc);
    sl_json_put(json, "findings_lost", json_integer((json_int_t)result->findings.lost), &rc);
    sl_json_put(json, "validity", validity_json(result), &rc);
    sl_json_put(json, "appraised", json_incref(result->appraised), &rc);
    sl_json_put(json, "claims", json_incref(result->claims), &rc);
    if (rc != SL_OK) {
        json_decref(json);
        return NULL;
    }
    return json;
}

sl_rc sl_attest_result_json(const struct sl_attest_result *result, char **ret_text)
{
    json_t *json = sl_result_to_json(result);
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (text == NULL) {
        return SL_NO_MEMORY;
    }
    *ret_text = text;
    return SL_OK;
}
