/* SPDX-License-Identifier: Apache-2.0 */
/* What follows where the image's clock is bent. */
#include <stdio.h>
#include <string.h>

#include "gateway/session.h"

#define SECOND 1000000000ull
/* A bent clock is told for so long after it was seen last. */
#define TOLD_NS (30 * SECOND)

sl_rc sl_session_clock_check(struct sl_session *session, uint64_t sent_ns, uint64_t heard_ns,
                             struct sl_err *err)
{
    int64_t off_ns = 0;
    (void)pthread_mutex_lock(&session->lock);
    uint64_t image_ns =
        (uint64_t)json_integer_value(json_object_get(session->image_status, "uptime_ms")) *
        1000000u;
    /* forbidden: waived, hashes of public keys */
    if (memcmp(session->clock_key, session->peer_key, sizeof(session->clock_key)) != 0) {
        memcpy(session->clock_key, session->peer_key, sizeof(session->clock_key));
        sl_gw_clock_reset(&session->clock);
    }
    bool is_good = sl_gw_clock_sample(&session->clock, sent_ns, heard_ns, image_ns, &off_ns);
    if (!is_good) {
        session->clock_bad_ns = heard_ns;
        session->clock_off_ns = off_ns;
    }
    (void)pthread_mutex_unlock(&session->lock);
    if (is_good) {
        return SL_OK;
    }
    sl_session_audit_note(session, SL_AUDIT_CLOCK,
                          session->config->is_clock_strict ? SL_AUDIT_REFUSED : SL_AUDIT_LOST,
                          json_pack("{s:I}", "off_ms", (json_int_t)(off_ns / 1000000)));
    if (!session->config->is_clock_strict) {
        return SL_OK;
    }
    struct sl_err ignored = {0}; /* where it does not answer, our own SAs go all the same */
    (void)!sl_client_sa_clear(session->client, 1000, &ignored);
    session->is_refused = true;
    return sl_err_set(err, SL_DENIED,
                      "the image's clock is %lld ms off ours: its host bends it, and its lease "
                      "cannot be relied on (on_clock_warp: stop)",
                      (long long)(off_ns / 1000000));
}

bool sl_session_clock_reason(struct sl_session *session, char *text, size_t size)
{
    if (session->clock_bad_ns == 0 || sl_gw_now_ns() - session->clock_bad_ns > TOLD_NS) {
        return false;
    }
    (void)snprintf(text, size,
                   "the image's clock was %lld ms off ours: its host bends it; its lease and its "
                   "overlaps cannot be relied on",
                   (long long)(session->clock_off_ns / 1000000));
    return true;
}

json_t *sl_session_clock_status(const struct sl_session *session)
{
    return json_pack("{s:I, s:I, s:I}", "checks", (json_int_t)session->clock.checks, "warps",
                     (json_int_t)session->clock.warps, "worst_ms",
                     (json_int_t)(session->clock.worst_ns / 1000000));
}
