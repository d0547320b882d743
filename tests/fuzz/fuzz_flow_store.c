/* SPDX-License-Identifier: Apache-2.0 */
/* The flow store against an array, while the host changes, copies and puts back what is outside.
 *
 * Input: steps of u8 what and u16 slot. A record that is handed out is the one that was written
 * last; a record is lost only where the host has meddled, and then for good. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "flow/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COUNT = 1536, RECORD = 48, STRIDE = 64, STEP = 3 };

static uint8_t outside[COUNT * STRIDE] __attribute__((aligned(64)));
static uint8_t kept[COUNT * STRIDE];

struct world {
    struct sl_flow_store *store;
    uint32_t version[COUNT]; /* of the record; 0: the slot is free */
    bool is_lost[COUNT];
    bool is_meddled;
    uint32_t clock;
};

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static void pattern(uint8_t *record, uint32_t slot, uint32_t version)
{
    for (uint32_t i = 0; i < RECORD; i++) {
        record[i] = (uint8_t)(slot * 7 + version * 31 + i);
    }
}

static void check(struct world *w, uint32_t slot, sl_rc rc, const uint8_t *record)
{
    uint8_t wanted[RECORD];
    pattern(wanted, slot, w->version[slot]);
    if (rc == SL_OK) {
        expect(!w->is_lost[slot] && memcmp(record, wanted, RECORD) == 0);
    } else {
        expect(rc == SL_AUTH && w->is_meddled);
        w->is_lost[slot] = true;
    }
}

static void take(struct world *w)
{
    uint32_t slot = 0;
    void *record = NULL;
    if (sl_flow_store_take(w->store, &slot, &record) == SL_OK) {
        expect(slot < COUNT && w->version[slot] == 0);
        w->version[slot] = ++w->clock;
        w->is_lost[slot] = false;
        pattern(record, slot, w->clock);
    }
}

static void pin(struct world *w, uint32_t slot, bool will_write)
{
    void *record = NULL;
    sl_flow_store_prefetch_place(w->store, slot);
    sl_flow_store_prefetch(w->store, slot, 1);
    sl_rc rc = sl_flow_store_pin(w->store, slot, will_write, &record);
    if (rc == SL_NO_SPACE) {
        sl_flow_store_unpin(w->store);
        rc = sl_flow_store_pin(w->store, slot, will_write, &record);
    }
    check(w, slot, rc, record);
    if (rc == SL_OK && will_write) {
        w->version[slot] = ++w->clock;
        pattern(record, slot, w->clock);
    }
}

static void meddle(struct world *w, uint8_t how, uint32_t slot)
{
    uint8_t *at = outside + (size_t)slot * STRIDE;
    switch (how % 5) {
    case 0:
        at[how / 5 % STRIDE] ^= 1;
        break;
    case 1:
        memcpy(at, outside + (size_t)((slot + how) % COUNT) * STRIDE, STRIDE);
        break;
    case 2:
        memcpy(kept, outside, sizeof(kept));
        return;
    case 3:
        memcpy(at, kept + (size_t)slot * STRIDE, STRIDE);
        break;
    default:
        memcpy(outside, kept, sizeof(outside));
        break;
    }
    w->is_meddled = true;
}

static void step(struct world *w, uint8_t what, uint32_t slot)
{
    uint8_t record[RECORD];
    bool is_taken = w->version[slot] != 0;
    switch (what % 8) {
    case 0:
        take(w);
        break;
    case 1:
        if (is_taken) {
            sl_flow_store_give(w->store, slot);
            w->version[slot] = 0;
        }
        break;
    case 2:
    case 3:
        if (is_taken) {
            pin(w, slot, what % 8 == 3);
        }
        break;
    case 4:
        sl_flow_store_unpin(w->store);
        break;
    case 5:
        if (is_taken) {
            check(w, slot, sl_flow_store_peek(w->store, slot, record), record);
        }
        break;
    case 6: /* a run of looks, so that records move */
        for (uint32_t i = 0; i < 64; i++) {
            uint32_t at = (slot + i * 5) % COUNT;
            if (w->version[at] != 0) {
                pin(w, at, (what & 8) != 0);
            }
        }
        sl_flow_store_unpin(w->store);
        break;
    default:
        meddle(w, what / 8, slot);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    const struct sl_flow_store_params params = {.record_size = RECORD,
                                                .count = COUNT,
                                                .inside_count = 1,
                                                .outside = outside,
                                                .outside_size = sizeof(outside)};
    memset(&w, 0, sizeof(w));
    expect(sl_flow_store_create(&params, &w.store, NULL) == SL_OK);
    for (uint32_t i = 0; i < COUNT - 100; i++) {
        take(&w);
        if (i % 64 == 0) {
            sl_flow_store_unpin(w.store);
        }
    }
    sl_flow_store_unpin(w.store);
    for (; size >= STEP; data += STEP, size -= STEP) {
        step(&w, data[0], (uint32_t)(data[1] << 8 | data[2]) % COUNT);
    }
    sl_flow_store_unpin(w.store);
    for (uint32_t slot = 0; slot < COUNT; slot++) {
        uint8_t record[RECORD];
        if (w.version[slot] != 0) {
            check(&w, slot, sl_flow_store_peek(w.store, slot, record), record);
        }
    }
    sl_flow_store_free(w.store);
    return 0;
}
