/* SPDX-License-Identifier: Apache-2.0 */
/* The NAT's policy: libcyaml's schema, and the way from a file to a bundle. */
#include "policy/nat_file.h"

#include <stdlib.h>

#include "files/yaml_file.h"
#include "nat/reason.h"
#include "policy/single.h"

#define OPTIONAL (CYAML_FLAG_OPTIONAL)
#define TEXT     (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define NEEDED   (CYAML_FLAG_POINTER)
#define GIVEN(v) (SL_NAT_YAML_GIVEN | (v))

enum { VALUE_MAX = 128 };

static const cyaml_strval_t dependences[] = {
    {"endpoint_independent", GIVEN(SL_NAT_ENDPOINT_INDEPENDENT)},
    {"address_dependent", GIVEN(SL_NAT_ADDRESS_DEPENDENT)},
    {"address_and_port_dependent", GIVEN(SL_NAT_ADDRESS_AND_PORT_DEPENDENT)},
};
static const cyaml_strval_t methods[] = {
    {"dynamic", GIVEN(SL_NAT_DYNAMIC)},
    {"port_block", GIVEN(SL_NAT_BLOCK)},
    {"deterministic", GIVEN(SL_NAT_DETERMINISTIC)},
};
static const cyaml_strval_t poolings[] = {{"paired", GIVEN(1)}, {"arbitrary", GIVEN(0)}};
static const cyaml_strval_t unmatched[] = {{"drop", GIVEN(0)}, {"pass", GIVEN(1)}};
static const cyaml_strval_t ttls[] = {{"keep", GIVEN(0)}, {"decrement", GIVEN(1)}};
static const cyaml_strval_t exhausted[] = {{"drop", GIVEN(0)}, {"answer", GIVEN(1)}};
static const cyaml_strval_t identifications[] = {{"keep", GIVEN(0)}, {"own", GIVEN(1)}};
static const cyaml_strval_t bools[] = {{"false", GIVEN(0)}, {"true", GIVEN(1)}};

#define WORD(key, type, member, words)                                                             \
    CYAML_FIELD_ENUM(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct type, member, words,     \
                     sizeof(words) / sizeof((words)[0]))
#define STRING(flags, type, member)                                                                \
    CYAML_FIELD_STRING_PTR(#member, flags, struct type, member, 0, VALUE_MAX)
#define NUMBER(type, member) CYAML_FIELD_UINT_PTR(#member, OPTIONAL, struct type, member)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, VALUE_MAX),
};
static const cyaml_schema_field_t outside_fields[] = {
    CYAML_FIELD_SEQUENCE("addresses", CYAML_FLAG_POINTER, struct sl_nat_yaml_outside, addresses,
                         &text_schema, 1, SL_NAT_OUTSIDE_MAX),
    STRING(TEXT, sl_nat_yaml_outside, ports),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t nat64_fields[] = {
    STRING(NEEDED, sl_nat_yaml_64, prefix),
    NUMBER(sl_nat_yaml_64, mtu),
    WORD("private_addresses", sl_nat_yaml_64, private_addresses, bools),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t allocation_fields[] = {
    WORD("method", sl_nat_yaml_allocation, method, methods),
    NUMBER(sl_nat_yaml_allocation, block_size),
    NUMBER(sl_nat_yaml_allocation, blocks_per_subscriber),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t subscriber_fields[] = {
    NUMBER(sl_nat_yaml_subscriber, ipv4),
    NUMBER(sl_nat_yaml_subscriber, ipv6),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t limits_fields[] = {
    NUMBER(sl_nat_yaml_limits, mappings),
    NUMBER(sl_nat_yaml_limits, subscribers),
    CYAML_FIELD_UINT("mappings_per_subscriber", OPTIONAL, struct sl_nat_yaml_limits,
                     mappings_per_subscriber),
    NUMBER(sl_nat_yaml_limits, tcp_mappings_per_subscriber),
    NUMBER(sl_nat_yaml_limits, udp_mappings_per_subscriber),
    NUMBER(sl_nat_yaml_limits, icmp_mappings_per_subscriber),
    CYAML_FIELD_UINT("sessions_per_mapping", OPTIONAL, struct sl_nat_yaml_limits,
                     sessions_per_mapping),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t timeouts_fields[] = {
    STRING(TEXT, sl_nat_yaml_timeouts, udp),
    STRING(TEXT, sl_nat_yaml_timeouts, tcp_established),
    STRING(TEXT, sl_nat_yaml_timeouts, tcp_transitory),
    STRING(TEXT, sl_nat_yaml_timeouts, icmp),
    WORD("allow_short", sl_nat_yaml_timeouts, allow_short, bools),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t forward_fields[] = {
    STRING(TEXT, sl_nat_yaml_forward, protocol),
    STRING(NEEDED, sl_nat_yaml_forward, outside),
    STRING(NEEDED, sl_nat_yaml_forward, inside),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t forward_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sl_nat_yaml_forward, forward_fields),
};

#define GROUP(name, flags)                                                                         \
    CYAML_FIELD_MAPPING(#name, flags, struct sl_nat_yaml, name, name##_fields)
#define FLAG(name) WORD(#name, sl_nat_yaml, name, bools)

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE("inside", CYAML_FLAG_POINTER, struct sl_nat_yaml, inside, &text_schema, 1,
                         SL_NAT_INSIDE_MAX),
    GROUP(outside, CYAML_FLAG_DEFAULT),
    WORD("mapping", sl_nat_yaml, mapping, dependences),
    WORD("filtering", sl_nat_yaml, filtering, dependences),
    GROUP(nat64, OPTIONAL),
    GROUP(allocation, OPTIONAL),
    GROUP(subscriber, OPTIONAL),
    GROUP(limits, OPTIONAL),
    GROUP(timeouts, OPTIONAL),
    CYAML_FIELD_SEQUENCE("forwards", TEXT, struct sl_nat_yaml, forwards, &forward_schema, 0,
                         SL_NAT_FORWARDS_MAX),
    FLAG(port_preservation),
    FLAG(port_parity),
    FLAG(port_range_preservation),
    FLAG(hairpinning),
    FLAG(inbound_refresh),
    WORD("pooling", sl_nat_yaml, pooling, poolings),
    WORD("unmatched", sl_nat_yaml, unmatched, unmatched),
    WORD("ttl", sl_nat_yaml, ttl, ttls),
    WORD("exhausted", sl_nat_yaml, exhausted, exhausted),
    WORD("identification", sl_nat_yaml, identification, identifications),
    CYAML_FIELD_END,
};
const cyaml_schema_value_t sl_nat_yaml_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct sl_nat_yaml, file_fields),
};

/* A packet's rule is the reason that the NAT has for it: these are their names. */
static sl_rc put_reasons(struct pol_single *single, struct sl_err *err)
{
    static const char *const texts[] = {
#define REASON_TEXT(name, text) #name ": " text,
        NAT_REASON_TABLE(REASON_TEXT)
#undef REASON_TEXT
    };
    sl_rc rc = SL_OK;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && rc == SL_OK; i++) {
        rc = pol_single_rule(single, 0, texts[i], i < NAT_REASON_GOOD ? "accept" : "drop", err);
    }
    return rc;
}

sl_rc sl_policy_compile_nat(const char *path, struct sl_policy *ret_policy, struct sl_err *err)
{
    void *root = NULL;
    char *text = NULL;
    size_t size = 0;
    struct pol_single single;
    sl_rc rc = sl_yaml_load_text(path, &sl_nat_yaml_schema, "docs/policy-nat.md", &text, &size,
                                 &root, err);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_nat_yaml *yaml = root;
    const char *nf = yaml->nat64.prefix != NULL ? "nat64" : "nat44";
    rc = pol_single_init(&single, nf, "nat", path, SL_NAT_COMPILED_MAX, err);
    if (rc == SL_OK) {
        rc = sl_nat_yaml_write(yaml, text, size, &single.w, err);
        rc = rc != SL_OK ? sl_err_prefix(err, "%s", path) : put_reasons(&single, err);
        bool is_passing = yaml->unmatched == GIVEN(1);
        rc = rc == SL_OK
                 ? pol_single_finish(&single, is_passing ? "accept" : "drop", ret_policy, err)
                 : rc;
        pol_single_done(&single);
    }
    sl_yaml_free(&sl_nat_yaml_schema, root);
    free(text);
    return rc;
}
