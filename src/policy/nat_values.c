/* SPDX-License-Identifier: Apache-2.0 */
/* What the NAT's policy says, as the bytes that nf/nat loads. Every fault names line, column and
 * word. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "files/yaml_file.h"
#include "policy/nat_file.h"
#include "policy/words.h"

enum {
    KEY_MAX = 64,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    MAPPINGS_DEFAULT = 65536,
    SUBSCRIBERS_DEFAULT = 16384,
    BLOCK_DEFAULT = 512,
    BLOCKS_DEFAULT = 4,
    MTU6_DEFAULT = 1500,
    WELL_KNOWN_END = 1024,
};

struct job {
    const struct sl_nat_yaml *yaml;
    const char *text;
    size_t size;
    struct sl_writer *w;
    struct sl_err *err;
};

struct prefix {
    uint8_t bits; /* of 128 */
    uint8_t addr[16];
};
struct range {
    uint32_t first, last;
};
struct forward {
    uint8_t proto;
    uint32_t outside;
    uint16_t outside_port, inside_port, count;
    uint8_t inside[16];
    uint32_t index; /* in the file */
};

/* "line 3, column 7: `word`: what is wrong" */
__attribute__((format(printf, 5, 6))) static sl_rc
fault(const struct job *job, sl_rc rc, const char *key, const char *word, const char *format, ...)
{
    char what[200];
    uint32_t line = 0;
    uint32_t column = 0;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (!sl_yaml_where(job->text, job->size, key, &line, &column)) {
        return sl_err_set(job->err, rc, "%s: %s", key, what);
    }
    return word != NULL
               ? sl_err_set(job->err, rc, "line %u, column %u: %s: `%s`: %s", line, column, key,
                            word, what)
               : sl_err_set(job->err, rc, "line %u, column %u: %s: %s", line, column, key, what);
}

static int chosen(int given, int otherwise)
{
    return given != 0 ? given & ~SL_NAT_YAML_GIVEN : otherwise;
}

/* ---- values ---- */

static bool number_parse(const char **at, uint32_t max, uint32_t *ret_number)
{
    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    char *end;
    errno = 0;
    unsigned long value = strtoul(*at, &end, 10);
    if (errno != 0 || value > max) {
        return false;
    }
    *at = end;
    *ret_number = (uint32_t)value;
    return true;
}

/* "80" or "8000-8010" */
static bool ports_parse(const char *text, uint16_t *ret_first, uint16_t *ret_last)
{
    uint32_t first;
    uint32_t last;
    if (!number_parse(&text, 65535, &first)) {
        return false;
    }
    last = first;
    if (*text == '-') {
        text++;
        if (!number_parse(&text, 65535, &last)) {
            return false;
        }
    }
    *ret_first = (uint16_t)first;
    *ret_last = (uint16_t)last;
    return *text == '\0' && first > 0 && first <= last;
}

/* "5m", "2h4m", "60s", "60" */
static bool time_parse(const char *text, uint32_t *ret_s)
{
    static const char units[] = "smhd";
    static const uint32_t unit_s[] = {1, 60, 3600, 86400};
    uint64_t total = 0;
    do {
        uint32_t value;
        if (!number_parse(&text, 1000000, &value)) {
            return false;
        }
        const char *unit = *text != '\0' ? strchr(units, *text) : units;
        if (unit == NULL) {
            return false;
        }
        total += (uint64_t)value * unit_s[unit - units];
        text += *text != '\0';
    } while (*text != '\0');
    *ret_s = (uint32_t)total;
    return total > 0 && total <= 7u * 86400;
}

static void put_mapped(uint8_t *out, const uint8_t *addr4)
{
    memset(out, 0, 10);
    out[10] = 0xff;
    out[11] = 0xff;
    memcpy(out + 12, addr4, 4);
}

/* "192.0.2.1", "192.0.2.0/28", "192.0.2.1-192.0.2.9" */
static const char *range_parse(const char *text, struct range *ret_range)
{
    char first[INET_ADDRSTRLEN];
    uint8_t addr[4];
    const char *dash = strchr(text, '-');
    if (dash != NULL) {
        if ((size_t)(dash - text) >= sizeof(first)) {
            return "expected an IPv4 address before the dash";
        }
        memcpy(first, text, (size_t)(dash - text));
        first[dash - text] = '\0';
        if (inet_pton(AF_INET, first, addr) != 1) {
            return "expected an IPv4 address before the dash";
        }
        ret_range->first = sl_be32_get(addr);
        if (inet_pton(AF_INET, dash + 1, addr) != 1 || sl_be32_get(addr) < ret_range->first) {
            return "expected an IPv4 address behind the dash, not below the first";
        }
        ret_range->last = sl_be32_get(addr);
        return NULL;
    }
    struct pol_prefix prefix;
    const char *wrong = pol_prefix_parse(text, &prefix);
    if (wrong != NULL) {
        return wrong;
    }
    if (prefix.version != 4) {
        return "expected IPv4: the outside of a NAT is";
    }
    ret_range->first = sl_be32_get(prefix.addr);
    ret_range->last = ret_range->first + (uint32_t)((1ull << (32 - prefix.length)) - 1);
    return NULL;
}

/* ---- the parts of a policy ---- */

static uint16_t flags_of(const struct sl_nat_yaml *y)
{
    bool is_dynamic = chosen(y->allocation.method, SL_NAT_DYNAMIC) == SL_NAT_DYNAMIC;
    const struct {
        int given, otherwise;
        uint16_t flag;
    } table[] = {
        {y->port_preservation, 1, SL_NAT_PORT_PRESERVATION},
        {y->port_parity, 1, SL_NAT_PORT_PARITY},
        {y->port_range_preservation, is_dynamic, SL_NAT_PORT_RANGE},
        {y->pooling, 1, SL_NAT_PAIRED},
        {y->hairpinning, 1, SL_NAT_HAIRPIN},
        {y->inbound_refresh, 0, SL_NAT_INBOUND_REFRESH},
        {y->unmatched, 0, SL_NAT_PASS_UNMATCHED},
        {y->ttl, 0, SL_NAT_DECREMENT_TTL},
        {y->exhausted, 1, SL_NAT_ANSWER},
        {y->nat64.private_addresses, 0, SL_NAT_ANY_ADDRESS64},
    };
    uint16_t flags = 0;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        flags |= chosen(table[i].given, table[i].otherwise) != 0 ? table[i].flag : 0;
    }
    return flags;
}

static sl_rc put_prefix64(const struct job *job)
{
    const char *text = job->yaml->nat64.prefix;
    struct pol_prefix prefix = {0};
    if (text != NULL) {
        const char *wrong = pol_prefix_parse(text, &prefix);
        if (wrong != NULL) {
            return fault(job, SL_MALFORMED, "nat64.prefix", text, "%s", wrong);
        }
        uint8_t n = prefix.length;
        if (prefix.version != 6 || prefix.addr[8] != 0 ||
            (n != 32 && n != 40 && n != 48 && n != 56 && n != 64 && n != 96)) {
            return fault(job, SL_RANGE, "nat64.prefix", text,
                         "expected an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits with bits 64 to "
                         "71 zero (RFC 6052 2.2), as 64:ff9b::/96");
        }
    }
    sl_writer_u8(job->w, prefix.length);
    sl_writer_bytes(job->w, prefix.addr, 16);
    return SL_OK;
}

static sl_rc put_ports(const struct job *job, bool is_dynamic)
{
    const char *text = job->yaml->outside.ports;
    /* REQ-3 of RFC 4787 has a use for low ports; blocks are dealt from the others */
    uint16_t first = is_dynamic ? 1 : WELL_KNOWN_END;
    uint16_t last = 65535;
    if (text != NULL && !ports_parse(text, &first, &last)) {
        return fault(job, SL_MALFORMED, "outside.ports", text,
                     "expected ports from 1 to 65535, as 1024-65535");
    }
    sl_writer_be16(job->w, first);
    sl_writer_be16(job->w, last);
    return SL_OK;
}

static sl_rc put_timeout(const struct job *job, const char *key, const char *text, uint32_t usual_s,
                         uint32_t least_s, const char *clause)
{
    char path[KEY_MAX];
    uint32_t seconds = usual_s;
    (void)snprintf(path, sizeof(path), "timeouts.%s", key);
    if (text != NULL && !time_parse(text, &seconds)) {
        return fault(job, SL_MALFORMED, path, text,
                     "expected a time of 1 s to 7 days, as 5m, 2h4m or 60s");
    }
    if (seconds < least_s && chosen(job->yaml->timeouts.allow_short, 0) == 0) {
        return fault(job, SL_RANGE, path, text,
                     "%s: not below %u s (allow_short: true takes it all the same)", clause,
                     least_s);
    }
    sl_writer_be32(job->w, seconds * 1000);
    return SL_OK;
}

static sl_rc put_timeouts(const struct job *job)
{
    const struct sl_nat_yaml_timeouts *t = &job->yaml->timeouts;
    sl_rc rc = put_timeout(job, "udp", t->udp, 300, 120, "RFC 4787 REQ-5");
    rc = rc == SL_OK
             ? put_timeout(job, "tcp_established", t->tcp_established, 7440, 7440, "RFC 5382 REQ-5")
             : rc;
    rc = rc == SL_OK
             ? put_timeout(job, "tcp_transitory", t->tcp_transitory, 240, 240, "RFC 5382 REQ-5")
             : rc;
    return rc == SL_OK ? put_timeout(job, "icmp", t->icmp, 60, 60, "RFC 5508 REQ-2") : rc;
}

static sl_rc put_allocation(const struct job *job)
{
    const struct sl_nat_yaml *y = job->yaml;
    int method = chosen(y->allocation.method, SL_NAT_DYNAMIC);
    uint32_t size = y->allocation.block_size != 0 ? y->allocation.block_size : BLOCK_DEFAULT;
    uint32_t blocks = y->allocation.blocks_per_subscriber != 0 ? y->allocation.blocks_per_subscriber
                                                               : BLOCKS_DEFAULT;
    if (size < SL_NAT_BLOCK_MIN || size > SL_NAT_BLOCK_MAX) {
        return fault(job, SL_RANGE, "allocation.block_size", NULL, "%u: expected %d to %d", size,
                     SL_NAT_BLOCK_MIN, SL_NAT_BLOCK_MAX);
    }
    if (blocks > SL_NAT_BLOCKS_MAX) {
        return fault(job, SL_RANGE, "allocation.blocks_per_subscriber", NULL,
                     "%u: expected 1 to %d", blocks, SL_NAT_BLOCKS_MAX);
    }
    if (method == SL_NAT_DYNAMIC && y->allocation.block_size != 0) {
        return fault(job, SL_MALFORMED, "allocation.block_size", NULL,
                     "means nothing with method dynamic");
    }
    sl_writer_be32(job->w, size);
    sl_writer_be32(job->w, method == SL_NAT_DETERMINISTIC ? 1 : blocks);
    return SL_OK;
}

static sl_rc put_limits(const struct job *job)
{
    const struct sl_nat_yaml_limits *limits = &job->yaml->limits;
    if (limits->mappings > SL_NAT_MAPPINGS_MAX) {
        return fault(job, SL_RANGE, "limits.mappings", NULL, "%u: expected at most %d",
                     limits->mappings, SL_NAT_MAPPINGS_MAX);
    }
    if (limits->subscribers > SL_NAT_SUBSCRIBERS_MAX) {
        return fault(job, SL_RANGE, "limits.subscribers", NULL, "%u: expected at most %d",
                     limits->subscribers, SL_NAT_SUBSCRIBERS_MAX);
    }
    sl_writer_be32(job->w, limits->mappings_per_subscriber);
    sl_writer_be32(job->w, limits->mappings != 0 ? limits->mappings : MAPPINGS_DEFAULT);
    sl_writer_be32(job->w, limits->subscribers != 0 ? limits->subscribers : SUBSCRIBERS_DEFAULT);
    return SL_OK;
}

static sl_rc put_subscriber(const struct job *job)
{
    const struct sl_nat_yaml *y = job->yaml;
    uint32_t mtu = y->nat64.mtu != 0 ? y->nat64.mtu : MTU6_DEFAULT;
    uint32_t bits4 = y->subscriber.ipv4 != NULL ? *y->subscriber.ipv4 : 32;
    uint32_t bits6 = y->subscriber.ipv6 != NULL ? *y->subscriber.ipv6 : 64;
    if (mtu < SL_NAT_MTU6_MIN || mtu > 65535) {
        return fault(job, SL_RANGE, "nat64.mtu", NULL, "%u: expected %d to 65535 (RFC 8200 5)", mtu,
                     SL_NAT_MTU6_MIN);
    }
    if (bits4 > 32) {
        return fault(job, SL_RANGE, "subscriber.ipv4", NULL, "%u: expected 0 to 32 bits", bits4);
    }
    if (bits6 > 128) {
        return fault(job, SL_RANGE, "subscriber.ipv6", NULL, "%u: expected 0 to 128 bits", bits6);
    }
    sl_writer_be16(job->w, (uint16_t)mtu);
    sl_writer_u8(job->w, (uint8_t)bits4);
    sl_writer_u8(job->w, (uint8_t)bits6);
    return SL_OK;
}

static sl_rc put_header(const struct job *job)
{
    const struct sl_nat_yaml *y = job->yaml;
    int method = chosen(y->allocation.method, SL_NAT_DYNAMIC);
    sl_writer_be32(job->w, SL_NAT_MAGIC);
    sl_writer_be16(job->w, SL_NAT_FORMAT);
    sl_writer_be16(job->w, flags_of(y));
    sl_writer_u8(job->w, (uint8_t)chosen(y->mapping, SL_NAT_ENDPOINT_INDEPENDENT));
    /* RFC 4787 REQ-8 and RFC 5382 REQ-3 recommend this where stringency matters more than
     * transparency, as it does to who runs network functions in enclaves */
    sl_writer_u8(job->w, (uint8_t)chosen(y->filtering, SL_NAT_ADDRESS_DEPENDENT));
    sl_writer_u8(job->w, (uint8_t)method);
    sl_rc rc = put_prefix64(job);
    rc = rc == SL_OK ? put_ports(job, method == SL_NAT_DYNAMIC) : rc;
    rc = rc == SL_OK ? put_allocation(job) : rc;
    rc = rc == SL_OK ? put_limits(job) : rc;
    rc = rc == SL_OK ? put_timeouts(job) : rc;
    return rc == SL_OK ? put_subscriber(job) : rc;
}

static int prefix_order(const void *a, const void *b)
{
    return memcmp(((const struct prefix *)a)->addr, ((const struct prefix *)b)->addr, 16);
}

static sl_rc put_inside(const struct job *job)
{
    static struct prefix prefixes[SL_NAT_INSIDE_MAX];
    uint32_t count = job->yaml->inside_count;
    for (uint32_t i = 0; i < count; i++) {
        char path[KEY_MAX];
        struct pol_prefix prefix;
        const char *text = job->yaml->inside[i];
        (void)snprintf(path, sizeof(path), "inside[%u]", i);
        const char *wrong = pol_prefix_parse(text, &prefix);
        if (wrong != NULL) {
            return fault(job, SL_MALFORMED, path, text, "%s", wrong);
        }
        if (prefix.version == 6 && job->yaml->nat64.prefix == NULL) {
            return fault(job, SL_MALFORMED, path, text,
                         "is IPv6: expected `nat64: {prefix: 64:ff9b::/96}` besides");
        }
        prefixes[i].bits = (uint8_t)(prefix.length + (prefix.version == 4 ? 96 : 0));
        if (prefix.version == 4) {
            put_mapped(prefixes[i].addr, prefix.addr);
        } else {
            memcpy(prefixes[i].addr, prefix.addr, 16);
        }
    }
    qsort(prefixes, count, sizeof(prefixes[0]), prefix_order);
    sl_writer_be16(job->w, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++) {
        sl_writer_u8(job->w, prefixes[i].bits);
        sl_writer_bytes(job->w, prefixes[i].addr, 16);
    }
    return SL_OK;
}

static int range_order(const void *a, const void *b)
{
    const struct range *x = a;
    const struct range *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static sl_rc put_outside(const struct job *job)
{
    static struct range ranges[SL_NAT_OUTSIDE_MAX];
    uint32_t count = job->yaml->outside.addresses_count;
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        char path[KEY_MAX];
        const char *text = job->yaml->outside.addresses[i];
        (void)snprintf(path, sizeof(path), "outside.addresses[%u]", i);
        const char *wrong = range_parse(text, &ranges[i]);
        if (wrong != NULL) {
            return fault(job, SL_MALFORMED, path, text, "%s", wrong);
        }
        total += (uint64_t)ranges[i].last - ranges[i].first + 1;
        if (total > SL_NAT_OUTSIDE_MAX) {
            return fault(job, SL_RANGE, path, text, "with it there are %llu addresses; at most %d",
                         (unsigned long long)total, SL_NAT_OUTSIDE_MAX);
        }
        for (uint32_t k = 0; k < i; k++) {
            if (ranges[k].first <= ranges[i].last && ranges[i].first <= ranges[k].last) {
                return fault(job, SL_MALFORMED, path, text, "overlaps `%s`",
                             job->yaml->outside.addresses[k]);
            }
        }
    }
    qsort(ranges, count, sizeof(ranges[0]), range_order);
    sl_writer_be16(job->w, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++) {
        sl_writer_be32(job->w, ranges[i].first);
        sl_writer_be32(job->w, ranges[i].last);
    }
    return SL_OK;
}

/* ---- forwards ---- */

static bool address_parse(const char *text, size_t size, uint8_t *ret_addr)
{
    char addr[INET6_ADDRSTRLEN];
    uint8_t addr4[4];
    if (size >= sizeof(addr)) {
        return false;
    }
    memcpy(addr, text, size);
    addr[size] = '\0';
    if (inet_pton(AF_INET, addr, addr4) == 1) {
        put_mapped(ret_addr, addr4);
        return true;
    }
    return inet_pton(AF_INET6, addr, ret_addr) == 1;
}

/* "192.0.2.1:80", "192.0.2.1:8000-8010", "[2001:db8::1]:80", "10.0.0.1", "2001:db8::1" */
static bool endpoint_parse(const char *text, uint8_t *ret_addr, uint16_t *ret_first,
                           uint16_t *ret_last, bool *ret_has_port)
{
    bool is_bracketed = text[0] == '[';
    const char *begin = text + is_bracketed;
    const char *end = strchr(begin, is_bracketed ? ']' : ':');
    *ret_has_port = false;
    if (is_bracketed && end == NULL) {
        return false;
    }
    if (!is_bracketed && (end == NULL || strchr(end + 1, ':') != NULL)) {
        return address_parse(begin, strlen(begin), ret_addr);
    }
    const char *rest = end + is_bracketed;
    *ret_has_port = *rest != '\0';
    return address_parse(begin, (size_t)(end - begin), ret_addr) &&
           (*rest == '\0' || (*rest == ':' && ports_parse(rest + 1, ret_first, ret_last)));
}

/* Whether an address is one of the pool, or one of those that are translated. */
static bool is_pooled(const struct job *job, uint32_t outside)
{
    struct range range;
    for (uint32_t i = 0; i < job->yaml->outside.addresses_count; i++) {
        if (range_parse(job->yaml->outside.addresses[i], &range) == NULL &&
            outside >= range.first && outside <= range.last) {
            return true;
        }
    }
    return false;
}

static bool is_inside(const struct job *job, const uint8_t *addr)
{
    for (uint32_t i = 0; i < job->yaml->inside_count; i++) {
        struct pol_prefix prefix;
        uint8_t first[16];
        if (pol_prefix_parse(job->yaml->inside[i], &prefix) != NULL) {
            continue;
        }
        uint32_t bits = prefix.length + (prefix.version == 4 ? 96u : 0u);
        if (prefix.version == 4) {
            put_mapped(first, prefix.addr);
        } else {
            memcpy(first, prefix.addr, 16);
        }
        uint8_t rest = (uint8_t)(0xff00u >> bits % 8);
        if (memcmp(first, addr, bits / 8) == 0 &&
            (bits % 8 == 0 || ((first[bits / 8] ^ addr[bits / 8]) & rest) == 0)) {
            return true;
        }
    }
    return false;
}

/* The ends of a forward must be ends of this NAT. */
static sl_rc forward_check(const struct job *job, const char *path, const struct forward *forward)
{
    const struct sl_nat_yaml_forward *y = &job->yaml->forwards[forward->index];
    char key[KEY_MAX + 16];
    bool has_ports = forward->proto != 0;
    if (is_pooled(job, forward->outside) != has_ports) {
        (void)snprintf(key, sizeof(key), "%s.outside", path);
        return fault(job, SL_MALFORMED, key, y->outside, "%s",
                     has_ports ? "is none of outside.addresses, whose ports are forwarded"
                               : "is one of outside.addresses, which all share: say a protocol and "
                                 "ports, or take another address");
    }
    if (!is_inside(job, forward->inside)) {
        (void)snprintf(key, sizeof(key), "%s.inside", path);
        return fault(job, SL_MALFORMED, key, y->inside, "is in none of the prefixes of `inside`");
    }
    return SL_OK;
}

static sl_rc protocol_parse(const struct job *job, const char *path, const char *text,
                            struct forward *forward)
{
    char key[KEY_MAX + 16];
    if (text == NULL || strcmp(text, "tcp") == 0 || strcmp(text, "udp") == 0) {
        forward->proto = text == NULL ? 0 : text[0] == 't' ? PROTO_TCP : PROTO_UDP;
        return SL_OK;
    }
    (void)snprintf(key, sizeof(key), "%s.protocol", path);
    return fault(job, SL_MALFORMED, key, text, "expected tcp or udp");
}

static sl_rc forward_parse(const struct job *job, uint32_t index, struct forward *ret_forward)
{
    const struct sl_nat_yaml_forward *y = &job->yaml->forwards[index];
    char path[KEY_MAX];
    char key[KEY_MAX + 16];
    struct forward f = {.index = index};
    uint8_t outside[16];
    uint16_t out_last = 0;
    uint16_t in_last = 0;
    bool has_out;
    bool has_in;
    (void)snprintf(path, sizeof(path), "forwards[%u]", index);
    sl_rc rc = protocol_parse(job, path, y->protocol, &f);
    if (rc != SL_OK) {
        return rc;
    }
    (void)snprintf(key, sizeof(key), "%s.outside", path);
    if (!endpoint_parse(y->outside, outside, &f.outside_port, &out_last, &has_out) ||
        outside[10] != 0xff || has_out != (f.proto != 0)) {
        return fault(job, SL_MALFORMED, key, y->outside, "%s",
                     f.proto != 0 ? "expected an IPv4 address with ports, as 192.0.2.1:80 or "
                                    "192.0.2.1:8000-8010"
                                  : "expected an IPv4 address; for ports say a protocol");
    }
    f.outside = sl_be32_get(outside + 12);
    (void)snprintf(key, sizeof(key), "%s.inside", path);
    if (!endpoint_parse(y->inside, f.inside, &f.inside_port, &in_last, &has_in) ||
        has_in != has_out) {
        return fault(job, SL_MALFORMED, key, y->inside, "expected an address%s",
                     has_out ? " with ports, as 10.0.0.5:8080 or \"[2001:db8::5]:8080\"" : "");
    }
    if (has_out && out_last - f.outside_port != in_last - f.inside_port) {
        return fault(job, SL_MALFORMED, key, y->inside, "expected as many ports as outside (%u)",
                     out_last - f.outside_port + 1);
    }
    f.count = has_out ? (uint16_t)(out_last - f.outside_port + 1) : 0;
    *ret_forward = f;
    return forward_check(job, path, &f);
}

static int forward_order(const void *a, const void *b)
{
    const struct forward *x = a;
    const struct forward *y = b;
    if (x->outside != y->outside) {
        return x->outside < y->outside ? -1 : 1;
    }
    int order = (int)x->proto - (int)y->proto;
    return order != 0 ? order : (int)x->outside_port - (int)y->outside_port;
}

static sl_rc put_forwards(const struct job *job)
{
    uint32_t count = job->yaml->forwards_count;
    struct forward *list = calloc(count + 1, sizeof(*list));
    sl_rc rc = list != NULL ? SL_OK : sl_err_set(job->err, SL_NO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < count && rc == SL_OK; i++) {
        rc = forward_parse(job, i, &list[i]);
    }
    if (rc == SL_OK) {
        qsort(list, count, sizeof(*list), forward_order);
        sl_writer_be16(job->w, (uint16_t)count);
    }
    for (uint32_t i = 0; i < count && rc == SL_OK; i++) {
        const struct forward *f = &list[i];
        if (i > 0 && f->outside == f[-1].outside && f->proto == f[-1].proto &&
            (f->proto == 0 || f->outside_port < f[-1].outside_port + f[-1].count)) {
            char key[KEY_MAX];
            uint32_t later = f->index > f[-1].index ? f->index : f[-1].index;
            (void)snprintf(key, sizeof(key), "forwards[%u].outside", later);
            rc = fault(job, SL_MALFORMED, key, job->yaml->forwards[later].outside,
                       "is forwarded already, by number %u of the list",
                       (f->index > f[-1].index ? f[-1].index : f->index) + 1);
        }
        sl_writer_u8(job->w, f->proto);
        sl_writer_be32(job->w, f->outside);
        sl_writer_be16(job->w, f->outside_port);
        sl_writer_be16(job->w, f->count);
        sl_writer_bytes(job->w, f->inside, 16);
        sl_writer_be16(job->w, f->inside_port);
    }
    free(list);
    return rc;
}

sl_rc sl_nat_yaml_write(const struct sl_nat_yaml *yaml, const char *text, size_t size,
                        struct sl_writer *w, struct sl_err *err)
{
    const struct job job = {.yaml = yaml, .text = text, .size = size, .w = w, .err = err};
    sl_rc rc = put_header(&job);
    rc = rc == SL_OK ? put_inside(&job) : rc;
    rc = rc == SL_OK ? put_outside(&job) : rc;
    return rc == SL_OK ? put_forwards(&job) : rc;
}
