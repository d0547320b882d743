/* SPDX-License-Identifier: Apache-2.0 */
/* Slots: sockets of their own, SAs that come, overlap and go, probes, sizes. */
#include "unit.h"

#include "gateway/tunnel.h"

static struct sl_gw_config config_of(const char *host, uint32_t shards)
{
    struct sl_gw_config config = {.udp_port = 4500,
                                  .shards = shards,
                                  .alg = SL_ESP_AES_128_GCM_16,
                                  .framing = SL_ESP_FRAMING_UDP,
                                  .is_esn = true,
                                  .window = 64};
    (void)snprintf(config.host, sizeof(config.host), "%s", host);
    return config;
}

static struct sl_esp_sa *sa_make(uint32_t spi, bool is_inbound)
{
    struct sl_esp_params params = {.alg = SL_ESP_AES_128_GCM_16,
                                   .spi = spi,
                                   .is_esn = true,
                                   .is_inbound = is_inbound,
                                   .window = 64};
    struct sl_esp_sa *sa = NULL;
    memset(params.key, 7, 16);
    assert_ok(sl_esp_sa_create(&params, &sa));
    return sa;
}

static void test_tunnel_every_slot_has_its_own_port(void **state)
{
    (void)state;
    struct sl_tunnel tunnel;
    const struct sl_gw_config config = config_of("127.0.0.1", 4);
    assert_ok(sl_tunnel_open(&config, &tunnel, NULL));
    for (uint32_t i = 0; i < 8; i++) {
        uint16_t port = sl_udp_local(tunnel.slots[i / 2][i % 2].udp)->port;
        assert_int_not_equal(port, 0);
        for (uint32_t k = 0; k < i; k++) {
            assert_int_not_equal(port, sl_udp_local(tunnel.slots[k / 2][k % 2].udp)->port);
        }
    }
    assert_false(sl_tunnel_is_keyed(&tunnel));
    sl_tunnel_close(&tunnel);
}

static void test_tunnel_open_refusals(void **state)
{
    (void)state;
    struct sl_tunnel tunnel;
    struct sl_err err = {0};
    struct sl_gw_config config = config_of("no such host", 1);
    assert_rc(sl_tunnel_open(&config, &tunnel, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "host.address"));
    config = config_of("127.0.0.1", 2);
    (void)snprintf(config.local, sizeof(config.local), "::1");
    assert_rc(sl_tunnel_open(&config, &tunnel, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "same IP version"));
    (void)snprintf(config.local, sizeof(config.local), "192.0.2.77"); /* not ours */
    assert_rc(sl_tunnel_open(&config, &tunnel, &err), SL_IO);
}

/* The other end sends one packet with it. */
static void sa_use(struct sl_esp_sa *in, uint32_t spi)
{
    uint8_t packet[256] = {0x45, 0, 0, 28, [8] = 64, [9] = 17};
    uint8_t sealed[256];
    uint8_t opened[256];
    uint32_t size = 0;
    struct sl_esp_inner out;
    struct sl_esp_sa *peer = sa_make(spi, false);
    assert_ok(sl_esp_seal(peer, packet, 28, 4, 0, sealed, sizeof(sealed), &size));
    assert_ok(sl_esp_open(in, sealed, size, opened, sizeof(opened), &out));
    sl_esp_sa_free(peer);
}

/* Rekeyed as fast as the control channel allows: the last SL_SA_PREVIOUS_MAX stay, in order. */
static void test_tunnel_in_set_many_kept_in_order(void **state)
{
    (void)state;
    struct sl_tunnel tunnel;
    const struct sl_gw_config config = config_of("127.0.0.1", 1);
    assert_ok(sl_tunnel_open(&config, &tunnel, NULL));
    struct sl_gw_slot *slot = &tunnel.slots[0][SL_PORT_LAN];
    const uint64_t second = 1000000000ull;
    for (uint32_t i = 0; i < SL_SA_PREVIOUS_MAX + 5; i++) {
        sl_tunnel_in_set(slot, sa_make(0x1000 + (i << 8), true), second + i);
    }
    for (uint32_t i = 0; i < SL_SA_PREVIOUS_MAX; i++) {
        assert_int_equal(sl_esp_sa_spi(slot->in_previous[i]),
                         0x1000 + ((SL_SA_PREVIOUS_MAX + 3 - i) << 8));
    }
    /* the oldest was out of use since 5 ns after the first */
    assert_false(sl_tunnel_can_rekey(slot, 2 * second + 4));
    assert_true(sl_tunnel_can_rekey(slot, 2 * second + 5));
    /* one in the middle is used: what is older goes when its time is over, what is newer stays */
    sa_use(slot->in_previous[3], sl_esp_sa_spi(slot->in_previous[3]));
    sl_tunnel_expire(&tunnel, 40 * second);
    assert_non_null(slot->in_previous[3]);
    assert_null(slot->in_previous[4]);
    assert_true(sl_tunnel_can_rekey(slot, 0));
    sl_tunnel_close(&tunnel);
}

static void test_tunnel_old_inbound_sa_lives_for_the_overlap(void **state)
{
    (void)state;
    struct sl_tunnel tunnel;
    const struct sl_gw_config config = config_of("127.0.0.1", 1);
    assert_ok(sl_tunnel_open(&config, &tunnel, NULL));
    struct sl_gw_slot *slot = &tunnel.slots[0][SL_PORT_LAN];
    sl_tunnel_in_set(slot, sa_make(0x100, true), 1);
    assert_null(slot->in_previous[0]);
    sl_tunnel_in_set(slot, sa_make(0x200, true), 1);
    assert_int_equal(sl_esp_sa_spi(slot->in), 0x200);
    assert_int_equal(sl_esp_sa_spi(slot->in_previous[0]), 0x100);
    sl_tunnel_expire(&tunnel, 30000000000ull);
    assert_non_null(slot->in_previous[0]);
    sl_tunnel_expire(&tunnel, 30000000001ull);
    assert_non_null(slot->in_previous[0]); /* the image may not have heard of the new one */
    sa_use(slot->in, 0x200);
    sl_tunnel_expire(&tunnel, 30000000000ull);
    assert_non_null(slot->in_previous[0]);
    sl_tunnel_expire(&tunnel, 30000000001ull);
    assert_null(slot->in_previous[0]);
    assert_int_equal(sl_esp_sa_spi(slot->in), 0x200);
    sl_tunnel_out_set(slot, sa_make(0x300, false), 1);
    assert_false(sl_tunnel_is_keyed(&tunnel)); /* the other slot is not */
    sl_tunnel_out_set(&tunnel.slots[0][SL_PORT_WAN], sa_make(0x301, false), 1);
    assert_true(sl_tunnel_is_keyed(&tunnel));
    sl_tunnel_clear(&tunnel);
    assert_false(sl_tunnel_is_keyed(&tunnel));
    assert_null(slot->in);
    assert_null(slot->out);
    sl_tunnel_close(&tunnel);
}

static void test_tunnel_probe_needs_an_sa_and_a_size(void **state)
{
    (void)state;
    struct sl_tunnel tunnel;
    const struct sl_gw_config config = config_of("127.0.0.1", 1);
    assert_ok(sl_tunnel_open(&config, &tunnel, NULL));
    struct sl_gw_slot *slot = &tunnel.slots[0][SL_PORT_LAN];
    assert_rc(sl_tunnel_probe(&tunnel, slot, 1, 64), SL_STATE);
    assert_rc(sl_tunnel_probe(&tunnel, slot, 1, SL_PACKET_MAX + 1), SL_RANGE);
    sl_tunnel_out_set(slot, sa_make(0x300, false), 1);
    assert_ok(sl_tunnel_probe(&tunnel, slot, 1, 64));
    assert_int_equal(sl_esp_sa_seq(slot->out), 1);
    sl_tunnel_close(&tunnel);
}

static void test_tunnel_inner_fit_is_what_seals_to_no_more(void **state)
{
    (void)state;
    struct sl_tunnel tunnel = {.framing = SL_ESP_FRAMING_UDP};
    for (uint32_t ip = 4; ip <= 6; ip += 2) {
        for (int native = 0; native < 2; native++) {
            tunnel.peer.ip_version = (uint8_t)ip;
            tunnel.framing = native != 0 ? SL_ESP_FRAMING_NATIVE : SL_ESP_FRAMING_UDP;
            uint32_t header = (ip == 4 ? 20u : 40u) + (native != 0 ? 0u : 8u);
            for (uint32_t outer = 576; outer <= 1500; outer++) {
                uint32_t inner = sl_tunnel_inner_fit(&tunnel, outer);
                assert_true(header + sl_esp_sealed_size(inner, 0) <= outer);
                assert_true(header + sl_esp_sealed_size(inner + 1, 0) > outer);
            }
        }
    }
    assert_int_equal(sl_tunnel_inner_fit(&tunnel, 10), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tunnel_every_slot_has_its_own_port),
        cmocka_unit_test(test_tunnel_open_refusals),
        cmocka_unit_test(test_tunnel_in_set_many_kept_in_order),
        cmocka_unit_test(test_tunnel_old_inbound_sa_lives_for_the_overlap),
        cmocka_unit_test(test_tunnel_probe_needs_an_sa_and_a_size),
        cmocka_unit_test(test_tunnel_inner_fit_is_what_seals_to_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
