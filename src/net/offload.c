/* SPDX-License-Identifier: Apache-2.0 */
/* The watch over offload: suspicion, trial without, verdict, and another chance later. */
#include "net/offload.h"

#include <stdio.h>
#include <string.h>

#define S           1000000000ull
#define WINDOW_NS   (S / 2) /* a window is judged after this time ... */
#define WINDOW_MIN  200     /* ... and at least this many packets: probes alone are no evidence */
#define SETTLE_NS   (3 * S / 2) /* what was under way, and totals that come late, are not judged */
#define TRIAL_NS    (2 * S)
#define PATIENCE_NS (20 * S) /* a trial without enough traffic ends undecided */
#define RETRY_MIN   (60 * S)
#define RETRY_MAX   (3600 * S)

/* Harm that starts an experiment, and how much better it must be without. Ordinary congestion loses
 * a few percent with and without trains: then offload stays on. */
static const double SUSPECT_LOSS = 0.05;
static const double SUSPECT_BAD = 0.001;
static const double BETTER = 0.25;
enum { SUSPECT_WINDOWS = 2 };

static void window_start(struct sl_offload *o, const struct sl_offload_sample *totals,
                         uint64_t now_ns)
{
    o->start = *totals;
    o->window_ns = now_ns;
}

void sl_offload_init(struct sl_offload *o, bool is_allowed, uint64_t now_ns)
{
    memset(o, 0, sizeof(*o));
    o->state = is_allowed ? SL_OFFLOAD_ON : SL_OFFLOAD_FIXED;
    o->window_ns = now_ns;
    o->retry_wait_ns = RETRY_MIN;
    (void)snprintf(o->reason, sizeof(o->reason), "%s",
                   is_allowed ? "no harm seen" : "off by configuration");
}

bool sl_offload_is_on(const struct sl_offload *o)
{
    return o->state == SL_OFFLOAD_ON;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

/* Bad ICVs weigh more than loss: nothing but damage makes them. */
static double harm_of(const struct sl_offload_sample *delta)
{
    uint64_t all = delta->good + delta->lost + delta->bad;
    double harm = share(delta->lost + 10 * delta->bad, all);
    return harm < 1 ? harm : 1;
}

/* Authentic packets per second of the window that ends now. */
static double rate_of(const struct sl_offload *o, const struct sl_offload_sample *delta,
                      uint64_t now_ns)
{
    return (double)delta->good * (double)S / (double)(now_ns - o->window_ns);
}

static void judge_on(struct sl_offload *o, const struct sl_offload_sample *delta,
                     const struct sl_offload_sample *totals, uint64_t now_ns)
{
    uint64_t all = delta->good + delta->lost + delta->bad;
    bool is_suspect =
        share(delta->bad, all) > SUSPECT_BAD || share(delta->lost, all) > SUSPECT_LOSS;
    o->bad_windows = is_suspect ? o->bad_windows + 1 : 0;
    o->harm_on = is_suspect ? harm_of(delta) : 0;
    o->is_damaged_on = share(delta->bad, all) > SUSPECT_BAD;
    o->rate_on = rate_of(o, delta, now_ns);
    if (o->bad_windows >= SUSPECT_WINDOWS) {
        o->state = SL_OFFLOAD_TRIAL;
        o->trial_ns = now_ns;
        (void)snprintf(o->reason, sizeof(o->reason),
                       "trial without: %.1f%% lost and %.1f%% damaged with offload on",
                       100 * share(delta->lost, all), 100 * share(delta->bad, all));
    }
    window_start(o, totals, now_ns);
}

static void judge_trial(struct sl_offload *o, const struct sl_offload_sample *delta,
                        const struct sl_offload_sample *totals, uint64_t now_ns)
{
    double harm_off = harm_of(delta);
    /* A full queue loses packets too, and loses fewer once the slower sender no longer fills it.
     * Where trains are what is lost, more arrives without them. */
    bool is_more = o->is_damaged_on || rate_of(o, delta, now_ns) >= o->rate_on;
    o->bad_windows = 0;
    if (harm_off <= o->harm_on * BETTER && !is_more) {
        o->state = SL_OFFLOAD_ON;
        (void)snprintf(o->reason, sizeof(o->reason),
                       "on: %.1f%% are lost with it, but fewer arrive without: a full queue, not "
                       "damage",
                       100 * o->harm_on);
    } else if (harm_off <= o->harm_on * BETTER) {
        o->state = SL_OFFLOAD_OFF;
        o->switched++;
        o->retry_ns = now_ns + o->retry_wait_ns;
        (void)snprintf(
            o->reason, sizeof(o->reason),
            "off: harm fell from %.1f%% to %.1f%% without it; this path or kernel breaks "
            "trains",
            100 * o->harm_on, 100 * harm_off);
        o->retry_wait_ns = 2 * o->retry_wait_ns > RETRY_MAX ? RETRY_MAX : 2 * o->retry_wait_ns;
    } else {
        o->state = SL_OFFLOAD_ON;
        (void)snprintf(o->reason, sizeof(o->reason),
                       "on: the path is as bad without it (%.1f%% with, %.1f%% without)",
                       100 * o->harm_on, 100 * harm_off);
    }
    window_start(o, totals, now_ns);
}

/* Back to ON, with a clean record. */
static void turn_on(struct sl_offload *o, const char *reason,
                    const struct sl_offload_sample *totals, uint64_t now_ns)
{
    o->state = SL_OFFLOAD_ON;
    o->bad_windows = 0;
    (void)snprintf(o->reason, sizeof(o->reason), "%s", reason);
    window_start(o, totals, now_ns);
}

/* A window is judged once it is old enough and holds enough packets; one that stays too thin is
 * given up. */
static void window_check(struct sl_offload *o, const struct sl_offload_sample *totals,
                         uint64_t now_ns)
{
    const struct sl_offload_sample delta = {
        totals->good - o->start.good, totals->lost - o->start.lost, totals->bad - o->start.bad};
    bool is_trial = o->state == SL_OFFLOAD_TRIAL;
    uint64_t age = now_ns - o->window_ns;
    if (age < (is_trial ? TRIAL_NS : WINDOW_NS)) {
        return;
    }
    if (delta.good + delta.lost + delta.bad >= WINDOW_MIN) {
        (is_trial ? judge_trial : judge_on)(o, &delta, totals, now_ns);
    } else if (age >= PATIENCE_NS && is_trial) {
        turn_on(o, "on: too little traffic to compare", totals, now_ns);
    } else if (age >= PATIENCE_NS) {
        window_start(o, totals, now_ns);
    }
}

bool sl_offload_update(struct sl_offload *o, const struct sl_offload_sample *totals,
                       uint64_t now_ns)
{
    bool is_new_count =
        totals->good < o->start.good || totals->lost < o->start.lost || totals->bad < o->start.bad;
    bool is_settling = o->state == SL_OFFLOAD_TRIAL && now_ns - o->trial_ns < SETTLE_NS;
    if (is_new_count || is_settling) { /* SAs were replaced, or too early to tell */
        window_start(o, totals, now_ns);
    }
    if (o->state == SL_OFFLOAD_ON || o->state == SL_OFFLOAD_TRIAL) {
        window_check(o, totals, now_ns);
    } else if (o->state == SL_OFFLOAD_OFF && now_ns >= o->retry_ns) {
        turn_on(o, "on again, to see whether the path healed", totals, now_ns);
    }
    o->last = *totals;
    return sl_offload_is_on(o);
}

const char *sl_offload_state_text(enum sl_offload_state state)
{
    static const char *const text[] = {"on", "trial", "off", "off by configuration"};
    return (unsigned)state < 4 ? text[state] : "unknown";
}
