/* SPDX-License-Identifier: Apache-2.0 */
/* safelib node: what the trust monitor knows of nodes, and what an operator does with them. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "monitor_ask.h"
#include "node.h"

/* Options that every subcommand has, and the connection. */
int node_begin(const struct command_spec *spec, int argc, char **argv, struct node_request *r,
               int *ret_first)
{
    struct option_spec options[8] = {
        {"monitor", 'm', "FILE",
         "how the monitor is reached ($SAFELIB_MONITOR, then\n"
         "~/.config/safelib/monitor.yaml)",
         OPTION_STRING, &r->config, 0, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &r->is_json, 0, 0},
    };
    struct command_spec all = *spec;
    struct sl_err err = {0};
    int status;

    for (size_t i = 0; i < spec->option_count; i++) {
        options[2 + i] = spec->options[i];
    }
    all.options = options;
    all.option_count = spec->option_count + 2;
    status = options_parse(&all, argc, argv, ret_first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    return monitor_open(r->config, &r->monitor, &err) == SL_OK ? OPTIONS_GO_ON
                                                               : complain_err(CMD_USAGE, &err);
}

int node_get(struct node_request *r, const char *name, json_t **ret_node)
{
    struct sl_err err = {0};

    *ret_node = monitor_node(r->monitor, name, &err);
    return *ret_node != NULL ? OPTIONS_GO_ON : complain_err(CMD_USAGE, &err);
}

/* Trusted is good; whatever else is judged bad. */
static int verdict_status(const json_t *node)
{
    const char *verdict = json_string_value(json_object_get(node, "verdict"));

    return verdict != NULL && strcmp(verdict, "trusted") == 0 ? CMD_GOOD : CMD_BAD;
}

/* ---- list ---- */

struct list {
    json_t *nodes; /* NULL: printed as they come */
    int status;
};

static bool list_add(void *ctx, json_t *node)
{
    struct list *list = ctx;
    const char *verdict = json_string_value(json_object_get(node, "verdict"));
    const char *seen = json_string_value(json_object_get(node, "last_seen"));

    if (verdict_status(node) != CMD_GOOD) {
        list->status = CMD_BAD;
    }
    if (list->nodes != NULL) {
        (void)json_array_append(list->nodes, node);
        return true;
    }
    printf("%s  %s%-9s%s  %-20s  %-24s  %s\n", json_string_value(json_object_get(node, "node")),
           tone(stdout, node_tone(verdict)), verdict != NULL ? verdict : "unknown",
           tone(stdout, TONE_PLAIN), json_string_value(json_object_get(node, "class")),
           json_string_value(json_object_get(node, "name")), seen != NULL ? seen : "never seen");
    return true;
}

static int node_list(int argc, char **argv)
{
    const struct command_spec spec = {
        .usage = "safelib node list [--monitor FILE] [--json]",
        .about = "Lists the nodes that are enrolled, with the verdict on each host as of now.\n"
                 "Exit status 1 where one is not trusted.",
        .examples = "  safelib node list\n",
    };
    struct node_request r = {0};
    struct list list = {.status = CMD_GOOD};
    struct sl_err err = {0};
    int first, status = node_begin(&spec, argc, argv, &r, &first);

    if (status == OPTIONS_GO_ON) {
        list.nodes = r.is_json ? json_array() : NULL;
        status = monitor_nodes(r.monitor, list_add, &list, &err) ? list.status
                                                                 : complain_err(CMD_USAGE, &err);
        if (r.is_json && status != CMD_USAGE) {
            status = print_json(json_incref(list.nodes), status);
        }
        json_decref(list.nodes);
    }
    monitor_close(r.monitor);
    return status;
}

/* ---- show ---- */

static int node_show(int argc, char **argv)
{
    bool is_whole = false;
    const struct option_spec options[] = {
        {"all", 'a', NULL, "every reason and remedy, also of what is trusted", OPTION_FLAG,
         &is_whole, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib node show [--all] [--monitor FILE] [--json] NODE",
        .about = "Shows a host, its containers and its TEEs with the verdict on each as of now, "
                 "and why.\n"
                 "NODE is an id or a name. Exit status 1 where the host is not trusted.",
        .examples = "  safelib node show node-vm\n",
        .options = options,
        .option_count = 1,
        .min_args = 1,
        .max_args = 1,
    };
    struct node_request r = {0};
    json_t *node = NULL;
    int first, status = node_begin(&spec, argc, argv, &r, &first);

    status = status == OPTIONS_GO_ON ? node_get(&r, argv[first], &node) : status;
    if (status == OPTIONS_GO_ON) {
        status = verdict_status(node);
        if (r.is_json) {
            status = print_json(json_incref(node), status);
        } else {
            node_print(node, is_whole);
        }
    }
    json_decref(node);
    monitor_close(r.monitor);
    return status;
}

static const char *node_id(const json_t *node)
{
    return json_string_value(json_object_get(node, "node"));
}

static int node_ear(int argc, char **argv)
{
    const char *nonce = NULL;
    const struct option_spec options[] = {
        {"nonce", 'n', "TEXT", "8 to 64 characters that it shall hold: then it is fresh",
         OPTION_STRING, &nonce, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib node ear [--nonce TEXT] [--monitor FILE] NODE",
        .about = "Prints the verdicts as an EAT attestation result: a JWT signed by the monitor "
                 "(ES256),\n"
                 "with a submodule for the host and for each container and TEE. GET /v1/keys has "
                 "the key.",
        .examples = "  safelib node ear node-vm >node-vm.jwt\n",
        .options = options,
        .option_count = 1,
        .min_args = 1,
        .max_args = 1,
    };
    struct node_request r = {0};
    json_t *node = NULL, *answer = NULL;
    struct sl_err err = {0};
    char path[256];
    int first, status = node_begin(&spec, argc, argv, &r, &first);

    if (status == OPTIONS_GO_ON && nonce != NULL &&
        nonce[strspn(
            nonce, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.~")] != '\0') {
        status = complain(CMD_USAGE, "--nonce: expected letters, digits, - _ . ~");
    }
    status = status == OPTIONS_GO_ON ? node_get(&r, argv[first], &node) : status;
    if (status == OPTIONS_GO_ON) {
        (void)snprintf(path, sizeof(path), "/v1/nodes/%.64s/ear%s%.64s", node_id(node),
                       nonce != NULL ? "?nonce=" : "", nonce != NULL ? nonce : "");
        answer = monitor_ask(r.monitor, "GET", path, NULL, &err);
        status = answer != NULL ? CMD_GOOD : complain_err(CMD_USAGE, &err);
    }
    if (answer != NULL) {
        (void)printf("%s\n", json_string_value(answer));
    }
    json_decref(answer);
    json_decref(node);
    monitor_close(r.monitor);
    return status;
}

/* ---- acting ---- */

static int node_act(int argc, char **argv)
{
    const struct command_spec spec = {
        .usage = "safelib node act [--monitor FILE] NODE pause|resume|kill CONTAINER",
        .about =
            "Has the node's agent do something to a container, in its next round. The agent's\n"
            "configuration says what it lets the monitor do. Needs a token of role operator.",
        .examples = "  safelib node act node-vm resume web\n",
        .min_args = 3,
        .max_args = 3,
    };
    struct node_request r = {0};
    json_t *node = NULL, *answer = NULL, *body;
    struct sl_err err = {0};
    char path[128];
    int first, status = node_begin(&spec, argc, argv, &r, &first);

    status = status == OPTIONS_GO_ON ? node_get(&r, argv[first], &node) : status;
    if (status == OPTIONS_GO_ON) {
        (void)snprintf(path, sizeof(path), "/v1/nodes/%.64s/actions", node_id(node));
        body = json_pack("{s:s, s:s}", "do", argv[first + 1], "container", argv[first + 2]);
        answer = monitor_ask(r.monitor, "POST", path, body, &err);
        status = answer != NULL ? CMD_GOOD : complain_err(CMD_USAGE, &err);
        json_decref(body);
    }
    if (answer != NULL) {
        (void)printf("%s of %s is ordered; the agent hears it in its next round\n", argv[first + 1],
                     argv[first + 2]);
    }
    json_decref(answer);
    json_decref(node);
    monitor_close(r.monitor);
    return status;
}

sl_rc node_reload_ask(struct node_request *r, struct sl_err *err)
{
    json_t *answer = monitor_ask(r->monitor, "POST", "/v1/reload", NULL, err);
    const sl_rc rc = answer != NULL ? SL_OK : err->rc;

    json_decref(answer);
    return rc;
}

static int node_reload(int argc, char **argv)
{
    const struct command_spec spec = {
        .usage = "safelib node reload [--monitor FILE]",
        .about = "Has the monitor read its policies and reference digests anew, all or nothing.\n"
                 "Needs a token of role operator.",
        .examples = "  safelib node reload\n",
    };
    struct node_request r = {0};
    struct sl_err err = {0};
    int first, status = node_begin(&spec, argc, argv, &r, &first);

    if (status == OPTIONS_GO_ON) {
        status = node_reload_ask(&r, &err) == SL_OK ? CMD_GOOD : complain_err(CMD_USAGE, &err);
        if (status == CMD_GOOD) {
            (void)printf("the monitor has read its policies and reference digests\n");
        }
    }
    monitor_close(r.monitor);
    return status;
}

/* A call that needs no more than the node. */
static int node_call(const struct command_spec *spec, int argc, char **argv, const char *method,
                     const char *what, const char *done)
{
    struct node_request r = {0};
    json_t *node = NULL, *answer = NULL;
    struct sl_err err = {0};
    char path[128];
    int first, status = node_begin(spec, argc, argv, &r, &first);
    const bool is_id = status == OPTIONS_GO_ON && monitor_is_id(argv[first]);

    if (status == OPTIONS_GO_ON && !is_id) {
        status = node_get(&r, argv[first], &node);
    }
    if (status == OPTIONS_GO_ON) {
        (void)snprintf(path, sizeof(path), "/v1/nodes/%.64s%s", is_id ? argv[first] : node_id(node),
                       what);
        answer = monitor_ask(r.monitor, method, path, NULL, &err);
        status = answer != NULL ? CMD_GOOD : complain_err(CMD_USAGE, &err);
    }
    if (answer != NULL) {
        (void)printf("%s %s\n", argv[first], done);
    }
    json_decref(answer);
    json_decref(node);
    monitor_close(r.monitor);
    return status;
}

static int node_remove(int argc, char **argv)
{
    const struct command_spec spec = {
        .usage = "safelib node remove [--monitor FILE] NODE",
        .about = "Forgets a node and its verdicts; the journal keeps them, and the monitor "
                 "remembers that\n"
                 "its TPM was enrolled: see reenroll. Needs a token of role operator.",
        .examples = "  safelib node remove node-vm\n",
        .min_args = 1,
        .max_args = 1,
    };
    return node_call(&spec, argc, argv, "DELETE", "", "is removed");
}

static int node_reenroll(int argc, char **argv)
{
    const struct command_spec spec = {
        .usage = "safelib node reenroll [--monitor FILE] NODE",
        .about = "Lets the node's TPM enrol once more: its agent has lost its key or token, or the "
                 "node was\n"
                 "removed (then by its id). The new node replaces the old. Needs a token of role "
                 "operator.",
        .examples = "  safelib node reenroll node-vm\n",
        .min_args = 1,
        .max_args = 1,
    };
    return node_call(&spec, argc, argv, "POST", "/reenroll", "may enrol again");
}

int cmd_node(int argc, char **argv)
{
    static const struct command table[] = {
        {"list", "list the nodes that are enrolled", node_list},
        {"show", "show a host and its containers, and why they are trusted or not", node_show},
        {"boot", "show what a node booted, and accept it", node_boot},
        {"ear", "print the verdicts as a signed attestation result", node_ear},
        {"act", "pause, resume or kill a container through the agent", node_act},
        {"reload", "have policies and reference digests read anew", node_reload},
        {"reenroll", "let a node's TPM enrol once more", node_reenroll},
        {"remove", "forget a node", node_remove},
    };

    return command_dispatch("safelib node", table, sizeof(table) / sizeof(table[0]), argc, argv);
}
