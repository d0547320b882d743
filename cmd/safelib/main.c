/* SPDX-License-Identifier: Apache-2.0 */
/* safelib: one command for operators and NF authors; see command.h for how to add a subcommand. */
#include "command.h"

#include <string.h>

static const struct command commands[] = {
#define COMMAND_ROW(name, help) {#name, help, cmd_##name},
    COMMAND_TABLE(COMMAND_ROW)
#undef COMMAND_ROW
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void usage(FILE *out)
{
    fputs("usage: safelib COMMAND [options]\n\n"
          "Runs network functions inside enclaves on machines you do not trust.\n\n",
          out);
    command_list(out, commands, COMMAND_COUNT);
    fputs("\n`safelib COMMAND --help` teaches one command, with examples. Exit status: 0 good,\n"
          "1 judged bad, 2 wrong usage or something could not be read.\n",
          out);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        /* Bare `safelib` is `safelib status`: what is running here, on one screen. */
        const struct command *status = find("status");
        char name[] = "status";
        char *status_argv[] = {name, NULL};
        if (status != NULL) {
            return status->run(1, status_argv);
        }
        usage(stderr);
        return CMD_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("safelib %s\n", SL_VERSION);
        return CMD_GOOD;
    }
    if (strcmp(argv[1], "help") == 0 && argc > 2) {
        const struct command *command = find(argv[2]);
        char flag[] = "--help";
        char *help_argv[] = {argv[2], flag, NULL};
        if (command != NULL) {
            return command->run(2, help_argv);
        }
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return CMD_GOOD;
    }
    return command_dispatch("safelib", commands, COMMAND_COUNT, argc, argv);
}
