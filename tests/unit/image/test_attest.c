/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation at the image's end, against a host that answers as it likes. */
#include "server_bed.h"

#include "control/monitor_binding.h"

/* What the test's host was asked last, and how it answers. */
static struct {
    uint32_t count[3]; /* requests, by what they asked for */
    uint32_t request;
    uint8_t what;
    uint8_t body[SL_EVIDENCE_VOUCH_SIZE + SL_EVIDENCE_REPORT_SIZE];
    uint32_t vouched;
    uint32_t body_size;
    bool is_silent;          /* for evidence */
    bool is_without_enclave; /* no TARGETINFO */
    uint32_t piece;          /* bytes per piece; 0: 16000 */
    const uint8_t *bundle;   /* what is given */
    uint32_t bundle_size;
} host;

static struct sl_byte_ring *to_image;
static uint8_t target[SL_EVIDENCE_TARGET_SIZE];

static void piece_send_of(uint32_t request, uint8_t what, uint16_t rc, uint32_t total, uint32_t off,
                          const void *bytes, uint32_t size)
{
    static uint8_t body[SL_CONTROL_FRAME_MAX];
    struct sl_writer w;
    sl_writer_init(&w, body, sizeof(body));
    sl_writer_u8(&w, what);
    sl_writer_be16(&w, rc);
    sl_writer_be32(&w, total);
    sl_writer_be32(&w, off);
    sl_writer_bytes(&w, bytes, size);
    assert_ok(w.rc);
    if (sl_frame_write_evidence(to_image, request, body, (uint16_t)w.off) == SL_AGAIN) {
        (void)poll_server(); /* which takes what is there */
        assert_ok(sl_frame_write_evidence(to_image, request, body, (uint16_t)w.off));
    }
}

static void piece_send(uint8_t what, uint16_t rc, uint32_t total, uint32_t off, const void *bytes,
                       uint32_t size)
{
    piece_send_of(host.request, what, rc, total, off, bytes, size);
}

static void sentence_send(uint8_t what, sl_rc rc, const char *text)
{
    piece_send(what, (uint16_t)rc, (uint32_t)strlen(text), 0, text, (uint32_t)strlen(text));
}

static void bundle_send(void)
{
    uint32_t step = host.piece != 0 ? host.piece : 16000;
    for (uint32_t off = 0; off < host.bundle_size; off += step) {
        uint32_t size = host.bundle_size - off < step ? host.bundle_size - off : step;
        piece_send(SL_EVIDENCE_WANTED, SL_OK, host.bundle_size, off, host.bundle + off, size);
    }
}

static void on_request(void *ctx, struct sl_byte_ring *ring, uint32_t request, const uint8_t *data,
                       uint32_t size)
{
    (void)ctx;
    to_image = ring;
    assert_true(size >= 1);
    host.request = request;
    host.what = data[0];
    host.body_size = size - 1;
    assert_true(host.body_size <= sizeof(host.body));
    memcpy(host.body, data + 1, host.body_size);
    if (host.what == SL_EVIDENCE_VOUCH) {
        host.vouched++;
        return;
    }
    assert_true(host.what == SL_EVIDENCE_TARGET || host.what == SL_EVIDENCE_WANTED);
    host.count[host.what]++;
    if (host.what == SL_EVIDENCE_TARGET && host.is_without_enclave) {
        sentence_send(host.what, SL_UNSUPPORTED, "a guest, not an enclave");
    } else if (host.what == SL_EVIDENCE_TARGET) {
        piece_send(host.what, SL_OK, sizeof(target), 0, target, sizeof(target));
    } else if (!host.is_silent) {
        bundle_send();
    }
}

static int setup(void **state)
{
    static const uint8_t bundle[] = "evidence, opaque to the image";
    (void)bed_setup(state);
    memset(&host, 0, sizeof(host));
    memset(target, 0x77, sizeof(target));
    host.bundle = bundle;
    host.bundle_size = sizeof(bundle);
    native_runtime_no_reports(false);
    return 0;
}

/* Both ends of the control rings at their start: a transport is made for fresh rings. */
static void rings_renew(void)
{
    const struct sl_area_layout *layout = &bed.rig.layout;
    uint32_t size = bed.rig.geometry.control_size;
    memset(bed.rig.area + layout->control_in.index, 0, sizeof(struct sl_area_index));
    memset(bed.rig.area + layout->control_out.index, 0, sizeof(struct sl_area_index));
    sl_byte_ring_init(&bed.server.params.in, bed.rig.area, &layout->control_in, size,
                      &bed.boundary);
    sl_byte_ring_init(&bed.server.params.out, bed.rig.area, &layout->control_out, size,
                      &bed.boundary);
}

/* The host's end after its client has gone; the image has read all there was. */
static void host_takes_ring(void)
{
    bed.to_image.local = bed.to_image.peer = bed.server.params.in.local;
    to_image = &bed.to_image;
}

static void client_end(struct sl_client *client)
{
    sl_client_free(client);
    (void)poll_server();
    host_takes_ring();
}

/* A client on whose connection nothing was asked yet. */
static struct sl_client *connect_new(void)
{
    rings_renew();
    struct sl_client *client = NULL;
    struct sl_client_params params = {.identity = bed.tenant, .verify = bed_accept_image};
    assert_ok(sl_client_ring_transport(bed.rig.area, &bed.rig.geometry, &bed.rig.layout, 1, NULL,
                                       NULL, &params.transport));
    sl_client_ring_on_evidence(&params.transport, on_request, NULL);
    params.transport.wait = bed_wait;
    assert_ok(sl_client_create(&params, &client, NULL));
    assert_ok(sl_client_connect(client, 5000, NULL));
    return client;
}

static void nonce_make(uint8_t nonce[SL_BINDING_NONCE_SIZE], uint8_t fill)
{
    memset(nonce, fill, SL_BINDING_NONCE_SIZE);
}

/* ---- what works ---- */

static void test_evidence_is_over_what_both_ends_know(void **state)
{
    (void)state;
    uint8_t nonce[SL_BINDING_NONCE_SIZE];
    uint8_t want[SL_BINDING_DATA_SIZE];
    struct sl_client_evidence evidence = {0};
    struct sl_client *client = connect_new();
    nonce_make(nonce, 0x42);
    assert_ok(rig_set_chain(&bed.rig, 9, SL_VERDICT_PASS));
    assert_ok(sl_client_attest(client, 5000, nonce, &evidence, NULL));
    assert_int_equal(evidence.policy_version, 9);
    assert_memory_equal(evidence.policy_hash, bed.rig.provision.hash, 32);
    assert_int_equal(evidence.bundle_size, host.bundle_size);
    assert_memory_equal(evidence.bundle, host.bundle, host.bundle_size);
    sl_msg_done(&evidence.reply);
    /* computed from what the client knows by itself */
    struct sl_binding binding = {.policy_version = 9};
    memcpy(binding.nonce, nonce, sizeof(nonce));
    memcpy(binding.policy_hash, bed.rig.provision.hash, 32);
    memcpy(binding.tenant_key, bed.tenant->spki_hash, 32);
    memcpy(binding.image_key, sl_tls_peer(sl_client_tls(client))->spki_hash, 32);
    assert_ok(sl_tls_export(sl_client_tls(client), SL_TLS_EXPORTER_LABEL, binding.exporter, 32));
    assert_ok(sl_binding_report_data(&binding, want));
    assert_int_equal(host.body_size, SL_BINDING_DATA_SIZE + SL_EVIDENCE_REPORT_SIZE);
    assert_memory_equal(host.body, want, sizeof(want));
    const uint8_t *report = host.body + SL_BINDING_DATA_SIZE;
    assert_memory_equal(report + 320, want, sizeof(want)); /* REPORTDATA */
    assert_memory_equal(report + 384, target, 32);         /* for the host's quoting enclave */
    assert_int_equal(bed.server.counters.attested, 1);
    assert_int_equal(bed.server.counters.requests, 1);
    client_end(client);
}

static void test_each_request_has_its_own_number_and_data(void **state)
{
    (void)state;
    uint8_t nonce[SL_BINDING_NONCE_SIZE];
    uint8_t first[SL_BINDING_DATA_SIZE];
    struct sl_client_evidence evidence = {0};
    struct sl_client *client = connect_new();
    nonce_make(nonce, 1);
    assert_ok(sl_client_attest(client, 5000, nonce, &evidence, NULL));
    sl_msg_done(&evidence.reply);
    uint32_t number = host.request;
    memcpy(first, host.body, sizeof(first));
    nonce_make(nonce, 2);
    assert_ok(sl_client_attest(client, 5000, nonce, &evidence, NULL));
    sl_msg_done(&evidence.reply);
    assert_int_not_equal(host.request, number);
    assert_memory_not_equal(host.body, first, sizeof(first));
    client_end(client);
    /* another connection, the same nonce: the exporter differs */
    client = connect_new();
    nonce_make(nonce, 1);
    assert_ok(sl_client_attest(client, 5000, nonce, &evidence, NULL));
    sl_msg_done(&evidence.reply);
    assert_memory_not_equal(host.body, first, sizeof(first));
    client_end(client);
}

static void test_without_an_enclave_report_data_goes_alone(void **state)
{
    (void)state;
    uint8_t nonce[SL_BINDING_NONCE_SIZE] = {3};
    struct sl_client_evidence evidence = {0};
    struct sl_client *client = connect_new();
    host.is_without_enclave = true;
    assert_ok(sl_client_attest(client, 5000, nonce, &evidence, NULL));
    assert_int_equal(host.body_size, SL_BINDING_DATA_SIZE);
    sl_msg_done(&evidence.reply);
    client_end(client);
}

static void test_bundles_come_in_any_pieces(void **state)
{
    (void)state;
    static uint8_t big[SL_EVIDENCE_BUNDLE_MAX];
    const struct {
        uint32_t size, piece;
    } rows[] = {{1, 1}, {100, 1}, {100, 99}, {100, 100}, {sizeof(big), 16000}, {sizeof(big), 7001}};
    uint8_t nonce[SL_BINDING_NONCE_SIZE] = {4};
    for (size_t i = 0; i < sizeof(big); i++) {
        big[i] = (uint8_t)(i * 7 + i / 251);
    }
    struct sl_client *client = connect_new();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_client_evidence evidence = {0};
        host.bundle = big;
        host.bundle_size = rows[i].size;
        host.piece = rows[i].piece;
        assert_ok(sl_client_attest(client, 5000, nonce, &evidence, NULL));
        assert_int_equal(evidence.bundle_size, rows[i].size);
        assert_memory_equal(evidence.bundle, big, rows[i].size);
        sl_msg_done(&evidence.reply);
    }
    client_end(client);
}

/* ---- the gate ---- */

static void test_nothing_is_taken_before_attestation(void **state)
{
    (void)state;
    struct sl_err err = {0};
    struct sl_msg_hello hello;
    struct sl_msg reply = {0};
    uint64_t version = 0;
    uint8_t hash[32];
    uint8_t bundle[64];
    char *text = NULL;
    struct sl_client *client = connect_new();
    struct sl_msg_sa sa = rig_sa(&bed.rig, 0, true);
    size_t size = rig_bundle(7, SL_VERDICT_PASS, bundle, sizeof(bundle));
    assert_rc(sl_client_sa_set(client, 5000, &sa, &err), SL_STATE);
    assert_non_null(strstr(err.text, "before attestation"));
    assert_rc(sl_client_chain_set(client, 5000, bundle, size, &version, hash, &err), SL_STATE);
    assert_rc(sl_client_time(client, 5000, &err), SL_STATE);
    assert_rc(sl_client_lease(client, 5000, 30, &err), SL_STATE);
    assert_rc(sl_client_path(client, 5000, 1400, false, &err), SL_STATE);
    assert_rc(sl_client_call(client, SL_MSG_EVAL, "\0\0", 2, 5000, &reply, &err), SL_STATE);
    assert_rc(sl_client_call(client, 99, NULL, 0, 5000, &reply, &err), SL_STATE);
    assert_int_equal(bed.server.counters.unattested, 7);
    assert_false(sl_provision_has_sa(&bed.rig.provision));
    assert_false(bed.rig.provision.has_chain);
    assert_false(bed.server.has_time);
    assert_int_equal(bed.server.lease_ns, 0);
    /* what gives nothing away goes */
    assert_ok(sl_client_hello(client, 5000, &hello, &err));
    assert_ok(sl_client_status(client, 5000, &text, &err));
    free(text);
    assert_ok(sl_client_sa_clear(client, 5000, &err));
    /* and afterwards all of it */
    assert_ok(sl_client_insecure_unattested(client, 5000, &err));
    assert_ok(sl_client_sa_set(client, 5000, &sa, &err));
    client_end(client);
}

static void test_attestation_of_one_connection_serves_no_other(void **state)
{
    (void)state;
    struct sl_err err = {0};
    struct sl_client *client = connect_new();
    assert_ok(sl_client_insecure_unattested(client, 5000, &err));
    client_end(client);
    client = connect_new(); /* the same number, even */
    assert_rc(sl_client_time(client, 5000, &err), SL_STATE);
    client_end(client);
}

static void test_nonce_of_another_size_ends_the_connection(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 31, 33, 1000};
    static const uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct sl_err err = {0};
        struct sl_msg reply = {0};
        struct sl_client *client = connect_new();
        assert_rc(sl_client_call(client, SL_MSG_ATTEST, bytes, sizes[i], 5000, &reply, &err),
                  SL_MALFORMED);
        client_end(client);
        assert_int_equal(bed.server.counters.failed_protocol, i + 1);
    }
    assert_int_equal(host.count[SL_EVIDENCE_TARGET], 0);
}

/* ---- hosts that do not give what was asked for ---- */

/* Asks, and lets `misbehave` answer where the evidence should come. */
static sl_rc attest_with(void (*misbehave)(void), struct sl_err *err)
{
    uint8_t nonce[SL_BINDING_NONCE_SIZE] = {5};
    struct sl_msg reply = {0};
    struct sl_client *client = connect_new();
    host.is_silent = true;
    assert_ok(sl_client_request(client, SL_MSG_ATTEST, nonce, sizeof(nonce), err));
    sl_rc rc = SL_AGAIN;
    for (int i = 0; i < 20 && rc == SL_AGAIN; i++) {
        rc = sl_client_poll(client, &reply, err);
        (void)poll_server();
        if (i == 10) {
            assert_int_equal(host.what, SL_EVIDENCE_WANTED);
            misbehave();
        }
    }
    if (rc == SL_OK) {
        rc = reply.type == SL_MSG_ERROR ? sl_client_error(&reply, err) : SL_OK;
        sl_msg_done(&reply);
    }
    /* whatever happened, nothing can be provisioned unless evidence came or none is to be had */
    if (rc != SL_OK && rc != SL_UNSUPPORTED && rc != SL_AGAIN) {
        assert_rc(sl_client_time(client, 5000, NULL), SL_STATE);
    }
    client_end(client);
    return rc;
}

static const uint8_t some[300];

static void truncated_header(void)
{
    assert_ok(sl_frame_write_evidence(to_image, host.request, some, 10));
}
static void total_zero(void)
{
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 0, 0, some, 0);
}
static void total_huge(void)
{
    piece_send(SL_EVIDENCE_WANTED, SL_OK, SL_EVIDENCE_BUNDLE_MAX + 1, 0, some, 10);
}
static void total_wraps(void)
{
    piece_send(SL_EVIDENCE_WANTED, SL_OK, UINT32_MAX, 0, some, 10);
}
static void piece_beyond_total(void)
{
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 100, 0, some, 101);
}
static void gap(void)
{
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 100, 0, some, 50);
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 100, 51, some, 49);
}
static void overlap(void)
{
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 100, 0, some, 50);
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 100, 49, some, 51);
}
static void offset_wraps(void)
{
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 100, 0, some, 50);
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 100, UINT32_MAX, some, 50);
}
static void total_changes(void)
{
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 100, 0, some, 50);
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 200, 50, some, 150);
}
static void empty_piece(void)
{
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 100, 0, some, 50);
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 100, 50, some, 0);
}
static void other_question(void)
{
    piece_send(SL_EVIDENCE_TARGET, SL_OK, sizeof(target), 0, target, sizeof(target));
}
static void unknown_question(void)
{
    piece_send(7, SL_OK, 10, 0, some, 10);
}

static void test_pieces_that_break_the_protocol_are_refused(void **state)
{
    (void)state;
    void (*const rows[])(void) = {truncated_header, total_zero,         total_huge,
                                  total_wraps,      piece_beyond_total, gap,
                                  overlap,          offset_wraps,       total_changes,
                                  empty_piece,      other_question,     unknown_question};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_err err = {0};
        sl_rc rc = attest_with(rows[i], &err);
        if (rc != SL_MALFORMED) {
            fail_msg("row %zu: %s: %s", i, sl_rc_name(rc), err.text);
        }
        assert_non_null(strstr(err.text, "the host's evidence breaks the protocol"));
        assert_int_equal(bed.server.counters.attest_failed, i + 1);
    }
    assert_int_equal(bed.server.counters.attested, 0);
}

static void refuse_auth(void)
{
    sentence_send(SL_EVIDENCE_WANTED, SL_AUTH, "aesmd: \x1b[31mreport\nrefused\xff");
}
static void refuse_oddly(void)
{
    sentence_send(SL_EVIDENCE_WANTED, SL_STATE, "");
}
static void refuse_unknown(void)
{
    sentence_send(SL_EVIDENCE_WANTED, (sl_rc)60000, "who knows");
}
static void refuse_long(void)
{
    static char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    sentence_send(SL_EVIDENCE_WANTED, SL_TIMEOUT, text);
}
static void refuse_wholly(void)
{
    sentence_send(SL_EVIDENCE_WANTED, SL_UNSUPPORTED, "no TEE here");
}

static void test_the_hosts_reason_is_told_in_clean_words(void **state)
{
    (void)state;
    const struct {
        void (*misbehave)(void);
        sl_rc want;
        const char *text;
    } rows[] = {
        {refuse_auth, SL_AUTH, "aesmd: ?[31mreport?refused?"},
        {refuse_oddly, SL_IO, "input or output failed"}, /* not taken for the image's own state */
        {refuse_unknown, SL_IO, "who knows"},
        {refuse_long, SL_TIMEOUT, "xxx"},
        {refuse_wholly, SL_UNSUPPORTED, "no TEE here"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_err err = {0};
        assert_rc(attest_with(rows[i].misbehave, &err), rows[i].want);
        assert_non_null(strstr(err.text, rows[i].text));
        assert_true(strlen(err.text) < 400);
    }
}

static void late_answer(void)
{
    piece_send_of(host.request + 1, SL_EVIDENCE_WANTED, SL_OK, 10, 0, some, 10);
    piece_send_of(host.request - 1, SL_EVIDENCE_WANTED, SL_OK, 10, 0, some, 10);
    piece_send_of(0, SL_EVIDENCE_WANTED, SL_OK, 10, 0, some, 10);
}

static void test_answers_to_other_requests_are_ignored(void **state)
{
    (void)state;
    struct sl_err err = {0};
    assert_rc(attest_with(late_answer, &err), SL_AGAIN);
    assert_int_equal(bed.server.counters.evidence_strays, 3);
    assert_int_equal(bed.server.counters.attested, 0);
}

static void monitor_asks(void)
{
    static const uint8_t nonce_target[32 + SL_EVIDENCE_TARGET_SIZE] = {0x31};
    piece_send_of(77, SL_EVIDENCE_VOUCH, SL_OK, 31, 0, nonce_target, 31); /* no nonce */
    piece_send_of(77, SL_EVIDENCE_VOUCH, SL_OK, 33, 0, nonce_target, 33); /* half a target */
    (void)poll_server();
    assert_int_equal(bed.server.counters.evidence_strays, 2);
    piece_send_of(78, SL_EVIDENCE_VOUCH, SL_OK, 32 + 512, 0, nonce_target, 32 + 512);
}

/* Beside a gateway's request, which it neither answers nor ends. */
static void test_image_vouches_for_itself_to_a_monitor(void **state)
{
    (void)state;
    struct sl_err err = {0};
    struct sl_monitor_binding binding = {.nonce = {0x31}};
    uint8_t data[SL_BINDING_DATA_SIZE];
    assert_rc(attest_with(monitor_asks, &err), SL_AGAIN);
    assert_int_equal(host.vouched, 1);
    assert_int_equal(host.request, 78);
    assert_int_equal(host.body_size, SL_EVIDENCE_VOUCH_SIZE - 1 + SL_EVIDENCE_REPORT_SIZE);
    assert_int_equal(host.body[0] << 8 | host.body[1], SL_OK);
    memcpy(binding.image_key, host.body + 2, 32);
    memcpy(binding.tenant_key, host.body + 34, 32);
    assert_memory_equal(binding.image_key, bed.server.params.identity->spki_hash, 32);
    assert_memory_equal(binding.tenant_key, bed.server.params.tenant_hash, 32);
    assert_ok(sl_monitor_binding_report_data(&binding, data));
    /* REPORT.REPORTDATA, SDM 3D 38.15 */
    assert_memory_equal(host.body + SL_EVIDENCE_VOUCH_SIZE - 1 + 320, data, sizeof(data));
    assert_int_equal(bed.server.counters.attested, 0);
}

static void two_thirds_then_silence(void)
{
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 300, 0, some, 200);
    (void)poll_server();
    bed.now_ns += SL_EVIDENCE_TIMEOUT_NS - 1;
    (void)poll_server();
    assert_int_equal(bed.server.counters.attest_failed, 0);
    bed.now_ns += 1;
}

static void test_late_evidence_is_none(void **state)
{
    (void)state;
    struct sl_err err = {0};
    assert_rc(attest_with(two_thirds_then_silence, &err), SL_TIMEOUT);
    assert_non_null(strstr(err.text, "200 of 300 bytes"));
    /* the rest, when nobody waits any more */
    piece_send(SL_EVIDENCE_WANTED, SL_OK, 300, 200, some, 100);
    (void)poll_server();
    assert_int_equal(bed.server.counters.evidence_strays, 1);
    assert_int_equal(bed.server.counters.attested, 0);
}

static void test_target_of_another_size_is_refused(void **state)
{
    (void)state;
    const uint32_t totals[] = {1, 511, 513, 4096};
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        static const uint8_t bytes[4096];
        uint8_t nonce[SL_BINDING_NONCE_SIZE] = {6};
        struct sl_msg reply = {0};
        struct sl_err err = {0};
        struct sl_client *client = connect_new();
        struct sl_control_server *server = &bed.server;
        assert_ok(sl_client_request(client, SL_MSG_ATTEST, nonce, sizeof(nonce), NULL));
        assert_rc(sl_client_poll(client, &reply, NULL), SL_AGAIN);
        /* the image asks; this host answers in place of on_request */
        uint32_t before = server->evidence_number;
        (void)poll_server();
        assert_int_equal(server->evidence_number, before + 1);
        struct sl_evidence_ask *ask = &server->connections[0].attest.ask;
        assert_int_equal(ask->state, SL_ASK_WAITING);
        uint8_t piece[SL_EVIDENCE_PIECE_HEADER + 4096] = {SL_EVIDENCE_TARGET};
        sl_be32_put(piece + 3, totals[i]);
        memcpy(piece + SL_EVIDENCE_PIECE_HEADER, bytes, totals[i]);
        assert_true(sl_evidence_ask_take(ask, piece, SL_EVIDENCE_PIECE_HEADER + totals[i]));
        assert_int_equal(ask->state, SL_ASK_DONE);
        assert_int_equal(ask->err.rc, SL_MALFORMED);
        host.is_silent = true;
        sl_rc rc;
        while ((rc = sl_client_poll(client, &reply, &err)) == SL_AGAIN) {
            (void)poll_server();
        }
        assert_ok(rc);
        assert_rc(sl_client_error(&reply, &err), SL_MALFORMED);
        sl_msg_done(&reply);
        client_end(client);
    }
}

static void test_target_on_a_device_without_reports_is_told(void **state)
{
    (void)state;
    uint8_t nonce[SL_BINDING_NONCE_SIZE] = {7};
    struct sl_err err = {0};
    struct sl_client_evidence evidence = {0};
    struct sl_client *client = connect_new();
    native_runtime_no_reports(true);
    assert_rc(sl_client_attest(client, 5000, nonce, &evidence, &err), SL_UNSUPPORTED);
    assert_non_null(strstr(err.text, "makes no reports"));
    client_end(client);
}

/* ---- while it waits ---- */

static void test_waiting_for_evidence_stops_nothing_else(void **state)
{
    (void)state;
    uint8_t nonce[SL_BINDING_NONCE_SIZE] = {8};
    struct sl_msg reply = {0};
    struct sl_client *client = connect_new();
    host.is_silent = true;
    assert_ok(sl_client_request(client, SL_MSG_ATTEST, nonce, sizeof(nonce), NULL));
    for (int i = 0; i < 5; i++) {
        assert_rc(sl_client_poll(client, &reply, NULL), SL_AGAIN);
        assert_true(poll_server() > 0); /* it sleeps, and knows until when */
    }
    /* other connections come and go */
    assert_ok(sl_frame_write_event(to_image, 50, SL_FRAME_OPEN));
    (void)poll_server();
    assert_int_equal(bed.server.counters.opened, 2);
    assert_int_equal(bed.server.connections[1].state, SL_CONNECTION_HANDSHAKE);
    /* a connection that ends while its evidence is being made leaves nothing behind */
    client_end(client);
    assert_int_equal(bed.server.connections[0].state, SL_CONNECTION_FREE);
    bundle_send();
    (void)poll_server();
    assert_int_equal(bed.server.counters.evidence_strays, 1);
}

static void test_one_request_at_a_time(void **state)
{
    (void)state;
    uint8_t nonce[SL_BINDING_NONCE_SIZE] = {9};
    struct sl_msg reply = {0};
    struct sl_client *client = connect_new();
    host.is_silent = true;
    assert_ok(sl_client_request(client, SL_MSG_ATTEST, nonce, sizeof(nonce), NULL));
    for (int i = 0; i < 5; i++) {
        assert_rc(sl_client_poll(client, &reply, NULL), SL_AGAIN);
        (void)poll_server();
    }
    assert_ok(sl_tls_write(sl_client_tls(client), "\0\0\0\4\0\6\0\2", 8, NULL)); /* a ping */
    (void)!sl_client_poll(client, &reply, NULL);
    (void)poll_server();
    assert_int_equal(bed.server.counters.failed_protocol, 1);
    client_end(client);
}

static void test_failed_reattestation_deletes_the_sas(void **state)
{
    (void)state;
    uint8_t nonce[SL_BINDING_NONCE_SIZE] = {10};
    struct sl_err err = {0};
    struct sl_msg reply = {0};
    struct sl_client_evidence evidence = {0};
    struct sl_client *client = connect_new();
    assert_ok(sl_client_attest(client, 5000, nonce, &evidence, NULL));
    sl_msg_done(&evidence.reply);
    struct sl_msg_sa sa = rig_sa(&bed.rig, 0, true);
    assert_ok(sl_client_sa_set(client, 5000, &sa, NULL));
    assert_ok(sl_client_attest(client, 5000, nonce, &evidence, NULL)); /* a good one keeps them */
    sl_msg_done(&evidence.reply);
    assert_true(sl_provision_has_sa(&bed.rig.provision));
    host.is_silent = true;
    assert_ok(sl_client_request(client, SL_MSG_ATTEST, nonce, sizeof(nonce), &err));
    for (int i = 0; i < 5; i++) {
        assert_rc(sl_client_poll(client, &reply, NULL), SL_AGAIN);
        (void)poll_server();
    }
    assert_true(sl_provision_has_sa(&bed.rig.provision));
    bed.now_ns += SL_EVIDENCE_TIMEOUT_NS;
    (void)poll_server();
    assert_false(sl_provision_has_sa(&bed.rig.provision));
    while (sl_client_poll(client, &reply, &err) == SL_AGAIN) {
        (void)poll_server();
    }
    assert_rc(sl_client_error(&reply, &err), SL_TIMEOUT);
    sl_msg_done(&reply);
    assert_rc(sl_client_sa_set(client, 5000, &sa, &err), SL_STATE); /* and no way back in */
    client_end(client);
}

static void test_full_ring_delays_the_question(void **state)
{
    (void)state;
    static const uint8_t filler[1 << 20];
    uint8_t data[SL_BINDING_DATA_SIZE] = {11};
    uint8_t sink[4096];
    struct sl_evidence_ask ask = {0};
    struct sl_byte_ring *out = &bed.server.params.out;
    (void)sl_byte_ring_write(out, filler, sl_byte_ring_writable(out));
    sl_evidence_ask_start(&ask, 77, data, bed.now_ns);
    assert_int_equal(sl_evidence_ask_move(&ask, out, bed.now_ns), bed.now_ns + 1000000);
    assert_int_equal(ask.state, SL_ASK_SENDING);
    while (sl_byte_ring_read(&bed.from_image, sink, sizeof(sink)) > 0) {
    }
    assert_int_equal(sl_evidence_ask_move(&ask, out, bed.now_ns), ask.deadline_ns);
    assert_int_equal(ask.state, SL_ASK_WAITING);
    sl_evidence_ask_reset(&ask);
    assert_false(sl_evidence_ask_take(&ask, sink, 20));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, bed_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_evidence_is_over_what_both_ends_know),
        TEST(test_each_request_has_its_own_number_and_data),
        TEST(test_without_an_enclave_report_data_goes_alone),
        TEST(test_bundles_come_in_any_pieces),
        TEST(test_nothing_is_taken_before_attestation),
        TEST(test_attestation_of_one_connection_serves_no_other),
        TEST(test_nonce_of_another_size_ends_the_connection),
        TEST(test_pieces_that_break_the_protocol_are_refused),
        TEST(test_the_hosts_reason_is_told_in_clean_words),
        TEST(test_image_vouches_for_itself_to_a_monitor),
        TEST(test_answers_to_other_requests_are_ignored),
        TEST(test_late_evidence_is_none),
        TEST(test_target_of_another_size_is_refused),
        TEST(test_target_on_a_device_without_reports_is_told),
        TEST(test_waiting_for_evidence_stops_nothing_else),
        TEST(test_one_request_at_a_time),
        TEST(test_failed_reattestation_deletes_the_sas),
        TEST(test_full_ring_delays_the_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
