/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of flow NFs: packets made from few words, run through a chain under virtual time.
 *
 *   struct flow_rig rig;
 *   flow_rig_init(&rig, "firewall", policy, policy_size, "flows=1000 udp=30");
 *   struct flow_spec udp = {.src = "10.0.0.1", .sport = 1, .dst = "1.2.3.4", .dport = 53, .proto =
 * 17}; assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &udp), SL_VERDICT_PASS);
 *   flow_rig_wait(&rig, 30000);
 */
#ifndef SL_TESTS_FLOW_RIG_H
#define SL_TESTS_FLOW_RIG_H

#include "nf/chain.h"
#include "safelib/flow.h"

enum { FLOW_RIG_ROOM = SL_PACKET_MAX + 256 };

enum { FLOW_FIN = 1, FLOW_SYN = 2, FLOW_RST = 4, FLOW_PSH = 8, FLOW_ACK = 16 };

/* A packet in words. Addresses decide the IP version. Zero is a good value for all the others. */
struct flow_spec {
    const char *src, *dst;
    uint16_t sport, dport; /* ICMP queries: the identifier is sport */
    uint8_t proto;         /* 6, 17, 1, 58, others */
    uint8_t flags;         /* TCP: FLOW_* */
    uint32_t seq, ack;
    uint16_t window;      /* TCP: 0 is 65535 */
    uint8_t window_scale; /* TCP, with SYN: option, where not 0 */
    uint8_t icmp_type, icmp_code;
    const struct flow_spec *about; /* ICMP errors: the packet inside */
    uint32_t payload;              /* bytes */
    bool is_checksum_bad;
    bool has_no_checksum; /* UDP */
    uint8_t ttl;          /* 0 is 64 */
};

/* Writes the packet with all its checksums. @return its size */
uint32_t flow_packet_write(const struct flow_spec *spec, uint8_t *out, uint32_t room);
/* The same, parsed: `packet` and its bytes are the caller's. Fails the test where it is malformed.
 */
void flow_packet_make(const struct flow_spec *spec, uint8_t port_in, uint8_t *buffer, uint32_t room,
                      struct sl_packet *packet);
/* True where every checksum of the packet is right. */
bool flow_packet_is_sound(const struct sl_packet *packet);
/* The packet the other way: addresses, ports, ICMP type. */
struct flow_spec flow_spec_turn(const struct flow_spec *spec);

/* A bundle of format 2 with one NF or more. @return its size */
struct flow_rig_nf {
    const char *name;
    const void *policy;
    uint32_t size;
    const char *options; /* "flows=1000 udp=30"; or NULL */
};
uint32_t flow_bundle_write(uint64_t version, const struct flow_rig_nf *nfs, uint32_t count,
                           uint8_t *out, uint32_t room);

/* What NFs emitted during ticks; the newest. */
struct flow_rig_emitted {
    enum sl_port port;
    uint32_t size;
    uint8_t data[2048];
};

struct flow_rig {
    struct sl_chain *chain;
    uint64_t now_ms, unix_ms;
    uint32_t emitted_count;
    struct flow_rig_emitted emitted[16]; /* emitted_count modulo 16 */
    struct sl_packet packet;             /* of the last flow_rig_send, as the chain left it */
    uint8_t buffer[FLOW_RIG_ROOM];
};

/* One NF by name. Fails the test where the chain is refused. */
void flow_rig_init(struct flow_rig *rig, const char *nf, const void *policy, uint32_t size,
                   const char *options);
void flow_rig_init_chain(struct flow_rig *rig, const struct flow_rig_nf *nfs, uint32_t count);
/* The next version of the chain takes over, as at a live reload. */
void flow_rig_reload(struct flow_rig *rig, const struct flow_rig_nf *nfs, uint32_t count);
void flow_rig_done(struct flow_rig *rig);

/* One packet. @return its verdict; rig->packet is what became of it */
uint8_t flow_rig_send(struct flow_rig *rig, uint8_t port_in, const struct flow_spec *spec);
/* Raw packets of one burst, at most SL_BURST_MAX. */
void flow_rig_burst(struct flow_rig *rig, struct sl_packet *const *packets, uint32_t count);
/* Time passes, with a tick each 100 ms (each second beyond a minute). */
void flow_rig_wait(struct flow_rig *rig, uint64_t ms);
/* A counter by its name: the NF's own, or "flow table: flows"; of the first NF. */
uint64_t flow_rig_counter(const struct flow_rig *rig, const char *name);

#endif
