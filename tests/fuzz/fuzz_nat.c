/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the NAT's policy (first byte even), or as packets from both sides through a NAT44
 * and NAT64 (odd: each a byte of port and flags, a byte of size, then the packet): what passes is a
 * packet whose parsed fields are true, and fits its room. */
#include <assert.h>
#include <string.h>

#include "nat/policy.h"
#include "nf/chain.h"
#include "safelib/bytes.h"

enum { ROOM = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_policy(const uint8_t *data, size_t size)
{
    struct nat_policy policy;
    char reason[200] = "";
    sl_rc rc = nat_policy_read(data, size, &policy, reason, sizeof(reason));
    assert(rc == SL_OK || rc == SL_NO_MEMORY || reason[0] != '\0');
    if (rc != SL_OK) {
        return;
    }
    const uint8_t addr4[4] = {10, 0, 0, 1};
    struct nat_addr inside = nat_addr4(addr4);
    uint32_t outside;
    uint16_t first;
    for (uint32_t shards = 1; shards <= 16; shards++) {
        assert(nat_shard_inside(&policy, &inside, shards) < shards);
        assert(nat_shard_outside(&policy, 6, policy.outside[0].first, 80, shards) < shards);
    }
    if (policy.allocation == SL_NAT_DETERMINISTIC &&
        nat_deterministic(&policy, &inside, &outside, &first)) {
        assert(nat_policy_ordinal(&policy, outside) != UINT32_MAX);
        assert(first >= policy.port_first && first + policy.block_size - 1 <= policy.port_last);
    }
    nat_policy_done(&policy);
}

/* Endpoint-independent filter, 10/8 and 2001:db8::/32 inside, one outside address, the well-known
 * prefix. */
static struct sl_chain *chain_make(void)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t inside4[4] = {10};
    static const uint8_t inside6[16] = {0x20, 0x01, 0x0d, 0xb8};
    static const uint8_t prefix64[16] = {0, 0x64, 0xff, 0x9b};
    uint8_t bundle[512];
    uint8_t policy[256];
    struct sl_writer w;
    sl_writer_init(&w, policy, sizeof(policy));
    sl_writer_be32(&w, SL_NAT_MAGIC);
    sl_writer_be16(&w, SL_NAT_FORMAT);
    sl_writer_be16(&w, SL_NAT_PORT_PRESERVATION | SL_NAT_PORT_PARITY | SL_NAT_HAIRPIN |
                           SL_NAT_ANSWER | SL_NAT_ANY_ADDRESS64);
    sl_writer_be32(&w, SL_NAT_DYNAMIC << 8 | 96);
    sl_writer_bytes(&w, prefix64, sizeof(prefix64));
    const uint32_t numbers[] = {
        1u << 16 | 65535,           512, 4, 0, 0, 0, 64, 16, 0, 300000, 7440000, 240000, 60000,
        1500u << 16 | 32u << 8 | 64};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sl_writer_be32(&w, numbers[i]);
    }
    sl_writer_be16(&w, 2);
    sl_writer_u8(&w, 104);
    sl_writer_bytes(&w, mapped, sizeof(mapped));
    sl_writer_bytes(&w, inside4, sizeof(inside4));
    sl_writer_u8(&w, 32);
    sl_writer_bytes(&w, inside6, sizeof(inside6));
    sl_writer_be16(&w, 1);
    sl_writer_be32(&w, 0xc0000201);
    sl_writer_be32(&w, 0xc0000201);
    sl_writer_be16(&w, 0);
    struct sl_writer b;
    sl_writer_init(&b, bundle, sizeof(bundle));
    sl_writer_be32(&b, SL_CHAIN_MAGIC);
    sl_writer_be16(&b, 1);
    sl_writer_be16(&b, 1);
    sl_writer_be64(&b, 1);
    sl_writer_string(&b, "nat64");
    sl_writer_be32(&b, (uint32_t)w.off);
    sl_writer_bytes(&b, policy, w.off);
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    const struct sl_chain_place place = {.flows_max = 64};
    sl_rc rc = sl_chain_create_at(bundle, b.off, &place, &chain, &err);
    assert(w.rc == SL_OK && rc == SL_OK);
    return rc == SL_OK ? chain : NULL;
}

static void look_at(const struct sl_packet *packet)
{
    if (packet->verdict != SL_VERDICT_PASS) {
        return;
    }
    struct sl_packet again = {.data = packet->data, .size = packet->size, .room = packet->room};
    assert(packet->size <= packet->room);
    sl_rc rc = sl_packet_parse(&again);
    assert(rc == SL_OK && again.size == packet->size && again.ip_version == packet->ip_version);
    assert(again.l4_off == packet->l4_off && again.proto == packet->proto);
    assert((packet->has & SL_PKT_LATER_FRAGMENT) != 0 || again.sport == packet->sport);
    (void)rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || data[0] % 2 == 0) {
        try_policy(data + (size > 0), size - (size > 0));
        return 0;
    }
    struct sl_chain *chain = chain_make();
    uint64_t now_ms = 1000;
    for (size_t at = 1; chain != NULL && at + 2 < size;) {
        uint8_t bytes[ROOM];
        uint8_t how = data[at];
        size_t length = data[at + 1];
        at += 2;
        length = length < size - at ? length : size - at;
        memcpy(bytes, data + at, length);
        at += length;
        struct sl_packet packet = {.data = bytes,
                                   .size = (uint32_t)length,
                                   .room = how & 2 ? ROOM : (uint32_t)length,
                                   .port_in = how & 1};
        struct sl_packet *list[1] = {&packet};
        if (sl_packet_parse(&packet) == SL_OK) {
            now_ms += how & 4 ? 100000 : 1;
            sl_chain_set_now(chain, now_ms);
            sl_chain_run(chain, list, 1);
            look_at(&packet);
        }
    }
    sl_chain_free(chain);
    return 0;
}
