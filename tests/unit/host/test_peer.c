/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of outer addresses, under a flood of spoofed ones. */
#include "unit.h"

#include "base/bytes.h"
#include "host/peer.h"

static struct sl_net_addr address(uint32_t ip, uint16_t port)
{
    struct sl_net_addr addr = {.ip_version = 4, .port = port};
    sl_be32_put(addr.ip, ip);
    return addr;
}

static void test_peer_same_address_same_tag(void **state)
{
    struct sl_peers *peers = calloc(1, sizeof(*peers));
    sl_peers_init(peers);
    struct sl_net_addr a = address(0x0a000001, 4500), b = address(0x0a000001, 4501);
    uint16_t tag_a = sl_peers_tag(peers, &a);
    uint16_t tag_b = sl_peers_tag(peers, &b);
    assert_true(tag_a != 0 && tag_b != 0 && tag_a != tag_b);
    assert_int_equal(sl_peers_tag(peers, &a), tag_a);
    assert_true(sl_net_addr_equal(sl_peers_answer(peers, tag_a), &a));
    assert_true(sl_net_addr_equal(sl_peers_answer(peers, tag_b), &b));
    free(peers);
}

static void test_peer_unknown_tag_has_no_address(void **state)
{
    struct sl_peers *peers = calloc(1, sizeof(*peers));
    sl_peers_init(peers);
    uint32_t known = 0;
    struct sl_net_addr a = address(1, 1);
    uint16_t tag = sl_peers_tag(peers, &a);
    for (uint32_t i = 0; i <= UINT16_MAX; i++) {
        known += sl_peers_answer(peers, (uint16_t)i) != NULL;
    }
    assert_int_equal(known, 1);
    assert_non_null(sl_peers_answer(peers, tag));
    free(peers);
}

static void test_peer_answered_survives_flood(void **state)
{
    struct sl_peers *peers = calloc(1, sizeof(*peers));
    sl_peers_init(peers);
    struct sl_net_addr gateway = address(0xc0000201, 4500);
    struct sl_net_addr stranger = address(0xc6336401, 1);
    uint16_t tag = sl_peers_tag(peers, &gateway);
    uint16_t strange = sl_peers_tag(peers, &stranger);
    assert_non_null(sl_peers_answer(peers, tag));
    for (uint32_t i = 0; i < 200000; i++) {
        struct sl_net_addr spoofed = address(0x0b000000 + i, (uint16_t)i);
        (void)sl_peers_tag(peers, &spoofed);
    }
    const struct sl_net_addr *to = sl_peers_answer(peers, tag);
    assert_non_null(to);
    assert_true(sl_net_addr_equal(to, &gateway));
    /* the one that was never answered is gone, and its tag leads nowhere or to nobody else's place
     */
    to = sl_peers_answer(peers, strange);
    assert_true(to == NULL || sl_net_addr_equal(to, &stranger) ||
                sl_peers_tag(peers, to) == strange);
    assert_int_equal(sl_peers_tag(peers, &gateway), tag);
    free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peer_same_address_same_tag),
        cmocka_unit_test(test_peer_unknown_tag_has_no_address),
        cmocka_unit_test(test_peer_answered_survives_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
