/* SPDX-License-Identifier: Apache-2.0 */
/* Client of the status sockets. */
#include "gateway_ask.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { REPLY_MAX = 16 << 20, WAIT_S = 12 };

int gateway_connect(const char *path, struct sl_err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(addr.sun_path)) {
        sl_err_set(err, SL_RANGE, "%s: longer than a socket's path may be", path);
        return -1;
    }
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        const char *hint = errno == EACCES ? "be root" : "is it running? --socket names another";
        sl_err_set(err, SL_IO, "%s: %s (%s)", path, strerror(errno), hint);
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    const struct timeval limit = {WAIT_S, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

/* Up to a newline or the end; NULL where neither comes. */
static char *text_read(int fd, struct sl_err *err)
{
    size_t room = 64 << 10;
    size_t used = 0;
    char *text = malloc(room);
    while (text != NULL) {
        ssize_t got = recv(fd, text + used, room - used - 1, 0);
        if (got < 0) {
            sl_err_set(err, SL_TIMEOUT, "no answer: %s", strerror(errno));
            free(text);
            return NULL;
        }
        used += (size_t)got;
        if (got == 0 || memchr(text + used - (size_t)got, '\n', (size_t)got) != NULL) {
            text[used] = '\0';
            return text;
        }
        if (room - used < 4096) {
            char *more = room < REPLY_MAX ? realloc(text, room * 2) : NULL;
            if (more == NULL) {
                break;
            }
            text = more;
            room *= 2;
        }
    }
    sl_err_set(err, SL_NO_MEMORY, "the answer is too large");
    free(text);
    return NULL;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((uint8_t)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

/* What hosts and images say is shown on terminals: control characters become `?`. False where a
 * name has some, which no honest answer has. */
static bool clean(json_t *value, uint32_t depth)
{
    enum { DEPTH_MAX = 32 };
    const char *name;
    json_t *item;
    size_t i;
    const char *text = json_string_value(value);
    if (depth > DEPTH_MAX) {
        return false;
    }
    if (text != NULL && has_control(text)) {
        char *copy = strdup(text);
        for (char *at = copy; at != NULL && *at != '\0'; at++) {
            *at = (uint8_t)*at < 0x20 || *at == 0x7f ? '?' : *at;
        }
        bool is_set = copy != NULL && json_string_set(value, copy) == 0;
        free(copy);
        return is_set;
    }
    bool is_clean = true;
    json_object_foreach(value, name, item)
    {
        is_clean = is_clean && !has_control(name) && clean(item, depth + 1);
    }
    json_array_foreach(value, i, item)
    {
        is_clean = is_clean && clean(item, depth + 1);
    }
    return is_clean;
}

static json_t *reply_read(int fd, struct sl_err *err)
{
    json_error_t fault;
    char *text = text_read(fd, err);
    if (text == NULL) {
        return NULL;
    }
    json_t *reply = json_loads(text, 0, &fault);
    free(text);
    if (reply == NULL) {
        sl_err_set(err, SL_MALFORMED, "the answer is not JSON: %s", fault.text);
    } else if (!clean(reply, 0)) {
        sl_err_set(err, SL_MALFORMED, "the answer is not one that a program of SafeLib gives");
        json_decref(reply);
        reply = NULL;
    }
    return reply;
}

json_t *gateway_ask(int fd, json_t *request, struct sl_err *err)
{
    char *text = json_dumps(request, JSON_COMPACT);
    bool is_sent = text != NULL &&
                   send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text) &&
                   send(fd, "\n", 1, MSG_NOSIGNAL) == 1;
    free(text);
    if (!is_sent) {
        sl_err_set(err, SL_IO, "cannot ask: %s", strerror(errno));
        return NULL;
    }
    return reply_read(fd, err);
}

json_t *host_read(const char *path, struct sl_err *err)
{
    int fd = gateway_connect(path, err);
    if (fd < 0) {
        return NULL;
    }
    json_t *reply = reply_read(fd, err);
    (void)close(fd);
    return reply;
}

json_t *json_at(json_t *root, const char *path)
{
    char word[64];
    while (root != NULL && *path != '\0') {
        size_t size = strcspn(path, ".");
        (void)snprintf(word, sizeof(word), "%.*s", (int)size, path);
        root = json_is_array(root) ? json_array_get(root, (size_t)strtoul(word, NULL, 10))
                                   : json_object_get(root, word);
        path += size + (path[size] == '.');
    }
    return root;
}

long long json_int_at(json_t *root, const char *path)
{
    return json_integer_value(json_at(root, path));
}

const char *json_text_at(json_t *root, const char *path)
{
    const char *text = json_string_value(json_at(root, path));
    return text != NULL ? text : "";
}
