/* SPDX-License-Identifier: Apache-2.0 */
/* The client's requests about the image's life: who it is, its epoch, its log. */
#include <string.h>

#include "control/client.h"

sl_rc sl_client_instance(struct sl_client *client, int timeout_ms,
                         struct sl_msg_instance *ret_instance, struct sl_err *err)
{
    struct sl_reader r;
    struct sl_msg reply = {0};
    sl_rc rc = sl_client_call(client, SL_MSG_INSTANCE, NULL, 0, timeout_ms, &reply, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_reader_init(&r, reply.body, reply.size);
    rc = sl_msg_instance_read(&r, ret_instance);
    sl_msg_done(&reply);
    return rc == SL_OK ? rc : sl_err_set(err, rc, "the image's word who it is: %s", sl_rc_text(rc));
}

sl_rc sl_client_epoch(struct sl_client *client, int timeout_ms,
                      const uint8_t instance[SL_INSTANCE_SIZE], uint64_t epoch, struct sl_err *err)
{
    uint8_t body[SL_INSTANCE_SIZE + 8];
    struct sl_msg reply = {0};
    memcpy(body, instance, SL_INSTANCE_SIZE);
    sl_be64_put(body + SL_INSTANCE_SIZE, epoch);
    sl_rc rc = sl_client_call(client, SL_MSG_EPOCH, body, sizeof(body), timeout_ms, &reply, err);
    if (rc == SL_OK && reply.size != 0) {
        rc = sl_err_set(err, SL_MALFORMED, "the image's reply has bytes that it should not have");
    }
    sl_msg_done(&reply);
    return rc;
}

sl_rc sl_client_log(struct sl_client *client, int timeout_ms, uint64_t after_seq,
                    struct sl_msg *ret_reply, struct sl_err *err)
{
    uint8_t body[8];
    sl_be64_put(body, after_seq);
    return sl_client_call(client, SL_MSG_LOG, body, sizeof(body), timeout_ms, ret_reply, err);
}

sl_rc sl_client_snapshot(struct sl_client *client, int timeout_ms, enum sl_msg_snapshot_what what,
                         uint64_t epoch, struct sl_msg_snapshot *ret_snapshot, struct sl_err *err)
{
    uint8_t body[1 + 8];
    struct sl_reader r;
    struct sl_msg reply = {0};
    body[0] = (uint8_t)what;
    sl_be64_put(body + 1, epoch);
    sl_rc rc = sl_client_call(client, SL_MSG_SNAPSHOT, body, sizeof(body), timeout_ms, &reply, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_reader_init(&r, reply.body, reply.size);
    rc = sl_msg_snapshot_read(&r, ret_snapshot);
    sl_msg_done(&reply);
    return rc == SL_OK
               ? rc
               : sl_err_set(err, rc, "the image's word about its snapshot: %s", sl_rc_text(rc));
}
