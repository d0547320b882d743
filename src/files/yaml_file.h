/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * YAML files by libcyaml's schemas: bounded, no aliases, and what libcyaml logs becomes one
 * sentence with key, line and column.
 */
#ifndef SL_FILES_YAML_FILE_H
#define SL_FILES_YAML_FILE_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** libcyaml's own booleans take any word for "true"; an insecure_ option must not. A strict
 * CYAML_FIELD_ENUM of these in an int; 0: not given. */
enum { SL_YAML_FALSE = 1, SL_YAML_TRUE = 2 };
extern const cyaml_strval_t sl_yaml_bools[2];

/** @param[in] hint  where a reader finds what is expected ("man safelib-attest")
 * @param[out] ret_root  as the schema says; NULL only where not SL_OK
 * @retval SL_OK
 * @retval SL_MALFORMED not YAML, empty, an unknown key or one given twice (with its line), a
 * missing key, a value of the wrong kind
 * @owner caller frees with sl_yaml_free */
sl_rc sl_yaml_read(const char *text, size_t size, const cyaml_schema_value_t *schema,
                   const char *hint, void **ret_root, struct sl_err *err) SL_MUST_CHECK;
/** The same from a file of at most SL_YAML_SIZE_MAX bytes; err names the path.
 * @retval as sl_yaml_read() and sl_file_read() */
sl_rc sl_yaml_load(const char *path, const cyaml_schema_value_t *schema, const char *hint,
                   void **ret_root, struct sl_err *err) SL_MUST_CHECK;
/** The same, and the text that it was read from, for sl_yaml_where().
 * @param[out] ret_text,ret_size  written only on SL_OK
 * @retval as sl_yaml_load()
 * @owner caller frees the text with free(), the root with sl_yaml_free() */
sl_rc sl_yaml_load_text(const char *path, const cyaml_schema_value_t *schema, const char *hint,
                        char **ret_text, size_t *ret_size, void **ret_root,
                        struct sl_err *err) SL_MUST_CHECK;
enum { SL_YAML_SIZE_MAX = 1 << 20 };
/** Where a value of a file stands, for faults that a schema cannot find.
 * @param path  "key", "key.key", "key[2].key"
 * @param[out] ret_line,ret_column  from 1; written only where true
 * @return false: no such value */
bool sl_yaml_where(const char *text, size_t size, const char *path, uint32_t *ret_line,
                   uint32_t *ret_column);
void sl_yaml_free(const cyaml_schema_value_t *schema, void *root);

#endif
