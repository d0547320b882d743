/* SPDX-License-Identifier: Apache-2.0 */
/* The measurement list against the quote. A quote is made while the list grows, so the quoted PCR
 * digest is looked for after every entry: it proves the entries up to there and none behind. PCRs
 * are never read on the side. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/json_bytes.h"
#include "monitor/tpm_ima.h"

/* All quoted values in the quote's order, so that one hash after each entry is the digest. */
struct selected {
    uint8_t values[SL_TPM_BANKS_MAX * SL_TPM_PCR_COUNT * SL_TPM_DIGEST_MAX];
    size_t size;
    struct {
        uint16_t alg;
        uint32_t pcr;
        size_t off, size;
    } rows[SL_TPM_BANKS_MAX * SL_TPM_PCR_COUNT];
    size_t row_count;
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};

struct walk {
    struct sl_tpm_round *round;
    uint8_t *data; /* the list */
    size_t size;
    struct sl_ima_log log;
    struct sl_ima_replay replay;
    struct sl_ima_entry *entry;
    struct selected selected;
    bool is_continued; /* the checkpoint was met */
    struct sl_err end; /* why the list ended where it did not end well */
};

/* ---- the digest after each entry ---- */

static sl_rc selected_init(struct walk *walk)
{
    const struct sl_tpm_quote *quote = &walk->round->quote;
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(walk->round->quote_alg);
    struct selected *s = &walk->selected;

    s->md = hash != NULL && hash->openssl != NULL ? EVP_MD_fetch(NULL, hash->openssl, NULL) : NULL;
    s->ctx = EVP_MD_CTX_new();
    if (s->md == NULL || s->ctx == NULL) {
        return SL_CRYPTO;
    }
    for (uint32_t i = 0; i < quote->selection.count; i++) {
        const struct sl_tpm_hash *bank = sl_tpm_hash_by_alg(quote->selection.banks[i].alg);

        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            const uint8_t *value;

            if ((quote->selection.banks[i].mask >> pcr & 1) == 0) {
                continue;
            }
            value = bank != NULL ? sl_tpm_pcrs_find(&walk->round->pcrs, bank->alg, pcr) : NULL;
            if (value == NULL) {
                return SL_NOT_FOUND;
            }
            s->rows[s->row_count].alg = bank->alg;
            s->rows[s->row_count].pcr = pcr;
            s->rows[s->row_count].off = s->size;
            s->rows[s->row_count++].size = bank->size;
            memcpy(s->values + s->size, value, bank->size);
            s->size += bank->size;
        }
    }
    return SL_OK;
}

/* @return whether an entry in this PCR changes the digest */
static bool selected_update(struct walk *walk, uint32_t pcr)
{
    struct selected *s = &walk->selected;
    bool is_changed = false;

    for (size_t i = 0; i < s->row_count; i++) {
        const uint8_t *value =
            s->rows[i].pcr == pcr ? sl_ima_replay_pcr(&walk->replay, s->rows[i].alg, pcr) : NULL;

        if (value != NULL) {
            memcpy(s->values + s->rows[i].off, value, s->rows[i].size);
            is_changed = true;
        }
    }
    return is_changed;
}

static sl_rc is_quoted(struct walk *walk, bool *ret_is_met)
{
    const struct sl_blob wanted = walk->round->quote.pcr_digest;
    struct selected *s = &walk->selected;
    uint8_t digest[SL_TPM_DIGEST_MAX];
    unsigned size = 0;

    if (EVP_DigestInit_ex2(s->ctx, s->md, NULL) != 1 ||
        EVP_DigestUpdate(s->ctx, s->values, s->size) != 1 ||
        EVP_DigestFinal_ex(s->ctx, digest, &size) != 1) {
        return SL_CRYPTO;
    }
    *ret_is_met = size == wanted.size && CRYPTO_memcmp(digest, wanted.data, size) == 0;
    return SL_OK;
}

/* ---- the list ---- */

/* Where the replay starts: at the checkpoint, or at the values the machine booted with. */
static sl_rc replay_start(struct walk *walk)
{
    const struct sl_tpm_round *round = walk->round;
    const struct sl_tpm_selection *quoted = &round->quote.selection;
    uint16_t algs[SL_IMA_BANKS_MAX];
    uint32_t count = 0;
    sl_rc rc;

    for (uint32_t i = 0; i < quoted->count && count < SL_IMA_BANKS_MAX; i++) {
        if (quoted->banks[i].mask != 0) {
            algs[count++] = quoted->banks[i].alg;
        }
    }
    rc = sl_ima_replay_init(&walk->replay, algs, count, round->policy->extend);
    for (uint32_t i = 0; rc == SL_OK && i < round->pcrs.count; i++) {
        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            const uint8_t *value = sl_tpm_pcrs_find(&round->pcrs, round->pcrs.banks[i].alg, pcr);

            /* a bank that is no longer quoted is not replayed */
            if (value != NULL &&
                (rc = sl_ima_replay_pcr_set(&walk->replay, round->pcrs.banks[i].alg, pcr, value)) !=
                    SL_OK) {
                rc = rc == SL_NOT_FOUND ? SL_OK : rc;
            }
        }
    }
    return rc;
}

static bool list_read(struct walk *walk)
{
    struct sl_tpm_round *round = walk->round;
    const json_t *ima = json_object_get(round->input->evidence, "ima");
    const json_t *from = json_object_get(ima, "from");
    const json_t *text = json_object_get(ima, "data");
    struct sl_err err = {0};
    sl_rc rc = SL_OK;

    if (!json_is_integer(from) || json_integer_value(from) < 0 || !json_is_string(text)) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "list-missing",
                          json_pack("{s:s}", "remedy",
                                    "the agent must be able to read "
                                    "/sys/kernel/security/ima/binary_runtime_measurements"),
                          "no measurement list came, or not in the form {from, data}");
        return false;
    }
    round->from = (uint64_t)json_integer_value(from);
    if (round->from != 0 && (round->is_fresh || round->from != round->state->entries)) {
        sl_subject_reason(round->host, round->is_fresh ? SL_VERDICT_UNKNOWN : SL_VERDICT_UNTRUSTED,
                          "list-discontinuous", NULL,
                          "the list continues after entry %llu, and was asked from entry %llu%s",
                          (unsigned long long)round->from,
                          (unsigned long long)(round->is_fresh ? 0 : round->state->entries),
                          round->is_reboot ? ": the node has booted" : "");
        return false;
    }
    if (json_string_length(text) > 0) {
        rc = sl_json_bytes_of(text, "ima.data", SL_TPM_LIST_MAX, &walk->data, &walk->size, &err);
    }
    if (rc == SL_OK) {
        rc = sl_ima_log_init(&walk->log, (struct sl_blob){walk->data, walk->size}, SL_IMA_BINARY,
                             &err);
    }
    if (rc != SL_OK) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "list-malformed", NULL,
                          "the measurement list cannot be read: %s", err.text);
        return false;
    }
    walk->log.count = round->from;
    return true;
}

/* Has the list come to the checkpoint with the values that were proven there? */
static void checkpoint_compare(struct walk *walk)
{
    const struct sl_tpm_pcrs *known = &walk->round->state->pcrs;

    walk->is_continued = true;
    for (uint32_t i = 0; i < known->count; i++) {
        const uint16_t alg = known->banks[i].alg;
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(alg);

        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            const uint8_t *was = sl_tpm_pcrs_find(known, alg, pcr);
            const uint8_t *is = sl_ima_replay_pcr(&walk->replay, alg, pcr);

            if (pcr == walk->round->policy->events.pcr) {
                continue; /* goes on by its own log, from the checkpoint */
            }
            if (was != NULL && is != NULL && memcmp(was, is, hash->size) != 0) {
                walk->is_continued = false;
            }
        }
    }
}

static void events_walk(struct walk *walk, const struct sl_ima_entry *entry)
{
    sl_tpm_events_walk(walk->round, entry != NULL ? entry->number : walk->round->from,
                       sl_ima_replay_pcr(&walk->replay, SL_TPM_ALG_SHA256, SL_PCR_IMA), entry);
}

/* Reads on to the entry after which the quote is met; entries behind are only counted. */
static sl_rc prefix_find(struct walk *walk, bool *ret_is_met)
{
    struct sl_tpm_round *round = walk->round;
    const uint64_t checkpoint = round->is_reboot ? 0 : round->state->entries;
    sl_rc rc = is_quoted(walk, ret_is_met), read;

    round->proven = round->from;
    events_walk(walk, NULL);
    if (round->from == checkpoint) {
        checkpoint_compare(walk);
    }
    /* the same value cannot come twice, but a list from 0 has to pass the checkpoint first */
    while (rc == SL_OK) {
        read = sl_ima_log_next(&walk->log, walk->entry, &walk->end);
        if (read != SL_OK) {
            walk->end.rc = read;
            return SL_OK;
        }
        if (*ret_is_met) {
            round->behind++;
            continue;
        }
        rc = sl_ima_replay_add(&walk->replay, walk->entry, NULL);
        if (rc == SL_OK && round->policy->events.pcr != 0) {
            events_walk(walk, walk->entry);
        }
        if (rc == SL_OK && walk->entry->number == checkpoint) {
            checkpoint_compare(walk);
        }
        if (rc == SL_OK && selected_update(walk, walk->entry->pcr)) {
            rc = is_quoted(walk, ret_is_met);
        }
        round->proven = walk->entry->number;
    }
    return rc;
}

/* ---- what the search found ---- */

static void unproven_tell(struct walk *walk)
{
    struct sl_tpm_round *round = walk->round;

    if (walk->end.rc != SL_CLOSED && walk->end.rc != SL_TRUNCATED) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "list-malformed", NULL,
                          "the measurement list breaks off before the quote is met: %s",
                          walk->end.text);
        return;
    }
    sl_subject_reason(
        round->host, SL_VERDICT_UNTRUSTED, "list-not-quoted",
        json_pack("{s:s}", "remedy",
                  "the list must be read after the quote was made; if it was, "
                  "entries or the boot log were changed or left out"),
        "after none of the entries %llu to %llu does the replay meet the quoted PCRs: "
        "the list is old, cut, changed, or of another machine",
        (unsigned long long)round->from, (unsigned long long)round->proven);
}

static bool proven_check(struct walk *walk)
{
    struct sl_tpm_round *round = walk->round;
    const uint64_t checkpoint = round->is_reboot ? 0 : round->state->entries;

    if (round->proven < checkpoint || (checkpoint > 0 && !walk->is_continued)) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "list-discontinuous", NULL,
                          "the quote proves %llu entries, and %llu were judged before: the list "
                          "does not continue what was proven",
                          (unsigned long long)round->proven, (unsigned long long)checkpoint);
        return false;
    }
    if (round->proven == 0) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "list-empty",
                          json_pack("{s:s}", "remedy",
                                    "boot with ima_policy=tcb or the policy that `safelib agent "
                                    "ima-policy` writes"),
                          "nothing was measured: absence of evidence is never trust");
        return false;
    }
    if (walk->end.rc != SL_CLOSED && walk->end.rc != SL_TRUNCATED) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "list-malformed", NULL,
                          "behind the proven entries the list breaks its format: %s",
                          walk->end.text);
    }
    return true;
}

/* A second pass, over the proven entries only. */
static sl_rc entries_judge(struct walk *walk)
{
    struct sl_tpm_round *round = walk->round;
    const uint64_t judged = round->is_fresh ? 0 : round->state->entries;
    sl_rc rc = SL_OK;

    walk->log.off = 0;
    walk->log.count = round->from;
    while (rc == SL_OK && walk->log.count < round->proven) {
        rc = sl_ima_log_next(&walk->log, walk->entry, NULL);
        if (rc == SL_OK && walk->entry->number > judged) {
            sl_tpm_entry_judge(round, walk->entry,
                               walk->entry->is_violation || sl_ima_entry_is_hash_good(walk->entry));
        }
    }
    return rc == SL_OK ? SL_OK : SL_INTERNAL; /* the first pass read the same bytes */
}

static void progress_check(struct sl_tpm_round *round)
{
    struct sl_tpm_state *state = round->state;
    const uint64_t waited_for = round->is_reboot ? 0 : state->seen;

    if (round->proven >= waited_for) {
        state->behind_since_s = 0;
    } else if (state->behind_since_s == 0) {
        state->behind_since_s = round->input->time_s;
    }
    if (state->behind_since_s != 0) {
        const int64_t waited = round->input->time_s - state->behind_since_s;
        const bool is_late = waited < 0 || waited > round->policy->max_wait_s;

        sl_subject_reason(round->host, is_late ? SL_VERDICT_UNTRUSTED : SL_VERDICT_DEGRADED,
                          "list-no-progress", NULL,
                          "%llu entries were shown before and %llu are proven, for %lld s (limit "
                          "%lld s): what the list said was never measured",
                          (unsigned long long)waited_for, (unsigned long long)round->proven,
                          (long long)waited, (long long)round->policy->max_wait_s);
    }
    state->seen = round->proven + round->behind > waited_for || state->behind_since_s == 0
                      ? round->proven + round->behind
                      : waited_for;
}

/* The proven values are the next round's start. */
static sl_rc checkpoint_take(struct walk *walk)
{
    struct sl_tpm_round *round = walk->round;
    struct sl_tpm_pcrs proven = {0};
    sl_rc rc = SL_OK;

    for (size_t i = 0; rc == SL_OK && i < walk->selected.row_count; i++) {
        rc = sl_tpm_pcrs_put(&proven, walk->selected.rows[i].alg, walk->selected.rows[i].pcr,
                             walk->selected.values + walk->selected.rows[i].off);
    }
    if (rc == SL_OK) {
        round->pcrs = proven;
        round->state->pcrs = proven;
        round->state->entries = round->proven;
    }
    return rc == SL_OK ? SL_OK : SL_INTERNAL;
}

/* The whole list again, though it was asked from the checkpoint: what the list extended starts at
 * zero. */
static void pcrs_rewind(struct sl_tpm_round *round)
{
    for (uint32_t i = 0; i < round->pcrs.count; i++) {
        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            if ((round->state->touched >> pcr & 1) != 0) {
                memset(round->pcrs.banks[i].value[pcr], 0, SL_TPM_DIGEST_MAX);
            }
        }
    }
}

static sl_rc list_walk(struct walk *walk, bool *ret_is_good)
{
    bool is_met = false;
    sl_rc rc;

    if (walk->round->policy->has_ima && walk->round->from == 0 && !walk->round->is_fresh) {
        pcrs_rewind(walk->round);
    }
    rc = selected_init(walk);

    if (rc == SL_NOT_FOUND) {
        sl_subject_reason(walk->round->host, SL_VERDICT_UNTRUSTED, "pcr-unexplained", NULL,
                          "a PCR is quoted of which nothing says what it should hold");
        return SL_OK;
    }
    rc = rc == SL_OK ? replay_start(walk) : rc;
    rc = rc == SL_OK ? prefix_find(walk, &is_met) : rc;
    if (rc != SL_OK) {
        return rc == SL_UNSUPPORTED || rc == SL_RANGE ? SL_CRYPTO : rc;
    }
    if (!is_met) {
        unproven_tell(walk);
        return SL_OK;
    }
    if (walk->round->policy->has_ima && !proven_check(walk)) {
        return SL_OK;
    }
    if (walk->round->is_fresh) {
        walk->round->state->record_count = 0;
        walk->round->state->is_full = false;
        walk->round->state->touched = 0;
        walk->round->state->images_seen = 0;
    }
    rc = sl_tpm_events_judge(walk->round);
    rc = rc == SL_OK ? entries_judge(walk) : rc;
    if (rc == SL_OK) {
        progress_check(walk->round);
        rc = checkpoint_take(walk);
    }
    *ret_is_good = rc == SL_OK;
    return rc;
}

sl_rc sl_tpm_list_judge(struct sl_tpm_round *round, bool *ret_is_good)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    sl_rc rc = SL_NO_MEMORY;

    *ret_is_good = false;
    if (walk == NULL) {
        return SL_NO_MEMORY;
    }
    walk->round = round;
    walk->entry = calloc(1, sizeof(*walk->entry));
    if (walk->entry != NULL) {
        rc = SL_OK;
        if (!round->policy->has_ima) {
            rc = sl_ima_log_init(&walk->log, (struct sl_blob){NULL, 0}, SL_IMA_BINARY, NULL);
            rc = rc == SL_OK ? list_walk(walk, ret_is_good) : rc;
        } else if (list_read(walk)) {
            rc = list_walk(walk, ret_is_good);
        }
    }
    sl_ima_replay_done(&walk->replay);
    sl_ima_log_done(&walk->log);
    EVP_MD_free(walk->selected.md);
    EVP_MD_CTX_free(walk->selected.ctx);
    free(walk->entry);
    free(walk->data);
    free(walk);
    return rc;
}
