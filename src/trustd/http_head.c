/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and chunks; nothing is allocated. */
#include "trustd/http_head.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { DIGITS_MAX = 15, METHOD_MAX = 16 };

/* RFC 9110 5.6.2: tchar */
static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(const char *text)
{
    const char *at = text;
    while (is_token_char(*at)) {
        at++;
    }
    return at != text && *at == '\0';
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Percent signs, in place. @return false: not two digits, or a zero byte */
static bool text_decode(char *text, bool is_plus_space)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        if (*in == '%') {
            int high = hex_value(in[1]);
            int low = high >= 0 ? hex_value(in[2]) : -1;
            if (low < 0 || (high == 0 && low == 0)) {
                return false;
            }
            *out++ = (char)(high << 4 | low);
            in += 2;
        } else {
            *out++ = *in == '+' && is_plus_space ? ' ' : *in;
        }
    }
    *out = '\0';
    return true;
}

static unsigned query_parse(char *query, struct sl_http_head *head)
{
    for (char *next; query != NULL; query = next) {
        next = strchr(query, '&');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (*query == '\0') {
            continue;
        }
        if (head->arg_count == SL_HTTP_ARGS_MAX) {
            return 414;
        }
        char *value = strchr(query, '=');
        if (value != NULL) {
            *value++ = '\0';
        } else {
            value = query + strlen(query);
        }
        if (!text_decode(query, true) || !text_decode(value, true)) {
            return 400;
        }
        head->args[head->arg_count++] = (struct sl_http_arg){query, value};
    }
    return 0;
}

static unsigned target_parse(char *target, struct sl_http_head *head)
{
    static const char scheme[] = "https://";
    if (strlen(target) > SL_HTTP_TARGET_MAX) {
        return 414;
    }
    for (const char *at = target; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || *at == '#') {
            return 400;
        }
    }
    if (strncasecmp(target, scheme, sizeof(scheme) - 1) == 0) {
        /* RFC 9112 3.2.2: "a server MUST accept the absolute-form in requests" */
        target = strchr(target + sizeof(scheme) - 1, '/');
    }
    if (target == NULL ||
        (target[0] != '/' && (strcmp(target, "*") != 0 || strcmp(head->method, "OPTIONS") != 0))) {
        return 400;
    }
    char *query = strchr(target, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    head->path = target;
    return text_decode(target, false) ? query_parse(query, head) : 400;
}

static unsigned request_line_parse(char *line, struct sl_http_head *head)
{
    char *target = strchr(line, ' ');
    char *version = target != NULL ? strchr(target + 1, ' ') : NULL;
    if (version == NULL) {
        return 400;
    }
    *target++ = '\0';
    *version++ = '\0';
    head->method = line;
    if (!is_token(line) || strlen(line) > METHOD_MAX) {
        return 400;
    }
    /* RFC 9112 2.3: HTTP-version = HTTP-name "/" DIGIT "." DIGIT */
    if (strncmp(version, "HTTP/", 5) != 0 || !isdigit((unsigned char)version[5]) ||
        version[6] != '.' || !isdigit((unsigned char)version[7]) || version[8] != '\0') {
        return 400;
    }
    if (version[5] != '1' || version[7] > '1') {
        return 505;
    }
    head->is_old = version[7] == '0';
    return target_parse(target, head);
}

/* Whether a comma-separated list has a word. */
static bool list_has(const char *list, const char *word)
{
    const size_t size = strlen(word);
    while (*list != '\0') {
        list += strspn(list, ", \t");
        size_t length = strcspn(list, ", \t");
        if (length == size && strncasecmp(list, word, size) == 0) {
            return true;
        }
        list += length;
    }
    return false;
}

/* RFC 9112 6.3: "If a message is received without Transfer-Encoding and with an invalid
 * Content-Length header field, then the message framing is invalid and the recipient MUST treat it
 * as an unrecoverable error"; a second one is refused even where it says the same. */
static unsigned length_parse(const char *value, struct sl_http_head *head)
{
    size_t digits = strspn(value, "0123456789");
    if (head->has_length || digits == 0 || digits > DIGITS_MAX || value[digits] != '\0') {
        return 400;
    }
    for (; *value != '\0'; value++) {
        head->length = head->length * 10 + (uint64_t)(*value - '0');
    }
    head->has_length = true;
    return 0;
}

static unsigned field_take(const char *name, const char *value, struct sl_http_head *head)
{
    if (strcasecmp(name, "Content-Length") == 0) {
        return length_parse(value, head);
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        if (head->is_chunked || strcasecmp(value, "chunked") != 0) {
            return head->is_chunked ? 400 : 501;
        }
        head->is_chunked = true;
    } else if (strcasecmp(name, "Host") == 0) {
        if (head->has_host) { /* RFC 9112 3.2: "more than one Host header field line": 400 */
            return 400;
        }
        head->has_host = true;
    } else if (strcasecmp(name, "Authorization") == 0) {
        if (head->authorization != NULL) {
            return 400;
        }
        head->authorization = value;
    } else if (strcasecmp(name, "Connection") == 0) {
        head->has_close = head->has_close || list_has(value, "close");
        head->has_keep_alive = head->has_keep_alive || list_has(value, "keep-alive");
    } else if (strcasecmp(name, "Expect") == 0) {
        if (strcasecmp(value, "100-continue") != 0) {
            return 417;
        }
        head->is_waiting = true;
    }
    return 0;
}

static unsigned field_parse(char *line, struct sl_http_head *head)
{
    char *value = strchr(line, ':');
    if (value == NULL) {
        return 400;
    }
    *value++ = '\0';
    if (!is_token(line)) { /* also a folded line, and a space before the colon (RFC 9112 5.1) */
        return 400;
    }
    value += strspn(value, " \t");
    for (const char *at = value; *at != '\0'; at++) {
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f) {
            return 400;
        }
    }
    for (size_t size = strlen(value);
         size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t');) {
        value[--size] = '\0';
    }
    return field_take(line, value, head);
}

/* What only the whole head can say. */
static unsigned head_finish(struct sl_http_head *head, struct sl_http_head *ret_head)
{
    /* RFC 9112 6.1: both lengths "might indicate an attempt to perform request smuggling"; 3.2: 400
     * to an HTTP/1.1 request without Host; 1.0 has no chunks */
    if (head->path == NULL || (head->is_chunked && (head->has_length || head->is_old)) ||
        (!head->is_old && !head->has_host)) {
        return 400;
    }
    head->is_closing = head->has_close || (head->is_old && !head->has_keep_alive);
    *ret_head = *head;
    return 0;
}

unsigned sl_http_head_parse(char *text, size_t size, struct sl_http_head *ret_head)
{
    struct sl_http_head head = {0};
    unsigned status = 0;
    size_t lines = 0;
    if (size > SL_HTTP_HEAD_MAX) {
        return 431;
    }
    if (memchr(text, '\0', size) != NULL) {
        return 400;
    }
    bool is_end = false;
    for (char *line = text, *next; status == 0 && !is_end; line = next, lines++) {
        next = strstr(line, "\r\n");
        if (next == NULL) {
            return 400;
        }
        *next = '\0';
        next += 2;
        is_end = *line == '\0';
        if (is_end) {
            status = *next == '\0' ? 0 : 400;
        } else if (lines == 0) {
            status = strpbrk(line, "\r\n") != NULL ? 400 : request_line_parse(line, &head);
        } else {
            status = lines > SL_HTTP_FIELDS_MAX ? 431 : field_parse(line, &head);
        }
    }
    if (status != 0) {
        return status;
    }
    return head_finish(&head, ret_head);
}

const char *sl_http_head_arg(const struct sl_http_head *head, const char *name)
{
    for (size_t i = 0; i < head->arg_count; i++) {
        if (strcmp(head->args[i].name, name) == 0) {
            return head->args[i].value;
        }
    }
    return NULL;
}

/* ---- bodies ---- */

void sl_http_body_init(const struct sl_http_head *head, struct sl_http_body *ret_body)
{
    *ret_body = (struct sl_http_body){.at = head->is_chunked    ? SL_HTTP_SIZE
                                            : head->length == 0 ? SL_HTTP_END
                                                                : SL_HTTP_PLAIN,
                                      .left = head->length};
}

/* RFC 9112 7.1: chunk = chunk-size [ chunk-ext ] CRLF. @return false: not so */
static bool size_char_take(struct sl_http_body *body, char c)
{
    int value = hex_value(c);
    if (++body->line > SL_HTTP_LINE_MAX) {
        return false;
    }
    if (body->is_cr) {
        if (c != '\n') {
            return false;
        }
        body->at = body->left > 0 ? SL_HTTP_DATA : SL_HTTP_TRAILER;
        body->line = 0;
        body->is_cr = body->is_extension = body->has_digit = false;
        return true;
    }
    if (c == '\r') {
        body->is_cr = true;
        return body->has_digit;
    }
    if (body->is_extension) {
        return c == '\t' || (unsigned char)c >= ' ';
    }
    if (value < 0) {
        body->is_extension = c == ';';
        return body->is_extension && body->has_digit;
    }
    body->has_digit = true;
    body->left = body->left << 4 | (uint64_t)value;
    return body->left <= UINT32_MAX;
}

/* Trailer fields are read away up to the empty line. @return false: too many, or a bare CR or LF */
static bool trailer_char_take(struct sl_http_body *body, char c)
{
    if (++body->trailer > SL_HTTP_TRAILER_MAX || body->is_cr != (c == '\n')) {
        return false;
    }
    if (c == '\n') {
        body->at = body->line == 0 ? SL_HTTP_END : SL_HTTP_TRAILER;
        body->line = 0;
    } else if (c != '\r') {
        body->line++;
    }
    body->is_cr = c == '\r';
    return true;
}

/* The CRLF after a chunk's data. */
static bool after_char_take(struct sl_http_body *body, char c)
{
    if (c != (body->is_cr ? '\n' : '\r')) {
        return false;
    }
    body->at = body->is_cr ? SL_HTTP_SIZE : SL_HTTP_AFTER;
    body->is_cr = !body->is_cr;
    return true;
}

size_t sl_http_body_take(struct sl_http_body *body, const char *data, size_t size,
                         size_t *ret_part_size, bool *ret_is_bad)
{
    size_t off = 0;
    *ret_part_size = 0;
    *ret_is_bad = false;
    for (; off < size && body->at != SL_HTTP_END && !*ret_is_bad; off++) {
        if (body->at == SL_HTTP_PLAIN || body->at == SL_HTTP_DATA) {
            size_t part = size - off < body->left ? size - off : (size_t)body->left;
            body->left -= part;
            if (body->left == 0) {
                body->at = body->at == SL_HTTP_PLAIN ? SL_HTTP_END : SL_HTTP_AFTER;
            }
            *ret_part_size = part;
            return off + part;
        }
        *ret_is_bad = !(body->at == SL_HTTP_SIZE    ? size_char_take(body, data[off])
                        : body->at == SL_HTTP_AFTER ? after_char_take(body, data[off])
                                                    : trailer_char_take(body, data[off]));
    }
    return off;
}
