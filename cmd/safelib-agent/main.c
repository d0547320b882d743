/* SPDX-License-Identifier: Apache-2.0 */
/* safelib-agent: brings a node's evidence to the trust monitor. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/confine.h"
#include "agent/ima_policy.h"
#include "base/secret.h"
#include "files/files.h"

enum {
    EXIT_CLEAN = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    NEXT_MS = 10000,
    RETRY_FIRST_MS = 500,
    RETRY_MAX_MS = 30000,
    TPM_FAILURES_MAX = 3,
    POLICY_MAX = 64 << 10,
    PEM_MAX = 1 << 20,
};

static const char usage_text[] =
    "usage: safelib-agent [--check | --once] --config FILE      run (in the foreground)\n"
    "       safelib-agent enroll --token-file FILE --config FILE\n"
    "       safelib-agent ima-policy --containers FILE          print an IMA policy\n"
    "       safelib-agent --version | --help\n"
    "--check reads the configuration and the files that it names; --once brings evidence one time "
    "and prints the verdicts.\n"
    "Exit codes: 0 good, 1 could not start or went wrong, 2 usage or configuration.\n";

struct options {
    const char *config, *token_file, *containers;
    bool is_check, is_once, is_enroll, is_policy;
};

static struct sl_agent agent;

static void log_line(const char *line)
{
    (void)fprintf(stderr, "safelib-agent: %s\n", line);
}

static int fail(int code, const struct sl_err *err)
{
    log_line(err->text[0] != '\0' ? err->text : sl_rc_text(err->rc));
    return code;
}

static void verdicts_print(const json_t *verdicts)
{
    json_t *one;
    size_t i;
    json_array_foreach(verdicts, i, one)
    {
        const char *kind = json_string_value(json_object_get(one, "kind"));
        const char *id = json_string_value(json_object_get(one, "id"));
        const char *verdict = json_string_value(json_object_get(one, "verdict"));
        (void)printf("%s %s: %s\n", kind != NULL ? kind : "?", id != NULL ? id : "?",
                     verdict != NULL ? verdict : "?");
        json_t *reasons = json_object_get(one, "reasons"), *reason;
        size_t j;
        json_array_foreach(reasons, j, reason)
        {
            const char *text = json_string_value(json_object_get(reason, "text"));
            (void)printf("  %s\n", text != NULL ? text : "?");
        }
    }
    (void)fflush(stdout);
}

/* @return true: a signal says that it is over */
static bool pause_ms(const sigset_t *signals, uint32_t ms)
{
    const struct timespec limit = {ms / 1000, (long)(ms % 1000) * 1000000};
    return sigtimedwait(signals, NULL, &limit) > 0;
}

/* Nothing but the network and the monitor may be waited for without end; a TPM that fails several
 * times in a row is left to whoever starts us again, with a fresh connection to it. */
static int rounds(const sigset_t *signals)
{
    uint32_t retry_ms = RETRY_FIRST_MS;
    unsigned failures = 0;
    for (;;) {
        struct sl_agent_outcome outcome;
        struct sl_err err = {0};
        uint32_t wait_ms;
        sl_rc rc = sl_agent_round(&agent, &outcome, &err);
        if (rc == SL_OK) {
            json_decref(outcome.verdicts);
            wait_ms = outcome.next_ms != 0 ? outcome.next_ms : NEXT_MS;
            retry_ms = RETRY_FIRST_MS;
            failures = 0;
        } else {
            (void)fail(0, &err);
            failures = rc == SL_IO ? failures + 1 : 0;
            if (failures == TPM_FAILURES_MAX) {
                return EXIT_FAILED;
            }
            wait_ms = retry_ms;
            retry_ms = retry_ms < RETRY_MAX_MS / 2 ? 2 * retry_ms : RETRY_MAX_MS;
        }
        if (pause_ms(signals, wait_ms)) {
            return EXIT_CLEAN;
        }
    }
}

static int once(void)
{
    struct sl_agent_outcome outcome;
    struct sl_err err = {0};
    if (sl_agent_round(&agent, &outcome, &err) != SL_OK) {
        return fail(EXIT_FAILED, &err);
    }
    verdicts_print(outcome.verdicts);
    json_decref(outcome.verdicts);
    return EXIT_CLEAN;
}

/* Where programs cannot be watched, containers still can; the events say so. */
static sl_rc watch_start(struct sl_err *err)
{
    if (!agent.config.events.is_on || !agent.config.events.is_exec) {
        return SL_OK;
    }
    sl_rc rc = sl_agent_watch_start(&agent.config, &agent.observer.watch, err);
    if (rc != SL_UNSUPPORTED) {
        return rc;
    }
    log_line(err->text);
    return SL_OK;
}

static int run(const struct options *o)
{
    struct sl_err err = {0};
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)signal(SIGPIPE, SIG_IGN);
    sl_rc rc = sl_agent_state_dir_make(&agent.config, &err);
    rc = rc == SL_OK ? sl_agent_actor_start(&agent.config, &agent.actor, &err) : rc;
    rc = rc == SL_OK ? watch_start(&err) : rc;
    rc = rc == SL_OK ? sl_agent_user_become(&agent.config, &err) : rc;
    rc = rc == SL_OK ? sl_agent_confine(&agent.config, log_line, &err) : rc;
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    rc = rc == SL_OK ? sl_agent_open(&agent, true, &err) : rc;
    int code;
    if (rc == SL_OK) {
        code = o->is_once ? once() : rounds(&signals);
    } else {
        code = fail(EXIT_FAILED, &err);
        if (rc == SL_NOT_FOUND) {
            log_line("not enrolled? safelib-agent enroll --token-file FILE --config FILE");
        }
    }
    sl_agent_close(&agent);
    sl_agent_actor_stop(&agent.actor);
    return code;
}

static int enroll(const struct options *o)
{
    struct sl_err err = {0};
    uint8_t *token = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(o->token_file, SL_AGENT_TOKEN_MAX, &token, &size, &err);
    if (rc == SL_OK) {
        token[strcspn((char *)token, " \r\n")] = '\0';
    }
    if (rc == SL_OK && token[0] == '\0') {
        rc = sl_err_set(&err, SL_INVALID, "%s: is empty, expected a token of role enroller",
                        o->token_file);
    }
    rc = rc == SL_OK ? sl_agent_state_dir_make(&agent.config, &err) : rc;
    rc = rc == SL_OK ? sl_agent_user_become(&agent.config, &err) : rc;
    /* the monitor enrols a TPM once: what it answers must find room here */
    if (rc == SL_OK && access(agent.config.state_dir, W_OK | X_OK) != 0) {
        rc = sl_err_set(&err, SL_IO, "state_dir: %s: %s", agent.config.state_dir, strerror(errno));
    }
    rc = rc == SL_OK ? sl_agent_open(&agent, false, &err) : rc;
    rc = rc == SL_OK ? sl_agent_enroll(&agent, (char *)token, &err) : rc;
    if (rc == SL_OK) {
        (void)printf("enrolled as node %s\n", agent.state.node);
    }
    if (token != NULL) {
        sl_wipe(token, size);
    }
    free(token);
    sl_agent_close(&agent);
    return rc == SL_OK ? EXIT_CLEAN : fail(EXIT_FAILED, &err);
}

static int ima_policy(const struct options *o)
{
    static char text[POLICY_MAX];
    struct sl_agent_slot slots[SL_AGENT_SLOTS_MAX];
    struct sl_err err = {0};
    size_t count = 0;
    if (o->containers == NULL) {
        (void)fprintf(stderr, "safelib-agent: ima-policy: --containers FILE is missing\n");
        return EXIT_USAGE;
    }
    if (sl_agent_slots_load(o->containers, slots, &count, &err) != SL_OK ||
        sl_agent_ima_policy_write(slots, count, text, sizeof(text), &err) != SL_OK) {
        return fail(EXIT_USAGE, &err);
    }
    return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_CLEAN : EXIT_FAILED;
}

static bool options_read(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name;
        const char **value;
        bool *flag;
    } known[] = {{"--config", &o->config, NULL},         {"--token-file", &o->token_file, NULL},
                 {"--containers", &o->containers, NULL}, {"--check", NULL, &o->is_check},
                 {"--once", NULL, &o->is_once},          {"enroll", NULL, &o->is_enroll},
                 {"ima-policy", NULL, &o->is_policy}};
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < sizeof(known) / sizeof(known[0]) && strcmp(argv[i], known[k].name) != 0) {
            k++;
        }
        if (k == sizeof(known) / sizeof(known[0]) || (known[k].value != NULL && i + 1 == argc)) {
            (void)fprintf(stderr, "safelib-agent: \"%s\" is not understood\n%s", argv[i],
                          usage_text);
            return false;
        }
        if (known[k].value != NULL) {
            *known[k].value = argv[++i];
        } else if (known[k].flag != NULL) {
            *known[k].flag = true;
        }
    }
    return true;
}

/* What it names and a start would need; the TPM is left alone. */
static int check(void)
{
    const struct {
        const char *key, *path;
    } files[] = {{"monitor.ca", agent.config.ca}, {"tpm.ek_chain", agent.config.ek_chain}};
    struct sl_err err = {0};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        uint8_t *data = NULL;
        size_t size = 0;
        if (files[i].path[0] != '\0' &&
            sl_file_read(files[i].path, PEM_MAX, &data, &size, &err) != SL_OK) {
            (void)sl_err_prefix(&err, "%s", files[i].key);
            return fail(EXIT_USAGE, &err);
        }
        free(data);
    }
    (void)printf("configuration is good\n");
    return EXIT_CLEAN;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct sl_err err = {0};
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)printf("safelib-agent %s\n", SL_VERSION);
        return EXIT_CLEAN;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage_text, stdout);
        return EXIT_CLEAN;
    }
    if (!options_read(argc, argv, &o)) {
        return EXIT_USAGE;
    }
    if (o.is_policy) {
        return ima_policy(&o);
    }
    if (o.config == NULL || (o.is_enroll && o.token_file == NULL)) {
        (void)fprintf(stderr, "safelib-agent: %s is missing\n%s",
                      o.config == NULL ? "--config FILE" : "--token-file FILE", usage_text);
        return EXIT_USAGE;
    }
    agent.log = log_line;
    agent.actor.fd = agent.observer.watch.fd = -1;
    agent.ima.source_fd = agent.ima.archive_fd = -1;
    if (sl_agent_config_load(o.config, &agent.config, &err) != SL_OK) {
        return fail(EXIT_USAGE, &err);
    }
    if (o.is_check) {
        return check();
    }
    return o.is_enroll ? enroll(&o) : run(&o);
}
