/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for evidence through the relay: answered in pieces, refused in sentences, and never in
 * the way of anything else. */
#include "unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "control/frame.h"
#include "host/counters.h"
#include "host/evidence_server.h"
#include "host/relay.h"

enum { WAIT_MS = 60000, QUOTE_SIZE = 100000 };

/* A semaphore of mutex and condition, which ThreadSanitizer understands. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
};

static void gate_open(struct gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    gate->count++;
    (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->lock);
}

static void gate_pass(struct gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    while (gate->count == 0) {
        (void)pthread_cond_wait(&gate->changed, &gate->lock);
    }
    gate->count--;
    (void)pthread_mutex_unlock(&gate->lock);
}

static void gate_init(struct gate *gate)
{
    (void)pthread_mutex_init(&gate->lock, NULL);
    (void)pthread_cond_init(&gate->changed, NULL);
    gate->count = 0;
}

/* A producer that answers at once, or when the test lets it, or fails. */
struct fake {
    bool is_blocking;
    struct gate entered, go;
    _Atomic sl_rc rc; /* the server's thread reads what the test sets between two questions */
    _Atomic size_t quote_size;
    _Atomic bool had_report;
};

static struct gate left; /* a producer that was left behind has come back */

static sl_rc fake_target(void *ctx, uint8_t ret_target[512], struct sl_err *err)
{
    const struct fake *fake = ctx;
    (void)err;
    memset(ret_target, 0x7a, 512);
    return fake->rc;
}

static sl_rc fake_produce(void *ctx, const uint8_t report_data[SL_EVIDENCE_DATA_SIZE],
                          const uint8_t *report, struct sl_evidence *ret_evidence,
                          struct sl_err *err)
{
    struct fake *fake = ctx;
    fake->had_report = report != NULL;
    gate_open(&fake->entered);
    if (fake->is_blocking) {
        gate_pass(&fake->go);
    }
    if (fake->rc != SL_OK) {
        sl_rc rc = sl_err_set(err, fake->rc, "the device is on holiday");
        if (fake->is_blocking) {
            gate_open(&left); /* nothing of the rig is touched after */
        }
        return rc;
    }
    uint8_t *quote = calloc(1, fake->quote_size);
    memcpy(quote, report_data, SL_EVIDENCE_DATA_SIZE);
    *ret_evidence = (struct sl_evidence){.type = SL_ATTEST_SGX,
                                         .binding = SL_BINDING_REPORT_DATA,
                                         .evidence = {quote, fake->quote_size},
                                         .memory = quote};
    return SL_OK;
}

struct rig {
    struct fake fake;
    struct sl_evidence_producer producer;
    struct sl_area_geometry geometry;
    struct sl_area_layout layout;
    uint8_t *area;
    struct sl_relay relay;
    struct sl_evidence_server *server;
    atomic_bool is_stopping;
    pthread_t thread;
    struct sl_byte_ring in, out; /* the image's ends */
    struct sl_frame_reader reader;
    struct sl_boundary_counters counters;
};

static void *relay_main(void *ctx)
{
    sl_relay_run(ctx);
    return NULL;
}

static void ready(void *ctx)
{
    sl_relay_wake(ctx);
}

static struct rig *rig_start(void)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct sl_net_addr listen;
    struct sl_err err = {0};
    r->geometry = (struct sl_area_geometry){.shard_count = 1,
                                            .ring_count = 64,
                                            .data_size = 64 << 10,
                                            .control_size = 16 << 10,
                                            .log_size = 4 << 10};
    assert_ok(sl_area_layout(&r->geometry, &r->layout));
    r->area = mmap(NULL, r->layout.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(r->area != MAP_FAILED);
    assert_ok(sl_area_format(r->area, r->layout.size, &r->geometry, &r->layout));
    sl_byte_ring_init(&r->in, r->area, &r->layout.control_in, r->geometry.control_size,
                      &r->counters);
    sl_byte_ring_init(&r->out, r->area, &r->layout.control_out, r->geometry.control_size,
                      &r->counters);
    assert_ok(sl_net_addr_resolve("127.0.0.1", 0, &listen, &err));
    assert_ok(sl_relay_init(&r->relay, r->area, &r->layout, &r->geometry, &listen, &r->is_stopping,
                            &err));
    gate_init(&r->fake.entered);
    gate_init(&r->fake.go);
    r->fake.quote_size = QUOTE_SIZE;
    r->producer = (struct sl_evidence_producer){
        .name = "fake", .ctx = &r->fake, .target_info = fake_target, .produce = fake_produce};
    assert_ok(sl_evidence_server_create(&r->producer, ready, &r->relay, &r->server));
    sl_relay_evidence(&r->relay, r->server);
    assert_ok(pthread_create(&r->thread, NULL, relay_main, &r->relay));
    return r;
}

static void relay_join(struct rig *r)
{
    if (!atomic_exchange(&r->is_stopping, true)) {
        sl_relay_wake(&r->relay);
        (void)pthread_join(r->thread, NULL);
    }
}

static void rig_stop(struct rig *r)
{
    relay_join(r);
    sl_evidence_server_free(r->server);
    sl_relay_done(&r->relay);
    (void)munmap(r->area, r->layout.size);
    free(r);
}

static void ask(struct rig *r, uint32_t number, const uint8_t *data, size_t size)
{
    assert_ok(sl_frame_write_evidence(&r->out, number, data, (uint16_t)size));
    sl_relay_wake(&r->relay);
}

static void step(struct rig *r)
{
    const struct timespec pause = {.tv_nsec = 200000};
    (void)nanosleep(&pause, NULL);
    sl_relay_wake(&r->relay); /* as the image does where it waits */
}

/* The next frame of any kind. */
static struct sl_frame frame_next(struct rig *r)
{
    struct sl_frame frame;
    for (int i = 0; i < WAIT_MS * 5; i++) {
        sl_rc rc = sl_frame_read(&r->reader, &r->in, &frame);
        if (rc == SL_OK) {
            return frame;
        }
        assert_rc(rc, SL_AGAIN);
        step(r);
    }
    fail_msg("no frame within %d ms", WAIT_MS);
    return frame;
}

struct answer {
    uint8_t what;
    uint16_t rc;
    uint32_t size;
    uint32_t pieces;
    uint8_t bytes[SL_EVIDENCE_SIZE_MAX + 1];
};

/* Puts the pieces together as the contract says, and checks that they keep to it. */
static void answer_read(struct rig *r, uint32_t number, struct answer *ret_answer)
{
    uint32_t total = 0;
    memset(ret_answer, 0, sizeof(*ret_answer));
    do {
        struct sl_frame frame = frame_next(r);
        struct sl_reader in;
        assert_int_equal(frame.kind, SL_FRAME_EVIDENCE);
        assert_int_equal(frame.connection, number);
        sl_reader_init(&in, frame.data, frame.size);
        ret_answer->what = sl_reader_u8(&in);
        ret_answer->rc = sl_reader_be16(&in);
        uint32_t piece_total = sl_reader_be32(&in);
        assert_true(ret_answer->pieces == 0 || piece_total == total);
        total = piece_total;
        assert_int_equal(sl_reader_be32(&in), ret_answer->size);
        size_t size = sl_reader_left(&in);
        assert_true(size > 0 && ret_answer->size + size <= total && total <= SL_EVIDENCE_SIZE_MAX);
        sl_reader_copy(&in, ret_answer->bytes + ret_answer->size, size);
        ret_answer->size += (uint32_t)size;
        ret_answer->pieces++;
    } while (ret_answer->size < total);
}

static struct answer answer;

static void test_server_target_answered(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    const uint8_t what = SL_EVIDENCE_TARGET;
    ask(r, 5, &what, 1);
    answer_read(r, 5, &answer);
    assert_int_equal(answer.what, SL_EVIDENCE_TARGET);
    assert_int_equal(answer.rc, SL_OK);
    assert_int_equal(answer.size, 512);
    assert_int_equal(answer.bytes[511], 0x7a);
    rig_stop(r);
}

/* what it is, report data, REPORT (SDM) */
enum { WANTED_WITH_REPORT = 1 + 64 + 432 };

static void test_server_large_bundle_in_pieces(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    uint8_t request[SL_EVIDENCE_REQUEST_MAX] = {SL_EVIDENCE_WANTED, 42};
    const size_t sizes[] = {65, WANTED_WITH_REPORT};
    for (size_t i = 0; i < 2; i++) {
        struct sl_evidence evidence;
        ask(r, (uint32_t)(7 + i), request, sizes[i]);
        answer_read(r, (uint32_t)(7 + i), &answer);
        assert_int_equal(answer.rc, SL_OK);
        assert_true(answer.pieces > 6); /* the ring holds 16 KiB */
        assert_ok(sl_evidence_read(answer.bytes, answer.size, &evidence));
        assert_int_equal(evidence.evidence.size, QUOTE_SIZE);
        assert_memory_equal(evidence.evidence.data, request + 1, 64);
        assert_int_equal(r->fake.had_report, sizes[i] == WANTED_WITH_REPORT);
    }
    struct sl_evidence_counters counters;
    sl_evidence_server_counters(r->server, &counters);
    assert_int_equal(counters.asked, 2);
    assert_int_equal(counters.answered, 2);
    rig_stop(r);
}

static void test_server_failures_are_sentences(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    uint8_t request[SL_EVIDENCE_REQUEST_MAX] = {0};
    const struct {
        uint8_t what;
        size_t size;
        sl_rc device_rc;
        sl_rc rc;
        const char *text;
    } rows[] = {
        {SL_EVIDENCE_TARGET, 2, SL_OK, SL_MALFORMED, "expected kind 1 with 1"},
        {SL_EVIDENCE_WANTED, 1, SL_OK, SL_MALFORMED, "expected kind 1 with 1"},
        {SL_EVIDENCE_WANTED, 64, SL_OK, SL_MALFORMED, "expected kind 1 with 1"},
        {SL_EVIDENCE_WANTED, 496, SL_OK, SL_MALFORMED, "expected kind 1 with 1"},
        {0, 1, SL_OK, SL_MALFORMED, "kind 0"},
        {9, 65, SL_OK, SL_MALFORMED, "kind 9"},
        {SL_EVIDENCE_TARGET, 1, SL_UNSUPPORTED, SL_UNSUPPORTED, "fake: not supported"},
        {SL_EVIDENCE_WANTED, 65, SL_TIMEOUT, SL_TIMEOUT, "the device is on holiday"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        r->fake.rc = rows[i].device_rc;
        request[0] = rows[i].what;
        ask(r, (uint32_t)i, request, rows[i].size);
        answer_read(r, (uint32_t)i, &answer);
        assert_int_equal(answer.rc, rows[i].rc);
        assert_int_equal(answer.what, rows[i].what);
        assert_int_equal(answer.pieces, 1);
        if (strstr((const char *)answer.bytes, rows[i].text) == NULL) {
            fail_msg("row %zu: %s", i, (const char *)answer.bytes);
        }
    }
    rig_stop(r);
}

static void test_server_bundle_too_large_is_a_sentence(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    uint8_t request[65] = {SL_EVIDENCE_WANTED};
    r->fake.quote_size = SL_EVIDENCE_SIZE_MAX;
    ask(r, 1, request, sizeof(request));
    answer_read(r, 1, &answer);
    assert_int_equal(answer.rc, SL_RANGE);
    rig_stop(r);
}

static int peer_connect(const struct rig *r)
{
    struct sockaddr_storage sa;
    socklen_t size = sl_net_addr_to_sockaddr(&r->relay.local, &sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_ok(connect(fd, (struct sockaddr *)&sa, size));
    return fd;
}

/* While the device thinks, connections come and go, and further requests queue up to a bound. */
static void test_server_slow_device_stalls_nobody(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    uint8_t request[65] = {SL_EVIDENCE_WANTED};
    struct sl_evidence_counters counters;
    r->fake.is_blocking = true;
    r->fake.quote_size = 64;
    ask(r, 1, request, sizeof(request));
    gate_pass(&r->fake.entered);
    for (uint32_t i = 2; i < 2 + SL_EVIDENCE_QUEUE_MAX + 3; i++) {
        ask(r, i, request, sizeof(request));
    }
    int fd = peer_connect(r);
    assert_int_equal(write(fd, "hello", 5), 5);
    assert_int_equal(frame_next(r).kind, SL_FRAME_OPEN);
    struct sl_frame frame = frame_next(r);
    assert_int_equal(frame.kind, SL_FRAME_DATA);
    assert_memory_equal(frame.data, "hello", 5);
    (void)close(fd);
    assert_int_equal(frame_next(r).kind, SL_FRAME_CLOSE);
    do {
        step(r);
        sl_evidence_server_counters(r->server, &counters);
    } while (counters.asked < 1 + SL_EVIDENCE_QUEUE_MAX + 3);
    assert_int_equal(counters.dropped, 3);
    for (int i = 0; i < 1 + SL_EVIDENCE_QUEUE_MAX; i++) {
        gate_open(&r->fake.go);
    }
    for (uint32_t i = 1; i < 2 + SL_EVIDENCE_QUEUE_MAX; i++) {
        answer_read(r, i, &answer);
        assert_int_equal(answer.rc, SL_OK);
    }
    rig_stop(r);
}

static void test_server_oversized_request_breaks_the_channel(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    uint8_t request[SL_EVIDENCE_REQUEST_MAX + 1] = {SL_EVIDENCE_WANTED};
    ask(r, 1, request, sizeof(request));
    for (int i = 0; i < WAIT_MS * 5 && sl_counter_read(&r->relay.counters.broken) == 0; i++) {
        step(r);
    }
    relay_join(r);
    assert_true(r->relay.is_broken);
    assert_int_equal(r->relay.counters.broken, 1);
    rig_stop(r);
}

static void test_server_free_leaves_a_hanging_device_behind(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    uint8_t request[65] = {SL_EVIDENCE_WANTED};
    struct timespec begin;
    struct timespec end;
    r->fake.is_blocking = true;
    ask(r, 1, request, sizeof(request));
    gate_pass(&r->fake.entered);
    relay_join(r);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    sl_evidence_server_free(r->server);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec >= 1); /* it was given time; and that ended */
    r->server = NULL;
    /* let the thread end, so that nothing uses the rig any more */
    r->fake.rc = SL_IO;
    gate_open(&r->fake.go);
    gate_pass(&left);
    rig_stop(r);
}

static void test_answer_now_writes_everything(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    uint8_t request[65] = {SL_EVIDENCE_WANTED, 3};
    relay_join(r);
    struct sl_byte_ring to_image = r->relay.in; /* nothing went through it yet */
    struct sl_frame frame;
    r->fake.quote_size = 3000;
    sl_evidence_answer_now(&r->producer, &to_image, 77, request, sizeof(request));
    assert_ok(sl_frame_read(&r->reader, &r->in, &frame));
    assert_int_equal(frame.connection, 77);
    assert_int_equal(frame.size, SL_EVIDENCE_PIECE_HEADER + 12 + 3000);
    rig_stop(r);
}

/* What an image that keeps to the contract says: its keys, its policy, its report. */
static size_t vouched(uint8_t out[SL_EVIDENCE_REQUEST_MAX], sl_rc rc, bool has_report)
{
    struct sl_writer w;
    sl_writer_init(&w, out, SL_EVIDENCE_REQUEST_MAX);
    sl_writer_u8(&w, SL_EVIDENCE_VOUCH);
    sl_writer_be16(&w, (uint16_t)rc);
    for (int i = 0; rc == SL_OK && i < 64; i++) {
        sl_writer_u8(&w, i < 32 ? 0xaa : 0xbb);
    }
    if (rc == SL_OK) {
        sl_writer_be64(&w, 9);
        memset(sl_writer_reserve(&w, has_report ? SL_EVIDENCE_REPORT_SIZE : 0), 1,
               has_report ? SL_EVIDENCE_REPORT_SIZE : 0);
    }
    assert_ok(w.rc);
    return w.off;
}

static void text_read(int fd, char *out, size_t room)
{
    size_t size = 0;
    ssize_t got;
    while (size < room - 1 && (got = recv(fd, out + size, room - 1 - size, 0)) > 0) {
        size += (size_t)got;
    }
    out[size] = '\0';
    (void)close(fd);
}

static char said[4 * SL_EVIDENCE_SIZE_MAX];

/* Asks, and gives the image's answer. @param image  what it answers; SL_AGAIN: nothing */
static void vouch_with(struct rig *r, sl_rc image, bool has_report)
{
    const uint8_t nonce[SL_BINDING_NONCE_SIZE] = {5};
    uint8_t reply[SL_EVIDENCE_REQUEST_MAX];
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    sl_evidence_server_vouch(r->server, pair[0], nonce);
    if (r->fake.rc == SL_OK || r->fake.rc == SL_UNSUPPORTED) {
        struct sl_frame frame = frame_next(r);
        assert_int_equal(frame.data[0], SL_EVIDENCE_VOUCH);
        assert_int_equal(frame.size,
                         SL_EVIDENCE_PIECE_HEADER + 32 + (r->fake.rc == SL_OK ? 512 : 0));
        assert_memory_equal(frame.data + SL_EVIDENCE_PIECE_HEADER, nonce, 32);
        ask(r, frame.connection + 1, reply, vouched(reply, SL_OK, true)); /* of no request */
        ask(r, frame.connection, reply, vouched(reply, image, has_report));
    }
    text_read(pair[1], said, sizeof(said));
}

static void test_server_vouches_for_the_image(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    r->fake.quote_size = 3000;
    vouch_with(r, SL_OK, true);
    assert_non_null(strstr(said, "\"type\":\"sgx\""));
    assert_non_null(strstr(said, "\"image_key\":\"aaaaaaaa"));
    assert_non_null(strstr(said, "\"tenant_key\":\"bbbbbbbb"));
    assert_non_null(strstr(said, "\"policy_version\":9"));
    assert_true(r->fake.had_report);
    vouch_with(r, SL_OK, false);
    assert_false(r->fake.had_report);
    rig_stop(r);
}

static void test_server_that_cannot_vouch_says_why(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    vouch_with(r, SL_UNSUPPORTED, false);
    assert_non_null(strstr(said, "does not vouch"));
    r->fake.quote_size = SL_EVIDENCE_SIZE_MAX + 1;
    vouch_with(r, SL_OK, true);
    assert_string_equal(said,
                        ""); /* no bundle: nothing, which whoever asks takes for no evidence */
    r->fake.rc = SL_IO;
    vouch_with(r, SL_OK, true);
    assert_non_null(strstr(said, "\"error\""));
    r->fake.rc = SL_UNSUPPORTED; /* no enclave here, and no evidence either */
    vouch_with(r, SL_OK, false);
    assert_non_null(strstr(said, "on holiday"));
    rig_stop(r);
}

static void test_server_vouches_once_at_a_time(void **state)
{
    (void)state;
    struct rig *r = rig_start();
    const uint8_t nonce[SL_BINDING_NONCE_SIZE] = {5};
    int first[2], second[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
    sl_evidence_server_vouch(r->server, first[0], nonce);
    sl_evidence_server_vouch(r->server, second[0], nonce);
    text_read(second[1], said, sizeof(said));
    assert_non_null(strstr(said, "busy"));
    (void)frame_next(r); /* the image never answers; the server ends with it open */
    rig_stop(r);
    text_read(first[1], said, sizeof(said));
    assert_string_equal(said, "");
}

int main(void)
{
    gate_init(&left);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_target_answered),
        cmocka_unit_test(test_server_large_bundle_in_pieces),
        cmocka_unit_test(test_server_failures_are_sentences),
        cmocka_unit_test(test_server_bundle_too_large_is_a_sentence),
        cmocka_unit_test(test_server_slow_device_stalls_nobody),
        cmocka_unit_test(test_server_oversized_request_breaks_the_channel),
        cmocka_unit_test(test_server_free_leaves_a_hanging_device_behind),
        cmocka_unit_test(test_answer_now_writes_everything),
        cmocka_unit_test(test_server_vouches_for_the_image),
        cmocka_unit_test(test_server_that_cannot_vouch_says_why),
        cmocka_unit_test(test_server_vouches_once_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
