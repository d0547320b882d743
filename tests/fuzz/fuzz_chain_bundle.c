/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a chain bundle with its firewall policy; what loads is run on two packets. */
#include <assert.h>

#include "nf/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    if (sl_chain_create(data, size, &chain, &err) != SL_OK) {
        assert(err.text[0] != '\0');
        return 0;
    }
    uint8_t ip4[128] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1, 1, 2};
    uint8_t ip6[128] = {0x60, 0, 0, 0, 0, 8, 17, 64, 0x20, 1};
    ip4[32] = 0x50;
    ip6[24] = 0x20;
    struct sl_packet packets[2] = {{.data = ip4, .size = 40, .room = sizeof(ip4)},
                                   {.data = ip6, .size = 48, .room = sizeof(ip6)}};
    struct sl_packet *list[2] = {&packets[0], &packets[1]};
    for (int i = 0; i < 2; i++) {
        sl_rc rc = sl_packet_parse(&packets[i]);
        assert(rc == SL_OK);
        (void)rc;
    }
    sl_chain_run(chain, list, 2);
    for (uint32_t i = 0; i < sl_chain_nf_counter_count(chain, 0) && i < 16; i++) {
        struct sl_nf_counter counter;
        sl_chain_nf_counter_get(chain, 0, i, &counter);
    }
    sl_chain_free(chain);
    return 0;
}
