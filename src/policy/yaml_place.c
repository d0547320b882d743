/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the place of a value in a YAML text, to tell where a fault is. */
#include "policy/yaml_place.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* The member of `node` that the first `size` bytes of `word` name; NULL where there is none. */
static yaml_node_t *member(yaml_document_t *document, const yaml_node_t *node, const char *word,
                           size_t size)
{
    if (node->type == YAML_SEQUENCE_NODE) {
        size_t index = strtoul(word, NULL, 10);
        size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
        return index < count
                   ? yaml_document_get_node(document, node->data.sequence.items.start[index])
                   : NULL;
    }
    if (node->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(document, pair->key);
        if (key->type == YAML_SCALAR_NODE && key->data.scalar.length == size &&
            strncmp((const char *)key->data.scalar.value, word, size) == 0) {
            return yaml_document_get_node(document, pair->value);
        }
    }
    return NULL;
}

static yaml_node_t *find(yaml_document_t *document, const char *place)
{
    yaml_node_t *node = yaml_document_get_root_node(document);
    while (node != NULL && *place != '\0') {
        size_t size = strcspn(place, ".");
        yaml_node_t *next = member(document, node, place, size);
        if (next == NULL) {
            break;
        }
        node = next;
        place += size + (place[size] == '.');
    }
    return node;
}

/* "LINE:COLUMN: `word`: " and the line, as far as they can be told. */
static uint32_t describe(const char *text, size_t size, const char *place, char *out,
                         size_t out_size)
{
    yaml_parser_t parser;
    yaml_document_t document;
    uint32_t line = 0;
    out[0] = '\0';
    if (yaml_parser_initialize(&parser) == 0) {
        return 0;
    }
    yaml_parser_set_input_string(&parser, (const uint8_t *)text, size);
    if (yaml_parser_load(&parser, &document) != 0) {
        const yaml_node_t *node = find(&document, place);
        if (node != NULL) {
            line = (uint32_t)node->start_mark.line + 1;
            bool is_word = node->type == YAML_SCALAR_NODE;
            const char *word = is_word ? (const char *)node->data.scalar.value : "";
            (void)snprintf(out, out_size, is_word ? "%u:%zu: `%.64s`: " : "%u:%zu: %s", line,
                           node->start_mark.column + 1, word);
        }
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return line;
}

uint32_t pol_yaml_line(const char *text, size_t size, const char *place)
{
    char where[160];
    return describe(text, size, place, where, sizeof(where));
}

void pol_yaml_record(const char *path, const char *text, size_t size, const char *place, sl_rc rc,
                     struct sl_err *err, const char *format, ...)
{
    char where[160];
    char what[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    (void)describe(text, size, place, where, sizeof(where));
    sl_err_record(err, rc, "%s:%s%s", path, where[0] != '\0' ? where : " ", what);
}
