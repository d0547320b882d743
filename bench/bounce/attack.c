/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of attacks. */
#include "attack.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "flow/hash.h"
#include "flow/tuple.h"
#include "flows.h"
#include "measure.h"
#include "safelib/packet.h"

enum {
    IP4 = 20,
    TCP = 20,
    TINY = 8,          /* bytes of a tiny fragment */
    TINY_COUNT = 128,  /* of one datagram: as many as the pool takes */
    COLLIDE_BITS = 10, /* of the hash that the index begins with, the same for all of them */
    COLLIDE_COUNT = 65536,
};

static const uint32_t strangers = 0x0a800000u; /* 10.128.0.0/9, none of which has a flow */
static const uint32_t server = 0xc6336450u;    /* 198.51.100.80 */

struct attack {
    enum attack_kind kind;
    uint32_t percent;
    uint64_t seed;
    uint32_t owed;     /* hundredths of a train */
    bool is_on;        /* the train under way */
    uint32_t at;       /* packets so far */
    uint32_t datagram; /* of the fragments under way */
    struct flows_view *colliding;
};

static uint64_t draw(struct attack *attack)
{
    return bench_random(&attack->seed);
}

struct attack *attack_new(void)
{
    struct attack *attack = calloc(1, sizeof(*attack));
    if (attack == NULL) {
        bench_die("out of memory");
    }
    attack->seed = 0x9e3779b97f4a7c15u;
    return attack;
}

void attack_free(struct attack *attack)
{
    if (attack != NULL) {
        free(attack->colliding);
        free(attack);
    }
}

static struct flows_view stranger(struct attack *attack, uint16_t dport)
{
    uint64_t random = draw(attack);
    return (struct flows_view){.src = strangers | ((uint32_t)random & 0x7fffffu),
                               .dst = server,
                               .sport = (uint16_t)(1024 + (random >> 32) % 60000),
                               .dport = dport};
}

/* Who knows the code tries tuples until their hashes are alike: in all that the index picks a
 * bucket by, under a key of the attacker's, since the table's own is not known. */
static void collide(struct attack *attack)
{
    struct sl_flow_hash_key key;
    attack->colliding = calloc(COLLIDE_COUNT, sizeof(*attack->colliding));
    if (attack->colliding == NULL || sl_flow_hash_key_make(&key) != SL_OK) {
        bench_die("no memory, or no randomness");
    }
    for (uint32_t found = 0; found < COLLIDE_COUNT;) {
        struct flows_view view = stranger(attack, 80);
        struct sl_flow_tuple tuple = {
            .sport = view.sport, .dport = view.dport, .proto = SL_FLOW_TCP, .ip_version = 4};
        sl_be32_put(tuple.src, view.src);
        sl_be32_put(tuple.dst, view.dst);
        uint64_t hash = sl_flow_tuple_hash(&key, &tuple);
        if ((uint32_t)hash >> (32 - COLLIDE_BITS) == 0) {
            attack->colliding[found++] = view;
        }
    }
}

bool attack_set(struct attack *attack, const char *kind, uint32_t percent)
{
    static const char *const names[ATTACK_COUNT] = {
#define ATTACK_NAME(id, name) [id] = name,
        ATTACK_TABLE(ATTACK_NAME)
#undef ATTACK_NAME
    };
    for (uint32_t i = 0; i < ATTACK_COUNT; i++) {
        if (strcmp(kind, names[i]) == 0) {
            attack->kind = i;
            attack->percent = i == ATTACK_NONE ? 0 : percent;
            if (i == ATTACK_COLLIDE && attack->colliding == NULL) {
                collide(attack);
            }
            return true;
        }
    }
    return false;
}

enum attack_kind attack_kind(const struct attack *attack)
{
    return attack->kind;
}

bool attack_is_turn(struct attack *attack, uint32_t i)
{
    if (i % ATTACK_TRAIN == 0) {
        attack->owed += attack->percent;
        attack->is_on = attack->owed >= 100;
        attack->owed -= attack->is_on ? 100 : 0;
    }
    return attack->is_on;
}

static uint32_t syn_make(struct attack *attack, const struct flows_view *view, uint8_t *out)
{
    uint8_t *tcp = out + IP4;
    memset(out, 0, ATTACK_SIZE);
    flows_ip4_make(view, SL_FLOW_TCP, ATTACK_SIZE, out);
    sl_be16_put(tcp, view->sport);
    sl_be16_put(tcp + 2, view->dport);
    sl_be32_put(tcp + 4, (uint32_t)(draw(attack) >> 24));
    tcp[12] = TCP / 4 << 4;
    tcp[13] = SL_TCP_SYN;
    sl_be16_put(tcp + 14, 0xffff);
    sl_be16_put(tcp + 16, flows_upper_sum(out, ATTACK_SIZE));
    return ATTACK_SIZE;
}

/* The part [off, off + size) of a datagram, with more to come. */
static uint32_t fragment_make(const struct flows_view *view, uint32_t datagram, uint32_t off,
                              uint32_t size, uint8_t *out)
{
    memset(out, 0, ATTACK_ROOM);
    flows_ip4_make(view, SL_FLOW_UDP, IP4 + size, out);
    sl_be16_put(out + 4, (uint16_t)datagram);
    sl_be16_put(out + 6, (uint16_t)(0x2000 | off / 8));
    sl_be16_put(out + 10, 0);
    sl_be16_put(out + 10, flows_ip4_sum(out));
    if (off == 0) {
        sl_be16_put(out + IP4, view->sport);
        sl_be16_put(out + IP4 + 2, view->dport);
        sl_be16_put(out + IP4 + 4, 1480);
    }
    return IP4 + size;
}

/* The next fragment of a datagram that never gets whole, a new datagram after @p count of them. */
static uint32_t next_fragment(struct attack *attack, uint32_t count, uint32_t step, uint32_t size,
                              uint8_t *out)
{
    uint32_t number = attack->at++ % count;
    attack->datagram += number == 0;
    uint32_t from = attack->datagram * 0x9e3779b1u;
    struct flows_view view = {
        .src = strangers | (from >> 9), .dst = server, .sport = (uint16_t)from, .dport = 80};
    return fragment_make(&view, attack->datagram, number * step, size, out);
}

uint32_t attack_make(struct attack *attack, uint8_t *out)
{
    struct flows_view view;
    switch (attack->kind) {
    case ATTACK_SCAN:
        view = stranger(attack, 0);
        view.src = strangers;
        view.dport = (uint16_t)(attack->at++ % 65535 + 1);
        view.dport = (uint16_t)(view.dport == 80 ? 81 : view.dport);
        return syn_make(attack, &view, out);
    case ATTACK_COLLIDE:
        return syn_make(attack, &attack->colliding[attack->at++ % COLLIDE_COUNT], out);
    case ATTACK_FIRST:
        return next_fragment(attack, 1, 0, ATTACK_SIZE - IP4, out);
    case ATTACK_TINY:
        return next_fragment(attack, TINY_COUNT, TINY, TINY, out);
    case ATTACK_OVERLAP:
        return next_fragment(attack, 2, TINY, ATTACK_SIZE - IP4, out);
    default:
        view = stranger(attack, 80);
        return syn_make(attack, &view, out);
    }
}
