/* SPDX-License-Identifier: Apache-2.0 */
/* safelib agent: what an operator asks on the node itself, without network and TPM. */
#include <stdlib.h>

#include "agent/containers.h"
#include "agent/ima_policy.h"
#include "command.h"

enum { POLICY_MAX = 64 << 10 };

static const char policy_about[] =
    "Prints an IMA policy that measures the programs and libraries of each container into a PCR "
    "of\n"
    "its own. Write it once after boot to /sys/kernel/security/ima/policy, before the containers\n"
    "start. The same as safelib-agent ima-policy.";

static int agent_ima_policy(int argc, char **argv)
{
    const char *containers = NULL;
    const struct option_spec options[] = {
        {"containers", 'c', "FILE", "YAML: name, pcr (11 to 15), uids or fsuuid of each",
         OPTION_STRING, &containers, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib agent ima-policy --containers FILE",
        .about = policy_about,
        .examples = "  safelib agent ima-policy --containers slots.yaml "
                    ">/sys/kernel/security/ima/policy\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    static char text[POLICY_MAX];
    struct sl_agent_slot slots[SL_AGENT_SLOTS_MAX];
    struct sl_err err = {0};
    size_t count = 0;
    int first, status = options_parse(&spec, argc, argv, &first);

    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (containers == NULL) {
        return complain(CMD_USAGE, "--containers FILE is needed (--help says more)");
    }
    if (sl_agent_slots_load(containers, slots, &count, &err) != SL_OK ||
        sl_agent_ima_policy_write(slots, count, text, sizeof(text), &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    return fputs(text, stdout) >= 0 && fflush(stdout) == 0
               ? CMD_GOOD
               : complain(CMD_USAGE, "the policy cannot be written to standard output");
}

static void container_show(const json_t *c)
{
    const char *image = json_string_value(json_object_get(c, "image"));
    const char *cgroup = json_string_value(json_object_get(c, "cgroup"));

    printf("%s  %s, %s\n", json_string_value(json_object_get(c, "id")),
           json_string_value(json_object_get(c, "state")),
           json_string_value(json_object_get(c, "runtime")));
    printf("  image   %s\n", image != NULL && image[0] != '\0' ? image : "not known");
    printf("  cgroup  %s\n", cgroup != NULL && cgroup[0] != '\0' ? cgroup : "not known");
    printf("  users   %lld and %lld more of the host, root on device %s\n",
           (long long)json_integer_value(json_object_get(c, "uid_first")),
           (long long)json_integer_value(json_object_get(c, "uid_count")) - 1,
           json_string_value(json_object_get(c, "root_device")));
}

static int containers_show(const struct sl_agent_config *config, bool is_json)
{
    struct sl_agent_containers all;
    struct sl_err err = {0};
    unsigned failed;
    json_t *list, *one;
    size_t i;

    if (sl_agent_containers_init(&all, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    failed = sl_agent_containers_poll(&all, config, &err);
    list = sl_agent_containers_json(&all, false);
    sl_agent_containers_done(&all);
    if (failed > 0) {
        (void)complain(CMD_BAD, "%u containers or runtimes are left out, the last of them: %s",
                       failed, err.text);
    }
    if (list == NULL) {
        return complain(CMD_USAGE, "out of memory, or a container's name is not UTF-8");
    }
    if (is_json) {
        return print_json(list, failed > 0 ? CMD_BAD : CMD_GOOD);
    }
    json_array_foreach(list, i, one)
    {
        container_show(one);
    }
    if (json_array_size(list) == 0) {
        printf("no container in the state directories of the configuration's runtimes\n");
    }
    json_decref(list);
    return failed > 0 ? CMD_BAD : CMD_GOOD;
}

static int agent_containers(int argc, char **argv)
{
    const char *path = "/etc/safelib/agent.yaml";
    bool is_json = false;
    const struct option_spec options[] = {
        {"config", 'c', "FILE", "the agent's configuration; /etc/safelib/agent.yaml", OPTION_STRING,
         &path, 0, 0},
        {"json", 'j', NULL, "as the monitor is told", OPTION_FLAG, &is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib agent containers [--config FILE] [--json]",
        .about = "Shows the containers that the agent finds here, by its configuration. Needs the\n"
                 "rights to read the runtimes' files. Exit status 1: some could not be read.",
        .examples = "  safelib agent containers\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    struct sl_agent_config *config = calloc(1, sizeof(*config));
    struct sl_err err = {0};
    int first, status = options_parse(&spec, argc, argv, &first);

    if (status == OPTIONS_GO_ON && config == NULL) {
        status = complain(CMD_USAGE, "out of memory");
    } else if (status == OPTIONS_GO_ON && sl_agent_config_load(path, config, &err) != SL_OK) {
        status = complain_err(CMD_USAGE, &err);
    } else if (status == OPTIONS_GO_ON) {
        status = containers_show(config, is_json);
    }
    free(config);
    return status;
}

int cmd_agent(int argc, char **argv)
{
    static const struct command table[] = {
        {"ima-policy", "print an IMA policy with a PCR for each container", agent_ima_policy},
        {"containers", "show the containers that the agent finds here", agent_containers},
    };

    return command_dispatch("safelib agent", table, sizeof(table) / sizeof(table[0]), argc, argv);
}
