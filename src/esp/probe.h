/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Path probes: authenticated ESP packets with next header 59 ("no next header") whose payload says
 * so. Any other ESP peer drops them as dummies (RFC 4303 2.6). Used to find the path MTU by packets
 * of the size in question (RFC 8899 4.1, datagram PLPMTUD) and to ping through a tunnel.
 *
 *   "SLPM" | u8 kind | u8 0 | u16 size | u64 id | zeros up to size      (big-endian)
 */
#ifndef SL_ESP_PROBE_H
#define SL_ESP_PROBE_H

#include <stdint.h>

#include "safelib/rc.h"

#define SL_PROBE_MAGIC 0x534c504du /* "SLPM" */

enum {
    SL_PROBE_SIZE_MIN = 16,
};

enum sl_probe_kind {
    SL_PROBE_REQUEST = 1,
    SL_PROBE_REPLY = 2,
};

struct sl_probe {
    enum sl_probe_kind kind;
    uint16_t size; /**< bytes of the probe with its padding; a reply has the same size as its
                      request, so that a reply proves both directions at that size */
    uint64_t id;
};

/** Writes a probe, padded to @p payload_size bytes.
 * @retval SL_OK
 * @retval SL_NO_SPACE  @p payload_size below SL_PROBE_SIZE_MIN or above @p out_size */
sl_rc sl_probe_write(const struct sl_probe *probe, uint32_t payload_size, uint8_t *out,
                     uint32_t out_size) SL_MUST_CHECK;

/** Reads an ESP payload with next header 59.
 * @retval SL_OK
 * @retval SL_NOT_FOUND   no magic: a dummy packet
 * @retval SL_TRUNCATED   a request that says it is larger than @p size
 * @retval SL_MALFORMED   unknown kind, reserved byte not 0, or size below the minimum
 * @context packet path */
sl_rc sl_probe_read(const uint8_t *payload, uint32_t size,
                    struct sl_probe *ret_probe) SL_MUST_CHECK;

#endif
