/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The image's end of the control channel: control rings, TLS connections, requests. Runs on the
 * control thread. The host may write anything into the rings; a network peer gets no further than a
 * TLS handshake unless it holds the tenant's key.
 *
 * Bounds: SL_CONTROL_CONNECTIONS_MAX connections; SL_CONTROL_BUDGET bytes of requests together;
 * SL_CONTROL_HANDSHAKE_NS for a handshake; SL_CONTROL_STALL_NS for a begun request to come in or a
 * reply to be taken; SL_CONTROL_IDLE_NS without any request.
 */
#ifndef SL_IMAGE_CONTROL_SERVER_H
#define SL_IMAGE_CONTROL_SERVER_H

#include "boundary/ring.h"
#include "control/frame.h"
#include "control/stream.h"
#include "control/tls.h"
#include "image/attest.h"
#include "image/dice.h"
#include "image/life.h"
#include "image/provision.h"
#include "image/snapshot.h"

#define SL_CONTROL_HANDSHAKE_NS 10000000000ull
#define SL_CONTROL_STALL_NS     30000000000ull
#define SL_CONTROL_IDLE_NS      600000000000ull
/** An unfinished handshake may be put out for a newcomer after so long. */
#define SL_CONTROL_EVICT_NS 2000000000ull
/** A broken connection's last words may take so long. */
#define SL_CONTROL_LINGER_NS 2000000000ull
enum { SL_CONTROL_BUDGET = 20 << 20 };

#define SL_CONTROL_COUNTER_TABLE(X)                                                                \
    X(opened, "connections opened")                                                                \
    X(refused, "connections refused: all places taken")                                            \
    X(evicted, "unfinished handshakes put out for a newcomer")                                     \
    X(authenticated, "connections whose peer holds the tenant's key")                              \
    X(failed_auth, "handshakes refused: other key, or none")                                       \
    X(failed_tls, "handshakes or records broken, or no TLS 1.3")                                   \
    X(failed_protocol, "connections closed: request malformed, unknown or too large")              \
    X(timed_out, "connections closed: too slow")                                                   \
    X(requests, "requests answered")                                                               \
    X(requests_refused, "requests answered by an error")                                           \
    X(bad_frames, "frames of the host that are none")                                              \
    X(attested, "requests for evidence that were answered by it")                                  \
    X(attest_failed, "requests for evidence that the host did not answer well, or in time")        \
    X(unattested, "requests refused because their connection was not attested")                    \
    X(evidence_strays, "pieces of evidence that nobody had asked for")                             \
    X(snapshot_strays, "pieces of a snapshot that nobody had asked for")                           \
    X(leases_over, "times the SAs were deleted because their gateway fell silent")

struct sl_control_counters {
#define SL_CONTROL_COUNTER(name, text) uint64_t name;
    SL_CONTROL_COUNTER_TABLE(SL_CONTROL_COUNTER)
#undef SL_CONTROL_COUNTER
};

enum sl_connection_state {
    SL_CONNECTION_FREE = 0,
    SL_CONNECTION_HANDSHAKE,
    SL_CONNECTION_READY,
    SL_CONNECTION_CLOSING, /**< says its last words, takes none */
};

struct sl_connection {
    enum sl_connection_state state;
    uint32_t id; /**< the host's number for it */
    struct sl_tls *tls;
    struct sl_msg_reader reader;
    struct sl_msg_writer writer;
    struct sl_attest_state attest;
    uint64_t opened_ns;
    uint64_t deadline_ns; /**< closed at that time unless something moves */
};

struct sl_control_params {
    struct sl_byte_ring in;  /**< host -> image */
    struct sl_byte_ring out; /**< image -> host */
    const struct sl_identity *identity;
    uint8_t tenant_hash[SL_SPKI_HASH_SIZE]; /**< SPKI SHA-256 of the only key that may speak */
    struct sl_provision *provision;
    struct sl_life *life;
    const struct sl_boundary_counters *boundary; /**< of the control rings */
    struct sl_identity *certify; /**< `identity` again, where its certificate shall carry evidence
                                      as soon as the host has some (image/dice.h); or NULL */
    const char *device;          /**< as the host named it: a hint */
    bool is_polling;
};

struct sl_control_server {
    struct sl_control_params params;
    struct sl_connection connections[SL_CONTROL_CONNECTIONS_MAX];
    struct sl_frame_reader frames;
    struct sl_msg_budget budget;
    struct sl_control_counters counters;
    struct sl_dice dice;
    struct sl_snapshot snapshot;
    uint32_t evidence_number; /**< of the last request for evidence */
    uint64_t started_ns;
    bool has_time;
    uint64_t time_offset_ns; /**< CLOCK_REALTIME as the tenant said, minus our monotonic time */
    uint32_t holder;         /**< connection that set SAs last */
    uint64_t heard_ns;       /**< its last request */
    uint64_t lease_ns;       /**< 0: none was set */
};

/** Fills @p server; nothing is allocated. @p params is copied. */
void sl_control_server_init(struct sl_control_server *server,
                            const struct sl_control_params *params, uint64_t now_ns);
/** Frees every connection. */
void sl_control_server_done(struct sl_control_server *server);

/** Moves everything on: frames in, requests, replies, deadlines.
 * @return nanoseconds until it wants to be called again though nothing came in; 0 = at once */
uint64_t sl_control_server_poll(struct sl_control_server *server, uint64_t now_ns);

/* ---- for attest.c and dice.c ---- */

/** A number that no request for evidence of this image ever had. */
uint32_t sl_control_evidence_number(struct sl_control_server *server);
/* ---- control_notes.c ---- */

/** Writes down in the image's log what came of a request that matters. */
void sl_control_note(struct sl_control_server *server, const struct sl_connection *connection,
                     const struct sl_msg *request, sl_rc rc, const struct sl_err *err,
                     uint64_t now_ns);

/* ---- for control_handlers.c ---- */

/** Answers one request of @p connection: fills @p reply (type and id are set by the caller).
 * @retval SL_OK         reply
 * @retval SL_MALFORMED, SL_TRUNCATED with @p ret_is_fatal: the request breaks the protocol
 * @retval other         goes to the peer as SL_MSG_ERROR with the sentence in @p err */
sl_rc sl_control_handle(struct sl_control_server *server, struct sl_connection *connection,
                        const struct sl_msg *request, uint64_t now_ns, struct sl_msg *reply,
                        bool *ret_is_fatal, struct sl_err *err) SL_MUST_CHECK;

#endif
