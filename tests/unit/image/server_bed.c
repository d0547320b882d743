/* SPDX-License-Identifier: Apache-2.0 */
/* The control server's test bed. */
#include "server_bed.h"

struct bed bed;

int bed_setup(void **state)
{
    (void)state;
    memset(&bed, 0, sizeof(bed));
    rig_init(&bed.rig, 256, 1 << 20);
    native_runtime_set(bed.rig.area, &bed.rig.geometry, &bed.rig.layout, false);
    assert_ok(sl_identity_generate("image", &bed.image));
    assert_ok(sl_identity_generate("tenant", &bed.tenant));
    assert_ok(sl_identity_generate("stranger", &bed.stranger));
    struct sl_control_params params = {.identity = bed.image,
                                       .provision = &bed.rig.provision,
                                       .life = &bed.life,
                                       .boundary = &bed.boundary,
                                       .device = "test"};
    memcpy(params.tenant_hash, bed.tenant->spki_hash, SL_SPKI_HASH_SIZE);
    uint32_t size = bed.rig.geometry.control_size;
    sl_byte_ring_init(&params.in, bed.rig.area, &bed.rig.layout.control_in, size, &bed.boundary);
    sl_byte_ring_init(&params.out, bed.rig.area, &bed.rig.layout.control_out, size, &bed.boundary);
    sl_byte_ring_init(&bed.to_image, bed.rig.area, &bed.rig.layout.control_in, size, NULL);
    sl_byte_ring_init(&bed.from_image, bed.rig.area, &bed.rig.layout.control_out, size, NULL);
    bed.now_ns = 1000000000;
    assert_ok(sl_life_init(&bed.life, NULL, 0, SL_SEAL_MRENCLAVE, &bed.rig.provision, bed.now_ns));
    sl_control_server_init(&bed.server, &params, bed.now_ns);
    return 0;
}

int bed_teardown(void **state)
{
    (void)state;
    sl_control_server_done(&bed.server);
    sl_identity_free(bed.image);
    sl_identity_free(bed.tenant);
    sl_identity_free(bed.stranger);
    rig_done(&bed.rig);
    return 0;
}

uint64_t poll_server(void)
{
    return sl_control_server_poll(&bed.server, bed.now_ns);
}

/* Instead of sleeping, the client lets the server work. */
void bed_wait(void *ctx, bool is_write, int timeout_ms)
{
    (void)ctx;
    (void)is_write;
    (void)timeout_ms;
    (void)poll_server();
}

static sl_rc receive_unless_deaf(void *ctx, uint8_t *out, size_t size, size_t *ret_size)
{
    return bed.is_deaf ? SL_AGAIN : bed.receive(ctx, out, size, ret_size);
}

sl_rc bed_accept_image(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err)
{
    (void)ctx;
    return memcmp(peer->spki_hash, bed.image->spki_hash, SL_SPKI_HASH_SIZE) == 0
               ? SL_OK
               : sl_err_set(err, SL_AUTH, "not the image's key");
}

struct sl_client *make_client(const struct sl_identity *identity)
{
    struct sl_client *client = NULL;
    struct sl_client_params params = {.identity = identity, .verify = bed_accept_image};
    assert_ok(sl_client_ring_transport(bed.rig.area, &bed.rig.geometry, &bed.rig.layout, 1, NULL,
                                       NULL, &params.transport));
    params.transport.wait = bed_wait;
    bed.receive = params.transport.receive;
    params.transport.receive = receive_unless_deaf;
    assert_ok(sl_client_create(&params, &client, NULL));
    return client;
}

struct sl_client *connect_tenant(void)
{
    struct sl_client *client = make_client(bed.tenant);
    assert_ok(sl_client_connect(client, 5000, NULL));
    assert_ok(sl_client_insecure_unattested(client, 5000, NULL));
    return client;
}
