/* SPDX-License-Identifier: Apache-2.0 */
/* Packetization-layer path MTU discovery, many sizes at a time. */
#include "net/pmtu.h"

#include <string.h>

#define MS         1000000ull
#define CONFIRM_NS (3000 * MS)
#define RAISE_NS   (600000 * MS) /* RFC 8899 5.1.1: PMTU_RAISE_TIMER */
#define ROUND_MIN  (150 * MS)
#define ROUND_MAX  (2000 * MS)

enum {
    TRIES = 3,    /* RFC 8899 5.1.2: MAX_PROBES */
    LOST_MAX = 2, /* confirmations lost before a black hole is believed */
    SILENT_MAX = 3,
    COMMON_COUNT = 2,
};

/* Inner sizes that common links give: tried first, each usually ends the search at once.
 * Ethernet 1500 under IPv4 and IPv6 with UDP. */
static const uint32_t common[COMMON_COUNT] = {1438, 1418};

static uint64_t round_ns(const struct sl_pmtu *p)
{
    uint64_t wait = p->rtt_ns == 0 ? 4 * ROUND_MIN : 3 * p->rtt_ns;
    return wait < ROUND_MIN ? ROUND_MIN : wait > ROUND_MAX ? ROUND_MAX : wait;
}

void sl_pmtu_restart(struct sl_pmtu *p, uint64_t now_ns)
{
    p->state = SL_PMTU_SEARCHING;
    p->low = 0;
    p->high = p->max + 1;
    p->mtu = p->is_fixed ? p->max : p->base;
    p->tries = 0;
    p->lost = 0;
    p->probe_count = 0;
    p->next_ns = now_ns;
    p->raise_ns = now_ns + RAISE_NS;
    p->searches++;
}

void sl_pmtu_init(struct sl_pmtu *p, uint32_t base, uint32_t max, uint64_t first_id,
                  uint64_t now_ns)
{
    memset(p, 0, sizeof(*p));
    p->base = base;
    p->max = max > base ? max : base;
    p->is_fixed = max <= base;
    p->next_id = first_id;
    sl_pmtu_restart(p, now_ns);
}

static void probe_add(struct sl_pmtu *p, uint32_t size)
{
    for (uint32_t i = 0; i < p->probe_count; i++) {
        if (p->probes[i].size == size) {
            return;
        }
    }
    if (p->probe_count < SL_PMTU_PROBES_MAX) {
        p->probes[p->probe_count++] = (struct sl_pmtu_probe){.size = size};
    }
}

static void plan_begin(struct sl_pmtu *p)
{
    p->probe_count = 0;
    p->tries = 0;
    p->plan_id = p->next_id;
}

/* Chooses the sizes of a search round: the small one, base, the common ones, max, and an even
 * division of what lies between. */
static void search_plan(struct sl_pmtu *p)
{
    plan_begin(p);
    probe_add(p, SL_PMTU_SMALL);
    if (p->low < p->base) {
        probe_add(p, p->base);
    }
    if (p->is_fixed) {
        return;
    }
    if (p->high > p->max) {
        probe_add(p, p->max);
        for (int i = 0; i < COMMON_COUNT; i++) {
            if (common[i] > p->low && common[i] < p->max) {
                probe_add(p, common[i]);
            }
        }
    }
    uint32_t floor = p->low < p->base ? p->base : p->low;
    uint32_t gap = p->high > floor ? p->high - floor : 0;
    uint32_t count = SL_PMTU_PROBES_MAX - p->probe_count;
    for (uint32_t i = 1; i <= count; i++) {
        uint32_t size = floor + (uint32_t)((uint64_t)gap * i / (count + 1));
        size = (size & ~(uint32_t)(SL_PMTU_GRANULARITY - 1)) + 2; /* pads to nothing */
        if (size > floor && size < p->high) {
            probe_add(p, size);
        }
    }
}

static void confirm_plan(struct sl_pmtu *p)
{
    plan_begin(p);
    probe_add(p, SL_PMTU_SMALL);
    probe_add(p, p->mtu);
}

static uint32_t round_send(struct sl_pmtu *p, uint64_t now_ns)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->probe_count; i++) {
        if (!p->probes[i].is_answered && p->probes[i].size < p->high) {
            struct sl_pmtu_probe probe = p->probes[i];
            probe.id = p->next_id++;
            probe.sent_ns = now_ns;
            p->probes[i] = p->probes[count];
            p->probes[count++] = probe;
            p->history[probe.id % SL_PMTU_HISTORY] = probe;
        }
    }
    p->tries++;
    p->sent += count;
    p->next_ns = now_ns + round_ns(p);
    return count;
}

static bool is_small_answered(const struct sl_pmtu *p)
{
    for (uint32_t i = 0; i < p->probe_count; i++) {
        if (p->probes[i].is_answered) {
            return true; /* any answer is a sign of life */
        }
    }
    return false;
}

static void complete(struct sl_pmtu *p, uint64_t now_ns, enum sl_pmtu_state state)
{
    p->state = state;
    p->lost = 0;
    p->probe_count = 0;
    p->next_ns = now_ns + CONFIRM_NS;
}

/* A search round is over: narrows the range, or ends the search. */
static uint32_t search_evaluate(struct sl_pmtu *p, uint64_t now_ns)
{
    if (!is_small_answered(p)) {
        p->state = ++p->silent >= SILENT_MAX ? SL_PMTU_SILENT : p->state;
        search_plan(p);
        return round_send(p, now_ns);
    }
    p->silent = 0;
    for (uint32_t i = 0; i < p->probe_count; i++) {
        const struct sl_pmtu_probe *probe = &p->probes[i];
        if (!probe->is_answered && probe->size > p->low && probe->size < p->high) {
            p->high = probe->size;
        }
    }
    if (p->low < p->base) {
        p->mtu = p->is_fixed ? p->max : p->base;
        p->high = p->max + 1; /* base is probed again: the path may widen */
        complete(p, now_ns, SL_PMTU_ERROR);
        return 0;
    }
    p->state = SL_PMTU_SEARCHING;
    p->mtu = p->low;
    if (p->is_fixed || p->high <= p->low + SL_PMTU_GRANULARITY) {
        complete(p, now_ns, SL_PMTU_COMPLETE);
        return 0;
    }
    search_plan(p);
    return round_send(p, now_ns);
}

static bool is_mtu_answered(const struct sl_pmtu *p)
{
    for (uint32_t i = 0; i < p->probe_count; i++) {
        if (p->probes[i].is_answered && p->probes[i].size == p->mtu) {
            return true;
        }
    }
    return false;
}

/* RFC 8899 5.1.1: from time to time a confirmed size is tried larger. */
static void raise_if_due(struct sl_pmtu *p, uint64_t now_ns)
{
    if (p->state == SL_PMTU_COMPLETE && now_ns >= p->raise_ns && !p->is_fixed) {
        p->raise_ns = now_ns + RAISE_NS;
        p->high = p->max + 1;
        p->state = SL_PMTU_SEARCHING;
        p->next_ns = now_ns;
        p->searches++;
    }
}

/* A confirmation came at its end without an answer for the size in use. */
static void confirm_missed(struct sl_pmtu *p, bool is_alive, uint64_t now_ns)
{
    if (p->state == SL_PMTU_ERROR) {
        complete(p, now_ns, SL_PMTU_ERROR); /* as narrow as before */
        return;
    }
    p->lost += is_alive ? 1 : 0;
    if (p->lost >= LOST_MAX) {
        p->black_holes += p->state == SL_PMTU_COMPLETE;
        sl_pmtu_restart(p, now_ns);
        return;
    }
    p->probe_count = 0;
    p->next_ns = now_ns + round_ns(p);
    raise_if_due(p, now_ns);
}

static void confirm_evaluate(struct sl_pmtu *p, uint64_t now_ns)
{
    bool is_alive = is_small_answered(p);
    p->silent = is_alive ? 0 : p->silent + 1;
    if (p->silent >= SILENT_MAX) {
        /* A dead path says nothing of its width. To go down to the base size now would tell every
         * sender to cut its packets, for minutes, on a path that comes back as it was. */
        uint32_t mtu = p->mtu;
        p->silent = 0;
        sl_pmtu_restart(p, now_ns);
        p->state = SL_PMTU_SILENT;
        p->mtu = mtu;
    } else if (!is_mtu_answered(p)) {
        confirm_missed(p, is_alive, now_ns);
    } else if (p->state == SL_PMTU_ERROR) {
        sl_pmtu_restart(p, now_ns); /* the path got wider */
    } else {
        complete(p, now_ns, SL_PMTU_COMPLETE);
        raise_if_due(p, now_ns);
    }
}

uint32_t sl_pmtu_poll(struct sl_pmtu *p, uint64_t now_ns)
{
    if (now_ns < p->next_ns) {
        return 0;
    }
    bool is_search = p->state == SL_PMTU_SEARCHING || p->state == SL_PMTU_SILENT;
    if (p->probe_count == 0) {
        if (is_search) {
            search_plan(p);
        } else {
            confirm_plan(p);
        }
        return round_send(p, now_ns);
    }
    bool is_all_answered = true;
    for (uint32_t i = 0; i < p->probe_count; i++) {
        is_all_answered &= p->probes[i].is_answered || p->probes[i].size >= p->high;
    }
    if (!is_all_answered && p->tries < TRIES) {
        return round_send(p, now_ns);
    }
    if (is_search) {
        return search_evaluate(p, now_ns);
    }
    confirm_evaluate(p, now_ns);
    return 0;
}

/* Takes an answer to whichever try: on a path whose queues fill, that is not the last one.
 * @return whether this round waits for it */
static bool history_take(struct sl_pmtu *p, uint64_t id, uint32_t size, uint64_t now_ns)
{
    struct sl_pmtu_probe *sent = &p->history[id % SL_PMTU_HISTORY];
    if (sent->id != id || sent->size != size || sent->is_answered) {
        return false;
    }
    sent->is_answered = true;
    p->rtt_ns = now_ns - sent->sent_ns;
    p->silent = 0;
    return id - p->plan_id < SL_PMTU_HISTORY;
}

bool sl_pmtu_answer(struct sl_pmtu *p, uint64_t id, uint32_t size, uint64_t now_ns)
{
    bool is_all = true;
    bool is_found = false;
    if (!history_take(p, id, size, now_ns)) {
        return false;
    }
    for (uint32_t i = 0; i < p->probe_count; i++) {
        struct sl_pmtu_probe *probe = &p->probes[i];
        if (probe->size == size && !probe->is_answered) {
            probe->is_answered = true;
            is_found = true;
            p->low = size > p->low && size != SL_PMTU_SMALL ? size : p->low;
            p->answered++;
        }
        is_all &= probe->is_answered || probe->size >= p->high;
    }
    if (is_found && is_all) {
        p->next_ns = now_ns; /* no need to wait for the end of the round */
    }
    return is_found;
}

void sl_pmtu_refused(struct sl_pmtu *p, uint32_t size)
{
    if (size < p->high && size > p->low) {
        p->high = size;
    }
}

const char *sl_pmtu_state_text(enum sl_pmtu_state state)
{
    static const char *const text[] = {"searching", "complete", "base size does not pass",
                                       "no answer"};
    return (unsigned)state < 4 ? text[state] : "unknown";
}
