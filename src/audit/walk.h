/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Walks audit logs from their first line to their last and says what was done to them.
 */
#ifndef SL_AUDIT_WALK_H
#define SL_AUDIT_WALK_H

#include <stdbool.h>
#include <stdio.h>

#include "audit/line.h"

/** name (stable), what it means */
#define SL_AUDIT_FAULT_TABLE(X)                                                                    \
    X(EDITED, "a line's bytes do not hash to what it says")                                        \
    X(BROKEN, "a line cannot be read")                                                             \
    X(GAP, "lines are missing, or were put elsewhere")                                             \
    X(ORDER, "a line stands where an earlier or the same number was before")                       \
    X(UNLINKED, "a line does not follow from the one before")                                      \
    X(REWRITTEN, "the line of a known head has another hash")                                      \
    X(CUT, "the log ends before a known head")

enum sl_audit_fault {
#define SL_AUDIT_FAULT_ENUM(name, text) SL_AUDIT_##name,
    SL_AUDIT_FAULT_TABLE(SL_AUDIT_FAULT_ENUM)
#undef SL_AUDIT_FAULT_ENUM
};
const char *sl_audit_fault_name(enum sl_audit_fault fault);

struct sl_audit_walk {
    /* set by the caller */
    const struct sl_audit_head *known; /**< a head that must be met, or NULL */
    void *ctx;
    /** Each line that can be read, in order; may be NULL. */
    void (*on_line)(void *ctx, const char *file, uint64_t number, const json_t *root);
    /** Each fault; may be NULL. */
    void (*on_fault)(void *ctx, const char *file, uint64_t number, enum sl_audit_fault fault,
                     const char *text);
    /* found out */
    struct sl_audit_head head;  /**< after the last line */
    struct sl_audit_head start; /**< before the first line: seq 0 where the log is whole */
    uint64_t lines, faults;
    bool is_known_met;
    uint64_t torn_size; /**< bytes after the last newline: a write that did not end */
    uint64_t good_size; /**< bytes up to there, of the last file */
};

/** Walks one file; call again for the file that continues it. The first line of the first file may
 * have any number: what came before is in another file (`start`).
 * @retval SL_OK  read to its end; walk->faults says whether it is good
 * @retval SL_IO  reading failed
 * @retval SL_NO_MEMORY, SL_CRYPTO */
sl_rc sl_audit_walk_file(struct sl_audit_walk *walk, FILE *file, const char *name,
                         struct sl_err *err) SL_MUST_CHECK;

/** After the last file: was the known head met? Adds its fault where not. */
void sl_audit_walk_end(struct sl_audit_walk *walk, const char *name);

#endif
