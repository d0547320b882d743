/* SPDX-License-Identifier: Apache-2.0 */
/* The control server with the real client, over in-memory rings; time is the test's. */
#include "unit.h"

#include <jansson.h>

#include "control/eval_message.h"
#include "server_bed.h"

static void test_every_request(void **state)
{
    (void)state;
    struct sl_client *client = connect_tenant();
    struct sl_msg_hello hello;
    uint64_t ns = 0;
    uint64_t version = 0;
    uint8_t hash[32];
    uint8_t bundle[64];
    assert_ok(sl_client_hello(client, 5000, &hello, NULL));
    assert_string_equal(hello.device, "test");
    assert_int_equal(hello.shard_count, 1);
    assert_int_equal(hello.nf_count, 1);
    assert_string_equal(hello.nf_names[0], "test");
    assert_ok(sl_client_ping(client, 5000, 1024, &ns, NULL));
    assert_ok(sl_client_ping(client, 5000, 0, &ns, NULL));
    assert_ok(sl_client_time(client, 5000, NULL));
    assert_true(bed.server.has_time);
    struct sl_msg_sa sa = rig_sa(&bed.rig, 0, true);
    assert_ok(sl_client_sa_set(client, 5000, &sa, NULL));
    assert_non_null(sl_provision_config(&bed.rig.provision, 0)->ports[0].in);
    size_t size = rig_bundle(7, SL_VERDICT_PASS, bundle, sizeof(bundle));
    assert_ok(sl_client_chain_set(client, 5000, bundle, size, &version, hash, NULL));
    assert_int_equal(version, 7);
    assert_memory_equal(hash, bed.rig.provision.hash, 32);
    assert_ok(sl_client_sa_clear(client, 5000, NULL));
    assert_null(sl_provision_config(&bed.rig.provision, 0)->ports[0].in);
    sl_client_free(client);
    (void)poll_server();
    assert_int_equal(bed.server.connections[0].state, SL_CONNECTION_FREE);
}

/* What one end seals under its own derivation, the image's SA opens, and the other way round. */
static void test_sa_keys_are_derived_alike_at_both_ends(void **state)
{
    (void)state;
    struct sl_client *client = connect_tenant();
    for (uint32_t i = 0; i < SL_SUITE_COUNT; i++) {
        uint8_t inner[64 + SL_ESP_OVERHEAD_MAX] = {0x45, 0, 0, 20};
        uint8_t wire[128];
        uint8_t out[128];
        uint32_t size = 0;
        struct sl_esp_inner opened;
        struct sl_esp_sa *own = NULL;
        struct sl_msg_sa sa = rig_sa(&bed.rig, 0, true);
        sa.params.alg = sl_suites[i].number;
        assert_ok(sl_client_sa_make(client, &sa, NULL));
        assert_ok(sl_client_sa_set(client, 5000, &sa, NULL));
        sa.params.is_inbound = false;
        assert_ok(sl_esp_sa_create(&sa.params, &own));
        assert_ok(sl_esp_seal(own, inner, 20, SL_ESP_NEXT_IPV4, 0, wire, sizeof(wire), &size));
        struct sl_esp_sa *in = sl_provision_config(&bed.rig.provision, 0)->ports[0].in;
        assert_ok(sl_esp_open(in, wire, size, out, sizeof(out), &opened));
        assert_int_equal(opened.size, 20);
        sl_esp_sa_free(own);
    }
    sl_client_free(client);
}

static void test_refusals_leave_the_connection_usable(void **state)
{
    (void)state;
    struct sl_client *client = connect_tenant();
    struct sl_err err = {0};
    uint64_t ns;
    uint64_t version;
    uint8_t hash[32];
    uint8_t bundle[64];
    struct sl_msg_sa sa = rig_sa(&bed.rig, 0, true);
    assert_ok(sl_client_sa_set(client, 5000, &sa, NULL));
    assert_ok(sl_client_sa_clear(client, 5000, NULL));
    assert_rc(sl_client_sa_set(client, 5000, &sa, &err), SL_EXISTS); /* the same seed again */
    assert_non_null(strstr(err.text, "never used twice"));
    assert_ok(sl_client_sa_make(client, &sa, NULL));
    assert_ok(sl_client_sa_set(client, 5000, &sa, NULL));
    sa.shard = 3;
    sa.params.spi = 0x10006;
    assert_rc(sl_client_sa_set(client, 5000, &sa, &err), SL_RANGE);
    assert_rc(sl_client_chain_set(client, 5000, "nonsense", 8, &version, hash, &err), SL_TRUNCATED);
    size_t size = rig_bundle(7, SL_VERDICT_PASS, bundle, sizeof(bundle));
    assert_ok(sl_client_chain_set(client, 5000, bundle, size, &version, hash, NULL));
    size = rig_bundle(6, SL_VERDICT_PASS, bundle, sizeof(bundle));
    assert_rc(sl_client_chain_set(client, 5000, bundle, size, &version, hash, &err), SL_STALE);
    assert_int_equal(bed.rig.provision.version, 7);
    assert_ok(sl_client_ping(client, 5000, 10, &ns, NULL));
    assert_false(sl_client_is_dead(client));
    assert_int_equal(bed.server.counters.requests_refused, 5); /* one: no evidence */
    sl_client_free(client);
}

/* The key that steers is the tenant's to have, once he has seen who has it. */
static void test_steering_is_told_after_attestation(void **state)
{
    (void)state;
    struct sl_msg_steering told = {0};
    struct sl_err err = {0};
    uint8_t bundle[512];
    uint8_t hash[32];
    uint8_t key[SL_CHAIN_STEER_KEY_SIZE];
    uint64_t version = 0;
    struct sl_client *client = make_client(bed.tenant);
    assert_ok(sl_client_connect(client, 5000, NULL));
    assert_rc(sl_client_steering(client, 5000, &told, &err), SL_STATE);
    assert_ok(sl_client_insecure_unattested(client, 5000, NULL));
    assert_rc(sl_client_steering(client, 5000, &told, &err), SL_STATE);
    assert_non_null(strstr(err.text, "no chain"));
    size_t size = rig_bundle(1, SL_VERDICT_PASS, bundle, sizeof(bundle));
    assert_ok(sl_client_chain_set(client, 5000, bundle, size, &version, hash, NULL));
    assert_ok(sl_client_steering(client, 5000, &told, &err));
    assert_int_equal(told.shard_count, bed.rig.provision.shard_count);
    sl_chain_steer_key_get(sl_provision_config(&bed.rig.provision, 0)->chain, key);
    assert_memory_equal(told.key, key, sizeof(key));
    bed.server.snapshot.told.state = SL_MSG_SNAPSHOT_IS_RESTORING;
    assert_rc(sl_client_steering(client, 5000, &told, &err), SL_AGAIN);
    bed.server.snapshot.told.state = SL_MSG_SNAPSHOT_IS_NONE;
    struct sl_msg reply;
    assert_rc(sl_client_call(client, SL_MSG_STEERING, "x", 1, 5000, &reply, &err), SL_MALFORMED);
    sl_client_free(client);
}

static void test_path_reaches_every_port_until_the_sas_are_cleared(void **state)
{
    (void)state;
    struct sl_client *client = connect_tenant();
    assert_ok(sl_client_path(client, 5000, 1438, true, NULL));
    for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
        const struct sl_worker_port *now = &sl_provision_config(&bed.rig.provision, 0)->ports[port];
        assert_int_equal(now->mtu, 1438);
        assert_true(now->is_single);
    }
    /* an SA that comes after keeps what was said about the path */
    struct sl_msg_sa sa = rig_sa(&bed.rig, 0, false);
    assert_ok(sl_client_sa_set(client, 5000, &sa, NULL));
    assert_int_equal(sl_provision_config(&bed.rig.provision, 0)->ports[0].mtu, 1438);
    assert_ok(sl_client_path(client, 5000, 0, false, NULL));
    assert_int_equal(sl_provision_config(&bed.rig.provision, 0)->ports[1].mtu, 0);
    assert_false(sl_provision_config(&bed.rig.provision, 0)->ports[1].is_single);
    assert_non_null(sl_provision_config(&bed.rig.provision, 0)->ports[0].out);
    assert_ok(sl_client_path(client, 5000, 1300, true, NULL));
    assert_ok(sl_client_sa_clear(client, 5000, NULL));
    assert_int_equal(sl_provision_config(&bed.rig.provision, 0)->ports[0].mtu, 0);
    assert_false(sl_provision_config(&bed.rig.provision, 0)->ports[0].is_single);
    sl_client_free(client);
}

static void test_lease_deletes_the_sas_of_a_silent_gateway(void **state)
{
    (void)state;
    const uint64_t second_ns = 1000000000;
    struct sl_client *client = connect_tenant();
    struct sl_err err = {0};
    uint64_t ns = 0;
    assert_rc(sl_client_lease(client, 5000, 0, &err), SL_RANGE);
    assert_rc(sl_client_lease(client, 5000, SL_LEASE_SECONDS_MAX + 1, &err), SL_RANGE);
    assert_int_equal(bed.server.lease_ns, 0);
    struct sl_msg_sa sa = rig_sa(&bed.rig, 0, true);
    assert_ok(sl_client_sa_set(client, 5000, &sa, NULL));
    (void)poll_server();
    bed.now_ns += 100 * second_ns; /* no lease was asked for: they stay */
    (void)poll_server();
    assert_true(sl_provision_has_sa(&bed.rig.provision));
    assert_ok(sl_client_lease(client, 5000, 30, NULL));
    (void)poll_server();
    bed.now_ns += 29 * second_ns;
    assert_ok(sl_client_ping(client, 5000, 1, &ns, NULL)); /* any request is a sign of life */
    (void)poll_server();
    bed.now_ns += 29 * second_ns;
    (void)poll_server();
    assert_true(sl_provision_has_sa(&bed.rig.provision));
    bed.now_ns += second_ns;
    (void)poll_server();
    assert_false(sl_provision_has_sa(&bed.rig.provision));
    assert_null(sl_provision_config(&bed.rig.provision, 0)->ports[0].in);
    assert_int_equal(bed.server.counters.leases_over, 1);
    bed.now_ns += 31 * second_ns; /* counted once */
    (void)poll_server();
    assert_int_equal(bed.server.counters.leases_over, 1);
    sl_client_free(client);
}

static void test_status_is_json_with_every_counter(void **state)
{
    (void)state;
    uint8_t packet[200];
    char *text = NULL;
    rig_set_all_sas(&bed.rig);
    assert_ok(rig_set_chain(&bed.rig, 3, SL_VERDICT_PASS));
    rig_packet(packet, 200, 0, 1);
    rig_send(&bed.rig, 0, packet, 200, 4, 0, 0);
    (void)sl_worker_pass(bed.rig.worker);
    struct sl_client *client = connect_tenant();
    assert_ok(sl_client_status(client, 5000, &text, NULL));
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fail_msg("%s: %s", error.text, text);
    }
    const json_t *shard = json_array_get(json_object_get(root, "shards"), 0);
    const json_t *lan = json_object_get(shard, "lan");
    assert_int_equal(json_integer_value(json_object_get(lan, "passed")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(lan, "sa_in"), "bytes")),
                     200);
    assert_true(json_is_null(json_object_get(lan, "sa_in_previous")));
    const json_t *nf = json_array_get(json_object_get(root, "chain"), 0);
    assert_string_equal(json_string_value(json_object_get(nf, "nf")), "test");
    assert_int_equal(json_integer_value(json_object_get(nf, "packets")), 1);
    const json_t *counters = json_object_get(nf, "counters");
    assert_int_equal(json_integer_value(json_object_get(counters, "all")), 1);
    assert_null(json_object_get(counters, "none")); /* 0: left out */
    const json_t *policy = json_object_get(root, "policy");
    assert_int_equal(json_integer_value(json_object_get(policy, "version")), 3);
    assert_int_equal(json_string_length(json_object_get(policy, "sha256")), 64);
    assert_true(json_is_null(json_object_get(root, "time_ms")));
    assert_non_null(json_object_get(json_object_get(root, "runtime"), "heap_bytes"));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(root, "control"), "authenticated")), 1);
    json_decref(root);
    free(text);
    sl_client_free(client);
}

/* A packet to be asked about; `tag` names it. */
static size_t eval_packet(uint8_t *out, uint32_t tag, uint32_t size, uint8_t fill)
{
    uint8_t data[64];
    struct sl_writer w;
    rig_packet(data, size, 0, fill);
    const struct sl_eval_ask ask = {.port = tag % 2, .tag = tag, .size = size, .data = data};
    sl_writer_init(&w, out, SL_EVAL_REQUEST_EXTRA + size);
    sl_eval_ask_write(&w, &ask);
    assert_ok(w.rc);
    return w.off;
}

static void test_eval_runs_the_chain_and_forwards_nothing(void **state)
{
    (void)state;
    static uint8_t body[2 + 100 * 64];
    struct sl_client *client = connect_tenant();
    struct sl_msg reply = {0};
    struct sl_err err = {0};
    size_t size = 2;
    sl_be16_put(body, 70);
    for (uint32_t i = 0; i < 70; i++) { /* more than one burst */
        size += eval_packet(body + size, i, 40, (uint8_t)(i % 3));
    }
    assert_rc(sl_client_call(client, SL_MSG_EVAL, body, size, 5000, &reply, &err), SL_STATE);
    assert_ok(rig_set_chain(&bed.rig, 1, 0xff));
    body[2 + 9 + 49] = 0; /* second packet: version 0, malformed */
    assert_ok(sl_client_call(client, SL_MSG_EVAL, body, size, 5000, &reply, &err));
    struct sl_reader r;
    uint64_t seen = 0;
    sl_reader_init(&r, reply.body, reply.size);
    assert_int_equal(sl_reader_be16(&r), 70);
    for (uint32_t i = 0; i < 70; i++) {
        struct sl_eval_answer answer;
        assert_ok(sl_eval_answer_read(&r, &answer));
        bool is_bad = answer.tag == 1;
        seen |= answer.tag < 64 ? 1ull << answer.tag : 0;
        assert_int_equal(answer.fate, is_bad ? SL_EVAL_MALFORMED : SL_EVAL_DECIDED);
        assert_int_equal(answer.verdict, is_bad ? SL_VERDICT_DROP : answer.tag % 3);
        assert_int_equal(answer.nf, is_bad ? SL_EVAL_NO_NF : 0);
        assert_int_equal(answer.rule, is_bad ? SL_RULE_DEFAULT : answer.tag % 3);
        assert_int_equal(answer.size, 0); /* unchanged */
    }
    assert_ok(sl_reader_end(&r));
    assert_int_equal(seen, UINT64_MAX);
    sl_msg_done(&reply);
    assert_int_equal(rig_counters(&bed.rig, 0)->received, 0);
    sl_client_free(client);
}

static void test_wrong_tenant_key_gets_nowhere(void **state)
{
    (void)state;
    struct sl_client *client = make_client(bed.stranger);
    struct sl_err err = {0};
    uint64_t ns;
    assert_ok(sl_client_connect(client, 5000, &err)); /* TLS 1.3: the refusal comes after */
    assert_rc(sl_client_ping(client, 5000, 4, &ns, &err), SL_DENIED);
    assert_true(sl_client_is_dead(client));
    assert_int_equal(bed.server.counters.failed_auth, 1);
    assert_int_equal(bed.server.counters.requests, 0);
    sl_client_free(client);
}

static void test_protocol_errors_are_told_and_end_the_connection(void **state)
{
    (void)state;
    static const uint8_t big[1100];
    const struct {
        uint16_t type;
        const void *body;
        size_t size;
        sl_rc want;
    } rows[] = {
        {99, NULL, 0, SL_UNSUPPORTED},
        {SL_MSG_ERROR, NULL, 0, SL_UNSUPPORTED},
        {SL_MSG_HELLO, "\0\5ab", 4, SL_TRUNCATED},
        {SL_MSG_SA_SET, "abc", 3, SL_TRUNCATED},
        {SL_MSG_SA_CLEAR, "x", 1, SL_MALFORMED},
        {SL_MSG_STATUS, "x", 1, SL_MALFORMED},
        {SL_MSG_TIME, "x", 1, SL_MALFORMED},
        {SL_MSG_PATH, "abcd", 4, SL_MALFORMED},
        {SL_MSG_PATH, "ab", 2, SL_TRUNCATED},
        {SL_MSG_PATH, "\1\0\2", 3, SL_RANGE}, /* is_single is 0 or 1 */
        {SL_MSG_LEASE, "abc", 3, SL_MALFORMED},
        {SL_MSG_LEASE, "", 0, SL_MALFORMED},
        {SL_MSG_PING, big, sizeof(big), SL_RANGE},
        {SL_MSG_EVAL, "x", 1, SL_TRUNCATED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)bed_teardown(NULL);
        (void)bed_setup(NULL);
        struct sl_client *client = connect_tenant();
        struct sl_msg reply = {0};
        struct sl_err err = {0};
        uint64_t ns;
        sl_rc rc =
            sl_client_call(client, rows[i].type, rows[i].body, rows[i].size, 5000, &reply, &err);
        if (rc != rows[i].want) {
            fail_msg("row %zu: %s: %s", i, sl_rc_name(rc), err.text);
        }
        assert_int_equal(bed.server.counters.failed_protocol, 1);
        assert_rc(sl_client_ping(client, 5000, 1, &ns, &err), SL_CLOSED);
        sl_client_free(client);
        assert_int_equal(bed.server.budget.left, SL_CONTROL_BUDGET);
    }
}

static void test_oversized_message_is_refused(void **state)
{
    (void)state;
    struct sl_client *client = connect_tenant();
    struct sl_msg reply = {0};
    struct sl_err err = {0};
    uint8_t header[8] = {0x7f, 0xff, 0xff, 0xff, 0, 6, 0, 1};
    assert_ok(sl_tls_write(sl_client_tls(client), header, sizeof(header), NULL));
    sl_rc rc;
    while ((rc = sl_client_poll(client, &reply, &err)) == SL_AGAIN) {
        (void)poll_server();
    }
    assert_ok(rc);
    assert_rc(sl_client_error(&reply, &err), SL_RANGE);
    sl_msg_done(&reply);
    sl_client_free(client);
    assert_int_equal(bed.server.counters.failed_protocol, 1);
}

/* ---- where the test plays a hostile host ---- */

static void host_data(uint32_t connection, const void *data, size_t size)
{
    size_t taken = 0;
    assert_ok(sl_frame_write_data(&bed.to_image, connection, data, size, &taken));
    assert_int_equal(taken, size);
}

/* Reads frames until there are none; counts closes of `connection` (0: of any). */
static uint32_t host_closes(uint32_t connection)
{
    struct sl_frame frame;
    uint32_t closes = 0;
    while (sl_frame_read(&bed.frames, &bed.from_image, &frame) == SL_OK) {
        if (frame.kind == SL_FRAME_CLOSE && (connection == 0 || frame.connection == connection)) {
            closes++;
        }
    }
    return closes;
}

static void test_garbage_is_answered_by_a_close(void **state)
{
    (void)state;
    assert_ok(sl_frame_write_event(&bed.to_image, 1, SL_FRAME_OPEN));
    host_data(1, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    host_data(2, "data of a connection never opened", 33);
    (void)poll_server();
    assert_int_equal(host_closes(1), 1);
    assert_int_equal(bed.server.counters.failed_tls, 1);
    assert_int_equal(bed.server.connections[0].state, SL_CONNECTION_FREE);
}

static void test_half_handshake_times_out(void **state)
{
    (void)state;
    assert_ok(sl_frame_write_event(&bed.to_image, 1, SL_FRAME_OPEN));
    host_data(1, "\x16\x03\x01\x02\x00\x01", 6); /* a record that never ends */
    assert_true(poll_server() > 0);
    bed.now_ns += SL_CONTROL_HANDSHAKE_NS - 1;
    (void)poll_server();
    assert_int_equal(bed.server.connections[0].state, SL_CONNECTION_HANDSHAKE);
    bed.now_ns += 1;
    (void)poll_server();
    (void)poll_server();
    assert_int_equal(bed.server.counters.timed_out, 1);
    assert_int_equal(host_closes(1), 1);
    assert_int_equal(bed.server.connections[0].state, SL_CONNECTION_FREE);
}

static void test_half_request_times_out(void **state)
{
    (void)state;
    struct sl_client *client = connect_tenant();
    struct sl_msg reply = {0};
    assert_ok(sl_tls_write(sl_client_tls(client), "\0\0\1\0\0\6\0\1half", 12, NULL));
    assert_rc(sl_client_poll(client, &reply, NULL), SL_AGAIN);
    (void)poll_server();
    bed.now_ns += SL_CONTROL_STALL_NS;
    (void)poll_server();
    (void)poll_server();
    assert_int_equal(bed.server.counters.timed_out, 1);
    sl_client_free(client);
}

static void test_flood_of_connections_is_bounded(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 500; i++) {
        assert_ok(sl_frame_write_event(&bed.to_image, 100 + i, SL_FRAME_OPEN));
        (void)poll_server();
        (void)host_closes(0);
    }
    assert_int_equal(bed.server.counters.opened, SL_CONTROL_CONNECTIONS_MAX);
    assert_int_equal(bed.server.counters.refused, 500 - SL_CONTROL_CONNECTIONS_MAX);
    /* a handshake that dawdles gives its place up */
    bed.now_ns += SL_CONTROL_EVICT_NS + 1;
    assert_ok(sl_frame_write_event(&bed.to_image, 1000, SL_FRAME_OPEN));
    (void)poll_server();
    assert_int_equal(bed.server.counters.evicted, 1);
    assert_int_equal(bed.server.counters.opened, SL_CONTROL_CONNECTIONS_MAX + 1);
}

static void test_authenticated_connection_survives_a_flood(void **state)
{
    (void)state;
    struct sl_client *client = connect_tenant();
    uint64_t ns;
    bed.now_ns += SL_CONTROL_EVICT_NS * 2;
    /* the flood comes over the same ring: write as the client's transport would */
    for (uint32_t i = 0; i < 50; i++) {
        sl_control_server_poll(&bed.server, bed.now_ns);
        bed.now_ns += SL_CONTROL_EVICT_NS + 1;
        assert_ok(sl_client_ping(client, 5000, 1, &ns, NULL));
    }
    assert_int_equal(bed.server.connections[0].state, SL_CONNECTION_READY);
    sl_client_free(client);
}

static void test_reopened_number_replaces_the_old_connection(void **state)
{
    (void)state;
    assert_ok(sl_frame_write_event(&bed.to_image, 1, SL_FRAME_OPEN));
    assert_ok(sl_frame_write_event(&bed.to_image, 1, SL_FRAME_OPEN));
    (void)poll_server();
    assert_int_equal(bed.server.counters.bad_frames, 1);
    assert_int_equal(bed.server.connections[0].state, SL_CONNECTION_HANDSHAKE);
    assert_int_equal(bed.server.connections[1].state, SL_CONNECTION_FREE);
}

static void test_bad_frames_are_counted(void **state)
{
    (void)state;
    const uint8_t bad[] = {0, 0, 0, 1, 0, 7, 0, 0};
    assert_int_equal(sl_byte_ring_write(&bed.to_image, bad, sizeof(bad)), sizeof(bad));
    (void)poll_server();
    assert_int_equal(bed.server.counters.bad_frames, 1);
}

static void test_host_that_never_drains_is_given_up(void **state)
{
    (void)state;
    static const uint8_t filler[65536];
    uint8_t body[1024] = {0};
    struct sl_msg reply = {0};
    struct sl_client *client = connect_tenant();
    /* the outgoing ring is full and the host reads nothing */
    (void)sl_byte_ring_write(&bed.server.params.out, filler,
                             sl_byte_ring_writable(&bed.server.params.out));
    bed.is_deaf = true;
    assert_ok(sl_client_request(client, SL_MSG_PING, body, sizeof(body), NULL));
    assert_rc(sl_client_poll(client, &reply, NULL), SL_AGAIN);
    assert_true(poll_server() <= 1000000); /* it looks again soon */
    assert_int_equal(bed.server.counters.requests, 1);
    assert_int_equal(bed.server.connections[0].state, SL_CONNECTION_READY);
    for (int i = 0; i < 3; i++) {
        bed.now_ns += SL_CONTROL_STALL_NS;
        (void)poll_server();
    }
    assert_int_equal(bed.server.counters.timed_out, 1);
    assert_int_equal(bed.server.connections[0].state, SL_CONNECTION_FREE);
    sl_client_free(client);
}

static void test_second_request_before_the_reply_is_refused(void **state)
{
    (void)state;
    static uint8_t filler[65536];
    struct sl_msg reply = {0};
    struct sl_client *client = connect_tenant();
    (void)sl_byte_ring_write(&bed.server.params.out, filler,
                             sl_byte_ring_writable(&bed.server.params.out));
    bed.is_deaf = true;
    /* a reply larger than what TLS may buffer stays under way */
    enum { COUNT = 4096 };
    assert_ok(rig_set_chain(&bed.rig, 1, SL_VERDICT_PASS));
    size_t size = 2;
    uint8_t *body = malloc(2 + COUNT * 49);
    assert_non_null(body);
    sl_be16_put(body, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        size += eval_packet(body + size, 2 * i, 40, 1);
    }
    assert_ok(sl_client_request(client, SL_MSG_EVAL, body, size, NULL));
    free(body);
    for (int i = 0; i < 10; i++) {
        assert_rc(sl_client_poll(client, &reply, NULL), SL_AGAIN);
        (void)poll_server();
    }
    assert_int_equal(bed.server.counters.requests, 1);
    assert_true(bed.server.connections[0].writer.is_busy);
    assert_ok(sl_tls_write(sl_client_tls(client), "\0\0\0\4\0\6\0\2", 8, NULL));
    assert_rc(sl_client_poll(client, &reply, NULL), SL_AGAIN);
    (void)poll_server();
    assert_int_equal(bed.server.counters.failed_protocol, 1);
    assert_int_equal(bed.server.connections[0].state, SL_CONNECTION_CLOSING);
    sl_client_free(client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_every_request),
        TEST(test_sa_keys_are_derived_alike_at_both_ends),
        TEST(test_refusals_leave_the_connection_usable),
        TEST(test_steering_is_told_after_attestation),
        TEST(test_path_reaches_every_port_until_the_sas_are_cleared),
        TEST(test_lease_deletes_the_sas_of_a_silent_gateway),
        TEST(test_status_is_json_with_every_counter),
        TEST(test_eval_runs_the_chain_and_forwards_nothing),
        TEST(test_wrong_tenant_key_gets_nowhere),
        TEST(test_protocol_errors_are_told_and_end_the_connection),
        TEST(test_oversized_message_is_refused),
        TEST(test_garbage_is_answered_by_a_close),
        TEST(test_half_handshake_times_out),
        TEST(test_half_request_times_out),
        TEST(test_flood_of_connections_is_bounded),
        TEST(test_authenticated_connection_survives_a_flood),
        TEST(test_reopened_number_replaces_the_old_connection),
        TEST(test_bad_frames_are_counted),
        TEST(test_host_that_never_drains_is_given_up),
        TEST(test_second_request_before_the_reply_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
