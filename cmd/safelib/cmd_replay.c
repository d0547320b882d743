/* SPDX-License-Identifier: Apache-2.0 */
/* safelib replay: a capture through a chain, inside an image on a device. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/capture.h"
#include "command.h"
#include "eval.h"
#include "lan.h"
#include "nf/eval.h"
#include "safelib/packet.h"

enum { WAITING_MAX = 8192 /* more than the image holds */ };

struct replay {
    const char *chain, *in, *out, *verdicts, *device, *image, *lan;
    bool is_json;
    struct lan lan_side;
    struct sl_policy policy;
    struct eval *eval;
    struct sl_capture *capture;
    struct sl_capture_writer *writer;
    FILE *lines;
    json_t *json_lines;
    uint64_t by_verdict[3];
    uint64_t malformed, too_long, joined;
    uint32_t waiting[WAITING_MAX]; /* tags of fragments that wait for their datagram */
    uint32_t waiting_count;
    struct sl_eval_ask asks[EVAL_BATCH_MAX];
    uint64_t times_ns[EVAL_BATCH_MAX];
    uint32_t count;
    uint64_t at_ns; /* of the packets whose answers are read */
    bool is_cut;    /* the capture could not be read to its end */
    bool is_bar;    /* a progress bar stands on the terminal */
    uint64_t started_ns, shown_ns;
};

/* A packet's name: number of its frame, and port. */
static uint32_t tag_of(uint64_t index, uint8_t port)
{
    return (uint32_t)index << 1 | (port & 1u);
}

/* What a line says in the place of a verdict by an NF. */
static const char *verdict_of(const struct sl_eval_answer *answer)
{
    static const char *const names[] = {"drop", "accept", "reply"};
    if (answer->fate == SL_EVAL_WAITS) {
        return "held";
    }
    bool is_joined = answer->fate == SL_EVAL_GONE && answer->fragment == SL_FRAGMENT_JOINED;
    return is_joined ? "joined" : names[answer->verdict];
}

static const char *rule_of(const struct sl_eval_answer *answer, char *out, size_t size)
{
    if (answer->fate == SL_EVAL_DECIDED && answer->rule == SL_RULE_DEFAULT) {
        return "default";
    }
    if (answer->fate == SL_EVAL_DECIDED) {
        (void)snprintf(out, size, "%u", answer->rule + 1);
        return out;
    }
    if (answer->fate == SL_EVAL_MALFORMED) {
        return "malformed";
    }
    return sl_fragments_fate_word(answer->fragment);
}

static void put_line(struct replay *replay, const struct sl_eval_answer *answer)
{
    const char *nf = eval_nf_name(replay->eval, answer->nf);
    const char *verdict = verdict_of(answer);
    char number[24];
    const char *rule = rule_of(answer, number, sizeof(number));
    uint32_t index = answer->tag >> 1;
    if (replay->lines != NULL) {
        (void)fprintf(replay->lines, "%u\t%s\t%s\t%s\n", index, verdict, nf, rule);
    }
    if (replay->json_lines == NULL) {
        return;
    }
    json_t *item = json_pack("{s:I, s:s, s:s, s:s}", "index", (json_int_t)index, "verdict", verdict,
                             "nf", nf, "port", (answer->tag & 1) == SL_PORT_LAN ? "lan" : "wan");
    if (answer->fate == SL_EVAL_MALFORMED) {
        (void)json_object_set_new(item, "malformed", json_true());
    } else if (answer->fate != SL_EVAL_DECIDED) {
        (void)json_object_set_new(item, "fragment", json_string(rule));
    } else if (answer->rule == SL_RULE_DEFAULT) {
        (void)json_object_set_new(item, "rule", json_string("default"));
    } else {
        (void)json_object_set_new(item, "rule", json_integer((json_int_t)answer->rule + 1));
    }
    (void)json_array_append_new(replay->json_lines, item);
}

/* Fragments that wait; all others have their last answer. */
static void note_waiting(struct replay *replay, const struct sl_eval_answer *answer)
{
    uint32_t i = 0;
    while (i < replay->waiting_count && replay->waiting[i] != answer->tag) {
        i++;
    }
    if (answer->fate == SL_EVAL_WAITS && i == replay->waiting_count && i < WAITING_MAX) {
        replay->waiting[replay->waiting_count++] = answer->tag;
    } else if (answer->fate != SL_EVAL_WAITS && i < replay->waiting_count) {
        replay->waiting[i] = replay->waiting[--replay->waiting_count];
    }
}

static void on_answer(void *ctx, const struct sl_eval_answer *answer)
{
    struct replay *replay = ctx;
    uint32_t i = 0;
    note_waiting(replay, answer);
    while (i < replay->count && replay->asks[i].tag != answer->tag) {
        i++;
    }
    if (i < replay->count && replay->times_ns[i] > replay->at_ns) {
        replay->at_ns = replay->times_ns[i];
    }
    if (answer->fate == SL_EVAL_WAITS) {
        return;
    }
    put_line(replay, answer);
    if (answer->fate == SL_EVAL_GONE && answer->fragment == SL_FRAGMENT_JOINED) {
        replay->joined++;
        return;
    }
    replay->by_verdict[answer->verdict]++;
    replay->malformed += answer->fate == SL_EVAL_MALFORMED;
    bool is_changed = answer->size > 0;
    if (replay->writer != NULL && answer->verdict != SL_VERDICT_DROP &&
        (is_changed || i < replay->count)) {
        /* of a fragment that waited: as it leaves */
        sl_capture_write(replay->writer, replay->at_ns,
                         is_changed ? answer->data : replay->asks[i].data,
                         is_changed ? answer->size : replay->asks[i].size);
    }
}

static int flush_batch(struct replay *replay)
{
    struct sl_err err = {0};
    sl_rc rc = replay->count > 0
                   ? eval_run(replay->eval, replay->asks, replay->count, on_answer, replay, &err)
                   : SL_OK;
    replay->count = 0;
    return rc == SL_OK ? CMD_GOOD : complain_err(CMD_USAGE, &err);
}

/* What waits when the capture ends has its line, too. */
static void end_waiting(struct replay *replay)
{
    for (uint32_t i = 0; i < replay->waiting_count; i++) {
        put_line(replay, &(struct sl_eval_answer){.tag = replay->waiting[i],
                                                  .fate = SL_EVAL_WAITS,
                                                  .nf = SL_EVAL_NO_NF});
    }
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A bar on the terminal for what takes longer than two seconds, ten times a second. */
static void progress(struct replay *replay)
{
    enum { WIDTH = 30 };
    static const char full[] = "##############################";
    uint64_t now = now_ns();
    uint64_t done;
    uint64_t size;
    bool is_in_the_way = replay->lines == stdout && isatty(STDOUT_FILENO) == 1;
    if (now - replay->started_ns < 2000000000u || now - replay->shown_ns < 100000000u ||
        is_in_the_way || isatty(STDERR_FILENO) != 1) {
        return;
    }
    sl_capture_progress(replay->capture, &done, &size);
    if (size == 0) {
        return;
    }
    replay->shown_ns = now;
    replay->is_bar = true;
    int filled = (int)(done * WIDTH / size);
    (void)fprintf(stderr, "\r%s  [%-*.*s] %3llu %%", replay->in, WIDTH, filled, full,
                  (unsigned long long)(done * 100 / size));
}

static void progress_done(struct replay *replay)
{
    if (replay->is_bar) {
        (void)fputs("\r\033[K", stderr);
        replay->is_bar = false;
    }
}

static int run_packets(struct replay *replay)
{
    static uint8_t memory[EVAL_BATCH_MAX][SL_PACKET_MAX];
    sl_rc rc;
    struct sl_capture_packet packet;
    replay->started_ns = now_ns();
    while ((rc = sl_capture_next(replay->capture, &packet)) == SL_OK) {
        if (packet.size > SL_PACKET_MAX) {
            replay->too_long++; /* offloaded super-packets are no packets of a wire */
            continue;
        }
        uint8_t port = lan_port_of(&replay->lan_side, packet.data, packet.size);
        memcpy(memory[replay->count], packet.data, packet.size);
        replay->asks[replay->count] = (struct sl_eval_ask){.port = port,
                                                           .time_ms = packet.time_ns / 1000000,
                                                           .tag = tag_of(packet.index, port),
                                                           .size = packet.size,
                                                           .data = memory[replay->count]};
        replay->times_ns[replay->count] = packet.time_ns;
        if (++replay->count == EVAL_BATCH_MAX) {
            int status = flush_batch(replay);
            progress(replay);
            if (status != CMD_GOOD) {
                progress_done(replay);
                return status;
            }
        }
    }
    int status = flush_batch(replay);
    progress_done(replay);
    end_waiting(replay);
    replay->is_cut = rc != SL_CLOSED;
    if (status == CMD_GOOD && replay->is_cut) {
        (void)complain(CMD_USAGE, "%s: cannot be read to its end (what came before was run): %s",
                       replay->in, sl_capture_fault(replay->capture));
    }
    return status;
}

static int report(struct replay *replay)
{
    char measurement[65];
    struct sl_capture_counts counts;
    eval_measurement(replay->eval, measurement);
    sl_capture_counts(replay->capture, &counts);
    const uint64_t *v = replay->by_verdict;
    int status = replay->is_cut ? CMD_USAGE : CMD_GOOD;
    if (replay->is_json) {
        json_t *root = json_pack(
            "{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "device",
            replay->device, "protection", eval_protection(replay->eval), "mrenclave", measurement,
            "complete", !replay->is_cut, "frames", (json_int_t)counts.frames, "non_ip",
            (json_int_t)counts.non_ip, "snapped", (json_int_t)counts.snapped, "too_long",
            (json_int_t)replay->too_long, "malformed", (json_int_t)replay->malformed, "accept",
            (json_int_t)v[SL_VERDICT_PASS], "drop", (json_int_t)v[SL_VERDICT_DROP], "reply",
            (json_int_t)v[SL_VERDICT_REPLY], "held", (json_int_t)replay->waiting_count, "joined",
            (json_int_t)replay->joined, "packets", replay->json_lines);
        return print_json(root, status);
    }
    (void)fprintf(stderr,
                  "%llu frames: %llu accepted, %llu dropped (%llu of them malformed), %llu "
                  "answered; %llu not IP, %llu too long, not run\n",
                  (unsigned long long)counts.frames, (unsigned long long)v[SL_VERDICT_PASS],
                  (unsigned long long)v[SL_VERDICT_DROP], (unsigned long long)replay->malformed,
                  (unsigned long long)v[SL_VERDICT_REPLY], (unsigned long long)counts.non_ip,
                  (unsigned long long)replay->too_long);
    if (replay->joined > 0 || replay->waiting_count > 0) {
        (void)fprintf(stderr,
                      "fragments: %llu left in one packet with their first (ICMP errors), %u still "
                      "wait for the rest of their datagram\n",
                      (unsigned long long)replay->joined, replay->waiting_count);
    }
    if (counts.snapped > 0) {
        (void)fprintf(stderr,
                      "note: %llu frames were cut short when captured (snap length): what is "
                      "missing of them makes them malformed\n",
                      (unsigned long long)counts.snapped);
    }
    (void)fprintf(stderr, "device %s\nmrenclave %s\n", eval_protection(replay->eval), measurement);
    return status;
}

/* Output over the input would destroy it, and two outputs in one file each other. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat x;
    struct stat y;
    if (a == NULL || b == NULL) {
        return false;
    }
    if (stat(a, &x) != 0) {
        return strcmp(a, b) == 0;
    }
    return stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int open_all(struct replay *replay)
{
    struct sl_err err = {0};
    const char *const files[] = {replay->in, replay->chain, replay->out, replay->verdicts};
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = i < 2 ? 2 : i + 1; k < 4; k++) {
            if (is_same_file(files[i], files[k])) {
                return complain(CMD_USAGE, "%s would overwrite %s: name another file", files[k],
                                files[i]);
            }
        }
    }
    if (sl_capture_open(replay->in, &replay->capture, &err) != SL_OK ||
        eval_policy(replay->chain, &replay->policy, &err) != SL_OK ||
        eval_start(replay->image, replay->device, &replay->policy, &replay->eval, &err) != SL_OK ||
        (replay->out != NULL && sl_capture_create(replay->out, &replay->writer, &err) != SL_OK)) {
        return complain_err(CMD_USAGE, &err);
    }
    if (replay->verdicts != NULL) {
        replay->lines = fopen(replay->verdicts, "w");
        if (replay->lines == NULL) {
            return complain(CMD_USAGE, "%s: %s", replay->verdicts, strerror(errno));
        }
    } else if (!replay->is_json) {
        replay->lines = stdout;
    }
    replay->json_lines = replay->is_json ? json_array() : NULL;
    return CMD_GOOD;
}

static int close_all(struct replay *replay, int status)
{
    if (replay->writer != NULL && sl_capture_finish(replay->writer) != SL_OK) {
        status = complain(CMD_USAGE, "%s: not all was written", replay->out);
    }
    if (replay->lines == stdout && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        status = complain(CMD_USAGE, "the output could not be written: %s", strerror(errno));
    } else if (replay->lines != NULL && replay->lines != stdout && fclose(replay->lines) != 0) {
        status = complain(CMD_USAGE, "%s: %s", replay->verdicts, strerror(errno));
    }
    sl_capture_close(replay->capture);
    eval_stop(replay->eval);
    sl_policy_done(&replay->policy);
    json_decref(replay->json_lines);
    return status;
}

int cmd_replay(int argc, char **argv)
{
    static struct replay replay = {.device = "emu", .lan = LAN_DEFAULT};
    const struct option_spec options[] = {
        {"chain", 'c', "FILE", "compiled policy, or nftables rules", OPTION_STRING, &replay.chain,
         0, 0},
        {"in", 'i', "PCAP", "capture to run", OPTION_STRING, &replay.in, 0, 0},
        {"out", 'o', "PCAP", "what passed, and the answers (raw IP)", OPTION_STRING, &replay.out, 0,
         0},
        {"device", 'd', "DEVICE", "emu (default), bare or sgx", OPTION_STRING, &replay.device, 0,
         0},
        {"image", 0, "FILE", "image (default: safelib-nf beside this program)", OPTION_STRING,
         &replay.image, 0, 0},
        {"lan", 0, "PREFIXES", "sources that come in by the LAN port", OPTION_STRING, &replay.lan,
         0, 0},
        {"verdicts", 'v', "FILE", "verdict lines (default: standard output)", OPTION_STRING,
         &replay.verdicts, 0, 0},
        {"json", 'j', NULL, "everything as one JSON object", OPTION_FLAG, &replay.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib replay --chain FILE --in A.pcap [--out B.pcap] [--device emu|bare|sgx]",
        .about =
            "Runs a chain on a capture, inside the image, and writes one line per packet:\n"
            "number of the frame, verdict, NF, rule. Fragments have theirs once their datagram is\n"
            "whole. Sources in a --lan prefix "
            "(default:\n" LAN_DEFAULT ")\ncome in by the LAN port, all others by the WAN port.",
        .examples = "  safelib replay --chain rules.slp --in day.pcap --out passed.pcap\n"
                    "  safelib replay --chain rules.nft --in day.pcapng --device bare --json\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (replay.chain == NULL || replay.in == NULL) {
        return complain(CMD_USAGE, "replay: --chain and --in are needed (safelib replay --help)");
    }
    status = lan_read(replay.lan, &replay.lan_side);
    if (status == CMD_GOOD) {
        status = open_all(&replay);
    }
    if (status == CMD_GOOD) {
        status = run_packets(&replay);
    }
    if (status == CMD_GOOD) {
        status = report(&replay);
    }
    return close_all(&replay, status);
}
