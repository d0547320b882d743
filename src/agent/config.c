/* SPDX-License-Identifier: Apache-2.0 */
/* YAML by libcyaml, then the checks a schema cannot say. */
#include "agent/config.h"

#include <stdio.h>
#include <string.h>

#include "agent/containers.h"
#include "agent/events.h"
#include "files/yaml_file.h"

struct yaml_monitor {
    char *url, *ca;
};
struct yaml_tpm {
    char *tcti, *ek_chain;
    int ek;
};
struct yaml_logs {
    char *ima, *boot, *boot_id;
};
struct yaml_runtime {
    char *name, *state, *command, *images;
    int kind;
    uint32_t actions;
};
struct yaml_events {
    uint32_t *pcr;
    int exec;
};
struct yaml_tee {
    char *id, *socket;
};
struct yaml_root {
    struct yaml_monitor monitor;
    char *name, *node_class, *state_dir, *user;
    struct yaml_tpm tpm;
    struct yaml_logs logs;
    struct yaml_runtime *runtimes;
    uint32_t runtimes_count;
    struct yaml_events *events;
    struct yaml_tee *tee;
    uint32_t tee_count;
    int confine;
};

#define TEXT(key, type, field, max)                                                                \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, field, 1, (max)-1)
#define TEXT_MAYBE(key, type, field, max)                                                          \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, field, 1, (max)-1)
#define PATH(key, type, field) TEXT_MAYBE(key, type, field, SL_AGENT_PATH_MAX)

enum { EK_RSA = 1, EK_ECC = 2 };
static const cyaml_strval_t ek_names[] = {{"rsa", EK_RSA}, {"ecc", EK_ECC}};
static const cyaml_strval_t kind_names[] = {
    {"runc", SL_AGENT_RUNC}, {"crun", SL_AGENT_CRUN}, {"containerd", SL_AGENT_CONTAINERD}};
static const char containerd_images[] =
    "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
static const cyaml_strval_t action_names[] = {
    {"pause", SL_AGENT_PAUSE}, {"resume", SL_AGENT_RESUME}, {"kill", SL_AGENT_KILL}};

static const cyaml_schema_field_t monitor_fields[] = {
    TEXT("url", struct yaml_monitor, url, SL_AGENT_PATH_MAX),
    TEXT("ca", struct yaml_monitor, ca, SL_AGENT_PATH_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t tpm_fields[] = {
    PATH("tcti", struct yaml_tpm, tcti),
    PATH("ek_chain", struct yaml_tpm, ek_chain),
    CYAML_FIELD_ENUM("ek", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_tpm, ek, ek_names,
                     2),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t logs_fields[] = {
    PATH("ima", struct yaml_logs, ima),
    PATH("boot", struct yaml_logs, boot),
    PATH("boot_id", struct yaml_logs, boot_id),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t runtime_fields[] = {
    TEXT("name", struct yaml_runtime, name, SL_AGENT_NAME_MAX),
    TEXT("state", struct yaml_runtime, state, SL_AGENT_PATH_MAX),
    PATH("command", struct yaml_runtime, command),
    PATH("images", struct yaml_runtime, images),
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_runtime, kind,
                     kind_names, 3),
    CYAML_FIELD_FLAGS("actions", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_runtime,
                      actions, action_names, 3),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t runtime_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_runtime, runtime_fields),
};
static const cyaml_schema_field_t events_fields[] = {
    CYAML_FIELD_UINT_PTR("pcr", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_events, pcr),
    CYAML_FIELD_ENUM("exec", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_events, exec,
                     sl_yaml_bools, 2),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t tee_fields[] = {
    TEXT("id", struct yaml_tee, id, SL_AGENT_NAME_MAX),
    TEXT("socket", struct yaml_tee, socket, 100),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t tee_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_tee, tee_fields),
};
static const cyaml_schema_field_t root_fields[] = {
    CYAML_FIELD_MAPPING("monitor", CYAML_FLAG_DEFAULT, struct yaml_root, monitor, monitor_fields),
    TEXT("name", struct yaml_root, name, SL_AGENT_NAME_MAX),
    TEXT("class", struct yaml_root, node_class, SL_AGENT_NAME_MAX),
    CYAML_FIELD_MAPPING("tpm", CYAML_FLAG_OPTIONAL, struct yaml_root, tpm, tpm_fields),
    CYAML_FIELD_MAPPING("logs", CYAML_FLAG_OPTIONAL, struct yaml_root, logs, logs_fields),
    CYAML_FIELD_SEQUENCE("runtimes", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_root,
                         runtimes, &runtime_schema, 0, SL_AGENT_RUNTIMES_MAX),
    CYAML_FIELD_MAPPING_PTR("events", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_root,
                            events, events_fields),
    CYAML_FIELD_SEQUENCE("tee", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_root, tee,
                         &tee_schema, 0, SL_AGENT_TEES_MAX),
    PATH("state_dir", struct yaml_root, state_dir),
    TEXT_MAYBE("user", struct yaml_root, user, SL_AGENT_NAME_MAX),
    CYAML_FIELD_ENUM("confine", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct yaml_root, confine,
                     sl_yaml_bools, 2),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t root_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_root, root_fields),
};

static void text_set(char *out, size_t size, const char *value, const char *fallback)
{
    (void)snprintf(out, size, "%s", value != NULL ? value : fallback);
}
#define SET(out, value, fallback) text_set((out), sizeof(out), (value), (fallback))

static sl_rc runtime_set(const struct yaml_runtime *y, unsigned i, struct sl_agent_runtime *out,
                         struct sl_err *err)
{
    SET(out->name, y->name, "");
    SET(out->state, y->state, "");
    SET(out->command, y->command, "");
    out->kind = y->kind != 0 ? (enum sl_agent_runtime_kind)y->kind : SL_AGENT_RUNC;
    SET(out->images, y->images, out->kind == SL_AGENT_CONTAINERD ? containerd_images : "");
    out->actions = y->actions;
    if (out->state[0] != '/' || (out->command[0] != '\0' && out->command[0] != '/')) {
        return sl_err_set(err, SL_INVALID, "runtimes[%u]: state and command are absolute paths", i);
    }
    if (out->actions != 0 && out->command[0] == '\0') {
        return sl_err_set(err, SL_INVALID, "runtimes[%u].actions: needs a command", i);
    }
    return SL_OK;
}

static sl_rc config_check(const struct yaml_root *y, struct sl_agent_config *c, struct sl_err *err)
{
    SET(c->url, y->monitor.url, "");
    SET(c->ca, y->monitor.ca, "");
    SET(c->name, y->name, "");
    SET(c->node_class, y->node_class, "");
    SET(c->tcti, y->tpm.tcti, "device:/dev/tpmrm0");
    SET(c->ek_chain, y->tpm.ek_chain, "");
    SET(c->ima, y->logs.ima, "/sys/kernel/security/ima/binary_runtime_measurements");
    SET(c->boot, y->logs.boot, "/sys/kernel/security/tpm0/binary_bios_measurements");
    SET(c->boot_id, y->logs.boot_id, "/proc/sys/kernel/random/boot_id");
    SET(c->state_dir, y->state_dir, "/var/lib/safelib-agent");
    SET(c->user, y->user, "");
    c->is_ecc = y->tpm.ek == EK_ECC;
    c->is_confined = y->confine != SL_YAML_FALSE;
    if (strncmp(c->url, "https://", 8) != 0) {
        return sl_err_set(err, SL_INVALID, "monitor.url: expected https://HOST:PORT, not \"%s\"",
                          c->url);
    }
    size_t size = strlen(c->url);
    if (c->url[size - 1] == '/') {
        c->url[size - 1] = '\0';
    }
    c->events.is_on = y->events != NULL;
    c->events.pcr =
        y->events != NULL && y->events->pcr != NULL ? *y->events->pcr : SL_NODE_EVENT_PCR;
    c->events.is_exec = y->events != NULL && y->events->exec != SL_YAML_FALSE;
    c->events.size_max = SL_AGENT_EVENTS_MAX;
    if (c->events.pcr < 11 || c->events.pcr > 15) {
        return sl_err_set(err, SL_RANGE,
                          "events.pcr: %u, expected 11 to 15: those before are the firmware's and "
                          "IMA's, 16 and 23 can be reset by anybody",
                          c->events.pcr);
    }
    c->tee_count = y->tee_count;
    for (unsigned i = 0; i < y->tee_count; i++) {
        SET(c->tees[i].id, y->tee[i].id, "");
        SET(c->tees[i].socket, y->tee[i].socket, "");
        if (!sl_agent_container_is_id(c->tees[i].id) || c->tees[i].socket[0] != '/') {
            return sl_err_set(err, SL_INVALID,
                              "tee[%u]: id of letters, digits, _.- and an absolute path of "
                              "safelib-host's evidence_socket",
                              i);
        }
    }
    c->runtime_count = y->runtimes_count;
    for (unsigned i = 0; i < y->runtimes_count; i++) {
        sl_rc rc = runtime_set(&y->runtimes[i], i, &c->runtimes[i], err);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

sl_rc sl_agent_config_load(const char *path, struct sl_agent_config *ret_config, struct sl_err *err)
{
    void *root = NULL;
    sl_rc rc = sl_yaml_load(path, &root_schema, "man safelib-agent", &root, err);
    if (rc != SL_OK) {
        return rc;
    }
    memset(ret_config, 0, sizeof(*ret_config));
    rc = config_check(root, ret_config, err);
    sl_yaml_free(&root_schema, root);
    if (rc != SL_OK && err != NULL) {
        return sl_err_prefix(err, "%s", path);
    }
    return rc;
}
