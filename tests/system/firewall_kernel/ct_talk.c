/* SPDX-License-Identifier: Apache-2.0 */
/* Random conversations. */
#include "ct_talk.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "kernel_path.h"
#include "safelib/checksum.h"

enum { TALKS = 60, LAST_MAX = 128, FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };

/* One end's view of its own bytes. */
struct end {
    uint32_t next; /* sequence number of its next byte */
    uint16_t window;
    uint8_t scale;
    bool has_syn, has_fin;
};

struct talk {
    bool is_v4;
    uint8_t proto;
    uint8_t lan[16], wan[16];
    uint16_t lan_port, wan_port; /* ICMP: identifier */
    bool is_from_wan;            /* who began */
    struct end ends[2];          /* by port: LAN, WAN */
    uint8_t last[LAST_MAX];      /* its last packet, for errors to quote */
    uint32_t last_size;
    uint8_t last_port;
};

static struct talk talks[TALKS];

static void begin(struct talk *talk)
{
    static const uint8_t protos[] = {6, 6, 6, 6, 6, 6, 17, 17, 1, 47};
    *talk = (struct talk){
        .is_v4 = below(2) == 0, .proto = protos[below(10)], .is_from_wan = below(4) == 0};
    if (talk->proto == 1 && !talk->is_v4) {
        talk->proto = 58;
    }
    if (talk->is_v4) {
        memcpy(talk->lan, (uint8_t[]){10, 0, 0, (uint8_t)(1 + below(3))}, 4);
        memcpy(talk->wan, (uint8_t[]){192, 0, 2, (uint8_t)(1 + below(3))}, 4);
    } else {
        memcpy(talk->lan, (uint8_t[]){0x20, 1, 0x0d, 0xb8, 0, 1}, 6);
        memcpy(talk->wan, (uint8_t[]){0x20, 1, 0x0d, 0xb8, 0, 2}, 6);
        talk->lan[15] = (uint8_t)(1 + below(3));
        talk->wan[15] = (uint8_t)(1 + below(3));
    }
    talk->lan_port = (uint16_t)(1024 + below(20));
    talk->wan_port = (uint16_t)(80 + below(3));
    for (int i = 0; i < 2; i++) {
        talk->ends[i] = (struct end){.next = below(1u << 31) * 2 + below(2),
                                     .window = (uint16_t)(below(2) * 60000 + below(5000)),
                                     .scale = (uint8_t)(below(3) == 0 ? 0 : below(15))};
    }
}

/* Header of the network layer; @return its size. */
static uint32_t put_ip(const struct talk *talk, bool is_lan, uint32_t l4_size, uint8_t proto,
                       uint8_t *p)
{
    uint32_t width = talk->is_v4 ? 4 : 16;
    uint32_t at = talk->is_v4 ? 12 : 8;
    memset(p, 0, talk->is_v4 ? 20 : 40); /* what is behind it stands already */
    memcpy(p + at, is_lan ? talk->lan : talk->wan, width);
    memcpy(p + at + width, is_lan ? talk->wan : talk->lan, width);
    if (!talk->is_v4) {
        p[0] = 0x60;
        put16(p + 4, l4_size);
        p[6] = proto;
        p[7] = 64;
        return 40;
    }
    p[0] = 0x45;
    put16(p + 2, 20 + l4_size);
    p[6] = 0x40;
    p[8] = 64;
    p[9] = proto;
    put16(p + 10, sl_checksum_fold(sl_checksum_add(0, p, 20)));
    return 20;
}

/* Flags as the states want them, or any. */
static uint8_t choose_flags(const struct talk *talk, bool is_first_end, struct end *own,
                            struct end *peer)
{
    static const uint8_t any[] = {
        SYN,       SYN | ACK, ACK,       ACK | PSH,       FIN | ACK,       RST,  RST | ACK, FIN, 0,
        SYN | FIN, SYN | RST, URG | ACK, SYN | ACK | PSH, FIN | PSH | URG, 0xff, SYN | 0xc0};
    (void)talk;
    if (below(6) == 0) {
        return any[below(sizeof(any))];
    }
    if (!own->has_syn) {
        return is_first_end ? SYN : (peer->has_syn ? SYN | ACK : SYN);
    }
    if (!peer->has_syn) {
        return SYN;
    }
    if (below(12) == 0) {
        return FIN | ACK;
    }
    return below(30) == 0 ? RST | (below(2) ? ACK : 0) : ACK | (below(2) ? PSH : 0);
}

/* Options of a SYN, as systems send them; @return bytes, a multiple of 4. */
static uint32_t put_options(const struct end *own, bool is_syn, uint8_t *p)
{
    if (!is_syn) {
        if (below(8) != 0) {
            return 0;
        }
        memcpy(p, (uint8_t[]){1, 1, 5, 10}, 4); /* SACK of anything */
        sl_be32_put(p + 4, own->next - below(3000));
        sl_be32_put(p + 8, own->next + below(3000));
        return 12;
    }
    uint32_t size = 0;
    memcpy(p, (uint8_t[]){2, 4, 5, 0xb4}, 4);
    size += 4;
    if (own->scale > 0) {
        memcpy(p + size, (uint8_t[]){1, 3, 3, own->scale}, 4);
        size += 4;
    }
    if (below(2) == 0) {
        memcpy(p + size, (uint8_t[]){1, 1, 4, 2}, 4);
        size += 4;
    }
    return size;
}

/* Mostly where it belongs, sometimes a little beside it, rarely anywhere. */
static uint32_t stray(uint32_t number)
{
    switch (below(20)) {
    case 0:
        return number + below(70000);
    case 1:
        return number - below(70000);
    case 2:
        return number + (below(2) != 0 ? 1u : 0xffffffffu);
    case 3:
        return below(8) == 0 ? below(1u << 31) * 2 : number;
    default:
        return number;
    }
}

static uint32_t put_tcp(struct talk *talk, bool is_lan, uint8_t *p, char note[64])
{
    struct end *own = &talk->ends[is_lan ? 0 : 1];
    struct end *peer = &talk->ends[is_lan ? 1 : 0];
    uint8_t flags = choose_flags(talk, is_lan != talk->is_from_wan, own, peer);
    uint32_t data = (flags & (SYN | RST)) == 0 ? below(3) * below(1400) : 0;
    memset(p, 0, 20);
    put16(p, is_lan ? talk->lan_port : talk->wan_port);
    put16(p + 2, is_lan ? talk->wan_port : talk->lan_port);
    uint32_t seq = stray(own->next);
    sl_be32_put(p + 4, seq);
    sl_be32_put(p + 8, (flags & ACK) != 0 ? stray(peer->next) : (below(10) == 0 ? below(1000) : 0));
    p[13] = flags;
    put16(p + 14, own->window);
    uint32_t options = put_options(own, (flags & SYN) != 0, p + 20);
    p[12] = (uint8_t)((20 + options) / 4 << 4);
    memset(p + 20 + options, 0x61, data);
    (void)snprintf(note, 64, "tcp flags %02x data %u %s", flags, data, is_lan ? "lan" : "wan");
    if (seq == own->next) {
        own->has_syn |= (flags & SYN) != 0;
        own->has_fin |= (flags & FIN) != 0;
        own->next += data + ((flags & SYN) != 0) + ((flags & FIN) != 0);
    }
    if ((flags & RST) != 0 && below(2) == 0) {
        own->has_syn = peer->has_syn = false; /* they begin anew on the same ports */
        own->has_fin = peer->has_fin = false;
        own->next = below(1u << 31) * 2;
    }
    if (own->has_fin && peer->has_fin && below(6) == 0) {
        own->has_syn = peer->has_syn = false;
        own->has_fin = peer->has_fin = false;
        own->next += below(3) * 100000;
        peer->next += below(3) * 100000;
    }
    return 20 + options + data;
}

static uint32_t put_other(const struct talk *talk, bool is_lan, uint8_t *p, char note[64])
{
    uint32_t data = below(100);
    memset(p, 0, 8);
    memset(p + 8, 0x62, data);
    (void)snprintf(note, 64, "protocol %u %s", talk->proto, is_lan ? "lan" : "wan");
    if (talk->proto == 17) {
        put16(p, is_lan ? talk->lan_port : talk->wan_port);
        put16(p + 2, is_lan ? talk->wan_port : talk->lan_port);
        put16(p + 4, 8 + data);
        return 8 + data;
    }
    if (talk->proto == 1 || talk->proto == 58) {
        static const uint8_t kinds[2][6] = {{8, 13, 15, 17, 10, 8}, {128, 128, 128, 139, 135, 200}};
        static const uint8_t answers[2][6] = {{0, 14, 16, 18, 9, 0},
                                              {129, 129, 129, 140, 136, 201}};
        uint32_t kind = below(5) == 0 ? below(6) : 0;
        p[0] = is_lan != talk->is_from_wan ? kinds[talk->proto == 58][kind]
                                           : answers[talk->proto == 58][kind];
        put16(p + 4, talk->lan_port);
        put16(p + 6, below(10));
        (void)snprintf(note, 64, "icmp type %u %s", p[0], is_lan ? "lan" : "wan");
        return 8 + data;
    }
    return 8 + data;
}

/* An error about the talk's last packet, back to who sent it, from the other end or a router. */
static uint32_t put_error(struct talk *talk, uint8_t *out, uint8_t *ret_port, char note[64])
{
    static const uint8_t types4[] = {3, 3, 11, 12, 4, 5};
    static const uint8_t types6[] = {1, 2, 3, 4, 1, 3};
    struct talk router = *talk;
    uint32_t kind = below(6);
    bool is_lan = talk->last_port == SL_PORT_WAN; /* the error goes the other way */
    if (below(2) == 0) {
        (is_lan ? router.lan : router.wan)[talk->is_v4 ? 3 : 15] = 77;
    }
    uint32_t quoted = talk->last_size;
    uint32_t least = talk->is_v4 ? 28 : 48;
    if (below(3) == 0 && quoted > least) {
        quoted = least;
    }
    uint8_t proto = talk->is_v4 ? 1 : 58;
    uint32_t off = put_ip(&router, is_lan, 8 + quoted, proto, out);
    memset(out + off, 0, 8);
    out[off] = talk->is_v4 ? types4[kind] : types6[kind];
    out[off + 1] = (uint8_t)below(3);
    memcpy(out + off + 8, talk->last, quoted);
    if (below(6) == 0) { /* about a packet that never was */
        bool is_icmp =
            talk->proto == 1 || talk->proto == 58; /* another identifier, else another port */
        out[off + 8 + (talk->is_v4 ? 20 : 40) + (is_icmp ? 5 : 1)] ^= 0x55;
    }
    seal_l4(out, talk->is_v4, proto, out + off, 8 + quoted);
    (void)snprintf(note, 64, "error type %u about %u", out[off], talk->proto);
    *ret_port = is_lan ? SL_PORT_LAN : SL_PORT_WAN;
    return off + 8 + quoted;
}

static void one_packet(struct talk *talk, talk_put_fn *put)
{
    uint8_t out[4096];
    char note[64];
    uint8_t port = SL_PORT_LAN;
    if (talk->last_size > 0 && below(12) == 0) {
        uint32_t size = put_error(talk, out, &port, note);
        put(out, size, port, note);
        return;
    }
    bool is_first = talk->last_size == 0;
    bool is_lan = is_first ? !talk->is_from_wan : below(2) == 0;
    uint32_t off = talk->is_v4 ? 20 : 40;
    uint32_t size = talk->proto == 6 ? put_tcp(talk, is_lan, out + off, note)
                                     : put_other(talk, is_lan, out + off, note);
    put_ip(talk, is_lan, size, talk->proto, out);
    seal_l4(out, talk->is_v4, talk->proto, out + off, size);
    if (below(60) == 0) { /* a checksum that is wrong */
        out[off + (talk->proto == 6 ? 16 : talk->proto == 17 ? 6 : 2)] ^= 1;
    }
    port = is_lan ? SL_PORT_LAN : SL_PORT_WAN;
    put(out, off + size, port, note);
    talk->last_size = off + size < LAST_MAX ? off + size : LAST_MAX;
    memcpy(talk->last, out, talk->last_size);
    talk->last_port = port;
}

void talks_make(uint32_t count, talk_put_fn *put)
{
    for (uint32_t i = 0; i < TALKS; i++) {
        begin(&talks[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct talk *talk = &talks[below(TALKS)];
        one_packet(talk, put);
        if (below(60) == 0) {
            begin(talk);
        }
    }
}
