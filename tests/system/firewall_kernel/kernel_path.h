/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The kernel's forwarding path between the TUN devices "lan" and "wan" of this network namespace
 * (run.sh makes it), and the random packets that both sides get.
 */
#ifndef SL_TESTS_KERNEL_PATH_H
#define SL_TESTS_KERNEL_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "safelib/packet.h"

/** By port; attached by kernel_path_open. */
extern int kernel_tun[SL_PORT_COUNT];

_Noreturn void die(const char *what);
/** Attaches both, takes all rules away, and waits until the kernel forwards between them, both ways
 * and families. */
void kernel_path_open(void);
/** Runs `nft ARGUMENT FILE`; dies where it fails. */
void run_nft(const char *argument, const char *file);
/** Waits until something came out, at the most so long. */
void wait_output(int wait_ms);

void random_seed(uint64_t seed);
uint32_t below(uint32_t bound);
void put16(uint8_t *p, uint32_t v);
void random_addr(bool is_v4, uint8_t *out);
/** Fills the checksum of TCP, UDP, ICMP or ICMPv6 in. */
void seal_l4(uint8_t *ip, bool is_v4, uint8_t proto, uint8_t *l4, uint32_t size);

#endif
