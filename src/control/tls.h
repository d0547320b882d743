/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One end of the control channel: TLS 1.3 between memory buffers. It knows no socket and no ring;
 * its user feeds it what came in and takes away what is to go out. Both ends show a key: the server
 * (in the image) and the client (the gateway) each decide by the other's key alone.
 *
 * TLS 1.3 only, with the algorithms of control/suites.h; no tickets, no resumption, no early data,
 * no renegotiation, no configuration file.
 */
#ifndef SL_CONTROL_TLS_H
#define SL_CONTROL_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "control/identity.h"
#include "control/suites.h"

struct sl_tls;

/** Who the other end proved to be: holder of this key. */
struct sl_tls_peer {
    uint8_t spki_hash[SL_SPKI_HASH_SIZE];
    const uint8_t *spki; /**< DER; valid during the callback */
    size_t spki_size;
};

struct sl_tls_options {
    bool is_server;
    const struct sl_identity *identity; /**< must outlive the endpoint */
    /** Decides on the peer's key, once, during the handshake. Anything but SL_OK ends it. TLS
     * itself proves possession of the key; nothing else in the certificate counts. */
    sl_rc (*verify)(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err);
    void *verify_ctx;
    enum sl_key_exchange key_exchange; /**< what is demanded of the key exchange */
};

/** @retval SL_OK, SL_CRYPTO, SL_NO_MEMORY
 * @retval SL_UNSUPPORTED  this OpenSSL cannot do the key exchange that is demanded
 * @owner caller frees */
sl_rc sl_tls_create(const struct sl_tls_options *options, struct sl_tls **ret_tls,
                    struct sl_err *err) SL_MUST_CHECK;
void sl_tls_free(struct sl_tls *tls);

enum {
    /** Bytes fed but not yet consumed that an endpoint keeps: a TLS record and its neighbour. */
    SL_TLS_IN_MAX = 64 << 10,
};

/** Hands over bytes that came from the other end.
 * @retval SL_OK
 * @retval SL_NO_SPACE   more than SL_TLS_IN_MAX are waiting to be consumed: read first
 * @retval SL_NO_MEMORY */
sl_rc sl_tls_feed(struct sl_tls *tls, const uint8_t *data, size_t size) SL_MUST_CHECK;

/** Bytes waiting to go to the other end, and their removal: @p ret_data stays valid until the next
 * call on @p tls. */
size_t sl_tls_out(struct sl_tls *tls, const uint8_t **ret_data);
void sl_tls_out_take(struct sl_tls *tls, size_t size);

/** Moves the handshake on.
 * @retval SL_OK           done (a client's own end: the server may still refuse its key, which the
 *                         first sl_tls_read tells)
 * @retval SL_AGAIN        needs bytes from the other end
 * @retval SL_AUTH         the verify callback refused the peer's key, or it showed none
 * @retval SL_DENIED       the other end refused us (its alert is in @p err)
 * @retval SL_UNSUPPORTED  no common version, cipher suite or group; or not the key exchange that is
 *                         demanded
 * @retval SL_MALFORMED    not TLS, or broken TLS
 * After an error: send what sl_tls_out holds (an alert), then free. */
sl_rc sl_tls_handshake(struct sl_tls *tls, struct sl_err *err) SL_MUST_CHECK;
bool sl_tls_is_ready(const struct sl_tls *tls);

/** Decrypted bytes; after the handshake.
 * @retval SL_OK         @p ret_size > 0
 * @retval SL_AGAIN      none yet
 * @retval SL_CLOSED     the other end closed cleanly
 * @retval SL_DENIED, SL_MALFORMED  as above */
sl_rc sl_tls_read(struct sl_tls *tls, void *out, size_t size, size_t *ret_size,
                  struct sl_err *err) SL_MUST_CHECK;

/** Encrypts @p size bytes into the outgoing buffer, whole. The caller bounds what it queues by
 * looking at sl_tls_out.
 * @retval SL_OK, SL_STATE (handshake not done), SL_CRYPTO */
sl_rc sl_tls_write(struct sl_tls *tls, const void *data, size_t size,
                   struct sl_err *err) SL_MUST_CHECK;

/** Queues close_notify. */
void sl_tls_close(struct sl_tls *tls);

/** The key exchange that the handshake agreed on; NULL before it is done. */
const struct sl_key_exchange_group *sl_tls_group(const struct sl_tls *tls);

/** What the peer proved to be; NULL before the handshake got so far. `spki` is NULL here. */
const struct sl_tls_peer *sl_tls_peer(const struct sl_tls *tls);

/** The channel binding "tls-exporter" (RFC 9266), or other exported keying material (RFC 8446 7.5):
 * the same at both ends of this connection and nowhere else.
 * @retval SL_OK, SL_STATE (handshake not done), SL_CRYPTO */
sl_rc sl_tls_export(struct sl_tls *tls, const char *label, uint8_t *out, size_t size) SL_MUST_CHECK;
#define SL_TLS_EXPORTER_LABEL "EXPORTER-Channel-Binding"

#endif
