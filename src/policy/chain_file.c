/* SPDX-License-Identifier: Apache-2.0 */
/* A chain in YAML: which NFs packets visit, with which policies and flow tables.
 * docs/policy-chain.md has the language. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "files/files.h"
#include "files/yaml_file.h"
#include "flow/options.h"
#include "nf/chain.h"
#include "policy/kinds.h"
#include "policy/yaml_place.h"

enum {
    TEXT_MAX = 1024,
    PATH_MAX_SIZE = 4096,
    PLACE_MAX = 96,
    BUNDLE_MAX = 16 << 20,
    HEADER_SIZE = 16,
};

/* ---- what the file says ---- */

#define TIMEOUTS(X)                                                                                \
    X(tcp_syn_sent)                                                                                \
    X(tcp_syn_received)                                                                            \
    X(tcp_established)                                                                             \
    X(tcp_fin_wait)                                                                                \
    X(tcp_close_wait)                                                                              \
    X(tcp_last_ack)                                                                                \
    X(tcp_time_wait)                                                                               \
    X(tcp_close)                                                                                   \
    X(tcp_retransmission)                                                                          \
    X(tcp_unacknowledged)                                                                          \
    X(udp)                                                                                         \
    X(udp_stream)                                                                                  \
    X(icmp)                                                                                        \
    X(generic)

struct timeouts {
#define MEMBER(name) uint32_t *name;
    TIMEOUTS(MEMBER)
#undef MEMBER
};
struct flows {
    uint32_t *max, *max6, *inside;
    int tcp, pick_up, checksums;
    struct timeouts *timeouts;
};
struct nf {
    char *nf, *kind, *policy;
    struct flows *flows;
};
struct file {
    uint64_t version;
    struct nf *chain;
    unsigned chain_count;
};

enum { GIVEN = 0x100 };
static const cyaml_strval_t tcp_modes[] = {{"compact", GIVEN | SL_FLOW_TCP_COMPACT},
                                           {"liberal", GIVEN | SL_FLOW_TCP_LIBERAL},
                                           {"strict", GIVEN | SL_FLOW_TCP_STRICT}};
static const cyaml_strval_t bools[] = {{"false", GIVEN | 0}, {"true", GIVEN | 1}};

#define MAYBE (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define WORDS(key, type, values)                                                                   \
    CYAML_FIELD_ENUM(#key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct type, key, values,      \
                     sizeof(values) / sizeof((values)[0]))

static const cyaml_schema_field_t timeout_fields[] = {
#define FIELD(name) CYAML_FIELD_UINT_PTR(#name, MAYBE, struct timeouts, name),
    TIMEOUTS(FIELD)
#undef FIELD
        CYAML_FIELD_END,
};
static const cyaml_schema_field_t flow_fields[] = {
    CYAML_FIELD_UINT_PTR("max", MAYBE, struct flows, max),
    CYAML_FIELD_UINT_PTR("max6", MAYBE, struct flows, max6),
    CYAML_FIELD_UINT_PTR("inside", MAYBE, struct flows, inside),
    WORDS(tcp, flows, tcp_modes),
    WORDS(pick_up, flows, bools),
    WORDS(checksums, flows, bools),
    CYAML_FIELD_MAPPING_PTR("timeouts", MAYBE, struct flows, timeouts, timeout_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t nf_fields[] = {
    CYAML_FIELD_STRING_PTR("nf", CYAML_FLAG_POINTER, struct nf, nf, 1, SL_NF_NAME_MAX - 1),
    CYAML_FIELD_STRING_PTR("kind", MAYBE, struct nf, kind, 1, SL_NF_NAME_MAX - 1),
    CYAML_FIELD_STRING_PTR("policy", CYAML_FLAG_POINTER, struct nf, policy, 1, TEXT_MAX),
    CYAML_FIELD_MAPPING_PTR("flows", MAYBE, struct nf, flows, flow_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t nf_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct nf, nf_fields),
};
static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_UINT("version", CYAML_FLAG_OPTIONAL, struct file, version),
    CYAML_FIELD_SEQUENCE("chain", CYAML_FLAG_POINTER, struct file, chain, &nf_schema, 1,
                         SL_CHAIN_NF_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file, file_fields),
};

/* ---- the bundle ---- */

struct compiling {
    const char *path;
    const char *text;
    size_t size;
    const struct file *file;
    struct sl_policy policy;
    struct sl_writer w;
    struct sl_err *err;
};

/* One option of the NF's flow table; `key` is how the file calls it. */
static sl_rc set_option(const struct compiling *in, unsigned index, const char *key,
                        const char *option, uint64_t value, struct sl_flow_options *options)
{
    struct sl_err err = {0};
    char place[PLACE_MAX];
    sl_rc rc = sl_flow_options_set(options, option, value, &err);
    if (rc == SL_OK) {
        return SL_OK;
    }
    (void)snprintf(place, sizeof(place), "chain.%u.flows.%s", index, key);
    return pol_yaml_fault(in->path, in->text, in->size, place, rc, in->err, "%s", err.text);
}

static sl_rc set_timeouts(const struct compiling *in, unsigned index,
                          const struct timeouts *timeouts, struct sl_flow_options *options)
{
    const struct {
        const char *key;
        const uint32_t *value;
    } all[] = {
#define PAIR(name) {"timeouts." #name, timeouts->name},
        TIMEOUTS(PAIR)
#undef PAIR
    };
    sl_rc rc = SL_OK;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && rc == SL_OK; i++) {
        if (all[i].value != NULL) {
            rc = set_option(in, index, all[i].key, all[i].key + strlen("timeouts."), *all[i].value,
                            options);
        }
    }
    return rc;
}

static sl_rc read_flows(const struct compiling *in, unsigned index, struct sl_flow_options *options)
{
    const struct flows *flows = in->file->chain[index].flows;
    sl_flow_options_default(options);
    if (flows == NULL) {
        return SL_OK;
    }
    const struct {
        const char *key, *option;
        bool is_given;
        uint32_t value;
    } all[] = {
        {"max", "flows", flows->max != NULL, flows->max != NULL ? *flows->max : 0},
        {"max6", "flows6", flows->max6 != NULL, flows->max6 != NULL ? *flows->max6 : 0},
        {"inside", "inside", flows->inside != NULL, flows->inside != NULL ? *flows->inside : 0},
        {"tcp", "tcp_mode", flows->tcp != 0, (uint32_t)flows->tcp & ~(uint32_t)GIVEN},
        {"pick_up", "tcp_loose", flows->pick_up != 0, (uint32_t)flows->pick_up & 1},
        {"checksums", "checksum", flows->checksums != 0, (uint32_t)flows->checksums & 1},
    };
    sl_rc rc = SL_OK;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && rc == SL_OK; i++) {
        if (all[i].is_given) {
            rc = set_option(in, index, all[i].key, all[i].option, all[i].value, options);
        }
    }
    return rc == SL_OK && flows->timeouts != NULL
               ? set_timeouts(in, index, flows->timeouts, options)
               : rc;
}

static sl_rc no_memory(const struct compiling *in)
{
    return sl_err_set(in->err, SL_NO_MEMORY, "%s: out of memory", in->path);
}

/* "firewall: NOTE; router: NOTE"; what no memory is there for is not said. */
static void take_note(struct compiling *in, unsigned index, const struct sl_policy *part)
{
    char *before = in->policy.note;
    char *both = NULL;
    if (part->note == NULL ||
        asprintf(&both, "%s%s%s: %s", before != NULL ? before : "", before != NULL ? "; " : "",
                 in->file->chain[index].nf, part->note) < 0) {
        return;
    }
    free(before);
    in->policy.note = both;
}

/* The names of one NF's rules go behind those of the NFs before it. */
static sl_rc take_names(struct compiling *in, unsigned index, struct sl_policy *part,
                        const char *source)
{
    struct sl_policy *policy = &in->policy;
    struct sl_policy_nf *nf = &policy->nfs[index];
    nf->first = policy->count;
    nf->source = strdup(part->source != NULL ? part->source : source);
    nf->default_action = strdup(part->default_action != NULL ? part->default_action : "");
    policy->nf_count = index + 1;
    void *moved =
        realloc(policy->rules, ((size_t)policy->count + part->count + 1) * sizeof(*policy->rules));
    if (nf->source == NULL || nf->default_action == NULL || moved == NULL) {
        policy->rules = moved != NULL ? moved : policy->rules;
        return no_memory(in);
    }
    policy->rules = moved;
    if (part->count > 0) {
        memcpy(policy->rules + policy->count, part->rules, part->count * sizeof(*part->rules));
    }
    nf->count = part->count;
    policy->count += part->count;
    part->count = 0; /* their texts are ours now */
    take_note(in, index, part);
    return SL_OK;
}

/* The NF's name and bytes out of the bundle of one that its compiler made. */
static sl_rc put_bytes(struct compiling *in, unsigned index, const struct sl_policy *part,
                       const uint8_t *options, size_t options_size)
{
    char name[SL_NF_NAME_MAX];
    char place[PLACE_MAX];
    struct sl_reader r;
    const char *asked = in->file->chain[index].nf;
    const struct sl_policy_kind *kind = sl_policy_kind_find(asked);
    sl_reader_init(&r, part->bundle, part->size);
    (void)sl_reader_be32(&r);
    bool has_options = sl_reader_be16(&r) == SL_CHAIN_FORMAT_OPTIONS;
    uint16_t count = sl_reader_be16(&r);
    (void)sl_reader_be64(&r);
    sl_reader_string(&r, name, sizeof(name));
    (void)sl_reader_bytes(&r, has_options ? sl_reader_be32(&r) : 0);
    uint32_t size = sl_reader_be32(&r);
    const uint8_t *bytes = sl_reader_bytes(&r, size);
    /* `nat` is what both NATs are compiled from: the policy says which of them */
    bool is_its = strcmp(name, asked) == 0 || (kind != NULL && strcmp(name, kind->nf) == 0) ||
                  (strcmp(asked, "nat") == 0 && strcmp(name, "nat64") == 0);
    if (sl_reader_end(&r) != SL_OK || count != 1 || !is_its) {
        (void)snprintf(place, sizeof(place), "chain.%u.policy", index);
        return pol_yaml_fault(in->path, in->text, in->size, place, SL_INVALID, in->err,
                              "is compiled for %u NFs, the first is `%s`: expected one `%s`", count,
                              name, asked);
    }
    sl_writer_string(&in->w, name);
    sl_writer_be32(&in->w, (uint32_t)options_size);
    sl_writer_bytes(&in->w, options, options_size);
    sl_writer_be32(&in->w, size);
    sl_writer_bytes(&in->w, bytes, size);
    return SL_OK;
}

/* An NF that has no language here: the bytes of its file are its policy. */
static sl_rc put_raw(struct compiling *in, unsigned index, const char *path, const uint8_t *options,
                     size_t options_size)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(path, BUNDLE_MAX, &bytes, &size, in->err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_writer_string(&in->w, in->file->chain[index].nf);
    sl_writer_be32(&in->w, (uint32_t)options_size);
    sl_writer_bytes(&in->w, options, options_size);
    sl_writer_be32(&in->w, (uint32_t)size);
    sl_writer_bytes(&in->w, bytes, size);
    free(bytes);
    struct sl_policy none = {0};
    return take_names(in, index, &none, path);
}

/* A path in the file is relative to the file. */
static sl_rc path_of(const struct compiling *in, const char *policy, char *out, size_t size)
{
    const char *slash = policy[0] != '/' ? strrchr(in->path, '/') : NULL;
    int folder = slash != NULL ? (int)(slash - in->path) + 1 : 0;
    int length = snprintf(out, size, "%.*s%s", folder, in->path, policy);
    return length > 0 && (size_t)length < size
               ? SL_OK
               : sl_err_set(in->err, SL_RANGE, "%s: the path of `%s` is too long", in->path,
                            policy);
}

/* Compiled before, or compiled now in the language of the NF. */
static sl_rc compile_part(struct compiling *in, unsigned index, const char *path,
                          const struct sl_policy_kind *kind, struct sl_policy *ret_part)
{
    char place[PLACE_MAX];
    sl_rc rc = sl_policy_read(path, ret_part, in->err);
    if (rc == SL_MALFORMED) { /* that is: no bundle */
        *in->err = (struct sl_err){0};
        rc = kind->compile(path, ret_part, in->err);
    }
    if (rc == SL_NOT_FOUND || rc == SL_IO) {
        struct sl_err why = *in->err;
        (void)snprintf(place, sizeof(place), "chain.%u.policy", index);
        return pol_yaml_fault(in->path, in->text, in->size, place, rc, in->err, "%s", why.text);
    }
    return rc;
}

/* One letter too many, too few, or another: a slip, not an NF of one's own. */
static bool is_slip_of(const char *word, const char *name)
{
    size_t same = 0;
    while (word[same] != '\0' && word[same] == name[same]) {
        same++;
    }
    const char *a = word + same;
    const char *b = name + same;
    bool is_swapped = a[0] != '\0' && a[1] == b[0] && b[0] != '\0' && b[1] == a[0];
    return (a[0] != '\0' && strcmp(a + 1, b) == 0) || (b[0] != '\0' && strcmp(a, b + 1) == 0) ||
           (a[0] != '\0' && b[0] != '\0' && strcmp(a + 1, b + 1) == 0) ||
           (is_swapped && strcmp(a + 2, b + 2) == 0);
}

/* The NF that is meant by a word that names none, or NULL. */
static const char *slip_of(const char *word)
{
    const struct sl_policy_kind *kind;
    for (uint32_t i = 0; (kind = sl_policy_kind_at(i)) != NULL; i++) {
        if (is_slip_of(word, kind->nf)) {
            return kind->nf;
        }
    }
    return NULL;
}

static sl_rc find_kind(const struct compiling *in, unsigned index,
                       const struct sl_policy_kind **ret_kind)
{
    const struct nf *nf = &in->file->chain[index];
    char place[PLACE_MAX];
    *ret_kind = sl_policy_kind_find(nf->kind != NULL ? nf->kind : nf->nf);
    (void)snprintf(place, sizeof(place), "chain.%u.%s", index, nf->kind != NULL ? "kind" : "nf");
    if (*ret_kind == NULL && nf->kind != NULL) {
        return pol_yaml_fault(in->path, in->text, in->size, place, SL_INVALID, in->err,
                              "there is no language of that name");
    }
    const char *meant = *ret_kind == NULL ? slip_of(nf->nf) : NULL;
    if (meant != NULL) {
        return pol_yaml_fault(in->path, in->text, in->size, place, SL_INVALID, in->err,
                              "there is no such NF; is it `%s`?", meant);
    }
    if (*ret_kind != NULL && (*ret_kind)->nf[0] == '\0') {
        return pol_yaml_fault(in->path, in->text, in->size, place, SL_INVALID, in->err,
                              "a chain cannot be part of a chain");
    }
    return SL_OK;
}

static sl_rc put_nf(struct compiling *in, unsigned index)
{
    char path[PATH_MAX_SIZE];
    uint8_t bytes[SL_FLOW_OPTIONS_MAX];
    size_t size = 0;
    struct sl_flow_options options;
    struct sl_policy part = {0};
    const struct sl_policy_kind *kind = NULL;
    sl_rc rc = find_kind(in, index, &kind);
    rc = rc == SL_OK ? read_flows(in, index, &options) : rc;
    rc = rc == SL_OK ? sl_flow_options_write(&options, bytes, sizeof(bytes), &size) : rc;
    rc = rc == SL_OK ? path_of(in, in->file->chain[index].policy, path, sizeof(path)) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    if (kind == NULL) {
        return put_raw(in, index, path, bytes, size);
    }
    rc = compile_part(in, index, path, kind, &part);
    if (rc == SL_OK) {
        rc = put_bytes(in, index, &part, bytes, size);
        rc = rc == SL_OK ? take_names(in, index, &part, path) : rc;
        sl_policy_done(&part);
    }
    return rc;
}

/* Versions only go up: what comes after the greatest would never be taken. */
static sl_rc version_check(const struct compiling *in)
{
    const uint64_t most = 1ull << 53; /* what every JSON reader can hold */
    return in->file->version < most
               ? SL_OK
               : pol_yaml_fault(in->path, in->text, in->size, "version", SL_RANGE, in->err,
                                "expected at most %llu: versions only go up",
                                (unsigned long long)most - 1);
}

static sl_rc put_chain(struct compiling *in)
{
    struct timespec now;
    struct sl_policy *policy = &in->policy;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t version = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    policy->version = in->file->version != 0 ? in->file->version : version;
    policy->bundle = malloc(BUNDLE_MAX);
    policy->source = strdup(in->path);
    policy->kind = strdup("chain");
    policy->default_action = strdup("");
    policy->nfs = calloc(in->file->chain_count, sizeof(*policy->nfs));
    if (policy->bundle == NULL || policy->source == NULL || policy->kind == NULL ||
        policy->default_action == NULL || policy->nfs == NULL) {
        return no_memory(in);
    }
    sl_writer_init(&in->w, policy->bundle, BUNDLE_MAX);
    sl_writer_be32(&in->w, SL_CHAIN_MAGIC);
    sl_writer_be16(&in->w, SL_CHAIN_FORMAT_OPTIONS);
    sl_writer_be16(&in->w, (uint16_t)in->file->chain_count);
    sl_writer_be64(&in->w, policy->version);
    sl_rc rc = version_check(in);
    for (unsigned i = 0; i < in->file->chain_count && rc == SL_OK; i++) {
        rc = put_nf(in, i);
    }
    if (rc == SL_OK && in->w.rc != SL_OK) {
        rc = sl_err_set(in->err, SL_RANGE, "%s: compiles to more than %d bytes", in->path,
                        BUNDLE_MAX);
    }
    policy->size = in->w.off;
    return rc;
}

sl_rc sl_policy_compile_chain(const char *path, struct sl_policy *ret_policy, struct sl_err *err)
{
    struct compiling in = {.path = path, .err = err};
    void *root = NULL;
    char *text = NULL;
    sl_rc rc =
        sl_yaml_load_text(path, &file_schema, "docs/policy-chain.md", &text, &in.size, &root, err);
    if (rc != SL_OK) {
        return rc;
    }
    in.text = text;
    in.file = root;
    rc = put_chain(&in);
    if (rc == SL_OK) {
        *ret_policy = in.policy;
    } else {
        sl_policy_done(&in.policy);
    }
    sl_yaml_free(&file_schema, root);
    free(text);
    return rc;
}
