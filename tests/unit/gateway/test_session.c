/* SPDX-License-Identifier: Apache-2.0 */
/* The session's states, by its public functions: a real image (control server, TLS, evidence) on
 * another thread behind a TCP port that the test opens and cuts. Nothing is behind the UDP port. */
#include "lying_host.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/session.h"

enum { GENUINE = 0xa1, PATIENCE_MS = 60000, LEASE_S = 120, SHORT_LEASE_S = 2 };

struct lane {
    int fd; /* -1: free */
    struct sl_client_transport wire;
};

static struct {
    char dir[64];
    struct sl_identity *tenant;
    struct sl_gw_config config;
    struct sl_tunnel tunnel;
    struct sl_watch watch;
    struct sl_session session;
    struct sl_err err;
    /* the image and its host, on a thread of their own */
    struct emu_site *site;
    struct lying_host host;
    struct lane lanes[LYING_WIRES_MAX];
    int listen_fd;
    pthread_t thread;
    atomic_bool is_stopping, is_cut;
} t;

/* ---- the host's relay ---- */

static void lane_close(struct lane *lane)
{
    if (lane->fd >= 0) {
        (void)close(lane->fd);
        lane->wire.close(lane->wire.ctx);
        lane->fd = -1;
    }
}

static void lane_open(int fd)
{
    for (uint32_t i = 0; i < LYING_WIRES_MAX; i++) {
        if (t.lanes[i].fd < 0) {
            t.lanes[i] = (struct lane){.fd = fd, .wire = lying_host_wire(&t.host)};
            return;
        }
    }
    (void)close(fd);
}

static void lane_move(struct lane *lane)
{
    uint8_t bytes[4096];
    size_t size = 0;
    ssize_t got = recv(lane->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got == 0 ||
        (got > 0 && lane->wire.send(lane->wire.ctx, bytes, (size_t)got, &size) != SL_OK)) {
        lane_close(lane);
        return;
    }
    sl_rc rc;
    while ((rc = lane->wire.receive(lane->wire.ctx, bytes, sizeof(bytes), &size)) == SL_OK) {
        if (send(lane->fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) {
            rc = SL_CLOSED;
            break;
        }
    }
    if (rc == SL_CLOSED) {
        lane_close(lane);
    }
}

static void *host_run(void *arg)
{
    (void)arg;
    while (!atomic_load(&t.is_stopping)) {
        struct pollfd fds[1 + LYING_WIRES_MAX] = {{.fd = t.listen_fd, .events = POLLIN}};
        for (uint32_t i = 0; i < LYING_WIRES_MAX; i++) {
            fds[1 + i] = (struct pollfd){.fd = t.lanes[i].fd, .events = POLLIN};
        }
        (void)poll(fds, 1 + LYING_WIRES_MAX, 5);
        t.host.now_ns = unit_now_ns();
        bool is_cut = atomic_load(&t.is_cut);
        int fd = accept(t.listen_fd, NULL, NULL);
        if (fd >= 0 && is_cut) {
            (void)close(fd);
        } else if (fd >= 0) {
            lane_open(fd);
        }
        for (uint32_t i = 0; i < LYING_WIRES_MAX; i++) {
            if (t.lanes[i].fd >= 0 && is_cut) {
                lane_close(&t.lanes[i]);
            } else if (t.lanes[i].fd >= 0) {
                lane_move(&t.lanes[i]);
            }
        }
        lying_host_pump(&t.host); /* its leases end by themselves */
    }
    return NULL;
}

/* Afterwards the image can be looked at. */
static void host_stop(void)
{
    atomic_store(&t.is_stopping, true);
    (void)pthread_join(t.thread, NULL);
}

static uint16_t port_open(int type, int *ret_fd)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(sa);
    *ret_fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_ok(bind(*ret_fd, (struct sockaddr *)&sa, size));
    assert_ok(getsockname(*ret_fd, (struct sockaddr *)&sa, &size));
    if (type == SOCK_STREAM) {
        assert_ok(listen(*ret_fd, 8));
    }
    return ntohs(sa.sin_port);
}

/* ---- the gateway ---- */

static void log_line(const char *line)
{
    print_message("    %s\n", line);
}

static bool is_state(enum sl_gw_state state, const char *reason)
{
    (void)pthread_mutex_lock(&t.session.lock);
    bool is_so = t.session.state == state && strstr(t.session.reason, reason) != NULL;
    (void)pthread_mutex_unlock(&t.session.lock);
    return is_so;
}

static void wait_state(enum sl_gw_state state, const char *reason)
{
    uint64_t end_ns = unit_now_ns() + PATIENCE_MS * 1000000ull;
    while (!is_state(state, reason)) {
        if (unit_now_ns() > end_ns) {
            fail_msg("not %s (%s) but %s: %s", sl_gw_state_text(state), reason,
                     sl_gw_state_text(t.session.state), t.session.reason);
        }
        usleep(2000);
    }
}

/* Provisioned: running, until it is noticed that the UDP port is silent. */
static void wait_up(void)
{
    uint64_t end_ns = unit_now_ns() + PATIENCE_MS * 1000000ull;
    while ((!is_state(SL_GW_RUNNING, "") && !is_state(SL_GW_DEGRADED, "nothing sent")) ||
           !sl_tunnel_is_keyed(&t.tunnel)) {
        if (unit_now_ns() > end_ns) {
            wait_state(SL_GW_RUNNING, ""); /* says what it is instead */
            fail_msg("running without keys");
        }
        usleep(2000);
    }
}

static uint64_t count(const uint64_t *value)
{
    (void)pthread_mutex_lock(&t.session.lock);
    uint64_t now = *value;
    (void)pthread_mutex_unlock(&t.session.lock);
    return now;
}

static void policy_make(void)
{
    char rules[96];
    struct sl_policy policy;
    (void)snprintf(rules, sizeof(rules), "%s/rules", t.dir);
    (void)snprintf(t.config.policy, sizeof(t.config.policy), "%s/policy.slp", t.dir);
    FILE *file = fopen(rules, "w");
    assert_non_null(file);
    assert_true(fputs("@0.0.0.0/0 192.0.2.0/24 0 : 65535 80 : 80 0x06/0xFF\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_ok(sl_policy_compile_classbench(rules, &policy, &t.err));
    assert_ok(sl_policy_write(&policy, t.config.policy, &t.err));
    sl_policy_done(&policy);
}

/* @param hash  the key that the image takes */
static void begin(const uint8_t hash[SL_SPKI_HASH_SIZE])
{
    lying_host_open(&t.host, t.site, hash);
    assert_int_equal(pthread_create(&t.thread, NULL, host_run, NULL), 0);
    assert_ok(sl_tunnel_open(&t.config, &t.tunnel, &t.err));
    assert_ok(sl_watch_start(&t.config, &t.tunnel, &t.watch, &t.err));
    sl_rc rc =
        sl_session_start(&t.config, &t.tunnel, &t.watch, t.tenant, log_line, &t.session, &t.err);
    if (rc != SL_OK) {
        fail_msg("%s", t.err.text);
    }
}

static void end(void)
{
    sl_session_stop(&t.session);
    host_stop();
    sl_watch_stop(&t.watch);
    sl_tunnel_close(&t.tunnel);
}

static int setup(void **state)
{
    (void)state;
    int udp;
    memset(&t, 0, sizeof(t));
    (void)snprintf(t.dir, sizeof(t.dir), "/tmp/sl-session-XXXXXX");
    assert_non_null(mkdtemp(t.dir));
    assert_ok(sl_identity_generate("tenant", &t.tenant));
    t.site = emu_site_open(GENUINE, false);
    for (uint32_t i = 0; i < LYING_WIRES_MAX; i++) {
        t.lanes[i].fd = -1;
    }
    struct sl_gw_config *c = &t.config;
    *c = (struct sl_gw_config){.host = "127.0.0.1",
                               .shards = 1,
                               .queues = 1,
                               .alg = SL_ESP_AES_128_GCM_16,
                               .is_esn = true,
                               .window = 1024,
                               .rekey_seconds = 3600,
                               .rekey_bytes = UINT64_MAX,
                               .rekey_packets = 1u << 30,
                               .reattest_seconds = 3600,
                               .lease_seconds = LEASE_S,
                               .mtu = 1300};
    c->control_port = port_open(SOCK_STREAM, &t.listen_fd);
    c->udp_port = port_open(SOCK_DGRAM, &udp);
    (void)close(udp);
    (void)snprintf(c->state_dir, sizeof(c->state_dir), "%s/state", t.dir);
    struct sl_attest_policy *policy = &c->attestation.policy;
    policy->reference_count = 1;
    policy->references[0].has_mrenclave = true;
    memset(policy->references[0].mrenclave, GENUINE, 32);
    policy->tcb_accepted = 1u << SL_TCB_UP_TO_DATE;
    policy->insecure_allow_emulated = true;
    policy_make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    for (uint32_t i = 0; i < LYING_WIRES_MAX; i++) {
        lane_close(&t.lanes[i]);
    }
    lying_host_close(&t.host);
    emu_site_close(t.site);
    sl_identity_free(t.tenant);
    (void)close(t.listen_fd);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", t.dir);
    return system(command);
}

/* ---- tests ---- */

static void test_session_provisions_and_clears(void **state)
{
    (void)state;
    begin(t.tenant->spki_hash);
    wait_up();
    assert_int_equal(count(&t.session.provisions), 1);
    json_t *status = json_object();
    sl_session_status(&t.session, status);
    assert_string_equal(json_string_value(json_object_get(status, "state")), "running");
    json_decref(status);
    json_t *request = json_pack("{s:s}", "cmd", "reload");
    json_t *response = sl_session_request(&t.session, request, PATIENCE_MS);
    assert_true(json_is_integer(json_object_get(response, "version")));
    assert_true(json_is_string(json_object_get(response, "sha256")));
    json_decref(response);
    json_decref(request);
    /* nothing answers at the UDP port, and that is said */
    wait_state(SL_GW_DEGRADED, "nothing sent into the tunnel comes back");
    end();
    assert_true(t.host.server.has_time);
    assert_true(t.host.rig.provision.has_chain);
    assert_true(t.host.rig.provision.sa_sets > 0);
    assert_false(sl_provision_has_sa(&t.host.rig.provision)); /* an orderly end deletes them */
}

static void test_session_short_cut_keeps_the_tunnel(void **state)
{
    (void)state;
    begin(t.tenant->spki_hash);
    wait_up();
    atomic_store(&t.is_cut, true);
    wait_state(SL_GW_DEGRADED, "control channel lost");
    assert_true(sl_tunnel_is_keyed(&t.tunnel));
    atomic_store(&t.is_cut, false);
    wait_up();
    assert_int_equal(count(&t.session.connects), 2);
    assert_int_equal(count(&t.session.resumes), 1);
    assert_int_equal(count(&t.session.restarts), 0);
    end();
}

static void test_session_lease_over_deletes_at_both_ends(void **state)
{
    (void)state;
    t.config.lease_seconds = SHORT_LEASE_S;
    begin(t.tenant->spki_hash);
    wait_up();
    uint64_t before = count(&t.session.provisions);
    atomic_store(&t.is_cut, true);
    uint64_t end_ns = unit_now_ns() + PATIENCE_MS * 1000000ull;
    while (sl_tunnel_is_keyed(&t.tunnel) && unit_now_ns() < end_ns) {
        usleep(2000);
    }
    assert_false(sl_tunnel_is_keyed(&t.tunnel));
    assert_false(is_state(SL_GW_RUNNING, ""));
    usleep(500000); /* the image counts from our last request as well */
    atomic_store(&t.is_cut, false);
    wait_up();
    assert_true(count(&t.session.provisions) > before);
    end();
}

static void test_session_key_that_is_not_expected_stops(void **state)
{
    (void)state;
    static const uint8_t other[SL_SPKI_HASH_SIZE] = {1};
    begin(other);
    wait_state(SL_GW_STOPPED, "--tenant-key-sha256");
    assert_false(sl_tunnel_is_keyed(&t.tunnel));
    end();
    lying_host_assert_nothing_given(&t.host);
}

static void test_session_unknown_code_gets_nothing(void **state)
{
    (void)state;
    memset(t.config.attestation.policy.references[0].mrenclave, GENUINE + 1, 32);
    begin(t.tenant->spki_hash);
    wait_state(SL_GW_STOPPED, "");
    assert_false(sl_tunnel_is_keyed(&t.tunnel));
    end();
    lying_host_assert_nothing_given(&t.host);
}

static void test_session_nobody_there_goes_on_trying(void **state)
{
    (void)state;
    atomic_store(&t.is_cut, true);
    begin(t.tenant->spki_hash);
    wait_state(SL_GW_CONNECTING, "c");
    assert_false(sl_tunnel_is_keyed(&t.tunnel));
    atomic_store(&t.is_cut, false);
    wait_up();
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_session_provisions_and_clears, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session_short_cut_keeps_the_tunnel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session_lease_over_deletes_at_both_ends, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_session_key_that_is_not_expected_stops, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_session_unknown_code_gets_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session_nobody_there_goes_on_trying, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
