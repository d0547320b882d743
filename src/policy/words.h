/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Line-based policies (routes, limits): lines into words, and faults that name line and word.
 */
#ifndef SL_POLICY_WORDS_H
#define SL_POLICY_WORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum { POL_LINE_MAX = 1024, POL_WORDS_MAX = 128 };

/** A file being read; the words are those of its present line. */
struct pol_words {
    const char *path;
    FILE *file;
    uint32_t line;                /**< from 1 */
    char text[POL_LINE_MAX];      /**< the line as written, without its end and comment */
    char split[2 * POL_LINE_MAX]; /**< what `words` points into */
    uint32_t count;               /**< words; never 0 after pol_words_next() */
    const char *words[POL_WORDS_MAX];
    uint32_t columns[POL_WORDS_MAX]; /**< from 1 */
};

/** @param path  kept, not copied
 * @retval SL_OK, SL_IO */
sl_rc pol_words_open(struct pol_words *words, const char *path, struct sl_err *err) SL_MUST_CHECK;
void pol_words_close(struct pol_words *words);
/** The next line that has words; '#' starts a comment; `{`, `}` and `,` are words of their own.
 * @param[out] ret_has  false at the end of the file
 * @retval SL_OK
 * @retval SL_MALFORMED  a line too long, too many words, or a byte that is no text
 * @retval SL_IO         reading failed */
sl_rc pol_words_next(struct pol_words *words, bool *ret_has, struct sl_err *err) SL_MUST_CHECK;
/** True where word @p index is there and is @p text. */
bool pol_words_is(const struct pol_words *words, uint32_t index, const char *text);
/** Sentence "PATH:LINE:COLUMN: `word`: ..." into @p err; behind the last word: "end of line". */
void pol_words_record(const struct pol_words *words, uint32_t index, sl_rc rc, struct sl_err *err,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));
/** pol_words_record() with the value of @p rc: see sl_err_set(). */
#define pol_words_fault(words, index, rc, err, ...)                                                \
    ({                                                                                             \
        const sl_rc pol_words_rc = (rc);                                                           \
        pol_words_record((words), (index), pol_words_rc, (err), __VA_ARGS__);                      \
        pol_words_rc;                                                                              \
    })

/** An address with or without a prefix length. */
struct pol_prefix {
    uint8_t version;  /**< 4 or 6 */
    uint8_t length;   /**< 32 or 128 where none was given */
    uint8_t addr[16]; /**< network order */
};
/** Word @p index as an address or prefix; bits behind the length must be zero.
 * @retval SL_OK, SL_MALFORMED */
sl_rc pol_words_prefix(const struct pol_words *words, uint32_t index, struct pol_prefix *ret_prefix,
                       struct sl_err *err) SL_MUST_CHECK;
/** Word @p index as a decimal number of at most @p max.
 * @retval SL_OK, SL_MALFORMED, SL_RANGE */
sl_rc pol_words_number(const struct pol_words *words, uint32_t index, uint64_t max,
                       uint64_t *ret_number, struct sl_err *err) SL_MUST_CHECK;

/** The same address or prefix out of a text. @return NULL, or what is wrong with it */
const char *pol_prefix_parse(const char *text, struct pol_prefix *ret_prefix);

#endif
