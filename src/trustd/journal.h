/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The monitor's journal: a hash-chained log (src/audit) of every enrolment, challenge, job and
 * verdict, and beside it a folder of blobs, each named by its SHA-256: the whole input and result
 * of every appraisal, so that `safelib journal replay` can compute each verdict again.
 *
 * A verdict is written here before the store commits it. A crash between both leaves a line whose
 * round the store does not know: it was told to nobody, and the next start says so
 * (`verdict_void`).
 */
#ifndef SL_TRUSTD_JOURNAL_H
#define SL_TRUSTD_JOURNAL_H

#include "audit/audit.h"

enum { SL_BLOB_NAME_SIZE = 64 + 1, SL_BLOB_SIZE_MAX = 64 << 20 };

struct sl_journal;

/** @param[in] known  the head that the store remembers; NULL: none
 * @param[in] blob_bytes_max  above it the oldest blobs are deleted (replay then says that they are
 * not kept)
 * @retval as sl_audit_open(), SL_IO */
sl_rc sl_journal_open(const char *folder, const struct sl_audit_head *known,
                      uint64_t blob_bytes_max, struct sl_journal **ret_journal,
                      struct sl_err *err) SL_MUST_CHECK;
void sl_journal_close(struct sl_journal *journal);

/** Appends a line, durable on return. @p detail is taken over. @retval as sl_audit_write() */
sl_rc sl_journal_write(struct sl_journal *journal, enum sl_audit_event event,
                       enum sl_audit_outcome outcome, json_t *detail,
                       struct sl_err *err) SL_MUST_CHECK;
/** Keeps bytes; durable on return. The same bytes are stored once.
 * @param[out] ret_name  SHA-256 in hex
 * @retval SL_OK, SL_IO, SL_CRYPTO, SL_RANGE (more than SL_BLOB_SIZE_MAX) */
sl_rc sl_journal_blob_put(struct sl_journal *journal, const void *data, size_t size,
                          char ret_name[SL_BLOB_NAME_SIZE], struct sl_err *err) SL_MUST_CHECK;
void sl_journal_head(struct sl_journal *journal, struct sl_audit_head *ret_head);
uint64_t sl_journal_failures(struct sl_journal *journal);

/** Reads a blob of a journal's folder and checks its hash.
 * @retval SL_OK, SL_NOT_FOUND (not kept), SL_MISMATCH (changed), SL_IO, SL_NO_MEMORY, SL_RANGE
 * @owner caller frees @p ret_text, terminated */
sl_rc sl_journal_blob_get(const char *folder, const char *name, char **ret_text, size_t *ret_size,
                          struct sl_err *err) SL_MUST_CHECK;

/** Files of a journal, oldest first.
 * @retval SL_OK, SL_NOT_FOUND, SL_IO, SL_NO_MEMORY
 * @owner caller frees each of @p ret_paths and the array */
sl_rc sl_journal_files(const char *folder, char ***ret_paths, size_t *ret_count,
                       struct sl_err *err) SL_MUST_CHECK;

/** Head in text, as the store keeps it: "SEQ:HEX". @retval SL_OK, SL_MALFORMED */
enum { SL_HEAD_TEXT_SIZE = 96 };
void sl_journal_head_write(const struct sl_audit_head *head, char ret_text[SL_HEAD_TEXT_SIZE]);
sl_rc sl_journal_head_read(const char *text, struct sl_audit_head *ret_head) SL_MUST_CHECK;

#endif
