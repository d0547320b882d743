/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: text, socket addresses and back, names. */
#include "unit.h"

#include "net/addr.h"

static void test_addr_text_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *host, *text;
        uint8_t ip_version;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1:4500", 4},
        {"0.0.0.0", "0.0.0.0:4500", 4},
        {"2001:db8::1", "[2001:db8::1]:4500", 6},
        {"::", "[::]:4500", 6},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_net_addr addr;
        struct sl_net_addr back;
        struct sockaddr_storage sa;
        char text[SL_NET_ADDR_TEXT_MAX];
        assert_ok(sl_net_addr_resolve(cases[i].host, 4500, &addr, NULL));
        assert_int_equal(addr.ip_version, cases[i].ip_version);
        assert_string_equal(sl_net_addr_text(&addr, text), cases[i].text);
        assert_true(sl_net_addr_to_sockaddr(&addr, &sa) > 0);
        assert_ok(sl_net_addr_from_sockaddr(&sa, &back));
        assert_true(sl_net_addr_equal(&addr, &back));
    }
}

static void test_addr_equal_looks_at_every_part(void **state)
{
    (void)state;
    struct sl_net_addr a;
    assert_ok(sl_net_addr_resolve("fe80::1", 4500, &a, NULL));
    struct sl_net_addr b = a;
    assert_true(sl_net_addr_equal(&a, &b));
    b.port++;
    assert_false(sl_net_addr_equal(&a, &b));
    b = a;
    b.scope = 3; /* the same link-local address on another link is another host */
    assert_false(sl_net_addr_equal(&a, &b));
    b = a;
    b.ip[15] ^= 1;
    assert_false(sl_net_addr_equal(&a, &b));
    b = a;
    b.ip_version = 4;
    assert_false(sl_net_addr_equal(&a, &b));
}

static void test_addr_scope_of_link_local_is_kept(void **state)
{
    (void)state;
    struct sl_net_addr addr;
    assert_ok(sl_net_addr_resolve("fe80::1%lo", 1, &addr, NULL));
    assert_int_equal(addr.scope, 1);
}

static void test_addr_refusals(void **state)
{
    (void)state;
    struct sl_net_addr addr = {.port = 7};
    struct sl_err err = {0};
    struct sockaddr_storage sa = {.ss_family = AF_UNIX};
    assert_rc(sl_net_addr_resolve("300.1.2.3", 1, &addr, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "300.1.2.3"));
    assert_rc(sl_net_addr_resolve("no such name", 1, &addr, &err), SL_NOT_FOUND);
    assert_rc(sl_net_addr_from_sockaddr(&sa, &addr), SL_UNSUPPORTED);
    assert_int_equal(addr.port, 7); /* untouched */
    char text[SL_NET_ADDR_TEXT_MAX];
    const struct sl_net_addr none = {0};
    assert_int_equal(sl_net_addr_to_sockaddr(&none, &sa), 0);
    assert_string_equal(sl_net_addr_text(&none, text), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addr_text_and_back),
        cmocka_unit_test(test_addr_equal_looks_at_every_part),
        cmocka_unit_test(test_addr_scope_of_link_local_is_kept),
        cmocka_unit_test(test_addr_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
