/* SPDX-License-Identifier: Apache-2.0 */
/* One connection for each image and round: 32 bytes of nonce there, JSON back. */
#include "agent/tee.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"

enum { NONCE_SIZE = 32, ANSWER_MAX = 256 << 10, ANSWER_SECONDS = 12 };

json_t *sl_agent_tee_ids(const struct sl_agent_config *config)
{
    json_t *ids = json_array();
    for (unsigned i = 0; ids != NULL && i < config->tee_count; i++) {
        (void)json_array_append_new(ids, json_string(config->tees[i].id));
    }
    return ids;
}

static int socket_open(const char *path)
{
    const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    (void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
            int error = errno;
            (void)close(fd);
            errno = error;
            fd = -1;
        }
    }
    return fd;
}

/* @return the answer as JSON; NULL: @p err */
static json_t *ask(const struct sl_agent_tee *tee, const uint8_t nonce[NONCE_SIZE],
                   struct sl_err *err)
{
    char *text = malloc(ANSWER_MAX);
    int fd = socket_open(tee->socket);
    size_t size = 0;
    ssize_t got = 1;
    json_t *answer = NULL;
    if (fd < 0 || text == NULL ||
        send(fd, nonce, NONCE_SIZE, MSG_NOSIGNAL) != (ssize_t)NONCE_SIZE) {
        (void)sl_err_set(err, SL_IO, "tee %s: %s: %s", tee->id, tee->socket, strerror(errno));
        goto out;
    }
    while (size < ANSWER_MAX && (got = recv(fd, text + size, ANSWER_MAX - size, 0)) > 0) {
        size += (size_t)got;
    }
    answer = got == 0 ? json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (answer == NULL) {
        (void)sl_err_set(err, SL_MALFORMED, "tee %s: no answer, or no JSON", tee->id);
    } else if (!json_is_string(json_object_get(answer, "bundle"))) {
        const char *why = json_string_value(json_object_get(answer, "error"));
        (void)sl_err_set(err, SL_UNSUPPORTED, "tee %s: %s", tee->id,
                         why != NULL ? why : "no evidence");
        json_decref(answer);
        answer = NULL;
    }
out:
    if (fd >= 0) {
        (void)close(fd);
    }
    free(text);
    return answer;
}

static const struct sl_agent_tee *tee_find(const struct sl_agent_config *config, const char *id)
{
    for (unsigned i = 0; id != NULL && i < config->tee_count; i++) {
        if (strcmp(config->tees[i].id, id) == 0) {
            return &config->tees[i];
        }
    }
    return NULL;
}

json_t *sl_agent_tee_collect(const struct sl_agent_config *config, const json_t *asked,
                             void (*log)(const char *line))
{
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach(asked, i, one)
    {
        const struct sl_agent_tee *tee =
            tee_find(config, json_string_value(json_object_get(one, "id")));
        const char *hex = json_string_value(json_object_get(one, "nonce"));
        uint8_t nonce[NONCE_SIZE];
        struct sl_err err = {0};
        if (tee == NULL || hex == NULL || strlen(hex) != 2 * NONCE_SIZE ||
            sl_hex_decode(hex, nonce, NONCE_SIZE) != SL_OK) {
            continue; /* not here, or not in a form that could be answered */
        }
        json_t *answer = ask(tee, nonce, &err);
        if (answer == NULL) {
            log(err.text);
            continue;
        }
        (void)json_array_append_new(out, json_pack("{s:s, s:O?, s:O?, s:O?}", "id", tee->id, "type",
                                                   json_object_get(answer, "type"), "bundle",
                                                   json_object_get(answer, "bundle"), "claims",
                                                   json_object_get(answer, "claims")));
        json_decref(answer);
    }
    return out;
}
