/* SPDX-License-Identifier: Apache-2.0 */
/* What the host knows about itself, as JSON on a unix socket. */
#include "host/status.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/node.h"

static void put(json_t *object, const char *name, uint64_t value)
{
    (void)json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *udp_json(const struct sl_udp *udp)
{
    const struct sl_udp_counters *c = sl_udp_counters(udp);
    struct sl_udp_offload offload;
    json_t *object = json_object();
#define PUT(name, text) put(object, #name, sl_counter_read(&c->name));
    SL_UDP_COUNTER_TABLE(PUT)
#undef PUT
    sl_udp_offload_get(udp, &offload);
    (void)json_object_set_new(object, "gso_allowed", json_boolean(offload.is_gso_allowed));
    (void)json_object_set_new(object, "gso_active", json_boolean(offload.is_gso_active));
    (void)json_object_set_new(object, "gro_active", json_boolean(offload.is_gro_active));
    (void)json_object_set_new(object, "gso_last_error",
                              offload.gso_errno != 0 ? json_string(strerror(offload.gso_errno))
                                                     : json_null());
    return object;
}

static json_t *shard_json(const struct sl_mover *mover, uint32_t shard)
{
    json_t *object = json_object();
    const struct sl_udp *udp = sl_io_udp_socket(mover->io);
    put(object, "shard", shard);
#define PUT(name, text) put(object, #name, sl_counter_read(&mover->counters.name));
    SL_HOST_COUNTER_TABLE(PUT)
#undef PUT
    uint64_t violations = 0;
    for (uint32_t port = 0; port < SL_AREA_PORTS; port++) {
        violations += sl_counter_read(&mover->in[port].violations) +
                      sl_counter_read(&mover->out[port].violations);
    }
    put(object, "violations", violations);
    (void)json_object_set_new(object, "io", json_string(mover->io->ops->name));
    if (udp != NULL) {
        (void)json_object_set_new(object, "udp", udp_json(udp));
    }
    return object;
}

static json_t *relay_json(const struct sl_relay *relay)
{
    json_t *object = json_object();
    uint64_t open = 0;
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        open += relay->connections[i].fd >= 0;
    }
    put(object, "open", open);
#define PUT(name, text) put(object, #name, relay->counters.name);
    SL_RELAY_COUNTER_TABLE(PUT)
#undef PUT
    return object;
}

static json_t *evidence_json(const struct sl_node *node)
{
    json_t *object = json_object();
    struct sl_evidence_counters counters = {0};
    (void)json_object_set_new(object, "producer",
                              json_string(node->evidence != NULL ? node->evidence_name : "none"));
    if (node->evidence != NULL) {
        sl_evidence_server_counters(node->evidence, &counters);
    }
#define PUT(name, text) put(object, #name, counters.name);
    SL_EVIDENCE_COUNTER_TABLE(PUT)
#undef PUT
    return object;
}

static void device_put(json_t *root, const struct sl_node_device *device)
{
    json_t *unenforced = json_array();
    char hex[2 * 32 + 1] = "";
    for (const char *const *rule = device->unenforced; rule != NULL && *rule != NULL; rule++) {
        (void)json_array_append_new(unenforced, json_string(*rule));
    }
    if (device->mrenclave != NULL) {
        sl_hex_encode(device->mrenclave, 32, hex);
    }
    (void)json_object_set_new(root, "device", json_string(device->name));
    (void)json_object_set_new(root, "protection", json_string(device->protection));
    (void)json_object_set_new(root, "unenforced", unenforced);
    (void)json_object_set_new(root, "mrenclave", json_string(hex));
    if (device->entry_count != NULL) {
        put(root, "entries", device->entry_count(device->ctx));
    }
}

char *sl_status_text(const struct sl_node *node)
{
    const struct sl_host_settings *s = node->settings;
    char address[SL_NET_ADDR_TEXT_MAX];
    struct timespec now;
    json_t *root = json_object();
    json_t *shards = json_array();
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)json_object_set_new(root, "program", json_string("safelib-host"));
    (void)json_object_set_new(root, "version", json_string(SL_VERSION));
    (void)json_object_set_new(root, "image", json_string(s->config->image));
    put(root, "uptime_s", (uint64_t)(now.tv_sec - node->started.tv_sec));
    device_put(root, &node->device);
    (void)json_object_set_new(root, "scheduling", json_string(s->is_polling ? "polling" : "batch"));
    (void)json_object_set_new(root, "framing", json_string(s->is_native ? "native" : "udp"));
    (void)json_object_set_new(root, "listen",
                              json_string(sl_net_addr_text(&node->listen, address)));
    (void)json_object_set_new(root, "control",
                              json_string(sl_net_addr_text(&node->relay.local, address)));
    for (uint32_t i = 0; i < node->shard_count; i++) {
        (void)json_array_append_new(shards, shard_json(&node->movers[i], i));
    }
    (void)json_object_set_new(root, "shards", shards);
    (void)json_object_set_new(root, "relay", relay_json(&node->relay));
    (void)json_object_set_new(root, "evidence", evidence_json(node));
    char *text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}

void sl_status_init(struct sl_status_socket *status)
{
    status->fd = -1;
    status->next = 0;
    for (uint32_t i = 0; i < SL_STATUS_ANSWERED; i++) {
        status->answered[i] = -1;
    }
}

sl_rc sl_status_open(const char *path, struct sl_status_socket *status, struct sl_err *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(path) >= sizeof(sa.sun_path)) {
        return sl_err_set(err, SL_RANGE, "status: %s: longer than %zu characters", path,
                          sizeof(sa.sun_path) - 1);
    }
    memcpy(sa.sun_path, path, strlen(path) + 1);
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            return sl_err_set(err, SL_EXISTS, "status: %s: exists and is not a socket", path);
        }
        (void)unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t mask = umask(0117);
    bool is_listening =
        fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 8) == 0;
    int error = errno;
    (void)umask(mask);
    if (!is_listening) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return sl_err_set(err, SL_IO, "status: cannot listen on %s: %s", path, strerror(error));
    }
    status->fd = fd;
    return SL_OK;
}

static void close_if_open(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* The end of what we say, while what the other says goes unread: closed now, its write would fail,
 * and unread bytes would cost it our answer. */
static void leave_open(struct sl_status_socket *status, int fd)
{
    (void)shutdown(fd, SHUT_WR);
    close_if_open(&status->answered[status->next]);
    status->answered[status->next] = fd;
    status->next = (status->next + 1) % SL_STATUS_ANSWERED;
}

void sl_status_close(struct sl_status_socket *status, const char *path)
{
    for (uint32_t i = 0; i < SL_STATUS_ANSWERED; i++) {
        close_if_open(&status->answered[i]);
    }
    if (status->fd >= 0) {
        close_if_open(&status->fd);
        (void)unlink(path);
    }
}

void sl_status_serve(struct sl_status_socket *status, const struct sl_node *node)
{
    int fd = accept4(status->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    /* a reader that does not read must not hold up the relay */
    struct timeval patience = {.tv_usec = 200000};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    char *text = sl_status_text(node);
    size_t size = text != NULL ? strlen(text) : 0;
    for (size_t off = 0; off < size;) {
        ssize_t sent = send(fd, text + off, size - off, MSG_NOSIGNAL);
        if (sent <= 0) {
            break;
        }
        off += (size_t)sent;
    }
    if (text != NULL) {
        (void)send(fd, "\n", 1, MSG_NOSIGNAL);
    }
    free(text);
    leave_open(status, fd);
}
