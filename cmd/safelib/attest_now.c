/* SPDX-License-Identifier: Apache-2.0 */
/* safelib attest now: a running gateway attests its image again, without waiting for its timer. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attest.h"
#include "gateway_ask.h"

struct now_args {
    const char *socket;
    bool is_json;
};

static int answer_show(const struct now_args *args, json_t *answer)
{
    const char *error = json_text_at(answer, "error");
    if (args->is_json) {
        (void)json_dumpf(answer, stdout, JSON_INDENT(2));
        printf("\n");
    } else if (error[0] == '\0') {
        printf("verified in %.1f ms: %s, measurement %s, TCB %s%s\n",
               json_real_value(json_at(answer, "took_ms")), json_text_at(answer, "type"),
               json_text_at(answer, "measurement"), json_text_at(answer, "tcb"),
               json_is_true(json_at(answer, "emulated")) ? "; EMULATED: nothing is protected" : "");
    }
    if (error[0] != '\0') {
        return complain(CMD_BAD, "%s: %s", error, json_text_at(answer, "text"));
    }
    return CMD_GOOD;
}

static int now_run(const struct now_args *args)
{
    struct sl_err err = {0};
    int fd = gateway_connect(args->socket, &err);
    if (fd < 0) {
        return complain_err(CMD_USAGE, &err);
    }
    json_t *request = json_pack("{s:s}", "cmd", "reattest");
    json_t *answer = gateway_ask(fd, request, &err);
    int status = answer != NULL ? answer_show(args, answer) : complain_err(CMD_USAGE, &err);
    json_decref(answer);
    json_decref(request);
    (void)close(fd);
    return status;
}

int attest_now(int argc, char **argv)
{
    struct now_args args = {.socket = GATEWAY_SOCKET};
    const struct option_spec options[] = {
        {"socket", 0, "PATH", "status socket of the gateway", OPTION_STRING, &args.socket, 0, 0},
        {"json", 'j', NULL, "the whole result as JSON", OPTION_FLAG, &args.is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib attest now [--json]",
        .about =
            "Has the running gateway ask its image for fresh evidence and judge it, as it does\n"
            "by itself every tunnel.reattest_seconds. Where the evidence is refused or does not\n"
            "come, the gateway deletes its keys and the image's, and this ends with 1.",
        .examples = "  safelib attest now",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (first < argc) {
        return complain(CMD_USAGE, "attest now takes no arguments, not \"%s\"", argv[first]);
    }
    return now_run(&args);
}
