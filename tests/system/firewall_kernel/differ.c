/* SPDX-License-Identifier: Apache-2.0 */
/* Puts packets through the kernel's nftables and through the firewall, with the same rule file, and
 * compares the verdicts. Runs in a network namespace with the TUN devices "lan" and "wan" (run.sh).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "kernel_path.h"
#include "nf/chain.h"
#include "policy/policy.h"
#include "safelib/checksum.h"

enum { PACKET_MAX = 9000, ROOM = 12000, PACKETS_MAX = 1 << 20, AGAIN_MS = 100 };

struct item {
    uint8_t *data;
    uint32_t size;
    uint8_t port;
    bool is_forwarded; /* by the kernel without any rule */
    bool is_later;     /* later fragment: see compare() */
    bool is_sealed;    /* of a protocol that seal_l4 knows */
    uint8_t kernel, ours;
    uint32_t rule;
};

static struct item *items;
static uint32_t item_count;
static uint32_t malformed;

static bool parse(struct item *item, struct sl_packet *packet)
{
    *packet = (struct sl_packet){
        .data = item->data, .size = item->size, .room = ROOM, .port_in = item->port};
    return sl_packet_parse(packet) == SL_OK;
}

/* Is `out` the packet `item` on its way, or an answer to it? */
static bool is_answer(const struct item *item, const uint8_t *out, ssize_t size)
{
    bool is_v4 = item->data[0] >> 4 == 4;
    uint32_t src = is_v4 ? 12 : 8;
    uint32_t dst = is_v4 ? 16 : 24;
    uint32_t width = is_v4 ? 4 : 16;
    if (size < (is_v4 ? 20 : 40) || out[0] >> 4 != item->data[0] >> 4) {
        return false;
    }
    uint8_t proto = is_v4 ? out[9] : out[6];
    bool is_error = proto == 1 || proto == 58;
    uint8_t type = out[is_v4 ? (out[0] & 15) * 4 : 40];
    is_error = is_error && (proto == 1 ? type == 3 : type == 1);
    bool is_reset = proto == 6 && memcmp(out + src, item->data + dst, width) == 0;
    return memcmp(out + dst, item->data + src, width) == 0 && (is_error || is_reset);
}

/* Kernel's verdict: the TUN write runs the whole forwarding path before it returns, unless a busy
 * kernel puts it off: then who doubts the verdict asks again, with time to wait. */
static uint8_t kernel_verdict(const struct item *item, int wait_ms)
{
    static uint8_t out[65536];
    uint8_t verdict = SL_VERDICT_DROP;
    for (int port = 0; port < SL_PORT_COUNT && wait_ms > 0; port++) { /* what came late before */
        wait_output(wait_ms);
        while (read(kernel_tun[port], out, sizeof(out)) > 0) {
        }
    }
    if (write(kernel_tun[item->port], item->data, item->size) != (ssize_t)item->size) {
        return SL_VERDICT_DROP;
    }
    wait_output(wait_ms);
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        ssize_t size;
        while ((size = read(kernel_tun[port], out, sizeof(out))) > 0) {
            bool is_v4 = item->data[0] >> 4 == 4;
            uint32_t at = is_v4 ? 12 : 8;
            bool is_same = size == (ssize_t)item->size && port != item->port &&
                           memcmp(out + at, item->data + at, is_v4 ? 8 : 32) == 0;
            if (is_same) {
                verdict = SL_VERDICT_PASS;
            } else if (is_answer(item, out, size)) {
                verdict = SL_VERDICT_REPLY;
            }
        }
    }
    return verdict;
}

static void add_item(const uint8_t *data, uint32_t size, uint8_t port)
{
    if (item_count == PACKETS_MAX || size > PACKET_MAX) {
        return;
    }
    struct item *item = &items[item_count];
    *item = (struct item){.data = malloc(ROOM), .size = size, .port = port};
    if (item->data == NULL) {
        die("memory");
    }
    memcpy(item->data, data, size);
    struct sl_packet packet;
    if (!parse(item, &packet)) {
        malformed++;
        free(item->data);
        return;
    }
    item->size = packet.size;
    item->is_later = (packet.has & SL_PKT_LATER_FRAGMENT) != 0;
    item->is_sealed = packet.proto == 6 || packet.proto == 17 || (packet.has & SL_PKT_HAS_ICMP);
    item_count++;
}

/* ---- random packets ---- */

static uint32_t random_port(void)
{
    static const uint16_t ports[] = {22, 25, 53, 80, 443, 1024, 5000, 5001, 8080, 65535, 123, 500};
    return below(4) != 0 ? ports[below(12)] : below(65536);
}

static uint32_t random_l4(uint8_t proto, uint8_t *l4)
{
    uint32_t extra = below(40);
    memset(l4, 0, 64);
    if (proto == 1 || proto == 58) {
        static const uint8_t types4[] = {0, 3, 8, 11, 13, 5};
        static const uint8_t types6[] = {1, 2, 3, 128, 129, 200};
        l4[0] = proto == 1 ? types4[below(6)] : types6[below(6)];
        l4[1] = (uint8_t)below(5);
        return 8 + extra;
    }
    put16(l4, random_port());
    put16(l4 + 2, random_port());
    if (proto == 6) {
        static const uint8_t flags[] = {0x02, 0x10, 0x12, 0x18, 0x04, 0x11, 0x00, 0x03, 0xc2, 0x29};
        l4[12] = 0x50;
        l4[13] = flags[below(10)];
        return 20 + extra;
    }
    if (proto == 17 || proto == 136) {
        put16(l4 + 4, 8 + extra);
    }
    return (proto == 17 || proto == 136 ? 8 : 12) + extra;
}

static void random_packet(void)
{
    static const uint8_t protos[] = {6, 6, 6, 17, 17, 1, 58, 132, 33, 136, 47, 50};
    uint8_t data[256] = {0};
    uint8_t proto = protos[below(12)];
    bool is_v4 = below(2) == 0;
    if (proto == 1 || proto == 58) {
        proto = is_v4 ? 1 : 58;
    }
    uint32_t off = is_v4 ? 20 : 40;
    random_addr(is_v4, data + (is_v4 ? 12 : 8));
    random_addr(is_v4, data + (is_v4 ? 16 : 24));
    if (memcmp(data + (is_v4 ? 12 : 8), data + (is_v4 ? 16 : 24), is_v4 ? 4 : 16) == 0) {
        data[is_v4 ? 19 : 39] ^= 1; /* a reset from an address to itself looks like the packet */
    }
    uint32_t shape = below(8);
    if (!is_v4) {
        data[0] = 0x60;
        data[6] = proto;
        data[7] = 64;
        if (shape == 0 || shape == 1) { /* destination options; fragment header of any kind */
            data[6] = shape == 0 ? 60 : 44;
            data[off] = proto;
            if (shape == 0) {
                data[off + 2] = 1;
                data[off + 3] = 4;
            } else {
                put16(data + off + 2, below(2) * 64 + below(2));
            }
            off += 8;
        }
    }
    uint32_t size = random_l4(proto, data + off);
    if (is_v4) {
        data[0] = 0x45;
        put16(data + 2, off + size);
        data[8] = 64;
        data[9] = proto;
        put16(data + 6, shape == 0 ? below(2) * 0x2000 + below(2) * 9 : below(2) * 0x4000);
        seal_l4(data, true, proto, data + off, size);
        put16(data + 10, sl_checksum_fold(sl_checksum_add(0, data, 20)));
    } else {
        put16(data + 4, off + size - 40);
        seal_l4(data, false, proto, data + off, size);
    }
    add_item(data, off + size, (uint8_t)below(2));
}

/* ---- captures ---- */

static void read_capture(const char *path)
{
    struct sl_capture *capture = NULL;
    struct sl_err err = {0};
    if (sl_capture_open(path, &capture, &err) != SL_OK) {
        printf("  skipped: %s\n", err.text);
        return;
    }
    struct sl_capture_packet packet;
    /* the same packets again and again teach nothing: the first few hundred of each file */
    for (uint32_t i = 0; i < 400 && sl_capture_next(capture, &packet) == SL_OK; i++) {
        add_item(packet.data, packet.size, (uint8_t)below(2));
    }
    sl_capture_close(capture);
}

/* ---- comparison ---- */

static void decide_ours(struct sl_chain *chain)
{
    static uint8_t copy[ROOM];
    for (uint32_t i = 0; i < item_count; i++) {
        struct item shadow = items[i];
        memcpy(copy, items[i].data, items[i].size);
        shadow.data = copy;
        struct sl_packet packet;
        struct sl_packet *list[1] = {&packet};
        if (!parse(&shadow, &packet)) {
            die("parse");
        }
        sl_chain_run(chain, list, 1);
        items[i].ours = packet.verdict;
        items[i].rule = packet.rule;
    }
}

static void show(const struct item *item, const struct sl_policy *policy)
{
    static const char *const names[] = {"drop", "accept", "reply"};
    const struct sl_policy_rule *rule = sl_policy_rule(policy, 0, item->rule);
    printf("  DIFFERENT: kernel %s, firewall %s (line %u: %s)\n    %s in:", names[item->kernel],
           names[item->ours], rule != NULL ? rule->line : 0, rule != NULL ? rule->text : "default",
           item->port == 0 ? "lan" : "wan");
    for (uint32_t i = 0; i < item->size && i < 80; i++) {
        printf("%02x", item->data[i]);
    }
    printf("\n");
}

/* The kernel answers only what has a good checksum, which captures and protocols that this program
 * does not seal may lack. */
static bool is_same_verdict(const struct item *item, bool is_reply_exact)
{
    return is_reply_exact && item->is_sealed
               ? item->kernel == item->ours
               : (item->kernel == SL_VERDICT_PASS) == (item->ours == SL_VERDICT_PASS);
}

static uint32_t compare(const char *rules, bool is_reply_exact)
{
    struct sl_policy policy;
    struct sl_err err = {0};
    struct sl_chain *chain = NULL;
    if (sl_policy_compile_nftables(rules, &policy, &err) != SL_OK ||
        sl_chain_create(policy.bundle, policy.size, &chain, &err) != SL_OK) {
        fprintf(stderr, "differ: %s\n", err.text);
        exit(2);
    }
    decide_ours(chain);
    run_nft("flush", "ruleset");
    run_nft("-f", rules);
    uint32_t compared = 0;
    uint32_t different = 0;
    uint32_t left_out = 0;
    bool has_later = strstr(rules, "fragments") != NULL;
    uint32_t by_verdict[3] = {0};
    for (uint32_t i = 0; i < item_count; i++) {
        struct item *item = &items[i];
        if (!item->is_forwarded) {
            continue;
        }
        /* Linux (seen on 6.18) reads ports and flags of a later fragment out of its payload (IPv4)
         * or its IPv6 header; the firewall says that it has none. Rules that ask for neither agree.
         */
        if (item->is_later && !has_later) {
            left_out++;
            continue;
        }
        item->kernel = kernel_verdict(item, 0);
        if (!is_same_verdict(item, is_reply_exact)) {
            item->kernel = kernel_verdict(item, AGAIN_MS);
        }
        compared++;
        by_verdict[item->kernel]++;
        bool is_equal = is_same_verdict(item, is_reply_exact);
        if (!is_equal && ++different <= 5) {
            show(item, &policy);
        }
    }
    printf("%s: %u rules, %u packets compared, %u later fragments left out: kernel accepts %u, "
           "drops %u, answers %u; %u different\n",
           rules, policy.count, compared, left_out, by_verdict[SL_VERDICT_PASS],
           by_verdict[SL_VERDICT_DROP], by_verdict[SL_VERDICT_REPLY], different);
    sl_chain_free(chain);
    sl_policy_done(&policy);
    return compared == 0 ? 1 : different;
}

/* usage: differ SEED RANDOM_COUNT RULES... [--captures PCAP...] */
int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: differ SEED COUNT RULES... [--captures PCAP...]\n");
        return 2;
    }
    random_seed(strtoull(argv[1], NULL, 10));
    items = calloc(PACKETS_MAX, sizeof(*items));
    kernel_path_open();
    int last = 3;
    while (last < argc && strcmp(argv[last], "--captures") != 0) {
        last++;
    }
    for (uint32_t i = (uint32_t)strtoul(argv[2], NULL, 10); i > 0; i--) {
        random_packet();
    }
    for (int i = last + 1; i < argc; i++) {
        read_capture(argv[i]);
    }
    bool is_random = last == argc;
    uint32_t forwarded = 0;
    for (uint32_t i = 0; i < item_count; i++) {
        items[i].is_forwarded = kernel_verdict(&items[i], 0) == SL_VERDICT_PASS;
        forwarded += items[i].is_forwarded;
    }
    printf(
        "%s: %u packets, %u malformed (dropped by the parser, not compared), %u not forwarded by "
        "the kernel even without rules\n",
        is_random ? "random" : "captures", item_count, malformed, item_count - forwarded);
    uint32_t different = 0;
    for (int i = 3; i < last; i++) {
        different += compare(argv[i], is_random);
    }
    return different == 0 ? 0 : 1;
}
