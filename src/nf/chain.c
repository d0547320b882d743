/* SPDX-License-Identifier: Apache-2.0 */
/* Chains: built from a bundle, run over bursts. */
#include "nf/chain.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { BUNDLE_FORMAT = 1 };

struct chain_entry {
    const struct sl_nf *nf;
    void *state;
    struct sl_chain_nf_totals totals;
};

struct sl_chain {
    uint64_t version;
    uint32_t count;
    struct chain_entry entries[SL_CHAIN_NF_MAX];
};

static const struct sl_nf *find_nf(const char *name)
{
    for (uint32_t i = 0; i < sl_nf_registered_count(); i++) {
        const struct sl_nf *nf = sl_nf_registered(i);
        if (strcmp(nf->name, name) == 0) {
            return nf;
        }
    }
    return NULL;
}

/* Reads one NF of the bundle and loads its policy into the next entry, or shares that of `first`.
 */
static sl_rc load_entry(struct sl_chain *chain, struct sl_reader *r, const struct sl_chain *first,
                        struct sl_err *err)
{
    uint32_t index = chain->count;
    char name[SL_NF_NAME_MAX];
    sl_reader_string(r, name, sizeof(name));
    uint32_t size = sl_reader_be32(r);
    const uint8_t *policy = sl_reader_bytes(r, size);
    if (r->rc != SL_OK) {
        return sl_err_set(err, r->rc, "chain bundle: NF %u at byte %zu: %s", index, r->off,
                          sl_rc_text(r->rc));
    }
    const struct sl_nf *nf = find_nf(name);
    if (nf == NULL) {
        return sl_err_set(err, SL_NOT_FOUND, "chain bundle: NF %u: this image has no NF \"%s\"",
                          index, name);
    }
    char reason[256] = "";
    void *state = NULL;
    bool is_shared = first != NULL && nf->share != NULL && index < first->count &&
                     first->entries[index].nf == nf;
    sl_rc rc = is_shared ? nf->share(first->entries[index].state, &state)
                         : nf->load(policy, size, &state, reason, sizeof(reason));
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "chain bundle: NF %u \"%s\": policy refused: %s", index, name,
                          reason[0] != '\0' ? reason : sl_rc_text(rc));
    }
    chain->entries[index] = (struct chain_entry){.nf = nf, .state = state};
    chain->count++;
    return SL_OK;
}

static sl_rc read_bundle(struct sl_chain *chain, struct sl_reader *r, const struct sl_chain *first,
                         struct sl_err *err)
{
    uint32_t magic = sl_reader_be32(r);
    uint16_t format = sl_reader_be16(r);
    uint16_t count = sl_reader_be16(r);
    chain->version = sl_reader_be64(r);
    if (r->rc != SL_OK) {
        return sl_err_set(err, r->rc, "chain bundle: %zu bytes are less than its header", r->size);
    }
    if (magic != SL_CHAIN_MAGIC) {
        return sl_err_set(err, SL_MALFORMED, "chain bundle: starts with %08x, expected \"SLCB\"",
                          magic);
    }
    if (format != BUNDLE_FORMAT) {
        return sl_err_set(err, SL_UNSUPPORTED, "chain bundle: format %u, this image reads %u",
                          format, BUNDLE_FORMAT);
    }
    if (count == 0 || count > SL_CHAIN_NF_MAX) {
        return sl_err_set(err, SL_RANGE, "chain bundle: %u NFs, expected 1 to %u", count,
                          SL_CHAIN_NF_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        sl_rc rc = load_entry(chain, r, first, err);
        if (rc != SL_OK) {
            return rc;
        }
    }
    if (sl_reader_end(r) != SL_OK) {
        return sl_err_set(err, SL_MALFORMED, "chain bundle: %zu bytes after the last NF",
                          sl_reader_left(r));
    }
    return SL_OK;
}

sl_rc sl_chain_create(const void *bundle, size_t size, struct sl_chain **ret_chain,
                      struct sl_err *err)
{
    return sl_chain_create_further(bundle, size, NULL, ret_chain, err);
}

sl_rc sl_chain_create_further(const void *bundle, size_t size, const struct sl_chain *first,
                              struct sl_chain **ret_chain, struct sl_err *err)
{
    struct sl_chain *chain = calloc(1, sizeof(*chain));
    if (chain == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "chain bundle: out of memory");
    }
    struct sl_reader r;
    sl_reader_init(&r, bundle, size);
    sl_rc rc = read_bundle(chain, &r, first, err);
    if (rc != SL_OK) {
        sl_chain_free(chain);
        return rc;
    }
    *ret_chain = chain;
    return SL_OK;
}

void sl_chain_free(struct sl_chain *chain)
{
    if (chain == NULL) {
        return;
    }
    for (uint32_t i = 0; i < chain->count; i++) {
        chain->entries[i].nf->unload(chain->entries[i].state);
    }
    free(chain);
}

uint64_t sl_chain_version(const struct sl_chain *chain)
{
    return chain->version;
}

uint32_t sl_chain_nf_count(const struct sl_chain *chain)
{
    return chain->count;
}

const char *sl_chain_nf_name(const struct sl_chain *chain, uint32_t index)
{
    return index < chain->count ? chain->entries[index].nf->name : NULL;
}

/* Written by the shard's thread, read by the control thread: may lag, never tears. */
static void add(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + amount,
                     __ATOMIC_RELAXED);
}

/* One NF over the live packets; returns how many stay in `live`, moved to its front. */
static uint32_t run_entry(struct chain_entry *entry, uint32_t index, struct sl_packet **live,
                          uint32_t count)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        live[i]->verdict = SL_VERDICT_DROP;
        live[i]->rule = SL_RULE_DEFAULT;
        live[i]->nf_index = (uint8_t)index;
        bytes += live[i]->size;
    }
    entry->nf->burst(entry->state, live, count);
    uint32_t kept = 0;
    uint32_t replied = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct sl_packet *packet = live[i];
        if (packet->verdict == SL_VERDICT_PASS) {
            live[kept++] = packet;
        } else if (packet->verdict == SL_VERDICT_REPLY) {
            replied++;
        } else {
            packet->verdict = SL_VERDICT_DROP;
        }
    }
    add(&entry->totals.packets, count);
    add(&entry->totals.bytes, bytes);
    add(&entry->totals.replied, replied);
    add(&entry->totals.dropped, count - kept - replied);
    return kept;
}

void sl_chain_run(struct sl_chain *chain, struct sl_packet *const *packets, uint32_t count)
{
    while (count > 0) {
        struct sl_packet *live[SL_BURST_MAX];
        uint32_t part = count < SL_BURST_MAX ? count : SL_BURST_MAX;
        memcpy(live, packets, part * sizeof(live[0]));
        uint32_t kept = part;
        for (uint32_t i = 0; i < chain->count && kept > 0; i++) {
            kept = run_entry(&chain->entries[i], i, live, kept);
        }
        packets += part;
        count -= part;
    }
}

void sl_chain_nf_totals(const struct sl_chain *chain, uint32_t index,
                        struct sl_chain_nf_totals *ret_totals)
{
    if (index >= chain->count) {
        *ret_totals = (struct sl_chain_nf_totals){0};
        return;
    }
    const struct sl_chain_nf_totals *totals = &chain->entries[index].totals;
    ret_totals->packets = __atomic_load_n(&totals->packets, __ATOMIC_RELAXED);
    ret_totals->bytes = __atomic_load_n(&totals->bytes, __ATOMIC_RELAXED);
    ret_totals->dropped = __atomic_load_n(&totals->dropped, __ATOMIC_RELAXED);
    ret_totals->replied = __atomic_load_n(&totals->replied, __ATOMIC_RELAXED);
}

uint32_t sl_chain_nf_counter_count(const struct sl_chain *chain, uint32_t index)
{
    if (index >= chain->count || chain->entries[index].nf->counter_count == NULL) {
        return 0;
    }
    return chain->entries[index].nf->counter_count(chain->entries[index].state);
}

void sl_chain_nf_counter_get(const struct sl_chain *chain, uint32_t index, uint32_t counter,
                             struct sl_nf_counter *ret_counter)
{
    *ret_counter = (struct sl_nf_counter){0};
    if (counter < sl_chain_nf_counter_count(chain, index) &&
        chain->entries[index].nf->counter_get != NULL) {
        chain->entries[index].nf->counter_get(chain->entries[index].state, counter, ret_counter);
    }
}
