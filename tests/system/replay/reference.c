/* SPDX-License-Identifier: Apache-2.0 */
/* What `safelib replay` must print for a capture: the chain as this process runs it, packet by
 * packet, without image, boundary, batches and control channel.
 *
 *   reference POLICY.slp IN.pcap        LAN: sources in 10/8, 172.16/12, 192.168/16 and fc00::/7 */
#include <stdio.h>
#include <string.h>

#include "capture/capture.h"
#include "nf/chain.h"
#include "policy/policy.h"

enum { ROOM = 16384 };

static bool is_lan(const uint8_t *ip, uint32_t size)
{
    if (ip[0] >> 4 == 4 && size >= 16) {
        const uint8_t *src = ip + 12;
        return src[0] == 10 || (src[0] == 172 && (src[1] & 0xf0) == 16) ||
               (src[0] == 192 && src[1] == 168);
    }
    return ip[0] >> 4 != 4 && size >= 24 && (ip[8] & 0xfe) == 0xfc;
}

static void run_one(struct sl_chain *chain, const struct sl_policy *policy,
                    const struct sl_capture_packet *in)
{
    static const char *const names[] = {"drop", "accept", "reply"};
    static uint8_t data[ROOM];
    struct sl_packet packet = {.data = data,
                               .size = in->size,
                               .room = ROOM,
                               .port_in = is_lan(in->data, in->size) ? SL_PORT_LAN : SL_PORT_WAN};
    memcpy(data, in->data, in->size);
    printf("%llu\t", (unsigned long long)in->index);
    if (sl_packet_parse(&packet) != SL_OK) {
        printf("drop\t-\tmalformed\n");
        return;
    }
    struct sl_packet *list[1] = {&packet};
    char nf[SL_NF_NAME_MAX];
    sl_chain_run(chain, list, 1);
    sl_policy_nf_name(policy, 0, nf);
    printf("%s\t%s\t", names[packet.verdict], nf);
    if (packet.rule == SL_RULE_DEFAULT) {
        printf("default\n");
    } else {
        printf("%u\n", packet.rule + 1);
    }
}

int main(int argc, char **argv)
{
    struct sl_policy policy;
    struct sl_capture *capture = NULL;
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: reference POLICY.slp IN.pcap\n");
        return 2;
    }
    if (sl_policy_read(argv[1], &policy, &err) != SL_OK ||
        sl_chain_create(policy.bundle, policy.size, &chain, &err) != SL_OK ||
        sl_capture_open(argv[2], &capture, &err) != SL_OK) {
        fprintf(stderr, "reference: %s\n", err.text);
        return 1;
    }
    struct sl_capture_packet packet;
    while (sl_capture_next(capture, &packet) == SL_OK) {
        if (packet.size <= SL_PACKET_MAX) {
            run_one(chain, &policy, &packet);
        }
    }
    sl_capture_close(capture);
    sl_chain_free(chain);
    sl_policy_done(&policy);
    return 0;
}
