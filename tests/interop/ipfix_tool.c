/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a capture through a chain of one flow monitor, with the capture's own times, and writes the
 * IPFIX packets that it sends: ipfix_tool POLICY.conf IN.pcap OUT.pcap */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "nf/chain.h"
#include "nf/emit.h"
#include "policy/kinds.h"

enum { NS_PER_MS = 1000000, REST_MS = 120000 };

static struct sl_capture_writer *out;
static uint64_t unix_now_ms;

static sl_rc send_packet(void *ctx, enum sl_port port, const void *data, uint32_t size)
{
    (void)ctx;
    (void)port;
    sl_capture_write(out, unix_now_ms * NS_PER_MS, data, size);
    return SL_OK;
}

static _Noreturn void die(const struct sl_err *err)
{
    fprintf(stderr, "ipfix_tool: %s\n", err->text);
    exit(2);
}

static void advance(struct sl_chain *chain, uint64_t start_ms, uint64_t until_ms)
{
    struct sl_emit emit = {.send = send_packet};
    while (unix_now_ms + SL_CHAIN_TICK_MS <= until_ms) {
        unix_now_ms += SL_CHAIN_TICK_MS;
        sl_chain_tick(chain, unix_now_ms - start_ms, unix_now_ms, &emit);
    }
}

static void run(struct sl_chain *chain, struct sl_capture *in)
{
    static uint8_t data[SL_PACKET_MAX + 256];
    struct sl_capture_packet from;
    uint64_t start_ms = 0;
    uint8_t first[4] = {0};
    while (sl_capture_next(in, &from) == SL_OK) {
        struct sl_packet packet = {.data = data, .size = from.size, .room = sizeof(data)};
        struct sl_packet *list[1] = {&packet};
        uint64_t at_ms = from.time_ns / NS_PER_MS;
        if (start_ms == 0) {
            start_ms = at_ms - SL_CHAIN_TICK_MS;
            unix_now_ms = start_ms;
        }
        advance(chain, start_ms, at_ms);
        memcpy(data, from.data, from.size);
        /* 10.x and fd.. are the LAN */
        memcpy(first, data + (data[0] >> 4 == 4 ? 12 : 8), 1);
        packet.port_in = first[0] == 10 || first[0] == 0xfd ? SL_PORT_LAN : SL_PORT_WAN;
        if (sl_packet_parse(&packet) == SL_OK) {
            sl_chain_set_now(chain, at_ms - start_ms);
            sl_chain_run(chain, list, 1);
        }
    }
    advance(chain, start_ms, unix_now_ms + REST_MS);
}

int main(int argc, char **argv)
{
    struct sl_err err = {0};
    struct sl_policy policy;
    struct sl_chain *chain = NULL;
    struct sl_capture *in = NULL;
    if (argc != 4) {
        fprintf(stderr, "usage: ipfix_tool POLICY.conf IN.pcap OUT.pcap\n");
        return 2;
    }
    if (sl_policy_compile("monitor", argv[1], &policy, &err) != SL_OK ||
        sl_chain_create(policy.bundle, policy.size, &chain, &err) != SL_OK ||
        sl_capture_open(argv[2], &in, &err) != SL_OK ||
        sl_capture_create(argv[3], &out, &err) != SL_OK) {
        die(&err);
    }
    run(chain, in);
    for (uint32_t i = 0; i < sl_chain_nf_counter_count(chain, 0); i++) {
        struct sl_nf_counter counter;
        sl_chain_nf_counter_get(chain, 0, i, &counter);
        if (counter.name[0] != '\0') {
            printf("%s %llu\n", counter.name, (unsigned long long)counter.value);
        }
    }
    sl_capture_close(in);
    sl_chain_free(chain);
    sl_policy_done(&policy);
    if (sl_capture_finish(out) != SL_OK) {
        fprintf(stderr, "ipfix_tool: %s: cannot be written\n", argv[3]);
        return 2;
    }
    return 0;
}
