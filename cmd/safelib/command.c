/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a subcommand, suggesting one, complaining, colour and JSON. */
#include "command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_LENGTH = 31, NEAR = 2 };

/* Levenshtein distance; names longer than NAME_MAX_LENGTH are far from everything. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LENGTH + 1];
    size_t b_size = strlen(b);
    if (strlen(a) > NAME_MAX_LENGTH || b_size > NAME_MAX_LENGTH) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_size; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j + 1] = diagonal + 1 < best ? diagonal + 1 : best;
        }
    }
    return row[b_size];
}

const char *command_nearest(const char *name, const struct command *table, size_t count)
{
    const char *nearest = NULL;
    size_t least = NEAR + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(name, table[i].name);
        if (name[0] != '\0' && strncmp(name, table[i].name, strlen(name)) == 0) {
            distance = 1; /* a beginning is as good as a slip */
        }
        if (distance < least) {
            least = distance;
            nearest = table[i].name;
        }
    }
    return nearest;
}

void command_list(FILE *out, const struct command *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %-10s %s\n", table[i].name, table[i].help);
    }
}

int command_dispatch(const char *prefix, const struct command *table, size_t count, int argc,
                     char **argv)
{
    bool is_help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
                                strcmp(argv[1], "help") == 0);
    if (argc < 2 || is_help) {
        FILE *out = is_help ? stdout : stderr;
        fprintf(out, "usage: %s COMMAND [options]\n\n", prefix);
        command_list(out, table, count);
        fprintf(out, "\n`%s COMMAND --help` teaches one command, with examples.\n", prefix);
        return is_help ? CMD_GOOD : CMD_USAGE;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, argv[1]) == 0) {
            return table[i].run(argc - 1, argv + 1);
        }
    }
    const char *nearest = command_nearest(argv[1], table, count);
    if (nearest != NULL) {
        return complain(CMD_USAGE, "there is no command \"%s %s\"; did you mean \"%s %s\"?", prefix,
                        argv[1], prefix, nearest);
    }
    return complain(CMD_USAGE, "there is no command \"%s %s\"; `%s --help` lists them", prefix,
                    argv[1], prefix);
}

int complain(int status, const char *format, ...)
{
    va_list args;
    (void)fflush(stdout);
    fprintf(stderr, "%ssafelib:%s ", tone(stderr, TONE_BAD), tone(stderr, TONE_PLAIN));
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

int complain_err(int status, const struct sl_err *err)
{
    return complain(status, "%s", err->text[0] != '\0' ? err->text : sl_rc_text(err->rc));
}

int print_json(json_t *root, int status)
{
    if (root == NULL) {
        return complain(CMD_USAGE, "out of memory");
    }
    bool is_ok = json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && fputc('\n', stdout) != EOF &&
                 fflush(stdout) == 0;
    json_decref(root);
    return is_ok ? status : complain(CMD_USAGE, "the output could not be written");
}

const char *tone(FILE *out, enum tone tone)
{
    static const char *const escapes[] = {
        [TONE_PLAIN] = "\033[0m", [TONE_GOOD] = "\033[32m",  [TONE_WARN] = "\033[33m",
        [TONE_BAD] = "\033[31m",  [TONE_STRONG] = "\033[1m", [TONE_FAINT] = "\033[2m",
    };
    const char *no_color = getenv("NO_COLOR");
    if ((no_color != NULL && no_color[0] != '\0') || isatty(fileno(out)) != 1) {
        return "";
    }
    return escapes[tone];
}
