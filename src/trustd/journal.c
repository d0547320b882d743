/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's folder: journal.log by src/audit, and blobs by their hashes. */
#include "trustd/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "files/files.h"
#include "trustd/token.h"

enum { PATH_SIZE = 512 };

struct sl_journal {
    struct sl_audit *audit;
    char folder[PATH_SIZE - 128];
    pthread_mutex_t lock; /* of what blobs there are */
    uint64_t blob_bytes, blob_bytes_max;
};

static void blob_path(const char *folder, const char *name, char *out)
{
    (void)snprintf(out, PATH_SIZE, "%s/blobs/%s", folder, name);
}

/* ---- blobs ---- */

struct blob {
    char name[SL_BLOB_NAME_SIZE];
    int64_t time_ns;
    uint64_t size;
};

static int by_time(const void *a, const void *b)
{
    const struct blob *x = a;
    const struct blob *y = b;
    return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* All blobs; what is no blob (a file of a write that did not end) is removed at the start. */
static sl_rc blobs_list(const char *folder, bool is_start, struct blob **ret_blobs,
                        size_t *ret_count, struct sl_err *err)
{
    char path[PATH_SIZE];
    struct blob *blobs = NULL;
    size_t count = 0;
    size_t room = 0;
    sl_rc rc = SL_OK;
    blob_path(folder, "", path);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    for (struct dirent *entry; rc == SL_OK && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (entry->d_name[0] == '.' && (entry->d_name[1] == '\0' || entry->d_name[1] == '.')) {
            continue;
        }
        if (strlen(entry->d_name) != SL_BLOB_NAME_SIZE - 1) {
            if (is_start) {
                (void)unlinkat(dirfd(dir), entry->d_name, 0);
            }
            continue;
        }
        if (count == room) {
            room = room != 0 ? 2 * room : 1024;
            struct blob *more = realloc(blobs, room * sizeof(*blobs));
            if (more == NULL) {
                rc = sl_err_set(err, SL_NO_MEMORY, "no memory");
                break;
            }
            blobs = more;
        }
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            memcpy(blobs[count].name, entry->d_name, SL_BLOB_NAME_SIZE);
            blobs[count].time_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
            blobs[count++].size = (uint64_t)st.st_size;
        }
    }
    (void)closedir(dir);
    if (rc != SL_OK) {
        free(blobs);
        return rc;
    }
    *ret_blobs = blobs;
    *ret_count = count;
    return SL_OK;
}

/* Counts what is there; above the bound the oldest go, until a tenth is free. */
static sl_rc blobs_bound(struct sl_journal *journal, bool is_start, struct sl_err *err)
{
    struct blob *blobs;
    size_t count;
    char path[PATH_SIZE];
    sl_rc rc = blobs_list(journal->folder, is_start, &blobs, &count, err);
    if (rc != SL_OK) {
        return rc;
    }
    journal->blob_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        journal->blob_bytes += blobs[i].size;
    }
    if (journal->blob_bytes > journal->blob_bytes_max) {
        qsort(blobs, count, sizeof(*blobs), by_time);
        uint64_t wanted = journal->blob_bytes_max / 10 * 9;
        for (size_t i = 0; i < count && journal->blob_bytes > wanted; i++) {
            blob_path(journal->folder, blobs[i].name, path);
            if (unlink(path) == 0) {
                journal->blob_bytes -= blobs[i].size;
            }
        }
    }
    free(blobs);
    return SL_OK;
}

sl_rc sl_journal_blob_put(struct sl_journal *journal, const void *data, size_t size,
                          char ret_name[SL_BLOB_NAME_SIZE], struct sl_err *err)
{
    uint8_t hash[SL_TOKEN_HASH_SIZE];
    char path[PATH_SIZE];
    struct stat st;
    if (size > SL_BLOB_SIZE_MAX) {
        return sl_err_set(err, SL_RANGE, "%zu bytes; a journal keeps at most %d", size,
                          SL_BLOB_SIZE_MAX);
    }
    if (sl_trustd_sha256(data, size, hash) != SL_OK) {
        return sl_err_set(err, SL_CRYPTO, "SHA-256 failed");
    }
    sl_hex_encode(hash, sizeof(hash), ret_name);
    blob_path(journal->folder, ret_name, path);
    if (stat(path, &st) == 0 && (size_t)st.st_size == size) {
        (void)utimensat(AT_FDCWD, path, NULL, 0); /* in use: among the last to go */
        return SL_OK;
    }
    sl_rc rc = sl_file_write(path, 0600, data, size, err);
    if (rc == SL_OK) {
        (void)pthread_mutex_lock(&journal->lock);
        journal->blob_bytes += size;
        rc = journal->blob_bytes > journal->blob_bytes_max ? blobs_bound(journal, false, err)
                                                           : SL_OK;
        (void)pthread_mutex_unlock(&journal->lock);
    }
    return rc;
}

sl_rc sl_journal_blob_get(const char *folder, const char *name, char **ret_text, size_t *ret_size,
                          struct sl_err *err)
{
    uint8_t expected[SL_TOKEN_HASH_SIZE];
    uint8_t hash[SL_TOKEN_HASH_SIZE];
    char path[PATH_SIZE];
    uint8_t *data;
    if (name == NULL || strlen(name) != SL_BLOB_NAME_SIZE - 1 ||
        sl_hex_decode(name, expected, sizeof(expected)) != SL_OK) {
        return sl_err_set(err, SL_NOT_FOUND, "not a blob's name");
    }
    blob_path(folder, name, path);
    sl_rc rc = sl_file_read(path, SL_BLOB_SIZE_MAX, &data, ret_size, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_trustd_sha256(data, *ret_size, hash);
    /* forbidden: waived, hashes of public text */
    if (rc == SL_OK && memcmp(hash, expected, sizeof(hash)) != 0) {
        rc = sl_err_set(err, SL_MISMATCH, "%s: its bytes do not hash to its name", path);
    }
    if (rc != SL_OK) {
        free(data);
        return rc;
    }
    *ret_text = (char *)data;
    return SL_OK;
}

/* ---- the log ---- */

static sl_rc folder_make(const char *path, struct sl_err *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    return SL_OK;
}

sl_rc sl_journal_open(const char *folder, const struct sl_audit_head *known,
                      uint64_t blob_bytes_max, struct sl_journal **ret_journal, struct sl_err *err)
{
    char path[PATH_SIZE];
    struct sl_journal *journal = calloc(1, sizeof(*journal));
    if (journal == NULL || strlen(folder) >= sizeof(journal->folder)) {
        free(journal);
        return sl_err_set(err, SL_IO, "%s: too long a path", folder);
    }
    (void)snprintf(journal->folder, sizeof(journal->folder), "%s", folder);
    journal->blob_bytes_max = blob_bytes_max;
    (void)pthread_mutex_init(&journal->lock, NULL);
    blob_path(folder, "", path);
    sl_rc rc = folder_make(folder, err);
    rc = rc == SL_OK ? folder_make(path, err) : rc;
    (void)snprintf(path, sizeof(path), "%s/journal.log", folder);
    const struct sl_audit_options options = {.path = path, .known = known};
    rc = rc == SL_OK ? sl_audit_open(&options, &journal->audit, err) : rc;
    rc = rc == SL_OK ? blobs_bound(journal, true, err) : rc;
    if (rc != SL_OK) {
        sl_journal_close(journal);
        return rc;
    }
    *ret_journal = journal;
    return SL_OK;
}

void sl_journal_close(struct sl_journal *journal)
{
    if (journal != NULL) {
        sl_audit_close(journal->audit);
        (void)pthread_mutex_destroy(&journal->lock);
        free(journal);
    }
}

sl_rc sl_journal_write(struct sl_journal *journal, enum sl_audit_event event,
                       enum sl_audit_outcome outcome, json_t *detail, struct sl_err *err)
{
    return sl_audit_write(journal->audit, event, outcome, detail, err);
}

void sl_journal_head(struct sl_journal *journal, struct sl_audit_head *ret_head)
{
    sl_audit_head(journal->audit, ret_head);
}

uint64_t sl_journal_failures(struct sl_journal *journal)
{
    return sl_audit_failures(journal->audit);
}

void sl_journal_head_write(const struct sl_audit_head *head, char ret_text[SL_HEAD_TEXT_SIZE])
{
    char hex[2 * SL_AUDIT_HASH_SIZE + 1];
    sl_hex_encode(head->hash, sizeof(head->hash), hex);
    (void)snprintf(ret_text, SL_HEAD_TEXT_SIZE, "%llu:%s", (unsigned long long)head->seq, hex);
}

sl_rc sl_journal_head_read(const char *text, struct sl_audit_head *ret_head)
{
    char *end = NULL;
    struct sl_audit_head head;
    head.seq = strtoull(text, &end, 10);
    if (end == text || *end != ':' || strlen(end + 1) != 2 * sizeof(head.hash) ||
        sl_hex_decode(end + 1, head.hash, sizeof(head.hash)) != SL_OK) {
        return SL_MALFORMED;
    }
    *ret_head = head;
    return SL_OK;
}

static int log_filter(const struct dirent *entry)
{
    return strncmp(entry->d_name, "journal.log", 11) == 0 &&
           (entry->d_name[11] == '\0' || entry->d_name[11] == '.');
}

/* Rotated ones by their number, which has a fixed width; the one in use is the last. */
static int log_order(const struct dirent **a, const struct dirent **b)
{
    bool is_a_last = (*a)->d_name[11] == '\0';
    bool is_b_last = (*b)->d_name[11] == '\0';
    return is_a_last != is_b_last ? is_a_last - is_b_last : strcmp((*a)->d_name, (*b)->d_name);
}

sl_rc sl_journal_files(const char *folder, char ***ret_paths, size_t *ret_count, struct sl_err *err)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, log_filter, log_order);
    if (count <= 0) {
        free(names);
        return sl_err_set(err, count == 0 ? SL_NOT_FOUND : SL_IO, "%s: %s", folder,
                          count == 0 ? "no journal.log in it" : strerror(errno));
    }
    char **paths = calloc((size_t)count, sizeof(*paths));
    sl_rc rc = paths != NULL ? SL_OK : sl_err_set(err, SL_NO_MEMORY, "no memory");
    for (int i = 0; i < count; i++) {
        if (rc == SL_OK && asprintf(&paths[i], "%s/%s", folder, names[i]->d_name) < 0) {
            paths[i] = NULL;
            rc = sl_err_set(err, SL_NO_MEMORY, "no memory");
        }
        free(names[i]);
    }
    free(names);
    if (rc != SL_OK) {
        for (int i = 0; paths != NULL && i < count; i++) {
            free(paths[i]);
        }
        free(paths);
        return rc;
    }
    *ret_paths = paths;
    *ret_count = (size_t)count;
    return SL_OK;
}
