/* SPDX-License-Identifier: Apache-2.0 */
/* Collects digests and writes a set of them, sorted. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest/tpm_alg.h"
#include "files/files.h"
#include "monitor/refvals_set.h"
#include "safelib/bytes.h"

struct row {
    uint8_t digest[SL_REFVALS_DIGEST_MAX];
    uint32_t path;  /* offset into paths */
    uint32_t order; /* of arrival */
};

struct column {
    const struct sl_tpm_hash *hash;
    struct row *rows;
    size_t count, room;
};

struct sl_refset_builder {
    struct column columns[SL_REFVALS_ALGS_MAX];
    size_t column_count;
    char *paths;
    size_t paths_size, paths_room;
    size_t last_path; /* of the digest before: several algorithms of one file share it */
};

struct sl_refset_builder *sl_refset_builder_create(void)
{
    return calloc(1, sizeof(struct sl_refset_builder));
}

void sl_refset_builder_free(struct sl_refset_builder *builder)
{
    if (builder == NULL) {
        return;
    }
    for (size_t i = 0; i < builder->column_count; i++) {
        free(builder->columns[i].rows);
    }
    free(builder->paths);
    free(builder);
}

static struct column *column_of(struct sl_refset_builder *builder, const struct sl_tpm_hash *hash)
{
    for (size_t i = 0; i < builder->column_count; i++) {
        if (builder->columns[i].hash == hash) {
            return &builder->columns[i];
        }
    }
    if (builder->column_count >= SL_REFVALS_ALGS_MAX) {
        return NULL;
    }
    builder->columns[builder->column_count].hash = hash;
    return &builder->columns[builder->column_count++];
}

static bool path_put(struct sl_refset_builder *builder, const char *path, uint32_t *ret_off)
{
    const size_t size = strlen(path) + 1;

    if (builder->paths_size > 0 && strcmp(builder->paths + builder->last_path, path) == 0) {
        *ret_off = (uint32_t)builder->last_path;
        return true;
    }
    if (builder->paths_size + size > builder->paths_room) {
        const size_t room = 2 * (builder->paths_room + size + 4096);
        char *more = room < SL_REFVALS_FILE_MAX ? realloc(builder->paths, room) : NULL;

        if (more == NULL) {
            return false;
        }
        builder->paths = more;
        builder->paths_room = room;
    }
    memcpy(builder->paths + builder->paths_size, path, size);
    builder->last_path = builder->paths_size;
    builder->paths_size += size;
    *ret_off = (uint32_t)builder->last_path;
    return true;
}

sl_rc sl_refset_add(struct sl_refset_builder *builder, const char *alg, const uint8_t *digest,
                    size_t size, const char *path)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_name(alg, strlen(alg));
    struct column *column = hash != NULL ? column_of(builder, hash) : NULL;
    struct row *row;

    if (column == NULL) {
        return SL_UNSUPPORTED;
    }
    if (size != hash->size) {
        return SL_RANGE;
    }
    if (column->count == column->room) {
        const size_t room = 2 * column->room + 1024;
        struct row *more = realloc(column->rows, room * sizeof(*more));

        if (more == NULL) {
            return SL_NO_MEMORY;
        }
        column->rows = more;
        column->room = room;
    }
    row = &column->rows[column->count];
    memset(row, 0, sizeof(*row));
    memcpy(row->digest, digest, size);
    row->order = (uint32_t)column->count;
    if (!path_put(builder, path, &row->path)) {
        return SL_NO_MEMORY;
    }
    column->count++;
    return SL_OK;
}

size_t sl_refset_count(const struct sl_refset_builder *builder)
{
    size_t most = 0;

    for (size_t i = 0; i < builder->column_count; i++) {
        most = builder->columns[i].count > most ? builder->columns[i].count : most;
    }
    return most;
}

static int row_compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    const int order = memcmp(x->digest, y->digest, sizeof(x->digest)); /* digests are public */

    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static void column_sort(struct column *column)
{
    size_t kept = 0;

    qsort(column->rows, column->count, sizeof(*column->rows), row_compare);
    for (size_t i = 0; i < column->count; i++) {
        if (kept == 0 || memcmp(column->rows[kept - 1].digest, column->rows[i].digest,
                                SL_REFVALS_DIGEST_MAX) != 0) {
            column->rows[kept++] = column->rows[i];
        }
    }
    column->count = kept;
}

static bool name_is_good(const char *name)
{
    const size_t size = strlen(name);

    return size > 0 && size <= SL_REFVALS_NAME_MAX && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+~") ==
               size;
}

static void body_write(const struct sl_refset_builder *builder, const char *head,
                       struct sl_writer *w)
{
    sl_writer_bytes(w, SL_REFSET_MAGIC, SL_REFSET_MAGIC_SIZE);
    sl_writer_be32(w, (uint32_t)strlen(head));
    sl_writer_bytes(w, head, strlen(head));
    sl_writer_be32(w, (uint32_t)builder->column_count);
    for (size_t i = 0; i < builder->column_count; i++) {
        const struct column *column = &builder->columns[i];
        char name[SL_REFSET_ALG_SIZE] = {0};

        (void)snprintf(name, sizeof(name), "%s", column->hash->name);
        sl_writer_bytes(w, name, sizeof(name));
        sl_writer_be32(w, (uint32_t)column->hash->size);
        sl_writer_be32(w, (uint32_t)column->count);
        for (size_t j = 0; j < column->count; j++) {
            sl_writer_bytes(w, column->rows[j].digest, column->hash->size);
        }
        for (size_t j = 0; j < column->count; j++) {
            sl_writer_be32(w, column->rows[j].path);
        }
    }
    sl_writer_be32(w, (uint32_t)builder->paths_size);
    sl_writer_bytes(w, builder->paths, builder->paths_size);
}

static char *head_make(const char *name, const char *source, int64_t time_s)
{
    const time_t time = (time_t)time_s;
    struct tm tm;
    char date[32] = "";
    json_t *head;
    char *text;

    if (gmtime_r(&time, &tm) != NULL) {
        (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    head = json_pack("{s:s, s:s, s:s}", "name", name, "source", source, "date", date);
    text = head != NULL ? json_dumps(head, JSON_COMPACT) : NULL;
    json_decref(head);
    return text;
}

sl_rc sl_refset_write(struct sl_refset_builder *builder, const char *dir, const char *name,
                      const char *source, int64_t time_s, struct sl_err *err)
{
    size_t size = 4096 + builder->paths_size;
    char path[1024], *head;
    struct sl_writer w;
    uint8_t *data;
    int length;
    sl_rc rc;

    length = snprintf(path, sizeof(path), "%s/%s%s", dir, name, SL_REFVALS_SUFFIX);
    if (!name_is_good(name) || length < 0 || (size_t)length >= sizeof(path)) {
        return sl_err_set(err, SL_INVALID,
                          "\"%s\" cannot be the name of a set: letters, digits, . - _ + ~, at most "
                          "%d",
                          name, SL_REFVALS_NAME_MAX);
    }
    head = head_make(name, source, time_s);
    if (head == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory, or a source that is not UTF-8");
    }
    for (size_t i = 0; i < builder->column_count; i++) {
        column_sort(&builder->columns[i]);
        size += SL_REFSET_ALG_SIZE + 8 +
                builder->columns[i].count * (builder->columns[i].hash->size + 4);
    }
    size += strlen(head);
    data = size <= SL_REFVALS_FILE_MAX ? malloc(size) : NULL;
    if (data == NULL) {
        free(head);
        return sl_err_set(err, SL_RANGE, "a set of %zu bytes, too large for memory or the limit",
                          size);
    }
    sl_writer_init(&w, data, size);
    body_write(builder, head, &w);
    rc = w.rc;
    if (rc == SL_OK && EVP_Digest(data, w.off, data + w.off, NULL, EVP_sha256(), NULL) != 1) {
        rc = SL_CRYPTO;
    }
    rc = rc == SL_OK ? sl_file_write(path, 0644, data, w.off + SL_REFSET_SUM_SIZE, err)
                     : sl_err_set(err, rc, "%s: %s", path, sl_rc_text(rc));
    free(data);
    free(head);
    return rc;
}
