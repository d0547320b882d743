/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The log of container events of this boot: on disk before it is in the PCR, so that after a crash
 * the two agree again (docs/trust-protocol.md, "Container events").
 */
#ifndef SL_AGENT_EVENTS_H
#define SL_AGENT_EVENTS_H

#include "agent/ima_list.h"
#include "agent/tpm.h"
#include "attest/node_event.h"

enum { SL_AGENT_EVENTS_MAX = 4 << 20 /**< bytes of one boot's events: they fit one message */ };

struct sl_agent_events {
    bool is_on;   /**< an agent's start is on record: others may follow */
    bool is_full; /**< no more in this boot */
    uint32_t pcr;
    char path[512];
    int fd;
    size_t size_max;
    uint8_t *data;
    size_t size, room;
    size_t *ends; /**< ends[i]: offset behind event i */
    size_t count, ends_room;
    uint8_t value[32]; /**< of the PCR after them, SHA-256 */
    uint64_t *seen;    /**< hashes of programs that are on record; open addressing, 0: free */
    size_t seen_count, seen_room;
};

/** Opens STATE_DIR/events-BOOT_ID, deletes those of older boots, and extends the PCR with a last
 * record that a crash kept from it.
 * @param[in] size_max  SL_AGENT_EVENTS_MAX
 * @retval SL_OK
 * @retval SL_AUTH  the PCR has a value that this log does not explain: somebody else has written it
 * @retval SL_MALFORMED, SL_RANGE (the file), SL_IO, SL_NO_MEMORY, SL_CRYPTO, SL_NOT_FOUND (no bank
 * sha256)
 * @owner caller calls sl_agent_events_close, also after a failure */
sl_rc sl_agent_events_open(const char *state_dir, const char *boot_id, uint32_t pcr,
                           size_t size_max, struct sl_agent_tpm *tpm,
                           struct sl_agent_events *ret_events, struct sl_err *err) SL_MUST_CHECK;
void sl_agent_events_close(struct sl_agent_events *events);

/** The agent's start: ties the events to the measurement list as it is now.
 * @retval SL_OK
 * @retval SL_NOT_FOUND  no prefix of the list has the value of PCR 10: nothing is recorded
 * @retval SL_IO, SL_NO_MEMORY, SL_NO_SPACE, SL_CRYPTO, and those of sl_agent_ima_poll */
sl_rc sl_agent_events_begin(struct sl_agent_events *events, struct sl_agent_tpm *tpm,
                            struct sl_agent_ima *ima, struct sl_err *err) SL_MUST_CHECK;

/** Records one: number and time are set here. A program of the same container, path and digest is
 * recorded once.
 * @retval SL_OK        on disk and in the PCR
 * @retval SL_NO_SPACE  the log is full: the loss was recorded, and nothing more is in this boot
 * @retval SL_CLOSED    not begun
 * @retval SL_INVALID   a field is missing
 * @retval SL_IO, SL_NO_MEMORY */
sl_rc sl_agent_events_add(struct sl_agent_events *events, struct sl_agent_tpm *tpm,
                          struct sl_node_event *event, struct sl_err *err) SL_MUST_CHECK;

/** Bytes from event @p from (from 0) on. @return NULL: there are fewer */
const uint8_t *sl_agent_events_from(const struct sl_agent_events *events, uint64_t from,
                                    size_t *ret_size);

#endif
