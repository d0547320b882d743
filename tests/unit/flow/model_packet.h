/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The packets of the model: few hosts, few ports, so that they meet.
 */
#ifndef SL_TESTS_FLOW_MODEL_PACKET_H
#define SL_TESTS_FLOW_MODEL_PACKET_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "flow/table.h"

enum {
    HOSTS = 4,
    ROOM = 128,
    TCP = 6,
    UDP = 17,
    ICMP = 1,
    OTHER = 99,
};

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "model: " __VA_ARGS__);                                                \
            fprintf(stderr, " (%s, line %d)\n", #condition, __LINE__);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct maker {
    struct sl_reader r;
    uint8_t last[3]; /* what the packet before was made of */
};

struct made {
    struct sl_packet packet;
    uint8_t data[ROOM];
    struct sl_flow_tuple tuple;
    bool is_error;
    bool is_bad; /* checksum, flags, or nothing that begins a flow */
    uint8_t flags;
    uint32_t seq, ack;
};

/* One packet from four bytes. */
void made_make(struct maker *maker, struct made *made);

#endif
