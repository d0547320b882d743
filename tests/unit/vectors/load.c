/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the forms in which the vectors come. */
#include "load.h"

#include "collateral/expiry.h"
#include "files/files.h"
#include "safelib/bytes.h"

/* Open Enclave puts these into its endorsements, in this order (SGX endorsements, version 1). */
static const enum sl_collateral_part endorsement_parts[] = {
    SL_COLLATERAL_PART_COUNT,  SL_COLLATERAL_tcb_info,   SL_COLLATERAL_tcb_signing_chain,
    SL_COLLATERAL_pck_crl,     SL_COLLATERAL_root_crl,   SL_COLLATERAL_pck_crl_issuer_chain,
    SL_COLLATERAL_qe_identity, SL_COLLATERAL_PART_COUNT, SL_COLLATERAL_PART_COUNT,
};
enum { ENDORSEMENT_COUNT = sizeof(endorsement_parts) / sizeof(endorsement_parts[0]) };

struct sl_blob vector_read(const char *name)
{
    char path[512];
    uint8_t *data = NULL;
    size_t size = 0;
    struct sl_err err = {0};
    vector_path(name, path, sizeof(path));
    assert_ok(sl_file_read(path, 1 << 20, &data, &size, &err));
    return (struct sl_blob){data, size};
}

static void blob_free(struct sl_blob blob)
{
    free((void *)(uintptr_t)blob.data);
}

/* Behind the lines of copyright that Open Enclave's files begin with. */
static struct sl_blob behind_copyright(struct sl_blob in)
{
    size_t off = 0;
    while (off < in.size && in.data[off] == '#') {
        const uint8_t *end = memchr(in.data + off, '\n', in.size - off);
        assert_non_null(end);
        off = (size_t)(end - in.data) + 1;
    }
    return (struct sl_blob){in.data + off, in.size - off};
}

static void put_endorsements(const char *name, struct sl_collateral_set *set)
{
    enum { HEADER_SIZE = 16 };
    struct sl_blob file = vector_read(name);
    struct sl_blob in = behind_copyright(file);
    assert_int_equal(sl_le32_get(in.data + 12), ENDORSEMENT_COUNT);
    const uint8_t *offsets = in.data + HEADER_SIZE;
    const uint8_t *base = offsets + 4 * ENDORSEMENT_COUNT;
    for (unsigned i = 0; i + 1 < ENDORSEMENT_COUNT; i++) {
        size_t from = sl_le32_get(offsets + 4 * (size_t)i);
        size_t to = sl_le32_get(offsets + 4 * (size_t)(i + 1));
        assert_true(from <= to && base + to <= in.data + in.size);
        size_t size = to - from;
        while (size > 0 && base[from + size - 1] == '\0') {
            size--; /* text comes with its terminator */
        }
        if (endorsement_parts[i] < SL_COLLATERAL_PART_COUNT) {
            assert_ok(sl_collateral_put(set, endorsement_parts[i], base + from, size));
        }
    }
    blob_free(file);
}

static void put_file(const struct case_file *file, struct sl_collateral_set *set)
{
    struct sl_blob in = vector_read(file->path);
    struct sl_blob have = sl_collateral_part(set, file->part);
    bool is_chain = have.data != NULL && sl_collateral_kind(file->part) == SL_COLLATERAL_CERTS;
    size_t before = is_chain ? have.size : 0;
    uint8_t *joined = malloc(before + in.size + 1);
    assert_non_null(joined);
    if (before > 0) {
        memcpy(joined, have.data, before);
    }
    memcpy(joined + before, in.data, in.size);
    assert_ok(sl_collateral_put(set, file->part, joined, before + in.size));
    free(joined);
    blob_free(in);
}

static void evidence_read(const struct vector_case *c, struct loaded *l)
{
    struct sl_blob file = vector_read(c->evidence);
    struct sl_blob in = file;
    if (c->form == FORM_OPEN_ENCLAVE) {
        in = behind_copyright(file);
    }
    if (c->form == FORM_OE_REPORT) {
        assert_true(in.size > 16);
        in = (struct sl_blob){in.data + 16, in.size - 16};
    }
    l->evidence_size = c->form == FORM_HEX ? in.size / 2 : in.size;
    l->evidence = malloc(l->evidence_size);
    assert_non_null(l->evidence);
    if (c->form == FORM_HEX) {
        char *text = strndup((const char *)in.data, 2 * l->evidence_size);
        assert_ok(sl_hex_decode(text, l->evidence, l->evidence_size));
        free(text);
    } else {
        memcpy(l->evidence, in.data, l->evidence_size);
    }
    blob_free(file);
}

void vector_load(const struct vector_case *c, struct loaded *ret)
{
    struct sl_err err = {0};
    *ret = (struct loaded){.policy = {.is_any_identity = true,
                                      .tcb_accepted = c->tcb_accepted,
                                      .insecure_allow_debug = c->allow_debug}};
    evidence_read(c, ret);
    if (c->bundle != NULL) {
        struct sl_blob bundle = vector_read(c->bundle);
        assert_ok(sl_collateral_bundle_read((const char *)bundle.data, bundle.size,
                                            &ret->collateral, &err));
        blob_free(bundle);
    }
    if (c->endorsements != NULL) {
        put_endorsements(c->endorsements, &ret->collateral);
    }
    for (size_t i = 0; i < CASE_FILES_MAX && c->files[i].path != NULL; i++) {
        put_file(&c->files[i], &ret->collateral);
    }
    ret->input = (struct sl_attest_input){.type = c->type,
                                          .evidence = {ret->evidence, ret->evidence_size},
                                          .collateral = &ret->collateral.parts,
                                          .policy = &ret->policy};
    if (c->root != NULL) {
        ret->roots.pem = vector_read(c->root);
        ret->root_memory = (uint8_t *)(uintptr_t)ret->roots.pem.data;
        ret->input.roots = &ret->roots;
    }
    if (c->ccel != NULL) {
        ret->input.ccel = vector_read(c->ccel);
        ret->ccel = (uint8_t *)(uintptr_t)ret->input.ccel.data;
    }
    assert_true(sl_expiry_time(c->time, &ret->input.time_s));
    assert_ok(sl_attest_cache_create(64, &ret->input.cache));
}

void vector_done(struct loaded *l)
{
    sl_attest_cache_free(l->input.cache);
    sl_collateral_done(&l->collateral);
    free(l->evidence);
    free(l->root_memory);
    free(l->ccel);
    *l = (struct loaded){0};
}

struct sl_attest_result *vector_judge(const struct loaded *l)
{
    struct sl_attest_result *result = NULL;
    assert_ok(sl_attest_verify(&l->input, &result));
    return result;
}

bool vector_is_accepted(const struct loaded *l)
{
    struct sl_attest_result *result = vector_judge(l);
    bool is_accepted = sl_attest_result_is_accepted(result);
    sl_attest_result_free(result);
    return is_accepted;
}

bool vector_has(const struct sl_attest_result *result, const char *code)
{
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *f = sl_attest_result_finding(result, i);
        if (f->severity == SL_ATTEST_FAILURE && strcmp(f->code, code) == 0) {
            return true;
        }
    }
    return false;
}
