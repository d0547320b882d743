/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Container events: what a node's agent saw of its containers, one record each, in a log that it
 * extends into a PCR of its own (docs/trust-protocol.md, "Container events").
 */
#ifndef SL_ATTEST_NODE_EVENT_H
#define SL_ATTEST_NODE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    SL_NODE_EVENT_SIZE_MAX = 1024, /**< TPM2B_EVENT holds no more */
    SL_NODE_EVENT_ID_MAX = 128,
    SL_NODE_EVENT_TEXT_MAX = 256,
    SL_NODE_EVENT_PATH_MAX = 512,
    SL_NODE_EVENT_PCR = 14, /**< unless configured otherwise; why: docs/trust-protocol.md */
};

enum sl_node_event_type {
    SL_NODE_AGENT = 1,
    SL_NODE_START = 2,
    SL_NODE_STOP = 3,
    SL_NODE_EXEC = 4,
    SL_NODE_LOST = 5,
};

enum sl_node_event_flag {
    SL_NODE_LATE = 1,     /**< seen after it had happened */
    SL_NODE_PATH_CUT = 2, /**< the path is longer than what is said of it */
};

/** One event; fields that its type has not are zero. */
struct sl_node_event {
    enum sl_node_event_type type;
    uint64_t number; /**< from 1 */
    uint64_t time_ms;
    uint8_t flags;
    char id[SL_NODE_EVENT_ID_MAX];
    char runtime[64], image[SL_NODE_EVENT_TEXT_MAX], cgroup[SL_NODE_EVENT_TEXT_MAX];
    char device[32];
    uint64_t uid_first, uid_count;
    char path[SL_NODE_EVENT_PATH_MAX];
    uint8_t digest[32]; /**< SHA-256 of what was executed; zero: could not be read */
    uint64_t ima_count;
    uint8_t ima_pcr[32];
    char version[64];
    uint64_t lost;
    const uint8_t *record; /**< read: its bytes, in the input */
    size_t record_size;
};

/** @param[in] size  room in @p out
 * @retval SL_OK
 * @retval SL_NO_SPACE   @p size, or more than SL_NODE_EVENT_SIZE_MAX
 * @retval SL_INVALID    a type that there is not, or a field missing that it must have */
sl_rc sl_node_event_write(const struct sl_node_event *event, uint8_t *out, size_t size,
                          size_t *ret_size) SL_MUST_CHECK;

/** Reads the record at *@p off and moves it on.
 * @retval SL_OK
 * @retval SL_CLOSED      nothing is left
 * @retval SL_TRUNCATED   the log ends within the record
 * @retval SL_UNSUPPORTED another version, or a type that there is not
 * @retval SL_MALFORMED   fields out of order, twice, empty, of a wrong size, missing or not of this
 *                        type; text that is not printable ASCII */
sl_rc sl_node_event_read(const uint8_t *data, size_t size, size_t *off,
                         struct sl_node_event *ret_event, struct sl_err *err) SL_MUST_CHECK;

#endif
