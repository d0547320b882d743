/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an image is beyond one run: its instance, the epoch of its last provisioning, the highest
 * policy version it ever took; sealed for the host to keep, and handed back at the next start. SAs
 * and keys are never in it: a restarted image has none, and gets none without attestation.
 *
 * Handing back an older state is possible for the host. It shows in the epoch, which the gateway
 * remembers (gateway/instance.h). On the device bare nothing is sealed: each start is a new
 * instance.
 *
 * And what the image remembers of this run: the log, and how its clock kept pace with the
 * gateway's. Lives on the control thread.
 */
#ifndef SL_IMAGE_LIFE_H
#define SL_IMAGE_LIFE_H

#include "base/err.h"
#include "boundary/ring.h"
#include "control/image_log.h"
#include "control/message.h"
#include "image/seal.h"

struct sl_provision;

enum { SL_LIFE_LOG_COUNT = 256 };

/** Clocks that differ by more over an interval between two TIME messages are reported: 2 % of it
 * and half a second. */
#define SL_LIFE_CLOCK_SLACK_NS 500000000ull
enum { SL_LIFE_CLOCK_SLACK_PERCENT = 2 };
/** Below that interval nothing is judged. */
#define SL_LIFE_CLOCK_INTERVAL_MIN_NS 1000000000ull

struct sl_life_log {
    struct sl_image_record records[SL_LIFE_LOG_COUNT]; /**< seq modulo SL_LIFE_LOG_COUNT */
    uint64_t seq;                                      /**< of the last; 0: none */
    uint8_t hash[SL_IMAGE_LOG_HASH_SIZE];
    uint64_t repeats; /**< of the last one, not written yet */
};

struct sl_life {
    uint8_t instance[SL_INSTANCE_SIZE];
    uint64_t epoch;
    enum sl_seal_policy seal_policy; /**< what the state is sealed to */
    enum sl_instance_origin origin;
    char refusal[SL_IMAGE_LOG_TEXT_MAX]; /**< SL_ORIGIN_REFUSED: why */
    uint8_t sealed[SL_SEALED_MAX];
    uint16_t sealed_size; /**< waits for room in the ring; 0: nothing waits */
    uint64_t seals;       /**< states that were given to the host */
    struct sl_life_log log;
    /* the last TIME message */
    bool has_time;
    uint64_t time_gateway_ns, time_own_ns;
    uint64_t clock_checks, clock_warps;
    int64_t clock_worst_ns; /**< largest difference over one interval, own minus gateway's */
};

/** Takes the host's word for what was sealed, or makes a new instance.
 * @param[in]  sealed     as the host hands it back, or NULL; sealed by either policy, so that the
 *                        host's operator may change it
 * @param[in]  seal_policy  for what it seals from now on
 * @param[out] provision  gets the lowest policy version that it may take
 * @retval SL_OK      @p life is filled; life->origin says how
 * @retval SL_CRYPTO  no randomness */
sl_rc sl_life_init(struct sl_life *life, const uint8_t *sealed, size_t size,
                   enum sl_seal_policy seal_policy, struct sl_provision *provision,
                   uint64_t now_ns) SL_MUST_CHECK;

/** SL_MSG_EPOCH. @retval SL_OK, SL_MISMATCH, SL_STALE, or of sealing: nothing has changed */
sl_rc sl_life_epoch_set(struct sl_life *life, const struct sl_provision *provision,
                        const uint8_t instance[SL_INSTANCE_SIZE], uint64_t epoch, uint64_t now_ns,
                        struct sl_err *err) SL_MUST_CHECK;
/** Seals anew: the policy has changed. @retval SL_OK, also where nothing can be sealed; or of
 * sl_seal */
sl_rc sl_life_seal(struct sl_life *life, const struct sl_provision *provision,
                   struct sl_err *err) SL_MUST_CHECK;
/** Gives the host what waits for it. @return false where the ring has no room yet */
bool sl_life_flush(struct sl_life *life, struct sl_byte_ring *out);
/** Fills in what SL_MSG_INSTANCE tells. */
void sl_life_tell(struct sl_life *life, const struct sl_provision *provision,
                  struct sl_msg_instance *ret_instance);

/** A TIME message: compares the two clocks' progress since the last one.
 * @return false where they differ by more than the bound: counted, and in the log */
bool sl_life_time(struct sl_life *life, uint64_t gateway_ns, uint64_t own_ns);

/** Appends to the log; what equals the last record is counted. @p text may be cut; or NULL. */
void sl_life_note(struct sl_life *life, uint64_t own_ns, enum sl_image_event event, sl_rc rc,
                  uint64_t number, const char *text);
/** Writes the reply to SL_MSG_LOG: records after @p seq as far as @p w has room. */
void sl_life_log_write(struct sl_life *life, uint64_t seq, struct sl_writer *w);

#endif
