/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and routes by ip(8). */
#include "gateway/routes.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ARGS_MAX = 16, TEXT_MAX = 256 };

/* Runs "ip ..." given as words in one string; no shell. */
static sl_rc ip_run(bool is_quiet, struct sl_err *err, const char *words)
{
    char text[TEXT_MAX];
    char ip[] = "ip";
    char *argv[ARGS_MAX] = {ip};
    int argc = 1;
    char *save = NULL;
    (void)snprintf(text, sizeof(text), "%s", words);
    for (char *word = strtok_r(text, " ", &save); word != NULL && argc < ARGS_MAX - 1;
         word = strtok_r(NULL, " ", &save)) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    if (is_quiet) {
        (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    pid_t pid;
    int failed = posix_spawnp(&pid, "ip", &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        return sl_err_set(err, SL_IO, "cannot run ip(8): %s (package iproute2)", strerror(failed));
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return sl_err_set(err, SL_IO, "\"ip %s\" failed (are you root?)", words);
    }
    return SL_OK;
}

static sl_rc side_command(const struct sl_gw_side *side, int family, const char *what,
                          bool is_quiet, struct sl_err *err)
{
    char words[TEXT_MAX];
    if (strcmp(what, "rule add") == 0 || strcmp(what, "rule del") == 0) {
        (void)snprintf(words, sizeof(words), "-%d %s pref %u iif %s lookup %u", family, what,
                       side->table, side->interface, side->table);
    } else if (strcmp(what, "unreachable") == 0) {
        (void)snprintf(words, sizeof(words),
                       "-%d route replace unreachable default metric 4294967295 table %u", family,
                       side->table);
    } else if (strcmp(what, "tun") == 0) {
        (void)snprintf(words, sizeof(words), "-%d route replace default dev %s metric 1 table %u",
                       family, side->tun, side->table);
    } else {
        (void)snprintf(words, sizeof(words), "-%d route flush table %u", family, side->table);
    }
    return ip_run(is_quiet, err, words);
}

static void rules_remove(const struct sl_gw_side *side, int family)
{
    for (int i = 0; i < 8; i++) { /* leftovers of earlier runs, all of them */
        if (side_command(side, family, "rule del", true, NULL) != SL_OK) {
            return;
        }
    }
}

/* The kernel refuses a rule that is there already, one that an earlier gateway left. To tell that
 * from a failure: put one in with another preference, add ours, take the other out. Never a moment
 * without a rule. */
static sl_rc rule_ensure(const struct sl_gw_side *side, int family, struct sl_err *err)
{
    if (side_command(side, family, "rule add", true, NULL) == SL_OK) {
        return SL_OK;
    }
    char words[TEXT_MAX];
    (void)snprintf(words, sizeof(words), "-%d rule add pref %u iif %s lookup %u", family,
                   side->table - 1, side->interface, side->table);
    sl_rc rc = ip_run(false, err, words);
    if (rc != SL_OK) {
        return rc;
    }
    (void)side_command(side, family, "rule del", true, NULL);
    rc = side_command(side, family, "rule add", false, err);
    (void)snprintf(words, sizeof(words), "-%d rule del pref %u iif %s lookup %u", family,
                   side->table - 1, side->interface, side->table);
    return rc == SL_OK ? ip_run(false, err, words) : rc;
}

static bool has_ipv6(void)
{
    return access("/proc/sys/net/ipv6/conf/all/forwarding", F_OK) == 0;
}

static void sysctl_set(const char *format, const char *name, const char *value)
{
    char path[TEXT_MAX];
    (void)snprintf(path, sizeof(path), format, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t put = write(fd, value, strlen(value));
        (void)put; /* `safelib doctor` reads it back and tells */
        (void)close(fd);
    }
}

sl_rc sl_routes_close(const struct sl_gw_config *config, struct sl_err *err)
{
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        const struct sl_gw_side *side = &config->side[port];
        if (side->interface[0] == '\0') {
            continue;
        }
        if (if_nametoindex(side->interface) == 0) {
            return sl_err_set(err, SL_NOT_FOUND, "%s.interface: no interface \"%s\" here",
                              port == SL_PORT_LAN ? "lan" : "wan", side->interface);
        }
        for (int family = 4; family <= (has_ipv6() ? 6 : 4); family += 2) {
            sl_rc rc = side_command(side, family, "unreachable", false, err);
            if (rc != SL_OK) {
                return rc;
            }
            rc = rule_ensure(side, family, err);
            if (rc != SL_OK) {
                return rc;
            }
        }
    }
    return SL_OK;
}

sl_rc sl_routes_open(const struct sl_gw_config *config, struct sl_err *err)
{
    bool is_router = false;
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        const struct sl_gw_side *side = &config->side[port];
        /* what comes out of a TUN has the far side's addresses: a strict reverse path would drop it
         */
        sysctl_set("/proc/sys/net/ipv4/conf/%s/rp_filter", side->tun, "0");
        if (side->interface[0] == '\0') {
            continue;
        }
        is_router = true;
        for (int family = 4; family <= (has_ipv6() ? 6 : 4); family += 2) {
            sl_rc rc = side_command(side, family, "tun", false, err);
            if (rc != SL_OK) {
                return rc;
            }
        }
    }
    if (is_router) {
        sysctl_set("/proc/sys/net/ipv4/%s", "ip_forward", "1");
        sysctl_set("/proc/sys/net/ipv6/conf/%s/forwarding", "all", "1");
    }
    return SL_OK;
}

void sl_routes_down(const struct sl_gw_config *config)
{
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        const struct sl_gw_side *side = &config->side[port];
        for (int family = 4; side->interface[0] != '\0' && family <= (has_ipv6() ? 6 : 4);
             family += 2) {
            rules_remove(side, family);
            sl_rc rc = side_command(side, family, "flush", true, NULL);
            (void)rc; /* an empty table cannot be flushed: it is what we want */
        }
    }
}
