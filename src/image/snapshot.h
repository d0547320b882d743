/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * SL_MSG_SNAPSHOT: the state of all flows goes to the host in chunks that only this image can open,
 * and comes back from it after a restart. The control thread's part: it seals and opens, the
 * workers save and restore (image/snapshot_job.h), the host keeps (SL_FRAME_SNAPSHOT).
 *
 * A snapshot is taken while packets flow: each flow as it is when its turn comes. Which snapshot is
 * the newest says the gateway, by the epoch that it has given for it: an older one, or one that was
 * never ended, is refused. One bad chunk, and every flow that came back goes again.
 */
#ifndef SL_IMAGE_SNAPSHOT_H
#define SL_IMAGE_SNAPSHOT_H

#include "boundary/ring.h"
#include "image/snapshot_chunk.h"
#include "image/snapshot_job.h"

struct sl_control_server;

/** The host must have answered within this. */
#define SL_SNAPSHOT_TIMEOUT_NS 20000000000ull

struct sl_snapshot {
    struct sl_msg_snapshot told; /**< state and counts */
    uint64_t began_ns;
    uint64_t moved_ns; /**< when it came forward last */
    uint32_t step;     /**< private to snapshot.c */
    uint32_t shard;    /**< whose job is under way */
    uint32_t sent;     /**< saving: chunks of the job that are sealed */
    struct sl_chunks chunks;
    uint8_t out[SL_SNAPSHOT_CHUNK_MAX]; /**< frame that waits for room */
    size_t out_size;
    uint8_t out_what;
    uint32_t out_index;
    bool has_out;
    bool is_chunk_in; /**< restoring: chunk `in_index` has come */
    uint64_t flows_wanted;
    struct sl_err err;
};

/** Begins what a request asks for.
 * @retval SL_OK, SL_AGAIN, SL_STALE, SL_STATE, SL_UNSUPPORTED, SL_NO_MEMORY, SL_RANGE (what) */
sl_rc sl_snapshot_request(struct sl_control_server *server, enum sl_msg_snapshot_what what,
                          uint64_t epoch, uint64_t now_ns, struct sl_err *err) SL_MUST_CHECK;
/** An SL_FRAME_SNAPSHOT of the host (hostile input). @return false where it answers nothing */
bool sl_snapshot_frame(struct sl_control_server *server, const uint8_t *data, size_t size,
                       uint64_t now_ns);
/** Moves it on. @return when it wants to be called again; UINT64_MAX: not by time */
uint64_t sl_snapshot_poll(struct sl_control_server *server, uint64_t now_ns);
/** Gives up. */
void sl_snapshot_done(struct sl_control_server *server);
bool sl_snapshot_is_active(const struct sl_snapshot *snapshot);

#endif
