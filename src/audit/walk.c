/* SPDX-License-Identifier: Apache-2.0 */
/* Walks audit logs and names what does not hold. */
#include "audit/walk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *sl_audit_fault_name(enum sl_audit_fault fault)
{
    static const char *const names[] = {
#define NAME(name, text) #name,
        SL_AUDIT_FAULT_TABLE(NAME)
#undef NAME
    };
    return (unsigned)fault < sizeof(names) / sizeof(names[0]) ? names[fault] : "UNKNOWN";
}

struct place {
    struct sl_audit_walk *walk;
    const char *file;
    uint64_t number;
};

__attribute__((format(printf, 3, 4))) static void
fault_tell(const struct place *at, enum sl_audit_fault fault, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    at->walk->faults++;
    if (at->walk->on_fault != NULL) {
        at->walk->on_fault(at->walk->ctx, at->file, at->number, fault, text);
    }
}

static bool is_same(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, SL_AUDIT_HASH_SIZE) == 0; /* forbidden: waived, hashes of public text */
}

/* Against the line before. One fault per line: the first that explains the others. */
static void link_check(const struct place *at, const struct sl_audit_line *line)
{
    const struct sl_audit_walk *walk = at->walk;
    unsigned long long seq = line->stated.seq;
    unsigned long long expected = walk->head.seq + 1;
    if (!is_same(line->hash, line->stated.hash)) {
        fault_tell(at, SL_AUDIT_EDITED, "seq %llu was changed: its bytes do not give its hash",
                   seq);
    } else if (seq > expected) {
        fault_tell(at, SL_AUDIT_GAP, "seq %llu follows %llu: %llu lines were removed or moved", seq,
                   expected - 1, seq - expected);
    } else if (seq < expected) {
        fault_tell(at, SL_AUDIT_ORDER, "seq %llu follows %llu: a line was moved or repeated", seq,
                   expected - 1);
    } else if (!is_same(line->prev, walk->head.hash)) {
        fault_tell(at, SL_AUDIT_UNLINKED,
                   "seq %llu does not follow from the line before: one of both was replaced", seq);
    }
}

static void known_check(const struct place *at, const struct sl_audit_line *line)
{
    struct sl_audit_walk *walk = at->walk;
    if (walk->known == NULL || line->stated.seq != walk->known->seq) {
        return;
    }
    if (is_same(line->hash, walk->known->hash)) {
        walk->is_known_met = true;
    } else {
        fault_tell(at, SL_AUDIT_REWRITTEN,
                   "seq %llu has another hash than the known head: the log was written anew",
                   (unsigned long long)line->stated.seq);
        walk->is_known_met = true; /* told */
    }
}

static sl_rc line_take(const struct place *at, const char *text, size_t size)
{
    struct sl_audit_walk *walk = at->walk;
    struct sl_audit_line line;
    sl_rc rc = sl_audit_line_read(text, size, &line);
    if (rc == SL_MALFORMED) {
        fault_tell(at, SL_AUDIT_BROKEN, "not a line of an audit log");
        return SL_OK;
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (walk->lines == 0) {
        walk->start.seq = line.stated.seq - 1;
        memcpy(walk->start.hash, line.prev, SL_AUDIT_HASH_SIZE);
        if (walk->start.seq > 0 || walk->faults > 0) {
            walk->head = walk->start;
        } /* else from zeros, which a first line must name */
    }
    link_check(at, &line);
    known_check(at, &line);
    walk->lines++;
    walk->head = line.stated; /* so that one bad line is one fault */
    if (walk->on_line != NULL) {
        walk->on_line(walk->ctx, at->file, at->number, line.root);
    }
    json_decref(line.root);
    return SL_OK;
}

/* Reads up to a newline.
 * @return its size without the newline; more than SL_AUDIT_LINE_MAX: too long, not stored */
static size_t line_read(FILE *file, char *buffer, bool *ret_is_whole)
{
    size_t size = 0;
    int c = EOF;
    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        if (size < SL_AUDIT_LINE_MAX) {
            buffer[size] = (char)c;
        }
        size++;
    }
    *ret_is_whole = c == '\n';
    return size;
}

sl_rc sl_audit_walk_file(struct sl_audit_walk *walk, FILE *file, const char *name,
                         struct sl_err *err)
{
    struct place at = {.walk = walk, .file = name};
    char *buffer = malloc(SL_AUDIT_LINE_MAX);
    sl_rc rc = buffer != NULL ? SL_OK : sl_err_set(err, SL_NO_MEMORY, "no memory");
    walk->good_size = 0;
    walk->torn_size = 0;
    while (rc == SL_OK) {
        bool is_whole;
        size_t size = line_read(file, buffer, &is_whole);
        if (!is_whole) {
            walk->torn_size = size;
            break;
        }
        at.number++;
        if (size >= SL_AUDIT_LINE_MAX) {
            fault_tell(&at, SL_AUDIT_BROKEN, "a line of %zu bytes; at most %d are written", size,
                       SL_AUDIT_LINE_MAX);
        } else {
            rc = line_take(&at, buffer, size);
        }
        walk->good_size += size + 1;
    }
    if (rc == SL_OK && ferror(file)) {
        rc = sl_err_set(err, SL_IO, "%s: %s", name, strerror(errno));
    }
    free(buffer);
    return rc;
}

void sl_audit_walk_end(struct sl_audit_walk *walk, const char *name)
{
    const struct place at = {.walk = walk, .file = name};
    if (walk->known == NULL || walk->is_known_met || walk->known->seq == 0) {
        return;
    }
    fault_tell(&at, SL_AUDIT_CUT, "the log ends at seq %llu; the known head is seq %llu",
               (unsigned long long)walk->head.seq, (unsigned long long)walk->known->seq);
}
