/* SPDX-License-Identifier: Apache-2.0 */
/* What TCB info and enclave identity have in common: objects read by a table of members, levels by
 * security version, and the texts of components and advisories. */
#include <stdio.h>

#include "attest/tcb_info.h"
#include "base/bytes.h"

uint32_t sl_json_read_members(struct sl_json_reader *r, const struct sl_json_member *members,
                              size_t count, void *target)
{
    struct sl_blob key;
    uint32_t seen = 0;
    sl_json_read_object(r);
    while (sl_json_read_key(r, &key)) {
        size_t i = 0;
        while (i < count && !sl_blob_is(key, members[i].name)) {
            i++;
        }
        if (i == count) {
            sl_json_read_skip(r);
            continue;
        }
        if ((seen & 1U << i) != 0) {
            sl_json_reader_fail(r, SL_MALFORMED, "comes twice");
        }
        seen |= 1U << i;
        members[i].read(r, target);
    }
    r->key = (struct sl_blob){0};
    for (size_t i = 0; i < count; i++) {
        if (!members[i].is_optional && (seen & 1U << i) == 0) {
            sl_json_reader_fail(r, SL_MALFORMED, "\"%s\" is missing in the object that ends here",
                                members[i].name);
        }
    }
    return seen;
}

void sl_level_read_date(struct sl_json_reader *r, void *verdict)
{
    ((struct sl_level_verdict *)verdict)->date_s = sl_json_read_time(r);
}

void sl_level_read_status(struct sl_json_reader *r, void *verdict)
{
    struct sl_blob text = sl_json_read_string(r);
    enum sl_tcb_status status = SL_TCB_UNKNOWN;
    for (unsigned int i = 0; i < SL_TCB_NO_MATCHING_LEVEL; i++) {
        if (sl_blob_is(text, sl_tcb_status_text((enum sl_tcb_status)i))) {
            status = (enum sl_tcb_status)i;
        }
    }
    ((struct sl_level_verdict *)verdict)->status = status;
}

void sl_level_read_advisories(struct sl_json_reader *r, void *verdict)
{
    struct sl_blob *span = &((struct sl_level_verdict *)verdict)->advisories;
    size_t start = r->off;
    sl_json_read_array(r);
    while (sl_json_read_element(r)) {
        (void)sl_json_read_string(r);
    }
    if (r->rc == SL_OK) {
        *span = (struct sl_blob){.data = r->in.data + start, .size = r->off - start};
    }
}

static void read_isv_svn(struct sl_json_reader *r, void *target)
{
    ((struct sl_isv_level *)target)->isv_svn = (uint16_t)sl_json_read_uint(r, 65535);
}

static void read_isv_tcb(struct sl_json_reader *r, void *target)
{
    static const struct sl_json_member MEMBERS[] = {{"isvsvn", read_isv_svn, false}};
    (void)sl_json_read_members(r, MEMBERS, 1, target);
}

static void read_isv_date(struct sl_json_reader *r, void *target)
{
    sl_level_read_date(r, &((struct sl_isv_level *)target)->verdict);
}

static void read_isv_status(struct sl_json_reader *r, void *target)
{
    sl_level_read_status(r, &((struct sl_isv_level *)target)->verdict);
}

static void read_isv_advisories(struct sl_json_reader *r, void *target)
{
    sl_level_read_advisories(r, &((struct sl_isv_level *)target)->verdict);
}

void sl_isv_levels_read(struct sl_json_reader *r, struct sl_isv_level *levels, size_t *ret_count)
{
    static const struct sl_json_member MEMBERS[] = {{"tcb", read_isv_tcb, false},
                                                    {"tcbDate", read_isv_date, false},
                                                    {"tcbStatus", read_isv_status, false},
                                                    {"advisoryIDs", read_isv_advisories, true}};
    size_t count = 0;
    sl_json_read_array(r);
    while (sl_json_read_element(r)) {
        if (count == SL_ISV_LEVELS_MAX) {
            sl_json_reader_fail(r, SL_RANGE, "more than %d TCB levels", SL_ISV_LEVELS_MAX);
            break;
        }
        (void)sl_json_read_members(r, MEMBERS, sizeof(MEMBERS) / sizeof(MEMBERS[0]),
                                   &levels[count]);
        count++;
    }
    *ret_count = count;
}

/* Category and type of one component, as two strings. */
static void read_name(struct sl_json_reader *r, struct sl_blob ret_names[2])
{
    struct sl_blob key;
    sl_json_read_object(r);
    while (sl_json_read_key(r, &key)) {
        if (sl_blob_is(key, "category")) {
            ret_names[0] = sl_json_read_string(r);
        } else if (sl_blob_is(key, "type")) {
            ret_names[1] = sl_json_read_string(r);
        } else {
            sl_json_read_skip(r);
        }
    }
}

void sl_tcb_component_name(struct sl_blob components, size_t index, char *out, size_t out_size)
{
    struct sl_json_reader r;
    out[0] = '\0';
    if (components.data == NULL) {
        return;
    }
    sl_json_reader_init(&r, components);
    sl_json_read_array(&r);
    for (size_t i = 0; i <= index && sl_json_read_element(&r); i++) {
        struct sl_blob names[2] = {0};
        read_name(&r, names);
        if (i == index && r.rc == SL_OK && names[0].size + names[1].size > 0) {
            (void)snprintf(out, out_size, "%.*s%s%.*s", (int)names[0].size,
                           names[0].size > 0 ? (const char *)names[0].data : "",
                           names[0].size > 0 && names[1].size > 0 ? ", " : "", (int)names[1].size,
                           names[1].size > 0 ? (const char *)names[1].data : "");
        }
    }
}

void sl_advisories_text(struct sl_blob advisories, char *out, size_t out_size)
{
    struct sl_json_reader r;
    size_t used = 0;
    out[0] = '\0';
    if (advisories.data == NULL) {
        return;
    }
    sl_json_reader_init(&r, advisories);
    sl_json_read_array(&r);
    while (sl_json_read_element(&r)) {
        struct sl_blob text = sl_json_read_string(&r);
        int size = snprintf(out + used, out_size - used, "%s%.*s", used > 0 ? ", " : "",
                            (int)text.size, text.size > 0 ? (const char *)text.data : "");
        if (size < 0 || (size_t)size >= out_size - used) {
            out[used] = '\0'; /* whole identifiers only */
            return;
        }
        used += (size_t)size;
    }
}
