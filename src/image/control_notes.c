/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests the image's log tells of. */
#include "image/control_server.h"

/* The first SA of a connection says that it was provisioned; the others follow every rekey. */
static void note_keys(struct sl_control_server *server, const struct sl_connection *connection,
                      uint64_t now_ns)
{
    if (server->holder != connection->id) {
        sl_life_note(server->params.life, now_ns, SL_IMAGE_KEYS, SL_OK,
                     server->params.provision->sa_sets, NULL);
    }
}

void sl_control_note(struct sl_control_server *server, const struct sl_connection *connection,
                     const struct sl_msg *request, sl_rc rc, const struct sl_err *err,
                     uint64_t now_ns)
{
    struct sl_life *life = server->params.life;
    switch (request->type) {
    case SL_MSG_CHAIN_SET:
        sl_life_note(life, now_ns, SL_IMAGE_POLICY, rc, server->params.provision->version,
                     rc == SL_OK ? NULL : err->text);
        break;
    case SL_MSG_EPOCH: /* sl_life_epoch_set says so itself */
        break;
    case SL_MSG_SA_SET:
        if (rc == SL_OK) {
            note_keys(server, connection, now_ns);
            break;
        }
        sl_life_note(life, now_ns, SL_IMAGE_REFUSED, rc, request->type, err->text);
        break;
    case SL_MSG_SA_CLEAR:
        sl_life_note(life, now_ns, SL_IMAGE_KEYS_DELETED, rc, 0, NULL);
        break;
    default:
        if (rc != SL_OK) {
            sl_life_note(life, now_ns, SL_IMAGE_REFUSED, rc, request->type, err->text);
        }
        break;
    }
}
