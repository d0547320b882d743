/* SPDX-License-Identifier: Apache-2.0 */
/* Digests from a measurement list that a PCR proves, and from checksum files. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "attest/ima_replay.h"
#include "files/files.h"
#include "monitor/refvals_import.h"
#include "safelib/bytes.h"

enum { SUMS_MAX = 256 << 20, LIST_MAX = 1 << 30, PCR_IMA = 10 };

/* ---- measurement lists ---- */

static sl_rc entry_take(struct sl_import *import, const struct sl_ima_entry *entry)
{
    const struct sl_ima_digest *digest = &entry->digest;

    if (entry->is_violation || digest->size == 0 || digest->hash == NULL ||
        strcmp(digest->type, "verity") == 0 || strcmp(entry->path, "boot_aggregate") == 0) {
        return SL_OK; /* says nothing of a file that another machine could have */
    }
    return sl_refset_add(import->builder, digest->hash->name, digest->data, digest->size,
                         entry->path);
}

/* Entries up to the value, which are counted first and taken then: none of a list that does not
 * verify may get in. */
static sl_rc list_read(struct sl_import *import, struct sl_ima_log *log, const char *alg,
                       const uint8_t *pcr10, struct sl_err *err)
{
    const uint16_t bank = sl_tpm_hash_by_name(alg, strlen(alg))->alg;
    const size_t size = sl_tpm_hash_by_alg(bank)->size;
    struct sl_ima_entry *entry = malloc(sizeof(*entry));
    struct sl_ima_replay replay;
    uint64_t proven = 0;
    sl_rc rc = sl_ima_replay_init(&replay, &bank, 1, SL_IMA_EXTEND_HASH);

    if (entry == NULL || rc != SL_OK) {
        free(entry);
        return SL_NO_MEMORY;
    }
    while (proven == 0 && sl_ima_log_next(log, entry, err) == SL_OK) {
        rc = sl_ima_replay_add(&replay, entry, NULL);
        if (rc == SL_OK && memcmp(sl_ima_replay_pcr(&replay, bank, PCR_IMA), pcr10, size) == 0) {
            proven = log->count;
        }
    }
    if (proven == 0) {
        rc =
            sl_err_set(err, SL_MISMATCH,
                       "after none of %llu entries has PCR 10 the given value: nothing of the list "
                       "is proven, so nothing is taken",
                       (unsigned long long)log->count);
    }
    log->off = 0;
    log->count = 0;
    while (rc == SL_OK && log->count < proven) {
        rc = sl_ima_log_next(log, entry, err);
        rc = rc == SL_OK ? entry_take(import, entry) : rc;
    }
    free(entry);
    return rc;
}

sl_rc sl_import_ima(struct sl_import *import, const char *path, const char *alg,
                    const uint8_t *pcr10, size_t size, struct sl_err *err)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_name(alg, strlen(alg));
    struct sl_ima_log log;
    uint8_t *data = NULL;
    size_t data_size = 0;
    bool is_ascii;
    sl_rc rc;

    if (hash == NULL || hash->alg == 0 || hash->size != size) {
        return sl_err_set(err, SL_UNSUPPORTED, "no PCR bank %s with values of %zu bytes", alg,
                          size);
    }
    rc = sl_file_read(path, LIST_MAX, &data, &data_size, err);
    if (rc != SL_OK) {
        return rc;
    }
    is_ascii = data_size > 2 && (isdigit(data[0]) || data[0] == ' ') &&
               (isdigit(data[1]) || data[1] == ' ');
    rc = sl_ima_log_init(&log, (struct sl_blob){data, data_size},
                         is_ascii ? SL_IMA_ASCII : SL_IMA_BINARY, err);
    if (rc == SL_OK) {
        rc = list_read(import, &log, alg, pcr10, err);
        sl_ima_log_done(&log);
    }
    free(data);
    return rc;
}

/* ---- checksum files ---- */

static const char *alg_of(size_t digits)
{
    switch (digits) {
    case 40:
        return "sha1";
    case 64:
        return "sha256";
    case 96:
        return "sha384";
    case 128:
        return "sha512";
    default:
        return NULL;
    }
}

/* "digest  path" or "digest *path" */
static sl_rc line_take(struct sl_import *import, char *line, size_t number, struct sl_err *err)
{
    const size_t digits = strspn(line, "0123456789abcdefABCDEF");
    const char *alg = alg_of(digits);
    uint8_t digest[SL_REFVALS_DIGEST_MAX];

    if (line[0] == '\0' || line[0] == '#') {
        return SL_OK;
    }
    if (alg == NULL || line[digits] != ' ' ||
        (line[digits + 1] != ' ' && line[digits + 1] != '*') || line[digits + 2] == '\0') {
        return sl_err_set(err, SL_MALFORMED,
                          "line %zu: expected a digest of sha1, sha256, sha384 or sha512, two "
                          "spaces, a path",
                          number);
    }
    line[digits] = '\0';
    sl_rc rc = sl_hex_decode(line, digest, digits / 2);
    return rc == SL_OK ? sl_refset_add(import->builder, alg, digest, digits / 2, line + digits + 2)
                       : sl_err_set(err, rc, "line %zu: the digest is not hexadecimal", number);
}

sl_rc sl_import_sums(struct sl_import *import, const char *path, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0, number = 0;
    sl_rc rc = sl_file_read(path, SUMS_MAX, &data, &size, err);

    if (rc != SL_OK) {
        return rc;
    }
    for (char *line = (char *)data; rc == SL_OK && line < (char *)data + size;) {
        char *end = memchr(line, '\n', (size_t)((char *)data + size - line));

        if (end != NULL) {
            *end = '\0';
        }
        rc = line_take(import, line, ++number, err);
        line = end != NULL ? end + 1 : (char *)data + size;
    }
    free(data);
    return rc != SL_OK && err != NULL && err->rc == rc ? sl_err_prefix(err, "%s", path) : rc;
}
