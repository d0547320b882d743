/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of the tunnel: sockets, SAs, probes. */
#include "gateway/tunnel.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* As long as the image keeps its old inbound SA: packets under way at a rekey still arrive. */
#define OVERLAP_NS 30000000000ull
/* The oldest of the previous SAs may be dropped for a new one when it is out of use for so long. */
#define SPACING_NS 1000000000ull

uint64_t sl_gw_now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static sl_rc slot_open(const struct sl_gw_config *config, struct sl_tunnel *tunnel,
                       struct sl_gw_slot *slot, struct sl_err *err)
{
    (void)pthread_mutex_init(&slot->tx_lock, NULL);
    (void)pthread_mutex_init(&slot->rx_lock, NULL);
    bool is_native = config->framing == SL_ESP_FRAMING_NATIVE;
    struct sl_gw_slot *first = &tunnel->slots[0][0];
    if (is_native && slot != first) {
        slot->udp = first->udp;
        return SL_OK;
    }
    struct sl_udp_params params = {
        .local = {.ip_version = tunnel->peer.ip_version},
        .is_native = is_native,
        .is_gso = config->is_offload,
        .is_gro = config->is_offload,
    };
    if (config->local[0] != '\0') {
        sl_rc rc = sl_net_addr_resolve(config->local, 0, &params.local, err);
        if (rc != SL_OK) {
            return sl_err_prefix(err, "host.local");
        }
        if (params.local.ip_version != tunnel->peer.ip_version) {
            return sl_err_set(err, SL_INVALID,
                              "host.local and host.address: expected the same IP version");
        }
    }
    return sl_udp_open(&params, &slot->udp, err);
}

sl_rc sl_tunnel_open(const struct sl_gw_config *config, struct sl_tunnel *tunnel,
                     struct sl_err *err)
{
    memset(tunnel, 0, sizeof(*tunnel));
    tunnel->framing = config->framing;
    tunnel->is_dscp_copied = config->is_dscp_copied;
    sl_rc rc = sl_net_addr_resolve(config->host, config->udp_port, &tunnel->peer, err);
    if (rc != SL_OK) {
        return sl_err_prefix(err, "host.address");
    }
    if (config->framing == SL_ESP_FRAMING_NATIVE) {
        tunnel->peer.port = 0;
    }
    sl_steering_init(&tunnel->steering);
    for (uint32_t shard = 0; shard < config->shards; shard++) {
        for (int port = 0; port < SL_PORT_COUNT; port++) {
            struct sl_gw_slot *slot = &tunnel->slots[shard][port];
            slot->shard = shard;
            slot->port = (enum sl_port)port;
            rc = slot_open(config, tunnel, slot, err);
            if (rc != SL_OK) {
                tunnel->shard_count = shard + 1;
                sl_tunnel_close(tunnel);
                return rc;
            }
        }
    }
    tunnel->shard_count = config->shards;
    return SL_OK;
}

void sl_tunnel_close(struct sl_tunnel *tunnel)
{
    sl_tunnel_clear(tunnel);
    sl_steering_done(&tunnel->steering);
    bool is_native = tunnel->framing == SL_ESP_FRAMING_NATIVE;
    for (uint32_t i = 0; i < tunnel->shard_count * SL_PORT_COUNT; i++) {
        struct sl_gw_slot *slot = &tunnel->slots[i / 2][i % 2];
        if (!is_native || i == 0) {
            sl_udp_close(slot->udp);
        }
        slot->udp = NULL;
        (void)pthread_mutex_destroy(&slot->tx_lock);
        (void)pthread_mutex_destroy(&slot->rx_lock);
    }
    tunnel->shard_count = 0;
}

/* ---- SAs ---- */

void sl_tunnel_in_set(struct sl_gw_slot *slot, struct sl_esp_sa *sa, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&slot->rx_lock);
    if (slot->in != NULL) {
        sl_esp_sa_free(slot->in_previous[SL_SA_PREVIOUS_MAX - 1]);
        memmove(slot->in_previous + 1, slot->in_previous,
                (SL_SA_PREVIOUS_MAX - 1) * sizeof(slot->in_previous[0]));
        memmove(slot->in_previous_end_ns + 1, slot->in_previous_end_ns,
                (SL_SA_PREVIOUS_MAX - 1) * sizeof(slot->in_previous_end_ns[0]));
        slot->in_previous[0] = slot->in;
        slot->in_previous_end_ns[0] = now_ns + OVERLAP_NS;
    }
    slot->in = sa;
    (void)pthread_mutex_unlock(&slot->rx_lock);
}

void sl_tunnel_out_set(struct sl_gw_slot *slot, struct sl_esp_sa *sa, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&slot->tx_lock);
    sl_esp_sa_free(slot->out);
    slot->out = sa;
    slot->out_since_ns = now_ns;
    (void)pthread_mutex_unlock(&slot->tx_lock);
}

/* Frees those from the first on whose time is over while a newer one has been used. */
static void slot_expire(struct sl_gw_slot *slot, uint64_t now_ns)
{
    bool is_newer_used = slot->in != NULL && sl_esp_sa_seq(slot->in) > 0;
    bool is_over = false;
    for (uint32_t i = 0; i < SL_SA_PREVIOUS_MAX && slot->in_previous[i] != NULL; i++) {
        is_over = is_over || (is_newer_used && now_ns >= slot->in_previous_end_ns[i]);
        is_newer_used = is_newer_used || sl_esp_sa_seq(slot->in_previous[i]) > 0;
        if (is_over) {
            sl_esp_sa_free(slot->in_previous[i]);
            slot->in_previous[i] = NULL;
        }
    }
}

bool sl_tunnel_can_rekey(struct sl_gw_slot *slot, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&slot->rx_lock);
    const uint32_t last = SL_SA_PREVIOUS_MAX - 1;
    bool can = slot->in_previous[last] == NULL ||
               now_ns + OVERLAP_NS >= slot->in_previous_end_ns[last] + SPACING_NS;
    (void)pthread_mutex_unlock(&slot->rx_lock);
    return can;
}

void sl_tunnel_expire(struct sl_tunnel *tunnel, uint64_t now_ns)
{
    for (uint32_t i = 0; i < tunnel->shard_count * SL_PORT_COUNT; i++) {
        struct sl_gw_slot *slot = &tunnel->slots[i / 2][i % 2];
        (void)pthread_mutex_lock(&slot->rx_lock);
        slot_expire(slot, now_ns);
        (void)pthread_mutex_unlock(&slot->rx_lock);
    }
}

void sl_tunnel_clear(struct sl_tunnel *tunnel)
{
    for (uint32_t i = 0; i < tunnel->shard_count * SL_PORT_COUNT; i++) {
        struct sl_gw_slot *slot = &tunnel->slots[i / 2][i % 2];
        (void)pthread_mutex_lock(&slot->tx_lock);
        sl_esp_sa_free(slot->out);
        slot->out = NULL;
        (void)pthread_mutex_unlock(&slot->tx_lock);
        (void)pthread_mutex_lock(&slot->rx_lock);
        sl_esp_sa_free(slot->in);
        slot->in = NULL;
        for (uint32_t k = 0; k < SL_SA_PREVIOUS_MAX; k++) {
            sl_esp_sa_free(slot->in_previous[k]);
            slot->in_previous[k] = NULL;
        }
        (void)pthread_mutex_unlock(&slot->rx_lock);
    }
}

bool sl_tunnel_is_keyed(struct sl_tunnel *tunnel)
{
    bool is_keyed = tunnel->shard_count > 0;
    for (uint32_t i = 0; i < tunnel->shard_count * SL_PORT_COUNT; i++) {
        struct sl_gw_slot *slot = &tunnel->slots[i / 2][i % 2];
        (void)pthread_mutex_lock(&slot->tx_lock);
        is_keyed = is_keyed && slot->out != NULL;
        (void)pthread_mutex_unlock(&slot->tx_lock);
    }
    return is_keyed;
}

static void sample_add(struct sl_offload_sample *sum, const struct sl_esp_sa *sa)
{
    if (sa == NULL) {
        return;
    }
    const struct sl_esp_counters *c = sl_esp_sa_counters(sa);
    uint64_t arrived = c->ok + c->probe + c->dummy + c->bad_padding + c->bad_inner;
    uint64_t highest = sl_esp_sa_seq(sa);
    sum->good += arrived;
    sum->bad += c->bad_icv;
    sum->lost += highest > arrived + c->bad_icv ? highest - arrived - c->bad_icv : 0;
}

void sl_tunnel_in_totals(struct sl_tunnel *tunnel, struct sl_offload_sample *ret_totals)
{
    memset(ret_totals, 0, sizeof(*ret_totals));
    for (uint32_t i = 0; i < tunnel->shard_count * SL_PORT_COUNT; i++) {
        struct sl_gw_slot *slot = &tunnel->slots[i / 2][i % 2];
        (void)pthread_mutex_lock(&slot->rx_lock);
        sample_add(ret_totals, slot->in);
        sample_add(ret_totals, slot->in_previous[0]);
        (void)pthread_mutex_unlock(&slot->rx_lock);
    }
}

/* ---- probes ---- */

sl_rc sl_tunnel_probe(struct sl_tunnel *tunnel, struct sl_gw_slot *slot, uint64_t id, uint32_t size)
{
    uint8_t plain[SL_PACKET_MAX + SL_ESP_OVERHEAD_MAX];
    uint8_t sealed[SL_PACKET_MAX + SL_ESP_OVERHEAD_MAX];
    uint32_t sealed_size = 0;
    if (size > SL_PACKET_MAX) {
        return SL_RANGE;
    }
    const struct sl_probe probe = {.kind = SL_PROBE_REQUEST, .size = (uint16_t)size, .id = id};
    sl_rc rc = sl_probe_write(&probe, size, plain, SL_PACKET_MAX);
    if (rc != SL_OK) {
        return rc;
    }
    (void)pthread_mutex_lock(&slot->tx_lock);
    rc = SL_STATE;
    if (slot->out != NULL) {
        rc = sl_esp_seal(slot->out, plain, size, SL_ESP_NEXT_NONE, 0, sealed, sizeof(sealed),
                         &sealed_size);
    }
    if (rc == SL_OK) {
        const struct sl_udp_tx datagram = {
            .data = sealed, .size = sealed_size, .segment_size = sealed_size, .to = tunnel->peer};
        rc = sl_udp_send_probe(slot->udp, &datagram);
    }
    (void)pthread_mutex_unlock(&slot->tx_lock);
    return rc;
}

uint32_t sl_tunnel_inner_fit(const struct sl_tunnel *tunnel, uint32_t outer_size)
{
    uint32_t header = tunnel->peer.ip_version == 4 ? 20 : 40;
    header += tunnel->framing == SL_ESP_FRAMING_UDP ? 8 : 0;
    uint32_t room = outer_size > header ? outer_size - header : 0;
    uint32_t fixed = SL_ESP_HEADER_SIZE + SL_ESP_IV_SIZE + SL_ESP_ICV_SIZE;
    room = room > fixed ? (room - fixed) & ~3u : 0; /* RFC 4303 2.4: the trailer ends at 4 bytes */
    return room > 2 ? room - 2 : 0;
}
