/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A TUN interface with virtio-net headers and offloads: packets of up to 64 KiB in and out, their
 * segmentation and checksums left to this side.
 */
#ifndef SL_NET_TUN_H
#define SL_NET_TUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"
#include "net/segment.h"
#include "safelib/rc.h"

enum {
    SL_TUN_NAME_MAX = 15,
    SL_TUN_QUEUES_MAX = 16,
    SL_TUN_PACKET_MAX = 65535,
};

struct sl_tun_params {
    char name[SL_TUN_NAME_MAX + 1];
    uint32_t mtu;
    uint32_t queue_count; /**< 1..SL_TUN_QUEUES_MAX; more than 1 uses IFF_MULTI_QUEUE */
    bool is_offload;      /**< TSO, USO, checksums */
};

struct sl_tun {
    char name[SL_TUN_NAME_MAX + 1];
    uint32_t queue_count;
    int fds[SL_TUN_QUEUES_MAX];
    bool has_tso; /**< super-packets of TCP, both ways */
    bool has_uso; /**< super-packets of UDP (Linux >= 6.2) */
};

/** Creates the interface, sets its MTU and brings it up; it vanishes with the process.
 * @retval SL_OK, SL_EXISTS (another process has it), SL_DENIED (needs CAP_NET_ADMIN), SL_IO,
 * SL_INVALID (name, queues); @p err says what to do
 * @owner caller calls sl_tun_close */
sl_rc sl_tun_open(const struct sl_tun_params *params, struct sl_tun *ret_tun,
                  struct sl_err *err) SL_MUST_CHECK;
void sl_tun_close(struct sl_tun *tun);
/** @retval SL_OK, SL_IO */
sl_rc sl_tun_mtu_set(const struct sl_tun *tun, uint32_t mtu) SL_MUST_CHECK;

/** Reads one packet or super-packet without blocking.
 * @retval SL_OK, SL_AGAIN (none), SL_TRUNCATED (too short to be one), SL_CLOSED (interface gone) */
sl_rc sl_tun_read(int fd, struct sl_vnet *ret_vnet, uint8_t *packet, uint32_t room,
                  uint32_t *ret_size) SL_MUST_CHECK;
/** Writes one packet or super-packet of @p count slices (at most SL_COALESCE_SLICES_MAX).
 * @retval SL_OK, SL_AGAIN (queue full: dropped), SL_IO (the kernel refused it), SL_RANGE (count) */
sl_rc sl_tun_write(int fd, const struct sl_vnet *vnet, const struct iovec *slices,
                   uint32_t count) SL_MUST_CHECK;

#endif
