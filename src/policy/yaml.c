/* SPDX-License-Identifier: Apache-2.0 */
/* libcyaml with this project's settings. */
#include "policy/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const cyaml_strval_t sl_yaml_bools[2] = {
    {"false", SL_YAML_FALSE},
    {"true", SL_YAML_TRUE},
};

/* Collects libcyaml's messages into one sentence. */
struct log_text {
    char text[360];
    size_t used;
};

static void log_collect(cyaml_log_t level, void *ctx, const char *format, va_list args)
{
    struct log_text *log = ctx;
    char line[200];
    (void)level;
    (void)vsnprintf(line, sizeof(line), format, args);
    char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    text += strspn(text, " ");
    text[strcspn(text, "\n")] = '\0';
    if (strncmp(text, "Backtrace", 9) == 0) {
        return;
    }
    int put = snprintf(log->text + log->used, sizeof(log->text) - log->used, "%s%s",
                       log->used > 0 ? ", " : "", text);
    size_t left = sizeof(log->text) - log->used;
    log->used += put < 0 ? 0 : (size_t)put >= left ? left - 1 : (size_t)put;
}

static cyaml_config_t config_with(struct log_text *log)
{
    return (cyaml_config_t){
        .log_fn = log_collect,
        .log_ctx = log,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS, /* a few aliases of aliases are gigabytes */
    };
}

sl_rc sl_yaml_read(const char *text, size_t size, const cyaml_schema_value_t *schema,
                   const char *hint, void **ret_root, struct sl_err *err)
{
    struct log_text log = {0};
    const cyaml_config_t cyaml = config_with(&log);
    cyaml_data_t *root = NULL;
    cyaml_err_t failed = cyaml_load_data((const uint8_t *)text, size, &cyaml, schema, &root, NULL);
    if (failed != CYAML_OK) {
        return sl_err_set(err, failed == CYAML_ERR_OOM ? SL_NO_MEMORY : SL_MALFORMED,
                          "%s (%s lists what is expected)",
                          log.used > 0 ? log.text : cyaml_strerror(failed), hint);
    }
    if (root == NULL) { /* libcyaml takes an empty file for no mapping, and calls it good */
        return sl_err_set(err, SL_MALFORMED, "is empty (%s lists what is expected)", hint);
    }
    *ret_root = root;
    return SL_OK;
}

void sl_yaml_free(const cyaml_schema_value_t *schema, void *root)
{
    struct log_text log = {0};
    const cyaml_config_t cyaml = config_with(&log);
    if (root != NULL) {
        (void)cyaml_free(&cyaml, schema, root, 0);
    }
}
