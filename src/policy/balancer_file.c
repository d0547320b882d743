/* SPDX-License-Identifier: Apache-2.0 */
/* Services and backends in YAML into the balancer's policy: libcyaml's schema, then the checks that
 * a schema cannot say. docs/policy-balancer.md has the language. */
#include <ctype.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "balancer/format.h"
#include "files/yaml_file.h"
#include "policy/single.h"
#include "policy/words.h"
#include "policy/yaml_place.h"
#include "safelib/packet.h"

enum {
    TEXT_MAX = 128,
    PLACE_MAX = 64,
    POLICY_MAX = 1 << 20,
    WEIGHT_DEFAULT = 100,
    TUNNEL_MTU_MIN = 576,
};

/* ---- what the file says ---- */

struct backend {
    char *name;
    char *address;
    uint16_t port;
    uint16_t *weight;
    int state;
    int dev;
};
struct service {
    char *name;
    char *address;
    int protocol;
    uint16_t port;
    int forward;
    int scheduler;
    int hash;
    int when_down;
    int on_marked_down;
    char **source_addresses;
    unsigned source_addresses_count;
    uint16_t *source_ports;
    unsigned source_ports_count;
    struct backend *backends;
    unsigned backends_count;
};
struct file {
    struct service *services;
    unsigned services_count;
    char **tunnel_addresses;
    unsigned tunnel_addresses_count;
    uint16_t tunnel_mtu;
    int other;
    char *seed;
};

static const cyaml_strval_t states[] = {
    {"ready", SL_LB_READY}, {"drain", SL_LB_DRAIN}, {"maint", SL_LB_MAINT}};
static const cyaml_strval_t devs[] = {{"lan", SL_PORT_LAN}, {"wan", SL_PORT_WAN}};
static const cyaml_strval_t protocols[] = {{"any", 0}, {"tcp", 6}, {"udp", 17}};
static const cyaml_strval_t forwards[] = {
    {"nat", SL_LB_NAT}, {"fullnat", SL_LB_FULLNAT}, {"tunnel", SL_LB_TUNNEL}};
static const cyaml_strval_t schedulers[] = {{"mh", 0}};
static const cyaml_strval_t hashes[] = {{"tuple", SL_LB_HASH_TUPLE}, {"source", SL_LB_HASH_SOURCE}};
static const cyaml_strval_t when_downs[] = {{"refuse", SL_LB_DOWN_REFUSE},
                                            {"drop", SL_LB_DOWN_DROP}};
static const cyaml_strval_t on_marked_downs[] = {{"keep", 0}, {"shutdown-sessions", 1}};
static const cyaml_strval_t others[] = {{"pass", SL_LB_OTHER_PASS}, {"drop", SL_LB_OTHER_DROP}};

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define STRICT   (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define TEXT     (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

#define ENUM_FIELD(name, type, values)                                                             \
    CYAML_FIELD_ENUM(#name, STRICT, type, name, values, sizeof(values) / sizeof((values)[0]))
#define TEXT_FIELD(name, flags, type) CYAML_FIELD_STRING_PTR(#name, flags, type, name, 1, TEXT_MAX)

static const cyaml_schema_field_t backend_fields[] = {
    TEXT_FIELD(name, CYAML_FLAG_POINTER, struct backend),
    TEXT_FIELD(address, CYAML_FLAG_POINTER, struct backend),
    CYAML_FIELD_UINT("port", OPTIONAL, struct backend, port),
    CYAML_FIELD_UINT_PTR("weight", TEXT, struct backend, weight),
    ENUM_FIELD(state, struct backend, states),
    ENUM_FIELD(dev, struct backend, devs),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t backend_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct backend, backend_fields),
};
static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, TEXT_MAX),
};
static const cyaml_schema_value_t port_schema = {
    CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint16_t),
};
static const cyaml_schema_field_t service_fields[] = {
    TEXT_FIELD(name, CYAML_FLAG_POINTER, struct service),
    TEXT_FIELD(address, CYAML_FLAG_POINTER, struct service),
    ENUM_FIELD(protocol, struct service, protocols),
    CYAML_FIELD_UINT("port", OPTIONAL, struct service, port),
    ENUM_FIELD(forward, struct service, forwards),
    ENUM_FIELD(scheduler, struct service, schedulers),
    ENUM_FIELD(hash, struct service, hashes),
    ENUM_FIELD(when_down, struct service, when_downs),
    ENUM_FIELD(on_marked_down, struct service, on_marked_downs),
    CYAML_FIELD_SEQUENCE("source_addresses", TEXT, struct service, source_addresses, &text_schema,
                         1, SL_LB_SOURCES_MAX),
    CYAML_FIELD_SEQUENCE("source_ports", TEXT, struct service, source_ports, &port_schema, 2, 2),
    CYAML_FIELD_SEQUENCE("backends", CYAML_FLAG_POINTER, struct service, backends, &backend_schema,
                         0, SL_LB_BACKENDS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t service_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct service, service_fields),
};
static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE("services", CYAML_FLAG_POINTER, struct file, services, &service_schema, 0,
                         SL_LB_SERVICES_MAX),
    CYAML_FIELD_SEQUENCE("tunnel_addresses", TEXT, struct file, tunnel_addresses, &text_schema, 1,
                         2),
    CYAML_FIELD_UINT("tunnel_mtu", OPTIONAL, struct file, tunnel_mtu),
    ENUM_FIELD(other, struct file, others),
    TEXT_FIELD(seed, TEXT, struct file),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file, file_fields),
};

/* ---- checks ---- */

struct compiling {
    const char *path;
    char *text;
    size_t size;
    struct file *file;
    struct pol_single single;
    struct pol_prefix tunnel[2]; /* IPv4, IPv6; version 0: none */
    struct sl_err *err;
};

/* A fault at a place: keys and indices, of which `index` says where in the first sequence. */
#define FAULT(in, rc, place, ...)                                                                  \
    pol_yaml_fault((in)->path, (in)->text, (in)->size, place, rc, (in)->err, __VA_ARGS__)

static sl_rc check_address(const struct compiling *in, const char *place, const char *text,
                           struct pol_prefix *ret_address)
{
    const char *what = pol_prefix_parse(text, ret_address);
    if (what != NULL || strchr(text, '/') != NULL) {
        return FAULT(in, SL_MALFORMED, place, "expected an address");
    }
    return SL_OK;
}

/* Names go into counters and commands. */
static sl_rc check_name(const struct compiling *in, const char *place, const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("-_.", *at) == NULL) {
            return FAULT(in, SL_MALFORMED, place, "a name has letters, digits, -, _ and . only");
        }
    }
    if (strlen(name) >= SL_LB_NAME_MAX) {
        return FAULT(in, SL_RANGE, place, "a name has at most %d characters", SL_LB_NAME_MAX - 1);
    }
    return SL_OK;
}

static sl_rc check_backend(const struct compiling *in, const struct service *service,
                           unsigned index, const char *place, const struct pol_prefix *vip,
                           struct pol_prefix *ret_address)
{
    const struct backend *backend = &service->backends[index];
    char at[PLACE_MAX + 32];
    (void)snprintf(at, sizeof(at), "%s.name", place);
    sl_rc rc = check_name(in, at, backend->name);
    for (unsigned i = 0; i < index && rc == SL_OK; i++) {
        if (strcmp(service->backends[i].name, backend->name) == 0) {
            rc = FAULT(in, SL_MALFORMED, at, "the service has a backend of that name already");
        }
    }
    (void)snprintf(at, sizeof(at), "%s.address", place);
    rc = rc == SL_OK ? check_address(in, at, backend->address, ret_address) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    if (service->forward != SL_LB_TUNNEL && ret_address->version != vip->version) {
        return FAULT(in, SL_MALFORMED, at,
                     "is of the other family than the service: only `forward: tunnel` can do that");
    }
    if (service->forward == SL_LB_TUNNEL &&
        in->tunnel[ret_address->version == 4 ? 0 : 1].version == 0) {
        return FAULT(in, SL_MALFORMED, at, "tunnel_addresses has no IPv%u address",
                     ret_address->version);
    }
    (void)snprintf(at, sizeof(at), "%s.port", place);
    if (backend->port != 0 && service->forward == SL_LB_TUNNEL) {
        return FAULT(in, SL_MALFORMED, at, "through a tunnel packets keep their port");
    }
    if (backend->port != 0 && service->port == 0) {
        return FAULT(in, SL_MALFORMED, at, "the service has all ports: they stay as they are");
    }
    return SL_OK;
}

static sl_rc check_sources(const struct compiling *in, const struct service *service,
                           const char *place, const struct pol_prefix *vip,
                           struct pol_prefix *ret_sources)
{
    char at[PLACE_MAX + 32];
    bool is_full = service->forward == SL_LB_FULLNAT;
    (void)snprintf(at, sizeof(at), "%s.source_addresses", place);
    if (is_full != (service->source_addresses_count != 0)) {
        return FAULT(in, SL_MALFORMED, at, "`forward: fullnat` and source_addresses go together");
    }
    for (unsigned i = 0; i < service->source_addresses_count; i++) {
        (void)snprintf(at, sizeof(at), "%s.source_addresses.%u", place, i);
        sl_rc rc = check_address(in, at, service->source_addresses[i], &ret_sources[i]);
        if (rc == SL_OK && ret_sources[i].version != vip->version) {
            rc = FAULT(in, SL_MALFORMED, at, "is of the other family than the service");
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
    (void)snprintf(at, sizeof(at), "%s.source_ports", place);
    if (service->source_ports_count != 0 &&
        (!is_full || service->source_ports[0] == 0 ||
         service->source_ports[1] < service->source_ports[0] + 255)) {
        return FAULT(in, SL_RANGE, at,
                     "expected the first and last of at least 256 ports, with `forward: fullnat`");
    }
    return SL_OK;
}

static bool is_same_place(const struct service *a, const struct service *b,
                          const struct pol_prefix *vip)
{
    struct pol_prefix other;
    return a->protocol == b->protocol && a->port == b->port &&
           pol_prefix_parse(a->address, &other) == NULL && other.version == vip->version &&
           memcmp(other.addr, vip->addr, sizeof(other.addr)) == 0;
}

static sl_rc check_service(const struct compiling *in, unsigned index, struct pol_prefix *ret_vip)
{
    const struct service *service = &in->file->services[index];
    char at[PLACE_MAX + 32];
    (void)snprintf(at, sizeof(at), "services.%u.name", index);
    sl_rc rc = check_name(in, at, service->name);
    for (unsigned i = 0; i < index && rc == SL_OK; i++) {
        if (strcmp(in->file->services[i].name, service->name) == 0) {
            rc = FAULT(in, SL_MALFORMED, at, "there is a service of that name already");
        }
    }
    (void)snprintf(at, sizeof(at), "services.%u.address", index);
    rc = rc == SL_OK ? check_address(in, at, service->address, ret_vip) : rc;
    for (unsigned i = 0; i < index && rc == SL_OK; i++) {
        if (is_same_place(&in->file->services[i], service, ret_vip)) {
            rc = FAULT(in, SL_MALFORMED, at, "service %s has that address, protocol and port",
                       in->file->services[i].name);
        }
    }
    (void)snprintf(at, sizeof(at), "services.%u.port", index);
    if (rc == SL_OK && service->port != 0 && service->protocol == 0) {
        rc = FAULT(in, SL_MALFORMED, at, "a port needs `protocol: tcp` or `protocol: udp`");
    }
    (void)snprintf(at, sizeof(at), "services.%u.forward", index);
    if (rc == SL_OK && service->forward == SL_LB_FULLNAT && service->protocol == 0) {
        rc = FAULT(in, SL_MALFORMED, at, "needs `protocol: tcp` or `protocol: udp`");
    }
    return rc;
}

/* ---- the policy ---- */

static void put_address(struct sl_writer *w, const struct pol_prefix *address)
{
    sl_writer_u8(w, address->version);
    sl_writer_bytes(w, address->addr, sizeof(address->addr));
}

static sl_rc put_backends(struct compiling *in, unsigned index, const struct pol_prefix *vip)
{
    const struct service *service = &in->file->services[index];
    struct sl_writer *w = &in->single.w;
    char place[PLACE_MAX];
    sl_writer_be16(w, (uint16_t)service->backends_count);
    for (unsigned i = 0; i < service->backends_count; i++) {
        const struct backend *backend = &service->backends[i];
        struct pol_prefix address;
        (void)snprintf(place, sizeof(place), "services.%u.backends.%u", index, i);
        sl_rc rc = check_backend(in, service, i, place, vip, &address);
        if (rc != SL_OK) {
            return rc;
        }
        sl_writer_string(w, backend->name);
        put_address(w, &address);
        sl_writer_be16(w, backend->port);
        sl_writer_be16(w, backend->weight != NULL ? *backend->weight : WEIGHT_DEFAULT);
        sl_writer_u8(w, (uint8_t)backend->state);
        sl_writer_u8(w, (uint8_t)backend->dev);
    }
    return SL_OK;
}

static sl_rc put_service(struct compiling *in, unsigned index)
{
    const struct service *service = &in->file->services[index];
    struct sl_writer *w = &in->single.w;
    struct pol_prefix vip;
    struct pol_prefix sources[SL_LB_SOURCES_MAX];
    char text[256];
    char place[PLACE_MAX];
    (void)snprintf(place, sizeof(place), "services.%u", index);
    sl_rc rc = check_service(in, index, &vip);
    rc = rc == SL_OK ? check_sources(in, service, place, &vip, sources) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    sl_writer_string(w, service->name);
    put_address(w, &vip);
    sl_writer_u8(w, (uint8_t)service->protocol);
    sl_writer_be16(w, service->port);
    sl_writer_u8(w, (uint8_t)service->forward);
    sl_writer_u8(w, (uint8_t)service->hash);
    sl_writer_u8(w, (uint8_t)service->when_down);
    sl_writer_u8(w, (uint8_t)service->on_marked_down);
    sl_writer_u8(w, (uint8_t)service->source_addresses_count);
    for (unsigned i = 0; i < service->source_addresses_count; i++) {
        put_address(w, &sources[i]);
    }
    bool has_ports = service->source_ports_count != 0;
    sl_writer_be16(w, has_ports ? service->source_ports[0] : 1024);
    sl_writer_be16(w, has_ports ? service->source_ports[1] : 65535);
    (void)snprintf(text, sizeof(text), "%s: %s %s port %u, %u backends, %s", service->name,
                   service->protocol == 0 ? "any" : protocols[service->protocol == 6 ? 1 : 2].str,
                   service->address, service->port, service->backends_count,
                   forwards[service->forward].str);
    rc = pol_single_rule(&in->single, pol_yaml_line(in->text, in->size, place), text,
                         forwards[service->forward].str, in->err);
    return rc == SL_OK ? put_backends(in, index, &vip) : rc;
}

static sl_rc read_tunnel(struct compiling *in)
{
    const struct file *file = in->file;
    for (unsigned i = 0; i < file->tunnel_addresses_count; i++) {
        struct pol_prefix address;
        char at[PLACE_MAX + 32];
        (void)snprintf(at, sizeof(at), "tunnel_addresses.%u", i);
        sl_rc rc = check_address(in, at, file->tunnel_addresses[i], &address);
        if (rc != SL_OK) {
            return rc;
        }
        struct pol_prefix *tunnel = &in->tunnel[address.version == 4 ? 0 : 1];
        if (tunnel->version != 0) {
            return FAULT(in, SL_MALFORMED, at, "there is one of that family already");
        }
        *tunnel = address;
    }
    if (file->tunnel_mtu != 0 && file->tunnel_mtu < TUNNEL_MTU_MIN) {
        return FAULT(in, SL_RANGE, "tunnel_mtu", "expected at least %d", TUNNEL_MTU_MIN);
    }
    return SL_OK;
}

static sl_rc put_policy(struct compiling *in)
{
    struct sl_writer *w = &in->single.w;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    /* Without a seed every policy hashes alike: gateways that share no secret agree still. */
    const char *seed = in->file->seed != NULL ? in->file->seed : "";
    (void)SHA256((const uint8_t *)seed, strlen(seed), digest);
    sl_rc rc = read_tunnel(in);
    sl_writer_be32(w, SL_LB_MAGIC);
    sl_writer_be16(w, SL_LB_FORMAT);
    sl_writer_u8(w, (uint8_t)in->file->other);
    sl_writer_u8(w, 0);
    sl_writer_bytes(w, digest, SL_LB_KEY_SIZE);
    sl_writer_be16(w, in->file->tunnel_mtu);
    sl_writer_u8(w, (uint8_t)((in->tunnel[0].version != 0) | (in->tunnel[1].version != 0) << 1));
    sl_writer_bytes(w, in->tunnel[0].addr, 4);
    sl_writer_bytes(w, in->tunnel[1].addr, 16);
    sl_writer_be16(w, (uint16_t)in->file->services_count);
    for (unsigned i = 0; i < in->file->services_count && rc == SL_OK; i++) {
        rc = put_service(in, i);
    }
    return rc;
}

sl_rc sl_policy_compile_balancer(const char *path, struct sl_policy *ret_policy, struct sl_err *err)
{
    struct compiling in = {.path = path, .err = err};
    void *root = NULL;
    sl_rc rc = sl_yaml_load_text(path, &file_schema, "docs/policy-balancer.md", &in.text, &in.size,
                                 &root, err);
    if (rc != SL_OK) {
        return rc;
    }
    in.file = root;
    rc = pol_single_init(&in.single, "balancer", "balancer", path, POLICY_MAX, err);
    if (rc != SL_OK) {
        goto out;
    }
    rc = put_policy(&in);
    if (rc == SL_OK) {
        rc = pol_single_finish(&in.single, in.file->other == SL_LB_OTHER_PASS ? "accept" : "drop",
                               ret_policy, err);
    }
    pol_single_done(&in.single);
out:
    sl_yaml_free(&file_schema, root);
    free(in.text);
    return rc;
}
