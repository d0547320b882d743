/* SPDX-License-Identifier: Apache-2.0 */
/* A real image behind a host that lies where it is told to. */
#include "lying_host.h"

/* ---- the image ---- */

static sl_rc report(void *ctx, const uint8_t target_info[512], const uint8_t report_data[64],
                    uint8_t ret_report[432])
{
    struct lying_host *host = ctx;
    emu_site_report(host->site, target_info, report_data, ret_report);
    return SL_OK;
}

void lying_host_open(struct lying_host *host, struct emu_site *site,
                     const uint8_t tenant_hash[SL_SPKI_HASH_SIZE])
{
    memset(host, 0, sizeof(*host));
    host->site = site;
    host->now_ns = 1000000000;
    rig_init(&host->rig, 256, 1 << 20);
    native_runtime_set(host->rig.area, &host->rig.geometry, &host->rig.layout, false);
    assert_ok(sl_identity_generate("image", &host->key));
    assert_ok(
        sl_life_init(&host->life, NULL, 0, SL_SEAL_MRENCLAVE, &host->rig.provision, host->now_ns));
    struct sl_control_params params = {.identity = host->key,
                                       .certify = host->key,
                                       .provision = &host->rig.provision,
                                       .life = &host->life,
                                       .boundary = &host->boundary,
                                       .device = "emu"};
    memcpy(params.tenant_hash, tenant_hash, SL_SPKI_HASH_SIZE);
    const struct sl_area_layout *layout = &host->rig.layout;
    uint32_t size = host->rig.geometry.control_size;
    sl_byte_ring_init(&params.in, host->rig.area, &layout->control_in, size, &host->boundary);
    sl_byte_ring_init(&params.out, host->rig.area, &layout->control_out, size, &host->boundary);
    sl_byte_ring_init(&host->to_image, host->rig.area, &layout->control_in, size, NULL);
    sl_byte_ring_init(&host->from_image, host->rig.area, &layout->control_out, size, NULL);
    sl_control_server_init(&host->server, &params, host->now_ns);
}

void lying_host_close(struct lying_host *host)
{
    sl_control_server_done(&host->server);
    sl_identity_free(host->key);
    rig_done(&host->rig);
    for (uint32_t i = 0; i < LYING_WIRES_MAX; i++) {
        free(host->wires[i].bytes);
    }
}

static void image_poll(struct lying_host *host)
{
    native_runtime_reporter(report, host); /* of several images, the one that runs now */
    (void)sl_control_server_poll(&host->server, host->now_ns);
    native_runtime_reporter(NULL, NULL);
}

/* ---- evidence ---- */

void lying_host_piece(struct lying_host *host, uint32_t request, uint16_t rc, uint32_t total,
                      uint32_t off, const void *bytes, uint32_t size)
{
    uint8_t body[SL_CONTROL_FRAME_MAX];
    struct sl_writer w;
    sl_writer_init(&w, body, sizeof(body));
    sl_writer_u8(&w, SL_EVIDENCE_WANTED);
    sl_writer_be16(&w, rc);
    sl_writer_be32(&w, total);
    sl_writer_be32(&w, off);
    sl_writer_bytes(&w, bytes, size);
    assert_ok(w.rc);
    if (sl_frame_write_evidence(&host->to_image, request, body, (uint16_t)w.off) == SL_AGAIN) {
        image_poll(host);
        assert_ok(sl_frame_write_evidence(&host->to_image, request, body, (uint16_t)w.off));
    }
}

void lying_host_give(struct lying_host *host, uint32_t request, const uint8_t *bundle, size_t size)
{
    for (size_t off = 0; off < size; off += 4000) {
        size_t step = size - off < 4000 ? size - off : 4000;
        lying_host_piece(host, request, SL_OK, (uint32_t)size, (uint32_t)off, bundle + off,
                         (uint32_t)step);
    }
}

static void evidence_answer(struct lying_host *host, const struct sl_frame *frame)
{
    if (frame->data[0] == SL_EVIDENCE_TARGET) {
        uint8_t body[SL_EVIDENCE_PIECE_HEADER + SL_EVIDENCE_TARGET_SIZE] = {SL_EVIDENCE_TARGET};
        sl_be32_put(body + 3, SL_EVIDENCE_TARGET_SIZE);
        emu_site_target(host->site, body + SL_EVIDENCE_PIECE_HEADER);
        assert_ok(sl_frame_write_evidence(&host->to_image, frame->connection, body, sizeof(body)));
        return;
    }
    assert_int_equal(frame->size, 1 + 64 + 432);
    host->request = frame->connection;
    memcpy(host->data, frame->data + 1, 64);
    host->bundle_size = emu_site_bundle(host->site, host->data, frame->data + 65, host->bundle,
                                        sizeof(host->bundle));
    assert_true(host->bundle_size > 0);
    if (host->lie != NULL) {
        host->lie(host);
    } else {
        lying_host_give(host, host->request, host->bundle, host->bundle_size);
    }
}

/* ---- the relay ---- */

static struct lying_wire *wire_of(struct lying_host *host, uint32_t id)
{
    for (uint32_t i = 0; i < LYING_WIRES_MAX; i++) {
        if (host->wires[i].is_open && host->wires[i].id == id) {
            return &host->wires[i];
        }
    }
    return NULL;
}

static void flip(uint8_t *bytes, size_t size, uint64_t at, int64_t which)
{
    if (which >= 0 && (uint64_t)which >= at && (uint64_t)which < at + size) {
        bytes[(uint64_t)which - at] ^= 1;
    }
}

static void frame_take(struct lying_host *host, const struct sl_frame *frame)
{
    struct lying_wire *wire = wire_of(host, frame->connection);
    if (frame->kind == SL_FRAME_EVIDENCE) {
        evidence_answer(host, frame);
    } else if (wire != NULL && frame->kind == SL_FRAME_CLOSE) {
        wire->is_closed = true;
    } else if (wire != NULL && frame->kind == SL_FRAME_DATA) {
        wire->bytes = realloc(wire->bytes, wire->size + frame->size);
        assert_non_null(wire->bytes);
        memcpy(wire->bytes + wire->size, frame->data, frame->size);
        flip(wire->bytes + wire->size, frame->size, wire->to_gateway, wire->flip_to_gateway);
        wire->size += frame->size;
        wire->to_gateway += frame->size;
    }
}

void lying_host_pump(struct lying_host *host)
{
    struct sl_frame frame;
    image_poll(host);
    while (sl_frame_read(&host->frames, &host->from_image, &frame) == SL_OK) {
        frame_take(host, &frame);
    }
    image_poll(host);
}

static sl_rc wire_send(void *ctx, const uint8_t *data, size_t size, size_t *ret_size)
{
    struct lying_wire *wire = ctx;
    uint8_t copy[4096];
    size_t taken = 0;
    if (wire->is_closed) {
        return SL_CLOSED;
    }
    size = size < sizeof(copy) ? size : sizeof(copy);
    memcpy(copy, data, size);
    flip(copy, size, wire->to_image, wire->flip_to_image);
    assert_ok(sl_frame_write_data(&wire->host->to_image, wire->id, copy, size, &taken));
    assert_int_equal(taken, size);
    wire->to_image += size;
    *ret_size = size;
    return SL_OK;
}

static sl_rc wire_receive(void *ctx, uint8_t *out, size_t size, size_t *ret_size)
{
    struct lying_wire *wire = ctx;
    lying_host_pump(wire->host);
    if (wire->size == 0) {
        return wire->is_closed ? SL_CLOSED : SL_AGAIN;
    }
    size = size < wire->size ? size : wire->size;
    memcpy(out, wire->bytes, size);
    memmove(wire->bytes, wire->bytes + size, wire->size - size);
    wire->size -= size;
    *ret_size = size;
    return SL_OK;
}

static void wire_wait(void *ctx, bool is_write, int timeout_ms)
{
    struct lying_wire *wire = ctx;
    (void)is_write;
    (void)timeout_ms;
    wire->host->now_ns += 1000000; /* the image's time, a millisecond for each look */
    lying_host_pump(wire->host);
}

static void wire_close(void *ctx)
{
    struct lying_wire *wire = ctx;
    (void)!sl_frame_write_event(&wire->host->to_image, wire->id, SL_FRAME_CLOSE);
    lying_host_pump(wire->host);
    wire->is_open = false;
}

static sl_rc any_key(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err)
{
    (void)ctx;
    (void)peer;
    (void)err;
    return SL_OK; /* as the gateway does: evidence decides */
}

struct sl_client_transport lying_host_wire(struct lying_host *host)
{
    static uint32_t next_id;
    struct lying_wire *wire = host->wires;
    while (wire->is_open) {
        wire++;
        assert_true(wire < host->wires + LYING_WIRES_MAX);
    }
    free(wire->bytes);
    *wire = (struct lying_wire){
        .host = host, .id = ++next_id, .is_open = true, .flip_to_image = -1, .flip_to_gateway = -1};
    assert_ok(sl_frame_write_event(&host->to_image, wire->id, SL_FRAME_OPEN));
    return (struct sl_client_transport){.ctx = wire,
                                        .send = wire_send,
                                        .receive = wire_receive,
                                        .wait = wire_wait,
                                        .close = wire_close,
                                        .fd = -1};
}

struct sl_client *lying_host_connect(struct lying_host *host, const struct sl_identity *tenant)
{
    struct sl_client *client = NULL;
    const struct sl_client_params params = {
        .transport = lying_host_wire(host), .identity = tenant, .verify = any_key};
    assert_ok(sl_client_create(&params, &client, NULL));
    return client;
}

void lying_host_assert_nothing_given(const struct lying_host *host)
{
    assert_false(sl_provision_has_sa(&host->rig.provision));
    assert_false(host->rig.provision.has_chain);
    assert_int_equal(host->rig.provision.sa_sets, 0);
    assert_false(host->server.has_time);
    assert_int_equal(host->server.lease_ns, 0);
}
