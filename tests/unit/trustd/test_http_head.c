/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and bodies: each status that a request is refused with, and every way that two readers
 * could take one request for two. */
#include "unit.h"

#include "trustd/http_head.h"

static struct sl_http_head head;
static char text[40000];

static unsigned parse(const char *request)
{
    (void)snprintf(text, sizeof(text), "%s", request);
    return sl_http_head_parse(text, strlen(text), &head);
}

#define H "Host: m\r\n"

static void test_http_head_statuses(void **state)
{
    static const struct {
        const char *name, *text;
        unsigned status;
    } rows[] = {
        {"plain", "GET / HTTP/1.1\r\n" H "\r\n", 0},
        {"1.0 without host", "GET / HTTP/1.0\r\n\r\n", 0},
        {"1.1 without host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two hosts", "GET / HTTP/1.1\r\n" H H "\r\n", 400},
        {"absolute form", "GET https://m/v1 HTTP/1.1\r\n" H "\r\n", 0},
        {"absolute form, no path", "GET https://m HTTP/1.1\r\n" H "\r\n", 400},
        {"options of the server", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 0},
        {"asterisk of others", "GET * HTTP/1.1\r\n" H "\r\n", 400},
        {"authority form", "CONNECT m:443 HTTP/1.1\r\n" H "\r\n", 400},
        {"fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n", 400},
        {"byte above 7f", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400},
        {"zero byte, encoded", "GET /a%00b HTTP/1.1\r\n" H "\r\n", 400},
        {"half a percent", "GET /a%4 HTTP/1.1\r\n" H "\r\n", 400},
        {"bad percent in a query", "GET /a?b=%zz HTTP/1.1\r\n" H "\r\n", 400},
        {"no version", "GET /\r\n" H "\r\n", 400},
        {"two spaces", "GET  / HTTP/1.1\r\n" H "\r\n", 400},
        {"trailing space", "GET / HTTP/1.1 \r\n" H "\r\n", 400},
        {"lower case http", "GET / http/1.1\r\n" H "\r\n", 400},
        {"2.0", "GET / HTTP/2.0\r\n" H "\r\n", 505},
        {"1.2", "GET / HTTP/1.2\r\n" H "\r\n", 505},
        {"not a method", "G(T / HTTP/1.1\r\n" H "\r\n", 400},
        {"long method", "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\n" H "\r\n", 400},
        {"bare LF after the line", "GET / HTTP/1.1\n" H "\r\n", 400},
        {"bare LF after a field", "GET / HTTP/1.1\r\nA: b\n" H "\r\n", 400},
        {"bare CR in a field", "GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n", 400},
        {"folded field", "GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", 400},
        {"folded first field", "GET / HTTP/1.1\r\n " H "\r\n", 400},
        {"space before colon", "GET / HTTP/1.1\r\n" H "Content-Length : 1\r\n\r\n", 400},
        {"no colon", "GET / HTTP/1.1\r\n" H "abc\r\n\r\n", 400},
        {"empty name", "GET / HTTP/1.1\r\n" H ": b\r\n\r\n", 400},
        {"two lengths", "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
         400},
        {"twice one length",
         "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"a list of lengths", "POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\n", 400},
        {"signed length", "POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n", 400},
        {"negative length", "POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400},
        {"hex length", "POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\n", 400},
        {"empty length", "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400},
        {"length of 2^64", "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n",
         400},
        {"length and chunks",
         "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"chunks and length",
         "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
        {"twice chunked",
         "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"chunked in 1.0", "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400},
        {"gzip, chunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"obfuscated",
         "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b"
         "chunked\r\n\r\n",
         400},
        {"not quite chunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 501},
        {"chunked in capitals", "POST / HTTP/1.1\r\n" H "transfer-encoding: CHUNKED\r\n\r\n", 0},
        {"two tokens", "GET / HTTP/1.1\r\n" H "Authorization: a\r\nAuthorization: b\r\n\r\n", 400},
        {"another expectation", "POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n", 417},
        {"a space in the target", "GET /a b HTTP/1.1\r\n" H "\r\n", 400},
        {"more after the end", "GET / HTTP/1.1\r\n" H "\r\nG", 400},
        {"nothing", "\r\n", 400},
        {"no end", "GET / HTTP/1.1\r\n" H, 400},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned status = parse(rows[i].text);
        if (status != rows[i].status) {
            fail_msg("%s: %u, expected %u", rows[i].name, status, rows[i].status);
        }
    }
    assert_int_equal(
        sl_http_head_parse(memcpy(text, "GET /\0 HTTP/1.1\r\n" H "\r\n", 28), 28, &head), 400);
}

static void test_http_head_fields_are_read(void **state)
{
    assert_int_equal(parse("POST /a%2fb?a=1%202&b&a=3&c+d=e HTTP/1.1\r\nhOST: m\r\nAuthorization: "
                           "\t Bearer x \t\r\nContent-Length: 007\r\nExpect: 100-Continue\r\n\r\n"),
                     0);
    assert_string_equal(head.method, "POST");
    assert_string_equal(head.path, "/a/b");
    assert_string_equal(head.authorization, "Bearer x");
    assert_string_equal(sl_http_head_arg(&head, "a"), "1 2");
    assert_string_equal(sl_http_head_arg(&head, "b"), "");
    assert_string_equal(sl_http_head_arg(&head, "c d"), "e");
    assert_null(sl_http_head_arg(&head, "d"));
    assert_true(head.has_length && head.length == 7 && head.is_waiting && !head.is_closing);
}

static void test_http_head_closing(void **state)
{
    static const struct {
        const char *text;
        bool is_closing;
    } rows[] = {
        {"GET / HTTP/1.1\r\n" H "\r\n", false},
        {"GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", true},
        {"GET / HTTP/1.1\r\n" H "Connection: x, Close\r\nConnection: keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(parse(rows[i].text), 0);
        assert_int_equal(head.is_closing, rows[i].is_closing);
    }
}

static unsigned fields(unsigned count)
{
    size_t off = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" H);
    for (unsigned i = 1; i < count; i++) {
        off += (size_t)snprintf(text + off, sizeof(text) - off, "A%u: b\r\n", i);
    }
    off += (size_t)snprintf(text + off, sizeof(text) - off, "\r\n");
    return sl_http_head_parse(text, off, &head);
}

/* A target of so many bytes, or so many arguments, or a field of so many bytes. */
static unsigned filled(const char *before, const char *piece, size_t count, const char *after)
{
    size_t off = (size_t)snprintf(text, sizeof(text), "%s", before);
    for (size_t i = 0; i < count; i++) {
        off += (size_t)snprintf(text + off, sizeof(text) - off, "%s", piece);
    }
    off += (size_t)snprintf(text + off, sizeof(text) - off, "%s", after);
    return sl_http_head_parse(text, off, &head);
}

static void test_http_head_bounds(void **state)
{
    assert_int_equal(fields(SL_HTTP_FIELDS_MAX), 0);
    assert_int_equal(fields(SL_HTTP_FIELDS_MAX + 1), 431);
    static const char end[] = " HTTP/1.1\r\n" H "\r\n";
    assert_int_equal(filled("GET /", "a", SL_HTTP_TARGET_MAX - 1, end), 0);
    assert_int_equal(filled("GET /", "a", SL_HTTP_TARGET_MAX, end), 414);
    assert_int_equal(filled("GET /?", "a=b&", SL_HTTP_ARGS_MAX, end), 0);
    assert_int_equal(filled("GET /?", "a=b&", SL_HTTP_ARGS_MAX + 1, end), 414);
    static const char start[] = "GET / HTTP/1.1\r\n" H "A: ";
    const size_t room = SL_HTTP_HEAD_MAX - strlen(start) - 4;
    assert_int_equal(filled(start, "b", room, "\r\n\r\n"), 0);
    assert_int_equal(filled(start, "b", room + 1, "\r\n\r\n"), 431);
}

/* Reads in pieces of @p step. @return bytes of the body, or -1; *ret_taken is where it ended */
static int body_read(const char *data, size_t size, bool is_chunked, uint64_t length, size_t step,
                     char *out, size_t *ret_taken)
{
    struct sl_http_body body;
    int count = 0;
    size_t off = 0;
    head = (struct sl_http_head){.is_chunked = is_chunked, .length = length};
    sl_http_body_init(&head, &body);
    while (off < size && !sl_http_body_is_end(&body)) {
        size_t part;
        bool is_bad;
        size_t left = size - off < step ? size - off : step;
        size_t taken = sl_http_body_take(&body, data + off, left, &part, &is_bad);
        assert_true(taken > 0 && taken <= left && part <= taken);
        if (is_bad) {
            return -1;
        }
        memcpy(out + count, data + off + taken - part, part);
        count += (int)part;
        off += taken;
    }
    *ret_taken = off;
    return sl_http_body_is_end(&body) ? count : -2;
}

static void test_http_body_chunks(void **state)
{
    static const struct {
        const char *name, *text, *body; /* NULL: bad */
        size_t more;                    /* bytes of the next request */
    } rows[] = {
        {"none", "0\r\n\r\n", "", 0},
        {"two", "3\r\nabc\r\n002\r\nde\r\n0\r\n\r\nGET", "abcde", 3},
        {"extension", "3;a=b;c=\"d\"\r\nabc\r\n0\r\n\r\n", "abc", 0},
        {"trailers", "1\r\na\r\n0\r\nA: b\r\nC: d\r\n\r\n", "a", 0},
        {"capitals", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0},
        {"a line in the data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 0},
        {"no size", "\r\nabc\r\n0\r\n\r\n", NULL, 0},
        {"no digit", ";a\r\n", NULL, 0},
        {"a sign", "+3\r\nabc\r\n0\r\n\r\n", NULL, 0},
        {"a prefix", "0x3\r\nabc\r\n0\r\n\r\n", NULL, 0},
        {"a space", "3 \r\nabc\r\n0\r\n\r\n", NULL, 0},
        {"bare LF after the size", "3\nabc\r\n0\r\n\r\n", NULL, 0},
        {"bare CR after the size", "3\rabc", NULL, 0},
        {"bare LF in an extension", "3;a\nabc\r\n0\r\n\r\n", NULL, 0},
        {"bare LF after the data", "3\r\nabc\n0\r\n\r\n", NULL, 0},
        {"longer than said", "3\r\nabcd\r\n0\r\n\r\n", NULL, 0},
        {"2^32", "100000000\r\n", NULL, 0},
        {"bare LF in a trailer", "0\r\nA: b\n\r\n", NULL, 0},
        {"bare CR in a trailer", "0\r\nA: b\rc\r\n\r\n", NULL, 0},
    };
    char out[64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = 1; step < 8; step++) {
            size_t taken = 0;
            size_t size = strlen(rows[i].text);
            int count = body_read(rows[i].text, size, true, 0, step, out, &taken);
            int expected = rows[i].body != NULL ? (int)strlen(rows[i].body) : -1;
            if (count != expected) {
                fail_msg("%s: %d, expected %d", rows[i].name, count, expected);
            }
            if (rows[i].body != NULL) {
                assert_memory_equal(out, rows[i].body, strlen(rows[i].body));
                assert_int_equal(taken, size - rows[i].more);
            }
        }
        /* cut anywhere, it is not at its end */
        for (size_t cut = 0; rows[i].body != NULL && cut < strlen(rows[i].text) - rows[i].more;
             cut++) {
            size_t taken;
            assert_int_equal(body_read(rows[i].text, cut, true, 0, 5, out, &taken), -2);
        }
    }
}

static void test_http_body_length_and_bounds(void **state)
{
    char out[64];
    size_t taken = 0;
    assert_int_equal(body_read("abcdefGET", 9, false, 6, 4, out, &taken), 6);
    assert_int_equal(taken, 6);
    assert_int_equal(body_read("abc", 3, false, 6, 4, out, &taken), -2);
    assert_int_equal(body_read("GET", 3, false, 0, 4, out, &taken), 0);
    assert_int_equal(taken, 0);
    memset(text, '0', sizeof(text)); /* a size that does not end */
    assert_int_equal(body_read(text, sizeof(text), true, 0, 4096, out, &taken), -1);
    memset(text, 'a', sizeof(text)); /* trailers neither */
    memcpy(text, "0\r\n", 3);
    assert_int_equal(body_read(text, sizeof(text), true, 0, 4096, out, &taken), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_head_statuses),
        cmocka_unit_test(test_http_head_fields_are_read),
        cmocka_unit_test(test_http_head_closing),
        cmocka_unit_test(test_http_head_bounds),
        cmocka_unit_test(test_http_body_chunks),
        cmocka_unit_test(test_http_body_length_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
