/* SPDX-License-Identifier: Apache-2.0 */
/* safelib node boot: what a node's TPM has proven of its boot, and taking it into a policy. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attest/tpm_alg.h"
#include "files/files.h"
#include "monitor/policy_file.h"
#include "node.h"
#include "safelib/bytes.h"

enum { BOOT_PCRS = 10, ITEM_MAX = 16 << 10 };

struct boot {
    const char *bank;
    const json_t *values; /* {"0": hex} */
};

/* The strongest bank that holds all of PCRs 0 to 9. */
static bool boot_find(const json_t *node, struct boot *boot)
{
    static const char *const banks[] = {"sha512", "sha384", "sha256"};
    const json_t *pcrs = json_object_get(json_object_get(node, "proven"), "pcrs");

    for (size_t i = 0; i < sizeof(banks) / sizeof(banks[0]); i++) {
        const json_t *values = json_object_get(pcrs, banks[i]);
        int pcr = 0;
        char name[12];

        do {
            (void)snprintf(name, sizeof(name), "%d", pcr);
        } while (json_is_string(json_object_get(values, name)) && ++pcr < BOOT_PCRS);
        if (pcr == BOOT_PCRS) {
            *boot = (struct boot){banks[i], values};
            return true;
        }
    }
    return false;
}

static const char *value_of(const struct boot *boot, int pcr)
{
    char name[12];

    (void)snprintf(name, sizeof(name), "%d", pcr);
    return json_string_value(json_object_get(boot->values, name));
}

static void boot_print(const json_t *node, const struct boot *boot)
{
    const json_t *proven = json_object_get(node, "proven");
    const char *log = json_string_value(json_object_get(proven, "bootlog_sha256"));

    for (int pcr = 0; pcr < BOOT_PCRS; pcr++) {
        (void)printf("PCR %d  %s  %s\n", pcr, boot->bank, value_of(boot, pcr));
    }
    (void)printf("proven by a quote of %s, after %lld starts of its TPM; boot log sha256 %s\n",
                 json_string_value(json_object_get(node, "name")),
                 (long long)json_integer_value(json_object_get(proven, "reset_count")),
                 log != NULL ? log : "none");
}

/* The values as an element of the policy's list `boot`. */
static void item_write(const json_t *node, const struct boot *boot, char out[ITEM_MAX])
{
    size_t used =
        (size_t)snprintf(out, ITEM_MAX, "  - name: %s %s\n    bank: %s\n    pcrs:\n",
                         json_string_value(json_object_get(node, "name")),
                         json_string_value(json_object_get(node, "last_seen")), boot->bank);

    for (int pcr = 0; pcr < BOOT_PCRS && used < ITEM_MAX; pcr++) {
        used += (size_t)snprintf(out + used, ITEM_MAX - used, "      - {pcr: %d, value: %s}\n", pcr,
                                 value_of(boot, pcr));
    }
}

/* Are all values among those that the policy allows already? */
static bool is_allowed(const struct sl_monitor_policy *policy, const struct boot *boot)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_name(boot->bank, strlen(boot->bank));
    int found = 0;

    for (uint32_t i = 0; i < policy->expected_count; i++) {
        const struct sl_policy_expected *expected = &policy->expected[i];
        uint8_t value[SL_TPM_DIGEST_MAX];

        if (expected->alg != hash->alg || expected->pcr >= BOOT_PCRS ||
            sl_hex_decode(value_of(boot, (int)expected->pcr), value, hash->size) != SL_OK) {
            continue;
        }
        for (uint32_t k = 0; k < expected->value_count; k++) {
            if (memcmp(expected->values[k], value, hash->size) == 0) {
                found++;
                break;
            }
        }
    }
    return found == BOOT_PCRS;
}

/* The policy's text with one more boot: behind the line "boot:", or at the end. */
static char *text_insert(const char *text, const char *item)
{
    const char *found = strncmp(text, "boot:", 5) == 0 ? text : strstr(text, "\nboot:");
    const char *key = found != NULL && *found == '\n' ? found + 1 : found;
    const char *rest = key != NULL ? strchr(key, '\n') : NULL;
    const size_t size = strlen(text);
    const int head = (int)(rest != NULL ? (size_t)(rest + 1 - text) : size);
    const bool is_open = rest == NULL && size > 0 && text[size - 1] != '\n';
    const size_t room = size + strlen(item) + 16;
    char *out = malloc(room);

    if (out != NULL) {
        (void)snprintf(out, room, "%.*s%s%s%s%s", head, text, is_open ? "\n" : "",
                       key == NULL ? "boot:\n" : "", item, text + head);
    }
    return out;
}

static sl_rc policy_replace(const char *path, const char *text, const struct boot *boot,
                            const char *item, bool *ret_is_new, struct sl_err *err)
{
    struct sl_monitor_policy *policy = NULL;
    struct stat st;
    char *more = NULL;
    sl_rc rc = sl_monitor_policy_read(text, strlen(text), &policy, err);

    *ret_is_new = rc == SL_OK && !is_allowed(policy, boot);
    sl_monitor_policy_free(policy);
    policy = NULL;
    if (rc != SL_OK || !*ret_is_new) {
        return rc;
    }
    more = text_insert(text, item);
    rc = more != NULL ? sl_monitor_policy_read(more, strlen(more), &policy, err) : SL_NO_MEMORY;
    if (rc == SL_OK && !is_allowed(policy, boot)) {
        rc = sl_err_set(err, SL_INVALID,
                        "its \"boot\" is no list in block style; put this there by "
                        "hand:\n%s",
                        item);
    }
    if (rc == SL_OK) {
        rc = sl_file_write(path, stat(path, &st) == 0 ? st.st_mode & 0777 : 0644, more,
                           strlen(more), err);
    }
    sl_monitor_policy_free(policy);
    free(more);
    return rc;
}

static int boot_accept(struct node_request *r, const char *path, const json_t *node,
                       const struct boot *boot)
{
    char item[ITEM_MAX];
    uint8_t *text = NULL;
    size_t size = 0;
    bool is_new = false;
    struct sl_err err = {0};
    sl_rc rc;

    if (strcmp(json_string_value(json_object_get(node, "verdict")), "unknown") == 0) {
        return complain(CMD_BAD, "the node is unknown now: what was proven is of the past");
    }
    rc = sl_file_read(path, SL_POLICY_SIZE_MAX, &text, &size, &err);
    if (rc == SL_OK) {
        item_write(node, boot, item);
        rc = policy_replace(path, (char *)text, boot, item, &is_new, &err);
        if (rc != SL_OK) {
            (void)sl_err_prefix(&err, "%s", path);
        }
    }
    free(text);
    if (rc != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    if (node_reload_ask(r, &err) != SL_OK) {
        return complain_err(CMD_USAGE, &err);
    }
    (void)printf(is_new ? "%s: nodes may boot this from now on; the monitor has read it\n"
                        : "%s: has these values already\n",
                 path);
    return CMD_GOOD;
}

/* Shows what is proven, and accepts it into the policy where one is given. */
static int boot_answer(struct node_request *r, const char *policy, json_t *node)
{
    struct boot boot;
    int status = OPTIONS_GO_ON;

    if (!boot_find(node, &boot)) {
        return complain(CMD_BAD, "no quote has proven PCRs 0 to 9 of this node yet: `safelib node "
                                 "show` says why");
    }
    if (r->is_json) {
        status = print_json(json_incref(json_object_get(node, "proven")), OPTIONS_GO_ON);
    } else {
        boot_print(node, &boot);
    }
    if (status == OPTIONS_GO_ON) {
        status = policy != NULL ? boot_accept(r, policy, node, &boot) : CMD_GOOD;
    }
    return status;
}

int node_boot(int argc, char **argv)
{
    const char *policy = NULL;
    const struct option_spec options[] = {
        {"accept", 'a', "POLICY", "add the values to those that this policy allows", OPTION_STRING,
         &policy, 0, 0},
    };
    const struct command_spec spec = {
        .usage = "safelib node boot [--accept POLICY] [--monitor FILE] [--json] NODE",
        .about =
            "Shows PCRs 0 to 9 as the node's last good quote proved them: firmware, boot loader,\n"
            "kernel. With --accept they are added to a policy's list `boot`, which says what nodes "
            "of\n"
            "its class may boot; the file is checked before it is replaced, and the monitor reads "
            "it "
            "anew\n"
            "(role operator).",
        .examples = "  safelib node boot node-vm\n"
                    "  safelib node boot --accept /etc/safelib/policies/nfv-host.yaml node-vm\n",
        .options = options,
        .option_count = 1,
        .min_args = 1,
        .max_args = 1,
    };
    struct node_request r = {0};
    json_t *node = NULL;
    int first, status = node_begin(&spec, argc, argv, &r, &first);

    status = status == OPTIONS_GO_ON ? node_get(&r, argv[first], &node) : status;
    status = status == OPTIONS_GO_ON ? boot_answer(&r, policy, node) : status;
    json_decref(node);
    monitor_close(r.monitor);
    return status;
}
