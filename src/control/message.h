/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Messages of the control channel, inside TLS 1.3 between gateway (client) and image (server).
 * Request and reply alternate; the gateway asks, the image answers with the same type and id, or
 * with SL_MSG_ERROR. All integers big-endian.
 *
 *   u32 size (of what follows) | u16 type | u16 id | body
 *
 * Under TLS the host relays opaque bytes; on the control rings they are framed per TCP connection:
 *   u32 connection | u16 kind (1 open, 2 data, 3 close) | u16 size | bytes
 */
#ifndef SL_CONTROL_MESSAGE_H
#define SL_CONTROL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "boundary/area.h"
#include "esp/esp.h"
#include "safelib/rc.h"

enum {
    SL_MSG_HEADER_SIZE = 8,
    SL_MSG_SIZE_MAX = 16 << 20, /**< larger is refused and the connection closed */
    SL_CONTROL_FRAME_MAX = 16384,
    SL_CONTROL_CONNECTIONS_MAX = 4,
    SL_CONTROL_PORT = 4433,
    SL_LEASE_SECONDS_MAX = 86400,
    SL_SA_SEED_SIZE = 32,
    /** Inbound SAs that a port keeps beside the present one, at both ends: packets that were under
     * way at a rekey still arrive. The gateway does not rekey a slot more often than this number
     * in a second. */
    SL_SA_PREVIOUS_MAX = 16,
    SL_SEALED_MAX = 256,
    SL_INSTANCE_SIZE = 16,
    SL_NF_LINE_MAX = 256,    /**< of SL_MSG_NF, with terminator */
    SL_NF_ANSWER_MAX = 4096, /**< of its answer, with terminator */
};

enum sl_control_frame_kind {
    SL_FRAME_OPEN = 1,
    SL_FRAME_DATA = 2,
    SL_FRAME_CLOSE = 3,
    /** Evidence, between image and host (untrusted, like every frame); `connection` is the image's
     * number of the request.
     *   image -> host: u8 what | for SL_EVIDENCE_WANTED: 64-byte report_data | REPORT (432 bytes,
     *                  or none on a device without EREPORT)
     *   host -> image: u8 what | u16 rc | u32 total | u32 off | bytes; pieces in order until off +
     *                  size = total, none of them empty. For rc other than SL_OK the bytes are a
     *                  sentence in one piece. SL_UNSUPPORTED to SL_EVIDENCE_TARGET: this device
     *                  has no EREPORT, its evidence takes report_data alone; to
     *                  SL_EVIDENCE_WANTED: this device has no evidence at all */
    SL_FRAME_EVIDENCE = 4,
    /** image -> host: what the image wants to be given at its next start (--sealed-state HEX),
     * sealed (image/seal.h), at most SL_SEALED_MAX bytes. Replaces what the host kept before. The
     * host may lose it, or hand back an older one: that is noticed by the gateway. */
    SL_FRAME_SEALED = 5,
    /** The state of all flows, in chunks that only this image can open (image/snapshot.h).
     *   image -> host: u8 what | u32 index | bytes. BEGIN: here is chunk 0 of a new one; forget one
     *                  that was not ended. PUT: keep this chunk; they come in order. END: `index`
     * chunks make the snapshot that replaces the one before. GET: give this chunk host -> image: u8
     * what | u32 index | bytes. END: u16 rc, kept or not. GET: the chunk; no bytes where there is
     * none The host may lose it, or hand back another one: that is noticed. */
    SL_FRAME_SNAPSHOT = 6,
};

enum sl_snapshot_frame {
    SL_SNAPSHOT_BEGIN = 1,
    SL_SNAPSHOT_PUT = 2,
    SL_SNAPSHOT_END = 3,
    SL_SNAPSHOT_GET = 4,
};
enum {
    SL_SNAPSHOT_FRAME_HEADER = 5,
    SL_SNAPSHOT_CHUNK_MAX = 12 << 10,
    SL_SNAPSHOT_CHUNKS_MAX = 1 << 20,
};

/** What an SL_FRAME_EVIDENCE asks for, and its bounds. */
enum {
    SL_EVIDENCE_TARGET = 1, /**< TARGETINFO of the quoting enclave, 512 bytes */
    SL_EVIDENCE_WANTED = 2, /**< an evidence bundle (evidence/evidence.h) */
    /** The one that the host asks (for a trust monitor, control/monitor_binding.h):
     * host -> image: a piece with 32-byte nonce | TARGETINFO, absent where there is no EREPORT;
     * image -> host: u8 what | u16 rc | image key's hash | tenant key's hash | u64 policy version |
     * REPORT over the report data, absent as above; after another rc nothing. Not answered where
     * the ring is full: the host asks again. */
    SL_EVIDENCE_VOUCH = 3,
    SL_EVIDENCE_VOUCH_SIZE = 1 + 2 + 32 + 32 + 8, /**< without the REPORT */
    SL_EVIDENCE_PIECE_HEADER = 11,
    SL_EVIDENCE_TARGET_SIZE = 512,
    SL_EVIDENCE_REPORT_SIZE = 432,
    SL_EVIDENCE_BUNDLE_MAX = 128 << 10,
    SL_EVIDENCE_SENTENCE_MAX = 300,
};

enum sl_msg_type {
    SL_MSG_ERROR = 0,    /**< reply: u16 rc, string sentence */
    SL_MSG_HELLO = 1,    /**< request: string gateway version; reply: struct sl_msg_hello */
    SL_MSG_SA_SET = 2,   /**< request: struct sl_msg_sa; reply: empty. Replaces the SA of that slot;
                            the old inbound SAs stay valid for the overlap, and until the new one
                            is used */
    SL_MSG_SA_CLEAR = 3, /**< request, reply: empty. Deletes every SA (fail closed) */
    SL_MSG_CHAIN_SET = 4, /**< request: chain bundle (nf/chain.h); reply: u64 version, 32-byte
                             SHA-256 of the bundle */
    SL_MSG_STATUS = 5,    /**< request: empty; reply: JSON text (docs/status.md), UTF-8 */
    SL_MSG_PING = 6,      /**< request, reply: up to 1024 bytes, echoed */
    SL_MSG_EVAL =
        7, /**< request: u16 count, packets; reply: u16 count, answers (control/eval_message.h).
              Runs the current chain, with flow tables and fragments of its own (nf/eval.h), on
              packets that are not forwarded. Each has one answer, but fragments that wait: theirs
              follows, in this reply or a later one, once it is known; where the packets have no
              times, what waits at a request's end is forgotten */
    SL_MSG_TIME = 8,   /**< request: u64 CLOCK_REALTIME ns; reply: empty */
    SL_MSG_PATH = 9,   /**< request: u16 mtu, u8 is_single; reply: empty. What the gateway found out
                          about the path, hints for the host: inner packets above `mtu` (0: none) go
                          out with DF clear; `is_single`: datagrams are not sent as trains. Holds for
                          the SAs that are set; SA_CLEAR clears it */
    SL_MSG_LEASE = 10, /**< request: u32 seconds, 1 to 86400; reply: empty. The connection that set
                          the SAs must ask something at least that often: otherwise the image
                          deletes them. 0 seconds or too many: SL_RANGE, and nothing changes */
    SL_MSG_ATTEST = 11, /**< request: 32-byte nonce; reply: u64 policy version, 32-byte policy hash,
                           then the evidence bundle (evidence/evidence.h), opaque to the image, over
                           control/binding.h's report_data. SL_TIMEOUT where the host has none in
                           time, SL_UNSUPPORTED where it says that it has none at all. Until it is
                           answered by evidence or SL_UNSUPPORTED, a connection may ask hello,
                           status, ping, attest and SA_CLEAR only, and gets SL_STATE for the rest:
                           nobody hands keys over without having seen what is there to judge. Any
                           other error on the connection that set the SAs deletes them */
    /** request: empty; reply: struct sl_msg_instance. Who the image is over restarts */
    SL_MSG_INSTANCE = 12,
    /** request: instance, u64 epoch; reply: empty. The count of provisionings of this tenant, which
     * the image seals. SL_MISMATCH: not this instance; SL_STALE: not above the image's */
    SL_MSG_EPOCH = 13,
    /** request: u64 seq; reply: u16 count, then the records of the image's log
     * (control/image_log.h) that follow it, as many as there are of the last, each u16 size and
     * bytes */
    SL_MSG_LOG = 14,
    /** request: u8 what (enum sl_msg_snapshot_what), u64 epoch; reply: struct sl_msg_snapshot, at
     * once: how it goes on is asked by PROGRESS. SAVE: the state of all flows goes to the host,
     * sealed under the image's present epoch, which must be @p epoch (SL_STALE). RESTORE: flows of
     * the snapshot of @p epoch come back, and of no other; with a chain and before SAs (SL_STATE).
     * SL_AGAIN: one is under way; SL_UNSUPPORTED: this device cannot seal */
    SL_MSG_SNAPSHOT = 15,
    /** request: string NF, string line; reply: string answer. A line for every NF of that name in
     * the running chain (struct sl_nf, command). SL_STATE: no chain; SL_NOT_FOUND: no such NF, or
     * it knows no such thing; SL_UNSUPPORTED: it takes no lines; SL_INVALID: not this one */
    SL_MSG_NF = 16,
    /** request: empty; reply: struct sl_msg_steering. Which shard the image will run a packet on is
     * asked of its chain (nf/chain.h); with this key and the same bundle the gateway gets the same
     * answers, and sends packets to where they belong. Steering otherwise costs a copy inside,
     * nothing else. The key changes when the image is started, and when flows come back from a
     * snapshot. SL_STATE: no chain; SL_AGAIN: flows are coming back */
    SL_MSG_STEERING = 17,
};

/** How sl_msg_steering is to be understood: a number for each way in which shards were ever told.
 */
enum { SL_STEERING_FORMAT = 1 };
enum { SL_STEERING_KEY_SIZE = 96, SL_STEERING_REPLY_SIZE = 2 + 2 + SL_STEERING_KEY_SIZE };

struct sl_msg_steering {
    uint16_t format; /**< SL_STEERING_FORMAT; of another, key and shards mean nothing to us */
    uint16_t shard_count;
    uint8_t key[SL_STEERING_KEY_SIZE]; /**< secret: wipe it */
};

enum sl_msg_snapshot_what {
    SL_MSG_SNAPSHOT_PROGRESS = 0, /**< epoch is not looked at */
    SL_MSG_SNAPSHOT_SAVE = 1,
    SL_MSG_SNAPSHOT_RESTORE = 2,
};

/** name, its word */
#define SL_MSG_SNAPSHOT_STATE_TABLE(X)                                                             \
    X(NONE, "none")                                                                                \
    X(SAVING, "saving")                                                                            \
    X(SAVED, "saved")                                                                              \
    X(RESTORING, "restoring")                                                                      \
    X(RESTORED, "restored")                                                                        \
    X(FAILED, "failed")

enum sl_msg_snapshot_state {
#define SL_MSG_SNAPSHOT_STATE_ENUM(name, word) SL_MSG_SNAPSHOT_IS_##name,
    SL_MSG_SNAPSHOT_STATE_TABLE(SL_MSG_SNAPSHOT_STATE_ENUM)
#undef SL_MSG_SNAPSHOT_STATE_ENUM
        SL_MSG_SNAPSHOT_STATE_COUNT
};
const char *sl_msg_snapshot_state_word(uint8_t state);

/** How the last snapshot, or the last return of one, went. */
struct sl_msg_snapshot {
    uint8_t state; /**< enum sl_msg_snapshot_state */
    uint64_t epoch;
    uint64_t flows;   /**< saved, or restored */
    uint64_t refused; /**< not restored: another NF or version, no room, the NF did not want them */
    uint64_t chunks;  /**< so far */
    uint64_t took_ns; /**< so far */
    uint16_t rc;      /**< FAILED: why */
    char sentence[200]; /**< the same to read */
};

struct sl_msg_hello {
    char version[32]; /**< of the image's SafeLib */
    char device[16];  /**< what the image was told it runs on; a hint until attested */
    uint32_t shard_count;
    uint32_t nf_count; /**< NFs linked in; names follow */
    char nf_names[16][32];
};

/** Where an image has its identity from. */
enum sl_instance_origin {
    SL_ORIGIN_FRESH = 0,      /**< made at this start: it was handed nothing */
    SL_ORIGIN_RESTORED = 1,   /**< out of its sealed state */
    SL_ORIGIN_REFUSED = 2,    /**< made at this start: what it was handed could not be opened */
    SL_ORIGIN_UNSEALABLE = 3, /**< made at this start: this device cannot seal (bare) */
};

/** Who an image is. */
struct sl_msg_instance {
    uint8_t instance[SL_INSTANCE_SIZE]; /**< random, made at its first start */
    uint64_t epoch;                     /**< 0: never provisioned */
    uint8_t origin;                     /**< enum sl_instance_origin */
    bool has_policy;
    uint64_t policy_version; /**< highest it ever took, over restarts */
    uint8_t policy_hash[32];
    uint64_t log_seq; /**< end of its log */
    uint8_t log_hash[32];
};
void sl_msg_instance_write(struct sl_writer *w, const struct sl_msg_instance *instance);
/** @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_RANGE (origin) */
sl_rc sl_msg_instance_read(struct sl_reader *r, struct sl_msg_instance *ret_instance) SL_MUST_CHECK;

void sl_msg_steering_write(struct sl_writer *w, const struct sl_msg_steering *steering);
/** @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_UNSUPPORTED (format), SL_RANGE (shards) */
sl_rc sl_msg_steering_read(struct sl_reader *r, struct sl_msg_steering *ret_steering) SL_MUST_CHECK;

enum { SL_MSG_SNAPSHOT_SIZE_MAX = 1 + 5 * 8 + 2 + 2 + 200 };
void sl_msg_snapshot_write(struct sl_writer *w, const struct sl_msg_snapshot *snapshot);
/** @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_RANGE (state) */
sl_rc sl_msg_snapshot_read(struct sl_reader *r, struct sl_msg_snapshot *ret_snapshot) SL_MUST_CHECK;

/** An SA. On the wire it is all but the key: both ends derive key and salt (control/sa_key.h). */
struct sl_msg_sa {
    uint16_t shard;
    uint8_t port;    /**< enum sl_port */
    bool is_inbound; /**< as seen by the image */
    bool is_dscp_copied;
    uint8_t seed[SL_SA_SEED_SIZE]; /**< random, new for each SA; no secret */
    struct sl_esp_params params;   /**< key and salt are neither written nor read */
};

void sl_msg_hello_write(struct sl_writer *w, const struct sl_msg_hello *hello);
sl_rc sl_msg_hello_read(struct sl_reader *r, struct sl_msg_hello *ret_hello) SL_MUST_CHECK;
/** Key and salt are left out. */
void sl_msg_sa_write(struct sl_writer *w, const struct sl_msg_sa *sa);
/** Key and salt are zero then.
 * @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_RANGE (shard, port, spi, window), SL_UNSUPPORTED
 * (alg) */
sl_rc sl_msg_sa_read(struct sl_reader *r, struct sl_msg_sa *ret_sa) SL_MUST_CHECK;

/** SPI of a tunnel's SA: random in the upper 24 bits, 2 * shard + port in the lowest 8, so that the
 * host can put a datagram into the right queue without a table. Public information, not trusted. */
static inline uint8_t sl_spi_queue(uint32_t spi)
{
    return (uint8_t)(spi & 0xff);
}

#endif
