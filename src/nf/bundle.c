/* SPDX-License-Identifier: Apache-2.0 */
/* Chains built from bundles, and taken down. */
#include "nf/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { CHAIN_ALIGN = 128 };

/* One NF of a bundle as it was read. */
struct part {
    char name[SL_NF_NAME_MAX];
    const uint8_t *options;
    uint32_t options_size;
    const uint8_t *policy;
    uint32_t size;
};

static const struct sl_nf *find_nf(const char *name)
{
    for (uint32_t i = 0; i < sl_nf_registered_count(); i++) {
        const struct sl_nf *nf = sl_nf_registered(i);
        if (nf->name != NULL && strcmp(nf->name, name) == 0) {
            return nf;
        }
    }
    return NULL;
}

/* What its author forgot, or NULL: told when a chain wants it, not by a crash at the first packet.
 */
static const char *nf_fault(const struct sl_nf *nf)
{
    const struct sl_flow_spec *flow = nf->flow;
    uint32_t same = 0;
    for (uint32_t i = 0; i < sl_nf_registered_count(); i++) {
        const char *other = sl_nf_registered(i)->name;
        same += other != NULL && strcmp(other, nf->name) == 0;
    }
    if (same > 1) {
        return "two NFs of the image are registered under this name";
    }
    if (nf->load == NULL || nf->unload == NULL) {
        return "it has no `load` or no `unload`";
    }
    if (flow == NULL ? nf->burst == NULL : flow->burst == NULL) {
        return flow == NULL ? "it has neither `burst` nor `flow`" : "its `flow` has no `burst`";
    }
    if (flow != NULL && nf->is_stateful != NULL && nf->burst == NULL) {
        return "it has `is_stateful`, and no `burst` for policies that are not";
    }
    return nf->counter_count != NULL && nf->counter_get == NULL
               ? "it has `counter_count` without `counter_get`"
               : NULL;
}

static sl_rc read_part(struct sl_reader *r, uint16_t format, struct part *ret_part)
{
    *ret_part = (struct part){0};
    sl_reader_string(r, ret_part->name, sizeof(ret_part->name));
    if (format == SL_CHAIN_FORMAT_OPTIONS) {
        ret_part->options_size = sl_reader_be32(r);
        ret_part->options = sl_reader_bytes(r, ret_part->options_size);
    }
    ret_part->size = sl_reader_be32(r);
    ret_part->policy = sl_reader_bytes(r, ret_part->size);
    return r->rc;
}

/* Makes the flow table of an NF that keeps flows, unless the chain before will hand over one like
 * it. */
static sl_rc make_table(struct sl_chain *chain, struct chain_entry *entry,
                        const struct sl_chain_place *place, struct sl_err *err)
{
    struct sl_flow_options *options = &entry->options;
    if (entry->flow == NULL || place->is_steering_only) {
        return SL_OK;
    }
    if (place->flows_max != 0 && options->flows > place->flows_max) {
        options->flows = place->flows_max;
        options->flows6 = place->flows_max;
    }
    if (place->before != NULL) {
        const struct chain_entry *before = chain_counterpart(
            (struct sl_chain *)(uintptr_t)place->before, chain, (uint32_t)(entry - chain->entries));
        const struct sl_flow_table *table = before != NULL ? chain_table(before) : NULL;
        if (table != NULL && sl_flow_table_is_same_shape(table, entry->flow, options)) {
            return SL_OK;
        }
    }
    const struct sl_flow_table_params params = {
        .spec = entry->flow, .options = *options, .spill = place->spill};
    sl_rc rc = sl_flow_table_create(&params, &entry->table, err);
    if (rc == SL_OK) {
        sl_flow_table_bind(entry->table, entry->state);
    }
    return rc;
}

static sl_rc read_options(struct chain_entry *entry, const struct part *part, struct sl_err *err)
{
    sl_flow_options_default(&entry->options);
    if (part->options_size == 0) {
        return SL_OK;
    }
    if (entry->flow == NULL) {
        return sl_err_set(err, SL_INVALID,
                          "it keeps no flows: options of a flow table mean "
                          "nothing to it");
    }
    return sl_flow_options_read(&entry->options, part->options, part->options_size, err);
}

/* The NF's state: of its policy, or shared with the first shard's chain. */
static sl_rc load_state(const struct sl_chain *chain, const struct sl_nf *nf,
                        const struct part *part, const struct sl_chain *first, void **ret_state,
                        struct sl_err *err)
{
    uint32_t index = chain->count;
    char reason[256] = "";
    bool is_shared = first != NULL && nf->share != NULL && index < first->count &&
                     first->entries[index].nf == nf;
    sl_rc rc = is_shared ? nf->share(first->entries[index].state, ret_state)
                         : nf->load(part->policy, part->size, ret_state, reason, sizeof(reason));
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "chain bundle: NF %u \"%s\": policy refused: %s", index,
                          part->name, reason[0] != '\0' ? reason : sl_rc_text(rc));
    }
    return SL_OK;
}

static sl_rc load_entry(struct sl_chain *chain, const struct part *part,
                        const struct sl_chain_place *place, struct sl_err *err)
{
    uint32_t index = chain->count;
    struct chain_entry *entry = &chain->entries[index];
    const struct sl_nf *nf = find_nf(part->name);
    void *state = NULL;
    if (nf == NULL && place->is_steering_only) {
        return SL_OK;
    }
    if (nf == NULL) {
        return sl_err_set(err, SL_NOT_FOUND, "chain bundle: NF %u: this image has no NF \"%s\"",
                          index, part->name);
    }
    const char *fault = nf_fault(nf);
    if (fault != NULL) {
        return sl_err_set(err, SL_INVALID, "chain bundle: NF %u \"%s\": %s", index, part->name,
                          fault);
    }
    sl_rc rc = load_state(chain, nf, part, place->first, &state, err);
    if (rc != SL_OK) {
        return rc;
    }
    bool is_stateful = nf->is_stateful == NULL || nf->is_stateful(state);
    *entry = (struct chain_entry){.nf = nf, .state = state, .flow = is_stateful ? nf->flow : NULL};
    chain->count++;
    if (nf->place != NULL) {
        nf->place(state, chain->shard, chain->shard_count);
    }
    rc = read_options(entry, part, err);
    if (rc == SL_OK) {
        rc = make_table(chain, entry, place, err);
    }
    chain->wants_time = chain->wants_time || entry->flow != NULL || nf->tick != NULL;
    if (rc != SL_OK && err != NULL) {
        (void)sl_err_prefix(err, "chain bundle: NF %u \"%s\"", index, part->name);
    }
    return rc;
}

static sl_rc read_header(struct sl_chain *chain, struct sl_reader *r, uint16_t *ret_format,
                         uint16_t *ret_count, struct sl_err *err)
{
    uint32_t magic = sl_reader_be32(r);
    *ret_format = sl_reader_be16(r);
    *ret_count = sl_reader_be16(r);
    chain->version = sl_reader_be64(r);
    if (r->rc != SL_OK) {
        return sl_err_set(err, r->rc, "chain bundle: %zu bytes are less than its header", r->size);
    }
    if (magic != SL_CHAIN_MAGIC) {
        return sl_err_set(err, SL_MALFORMED, "chain bundle: starts with %08x, expected \"SLCB\"",
                          magic);
    }
    if (*ret_format != SL_CHAIN_FORMAT_PLAIN && *ret_format != SL_CHAIN_FORMAT_OPTIONS) {
        return sl_err_set(err, SL_UNSUPPORTED,
                          "chain bundle: format %u, this image reads %u and %u", *ret_format,
                          SL_CHAIN_FORMAT_PLAIN, SL_CHAIN_FORMAT_OPTIONS);
    }
    if (*ret_count == 0 || *ret_count > SL_CHAIN_NF_MAX) {
        return sl_err_set(err, SL_RANGE, "chain bundle: %u NFs, expected 1 to %u", *ret_count,
                          SL_CHAIN_NF_MAX);
    }
    return SL_OK;
}

static sl_rc read_bundle(struct sl_chain *chain, struct sl_reader *r,
                         const struct sl_chain_place *place, struct sl_err *err)
{
    uint16_t format;
    uint16_t count;
    sl_rc rc = read_header(chain, r, &format, &count, err);
    for (uint32_t i = 0; rc == SL_OK && i < count; i++) {
        struct part part;
        rc = read_part(r, format, &part);
        if (rc != SL_OK) {
            return sl_err_set(err, rc, "chain bundle: NF %u at byte %zu: %s", i, r->off,
                              sl_rc_text(rc));
        }
        rc = load_entry(chain, &part, place, err);
    }
    if (rc == SL_OK && sl_reader_end(r) != SL_OK) {
        return sl_err_set(err, SL_MALFORMED, "chain bundle: %zu bytes after the last NF",
                          sl_reader_left(r));
    }
    return rc;
}

/* On cache lines of its own: what another shard writes lies in none of them, nor beside them (lines
 * are fetched in pairs). */
static struct sl_chain *chain_alloc(void)
{
    const size_t size = (sizeof(struct sl_chain) + CHAIN_ALIGN - 1) / CHAIN_ALIGN * CHAIN_ALIGN;
    struct sl_chain *chain = aligned_alloc(CHAIN_ALIGN, size);
    if (chain != NULL) {
        memset(chain, 0, sizeof(*chain));
    }
    return chain;
}

sl_rc sl_chain_create_at(const void *bundle, size_t size, const struct sl_chain_place *place,
                         struct sl_chain **ret_chain, struct sl_err *err)
{
    struct sl_chain *chain = chain_alloc();
    if (chain == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "chain bundle: out of memory");
    }
    chain->shard = place->shard;
    chain->shard_count = place->shard_count != 0 ? place->shard_count : 1;
    sl_rc rc = SL_OK;
    /* of the first shard's before all: shards that disagreed would split flows */
    const struct sl_chain *keys_of = place->first != NULL ? place->first : place->keys_of;
    if (keys_of != NULL) {
        chain->steer_key = keys_of->steer_key;
    } else {
        rc = sl_flow_hash_key_make(&chain->steer_key);
        rc = rc == SL_OK ? rc : sl_err_set(err, rc, "chain bundle: no randomness");
    }
    struct sl_reader r;
    sl_reader_init(&r, bundle, size);
    rc = rc == SL_OK ? read_bundle(chain, &r, place, err) : rc;
    if (rc != SL_OK) {
        sl_chain_free(chain);
        return rc;
    }
    *ret_chain = chain;
    return SL_OK;
}

sl_rc sl_chain_create(const void *bundle, size_t size, struct sl_chain **ret_chain,
                      struct sl_err *err)
{
    const struct sl_chain_place alone = {0};
    return sl_chain_create_at(bundle, size, &alone, ret_chain, err);
}

void sl_chain_free(struct sl_chain *chain)
{
    if (chain == NULL) {
        return;
    }
    for (uint32_t i = 0; i < chain->count; i++) {
        struct chain_entry *entry = &chain->entries[i];
        if (entry->table != NULL) {
            sl_flow_table_unload(entry->table);
            sl_flow_table_free(entry->table);
        }
        entry->nf->unload(entry->state);
    }
    free(chain);
}
