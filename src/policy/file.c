/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled policies on disk: the bundle, and beside it the names that never enter the enclave. */
#include <errno.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "nf/chain.h"
#include "policy/policy.h"

enum { BUNDLE_MAX = 16 << 20, DIGEST_HEX = 2 * SHA256_DIGEST_LENGTH + 1 };

static void digest_of(const struct sl_policy *policy, char *ret_hex)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    (void)SHA256(policy->bundle, policy->size, digest);
    sl_hex_encode(digest, sizeof(digest), ret_hex);
}

/* Of a chain: which rules are whose; they follow one another. NULL for a policy of one NF. */
static json_t *nfs_json(const struct sl_policy *policy)
{
    json_t *nfs = policy->nf_count > 0 ? json_array() : NULL;
    for (uint32_t i = 0; i < policy->nf_count; i++) {
        const struct sl_policy_nf *nf = &policy->nfs[i];
        (void)json_array_append_new(nfs,
                                    json_pack("{s:s?, s:s?, s:i}", "source", nf->source, "default",
                                              nf->default_action, "rules", (int)nf->count));
    }
    return nfs;
}

static json_t *names_json(const struct sl_policy *policy)
{
    char digest[DIGEST_HEX];
    digest_of(policy, digest);
    json_t *rules = json_array();
    for (uint32_t i = 0; i < policy->count; i++) {
        const struct sl_policy_rule *rule = &policy->rules[i];
        json_t *item = json_pack("{s:i, s:i, s:s?, s:s}", "rule", (int)i + 1, "line",
                                 (int)rule->line, "text", rule->text, "action", rule->action);
        if (item != NULL && rule->chain != NULL) {
            (void)json_object_set_new(item, "chain", json_string(rule->chain));
        }
        (void)json_array_append_new(rules, item);
    }
    return json_pack("{s:i, s:s, s:s?, s:s?, s:I, s:s?, s:o*, s:o}", "format", 1, "sha256", digest,
                     "source", policy->source, "kind", policy->kind, "version",
                     (json_int_t)policy->version, "default", policy->default_action, "nfs",
                     nfs_json(policy), "rules", rules);
}

/* Writes beside the target and renames, so that a reader sees the old file or the new one. */
static sl_rc write_file(const char *path, const void *data, size_t size, struct sl_err *err)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof(temporary), "%s.part", path) >= (int)sizeof(temporary)) {
        return sl_err_set(err, SL_IO, "%s: path too long", path);
    }
    FILE *file = fopen(temporary, "wb");
    if (file == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", temporary, strerror(errno));
    }
    bool is_good = fwrite(data, 1, size, file) == size;
    is_good = fclose(file) == 0 && is_good;
    if (!is_good || rename(temporary, path) != 0) {
        int saved = errno;
        (void)unlink(temporary);
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(saved));
    }
    return SL_OK;
}

static bool names_path(const char *path, char *out, size_t size)
{
    int length = snprintf(out, size, "%s.rules.json", path);
    return length > 0 && (size_t)length < size;
}

sl_rc sl_policy_write(const struct sl_policy *policy, const char *path, struct sl_err *err)
{
    char names[4096];
    if (!names_path(path, names, sizeof(names))) {
        return sl_err_set(err, SL_IO, "%s: path too long", path);
    }
    sl_rc rc = write_file(path, policy->bundle, policy->size, err);
    if (rc != SL_OK) {
        return rc;
    }
    json_t *root = names_json(policy);
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (text == NULL) {
        return sl_err_set(err, SL_IO, "%s: out of memory for the names", path);
    }
    rc = write_file(names, text, strlen(text), err);
    free(text);
    return rc;
}

static sl_rc read_bundle(const char *path, struct sl_policy *policy, struct sl_err *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    policy->bundle = malloc(BUNDLE_MAX);
    policy->size = policy->bundle != NULL ? fread(policy->bundle, 1, BUNDLE_MAX, file) : 0;
    (void)fclose(file);
    struct sl_reader r;
    sl_reader_init(&r, policy->bundle, policy->size);
    uint32_t magic = sl_reader_be32(&r);
    (void)sl_reader_be32(&r);
    policy->version = sl_reader_be64(&r);
    if (r.rc != SL_OK || magic != SL_CHAIN_MAGIC) {
        return sl_err_set(err, SL_MALFORMED,
                          "%s: not a compiled policy (compile rules with `safelib policy compile`)",
                          path);
    }
    return SL_OK;
}

static const char *string_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool take_rules(struct sl_policy *policy, const json_t *rules)
{
    size_t count = json_array_size(rules);
    policy->rules = calloc(count + 1, sizeof(*policy->rules));
    if (policy->rules == NULL) {
        return false;
    }
    policy->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(rules, i);
        struct sl_policy_rule *rule = &policy->rules[i];
        rule->line = (uint32_t)json_integer_value(json_object_get(item, "line"));
        rule->text = strdup(string_in(item, "text"));
        rule->action = strdup(string_in(item, "action"));
        const char *chain = json_string_value(json_object_get(item, "chain"));
        rule->chain = chain != NULL ? strdup(chain) : NULL;
        if (rule->text == NULL || rule->action == NULL) {
            return false;
        }
    }
    return true;
}

static bool take_nfs(struct sl_policy *policy, const json_t *nfs)
{
    size_t count = json_array_size(nfs);
    uint64_t first = 0;
    policy->nfs =
        count > 0 && count <= SL_CHAIN_NF_MAX ? calloc(count, sizeof(*policy->nfs)) : NULL;
    policy->nf_count = policy->nfs != NULL ? (uint32_t)count : 0;
    for (uint32_t i = 0; i < policy->nf_count; i++) {
        const json_t *item = json_array_get(nfs, i);
        struct sl_policy_nf *nf = &policy->nfs[i];
        json_int_t rules = json_integer_value(json_object_get(item, "rules"));
        nf->first = (uint32_t)first;
        nf->count = rules > 0 && first + (uint64_t)rules <= policy->count ? (uint32_t)rules : 0;
        first += nf->count;
        nf->source = strdup(string_in(item, "source"));
        nf->default_action = strdup(string_in(item, "default"));
        if (nf->source == NULL || nf->default_action == NULL) {
            return false;
        }
    }
    return policy->nf_count == count;
}

sl_rc sl_policy_read(const char *path, struct sl_policy *ret_policy, struct sl_err *err)
{
    struct sl_policy policy = {0};
    char names[4096];
    char digest[DIGEST_HEX];
    sl_rc rc = read_bundle(path, &policy, err);
    if (rc != SL_OK) {
        sl_policy_done(&policy);
        return rc;
    }
    digest_of(&policy, digest);
    json_t *root = names_path(path, names, sizeof(names)) ? json_load_file(names, 0, NULL) : NULL;
    if (root == NULL) {
        policy.note = strdup("no names beside it (FILE.rules.json): rules are shown by number");
    } else if (strcmp(string_in(root, "sha256"), digest) != 0) {
        policy.note = strdup("the names beside it belong to another policy: rules are shown by "
                             "number");
    } else {
        policy.source = strdup(string_in(root, "source"));
        policy.kind = strdup(string_in(root, "kind"));
        policy.default_action = strdup(string_in(root, "default"));
        if (!take_rules(&policy, json_object_get(root, "rules")) ||
            !take_nfs(&policy, json_object_get(root, "nfs"))) {
            rc = sl_err_set(err, SL_NO_MEMORY, "%s: out of memory for the names", path);
        }
    }
    json_decref(root);
    if (rc != SL_OK) {
        sl_policy_done(&policy);
        return rc;
    }
    *ret_policy = policy;
    return SL_OK;
}

void sl_policy_version_set(struct sl_policy *policy, uint64_t version)
{
    enum { VERSION_OFF = 8 }; /* src/nf/chain.h draws it; whatever is a bundle is longer */
    sl_be64_put(policy->bundle + VERSION_OFF, version);
    policy->version = version;
}

void sl_policy_done(struct sl_policy *policy)
{
    for (uint32_t i = 0; policy->rules != NULL && i < policy->count; i++) {
        free(policy->rules[i].text);
        free(policy->rules[i].chain);
        free(policy->rules[i].action);
    }
    for (uint32_t i = 0; i < policy->nf_count; i++) {
        free(policy->nfs[i].source);
        free(policy->nfs[i].default_action);
    }
    free(policy->nfs);
    free(policy->rules);
    free(policy->bundle);
    free(policy->source);
    free(policy->kind);
    free(policy->default_action);
    free(policy->note);
    *policy = (struct sl_policy){0};
}

void sl_policy_nf_name(const struct sl_policy *policy, uint32_t index, char *ret_name)
{
    struct sl_reader r; /* src/nf/chain.h draws it */
    ret_name[0] = '\0';
    sl_reader_init(&r, policy->bundle, policy->size);
    (void)sl_reader_be32(&r);
    bool has_options = sl_reader_be16(&r) == SL_CHAIN_FORMAT_OPTIONS;
    uint32_t count = sl_reader_be16(&r);
    (void)sl_reader_be64(&r);
    for (uint32_t i = 0; i <= index && index < count; i++) {
        sl_reader_string(&r, ret_name, SL_NF_NAME_MAX);
        (void)sl_reader_bytes(&r, has_options ? sl_reader_be32(&r) : 0);
        (void)sl_reader_bytes(&r, sl_reader_be32(&r));
    }
    if (r.rc != SL_OK) {
        ret_name[0] = '\0';
    }
}

static const struct sl_policy_nf *nf_at(const struct sl_policy *policy, uint32_t nf)
{
    return nf < policy->nf_count ? &policy->nfs[nf] : NULL;
}

const struct sl_policy_rule *sl_policy_rule(const struct sl_policy *policy, uint32_t nf,
                                            uint32_t rule)
{
    const struct sl_policy_nf *of = nf_at(policy, nf);
    if (of != NULL) {
        return rule < of->count ? &policy->rules[of->first + rule] : NULL;
    }
    return policy->nf_count == 0 && nf == 0 && rule < policy->count ? &policy->rules[rule] : NULL;
}

const char *sl_policy_source(const struct sl_policy *policy, uint32_t nf)
{
    const struct sl_policy_nf *of = nf_at(policy, nf);
    const char *source = of != NULL ? of->source : policy->source;
    return source != NULL ? source : "";
}

const char *sl_policy_default(const struct sl_policy *policy, uint32_t nf)
{
    const struct sl_policy_nf *of = nf_at(policy, nf);
    const char *action = of != NULL ? of->default_action : policy->default_action;
    return action != NULL ? action : "";
}
