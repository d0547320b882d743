/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The kernel's measurement list, read as it grows into an append-only archive of this boot, so that
 * entries stay available after the kernel's own list was trimmed or the agent was restarted.
 */
#ifndef SL_AGENT_IMA_LIST_H
#define SL_AGENT_IMA_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SL_AGENT_IMA_MAX = 64 << 20 /**< bytes of one boot's list */ };

struct sl_agent_ima {
    char source[256], archive[512];
    int source_fd, archive_fd;
    uint64_t source_off; /**< bytes taken from source_fd */
    uint8_t *data;       /**< all whole entries of this boot, then `tail` bytes of the next */
    size_t size, room, tail;
    size_t *ends; /**< ends[i]: offset behind entry i */
    size_t count, ends_room;
    bool has_gap; /**< the kernel's list did not continue the archive */
};

/** Opens the archive STATE_DIR/ima-BOOT_ID and takes in what it holds; those of older boots
 * are deleted: nobody can ask for them again.
 * @retval SL_OK, SL_IO, SL_NO_MEMORY, SL_MALFORMED (archive), SL_RANGE
 * @owner caller calls sl_agent_ima_close, also after a failure */
sl_rc sl_agent_ima_open(const char *source, const char *state_dir, const char *boot_id,
                        struct sl_agent_ima *ret_list, struct sl_err *err) SL_MUST_CHECK;
void sl_agent_ima_close(struct sl_agent_ima *list);

/** Takes in what the kernel has added; the archive is on disk when this returns.
 * @retval SL_OK, SL_IO, SL_NO_MEMORY, SL_RANGE (the list is longer than SL_AGENT_IMA_MAX)
 * @retval SL_MALFORMED, SL_UNSUPPORTED  an entry no one can read */
sl_rc sl_agent_ima_poll(struct sl_agent_ima *list, struct sl_err *err) SL_MUST_CHECK;

/** Bytes from entry @p from (from 0) on. @return NULL: there are fewer entries */
const uint8_t *sl_agent_ima_from(const struct sl_agent_ima *list, uint64_t from, size_t *ret_size);
/** How many of those bytes go into @p size_max: whole entries, one at least. */
size_t sl_agent_ima_piece(const struct sl_agent_ima *list, uint64_t from, size_t size_max);

#endif
