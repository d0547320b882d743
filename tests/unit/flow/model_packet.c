/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to packets of the flows that the model knows. */
#include "model_packet.h"

#include <string.h>

#include "safelib/checksum.h"

static uint32_t put_ip4(uint8_t *out, uint8_t proto, uint8_t src, uint8_t dst, uint32_t size)
{
    memset(out, 0, 20);
    out[0] = 0x45;
    sl_be16_put(out + 2, (uint16_t)(20 + size));
    out[8] = 64;
    out[9] = proto;
    out[12] = out[16] = 10;
    out[15] = src;
    out[19] = dst;
    return 20;
}

static uint32_t put_upper(uint8_t *at, uint8_t proto, const struct made *made, uint32_t *ret_check)
{
    const struct sl_flow_tuple *tuple = &made->tuple;
    memset(at, 0, 20);
    sl_be16_put(at, tuple->sport);
    sl_be16_put(at + 2, tuple->dport);
    switch (proto) {
    case TCP:
        sl_be32_put(at + 4, made->seq);
        sl_be32_put(at + 8, made->ack);
        at[12] = 0x50;
        at[13] = made->flags;
        *ret_check = 16;
        return 20;
    case UDP:
        at[5] = 8;
        *ret_check = 6;
        return 8;
    case ICMP:
        memset(at, 0, 8);
        at[0] = tuple->icmp_type;
        sl_be16_put(at + 4, tuple->sport);
        *ret_check = 2;
        return 8;
    default:
        *ret_check = 0;
        return 8;
    }
}

static void seal(uint8_t *ip, uint8_t proto, uint32_t size, uint32_t check)
{
    uint64_t sum = proto == ICMP ? 0 : sl_checksum_pseudo(ip + 12, ip + 16, 4, proto, size);
    if (check != 0) {
        sl_be16_put(ip + 20 + check, sl_checksum_fold(sl_checksum_add(sum, ip + 20, size)));
    }
}

static const uint8_t tcp_flags[8] = {0x02, 0x12, 0x10, 0x11, 0x04, 0x14, 0x18, 0x03};

void made_make(struct maker *maker, struct made *made)
{
    uint8_t kind = sl_reader_u8(&maker->r);
    uint8_t hosts = sl_reader_u8(&maker->r);
    uint8_t ports = sl_reader_u8(&maker->r);
    uint8_t more = sl_reader_u8(&maker->r);
    if ((more & 0x80) != 0) { /* more of the same, the other way perhaps */
        kind = maker->last[0];
        hosts = (kind & 0x40) != 0
                    ? (uint8_t)(maker->last[1] / HOSTS % HOSTS + maker->last[1] % HOSTS * HOSTS)
                    : maker->last[1];
        ports = (kind & 0x40) != 0 ? (uint8_t)((maker->last[2] / 4 % 4) + maker->last[2] % 4 * 4)
                                   : maker->last[2];
    }
    maker->last[0] = kind;
    maker->last[1] = hosts;
    maker->last[2] = ports;
    static const uint8_t protos[4] = {TCP, UDP, ICMP, OTHER};
    uint8_t proto = protos[kind & 3];
    uint32_t check;
    uint8_t src = hosts % HOSTS + 1;
    uint8_t dst = hosts / HOSTS % HOSTS + 1;
    memset(made, 0, sizeof(*made));
    made->tuple = (struct sl_flow_tuple){.ip_version = 4, .proto = proto};
    made->tuple.src[0] = made->tuple.dst[0] = 10;
    made->tuple.src[3] = src;
    made->tuple.dst[3] = dst;
    if (proto == TCP || proto == UDP) {
        made->tuple.sport = 100 + ports % 2;
        made->tuple.dport = 100 + ports / 4 % 2;
    } else if (proto == ICMP) {
        made->tuple.icmp_type = (ports & 4) != 0 ? 8 : 0;
        made->tuple.sport = made->tuple.dport = ports % 4;
    }
    made->flags = tcp_flags[more & 7];
    made->seq = 1000 + (more >> 3 & 3);
    made->ack = 1000 + (more >> 5 & 3);
    made->is_error = (kind & 0x30) == 0x30;
    made->is_bad = (kind & 0xc0) == 0xc0 && (kind & 0x0c) == 0 && proto != OTHER;
    uint8_t *at = made->data;
    uint32_t size;
    if (made->is_error) { /* about that packet, to its sender */
        uint8_t *inner = at + 28;
        (void)put_ip4(inner, proto, src, dst, 20);
        size = put_upper(inner + 20, proto, made, &check);
        (void)put_ip4(at, ICMP, 200, src, 8 + 20 + size);
        memset(at + 20, 0, 8);
        at[20] = 3;
        size += 28;
        check = 2;
        proto = ICMP;
        made->tuple = sl_flow_turn(&made->tuple);
    } else {
        size = put_upper(at + 20, proto, made, &check);
        (void)put_ip4(at, proto, src, dst, size);
        made->is_bad = made->is_bad || (proto == TCP && (made->flags & 3) == 3);
    }
    seal(at, proto, size, check);
    if (made->is_bad && check != 0) {
        at[20 + check] ^= 0x40;
    }
    made->packet = (struct sl_packet){.data = at, .size = 20 + size, .room = ROOM};
    CHECK(sl_packet_parse(&made->packet) == SL_OK, "packet does not parse");
}
