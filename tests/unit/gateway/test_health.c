/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/clock.h"
#include "gateway/health.h"

static void test_note_changes_after_rise_and_fall(void **state)
{
    (void)state;
    const struct sl_health_config config = {.rise = 2, .fall = 3};
    struct sl_health_state s = {.is_up = true, .is_told = true};
    /* what comes, and whether the backend is up after it */
    static const struct {
        bool is_good, is_up;
    } steps[] = {{0, 1}, {0, 1}, {1, 1}, {0, 1}, {0, 1}, {0, 0}, {0, 0},
                 {1, 0}, {0, 0}, {1, 0}, {1, 1}, {1, 1}, {0, 1}};
    uint32_t changes = 0;
    for (uint32_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        bool is_changed = sl_health_note(&s, &config, steps[i].is_good, i + 1);
        assert_int_equal(s.is_up, steps[i].is_up);
        changes += is_changed;
        assert_int_equal(s.is_told, changes == 0);
    }
    assert_int_equal(changes, 2);
    assert_int_equal(s.changes, 2);
    assert_int_equal(s.checks, 13);
    assert_int_equal(s.failures, 8);
    assert_int_equal(s.since_ns, 11);
}

static void test_http_status_is_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        uint32_t status;
        bool is_good;
    } cases[] = {
        {"HTTP/1.1 200 OK", 0, true},      {"HTTP/1.0 399 x", 0, true},
        {"HTTP/1.1 404 no", 0, false},     {"HTTP/1.1 199 ", 0, false},
        {"HTTP/1.1 404 no", 404, true},    {"HTTP/1.1 200 OK", 204, false},
        {"HTTP/2.0 200 OK", 0, false},     {"HTTP/1.1 20", 0, false},
        {"HTTP/1.1 2x0 OK", 0, false},     {"", 0, false},
        {"SSH-2.0-OpenSSH 200", 0, false},
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(sl_health_http_is_good(cases[i].answer, (uint32_t)strlen(cases[i].answer),
                                                cases[i].status),
                         cases[i].is_good);
    }
}

static struct sl_health_yaml yaml_of(struct sl_health_yaml_check *check)
{
    return (struct sl_health_yaml){.checks = check, .checks_count = check != NULL};
}

static void test_config_says_what_is_wrong(void **state)
{
    (void)state;
    static char backend[] = "web/a";
    static char nobody[] = "web";
    static char address[] = "192.0.2.1";
    static char name[] = "example.org";
    static char path[] = "/a b";
    static struct sl_health_config config;
    struct sl_health_yaml yaml = yaml_of(NULL);
    struct sl_err err = {0};
    assert_ok(sl_health_config_set(&yaml, &config, &err));
    assert_int_equal(config.interval_ms, 2000);
    assert_string_equal(config.nf, "balancer");
    struct sl_health_yaml_check good = {.backend = backend, .address = address, .port = 80};
    yaml = yaml_of(&good);
    assert_ok(sl_health_config_set(&yaml, &config, &err));
    assert_string_equal(config.checks[0].path, "/");
    struct sl_health_yaml_check bad[] = {good, good, good, good, good, good};
    bad[0].backend = nobody;
    bad[1].address = name;
    bad[2].port = 0;
    bad[3].type = SL_HEALTH_ICMP;
    bad[4].path = path;
    bad[5].status = 99;
    static const char *const words[] = {"backend", "address", "port", "port", "path", "status"};
    for (uint32_t i = 0; i < 6; i++) {
        yaml = yaml_of(&bad[i]);
        sl_rc rc = sl_health_config_set(&yaml, &config, &err);
        assert_rc(rc, i == 5 ? SL_RANGE : SL_INVALID);
        assert_non_null(strstr(err.text, words[i]));
    }
    struct sl_health_yaml_check twice[] = {good, good};
    yaml = (struct sl_health_yaml){.checks = twice, .checks_count = 2};
    assert_rc(sl_health_config_set(&yaml, &config, &err), SL_INVALID);
    yaml = yaml_of(&good);
    yaml.interval_ms = 10;
    assert_rc(sl_health_config_set(&yaml, &config, &err), SL_RANGE);
    yaml.interval_ms = 1000;
    yaml.timeout_ms = 1001;
    assert_rc(sl_health_config_set(&yaml, &config, &err), SL_RANGE);
    yaml.timeout_ms = 0;
    yaml.rise = 101;
    assert_rc(sl_health_config_set(&yaml, &config, &err), SL_RANGE);
}

static void no_log(const char *line)
{
    (void)line;
}

static bool wait_news(struct sl_health *health, uint32_t *ret_index, bool *ret_is_up)
{
    for (int i = 0; i < 3000; i++) {
        if (sl_health_next(health, ret_index, ret_is_up)) {
            return true;
        }
        (void)usleep(20000);
    }
    return false;
}

/* A listener on loopback is seen to be up; when it closes, that is news, once. */
static void test_checks_see_a_listener_come_and_go(void **state)
{
    (void)state;
    static struct sl_health_config config = {.nf = "balancer",
                                             .interval_ms = 100,
                                             .timeout_ms = 60000,
                                             .rise = 1,
                                             .fall = 2,
                                             .count = 1};
    static struct sl_health health;
    struct sl_err err = {0};
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &size), 0);
    (void)snprintf(config.checks[0].backend, sizeof(config.checks[0].backend), "web/a");
    memcpy(&config.checks[0].addr, &addr, sizeof(addr));
    config.checks[0].addr_size = sizeof(addr);
    assert_ok(sl_health_start(&config, no_log, &health, &err));
    uint32_t index = 9;
    bool is_up = true;
    (void)usleep(250000);
    assert_false(sl_health_next(&health, &index, &is_up));
    (void)close(fd);
    assert_true(wait_news(&health, &index, &is_up));
    assert_int_equal(index, 0);
    assert_false(is_up);
    sl_health_told(&health, 0, false, "");
    assert_false(sl_health_next(&health, &index, &is_up));
    sl_health_forget(&health); /* the image has another policy */
    assert_true(sl_health_next(&health, &index, &is_up));
    sl_health_told(&health, 0, true, ""); /* old news does not count */
    assert_true(sl_health_next(&health, &index, &is_up));
    json_t *status = sl_health_status(&health);
    assert_true(json_is_false(json_object_get(json_array_get(status, 0), "is_up")));
    json_decref(status);
    sl_health_stop(&health);
    config.count = 0; /* nothing configured: nothing runs */
    assert_ok(sl_health_start(&config, no_log, &health, &err));
    assert_null(sl_health_status(&health));
    sl_health_stop(&health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note_changes_after_rise_and_fall),
        cmocka_unit_test(test_http_status_is_read_strictly),
        cmocka_unit_test(test_config_says_what_is_wrong),
        cmocka_unit_test(test_checks_see_a_listener_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
