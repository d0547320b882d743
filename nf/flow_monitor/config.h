/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The monitor's policy, taken apart and checked.
 */
#ifndef SL_NF_FLOW_MONITOR_CONFIG_H
#define SL_NF_FLOW_MONITOR_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "safelib/rc.h"

struct fm_config {
    uint8_t ip_version;
    uint8_t port; /**< enum sl_port */
    uint8_t exporter[16];
    uint8_t collector[16];
    uint16_t source_port;
    uint16_t collector_port;
    uint32_t domain; /**< observation domain ID of shard 0; the others follow */
    uint32_t active_ms;
    uint32_t idle_ms;
    uint32_t template_ms;
    uint16_t packet_max;
    uint8_t talkers;
};

/** @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_UNSUPPORTED (format), SL_RANGE; @p reason says
 * what */
sl_rc fm_config_read(const void *policy, size_t size, struct fm_config *ret_config, char *reason,
                     size_t reason_size) SL_MUST_CHECK;

#endif
