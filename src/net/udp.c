/* SPDX-License-Identifier: Apache-2.0 */
/* Datagram socket for ESP with segmentation offload both ways, and its falling back. */
#include "net/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    BATCH = 64,
    DEFAULT_BUFFER = 8 << 20,
    CONTROL_SIZE = 128,
    IPV4_HEADER = 20,
    SEND_WAIT_MS = 2,
    IPV6_FRAGMENT_MTU = 1280,
};
#define BACKOFF_MIN_NS 1000000000ull
#define BACKOFF_MAX_NS 300000000000ull

/* One message to the kernel: a train or a single datagram. */
struct piece {
    const uint8_t *data;
    uint32_t size;
    uint32_t segment_size;
    uint32_t count;
    uint8_t tos;
    const struct sl_net_addr *to;
};

struct sl_udp {
    int fd;
    bool is_native;
    uint8_t ip_version;
    struct sl_net_addr local;
    struct sl_udp_counters counters;
    atomic_bool is_gso_allowed;
    atomic_bool is_gro_wanted;
    bool is_gro_set;
    bool is_df;
    atomic_int gso_errno;
    _Atomic uint64_t retry_ns;
    uint64_t backoff_ns;
    uint64_t refused_ns;
    struct piece pieces[BATCH];
    uint32_t piece_count;
    struct mmsghdr tx_msgs[BATCH];
    struct iovec tx_iov[BATCH];
    struct sockaddr_storage tx_to[BATCH];
    _Alignas(8) uint8_t tx_control[BATCH][CONTROL_SIZE];
    struct mmsghdr rx_msgs[SL_UDP_BURST_MAX];
    struct iovec rx_iov[SL_UDP_BURST_MAX][2];
    struct sockaddr_storage rx_from[SL_UDP_BURST_MAX];
    uint8_t rx_header[SL_UDP_BURST_MAX][IPV4_HEADER];
    _Alignas(8) uint8_t rx_control[SL_UDP_BURST_MAX][CONTROL_SIZE];
};

static uint64_t now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool option_set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* Path-MTU discovery by the kernel would trust unauthenticated ICMP: PROBE sets DF and ignores it.
 */
static void df_set(struct sl_udp *udp, bool is_df)
{
    if (udp->is_df == is_df) {
        return;
    }
    if (udp->ip_version == 4) {
        (void)option_set(udp->fd, IPPROTO_IP, IP_MTU_DISCOVER,
                         is_df ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
    } else {
        (void)option_set(udp->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                         is_df ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
        /* RFC 8200 5: every link carries 1280; only the source fragments IPv6 */
        (void)option_set(udp->fd, IPPROTO_IPV6, IPV6_MTU, is_df ? 0 : IPV6_FRAGMENT_MTU);
    }
    udp->is_df = is_df;
}

static void buffers_set(int fd, uint32_t size)
{
    int value = size == 0 ? DEFAULT_BUFFER : (int)(size > INT32_MAX / 2 ? INT32_MAX / 2 : size);
    if (!option_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, value)) {
        (void)option_set(fd, SOL_SOCKET, SO_RCVBUF, value);
    }
    if (!option_set(fd, SOL_SOCKET, SO_SNDBUFFORCE, value)) {
        (void)option_set(fd, SOL_SOCKET, SO_SNDBUF, value);
    }
}

static sl_rc socket_bind(struct sl_udp *udp, const struct sl_udp_params *params, struct sl_err *err)
{
    char text[SL_NET_ADDR_TEXT_MAX];
    struct sockaddr_storage sa;
    struct sl_net_addr local = params->local;
    local.port = params->is_native ? 0 : local.port;
    socklen_t sa_size = sl_net_addr_to_sockaddr(&local, &sa);
    if (udp->ip_version == 6) {
        (void)option_set(udp->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (params->is_reuse_port) {
        (void)option_set(udp->fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (bind(udp->fd, (struct sockaddr *)&sa, sa_size) != 0) {
        return sl_err_set(err, SL_IO, "cannot bind %s socket to %s: %s",
                          params->is_native ? "ESP" : "UDP", sl_net_addr_text(&local, text),
                          strerror(errno));
    }
    sa_size = sizeof(sa);
    if (getsockname(udp->fd, (struct sockaddr *)&sa, &sa_size) != 0 ||
        sl_net_addr_from_sockaddr(&sa, &udp->local) != SL_OK) {
        return sl_err_set(err, SL_IO, "cannot read back the socket's address: %s", strerror(errno));
    }
    if (params->is_native) {
        udp->local.port = 0; /* raw sockets report the protocol there */
    }
    return SL_OK;
}

static void gro_apply(struct sl_udp *udp)
{
    bool is_wanted = atomic_load_explicit(&udp->is_gro_wanted, memory_order_relaxed);
    if (is_wanted != udp->is_gro_set) {
        (void)option_set(udp->fd, IPPROTO_UDP, UDP_GRO, is_wanted);
        udp->is_gro_set = is_wanted;
    }
}

sl_rc sl_udp_open(const struct sl_udp_params *params, struct sl_udp **ret_udp, struct sl_err *err)
{
    if (params->local.ip_version != 4 && params->local.ip_version != 6) {
        return sl_err_set(err, SL_INVALID, "local address: expected an IPv4 or IPv6 address");
    }
    struct sl_udp *udp = aligned_alloc(64, (sizeof(*udp) + 63) & ~(size_t)63);
    if (udp == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a socket");
    }
    memset(udp, 0, sizeof(*udp));
    udp->ip_version = params->local.ip_version;
    udp->is_native = params->is_native;
    bool is_v4 = udp->ip_version == 4;
    udp->fd = socket(is_v4 ? AF_INET : AF_INET6,
                     (params->is_native ? SOCK_RAW : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     params->is_native ? IPPROTO_ESP : IPPROTO_UDP);
    if (udp->fd < 0) {
        sl_rc rc = sl_err_set(err, SL_IO, "cannot create a socket: %s", strerror(errno));
        free(udp);
        return rc;
    }
    sl_rc rc = socket_bind(udp, params, err);
    if (rc != SL_OK) {
        sl_udp_close(udp);
        return rc;
    }
    (void)option_set(udp->fd, is_v4 ? IPPROTO_IP : IPPROTO_IPV6,
                     is_v4 ? IP_RECVTOS : IPV6_RECVTCLASS, 1);
    buffers_set(udp->fd, params->buffer_size);
    df_set(udp, true);
    udp->backoff_ns = BACKOFF_MIN_NS;
    sl_udp_offload_set(udp, params->is_gso && !params->is_native,
                       params->is_gro && !params->is_native);
    gro_apply(udp);
    *ret_udp = udp;
    return SL_OK;
}

void sl_udp_close(struct sl_udp *udp)
{
    if (udp != NULL) {
        (void)close(udp->fd);
        free(udp);
    }
}

int sl_udp_fd(const struct sl_udp *udp)
{
    return udp->fd;
}

const struct sl_net_addr *sl_udp_local(const struct sl_udp *udp)
{
    return &udp->local;
}

const struct sl_udp_counters *sl_udp_counters(const struct sl_udp *udp)
{
    return &udp->counters;
}

/* ---- receive ---- */

static void control_read(struct msghdr *msg, struct sl_udp_rx *buf)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            buf->tos = *CMSG_DATA(c);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            int value;
            memcpy(&value, CMSG_DATA(c), sizeof(value));
            buf->tos = (uint8_t)value;
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            uint16_t value; /* the kernel writes an int; its low half is the size */
            memcpy(&value, CMSG_DATA(c), sizeof(value));
            if (value != 0 && value < buf->size) {
                buf->segment_size = value;
            }
        }
    }
}

static void run_received(struct sl_udp *udp, uint32_t i, struct sl_udp_rx *buf)
{
    struct msghdr *msg = &udp->rx_msgs[i].msg_hdr;
    uint32_t size = udp->rx_msgs[i].msg_len;
    bool is_headed = udp->is_native && udp->ip_version == 4;
    if (is_headed) {
        /* raw IPv4 delivers the IP header; one with options would shift the packet: dropped */
        bool is_plain = size >= IPV4_HEADER && (udp->rx_header[i][0] & 0x0f) == 5;
        size = is_plain ? size - IPV4_HEADER : 0;
    }
    buf->size = size;
    buf->segment_size = size;
    buf->tos = 0;
    if ((msg->msg_flags & MSG_TRUNC) != 0 ||
        sl_net_addr_from_sockaddr(&udp->rx_from[i], &buf->from) != SL_OK) {
        buf->size = 0;
    }
    if (buf->size == 0) {
        udp->counters.rx_truncated++;
        return;
    }
    control_read(msg, buf);
    if (is_headed) {
        buf->tos = udp->rx_header[i][1];
    }
    buf->from.port = udp->is_native ? 0 : buf->from.port;
    udp->counters.rx_runs++;
    udp->counters.rx_bytes += size;
    udp->counters.rx_datagrams += (size + buf->segment_size - 1) / buf->segment_size;
}

sl_rc sl_udp_recv(struct sl_udp *udp, struct sl_udp_rx *bufs, uint32_t count, uint32_t *ret_count)
{
    count = count > SL_UDP_BURST_MAX ? SL_UDP_BURST_MAX : count;
    bool is_headed = udp->is_native && udp->ip_version == 4;
    gro_apply(udp);
    for (uint32_t i = 0; i < count; i++) {
        udp->rx_iov[i][0] = (struct iovec){udp->rx_header[i], IPV4_HEADER};
        udp->rx_iov[i][1] = (struct iovec){bufs[i].data, bufs[i].room};
        udp->rx_msgs[i].msg_hdr = (struct msghdr){
            .msg_name = &udp->rx_from[i],
            .msg_namelen = sizeof(udp->rx_from[i]),
            .msg_iov = is_headed ? &udp->rx_iov[i][0] : &udp->rx_iov[i][1],
            .msg_iovlen = is_headed ? 2 : 1,
            .msg_control = udp->rx_control[i],
            .msg_controllen = CONTROL_SIZE,
        };
    }
    int received = recvmmsg(udp->fd, udp->rx_msgs, count, MSG_DONTWAIT, NULL);
    udp->counters.rx_calls++;
    if (received < 0) {
        bool is_broken = errno == EBADF || errno == ENOTSOCK || errno == EFAULT;
        return is_broken ? SL_IO : SL_AGAIN;
    }
    for (int i = 0; i < received; i++) {
        run_received(udp, (uint32_t)i, &bufs[i]);
    }
    *ret_count = (uint32_t)received;
    return received == 0 ? SL_AGAIN : SL_OK;
}

/* ---- send ---- */

static size_t control_add(uint8_t *control, size_t off, int level, int type, const void *value,
                          size_t size)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)(control + off);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), value, size);
    return off + CMSG_SPACE(size);
}

static void message_fill(struct sl_udp *udp, uint32_t i)
{
    const struct piece *piece = &udp->pieces[i];
    uint8_t *control = udp->tx_control[i];
    size_t control_size = 0;
    int tos = piece->tos;
    uint16_t segment = (uint16_t)piece->segment_size;
    memset(control, 0, CONTROL_SIZE);
    if (udp->ip_version == 4) {
        control_size = control_add(control, control_size, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
    } else {
        control_size =
            control_add(control, control_size, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
    }
    if (piece->count > 1) {
        control_size =
            control_add(control, control_size, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
    }
    /* sendmsg does not write through msg_iov */
    udp->tx_iov[i] = (struct iovec){(void *)(uintptr_t)piece->data, piece->size};
    struct sl_net_addr to = *piece->to;
    to.port = udp->is_native ? 0 : to.port;
    socklen_t to_size = sl_net_addr_to_sockaddr(&to, &udp->tx_to[i]);
    udp->tx_msgs[i].msg_hdr = (struct msghdr){
        .msg_name = &udp->tx_to[i],
        .msg_namelen = to_size,
        .msg_iov = &udp->tx_iov[i],
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = control_size,
    };
}

static void sent_count(struct sl_udp *udp, const struct piece *piece)
{
    udp->counters.tx_datagrams += piece->count;
    udp->counters.tx_bytes += piece->size;
    udp->counters.gso_trains += piece->count > 1;
}

static void lost_count(struct sl_udp *udp, const struct piece *piece, int error)
{
    if (error == EMSGSIZE) {
        udp->counters.tx_too_big += piece->count;
    } else if (error == EAGAIN || error == ENOBUFS) {
        udp->counters.tx_full += piece->count;
    } else {
        udp->counters.tx_failed += piece->count;
    }
}

/* Sends the datagrams of a train singly, through message slot 0, which is past by then.
 * Returns 0, or the errno that the first one met. */
static int train_send_singly(struct sl_udp *udp, const struct piece *train)
{
    int first_error = 0;
    uint32_t sent = 0;
    for (uint32_t off = 0; off < train->size; off += train->segment_size) {
        uint32_t left = train->size - off;
        struct piece one = *train;
        one.data = train->data + off;
        one.size = left < train->segment_size ? left : train->segment_size;
        one.segment_size = one.size;
        one.count = 1;
        struct piece saved = udp->pieces[0];
        udp->pieces[0] = one;
        message_fill(udp, 0);
        udp->pieces[0] = saved;
        int error = sendmsg(udp->fd, &udp->tx_msgs[0].msg_hdr, MSG_DONTWAIT) < 0 ? errno : 0;
        udp->counters.tx_calls++;
        if (error == 0) {
            sent_count(udp, &one);
            sent++;
        } else {
            lost_count(udp, &one, error);
        }
        first_error = off == 0 ? error : first_error;
    }
    return sent > 0 ? 0 : first_error;
}

/* The kernel refused a train. Only where its datagrams pass singly is it the train's fault. */
static void train_refused(struct sl_udp *udp, const struct piece *train, int error)
{
    if (train_send_singly(udp, train) != 0) {
        return;
    }
    uint64_t now = now_ns();
    udp->counters.gso_refused++;
    if (now - udp->refused_ns > 4 * udp->backoff_ns) {
        udp->backoff_ns = BACKOFF_MIN_NS;
    } else if (now > atomic_load(&udp->retry_ns)) {
        udp->backoff_ns =
            udp->backoff_ns * 2 > BACKOFF_MAX_NS ? BACKOFF_MAX_NS : udp->backoff_ns * 2;
    }
    udp->refused_ns = now;
    atomic_store(&udp->gso_errno, error);
    atomic_store(&udp->retry_ns, now + udp->backoff_ns);
}

static bool is_train_error(int error)
{
    return error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP;
}

/* Decides about the message that stopped sendmmsg. Returns true to try it again. */
static bool message_failed(struct sl_udp *udp, uint32_t i, int error, bool *is_waited)
{
    const struct piece *piece = &udp->pieces[i];
    if (error == EINTR) {
        return true;
    }
    if ((error == EAGAIN || error == ECONNREFUSED) && !*is_waited) {
        struct pollfd pfd = {.fd = udp->fd, .events = POLLOUT};
        *is_waited = true;
        return error == ECONNREFUSED || poll(&pfd, 1, SEND_WAIT_MS) > 0;
    }
    if (piece->count > 1 && is_train_error(error)) {
        struct piece train = *piece;
        train_refused(udp, &train, error);
    } else {
        lost_count(udp, piece, error);
    }
    return false;
}

static void batch_flush(struct sl_udp *udp)
{
    uint32_t off = 0;
    bool is_waited = false;
    for (uint32_t i = 0; i < udp->piece_count; i++) {
        message_fill(udp, i);
    }
    while (off < udp->piece_count) {
        int sent = sendmmsg(udp->fd, udp->tx_msgs + off, udp->piece_count - off, MSG_DONTWAIT);
        int error = sent < 0 ? errno : 0;
        udp->counters.tx_calls++;
        for (int i = 0; i < sent; i++) {
            sent_count(udp, &udp->pieces[off + (uint32_t)i]);
        }
        off += sent > 0 ? (uint32_t)sent : 0;
        if (error != 0 && !message_failed(udp, off, error, &is_waited)) {
            off++;
            is_waited = false;
        }
    }
    udp->piece_count = 0;
}

static void piece_add(struct sl_udp *udp, const struct sl_udp_tx *run, uint32_t off, uint32_t size)
{
    if (udp->piece_count == BATCH) {
        batch_flush(udp);
    }
    udp->pieces[udp->piece_count++] = (struct piece){
        .data = run->data + off,
        .size = size,
        .segment_size = run->segment_size,
        .count = (size + run->segment_size - 1) / run->segment_size,
        .tos = run->tos,
        .to = &run->to,
    };
}

static bool is_gso_usable(struct sl_udp *udp)
{
    if (!atomic_load_explicit(&udp->is_gso_allowed, memory_order_relaxed)) {
        return false;
    }
    uint64_t retry = atomic_load_explicit(&udp->retry_ns, memory_order_relaxed);
    return retry == 0 || now_ns() >= retry;
}

uint32_t sl_udp_send(struct sl_udp *udp, const struct sl_udp_tx *runs, uint32_t count)
{
    uint64_t before = udp->counters.tx_datagrams;
    bool is_gso = is_gso_usable(udp);
    for (uint32_t i = 0; i < count; i++) {
        const struct sl_udp_tx *run = &runs[i];
        if (run->segment_size == 0 || run->to.ip_version != udp->ip_version) {
            udp->counters.tx_failed++;
            continue;
        }
        if (run->is_fragmentable == udp->is_df) {
            batch_flush(udp);
            df_set(udp, !run->is_fragmentable);
        }
        uint32_t step = run->segment_size;
        if (is_gso && !run->is_fragmentable && !run->is_single && run->size > run->segment_size) {
            uint32_t fit = SL_UDP_RUN_SEND_MAX / run->segment_size;
            fit = fit > SL_UDP_SEGMENTS_MAX ? SL_UDP_SEGMENTS_MAX : fit;
            step = (fit == 0 ? 1 : fit) * run->segment_size;
        }
        for (uint32_t off = 0; off < run->size; off += step) {
            piece_add(udp, run, off, run->size - off < step ? run->size - off : step);
        }
        udp->counters.tx_runs++;
    }
    batch_flush(udp);
    return (uint32_t)(udp->counters.tx_datagrams - before);
}

sl_rc sl_udp_send_probe(struct sl_udp *udp, const struct sl_udp_tx *datagram)
{
    struct sl_udp_tx one = *datagram;
    one.segment_size = one.size;
    one.is_fragmentable = false;
    uint64_t too_big = udp->counters.tx_too_big;
    if (sl_udp_send(udp, &one, 1) == 1) {
        return SL_OK;
    }
    return udp->counters.tx_too_big > too_big ? SL_RANGE : SL_IO;
}

/* ---- offload ---- */

void sl_udp_offload_get(const struct sl_udp *udp, struct sl_udp_offload *ret_offload)
{
    uint64_t retry = atomic_load(&udp->retry_ns);
    bool is_allowed = atomic_load(&udp->is_gso_allowed);
    bool is_backed_off = retry != 0 && now_ns() < retry;
    *ret_offload = (struct sl_udp_offload){
        .is_gso_allowed = is_allowed,
        .is_gso_active = is_allowed && !is_backed_off,
        .is_gro_active = atomic_load(&udp->is_gro_wanted),
        .gso_errno = atomic_load(&udp->gso_errno),
        .retry_ns = is_backed_off ? retry : 0,
    };
}

void sl_udp_offload_set(struct sl_udp *udp, bool is_gso, bool is_gro)
{
    atomic_store(&udp->is_gso_allowed, is_gso && !udp->is_native);
    atomic_store(&udp->is_gro_wanted, is_gro && !udp->is_native);
}
