/* SPDX-License-Identifier: Apache-2.0 */
/* The image's end of the control channel: connections, deadlines, flow control. */
#include "image/control_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum {
    FRAMES_PER_POLL = 64, /* then output and deadlines get their turn */
    REQUESTS_PER_PUMP = 16,
};

/* Longest sleep: how soon an overlap's end or a retired SA is noticed where nothing happens. */
#define SLEEP_MAX_NS       1000000000ull
#define SLEEP_RING_FULL_NS 1000000ull

void sl_control_server_init(struct sl_control_server *server,
                            const struct sl_control_params *params, uint64_t now_ns)
{
    memset(server, 0, sizeof(*server));
    server->params = *params;
    server->budget.left = SL_CONTROL_BUDGET;
    server->started_ns = now_ns;
    sl_dice_start(server, now_ns);
}

static void connection_free(struct sl_connection *connection)
{
    sl_msg_reader_done(&connection->reader);
    sl_msg_writer_done(&connection->writer);
    sl_evidence_ask_reset(&connection->attest.ask);
    sl_tls_free(connection->tls);
    memset(connection, 0, sizeof(*connection));
}

void sl_control_server_done(struct sl_control_server *server)
{
    sl_evidence_ask_reset(&server->dice.ask);
    sl_snapshot_done(server);
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        connection_free(&server->connections[i]);
    }
}

/* Who may speak: the holder of the key that the image was started for, nobody else. */
static sl_rc verify_tenant(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err)
{
    const struct sl_control_server *server = ctx;
    if (!sl_equal_ct(peer->spki_hash, server->params.tenant_hash, SL_SPKI_HASH_SIZE)) {
        return sl_err_set(err, SL_AUTH, "not the tenant's key");
    }
    return SL_OK;
}

/* Lets a connection say what it still has to say, and no more. */
static void start_closing(struct sl_connection *connection, uint64_t now_ns)
{
    connection->state = SL_CONNECTION_CLOSING;
    connection->deadline_ns = now_ns + SL_CONTROL_LINGER_NS;
    sl_msg_reader_done(&connection->reader);
    sl_evidence_ask_reset(&connection->attest.ask);
}

/* ---- opening and closing, as the host's frames say ---- */

static struct sl_connection *find(struct sl_control_server *server, uint32_t id)
{
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        struct sl_connection *connection = &server->connections[i];
        if (connection->state != SL_CONNECTION_FREE && connection->id == id) {
            return connection;
        }
    }
    return NULL;
}

/* A place for a newcomer: a free one, or that of the oldest handshake that takes too long. Who has
 * shown the tenant's key keeps its place. */
static struct sl_connection *find_place(struct sl_control_server *server, uint64_t now_ns)
{
    struct sl_connection *oldest = NULL;
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        struct sl_connection *connection = &server->connections[i];
        if (connection->state == SL_CONNECTION_FREE) {
            return connection;
        }
        if (connection->state != SL_CONNECTION_READY &&
            now_ns - connection->opened_ns > SL_CONTROL_EVICT_NS &&
            (oldest == NULL || connection->opened_ns < oldest->opened_ns)) {
            oldest = connection;
        }
    }
    if (oldest != NULL) {
        (void)!sl_frame_write_event(&server->params.out, oldest->id, SL_FRAME_CLOSE);
        connection_free(oldest);
        server->counters.evicted++;
    }
    return oldest;
}

static void open_connection(struct sl_control_server *server, uint32_t id, uint64_t now_ns)
{
    struct sl_connection *connection = find(server, id);
    if (connection != NULL) { /* a number used twice: the old connection is gone for the host */
        connection_free(connection);
        server->counters.bad_frames++;
    } else {
        connection = find_place(server, now_ns);
    }
    struct sl_tls_options options = {.is_server = true,
                                     .identity = server->params.identity,
                                     .verify = verify_tenant,
                                     .verify_ctx = server};
    struct sl_tls *tls = NULL;
    if (connection == NULL || sl_tls_create(&options, &tls, NULL) != SL_OK) {
        server->counters.refused++;
        (void)!sl_frame_write_event(&server->params.out, id, SL_FRAME_CLOSE);
        return;
    }
    server->counters.opened++;
    connection->state = SL_CONNECTION_HANDSHAKE;
    connection->id = id;
    connection->tls = tls;
    connection->reader.budget = &server->budget;
    connection->reader.size_max = SL_MSG_SIZE_MAX;
    connection->opened_ns = now_ns;
    connection->deadline_ns = now_ns + SL_CONTROL_HANDSHAKE_NS;
}

/* ---- requests and replies ---- */

/* Queues an error reply. */
static void reply_error(struct sl_connection *connection, uint16_t id, sl_rc rc, const char *text)
{
    uint8_t body[512];
    struct sl_writer w;
    sl_writer_init(&w, body, sizeof(body));
    sl_writer_be16(&w, (uint16_t)rc);
    sl_writer_string(&w, text[0] != '\0' ? text : sl_rc_text(rc));
    struct sl_msg msg = {.type = SL_MSG_ERROR, .id = id, .body = malloc(w.off)};
    if (w.rc != SL_OK || msg.body == NULL) {
        free(msg.body);
        return;
    }
    memcpy(msg.body, body, w.off);
    msg.size = msg.room = w.off;
    if (sl_msg_writer_start(&connection->writer, connection->tls, &msg, NULL) != SL_OK) {
        sl_msg_done(&msg);
    }
}

/* The peer broke the protocol: say so once, then close. */
static void fail_protocol(struct sl_control_server *server, struct sl_connection *connection,
                          uint16_t id, const struct sl_err *err, uint64_t now_ns)
{
    server->counters.failed_protocol++;
    reply_error(connection, id, err->rc, err->text);
    start_closing(connection, now_ns);
}

/* Lets the request through the gate. An ATTEST is answered later, by attest_poll. */
static sl_rc handle(struct sl_control_server *server, struct sl_connection *connection,
                    const struct sl_msg *request, uint64_t now_ns, bool *ret_is_fatal,
                    struct sl_err *err)
{
    sl_rc rc = sl_image_attest_gate(connection, request->type, err);
    if (rc != SL_OK) {
        server->counters.unattested++;
        return rc;
    }
    if (request->type == SL_MSG_ATTEST) {
        rc = sl_image_attest_start(server, connection, request, now_ns, err);
        *ret_is_fatal = rc == SL_MALFORMED;
        return rc;
    }
    struct sl_msg reply = {.type = request->type, .id = request->id};
    rc = sl_control_handle(server, connection, request, now_ns, &reply, ret_is_fatal, err);
    if (rc == SL_OK) {
        rc = sl_msg_writer_start(&connection->writer, connection->tls, &reply, err);
    }
    sl_msg_done(&reply);
    return rc;
}

/* Evidence, once it is there. A gateway whose evidence does not come has no reason to trust what
 * runs here any longer, and nor have we: its SAs go at this end, too. */
static uint64_t attest_poll(struct sl_control_server *server, struct sl_connection *connection,
                            uint64_t now_ns)
{
    struct sl_msg reply = {0};
    struct sl_err err = {0};
    uint64_t at_ns = 0;
    uint16_t id = connection->attest.id;
    sl_rc rc = sl_image_attest_poll(server, connection, now_ns, &reply, &at_ns, &err);
    if (rc == SL_AGAIN) {
        return at_ns;
    }
    if (rc == SL_OK) {
        rc = sl_msg_writer_start(&connection->writer, connection->tls, &reply, &err);
        sl_msg_done(&reply);
    }
    if (rc == SL_OK) {
        server->counters.attested++;
        server->counters.requests++;
        sl_life_note(server->params.life, now_ns, SL_IMAGE_ATTEST, SL_OK, 0, NULL);
        return at_ns;
    }
    server->counters.attest_failed++;
    sl_life_note(server->params.life, now_ns, SL_IMAGE_ATTEST, rc, 0, err.text);
    server->counters.requests_refused++;
    if (connection->id == server->holder &&
        sl_provision_sa_clear(server->params.provision, NULL) != SL_OK) {
        server->heard_ns = 0; /* no memory: the lease does it */
    }
    reply_error(connection, id, rc, err.text);
    return now_ns;
}

static void answer(struct sl_control_server *server, struct sl_connection *connection,
                   const struct sl_msg *request, uint64_t now_ns)
{
    struct sl_err err = {0};
    bool is_fatal = false;
    if (connection->writer.is_busy || sl_evidence_ask_is_active(&connection->attest.ask)) {
        (void)sl_err_set(&err, SL_STATE, "a request came before the reply to the last was taken");
        server->counters.failed_protocol++;
        start_closing(connection, now_ns); /* the reply under way ends first */
        return;
    }
    sl_rc rc = handle(server, connection, request, now_ns, &is_fatal, &err);
    sl_control_note(server, connection, request, rc, &err, now_ns);
    if (rc == SL_OK && request->type == SL_MSG_SA_SET) {
        server->holder = connection->id;
    }
    if (connection->id == server->holder) {
        server->heard_ns = now_ns;
    }
    if (rc == SL_OK) {
        server->counters.requests += request->type != SL_MSG_ATTEST; /* counted when it is done */
    } else if (is_fatal) {
        (void)sl_err_set(&err, rc, "%s", err.text[0] != '\0' ? err.text : sl_rc_text(rc));
        fail_protocol(server, connection, request->id, &err, now_ns);
    } else {
        server->counters.requests_refused++;
        reply_error(connection, request->id, rc, err.text);
    }
}

/* Reads requests as far as bytes are there. */
static void pump_requests(struct sl_control_server *server, struct sl_connection *connection,
                          uint64_t now_ns)
{
    for (uint32_t i = 0; i < REQUESTS_PER_PUMP && connection->state == SL_CONNECTION_READY; i++) {
        struct sl_msg request = {0};
        struct sl_err err = {0};
        bool was_partial = sl_msg_reader_is_partial(&connection->reader);
        sl_rc rc = sl_msg_reader_pull(&connection->reader, connection->tls, &request, &err);
        switch (rc) {
        case SL_OK:
            answer(server, connection, &request, now_ns);
            sl_msg_done(&request);
            if (connection->state == SL_CONNECTION_READY) {
                connection->deadline_ns =
                    now_ns +
                    (connection->writer.is_busy ? SL_CONTROL_STALL_NS : SL_CONTROL_IDLE_NS);
            }
            break;
        case SL_AGAIN:
            if (!was_partial && sl_msg_reader_is_partial(&connection->reader)) {
                connection->deadline_ns = now_ns + SL_CONTROL_STALL_NS;
            }
            return;
        case SL_CLOSED:
            start_closing(connection, now_ns);
            return;
        case SL_RANGE:
        case SL_NO_MEMORY:
            fail_protocol(server, connection, connection->reader.msg.id, &err, now_ns);
            return;
        default: /* broken TLS: nothing can be said any more; malformed: it can */
            if (rc == SL_MALFORMED && connection->reader.header_have == SL_MSG_HEADER_SIZE &&
                connection->reader.body_size == 0) {
                fail_protocol(server, connection, 0, &err, now_ns);
            } else {
                server->counters.failed_tls++;
                start_closing(connection, now_ns);
            }
            return;
        }
    }
}

static void pump_handshake(struct sl_control_server *server, struct sl_connection *connection,
                           uint64_t now_ns)
{
    sl_rc rc = sl_tls_handshake(connection->tls, NULL);
    if (rc == SL_OK) {
        server->counters.authenticated++;
        connection->state = SL_CONNECTION_READY;
        connection->deadline_ns = now_ns + SL_CONTROL_IDLE_NS;
    } else if (rc != SL_AGAIN) {
        if (rc == SL_AUTH) {
            server->counters.failed_auth++;
        } else {
            server->counters.failed_tls++;
        }
        start_closing(connection, now_ns); /* TLS has queued its alert */
    }
}

static void pump(struct sl_control_server *server, struct sl_connection *connection,
                 uint64_t now_ns)
{
    if (connection->state == SL_CONNECTION_HANDSHAKE) {
        pump_handshake(server, connection, now_ns);
    }
    if (connection->state == SL_CONNECTION_READY) {
        pump_requests(server, connection, now_ns);
    }
}

static void feed(struct sl_control_server *server, struct sl_connection *connection,
                 const struct sl_frame *frame, uint64_t now_ns)
{
    if (connection->state == SL_CONNECTION_CLOSING) {
        return;
    }
    if (sl_tls_feed(connection->tls, frame->data, frame->size) != SL_OK) {
        server->counters.failed_tls++;
        start_closing(connection, now_ns);
        return;
    }
    pump(server, connection, now_ns);
}

/* ---- output ---- */

/* Moves a connection's bytes into the ring. @return true where nothing is left to send */
static bool drain(struct sl_control_server *server, struct sl_connection *connection)
{
    const uint8_t *data;
    size_t size;
    for (;;) {
        bool is_through =
            !connection->writer.is_busy ||
            sl_msg_writer_push(&connection->writer, connection->tls, NULL) != SL_AGAIN;
        while ((size = sl_tls_out(connection->tls, &data)) > 0) {
            size_t taken = 0;
            if (sl_frame_write_data(&server->params.out, connection->id, data, size, &taken) !=
                SL_OK) {
                return false;
            }
            sl_tls_out_take(connection->tls, taken);
        }
        if (is_through) {
            return true;
        }
    }
}

/* The same; a reply that is through begins the wait for the next request. */
static bool drain_reply(struct sl_control_server *server, struct sl_connection *connection,
                        uint64_t now_ns)
{
    bool was_busy = connection->writer.is_busy;
    bool is_empty = drain(server, connection);
    if (connection->state == SL_CONNECTION_READY && was_busy && is_empty &&
        !sl_msg_reader_is_partial(&connection->reader)) {
        connection->deadline_ns = now_ns + SL_CONTROL_IDLE_NS;
    }
    return is_empty;
}

/* Output, deadlines and last words of one connection. @return when it wants to be seen again */
static uint64_t attend(struct sl_control_server *server, struct sl_connection *connection,
                       uint64_t now_ns)
{
    uint64_t attest_ns = attest_poll(server, connection, now_ns);
    bool is_empty = drain_reply(server, connection, now_ns);
    bool is_late = now_ns >= connection->deadline_ns;
    if (connection->state == SL_CONNECTION_CLOSING && is_empty) {
        sl_tls_close(connection->tls);
        (void)drain(server, connection);
        if (is_late ||
            sl_frame_write_event(&server->params.out, connection->id, SL_FRAME_CLOSE) == SL_OK) {
            connection_free(connection);
            return UINT64_MAX;
        }
    } else if (is_late && connection->state == SL_CONNECTION_CLOSING) {
        (void)!sl_frame_write_event(&server->params.out, connection->id, SL_FRAME_CLOSE);
        connection_free(connection);
        return UINT64_MAX;
    } else if (is_late) {
        server->counters.timed_out++;
        start_closing(connection, now_ns);
        return now_ns;
    }
    uint64_t again_ns = is_empty ? attest_ns : now_ns + SLEEP_RING_FULL_NS;
    return connection->deadline_ns < again_ns ? connection->deadline_ns : again_ns;
}

/* Takes frames. @return true where more may be waiting */
static bool take_frames(struct sl_control_server *server, uint64_t now_ns)
{
    for (uint32_t i = 0; i < FRAMES_PER_POLL; i++) {
        struct sl_frame frame;
        sl_rc rc = sl_frame_read(&server->frames, &server->params.in, &frame);
        if (rc == SL_AGAIN) {
            return false;
        }
        if (rc != SL_OK) {
            server->counters.bad_frames++;
            continue;
        }
        struct sl_connection *connection;
        switch (frame.kind) {
        case SL_FRAME_OPEN:
            open_connection(server, frame.connection, now_ns);
            break;
        case SL_FRAME_DATA:
            connection = find(server, frame.connection);
            if (connection != NULL) { /* else: of one that is closed already */
                feed(server, connection, &frame, now_ns);
                (void)drain_reply(server, connection, now_ns);
            }
            break;
        case SL_FRAME_CLOSE:
            connection = find(server, frame.connection);
            if (connection != NULL) {
                connection_free(connection);
            }
            break;
        case SL_FRAME_EVIDENCE:
            if (!sl_image_attest_frame(server, frame.connection, frame.data, frame.size)) {
                server->counters.evidence_strays++;
            }
            break;
        case SL_FRAME_SNAPSHOT:
            if (!sl_snapshot_frame(server, frame.data, frame.size, now_ns)) {
                server->counters.snapshot_strays++;
            }
            break;
        default:
            break;
        }
    }
    return true;
}

/* Without a word from their gateway SAs end here as they end there: keys that nobody watches over
 * are deleted. */
static void lease_check(struct sl_control_server *server, uint64_t now_ns)
{
    if (server->lease_ns == 0 || now_ns - server->heard_ns < server->lease_ns ||
        !sl_provision_has_sa(server->params.provision)) {
        return;
    }
    if (sl_provision_sa_clear(server->params.provision, NULL) == SL_OK) {
        server->counters.leases_over++;
        sl_life_note(server->params.life, now_ns, SL_IMAGE_LEASE_OVER, SL_OK,
                     server->lease_ns / 1000000000u, NULL);
    } /* no memory: the next poll tries again */
}

uint64_t sl_control_server_poll(struct sl_control_server *server, uint64_t now_ns)
{
    bool has_more = take_frames(server, now_ns);
    bool is_flushed = sl_life_flush(server->params.life, &server->params.out);
    lease_check(server, now_ns);
    sl_provision_poll(server->params.provision, now_ns);
    /* soon enough for leases, too */
    uint64_t next_ns = now_ns + (is_flushed ? SLEEP_MAX_NS : SLEEP_RING_FULL_NS);
    uint64_t snapshot_ns = sl_snapshot_poll(server, now_ns);
    next_ns = snapshot_ns < next_ns ? snapshot_ns : next_ns;
    uint64_t dice_ns = sl_dice_poll(server, now_ns);
    next_ns = dice_ns < next_ns ? dice_ns : next_ns;
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        struct sl_connection *connection = &server->connections[i];
        if (connection->state != SL_CONNECTION_FREE) {
            uint64_t at_ns = attend(server, connection, now_ns);
            next_ns = at_ns < next_ns ? at_ns : next_ns;
        }
    }
    return has_more || next_ns <= now_ns ? 0 : next_ns - now_ns;
}
