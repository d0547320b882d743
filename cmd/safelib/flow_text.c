/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the packet that a line of words describes. */
#include "flow_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "safelib/checksum.h"
#include "safelib/packet.h"

enum { SOURCE_PORT = 40000 }; /* where none is said: what clients come from */

struct flow {
    uint8_t proto;
    bool is_v4;
    uint8_t src[16], dst[16];
    uint16_t sport, dport;
    bool has_port[2];
    int flags;      /* -1: not said */
    int type, code; /* -1: not said */
    int port;       /* -1: by the source */
    bool is_later;
};

static const struct {
    const char *name;
    uint8_t proto;
    uint8_t l4_size;
    bool has_ports;
} protos[] = {{"tcp", 6, 20, true},       {"udp", 17, 8, true},      {"sctp", 132, 12, true},
              {"dccp", 33, 12, true},     {"udplite", 136, 8, true}, {"icmp", 1, 8, false},
              {"icmpv6", 58, 8, false},   {"gre", 47, 4, false},     {"esp", 50, 8, false},
              {"ipv6-icmp", 58, 8, false}};

static bool read_number(const char *text, unsigned long max, unsigned long *ret_number)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || text[0] == '-' || value > max) {
        return false;
    }
    *ret_number = value;
    return true;
}

static bool read_proto(const char *text, struct flow *flow)
{
    for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
        if (strcasecmp(protos[i].name, text) == 0) {
            flow->proto = protos[i].proto;
            return true;
        }
    }
    unsigned long number = 0;
    bool is_number = read_number(text, 255, &number);
    flow->proto = (uint8_t)number;
    return is_number;
}

static bool has_ports(uint8_t proto)
{
    for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
        if (protos[i].proto == proto) {
            return protos[i].has_ports;
        }
    }
    return false;
}

/* "[2001:db8::1]:80", "2001:db8::1", "10.0.0.1:80" or "10.0.0.1"; port NULL where there is none. */
static bool split_end(char *text, char **ret_addr, char **ret_port)
{
    char *colon = strchr(text, ':');
    *ret_addr = text;
    *ret_port = NULL;
    if (text[0] == '[') {
        char *close = strchr(text, ']');
        if (close == NULL || (close[1] != '\0' && close[1] != ':')) {
            return false;
        }
        *close = '\0';
        *ret_addr = text + 1;
        *ret_port = close[1] == ':' ? close + 2 : NULL;
    } else if (colon != NULL && colon == strrchr(text, ':')) {
        *colon = '\0';
        *ret_port = colon + 1;
    }
    return true;
}

static const char *read_port(const char *text, const struct flow *flow, uint16_t *ret_port)
{
    unsigned long number = 0;
    if (!read_number(text, 65535, &number)) {
        return "expected a port from 0 to 65535 behind the colon, as a number";
    }
    if (!has_ports(flow->proto)) {
        return "this protocol has no ports";
    }
    *ret_port = (uint16_t)number;
    return NULL;
}

/* One end of the flow; why it cannot be read, or NULL. */
static const char *read_end(const char *text, struct flow *flow, int side)
{
    char copy[80];
    char *addr = NULL;
    char *port = NULL;
    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy)) {
        return "too long for an address";
    }
    if (!split_end(copy, &addr, &port)) {
        return "expected [ADDRESS]:PORT";
    }
    bool is_v4 = strchr(addr, ':') == NULL;
    if (inet_pton(is_v4 ? AF_INET : AF_INET6, addr, side == 0 ? flow->src : flow->dst) != 1) {
        return is_v4 ? "not an IPv4 address (names are not looked up)" : "not an IPv6 address";
    }
    if (side == 1 && is_v4 != flow->is_v4) {
        return "one address is IPv4, the other IPv6";
    }
    flow->is_v4 = is_v4;
    flow->has_port[side] = port != NULL;
    return port != NULL ? read_port(port, flow, side == 0 ? &flow->sport : &flow->dport) : NULL;
}

static bool read_flags(const char *text, int *ret_flags)
{
    static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};
    char copy[64];
    char *save = NULL;
    (void)snprintf(copy, sizeof(copy), "%s", text);
    *ret_flags = 0;
    for (char *word = strtok_r(copy, ",|", &save); word != NULL;
         word = strtok_r(NULL, ",|", &save)) {
        size_t i = 0;
        while (i < 8 && strcmp(names[i], word) != 0) {
            i++;
        }
        if (i == 8 && strcmp(word, "none") != 0) {
            return false;
        }
        *ret_flags |= i < 8 ? 1 << i : 0;
    }
    return true;
}

static bool read_word(const char *word, struct flow *flow)
{
    unsigned long number = 0;
    if (strncmp(word, "flags=", 6) == 0) {
        return read_flags(word + 6, &flow->flags);
    }
    if (strncmp(word, "type=", 5) == 0 && read_number(word + 5, 255, &number)) {
        flow->type = (int)number;
        return true;
    }
    if (strncmp(word, "code=", 5) == 0 && read_number(word + 5, 255, &number)) {
        flow->code = (int)number;
        return true;
    }
    if (strcmp(word, "in=lan") == 0 || strcmp(word, "in=wan") == 0) {
        flow->port = strcmp(word, "in=lan") == 0 ? SL_PORT_LAN : SL_PORT_WAN;
        return true;
    }
    flow->is_later |= strcmp(word, "later") == 0;
    return strcmp(word, "later") == 0;
}

/* RFC 1918, RFC 4193. */
static uint8_t port_by_source(const struct flow *flow)
{
    const uint8_t *a = flow->src;
    bool is_private = flow->is_v4 ? a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
                                        (a[0] == 192 && a[1] == 168)
                                  : (a[0] & 0xfe) == 0xfc;
    return is_private ? SL_PORT_LAN : SL_PORT_WAN;
}

static uint32_t put_l4(const struct flow *flow, uint8_t *l4)
{
    uint32_t size = 8;
    for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
        size = protos[i].proto == flow->proto ? protos[i].l4_size : size;
    }
    if (flow->proto == 1 || flow->proto == 58) {
        l4[0] = (uint8_t)(flow->type >= 0 ? flow->type : flow->proto == 1 ? 8 : 128);
        l4[1] = (uint8_t)(flow->code >= 0 ? flow->code : 0);
        return size;
    }
    if (flow->has_port[0] || flow->has_port[1]) {
        sl_be16_put(l4, flow->sport);
        sl_be16_put(l4 + 2, flow->dport);
    }
    if (flow->proto == 6) {
        l4[12] = 0x50;
        l4[13] = flow->flags >= 0 ? (uint8_t)flow->flags : 0x02;
    } else if (flow->proto == 17) {
        sl_be16_put(l4 + 4, 8);
    }
    return size;
}

/* Stateful NFs look at checksums: a packet with a wrong one belongs to no flow. */
static void put_l4_checksum(const struct flow *flow, uint8_t *l4, uint32_t size)
{
    static const uint8_t offs[256] = {[1] = 2, [6] = 16, [17] = 6, [33] = 6, [58] = 2, [136] = 6};
    uint8_t at = offs[flow->proto];
    if (at == 0 || size < at + 2u || flow->is_later) {
        return;
    }
    uint64_t sum = flow->proto == 1 ? 0
                                    : sl_checksum_pseudo(flow->src, flow->dst, flow->is_v4 ? 4 : 16,
                                                         flow->proto, size);
    uint16_t check = sl_checksum_fold(sl_checksum_add(sum, l4, size));
    sl_be16_put(l4 + at, check == 0 && flow->proto == 17 ? 0xffff : check);
}

static void put_packet(const struct flow *flow, struct flow_packet *packet)
{
    uint8_t *data = packet->data;
    memset(packet, 0, sizeof(*packet));
    packet->port = flow->port >= 0 ? (uint8_t)flow->port : port_by_source(flow);
    uint32_t off = flow->is_v4 ? 20 : flow->is_later ? 48 : 40;
    packet->size = off + put_l4(flow, data + off);
    put_l4_checksum(flow, data + off, packet->size - off);
    if (flow->is_v4) {
        data[0] = 0x45;
        sl_be16_put(data + 2, (uint16_t)packet->size);
        sl_be16_put(data + 6, flow->is_later ? 185 : 0);
        data[8] = 64;
        data[9] = flow->proto;
        memcpy(data + 12, flow->src, 4);
        memcpy(data + 16, flow->dst, 4);
        sl_be16_put(data + 10, sl_checksum_fold(sl_checksum_add(0, data, 20)));
        return;
    }
    data[0] = 0x60;
    sl_be16_put(data + 4, (uint16_t)(packet->size - 40));
    data[6] = flow->is_later ? 44 : flow->proto;
    data[7] = 64;
    memcpy(data + 8, flow->src, 16);
    memcpy(data + 24, flow->dst, 16);
    if (flow->is_later) {
        data[40] = flow->proto;
        sl_be16_put(data + 42, 185 << 3);
    }
}

/* What fits together and what does not; the word at fault and why, or NULL. */
static const char *check(const struct flow *flow, const char *const *words, const char **ret_word)
{
    bool is_icmp = flow->proto == 1 || flow->proto == 58;
    *ret_word = words[0];
    if (flow->proto == 1 && !flow->is_v4) {
        return "between IPv6 addresses it is icmpv6";
    }
    if (flow->proto == 58 && flow->is_v4) {
        return "between IPv4 addresses it is icmp";
    }
    if (flow->flags >= 0 && flow->proto != 6) {
        return "flags= is for tcp";
    }
    if ((flow->type >= 0 || flow->code >= 0) && !is_icmp) {
        return "type= and code= are for icmp and icmpv6";
    }
    *ret_word = words[2];
    if (has_ports(flow->proto) && !flow->has_port[1] && !flow->is_later) {
        return "the rule may depend on the port: expected ADDRESS:PORT";
    }
    return NULL;
}

static sl_rc read_words(char *text, struct flow *flow, struct sl_err *err)
{
    char *save = NULL;
    const char *words[3] = {NULL};
    const char *why = NULL;
    const char *at = text;
    uint32_t count = 0;
    for (char *word = strtok_r(text, " \t>", &save); word != NULL && why == NULL;
         word = strtok_r(NULL, " \t>", &save)) {
        at = word;
        if (strcmp(word, "-") == 0) { /* of an arrow */
            continue;
        }
        if (count < 3) {
            words[count] = word;
            if (count > 0) {
                why = read_end(word, flow, (int)count - 1);
            } else if (!read_proto(word, flow)) {
                why = "expected tcp, udp, icmp, icmpv6, sctp, dccp, udplite, gre, esp or a number "
                      "to 255";
            }
            count++;
        } else if (!read_word(word, flow)) {
            why = "expected flags=syn,ack type=N code=N in=lan|wan or later";
        }
    }
    if (why == NULL && count == 3) {
        why = check(flow, words, &at);
    }
    if (why != NULL) {
        return sl_err_set(err, SL_INVALID, "explain: `%s`: %s", at, why);
    }
    return SL_OK;
}

sl_rc flow_packet_read(const char *text, struct flow_packet *ret_packet, struct sl_err *err)
{
    char copy[256];
    struct flow flow = {.flags = -1, .type = -1, .code = -1, .port = -1, .sport = SOURCE_PORT};
    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy)) {
        return sl_err_set(err, SL_INVALID, "the flow is too long");
    }
    uint32_t count = 0;
    bool is_word = false;
    for (const char *c = text; *c != '\0'; c++) { /* words; an arrow is none */
        bool is_gap = *c == ' ' || *c == '\t' || *c == '>' || (*c == '-' && c[1] == '>');
        count += !is_gap && !is_word;
        is_word = !is_gap;
    }
    sl_rc rc = read_words(copy, &flow, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (count < 3) {
        return sl_err_set(err, SL_INVALID,
                          "`%s`: %s is missing: expected a flow such as 'tcp 10.0.0.5:1234 > "
                          "192.0.2.1:443' or 'icmpv6 2001:db8::1 > 2001:db8::2 type=128'",
                          text,
                          count == 0   ? "the protocol"
                          : count == 1 ? "the source"
                                       : "the destination");
    }
    put_packet(&flow, ret_packet);
    return SL_OK;
}
