/* SPDX-License-Identifier: Apache-2.0 */
/* Path probes inside a tunnel. */
#include "esp/probe.h"

#include <string.h>

#include "base/bytes.h"

sl_rc sl_probe_write(const struct sl_probe *probe, uint32_t payload_size, uint8_t *out,
                     uint32_t out_size)
{
    if (payload_size < SL_PROBE_SIZE_MIN || payload_size > out_size) {
        return SL_NO_SPACE;
    }
    memset(out, 0, payload_size);
    sl_be32_put(out, SL_PROBE_MAGIC);
    out[4] = (uint8_t)probe->kind;
    sl_be16_put(out + 6, probe->size);
    sl_be64_put(out + 8, probe->id);
    return SL_OK;
}

sl_rc sl_probe_read(const uint8_t *payload, uint32_t size, struct sl_probe *ret_probe)
{
    if (size < SL_PROBE_SIZE_MIN || sl_be32_get(payload) != SL_PROBE_MAGIC) {
        return SL_NOT_FOUND;
    }
    uint8_t kind = payload[4];
    uint16_t probe_size = sl_be16_get(payload + 6);
    if ((kind != SL_PROBE_REQUEST && kind != SL_PROBE_REPLY) || payload[5] != 0 ||
        probe_size < SL_PROBE_SIZE_MIN) {
        return SL_MALFORMED;
    }
    if (kind == SL_PROBE_REQUEST && probe_size > size) {
        return SL_TRUNCATED;
    }
    ret_probe->kind = (enum sl_probe_kind)kind;
    ret_probe->size = probe_size;
    ret_probe->id = sl_be64_get(payload + 8);
    return SL_OK;
}
