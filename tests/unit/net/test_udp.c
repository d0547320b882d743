/* SPDX-License-Identifier: Apache-2.0 */
/* Over the loopback of a private network namespace with MTU 1500, or skipped without privilege. */
#include "unit.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/udp.h"

static bool has_namespace;

static void namespace_enter(void)
{
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        return;
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq ifr = {0};
    memcpy(ifr.ifr_name, "lo", 3);
    ifr.ifr_flags = IFF_UP;
    has_namespace = ioctl(fd, SIOCSIFFLAGS, &ifr) == 0;
    ifr.ifr_mtu = 1500;
    has_namespace = has_namespace && ioctl(fd, SIOCSIFMTU, &ifr) == 0;
    (void)close(fd);
}

static struct sl_udp *socket_open(int version, bool is_offload, bool is_native)
{
    struct sl_err err = {0};
    struct sl_udp_params params = {
        .is_gso = is_offload, .is_gro = is_offload, .is_native = is_native};
    assert_ok(sl_net_addr_resolve(version == 4 ? "127.0.0.1" : "::1", 0, &params.local, &err));
    struct sl_udp *udp = NULL;
    sl_rc rc = sl_udp_open(&params, &udp, &err);
    if (rc != SL_OK) {
        print_message("%s\n", err.text);
    }
    assert_ok(rc);
    return udp;
}

/* Receives until `want` datagrams are there; checks byte k of datagram n to be n + k. */
static uint32_t receive_checked(struct sl_udp *udp, uint32_t want, uint8_t tos, uint32_t *ret_runs)
{
    static uint8_t data[4][SL_UDP_RUN_MAX];
    uint32_t got = 0;
    *ret_runs = 0;
    struct pollfd pfd = {.fd = sl_udp_fd(udp), .events = POLLIN};
    while (got < want && poll(&pfd, 1, 60000) > 0) {
        struct sl_udp_rx bufs[4];
        for (int i = 0; i < 4; i++) {
            bufs[i] = (struct sl_udp_rx){.data = data[i], .room = SL_UDP_RUN_MAX};
        }
        uint32_t count = 0;
        sl_rc rc = sl_udp_recv(udp, bufs, 4, &count);
        assert_ok(rc);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(bufs[i].tos, tos);
            for (uint32_t off = 0; off < bufs[i].size; off += bufs[i].segment_size) {
                uint32_t left = bufs[i].size - off;
                uint32_t size = left < bufs[i].segment_size ? left : bufs[i].segment_size;
                for (uint32_t k = 0; k < size; k++) {
                    assert_int_equal(bufs[i].data[off + k], (uint8_t)(got + k));
                }
                got++;
            }
        }
        *ret_runs += count;
    }
    return got;
}

static uint32_t run_fill(uint8_t *data, uint32_t count, uint32_t segment, uint32_t last)
{
    uint32_t off = 0;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t size = n + 1 == count ? last : segment;
        for (uint32_t k = 0; k < size; k++) {
            data[off + k] = (uint8_t)(n + k);
        }
        off += size;
    }
    return off;
}

/* Two sockets that know each other; where there is no namespace the test is skipped. */
struct pair {
    struct sl_udp *a, *b;
};

static struct pair pair_open(int version, bool is_offload, bool is_native)
{
    if (!has_namespace) {
        skip();
    }
    return (struct pair){.a = socket_open(version, is_offload, is_native),
                         .b = socket_open(version, is_offload, is_native)};
}

static void pair_close(struct pair *pair)
{
    sl_udp_close(pair->a);
    sl_udp_close(pair->b);
}

/* From a to b: `count` datagrams of `segment` bytes, the last of `last`. */
static struct sl_udp_tx run_to_b(const struct pair *pair, uint32_t count, uint32_t segment,
                                 uint32_t last)
{
    static uint8_t data[1 << 20];
    return (struct sl_udp_tx){.data = data,
                              .size = run_fill(data, count, segment, last),
                              .segment_size = segment,
                              .to = *sl_udp_local(pair->b)};
}

static void run_passes(int version, bool is_offload, uint32_t count, uint32_t segment,
                       uint32_t last)
{
    struct pair pair = pair_open(version, is_offload, false);
    struct sl_udp_tx run = run_to_b(&pair, count, segment, last);
    run.tos = 0xb9;
    assert_int_equal(sl_udp_send(pair.a, &run, 1), count);
    uint32_t runs = 0;
    assert_int_equal(receive_checked(pair.b, count, 0xb9, &runs), count);
    assert_int_equal(sl_udp_counters(pair.b)->rx_datagrams, count);
    if (is_offload) {
        assert_true(runs < count);
        assert_true(sl_udp_counters(pair.a)->gso_trains > 0);
    } else {
        assert_int_equal(runs, count);
        assert_int_equal(sl_udp_counters(pair.a)->gso_trains, 0);
    }
    pair_close(&pair);
}

static void test_send_run_with_offload_arrives_whole(void **state)
{
    (void)state;
    static const uint32_t cases[][3] = {
        {2, 1400, 1400}, {40, 1400, 17}, {64, 900, 900}, {130, 100, 99}, {200, 1432, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run_passes(4, true, cases[i][0], cases[i][1], cases[i][2]);
        run_passes(6, true, cases[i][0], cases[i][1], cases[i][2]);
    }
}

static void test_send_run_without_offload_arrives_whole(void **state)
{
    (void)state;
    run_passes(4, false, 40, 1400, 17);
    run_passes(6, false, 40, 1400, 17);
}

static void test_send_native_arrives_without_ip_header(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version += 2) {
        struct pair pair = pair_open(version, false, true);
        struct sl_udp_tx run = run_to_b(&pair, 3, 1000, 500);
        run.tos = 0x2a;
        assert_int_equal(sl_udp_send(pair.a, &run, 1), 3);
        uint32_t runs = 0;
        assert_int_equal(receive_checked(pair.b, 3, 0x2a, &runs), 3);
        pair_close(&pair);
    }
}

static void test_send_train_refused_falls_back_and_backs_off(void **state)
{
    (void)state;
    struct pair pair = pair_open(4, true, false);
    /* the kernel refuses UDP_SEGMENT without checksums with EINVAL */
    int one = 1;
    assert_ok(setsockopt(sl_udp_fd(pair.a), SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one)));
    struct sl_udp_tx run = run_to_b(&pair, 20, 1000, 700);
    assert_int_equal(sl_udp_send(pair.a, &run, 1), 20);
    uint32_t runs = 0;
    assert_int_equal(receive_checked(pair.b, 20, 0, &runs), 20);
    struct sl_udp_offload offload;
    sl_udp_offload_get(pair.a, &offload);
    assert_true(offload.is_gso_allowed);
    assert_false(offload.is_gso_active);
    assert_int_equal(offload.gso_errno, EINVAL);
    assert_true(offload.retry_ns != 0);
    assert_int_equal(sl_udp_counters(pair.a)->gso_refused, 1);
    /* while backed off, no train is tried */
    assert_int_equal(sl_udp_send(pair.a, &run, 1), 20);
    uint64_t sent_ns = unit_now_ns();
    assert_int_equal(receive_checked(pair.b, 20, 0, &runs), 20);
    if (sent_ns < offload.retry_ns) { /* else this machine stopped meanwhile */
        assert_int_equal(sl_udp_counters(pair.a)->gso_refused, 1);
    }
    /* after the back-off, and with the kernel healed, trains are back */
    int zero = 0;
    assert_ok(setsockopt(sl_udp_fd(pair.a), SOL_SOCKET, SO_NO_CHECK, &zero, sizeof(zero)));
    for (sl_udp_offload_get(pair.a, &offload); unit_now_ns() <= offload.retry_ns;) {
        usleep(10000);
    }
    assert_int_equal(sl_udp_send(pair.a, &run, 1), 20);
    assert_int_equal(receive_checked(pair.b, 20, 0, &runs), 20);
    assert_int_equal(sl_udp_counters(pair.a)->gso_trains, 1);
    pair_close(&pair);
}

static void test_send_larger_than_mtu_is_counted_not_fragmented(void **state)
{
    (void)state;
    struct pair pair = pair_open(4, true, false);
    struct sl_udp_tx run = run_to_b(&pair, 3, 1600, 1600);
    assert_int_equal(sl_udp_send(pair.a, &run, 1), 0);
    assert_int_equal(sl_udp_counters(pair.a)->tx_too_big, 3);
    /* the train was not at fault: no back-off */
    struct sl_udp_offload offload;
    sl_udp_offload_get(pair.a, &offload);
    assert_true(offload.is_gso_active);
    assert_rc(sl_udp_send_probe(pair.a, &run), SL_RANGE);
    run.size = 1472;
    assert_rc(sl_udp_send_probe(pair.a, &run), SL_OK);
    pair_close(&pair);
}

static void test_send_fragmentable_passes_larger_than_mtu(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version += 2) {
        struct pair pair = pair_open(version, true, false);
        struct sl_udp_tx run = run_to_b(&pair, 3, 1600, 1600);
        run.is_fragmentable = true;
        assert_int_equal(sl_udp_send(pair.a, &run, 1), 3);
        uint32_t runs = 0;
        assert_int_equal(receive_checked(pair.b, 3, 0, &runs), 3);
        /* and DF is back for the next run */
        run.is_fragmentable = false;
        assert_int_equal(sl_udp_send(pair.a, &run, 1), 0);
        pair_close(&pair);
    }
}

static void test_recv_run_larger_than_buffer_is_dropped_and_counted(void **state)
{
    (void)state;
    static uint8_t data[2000];
    struct pair pair = pair_open(4, false, false);
    struct sl_udp_tx run = run_to_b(&pair, 1, 1000, 1000);
    assert_int_equal(sl_udp_send(pair.a, &run, 1), 1);
    struct sl_udp_rx buf = {.data = data, .room = 999};
    uint32_t count = 0;
    assert_ok(sl_udp_recv(pair.b, &buf, 1, &count));
    assert_int_equal(count, 1);
    assert_int_equal(buf.size, 0);
    assert_int_equal(sl_udp_counters(pair.b)->rx_truncated, 1);
    assert_rc(sl_udp_recv(pair.b, &buf, 1, &count), SL_AGAIN);
    pair_close(&pair);
}

static void test_recv_gro_switched_off_delivers_single_datagrams(void **state)
{
    (void)state;
    static uint8_t data[65536];
    struct pair pair = pair_open(4, true, false);
    uint32_t count = 0;
    struct sl_udp_rx buf = {.data = data, .room = SL_UDP_RUN_MAX};
    sl_udp_offload_set(pair.b, false, false);
    assert_rc(sl_udp_recv(pair.b, &buf, 1, &count), SL_AGAIN); /* applies the wish */
    struct sl_udp_tx run = run_to_b(&pair, 20, 1000, 1000);
    assert_int_equal(sl_udp_send(pair.a, &run, 1), 20);
    uint32_t runs = 0;
    assert_int_equal(receive_checked(pair.b, 20, 0, &runs), 20);
    assert_int_equal(runs, 20);
    pair_close(&pair);
}

static void test_open_bad_address_says_which(void **state)
{
    (void)state;
    struct sl_err err = {0};
    struct sl_udp *udp = NULL;
    struct sl_udp_params params = {.local = {.ip_version = 4, .ip = {192, 0, 2, 1}, .port = 9}};
    assert_rc(sl_udp_open(&params, &udp, &err), SL_IO);
    assert_non_null(strstr(err.text, "192.0.2.1:9"));
    params.local.ip_version = 0;
    assert_rc(sl_udp_open(&params, &udp, &err), SL_INVALID);
    assert_rc(sl_net_addr_resolve("no such host", 1, &params.local, &err), SL_NOT_FOUND);
}

int main(void)
{
    namespace_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_send_run_with_offload_arrives_whole),
        cmocka_unit_test(test_send_run_without_offload_arrives_whole),
        cmocka_unit_test(test_send_native_arrives_without_ip_header),
        cmocka_unit_test(test_send_train_refused_falls_back_and_backs_off),
        cmocka_unit_test(test_send_larger_than_mtu_is_counted_not_fragmented),
        cmocka_unit_test(test_send_fragmentable_passes_larger_than_mtu),
        cmocka_unit_test(test_recv_run_larger_than_buffer_is_dropped_and_counted),
        cmocka_unit_test(test_recv_gro_switched_off_delivers_single_datagrams),
        cmocka_unit_test(test_open_bad_address_says_which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
