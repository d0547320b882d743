/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of Intel's enclave identity (of the quoting enclaves).
 *
 * PCS API version 4, "Get SGX/TDX QE Identity" */
#include <stdio.h>

#include "attest/tcb_info.h"
#include "base/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void read_id(struct sl_json_reader *r, void *target)
{
    struct sl_qe_identity *identity = target;
    struct sl_blob id = sl_json_read_string(r);
    if (sl_blob_is(id, "QE")) {
        identity->id = SL_QE_SGX;
    } else if (sl_blob_is(id, "TD_QE")) {
        identity->id = SL_QE_TDX;
    } else if (sl_blob_is(id, "QVE")) {
        identity->id = SL_QE_QVE;
    } else {
        sl_json_reader_fail(r, SL_UNSUPPORTED, "\"QE\" or \"TD_QE\" is expected");
    }
}

static void read_version(struct sl_json_reader *r, void *target)
{
    uint32_t version = sl_json_read_uint(r, UINT32_MAX);
    if (r->rc == SL_OK && version != 2) {
        sl_json_reader_fail(r, SL_UNSUPPORTED, "version is %u, supported is 2", version);
    }
}

static void read_issue(struct sl_json_reader *r, void *target)
{
    ((struct sl_qe_identity *)target)->issue_s = sl_json_read_time(r);
}

static void read_next_update(struct sl_json_reader *r, void *target)
{
    ((struct sl_qe_identity *)target)->next_update_s = sl_json_read_time(r);
}

static void read_evaluation(struct sl_json_reader *r, void *target)
{
    ((struct sl_qe_identity *)target)->evaluation = sl_json_read_uint(r, UINT32_MAX);
}

static void read_misc(struct sl_json_reader *r, void *target)
{
    sl_json_read_hex(r, ((struct sl_qe_identity *)target)->misc_select, 4);
}

static void read_misc_mask(struct sl_json_reader *r, void *target)
{
    sl_json_read_hex(r, ((struct sl_qe_identity *)target)->misc_select_mask, 4);
}

static void read_attributes(struct sl_json_reader *r, void *target)
{
    sl_json_read_hex(r, ((struct sl_qe_identity *)target)->attributes, 16);
}

static void read_attributes_mask(struct sl_json_reader *r, void *target)
{
    sl_json_read_hex(r, ((struct sl_qe_identity *)target)->attributes_mask, 16);
}

static void read_mrsigner(struct sl_json_reader *r, void *target)
{
    sl_json_read_hex(r, ((struct sl_qe_identity *)target)->mrsigner, 32);
}

static void read_prod_id(struct sl_json_reader *r, void *target)
{
    ((struct sl_qe_identity *)target)->isv_prod_id = (uint16_t)sl_json_read_uint(r, 65535);
}

static void read_levels(struct sl_json_reader *r, void *target)
{
    struct sl_qe_identity *identity = target;
    sl_isv_levels_read(r, identity->levels, &identity->level_count);
}

sl_rc sl_qe_identity_read(struct sl_blob in, struct sl_qe_identity *ret_identity,
                          char ret_why[SL_JSON_WHY_SIZE])
{
    static const struct sl_json_member MEMBERS[] = {
        {"id", read_id, false},
        {"version", read_version, false},
        {"issueDate", read_issue, false},
        {"nextUpdate", read_next_update, false},
        {"tcbEvaluationDataNumber", read_evaluation, false},
        {"miscselect", read_misc, false},
        {"miscselectMask", read_misc_mask, false},
        {"attributes", read_attributes, false},
        {"attributesMask", read_attributes_mask, false},
        {"mrsigner", read_mrsigner, false},
        {"isvprodid", read_prod_id, false},
        {"tcbLevels", read_levels, false},
    };
    struct sl_json_reader r;
    memset(ret_identity, 0, sizeof(*ret_identity));
    sl_json_reader_init(&r, in);
    (void)sl_json_read_members(&r, MEMBERS, COUNT(MEMBERS), ret_identity);
    sl_json_read_end(&r);
    (void)snprintf(ret_why, SL_JSON_WHY_SIZE, "%s", r.why);
    return r.rc;
}
