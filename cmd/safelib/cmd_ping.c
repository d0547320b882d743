/* SPDX-License-Identifier: Apache-2.0 */
/* safelib ping: authenticated probes through the enclave and back. */
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "gateway_ask.h"

struct ping_args {
    const char *socket;
    const char *port;
    uint64_t count, size, interval_ms, timeout_ms, shard;
    bool is_json;
};

struct ping_stats {
    uint64_t sent, answered;
    double min, max, sum, squares;
};

static void stats_add(struct ping_stats *stats, double ms)
{
    stats->min = stats->answered == 0 || ms < stats->min ? ms : stats->min;
    stats->max = ms > stats->max ? ms : stats->max;
    stats->sum += ms;
    stats->squares += ms * ms;
    stats->answered++;
}

static int stats_show(const struct ping_args *args, const struct ping_stats *s)
{
    double n = s->answered > 0 ? (double)s->answered : 1;
    double mean = s->sum / n;
    double deviation = sqrt(fmax(0, s->squares / n - mean * mean));
    if (args->is_json) {
        json_t *out =
            json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f}", "sent", (json_int_t)s->sent,
                      "answered", (json_int_t)s->answered, "size", (json_int_t)args->size, "min_ms",
                      s->min, "avg_ms", mean, "max_ms", s->max, "mdev_ms", deviation);
        (void)json_dumpf(out, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(out);
    } else {
        printf("%llu sent, %llu answered", (unsigned long long)s->sent,
               (unsigned long long)s->answered);
        if (s->answered > 0) {
            printf("; round trip min/avg/max/mdev %.3f/%.3f/%.3f/%.3f ms", s->min, mean, s->max,
                   deviation);
        }
        printf("\n");
    }
    return s->answered > 0 ? CMD_GOOD : CMD_BAD;
}

static int ping_run(const struct ping_args *args, int fd)
{
    struct ping_stats stats = {0};
    struct sl_err err = {0};
    json_t *request = json_pack("{s:s, s:s, s:I, s:I, s:I}", "cmd", "ping", "port", args->port,
                                "shard", (json_int_t)args->shard, "size", (json_int_t)args->size,
                                "timeout_ms", (json_int_t)args->timeout_ms);
    for (uint64_t i = 0; i < args->count; i++) {
        json_t *reply = gateway_ask(fd, request, &err);
        if (reply == NULL) {
            json_decref(request);
            return complain_err(CMD_USAGE, &err);
        }
        stats.sent++;
        json_t *rtt = json_object_get(reply, "rtt_ns");
        if (json_is_integer(rtt)) {
            double ms = (double)json_integer_value(rtt) / 1e6;
            stats_add(&stats, ms);
            if (!args->is_json) {
                printf("%llu bytes through the enclave by %s: seq=%llu time=%.3f ms\n",
                       (unsigned long long)args->size, args->port, (unsigned long long)(i + 1), ms);
            }
        } else if (!args->is_json) {
            printf("seq=%llu: %s\n", (unsigned long long)(i + 1), json_text_at(reply, "text"));
        }
        json_decref(reply);
        (void)fflush(stdout);
        if (i + 1 < args->count) {
            const struct timespec wait = {(time_t)(args->interval_ms / 1000),
                                          (long)(args->interval_ms % 1000) * 1000000};
            (void)nanosleep(&wait, NULL);
        }
    }
    json_decref(request);
    return stats_show(args, &stats);
}

int cmd_ping(int argc, char **argv)
{
    struct ping_args args = {.socket = GATEWAY_SOCKET,
                             .port = "lan",
                             .count = 5,
                             .size = 64,
                             .interval_ms = 500,
                             .timeout_ms = 1000};
    const struct option_spec options[] = {
        {"count", 'c', "N", "probes to send (default 5)", OPTION_UINT, &args.count, 1, 1000000},
        {"size", 's', "BYTES", "inner size, sent unfragmented (default 64)", OPTION_UINT,
         &args.size, 16, 9216},
        {"port", 'p', "lan|wan", "which SA pair (default lan)", OPTION_STRING, &args.port, 0, 0},
        {"shard", 0, "N", "which shard (default 0)", OPTION_UINT, &args.shard, 0, 15},
        {"interval", 'i', "MS", "between probes (default 500)", OPTION_UINT, &args.interval_ms, 0,
         60000},
        {"timeout", 't', "MS", "to wait for each answer (default 1000)", OPTION_UINT,
         &args.timeout_ms, 1, 10000},
        {"socket", 0, "PATH", "status socket of the gateway", OPTION_STRING, &args.socket, 0, 0},
        {"json", 'j', NULL, "the result as JSON", OPTION_FLAG, &args.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib ping [-c N] [-s BYTES] [-p lan|wan] [--json]",
        .about =
            "Sends authenticated probes through the tunnel; the image answers from inside the\n"
            "enclave, at the same size. An answer proves that its keys are the gateway's and that\n"
            "packets of this size pass both ways. Ends with 1 where nothing is answered.",
        .examples = "  safelib ping\n  safelib ping -c 1 -s 1438",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (strcmp(args.port, "lan") != 0 && strcmp(args.port, "wan") != 0) {
        return complain(CMD_USAGE, "--port takes lan or wan, not \"%s\"", args.port);
    }
    struct sl_err err = {0};
    int fd = gateway_connect(args.socket, &err);
    if (fd < 0) {
        return complain_err(CMD_USAGE, &err);
    }
    status = ping_run(&args, fd);
    (void)close(fd);
    return status;
}
