/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Relays the bytes of TCP connections to and from the image, framed on the control rings as
 * control/message.h says. The bytes are TLS that ends inside; the relay knows nothing of them.
 * Frames that ask for evidence go to the evidence server and its answers come back by this way.
 * Bounded: SL_CONTROL_CONNECTIONS_MAX connections, one buffer each, and back-pressure both ways.
 * One thread of its own, which also serves the program's other slow descriptors.
 */
#ifndef SL_HOST_RELAY_H
#define SL_HOST_RELAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "boundary/ring.h"
#include "control/message.h"
#include "host/evidence_server.h"
#include "host/snapshot_file.h"
#include "net/addr.h"

#define SL_RELAY_COUNTER_TABLE(X)                                                                  \
    X(accepted, "connections accepted")                                                            \
    X(refused, "connections refused: as many as allowed were busy")                                \
    X(evicted, "idle connections closed in favour of new ones")                                    \
    X(stalled, "connections closed: the peer did not read for too long")                           \
    X(bytes_in, "bytes given to the image")                                                        \
    X(bytes_out, "bytes taken from the image")                                                     \
    X(broken, "frames of the image that cannot be")

struct sl_relay_counters {
#define SL_RELAY_COUNTER(name, text) uint64_t name;
    SL_RELAY_COUNTER_TABLE(SL_RELAY_COUNTER)
#undef SL_RELAY_COUNTER
};

enum {
    SL_RELAY_WATCHES_MAX = 4,
    SL_RELAY_BUFFER_SIZE = 256 << 10,
    SL_RELAY_STALL_MS = 10000, /**< a peer that reads nothing for so long is closed */
    SL_RELAY_IDLE_MS = 10000,  /**< idle for so long, a connection may be evicted */
    SL_RELAY_CLOSE_MS = 5000,  /**< the image has so long to answer a close */
    SL_RELAY_WHOLE_MAX = SL_SNAPSHOT_FRAME_HEADER + SL_SNAPSHOT_CHUNK_MAX,
};

/** One TCP connection. */
struct sl_relay_connection {
    int fd;             /**< -1: free */
    uint32_t id;        /**< never used again */
    bool is_announced;  /**< SL_FRAME_OPEN was written */
    bool is_eof;        /**< the peer sends no more */
    bool is_eof_told;   /**< SL_FRAME_CLOSE was written */
    bool is_image_done; /**< SL_FRAME_CLOSE was read: close once the buffer is empty */
    bool is_dead;       /**< reset: what the image sends is thrown away */
    uint8_t *buffer;    /**< towards the peer, SL_RELAY_BUFFER_SIZE */
    uint32_t begin, end;
    uint64_t active_ms; /**< last byte either way */
    uint64_t eof_ms;    /**< when the close was told */
};

/** Another descriptor for the relay's thread. */
struct sl_relay_watch {
    int fd;
    void (*ready)(void *ctx);
    void *ctx;
};

struct sl_relay {
    struct sl_area_header *header;
    struct sl_byte_ring in, out;
    int listen_fd;
    int event_fd;
    struct sl_net_addr local;
    uint32_t next_id;
    struct sl_relay_connection connections[SL_CONTROL_CONNECTIONS_MAX];
    /* the frame being read from the image */
    uint32_t frame_id;
    uint32_t frame_left;
    uint16_t frame_kind;
    uint8_t whole[SL_RELAY_WHOLE_MAX]; /**< a frame that is for this host itself */
    uint32_t whole_have;
    bool is_broken;
    struct sl_evidence_server *evidence; /**< or NULL: requests are thrown away */
    void (*on_sealed)(void *ctx, const uint8_t *data, uint32_t size); /**< or NULL: thrown away */
    void *sealed_ctx;
    struct sl_snapshot_file *snapshot;  /**< or NULL: none is kept */
    uint8_t answer[SL_RELAY_WHOLE_MAX]; /**< an SL_FRAME_SNAPSHOT that waits for room */
    uint32_t answer_size;               /**< 0: none */
    struct sl_relay_watch watches[SL_RELAY_WATCHES_MAX];
    uint32_t watch_count;
    struct sl_relay_counters counters;
    const atomic_bool *is_stopping;
    /* the image's control thread */
    atomic_uint thread;     /**< UINT32_MAX: has not waited yet */
    atomic_uint events;     /**< grows whenever there is something new for it */
    atomic_bool is_starved; /**< the relay has bytes for the image, and no room */
    uint32_t events_seen;
    uint32_t seen;
};

/** Listens. @retval SL_OK, SL_IO (@p err: address and cause), SL_NO_MEMORY */
sl_rc sl_relay_init(struct sl_relay *relay, uint8_t *area, const struct sl_area_layout *layout,
                    const struct sl_area_geometry *geometry, const struct sl_net_addr *listen,
                    const atomic_bool *is_stopping, struct sl_err *err) SL_MUST_CHECK;
void sl_relay_done(struct sl_relay *relay);
/** Adds a descriptor before sl_relay_run. @retval SL_OK, SL_NO_SPACE */
sl_rc sl_relay_watch(struct sl_relay *relay, int fd, void (*ready)(void *ctx),
                     void *ctx) SL_MUST_CHECK;
/** Requests for evidence go to @p server, which must outlive the relay's thread; before
 * sl_relay_run. */
void sl_relay_evidence(struct sl_relay *relay, struct sl_evidence_server *server);
/** What the image seals goes to @p keep, on the relay's thread; before sl_relay_run. */
void sl_relay_sealed(struct sl_relay *relay,
                     void (*keep)(void *ctx, const uint8_t *data, uint32_t size), void *ctx);
/** Snapshots of the image are kept in @p file, which must outlive the relay's thread; before
 * sl_relay_run. Without, the image is told that none was kept. */
void sl_relay_snapshot(struct sl_relay *relay, struct sl_snapshot_file *file);
/** Serves until the program stops. */
void sl_relay_run(struct sl_relay *relay);
/** One round of at most @p timeout_ms: what sl_relay_run repeats. */
void sl_relay_round(struct sl_relay *relay, int timeout_ms);
/** Wakes the relay's thread, from any thread. */
void sl_relay_wake(struct sl_relay *relay);

/** What callbacks.wait does for SL_RT_WAIT_CONTROL.
 * @param[in] timeout_ns  0: until there is something
 * @return false where the program stops */
bool sl_relay_wait(struct sl_relay *relay, uint32_t thread, uint64_t timeout_ns);

#endif
