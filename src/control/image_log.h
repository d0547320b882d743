/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Records of the log that an image keeps in its memory, and that the gateway fetches and puts into
 * its own:
 *
 *   u64 seq | u64 time (ns) | u8 is_time_authentic | u16 event | u16 rc | u64 number | string text
 *
 * The chain: hash of a record = SHA-256("SafeLib image log 1" ‖ 0 ‖ hash of the one before ‖ the
 * record's bytes); 32 zeros before the first. An image starts with an empty log at each start.
 */
#ifndef SL_CONTROL_IMAGE_LOG_H
#define SL_CONTROL_IMAGE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "safelib/rc.h"

/** name, its word, what `number` is */
#define SL_IMAGE_EVENT_TABLE(X)                                                                    \
    X(START, "start", "where the identity is from (enum sl_instance_origin)")                      \
    X(ATTEST, "attest", "0")                                                                       \
    X(EPOCH, "epoch", "the epoch")                                                                 \
    X(POLICY, "policy", "the version")                                                             \
    X(KEYS, "keys", "SAs set so far")                                                              \
    X(KEYS_DELETED, "keys_deleted", "0")                                                           \
    X(LEASE_OVER, "lease_over", "seconds of the lease")                                            \
    X(REFUSED, "refused", "type of the request")                                                   \
    X(CLOCK, "clock", "ns by which gateway and image differ over an interval")                     \
    X(SAVED, "saved", "flows in the snapshot")                                                     \
    X(RESTORED, "restored", "flows that came back from a snapshot")                                \
    X(REPEATED, "repeated", "how often the one before happened again")

enum sl_image_event {
#define SL_IMAGE_EVENT_ENUM(name, word, number) SL_IMAGE_##name,
    SL_IMAGE_EVENT_TABLE(SL_IMAGE_EVENT_ENUM)
#undef SL_IMAGE_EVENT_ENUM
        SL_IMAGE_EVENT_COUNT
};
const char *sl_image_event_word(uint16_t event);

enum {
    SL_IMAGE_LOG_TEXT_MAX = 160,
    SL_IMAGE_LOG_RECORD_MAX = 8 + 8 + 1 + 2 + 2 + 8 + 2 + SL_IMAGE_LOG_TEXT_MAX,
    SL_IMAGE_LOG_HASH_SIZE = 32,
};

struct sl_image_record {
    uint64_t seq;
    uint64_t time_ns;
    bool is_time_authentic; /**< the gateway's time; else the image's own since its start */
    uint16_t event;
    uint16_t rc; /**< SL_OK, or why it was refused */
    uint64_t number;
    char text[SL_IMAGE_LOG_TEXT_MAX];
};

void sl_image_record_write(struct sl_writer *w, const struct sl_image_record *record);
/** @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_RANGE (event, rc, text) */
sl_rc sl_image_record_read(struct sl_reader *r, struct sl_image_record *ret_record) SL_MUST_CHECK;

/** The chain's hash after a record. @retval SL_OK, SL_CRYPTO */
sl_rc sl_image_record_hash(const uint8_t before[SL_IMAGE_LOG_HASH_SIZE], const uint8_t *bytes,
                           size_t size, uint8_t ret_hash[SL_IMAGE_LOG_HASH_SIZE]) SL_MUST_CHECK;

#endif
