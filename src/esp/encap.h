/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Around an ESP packet: UDP encapsulation (RFC 3948), native framing (IP protocol 50), and what the
 * tunnel does to DSCP, ECN and DF (RFC 4301 8.1, RFC 6040). Pure functions.
 */
#ifndef SL_ESP_ENCAP_H
#define SL_ESP_ENCAP_H

#include <stdbool.h>
#include <stdint.h>

#include "safelib/rc.h"

enum {
    SL_ESP_UDP_PORT = 4500,
};

enum sl_esp_framing {
    SL_ESP_FRAMING_UDP = 1,
    SL_ESP_FRAMING_NATIVE = 2,
};

enum sl_udp_payload {
    SL_UDP_PAYLOAD_ESP,
    SL_UDP_PAYLOAD_KEEPALIVE, /**< one byte ff (RFC 3948 2.3) */
    SL_UDP_PAYLOAD_IKE,       /**< non-ESP marker: four zero bytes (RFC 3948 2.2) */
    SL_UDP_PAYLOAD_INVALID,
};
/** Classifies a UDP payload on port 4500. */
enum sl_udp_payload sl_udp_payload_classify(const uint8_t *data, uint32_t size);

/** Outer addressing of one tunnel. */
struct sl_outer {
    enum sl_esp_framing framing;
    uint8_t ip_version;       /**< 4 or 6 */
    uint8_t src[16], dst[16]; /**< network order; 4 or 16 bytes */
    uint16_t sport, dport;    /**< UDP framing only; host order */
    uint8_t hop_limit;
    bool is_df;
};

/** Size of the outer headers: 20/40, plus 8 for UDP. */
uint32_t sl_outer_size(const struct sl_outer *outer);
/** Writes the outer headers for @p esp_size bytes of ESP in front of them. IPv4 header checksum
 * set; the UDP checksum is 0 for IPv4 and for IPv6 as RFC 6935 allows for tunnels (RFC 3948 2.1).
 * @retval SL_OK
 * @retval SL_NO_SPACE  @p out_size below sl_outer_size()
 * @retval SL_RANGE     larger than the IP length field can say */
sl_rc sl_outer_write(const struct sl_outer *outer, uint8_t tos, uint16_t ipv4_id, uint32_t esp_size,
                     uint8_t *out, uint32_t out_size) SL_MUST_CHECK;
/** Finds the ESP packet in an IP packet (IPv4, or IPv6 with at most hop-by-hop and destination
 * options); fills @p ret_outer from it. Any UDP port will do: ports are the caller's to check.
 * Outputs are written only on SL_OK.
 * @retval SL_OK
 * @retval SL_TRUNCATED    a length points past the end
 * @retval SL_MALFORMED    version, header length, IPv4 header checksum, UDP length or payload
 * @retval SL_UNSUPPORTED  not ESP (IKE included), or a fragment
 * @retval SL_AGAIN        a NAT keepalive */
sl_rc sl_outer_parse(const uint8_t *packet, uint32_t size, struct sl_outer *ret_outer,
                     uint8_t *ret_tos, uint32_t *ret_esp_off, uint32_t *ret_esp_size) SL_MUST_CHECK;

/** Outer TOS/traffic class byte for an inner packet: ECN by RFC 6040 4.1 normal mode, DSCP copied
 * or 0. */
uint8_t sl_tunnel_tos_out(uint8_t inner_tos, bool is_dscp_copied);
/** RFC 6040 4.2: combines outer ECN into the inner packet's header (checksum updated).
 * @param inner  an IPv4 or IPv6 packet already checked (sl_esp_open did)
 * @retval SL_OK
 * @retval SL_DENIED     the table says drop (inner Not-ECT, outer CE)
 * @retval SL_TRUNCATED  no IP header in @p inner_size */
sl_rc sl_tunnel_ecn_in(uint8_t outer_ecn, uint8_t *inner, uint32_t inner_size) SL_MUST_CHECK;
/** TOS/traffic class byte of an inner IPv4/IPv6 packet (already checked). */
uint8_t sl_tunnel_inner_tos(const uint8_t *inner);
/** Whether an inner packet (already checked) must not be fragmented: DF, or IPv6. RFC 4301 8.1 lets
 * the outer DF be copied from it. */
bool sl_tunnel_inner_is_df(const uint8_t *inner);

#endif
