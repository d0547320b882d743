/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope of Intel's signed collateral: finds the bytes that were signed, as they came. */
#include <stdio.h>

#include "attest/json_read.h"
#include "base/bytes.h"

enum { SIGNED_JSON_SIZE_MAX = 1 << 20 };

sl_rc sl_signed_json_read(struct sl_blob in, const char *name, struct sl_signed_json *ret_signed,
                          char ret_why[SL_JSON_WHY_SIZE])
{
    struct sl_json_reader r;
    struct sl_signed_json found = {0};
    struct sl_blob key;
    bool has_signature = false;
    sl_json_reader_init(&r, in);
    if (in.size > SIGNED_JSON_SIZE_MAX) {
        sl_json_reader_fail(&r, SL_RANGE, "%zu bytes, at most %d are read", in.size,
                            SIGNED_JSON_SIZE_MAX);
    }
    sl_json_read_object(&r);
    while (sl_json_read_key(&r, &key)) {
        if (sl_blob_is(key, name) && found.object.data == NULL) {
            sl_json_read_span(&r, &found.object);
        } else if (sl_blob_is(key, "signature") && !has_signature) {
            has_signature = true;
            sl_json_read_hex(&r, found.signature, sizeof(found.signature));
        } else {
            sl_json_reader_fail(&r, SL_MALFORMED,
                                "only \"%s\" and \"signature\" may be there, each once", name);
        }
    }
    sl_json_read_end(&r);
    if (found.object.data == NULL || !has_signature) {
        sl_json_reader_fail(&r, SL_MALFORMED, "\"%s\" is missing",
                            has_signature ? name : "signature");
    }
    if (r.rc == SL_OK) {
        *ret_signed = found;
    }
    (void)snprintf(ret_why, SL_JSON_WHY_SIZE, "%s", r.why);
    return r.rc;
}
