/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Faults of YAML policies that a schema cannot find, told with line, column and word.
 */
#ifndef SL_POLICY_YAML_PLACE_H
#define SL_POLICY_YAML_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** Sentence "PATH:LINE:COLUMN: `word`: ..." into @p err, for the value at @p place.
 * @param path, text, size  the file and its contents
 * @param place  keys and indices from the root, as "services.0.backends.1.address"; where it is not
 *               there, the place of what it would be in */
void pol_yaml_record(const char *path, const char *text, size_t size, const char *place, sl_rc rc,
                     struct sl_err *err, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
/** pol_yaml_record() with the value of @p rc: see sl_err_set(). */
#define pol_yaml_fault(path, text, size, place, rc, err, ...)                                      \
    ({                                                                                             \
        const sl_rc pol_yaml_rc = (rc);                                                            \
        pol_yaml_record((path), (text), (size), (place), pol_yaml_rc, (err), __VA_ARGS__);         \
        pol_yaml_rc;                                                                               \
    })

/** The line of a place, from 1; 0 where the text cannot be read. */
uint32_t pol_yaml_line(const char *text, size_t size, const char *place);

#endif
