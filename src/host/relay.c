/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections of the control channel, to and from the control rings. */
#include "host/relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/mover.h"

enum { FRAME_HEADER = 8, BACKLOG = 8, TICK_MS = 100, READ_STEPS_MAX = 256 };

static uint64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

static sl_rc listen_open(struct sl_relay *relay, const struct sl_net_addr *local,
                         struct sl_err *err)
{
    char text[SL_NET_ADDR_TEXT_MAX];
    struct sockaddr_storage sa;
    int on = 1;
    socklen_t sa_size = sl_net_addr_to_sockaddr(local, &sa);
    relay->listen_fd =
        socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (relay->listen_fd < 0) {
        return sl_err_set(err, SL_IO, "control: cannot create a socket: %s", strerror(errno));
    }
    (void)setsockopt(relay->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(relay->listen_fd, (struct sockaddr *)&sa, sa_size) != 0 ||
        listen(relay->listen_fd, BACKLOG) != 0) {
        return sl_err_set(err, SL_IO, "control: cannot listen on %s: %s",
                          sl_net_addr_text(local, text), strerror(errno));
    }
    sa_size = sizeof(sa);
    if (getsockname(relay->listen_fd, (struct sockaddr *)&sa, &sa_size) != 0 ||
        sl_net_addr_from_sockaddr(&sa, &relay->local) != SL_OK) {
        return sl_err_set(err, SL_IO, "control: cannot read back the address: %s", strerror(errno));
    }
    return SL_OK;
}

sl_rc sl_relay_init(struct sl_relay *relay, uint8_t *area, const struct sl_area_layout *layout,
                    const struct sl_area_geometry *geometry, const struct sl_net_addr *listen,
                    const atomic_bool *is_stopping, struct sl_err *err)
{
    memset(relay, 0, sizeof(*relay));
    relay->header = (struct sl_area_header *)(void *)area;
    relay->listen_fd = relay->event_fd = -1;
    relay->is_stopping = is_stopping;
    relay->next_id = 1;
    atomic_store(&relay->thread, UINT32_MAX);
    sl_byte_ring_init(&relay->in, area, &layout->control_in, geometry->control_size, NULL);
    sl_byte_ring_init(&relay->out, area, &layout->control_out, geometry->control_size, NULL);
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        relay->connections[i].fd = -1;
    }
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        relay->connections[i].buffer = malloc(SL_RELAY_BUFFER_SIZE);
        if (relay->connections[i].buffer == NULL) {
            sl_relay_done(relay);
            return sl_err_set(err, SL_NO_MEMORY, "control: no memory for buffers");
        }
    }
    relay->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sl_rc rc = relay->event_fd < 0
                   ? sl_err_set(err, SL_IO, "control: no event descriptor: %s", strerror(errno))
                   : listen_open(relay, listen, err);
    if (rc != SL_OK) {
        sl_relay_done(relay);
    }
    return rc;
}

void sl_relay_done(struct sl_relay *relay)
{
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        if (relay->connections[i].fd >= 0) {
            (void)close(relay->connections[i].fd);
        }
        free(relay->connections[i].buffer);
        relay->connections[i] = (struct sl_relay_connection){.fd = -1};
    }
    if (relay->listen_fd >= 0) {
        (void)close(relay->listen_fd);
    }
    if (relay->event_fd >= 0) {
        (void)close(relay->event_fd);
    }
    relay->listen_fd = relay->event_fd = -1;
}

sl_rc sl_relay_watch(struct sl_relay *relay, int fd, void (*ready)(void *ctx), void *ctx)
{
    if (relay->watch_count == SL_RELAY_WATCHES_MAX) {
        return SL_NO_SPACE;
    }
    relay->watches[relay->watch_count++] = (struct sl_relay_watch){fd, ready, ctx};
    return SL_OK;
}

/* ---- towards the image ---- */

/* Tells the image's control thread that there is something new. */
static void image_ring(struct sl_relay *relay)
{
    atomic_fetch_add(&relay->events, 1);
    uint32_t thread = atomic_load(&relay->thread);
    if (thread != UINT32_MAX) {
        sl_doorbell_ring(relay->header, thread);
    }
}

/* Writes a whole frame or nothing. */
static bool frame_write(struct sl_relay *relay, uint32_t id, enum sl_control_frame_kind kind,
                        const uint8_t *data, uint32_t size)
{
    uint8_t header[FRAME_HEADER];
    if (sl_byte_ring_writable(&relay->in) < FRAME_HEADER + size) {
        return false;
    }
    sl_be32_put(header, id);
    sl_be16_put(header + 4, (uint16_t)kind);
    sl_be16_put(header + 6, (uint16_t)size);
    /* there is room for both, and nobody else writes */
    (void)sl_byte_ring_write(&relay->in, header, sizeof(header));
    (void)sl_byte_ring_write(&relay->in, data, size);
    image_ring(relay);
    return true;
}

static void connection_free(struct sl_relay_connection *c)
{
    uint8_t *buffer = c->buffer;
    (void)close(c->fd);
    *c = (struct sl_relay_connection){.fd = -1, .buffer = buffer};
}

static void peer_ended(struct sl_relay_connection *c, bool is_dead)
{
    c->is_eof = true;
    c->is_dead |= is_dead;
    if (is_dead) {
        c->begin = c->end = 0;
    }
}

static void peer_read(struct sl_relay *relay, struct sl_relay_connection *c)
{
    uint8_t data[SL_CONTROL_FRAME_MAX];
    uint32_t room = sl_byte_ring_writable(&relay->in);
    if (c->is_eof || room <= FRAME_HEADER) {
        return;
    }
    room = room - FRAME_HEADER < sizeof(data) ? room - FRAME_HEADER : (uint32_t)sizeof(data);
    ssize_t size = recv(c->fd, data, room, MSG_DONTWAIT);
    if (size > 0) {
        (void)frame_write(relay, c->id, SL_FRAME_DATA, data, (uint32_t)size);
        relay->counters.bytes_in += (uint64_t)size;
        c->active_ms = now_ms();
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        peer_ended(c, size != 0);
    }
}

/* ---- from the image ---- */

static struct sl_relay_connection *connection_find(struct sl_relay *relay, uint32_t id)
{
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        if (relay->connections[i].fd >= 0 && relay->connections[i].id == id) {
            return &relay->connections[i];
        }
    }
    return NULL;
}

static void image_broken(struct sl_relay *relay)
{
    relay->counters.broken++;
    relay->is_broken = true;
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        if (relay->connections[i].fd >= 0) {
            connection_free(&relay->connections[i]);
        }
    }
}

static bool frame_is_possible(uint16_t kind, uint16_t size)
{
    switch (kind) {
    case SL_FRAME_CLOSE:
        return size == 0;
    case SL_FRAME_DATA:
        return size > 0 && size <= SL_CONTROL_FRAME_MAX;
    case SL_FRAME_EVIDENCE:
        return size > 0 && size <= SL_EVIDENCE_REQUEST_MAX;
    case SL_FRAME_SEALED:
        return size > 0 && size <= SL_SEALED_MAX;
    case SL_FRAME_SNAPSHOT:
        return size >= SL_SNAPSHOT_FRAME_HEADER && size <= SL_RELAY_WHOLE_MAX;
    default:
        return false;
    }
}

/* Reads the next frame's header. Returns whether there was one that makes sense. */
static bool header_read(struct sl_relay *relay)
{
    uint8_t header[FRAME_HEADER];
    if (sl_byte_ring_readable(&relay->out) < sizeof(header)) {
        return false;
    }
    (void)sl_byte_ring_read(&relay->out, header, sizeof(header));
    uint16_t kind = sl_be16_get(header + 4);
    uint16_t size = sl_be16_get(header + 6);
    if (!frame_is_possible(kind, size)) {
        image_broken(relay);
        return false;
    }
    relay->frame_id = sl_be32_get(header);
    relay->frame_left = size;
    relay->frame_kind = kind;
    relay->whole_have = 0;
    struct sl_relay_connection *c = connection_find(relay, relay->frame_id);
    if (kind == SL_FRAME_CLOSE && c != NULL) {
        c->is_image_done = true;
    }
    return true;
}

/* The image asks one thing at a time; whoever asks more gets the last answer only. */
static void answer_flush(struct sl_relay *relay)
{
    if (relay->answer_size > 0 &&
        frame_write(relay, 0, SL_FRAME_SNAPSHOT, relay->answer, relay->answer_size)) {
        relay->answer_size = 0;
    }
}

/* Collects a frame that is for this host itself; a whole one is handed over. */
static bool whole_read(struct sl_relay *relay)
{
    uint32_t size =
        sl_byte_ring_read(&relay->out, relay->whole + relay->whole_have, relay->frame_left);
    relay->whole_have += size;
    relay->frame_left -= size;
    if (relay->frame_left > 0) {
        return size > 0;
    }
    if (relay->frame_kind == SL_FRAME_SEALED && relay->on_sealed != NULL) {
        relay->on_sealed(relay->sealed_ctx, relay->whole, relay->whole_have);
    } else if (relay->frame_kind == SL_FRAME_EVIDENCE && relay->evidence != NULL) {
        sl_evidence_server_ask(relay->evidence, relay->frame_id, relay->whole, relay->whole_have);
    } else if (relay->frame_kind == SL_FRAME_SNAPSHOT) {
        relay->answer_size =
            sl_snapshot_file_serve(relay->snapshot, relay->whole, relay->whole_have, relay->answer);
        answer_flush(relay);
    }
    return true;
}
_Static_assert((int)SL_SEALED_MAX <= (int)SL_EVIDENCE_REQUEST_MAX, "both fit the same place");

void sl_relay_snapshot(struct sl_relay *relay, struct sl_snapshot_file *file)
{
    relay->snapshot = file;
}

void sl_relay_sealed(struct sl_relay *relay,
                     void (*keep)(void *ctx, const uint8_t *data, uint32_t size), void *ctx)
{
    relay->on_sealed = keep;
    relay->sealed_ctx = ctx;
}

/* Moves bytes of the current frame into its connection's buffer, or into nothing. Returns false
 * where no more can be moved now. */
static bool body_read(struct sl_relay *relay)
{
    struct sl_relay_connection *c = connection_find(relay, relay->frame_id);
    uint8_t waste[4096];
    bool is_wanted = c != NULL && !c->is_dead && !c->is_image_done;
    uint32_t room = is_wanted ? SL_RELAY_BUFFER_SIZE - c->end : (uint32_t)sizeof(waste);
    room = room < relay->frame_left ? room : relay->frame_left;
    uint32_t size =
        room == 0 ? 0
                  : sl_byte_ring_read(&relay->out, is_wanted ? c->buffer + c->end : waste, room);
    if (is_wanted) {
        c->end += size;
    }
    relay->frame_left -= size;
    relay->counters.bytes_out += size;
    return size > 0;
}

/* Bounded: an image that writes without end keeps neither its peers nor a signal to stop waiting.
 */
static void image_read(struct sl_relay *relay)
{
    uint32_t steps = 0;
    while (!relay->is_broken && steps < READ_STEPS_MAX) {
        bool is_more = relay->frame_left == 0               ? header_read(relay)
                       : relay->frame_kind == SL_FRAME_DATA ? body_read(relay)
                                                            : whole_read(relay);
        if (!is_more) {
            break;
        }
        steps++;
    }
    if (steps > 0) {
        image_ring(relay); /* room again */
    }
    if (steps == READ_STEPS_MAX) {
        sl_relay_wake(relay); /* there is more: no sleep before the next round */
    }
}

static void peer_write(struct sl_relay_connection *c)
{
    while (c->begin < c->end) {
        ssize_t size =
            send(c->fd, c->buffer + c->begin, c->end - c->begin, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                peer_ended(c, true);
            }
            break;
        }
        c->begin += (uint32_t)size;
        c->active_ms = now_ms();
    }
    if (c->begin == c->end) {
        c->begin = c->end = 0;
    } else if (c->begin > SL_RELAY_BUFFER_SIZE / 2) {
        memmove(c->buffer, c->buffer + c->begin, c->end - c->begin);
        c->end -= c->begin;
        c->begin = 0;
    }
}

/* ---- connections ---- */

static void options_set(int fd)
{
    const int on = 1, idle_s = 10, interval_s = 5, count = 3;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

/* A free place, if need be that of a connection which ended or has long been idle. */
static struct sl_relay_connection *place_find(struct sl_relay *relay)
{
    struct sl_relay_connection *oldest = NULL;
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        struct sl_relay_connection *c = &relay->connections[i];
        if (c->fd < 0) {
            return c;
        }
        bool is_idle = c->is_eof_told || now_ms() - c->active_ms >= SL_RELAY_IDLE_MS;
        if (is_idle && (oldest == NULL || c->active_ms < oldest->active_ms)) {
            oldest = c;
        }
    }
    /* the image must hear of the end first */
    if (oldest != NULL &&
        (oldest->is_eof_told || frame_write(relay, oldest->id, SL_FRAME_CLOSE, NULL, 0))) {
        relay->counters.evicted++;
        connection_free(oldest);
        return oldest;
    }
    return NULL;
}

static void peer_accept(struct sl_relay *relay)
{
    if (sl_byte_ring_writable(&relay->in) < FRAME_HEADER) {
        return; /* stays in the backlog */
    }
    int fd = accept4(relay->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct sl_relay_connection *c = relay->is_broken ? NULL : place_find(relay);
    if (c == NULL) {
        relay->counters.refused++;
        (void)close(fd);
        return;
    }
    options_set(fd);
    c->fd = fd;
    c->id = relay->next_id++;
    c->active_ms = now_ms();
    relay->counters.accepted++;
    c->is_announced = frame_write(relay, c->id, SL_FRAME_OPEN, NULL, 0);
}

/* Tells the image what it does not know yet, and ends what is over. */
static void connection_settle(struct sl_relay *relay, struct sl_relay_connection *c)
{
    if (!c->is_announced) {
        c->is_announced = frame_write(relay, c->id, SL_FRAME_OPEN, NULL, 0);
    }
    if (c->is_announced && c->is_eof && !c->is_eof_told) {
        c->is_eof_told = frame_write(relay, c->id, SL_FRAME_CLOSE, NULL, 0);
        c->eof_ms = now_ms();
    }
    bool is_flushed = c->begin == c->end;
    uint64_t quiet_since = c->eof_ms > c->active_ms ? c->eof_ms : c->active_ms;
    bool is_late = c->is_eof_told && now_ms() - quiet_since >= SL_RELAY_CLOSE_MS;
    bool is_stalled = !is_flushed && now_ms() - c->active_ms >= SL_RELAY_STALL_MS;
    relay->counters.stalled += is_stalled;
    if (is_stalled) {
        peer_ended(c, true);
    }
    if (is_late || (c->is_image_done && (is_flushed || c->is_dead))) {
        /* an image that closed first still hears of the end, and frees its side by it */
        if (c->is_eof_told || frame_write(relay, c->id, SL_FRAME_CLOSE, NULL, 0)) {
            connection_free(c);
        }
    }
}

static void connection_serve(struct sl_relay *relay, struct sl_relay_connection *c, short revents)
{
    if (c->fd < 0) {
        return;
    }
    if (c->is_announced && (revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        peer_read(relay, c);
    }
    peer_write(c);
    connection_settle(relay, c);
}

/* What to poll for. A connection that wants neither would report its hang-up without end. */
static struct pollfd connection_wants(const struct sl_relay_connection *c, bool has_room)
{
    bool is_reading = has_room && c->is_announced && !c->is_eof;
    bool is_writing = c->begin < c->end;
    return (struct pollfd){.fd = is_reading || is_writing ? c->fd : -1,
                           .events =
                               (short)((is_reading ? POLLIN : 0) | (is_writing ? POLLOUT : 0))};
}

static void evidence_write(struct sl_relay *relay)
{
    if (relay->evidence == NULL || relay->is_broken) {
        return;
    }
    if (sl_evidence_server_pump(relay->evidence, &relay->in)) {
        image_ring(relay);
    }
    if (sl_evidence_server_is_pending(relay->evidence)) {
        atomic_store(&relay->is_starved, true);
    }
}

void sl_relay_evidence(struct sl_relay *relay, struct sl_evidence_server *server)
{
    relay->evidence = server;
}

void sl_relay_round(struct sl_relay *relay, int timeout_ms)
{
    struct pollfd fds[2 + SL_CONTROL_CONNECTIONS_MAX + SL_RELAY_WATCHES_MAX];
    bool has_room = sl_byte_ring_writable(&relay->in) > FRAME_HEADER;
    uint32_t count = 2;
    atomic_store(&relay->is_starved, !has_room || relay->answer_size > 0);
    fds[0] = (struct pollfd){.fd = relay->event_fd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = has_room ? relay->listen_fd : -1, .events = POLLIN};
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        fds[count++] = connection_wants(&relay->connections[i], has_room);
    }
    for (uint32_t i = 0; i < relay->watch_count; i++) {
        fds[count++] = (struct pollfd){.fd = relay->watches[i].fd, .events = POLLIN};
    }
    if (poll(fds, count, timeout_ms) < 0) {
        return;
    }
    if (fds[0].revents != 0) {
        uint64_t events;
        (void)!read(relay->event_fd, &events, sizeof(events));
    }
    answer_flush(relay);
    image_read(relay);
    evidence_write(relay);
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        connection_serve(relay, &relay->connections[i], fds[2 + i].revents);
    }
    if (fds[1].revents != 0) {
        peer_accept(relay);
    }
    for (uint32_t i = 0; i < relay->watch_count; i++) {
        if (fds[2 + SL_CONTROL_CONNECTIONS_MAX + i].revents != 0) {
            relay->watches[i].ready(relay->watches[i].ctx);
        }
    }
}

void sl_relay_run(struct sl_relay *relay)
{
    while (!atomic_load(relay->is_stopping)) {
        bool is_used = false;
        for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
            is_used |= relay->connections[i].fd >= 0;
        }
        sl_relay_round(relay, is_used ? TICK_MS : SL_MOVER_SLEEP_MAX_MS);
    }
}

void sl_relay_wake(struct sl_relay *relay)
{
    uint64_t one = 1;
    (void)!write(relay->event_fd, &one, sizeof(one));
}

bool sl_relay_wait(struct sl_relay *relay, uint32_t thread, uint64_t timeout_ns)
{
    atomic_store(&relay->thread, thread);
    /* what the image wrote or took before it came to wait concerns the relay */
    const struct sl_area_index *out = relay->out.index;
    if (__atomic_load_n(&out->producer, __ATOMIC_SEQ_CST) !=
            __atomic_load_n(&out->consumer, __ATOMIC_SEQ_CST) ||
        atomic_load(&relay->is_starved)) {
        sl_relay_wake(relay);
    }
    uint32_t events = atomic_load(&relay->events);
    uint32_t now = sl_doorbell_get(relay->header, thread);
    bool is_new = events != relay->events_seen || now != relay->seen;
    relay->events_seen = events;
    relay->seen = now;
    if (!is_new && !atomic_load(relay->is_stopping)) {
        sl_doorbell_wait(relay->header, thread, now, timeout_ns);
    }
    return !atomic_load(relay->is_stopping);
}
