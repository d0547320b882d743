/* SPDX-License-Identifier: Apache-2.0 */
/* The same packets through the kernel's `snat` and through our NAT, sessions with answers and ICMP
 * errors from both sides, some in fragments: what comes out must be the same, byte for byte, once
 * it is put together (identifications of fragments aside), where a port can be preserved; else (its
 * port is taken) the same but for a port that is another's.
 *
 *   nat_differ SEED SESSIONS POLICY.yaml RULES.nft */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ct_cut.h"
#include "kernel_path.h"
#include "nf/eval.h"
#include "policy/policy.h"
#include "safelib/bytes.h"
#include "safelib/checksum.h"

enum { LAN = SL_PORT_LAN, WAN = SL_PORT_WAN, ROOM = 2048, IP = 20, WAIT_MS = 100, TRIES = 20 };

struct bytes {
    uint8_t b[ROOM];
    uint32_t size; /* 0: dropped */
};

static const uint8_t outside[4] = {198, 51, 100, 1};
static struct sl_eval *eval;
static uint32_t compared, different, taken_count, cut_count, cut_answers;
/* Ports that either side gave to those whose own was taken. A later session cannot keep such a
 * port: ours is never given twice, the kernel's not to the same remote host, which of pings is all.
 */
static bool is_given[256][65536];

/* ---- both sides ---- */

/* A packet that comes out, perhaps in fragments. */
struct gathered {
    struct bytes *out;
    uint32_t have, total; /* bytes of payload */
    bool is_whole;
};

static void gather(struct gathered *in, const uint8_t *packet, uint32_t size)
{
    uint16_t field = sl_be16_get(packet + 6);
    uint32_t off = (field & 0x1fffu) * 8;
    if (in->is_whole || off + size > ROOM) {
        return;
    }
    if ((field & 0x3fff) == 0) {
        memcpy(in->out->b, packet, size);
        in->out->size = size;
        in->is_whole = true;
        return;
    }
    if (in->have == 0) {
        memcpy(in->out->b, packet, IP);
    }
    memcpy(in->out->b + IP + off, packet + IP, size - IP);
    in->have += size - IP;
    in->total = (field & 0x2000) == 0 ? off + size - IP : in->total;
    if (in->have == in->total) {
        in->is_whole = true;
        in->out->size = IP + in->total;
        put16(in->out->b + 2, in->out->size);
        put16(in->out->b + 6, 0);
        put16(in->out->b + 10, 0);
        put16(in->out->b + 10, sl_checksum_fold(sl_checksum_add(0, in->out->b, IP)));
    }
}

static void on_result(void *ctx, const struct sl_eval_result *result)
{
    if (result->fate == SL_EVAL_MALFORMED) {
        die("a packet of the test's own");
    }
    if (result->fate == SL_EVAL_DECIDED && result->packet->verdict == SL_VERDICT_PASS) {
        gather(ctx, result->packet->data, result->packet->size);
    }
}

/* What goes in as number @p at: the packet, or a piece of it. @return its bytes, 0: there is none
 */
static uint32_t piece_of(const struct bytes *in, const struct cut *cut, uint32_t at, uint8_t *piece)
{
    if (cut->count == 0) {
        memcpy(piece, in->b, in->size);
        return at == 0 ? in->size : 0;
    }
    return at < cut->sent_count ? cut_write(in->b, 0, cut, at, piece) : 0;
}

static void ours(int port, const struct bytes *in, const struct cut *cut, struct bytes *ret_out)
{
    uint8_t piece[ROOM];
    struct gathered gathered = {.out = ret_out};
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    ret_out->size = 0;
    sl_eval_listen(eval, on_result, &gathered);
    sl_eval_set_now(eval, (uint64_t)now.tv_sec * 1000);
    struct sl_eval_packet packet = {.data = piece, .port = (uint8_t)port};
    for (uint32_t at = 0; (packet.size = piece_of(in, cut, at, piece)) != 0; at++) {
        sl_eval_run(eval, &packet, 1);
    }
}

static void kernels(int port, const struct bytes *in, const struct cut *cut, struct bytes *ret_out)
{
    struct pollfd other = {.fd = kernel_tun[port ^ 1], .events = POLLIN};
    struct gathered gathered = {.out = ret_out};
    uint8_t piece[ROOM];
    uint32_t size;
    ret_out->size = 0;
    for (uint32_t at = 0; (size = piece_of(in, cut, at, piece)) != 0; at++) {
        if (write(kernel_tun[port], piece, size) != (ssize_t)size) {
            die("write");
        }
    }
    for (int i = 0; i < TRIES && !gathered.is_whole && poll(&other, 1, WAIT_MS) > 0; i++) {
        ssize_t got = read(other.fd, piece, ROOM);
        if (got > IP && piece[0] >> 4 == 4 && piece[9] == in->b[9]) { /* IPv6 has its own to say */
            gather(&gathered, piece, (uint32_t)got);
        }
    }
}

/* Some go in fragments. */
static struct cut choose_cut(struct bytes *in)
{
    static uint32_t id = 1;
    struct cut cut;
    struct sl_packet packet = {.data = in->b, .size = in->size, .room = ROOM};
    if (sl_packet_parse(&packet) != SL_OK) {
        die("a packet of the test's own");
    }
    cut_choose(&packet, id++ & 0xffff, &cut);
    cut_count += cut.count != 0;
    return cut;
}

static void show(const char *who, const struct bytes *out)
{
    printf("  %-7s", who);
    for (uint32_t i = 0; i < out->size && i < 80; i++) {
        printf("%02x", out->b[i]);
    }
    printf("%s\n", out->size == 0 ? "dropped" : "");
}

/* @return our side's packet, for the answers */
static struct bytes compare(const char *what, int port, struct bytes *in)
{
    struct bytes mine;
    struct bytes theirs;
    struct cut cut = choose_cut(in);
    ours(port, in, &cut, &mine);
    kernels(port, in, &cut, &theirs);
    compared++;
    cut_answers += cut.count != 0 && port == WAN && mine.size != 0;
    if (cut.count != 0 && port == LAN && mine.size != 0 && theirs.size != 0) {
        /* the kernel's NAT keeps the identification; ours gives its own: RFC 7857 10 */
        memcpy(mine.b + 4, theirs.b + 4, 2);
        put16(mine.b + 10, 0);
        put16(mine.b + 10, sl_checksum_fold(sl_checksum_add(0, mine.b, IP)));
    }
    if (mine.size != theirs.size || memcmp(mine.b, theirs.b, mine.size) != 0) {
        if (different++ < 10) {
            printf("%s differs\n", what);
            show("in", in);
            show("ours", &mine);
            show("kernel", &theirs);
        }
    }
    return mine;
}

/* ---- packets ---- */

struct session {
    uint8_t proto, inside[4], remote[4];
    uint16_t sport, dport;
};

static void put_ip(struct bytes *out, uint8_t proto, const uint8_t *src, const uint8_t *dst,
                   uint32_t payload)
{
    memset(out->b, 0, IP);
    out->b[0] = 0x45;
    out->b[1] = (uint8_t)(below(4) * 8);
    put16(out->b + 2, IP + payload);
    put16(out->b + 4, below(65536));
    put16(out->b + 6, below(2) == 0 ? 0x4000 : 0);
    out->b[8] = (uint8_t)(2 + below(200));
    out->b[9] = proto;
    memcpy(out->b + 12, src, 4);
    memcpy(out->b + 16, dst, 4);
    put16(out->b + 10, sl_checksum_fold(sl_checksum_add(0, out->b, IP)));
    out->size = IP + payload;
}

/* The upper layer's header, in zeros. */
static void put_l4(const struct session *s, bool is_reply, uint16_t outside_port, uint32_t size,
                   uint8_t *l4)
{
    if (s->proto == 1) {
        l4[0] = is_reply ? 0 : 8;
        put16(l4 + 4, is_reply ? outside_port : s->sport);
        return;
    }
    put16(l4, is_reply ? s->dport : s->sport);
    put16(l4 + 2, is_reply ? outside_port : s->dport);
    if (s->proto == 6) {
        sl_be32_put(l4 + 4, is_reply ? 500 : 100);
        sl_be32_put(l4 + 8, is_reply ? 101 : 0);
        l4[12] = 0x50;
        l4[13] = is_reply ? 0x12 : 2;
        put16(l4 + 14, 65535);
    } else if (s->proto == 17) {
        put16(l4 + 4, size);
    }
}

/* A packet of the session, from the inside or (is_reply) to its outside endpoint. */
static void make(const struct session *s, bool is_reply, uint16_t outside_port, struct bytes *out)
{
    const uint8_t *src = is_reply ? s->remote : s->inside;
    const uint8_t *dst = is_reply ? outside : s->remote;
    uint32_t header = s->proto == 6 ? 20 : 8;
    uint32_t payload = header + below(200);
    put_ip(out, s->proto, src, dst, payload);
    uint8_t *l4 = out->b + IP;
    memset(l4, 0, header);
    for (uint32_t i = header; i < payload; i++) {
        l4[i] = (uint8_t)below(256);
    }
    put_l4(s, is_reply, outside_port, payload, l4);
    if (s->proto != 17 || below(8) != 0) { /* some UDP has no checksum */
        seal_l4(out->b, true, s->proto, l4, payload);
    }
    if (s->proto == 17 && l4[6] == 0 && l4[7] == 0 && below(2) == 0) {
        put16(l4 + 6, 0);
    }
}

/* An ICMP error from `src` about a packet. */
static void make_error(const struct bytes *about, const uint8_t *src, const uint8_t *dst,
                       struct bytes *out)
{
    static const uint8_t kinds[][2] = {{3, 0}, {3, 1}, {3, 3}, {3, 4}, {3, 13}, {11, 0}, {12, 0}};
    uint32_t quoted = below(2) == 0 ? IP + 8 : about->size;
    const uint8_t *kind = kinds[below(7)];
    put_ip(out, 1, src, dst, 8 + quoted);
    uint8_t *icmp = out->b + IP;
    memset(icmp, 0, 8);
    icmp[0] = kind[0];
    icmp[1] = kind[1];
    put16(icmp + 6, kind[1] == 4 ? 1400 : 0);
    memcpy(icmp + 8, about->b, quoted);
    seal_l4(out->b, true, 1, icmp, 8 + quoted);
}

static uint16_t source_port(const struct bytes *packet)
{
    return sl_be16_get(packet->b + IP + (packet->b[9] == 1 ? 4 : 0));
}

/* ---- the comparison ---- */

/* @return whether its first packet got out: it has its port */
static bool talk(const struct session *s)
{
    static const uint8_t router[4] = {203, 0, 113, 7};
    struct bytes packet;
    struct bytes error;
    make(s, false, 0, &packet);
    struct bytes sent = compare("out", LAN, &packet);
    if (sent.size == 0) {
        return false;
    }
    if (below(2) == 0) {
        make_error(&sent, below(2) == 0 ? router : s->remote, outside, &error);
        (void)compare("error from outside", WAN, &error);
    }
    make(s, true, source_port(&sent), &packet);
    struct bytes got = compare("answer", WAN, &packet);
    if (got.size != 0 && s->proto != 1 && below(2) == 0) {
        make_error(&got, s->inside, s->remote, &error);
        (void)compare("error from inside", LAN, &error);
    }
    return true;
}

static bool is_sound(const struct bytes *packet)
{
    struct bytes again = *packet;
    uint8_t *l4 = again.b + IP;
    bool has_none = again.b[9] == 17 && l4[6] == 0 && l4[7] == 0;
    uint32_t at = again.b[9] == 6 ? 16 : again.b[9] == 17 ? 6 : 2;
    if (sl_checksum_fold(sl_checksum_add(0, again.b, IP)) != 0) {
        return false;
    }
    put16(l4 + at, 0);
    seal_l4(again.b, true, again.b[9], l4, again.size - IP);
    uint16_t want = sl_be16_get(l4 + at);
    uint16_t is = sl_be16_get(packet->b + IP + at);
    return has_none || is == want || (want == 0 && is == 0xffff);
}

/* Another host with the same port, to the same place: both find another port for it. */
static void conflict(const struct session *first)
{
    struct session s = *first;
    struct bytes packet;
    struct bytes mine;
    struct bytes theirs;
    s.inside[1] ^= 0x80;
    make(&s, false, 0, &packet);
    const struct cut whole = {0};
    ours(LAN, &packet, &whole, &mine);
    kernels(LAN, &packet, &whole, &theirs);
    compared++;
    taken_count++;
    const struct bytes *both[2] = {&mine, &theirs};
    for (int i = 0; i < 2; i++) {
        const struct bytes *out = both[i];
        if (out->size != 0) {
            is_given[s.proto][source_port(out)] = true;
        }
        bool is_good = out->size == packet.size && memcmp(out->b + 12, outside, 4) == 0 &&
                       memcmp(out->b + 16, s.remote, 4) == 0 && source_port(out) != s.sport &&
                       is_sound(out);
        if (!is_good) {
            different++;
            printf("port taken: %s\n", i == 0 ? "ours" : "the kernel's");
            show("out", out);
        }
    }
}

static struct sl_eval *load(const char *path)
{
    struct sl_policy policy;
    struct sl_chain *chain = NULL;
    struct sl_eval *made = NULL;
    struct sl_err err = {0};
    if (sl_policy_compile_nat(path, &policy, &err) != SL_OK ||
        sl_chain_create(policy.bundle, policy.size, &chain, &err) != SL_OK ||
        sl_eval_create(chain, false, &made) != SL_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    sl_policy_done(&policy);
    return made;
}

int main(int argc, char **argv)
{
    static const uint8_t protos[3] = {6, 17, 1};
    if (argc != 5) {
        return 2;
    }
    random_seed(strtoull(argv[1], NULL, 10));
    eval = load(argv[3]);
    kernel_path_open();
    run_nft("-f", argv[4]);
    uint32_t count = (uint32_t)strtoul(argv[2], NULL, 10);
    for (uint32_t i = 0; i < count; i++) {
        /* ports that no other session has: both sides can preserve them */
        struct session s = {.proto = protos[below(3)],
                            .inside = {10, (uint8_t)below(100), (uint8_t)below(256), 9},
                            .remote = {93, 184, 216, (uint8_t)(1 + below(200))},
                            .sport = (uint16_t)(1024 + i * 7 % 60000),
                            .dport = (uint16_t)(1 + below(65535))};
        if (is_given[s.proto][s.sport]) {
            continue;
        }
        if (talk(&s) && below(10) == 0) {
            conflict(&s);
        }
    }
    printf(
        "%u packets compared, %u of them with a taken port, %u in fragments (%u from outside that "
        "came in), %u differ\n",
        compared, taken_count, cut_count, cut_answers, different);
    sl_eval_free(eval);
    return different == 0 && compared > count && (count < 100 || cut_answers > 0) ? 0 : 1;
}
