/* SPDX-License-Identifier: Apache-2.0 */
/* Status socket. */
#include "gateway/status.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    REQUEST_MAX = 64 << 10,
    CLIENT_WAIT_MS = 2000,
    REQUEST_TIMEOUT_MS = 8000,
    BACKLOG = 16,
    PING_TIMEOUT_MAX = 10000,
};

static json_t *udp_json(const struct sl_udp *udp)
{
    const struct sl_udp_counters *c = sl_udp_counters(udp);
    json_t *out = json_object();
#define ADD(name, text) (void)json_object_set_new(out, #name, json_integer((json_int_t)c->name));
    SL_UDP_COUNTER_TABLE(ADD)
#undef ADD
    return out;
}

static json_t *sa_json(const struct sl_esp_sa *sa)
{
    char spi[16];
    if (sa == NULL) {
        return json_null();
    }
    const struct sl_esp_counters *c = sl_esp_sa_counters(sa);
    (void)snprintf(spi, sizeof(spi), "%08x", sl_esp_sa_spi(sa));
    json_t *out = json_pack("{s:s, s:I}", "spi", spi, "seq", (json_int_t)sl_esp_sa_seq(sa));
#define ADD(name, text) (void)json_object_set_new(out, #name, json_integer((json_int_t)c->name));
    SL_ESP_COUNTER_TABLE(ADD)
#undef ADD
    return out;
}

static json_t *slot_json(struct sl_gw_slot *slot, uint64_t now_ns)
{
    struct sl_gw_counters sum;
    json_t *out = json_pack("{s:I, s:s, s:I}", "shard", (json_int_t)slot->shard, "port",
                            slot->port == SL_PORT_LAN ? "lan" : "wan", "outer_port",
                            (json_int_t)sl_udp_local(slot->udp)->port);
    (void)pthread_mutex_lock(&slot->tx_lock);
    sum = slot->tx;
    (void)json_object_set_new(out, "sa_out", sa_json(slot->out));
    uint64_t age = slot->out != NULL ? (now_ns - slot->out_since_ns) / 1000000000u : 0;
    (void)pthread_mutex_unlock(&slot->tx_lock);
    (void)pthread_mutex_lock(&slot->rx_lock);
    (void)json_object_set_new(out, "sa_in", sa_json(slot->in));
    (void)json_object_set_new(out, "sa_in_previous", sa_json(slot->in_previous[0]));
#define SUM(name, text) sum.name += slot->rx.name;
    SL_GW_COUNTER_TABLE(SUM)
#undef SUM
    (void)pthread_mutex_unlock(&slot->rx_lock);
    (void)json_object_set_new(out, "age_s", json_integer((json_int_t)age));
    json_t *counters = json_object();
#define ADD(name, text)                                                                            \
    (void)json_object_set_new(counters, #name, json_integer((json_int_t)sum.name));
    SL_GW_COUNTER_TABLE(ADD)
#undef ADD
    (void)json_object_set_new(out, "counters", counters);
    (void)json_object_set_new(out, "udp", udp_json(slot->udp));
    return out;
}

static json_t *offload_json(const struct sl_offload *watch)
{
    return json_pack("{s:s, s:s, s:I}", "state", sl_offload_state_text(watch->state), "reason",
                     watch->reason, "switched_off", (json_int_t)watch->switched);
}

static void watch_status(struct sl_gw_status *status, json_t *out)
{
    struct sl_watch *watch = status->watch;
    struct sl_udp_offload udp;
    sl_udp_offload_get(status->tunnel->slots[0][0].udp, &udp);
    (void)pthread_mutex_lock(&watch->lock);
    const struct sl_pmtu *p = &watch->pmtu;
    (void)json_object_set_new(
        out, "mtu",
        json_pack("{s:I, s:s, s:b, s:I, s:I, s:I, s:I}", "inner", (json_int_t)p->mtu, "state",
                  sl_pmtu_state_text(p->state), "is_fixed", p->is_fixed, "rtt_ns",
                  (json_int_t)p->rtt_ns, "black_holes", (json_int_t)p->black_holes, "probes_sent",
                  (json_int_t)p->sent, "probes_answered", (json_int_t)p->answered));
    (void)json_object_set_new(
        out, "offload",
        json_pack("{s:o, s:o, s:b, s:b, s:i}", "receive", offload_json(&watch->offload_rx), "send",
                  offload_json(&watch->offload_tx), "gso_active", udp.is_gso_active, "gro_active",
                  udp.is_gro_active, "gso_errno", udp.gso_errno));
    (void)pthread_mutex_unlock(&watch->lock);
}

static json_t *side_json(const struct sl_gw_status *status, int port)
{
    const struct sl_gw_side *side = &status->config->side[port];
    struct sl_coalesce_counters sum = {0};
    for (uint32_t i = 0; i < status->edge->rx_count; i++) {
#define SUM(name, text)                                                                            \
    sum.name += __atomic_load_n(&status->edge->joined[i][port].name, __ATOMIC_RELAXED);
        SL_COALESCE_COUNTER_TABLE(SUM)
#undef SUM
    }
    return json_pack("{s:s, s:s, s:b, s:b, s:I, s:I}", "tun", side->tun, "interface",
                     side->interface, "tso", status->edge->tun[port].has_tso, "uso",
                     status->edge->tun[port].has_uso, "packets", (json_int_t)sum.packets,
                     "super_packets", (json_int_t)sum.super_packets);
}

json_t *sl_gw_status_json(struct sl_gw_status *status)
{
    const struct sl_suite *suite = sl_suite_find(status->config->alg);
    char peer[SL_NET_ADDR_TEXT_MAX];
    uint64_t now_ns = sl_gw_now_ns();
    json_t *out = json_pack("{s:s, s:I}", "version", SL_VERSION, "uptime_s",
                            (json_int_t)((now_ns - status->start_ns) / 1000000000u));
    sl_session_status(status->session, out);
    json_t *tunnel = json_pack(
        "{s:s, s:s, s:s, s:I, s:b, s:I}", "peer", sl_net_addr_text(&status->tunnel->peer, peer),
        "framing", status->config->framing == SL_ESP_FRAMING_UDP ? "udp" : "native", "alg",
        suite != NULL ? suite->name : "?", "suite", (json_int_t)status->config->alg, "esn",
        status->config->is_esn, "replay_window", (json_int_t)status->config->window);
    json_t *slots = json_array();
    for (uint32_t i = 0; i < status->tunnel->shard_count * SL_PORT_COUNT; i++) {
        (void)json_array_append_new(slots, slot_json(&status->tunnel->slots[i / 2][i % 2], now_ns));
    }
    (void)json_object_set_new(tunnel, "slots", slots);
    watch_status(status, tunnel);
    (void)json_object_set_new(out, "tunnel", tunnel);
    (void)json_object_set_new(out, "lan", side_json(status, SL_PORT_LAN));
    (void)json_object_set_new(out, "wan", side_json(status, SL_PORT_WAN));
    return out;
}

static uint32_t number_of(json_t *request, const char *name, uint32_t fallback)
{
    json_t *value = json_object_get(request, name);
    return json_is_integer(value) ? (uint32_t)json_integer_value(value) : fallback;
}

static json_t *ping(struct sl_gw_status *status, json_t *request)
{
    const char *port = json_string_value(json_object_get(request, "port"));
    uint64_t rtt_ns = 0;
    uint32_t timeout = number_of(request, "timeout_ms", 1000);
    sl_rc rc = sl_watch_ping(status->watch, number_of(request, "shard", 0),
                             port != NULL && strcmp(port, "wan") == 0 ? SL_PORT_WAN : SL_PORT_LAN,
                             number_of(request, "size", 64),
                             timeout > PING_TIMEOUT_MAX ? PING_TIMEOUT_MAX : timeout, &rtt_ns);
    switch (rc) {
    case SL_OK:
        return json_pack("{s:I}", "rtt_ns", (json_int_t)rtt_ns);
    case SL_TIMEOUT:
        return json_pack("{s:s, s:s}", "error", "TIMEOUT", "text", "no answer");
    case SL_STATE:
        return json_pack("{s:s, s:s}", "error", "STATE", "text", "no SA: nothing is sent");
    case SL_RANGE:
        return json_pack("{s:s, s:s}", "error", "RANGE", "text",
                         "size or shard out of range, or larger than the interface's MTU");
    default:
        return json_pack("{s:s, s:s}", "error", sl_rc_name(rc), "text", sl_rc_text(rc));
    }
}

static json_t *answer(struct sl_gw_status *status, const char *line, size_t size)
{
    json_error_t fault;
    json_t *request = json_loadb(line, size, 0, &fault);
    const char *command = json_string_value(json_object_get(request, "cmd"));
    json_t *out = NULL;
    if (command == NULL) {
        out = json_pack("{s:s, s:s}", "error", "MALFORMED", "text",
                        "expected one JSON object with \"cmd\" per line");
    } else if (strcmp(command, "status") == 0) {
        out = sl_gw_status_json(status);
    } else if (strcmp(command, "ping") == 0) {
        out = ping(status, request);
    } else {
        out = sl_session_request(status->session, request, REQUEST_TIMEOUT_MS);
    }
    json_decref(request);
    return out;
}

static bool send_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t put = send(fd, text, size, MSG_NOSIGNAL);
        if (put <= 0) {
            return false;
        }
        text += put;
        size -= (size_t)put;
    }
    return true;
}

/* Takes @p out over. */
static bool json_send(int fd, json_t *out)
{
    char *text = json_dumps(out, JSON_COMPACT);
    bool is_sent = text != NULL && send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1);
    free(text);
    json_decref(out);
    return is_sent;
}

/* One line, whole within CLIENT_WAIT_MS however its bytes drip in.
 * @return its size with the newline; 0: closed, too slow or too long, which is told */
static size_t line_read(int fd, char *line, size_t *used)
{
    uint64_t end_ns = sl_gw_now_ns() + CLIENT_WAIT_MS * 1000000ull;
    for (;;) {
        const char *end = memchr(line, '\n', *used);
        if (end != NULL) {
            return (size_t)(end + 1 - line);
        }
        if (*used == REQUEST_MAX) {
            (void)json_send(fd, json_pack("{s:s, s:s}", "error", "RANGE", "text",
                                          "a request is one line of at most 65535 bytes"));
            return 0;
        }
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        uint64_t now_ns = sl_gw_now_ns();
        int left_ms = now_ns < end_ns ? (int)((end_ns - now_ns) / 1000000u) : 0;
        if (left_ms == 0 || poll(&readable, 1, left_ms) == 0) {
            if (*used > 0) {
                (void)json_send(fd, json_pack("{s:s, s:s}", "error", "TIMEOUT", "text",
                                              "a request must come whole within 2 seconds"));
            }
            return 0;
        }
        ssize_t got = recv(fd, line + *used, REQUEST_MAX - *used, 0);
        if (got <= 0) {
            return 0;
        }
        *used += (size_t)got;
    }
}

/* Serves one client until it closes, falls silent, or is not to be read. */
static void client_serve(struct sl_gw_status *status, int fd, char *line)
{
    size_t used = 0;
    size_t size;
    const struct timeval limit = {CLIENT_WAIT_MS / 1000, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    while ((size = line_read(fd, line, &used)) > 0) {
        if (!json_send(fd, answer(status, line, size - 1))) {
            return;
        }
        used -= size;
        memmove(line, line + size, used);
    }
}

static void *status_run(void *arg)
{
    struct sl_gw_status *status = arg;
    char *line = malloc(REQUEST_MAX);
    struct pollfd fds[2] = {{.fd = status->fd, .events = POLLIN},
                            {.fd = status->stop_fd, .events = POLLIN}};
    while (line != NULL) {
        if (poll(fds, 2, -1) < 0) {
            continue;
        }
        if (fds[1].revents != 0) {
            break;
        }
        int fd = accept4(status->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            client_serve(status, fd, line);
            (void)close(fd);
        }
    }
    free(line);
    return NULL;
}

static void folder_make(const char *path)
{
    char folder[SL_GW_PATH_MAX];
    (void)snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        (void)mkdir(folder, 0755); /* where it cannot be made, bind says so */
    }
}

sl_rc sl_gw_status_start(struct sl_gw_status *status, struct sl_err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const char *path = status->config->status_socket;
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    status->start_ns = sl_gw_now_ns();
    status->stop_fd = eventfd(0, EFD_CLOEXEC);
    status->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    folder_make(path);
    if (connect(status->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0) {
        return sl_err_set(err, SL_EXISTS, "status_socket: another gateway answers on %s", path);
    }
    (void)unlink(path);
    mode_t old = umask(0177);
    bool is_bound = bind(status->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
                    listen(status->fd, BACKLOG) == 0;
    (void)umask(old);
    if (!is_bound) {
        return sl_err_set(err, SL_IO, "status_socket: %s: %s", path, strerror(errno));
    }
    int failed = pthread_create(&status->thread, NULL, status_run, status);
    if (failed != 0) {
        return sl_err_set(err, SL_IO, "cannot start a thread: %s", strerror(failed));
    }
    status->is_started = true;
    return SL_OK;
}

void sl_gw_status_stop(struct sl_gw_status *status)
{
    if (status->is_started) {
        const uint64_t one = 1;
        if (write(status->stop_fd, &one, sizeof(one)) == (ssize_t)sizeof(one)) {
            (void)pthread_join(status->thread, NULL);
        }
        (void)unlink(status->config->status_socket);
        status->is_started = false;
    }
}
