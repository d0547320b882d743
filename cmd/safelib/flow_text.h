/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A packet in words: "tcp 10.0.0.5:1234 > 192.0.2.1:443".
 */
#ifndef SL_CMD_SAFELIB_FLOW_TEXT_H
#define SL_CMD_SAFELIB_FLOW_TEXT_H

#include <stdint.h>

#include "base/err.h"

enum { FLOW_PACKET_MAX = 128 };

struct flow_packet {
    uint8_t data[FLOW_PACKET_MAX];
    uint32_t size;
    uint8_t port; /**< enum sl_port */
};

/** PROTO SRC > DST [WORDS]
 *   PROTO  tcp, udp, sctp, dccp, udplite, icmp, icmpv6, gre, esp, or a number
 *   SRC    ADDR[:PORT], IPv6 as [ADDR]:PORT or ADDR
 *   WORDS  flags=syn,ack (TCP; default syn), type=N code=N (ICMP; default an echo request), in=lan
 * or in=wan (default: lan for private sources), later (a later fragment)
 * @retval SL_OK, SL_INVALID with what was expected */
sl_rc flow_packet_read(const char *text, struct flow_packet *ret_packet,
                       struct sl_err *err) SL_MUST_CHECK;

#endif
