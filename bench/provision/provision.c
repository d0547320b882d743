/* SPDX-License-Identifier: Apache-2.0 */
/* From a TCP connect to the first packet through a running image, with attestation: connects to a
 * safelib-host as the gateway does, by the gateway's own code, and times each step. The first
 * packet is a path probe: sealed here, opened, answered and sealed inside, opened here.
 *
 *   bench-provision ADDRESS CONTROL_PORT ESP_PORT KEY.pem BUNDLE MRENCLAVE COUNT
 *
 * One line of JSON per connection: milliseconds since the connect began. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "control/key_file.h"
#include "esp/probe.h"
#include "files/files.h"
#include "gateway/attest.h"
#include "measure.h"

enum { TIMEOUT_MS = 10000, PROBE_SIZE = 1000, DATAGRAM_MAX = 2000, BUNDLE_MAX = 1 << 20 };

struct bench {
    const char *address, *control, *esp;
    struct sl_identity *identity;
    struct sl_attest_file policy;
    struct sl_gw_attest attest;
    uint8_t *bundle;
    size_t bundle_size;
    struct sl_client *client;
    int udp;
};

struct times {
    double tls, attested, policy, keyed, packet;
};

static void die(const char *what, const struct sl_err *err)
{
    fprintf(stderr, "bench-provision: %s: %s\n", what, err->text);
    exit(1);
}

static sl_rc any_key(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err)
{
    (void)ctx;
    (void)peer;
    (void)err;
    return SL_OK; /* as the gateway: evidence decides */
}

static void connect_image(struct bench *b)
{
    struct sl_err err = {0};
    struct sl_client_params params = {.identity = b->identity, .verify = any_key};
    if (sl_client_tcp(b->address, b->control, TIMEOUT_MS, &params.transport, &err) != SL_OK ||
        sl_client_create(&params, &b->client, &err) != SL_OK ||
        sl_client_connect(b->client, TIMEOUT_MS, &err) != SL_OK) {
        die("connect", &err);
    }
}

/* One SA; ours is returned. */
static struct sl_esp_sa *sa_set(struct bench *b, uint8_t port, bool is_inbound)
{
    struct sl_err err = {0};
    struct sl_esp_sa *made = NULL;
    uint32_t spi = 0;
    struct sl_msg_sa sa = {.port = port,
                           .is_inbound = is_inbound,
                           .params = {.alg = SL_ESP_AES_128_GCM_16,
                                      .is_esn = true,
                                      .is_inbound = is_inbound,
                                      .window = 1024}};
    if (getrandom(&spi, sizeof(spi), 0) != (ssize_t)sizeof(spi)) {
        die("getrandom", &err);
    }
    sa.params.spi = (spi & 0xffffff00u) | 0x100u | port;
    if (sl_client_sa_make(b->client, &sa, &err) != SL_OK ||
        sl_client_sa_set(b->client, TIMEOUT_MS, &sa, &err) != SL_OK) {
        die("SA", &err);
    }
    sa.params.is_inbound = !is_inbound;
    if (sl_esp_sa_create(&sa.params, &made) != SL_OK) {
        die("SA", &err);
    }
    return made;
}

static void packet_bounce(struct bench *b, struct sl_esp_sa *out, struct sl_esp_sa *in)
{
    struct sl_err err = {0};
    uint8_t inner[DATAGRAM_MAX];
    uint8_t wire[DATAGRAM_MAX];
    struct sl_probe probe = {.kind = SL_PROBE_REQUEST, .size = PROBE_SIZE, .id = 1};
    struct sl_esp_inner got;
    uint32_t size = 0;
    struct pollfd p = {.fd = b->udp, .events = POLLIN};
    if (sl_probe_write(&probe, PROBE_SIZE, inner, sizeof(inner)) != SL_OK ||
        sl_esp_seal(out, inner, PROBE_SIZE, SL_ESP_NEXT_NONE, 0, wire, sizeof(wire), &size) !=
            SL_OK ||
        send(b->udp, wire, size, 0) != (ssize_t)size || poll(&p, 1, TIMEOUT_MS) != 1) {
        die("no answer to the first packet", &err);
    }
    ssize_t received = recv(b->udp, wire, sizeof(wire), 0);
    if (received <= 0 ||
        sl_esp_open(in, wire, (uint32_t)received, inner, sizeof(inner), &got) != SL_OK ||
        sl_probe_read(inner + got.off, got.size, &probe) != SL_OK || probe.kind != SL_PROBE_REPLY) {
        die("a wrong answer to the first packet", &err);
    }
}

static double since(uint64_t begin_ns)
{
    return (double)(bench_now_ns() - begin_ns) / 1e6;
}

static struct times round_run(struct bench *b)
{
    struct sl_err err = {0};
    struct times t;
    uint64_t version = 0;
    uint8_t hash[32];
    uint64_t begin_ns = bench_now_ns();
    connect_image(b);
    t.tls = since(begin_ns);
    if (sl_gw_attest_image(&b->attest, b->client, NULL, TIMEOUT_MS, &err) != SL_OK) {
        die("attestation", &err);
    }
    t.attested = since(begin_ns);
    if (sl_client_chain_set(b->client, TIMEOUT_MS, b->bundle, b->bundle_size, &version, hash,
                            &err) != SL_OK ||
        sl_client_sa_clear(b->client, TIMEOUT_MS, &err) != SL_OK ||
        sl_client_time(b->client, TIMEOUT_MS, &err) != SL_OK ||
        sl_client_lease(b->client, TIMEOUT_MS, 30, &err) != SL_OK) {
        die("provisioning", &err);
    }
    t.policy = since(begin_ns);
    struct sl_esp_sa *sas[4];
    for (uint32_t i = 0; i < 4; i++) {
        sas[i] = sa_set(b, (uint8_t)(i / 2), i % 2 == 0);
    }
    t.keyed = since(begin_ns);
    packet_bounce(b, sas[0], sas[1]);
    t.packet = since(begin_ns);
    for (uint32_t i = 0; i < 4; i++) {
        sl_esp_sa_free(sas[i]);
    }
    sl_client_free(b->client);
    return t;
}

static void bench_open(struct bench *b, char **argv)
{
    struct sl_err err = {0};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10))};
    b->address = argv[1];
    b->control = argv[2];
    b->policy.policy.reference_count = 1;
    b->policy.policy.references[0].has_mrenclave = true;
    b->policy.policy.tcb_accepted = 1u << SL_TCB_UP_TO_DATE;
    b->policy.policy.insecure_allow_emulated = true;
    if (sl_key_file_load(argv[4], &b->identity, &err) != SL_OK ||
        sl_file_read(argv[5], BUNDLE_MAX, &b->bundle, &b->bundle_size, &err) != SL_OK ||
        sl_hex_decode(argv[6], b->policy.policy.references[0].mrenclave, 32) != SL_OK ||
        sl_gw_attest_init(&b->attest, &b->policy, b->identity->spki_hash, &err) != SL_OK) {
        die("arguments", &err);
    }
    b->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (b->udp < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 ||
        connect(b->udp, (struct sockaddr *)&to, sizeof(to)) != 0) {
        die("UDP socket", &err);
    }
}

int main(int argc, char **argv)
{
    static struct bench b;
    if (argc != 8) {
        fprintf(stderr, "usage: bench-provision ADDRESS CONTROL_PORT ESP_PORT KEY.pem BUNDLE "
                        "MRENCLAVE COUNT\n");
        return 2;
    }
    bench_open(&b, argv);
    for (unsigned long i = 0; i < strtoul(argv[7], NULL, 10); i++) {
        struct times t = round_run(&b);
        printf("{\"connection\": %lu, \"tls\": %.3f, \"attested\": %.3f, \"policy\": %.3f, "
               "\"keyed\": %.3f, \"packet\": %.3f}\n",
               i, t.tls, t.attested, t.policy, t.keyed, t.packet);
    }
    sl_gw_attest_done(&b.attest);
    sl_identity_free(b.identity);
    free(b.bundle);
    (void)close(b.udp);
    return 0;
}
