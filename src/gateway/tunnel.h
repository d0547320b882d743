/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The tunnel to the image: one slot per shard and port, each with its own socket (and so its own
 * outer source port) and its own SA pair. Whoever sends or receives takes the slot's lock of that
 * direction; there is no other shared state. Without an SA nothing leaves and nothing enters.
 */
#ifndef SL_GATEWAY_TUNNEL_H
#define SL_GATEWAY_TUNNEL_H

#include <pthread.h>
#include <stdatomic.h>

#include "control/message.h"
#include "esp/probe.h"
#include "gateway/config.h"
#include "gateway/steering.h"
#include "net/offload.h"
#include "net/udp.h"

#define SL_GW_COUNTER_TABLE(X)                                                                     \
    X(tun_packets, "packets and super-packets read from the TUN")                                  \
    X(sealed, "packets sent into the tunnel")                                                      \
    X(sealed_bytes, "inner bytes sent into the tunnel")                                            \
    X(fragmentable, "IPv6 packets of up to 1280 bytes sent with DF clear on a narrow path")        \
    X(fragments, "IPv4 fragments made of packets without DF")                                      \
    X(mss_clamped, "TCP SYNs whose MSS was lowered")                                               \
    X(too_big, "packets larger than the tunnel's MTU answered with ICMP \"too big\"")              \
    X(drop_too_big, "too big, and no answer allowed or due")                                       \
    X(drop_no_sa, "no outbound SA: nothing leaves unprotected")                                    \
    X(drop_malformed, "not IP, or a header that contradicts itself")                               \
    X(drop_seal, "ESP refused: sequence numbers exhausted")                                        \
    X(opened, "packets out of the tunnel")                                                         \
    X(opened_bytes, "inner bytes out of the tunnel")                                               \
    X(probe_replies, "answers to path probes")                                                     \
    X(drop_source, "datagrams from another address than the host's")                               \
    X(drop_spi, "SPI of no SA")                                                                    \
    X(drop_replay, "replayed, or older than the window")                                           \
    X(drop_auth, "damaged or forged")                                                              \
    X(drop_inner, "authentic but malformed")                                                       \
    X(drop_dummy, "authentic packets that carry nothing")                                          \
    X(drop_ecn, "congestion mark on a packet that cannot carry it (RFC 6040 4.2)")                 \
    X(drop_tun, "the kernel did not take the packet from the TUN")

struct sl_gw_counters {
#define SL_GW_COUNTER(name, text) uint64_t name;
    SL_GW_COUNTER_TABLE(SL_GW_COUNTER)
#undef SL_GW_COUNTER
};

/** One SA pair and its socket. Members under tx are guarded by tx_lock, under rx by rx_lock. */
struct sl_gw_slot {
    uint32_t shard;
    enum sl_port port;
    struct sl_udp *udp; /**< constant while threads run */
    /* tx */
    pthread_mutex_t tx_lock;
    struct sl_esp_sa *out;
    uint64_t out_since_ns;
    struct sl_gw_counters tx;
    /* rx */
    pthread_mutex_t rx_lock;
    struct sl_esp_sa *in;
    /** newest first, then NULL; each valid until its time is over and a newer one is used */
    struct sl_esp_sa *in_previous[SL_SA_PREVIOUS_MAX];
    uint64_t in_previous_end_ns[SL_SA_PREVIOUS_MAX];
    struct sl_gw_counters rx;
};

struct sl_tunnel {
    struct sl_net_addr peer;
    enum sl_esp_framing framing;
    bool is_dscp_copied;
    uint32_t shard_count;
    atomic_uint df_max; /**< larger inner packets go out with DF clear: the mtu, or less where not
                           even the smallest MTU worth having passes */
    atomic_uint mtu;    /**< largest inner packet */
    struct sl_steering steering;
    struct sl_gw_slot slots[SL_GW_SHARDS_MAX][SL_PORT_COUNT];
};

/** Opens the sockets. Native framing has no ports: its slots share one socket, the first.
 * @retval SL_OK, SL_NOT_FOUND (host name), SL_IO, SL_NO_MEMORY */
sl_rc sl_tunnel_open(const struct sl_gw_config *config, struct sl_tunnel *tunnel,
                     struct sl_err *err) SL_MUST_CHECK;
void sl_tunnel_close(struct sl_tunnel *tunnel);

/** Puts an inbound SA in place; its predecessors stay valid for the overlap, and until the image
 * has used a newer one (it may not have heard of it). Takes @p sa over. */
void sl_tunnel_in_set(struct sl_gw_slot *slot, struct sl_esp_sa *sa, uint64_t now_ns);
/** Puts an outbound SA in place; the old one is freed. Takes @p sa over. */
void sl_tunnel_out_set(struct sl_gw_slot *slot, struct sl_esp_sa *sa, uint64_t now_ns);
/** Ends overlaps that are over. */
void sl_tunnel_expire(struct sl_tunnel *tunnel, uint64_t now_ns);
/** Whether one more rekey of this slot leaves packets under way for a second at least. */
bool sl_tunnel_can_rekey(struct sl_gw_slot *slot, uint64_t now_ns);
/** Deletes every SA: from now on nothing passes. */
void sl_tunnel_clear(struct sl_tunnel *tunnel);
bool sl_tunnel_is_keyed(struct sl_tunnel *tunnel);

/** Sends one authenticated probe of @p size payload bytes with DF set.
 * @retval SL_OK, SL_STATE (no SA), SL_RANGE (larger than the interface), SL_IO, SL_OVERFLOW */
sl_rc sl_tunnel_probe(struct sl_tunnel *tunnel, struct sl_gw_slot *slot, uint64_t id,
                      uint32_t size) SL_MUST_CHECK;

/** Inner packet that makes an outer packet of exactly at most @p outer_size bytes. */
uint32_t sl_tunnel_inner_fit(const struct sl_tunnel *tunnel, uint32_t outer_size);

/** What arrived, what did not and what arrived damaged, over the present inbound SAs. Loss is told
 * by the highest sequence number, at once; the SAs' own seq_gap knows it only a window later. */
void sl_tunnel_in_totals(struct sl_tunnel *tunnel, struct sl_offload_sample *ret_totals);

uint64_t sl_gw_now_ns(void);

#endif
