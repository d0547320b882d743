/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant for system tests: provisions a running image through its host, bounces packets through
 * it over UDP, checks every byte that comes back, rekeys half-way, fetches the status.
 *
 *   tenant --make-key FILE                      prints the key's SPKI SHA-256
 *   tenant --key FILE --control ADDR PORT --esp ADDR PORT [--seconds N] [--size BYTES]
 *          [--patterns FILE] [--status FILE] [--ready FILE] [--until FILE] [--rules N] [--swaps N]
 *
 * --patterns: writes what the cloud must never see, for memscan; --ready: created once packets
 * flow; --until: goes on, however long, until that is there; --swaps: replaces the chain so often
 * meanwhile, and goes on until it is done. Exit code: 0 all as expected, 1 not, 2 usage, 3 the
 * image refused the key. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "control/client.h"
#include "control/key_file.h"
#include "control/sa_key.h"
#include "esp/aead.h"
#include "esp/probe.h"
#include "reference.h"
#include "safelib/checksum.h"

enum {
    TIMEOUT_MS = 60000,
    BURST = 32,
    WAIT_MS = 60000,   /* for what must come back */
    NOTHING_MS = 3000, /* for what must not */
    GENERATIONS = 2,
    MARKER_SIZE = 24,
    HEADER_SIZE = 28, /* IPv4 and UDP */
    DATAGRAM_MAX = 9600,
    PORT_ALLOWED = 443,
    PORT_FORBIDDEN = 9999,
    RULE_FORBIDDEN = 1,
    EXIT_BAD = 1,
    EXIT_USAGE = 2,
    EXIT_REFUSED = 3,
};

struct options {
    const char *make_key, *key, *control[2], *esp[2], *patterns, *status, *ready, *until;
    uint32_t seconds, size, rules, swaps;
};

struct tenant {
    struct options options;
    struct sl_identity *identity;
    struct sl_client *client;
    int udp;
    uint32_t shard_count;
    /* [generation][shard][port][inbound at the image] */
    struct sl_msg_sa sas[GENERATIONS][SL_AREA_SHARDS_MAX][2][2];
    struct sl_esp_sa *to_image[SL_AREA_SHARDS_MAX][2];
    struct sl_esp_sa *from_image[SL_AREA_SHARDS_MAX][2];
    struct sl_esp_sa *from_image_old[SL_AREA_SHARDS_MAX][2];
    uint8_t marker[MARKER_SIZE];
    uint8_t *policy;
    size_t policy_size;
    uint64_t sent, returned, forbidden, wrong, lost;
    uint64_t version;
    uint8_t *bundle;
    size_t bundle_room;
    uint32_t swaps;
    bool is_swapping;
};

static int fail(const char *what, const struct sl_err *err)
{
    fprintf(stderr, "tenant: %s: %s\n", what, err->text);
    return err->rc == SL_DENIED ? EXIT_REFUSED : EXIT_BAD;
}

static void random_bytes(void *out, size_t size)
{
    if (getrandom(out, size, 0) != (ssize_t)size) {
        abort();
    }
}

static uint64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- what the image gets ---- */

/* Of both generations, so that their keys can be written down before traffic flows. */
static int make_sas(struct tenant *t)
{
    struct sl_err err = {0};
    for (uint32_t g = 0; g < GENERATIONS; g++) {
        for (uint32_t shard = 0; shard < SL_AREA_SHARDS_MAX; shard++) {
            for (uint32_t port = 0; port < 2; port++) {
                for (uint32_t inbound = 0; inbound < 2; inbound++) {
                    struct sl_msg_sa *sa = &t->sas[g][shard][port][inbound];
                    uint32_t spi;
                    random_bytes(&spi, sizeof(spi));
                    sa->shard = (uint16_t)shard;
                    sa->port = (uint8_t)port;
                    sa->is_inbound = sa->params.is_inbound = inbound == 1;
                    sa->params.alg = port == 0 ? SL_ESP_AES_128_GCM_16 : SL_ESP_AES_256_GCM_16;
                    sa->params.spi = (spi & 0xffffff00u) | 0x100u | (2 * shard + port);
                    sa->params.is_esn = true;
                    sa->params.window = 1024;
                    sl_rc rc = sl_client_sa_make(t->client, sa, &err);
                    if (rc != SL_OK) {
                        return fail("SA keys", &err);
                    }
                }
            }
        }
    }
    return 0;
}

/* A rule that no packet of ours meets, with values of its own. */
static void make_rule(struct ref_rule *rule)
{
    struct ref_interval *src = &rule->intervals[SL_FW_DIM_SRC4][0];
    struct ref_interval *port = &rule->intervals[SL_FW_DIM_DPORT][0];
    uint16_t low;
    rule->action = SL_FW_DROP;
    rule->families = SL_FW_IP4;
    rule->count[SL_FW_DIM_SRC4] = 1;
    rule->count[SL_FW_DIM_DPORT] = 1;
    random_bytes(src->lo, 3);
    src->lo[0] |= 0x80; /* ours come from 10.0.0.1 */
    memcpy(src->hi, src->lo, 3);
    src->hi[3] = 255;
    random_bytes(&low, sizeof(low));
    low &= 0x7fff;
    sl_be16_put(port->lo, low);
    sl_be16_put(port->hi, (uint16_t)(low + low % 1000));
}

/* Rule 0 holds a random IPv6 source: policy bytes that can be recognised. Rule 1 drops the
 * forbidden port. Then the wanted number of others; everything else is accepted. */
static int make_policy(struct tenant *t)
{
    enum { RULE_SIZE_MAX = 64 };
    uint32_t count = 2 + t->options.rules;
    size_t size = 64 + (size_t)count * RULE_SIZE_MAX;
    struct ref_rule *rules = calloc(count, sizeof(*rules));
    t->policy = malloc(size);
    if (rules == NULL || t->policy == NULL) {
        free(rules);
        return EXIT_BAD;
    }
    rules[0].action = SL_FW_DROP;
    rules[0].families = SL_FW_IP6;
    rules[0].count[SL_FW_DIM_SRC6] = 1;
    random_bytes(rules[0].intervals[SL_FW_DIM_SRC6][0].lo, 16);
    memcpy(rules[0].intervals[SL_FW_DIM_SRC6][0].hi, rules[0].intervals[SL_FW_DIM_SRC6][0].lo, 16);
    rules[RULE_FORBIDDEN].action = SL_FW_DROP;
    rules[RULE_FORBIDDEN].families = SL_FW_IP4;
    rules[RULE_FORBIDDEN].count[SL_FW_DIM_DPORT] = 1;
    sl_be16_put(rules[RULE_FORBIDDEN].intervals[SL_FW_DIM_DPORT][0].lo, PORT_FORBIDDEN);
    sl_be16_put(rules[RULE_FORBIDDEN].intervals[SL_FW_DIM_DPORT][0].hi, PORT_FORBIDDEN);
    for (uint32_t i = 2; i < count; i++) {
        make_rule(&rules[i]);
    }
    t->policy_size = ref_policy_write(rules, count, SL_FW_ACCEPT, t->policy, size);
    free(rules);
    return t->policy_size > 0 ? 0 : EXIT_BAD;
}

static void write_pattern(FILE *file, const char *name, const uint8_t *bytes, size_t size)
{
    char hex[2 * 256 + 1];
    sl_hex_encode(bytes, size < 256 ? size : 256, hex);
    fprintf(file, "%s %s\n", name, hex);
}

/* Raw key, round keys and hash keys, in the form the image computes with. */
static sl_rc write_key_patterns(FILE *file, const struct sl_msg_sa *sa, uint32_t generation)
{
    static struct sl_aead aead __attribute__((aligned(64)));
    char name[64];
    const uint8_t *expanded = (const uint8_t *)&aead.gcm;
    uint32_t key_size = sl_aead_key_size(sa->params.alg);
    uint32_t rounds = key_size == 16 ? 10 : 14;
    enum { ROUNDS_MAX = 15, HASH_KEYS = 4 };
    sl_rc rc = sl_aead_init(&aead, sa->params.alg, sa->params.key, SL_AEAD_LEVEL_AUTO);
    if (rc != SL_OK) {
        return rc;
    }
    (void)snprintf(name, sizeof(name), "key-%u-%08x", generation, sa->params.spi);
    write_pattern(file, name, sa->params.key, key_size);
    for (uint32_t i = 1; i <= rounds + HASH_KEYS; i++) {
        uint32_t block = i <= rounds ? i : ROUNDS_MAX + i - rounds - 1;
        (void)snprintf(name, sizeof(name), "%s-%u-%08x-%u", i <= rounds ? "round-key" : "hash-key",
                       generation, sa->params.spi, block);
        write_pattern(file, name, expanded + 16 * (size_t)block, 16);
    }
    sl_aead_done(&aead);
    return SL_OK;
}

static int write_patterns(struct tenant *t)
{
    FILE *file = fopen(t->options.patterns, "w");
    if (file == NULL) {
        perror(t->options.patterns);
        return EXIT_BAD;
    }
    sl_rc rc = SL_OK;
    for (uint32_t g = 0; g < GENERATIONS && rc == SL_OK; g++) {
        for (uint32_t port = 0; port < 2 && rc == SL_OK; port++) {
            for (uint32_t inbound = 0; inbound < 2 && rc == SL_OK; inbound++) {
                rc = write_key_patterns(file, &t->sas[g][0][port][inbound], g);
            }
        }
    }
    /* what every SA key follows from */
    uint8_t secret[SL_SA_EXPORTER_SIZE];
    if (rc == SL_OK) {
        rc = sl_tls_export(sl_client_tls(t->client), SL_SA_EXPORTER_LABEL, secret, sizeof(secret));
        write_pattern(file, "sa-secret", secret, sizeof(secret));
    }
    write_pattern(file, "traffic-marker", t->marker, sizeof(t->marker));
    write_pattern(file, "policy", t->policy, t->policy_size < 200 ? t->policy_size : 200);
    /* the address of rule 0 alone: what a compiled form of the policy would still hold */
    write_pattern(file, "rule-address", t->policy + 12 + 9 + 5, 16);
    return fclose(file) == 0 && rc == SL_OK ? 0 : EXIT_BAD;
}

/* Gives the image the SAs of one generation. Inbound first, so that nothing we send meanwhile is
 * refused; then our own ends. */
static sl_rc provision_sas(struct tenant *t, uint32_t generation, struct sl_err *err)
{
    for (uint32_t inbound = 2; inbound-- > 0;) {
        for (uint32_t shard = 0; shard < t->shard_count; shard++) {
            for (uint32_t port = 0; port < 2; port++) {
                struct sl_msg_sa sa = t->sas[generation][shard][port][inbound];
                struct sl_esp_sa *made = NULL;
                struct sl_esp_sa **end =
                    inbound ? &t->to_image[shard][port] : &t->from_image[shard][port];
                sa.params.is_inbound = !inbound;
                sl_rc rc = sl_esp_sa_create(&sa.params, &made);
                sa.params.is_inbound = inbound;
                if (rc != SL_OK) {
                    return sl_err_set(err, rc, "%s", sl_rc_text(rc));
                }
                if (!inbound) { /* packets under the old key may still be on their way */
                    sl_esp_sa_free(t->from_image_old[shard][port]);
                    t->from_image_old[shard][port] = *end;
                    *end = made;
                    rc = sl_client_sa_set(t->client, TIMEOUT_MS, &sa, err);
                } else {
                    rc = sl_client_sa_set(t->client, TIMEOUT_MS, &sa, err);
                    sl_esp_sa_free(*end);
                    *end = made;
                }
                if (rc != SL_OK) {
                    return rc;
                }
            }
        }
    }
    return SL_OK;
}

static sl_rc any_image(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err)
{
    (void)ctx;
    (void)peer;
    (void)err;
    return SL_OK; /* insecure: this is a test without attestation */
}

static int connect_image(struct tenant *t)
{
    struct sl_err err = {0};
    struct sl_msg_hello hello;
    struct sl_client_params params = {.identity = t->identity, .verify = any_image};
    sl_rc rc = sl_client_tcp(t->options.control[0], t->options.control[1], TIMEOUT_MS,
                             &params.transport, &err);
    if (rc != SL_OK) {
        return fail("control connection", &err);
    }
    rc = sl_client_create(&params, &t->client, &err);
    if (rc == SL_OK) {
        rc = sl_client_connect(t->client, TIMEOUT_MS, &err);
    }
    if (rc == SL_OK) {
        rc = sl_client_insecure_unattested(t->client, TIMEOUT_MS, &err);
    }
    if (rc == SL_OK) {
        rc = sl_client_hello(t->client, TIMEOUT_MS, &hello, &err);
    }
    if (rc != SL_OK) {
        return fail("hello", &err);
    }
    t->shard_count = hello.shard_count;
    printf("tenant: image %s on %s, %u shards, %u NFs\n", hello.version, hello.device,
           hello.shard_count, hello.nf_count);
    return 0;
}

static size_t make_bundle(struct tenant *t, uint64_t version)
{
    if (t->bundle == NULL) {
        t->bundle_room = t->policy_size + 128;
        t->bundle = malloc(t->bundle_room);
    }
    return t->bundle == NULL
               ? 0
               : ref_bundle_write(t->policy, t->policy_size, version, t->bundle, t->bundle_room);
}

static int provision(struct tenant *t)
{
    struct sl_err err = {0};
    uint8_t hash[32];
    size_t size = make_bundle(t, 1);
    if (size == 0) {
        return EXIT_BAD;
    }
    sl_rc rc = provision_sas(t, 0, &err);
    if (rc == SL_OK) {
        rc = sl_client_chain_set(t->client, TIMEOUT_MS, t->bundle, size, &t->version, hash, &err);
    }
    if (rc == SL_OK) {
        rc = sl_client_time(t->client, TIMEOUT_MS, &err);
    }
    return rc == SL_OK ? 0 : fail("provisioning", &err);
}

/* --swaps: asks for the next version of the chain, or looks whether it is in place; never waits. */
static int swap_step(struct tenant *t)
{
    struct sl_err err = {0};
    struct sl_msg reply = {0};
    sl_rc rc;
    if (t->swaps >= t->options.swaps) {
        return 0;
    }
    if (!t->is_swapping) {
        size_t size = make_bundle(t, t->version + 1);
        rc = sl_client_request(t->client, SL_MSG_CHAIN_SET, t->bundle, size, &err);
        t->is_swapping = true;
        return rc == SL_OK ? 0 : fail("next chain", &err);
    }
    rc = sl_client_poll(t->client, &reply, &err);
    if (rc == SL_AGAIN) {
        return 0;
    }
    if (rc != SL_OK || reply.type == SL_MSG_ERROR) {
        rc = rc == SL_OK ? sl_client_error(&reply, &err) : rc;
        return fail("next chain", &err);
    }
    sl_msg_done(&reply);
    t->version++;
    t->swaps++;
    t->is_swapping = false;
    return 0;
}

/* ---- traffic ---- */

static int open_udp(struct tenant *t)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(t->options.esp[1], NULL, 10))};
    int size = 4 << 20;
    t->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (t->udp < 0 || inet_pton(AF_INET, t->options.esp[0], &to.sin_addr) != 1 ||
        connect(t->udp, (struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("tenant: ESP socket");
        return EXIT_BAD;
    }
    /* a burst comes back while we still send it; net.core.rmem_max may be less than that */
    if (setsockopt(t->udp, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0) {
        (void)setsockopt(t->udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    return 0;
}

static void send_esp(struct tenant *t, uint32_t shard, uint32_t port, uint8_t *inner, uint32_t size,
                     uint8_t next_header)
{
    static uint8_t out[DATAGRAM_MAX];
    uint32_t sealed = 0;
    if (sl_esp_seal(t->to_image[shard][port], inner, size, next_header, 0, out, sizeof(out),
                    &sealed) != SL_OK ||
        send(t->udp, out, sealed, 0) != (ssize_t)sealed) {
        t->wrong++;
    }
}

/* Receives one ESP packet within the time; -1 where none came or it does not open. */
static int receive_esp(struct tenant *t, int timeout_ms, uint8_t *inner,
                       struct sl_esp_inner *ret_inner, uint32_t *ret_port)
{
    static uint8_t in[DATAGRAM_MAX];
    struct pollfd p = {.fd = t->udp, .events = POLLIN};
    if (poll(&p, 1, timeout_ms) != 1) {
        return -1;
    }
    ssize_t got = recv(t->udp, in, sizeof(in), MSG_DONTWAIT);
    if (got < 8) {
        return -1;
    }
    uint32_t queue = sl_spi_queue(sl_be32_get(in));
    uint32_t shard = queue / 2;
    *ret_port = queue % 2;
    if (shard >= t->shard_count) {
        t->wrong++;
        return -1;
    }
    struct sl_esp_sa *sa = t->from_image[shard][*ret_port];
    struct sl_esp_sa *old = t->from_image_old[shard][*ret_port];
    if (old != NULL && sl_be32_get(in) == sl_esp_sa_spi(old)) {
        sa = old;
    }
    if (sl_esp_open(sa, in, (uint32_t)got, inner, DATAGRAM_MAX, ret_inner) != SL_OK) {
        t->wrong++;
        return -1;
    }
    return 0;
}

/* A probe through every port: the host learns where to send, and so do we. */
static int probe_ports(struct tenant *t)
{
    static uint8_t inner[DATAGRAM_MAX];
    for (uint32_t shard = 0; shard < t->shard_count; shard++) {
        for (uint32_t port = 0; port < 2; port++) {
            struct sl_probe probe = {.kind = SL_PROBE_REQUEST, .size = 1000, .id = 7 + port};
            struct sl_esp_inner got;
            uint32_t back = 0;
            if (sl_probe_write(&probe, 1000, inner, sizeof(inner)) != SL_OK) {
                return EXIT_BAD;
            }
            send_esp(t, shard, port, inner, 1000, SL_ESP_NEXT_NONE);
            if (receive_esp(t, WAIT_MS, inner, &got, &back) != 0 || back != port ||
                sl_probe_read(inner + got.off, got.size, &probe) != SL_OK ||
                probe.kind != SL_PROBE_REPLY || probe.id != 7 + port) {
                fprintf(stderr, "tenant: no answer to the probe of shard %u port %u\n", shard,
                        port);
                return EXIT_BAD;
            }
        }
    }
    return 0;
}

static void make_packet(const struct tenant *t, uint32_t size, uint16_t dport, uint64_t number,
                        uint8_t *out)
{
    memset(out, 0, HEADER_SIZE);
    out[0] = 0x45;
    sl_be16_put(out + 2, (uint16_t)size);
    out[8] = 64;
    out[9] = IPPROTO_UDP;
    sl_be32_put(out + 12, 0x0a000001);
    sl_be32_put(out + 16, 0xc0000201);
    sl_be16_put(out + 10, sl_checksum_fold(sl_checksum_add(0, out, 20)));
    sl_be16_put(out + 20, 5000);
    sl_be16_put(out + 22, dport);
    sl_be16_put(out + 24, (uint16_t)(size - 20));
    sl_be64_put(out + HEADER_SIZE, number);
    for (uint32_t i = HEADER_SIZE + 8; i < size; i++) {
        out[i] = t->marker[(i - HEADER_SIZE - 8) % MARKER_SIZE];
    }
}

/* One burst into every second place a forbidden packet; all allowed ones must come back, on the
 * other port, unchanged, and nothing else. */
static void bounce(struct tenant *t, uint32_t size, uint32_t wait_ms)
{
    static uint8_t packet[DATAGRAM_MAX];
    static uint8_t inner[DATAGRAM_MAX];
    bool is_back[BURST] = {false};
    uint32_t shard = (uint32_t)(t->sent / BURST) % t->shard_count;
    uint32_t port = (uint32_t)(t->sent / BURST / t->shard_count) % 2;
    uint64_t first = t->sent;
    uint32_t back = 0;
    for (uint32_t i = 0; i < BURST; i++) {
        if (i % 8 == 7) {
            make_packet(t, size, PORT_FORBIDDEN, 0, packet);
            send_esp(t, shard, port, packet, size, SL_ESP_NEXT_IPV4);
            t->forbidden++;
        }
        make_packet(t, size, PORT_ALLOWED, first + i, packet);
        send_esp(t, shard, port, packet, size, SL_ESP_NEXT_IPV4);
        t->sent++;
    }
    uint64_t end_ms = now_ms() + wait_ms;
    while (back < BURST && now_ms() < end_ms) {
        struct sl_esp_inner got;
        uint32_t from = 0;
        if (receive_esp(t, 100, inner, &got, &from) != 0) {
            continue;
        }
        uint64_t number = sl_be64_get(inner + got.off + HEADER_SIZE);
        make_packet(t, size, PORT_ALLOWED, number, packet);
        if (from != (port ^ 1u) || got.size != size || number < first || number >= first + BURST ||
            is_back[number - first] || memcmp(inner + got.off, packet, size) != 0) {
            t->wrong++;
            continue;
        }
        is_back[number - first] = true;
        back++;
    }
    t->returned += back;
    t->lost += BURST - back;
}

/* --ready: says that packets flow. */
static int mark_ready(const struct tenant *t)
{
    if (t->options.ready == NULL) {
        return 0;
    }
    FILE *file = fopen(t->options.ready, "w");
    return file != NULL && fclose(file) == 0 ? 0 : EXIT_BAD;
}

/* --until: whoever looks at us meanwhile is done. */
static bool is_enough(const struct tenant *t, uint64_t end_ms)
{
    return now_ms() >= end_ms && (t->options.until == NULL || access(t->options.until, F_OK) == 0);
}

static void print_traffic(const struct tenant *t, uint64_t took_ms)
{
    printf("tenant: %llu sent, %llu returned, %llu forbidden, %llu lost, %llu wrong, rekeyed once; "
           "%.0f packets a second, %u bytes each, in lockstep\n",
           (unsigned long long)t->sent, (unsigned long long)t->returned,
           (unsigned long long)t->forbidden, (unsigned long long)t->lost,
           (unsigned long long)t->wrong, (double)t->returned * 1000 / (double)took_ms,
           t->options.size);
    if (t->swaps > 0) {
        printf("tenant: the chain was replaced %u times meanwhile\n", t->swaps);
    }
}

static int run_traffic(struct tenant *t)
{
    struct sl_err err = {0};
    uint64_t start_ms = now_ms();
    uint64_t half_ms = start_ms + t->options.seconds * 500ull;
    uint64_t end_ms = start_ms + t->options.seconds * 1000ull;
    bool is_rekeyed = false;
    if (probe_ports(t) != 0) {
        return EXIT_BAD;
    }
    while (!is_enough(t, end_ms) || !is_rekeyed || t->swaps < t->options.swaps) {
        bounce(t, t->options.size, WAIT_MS);
        if (is_rekeyed && swap_step(t) != 0) {
            return EXIT_BAD;
        }
        if (t->sent == BURST && mark_ready(t) != 0) {
            return EXIT_BAD;
        }
        if (!is_rekeyed && now_ms() >= half_ms) {
            if (provision_sas(t, 1, &err) != SL_OK) {
                return fail("rekey", &err);
            }
            is_rekeyed = true;
        }
    }
    print_traffic(t, now_ms() - start_ms);
    return t->lost == 0 && t->wrong == 0 ? 0 : EXIT_BAD;
}

static int finish(struct tenant *t)
{
    struct sl_err err = {0};
    char *json = NULL;
    if (sl_client_status(t->client, TIMEOUT_MS, &json, &err) != SL_OK) {
        return fail("status", &err);
    }
    if (t->options.status != NULL) {
        FILE *file = fopen(t->options.status, "w");
        if (file == NULL || fputs(json, file) < 0 || fclose(file) != 0) {
            return EXIT_BAD;
        }
    }
    /* the rule's own counter says what was dropped, and by which rule */
    char want[64];
    (void)snprintf(want, sizeof(want), "\"dropped\":%llu", (unsigned long long)t->forbidden);
    if (t->swaps > 0) { /* that chain and its counters are gone; which version is in place? */
        (void)snprintf(want, sizeof(want), "\"version\":%llu", (unsigned long long)t->version);
    }
    bool is_good = strstr(json, want) != NULL;
    free(json);
    if (!is_good) {
        fprintf(stderr, "tenant: the image's status does not say %s\n", want);
        return EXIT_BAD;
    }
    if (sl_client_sa_clear(t->client, TIMEOUT_MS, &err) != SL_OK) {
        return fail("clear", &err);
    }
    uint64_t before = t->returned;
    uint64_t lost = t->lost;
    bounce(t, t->options.size, NOTHING_MS); /* fail closed: nothing may come back now */
    t->lost = lost;
    if (t->returned != before) {
        fprintf(stderr, "tenant: packets came back after the SAs were deleted\n");
        return EXIT_BAD;
    }
    return 0;
}

static int run(struct tenant *t)
{
    struct sl_err err = {0};
    if (sl_key_file_load(t->options.key, &t->identity, &err) != SL_OK) {
        return fail("key", &err);
    }
    random_bytes(t->marker, sizeof(t->marker));
    int code = make_policy(t);
    code = code != 0 ? code : open_udp(t);
    code = code != 0 ? code : connect_image(t);
    code = code != 0 ? code : make_sas(t);
    code = code != 0 || t->options.patterns == NULL ? code : write_patterns(t);
    code = code != 0 ? code : provision(t);
    code = code != 0 ? code : run_traffic(t);
    code = code != 0 ? code : finish(t);
    sl_client_free(t->client);
    free(t->bundle);
    return code;
}

static int make_key(const char *path)
{
    struct sl_identity *identity = NULL;
    struct sl_err err = {0};
    char hex[2 * SL_SPKI_HASH_SIZE + 1];
    if (sl_key_file_create(path, &identity, &err) != SL_OK) {
        return fail("key", &err);
    }
    sl_hex_encode(identity->spki_hash, SL_SPKI_HASH_SIZE, hex);
    puts(hex);
    sl_identity_free(identity);
    return 0;
}

/* An option takes one or two texts, or a number. */
struct option_form {
    const char *name;
    const char **texts; /* NULL: a number */
    uint32_t *number;
    int count;
};

static bool read_option(const struct option_form *form, char **values)
{
    for (int i = 0; form->texts != NULL && i < form->count; i++) {
        form->texts[i] = values[i];
    }
    if (form->number != NULL) {
        char *end;
        unsigned long number = strtoul(values[0], &end, 10);
        *form->number = (uint32_t)number;
        return *values[0] != '\0' && *end == '\0' && number <= UINT32_MAX;
    }
    return true;
}

static bool are_options_good(const struct options *o)
{
    if (o->make_key != NULL) {
        return true;
    }
    return o->key != NULL && o->control[0] != NULL && o->esp[0] != NULL && o->seconds > 0 &&
           o->size >= HEADER_SIZE + 8 + MARKER_SIZE && o->size <= SL_PACKET_MAX &&
           o->rules <= SL_FW_RULES_MAX - 2;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    const struct option_form forms[] = {
        {"--make-key", &o->make_key, NULL, 1}, {"--key", &o->key, NULL, 1},
        {"--control", o->control, NULL, 2},    {"--esp", o->esp, NULL, 2},
        {"--patterns", &o->patterns, NULL, 1}, {"--status", &o->status, NULL, 1},
        {"--ready", &o->ready, NULL, 1},       {"--seconds", NULL, &o->seconds, 1},
        {"--size", NULL, &o->size, 1},         {"--rules", NULL, &o->rules, 1},
        {"--swaps", NULL, &o->swaps, 1},       {"--until", &o->until, NULL, 1},
    };
    enum { FORMS = sizeof(forms) / sizeof(forms[0]) };
    for (int i = 1; i < argc;) {
        uint32_t f = 0;
        while (f < FORMS && strcmp(argv[i], forms[f].name) != 0) {
            f++;
        }
        if (f == FORMS || i + forms[f].count >= argc || !read_option(&forms[f], argv + i + 1)) {
            return false;
        }
        i += 1 + forms[f].count;
    }
    return are_options_good(o);
}

int main(int argc, char **argv)
{
    static struct tenant tenant = {.options = {.seconds = 2, .size = 1000}, .udp = -1};
    if (!read_options(argc, argv, &tenant.options)) {
        fprintf(stderr, "usage: see the head of tests/tools/tenant.c\n");
        return EXIT_USAGE;
    }
    return tenant.options.make_key != NULL ? make_key(tenant.options.make_key) : run(&tenant);
}
