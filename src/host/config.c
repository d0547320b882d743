/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration of safelib-host: YAML by libcyaml, options by the same names, checks in one place.
 */
#include "host/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "control/message.h"
#include "esp/encap.h"
#include "evidence/producers.h"
#include "files/yaml_file.h"

#define CONFIG_TEXT(X)                                                                             \
    X(image)                                                                                       \
    X(sigstruct)                                                                                   \
    X(device)                                                                                      \
    X(speed)                                                                                       \
    X(entry_cost_ns)                                                                               \
    X(scheduling)                                                                                  \
    X(framing)                                                                                     \
    X(offload)                                                                                     \
    X(listen)                                                                                      \
    X(control)                                                                                     \
    X(status)                                                                                      \
    X(state)                                                                                       \
    X(seal)                                                                                        \
    X(evidence)                                                                                    \
    X(evidence_socket)                                                                             \
    X(tsm_root)                                                                                    \
    X(aesm_socket)                                                                                 \
    X(tenant_key_sha256)
#define CONFIG_NUMBER(X)                                                                           \
    X(shards)                                                                                      \
    X(ring_count)                                                                                  \
    X(data_size)                                                                                   \
    X(control_size)                                                                                \
    X(log_size)                                                                                    \
    X(spill)

static const cyaml_schema_field_t fields[] = {
#define FIELD(name) CYAML_FIELD_STRING(#name, CYAML_FLAG_OPTIONAL, struct sl_host_config, name, 0),
    CONFIG_TEXT(FIELD)
#undef FIELD
#define FIELD(name) CYAML_FIELD_UINT(#name, CYAML_FLAG_OPTIONAL, struct sl_host_config, name),
        CONFIG_NUMBER(FIELD)
#undef FIELD
            CYAML_FIELD_END};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct sl_host_config, fields)};

sl_rc sl_host_config_load(const char *path, struct sl_host_config *ret_config, struct sl_err *err)
{
    void *loaded = NULL;
    sl_rc rc = sl_yaml_load(path, &schema, "safelib-host --help", &loaded, err);
    if (rc != SL_OK) {
        return rc;
    }
    *ret_config = *(const struct sl_host_config *)loaded;
    sl_yaml_free(&schema, loaded);
    return SL_OK;
}

static sl_rc text_set(char *out, size_t size, const char *key, const char *value,
                      struct sl_err *err)
{
    size_t length = strlen(value);
    if (length >= size) {
        return sl_err_set(err, SL_RANGE, "%s: longer than %zu characters", key, size - 1);
    }
    memcpy(out, value, length + 1);
    return SL_OK;
}

static sl_rc number_set(uint32_t *out, const char *key, const char *value, struct sl_err *err)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 0);
    if (errno != 0 || end == value || *end != '\0' || *value == '-' || number > UINT32_MAX) {
        return sl_err_set(err, SL_RANGE, "%s: '%s' is not a number from 0 to 4294967295", key,
                          value);
    }
    *out = (uint32_t)number;
    return SL_OK;
}

sl_rc sl_host_config_set(struct sl_host_config *config, const char *key, const char *value,
                         struct sl_err *err)
{
#define SET(name)                                                                                  \
    if (strcmp(key, #name) == 0) {                                                                 \
        return text_set(config->name, sizeof(config->name), key, value, err);                      \
    }
    CONFIG_TEXT(SET)
#undef SET
#define SET(name)                                                                                  \
    if (strcmp(key, #name) == 0) {                                                                 \
        return number_set(&config->name, key, value, err);                                         \
    }
    CONFIG_NUMBER(SET)
#undef SET
    return sl_err_set(err, SL_NOT_FOUND, "%s: no such setting", key);
}

/* One of two words; the first is the default. */
static sl_rc choose(const char *key, const char *value, const char *first, const char *second,
                    bool *ret_is_second, struct sl_err *err)
{
    *ret_is_second = strcmp(value, second) == 0;
    if (value[0] == '\0' || strcmp(value, first) == 0 || *ret_is_second) {
        return SL_OK;
    }
    return sl_err_set(err, SL_INVALID, "%s: '%s' is neither %s nor %s", key, value, first, second);
}

static sl_rc device_check(const char *device, struct sl_host_settings *settings, struct sl_err *err)
{
    static const char *const names[] = {"emu", "sgx", "bare"};
    if (device[0] == '\0' || strcmp(device, "auto") == 0) {
        settings->device = access("/dev/sgx_enclave", R_OK | W_OK) == 0 ? "sgx" : "emu";
        return SL_OK;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(device, names[i]) == 0) {
            settings->device = names[i];
            return SL_OK;
        }
    }
    return sl_err_set(err, SL_INVALID, "device: '%s' is none of auto, sgx, emu, bare", device);
}

/* "192.0.2.1", "192.0.2.1:4500", "2001:db8::1", "[2001:db8::1]:4500", ":4500" or a name. */
static sl_rc address_check(const char *key, const char *text, uint16_t port,
                           struct sl_net_addr *ret_addr, struct sl_err *err)
{
    char host[SL_NET_ADDR_TEXT_MAX] = "0.0.0.0";
    const char *begin = text;
    const char *end = text + strlen(text);
    const char *colon = strrchr(text, ':');
    uint32_t number = port;
    if (text[0] == '[') {
        begin = text + 1;
        end = strchr(begin, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':')) {
            return sl_err_set(err, SL_INVALID, "%s: '%s': expected [ADDRESS]:PORT", key, text);
        }
        colon = end[1] == ':' ? end + 1 : NULL;
    } else if (colon != NULL && strchr(text, ':') == colon) {
        end = colon;
    } else {
        colon = NULL; /* a bare IPv6 address */
    }
    if (colon != NULL &&
        (number_set(&number, key, colon + 1, err) != SL_OK || number == 0 || number > UINT16_MAX)) {
        return sl_err_set(err, SL_INVALID, "%s: '%s': expected a port from 1 to 65535", key, text);
    }
    if (end > begin) {
        memcpy(host, begin, (size_t)(end - begin));
        host[end - begin] = '\0';
    }
    sl_rc rc = sl_net_addr_resolve(host, (uint16_t)number, ret_addr, err);
    return rc == SL_OK ? SL_OK : (sl_err_prefix(err, "%s", key), rc);
}

static sl_rc geometry_check(const struct sl_host_config *c, struct sl_area_geometry *ret_geometry,
                            struct sl_err *err)
{
    struct sl_area_layout layout;
    *ret_geometry = (struct sl_area_geometry){
        .shard_count = c->shards != 0 ? c->shards : 1,
        .ring_count = c->ring_count != 0 ? c->ring_count : 1024,
        .data_size = c->data_size != 0 ? c->data_size : 2 << 20,
        .control_size = c->control_size != 0 ? c->control_size : 256 << 10,
        .log_size = c->log_size != 0 ? c->log_size : 64 << 10,
        .spill_mib = c->spill,
    };
    if (sl_area_layout(ret_geometry, &layout) != SL_OK) {
        return sl_err_set(err, SL_RANGE,
                          "shared area: expected shards 1..16; as powers of two: ring_count "
                          "64..65536, data_size 65536..67108864, control_size 16384..16777216, "
                          "log_size 4096..1048576; spill 0..65536 (MiB per shard)");
    }
    return SL_OK;
}

/* Everything that is wrong, one after the other: the first code, all the sentences. */
struct faults {
    sl_rc rc;
    struct sl_err *err;
};

static void fault_add(struct faults *faults, sl_rc rc, const struct sl_err *one)
{
    char before[sizeof(one->text)];
    if (rc == SL_OK) {
        return;
    }
    if (faults->rc == SL_OK) {
        faults->rc = sl_err_set(faults->err, rc, "%s", one->text);
    } else if (faults->err != NULL) {
        memcpy(before, faults->err->text, sizeof(before));
        (void)sl_err_set(faults->err, faults->rc, "%s; %s", before, one->text);
    }
}

static void words_check(const struct sl_host_config *c, struct sl_host_settings *s,
                        struct faults *faults)
{
    const struct {
        const char *key, *value, *first, *second;
        bool *is_second;
    } choices[] = {
        {"speed", c->speed, "direct", "trap", &s->is_trap},
        {"scheduling", c->scheduling, "batch", "polling", &s->is_polling},
        {"framing", c->framing, "udp", "native", &s->is_native},
        {"seal", c->seal, "enclave", "signer", &s->is_sealed_to_signer},
        {"offload", c->offload, "auto", "off", &s->is_offload}, /* off, until below */
    };
    struct sl_err err = {0};
    fault_add(faults, device_check(c->device, s, &err), &err);
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        fault_add(faults,
                  choose(choices[i].key, choices[i].value, choices[i].first, choices[i].second,
                         choices[i].is_second, &err),
                  &err);
    }
    s->is_offload = !s->is_offload;
    s->entry_cost_ns = 3500;
    if (c->entry_cost_ns[0] != '\0') {
        fault_add(faults, number_set(&s->entry_cost_ns, "entry_cost_ns", c->entry_cost_ns, &err),
                  &err);
    }
}

/* What has no default. */
static void required_check(const struct sl_host_config *c, struct faults *faults)
{
    uint8_t hash[32];
    struct sl_err err = {0};
    if (c->image[0] == '\0') {
        fault_add(faults, sl_err_set(&err, SL_INVALID, "image: expected the path of an NF image"),
                  &err);
    }
    if (strlen(c->tenant_key_sha256) != 64 ||
        sl_hex_decode(c->tenant_key_sha256, hash, sizeof(hash)) != SL_OK) {
        fault_add(faults,
                  sl_err_set(&err, SL_INVALID,
                             "tenant_key_sha256: expected 64 hexadecimal digits, the SHA-256 of "
                             "the tenant's public key"),
                  &err);
    }
}

sl_rc sl_host_config_check(const struct sl_host_config *config,
                           struct sl_host_settings *ret_settings, struct sl_err *err)
{
    const struct sl_host_config *c = config;
    struct sl_host_settings s = {.config = config};
    struct faults faults = {.err = err};
    struct sl_err one = {0};
    required_check(c, &faults);
    if (!sl_evidence_is_name(c->evidence)) {
        fault_add(&faults,
                  sl_err_set(&one, SL_INVALID,
                             "evidence: '%s' is none of auto, emu, sgx, tsm, none", c->evidence),
                  &one);
    }
    words_check(c, &s, &faults);
    fault_add(&faults, geometry_check(c, &s.geometry, &one), &one);
    fault_add(&faults, address_check("listen", c->listen, SL_ESP_UDP_PORT, &s.listen, &one), &one);
    fault_add(&faults, address_check("control", c->control, SL_CONTROL_PORT, &s.control, &one),
              &one);
    if (faults.rc == SL_OK) {
        *ret_settings = s;
    }
    return faults.rc;
}
