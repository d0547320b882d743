/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of reference digests, mapped and searched where they lie. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/refvals_set.h"
#include "safelib/bytes.h"

enum { SETS_MAX = 1024, DIGEST_SIZE_MIN = 16, BLOCK = 16, NEAR = 64 };

struct column {
    char alg[SL_REFSET_ALG_SIZE];
    size_t size;
    size_t count;
    const uint8_t *digests;
    const uint8_t *paths; /* be32 offsets */
    uint32_t *starts;     /* first four bytes of every BLOCK-th digest; stays in the cache */
    size_t start_count;
};

struct set {
    char name[SL_REFVALS_NAME_MAX + 1];
    uint8_t *data;
    size_t size;
    json_t *head;
    struct column columns[SL_REFVALS_ALGS_MAX];
    size_t column_count;
    const char *paths;
    size_t paths_size;
};

struct sl_refstore {
    struct set *sets;
    size_t count;
};

static bool column_read(struct sl_reader *r, struct column *column)
{
    sl_reader_copy(r, column->alg, sizeof(column->alg));
    column->size = sl_reader_be32(r);
    column->count = sl_reader_be32(r);
    if (r->rc != SL_OK || column->alg[sizeof(column->alg) - 1] != '\0' ||
        column->size < DIGEST_SIZE_MIN || column->size > SL_REFVALS_DIGEST_MAX) {
        return false;
    }
    column->digests = sl_reader_bytes(r, column->size * column->count);
    column->paths = sl_reader_bytes(r, 4 * column->count);
    return r->rc == SL_OK;
}

static bool column_is_sound(const struct set *set, const struct column *column)
{
    for (size_t i = 0; i < column->count; i++) {
        if (sl_be32_get(column->paths + 4 * i) >= set->paths_size ||
            (i > 0 && memcmp(column->digests + column->size * (i - 1),
                             column->digests + column->size * i, column->size) >= 0)) {
            return false;
        }
    }
    return true;
}

static bool starts_make(struct column *column)
{
    column->start_count = (column->count + BLOCK - 1) / BLOCK;
    column->starts = malloc((column->start_count + 1) * sizeof(*column->starts));
    for (size_t i = 0; column->starts != NULL && i < column->start_count; i++) {
        column->starts[i] = sl_be32_get(column->digests + column->size * i * BLOCK);
    }
    return column->starts != NULL;
}

static bool columns_take(struct set *set)
{
    for (size_t i = 0; i < set->column_count; i++) {
        if (!column_is_sound(set, &set->columns[i]) || !starts_make(&set->columns[i])) {
            return false;
        }
    }
    return true;
}

static bool set_read(struct set *set)
{
    struct sl_reader r;
    uint8_t sum[SL_REFSET_SUM_SIZE];
    const uint8_t *head;
    uint32_t size;
    bool is_sound;

    if (set->size < SL_REFSET_SUM_SIZE ||
        EVP_Digest(set->data, set->size - SL_REFSET_SUM_SIZE, sum, NULL, EVP_sha256(), NULL) != 1 ||
        memcmp(sum, set->data + set->size - SL_REFSET_SUM_SIZE, SL_REFSET_SUM_SIZE) != 0) {
        return false;
    }
    sl_reader_init(&r, set->data, set->size - SL_REFSET_SUM_SIZE);
    head = sl_reader_bytes(&r, SL_REFSET_MAGIC_SIZE);
    if (head == NULL || memcmp(head, SL_REFSET_MAGIC, SL_REFSET_MAGIC_SIZE) != 0) {
        return false;
    }
    size = sl_reader_be32(&r);
    head = sl_reader_bytes(&r, size);
    set->head = head != NULL ? json_loadb((const char *)head, size, 0, NULL) : NULL;
    set->column_count = sl_reader_be32(&r);
    if (!json_is_object(set->head) || set->column_count > SL_REFVALS_ALGS_MAX) {
        return false;
    }
    for (size_t i = 0; i < set->column_count; i++) {
        if (!column_read(&r, &set->columns[i])) {
            return false;
        }
    }
    set->paths_size = sl_reader_be32(&r);
    set->paths = (const char *)sl_reader_bytes(&r, set->paths_size);
    is_sound = sl_reader_end(&r) == SL_OK &&
               (set->paths_size == 0 || set->paths[set->paths_size - 1] == '\0');
    return is_sound && columns_take(set);
}

static void set_done(struct set *set)
{
    json_decref(set->head);
    for (size_t i = 0; i < SL_REFVALS_ALGS_MAX; i++) {
        free(set->columns[i].starts);
    }
    if (set->data != NULL) {
        (void)munmap(set->data, set->size);
    }
}

static sl_rc set_open(int folder, const char *file, struct set *set, struct sl_err *err)
{
    const int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    void *data = MAP_FAILED;

    memset(set, 0, sizeof(*set));
    (void)snprintf(set->name, sizeof(set->name), "%.*s",
                   (int)(strlen(file) - strlen(SL_REFVALS_SUFFIX)), file);
    if (fd < 0) {
        return sl_err_set(err, SL_IO, "%s: %s", file, strerror(errno));
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        st.st_size <= SL_REFVALS_FILE_MAX) {
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    (void)close(fd);
    if (data == MAP_FAILED) {
        return sl_err_set(err, SL_MALFORMED, "%s: no file, empty, or above %d bytes", file,
                          SL_REFVALS_FILE_MAX);
    }
    set->data = data;
    set->size = (size_t)st.st_size;
    if (!set_read(set)) {
        set_done(set);
        return sl_err_set(err, SL_MALFORMED,
                          "%s: no set of reference digests, cut, or changed: import it again",
                          file);
    }
    return SL_OK;
}

static bool is_set_file(const char *file)
{
    const size_t size = strlen(file), suffix = strlen(SL_REFVALS_SUFFIX);

    return size > suffix && size - suffix <= SL_REFVALS_NAME_MAX && file[0] != '.' &&
           strcmp(file + size - suffix, SL_REFVALS_SUFFIX) == 0;
}

static int set_compare(const void *a, const void *b)
{
    return strcmp(((const struct set *)a)->name, ((const struct set *)b)->name);
}

sl_rc sl_refstore_open(const char *dir, struct sl_refstore **ret_store, struct sl_err *err)
{
    DIR *folder = opendir(dir);
    struct sl_refstore *store = calloc(1, sizeof(*store));
    const struct dirent *entry;
    sl_rc rc = SL_OK;

    *ret_store = NULL;
    if (folder == NULL) {
        rc =
            sl_err_set(err, errno == ENOENT ? SL_NOT_FOUND : SL_IO, "%s: %s", dir, strerror(errno));
    } else if (store == NULL || (store->sets = calloc(SETS_MAX, sizeof(*store->sets))) == NULL) {
        rc = sl_err_set(err, SL_NO_MEMORY, "%s: no memory", dir);
    }
    while (rc == SL_OK && (entry = readdir(folder)) != NULL) {
        if (!is_set_file(entry->d_name)) {
            continue;
        }
        rc = store->count < SETS_MAX
                 ? set_open(dirfd(folder), entry->d_name, &store->sets[store->count], err)
                 : sl_err_set(err, SL_MALFORMED, "%s: more than %d sets", dir, SETS_MAX);
        store->count += rc == SL_OK ? 1 : 0;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    if (rc != SL_OK) {
        sl_refstore_close(store);
        return rc;
    }
    qsort(store->sets, store->count, sizeof(*store->sets), set_compare);
    *ret_store = store;
    return SL_OK;
}

void sl_refstore_close(struct sl_refstore *store)
{
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; store->sets != NULL && i < store->count; i++) {
        set_done(&store->sets[i]);
    }
    free(store->sets);
    free(store);
}

/* First block that begins with @p wanted or more. Digests are spread evenly, so the place is nearly
 * known from the value itself, and a few halvings near by find it. */
static size_t block_find(const struct column *column, uint64_t wanted)
{
    const size_t count = column->start_count, guess = (size_t)((wanted * count) >> 32);
    size_t low = guess > NEAR ? guess - NEAR : 0,
           high = guess + NEAR < count ? guess + NEAR : count;

    if (low > 0 && column->starts[low - 1] >= wanted) {
        low = 0;
    }
    if (high < count && column->starts[high] < wanted) {
        high = count;
    }
    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (column->starts[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool column_holds(const struct column *column, const uint8_t *digest)
{
    const uint64_t start = sl_be32_get(digest);
    const size_t first = block_find(column, start), end = block_find(column, start + 1);
    size_t low = first > 0 ? (first - 1) * BLOCK : 0;
    size_t high = end * BLOCK < column->count ? end * BLOCK : column->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = memcmp(digest, column->digests + column->size * middle, column->size);

        if (order == 0) {
            return true;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}

static bool set_holds(const struct set *set, const char *alg, const uint8_t *digest, size_t size)
{
    for (size_t i = 0; i < set->column_count; i++) {
        const struct column *column = &set->columns[i];

        if (column->size == size && strcmp(column->alg, alg) == 0 && column_holds(column, digest)) {
            return true;
        }
    }
    return false;
}

static const char *store_find(void *ctx, const char *alg, const uint8_t *digest, size_t size,
                              const char *const *sets, size_t set_count)
{
    const struct sl_refstore *store = ctx;

    for (size_t i = 0; i < set_count; i++) {
        for (size_t j = 0; j < store->count; j++) {
            if (strcmp(store->sets[j].name, sets[i]) == 0 &&
                set_holds(&store->sets[j], alg, digest, size)) {
                return store->sets[j].name;
            }
        }
    }
    return NULL;
}

struct sl_refvals sl_refstore_refvals(struct sl_refstore *store)
{
    return (struct sl_refvals){store, store_find};
}

size_t sl_refstore_count(const struct sl_refstore *store)
{
    return store->count;
}

const char *sl_refstore_name(const struct sl_refstore *store, size_t index)
{
    return store->sets[index].name;
}

json_t *sl_refstore_json(const struct sl_refstore *store, size_t index)
{
    const struct set *set = &store->sets[index];
    json_t *digests = json_object();
    json_t *json = json_deep_copy(set->head);

    for (size_t i = 0; i < set->column_count; i++) {
        (void)json_object_set_new(digests, set->columns[i].alg,
                                  json_integer((json_int_t)set->columns[i].count));
    }
    (void)json_object_set_new(json, "name", json_string(set->name));
    (void)json_object_set_new(json, "digests", digests);
    return json;
}

void sl_refstore_walk(const struct sl_refstore *store, size_t index,
                      void (*visit)(void *ctx, const char *alg, const uint8_t *digest, size_t size,
                                    const char *path),
                      void *ctx)
{
    const struct set *set = &store->sets[index];

    for (size_t i = 0; i < set->column_count; i++) {
        const struct column *column = &set->columns[i];

        for (size_t j = 0; j < column->count; j++) {
            visit(ctx, column->alg, column->digests + column->size * j, column->size,
                  set->paths + sl_be32_get(column->paths + 4 * j));
        }
    }
}
