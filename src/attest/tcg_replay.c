/* SPDX-License-Identifier: Apache-2.0 */
/* What the registers hold after a boot event log. */
#include <string.h>

#include "attest/tcg_log.h"

/* TCG PC Client Platform Firmware Profile 10.4.5.3 */
static const uint32_t EV_EFI_HCRTM_EVENT = 0x80000010;
static const char STARTUP_LOCALITY[16] = "StartupLocality";

enum {
    DRTM_FIRST = 17, /* PCRs 17 to 22 are all ones until a dynamic launch */
    DRTM_LAST = 22,
    HCRTM_LOCALITY = 4,
    RTMR_FIRST = 1, /* CC measurement register of RTMR0 */
};

struct replay {
    struct sl_tcg_replay *out;
    const struct sl_tpm_hash *hash;
    bool is_tpm; /* else registers of a TDX guest */
};

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

/* PFP 3.3.2: a CRTM in hardware measures into PCR 0 before TPM2_Startup, which then begins with the
 * value 4 (TPM part 1, 34.3); some firmware tells it by this event alone. */
static void hcrtm(struct replay *replay, const struct sl_tcg_event *event)
{
    if (replay->is_tpm && event->mr == 0 && event->type == EV_EFI_HCRTM_EVENT &&
        replay->out->event_count[0] == 0 && replay->out->startup_locality == 0) {
        replay->out->startup_locality = HCRTM_LOCALITY;
        replay->out->mr[0][replay->hash->size - 1] = HCRTM_LOCALITY;
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
    hcrtm(replay, event);
    uint8_t *mr = replay->out->mr[event->mr];
    sl_rc rc =
        sl_tpm_hash_two(replay->hash, mr, replay->hash->size, digest, replay->hash->size, mr);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "event log: %s cannot be computed", replay->hash->name);
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
    struct replay replay = {.out = &out, .hash = hash, .is_tpm = is_tpm};
    sl_rc rc = run(log, &replay, err);
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
