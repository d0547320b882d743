/* SPDX-License-Identifier: Apache-2.0 */
/* One proven entry: whose it is, and whether it may be there. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "monitor/tpm_ima.h"
#include "safelib/bytes.h"

enum { ID_DIGITS_MIN = 12 };

/* Whose an entry is. */
struct owner {
    enum sl_subject_kind kind;
    enum sl_attribution by;
    char id[SL_SUBJECT_ID_MAX];
    const struct sl_policy_sets *sets; /* NULL: nothing is allowed */
};

bool sl_tpm_is_in_sets(const struct sl_tpm_round *round, const struct sl_policy_sets *sets,
                       const char *alg, const uint8_t *digest, size_t size)
{
    const struct sl_refvals *refvals = round->input->refvals;

    return refvals != NULL && sets != NULL && sets->count > 0 &&
           refvals->find(refvals->ctx, alg, digest, size, sets->names, sets->count) != NULL;
}

static const struct sl_policy_sets *image_sets(const struct sl_tpm_round *round, int rule)
{
    return rule >= 0 ? &round->policy->images[rule].sets : NULL;
}

/* ---- whose ---- */

static bool text_holds(const struct sl_ima_value *value, const char *text)
{
    return text[0] != '\0' && memmem(value->data, value->size, text, strlen(text)) != NULL;
}

static bool text_is(const struct sl_ima_value *value, const char *text)
{
    return text[0] != '\0' && value->size == strlen(text) &&
           memcmp(value->data, text, value->size) == 0;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* A container's id as runtimes put it into the name of its control group: the longest run of hex
 * digits. */
static bool id_find(const struct sl_ima_value *value, char id[SL_SUBJECT_ID_MAX])
{
    size_t best = 0, best_off = 0;

    for (size_t off = 0; off < value->size;) {
        size_t size = 0;

        while (off + size < value->size && is_hex(value->data[off + size])) {
            size++;
        }
        if (size > best) {
            best = size;
            best_off = off;
        }
        off += size + 1;
    }
    if (best < ID_DIGITS_MIN || best >= SL_SUBJECT_ID_MAX) {
        return false;
    }
    memcpy(id, value->data + best_off, best);
    id[best] = '\0';
    return true;
}

static bool is_template_of(const struct sl_tpm_container *container,
                           const struct sl_ima_value *group, const struct sl_ima_value *device)
{
    if (device != NULL && text_is(device, container->root_device)) {
        return true;
    }
    if (group == NULL) {
        return false;
    }
    return text_is(group, container->cgroup) ||
           (strlen(container->id) >= ID_DIGITS_MIN && text_holds(group, container->id));
}

/* Patched kernels say in each entry whose it is. */
static bool template_owner(struct sl_tpm_round *round, const struct sl_ima_entry *entry,
                           struct owner *owner)
{
    const struct sl_ima_value *group = sl_ima_entry_value(entry, SL_IMA_CG_PATH);
    const struct sl_ima_value *device = sl_ima_entry_value(entry, SL_IMA_DEV_ID);

    group = group != NULL ? group : sl_ima_entry_value(entry, SL_IMA_CGN);
    if (group == NULL && device == NULL) {
        return false;
    }
    for (size_t i = 0; i < round->container_count; i++) {
        struct sl_tpm_container *container = &round->containers[i];

        if (is_template_of(container, group, device)) {
            sl_tpm_state_template(round->state, container->id);
            owner->kind = SL_SUBJECT_CONTAINER;
            owner->by = SL_BY_TEMPLATE;
            owner->sets = image_sets(round, container->image_rule);
            (void)snprintf(owner->id, sizeof(owner->id), "%s", container->id);
            return true;
        }
    }
    if (group != NULL && id_find(group, owner->id)) {
        owner->kind = SL_SUBJECT_CONTAINER; /* one that the agent does not name */
        owner->by = SL_BY_TEMPLATE;
        owner->sets = NULL;
        return true;
    }
    return false;
}

static int slot_find(const struct sl_monitor_policy *policy, uint32_t pcr)
{
    for (uint32_t i = 0; i < policy->slot_count; i++) {
        if (policy->slots[i].pcr == pcr) {
            return (int)i;
        }
    }
    return -1;
}

static bool slot_owner(const struct sl_tpm_round *round, const struct sl_ima_entry *entry,
                       struct owner *owner)
{
    const int slot = slot_find(round->policy, entry->pcr);
    uint32_t count = 0;

    if (slot < 0) {
        return false;
    }
    owner->kind = SL_SUBJECT_CONTAINER;
    owner->by = SL_BY_SLOT;
    owner->sets = &round->policy->slots[slot].sets;
    (void)snprintf(owner->id, sizeof(owner->id), "slot-%u", entry->pcr);
    for (size_t i = 0; i < round->container_count; i++) {
        const struct sl_tpm_container *container = &round->containers[i];

        if (container->slot != slot) {
            continue;
        }
        if (count++ == 0) {
            (void)snprintf(owner->id, sizeof(owner->id), "%s", container->id);
        }
        if (owner->sets->count == 0) {
            owner->sets = image_sets(round, container->image_rule);
        }
    }
    if (count > 1) {
        owner->by = SL_BY_SHARED;
    }
    return true;
}

/* ---- whether ---- */

static bool is_excluded(const struct sl_monitor_policy *policy, const char *path)
{
    for (uint32_t i = 0; i < policy->exclusion_count; i++) {
        if (fnmatch(policy->exclusions[i].path, path, 0) == 0) {
            return true;
        }
    }
    return false;
}

/* A digest that only an image may have: it is that of a container which the agent names, or has
 * named since the node booted. */
static bool is_of_image(struct sl_tpm_round *round, const struct sl_ima_digest *digest)
{
    const char *alg = digest->name[0] != '\0' ? digest->name : "sha1";
    bool is_found = false;

    for (uint32_t rule = 0; rule < round->policy->image_count; rule++) {
        bool is_listed = (round->state->images_seen >> rule & 1) != 0;

        for (size_t i = 0; i < round->container_count; i++) {
            is_listed = is_listed || round->containers[i].image_rule == (int)rule;
        }
        if (is_listed && sl_tpm_is_in_sets(round, &round->policy->images[rule].sets, alg,
                                           digest->data, digest->size)) {
            round->state->images_seen |= 1u << rule;
            is_found = true;
        }
    }
    return is_found;
}

/* boot_aggregate: a hash of PCRs 0 to 7, and of 8 and 9 where it is not SHA-1 (Linux
 * ima_crypto.c, ima_calc_boot_aggregate_tfm), in the bank of its algorithm. */
static bool is_boot_aggregate_good(const struct sl_tpm_round *round,
                                   const struct sl_ima_digest *digest)
{
    const struct sl_tpm_hash *hash = digest->hash;
    struct sl_tpm_selection selection = {.count = 1};
    uint8_t out[SL_TPM_DIGEST_MAX];
    size_t size = 0;

    if (hash == NULL || hash->alg == 0) {
        return false;
    }
    selection.banks[0].alg = hash->alg;
    selection.banks[0].mask = hash->alg == SL_TPM_ALG_SHA1 ? 0xff : 0x3ff;
    return sl_tpm_pcr_digest(&selection, &round->pcrs, hash->alg, out, &size) == SL_OK &&
           size == digest->size && memcmp(out, digest->data, size) == 0;
}

static bool is_boot_quoted(const struct sl_tpm_round *round, const struct sl_tpm_hash *hash)
{
    const uint32_t wanted = hash != NULL && hash->alg == SL_TPM_ALG_SHA1 ? 0xff : 0x3ff;

    for (uint32_t i = 0; hash != NULL && i < round->quote.selection.count; i++) {
        if (round->quote.selection.banks[i].alg == hash->alg) {
            return (round->quote.selection.banks[i].mask & wanted) == wanted;
        }
    }
    return false;
}

static bool is_digest_good(struct sl_tpm_round *round, const struct sl_ima_entry *entry,
                           const struct owner *owner)
{
    const struct sl_ima_digest *digest = &entry->digest;
    const char *alg = digest->name[0] != '\0' ? digest->name : "sha1";

    /* a digest of fs-verity is a Merkle tree's root, of which no file has the like */
    const bool is_of_file = strcmp(digest->type, "verity") != 0;

    if (is_of_file && sl_tpm_is_in_sets(round, owner->sets, alg, digest->data, digest->size)) {
        return true;
    }
    return owner->kind == SL_SUBJECT_HOST &&
           ((is_of_file && is_of_image(round, digest)) || sl_tpm_events_is_known(round, entry));
}

/* What is wrong with an entry's digest; SL_RECORD_WHY_COUNT: nothing. A signature accepts a file of
 * the host alone: it says who made the file, not which container it belongs to. One that its key
 * did not make is told even of a known file: somebody put it there. */
static enum sl_record_why digest_judge(struct sl_tpm_round *round, const struct sl_ima_entry *entry,
                                       const struct owner *owner)
{
    const bool is_host = owner->kind == SL_SUBJECT_HOST;
    enum sl_ima_sig_state signature = SL_IMA_SIG_NONE;

    if (is_host && is_excluded(round->policy, entry->path)) {
        return SL_RECORD_WHY_COUNT;
    }
    if (round->policy->ima_keyring != NULL) {
        signature = sl_ima_sig_check(round->policy->ima_keyring, entry, NULL);
    }
    if (signature == SL_IMA_SIG_BAD) {
        return SL_RECORD_SIG_BAD;
    }
    if ((is_host && signature == SL_IMA_SIG_GOOD) || is_digest_good(round, entry, owner)) {
        return SL_RECORD_WHY_COUNT;
    }
    return is_host && signature == SL_IMA_SIG_UNKNOWN ? SL_RECORD_SIG_UNKNOWN : SL_RECORD_DIGEST;
}

static void entry_record(struct sl_tpm_round *round, const struct sl_ima_entry *entry,
                         const struct owner *owner, enum sl_record_why why)
{
    struct sl_tpm_record record = {
        .kind = owner->kind,
        .why = why,
        .by = owner->by,
        .entry = entry->number,
        .pcr = entry->pcr,
        .is_path_cut = strlen(entry->path) >= SL_RECORD_PATH_MAX,
    };

    (void)snprintf(record.id, sizeof(record.id), "%s", owner->id);
    (void)snprintf(record.path, sizeof(record.path), "%.*s", SL_RECORD_PATH_MAX - 1, entry->path);
    if (entry->digest.size > 0 && entry->digest.size <= SL_TPM_DIGEST_MAX) {
        (void)snprintf(record.alg, sizeof(record.alg), "%.*s", SL_RECORD_ALG_MAX - 1,
                       entry->digest.name[0] != '\0' ? entry->digest.name : "sha1");
        memcpy(record.digest, entry->digest.data, entry->digest.size);
        record.digest_size = entry->digest.size;
    }
    for (char *c = record.alg; *c != '\0'; c++) {
        *c = (char)(*c > 0x20 && *c < 0x7f ? *c : '?');
    }
    sl_tpm_state_record(round->state, &record);
}

static bool is_pcr_quoted(const struct sl_tpm_round *round, uint32_t pcr)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < round->quote.selection.count; i++) {
        mask |= round->quote.selection.banks[i].mask;
    }
    return (mask >> pcr & 1) != 0;
}

void sl_tpm_entry_judge(struct sl_tpm_round *round, const struct sl_ima_entry *entry,
                        bool is_hash_good)
{
    struct owner owner = {
        .kind = SL_SUBJECT_HOST, .by = SL_BY_HOST, .id = "host", .sets = &round->policy->host_sets};

    round->state->touched |= 1u << entry->pcr;
    round->slots_new |= 1u << entry->pcr;
    if (!slot_owner(round, entry, &owner)) {
        (void)template_owner(round, entry, &owner);
    }
    if (!is_pcr_quoted(round, entry->pcr)) {
        entry_record(round, entry, &owner, SL_RECORD_UNQUOTED);
    } else if (entry->is_violation) {
        if (owner.kind != SL_SUBJECT_HOST || !is_excluded(round->policy, entry->path)) {
            entry_record(round, entry, &owner, SL_RECORD_VIOLATION);
        }
    } else if (!is_hash_good) {
        entry_record(round, entry, &owner, SL_RECORD_TEMPLATE_HASH);
    } else if (entry->number == 1 && strcmp(entry->path, "boot_aggregate") == 0 &&
               owner.kind == SL_SUBJECT_HOST) {
        if (is_boot_quoted(round, entry->digest.hash) &&
            !is_boot_aggregate_good(round, &entry->digest)) {
            entry_record(round, entry, &owner, SL_RECORD_BOOT_AGGREGATE);
        }
    } else if (entry->digest.size == 0) {
        entry_record(round, entry, &owner, SL_RECORD_NO_DIGEST);
    } else {
        const enum sl_record_why why = digest_judge(round, entry, &owner);

        if (why != SL_RECORD_WHY_COUNT) {
            entry_record(round, entry, &owner, why);
        }
    }
}

/* ---- what is remembered ---- */

static bool is_good_now(struct sl_tpm_round *round, const struct sl_tpm_record *record)
{
    const struct sl_policy_sets *sets = &round->policy->host_sets;

    if ((record->why != SL_RECORD_DIGEST && record->why != SL_RECORD_SIG_UNKNOWN) ||
        record->more > 0 || record->by == SL_BY_TEMPLATE) {
        return false;
    }
    if (record->kind == SL_SUBJECT_CONTAINER) {
        const int slot = slot_find(round->policy, record->pcr);

        sets = slot >= 0 ? &round->policy->slots[slot].sets : NULL;
        sets = record->by == SL_BY_EVENTS ? sl_tpm_events_sets(round, record->id) : sets;
    }
    return sl_tpm_is_in_sets(round, sets, record->alg, record->digest, record->digest_size);
}

void sl_tpm_records_review(struct sl_tpm_round *round)
{
    struct sl_tpm_state *state = round->state;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < state->record_count; i++) {
        if (!is_good_now(round, &state->records[i])) {
            state->records[kept++] = state->records[i];
        }
    }
    state->record_count = kept;
}

static enum sl_verdict record_verdict(const struct sl_tpm_round *round,
                                      const struct sl_tpm_record *record)
{
    const enum sl_verdict by_policy =
        record->why == SL_RECORD_VIOLATION ? round->policy->violation_verdict
        : (record->why == SL_RECORD_DIGEST || record->why == SL_RECORD_SIG_UNKNOWN) &&
                record->kind == SL_SUBJECT_HOST
            ? round->policy->unknown_verdict
            : SL_VERDICT_UNTRUSTED;

    return by_policy == SL_VERDICT_DEGRADED ? SL_VERDICT_DEGRADED : SL_VERDICT_UNTRUSTED;
}

static const char *why_text(enum sl_record_why why)
{
    switch (why) {
    case SL_RECORD_DIGEST:
        return "has a digest that none of its sets holds";
    case SL_RECORD_VIOLATION:
        return "was written to while it was measured, so nobody knows what ran";
    case SL_RECORD_TEMPLATE_HASH:
        return "has a template hash that is not that of its data: one of them was changed";
    case SL_RECORD_NO_DIGEST:
        return "has a template without a digest, so there is nothing to judge by";
    case SL_RECORD_BOOT_AGGREGATE:
        return "is not the hash of the quoted boot PCRs: the list is of another boot";
    case SL_RECORD_UNQUOTED:
        return "is in a PCR that is not quoted, so nothing proves it";
    case SL_RECORD_SIG_BAD:
        return "has a signature that the key it names did not make of this digest";
    case SL_RECORD_SIG_UNKNOWN:
        return "has a digest that none of its sets holds, and a signature that no key of ima.keys "
               "can vouch for";
    case SL_RECORD_WHY_COUNT:
    default:
        return "is bad";
    }
}

static const char *remedy_text(enum sl_record_why why)
{
    switch (why) {
    case SL_RECORD_DIGEST:
        return "if it may run here: `safelib refvals import` its package or image into one of the "
               "policy's sets; if not, find out who put it there";
    case SL_RECORD_VIOLATION:
        return "find out who writes to a file that is executed; a log or a spool can be excluded "
               "by "
               "path, with a reason";
    case SL_RECORD_TEMPLATE_HASH:
    case SL_RECORD_BOOT_AGGREGATE:
        return "reboot the node and look at its kernel and its agent: an honest kernel does not "
               "write this";
    case SL_RECORD_NO_DIGEST:
        return "boot with a template that has d-ng or d-ngv2 (ima_template=ima-ng)";
    case SL_RECORD_UNQUOTED:
        return "add the PCR to the policy's pcrs.required";
    case SL_RECORD_SIG_BAD:
        return "find out who changed the file or its security.ima: `safelib ima verify --keys` "
               "says what is wrong with the signature";
    case SL_RECORD_SIG_UNKNOWN:
        return "if it may run here: add its signer's key to what ima.keys names, or `safelib "
               "refvals import` its package into one of the policy's sets";
    case SL_RECORD_WHY_COUNT:
    default:
        return "reboot the node";
    }
}

/* A path is bytes; where they are no UTF-8, JSON gets question marks. */
static json_t *path_json(const char *path)
{
    json_t *json = json_string(path);
    char clean[SL_RECORD_PATH_MAX];

    if (json == NULL) {
        (void)snprintf(clean, sizeof(clean), "%s", path);
        for (char *c = clean; *c != '\0'; c++) {
            *c = (char)(*c >= 0x20 && *c < 0x7f ? *c : '?');
        }
        json = json_string(clean);
    }
    return json;
}

void sl_tpm_record_tell(const struct sl_tpm_round *round, struct sl_subject *subject,
                        const struct sl_tpm_record *record)
{
    char hex[2 * SL_TPM_DIGEST_MAX + 1] = "";
    char digest[SL_RECORD_ALG_MAX + sizeof(hex) + 1];
    char more[64] = "";

    sl_hex_encode(record->digest, record->digest_size, hex);
    (void)snprintf(digest, sizeof(digest), "%s:%s", record->alg, hex);
    if (record->more > 0) {
        (void)snprintf(more, sizeof(more), " (and %u further bad entries)", record->more);
    }
    sl_subject_reason(
        subject, record_verdict(round, record), sl_record_code(record->why),
        json_pack("{s:I, s:i, s:s, s:o, s:s, s:s}", "entry", (json_int_t)record->entry, "pcr",
                  (int)record->pcr, "digest", digest, "path", path_json(record->path), "confidence",
                  sl_attribution_text(record->by), "remedy", remedy_text(record->why)),
        "%s %llu (PCR %u) %s %s %s%s", record->by == SL_BY_EVENTS ? "event" : "entry",
        (unsigned long long)record->entry, record->pcr, record->path, digest, why_text(record->why),
        more);
}
