/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of backends: all at once, on one thread, none of them waited for. */
#include "gateway/health.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/clock.h"
#include "gateway/tunnel.h"

#define MS 1000000ull

enum {
    STEP_MS = 50,
    HTTP_STATUS_AT = 9, /* "HTTP/1.1 200" */
    HTTP_STATUS_END = 12,
};

/* ---- judging ---- */

bool sl_health_note(struct sl_health_state *state, const struct sl_health_config *config,
                    bool is_good, uint64_t now_ns)
{
    state->checks++;
    state->failures += !is_good;
    if (is_good == state->is_up) {
        state->streak = 0;
        return false;
    }
    state->streak++;
    if (state->streak < (is_good ? config->rise : config->fall)) {
        return false;
    }
    state->is_up = is_good;
    state->streak = 0;
    state->since_ns = now_ns;
    state->changes++;
    state->is_told = false;
    return true;
}

bool sl_health_http_is_good(const char *answer, uint32_t size, uint32_t status)
{
    uint32_t got = 0;
    if (size < HTTP_STATUS_END || strncmp(answer, "HTTP/1.", 7) != 0) {
        return false;
    }
    for (uint32_t i = HTTP_STATUS_AT; i < HTTP_STATUS_END; i++) {
        if (answer[i] < '0' || answer[i] > '9') {
            return false;
        }
        got = got * 10 + (uint32_t)(answer[i] - '0');
    }
    return status != 0 ? got == status : got >= 200 && got < 400;
}

/* A check is over. `fault` is NULL where it was good. */
static void finish(struct sl_health *health, uint32_t index, const char *fault)
{
    struct sl_health_state *state = &health->states[index];
    const struct sl_health_check *check = &health->config->checks[index];
    char line[300];
    if (state->fd >= 0) {
        (void)close(state->fd);
        state->fd = -1;
    }
    (void)pthread_mutex_lock(&health->lock);
    bool is_changed = sl_health_note(state, health->config, fault == NULL, sl_gw_now_ns());
    (void)snprintf(state->fault, sizeof(state->fault), "%s", fault != NULL ? fault : "");
    (void)snprintf(line, sizeof(line), "backend %s is %s%s%s", check->backend,
                   state->is_up ? "up" : "down", fault != NULL ? ": " : "",
                   fault != NULL ? fault : "");
    (void)pthread_mutex_unlock(&health->lock);
    if (is_changed) {
        health->log(line);
    }
}

/* ---- asking ---- */

static bool is_v6(const struct sl_health_check *check)
{
    return check->addr.ss_family == AF_INET6;
}

/* Starts a check; a fault, or NULL where it is under way. */
static const char *begin(struct sl_health *health, uint32_t index, uint64_t now_ns)
{
    struct sl_health_state *state = &health->states[index];
    const struct sl_health_check *check = &health->config->checks[index];
    bool is_ping = check->type == SL_HEALTH_ICMP;
    int type = (is_ping ? SOCK_RAW : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int proto = !is_ping ? 0 : is_v6(check) ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    state->end_ns = now_ns + health->config->timeout_ms * MS;
    state->due_ns = now_ns + health->config->interval_ms * MS;
    state->is_sent = false;
    state->got = 0;
    state->sequence++;
    state->fd = socket(check->addr.ss_family, type, proto);
    if (state->fd < 0) {
        return strerror(errno);
    }
    if (connect(state->fd, (const struct sockaddr *)&check->addr, check->addr_size) != 0 &&
        errno != EINPROGRESS) {
        return strerror(errno);
    }
    return NULL;
}

/* The kernel fills in ICMPv6's checksum (RFC 3542 3.1), not ICMP's. */
static const char *ping_send(struct sl_health *health, uint32_t index)
{
    struct sl_health_state *state = &health->states[index];
    uint16_t id = (uint16_t)(getpid() ^ (int)index);
    struct icmphdr echo = {.type = is_v6(&health->config->checks[index]) ? ICMP6_ECHO_REQUEST
                                                                         : ICMP_ECHO};
    echo.un.echo.id = htons(id);
    echo.un.echo.sequence = htons(state->sequence);
    uint32_t sum = echo.type + (uint32_t)echo.un.echo.id + echo.un.echo.sequence;
    sum = (sum & 0xffff) + (sum >> 16);
    echo.checksum = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
    state->is_sent = true;
    return send(state->fd, &echo, sizeof(echo), MSG_NOSIGNAL) == (ssize_t)sizeof(echo)
               ? NULL
               : strerror(errno);
}

/* Answers to other pings come here as well. @return true: this one's */
static bool ping_is_answered(struct sl_health *health, uint32_t index)
{
    struct sl_health_state *state = &health->states[index];
    bool is6 = is_v6(&health->config->checks[index]);
    uint8_t packet[512];
    ssize_t size;
    while ((size = recv(state->fd, packet, sizeof(packet), 0)) > 0) {
        size_t off = is6 ? 0 : (size_t)(packet[0] & 15) * 4;
        struct icmphdr echo;
        if ((size_t)size < off + sizeof(echo)) {
            continue;
        }
        memcpy(&echo, packet + off, sizeof(echo));
        if (echo.type == (is6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) &&
            echo.un.echo.id == htons((uint16_t)(getpid() ^ (int)index)) &&
            echo.un.echo.sequence == htons(state->sequence)) {
            return true;
        }
    }
    return false;
}

static const char *http_send(struct sl_health *health, uint32_t index)
{
    const struct sl_health_check *check = &health->config->checks[index];
    struct sl_health_state *state = &health->states[index];
    char request[512];
    int size = snprintf(request, sizeof(request),
                        "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: safelib-gateway\r\n"
                        "Connection: close\r\n\r\n",
                        check->path, check->host[0] != '\0' ? check->host : "backend");
    state->is_sent = true;
    return send(state->fd, request, (size_t)size, MSG_NOSIGNAL) == size ? NULL : strerror(errno);
}

/* Reads an HTTP answer as far as its status. 1: enough; 0: more to come; -1: it ended. */
static int http_read(struct sl_health_state *state)
{
    while (state->got < sizeof(state->answer)) {
        ssize_t size =
            recv(state->fd, state->answer + state->got, sizeof(state->answer) - state->got, 0);
        if (size <= 0) {
            return size < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
        }
        state->got += (uint32_t)size;
        if (state->got >= HTTP_STATUS_END) {
            return 1;
        }
    }
    return 1;
}

/* Something happened at a check's socket. */
static void go_on(struct sl_health *health, uint32_t index)
{
    struct sl_health_state *state = &health->states[index];
    const struct sl_health_check *check = &health->config->checks[index];
    const char *fault = NULL;
    int failed = 0;
    socklen_t size = sizeof(failed);
    (void)getsockopt(state->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) {
        finish(health, index, strerror(failed));
        return;
    }
    if (check->type == SL_HEALTH_TCP) {
        finish(health, index, NULL);
        return;
    }
    if (!state->is_sent) {
        fault = check->type == SL_HEALTH_ICMP ? ping_send(health, index) : http_send(health, index);
        if (fault != NULL) {
            finish(health, index, fault);
        }
        return;
    }
    if (check->type == SL_HEALTH_ICMP) {
        if (ping_is_answered(health, index)) {
            finish(health, index, NULL);
        }
        return;
    }
    int got = http_read(state);
    if (got != 0) {
        bool is_good = got > 0 && sl_health_http_is_good(state->answer, state->got, check->status);
        finish(health, index, is_good ? NULL : "the HTTP answer is not the expected one");
    }
}

/* Starts what is due and ends what is late; fills the poll list. */
static uint32_t schedule(struct sl_health *health, struct pollfd *polls, uint32_t *indices)
{
    uint64_t now_ns = sl_gw_now_ns();
    uint32_t count = 0;
    for (uint32_t i = 0; i < health->config->count; i++) {
        struct sl_health_state *state = &health->states[i];
        if (state->fd >= 0 && now_ns >= state->end_ns) {
            finish(health, i, "no answer in time");
        }
        if (state->fd < 0 && now_ns >= state->due_ns) {
            const char *fault = begin(health, i, now_ns);
            if (fault != NULL) {
                finish(health, i, fault);
            }
        }
        if (state->fd >= 0) {
            polls[count] = (struct pollfd){state->fd, state->is_sent ? POLLIN : POLLOUT, 0};
            indices[count++] = i;
        }
    }
    return count;
}

static void *health_run(void *arg)
{
    struct sl_health *health = arg;
    struct pollfd polls[SL_HEALTH_CHECKS_MAX];
    uint32_t indices[SL_HEALTH_CHECKS_MAX];
    while (!atomic_load(&health->is_stopping)) {
        uint32_t count = schedule(health, polls, indices);
        int ready = poll(polls, count, STEP_MS);
        for (uint32_t i = 0; i < count && ready > 0; i++) {
            if (polls[i].revents != 0) {
                go_on(health, indices[i]);
            }
        }
    }
    for (uint32_t i = 0; i < health->config->count; i++) {
        if (health->states[i].fd >= 0) {
            (void)close(health->states[i].fd);
        }
    }
    return NULL;
}

sl_rc sl_health_start(const struct sl_health_config *config, void (*log)(const char *line),
                      struct sl_health *health, struct sl_err *err)
{
    memset(health, 0, sizeof(*health));
    health->config = config;
    health->log = log;
    if (config->count == 0) {
        return SL_OK;
    }
    uint64_t now_ns = sl_gw_now_ns();
    for (uint32_t i = 0; i < config->count; i++) {
        /* spread over the interval, so that a backend with many services is not asked at once */
        uint64_t wait_ms = (uint64_t)config->interval_ms * i / config->count;
        health->states[i] = (struct sl_health_state){.is_up = true,
                                                     .is_told = true,
                                                     .fd = -1,
                                                     .since_ns = now_ns,
                                                     .due_ns = now_ns + wait_ms * MS};
    }
    (void)pthread_mutex_init(&health->lock, NULL);
    int failed = pthread_create(&health->thread, NULL, health_run, health);
    if (failed != 0) {
        (void)pthread_mutex_destroy(&health->lock);
        return sl_err_set(err, SL_IO, "health: cannot start a thread: %s", strerror(failed));
    }
    health->is_started = true;
    return SL_OK;
}

void sl_health_stop(struct sl_health *health)
{
    if (!health->is_started) {
        return;
    }
    atomic_store(&health->is_stopping, true);
    (void)pthread_join(health->thread, NULL);
    (void)pthread_mutex_destroy(&health->lock);
    health->is_started = false;
}

/* ---- telling ---- */

bool sl_health_next(struct sl_health *health, uint32_t *ret_index, bool *ret_is_up)
{
    bool has = false;
    if (!health->is_started) {
        return false;
    }
    (void)pthread_mutex_lock(&health->lock);
    for (uint32_t i = 0; i < health->config->count && !has; i++) {
        if (!health->states[i].is_told) {
            *ret_index = i;
            *ret_is_up = health->states[i].is_up;
            has = true;
        }
    }
    (void)pthread_mutex_unlock(&health->lock);
    return has;
}

void sl_health_told(struct sl_health *health, uint32_t index, bool is_up, const char *refused)
{
    struct sl_health_state *state = &health->states[index];
    (void)pthread_mutex_lock(&health->lock);
    state->is_told = state->is_up == is_up; /* else it has changed meanwhile */
    (void)snprintf(state->refused, sizeof(state->refused), "%s", refused);
    (void)pthread_mutex_unlock(&health->lock);
}

void sl_health_forget(struct sl_health *health)
{
    if (!health->is_started) {
        return;
    }
    (void)pthread_mutex_lock(&health->lock);
    for (uint32_t i = 0; i < health->config->count; i++) {
        health->states[i].is_told = false;
    }
    (void)pthread_mutex_unlock(&health->lock);
}

json_t *sl_health_status(struct sl_health *health)
{
    static const char *const types[] = {"tcp", "http", "icmp"};
    if (!health->is_started) {
        return NULL;
    }
    uint64_t now_ns = sl_gw_now_ns();
    json_t *list = json_array();
    (void)pthread_mutex_lock(&health->lock);
    for (uint32_t i = 0; i < health->config->count; i++) {
        const struct sl_health_state *state = &health->states[i];
        const struct sl_health_check *check = &health->config->checks[i];
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:s, s:s}", "backend",
                            check->backend, "type", types[check->type], "is_up", (int)state->is_up,
                            "is_told", (int)state->is_told, "since_s",
                            (json_int_t)((now_ns - state->since_ns) / (1000 * MS)), "checks",
                            (json_int_t)state->checks, "failures", (json_int_t)state->failures,
                            "changes", (json_int_t)state->changes, "fault", state->fault, "refused",
                            state->refused));
    }
    (void)pthread_mutex_unlock(&health->lock);
    return list;
}
