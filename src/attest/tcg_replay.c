/* SPDX-License-Identifier: Apache-2.0 */
/* What the registers hold after a boot event log. */
#include <openssl/evp.h>
#include <string.h>

#include "attest/tcg_log.h"

/* TCG PC Client Platform Firmware Profile 10.4.5.3 */
static const char STARTUP_LOCALITY[16] = "StartupLocality";

enum {
    DRTM_FIRST = 17, /* PCRs 17 to 22 are all ones until a dynamic launch */
    DRTM_LAST = 22,
    RTMR_FIRST = 1, /* CC measurement register of RTMR0 */
};

struct replay {
    struct sl_tcg_replay *out;
    const struct sl_tpm_hash *hash;
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};

static bool extend(struct replay *replay, uint8_t *mr, const uint8_t *digest)
{
    size_t size = replay->hash->size;
    return EVP_DigestInit_ex2(replay->ctx, replay->md, NULL) == 1 &&
           EVP_DigestUpdate(replay->ctx, mr, size) == 1 &&
           EVP_DigestUpdate(replay->ctx, digest, size) == 1 &&
           EVP_DigestFinal_ex(replay->ctx, mr, NULL) == 1;
}

/* "PCR[0] is initialised with the locality", told by an event that extends nothing. Only the first
 * counts, and only before PCR 0 was extended: a later one would rewrite history. */
static void startup_locality(struct replay *replay, const struct sl_tcg_event *event)
{
    if (event->mr == 0 && event->size == sizeof(STARTUP_LOCALITY) + 1 &&
        memcmp(event->data, STARTUP_LOCALITY, sizeof(STARTUP_LOCALITY)) == 0 &&
        replay->out->event_count[0] == 0 && replay->out->startup_locality == 0) {
        replay->out->startup_locality = event->data[sizeof(STARTUP_LOCALITY)];
        replay->out->mr[0][replay->hash->size - 1] = replay->out->startup_locality;
    }
}

static sl_rc apply(struct replay *replay, const struct sl_tcg_event *event, struct sl_err *err)
{
    if (event->type == SL_TCG_EV_NO_ACTION) {
        startup_locality(replay, event);
        return SL_OK;
    }
    if (event->mr >= SL_TPM_PCR_COUNT) {
        return sl_err_set(
            err, SL_RANGE, "event log: event %llu at byte %zu extends register %u, there are %d",
            (unsigned long long)event->number, event->off, event->mr, SL_TPM_PCR_COUNT);
    }
    const uint8_t *digest = sl_tcg_event_digest(event, replay->hash->alg);
    if (digest == NULL) {
        return sl_err_set(err, SL_MALFORMED,
                          "event log: event %llu at byte %zu has no %s digest: it cannot be "
                          "replayed",
                          (unsigned long long)event->number, event->off, replay->hash->name);
    }
    if (!extend(replay, replay->out->mr[event->mr], digest)) {
        return sl_err_set(err, SL_CRYPTO, "event log: %s failed", replay->hash->name);
    }
    replay->out->event_count[event->mr]++;
    return SL_OK;
}

static bool has_bank(const struct sl_tcg_log *log, uint16_t alg)
{
    for (size_t i = 0; i < log->algorithm_count; i++) {
        if (log->algorithms[i].alg == alg) {
            return true;
        }
    }
    return false;
}

static sl_rc run(struct sl_blob data, struct replay *replay, struct sl_err *err)
{
    struct sl_tcg_log log;
    sl_rc rc = sl_tcg_log_init(&log, data, err);
    if (rc == SL_OK && !has_bank(&log, replay->hash->alg)) {
        rc = sl_err_set(err, SL_UNSUPPORTED, "event log: it has no %s digests", replay->hash->name);
    }
    while (rc == SL_OK) {
        struct sl_tcg_event event;
        rc = sl_tcg_log_next(&log, &event, err);
        if (rc == SL_OK) {
            rc = apply(replay, &event, err);
        }
    }
    return rc == SL_NOT_FOUND ? SL_OK : rc;
}

static sl_rc replay_bank(struct sl_blob log, const struct sl_tpm_hash *hash, bool is_tpm,
                         struct sl_tcg_replay *ret_replay, struct sl_err *err)
{
    struct sl_tcg_replay out = {.startup_locality = 0};
    for (size_t i = DRTM_FIRST; i <= DRTM_LAST && is_tpm; i++) {
        memset(out.mr[i], 0xff, hash->size);
    }
    struct replay replay = {.out = &out,
                            .hash = hash,
                            .md = EVP_MD_fetch(NULL, hash->openssl, NULL),
                            .ctx = EVP_MD_CTX_new()};
    sl_rc rc = SL_OK;
    if (replay.ctx == NULL) {
        rc = SL_NO_MEMORY;
    } else if (replay.md == NULL) {
        rc = sl_err_set(err, SL_UNSUPPORTED, "event log: OpenSSL has no %s", hash->name);
    } else {
        rc = run(log, &replay, err);
    }
    EVP_MD_CTX_free(replay.ctx);
    EVP_MD_free(replay.md);
    if (rc == SL_OK) {
        *ret_replay = out;
    }
    return rc;
}

sl_rc sl_tcg_log_replay(struct sl_blob log, const struct sl_tpm_hash *hash,
                        struct sl_tcg_replay *ret_replay, struct sl_err *err)
{
    return replay_bank(log, hash, true, ret_replay, err);
}

sl_rc sl_ccel_replay(struct sl_blob log, uint8_t ret_rtmr[SL_TCG_RTMR_COUNT][SL_TCG_RTMR_SIZE],
                     uint32_t ret_count[SL_TCG_RTMR_COUNT], struct sl_err *err)
{
    struct sl_tcg_replay replay;
    sl_rc rc = replay_bank(log, sl_tpm_hash_by_alg(SL_TPM_ALG_SHA384), false, &replay, err);
    for (size_t i = RTMR_FIRST + SL_TCG_RTMR_COUNT; i < SL_TPM_PCR_COUNT && rc == SL_OK; i++) {
        if (replay.event_count[i] != 0) {
            rc = sl_err_set(err, SL_RANGE,
                            "event log: %u events extend register %zu, and RTMR3 is register 4",
                            replay.event_count[i], i);
        }
    }
    for (size_t i = 0; i < SL_TCG_RTMR_COUNT && rc == SL_OK; i++) {
        memcpy(ret_rtmr[i], replay.mr[RTMR_FIRST + i], SL_TCG_RTMR_SIZE);
        if (ret_count != NULL) {
            ret_count[i] = replay.event_count[RTMR_FIRST + i];
        }
    }
    return rc;
}
