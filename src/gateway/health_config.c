/* SPDX-License-Identifier: Apache-2.0 */
/* `health:` of the gateway's configuration. */
#include "gateway/health_config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
    INTERVAL_DEFAULT_MS = 2000, /* HAProxy's inter, rise and fall */
    RISE_DEFAULT = 2,
    FALL_DEFAULT = 3,
    INTERVAL_MIN_MS = 100,
    INTERVAL_MAX_MS = 3600000,
    COUNT_MAX = 100,
};

static const cyaml_strval_t types[] = {
    {"tcp", SL_HEALTH_TCP}, {"http", SL_HEALTH_HTTP}, {"icmp", SL_HEALTH_ICMP}};

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define TEXT     (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

static const cyaml_schema_field_t check_fields[] = {
    CYAML_FIELD_STRING_PTR("backend", CYAML_FLAG_POINTER, struct sl_health_yaml_check, backend, 3,
                           SL_HEALTH_NAME_MAX - 1),
    CYAML_FIELD_ENUM("type", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct sl_health_yaml_check,
                     type, types, 3),
    CYAML_FIELD_STRING_PTR("address", CYAML_FLAG_POINTER, struct sl_health_yaml_check, address, 2,
                           64),
    CYAML_FIELD_UINT("port", OPTIONAL, struct sl_health_yaml_check, port),
    CYAML_FIELD_STRING_PTR("path", TEXT, struct sl_health_yaml_check, path, 1,
                           SL_HEALTH_PATH_MAX - 1),
    CYAML_FIELD_STRING_PTR("host", TEXT, struct sl_health_yaml_check, host, 1,
                           SL_HEALTH_PATH_MAX - 1),
    CYAML_FIELD_UINT("status", OPTIONAL, struct sl_health_yaml_check, status),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t check_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sl_health_yaml_check, check_fields),
};
const cyaml_schema_field_t sl_health_fields[] = {
    CYAML_FIELD_STRING_PTR("nf", TEXT, struct sl_health_yaml, nf, 1, 31),
    CYAML_FIELD_UINT("interval_ms", OPTIONAL, struct sl_health_yaml, interval_ms),
    CYAML_FIELD_UINT("timeout_ms", OPTIONAL, struct sl_health_yaml, timeout_ms),
    CYAML_FIELD_UINT("rise", OPTIONAL, struct sl_health_yaml, rise),
    CYAML_FIELD_UINT("fall", OPTIONAL, struct sl_health_yaml, fall),
    CYAML_FIELD_SEQUENCE("checks", TEXT, struct sl_health_yaml, checks, &check_schema, 1,
                         SL_HEALTH_CHECKS_MAX),
    CYAML_FIELD_END,
};

static bool address_set(const char *text, uint16_t port, struct sl_health_check *out)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)&out->addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->addr;
    if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons(port);
        out->addr_size = sizeof(*in4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        out->addr_size = sizeof(*in6);
        return true;
    }
    return false;
}

/* What goes into a request as it is. */
static bool is_request_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static sl_rc check_set(const struct sl_health_yaml_check *yaml, uint32_t index,
                       struct sl_health_check *out, struct sl_err *err)
{
    const char *slash = strchr(yaml->backend, '/');
    out->type = (enum sl_health_type)yaml->type;
    out->status = yaml->status;
    (void)snprintf(out->backend, sizeof(out->backend), "%s", yaml->backend);
    (void)snprintf(out->path, sizeof(out->path), "%s", yaml->path != NULL ? yaml->path : "/");
    (void)snprintf(out->host, sizeof(out->host), "%s", yaml->host != NULL ? yaml->host : "");
    if (slash == NULL || slash == yaml->backend || slash[1] == '\0' ||
        !is_request_text(yaml->backend)) {
        return sl_err_set(err, SL_INVALID,
                          "health.checks[%u].backend: expected SERVICE/NAME, not \"%s\"", index,
                          yaml->backend);
    }
    if (!address_set(yaml->address, yaml->port, out)) {
        return sl_err_set(err, SL_INVALID, "health.checks[%u].address: \"%s\" is no address", index,
                          yaml->address);
    }
    if ((yaml->port == 0) != (out->type == SL_HEALTH_ICMP)) {
        return sl_err_set(err, SL_INVALID,
                          "health.checks[%u].port: expected for tcp and http, and only there",
                          index);
    }
    if (out->path[0] != '/' || !is_request_text(out->path) || !is_request_text(out->host)) {
        return sl_err_set(err, SL_INVALID,
                          "health.checks[%u]: path starts with \"/\", and path and host are plain "
                          "characters without blanks",
                          index);
    }
    if (yaml->status != 0 && (yaml->status < 100 || yaml->status > 599)) {
        return sl_err_set(err, SL_RANGE, "health.checks[%u].status: expected 100 to 599, not %u",
                          index, yaml->status);
    }
    return SL_OK;
}

sl_rc sl_health_config_set(const struct sl_health_yaml *yaml, struct sl_health_config *ret_config,
                           struct sl_err *err)
{
    struct sl_health_config *c = ret_config;
    memset(c, 0, sizeof(*c));
    (void)snprintf(c->nf, sizeof(c->nf), "%s", yaml->nf != NULL ? yaml->nf : "balancer");
    c->interval_ms = yaml->interval_ms != 0 ? yaml->interval_ms : INTERVAL_DEFAULT_MS;
    c->timeout_ms = yaml->timeout_ms != 0 ? yaml->timeout_ms : c->interval_ms;
    c->rise = yaml->rise != 0 ? yaml->rise : RISE_DEFAULT;
    c->fall = yaml->fall != 0 ? yaml->fall : FALL_DEFAULT;
    c->count = yaml->checks_count;
    if (c->interval_ms < INTERVAL_MIN_MS || c->interval_ms > INTERVAL_MAX_MS) {
        return sl_err_set(err, SL_RANGE, "health.interval_ms: expected %d to %d, not %u",
                          INTERVAL_MIN_MS, INTERVAL_MAX_MS, c->interval_ms);
    }
    if (c->timeout_ms > c->interval_ms) {
        return sl_err_set(err, SL_RANGE, "health.timeout_ms: expected at most the interval, %u",
                          c->interval_ms);
    }
    if (c->rise > COUNT_MAX || c->fall > COUNT_MAX) {
        return sl_err_set(err, SL_RANGE, "health.rise and fall: expected 1 to %d", COUNT_MAX);
    }
    for (uint32_t i = 0; i < c->count; i++) {
        sl_rc rc = check_set(&yaml->checks[i], i, &c->checks[i], err);
        if (rc != SL_OK) {
            return rc;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(c->checks[k].backend, c->checks[i].backend) == 0) {
                return sl_err_set(err, SL_INVALID, "health.checks[%u].backend: %s is there twice",
                                  i, c->checks[i].backend);
            }
        }
    }
    return SL_OK;
}
