/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Which packets of a capture came in by the LAN port: those with a source in a prefix.
 */
#ifndef SL_CMD_SAFELIB_LAN_H
#define SL_CMD_SAFELIB_LAN_H

#include <stdint.h>

#define LAN_DEFAULT "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"

enum { LAN_PREFIXES_MAX = 32 };

struct lan_prefix {
    uint8_t addr[16];
    uint8_t width; /**< 4 or 16 */
    uint8_t bits;
};
struct lan {
    struct lan_prefix prefixes[LAN_PREFIXES_MAX];
    uint32_t count;
};

/** Reads prefixes with commas between them.
 * @return CMD_GOOD, or CMD_USAGE: the fault was told */
int lan_read(const char *text, struct lan *ret_lan);
/** @return enum sl_port: packets from a prefix came in by the LAN port, all others by the WAN port
 */
uint8_t lan_port_of(const struct lan *lan, const uint8_t *ip, uint32_t size);

#endif
