/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the monitor's policy. */
#include "flow_monitor/config.h"

#include <stdbool.h>
#include <stdio.h>

#include "flow_monitor/format.h"
#include "safelib/bytes.h"
#include "safelib/packet.h"

static sl_rc refuse(sl_rc rc, char *reason, size_t size, const char *what)
{
    (void)snprintf(reason, size, "%s: %s", what, sl_rc_text(rc));
    return rc;
}

static bool is_timeout(uint32_t ms)
{
    return ms >= SL_FM_TIMEOUT_MIN_MS && ms <= SL_FM_TIMEOUT_MAX_MS;
}

/* IPv4 addresses leave the other bytes zero. */
static bool is_padded(const uint8_t address[16], uint8_t ip_version)
{
    uint8_t rest = 0;
    for (uint32_t i = 4; i < 16; i++) {
        rest |= address[i];
    }
    return ip_version == 6 || rest == 0;
}

static sl_rc check(const struct fm_config *config, char *reason, size_t size)
{
    if ((config->ip_version != 4 && config->ip_version != 6) ||
        !is_padded(config->exporter, config->ip_version) ||
        !is_padded(config->collector, config->ip_version)) {
        return refuse(SL_MALFORMED, reason, size, "addresses of the flow monitor");
    }
    if (config->port >= SL_PORT_COUNT || config->source_port == 0 || config->collector_port == 0) {
        return refuse(SL_RANGE, reason, size, "ports of the flow monitor");
    }
    if (!is_timeout(config->active_ms) || !is_timeout(config->idle_ms) ||
        !is_timeout(config->template_ms)) {
        return refuse(SL_RANGE, reason, size, "a timeout of the flow monitor");
    }
    if (config->packet_max < SL_FM_PACKET_MIN || config->packet_max > SL_FM_PACKET_MAX) {
        return refuse(SL_RANGE, reason, size, "largest packet of the flow monitor");
    }
    if (config->talkers > SL_FM_TALKERS_MAX) {
        return refuse(SL_RANGE, reason, size, "number of talkers");
    }
    return SL_OK;
}

sl_rc fm_config_read(const void *policy, size_t size, struct fm_config *ret_config, char *reason,
                     size_t reason_size)
{
    struct fm_config config;
    struct sl_reader r;
    sl_reader_init(&r, policy, size);
    uint32_t magic = sl_reader_be32(&r);
    uint16_t format = sl_reader_be16(&r);
    config.ip_version = sl_reader_u8(&r);
    config.port = sl_reader_u8(&r);
    sl_reader_copy(&r, config.exporter, sizeof(config.exporter));
    sl_reader_copy(&r, config.collector, sizeof(config.collector));
    config.source_port = sl_reader_be16(&r);
    config.collector_port = sl_reader_be16(&r);
    config.domain = sl_reader_be32(&r);
    config.active_ms = sl_reader_be32(&r);
    config.idle_ms = sl_reader_be32(&r);
    config.template_ms = sl_reader_be32(&r);
    config.packet_max = sl_reader_be16(&r);
    config.talkers = sl_reader_u8(&r);
    uint8_t zero = sl_reader_u8(&r);
    if (r.rc == SL_OK && magic != SL_FM_MAGIC) {
        return refuse(SL_MALFORMED, reason, reason_size, "not a compiled flow monitor policy");
    }
    if (r.rc == SL_OK && format != SL_FM_FORMAT) {
        return refuse(SL_UNSUPPORTED, reason, reason_size, "format of the flow monitor policy");
    }
    sl_rc rc = sl_reader_end(&r);
    if (rc != SL_OK || zero != 0) {
        return refuse(rc != SL_OK ? rc : SL_MALFORMED, reason, reason_size, "flow monitor policy");
    }
    rc = check(&config, reason, reason_size);
    if (rc == SL_OK) {
        *ret_config = config;
    }
    return rc;
}
