/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Result codes: every fallible call of SafeLib returns one, and must be checked.
 */
#ifndef SAFELIB_RC_H
#define SAFELIB_RC_H

#ifdef __cplusplus
extern "C" {
#endif

/** name, what it means to a person */
#define SL_RC_TABLE(X)                                                                             \
    X(OK, "success")                                                                               \
    X(INVALID, "invalid argument or configuration")                                                \
    X(TRUNCATED, "input ends too early")                                                           \
    X(MALFORMED, "input breaks its format")                                                        \
    X(UNSUPPORTED, "not supported")                                                                \
    X(NO_SPACE, "no room in the output")                                                           \
    X(NO_MEMORY, "out of memory")                                                                  \
    X(NOT_FOUND, "not found")                                                                      \
    X(EXISTS, "already exists")                                                                    \
    X(RANGE, "value out of range")                                                                 \
    X(OVERFLOW, "counter exhausted")                                                               \
    X(REPLAY, "replayed")                                                                          \
    X(AUTH, "authentication failed")                                                               \
    X(CRYPTO, "cryptographic library failed")                                                      \
    X(DENIED, "refused by policy")                                                                 \
    X(STATE, "not possible in this state")                                                         \
    X(STALE, "stale handle or version")                                                            \
    X(MISMATCH, "does not match what was expected")                                                \
    X(VIOLATION, "the untrusted side broke the boundary's rules")                                  \
    X(AGAIN, "try again later")                                                                    \
    X(TIMEOUT, "timed out")                                                                        \
    X(CLOSED, "closed by the other side")                                                          \
    X(IO, "input or output failed")                                                                \
    X(INTERNAL, "internal error")

/** Result of a fallible call. SL_OK is 0. */
enum sl_rc {
#define SL_RC_ENUM(name, text) SL_##name,
    SL_RC_TABLE(SL_RC_ENUM)
#undef SL_RC_ENUM
        SL_RC_COUNT
};
typedef enum sl_rc sl_rc;

/** The compiler warns where a result is dropped. */
#define SL_MUST_CHECK __attribute__((warn_unused_result))

/** Text of a code, for a person.
 * @retval "unknown result" for a value outside the enum; never NULL
 * @context any; the string is static */
const char *sl_rc_text(sl_rc rc);

/** Name of a code without its prefix, e.g. "AUTH"; "UNKNOWN" outside the enum. */
const char *sl_rc_name(sl_rc rc);

#ifdef __cplusplus
}
#endif
#endif
