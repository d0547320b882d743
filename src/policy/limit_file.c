/* SPDX-License-Identifier: Apache-2.0 */
/* Limits in nft's words, as far as nft has them, into the rate limiter's policy.
 * docs/policy-limiter.md has the language. */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "limiter/format.h"
#include "policy/single.h"
#include "policy/words.h"

enum {
    RULE_BYTES_MAX = 128,
    BUCKETS_DEFAULT = 16384,
    LENGTH6_DEFAULT =
        64, /* what one IPv6 site is given (RFC 6177): single addresses cost nothing */
    PACKET_BURST_DEFAULT = 5, /* as the kernel's */
    BURST_LEAST = 1500,
};

struct limit {
    struct pol_prefix prefix[2]; /* source, destination; version 0: any */
    uint8_t ports, families, proto, has;
    uint16_t port[2][2]; /* source, destination; first, last */
    uint8_t key, length4, length6, unit, action, dscp;
    uint32_t buckets;
    uint64_t rate; /* units in `period_ms` */
    uint64_t period_ms;
    uint64_t burst;
    bool has_rate, has_burst;
};

struct reading {
    struct pol_words words;
    struct pol_single single;
    uint32_t count;
    uint32_t buckets, flow_rules;
    uint32_t ids[SL_LM_RULES_MAX];
};

/* ---- matches ---- */

static sl_rc narrow_family(const struct pol_words *words, uint32_t at, struct limit *limit,
                           uint8_t family, struct sl_err *err)
{
    if ((limit->families & family) == 0) {
        return pol_words_fault(words, at, SL_MALFORMED, err,
                               "the rule asks for IPv4 and for IPv6: no packet is both");
    }
    limit->families = family;
    return SL_OK;
}

/* `ip saddr 10.0.0.0/8`; also the start of `ip dscp set`, which the caller takes. */
static sl_rc read_address(const struct pol_words *words, uint32_t *at, struct limit *limit,
                          struct sl_err *err)
{
    bool is_v4 = pol_words_is(words, *at, "ip");
    sl_rc rc = narrow_family(words, *at, limit, is_v4 ? SL_LM_IP4 : SL_LM_IP6, err);
    if (rc != SL_OK) {
        return rc;
    }
    bool is_source = pol_words_is(words, *at + 1, "saddr");
    if (!is_source && !pol_words_is(words, *at + 1, "daddr")) {
        return pol_words_fault(words, *at + 1, SL_UNSUPPORTED, err,
                               "expected saddr, daddr, or dscp set");
    }
    struct pol_prefix *prefix = &limit->prefix[is_source ? 0 : 1];
    if (prefix->version != 0) {
        return pol_words_fault(words, *at + 1, SL_MALFORMED, err, "is there already");
    }
    rc = pol_words_prefix(words, *at + 2, prefix, err);
    if (rc == SL_OK && prefix->version != (is_v4 ? 4 : 6)) {
        rc = pol_words_fault(words, *at + 2, SL_MALFORMED, err, "is of the other family");
    }
    limit->has |= is_source ? SL_LM_HAS_SOURCE : SL_LM_HAS_DESTINATION;
    *at += 3;
    return rc;
}

static sl_rc set_proto(const struct pol_words *words, uint32_t at, struct limit *limit,
                       const char *name, struct sl_err *err)
{
    static const struct {
        const char *name;
        uint8_t number;
    } protos[] = {{"tcp", 6},       {"udp", 17}, {"sctp", 132},    {"dccp", 33},
                  {"udplite", 136}, {"icmp", 1}, {"esp", 50},      {"ah", 51},
                  {"icmpv6", 58},   {"gre", 47}, {"ipv6-icmp", 58}};
    for (uint32_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
        if (strcmp(name, protos[i].name) == 0) {
            if ((limit->has & SL_LM_HAS_PROTO) != 0 && limit->proto != protos[i].number) {
                break;
            }
            limit->proto = protos[i].number;
            limit->has |= SL_LM_HAS_PROTO;
            return SL_OK;
        }
    }
    return pol_words_fault(words, at, SL_MALFORMED, err,
                           (limit->has & SL_LM_HAS_PROTO) != 0 ? "another protocol is there already"
                                                               : "expected a protocol");
}

/* `80` or `8000-8100` */
static bool range_of(const char *text, uint16_t *range)
{
    char *end = NULL;
    unsigned long first = strtoul(text, &end, 10);
    unsigned long last = first;
    bool is_good = end != text && first <= 65535;
    if (is_good && *end == '-') {
        const char *second = end + 1;
        last = strtoul(second, &end, 10);
        is_good = end != second && last <= 65535 && first <= last;
    }
    range[0] = (uint16_t)first;
    range[1] = (uint16_t)last;
    return is_good && *end == '\0' && text[0] >= '0' && text[0] <= '9';
}

/* `tcp dport 80` */
static sl_rc read_ports(const struct pol_words *words, uint32_t *at, struct limit *limit,
                        struct sl_err *err)
{
    sl_rc rc = set_proto(words, *at, limit, words->words[*at], err);
    if (rc != SL_OK) {
        return rc;
    }
    bool is_source = pol_words_is(words, *at + 1, "sport");
    if (!is_source && !pol_words_is(words, *at + 1, "dport")) {
        return pol_words_fault(words, *at + 1, SL_UNSUPPORTED, err, "expected sport or dport");
    }
    if (*at + 2 >= words->count ||
        !range_of(words->words[*at + 2], limit->port[is_source ? 0 : 1])) {
        return pol_words_fault(words, *at + 2, SL_MALFORMED, err,
                               "expected a port or a range, as 80 or 8000-8100");
    }
    limit->has |= SL_LM_HAS_PORTS;
    *at += 3;
    return SL_OK;
}

/* `iifname lan`, with quotes or without */
static sl_rc read_interface(const struct pol_words *words, uint32_t *at, struct limit *limit,
                            struct sl_err *err)
{
    bool is_lan = pol_words_is(words, *at + 1, "lan") || pol_words_is(words, *at + 1, "\"lan\"");
    bool is_wan = pol_words_is(words, *at + 1, "wan") || pol_words_is(words, *at + 1, "\"wan\"");
    if (!is_lan && !is_wan) {
        return pol_words_fault(words, *at + 1, SL_MALFORMED, err, "expected lan or wan");
    }
    limit->ports = is_lan ? 1 : 2;
    *at += 2;
    return SL_OK;
}

/* ---- limits ---- */

struct unit {
    const char *name;
    uint64_t factor;
};
/* as nft counts them */
static const struct unit byte_units[] = {{"bytes", 1}, {"kbytes", 1 << 10}, {"mbytes", 1 << 20}};
static const struct unit periods[] = {{"second", 1000},
                                      {"minute", 60000},
                                      {"hour", 3600000},
                                      {"day", 86400000},
                                      {"week", SL_LM_WEEK_MS}};

static uint64_t unit_of(const struct unit *units, size_t count, const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].name) == size && strncmp(units[i].name, name, size) == 0) {
            return units[i].factor;
        }
    }
    return 0;
}

static bool is_digit(const char *text)
{
    return text[0] >= '0' && text[0] <= '9';
}

/* `mbytes/second`: what it multiplies by, up to the slash; 0: nothing known. */
static uint64_t read_unit(const char *text, const char **ret_slash, uint8_t *ret_unit)
{
    const char *slash = strchr(text, '/');
    size_t size = slash != NULL ? (size_t)(slash - text) : 0;
    *ret_slash = slash;
    if (size == 7 && strncmp(text, "packets", 7) == 0) {
        *ret_unit = SL_LM_PACKETS;
        return 1;
    }
    *ret_unit = SL_LM_BYTES;
    return unit_of(byte_units, 3, text, size);
}

/* `10/second` or `100 mbytes/second`, from word `*at` on */
static sl_rc read_rate(const struct pol_words *words, uint32_t *at, struct limit *limit,
                       struct sl_err *err)
{
    const char *text = *at < words->count ? words->words[*at] : "";
    char *end = NULL;
    uint64_t number = strtoull(text, &end, 10);
    const char *slash = end;
    uint64_t factor = 1;
    uint32_t unit_at = *at;
    limit->unit = SL_LM_PACKETS;
    if (!is_digit(text) || number == 0 || number > UINT32_MAX || (*end != '\0' && *end != '/')) {
        return pol_words_fault(words, *at, SL_MALFORMED, err,
                               "expected a rate, as 10/second or 100 mbytes/second");
    }
    if (*end == '\0') {
        unit_at = *at + 1;
        const char *unit = unit_at < words->count ? words->words[unit_at] : "";
        factor = read_unit(unit, &slash, &limit->unit);
    }
    limit->period_ms = slash != NULL ? unit_of(periods, 5, slash + 1, strlen(slash + 1)) : 0;
    if (factor == 0 || limit->period_ms == 0) {
        return pol_words_fault(
            words, unit_at, SL_MALFORMED, err,
            "expected bytes, kbytes or mbytes / second, minute, hour, day or week");
    }
    limit->rate = number * factor;
    limit->has_rate = true;
    *at = unit_at + 1;
    return SL_OK;
}

/* `5 packets` or `1 mbytes` */
static sl_rc read_burst(const struct pol_words *words, uint32_t *at, struct limit *limit,
                        struct sl_err *err)
{
    uint64_t number;
    sl_rc rc = pol_words_number(words, *at, SL_LM_BURST_MAX, &number, err);
    if (rc != SL_OK) {
        return rc;
    }
    const char *unit = *at + 1 < words->count ? words->words[*at + 1] : "";
    uint64_t factor = limit->unit == SL_LM_BYTES     ? unit_of(byte_units, 3, unit, strlen(unit))
                      : strcmp(unit, "packets") == 0 ? 1
                                                     : 0;
    if (factor == 0) {
        return pol_words_fault(words, *at + 1, SL_MALFORMED, err,
                               limit->unit == SL_LM_BYTES ? "expected bytes, kbytes or mbytes"
                                                          : "expected packets");
    }
    if (number == 0 || number * factor > SL_LM_BURST_MAX) {
        return pol_words_fault(words, *at, SL_RANGE, err, "a burst is 1 to %llu",
                               (unsigned long long)SL_LM_BURST_MAX);
    }
    limit->burst = number * factor;
    limit->has_burst = true;
    *at += 2;
    return SL_OK;
}

/* `limit rate [over] RATE [burst BURST]` */
static sl_rc read_limit(const struct pol_words *words, uint32_t *at, struct limit *limit,
                        struct sl_err *err)
{
    if (limit->has_rate) {
        return pol_words_fault(words, *at, SL_MALFORMED, err, "is there already");
    }
    if (!pol_words_is(words, *at + 1, "rate")) {
        return pol_words_fault(words, *at + 1, SL_MALFORMED, err, "expected rate");
    }
    uint32_t rate_at = *at + 2 + pol_words_is(words, *at + 2, "over");
    uint32_t next = rate_at;
    sl_rc rc = read_rate(words, &next, limit, err);
    uint32_t burst_at = next;
    if (rc == SL_OK && pol_words_is(words, next, "burst")) {
        burst_at = ++next;
        rc = read_burst(words, &next, limit, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    /* the clock ticks in milliseconds: what one brings must fit the bucket, or is lost */
    uint64_t tick = limit->rate / limit->period_ms + 1;
    uint64_t least = limit->unit == SL_LM_BYTES && tick < BURST_LEAST ? BURST_LEAST : tick;
    if (!limit->has_burst) {
        uint64_t usual = limit->unit == SL_LM_BYTES ? 64 << 10 : PACKET_BURST_DEFAULT;
        limit->burst = tick == 1 || usual > 10 * tick ? usual : 10 * tick;
    }
    if (limit->burst < least || limit->burst > SL_LM_BURST_MAX) {
        return pol_words_fault(words, burst_at, SL_RANGE, err,
                               "the burst must be at least %llu: a packet, and what the rate "
                               "brings in a millisecond; and at most %llu",
                               (unsigned long long)least, (unsigned long long)SL_LM_BURST_MAX);
    }
    *at = next;
    return SL_OK;
}

/* `prefix 24 64`: IPv4, then IPv6; one number is of IPv6 where the rule is. */
static sl_rc read_lengths(const struct pol_words *words, uint32_t *at, struct limit *limit,
                          struct sl_err *err)
{
    uint64_t number;
    bool is_only6 = limit->families == SL_LM_IP6;
    sl_rc rc = pol_words_number(words, *at + 1, is_only6 ? 128 : 32, &number, err);
    if (rc != SL_OK) {
        return rc;
    }
    *(is_only6 ? &limit->length6 : &limit->length4) = (uint8_t)number;
    *at += 2;
    if (*at < words->count && is_digit(words->words[*at])) {
        rc = pol_words_number(words, *at, 128, &number, err);
        limit->length6 = (uint8_t)number;
        *at += 1;
    }
    return rc;
}

/* `per source [prefix N [N]] [size N]`, `per destination ...`, `per flow`, `per rule` */
static sl_rc read_key(const struct pol_words *words, uint32_t *at, struct limit *limit,
                      struct sl_err *err)
{
    uint64_t number = 0;
    sl_rc rc = SL_OK;
    static const char *const names[SL_LM_KEY_COUNT] = {"rule", "source", "destination", "flow"};
    uint32_t key = 0;
    while (key < SL_LM_KEY_COUNT && !pol_words_is(words, *at + 1, names[key])) {
        key++;
    }
    if (key == SL_LM_KEY_COUNT) {
        return pol_words_fault(words, *at + 1, SL_MALFORMED, err,
                               "expected source, destination, flow or rule");
    }
    limit->key = (uint8_t)key;
    *at += 2;
    if (key != SL_LM_PER_SOURCE && key != SL_LM_PER_DESTINATION) {
        return SL_OK;
    }
    limit->buckets = BUCKETS_DEFAULT;
    if (pol_words_is(words, *at, "prefix")) {
        rc = read_lengths(words, at, limit, err);
    }
    if (rc == SL_OK && pol_words_is(words, *at, "size")) {
        rc = pol_words_number(words, *at + 1, SL_LM_BUCKETS_MAX, &number, err);
        for (limit->buckets = SL_LM_BUCKETS_MIN; limit->buckets < number;) {
            limit->buckets *= 2;
        }
        *at += 2;
    }
    return rc;
}

/* ---- actions ---- */

/* RFC 2474, 2597, 3246, 5865, 8622: nft's names */
static bool dscp_of(const char *text, uint8_t *ret_dscp)
{
    static const struct unit names[] = {
        {"cs0", 0},   {"cs1", 8},   {"cs2", 16},  {"cs3", 24},  {"cs4", 32},
        {"cs5", 40},  {"cs6", 48},  {"cs7", 56},  {"df", 0},    {"be", 0},
        {"lephb", 1}, {"af11", 10}, {"af12", 12}, {"af13", 14}, {"af21", 18},
        {"af22", 20}, {"af23", 22}, {"af31", 26}, {"af32", 28}, {"af33", 30},
        {"af41", 34}, {"af42", 36}, {"af43", 38}, {"va", 44},   {"ef", 46}};
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i].name) == 0) {
            *ret_dscp = (uint8_t)names[i].factor;
            return true;
        }
    }
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 0);
    *ret_dscp = (uint8_t)number;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && number <= 63;
}

/* `ip dscp set af11` */
static sl_rc read_mark(const struct pol_words *words, uint32_t *at, struct limit *limit,
                       struct sl_err *err)
{
    if (!pol_words_is(words, *at + 2, "set")) {
        return pol_words_fault(words, *at + 2, SL_UNSUPPORTED, err, "expected set");
    }
    if (*at + 3 >= words->count || !dscp_of(words->words[*at + 3], &limit->dscp)) {
        return pol_words_fault(words, *at + 3, SL_MALFORMED, err,
                               "expected a DSCP, as af11, cs1, ef or a number to 63");
    }
    limit->action = SL_LM_MARK;
    *at += 4;
    return SL_OK;
}

/* `meta l4proto icmpv6` */
static sl_rc read_meta(const struct pol_words *words, uint32_t *at, struct limit *limit,
                       struct sl_err *err)
{
    if (!pol_words_is(words, *at + 1, "l4proto")) {
        return pol_words_fault(words, *at + 1, SL_UNSUPPORTED, err, "expected l4proto");
    }
    const char *name = *at + 2 < words->count ? words->words[*at + 2] : "";
    sl_rc rc = set_proto(words, *at + 2, limit, name, err);
    *at += 3;
    return rc;
}

static sl_rc read_ip(const struct pol_words *words, uint32_t *at, struct limit *limit,
                     struct sl_err *err)
{
    return pol_words_is(words, *at + 1, "dscp") ? read_mark(words, at, limit, err)
                                                : read_address(words, at, limit, err);
}

/* Dropping is what a limit does without being told. */
static sl_rc read_drop(const struct pol_words *words, uint32_t *at, struct limit *limit,
                       struct sl_err *err)
{
    if (limit->action == SL_LM_MARK) {
        return pol_words_fault(words, *at, SL_MALFORMED, err, "the rule marks already");
    }
    *at += 1;
    return SL_OK;
}

/* Every rule counts. */
static sl_rc read_counter(const struct pol_words *words, uint32_t *at, struct limit *limit,
                          struct sl_err *err)
{
    *at += 1;
    return SL_OK;
}

static sl_rc read_comment(const struct pol_words *words, uint32_t *at, struct limit *limit,
                          struct sl_err *err)
{
    *at = words->count;
    return SL_OK;
}

/* One step of a rule. */
static sl_rc read_part(const struct pol_words *words, uint32_t *at, struct limit *limit,
                       struct sl_err *err)
{
    static const struct {
        const char *word;
        sl_rc (*read)(const struct pol_words *words, uint32_t *at, struct limit *limit,
                      struct sl_err *err);
    } parts[] = {
        {"ip", read_ip},         {"ip6", read_ip},          {"iifname", read_interface},
        {"iif", read_interface}, {"limit", read_limit},     {"per", read_key},
        {"meta", read_meta},     {"tcp", read_ports},       {"udp", read_ports},
        {"sctp", read_ports},    {"dccp", read_ports},      {"udplite", read_ports},
        {"drop", read_drop},     {"counter", read_counter}, {"comment", read_comment},
    };
    for (uint32_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (pol_words_is(words, *at, parts[i].word)) {
            return parts[i].read(words, at, limit, err);
        }
    }
    return pol_words_fault(words, *at, SL_UNSUPPORTED, err,
                           "expected ip, ip6, iifname, meta l4proto, tcp, udp, limit, per, drop, "
                           "counter or comment");
}

/* ---- the policy ---- */

static void put_prefix(struct sl_writer *w, const struct pol_prefix *prefix)
{
    sl_writer_bytes(w, prefix->addr, sizeof(prefix->addr));
    sl_writer_u8(w, prefix->version != 0 ? prefix->length : 0);
}

static void put_match(struct sl_writer *w, const struct limit *limit)
{
    sl_writer_u8(w, limit->ports);
    sl_writer_u8(w, limit->families);
    sl_writer_u8(w, limit->proto);
    sl_writer_u8(w, limit->has);
    put_prefix(w, &limit->prefix[0]);
    put_prefix(w, &limit->prefix[1]);
    for (uint32_t i = 0; i < 4; i++) {
        sl_writer_be16(w, limit->port[i / 2][i % 2]);
    }
    sl_writer_u8(w, limit->key);
    sl_writer_u8(w, limit->length4);
    sl_writer_u8(w, limit->length6);
    sl_writer_u8(w, limit->unit);
}

/* What makes two rules the same limit, whatever its rate: hashed. Two rules of one policy that
 * match and count alike are told apart by which comes first. */
static uint32_t id_of(const struct reading *in, const struct limit *limit)
{
    uint8_t bytes[RULE_BYTES_MAX + 4];
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct sl_writer w;
    for (uint32_t again = 0;; again++) {
        sl_writer_init(&w, bytes, sizeof(bytes));
        put_match(&w, limit);
        sl_writer_be32(&w, again);
        (void)SHA256(bytes, w.off, digest);
        uint32_t id = sl_be32_get(digest) | 1;
        bool is_taken = false;
        for (uint32_t i = 0; i < in->count; i++) {
            is_taken |= in->ids[i] == id;
        }
        if (!is_taken) {
            return id;
        }
    }
}

static sl_rc put_rule(struct reading *in, const struct limit *limit, struct sl_err *err)
{
    struct sl_writer *w = &in->single.w;
    uint32_t id = id_of(in, limit);
    in->ids[in->count] = id;
    sl_writer_be32(w, id);
    put_match(w, limit);
    sl_writer_be32(w, limit->buckets);
    sl_writer_be64(w, limit->rate * (SL_LM_WEEK_MS / limit->period_ms));
    sl_writer_be64(w, limit->burst);
    sl_writer_u8(w, limit->action);
    sl_writer_u8(w, limit->dscp);
    in->count++;
    in->buckets += limit->buckets;
    in->flow_rules += limit->key == SL_LM_PER_FLOW;
    return pol_single_rule(&in->single, in->words.line, in->words.text,
                           limit->action == SL_LM_DROP ? "drop" : "mark", err);
}

static sl_rc read_rule(struct reading *in, struct sl_err *err)
{
    const struct pol_words *words = &in->words;
    struct limit limit = {.ports = 3,
                          .families = SL_LM_IP4 | SL_LM_IP6,
                          .port = {{0, 65535}, {0, 65535}},
                          .length4 = 32,
                          .length6 = LENGTH6_DEFAULT};
    sl_rc rc = SL_OK;
    for (uint32_t at = 0; at < words->count && rc == SL_OK;) {
        rc = read_part(words, &at, &limit, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (!limit.has_rate) {
        return pol_words_fault(words, words->count, SL_MALFORMED, err, "expected limit rate");
    }
    if (in->count == SL_LM_RULES_MAX) {
        return pol_words_fault(words, 0, SL_RANGE, err, "more than %u rules", SL_LM_RULES_MAX);
    }
    rc = put_rule(in, &limit, err);
    if (rc == SL_OK && in->buckets > SL_LM_BUCKETS_MAX) {
        rc = pol_words_fault(words, 0, SL_RANGE, err,
                             "with the rules before it more than %u buckets by address (size)",
                             SL_LM_BUCKETS_MAX);
    }
    if (rc == SL_OK && in->flow_rules > SL_LM_FLOW_RULES_MAX) {
        rc = pol_words_fault(words, 0, SL_RANGE, err, "more than %u rules per flow",
                             SL_LM_FLOW_RULES_MAX);
    }
    return rc;
}

sl_rc sl_policy_compile_limit(const char *path, struct sl_policy *ret_policy, struct sl_err *err)
{
    struct reading in = {0};
    bool has = true;
    sl_rc rc = pol_words_open(&in.words, path, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = pol_single_init(&in.single, "limiter", "limit", path,
                         8 + (size_t)SL_LM_RULES_MAX * RULE_BYTES_MAX, err);
    if (rc != SL_OK) {
        pol_words_close(&in.words);
        return rc;
    }
    sl_writer_be32(&in.single.w, SL_LM_MAGIC);
    sl_writer_be16(&in.single.w, SL_LM_FORMAT);
    uint8_t *count = sl_writer_reserve(&in.single.w, 2);
    while (rc == SL_OK) {
        rc = pol_words_next(&in.words, &has, err);
        if (rc != SL_OK || !has) {
            break;
        }
        rc = read_rule(&in, err);
    }
    if (rc == SL_OK) {
        sl_be16_put(count, (uint16_t)in.count);
        rc = pol_single_finish(&in.single, "accept", ret_policy, err);
    }
    pol_words_close(&in.words);
    pol_single_done(&in.single);
    return rc;
}
