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
#include "policy/nat_values.h"
#include "policy/words.h"

enum {
    NUMBER_MAX = 12,
    MAPPINGS_DEFAULT = 65536,
    SUBSCRIBERS_DEFAULT = 16384,
    BLOCK_DEFAULT = 512,
    BLOCKS_DEFAULT = 4,
    MTU6_DEFAULT = 1500,
    WELL_KNOWN_END = 1024,
};

struct ports {
    uint16_t first, last;
    uint32_t count;
};

/* "line 3, column 7: `word`: what is wrong" */
sl_rc pol_nat_fault(const struct pol_nat_job *job, sl_rc rc, const char *key, const char *word,
                    const char *format, ...)
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

static uint32_t number_or(const uint32_t *given, uint32_t otherwise)
{
    return given != NULL ? *given : otherwise;
}

/* The word that a number is in the file. */
static const char *number_word(uint32_t number, char *ret_word)
{
    (void)snprintf(ret_word, NUMBER_MAX, "%u", number);
    return ret_word;
}

/* A number that the file has, or that is usual, outside of its bounds. */
static sl_rc number_check(const struct pol_nat_job *job, const char *key, uint32_t number,
                          uint32_t least, uint32_t most, const char *unit)
{
    char word[NUMBER_MAX];
    return number >= least && number <= most
               ? SL_OK
               : pol_nat_fault(job, SL_RANGE, key, number_word(number, word), "expected %u to %u%s",
                               least, most, unit);
}

static int method_of(const struct pol_nat_job *job)
{
    return chosen(job->yaml->allocation.method, SL_NAT_DYNAMIC);
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
bool pol_nat_ports_parse(const char *text, uint16_t *ret_first, uint16_t *ret_last)
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

void pol_nat_put_mapped(uint8_t *out, const uint8_t *addr4)
{
    memset(out, 0, 10);
    out[10] = 0xff;
    out[11] = 0xff;
    memcpy(out + 12, addr4, 4);
}

/* "192.0.2.1", "192.0.2.0/28", "192.0.2.1-192.0.2.9" */
const char *pol_nat_range_parse(const char *text, struct pol_nat_range *ret_range)
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
        {y->identification, 0, SL_NAT_OWN_ID},
        {y->nat64.private_addresses, 0, SL_NAT_ANY_ADDRESS64},
    };
    uint16_t flags = 0;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        flags |= chosen(table[i].given, table[i].otherwise) != 0 ? table[i].flag : 0;
    }
    return flags;
}

static sl_rc put_prefix64(const struct pol_nat_job *job)
{
    const char *text = job->yaml->nat64.prefix;
    struct pol_prefix prefix = {0};
    if (text != NULL) {
        const char *wrong = pol_prefix_parse(text, &prefix);
        if (wrong != NULL) {
            return pol_nat_fault(job, SL_MALFORMED, "nat64.prefix", text, "%s", wrong);
        }
        uint8_t n = prefix.length;
        if (prefix.version != 6 || prefix.addr[8] != 0 ||
            (n != 32 && n != 40 && n != 48 && n != 56 && n != 64 && n != 96)) {
            return pol_nat_fault(
                job, SL_RANGE, "nat64.prefix", text,
                "expected an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits with bits 64 to "
                "71 zero (RFC 6052 2.2), as 64:ff9b::/96");
        }
    }
    sl_writer_u8(job->w, prefix.length);
    sl_writer_bytes(job->w, prefix.addr, 16);
    return SL_OK;
}

static sl_rc ports_of(const struct pol_nat_job *job, struct ports *ret_ports)
{
    const char *text = job->yaml->outside.ports;
    /* REQ-3 of RFC 4787 has a use for low ports; blocks are dealt from the others */
    struct ports ports = {.first = method_of(job) == SL_NAT_DYNAMIC ? 1 : WELL_KNOWN_END,
                          .last = 65535};
    if (text != NULL && !pol_nat_ports_parse(text, &ports.first, &ports.last)) {
        return pol_nat_fault(job, SL_MALFORMED, "outside.ports", text,
                             "expected ports from 1 to 65535, as 1024-65535");
    }
    ports.count = (uint32_t)(ports.last - ports.first) + 1;
    *ret_ports = ports;
    return SL_OK;
}

static sl_rc put_timeout(const struct pol_nat_job *job, const char *key, const char *text,
                         uint32_t usual_s, uint32_t least_s, const char *clause)
{
    char path[POL_NAT_KEY_MAX];
    uint32_t seconds = usual_s;
    (void)snprintf(path, sizeof(path), "timeouts.%s", key);
    if (text != NULL && !time_parse(text, &seconds)) {
        return pol_nat_fault(job, SL_MALFORMED, path, text,
                             "expected a time of 1 s to 7 days, as 5m, 2h4m or 60s");
    }
    if (seconds < least_s && chosen(job->yaml->timeouts.allow_short, 0) == 0) {
        return pol_nat_fault(job, SL_RANGE, path, text,
                             "%s: not below %u s (allow_short: true takes it all the same)", clause,
                             least_s);
    }
    sl_writer_be32(job->w, seconds * 1000);
    return SL_OK;
}

static sl_rc put_timeouts(const struct pol_nat_job *job)
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

/* Keys that the method has no use for: who wrote them meant another one. */
static sl_rc allocation_check(const struct pol_nat_job *job)
{
    const struct sl_nat_yaml_allocation *a = &job->yaml->allocation;
    char word[NUMBER_MAX];
    int method = method_of(job);
    if (method == SL_NAT_DYNAMIC && a->block_size != NULL) {
        return pol_nat_fault(job, SL_MALFORMED, "allocation.block_size",
                             number_word(*a->block_size, word),
                             "means nothing with method dynamic");
    }
    if (method != SL_NAT_BLOCK && a->blocks_per_subscriber != NULL) {
        return pol_nat_fault(job, SL_MALFORMED, "allocation.blocks_per_subscriber",
                             number_word(*a->blocks_per_subscriber, word),
                             "means something with method port_block only");
    }
    return SL_OK;
}

static sl_rc put_allocation(const struct pol_nat_job *job)
{
    const struct sl_nat_yaml_allocation *a = &job->yaml->allocation;
    char word[NUMBER_MAX];
    struct ports ports = {0};
    uint32_t size = number_or(a->block_size, BLOCK_DEFAULT);
    uint32_t blocks = number_or(a->blocks_per_subscriber, BLOCKS_DEFAULT);
    sl_rc rc = ports_of(job, &ports);
    rc = rc == SL_OK ? allocation_check(job) : rc;
    rc = rc == SL_OK ? number_check(job, "allocation.block_size", size, SL_NAT_BLOCK_MIN,
                                    SL_NAT_BLOCK_MAX, " ports")
                     : rc;
    rc = rc == SL_OK ? number_check(job, "allocation.blocks_per_subscriber", blocks, 1,
                                    SL_NAT_BLOCKS_MAX, "")
                     : rc;
    if (rc != SL_OK) {
        return rc;
    }
    if (method_of(job) != SL_NAT_DYNAMIC && size > ports.count) {
        return a->block_size != NULL
                   ? pol_nat_fault(job, SL_RANGE, "allocation.block_size", number_word(size, word),
                                   "more than the %u ports of an address", ports.count)
                   : pol_nat_fault(job, SL_RANGE, "outside.ports", job->yaml->outside.ports,
                                   "%u ports: no block of %u (allocation.block_size)", ports.count,
                                   size);
    }
    sl_writer_be16(job->w, ports.first);
    sl_writer_be16(job->w, ports.last);
    sl_writer_be32(job->w, size);
    sl_writer_be32(job->w, method_of(job) == SL_NAT_DETERMINISTIC ? 1 : blocks);
    return SL_OK;
}

static sl_rc put_limits(const struct pol_nat_job *job)
{
    const struct sl_nat_yaml_limits *limits = &job->yaml->limits;
    uint32_t mappings = number_or(limits->mappings, MAPPINGS_DEFAULT);
    uint32_t subscribers = number_or(limits->subscribers, SUBSCRIBERS_DEFAULT);
    sl_rc rc = number_check(job, "limits.mappings", mappings, 1, SL_NAT_MAPPINGS_MAX, "");
    rc = rc == SL_OK
             ? number_check(job, "limits.subscribers", subscribers, 1, SL_NAT_SUBSCRIBERS_MAX, "")
             : rc;
    uint32_t each = limits->mappings_per_subscriber;
    sl_writer_be32(job->w, number_or(limits->tcp_mappings_per_subscriber, each));
    sl_writer_be32(job->w, number_or(limits->udp_mappings_per_subscriber, each));
    sl_writer_be32(job->w, number_or(limits->icmp_mappings_per_subscriber, each));
    sl_writer_be32(job->w, mappings);
    sl_writer_be32(job->w, subscribers);
    sl_writer_be32(job->w, limits->sessions_per_mapping);
    return rc;
}

static sl_rc put_subscriber(const struct pol_nat_job *job)
{
    const struct sl_nat_yaml *y = job->yaml;
    uint32_t mtu = number_or(y->nat64.mtu, MTU6_DEFAULT);
    uint32_t bits4 = number_or(y->subscriber.ipv4, 32);
    uint32_t bits6 = number_or(y->subscriber.ipv6, 64);
    sl_rc rc = number_check(job, "nat64.mtu", mtu, SL_NAT_MTU6_MIN, 65535, " (RFC 8200 5)");
    rc = rc == SL_OK ? number_check(job, "subscriber.ipv4", bits4, 0, 32, " bits") : rc;
    rc = rc == SL_OK ? number_check(job, "subscriber.ipv6", bits6, 0, 128, " bits") : rc;
    sl_writer_be16(job->w, (uint16_t)mtu);
    sl_writer_u8(job->w, (uint8_t)bits4);
    sl_writer_u8(job->w, (uint8_t)bits6);
    return rc;
}

static sl_rc put_header(const struct pol_nat_job *job)
{
    const struct sl_nat_yaml *y = job->yaml;
    sl_writer_be32(job->w, SL_NAT_MAGIC);
    sl_writer_be16(job->w, SL_NAT_FORMAT);
    sl_writer_be16(job->w, flags_of(y));
    sl_writer_u8(job->w, (uint8_t)chosen(y->mapping, SL_NAT_ENDPOINT_INDEPENDENT));
    /* RFC 4787 REQ-8 and RFC 5382 REQ-3 recommend this where stringency matters more than
     * transparency, as it does to who runs network functions in enclaves */
    sl_writer_u8(job->w, (uint8_t)chosen(y->filtering, SL_NAT_ADDRESS_DEPENDENT));
    sl_writer_u8(job->w, (uint8_t)method_of(job));
    sl_rc rc = put_prefix64(job);
    rc = rc == SL_OK ? put_allocation(job) : rc;
    rc = rc == SL_OK ? put_limits(job) : rc;
    rc = rc == SL_OK ? put_timeouts(job) : rc;
    return rc == SL_OK ? put_subscriber(job) : rc;
}

static int prefix_order(const void *a, const void *b)
{
    return memcmp(((const struct pol_nat_prefix *)a)->addr,
                  ((const struct pol_nat_prefix *)b)->addr, 16);
}

/* A prefix in the form of 128 bits. @return what is wrong, or NULL */
const char *pol_nat_inside_parse(const char *text, struct pol_nat_prefix *ret_prefix)
{
    struct pol_prefix prefix;
    const char *wrong = pol_prefix_parse(text, &prefix);
    if (wrong != NULL) {
        return wrong;
    }
    ret_prefix->bits = (uint8_t)(prefix.length + (prefix.version == 4 ? 96 : 0));
    if (prefix.version == 4) {
        pol_nat_put_mapped(ret_prefix->addr, prefix.addr);
    } else {
        memcpy(ret_prefix->addr, prefix.addr, 16);
    }
    return NULL;
}

bool pol_nat_prefix_has(const struct pol_nat_prefix *prefix, const uint8_t *addr)
{
    uint32_t whole = prefix->bits / 8u;
    uint8_t rest = (uint8_t)(0xff00u >> prefix->bits % 8);
    return memcmp(prefix->addr, addr, whole) == 0 &&
           (prefix->bits % 8 == 0 || ((prefix->addr[whole] ^ addr[whole]) & rest) == 0);
}

/* How many subscribers a prefix has; which only matters where each has ports of its own. */
static sl_rc subscribers_count(const struct pol_nat_job *job, const char *path, const char *text,
                               const struct pol_nat_prefix *prefix, uint64_t *total)
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    bool is4 = prefix->bits >= 96 && memcmp(prefix->addr, mapped, sizeof(mapped)) == 0;
    const struct sl_nat_yaml_subscriber *y = &job->yaml->subscriber;
    uint32_t bits = is4 ? number_or(y->ipv4, 32) + 96 : number_or(y->ipv6, 64);
    if (method_of(job) != SL_NAT_DETERMINISTIC) {
        return SL_OK;
    }
    if (bits < prefix->bits || bits - prefix->bits > 32) {
        return pol_nat_fault(
            job, SL_RANGE, path, text,
            "with method deterministic: expected 1 to 2^32 whole subscribers of /%u",
            is4 ? bits - 96 : bits);
    }
    *total += 1ull << (bits - prefix->bits);
    return SL_OK;
}

static sl_rc put_inside(const struct pol_nat_job *job, uint64_t *ret_subscribers)
{
    static struct pol_nat_prefix prefixes[SL_NAT_INSIDE_MAX];
    uint32_t count = job->yaml->inside_count;
    *ret_subscribers = 0;
    for (uint32_t i = 0; i < count; i++) {
        char path[POL_NAT_KEY_MAX];
        const char *text = job->yaml->inside[i];
        (void)snprintf(path, sizeof(path), "inside[%u]", i);
        const char *wrong = pol_nat_inside_parse(text, &prefixes[i]);
        if (wrong != NULL) {
            return pol_nat_fault(job, SL_MALFORMED, path, text, "%s", wrong);
        }
        if (strchr(text, ':') != NULL && job->yaml->nat64.prefix == NULL) {
            return pol_nat_fault(job, SL_MALFORMED, path, text,
                                 "is IPv6: expected `nat64: {prefix: 64:ff9b::/96}` besides");
        }
        for (uint32_t k = 0; k < i; k++) {
            if (pol_nat_prefix_has(&prefixes[k], prefixes[i].addr) ||
                pol_nat_prefix_has(&prefixes[i], prefixes[k].addr)) {
                return pol_nat_fault(job, SL_MALFORMED, path, text, "overlaps `%s`",
                                     job->yaml->inside[k]);
            }
        }
        sl_rc rc = subscribers_count(job, path, text, &prefixes[i], ret_subscribers);
        if (rc != SL_OK) {
            return rc;
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
    const struct pol_nat_range *x = a;
    const struct pol_nat_range *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* RFC 7422: every subscriber has ports, or none of this holds. */
static sl_rc room_check(const struct pol_nat_job *job, uint64_t subscribers, uint64_t addresses)
{
    struct ports ports = {0};
    uint32_t size = number_or(job->yaml->allocation.block_size, BLOCK_DEFAULT);
    sl_rc rc = method_of(job) == SL_NAT_DETERMINISTIC ? ports_of(job, &ports) : SL_STATE;
    if (rc != SL_OK) {
        return rc == SL_STATE ? SL_OK : rc;
    }
    uint32_t slots = ports.count / size;
    return subscribers <= addresses * slots
               ? SL_OK
               : pol_nat_fault(
                     job, SL_RANGE, "allocation.method", "deterministic",
                     "%llu subscribers and room for %llu (%u on each of %llu outside addresses)",
                     (unsigned long long)subscribers, (unsigned long long)(addresses * slots),
                     slots, (unsigned long long)addresses);
}

static sl_rc put_outside(const struct pol_nat_job *job, uint64_t subscribers)
{
    static struct pol_nat_range ranges[SL_NAT_OUTSIDE_MAX];
    uint32_t count = job->yaml->outside.addresses_count;
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        char path[POL_NAT_KEY_MAX];
        const char *text = job->yaml->outside.addresses[i];
        (void)snprintf(path, sizeof(path), "outside.addresses[%u]", i);
        const char *wrong = pol_nat_range_parse(text, &ranges[i]);
        if (wrong != NULL) {
            return pol_nat_fault(job, SL_MALFORMED, path, text, "%s", wrong);
        }
        total += (uint64_t)ranges[i].last - ranges[i].first + 1;
        if (total > SL_NAT_OUTSIDE_MAX) {
            return pol_nat_fault(job, SL_RANGE, path, text,
                                 "with it there are %llu addresses; at most %d",
                                 (unsigned long long)total, SL_NAT_OUTSIDE_MAX);
        }
        for (uint32_t k = 0; k < i; k++) {
            if (ranges[k].first <= ranges[i].last && ranges[i].first <= ranges[k].last) {
                return pol_nat_fault(job, SL_MALFORMED, path, text, "overlaps `%s`",
                                     job->yaml->outside.addresses[k]);
            }
        }
    }
    sl_rc rc = room_check(job, subscribers, total);
    qsort(ranges, count, sizeof(ranges[0]), range_order);
    sl_writer_be16(job->w, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++) {
        sl_writer_be32(job->w, ranges[i].first);
        sl_writer_be32(job->w, ranges[i].last);
    }
    return rc;
}

sl_rc sl_nat_yaml_write(const struct sl_nat_yaml *yaml, const char *text, size_t size,
                        struct sl_writer *w, struct sl_err *err)
{
    const struct pol_nat_job job = {.yaml = yaml, .text = text, .size = size, .w = w, .err = err};
    uint64_t subscribers = 0;
    sl_rc rc = put_header(&job);
    rc = rc == SL_OK ? put_inside(&job, &subscribers) : rc;
    rc = rc == SL_OK ? put_outside(&job, subscribers) : rc;
    return rc == SL_OK ? pol_nat_put_forwards(&job) : rc;
}
