/* SPDX-License-Identifier: Apache-2.0 */
/* SAs: made, given to the image, put in place; make before break. */
#include <string.h>
#include <sys/random.h>

#include "base/secret.h"
#include "gateway/session.h"

enum { SPI_QUEUE_BITS = 8 };

static sl_rc random_fill(void *out, size_t size)
{
    return getrandom(out, size, 0) == (ssize_t)size ? SL_OK : SL_CRYPTO;
}

/* Fresh key, salt and SPI: a key is never used for two SAs, so no nonce can repeat. */
static sl_rc params_make(const struct sl_gw_config *config, const struct sl_gw_slot *slot,
                         struct sl_esp_params *ret_params)
{
    struct sl_esp_params params = {
        .alg = config->alg, .is_esn = config->is_esn, .window = config->window};
    uint32_t high = 0;
    sl_rc rc = random_fill(params.key, sizeof(params.key));
    rc = rc == SL_OK ? random_fill(params.salt, sizeof(params.salt)) : rc;
    while (rc == SL_OK && high == 0) {
        rc = random_fill(&high, sizeof(high));
        high &= ~((1u << SPI_QUEUE_BITS) - 1);
    }
    params.spi = high | (slot->shard * SL_PORT_COUNT + (uint32_t)slot->port);
    if (rc == SL_OK) {
        *ret_params = params;
    }
    sl_wipe(&params, sizeof(params));
    return rc;
}

/* Gives one SA to the image. `params` is as the gateway has it; the image's is the other direction.
 */
static sl_rc image_give(struct sl_session *session, const struct sl_gw_slot *slot,
                        const struct sl_esp_params *params, struct sl_err *err)
{
    struct sl_msg_sa sa = {
        .shard = (uint16_t)slot->shard,
        .port = (uint8_t)slot->port,
        .is_inbound = !params->is_inbound,
        .is_dscp_copied = session->config->is_dscp_copied,
        .params = *params,
    };
    sa.params.is_inbound = sa.is_inbound;
    sl_rc rc = sl_client_sa_set(session->client, SL_SESSION_TIMEOUT_MS, &sa, err);
    sl_wipe(&sa, sizeof(sa));
    return rc;
}

/* Our inbound first: when the image starts to send with the new key, we can already read it. */
static sl_rc inbound_key(struct sl_session *session, struct sl_gw_slot *slot, struct sl_err *err)
{
    struct sl_esp_params params;
    struct sl_esp_sa *sa = NULL;
    sl_rc rc = params_make(session->config, slot, &params);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "no randomness for an SA key");
    }
    params.is_inbound = true;
    rc = sl_esp_sa_create(&params, &sa);
    if (rc != SL_OK) {
        sl_wipe(&params, sizeof(params));
        return sl_err_set(err, rc, "cannot make an SA: %s", sl_rc_text(rc));
    }
    sl_tunnel_in_set(slot, sa, sl_gw_now_ns());
    rc = image_give(session, slot, &params, err);
    sl_wipe(&params, sizeof(params));
    return rc;
}

/* The image's inbound first, then ours outbound: never a packet it cannot read. */
static sl_rc outbound_key(struct sl_session *session, struct sl_gw_slot *slot, struct sl_err *err)
{
    struct sl_esp_params params;
    struct sl_esp_sa *sa = NULL;
    sl_rc rc = params_make(session->config, slot, &params);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "no randomness for an SA key");
    }
    rc = sl_esp_sa_create(&params, &sa);
    if (rc != SL_OK) {
        sl_err_set(err, rc, "cannot make an SA: %s", sl_rc_text(rc));
        goto out;
    }
    rc = image_give(session, slot, &params, err);
    if (rc != SL_OK) {
        goto out;
    }
    sl_tunnel_out_set(slot, sa, sl_gw_now_ns());
    sa = NULL;
out:
    sl_esp_sa_free(sa);
    sl_wipe(&params, sizeof(params));
    return rc;
}

sl_rc sl_session_slot_key(struct sl_session *session, struct sl_gw_slot *slot, struct sl_err *err)
{
    sl_rc rc = inbound_key(session, slot, err);
    return rc == SL_OK ? outbound_key(session, slot, err) : rc;
}

static bool is_due(const struct sl_gw_config *config, struct sl_gw_slot *slot, uint64_t now_ns)
{
    uint64_t used = 0;
    uint64_t age_ns = 0;
    (void)pthread_mutex_lock(&slot->tx_lock);
    if (slot->out != NULL) {
        used = sl_esp_sa_seq(slot->out);
        age_ns = now_ns - slot->out_since_ns;
    }
    (void)pthread_mutex_unlock(&slot->tx_lock);
    (void)pthread_mutex_lock(&slot->rx_lock);
    if (slot->in != NULL && sl_esp_sa_seq(slot->in) > used) {
        used = sl_esp_sa_seq(slot->in);
    }
    (void)pthread_mutex_unlock(&slot->rx_lock);
    return used >= config->rekey_packets || age_ns / 1000000000u >= config->rekey_seconds;
}

sl_rc sl_session_rekey_due(struct sl_session *session, struct sl_err *err)
{
    uint32_t count = 0;
    uint64_t now_ns = sl_gw_now_ns();
    for (uint32_t i = 0; i < session->tunnel->shard_count * SL_PORT_COUNT; i++) {
        struct sl_gw_slot *slot = &session->tunnel->slots[i / 2][i % 2];
        if (is_due(session->config, slot, now_ns)) {
            sl_rc rc = sl_session_slot_key(session, slot, err);
            if (rc != SL_OK) {
                return rc;
            }
            count++;
        }
    }
    if (count > 0) {
        (void)pthread_mutex_lock(&session->lock);
        session->rekeys += count;
        (void)pthread_mutex_unlock(&session->lock);
        sl_watch_rekeyed(session->watch, false);
    }
    return SL_OK;
}
