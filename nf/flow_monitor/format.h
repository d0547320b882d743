/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The flow monitor's compiled policy, big-endian: what the tenant's compiler writes and the monitor
 * in the image loads.
 *
 *   u32 magic "SLFM", u16 format, u8 ip version (4 or 6), u8 port the collector is behind (enum
 * sl_port), exporter address, collector address (16 bytes each, IPv4 in the first 4, the rest 0),
 *   u16 source port, u16 collector's port, u32 observation domain of shard 0,
 *   u32 active timeout ms, u32 idle timeout ms, u32 template refresh ms, u16 largest IP packet,
 *   u8 talkers to show, u8 0
 */
#ifndef SL_NF_FLOW_MONITOR_FORMAT_H
#define SL_NF_FLOW_MONITOR_FORMAT_H

#define SL_FM_MAGIC 0x534c464du

enum {
    SL_FM_FORMAT = 1,
    SL_FM_SIZE = 64,
    SL_FM_TIMEOUT_MIN_MS = 1000,
    SL_FM_TIMEOUT_MAX_MS = 24 * 3600 * 1000,
    SL_FM_PACKET_MIN = 576,
    SL_FM_PACKET_MAX = 9000,
    SL_FM_TALKERS_MAX = 32,
};

#endif
