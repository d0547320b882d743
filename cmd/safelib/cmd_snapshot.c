/* SPDX-License-Identifier: Apache-2.0 */
/* safelib snapshot: orders a snapshot of all flows, and says how it went. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "gateway_ask.h"

enum { POLL_MS = 50 };

struct snapshot_args {
    const char *socket;
    bool is_look;
    bool is_json;
};

static int show(const struct snapshot_args *args, json_t *reply)
{
    const char *state = json_text_at(reply, "state");
    bool is_bad = strcmp(state, "failed") == 0;
    if (args->is_json) {
        (void)json_dumpf(reply, stdout, JSON_INDENT(2));
        printf("\n");
        return is_bad ? CMD_BAD : CMD_GOOD;
    }
    if (strcmp(state, "none") == 0) {
        printf("none was ordered since the image started\n");
        return CMD_GOOD;
    }
    printf("%s: %lld flows, epoch %lld, %lld chunks, %.0f ms", state, json_int_at(reply, "flows"),
           json_int_at(reply, "epoch"), json_int_at(reply, "chunks"),
           json_number_value(json_object_get(reply, "took_ms")));
    if (json_int_at(reply, "refused") > 0) {
        printf("; %lld flows were not taken", json_int_at(reply, "refused"));
    }
    if (is_bad) {
        printf("; %s", json_text_at(reply, "reason"));
    }
    printf("\n");
    return is_bad ? CMD_BAD : CMD_GOOD;
}

/* Orders it, then asks until it is done. */
static int run(const struct snapshot_args *args, int fd)
{
    struct sl_err err = {0};
    bool is_order = !args->is_look;
    for (;;) {
        json_t *request = is_order ? json_pack("{s:s}", "cmd", "snapshot")
                                   : json_pack("{s:s, s:b}", "cmd", "snapshot", "progress", 1);
        json_t *reply = gateway_ask(fd, request, &err);
        json_decref(request);
        if (reply == NULL) {
            return complain_err(CMD_USAGE, &err);
        }
        if (json_object_get(reply, "error") != NULL) {
            int status = complain(CMD_BAD, "%s", json_text_at(reply, "text"));
            json_decref(reply);
            return status;
        }
        if (args->is_look || strcmp(json_text_at(reply, "state"), "saving") != 0) {
            int status = show(args, reply);
            json_decref(reply);
            return status;
        }
        json_decref(reply);
        is_order = false;
        const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
}

int cmd_snapshot(int argc, char **argv)
{
    struct snapshot_args args = {.socket = GATEWAY_SOCKET};
    const struct option_spec options[] = {
        {"look", 'l', NULL, "only say how the last one went", OPTION_FLAG, &args.is_look, 0, 0},
        {"socket", 0, "PATH", "status socket of the gateway", OPTION_STRING, &args.socket, 0, 0},
        {"json", 'j', NULL, "the result as JSON", OPTION_FLAG, &args.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib snapshot [--look] [--json]",
        .about = "Has the image save the state of all its flows while packets go on. It is sealed "
                 "inside,\n"
                 "kept by the host beside the image's own state (--state), and taken back at the "
                 "image's\n"
                 "next start, before the first packet. Only the newest one is, and only once.",
        .examples = "  safelib snapshot\n  safelib snapshot --look --json",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    struct sl_err err = {0};
    int fd = gateway_connect(args.socket, &err);
    if (fd < 0) {
        return complain_err(CMD_USAGE, &err);
    }
    status = run(&args, fd);
    (void)close(fd);
    return status;
}
