/* SPDX-License-Identifier: Apache-2.0 */
/* Two TLS ends that feed each other in memory. */
#ifndef SL_TESTS_CONTROL_PAIR_H
#define SL_TESTS_CONTROL_PAIR_H

#include "unit.h"

#include "control/tls.h"

struct pair {
    struct sl_identity *image;
    struct sl_identity *tenant;
    struct sl_tls *server;
    struct sl_tls *client;
    uint8_t expected_by_server[SL_SPKI_HASH_SIZE];
    uint8_t expected_by_client[SL_SPKI_HASH_SIZE];
};

static inline sl_rc pair_verify(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err)
{
    if (peer->spki == NULL || peer->spki_size == 0 ||
        memcmp(ctx, peer->spki_hash, SL_SPKI_HASH_SIZE) != 0) {
        return sl_err_set(err, SL_AUTH, "not the expected key");
    }
    return SL_OK;
}

static inline void pair_init(struct pair *p)
{
    memset(p, 0, sizeof(*p));
    assert_ok(sl_identity_generate("image", &p->image));
    assert_ok(sl_identity_generate("tenant", &p->tenant));
    memcpy(p->expected_by_server, p->tenant->spki_hash, SL_SPKI_HASH_SIZE);
    memcpy(p->expected_by_client, p->image->spki_hash, SL_SPKI_HASH_SIZE);
    struct sl_tls_options server = {true, p->image, pair_verify, p->expected_by_server,
                                    SL_KEY_EXCHANGE_CLASSICAL};
    struct sl_tls_options client = {false, p->tenant, pair_verify, p->expected_by_client,
                                    SL_KEY_EXCHANGE_CLASSICAL};
    assert_ok(sl_tls_create(&server, &p->server, NULL));
    assert_ok(sl_tls_create(&client, &p->client, NULL));
}

static inline void pair_done(struct pair *p)
{
    sl_tls_free(p->server);
    sl_tls_free(p->client);
    sl_identity_free(p->image);
    sl_identity_free(p->tenant);
}

/* Carries what one end has to say to the other. */
static inline size_t pair_carry(struct sl_tls *from, struct sl_tls *to)
{
    const uint8_t *data;
    size_t size = sl_tls_out(from, &data);
    size = size < SL_TLS_IN_MAX ? size : SL_TLS_IN_MAX;
    if (size > 0 && sl_tls_feed(to, data, size) == SL_OK) {
        sl_tls_out_take(from, size);
        return size;
    }
    return 0;
}

/* Runs both handshakes until both ended; their results go to ret_server and ret_client. */
static inline void pair_handshake(struct pair *p, sl_rc *ret_server, sl_rc *ret_client)
{
    sl_rc server = SL_AGAIN;
    sl_rc client = SL_AGAIN;
    for (int i = 0; i < 10; i++) {
        client = client == SL_AGAIN ? sl_tls_handshake(p->client, NULL) : client;
        (void)pair_carry(p->client, p->server);
        server = server == SL_AGAIN ? sl_tls_handshake(p->server, NULL) : server;
        (void)pair_carry(p->server, p->client);
    }
    *ret_server = server;
    *ret_client = client;
}

static inline void pair_connect(struct pair *p)
{
    sl_rc server;
    sl_rc client;
    pair_handshake(p, &server, &client);
    assert_ok(server);
    assert_ok(client);
}

#endif
