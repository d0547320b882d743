/* SPDX-License-Identifier: Apache-2.0 */
/* libcyaml with this project's settings. */
#include "files/yaml_file.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "files/files.h"

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

/* ---- keys ---- */

/* libcyaml tells the line of what stood before an unknown key, and takes a key twice: so keys are
 * looked at first. */
struct keys {
    yaml_document_t *document;
    struct sl_err *err;
};

/* What is expected instead, as "a, b or c"; cut where there is no room. */
struct expected {
    char text[240];
    size_t used;
};

static void expected_add(struct expected *expected, const char *word, bool is_last)
{
    size_t left = sizeof(expected->text) - expected->used;
    const char *between = expected->used == 0 ? "; expected " : is_last ? " or " : ", ";
    int put = snprintf(expected->text + expected->used, left, "%s%s", between, word);
    expected->used += put < 0 ? 0 : (size_t)put >= left ? left - 1 : (size_t)put;
}

static sl_rc key_fault(struct keys *keys, const char *what, const yaml_node_t *key,
                       const struct expected *expected)
{
    return sl_err_set(keys->err, SL_MALFORMED, "%s: %.*s (line: %zu, column: %zu)%s", what,
                      key->data.scalar.length < 64 ? (int)key->data.scalar.length : 64,
                      (const char *)key->data.scalar.value, key->start_mark.line + 1,
                      key->start_mark.column + 1, expected->text);
}

static bool is_key(const yaml_node_t *node, const char *name, size_t size)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == size &&
           memcmp(node->data.scalar.value, name, size) == 0;
}

static const cyaml_schema_field_t *field_of(const cyaml_schema_field_t *fields,
                                            const yaml_node_t *key)
{
    while (fields->key != NULL && !is_key(key, fields->key, strlen(fields->key))) {
        fields++;
    }
    return fields->key != NULL ? fields : NULL;
}

static struct expected fields_expected(const cyaml_schema_field_t *fields)
{
    struct expected expected = {0};
    for (; fields->key != NULL; fields++) {
        expected_add(&expected, fields->key, fields[1].key == NULL);
    }
    return expected;
}

/* A word that is none of those that the schema has. */
static sl_rc word_check(struct keys *keys, const cyaml_schema_value_t *schema, const char *key,
                        const yaml_node_t *node)
{
    struct expected expected = {0};
    char what[128];
    for (uint32_t i = 0; i < schema->enumeration.count; i++) {
        const char *word = schema->enumeration.strings[i].str;
        if (is_key(node, word, strlen(word))) {
            return SL_OK;
        }
        expected_add(&expected, word, i + 1 == schema->enumeration.count);
    }
    (void)snprintf(what, sizeof(what), "Invalid ENUM value in mapping field '%s'", key);
    return key_fault(keys, what, node, &expected);
}

static sl_rc keys_check(struct keys *keys, const cyaml_schema_value_t *schema, int index);

static sl_rc mapping_check(struct keys *keys, const cyaml_schema_field_t *fields,
                           const yaml_node_t *node)
{
    const yaml_node_pair_t *pairs = node->data.mapping.pairs.start;
    size_t count = (size_t)(node->data.mapping.pairs.top - pairs);
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *key = yaml_document_get_node(keys->document, pairs[i].key);
        if (key->type != YAML_SCALAR_NODE) {
            return SL_OK; /* libcyaml has a sentence for that */
        }
        const cyaml_schema_field_t *field = field_of(fields, key);
        if (field == NULL) {
            struct expected expected = fields_expected(fields);
            return key_fault(keys, "Unexpected key", key, &expected);
        }
        for (size_t k = 0; k < i; k++) {
            if (is_key(yaml_document_get_node(keys->document, pairs[k].key), field->key,
                       strlen(field->key))) {
                return key_fault(keys, "Key given twice", key, &(struct expected){0});
            }
        }
        const yaml_node_t *value = yaml_document_get_node(keys->document, pairs[i].value);
        bool is_word = field->value.type == CYAML_ENUM && value->type == YAML_SCALAR_NODE &&
                       (field->value.flags & CYAML_FLAG_STRICT) != 0;
        sl_rc rc = is_word ? word_check(keys, &field->value, field->key, value)
                           : keys_check(keys, &field->value, pairs[i].value);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

/* As deep as the schema, not as the file. */
static sl_rc keys_check(struct keys *keys, const cyaml_schema_value_t *schema, int index)
{
    const yaml_node_t *node = yaml_document_get_node(keys->document, index);
    sl_rc rc = SL_OK;
    if (schema->type == CYAML_MAPPING && node->type == YAML_MAPPING_NODE) {
        return mapping_check(keys, schema->mapping.fields, node);
    }
    if ((schema->type == CYAML_SEQUENCE || schema->type == CYAML_SEQUENCE_FIXED) &&
        node->type == YAML_SEQUENCE_NODE) {
        const yaml_node_item_t *item = node->data.sequence.items.start;
        for (; item != node->data.sequence.items.top && rc == SL_OK; item++) {
            rc = keys_check(keys, schema->sequence.entry, *item);
        }
    }
    return rc;
}

static sl_rc document_check(const char *text, size_t size, const cyaml_schema_value_t *schema,
                            struct sl_err *err)
{
    yaml_parser_t parser;
    yaml_document_t document;
    struct keys keys = {.document = &document, .err = err};
    sl_rc rc = SL_OK;
    if (yaml_parser_initialize(&parser) == 0) {
        return sl_err_set(err, SL_NO_MEMORY, "out of memory");
    }
    yaml_parser_set_input_string(&parser, (const uint8_t *)text, size);
    if (yaml_parser_load(&parser, &document) != 0) {
        rc = yaml_document_get_root_node(&document) != NULL ? keys_check(&keys, schema, 1) : SL_OK;
        yaml_document_delete(&document);
    } else { /* libcyaml does not always know the line */
        rc = sl_err_set(err, parser.error == YAML_MEMORY_ERROR ? SL_NO_MEMORY : SL_MALFORMED,
                        "is no YAML: %s (line: %zu, column: %zu)",
                        parser.problem != NULL ? parser.problem : "cannot be read",
                        parser.problem_mark.line + 1, parser.problem_mark.column + 1);
    }
    yaml_parser_delete(&parser);
    return rc;
}

sl_rc sl_yaml_read(const char *text, size_t size, const cyaml_schema_value_t *schema,
                   const char *hint, void **ret_root, struct sl_err *err)
{
    struct log_text log = {0};
    const cyaml_config_t cyaml = config_with(&log);
    cyaml_data_t *root = NULL;
    sl_rc rc = document_check(text, size, schema, err);
    if (rc != SL_OK) {
        return rc;
    }
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

/* ---- where ---- */

/* The value of a key of this length, or of an index; 0: none. */
static int member_of(yaml_document_t *document, const yaml_node_t *node, const char *name,
                     size_t size)
{
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         node->type == YAML_MAPPING_NODE && pair != node->data.mapping.pairs.top; pair++) {
        if (is_key(yaml_document_get_node(document, pair->key), name, size)) {
            return pair->value;
        }
    }
    return 0;
}

static int item_of(const yaml_node_t *node, unsigned long index)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return 0;
    }
    const yaml_node_item_t *items = node->data.sequence.items.start;
    return index < (size_t)(node->data.sequence.items.top - items) ? items[index] : 0;
}

static const yaml_node_t *node_at(yaml_document_t *document, const char *path)
{
    const yaml_node_t *node = yaml_document_get_root_node(document);
    while (node != NULL && *path != '\0') {
        int next;
        if (*path == '[') {
            char *end;
            next = item_of(node, strtoul(path + 1, &end, 10));
            path = *end == ']' ? end + 1 : end;
        } else {
            size_t size = strcspn(path, ".[");
            next = member_of(document, node, path, size);
            path += size;
        }
        path += *path == '.';
        node = next != 0 ? yaml_document_get_node(document, next) : NULL;
    }
    return node;
}

bool sl_yaml_where(const char *text, size_t size, const char *path, uint32_t *ret_line,
                   uint32_t *ret_column)
{
    yaml_parser_t parser;
    yaml_document_t document;
    const yaml_node_t *node = NULL;
    if (yaml_parser_initialize(&parser) == 0) {
        return false;
    }
    yaml_parser_set_input_string(&parser, (const uint8_t *)text, size);
    if (yaml_parser_load(&parser, &document) != 0) {
        node = node_at(&document, path);
        if (node != NULL) {
            *ret_line = (uint32_t)node->start_mark.line + 1;
            *ret_column = (uint32_t)node->start_mark.column + 1;
        }
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return node != NULL;
}

void sl_yaml_free(const cyaml_schema_value_t *schema, void *root)
{
    struct log_text log = {0};
    const cyaml_config_t cyaml = config_with(&log);
    if (root != NULL) {
        (void)cyaml_free(&cyaml, schema, root, 0);
    }
}

sl_rc sl_yaml_load_text(const char *path, const cyaml_schema_value_t *schema, const char *hint,
                        char **ret_text, size_t *ret_size, void **ret_root, struct sl_err *err)
{
    uint8_t *text = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(path, SL_YAML_SIZE_MAX, &text, &size, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_yaml_read((const char *)text, size, schema, hint, ret_root, err);
    if (rc != SL_OK) {
        free(text);
        return sl_err_prefix(err, "%s", path);
    }
    *ret_text = (char *)text;
    *ret_size = size;
    return SL_OK;
}

sl_rc sl_yaml_load(const char *path, const cyaml_schema_value_t *schema, const char *hint,
                   void **ret_root, struct sl_err *err)
{
    char *text = NULL;
    size_t size;
    sl_rc rc = sl_yaml_load_text(path, schema, hint, &text, &size, ret_root, err);
    free(text);
    return rc;
}
