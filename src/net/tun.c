/* SPDX-License-Identifier: Apache-2.0 */
/* TUN device with IFF_VNET_HDR (Documentation/networking/tuntap.rst). */
#include "net/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

enum { SLICES_MAX = 64 };

static sl_rc interface_ioctl(const char *name, unsigned long request, struct ifreq *ifr)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return SL_IO;
    }
    (void)snprintf(ifr->ifr_name, IFNAMSIZ, "%s", name);
    bool is_done = ioctl(fd, request, ifr) == 0;
    (void)close(fd);
    return is_done ? SL_OK : SL_IO;
}

static sl_rc queue_open(const struct sl_tun_params *params, int *ret_fd, struct sl_err *err)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return sl_err_set(
            err, errno == EACCES || errno == EPERM ? SL_DENIED : SL_IO,
            "cannot open /dev/net/tun: %s (is the tun module there, and are you root?)",
            strerror(errno));
    }
    struct ifreq ifr = {0};
    ifr.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR |
                            (params->queue_count > 1 ? IFF_MULTI_QUEUE : 0));
    (void)snprintf(ifr.ifr_name, IFNAMSIZ, "%s", params->name);
    if (ioctl(fd, TUNSETIFF, &ifr) != 0) {
        int error = errno;
        (void)close(fd);
        if (error == EBUSY) {
            return sl_err_set(err, SL_EXISTS, "interface %s is in use by another process",
                              params->name);
        }
        return sl_err_set(err, error == EPERM ? SL_DENIED : SL_IO,
                          "cannot create interface %s: %s%s", params->name, strerror(error),
                          error == EPERM ? " (needs CAP_NET_ADMIN: run as root)" : "");
    }
    *ret_fd = fd;
    return SL_OK;
}

static void offload_set(struct sl_tun *tun, int fd, bool is_offload)
{
    unsigned long base = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    tun->has_tso = false;
    tun->has_uso = false;
    if (!is_offload) {
        (void)ioctl(fd, TUNSETOFFLOAD, 0ul);
    } else if (ioctl(fd, TUNSETOFFLOAD, base | TUN_F_USO4 | TUN_F_USO6) == 0) {
        tun->has_tso = true;
        tun->has_uso = true;
    } else if (ioctl(fd, TUNSETOFFLOAD, base) == 0) {
        tun->has_tso = true;
    }
}

sl_rc sl_tun_mtu_set(const struct sl_tun *tun, uint32_t mtu)
{
    struct ifreq ifr = {.ifr_mtu = (int)mtu};
    return interface_ioctl(tun->name, SIOCSIFMTU, &ifr);
}

static sl_rc interface_up(const struct sl_tun *tun, uint32_t mtu, struct sl_err *err)
{
    struct ifreq ifr = {0};
    ifr.ifr_ifru.ifru_ivalue = 2000; /* packets queued towards us before the kernel drops */
    (void)interface_ioctl(tun->name, SIOCSIFTXQLEN, &ifr);
    if (sl_tun_mtu_set(tun, mtu) != SL_OK) {
        return sl_err_set(err, SL_IO, "cannot set the MTU of %s to %u: %s", tun->name, mtu,
                          strerror(errno));
    }
    memset(&ifr, 0, sizeof(ifr));
    if (interface_ioctl(tun->name, SIOCGIFFLAGS, &ifr) != SL_OK) {
        return sl_err_set(err, SL_IO, "cannot read the flags of %s: %s", tun->name,
                          strerror(errno));
    }
    ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (interface_ioctl(tun->name, SIOCSIFFLAGS, &ifr) != SL_OK) {
        return sl_err_set(err, SL_IO, "cannot bring %s up: %s", tun->name, strerror(errno));
    }
    return SL_OK;
}

sl_rc sl_tun_open(const struct sl_tun_params *params, struct sl_tun *ret_tun, struct sl_err *err)
{
    if (params->name[0] == '\0' || params->queue_count < 1 ||
        params->queue_count > SL_TUN_QUEUES_MAX) {
        return sl_err_set(err, SL_INVALID, "TUN: expected a name and 1 to %d queues",
                          SL_TUN_QUEUES_MAX);
    }
    struct sl_tun tun = {0};
    (void)snprintf(tun.name, sizeof(tun.name), "%s", params->name);
    sl_rc rc = SL_OK;
    for (uint32_t i = 0; i < params->queue_count && rc == SL_OK; i++) {
        rc = queue_open(params, &tun.fds[i], err);
        if (rc == SL_OK) {
            tun.queue_count++;
            offload_set(&tun, tun.fds[i], params->is_offload);
        }
    }
    if (rc == SL_OK) {
        rc = interface_up(&tun, params->mtu, err);
    }
    if (rc != SL_OK) {
        sl_tun_close(&tun);
        return rc;
    }
    *ret_tun = tun;
    return SL_OK;
}

void sl_tun_close(struct sl_tun *tun)
{
    for (uint32_t i = 0; i < tun->queue_count; i++) {
        (void)close(tun->fds[i]);
    }
    tun->queue_count = 0;
}

sl_rc sl_tun_read(int fd, struct sl_vnet *ret_vnet, uint8_t *packet, uint32_t room,
                  uint32_t *ret_size)
{
    struct sl_vnet vnet;
    struct iovec iov[2] = {{&vnet, sizeof(vnet)}, {packet, room}};
    ssize_t got = readv(fd, iov, 2);
    if (got < 0) {
        bool is_transient = errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
        return is_transient ? SL_AGAIN : SL_CLOSED;
    }
    if ((size_t)got <= sizeof(vnet)) {
        return SL_TRUNCATED;
    }
    *ret_vnet = vnet;
    *ret_size = (uint32_t)((size_t)got - sizeof(vnet));
    return SL_OK;
}

sl_rc sl_tun_write(int fd, const struct sl_vnet *vnet, const struct iovec *slices, uint32_t count)
{
    struct iovec iov[SLICES_MAX + 1];
    if (count == 0 || count > SLICES_MAX) {
        return SL_RANGE;
    }
    struct sl_vnet header = *vnet;
    iov[0] = (struct iovec){&header, sizeof(header)};
    memcpy(iov + 1, slices, count * sizeof(*slices));
    ssize_t put = writev(fd, iov, (int)count + 1);
    if (put >= 0) {
        return SL_OK;
    }
    return errno == EAGAIN || errno == ENOBUFS ? SL_AGAIN : SL_IO;
}
