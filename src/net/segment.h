/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Cuts what a TUN with offloads delivers (TCP and UDP super-packets, checksums left to the device)
 * into ordinary packets, the way a NIC would: RFC 9293 sequence numbers and flags, IPv4
 * identification, lengths, checksums.
 */
#ifndef SL_NET_SEGMENT_H
#define SL_NET_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/ip.h"
#include "safelib/rc.h"

/** virtio_net_hdr without the mergeable-buffers field, as IFF_VNET_HDR uses it; little-endian. */
struct sl_vnet {
    uint8_t flags;        /**< SL_VNET_NEEDS_CSUM */
    uint8_t gso_type;     /**< SL_VNET_GSO_*, with SL_VNET_GSO_ECN or-ed in */
    uint16_t hdr_len;     /**< a hint */
    uint16_t gso_size;    /**< payload bytes per segment */
    uint16_t csum_start;  /**< where the L4 checksum starts */
    uint16_t csum_offset; /**< from there, where it is stored */
};
_Static_assert(sizeof(struct sl_vnet) == 10, "virtio 1.0 5.1.6");

enum {
    SL_VNET_NEEDS_CSUM = 1,
    SL_VNET_DATA_VALID = 2,
    SL_VNET_GSO_NONE = 0,
    SL_VNET_GSO_TCPV4 = 1,
    SL_VNET_GSO_TCPV6 = 4,
    SL_VNET_GSO_UDP_L4 = 5,
    SL_VNET_GSO_ECN = 0x80,
};

/** A packet being cut. Points into the super-packet; private. */
struct sl_segmenter {
    const uint8_t *packet;
    struct sl_ip ip;
    uint32_t header_size;  /**< IP and L4 headers, copied in front of every segment */
    uint32_t payload_size; /**< bytes per segment */
    uint32_t off;          /**< next payload byte */
    uint32_t index;        /**< segments made */
    uint64_t pseudo;       /**< of the addresses and protocol */
    uint16_t csum_start, csum_field;
    bool is_split;
    bool needs_csum;
};

/** Looks at a packet from the TUN.
 * @param mtu  largest packet wanted: TCP segments are made smaller where needed, since their size
 *             is the sender's convenience; UDP datagrams and single packets keep theirs
 * @retval SL_OK           sl_segmenter_next gives at least one packet
 * @retval SL_TRUNCATED, SL_MALFORMED  IP or L4 header, or the vnet header does not fit the packet
 * @retval SL_UNSUPPORTED  gso_type unknown
 * @context packet path */
sl_rc sl_segmenter_init(struct sl_segmenter *seg, const struct sl_vnet *vnet, const uint8_t *packet,
                        uint32_t size, uint32_t mtu) SL_MUST_CHECK;
/** Writes the next packet to @p out.
 * @retval SL_OK        @p ret_size bytes
 * @retval SL_NOT_FOUND no more
 * @retval SL_NO_SPACE  @p room is smaller than the packet; nothing lost, call again with more */
sl_rc sl_segmenter_next(struct sl_segmenter *seg, uint8_t *out, uint32_t room,
                        uint32_t *ret_size) SL_MUST_CHECK;
/** Largest packet that sl_segmenter_next will give. */
uint32_t sl_segmenter_size_max(const struct sl_segmenter *seg);

#endif
