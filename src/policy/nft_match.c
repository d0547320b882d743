/* SPDX-License-Identifier: Apache-2.0 */
/* From nft's JSON expressions to sets of values. */
#include "policy/nft_match.h"

#include <arpa/inet.h>
#include <string.h>

enum value_kind {
    VALUE_NUMBER,
    VALUE_BITS,
    VALUE_ADDR4,
    VALUE_ADDR6,
    VALUE_PORT_NAME,
    VALUE_FRAG_OFF
};

enum {
    PROTO_NONE = -1,
    PROTO_TH = -2, /* any protocol with ports; the rule must say which */
};

/* A field that can be matched: where it lies, and what asking for it implies. */
struct field {
    const char *protocol;
    const char *name;
    uint8_t dim;
    uint8_t families;
    int proto;
    enum value_kind kind;
};

static const struct field fields[] = {
    {"ip", "saddr", SL_FW_DIM_SRC4, SL_FW_IP4, PROTO_NONE, VALUE_ADDR4},
    {"ip", "daddr", SL_FW_DIM_DST4, SL_FW_IP4, PROTO_NONE, VALUE_ADDR4},
    {"ip", "protocol", SL_FW_DIM_PROTO, SL_FW_IP4, PROTO_NONE, VALUE_NUMBER},
    {"ip", "frag-off", SL_FW_DIM_FRAGMENT, SL_FW_IP4, PROTO_NONE, VALUE_FRAG_OFF},
    {"ip6", "saddr", SL_FW_DIM_SRC6, SL_FW_IP6, PROTO_NONE, VALUE_ADDR6},
    {"ip6", "daddr", SL_FW_DIM_DST6, SL_FW_IP6, PROTO_NONE, VALUE_ADDR6},
    {"ip6", "nexthdr", SL_FW_DIM_NEXT_HEADER, SL_FW_IP6, PROTO_NONE, VALUE_NUMBER},
    {"tcp", "sport", SL_FW_DIM_SPORT, 3, 6, VALUE_NUMBER},
    {"tcp", "dport", SL_FW_DIM_DPORT, 3, 6, VALUE_NUMBER},
    {"tcp", "flags", SL_FW_DIM_TCP_FLAGS, 3, 6, VALUE_BITS},
    {"udp", "sport", SL_FW_DIM_SPORT, 3, 17, VALUE_NUMBER},
    {"udp", "dport", SL_FW_DIM_DPORT, 3, 17, VALUE_NUMBER},
    {"udplite", "sport", SL_FW_DIM_SPORT, 3, 136, VALUE_NUMBER},
    {"udplite", "dport", SL_FW_DIM_DPORT, 3, 136, VALUE_NUMBER},
    {"dccp", "sport", SL_FW_DIM_SPORT, 3, 33, VALUE_NUMBER},
    {"dccp", "dport", SL_FW_DIM_DPORT, 3, 33, VALUE_NUMBER},
    {"sctp", "sport", SL_FW_DIM_SPORT, 3, 132, VALUE_NUMBER},
    {"sctp", "dport", SL_FW_DIM_DPORT, 3, 132, VALUE_NUMBER},
    {"th", "sport", SL_FW_DIM_SPORT, 3, PROTO_TH, VALUE_NUMBER},
    {"th", "dport", SL_FW_DIM_DPORT, 3, PROTO_TH, VALUE_NUMBER},
    {"icmp", "type", SL_FW_DIM_ICMP_TYPE, SL_FW_IP4, 1, VALUE_NUMBER},
    {"icmp", "code", SL_FW_DIM_ICMP_CODE, SL_FW_IP4, 1, VALUE_NUMBER},
    {"icmpv6", "type", SL_FW_DIM_ICMP_TYPE, SL_FW_IP6, 58, VALUE_NUMBER},
    {"icmpv6", "code", SL_FW_DIM_ICMP_CODE, SL_FW_IP6, 58, VALUE_NUMBER},
    {"meta", "l4proto", SL_FW_DIM_PROTO, 3, PROTO_NONE, VALUE_NUMBER},
    {"meta", "iifname", SL_FW_DIM_PORT_IN, 3, PROTO_NONE, VALUE_PORT_NAME},
    {"meta", "oifname", SL_FW_DIM_PORT_IN, 3, PROTO_NONE, VALUE_PORT_NAME},
    {"ct", "state", SL_FW_DIM_CT_STATE, 3, PROTO_NONE, VALUE_BITS},
    {"ct", "direction", SL_FW_DIM_CT_DIRECTION, 3, PROTO_NONE, VALUE_NUMBER},
};

static sl_rc refuse(struct sl_err *why, const char *format, const char *what)
{
    return sl_err_set(why, SL_UNSUPPORTED, format, what);
}

static sl_rc no_memory(struct sl_err *why)
{
    return sl_err_set(why, SL_NO_MEMORY, "out of memory");
}

/* Name of the only member of an object such as {"ct": ...}. */
static const char *key_of(const json_t *object)
{
    const char *key;
    json_t *value;
    json_t *mutable_object = (json_t *)(uintptr_t)object; /* jansson's iterator takes no const */
    json_object_foreach(mutable_object, key, value)
    {
        return key;
    }
    return "an unknown expression";
}

/* What to write instead of what is not known, or "". */
static const char *hint_of(const char *protocol, const char *name)
{
    static const struct {
        const char *protocol, *name, *hint;
    } hints[] = {{"ct", "status",
                  "; of connections it knows ct state and ct direction. For `dnat`: packets from "
                  "the WAN have "
                  "been through the NAT when they come here, so name the inside address and port"},
                 {"ct", "", "; of connections it knows ct state and ct direction"},
                 {"meta", "iif", "; write iifname \"lan\" or \"wan\""},
                 {"meta", "oif", "; write oifname \"lan\" or \"wan\""},
                 {"meta", "", "; of meta it knows nfproto, protocol, l4proto, iifname and oifname"},
                 {"ip", "", "; of ip it knows saddr, daddr, protocol and frag-off"},
                 {"ip6", "", "; of ip6 it knows saddr, daddr and nexthdr"},
                 {"tcp", "", "; of tcp it knows sport, dport and flags"},
                 {"icmp", "", "; of icmp it knows type and code"},
                 {"icmpv6", "", "; of icmpv6 it knows type and code"},
                 {"ether", "", "; there are no link layer addresses in the tunnel"}};
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (strcmp(hints[i].protocol, protocol) == 0 &&
            (hints[i].name[0] == '\0' || strcmp(hints[i].name, name) == 0)) {
            return hints[i].hint;
        }
    }
    return "";
}

/* Finds the field of {"payload": ...}, {"meta": ...} or {"ct": ...}. */
static sl_rc find_field(const json_t *left, const struct field **ret_field, struct sl_err *why)
{
    const json_t *payload = json_object_get(left, "payload");
    const json_t *meta = json_object_get(left, "meta");
    const json_t *ct = json_object_get(left, "ct");
    const char *protocol = "meta";
    const char *name = NULL;
    if (payload != NULL) {
        protocol = json_string_value(json_object_get(payload, "protocol"));
        name = json_string_value(json_object_get(payload, "field"));
    } else if (meta != NULL) {
        name = json_string_value(json_object_get(meta, "key"));
    } else if (ct != NULL) {
        protocol = "ct";
        name = json_string_value(json_object_get(ct, "key"));
    } else {
        return refuse(why, "it cannot match %s", key_of(left));
    }
    if (protocol == NULL || name == NULL) {
        return refuse(why, "it cannot match %s", "raw payload bytes");
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].protocol, protocol) == 0 && strcmp(fields[i].name, name) == 0) {
            *ret_field = &fields[i];
            return SL_OK;
        }
    }
    return sl_err_set(why, SL_UNSUPPORTED, "it cannot match %s %s%s", protocol, name,
                      hint_of(protocol, name));
}

static bool read_addr(const char *text, enum value_kind kind, pol_key *ret_key)
{
    uint8_t bytes[16];
    size_t size = kind == VALUE_ADDR4 ? 4 : 16;
    if (text == NULL || inet_pton(kind == VALUE_ADDR4 ? AF_INET : AF_INET6, text, bytes) != 1) {
        return false;
    }
    pol_key key = 0;
    for (size_t i = 0; i < size; i++) {
        key = key << 8 | bytes[i];
    }
    *ret_key = key;
    return true;
}

/* LAN and WAN are the only ports; what leaves by one came in by the other. */
static bool read_port_name(const char *text, bool is_out, pol_key *ret_key)
{
    bool is_lan = text != NULL && strcmp(text, "lan") == 0;
    bool is_wan = text != NULL && strcmp(text, "wan") == 0;
    *ret_key = is_out ? is_lan : is_wan;
    return is_lan || is_wan;
}

/* A number, a list of numbers or {"|": [...]}: bits or-ed together. */
static bool read_bits(const json_t *value, pol_key *ret_key)
{
    if (json_is_integer(value)) {
        *ret_key = (pol_key)json_integer_value(value);
        return true;
    }
    const json_t *list = json_is_array(value) ? value : json_object_get(value, "|");
    if (!json_is_array(list)) {
        return false;
    }
    *ret_key = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        pol_key part = 0;
        if (!read_bits(json_array_get(list, i), &part)) {
            return false;
        }
        *ret_key |= part;
    }
    return true;
}

static sl_rc read_value(const struct field *field, const json_t *value, pol_key *ret_key,
                        struct sl_err *why)
{
    bool is_read = false;
    switch (field->kind) {
    case VALUE_ADDR4:
    case VALUE_ADDR6:
        is_read = read_addr(json_string_value(value), field->kind, ret_key);
        break;
    case VALUE_PORT_NAME:
        is_read = read_port_name(json_string_value(value), field->name[0] == 'o', ret_key);
        if (!is_read) {
            return refuse(why, "interfaces here are called \"lan\" and \"wan\", not \"%s\"",
                          json_is_string(value) ? json_string_value(value) : "?");
        }
        break;
    default:
        is_read = read_bits(value, ret_key);
        break;
    }
    if (!is_read || *ret_key > pol_dim_max(field->dim)) {
        return sl_err_set(why, SL_UNSUPPORTED, "it cannot read the value of %s %s", field->protocol,
                          field->name);
    }
    return SL_OK;
}

/* Takes the wrapping {"elem": {"val": ...}} off. A comment is for readers, a counter per element
 * counts and decides nothing; all else that nft hangs on an element (limit, quota, ct count,
 * timeout, last) decides by state. */
static sl_rc unwrap(const json_t **element, struct sl_err *why)
{
    json_t *wrapped = json_object_get(*element, "elem");
    const char *name;
    json_t *value;
    if (wrapped == NULL) {
        return SL_OK;
    }
    json_object_foreach(wrapped, name, value)
    {
        if (strcmp(name, "val") != 0 && strcmp(name, "comment") != 0 &&
            strcmp(name, "counter") != 0) {
            return refuse(why, "set elements with a %s need state", name);
        }
    }
    *element = json_object_get(wrapped, "val");
    return SL_OK;
}

/* One element: value, prefix or range, maybe wrapped. */
static sl_rc add_element(const struct nft_scope *scope, const struct field *field,
                         const json_t *element, struct pol_set *set, struct sl_err *why)
{
    sl_rc rc = unwrap(&element, why);
    if (rc != SL_OK) {
        return rc;
    }
    pol_key lo = 0;
    pol_key hi = 0;
    const json_t *prefix = json_object_get(element, "prefix");
    const json_t *range = json_object_get(element, "range");
    if (prefix != NULL) {
        uint32_t bits = 8 * pol_dim_width(field->dim);
        json_int_t len = json_integer_value(json_object_get(prefix, "len"));
        if (len < 0 || len > bits) {
            return refuse(why, "%s", "a prefix is longer than its address");
        }
        rc = read_value(field, json_object_get(prefix, "addr"), &lo, why);
        pol_key host =
            len == 0 ? pol_dim_max(field->dim) : ((pol_key)1 << (bits - (uint32_t)len)) - 1;
        hi = lo | host;
        lo &= ~host;
    } else if (range != NULL) {
        rc = read_value(field, json_array_get(range, 0), &lo, why);
        if (rc == SL_OK) {
            rc = read_value(field, json_array_get(range, 1), &hi, why);
        }
        if (rc == SL_OK && lo > hi) {
            return refuse(why, "%s", "a range ends before it begins");
        }
    } else {
        rc = read_value(field, element, &lo, why);
        hi = lo;
    }
    if (rc == SL_OK && !pol_set_add(&scope->program->arena, set, lo, hi)) {
        return no_memory(why);
    }
    return rc;
}

/* Elements of {"set": [...]} or "@name", or NULL where `right` is a single value. */
static sl_rc find_elements(const struct nft_scope *scope, const json_t *right,
                           const json_t **ret_elements, struct sl_err *why)
{
    const char *name = json_string_value(right);
    *ret_elements = json_object_get(right, "set");
    if (name != NULL && name[0] == '@') {
        const char *reason = "there is no such set";
        *ret_elements = scope->find_set(scope->ctx, name + 1, &reason);
        if (*ret_elements == NULL) {
            return sl_err_set(why, SL_UNSUPPORTED, "set %s: %s", name, reason);
        }
    }
    return SL_OK;
}

static sl_rc read_set(const struct nft_scope *scope, const struct field *field, const json_t *right,
                      struct pol_set **ret_set, struct sl_err *why)
{
    const json_t *elements = NULL;
    sl_rc rc = find_elements(scope, right, &elements, why);
    if (rc != SL_OK) {
        return rc;
    }
    struct pol_set *set = pol_set_new(&scope->program->arena, 4);
    if (set == NULL) {
        return no_memory(why);
    }
    if (elements == NULL) {
        rc = add_element(scope, field, right, set, why);
    }
    for (size_t i = 0; rc == SL_OK && i < json_array_size(elements); i++) {
        rc = add_element(scope, field, json_array_get(elements, i), set, why);
    }
    pol_set_normalise(set);
    *ret_set = set;
    return rc;
}

static sl_rc complement(const struct nft_scope *scope, uint32_t dim, struct pol_set **set,
                        struct sl_err *why)
{
    *set = pol_set_complement(&scope->program->arena, *set, pol_dim_max(dim));
    return *set != NULL ? SL_OK : no_memory(why);
}

/* <, <=, >, >= against one value. */
static sl_rc read_order(const struct nft_scope *scope, const struct field *field, const char *op,
                        const json_t *right, struct pol_set **ret_set, struct sl_err *why)
{
    pol_key value = 0;
    sl_rc rc = read_value(field, right, &value, why);
    if (rc != SL_OK) {
        return rc;
    }
    struct pol_set *set = pol_set_new(&scope->program->arena, 1);
    if (set == NULL) {
        return no_memory(why);
    }
    pol_key max = pol_dim_max(field->dim);
    bool has_equal = op[1] == '=';
    if (op[0] == '<' && (has_equal || value > 0)) {
        set->intervals[set->count++] = (struct pol_interval){0, has_equal ? value : value - 1};
    } else if (op[0] == '>' && (has_equal || value < max)) {
        set->intervals[set->count++] = (struct pol_interval){has_equal ? value : value + 1, max};
    }
    *ret_set = set;
    return SL_OK;
}

/* Byte values v for which (v & mask) is, or is not, `want`. */
static sl_rc masked_bytes(const struct nft_scope *scope, pol_key mask, pol_key want, bool is_equal,
                          struct pol_set **ret_set, struct sl_err *why)
{
    struct pol_set *set = pol_set_new(&scope->program->arena, 8);
    if (set == NULL) {
        return no_memory(why);
    }
    for (uint32_t value = 0; value < 256; value++) {
        if (((value & mask) == want) == is_equal &&
            !pol_set_add(&scope->program->arena, set, value, value)) {
            return no_memory(why);
        }
    }
    pol_set_normalise(set);
    *ret_set = set;
    return SL_OK;
}

/* `ip frag-off & MASK ==|!= 0` as a set of fragment bits. */
static sl_rc frag_off_bytes(const struct nft_scope *scope, pol_key mask, pol_key want,
                            bool is_equal, struct pol_set **ret_set, struct sl_err *why)
{
    /* RFC 791 3.1: 13 bits of offset below MF (0x2000) */
    pol_key bits = 0;
    switch ((uint32_t)mask) {
    case 0x1fff:
        bits = SL_FW_LATER_FRAGMENT;
        break;
    case 0x2000:
        bits = SL_FW_MORE_FRAGMENTS;
        break;
    case 0x3fff:
        bits = SL_FW_FRAGMENT;
        break;
    default:
        break;
    }
    if (bits == 0 || (want != 0 && !(mask == 0x2000 && want == 0x2000))) {
        return refuse(
            why, "of ip frag-off it knows & 0x1fff, & 0x2000 and & 0x3fff compared with %s", "0");
    }
    return masked_bytes(scope, bits, 0, is_equal == (want == 0), ret_set, why);
}

/* {"&": [field, mask]} op right */
static sl_rc read_masked(const struct nft_scope *scope, const struct field *field,
                         const json_t *mask_json, const char *op, const json_t *right,
                         struct pol_set **ret_set, struct sl_err *why)
{
    pol_key mask = 0;
    pol_key want = 0;
    bool is_equal = strcmp(op, "==") == 0;
    bool is_flags = field->kind == VALUE_BITS;
    if (!is_flags && field->kind != VALUE_FRAG_OFF) {
        return sl_err_set(why, SL_UNSUPPORTED, "it cannot match %s %s under a mask",
                          field->protocol, field->name);
    }
    bool is_more = strcmp(op, ">") == 0 && field->kind == VALUE_FRAG_OFF; /* > 0 is != 0 */
    if (!read_bits(mask_json, &mask) || !read_bits(right, &want) ||
        (!is_equal && !is_more && strcmp(op, "!=") != 0) || (is_more && want != 0)) {
        return sl_err_set(why, SL_UNSUPPORTED, "it cannot compare %s %s under a mask by %s",
                          field->protocol, field->name, op);
    }
    return is_flags ? masked_bytes(scope, mask, want, is_equal, ret_set, why)
                    : frag_off_bytes(scope, mask, want, is_equal, ret_set, why);
}

/* `field op right` as a set of values of the field's dimension. */
static sl_rc read_compared(const struct nft_scope *scope, const struct field *field, const char *op,
                           const json_t *right, struct pol_set **ret_set, struct sl_err *why)
{
    if (field->kind == VALUE_FRAG_OFF) {
        return refuse(why, "%s", "ip frag-off is matched under a mask, as in & 0x1fff != 0");
    }
    bool is_none = strcmp(op, "!") == 0;
    if ((is_none || strcmp(op, "in") == 0) && field->kind == VALUE_BITS) {
        pol_key bits = 0; /* "tcp flags syn,ack": any of them set; "tcp flags ! syn,ack": none */
        if (!read_bits(right, &bits)) {
            return sl_err_set(why, SL_UNSUPPORTED, "it cannot read the value of %s %s",
                              field->protocol, field->name);
        }
        return masked_bytes(scope, bits, 0, is_none, ret_set, why);
    }
    if (op[0] == '<' || op[0] == '>') {
        return read_order(scope, field, op, right, ret_set, why);
    }
    if (strcmp(op, "==") != 0 && strcmp(op, "!=") != 0 && strcmp(op, "in") != 0) {
        return refuse(why, "it cannot compare by %s", op);
    }
    sl_rc rc = read_set(scope, field, right, ret_set, why);
    if (rc == SL_OK && op[0] == '!') {
        rc = complement(scope, field->dim, ret_set, why);
    }
    return rc;
}

/* Asking for a field of a protocol asks for the protocol, too. */
static sl_rc imply_proto(const struct nft_scope *scope, const struct field *field,
                         struct pol_match *match, struct sl_err *why)
{
    match->families &= field->families;
    if (field->proto < 0) {
        match->is_th |= field->proto == PROTO_TH;
        return SL_OK;
    }
    struct pol_set *set = pol_set_new(&scope->program->arena, 1);
    if (set == NULL) {
        return no_memory(why);
    }
    set->intervals[set->count++] =
        (struct pol_interval){(pol_key)field->proto, (pol_key)field->proto};
    return pol_match_narrow(scope->program, match, SL_FW_DIM_PROTO, set) == SL_OK ? SL_OK
                                                                                  : no_memory(why);
}

/* meta nfproto, meta protocol: a family. Numbers as nft -n writes them: AF_*, and the EtherType in
 * the byte order of the machine. */
static bool read_family(const json_t *value, uint8_t *ret_families)
{
    static const struct {
        const char *name;
        json_int_t nfproto, ether, swapped;
        uint8_t family;
    } names[] = {{"ip", 2, 0x0800, 0x0008, SL_FW_IP4}, {"ip6", 10, 0x86dd, 0xdd86, SL_FW_IP6}};
    const json_t *list = json_object_get(value, "set");
    if (list != NULL) {
        *ret_families = 0;
        for (size_t i = 0; i < json_array_size(list); i++) {
            uint8_t one = 0;
            if (!read_family(json_array_get(list, i), &one)) {
                return false;
            }
            *ret_families |= one;
        }
        return true;
    }
    const char *text = json_string_value(value);
    json_int_t number = json_integer_value(value);
    for (size_t i = 0; i < 2; i++) {
        bool is_named = text != NULL && (strcmp(text, names[i].name) == 0 ||
                                         strcmp(text, i == 0 ? "ipv4" : "ipv6") == 0);
        if (is_named || (text == NULL && (number == names[i].nfproto || number == names[i].ether ||
                                          number == names[i].swapped))) {
            *ret_families = names[i].family;
            return true;
        }
    }
    return false;
}

/* Matches that are no set of values: families and the IPv6 fragment header. */
static sl_rc read_special(const struct nft_scope *scope, const json_t *left, const char *op,
                          const json_t *right, struct pol_match *match, bool *ret_is_done,
                          struct sl_err *why)
{
    const char *key = json_string_value(json_object_get(json_object_get(left, "meta"), "key"));
    const json_t *exthdr = json_object_get(left, "exthdr");
    bool is_not = strcmp(op, "!=") == 0;
    *ret_is_done = true;
    if (key != NULL && (strcmp(key, "nfproto") == 0 || strcmp(key, "protocol") == 0)) {
        uint8_t families = 0;
        if (!read_family(right, &families)) {
            return refuse(why, "meta %s is matched with ip and ip6 only", key);
        }
        match->families &= is_not ? (uint8_t)~families : families;
        return SL_OK;
    }
    if (exthdr != NULL) {
        const char *name = json_string_value(json_object_get(exthdr, "name"));
        if (name == NULL || strcmp(name, "frag") != 0 || json_object_get(exthdr, "field") != NULL ||
            !json_is_boolean(right)) {
            return refuse(why, "of IPv6 extension headers it knows %s", "exthdr frag exists");
        }
        struct pol_set *set = NULL;
        bool is_present = json_is_true(right) != is_not;
        sl_rc rc = masked_bytes(scope, SL_FW_FRAGMENT_HEADER, 0, !is_present, &set, why);
        match->families &= SL_FW_IP6; /* the kernel's expression breaks off in IPv4, both ways */
        return rc == SL_OK ? pol_match_narrow(scope->program, match, SL_FW_DIM_FRAGMENT, set) : rc;
    }
    *ret_is_done = false;
    return SL_OK;
}

static sl_rc read_simple(const struct nft_scope *scope, const json_t *left, const char *op,
                         const json_t *right, struct pol_match *match, struct sl_err *why)
{
    bool is_done = false;
    sl_rc rc = read_special(scope, left, op, right, match, &is_done, why);
    if (rc != SL_OK || is_done) {
        return rc;
    }
    const json_t *masked = json_object_get(left, "&");
    const struct field *field = NULL;
    rc = find_field(masked != NULL ? json_array_get(masked, 0) : left, &field, why);
    if (rc != SL_OK) {
        return rc;
    }
    if (field->kind == VALUE_PORT_NAME &&
        scope->hook == (field->name[0] == 'o' ? NFT_PREROUTING : NFT_POSTROUTING)) {
        return refuse(why, "at this hook the kernel does not know %s, and the rule fits nothing",
                      field->name);
    }
    struct pol_set *set = NULL;
    rc = masked != NULL ? read_masked(scope, field, json_array_get(masked, 1), op, right, &set, why)
                        : read_compared(scope, field, op, right, &set, why);
    if (rc != SL_OK) {
        return rc;
    }
    rc = imply_proto(scope, field, match, why);
    if (rc != SL_OK) {
        return rc;
    }
    return pol_match_narrow(scope->program, match, field->dim, set) == SL_OK ? SL_OK
                                                                             : no_memory(why);
}

sl_rc nft_match_key(const struct nft_scope *scope, const json_t *key, const json_t *right,
                    struct pol_match *ret_match, struct sl_err *why)
{
    struct pol_match match = pol_match_all();
    const json_t *concat = json_object_get(key, "concat");
    sl_rc rc = SL_OK;
    if (concat == NULL) {
        rc = read_simple(scope, key, "==", right, &match, why);
    } else {
        rc = unwrap(&right, why);
        if (rc != SL_OK) {
            return rc;
        }
        const json_t *values = json_object_get(right, "concat");
        if (json_array_size(values) != json_array_size(concat)) {
            return refuse(why, "it cannot read %s", "an element of a concatenation");
        }
        for (size_t i = 0; rc == SL_OK && i < json_array_size(concat); i++) {
            rc = read_simple(scope, json_array_get(concat, i), "==", json_array_get(values, i),
                             &match, why);
        }
    }
    *ret_match = match;
    return rc;
}

/* a . b ==|in {x . y, ...}: one match per element */
static sl_rc read_concat(const struct nft_scope *scope, const json_t *left, const char *op,
                         const json_t *right, struct nft_matches *ret_matches, struct sl_err *why)
{
    if (strcmp(op, "!=") == 0) {
        return refuse(why, "it cannot negate %s", "a concatenation");
    }
    const json_t *elements = NULL;
    sl_rc rc = find_elements(scope, right, &elements, why);
    if (rc != SL_OK) {
        return rc;
    }
    size_t count = elements != NULL ? json_array_size(elements) : 1;
    if (count > SL_FW_RULES_MAX) {
        return refuse(why, "%s", "a concatenation has more elements than there may be rules");
    }
    ret_matches->items = pol_alloc(&scope->program->arena, (count + 1) * sizeof(struct pol_match));
    if (ret_matches->items == NULL) {
        return no_memory(why);
    }
    ret_matches->count = (uint32_t)count;
    for (size_t i = 0; rc == SL_OK && i < count; i++) {
        rc = nft_match_key(scope, left, elements != NULL ? json_array_get(elements, i) : right,
                           &ret_matches->items[i], why);
    }
    return rc;
}

sl_rc nft_match_read(const struct nft_scope *scope, const json_t *match,
                     struct nft_matches *ret_matches, struct sl_err *why)
{
    const json_t *left = json_object_get(match, "left");
    const json_t *right = json_object_get(match, "right");
    const char *op = json_string_value(json_object_get(match, "op"));
    if (left == NULL || right == NULL || op == NULL) {
        return refuse(why, "it cannot read %s", "this match");
    }
    if (json_object_get(left, "concat") != NULL) {
        return read_concat(scope, left, op, right, ret_matches, why);
    }
    ret_matches->items = pol_alloc(&scope->program->arena, sizeof(struct pol_match));
    if (ret_matches->items == NULL) {
        return no_memory(why);
    }
    ret_matches->count = 1;
    ret_matches->items[0] = pol_match_all();
    return read_simple(scope, left, op, right, &ret_matches->items[0], why);
}
