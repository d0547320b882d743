/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of Intel's TCB info. Members may come in any order, so what a version demands is checked
 * once all are read. */
#include "attest/tcb_info.h"

#include <stdio.h>

#include "base/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- one level ------------------------------------------------------------------------------ */

static void read_component_svn(struct sl_json_reader *r, void *target)
{
    *(uint8_t *)target = (uint8_t)sl_json_read_uint(r, 255);
}

/* Version 3: an array of 16 objects. */
static void read_components(struct sl_json_reader *r, uint8_t svns[SL_TCB_COMPONENTS],
                            struct sl_blob *ret_span)
{
    static const struct sl_json_member MEMBERS[] = {{"svn", read_component_svn, false}};
    size_t count = 0;
    size_t start = r->off;
    sl_json_read_array(r);
    while (sl_json_read_element(r)) {
        if (count == SL_TCB_COMPONENTS) {
            count++;
            break;
        }
        (void)sl_json_read_members(r, MEMBERS, COUNT(MEMBERS), &svns[count]);
        count++;
    }
    if (count != SL_TCB_COMPONENTS) {
        sl_json_reader_fail(r, SL_MALFORMED, "16 TCB components are expected");
    }
    *ret_span = (struct sl_blob){.data = r->in.data + start, .size = r->off - start};
}

enum { LEVEL_SGX = 1U << 16, LEVEL_TDX = 1U << 17, LEVEL_PCE_SVN = 1U << 18 };

/* Versions 1 and 2 name each component ("sgxtcbcomp07svn"): its index, or SL_TCB_COMPONENTS. */
static size_t component_of(struct sl_blob key)
{
    /* forbidden: waived, the name of a member */
    if (key.size != 15 || memcmp(key.data, "sgxtcbcomp", 10) != 0 ||
        memcmp(key.data + 12, "svn", 3) != 0 || key.data[10] < '0' || key.data[10] > '1' ||
        key.data[11] < '0' || key.data[11] > '9') {
        return SL_TCB_COMPONENTS;
    }
    size_t number = (size_t)(key.data[10] - '0') * 10 + (size_t)(key.data[11] - '0');
    return number >= 1 && number <= SL_TCB_COMPONENTS ? number - 1 : SL_TCB_COMPONENTS;
}

static void read_level_tcb(struct sl_json_reader *r, void *target)
{
    struct sl_tcb_level *level = target;
    struct sl_blob key;
    uint32_t seen = 0;
    sl_json_read_object(r);
    while (sl_json_read_key(r, &key)) {
        uint32_t bit = 0;
        size_t component = component_of(key);
        if (component < SL_TCB_COMPONENTS) {
            bit = 1U << component;
        } else if (sl_blob_is(key, "sgxtcbcomponents")) {
            bit = LEVEL_SGX | 0xffff;
        } else if (sl_blob_is(key, "tdxtcbcomponents")) {
            bit = LEVEL_TDX;
        } else if (sl_blob_is(key, "pcesvn")) {
            bit = LEVEL_PCE_SVN;
        }
        if ((seen & bit) != 0) {
            sl_json_reader_fail(r, SL_MALFORMED, "comes twice");
        }
        seen |= bit;
        if (component < SL_TCB_COMPONENTS) {
            level->sgx[component] = (uint8_t)sl_json_read_uint(r, 255);
        } else if (bit == LEVEL_TDX) {
            read_components(r, level->tdx, &level->tdx_span);
            level->has_tdx = true;
        } else if (bit == LEVEL_PCE_SVN) {
            level->pce_svn = (uint16_t)sl_json_read_uint(r, 65535);
        } else if (bit != 0) {
            read_components(r, level->sgx, &level->sgx_span);
        } else {
            sl_json_read_skip(r);
        }
    }
    r->key = (struct sl_blob){0};
    if ((seen & 0xffff) != 0xffff || (seen & LEVEL_PCE_SVN) == 0) {
        sl_json_reader_fail(r, SL_MALFORMED,
                            "the \"tcb\" that ends here lacks components or \"pcesvn\"");
    }
}

static void read_level_date(struct sl_json_reader *r, void *target)
{
    sl_level_read_date(r, &((struct sl_tcb_level *)target)->verdict);
}

static void read_level_status(struct sl_json_reader *r, void *target)
{
    sl_level_read_status(r, &((struct sl_tcb_level *)target)->verdict);
}

static void read_level_advisories(struct sl_json_reader *r, void *target)
{
    sl_level_read_advisories(r, &((struct sl_tcb_level *)target)->verdict);
}

/* -- the whole object ----------------------------------------------------------------------- */

/* What is read, and what the end needs to know of it. */
struct reading {
    struct sl_tcb_info *info;
    bool has_v1_status; /* some level says "status", as version 1 did */
    bool has_v2_status; /* some level says "tcbStatus" */
    bool lacks_date;    /* some level has no "tcbDate" */
    bool has_id;
    bool has_v1_or_2_tcb; /* some level names its components one by one */
};

static void read_id(struct sl_json_reader *r, void *target)
{
    struct reading *reading = target;
    struct sl_blob id = sl_json_read_string(r);
    reading->has_id = true;
    reading->info->is_tdx = sl_blob_is(id, "TDX");
    if (r->rc == SL_OK && !reading->info->is_tdx && !sl_blob_is(id, "SGX")) {
        sl_json_reader_fail(r, SL_UNSUPPORTED, "\"SGX\" or \"TDX\" is expected");
    }
}

static void read_version(struct sl_json_reader *r, void *target)
{
    ((struct reading *)target)->info->version = sl_json_read_uint(r, UINT32_MAX);
}

static void read_issue(struct sl_json_reader *r, void *target)
{
    ((struct reading *)target)->info->issue_s = sl_json_read_time(r);
}

static void read_next_update(struct sl_json_reader *r, void *target)
{
    ((struct reading *)target)->info->next_update_s = sl_json_read_time(r);
}

static void read_fmspc(struct sl_json_reader *r, void *target)
{
    struct sl_tcb_info *info = ((struct reading *)target)->info;
    sl_json_read_hex(r, info->fmspc, sizeof(info->fmspc));
}

static void read_pce_id(struct sl_json_reader *r, void *target)
{
    struct sl_tcb_info *info = ((struct reading *)target)->info;
    sl_json_read_hex(r, info->pce_id, sizeof(info->pce_id));
}

static void read_tcb_type(struct sl_json_reader *r, void *target)
{
    ((struct reading *)target)->info->tcb_type = sl_json_read_uint(r, UINT32_MAX);
}

static void read_evaluation(struct sl_json_reader *r, void *target)
{
    ((struct reading *)target)->info->evaluation = sl_json_read_uint(r, UINT32_MAX);
}

static void read_levels(struct sl_json_reader *r, void *target)
{
    static const struct sl_json_member MEMBERS[] = {{"tcb", read_level_tcb, false},
                                                    {"tcbDate", read_level_date, true},
                                                    {"tcbStatus", read_level_status, true},
                                                    {"status", read_level_status, true},
                                                    {"advisoryIDs", read_level_advisories, true}};
    struct reading *reading = target;
    struct sl_tcb_info *info = reading->info;
    sl_json_read_array(r);
    while (sl_json_read_element(r)) {
        if (info->level_count == SL_TCB_LEVELS_MAX) {
            sl_json_reader_fail(r, SL_RANGE, "more than %d TCB levels", SL_TCB_LEVELS_MAX);
            return;
        }
        struct sl_tcb_level *level = &info->levels[info->level_count++];
        uint32_t seen = sl_json_read_members(r, MEMBERS, COUNT(MEMBERS), level);
        bool has_v2_status = (seen & 4U) != 0;
        if (has_v2_status == ((seen & 8U) != 0)) {
            sl_json_reader_fail(r, SL_MALFORMED, "a level needs one \"tcbStatus\"");
        }
        reading->lacks_date = reading->lacks_date || (seen & 2U) == 0;
        reading->has_v1_status = reading->has_v1_status || !has_v2_status;
        reading->has_v2_status = reading->has_v2_status || has_v2_status;
        reading->has_v1_or_2_tcb = reading->has_v1_or_2_tcb || level->sgx_span.data == NULL;
    }
}

static void read_module_mrsigner(struct sl_json_reader *r, void *target)
{
    struct sl_tdx_module *module = target;
    sl_json_read_hex(r, module->mrsigner, sizeof(module->mrsigner));
}

static void read_module_attributes(struct sl_json_reader *r, void *target)
{
    struct sl_tdx_module *module = target;
    sl_json_read_hex(r, module->attributes, sizeof(module->attributes));
}

static void read_module_mask(struct sl_json_reader *r, void *target)
{
    struct sl_tdx_module *module = target;
    sl_json_read_hex(r, module->attributes_mask, sizeof(module->attributes_mask));
}

static void read_module_id(struct sl_json_reader *r, void *target)
{
    struct sl_tdx_module *module = target;
    struct sl_blob id = sl_json_read_string(r);
    if (r->rc == SL_OK && (id.size == 0 || id.size >= sizeof(module->id))) {
        sl_json_reader_fail(r, SL_MALFORMED, "an id such as \"TDX_03\" is expected");
        return;
    }
    (void)snprintf(module->id, sizeof(module->id), "%.*s", (int)id.size,
                   id.size > 0 ? (const char *)id.data : "");
}

static void read_module_levels(struct sl_json_reader *r, void *target)
{
    struct sl_tdx_module *module = target;
    sl_isv_levels_read(r, module->levels, &module->level_count);
}

static void read_tdx_module(struct sl_json_reader *r, void *target)
{
    static const struct sl_json_member MEMBERS[] = {
        {"mrsigner", read_module_mrsigner, false},
        {"attributes", read_module_attributes, false},
        {"attributesMask", read_module_mask, false},
    };
    struct sl_tcb_info *info = ((struct reading *)target)->info;
    info->has_tdx_module = true;
    (void)sl_json_read_members(r, MEMBERS, COUNT(MEMBERS), &info->tdx_module);
}

static void read_modules(struct sl_json_reader *r, void *target)
{
    static const struct sl_json_member MEMBERS[] = {
        {"id", read_module_id, false},
        {"mrsigner", read_module_mrsigner, false},
        {"attributes", read_module_attributes, false},
        {"attributesMask", read_module_mask, false},
        {"tcbLevels", read_module_levels, false},
    };
    struct sl_tcb_info *info = ((struct reading *)target)->info;
    sl_json_read_array(r);
    while (sl_json_read_element(r)) {
        if (info->module_count == SL_TDX_MODULES_MAX) {
            sl_json_reader_fail(r, SL_RANGE, "more than %d TDX modules", SL_TDX_MODULES_MAX);
            return;
        }
        (void)sl_json_read_members(r, MEMBERS, COUNT(MEMBERS), &info->modules[info->module_count]);
        info->module_count++;
    }
}

enum {
    SEEN_PCE_ID = 1U << 4,
    SEEN_TCB_TYPE = 1U << 5,
    SEEN_EVALUATION = 1U << 6,
};

static void check_tdx(struct sl_json_reader *r, const struct sl_tcb_info *info)
{
    bool has_all = info->version == 3 && info->has_tdx_module;
    for (size_t i = 0; i < info->level_count; i++) {
        has_all = has_all && info->levels[i].has_tdx;
    }
    if (!has_all) {
        sl_json_reader_fail(r, SL_MALFORMED,
                            "TCB info of TDX needs version 3, \"tdxModule\" and each level "
                            "\"tdxtcbcomponents\"");
    }
}

static void check_version(struct sl_json_reader *r, const struct reading *reading, uint32_t seen)
{
    const struct sl_tcb_info *info = reading->info;
    if (info->version < 1 || info->version > 3) {
        sl_json_reader_fail(r, SL_UNSUPPORTED, "version is %u, supported are 2 and 3",
                            info->version);
        return;
    }
    if (reading->has_v1_status != (info->version == 1) && info->level_count > 0) {
        sl_json_reader_fail(r, SL_MALFORMED, "a level of version %u needs \"%s\"", info->version,
                            info->version == 1 ? "status" : "tcbStatus");
    }
    if (info->version == 1) {
        return;
    }
    const uint32_t needed = SEEN_PCE_ID | SEEN_TCB_TYPE | SEEN_EVALUATION;
    if ((seen & needed) != needed || reading->lacks_date) {
        sl_json_reader_fail(r, SL_MALFORMED,
                            "version %u needs \"pceId\", \"tcbType\", \"tcbEvaluationDataNumber\" "
                            "and each level a \"tcbDate\"",
                            info->version);
    }
    if (info->version == 3 && (!reading->has_id || reading->has_v1_or_2_tcb)) {
        sl_json_reader_fail(r, SL_MALFORMED,
                            "version 3 needs \"id\" and each level \"sgxtcbcomponents\"");
    }
    if (info->is_tdx) {
        check_tdx(r, info);
    }
}

sl_rc sl_tcb_info_read(struct sl_blob in, struct sl_tcb_info *ret_info,
                       char ret_why[SL_JSON_WHY_SIZE])
{
    static const struct sl_json_member MEMBERS[] = {
        {"version", read_version, false},
        {"issueDate", read_issue, false},
        {"nextUpdate", read_next_update, false},
        {"fmspc", read_fmspc, false},
        {"pceId", read_pce_id, true},
        {"tcbType", read_tcb_type, true},
        {"tcbEvaluationDataNumber", read_evaluation, true},
        {"tcbLevels", read_levels, false},
        {"id", read_id, true},
        {"tdxModule", read_tdx_module, true},
        {"tdxModuleIdentities", read_modules, true},
    };
    struct sl_json_reader r;
    struct reading reading = {.info = ret_info};
    memset(ret_info, 0, sizeof(*ret_info));
    sl_json_reader_init(&r, in);
    uint32_t seen = sl_json_read_members(&r, MEMBERS, COUNT(MEMBERS), &reading);
    sl_json_read_end(&r);
    if (r.rc == SL_OK) {
        check_version(&r, &reading, seen);
    }
    (void)snprintf(ret_why, SL_JSON_WHY_SIZE, "%s", r.why);
    return r.rc;
}
