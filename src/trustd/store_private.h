/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inside the store: prepared statements with their arguments bound by a format.
 */
#ifndef SL_TRUSTD_STORE_PRIVATE_H
#define SL_TRUSTD_STORE_PRIVATE_H

#include <sqlite3.h>

#include "trustd/store.h"

struct sl_store {
    sqlite3 *db;
};

/** Prepares @p sql and binds: `t` const char * (NULL is NULL), `i` int64_t, `b` const void *,
 * size_t. @return NULL where it failed, told in @p err */
sqlite3_stmt *sl_store_prepare(struct sl_store *store, struct sl_err *err, const char *sql,
                               const char *format, ...);
/** Runs it to its end and finalizes it. @retval SL_OK, SL_EXISTS (a constraint), SL_IO */
sl_rc sl_store_run(struct sl_store *store, sqlite3_stmt *statement,
                   struct sl_err *err) SL_MUST_CHECK;
sl_rc sl_store_fail(struct sl_store *store, struct sl_err *err);
/** Text column into a buffer; "" for NULL. */
void sl_store_text(sqlite3_stmt *statement, int column, char *out, size_t size);

#endif
