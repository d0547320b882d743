/* SPDX-License-Identifier: Apache-2.0 */
/* An interface in the place of src/trustd/api*.c, so that the server's own rules can be seen: it
 * tells what it was asked. */
#ifndef SL_TESTS_HTTP_API_H
#define SL_TESTS_HTTP_API_H

#include "unit.h"

#include <stdatomic.h>
#include <unistd.h>

#include "trustd/http.h"
#include "trustd/http_head.h"

enum { FAKE_BODY_MAX = 1 << 20, FAKE_BIG = 4 << 20 };

struct sl_route {
    const char *path;
    size_t body_max;
    bool is_slow;
};

static const struct sl_route fake_routes[] = {{"/echo", FAKE_BODY_MAX, false},
                                              {"/slow", 4096, true},
                                              {"/none", 0, false},
                                              {"/big", 0, false}};
static atomic_uint fake_refused, fake_answered;

bool sl_route_is_slow(const struct sl_route *route)
{
    return route->is_slow;
}

void sl_trustd_count_refused(struct sl_trustd *trustd)
{
    fake_refused++;
}

void sl_answer_problem(struct sl_answer *answer, unsigned status, const char *field,
                       const char *format, ...)
{
    va_list args;
    char text[256];
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    *answer = (struct sl_answer){.status = status, .type = "application/problem+json"};
    answer->body = strdup(text);
    answer->size = strlen(text);
}

const struct sl_route *sl_api_admit(struct sl_trustd *trustd, const struct sl_request *request,
                                    size_t *ret_body_max, struct sl_answer *ret_answer)
{
    bool is_known_method =
        strcmp(request->method, "GET") == 0 || strcmp(request->method, "POST") == 0;
    for (size_t i = 0; i < sizeof(fake_routes) / sizeof(fake_routes[0]); i++) {
        if (strcmp(fake_routes[i].path, request->path) == 0) {
            if (!is_known_method) {
                sl_answer_problem(ret_answer, 405, NULL, "no");
                ret_answer->allow = "GET, POST";
                return NULL;
            }
            *ret_body_max = fake_routes[i].body_max;
            return &fake_routes[i];
        }
    }
    sl_answer_problem(ret_answer, 404, NULL, "nothing here");
    return NULL;
}

void sl_api_answer(struct sl_trustd *trustd, const struct sl_route *route,
                   const struct sl_request *request, struct sl_answer *ret_answer)
{
    char text[512];
    const char *arg = request->query(request->query_ctx, "a");
    fake_answered++;
    if (strcmp(route->path, "/big") == 0) {
        *ret_answer = (struct sl_answer){.status = 200, .body = malloc(FAKE_BIG), .size = FAKE_BIG};
        memset(ret_answer->body, 'b', FAKE_BIG);
        return;
    }
    if (route->is_slow) {
        (void)usleep(100000);
    }
    unsigned sum = 0;
    for (size_t i = 0; i < request->body_size; i++) {
        sum = sum * 31 + (unsigned char)request->body[i];
    }
    (void)snprintf(text, sizeof(text), "<%s %s a=%s token=%s cert=%d body=%zu sum=%u>",
                   request->method, request->path, arg != NULL ? arg : "-",
                   request->token != NULL ? request->token : "-", request->has_certificate,
                   request->body_size, sum);
    *ret_answer = (struct sl_answer){.status = 200, .body = strdup(text), .size = strlen(text)};
}

#endif
