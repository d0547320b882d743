/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots with a host in between: what it is given comes back whole, or nothing does. */
#include "server_bed.h"

#include "base/bytes.h"

enum { FLOWS = 2000, CHUNKS_MAX = 64, EPOCH = 7 };

/* What the host has, and how it answers. */
static struct {
    uint8_t chunk[CHUNKS_MAX][SL_SNAPSHOT_CHUNK_MAX];
    uint32_t size[CHUNKS_MAX];
    uint32_t count;
    bool is_ended;
    bool is_silent;
    sl_rc keeps; /* what it says to END */
} host;
static uint8_t saved_chunk[CHUNKS_MAX][SL_SNAPSHOT_CHUNK_MAX];
static uint32_t saved_size[CHUNKS_MAX];
static uint32_t saved_count;
static uint8_t instance[SL_INSTANCE_SIZE];

static void host_frame(const uint8_t *data, uint32_t size)
{
    uint32_t index = sl_be32_get(data + 1);
    uint8_t said[2];
    size -= SL_SNAPSHOT_FRAME_HEADER;
    switch (data[0]) {
    case SL_SNAPSHOT_BEGIN:
        host.count = 0;
        host.is_ended = false;
        __attribute__((fallthrough));
    case SL_SNAPSHOT_PUT:
        assert_int_equal(index, host.count);
        assert_true(host.count < CHUNKS_MAX);
        memcpy(host.chunk[index], data + SL_SNAPSHOT_FRAME_HEADER, size);
        host.size[host.count++] = size;
        break;
    case SL_SNAPSHOT_END:
        assert_int_equal(index, host.count);
        host.is_ended = true;
        sl_be16_put(said, (uint16_t)host.keeps);
        assert_ok(sl_frame_write_snapshot(&bed.to_image, SL_SNAPSHOT_END, index, said, 2));
        break;
    default:
        assert_int_equal(data[0], SL_SNAPSHOT_GET);
        assert_ok(sl_frame_write_snapshot(&bed.to_image, SL_SNAPSHOT_GET, index,
                                          index < host.count ? host.chunk[index] : NULL,
                                          index < host.count ? host.size[index] : 0));
    }
}

/* The relay's part: frames of kind SNAPSHOT, whole. */
static void host_serve(void)
{
    static uint8_t frame[SL_FRAME_HEADER_SIZE + SL_CONTROL_FRAME_MAX];
    while (!host.is_silent && sl_byte_ring_readable(&bed.from_image) >= SL_FRAME_HEADER_SIZE) {
        (void)sl_byte_ring_read(&bed.from_image, frame, SL_FRAME_HEADER_SIZE);
        uint32_t size = sl_be16_get(frame + 6);
        assert_int_equal(sl_byte_ring_read(&bed.from_image, frame + 8, size), size);
        if (sl_be16_get(frame + 4) == SL_FRAME_SNAPSHOT) {
            host_frame(frame + 8, size);
        }
    }
}

static void run_until_done(void)
{
    for (int i = 0; i < 3000 && sl_snapshot_is_active(&bed.server.snapshot); i++) {
        (void)poll_server();
        (void)sl_worker_pass(bed.rig.worker);
        host_serve();
        bed.now_ns += 100000;
    }
    assert_false(sl_snapshot_is_active(&bed.server.snapshot));
}

static void set_chain(uint64_t version)
{
    static const uint8_t policy[4] = {0, 0, 0, 100};
    uint8_t bundle[128];
    struct sl_writer w;
    struct sl_err err = {0};
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, version);
    sl_writer_string(&w, "example_flow");
    sl_writer_be32(&w, sizeof(policy));
    sl_writer_bytes(&w, policy, sizeof(policy));
    assert_ok(w.rc);
    assert_ok(sl_provision_chain_set(&bed.rig.provision, bundle, w.off, &err));
    (void)sl_worker_pass(bed.rig.worker);
}

static struct sl_chain *chain(void)
{
    return sl_provision_config(&bed.rig.provision, 0)->chain;
}

static uint64_t counter(const char *name)
{
    uint32_t count = sl_chain_nf_counter_count(chain(), 0);
    for (uint32_t i = 0; i < count; i++) {
        struct sl_nf_counter one;
        sl_chain_nf_counter_get(chain(), 0, i, &one);
        if (strcmp(one.name, name) == 0) {
            return one.value;
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}

/* A packet of flow `number`. */
static uint8_t send(uint32_t number)
{
    uint8_t data[64];
    struct sl_packet packet = {.data = data, .size = 28, .room = sizeof(data)};
    struct sl_packet *list[] = {&packet};
    rig_packet(data, 28, 0, 0);
    sl_be32_put(data + 12, 0x0a000000 + number);
    sl_be16_put(data + 26, 0); /* no checksum */
    assert_ok(sl_packet_parse(&packet));
    sl_chain_run(chain(), list, 1);
    return packet.verdict;
}

/* An image that has just started with its sealed state. */
static void start(void)
{
    native_runtime_keys(true);
    assert_int_equal(bed_setup(NULL), 0);
    assert_int_equal(bed.life.origin, SL_ORIGIN_FRESH);
    memcpy(bed.life.instance, instance, sizeof(instance));
    bed.life.epoch = EPOCH;
    set_chain(1);
}

static void stop(void)
{
    (void)bed_teardown(NULL);
    native_runtime_keys(false);
}

static sl_rc ask(enum sl_msg_snapshot_what what, uint64_t epoch)
{
    struct sl_err err = {0};
    sl_rc rc = sl_snapshot_request(&bed.server, what, epoch, bed.now_ns, &err);
    assert_true(rc == SL_OK || strlen(err.text) > 10);
    return rc;
}

static void save(uint32_t flows)
{
    for (uint32_t i = 0; i < flows; i++) {
        assert_int_equal(send(i), SL_VERDICT_PASS);
    }
    assert_ok(ask(SL_MSG_SNAPSHOT_SAVE, EPOCH));
    run_until_done();
    assert_int_equal(bed.server.snapshot.told.state, SL_MSG_SNAPSHOT_IS_SAVED);
    assert_int_equal(bed.server.snapshot.told.flows, flows);
}

/* A good snapshot, kept aside for all tests. */
static int setup(void **state)
{
    memset(&host, 0, sizeof(host));
    memset(instance, 0x42, sizeof(instance));
    start();
    save(FLOWS);
    assert_true(host.is_ended);
    assert_true(host.count >= 6);
    memcpy(saved_chunk, host.chunk, sizeof(saved_chunk));
    memcpy(saved_size, host.size, sizeof(saved_size));
    saved_count = host.count;
    stop();
    return 0;
}

static void host_has_saved(void)
{
    memset(&host, 0, sizeof(host));
    memcpy(host.chunk, saved_chunk, sizeof(saved_chunk));
    memcpy(host.size, saved_size, sizeof(saved_size));
    host.count = saved_count;
}

static void expect_refused(sl_rc rc)
{
    assert_ok(ask(SL_MSG_SNAPSHOT_RESTORE, EPOCH));
    run_until_done();
    const struct sl_msg_snapshot *told = &bed.server.snapshot.told;
    if (told->state != SL_MSG_SNAPSHOT_IS_FAILED || told->rc != rc) {
        fail_msg("state %u, %s, expected %s", told->state, sl_rc_name((sl_rc)told->rc),
                 sl_rc_name(rc));
    }
    assert_true(strlen(told->sentence) > 10);
    assert_int_equal(told->flows, 0);
    assert_int_equal(counter("flow table: flows"), 0);
    assert_int_equal(send(5), SL_VERDICT_PASS); /* it works, and begins anew */
    assert_int_equal(counter("flow table: flows"), 1);
}

static void test_restore_brings_all_back(void **state)
{
    host_has_saved();
    start();
    assert_ok(ask(SL_MSG_SNAPSHOT_RESTORE, EPOCH));
    run_until_done();
    assert_int_equal(bed.server.snapshot.told.state, SL_MSG_SNAPSHOT_IS_RESTORED);
    assert_int_equal(bed.server.snapshot.told.flows, FLOWS);
    assert_int_equal(bed.server.snapshot.told.refused, 0);
    assert_int_equal(counter("flow table: flows"), FLOWS);
    assert_int_equal(send(17), SL_VERDICT_PASS);
    assert_int_equal(counter("flow table: created"), 0);
    stop();
}

static void test_saved_bytes_are_not_readable(void **state)
{
    const uint8_t address[4] = {0x0a, 0, 0, 17};
    for (uint32_t i = 0; i < saved_count; i++) {
        assert_null(memmem(saved_chunk[i], saved_size[i], address, sizeof(address)));
    }
}

static void test_requests_out_of_place_refused(void **state)
{
    host_has_saved();
    start();
    assert_rc(ask(SL_MSG_SNAPSHOT_SAVE, EPOCH + 1), SL_STALE);
    assert_rc(ask((enum sl_msg_snapshot_what)9, EPOCH), SL_RANGE);
    assert_ok(ask(SL_MSG_SNAPSHOT_SAVE, EPOCH));
    assert_rc(ask(SL_MSG_SNAPSHOT_SAVE, EPOCH), SL_AGAIN);
    assert_rc(ask(SL_MSG_SNAPSHOT_RESTORE, EPOCH), SL_AGAIN);
    run_until_done();
    rig_set_all_sas(&bed.rig);
    assert_rc(ask(SL_MSG_SNAPSHOT_RESTORE, EPOCH), SL_STATE);
    stop();
    native_runtime_keys(true);
    assert_int_equal(bed_setup(NULL), 0);
    assert_rc(ask(SL_MSG_SNAPSHOT_SAVE, 0), SL_STATE); /* no chain */
    stop();
    assert_int_equal(bed_setup(NULL), 0); /* as on device bare */
    set_chain(1);
    assert_rc(ask(SL_MSG_SNAPSHOT_SAVE, 0), SL_UNSUPPORTED);
    stop();
}

static void test_each_flipped_chunk_refused(void **state)
{
    for (uint32_t i = 0; i < saved_count; i++) {
        host_has_saved();
        start();
        host.chunk[i][host.size[i] / 2] ^= 4;
        expect_refused(SL_AUTH);
        stop();
    }
}

static void test_each_missing_chunk_refused(void **state)
{
    for (uint32_t i = 1; i < saved_count; i++) {
        host_has_saved();
        start();
        host.count--;
        memmove(host.chunk[i], host.chunk[i + 1], (host.count - i) * sizeof(host.chunk[0]));
        memmove(&host.size[i], &host.size[i + 1], (host.count - i) * sizeof(host.size[0]));
        expect_refused(i + 1 == saved_count ? SL_TRUNCATED : SL_AUTH);
        stop();
    }
}

static void test_chunks_out_of_place_refused(void **state)
{
    static uint8_t kept[SL_SNAPSHOT_CHUNK_MAX];
    host_has_saved();
    start();
    memcpy(kept, host.chunk[1], sizeof(kept));
    memcpy(host.chunk[1], host.chunk[2], sizeof(kept));
    memcpy(host.chunk[2], kept, sizeof(kept));
    expect_refused(SL_AUTH);
    stop();
    host_has_saved();
    start();
    memcpy(host.chunk[2], host.chunk[1], sizeof(kept)); /* twice */
    host.size[2] = host.size[1];
    expect_refused(SL_AUTH);
    stop();
}

static void test_odd_sizes_refused(void **state)
{
    static const struct {
        uint32_t chunk, size;
        sl_rc rc;
    } cases[] = {
        {0, 0, SL_NOT_FOUND},  {0, 1, SL_TRUNCATED},
        {0, 91, SL_TRUNCATED}, {1, 0, SL_TRUNCATED},
        {1, 16, SL_TRUNCATED}, {1, 17, SL_AUTH},
        {2, 500, SL_AUTH},     {2, SL_SNAPSHOT_CHUNK_MAX, SL_AUTH},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        host_has_saved();
        if (host.size[cases[i].chunk] == cases[i].size) {
            continue;
        }
        start();
        host.size[cases[i].chunk] = cases[i].size;
        expect_refused(cases[i].rc);
        stop();
    }
}

/* Two snapshots of one image: the older one whole, and a mixture of both. */
static void test_older_and_mixed_snapshots_refused(void **state)
{
    host_has_saved();
    start();
    bed.life.epoch = EPOCH + 1;
    for (uint32_t i = 0; i < FLOWS; i++) {
        assert_int_equal(send(i), SL_VERDICT_PASS);
    }
    assert_ok(ask(SL_MSG_SNAPSHOT_SAVE, EPOCH + 1));
    run_until_done();
    assert_int_equal(bed.server.snapshot.told.state, SL_MSG_SNAPSHOT_IS_SAVED);
    stop();
    start();
    expect_refused(SL_STALE); /* the newer one where EPOCH is asked for: as bad */
    stop();
    start();
    memcpy(host.chunk[0], saved_chunk[0], sizeof(saved_chunk[0]));
    host.size[0] = saved_size[0];
    expect_refused(SL_AUTH);
    stop();
}

static void test_snapshot_of_another_instance_refused(void **state)
{
    host_has_saved();
    start();
    bed.life.instance[3] ^= 1;
    expect_refused(SL_MISMATCH);
    stop();
}

static void test_host_that_cannot_keep_it_is_told(void **state)
{
    memset(&host, 0, sizeof(host));
    start();
    host.keeps = SL_IO;
    assert_int_equal(send(1), SL_VERDICT_PASS);
    assert_ok(ask(SL_MSG_SNAPSHOT_SAVE, EPOCH));
    run_until_done();
    assert_int_equal(bed.server.snapshot.told.state, SL_MSG_SNAPSHOT_IS_FAILED);
    assert_int_equal(bed.server.snapshot.told.rc, SL_IO);
    stop();
}

static void test_silent_host_times_out(void **state)
{
    for (int what = SL_MSG_SNAPSHOT_SAVE; what <= SL_MSG_SNAPSHOT_RESTORE; what++) {
        host_has_saved();
        start();
        host.is_silent = true;
        assert_ok(ask((enum sl_msg_snapshot_what)what, EPOCH));
        for (int i = 0; i < 50; i++) {
            (void)poll_server();
            (void)sl_worker_pass(bed.rig.worker);
        }
        assert_true(sl_snapshot_is_active(&bed.server.snapshot));
        bed.now_ns += SL_SNAPSHOT_TIMEOUT_NS + 1;
        (void)poll_server();
        assert_int_equal(bed.server.snapshot.told.state, SL_MSG_SNAPSHOT_IS_FAILED);
        assert_int_equal(bed.server.snapshot.told.rc, SL_TIMEOUT);
        assert_null(bed.rig.worker->job.data);
        stop();
    }
}

static void test_chain_replaced_meanwhile_fails(void **state)
{
    memset(&host, 0, sizeof(host));
    start();
    for (uint32_t i = 0; i < 5000; i++) { /* more than one step takes */
        assert_int_equal(send(i), SL_VERDICT_PASS);
    }
    assert_ok(ask(SL_MSG_SNAPSHOT_SAVE, EPOCH));
    (void)poll_server();
    (void)sl_worker_pass(bed.rig.worker);
    set_chain(2);
    run_until_done();
    assert_int_equal(bed.server.snapshot.told.state, SL_MSG_SNAPSHOT_IS_FAILED);
    assert_int_equal(bed.server.snapshot.told.rc, SL_STALE);
    stop();
}

/* Frames that nobody asked for, or with anything in them, at any step. */
static void test_strays_do_no_harm(void **state)
{
    uint64_t random = 99;
    uint8_t frame[64];
    uint64_t strays = 0;
    for (int round = 0; round < 40; round++) {
        host_has_saved();
        start();
        assert_ok(ask(round % 2 == 0 ? SL_MSG_SNAPSHOT_SAVE : SL_MSG_SNAPSHOT_RESTORE, EPOCH));
        for (int i = 0; i < 60; i++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            size_t size = 1 + (random >> 33) % sizeof(frame);
            for (size_t at = 0; at < sizeof(frame); at++) {
                frame[at] = (uint8_t)(random >> (at % 50));
            }
            frame[0] = (uint8_t)((random >> 40) % 6);
            sl_be32_put(frame + 1, (uint32_t)(random >> 50) % 4);
            if ((random >> 60) < 8) {
                (void)sl_snapshot_frame(&bed.server, frame, size, bed.now_ns);
            }
            (void)poll_server();
            (void)sl_worker_pass(bed.rig.worker);
            host_serve();
        }
        run_until_done();
        const struct sl_msg_snapshot *told = &bed.server.snapshot.told;
        assert_true(told->state == SL_MSG_SNAPSHOT_IS_SAVED ||
                    told->state == SL_MSG_SNAPSHOT_IS_RESTORED ||
                    told->state == SL_MSG_SNAPSHOT_IS_FAILED);
        uint64_t flows = counter("flow table: flows");
        assert_true(flows == 0 || (flows == FLOWS && told->state == SL_MSG_SNAPSHOT_IS_RESTORED));
        strays += bed.server.counters.snapshot_strays;
        stop();
    }
    assert_true(strays > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restore_brings_all_back),
        cmocka_unit_test(test_saved_bytes_are_not_readable),
        cmocka_unit_test(test_requests_out_of_place_refused),
        cmocka_unit_test(test_each_flipped_chunk_refused),
        cmocka_unit_test(test_each_missing_chunk_refused),
        cmocka_unit_test(test_chunks_out_of_place_refused),
        cmocka_unit_test(test_odd_sizes_refused),
        cmocka_unit_test(test_older_and_mixed_snapshots_refused),
        cmocka_unit_test(test_snapshot_of_another_instance_refused),
        cmocka_unit_test(test_host_that_cannot_keep_it_is_told),
        cmocka_unit_test(test_silent_host_times_out),
        cmocka_unit_test(test_chain_replaced_meanwhile_fails),
        cmocka_unit_test(test_strays_do_no_harm),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
