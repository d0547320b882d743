/* SPDX-License-Identifier: Apache-2.0 */
/* safelib-host: loads an NF image into a TEE and moves packets between the network and the image.
 * Runs on the machine that the tenant does not trust. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/bytes.h"
#include "evidence/producers.h"
#include "host/config.h"
#include "host/enclave.h"
#include "host/node.h"
#include "host/sealed.h"

enum {
    EXIT_CLEAN = 0,
    EXIT_SETUP = 1,
    EXIT_USAGE = 2,
    EXIT_IMAGE = 3,
    OPTION_CONFIG = 256,
    OPTION_VERSION,
    OPTION_HELP,
    OPTION_KEY, /* and up: one per row of the table */
};

static const struct {
    const char *name; /* with `-`; the setting's key has `_` */
    const char *arg;
    const char *help;
} options[] = {
    {"image", "PATH", "NF image (required)"},
    {"sigstruct", "PATH", "its SIGSTRUCT; default: IMAGE.sig"},
    {"device", "NAME", "auto (default) | sgx | emu | bare"},
    {"speed", "WORD", "emu: direct (default) | trap"},
    {"entry-cost-ns", "N", "emu: cost of entry and exit together; default 3500"},
    {"shards", "N", "workers in the image, 1..16; default 1"},
    {"scheduling", "WORD", "batch (default) | polling"},
    {"listen", "ADDRESS[:PORT]", "ESP in UDP; default 0.0.0.0:4500"},
    {"control", "ADDRESS[:PORT]", "control channel, TCP; default 0.0.0.0:4433"},
    {"framing", "WORD", "udp (default) | native (IP protocol 50)"},
    {"offload", "WORD", "auto (default) | off"},
    {"tenant-key-sha256", "HEX", "the key whose control connections the image accepts (required)"},
    {"evidence", "WORD", "auto (default) | emu | sgx | tsm | none: who vouches for the image"},
    {"evidence-socket", "PATH", "unix socket where the agent of a trust monitor asks for evidence"},
    {"tsm-root", "PATH", "tsm: default /sys/kernel/config/tsm/report"},
    {"aesm-socket", "PATH", "sgx: default /var/run/aesmd/aesm.socket"},
    {"state", "FILE", "keeps what the image seals, for its next start"},
    {"seal", "WORD", "enclave (default) | signer: who may open it again"},
    {"status", "PATH", "unix socket that tells the status as JSON"},
    {"ring-count", "N", "descriptors per packet ring; default 1024"},
    {"data-size", "BYTES", "packet data per ring; default 2097152"},
    {"control-size", "BYTES", "per control ring; default 262144"},
    {"log-size", "BYTES", "of the log ring; default 65536"},
    {"spill", "MIB", "memory per shard for what the image keeps outside; default 0: none"},
};
enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

static void usage(FILE *out)
{
    (void)fprintf(out, "usage: safelib-host [--config FILE] --image PATH [OPTION...]\n"
                       "Options (also keys of the YAML file, with _ for -; an option wins):\n");
    for (int i = 0; i < OPTION_COUNT; i++) {
        (void)fprintf(out, "  --%s %-*s %s\n", options[i].name, (int)(24 - strlen(options[i].name)),
                      options[i].arg, options[i].help);
    }
    (void)fprintf(out, "  --version                   print the version\n"
                       "  --help                      print this\n"
                       "Exit codes: 0 stopped, 1 could not start, 2 usage, 3 the image died.\n");
}

static void key_of(const char *name, char *key, size_t size)
{
    (void)snprintf(key, size, "%s", name);
    for (char *p = key; *p != '\0'; p++) {
        *p = *p == '-' ? '_' : *p;
    }
}

/* Reads the file first, wherever --config stands, then lays the options over it.
 * Returns -1 to go on, or an exit code. */
static int options_read(int argc, char **argv, struct sl_host_config *config)
{
    struct option table[OPTION_COUNT + 4] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, OPTION_HELP},
    };
    struct sl_err err = {0};
    bool is_bad = false;
    for (int i = 0; i < OPTION_COUNT; i++) {
        table[3 + i] = (struct option){options[i].name, required_argument, NULL, OPTION_KEY + i};
    }
    for (int pass = 0; pass < 2; pass++) {
        int c;
        optind = 1;
        while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
            char key[64];
            sl_rc rc = SL_OK;
            if (c == OPTION_HELP) {
                usage(stdout);
                return EXIT_CLEAN;
            }
            if (c == OPTION_VERSION) {
                (void)printf("safelib-host %s\n", SL_VERSION);
                return EXIT_CLEAN;
            }
            if (c == '?') {
                usage(stderr);
                return EXIT_USAGE;
            }
            if (c == OPTION_CONFIG && pass == 0) {
                rc = sl_host_config_load(optarg, config, &err);
            } else if (c >= OPTION_KEY && pass == 1) {
                key_of(options[c - OPTION_KEY].name, key, sizeof(key));
                rc = sl_host_config_set(config, key, optarg, &err);
            }
            if (rc != SL_OK) { /* told at once, so that all of them are */
                (void)fprintf(stderr, "safelib-host: %s\n", err.text);
                is_bad = true;
            }
        }
    }
    if (optind != argc) {
        (void)fprintf(stderr, "safelib-host: unexpected argument '%s'\n", argv[optind]);
        return EXIT_USAGE;
    }
    return is_bad ? EXIT_USAGE : -1;
}

struct program {
    struct sl_sealed_file sealed;
    struct sl_snapshot_file snapshot;
    struct sl_host *host;
    struct sl_node node;
    int signal_fd;
    int signal;
};

static bool on_wait(void *ctx, uint32_t thread, enum sl_rt_wait_kind kind, uint32_t arg,
                    uint64_t timeout_ns)
{
    struct program *program = ctx;
    return sl_node_wait(&program->node, thread, kind, arg, timeout_ns);
}

static void on_wake(void *ctx, uint32_t thread)
{
    struct program *program = ctx;
    sl_node_wake(&program->node, thread);
}

/* The image's lines are untrusted text on somebody's terminal. */
static void on_log(void *ctx, const char *line)
{
    (void)ctx;
    char clean[1024];
    size_t size = 0;
    for (; line[size] != '\0' && size + 1 < sizeof(clean); size++) {
        unsigned char c = (unsigned char)line[size];
        clean[size] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    clean[size] = '\0';
    (void)fprintf(stderr, "[image] %s\n", clean);
}

static uint64_t on_entry_count(void *ctx)
{
    return sl_host_entry_count(ctx);
}

static void on_signal(void *ctx)
{
    struct program *program = ctx;
    struct signalfd_siginfo info;
    if (read(program->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        program->signal = (int)info.ssi_signo;
        sl_node_stop(&program->node);
        sl_host_stop(program->host);
    }
}

static void signals_block(sigset_t *ret_set)
{
    (void)sigemptyset(ret_set);
    (void)sigaddset(ret_set, SIGTERM);
    (void)sigaddset(ret_set, SIGINT);
    /* a shell starts what it puts in the background with SIGINT ignored */
    (void)signal(SIGINT, SIG_DFL);
    (void)pthread_sigmask(SIG_BLOCK, ret_set, NULL); /* inherited by every later thread */
}

static sl_rc signals_watch(struct program *program, const sigset_t *set, struct sl_err *err)
{
    program->signal_fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (program->signal_fd < 0) {
        return sl_err_set(err, SL_IO, "cannot watch for signals");
    }
    return sl_relay_watch(&program->node.relay, program->signal_fd, on_signal, program);
}

static void banner(const struct program *program)
{
    const struct sl_node *node = &program->node;
    const struct sl_host_settings *s = node->settings;
    char listen[SL_NET_ADDR_TEXT_MAX];
    char control[SL_NET_ADDR_TEXT_MAX];
    char mrenclave[65];
    sl_hex_encode(node->device.mrenclave, 32, mrenclave);
    (void)fprintf(stderr, "safelib-host %s: image %s\n", SL_VERSION, s->config->image);
    (void)fprintf(stderr, "  mrenclave  %s\n", mrenclave);
    (void)fprintf(stderr, "  device     %s%s\n", node->device.name, s->is_trap ? " (trap)" : "");
    const struct sl_enclave *enclave = sl_host_enclave(program->host);
    (void)fprintf(stderr, "  enclave    %p-%p\n", (void *)enclave->base,
                  (void *)(enclave->base + enclave->size));
    const uint8_t *processor;
    size_t processor_size;
    if (sl_device_processor(enclave, &processor, &processor_size)) {
        (void)fprintf(stderr, "  emulated processor's registers %p-%p\n", (const void *)processor,
                      (const void *)(processor + processor_size));
    }
    (void)fprintf(stderr, "  protection %s\n", node->device.protection);
    for (const char *const *rule = node->device.unenforced; rule != NULL && *rule != NULL; rule++) {
        (void)fprintf(stderr, "  not enforced here: %s\n", *rule);
    }
    (void)fprintf(stderr, "  ESP        %s, %s; control %s\n", s->is_native ? "protocol 50" : "UDP",
                  sl_net_addr_text(&node->listen, listen),
                  sl_net_addr_text(&node->relay.local, control));
    (void)fprintf(stderr, "  evidence   %s\n", node->evidence_name);
    (void)fprintf(stderr, "  scheduling %s, %u shard%s\n", s->is_polling ? "polling" : "batch",
                  node->shard_count, node->shard_count == 1 ? "" : "s");
    if (strcmp(node->evidence_name, "tsm") == 0) {
        (void)fprintf(stderr, "  the guest that this runs in is what is protected and measured, as "
                              "a whole\n");
    } else if (strcmp(node->device.name, "sgx") != 0) {
        (void)fprintf(stderr,
                      "WARNING: device %s PROTECTS NOTHING: this machine's administrator can "
                      "read keys and traffic. For tests and benchmarks only.\n",
                      node->device.name);
    }
}

static sl_rc image_create(struct program *program, const struct sl_host_settings *s,
                          struct sl_err *err)
{
    const char *argv[12];
    char sealed[2 * SL_SEALED_MAX + 1] = "";
    int argc = 0;
    if (s->config->state[0] != '\0') {
        sl_rc rc = sl_sealed_load(s->config->state, sealed, err);
        if (rc != SL_OK) {
            return rc;
        }
    }
    argv[argc++] = "safelib-nf";
    argv[argc++] = "--device";
    argv[argc++] = s->device;
    if (s->is_polling) {
        argv[argc++] = "--polling";
    }
    argv[argc++] = "--tenant-key-sha256";
    argv[argc++] = s->config->tenant_key_sha256;
    if (s->is_sealed_to_signer) {
        argv[argc++] = "--seal-to-signer";
    }
    if (sealed[0] != '\0') {
        argv[argc++] = "--sealed-state";
        argv[argc++] = sealed;
    }
    argv[argc] = NULL;
    const struct sl_host_params params = {
        .image_path = s->config->image,
        .sigstruct_path = s->config->sigstruct[0] != '\0' ? s->config->sigstruct : NULL,
        .device = {.device = s->device, .is_trap = s->is_trap, .entry_cost_ns = s->entry_cost_ns},
        .geometry = s->geometry,
        .argc = argc,
        .argv = argv,
        .callbacks = {.ctx = program, .wait = on_wait, .wake = on_wake, .log = on_log},
    };
    return sl_host_create(&params, &program->host, err);
}

static void say(const char *line)
{
    (void)fprintf(stderr, "safelib-host: %s\n", line);
}

/* What the image's end means to who started this. */
static int verdict(const struct program *program, const struct sl_host_result *result)
{
    if (program->signal != 0 && result->end != SL_HOST_END_KILLED) {
        (void)fprintf(stderr, "safelib-host: stopped by signal %d\n", program->signal);
        return EXIT_CLEAN;
    }
    if (result->end == SL_HOST_END_KILLED) {
        (void)fprintf(stderr, "safelib-host: the image died: %s\n", result->err.text);
    } else {
        (void)fprintf(stderr, "safelib-host: the image ended by itself with exit code %d\n",
                      result->exit_code);
    }
    return EXIT_IMAGE;
}

/* Where the image's evidence comes from; fails where the configuration asks for what cannot be. */
static sl_rc evidence_open(struct program *program, const struct sl_host_settings *s,
                           struct sl_err *err)
{
    const struct sl_evidence_options where = {
        .name = s->config->evidence,
        .device = s->device,
        .machine = sl_device_machine(sl_host_enclave(program->host)),
        .tsm_root = s->config->tsm_root,
        .aesm_socket = s->config->aesm_socket,
    };
    struct sl_evidence_producer producer;
    sl_rc rc = sl_evidence_open(&where, &producer, err);
    if (rc == SL_OK) {
        rc = sl_node_evidence(&program->node, &producer, err);
        if (rc != SL_OK) {
            sl_evidence_producer_done(&producer);
        }
    }
    return rc;
}

static int serve(struct program *program, const struct sl_host_settings *s)
{
    struct sl_err err = {0};
    struct sl_host_result result = {0};
    int code = EXIT_SETUP;
    bool is_node = false;
    bool has_snapshot = false;
    sigset_t signals;
    signals_block(&signals); /* before the device looks at the mask */
    sl_rc rc = image_create(program, s, &err);
    if (rc == SL_OK) {
        const struct sl_enclave *enclave = sl_host_enclave(program->host);
        const struct sl_node_device device = {
            .name = s->device,
            .protection = enclave->ops->protection,
            .unenforced =
                enclave->ops->unenforced != NULL ? enclave->ops->unenforced(enclave) : NULL,
            .mrenclave = sl_host_mrenclave(program->host),
            .entry_count = on_entry_count,
            .ctx = program->host,
        };
        rc = sl_node_init(&program->node, s, &device, sl_host_area(program->host),
                          sl_host_layout(program->host), NULL, &err);
        is_node = rc == SL_OK;
        if (is_node && s->config->state[0] != '\0') {
            program->sealed = (struct sl_sealed_file){s->config->state, say};
            sl_relay_sealed(&program->node.relay, sl_sealed_keep, &program->sealed);
            rc = sl_snapshot_file_init(&program->snapshot, s->config->state, say);
            if (rc == SL_OK) {
                sl_relay_snapshot(&program->node.relay, &program->snapshot);
                has_snapshot = true;
            } else {
                rc = sl_err_set(&err, rc, "state %s: path too long for the flows beside it",
                                s->config->state);
            }
        }
    }
    rc = rc != SL_OK ? rc : evidence_open(program, s, &err);
    rc = rc != SL_OK ? rc : signals_watch(program, &signals, &err);
    rc = rc != SL_OK ? rc : sl_node_start(&program->node, &err);
    if (rc == SL_OK) {
        banner(program);
        rc = sl_host_run(program->host, &result);
        code = rc == SL_OK ? verdict(program, &result) : EXIT_IMAGE;
        err = result.err;
    }
    if (rc != SL_OK) {
        (void)fprintf(stderr, "safelib-host: %s\n",
                      err.text[0] != '\0' ? err.text : sl_rc_text(rc));
    }
    if (is_node) {
        sl_node_done(&program->node);
    }
    if (has_snapshot) {
        sl_snapshot_file_done(&program->snapshot); /* one that was not ended goes */
    }
    sl_host_free(program->host);
    return code;
}

int main(int argc, char **argv)
{
    static struct program program;
    struct sl_host_config config = {0};
    struct sl_host_settings settings;
    struct sl_err err = {0};
    int code = options_read(argc, argv, &config);
    if (code >= 0) {
        return code;
    }
    if (sl_host_config_check(&config, &settings, &err) != SL_OK) {
        (void)fprintf(stderr, "safelib-host: %s\n", err.text);
        return EXIT_USAGE;
    }
    (void)setvbuf(stderr, NULL, _IOLBF, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    return serve(&program, &settings);
}
