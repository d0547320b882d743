/* SPDX-License-Identifier: Apache-2.0 */
/* YAML by libcyaml, then the checks a schema cannot say. */
#include "trustd/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files/yaml_file.h"
#include "trustd/workers.h"

struct yaml_limits {
    uint32_t connections, connections_per_address, idle_seconds, request_seconds;
    uint32_t pending_enrolments, rounds_per_minute, verifier_seconds, workers;
    uint64_t body_bytes, bodies_bytes, journal_bytes;
};
struct yaml_root {
    char *listen, *certificate, *key, *client_ca, *state_dir, *policy_dir, *refvals, *collateral;
    int pause_untrusted_containers;
    uint32_t nonce_seconds, enroll_seconds;
    struct yaml_limits limits;
};

#define LIMIT(name) CYAML_FIELD_UINT(#name, CYAML_FLAG_OPTIONAL, struct yaml_limits, name)
static const cyaml_schema_field_t limit_fields[] = {
    LIMIT(connections),
    LIMIT(connections_per_address),
    LIMIT(idle_seconds),
    LIMIT(request_seconds),
    LIMIT(pending_enrolments),
    LIMIT(rounds_per_minute),
    LIMIT(verifier_seconds),
    LIMIT(body_bytes),
    LIMIT(bodies_bytes),
    LIMIT(journal_bytes),
    LIMIT(workers),
    CYAML_FIELD_END,
};
#define PATH(name, flags)                                                                          \
    CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | (flags), struct yaml_root, name, 1,         \
                           SL_TRUSTD_PATH_SIZE - 1)
static const cyaml_schema_field_t root_fields[] = {
    CYAML_FIELD_STRING_PTR("listen", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_root,
                           listen, 1, 63),
    PATH(certificate, 0),
    PATH(key, 0),
    PATH(client_ca, CYAML_FLAG_OPTIONAL),
    PATH(state_dir, CYAML_FLAG_OPTIONAL),
    PATH(policy_dir, CYAML_FLAG_OPTIONAL),
    PATH(refvals, CYAML_FLAG_OPTIONAL),
    PATH(collateral, CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_ENUM("pause_untrusted_containers", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT,
                     struct yaml_root, pause_untrusted_containers, sl_yaml_bools, 2),
    CYAML_FIELD_UINT("nonce_seconds", CYAML_FLAG_OPTIONAL, struct yaml_root, nonce_seconds),
    CYAML_FIELD_UINT("enroll_seconds", CYAML_FLAG_OPTIONAL, struct yaml_root, enroll_seconds),
    CYAML_FIELD_MAPPING("limits", CYAML_FLAG_OPTIONAL, struct yaml_root, limits, limit_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t root_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_root, root_fields),
};

static void string_set(char *out, size_t size, const char *value, const char *fallback)
{
    (void)snprintf(out, size, "%s", value != NULL ? value : fallback);
}

struct number {
    const char *name;
    uint64_t given, fallback, min, max;
    uint32_t *out32;
    uint64_t *out64;
};

static sl_rc numbers_set(const struct number *table, size_t count, struct sl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct number *n = &table[i];
        uint64_t value = n->given != 0 ? n->given : n->fallback;
        if (value < n->min || value > n->max) {
            return sl_err_set(err, SL_RANGE, "%s: expected %llu to %llu, not %llu", n->name,
                              (unsigned long long)n->min, (unsigned long long)n->max,
                              (unsigned long long)value);
        }
        if (n->out32 != NULL) {
            *n->out32 = (uint32_t)value;
        } else {
            *n->out64 = value;
        }
    }
    return SL_OK;
}

static sl_rc config_check(const struct yaml_root *y, struct sl_trustd_config *c, struct sl_err *err)
{
    const struct yaml_limits *l = &y->limits;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    /* one node's long list must not keep all others from being judged: never fewer than two */
    const uint64_t workers = cores < 2                ? 2
                             : cores > SL_WORKERS_MAX ? SL_WORKERS_MAX
                                                      : (uint64_t)cores;
    const struct number table[] = {
        {"nonce_seconds", y->nonce_seconds, 60, 1, 3600, &c->nonce_seconds, NULL},
        {"enroll_seconds", y->enroll_seconds, 600, 1, 86400, &c->enroll_seconds, NULL},
        {"limits.connections", l->connections, 12000, 1, 100000, &c->connections_max, NULL},
        {"limits.connections_per_address", l->connections_per_address, 64, 1, 100000,
         &c->connections_per_address_max, NULL},
        {"limits.idle_seconds", l->idle_seconds, 60, 1, 3600, &c->idle_seconds, NULL},
        {"limits.request_seconds", l->request_seconds, 30, 1, 600, &c->request_seconds, NULL},
        {"limits.pending_enrolments", l->pending_enrolments, 256, 1, 100000, &c->pending_max, NULL},
        {"limits.rounds_per_minute", l->rounds_per_minute, 60, 1, 60000, &c->rate_per_minute, NULL},
        {"limits.workers", l->workers, workers, 2, SL_WORKERS_MAX, &c->workers, NULL},
        {"limits.verifier_seconds", l->verifier_seconds, 10, 1, 600, &c->verifier_seconds, NULL},
        {"limits.body_bytes", l->body_bytes, 16u << 20, 4096, 32u << 20, NULL, &c->body_bytes_max},
        {"limits.bodies_bytes", l->bodies_bytes, 64u << 20, 4096, 1ull << 40, NULL,
         &c->bodies_bytes_max},
        {"limits.journal_bytes", l->journal_bytes, 4ull << 30, 1u << 20, 1ull << 50, NULL,
         &c->journal_bytes_max},
    };
    string_set(c->listen, sizeof(c->listen), y->listen, "[::]:8443");
    string_set(c->certificate, sizeof(c->certificate), y->certificate, "");
    string_set(c->key, sizeof(c->key), y->key, "");
    string_set(c->client_ca, sizeof(c->client_ca), y->client_ca, "");
    string_set(c->state_dir, sizeof(c->state_dir), y->state_dir, "/var/lib/safelib-trustd");
    string_set(c->policy_dir, sizeof(c->policy_dir), y->policy_dir, "/etc/safelib/policies");
    string_set(c->refvals, sizeof(c->refvals), y->refvals, "");
    string_set(c->collateral, sizeof(c->collateral), y->collateral, "");
    c->is_pausing = y->pause_untrusted_containers == SL_YAML_TRUE;
    sl_rc rc = numbers_set(table, sizeof(table) / sizeof(table[0]), err);
    if (rc == SL_OK && c->bodies_bytes_max < c->body_bytes_max) {
        return sl_err_set(err, SL_RANGE, "limits.bodies_bytes: less than limits.body_bytes");
    }
    return rc;
}

sl_rc sl_trustd_config_load(const char *path, struct sl_trustd_config *ret_config,
                            struct sl_err *err)
{
    void *root = NULL;
    struct sl_trustd_config config = {0};
    sl_rc rc = sl_yaml_load(path, &root_schema, "man safelib-trustd", &root, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = config_check(root, &config, err);
    sl_yaml_free(&root_schema, root);
    if (rc != SL_OK) {
        if (err != NULL) {
            (void)sl_err_prefix(err, "%s", path);
        }
        return rc;
    }
    *ret_config = config;
    return SL_OK;
}
