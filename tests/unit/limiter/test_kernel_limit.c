/* SPDX-License-Identifier: Apache-2.0 */
/* The same limits in nftables, in a network namespace of the test's own: of a burst, as many
 * packets pass. Rates are so low that time does not matter. */
#include "nf/packets.h"

#include <unistd.h>

#include "policy/policy.h"
#include "rig.h"

enum { SENT = 20 };

/* How many of SENT pings get past `limit` in the kernel; below zero: no answer. */
static int ask_kernel(const char *limit)
{
    char command[768];
    int passed = -1;
    (void)snprintf(
        command, sizeof(command),
        "unshare -Urn sh -c 'ip link set lo up && nft add table ip t && nft \"add chain ip t c { "
        "type filter hook input priority 0; }\" && nft add rule ip t c icmp type echo-request "
        "%s drop && nft add rule ip t c icmp type echo-request counter && "
        "ping -q -i 0.002 -c %d -w 1 127.0.0.1 >/dev/null; nft list chain ip t c' 2>/dev/null",
        limit, SENT);
    FILE *pipe = popen(command, "r");
    char line[256];
    while (pipe != NULL && fgets(line, sizeof(line), pipe) != NULL) {
        const char *at = strstr(line, "counter packets ");
        if (at != NULL) {
            (void)sscanf(at, "counter packets %d", &passed);
        }
    }
    if (pipe != NULL) {
        (void)pclose(pipe);
    }
    return passed;
}

static int ask_limiter(const char *limit)
{
    struct flow_rig rig;
    struct sl_policy policy;
    struct sl_err err = {0};
    char text[256];
    (void)snprintf(text, sizeof(text), "%s drop\n", limit);
    const char *path = policy_file(text);
    sl_rc rc = sl_policy_compile_limit(path, &policy, &err);
    (void)unlink(path);
    if (rc != SL_OK) {
        fail_msg("%s", err.text);
    }
    uint32_t size;
    const uint8_t *bytes = bundle_policy(policy.bundle, policy.size, &size);
    flow_rig_init(&rig, "limiter", bytes, size, NULL);
    int passed = 0;
    for (uint32_t i = 0; i < SENT; i++) {
        const struct flow_spec ping = {.src = "127.0.0.1",
                                       .dst = "127.0.0.1",
                                       .sport = 7,
                                       .proto = 1,
                                       .icmp_type = 8,
                                       .payload = 56};
        passed += flow_rig_send(&rig, SL_PORT_LAN, &ping) == SL_VERDICT_PASS;
    }
    flow_rig_done(&rig);
    sl_policy_done(&policy);
    return passed;
}

static void test_limit_passes_as_many_as_the_kernel(void **state)
{
    (void)state;
    static const char *const limits[] = {
        "limit rate over 1/day burst 7 packets", "limit rate over 2/hour burst 1 packets",
        "limit rate over 3/week burst 15 packets", "limit rate over 1/hour", /* the default burst */
    };
    if (ask_kernel(limits[0]) < 0) {
        print_message("no network namespace with nftables to be had here\n");
        skip();
    }
    for (uint32_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        int kernel = ask_kernel(limits[i]);
        assert_int_equal(ask_limiter(limits[i]), kernel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_limit_passes_as_many_as_the_kernel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
