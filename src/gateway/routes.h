/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Policy routing that leads what enters by an interface into a TUN, and nowhere else: the table's
 * last resort is "unreachable", which stays when the TUN and its route go. So a gateway that was
 * killed passes nothing. Only sl_routes_down removes it.
 */
#ifndef SL_GATEWAY_ROUTES_H
#define SL_GATEWAY_ROUTES_H

#include "gateway/config.h"

/** Installs rule and "unreachable" for each side with an interface, for IPv4 and IPv6. Before the
 * TUNs exist: from here on nothing bypasses.
 * @retval SL_OK, SL_IO (@p err: the command and its exit status), SL_NOT_FOUND (no such interface)
 */
sl_rc sl_routes_close(const struct sl_gw_config *config, struct sl_err *err) SL_MUST_CHECK;
/** Leads into the TUNs, which exist now; turns forwarding on.
 * @retval SL_OK, SL_IO */
sl_rc sl_routes_open(const struct sl_gw_config *config, struct sl_err *err) SL_MUST_CHECK;
/** Removes everything: traffic then goes where the main table says. */
void sl_routes_down(const struct sl_gw_config *config);

#endif
