/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a chain of the image's own kind, which is never run. */
#include "gateway/steering.h"

#include <string.h>

#include "base/secret.h"
#include "nf/chain.h"

void sl_steering_init(struct sl_steering *steering)
{
    (void)pthread_rwlock_init(&steering->lock, NULL);
    steering->chain = NULL;
}

static void replace(struct sl_steering *steering, struct sl_chain *chain)
{
    static const uint8_t nothing[SL_CHAIN_STEER_KEY_SIZE];
    (void)pthread_rwlock_wrlock(&steering->lock);
    struct sl_chain *old = steering->chain;
    steering->chain = chain;
    (void)pthread_rwlock_unlock(&steering->lock);
    if (old != NULL) {
        sl_chain_steer_key_set(old, nothing);
        sl_chain_free(old);
    }
}

void sl_steering_done(struct sl_steering *steering)
{
    replace(steering, NULL);
    (void)pthread_rwlock_destroy(&steering->lock);
}

void sl_steering_clear(struct sl_steering *steering)
{
    replace(steering, NULL);
}

sl_rc sl_steering_set(struct sl_steering *steering, const void *bundle, size_t size,
                      const struct sl_msg_steering *told, struct sl_err *err)
{
    struct sl_chain *chain = NULL;
    const struct sl_chain_place place = {.shard_count = told->shard_count,
                                         .is_steering_only = true};
    sl_rc rc = sl_chain_create_at(bundle, size, &place, &chain, err);
    if (rc == SL_OK) {
        sl_chain_steer_key_set(chain, told->key);
    }
    replace(steering, chain);
    return rc;
}
_Static_assert((int)SL_STEERING_KEY_SIZE == (int)SL_CHAIN_STEER_KEY_SIZE, "the whole key");

bool sl_steering_is_set(struct sl_steering *steering)
{
    (void)pthread_rwlock_rdlock(&steering->lock);
    bool is_set = steering->chain != NULL;
    (void)pthread_rwlock_unlock(&steering->lock);
    return is_set;
}

/* As the image will see it once it is out of the tunnel. */
static uint32_t ask(const struct sl_chain *chain, enum sl_port port, uint8_t *data, uint32_t size,
                    bool is_cut)
{
    struct sl_packet packet = {.data = data, .size = size, .room = size, .port_in = (uint8_t)port};
    if (chain == NULL || sl_packet_parse(&packet) != SL_OK) {
        return SL_STEER_ANY;
    }
    if (is_cut) {
        packet.has |= SL_PKT_FRAGMENT;
    }
    return sl_chain_steer(chain, &packet);
}

uint32_t sl_steering_shard(struct sl_steering *steering, enum sl_port port, uint8_t *data,
                           uint32_t size, const struct sl_ip *ip, bool is_cut, uint32_t shard_count)
{
    if (shard_count < 2) {
        return 0;
    }
    (void)pthread_rwlock_rdlock(&steering->lock);
    uint32_t shard = ask(steering->chain, port, data, size, is_cut);
    (void)pthread_rwlock_unlock(&steering->lock);
    return (shard != SL_STEER_ANY ? shard : sl_ip_flow_hash(data, ip)) % shard_count;
}
