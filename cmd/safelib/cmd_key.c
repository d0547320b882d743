/* SPDX-License-Identifier: Apache-2.0 */
/* safelib key: the tenant's key, whose hash says to an image whom to obey. */
#include "base/bytes.h"
#include "command.h"
#include "control/key_file.h"

static int hash_show(const struct sl_identity *identity)
{
    char hex[2 * SL_SPKI_HASH_SIZE + 1];
    sl_hex_encode(identity->spki_hash, sizeof(identity->spki_hash), hex);
    return printf("%s\n", hex) > 0 ? CMD_GOOD : CMD_USAGE;
}

/* Makes or loads the key that the operand names, and shows its hash. */
static int key_run(const struct command_spec *spec,
                   sl_rc (*get)(const char *path, struct sl_identity **ret_identity,
                                struct sl_err *err),
                   int argc, char **argv)
{
    int first = 0;
    int status = options_parse(spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    struct sl_err err = {0};
    struct sl_identity *identity = NULL;
    if (get(argv[first], &identity, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    status = hash_show(identity);
    sl_identity_free(identity);
    return status;
}

static int key_new(int argc, char **argv)
{
    static const struct command_spec spec = {
        .usage = "safelib key new FILE",
        .about =
            "Makes a tenant key (P-256) in a new file that only its owner can read, and prints\n"
            "its hash: give that to safelib-host --tenant-key-sha256, and the file to the "
            "gateway.\n"
            "Never overwrites. Whoever has the file can give orders to images started with its "
            "hash.",
        .examples = "  safelib key new /etc/safelib/tenant.pem",
        .min_args = 1,
        .max_args = 1,
    };
    return key_run(&spec, sl_key_file_create, argc, argv);
}

static int key_hash(int argc, char **argv)
{
    static const struct command_spec spec = {
        .usage = "safelib key hash FILE",
        .about = "Prints the SHA-256 of the key's SubjectPublicKeyInfo: what safelib-host and the\n"
                 "measurement of who may give orders are told.",
        .examples = "  safelib-host --tenant-key-sha256 $(safelib key hash tenant.pem) ...",
        .min_args = 1,
        .max_args = 1,
    };
    return key_run(&spec, sl_key_file_load, argc, argv);
}

int cmd_key(int argc, char **argv)
{
    static const struct command table[] = {
        {"new", "make a tenant key", key_new},
        {"hash", "print a tenant key's hash", key_hash},
    };
    return command_dispatch("safelib key", table, sizeof(table) / sizeof(table[0]), argc, argv);
}
