/* SPDX-License-Identifier: Apache-2.0 */
/* A head, then its body, as src/trustd/http_conn.c reads them: texts lie inside, every step takes
 * something, and a body read byte by byte is the body read at once. */
#include <stdlib.h>
#include <string.h>

#include "trustd/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

/* @return bytes taken to the end, or SIZE_MAX: bad; *ret_sum depends on each byte of the body */
static size_t body_read(const struct sl_http_head *head, const char *data, size_t size, size_t step,
                        uint64_t *ret_sum)
{
    struct sl_http_body body;
    size_t off = 0;
    sl_http_body_init(head, &body);
    *ret_sum = 0;
    while (off < size && !sl_http_body_is_end(&body)) {
        size_t part;
        bool is_bad;
        size_t left = size - off < step ? size - off : step;
        size_t taken = sl_http_body_take(&body, data + off, left, &part, &is_bad);
        expect(taken > 0 && taken <= left && part <= taken);
        off += taken;
        if (is_bad) {
            return SIZE_MAX;
        }
        for (size_t i = off - part; i < off; i++) {
            *ret_sum = *ret_sum * 31 + (uint8_t)data[i];
        }
    }
    return off;
}

static bool is_inside(const char *at, const char *text, size_t size)
{
    return at >= text && at <= text + size && strlen(at) <= size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_http_head head;
    uint64_t whole, bytes;
    const uint8_t *end = size > 0 ? memmem(data, size, "\r\n\r\n", 4) : NULL;
    size_t head_size = end != NULL ? (size_t)(end - data) + 4 : size;
    char *text = malloc(head_size + 1);
    expect(text != NULL);
    memcpy(text, data, head_size);
    text[head_size] = '\0';
    if (sl_http_head_parse(text, head_size, &head) == 0) {
        expect(end != NULL && is_inside(head.method, text, head_size) &&
               is_inside(head.path, text, head_size) && !(head.is_chunked && head.has_length));
        for (size_t i = 0; i < head.arg_count; i++) {
            expect(is_inside(head.args[i].name, text, head_size) &&
                   is_inside(head.args[i].value, text, head_size) &&
                   sl_http_head_arg(&head, head.args[i].name) != NULL);
        }
        const char *rest = (const char *)data + head_size;
        size_t at_once = body_read(&head, rest, size - head_size, SIZE_MAX, &whole);
        size_t by_one = body_read(&head, rest, size - head_size, 1, &bytes);
        expect(at_once == by_one && whole == bytes);
    }
    free(text);
    return 0;
}
