/* SPDX-License-Identifier: Apache-2.0 */
/* Options by table: getopt_long does the parsing, the table also makes the help. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

enum { OPTION_MAX = 32, FIRST_LONG = 256, HELP_INDENT = 26 };

static void option_help(const struct option_spec *o)
{
    char left[64];
    char letter[8] = "    ";
    if (o->letter != 0) {
        (void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    }
    int used = snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name,
                        o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
    printf("%s", left);
    if (used >= HELP_INDENT) {
        printf("\n%*s", HELP_INDENT, "");
    } else {
        printf("%*s", HELP_INDENT - used, "");
    }
    for (const char *at = o->help; *at != '\0'; at++) {
        putchar(*at);
        if (*at == '\n') {
            printf("%*s", HELP_INDENT, "");
        }
    }
    putchar('\n');
}

static void help(const struct command_spec *spec)
{
    printf("usage: %s\n\n%s\n\noptions:\n", spec->usage, spec->about);
    for (size_t i = 0; i < spec->option_count; i++) {
        option_help(&spec->options[i]);
    }
    printf("  -h, --help              this text\n");
    if (spec->examples != NULL) {
        printf("\nexamples:\n%s\n", spec->examples);
    }
}

static int set_uint(const struct option_spec *o, const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    uint64_t max = o->max != 0 ? o->max : UINT64_MAX;
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < o->min ||
        value > max) {
        return complain(CMD_USAGE, "--%s takes a number from %llu to %llu, not \"%s\"", o->name,
                        (unsigned long long)o->min, (unsigned long long)max, text);
    }
    *(uint64_t *)o->value = value;
    return OPTIONS_GO_ON;
}

static int set_value(const struct option_spec *o, const char *text)
{
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)o->value = true;
        return OPTIONS_GO_ON;
    case OPTION_STRING:
        *(const char **)o->value = text;
        return OPTIONS_GO_ON;
    case OPTION_UINT:
        return set_uint(o, text);
    }
    abort();
}

static const struct option_spec *find(const struct command_spec *spec, int key)
{
    for (size_t i = 0; i < spec->option_count; i++) {
        if (key == FIRST_LONG + (int)i || (key < FIRST_LONG && key == spec->options[i].letter)) {
            return &spec->options[i];
        }
    }
    return NULL;
}

static void getopt_tables(const struct command_spec *spec, struct option *longs, char *shorts)
{
    size_t at = 0;
    if (spec->option_count > OPTION_MAX) {
        abort(); /* a programming error: the tables above are too small */
    }
    shorts[at++] = ':'; /* tells a missing argument from an unknown option */
    for (size_t i = 0; i < spec->option_count; i++) {
        const struct option_spec *o = &spec->options[i];
        longs[i] = (struct option){o->name, o->kind != OPTION_FLAG, NULL, FIRST_LONG + (int)i};
        if (o->letter != 0) {
            shorts[at++] = o->letter;
            if (o->kind != OPTION_FLAG) {
                shorts[at++] = ':';
            }
        }
    }
    longs[spec->option_count] = (struct option){"help", no_argument, NULL, 'h'};
    longs[spec->option_count + 1] = (struct option){0};
    shorts[at++] = 'h';
    shorts[at] = '\0';
}

static int operands_check(const struct command_spec *spec, int count)
{
    if (count < spec->min_args) {
        return complain(CMD_USAGE, "something is missing: usage: %s (--help says more)",
                        spec->usage);
    }
    if (spec->max_args >= 0 && count > spec->max_args) {
        return complain(CMD_USAGE, "too much is given: usage: %s (--help says more)", spec->usage);
    }
    return OPTIONS_GO_ON;
}

int options_parse(const struct command_spec *spec, int argc, char **argv, int *ret_first)
{
    struct option longs[OPTION_MAX + 2];
    char shorts[2 * OPTION_MAX + 4];
    getopt_tables(spec, longs, shorts);
    optind = 0; /* glibc: start over, also its permutation */
    opterr = 0;
    for (int key; (key = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (key == 'h') {
            help(spec);
            return CMD_GOOD;
        }
        if (key == ':') {
            return complain(CMD_USAGE, "option %s needs an argument", argv[optind - 1]);
        }
        const struct option_spec *o = find(spec, key);
        if (o == NULL) {
            return complain(CMD_USAGE, "option %s is not known, or not meant so: usage: %s",
                            argv[optind - 1], spec->usage);
        }
        int status = set_value(o, optarg);
        if (status != OPTIONS_GO_ON) {
            return status;
        }
    }
    *ret_first = optind;
    return operands_check(spec, argc - optind);
}
