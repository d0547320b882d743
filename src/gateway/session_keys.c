/* SPDX-License-Identifier: Apache-2.0 */
/* SAs: made, given to the image, put in place; make before break. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/secret.h"
#include "gateway/session.h"

enum { SPI_QUEUE_BITS = 8 };

static sl_rc random_fill(void *out, size_t size)
{
    return getrandom(out, size, 0) == (ssize_t)size ? SL_OK : SL_CRYPTO;
}

/* A new SA as the image will have it: SPI and seed are random, the key follows from the seed and
 * the channel. A key is never used for two SAs, so no nonce can repeat. */
static sl_rc sa_make(struct sl_session *session, const struct sl_gw_slot *slot, bool is_inbound,
                     struct sl_msg_sa *ret_sa, struct sl_err *err)
{
    const struct sl_gw_config *config = session->config;
    struct sl_msg_sa sa = {
        .shard = (uint16_t)slot->shard,
        .port = (uint8_t)slot->port,
        .is_inbound = is_inbound,
        .is_dscp_copied = config->is_dscp_copied,
        .params = {.alg = config->alg,
                   .is_esn = config->is_esn,
                   .is_inbound = is_inbound,
                   .window = config->window},
    };
    uint32_t high = 0;
    sl_rc rc = SL_OK;
    while (rc == SL_OK && high == 0) {
        rc = random_fill(&high, sizeof(high));
        high &= ~((1u << SPI_QUEUE_BITS) - 1);
    }
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "no randomness for an SA");
    }
    sa.params.spi = high | (slot->shard * SL_PORT_COUNT + (uint32_t)slot->port);
    rc = sl_client_sa_make(session->client, &sa, err);
    if (rc == SL_OK) {
        *ret_sa = sa;
    }
    sl_wipe(&sa, sizeof(sa));
    return rc;
}

/* Our end of an SA: the other direction of the image's. */
static sl_rc own_end(const struct sl_msg_sa *sa, struct sl_esp_sa **ret_sa, struct sl_err *err)
{
    struct sl_esp_params params = sa->params;
    params.is_inbound = !sa->is_inbound;
    sl_rc rc = sl_esp_sa_create(&params, ret_sa);
    sl_wipe(&params, sizeof(params));
    return rc == SL_OK ? rc : sl_err_set(err, rc, "cannot make an SA: %s", sl_rc_text(rc));
}

/* Our inbound first: when the image starts to send with the new key, we can already read it. */
static sl_rc inbound_key(struct sl_session *session, struct sl_gw_slot *slot, struct sl_err *err)
{
    struct sl_msg_sa sa;
    struct sl_esp_sa *own = NULL;
    sl_rc rc = sa_make(session, slot, false, &sa, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = own_end(&sa, &own, err);
    if (rc == SL_OK) {
        sl_tunnel_in_set(slot, own, sl_gw_now_ns());
        rc = sl_client_sa_set(session->client, SL_SESSION_TIMEOUT_MS, &sa, err);
    }
    sl_wipe(&sa, sizeof(sa));
    return rc;
}

/* The image's inbound first, then ours outbound: never a packet it cannot read. */
static sl_rc outbound_key(struct sl_session *session, struct sl_gw_slot *slot, struct sl_err *err)
{
    struct sl_msg_sa sa;
    struct sl_esp_sa *own = NULL;
    sl_rc rc = sa_make(session, slot, true, &sa, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = own_end(&sa, &own, err);
    if (rc == SL_OK) {
        rc = sl_client_sa_set(session->client, SL_SESSION_TIMEOUT_MS, &sa, err);
    }
    if (rc == SL_OK) {
        sl_tunnel_out_set(slot, own, sl_gw_now_ns());
        own = NULL;
    }
    sl_esp_sa_free(own);
    sl_wipe(&sa, sizeof(sa));
    return rc;
}

sl_rc sl_session_slot_key(struct sl_session *session, struct sl_gw_slot *slot, struct sl_err *err)
{
    sl_rc rc = inbound_key(session, slot, err);
    return rc == SL_OK ? outbound_key(session, slot, err) : rc;
}

/* How much an SA has carried, whichever direction it is of. */
static void use_add(const struct sl_esp_sa *sa, uint64_t *packets, uint64_t *bytes)
{
    if (sa != NULL) {
        uint64_t seq = sl_esp_sa_seq(sa);
        uint64_t carried = sl_esp_sa_counters(sa)->bytes;
        *packets = seq > *packets ? seq : *packets;
        *bytes = carried > *bytes ? carried : *bytes;
    }
}

sl_rc sl_session_resume_check(struct sl_session *session, bool *ret_is_resumed, struct sl_err *err)
{
    char *text = NULL;
    enum sl_session_holder holder = SL_HOLDER_NOBODY;
    *ret_is_resumed = false;
    /* forbidden: waived, hashes of public keys */
    if (!session->is_keyed || session->is_taken ||
        memcmp(session->keyed_key, session->peer_key, sizeof(session->keyed_key)) != 0) {
        return SL_OK;
    }
    sl_rc rc = sl_client_status(session->client, SL_SESSION_TIMEOUT_MS, &text, err);
    if (rc == SL_OK) {
        sl_session_image_learn(session, text, &holder);
        free(text);
        *ret_is_resumed = holder == SL_HOLDER_US;
    }
    return rc;
}

static bool is_due(const struct sl_gw_config *config, struct sl_gw_slot *slot, uint64_t now_ns)
{
    uint64_t packets = 0;
    uint64_t bytes = 0;
    uint64_t age_ns = 0;
    (void)pthread_mutex_lock(&slot->tx_lock);
    use_add(slot->out, &packets, &bytes);
    if (slot->out != NULL) {
        age_ns = now_ns - slot->out_since_ns;
    }
    (void)pthread_mutex_unlock(&slot->tx_lock);
    (void)pthread_mutex_lock(&slot->rx_lock);
    use_add(slot->in, &packets, &bytes);
    (void)pthread_mutex_unlock(&slot->rx_lock);
    bool is_used_up = packets >= config->rekey_packets || bytes >= config->rekey_bytes ||
                      age_ns / 1000000000u >= config->rekey_seconds;
    return is_used_up && sl_tunnel_can_rekey(slot, now_ns);
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
