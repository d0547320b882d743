/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, and enrolment by credential activation (TPM 2.0 part 1, 24). */
#include "agent/agent.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "files/files.h"

static sl_rc boot_id_read(struct sl_agent *agent, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size;
    sl_rc rc = sl_file_read(agent->config.boot_id, 4096, &data, &size, err);
    if (rc != SL_OK) {
        return rc;
    }
    char *text = (char *)data;
    text[strcspn(text, "\r\n \t")] = '\0';
    if (strlen(text) != 36 || strspn(text, "0123456789abcdef-") != 36) {
        rc = sl_err_set(err, SL_MALFORMED, "%s: expected a UUID", agent->config.boot_id);
    } else {
        (void)snprintf(agent->boot_id, sizeof(agent->boot_id), "%s", text);
    }
    free(data);
    return rc;
}

sl_rc sl_agent_open(struct sl_agent *agent, bool is_enrolled, struct sl_err *err)
{
    const struct sl_agent_config *c = &agent->config;
    agent->ima.source_fd = agent->ima.archive_fd = -1;
    sl_rc rc = boot_id_read(agent, err);
    rc = rc == SL_OK && is_enrolled ? sl_agent_state_load(c->state_dir, &agent->state, err) : rc;
    rc = rc == SL_OK ? sl_agent_http_new(c->url, c->ca, &agent->http, err) : rc;
    rc = rc == SL_OK ? sl_agent_tpm_open(c->tcti, c->is_ecc, &agent->tpm, err) : rc;
    if (rc == SL_OK && is_enrolled) {
        rc = sl_agent_tpm_ak_load(&agent->tpm, &agent->state.ak_public, &agent->state.ak_private,
                                  err);
        rc = rc == SL_OK ? sl_agent_ima_open(c->ima, c->state_dir, agent->boot_id, &agent->ima, err)
                         : rc;
        rc = rc == SL_OK ? sl_agent_observer_start(&agent->observer, c, agent->boot_id, &agent->tpm,
                                                   &agent->ima, agent->log, err)
                         : rc;
    }
    return rc;
}

void sl_agent_close(struct sl_agent *agent)
{
    sl_agent_observer_stop(&agent->observer);
    sl_agent_tpm_close(&agent->tpm);
    sl_agent_http_free(agent->http);
    agent->http = NULL;
    sl_agent_ima_close(&agent->ima);
    sl_wipe(&agent->state, sizeof(agent->state));
}

/* Issuers between the EK certificate and the vendor's root, which the monitor must not take from
 * us but may use as a path. */
static sl_rc chain_read(const char *path, json_t *ret_chain, struct sl_err *err)
{
    FILE *file = path[0] != '\0' ? fopen(path, "re") : NULL;
    X509 *cert;
    if (path[0] != '\0' && file == NULL) {
        return sl_err_set(err, SL_IO, "%s: cannot be read", path);
    }
    while (file != NULL && json_array_size(ret_chain) < 8 &&
           (cert = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
        unsigned char *der = NULL;
        int size = i2d_X509(cert, &der);
        if (size > 0) {
            (void)json_array_append_new(ret_chain, sl_agent_base64(der, (size_t)size));
        }
        OPENSSL_free(der);
        X509_free(cert);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return SL_OK;
}

static sl_rc request_make(struct sl_agent *agent, json_t **ret_request, struct sl_err *err)
{
    uint8_t cert[SL_AGENT_CERT_MAX];
    size_t cert_size = 0;
    sl_rc rc = sl_agent_tpm_ek_cert(&agent->tpm, cert, sizeof(cert), &cert_size, err);
    if (rc == SL_NOT_FOUND) { /* the monitor's policy may know the EK itself */
        agent->log(err != NULL ? err->text : "no EK certificate");
        rc = SL_OK;
    }
    json_t *chain = json_array();
    rc = rc == SL_OK ? chain_read(agent->config.ek_chain, chain, err) : rc;
    if (rc != SL_OK) {
        json_decref(chain);
        return rc;
    }
    *ret_request = json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o}", "name", agent->config.name, "class",
        agent->config.node_class, "driver", "tpm-ima", "ek_chain", chain, "ek_public",
        sl_agent_base64(agent->tpm.ek_public.data, agent->tpm.ek_public.size), "ak_public",
        sl_agent_base64(agent->state.ak_public.data, agent->state.ak_public.size));
    if (*ret_request == NULL ||
        (cert_size > 0 && json_object_set_new(*ret_request, "ek_certificate",
                                              sl_agent_base64(cert, cert_size)) != 0)) {
        json_decref(*ret_request);
        *ret_request = NULL;
        return sl_err_set(err, SL_NO_MEMORY, "enrolment: no memory");
    }
    return SL_OK;
}

static bool is_node_id(const char *id)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return strspn(id, good) == strlen(id);
}

/* The credential is unwrapped only where this TPM holds both the EK and this AK. */
static sl_rc activate(struct sl_agent *agent, const json_t *answer, const char *token,
                      struct sl_err *err)
{
    const json_t *credential = json_object_get(answer, "credential");
    struct sl_agent_state *state = &agent->state;
    struct sl_agent_blob blob, wrapped, secret = {.size = 0};
    char path[SL_AGENT_NODE_MAX + 64];
    json_t *request = NULL, *activated = NULL;
    long status;
    sl_rc rc = sl_agent_text_get(answer, "node", state->node, sizeof(state->node), err);
    rc = rc == SL_OK && !is_node_id(state->node)
             ? sl_err_set(err, SL_MALFORMED, "node: expected letters, digits, _.-")
             : rc;
    rc = rc == SL_OK ? sl_agent_base64_get(credential, "blob", &blob, err) : rc;
    rc = rc == SL_OK ? sl_agent_base64_get(credential, "secret", &wrapped, err) : rc;
    rc = rc == SL_OK ? sl_agent_tpm_activate(&agent->tpm, &blob, &wrapped, &secret, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    (void)snprintf(path, sizeof(path), "/v1/enroll/%s/activate", state->node);
    request = json_pack("{s:o}", "secret", sl_agent_base64(secret.data, secret.size));
    sl_wipe(&secret, sizeof(secret));
    rc = sl_agent_http_post(agent->http, path, token, request, &activated, &status, err);
    rc = rc == SL_OK
             ? sl_agent_text_get(activated, "token", state->token, sizeof(state->token), err)
             : rc;
    json_decref(request);
    json_decref(activated);
    return rc;
}

sl_rc sl_agent_enroll(struct sl_agent *agent, const char *token, struct sl_err *err)
{
    struct sl_agent_state *state = &agent->state;
    json_t *request = NULL, *answer = NULL;
    long status;
    memset(state, 0, sizeof(*state));
    sl_rc rc = sl_agent_tpm_ak_create(&agent->tpm, &state->ak_public, &state->ak_private, err);
    rc = rc == SL_OK ? sl_agent_tpm_ak_load(&agent->tpm, &state->ak_public, &state->ak_private, err)
                     : rc;
    rc = rc == SL_OK ? request_make(agent, &request, err) : rc;
    rc = rc == SL_OK
             ? sl_agent_http_post(agent->http, "/v1/enroll", token, request, &answer, &status, err)
             : rc;
    rc = rc == SL_OK ? activate(agent, answer, token, err) : rc;
    rc = rc == SL_OK ? sl_agent_state_save(agent->config.state_dir, state, err) : rc;
    json_decref(request);
    json_decref(answer);
    return rc;
}
