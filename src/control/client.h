/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The tenant's end of the control channel: asks the image, one request at a time. Used outside the
 * TEE, by the gateway (over TCP, relayed by the host) and by programs that host an image themselves
 * (straight over the control rings).
 *
 * Blocking use: sl_client_connect, sl_client_call. In an event loop: sl_client_request, then
 * sl_client_poll whenever sl_client_fd is readable (or writable, while sl_client_wants_write).
 * One thread per client.
 */
#ifndef SL_CONTROL_CLIENT_H
#define SL_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "boundary/ring.h"
#include "control/binding.h"
#include "control/message.h"
#include "control/stream.h"
#include "control/tls.h"

/** How bytes get to the image and back. All calls but `wait` return at once. */
struct sl_client_transport {
    void *ctx;
    /** @retval SL_OK @p ret_size > 0 bytes sent  @retval SL_AGAIN  @retval SL_CLOSED  @retval SL_IO
     */
    sl_rc (*send)(void *ctx, const uint8_t *data, size_t size, size_t *ret_size);
    /** @retval SL_OK @p ret_size > 0 bytes came  @retval SL_AGAIN  @retval SL_CLOSED  @retval SL_IO
     */
    sl_rc (*receive)(void *ctx, uint8_t *out, size_t size, size_t *ret_size);
    /** Waits until bytes came (or, where @p is_write, can be sent), or for @p timeout_ms. */
    void (*wait)(void *ctx, bool is_write, int timeout_ms);
    void (*close)(void *ctx); /**< also frees ctx */
    int fd;                   /**< for poll(2), or -1 */
};

/** Connects by TCP; the connect itself is bounded by @p timeout_ms.
 * @param host     name or address  @param port  number or service
 * @retval SL_OK, SL_NOT_FOUND (name), SL_TIMEOUT, SL_IO (refused, unreachable), SL_NO_MEMORY;
 *         @p err names host and port */
sl_rc sl_client_tcp(const char *host, const char *port, int timeout_ms,
                    struct sl_client_transport *ret_transport, struct sl_err *err) SL_MUST_CHECK;

/** Wraps a connected stream socket, which it will own and make non-blocking.
 * @retval SL_OK, SL_IO, SL_NO_MEMORY */
sl_rc sl_client_fd_transport(int fd, struct sl_client_transport *ret_transport) SL_MUST_CHECK;

/** Speaks over the host's ends of the control rings, as their only user for as long as the area
 * lives. @p doorbell (may be NULL) is called after bytes were put in: wake the image's control
 * thread. Memory of @p area must outlive the transport.
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_client_ring_transport(uint8_t *area, const struct sl_area_geometry *geometry,
                               const struct sl_area_layout *layout, uint32_t connection,
                               void (*doorbell)(void *ctx), void *doorbell_ctx,
                               struct sl_client_transport *ret_transport) SL_MUST_CHECK;

/** Has whoever hosts the image in this process answer its requests for evidence. Without, they are
 * answered by SL_UNSUPPORTED: an image in one's own process proves nothing to oneself.
 * @param transport   of sl_client_ring_transport
 * @param on_request  gets what an SL_FRAME_EVIDENCE of the image carries; answers, now or later, by
 *                    SL_FRAME_EVIDENCE in @p to_image */
void sl_client_ring_on_evidence(const struct sl_client_transport *transport,
                                void (*on_request)(void *ctx, struct sl_byte_ring *to_image,
                                                   uint32_t request, const uint8_t *data,
                                                   uint32_t size),
                                void *ctx);

struct sl_client_params {
    struct sl_client_transport transport;
    const struct sl_identity *identity; /**< the tenant's key; must outlive the client */
    /** Decides whether the image's key may be talked to. Required: there is no default. */
    sl_rc (*verify)(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err);
    void *verify_ctx;
    enum sl_key_exchange key_exchange; /**< what is demanded of the channel's key exchange */
};

struct sl_client;

/** @retval SL_OK, SL_INVALID (no verify, no identity), SL_NO_MEMORY, SL_CRYPTO, SL_UNSUPPORTED
 * (this OpenSSL cannot do the key exchange that is demanded)
 * @owner the client owns the transport from SL_OK on; caller frees with sl_client_free */
sl_rc sl_client_create(const struct sl_client_params *params, struct sl_client **ret_client,
                       struct sl_err *err) SL_MUST_CHECK;
/** Sends close_notify if it can without waiting, closes, frees. */
void sl_client_free(struct sl_client *client);

int sl_client_fd(const struct sl_client *client);
bool sl_client_wants_write(const struct sl_client *client);
/** The TLS endpoint, for sl_tls_export and sl_tls_peer. */
struct sl_tls *sl_client_tls(struct sl_client *client);

/** Finishes the TLS handshake, blocking.
 * @retval SL_OK (the image may still refuse our key: the first reply tells), SL_TIMEOUT, SL_CLOSED,
 * SL_IO, SL_AUTH, SL_DENIED, SL_UNSUPPORTED, SL_MALFORMED */
sl_rc sl_client_connect(struct sl_client *client, int timeout_ms, struct sl_err *err) SL_MUST_CHECK;

/** Queues a request; @p body is copied (and wiped after sending).
 * @retval SL_OK, SL_STATE (a request is under way, or the client has failed), SL_RANGE,
 * SL_NO_MEMORY */
sl_rc sl_client_request(struct sl_client *client, enum sl_msg_type type, const void *body,
                        size_t size, struct sl_err *err) SL_MUST_CHECK;

/** Moves everything on without blocking.
 * @retval SL_OK     the reply is in @p ret_reply, the caller's to sl_msg_done
 * @retval SL_AGAIN  not there yet (or no request under way)
 * @retval other     the connection is of no more use: SL_DENIED (our key was refused), SL_CLOSED,
 *                   SL_IO, SL_AUTH, SL_MALFORMED, SL_MISMATCH (a reply to something else)
 * A reply of type SL_MSG_ERROR is not a failure of the connection: it is returned here as SL_OK and
 * taken apart by sl_client_error. */
sl_rc sl_client_poll(struct sl_client *client, struct sl_msg *ret_reply,
                     struct sl_err *err) SL_MUST_CHECK;

/** Code and sentence of an SL_MSG_ERROR reply; SL_MALFORMED where it is not one. */
sl_rc sl_client_error(const struct sl_msg *reply, struct sl_err *err) SL_MUST_CHECK;

/** Request and reply, blocking. An error reply comes back as its code, with the image's sentence in
 * @p err, and leaves the client usable; so does nothing else.
 * @retval SL_OK       @p ret_reply is the caller's to sl_msg_done
 * @retval SL_TIMEOUT  the client is of no more use
 * @retval other       of sl_client_poll, or the image's own */
sl_rc sl_client_call(struct sl_client *client, enum sl_msg_type type, const void *body, size_t size,
                     int timeout_ms, struct sl_msg *ret_reply, struct sl_err *err) SL_MUST_CHECK;

/** True once a call has failed in a way that ends the connection. */
bool sl_client_is_dead(const struct sl_client *client);

/* ---- the requests, blocking; results as sl_client_call ---- */

sl_rc sl_client_hello(struct sl_client *client, int timeout_ms, struct sl_msg_hello *ret_hello,
                      struct sl_err *err) SL_MUST_CHECK;
/** Makes the seed, key and salt of an SA whose other fields are set: what the image will derive
 * too once sl_client_sa_set has told it. After sl_client_connect, on the same connection.
 * @retval SL_OK, SL_STATE, SL_UNSUPPORTED, SL_CRYPTO
 * @owner @p sa holds a key from then on: wipe it */
sl_rc sl_client_sa_make(struct sl_client *client, struct sl_msg_sa *sa,
                        struct sl_err *err) SL_MUST_CHECK;
/** Tells the image of an SA: its seed, never its key. */
sl_rc sl_client_sa_set(struct sl_client *client, int timeout_ms, const struct sl_msg_sa *sa,
                       struct sl_err *err) SL_MUST_CHECK;
sl_rc sl_client_sa_clear(struct sl_client *client, int timeout_ms,
                         struct sl_err *err) SL_MUST_CHECK;
/** What the image answered to SL_MSG_ATTEST. */
struct sl_client_evidence {
    uint64_t policy_version; /**< 0: none yet */
    uint8_t policy_hash[32];
    const uint8_t *bundle; /**< into `reply` */
    size_t bundle_size;
    struct sl_msg reply;
};
/** Asks for evidence over @p nonce; judges nothing.
 * @retval SL_OK           @p ret_evidence.reply is the caller's to sl_msg_done
 * @retval SL_UNSUPPORTED  the host says that its device has none
 * @retval SL_TIMEOUT, SL_IO, SL_AUTH, SL_MALFORMED, SL_NO_MEMORY  the host gave none, or nonsense;
 *         the client stays usable, unless it is dead */
sl_rc sl_client_attest(struct sl_client *client, int timeout_ms,
                       const uint8_t nonce[SL_BINDING_NONCE_SIZE],
                       struct sl_client_evidence *ret_evidence, struct sl_err *err) SL_MUST_CHECK;
/** Asks for evidence and throws it away unseen, so that an image which knows no better can be used:
 * for tools that host the image themselves, and tests. Whoever uses this over a network trusts
 * whoever answers.
 * @retval SL_OK  also where there is no evidence */
sl_rc sl_client_insecure_unattested(struct sl_client *client, int timeout_ms,
                                    struct sl_err *err) SL_MUST_CHECK;
/** @param[out] ret_hash  SHA-256 of the bundle as the image holds it */
sl_rc sl_client_chain_set(struct sl_client *client, int timeout_ms, const void *bundle, size_t size,
                          uint64_t *ret_version, uint8_t ret_hash[32],
                          struct sl_err *err) SL_MUST_CHECK;
/** @param[out] ret_json  terminated text, the caller's to free */
sl_rc sl_client_status(struct sl_client *client, int timeout_ms, char **ret_json,
                       struct sl_err *err) SL_MUST_CHECK;
/** SL_MSG_PATH: hints about the path. */
sl_rc sl_client_path(struct sl_client *client, int timeout_ms, uint16_t mtu, bool is_single,
                     struct sl_err *err) SL_MUST_CHECK;
/** SL_MSG_NF: a line for an NF.
 * @param[out] ret_answer  at least SL_NF_ANSWER_MAX bytes
 * @retval SL_OK, SL_RANGE (the line is too long), or of the image: SL_NOT_FOUND, SL_INVALID,
 * SL_UNSUPPORTED, SL_STATE */
sl_rc sl_client_nf(struct sl_client *client, int timeout_ms, const char *nf, const char *line,
                   char *ret_answer, size_t answer_size, struct sl_err *err) SL_MUST_CHECK;
/** SL_MSG_STEERING.
 * @retval SL_OK  @p ret_steering holds a secret from then on: wipe it
 * @retval SL_UNSUPPORTED  of a format that we do not know; or as there */
sl_rc sl_client_steering(struct sl_client *client, int timeout_ms,
                         struct sl_msg_steering *ret_steering, struct sl_err *err) SL_MUST_CHECK;
/** SL_MSG_LEASE: how long the SAs live without a request. */
sl_rc sl_client_lease(struct sl_client *client, int timeout_ms, uint32_t seconds,
                      struct sl_err *err) SL_MUST_CHECK;
/** SL_MSG_INSTANCE: who the image is. */
sl_rc sl_client_instance(struct sl_client *client, int timeout_ms,
                         struct sl_msg_instance *ret_instance, struct sl_err *err) SL_MUST_CHECK;
/** SL_MSG_EPOCH: counts one more provisioning. @retval SL_STALE, SL_MISMATCH as there */
sl_rc sl_client_epoch(struct sl_client *client, int timeout_ms,
                      const uint8_t instance[SL_INSTANCE_SIZE], uint64_t epoch,
                      struct sl_err *err) SL_MUST_CHECK;
/** SL_MSG_LOG: what follows @p after_seq. @p ret_reply is the caller's to sl_msg_done. */
sl_rc sl_client_log(struct sl_client *client, int timeout_ms, uint64_t after_seq,
                    struct sl_msg *ret_reply, struct sl_err *err) SL_MUST_CHECK;
/** SL_MSG_SNAPSHOT. @retval as there */
sl_rc sl_client_snapshot(struct sl_client *client, int timeout_ms, enum sl_msg_snapshot_what what,
                         uint64_t epoch, struct sl_msg_snapshot *ret_snapshot,
                         struct sl_err *err) SL_MUST_CHECK;
/** Sends the time of this machine. */
sl_rc sl_client_time(struct sl_client *client, int timeout_ms, struct sl_err *err) SL_MUST_CHECK;
/** @param[out] ret_round_trip_ns  of @p size echoed bytes (at most 1024)
 * @retval SL_MISMATCH  the echo differs */
sl_rc sl_client_ping(struct sl_client *client, int timeout_ms, uint32_t size,
                     uint64_t *ret_round_trip_ns, struct sl_err *err) SL_MUST_CHECK;

#endif
