/* SPDX-License-Identifier: Apache-2.0 */
/* safelib status: what runs here, on one screen. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "gateway_ask.h"

struct status_args {
    const char *gateway;
    const char *host;
    bool is_json;
    uint64_t watch_s;
};

static const char *paint(enum tone which)
{
    return tone(stdout, which);
}
static const char *plain(void)
{
    return paint(TONE_PLAIN);
}

static const char *state_colour(const char *state)
{
    if (strcmp(state, "running") == 0) {
        return paint(TONE_GOOD);
    }
    return paint(strcmp(state, "stopped") == 0 ? TONE_BAD : TONE_WARN);
}

/* 1234567 as "1.23 M" */
static const char *human(long long value, char out[24])
{
    static const char units[] = " kMGTP";
    double v = (double)value;
    int unit = 0;
    while (v >= 1000 && unit < 5) {
        v /= 1000;
        unit++;
    }
    if (unit == 0) {
        (void)snprintf(out, 24, "%lld", value);
    } else {
        (void)snprintf(out, 24, "%.2f %c", v, units[unit]);
    }
    return out;
}

static void slot_show(json_t *slot)
{
    char sent[24], got[24];
    bool is_keyed = json_is_object(json_at(slot, "sa_out"));
    printf("  %s/%lld  ", json_text_at(slot, "port"), json_int_at(slot, "shard"));
    if (!is_keyed) {
        printf("%sno SA: nothing passes%s\n", paint(TONE_BAD), plain());
        return;
    }
    printf("out %s  in %s  key %lld s old  sent %sB  received %sB%s\n",
           json_text_at(slot, "sa_out.spi"), json_text_at(slot, "sa_in.spi"),
           json_int_at(slot, "age_s"), human(json_int_at(slot, "counters.sealed_bytes"), sent),
           human(json_int_at(slot, "counters.opened_bytes"), got),
           json_is_object(json_at(slot, "sa_in_previous")) ? "  (old key still read)" : "");
}

/* Sum over the slots, or over all in an object of counters whose name starts with "drop". */
static void drops_show(json_t *slots)
{
    json_t *slot;
    size_t i;
    const char *name;
    json_t *value;
    json_t *sums = json_object();
    json_array_foreach(slots, i, slot)
    {
        json_object_foreach(json_at(slot, "counters"), name, value)
        {
            if (strncmp(name, "drop_", 5) == 0 && json_integer_value(value) > 0) {
                long long so_far = json_integer_value(json_object_get(sums, name));
                (void)json_object_set_new(sums, name,
                                          json_integer(so_far + json_integer_value(value)));
            }
        }
    }
    if (json_object_size(sums) > 0) {
        printf("  %sdropped%s", paint(TONE_WARN), plain());
        json_object_foreach(sums, name, value)
        {
            printf("  %s %lld", name + 5, (long long)json_integer_value(value));
        }
        printf("\n");
    }
    json_decref(sums);
}

static void tunnel_show(json_t *root)
{
    json_t *tunnel = json_at(root, "tunnel");
    json_t *slots = json_at(tunnel, "slots");
    json_t *slot;
    size_t i;
    printf("%stunnel%s  %s  %s, %s%s, window %lld\n", paint(TONE_STRONG), plain(),
           json_text_at(tunnel, "peer"), json_text_at(tunnel, "framing"),
           json_text_at(tunnel, "alg"), json_is_true(json_at(tunnel, "esn")) ? " with ESN" : "",
           json_int_at(tunnel, "replay_window"));
    printf("  keys    %s key exchange\n", json_text_at(root, "session.key_exchange"));
    printf("  mtu     %lld bytes inside (%s%s), round trip %.2f ms\n",
           json_int_at(tunnel, "mtu.inner"), json_text_at(tunnel, "mtu.state"),
           json_is_true(json_at(tunnel, "mtu.is_fixed")) ? ", fixed" : "",
           (double)json_int_at(tunnel, "mtu.rtt_ns") / 1e6);
    static const char *const ways[] = {"send", "receive"};
    for (int way = 0; way < 2; way++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "offload.%s", ways[way]);
        json_t *offload = json_at(tunnel, path);
        bool is_on = strcmp(json_text_at(offload, "state"), "on") == 0;
        printf("  offload %-7s %s%s%s%s%s\n", ways[way], is_on ? "" : paint(TONE_WARN),
               json_text_at(offload, "state"), plain(), ": ", json_text_at(offload, "reason"));
    }
    if (json_int_at(tunnel, "offload.gso_errno") != 0) {
        printf("  offload send    the kernel refused trains: %s%s\n",
               strerror((int)json_int_at(tunnel, "offload.gso_errno")),
               json_is_true(json_at(tunnel, "offload.gso_active")) ? "" : " (backed off)");
    }
    json_array_foreach(slots, i, slot)
    {
        slot_show(slot);
    }
    drops_show(slots);
}

/* "rule.2.packets" and "rule.2.bytes" on one line; another counter on its own. False where the line
 * of packets shows it already. */
static bool counter_show(json_t *counters, const char *name, long long value, bool is_shown)
{
    char packets[24], bytes[24], other[80];
    const char *dot = strrchr(name, '.');
    int stem = dot != NULL ? (int)(dot - name) : 0;
    bool is_bytes = dot != NULL && strcmp(dot, ".bytes") == 0;
    (void)snprintf(other, sizeof(other), "%.*s.%s", stem, name, is_bytes ? "packets" : "bytes");
    json_t *sibling = json_object_get(counters, other);
    if (is_bytes && sibling != NULL) {
        return false;
    }
    bool is_pair = dot != NULL && strcmp(dot, ".packets") == 0 && sibling != NULL;
    if (is_shown && is_pair) {
        bool is_rule = strncmp(name, "rule.", 5) == 0;
        printf("           %s%.*s: %s packets, %sB\n", is_rule ? "rule " : "",
               is_rule ? stem - 5 : stem, is_rule ? name + 5 : name, human(value, packets),
               human(json_integer_value(sibling), bytes));
    } else if (is_shown) {
        printf("           %-40s %lld\n", name, value);
    }
    return true;
}

/* The rules most packets met, with their place and text in the tenant's own file. */
static void rules_show(json_t *rules)
{
    char packets[24], bytes[24];
    json_t *rule;
    size_t i;
    json_array_foreach(rules, i, rule)
    {
        const char *source = json_text_at(rule, "source");
        const char *slash = strrchr(source, '/');
        bool is_default = !json_is_integer(json_at(rule, "rule"));
        if (is_default) {
            printf("    default");
        } else {
            printf("    rule %lld", json_int_at(rule, "rule"));
        }
        if (json_int_at(rule, "line") > 0) {
            printf("  %s:%lld", slash != NULL ? slash + 1 : source, json_int_at(rule, "line"));
        }
        printf("  %.60s  %s packets %sB\n", json_text_at(rule, "text"),
               human(json_int_at(rule, "packets"), packets),
               human(json_int_at(rule, "bytes"), bytes));
    }
}

static void nf_show(json_t *nf, json_t *rules)
{
    char packets[24], bytes[24];
    enum { LINES = 8 };
    const char *name;
    json_t *value;
    int shown = 0;
    json_t *counters = json_at(nf, "counters");
    printf("  %-8s %s packets, %sB, %lld dropped, %lld replied\n", json_text_at(nf, "nf"),
           human(json_int_at(nf, "packets"), packets), human(json_int_at(nf, "bytes"), bytes),
           json_int_at(nf, "dropped"), json_int_at(nf, "replied"));
    if (strcmp(json_text_at(nf, "nf"), "firewall") == 0 && json_array_size(rules) > 0) {
        rules_show(rules);
        return;
    }
    json_object_foreach(counters, name, value)
    {
        shown += counter_show(counters, name, (long long)json_integer_value(value), shown < LINES);
    }
    if (shown > LINES) {
        printf("           and %d more (--json has all)\n", shown - LINES);
    }
}

static void image_show(json_t *root)
{
    json_t *image = json_at(root, "image");
    json_t *chain = json_at(image, "status.chain");
    json_t *nf;
    size_t i;
    if (image == NULL) {
        printf("%simage%s   not reached yet\n", paint(TONE_STRONG), plain());
        return;
    }
    printf("%simage%s   SafeLib %s, says it runs on \"%s\"\n", paint(TONE_STRONG), plain(),
           json_text_at(image, "version"), json_text_at(image, "device_hint"));
    printf("  key     %.16s...\n", json_text_at(image, "key_sha256"));
    printf("  policy  version %lld, sha256 %.16s..., from %s\n",
           json_int_at(root, "policy.version"), json_text_at(root, "policy.sha256"),
           json_text_at(root, "policy.path"));
    json_array_foreach(chain, i, nf)
    {
        nf_show(nf, json_at(root, "policy.rules"));
    }
    long long refused = json_int_at(image, "status.runtime.syscalls_refused");
    printf("  heap    %.1f MiB, %lld threads, %lld system calls refused\n",
           (double)json_int_at(image, "status.runtime.heap_bytes") / 1048576.0,
           json_int_at(image, "status.runtime.threads"), refused);
}

/* What was verified, or why it was refused. */
static void attestation_show(json_t *root)
{
    json_t *attestation = json_at(root, "attestation");
    json_t *finding;
    size_t i;
    const char *state = json_text_at(attestation, "state");
    bool is_verified = strcmp(state, "verified") == 0;
    bool is_emulated = json_is_true(json_at(attestation, "emulated"));
    printf("%sattestation%s  %s%s%s", paint(TONE_STRONG), plain(),
           is_verified ? paint(TONE_GOOD) : paint(TONE_BAD),
           strcmp(state, "none") == 0 ? "not yet" : state, plain());
    if (json_int_at(attestation, "at") != 0) {
        printf(" %lld s ago, again every %lld s; %lld good, %lld refused",
               json_int_at(attestation, "age_s"), json_int_at(attestation, "reattest_s"),
               json_int_at(attestation, "verified"), json_int_at(attestation, "refused"));
    }
    printf("\n");
    if (json_text_at(attestation, "measurement")[0] != '\0') {
        printf("  %-7s %s\n", json_text_at(attestation, "type"),
               json_text_at(attestation, "measurement"));
        printf("  signer  %s\n", json_text_at(attestation, "signer"));
        printf("  tcb     %s%s%s%s\n", json_text_at(attestation, "tcb"),
               is_emulated ? paint(TONE_BAD) : "",
               is_emulated ? "  EMULATED: PROTECTS NOTHING" : "", plain());
    }
    if (json_is_true(json_at(attestation, "insecure_allow_emulated"))) {
        printf("  %sinsecure_allow_emulated is on%s\n", paint(TONE_BAD), plain());
    }
    if (json_text_at(attestation, "reason")[0] != '\0' && json_at(attestation, "result") == NULL) {
        printf("  %s\n", json_text_at(attestation, "reason"));
    }
    json_array_foreach(json_at(attestation, "result.findings"), i, finding)
    {
        const char *severity = json_text_at(finding, "severity");
        if (strcmp(severity, "note") != 0) {
            bool is_bad = strcmp(severity, "failure") == 0;
            printf("  %s%s%s %s: %s\n", paint(is_bad ? TONE_BAD : TONE_WARN), severity, plain(),
                   json_text_at(finding, "code"), json_text_at(finding, "text"));
        }
    }
}

static void health_show(json_t *health)
{
    json_t *backend;
    size_t i;
    json_array_foreach(health, i, backend)
    {
        bool is_up = json_is_true(json_object_get(backend, "is_up"));
        const char *fault = json_text_at(backend, "fault");
        const char *refused = json_text_at(backend, "refused");
        printf("%s%-22s %s%s%s for %lld s, by %s%s%s%s%s\n", i == 0 ? "  health  " : "          ",
               json_text_at(backend, "backend"), is_up ? "" : paint(TONE_BAD),
               is_up ? "up" : "down", is_up ? "" : plain(), json_int_at(backend, "since_s"),
               json_text_at(backend, "type"), fault[0] != '\0' ? ": " : "", fault,
               refused[0] != '\0' ? "; the image does not take it: " : "", refused);
    }
}

static void gateway_show(json_t *root)
{
    const char *state = json_text_at(root, "state");
    const char *reason = json_text_at(root, "reason");
    printf("%sgateway%s %s%s%s%s%s\n", paint(TONE_STRONG), plain(), state_colour(state), state,
           plain(), reason[0] != '\0' ? ": " : "", reason);
    printf(
        "  up      %lld s, version %s; connected %lld times, rekeyed %lld, image restarts %lld\n",
        json_int_at(root, "uptime_s"), json_text_at(root, "version"),
        json_int_at(root, "session.connects"), json_int_at(root, "session.rekeys"),
        json_int_at(root, "session.image_restarts"));
    attestation_show(root);
    tunnel_show(root);
    health_show(json_object_get(root, "health"));
    image_show(root);
}

static void host_show(json_t *host)
{
    const char *name;
    json_t *value;
    printf("%shost%s   ", paint(TONE_STRONG), plain());
    json_object_foreach(host, name, value)
    {
        if (json_is_string(value)) {
            printf(" %s %.64s ", name, json_string_value(value));
        } else if (json_is_integer(value)) {
            printf(" %s %lld ", name, (long long)json_integer_value(value));
        }
    }
    printf("\n");
}

static json_t *gateway_status(const char *path, struct sl_err *err)
{
    int fd = gateway_connect(path, err);
    if (fd < 0) {
        return NULL;
    }
    json_t *request = json_pack("{s:s}", "cmd", "status");
    json_t *root = gateway_ask(fd, request, err);
    json_decref(request);
    (void)close(fd);
    return root;
}

static int show_once(const struct status_args *args)
{
    struct sl_err gateway_err = {0};
    struct sl_err host_err = {0};
    json_t *root = gateway_status(args->gateway, &gateway_err);
    json_t *host = host_read(args->host, &host_err);
    int status = CMD_GOOD;
    bool is_none = root == NULL && host == NULL;
    if (args->is_json) {
        json_t *all = json_pack("{s:O?, s:O?}", "gateway", root, "host", host);
        if (is_none && all != NULL) {
            (void)json_object_set_new(all, "error",
                                      json_sprintf("%s; %s", gateway_err.text, host_err.text));
        }
        status = print_json(all, is_none ? CMD_USAGE : CMD_GOOD);
    } else if (is_none) {
        status = complain(CMD_USAGE,
                          "neither a gateway nor a host answers here\n  gateway: %s\n  host:    "
                          "%s\n  next:    start one (man safelib-gateway, man safelib-host), or "
                          "let `safelib doctor` look at this machine",
                          gateway_err.text, host_err.text);
    } else {
        if (root != NULL) {
            gateway_show(root);
        }
        if (host != NULL) {
            host_show(host);
        }
    }
    if (root != NULL && strcmp(json_text_at(root, "state"), "running") != 0) {
        status = CMD_BAD;
    }
    json_decref(root);
    json_decref(host);
    return status;
}

int cmd_status(int argc, char **argv)
{
    struct status_args args = {.gateway = GATEWAY_SOCKET, .host = HOST_SOCKET};
    const struct option_spec options[] = {
        {"socket", 's', "PATH", "status socket of the gateway", OPTION_STRING, &args.gateway, 0, 0},
        {"host-socket", 0, "PATH", "status socket of safelib-host, where it runs here too",
         OPTION_STRING, &args.host, 0, 0},
        {"json", 'j', NULL, "everything, as JSON", OPTION_FLAG, &args.is_json, 0, 0},
        {"watch", 'w', "SECONDS", "again and again, every so many seconds", OPTION_UINT,
         &args.watch_s, 1, 3600},
    };
    const struct command_spec spec = {
        .usage = "safelib status [--json] [--watch SECONDS] [--socket PATH]",
        .about =
            "Shows gateway, tunnel, keys' ages, path MTU, offload, and what the image tells about\n"
            "itself from inside. Ends with 0 where the gateway is in state running, 1 where it\n"
            "is in another, 2 where none answers.",
        .examples = "  safelib\n  safelib status --watch 2\n"
                    "  safelib status --json | jq .gateway.tunnel.mtu",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    for (;;) {
        if (args.watch_s > 0 && isatty(STDOUT_FILENO)) {
            printf("\033[H\033[2J");
        }
        status = show_once(&args);
        (void)fflush(stdout);
        if (args.watch_s == 0) {
            return status;
        }
        const struct timespec wait = {(time_t)args.watch_s, 0};
        (void)nanosleep(&wait, NULL);
    }
}
