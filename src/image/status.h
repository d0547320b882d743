/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The image's status as JSON; docs/status.md explains every field.
 */
#ifndef SL_IMAGE_STATUS_H
#define SL_IMAGE_STATUS_H

#include "image/control_server.h"
#include "image/json.h"

/** Writes the status; json->rc tells whether it worked.
 * @context control thread, while workers run: counters may lag, never tear */
void sl_status_write(const struct sl_control_server *server, uint64_t now_ns, struct sl_json *json);

#endif
