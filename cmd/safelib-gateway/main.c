/* SPDX-License-Identifier: Apache-2.0 */
/* safelib-gateway: takes LAN and WAN traffic through the network functions in the enclave. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "control/key_file.h"
#include "gateway/edge.h"
#include "gateway/routes.h"
#include "gateway/session.h"
#include "gateway/status.h"

enum {
    EXIT_CLEAN = 0,
    EXIT_SETUP = 1,
    EXIT_USAGE = 2,
};

static const char usage_text[] =
    "usage: safelib-gateway [--check] --config FILE     run (in the foreground)\n"
    "       safelib-gateway down --config FILE          remove the routing rules it left\n"
    "       safelib-gateway --version | --help\n"
    "--check reads configuration, key and policy, says what is wrong, and ends.\n"
    "Without `down`, rules stay when it ends or is killed: nothing bypasses the chain.\n"
    "Exit codes: 0 good, 1 could not start or went wrong, 2 usage or configuration.\n";

static struct {
    struct sl_gw_config config;
    struct sl_tunnel tunnel;
    struct sl_edge edge;
    struct sl_watch watch;
    struct sl_health health;
    struct sl_session session;
    struct sl_gw_status status;
} gw;

static void log_line(const char *line)
{
    (void)fprintf(stderr, "safelib-gateway: %s\n", line);
}

static int fail(int code, const struct sl_err *err)
{
    log_line(err->text[0] != '\0' ? err->text : sl_rc_text(err->rc));
    return code;
}

static void warn_insecure(void)
{
    if (gw.config.attestation.policy.insecure_allow_emulated) {
        log_line(
            "WARNING: insecure_allow_emulated is on: evidence of the EMULATOR is accepted, which "
            "PROTECTS NOTHING.");
        log_line("WARNING: whoever controls that machine can read and change all traffic of this "
                 "gateway.");
    }
}

/* In the order in which nothing can bypass: rules that lead nowhere first, the way in last. */
static sl_rc gateway_start(const struct sl_identity *identity, struct sl_err *err)
{
    sl_rc rc = sl_routes_close(&gw.config, err);
    rc = rc == SL_OK ? sl_tunnel_open(&gw.config, &gw.tunnel, err) : rc;
    rc = rc == SL_OK ? sl_watch_start(&gw.config, &gw.tunnel, &gw.watch, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_health_start(&gw.config.health, log_line, &gw.health, err);
    if (rc != SL_OK) {
        return rc;
    }
    gw.session.health = &gw.health;
    gw.edge.stop_fd = -1;
    gw.edge.on_probe = sl_watch_answer;
    gw.edge.on_probe_ctx = &gw.watch;
    rc = sl_session_start(&gw.config, &gw.tunnel, &gw.watch, identity, log_line, &gw.session, err);
    rc = rc == SL_OK ? sl_edge_start(&gw.config, &gw.tunnel, &gw.edge, err) : rc;
    rc = rc == SL_OK ? sl_routes_open(&gw.config, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    gw.status.config = &gw.config;
    gw.status.tunnel = &gw.tunnel;
    gw.status.edge = &gw.edge;
    gw.status.watch = &gw.watch;
    gw.status.session = &gw.session;
    return sl_gw_status_start(&gw.status, err);
}

static void gateway_stop(void)
{
    sl_gw_status_stop(&gw.status);
    if (gw.edge.tunnel != NULL) {
        sl_edge_stop(&gw.edge);
    }
    sl_session_stop(&gw.session);
    sl_health_stop(&gw.health);
    sl_watch_stop(&gw.watch);
    sl_tunnel_close(&gw.tunnel);
}

/* Until a signal, or until a TUN is taken away from us. */
static int gateway_wait(const sigset_t *signals)
{
    const struct timespec tick = {0, 200000000};
    for (;;) {
        int signal = sigtimedwait(signals, NULL, &tick);
        if (signal == SIGTERM || signal == SIGINT) {
            return EXIT_CLEAN;
        }
        if (signal == SIGHUP) {
            json_t *request = json_pack("{s:s}", "cmd", "reload");
            json_t *response = sl_session_request(&gw.session, request, 8000);
            char *text = json_dumps(response, JSON_COMPACT);
            log_line(text != NULL ? text : "reload: no memory");
            free(text);
            json_decref(response);
            json_decref(request);
        }
        if (atomic_load(&gw.edge.is_broken)) {
            log_line("a TUN interface was removed, or a data thread could not start: ending");
            return EXIT_SETUP;
        }
    }
}

static int run(const struct sl_identity *identity)
{
    struct sl_err err = {0};
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* threads inherit it */
    (void)signal(SIGPIPE, SIG_IGN);
    warn_insecure();
    int code = EXIT_CLEAN;
    if (gateway_start(identity, &err) != SL_OK) {
        code = fail(EXIT_SETUP, &err);
    } else {
        code = gateway_wait(&signals);
        log_line("ending; rules that lead to the chain stay (safelib-gateway down removes them)");
    }
    gateway_stop();
    return code;
}

static int main_config(const char *path, bool is_check)
{
    struct sl_err err = {0};
    struct sl_identity *identity = NULL;
    char hex[2 * SL_SPKI_HASH_SIZE + 1];
    if (sl_gw_config_load(path, &gw.config, &err) != SL_OK) {
        return fail(EXIT_USAGE, &err);
    }
    if (sl_key_file_load(gw.config.tenant_key, &identity, &err) != SL_OK) {
        sl_err_prefix(&err, "tenant_key");
        return fail(EXIT_USAGE, &err);
    }
    int code = EXIT_CLEAN;
    if (is_check) {
        sl_hex_encode(identity->spki_hash, sizeof(identity->spki_hash), hex);
        gw.session.config = &gw.config;
        warn_insecure();
        if (sl_durable_look(gw.config.state_dir, &gw.session.durable, &err) != SL_OK ||
            sl_session_policy_load(&gw.session, &err) != SL_OK ||
            sl_gw_attest_init(&gw.session.attest, &gw.config.attestation, identity->spki_hash,
                              &err) != SL_OK) {
            code = fail(EXIT_USAGE, &err);
        } else {
            sl_gw_attest_done(&gw.session.attest);
            (void)printf("configuration is good; tenant key %s\n", hex);
        }
    } else {
        code = run(identity);
    }
    sl_identity_free(identity);
    return code;
}

int main(int argc, char **argv)
{
    const char *config = NULL;
    bool is_check = false;
    bool is_down = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            config = argv[++i];
        } else if (strcmp(argv[i], "--check") == 0) {
            is_check = true;
        } else if (strcmp(argv[i], "down") == 0) {
            is_down = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            (void)printf("safelib-gateway %s\n", SL_VERSION);
            return EXIT_CLEAN;
        } else if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(usage_text, stdout);
            return EXIT_CLEAN;
        } else {
            (void)fprintf(stderr, "safelib-gateway: \"%s\" is not understood\n%s", argv[i],
                          usage_text);
            return EXIT_USAGE;
        }
    }
    if (config == NULL) {
        (void)fputs(usage_text, stderr);
        return EXIT_USAGE;
    }
    if (is_down) {
        struct sl_err err = {0};
        if (sl_gw_config_load(config, &gw.config, &err) != SL_OK) {
            return fail(EXIT_USAGE, &err);
        }
        sl_routes_down(&gw.config);
        return EXIT_CLEAN;
    }
    return main_config(config, is_check);
}
