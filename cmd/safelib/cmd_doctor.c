/* SPDX-License-Identifier: Apache-2.0 */
/* safelib doctor: looks at the machine and says what to do next. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "control/suites.h"
#include "device/device.h"
#include "evidence/producers.h"
#include "gateway_ask.h"
#include "net/udp.h"

#include <openssl/crypto.h>

enum level { LEVEL_GOOD, LEVEL_NOTE, LEVEL_WARN, LEVEL_BAD };
static const char *const level_names[] = {"good", "note", "warn", "bad"};

struct report {
    json_t *checks;
    enum level worst;
    bool is_json;
};

__attribute__((format(printf, 5, 6))) static void finding(struct report *report, enum level level,
                                                          const char *what, const char *next,
                                                          const char *format, ...)
{
    static const char *const colours[] = {"\033[32m", "\033[0m", "\033[33m", "\033[31m"};
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    report->worst = level > report->worst ? level : report->worst;
    if (report->is_json) {
        (void)json_array_append_new(report->checks,
                                    json_pack("{s:s, s:s, s:s, s:s}", "check", what, "level",
                                              level_names[level], "text", text, "next", next));
        return;
    }
    bool is_tty = isatty(STDOUT_FILENO);
    printf("%s%-4s%s  %-12s %s\n", is_tty ? colours[level] : "", level_names[level],
           is_tty ? "\033[0m" : "", what, text);
    if (next[0] != '\0') {
        printf("      %-12s -> %s\n", "", next);
    }
}

static bool file_read(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool is_read = fgets(out, (int)size, file) != NULL;
    (void)fclose(file);
    out[is_read ? strcspn(out, "\n") : 0] = '\0';
    return is_read;
}

static bool runs(const char *command)
{
    /* NOLINTNEXTLINE(cert-env33-c): constant strings of this file only */
    int status = system(command);
    return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void tee_check(struct report *report)
{
    static const struct {
        const char *path, *what;
    } devices[] = {{"/dev/sgx_enclave", "Intel SGX"},
                   {"/dev/tdx_guest", "Intel TDX guest"},
                   {"/dev/sev-guest", "AMD SEV-SNP guest"}};
    bool has_any = false;
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (access(devices[i].path, F_OK) == 0) {
            has_any = true;
            bool is_open = access(devices[i].path, R_OK | W_OK) == 0;
            finding(report, is_open ? LEVEL_GOOD : LEVEL_WARN, "tee",
                    is_open ? "" : "join its group, or run as root", "%s: %s%s", devices[i].what,
                    devices[i].path, is_open ? "" : " is there, but may not be opened");
        }
    }
    if (!has_any) {
        finding(report, LEVEL_WARN, "tee",
                "for protection run safelib-host on a machine with SGX (device sgx), or inside a "
                "TDX or "
                "SEV-SNP guest (device bare)",
                "no trusted execution environment here: only the emulator, which protects nothing");
    }
}

static void emulator_check(struct report *report)
{
    const struct sl_device_ops *emu = sl_device_find("emu");
    struct sl_err err = {0};
    struct sl_enclave *enclave = NULL;
    struct sl_device_options options = {.device = "emu"};
    struct sl_secs secs = {0};
    secs.size = 1 << 20;
    secs.ssa_frame_size = 1;
    secs.attributes.flags = SL_ATTR_MODE64BIT;
    secs.attributes.xfrm = 3;
    if (emu == NULL || emu->create(&options, &secs, &enclave, &err) != SL_OK) {
        finding(report, LEVEL_WARN, "emulator", "tests and the demo need it; see the sentence",
                "does not work here: %s", err.text);
        return;
    }
    const char *const *rules = emu->unenforced(enclave);
    uint32_t count = 0;
    for (; rules != NULL && rules[count] != NULL; count++) {
        finding(report, LEVEL_NOTE, "emulator", "", "not enforced: %s", rules[count]);
    }
    finding(report, LEVEL_NOTE, "emulator", "never give it secrets: for tests and benchmarks",
            "works; %u rules of SGX are not enforced here; protects nothing", count);
    emu->destroy(enclave);
}

/* Hardware that can sign a quote, and whether what asks it is installed. */
static bool evidence_sgx_check(struct report *report)
{
    struct sl_evidence_producer sgx;
    struct sl_err err = {0};
    uint8_t target[512];
    if (access("/dev/sgx_enclave", F_OK) != 0 ||
        sl_evidence_sgx_open(NULL, NULL, &sgx, &err) != SL_OK) {
        return false;
    }
    bool is_good = sgx.target_info(sgx.ctx, target, &err) == SL_OK;
    finding(report, is_good ? LEVEL_GOOD : LEVEL_WARN, "evidence",
            is_good ? "" : "start aesmd with its ECDSA plug-ins, or install libsgx-dcap-ql",
            "sgx: %s", is_good ? "the quoting enclave answers" : err.text);
    sl_evidence_producer_done(&sgx);
    return true;
}

static bool evidence_tsm_check(struct report *report)
{
    static const uint8_t data[SL_EVIDENCE_DATA_SIZE];
    struct sl_evidence_producer tsm;
    struct sl_evidence evidence;
    struct sl_err err = {0};
    if (sl_evidence_tsm_open(SL_TSM_ROOT, &tsm, &err) != SL_OK) {
        bool is_guest = access("/dev/tdx_guest", F_OK) == 0 || access("/dev/sev-guest", F_OK) == 0;
        if (is_guest) {
            finding(report, LEVEL_WARN, "evidence",
                    "Linux 6.7 or later; mount -t configfs none /sys/kernel/config", "%s",
                    err.text);
        }
        return is_guest;
    }
    bool is_good = tsm.produce(tsm.ctx, data, NULL, &evidence, &err) == SL_OK;
    if (is_good) {
        finding(report, LEVEL_GOOD, "evidence", "", "tsm: %s report of %zu bytes",
                evidence.type == SL_ATTEST_TDX ? "TDX" : "SEV-SNP", evidence.evidence.size);
        sl_evidence_done(&evidence);
    } else {
        finding(report, LEVEL_WARN, "evidence",
                "be root; load tdx-guest or sev-guest; see the sentence", "tsm: %s", err.text);
    }
    sl_evidence_producer_done(&tsm);
    return true;
}

static void evidence_check(struct report *report)
{
    bool has_sgx = evidence_sgx_check(report);
    bool has_tsm = evidence_tsm_check(report);
    if (!has_sgx && !has_tsm) {
        finding(report, LEVEL_NOTE, "evidence",
                "a gateway takes it only where its policy says insecure_allow_emulated: for tests",
                "only the emulator's (evidence emu), which anybody can forge");
    }
}

static void cpu_check(struct report *report)
{
    bool is_fast = __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
    bool has_avx2 = __builtin_cpu_supports("avx2");
    finding(report, is_fast ? LEVEL_GOOD : LEVEL_BAD, "processor",
            is_fast ? "" : "ESP needs a processor with AES-NI and PCLMULQDQ",
            "AES-NI and PCLMULQDQ %s, AVX2 %s, %ld online", is_fast ? "there" : "missing",
            has_avx2 ? "there" : "missing (slower)", sysconf(_SC_NPROCESSORS_ONLN));
}

static void key_exchange_check(struct report *report)
{
    char text[SL_KEY_EXCHANGE_TEXT_MAX];
    const struct sl_key_exchange_group *best = sl_key_exchange_best();
    bool is_hybrid = best != NULL && best->is_hybrid;
    sl_key_exchange_text(best, text);
    finding(report,
            is_hybrid      ? LEVEL_GOOD
            : best != NULL ? LEVEL_NOTE
                           : LEVEL_BAD,
            "key exchange",
            is_hybrid ? ""
                      : "OpenSSL 3.5 or later (Debian 13) at both ends protects what is recorded "
                        "today from a quantum computer of tomorrow",
            "%s by %s", text, OpenSSL_version(OPENSSL_VERSION));
}

static void tun_check(struct report *report)
{
    unsigned features = 0;
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNGETFEATURES, &features) != 0) {
        finding(report, LEVEL_BAD, "tun",
                "load the module (modprobe tun), be root, or give the container the device",
                "/dev/net/tun: %s", strerror(errno));
    } else {
        bool is_full = (features & IFF_VNET_HDR) != 0;
        finding(report, is_full ? LEVEL_GOOD : LEVEL_WARN, "tun",
                is_full ? "" : "use a newer kernel",
                "/dev/net/tun works, offload headers %s, several queues %s", is_full ? "yes" : "no",
                (features & IFF_MULTI_QUEUE) != 0 ? "yes" : "no");
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* Sends one train to ourselves and looks whether every byte arrives. */
static bool train_passes(struct sl_udp *udp, uint32_t *ret_runs)
{
    static uint8_t data[40 * 1000];
    static uint8_t got[SL_UDP_RUN_MAX];
    for (uint32_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 31 + i / 1000);
    }
    const struct sl_udp_tx run = {
        .data = data, .size = sizeof(data), .segment_size = 1000, .to = *sl_udp_local(udp)};
    (void)sl_udp_send(udp, &run, 1);
    uint32_t off = 0;
    struct pollfd pfd = {.fd = sl_udp_fd(udp), .events = POLLIN};
    while (off < sizeof(data) && poll(&pfd, 1, 300) > 0) {
        struct sl_udp_rx buf = {.data = got, .room = SL_UDP_RUN_MAX};
        uint32_t count = 0;
        if (sl_udp_recv(udp, &buf, 1, &count) != SL_OK || buf.size > sizeof(data) - off ||
            memcmp(got, data + off, buf.size) != 0) {
            return false;
        }
        off += buf.size;
        (*ret_runs)++;
    }
    return off == sizeof(data);
}

static void offload_check(struct report *report)
{
    struct sl_udp_params params = {.is_gso = true, .is_gro = true};
    struct sl_udp *udp = NULL;
    struct sl_err err = {0};
    struct utsname name;
    uint32_t runs_count = 0;
    if (sl_net_addr_resolve("127.0.0.1", 0, &params.local, &err) != SL_OK ||
        sl_udp_open(&params, &udp, &err) != SL_OK) {
        finding(report, LEVEL_BAD, "offload", "bring lo up: ip link set lo up", "%s", err.text);
        return;
    }
    bool is_whole = train_passes(udp, &runs_count);
    const struct sl_udp_counters *counters = sl_udp_counters(udp);
    (void)uname(&name);
    if (!is_whole) {
        finding(report, LEVEL_WARN, "offload",
                "set tunnel.offload: false, and safelib-host --offload off",
                "a train over loopback came back damaged: kernel %s breaks UDP segmentation",
                name.release);
    } else if (counters->gso_trains == 0) {
        finding(report, LEVEL_WARN, "offload",
                "nothing to do: datagrams are sent singly, about ten times slower",
                "kernel %s refuses UDP_SEGMENT", name.release);
    } else {
        finding(report, LEVEL_GOOD, "offload", "",
                "UDP_SEGMENT works (kernel %s): 40 datagrams in %llu calls, received in %u runs",
                name.release, (unsigned long long)counters->tx_calls, runs_count);
    }
    sl_udp_close(udp);
}

static void clock_check(struct report *report)
{
    char source[64] = "?";
    struct timex timex = {0};
    (void)file_read("/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
                    sizeof(source));
    bool is_synced = adjtimex(&timex) != TIME_ERROR;
    finding(
        report, is_synced ? LEVEL_GOOD : LEVEL_NOTE, "clock",
        is_synced ? ""
                  : "run chrony or systemd-timesyncd: the image takes its time from the gateway",
        "%s, source %s", is_synced ? "synchronized" : "not synchronized to any reference", source);
}

static void namespace_check(struct report *report)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : 1);
    }
    int status = 1;
    (void)waitpid(pid, &status, 0);
    bool is_user = status == 0;
    bool is_good = is_user || geteuid() == 0;
    finding(
        report, is_good ? LEVEL_GOOD : LEVEL_WARN, "namespaces",
        is_good
            ? ""
            : "sysctl kernel.unprivileged_userns_clone=1, or be root: policies are compiled in one",
        "network namespaces %s",
        is_user   ? "without privilege"
        : is_good ? "as root"
                  : "not to be had");
    bool has_nft = runs("nft --version >/dev/null 2>&1");
    finding(report, has_nft ? LEVEL_GOOD : LEVEL_BAD, "nft",
            has_nft ? "" : "apt-get install nftables: it reads the rules that you write",
            "nft(8) %s", has_nft ? "works" : "is missing");
    bool has_ip = runs("ip -V >/dev/null 2>&1");
    finding(report, has_ip ? LEVEL_GOOD : LEVEL_BAD, "ip", has_ip ? "" : "apt-get install iproute2",
            "ip(8) %s", has_ip ? "works" : "is missing");
}

static void routing_check(struct report *report)
{
    char forward[8] = "0", filter[8] = "0";
    (void)file_read("/proc/sys/net/ipv4/ip_forward", forward, sizeof(forward));
    (void)file_read("/proc/sys/net/ipv4/conf/all/rp_filter", filter, sizeof(filter));
    finding(report, LEVEL_NOTE, "routing", "",
            "IPv4 forwarding is %s (a gateway with interfaces turns it on)",
            forward[0] == '1' ? "on" : "off");
    if (filter[0] == '1') {
        finding(report, LEVEL_WARN, "routing", "sysctl net.ipv4.conf.all.rp_filter=2",
                "strict reverse-path filter: drops what comes out of the gateway's TUNs");
    }
}

static void gateway_check(struct report *report, const char *path)
{
    struct sl_err err = {0};
    int fd = gateway_connect(path, &err);
    if (fd < 0) {
        finding(report, LEVEL_NOTE, "gateway", "safelib-gateway --config FILE", "none answers: %s",
                err.text);
        return;
    }
    json_t *request = json_pack("{s:s}", "cmd", "status");
    json_t *root = gateway_ask(fd, request, &err);
    bool is_running = strcmp(json_text_at(root, "state"), "running") == 0;
    finding(report, is_running ? LEVEL_GOOD : LEVEL_BAD, "gateway",
            is_running ? "" : "safelib status says more", "%s %s", json_text_at(root, "state"),
            json_text_at(root, "reason"));
    long long mtu = json_int_at(root, "tunnel.mtu.inner");
    finding(report, mtu >= 1280 ? LEVEL_GOOD : LEVEL_WARN, "mtu",
            mtu >= 1280 ? "" : "raise the MTU between gateway and host to 1344 or more",
            "%lld bytes inside the tunnel, %s", mtu, json_text_at(root, "tunnel.mtu.state"));
    finding(report, LEVEL_NOTE, "gateway keys", "", "%s key exchange with the image",
            json_text_at(root, "session.key_exchange"));
    json_decref(request);
    json_decref(root);
    (void)close(fd);
}

int cmd_doctor(int argc, char **argv)
{
    struct report report = {0};
    const char *socket = GATEWAY_SOCKET;
    const struct option_spec options[] = {
        {"json", 'j', NULL, "the findings as JSON", OPTION_FLAG, &report.is_json, 0, 0},
        {"socket", 's', "PATH", "status socket of the gateway", OPTION_STRING, &socket, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib doctor [--json]",
        .about =
            "Looks at this machine: trusted execution environments, what the emulator cannot\n"
            "enforce, who can vouch for an image, processor, key exchange, TUN, offload (by "
            "sending a train to itself), clock, "
            "namespaces,\n"
            "nft, routing, and the gateway where one runs; with the next step for each. Ends with\n"
            "1 where something is bad.",
        .examples = "  safelib doctor\n  safelib doctor --json | jq '.checks[] | select(.level != "
                    "\"good\")'",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    report.checks = json_array();
    tee_check(&report);
    emulator_check(&report);
    evidence_check(&report);
    cpu_check(&report);
    key_exchange_check(&report);
    tun_check(&report);
    offload_check(&report);
    clock_check(&report);
    namespace_check(&report);
    routing_check(&report);
    gateway_check(&report, socket);
    if (report.is_json) {
        json_t *out =
            json_pack("{s:s, s:O}", "worst", level_names[report.worst], "checks", report.checks);
        (void)json_dumpf(out, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(out);
    }
    json_decref(report.checks);
    return report.worst == LEVEL_BAD ? CMD_BAD : CMD_GOOD;
}
