/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's clockwork. */
#include "gateway/watch.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define MS 1000000ull

enum {
    TICK_MS = 20,
    PROBE_SIZE_KEEPALIVE = SL_PMTU_SMALL - 8, /* another size than the search's small probe */
    OUTER_BASE = 1280,                        /* RFC 8899 5.1.2 says 1200; IPv6 links carry 1280 */
    OUTER_MAX = 9216,
    PING_FLAG_SHIFT = 63,
};
#define KEEPALIVE_NS (10000 * MS) /* below the 20 s of RFC 3948 4: also keeps NAT bindings */
#define PING_FLAG    (1ull << PING_FLAG_SHIFT)

static struct sl_gw_slot *slot_at(struct sl_tunnel *tunnel, uint32_t i)
{
    return &tunnel->slots[i / SL_PORT_COUNT][i % SL_PORT_COUNT];
}

/* Where not even the base size passes, everything but the smallest may be cut outside. */
static void mtu_publish(struct sl_watch *watch)
{
    bool is_narrow = watch->pmtu.state == SL_PMTU_ERROR;
    atomic_store(&watch->tunnel->df_max, is_narrow ? SL_PMTU_SMALL : watch->pmtu.mtu);
    atomic_store(&watch->tunnel->mtu, watch->pmtu.mtu);
}

/* The lock is held; sending takes the slot's tx_lock inside it, never the other way about. */
static void path_start(struct sl_watch *watch)
{
    uint32_t base = sl_tunnel_inner_fit(watch->tunnel, OUTER_BASE);
    uint32_t max = sl_tunnel_inner_fit(watch->tunnel, OUTER_MAX);
    if (watch->mtu_fixed != 0) {
        base = watch->mtu_fixed;
        max = watch->mtu_fixed;
    }
    sl_pmtu_init(&watch->pmtu, base, max, atomic_fetch_add(&watch->next_id, 1ull << 32),
                 sl_gw_now_ns());
    watch->is_path_started = true;
    mtu_publish(watch);
}

static void greet_all(struct sl_watch *watch, uint64_t now_ns)
{
    for (uint32_t i = 0; i < watch->tunnel->shard_count * SL_PORT_COUNT; i++) {
        sl_rc rc = sl_tunnel_probe(watch->tunnel, slot_at(watch->tunnel, i),
                                   atomic_fetch_add(&watch->next_id, 1), PROBE_SIZE_KEEPALIVE);
        (void)rc; /* no SA yet, or the network is down: the next one will tell */
    }
    watch->keepalive_ns = now_ns + KEEPALIVE_NS;
}

static uint64_t too_big_total(struct sl_tunnel *tunnel)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < tunnel->shard_count * SL_PORT_COUNT; i++) {
        total += sl_udp_counters(slot_at(tunnel, i)->udp)->tx_too_big;
    }
    return total;
}

static void answers_take(struct sl_watch *watch)
{
    (void)pthread_mutex_lock(&watch->answer_lock);
    for (uint32_t i = 0; i < watch->answer_count; i++) {
        const struct sl_watch_answer *answer = &watch->answers[i];
        (void)sl_pmtu_answer(&watch->pmtu, answer->id, answer->size, answer->at_ns);
    }
    watch->answer_count = 0;
    (void)pthread_mutex_unlock(&watch->answer_lock);
}

static void path_tick(struct sl_watch *watch, uint64_t now_ns)
{
    if (!watch->is_path_started || !sl_tunnel_is_keyed(watch->tunnel)) {
        return;
    }
    /* Packets of a size believed good did not fit the interface: its MTU was lowered. Probes that
     * do not fit count there as well, and are told apart by their result below. */
    uint64_t too_big = too_big_total(watch->tunnel);
    if (too_big > watch->too_big_seen && watch->pmtu.state == SL_PMTU_COMPLETE) {
        sl_pmtu_restart(&watch->pmtu, now_ns);
    }
    answers_take(watch);
    uint32_t count = sl_pmtu_poll(&watch->pmtu, now_ns);
    for (uint32_t i = 0; i < count; i++) {
        const struct sl_pmtu_probe *probe = &watch->pmtu.probes[i];
        if (sl_tunnel_probe(watch->tunnel, &watch->tunnel->slots[0][SL_PORT_LAN], probe->id,
                            probe->size) == SL_RANGE) {
            sl_pmtu_refused(&watch->pmtu, probe->size);
        }
    }
    watch->too_big_seen = too_big_total(watch->tunnel);
    mtu_publish(watch);
}

static void offload_tick(struct sl_watch *watch, uint64_t now_ns)
{
    struct sl_offload_sample ours;
    sl_tunnel_in_totals(watch->tunnel, &ours);
    bool is_gro = sl_offload_update(&watch->offload_rx, &ours, now_ns);
    bool is_gso = sl_offload_update(&watch->offload_tx, &watch->image, now_ns);
    for (uint32_t i = 0; i < watch->tunnel->shard_count * SL_PORT_COUNT; i++) {
        sl_udp_offload_set(slot_at(watch->tunnel, i)->udp, is_gso, is_gro);
    }
}

static void *watch_run(void *arg)
{
    struct sl_watch *watch = arg;
    uint64_t offload_ns = 0;
    while (!atomic_load(&watch->is_stopping)) {
        const struct timespec tick = {0, TICK_MS * (long)MS};
        (void)nanosleep(&tick, NULL);
        uint64_t now_ns = sl_gw_now_ns();
        (void)pthread_mutex_lock(&watch->lock);
        path_tick(watch, now_ns);
        if (now_ns >= offload_ns) {
            offload_tick(watch, now_ns);
            sl_tunnel_expire(watch->tunnel, now_ns);
            offload_ns = now_ns + 100 * MS;
        }
        if (watch->keepalive_ns != 0 && now_ns >= watch->keepalive_ns) {
            greet_all(watch, now_ns);
        }
        (void)pthread_mutex_unlock(&watch->lock);
    }
    return NULL;
}

sl_rc sl_watch_start(const struct sl_gw_config *config, struct sl_tunnel *tunnel,
                     struct sl_watch *watch, struct sl_err *err)
{
    memset(watch, 0, sizeof(*watch));
    watch->tunnel = tunnel;
    watch->mtu_fixed = config->mtu;
    watch->is_offload_allowed = config->is_offload;
    uint64_t first_id = 0;
    if (getrandom(&first_id, sizeof(first_id), 0) != (ssize_t)sizeof(first_id)) {
        return sl_err_set(err, SL_CRYPTO, "getrandom: %s", strerror(errno));
    }
    atomic_store(&watch->next_id, first_id >> 2);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&watch->answered, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&watch->lock, NULL);
    (void)pthread_mutex_init(&watch->answer_lock, NULL);
    uint64_t now_ns = sl_gw_now_ns();
    sl_offload_init(&watch->offload_rx, config->is_offload, now_ns);
    sl_offload_init(&watch->offload_tx, config->is_offload, now_ns);
    path_start(watch);
    int failed = pthread_create(&watch->thread, NULL, watch_run, watch);
    if (failed != 0) {
        return sl_err_set(err, SL_IO, "cannot start a thread: %s", strerror(failed));
    }
    watch->is_started = true;
    return SL_OK;
}

void sl_watch_stop(struct sl_watch *watch)
{
    if (watch->is_started) {
        atomic_store(&watch->is_stopping, true);
        (void)pthread_join(watch->thread, NULL);
        (void)pthread_mutex_destroy(&watch->lock);
        (void)pthread_mutex_destroy(&watch->answer_lock);
        (void)pthread_cond_destroy(&watch->answered);
        watch->is_started = false;
    }
}

void sl_watch_rekeyed(struct sl_watch *watch, bool is_new_path)
{
    uint64_t now_ns = sl_gw_now_ns();
    (void)pthread_mutex_lock(&watch->lock);
    greet_all(watch, now_ns);
    if (is_new_path) {
        sl_pmtu_restart(&watch->pmtu, now_ns);
    }
    (void)pthread_mutex_unlock(&watch->lock);
}

void sl_watch_answer(void *ctx, struct sl_gw_slot *slot, const struct sl_probe *probe)
{
    struct sl_watch *watch = ctx;
    uint64_t now_ns = sl_gw_now_ns();
    (void)slot;
    (void)pthread_mutex_lock(&watch->answer_lock);
    if ((probe->id & PING_FLAG) == 0 && watch->answer_count < SL_WATCH_ANSWERS_MAX) {
        watch->answers[watch->answer_count++] =
            (struct sl_watch_answer){probe->id, now_ns, probe->size};
    }
    for (int i = 0; i < SL_WATCH_PINGS_MAX; i++) {
        struct sl_watch_ping *ping = &watch->pings[i];
        if (ping->id == probe->id && ping->id != 0 && ping->rtt_ns == 0) {
            ping->rtt_ns = now_ns - ping->sent_ns + 1;
            (void)pthread_cond_broadcast(&watch->answered);
        }
    }
    (void)pthread_mutex_unlock(&watch->answer_lock);
}

void sl_watch_image_totals(struct sl_watch *watch, const struct sl_offload_sample *totals)
{
    (void)pthread_mutex_lock(&watch->lock);
    watch->image = *totals;
    (void)pthread_mutex_unlock(&watch->lock);
}

static struct sl_watch_ping *ping_slot(struct sl_watch *watch)
{
    for (int i = 0; i < SL_WATCH_PINGS_MAX; i++) {
        if (watch->pings[i].id == 0) {
            return &watch->pings[i];
        }
    }
    return NULL;
}

sl_rc sl_watch_ping(struct sl_watch *watch, uint32_t shard, enum sl_port port, uint32_t size,
                    uint32_t timeout_ms, uint64_t *ret_rtt_ns)
{
    if (shard >= watch->tunnel->shard_count || size < SL_PROBE_SIZE_MIN || size > SL_PACKET_MAX) {
        return SL_RANGE;
    }
    (void)pthread_mutex_lock(&watch->answer_lock);
    struct sl_watch_ping *ping = ping_slot(watch);
    if (ping == NULL) {
        (void)pthread_mutex_unlock(&watch->answer_lock);
        return SL_AGAIN;
    }
    uint64_t start = sl_gw_now_ns();
    *ping = (struct sl_watch_ping){.id = atomic_fetch_add(&watch->next_id, 1) | PING_FLAG,
                                   .sent_ns = start};
    uint64_t id = ping->id;
    uint64_t end = start + timeout_ms * MS;
    const struct timespec until = {(time_t)(end / 1000000000u), (long)(end % 1000000000u)};
    (void)pthread_mutex_unlock(
        &watch->answer_lock); /* an answer may come before we wait: it is noted */
    sl_rc rc = sl_tunnel_probe(watch->tunnel, &watch->tunnel->slots[shard][port], id, size);
    (void)pthread_mutex_lock(&watch->answer_lock);
    int waited = 0;
    while (rc == SL_OK && ping->rtt_ns == 0 && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&watch->answered, &watch->answer_lock, &until);
    }
    if (rc == SL_OK && ping->rtt_ns == 0) {
        rc = SL_TIMEOUT;
    }
    if (rc == SL_OK) {
        *ret_rtt_ns = ping->rtt_ns;
    }
    ping->id = 0;
    (void)pthread_mutex_unlock(&watch->answer_lock);
    return rc;
}
