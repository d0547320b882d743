/* SPDX-License-Identifier: Apache-2.0 */
/* A control server with the real client, over in-memory rings; time is the test's. */
#ifndef SL_TESTS_SERVER_BED_H
#define SL_TESTS_SERVER_BED_H

#include "unit.h"

#include "control/client.h"
#include "control/frame.h"
#include "image/control_server.h"
#include "native_runtime.h"
#include "rig.h"

struct bed {
    struct rig rig;
    struct sl_identity *image;
    struct sl_identity *tenant;
    struct sl_identity *stranger;
    struct sl_boundary_counters boundary;
    struct sl_life life;
    struct sl_control_server server;
    struct sl_byte_ring to_image; /* host's ends, where a test plays the host itself */
    struct sl_byte_ring from_image;
    struct sl_frame_reader frames;
    uint64_t now_ns;
    bool is_deaf; /* the client reads nothing */
    sl_rc (*receive)(void *ctx, uint8_t *out, size_t size, size_t *ret_size);
};
extern struct bed bed;

int bed_setup(void **state);
int bed_teardown(void **state);
/** @return what sl_control_server_poll says */
uint64_t poll_server(void);
/** A client whose waits let the server work; not connected yet. */
struct sl_client *make_client(const struct sl_identity *identity);
/** The tenant's: connected, and told that there is no evidence. */
struct sl_client *connect_tenant(void);

/** For a transport of one's own: instead of sleeping, lets the server work. */
void bed_wait(void *ctx, bool is_write, int timeout_ms);
sl_rc bed_accept_image(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err);

#endif
