/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of all flows: ordered by the gateway, kept by the host. */
#include "image/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "control/frame.h"
#include "image/control_server.h"

#define POLL_NS      100000ull  /* while a worker or the host is at it */
#define RING_FULL_NS 1000000ull /* until the host has made room */

enum step {
    STEP_IDLE = 0,
    STEP_SAVE_JOB,     /* a worker fills chunks */
    STEP_SAVE_SEND,    /* they are sealed and sent */
    STEP_SAVE_END,     /* the host is asked whether it has all */
    STEP_RESTORE_GET,  /* the host is asked for a chunk */
    STEP_RESTORE_JOB,  /* a worker takes it in */
    STEP_RESTORE_UNDO, /* a worker ends what came back */
};

bool sl_snapshot_is_active(const struct sl_snapshot *snapshot)
{
    return snapshot->step != STEP_IDLE;
}

static struct sl_snapshot_job *job_of(struct sl_control_server *server, uint32_t shard)
{
    return &server->params.provision->workers[shard].job;
}

/* It is over, well or not; what the workers hold is theirs no longer. */
static void finish(struct sl_control_server *server, sl_rc rc, uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    bool is_save = s->told.state == SL_MSG_SNAPSHOT_IS_SAVING;
    sl_snapshot_done(server);
    s->told.took_ns = now_ns - s->began_ns;
    s->told.rc = (uint16_t)rc;
    s->told.state = rc != SL_OK ? SL_MSG_SNAPSHOT_IS_FAILED
                    : is_save   ? SL_MSG_SNAPSHOT_IS_SAVED
                                : SL_MSG_SNAPSHOT_IS_RESTORED;
    if (rc != SL_OK) {
        (void)snprintf(s->told.sentence, sizeof(s->told.sentence), "%.190s",
                       s->err.text[0] != '\0' ? s->err.text : sl_rc_text(rc));
    }
    sl_life_note(server->params.life, now_ns, is_save ? SL_IMAGE_SAVED : SL_IMAGE_RESTORED, rc,
                 s->told.flows, s->told.sentence);
}

static void fail(struct sl_control_server *server, sl_rc rc, const char *text, uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    if (text != NULL) {
        sl_err_record(&s->err, rc, "%s", text);
    }
    if (s->told.state == SL_MSG_SNAPSHOT_IS_RESTORING && s->step != STEP_RESTORE_UNDO &&
        s->told.flows + s->told.refused > 0) {
        s->err.rc = rc; /* half a snapshot is none: every worker ends what came back */
        s->step = STEP_RESTORE_UNDO;
        s->told.flows = 0;
        for (uint32_t shard = 0; shard < server->params.provision->shard_count; shard++) {
            sl_snapshot_job_give(job_of(server, shard), SL_JOB_END);
        }
        return;
    }
    finish(server, rc, now_ns);
}

/* ---- frames ---- */

/* One frame at a time; `out` holds what goes with it. */
static void frame_begin(struct sl_snapshot *s, enum sl_snapshot_frame what, uint32_t index,
                        size_t size)
{
    s->out_what = (uint8_t)what;
    s->out_index = index;
    s->out_size = size;
    s->has_out = true;
}

static bool frame_flush(struct sl_control_server *server, uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    if (s->has_out &&
        sl_frame_write_snapshot(&server->params.out, (enum sl_snapshot_frame)s->out_what,
                                s->out_index, s->out, s->out_size) == SL_OK) {
        s->has_out = false;
        s->moved_ns = now_ns;
    }
    return !s->has_out;
}

static void on_kept(struct sl_control_server *server, uint32_t index, const uint8_t *data,
                    size_t size, uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    if (size != 2 || index != s->out_index) {
        fail(server, SL_MALFORMED, "the host's answer cannot be read", now_ns);
    } else if (sl_be16_get(data) != SL_OK) {
        fail(server, SL_IO, "the host could not keep the snapshot", now_ns);
    } else {
        finish(server, SL_OK, now_ns);
    }
}

static void ask_next(struct sl_snapshot *s)
{
    frame_begin(s, SL_SNAPSHOT_GET, (uint32_t)s->told.chunks, 0);
    s->step = STEP_RESTORE_GET;
}

static void on_end_chunk(struct sl_control_server *server, const uint8_t *data, uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    s->flows_wanted = sl_be64_get(data);
    if (s->told.flows + s->told.refused != s->flows_wanted) {
        fail(server, SL_MISMATCH, "the snapshot does not hold as many flows as it says", now_ns);
        return;
    }
    finish(server, SL_OK, now_ns);
}

/* A chunk; the first says whether it is the snapshot that is wanted. */
static void on_chunk(struct sl_control_server *server, const uint8_t *data, size_t size,
                     uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    enum sl_chunk_kind kind = SL_CHUNK_FLOWS;
    size_t got = 0;
    if (size == 0) {
        fail(server, s->told.chunks == 0 ? SL_NOT_FOUND : SL_TRUNCATED,
             s->told.chunks == 0 ? "the host has no snapshot" : "the host has lost its end",
             now_ns);
        return;
    }
    if (s->told.chunks == 0) {
        sl_rc rc = sl_chunks_open(&s->chunks, server->params.life->instance, s->told.epoch, data,
                                  size, &s->err);
        s->told.chunks++;
        if (rc != SL_OK) {
            fail(server, rc, NULL, now_ns);
        } else {
            ask_next(s);
        }
        return;
    }
    struct sl_snapshot_job *job = job_of(server, 0);
    sl_rc rc = sl_chunks_read(&s->chunks, data, size, job->data, &kind, &got);
    s->told.chunks++;
    if (rc != SL_OK) {
        fail(server, rc, "a chunk of it is damaged, of another snapshot, or out of its place",
             now_ns);
    } else if (kind == SL_CHUNK_END) {
        on_end_chunk(server, job->data, now_ns);
    } else {
        job->sizes[0] = (uint32_t)got;
        s->shard = 0;
        s->step = STEP_RESTORE_JOB;
        sl_snapshot_job_give(job, SL_JOB_RESTORE);
    }
}

bool sl_snapshot_frame(struct sl_control_server *server, const uint8_t *data, size_t size,
                       uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    if (size < SL_SNAPSHOT_FRAME_HEADER || s->has_out) {
        return false;
    }
    uint8_t what = data[0];
    uint32_t index = sl_be32_get(data + 1);
    data += SL_SNAPSHOT_FRAME_HEADER;
    size -= SL_SNAPSHOT_FRAME_HEADER;
    if (s->step == STEP_SAVE_END && what == SL_SNAPSHOT_END) {
        on_kept(server, index, data, size, now_ns);
        return true;
    }
    if (s->step == STEP_RESTORE_GET && what == SL_SNAPSHOT_GET && index == s->out_index) {
        s->moved_ns = now_ns;
        on_chunk(server, data, size, now_ns);
        return true;
    }
    return false;
}

/* ---- requests ---- */

static sl_rc may_begin(const struct sl_control_server *server, enum sl_msg_snapshot_what what,
                       uint64_t epoch, struct sl_err *err)
{
    const struct sl_provision *provision = server->params.provision;
    if (sl_snapshot_is_active(&server->snapshot)) {
        return sl_err_set(err, SL_AGAIN, "a snapshot is under way");
    }
    if (server->params.life->origin == SL_ORIGIN_UNSEALABLE) {
        return sl_err_set(
            err, SL_UNSUPPORTED,
            "snapshot: this device cannot seal, so that nobody could tell whose it is");
    }
    if (!provision->has_chain) {
        return sl_err_set(err, SL_STATE, "snapshot: no chain is loaded");
    }
    if (what == SL_MSG_SNAPSHOT_SAVE && epoch != server->params.life->epoch) {
        return sl_err_set(err, SL_STALE, "snapshot of epoch %llu; this image is at %llu",
                          (unsigned long long)epoch,
                          (unsigned long long)server->params.life->epoch);
    }
    if (what == SL_MSG_SNAPSHOT_RESTORE && provision->sa_sets > 0) {
        return sl_err_set(err, SL_STATE,
                          "snapshot: flows come back before the first SA of an image is set; this "
                          "one has had traffic since it was started");
    }
    return what == SL_MSG_SNAPSHOT_SAVE || what == SL_MSG_SNAPSHOT_RESTORE
               ? SL_OK
               : sl_err_set(err, SL_RANGE, "snapshot: request %d is none", (int)what);
}

static sl_rc make_room(struct sl_control_server *server)
{
    sl_rc rc = SL_OK;
    for (uint32_t shard = 0; rc == SL_OK && shard < server->params.provision->shard_count;
         shard++) {
        rc = sl_snapshot_job_begin(job_of(server, shard));
    }
    return rc;
}

sl_rc sl_snapshot_request(struct sl_control_server *server, enum sl_msg_snapshot_what what,
                          uint64_t epoch, uint64_t now_ns, struct sl_err *err)
{
    struct sl_snapshot *s = &server->snapshot;
    sl_rc rc = may_begin(server, what, epoch, err);
    if (rc != SL_OK) {
        return rc;
    }
    memset(s, 0, sizeof(*s));
    s->told.epoch = epoch;
    s->began_ns = s->moved_ns = now_ns;
    rc = make_room(server);
    if (rc == SL_OK && what == SL_MSG_SNAPSHOT_SAVE) {
        rc = sl_chunks_begin(&s->chunks, server->params.life->seal_policy,
                             server->params.life->instance, epoch, s->out, &s->out_size, err);
    } else if (rc != SL_OK) {
        rc = sl_err_set(err, rc, "snapshot: no memory for its chunks");
    }
    if (rc != SL_OK) {
        s->told.state = SL_MSG_SNAPSHOT_IS_FAILED;
        sl_snapshot_done(server);
        return rc;
    }
    if (what == SL_MSG_SNAPSHOT_RESTORE) {
        s->told.state = SL_MSG_SNAPSHOT_IS_RESTORING;
        ask_next(s);
        return SL_OK;
    }
    s->told.state = SL_MSG_SNAPSHOT_IS_SAVING;
    s->step = STEP_SAVE_JOB;
    frame_begin(s, SL_SNAPSHOT_BEGIN, 0, s->out_size); /* with the first chunk */
    sl_snapshot_job_give(job_of(server, 0), SL_JOB_SAVE);
    return SL_OK;
}

/* ---- steps ---- */

/* Chunks of the job, one frame each; then the next step of the job, the next shard, or the end. */
static void save_send(struct sl_control_server *server, uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    struct sl_snapshot_job *job = job_of(server, s->shard);
    size_t size = 0;
    sl_rc rc = SL_OK;
    if (s->sent < job->count) {
        const uint8_t *data = job->data + (size_t)s->sent * SL_CHUNK_DATA_MAX;
        rc = job->sizes[s->sent] > 0
                 ? sl_chunks_write(&s->chunks, data, job->sizes[s->sent], s->out, &size)
                 : SL_OK;
        s->sent++;
    } else if (!job->cursor.is_end) {
        s->step = STEP_SAVE_JOB;
        sl_snapshot_job_give(job, SL_JOB_SAVE);
        return;
    } else if (s->shard + 1 < server->params.provision->shard_count) {
        s->shard++;
        s->step = STEP_SAVE_JOB;
        sl_snapshot_job_give(job_of(server, s->shard), SL_JOB_SAVE);
        return;
    } else if (!s->chunks.is_ended) {
        rc = sl_chunks_end(&s->chunks, s->told.flows, s->out, &size);
    } else {
        s->step = STEP_SAVE_END;
        frame_begin(s, SL_SNAPSHOT_END, (uint32_t)s->told.chunks + 1, 0);
        return;
    }
    if (rc != SL_OK) {
        fail(server, rc, "cannot seal a chunk", now_ns);
    } else if (size > 0) {
        s->told.chunks++;
        frame_begin(s, SL_SNAPSHOT_PUT, (uint32_t)s->told.chunks, size);
    }
}

static void save_job(struct sl_control_server *server, uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    struct sl_snapshot_job *job = job_of(server, s->shard);
    if (job->rc != SL_OK) {
        fail(server, job->rc,
             job->rc == SL_STALE ? "the chain was replaced meanwhile: order it again" : NULL,
             now_ns);
        return;
    }
    s->moved_ns = now_ns;
    s->told.flows += job->flows;
    s->sent = 0;
    s->step = STEP_SAVE_SEND;
}

/* One worker has taken its flows out of the chunk: the next gets the same. */
static void restore_job(struct sl_control_server *server, uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    struct sl_snapshot_job *job = job_of(server, s->shard);
    s->moved_ns = now_ns;
    s->told.flows += job->restored.flows;
    s->told.refused += job->restored.refused;
    job->restored = (struct sl_flow_restored){0};
    if (job->rc != SL_OK) {
        fail(server, job->rc,
             job->rc == SL_MISMATCH ? "it is of an image with another number of shards"
             : job->rc == SL_STALE  ? "the chain was replaced meanwhile"
                                    : NULL,
             now_ns);
        return;
    }
    if (s->shard + 1 < server->params.provision->shard_count) {
        struct sl_snapshot_job *next = job_of(server, ++s->shard);
        memcpy(next->data, job->data, job->sizes[0]);
        next->sizes[0] = job->sizes[0];
        sl_snapshot_job_give(next, SL_JOB_RESTORE);
    } else {
        ask_next(s);
    }
}

static void restore_undo(struct sl_control_server *server, uint64_t now_ns)
{
    for (uint32_t shard = 0; shard < server->params.provision->shard_count; shard++) {
        if (!sl_snapshot_job_is_ready(job_of(server, shard))) {
            return;
        }
    }
    /* some shards may have had the snapshot's steering already, some not: one for all. There is no
     * SA yet, so no packet is being steered. */
    const struct sl_provision *provision = server->params.provision;
    uint8_t key[SL_CHAIN_STEER_KEY_SIZE];
    sl_chain_steer_key_get(sl_provision_config(provision, 0)->chain, key);
    for (uint32_t shard = 1; shard < provision->shard_count; shard++) {
        sl_chain_steer_key_set(sl_provision_config(provision, shard)->chain, key);
    }
    sl_wipe(key, sizeof(key));
    finish(server, server->snapshot.err.rc, now_ns);
}

static void step(struct sl_control_server *server, uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    switch ((enum step)s->step) {
    case STEP_SAVE_JOB:
        if (sl_snapshot_job_is_ready(job_of(server, s->shard))) {
            save_job(server, now_ns);
        }
        break;
    case STEP_SAVE_SEND:
        save_send(server, now_ns);
        break;
    case STEP_RESTORE_JOB:
        if (sl_snapshot_job_is_ready(job_of(server, s->shard))) {
            restore_job(server, now_ns);
        }
        break;
    case STEP_RESTORE_UNDO:
        restore_undo(server, now_ns);
        break;
    case STEP_SAVE_END:
    case STEP_RESTORE_GET: /* for the host */
    case STEP_IDLE:
        break;
    }
}

uint64_t sl_snapshot_poll(struct sl_control_server *server, uint64_t now_ns)
{
    struct sl_snapshot *s = &server->snapshot;
    if (!sl_snapshot_is_active(s)) {
        return UINT64_MAX;
    }
    s->told.took_ns = now_ns - s->began_ns;
    /* as much as goes at once: until a worker, the ring or the host is to be waited for */
    for (uint32_t i = 0; i < 4 * SL_JOB_CHUNKS && frame_flush(server, now_ns); i++) {
        uint32_t before = s->step;
        step(server, now_ns);
        if (s->step == before && s->step != STEP_SAVE_SEND) {
            break;
        }
    }
    if (sl_snapshot_is_active(s) && now_ns - s->moved_ns > SL_SNAPSHOT_TIMEOUT_NS &&
        (s->has_out || s->step == STEP_SAVE_END || s->step == STEP_RESTORE_GET)) {
        s->has_out = false;
        fail(server, SL_TIMEOUT, "the host does not answer", now_ns);
    }
    if (!sl_snapshot_is_active(s)) {
        return UINT64_MAX;
    }
    return now_ns + (s->has_out ? RING_FULL_NS : POLL_NS);
}

void sl_snapshot_done(struct sl_control_server *server)
{
    struct sl_snapshot *s = &server->snapshot;
    for (uint32_t shard = 0; shard < server->params.provision->shard_count; shard++) {
        sl_snapshot_job_done(job_of(server, shard));
    }
    sl_chunks_done(&s->chunks);
    s->step = STEP_IDLE;
    s->has_out = false;
}
