/* SPDX-License-Identifier: Apache-2.0 */
/* Captured conversations through the kernel's `snat` and through our NAT, both ways, byte by byte.
 * Who speaks first sits inside. Each capture has an inside and an outside address of its own on
 * both sides, so that every port can be preserved.
 *
 *   nat_captures PACKETS-OF-EACH PCAP... */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/capture.h"
#include "kernel_path.h"
#include "nf/chain.h"
#include "policy/policy.h"
#include "safelib/bytes.h"
#include "safelib/checksum.h"

enum { IP = 20, ROOM = 9000, PAIRS = 256, PORT_MIN = 1024, PASS_MS = 30000, DROP_MS = 15 };

/* Two hosts of a capture; the one that spoke first, first. */
struct pair {
    uint8_t inside[4], remote[4];
};

static struct pair pairs[PAIRS];
static uint32_t pair_count;
static uint8_t inside[4], outside[4];
static struct sl_chain *chain;
static struct {
    uint32_t compared, translated, dropped, different, low_port, other;
} told;

/* ---- both sides ---- */

static uint32_t ours(uint8_t port, const uint8_t *in, uint32_t size, uint8_t *out)
{
    struct sl_packet packet = {.data = out, .size = size, .room = ROOM + 64, .port_in = port};
    struct sl_packet *list[1] = {&packet};
    struct timespec now;
    memcpy(out, in, size);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    sl_chain_set_now(chain, (uint64_t)now.tv_sec * 1000);
    if (sl_packet_parse(&packet) != SL_OK) {
        return 0;
    }
    sl_chain_run(chain, list, 1);
    return packet.verdict == SL_VERDICT_PASS ? packet.size : 0;
}

static uint32_t kernels(uint8_t port, const uint8_t *in, uint32_t size, int wait_ms, uint8_t *out)
{
    struct pollfd other = {.fd = kernel_tun[port ^ 1], .events = POLLIN};
    while (poll(&other, 1, 0) > 0 && read(other.fd, out, ROOM) > 0) { /* of nobody's */
    }
    if (write(kernel_tun[port], in, size) != (ssize_t)size) {
        die("write");
    }
    while (poll(&other, 1, wait_ms) > 0) {
        ssize_t got = read(other.fd, out, ROOM);
        if (got > IP && out[0] >> 4 == 4 && out[9] == in[9] && memcmp(out + 4, in + 4, 2) == 0) {
            return (uint32_t)got;
        }
    }
    return 0;
}

static void show(const char *who, const uint8_t *data, uint32_t size)
{
    printf("  %-7s", who);
    for (uint32_t i = 0; i < size && i < 64; i++) {
        printf("%02x", data[i]);
    }
    printf("%s\n", size == 0 ? "dropped" : "");
}

static void compare(const char *path, uint8_t port, const uint8_t *in, uint32_t size)
{
    static uint8_t mine[ROOM + 64];
    static uint8_t theirs[ROOM];
    uint32_t mine_size = ours(port, in, size, mine);
    uint32_t theirs_size = kernels(port, in, size, mine_size != 0 ? PASS_MS : DROP_MS, theirs);
    told.compared++;
    told.translated += mine_size != 0;
    told.dropped += mine_size == 0;
    if (mine_size != theirs_size || memcmp(mine, theirs, mine_size) != 0) {
        if (told.different++ < 10) {
            printf("DIFFERENT, %s, from the %s\n", path,
                   port == SL_PORT_LAN ? "inside" : "outside");
            show("in", in, size);
            show("ours", mine, mine_size);
            show("kernel", theirs, theirs_size);
        }
    }
}

/* ---- captures ---- */

/* @return the pair, of which the packet's source is the first (port LAN) or the second */
static struct pair *pair_of(const uint8_t *ip, uint8_t *ret_port)
{
    for (uint32_t i = 0; i < pair_count; i++) {
        *ret_port = memcmp(pairs[i].inside, ip + 12, 4) == 0 ? SL_PORT_LAN : SL_PORT_WAN;
        const uint8_t *first = *ret_port == SL_PORT_LAN ? ip + 12 : ip + 16;
        const uint8_t *second = *ret_port == SL_PORT_LAN ? ip + 16 : ip + 12;
        if (memcmp(pairs[i].inside, first, 4) == 0 && memcmp(pairs[i].remote, second, 4) == 0) {
            return &pairs[i];
        }
    }
    if (pair_count == PAIRS) {
        return NULL;
    }
    memcpy(pairs[pair_count].inside, ip + 12, 4);
    memcpy(pairs[pair_count].remote, ip + 16, 4);
    *ret_port = SL_PORT_LAN;
    return &pairs[pair_count++];
}

/* Whole TCP, UDP and pings, as they are on the wire. @return bytes; 0: not for this comparison */
static uint32_t wanted(const struct sl_capture_packet *packet, uint8_t *out)
{
    struct sl_packet parsed = {.data = out, .size = packet->size, .room = ROOM};
    if (packet->size < IP + 8 || packet->size > ROOM || packet->data[0] != 0x45) {
        return 0;
    }
    memcpy(out, packet->data, packet->size);
    bool is_short = packet->size != sl_be16_get(out + 2);
    bool is_fragment = (sl_be16_get(out + 6) & 0x3fff) != 0;
    if (is_short || is_fragment || out[8] < 2 || sl_packet_parse(&parsed) != SL_OK) {
        return 0;
    }
    bool is_ping = out[9] == 1 && (out[IP] == 0 || out[IP] == 8);
    return out[9] == 6 || out[9] == 17 || is_ping ? packet->size : 0;
}

/* Takes the difference of two headers' sums over to a checksum that is there. */
static void readdress(uint8_t *ip, uint32_t size, const uint8_t *src, const uint8_t *dst)
{
    uint8_t *l4 = ip + IP;
    uint8_t *at = ip[9] == 6 ? l4 + 16 : l4 + 6;
    uint64_t before = sl_checksum_add(0, ip + 12, 8);
    memcpy(ip + 12, src, 4);
    memcpy(ip + 16, dst, 4);
    put16(ip + 10, 0);
    put16(ip + 10, sl_checksum_fold(sl_checksum_add(0, ip, IP)));
    if (ip[9] == 1 || (ip[9] == 17 && sl_be16_get(at) == 0)) {
        return;
    }
    /* RFC 1624 3: HC' = ~(~HC + ~m + m'); whatever was wrong with it still is */
    uint64_t sum = (uint16_t)~sl_be16_get(at);
    sum += sl_checksum_fold(before);
    put16(at, sl_checksum_fold(sl_checksum_add(sum, ip + 12, 8)));
    (void)size;
}

static void run_packet(const char *path, const struct sl_capture_packet *packet)
{
    static uint8_t ip[ROOM];
    uint8_t remote[4] = {93, 184, 0, 0};
    uint8_t port;
    uint32_t size = wanted(packet, ip);
    struct pair *pair = size != 0 ? pair_of(ip, &port) : NULL;
    if (pair == NULL) {
        told.other++;
        return;
    }
    const uint8_t *l4 = ip + IP;
    uint16_t inner = sl_be16_get(ip[9] == 1 ? l4 + 4 : port == SL_PORT_LAN ? l4 : l4 + 2);
    if (ip[9] != 1 && inner < PORT_MIN) {
        told.low_port++; /* outside ports begin at 1024 here, the kernel keeps these below */
        return;
    }
    remote[2] = (uint8_t)((pair - pairs) / 250);
    remote[3] = (uint8_t)((pair - pairs) % 250 + 1);
    readdress(ip, size, port == SL_PORT_LAN ? inside : remote,
              port == SL_PORT_LAN ? remote : outside);
    compare(path, port, ip, size);
}

/* ---- one capture ---- */

static void write_file(const char *path, const char *format, const char *address)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        die(path);
    }
    (void)fprintf(file, format, address);
    (void)fclose(file);
}

static void make_rules(uint32_t number)
{
    char address[32];
    struct sl_policy policy;
    struct sl_err err = {0};
    memcpy(inside, (const uint8_t[4]){10, 1, (uint8_t)(number >> 8), (uint8_t)number}, 4);
    memcpy(outside, (const uint8_t[4]){198, 18, (uint8_t)(number >> 8), (uint8_t)number}, 4);
    (void)snprintf(address, sizeof(address), "198.18.%u.%u", number >> 8, number & 255);
    write_file("nat.yaml",
               "inside: [10.0.0.0/8]\noutside: {addresses: [%s]}\nttl: decrement\n"
               "filtering: address_and_port_dependent\n",
               address);
    write_file("nat.nft",
               "flush ruleset\ntable ip nat {\n chain post {\n"
               "  type nat hook postrouting priority srcnat; policy accept\n"
               "  oifname \"wan\" ip saddr 10.0.0.0/8 snat to %s\n }\n"
               " chain forward {\n  type filter hook forward priority 0; policy accept\n"
               "  ct state invalid drop\n  iifname \"wan\" ct state new drop\n }\n}\n",
               address);
    if (sl_policy_compile_nat("nat.yaml", &policy, &err) != SL_OK ||
        sl_chain_create(policy.bundle, policy.size, &chain, &err) != SL_OK) {
        die(err.text);
    }
    sl_policy_done(&policy);
    run_nft("-f", "nat.nft");
}

static void run_capture(const char *path, uint32_t number, uint32_t most)
{
    struct sl_capture *capture = NULL;
    struct sl_capture_packet packet;
    struct sl_err err = {0};
    if (sl_capture_open(path, &capture, &err) != SL_OK) {
        return; /* a link type that has no IP */
    }
    make_rules(number);
    pair_count = 0;
    for (uint32_t i = 0; i < most && sl_capture_next(capture, &packet) == SL_OK; i++) {
        run_packet(path, &packet);
    }
    sl_capture_close(capture);
    sl_chain_free(chain);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 2;
    }
    kernel_path_open();
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 2; i < argc; i++) {
        run_capture(argv[i], (uint32_t)i, (uint32_t)strtoul(argv[1], NULL, 10));
    }
    printf("%u packets of %d captures compared: %u translated, %u dropped by both, %u differ; left "
           "out: %u from ports below 1024, %u no whole TCP, UDP or ping over IPv4\n",
           told.compared, argc - 2, told.translated, told.dropped, told.different, told.low_port,
           told.other);
    return told.different == 0 && told.translated > told.compared / 2 ? 0 : 1;
}
