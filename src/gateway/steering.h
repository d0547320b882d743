/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Which shard, and so which SA, a packet goes to: the one where the image will run it. The image's
 * own code answers (nf/chain.h), over the tenant's policy and the key that the image sent over the
 * attested channel. Without either, or where a packet cannot be parsed, a plain hash of the flow:
 * then the image hands over inside what came to the wrong shard. Never wrong, only slower.
 */
#ifndef SL_GATEWAY_STEERING_H
#define SL_GATEWAY_STEERING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "control/message.h"
#include "net/ip.h"
#include "safelib/packet.h"

struct sl_chain;

struct sl_steering {
    pthread_rwlock_t lock;
    struct sl_chain *chain; /**< NULL: by plain hash */
};

void sl_steering_init(struct sl_steering *steering);
/** Frees the chain and wipes the key. */
void sl_steering_done(struct sl_steering *steering);

/** Steers as the image does from now on.
 * @param bundle  what the image was given
 * @retval SL_OK, or of sl_chain_create_at: then by plain hash */
sl_rc sl_steering_set(struct sl_steering *steering, const void *bundle, size_t size,
                      const struct sl_msg_steering *told, struct sl_err *err) SL_MUST_CHECK;
/** By plain hash from now on; the key is forgotten. */
void sl_steering_clear(struct sl_steering *steering);
bool sl_steering_is_set(struct sl_steering *steering);

/** The shard of a packet, or super-packet, as it came from the TUN.
 * @param ip     of @p data, parsed; may be of more than one segment
 * @param is_cut the packet goes in fragments, which belong to where they are put together
 * @return less than @p shard_count
 * @context any thread, many at once; a read lock, nothing else that waits */
uint32_t sl_steering_shard(struct sl_steering *steering, enum sl_port port, uint8_t *data,
                           uint32_t size, const struct sl_ip *ip, bool is_cut,
                           uint32_t shard_count);

#endif
