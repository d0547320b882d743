/* SPDX-License-Identifier: Apache-2.0 */
/* safelib policy: compile, check and show firewall policies. */
#include "cmd_policy_chain.h"
#include "command.h"

#include <string.h>
#include <time.h>

#include "nf/chain.h"
#include "policy/kinds.h"

/* Exit status for a policy that was not taken: the rules are bad, or could not be read. */
static int status_of(sl_rc rc)
{
    return rc == SL_MALFORMED || rc == SL_UNSUPPORTED || rc == SL_RANGE ? CMD_BAD : CMD_USAGE;
}

static int tell_fault(bool is_json, const struct sl_err *err)
{
    if (!is_json) {
        return complain_err(status_of(err->rc), err);
    }
    return print_json(
        json_pack("{s:b, s:s, s:s}", "ok", 0, "code", sl_rc_name(err->rc), "error", err->text),
        status_of(err->rc));
}

/* The image's own loader has the last word: what it would refuse is refused here. */
static sl_rc load_check(const struct sl_policy *policy, struct sl_err *err)
{
    struct sl_chain *chain = NULL;
    sl_rc rc = sl_chain_create(policy->bundle, policy->size, &chain, err);
    sl_chain_free(chain);
    return rc;
}

static json_t *summary_json(const struct sl_policy *policy)
{
    json_t *root = json_pack("{s:b, s:s?, s:s?, s:I, s:i, s:i, s:s?}", "ok", 1, "source",
                             policy->source, "kind", policy->kind, "version",
                             (json_int_t)policy->version, "rules", (int)policy->count, "bytes",
                             (int)policy->size, "default", policy->default_action);
    if (root != NULL && policy->note != NULL) {
        (void)json_object_set_new(root, "note", json_string(policy->note));
    }
    return root;
}

static int run_compile(const char *kind, const char *in, const char *out, bool is_json)
{
    struct sl_policy policy;
    struct sl_err err = {0};
    sl_rc rc = sl_policy_compile(kind, in, &policy, &err);
    if (rc != SL_OK) {
        return tell_fault(is_json, &err);
    }
    int status = CMD_GOOD;
    rc = load_check(&policy, &err);
    rc = rc == SL_OK ? rc : sl_err_prefix(&err, "%s", in);
    if (rc == SL_OK && out != NULL) {
        rc = sl_policy_write(&policy, out, &err);
    }
    if (rc != SL_OK) {
        status = tell_fault(is_json, &err);
    } else if (is_json) {
        status = print_json(summary_json(&policy), CMD_GOOD);
    } else {
        printf("%s: %u rules, default %s, %zu bytes%s%s\n", in, policy.count, policy.default_action,
               policy.size, out != NULL ? " -> " : "", out != NULL ? out : "");
        if (policy.note != NULL) {
            printf("note: %s\n", policy.note);
        }
    }
    sl_policy_done(&policy);
    return status;
}

static int policy_compile(int argc, char **argv)
{
    const char *kind = "nftables";
    const char *out = NULL;
    bool is_json = false;
    const struct option_spec options[] = {
        {"kind", 'k', "KIND", "the language: nftables (default); see --help", OPTION_STRING, &kind,
         0, 0},
        {"output", 'o', "OUT", "where the compiled policy goes", OPTION_STRING, &out, 0, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib policy compile [--kind KIND] IN -o OUT",
        .about =
            "Compiles rules into the policy that an image loads, and OUT.rules.json, which\n"
            "leads back from rule numbers to lines and stays with you. nftables files are\n"
            "loaded into a throw-away network namespace by nft(8) and read back; the other kinds\n"
            "are lines of words, for the NF of their name: docs/policy-*.md.",
        .examples = "  safelib policy compile rules.nft -o rules.slp\n"
                    "  safelib policy compile --kind route routes -o routes.slp\n"
                    "  safelib policy compile --kind classbench acl1_1k -o acl.slp\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = 1,
    };
    int first;
    int status = options_parse(&spec, argc, argv, &first);
    if (status != OPTIONS_GO_ON) {
        return status;
    }
    if (out == NULL) {
        return complain(CMD_USAGE,
                        "policy compile: say where to with -o OUT (or use `policy check`)");
    }
    return run_compile(kind, argv[first], out, is_json);
}

static int policy_check(int argc, char **argv)
{
    const char *kind = "nftables";
    bool is_json = false;
    const struct option_spec options[] = {
        {"kind", 'k', "KIND", "the language: nftables (default); see --help", OPTION_STRING, &kind,
         0, 0},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib policy check [--kind KIND] IN",
        .about = "Compiles and writes nothing: exit status 0 where every rule can be honoured, 1\n"
                 "with the rule quoted where one cannot.",
        .examples = "  safelib policy check rules.nft\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = 1,
    };
    int first;
    int status = options_parse(&spec, argc, argv, &first);
    return status != OPTIONS_GO_ON ? status : run_compile(kind, argv[first], NULL, is_json);
}

/* The parts of a chain; a policy of one NF is one part. */
static uint32_t part_count(const struct sl_policy *policy)
{
    return policy->nf_count > 0 ? policy->nf_count : 1;
}

static uint32_t part_size(const struct sl_policy *policy, uint32_t nf)
{
    return policy->nf_count > 0 ? policy->nfs[nf].count : policy->count;
}

static json_t *rules_json(const struct sl_policy *policy)
{
    json_t *rules = json_array();
    for (uint32_t nf = 0; nf < part_count(policy); nf++) {
        char name[SL_NF_NAME_MAX];
        sl_policy_nf_name(policy, nf, name);
        for (uint32_t i = 0; i < part_size(policy, nf); i++) {
            const struct sl_policy_rule *rule = sl_policy_rule(policy, nf, i);
            (void)json_array_append_new(
                rules, json_pack("{s:s, s:i, s:i, s:s?, s:s?, s:s?}", "nf", name, "rule",
                                 (int)i + 1, "line", (int)rule->line, "chain", rule->chain,
                                 "action", rule->action, "text", rule->text));
        }
    }
    return rules;
}

static void show_part(const struct sl_policy *policy, uint32_t nf)
{
    char name[SL_NF_NAME_MAX];
    const char *action = sl_policy_default(policy, nf);
    if (policy->nf_count > 0) {
        sl_policy_nf_name(policy, nf, name);
        printf("%s, from %s\n", name, sl_policy_source(policy, nf));
    }
    for (uint32_t i = 0; i < part_size(policy, nf); i++) {
        const struct sl_policy_rule *rule = sl_policy_rule(policy, nf, i);
        printf("%6u  line %-5u %-8s  %s\n", i + 1, rule->line, rule->action, rule->text);
    }
    if (action[0] != '\0') {
        printf("%6s  %-10s %-8s\n", "else", "", action);
    }
}

static int show(const char *path, bool is_json)
{
    struct sl_policy policy;
    struct sl_err err = {0};
    sl_rc rc = sl_policy_read(path, &policy, &err);
    if (rc != SL_OK) {
        return tell_fault(is_json, &err);
    }
    int status = CMD_GOOD;
    rc = load_check(&policy, &err);
    if (rc != SL_OK) {
        status = tell_fault(is_json, &err);
    } else if (is_json) {
        json_t *root = summary_json(&policy);
        (void)json_object_set_new(root, "rules", rules_json(&policy));
        status = print_json(root, CMD_GOOD);
    } else {
        printf("%s: version %llu, %u rules%s%s\n", path, (unsigned long long)policy.version,
               policy.count, policy.source != NULL ? ", from " : "",
               policy.source != NULL ? policy.source : "");
        if (policy.note != NULL) {
            printf("note: %s\n", policy.note);
        }
        for (uint32_t nf = 0; nf < part_count(&policy); nf++) {
            show_part(&policy, nf);
        }
    }
    sl_policy_done(&policy);
    return status;
}

static int policy_show(int argc, char **argv)
{
    bool is_json = false;
    const struct option_spec options[] = {
        {"json", 'j', NULL, "as JSON", OPTION_FLAG, &is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib policy show FILE",
        .about = "Lists the rules of a compiled policy with their lines. The numbers, from 1, are "
                 "those\n"
                 "of `safelib replay`, `explain` and `status`: a rule of the file that is reached "
                 "by two\n"
                 "jumps has two of them, and one line.",
        .examples = "  safelib policy show rules.slp\n",
        .options = options,
        .option_count = 1,
        .min_args = 1,
        .max_args = 1,
    };
    int first;
    int status = options_parse(&spec, argc, argv, &first);
    return status != OPTIONS_GO_ON ? status : show(argv[first], is_json);
}

/* The time in ms, as the compiler numbers, or the next number where that is not above. */
static int renew(const char *path, const char *out, uint64_t above, bool is_json)
{
    struct sl_policy policy;
    struct sl_err err = {0};
    struct timespec now;
    sl_rc rc = sl_policy_read(path, &policy, &err);
    if (rc != SL_OK) {
        return tell_fault(is_json, &err);
    }
    uint64_t before = policy.version;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t version = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    above = before > above ? before : above;
    sl_policy_version_set(&policy, version > above ? version : above + 1);
    rc = load_check(&policy, &err);
    rc = rc == SL_OK ? sl_policy_write(&policy, out != NULL ? out : path, &err) : rc;
    int status = CMD_GOOD;
    if (rc != SL_OK) {
        status = tell_fault(is_json, &err);
    } else if (is_json) {
        status = print_json(summary_json(&policy), CMD_GOOD);
    } else {
        printf("%s: version %llu is %llu now\n", out != NULL ? out : path,
               (unsigned long long)before, (unsigned long long)policy.version);
    }
    sl_policy_done(&policy);
    return status;
}

static int policy_renew(int argc, char **argv)
{
    const char *out = NULL;
    uint64_t above = 0;
    bool is_json = false;
    const struct option_spec options[] = {
        {"output", 'o', "OUT", "where it goes; default: IN itself", OPTION_STRING, &out, 0, 0},
        {"above", 'a', "VERSION", "a version that it must be above", OPTION_UINT, &above, 0,
         INT64_MAX - 1},
        {"json", 'j', NULL, "report as JSON", OPTION_FLAG, &is_json, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib policy renew IN [-o OUT]",
        .about =
            "Gives a compiled policy the next version: the same rules under a new number. Images\n"
            "and gateways only go forward, so that this is how older rules come back. A version "
            "is\n"
            "the time of compiling in milliseconds, or one more than what it must be above.",
        .examples = "  safelib policy renew rules.slp -o again.slp\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .min_args = 1,
        .max_args = 1,
    };
    int first;
    int status = options_parse(&spec, argc, argv, &first);
    return status != OPTIONS_GO_ON ? status : renew(argv[first], out, above, is_json);
}

int cmd_policy(int argc, char **argv)
{
    static const struct command commands[] = {
        {"compile", "compile nftables or ClassBench rules", policy_compile},
        {"check", "say whether every rule can be honoured", policy_check},
        {"chain", "put the policies of several NFs into one chain", policy_chain},
        {"renew", "give a compiled policy the next version", policy_renew},
        {"subscriber", "who had a port of a deterministic NAT", policy_subscriber},
        {"show", "list the rules of a compiled policy", policy_show},
    };
    return command_dispatch("safelib policy", commands, sizeof(commands) / sizeof(commands[0]),
                            argc, argv);
}
