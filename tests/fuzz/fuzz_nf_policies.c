/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the policy of any NF but the firewall: the first byte chooses the NF. What loads
 * runs on four packets, is told the time, and is reloaded over itself. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "nf/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER_ROOM = 64 };

static struct sl_chain *chain_of(const char *nf, const uint8_t *policy, size_t size)
{
    uint8_t *bundle = malloc(size + HEADER_ROOM);
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    struct sl_writer w;
    assert(bundle != NULL);
    sl_writer_init(&w, bundle, size + HEADER_ROOM);
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, 1);
    sl_writer_string(&w, nf);
    sl_writer_be32(&w, (uint32_t)size);
    sl_writer_bytes(&w, policy, size);
    assert(w.rc == SL_OK);
    if (sl_chain_create(bundle, w.off, &chain, &err) != SL_OK) {
        assert(err.text[0] != '\0');
        chain = NULL;
    }
    free(bundle);
    return chain;
}

static void run(struct sl_chain *chain)
{
    static const uint8_t ip4[40] = {0x45, 0, 0, 40,  0, 0, 0, 0, 64, 6, 0xb1, 0xe6,        10,
                                    0,    0, 1, 192, 0, 2, 1, 1, 2,  0, 80,   [32] = 0x50, 2};
    static const uint8_t ip6[48] = {
        0x60, 0, 0, 0, 0, 8, 17, 64, 0x20, 1, [23] = 1, 0x20, 2, [39] = 2, 1, 2, 0, 53, 0, 8};
    uint8_t room[4][256];
    struct sl_packet packets[4];
    struct sl_packet *list[4];
    for (uint32_t i = 0; i < 4; i++) {
        memcpy(room[i], i % 2 == 0 ? ip4 : ip6, i % 2 == 0 ? sizeof(ip4) : sizeof(ip6));
        packets[i] = (struct sl_packet){.data = room[i],
                                        .size = i % 2 == 0 ? sizeof(ip4) : sizeof(ip6),
                                        .room = sizeof(room[i]),
                                        .port_in = (uint8_t)(i / 2)};
        list[i] = &packets[i];
        sl_rc rc = sl_packet_parse(&packets[i]);
        assert(rc == SL_OK);
        (void)rc;
    }
    sl_chain_run(chain, list, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert(packets[i].verdict <= SL_VERDICT_TURN && packets[i].size <= packets[i].room);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"router", "limiter", "balancer"};
    char answer[128];
    if (size == 0) {
        return 0;
    }
    const char *nf = names[data[0] % 3];
    struct sl_chain *chain = chain_of(nf, data + 1, size - 1);
    if (chain == NULL) {
        return 0;
    }
    sl_chain_set_now(chain, 1000);
    run(chain);
    (void)!sl_chain_command(chain, nf, "backend web/a down", answer, sizeof(answer));
    run(chain);
    for (uint32_t i = 0; i < sl_chain_nf_counter_count(chain, 0) && i < 64; i++) {
        struct sl_nf_counter counter;
        sl_chain_nf_counter_get(chain, 0, i, &counter);
    }
    sl_chain_free(chain);
    return 0;
}
