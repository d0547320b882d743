/* SPDX-License-Identifier: Apache-2.0 */
/* Packets made from few words, and a chain under virtual time. */
#include "rig.h"

#include <arpa/inet.h>

#include "base/bytes.h"
#include "flow/options.h"
#include "nf/emit.h"
#include "safelib/checksum.h"
#include "unit.h"

enum { IP4 = 20, IP6 = 40, ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58, BUNDLE_MAX = 1 << 20 };

static bool is_ip6(const struct flow_spec *spec)
{
    return strchr(spec->src, ':') != NULL;
}

struct flow_spec flow_spec_turn(const struct flow_spec *spec)
{
    struct flow_spec turned = *spec;
    turned.src = spec->dst;
    turned.dst = spec->src;
    bool is_query = spec->proto == ICMP || spec->proto == ICMP6;
    turned.sport = is_query ? spec->sport : spec->dport;
    turned.dport = is_query ? spec->dport : spec->sport;
    if (is_query) {
        static const uint8_t pairs[][3] = {{ICMP, 8, 0}, {ICMP, 13, 14}, {ICMP6, 128, 129}};
        for (size_t i = 0; i < 3; i++) {
            if (pairs[i][0] == spec->proto && pairs[i][1] == spec->icmp_type) {
                turned.icmp_type = pairs[i][2];
            } else if (pairs[i][0] == spec->proto && pairs[i][2] == spec->icmp_type) {
                turned.icmp_type = pairs[i][1];
            }
        }
    }
    return turned;
}

static void fill(uint8_t *at, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(i * 7 + 1);
    }
}

static uint32_t write_tcp(const struct flow_spec *spec, uint8_t *at)
{
    uint32_t header = spec->window_scale != 0 ? 24 : 20;
    memset(at, 0, header);
    sl_be16_put(at, spec->sport);
    sl_be16_put(at + 2, spec->dport);
    sl_be32_put(at + 4, spec->seq);
    sl_be32_put(at + 8, spec->ack);
    at[12] = (uint8_t)(header / 4 << 4);
    at[13] = spec->flags;
    sl_be16_put(at + 14, spec->window != 0 ? spec->window : 65535);
    if (spec->window_scale != 0) {
        const uint8_t option[4] = {1, 3, 3, spec->window_scale};
        memcpy(at + 20, option, sizeof(option));
    }
    fill(at + header, spec->payload);
    return header + spec->payload;
}

/* Upper layer without checksum. @return its size; its checksum's offset, or 0 where there is none
 */
static uint32_t write_upper(const struct flow_spec *spec, uint8_t *at, uint32_t room,
                            uint32_t *ret_check_off)
{
    *ret_check_off = 0;
    switch (spec->proto) {
    case TCP:
        *ret_check_off = 16;
        return write_tcp(spec, at);
    case UDP:
        sl_be16_put(at, spec->sport);
        sl_be16_put(at + 2, spec->dport);
        sl_be16_put(at + 4, (uint16_t)(8 + spec->payload));
        sl_be16_put(at + 6, 0);
        fill(at + 8, spec->payload);
        *ret_check_off = spec->has_no_checksum ? 0 : 6;
        return 8 + spec->payload;
    case ICMP:
    case ICMP6:
        memset(at, 0, 8);
        at[0] = spec->icmp_type;
        at[1] = spec->icmp_code;
        *ret_check_off = 2;
        if (spec->about != NULL) {
            return 8 + flow_packet_write(spec->about, at + 8, room - 8);
        }
        sl_be16_put(at + 4, spec->sport);
        fill(at + 8, spec->payload);
        return 8 + spec->payload;
    default:
        fill(at, spec->payload);
        return spec->payload;
    }
}

static void put_checksum(const struct flow_spec *spec, const uint8_t *src, const uint8_t *dst,
                         size_t addr_size, uint8_t *l4, uint32_t size, uint32_t check_off)
{
    uint64_t sum =
        spec->proto == ICMP ? 0 : sl_checksum_pseudo(src, dst, addr_size, spec->proto, size);
    uint16_t check = sl_checksum_fold(sl_checksum_add(sum, l4, size));
    check = check == 0 && spec->proto == UDP ? 0xffff : check;
    sl_be16_put(l4 + check_off, spec->is_checksum_bad ? (uint16_t)(check ^ 0x5555) : check);
}

uint32_t flow_packet_write(const struct flow_spec *spec, uint8_t *out, uint32_t room)
{
    uint32_t check_off;
    uint8_t ttl = spec->ttl != 0 ? spec->ttl : 64;
    if (is_ip6(spec)) {
        memset(out, 0, IP6);
        out[0] = 0x60;
        out[6] = spec->proto;
        out[7] = ttl;
        assert_int_equal(inet_pton(AF_INET6, spec->src, out + 8), 1);
        assert_int_equal(inet_pton(AF_INET6, spec->dst, out + 24), 1);
        uint32_t size = write_upper(spec, out + IP6, room - IP6, &check_off);
        sl_be16_put(out + 4, (uint16_t)size);
        if (check_off != 0) {
            put_checksum(spec, out + 8, out + 24, 16, out + IP6, size, check_off);
        }
        return IP6 + size;
    }
    memset(out, 0, IP4);
    out[0] = 0x45;
    out[8] = ttl;
    out[9] = spec->proto;
    assert_int_equal(inet_pton(AF_INET, spec->src, out + 12), 1);
    assert_int_equal(inet_pton(AF_INET, spec->dst, out + 16), 1);
    uint32_t size = write_upper(spec, out + IP4, room - IP4, &check_off);
    sl_be16_put(out + 2, (uint16_t)(IP4 + size));
    sl_be16_put(out + 10, sl_checksum_fold(sl_checksum_add(0, out, IP4)));
    if (check_off != 0) {
        put_checksum(spec, out + 12, out + 16, 4, out + IP4, size, check_off);
    }
    return IP4 + size;
}

void flow_packet_make(const struct flow_spec *spec, uint8_t port_in, uint8_t *buffer, uint32_t room,
                      struct sl_packet *packet)
{
    *packet = (struct sl_packet){.data = buffer, .room = room, .port_in = port_in};
    packet->size = flow_packet_write(spec, buffer, room);
    assert_ok(sl_packet_parse(packet));
}

bool flow_packet_is_sound(const struct sl_packet *packet)
{
    struct sl_packet again = {.data = packet->data, .size = packet->size, .room = packet->room};
    if (sl_packet_parse(&again) != SL_OK) {
        return false;
    }
    bool is_4 = again.ip_version == 4;
    uint32_t header = is_4 ? (uint32_t)(again.data[0] & 15) * 4 : 0;
    if (is_4 && sl_checksum_fold(sl_checksum_add(0, again.data, header)) != 0) {
        return false;
    }
    if ((again.proto != TCP && again.proto != UDP && again.proto != ICMP && again.proto != ICMP6) ||
        (again.has & SL_PKT_FRAGMENT) != 0) {
        return true;
    }
    const uint8_t *l4 = again.data + again.l4_off;
    uint32_t size = again.size - again.l4_off;
    if (again.proto == UDP && sl_be16_get(l4 + 6) == 0) {
        return true;
    }
    uint64_t sum = again.proto == ICMP
                       ? 0
                       : sl_checksum_pseudo(again.src, again.dst, is_4 ? 4 : 16, again.proto, size);
    return sl_checksum_fold(sl_checksum_add(sum, l4, size)) == 0;
}

/* "name=value name=value" as the wire wants it. */
static size_t write_options(const char *text, uint8_t *out, size_t room)
{
    struct sl_flow_options options;
    size_t size = 0;
    sl_flow_options_default(&options);
    while (text != NULL && *text != '\0') {
        char name[32];
        unsigned long long value;
        int used = 0;
        assert_int_equal(sscanf(text, " %31[a-z0-9_]=%llu%n", name, &value, &used), 2);
        assert_ok(sl_flow_options_set(&options, name, value, NULL));
        text += used;
    }
    assert_ok(sl_flow_options_write(&options, out, room, &size));
    return size;
}

uint32_t flow_bundle_write(uint64_t version, const struct flow_rig_nf *nfs, uint32_t count,
                           uint8_t *out, uint32_t room)
{
    struct sl_writer w;
    uint8_t options[SL_FLOW_OPTIONS_MAX];
    sl_writer_init(&w, out, room);
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 2);
    sl_writer_be16(&w, (uint16_t)count);
    sl_writer_be64(&w, version);
    for (uint32_t i = 0; i < count; i++) {
        size_t size = write_options(nfs[i].options, options, sizeof(options));
        sl_writer_string(&w, nfs[i].name);
        sl_writer_be32(&w, (uint32_t)size);
        sl_writer_bytes(&w, options, size);
        sl_writer_be32(&w, nfs[i].size);
        sl_writer_bytes(&w, nfs[i].policy, nfs[i].size);
    }
    assert_ok(w.rc);
    return (uint32_t)w.off;
}

static struct sl_chain *load(uint64_t version, const struct flow_rig_nf *nfs, uint32_t count,
                             const struct sl_chain *before)
{
    const struct sl_chain_place place = {.before = before, .keys_of = before};
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    uint8_t *bundle = malloc(BUNDLE_MAX);
    assert_non_null(bundle);
    uint32_t size = flow_bundle_write(version, nfs, count, bundle, BUNDLE_MAX);
    sl_rc rc = sl_chain_create_at(bundle, size, &place, &chain, &err);
    free(bundle);
    if (rc != SL_OK) {
        fail_msg("chain refused: %s", err.text);
    }
    return chain;
}

void flow_rig_init_chain(struct flow_rig *rig, const struct flow_rig_nf *nfs, uint32_t count)
{
    memset(rig, 0, sizeof(*rig));
    rig->now_ms = 1000000;
    rig->unix_ms = 1800000000000;
    rig->chain = load(1, nfs, count, NULL);
    sl_chain_set_now(rig->chain, rig->now_ms);
}

void flow_rig_init(struct flow_rig *rig, const char *nf, const void *policy, uint32_t size,
                   const char *options)
{
    const struct flow_rig_nf one = {.name = nf, .policy = policy, .size = size, .options = options};
    flow_rig_init_chain(rig, &one, 1);
}

void flow_rig_reload(struct flow_rig *rig, const struct flow_rig_nf *nfs, uint32_t count)
{
    struct sl_chain *next = load(sl_chain_version(rig->chain) + 1, nfs, count, rig->chain);
    sl_chain_set_now(next, rig->now_ms);
    sl_chain_adopt(next, rig->chain);
    sl_chain_free(rig->chain);
    rig->chain = next;
}

void flow_rig_done(struct flow_rig *rig)
{
    sl_chain_free(rig->chain);
    rig->chain = NULL;
}

void flow_rig_burst(struct flow_rig *rig, struct sl_packet *const *packets, uint32_t count)
{
    sl_chain_set_now(rig->chain, rig->now_ms);
    sl_chain_run(rig->chain, packets, count);
}

uint8_t flow_rig_send(struct flow_rig *rig, uint8_t port_in, const struct flow_spec *spec)
{
    struct sl_packet *list[1] = {&rig->packet};
    flow_packet_make(spec, port_in, rig->buffer, sizeof(rig->buffer), &rig->packet);
    flow_rig_burst(rig, list, 1);
    return rig->packet.verdict;
}

static sl_rc keep_emitted(void *ctx, enum sl_port port, const void *data, uint32_t size)
{
    struct flow_rig *rig = ctx;
    struct flow_rig_emitted *kept = &rig->emitted[rig->emitted_count++ % 16];
    kept->port = port;
    kept->size = size;
    memcpy(kept->data, data, size < sizeof(kept->data) ? size : sizeof(kept->data));
    return SL_OK;
}

void flow_rig_wait(struct flow_rig *rig, uint64_t ms)
{
    struct sl_emit emit = {.ctx = rig, .send = keep_emitted};
    uint64_t end_ms = rig->now_ms + ms;
    uint64_t step_ms = ms > 60000 ? 1000 : SL_CHAIN_TICK_MS;
    while (rig->now_ms < end_ms) {
        uint64_t left = end_ms - rig->now_ms;
        uint64_t part = left < step_ms ? left : step_ms;
        rig->now_ms += part;
        rig->unix_ms += part;
        sl_chain_tick(rig->chain, rig->now_ms, rig->unix_ms, &emit);
    }
}

uint64_t flow_rig_counter(const struct flow_rig *rig, const char *name)
{
    uint32_t count = sl_chain_nf_counter_count(rig->chain, 0);
    for (uint32_t i = 0; i < count; i++) {
        struct sl_nf_counter counter;
        sl_chain_nf_counter_get(rig->chain, 0, i, &counter);
        if (strcmp(counter.name, name) == 0) {
            return counter.value;
        }
    }
    fail_msg("no counter \"%s\"", name);
    return 0;
}
