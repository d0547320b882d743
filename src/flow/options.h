/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an operator may say of a flow table: its sizes, how TCP is followed, timeouts. They travel
 * with the NF's policy in the chain bundle (nf/chain.h) as pairs of a number and a value.
 */
#ifndef SL_FLOW_OPTIONS_H
#define SL_FLOW_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** How closely TCP is followed. */
enum sl_flow_tcp_mode {
    SL_FLOW_TCP_COMPACT = 0, /**< states only, no sequence numbers: nothing more per flow */
    SL_FLOW_TCP_LIBERAL = 1, /**< windows are followed, only a reset outside is INVALID */
    SL_FLOW_TCP_STRICT = 2,  /**< whatever is outside the windows is INVALID */
    SL_FLOW_TCP_DEFAULT = 3, /**< what the NF's spec says */
};

/** number on the wire, name, default, least, most, meaning. Timeouts are Linux conntrack's; in
 * seconds. */
#define SL_FLOW_OPTION_TABLE(X)                                                                    \
    X(1, flows, 65536, 1, 16777216, "IPv4 flows per shard")                                        \
    X(2, flows6, UINT32_MAX, 0, UINT32_MAX, "IPv6 flows per shard; all ones: a quarter of flows")  \
    X(3, inside, UINT32_MAX, 64, UINT32_MAX,                                                       \
      "flows per shard kept in the enclave; the rest outside")                                     \
    X(4, tcp_mode, SL_FLOW_TCP_DEFAULT, 0, 3, "0 compact, 1 liberal, 2 strict, 3 the NF's own")    \
    X(5, tcp_loose, 1, 0, 1, "TCP connections that began unseen are picked up")                    \
    X(6, checksum, 1, 0, 1, "packets with a wrong upper-layer checksum are INVALID")               \
    X(16, tcp_syn_sent, 120, 1, 2592000, "timeout: SYN seen")                                      \
    X(17, tcp_syn_received, 60, 1, 2592000, "timeout: SYN and SYN/ACK seen")                       \
    X(18, tcp_established, 432000, 1, 2592000, "timeout: established")                             \
    X(19, tcp_fin_wait, 120, 1, 2592000, "timeout: one FIN seen")                                  \
    X(20, tcp_close_wait, 60, 1, 2592000, "timeout: FIN acknowledged")                             \
    X(21, tcp_last_ack, 30, 1, 2592000, "timeout: both FINs seen")                                 \
    X(22, tcp_time_wait, 120, 1, 2592000, "timeout: closed in good order")                         \
    X(23, tcp_close, 10, 1, 2592000, "timeout: reset")                                             \
    X(24, tcp_retransmission, 300, 1, 2592000,                                                     \
      "timeout at most: the same segment again and again")                                         \
    X(25, tcp_unacknowledged, 300, 1, 2592000, "timeout at most: picked up, no answer yet")        \
    X(32, udp, 30, 1, 2592000, "timeout: UDP, one packet or a short exchange")                     \
    X(33, udp_stream, 120, 1, 2592000, "timeout: UDP answered, for more than two seconds")         \
    X(34, icmp, 30, 1, 2592000, "timeout: ICMP query")                                             \
    X(35, generic, 600, 1, 2592000, "timeout: other protocols")

struct sl_flow_options {
#define SL_FLOW_OPTION_FIELD(number, name, standard, least, most, text) uint32_t name;
    SL_FLOW_OPTION_TABLE(SL_FLOW_OPTION_FIELD)
#undef SL_FLOW_OPTION_FIELD
};

void sl_flow_options_default(struct sl_flow_options *options);

/** Sets one by its name, as operators write it.
 * @retval SL_OK, SL_NOT_FOUND (no such option), SL_RANGE: @p err says which and what is allowed */
sl_rc sl_flow_options_set(struct sl_flow_options *options, const char *name, uint64_t value,
                          struct sl_err *err) SL_MUST_CHECK;

/** Reads pairs (u16 number, u32 value); what is not named keeps its value.
 * @retval SL_OK, SL_TRUNCATED, SL_RANGE, SL_UNSUPPORTED (a number that this image does not know) */
sl_rc sl_flow_options_read(struct sl_flow_options *options, const void *data, size_t size,
                           struct sl_err *err) SL_MUST_CHECK;

/** Writes what differs from the defaults.
 * @retval SL_OK, SL_NO_SPACE */
sl_rc sl_flow_options_write(const struct sl_flow_options *options, void *out, size_t room,
                            size_t *ret_size) SL_MUST_CHECK;

/** Bytes that sl_flow_options_write may need. */
#define SL_FLOW_OPTIONS_MAX 192

#endif
