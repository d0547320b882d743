/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What becomes of packets between their decryption and the chain: they go to the shard that they
 * belong to, and fragments wait until their datagram is whole. Inside of image/worker.c.
 */
#ifndef SL_IMAGE_EXCHANGE_H
#define SL_IMAGE_EXCHANGE_H

#include "image/worker.h"

/** Hands a packet over to another shard, counted at the port it came to the image by. */
void sl_exchange_hand(struct sl_worker *worker, uint32_t shard, const struct sl_packet *packet,
                      uint8_t origin);

/** Shows other shards what was handed to them, and wakes those that rest: the one call to the host
 * that a pass may make, and none while they work. */
void sl_exchange_publish(struct sl_worker *worker);

/** Takes out of the worker's burst what belongs to another shard, and fragments that are to wait.
 * @return how many stay, moved to the front */
uint32_t sl_exchange_sort(struct sl_worker *worker, const struct sl_worker_config *config,
                          uint32_t count);

/** Fills the burst with what other shards handed over and the chain is to run from its start, or
 * (@p is_turned) go on with. Fragments go to wait.
 * @param[out] ret_taken    packets taken out of the rings
 * @param[out] ret_resumed  of the burst, how many from its end are to be gone on with
 * @return packets in the burst; those to be gone on with lie behind the others */
uint32_t sl_exchange_take(struct sl_worker *worker, const struct sl_worker_config *config,
                          uint32_t *ret_taken, uint32_t *ret_resumed);
/** Gives the room of what was taken back; after the burst is sent. */
void sl_exchange_release(struct sl_worker *worker);

/** Fills the burst with fragments of whole datagrams, copied into the arena. @return how many */
uint32_t sl_exchange_whole(struct sl_worker *worker, const struct sl_worker_config *config);

#endif
