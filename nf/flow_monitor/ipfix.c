/* SPDX-License-Identifier: Apache-2.0 */
/* IPFIX messages: RFC 7011 3 (formats), 8.4 (templates over UDP), 10.3 (UDP). */
#include "flow_monitor/ipfix.h"

#include <stdlib.h>
#include <string.h>

#include "flow_monitor/format.h"
#include "safelib/bytes.h"
#include "safelib/checksum.h"

enum {
    IPFIX_VERSION = 10,
    SET_TEMPLATE = 2,
    TEMPLATE4 = 256,
    TEMPLATE6 = 257,
    HEADER_SIZE = 16,
    SET_HEADER_SIZE = 4,
    UDP_SIZE = 8,
    PROTO_UDP = 17,
    HOPS = 64,
    FIELD_COUNT = 18,
};

/* IANA's IPFIX information elements, in the order in which put_record writes them. */
static const struct {
    uint16_t id4, id6, size4, size6;
} fields[FIELD_COUNT] = {
    {8, 27, 4, 16},   /* sourceIPv4Address, sourceIPv6Address */
    {12, 28, 4, 16},  /* destinationIPv4Address, destinationIPv6Address */
    {7, 7, 2, 2},     /* sourceTransportPort */
    {11, 11, 2, 2},   /* destinationTransportPort */
    {4, 4, 1, 1},     /* protocolIdentifier */
    {5, 5, 1, 1},     /* ipClassOfService */
    {6, 6, 2, 2},     /* tcpControlBits */
    {32, 139, 2, 2},  /* icmpTypeCodeIPv4, icmpTypeCodeIPv6 */
    {60, 60, 1, 1},   /* ipVersion */
    {10, 10, 4, 4},   /* ingressInterface: 1 LAN, 2 WAN */
    {14, 14, 4, 4},   /* egressInterface */
    {61, 61, 1, 1},   /* flowDirection: 0 ingress, as seen from the LAN: what comes in by the WAN */
    {136, 136, 1, 1}, /* flowEndReason */
    {148, 148, 8, 8}, /* flowId: the same for both directions */
    {152, 152, 8, 8}, /* flowStartMilliseconds */
    {153, 153, 8, 8}, /* flowEndMilliseconds */
    {2, 2, 8, 8},     /* packetDeltaCount */
    {1, 1, 8, 8},     /* octetDeltaCount */
};

static uint32_t record_size(bool is_v6)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        size += is_v6 ? fields[i].size6 : fields[i].size4;
    }
    return size;
}

static uint32_t ip_size(const struct fm_config *config)
{
    return config->ip_version == 4 ? 20 : 40;
}

sl_rc fm_exporter_init(struct fm_exporter *exporter, const struct fm_config *config)
{
    *exporter = (struct fm_exporter){.config = config, .domain = config->domain};
    for (int i = 0; i < 2; i++) {
        exporter->queues[i].records = calloc(FM_QUEUE_COUNT, sizeof(struct fm_record));
        if (exporter->queues[i].records == NULL) {
            fm_exporter_done(exporter);
            return SL_NO_MEMORY;
        }
    }
    return SL_OK;
}

void fm_exporter_done(struct fm_exporter *exporter)
{
    for (int i = 0; i < 2; i++) {
        free(exporter->queues[i].records);
        exporter->queues[i].records = NULL;
    }
}

/* Written by the shard's thread, read by the control thread. */
static void set(uint64_t *counter, uint64_t value)
{
    __atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

void fm_exporter_put(struct fm_exporter *exporter, uint8_t ip_version,
                     const struct fm_record *record)
{
    struct fm_queue *queue = &exporter->queues[ip_version == 6];
    if (queue->count == FM_QUEUE_COUNT) {
        set(&exporter->lost, exporter->lost + 1);
        return;
    }
    queue->records[(queue->first + queue->count) % FM_QUEUE_COUNT] = *record;
    queue->count++;
    set(&exporter->waiting, exporter->waiting + 1);
}

static void put_template(struct sl_writer *w, bool is_v6)
{
    sl_writer_be16(w, is_v6 ? TEMPLATE6 : TEMPLATE4);
    sl_writer_be16(w, FIELD_COUNT);
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        sl_writer_be16(w, is_v6 ? fields[i].id6 : fields[i].id4);
        sl_writer_be16(w, is_v6 ? fields[i].size6 : fields[i].size4);
    }
}

static void put_record(struct sl_writer *w, bool is_v6, const struct fm_record *record,
                       uint64_t boot_unix_ms)
{
    sl_writer_bytes(w, record->src, is_v6 ? 16 : 4);
    sl_writer_bytes(w, record->dst, is_v6 ? 16 : 4);
    sl_writer_be16(w, record->sport);
    sl_writer_be16(w, record->dport);
    sl_writer_u8(w, record->proto);
    sl_writer_u8(w, record->tos);
    sl_writer_be16(w, record->tcp_flags);
    sl_writer_be16(w, record->icmp);
    sl_writer_u8(w, is_v6 ? 6 : 4);
    sl_writer_be32(w, record->port_in == SL_PORT_LAN ? 1 : 2);
    sl_writer_be32(w, record->port_in == SL_PORT_LAN ? 2 : 1);
    sl_writer_u8(w, record->port_in == SL_PORT_LAN ? 1 : 0);
    sl_writer_u8(w, record->end);
    sl_writer_be64(w, record->flow_id);
    sl_writer_be64(w, boot_unix_ms + record->start_ms);
    sl_writer_be64(w, boot_unix_ms + record->end_ms);
    sl_writer_be64(w, record->packets);
    sl_writer_be64(w, record->bytes);
}

/* RFC 7011 3.1; the length is filled in at the end. */
static void put_header(struct sl_writer *w, const struct fm_exporter *exporter, uint64_t unix_ms)
{
    sl_writer_be16(w, IPFIX_VERSION);
    sl_writer_be16(w, 0);
    sl_writer_be32(w, (uint32_t)(unix_ms / 1000));
    sl_writer_be32(w, exporter->sequence);
    sl_writer_be32(w, exporter->domain);
}

/* Headers in front of a message of `size` bytes; the checksums last. */
static void seal(const struct fm_config *config, uint8_t *packet, uint32_t size)
{
    uint32_t ip = ip_size(config);
    uint32_t width = config->ip_version == 4 ? 4 : 16;
    uint32_t at = config->ip_version == 4 ? 12 : 8;
    uint8_t *udp = packet + ip;
    memset(packet, 0, ip + UDP_SIZE);
    memcpy(packet + at, config->exporter, width);
    memcpy(packet + at + width, config->collector, width);
    sl_be16_put(udp, config->source_port);
    sl_be16_put(udp + 2, config->collector_port);
    sl_be16_put(udp + 4, (uint16_t)(UDP_SIZE + size));
    if (config->ip_version == 4) {
        packet[0] = 0x45;
        sl_be16_put(packet + 2, (uint16_t)(ip + UDP_SIZE + size));
        packet[6] = 0x40; /* DF: the identification may be anything (RFC 6864 4.1) */
        packet[8] = HOPS;
        packet[9] = PROTO_UDP;
        sl_be16_put(packet + 10, sl_checksum_fold(sl_checksum_add(0, packet, ip)));
    } else {
        packet[0] = 0x60;
        sl_be16_put(packet + 4, (uint16_t)(UDP_SIZE + size));
        packet[6] = PROTO_UDP;
        packet[7] = HOPS;
    }
    uint64_t sum =
        sl_checksum_pseudo(packet + at, packet + at + width, width, PROTO_UDP, UDP_SIZE + size);
    uint16_t check = sl_checksum_fold(sl_checksum_add(sum, udp, UDP_SIZE + size));
    sl_be16_put(udp + 6, check == 0 ? 0xffff : check); /* RFC 768 */
}

static bool send_message(struct fm_exporter *exporter, uint8_t *packet, struct sl_writer *w,
                         struct sl_emit *emit)
{
    const struct fm_config *config = exporter->config;
    uint32_t size = (uint32_t)w->off;
    uint32_t off = ip_size(config) + UDP_SIZE;
    sl_be16_put(packet + off + 2, (uint16_t)size);
    seal(config, packet, size);
    if (sl_emit_packet(emit, config->port, packet, off + size) != SL_OK) {
        return false;
    }
    set(&exporter->messages, exporter->messages + 1);
    return true;
}

static bool send_templates(struct fm_exporter *exporter, uint64_t unix_ms, struct sl_emit *emit)
{
    uint8_t packet[SL_FM_PACKET_MIN];
    uint32_t off = ip_size(exporter->config) + UDP_SIZE;
    struct sl_writer w;
    sl_writer_init(&w, packet + off, sizeof(packet) - off);
    put_header(&w, exporter, unix_ms);
    sl_writer_be16(&w, SET_TEMPLATE);
    sl_writer_be16(&w, SET_HEADER_SIZE + 2 * (4 + 4 * FIELD_COUNT));
    put_template(&w, false);
    put_template(&w, true);
    return w.rc == SL_OK && send_message(exporter, packet, &w, emit);
}

/* One message of one family; the records leave the queue when it is taken. */
static bool send_records(struct fm_exporter *exporter, bool is_v6, uint64_t boot_unix_ms,
                         uint64_t unix_ms, struct sl_emit *emit)
{
    uint8_t packet[SL_FM_PACKET_MAX];
    struct fm_queue *queue = &exporter->queues[is_v6];
    uint32_t off = ip_size(exporter->config) + UDP_SIZE;
    uint32_t one = record_size(is_v6);
    uint32_t count = (exporter->config->packet_max - off - HEADER_SIZE - SET_HEADER_SIZE) / one;
    count = count < queue->count ? count : queue->count;
    struct sl_writer w;
    sl_writer_init(&w, packet + off, sizeof(packet) - off);
    put_header(&w, exporter, unix_ms);
    sl_writer_be16(&w, is_v6 ? TEMPLATE6 : TEMPLATE4);
    sl_writer_be16(&w, (uint16_t)(SET_HEADER_SIZE + count * one));
    for (uint32_t i = 0; i < count; i++) {
        put_record(&w, is_v6, &queue->records[(queue->first + i) % FM_QUEUE_COUNT], boot_unix_ms);
    }
    if (w.rc != SL_OK || !send_message(exporter, packet, &w, emit)) {
        return false;
    }
    queue->first = (queue->first + count) % FM_QUEUE_COUNT;
    queue->count -= count;
    exporter->sequence += count;
    set(&exporter->records, exporter->records + count);
    set(&exporter->waiting, exporter->waiting - count);
    return true;
}

void fm_exporter_send(struct fm_exporter *exporter, uint64_t now_ms, uint64_t unix_ms,
                      struct sl_emit *emit)
{
    if (unix_ms == 0 || unix_ms < now_ms) {
        return;
    }
    if (now_ms >= exporter->templates_due_ms) {
        if (!send_templates(exporter, unix_ms, emit)) {
            return; /* records are of no use without them */
        }
        exporter->templates_due_ms = now_ms + exporter->config->template_ms;
    }
    uint32_t left = FM_MESSAGES_PER_TICK;
    for (int i = 0; i < 2; i++) {
        while (exporter->queues[i].count > 0 && left-- > 0 &&
               send_records(exporter, i == 1, unix_ms - now_ms, unix_ms, emit)) {
        }
    }
}
