/* SPDX-License-Identifier: Apache-2.0 */
/* The ASCII measurement list: one entry a line, from which the hashed bytes are built again
 * (Linux ima_template_lib.c, ima_show_template_data_ascii). */
#include <string.h>

#include "attest/ima_log.h"
#include "attest/ima_replay.h"
#include "safelib/bytes.h"

/* A line, taken apart word by word. */
struct line {
    const char *at;
    const char *end;
};

static struct line word_take(struct line *line)
{
    const char *space = memchr(line->at, ' ', (size_t)(line->end - line->at));
    struct line word = {line->at, space != NULL ? space : line->end};

    line->at = space != NULL ? space + 1 : line->end;
    return word;
}

static size_t size_of(struct line word)
{
    return (size_t)(word.end - word.at);
}

/* One more than the value of each lower-case hex digit. */
static const uint8_t DIGITS[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

/* Lower-case hex, as the kernel prints it. */
static sl_rc hex_write(struct sl_writer *w, const char *at, size_t size)
{
    uint8_t *out = sl_writer_reserve(w, size / 2);
    unsigned seen = 0;

    if (size % 2 != 0 || out == NULL) {
        return size % 2 != 0 ? SL_MALFORMED : w->rc;
    }
    for (size_t i = 0; i < size / 2; i++) {
        const unsigned high = DIGITS[(uint8_t)at[2 * i]] - 1u;
        const unsigned low = DIGITS[(uint8_t)at[2 * i + 1]] - 1u;

        seen |= high | low;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return seen < 16 ? SL_OK : SL_MALFORMED;
}

static sl_rc decimal_read(struct line word, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (size_of(word) == 0 || size_of(word) > 10) {
        return SL_MALFORMED;
    }
    for (const char *at = word.at; at < word.end; at++) {
        if (*at < '0' || *at > '9') {
            return SL_MALFORMED;
        }
        value = value * 10 + (uint64_t)(*at - '0');
    }
    *ret_value = value;
    return value <= max ? SL_OK : SL_RANGE;
}

/* "sha256:hex" or "verity:sha256:hex": the text up to the last colon, NUL, bytes */
static sl_rc digest_write(struct sl_writer *w, struct line word)
{
    const char *colon = memrchr(word.at, ':', size_of(word));

    if (colon == NULL) {
        return SL_MALFORMED;
    }
    sl_writer_bytes(w, word.at, (size_t)(colon + 1 - word.at));
    sl_writer_u8(w, 0);
    return hex_write(w, colon + 1, (size_t)(word.end - colon - 1));
}

static sl_rc uint_write(const struct sl_ima_log *log, struct sl_writer *w, struct line word,
                        size_t size)
{
    uint64_t value;
    sl_rc rc = decimal_read(word, size == 2 ? UINT16_MAX : UINT32_MAX, &value);

    for (size_t i = 0; rc == SL_OK && i < size; i++) {
        const size_t shift = log->is_big_endian ? size - 1 - i : i;

        sl_writer_u8(w, (uint8_t)(value >> (8 * shift)));
    }
    return rc;
}

static sl_rc value_write(const struct sl_ima_log *log, struct sl_writer *w, enum sl_ima_field_id id,
                         struct line word)
{
    switch (sl_ima_field_form(id)) {
    case SL_IMA_FORM_ALG_DIGEST:
    case SL_IMA_FORM_TYPE_DIGEST:
        /* a module without an appended signature has no digest of one */
        return size_of(word) == 0 && id == SL_IMA_D_MODSIG ? SL_OK : digest_write(w, word);
    case SL_IMA_FORM_STRING:
        sl_writer_bytes(w, word.at, size_of(word));
        if (!log->is_unterminated || id == SL_IMA_N_NG) {
            sl_writer_u8(w, 0);
        }
        return w->rc;
    case SL_IMA_FORM_UINT16:
        return uint_write(log, w, word, 2);
    case SL_IMA_FORM_UINT32:
        return uint_write(log, w, word, 4);
    case SL_IMA_FORM_DIGEST:
    case SL_IMA_FORM_HEX:
        break;
    }
    return hex_write(w, word.at, size_of(word));
}

/* Every template but "ima": u32 size | bytes for each field. */
static sl_rc fields_write(const struct sl_ima_log *log, struct sl_ima_entry *entry,
                          struct line *line, struct sl_writer *w, struct sl_err *err)
{
    for (uint32_t i = 0; i < entry->template.field_count; i++) {
        const enum sl_ima_field_id id = entry->template.fields[i];
        const bool is_last = i + 1 == entry->template.field_count;
        const bool is_there = line->at <= line->end && (i == 0 || line->at[-1] == ' ');
        uint8_t *size_at = sl_writer_reserve(w, 4);
        struct line word = {line->end, line->end};
        uint32_t size;
        sl_rc rc;

        if (is_last && is_there && sl_ima_field_form(id) == SL_IMA_FORM_STRING) {
            word.at = line->at;
            line->at = line->end;
        } else if (is_there) {
            word = word_take(line);
        }
        entry->values[i].id = id;
        entry->values[i].data = w->data + w->off;
        if (!is_there && sl_ima_field_form(id) != SL_IMA_FORM_HEX) {
            return sl_err_set(err, SL_MALFORMED, "entry %llu: field %s of template %s is missing",
                              (unsigned long long)entry->number, sl_ima_field_name(id),
                              entry->template.name);
        }
        rc = value_write(log, w, id, word);
        if (rc != SL_OK || w->rc != SL_OK) {
            return sl_err_set(err, rc != SL_OK ? rc : SL_RANGE, "entry %llu: field %s is \"%.*s\"",
                              (unsigned long long)entry->number, sl_ima_field_name(id),
                              size_of(word) > 80 ? 80 : (int)size_of(word), word.at);
        }
        size = (uint32_t)(w->data + w->off - entry->values[i].data);
        entry->values[i].size = size;
        size = log->is_big_endian ? __builtin_bswap32(size) : size;
        memcpy(size_at, &size, 4);
    }
    return SL_OK;
}

/* Template "ima": 20 bytes of digest, name padded to 256 (see ima_log.c). */
static sl_rc ima_write(struct sl_ima_entry *entry, struct line *line, struct sl_writer *w,
                       struct sl_err *err)
{
    const struct line digest = word_take(line);
    const size_t size = size_of(*line);

    if (size_of(digest) != 40 || hex_write(w, digest.at, 40) != SL_OK) {
        return sl_err_set(err, SL_MALFORMED,
                          "entry %llu: \"%.*s\" is not the 40 hex digits of a digest",
                          (unsigned long long)entry->number,
                          size_of(digest) > 80 ? 80 : (int)size_of(digest), digest.at);
    }
    if (size == 0 || size > 255) {
        return sl_err_set(err, SL_MALFORMED, "entry %llu: a name of %zu bytes, 1 to 255 expected",
                          (unsigned long long)entry->number, size);
    }
    sl_writer_bytes(w, line->at, size);
    memset(sl_writer_reserve(w, 256 - size), 0, 256 - size);
    entry->values[0] = (struct sl_ima_value){SL_IMA_D, w->data, 20};
    entry->values[1] = (struct sl_ima_value){SL_IMA_N, w->data + 20, size};
    return SL_OK;
}

static sl_rc head_read(struct sl_ima_log *log, struct sl_ima_entry *entry, struct line *line,
                       struct sl_err *err)
{
    struct sl_writer hash;
    struct line word;
    uint64_t pcr;

    while (line->at < line->end && *line->at == ' ') { /* "%2d" */
        line->at++;
    }
    word = word_take(line);
    if (decimal_read(word, SL_TPM_PCR_COUNT - 1, &pcr) != SL_OK) {
        return sl_err_set(err, SL_MALFORMED, "entry %llu: \"%.*s\" is no PCR",
                          (unsigned long long)entry->number,
                          size_of(word) > 80 ? 80 : (int)size_of(word), word.at);
    }
    entry->pcr = (uint32_t)pcr;
    word = word_take(line);
    sl_writer_init(&hash, entry->template_hash, sizeof(entry->template_hash));
    entry->template_hash_size = size_of(word) / 2;
    if (hex_write(&hash, word.at, size_of(word)) != SL_OK ||
        (size_of(word) != 40 && size_of(word) != 64 && size_of(word) != 96 &&
         size_of(word) != 128)) {
        return sl_err_set(err, SL_MALFORMED, "entry %llu: \"%.*s\" is no template hash",
                          (unsigned long long)entry->number,
                          size_of(word) > 140 ? 140 : (int)size_of(word), word.at);
    }
    word = word_take(line);
    return sl_ima_entry_template(log, entry, word.at, size_of(word), err);
}

sl_rc sl_ima_ascii_next(struct sl_ima_log *log, struct sl_ima_entry *entry, struct sl_err *err)
{
    const char *begin = (const char *)log->data + log->off;
    const char *end = memchr(begin, '\n', log->size - log->off);
    struct line line = {begin, end != NULL ? end : (const char *)log->data + log->size};
    struct sl_writer w;
    sl_rc rc;

    log->off = (size_t)(line.end - (const char *)log->data) + (end != NULL ? 1 : 0);
    if (memchr(line.at, 0, size_of(line)) != NULL) {
        return sl_err_set(err, SL_MALFORMED, "entry %llu: a NUL in an ASCII list",
                          (unsigned long long)entry->number);
    }
    rc = head_read(log, entry, &line, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_writer_init(&w, log->scratch, log->scratch_size);
    rc = entry->template.is_ima ? ima_write(entry, &line, &w, err)
                                : fields_write(log, entry, &line, &w, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (line.at < line.end && !entry->template.is_ima) {
        return sl_err_set(err, SL_MALFORMED, "entry %llu: \"%.*s\" behind the last field of %s",
                          (unsigned long long)entry->number,
                          size_of(line) > 80 ? 80 : (int)size_of(line), line.at,
                          entry->template.name);
    }
    entry->data = log->scratch;
    entry->data_size = w.off;
    return sl_ima_entry_finish(entry, err);
}

/* Whether one of the first entries proves these settings by its template hash. */
static bool is_proven(struct sl_ima_log *log, struct sl_ima_entry *entry)
{
    bool is_good = false;

    for (int i = 0; i < 16 && !is_good && !sl_ima_log_is_end(log); i++) {
        is_good = sl_ima_log_next(log, entry, NULL) == SL_OK && !entry->is_violation &&
                  sl_ima_entry_is_hash_good(entry);
    }
    log->off = 0;
    log->count = 0;
    return is_good;
}

void sl_ima_ascii_settings_find(struct sl_ima_log *log, struct sl_ima_entry *entry)
{
    for (int i = 0; i < 4; i++) {
        log->is_big_endian = (i & 1) != 0;
        log->is_unterminated = (i & 2) != 0;
        if (is_proven(log, entry)) {
            return;
        }
    }
    log->is_big_endian = false;
    log->is_unterminated = false;
}
