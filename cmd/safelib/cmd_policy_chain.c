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
#include "flow/options.h"
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
    (void)sl_reader_be32(&r);
    bool has_options = sl_reader_be16(&r) == SL_CHAIN_FORMAT_OPTIONS;
    (void)sl_reader_bytes(&r, 10);
    sl_reader_string(&r, name, sizeof(name));
    (void)sl_reader_bytes(&r, has_options ? sl_reader_be32(&r) : 0);
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

/* What an operand says: NF=FILE[,OPTION=VALUE...]. */
struct operand {
    char name[SL_NF_NAME_MAX];
    char path[4096];
    struct sl_flow_options options;
};

/* "flows=100000,udp=60" */
static sl_rc read_options(char *text, struct sl_flow_options *options, struct sl_err *err)
{
    char *save = NULL;
    for (char *item = strtok_r(text, ",", &save); item != NULL; item = strtok_r(NULL, ",", &save)) {
        char *equals = strchr(item, '=');
        char *end = NULL;
        if (equals == NULL) {
            return sl_err_set(err, SL_INVALID, "`%s`: expected OPTION=VALUE, as in flows=100000",
                              item);
        }
        *equals = '\0';
        errno = 0;
        unsigned long long value = strtoull(equals + 1, &end, 10);
        if (end == equals + 1 || *end != '\0' || errno != 0 || equals[1] == '-') {
            return sl_err_set(err, SL_INVALID, "`%s=%s`: expected a number", item, equals + 1);
        }
        sl_rc rc = sl_flow_options_set(options, item, value, err);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

static sl_rc read_operand(const char *text, struct operand *operand, struct sl_err *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals != NULL ? (size_t)(equals - text) : 0;
    sl_flow_options_default(&operand->options);
    if (length == 0 || length >= sizeof(operand->name) ||
        strlen(equals + 1) >= sizeof(operand->path)) {
        return sl_err_set(err, SL_INVALID, "`%s`: expected NF=FILE, as in firewall=rules.nft",
                          text);
    }
    (void)snprintf(operand->name, sizeof(operand->name), "%.*s", (int)length, text);
    (void)snprintf(operand->path, sizeof(operand->path), "%s", equals + 1);
    char *comma = strchr(operand->path, ',');
    if (comma == NULL) {
        return SL_OK;
    }
    *comma = '\0';
    return read_options(comma + 1, &operand->options, err);
}

static sl_rc put_nf(struct sl_writer *w, const char *text, struct sl_policy *names,
                    struct sl_err *err)
{
    struct operand operand;
    uint8_t options[SL_FLOW_OPTIONS_MAX];
    size_t size = 0;
    sl_rc rc = read_operand(text, &operand, err);
    rc =
        rc == SL_OK ? sl_flow_options_write(&operand.options, options, sizeof(options), &size) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    sl_writer_string(w, operand.name);
    sl_writer_be32(w, (uint32_t)size);
    sl_writer_bytes(w, options, size);
    return strcmp(operand.name, "firewall") == 0 ? put_firewall(w, operand.path, names, err)
                                                 : put_raw(w, operand.path, err);
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
    sl_writer_be16(&w, SL_CHAIN_FORMAT_OPTIONS);
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
        .usage = "safelib policy chain NF=FILE[,OPTION=VALUE...]... -o OUT",
        .about =
            "Puts the policies of several NFs into one chain, in the order that packets visit\n"
            "them. For firewall FILE holds nftables rules or a compiled policy; for other NFs\n"
            "its bytes are the policy. Only the image that gets it knows all NFs: it is the\n"
            "one that checks. Options are those of the NF's flow table: flows, flows6, inside,\n"
            "tcp_mode, timeouts (man safelib-policy).",
        .examples = "  safelib policy chain firewall=rules.nft -o chain.slp\n"
                    "  safelib policy chain firewall=rules.nft,flows=100000,udp=60 -o chain.slp\n",
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
