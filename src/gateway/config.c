/* SPDX-License-Identifier: Apache-2.0 */
/* YAML by libcyaml, then the checks a schema cannot say. */
#include "gateway/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/message.h"
#include "files/yaml_file.h"

enum {
    TABLE_DEFAULT = 4500,
    RING_WINDOW_DEFAULT = 2048,
    REKEY_SECONDS_DEFAULT = 3600,
    LEASE_DEFAULT = 30,
    REKEY_BYTES_MIN = 65536,
    REATTEST_DEFAULT = 300,
    REATTEST_MAX = 86400,
};
/* Without ESN the sequence number ends at 2^32: rekey well before (RFC 4303 3.3.3). */
#define REKEY_PACKETS_32 (1ull << 31)
/* NIST SP 800-38D 8.3: far below 2^32 invocations would be needed only for random IVs; with the
 * deterministic IV of RFC 4106 the bound is 2^64. 2^40 keeps keys young. */
#define REKEY_PACKETS_64 (1ull << 40)

struct yaml_host {
    char *address;
    uint16_t udp_port;
    uint16_t control_port;
    char *local;
};
struct yaml_side {
    char *tun;
    char *interface;
    uint32_t table;
};
struct yaml_tunnel {
    int suite;
    int framing;
    int esn;
    int copy_dscp;
    int offload;
    int steering;
    uint32_t replay_window;
    uint32_t rekey_seconds;
    uint64_t rekey_packets;
    uint64_t rekey_bytes;
    int on_clock_warp;
    uint32_t lease_seconds;
    uint32_t reattest_seconds;
    char *mtu;
};
struct yaml_root {
    struct yaml_host host;
    char *tenant_key;
    int insecure_skip_attestation; /* of old: answered by what replaced it */
    struct sl_attest_yaml attestation;
    int key_exchange;
    struct yaml_side lan, wan;
    uint32_t shards;
    uint32_t queues;
    char *policy;
    char *status_socket;
    char *state_dir;
    struct yaml_tunnel tunnel;
    struct sl_health_yaml health;
};

/* By number or by name. */
static const cyaml_strval_t suite_names[] = {{"1", SL_ESP_AES_128_GCM_16},
                                             {"2", SL_ESP_AES_256_GCM_16},
                                             {"3", SL_ESP_CHACHA20_POLY1305},
#define SUITE(number, name, key_size, spec) {name, number},
                                             SL_SUITE_TABLE(SUITE)
#undef SUITE
};
/* 0: not given */
static const cyaml_strval_t key_exchange_names[] = {
    {"classical", 1 + SL_KEY_EXCHANGE_CLASSICAL},
    {"hybrid", 1 + SL_KEY_EXCHANGE_HYBRID},
};
enum { WARP_DEGRADE = 1, WARP_STOP = 2 };
static const cyaml_strval_t warp_names[] = {
    {"degrade", WARP_DEGRADE},
    {"stop", WARP_STOP},
};
enum { STEERING_IMAGE = 1, STEERING_PLAIN = 2 };
static const cyaml_strval_t steering_names[] = {
    {"image", STEERING_IMAGE},
    {"plain", STEERING_PLAIN},
};
static const cyaml_strval_t framing_names[] = {
    {"udp", SL_ESP_FRAMING_UDP},
    {"native", SL_ESP_FRAMING_NATIVE},
};
static const cyaml_schema_field_t host_fields[] = {
    CYAML_FIELD_STRING_PTR("address", CYAML_FLAG_POINTER, struct yaml_host, address, 1,
                           SL_GW_HOST_MAX - 1),
    CYAML_FIELD_UINT("udp_port", CYAML_FLAG_OPTIONAL, struct yaml_host, udp_port),
    CYAML_FIELD_UINT("control_port", CYAML_FLAG_OPTIONAL, struct yaml_host, control_port),
    CYAML_FIELD_STRING_PTR("local", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_host,
                           local, 1, SL_GW_ADDR_MAX - 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t side_fields[] = {
    CYAML_FIELD_STRING_PTR("tun", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_side, tun,
                           1, SL_GW_NAME_MAX - 1),
    CYAML_FIELD_STRING_PTR("interface", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_side,
                           interface, 1, SL_GW_NAME_MAX - 1),
    CYAML_FIELD_UINT("table", CYAML_FLAG_OPTIONAL, struct yaml_side, table),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t tunnel_fields[] = {
    CYAML_FIELD_ENUM("suite", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_tunnel, suite,
                     suite_names, 2 * SL_SUITE_COUNT),
    CYAML_FIELD_ENUM("framing", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_tunnel,
                     framing, framing_names, 2),
    CYAML_FIELD_ENUM("esn", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_tunnel, esn,
                     sl_yaml_bools, 2),
    CYAML_FIELD_ENUM("copy_dscp", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_tunnel,
                     copy_dscp, sl_yaml_bools, 2),
    CYAML_FIELD_ENUM("offload", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_tunnel,
                     offload, sl_yaml_bools, 2),
    CYAML_FIELD_ENUM("steering", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_tunnel,
                     steering, steering_names, 2),
    CYAML_FIELD_UINT("replay_window", CYAML_FLAG_OPTIONAL, struct yaml_tunnel, replay_window),
    CYAML_FIELD_UINT("rekey_seconds", CYAML_FLAG_OPTIONAL, struct yaml_tunnel, rekey_seconds),
    CYAML_FIELD_UINT("rekey_packets", CYAML_FLAG_OPTIONAL, struct yaml_tunnel, rekey_packets),
    CYAML_FIELD_ENUM("on_clock_warp", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_tunnel,
                     on_clock_warp, warp_names, 2),
    CYAML_FIELD_UINT("rekey_bytes", CYAML_FLAG_OPTIONAL, struct yaml_tunnel, rekey_bytes),
    CYAML_FIELD_UINT("lease_seconds", CYAML_FLAG_OPTIONAL, struct yaml_tunnel, lease_seconds),
    CYAML_FIELD_UINT("reattest_seconds", CYAML_FLAG_OPTIONAL, struct yaml_tunnel, reattest_seconds),
    CYAML_FIELD_STRING_PTR("mtu", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_tunnel, mtu,
                           1, 8),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t root_fields[] = {
    CYAML_FIELD_MAPPING("host", CYAML_FLAG_DEFAULT, struct yaml_root, host, host_fields),
    CYAML_FIELD_STRING_PTR("tenant_key", CYAML_FLAG_POINTER, struct yaml_root, tenant_key, 1,
                           SL_GW_PATH_MAX - 1),
    CYAML_FIELD_ENUM("insecure_skip_attestation", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
                     struct yaml_root, insecure_skip_attestation, sl_yaml_bools, 2),
    CYAML_FIELD_ENUM("key_exchange", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_root,
                     key_exchange, key_exchange_names, 2),
    CYAML_FIELD_MAPPING("attestation", CYAML_FLAG_OPTIONAL, struct yaml_root, attestation,
                        sl_attest_file_fields),
    CYAML_FIELD_MAPPING("lan", CYAML_FLAG_OPTIONAL, struct yaml_root, lan, side_fields),
    CYAML_FIELD_MAPPING("wan", CYAML_FLAG_OPTIONAL, struct yaml_root, wan, side_fields),
    CYAML_FIELD_UINT("shards", CYAML_FLAG_OPTIONAL, struct yaml_root, shards),
    CYAML_FIELD_UINT("queues", CYAML_FLAG_OPTIONAL, struct yaml_root, queues),
    CYAML_FIELD_STRING_PTR("policy", CYAML_FLAG_POINTER, struct yaml_root, policy, 1,
                           SL_GW_PATH_MAX - 1),
    CYAML_FIELD_STRING_PTR("status_socket", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                           struct yaml_root, status_socket, 1, SL_GW_SOCKET_MAX - 1),
    CYAML_FIELD_STRING_PTR("state_dir", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_root,
                           state_dir, 1, SL_GW_PATH_MAX - 1),
    CYAML_FIELD_MAPPING("tunnel", CYAML_FLAG_OPTIONAL, struct yaml_root, tunnel, tunnel_fields),
    CYAML_FIELD_MAPPING("health", CYAML_FLAG_OPTIONAL, struct yaml_root, health, sl_health_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t root_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_root, root_fields),
};

static void string_set(char *out, size_t size, const char *value, const char *fallback)
{
    (void)snprintf(out, size, "%s", value != NULL ? value : fallback);
}

static sl_rc mtu_set(struct sl_gw_config *config, const char *text, struct sl_err *err)
{
    if (text == NULL || strcmp(text, "auto") == 0) {
        config->mtu = 0;
        return SL_OK;
    }
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value < 576 || value > SL_PACKET_MAX) {
        return sl_err_set(err, SL_RANGE, "tunnel.mtu: expected \"auto\" or 1280..%d, not \"%s\"",
                          SL_PACKET_MAX, text);
    }
    if (value < 1280) {
        return sl_err_set(
            err, SL_RANGE,
            "tunnel.mtu: %lu is under 1280, which every IPv6 link must carry (RFC 8200 "
            "5); use \"auto\": on a narrower path outer packets are fragmented",
            value);
    }
    config->mtu = (uint32_t)value;
    return SL_OK;
}

static sl_rc side_set(struct sl_gw_config *config, enum sl_port port, const struct yaml_side *side,
                      struct sl_err *err)
{
    static const char *const names[] = {"lan", "wan"};
    static const char *const tuns[] = {"sl-lan", "sl-wan"};
    struct sl_gw_side *out = &config->side[port];
    string_set(out->tun, sizeof(out->tun), side->tun, tuns[port]);
    string_set(out->interface, sizeof(out->interface), side->interface, "");
    out->table = side->table != 0 ? side->table : TABLE_DEFAULT + (uint32_t)port;
    /* 253..255 are the kernel's own tables; the number is also the rule's preference */
    if (out->table < 256 || out->table > 32765) {
        return sl_err_set(err, SL_RANGE, "%s.table: expected 256..32765, not %u", names[port],
                          out->table);
    }
    return SL_OK;
}

static sl_rc sides_set(struct sl_gw_config *c, const struct yaml_root *y, struct sl_err *err)
{
    sl_rc rc = side_set(c, SL_PORT_LAN, &y->lan, err);
    rc = rc == SL_OK ? side_set(c, SL_PORT_WAN, &y->wan, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    if (strcmp(c->side[0].tun, c->side[1].tun) == 0 || c->side[0].table == c->side[1].table) {
        return sl_err_set(err, SL_INVALID, "lan and wan: expected two different tuns and tables");
    }
    if (c->side[0].interface[0] != '\0' &&
        strcmp(c->side[0].interface, c->side[1].interface) == 0) {
        return sl_err_set(err, SL_INVALID, "lan and wan: expected two different interfaces");
    }
    return SL_OK;
}

/* When keys end. */
static sl_rc rekey_set(struct sl_gw_config *config, const struct yaml_tunnel *t, struct sl_err *err)
{
    uint64_t most = config->is_esn ? REKEY_PACKETS_64 : REKEY_PACKETS_32;
    config->rekey_seconds = t->rekey_seconds != 0 ? t->rekey_seconds : REKEY_SECONDS_DEFAULT;
    config->rekey_packets = t->rekey_packets != 0 ? t->rekey_packets : most;
    config->is_clock_strict = t->on_clock_warp == WARP_STOP;
    config->rekey_bytes = t->rekey_bytes != 0 ? t->rekey_bytes : UINT64_MAX;
    if (config->rekey_packets < 1000 || config->rekey_packets > most) {
        return sl_err_set(err, SL_RANGE, "tunnel.rekey_packets: expected 1000 to %llu, not %llu",
                          (unsigned long long)most, (unsigned long long)config->rekey_packets);
    }
    if (config->rekey_bytes < REKEY_BYTES_MIN) {
        return sl_err_set(err, SL_RANGE, "tunnel.rekey_bytes: expected at least %d, not %llu",
                          REKEY_BYTES_MIN, (unsigned long long)config->rekey_bytes);
    }
    if (config->rekey_seconds < 10) {
        return sl_err_set(err, SL_RANGE, "tunnel.rekey_seconds: expected at least 10, not %u",
                          config->rekey_seconds);
    }
    return SL_OK;
}

static sl_rc tunnel_set(struct sl_gw_config *config, const struct yaml_tunnel *t,
                        struct sl_err *err)
{
    config->alg = t->suite != 0 ? (enum sl_esp_alg)t->suite : SL_ESP_AES_128_GCM_16;
    config->framing = t->framing != 0 ? (enum sl_esp_framing)t->framing : SL_ESP_FRAMING_UDP;
    config->is_esn = t->esn != SL_YAML_FALSE;
    config->is_dscp_copied = t->copy_dscp != SL_YAML_FALSE;
    config->is_offload = t->offload != SL_YAML_FALSE;
    config->is_steering_plain = t->steering == STEERING_PLAIN;
    config->window = t->replay_window != 0 ? t->replay_window : RING_WINDOW_DEFAULT;
    config->lease_seconds = t->lease_seconds != 0 ? t->lease_seconds : LEASE_DEFAULT;
    if (config->window < SL_ESP_WINDOW_MIN || config->window > SL_ESP_WINDOW_MAX ||
        (config->window & (config->window - 1)) != 0) {
        return sl_err_set(err, SL_RANGE,
                          "tunnel.replay_window: expected a power of two from %d to %d, not %u",
                          SL_ESP_WINDOW_MIN, SL_ESP_WINDOW_MAX, config->window);
    }
    if (config->lease_seconds > SL_LEASE_SECONDS_MAX) {
        return sl_err_set(err, SL_RANGE, "tunnel.lease_seconds: expected 1 to %d, not %u",
                          SL_LEASE_SECONDS_MAX, config->lease_seconds);
    }
    sl_rc rc = rekey_set(config, t, err);
    return rc == SL_OK ? mtu_set(config, t->mtu, err) : rc;
}

/* Nothing here lets an image in that nobody has looked at. */
static sl_rc attestation_set(const struct yaml_root *y, struct sl_gw_config *config,
                             struct sl_err *err)
{
    if (y->insecure_skip_attestation != 0) {
        return sl_err_set(
            err, SL_DENIED,
            "insecure_skip_attestation: is gone: the image is attested. Say which "
            "one is yours under \"attestation: references:\" (safelib image measure "
            "prints its mrenclave), and \"insecure_allow_emulated: true\" there where "
            "it runs on the emulator");
    }
    sl_rc rc = sl_attest_file_check(&y->attestation, "attestation.", &config->attestation, err);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_attest_policy *policy = &config->attestation.policy;
    if (policy->is_any_identity || policy->insecure_allow_debug) {
        return sl_err_set(err, SL_DENIED,
                          "attestation.%s: a gateway gives its keys to code that it knows and that "
                          "nobody can read: expected %s",
                          policy->is_any_identity ? "insecure_any_identity"
                                                  : "insecure_allow_debug",
                          policy->is_any_identity ? "references" : "false");
    }
    config->reattest_seconds =
        y->tunnel.reattest_seconds != 0 ? y->tunnel.reattest_seconds : REATTEST_DEFAULT;
    if (config->reattest_seconds > REATTEST_MAX) {
        return sl_err_set(err, SL_RANGE, "tunnel.reattest_seconds: expected 1 to %d, not %u",
                          REATTEST_MAX, config->reattest_seconds);
    }
    return SL_OK;
}

static sl_rc config_check(const struct yaml_root *y, struct sl_gw_config *config,
                          struct sl_err *err)
{
    struct sl_gw_config c = {0};
    string_set(c.host, sizeof(c.host), y->host.address, "");
    string_set(c.local, sizeof(c.local), y->host.local, "");
    c.udp_port = y->host.udp_port != 0 ? y->host.udp_port : SL_ESP_UDP_PORT;
    c.control_port = y->host.control_port != 0 ? y->host.control_port : SL_CONTROL_PORT;
    string_set(c.tenant_key, sizeof(c.tenant_key), y->tenant_key, "");
    string_set(c.policy, sizeof(c.policy), y->policy, "");
    string_set(c.status_socket, sizeof(c.status_socket), y->status_socket,
               "/run/safelib/gateway.sock");
    string_set(c.state_dir, sizeof(c.state_dir), y->state_dir, "/var/lib/safelib");
    c.shards = y->shards != 0 ? y->shards : 1;
    c.queues = y->queues != 0 ? y->queues : 1;
    if (c.shards > SL_GW_SHARDS_MAX || c.queues > SL_GW_SHARDS_MAX) {
        return sl_err_set(err, SL_RANGE, "shards and queues: expected 1 to %d, not %u and %u",
                          SL_GW_SHARDS_MAX, c.shards, c.queues);
    }
    c.key_exchange = y->key_exchange != 0 ? (enum sl_key_exchange)(y->key_exchange - 1)
                                          : SL_KEY_EXCHANGE_CLASSICAL;
    sl_rc rc = sl_key_exchange_check(c.key_exchange, err);
    rc = rc == SL_OK ? attestation_set(y, &c, err) : rc;
    rc = rc == SL_OK ? sides_set(&c, y, err) : rc;
    rc = rc == SL_OK ? tunnel_set(&c, &y->tunnel, err) : rc;
    rc = rc == SL_OK ? sl_health_config_set(&y->health, &c.health, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    *config = c;
    return SL_OK;
}

sl_rc sl_gw_config_load(const char *path, struct sl_gw_config *ret_config, struct sl_err *err)
{
    void *root = NULL;
    sl_rc rc = sl_yaml_load(path, &root_schema, "man safelib-gateway", &root, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = config_check(root, ret_config, err);
    sl_yaml_free(&root_schema, root);
    if (rc != SL_OK && err != NULL) {
        return sl_err_prefix(err, "%s", path);
    }
    return rc;
}
