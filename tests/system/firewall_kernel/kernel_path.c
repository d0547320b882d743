/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's side of the comparisons, and what makes random packets. */
#include "kernel_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "safelib/checksum.h"

int kernel_tun[SL_PORT_COUNT];
static uint64_t random_state;

_Noreturn void die(const char *what)
{
    fprintf(stderr, "differ: %s: %s\n", what, strerror(errno));
    exit(2);
}

void random_seed(uint64_t seed)
{
    random_state = seed | 1;
}

uint32_t below(uint32_t bound)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1du) >> 33) % bound;
}

static int attach(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0) {
        die(name);
    }
    return fd;
}

void run_nft(const char *argument, const char *file)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("nft", "nft", argument, file, NULL);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        die("nft");
    }
}

void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* Waits until something came out, at the most so long. */
void wait_output(int wait_ms)
{
    struct pollfd fds[SL_PORT_COUNT];
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        fds[port] = (struct pollfd){.fd = kernel_tun[port], .events = POLLIN};
    }
    (void)poll(fds, SL_PORT_COUNT, wait_ms);
}

enum { PROBE_SIZE = 40, PROBE_MS = 20, PROBES_MAX = 500 };

/* A packet of no protocol, without a body for IPv6. */
static void make_probe(bool is_v4, int port, uint8_t ret_probe[PROBE_SIZE])
{
    memset(ret_probe, 0, PROBE_SIZE);
    if (is_v4) {
        memcpy(ret_probe, (uint8_t[]){0x45, 0, 0, PROBE_SIZE, 0, 0, 0x40, 0, 64, 253}, 10);
        memcpy(ret_probe + 12, (uint8_t[]){203, 0, 113, (uint8_t)(1 + port)}, 4);
        memcpy(ret_probe + 16, (uint8_t[]){203, 0, 113, (uint8_t)(2 - port)}, 4);
        put16(ret_probe + 10, sl_checksum_fold(sl_checksum_add(0, ret_probe, 20)));
        return;
    }
    memcpy(ret_probe, (uint8_t[]){0x60, 0, 0, 0, 0, 0, 253, 64}, 8);
    memcpy(ret_probe + 8, (uint8_t[]){0x20, 1, 0x0d, 0xb8}, 4);
    memcpy(ret_probe + 24, (uint8_t[]){0x20, 1, 0x0d, 0xb8}, 4);
    ret_probe[23] = (uint8_t)(1 + port);
    ret_probe[39] = (uint8_t)(2 - port);
}

/* A device that was just attached drops what it should send until the kernel has seen its carrier,
 * up to a second later. */
static void wait_forwarding(bool is_v4, int port)
{
    static uint8_t out[65536];
    uint8_t probe[PROBE_SIZE];
    make_probe(is_v4, port, probe);
    for (int i = 0; i < PROBES_MAX; i++) {
        ssize_t size;
        (void)!write(kernel_tun[port], probe, sizeof(probe));
        wait_output(PROBE_MS);
        while ((size = read(kernel_tun[1 - port], out, sizeof(out))) > 0) {
            if (size == PROBE_SIZE &&
                memcmp(out + (is_v4 ? 12 : 8), probe + (is_v4 ? 12 : 8), is_v4 ? 8 : 32) == 0) {
                return;
            }
        }
    }
    die("the kernel does not forward");
}

static void drain(void)
{
    static uint8_t out[65536];
    wait_output(PROBE_MS);
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        while (read(kernel_tun[port], out, sizeof(out)) > 0) {
        }
    }
}

void kernel_path_open(void)
{
    kernel_tun[SL_PORT_LAN] = attach("lan");
    kernel_tun[SL_PORT_WAN] = attach("wan");
    run_nft("flush", "ruleset");
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        wait_forwarding(true, port);
        wait_forwarding(false, port);
    }
    drain();
}

void random_addr(bool is_v4, uint8_t *out)
{
    static const uint8_t nets[][4] = {{10, 0, 0, 0},   {10, 1, 2, 0},   {192, 0, 2, 0},
                                      {172, 16, 5, 0}, {198, 18, 0, 0}, {93, 184, 216, 0}};
    if (is_v4) {
        memcpy(out, nets[below(6)], 4);
        out[3] = (uint8_t)below(16);
        out[2] = below(4) == 0 ? (uint8_t)below(256) : out[2];
        return;
    }
    memset(out, 0, 16);
    memcpy(out, (uint8_t[]){0x20, 1, 0x0d, 0xb8}, 4);
    out[5] = (uint8_t)below(4);
    out[15] = (uint8_t)below(16);
}

void seal_l4(uint8_t *ip, bool is_v4, uint8_t proto, uint8_t *l4, uint32_t size)
{
    static const struct {
        uint8_t proto, off;
    } places[] = {{6, 16}, {17, 6}, {1, 2}, {58, 2}};
    for (size_t i = 0; i < 4; i++) {
        if (places[i].proto == proto) {
            uint64_t sum = proto == 1 ? 0
                           : is_v4    ? sl_checksum_pseudo(ip + 12, ip + 16, 4, proto, size)
                                      : sl_checksum_pseudo(ip + 8, ip + 24, 16, proto, size);
            put16(l4 + places[i].off, sl_checksum_fold(sl_checksum_add(sum, l4, size)));
        }
    }
}
