/* SPDX-License-Identifier: Apache-2.0 */
/* An answer as HTTP/1.1. */
#include <event2/buffer.h>
#include <stdlib.h>
#include <time.h>

#include "trustd/http_private.h"

enum { COPY_MAX = 12 << 10 }; /* below it, head and body go out as one TLS record */

static const char *reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } table[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].status == status) {
            return table[i].text;
        }
    }
    return ""; /* RFC 9112 4: the phrase may be absent */
}

static void date_write(struct evbuffer *out)
{
    char text[64];
    struct tm tm;
    const time_t now = time(NULL);
    if (gmtime_r(&now, &tm) != NULL &&
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0) {
        (void)evbuffer_add_printf(out, "Date: %s\r\n", text);
    }
}

static void head_write(struct evbuffer *out, const struct sl_answer *answer, bool is_closing)
{
    (void)evbuffer_add_printf(out, "HTTP/1.1 %u %s\r\n", answer->status, reason(answer->status));
    date_write(out);
    (void)evbuffer_add_printf(
        out, "Content-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n",
        answer->type != NULL ? answer->type : "application/json", answer->size);
    if (answer->retry_after_s != 0) {
        (void)evbuffer_add_printf(out, "Retry-After: %u\r\n", answer->retry_after_s);
    }
    if (answer->allow != NULL) {
        (void)evbuffer_add_printf(out, "Allow: %s\r\n", answer->allow);
    }
    if (answer->status == 401) {
        (void)evbuffer_add_printf(out, "WWW-Authenticate: Bearer\r\n");
    }
    (void)evbuffer_add_printf(out, "%s\r\n", is_closing ? "Connection: close\r\n" : "");
}

static void body_free(const void *data, size_t size, void *body)
{
    free(body);
}

bool sl_http_answer_write(struct bufferevent *bev, const struct sl_answer *answer, bool is_head,
                          bool is_closing)
{
    struct evbuffer *out = evbuffer_new();
    const size_t size = is_head ? 0 : answer->size; /* RFC 9110 9.3.2 */
    bool is_owned = true;
    bool is_good = out != NULL && evbuffer_expand(out, 512 + (size > COPY_MAX ? 0 : size)) == 0;
    if (is_good) {
        head_write(out, answer, is_closing);
        if (size > COPY_MAX) {
            is_good = evbuffer_add_reference(out, answer->body, size, body_free, answer->body) == 0;
            is_owned = !is_good;
        } else if (size > 0) {
            is_good = evbuffer_add(out, answer->body, size) == 0;
        }
        is_good = is_good && bufferevent_write_buffer(bev, out) == 0;
    }
    if (is_owned) {
        free(answer->body);
    }
    if (out != NULL) {
        evbuffer_free(out);
    }
    return is_good;
}
