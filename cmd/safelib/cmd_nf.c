/* SPDX-License-Identifier: Apache-2.0 */
/* safelib nf: a line for a network function of the running chain. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "gateway_ask.h"

/* An answer of several parts, "a; b", has a line for each. */
static void put_parts(const char *answer)
{
    const char *end;
    while ((end = strstr(answer, "; ")) != NULL) {
        printf("%.*s\n", (int)(end - answer), answer);
        answer = end + 2;
    }
    printf("%s\n", answer);
}

static int nf_run(const char *socket, const char *nf, const char *line)
{
    struct sl_err err = {0};
    int fd = gateway_connect(socket, &err);
    if (fd < 0) {
        return complain_err(CMD_USAGE, &err);
    }
    json_t *request = json_pack("{s:s, s:s, s:s}", "cmd", "nf", "nf", nf, "line", line);
    json_t *reply = gateway_ask(fd, request, &err);
    (void)close(fd);
    json_decref(request);
    if (reply == NULL) {
        return complain_err(CMD_USAGE, &err);
    }
    const char *answer = json_string_value(json_object_get(reply, "answer"));
    int status = CMD_GOOD;
    if (answer != NULL) {
        put_parts(answer);
    } else {
        status = complain(CMD_BAD, "%s", json_text_at(reply, "text"));
    }
    json_decref(reply);
    return status;
}

int cmd_nf(int argc, char **argv)
{
    const char *socket = GATEWAY_SOCKET;
    const struct option_spec options[] = {
        {"socket", 0, "PATH", "status socket of the gateway", OPTION_STRING, &socket, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib nf NF 'LINE'",
        .about =
            "Hands a line to a network function of the running chain, through the gateway. "
            "The balancer\n"
            "takes `backend SERVICE/NAME drain`, ready, down and up. Nothing of it is written "
            "to the\n"
            "policy; it holds over a reload, not over a restart of the image. The NAT (nat44,\n"
            "nat64) takes `blocks SHARD FROM`: who had which block of ports (policy-nat.md).",
        .examples = "  safelib nf balancer 'backend web/a drain'\n"
                    "  safelib nf nat44 'blocks 0 0'\n",
        .options = options,
        .option_count = 1,
        .min_args = 2,
        .max_args = 2,
    };
    int first = 0;
    int status = options_parse(&spec, argc, argv, &first);
    return status != OPTIONS_GO_ON ? status : nf_run(socket, argv[first], argv[first + 1]);
}
