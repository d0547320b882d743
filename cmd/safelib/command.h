/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The frame of the `safelib` command. To add a subcommand NAME: write cmd_NAME.c with
 * `int cmd_NAME(int argc, char **argv)` (argv[0] is NAME), add one line to COMMAND_TABLE, add the
 * file to meson.build. Options, help, errors, colour and JSON have one helper each below.
 */
#ifndef SL_CMD_SAFELIB_COMMAND_H
#define SL_CMD_SAFELIB_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/err.h"

/** Exit statuses of every subcommand. */
enum {
    CMD_GOOD = 0,  /**< done, and what was judged is good */
    CMD_BAD = 1,   /**< done, and what was judged is bad (a refused policy, different images) */
    CMD_USAGE = 2, /**< not done: wrong usage, or something could not be read or written */
};

/** function suffix and name, what it does in one line (as `safelib help` lists it, in this order)
 */
#define COMMAND_TABLE(X)                                                                           \
    X(status, "show gateway, tunnel and image on one screen")                                      \
    X(ping, "send probes through the enclave")                                                     \
    X(nf, "hand a line to a running network function")                                             \
    X(doctor, "look at this machine and say what to do next")                                      \
    X(key, "make a tenant key, print its hash")                                                    \
    X(image, "sign, inspect, measure and compare NF images")                                       \
    X(attest, "judge and inspect hardware evidence, keep collateral")                              \
    X(tpm, "judge quotes of a TPM 2.0")                                                            \
    X(bootlog, "show and replay boot event logs")                                                  \
    X(ima, "show, replay and judge Linux measurement lists")                                       \
    X(agent, "what the agent finds on this node, and its IMA policy")                              \
    X(refvals, "import and show reference digests of files that may run")                          \
    X(node, "show, accept and steer the nodes of a trust monitor")                                 \
    X(journal, "check, show and judge again what a trust monitor wrote down")                      \
    X(policy, "compile, check and show firewall policies")                                         \
    X(explain, "say what becomes of a packet, and by which rule")                                  \
    X(snapshot, "save the state of all flows, for an image's next start")                          \
    X(audit, "check and show a gateway's audit log")                                               \
    X(replay, "run a chain on a capture, inside an image")

#define COMMAND_PROTOTYPE(name, help) int cmd_##name(int argc, char **argv);
COMMAND_TABLE(COMMAND_PROTOTYPE)
#undef COMMAND_PROTOTYPE

struct command {
    const char *name;
    const char *help;
    int (*run)(int argc, char **argv);
};

/** Runs argv[1] of @p table (a subcommand with subcommands of its own, such as `image`), shows the
 * list for --help or nothing, and suggests the nearest name for an unknown one.
 * @param[in] prefix "safelib image" */
int command_dispatch(const char *prefix, const struct command *table, size_t count, int argc,
                     char **argv);
void command_list(FILE *out, const struct command *table, size_t count);
/** The name of @p table nearest to @p name, or NULL where none is near. */
const char *command_nearest(const char *name, const struct command *table, size_t count);

enum option_kind {
    OPTION_FLAG,   /**< value: bool * */
    OPTION_STRING, /**< value: const char ** */
    OPTION_UINT,   /**< value: uint64_t *, decimal or 0x; min..max */
};

struct option_spec {
    const char *name; /**< long name without dashes */
    char letter;      /**< short name, or 0 */
    const char *arg;  /**< what --help calls the argument; NULL for a flag */
    const char *help;
    enum option_kind kind;
    void *value;
    uint64_t min, max; /**< OPTION_UINT; max 0 = no limit */
};

struct command_spec {
    const char *usage;    /**< "safelib image sign --key KEY.pem IMAGE [-o OUT.sig]" */
    const char *about;    /**< a few sentences, wrapped at 78 columns by hand */
    const char *examples; /**< lines, indented by two spaces; NULL for none */
    const struct option_spec *options;
    size_t option_count;
    int min_args, max_args; /**< operands after the options; max -1 = any number */
};

enum { OPTIONS_GO_ON = -1 };

/** Parses by getopt_long (options and operands in any order); --help and -h are built in.
 * @param[out] ret_first index of the first operand in argv (the operands are moved to the end)
 * @return OPTIONS_GO_ON, or the exit status to end with (help shown, or the fault was told) */
int options_parse(const struct command_spec *spec, int argc, char **argv, int *ret_first);

/** "safelib: sentence" to stderr; returns @p status. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The same for an error from a library; the sentence where there is one, else the code's text. */
int complain_err(int status, const struct sl_err *err);

/** Prints @p root as indented JSON with a final newline, frees it.
 * @return @p status, or CMD_USAGE where memory or the output failed */
int print_json(json_t *root, int status);

/** An escape sequence where @p out is a terminal and NO_COLOR is unset, else "". */
enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_STRONG, TONE_FAINT };
const char *tone(FILE *out, enum tone tone);

#endif
