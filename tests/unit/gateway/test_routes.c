/* SPDX-License-Identifier: Apache-2.0 */
/* The commands by which routing is led into the TUNs: an "ip" of our own writes down its words. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "gateway/routes.h"

static char folder[] = "/tmp/sl-routes-XXXXXX";
static char words[65536];

/* Has "ip" note its words and do `then`. */
static void fake_ip(const char *then)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/ip", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\necho \"$*\" >> %s/log\n%s\n", folder, then);
    (void)fclose(file);
    assert_int_equal(chmod(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/log", folder);
    (void)unlink(path);
}

static const char *said(void)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/log", folder);
    FILE *file = fopen(path, "r");
    size_t got = file != NULL ? fread(words, 1, sizeof(words) - 1, file) : 0;
    words[got] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
    return words;
}

static int setup(void **state)
{
    char path[256];
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof(path), "%s:/usr/bin:/bin", folder);
    return setenv("PATH", path, 1);
}

static int teardown(void **state)
{
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/log", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/ip", folder);
    (void)unlink(path);
    return rmdir(folder);
}

static struct sl_gw_config config_of(const char *lan)
{
    struct sl_gw_config config = {0};
    (void)snprintf(config.side[SL_PORT_LAN].interface, SL_GW_NAME_MAX, "%s", lan);
    (void)snprintf(config.side[SL_PORT_LAN].tun, SL_GW_NAME_MAX, "sl-none");
    (void)snprintf(config.side[SL_PORT_WAN].tun, SL_GW_NAME_MAX, "sl-none2");
    config.side[SL_PORT_LAN].table = 4500;
    config.side[SL_PORT_WAN].table = 4501;
    return config;
}

static void test_routes_close_leads_nowhere_before_it_leads_in(void **state)
{
    (void)state;
    const struct sl_gw_config config = config_of("lo");
    struct sl_err err = {0};
    fake_ip("exit 0");
    assert_ok(sl_routes_close(&config, &err));
    const char *text = said();
    const char *last =
        strstr(text, "-4 route replace unreachable default metric 4294967295 table 4500\n");
    const char *rule = strstr(text, "-4 rule add pref 4500 iif lo lookup 4500\n");
    assert_non_null(last);
    assert_non_null(rule);
    assert_true(last <
                rule); /* the other way about, packets would fall through to the main table */
    assert_null(strstr(text, "4501")); /* no interface: the operator's own routing */
}

static void test_routes_close_replaces_a_rule_without_a_gap(void **state)
{
    (void)state;
    const struct sl_gw_config config = config_of("lo");
    struct sl_err err = {0};
    /* the first "rule add" of each family fails, as where an earlier gateway left one */
    fake_ip("case \"$*\" in *'rule add pref 4500'*) [ $(grep -c -- \"^$1 rule add pref 4500\" "
            "${0%/*}/log) -gt 1 ];; esac");
    assert_ok(sl_routes_close(&config, &err));
    const char *text = said();
    const char *other = strstr(text, "-4 rule add pref 4499 iif lo lookup 4500\n");
    const char *gone = strstr(text, "-4 rule del pref 4500 iif lo lookup 4500\n");
    const char *over = strstr(text, "-4 rule del pref 4499 iif lo lookup 4500\n");
    assert_true(other != NULL && gone != NULL && over != NULL);
    assert_true(other < gone && gone < over);
}

static void test_routes_failures_are_told(void **state)
{
    (void)state;
    struct sl_gw_config config = config_of("sl-no-such");
    struct sl_err err = {0};
    fake_ip("exit 0");
    assert_rc(sl_routes_close(&config, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "lan.interface"));
    assert_string_equal(said(), ""); /* nothing was touched */
    config = config_of("lo");
    fake_ip("exit 2");
    assert_rc(sl_routes_close(&config, &err), SL_IO);
    assert_non_null(strstr(err.text, "route replace unreachable"));
}

static void test_routes_down_ends_where_no_rule_is_left(void **state)
{
    (void)state;
    const struct sl_gw_config config = config_of("lo");
    fake_ip("exit 0"); /* pretends that there is always one more */
    sl_routes_down(&config);
    assert_non_null(strstr(said(), "-4 route flush table 4500\n"));
    fake_ip("exit 1");
    sl_routes_down(&config);
    uint32_t deletions = 0;
    for (const char *at = said(); (at = strstr(at, "-4 rule del")) != NULL; at++) {
        deletions++;
    }
    assert_int_equal(deletions, 1);
}

static void test_routes_open_without_interfaces_runs_nothing(void **state)
{
    (void)state;
    const struct sl_gw_config config = config_of("");
    struct sl_err err = {0};
    fake_ip("exit 1");
    assert_ok(sl_routes_open(&config, &err));
    assert_ok(sl_routes_close(&config, &err));
    assert_string_equal(said(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes_close_leads_nowhere_before_it_leads_in),
        cmocka_unit_test(test_routes_close_replaces_a_rule_without_a_gap),
        cmocka_unit_test(test_routes_failures_are_told),
        cmocka_unit_test(test_routes_down_ends_where_no_rule_is_left),
        cmocka_unit_test(test_routes_open_without_interfaces_runs_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
