/* SPDX-License-Identifier: Apache-2.0 */
/* Stands between gateway and host like a kernel or NIC that breaks trains: forwards single
 * datagrams faithfully, but damages (or loses) datagrams that arrive as a run.
 *
 *   relay LISTEN_IP PORT OUT_IP TARGET_IP MODE_FILE COUNT_FILE
 *
 * The first letter of MODE_FILE says what to do: good, damage, lose; read for every run. COUNT_FILE
 * has two counters of 64 bits: runs that came from the gateway, and from the host. Each peer gets a
 * socket of its own towards the target, so that source ports stay apart. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/udp.h"

enum { PEERS_MAX = 64, RUNS = 4 };

struct peer {
    struct sl_net_addr addr;
    struct sl_udp *udp;
};

static struct peer peers[PEERS_MAX];
static uint32_t peer_count;
static uint8_t buffers[RUNS][SL_UDP_RUN_MAX];
static const char *mode_path;
static volatile uint64_t *trains; /* from the gateway, from the host */

static char mode_now(void)
{
    static char mode = 'g';
    FILE *file = fopen(mode_path, "re");
    if (file != NULL) {
        int c = fgetc(file);
        mode = c == EOF ? mode : (char)c;
        (void)fclose(file);
    }
    return mode;
}

static void trains_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *map = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, 2 * sizeof(*trains)) == 0) {
        map = mmap(NULL, 2 * sizeof(*trains), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (map == MAP_FAILED) {
        perror(path);
        exit(1);
    }
    trains = map;
    (void)close(fd);
}

static struct sl_udp *socket_open(const char *ip, uint16_t port)
{
    struct sl_err err = {0};
    struct sl_udp *udp = NULL;
    struct sl_udp_params params = {.is_gso = true, .is_gro = true};
    if (sl_net_addr_resolve(ip, port, &params.local, &err) != SL_OK ||
        sl_udp_open(&params, &udp, &err) != SL_OK) {
        (void)fprintf(stderr, "relay: %s\n", err.text);
        exit(1);
    }
    return udp;
}

static struct peer *peer_of(const struct sl_net_addr *addr, const char *ip)
{
    for (uint32_t i = 0; i < peer_count; i++) {
        if (sl_net_addr_equal(&peers[i].addr, addr)) {
            return &peers[i];
        }
    }
    struct peer *peer = &peers[peer_count < PEERS_MAX ? peer_count++ : PEERS_MAX - 1];
    *peer = (struct peer){*addr, socket_open(ip, 0)};
    return peer;
}

/* Forwards what came; of a run of several, every third datagram is broken. */
static void forward(struct sl_udp *out, const struct sl_net_addr *to, struct sl_udp_rx *run,
                    bool is_from_host)
{
    char mode = mode_now();
    bool is_train = run->size > run->segment_size;
    uint32_t index = 0;
    trains[is_from_host] += is_train;
    for (uint32_t off = 0; off < run->size; off += run->segment_size, index++) {
        uint32_t left = run->size - off;
        uint32_t size = left < run->segment_size ? left : run->segment_size;
        if (is_train && index % 3 == 1 && mode != 'g') {
            if (mode == 'l') {
                continue;
            }
            run->data[off + size / 2] ^= 0x40;
        }
        const struct sl_udp_tx one = {.data = run->data + off,
                                      .size = size,
                                      .segment_size = size,
                                      .tos = run->tos,
                                      .to = *to};
        (void)sl_udp_send(out, &one, 1);
    }
}

static void drain(struct sl_udp *in, const struct sl_net_addr *target, struct sl_udp *back,
                  const struct sl_net_addr *back_to, const char *ip)
{
    struct sl_udp_rx runs[RUNS];
    uint32_t count = 0;
    for (int i = 0; i < RUNS; i++) {
        runs[i] = (struct sl_udp_rx){.data = buffers[i], .room = SL_UDP_RUN_MAX};
    }
    if (sl_udp_recv(in, runs, RUNS, &count) != SL_OK) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (runs[i].size == 0) {
            continue;
        }
        if (back == NULL) {
            forward(peer_of(&runs[i].from, ip)->udp, target, &runs[i], false);
        } else {
            forward(back, back_to, &runs[i], true);
        }
    }
}

int main(int argc, char **argv)
{
    struct sl_err err = {0};
    struct sl_net_addr target;
    unsigned long port = argc == 7 ? strtoul(argv[2], NULL, 10) : 0;
    if (port == 0 || port > UINT16_MAX ||
        sl_net_addr_resolve(argv[4], (uint16_t)port, &target, &err) != SL_OK) {
        (void)fprintf(stderr,
                      "usage: relay LISTEN_IP PORT OUT_IP TARGET_IP MODE_FILE COUNT_FILE\n");
        return 2;
    }
    mode_path = argv[5];
    trains_open(argv[6]);
    struct sl_udp *in = socket_open(argv[1], (uint16_t)port);
    for (;;) {
        struct pollfd fds[PEERS_MAX + 1] = {{.fd = sl_udp_fd(in), .events = POLLIN}};
        uint32_t known = peer_count;
        for (uint32_t i = 0; i < known; i++) {
            fds[i + 1] = (struct pollfd){.fd = sl_udp_fd(peers[i].udp), .events = POLLIN};
        }
        if (poll(fds, known + 1, -1) < 0) {
            continue;
        }
        if (fds[0].revents != 0) {
            drain(in, &target, NULL, NULL, argv[3]);
        }
        for (uint32_t i = 0; i < known; i++) {
            if (fds[i + 1].revents != 0) {
                drain(peers[i].udp, NULL, in, &peers[i].addr, NULL);
            }
        }
    }
}
