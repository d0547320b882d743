/* SPDX-License-Identifier: Apache-2.0 */
/* The measurement list against the quote. A quote is made while the list grows, so the quoted PCR
 * digest is looked for after every entry: it proves the entries up to there and none behind. PCRs
 * are never read on the side. */
#include <stdlib.h>
#include <string.h>

#include "attest/digest.h"
#include "monitor/json_bytes.h"
#include "monitor/tpm_ima.h"

enum {
    ENTRY_SIZE_MIN = 4 + 20 + 4 + 1 + 4, /* PCR, template hash, name, data of an entry */
    STEPS = 512, /* entries that are replayed before the quote is looked for */
};

/* What one entry replaced, so that the replay can go back over it. */
struct step {
    uint32_t pcr;
    uint8_t old[SL_POLICY_BANKS_MAX][SL_TPM_DIGEST_MAX]; /* in the replay's banks */
};

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
    const struct sl_tpm_hash *hash;
    /* the hash of the first bytes, which are the boot's and which no entry has changed so far */
    struct sl_sha begun;
    size_t begun_size;
    bool is_begun;
};

struct walk {
    struct sl_tpm_round *round;
    uint8_t *data; /* the list */
    size_t size;
    struct sl_ima_log log;
    struct sl_ima_replay replay;
    struct sl_ima_entry *entry;
    struct selected selected;
    struct step *steps; /* STEPS of them */
    struct sl_ima_replay ahead;
    const uint8_t *after[STEPS]; /* PCR 10 (SHA-256) after each step, for container events */
    uint8_t *bad_hashes;         /* bit per entry of this list: its template hash is wrong */
    bool is_continued;           /* the checkpoint was met */
    struct sl_err end;           /* why the list ended where it did not end well */
};

/* ---- the digest after each entry ---- */

static sl_rc selected_init(struct walk *walk)
{
    const struct sl_tpm_quote *quote = &walk->round->quote;
    struct selected *s = &walk->selected;
    bool has_changing = false;

    s->hash = sl_tpm_hash_by_alg(walk->round->quote_alg);
    if (s->hash == NULL) {
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
            s->rows[s->row_count].size = bank->size;
            if (pcr >= SL_PCR_IMA && !has_changing) {
                has_changing = true;
                s->begun_size = s->size;
            }
            s->row_count++;
            memcpy(s->values + s->size, value, bank->size);
            s->size += bank->size;
        }
    }
    s->begun_size = has_changing ? s->begun_size : s->size;
    return SL_OK;
}

/* Whether an entry in this PCR changes the digest. */
static bool is_selected(const struct selected *s, uint32_t pcr)
{
    for (size_t i = 0; i < s->row_count; i++) {
        if (s->rows[i].pcr == pcr) {
            return true;
        }
    }
    return false;
}

/* Takes the replay's values of a PCR. */
static void selected_update(struct walk *walk, uint32_t pcr)
{
    struct selected *s = &walk->selected;

    for (size_t i = 0; i < s->row_count; i++) {
        const uint8_t *value =
            s->rows[i].pcr == pcr ? sl_ima_replay_pcr(&walk->replay, s->rows[i].alg, pcr) : NULL;

        if (value == NULL) {
            continue;
        }
        memcpy(s->values + s->rows[i].off, value, s->rows[i].size);
        if (s->rows[i].off < s->begun_size) {
            s->begun_size = s->rows[i].off;
            s->is_begun = false;
        }
    }
}

static sl_rc is_quoted(struct walk *walk, bool *ret_is_met)
{
    const struct sl_blob wanted = walk->round->quote.pcr_digest;
    struct selected *s = &walk->selected;
    uint8_t digest[SL_TPM_DIGEST_MAX];
    struct sl_sha sha;

    if (!s->is_begun && sl_sha_init(&s->begun, s->hash->alg)) {
        sl_sha_add(&s->begun, s->values, s->begun_size);
        s->is_begun = true;
    }
    if (s->is_begun) {
        sha = s->begun;
        sl_sha_add(&sha, s->values + s->begun_size, s->size - s->begun_size);
        sl_sha_end(&sha, digest);
    } else if (sl_tpm_hash_two(s->hash, s->values, s->size, NULL, 0, digest) != SL_OK) {
        return SL_CRYPTO;
    }
    *ret_is_met = s->hash->size == wanted.size && memcmp(digest, wanted.data, wanted.size) == 0;
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
    if (round->from != 0 && !round->is_piece &&
        (round->is_fresh || round->from != round->state->entries)) {
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

static size_t place_of(const struct walk *walk, uint64_t entry)
{
    return (size_t)(entry - walk->round->from - 1);
}

/* Replays entries until there are STEPS of them, or no more. What ends the list is `walk->end`. */
static sl_rc steps_take(struct walk *walk, uint64_t checkpoint, size_t *ret_count)
{
    size_t count = 0;
    sl_rc rc = SL_OK;

    while (rc == SL_OK && count < STEPS &&
           (walk->end.rc = sl_ima_log_next(&walk->log, walk->entry, &walk->end)) == SL_OK) {
        const struct sl_ima_entry *entry = walk->entry;
        const size_t place = place_of(walk, entry->number);
        struct step *step = &walk->steps[count++];
        bool is_good = false;

        step->pcr = entry->pcr;
        for (uint32_t i = 0; i < walk->replay.bank_count; i++) {
            memcpy(step->old[i], walk->replay.banks[i].pcr[entry->pcr], SL_TPM_DIGEST_MAX);
        }
        rc = sl_ima_replay_add(&walk->replay, entry, &is_good);
        if (!is_good) {
            walk->bad_hashes[place / 8] |= (uint8_t)(1u << place % 8);
        }
        if (rc == SL_OK && entry->number == checkpoint) {
            checkpoint_compare(walk);
        }
    }
    *ret_count = count;
    return rc;
}

static void steps_update(struct walk *walk, size_t count)
{
    uint32_t pcrs = 0;

    for (size_t i = 0; i < count; i++) {
        pcrs |= 1u << walk->steps[i].pcr;
    }
    for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
        if ((pcrs >> pcr & 1) != 0) {
            selected_update(walk, pcr);
        }
    }
}

/* Goes back over the steps to the one after which the quote is met: a quote is rarely far behind
 * the list's end, so this takes a hash or two where looking forward takes one for each entry. An
 * entry in a PCR that is not quoted changes nothing, and is behind the proven ones.
 * @param[out] ret_met  steps up to that one */
static sl_rc steps_search(struct walk *walk, size_t count, size_t *ret_met, bool *ret_is_met)
{
    sl_rc rc = SL_OK;
    size_t at = count;

    walk->ahead = walk->replay;
    steps_update(walk, count);
    for (; at > 0; at--) {
        const struct step *step = &walk->steps[at - 1];

        if (is_selected(&walk->selected, step->pcr)) {
            rc = is_quoted(walk, ret_is_met);
            if (rc != SL_OK || *ret_is_met) {
                break;
            }
        }
        for (uint32_t i = 0; i < walk->replay.bank_count; i++) {
            memcpy(walk->replay.banks[i].pcr[step->pcr], step->old[i], SL_TPM_DIGEST_MAX);
        }
        selected_update(walk, step->pcr);
    }
    if (rc == SL_OK && !*ret_is_met) {
        walk->replay = walk->ahead;
        steps_update(walk, count);
        at = count;
    }
    *ret_met = at;
    return rc;
}

/* Container events name values that PCR 10 had: shows them the steps up to the quote. */
static sl_rc steps_events(struct walk *walk, const struct sl_ima_log *begin, size_t met)
{
    const uint8_t *value = sl_ima_replay_pcr(&walk->replay, SL_TPM_ALG_SHA256, SL_PCR_IMA);
    const size_t off = walk->log.off;
    const uint64_t count = walk->log.count;
    uint32_t bank = 0;
    sl_rc rc = SL_OK;

    while (value != NULL && walk->replay.banks[bank].hash->alg != SL_TPM_ALG_SHA256) {
        bank++;
    }
    for (size_t i = met; i-- > 0;) {
        walk->after[i] = value;
        if (value != NULL && walk->steps[i].pcr == SL_PCR_IMA) {
            value = walk->steps[i].old[bank];
        }
    }
    walk->log.off = begin->off;
    walk->log.count = begin->count;
    for (size_t i = 0; rc == SL_OK && i < met; i++) {
        rc = sl_ima_log_next(&walk->log, walk->entry, NULL);
        if (rc == SL_OK) {
            sl_tpm_events_walk(walk->round, walk->entry->number, walk->after[i], walk->entry);
        }
    }
    walk->log.off = off;
    walk->log.count = count;
    return rc == SL_OK ? SL_OK : SL_INTERNAL; /* has been read before */
}

/* Finds the entry after which the quote is met; entries behind are only counted. The same value
 * cannot come twice, but a list from 0 has to pass the checkpoint first. */
static sl_rc prefix_find(struct walk *walk, bool *ret_is_met)
{
    struct sl_tpm_round *round = walk->round;
    const uint64_t checkpoint = round->is_reboot ? 0 : round->state->entries;
    sl_rc rc = is_quoted(walk, ret_is_met);

    round->proven = round->from;
    sl_tpm_events_walk(round, round->from,
                       sl_ima_replay_pcr(&walk->replay, SL_TPM_ALG_SHA256, SL_PCR_IMA), NULL);
    if (round->is_piece && round->from > checkpoint) {
        walk->is_continued = true; /* an earlier piece has passed it */
    } else if (round->from == checkpoint) {
        checkpoint_compare(walk);
    }
    while (rc == SL_OK && !*ret_is_met && walk->end.rc == SL_OK) {
        const struct sl_ima_log begin = walk->log;
        size_t count = 0, met = 0;

        rc = steps_take(walk, checkpoint, &count);
        rc = rc == SL_OK ? steps_search(walk, count, &met, ret_is_met) : rc;
        if (rc == SL_OK && round->policy->events.pcr != 0) {
            rc = steps_events(walk, &begin, met);
        }
        round->proven += met;
        round->behind += count - met;
    }
    while (rc == SL_OK && walk->end.rc == SL_OK) {
        walk->end.rc = sl_ima_log_next(&walk->log, walk->entry, &walk->end);
        round->behind += walk->end.rc == SL_OK ? 1 : 0;
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

/* The agent says that this is a piece of the list, as much as one message holds. */
static bool is_cut(const struct walk *walk)
{
    const json_t *ima = json_object_get(walk->round->input->evidence, "ima");

    return json_is_true(json_object_get(ima, "more")) && walk->end.rc == SL_CLOSED &&
           walk->round->proven > walk->round->from;
}

static void fresh_begin(struct sl_tpm_round *round)
{
    if (round->is_fresh && !round->is_piece) {
        round->state->record_count = 0;
        round->state->is_full = false;
        round->state->touched = 0;
        round->state->images_seen = 0;
        round->state->template_count = 0;
    }
}

static sl_rc values_take(const struct walk *walk, struct sl_tpm_pcrs *ret_pcrs)
{
    sl_rc rc = SL_OK;

    memset(ret_pcrs, 0, sizeof(*ret_pcrs));
    for (size_t i = 0; rc == SL_OK && i < walk->selected.row_count; i++) {
        rc = sl_tpm_pcrs_put(ret_pcrs, walk->selected.rows[i].alg, walk->selected.rows[i].pcr,
                             walk->selected.values + walk->selected.rows[i].off);
    }
    return rc == SL_OK ? SL_OK : SL_INTERNAL;
}

/* A second pass, over the proven entries only: what is not proven is not judged. The pieces of a
 * list that came before the last one are, and count for nothing before the quote is met. */
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
            const size_t place = place_of(walk, walk->entry->number);

            sl_tpm_entry_judge(round, walk->entry,
                               (walk->bad_hashes[place / 8] >> place % 8 & 1) == 0);
        }
    }
    return rc == SL_OK ? SL_OK : SL_INTERNAL; /* the first pass read the same bytes */
}

/* Keeps what the piece leads to, for the next one. Trust has to wait for the last. */
static sl_rc piece_take(struct walk *walk)
{
    struct sl_tpm_round *round = walk->round;
    struct sl_tpm_state *state = round->state;
    const uint64_t checkpoint = round->is_reboot ? 0 : state->entries;
    sl_rc rc;

    if (checkpoint > round->from && round->proven >= checkpoint && !walk->is_continued) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "list-discontinuous", NULL,
                          "the list does not continue what was proven after entry %llu",
                          (unsigned long long)checkpoint);
        return SL_OK;
    }
    sl_subject_reason(
        round->host, SL_VERDICT_UNKNOWN, "list-incomplete",
        round->policy->events.pcr != 0
            ? json_pack("{s:s}", "remedy",
                        "with container events, a list must come at once: raise limits.body_bytes "
                        "of the monitor, or boot the node")
            : NULL,
        "the list is longer than one message: it has come up to entry %llu, and proves nothing "
        "before it is whole",
        (unsigned long long)round->proven);
    if (round->policy->events.pcr != 0) {
        return SL_OK;
    }
    fresh_begin(round);
    rc = entries_judge(walk);
    rc = rc == SL_OK ? values_take(walk, &state->pending_pcrs) : rc;
    if (rc == SL_OK) {
        state->pending = round->proven;
        state->is_restart = state->is_restart || round->is_fresh;
        memcpy(state->policy_tag, round->policy->tag, sizeof(state->policy_tag));
    }
    return rc;
}

/* Pieces that lead nowhere have been judged as if they did: all begins anew. */
static void pieces_drop(struct sl_tpm_round *round)
{
    round->state->is_restart = round->state->is_restart || round->is_piece;
    round->state->pending = 0;
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
    sl_rc rc = values_take(walk, &round->pcrs);

    if (rc == SL_OK) {
        round->state->pcrs = round->pcrs;
        round->state->entries = round->proven;
        round->state->pending = 0;
    }
    return rc;
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

static sl_rc proven_judge(struct walk *walk)
{
    sl_rc rc;

    fresh_begin(walk->round);
    rc = sl_tpm_events_judge(walk->round);
    rc = rc == SL_OK ? entries_judge(walk) : rc;
    if (rc == SL_OK) {
        progress_check(walk->round);
        rc = checkpoint_take(walk);
    }
    return rc;
}

static sl_rc found_judge(struct walk *walk, bool is_met, bool *ret_is_good)
{
    sl_rc rc;

    if (!is_met && is_cut(walk)) {
        return piece_take(walk);
    }
    if (!is_met) {
        unproven_tell(walk);
    }
    if (!is_met || (walk->round->policy->has_ima && !proven_check(walk))) {
        pieces_drop(walk->round);
        return SL_OK;
    }
    rc = proven_judge(walk);
    *ret_is_good = rc == SL_OK;
    return rc;
}

static sl_rc list_walk(struct walk *walk, bool *ret_is_good)
{
    struct sl_tpm_round *round = walk->round;
    bool is_met = false;
    sl_rc rc;

    if (round->policy->has_ima && round->from == 0 && !round->is_fresh) {
        pcrs_rewind(round);
    }
    rc = selected_init(walk);
    if (rc == SL_NOT_FOUND) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "pcr-unexplained", NULL,
                          "a PCR is quoted of which nothing says what it should hold");
        return SL_OK;
    }
    rc = rc == SL_OK ? replay_start(walk) : rc;
    rc = rc == SL_OK ? prefix_find(walk, &is_met) : rc;
    if (rc != SL_OK) {
        return rc == SL_UNSUPPORTED || rc == SL_RANGE ? SL_CRYPTO : rc;
    }
    return found_judge(walk, is_met, ret_is_good);
}

static sl_rc walk_init(struct walk *walk)
{
    walk->entry = malloc(sizeof(*walk->entry));
    walk->steps = malloc(STEPS * sizeof(*walk->steps));
    walk->bad_hashes = calloc(walk->size / ENTRY_SIZE_MIN / 8 + 1, 1);
    return walk->entry != NULL && walk->steps != NULL && walk->bad_hashes != NULL ? SL_OK
                                                                                  : SL_NO_MEMORY;
}

sl_rc sl_tpm_list_judge(struct sl_tpm_round *round, bool *ret_is_good)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    sl_rc rc = SL_OK;

    *ret_is_good = false;
    if (walk == NULL) {
        return SL_NO_MEMORY;
    }
    walk->round = round;
    if (!round->policy->has_ima) {
        rc = sl_ima_log_init(&walk->log, (struct sl_blob){NULL, 0}, SL_IMA_BINARY, NULL);
    } else if (!list_read(walk)) {
        goto out;
    }
    rc = rc == SL_OK ? walk_init(walk) : rc;
    rc = rc == SL_OK ? list_walk(walk, ret_is_good) : rc;
out:
    sl_ima_log_done(&walk->log);
    free(walk->bad_hashes);
    free(walk->steps);
    free(walk->entry);
    free(walk->data);
    free(walk);
    return rc;
}
