/* SPDX-License-Identifier: Apache-2.0 */
/* safelib policy chain: the policies of several NFs, in the order that packets visit them. */
#include "cmd_policy_chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "command.h"
#include "eval.h"
#include "nf/chain.h"

enum { BUNDLE_MAX = 16 << 20, POLICY_MAX = 1 << 20 };

/* The bytes of a file are the policy: what they mean, only the NF knows. */
static sl_rc put_raw(struct sl_writer *w, const char *path, struct sl_err *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    uint8_t *bytes = malloc(POLICY_MAX + 1);
    size_t size = bytes != NULL ? fread(bytes, 1, POLICY_MAX + 1, file) : 0;
    bool is_read = bytes != NULL && ferror(file) == 0;
    (void)fclose(file);
    sl_rc rc = SL_OK;
    if (!is_read) {
        rc = sl_err_set(err, SL_IO, "%s: cannot be read", path);
    } else if (size > POLICY_MAX) {
        rc = sl_err_set(err, SL_RANGE, "%s: more than %d bytes", path, POLICY_MAX);
    } else {
        sl_writer_be32(w, (uint32_t)size);
        sl_writer_bytes(w, bytes, size);
    }
    free(bytes);
    return rc;
}

/* The firewall's part of a compiled policy, or of rules compiled now; their names go along. */
static sl_rc put_firewall(struct sl_writer *w, const char *path, struct sl_policy *names,
                          struct sl_err *err)
{
    char name[SL_NF_NAME_MAX];
    struct sl_policy policy = {0};
    struct sl_reader r;
    sl_rc rc = eval_policy(path, &policy, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_reader_init(&r, policy.bundle, policy.size);
    (void)sl_reader_bytes(&r, 16);
    sl_reader_string(&r, name, sizeof(name));
    uint32_t size = sl_reader_be32(&r);
    const uint8_t *bytes = sl_reader_bytes(&r, size);
    if (r.rc != SL_OK || strcmp(name, "firewall") != 0 || names->rules != NULL) {
        sl_policy_done(&policy);
        return sl_err_set(err, SL_INVALID, "%s: expected one policy of a firewall", path);
    }
    sl_writer_be32(w, size);
    sl_writer_bytes(w, bytes, size);
    free(policy.bundle);
    policy.bundle = NULL;
    *names = policy;
    return SL_OK;
}

static sl_rc put_nf(struct sl_writer *w, const char *operand, struct sl_policy *names,
                    struct sl_err *err)
{
    char name[SL_NF_NAME_MAX];
    const char *equals = strchr(operand, '=');
    if (equals == NULL || equals == operand || (size_t)(equals - operand) >= sizeof(name)) {
        return sl_err_set(err, SL_INVALID, "`%s`: expected NF=FILE, as in firewall=rules.nft",
                          operand);
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)(equals - operand), operand);
    sl_writer_string(w, name);
    return strcmp(name, "firewall") == 0 ? put_firewall(w, equals + 1, names, err)
                                         : put_raw(w, equals + 1, err);
}

static sl_rc build(char *const *operands, int count, struct sl_policy *policy, struct sl_err *err)
{
    struct sl_writer w;
    struct timespec now;
    uint8_t *bundle = malloc(BUNDLE_MAX);
    if (bundle == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "out of memory");
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t version = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    sl_writer_init(&w, bundle, BUNDLE_MAX);
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, (uint16_t)count);
    sl_writer_be64(&w, version);
    sl_rc rc = SL_OK;
    for (int i = 0; rc == SL_OK && i < count; i++) {
        rc = put_nf(&w, operands[i], policy, err);
    }
    if (rc == SL_OK && w.rc != SL_OK) {
        rc = sl_err_set(err, w.rc, "the chain is larger than %d bytes", BUNDLE_MAX);
    }
    if (rc == SL_OK && policy->source == NULL) { /* no firewall in it: no rules to name */
        policy->source = strdup("");
        policy->kind = strdup("chain");
        policy->default_action = strdup("");
        bool is_whole =
            policy->source != NULL && policy->kind != NULL && policy->default_action != NULL;
        rc = is_whole ? SL_OK : sl_err_set(err, SL_NO_MEMORY, "out of memory");
    }
    policy->bundle = bundle;
    policy->size = w.off;
    policy->version = version;
    return rc;
}

int policy_chain(int argc, char **argv)
{
    const char *out = NULL;
    const struct option_spec options[] = {
        {"output", 'o', "OUT", "where the chain goes (required)", OPTION_STRING, &out, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib policy chain NF=FILE... -o OUT",
        .about =
            "Puts the policies of several NFs into one chain, in the order that packets visit\n"
            "them. For firewall FILE holds nftables rules or a compiled policy; for other NFs\n"
            "its bytes are the policy. Only the image that gets it knows all NFs: it is the\n"
            "one that checks.",
        .examples = "  safelib policy chain firewall=rules.nft -o chain.slp\n",
        .options = options,
        .option_count = 1,
        .min_args = 1,
        .max_args = SL_CHAIN_NF_MAX,
    };
    int first;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (out == NULL) {
        return complain(CMD_USAGE, "policy chain: say where to with -o OUT");
    }
    struct sl_policy policy = {0};
    struct sl_err err = {0};
    sl_rc rc = build(argv + first, argc - first, &policy, &err);
    if (rc == SL_OK) {
        rc = sl_policy_write(&policy, out, &err);
    }
    if (rc != SL_OK) {
        status =
            complain_err(rc == SL_MALFORMED || rc == SL_UNSUPPORTED ? CMD_BAD : CMD_USAGE, &err);
    } else {
        printf("%s: a chain of %d, %zu bytes\n", out, argc - first, policy.size);
        status = CMD_GOOD;
    }
    sl_policy_done(&policy);
    return status;
}
