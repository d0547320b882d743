/* SPDX-License-Identifier: Apache-2.0 */
/* The binary measurement list, and what both of its forms share. */
#include "attest/ima_log.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "safelib/bytes.h"

enum { SCRATCH_SLACK = 512 };
static const size_t HASH_SIZES[] = {20, 32, 48, 64};

static uint32_t u32_read(const struct sl_ima_log *log, struct sl_reader *r)
{
    const uint8_t *at = sl_reader_bytes(r, 4);

    if (at == NULL) {
        return 0;
    }
    return log->is_big_endian ? sl_be32_get(at) : sl_le32_get(at);
}

const struct sl_ima_value *sl_ima_entry_value(const struct sl_ima_entry *entry,
                                              enum sl_ima_field_id id)
{
    for (uint32_t i = 0; i < entry->template.field_count; i++) {
        if (entry->values[i].id == id) {
            return &entry->values[i];
        }
    }
    return NULL;
}

/* "algo:" NUL digest, or "type:algo:" NUL digest (ima_template_lib.c, ima_eventdigest_init_common)
 */
static sl_rc digest_split(const struct sl_ima_value *value, bool has_type,
                          struct sl_ima_digest *digest)
{
    const uint8_t *end = memchr(value->data, 0, value->size);
    const char *text = (const char *)value->data;
    size_t length;
    const char *colon;

    if (end == NULL || end == value->data || end[-1] != ':') {
        return SL_MALFORMED;
    }
    length = (size_t)(end - value->data) - 1;
    if (has_type) {
        colon = memchr(text, ':', length);
        if (colon == NULL || (size_t)(colon - text) >= sizeof(digest->type)) {
            return SL_MALFORMED;
        }
        memcpy(digest->type, text, (size_t)(colon - text));
        length -= (size_t)(colon - text) + 1;
        text = colon + 1;
    }
    if (length == 0 || length >= sizeof(digest->name) || memchr(text, ':', length) != NULL) {
        return SL_MALFORMED;
    }
    memcpy(digest->name, text, length);
    digest->hash = sl_tpm_hash_by_name(text, length);
    digest->data = end + 1;
    digest->size = value->size - (size_t)(digest->data - value->data);
    return SL_OK;
}

static sl_rc digest_read(struct sl_ima_entry *entry, struct sl_err *err)
{
    const struct sl_ima_value *old = sl_ima_entry_value(entry, SL_IMA_D);
    const struct sl_ima_value *v2 = sl_ima_entry_value(entry, SL_IMA_D_NGV2);
    const struct sl_ima_value *ng = sl_ima_entry_value(entry, SL_IMA_D_NG);
    struct sl_ima_digest *digest = &entry->digest;

    if (old != NULL) {
        /* a custom format's "d" is as long as its hash (ima_template_lib.c: SHA-1 or MD5) */
        digest->hash =
            old->size == 16 ? sl_tpm_hash_by_name("md5", 3) : sl_tpm_hash_by_name("sha1", 4);
        if (old->size == 16) {
            memcpy(digest->name, "md5", 4);
        }
        digest->data = old->data;
        digest->size = old->size;
    } else if (v2 == NULL && ng == NULL) {
        return SL_OK; /* a format without a digest: nothing to appraise by, and appraised so */
    } else if (digest_split(v2 != NULL ? v2 : ng, v2 != NULL, digest) != SL_OK) {
        return sl_err_set(err, SL_MALFORMED,
                          "entry %llu: field %s is not \"algorithm:\" and a digest",
                          (unsigned long long)entry->number, v2 != NULL ? "d-ngv2" : "d-ng");
    }
    if (digest->hash != NULL && digest->size != digest->hash->size) {
        return sl_err_set(err, SL_MALFORMED, "entry %llu: a %s digest of %zu bytes, %zu expected",
                          (unsigned long long)entry->number, digest->hash->name, digest->size,
                          digest->hash->size);
    }
    if (digest->size == 0 || digest->size > SL_TPM_DIGEST_MAX) {
        return sl_err_set(err, SL_MALFORMED, "entry %llu: a digest of %zu bytes",
                          (unsigned long long)entry->number, digest->size);
    }
    return SL_OK;
}

/* Strings end where the kernel ended them: a NUL may only be the last byte. */
static sl_rc string_trim(struct sl_ima_entry *entry, struct sl_ima_value *value, struct sl_err *err)
{
    const uint8_t *end = memchr(value->data, 0, value->size);

    if (end != NULL) {
        if (end != value->data + value->size - 1) {
            return sl_err_set(err, SL_MALFORMED, "entry %llu: field %s has a NUL inside",
                              (unsigned long long)entry->number, sl_ima_field_name(value->id));
        }
        value->size--;
    }
    return SL_OK;
}

sl_rc sl_ima_entry_finish(struct sl_ima_entry *entry, struct sl_err *err)
{
    static const uint8_t zeros[SL_TPM_DIGEST_MAX];
    const struct sl_ima_value *path;
    sl_rc rc = SL_OK;

    entry->is_violation = memcmp(entry->template_hash, zeros, entry->template_hash_size) == 0;
    memset(&entry->digest, 0, sizeof(entry->digest));
    entry->path[0] = '\0';
    for (uint32_t i = 0; rc == SL_OK && i < entry->template.field_count; i++) {
        if (sl_ima_field_form(entry->values[i].id) == SL_IMA_FORM_STRING) {
            rc = string_trim(entry, &entry->values[i], err);
        }
    }
    if (rc != SL_OK) {
        return rc;
    }
    path = sl_ima_entry_value(entry, SL_IMA_N_NG);
    path = path != NULL ? path : sl_ima_entry_value(entry, SL_IMA_N);
    if (path != NULL) {
        if (path->size >= sizeof(entry->path)) {
            return sl_err_set(err, SL_RANGE, "entry %llu: a path of %zu bytes",
                              (unsigned long long)entry->number, path->size);
        }
        memcpy(entry->path, path->data, path->size);
        entry->path[path->size] = '\0';
    }
    return digest_read(entry, err);
}

sl_rc sl_ima_entry_template(struct sl_ima_log *log, struct sl_ima_entry *entry, const char *name,
                            size_t size, struct sl_err *err)
{
    if (size == 0 || size != log->last_size || memcmp(name, log->last.name, size) != 0) {
        sl_rc rc = sl_ima_template_find(name, size, &log->last, err);

        log->last_size = rc == SL_OK ? size : 0;
        if (rc != SL_OK && err != NULL) {
            (void)sl_err_prefix(err, "entry %llu", (unsigned long long)entry->number);
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
    entry->template = log->last;
    return SL_OK;
}

/* Fields of every template but "ima": u32 size | bytes, all of the data. */
static sl_rc fields_read(const struct sl_ima_log *log, struct sl_ima_entry *entry,
                         struct sl_err *err)
{
    struct sl_reader r;

    sl_reader_init(&r, entry->data, entry->data_size);
    for (uint32_t i = 0; i < entry->template.field_count; i++) {
        entry->values[i].id = entry->template.fields[i];
        entry->values[i].size = u32_read(log, &r);
        entry->values[i].data = sl_reader_bytes(&r, entry->values[i].size);
        if (entry->values[i].data == NULL) {
            return sl_err_set(err, SL_MALFORMED,
                              "entry %llu: field %s reaches beyond the entry's %zu bytes",
                              (unsigned long long)entry->number,
                              sl_ima_field_name(entry->values[i].id), entry->data_size);
        }
    }
    if (sl_reader_end(&r) != SL_OK) {
        return sl_err_set(err, SL_MALFORMED, "entry %llu: %zu bytes behind the last field of %s",
                          (unsigned long long)entry->number, sl_reader_left(&r),
                          entry->template.name);
    }
    return SL_OK;
}

/* Template "ima": 20-byte digest, u32 size, name; hashed as digest and name padded to 256 bytes
 * (ima_crypto.c, ima_calc_field_array_hash_tfm: "buffer[IMA_EVENT_NAME_LEN_MAX + 1]"). */
static sl_rc ima_read(struct sl_ima_log *log, struct sl_reader *r, struct sl_ima_entry *entry,
                      struct sl_err *err)
{
    const uint8_t *digest = sl_reader_bytes(r, 20);
    const uint32_t size = u32_read(log, r);
    const uint8_t *name = size <= 255 ? sl_reader_bytes(r, size) : NULL;

    if (name == NULL || digest == NULL) {
        return sl_err_set(err, r->rc != SL_OK ? SL_TRUNCATED : SL_RANGE,
                          "entry %llu: template ima with a name of %u bytes, 255 at most",
                          (unsigned long long)entry->number, size);
    }
    entry->values[0] = (struct sl_ima_value){SL_IMA_D, digest, 20};
    entry->values[1] = (struct sl_ima_value){SL_IMA_N, name, size};
    memcpy(log->scratch, digest, 20);
    memset(log->scratch + 20, 0, 256);
    memcpy(log->scratch + 20, name, size);
    entry->data = log->scratch;
    entry->data_size = 276;
    return SL_OK;
}

static sl_rc binary_next(struct sl_ima_log *log, struct sl_ima_entry *entry, struct sl_err *err)
{
    struct sl_reader r;
    const uint8_t *name;
    uint32_t size;
    sl_rc rc;

    sl_reader_init(&r, log->data + log->off, log->size - log->off);
    entry->pcr = u32_read(log, &r);
    entry->template_hash_size = log->template_hash_size;
    sl_reader_copy(&r, entry->template_hash, log->template_hash_size);
    size = u32_read(log, &r);
    if (r.rc == SL_OK && (entry->pcr >= SL_TPM_PCR_COUNT || size > SL_IMA_TEMPLATE_NAME_MAX)) {
        return sl_err_set(err, SL_MALFORMED,
                          "entry %llu is none: PCR %u (0 to %d expected), template name of %u "
                          "bytes (%d at most)",
                          (unsigned long long)entry->number, entry->pcr, SL_TPM_PCR_COUNT - 1, size,
                          SL_IMA_TEMPLATE_NAME_MAX);
    }
    name = sl_reader_bytes(&r, size);
    if (name == NULL) {
        goto truncated;
    }
    rc = sl_ima_entry_template(log, entry, (const char *)name, size, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (entry->template.is_ima) {
        rc = ima_read(log, &r, entry, err);
    } else {
        entry->data_size = u32_read(log, &r);
        if (entry->data_size > SL_IMA_ENTRY_SIZE_MAX) {
            return sl_err_set(err, SL_RANGE, "entry %llu: %zu bytes, %d at most are read",
                              (unsigned long long)entry->number, entry->data_size,
                              SL_IMA_ENTRY_SIZE_MAX);
        }
        entry->data = sl_reader_bytes(&r, entry->data_size);
        if (entry->data == NULL) {
            goto truncated;
        }
        rc = fields_read(log, entry, err);
    }
    if (rc == SL_OK) {
        rc = sl_ima_entry_finish(entry, err);
    }
    if (rc == SL_OK) {
        log->off += r.off;
    }
    return rc;
truncated:
    return sl_err_set(err, SL_TRUNCATED,
                      "the list ends within entry %llu, %zu bytes after its start",
                      (unsigned long long)entry->number, log->size - log->off);
}

bool sl_ima_log_is_end(const struct sl_ima_log *log)
{
    return log->off >= log->size;
}

sl_rc sl_ima_log_next(struct sl_ima_log *log, struct sl_ima_entry *ret_entry, struct sl_err *err)
{
    sl_rc rc;

    if (sl_ima_log_is_end(log)) {
        return SL_CLOSED;
    }
    ret_entry->number = log->count + 1;
    rc = log->format == SL_IMA_ASCII ? sl_ima_ascii_next(log, ret_entry, err)
                                     : binary_next(log, ret_entry, err);
    if (rc == SL_OK) {
        log->count++;
    }
    return rc;
}

/* Tries to read the first @p count entries as they would be with these settings. */
static bool is_plausible(struct sl_ima_log *log, int count, struct sl_err *err)
{
    struct sl_ima_entry *entry = malloc(sizeof(*entry));
    bool is_good = entry != NULL;

    for (int i = 0; is_good && i < count && !sl_ima_log_is_end(log); i++) {
        is_good = sl_ima_log_next(log, entry, err) == SL_OK;
    }
    free(entry);
    log->off = 0;
    log->count = 0;
    return is_good;
}

/* Two entries prove more than one; one must do where the list was cut within its second. */
static sl_rc settings_find(struct sl_ima_log *log, struct sl_err *err)
{
    struct sl_err first = {0}, other = {0};
    const size_t size_count = sizeof(HASH_SIZES) / sizeof(HASH_SIZES[0]);

    for (size_t i = 0; i < 4 * size_count; i++) {
        log->is_big_endian = i / size_count % 2 != 0;
        log->template_hash_size = HASH_SIZES[i % size_count];
        if (is_plausible(log, i < 2 * size_count ? 2 : 1, i == 0 ? &first : &other)) {
            return SL_OK;
        }
    }
    /* what is wrong with the usual form explains most */
    return sl_err_set(err, first.rc != SL_OK ? first.rc : SL_NO_MEMORY, "%s", first.text);
}

static sl_rc ascii_settings_find(struct sl_ima_log *log)
{
    struct sl_ima_entry *entry = malloc(sizeof(*entry));

    if (entry == NULL) {
        return SL_NO_MEMORY;
    }
    sl_ima_ascii_settings_find(log, entry);
    free(entry);
    return SL_OK;
}

sl_rc sl_ima_log_init(struct sl_ima_log *log, struct sl_blob data, enum sl_ima_log_format format,
                      struct sl_err *err)
{
    sl_rc rc = SL_OK;

    memset(log, 0, sizeof(*log));
    log->data = data.data;
    log->size = data.size;
    log->format = format;
    log->template_hash_size = HASH_SIZES[0];
    /* no entry is larger than the text it was printed as, but for its lengths and paddings */
    log->scratch_size = data.size < SL_IMA_ENTRY_SIZE_MAX ? data.size + SCRATCH_SLACK
                                                          : SL_IMA_ENTRY_SIZE_MAX + SCRATCH_SLACK;
    log->scratch = malloc(log->scratch_size);
    if (log->scratch == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory to read a measurement list");
    }
    if (format == SL_IMA_BINARY && data.size > 0) {
        rc = settings_find(log, err);
    } else if (format == SL_IMA_ASCII) {
        rc = ascii_settings_find(log);
    }
    if (rc != SL_OK) {
        sl_ima_log_done(log);
    }
    return rc;
}

void sl_ima_log_done(struct sl_ima_log *log)
{
    free(log->scratch);
    log->scratch = NULL;
}
