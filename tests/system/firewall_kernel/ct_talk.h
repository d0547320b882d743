/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Random conversations between few hosts: TCP that mostly follows its states and windows and
 * sometimes does not, UDP, ICMP queries, ICMP errors about packets that were there or never were,
 * other protocols.
 */
#ifndef SL_TESTS_CT_TALK_H
#define SL_TESTS_CT_TALK_H

#include <stdint.h>

/** @param note  what the packet is, for people */
typedef void talk_put_fn(const uint8_t *data, uint32_t size, uint8_t port, const char *note);

/** Gives @p count packets to @p put, in their order. */
void talks_make(uint32_t count, talk_put_fn *put);

#endif
