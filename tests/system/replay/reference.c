/* SPDX-License-Identifier: Apache-2.0 */
/* What `safelib replay` must print for a capture: the chain as this process runs it, packet by
 * packet, without image, boundary, batches and control channel. Lines in the order of decisions.
 *
 *   reference POLICY.slp IN.pcap        LAN: sources in 10/8, 172.16/12, 192.168/16 and fc00::/7 */
#include <stdio.h>

#include "capture/capture.h"
#include "nf/eval.h"
#include "policy/policy.h"

static bool is_lan(const uint8_t *ip, uint32_t size)
{
    if (ip[0] >> 4 == 4 && size >= 16) {
        const uint8_t *src = ip + 12;
        return src[0] == 10 || (src[0] == 172 && (src[1] & 0xf0) == 16) ||
               (src[0] == 192 && src[1] == 168);
    }
    return ip[0] >> 4 != 4 && size >= 24 && (ip[8] & 0xfe) == 0xfc;
}

static char nf[SL_NF_NAME_MAX];
static uint32_t waiting[8192];
static uint32_t waiting_count;

static void wait_for(uint32_t tag)
{
    waiting[waiting_count++] = tag;
}

static void wait_over(uint32_t tag)
{
    for (uint32_t i = 0; i < waiting_count; i++) {
        if (waiting[i] == tag) {
            waiting[i] = waiting[--waiting_count];
            return;
        }
    }
}

static void on_result(void *ctx, const struct sl_eval_result *result)
{
    static const char *const names[] = {"drop", "accept", "reply"};
    static const char *const fates[] = {
#define WORD(name, word, text) word,
        SL_FRAGMENTS_FATE_TABLE(WORD)
#undef WORD
    };
    (void)ctx;
    if (result->fate == SL_EVAL_WAITS) {
        wait_for(result->tag);
        return;
    }
    wait_over(result->tag);
    printf("%u\t", result->tag);
    if (result->fate == SL_EVAL_MALFORMED) {
        printf("drop\t-\tmalformed\n");
    } else if (result->fate == SL_EVAL_GONE) {
        bool is_joined = result->fragment == SL_FRAGMENT_JOINED;
        printf("%s\t-\t%s\n", is_joined ? "joined" : "drop", fates[result->fragment]);
    } else if (result->packet->rule == SL_RULE_DEFAULT) {
        printf("%s\t%s\tdefault\n", names[result->packet->verdict], nf);
    } else {
        printf("%s\t%s\t%u\n", names[result->packet->verdict], nf, result->packet->rule + 1);
    }
}

static void run_one(struct sl_eval *eval, const struct sl_capture_packet *in)
{
    const struct sl_eval_packet packet = {.data = in->data,
                                          .size = in->size,
                                          .port = is_lan(in->data, in->size) ? SL_PORT_LAN
                                                                             : SL_PORT_WAN,
                                          .tag = (uint32_t)in->index};
    sl_eval_set_now(eval, in->time_ns / 1000000);
    sl_eval_run(eval, &packet, 1);
}

int main(int argc, char **argv)
{
    struct sl_policy policy;
    struct sl_capture *capture = NULL;
    struct sl_chain *chain = NULL;
    struct sl_eval *eval = NULL;
    struct sl_err err = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: reference POLICY.slp IN.pcap\n");
        return 2;
    }
    if (sl_policy_read(argv[1], &policy, &err) != SL_OK ||
        sl_chain_create(policy.bundle, policy.size, &chain, &err) != SL_OK ||
        sl_eval_create(chain, false, &eval) != SL_OK ||
        sl_capture_open(argv[2], &capture, &err) != SL_OK) {
        fprintf(stderr, "reference: %s\n", err.text);
        return 1;
    }
    struct sl_capture_packet packet;
    sl_policy_nf_name(&policy, 0, nf);
    sl_eval_listen(eval, on_result, NULL);
    while (sl_capture_next(capture, &packet) == SL_OK) {
        if (packet.size <= SL_PACKET_MAX) {
            run_one(eval, &packet);
        }
    }
    for (uint32_t i = 0; i < waiting_count; i++) {
        printf("%u\theld\t-\twaits\n", waiting[i]);
    }
    sl_capture_close(capture);
    sl_eval_free(eval);
    sl_policy_done(&policy);
    return 0;
}
