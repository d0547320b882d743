/* SPDX-License-Identifier: Apache-2.0 */
/* safelib-trustd: arguments, tokens, signals. */
#include "trustd/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/secret.h"
#include "trustd/http.h"

enum { EXIT_CLEAN = 0, EXIT_SETUP = 1, EXIT_USAGE = 2, DAY_MS = 86400000 };

static const char usage_text[] =
    "usage: safelib-trustd [--check] --config FILE\n"
    "       safelib-trustd token add --role viewer|operator|enroller --name NAME [--days N]\n"
    "                      --config FILE\n"
    "       safelib-trustd token list --config FILE\n"
    "       safelib-trustd token revoke --id N --config FILE\n"
    "       safelib-trustd --version | --help\n"
    "Runs the trust monitor in the foreground. --check reads the configuration and all\n"
    "that it names (certificate, policies, reference digests), says what is wrong, and ends.\n"
    "`token add` prints a token once; only its hash is kept.\n"
    "Exit codes: 0 good, 1 could not start or went wrong, 2 usage or configuration.\n";

struct arguments {
    const char *config, *command, *action, *role, *name, *id, *days;
    bool is_check;
};

static int fail(int code, const struct sl_err *err)
{
    (void)fprintf(stderr, "safelib-trustd: %s\n",
                  err->text[0] != '\0' ? err->text : sl_rc_text(err->rc));
    return code;
}

static int usage(const char *what)
{
    (void)fprintf(stderr, "safelib-trustd: %s\n%s", what, usage_text);
    return EXIT_USAGE;
}

/* ---- tokens ---- */

static void token_print(void *ctx, const struct sl_store_token *token)
{
    const int64_t *now_ms = ctx;
    bool is_over = token->expires_ms != 0 && token->expires_ms <= *now_ms;
    (void)printf("%lld %s %s%s\n", (long long)token->id, sl_role_text(token->role), token->name,
                 is_over ? " (expired)" : "");
}

static sl_rc token_add(struct sl_store *store, const struct arguments *args, int64_t now_ms,
                       struct sl_err *err)
{
    char text[SL_TOKEN_TEXT_SIZE];
    uint8_t hash[SL_TOKEN_HASH_SIZE];
    char *end = NULL;
    unsigned long long days = args->days != NULL ? strtoull(args->days, &end, 10) : 0;
    struct sl_store_token token = {.created_ms = now_ms, .role = sl_role_find(args->role)};
    if (token.role == SL_ROLE_NONE) {
        return sl_err_set(err, SL_INVALID, "--role: expected viewer, operator or enroller");
    }
    if (args->name == NULL || args->name[0] == '\0' || strlen(args->name) >= sizeof(token.name)) {
        return sl_err_set(err, SL_INVALID, "--name: expected 1 to %zu characters",
                          sizeof(token.name) - 1);
    }
    if (args->days != NULL && (end == args->days || *end != '\0' || days == 0 || days > 36500)) {
        return sl_err_set(err, SL_INVALID, "--days: expected 1 to 36500");
    }
    token.expires_ms = days != 0 ? now_ms + (int64_t)days * DAY_MS : 0;
    (void)snprintf(token.name, sizeof(token.name), "%s", args->name);
    sl_rc rc = sl_token_make(text, hash);
    rc = rc == SL_OK ? sl_store_token_add(store, &token, hash, err) : rc;
    if (rc == SL_OK) {
        (void)puts(text);
    }
    sl_wipe(text, sizeof(text));
    return rc;
}

static int token_command(const struct arguments *args, const struct sl_trustd_config *config)
{
    struct sl_err err = {0};
    struct sl_store *store = NULL;
    char path[SL_TRUSTD_PATH_SIZE + 16];
    int64_t now_ms = sl_now_ms();
    (void)snprintf(path, sizeof(path), "%s/trustd.db", config->state_dir);
    sl_rc rc =
        access(config->state_dir, W_OK | X_OK) == 0
            ? sl_store_open(path, &store, &err)
            : sl_err_set(&err, SL_IO, "state_dir: %s: %s; the monitor makes it when it starts",
                         config->state_dir, strerror(errno));
    if (rc != SL_OK) {
        return fail(EXIT_SETUP, &err);
    }
    if (args->action != NULL && strcmp(args->action, "add") == 0) {
        rc = token_add(store, args, now_ms, &err);
    } else if (args->action != NULL && strcmp(args->action, "list") == 0) {
        rc = sl_store_token_each(store, token_print, &now_ms, &err);
    } else if (args->action != NULL && strcmp(args->action, "revoke") == 0) {
        char *end = NULL;
        long long id = args->id != NULL ? strtoll(args->id, &end, 10) : 0;
        rc = args->id == NULL || end == args->id || *end != '\0'
                 ? sl_err_set(&err, SL_INVALID, "--id: expected a number of `token list`")
                 : sl_store_token_revoke(store, id, &err);
    } else {
        rc = sl_err_set(&err, SL_INVALID, "token: expected add, list or revoke");
    }
    sl_store_close(store);
    return rc == SL_OK ? EXIT_CLEAN : fail(rc == SL_INVALID ? EXIT_USAGE : EXIT_SETUP, &err);
}

/* ---- running ---- */

/* One descriptor a connection, and some for what the daemon itself opens. */
static void descriptors_raise(const struct sl_trustd_config *config)
{
    struct rlimit limit;
    const rlim_t wanted = (rlim_t)config->connections_max + 256;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return;
    }
    limit.rlim_cur = wanted;
    limit.rlim_max = limit.rlim_max < wanted ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        (void)getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)fprintf(stderr,
                      "safelib-trustd: limits.connections: %u, but the system allows %llu files; "
                      "raise LimitNOFILE\n",
                      config->connections_max, (unsigned long long)limit.rlim_max);
    }
}

static void reload(struct sl_trustd *trustd)
{
    struct sl_err err = {0};
    json_t *changes = NULL;
    bool is_refvals = false;
    if (sl_trustd_reload(trustd, "SIGHUP", &changes, &is_refvals, &err) != SL_OK) {
        (void)fprintf(stderr, "safelib-trustd: nothing was changed: %s\n", err.text);
        return;
    }
    (void)fprintf(stderr, "safelib-trustd: loaded: %zu policies changed, reference values %s\n",
                  json_array_size(changes), is_refvals ? "changed" : "as before");
    json_decref(changes);
}

/* Once when it begins, once when it is over: health says it all the time. */
static void failing_tell(struct sl_trustd *trustd, bool *was_failing)
{
    char why[sizeof(trustd->broken_why)];
    (void)pthread_mutex_lock(&trustd->lock);
    const bool is_failing = sl_trustd_is_failing(trustd);
    (void)snprintf(why, sizeof(why), "%s", trustd->broken_why);
    (void)pthread_mutex_unlock(&trustd->lock);
    if (is_failing != *was_failing) {
        (void)fprintf(stderr, "safelib-trustd: %s%s\n",
                      is_failing ? "no verdict can be kept, so none is given: "
                                 : "works again: a verdict was kept",
                      is_failing ? why : "");
    }
    *was_failing = is_failing;
}

/* Until a signal ends it, or nothing can be judged any more. */
static int serve(struct sl_trustd *trustd, const sigset_t *signals)
{
    const struct timespec second = {.tv_sec = 1};
    bool is_failing = false;
    for (;;) {
        int got = sigtimedwait(signals, NULL, &second);
        if (got == SIGHUP) {
            reload(trustd);
        } else if (got > 0) {
            return EXIT_CLEAN;
        }
        failing_tell(trustd, &is_failing);
        if (atomic_load(&trustd->is_verifier_gone)) {
            (void)fprintf(stderr,
                          "safelib-trustd: the verifier is gone; start the monitor again\n");
            return EXIT_SETUP;
        }
    }
}

/* Everything that a start would read, and nothing is written. */
static int check(const struct sl_trustd_config *config, const struct sl_monitor_backend *backend)
{
    struct sl_err err = {0};
    struct sl_material *material = NULL;
    struct sl_refvals refvals = {0};
    char digest[65];
    sl_rc rc = sl_http_check(config, &err);
    rc = rc == SL_OK ? sl_material_load(backend, config->policy_dir, &material, &err) : rc;
    if (rc == SL_OK && config->refvals[0] != '\0') {
        rc = backend->refvals_open(config->refvals, &refvals, digest, &err);
        if (rc == SL_OK) {
            backend->refvals_close(&refvals);
        }
    }
    const size_t count = material != NULL ? material->count : 0;
    sl_material_unref(material);
    if (rc != SL_OK) {
        return fail(EXIT_USAGE, &err);
    }
    (void)printf("configuration is good: %zu policies in %s%s\n", count, config->policy_dir,
                 count == 0 ? ": no node can be trusted" : "");
    return EXIT_CLEAN;
}

static int run(const struct sl_trustd_config *config, const struct sl_monitor_backend *backend)
{
    static struct sl_trustd trustd;
    struct sl_err err = {0};
    struct sl_http *http = NULL;
    sigset_t signals;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a full disk is an answer, not an end */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    descriptors_raise(config);
    sl_rc rc = sl_trustd_open(config, backend, &trustd, &err);
    if (rc != SL_OK) {
        return fail(EXIT_SETUP, &err);
    }
    if (sl_http_check(config, &err) == SL_STATE) {
        (void)fprintf(stderr, "safelib-trustd: warning: %s\n", err.text);
    }
    if (trustd.material->count == 0) {
        (void)fprintf(stderr,
                      "safelib-trustd: warning: policy_dir: %s has no policy (CLASS.yaml): no node "
                      "can be trusted\n",
                      config->policy_dir);
    }
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* the server's thread inherits it */
    rc = sl_http_start(&trustd, &http, &err);
    if (rc != SL_OK) {
        sl_trustd_close(&trustd);
        return fail(EXIT_SETUP, &err);
    }
    (void)fprintf(stderr, "safelib-trustd: listening on port %u\n", sl_http_port(http));
    int status = serve(&trustd, &signals);
    sl_http_stop(http);
    sl_trustd_close(&trustd);
    return status;
}

static bool arguments_read(int argc, char **argv, struct arguments *args)
{
    const struct {
        const char *name;
        const char **out;
    } options[] = {
        {"--config", &args->config}, {"--role", &args->role}, {"--name", &args->name},
        {"--id", &args->id},         {"--days", &args->days},
    };
    for (int i = 1; i < argc; i++) {
        bool is_taken = false;
        for (size_t k = 0; k < sizeof(options) / sizeof(options[0]) && !is_taken; k++) {
            is_taken = strcmp(argv[i], options[k].name) == 0 && i + 1 < argc;
            if (is_taken) {
                *options[k].out = argv[++i];
            }
        }
        if (is_taken) {
            continue;
        }
        if (strcmp(argv[i], "--check") == 0) {
            args->is_check = true;
        } else if (args->command == NULL && strcmp(argv[i], "token") == 0) {
            args->command = argv[i];
        } else if (args->command != NULL && args->action == NULL && argv[i][0] != '-') {
            args->action = argv[i];
        } else {
            return false;
        }
    }
    return args->config != NULL;
}

int sl_trustd_main(int argc, char **argv, const struct sl_monitor_backend *backend)
{
    struct arguments args = {0};
    struct sl_err err = {0};
    static struct sl_trustd_config config;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)printf("safelib-trustd %s\n", SL_VERSION);
        return EXIT_CLEAN;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage_text, stdout);
        return EXIT_CLEAN;
    }
    if (!arguments_read(argc, argv, &args)) {
        return usage("expected --config FILE and what the usage says");
    }
    if (sl_trustd_config_load(args.config, &config, &err) != SL_OK) {
        return fail(EXIT_USAGE, &err);
    }
    if (args.is_check) {
        return check(&config, backend);
    }
    return args.command != NULL ? token_command(&args, &config) : run(&config, backend);
}
