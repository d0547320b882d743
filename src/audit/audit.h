/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The writer of an audit log. One call per event; every line is on the disk when the call returns.
 *
 * @code
 *   sl_audit_write(audit, SL_AUDIT_ATTEST, SL_AUDIT_REFUSED,
 *                  json_pack("{s:s, s:s}", "device", "sgx", "reason", text), &err);
 * @endcode
 *
 * What happens again and again (a host that answers nonsense once a second) fills no disk: an event
 * equal to the last line within SL_AUDIT_REPEAT_NS is only counted, and the count is written before
 * the next other line, or with the next one after that time.
 */
#ifndef SL_AUDIT_AUDIT_H
#define SL_AUDIT_AUDIT_H

#include <stdbool.h>

#include "audit/line.h"

/** name, what it says */
#define SL_AUDIT_EVENT_TABLE(X)                                                                    \
    X(OPEN, "log_open", "the writer started")                                                      \
    X(TORN, "log_torn", "the last line was not whole: its bytes, then taken off the file")         \
    X(ROTATE, "log_rotate", "the log goes on in the next file")                                    \
    X(REPEATED, "repeated", "the line before happened so many times more")                         \
    X(ATTEST, "attest", "evidence of an image was appraised before it got anything")               \
    X(REATTEST, "reattest", "the same, of an image that has keys")                                 \
    X(INSTANCE, "instance", "an image said who it is: known, new, rolled back, forked")            \
    X(PROVISION, "provision", "an image got policy, time, lease and SA keys")                      \
    X(POLICY, "policy", "another policy was put in force, or refused")                             \
    X(KEYS, "keys", "SA keys were deleted")                                                        \
    X(CLOCK, "clock", "the image's clock does not keep pace with ours")                            \
    X(IMAGE, "image", "a record of the image's own log")                                           \
    X(IMAGE_LOG, "image_log", "the image's own log: its chain holds, or not")                      \
    X(SNAPSHOT, "snapshot", "flows were saved, or came back after a restart, or did not")          \
    X(CONFIG, "config", "the configuration that was started with")                                 \
    X(ENROLL, "enroll", "a node asked to be known, proved its key, or was removed")                \
    X(CHALLENGE, "challenge", "a node got a nonce")                                                \
    X(EVIDENCE, "evidence", "a node's message that was refused before anything was judged")        \
    X(VERDICT, "verdict", "a job was judged: its input, its result, what it says")                 \
    X(VERDICT_VOID, "verdict_void", "a verdict that a crash kept from being told")                 \
    X(ACTION, "action", "what the agent of a node was told to do")

enum sl_audit_event {
#define SL_AUDIT_EVENT_ENUM(name, text, help) SL_AUDIT_##name,
    SL_AUDIT_EVENT_TABLE(SL_AUDIT_EVENT_ENUM)
#undef SL_AUDIT_EVENT_ENUM
};

enum sl_audit_outcome {
    SL_AUDIT_DONE,    /**< "ok" */
    SL_AUDIT_REFUSED, /**< "refused": what was asked for was not done */
    SL_AUDIT_LOST,    /**< "lost": something that was there is not there any more */
};

/** An equal event is only counted for so long. */
#define SL_AUDIT_REPEAT_NS 60000000000ull

struct sl_audit_options {
    const char *path;
    uint64_t size_max; /**< the file is rotated above that; 0: 16 MiB */
    /** A head that was remembered elsewhere; NULL: none. */
    const struct sl_audit_head *known;
};

struct sl_audit;

/** Opens or makes a log (mode 0600) and checks the whole file. A last line that is not whole, left
 * by a crash, is kept as the detail of a `log_torn` line and taken off. Rotated files
 * (`PATH.SEQ`, SEQ of their last line) stay where they are; nothing is ever deleted.
 * @retval SL_OK
 * @retval SL_EXISTS    another process writes it
 * @retval SL_MISMATCH  lines were edited, removed or moved, or the end is not that of
 *                      options->known: @p err says which. The operator moves the file away; then a
 *                      new one begins with the known head
 * @retval SL_IO, SL_NO_MEMORY, SL_CRYPTO */
sl_rc sl_audit_open(const struct sl_audit_options *options, struct sl_audit **ret_audit,
                    struct sl_err *err) SL_MUST_CHECK;
/** Writes the count of repeats that is due, closes, frees. */
void sl_audit_close(struct sl_audit *audit);

/** Appends one line and syncs it.
 * @param[in] audit   NULL: nothing is logged, SL_OK
 * @param[in] detail  object, or NULL for {}; taken over in every case
 * @retval SL_OK      on the disk, or counted as a repeat
 * @retval SL_IO      not written; the file is as it was
 * @retval SL_INVALID detail is no object  @retval SL_NO_MEMORY  @retval SL_CRYPTO
 * @context any thread; blocks for the disk */
sl_rc sl_audit_write(struct sl_audit *audit, enum sl_audit_event event,
                     enum sl_audit_outcome outcome, json_t *detail,
                     struct sl_err *err) SL_MUST_CHECK;

/** Where the log ends now. @p audit NULL: seq 0. */
void sl_audit_head(struct sl_audit *audit, struct sl_audit_head *ret_head);
/** Lines that could not be written since it was opened. */
uint64_t sl_audit_failures(struct sl_audit *audit);

#endif
