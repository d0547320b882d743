/* SPDX-License-Identifier: Apache-2.0 */
/* The token is the only secret in it, and a small one: evidence is believed by its signature. */
#include "agent/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/message.h"
#include "base/secret.h"
#include "files/files.h"

enum { FILE_MAX = 64 << 10 };

static void path_make(const char *dir, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/node.json", dir);
}

static sl_rc state_read(const json_t *root, struct sl_agent_state *s, struct sl_err *err)
{
    sl_rc rc = sl_agent_text_get(root, "node", s->node, sizeof(s->node), err);
    rc = rc == SL_OK ? sl_agent_text_get(root, "token", s->token, sizeof(s->token), err) : rc;
    rc = rc == SL_OK ? sl_agent_base64_get(root, "ak_public", &s->ak_public, err) : rc;
    rc = rc == SL_OK ? sl_agent_base64_get(root, "ak_private", &s->ak_private, err) : rc;
    if (rc == SL_OK && json_object_get(root, "boot_id") != NULL) {
        rc = sl_agent_text_get(root, "boot_id", s->boot_id, sizeof(s->boot_id), err);
    }
    return rc;
}

sl_rc sl_agent_state_load(const char *dir, struct sl_agent_state *ret_state, struct sl_err *err)
{
    char path[512];
    uint8_t *data = NULL;
    size_t size = 0;
    memset(ret_state, 0, sizeof(*ret_state));
    path_make(dir, path, sizeof(path));
    sl_rc rc = sl_file_read(path, FILE_MAX, &data, &size, err);
    if (rc != SL_OK) {
        return rc;
    }
    json_t *root = json_loadb((char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    sl_wipe(data, size);
    free(data);
    if (root == NULL) {
        return sl_err_set(err, SL_MALFORMED, "%s: no JSON", path);
    }
    rc = state_read(root, ret_state, err);
    json_decref(root);
    if (rc != SL_OK) {
        memset(ret_state, 0, sizeof(*ret_state));
        return err != NULL ? sl_err_prefix(err, "%s", path) : rc;
    }
    return SL_OK;
}

sl_rc sl_agent_state_save(const char *dir, const struct sl_agent_state *state, struct sl_err *err)
{
    char path[512];
    json_t *root =
        json_pack("{s:s, s:s, s:o, s:o}", "node", state->node, "token", state->token, "ak_public",
                  sl_agent_base64(state->ak_public.data, state->ak_public.size), "ak_private",
                  sl_agent_base64(state->ak_private.data, state->ak_private.size));
    if (root != NULL && state->boot_id[0] != '\0') {
        (void)json_object_set_new(root, "boot_id", json_string(state->boot_id));
    }
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (text == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "%s: no memory", dir);
    }
    path_make(dir, path, sizeof(path));
    sl_rc rc = sl_file_write(path, 0600, text, strlen(text), err);
    sl_wipe(text, strlen(text));
    free(text);
    return rc;
}
