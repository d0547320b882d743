/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The head of an HTTP/1.1 request and the framing of its body, read strictly: where two readers
 * could differ about where a request ends, it is refused (request smuggling).
 */
#ifndef SL_TRUSTD_HTTP_HEAD_H
#define SL_TRUSTD_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SL_HTTP_HEAD_MAX = 16 << 10, /**< bytes of a head with its empty line */
    SL_HTTP_TARGET_MAX = 4 << 10,
    SL_HTTP_FIELDS_MAX = 64,
    SL_HTTP_ARGS_MAX = 16,
    SL_HTTP_LINE_MAX = 256,    /**< bytes of a chunk's size with its extensions */
    SL_HTTP_TRAILER_MAX = 4096 /**< bytes of all trailer fields, which are ignored */
};

/** All texts lie in the bytes that were parsed. */
struct sl_http_head {
    const char *method;
    char *path; /**< decoded */
    struct sl_http_arg {
        const char *name, *value; /**< decoded */
    } args[SL_HTTP_ARGS_MAX];
    size_t arg_count;
    const char *authorization; /**< NULL: none */
    uint64_t length;           /**< of a body that is not chunked */
    bool has_length, is_chunked;
    bool is_closing; /**< the connection ends after the answer */
    bool is_waiting; /**< Expect: 100-continue */
    bool is_old, has_host, has_close, has_keep_alive;
};

/** Parses a head in place.
 * @param[in,out] text  from the method to the empty line, and a zero after it
 * @param[in]     size  bytes without that zero
 * @return 0, or the status to refuse it with: 400, 414 (target), 417 (Expect), 431 (fields),
 * 501 (transfer coding), 505 (version)
 * @spec RFC 9112 2-6, RFC 9110 10.1.1 */
unsigned sl_http_head_parse(char *text, size_t size, struct sl_http_head *ret_head);
/** @return an argument's value, or NULL; the first of that name */
const char *sl_http_head_arg(const struct sl_http_head *head, const char *name);

/** Where a body ends. */
struct sl_http_body {
    enum {
        SL_HTTP_PLAIN,
        SL_HTTP_SIZE,
        SL_HTTP_DATA,
        SL_HTTP_AFTER,
        SL_HTTP_TRAILER,
        SL_HTTP_END
    } at;
    uint64_t left;                       /* of the chunk, or of the body */
    uint32_t line, trailer;              /* bytes of this line, of all trailers */
    bool has_digit, is_extension, is_cr; /* within a chunk's size */
};

void sl_http_body_init(const struct sl_http_head *head, struct sl_http_body *ret_body);
static inline bool sl_http_body_is_end(const struct sl_http_body *body)
{
    return body->at == SL_HTTP_END;
}
/** Takes what it can of @p data: either framing alone, or one part of the body.
 * @param[out] ret_part_size  the last bytes of what was taken that are the body's
 * @param[out] ret_is_bad     not what RFC 9112 7.1 says; nothing may be read any more
 * @return bytes taken; more than 0 unless @p size is 0, the body is at its end or bad */
size_t sl_http_body_take(struct sl_http_body *body, const char *data, size_t size,
                         size_t *ret_part_size, bool *ret_is_bad);

#endif
