/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * An IP address with a UDP port, comparable by value, and its text form.
 */
#ifndef SL_NET_ADDR_H
#define SL_NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "safelib/rc.h"

enum { SL_NET_ADDR_TEXT_MAX = 64 };

/** Unused bytes are 0, so that two addresses may be compared with sl_net_addr_equal. */
struct sl_net_addr {
    uint8_t ip[16];     /**< network order; 4 bytes for IPv4 */
    uint16_t port;      /**< host order */
    uint8_t ip_version; /**< 4, 6, or 0: none */
    uint8_t reserved;
    uint32_t scope; /**< IPv6 link-local: interface index; else 0 */
};

bool sl_net_addr_equal(const struct sl_net_addr *a, const struct sl_net_addr *b);
/** "192.0.2.1:4500" or "[2001:db8::1]:4500". @return @p out */
const char *sl_net_addr_text(const struct sl_net_addr *addr, char out[SL_NET_ADDR_TEXT_MAX]);
/** Numeric IPv4 or IPv6 address (with %scope), or a name, which is resolved now (may block).
 * @retval SL_OK, SL_NOT_FOUND (does not resolve); @p err says what was looked up */
sl_rc sl_net_addr_resolve(const char *host, uint16_t port, struct sl_net_addr *ret_addr,
                          struct sl_err *err) SL_MUST_CHECK;
/** Fills a socket address. @return its size; 0 where ip_version is neither 4 nor 6 */
socklen_t sl_net_addr_to_sockaddr(const struct sl_net_addr *addr, struct sockaddr_storage *ret_sa);
/** @retval SL_OK, SL_UNSUPPORTED (neither AF_INET nor AF_INET6) */
sl_rc sl_net_addr_from_sockaddr(const struct sockaddr_storage *sa,
                                struct sl_net_addr *ret_addr) SL_MUST_CHECK;

#endif
