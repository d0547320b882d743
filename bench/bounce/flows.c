/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of flows that both ends have seen. */
#include "flows.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "measure.h"
#include "safelib/checksum.h"
#include "safelib/packet.h"
#include "zipf.h"

enum {
    IP4 = 20,
    UDP = 8,
    TCP = 20,
    TCP_SYN_SIZE = 24, /* with the window scale option */
    MARK = 0x5afe110b, /* in the payload, before the flow's number */
    ISN_SHIFT = 11,    /* of a client's first sequence number: the flow's number */
};

static const uint32_t server_addr = 0xc6336450; /* 198.51.100.80 */

struct flows {
    uint32_t count;
    bool is_tcp;
    enum flows_phase phase;
    uint32_t at; /* next to visit */
    uint64_t seed;
    struct bench_zipf *zipf; /* which flow is next; NULL: each as often */
    struct flows_view *seen;
    uint32_t *sent; /* bytes that the client has sent, TCP */
};

struct flows *flows_new(uint32_t count, bool is_tcp)
{
    if (count == 0) {
        return NULL;
    }
    struct flows *flows = calloc(1, sizeof(*flows));
    if (flows == NULL || (flows->seen = calloc(count, sizeof(*flows->seen))) == NULL ||
        (flows->sent = calloc(count, sizeof(*flows->sent))) == NULL) {
        bench_die("out of memory");
    }
    flows->count = count;
    flows->is_tcp = is_tcp;
    flows->seed = 88172645463325252u;
    return flows;
}

uint32_t flows_phase_set(struct flows *flows, enum flows_phase phase)
{
    flows->phase = phase;
    flows->at = 0;
    return flows->count;
}

void flows_zipf_set(struct flows *flows, double exponent)
{
    bench_zipf_free(flows->zipf);
    flows->zipf = exponent != 0 ? bench_zipf_new(flows->count, exponent) : NULL;
}

static uint64_t next_random(struct flows *flows)
{
    flows->seed ^= flows->seed << 13;
    flows->seed ^= flows->seed >> 7;
    flows->seed ^= flows->seed << 17;
    return flows->seed;
}

static uint32_t next_flow(struct flows *flows)
{
    if (flows->phase != FLOWS_DATA) {
        return flows->at++ % flows->count;
    }
    return flows->zipf != NULL ? bench_zipf_next(flows->zipf, &flows->seed)
                               : (uint32_t)(next_random(flows) % flows->count);
}

/* As the client knows it. */
static struct flows_view client_view(uint32_t flow)
{
    return (struct flows_view){.src = 0x0a000000u + flow / 50,
                               .dst = server_addr,
                               .sport = (uint16_t)(1024 + flow % 50 * 1237),
                               .dport = 80};
}

uint16_t flows_ip4_sum(const uint8_t *out)
{
    return sl_checksum_fold(sl_checksum_add(0, out, IP4));
}

void flows_ip4_make(const struct flows_view *view, uint8_t proto, uint32_t size, uint8_t *out)
{
    memset(out, 0, IP4);
    out[0] = 0x45;
    sl_be16_put(out + 2, (uint16_t)size);
    out[8] = 64;
    out[9] = proto;
    sl_be32_put(out + 12, view->src);
    sl_be32_put(out + 16, view->dst);
    sl_be16_put(out + 10, flows_ip4_sum(out));
}

uint16_t flows_upper_sum(const uint8_t *out, uint32_t size)
{
    uint64_t sum = sl_checksum_pseudo(out + 12, out + 16, 4, out[9], size - IP4);
    return sl_checksum_fold(sl_checksum_add(sum, out + IP4, size - IP4));
}

static void payload_make(uint32_t flow, uint8_t *out, uint32_t size)
{
    memset(out, 0, size);
    if (size >= 8) {
        sl_be32_put(out, MARK);
        sl_be32_put(out + 4, flow);
    }
}

static void udp_make(const struct flows_view *view, uint32_t flow, uint32_t size, uint8_t *out)
{
    flows_ip4_make(view, 17, size, out);
    uint8_t *udp = out + IP4;
    sl_be16_put(udp, view->sport);
    sl_be16_put(udp + 2, view->dport);
    sl_be16_put(udp + 4, (uint16_t)(size - IP4));
    sl_be16_put(udp + 6, 0);
    payload_make(flow, udp + UDP, size - IP4 - UDP);
    uint16_t sum = flows_upper_sum(out, size);
    sl_be16_put(udp + 6, sum != 0 ? sum : 0xffff);
}

/* @return the packet's bytes */
static uint32_t tcp_make(struct flows *flows, const struct flows_view *view, uint32_t flow,
                         uint32_t size, uint8_t *out)
{
    bool is_syn = flows->phase == FLOWS_FIRST || flows->phase == FLOWS_ANSWER;
    uint32_t header = is_syn ? TCP_SYN_SIZE : TCP;
    uint32_t client_isn = flow << ISN_SHIFT;
    uint32_t server_isn = ~client_isn;
    size = flows->phase == FLOWS_DATA ? size : IP4 + header;
    uint8_t *tcp = out + IP4;
    flows_ip4_make(view, 6, size, out);
    memset(tcp, 0, header);
    sl_be16_put(tcp, view->sport);
    sl_be16_put(tcp + 2, view->dport);
    tcp[12] = (uint8_t)(header / 4 << 4);
    sl_be16_put(tcp + 14, 0xffff);
    if (is_syn) {
        static const uint8_t scale[4] = {3, 3, 14, 0}; /* RFC 7323 2.2, and the end */
        memcpy(tcp + TCP, scale, sizeof(scale));
    }
    if (flows->phase == FLOWS_ANSWER) {
        sl_be32_put(tcp + 4, server_isn);
        sl_be32_put(tcp + 8, client_isn + 1);
        tcp[13] = SL_TCP_SYN | SL_TCP_ACK;
    } else if (flows->phase == FLOWS_FIRST) {
        sl_be32_put(tcp + 4, client_isn);
        tcp[13] = SL_TCP_SYN;
    } else if (flows->phase == FLOWS_WINDOW) {
        sl_be32_put(tcp + 4, server_isn + 1);
        sl_be32_put(tcp + 8, client_isn + 1);
        tcp[13] = SL_TCP_ACK;
    } else {
        sl_be32_put(tcp + 4, client_isn + 1 + flows->sent[flow]);
        sl_be32_put(tcp + 8, server_isn + 1);
        tcp[13] = SL_TCP_ACK;
        flows->sent[flow] += size - IP4 - header;
    }
    payload_make(flow, tcp + header, size - IP4 - header);
    sl_be16_put(tcp + 16, flows_upper_sum(out, size));
    return size;
}

bool flows_is_from_server(enum flows_phase phase)
{
    return phase == FLOWS_ANSWER || phase == FLOWS_WINDOW;
}

uint32_t flows_make(struct flows *flows, uint32_t i, uint32_t size, uint8_t *out)
{
    uint32_t flow = next_flow(flows);
    struct flows_view view = client_view(flow);
    (void)i;
    if (flows_is_from_server(flows->phase)) {
        const struct flows_view *seen = &flows->seen[flow];
        view = (struct flows_view){seen->dst, seen->src, seen->dport, seen->sport};
    }
    if (flows->is_tcp) {
        return tcp_make(flows, &view, flow, size, out);
    }
    udp_make(&view, flow, size, out);
    return size;
}

bool flows_see(struct flows *flows, const uint8_t *inner, uint32_t size)
{
    uint32_t header = flows->is_tcp ? TCP : UDP;
    if (size < IP4 + header || inner[0] != 0x45 || inner[9] != (flows->is_tcp ? 6 : 17) ||
        flows_ip4_sum(inner) != 0 || flows_upper_sum(inner, size) != 0) {
        return false;
    }
    const uint8_t *upper = inner + IP4;
    uint32_t flow;
    if (size >= IP4 + header + 8) {
        if (sl_be32_get(upper + header) != (uint32_t)MARK) {
            return false;
        }
        flow = sl_be32_get(upper + header + 4);
    } else if (flows->phase == FLOWS_FIRST) {
        flow = sl_be32_get(upper + 4) >> ISN_SHIFT;
    } else {
        return true; /* a bare part of a handshake */
    }
    if (flow >= flows->count) {
        return false;
    }
    if (flows->phase == FLOWS_FIRST) {
        flows->seen[flow] = (struct flows_view){sl_be32_get(inner + 12), sl_be32_get(inner + 16),
                                                sl_be16_get(upper), sl_be16_get(upper + 2)};
    }
    return true;
}
