/* SPDX-License-Identifier: Apache-2.0 */
/* What the tenant has given to the image, and how workers come by it. */
#include "image/provision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/secret.h"
#include "control/suites.h"

enum {
    SA_PORT_SLOTS = SL_SA_PREVIOUS_MAX + 2, /* in, out, and those before */
    SA_SLOTS = SL_PORT_COUNT * SA_PORT_SLOTS,
    KEY_HASH_SIZE = 16,
    EVAL_FLOWS_MAX = 65536, /* what is evaluated has not the enclave's memory */
};

/* A configuration, and after it was replaced: what only it still refers to. */
struct sl_provision_config {
    struct sl_worker_config config; /* first: what the worker sees */
    struct sl_provision_config *next;
    uint32_t shard;
    uint64_t epoch; /* of the worker when it was replaced; odd: a pass was under way */
    struct sl_esp_sa *dead_sas[SA_SLOTS];
    uint32_t dead_count;
    struct sl_chain *dead_chain;
};

static const struct sl_worker_config nothing;

sl_rc sl_provision_init(struct sl_provision *provision, struct sl_worker *workers,
                        uint32_t shard_count)
{
    *provision = (struct sl_provision){.workers = workers, .shard_count = shard_count};
    provision->keys = calloc(SL_PROVISION_KEYS_MAX, sizeof(*provision->keys));
    return provision->keys != NULL ? SL_OK : SL_NO_MEMORY;
}

const struct sl_worker_config *sl_provision_config(const struct sl_provision *provision,
                                                   uint32_t shard)
{
    const struct sl_provision_config *current = provision->current[shard];
    return current != NULL ? &current->config : &nothing;
}

static void list_sas(const struct sl_worker_config *config, struct sl_esp_sa *ret_sas[SA_SLOTS])
{
    for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
        struct sl_esp_sa **sas = ret_sas + (size_t)SA_PORT_SLOTS * port;
        sas[0] = config->ports[port].in;
        sas[1] = config->ports[port].out;
        memcpy(sas + 2, config->ports[port].in_previous, sizeof(config->ports[port].in_previous));
    }
}

/* Notes in `old` what `now` no longer uses. */
static void find_dead(struct sl_provision_config *old, const struct sl_worker_config *now)
{
    struct sl_esp_sa *before[SA_SLOTS];
    struct sl_esp_sa *after[SA_SLOTS];
    list_sas(&old->config, before);
    list_sas(now, after);
    for (uint32_t i = 0; i < SA_SLOTS; i++) {
        bool is_used = before[i] == NULL;
        for (uint32_t k = 0; k < SA_SLOTS && !is_used; k++) {
            is_used = before[i] == after[k];
        }
        if (!is_used) {
            old->dead_sas[old->dead_count++] = before[i];
        }
    }
    old->dead_chain = old->config.chain != now->chain ? old->config.chain : NULL;
}

static void free_config(struct sl_provision_config *config)
{
    for (uint32_t i = 0; i < config->dead_count; i++) {
        sl_esp_sa_free(config->dead_sas[i]);
    }
    sl_chain_free(config->dead_chain);
    free(config);
}

/* The worker has not yet taken over what that chain knows. */
static bool is_chain_needed(const struct sl_provision *provision,
                            const struct sl_provision_config *config)
{
    return config->dead_chain != NULL &&
           atomic_load(&provision->workers[config->shard].chain_now) == config->dead_chain;
}

/* Frees retired configurations whose worker has left the pass that may have been using them, and
 * has adopted from their chains. */
static void reclaim(struct sl_provision *provision)
{
    struct sl_provision_config **at = &provision->retired;
    while (*at != NULL) {
        struct sl_provision_config *config = *at;
        uint64_t epoch = atomic_load(&provision->workers[config->shard].epoch);
        if ((config->epoch % 2 == 0 || epoch != config->epoch) &&
            !is_chain_needed(provision, config)) {
            *at = config->next;
            free_config(config);
        } else {
            at = &config->next;
        }
    }
}

/* Makes `now` what the shard's worker uses from its next pass on. Cannot fail. */
static void publish(struct sl_provision *provision, uint32_t shard, struct sl_provision_config *now)
{
    struct sl_worker *worker = &provision->workers[shard];
    struct sl_provision_config *old = provision->current[shard];
    now->shard = shard;
    provision->current[shard] = now;
    atomic_store(&worker->config, &now->config);
    if (old != NULL) {
        find_dead(old, &now->config);
        old->epoch = atomic_load(&worker->epoch);
        old->next = provision->retired;
        provision->retired = old;
    }
}

/* A copy of the shard's present configuration, to be changed and published. */
static struct sl_provision_config *copy_current(const struct sl_provision *provision,
                                                uint32_t shard)
{
    struct sl_provision_config *copy = calloc(1, sizeof(*copy));
    if (copy != NULL) {
        copy->config = *sl_provision_config(provision, shard);
    }
    return copy;
}

/* One copy per shard, or none. */
static sl_rc copy_all(const struct sl_provision *provision,
                      struct sl_provision_config *ret_copies[SL_AREA_SHARDS_MAX],
                      struct sl_err *err)
{
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        ret_copies[shard] = copy_current(provision, shard);
        if (ret_copies[shard] == NULL) {
            while (shard-- > 0) {
                free(ret_copies[shard]);
            }
            return sl_err_set(err, SL_NO_MEMORY, "no memory for a configuration");
        }
    }
    return SL_OK;
}

/* ---- SAs ---- */

static sl_rc key_hash(const struct sl_esp_params *params, uint8_t ret_hash[KEY_HASH_SIZE])
{
    uint8_t full[32];
    const struct sl_suite *suite = sl_suite_find(params->alg);
    size_t size = suite != NULL ? suite->key_size : sizeof(params->key);
    if (EVP_Digest(params->key, size, full, NULL, EVP_sha256(), NULL) != 1) {
        return SL_CRYPTO;
    }
    memcpy(ret_hash, full, KEY_HASH_SIZE);
    sl_wipe(full, sizeof(full));
    return SL_OK;
}

static bool key_is_known(const struct sl_provision *provision, const uint8_t *hash)
{
    uint32_t count =
        provision->key_count < SL_PROVISION_KEYS_MAX ? provision->key_count : SL_PROVISION_KEYS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (sl_equal_ct(provision->keys[i], hash, KEY_HASH_SIZE)) {
            return true;
        }
    }
    return false;
}

static void key_remember(struct sl_provision *provision, const uint8_t *hash)
{
    memcpy(provision->keys[provision->key_count % SL_PROVISION_KEYS_MAX], hash, KEY_HASH_SIZE);
    provision->key_count++;
    if (provision->key_count == 2 * SL_PROVISION_KEYS_MAX) {
        provision->key_count = SL_PROVISION_KEYS_MAX; /* full stays full, slots go round */
    }
}

static bool has_spi(const struct sl_esp_sa *sa, uint32_t spi)
{
    return sa != NULL && sl_esp_sa_spi(sa) == spi;
}

static sl_rc sa_check(const struct sl_provision *provision, const struct sl_msg_sa *sa,
                      uint8_t ret_hash[KEY_HASH_SIZE], struct sl_err *err)
{
    if (sa->shard >= provision->shard_count || sa->port >= SL_PORT_COUNT) {
        return sl_err_set(err, SL_RANGE, "SA for shard %u port %u; this image has %u shards",
                          sa->shard, sa->port, provision->shard_count);
    }
    const struct sl_worker_port *port = &sl_provision_config(provision, sa->shard)->ports[sa->port];
    bool is_same = has_spi(sa->is_inbound ? port->in : port->out, sa->params.spi);
    for (uint32_t i = 0; i < SL_SA_PREVIOUS_MAX && sa->is_inbound; i++) {
        is_same = is_same || has_spi(port->in_previous[i], sa->params.spi);
    }
    if (is_same) {
        return sl_err_set(err, SL_EXISTS, "SPI %08x is in use in this slot: take another",
                          sa->params.spi);
    }
    if (key_hash(&sa->params, ret_hash) != SL_OK) {
        return sl_err_set(err, SL_CRYPTO, "cannot hash a key");
    }
    if (key_is_known(provision, ret_hash)) {
        return sl_err_set(err, SL_EXISTS, "this SA key was set before: a key is never used twice");
    }
    return SL_OK;
}

/* The present inbound SA becomes the newest of the previous ones; the oldest may fall off. */
static void inbound_push(struct sl_worker_port *port, uint64_t *end_ns, struct sl_esp_sa *made,
                         uint64_t now_ns)
{
    if (port->in != NULL) {
        memmove(port->in_previous + 1, port->in_previous,
                (SL_SA_PREVIOUS_MAX - 1) * sizeof(port->in_previous[0]));
        memmove(end_ns + 1, end_ns, (SL_SA_PREVIOUS_MAX - 1) * sizeof(*end_ns));
        port->in_previous[0] = port->in;
        end_ns[0] = now_ns + SL_PROVISION_OVERLAP_NS;
    }
    port->in = made;
}

sl_rc sl_provision_sa_set(struct sl_provision *provision, const struct sl_msg_sa *sa,
                          uint64_t now_ns, struct sl_err *err)
{
    uint8_t hash[KEY_HASH_SIZE];
    struct sl_esp_sa *made = NULL;
    sl_rc rc = sa_check(provision, sa, hash, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_esp_sa_create(&sa->params, &made);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "SA refused: %s", sl_rc_text(rc));
    }
    struct sl_provision_config *config = copy_current(provision, sa->shard);
    if (config == NULL) {
        sl_esp_sa_free(made);
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a configuration");
    }
    struct sl_worker_port *port = &config->config.ports[sa->port];
    if (sa->is_inbound) {
        inbound_push(port, provision->overlap_end_ns[sa->shard][sa->port], made, now_ns);
    } else {
        port->out = made;
        port->is_dscp_copied = sa->is_dscp_copied;
    }
    publish(provision, sa->shard, config);
    key_remember(provision, hash);
    provision->sa_sets++;
    reclaim(provision);
    return SL_OK;
}

sl_rc sl_provision_sa_clear(struct sl_provision *provision, struct sl_err *err)
{
    struct sl_provision_config *copies[SL_AREA_SHARDS_MAX];
    sl_rc rc = copy_all(provision, copies, err);
    if (rc != SL_OK) {
        return rc;
    }
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        memset(copies[shard]->config.ports, 0, sizeof(copies[shard]->config.ports));
        memset(provision->overlap_end_ns[shard], 0, sizeof(provision->overlap_end_ns[shard]));
        publish(provision, shard, copies[shard]);
    }
    reclaim(provision);
    return SL_OK;
}

bool sl_provision_has_sa(const struct sl_provision *provision)
{
    struct sl_esp_sa *sas[SA_SLOTS];
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        list_sas(sl_provision_config(provision, shard), sas);
        for (uint32_t i = 0; i < SA_SLOTS; i++) {
            if (sas[i] != NULL) {
                return true;
            }
        }
    }
    return false;
}

sl_rc sl_provision_path_set(struct sl_provision *provision, uint16_t mtu, bool is_single,
                            struct sl_err *err)
{
    struct sl_provision_config *copies[SL_AREA_SHARDS_MAX];
    sl_rc rc = copy_all(provision, copies, err);
    if (rc != SL_OK) {
        return rc;
    }
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
            copies[shard]->config.ports[port].mtu = mtu;
            copies[shard]->config.ports[port].is_single = is_single;
        }
        publish(provision, shard, copies[shard]);
    }
    reclaim(provision);
    return SL_OK;
}

/* How many of the previous SAs stay: those before the first whose time is over while a newer one
 * has been used. Its sender has gone on, and whatever is older is older still. */
static uint32_t previous_kept(const struct sl_worker_port *port, const uint64_t *end_ns,
                              uint64_t now_ns)
{
    bool is_newer_used = port->in != NULL && sl_esp_sa_seq(port->in) > 0;
    for (uint32_t i = 0; i < SL_SA_PREVIOUS_MAX; i++) {
        if (port->in_previous[i] == NULL || (is_newer_used && now_ns >= end_ns[i])) {
            return i;
        }
        is_newer_used = is_newer_used || sl_esp_sa_seq(port->in_previous[i]) > 0;
    }
    return SL_SA_PREVIOUS_MAX;
}

static void overlaps_end(struct sl_provision *provision, uint32_t shard, uint32_t port,
                         uint64_t now_ns)
{
    const struct sl_worker_port *now = &sl_provision_config(provision, shard)->ports[port];
    uint32_t kept = previous_kept(now, provision->overlap_end_ns[shard][port], now_ns);
    if (kept == SL_SA_PREVIOUS_MAX || now->in_previous[kept] == NULL) {
        return;
    }
    struct sl_provision_config *config = copy_current(provision, shard);
    if (config == NULL) {
        return; /* the next poll tries again */
    }
    memset(config->config.ports[port].in_previous + kept, 0,
           (SL_SA_PREVIOUS_MAX - kept) * sizeof(now->in_previous[0]));
    publish(provision, shard, config);
}

void sl_provision_poll(struct sl_provision *provision, uint64_t now_ns)
{
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
            overlaps_end(provision, shard, port, now_ns);
        }
    }
    reclaim(provision);
}

/* ---- the chain ---- */

/* One chain per shard, or none. */
static sl_rc make_chains(struct sl_provision *provision, const void *bundle, size_t size,
                         struct sl_chain *ret_chains[SL_AREA_SHARDS_MAX], struct sl_err *err)
{
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        struct sl_chain *now = sl_provision_config(provision, shard)->chain;
        /* A flow table moves on to the next chain. Where the worker has not even taken over the
         * present one, nobody knows yet what there will be to move. */
        bool has_begun = now != NULL && atomic_load(&provision->workers[shard].chain_now) == now;
        /* tables of 10,000 rules are megabytes: once per image, where the NF can share them */
        const struct sl_chain_place place = {.first = shard > 0 ? ret_chains[0] : NULL,
                                             .before = has_begun ? now : NULL,
                                             .keys_of = now,
                                             .spill = &provision->spill[shard],
                                             .shard = shard,
                                             .shard_count = provision->shard_count};
        sl_rc rc = sl_chain_create_at(bundle, size, &place, &ret_chains[shard], err);
        if (rc != SL_OK) {
            while (shard-- > 0) {
                sl_chain_free(ret_chains[shard]);
            }
            return rc;
        }
    }
    return SL_OK;
}

/* Pools for fragments, one per shard, once a chain keeps flows. */
static sl_rc make_fragments(struct sl_provision *provision, const struct sl_chain *chain,
                            struct sl_err *err)
{
    const struct sl_fragments_limits limits = sl_fragments_limits_default();
    for (uint32_t i = 0; sl_chain_has_flows(chain) && i < provision->shard_count; i++) {
        if (provision->fragments[i] == NULL) {
            sl_rc rc = sl_fragments_create(&limits, &provision->fragments[i]);
            if (rc != SL_OK) {
                return sl_err_set(err, rc, "no memory for fragments: %s", sl_rc_text(rc));
            }
        }
    }
    return SL_OK;
}

/* Policies only go forward: an old one, replayed, would open what was closed since. */
static sl_rc version_check(const struct sl_provision *provision, uint64_t version,
                           const uint8_t *hash, struct sl_err *err)
{
    if (!provision->has_floor || version > provision->floor_version) {
        return SL_OK;
    }
    if (version < provision->floor_version) {
        return sl_err_set(
            err, SL_STALE, "chain version %llu is older than %llu, which this image has had",
            (unsigned long long)version, (unsigned long long)provision->floor_version);
    }
    if (memcmp(hash, provision->floor_hash, SL_PROVISION_HASH_SIZE) != 0) {
        return sl_err_set(err, SL_STALE,
                          "chain version %llu is in use with other contents: raise the version",
                          (unsigned long long)version);
    }
    return SL_OK;
}

static void install_bundle(struct sl_provision *provision, uint8_t *copy, size_t size,
                           uint64_t version, const uint8_t *hash)
{
    sl_eval_free(provision->eval);
    provision->eval = NULL;
    free(provision->bundle);
    provision->bundle = copy;
    provision->bundle_size = size;
    provision->version = version;
    memcpy(provision->hash, hash, SL_PROVISION_HASH_SIZE);
    provision->has_chain = true;
    provision->has_floor = true;
    provision->floor_version = version;
    memcpy(provision->floor_hash, hash, SL_PROVISION_HASH_SIZE);
    provision->chain_sets++;
}

sl_rc sl_provision_chain_set(struct sl_provision *provision, const void *bundle, size_t size,
                             struct sl_err *err)
{
    struct sl_chain *chains[SL_AREA_SHARDS_MAX] = {NULL};
    struct sl_provision_config *copies[SL_AREA_SHARDS_MAX];
    uint8_t hash[SL_PROVISION_HASH_SIZE];
    if (EVP_Digest(bundle, size, hash, NULL, EVP_sha256(), NULL) != 1) {
        return sl_err_set(err, SL_CRYPTO, "cannot hash the chain bundle");
    }
    sl_rc rc = make_chains(provision, bundle, size, chains, err);
    if (rc != SL_OK) {
        return rc;
    }
    uint8_t *copy = NULL;
    uint64_t version = sl_chain_version(chains[0]);
    rc = version_check(provision, version, hash, err);
    if (rc != SL_OK) {
        goto out;
    }
    copy = malloc(size);
    if (copy == NULL) {
        rc = sl_err_set(err, SL_NO_MEMORY, "no memory for a chain bundle of %zu bytes", size);
        goto out;
    }
    memcpy(copy, bundle, size);
    rc = make_fragments(provision, chains[0], err);
    rc = rc != SL_OK ? rc : copy_all(provision, copies, err);
    if (rc != SL_OK) {
        goto out;
    }
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        struct sl_worker_config *config = &copies[shard]->config;
        config->chain = chains[shard];
        config->is_steered = sl_chain_is_steered(chains[shard]);
        config->fragments = sl_chain_has_flows(chains[shard]) ? provision->fragments[shard] : NULL;
        publish(provision, shard, copies[shard]);
    }
    install_bundle(provision, copy, size, version, hash);
    reclaim(provision);
    return SL_OK;
out:
    free(copy);
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        sl_chain_free(chains[shard]);
    }
    return rc;
}

sl_rc sl_provision_nf_command(struct sl_provision *provision, const char *nf, const char *line,
                              char *ret_answer, size_t answer_size)
{
    sl_rc rc = SL_STATE;
    (void)snprintf(ret_answer, answer_size, "no chain is loaded");
    for (uint32_t shard = 0; provision->has_chain && shard < provision->shard_count; shard++) {
        char answer[SL_NF_ANSWER_MAX];
        rc = sl_chain_command(sl_provision_config(provision, shard)->chain, nf, line, answer,
                              sizeof(answer));
        if (rc != SL_OK || answer[0] != '\0') { /* an empty one leaves the word to other shards */
            (void)snprintf(ret_answer, answer_size, "%s", answer);
        }
        if (rc != SL_OK) {
            break;
        }
    }
    return rc;
}

sl_rc sl_provision_eval(struct sl_provision *provision, struct sl_eval **ret_eval,
                        struct sl_err *err)
{
    if (!provision->has_chain) {
        return sl_err_set(err, SL_STATE, "no chain is loaded");
    }
    if (provision->eval == NULL) {
        struct sl_chain *chain = NULL;
        const struct sl_chain_place place = {.first = sl_provision_config(provision, 0)->chain,
                                             .flows_max = EVAL_FLOWS_MAX};
        sl_rc rc =
            sl_chain_create_at(provision->bundle, provision->bundle_size, &place, &chain, err);
        if (rc != SL_OK) {
            return rc;
        }
        rc = sl_eval_create(chain, false, &provision->eval);
        if (rc != SL_OK) {
            sl_chain_free(chain);
            return sl_err_set(err, rc, "no memory to evaluate packets: %s", sl_rc_text(rc));
        }
    }
    *ret_eval = provision->eval;
    return SL_OK;
}

void sl_provision_done(struct sl_provision *provision)
{
    while (provision->retired != NULL) {
        struct sl_provision_config *config = provision->retired;
        provision->retired = config->next;
        free_config(config);
    }
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        struct sl_provision_config *config = provision->current[shard];
        if (config != NULL) {
            find_dead(config, &nothing);
            free_config(config);
        }
    }
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        sl_fragments_free(provision->fragments[shard]);
    }
    sl_eval_free(provision->eval);
    free(provision->bundle);
    free(provision->keys);
    *provision = (struct sl_provision){0};
}
