/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that nobody can trust: a real image (control server, TLS, provisioning) behind a host
 * that sees every frame between it and its gateways, answers for evidence, and lies where a test
 * tells it to. */
#ifndef SL_TESTS_LYING_HOST_H
#define SL_TESTS_LYING_HOST_H

#include "unit.h"

#include "control/client.h"
#include "control/frame.h"
#include "image/control_server.h"
#include "native_runtime.h"
#include "rig.h"

#include "emu_site.h"

enum { LYING_BUNDLE_MAX = SL_EVIDENCE_BUNDLE_MAX, LYING_WIRES_MAX = 4 };

struct lying_host;

/** One TCP connection as the host relays it. */
struct lying_wire {
    struct lying_host *host;
    uint32_t id;
    bool is_open, is_closed;
    uint8_t *bytes; /**< towards the gateway */
    size_t size;
    uint64_t to_image, to_gateway; /**< bytes so far */
    int64_t flip_to_image;         /**< byte whose lowest bit is flipped; -1: none */
    int64_t flip_to_gateway;
};

struct lying_host {
    struct emu_site *site;
    struct rig rig;
    struct sl_identity *key; /**< the image's */
    struct sl_boundary_counters boundary;
    struct sl_life life;
    struct sl_control_server server;
    struct sl_byte_ring to_image, from_image;
    struct sl_frame_reader frames;
    struct lying_wire wires[LYING_WIRES_MAX];
    uint64_t now_ns;
    /* the last evidence it saw made, honestly */
    uint32_t request;
    uint8_t data[64];
    uint8_t bundle[LYING_BUNDLE_MAX];
    size_t bundle_size;
    /** What to do with it instead of giving it to the image; NULL: give it. */
    void (*lie)(struct lying_host *host);
};

/** @param tenant_hash  the only key that its image takes */
void lying_host_open(struct lying_host *host, struct emu_site *site,
                     const uint8_t tenant_hash[SL_SPKI_HASH_SIZE]);
void lying_host_close(struct lying_host *host);
/** A new connection to it, for whoever carries bytes there himself; freed by its close. */
struct sl_client_transport lying_host_wire(struct lying_host *host);
/** A gateway's connection to it; not shaken hands yet. */
struct sl_client *lying_host_connect(struct lying_host *host, const struct sl_identity *tenant);
/** Gives the image a bundle in answer to `request`. */
void lying_host_give(struct lying_host *host, uint32_t request, const uint8_t *bundle, size_t size);
/** Gives the image one piece. */
void lying_host_piece(struct lying_host *host, uint32_t request, uint16_t rc, uint32_t total,
                      uint32_t off, const void *bytes, uint32_t size);
/** Moves image and frames on. */
void lying_host_pump(struct lying_host *host);
/** Fails the test where the image has got anything from anybody. */
void lying_host_assert_nothing_given(const struct lying_host *host);

#endif
