/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the host counts per shard. Written by the one thread that moves the shard's packets, read by
 * the status page: values may lag.
 */
#ifndef SL_HOST_COUNTERS_H
#define SL_HOST_COUNTERS_H

#include <stdint.h>

#define SL_HOST_COUNTER_TABLE(X)                                                                   \
    X(rx_runs, "runs given to the image")                                                          \
    X(rx_datagrams, "datagrams given to the image")                                                \
    X(rx_copied, "runs copied once more: they arrived for another queue than guessed")             \
    X(rx_keepalive, "NAT keepalives dropped (RFC 3948 2.3)")                                       \
    X(rx_ike, "IKE messages dropped: SafeLib needs none")                                          \
    X(rx_short, "datagrams dropped: too short for ESP, or a reserved SPI")                         \
    X(rx_no_queue, "datagrams dropped: the SPI names no queue of this host")                       \
    X(rx_full, "datagrams dropped: the image does not drain its ring")                             \
    X(tx_runs, "runs taken from the image")                                                        \
    X(tx_datagrams, "datagrams taken from the image")                                              \
    X(tx_no_peer, "runs dropped: no known peer behind the tag")                                    \
    X(tx_bad, "runs dropped: the image wrote a descriptor that cannot be")                         \
    X(waits, "times a worker waited")                                                              \
    X(sleeps, "times a thread slept for want of packets")                                          \
    X(rings, "times a sleeping worker was woken")

struct sl_host_counters {
#define SL_HOST_COUNTER(name, text) uint64_t name;
    SL_HOST_COUNTER_TABLE(SL_HOST_COUNTER)
#undef SL_HOST_COUNTER
};

/** Reads a counter that another thread counts: aligned, so it lags but never tears. The sanitizer
 * is told so. */
__attribute__((noinline, unused, no_sanitize("thread"))) static uint64_t
sl_counter_read(const uint64_t *counter)
{
    return *(const volatile uint64_t *)counter;
}

#endif
